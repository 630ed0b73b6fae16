"""Reports that were passed on inside another, and recipients that a delivery status names badly."""

from __future__ import annotations

import pytest

from classifier.parse.message import parse
from classifier.vocabulary import ReportKind

STATUS = """Reporting-MTA: dns; mx.remote.test

Final-Recipient: {final}
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 no such user
"""
REPORT = """From: Mail Delivery System <MAILER-DAEMON@mx.remote.test>
To: gateway@remote.test
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="inner"

--inner

We are sorry.
--inner
Content-Type: message/delivery-status

""" + STATUS.format(final="rfc822; bob@remote.test") + """
--inner--
"""  # fmt: skip
HEAD = """Return-Path: <>
From: MAILER-DAEMON@gateway.test
To: anna@example.org
Subject: Returned mail: User unknown
MIME-Version: 1.0
"""


def only(raw: str):
    """Return the one recipient of the report *raw*, and the report."""
    report = parse(raw.encode())
    (recipient,) = report.recipients
    return recipient, report


def test_attached_report():
    raw = (
        HEAD + 'Content-Type: multipart/mixed; boundary="o"\n\n--o\n\nThe original message was received.\n'
        "----- The following addresses had permanent delivery errors -----\n"
        f"--o\nContent-Type: message/rfc822\n\n{REPORT}\n--o--\n"
    )
    recipient, report = only(raw)
    assert (recipient.final_recipient, recipient.status) == ("bob@remote.test", "5.1.1")
    assert report.original.from_address == "MAILER-DAEMON@mx.remote.test"


def test_report_in_a_text():
    raw = (
        HEAD + "\nI'm sorry to inform you that the message returned below could not be delivered.\n\n"
        f"----\nReturn-Path: <>\nDate: Thu, 5 Mar 2026 10:00:00 +0000\n{REPORT}"
    )
    assert only(raw)[0].final_recipient == "bob@remote.test"


def structured(final: str, text: str, extra: str = "", subject: str = "Delivery failure") -> str:
    """Write a report by the standard with this Final-Recipient and text."""
    return (
        f"Return-Path: <>\nFrom: MAILER-DAEMON@mx.remote.test\nTo: anna@example.org\nSubject: {subject}\n{extra}"
        'MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
        f"--b\n\n{text}\n--b\nContent-Type: message/delivery-status\n\n{STATUS.format(final=final)}\n--b--\n"
    )


@pytest.mark.parametrize(
    ("final", "text", "extra", "expected"),
    [
        ("rfc822; @mx.remote.test", "550 5.1.1 <bob@remote.test>... User unknown", "", "bob@remote.test"),
        ("rfc822;/var/spool/bob/new", "It failed.", "X-Failed-Recipients: bob@remote.test\n", "bob@remote.test"),
        ("x400; /C=DE/S=Bob/", "It failed.", "", "/C=DE/S=Bob/"),
        ("rfc822; <bob@remote.test>", "We told carl@remote.test.", "", "bob@remote.test"),
    ],
)  # fmt: skip
def test_final_recipients(final, text, extra, expected):
    assert only(structured(final, text, extra))[0].final_recipient == expected


VIRUS = "A virus was found in an email from you:\n    Eicar-Signature\nDelivery of the email was stopped."


@pytest.mark.parametrize(
    ("subject", "text", "kind"),
    [
        ("VIRUS (Eicar-Signature) in mail FROM YOU <anna@example.org>", VIRUS, ReportKind.VIRUS_WARNING),
        ("Undeliverable: virus alert", VIRUS, ReportKind.DSN),
        ("Undelivered Mail Returned to Sender", "552 5.7.0 virus in your message", ReportKind.DSN),
    ],
)
def test_a_warning_may_have_a_delivery_status(subject, text, kind):
    recipient, report = only(structured("rfc822; bob@remote.test", text, subject=subject))
    assert report.kind is kind
    assert recipient.final_recipient == "bob@remote.test"


