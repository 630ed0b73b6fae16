"""What the model looks at: one declared list, measured once from a report and its evidence.

No feature knows a name: hosts and domains are only compared with each other or
looked at for their form. A fact that is not there is NaN, a value of its own.
Each feature has the sign in which it may count, by what it means; the model is
bound to it (monotone), so that no accident of the training mail turns a sign round.
"""

from __future__ import annotations

import math

from classifier.dataclass import dataclass
from classifier.evidence.hosts import (
    ip_of,
    is_internal,
    is_neighbour,
    name_was_sought,
    organisation,
    owner_of,
)
from classifier.evidence.onward import tried_to_pass_on
from classifier.evidence.origin import hop_of, observed_client
from classifier.evidence.ours import (
    Nature,
    below_our_domains,
    is_authenticated,
    made_by_rule,
    nature,
    own_addressees,
    passed_on,
    verified_name,
    written_by_us,
)
from classifier.model.shapes import Greeting, greeting, is_host, is_role, program_fits, right_hand_side
from classifier.parse.addresses import domain_of, find_address, normalise
from classifier.vocabulary import Completeness, Strength
from classifier.weights import weight

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from classifier.evidence.base import Evidence
    from classifier.identity import Identity
    from classifier.parse.report import Original, Report, TraceHop

#: Hops below the border that are looked at.
_MAX_BELOW = 12
#: Seconds: a day, and two hours for time zones written wrong.
_FAR = 26 * 3600
#: Weak signs of one kind share a cause: together they never count as a strong one does.
_WEAK_TOGETHER = 2.0
_HOMELY = frozenset({Nature.DIAL_UP, Nature.NUMBERED})
#: The facts of which each shows something of the protected domain in the original, or a home line as its client.
_OF_OURS = ("from.ours", "id.ours", "client.ours", "below.ours", "signed.ours")
_OF_HOMES = ("client.unnamed", "client.dial-up", "client.numbered", "client.greeting-numbered")


@dataclass(frozen=True)
class Feature:
    """One row of the list.

    Attributes:
        name: its stable name.
        sign: +1 where a greater value may only raise the probability of
            forged, -1 where it may only lower it, 0 where both can be.
        words: what it says, for a person.
        noise: how often training exchanges its value for another report's: how
            far mail of another time or place may differ in it. It bounds what
            the feature can ever add. Strong evidence is never exchanged.

    """

    name: str
    sign: int
    words: str
    noise: float = 0.2


#: Evidence kinds in the order of the evidence table; the value is what the judge's weights give it.
EVIDENCE_KINDS = (
    "ledger", "tags", "dkim", "path", "address", "stranger", "message-id", "habits", "company", "authres", "spf", "reporter",
)  # fmt: skip

