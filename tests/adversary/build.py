"""Reports as raw bytes, put together from small parts, the way the mail systems write them.

Protected: example.org, whose relay is mail.example.org [192.0.2.1]. The world
outside: remote.test, where mail fails; provider.test, alumni.test and
lists.test, which pass mail on; and a dial-up pool where spam comes from.
"""

from __future__ import annotations

import base64

#: When it all happens.
SENT = "Tue, 10 Mar 2026 10:00:00 +0000"
TAKEN = "Tue, 10 Mar 2026 10:00:05 +0000"
FAILED = "Tue, 10 Mar 2026 10:00:09 +0000"
DELIVERED = "Tue, 10 Mar 2026 10:00:12 +0000"


def received(helo, name, address, by, *, with_="ESMTP", for_=None, when=TAKEN, note="", id_="4VwQ1x2Y3z"):
    """Write a Received field as Postfix does; *name* None means that it has none."""
    for_clause = f"\n\tfor <{for_}>" if for_ else ""
    return (
        f"Received: from {helo} ({name or 'unknown'} [{address}]){note}\n"
        f"\tby {by} (Postfix) with {with_} id {id_}{for_clause};\n\t{when}\n"
    )


def qmail_received(helo, name, address, by, *, when=TAKEN):
    """Write a Received field as qmail does, the greeting in a comment."""
    return f"Received: from {name or 'unknown'} (HELO {helo}) ({address})\n  by {by} with SMTP; {when}\n"


def exim_received(helo, name, address, by, *, for_="x@remote.test", protocol="esmtp", when=TAKEN):
    """Write a Received field as Exim does."""
    host = f"{name} ([{address}]" if name else f"[{address}] ("
    return (
        f"Received: from {host} helo={helo})\n\tby {by} with {protocol} (Exim 4.96)\n"
        f"\t(envelope-from <anna@example.org>)\n\tid 1rjQXy-0004Yx-2P\n\tfor {for_}; {when}\n"
    )


def sendmail_received(helo, name, address, by, *, for_="x@remote.test", when=TAKEN, doubt=False):
    """Write a Received field as Sendmail does; *doubt* when forward and reverse look-up differ."""
    remark = " (may be forged)" if doubt else ""
    known = f"{name} [{address}]{remark}" if name else f"[{address}]"
    return (
        f"Received: from {helo} ({known})\n\tby {by} (8.17.1/8.17.1) with ESMTP id 42AA05x1012345\n"
        f"\tfor <{for_}>; {when}\n"
    )


MX = "mx.remote.test"
#: Our relay, as the remote server saw it.
BY_RELAY = received("mail.example.org", "mail.example.org", "192.0.2.1", MX)
#: How a colleague's mail enters our relay.
SUBMISSION = received(
    "laptop",
    "cable-7.isp.test",
    "198.51.100.7",
    "mail.example.org",
    with_="ESMTPSA",
    when=SENT,
    id_="4VwQ0a1B2c",
)
#: A zombie that sends spam straight to the remote server.
BY_ZOMBIE = received("pc", "dsl-9.pool.isp.test", "198.51.100.9", MX)
BY_NAMELESS = received("pc", None, "198.51.100.9", MX)
#: What the zombie types below it.
TYPED_RELAY = received("mail.example.org", "mail.example.org", "192.0.2.1", "mail.example.org", when=SENT)


def original(
    trace=BY_RELAY + SUBMISSION,
    *,
    from_="Anna <anna@example.org>",
    to="x@remote.test",
    subject="The minutes of Monday",
    message_id="<20260310100000.1a2b3c4d@example.org>",
    date=SENT,
    return_path="anna@example.org",
    more="",
    body="Dear colleague,\n\nplease find the minutes below.\n\nAnna\n",
):
    """Write the message that a report is about."""
    head = f"Return-Path: <{return_path}>\n" if return_path is not None else ""
    head += trace
    for name, value in (
        ("Message-ID", message_id),
        ("Date", date),
        ("From", from_),
        ("To", to),
        ("Subject", subject),
    ):
        head += f"{name}: {value}\n" if value else ""
    return (head + more + "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n" + body).encode()


#: The newest hop of a report: our mail server took it in from the remote one.
INCOMING = received(MX, MX, "203.0.113.5", "mail.example.org", with_="ESMTPS", when=DELIVERED)
#: The same for a report that our own server wrote.
LOCAL = f"Received: by mail.example.org (Postfix)\n\tid 4VwQ9z8Y7x; {DELIVERED}\n"


def headers_of(message):
    """Return the header section alone."""
    return message.partition(b"\n\n")[0] + b"\n\n"


