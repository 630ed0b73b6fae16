"""Reports of Microsoft's mail servers, from 5.5 to Exchange Online, in the languages they speak."""

from __future__ import annotations

import base64
import html

from classifier.corpus.chance import BASE62, HEX, UPPER_HEX, mail_date
from classifier.corpus.reporters.base import (
    BOTH,
    BOUNCE,
    DSN,
    FULL,
    HEADERS,
    NOTHING,
    Failure,
    Format,
    Notice,
    Returned,
    encoded_text,
    fields,
    multipart,
    part,
    returned_part,
    subject,
)

#: Subject prefix, opening, explanation, "diagnostic information", "generating server", "original headers".
_WORDS = {
    "en": ("Undeliverable: ", "Delivery has failed to these recipients or groups:", "The email address you entered couldn't be found. Please check the recipient's email address and try to resend the message.", "Diagnostic information for administrators:", "Generating server: ", "Original message headers:"),
    "de": ("Unzustellbar: ", "Fehler bei der Nachrichtenzustellung an folgende Empfänger oder Gruppen:", "Die eingegebene E-Mail-Adresse konnte nicht gefunden werden.", "Diagnoseinformationen für Administratoren:", "Generierender Server: ", "Ursprüngliche Nachrichtenkopfzeilen:"),
    "fr": ("Non remis : ", "Échec de la remise à ces destinataires ou groupes :", "L'adresse de messagerie que vous avez entrée est introuvable.", "Informations de diagnostic pour les administrateurs :", "Serveur de génération : ", "En-têtes de message d'origine :"),
    "es": ("No se puede entregar: ", "Error de entrega a estos destinatarios o grupos:", "No se encontró la dirección de correo electrónico especificada.", "Información de diagnóstico para los administradores:", "Generando servidor: ", "Encabezados de mensajes originales:"),
    "it": ("Non recapitabile: ", "Recapito non riuscito ai seguenti destinatari o gruppi:", "L'indirizzo di posta elettronica immesso non è stato trovato.", "Informazioni di diagnostica per gli amministratori:", "Server di generazione: ", "Intestazioni originali del messaggio:"),
    "nl": ("Onbestelbaar: ", "De bezorging van het bericht aan de volgende geadresseerden of groepen is mislukt:", "Het opgegeven e-mailadres is niet gevonden.", "Diagnostische gegevens voor beheerders:", "Bronserver: ", "Oorspronkelijke berichtkoppen:"),
    "pt": ("Não é possível entregar: ", "Falha na entrega a estes destinatários ou grupos:", "O endereço de email inserido não foi encontrado.", "Informações de diagnóstico para administradores:", "Gerando servidor: ", "Cabeçalhos de mensagem originais:"),
    "pl": ("Niedostarczalne: ", "Nie można dostarczyć wiadomości do następujących adresatów lub grup:", "Nie odnaleziono podanego adresu e-mail.", "Informacje diagnostyczne dla administratorów:", "Serwer generujący: ", "Oryginalne nagłówki wiadomości:"),
    "ru": ("Не удается доставить: ", "Не удалось выполнить доставку следующим получателям или группам:", "Указанный адрес электронной почты не найден.", "Диагностические сведения для администраторов:", "Формирующий сервер: ", "Исходные заголовки сообщения:"),
    "ja": ("配信不能: ", "次の受信者またはグループへの配信に失敗しました:", "入力した電子メール アドレスが見つかりませんでした。", "管理者向けの診断情報:", "生成サーバー: ", "元のメッセージ ヘッダー:"),
}  # fmt: skip
_OLD = {
    "en": ("Delivery Status Notification (Failure)", "This is an automatically generated Delivery Status Notification.", "Delivery to the following recipients failed."),
    "de": ("Unzustellbar: Benachrichtigung zum Zustellungsstatus (Fehlgeschlagen)", "Dies ist eine automatisch erstellte Benachrichtigung über den Zustellstatus.", "Übermittlung an folgende Empfänger fehlgeschlagen."),
    "fr": ("Notification d'état de remise (Échec)", "Ceci est une notification d'état de la remise générée automatiquement.", "Échec de la remise aux destinataires suivants."),
    "es": ("Notificación del estado de entrega (Error)", "Ésta es una notificación de estado de entrega generada automáticamente.", "Error en la entrega a los siguientes destinatarios."),
}  # fmt: skip


