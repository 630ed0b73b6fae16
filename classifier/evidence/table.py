"""The evidence kinds in the order in which they are asked.

One row a kind: the documentation's table is printed from these rows. Cheap
kinds come first; those that ask DNS come last, so that a budget that runs out
costs the least.
"""

from __future__ import annotations

from classifier.dataclass import dataclass
from classifier.evidence import (
    account,
    address,
    authres,
    company,
    dkim,
    dmarc,
    habits,
    ledger,
    message_id,
    path,
    reporter,
    spf,
    stranger,
    tags,
)
from classifier.evidence.base import Evidence, Gatherer, Lookups, neutral

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from classifier.identity import Identity
    from classifier.parse.report import Report


@dataclass(frozen=True)
class EvidenceKind:
    """One row: the kind's name, its function, and what people should know of it.

    Not ``learnt``: the default model was built without it, and its weak
    findings count only where no model takes part.
    """

    name: str
    gather: Gatherer
    shows: str
    cannot_show: str
    forger_must: str
    learnt: bool = True


KINDS: tuple[EvidenceKind, ...] = (
    EvidenceKind(
        "ledger",
        ledger.gather,
        "Whether we sent a message with this Message-ID, envelope id or queue id, and whether to the recipient "
        "that failed; for replies and receipts, the message that In-Reply-To, References or Original-Message-ID names.",
        "Anything by a miss, unless the ledger is declared complete for the time at which the reporting side took "
        "the original in; much by a miss of what our own host took in from outside for one of us, as forms write "
        "to us, or of what calls itself an automatic answer, since no Sent folder has those; more by the miss of what an automatic answer names than that we never wrote to its author, unless "
        "that Message-ID is at a domain of ours; who sent mail that only passed through our server.",
        "For proof: know an identifier of ours less than 30 days old, and fail at a recipient of that very message. "
        "With an identifier alone: strong.",
    ),
    EvidenceKind(
        "tags",
        tags.gather,
        "Whether the address that the report came to carries a BATV or SRS tag made with our key, and in time.",
        "That we wrote the mail: an SRS tag shows that we forwarded it. A missing tag says something only from "
        "`batv_since` on, and never of replies, which answer the From header, nor in a report that our own side wrote, for "
        "many servers tag on the way out.",
        "Receive a message of ours and use its return path within seven days.",
    ),
    EvidenceKind(
        "dkim",
        dkim.gather,
        "Whether the original carries a signature that only our key can have made, over the headers that came back "
        "(and the body, where it did). Old keys are remembered, so a rotation loses nothing.",
        "Anything by a broken signature: returning servers drop and rewrite headers. A missing one says something "
        "only with `signs_all`, and not of what its reporter's own customer handed in. For whom a replayed message was meant, where neither To nor Cc is signed.",
        "For proof: send a message that we signed, its headers unchanged, to the one whom we had written to. "
        "Copied to anyone else it is strong only.",
    ),
    EvidenceKind(
        "path",
        path.gather,
        "Whether the host that the reporting side saw connect is one of ours; whether a report of our own host is "
        "about mail from inside or about mail that it had taken in from outside.",
        "Who wrote mail that left through a relay shared with others; anything by a first hop elsewhere, unless "
        "`relays_complete` is set. Lines below those of the reporting side are typed text.",
        "Send through a relay of ours. Typing Received lines or greeting with our name makes it worse, or no better.",
    ),
    EvidenceKind(
        "address",
        address.gather,
        "Whether the address used as sender never sends (`never_send`), or is none of ours (`closed_senders`); "
        "whether the original's author is somebody else.",
        "Anything about an address that does send; much by an automatic answer or a receipt, which may have gone to "
        "where answers are wanted (Reply-To); anything by what only a delivery agent notes.",
        "Pick one of our sending addresses; lists of them are sold.",
    ),
    EvidenceKind(
        "stranger",
        stranger.gather,
        "Whether anything in the original is ours (author, Message-ID, hops, signature), where a home line or a PC "
        "brought it straight to the reporting side.",
        "Anything where a proper mail server brought it: web forms and hosted senders look like that.",
        "Type something of ours into the original.",
    ),
    EvidenceKind(
        "message-id",
        message_id.gather,
        "Whether the original's Message-ID has a right-hand side that our software writes.",
        "Proof: it is typed text, and relays rewrite it.",
        "Look at one message of ours.",
    ),
    EvidenceKind(
        "habits",
        habits.gather,
        "How far the original is from the mail in our ledger: Message-ID shape, mail program, header order, time "
        "zone, charset, script.",
        "Anything by itself: people change programs and travel. Needs 50 messages of ours.",
        "Copy the header section of one message of ours.",
    ),
    EvidenceKind(
        "company",
        company.gather,
        "Whether many reports of the last seven days are about the same text, what those were found to be, and whether "
        "it came from homes all over the world, as a bot net's mail does.",
        "Anything about a single report; anything against a run of which some are proven genuine, or against mail that "
        "a mail server handed in.",
        "Vary the text and the Message-IDs from message to message; or send through a few mail servers.",
    ),
    EvidenceKind(
        "authres",
        authres.gather,
        "What the reporting side itself found when the original came in: Authentication-Results, ARC and Received-SPF, "
        "believed by position and host alone.",
        "Anything by such fields further down: anyone can type them. A fail may be a forward's.",
        "Pass DKIM with our key at the reporting side; or bring a report made up from nothing, which is weak only.",
    ),
    EvidenceKind(
        "spf",
        spf.gather,
        "Whether the client that the reporting side saw may send for us, by our policy now and as it was then. A fail is "
        "strong only where the policy is known from before the mail.",
        "Who wrote mail that a provider's hosts sent, which others use as well; anything by a fail of a forwarder, of "
        "an authenticated client, or by a policy first seen today.",
        "For a strong pass: send through a host of ours. To escape a fail: have a named host that looks like a forwarder.",
    ),
    EvidenceKind(
        "reporter",
        reporter.gather,
        "Whether the host that brought the report is on a configured list of those who send misdirected bounces; whether "
        "the report itself failed authentication at our own MX.",
        "Anything about this very report: never more than weak.",
        "Nothing: it is about the reporter, not the forger.",
    ),
)


