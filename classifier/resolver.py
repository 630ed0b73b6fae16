"""DNS for one run: cached, bounded in time, counted, and never the cause of an error.

Whatever goes wrong (no answer, server failure, refusal, nonsense, a loop of
aliases, an answer too large, the budget used up) comes back as "not
available". Only a server that says so makes a record absent.
"""

from __future__ import annotations

import ipaddress
import time
from datetime import UTC, datetime

from classifier.dataclass import dataclass
from classifier.dnslimits import NoAnswerError
from classifier.evidence.base import DnsAnswer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Protocol

    from classifier.dnswire import WireAnswer
    from classifier.store.dnscache import CachedAnswer
else:
    #: typing costs a filter 5 ms.
    Protocol = object

RECORD_TYPES = frozenset({"TXT", "A", "AAAA", "MX", "PTR"})
#: After so many time-outs in a row nobody is asked for the rest of the message.
BREAK_AFTER = 3
#: ... and, where the next messages fare no better, for so many seconds.
BREAK_SECONDS = 60.0
#: Answers held in memory.
MAX_MEMORY = 20_000


class AnswerCache(Protocol):
    """Where answers are kept between runs."""

    def get(self, name: str, record_type: str, now: datetime) -> CachedAnswer | None:
        """Return a fresh answer, or None."""

    def put(
        self, name: str, record_type: str, records: tuple[str, ...], *, exists: bool, ttl: int, now: datetime
    ) -> None:
        """Keep an answer for *ttl* seconds."""


@dataclass
class DnsCounts:
    """What a resolver has done so far.

    Attributes:
        questions: how often evidence asked.
        cached: how many of these were answered from memory or the store.
        asked: how many went to a nameserver.
        failed: how many of these had no usable answer.
        withheld: how many were not asked: budget, breaker, or DNS off.
        seconds: time spent waiting for nameservers.

    """

    questions: int = 0
    cached: int = 0
    asked: int = 0
    failed: int = 0
    withheld: int = 0
    seconds: float = 0.0


