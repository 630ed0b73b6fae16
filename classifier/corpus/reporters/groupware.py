"""Reports of groupware, of commercial mail servers, and of gateways to other worlds."""

from __future__ import annotations

from classifier.corpus.chance import BASE62, DIGITS, HEX, UPPER, UPPER_HEX, compact, mail_date, unix_date
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
    fields,
    multipart,
    part,
    returned_part,
)


def _domino(f: Failure) -> Notice:
    user = f.recipient.partition("@")[0]
    why = f"User {user} ({f.recipient}) not listed in Domino Directory"
    text = f"Your message\n\n  Subject: {f.subject}\n\nwas not delivered to:\n\n  {f.recipient}\n\nbecause:\n\n  {why}\n\n"
    head = [
        ("Date", f.date), ("MIME-Version", "1.0"), ("From", f"Postmaster@{f.organisation}"), ("To", f.to), ("Subject", f"DELIVERY FAILURE: {why}"),
        ("Message-ID", f"<OF{f.chance.token(UPPER_HEX, 8)}.{f.chance.token(UPPER_HEX, 8)}-ON{f.chance.token(UPPER_HEX, 8)}.{f.chance.token(UPPER_HEX, 8)}@{f.organisation}>"),
    ]  # fmt: skip
    if f.returned is NOTHING:
        return Notice(
            [*head, ("Content-Type", "Text/Plain"), ("Content-Transfer-Encoding", "8bit")], text.encode()
        )
    boundary = f"==IFJRGLKFGIR{f.chance.token(DIGITS, 8)}UHRUHIHD"
    status = fields(("Reporting-MTA", f"dns;{f.name}")) + fields(
        ("Final-Recipient", f"rfc822;{f.recipient}"),
        ("Action", "failed"),
        ("Status", "5.1.1"),
        ("Diagnostic-Code", f"X-Notes; {why}"),
    )
    parts = [
        part("text/plain; charset=us-ascii", text),
        part("message/delivery-status", status),
        *returned_part(f),
    ]
    return Notice(
        [*head, ("Content-Type", f'multipart/report; report-type=delivery-status; boundary="{boundary}"')],
        multipart(boundary, parts),
    )


def _notes(f: Failure) -> Notice:
    text = f"------- Failure Reasons  --------\n\nUser {f.recipient.partition('@')[0]} not listed in public Name & Address Book\n{f.recipient}\n\n------- Returned Message --------\n\n"
    return Notice(
        [
            ("From", f"NotesPostmaster@{f.organisation}"),
            ("To", f.to),
            ("Date", f.date),
            ("Subject", "DELIVERY FAILURE"),
            ("Content-Type", "text/plain; charset=us-ascii"),
        ],
        text.encode() + f.original,
    )


def _groupwise(f: Failure) -> Notice:
    boundary = f"____{f.chance.token(UPPER, 20)}____"
    text = f"The message that you sent was undeliverable to the following:\n\t{f.recipient.partition('@')[0]} ({f.recipient})\n\n"
    if f.returned is NOTHING or f.chance.yes(0.4):
        parts = [
            part("text/plain; charset=us-ascii", text, ("Content-Disposition", "inline")),
            *returned_part(f, headers_type="text/plain; charset=us-ascii"),
        ]
        kind = "multipart/mixed"
    else:
        status = fields(("Reporting-MTA", f"dns; {f.name}"), ("Arrival-Date", mail_date(f.arrival))) + fields(
            ("Final-Recipient", f"rfc822; {f.recipient}"),
            ("Action", "failed"),
            ("Status", f.reason.status),
            ("Diagnostic-Code", f"smtp; {f.reply}"),
        )
        parts = [
            part("text/plain; charset=us-ascii", text),
            part("message/delivery-status", status),
            *returned_part(f),
        ]
        kind = "multipart/report; report-type=delivery-status"
    return Notice(
        [
            ("Date", f.date), ("From", f"Mailer-Daemon@{f.name}"), ("To", f.to), ("Subject", "Message status - undeliverable"), ("Mime-Version", "1.0"),
            ("Message-Id", f"<{f.chance.token(UPPER_HEX, 8)}.{f.chance.token(UPPER_HEX, 4)}.{f.chance.token(UPPER_HEX, 4)}.0@{f.name}>"), ("Content-Type", f'{kind}; boundary="{boundary}"'),
        ],
        multipart(boundary, parts),
    )  # fmt: skip