@dataclass(frozen=True)
class ConclusionKind:
    """A row like :class:`EvidenceKind` for what is concluded from the evidence of the others."""

    name: str
    gather: Callable[[Report, Identity, Lookups, Iterable[Evidence]], Iterable[Evidence]]
    shows: str
    cannot_show: str
    forger_must: str


CONCLUSIONS: tuple[ConclusionKind, ...] = (
    ConclusionKind(
        "dmarc",
        dmarc.gather,
        "That mail under our name, suspect by SPF and without a signature of ours, is not ours by our own DMARC policy, "
        "where that is p=reject. Strong only where both policies are known from before the mail.",
        "Anything of mail with a signature of ours, be it a broken one; anything by p=quarantine or p=none; anything where a "
        "header section did not come back whole.",
        "Type a signature field that names our domain; or have a named host that looks like a forwarder.",
    ),
    ConclusionKind(
        "account",
        account.gather,
        "That mail proven to be from our own servers is not like ours: an account looks broken into.",
        "Who did it; a theft that writes to our own correspondents, few at a time.",
        "Know a password of ours, and send little.",
    ),
)


#: What is asked of each report: no more of a row than that.
_ASKED = tuple((kind.name, kind.gather) for kind in KINDS)


def gather(report: Report, identity: Identity, lookups: Lookups) -> tuple[Evidence, ...]:
    """Ask every kind; one that fails costs itself alone."""
    found: list[Evidence] = []
    for name, asked in _ASKED:
        try:
            found += asked(report, identity, lookups)
        except Exception as error:  # noqa: BLE001 - hostile mail met a bug: the message must still be judged
            found.append(neutral(name, "failed", f"could not be checked ({type(error).__name__})"))
    for conclusion in CONCLUSIONS:
        try:
            found += conclusion.gather(report, identity, lookups, tuple(found))
        except Exception as error:  # noqa: BLE001 - likewise
            found.append(neutral(conclusion.name, "failed", f"could not be checked ({type(error).__name__})"))
    return tuple(found)
