"""Reports as many kinds of systems write them, and mail that only looks like them.

Every message is made up; each follows the habits of a program or a provider.
"""

from __future__ import annotations

import pytest

from classifier.parse.message import parse
from classifier.parse.triage import may_be_report
from classifier.vocabulary import ReportKind


def mail(headers: str, body: str, content_type: str = "text/plain; charset=utf-8") -> bytes:
    """Write a message to Anna."""
    return (
        f"To: anna@example.org\n{headers}\nDate: Thu, 5 Mar 2026 10:00:00 +0000\nMIME-Version: 1.0\n"
        f"Content-Type: {content_type}\n\n{body}\n"
    ).encode()


BOUNCES = {
    "a spam firewall": (
        "From: Barracuda Spam Firewall <postmaster@remote.test>\nSubject: **Message you sent blocked by our bulk email filter**",
        "Your message to: bob@remote.test\nwas blocked by our Spam Firewall. The email you sent has NOT BEEN DELIVERED.",
    ),
    "a gateway that names nobody but the recipient": (
        "From: gateway@remote.test\nSubject: RE: Minutes : non remis (delivery failed)",
        "*****\nVotre message n'a pas pu etre delivre a\nbob@remote.test\n*****\nYour message could not be delivered to\nbob@remote.test",
    ),
    "one that copies the fields of the list's post": (
        (
            "From: <admin@remote.test>\nSubject: Non-Delivery: Your message to Talk\nX-Mailer: Microsoft CDO for Windows 2000\n"
            "List-Id: Talk <talk.example.org>\nX-List-Administrivia: yes\nPrecedence: bulk"
        ),
        '--- Non-Delivery Report ---\nThe email below could not be delivered to the following user:\n\n"bob@remote.test" <bob@remote.test>',
    ),
    "certified mail": (
        (
            "From: posta-certificata@pec.remote.test\nSubject: AVVISO DI MANCATA CONSEGNA: Verbale\nX-Ricevuta: errore-consegna\n"
            "X-Riferimento-Message-ID: <one@example.org>"
        ),
        'Il messaggio "Verbale" destinato all\'utente "bob@remote.test": è stato rilevato un errore\n5.1.1 - indirizzo non valido',
    ),
    "Exchange, in a language that no table knows": (
        "From: Microsoft Outlook <postmaster@remote.test>\nSubject: Ma ne-mfuh: Minutes\nX-MS-Exchange-Message-Is-Ndr:\nAuto-Submitted: auto-replied",
        "Ozi gị na bob@remote.test erughị.",
    ),
    "a Korean provider": (
        "From: postmaster@remote.test\nSubject: 메일 전송실패",
        "bob@remote.test 님께 메일을 전송하지 못했습니다.",
    ),
    "a Japanese carrier": (
        "From: postmaster@remote.test\nSubject: メール配信エラー",
        "以下の宛先に届けることができませんでした。\n<bob@remote.test>",
    ),
    "a Turkish system, whose capital I has a dot": (
        "From: postmaster@remote.test\nSubject: İletilemeyen posta",
        "İletiniz şu alıcıya ulaştırılamadı:\nbob@remote.test",
    ),
    "a Spanish system": (
        "From: Sistema de Correo <postmaster@remote.test>\nSubject: Devolución de correo",
        "Su mensaje no ha podido ser entregado a: bob@remote.test",
    ),
    "a Czech system": (
        "From: mailer-daemon@remote.test\nSubject: Zprávu nebylo možné doručit",
        "Váš e-mail se nepodařilo doručit na adresu bob@remote.test",
    ),
    "a content filter": (
        "From: MailMarshal <mailmarshal@remote.test>\nSubject: Your message was blocked: Minutes",
        "MailMarshal has stopped the following message:\n\n   From:    anna@example.org\n   To:      bob@remote.test",
    ),
    "one that names the recipient in the clause that tells": (
        'From: "Post Office" <postoffice@remote.test>\nReturn-Path: <>\nSubject: Returned e-mail',
        "The account bob@remote.test does not exist here. Write to help@remote.test about it.",
    ),
    "a Russian company": (
        "From: Почтовый сервер <robot@remote.test>\nSubject: Ваше сообщение не доставлено",
        "Ваше сообщение не доставлено получателю bob@remote.test. Ошибка: 550 5.1.1 нет такого пользователя",
    ),
    "a Vietnamese system": (
        "From: Hệ thống thư <postmaster@remote.test>\nReturn-Path: <>\nSubject: Không gửi được: Minutes",
        "Không thể gửi thư tới bob@remote.test\n550 5.1.1 unknown",
    ),
    "MMDF": (
        "From: Memo Service <mmdf@remote.test>\nReturn-Path: <>\nSubject: Failed mail  (msg.aa12345)",
        (
            "    Your message could not be delivered to\n'bob@remote.test (host: mx.remote.test) (queue: smtp)' for the "
            "following\nreason: '<bob@remote.test>... User unknown'"
        ),
    ),
    "an X.400 gateway": (
        'From: "X.400 gateway" <mta@remote.test>\nReturn-Path: <>\nSubject: Delivery Report',
        "Your message was not delivered to\n   bob@remote.test\nfor the following reason:\n   Unrecognised OR name",
    ),
    "a script that calls its report an automatic reply": (
        "From: nobody@remote.test\nReturn-Path: <>\nAuto-Submitted: auto-replied\nSubject: mail to bob",
        "The mail you sent to bob@remote.test could not be delivered.\n550 5.1.1 unknown",
    ),
}