def _guid_id(f: Failure) -> str:
    return f"<{f.chance.uuid()}@{f.name}>"


def _modern(f: Failure, text: str, markup: str | None) -> list[bytes]:
    encoding, plain = encoded_text(text)
    parts = [part("text/plain; charset=utf-8", plain, ("Content-Transfer-Encoding", encoding))]
    if markup is None:
        return parts
    encoding, rich = encoded_text(markup)
    inner = f"_000_{f.chance.token(HEX, 32)}_"
    both = multipart(
        inner, [*parts, part("text/html; charset=utf-8", rich, ("Content-Transfer-Encoding", encoding))]
    )
    return [part(f'multipart/alternative; differences=Content-Type;\n\tboundary="{inner}"', both)]


def _status(f: Failure, *, online: bool) -> str:
    return fields(
        ("Reporting-MTA", f"dns;{f.name}"),
        ("Received-From-MTA", f"dns;{f.client.helo}"),
        ("Arrival-Date", mail_date(f.arrival, pad=True)),
    ) + fields(
        ("Original-Recipient", f"rfc822;{f.original_recipient}" if online and f.chance.yes(0.3) else None),
        ("Final-Recipient", f"rfc822;{f.recipient}"),
        ("Action", "failed"),
        ("Status", f.reason.status),
        ("Diagnostic-Code", f"smtp;{f.reply}"),
        ("Remote-MTA", f"dns;{f.remote_name}" if f.remote else None),
        ("X-Display-Name", f.letter.recipients[0].partition("@")[0] if f.chance.yes(0.4) else None),
    )


def _exchange(f: Failure, *, online: bool) -> Notice:
    prefix, opening, why, diagnostic, server, original_headers = _WORDS[f.language]
    diagnosis = f"{f.recipient}\n{'Remote Server' if f.remote else f.name} returned '{f.reply}'\n"
    listed = (
        f.header_section.decode("utf-8", "replace").strip("\n") if f.returned is not Returned.NOTHING else ""
    )
    text = f"{opening}\n\n{f.recipient}<mailto:{f.recipient}>\n{why}\n\n\n{diagnostic}\n\n{server}{f.name}\n\n{diagnosis}\n{original_headers}\n\n{listed}\n"
    markup = (
        f'<html>\n<head><meta http-equiv="Content-Type" content="text/html; charset=utf-8"></head><body>\n<p><b><font color="#000066" size="3" face="Arial">{opening}</font></b></p>\n'
        f'<p><a href="mailto:{f.recipient}">{f.recipient}</a><br>\n{html.escape(why)}</p>\n<p><b>{diagnostic}</b></p>\n<p>{server}{f.name}</p>\n<p>{html.escape(diagnosis)}</p>\n'
        f"<p>{original_headers}</p>\n<pre>{html.escape(listed)}</pre>\n</body>\n</html>\n"
    )  # fmt: skip
    boundary = f.chance.choice((f.chance.uuid(), f"_{f.chance.uuid()}_"))
    kind = "message/rfc822"
    parts = [
        *_modern(f, text, markup if f.chance.yes(0.7) else None),
        part("message/delivery-status", _status(f, online=online)),
        *(
            returned_part(f, headers_type=f.chance.choice(("text/rfc822-headers", kind)))
            if online
            else returned_part(f)
        ),
    ]
    domain = f.organisation
    sender = (
        f"MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@{domain}"
        if online or f.chance.yes(0.5)
        else f"postmaster@{domain}"
    )
    head = [
        ("From", f"<{sender}>" if online else f"Microsoft Outlook <{sender}>"),
        ("To", f"<{f.to}>"),
        ("Date", mail_date(f.failed_at)),
        ("Content-Type", f'multipart/report; report-type=delivery-status;\n\tboundary="{boundary}"'),
        ("Content-Language", f.language),
        ("Message-ID", _guid_id(f)),
    ]
    if f.original_id:
        head += [("In-Reply-To", f.original_id), ("References", f.original_id)]
    head += [
        (
            "Subject",
            subject(prefix) + f.subject if prefix.isascii() else f"{subject(prefix.strip())} {f.subject}",
        ),
        ("Auto-Submitted", "auto-replied"),
        ("MIME-Version", "1.0"),
    ]
    if online:
        head += [
            ("X-MS-Exchange-Message-Is-Ndr", ""), ("X-MS-PublicTrafficType", "Email"), ("X-MS-TrafficTypeDiagnostic", f"{f.chance.token(UPPER_HEX, 12)}:EE_"),
            ("X-MS-Exchange-Organization-SCL", "-1"), ("X-OriginatorOrg", domain),
        ]  # fmt: skip
    return Notice(head, multipart(boundary, parts))


