"""Which program wrote a non-standard report: a table, most specific row first.

A row is a fact about the wire: where the program leaves its mark and what the
mark is. Nothing but the format's name depends on it; recipients, codes and the
original are found the same way for every format.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from classifier.parse.headers import HeaderBlock

#: Marks in the notice, in lower case. The notice stands above the original.
TEXT_MARKS: tuple[tuple[str, str], ...] = (
    ("amazon-sns", "notificationtype"),
    ("qmail", "this is the qmail-send program"),
    ("qmail", "--- below this line is a copy of the message"),
    ("yahoo", "unable to deliver message to the following address(es).\n"),
    ("qmail", "--- mensaje original adjunto"),
    ("qmail", "--- attachment is a copy of the message"),
    ("qmail", "i'm afraid i wasn't able to deliver"),
    ("qmail", "--- enclosed is a copy of the message"),
    ("postfix", "this is the postfix"),
    ("mailru", "автоматически сервером mail.ru"),
    ("gmx", "--- the header of the original message is following"),
    ("mxlogic", "included is a copy of the message header:"),
    ("exim", "this message was created automatically by mail delivery software"),
    ("exim", "a message that you sent could not be delivered to"),
    ("exim", "a message that you sent has not yet been delivered"),
    ("dma", "this is the dragonfly mail agent"),
    ("opensmtpd", "this is the mailer-daemon, please do not reply to this e-mail"),
    ("opensmtpd", "this is the mailer-daemon, please do not reply to this email"),
    ("sendmail", "----- the following addresses had "),
    ("sendmail", "----- transcript of session follows -----"),
    ("sendmail", "----- unsent message follows"),
    ("sendmail", "----- unsent message below"),
    ("sendmail", "----- message header follows -----\nreceived"),
    ("sendmail", "the original message was received at "),
    ("exchange-online", "diagnostic information for administrators"),
    ("exchange", "msexch:ims:"),
    ("exchange", "did not reach the following recipient(s):"),
    ("exchange", "delivery has failed to these recipients or "),
    ("exchange", "your message did not reach some or all of the intended recipients"),
    ("exchange", "this is an automatically generated delivery status notification"),
    ("google", "google tried to deliver your message"),
    ("google", "technical details of permanent failure"),
    ("google", "technical details of temporary failure"),
    ("google", "the group you tried to contact"),
    ("google", "google groups"),
    ("google", "----- original message -----"),
    ("domino", "domino directory"),
    ("domino", "was not delivered to:"),
    ("notes", "------- failure reasons"),
    ("groupwise", "the message that you sent was undeliverable to the following"),
    ("imail", "original message follows.\n"),
    ("mailmarshal", "the following recipients were affected"),
    ("interscan", "message from interscan"),
    ("interscan", "sent <<< rcpt to"),
    ("mfilter", "m-filter"),
    ("messagingserver", "your message cannot be delivered to the following recipients"),
    ("messagingserver", "this report relates to a message you sent with the following header"),
    ("courier", "this is a delivery status notification from"),
    ("courier", "undeliverable mail message"),
    ("apache-james", "hi. this is the james mail server"),
    ("kddi", "your mail sent on:"),
    ("ezweb", "each of the following recipients was rejected by a remote mail server"),
    ("ezweb", "the user(s) account is"),
    ("barracuda", "your message to: "),
    ("mimecast", "an email that you attempted to send to the following address"),
    ("mailfoundry", "delivery failed for the following reason:"),
    ("hmailserver", "hmailserver sent:"),
    ("mailenable", "mailenable:"),
    ("mdaemon", "the attached message had permanent fatal delivery errors"),
    ("mdaemon", "no such user here."),
    ("jetmail", "errmsg="),
    ("list-manager", "not a member of this mailing list"),
    ("list-manager", "duplicated message-id in <"),
    ("list-manager", "posting to this list is restricted"),
    ("lsmtp", "error-for:"),
    ("phquery", "(phquery"),
    ("lyris", "undeliverable message"),
    ("smail", "|------------------------- message log follows"),
    ("mmdf", "after attempting to deliver"),
    ("x400", "mts-id of the original message"),
    ("mercury", "mercury was unable to complete delivery"),
    ("surgemail", "surgemail"),
    ("communigate", "failed to deliver to"),
    ("xmail", "[xmail bounce]"),
    ("haraka", "haraka"),
    ("nullmailer", "the nullmailer"),
    ("msn", "vzwpix"),
)  # fmt: skip

#: Header fields that only one family of programs writes.
HEADER_MARKS: tuple[tuple[str, str], ...] = (
    ("exim", "x-failed-recipients"),
    ("mailenable", "x-mailenable-adminnotification"),
    ("qmail", "x-qmail-bounce"),
    ("mimecast", "x-mimecast-bounce"),
)

#: The last resort: what the report's own From or X-Mailer names.
SENDER_MARKS: tuple[tuple[str, str], ...] = (
    ("google", "@googlemail.com"),
    ("google", "@google.com"),
    ("exim", "mail delivery system"),
    ("sendmail", "mail delivery subsystem"),
    ("exchange", "system administrator"),
    ("exchange-online", "onmicrosoft.com"),
    ("mdaemon", "mdaemon@"),
    ("amazonses", "amazonses.com"),
    ("yahoo", "@yahoo."),
    ("aol", "@aol.com"),
    ("kddi", ".dion.ne.jp"),
    ("ezweb", "@ezweb.ne.jp"),
    ("docomo", "@docomo.ne.jp"),
    ("verizon", "@vtext.com"),
    ("verizon", "vzwpix.com"),
    ("biglobe", "biglobe.ne.jp"),
    ("interscan", "interscan"),
    ("symantec", "symantec"),
)


def format_name(headers: HeaderBlock, notice: str) -> str:
    """Name the format of a non-standard report.

    Args:
        headers: the report's own header section.
        notice: its notice, in lower case.

    Returns:
        A short name, ``generic`` where no row fits.

    """
    if "x-failed-recipients" in headers and "@google" in (headers.get("from") or "").lower():
        return "google"
    for name, mark in TEXT_MARKS:
        if mark in notice:
            return name
    for name, field in HEADER_MARKS:
        if field in headers:
            return name
    sender = f"{headers.get('from') or ''} {headers.get('x-mailer') or ''}".lower()
    for name, mark in SENDER_MARKS:
        if mark in sender:
            return name
    return "generic"
