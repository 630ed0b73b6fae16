"""Reports of large mail providers, sending services and filtering services."""

from __future__ import annotations

from classifier.corpus.chance import BASE36, BASE62, DIGITS, HEX, LOWER, UPPER_HEX, in_zone, mail_date
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
    Stage,
    encoded_text,
    fields,
    multipart,
    part,
    returned_part,
)

_GOOGLE = {
    "en": ("Address not found", "Your message wasn't delivered to {r} because the address couldn't be found, or is unable to receive mail."),
    "de": ("Adresse nicht gefunden", "Ihre Nachricht wurde nicht an {r} zugestellt, weil die Adresse nicht gefunden wurde oder keine E-Mails empfangen kann."),
    "fr": ("Adresse introuvable", "Votre message n'a pas été remis à {r}, car l'adresse est introuvable ou ne peut pas recevoir de messages."),
    "es": ("No se ha encontrado la dirección", "El mensaje no se ha entregado a {r} porque no se ha encontrado la dirección o esta no puede recibir correo."),
    "ja": ("アドレス不明", "{r} は見つからないか、メールを受信できないため、メールは配信されませんでした。"),
}  # fmt: skip


def _google(f: Failure) -> Notice:
    title, words = _GOOGLE.get(f.language, _GOOGLE["en"])
    delayed = not f.reason.permanent
    text = f"\n** {title} **\n\n{words.replace('{r}', f.recipient)}\n\n\n\nThe response from the remote server was:\n\n{f.reply}\n\n"
    encoding, data = encoded_text(text)
    outer, related, inner = (f"00000000000{f.chance.token(HEX, 17)}" for _ in range(3))
    alternative = multipart(inner, [
        part('text/plain; charset="UTF-8"', data, ("Content-Transfer-Encoding", encoding)),
        part('text/html; charset="UTF-8"', f"\n<html><body><p><b>{title}</b></p><p>{words.replace('{r}', f.recipient)}</p></body></html>\n".encode("ascii", "xmlcharrefreplace")),
    ])  # fmt: skip
    icon = part('image/png; name="icon.png"', "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNiAAAABgADNjd8qAAAAABJRU5ErkJggg==\n", ("Content-Disposition", 'attachment; filename="icon.png"'), ("Content-Transfer-Encoding", "base64"), ("Content-ID", "<icon.png>"))  # fmt: skip
    status = fields(
        ("Reporting-MTA", f"dns; {f.organisation}"), ("Received-From-MTA", f"dns; {f.letter.envelope_from}"),
        ("Arrival-Date", mail_date(in_zone(f.arrival, -480), comment="PST")), ("X-Original-Message-ID", f.original_id or None),
    ) + fields(
        ("Final-Recipient", f"rfc822; {f.recipient}"), ("Action", "delayed" if delayed else "failed"), ("Status", f.reason.status),
        ("Remote-MTA", f"dns; {f.remote_name}. ({f.remote.address}, the server for the domain {f.recipient.rpartition('@')[2]}.)" if f.remote else None),
        ("Diagnostic-Code", f"smtp; {f.reply}"), ("Last-Attempt-Date", mail_date(in_zone(f.failed_at, -480), comment="PST")),
        ("Will-Retry-Until", mail_date(in_zone(f.failed_at, -480), comment="PST") if delayed else None),
    )  # fmt: skip
    body = multipart(outer, [
        part(f'multipart/related; boundary="{related}"', multipart(related, [part(f'multipart/alternative; boundary="{inner}"', alternative), icon])),
        part("message/delivery-status", status), *returned_part(f),
    ])  # fmt: skip
    head = [("From", f"Mail Delivery Subsystem <mailer-daemon@{f.organisation}>"), ("To", f.to), ("Auto-Submitted", "auto-replied"),
            ("Subject", f"Delivery Status Notification ({'Delay' if delayed else 'Failure'})")]  # fmt: skip
    if f.original_id:
        head += [("References", f.original_id), ("In-Reply-To", f.original_id)]
    head += [
        ("X-Failed-Recipients", f.recipient), ("Message-ID", f"<{f.chance.token(HEX, 8)}.{f.chance.token('0123456789abcdef.', 22)}.GMR@mx.google.com>"),
        ("Date", mail_date(in_zone(f.failed_at, -480), pad=True, comment="PST")), ("Content-Type", f'multipart/report; boundary="{outer}"; report-type=delivery-status'), ("MIME-Version", "1.0"),
    ]  # fmt: skip
    return Notice(head, body)


