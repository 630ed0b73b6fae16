"""Company: what else arrived lately that looks like part of the same campaign?

A spam run under our name comes back as many reports about one text; each of
them alone may show little. Together they show whose lines it came from: a
domain's own mail leaves through a few hosts, a bot net's from homes all over
the world. The fingerprints below are kept as digests, with no text, and are
compared within seven days.
"""

from __future__ import annotations

import re

from classifier.digest import blake2b
from classifier.evidence.base import Evidence, Lookups, forged, genuine, neutral
from classifier.evidence.habits import message_id_shape
from classifier.evidence.lines import line_of
from classifier.vocabulary import Strength

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from classifier.evidence.base import Company
    from classifier.identity import Identity
    from classifier.parse.report import Report

#: Fewer others than this are no campaign.
ENOUGH = 5
#: Of larger ones this many are counted.
MOST_COUNTED = 300
#: A run comes from strangers' homes where lines of so many owners, none of them a mail server's, were seen ...
_OWNERS = 8
#: ... by so many organisations, since those of one may be misread, ...
_WRITERS = 4
#: ... and are at least this share of all that were seen: of a newsletter of ours, a few come through a forwarder's.
_HOMES = 0.75
#: Longest body text that a fingerprint is taken of, in bytes.
_BODY_BYTES = 20_000
_LEADING = r"(?i)^(?:(?:re|aw|fwd?|wg|antw|sv|vs|tr)\s{0,3}(?:\[[0-9]{1,3}\])?\s{0,3}:\s{0,3}){1,5}"
_NOT_WORD = r"[\W\d_]+"
_MARKUP = rb"(?i)<[^<>]{0,2000}>|https?://[^\s<>\"]{0,500}|=[0-9A-F]{2}|=\r?\n"
_NOT_LETTER = rb"[^A-Za-z\x80-\xff]+"


def gather(report: Report, identity: Identity, lookups: Lookups) -> Iterator[Evidence]:
    """Ask the memory of recent reports for the company of this one."""
    if lookups.floods is None:
        return
    prints = fingerprints(report)
    if not prints:
        return
    company = lookups.floods.company(prints, lookups.now, besides=report_digest(report))
    if company.reports < ENOUGH:
        return
    number = f"{MOST_COUNTED} and more" if company.reports >= MOST_COUNTED else company.reports
    told = f"{number} other reports of the last days are about the same mail"
    if company.genuine:
        if company.genuine >= ENOUGH and not company.forged:
            yield genuine(
                "company", Strength.WEAK, "genuine-run", f"{told}; {company.genuine} of them proved genuine"
            )
        else:
            yield neutral(
                "company", "mixed", f"{told}; some proved genuine, or were taken back out of quarantine"
            )
    elif company.forged >= ENOUGH and 2 * company.forged >= company.reports:
        yield forged(
            "company", Strength.STRONG, "forged-run", f"{told}; {company.forged} of them proved forged"
        )
    elif _is_scattered(company):
        detail = (
            f"{told}; they came from lines of {company.owners} owners, none of them a mail server's, as "
            f"{company.writers} organisations saw: a domain's own mail leaves through few hosts"
        )
        line = line_of(report)
        if line is None:
            yield forged("company", Strength.STRONG, "scattered-run", detail)
        elif line.of_server:
            # Who has our text from us, and passes it on, is a server; forgers may have copied it.
            yield neutral("company", "scattered-server", detail)
        else:
            yield forged("company", Strength.STRONG, "scattered", detail)
    elif (
        company.strangers >= ENOUGH
        and 10 * company.strangers >= 9 * company.reports
        and not _known(report, lookups)
    ):
        detail = f"{told}; {company.strangers} of them failed at addresses that we never wrote to"
        yield forged("company", Strength.WEAK, "strangers", detail)
    else:
        yield neutral("company", "run", told)


def _is_scattered(company: Company) -> bool:
    """Say whether the run came from homes all over the world, as the mail of a bot net does."""
    return (
        company.owners >= _OWNERS and company.writers >= _WRITERS and company.homes >= _HOMES * company.lines
    )


def _known(report: Report, lookups: Lookups) -> bool:
    """Say whether the report is about a recipient that we did write to."""
    return lookups.ledger is not None and any(
        r.final_recipient and lookups.ledger.wrote_to(r.final_recipient) for r in report.recipients
    )


def strange(report: Report, lookups: Lookups) -> bool:
    """Say whether every recipient that failed is one that we are not known to have written to.

    False where there is no ledger, or the report names no recipient.
    """
    if lookups.ledger is None or lookups.ledger.covered_until() is None:
        return False
    failed = [r.final_recipient for r in report.recipients if r.final_recipient]
    failed += [r.original_recipient for r in report.recipients if r.original_recipient]
    return bool(failed) and not any(lookups.ledger.wrote_to(address) for address in failed)


def fingerprints(report: Report) -> tuple[str, ...]:
    """Return digests that the reports about one campaign share; empty where nothing came back.

    One of the subject's words together with the Message-ID's shape, and one of
    the words of the body. A subject alone ("Hello", "Invoice") would bring
    together what does not belong together.
    """
    original = report.original
    found: list[str] = []
    subject = re.sub(_NOT_WORD, " ", re.sub(_LEADING, "", original.subject or "").lower()).strip()
    if len(subject) >= 8:
        shape = message_id_shape(original.message_id or "").rpartition("@")[0]
        found.append("s:" + _digest(subject.encode("utf-8", "replace"), shape.encode("utf-8", "replace")))
    body = re.sub(_NOT_LETTER, b" ", re.sub(_MARKUP, b" ", (original.body or b"")[:_BODY_BYTES])).lower()
    words = [word for word in body.split() if len(word) > 3]
    if len(words) >= 20:
        # The words with the smallest digests stand for all: a few that differ (names, links) rarely matter.
        smallest = sorted({blake2b(word, digest_size=8).digest() for word in words})[:12]
        found.append("b:" + _digest(*smallest))
    return tuple(found)


def joined(prints: Sequence[Sequence[str]]) -> list[int]:
    """Number the groups of near-identical reports: those that share a fingerprint, directly or through others.

    Args:
        prints: of each report; one with none is a group of its own.

    Returns:
        For each report the index of one report of its group, the same for all of the group.

    """
    parent = list(range(len(prints)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    first: dict[str, int] = {}
    for i, row in enumerate(prints):
        for name in row:
            other = first.setdefault(name, i)
            parent[root(i)] = root(other)
    return [root(i) for i in range(len(prints))]


def report_digest(report: Report) -> str:
    """Return a digest by which one report is known again, however often it is judged."""
    names = [r.final_recipient or "" for r in report.recipients]
    identity = "\0".join([report.headers.get("message-id") or "", report.headers.get("date") or "", *names])
    original = report.original.message_id or ""
    return _digest(identity.encode("utf-8", "replace"), original.encode("utf-8", "replace"))


def _digest(*parts: bytes) -> str:
    return blake2b(b"\0".join(parts), digest_size=12).hexdigest()