FEATURES: tuple[Feature, ...] = (
    *(Feature(f"evidence.{kind}", 1, f"the evidence of {kind}", 0.08) for kind in EVIDENCE_KINDS),
    Feature("from.ours", -1, "the author is at the protected domain"),
    Feature("from.addressee", -1, "the author is whom the report was sent to"),
    # Of real mail 1 in 200 (lists left out), of real spam 1 in 20 names its recipient as author: that holds elsewhere, too.
    Feature("from.recipient", 1, "the author is the recipient", 0.05),
    Feature("from.recipient-domain", 1, "the author is at the recipient's domain"),
    Feature("from.absent", 1, "no author"),
    Feature("reply-to.elsewhere", 1, "Reply-To is at another domain than the author"),
    Feature("addressee.made", -1, "the report came to an address made for one message"),
    Feature("addressee.role", -1, "the report came to an address that lists and programs send from"),
    Feature("id.absent", 1, "no Message-ID"),
    Feature("id.from", -1, "the Message-ID ends in the author's domain"),
    Feature("id.ours", -1, "the Message-ID ends in the protected domain"),
    Feature("id.client", 1, "the Message-ID ends in the name of the client that brought the mail"),
    Feature("id.no-host", 1, "the Message-ID ends in no host name"),
    Feature("id.below", -1, "the Message-ID ends in the domain of a server that passed the mail on"),
    Feature("id.misfit", 1, "the Message-ID is not of the form that the named mail program writes"),
    Feature("client.unnamed", 1, "that client's name was looked up, and there is none"),
    Feature("client.dial-up", 1, "that client has the name of a dial-up or home line"),
    Feature("client.numbered", 1, "that client has a name made from its address"),
    Feature("client.from", -1, "that client's name lies in the author's domain"),
    Feature("client.ours", -1, "that client's name lies in the protected domain"),
    Feature("client.greeting", 1, "that client's greeting: 0 a host, 1 an address, 2 a bare word"),
    Feature("client.greeting-fits", -1, "that client greeted with a name of its own domain"),
    Feature("client.greeting-numbered", 1, "that client greeted with the name of a line"),
    Feature("client.greeting-borrowed", 1, "that client greeted with the author's, the protected or the receiving domain"),
    Feature("client.tls", -1, "that client encrypted the session"),
    Feature("client.esmtp", -1, "that client spoke ESMTP"),
    Feature("client.authenticated", -1, "that client had authenticated itself"),
    Feature("below.hops", -1, "Received lines below that client's"),
    Feature("below.joined", -1, "the line below it was written by that client: 1 by its word, 2 by its name", 0.4),
    Feature("below.broken", 1, "the line below it was not written by that client", 0.5),
    Feature("below.submitted", -1, "a line below shows an authenticated client"),
    Feature("below.inside", -1, "the mail began on an internal address", 0.3),
    Feature("below.from", -1, "a server of the author's domain stands in a line below"),
    Feature("below.ours", -1, "a server of the protected domain stands in a line below"),
    Feature("date.absent", 1, "no Date"),
    Feature("date.far", 1, "Date is more than a day from the arrival", 0.4),
    Feature("direct.homely", 1, "a line or a nameless client brought the mail, and no server of its own before it"),
    Feature("nothing.ours", 1, "neither author, Message-ID, servers nor signatures are the protected domain's"),
    Feature("nothing.homely", 1, "nothing of the protected domain, brought by a line or a nameless client itself"),
    Feature("passed-on", -1, "a list or a forwarder passed the mail on"),
    Feature("signed.from", -1, "a signature names the author's domain"),
    Feature("signed.any", -1, "there is a signature"),
    Feature("relayed", -1, "the reporting side had tried to pass it on to somebody else's server"),
    Feature("words", 1, "the words", 0.6),
)  # fmt: skip
NAMES = tuple(feature.name for feature in FEATURES)
#: The features that are numbers; what is none of these, evidence or the words is so (1) or not so (0).
COUNTED = frozenset({"client.greeting", "below.hops", "below.joined"})
_UNTOLD = dict.fromkeys(NAMES, math.nan)
#: The features of evidence, by its kind: what a kind that found nothing counts.
_NO_EVIDENCE = {f"evidence.{kind}": 0.0 for kind in EVIDENCE_KINDS}
#: The place of the words' score; it is filled in by the model, which knows their weights.
WORDS = NAMES.index("words")


def has_material(report: Report) -> bool:
    """Say whether so much of the original came back that a model may judge it."""
    original = report.original
    return original.completeness is not Completeness.NONE and (
        original.from_address is not None or bool(original.trace)
    )


def measure(report: Report, identity: Identity, evidence: Iterable[Evidence]) -> list[float]:
    """Return the value of each of :data:`FEATURES` in order; NaN where the report does not tell."""
    weighed: dict[str, float] = {}
    more_than_weak = set()
    for piece in evidence:
        name = f"evidence.{piece.name}"
        weighed[name] = weighed.get(name, 0.0) + weight(piece)
        if piece.strength is not Strength.WEAK:
            more_than_weak.add(name)
    for name in weighed.keys() - more_than_weak:
        weighed[name] = min(weighed[name], _WEAK_TOGETHER)
    found = _NO_EVIDENCE | weighed
    _measure_authors(report, identity, found)
    if not written_by_us(report, identity):
        _measure_path(report, identity, found)
    _measure_rest(report, identity, found)
    _measure_together(found)
    return list(map(float, (_UNTOLD | found).values()))[: len(NAMES)]