def _google_old(f: Failure) -> Notice:
    text = (
        f"Delivery to the following recipient failed permanently:\n\n     {f.recipient}\n\nTechnical details of permanent failure: \n"
        f"Google tried to deliver your message, but it was rejected by the server for the recipient domain {f.recipient.rpartition('@')[2]} by {f.remote_name}. [{f.remote.address if f.remote else f.host.address}].\n\n"
        f"The error that the other server returned was:\n{f.reply}\n\n\n----- Original message -----\n\n"
    )
    body = text.encode() + f.header_section
    if f.returned is FULL:
        body = text.encode() + f.original[:6_000]
    return Notice(
        [
            ("MIME-Version", "1.0"), ("From", f"Mail Delivery Subsystem <mailer-daemon@{f.organisation}>"), ("To", f.to), ("X-Failed-Recipients", f.recipient),
            ("Subject", "Delivery Status Notification (Failure)"), ("Message-ID", f"<{f.chance.token(HEX, 32)}@google.com>"), ("Date", f.date), ("Content-Type", "text/plain; charset=UTF-8"),
        ],
        body,
    )  # fmt: skip


def _yahoo_old(f: Failure) -> Notice:
    text = f"Sorry, we were unable to deliver your message to the following address.\n\n<{f.recipient}>:\nRemote host said:\n{f.reply} [RCPT_TO]\n\n--- Below this line is a copy of the message.\n\n"
    return Notice(
        [
            ("Date", f.date),
            ("From", f"MAILER-DAEMON@{f.organisation}"),
            ("To", f.to),
            ("Subject", "Failure Notice"),
            ("X-Originating-IP", f"[{f.host.address}]"),
        ],
        text.encode() + f.original,
    )


def _yahoo(f: Failure) -> Notice:
    boundary = f"__BOUNDARY__{f.chance.token(BASE62, 16)}"
    text = f"Sorry, we were unable to deliver your message to the following address(es).\n\n<{f.recipient}>:\n{f.reply}\n"
    status = fields(("Reporting-MTA", f"dns; {f.name}"), ("Arrival-Date", mail_date(f.arrival))) + fields(
        ("Final-Recipient", f"rfc822; {f.recipient}"), ("Action", "failed"), ("Status", f.reason.status), ("Diagnostic-Code", f"smtp; {f.reply}"),
    )  # fmt: skip
    parts = [
        part("text/plain; charset=utf-8", text),
        part("message/delivery-status", status),
        *returned_part(f),
    ]
    return Notice(
        [
            ("Date", f.date), ("From", f"MAILER-DAEMON@{f.organisation}"), ("To", f.to), ("Subject", "Failure Notice"), ("MIME-Version", "1.0"),
            ("Content-Type", f'multipart/report; report-type=delivery-status; boundary="{boundary}"'),
        ],
        multipart(boundary, parts),
    )  # fmt: skip


def _ses(f: Failure) -> Notice:
    boundary = f"----=_Part_{f.chance.token(DIGITS, 7)}_{f.chance.token(DIGITS, 9)}.{int(f.failed_at.timestamp())}371"
    text = f"An error occurred while trying to deliver the mail to the following recipients:\n{f.recipient}"
    status = fields(("Reporting-MTA", f"dns; {f.name}"), ("Arrival-Date", mail_date(f.arrival))) + fields(
        ("Action", "failed"), ("Final-Recipient", f"rfc822; {f.recipient}"), ("Diagnostic-Code", f"smtp; {f.reply}"), ("Status", f.reason.status),
    )  # fmt: skip
    parts = [
        part(
            "text/plain; charset=us-ascii",
            text,
            ("Content-Transfer-Encoding", "7bit"),
            ("Content-Description", "Notification"),
        ),
        part(
            "message/delivery-status",
            status,
            ("Content-Description", "Delivery report"),
            ("Content-Transfer-Encoding", "7bit"),
        ),
        *returned_part(
            f,
            ("Content-Description", "Undelivered Message"),
            ("Content-Transfer-Encoding", "7bit"),
            full_type="message/rfc822",
        ),
    ]
    made = f"01{f.chance.token(HEX, 14)}-{f.chance.uuid()}-000000"
    return Notice(
        [
            ("From", f"MAILER-DAEMON@{f.organisation}"), ("To", f.to), ("Message-ID", f"<{made}@email.amazonses.com>"), ("Subject", "Delivery Status Notification (Failure)"), ("MIME-Version", "1.0"),
            ("Content-Type", f'multipart/report; report-type=delivery-status; \n\tboundary="{boundary}"'), ("Auto-Submitted", "auto-replied"), ("Date", f.date),
            ("X-SES-Outgoing", f"2026.01.05-{f.host.address}"), ("Feedback-ID", f"::1.eu-west-1.{f.chance.token(BASE62, 20)}=:AmazonSES"),
        ],
        multipart(boundary, parts),
        reverse_path=f"{made}@{f.organisation}",
    )  # fmt: skip