def _on_site(f: Failure) -> Notice:
    return _exchange(f, online=False)


def _online(f: Failure) -> Notice:
    return _exchange(f, online=True)


def _exchange_2003(f: Failure) -> Notice:
    title, opening, what = _OLD.get(f.language, _OLD["en"])
    boundary = f"{f.chance.token('ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789', 12)}{f.name}"
    encoding, text = encoded_text(f"{opening}\n\n{what}\n\n       {f.recipient}\n\n\n", "iso-8859-1")
    charset = "us-ascii" if text.isascii() and encoding == "7bit" else "iso-8859-1"
    status = fields(
        ("Reporting-MTA", f"dns;{f.name}"), ("Received-From-MTA", f"dns;{f.client.helo}"), ("Arrival-Date", mail_date(f.arrival))
    ) + fields(
        ("Final-Recipient", f"rfc822;{f.recipient}"), ("Action", "failed"), ("Status", f.reason.status),
        ("X-Display-Name", f.recipient.partition("@")[0] if f.chance.yes(0.4) else None),
        ("Diagnostic-Code", f"smtp;{f.reply}" if f.remote else None),
    )  # fmt: skip
    parts = [
        part(f"text/plain; charset={charset}", text, ("Content-Transfer-Encoding", encoding)),
        part("message/delivery-status", status),
        *returned_part(f),
    ]
    return Notice(
        [
            ("From", f"postmaster@{f.organisation}"), ("To", f.to), ("Date", f.date), ("MIME-Version", "1.0"),
            ("Content-Type", f'multipart/report; report-type=delivery-status;\n\tboundary="{boundary}"'),
            ("X-DSNContext", f"7ce717b1 - {f.chance.randrange(1000, 2000)} - 00000002 - 00000000"),
            ("Message-ID", f"<{f.chance.token(BASE62, 9)}00000{f.chance.token(HEX, 3)}@{f.name}>"), ("Subject", subject(title)),
        ],
        multipart(boundary, parts, "This is a MIME-formatted message.  \nPortions of this message may be unreadable without a MIME-capable mail program.\n"),
    )  # fmt: skip


