"""What answers by itself: absence notes, challenges, virus warnings, list managers, ticket systems, receipts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.corpus.chance import BASE36, BASE62, DIGITS, HEX, UPPER_HEX, compact, mail_date
from classifier.corpus.letter import mailbox
from classifier.corpus.reporters.base import (
    FULL,
    HEADERS,
    NOTHING,
    Failure,
    Format,
    Notice,
    encoded_text,
    fields,
    multipart,
    part,
    returned_part,
    subject,
)
from classifier.vocabulary import ReportKind

if TYPE_CHECKING:
    from collections.abc import Callable

AWAY = {
    "en": (
        "Automatic reply: ",
        "I am out of the office until {d} and will answer your message when I am back.",
    ),
    "de": (
        "Automatische Antwort: ",
        "Ich bin bis zum {d} nicht im Büro und beantworte Ihre Nachricht danach.",
    ),
    "fr": ("Réponse automatique : ", "Je suis absent du bureau jusqu'au {d} et vous répondrai à mon retour."),
    "es": ("Respuesta automática: ", "Estoy fuera de la oficina hasta el {d} y contestaré a mi vuelta."),
    "it": ("Risposta automatica: ", "Sono fuori ufficio fino al {d} e risponderò al mio ritorno."),
    "nl": ("Automatisch antwoord: ", "Ik ben tot {d} afwezig en beantwoord uw bericht daarna."),
    "pt": ("Resposta automática: ", "Estou ausente do escritório até {d} e responderei no regresso."),
    "pl": ("Automatyczna odpowiedź: ", "Jestem nieobecny do {d}, odpowiem po powrocie."),
    "ru": ("Автоматический ответ: ", "Меня не будет в офисе до {d}, отвечу после возвращения."),
    "ja": ("自動応答: ", "{d} まで不在にしております。戻り次第お返事いたします。"),
}
_VIRUSES = (
    "W32/Netsky.P@mm",
    "Worm.Mydoom.M",
    "W97M.Downloader",
    "Trojan.Agent-{n}",
    "HTML.Phishing.Bank-{n}",
    "Emotet.Gen",
)


def _away_text(f: Failure) -> str:
    return (
        AWAY[f.language][1].replace("{d}", f"{f.chance.randrange(1, 28)}.{f.chance.randrange(1, 12)}.") + "\n"
    )


def _answered(f: Failure) -> list[tuple[str, str]]:
    return [("In-Reply-To", f.original_id), ("References", f.original_id)] if f.original_id else []


def _from(f: Failure) -> str:
    return mailbox("", f.recipient)


def _text_notice(head: list[tuple[str, str]], text: str, reverse_path: str = "") -> Notice:
    encoding, data = encoded_text(text)
    return Notice(
        [
            *head,
            ("MIME-Version", "1.0"),
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Transfer-Encoding", encoding),
        ],
        data,
        reverse_path,
    )


def _vacation(f: Failure) -> Notice:
    """vacation(1) as it comes with Sendmail and the BSDs: a recipe file with a Subject line."""
    title = f.chance.choice(("away from my mail", f"Re: {f.subject}", "I am on vacation"))
    head = [
        ("Date", f.date),
        (
            "Message-Id",
            f"<{f.failed_at:%Y%m%d%H%M}.{f.chance.token(BASE62, 8)}{f.chance.token(DIGITS, 6)}@{f.name}>",
        ),
        ("From", _from(f)),
        ("To", f.to),
        ("Subject", title),
        ("Precedence", "bulk"),
    ]
    if f.chance.yes(0.6):
        head += [("Auto-Submitted", "auto-replied"), *_answered(f)]
    return Notice(head, _away_text(f).encode("utf-8"))


def _sieve(f: Failure) -> Notice:
    """Dovecot's Pigeonhole (RFC 5230)."""
    prefix = f.chance.choice(("Auto: ", "Out of office: "))
    head = [
        ("Message-ID", f"<dovecot-sieve-{int(f.failed_at.timestamp())}-{f.chance.token(DIGITS, 6)}-0@{f.name}>"), ("X-Sieve", "Pigeonhole Sieve 0.5.21 (f6cd4b8e)"), ("Date", f.date), ("From", f"<{f.recipient}>"), ("To", f"<{f.to}>"),
        ("Subject", prefix + f.subject), *_answered(f), ("Auto-Submitted", "auto-replied (vacation)"), ("Precedence", "bulk"), ("X-Auto-Response-Suppress", "All"),
    ]  # fmt: skip
    return _text_notice(head, _away_text(f))


