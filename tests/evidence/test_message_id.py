"""Message-ID: right-hand sides, ours and others'."""

from __future__ import annotations

import pytest

from classifier.evidence import message_id
from classifier.identity import Identity
from tests.evidence.makers import LOOKUPS, make, told

OURS = Identity(domains=("example.org",), message_id_domains=("example.org", ".mail.example.org"))
GENUINE, FORGED = ("ours", "genuine", "weak"), ("foreign", "forged", "weak")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("<1@example.org>", [GENUINE]),
        ("<1@EXAMPLE.org.>", [GENUINE]),
        ("<1@a.mail.example.org>", [GENUINE]),
        ("<1@spam.test>", [FORGED]),
        ("<1@notexample.org>", [FORGED]),
        ("<1@eu-west-1.amazonses.com>", [("provider", "neither", "weak")]),
        ("<1@DB7PR04MB4.eurprd04.prod.outlook.com>", [("provider", "neither", "weak")]),
        ("<1@phone.local>", [("private", "forged", "weak")]),
        ("<1@[192.168.1.5]>", [("private", "forged", "weak")]),
        ("<no-at-sign>", [("private", "forged", "weak")]),
    ],
)
def test_right_hand_side(value, expected):
    report = make(headers=f"From: anna@example.org\nMessage-ID: {value}\n".encode())
    assert told(message_id.gather(report, OURS, LOOKUPS)) == expected


def test_a_message_id_that_is_cut_off_says_nothing():
    # Whole, it may well end as ours do.
    cut, whole = (
        f"From: anna@example.org\nMessage-ID: <1@mail{end}\n".encode() for end in (".exam", ".test>")
    )
    assert not list(message_id.gather(make(headers=cut), OURS, LOOKUPS))
    assert told(message_id.gather(make(headers=whole), OURS, LOOKUPS)) == [("foreign", "forged", "weak")]
    assert told(message_id.gather(make(headers=cut + b"Subject: x\n"), OURS, LOOKUPS)) == [
        ("foreign", "forged", "weak")
    ]


def test_nothing_to_compare_says_nothing():
    assert not list(message_id.gather(make(), OURS, LOOKUPS))
    report = make(headers=b"Message-ID: <1@spam.test>\n")
    assert not list(message_id.gather(report, Identity(domains=("example.org",)), LOOKUPS))