def _imail(f: Failure) -> Notice:
    why = f.chance.choice(
        (
            f"Unknown user: {f.recipient}",
            f"Invalid final delivery userid: {f.recipient}",
            f"User mailbox exceeds allowed size: {f.recipient}",
            f"undeliverable to {f.recipient}",
        )
    )
    return Notice(
        [
            ("Date", f.date), ("Message-Id", f"<{f.failed_at:%Y%m%d%H%M}.AA{f.chance.token(DIGITS, 8)}@{f.name}>"), ("Mime-Version", "1.0"), ("Content-Type", "text/plain; charset=us-ascii"),
            ("From", f'"Postmaster" <postmaster@{f.name}>'), ("Sender", f"<postmaster@{f.name}>"), ("To", f"<{f.to}>"), ("Subject", "Undeliverable Mail"), ("X-Mailer", "<SMTP32 v8.22>"),
        ],
        f"{why}\n\n\nOriginal message follows.\n\n".encode() + f.original,
    )  # fmt: skip


def _mailmarshal(f: Failure) -> Notice:
    boundary = f"--={f.chance.uuid()}"
    made = f"{f.chance.token(UPPER, 1)}{f.chance.token('0123456789abcdef', 12)}"
    text = (
        f"Your message:\n   From:    {f.letter.envelope_from}\n   Subject: {f.subject}\n\nCould not be delivered because of\n\n{f.reply}\n\nThe following recipients were affected: \n    {f.recipient}\n\n\n\n"
        f"Additional Information\n======================\nOriginal Sender:    <{f.letter.envelope_from}>\nSender-MTA:         <{f.client.address}>\nRemote-MTA:         <{(f.remote or f.host).address}>\n"
        f"Reporting-MTA:      <{f.name}>\nMessageName:        <{made}.000000000001.0001.mml>\nLast-Attempt-Date:  <{f.failed_at:%H:%M:%S} {f.failed_at:%a, %d %b %Y}>\n"
    )
    parts = [
        part('text/plain;\n\tcharset="iso-8859-1"', text, ("Content-Transfer-Encoding", "7bit")),
        *returned_part(f, headers_type="message/rfc822"),
    ]
    return Notice(
        [
            ("Message-ID", f"<{made}@{f.name}>"), ("From", f"postmaster@{f.organisation}"), ("To", f.to), ("Date", f.date), ("Subject", f'Undeliverable Mail: "{f.subject}"'), ("MIME-Version", "1.0"),
            ("Content-Type", f'multipart/mixed;\n\tboundary="{boundary}"'),
        ],
        multipart(boundary, parts),
    )  # fmt: skip


def _communigate(f: Failure) -> Notice:
    boundary = f"_===8{f.chance.token(DIGITS, 7)}====CGP{f.chance.token(DIGITS, 4)}==_"
    text = f"Failed to deliver to '{f.recipient}'\n{'SMTP module(domain ' + f.recipient.rpartition('@')[2] + ') reports:' + chr(10) + ' host ' + f.remote_name + ' says:' + chr(10) + ' ' + f.reply if f.remote else 'LOCAL module(account ' + f.recipient.partition('@')[0] + ') reports:' + chr(10) + ' ' + f.words}\n"
    status = fields(("Reporting-MTA", f"dns; {f.name}"), ("Arrival-Date", mail_date(f.arrival))) + fields(
        ("Original-Recipient", f"rfc822;<{f.original_recipient}>"), ("Final-Recipient", f"rfc822;<{f.recipient}>"), ("Action", "failed"), ("Status", f"{f.reason.status[0]}.0.0"),
        ("Remote-MTA", f"dns; {f.remote_name}" if f.remote else None), ("Diagnostic-Code", f"SMTP; {f.reply}" if f.remote else None),
    )  # fmt: skip
    parts = [part("text/plain", text), part("message/delivery-status", status), *returned_part(f)]
    return Notice(
        [
            ("From", f"<MAILER-DAEMON@{f.name}>"), ("To", f.to), ("Subject", "Undeliverable mail: " + f.subject if f.chance.yes(0.5) else "Undeliverable mail"), ("Date", mail_date(f.failed_at, pad=True)), ("MIME-Version", "1.0"),
            ("Message-ID", f"<receipt-{f.chance.token(DIGITS, 7)}@{f.name}>"), ("Content-Type", f'multipart/report; report-type=delivery-status; boundary="{boundary}"'), ("X-Mailer", "CommuniGate Pro"),
        ],
        multipart(boundary, parts),
    )  # fmt: skip


