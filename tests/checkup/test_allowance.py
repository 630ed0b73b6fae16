"""What doctor tells of access rights and quotas, asked of real servers."""

from __future__ import annotations

import pytest
from imapclient.imapclient import Quota as SetQuota

from classifier.checkup.account import account
from classifier.checkup.findings import Level
from classifier.config import parse_config
from classifier.mailbox import allowance
from classifier.mailbox.allowance import Quota
from classifier.mailbox.connection import connect
from classifier.mailbox.imap import ImapMailbox
from classifier.store.database import Database
from classifier.store.failed import NOT_MOVED
from classifier.store.judged import JudgedMail, Memory
from tests.mailbox.cyrus import cyrus
from tests.mailbox.daemon import PASSWORD, name_of
from tests.mailbox.dovecot import dovecot, without
from tests.mailbox.scripted import EXCHANGE, Folder, Session, scripted
from tests.mailbox.support import mail
from tests.support import server_folder

PLUGINS = (
    "mail_plugins = acl quota\nprotocol imap {{\n  mail_plugins = acl quota{more}\n}}\n"
    "plugin {{\n  acl = vfile\n  quota = maildir:User quota\n  quota_rule = *:storage=1M:messages=10\n}}\n"
)


@pytest.fixture(scope="module")
def telling():
    """Dovecot that tells of rights and quotas."""
    with dovecot(server_folder("told"), extra=PLUGINS.format(more=" imap_acl imap_quota")) as server:
        yield server


@pytest.fixture(scope="module")
def silent():
    """Dovecot that has both, and tells of neither."""
    with dovecot(server_folder("untold"), extra=PLUGINS.format(more="")) as server:
        yield server


@pytest.fixture(scope="module")
def cyrus_server():
    with cyrus(server_folder("cyrus")) as server:
        yield server


def checked(server, user, tmp_path, *, folders="INBOX", quarantine="Backscatter"):
    """Return what is found beyond what is good, as level and text."""
    config = parse_config(
        f"""
        [identity]
        domains = ["example.org"]
        [store]
        path = "{tmp_path}/state.sqlite3"
        [accounts.main]
        imap = "imap://127.0.0.1:{server.port}"
        username = "{name_of(user)}"
        password = {{ command = "echo {PASSWORD}" }}
        folders = ["{folders}"]
        quarantine = "{quarantine}"
        sent = "INBOX"
        """
    )
    found = [f for f in account(config.accounts["main"], config, None) if f.level is not Level.GOOD]
    assert all(f.remedy for f in found)
    return [(str(f.level), f.what) for f in found]


def with_rights(server, folder, rights):
    user = server.user()
    user.deliver(mail("ordinary"), "INBOX")
    user.deliver(mail("ordinary"), folder)
    (user.folder(folder) / "dovecot-acl").write_text(f"owner {rights}\n")
    return user


@pytest.mark.parametrize(
    ("rights", "told"),
    [
        ("lrswite", []),
        ("lrte", []),
        ("lr", [("wrong", "reports may not leave Shared: no right t (mark as deleted), e (expunge)")]),
        ("lrswt", [("wrong", "reports may not leave Shared: no right e (expunge)")]),
        ("l", [("wrong", "Shared may not be read: no right r (read)")]),
    ],
)
def test_rights_in_a_swept_folder(telling, tmp_path, rights, told):
    user = with_rights(telling, "Shared", rights)
    assert checked(telling, user, tmp_path, folders="Shared") == told


@pytest.mark.parametrize(
    ("rights", "told"),
    [
        ("lrswite", []),
        ("lrswte", [("wrong", "nothing may be put into the quarantine Backscatter: no right i (insert)")]),
        (
            "lri",
            [
                ("advice", "what is in the quarantine Backscatter may not be restored: no right t (mark as deleted), e (expunge)"),
                ("advice", "reports lose their flags in the quarantine Backscatter: no right s (keep seen), w (keep flags)"),
            ],
        ),
    ],
)  # fmt: skip
def test_rights_in_the_quarantine(telling, tmp_path, rights, told):
    user = with_rights(telling, "Backscatter", rights)
    assert checked(telling, user, tmp_path) == told


def test_a_quarantine_that_may_not_be_made(telling, tmp_path):
    user = with_rights(telling, "Shared", "lrswite")
    assert checked(telling, user, tmp_path, quarantine="Shared/Backscatter") == [
        ("wrong", "the quarantine Shared/Backscatter may not be made in Shared: no right k (make folders)")
    ]


def test_a_server_that_tells_no_rights(silent, tmp_path):
    user = with_rights(silent, "Shared", "lr")
    assert checked(silent, user, tmp_path, folders="Shared") == [
        ("wrong", "Shared is read-only: reports cannot leave it")
    ]
    user = with_rights(silent, "Backscatter", "lr")
    ((level, what),) = checked(silent, user, tmp_path)
    assert (level, what[:39]) == ("advice", "the quarantine Backscatter is read-only")
    assert checked(silent, with_rights(silent, "Shared", "lrswite"), tmp_path, folders="Shared") == []


