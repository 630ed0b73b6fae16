"""A real Postfix in a folder of its own: SMTP in on loopback, mail out into Maildirs or a program, nothing beyond."""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import smtplib
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.deliver.privileged import privileged
from tests.mailbox.daemon import free_port
from tests.support import missing, require_program

MAIN = """
compatibility_level = 3.6
queue_directory = {root}/queue
data_directory = {root}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = {root}/log/mail.log
maillog_file_prefixes = {root}
multi_instance_wrapper =
myhostname = mail.example.org
mydestination = example.org
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
local_recipient_maps =
alias_maps =
alias_database =
local_transport = {transport}
default_transport = error:nothing leaves this test
smtpd_recipient_restrictions = permit_mynetworks, reject
smtpd_client_connection_count_limit = 0
smtpd_peername_lookup = no
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_mailbox_base = {mail}
virtual_mailbox_maps = static:Maildir/
virtual_minimum_uid = 1
disable_dns_lookups = yes
local_header_rewrite_clients =
biff = no
{more}
"""
MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
{smtpd}
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
local unix - n n - - local
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
{more}
"""


class Postfix:
    """A running instance.

    Attributes:
        root: its folder.
        mail: where Maildir/ is made.
        port: where it takes mail.

    """

    def __init__(self, root, mail, port):
        self.root, self.mail, self.port = root, mail, port

    def send(self, messages, recipient="anna@example.org"):
        """Hand messages over by SMTP; gives for each "" or the refusal."""
        answers = []
        with smtplib.SMTP("127.0.0.1", self.port, timeout=60) as client:
            for message in messages:
                try:
                    # As bytes are: smtplib would mend line ends.
                    client.sendmail("", [recipient], message)
                    answers.append("")
                except smtplib.SMTPDataError as error:
                    answers.append(f"{error.smtp_code} {error.smtp_error.decode()}")
        return answers

    def run(self, *command):
        """Run one of Postfix's programs with this configuration."""
        subprocess.run([*command[:1], "-c", str(self.root / "config"), *command[1:]], check=True, timeout=60)

    def queue(self, *names):
        return [p for name in names for p in (self.root / "queue" / name).rglob("*") if p.is_file()]

    def wait_for(self, done, seconds=60):
        end = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < end, (self.root / "log" / "mail.log").read_text()[-3000:]
            time.sleep(0.05)


@contextmanager
def running(transport="virtual", main="", master="", smtpd=""):
    """Start Postfix, give it, and end it."""
    require_program("postfix")
    if os.geteuid() != 0:
        missing("Postfix starts as root only")
    user = pwd.getpwnam("nobody")
    root = Path(tempfile.mkdtemp(prefix="backscatter-postfix-"))
    root.chmod(0o755)
    mail = root / "mail"
    for place in ("config", "queue", "data", "log", "mail"):
        (root / place).mkdir()
    shutil.chown(root / "data", "postfix")
    shutil.chown(mail, user.pw_uid, user.pw_gid)
    port = free_port()
    more = main.format(root=root)
    # Postfix warns of each setting that stands twice; where nobody reads its log yet, a few warnings stop it.
    again = {line.partition("=")[0].strip() for line in more.splitlines() if "=" in line}
    settings = MAIN.format(
        root=root, mail=mail, transport=transport, uid=user.pw_uid, gid=user.pw_gid, more=""
    )
    kept = [line for line in settings.splitlines() if line.partition("=")[0].strip() not in again]
    (root / "config" / "main.cf").write_text("\n".join((*kept, more)) + "\n")
    (root / "config" / "master.cf").write_text(
        MASTER.format(port=port, smtpd=smtpd, more=master.format(root=root))
    )
    control = ["postfix", "-c", str(root / "config")]
    try:
        started = subprocess.run([*control, "start"], capture_output=True, text=True, timeout=60, check=False)
        if started.returncode:
            pytest.fail(f"{started.stdout}{started.stderr}{(root / 'log' / 'mail.log')}")
        postfix = Postfix(root, mail, port)
        with privileged(root / "sendmail", ["sendmail", "-C", str(root / "config")]):
            yield postfix
    finally:
        subprocess.run([*control, "stop"], capture_output=True, timeout=60, check=False)
        shutil.rmtree(root, ignore_errors=True)


def group_of_postfix():
    return grp.getgrnam("postfix").gr_gid