@pytest.mark.parametrize("origin", BOUNCES)
def test_bounces(origin: str) -> None:
    raw = mail(*BOUNCES[origin])
    report = parse(raw)
    assert report.kind is ReportKind.BOUNCE
    assert [r.final_recipient for r in report.recipients] == ["bob@remote.test"]
    assert may_be_report(raw)


def test_a_receipt_of_certified_mail_names_the_message() -> None:
    assert parse(mail(*BOUNCES["certified mail"])).answered_ids == ("<one@example.org>",)


BOB = "From: Bob <bob@remote.test>\nSubject: "
OTHERS = {
    "a rule of Exchange": (
        ReportKind.AUTO_REPLY,
        f"{BOB}Ma nodu\nAuto-Submitted: auto-generated\nX-MS-Exchange-Generated-Message-Source: Mailbox Rules Agent",
        "Anọghị m n'ụlọ ọrụ.",
    ),
    "an answer that wants none": (
        ReportKind.AUTO_REPLY,
        f"{BOB}Re: Minutes\nReturn-Path: <>\nIn-Reply-To: <one@example.org>",
        "Anọghị m n'ụlọ ọrụ.",
    ),
    "FirstClass": (ReportKind.AUTO_REPLY, f"{BOB}Re: Minutes\nX-FC-MachineGenerated: true", "On Monday."),
    "Notes": (ReportKind.AUTO_REPLY, f"{BOB}Bob ist außer Haus.", "Ich kehre am Montag zurück."),
    "vacation(1) before RFC 3834": (
        ReportKind.AUTO_REPLY,
        "Return-Path: <bob@remote.test>\nFrom: bob@remote.test (Bob)\nSubject: away from my mail\nPrecedence: junk",
        'I will not be reading my mail for a while.\nYour mail regarding "Minutes" will be read when I return.',
    ),
    "a Portuguese challenge with a name in its subject": (
        ReportKind.CHALLENGE,
        "From: Filtro <filtro@remote.test>\nReturn-Path: <>\nSubject: Confirme seu e-mail para bob@remote.test",
        "Para que sua mensagem seja encaminhada, clique aqui e digite os caracteres: assim sabemos que não é um robô.",
    ),
    "BoxTrapper": (
        ReportKind.CHALLENGE,
        f"{BOB}Your email requires verification verify#abc\nReturn-Path: <>",
        "The message you sent requires that you verify that you are a real live human being and not a spam source. Simply reply to this message.",
    ),
    "a Brazilian challenge": (
        ReportKind.CHALLENGE,
        "From: antispam <teima@remote.test>\nReturn-Path: <>\nSubject: TIRA-TEIMA",
        "Para que sua mensagem seja encaminhada, clique aqui e confirme que não é um robô.",
    ),
    "a German challenge": (
        ReportKind.CHALLENGE,
        f"{BOB}Re: Protokoll\nAuto-Submitted: auto-replied",
        "Ihre Nachricht wurde zurückgehalten. Bitte bestätigen Sie durch eine Antwort, dass Sie kein Spammer sind.",
    ),
    "a virus gateway with a name of its own": (
        ReportKind.VIRUS_WARNING,
        "From: GroupShield <GroupShield@remote.test>\nSubject: ALERT - GroupShield ticket OA1",
        "To: bob@remote.test\nVirus: W32/Example was found in the attachment you sent.",
    ),
    "a scanner that calls its warning undelivered": (
        ReportKind.VIRUS_WARNING,
        'From: "Dr.Web" <DrWEB-DAEMON@remote.test>\nSubject: Undelivered mail: infected message found',
        "Dear sender, your message to bob@remote.test contains virus: Win32.Example",
    ),
    "an aggregate report by the name of its file": (
        ReportKind.FEEDBACK_REPORT,
        "From: noreply-dmarc@remote.test\nSubject: DMARC aggregate",
        "x",
        'application/zip; name="remote.test!example.org!1772582400!1772668799.zip"',
    ),
    "a person who had a bounce": (
        ReportKind.OTHER,
        "From: carol@example.org\nSubject: Undelivered Mail Returned to Sender",
        "Hi Anna,\nyour last message to bob@remote.test could not be delivered, I got it back.",
    ),
    "an answer to an invitation": (
        ReportKind.OTHER,
        f"{BOB}Accepted: Minutes\nReturn-Path: <>\nAuto-Submitted: auto-generated\nIn-Reply-To: <one@example.org>",
        "BEGIN:VCALENDAR\nMETHOD:REPLY\nEND:VCALENDAR",
        "text/calendar; method=REPLY",
    ),
    "an advertisement with a null sender": (
        ReportKind.OTHER,
        "From: Newsletter <news@shop.test>\nReturn-Path: <>\nSubject: Last chance: delivery free until Sunday",
        "Delivery failed to impress? Order at help@shop.test",
    ),
    "an advertisement that pretends to answer": (
        ReportKind.OTHER,
        "From: Shop <x@shop.test>\nReturn-Path: <>\nIn-Reply-To: <y@elsewhere.test>\nSubject: You have won",
        "A set of tools.",
    ),
    "a lure about lost mail": (
        ReportKind.OTHER,
        "From: Bank <alerts@bank.test>\nReturn-Path: <>\nSubject: Message Not Delivered: action required",
        "Your 5 pending messages could not be delivered to anna@example.org. Click to release your messages.",
    ),
    "a parcel": (
        ReportKind.OTHER,
        "From: noreply@parcel.test\nSubject: Delivery failed: parcel 123",
        "Your parcel could not be delivered. Write to claims@parcel.test today.",
    ),
    "an announcement of the postmaster": (
        ReportKind.OTHER,
        "From: postmaster@example.org\nSubject: Maintenance of the mail server",
        "Mail delivery will be delayed on Sunday. Questions: bob@remote.test",
    ),
    "a tracker's notification": (
        ReportKind.OTHER,
        "From: Tracker <t@corp.test>\nSubject: Re: [x] Delivery Status Notification (Failure) is read wrongly\nList-Id: <x.corp.test>\nX-Auto-Response-Suppress: All\nIn-Reply-To: <5@corp.test>",
        "bob@remote.test failed: 550 5.1.1 user unknown",
    ),
    "requests that wait for a moderator": (
        ReportKind.OTHER,
        "From: list-owner@lists.test\nSubject: 3 list moderator request(s) waiting\nX-List-Administrivia: yes\nList-Id: <list.lists.test>",
        "The list has 3 requests:\n  From: bob@remote.test Subject: delivery failed",
    ),
}