def _office(f: Failure) -> Notice:
    prefix = AWAY[f.language][0]
    title = f"{subject(prefix.strip())} {f.subject}"
    name = f.recipient.partition("@")[0].replace(".", " ").title()
    head = [
        ("From", mailbox(name, f.recipient)), ("To", f.to), ("Subject", title), ("Thread-Topic", f.subject), ("Thread-Index", f"AQH{f.chance.token(BASE62, 24)}=="), ("Date", f.date), ("Message-ID", f"<{f.chance.token(HEX, 32)}@{f.name}>"), *_answered(f),
        ("X-Auto-Response-Suppress", "DR, OOF, AutoReply"), ("X-MS-Has-Attach", ""), ("auto-submitted", "auto-generated"), ("X-MS-Exchange-Inbox-Rules-Loop", f.recipient), ("X-MS-TNEF-Correlator", ""),
    ]  # fmt: skip
    return _text_notice(head, _away_text(f))


def _office_old(f: Failure) -> Notice:
    head = [
        ("From", mailbox(f.recipient.partition("@")[0].title(), f.recipient)),
        ("To", f.to),
        ("Subject", f"Out of Office AutoReply: {f.subject}"),
        ("Date", f.date),
        ("Message-ID", f"<{f.chance.token(UPPER_HEX, 38)}@{f.name}>"),
        ("X-Mailer", "Internet Mail Service (5.5.2653.19)"),
    ]
    return _text_notice(head, _away_text(f))


def _webmail(f: Failure) -> Notice:
    head = [
        ("MIME-Version", "1.0"), ("From", _from(f)), ("To", f.to), ("Date", f.date), ("Message-ID", f"<CA{f.chance.token(BASE62 + '_-', 50)}@mail.gmail.com>"), ("Subject", f"Re: {f.subject}"), *_answered(f), ("Auto-Submitted", "auto-replied"),
        ("Precedence", "bulk"), ("X-Autoreply", "yes"), ("Content-Type", 'text/plain; charset="UTF-8"'), ("Content-Transfer-Encoding", "8bit"),
    ]  # fmt: skip
    return Notice(head, _away_text(f).encode())


def _quoting(f: Failure) -> Notice:
    """A responder that quotes what it answers."""
    text = (
        _away_text(f).encode()
        + b"\n"
        + b"".join(b"> " + line + b"\n" for line in f.original.split(b"\n")[:60])
    )
    head = [
        ("From", _from(f)),
        ("To", f.to),
        ("Subject", f"Autoreply: {f.subject}"),
        ("Date", f.date),
        ("Message-ID", f"<autoreply-{f.chance.token(BASE36, 12)}@{f.name}>"),
        ("Precedence", "junk"),
        ("X-Autorespond", "1"),
    ]
    return Notice(
        [
            *head,
            ("MIME-Version", "1.0"),
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Transfer-Encoding", "8bit"),
        ],
        text,
    )


def _ticket(f: Failure) -> Notice:
    number = f.chance.token(DIGITS, f.chance.choice((5, 8, 16)))
    head = [
        ("From", f"Support <{f.recipient}>"),
        ("To", f.to),
        ("Subject", f"[Ticket#{number}] {f.subject}"),
        ("Date", f.date),
        (
            "Message-ID",
            f"<{int(f.failed_at.timestamp())}.{f.chance.token(DIGITS, 6)}.{number}@{f.organisation}>",
        ),
        *_answered(f),
        ("Auto-Submitted", "auto-replied"),
        ("Precedence", "bulk"),
        ("X-Powered-By", "OTRS"),
    ]
    return _text_notice(
        head,
        f"Thank you for your message. It was registered as ticket {number}.\nWe will answer within two working days.\n",
        reverse_path=f.chance.choice(("", f.recipient)),
    )


