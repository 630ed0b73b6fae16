"""What a complaint says: of each kind of answer what is so, and what stops it."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from classifier.vocabulary import ReportKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from classifier.present.complaint import Operator

_BEGIN = """\
Dear postmaster,

{server} mail that we never sent: {count}. That mail has a forged sender address at {domain}, so the answers reach us, who have nothing to do with it:

{kinds}

Answers to forged senders are called backscatter, or misdirected bounces. Servers that send them come to be listed, for example by SpamCop and backscatterer.org (see RFC 5321 section 6.2 and RFC 3834 section 4).

{samples}
"""

_BOUNCES = """\
Bounces: your server took such mail in, and wrote afterwards to the sender address, which is forged, what became of it. What helps is to refuse such mail while the sending server is still connected, instead of taking it in and bouncing it later:

 1. Accept mail only for recipients that exist here, or behind you.
 2. Refuse in the SMTP session whatever you do not want: unknown
    recipients, full mailboxes, spam and viruses.
 3. After acceptance, never send a bounce to an address outside.

The settings for 1:

   Postfix    local_recipient_maps and relay_recipient_maps list who
              exists (smtpd_reject_unlisted_recipient = yes is the
              default); where no list can be had:
              smtpd_recipient_restrictions =
                reject_unauth_destination, reject_unverified_recipient
   Exim       in the ACL for RCPT:
                require verify = recipient
              for hosts behind it:
                require verify = recipient/callout=20s,defer_ok
   Sendmail   FEATURE(`virtusertable') that ends each domain with
                @{example}  error:nouser 550 User unknown
              and FEATURE(`blocklist_recipients')
   Exchange   Set-RecipientFilterConfig -RecipientValidationEnabled $true
              Enable-TransportAgent "Recipient Filter Agent"
              (the accepted domain with AddressBookEnabled $true)
   qmail      notqmail or netqmail with a check of recipients at RCPT:
              qmail-spp, spamdyke (reject-recipient) or validrcptto
"""

_AUTO_REPLIES = """\
Automatic replies: absence notes and the like are for people who did write. Let them go to the return path alone, to each sender once in some days, and never in answer to mail that does not name your user as a recipient or that a program or a list sent (RFC 3834 sections 2 and 4); and to nobody whose mail failed SPF or DMARC, or is taken for spam.
"""

_CHALLENGES = """\
Requests to confirm: they ask people who wrote nothing. Whoever confirms lets somebody else's spam through, and whoever does not is asked again for the next one; we confirm none. Please switch them off, or send them only where SPF, DKIM or DMARC shows that the sender is genuine.
"""

_VIRUS_WARNINGS = """\
Virus warnings: viruses and spam forge their senders, so such a warning tells somebody who did not send them. Please warn no sender. Refuse the message in the session, or keep it and tell your own users. amavis: $final_virus_destiny = D_DISCARD, and no $warnvirussender; MailScanner: Notify Senders Of Viruses = no.
"""

_RECEIPTS = """\
Receipts: whoever forged the sender address also asked for a receipt to it. Let receipts be sent only where the user agrees (RFC 8098 section 2.1), and not where SPF or DMARC failed.
"""

_END = """\
What is refused in the session is answered by nobody, whatever the answer would have been. For spam and viruses, before the end of DATA: Postfix smtpd_milters or smtpd_proxy_filter; Exim acl_smtp_data; Sendmail a milter; Exchange the transport agents' reject or quarantine action; qmail simscan.

Thank you for looking into it.
"""

#: How a kind is counted, one and many, and what is said of it. Kinds of one paragraph are one.
_BOUNCE = ("bounce", "bounces", _BOUNCES)
_SAID: dict[str, tuple[str, str, str]] = {
    ReportKind.DSN: _BOUNCE,
    ReportKind.BOUNCE: _BOUNCE,
    ReportKind.AUTO_REPLY: ("automatic reply", "automatic replies", _AUTO_REPLIES),
    ReportKind.CHALLENGE: ("request to confirm", "requests to confirm", _CHALLENGES),
    ReportKind.VIRUS_WARNING: ("virus warning", "virus warnings", _VIRUS_WARNINGS),
    ReportKind.MDN: ("receipt", "receipts", _RECEIPTS),
}


def subject(operator: Operator) -> str:
    """Say in one line what it is about."""
    bounces = all(_SAID.get(kind, _BOUNCE) is _BOUNCE for kind in operator.kinds)
    does = "sends bounces about" if bounces else "answers"
    return f"{operator.host} {does} mail with forged senders"


def words(operator: Operator) -> str:
    """Write the text, in lines of 72 characters where no name is longer."""
    number = f"{operator.count:,} times" if operator.count > 1 else "once"
    if operator.first and operator.last:
        first, last = f"{operator.first:%Y-%m-%d %H:%M}", f"{operator.last:%Y-%m-%d %H:%M}"
        number += f", on {first} UTC" if first == last else f" between {first} and {last} UTC"
    shown = len(operator.samples)
    samples = "The header section of one of these answers is attached."
    if shown != 1:
        samples = f"The header sections of {shown} of these answers are attached."
    counted = _counted(operator.kinds)
    host = f"{operator.host} [{operator.address}]" if operator.address else operator.host
    begin = _BEGIN.format(
        server=f"your mail servers, {host} among them, answer"
        if operator.several
        else f"your mail server {host} answers",
        count=number,
        domain=operator.domain or "our domain",
        kinds="\n".join(f"{n:>7,}  {one if n == 1 else many}" for (one, many, _), n in counted),
        samples=samples if shown else "We no longer have their header sections.",
    )
    paragraphs = [text.replace("{example}", operator.name) for (_, _, text), _ in counted]
    return _wrapped("\n".join((begin, *paragraphs, _END)))


def _counted(kinds: Mapping[str, int]) -> list[tuple[tuple[str, str, str], int]]:
    """Return what is said of the kinds that came, with how many, in the order of the table."""
    found = dict.fromkeys(_SAID.values(), 0)
    for kind, number in kinds.items():
        found[_SAID.get(kind, _BOUNCE)] += number
    return [(said, number) for said, number in found.items() if number]


def _wrapped(text: str) -> str:
    """Fill paragraphs anew, now that the names stand in them; lists stay as they are."""
    return (
        "\n\n".join(
            p if p.startswith(" ") else textwrap.fill(p, 72, break_long_words=False, break_on_hyphens=False)
            for p in text.strip("\n").split("\n\n")
        )
        + "\n"
    )