def _mdaemon(f: Failure) -> Notice:
    text = (
        "The attached message had PERMANENT fatal delivery errors!\n\nAfter one or more unsuccessful delivery attempts the attached message has\nbeen removed from the mail queue on this server.  The number and frequency\n"
        "of delivery attempts are determined by local configuration parameters.\n\nYOUR MESSAGE WAS NOT DELIVERED TO ONE OR MORE RECIPIENTS!\n\n"
        f"Failed address: {f.recipient}\n\n--- Session Transcript ---\n --> RCPT To:<{f.recipient}>\n <-- {f.reply}\n--- End Transcript ---\n"
    )
    boundary = f"0105-{f.failed_at:%H%M}-{f.failed_at:%S}-PART-BREAK"
    status = fields(("Reporting-MTA", f"dns;{f.name}"), ("Arrival-Date", mail_date(f.arrival))) + fields(
        ("Final-Recipient", f"rfc822;{f.recipient}"), ("Action", "failed"), ("Status", "5.0.0")
    )
    standard = f.chance.yes(0.5)
    parts = [
        part('text/plain;\n\tcharset="us-ascii"', text),
        *([part("message/delivery-status", status)] if standard else []),
        *returned_part(f),
    ]
    kind = "multipart/report; report-type=delivery-status" if standard else "multipart/mixed"
    return Notice(
        [
            ("Date", mail_date(f.failed_at, pad=True)), ("From", f"MDaemon at {f.name} <MDaemon@{f.name}>"), ("To", f.to), ("Subject", "Permanent Delivery Failure"), ("Message-ID", f"<MDAEMON-F{f.failed_at:%Y%m%d%H%M}.{f.chance.token(DIGITS, 6)}MD{f.chance.token(DIGITS, 2)}@{f.name}>"),
            ("X-Actual-From", f"MDaemon@{f.name}"), ("Mime-Version", "1.0"), ("Content-Type", f'{kind};\n\tboundary="{boundary}"'),
        ],
        multipart(boundary, parts, "The following data may contain sections which represent BASE64 encoded\nfile attachments.  These sections will be unreadable without MIME aware\ntools.\n"),
    )  # fmt: skip


def _messagingserver(f: Failure) -> Notice:
    boundary = f"Boundary_(ID_{f.chance.token(BASE62 + '+', 22)})"
    text = (
        "This report relates to a message you sent with the following header fields:\n\n"
        f"  Message-id: {f.original_id}\n  Date: {f.letter.get('date') or ''}\n  From: {f.letter.author.address}\n  To: {f.original_recipient}\n  Subject: {f.subject}\n\n"
        f"Your message cannot be delivered to the following recipients:\n\n  Recipient address: {f.recipient}\n  Original address: {f.original_recipient}\n  Reason: Remote SMTP server has rejected address\n"
        f"  Diagnostic code: smtp;{f.reply}\n  Remote system: dns;{f.remote_name} (TCP|{f.host.address}|{f.chance.randrange(30_000, 60_000)}|{(f.remote or f.host).address}|25)\n"
    )
    status = fields(("Reporting-MTA", f"dns;{f.name} (tcp-daemon)"), ("Arrival-date", mail_date(f.arrival))) + fields(
        ("Original-recipient", f"rfc822;{f.original_recipient}"), ("Final-recipient", f"rfc822;{f.recipient}"), ("Action", "failed"), ("Status", f"{f.reason.status} (Remote SMTP server has rejected address)"),
        ("Remote-MTA", f"dns;{f.remote_name} (TCP|{f.host.address}|25|{(f.remote or f.host).address}|25)"), ("Diagnostic-code", f"smtp;{f.reply}"),
    )  # fmt: skip
    parts = [
        part("text/plain; charset=us-ascii", text, ("Content-language", "en-US")),
        part("message/delivery-status", status),
        *returned_part(f),
    ]
    return Notice(
        [
            ("Date", f.date), ("From", f"Internet Mail Delivery <postmaster@{f.name}>"), ("Subject", "Delivery Notification: Delivery has failed"), ("To", f.to), ("Message-id", f"<0{f.chance.token(UPPER_HEX, 10)}00@{f.name}>"),
            ("MIME-version", "1.0"), ("Content-type", f'multipart/report;\n boundary="{boundary}"; report-type=delivery-status'),
        ],
        multipart(boundary, parts),
    )  # fmt: skip


