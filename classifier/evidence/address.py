"""Address: does the address that was used as sender send mail at all?

The address that matters is the one that the report came to: that was the
return path of the original. Delivery agents also show a mailbox's inner name
(Delivered-To), so every address of ours that the report shows is asked, and
one that does send is enough to say nothing; unless the original's own return
path came back, which names the address without doubt.
"""

from __future__ import annotations

import re

from classifier.evidence.base import Evidence, Lookups, forged
from classifier.evidence.hosts import organisation
from classifier.evidence.ours import made_by_rule, own_addressees, passed_on, sent_on_by_us
from classifier.parse.addresses import domain_of, find_addresses, normalise
from classifier.vocabulary import ReportKind, Strength

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.identity import Identity
    from classifier.parse.report import Report

#: Role addresses that every domain has (RFC 2142) and mail systems send from.
_ROLES = frozenset(
    {
        "postmaster",
        "abuse",
        "mailer-daemon",
        "hostmaster",
        "webmaster",
        "root",
        "noreply",
        "no-reply",
        "daemon",
    }
)
#: Reports that go to whom the original wanted answers sent to, and not only to its return path.
_ANSWERS = frozenset({ReportKind.AUTO_REPLY, ReportKind.MDN})
#: So many hops of the report are asked whom it was for.
_MAX_HOPS = 30
#: What vacation (RFC 5230 section 4.5) and reject (RFC 5429 section 2.1.1) say of themselves in Auto-Submitted.
_BY_SIEVE = ("(vacation)", "(rejected)")
_PRVS = r"(?i)prvs=(?:[0-9a-f]{10}=(.{1,256})|(.{1,256})/[0-9a-f]{10})"


def gather(report: Report, identity: Identity, lookups: Lookups) -> Iterator[Evidence]:
    """Hold the addresses that were used as sender against the configured senders."""
    original = report.original
    used = list(own_addressees(report, identity)) or [
        normalise(a) for a in (original.return_path, original.from_address) if a and identity.owns_address(a)
    ]
    asked = [*used, *[a for a in map(_bare, used) if a]]
    path = normalise(original.return_path) if original.return_path else ""
    if path and path not in used and identity.owns_address(path) and identity.never_sends(path):
        # Aliases and catch-alls bring its reports to somebody who does send.
        yield forged("address", Strength.STRONG, "never-sends", f"{path} never sends mail")
        return
    if used and not _is_addressed(report, identity):
        # Only delivery agents' notes are left, and those name a mailbox at times that nobody writes from.
        yield from _from_elsewhere(report, identity, used)
        return
    never = next(filter(identity.never_sends, asked), None)
    sending = any(map(identity.is_sender, asked))
    if never is not None and not sending and not _went_elsewhere(report, identity):
        if _may_only_be_answered(report, never):
            detail = f"{never} never sends mail; but answers may be wanted there, and this is one"
            yield forged("address", Strength.WEAK, "never-sends-answered", detail)
        else:
            yield forged("address", Strength.STRONG, "never-sends", f"{never} never sends mail")
    elif identity.closed_senders and identity.senders and used and not sending:
        yield from _unknown(report, identity, used)
    yield from _from_elsewhere(report, identity, used)


def _went_elsewhere(report: Report, identity: Identity) -> bool:
    """Say whether the report is addressed to somebody of ours who may send: then Delivered-To names but a mailbox.

    Reporters write to the return path that they had, and some servers keep it beside; aliases and catch-alls put
    it into whatever mailbox they like. The envelope, where it was handed over, is from before that.
    """
    if report.envelope.rcpt_to and identity.never_sends(report.envelope.rcpt_to):
        return False
    values = [report.headers.text(name) for name in ("to", "x-original-to", "envelope-to")]
    written = [a for value in values for a in find_addresses(value) if identity.owns_address(a)]
    asked = [normalise(a) for a in written]
    asked += [bare for a in asked if (bare := _bare(a))]
    return bool(asked) and not any(map(identity.never_sends, asked))


def _is_addressed(report: Report, identity: Identity) -> bool:
    """Say whether anything but a delivery agent's note names an address of ours: of whom it was for, or of the original's."""
    original = report.original
    values = [report.envelope.rcpt_to, original.return_path, original.from_address]
    values += [report.headers.text(name) for name in ("to", "x-original-to", "envelope-to")]
    values += [hop.for_address for hop in report.trace[:_MAX_HOPS]]
    return any(identity.owns_address(a) for value in values for a in find_addresses(value or ""))


def _bare(address: str) -> str | None:
    """Return the mailbox behind a BATV tag or a subaddress, or None where it is one already."""
    local, _, domain = address.rpartition("@")
    user = local
    if "=" in local and (match := re.fullmatch(_PRVS, local)):
        user = match[1] or match[2]
    user = user.partition("+")[0] or user
    return f"{user}@{domain}" if user != local else None


def _unknown(report: Report, identity: Identity, used: list[str]) -> Iterator[Evidence]:
    """Judge a report to an address that is none of the senders, where the list is closed."""
    strangers = [
        address
        for address in used
        if (local := address.rpartition("@")[0]).partition("+")[0] not in _ROLES
        and (re.fullmatch(_PRVS, local) or not (made_by_rule(address) or sent_on_by_us(address)))
    ]
    if len(strangers) < len(used):
        return
    author = report.original.from_address
    address = strangers[0]
    if author and (identity.is_sender(author) or identity.is_sender(_bare(normalise(author)) or author)):
        detail = f"{address} is none of our senders, though the author {normalise(author)} is one"
        if _answers_author(report):
            yield forged("address", Strength.WEAK, "unknown-sender-answered", detail)
            return
        yield forged("address", Strength.STRONG, "unknown-return-path", detail)
        return
    if _may_only_be_answered(report, address):
        detail = f"{address} is none of our senders; but answers may be wanted there, and this is one"
        yield forged("address", Strength.WEAK, "unknown-sender-answered", detail)
        return
    yield forged("address", Strength.STRONG, "unknown-sender", f"{address} is none of our senders")


def _answers_author(report: Report) -> bool:
    """Say whether the report is an answer, and not one of those that sieve sends to the return path."""
    submitted = (report.headers.get("auto-submitted") or "").lower()
    return report.kind in _ANSWERS and not any(word in submitted for word in _BY_SIEVE)


def _may_only_be_answered(report: Report, address: str) -> bool:
    """Say whether the report is an answer, which may go to where its original wanted answers.

    Reply-To (RFC 5322 section 3.6.2) and Disposition-Notification-To (RFC 8098 section 2.1) name
    addresses that need not send; unless the author came back, and is that very one.
    """
    if not _answers_author(report):
        return False
    author = report.original.from_address
    return author is None or address not in {normalise(author), _bare(normalise(author))}


def _from_elsewhere(report: Report, identity: Identity, used: list[str]) -> Iterator[Evidence]:
    """Point out an original by another author: spammers often forge the return path alone."""
    original = report.original
    author = original.from_address
    if not author or not used or identity.owns_address(author) or identity.owns_address(original.sender):
        return
    if passed_on(original.headers) or all(map(made_by_rule, used)):
        return
    ours = {organisation(domain.lstrip(".")) for domain in identity.domains}
    theirs = domain_of(author)
    if organisation(theirs) in ours:
        return
    if original.ends_in("from") and any(
        theirs and d.lstrip(".").startswith(theirs) for d in identity.domains
    ):
        return  # what came back ends there, for all we see in the middle of our domain
    detail = f"the original is by {normalise(author)}, while the report came to {used[0]}"
    yield forged("address", Strength.WEAK, "from-elsewhere", detail)
