"""What a delivery status leaves out and the words beside it tell; and which of the words tell it."""

from __future__ import annotations

import pytest

from classifier.parse.message import parse

HEAD = "From: Mail Delivery System <mailer-daemon@remote.test>\nTo: anna@example.org\nSubject: Undelivered Mail\nMIME-Version: 1.0\n"


def dsn(words: str, group: str) -> bytes:
    return (
        f"{HEAD}Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\n{words}\n"
        f"--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; remote.test\n\n{group}\n--b--\n"
    ).encode()


BOB = "Final-Recipient: rfc822; bob@remote.test\n"
LEFT_OUT = {
    "status and reason": (
        "The following addresses had permanent fatal errors\n<bob@remote.test>\n\n554 could not connect to 192.0.2.84",
        f"{BOB}Action: failed\n",
        ("failed", "5.4.1", "554 could not connect to 192.0.2.84"),
    ),
    "reason, and a status that tells nothing": (
        "Failed to deliver to '<bob@remote.test>'\nLOCAL module(account bob) reports:\n account is full (quota exceeded)",
        f"{BOB}Action: failed\nStatus: 5.0.0\n",
        ("failed", "5.2.2", "LOCAL module(account bob) reports: account is full (quota exceeded)"),
    ),
    "action": (
        "Delivery to the following recipients failed permanently:\n\n   * bob@remote.test",
        f"{BOB}Diagnostic-Code: smtp; 552 Mailbox disk quota exceeded\n",
        ("failed", "5.2.2", "552 Mailbox disk quota exceeded"),
    ),
    "what the words know of somebody else": (
        "Could not deliver to:\n\n<carol@remote.test>\n\n550 5.1.1 User unknown",
        f"{BOB}Action: failed\nStatus: 5.0.0\n",
        ("failed", "5.0.0", None),
    ),
    "what stands below a name and tells nothing": (
        "This is an automatically generated Delivery Status Notification.\n\n     bob@remote.test\n\n-- \nRemote Ltd., by the river",
        f"{BOB}Action: failed\nStatus: 5.1.1\n",
        ("failed", "5.1.1", None),
    ),
    "nothing, of a success": (
        "Your message was delivered to bob@remote.test\n\n250 2.0.0 fine, not 550 5.1.1",
        f"{BOB}Action: delivered\nStatus: 2.0.0\n",
        ("delivered", "2.0.0", None),
    ),
}


@pytest.mark.parametrize("case", LEFT_OUT)
def test_what_the_words_add(case: str) -> None:
    words, group, expected = LEFT_OUT[case]
    (told,) = parse(dsn(words, group)).recipients
    assert (told.action, told.status, told.diagnostic_code) == expected
    assert told.final_recipient == "bob@remote.test"


#: A notice, and what of it says why.
REASONS = {
    "after a heading": (
        "Your message\n\n  Subject: Minutes\n\nwas not delivered to:\n\n  bob@remote.test\n\nbecause:\n\n  User bob (bob@remote.test) not listed in Domino Directory",
        "User bob (bob@remote.test) not listed in Domino Directory",
    ),
    "above the name": (
        (
            "This Message was undeliverable due to the following reason:\n\nThe user(s) listed below does not exist.\n\n     <bob@remote.test>\n\n"
            "Please reply to Postmaster@remote.test if you feel this message to be in error."
        ),
        "The user(s) listed below does not exist.",
    ),
    "with the address in it": (
        (
            "The following message to <bob@remote.test> was undeliverable.\nThe reason for the problem:\n"
            "5.1.0 - Unknown address error 550-'5.1.1 <bob@remote.test>: User unknown'"
        ),
        "5.1.0 - Unknown address error 550-'5.1.1 <bob@remote.test>: User unknown'",
    ),
    "behind the sentence's end": ("No mail reached bob@remote.test... unknown host", "unknown host"),
}  # fmt: skip


@pytest.mark.parametrize("case", REASONS)
def test_the_reason_is_found_in_the_words(case: str) -> None:
    words, reason = REASONS[case]
    (told,) = parse(f"{HEAD}\n{words}\n".encode()).recipients
    assert (told.final_recipient, told.diagnostic_code) == ("bob@remote.test", reason)


@pytest.mark.parametrize(
    ("author", "words"),
    [
        ("MDaemon@mx.remote.test", "YOUR MESSAGE WAS NOT DELIVERED!\n\n> bob@remote.test"),
        (
            '"Courier mail server at mx.remote.test" <@>',
            "This is a delivery status notification from mx.remote.test,\nrunning the Courier mail server.\n\n<bob@remote.test>:\n<<< 550 User unknown.",
        ),
    ],
)
def test_who_reports(author: str, words: str) -> None:
    raw = f"Return-Path: <>\nFrom: {author}\nTo: anna@example.org\nSubject: mail delivery failed\n\n{words}\n"
    assert parse(raw.encode()).reporting_mta == "mx.remote.test"
