"""Real mail servers of good and bad habits, and what becomes of the mail that they let out."""

from __future__ import annotations

import shutil
import smtplib
import socket
import subprocess
import time
from contextlib import ExitStack, contextmanager

from tests.deliver import exim, postfix
from tests.mailbox.dovecot import free_port, make_certificates
from tests.support import require_program, server_folder

#: The server knows these; everybody else is unknown.
_POSTFIX = """
local_recipient_maps = {known}
smtpd_recipient_restrictions = permit
smtpd_reject_unlisted_recipient = {unlisted}
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
mynetworks = {networks}
virtual_mailbox_maps = inline:{{{{ anna@example.org=Maildir/, postmaster@example.org=Maildir/ }}}}
virtual_alias_maps = inline:{{{{ moved@example.org=moved@elsewhere.test }}}}
transport_maps = inline:{{{{ {{{{ full@example.org = error:5.2.2 mailbox full }}}}, {{{{ spam@example.org = error:5.7.1 this looks like spam }}}}, {{{{ elsewhere.test = smtp:[127.0.0.1]:{refusing} }}}} }}}}
default_transport = smtp:[127.0.0.1]:{outside}
bounce_queue_lifetime = 1d
smtpd_tls_security_level = may
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {key}
"""
_SMTP = """
smtp unix - - n - - smtp
tlsmgr unix - - n 1000? 1 tlsmgr
"""
_EXIM_MAIN = """
log_selector = +smtp_no_mail +smtp_connection
exim_path = {program}
acl_smtp_mail = told_mail
acl_smtp_predata = told_data
qualify_domain = example.org
"""
_EXIM_ROUTERS = """
moved:
  driver = redirect
  domains = +local_domains
  local_parts = moved
  data = moved@elsewhere.test

full:
  driver = redirect
  domains = +local_domains
  local_parts = full : spam
  allow_fail
  data = :fail: ${if eq{$local_part}{full}{552 5.2.2 mailbox full}{554 5.7.1 this looks like spam}}

absent:
  driver = redirect
  domains = +local_domains
  local_parts = absent
  data = anna@example.org
  unseen
  no_verify

away:
  driver = accept
  domains = +local_domains
  local_parts = absent
  transport = away
  unseen
  no_verify

elsewhere:
  driver = manualroute
  domains = elsewhere.test
  route_list = * 127.0.0.1::REFUSING
  self = send
  transport = smtp

outside:
  driver = manualroute
  domains = ! +local_domains
  route_list = * 127.0.0.1::OUTSIDE
  self = send
  transport = smtp

nobody:
  driver = redirect
  domains = +local_domains
  local_parts = ! anna : ! postmaster : ! absent
  allow_fail
  data = :fail: Unrouteable address
"""
_EXIM_TRANSPORTS = """
smtp:
  driver = smtp
  allow_localhost
  hosts_try_fastopen =

away:
  driver = autoreply
  to = $sender_address
  from = absent@example.org
  subject = away
  text = I am away.
  user = Debian-exim
"""
_EXIM_RCPT = """
told_mail:
  accept logwrite = told MAIL
told_data:
  accept logwrite = told DATA
check_rcpt:
  deny  !domains = +local_domains
        message = 5.7.1 relay not permitted
  require verify = recipient
  accept
"""


@contextmanager
def sink(*options):
    """Run a server that takes mail, or by -f refuses it, and throws it away; gives its port."""
    program = require_program("smtp-sink", "postfix")
    port = free_port()
    with subprocess.Popen([program, "-u", "nobody", *options, f"127.0.0.1:{port}", "20"]) as process:
        try:
            for _ in range(200):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.02)
            yield port
        finally:
            process.terminate()


@contextmanager
def both_sinks():
    """Run a server that takes mail and one that refuses recipients; gives their ports."""
    with ExitStack() as stack:
        yield stack.enter_context(sink()), stack.enter_context(sink("-f", "rcpt"))


@contextmanager
def certificates():
    """Make a folder of certificates that a server finds; gives it."""
    folder = server_folder("certificates")
    try:
        make_certificates(folder)
        (folder / "key.pem").chmod(0o644)
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def running_postfix(folder, *, good):
    """Run a Postfix that refuses unknown recipients, or one that takes all and relays for anybody."""
    with both_sinks() as (outside, refusing):
        main = _POSTFIX.format(
            known="$virtual_mailbox_maps" if good else "",
            unlisted="yes" if good else "no",
            networks="192.0.2.0/24" if good else "0.0.0.0/0",
            outside=outside, refusing=refusing, certificate=folder / "cert.pem", key=folder / "key.pem",
        )  # fmt: skip
        with postfix.running(main=main, master=_SMTP) as server:
            server.logs = [server.root / "log" / "mail.log"]
            yield server


@contextmanager
def running_exim(folder, *, good):
    """Run an Exim that verifies recipients, or one that takes all and relays for anybody."""
    (folder / "mail").mkdir(exist_ok=True)
    shutil.chown(folder / "mail", "nobody")
    with both_sinks() as (outside, refusing):
        routers = _EXIM_ROUTERS.replace("OUTSIDE", str(outside)).replace("REFUSING", str(refusing))
        with exim.running(
            "nobody",
            folder / "mail",
            rcpt="check_rcpt" if good else "accept",
            tls="*",
            main=_EXIM_MAIN.format(program=exim.PROGRAM)
            + f"tls_certificate = {folder}/cert.pem\ntls_privatekey = {folder}/key.pem\n",
            acls=_EXIM_RCPT,
            routers=routers,
            transports=_EXIM_TRANSPORTS,
        ) as server:
            server.logs = [server.root / "log" / "mainlog"]
            yield server


def write_in(port, recipients, sender="victim@remote.test"):
    """Hand one message for each recipient in."""
    with smtplib.SMTP("127.0.0.1", port, timeout=30) as client:
        for number, recipient in enumerate(recipients):
            client.sendmail(
                sender,
                [recipient],
                f"From: {sender}\nSubject: buy\nMessage-ID: <{number}@remote.test>\n\nbuy\n",
            )
