"""Ordinary mail that looks like a report: a person's words never make one.

Every message is made up.
"""

from __future__ import annotations

import pytest

from classifier.parse.message import parse
from classifier.parse.report import Envelope
from classifier.vocabulary import ReportKind

NOTICE = (
    "This is the mail system at host mx.example.org.\n\nI'm sorry to have to inform you that your message could not be "
    "delivered to one or more recipients.\n\n<bob@remote.test>: host mx.remote.test[192.0.2.7] said: 550 5.1.1\n"
    "    <bob@remote.test>: Recipient address rejected: User unknown (in reply to RCPT TO command)\n"
)
RETURNED = "\n----- Original message -----\nFrom: anna@example.org\nTo: bob@remote.test\nSubject: Minutes\nMessage-ID: <one@example.org>\n\nHi\n"
QUOTED = "".join(f"> {line}\n" for line in NOTICE.splitlines())
RETURN = "Undelivered Mail Returned to Sender"
CAROL = "From: Carol <carol@remote.test>\n"
NAMELESS = "From: carol@remote.test\n"
ANSWERS = "In-Reply-To: <one@example.org>\nReferences: <one@example.org>\n"
NULL = "Return-Path: <>\n"
RULE = "X-MS-Exchange-Generated-Message-Source: Mailbox Rules Agent\nAuto-Submitted: auto-generated\n"


def mail(headers: str, body: str, content_type: str = "text/plain; charset=utf-8") -> bytes:
    """Write a message to Anna, with a reverse path of its own unless *headers* has one."""
    path = "" if NULL in headers else "Return-Path: <carol@remote.test>\n"
    return (
        f"{path}{headers.rstrip()}\nTo: anna@example.org\nDate: Thu, 5 Mar 2026 10:00:00 +0000\nMIME-Version: 1.0\n"
        f"Content-Type: {content_type}\n\n{body}\n"
    ).encode()


@pytest.mark.parametrize("author", [CAROL, NAMELESS])
@pytest.mark.parametrize(
    "prefix",
    ["Fwd", "WG", "TR", "RV", "ENC", "PD", "İlt", "Továbbítás", "Переслано", "转发", "轉寄", "إعادة توجيه", "Re", "AW",
     "RES", "RIF", "Odp", "Vá", "Ответ", "回复", "Σχετ", "BLS", "some word of a language not thought of"],
)  # fmt: skip
def test_a_report_passed_on_or_answered_is_a_persons_mail(prefix: str, author: str) -> None:
    headers = f"{author}Subject: {prefix}: {RETURN}\n"
    assert parse(mail(headers, f"What is this?\n\n{NOTICE}{RETURNED}")).kind is ReportKind.OTHER
    assert parse(mail(headers + ANSWERS, f"You mistyped it.\n\n{QUOTED}")).kind is ReportKind.OTHER


#: What came back, told by a person who has no name in the address; after it, what persons add.
TOLD = {
    "German": ("Unzustellbar: Protokoll", "Die Nachricht konnte nicht zugestellt werden: bob@remote.test\nWas bedeutet das?"),
    "French": ("Non remis : compte rendu", "Le message n'a pas pu être remis à bob@remote.test\nQue faire ?"),
    "Spanish": ("No se puede entregar: acta", "El mensaje no pudo ser entregado a bob@remote.test\nUn saludo, Carol"),
    "Polish": ("Niedostarczona wiadomość", "Wiadomości nie można dostarczyć do:\nbob@remote.test\nPozdrawiam"),
    "Russian": ("Недоставлено: протокол", "Сообщение не доставлено: bob@remote.test\nЧто это?"),
    "Turkish": ("Teslim edilemedi: tutanak", "İletiniz teslim edilemedi: bob@remote.test\nBu nedir?"),
    "Arabic": ("تعذر التسليم", "تعذر تسليم الرسالة إلى bob@remote.test\nما هذا؟"),
    "Japanese": ("配信不能: 議事録", "次の宛先に配信できませんでした。\nbob@remote.test\nこれは何ですか？"),
    "Chinese": ("系统退信", "邮件无法投递到下列地址：\nbob@remote.test\n这是什么？"),
    "English": ("Delivery failed", "Our mail to bob@remote.test was rejected yesterday; try bob@other.test instead."),
    "with a code": ("Message not delivered", "The message to bob@remote.test was not delivered: 550 5.1.1. Is the address right?"),
}  # fmt: skip


@pytest.mark.parametrize("language", TOLD)
def test_a_nameless_person_who_tells_of_a_failure(language: str) -> None:
    subject, text = TOLD[language]
    assert parse(mail(f"{NAMELESS}Subject: {subject}\n", text)).kind is ReportKind.OTHER


