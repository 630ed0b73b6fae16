"""Reports of systems that say little of themselves, and mail that only looks like it; each message is made up after a program's habits."""

from __future__ import annotations

import pytest

from classifier.parse.message import parse
from classifier.parse.triage import may_be_report

ORIGINAL = "From: anna@example.org\nTo: bob@remote.test\nSubject: Minutes\nMessage-ID: <one@example.org>\nDate: Thu, 5 Mar 2026 09:59:00 +0000\n\nHello\n"
NULL = "Return-Path: <>\n"
CASES = {
    "a hosted mail service that signs as a host": (
        "bounce",
        "From: relay.remote.test\nSubject: Undelivered Mail Returned to Sender\nContent-Type: multipart/mixed; boundary=b",
        (
            "--b\n\nAn error occurred while trying to deliver the mail to the following recipients:\nbob@remote.test\n\nTechnical report:\n\n"
            "Reporting-MTA: dns; relay.remote.test\n\nAction: failed\nFinal-Recipient: rfc822; bob@remote.test\nStatus: 5.1.1\n"
            f"--b\nContent-Type: message/rfc822\n\n{ORIGINAL}--b--"
        ),
    ),
    "a system whose field alone tells": (
        "bounce",
        "From: root@remote.test\nSubject: Error sending message [<17.S>] from [remote.test]\nX-MailerError: Message = [<17.S>] Server = [remote.test]",
        "[00] Bounce: Rcpt=[bob@remote.test];Error=[550 5.1.1 unknown]\n\nRcpt To:   <bob@remote.test>\n\n550 5.1.1 unknown",
    ),
    "an answer that says it is no mailbox": (
        "bounce",
        f"{NULL}From: <>\nSubject:\nIn-Reply-To: <one@example.org>\nAuto-Submitted: auto-replied",
        "You sent mail to bob@remote.test. That's not a valid user here.",
    ),
    "a provider's answer to whatever comes in": (
        "auto-reply",
        f"{NULL}From: Bob <bob@remote.test>\nSubject: Thank you for your e-mail\nPrecedence: bulk",
        "Thank you for your e-mail.\nI will reply as soon as possible.",
    ),
    "the same in German": (
        "auto-reply",
        f"{NULL}From: Bob <bob@remote.test>\nSubject: Vielen Dank für Ihre Nachricht\nPrecedence: bulk",
        "Ich melde mich.",
    ),
    "a challenge that its field names": (
        "challenge",
        "From: bob@remote.test\nSubject: RE: Minutes\nX-Bluebottle-Request: <1234>",
        "This account is protected. Please click on the following link.\nhttps://remote.test/verification/1234",
    ),
    "a challenge that lists who may write": (
        "challenge",
        "From: bob@remote.test\nSubject: Re: Minutes (automated response)\nIn-Reply-To: <one@example.org>\nPrecedence: bulk",
        (
            "This is an automatic reply to your email message to bob@remote.test\n\nThis email address is protected by a blocker. Your message "
            'has been put into a "suspect email" folder, until you are on the list of allowed senders.'
        ),
    ),
    "a newsletter that thanks": (
        "other",
        f"{NULL}From: News <news@shop.test>\nSubject: Thank you for your email: 20 % off\nList-Unsubscribe: <https://shop.test/u>\nPrecedence: bulk",
        "Save now.",
    ),
    "who thanks": (
        "other",
        "From: Bob <bob@remote.test>\nSubject: Thank you for your message\nReturn-Path: <bob@remote.test>",
        "Monday is fine.",
    ),
    "who keeps bounces and passes one on": (
        "other",
        "From: Dan <bounces@example.org>\nSubject: Fwd: Undelivered Mail Returned to Sender\nX-Mailer: Apple Mail",
        "Hi Anna, can you look?\n\nBegin forwarded message:\n\nFrom: MAILER-DAEMON@mx.remote.test\nSubject: Undelivered Mail\n\n<bob@remote.test>: 550 5.1.1 unknown",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_kind(case: str) -> None:
    kind, headers, body = CASES[case]
    raw = f"To: anna@example.org\n{headers}\nDate: Thu, 5 Mar 2026 10:00:00 +0000\nMIME-Version: 1.0\n\n{body}\n".encode()
    report = parse(raw)
    assert report.kind == kind
    if kind == "bounce":
        assert [r.final_recipient for r in report.recipients] == ["bob@remote.test"]
    if kind != "other":
        assert may_be_report(raw)
