"""chasquid: knows its own recipients, and fails later: at a server elsewhere that it forwards to, or at a program that shall deliver."""

from __future__ import annotations

from contextlib import contextmanager

from tests.laboratory.network import LORBEER
from tests.laboratory.places import belongs_to, speaks_from, started
from tests.mailbox.dovecot import make_certificates
from tests.support import UNPACKED, server_folder

PROGRAM = UNPACKED / "usr" / "bin" / "chasquid"
#: What it runs as; any number will do.
_USER = 64090
_CONFIGURATION = """
hostname: "{name}"
smtp_address: "{address}:25"
data_dir: "{folder}/data"
drop_characters: ""
mail_log_path: "{folder}/log"
"""
#: What an alias leads to, by the recipient's first word.
_LEADS_TO = {
    "forward": "unknown{0}@hasel.test",
    "spam": "spam{0}@hasel.test",
    "full": "| /bin/sh -c 'cat > /dev/null; exit 77'",
}


@contextmanager
def running(recipients):
    """Start it with aliases for *recipients*, by local parts; gives the folder in which its mail waits."""
    speaks_from(_USER, LORBEER.address)
    folder = server_folder("chasquid")
    domain = folder / "config" / "domains" / LORBEER.name.partition(".")[2]
    certificates = folder / "config" / "certs" / LORBEER.name
    for place in (domain, certificates, folder / "data" / "queue"):
        place.mkdir(parents=True)
    make_certificates(certificates)
    (certificates / "cert.pem").rename(certificates / "fullchain.pem")
    (certificates / "key.pem").rename(certificates / "privkey.pem")
    (folder / "config" / "chasquid.conf").write_text(
        _CONFIGURATION.format(name=LORBEER.name, address=LORBEER.address, folder=folder)
    )
    aliases = [f"{each}: {_LEADS_TO[word].format(dot + mark)}\n" for each in recipients for word, dot, mark in [each.partition(".")]]  # fmt: skip
    (domain / "aliases").write_text("".join(aliases))
    belongs_to(_USER, _USER, folder)
    command = [PROGRAM, f"-config_dir={folder / 'config'}"]
    with started(command, LORBEER, folder, user=_USER, group=_USER, extra_groups=()):
        yield folder / "data" / "queue"