def _sendgrid(f: Failure) -> Notice:
    boundary = f"{f.chance.token(HEX, 12)}-{f.chance.token(DIGITS, 10)}"
    text = f"Hello, this is the mail server on {f.name}.\n\nI am sending you this message to inform you on the delivery status of a message you previously sent.\n\nUnable to deliver message to: <{f.recipient}>\n{f.reply}\n"
    # The status part carries fields of its own and no Reporting-MTA.
    status = fields(("X-SendGrid-QueueID", f"<{f.letter.envelope_from}>"), ("X-SendGrid-Sender", f"<{f.letter.envelope_from}>"), ("Arrival-Date", f"{f.arrival:%Y-%m-%d %H-%M-%S}")) + fields(
        ("Final-Recipient", f"rfc822; {f.recipient}"), ("Original-Recipient", f"rfc822; {f.original_recipient}"), ("Action", "failed"), ("Status", f.reason.status), ("Diagnostic-Code", f.reply),
    )  # fmt: skip
    parts = [
        part("text/plain; charset=us-ascii", text, ("Content-Description", "Notification")),
        part("message/delivery-status", status, ("Content-Description", "Delivery Report")),
        *returned_part(f, ("Content-Description", "Undelivered Message")),
    ]
    return Notice(
        [
            ("To", f.to), ("From", f"MAILER-DAEMON <MAILER-DAEMON@{f.organisation}>"), ("Auto-Submitted", "auto-replied"), ("Date", f.date), ("Message-Id", f"<{f.chance.token(BASE62, 22)}@{f.name}>"),
            ("Subject", "Undelivered Mail Returned to Sender"), ("MIME-Version", "1.0"), ("Content-Type", f'multipart/report; report-type=delivery-status; boundary="{boundary}"'),
        ],
        multipart(boundary, parts, "This is a MIME-encapsulated message.\n"),
    )  # fmt: skip


def _powermta(f: Failure) -> Notice:
    boundary = f"report{f.chance.token(UPPER_HEX, 8)}@{f.name}"
    text = (
        f"Hello, this is the mail server on {f.name}.\n\nI am sending you this message to inform you on the delivery status of a\nmessage you previously sent.  Immediately below you will find a list of\n"
        f"the affected recipients;  also attached is a Delivery Status Notification\n(DSN) report in standard format, as well as the headers of the original\nmessage.\n\n  <{f.recipient}>  delivery failed; will not continue trying\n"
    )
    status = fields(("Reporting-MTA", f"dns;{f.name}"), ("X-PowerMTA-VirtualMTA", f.name), ("Arrival-Date", mail_date(f.arrival))) + fields(
        ("Original-Recipient", f"rfc822;{f.original_recipient}" if f.chance.yes(0.3) else None), ("Final-Recipient", f"rfc822;{f.recipient}"), ("Action", "failed"), ("Status", f"{f.reason.status} (bad destination mailbox address)"),
        ("Remote-MTA", f"dns;{f.remote_name} ({f.remote.address})" if f.remote else None), ("Diagnostic-Code", f"smtp;{f.reply}"), ("X-PowerMTA-BounceCategory", "bad-mailbox"),
    )  # fmt: skip
    parts = [b"\n" + text.encode(), part("message/delivery-status", status), *returned_part(f)]
    return Notice(
        [("Date", f.date), ("From", f"postmaster@{f.name}"), ("Subject", "Delivery report"), ("To", f.to), ("MIME-Version", "1.0"), ("Content-Type", f'multipart/report; report-type=delivery-status;\n\tboundary="{boundary}"')],
        multipart(boundary, parts),
    )  # fmt: skip