def dsn(
    message=None,
    *,
    returned="full",
    to="anna@example.org",
    reporter=MX,
    trace=INCOMING,
    sender="MAILER-DAEMON@mx.remote.test",
    return_path="",
    final="x@remote.test",
    original_recipient=None,
    action="failed",
    status="5.1.1",
    remote=None,
    diagnostic="550 5.1.1 no such user",
    arrival=TAKEN,
    received_from=None,
    subject="Undelivered Mail Returned to Sender",
    more="",
    text="I'm sorry to have to inform you that your message could not be delivered.",
):
    """Write a delivery status notification (RFC 3464) as Postfix does.

    *returned* is ``full``, ``headers`` or ``none``.
    """
    if message is None:
        message = original()
    fields = f"Reporting-MTA: dns; {reporter}\n" if reporter else ""
    fields += f"Received-From-MTA: dns; {received_from}\n" if received_from else ""
    fields += f"Arrival-Date: {arrival}\n" if arrival else ""
    fields += f"\nFinal-Recipient: rfc822; {final}\n"
    fields += f"Original-Recipient: rfc822;{original_recipient}\n" if original_recipient else ""
    fields += f"Action: {action}\nStatus: {status}\n"
    fields += f"Remote-MTA: dns; {remote}\n" if remote else ""
    fields += f"Diagnostic-Code: smtp; {diagnostic}\n"
    head = f"Return-Path: <{return_path}>\n" if return_path is not None else ""
    head += (
        f"{trace}Date: {FAILED}\nFrom: Mail Delivery System <{sender}>\nSubject: {subject}\nTo: {to}\n{more}"
        "Auto-Submitted: auto-replied\nMIME-Version: 1.0\nContent-Type: multipart/report; "
        'report-type=delivery-status;\n\tboundary="B0UND"\nMessage-Id: <20260310100009.B0UND@mx.remote.test>\n\n'
    )
    body = f"--B0UND\nContent-Type: text/plain; charset=us-ascii\n\n{text}\n\n<{final}>: {diagnostic}\n\n"
    body += f"--B0UND\nContent-Type: message/delivery-status\n\n{fields}\n"
    raw = (head + body).encode()
    if returned == "full":
        raw += b"--B0UND\nContent-Type: message/rfc822\n\n" + message + b"\n"
    elif returned == "headers":
        raw += b"--B0UND\nContent-Type: text/rfc822-headers\n\n" + headers_of(message)
    return raw + b"--B0UND--\n"


def own_dsn(message, **changed):
    """Write a notification of our own server."""
    parts = {
        "reporter": "mail.example.org",
        "sender": "MAILER-DAEMON@mail.example.org",
        "trace": LOCAL,
        "remote": MX,
        **changed,
    }
    return dsn(message, **parts)


def qmail(
    message, *, to="anna@example.org", host=MX, trace=INCOMING, reason="Sorry, no mailbox here by that name."
):
    """Write a bounce as qmail does: plain text, the original below it."""
    return (
        f"Return-Path: <>\n{trace}Date: {FAILED}\nFrom: MAILER-DAEMON@{host}\nTo: {to}\nSubject: failure notice\n\n"
        f"Hi. This is the qmail-send program at {host}.\n"
        "I'm afraid I wasn't able to deliver your message to the following addresses.\n"
        "This is a permanent error; I've given up. Sorry it didn't work out.\n\n"
        f"<x@remote.test>:\n{reason} (#5.1.1)\n\n--- Below this line is a copy of the message.\n\n"
    ).encode() + message


def exim(message, *, to="anna@example.org", host=MX, trace=INCOMING):
    """Write a bounce as Exim did before it wrote delivery-status parts."""
    return (
        f"Return-Path: <>\n{trace}Date: {FAILED}\nFrom: Mail Delivery System <Mailer-Daemon@{host}>\nTo: {to}\n"
        f"Subject: Mail delivery failed: returning message to sender\nX-Failed-Recipients: x@remote.test\n"
        "Auto-Submitted: auto-replied\n\nThis message was created automatically by mail delivery software.\n\n"
        "A message that you sent could not be delivered to one or more of its\nrecipients. "
        "This is a permanent error. The following address(es) failed:\n\n  x@remote.test\n    Unrouteable address\n\n"
        "------ This is a copy of the message, including all the headers. ------\n\n"
    ).encode() + message


def plain_reply(
    *,
    to="anna@example.org",
    sender="x@remote.test",
    subject="Out of office: The minutes of Monday",
    text="I am away until Monday and will read your message then.\n",
    more="Auto-Submitted: auto-replied\n",
    trace=INCOMING,
    return_path="",
):
    """Write a vacation note, a challenge, a warning: a reply that returns nothing of the original."""
    return (
        f"Return-Path: <{return_path}>\n{trace}Date: {FAILED}\nFrom: {sender}\nTo: {to}\nSubject: {subject}\n"
        f"Message-Id: <away.1@remote.test>\n{more}MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n{text}"
    ).encode()


def in_base64(message):
    """Wrap the original as an attachment in base64, as some gateways do against the standard."""
    encoded = base64.encodebytes(message).decode()
    raw = dsn(returned="none").removesuffix(b"--B0UND--\n")
    part = (
        f"--B0UND\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n{encoded}\n--B0UND--\n"
    )
    return raw + part.encode()
