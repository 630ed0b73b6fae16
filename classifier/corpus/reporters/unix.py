"""Reports of the mail servers of Unix hosts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.corpus.chance import BASE62, DIGITS, HEX, UPPER_HEX, compact, mail_date, unix_date
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

if TYPE_CHECKING:
    from collections.abc import Callable


def _postfix_words(f: Failure) -> str:
    if f.remote:
        where = f"host {f.remote_name}[{f.remote.address}] said: {f.reply}"
        return f"{where} (in reply to\n    RCPT TO command)"
    return f"{f.words}"


def _postfix(f: Failure) -> Notice:
    delayed = not f.reason.permanent
    boundary = f"{f.chance.token(UPPER_HEX, 11)}.{int(f.failed_at.timestamp())}/{f.name}"
    old = f.chance.yes(0.15)
    product = "Postfix program" if old else "mail system"
    if delayed:
        opening = (
            "####################################################################\n# THIS IS A WARNING ONLY.  YOU DO NOT NEED TO RESEND YOUR MESSAGE. #\n"
            "####################################################################\n\nYour message could not be delivered for more than 4 hour(s).\n"
            "It will be retried until it is 5 day(s) old.\n"
        )
    else:
        opening = "I'm sorry to have to inform you that your message could not\nbe delivered to one or more recipients. It's attached below.\n"
    alias = f" (expanded from <{f.original_recipient}>)" if f.original_recipient != f.recipient else ""
    text = (
        f"This is the {product} at host {f.name}.\n\n{opening}\nFor further assistance, please send mail to postmaster.\n\n"
        "If you do so, please include this problem report. You can\ndelete your own text from the attached returned message.\n\n"
        f"                   The {product}\n\n<{f.recipient}>{alias}: {_postfix_words(f)}\n"
    )
    status = fields(
        ("Reporting-MTA", f"dns; {f.name}"),
        ("X-Postfix-Queue-ID", f.queue_id),
        ("X-Postfix-Sender", f"rfc822; {f.to}"),
        ("Arrival-Date", mail_date(f.arrival)),
    ) + fields(
        ("Final-Recipient", f"rfc822; {f.recipient}"),
        ("Original-Recipient", f"rfc822;{f.original_recipient}" if f.chance.yes(0.8) else None),
        ("Action", "delayed" if delayed else "failed"),
        ("Status", f.reason.status),
        ("Remote-MTA", f"dns; {f.remote_name}" if f.remote else None),
        ("Diagnostic-Code", f"smtp; {f.reply}" if f.remote else f"X-Postfix; {f.words}"),
        ("Will-Retry-Until", mail_date(f.failed_at) if delayed else None),
    )
    described = (
        "Content-Description",
        "Undelivered Message Headers" if f.returned is HEADERS else "Undelivered Message",
    )
    parts = [
        part("text/plain; charset=us-ascii", text, ("Content-Description", "Notification")),
        part("message/delivery-status", status, ("Content-Description", "Delivery report")),
        *returned_part(f, described),
    ]
    subject = "Delayed Mail (still being retried)" if delayed else "Undelivered Mail Returned to Sender"
    return Notice(
        [
            ("Date", f.date),
            (
                "From",
                f"MAILER-DAEMON@{f.name} (Mail Delivery System)"
                if old
                else f"Mail Delivery System <MAILER-DAEMON@{f.name}>",
            ),
            ("Subject", subject),
            ("To", f.to),
            ("Auto-Submitted", "auto-replied"),
            ("MIME-Version", "1.0"),
            ("Content-Type", f'multipart/report; report-type=delivery-status;\n\tboundary="{boundary}"'),
            ("Message-Id", f"<{compact(f.failed_at)}.{f.chance.token(UPPER_HEX, 11)}@{f.name}>"),
        ],
        multipart(boundary, parts, "This is a MIME-encapsulated message.\n"),
    )


def _sendmail(f: Failure) -> Notice:
    delayed = not f.reason.permanent
    made = f"{f.chance.token(HEX, 1)}{f.chance.token(BASE62, 7)}{f.chance.token(DIGITS, 6)}"
    boundary = f"{made}.{int(f.failed_at.timestamp())}/{f.name}"
    heading = "transient non-fatal errors" if delayed else "permanent fatal errors"
    text = f"The original message was received at {mail_date(f.arrival)}\nfrom {f.client.name or 'unknown'} [{f.client.address}]\n\n"
    if delayed:
        text = (
            "    **********************************************\n    **      THIS IS A WARNING MESSAGE ONLY      **\n"
            f"    **  YOU DO NOT NEED TO RESEND YOUR MESSAGE  **\n    **********************************************\n\n{text}"
        )
    text += f"   ----- The following addresses had {heading} -----\n<{f.recipient}>\n"
    if f.remote:
        text += f"    (reason: {f.reply})\n\n   ----- Transcript of session follows -----\n... while talking to {f.remote_name}.:\n>>> RCPT To:<{f.recipient}>\n<<< {f.reply}\n"
        text += (
            f"550 5.1.1 <{f.recipient}>... {f.words}\n"
            if not delayed
            else f"<{f.recipient}>... Deferred: {f.words}\n"
        )
    else:
        text += f"    (reason: {f.words})\n\n   ----- Transcript of session follows -----\n{f.reply}\n"
    if delayed:
        text += (
            "Warning: message still undelivered after 4 hours\nWill keep trying until message is 5 days old\n"
        )
    status = fields(
        ("Reporting-MTA", f"dns; {f.name}"),
        ("Received-From-MTA", f"DNS; {f.client.name or '[' + f.client.address + ']'}"),
        ("Arrival-Date", mail_date(f.arrival)),
    ) + fields(
        ("Final-Recipient", f"RFC822; {f.recipient}"),
        ("Action", "delayed" if delayed else "failed"),
        ("Status", f.reason.status),
        ("Remote-MTA", f"DNS; {f.remote_name}" if f.remote else None),
        ("Diagnostic-Code", f"SMTP; {f.reply}"),
        ("Last-Attempt-Date", mail_date(f.failed_at)),
    )
    parts = [b"\n" + text.encode(), part("message/delivery-status", status), *returned_part(f)]
    subject = (
        "Warning: could not send message for past 4 hours"
        if delayed
        else f.chance.choice(("Returned mail: see transcript for details", "Returned mail: User unknown"))
    )
    return Notice(
        [
            ("Date", f.date),
            ("From", f"Mail Delivery Subsystem <MAILER-DAEMON@{f.name}>"),
            ("Message-Id", f"<{f.failed_at:%Y%m%d%H%M}.{made}@{f.name}>"),
            ("To", f"<{f.to}>"),
            ("MIME-Version", "1.0"),
            ("Content-Type", f'multipart/report; report-type=delivery-status;\n\tboundary="{boundary}"'),
            ("Subject", subject),
            ("Auto-Submitted", "auto-generated (warning-timeout)" if delayed else "auto-generated (failure)"),
        ],
        multipart(boundary, parts, "This is a MIME-encapsulated message\n"),
    )


def _sendmail_old(f: Failure) -> Notice:
    """Sendmail before 8.7, and with SingleLineFromHeader: no MIME."""
    text = (
        f"The original message was received at {mail_date(f.arrival)}\nfrom {f.client.name or 'unknown'} [{f.client.address}]\n\n"
        f"   ----- The following addresses had permanent fatal errors -----\n<{f.recipient}>\n\n   ----- Transcript of session follows -----\n"
        f"... while talking to {f.remote_name}:\n>>> RCPT To:<{f.recipient}>\n<<< {f.reply}\n550 <{f.recipient}>... {f.words}\n\n"
    )
    body = text.encode()
    if f.returned is HEADERS:
        body += b"   ----- Message header follows -----\n" + f.header_section
    elif f.original:
        body += b"   ----- Original message follows -----\n" + f.original
    return Notice(
        [
            ("Date", f.date),
            ("From", f"Mail Delivery Subsystem <MAILER-DAEMON@{f.name}>"),
            (
                "Message-Id",
                f"<{f.failed_at:%Y%m%d%H%M}.{f.chance.token(BASE62, 3).upper()}{f.chance.token(DIGITS, 5)}@{f.name}>",
            ),
            ("To", f.to),
            ("Subject", "Returned mail: User unknown"),
            ("Auto-Submitted", "auto-generated (failure)"),
        ],
        body,
    )


def _exim_words(f: Failure) -> str:
    if f.remote:
        return f"    host {f.remote_name} [{f.remote.address}]\n    SMTP error from remote mail server after RCPT TO:<{f.recipient}>:\n    {f.reply}"
    return f"    {f.words}"


def _exim_text(f: Failure) -> str:
    text = (
        "This message was created automatically by mail delivery software.\n\n"
        "A message that you sent could not be delivered to one or more of its\n"
        f"recipients. This is a permanent error. The following address(es) failed:\n\n  {f.recipient}\n"
    )
    if f.original_recipient != f.recipient:
        text += f"    (generated from {f.original_recipient})\n"
    return text + _exim_words(f) + "\n"


def _exim_fields(f: Failure) -> list[tuple[str, str]]:
    return [
        ("X-Failed-Recipients", f.recipient),
        ("Auto-Submitted", "auto-replied"),
        ("From", f"Mail Delivery System <Mailer-Daemon@{f.name}>"),
        ("To", f.to),
    ]


def _exim_tail(f: Failure) -> list[tuple[str, str]]:
    made = f"E1{f.chance.token(BASE62, 5)}-{f.chance.token(BASE62, 6)}-{f.chance.token(BASE62, 2)}"
    return [
        ("Subject", "Mail delivery failed: returning message to sender"),
        ("Message-Id", f"<{made}@{f.name}>"),
        ("Date", mail_date(f.failed_at, pad=True)),
    ]


def _exim_old(f: Failure) -> Notice:
    body = (_exim_text(f) + "\n").encode()
    if f.returned is HEADERS:
        body += b"------ This is a copy of the message's headers. ------\n\n" + f.header_section
    elif f.original:
        body += b"------ This is a copy of the message, including all the headers. ------\n\n" + f.original
    return Notice(_exim_fields(f) + _exim_tail(f), body)


def _exim_mime(f: Failure) -> Notice:
    boundary = f"{int(f.failed_at.timestamp())}-eximdsn-{f.chance.randrange(10**8, 10**10)}"
    status = fields(("Reporting-MTA", f"dns; {f.name}")) + fields(
        ("Action", "failed"),
        ("Final-Recipient", f"rfc822;{f.recipient}"),
        ("Status", f"{f.reason.status[0]}.0.0"),
        ("Remote-MTA", f"dns; {f.remote_name}" if f.remote else None),
        ("Diagnostic-Code", f"smtp; {f.reply}" if f.remote else None),
    )
    # Over its return_size_limit Exim cuts the body off, and keeps the type.
    parts = [
        part("text/plain; charset=us-ascii", _exim_text(f)),
        part("message/delivery-status", status),
        *returned_part(f, headers_type=f.chance.choice(("text/rfc822-headers", "message/rfc822"))),
    ]
    head = _exim_fields(f)
    head += [
        ("References", f.original_id) if f.original_id else ("Precedence", "bulk"),
        ("Content-Type", f"multipart/report; report-type=delivery-status; boundary={boundary}"),
        ("MIME-Version", "1.0"),
    ]
    return Notice(head + _exim_tail(f), multipart(boundary, parts))


def _exim_delay(f: Failure) -> Notice:
    text = (
        "This message was created automatically by mail delivery software.\n\nA message that you sent has not yet been delivered to one or more of its\n"
        f"recipients after more than 24 hours on the queue on {f.name}.\n\nThe message identifier is:     {f.queue_id}\n"
        f"The subject of the message is: {f.subject[:60]}\nThe date of the message is:    {f.letter.get('date') or ''}\n\n"
        f"The address to which the message has not yet been delivered is:\n\n  {f.recipient}\n    host {f.remote_name}\n    Delay reason: {f.reply}\n\n"
        "No action is required on your part. Delivery attempts will continue for\nsome time, and this warning may be repeated at intervals if the message\nremains undelivered.\n"
    )
    made = f"E1{f.chance.token(BASE62, 5)}-{f.chance.token(BASE62, 6)}-{f.chance.token(BASE62, 2)}"
    return Notice(
        [
            ("Auto-Submitted", "auto-replied"),
            ("From", f"Mail Delivery System <Mailer-Daemon@{f.name}>"),
            ("To", f.to),
            ("Subject", f"Warning: message {f.queue_id} delayed 24 hours"),
            ("References", f.original_id) if f.original_id else ("Precedence", "bulk"),
            ("Message-Id", f"<{made}@{f.name}>"),
            ("Date", mail_date(f.failed_at, pad=True)),
        ],
        text.encode(),
    )


def _qmail_notice(greeting: str, copy: str) -> Callable[[Failure], Notice]:
    def write(f: Failure) -> Notice:
        if f.remote:
            why = f"{f.remote.address} does not like recipient.\nRemote host said: {f.reply}\nGiving up on {f.remote.address}."
        else:
            why = f.chance.choice(
                (
                    "Sorry, no mailbox here by that name. (#5.1.1)",
                    f"{f.words} (#{f.reason.status})",
                    "This address no longer accepts mail.",
                )
            )
        text = (
            f"Hi. This is the {greeting} at {f.name}.\nI'm afraid I wasn't able to deliver your message to the following addresses.\n"
            f"This is a permanent error; I've given up. Sorry it didn't work out.\n\n<{f.recipient}>:\n{why}\n\n{copy}\n\n"
        )
        body = text.encode() + f.original
        if not f.original:
            body = text.partition("\n\n---")[0].encode() + b"\n"
        made = (
            [("Message-ID", f"<{compact(f.failed_at)}.{f.chance.randrange(300, 32_000)}.qmail@{f.name}>")]
            if f.chance.yes(0.3)
            else []
        )
        return Notice(
            [
                ("Date", mail_date(f.failed_at)),
                ("From", f"MAILER-DAEMON@{f.name}"),
                ("To", f.to),
                ("Subject", "failure notice"),
                *made,
            ],
            body,
        )

    return write


def _courier(f: Failure) -> Notice:
    boundary = f"=_courier-{f.chance.randrange(10**6)}-{int(f.failed_at.timestamp())}"
    text = (
        f"This is a delivery status notification from {f.name},\nrunning the Courier mail server, version 1.0.16.\n\n"
        f"The original message was received on {mail_date(f.arrival)}\nfrom {f.client.helo} ({f.client.name or 'unknown'} [::ffff:{f.client.address}])\n\n"
        "---------------------------------------------------------------------------\n\n                           UNDELIVERABLE MAIL\n\n"
        "Your message to the following recipients cannot be delivered:\n\n"
        f"<{f.recipient}>:\n    {f.remote_name} [{f.remote.address if f.remote else f.host.address}]:\n>>> RCPT TO:<{f.recipient}>\n<<< {f.reply}\n\n"
        "---------------------------------------------------------------------------\n\nIf your message was also sent to additional recipients, their delivery\nstatus is not included in this report.\n"
    )
    status = fields(
        ("Reporting-MTA", f"dns; {f.name}"),
        ("Arrival-Date", mail_date(f.arrival)),
        ("Received-From-MTA", f"dns; {f.client.helo} ({f.client.name or 'unknown'} [::ffff:{f.client.address}])"),
    ) + fields(
        ("Final-Recipient", f"rfc822; {f.recipient}"), ("Action", "failed"), ("Status", f"{f.reason.status[0]}.0.0"),
        ("Remote-MTA", f"dns; {f.remote_name} [{f.remote.address}]" if f.remote else None), ("Diagnostic-Code", f"smtp; {f.reply}"),
    )  # fmt: skip
    parts = [
        part("text/plain; charset=us-ascii", text, ("Content-Transfer-Encoding", "7bit")),
        part("message/delivery-status", status),
        *returned_part(f),
    ]
    return Notice(
        [
            ("From", f'"Courier mail server at {f.name}" <@>'),
            ("To", f.to),
            ("Subject", "NOTICE: mail delivery status."),
            ("MIME-Version", "1.0"),
            ("Content-Type", f'multipart/report; report-type=delivery-status;\n    boundary="{boundary}"'),
            (
                "Message-ID",
                f"<courier.{f.chance.token(HEX, 16).upper()}.{f.chance.token(HEX, 8).upper()}@{f.name}>",
            ),
            ("Date", mail_date(f.failed_at, pad=True)),
        ],
        multipart(boundary, parts, "This is a MIME formatted message.\n"),
    )


def _opensmtpd(f: Failure) -> Notice:
    boundary = f"{f.chance.randrange(10**15, 10**18)}/{f.name}"
    made = f.chance.yes(0.5)
    text = (
        "        Hi !\n\n        This is the MAILER-DAEMON, please DO NOT REPLY to this e-mail.\n\n        An error has occurred while attempting to deliver a message for\n"
        f"        the following list of recipients:\n\n{f.recipient}: {f.reply}\n\n        Below is a copy of the original message:\n\n"
    )
    status = fields(("Reporting-MTA", f"dns; {f.name}")) + fields(
        ("Final-Recipient", f"rfc822; {f.recipient}"), ("Action", "failed"), ("Status", f.reason.status)
    )
    # The whole original stands in a part that is said to hold headers alone.
    kind = "message/rfc822" if made else "text/rfc822-headers"
    content = f.original if f.returned is FULL else f.header_section
    parts = [
        part("text/plain; charset=us-ascii", text, ("Content-Description", "Notification")),
        part("message/delivery-status", status, ("Content-Description", "Delivery Report")),
        part(kind, content, ("Content-Description", "Message headers" if not made else "Message")),
    ]
    return Notice(
        [
            ("Subject", "Delivery status notification: error"),
            ("From", f"Mailer Daemon <MAILER-DAEMON@{f.name}>"),
            ("To", f.to),
            ("Date", f.date),
            ("MIME-Version", "1.0"),
            (
                "Content-Type",
                f'multipart/mixed;boundary="{boundary}"'
                if f.chance.yes(0.3)
                else f'multipart/report; report-type="delivery-status"; boundary="{boundary}"',
            ),
            ("Message-ID", f"<{f.chance.token(HEX, 16)}@{f.name}>"),
        ],
        multipart(boundary, parts, "This is a MIME-encapsulated message.\n"),
    )


def _haraka(f: Failure) -> Notice:
    boundary = f"boundary_{f.chance.uuid().upper()}.1"
    text = (
        f"This is the mail delivery agent at {f.name}.\nI'm afraid I wasn't able to deliver your message to the following addresses.\n"
        f"This is a permanent error.\n\nRecipient(s) that failed:\n\n<{f.recipient}>: {f.reply}\n"
    )
    status = fields(
        ("Original-Envelope-Id", f.chance.uuid().upper() + ".1"), ("Reporting-MTA", f"dns;{f.name}"), ("Arrival-Date", mail_date(f.arrival))
    ) + fields(
        ("Final-Recipient", f"rfc822;{f.recipient}"), ("Action", "failed"), ("Status", f.reason.status),
        ("Remote-MTA", f"{f.remote.address}" if f.remote else None), ("Diagnostic-Code", f"smtp;{f.reply}"),
    )  # fmt: skip
    parts = [
        part("text/plain; charset=us-ascii", text),
        part("message/delivery-status", status, ("Content-Description", "Delivery report")),
        *returned_part(f, ("Content-Description", "Undelivered Message")),
    ]
    return Notice(
        [
            ("From", f"MAILER-DAEMON@{f.name}"), ("To", f.to), ("Date", f.date), ("Subject", "Undelivered message returned to sender"),
            ("Message-Id", f"<{f.chance.uuid().upper()}.1@{f.name}>"), ("MIME-Version", "1.0"),
            ("Content-Type", f'multipart/report; report-type=delivery-status;\n    boundary="{boundary}"'),
        ],
        multipart(boundary, parts, "This is a MIME-encapsulated message.\n"),
    )  # fmt: skip


def _chasquid(f: Failure) -> Notice:
    boundary = f"==BOUNDARY=={f.chance.token(HEX, 32)}"
    text = (
        f"Delivery of your message to the following recipient(s) failed permanently:\n\n  - {f.recipient}\n\n\nTechnical details:\n"
        f'- "{f.recipient}" (EMAIL) failed permanently with error:\n    {f.reply}\n\n'
    )
    parts = [
        part(
            'text/plain; charset="utf-8"',
            text,
            ("Content-Disposition", "inline"),
            ("Content-Description", "Notification"),
            ("Content-Transfer-Encoding", "8bit"),
        )
    ]
    if f.chance.yes(0.5):
        status = fields(("Reporting-MTA", f"dns; {f.name}")) + fields(
            ("Original-Recipient", f"utf-8; {f.original_recipient}"), ("Final-Recipient", f"utf-8; {f.recipient}"),
            ("Action", "failed"), ("Status", "5.0.0"), ("Diagnostic-Code", f"smtp; {f.reply}"),
        )  # fmt: skip
        parts.append(
            part(
                "message/global-delivery-status",
                status,
                ("Content-Description", "Delivery Report"),
                ("Content-Transfer-Encoding", "8bit"),
            )
        )
    parts += returned_part(
        f, ("Content-Description", "Undelivered Message"), ("Content-Transfer-Encoding", "8bit")
    )
    head = [
        ("From", f"Mail Delivery System <postmaster-dsn@{f.organisation}>"), ("To", f"<{f.to}>"),
        ("Subject", "Mail delivery failed: returning message to sender"), ("Message-ID", f"<chasquid-dsn-{f.chance.token(HEX, 12)}@{f.organisation}>"), ("Date", f.date),
    ]  # fmt: skip
    if f.original_id:
        head += [("In-Reply-To", f.original_id), ("References", f.original_id)]
    head += [
        ("X-Failed-Recipients", f"{f.recipient}, "), ("Auto-Submitted", "auto-replied"), ("MIME-Version", "1.0"),
        ("Content-Type", f'multipart/report; report-type=delivery-status;\n    boundary="{boundary}"'),
    ]  # fmt: skip
    return Notice(head, multipart(boundary, parts))


def _dma(f: Failure) -> Notice:
    text = (
        f"This is the DragonFly Mail Agent v0.13 at {f.name}.\n\nThere was an error delivering your mail to <{f.recipient}>.\n\n"
        f"{f.remote_name} [{f.remote.address if f.remote else f.host.address}] did not like our RCPT TO:\n{f.reply}\n\n"
    )
    body = text.encode()
    if f.returned is FULL:
        body += b"Original message follows.\n\n" + f.original
    elif f.original:
        body += b"Message headers follow.\n\n" + f.header_section
    return Notice(
        [
            ("From", "MAILER-DAEMON <>"), ("To", f.to), ("Subject", "Mail delivery failed"),
            ("Message-Id", f"<{f.chance.token(HEX, 8)}.{f.chance.token(HEX, 4)}.{f.chance.token(HEX, 8)}@{f.name}>"), ("Date", f.date),
        ],
        body,
    )  # fmt: skip


def _nullmailer(f: Failure) -> Notice:
    boundary = f"{int(f.failed_at.timestamp())}.{f.chance.randrange(10**5)}.{f.chance.randrange(10**6)}"
    text = (
        f"Hi. This is the nullmailer program at {f.name}.  I'm afraid I wasn't able to\ndeliver your message to the following addresses.\n"
        f"This is a permanent error; I've given up.\n\n<{f.recipient}>:\n{f.reply}\n"
    )
    status = fields(("Reporting-MTA", f"x-local-hostname; {f.name}"), ("Arrival-Date", mail_date(f.arrival))) + fields(
        ("Final-Recipient", f"rfc822; {f.recipient}"), ("Action", "failed"), ("Status", f.reason.status),
        ("Last-Attempt-Date", f.date), ("Remote-MTA", f"dns; {f.remote_name}"), ("Diagnostic-Code", f"smtp; {f.reply}"),
    )  # fmt: skip
    parts = [
        part("text/plain; charset=us-ascii", text),
        part("message/delivery-status", status),
        *returned_part(f),
    ]
    return Notice(
        [
            ("From", f"Message Delivery Subsystem <MAILER-DAEMON@{f.name}>"), ("To", f"<{f.to}>"), ("Subject", "Returned mail: Could not send message"),
            ("Date", f.date), ("Message-Id", f"<{int(f.failed_at.timestamp())}.{f.chance.token(DIGITS, 6)}.{f.chance.token(DIGITS, 5)}.nullmailer@{f.name}>"),
            ("MIME-Version", "1.0"), ("Content-Type", f'multipart/report; report-type=delivery-status;\n    boundary="{boundary}"'),
        ],
        multipart(boundary, parts),
    )  # fmt: skip


def _mlmmj(f: Failure) -> Notice:
    """The list manager turns away somebody who may not post, and returns the message."""
    listname = f.recipient
    kind, body = encoded_text(
        f'Hi, this is the Mlmmj program managing the <{listname}> mailing list.\n\nThe message from <{f.to}> with subject "{f.subject[:70]}" was\n'
        "unable to be delivered to the list because you are not\nallowed to post to it.\n\n(The denied message is below.)\n"
    )
    boundary = f.chance.token(HEX, 20)
    parts = [
        part("text/plain; charset=utf-8", body, ("Content-Transfer-Encoding", kind)),
        *returned_part(f, ("Content-Disposition", "inline; filename=message.eml")),
    ]
    owner = listname.replace("@", "+owner@")
    return Notice(
        [
            ("From", owner), ("To", f.to), ("Subject", f"Post to {listname} denied"), ("Date", f.date),
            ("Message-ID", f"<{int(f.failed_at.timestamp())}-mlmmj-{f.chance.token(HEX, 8)}@{f.organisation}>"),
            ("MIME-Version", "1.0"), ("Content-Type", f"multipart/mixed; boundary={boundary}"), ("Auto-Submitted", "auto-replied"),
        ],
        multipart(boundary, parts),
        reverse_path=listname.replace("@", "+bounces-help@"),
    )  # fmt: skip


def _mmdf(f: Failure) -> Notice:
    text = (
        f"    Your message could not be delivered to\n'{f.recipient} (host: {f.remote_name}) (queue: smtp)'\nfor the following\nreason:  ' {f.words}'\n\n"
        "    Your message follows:\n\n"
    )
    return Notice(
        [
            ("Date", f.date),
            ("From", f"Memo Service (MMDF) <mmdf@{f.name}>"),
            ("Sender", f"mmdf@{f.name}"),
            ("Subject", "Failed mail"),
            ("To", f.to),
        ],
        text.encode() + f.original,
    )


def _smail(f: Failure) -> Notice:
    line = "|" + "-" * 25
    text = (
        f"{line} Message log follows: {line[1:]}|\n no valid recipients were found for this message\n"
        f"{line} Failed addresses follow: {line[1:21]}|\n <{f.recipient}> ... {f.words}\n{line} Message text follows: {line[1:]}|\n"
    )
    return Notice(
        [("Date", unix_date(f.failed_at)), ("From", f"<MAILER-DAEMON@{f.name}>"), ("To", f.to), ("Subject", "mail failed, returning to sender"), ("Reference", f.original_id or "<none>")],
        text.encode() + f.original,
    )  # fmt: skip


FORMATS = (
    Format("postfix", DSN, _postfix, 12, "postfix", (FULL, FULL, HEADERS), BOTH),
    Format("postfix-delayed", DSN, _postfix, 1.5, "postfix", (HEADERS,), (Stage.SESSION,), delayed=True),
    Format("sendmail", DSN, _sendmail, 6, "sendmail", (FULL, HEADERS, NOTHING), BOTH),
    Format("sendmail-delayed", DSN, _sendmail, 1, "sendmail", (HEADERS,), (Stage.SESSION,), delayed=True),
    Format("sendmail-old", BOUNCE, _sendmail_old, 2, "sendmail", (FULL, HEADERS), (Stage.SESSION,)),
    Format("exim-old", BOUNCE, _exim_old, 5, "exim", (FULL, FULL, HEADERS), BOTH),
    Format("exim", DSN, _exim_mime, 6, "exim-new", (FULL, FULL, HEADERS), BOTH),
    Format(
        "exim-delayed",
        BOUNCE,
        _exim_delay,
        1,
        "exim",
        (NOTHING,),
        (Stage.SESSION,),
        delayed=True,
    ),
    Format(
        "qmail",
        BOUNCE,
        _qmail_notice("qmail-send program", "--- Below this line is a copy of the message."),
        6,
        "qmail",
        stages=BOTH,
    ),
    Format(
        "notqmail",
        BOUNCE,
        _qmail_notice("notqmail-send program", "--- Below this line is a copy of the message."),
        1.5,
        "qmail",
        stages=BOTH,
    ),
    Format(
        "qmail-short",
        BOUNCE,
        _qmail_notice("qmail-send program", "--- Enclosed are the original headers of the message."),
        1,
        "qmail",
        (NOTHING,),
        BOTH,
    ),
    Format("courier", DSN, _courier, 2, "courier", (FULL, HEADERS), BOTH),
    Format("opensmtpd", DSN, _opensmtpd, 2, "opensmtpd", (FULL, HEADERS), BOTH),
    Format("haraka", DSN, _haraka, 1.5, "haraka", (FULL, HEADERS), BOTH),
    Format("chasquid", DSN, _chasquid, 1, "bare", (FULL,), (Stage.SESSION,)),
    Format("mlmmj", BOUNCE, _mlmmj, 1, "postfix", (FULL,), answers_author=True),
    Format("mmdf", BOUNCE, _mmdf, 0.4, "bare"),
    Format("smail", BOUNCE, _smail, 0.4, "bare"),
)
#: Programs that report on the very host where the mail was written: never forged.
INNER = (
    Format("dma", BOUNCE, _dma, 1, "bare", (FULL, HEADERS), (Stage.SESSION,)),
    Format("nullmailer", DSN, _nullmailer, 1, "bare", (FULL,), (Stage.SESSION,)),
)
