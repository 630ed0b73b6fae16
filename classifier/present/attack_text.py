"""What happened, as a summary for a terminal."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from classifier.history import MODEL, UNDECIDED, USER, WEAK
from classifier.present.answers import answers
from classifier.present.attack import likeliest, newest
from classifier.present.text import probability
from classifier.vocabulary import Strength

if TYPE_CHECKING:
    from classifier.present.attack import Attack

_LINES = 10
_WIDTH = 80
_DOUBTFUL = 5
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
    """Write the summary: plain characters, no line wider than 80 columns."""
    lines: list[str] = []
    if attack.misuse:
        lines += _filled(
            "WARNING: an account of yours looks broken into. Change its password, end its sessions, look for "
            "forwarding rules that are not yours, tell your provider:"
        )
        lines += [*(_cut(f"  {line}") for line in attack.misuse[:_LINES]), ""]
    counts = attack.verdicts
    messages = f"{_number(attack.messages, 'message')}, " if attack.messages else ""
    lines += _filled(
        f"{messages}{_number(attack.reports, 'report')}: {counts['forged']:,} about mail that others sent in your name, "
        f"{counts['genuine']:,} about mail that you sent, {counts['unsure']:,} undecided"
    )
    for question, answer in answers(attack):
        lines += ["", question, *_filled(answer, "  ")]
    if attack.undelivered:
        lines += ["", f"Whom you did not reach ({_number(attack.undelivered_count, 'report')}):"]
        for u in newest(attack.undelivered.values())[:_LINES]:
            day = f"{u.when:%Y-%m-%d}" if u.when else " " * 10
            times = f" ({u.reports:,} reports)" if u.reports > 1 else ""
            lines.append(_cut(f"  {day}  {u.recipient[:40]}  {u.status} {u.subject}".rstrip()))
            lines += _filled(u.advice + times, " " * 14)
    if attack.peak():
        lines += ["", "How it goes:", *_filled(attack.course(), "  ")]
    for title, rows in (
        ("What was sent in your name:", [(c.reports, c.subject) for c in attack.top_campaigns()]),
        (
            "Your addresses that were used:",
            [(n, f"{a[:46]}  ({attack.standing(a)})") for a, n in attack.abused.most_common(_LINES)],
        ),
        (
            "Who sends you the reports, by their own word:",
            [(o.reports, o.name + "  (yours)" * attack.is_ours(o.name)) for o in attack.top_operators()],
        ),
        ("What decided:", decided(attack)),
    ):
        if rows:
            lines += ["", title, *(_cut(f"  {n:>7,}  {what}") for n, what in rows[:_LINES])]
    doubtful = likeliest(attack.doubtful.values())
    if doubtful:
        lines += ["", "Undecided, the likeliest forged first; these stay in the inbox:"]
        for d in doubtful[:_DOUBTFUL]:
            times = f" ({d.reports:,} reports)" if d.reports > 1 else ""
            lines.append(
                _cut(f"  {probability(d.probability):>7}  {d.subject or d.source or '(no subject)'}")
            )
            lines += [_cut(f"           {reason}") for reason in d.reasons[:2]]
    return "\n".join(lines) + "\n"


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _filled(words: str, indent: str = "") -> list[str]:
    return textwrap.wrap(
        words, _WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    )


def _cut(line: str) -> str:
    """Cut *line* to the width in columns; wide characters take two."""
    from rich.cells import cell_len, set_cell_size  # noqa: PLC0415 - with something to show

    return line if cell_len(line) <= _WIDTH else set_cell_size(line, _WIDTH - 1) + "…"


def decided(attack: Attack) -> list[tuple[int, str]]:
    """Return by what verdicts came about: how many, and words."""
    return [(attack.decided[key], words) for key, words in DECIDED.items() if attack.decided[key]]
