"""What happened, as a summary for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.history import MODEL, UNDECIDED, USER, WEAK
from classifier.present.attack import newest
from classifier.vocabulary import Strength

if TYPE_CHECKING:
    from classifier.present.attack import Attack

_LINES = 10
#: What decided, in words; in this order.
DECIDED = {
    Strength.PROOF.value: "by proof",
    Strength.STRONG.value: "by strong evidence",
    MODEL: "by the model",
    WEAK: "by weak signs",
    USER: "by you",
    UNDECIDED: "undecided: these stay",
}


def text(attack: Attack) -> str:
    """Write the summary."""
    lines: list[str] = []
    if attack.misuse:
        lines += [
            "WARNING: an account of yours looks broken into. Change its password, look for forwarding rules that are",
            "not yours, tell your provider:",
            *(f"  {line}" for line in attack.misuse[:_LINES]),
            "",
        ]
    counts = attack.verdicts
    messages = f"{attack.messages:,} messages, " if attack.messages else ""
    lines += [
        (
            f"{messages}{attack.reports:,} reports: {counts['forged']:,} about mail that others sent in your name, "
            f"{counts['genuine']:,} about mail that you sent, {counts['unsure']:,} undecided"
        ),
    ]
    if attack.reports:
        lines.append(attack.course())
    if attack.undelivered:
        lines += ["", f"Whom you did not reach ({attack.undelivered_count:,} reports):"]
        for u in newest(attack.undelivered)[:_LINES]:
            day = f"{u.when:%Y-%m-%d}" if u.when else " " * 10
            lines.append(f"  {day}  {u.recipient[:80]}  {u.status} {u.subject[:60]}".rstrip())
            lines.append(f"              {u.advice}")
    for title, rows in (
        ("What was sent in your name:", [(c.reports, c.subject[:90]) for c in attack.top_campaigns()]),
        (
            "Your addresses that were used:",
            [(n, f"{a[:90]}  ({attack.standing(a)})") for a, n in attack.abused.most_common(_LINES)],
        ),
        ("Who sends you the reports:", [(o.reports, o.name) for o in attack.top_operators()]),
        ("What decided:", decided(attack)),
    ):
        if rows:
            lines += ["", title, *(f"  {n:>7,}  {what}" for n, what in rows[:_LINES])]
    return "\n".join(lines) + "\n"


def decided(attack: Attack) -> list[tuple[int, str]]:
    """Return by what verdicts came about: how many, and words."""
    return [(attack.decided[key], words) for key, words in DECIDED.items() if attack.decided[key]]