def _zimbra(f: Failure) -> Notice:
    boundary = f"{f.chance.token(UPPER_HEX, 11)}.{int(f.failed_at.timestamp())}/{f.name}"
    text = (
        f"This is the mail system at host {f.name}.\n\nI'm sorry to have to inform you that your message could not\nbe delivered to one or more recipients. It's attached below.\n\n"
        f"<{f.recipient}>: host {f.remote_name}[{(f.remote or f.host).address}] said: {f.reply}\n    (in reply to end of DATA command)\n"
    )
    status = fields(("Reporting-MTA", f"dns; {f.name}"), ("X-Postfix-Queue-ID", f.queue_id), ("X-Postfix-Sender", f"rfc822; {f.to}"), ("Arrival-Date", mail_date(f.arrival))) + fields(
        ("Final-Recipient", f"rfc822; {f.recipient}"), ("Original-Recipient", f"rfc822;{f.original_recipient}"), ("Action", "failed"), ("Status", f.reason.status),
        ("Remote-MTA", f"dns; {f.remote_name}"), ("Diagnostic-Code", f"smtp; {f.reply}"),
    )  # fmt: skip
    parts = [
        part("text/plain; charset=utf-8", text, ("Content-Description", "Notification")),
        part("message/delivery-status", status),
        *returned_part(f),
    ]
    return Notice(
        [
            ("Date", f.date), ("From", f"MAILER-DAEMON@{f.name} (Mail Delivery System)"), ("Subject", "Undelivered Mail Returned to Sender"), ("To", f.to), ("Auto-Submitted", "auto-replied"), ("MIME-Version", "1.0"),
            ("Content-Type", f'multipart/report; report-type=delivery-status;\n\tboundary="{boundary}"'), ("Message-Id", f"<{compact(f.failed_at)}.{f.chance.token(UPPER_HEX, 11)}@{f.name}>"),
        ],
        multipart(boundary, parts, "This is a MIME-encapsulated message.\n"),
    )  # fmt: skip


def _james(f: Failure) -> Notice:
    text = f"Hi. This is the James mail server at {f.name}.\nI'm afraid I wasn't able to deliver your message to the following addresses.\nThis is a permanent error; I've given up. Sorry it didn't work out.  Below\nI include the list of recipients and the reason why I was unable to deliver\nyour message.\n\nFailed recipient(s):\n{f.recipient}\n\nError message:\n{f.reply}\n"
    boundary = (
        f"----=_Part_{f.chance.randrange(99)}_{f.chance.token(DIGITS, 9)}.{int(f.failed_at.timestamp())}001"
    )
    parts = [
        part("text/plain; charset=us-ascii", text, ("Content-Transfer-Encoding", "7bit")),
        *returned_part(f, headers_type="message/rfc822"),
    ]
    return Notice(
        [
            ("Message-ID", f"<{f.chance.token(DIGITS, 9)}.{f.chance.randrange(99)}.{int(f.failed_at.timestamp())}001.JavaMail.root@{f.name}>"), ("MIME-Version", "1.0"), ("Content-Type", f'multipart/mixed; \n\tboundary="{boundary}"'),
            ("From", f"postmaster@{f.organisation}"), ("To", f.to), ("Subject", f"[BOUNCE] {f.subject}" if f.chance.yes(0.4) else "Re: " + f.subject), ("Date", f.date),
        ],
        multipart(boundary, parts),
    )  # fmt: skip


