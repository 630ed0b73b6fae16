"""Labelled messages to examples: each once, none with both labels."""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from classifier.batch import bare
from classifier.dataclass import replace
from classifier.parallel import Lost, in_order
from classifier.parse.message import parse
from classifier.runtime import Runtime, StoreUse
from classifier.training.examples import MADE, Example, example
from classifier.vocabulary import NOT_REPORTS, Strength

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from classifier.settings import Config


@dataclass(frozen=True)
class Given:
    """One labelled message.

    Attributes:
        source: where it lies.
        raw: the message; None where it could not be read.
        is_forged: its label.
        error: why it could not be read.
        made: True: made about a message that was sent or received, with hops that nobody wrote.

    """

    source: str
    raw: bytes | None
    is_forged: bool
    error: str = ""
    made: bool = False


@dataclass(frozen=True)
class Measuring:
    """The work on one labelled message: it is measured as a judge would; pickled for other processes.

    Attributes:
        config: the settings, or None.

    """

    config: Config | None

    @contextlib.contextmanager
    def open(self) -> Iterator[Callable[[Given], Example | None]]:
        """Open what the configuration names, and give the function for one message."""
        with Runtime(self.config, StoreUse.READ) as runtime:

            def one(given: Given) -> Example | None:
                report = parse(given.raw or b"")
                if report.kind in NOT_REPORTS:
                    return None
                identity = None if self.config is None else self.config.identity_of(report.addressed_domains)
                lookups = runtime.lookups()
                if given.made:
                    # DNS knows nothing of hosts that were invented: SPF would fail for what is genuine.
                    lookups = replace(lookups, resolver=None, dnsbl=())
                elif runtime.resolver is not None:
                    runtime.resolver.begin_message()
                found = example(report, given.is_forged, lookups, identity, note=MADE if given.made else ())
                if found is not None and given.made and given.is_forged and _is_ours(found):
                    return None  # mail of our own lies in Junk, too
                return found

            yield one


def _is_ours(found: Example) -> bool:
    return found.weighed.genuine in {Strength.STRONG, Strength.PROOF}


@dataclass
class Labelled:
    """What was read, and what became of it.

    Attributes:
        examples: digest to the labelled report, measured.
        seen: digest to label of every message.
        contradicting: digests that were given both labels; they count for neither.
        twice: how many were given again.
        useless: how many are no reports, or return nothing of their original.
        unread: how many could not be read.

    """

    examples: dict[bytes, Example] = field(default_factory=dict)
    seen: dict[bytes, bool] = field(default_factory=dict)
    contradicting: set[bytes] = field(default_factory=set)
    twice: int = 0
    useless: int = 0
    unread: int = 0

    def is_new(self, digest: bytes, is_forged: bool) -> bool:
        """Say whether a message was not given before; count it where it was."""
        if digest not in self.seen:
            self.seen[digest] = is_forged
            return True
        if self.seen[digest] is not is_forged:
            self.contradicting.add(digest)
            self.examples.pop(digest, None)
        else:
            self.twice += 1
        return False

    def add(self, digest: bytes, measured: Example | None) -> None:
        """Take what came of one message in."""
        if measured is None:
            self.useless += 1
        elif digest not in self.contradicting:
            self.examples[digest] = measured

    def remarks(self) -> list[str]:
        """Say what could not be used."""
        return [
            f"{number:,} message{'' if number == 1 else 's'}: {what}"
            for number, what in (
                (self.twice, "given more than once, counted once"),
                (len(self.contradicting), "given with both labels, counted for neither"),
                (self.useless, "no reports, or nothing of the original in them"),
            )
            if number
        ]


def collected(
    config: Config | None,
    given: Iterable[Given],
    into: Labelled,
    *,
    jobs: int | None = None,
    unread: Callable[[Given, str], None],
) -> Generator[None]:
    """Measure labelled messages *into* what was read, over processes; yield for each that is dealt with.

    Args:
        config: the settings, or None.
        given: the messages.
        into: takes the examples, in the order of the messages.
        jobs: how many processes; None: as many as the amount of mail is worth.
        unread: told of each message that could not be used, and why.

    """

    def new() -> Iterator[Given]:
        for each in given:
            if each.raw is None:
                into.unread += 1
                unread(each, each.error)
                continue
            if into.is_new(hashlib.sha256(each.raw).digest(), each.is_forged):
                yield each

    results = in_order(Measuring(bare(config)), new(), jobs=jobs, size=lambda each: len(each.raw or b""))
    with contextlib.closing(results):
        for each, measured in results:
            if isinstance(measured, Lost):
                into.unread += 1
                unread(each, measured.reason)
            else:
                into.add(hashlib.sha256(each.raw or b"").digest(), measured)
            yield