def _tmda(f: Failure) -> Notice:
    cookie = f"{int(f.failed_at.timestamp())}.{f.chance.randrange(10**4)}.{f.chance.token(HEX, 6)}"
    local, _, domain = f.recipient.partition("@")
    confirm = f"{local}-confirm-{cookie}@{domain}"
    text = (
        f"This message was created automatically by mail delivery software (TMDA).\n\nYour message attached below is being held because the address\n<{f.to}> has not been verified.\n\n"
        f'To release your message for delivery, please send an empty message\nto the following address, or use your mailer\'s "Reply" feature.\n\n   {confirm}\n\nThis confirmation verifies that your message is legitimate and not\njunk-mail. You should only have to confirm your address once.\n'
    )
    boundary = f"----------={f.chance.token(DIGITS, 10)}-{f.chance.randrange(10**5)}"
    parts = [part("text/plain; charset=us-ascii", text), *returned_part(f)]
    return Notice(
        [
            ("From", f"{local}@{domain}"), ("To", f.to), ("Subject", "Please confirm your message"), ("Date", f.date), ("Message-ID", f"<{compact(f.failed_at)}.{f.chance.token(DIGITS, 5)}.TMDA@{f.name}>"), *_answered(f), ("Reply-To", confirm),
            ("X-Delivery-Agent", "TMDA/1.1.12 (Macallan)"), ("Auto-Submitted", "auto-replied"), ("Precedence", "bulk"), ("MIME-Version", "1.0"), ("Content-Type", f'multipart/mixed; boundary="{boundary}"'),
        ],
        multipart(boundary, parts),
    )  # fmt: skip


def _challenge(f: Failure) -> Notice:
    words = {
        "en": ("Please verify your message", "I am protecting myself from junk mail. Please click the link below to confirm that you sent this message:"),
        "de": ("Bitte bestätigen Sie Ihre Nachricht", "Ich schütze mein Postfach vor Werbung. Bitte klicken Sie auf den Link, um zu bestätigen, dass Sie diese Nachricht gesendet haben:"),
        "fr": ("Veuillez confirmer votre message", "Je protège ma messagerie. Cliquez sur le lien pour confirmer que vous avez envoyé ce message :"),
    }  # fmt: skip
    title, text = words.get(f.language, words["en"])
    head = [
        ("From", _from(f)),
        ("To", f.to),
        ("Subject", f"{subject(title)} (Re: {f.subject})"),
        ("Date", f.date),
        ("Message-ID", f"<{f.chance.token(HEX, 24)}@{f.name}>"),
        *(_answered(f) if f.chance.yes(0.5) else []),
        ("Auto-Submitted", "auto-replied"),
    ]
    return _text_notice(
        head,
        f"{text}\n\nhttp://{f.organisation}/verify/{f.chance.token(BASE62, 20)}\n\nSubject: {f.subject}\n",
    )


def _virus(f: Failure) -> str:
    return f.chance.choice(_VIRUSES).replace("{n}", str(f.chance.randrange(100, 9999)))