@pytest.mark.parametrize("case", OTHERS)
def test_other_kinds(case: str) -> None:
    kind, *parts = OTHERS[case]
    assert parse(mail(*parts)).kind is kind


RETURNED = (
    "Received: from mail.example.org by mx.remote.test; Thu, 5 Mar 2026 09:00:00 +0000\nMessage-ID: <one@example.org>\n"
    "From: anna@example.org\nTo: bob@remote.test\nSubject: Minutes\n\nDear Bob,\n"
)
DAEMON = "Return-Path: <>\nFrom: MAILER-DAEMON@remote.test\nSubject: Returned mail: User unknown"
STATUS = "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.remote.test\n\nFinal-Recipient: rfc822; bob@remote.test\nAction: failed\nStatus: 5.1.1\n"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        # The returned message's fields stand where those of the part belong.
        ("multipart/mixed; boundary=b", f"--b\n\nbob@remote.test [User unknown]\n--b\n{RETURNED}--b--\n"),
        # The delimiter above the returned message is not the message's own.
        (
            "multipart/report; report-type=delivery-status; boundary=b",
            f"{STATUS}\n--c\nContent-Type: message/rfc822\n\n{RETURNED}--c--\n",
        ),
        # A signature in the returned message lost its folding.
        (
            "text/plain",
            "bob@remote.test: unknown\n\n--- The header of the original message is following. ---\n\nReceived: from a by b; x\nDKIM-Signature: v=1; b=\n"
            + "c2lnbmF0dXJlc2lnbmF0dXJl\n" * 6
            + "From: anna@example.org\nSubject: Minutes\nMessage-ID: <one@example.org>\n",
        ),
    ],
)
def test_originals_of_damaged_reports(content_type: str, body: str) -> None:
    original = parse(mail(DAEMON, body, content_type)).original
    assert (original.from_address, original.message_id) == ("anna@example.org", "<one@example.org>")
    assert not original.verbatim


