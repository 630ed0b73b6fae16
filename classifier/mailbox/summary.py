"""What a sweep did, in numbers and message by message."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from classifier.errors import BackscatterError
    from classifier.examine import Examination
    from classifier.parse.report import Envelope, Report
    from classifier.vocabulary import Action


@dataclass
class Counts:
    """The summary's numbers: ``reports`` is the sum of quarantined, kept and unsure.

    Attributes:
        looked_at: messages whose headers were read.
        reports: those that turned out to be reports.
        quarantined: reports that were moved (in a dry run: would be).
        kept: reports that stay for what they are, or because moving failed.
        unsure: reports that stay since nothing decides.
        errors: messages, folders and accounts that failed.

    """

    looked_at: int = 0
    reports: int = 0
    quarantined: int = 0
    kept: int = 0
    unsure: int = 0
    errors: int = 0

    def add(self, other: Counts) -> None:
        """Add the numbers of *other*."""
        for name, value in asdict(other).items():
            setattr(self, name, getattr(self, name) + value)

    def as_dict(self) -> dict[str, int]:
        """Return the numbers by name, as the public JSON has them."""
        return asdict(self)


@dataclass(frozen=True)
class SweptMessage:
    """One judged message.

    Attributes:
        source: account, folder and key: ``main/INBOX#17``.
        examination: what was found, with the action as it was done; None where it could not be judged.
        action: what was done, or would be in a dry run.
        note: what is to be told beside it, e.g. why it was not moved.
        error: why it could not be judged, or "".

    """

    source: str
    examination: Examination | None
    action: Action
    note: str = ""
    error: str = ""


@dataclass
class AccountResult:
    """What became of one account."""

    account: str
    counts: Counts = field(default_factory=Counts)
    errors: list[BackscatterError] = field(default_factory=list)


class Examiner(Protocol):
    """Judges messages; one for each account, since look-ups belong to one thread."""

    def may_be_report(self, headers: bytes, mail_from: str | None) -> bool:
        """Say whether a message with these headers is worth reading whole."""

    def examine(self, raw: bytes, envelope: Envelope) -> Examination:
        """Judge one message; never raises on content."""

    def examine_report(self, report: Report) -> Examination:
        """Judge a message that was taken apart already."""

    def reexamine(self, examination: Examination) -> Examination:
        """Judge it again by what was learnt since."""

    def flush(self) -> None:
        """Have what was judged so far count as company of what is looked at next."""

    def close(self) -> None:
        """Let go of the look-ups."""


class Listener(Protocol):
    """Hears of each judged message, in order within an account."""

    def message(self, message: SweptMessage) -> None:
        """Tell of one message."""

    def warning(self, error: BackscatterError) -> None:
        """Tell of something that failed."""