def _amavis(f: Failure) -> Notice:
    boundary = f"----------=_{int(f.failed_at.timestamp())}-{f.chance.randrange(10**5)}-0"
    name = _virus(f)
    text = (
        f"VIRUS ALERT\n\nOur content checker found\n    virus: {name}\n\nin your email to the following recipient:\n-> {f.recipient}\n\nOur internal reference code for your message is {f.chance.token(DIGITS, 5)}-{f.chance.token(DIGITS, 2)}/{f.chance.token(BASE62 + '-', 12)}\n\n"
        f"First upstream SMTP client IP address: [{f.client.address}] {f.client.name or ''}\n\nReturn-Path: <{f.to}>\nSubject: {f.subject}\n\nDelivery of the email was stopped!\n"
    )
    status = fields(("Reporting-MTA", f"dns; {f.name}"), ("Received-From-MTA", f"dns; {f.client.helo} ([{f.client.address}])"), ("Arrival-Date", mail_date(f.arrival))) + fields(
        ("Original-Recipient", f"rfc822;{f.original_recipient}"), ("Final-Recipient", f"rfc822;{f.recipient}"), ("Action", "failed"), ("Status", "5.7.0"), ("Diagnostic-Code", f"smtp; 554 5.7.0 Reject, id=1 - VIRUS: {name}"), ("Last-Attempt-Date", f.date),
    )  # fmt: skip
    parts = [
        part('text/plain; charset="iso-8859-1"', text),
        part("message/delivery-status", status),
        *returned_part(f),
    ]
    return Notice(
        [
            ("Content-Type", f'multipart/report; report-type=delivery-status;\n boundary="{boundary}"'), ("MIME-Version", "1.0"), ("Subject", f"VIRUS ({name}) IN MAIL FROM YOU"), ("Message-ID", f"<VS{f.chance.token(BASE62, 12)}@{f.name}>"),
            ("From", f'"Content-filter at {f.name}" <postmaster@{f.name}>'), ("To", f"<{f.to}>"), ("Date", f.date),
        ],
        multipart(boundary, parts, "This is a multi-part message in MIME format...\n"),
    )  # fmt: skip


def _scanner(product: str, sender: str) -> Callable[[Failure], Notice]:
    def write(f: Failure) -> Notice:
        name = _virus(f)
        text = f"{product} has detected a virus in a message that you sent.\n\nVirus name: {name}\nRecipient: {f.recipient}\nSubject: {f.subject}\nFile: document.zip\nAction: deleted\n\nPlease check your computer for viruses.\n"
        head = [
            ("From", f'"{product}" <{sender}@{f.organisation}>'),
            ("To", f.to),
            (
                "Subject",
                f.chance.choice(
                    (
                        "Virus found in a message you sent",
                        "Warning: E-mail viruses detected",
                        f"{product} virus alert: {name}",
                    )
                ),
            ),
            ("Date", f.date),
            ("Message-ID", f"<{f.chance.token(HEX, 16)}@{f.name}>"),
        ]
        encoding, data = encoded_text(text)
        if f.returned is NOTHING:
            return Notice([*head, ("Content-Type", "text/plain; charset=us-ascii")], text.encode())
        boundary = f"=_{f.chance.token(HEX, 24)}"
        parts = [
            part("text/plain; charset=utf-8", data, ("Content-Transfer-Encoding", encoding)),
            *returned_part(f),
        ]
        return Notice(
            [*head, ("MIME-Version", "1.0"), ("Content-Type", f'multipart/mixed; boundary="{boundary}"')],
            multipart(boundary, parts),
        )

    return write


def _mdn(f: Failure) -> Notice:
    """A disposition notification (RFC 8098): read, or deleted unread."""
    boundary = f.chance.choice(
        (f"------------{f.chance.token(BASE62, 24)}", f"_000_{f.chance.token(HEX, 32)}_")
    )
    deleted = f.chance.yes(0.4)
    outcome = "deleted without being read" if deleted else "displayed"
    text = f"This is a Return Receipt for the mail that you sent to {f.recipient}.\n\nNote: the message was {outcome}.\n"
    status = fields(
        ("Reporting-UA", f"{f.organisation}; Mozilla Thunderbird" if f.chance.yes(0.5) else None), ("Original-Recipient", f"rfc822;{f.original_recipient}" if f.chance.yes(0.4) else None), ("Final-Recipient", f"rfc822;{f.recipient}"),
        ("Original-Message-ID", f.original_id or None), ("Disposition", f"automatic-action/MDN-sent-automatically; {'deleted' if deleted else 'displayed'}"),
    )  # fmt: skip
    parts = [
        part("text/plain; charset=UTF-8", text),
        part("message/disposition-notification", status),
        *returned_part(f),
    ]
    title = f.chance.choice(
        ("Not read: ", "Return Receipt (deleted) - ")
        if deleted
        else ("Read: ", "Return Receipt (displayed) - ")
    )
    return Notice(
        [
            ("From", _from(f)), ("To", f.to), ("Subject", title + f.subject), ("Date", f.date), ("Message-ID", f"<{f.chance.uuid()}@{f.organisation}>"), *_answered(f), ("MIME-Version", "1.0"),
            ("Content-Type", f'multipart/report; report-type=disposition-notification;\n\tboundary="{boundary}"'),
        ],
        multipart(boundary, parts),
        reverse_path=f.chance.choice(("", f.recipient)),
    )  # fmt: skip