def parse_nameserver(text: str) -> tuple[str, int]:
    """Read ``host``, ``host:port``, an IPv6 address, or ``[IPv6]:port``.

    Returns:
        The host and the port (53 where none is given).

    Raises:
        ValueError: it is none of these.

    """
    host, port = text.strip(), ""
    if host.startswith("["):
        host, bracket, rest = host[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise ValueError(f"not a nameserver: {text!r}")
        port = rest[1:]
        ipaddress.IPv6Address(host.partition("%")[0])
    elif host.count(":") == 1:
        host, _, port = host.partition(":")
        if not port:
            raise ValueError(f"not a nameserver: {text!r}")
    elif ":" in host:
        ipaddress.IPv6Address(host.partition("%")[0])
    number = int(port) if port.isascii() and port.isdigit() else 53 if not port else 0
    if not host or not 0 < number < 65_536 or any(c.isspace() or c in "/[]" for c in host):
        raise ValueError(f"not a nameserver: {text!r}")
    return host, number


class DnsResolver:
    """One resolver for a whole run; call :meth:`begin_message` before each message.

    It is not shared between threads: give each worker its own (what one
    learns, the others find in the store).
    """

    def __init__(
        self,
        nameservers: Iterable[str] = (),
        *,
        enabled: bool = True,
        timeout: float = 2.0,
        budget: float = 5.0,
        cache: AnswerCache | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Set it up; nothing is imported or asked yet.

        Args:
            nameservers: ``host`` or ``host:port``; none: the system's.
            enabled: False: every answer is "not available".
            timeout: seconds for one look-up.
            budget: seconds of look-ups for one message in all.
            cache: answers kept between runs.
            clock: the time by which answers expire.

        Raises:
            ValueError: a nameserver cannot be read.

        """
        self._servers = tuple(parse_nameserver(n) for n in nameservers)
        self._enabled = enabled
        self._timeout = timeout
        self._budget = budget
        self._cache = cache
        self._clock = clock
        self._memory: dict[tuple[str, str], tuple[float, DnsAnswer]] = {}
        self._failed: dict[tuple[str, str], DnsAnswer] = {}
        self._spent = 0.0
        self._timeouts = 0
        self._broken_until = 0.0
        self._breaks = 0
        self.counts = DnsCounts()

    def begin_message(self) -> None:
        """Give the next message its own budget."""
        self._spent = 0.0
        self._failed.clear()
        # One look-up shows whether the nameservers are back.
        self._timeouts = min(self._timeouts, BREAK_AFTER - 1)

    def query(self, name: str, record_type: str) -> DnsAnswer:
        """Ask for *record_type* (``TXT``, ``A``, ``AAAA``, ``MX``, ``PTR``) of *name*.

        MX records come as ``preference host``; names without a final dot.
        """
        self.counts.questions += 1
        name = name.rstrip(".").lower()
        key = (name, record_type)
        if record_type not in RECORD_TYPES or not _is_name(name):
            # No such name can exist; asking would be an error of the asker's.
            return DnsAnswer(exists=False)
        known = self._known(key)
        if known is not None:
            self.counts.cached += 1
            return known
        withheld = self._withheld(key)
        if withheld is not None:
            self.counts.withheld += 1
            return withheld
        return self._ask(key)

    def _known(self, key: tuple[str, str]) -> DnsAnswer | None:
        now = self._clock()
        held = self._memory.get(key)
        if held is not None:
            if held[0] > now.timestamp():
                return held[1]
            del self._memory[key]
        if self._cache is None or not self._enabled:
            return None
        cached = self._cache.get(*key, now)
        if cached is None:
            return None
        answer = DnsAnswer(cached.records, exists=cached.exists)
        self._hold(key, answer, cached.expires)
        return answer

    def _hold(self, key: tuple[str, str], answer: DnsAnswer, expires: float) -> None:
        if len(self._memory) >= MAX_MEMORY:
            del self._memory[next(iter(self._memory))]
        self._memory[key] = (expires, answer)

    def _withheld(self, key: tuple[str, str]) -> DnsAnswer | None:
        if not self._enabled:
            return DnsAnswer(available=False, note="DNS is off")
        failed = self._failed.get(key)
        if failed is not None:
            return failed
        if self._spent >= self._budget:
            return DnsAnswer(available=False, note=f"the {self._budget:g} s for one message are used up")
        if self._timeouts >= BREAK_AFTER or time.monotonic() < self._broken_until:
            return DnsAnswer(available=False, note="the nameservers do not answer")
        return None

    def _ask(self, key: tuple[str, str]) -> DnsAnswer:
        self.counts.asked += 1
        started = time.monotonic()
        allowed = min(self._timeout, self._budget - self._spent)
        try:
            wire = _ask_on_the_wire()(*key, self._servers, allowed)
        except NoAnswerError as error:
            self.counts.failed += 1
            # The last look-up of a budget may have had no fair chance.
            if error.timed_out and allowed >= self._timeout / 2:
                self._note_timeout()
            elif not error.timed_out:
                self._timeouts = self._breaks = 0
            answer = DnsAnswer(available=False, note=str(error))
            self._failed[key] = answer
            return answer
        finally:
            took = time.monotonic() - started
            self._spent += took
            self.counts.seconds += took
        self._timeouts = self._breaks = 0
        now = self._clock()
        answer = DnsAnswer(wire.records, exists=wire.exists)
        self._hold(key, answer, now.timestamp() + min(wire.ttl, 3_600))
        if self._cache is not None:
            self._cache.put(*key, wire.records, exists=wire.exists, ttl=wire.ttl, now=now)
        return answer

    def _note_timeout(self) -> None:
        self._timeouts += 1
        if self._timeouts >= BREAK_AFTER:
            self._breaks += 1
            if self._breaks > 1:
                self._broken_until = time.monotonic() + BREAK_SECONDS


def _ask_on_the_wire() -> Callable[[str, str, Sequence[tuple[str, int]], float], WireAnswer]:
    """Import dnspython: behind this line, and nowhere before."""
    from classifier.dnswire import ask  # noqa: PLC0415 - 0.1 s that cached answers spare

    return ask


def _is_name(name: str) -> bool:
    """Say whether *name* fits into a question (RFC 1035 section 2.3.4)."""
    if not name or len(name) > 253 or not name.isascii():
        return False
    return all(0 < len(label) < 64 and label.isprintable() and " " not in label for label in name.split("."))
