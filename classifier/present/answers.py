"""The first questions of whoever is flooded: what is happening, is it my machine, when does it end, what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.vocabulary import Verdict

if TYPE_CHECKING:
    from classifier.present.attack import Attack


def answers(attack: Attack) -> list[tuple[str, str]]:
    """Return (question, answer) pairs in plain words; none where there is no report."""
    if not attack.reports:
        return []
    forged = attack.verdicts[Verdict.FORGED]
    found = [
        ("What is happening?", _happening(attack, forged)),
        ("Is it my machine?", _machine(attack, forged)),
    ]
    if forged:
        found.append(("When does it end?", attack.trend()))
    return [*found, ("What should I do?", _do(attack, forged))]


def _happening(attack: Attack, forged: int) -> str:
    unsure = attack.verdicts[Verdict.UNSURE]
    are = "is" if unsure == 1 else "are"
    left = f" {_reports(unsure)} {are} undecided: nothing tells who sent the mail." if unsure else ""
    if forged:
        return (
            f"Somebody sends mail with your addresses as its sender. {_reports(forged)} about that mail came to you: "
            f"bounces, absence notes, questions to confirm.{left}"
        )
    if attack.verdicts[Verdict.GENUINE]:
        return f"Nothing unusual: {_reports(attack.verdicts[Verdict.GENUINE])} about mail that you did send.{left}"
    return f"Nobody can say.{left}"


def _machine(attack: Attack, forged: int) -> str:
    if attack.misuse:
        return (
            "It may be: some of this mail really left through your own servers, and does not look like yours. "
            "See the warning."
        )
    if forged:
        return (
            "Nothing points to that. The forged mail did not leave through your servers, as far as these reports show; "
            "forgers need your address, not your password."
        )
    return "Nothing points to that."


def _do(attack: Attack, forged: int) -> str:
    steps = []
    if attack.misuse:
        steps.append("Secure the account first.")
    if attack.undelivered_count:
        steps.append(
            f"Look at the mail of yours that did not arrive: {_reports(attack.undelivered_count)}, below."
        )
    if forged:
        steps.append(
            "Answer none of the forged reports. You need not close the mailbox or change the address."
        )
    if attack.verdicts[Verdict.UNSURE]:
        steps.append("Look through the undecided ones at the end; they stay in the inbox.")
        if attack.identity is None and not attack.tenants:
            steps.append("More can be decided when the program knows who you are: backscatter init.")
    return " ".join(steps) or "Nothing."


def _reports(number: int) -> str:
    return f"{number:,} report{'' if number == 1 else 's'}"
