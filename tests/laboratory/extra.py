"""What is unpacked, not installed: Sendmail and OpenSMTPD here, and the others that have a file of their own."""

from __future__ import annotations

import subprocess
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.deliver import exim
from tests.laboratory import chasquid, courier, sites, small
from tests.laboratory.network import ESCHE, FICHTE
from tests.laboratory.places import started
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
    """Return the software that the plan names and that can be run here, by first words."""
    found = {"none"}
    if find_program("postfix"):
        found.add("Postfix")
    if exim.PROGRAM.exists():
        found.add("Exim")
    if _SENDMAIL.exists() and find_program("m4"):
        found.add("Sendmail")
    if _OPENSMTPD.exists():
        found.add("OpenSMTPD")
    for name, program in (
        ("Courier", courier.PROGRAM),
        ("chasquid", chasquid.PROGRAM),
        ("dma", small.DMA),
        ("nullmailer", small.NULLMAILER),
        ("PostSRSd", sites.POSTSRSD),
    ):
        if program.exists():
            found.add(name)
    return found


@contextmanager
def running(letters):
    """Start those that *letters* need; gives the folders in which their mail waits."""
    queues = []
    ways = {mail.way for mail in letters}
    with ExitStack() as stack:

        def start(server):
            queues.append(stack.enter_context(server))

        def local_parts(domain):
            return [mail.recipient.partition("@")[0] for mail in letters if mail.site.domain == domain]

        if ours := local_parts("esche.test"):
            start(_sendmail(ours))
        if local_parts("fichte.test"):
            start(_opensmtpd())
        if local_parts("jasmin.test") or ways & {"courier", "account-courier"}:
            start(courier.running())
        if ours := local_parts("lorbeer.test"):
            start(chasquid.running(ours))
        for way in ways & small.MACHINES.keys():
            start(small.MACHINES[way].running())
        yield queues


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
        with started(command, ESCHE, folder):
            yield folder / "queue"


@contextmanager
def _opensmtpd():
    folder = server_folder("opensmtpd")
    subprocess.run(["mkdir", "-p", "/var/lib/opensmtpd/empty", "/var/spool/smtpd"], check=True)
    subprocess.run(["chmod", "711", "/var/spool/smtpd"], check=True)
    for name, lines in (
        ("passwd", "opensmtpd:x:64001:64001::/var/lib/opensmtpd/empty:/bin/false\nopensmtpq:x:64002:64002::/var/lib/opensmtpd/empty:/bin/false\n"),
        ("group", "opensmtpd:x:64001:\nopensmtpq:x:64002:\n"),
    ):  # fmt: skip
        with Path("/etc", name).open("a") as known:
            known.write(lines)
    with serving("store.fichte.test") as store:
        (folder / "smtpd.conf").write_text(_OPENSMTPD_CONFIGURATION.format(**_values(FICHTE, folder, store)))
        with started([_OPENSMTPD, "-d", "-f", folder / "smtpd.conf"], FICHTE, folder):
            yield Path("/var/spool/smtpd/queue")
