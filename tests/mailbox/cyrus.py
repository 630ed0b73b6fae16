"""A real Cyrus IMAP server on loopback, started for the tests.

Debian's cyrus-imapd cannot be installed beside dovecot-imapd, so it is run from
where .ci/debian-unpacked put it. Mail is put in and taken out by IMAP alone,
since Cyrus keeps its index to itself.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import subprocess
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from imapclient import IMAPClient

from tests.mailbox.daemon import PASSWORD, ImapServer, free_port, started
from tests.support import UNPACKED, missing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_numbers = count(1)
_PROGRAMS = UNPACKED / "usr" / "lib" / "cyrus" / "bin"
_IMAPD = """\
cyrus_user: {owner}
configdirectory: {folder}/config
proc_path: {folder}/run/proc
mboxname_lockpath: {folder}/run/lock
defaultpartition: default
partition-default: {folder}/spool
admins: admin
allowplaintext: yes
virtdomains: off
unixhierarchysep: {slash}
altnamespace: {alt}
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: {folder}/sasldb2
sasl_mech_list: PLAIN LOGIN
idlesocket: {folder}/run/idle
lmtpsocket: {folder}/run/lmtp
notifysocket: {folder}/run/notify
syslog_prefix: test-cyrus
autocreate_quota: -1
autocreate_post: yes
popminpoll: 0
suppress_capabilities: {suppressed}
duplicatesuppression: no
skiplist_unsafe: yes
"""
_CYRUS = """\
START {{
  recover cmd="{programs}/ctl_cyrusdb -r -C {folder}/imapd.conf"
  idled cmd="{programs}/idled -C {folder}/imapd.conf"
}}
SERVICES {{
  imap cmd="{programs}/imapd -C {folder}/imapd.conf -U 30" listen="127.0.0.1:{port}" prefork=1 maxchild=100
}}
EVENTS {{
}}
"""


@dataclass
class Cyrus(ImapServer):
    """A running server."""

    folder: Path

    def user(self) -> str:
        """Make a user with an INBOX; return the name."""
        name = f"user{next(_numbers)}"
        _password(self.folder, name)
        with self.admin(name) as (client, inbox):
            client.create_folder(inbox)
        return name

    @contextlib.contextmanager
    def admin(self, user: str):
        """Open a session of the administrator; yields it with the name that *user*'s INBOX has there."""
        with IMAPClient("127.0.0.1", self.port, ssl=False, timeout=20) as client:
            client.login("admin", PASSWORD)
            yield client, f"user/{user}" if self._slash(client) else f"user.{user}"

    def _slash(self, client) -> bool:
        return client.list_folders("", "")[0][1] == b"/"


def _environment() -> dict[str, str]:
    libraries = sorted({str(p.parent) for p in (UNPACKED / "usr" / "lib").rglob("libcyrus*.so.0")})
    return {**os.environ, "LD_LIBRARY_PATH": os.pathsep.join(libraries)}


def _password(folder: Path, user: str) -> None:
    subprocess.run(
        [UNPACKED / "usr/sbin/saslpasswd2", "-p", "-c", "-f", folder / "sasldb2", user],
        input=PASSWORD.encode(),
        check=True,
    )
    owner = _owner()
    os.chown(folder / "sasldb2", owner.pw_uid, owner.pw_gid)


def _owner() -> pwd.struct_passwd:
    """Return whom the server runs as: nobody where root starts it."""
    return pwd.getpwuid(os.getuid()) if os.getuid() else pwd.getpwnam("nobody")


@contextlib.contextmanager
def cyrus(
    folder: Path, *, slash: bool = True, alt: bool = True, suppressed: str = "XMOVE"
) -> Iterator[Cyrus]:
    """Run a server in *folder* until the end of the block; the folder goes with it.

    Args:
        folder: a directory that is there.
        slash: True: folder levels are joined by "/", else by ".".
        alt: True: folders stand beside INBOX, else below it.
        suppressed: capabilities not to show.

    """
    if not (_PROGRAMS / "imapd").exists():
        missing("Cyrus is not there (run: sh .ci/debian-unpacked .venv/debian)")
    owner = _owner()
    for name in (
        "config",
        "config/db",
        "config/socket",
        "run",
        "run/proc",
        "run/lock",
        "spool",
        "spool/stage.",
    ):
        (folder / name).mkdir()
    port = free_port()
    words = {
        "folder": folder,
        "programs": _PROGRAMS,
        "owner": owner.pw_name,
        "suppressed": suppressed,
        "port": port,
        "slash": "yes" if slash else "no",
        "alt": "yes" if alt else "no",
    }
    (folder / "imapd.conf").write_text(_IMAPD.format(**words))
    (folder / "cyrus.conf").write_text(_CYRUS.format(**words))
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, owner.pw_uid, owner.pw_gid)
    _password(folder, "admin")
    command = (
        _PROGRAMS / "master",
        "-C",
        folder / "imapd.conf",
        "-M",
        folder / "cyrus.conf",
        "-p",
        folder / "pid",
    )
    with started(command, folder, port, _environment()):
        yield Cyrus(port, folder)
