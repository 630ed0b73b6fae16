"""Fields that programs write otherwise than RFC 3464 has them, and reasons in other languages."""

from __future__ import annotations

from base64 import encodebytes

import pytest

from classifier.parse.delivery_status import read_delivery_status
from classifier.parse.message import parse
from classifier.parse.smtp import derive_status
from classifier.vocabulary import Completeness

HOSTS = {
    "mx.remote.test": "mx.remote.test",
    "dns; mx.remote.test [192.0.2.25]": "mx.remote.test",
    "dns;mx.remote.test (tcp-daemon)": "mx.remote.test",
    "dns; mx.remote.test. (192.0.2.25, the server for the domain remote.test.)": "mx.remote.test",
    "dns;mx.remote.test (TCP|192.0.2.1|47323|192.0.2.25|25) (ESMTP Program 6.1 [built Jan 1])": "mx.remote.test",
    "dns; https://urldefense.proofpoint.com/v2/url?u=http-3A__mx-2D1.remote.test&d=DwIC&e=": "mx-1.remote.test",
    "dns; [192.0.2.25]": "[192.0.2.25]",
    "x400; mta mx.remote.test in /PRMD=RT/ADMD= /C=ZZ/": "mta mx.remote.test in /PRMD=RT/ADMD= /C=ZZ/",
    "dns; Remote Delivery Agent": "Remote Delivery Agent",
}


@pytest.mark.parametrize("written", HOSTS)
def test_host_without_the_note_behind_it(written: str) -> None:
    status = read_delivery_status(
        f"Reporting-MTA: {written}\n\nFinal-Recipient: rfc822; bob@remote.test\nRemote-MTA: {written}\n".encode()
    )
    assert status.reporting_mta == HOSTS[written]
    assert status.recipients[0].remote_mta == HOSTS[written]


@pytest.mark.parametrize("blank", ["", "\n"])
@pytest.mark.parametrize("length", ["", "Content-length: 712\n"])
def test_group_that_a_gateway_encoded(blank: str, length: str) -> None:
    group = (
        b"Final-Recipient: rfc822; bob@remote.test\nAction: failed\nStatus: 5.1.1\n"
        b"Diagnostic-Code: smtp; 550 5.1.1 <bob@remote.test>:\n    User unknown\n"
    )
    head = f"Reporting-MTA: dns; mx.remote.test\n{blank}Content-Transfer-Encoding: base64\n{length}\n"
    status = read_delivery_status(head.encode() + encodebytes(group))
    (told,) = status.recipients
    assert (told.final_recipient, told.action, told.status) == ("bob@remote.test", "failed", "5.1.1")
    assert told.diagnostic_code == "550 5.1.1 <bob@remote.test>: User unknown"
    assert status.reporting_mta == "mx.remote.test"


@pytest.mark.parametrize("encoded", [b"AAAAAAAAA", b"!!!!", b"gIGCg4SFhoeIiQ=="])
def test_no_group_that_says_it_is_encoded(encoded: bytes) -> None:
    status = read_delivery_status(
        b"Reporting-MTA: dns; mx.remote.test\n\nContent-Transfer-Encoding: base64\n\n" + encoded
    )
    assert status.reporting_mta == "mx.remote.test"
    assert not any(r.final_recipient for r in status.recipients)


REASONS = {
    "5.1.1": (
        "casella inesistente", "Die Adresse existiert nicht", "Cette adresse n'existe pas", "La cuenta no existe",
        "Konto nie istnieje", "Такого ящика не существует", "收件人不存在", "宛先が存在しません", "550 Mailbox not found",
    ),
    "5.2.2": (
        "Das Postfach ist voll", "Boîte aux lettres pleine", "Buzón lleno", "skrzynka jest przepełniona", "Ящик переполнен",
        "邮箱已满", "メールボックスがいっぱいです", "La boîte aux lettres du destinataire est pleine",
    ),
    "5.1.2": ("Sorry, I couldn't find any host by that name.", "all relevant MX records point to non-existent hosts"),
    "5.4.3": ("CNAME lookup failed temporarily.", 'lookup of host "remote.test" failed to complete'),
    "5.4.6": ("lowest numbered MX record points to local host",),
    "5.4.7": ("all hosts have been failing for a long time and were last tried after this message arrived",),
    "5.7.1": ("You do not have permission to send to this recipient",),
}  # fmt: skip


@pytest.mark.parametrize(("status", "reason"), [(s, r) for s in REASONS for r in REASONS[s]])
def test_reason_in_another_language(status: str, reason: str) -> None:
    assert derive_status(None, reason) == status


def test_a_status_is_no_host() -> None:
    report = parse(
        b"Return-Path: <>\nFrom: Mail Delivery System <mailer-daemon@remote.test>\nTo: anna@example.org\n"
        b"Subject: Mail Delivery Failure\n\nThe following address(es) failed:\n\n"
        b">>> bob@remote.test (reading banner): 554 5.7.1 rejected\n"
    )
    (told,) = report.recipients
    assert (told.final_recipient, told.status, told.remote_mta) == ("bob@remote.test", "5.7.1", None)


