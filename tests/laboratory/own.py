"""The protected domain's own mail system: submission with passwords, a relay that signs, and what takes mail in."""

from __future__ import annotations

import socket
import subprocess
import time
from contextlib import contextmanager

from tests.deliver import postfix
from tests.keys import rsa_key
from tests.laboratory.network import DOMAIN, EXCHANGER, RELAY, SELECTOR, SUBMISSION, together
from tests.mailbox.daemon import free_port
from tests.support import require_program, server_folder

KEY = rsa_key(1024)
#: Where people submit; at the second nothing is noted of who it was.
SUBMISSION_PORT, SILENT_PORT = 587, 2587
_COMMON = """
myhostname = {name}
mydomain = example.org
inet_interfaces = {address}
disable_dns_lookups = no
smtpd_peername_lookup = yes
mydestination =
smtpd_recipient_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination
smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination
default_transport = smtp
virtual_mailbox_domains =
"""
_SMTP = """
smtp unix - - n - - smtp
"""
_SUBMISSION = """
local_header_rewrite_clients = permit_mynetworks, permit_sasl_authenticated
relayhost = [{relay}]
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = {socket}
smtpd_sasl_authenticated_header = yes
"""
_SIGNING = """
local_header_rewrite_clients = permit_mynetworks
smtpd_milters = inet:127.0.0.1:{signer}
milter_default_action = tempfail
minimal_backoff_time = 3s
maximal_backoff_time = 3s
queue_run_delay = 3s
"""
#: What our own servers do not take for ourselves, and what the server behind it does not.
_REFUSING = """
smtpd_sender_restrictions = check_recipient_access regexp:{{
    {{ /^unknown[.].*@example[.]org$$/ 550 5.1.1 User unknown in local recipient table }},
    {{ /^slow[.].*@example[.]org$$/ 450 4.7.1 Try again later }} }}
header_checks = regexp:{{ {{ /^To:.*[ <]spam[.].*@example[.]org/ REJECT Message looks like spam }} }}
nested_header_checks =
"""
_FULL = """
smtpd_sender_restrictions = check_recipient_access regexp:{{ {{ /^full[.]/ 552 5.2.2 Mailbox is full }} }}
"""
_OPENDKIM = """
Mode s
Socket inet:{port}@127.0.0.1
Domain {domain}
Selector {selector}
KeyFile {folder}/key.pem
InternalHosts 192.0.2.0/24
Canonicalization relaxed/simple
Syslog no
Background no
RequireSafeKeys no
UserID opendkim
"""


@contextmanager
def _signer():
    """Run OpenDKIM; gives its port."""
    program = require_program("opendkim")
    folder, port = server_folder("opendkim"), free_port()
    (folder / "key.pem").write_bytes(KEY.private)
    (folder / "key.pem").chmod(0o644)
    (folder / "conf").write_text(_OPENDKIM.format(port=port, domain=DOMAIN, selector=SELECTOR, folder=folder))
    with subprocess.Popen([program, "-f", "-x", folder / "conf"]) as process:
        try:
            end = time.monotonic() + 20
            while socket.socket().connect_ex(("127.0.0.1", port)):
                assert process.poll() is None, "opendkim ended"
                assert time.monotonic() < end, "opendkim did not come up"
                time.sleep(0.05)
            yield port
        finally:
            process.terminate()


def common(host):
    """Return the settings that all of the laboratory's Postfixes have."""
    return _COMMON.format(name=host.name, address=host.address)


def listening(host, *ports, options=""):
    """Return the lines of master.cf for these ports, and for sending."""
    return (
        "".join(f"{host.address}:{port} inet n - n - - smtpd\n{options}" for port in ports or (25,)) + _SMTP
    )


@contextmanager
def running(passwords):
    """Start all of it; gives the Postfix that takes mail in, whose Maildir fills with reports, and the others.

    *passwords* is the socket at which Dovecot checks them.
    """
    inside = "mynetworks = 127.0.0.0/8 192.0.2.0/24\n"
    silent = (
        f"{SUBMISSION.address}:{SILENT_PORT} inet n - n - - smtpd\n -o smtpd_sasl_authenticated_header=no\n"
    )
    with _signer() as signer:
        servers = (
            postfix.running(
                main=common(EXCHANGER) + inside + _FULL + f"mydestination = {DOMAIN}\n",
                master=listening(EXCHANGER),
            ),
            postfix.running(
                main=common(RELAY) + inside + _SIGNING.format(signer=signer) + _REFUSING,
                master=listening(RELAY),
            ),
            postfix.running(
                main=common(SUBMISSION)
                + inside
                + _SUBMISSION.format(relay=RELAY.address, socket=passwords)
                + _REFUSING,
                master=silent + listening(SUBMISSION, 25, SUBMISSION_PORT),
            ),
        )
        with together(servers) as (incoming, *relays):
            yield incoming, relays