def _hmailserver(f: Failure) -> Notice:
    text = (
        f"Your message did not reach some or all of the intended recipients.\n\n   Sent: {f.letter.get('date') or ''}\n   Subject: {f.subject}\n\nThe following recipient(s) could not be reached:\n\n{f.recipient}\n   Error Type: SMTP\n"
        f"   Remote server ({(f.remote or f.host).address}) issued an error.\n   hMailServer sent: RCPT TO:<{f.recipient}>\n   Remote server replied: {f.reply}\n\n\n\nhMailServer\n"
    )
    return Notice(
        [
            ("From", f"mailer-daemon@{f.organisation}"), ("To", f.to), ("Subject", "Message undeliverable: " + f.subject), ("Date", f.date), ("Message-ID", f"<{f.chance.uuid().upper()}@{f.name}>"),
            ("Content-Type", 'text/plain; charset="utf-8"'), ("Auto-Submitted", "auto-replied"),
        ],
        text.encode(),
    )  # fmt: skip


def _mailenable(f: Failure) -> Notice:
    boundary = f"--MailEnable_{f.chance.token(UPPER_HEX, 10)}"
    text = f"MailEnable: Message could not be delivered to some recipients.\nThe following recipient(s) could not be reached:\n\n\tRecipient: [SMTP:{f.recipient}]\n\tReason: {f.reply}\n\n\nMessage headers follow:\n\n"
    content = text.encode() + (f.header_section if f.original else b"")
    return Notice(
        [
            ("From", f"Postmaster <postmaster@{f.organisation}>"), ("To", f.to), ("Subject", "Message Delivery Failure"), ("X-MailEnable-AdminNotification", "true"), ("Date", f.date), ("MIME-Version", "1.0"),
            ("Message-ID", f"<{f.chance.token(UPPER_HEX, 32)}.MAI@{f.name}>"), ("Content-Type", f'multipart/mixed;\n\tboundary="{boundary}"'),
        ],
        multipart(boundary, [part('text/plain;\n\tcharset="iso-8859-1"', content)]),
    )  # fmt: skip


def _mercury(f: Failure) -> Notice:
    text = f"This is a message from the Mercury Mail Transport System.\n\nMercury was unable to complete delivery of the message to the following addresses:\n\n*** {f.recipient}\n    {f.reply}\n\n--------------------- Returned message follows ---------------------\n"
    return Notice(
        [("From", f"Mail System Administrator <postmaster@{f.name}>"), ("To", f.to), ("Date", mail_date(f.failed_at, pad=True)), ("Subject", "Postmaster Notify: Delivery Failure."), ("Message-ID", f"<{f.chance.token(UPPER_HEX, 8)}.{f.chance.token(UPPER_HEX, 4)}@{f.name}>"), ("X-Autoreply-From", f"postmaster@{f.name}")],
        text.encode() + f.original,
    )  # fmt: skip