def _measure_authors(report: Report, identity: Identity, found: dict[str, float]) -> None:
    original = report.original
    author = normalise(original.from_address) if original.from_address else None
    if author is not None or original.completeness is not Completeness.PARTIAL:
        found["from.absent"] = author is None
    used = own_addressees(report, identity)
    found["addressee.made"] = any(map(made_by_rule, used))
    found["addressee.role"] = any(map(is_role, used))
    recipients = set(map(normalise, original.to[:20]))
    for recipient in report.recipients[:20]:
        for address in filter(None, (recipient.final_recipient, recipient.original_recipient)):
            recipients.add(normalise(address))
    if author is not None:
        domain = domain_of(author)
        ours = identity.owns_domain(domain)
        found["from.ours"] = ours
        if report.addressees:
            found["from.addressee"] = author in report.addressees
        if recipients:
            found["from.recipient"] = author in recipients and not ours
            owner = organisation(domain)
            there = map(owner_of, recipients)
            found["from.recipient-domain"] = owner is not None and owner in there and not ours
        reply_to = find_address(original.headers.text("reply-to"))
        if reply_to:
            found["reply-to.elsewhere"] = owner_of(reply_to) != organisation(domain)


def _measure_path(report: Report, identity: Identity, found: dict[str, float]) -> None:
    """Measure the client that brought the mail, observed or presumed, and what was typed below it."""
    original = report.original
    trace = original.trace
    author = owner_of(original.from_address)
    right: str | None = right_hand_side(original.message_id)
    if original.ends_inside("message-id") or (not right and original.completeness is Completeness.PARTIAL):
        right = None  # it stands, or may stand, in what was cut off
    client = observed_client(report)
    if client is None:
        # Nobody says which hop is whose: the first one may be our provider's, and its client one of ours.
        first = next(filter(_from_outside, trace[:_MAX_BELOW]), None)
        _measure_id(right, author, identity, (), trace[:_MAX_BELOW], found=found)
        if first is not None:
            _measure_below(trace[:_MAX_BELOW], (None, None), author, identity, found)
            _measure_date(report, first.when, found)
        return
    hop = hop_of(client, report)
    below = (
        trace[client.hop + 1 : client.hop + 1 + _MAX_BELOW] if client.hop is not None else trace[:_MAX_BELOW]
    )
    name = verified_name(hop) if hop is not None else client.name
    address = client.address
    helo = ((hop.helo if hop is not None else client.helo) or "").rstrip(".").lower()
    writer = hop.by if hop is not None else client.by
    kind = nature(name, address)
    if kind is not Nature.UNNAMED:
        found["client.unnamed"] = 0.0
        found["client.dial-up"] = kind is Nature.DIAL_UP
        found["client.numbered"] = kind is Nature.NUMBERED
    elif hop is not None and name_was_sought(hop):
        found["client.unnamed"] = 1.0
    owner = organisation(name)
    found["client.from"] = owner is not None and owner == author
    found["client.ours"] = below_our_domains(name, identity)
    form = greeting(helo)
    if form is not None:
        found["client.greeting"] = float(form)
        greeted = organisation(helo) if form is Greeting.HOST else None
        if owner is not None:
            found["client.greeting-fits"] = greeted == owner
        found["client.greeting-numbered"] = form is Greeting.HOST and nature(helo, address) in _HOMELY
        borrowed = greeted is not None and greeted != owner and (
            greeted in {author, organisation(writer)} or below_our_domains(helo, identity)
        )  # fmt: skip
        # A server of the author's whose name nobody looked up greets so, too.
        found["client.greeting-borrowed"] = borrowed and (
            owner is not None or greeted == organisation(writer)
        )
    if hop is not None:
        protocol = (hop.protocol or "").upper()
        if "SMTP" in protocol:
            found["client.esmtp"] = "ESMTP" in protocol
            found["client.tls"] = (
                protocol in {"ESMTPS", "ESMTPSA", "SMTPS"} or "tls" in hop.raw[:2_000].lower()
            )
        found["client.authenticated"] = is_authenticated(hop)
    _measure_id(right, author, identity, (name, helo), below, found=found)
    _measure_date(report, hop.when if hop is not None else client.when, found)
    if not below and _ends_in_trace(original):
        return  # what stood below is cut off
    _measure_below(
        below, (owner, organisation(helo) if form is Greeting.HOST else None), author, identity, found
    )