def _mailman(f: Failure) -> Notice:
    local, _, domain = f.recipient.partition("@")
    text = (
        f"Your mail to '{local.title()}' with the subject\n\n    {f.subject}\n\nIs being held until the list moderator can review it for approval.\n\nThe reason it is being held:\n\n    Post by non-member to a members-only list\n\n"
        "Either the message will get posted to the list, or you will receive\nnotification of the moderator's decision.\n"
    )
    head = [
        ("Subject", f"Your message to {local.title()} awaits moderator approval"), ("From", f"{local}-bounces@{domain}"), ("To", f.to), ("Message-ID", f"<mailman.{f.chance.randrange(999)}.{int(f.failed_at.timestamp())}.{f.chance.randrange(10**5)}.{local}@{domain}>"), ("Date", f.date),
        ("Precedence", "bulk"), ("X-BeenThere", f.recipient), ("X-Mailman-Version", "2.1.39"), ("List-Id", f"<{local}.{domain}>"), ("X-List-Administrivia", "yes"), *(_answered(f) if f.chance.yes(0.5) else []),
    ]  # fmt: skip
    return _text_notice(head, text, reverse_path=f"{local}-bounces@{domain}")


FORMATS = (
    Format("vacation", ReportKind.AUTO_REPLY, _vacation, 2, "sendmail", (NOTHING,)),
    Format("sieve-vacation", ReportKind.AUTO_REPLY, _sieve, 2.5, "postfix", (NOTHING,)),
    Format("exchange-oof", ReportKind.AUTO_REPLY, _office, 3, "online", (NOTHING,)),
    Format("exchange-oof-old", ReportKind.AUTO_REPLY, _office_old, 0.7, "exchange", (NOTHING,)),
    Format("webmail-away", ReportKind.AUTO_REPLY, _webmail, 1.5, "google", (NOTHING,)),
    Format("quoting-responder", ReportKind.AUTO_REPLY, _quoting, 0.6, "qmail", (FULL, HEADERS)),
    Format(
        "ticket-system",
        ReportKind.AUTO_REPLY,
        _ticket,
        1.5,
        "postfix",
        (NOTHING,),
        answers_author=True,
    ),
    Format("mailman-held", ReportKind.AUTO_REPLY, _mailman, 1, "postfix", (NOTHING,), answers_author=True),
    Format("tmda", ReportKind.CHALLENGE, _tmda, 1, "qmail", (FULL, HEADERS)),
    Format("challenge", ReportKind.CHALLENGE, _challenge, 1, "gateway", (NOTHING,)),
    Format("amavis", ReportKind.VIRUS_WARNING, _amavis, 1.2, "postfix", (HEADERS, FULL)),
    Format(
        "virus-gateway",
        ReportKind.VIRUS_WARNING,
        _scanner("ScanMail for Exchange", "antivirus"),
        0.7,
        "exchange",
        (NOTHING, FULL),
    ),
    Format(
        "virus-scanner",
        ReportKind.VIRUS_WARNING,
        _scanner("MailScanner", "postmaster"),
        0.7,
        "sendmail",
        (NOTHING, HEADERS),
    ),
    Format("mdn", ReportKind.MDN, _mdn, 2, "online", (HEADERS, NOTHING), answers_author=True),
)
