"""Non-standard reports: recipients, codes, hosts and the original, format by format."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import pytest

from classifier.parse.formats import read
from classifier.parse.headers import HeaderBlock
from classifier.parse.message import parse
from classifier.vocabulary import DeliveryAction, RefusalStage, ReportKind

ORIGINAL = """Received: from mail.example.org (mail.example.org [192.0.2.1])
\tby mx.example.com with ESMTP; Thu, 5 Mar 2026 10:00:00 +0000
Message-ID: <one@example.org>
From: Anna <anna@example.org>
To: bob@example.com
Subject: Minutes
"""


@dataclass
class Case:
    """A notice as a program writes it, and what is to be read from it."""

    notice: str
    format: str
    recipients: list[str] = field(default_factory=lambda: ["bob@example.com"])
    sender: str = "MAILER-DAEMON@mx.example.com"
    subject: str = "failure notice"
    headers: str = ""
    status: str | None = None
    reply: str | None = None
    reporting: str | None = "mx.example.com"
    remote: str | None = None
    stage: RefusalStage | None = None
    action: DeliveryAction = DeliveryAction.FAILED
    original: str = ORIGINAL

    def raw(self) -> bytes:
        """Write the message."""
        return (
            f"Return-Path: <>\nFrom: {self.sender}\nTo: anna@example.org\nSubject: {self.subject}\n{self.headers}"
            "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n"
            f"{self.notice}\n{self.original}\nDear Bob,\n"
        ).encode()


CASES = {
    "qmail": Case(
        "Hi. This is the qmail-send program at mx.example.com.\nI'm afraid I wasn't able to deliver your message to the "
        "following addresses.\nThis is a permanent error; I've given up. Sorry it didn't work out.\n\n<bob@example.com>:\n"
        "192.0.2.7 does not like recipient.\nRemote host said: 550 5.1.1 <bob@example.com>... User Unknown\n"
        "Giving up on 192.0.2.7.\n\n--- Below this line is a copy of the message.\n",
        "qmail",
        status="5.1.1",
        reply="550",
        remote="192.0.2.7",
        stage=RefusalStage.SESSION,
    ),
    "qmail, local": Case(
        "Hi. This is the qmail-send program at mx.example.com.\nI'm afraid I wasn't able to deliver your message to the "
        "following addresses.\n\n<bob@example.com>:\nSorry, no mailbox here by that name. vpopmail (#5.1.1)\n\n"
        "<carl@example.com>:\nUser is over quota. (#5.2.2)\n\n--- Below this line is a copy of the message.\n",
        "qmail",
        ["bob@example.com", "carl@example.com"],
        status="5.1.1",
        stage=RefusalStage.ACCEPTED,
    ),
    "exim": Case(
        "This message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered to "
        "one or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n  bob@example.com\n"
        "    SMTP error from remote mail server after RCPT TO:<bob@example.com>:\n"
        "    host mx2.example.com [192.0.2.7]: 550 5.1.1 <bob@example.com>:\n    Recipient address rejected\n\n"
        "------ This is a copy of the message, including all the headers. ------\n",
        "exim",
        sender="Mail Delivery System <Mailer-Daemon@mx.example.com>",
        headers="X-Failed-Recipients: bob@example.com\nAuto-Submitted: auto-replied\n",
        status="5.1.1",
        reply="550",
        remote="mx2.example.com",
        stage=RefusalStage.SESSION,
    ),
    "exim, delayed": Case(
        "This message was created automatically by mail delivery software.\nA message that you sent has not yet been delivered "
        "to one or more of its\nrecipients after more than 24 hours on the queue on mx.example.com.\n\n"
        "The address to which the message has not yet been delivered is:\n\n  bob@example.com\n",
        "exim",
        sender="Mail Delivery System <Mailer-Daemon@mx.example.com>",
        subject="Warning: message 1abc delayed 24 hours",
        action=DeliveryAction.DELAYED,
        original="",
    ),
    "sendmail, of old": Case(
        "   ----- Transcript of session follows -----\nWhile talking to mx2.example.com:\n>>> RCPT To:<bob@example.com>\n"
        "<<< 550 <bob@example.com>... User unknown\n550 <bob@example.com>... User unknown\n\n   ----- Unsent message follows -----\n",
        "sendmail",
        sender="Mail Delivery Subsystem <MAILER-DAEMON@mx.example.com>",
        subject="Returned mail: User unknown",
        status="5.1.1",
        reply="550",
        stage=RefusalStage.SESSION,
    ),
    "postfix, of old": Case(
        "This is the Postfix program at host mx.example.com.\n\nI'm sorry to have to inform you that the message returned\n"
        "below could not be delivered to one or more destinations.\n\nFor further assistance, please contact "
        "<help@example.com>\n\n\t\t\tThe Postfix program\n\n<bob@example.com>: host mx2.example.com[192.0.2.7] said: 550\n"
        "    <bob@example.com>: User unknown\n",
        "postfix",
        status="5.1.1",
        reply="550",
        remote="mx2.example.com",
        stage=RefusalStage.SESSION,
    ),
    "exchange 5.5": Case(
        "Your message\n\n  To:      bob@example.com\n  Subject: Minutes\n  Sent:    Thu, 5 Mar 2026 10:00:00 +0000\n\n"
        "did not reach the following recipient(s):\n\nbob@example.com on Thu, 5 Mar 2026 10:00:01 +0000\n"
        "    The recipient name is not recognized\n\tThe MTS-ID of the original message is: c=us;a= ;p=x;l=y\n"
        "    MSEXCH:IMS:EXAMPLE:SITE:MX 0 (000C05A6) Unknown Recipient\n",
        "exchange",
        sender="System Administrator <postmaster@mx.example.com>",
        subject="Undeliverable: Minutes",
        status="5.1.1",
        stage=RefusalStage.ACCEPTED,
    ),
    "exchange, X.400 address": Case(
        "Your message\n\n  To:      list@example.com\n  Subject: Minutes\n\ndid not reach the following recipient(s):\n\n"
        "c=US;a= ;p=EX;o=Site;dda:SMTP=bob@example.com; on Thu, 5 Mar 2026\n    The recipient name is not recognized\n",
        "exchange",
        sender="System Administrator <postmaster@mx.example.com>",
        subject="Undeliverable: Minutes",
    ),
    "domino": Case(
        "Your message\n\n  Subject: Minutes\n\nwas not delivered to:\n\n  bob@example.com\n\nbecause:\n\n"
        "  User bob (bob@example.com) not listed in Domino Directory\n",
        "domino",
        sender="Postmaster@mx.example.com",
        subject="DELIVERY FAILURE: User bob (bob@example.com) not listed in Domino Directory",
        status="5.1.1",
    ),
    "imail": Case(
        "Unknown user: bob@example.com\n\n\nOriginal message follows.\n",
        "imail",
        sender='"Postmaster" <postmaster@mx.example.com>',
        subject="Undeliverable Mail",
        status="5.1.1",
        stage=RefusalStage.ACCEPTED,
    ),
    "dma": Case(
        "This is the DragonFly Mail Agent v0.13 at mx.example.com.\n\nThere was an error delivering your mail to "
        "<bob@example.com>.\n\nmx2.example.com [192.0.2.7] did not like our RCPT TO:\n550 5.7.1 denied\n\nMessage headers follow.\n",
        "dma",
        sender="MAILER-DAEMON <>",
        status="5.7.1",
        reply="550",
        remote="mx2.example.com",
    ),
    "opensmtpd": Case(
        "    Hi!\n\n    This is the MAILER-DAEMON, please DO NOT REPLY to this e-mail.\n\n    An error has occurred while "
        "attempting to deliver a message for\n    the following list of recipients:\n\nbob@example.com: 550 5.2.2 Mailbox full\n\n"
        "    Below is a copy of the original message:\n",
        "opensmtpd",
        status="5.2.2",
        reply="550",
    ),
    "google": Case(
        "Delivery to the following recipient failed permanently:\n\n     bob@example.com\n\nTechnical details of permanent "
        "failure: \nThe error that the other server returned was:\n550 5.1.1 User Unknown\n\n----- Original message -----\n",
        "google",
        sender="Mail Delivery Subsystem <mailer-daemon@google.test>",
        reporting="google.test",
        status="5.1.1",
        stage=RefusalStage.SESSION,
    ),
    "yahoo": Case(
        "Message from mx.example.com.\nUnable to deliver message to the following address(es).\n\n<bob@example.com>:\n"
        "This user doesn't have an example.com account (bob@example.com) [0]\n\n--- Original message follows.\n",
        "yahoo",
        status="5.1.1",
        stage=RefusalStage.ACCEPTED,
    ),
    "fields typed into the text": Case(
        "An error occurred while trying to deliver the mail to the following recipients:\nbob@example.com\n\nTechnical report:\n\n"
        "Reporting-MTA: dsn; mx.example.com\n\nAction: failed\nFinal-Recipient: rfc822; bob@example.com\n"
        "Diagnostic-Code: smtp; 550 5.1.1 <bob@example.com>... User Unknown\nStatus: 5.1.1\n",
        "generic",
        status="5.1.1",
        reply="550",
    ),
    "an alias": Case(
        "This message was created automatically by mail delivery software.\nThe following address(es) failed:\n\n"
        "  an undisclosed address\n    (generated from bob@example.com)\n\n------ This is a copy of the message ------\n",
        "exim",
    ),
    "a bare name": Case(
        "Your mail to the following recipients could not be delivered because they are not accepting mail from you:\n\n\tbob\n",
        "generic",
        sender="MAILER-DAEMON@example.com",
        reporting="example.com",
    ),
    "m-FILTER": Case(
        "このメールは「m-FILTER」が自動的に生成して送信しています。\n以下のメールアドレスへの送信に失敗しました。\n\nbob@example.com\n\n"
        "-------server message\n550 5.1.1 User unknown\n\n-------original message\n",
        "mfilter",
        sender="POSTMASTER <postmaster@mx.example.com>",
        status="5.1.1",
        reply="550",
    ),
    "mail.ru": Case(
        "Это письмо создано автоматически сервером Mail.Ru, отвечать на него не нужно.\n\nК сожалению, Ваше письмо не может быть "
        "доставлено одному или нескольким получателям:\n\n  bob@example.com\n    SMTP error from remote mail server after RCPT "
        "TO:<bob@example.com>:\n    host mx2.example.com [192.0.2.7]: 550 5.2.2 Mailbox Full\n",
        "mailru",
        sender="mailer-daemon@mx.example.com",
        status="5.2.2",
        reply="550",
        remote="mx2.example.com",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_format_is_read_in_full(name: str) -> None:
    case = CASES[name]
    report = parse(case.raw())
    assert (report.kind, report.format) == (ReportKind.BOUNCE, case.format)
    assert [r.final_recipient for r in report.recipients] == case.recipients
    first = report.recipients[0]
    assert report.reporting_mta == case.reporting or case.sender.endswith("<>")
    assert first.action is case.action
    if case.status:
        assert first.status == case.status
    if case.reply:
        assert first.smtp_reply == case.reply
        assert first.diagnostic_code is not None
        assert case.reply in first.diagnostic_code
    if case.remote:
        assert first.remote_mta == case.remote
    if case.stage:
        assert first.stage is case.stage
    if case.original:
        assert report.original.message_id == "<one@example.org>"


def test_a_provider_notification_is_read() -> None:
    raw = (
        b"From: no-reply@sns.example.com\nTo: anna@example.org\nSubject: AWS Notification Message\n\n"
        b'{"notificationType":"Bounce","bounce":{"bouncedRecipients":[{"emailAddress":"bob@example.com","action":"failed",'
        b'"status":"5.1.1","diagnosticCode":"smtp; 550 5.1.1 user unknown"}]},"mail":{"source":"anna@example.org",'
        b'"destination":["bob@example.com"],"commonHeaders":{"from":["anna@example.org"],"subject":"Minutes"}}}\n'
    )
    report = parse(raw)
    assert (report.kind, report.format) == (ReportKind.BOUNCE, "amazon-sns")
    assert [(r.final_recipient, r.status) for r in report.recipients] == [("bob@example.com", "5.1.1")]
    assert parse(raw.replace(b'"Bounce"', b'"Complaint"')).kind is ReportKind.FEEDBACK_REPORT


def test_the_sentence_after_the_one_that_names_the_recipient_is_the_diagnostic() -> None:
    raw = (
        b"From: MAILER-DAEMON <>\nTo: anna@example.org\nSubject: Mail delivery failed\n\n"
        b"This is the DragonFly Mail Agent v0.13 at shop.\n\nThere was an error delivering your mail to "
        b"<bob@example.com>.\n\nCould not deliver for the last 432000 seconds. Giving up.\n\nMessage headers follow.\n\n"
        b"From: anna@example.org\nTo: bob@example.com\n"
    )
    report = parse(raw)
    (recipient,) = report.recipients
    assert recipient.diagnostic_code == "Could not deliver for the last 432000 seconds. Giving up."
    assert recipient.status == "5.4.7"
    assert report.reporting_mta == "shop"


def test_an_address_in_a_link_is_no_recipient() -> None:
    link = f"https://webmail.remote.test:8443/senders/{'x' * 200}/add?owner=bob@remote.test&id=11e1-162c"
    asked = parse(
        b"From: bob@remote.test\nTo: anna@example.org\nSubject: Re: Minutes\nPrecedence: auto_reply\n\n"
        b"To control spam, I now allow incoming messages only from senders I have approved beforehand.\n"
        b"Fill out the short form to become one of my approved senders:\n\n" + link.encode() + b"\n"
    )
    assert (asked.kind, asked.recipients) == (ReportKind.CHALLENGE, ())
    failed = parse(
        b"Return-Path: <>\nFrom: MAILER-DAEMON@mx.remote.test\nTo: anna@example.org\nSubject: Returned mail\n\n"
        b"Your message could not be delivered.\n" + link.encode() + b"\n"
        b"550 5.1.1 no such user mailto:carl@remote.test?subject=why\n"
    )
    assert [r.final_recipient for r in failed.recipients] == ["carl@remote.test"]


def test_neither_the_reader_nor_a_contact_is_a_recipient() -> None:
    raw = CASES["postfix, of old"].raw()
    found = {r.final_recipient for r in parse(raw).recipients}
    assert not found & {"anna@example.org", "help@example.com", "MAILER-DAEMON@mx.example.com"}


@pytest.mark.parametrize(
    "unit",
    [
        "a@b.example, ", "<a@b.example>:\n", "@", "@@@ ", "550 5.1.1 ", "-" * 70 + " x\n", "following\n", "RCPT TO:<", "this is the ",
        "Final-Recipient: rfc822; a@b.example\n", "\n", "aaaa", "<br>", "host ", "(expanded from: ", '"', "\n    ",
    ],
)  # fmt: skip
def test_time_is_bounded_on_bait(unit: str) -> None:
    class NoPart:
        content_type = "text/plain"
        raw_body = b""

        def walk(self) -> list[NoPart]:
            return [self]

        def text(self) -> str:
            return ""

    headers = HeaderBlock(b"From: MAILER-DAEMON@example.com\nSubject: failure notice\n")
    began = time.perf_counter()
    read(headers, NoPart(), unit * (2_000_000 // len(unit)))  # type: ignore[arg-type]
    assert time.perf_counter() - began < 2.0
