"""dma and nullmailer: on machines of ours that only send, what hands mail to our relay, or to the recipient's server itself.

What these refuse, they report themselves.
"""

from __future__ import annotations

import os
import pwd
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.laboratory.network import DESK, DOMAIN, FORGOTTEN, HOME, RELAY, SUBMISSION, WEB, Host
from tests.laboratory.own import SUBMISSION_PORT
from tests.laboratory.places import belongs_to, speaks_from
from tests.mailbox.daemon import PASSWORD
from tests.support import UNPACKED

DMA = UNPACKED / "usr" / "sbin" / "dma"
NULLMAILER = UNPACKED / "usr" / "sbin" / "nullmailer-send"
#: It finds its configuration in one place only, and this machine is two in that. It gives up after five days.
_DMA = """
mount --bind {settings} /etc/dma
run() {{ setpriv --reuid {user} --regid mail --clear-groups {program} "$@"; }}
run -f "$1" "$2" || exit
grep -ls '^Recipient: slow' {spool}/Q* | xargs -r touch -c -d '6 days ago'
run -q
"""
_MAIL = pwd.getpwnam("mail")


@dataclass(frozen=True)
class Piped:
    """A letter for the standard input of a program that sends it."""

    command: tuple[object, ...]
    data: bytes

    def send(self):
        """Hand it over."""
        subprocess.run(self.command, input=self.data, check=True, timeout=60)


@dataclass(frozen=True)
class Dma:
    """A machine that runs dma.

    Attributes:
        host: which.
        user: whose programs send.
        options: more of dma.conf.
        called: what it is called, where that is not what its address is called.

    """

    host: Host
    user: str
    options: str = ""
    called: str = ""

    @property
    def name(self):
        return self.called or self.host.looked_up

    @property
    def _settings(self):
        return Path("/run", f"dma-{self.user}")

    @property
    def _spool(self):
        return Path("/var/spool", f"dma-{self.user}")

    @contextmanager
    def running(self):
        """Set it up; gives the folder in which its mail waits."""
        speaks_from(pwd.getpwnam(self.user).pw_uid, self.host.address)
        self._spool.mkdir()
        os.chown(self._spool, 0, _MAIL.pw_gid)
        self._spool.chmod(0o2770)
        Path("/etc/dma").mkdir(exist_ok=True)
        self._settings.mkdir()
        (self._settings / "dma.conf").write_text(
            f"MAILNAME {self.name}\nSPOOLDIR {self._spool}\nDEFER\n{self.options}"
        )
        passwords = self._settings / "auth.conf"
        passwords.write_text(f"anna@{DOMAIN}|{SUBMISSION.name}:{PASSWORD}\n")
        passwords.chmod(0o644)
        yield self._spool

    def handover(self, sender, recipient, data):
        """Return how a letter is sent."""
        values = {"settings": self._settings, "spool": self._spool, "user": self.user, "program": DMA}
        return Piped(("unshare", "--mount", "sh", "-c", _DMA.format(**values), "sh", sender, recipient), data)


@dataclass(frozen=True)
class Nullmailer:
    """A machine that runs nullmailer.

    Attributes:
        host: which.

    """

    host: Host

    @property
    def name(self):
        return self.host.looked_up

    @contextmanager
    def running(self):
        """Start it; gives the folder in which its mail waits."""
        speaks_from(_MAIL.pw_uid, self.host.address)
        spool, settings = Path("/var/spool/nullmailer"), Path("/etc/nullmailer")
        for name in ("failed", "queue", "tmp"):
            (spool / name).mkdir(parents=True)
        os.mkfifo(spool / "trigger")
        belongs_to(_MAIL.pw_uid, _MAIL.pw_gid, spool)
        settings.mkdir(exist_ok=True)
        for name, text in {
            "../mailname": self.name,
            "remotes": f"{RELAY.name} smtp",
            "pausetime": "2",
            "maxpause": "2",
            "queuelifetime": "8",
        }.items():
            (settings / name).write_text(f"{text}\n")
        with (
            (spool / "output").open("wb") as output,
            subprocess.Popen(
                [NULLMAILER],
                user=_MAIL.pw_uid,
                group=_MAIL.pw_gid,
                extra_groups=(),
                stdout=output,
                stderr=output,
            ) as process,
        ):
            try:
                yield spool / "queue"
            finally:
                process.terminate()

    def handover(self, sender, recipient, data):
        """Return how a letter is sent."""
        user = ("setpriv", "--reuid", "mail", "--regid", "mail", "--clear-groups")
        return Piped((*user, "/usr/bin/nullmailer-inject", "-f", sender, recipient), data)


#: By the way that their mail is said to take.
MACHINES = {
    "dma": Dma(WEB, "www-data", f"SMARTHOST {RELAY.name}\nNULLCLIENT\n"),
    "dma-home": Dma(
        HOME[0],
        "list",
        f"SMARTHOST {SUBMISSION.name}\nPORT {SUBMISSION_PORT}\nAUTHPATH /etc/dma/auth.conf\nINSECURE\nNULLCLIENT\n",
        "laptop",
    ),
    "dma-straight": Dma(FORGOTTEN, "backup"),
    "nullmailer": Nullmailer(DESK),
}