@pytest.mark.parametrize("language", ["Spanish", "Polish", "Russian", "English"])
@pytest.mark.parametrize(
    "begin",
    [
        "Hello Anna,\n\n",
        "Merhaba Anna,\n\n",
        "Cześć Anno,\n\n",
        "Γεια σου Άννα,\n\n",
        "> What came of it?\n\n",
    ],
)
def test_who_greets_or_quotes_is_a_person_even_without_a_reverse_path(language: str, begin: str) -> None:
    subject, text = TOLD[language]
    assert parse(mail(f"{NULL}{CAROL}Subject: {subject}\n", begin + text)).kind is ReportKind.OTHER


@pytest.mark.parametrize(
    ("headers", "text"),
    [
        ("", "Your message could not be delivered to\nbob@remote.test\n*****"),
        ("", "Your message could not be delivered to\nbob@remote.test: 550 5.1.1 user unknown"),
        (
            "X-Mailer: PHPMailer 6\n",
            "Your message could not be delivered to bob@remote.test\n\nThe mail team",
        ),
        (
            "Auto-Submitted: auto-generated\n",
            "Your message could not be delivered to bob@remote.test\n\nThe mail team",
        ),
        (NULL, "Your message could not be delivered to bob@remote.test\n\nThe mail team"),
    ],
)
def test_a_gateway_without_a_name_tells_no_more_or_shows_that_it_is_none(headers: str, text: str) -> None:
    report = parse(mail(f"From: gateway@remote.test\nSubject: Delivery failed\n{headers}", text))
    assert report.kind is ReportKind.BOUNCE
    assert [r.final_recipient for r in report.recipients] == ["bob@remote.test"]


#: Parcels whose help address is nobody's mail, whatever the language's word for help.
PARCELS = {
    "German": ("Zustellung Ihrer Sendung nicht möglich", "Ihre Sendung konnte nicht zugestellt werden. Fragen an hilfe@parcel.test"),
    "Spanish": ("Entrega fallida de su paquete", "No se pudo entregar su paquete. Escriba a ayuda@parcel.test"),
    "Italian": ("Mancata consegna del pacco", "Non è stato possibile consegnare il pacco. Scrivi a aiuto@parcel.test"),
    "Russian": ("Доставка заказа", "Ваш заказ не доставлен. Пишите на help@parcel.test"),
    "Japanese": ("配達できませんでした（不在通知）", "お荷物をお届けできませんでした。再配達は help@parcel.test まで"),
    "Chinese": ("快递投递失败通知", "您的包裹无法投递，请联系 help@parcel.test"),
    "Arabic": ("تعذر التسليم للطرد", "لم يتم تسليم الطرد. help@parcel.test"),
}  # fmt: skip


@pytest.mark.parametrize("language", PARCELS)
@pytest.mark.parametrize(
    "author",
    [
        "From: noreply@shop.test\n",
        f"{NULL}From: Parcels <delivery@shop.test>\n",
        f"{NULL}From: no-reply@shop.test\nAuto-Submitted: auto-generated\n",
    ],
)
def test_a_parcel_is_no_message(language: str, author: str) -> None:
    subject, text = PARCELS[language]
    assert parse(mail(f"{author}Subject: {subject}\n", text)).kind is ReportKind.OTHER