def _mimecast(f: Failure) -> Notice:
    text = (
        "This is an automated alert notification. Please do not reply.\n\nAn email that you attempted to send to the following address could not be delivered:\n"
        f"-- {f.recipient}\n\nThe problem appears to be :\n-- Recipient email address is possibly incorrect\n\nAdditional information follows :\n-- {f.reply.partition(' ')[2]}\n\n"
        "This condition occurred after 1 attempt(s) to deliver over\na period of 0 hour(s).\n\nIf you sent the email to multiple recipients, you will receive one\nof these messages for each one which failed delivery, otherwise\nthey have been sent.\n"
    )
    head = [
        ("Subject", "[Postmaster] Email Delivery Failure"), ("Message-Id", f"<{f.chance.token(DIGITS, 10)}-{f.chance.token(DIGITS, 13)}@us-mta-{f.chance.randrange(1, 700)}.us.mimecast.lan>"),
        ("Date", f.date), ("From", f'"postmaster" <postmaster@{f.organisation}>'), ("To", f"<{f.to}>"), ("Mime-Version", "1.0"), ("X-MC-System", "=UmV0dXJuLVBhdGg6IDw+"), ("X-Mimecast-Originator", "<>"),
    ]  # fmt: skip
    if f.returned is NOTHING:
        return Notice([*head, ("Content-Type", "text/plain; charset=UTF-8")], text.encode())
    boundary = f"MCBoundary=_{f.chance.token(BASE36, 26)}"
    status = fields(("Reporting-MTA", f"dns; {f.name}"), ("Arrival-Date", mail_date(f.arrival))) + fields(
        ("Final-Recipient", f"rfc822; {f.recipient}"),
        ("Action", "failed"),
        ("Status", f.reason.status),
        ("Diagnostic-Code", f"smtp; {f.reply}"),
    )
    parts = [
        part("text/plain; charset=UTF-8", text),
        part("message/delivery-status", status),
        *returned_part(f),
    ]
    return Notice(
        [*head, ("Content-Type", f'multipart/report; report-type=delivery-status;\n boundary="{boundary}"')],
        multipart(boundary, parts),
    )


def _proofpoint(f: Failure) -> Notice:
    made = f"{f.chance.token(HEX, 1)}{f.chance.token(BASE62, 7)}{f.chance.token(DIGITS, 6)}"
    boundary = f"{made}.{int(f.failed_at.timestamp())}/{f.name}"
    text = f"The original message was received at {mail_date(f.arrival)}\nfrom {f.client.name or 'unknown'} [{f.client.address}]\n\n   ----- The following addresses had permanent fatal errors -----\n<{f.recipient}>\n    (reason: {f.reply})\n"
    status = fields(("Reporting-MTA", f"dns; {f.name}"), ("Received-From-MTA", f"DNS; {f.client.name or f.client.helo}"), ("Arrival-Date", mail_date(f.arrival))) + fields(
        ("Final-Recipient", f"RFC822; {f.recipient}"), ("Action", "failed"), ("Status", f.reason.status), ("Diagnostic-Code", f"SMTP; {f.reply}"), ("Last-Attempt-Date", f.date),
    )  # fmt: skip
    return Notice(
        [
            ("Date", f.date), ("From", f"Mail Delivery Subsystem <MAILER-DAEMON@{f.name}>"), ("Message-Id", f"<{f.failed_at:%Y%m%d%H%M}.{made}@{f.name}>"), ("To", f"<{f.to}>"), ("MIME-Version", "1.0"),
            ("Content-Type", f'multipart/report; report-type=delivery-status;\n\tboundary="{boundary}"'), ("Subject", "Returned mail: see transcript for details"), ("Auto-Submitted", "auto-generated (failure)"),
            ("X-Proofpoint-Virus-Version", "vendor=baseguard engine=ICAP:2.0.293"), ("X-Proofpoint-Bounce", "default"),
        ],
        multipart(boundary, [b"\n" + text.encode(), part("message/delivery-status", status), *returned_part(f)], "This is a MIME-encapsulated message\n"),
    )  # fmt: skip