def _x400(f: Failure) -> Notice:
    boundary = f"-----=_X400_{f.chance.token(HEX, 16)}"
    user = f.recipient.partition("@")[0]
    organisation = f.organisation.partition(".")[0]
    text = (
        f"This report relates to your message:\n  Subject: {f.subject}\n  of {mail_date(f.arrival)}\n\nYour message was not delivered to\n  {f.recipient}\nfor the following reason:\n  Diagnostic was unrecognised-OR-name (0)\n  Information {f.words}\n\n"
        f"The Original Message follows:\n"
    )
    status = fields(
        ("Reporting-MTA", f"x400; mta {f.name.partition('.')[0].upper()} in /PRMD={organisation}/ADMD= /C=de/"), ("Arrival-Date", mail_date(f.arrival)),
        ("X400-Content-Identifier", f"{f.chance.token(DIGITS, 10)}"), ("X400-Reported-Recipient-Number", "1"),
    ) + fields(
        ("Final-Recipient", f"rfc822; {f.recipient}"), ("Original-Recipient", f"x400; /S={user}/O={organisation}/PRMD={organisation}/ADMD= /C=de/" if f.chance.yes(0.4) else None),
        ("Action", "failed"), ("Status", "5.1.1 (Bad destination mailbox address)"), ("Diagnostic-Code", "x400; reason 1, diagnostic 0"),
    )  # fmt: skip
    parts = [
        part("text/plain; charset=us-ascii", text),
        part("message/delivery-status", status),
        *returned_part(f),
    ]
    return Notice(
        [
            ("Date", f.date), ("From", f"X.400 gateway <postmaster@{f.name}>"), ("To", f.to), ("Subject", "Delivery Report (failure) for " + f.recipient), ("MIME-Version", "1.0"),
            ("Content-Type", f'multipart/report; report-type=delivery-status;\n boundary="{boundary}"'), ("X400-MTS-Identifier", f"[/PRMD={organisation}/ADMD= /C=de/;{f.chance.token(DIGITS, 12)}]"),
        ],
        multipart(boundary, parts),
    )  # fmt: skip


def _surgemail(f: Failure) -> Notice:
    text = f"*** This is a bounce message from SurgeMail at {f.name}\n\nDelivery to the following recipient failed permanently\n\n    Recipient: <{f.recipient}>\n    Reason: {f.reply}\n\n"
    return Notice(
        [("From", f'"Mail Delivery" <surgemail-failures@{f.name}>'), ("To", f"<{f.to}>"), ("Subject", f'Mail Failure - sender address not found: "{f.subject[:40]}"' if f.chance.yes(0.2) else "Mail delivery failed"), ("Date", unix_date(f.failed_at)), ("Message-Id", f"<{f.chance.token(HEX, 12)}@{f.name}>")],
        text.encode() + b"\n------ Original message follows ------\n" + f.original,
    )  # fmt: skip


def _interscan(f: Failure) -> Notice:
    boundary = "------------InterScan_NT_MIME_Boundary"
    text = f"Message from InterScan Messaging Security Suite\n\nSent <<< RCPT TO:<{f.recipient}>\nReceived >>> {f.reply}\n\nUnable to deliver message to <{f.recipient}>.\n\n************************     End of message     **********************\n"
    parts = [part("text/plain", text), *returned_part(f, headers_type="message/rfc822")]
    return Notice(
        [
            ("Message-ID", f"<{f.failed_at:%Y%m%d%H%M}.{f.chance.token(DIGITS, 14)}@{f.name}>"), ("Date", f.date), ("From", f'"InterScan MSS" <postmaster@{f.organisation}>'), ("To", f"<{f.to}>"), ("MIME-Version", "1.0"),
            ("Content-Type", f'multipart/mixed;\n boundary="{boundary}"'), ("Subject", "Mail could not be delivered"),
        ],
        multipart(boundary, parts),
    )  # fmt: skip


def _kddi(f: Failure) -> Notice:
    boundary = f"==_FF00/{f.chance.token(DIGITS, 8)}/FFF"
    text = f"送信先のメールボックスが一杯のため、送信できませんでした。\n\n（　以下、サーバから出力されたエラーメッセージ　）\n\nYour mail sent on: {mail_date(f.arrival)}\n     Could not be delivered to: <{f.recipient}>\n     As their mailbox is full.\n"
    parts = [
        part(
            'text/plain; charset="ISO-2022-JP"',
            text.encode("iso-2022-jp"),
            ("Content-Transfer-Encoding", "7bit"),
        ),
        *returned_part(f, ("Content-Description", "Original message"), headers_type="message/rfc822"),
    ]
    return Notice(
        [
            ("To", f"<{f.to}>"), ("From", f"no-reply@{f.organisation}"), ("Message-ID", f"<{f.chance.token(DIGITS, 16)}@{f.name}>"), ("Date", f.date), ("MIME-Version", "1.0"), ("Content-Type", f'multipart/mixed; boundary="{boundary}"'),
            ("Subject", "=?ISO-2022-JP?B?GyRCJWEhPCVrJSgbKEI=?=\n =?ISO-2022-JP?B?GyRCJWkhPERMQ04bKEI=?="), ("Reply-To", f"no-reply@{f.organisation}"),
        ],
        multipart(boundary, parts, "\nThis message is in MIME format.Since your mail reader does not understand this format, some or all of the message may not be legible\n"),
    )  # fmt: skip