def test_message_that_the_report_names() -> None:
    head = "From: mailer-daemon@remote.test\nTo: anna@example.org\nSubject: Delivery Status Notification (Failure)\n"
    coremail = parse(f"X-CM-Original-Message-ID: <1@example.org>\n{head}\nbob@remote.test failed\n".encode())
    assert coremail.answered_ids == ("<1@example.org>",)
    google = parse(
        (
            f"{head}MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
            "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; remote.test\n"
            "X-Original-Message-ID: <2@example.org>\n\nFinal-Recipient: rfc822; bob@remote.test\nAction: failed\n--b--\n"
        ).encode()
    )
    assert google.answered_ids == ("<2@example.org>",)


NOTICES = {
    "German": "Ihre Nachricht hat einige Empfänger nicht erreicht.\n\n      Betreff:\tAngebot: neu\n      Gesendet am:\t09.03.2026\n",
    "Dutch": "Uw bericht heeft niet alle geadresseerden bereikt.\n\n      Onderwerp: Angebot: neu\n",
    "a sentence": "I was unable to deliver your message.\n\nThe message subject was: Angebot: neu\nThe message date was: today\n",
    "a lone field": "We were unable to deliver your message.\n\nSubject: Angebot: neu\nReason: 550 Rejected\n",
    "a table": "<html><table><tr><td>被退回邮件</td><td>主　题：Angebot: neu<br>时　间：2026-03-09</td></tr></table></html>",
    "an encoded word": "Der Empfänger wurde nicht erreicht.\n\nBetreff: =?utf-8?q?Angebot=3A?= neu\n",
}


def bounce(notice: str) -> bytes:
    return (
        "Return-Path: <>\nFrom: Mail Delivery System <mailer-daemon@remote.test>\nTo: anna@example.org\n"
        "Subject: Undelivered mail\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n"
        f"{notice}\n<bob@remote.test>: 550 5.1.1 User unknown\n"
    ).encode()


@pytest.mark.parametrize("case", NOTICES)
def test_subject_that_the_notice_tells(case: str) -> None:
    report = parse(bounce(NOTICES[case]))
    assert report.original.subject == "Angebot: neu"
    assert report.original.completeness is Completeness.PARTIAL
    assert not report.original.says_whence
    assert report.recipients[0].final_recipient == "bob@remote.test"


LITTLE = {
    "550 5.0.0 <bob@remote.test>... User unknown": "5.1.1",
    "551 5.0.0 This message was classified as spam": "5.7.1",
    "550 That is not a known user": "5.1.1",
    "550 5.7.1 spam": "5.7.1",
    "451 4.4.1 timeout": "5.0.0",
    "550 5.0.0 no": "5.0.0",
}


@pytest.mark.parametrize("said", LITTLE)
@pytest.mark.parametrize("report", ["delivery status", "words"])
def test_status_that_says_little_beside_words_that_say_more(said: str, report: str) -> None:
    if report == "words":
        if said.startswith("451"):
            return
        (told,) = parse(bounce("").replace(b"550 5.1.1 User unknown", said.encode())).recipients
    else:
        status = read_delivery_status(
            f"Reporting-MTA: dns; mx.remote.test\n\nFinal-Recipient: rfc822; bob@remote.test\n"
            f"Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; {said}\n".encode()
        )
        (told,) = status.recipients
    assert told.status == LITTLE[said]


def test_host_that_only_the_words_name() -> None:
    words = "  bob@remote.test\n    host mx.remote.test [192.0.2.25]: 550 5.1.1 <bob@remote.test>:\n    User unknown\n"
    report = parse(
        (
            "From: mailer-daemon@our.test\nTo: anna@example.org\nSubject: Mail failure\nMIME-Version: 1.0\n"
            "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
            f"--b\n\nThe following address(es) failed:\n\n{words}\n--b\nContent-Type: message/delivery-status\n\n"
            "Reporting-MTA: dns; our.test\n\nAction: failed\nFinal-Recipient: rfc822;bob@remote.test\nStatus: 5.0.0\n--b--\n"
        ).encode()
    )
    (told,) = report.recipients
    assert (told.remote_mta, told.status) == ("mx.remote.test", "5.1.1")


def test_no_subject_where_none_is_told() -> None:
    notice = "The subject: a long story of why.\nhttp://remote.test/subject:\nSubject:\n\nA reason: the user is unknown\n"
    assert parse(bounce(notice)).original.completeness is Completeness.NONE
    returned = f"{NOTICES['German']}\n--- original ---\n\nFrom: anna@example.org\nTo: bob@remote.test\nSubject: Hello\nMessage-ID: <1@example.org>\n"
    assert parse(bounce(returned)).original.subject == "Hello"