def _barracuda(f: Failure) -> Notice:
    boundary = (
        f"----------=_{int(f.failed_at.timestamp())}-{f.chance.randrange(10**4)}-{f.chance.randrange(999)}"
    )
    encoding, text = (
        "7bit",
        f"\nYour message to: {f.recipient}\nwas blocked by our Spam Firewall. The email you sent with the following subject has NOT BEEN DELIVERED:\n\nSubject: {f.subject}\n\n",
    )
    status = fields(("Reporting-MTA", f"dns; {f.name}"), ("Received-From-MTA", f"smtp; {f.client.helo} ([{f.client.address}])"), ("Arrival-Date", mail_date(f.arrival))) + fields(
        ("Final-Recipient", f"rfc822; {f.recipient}"), ("Action", "failed"), ("Status", "5.7.1"), ("Diagnostic-Code", f"smtp; 550 5.7.1 Message content rejected, UBE, id={f.chance.token(DIGITS, 5)}-{f.chance.token(DIGITS, 2)}"), ("Last-Attempt-Date", f.date),
    )  # fmt: skip
    described = ("Content-Disposition", "inline"), ("Content-Transfer-Encoding", "7bit")
    parts = [
        part(
            'text/plain; charset="utf-8"',
            text,
            ("Content-Disposition", "inline"),
            ("Content-Transfer-Encoding", encoding),
        ),
        part("message/delivery-status", status, *described, ("Content-Description", "Delivery error report")),
        *returned_part(f, *described, ("Content-Description", "Undelivered-message headers")),
    ]
    return Notice(
        [
            ("MIME-Version", "1.0"), ("From", "MAILER-DAEMON <>"), ("Message-Id", f"<{f.chance.token(HEX, 32)}@{f.name}>"), ("Subject", "**Message you sent blocked by our bulk email filter**"),
            ("Content-Type", f'multipart/report; report-type=delivery-status;\n charset=utf-8;\n boundary="{boundary}"'), ("To", f.to), ("Date", f.date),
        ],
        multipart(boundary, parts, "This is a multi-part message in MIME format...\n"),
    )  # fmt: skip


def _ironport(f: Failure) -> Notice:
    boundary = f"{f.chance.token(BASE62 + '+', 12)}.{f.chance.token(DIGITS, 10)}.{f.chance.token(DIGITS, 5)}.{f.name}"
    text = f"The following message to <{f.recipient}> was undeliverable.\nThe reason for the problem:\n{f.reason.status} - Bad destination email address 'reject'\n"
    status = fields(("Reporting-MTA", f"dns; {f.name}")) + fields(
        ("Final-Recipient", f"rfc822;{f.recipient}"), ("Action", "failed"), ("Status", "5.0.0 (permanent failure)"), ("Remote-MTA", f"dns; [{(f.remote or f.host).address}]"),
        ("Diagnostic-Code", f"smtp; {f.reply} (delivery attempts: 0)"),
    )  # fmt: skip
    parts = [
        part('text/plain; charset="us-ascii"', text, ("content-transfer-encoding", "7bit")),
        part("message/delivery-status", status),
        *returned_part(f),
    ]
    return Notice(
        [
            ("Date", mail_date(f.failed_at, pad=True)), ("To", f.to), ("From", f'"Mail Delivery System" <MAILER-DAEMON@{f.name}>'), ("Subject", "Delivery Status Notification (Failure)"), ("MIME-Version", "1.0"),
            ("Content-Type", f'multipart/report; report-type=delivery-status; boundary="{boundary}"'), ("Message-ID", f"<{f.chance.token(HEX, 6)}${f.chance.token(HEX, 6)}@{f.name}>"),
        ],
        multipart(boundary, parts),
    )  # fmt: skip


def _gmx(f: Failure) -> Notice:
    text = (
        "This message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered to one or more of\nits recipients. This is a permanent error. The following address\nfailed:\n\n"
        f'"{f.recipient}":\nSMTP error from remote server after RCPT command:\nhost: {f.remote_name}\n{f.reply}\n\n\n--- The header of the original message is following. ---\n\n'
    )
    return Notice(
        [
            ("Date", f.date), ("From", f"MAILER-DAEMON@{f.name}"), ("To", f.to), ("Subject", "Mail delivery failed: returning message to sender"), ("MIME-Version", "1.0"), ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Transfer-Encoding", "8bit"), ("X-UI-Out-Filterresults", "unknown:0;"), ("Envelope-To", f"<{f.to}>"),
        ],
        text.encode() + (f.header_section if f.original else b""),
    )  # fmt: skip


