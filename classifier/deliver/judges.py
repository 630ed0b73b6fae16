"""What the long-running servers share: the configuration in force, and judges that keep the store open."""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING

from classifier.deliver.result_headers import header_section, ordinary
from classifier.deliver.result_values import header_values
from classifier.deliver.spamd import SpamLine
from classifier.mbox import mail_from_above
from classifier.parse.report import Envelope
from classifier.parse.triage import is_worth_reading
from classifier.runtime import Runtime, StoreUse
from classifier.vocabulary import Action, PointsTo, Strength, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from classifier.evidence.base import Evidence
    from classifier.settings import Config

#: Another process that writes the store is waited for so long, in seconds.
STORE_WAIT = 0.25


class Found:
    """What judging one message came to.

    Attributes:
        values: the values of the result headers.
        spam: the verdict in spamd's terms.
        symbols: the names of what told.
        reasons: in words for a person.
        proof: True where the verdict rests on proof.
        quarantine: True where policy puts the message into quarantine.

    """

    __slots__ = ("proof", "quarantine", "reasons", "spam", "symbols", "values")

    def __init__(
        self,
        values: tuple[str, str, str, str],
        *,
        score: float = 0.0,
        symbols: tuple[str, ...] = (),
        reasons: tuple[str, ...] = (),
        proof: bool = False,
        quarantine: bool = False,
    ) -> None:
        """Keep it; a score is pressed to the side of the threshold on which the verdict is."""
        forged = values[0] == "forged"
        limit = SpamLine.THRESHOLD
        self.values = values
        self.spam = SpamLine(forged, max(limit, score) if forged else min(limit - 0.1, score))
        self.symbols = symbols
        self.reasons = reasons
        self.proof = proof
        self.quarantine = quarantine


def judge(runtime: Runtime, message: bytes, envelope: Envelope) -> Found:
    """Judge one message. Never raises on content."""
    start, end = header_section(message)
    if envelope.mail_from is None and message.startswith(b"From "):
        envelope = Envelope(mail_from=mail_from_above(message), rcpt_to=envelope.rcpt_to)
    if not message or not is_worth_reading(message, start, end, envelope.mail_from):
        return Found(ordinary())
    examination = runtime.examine(message[start:], envelope)
    judgement = examination.judgement
    telling = [e for e in examination.evidence if e.points_to is not PointsTo.NEITHER]
    score = 0.0
    if judgement.probability is not None:
        score = SpamLine.THRESHOLD * _log_odds(judgement.probability) / _log_odds(judgement.threshold)
    names = dict.fromkeys(_symbol(f"{e.name}_{e.finding}") for e in telling)
    return Found(
        header_values(examination),
        score=score,
        symbols=(_symbol(f"backscatter_{judgement.verdict.value}"), *names),
        reasons=judgement.reasons,
        proof=judgement.verdict is Verdict.FORGED and _is_proven(runtime, envelope, telling),
        quarantine=judgement.action is Action.QUARANTINE,
    )


def _is_proven(runtime: Runtime, envelope: Envelope, telling: list[Evidence]) -> bool:
    """Say whether a forged report may be turned away for good: by proof, or as one to an address that never sends.

    The envelope's recipient is who the report is about; its owner has said that it never sends.
    """
    identity = None if runtime.config is None else runtime.config.identity
    if identity and envelope.mail_from == "" and envelope.rcpt_to and identity.never_sends(envelope.rcpt_to):
        return True
    return any(e.strength is Strength.PROOF and e.points_to is PointsTo.FORGED for e in telling)


def _symbol(text: str) -> str:
    return text.upper().replace("-", "_")


def _log_odds(probability: float) -> float:
    clamped = min(max(probability, 1e-6), 1 - 1e-6)
    return math.log(clamped / (1 - clamped))


class InForce:
    """The configuration that is in force; another one may be put in its place at any time.

    Attributes:
        tell: takes one line for the log.

    """

    def __init__(self, config: Config, tell: Callable[[str], None]) -> None:
        """Begin with *config*."""
        self.tell = tell
        self._current = (config, 0)

    @property
    def current(self) -> tuple[Config, int]:
        """The configuration and its number."""
        return self._current

    def reload(self, config: Config) -> None:
        """Judge by *config* from the next message on."""
        self._current = (config, self._current[1] + 1)


class Judge:
    """Judges messages of one thread by the configuration in force, and keeps the store open in between."""

    def __init__(self, in_force: InForce) -> None:
        """Open nothing yet."""
        self._in_force = in_force
        self._runtime: Runtime | None = None
        self._number = -1

    @property
    def runtime(self) -> Runtime:
        """The runtime for the configuration in force."""
        config, number = self._in_force.current
        if self._runtime is None or number != self._number:
            self.close()
            self._runtime = Runtime(config, StoreUse.KEEP, remember=True, wait=STORE_WAIT)
            self._number = number
        return self._runtime

    def judge(self, message: bytes, envelope: Envelope) -> Found:
        """Judge one message; what could not be opened goes to the log."""
        runtime = self.runtime
        found = judge(runtime, message, envelope)
        for note in dict.fromkeys(runtime.notes):
            self._in_force.tell(note)
        runtime.notes.clear()
        return found

    def flush(self) -> None:
        """Write what was judged, so that other processes see it."""
        if self._runtime is not None:
            self._runtime.flush()

    def close(self) -> None:
        """Write, and close the store."""
        runtime, self._runtime = self._runtime, None
        if runtime is not None:
            runtime.close()


class Judges:
    """Judges for threads that come and go: each is lent to one thread at a time, in the order of asking.

    A store's connection belongs to the thread that opened it, so every judge has
    a thread of its own.
    """

    def __init__(self, in_force: InForce, count: int) -> None:
        """Start *count* threads."""
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - for the milter alone

        self._own = threading.local()
        self._in_force = in_force
        self._pool = ThreadPoolExecutor(count, "judge", self._begin)

    def _begin(self) -> None:
        self._own.judge = Judge(self._in_force)

    def judge(self, message: bytes, envelope: Envelope, seconds: float) -> Found:
        """Judge one message.

        Raises:
            TimeoutError: it took longer than *seconds*; it is judged all the same, for the store's memory.

        """
        return self._pool.submit(self._judge, message, envelope).result(seconds)

    def _judge(self, message: bytes, envelope: Envelope) -> Found:
        judge: Judge = self._own.judge
        found = judge.judge(message, envelope)
        judge.flush()
        return found

    def close(self) -> None:
        """Let the judges end their work."""
        self._pool.shutdown(wait=True, cancel_futures=True)
