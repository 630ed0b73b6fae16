"""A real Dovecot on loopback, started for the tests, with its own certificate authority.

Every user name logs in with the password ``geheim``; a test takes a name of
its own and so has mailboxes of its own. Mail lies in Maildirs, so that tests
can compare bytes on disk with nothing in between.
"""

from __future__ import annotations

import contextlib
import getpass
import grp
import hashlib
import os
import pwd
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING

from tests.mailbox.daemon import PASSWORD, ImapServer, free_port, started
from tests.support import require_program, server_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from classifier.mailbox.connection import Server

#: Dovecot 2.3's own list, for tests to take parts away from.
CAPABILITIES = (
    "IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE SORT SORT=DISPLAY THREAD=REFERENCES THREAD=REFS "
    "THREAD=ORDEREDSUBJECT MULTIAPPEND URL-PARTIAL CATENATE UNSELECT CHILDREN NAMESPACE UIDPLUS LIST-EXTENDED "
    "I18NLEVEL=1 CONDSTORE QRESYNC ESEARCH ESORT SEARCHRES WITHIN CONTEXT=SEARCH LIST-STATUS BINARY MOVE "
    "SNIPPET=FUZZY PREVIEW=FUZZY PREVIEW STATUS=SIZE SAVEDATE LITERAL+ NOTIFY SPECIAL-USE"
)
_numbers = count(1)


def without(*names: str) -> str:
    """Return Dovecot's capabilities less *names*."""
    return " ".join(c for c in CAPABILITIES.split() if c not in names)


def make_certificates(folder: Path) -> None:
    """Write ca.pem, and cert.pem with key.pem for localhost and 127.0.0.1, signed by it."""
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])

    def certificate(subject, issuer, key, signer, *, authority):
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name(subject))
            .issuer_name(name(issuer))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=30))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
            )
        )
        if authority:
            usage = x509.KeyUsage(
                digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False,
                key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False,
                decipher_only=False,
            )  # fmt: skip
            builder = builder.add_extension(usage, critical=True)
        else:
            names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(signer, hashes.SHA256())

    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    pem = serialization.Encoding.PEM
    ca = certificate("test authority", "test authority", ca_key, ca_key, authority=True)
    (folder / "ca.pem").write_bytes(ca.public_bytes(pem))
    own = certificate("localhost", "test authority", key, ca_key, authority=False)
    (folder / "cert.pem").write_bytes(own.public_bytes(pem))
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(private)


@dataclass
class User:
    """One user with mailboxes on the server's disk."""

    name: str
    maildir: Path
    owner: tuple[int, int]
    dotted: bool = True
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def folder(self, name: str) -> Path:
        """Return the directory of a folder, levels separated by "/"."""
        from imapclient.imap_utf7 import encode

        if name == "INBOX":
            return self.maildir
        return self.maildir / ("." + ".".join(encode(level).decode() for level in name.split("/")))

    def make_folder(self, name: str) -> Path:
        """Make a folder on disk."""
        path = self.folder(name)
        for directory in [path, *(path / p for p in ("tmp", "new", "cur"))]:
            directory.mkdir(parents=True, exist_ok=True)
        if path != self.maildir:
            (path / "maildirfolder").touch()
        for directory in (self.maildir.parent, path, *path.iterdir()):
            os.chown(directory, *self.owner)
        return path

    def deliver(
        self, raw: bytes, folder: str = "INBOX", flags: str | None = "", received: datetime | None = None
    ) -> Path:
        """Put a message into a folder: with *flags* into cur/, without (None) into new/."""
        path = self.make_folder(folder) if not (self.folder(folder) / "cur").is_dir() else self.folder(folder)
        number = next(self._numbers)
        base = f"{1_700_000_000 + number}.M{number * 982_451_653 % 1_000_000}P{os.getpid()}.test"
        target = path / ("new" if flags is None else "cur") / (base if flags is None else f"{base}:2,{flags}")
        temporary = path / "tmp" / base
        temporary.write_bytes(raw)
        when = (received or datetime(2026, 3, 1, 12, tzinfo=UTC) + timedelta(minutes=number)).timestamp()
        os.utime(temporary, (when, when))
        os.chown(temporary, *self.owner)
        temporary.rename(target)
        return target

    def files(self, folder: str) -> list[Path]:
        """Return the message files of a folder."""
        path = self.folder(folder)
        return sorted(p for part in ("new", "cur") if (path / part).is_dir() for p in (path / part).iterdir())

    def folders(self) -> list[str]:
        """Return the names of all folders on disk."""
        from imapclient.imap_utf7 import decode

        found = ["INBOX"]
        below = [p for p in sorted(self.maildir.iterdir()) if p.name.startswith(".") and (p / "cur").is_dir()]
        return found + [decode(path.name[1:].encode()).replace(".", "/") for path in below]

    def census(self) -> dict[str, Counter[str]]:
        """Return for each folder how often each message (by the digest of its bytes) is there."""
        return {
            folder: Counter(hashlib.sha256(p.read_bytes()).hexdigest() for p in self.files(folder))
            for folder in self.folders()
        }


