"""Courier: takes mail in for a domain whose server stands behind it, and sends what its customers hand in.

Debian's drops reports to addresses elsewhere; this one is set up as by those who want them sent.
"""

from __future__ import annotations

import pwd
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path

from tests.laboratory.network import BOTS, DOMAIN, EXCHANGER, HASEL, HOME, JASMIN
from tests.laboratory.places import belongs_to, speaks_from
from tests.laboratory.store import serving
from tests.support import UNPACKED

PROGRAM = UNPACKED / "usr" / "sbin" / "couriertcpd"
_SETTINGS = Path("/etc/courier")
_SPOOL = Path("/var/lib/courier")
_SERVER = """
ADDRESS={address}
BOFHCHECKDNS=0
TARPIT=0
COURIERTLS=
MAXPERC=40
MAXPERIP=40
"""


def _settings(domain, port):
    return {
        "me": JASMIN.name,
        "defaultdomain": domain,
        "locals": "localhost",
        "dsnfrom": f'"Courier mail server at {JASMIN.name}" <@>',
        # Of a domain that is not named here, it would find out that its exchanger is this same machine.
        "esmtproutes": f"{domain}: [127.0.0.1],{port}\n{DOMAIN}: {EXCHANGER.name}\nhasel.test: {HASEL.name}",
        "esmtpacceptmailfor.dir/all": domain,
        "smtpaccess/default": "\n".join(f"{host.address}\tallow,RELAYCLIENT" for host in (*HOME, *BOTS)),
        "warntime": "1s",
        "queuetime": "8s",
        "queuefill": "1s",
        "retryalpha": "1",
        "retrybeta": "2s",
        "retrygamma": "2",
        "retrymaxdelta": "1",
    }


@contextmanager
def running():
    """Start it; gives the folder in which its mail waits."""
    user = pwd.getpwnam("courier")
    speaks_from(user.pw_uid, JASMIN.address)
    shutil.rmtree(_SETTINGS, ignore_errors=True)
    shutil.copytree(UNPACKED / "etc" / "courier", _SETTINGS)
    for name in ("allfilters", "filters", "msgq", "msgs", "sts", "tmp", "track"):
        (_SPOOL / name).mkdir(parents=True)
    belongs_to(user.pw_uid, user.pw_gid, _SPOOL)
    Path("/run/courier").mkdir()
    with serving("store.jasmin.test") as store:
        for name, text in _settings(JASMIN.name.partition(".")[2], store.port).items():
            (_SETTINGS / name).write_text(f"{text}\n")
        daemon = (_SETTINGS / "courierd").read_text()
        assert "\nESMTP_BLOCKBACKSCATTER=smtp/dsn\n" in daemon
        (_SETTINGS / "courierd").write_text(
            daemon.replace("\nESMTP_BLOCKBACKSCATTER=smtp/dsn\n", "\n") + "\nESMTP_USE_STARTTLS=0\n"
        )
        with (_SETTINGS / "esmtpd").open("a") as server:
            server.write(_SERVER.format(address=JASMIN.address))
        for command in (
            ["/usr/lib/courier/makeacceptmailfor"],
            ["/usr/lib/courier/makesmtpaccess"],
            ["/usr/lib/courier/makealiases"],
            ["/usr/lib/courier/courierctl.start"],
            ["/usr/sbin/esmtpd", "start"],
        ):
            subprocess.run(command, check=True)
        yield _SPOOL / "msgs"