def _mobile_jp(f: Failure) -> Notice:
    boundary = f"==_FF00/{f.chance.token(DIGITS, 9)}/FFF"
    text = f"次のあて先へのメッセージはエラーのため送信できませんでした。\n\nEach of the following recipients was rejected by a remote\nmail server.\n\n    Recipient: <{f.recipient}>\n    >>> RCPT TO:<{f.recipient}>\n    <<< {f.reply}\n\n"
    parts = [
        part(
            'text/plain; charset="ISO-2022-JP"',
            text.encode("iso-2022-jp"),
            ("Content-Transfer-Encoding", "7bit"),
        ),
        *returned_part(f, headers_type="message/rfc822"),
    ]
    return Notice(
        [
            ("To", f"<{f.to}>"), ("From", f"Postmaster@{f.organisation}"), ("Message-ID", f"<{f.chance.token(DIGITS, 28)}@{f.name}>"), ("Date", f.date), ("MIME-Version", "1.0"), ("Content-Type", f'multipart/mixed; boundary="{boundary}"'),
            ("Reply-To", f"Mail Administrator <Postmaster@{f.organisation}>"), ("Subject", "Mail System Error - Returned Mail"),
        ],
        multipart(boundary, parts),
    )  # fmt: skip


FORMATS = (
    Format("domino", DSN, _domino, 1.5, "domino", (FULL, HEADERS)),
    Format("domino-plain", BOUNCE, _domino, 0.7, "domino", (NOTHING,)),
    Format("notes", BOUNCE, _notes, 0.5, "bare"),
    Format("groupwise", DSN, _groupwise, 1, "groupwise", (FULL, HEADERS)),
    Format("imail", BOUNCE, _imail, 1, "imail"),
    Format("mailmarshal", BOUNCE, _mailmarshal, 1, "gateway", (FULL, NOTHING), (Stage.SESSION,)),
    Format("communigate", DSN, _communigate, 1, "communigate", (FULL, HEADERS), BOTH),
    Format("mdaemon", BOUNCE, _mdaemon, 1, "mdaemon", (FULL, HEADERS), (Stage.SESSION,)),
    Format(
        "messagingserver",
        DSN,
        _messagingserver,
        1.2,
        "sun",
        (FULL, HEADERS),
        (Stage.SESSION,),
    ),
    Format("zimbra", DSN, _zimbra, 1, "zimbra", (FULL, HEADERS), (Stage.SESSION,)),
    Format("james", BOUNCE, _james, 0.6, "bare", stages=(Stage.SESSION,)),
    Format("hmailserver", BOUNCE, _hmailserver, 0.7, "bare", (NOTHING,), (Stage.SESSION,)),
    Format("mailenable", BOUNCE, _mailenable, 0.6, "bare", (HEADERS, NOTHING), (Stage.SESSION,)),
    Format("mercury", BOUNCE, _mercury, 0.4, "bare", stages=(Stage.SESSION,)),
    Format("x400", DSN, _x400, 0.6, "bare", (FULL, HEADERS)),
    Format("surgemail", BOUNCE, _surgemail, 0.4, "bare", stages=(Stage.SESSION,)),
    Format("interscan", BOUNCE, _interscan, 0.8, "postfix", (FULL, HEADERS), (Stage.SESSION,)),
    Format("kddi", BOUNCE, _kddi, 0.6, "bare", (FULL, HEADERS)),
    Format("mobile-jp", BOUNCE, _mobile_jp, 0.8, "gateway", (FULL, NOTHING), (Stage.SESSION,)),
)
