"""A real Exim in a folder of its own: SMTP in on loopback, mail out by the routers of a test, nothing beyond.

Debian's Exim cannot be installed beside Postfix, so it is run from where
.ci/debian-unpacked put it.
"""

from __future__ import annotations

import os
import pwd
import shutil
import smtplib
import subprocess
import time
from contextlib import contextmanager

import pytest

from tests.deliver.privileged import privileged
from tests.mailbox.daemon import free_port
from tests.support import UNPACKED, missing, server_folder

PROGRAM = UNPACKED / "usr" / "sbin" / "exim4"
CONFIGURATION = """
primary_hostname = mail.example.org
domainlist local_domains = example.org
spool_directory = {root}/spool
log_file_path = {root}/log/%slog
pid_file_path = {root}/exim.pid
local_interfaces = <; 127.0.0.1
daemon_smtp_ports = {port}
never_users =
trusted_users = {user}
host_lookup =
rfc1413_hosts =
tls_advertise_hosts = {tls}
keep_environment = PATH
queue_only
accept_8bitmime
acl_smtp_rcpt = {rcpt}
acl_smtp_data = check_data
acl_not_smtp = accept
{main}

begin acl
check_data:
{acl}
  accept

{acls}

begin routers
{routers}
inbox:
  driver = accept
  domains = +local_domains
  transport = inbox

begin transports
{transports}
inbox:
  driver = appendfile
  maildir_format
  directory = {home}/Maildir
  user = {user}

begin retry
* * F,1h,1m
"""


class Exim:
    """A running instance.

    Attributes:
        root: its folder.
        client: what an ordinary user may run.

    """

    def __init__(self, root, port, configuration):
        self.root, self.port, self.configuration = root, port, configuration
        self.client = root / "exim4"

    def run(self, *arguments, **options):
        """Run the program with this configuration."""
        return subprocess.run(
            [PROGRAM, "-C", self.configuration, *arguments], capture_output=True, timeout=300, check=False, **options
        )  # fmt: skip

    def send(self, messages, recipient="anna@example.org"):
        """Hand messages over by SMTP, from the null sender."""
        with smtplib.SMTP("127.0.0.1", self.port, timeout=60) as client:
            for message in messages:
                client.sendmail("", [recipient], message)

    def deliver(self, rounds=3):
        """Run the queue as often as mail comes back into it; return how many messages are left."""
        for _ in range(rounds):
            # The child processes that deliver are waited for.
            self.run("-qff")
        return int(self.run("-bpc").stdout)

    @property
    def log(self):
        """What it has logged."""
        return "".join(path.read_text() for path in sorted((self.root / "log").iterdir()))


@contextmanager
def running(user, home, *, rcpt="accept", tls="", main="", acl="", acls="", routers="", transports=""):
    """Start Exim, give it, and end it.

    Args:
        user: whom mail is delivered as.
        home: where Maildir/ is.
        rcpt: the ACL for recipients.
        tls: to whom STARTTLS is offered.
        main: settings.
        acl: statements for the data ACL.
        acls: more ACLs.
        routers: routers in front of the one that delivers.
        transports: their transports.

    """
    with serving(
        lambda root, port: CONFIGURATION.format(
            root=root, port=port, user=user, home=home, rcpt=rcpt, tls=tls, main=main, acl=acl, acls=acls, routers=routers,
            transports=transports.replace("/usr/sbin/exim4", f"{root}/exim4"),
        )
    ) as exim, privileged(exim.client, [PROGRAM, "-C", exim.configuration]):  # fmt: skip
        yield exim


@contextmanager
def serving(write, address="127.0.0.1", port=None):
    """Start Exim with any configuration, give it, and end it.

    Args:
        write: from its folder and its port to the configuration.
        address: where it greets.
        port: which port it takes; None: a free one.

    """
    if not PROGRAM.exists():
        missing("Exim is not there (run: sh .ci/debian-unpacked .venv/debian)")
    if os.geteuid() != 0:
        missing("Exim starts as root only")
    owner = pwd.getpwnam("Debian-exim")
    root = server_folder("exim")
    for name in ("spool", "log"):
        (root / name).mkdir()
        os.chown(root / name, owner.pw_uid, owner.pw_gid)
    port = port or free_port()
    # Exim believes a configuration only where nobody but root can write it, in a folder like that.
    configuration = root / "exim.conf"
    configuration.write_text(write(root, port))
    configuration.chmod(0o644)
    process = subprocess.Popen([PROGRAM, "-C", configuration, "-bdf"], stderr=subprocess.PIPE)
    try:
        _await(process, address, port)
        yield Exim(root, port, configuration)
    finally:
        process.terminate()
        process.wait(30)
        process.stderr.close()
        shutil.rmtree(root, ignore_errors=True)


def _await(process, address, port):
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if process.poll() is not None:
            pytest.fail(f"exim ended: {process.stderr.read()}")
        try:
            smtplib.SMTP(address, port, timeout=5).quit()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("exim did not come up")