@dataclass
class Dovecot(ImapServer):
    """A running server."""

    folder: Path
    tls_port: int
    owner: tuple[int, int]

    @property
    def ca_file(self) -> Path:
        """The authority that signed the server's certificate."""
        return self.folder / "ca.pem"

    def user(self, name: str | None = None) -> User:
        """Return a user; a new one unless *name* is given."""
        name = name or f"user{next(_numbers)}"
        user = User(name, self.folder / "mail" / name / "Maildir", self.owner)
        user.make_folder("INBOX")
        return user

    def server(self, security: str = "plain", port: int | None = None) -> Server:
        """Return how the program reaches it."""
        from classifier.mailbox.connection import Server

        default = self.tls_port if security == "tls" else self.port
        return Server("127.0.0.1", port or default, security, str(self.ca_file))

    def log(self) -> str:
        """Return what it logged."""
        return (self.folder / "dovecot.log").read_text(errors="replace")


_CONFIG = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
protocols = imap
listen = 127.0.0.1
default_internal_user = {internal}
default_internal_group = {internal_group}
default_login_user = {login}
first_valid_uid = 1
first_valid_gid = 1
mail_uid = {uid}
mail_gid = {gid}
mail_home = {folder}/mail/%u
mail_location = maildir:~/Maildir
mail_max_userip_connections = 1000
mail_fsync = never
maildir_very_dirty_syncs = no
disable_plaintext_auth = no
auth_mechanisms = plain login{mechanisms}
ssl = yes
ssl_cert = <{folder}/cert.pem
ssl_key = <{folder}/key.pem
{capability}
passdb {{
  driver = {passdb}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail/%u
}}
namespace inbox {{
  inbox = yes
  separator = {separator}
  prefix = {prefix}
  mailbox Sent {{
    special_use = \\Sent
    auto = no
  }}
  mailbox Trash {{
    special_use = \\Trash
    auto = no
  }}
}}
auth_failure_delay = 0
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
  chroot =
  client_limit = 2000
}}
service auth {{
  client_limit = 2000
}}
service imap-login {{
  chroot =
  service_count = 0
  process_min_avail = 1
  client_limit = 500
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
service imap {{
  process_limit = 400
}}
service stats {{
  chroot =
}}
{extra}
"""


@contextlib.contextmanager
def dovecot(
    folder: Path,
    *,
    capability: str | None = None,
    separator: str = "/",
    prefix: str = "",
    passdb: str = f"static\n  args = password={PASSWORD}",
    mechanisms: str = "",
    extra: str = "",
) -> Iterator[Dovecot]:
    """Run a server in *folder* until the end of the block; the folder goes with it."""
    folder.mkdir(parents=True, exist_ok=True)
    make_certificates(folder)
    me = pwd.getpwuid(os.getuid())
    root = os.getuid() == 0
    owner = pwd.getpwnam("nobody") if root else me
    for name in ("run", "state", "mail"):
        (folder / name).mkdir(exist_ok=True)
    os.chown(folder / "mail", owner.pw_uid, owner.pw_gid)
    port, tls_port = free_port(), free_port()
    text = _CONFIG.format(
        folder=folder,
        uid=owner.pw_uid,
        gid=owner.pw_gid,
        internal="dovecot" if root else me.pw_name,
        internal_group="dovecot" if root else grp.getgrgid(me.pw_gid).gr_name,
        login="dovenull" if root else getpass.getuser(),
        capability=f"imap_capability = {capability}" if capability else "",
        separator=separator,
        prefix=prefix,
        passdb=passdb,
        mechanisms=mechanisms,
        port=port,
        tls_port=tls_port,
        extra=extra,
    )
    (folder / "dovecot.conf").write_text(text)
    program = require_program("dovecot", "dovecot-imapd")
    with started([program, "-F", "-c", folder / "dovecot.conf"], folder, port):
        yield Dovecot(port, folder, tls_port, (owner.pw_uid, owner.pw_gid))


@contextlib.contextmanager
def dovecot_asking(port: int, mechanism: str) -> Iterator[Dovecot]:
    """Run a server that takes access tokens by *mechanism*, and asks the provider on *port* about them."""
    folder = server_folder("oauth")
    url = f"http://127.0.0.1:{port}/info?access_token="
    (folder / "oauth2.conf.ext").write_text(f"tokeninfo_url = {url}\nusername_attribute = email\n")
    passdb = f"oauth2\n  args = {folder}/oauth2.conf.ext\n  mechanisms = {mechanism}"
    with dovecot(folder, mechanisms=f" {mechanism}", passdb=passdb) as server:
        yield server
