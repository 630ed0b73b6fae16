"""Servers that the tests of the agent share; each test takes a user of its own."""

from __future__ import annotations

import pytest

from tests.mailbox import dovecot as dovecot_module
from tests.mailbox.dovecot import Dovecot, User, without
from tests.mailbox.support import imap_work, mail, maildir_work
from tests.support import require_program, server_folder


def _server(name: str, **options):
    require_program("dovecot", "dovecot-imapd")
    return dovecot_module.dovecot(server_folder(name), **options)


@pytest.fixture(scope="session")
def server() -> Dovecot:
    """Offer all that Dovecot has."""
    with _server("dovecot") as running:
        yield running


@pytest.fixture(scope="session")
def server_without_move() -> Dovecot:
    """Offer UIDPLUS and no MOVE."""
    with _server("nomove", capability=without("MOVE")) as running:
        yield running


@pytest.fixture(scope="session")
def server_without_both() -> Dovecot:
    """Offer neither MOVE nor UIDPLUS."""
    with _server("neither", capability=without("MOVE", "UIDPLUS")) as running:
        yield running


@pytest.fixture(scope="session")
def dotted_server() -> Dovecot:
    """Put all folders below INBOX, levels joined by dots, as Courier and Cyrus do."""
    with _server("dotted", separator=".", prefix="INBOX.") as running:
        yield running


@pytest.fixture(params=["server", "server_without_move"])
def moving_server(request) -> Dovecot:
    """Both ways of moving."""
    return request.getfixturevalue(request.param)


@pytest.fixture(params=["move", "copy", "maildir"])
def account(request, tmp_path):
    """Give a user with a filled inbox, and the work for it."""
    if request.param == "maildir":
        user = User("local", tmp_path / "mail" / "Maildir", (-1, -1))
        user.make_folder("INBOX")
        work = maildir_work(user.maildir)
    else:
        server = request.getfixturevalue("server" if request.param == "move" else "server_without_move")
        user = server.user()
        work = imap_work(server.server(), server.login(user))
    for n in range(4):
        user.deliver(mail("forged", n), flags="F" if n == 1 else "")
        user.deliver(mail("ordinary", n))
    return user, work