def _zoho(f: Failure) -> Notice:
    boundary = f"----=_Part_{f.chance.randrange(9_999)}_{f.chance.token(DIGITS, 10)}.{int(f.failed_at.timestamp())}105"
    text = (
        "This message was created automatically by mail delivery software.\n A message that you sent could not be delivered to one or more of its recipients. This is a permanent error. \n\n"
        f"{f.recipient} Invalid Address, ERROR_CODE :{f.reply[:3]}, ERROR_CODE :{f.reply[4:]}\n\n\n"
    )
    data = text.encode() + f.header_section
    parts = [part('text/plain; charset="UTF-8"', data, ("Content-Transfer-Encoding", "8bit"))]
    return Notice(
        [
            ("Date", f.date), ("From", f"mailer-daemon@{f.organisation}"), ("To", f.to), ("Message-ID", f"<{f.chance.token(HEX, 11)}.{f.chance.token(HEX, 8)}-{f.chance.token(DIGITS, 10)}.-{f.chance.token(DIGITS, 19)}@{f.organisation}>"),
            ("Subject", "Undelivered Mail Returned to Sender"), ("MIME-Version", "1.0"), ("Content-Type", f'multipart/mixed; \n boundary="{boundary}"'), ("User-Agent", "Zoho Mail"), ("X-Mailer", "Zoho Mail"),
        ],
        multipart(boundary, parts),
    )  # fmt: skip


def _icloud(f: Failure) -> Notice:
    boundary = f"Boundary_(ID_{f.chance.token(BASE62, 22)})"
    text = f"This message was undeliverable due to the following reason:\n\nYour message was not delivered because the recipient address was rejected.\n\n<{f.recipient}>\n{f.reply}\n"
    status = fields(("Reporting-MTA", f"dns; {f.name}"), ("Arrival-Date", mail_date(f.arrival))) + fields(
        ("Final-Recipient", f"rfc822; {f.recipient}"),
        ("Action", "failed"),
        ("Status", f.reason.status),
        ("Diagnostic-Code", f"smtp; {f.reply}"),
    )
    return Notice(
        [
            ("From", f"Mail Delivery System <postmaster@{f.organisation}>"), ("To", f.to), ("Subject", "Undelivered Mail Returned to Sender"), ("Date", f.date), ("MIME-Version", "1.0"),
            ("Content-Type", f'multipart/report; report-type=delivery-status;\n boundary="{boundary}"'), ("Message-ID", f"<{f.chance.token(LOWER, 18)}@{f.name}>"),
        ],
        multipart(boundary, [part("text/plain; charset=us-ascii", text), part("message/delivery-status", status), *returned_part(f)]),
    )  # fmt: skip


FORMATS = (
    Format("google", DSN, _google, 8, "google", (FULL, HEADERS), BOTH),
    Format(
        "google-delayed",
        DSN,
        _google,
        0.7,
        "google",
        (HEADERS,),
        (Stage.SESSION,),
        delayed=True,
    ),
    Format("google-old", BOUNCE, _google_old, 1.5, "google", (HEADERS, FULL), (Stage.SESSION,)),
    Format("yahoo-old", BOUNCE, _yahoo_old, 1.5, "qmail", stages=(Stage.SESSION,)),
    Format("yahoo", DSN, _yahoo, 1, "gateway", (FULL, HEADERS), BOTH),
    Format("amazon-ses", DSN, _ses, 2, "gateway", (FULL, HEADERS), (Stage.SESSION,)),
    Format("sendgrid", DSN, _sendgrid, 1, "gateway", (FULL,), (Stage.SESSION,)),
    Format("powermta", DSN, _powermta, 1, "powermta", (HEADERS,), (Stage.SESSION,)),
    Format("mimecast", DSN, _mimecast, 1.2, "gateway", (FULL, HEADERS), BOTH),
    Format("mimecast-plain", BOUNCE, _mimecast, 0.5, "gateway", (NOTHING,), BOTH),
    Format("proofpoint", DSN, _proofpoint, 1.2, "sendmail", (FULL, HEADERS), BOTH),
    Format("barracuda", DSN, _barracuda, 1.2, "gateway", (HEADERS,)),
    Format("ironport", DSN, _ironport, 1.5, "ironport", (FULL, HEADERS), BOTH),
    Format("gmx", BOUNCE, _gmx, 1, "gateway", (HEADERS,), (Stage.SESSION,)),
    Format("zoho", BOUNCE, _zoho, 0.6, "bare", (HEADERS,), (Stage.SESSION,)),
    Format("icloud", DSN, _icloud, 0.6, "sun", (FULL, HEADERS), BOTH),
)
