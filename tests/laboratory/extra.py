"""The receivers that run what is unpacked, not installed: Sendmail and OpenSMTPD."""

from __future__ import annotations

import socket
import subprocess
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.deliver import exim
from tests.laboratory.network import ESCHE, FICHTE
from tests.laboratory.store import serving
from tests.support import UNPACKED, find_program, require_program, server_folder

_SENDMAIL = UNPACKED / "usr" / "libexec" / "sendmail" / "sendmail"
_MACROS = UNPACKED / "usr" / "share" / "sendmail" / "cf"
_OPENSMTPD = UNPACKED / "usr" / "sbin" / "smtpd"
_SENDMAIL_CONFIGURATION = """divert(0)dnl
OSTYPE(`linux')dnl
define(`confDOMAIN_NAME',`{name}')dnl
define(`QUEUE_DIR',`{folder}/queue')dnl
define(`confPID_FILE',`{folder}/pid')dnl
define(`ALIAS_FILE',`{folder}/aliases')dnl
define(`STATUS_FILE',`{folder}/statistics')dnl
define(`HELP_FILE',`{folder}/help')dnl
define(`MAIL_HUB',`relay:[127.0.0.1]')dnl
define(`RELAY_MAILER_ARGS',`TCP $h {store}')dnl
define(`confTO_QUEUEWARN',`2s')dnl
define(`confTO_QUEUERETURN',`8s')dnl
define(`confDONT_PROBE_INTERFACES',`True')dnl
define(`confDONT_BLAME_SENDMAIL',`MapInUnsafeDirPath')dnl
define(`confQUEUE_LA',`100')dnl
define(`confREFUSE_LA',`200')dnl
FEATURE(`no_default_msa')dnl
DAEMON_OPTIONS(`Name=MTA, Family=inet, Addr={address}, Port=25')dnl
CLIENT_OPTIONS(`Family=inet, Address={address}')dnl
FEATURE(`nouucp',`reject')dnl
FEATURE(`accept_unresolvable_domains')dnl
MAILER(`local')dnl
MAILER(`smtp')dnl
LOCAL_CONFIG
Cw{domain}
"""
_OPENSMTPD_CONFIGURATION = """
listen on {address} port 25 hostname {name}
bounce warn-interval 2s
action inside relay host smtp://127.0.0.1:{store} helo {name}
action outside relay src {address} helo {name}
match from any for domain "{domain}" action inside
match for any action outside
match from local for any action outside
"""


def available():
    """Return the software of ``plan.SITES`` that can be run here, by first words."""
    found = {"none"}
    if find_program("postfix"):
        found.add("Postfix")
    if exim.PROGRAM.exists():
        found.add("Exim")
    if _SENDMAIL.exists() and find_program("m4"):
        found.add("Sendmail")
    if _OPENSMTPD.exists():
        found.add("OpenSMTPD")
    return found


@contextmanager
def running(recipients):
    """Start those that are domains of *recipients*; gives the folders in which their mail waits."""
    queues = []
    with ExitStack() as stack:
        if ours := [a.partition("@")[0] for a in recipients if a.endswith("@esche.test")]:
            queues.append(stack.enter_context(_sendmail(ours)))
        if any(a.endswith("@fichte.test") for a in recipients):
            queues.append(stack.enter_context(_opensmtpd()))
        yield queues


@contextmanager
def _started(command, host, folder):
    """Run a server in the foreground from when it takes connections."""
    said = folder / "output"
    with said.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            end = time.monotonic() + 20
            while socket.socket().connect_ex((host.address, 25)):
                assert process.poll() is None, said.read_text()
                assert time.monotonic() < end, said.read_text()
                time.sleep(0.05)
            yield
        finally:
            process.terminate()


def _values(host, folder, store):
    return {"name": host.name, "address": host.address, "domain": host.name.partition(".")[2], "folder": folder, "store": store.port}  # fmt: skip


@contextmanager
def _sendmail(recipients):
    folder = server_folder("sendmail")
    (folder / "queue").mkdir()
    with serving("store.esche.test") as store:
        (folder / "sendmail.mc").write_text(_SENDMAIL_CONFIGURATION.format(**_values(ESCHE, folder, store)))
        made = subprocess.run(
            [require_program("m4"), f"-D_CF_DIR_={_MACROS}/", _MACROS / "m4" / "cf.m4", folder / "sendmail.mc"],
            capture_output=True, check=True,
        )  # fmt: skip
        (folder / "sendmail.cf").write_bytes(made.stdout)
        forwards = [
            f"{a}: {a.replace('forward.', 'unknown.')}@hasel.test\n"
            for a in recipients
            if a.startswith("forward.")
        ]
        (folder / "aliases").write_text(
            "".join(["postmaster: /dev/null\nMAILER-DAEMON: postmaster\n", *forwards])
        )
        subprocess.run([_SENDMAIL, f"-C{folder}/sendmail.cf", "-bi"], capture_output=True, check=True)
        command = [_SENDMAIL, "-bD", f"-C{folder}/sendmail.cf", "-q2s"]
        with _started(command, ESCHE, folder):
            yield folder / "queue"


@contextmanager
def _opensmtpd():
    folder = server_folder("opensmtpd")
    # It is built for fixed places and users; the namespace has its own of both.
    for place in ("/var/lib", "/var/spool", "/run"):
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", place], check=True)
    subprocess.run(["mkdir", "-p", "/var/lib/opensmtpd/empty", "/var/spool/smtpd"], check=True)
    subprocess.run(["chmod", "711", "/var/spool/smtpd"], check=True)
    for name, lines in (
        ("passwd", "opensmtpd:x:64001:64001::/var/lib/opensmtpd/empty:/bin/false\nopensmtpq:x:64002:64002::/var/lib/opensmtpd/empty:/bin/false\n"),
        ("group", "opensmtpd:x:64001:\nopensmtpq:x:64002:\n"),
    ):  # fmt: skip
        with open(f"/etc/{name}") as known:
            (folder / name).write_text(known.read() + lines)
        (folder / name).chmod(0o644)
        subprocess.run(["mount", "--bind", folder / name, f"/etc/{name}"], check=True)
    with serving("store.fichte.test") as store:
        (folder / "smtpd.conf").write_text(_OPENSMTPD_CONFIGURATION.format(**_values(FICHTE, folder, store)))
        with _started([_OPENSMTPD, "-d", "-f", folder / "smtpd.conf"], FICHTE, folder):
            yield Path("/var/spool/smtpd/queue")
