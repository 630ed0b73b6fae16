"""Account broken into: the mail is proven ours, and it is not like ours.

Whoever holds a password of ours sends real mail of the domain, past every
forgery check; the bounces are genuine and must not be hidden. What gives the
thief away is company, a complete ledger that knows nothing of the mail, and
mail that is unlike ours. One such sign is no alarm; two are.
"""

from __future__ import annotations

from classifier.evidence.base import Evidence, Lookups
from classifier.evidence.company import fingerprints, report_digest, strange
from classifier.vocabulary import PointsTo, Strength

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from classifier.identity import Identity
    from classifier.parse.report import Report

#: So many reports about one text to strangers within the window are a run.
MANY = 10
#: What the owner should do, in order.
REMEDY = (
    "change the password of {account}, end its sessions and revoke its app passwords and tokens, "
    "look for forwarding rules and filters that you did not make, and search the submission log for who logged in"
)
#: Genuine findings that leave no doubt that our own server or key was used.
_OURS = frozenset({("path", "relay"), ("path", "own-report"), ("dkim", "valid")})


def gather(
    report: Report, identity: Identity, lookups: Lookups, found: Iterable[Evidence]
) -> Iterator[Evidence]:
    """Look for an account broken into, given what the other kinds *found*."""
    found = tuple(found)
    firm = {
        (e.name, e.finding)
        for e in found
        if e.points_to is PointsTo.GENUINE and e.strength is not Strength.WEAK
    }
    if not firm:
        return
    proven = any(e.points_to is PointsTo.GENUINE and e.strength is Strength.PROOF for e in found)
    # A ledger that holds the message knows it as sent by its owner.
    if not (proven or firm & _OURS) or any(name == "ledger" for name, _ in firm):
        return
    signs = _signs(report, lookups, found)
    if len(signs) < 2:
        return
    account = report.original.sender or report.original.from_address or "the account"
    detail = f"ACCOUNT LOOKS BROKEN INTO: mail that left through our own servers, {' and '.join(signs)}: "
    yield Evidence(
        "account",
        PointsTo.NEITHER,
        Strength.STRONG,
        detail + REMEDY.format(account=account),
        "broken-into",
        account_misuse=True,
    )


def _signs(report: Report, lookups: Lookups, found: tuple[Evidence, ...]) -> list[str]:
    """Collect what does not fit mail that its owner sent, in words."""
    signs: list[str] = []
    if any(
        e.name == "ledger" and e.points_to is PointsTo.FORGED and e.strength is Strength.STRONG for e in found
    ):
        signs.append("which the complete ledger does not hold")
    if any(e.name == "habits" and e.finding == "very-unlike" for e in found):
        signs.append("not like the mail that we send")
    if lookups.floods is not None and strange(report, lookups):
        company = lookups.floods.company(fingerprints(report), lookups.now, besides=report_digest(report))
        if company.strangers >= MANY:
            signs.append(f"in a run of {company.strangers + 1} to addresses that we never wrote to")
    return signs