AUTO_REPLY = (
    b"From: Bob <bob@remote.test>\nTo: anna@example.org\nSubject: %sAutomatic reply: Offer\nMessage-ID: <1@remote.test>\n\n"
    b"I am out of the office until Monday.\n"
)


@pytest.mark.parametrize(
    "tag",
    ["", "[EXTERNAL] ", "[EXT] - ", "***SPAM*** ", "{Spam?} ", "[SPAM 7.2] ", "Extern: ", "[External sender] ***SPAM*** ", "<possible spam> "],
)  # fmt: skip
def test_subject_that_a_filter_tagged(tag: str) -> None:
    assert parse(AUTO_REPLY % tag.encode()).kind is ReportKind.AUTO_REPLY


@pytest.mark.parametrize("tag", ["Re: ", "[hikers] ", "[extra] question about "])
def test_subject_that_a_person_wrote(tag: str) -> None:
    message = (AUTO_REPLY % tag.encode()).replace(b"I am out of the office until Monday.", b"What is it?")
    assert parse(message).kind is ReportKind.OTHER


BOUNCE = (
    b"From: mailer-daemon@remote.test\nTo: anna@example.org\nSubject: failure notice\n\n"
    b"<bob@remote.test>:\n550 5.1.1 no such user\n"
)


@pytest.mark.parametrize(
    "above",
    [
        b"\xef\xbb\xbf",
        b"\xef\xbb\xbf\n",
        b"\n \n",
        b">From mailer-daemon Mon Mar  9 10:00:00 2026\n",
        b"From mailer-daemon Mon Mar  9 10:00:00 2026\n>From mailer-daemon Mon Mar  9 10:00:00 2026\n",
        b"From mailer-daemon Mon Mar  9 10:00:00 2026\n\n  \n",
    ],
)
def test_what_stands_above_the_first_field(above: bytes) -> None:
    report = parse(above + BOUNCE)
    assert report.kind is ReportKind.BOUNCE
    assert report.sender == "mailer-daemon@remote.test"
    assert report.recipients[0].status == "5.1.1"


@pytest.mark.parametrize(
    "kind", ["text/plain; name=details.txt", "application/octet-stream; name=ATT00001.dat", "text/plain"]
)
@pytest.mark.parametrize("report", ["multipart/report; report-type=delivery-status", "multipart/mixed"])
def test_delivery_status_that_lost_its_type(kind: str, report: str) -> None:
    head, _, rest = REPORT.partition("\n\n")
    head = head.replace("multipart/report; report-type=delivery-status", report)
    told = parse(f"{head}\n\n{rest}".replace("message/delivery-status", kind).encode())
    (recipient,) = told.recipients
    assert (recipient.final_recipient, recipient.status) == ("bob@remote.test", "5.1.1")
    assert recipient.diagnostic_code == "550 5.1.1 no such user"
    assert told.reporting_mta == "mx.remote.test"


def test_notice_in_html_above_a_footer_in_plain_text() -> None:
    notice = "<html><body>We could not deliver your message to:<br>bob@remote.test<br>No such user<br></body></html>"
    report = parse(
        (
            "From: MAILER-DAEMON@remote.test\nTo: anna@example.org\nSubject: failure notice\nMIME-Version: 1.0\n"
            f"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\n\n{notice}\n"
            "--b\nContent-Type: text/plain\n\n_____\nhikers mailing list\n--b--\n"
        ).encode()
    )
    assert report.kind is ReportKind.BOUNCE
    assert report.recipients[0].final_recipient == "bob@remote.test"


def test_version_number_is_no_status_of_a_failure() -> None:
    report = parse(
        b"From: mailer-daemon@remote.test\nTo: anna@example.org\nSubject: Message status - undeliverable\n\n"
        b"The message that you sent was undeliverable to the following:\n  bob@remote.test (recipient not found)\n\n"
        b"Program 2.0.12 released\n"
    )
    assert report.recipients[0].status == "5.1.1"