def test_a_listing_with_names_of_two_words_is_read_on() -> None:
    body = (
        "Message details:\n  Subject: Minutes\n  Sent date: Thu Mar 5\n  MAIL FROM: anna@example.org\n"
        "  RCPT TO: bob@remote.test\n  From: anna@example.org\n  CC: carol@remote.test\n"
    )
    original = parse(mail(DAEMON, "Error: 550 bob@remote.test unknown\n\n" + body)).original
    assert (original.subject, original.from_address) == ("Minutes", "anna@example.org")


def test_a_delivery_status_without_an_original_recipient_takes_the_alias_from_the_words() -> None:
    words = '--b\n\n----- The following addresses had permanent fatal errors -----\n"|procmail"\n    (expanded from: <bob@alias.test>)\n'
    raw = mail(
        DAEMON, words + STATUS + "--b--\n", "multipart/report; report-type=delivery-status; boundary=b"
    )
    (recipient,) = parse(raw).recipients
    assert (recipient.final_recipient, recipient.original_recipient) == ("bob@remote.test", "bob@alias.test")


def test_triage_and_parser_agree_on_a_damaged_header_section() -> None:
    body = "Return-Path: <bob@remote.test>\nThis is text.\nAnd more of it.\nAnd more.\nFrom: Bob <bob@remote.test>\nSubject: Hello\n\nbob@remote.test: 550 5.1.1 user unknown\n"
    raw = body.encode()
    assert may_be_report(raw) == (parse(raw).kind is not ReportKind.OTHER)
