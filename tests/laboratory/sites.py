"""The receivers that run Postfix or Exim: each takes all in for its domain, and cannot deliver most of it."""

from __future__ import annotations

import subprocess
from contextlib import ExitStack, contextmanager

from tests.deliver import exim, postfix
from tests.laboratory import dovecot
from tests.laboratory.network import (
    AHORN,
    BIRKE,
    BIRKE_STORE,
    CEDER,
    DORN,
    FILTER_IN,
    FILTER_OUT,
    GINSTER,
    ILEX,
    IRIS,
    together,
)
from tests.laboratory.own import common, listening
from tests.laboratory.store import serving
from tests.mailbox.daemon import free_port
from tests.support import UNPACKED, server_folder

POSTSRSD = UNPACKED / "usr" / "sbin" / "postsrsd"

#: Mail that waits is told of after a second, and given up a little later.
_IMPATIENT = """
delay_warning_time = 2s
maximal_queue_lifetime = 9s
minimal_backoff_time = 2s
maximal_backoff_time = 3s
queue_run_delay = 2s
"""
_BEHIND = """
relay_domains = {domain} {more}
relay_transport = smtp:[{store}]:{port}
"""
_FORWARDING = """
virtual_alias_domains = ginster.test
virtual_alias_maps = regexp:{{ {{ /^forward[.](.*)@ginster[.]test$$/ unknown.$$1@hasel.test }}, {{ /^unknown[.](.*)@ginster[.]test$$/ unknown.$$1@ahorn.test }} }}
"""
#: In its own name, by addresses that lead back (SRS).
_REWRITING = """
sender_canonical_maps = tcp:127.0.0.1:{there}
sender_canonical_classes = envelope_sender
recipient_canonical_maps = tcp:127.0.0.1:{back}
recipient_canonical_classes = envelope_recipient
"""
_EXIM = """
primary_hostname = {name}
spool_directory = {root}/spool
log_file_path = {root}/log/%slog
pid_file_path = {root}/exim.pid
local_interfaces = <; {address}
daemon_smtp_ports = {port}
exim_path = {program}
never_users =
tls_advertise_hosts =
keep_environment = PATH
accept_8bitmime
smtputf8_advertise_hosts = *
rfc1413_hosts =
host_lookup = {looks}
qualify_domain = {domain}
delay_warning = 1s
smtp_accept_max = 100
smtp_accept_queue_per_connection = 0
smtp_accept_max_per_connection = 0
acl_smtp_rcpt = check_rcpt
acl_not_smtp = accept
{main}

begin acl
check_rcpt:
  accept domains = {domain}
  deny message = relay not permitted

begin routers
forward:
  driver = redirect
  domains = {domain}
  local_parts = ^forward[.]
  data = unknown.${{sg{{$local_part}}{{^forward[.]}}{{}}}}@hasel.test

away:
  driver = accept
  domains = {domain}
  local_parts = ^away[.]
  transport = away

inside:
  driver = manualroute
  domains = {domain}
  route_list = * 127.0.0.1::{store}
  self = send
  transport = inside

outside:
  driver = dnslookup
  domains = ! {domain}
  transport = outside

begin transports
inside:
  driver = smtp
  allow_localhost
  hosts_try_fastopen =

outside:
  driver = smtp
  interface = {address}
  hosts_try_fastopen =

away:
  driver = autoreply
  to = $sender_address
  from = $local_part@$domain
  subject = Re: $h_subject:
  text = I am away until Monday.
  user = Debian-exim
  headers = ${{if def:h_message-id:{{In-Reply-To: $h_message-id:}}}}

begin retry
* * F,4s,1s
"""


def _exim(host, store, main="", looks=""):
    domain = host.name.partition(".")[2]
    return exim.serving(
        lambda root, port: _EXIM.format(
            name=host.name, root=root, address=host.address, port=port, domain=domain, store=store, main=main, looks=looks,
            program=exim.PROGRAM,
        ),
        address=host.address,
        port=25,
    )  # fmt: skip


@contextmanager
def _srs(domain):
    """Run PostSRSd; gives its ports: for senders that are written anew, and for the way back."""
    secret, ports = server_folder("postsrsd") / "secret", (free_port(), free_port())
    secret.write_text("not told to anybody\n")
    command = [POSTSRSD, "-4", f"-f{ports[0]}", f"-r{ports[1]}", f"-d{domain}", f"-s{secret}"]
    with subprocess.Popen(command) as process:
        try:
            yield ports
        finally:
            process.terminate()


@contextmanager
def running(passwords, domains):
    """Start those that are receivers of *domains*, and the provider; gives the Postfixes and the Exims."""
    with ExitStack() as stack:
        servers = []

        def postfix_at(host, main, master=""):
            servers.append(postfix.running(main=common(host) + main, master=listening(host) + master))

        def exim_at(host, **options):
            store = stack.enter_context(serving(f"backend.{host.name.partition('.')[2]}"))
            servers.append(_exim(host, store.port, **options))

        postfix_at(
            ILEX, f"smtpd_sasl_auth_enable = yes\nsmtpd_sasl_type = dovecot\nsmtpd_sasl_path = {passwords}\n"
        )
        # The forwarders and the filter send mail on to it, too.
        if domains & {"ahorn.test", "ginster.test", "iris.test", "kiefer.test"}:
            store = stack.enter_context(serving("store.ahorn.test")).port
            postfix_at(
                AHORN,
                _IMPATIENT
                + _BEHIND.format(domain="ahorn.test", more="kiefer.test", store="127.0.0.1", port=store),
            )
        if "kiefer.test" in domains:
            behind = _BEHIND.format(domain="kiefer.test", more="", store=AHORN.address, port=25)
            postfix_at(
                FILTER_IN,
                f"{behind}smtp_bind_address = {FILTER_OUT.address}\nsmtp_helo_name = {FILTER_OUT.name}\n",
            )
        if "birke.test" in domains:
            inside = "mynetworks = 127.0.0.0/8 10.20.0.0/24\n"
            postfix_at(
                BIRKE,
                inside + _BEHIND.format(domain="birke.test", more="", store=BIRKE_STORE.address, port=25),
            )
            postfix_at(
                BIRKE_STORE,
                f"{inside}relayhost = [{BIRKE.address}]\nmydestination = birke.test\n"
                f"local_transport = lmtp:inet:[{dovecot.LMTP[0]}]:{dovecot.LMTP[1]}\n",
                "lmtp unix - - n - - lmtp\n",
            )
        if "ginster.test" in domains:
            postfix_at(GINSTER, _FORWARDING)
        if "iris.test" in domains:
            there, back = stack.enter_context(_srs("iris.test"))
            here = _FORWARDING.replace("ginster", "iris")
            postfix_at(IRIS, here + _REWRITING.format(there=there, back=back))
        if "ceder.test" in domains:
            exim_at(CEDER, looks="*")
        if "dorn.test" in domains:
            exim_at(DORN, main="bounce_return_body = false")
        started = stack.enter_context(together(servers))
        yield (
            [s for s in started if isinstance(s, postfix.Postfix)],
            [s for s in started if isinstance(s, exim.Exim)],
        )