def _ends_in_trace(original: Original) -> bool:
    """Say whether what came back breaks off within the trace, so that there may have been more of it."""
    return original.completeness is Completeness.PARTIAL and original.ends_in("received")


def _measure_date(report: Report, when: datetime | None, found: dict[str, float]) -> None:
    date = report.original.date
    if date is not None or report.original.completeness is not Completeness.PARTIAL:
        found["date.absent"] = date is None
    if when is not None and date is not None:
        # Clocks are off by hours, drafts lie for an evening: less than that says nothing.
        found["date.far"] = abs((when - date).total_seconds()) > _FAR


def _from_outside(hop: TraceHop) -> bool:
    return ip_of(hop.client_address) is not None and not is_neighbour(hop)


def _measure_id(
    right: str | None,
    author: str | None,
    identity: Identity,
    client: tuple[str | None, ...],
    below: tuple[TraceHop, ...],
    *,
    found: dict[str, float],
) -> None:
    """Compare the right-hand side of the Message-ID, None where it is not known, with everybody who is named."""
    if right is not None:
        found["id.absent"] = not right
    if not right:
        return
    owner = organisation(right)
    found["id.no-host"] = not is_host(right)
    found["id.from"] = owner is not None and owner == author
    found["id.ours"] = below_our_domains(right, identity)
    found["id.client"] = right in client and owner != author and not found["id.ours"]
    found["id.below"] = owner is not None and owner in [organisation(hop.by) for hop in below]


def _measure_below(
    below: tuple[TraceHop, ...],
    client: tuple[str | None, str | None],
    author: str | None,
    identity: Identity,
    found: dict[str, float],
) -> None:
    """Measure what was typed below the client's hop; *client* is its organisation by name and by greeting."""
    told = [hop for hop in below if hop.by or hop.client_address or hop.client_name]
    found["below.hops"] = min(len(told), 4)
    writers = [organisation(hop.by) for hop in told]
    joined = 0
    if writers and writers[0] is not None:
        joined = 2 if writers[0] == client[0] else 1 if writers[0] == client[1] else 0
    found["below.joined"] = joined
    found["below.broken"] = bool(told) and not joined and told[0].by is not None and writers[0] is not None
    found["below.submitted"] = any(map(is_authenticated, told))
    addresses = [ip for hop in told if (ip := ip_of(hop.client_address)) is not None]
    found["below.inside"] = bool(addresses) and is_internal(addresses[-1])
    found["below.from"] = author is not None and author in writers
    found["below.ours"] = any(below_our_domains(hop.by, identity) for hop in told)


def _measure_together(found: dict[str, float]) -> None:
    """Measure what single facts mean beside each other; the model itself only adds."""
    nothing = not any(map(found.get, _OF_OURS))
    found["nothing.ours"] = nothing
    if "below.hops" not in found:
        return
    homely = any(map(found.get, _OF_HOMES))
    if "client.unnamed" not in found and found.get("client.greeting", 0.0) > Greeting.HOST:
        homely = True  # nobody looked its name up, and a mail server would greet with one
    direct = homely and not found.get("below.joined") and not found.get("client.authenticated")
    found["direct.homely"] = direct
    found["nothing.homely"] = (
        direct
        and nothing
        and not found["passed-on"]
        and not found["addressee.role"]
        and not found["addressee.made"]
    )


def _measure_rest(report: Report, identity: Identity, found: dict[str, float]) -> None:
    original = report.original
    headers = original.headers
    fits = program_fits(headers)
    if fits is not None:
        found["id.misfit"] = not fits
    found["passed-on"] = passed_on(headers)
    signatures = headers.get_all("dkim-signature")
    found["signed.any"] = bool(signatures)
    signed = " ".join(["".join(value.split()) for value in signatures])
    author = owner_of(original.from_address)
    found["signed.from"] = author is not None and f"d={author}" in signed
    found["signed.ours"] = bool(signed) and any(f"d={d.lstrip('.')}" in signed for d in identity.domains)
    found["relayed"] = tried_to_pass_on(report)
