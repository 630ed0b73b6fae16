"""Habits: learnt from our mail, and a bounded distance from it."""

from __future__ import annotations

import dataclasses

import pytest

from classifier.evidence import habits
from classifier.evidence.habits import mailer_family, message_id_shape, script_of, traits
from classifier.identity import Identity
from classifier.parse.headers import HeaderBlock
from classifier.store.database import Database
from classifier.store.habits import ENOUGH, MAX_VALUES, HabitStore
from classifier.vocabulary import Completeness
from tests.evidence.makers import LOOKUPS, make, told

OURS = Identity(domains=("example.org",))


def mail(number=0, **changed):
    fields = {
        "Message-ID": f"<{number:08x}-4f89-41d3-9a0c-0305e82c3301@example.org>",
        "Date": "Sun, 1 Mar 2026 10:00:00 +0100",
        "User-Agent": "Mozilla Thunderbird 115.3",
        "From": "anna@example.org",
        "To": "x@remote.test",
        "Subject": f"The minutes of meeting {number}",
        "Content-Type": "text/plain; charset=UTF-8; format=flowed",
        **changed,
    }
    return "".join(f"{name}: {value}\n" for name, value in fields.items() if value).encode()


SPAM = (
    b"From: anna@example.org\nSubject: =?koi8-r?B?8NLJ18XUIM3J0g==?=\nTo: x@remote.test\n"
    b"Message-ID: <000a01c7b540$38d24ff0$01a1e48c@pc>\nDate: Sun, 1 Mar 2026 10:00:00 +0900\n"
    b"X-Mailer: The Bat! (v3.0)\nContent-Type: text/html; charset=koi8-r\n"
)


@pytest.fixture
def store(tmp_path):
    with Database.open(tmp_path / "state.sqlite3") as database:
        yield HabitStore(database)


def judged(store, headers, **more):
    lookups = dataclasses.replace(LOOKUPS, habits=store)
    return told(habits.gather(make(headers=headers, **more), OURS, lookups))


def test_too_little_mail_says_nothing(store):
    store.learn_all(HeaderBlock(mail(n)) for n in range(ENOUGH - 1))
    assert store.share("mailer", "mozilla thunderbird") is None
    assert judged(store, SPAM) == []
    store.learn(HeaderBlock(mail(ENOUGH)))
    assert store.share("mailer", "mozilla thunderbird") == 1.0
    assert store.share("mailer", "the bat") == 0.0


def test_like_and_unlike(store):
    store.learn_all(HeaderBlock(mail(n)) for n in range(100))
    assert judged(store, mail(7777)) == [("very-like", "genuine", "weak")]
    assert judged(store, SPAM) == [("very-unlike", "forged", "weak")]
    assert judged(store, SPAM, completeness=Completeness.PARTIAL) == []


def test_a_new_program_on_a_journey_is_not_told_apart(store):
    store.learn_all(HeaderBlock(mail(n)) for n in range(100))
    travelling = mail(1, Date="Sun, 1 Mar 2026 10:00:00 +0900", **{"User-Agent": "K-9 Mail for Android"})
    assert not [f for f in judged(store, travelling) if f[1] == "forged"]


def test_no_header_of_a_message_is_kept(store):
    store.learn_all(HeaderBlock(mail(n, Subject="A very secret subject")) for n in range(60))
    rows = store._database.connection.execute("SELECT value FROM habits").fetchall()
    assert not any("secret" in value or "anna@" in value for (value,) in rows)


def test_values_of_one_trait_are_bounded(store):
    store.learn_all(
        HeaderBlock(mail(n, **{"User-Agent": f"Client {_word(n)}"})) for n in range(MAX_VALUES + 50)
    )
    count = store._database.connection.execute(
        "SELECT count(*) FROM habits WHERE trait = 'mailer'"
    ).fetchone()[0]
    assert count <= MAX_VALUES + 1


def _word(number):
    return "".join(chr(97 + int(digit)) for digit in str(number)) + "x"


def test_read_only_store_without_the_table(tmp_path):
    path = tmp_path / "state.sqlite3"
    Database.open(path).close()
    with Database.open(path, readonly=True) as database:
        assert HabitStore(database).share("mailer", "x") is None


@pytest.mark.parametrize(
    ("message_id", "shape"),
    [
        ("<3F2504E0-4F89-41D3@mail.example.org>", "x8-x4-x4@mail.example.org"),
        ("<12345678-4444-9999@mail.example.org>", "x8-x4-x4@mail.example.org"),
        ("<CAHk_xy+Z0@mail.gmail.com>", "w@mail.gmail.com"),
        ("<000a01c7b540$38d24ff0$01a1e48c@pc17>", "x12$x8$x8@pc9"),
        ("nonsense", "nonsense"),
    ],
)
def test_message_id_shape(message_id, shape):
    assert message_id_shape(message_id) == shape


def test_small_readers():
    assert mailer_family("Mozilla/5.0 Thunderbird/115") == "mozilla thunderbird"
    assert mailer_family(None) == "none"
    assert script_of("Привет") == "cyrillic"
    assert script_of("Grüße") == "latin"
    assert traits(HeaderBlock(b"\xff\xfe: x\nnonsense")) == {"mailer": "none"}