def test_a_folder_whose_messages_cannot_be_marked_without_move(tmp_path):
    extra = PLUGINS.format(more="")
    with dovecot(server_folder("nomove"), capability=without("MOVE"), extra=extra) as server:
        user = with_rights(server, "Shared", "lrs")
        assert ("wrong", "Shared is read-only: reports cannot leave it") in checked(
            server, user, tmp_path, folders="Shared"
        )


@pytest.mark.parametrize(
    ("size", "number", "expected"),
    [
        (100, 1, []),
        (960_000, 1, [("advice", "the quota User quota is nearly full: 938 kB of 1.0 MB in INBOX")]),
        (100, 9, [("advice", "the quota User quota is nearly full: 9 messages of 10 messages in INBOX")]),
        (1_100_000, 1, [("wrong", "the quota User quota is full: 1.0 MB of 1.0 MB in INBOX")]),
        (100, 12, [("wrong", "the quota User quota is full: 12 messages of 10 messages in INBOX")]),
    ],
)
def test_quotas(telling, tmp_path, size, number, expected):
    user = telling.user()
    for _ in range(number):
        user.deliver(mail("ordinary", size=size))
    assert checked(telling, user, tmp_path) == expected


def test_cyrus(cyrus_server, tmp_path):
    server = cyrus_server
    user = server.user()
    with server.client(user) as client:
        client.append("INBOX", mail("ordinary").replace(b"\n", b"\r\n"))
        client.create_folder("Backscatter")
    assert checked(server, user, tmp_path) == []
    with server.admin(user) as (client, inbox):
        client.setacl(inbox, user, "lrsk")
        client.setacl(f"{inbox}/Backscatter", user, "lrswte")
        client.set_quota([SetQuota(inbox, "STORAGE", 0, 0)])
    assert checked(server, user, tmp_path) == [
        ("wrong", "reports may not leave INBOX: no right t (mark as deleted), e (expunge)"),
        ("wrong", "nothing may be put into the quarantine Backscatter: no right i (insert)"),
        ("wrong", "the quota INBOX is full: 0 kB of 0 kB in INBOX, Backscatter"),
    ]


class Odd(Session):
    """Answers as RFC 2086 and RFC 9208 let it, and as they do not."""

    def do_myrights(self, words, rest):
        self.say(
            {
                "INBOX": "* MYRIGHTS INBOX lrd",  # RFC 2086: d is t and e
                "Literal": '* MYRIGHTS {7}\r\nLiteral "lrwt"',
                "Nothing": "* MYRIGHTS Nothing",
            }.get(words[0], "* MYRIGHTS (((")
        )
        return "NO [NOPERM] no" if words[0] == "Refused" else "OK done"

    def do_getquotaroot(self, words, rest):
        self.say('* QUOTAROOT INBOX "" root')
        self.say('* QUOTA "" (STORAGE 10 512 X-ODD 18446744073709551615 1)')
        self.say('* QUOTA {4}\r\nroot (MESSAGE 1 "x" MESSAGE 2 3)')
        self.say("* QUOTA broken")
        self.say('* QUOTA "none" ()')
        return "OK done"


def test_answers_of_all_sorts():
    folders = {name: Folder() for name in ("INBOX", "Literal", "Nothing", "Refused", "Broken")}
    with scripted(folders, Odd, capability=f"{EXCHANGE} ACL QUOTA") as server:
        connection = connect(server.server(), server.login("anna"), "main")
        assert allowance.rights(connection, "INBOX") == frozenset("lrdte")
        assert allowance.rights(connection, "Literal") == frozenset("lrwt")
        for folder in ("Nothing", "Refused", "Broken"):
            assert allowance.rights(connection, folder) is None
        assert allowance.quotas(connection, "INBOX") == [
            Quota("", "STORAGE", 10, 512),
            Quota("", "X-ODD", 18446744073709551615, 1),
            Quota("root", "MESSAGE", 2, 3),
        ]
        connection.close()
    with scripted(folders, Odd) as server:  # offers neither
        mailbox = ImapMailbox(connect(server.server(), server.login("anna"), "main"))
        assert mailbox.rights("INBOX") is None
        assert mailbox.quotas("INBOX") == []
        mailbox.close()


def test_reports_that_wait(telling, tmp_path):
    user = telling.user()
    config = parse_config(
        f"[accounts.main]\nimap = 'imap://127.0.0.1:{telling.port}'\nusername = '{user.name}'\n"
        f"password = {{ command = 'echo {PASSWORD}' }}\n[identity]\ndomains = ['example.org']\n"
        f"[store]\npath = '{tmp_path}/s.sqlite3'\n"
    )
    with Database.open(tmp_path / "s.sqlite3") as database:
        JudgedMail(database).commit("main", "INBOX", Memory(1), again={"1": NOT_MOVED, "2": "unsure"})
        found = list(account(config.accounts["main"], config, database))
    assert next(f.what for f in found if f.level is Level.ADVICE) == "1 forged reports could not be moved"