ORDINARY = {
    "an alert": (
        "From: alerts@remote.test\nSubject: Backup failed: report not delivered\n",
        "Backup for root@db.test has failed. The report was not delivered.",
    ),
    "a newsletter with a null sender about codes": (
        f"{NULL}From: Mail Experts <news@shop.test>\nSubject: What 5.1.1 means\n",
        "A hard bounce such as 550 5.1.1 User unknown means that your message could not be delivered to bob@remote.test.",
    ),
    "an item that came back": (
        "From: orders@remote.test\nSubject: Your order has been returned\n",
        "Item for buyer@else.test was refused by the courier. It has been rejected.",
    ),
    "a nameless member of a list": (
        f"{NAMELESS}Subject: Delivery failed of bar\nList-Id: <talk.remote.test>\n",
        "Mails to carol@x.test not delivered: 550 5.1.1 user unknown",
    ),
    "a service that answers by a null sender": (
        f"{NULL}From: Support <support@remote.test>\nSubject: Re: our ticket 5\n{ANSWERS}",
        "Hi, we changed it. -- Bob",
    ),
    "one that quotes": (
        f"{NULL}{CAROL}Subject: Re: Minutes\n{ANSWERS}",
        "That works for me.\n\nAnna wrote:\n> can we meet?",
    ),
    "a person's program with a null sender": (
        f"{NULL}{CAROL}Subject: Re: Minutes\nUser-Agent: Mail 1.0\n{ANSWERS}",
        "That works for me.",
    ),
    "the own postmaster about a mailbox": (
        f"{NULL}From: postmaster@example.org\nSubject: Mailbox is full\n",
        "Mailbox team@example.org has reached 99 % of its quota.",
    ),
    "goods that came back, by a null sender": (
        f"{NULL}From: returns@shop.test\nSubject: Your item was returned to sender\n",
        "The item for buyer@else.test could not be delivered and was returned to sender.",
    ),
    "a rule that forwards": (f"{CAROL}Subject: FW: Minutes\n{RULE}", "For your information"),
    "a rule that forwards in German": (f"{CAROL}Subject: WG: Minutes\n{RULE}", "For your information"),
    "a rule that redirects": (f"{CAROL}Subject: Minutes\nResent-From: dan@remote.test\n{RULE}", "Text"),
    "a field that says no": (f"{CAROL}Subject: Minutes\nX-Autoreply: no\n", "Text"),
    "a room that takes a meeting": (
        f"{NULL}{CAROL}Subject: Accepted: Minutes\nAuto-Submitted: auto-generated\n{ANSWERS}",
        "--b\n\nAccepted.\n--b\nContent-Type: text/calendar; method=REPLY\n\nBEGIN:VCALENDAR\nEND:VCALENDAR\n--b--\n",
        "multipart/alternative; boundary=b",
    ),
    "holidays announced": (f"{CAROL}Subject: Out of office next week\n", "I am out of office next week."),
    "holidays wanted": (f"{CAROL}Subject: Vacation: dates\n", "I'd like to have the first half of August."),
    "holidays in a thread": (f"{CAROL}Subject: My vacation\n{ANSWERS}", "I am on vacation from Monday on."),
    "somebody else is away": (f"{CAROL}Subject: Dave is on vacation\n", "Please ask me instead."),
    "who takes over": (f"{CAROL}Subject: Out of office: who takes over?\n", "We need somebody."),
    "a sale": (
        "From: Shop <news@shop.test>\nSubject: Vacation: 50% off\n",
        "Summer is here. Some things could not be delivered.",
    ),
    "a band": (
        "From: The Postmasters <gig@band.test>\nSubject: Virus found in the studio\n",
        "Whoever is the sender of the soup, tell us.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", ORDINARY)
def test_ordinary_mail(case: str) -> None:
    assert parse(mail(*ORDINARY[case])).kind is ReportKind.OTHER


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Automatic reply: Minutes", "Ozi m ga-abịa."),
        ("[Auto-Reply] Minutes", "Ozi m ga-abịa."),
        ("Out of Office", "I am away from my desk until Monday."),
        ("Arpus biroja atrasanas automatiska atbilde: Minutes", "Ozi m ga-abịa."),
        ("Carol Jones is out of the office.", "Ozi m ga-abịa."),
    ],
)
def test_an_answer_titled_by_a_program_needs_no_field(subject: str, text: str) -> None:
    raw = mail(f"From: Carol Jones <carol@remote.test>\nSubject: {subject}\n", text)
    assert parse(raw).kind is ReportKind.AUTO_REPLY
    assert parse(raw, Envelope(mail_from="")).kind is ReportKind.AUTO_REPLY


def test_what_a_list_manager_tells_those_who_keep_the_list_is_no_report() -> None:
    headers = f"{NULL}From: mailman-bounces@remote.test\nSubject: Bounce action notification\nX-List-Administrivia: yes\n"
    text = (
        "Member: bob@remote.test\nAction: Subscription disabled.\nReason: the message could not be delivered."
    )
    raw = mail(headers, text)
    assert parse(raw.replace(b"To: anna@", b"To: talk-owner@")).kind is ReportKind.OTHER
    assert parse(raw).kind is ReportKind.BOUNCE


def test_an_invitation_that_a_mail_system_returns_is_a_bounce() -> None:
    text = (
        "--b\n\nYour message could not be delivered to <bob@remote.test>: 550 5.1.1 unknown\n"
        "--b\nContent-Type: text/calendar; method=REQUEST\n\nBEGIN:VCALENDAR\nEND:VCALENDAR\n--b--\n"
    )
    headers = f"{NULL}From: MAILER-DAEMON@remote.test\nSubject: Undeliverable: Minutes\n"
    assert parse(mail(headers, text, "multipart/mixed; boundary=b")).kind is ReportKind.BOUNCE