def _exchange_55(f: Failure) -> Notice:
    sent = " ".join((f.letter.get("date") or "").split())
    site = f.organisation.partition(".")[0].upper()
    text = (
        f"Your message\n\n  To:      {f.original_recipient}\n  Subject: {f.subject}\n  Sent:    {sent}\n\ndid not reach the following recipient(s):\n\n"
        f"{f.recipient} on {mail_date(f.failed_at)}\n    The recipient name is not recognized\n\tThe MTS-ID of the original message is: c=us;a= ;p={site.lower()};l={site}0{f.chance.token(UPPER_HEX, 12)}\n"
        f"    MSEXCH:IMS:{site}:{site}:{site}EX1 0 (000C05A6) Unknown Recipient\n\n"
    )
    head = [
        ("Message-ID", f"<{f.chance.token(UPPER_HEX, 38)}@{f.name}>"), ("From", f"System Administrator <postmaster@{f.organisation}>"), ("To", f.to),
        ("Subject", f"Undeliverable: {f.subject}"), ("Date", f.date), ("MIME-Version", "1.0"), ("X-Mailer", "Internet Mail Service (5.5.2653.19)"), ("X-MS-Embedded-Report", ""),
    ]  # fmt: skip
    if f.returned is Returned.NOTHING:
        return Notice(
            [*head, ("Content-Type", 'text/plain; charset="iso-8859-1"')], text.encode("utf-8", "replace")
        )
    boundary = f"----_=_NextPart_000_01C{f.chance.token(UPPER_HEX, 5)}.{f.chance.token(UPPER_HEX, 8)}"
    parts = [part('text/plain;\n\tcharset="iso-8859-1"', text), *returned_part(f)]
    preamble = "This message is in MIME format. Since your mail reader does not understand\nthis format, some or all of this message may not be legible.\n"
    return Notice(
        [*head, ("Content-Type", f'multipart/mixed;\n\tboundary="{boundary}"')],
        multipart(boundary, parts, preamble),
    )


def _imc_40(f: Failure) -> Notice:
    sent = f"{f.letter.sent_at.month}/{f.letter.sent_at.day}/{f.letter.sent_at:%y} {f.letter.sent_at:%I:%M:%S %p}"
    site = f.organisation.partition(".")[0].upper()
    text = (
        f"Your message did not reach some or all of the intended recipients.\n\n      To:\t{f.original_recipient}\n      Subject:\t{f.subject}\n      Sent:\t{sent}\n\n"
        f"The following recipient(s) could not be reached:\n\n      {f.recipient} on {sent}\n            Recipient Not Found\n            MSEXCH:IMC:{site}:{site}:{f.chance.token(UPPER_HEX, 4)}\n"
    )
    return Notice(
        [
            ("Message-ID", f"<{f.chance.token(UPPER_HEX, 8)}.{f.chance.token(UPPER_HEX, 8)}@{f.name}>"), ("From", f"System Administrator <postmaster@{f.organisation}>"), ("To", f"<{f.to}>"),
            ("Subject", f"Undeliverable: {f.subject}"), ("Date", f.date), ("X-Mailer", "Microsoft Exchange Server Internet Mail Connector Version 4.0.994.63"),
        ],
        text.encode("utf-8", "replace"),
    )  # fmt: skip


def _base64_online(f: Failure) -> Notice:
    """What Outlook.com's own users are told: one text, and the original's headers in it."""
    prefix, opening, why, diagnostic, server, original_headers = _WORDS[f.language]
    listed = f.header_section.decode("utf-8", "replace").strip("\n")
    text = f"{opening}\n\n{f.recipient}\n{why}\n\n{diagnostic}\n\n{server}{f.name}\n\n{f.recipient}\n{f.reply}\n\n{original_headers}\n\n{listed}\n"
    return Notice(
        [
            ("From", f"postmaster@{f.organisation}"), ("To", f.to), ("Date", f.date), ("MIME-Version", "1.0"),
            ("Content-Type", "text/plain; charset=utf-8"), ("Content-Transfer-Encoding", "base64"), ("Message-ID", _guid_id(f)),
            ("Subject", f"{subject(prefix.strip())} {f.subject}"), ("Auto-Submitted", "auto-replied"),
        ],
        base64.encodebytes(text.encode()),
    )  # fmt: skip


FORMATS = (
    Format("exchange", DSN, _on_site, 5, "exchange", (FULL, HEADERS, HEADERS), BOTH),
    Format("exchange-online", DSN, _online, 7, "online", (HEADERS, HEADERS, FULL), BOTH),
    Format("exchange-2003", DSN, _exchange_2003, 3, "exchange-2003", (FULL, HEADERS), BOTH),
    Format("exchange-5.5", BOUNCE, _exchange_55, 1.5, "bare", (FULL, NOTHING)),
    Format("exchange-4.0", BOUNCE, _imc_40, 0.5, "bare", (NOTHING,)),
    Format("exchange-inline", BOUNCE, _base64_online, 0.7, "online", (HEADERS,)),
)
