"""From a configuration to a judge at work: opens what it allows, when it is first needed.

Whatever cannot be opened or read (a store that is locked, damaged or not
there yet) is left out and told in :attr:`Runtime.notes`; the message is judged
by what remains.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import Enum
from functools import cached_property

from classifier.evidence.base import Lookups
from classifier.examine import Examination, examine_report
from classifier.identity import Identity
from classifier.judge import FORGED_FROM, Judgement, Policy, judge
from classifier.parse.message import parse
from classifier.parse.report import Envelope
from classifier.parse.triage import may_be_report
from classifier.settings import MAX_GENUINE_LOSS, PolicySettings, default_store
from classifier.vocabulary import NOT_REPORTS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self, TypeVar

    from classifier.model.artifact import Model
    from classifier.parse.report import Report
    from classifier.resolver import DnsResolver
    from classifier.settings import Config
    from classifier.store.database import Database

    T = TypeVar("T")

#: Reports that are remembered in one transaction.
_REMEMBER_EVERY = 50
#: And so many bytes of what they returned, which are in memory until then.
_REMEMBER_BYTES = 8 * 1024 * 1024
#: The threshold stays between these: doubt never quarantines, and proof always may.
_LEAST_THRESHOLD, _MOST_THRESHOLD = 0.9, 0.9998


class StoreUse(Enum):
    """What a command does with the store."""

    READ = "read"  # looks, if there is one
    CACHE = "cache"  # and keeps DNS answers in it, if there is one
    KEEP = "keep"  # makes it where there is none


def policy_of(settings: PolicySettings, model: Model | None = None) -> Policy:
    """Return what judging needs of ``[policy]``.

    By the weights of the evidence, ``FORGED_FROM`` goes with the default of
    ``max_genuine_loss``; the doubt that it leaves scales with the loss that is
    allowed. Where the *model* takes part, the threshold is where it can promise
    that no more is lost, of reports about configured identities or of any; for one
    of the user's own that cannot, the default model's. Where neither can, the same.
    """
    doubt = (1 - FORGED_FROM) * settings.max_genuine_loss / MAX_GENUINE_LOSS
    threshold = min(_MOST_THRESHOLD, max(_LEAST_THRESHOLD, 1 - doubt))
    by_model = configured = threshold
    if model is not None:
        by_model = _threshold_of(model, settings, threshold, configured=False)
        configured = _threshold_of(model, settings, threshold, configured=True)
    return Policy(
        keep_delayed=settings.keep_delayed,
        proof_only=not settings.max_genuine_loss,
        forged_from=threshold,
        model_from=by_model,
        configured_from=configured,
    )


def _threshold_of(model: Model, settings: PolicySettings, otherwise: float, *, configured: bool) -> float:
    from classifier.model.promise import probability_threshold  # noqa: PLC0415 - with a model only

    asked = probability_threshold(model, settings.max_genuine_loss, otherwise, configured=configured)
    return min(_MOST_THRESHOLD, max(_LEAST_THRESHOLD, asked))


class Runtime:
    """Judges messages with all that the configuration offers. Belongs to one thread.

    Attributes:
        config: the settings, or None: then the report alone is asked.
        notes: what could not be opened or written, one line each.

    """

    def __init__(
        self,
        config: Config | None,
        use: StoreUse = StoreUse.READ,
        *,
        remember: bool = False,
        wait: float | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        read_model: Callable[[str], Model] | None = None,
    ) -> None:
        """Set it up; nothing is opened yet.

        Args:
            config: the settings, or None.
            use: what is done with the store.
            remember: True: reports that were judged count as company for later ones.
            wait: seconds to wait for another writer of the store; default the store's own.
            clock: gives the present moment, aware.
            read_model: reads the model at a path; default :func:`classifier.model.files.read`.

        """
        self.config = config
        self.notes: list[str] = []
        self._use = use
        self._remember = remember
        self._wait = wait
        self._clock = clock
        self._read_model = read_model
        self._judged: list[Examination] = []
        self._judged_bytes = 0
        self._judged_again: list[Examination] = []
        self._observed = False
        self._model_state: tuple[int, ...] | None = None

    def may_be_report(self, headers: bytes, mail_from: str | None) -> bool:
        """Say whether a message with these headers is worth reading whole; True when in doubt."""
        return may_be_report(headers, mail_from)

    def examine(self, raw: bytes, envelope: Envelope | None = None) -> Examination:
        """Judge one message. Never raises on content."""
        return self.examine_report(parse(raw, envelope or Envelope()))

    def examine_report(self, report: Report) -> Examination:
        """Judge a message that was taken apart already."""
        if report.kind in NOT_REPORTS:
            # Nothing is opened for ordinary mail.
            return Examination(report, (), self._not_a_report(report))
        if not self._observed:
            self._observe()
        if self.resolver is not None:
            self.resolver.begin_message()
        examination = self._judge(report)
        if self._remember and self.database is not None:
            self._judged.append(examination)
            self._judged_bytes += len(report.original.body or b"")
            if len(self._judged) >= _REMEMBER_EVERY or self._judged_bytes >= _REMEMBER_BYTES:
                self.flush()
        return examination

    def reexamine(self, examination: Examination) -> Examination:
        """Judge a report again by what was learnt since."""
        if self._judged:
            self.flush()
        if not self._has_new_company(examination):
            return examination
        if self.resolver is not None:
            self.resolver.begin_message()
        again = self._judge(examination.report)
        if self._remember and again.judgement != examination.judgement:
            self._judged_again.append(again)
        return again

    def _has_new_company(self, examination: Examination) -> bool:
        """Say whether the memory of recent reports tells more now; nothing else is learnt within a run."""
        lookups, report = self.lookups(), examination.report
        if lookups.floods is None or self.config is None:
            return False
        from classifier.evidence.company import gather  # noqa: PLC0415 - with a store only

        try:
            now = list(gather(report, self.config.identity_of(report.addressed_domains), lookups))
        except Exception:  # noqa: BLE001 - SQLite's, or the disk's: evidence that fails says so itself
            return True
        return now != [e for e in examination.evidence if e.name == "company"]

    def _observe(self) -> None:
        """Once a run, note what our domains publish: what was seen before a mail came can be believed about it."""
        self._observed = True
        if self.config is None or self._use is not StoreUse.KEEP or self.resolver is None:
            return
        from classifier.evidence import dmarc, spf  # noqa: PLC0415 - where DNS is asked only

        self.resolver.begin_message()
        try:
            lookups = self.lookups()
            for kind in (spf, dmarc):
                kind.observe(self.config.identity, lookups)
        except Exception as error:  # noqa: BLE001 - SQLite's, or the disk's: judged without
            self.notes.append(f"the policies of our domains not remembered ({error})")

    def _judge(self, report: Report) -> Examination:
        if self._use is StoreUse.KEEP:
            self._take_up_model()
        identity = None if self.config is None else self.config.identity_of(report.addressed_domains)
        return examine_report(report, self.lookups(), identity, self.policy, self.model)

    def _not_a_report(self, report: Report) -> Judgement:
        # No threshold matters here, so no model is read.
        return judge(report, Identity(), (), Policy())

    @cached_property
    def model(self) -> Model | None:
        """The model to judge with; None where none can be used."""
        from classifier.model.files import in_use, read  # noqa: PLC0415 - with a report only

        model, notes = in_use(self._store, self._read_model or read)
        self.notes += notes
        return model

    @property
    def _store(self) -> str:
        return default_store() if self.config is None else self.config.store

    def _take_up_model(self) -> None:
        """Let whatever runs for long (serve, watch) judge by the model that a train has put in place meanwhile."""
        from classifier.model.files import beside, state_of  # noqa: PLC0415 - with a report only

        state = state_of(beside(self._store))
        if state != self._model_state:
            self._model_state = state
            for known in ("model", "policy"):
                self.__dict__.pop(known, None)

    @cached_property
    def policy(self) -> Policy:
        """What judging needs of the settings, and of the model."""
        return policy_of(PolicySettings() if self.config is None else self.config.policy, self.model)

    def flush(self) -> None:
        """Write the reports judged so far into the memory of recent ones and into the history."""
        judged, again = self._judged, self._judged_again
        self._judged, self._judged_again, self._judged_bytes = [], [], 0
        if not (judged or again) or self.database is None or self.config is None:
            return
        from classifier.evidence.company import strange  # noqa: PLC0415 - with the store only
        from classifier.history import entry_of  # noqa: PLC0415 - likewise
        from classifier.store.floods import FloodStore  # noqa: PLC0415 - likewise
        from classifier.store.history import HistoryStore  # noqa: PLC0415 - likewise

        lookups, identity_of = self.lookups(), self.config.identity_of
        try:
            floods, history = FloodStore(self.database), HistoryStore(self.database)
            with self.database.transaction():  # one wait for another writer, not two
                floods.record_all(
                    [(e.report, e.evidence, strange(e.report, lookups)) for e in judged], lookups.now
                )
                history.record_all(
                    [
                        entry_of(e, identity_of(e.report.addressed_domains), lookups.now)
                        for e in (*judged, *again)
                    ],
                    lookups.now,
                )
        except Exception as error:  # noqa: BLE001 - memory is a help; judging goes on without
            self.notes.append(f"recent reports not remembered ({error})")

    def lookups(self) -> Lookups:
        """Return what evidence may ask, at this moment."""
        stored = self._stored
        return Lookups(
            now=self._clock(),
            ledger=stored.ledger,
            resolver=self.resolver,
            records=stored.records,
            floods=stored.floods,
            habits=stored.habits,
            dnsbl=() if self.config is None or self.resolver is None else self.config.dns.dnsbl,
        )

    @cached_property
    def database(self) -> Database | None:
        """The store, or None where there is none that can be used."""
        if self.config is None:
            return None
        import os  # noqa: PLC0415 - with a store only

        from classifier.errors import BackscatterError  # noqa: PLC0415 - likewise
        from classifier.store.database import Database  # noqa: PLC0415 - SQLite

        path = self.config.store
        if self._use is not StoreUse.KEEP and not os.path.exists(path):  # noqa: PTH110 - pathlib costs 5 ms
            return None
        import time  # noqa: PLC0415 - built in

        begun = time.monotonic()
        failed = None
        for readonly in (True,) if self._use is StoreUse.READ else (False, True):
            # One wait, not two: the second attempt has what the first one has left.
            wait = None if self._wait is None else max(0.0, begun + self._wait - time.monotonic())
            try:
                return Database.open(path, readonly=readonly, wait=wait)
            except BackscatterError as error:
                if failed is None:
                    failed = error
                    self.notes.append(str(error))
        return None

    @cached_property
    def _stored(self) -> Lookups:
        """Everything that lies in the store; a part that fails costs itself alone."""
        database = self.database
        if database is None:
            return Lookups(now=self._clock())
        from classifier.store.floods import FloodStore  # noqa: PLC0415 - with a store only
        from classifier.store.habits import HabitStore  # noqa: PLC0415 - likewise
        from classifier.store.ledger import SqliteLedger  # noqa: PLC0415 - likewise
        from classifier.store.records import SqliteRecordMemory  # noqa: PLC0415 - likewise

        return Lookups(
            now=self._clock(),
            ledger=self._opened(SqliteLedger, database),
            records=self._opened(SqliteRecordMemory, database),
            floods=self._opened(FloodStore, database),
            habits=self._opened(HabitStore, database),
        )

    def _opened(self, part: Callable[[Database], T], database: Database) -> T | None:
        try:
            return part(database)
        except Exception as error:  # noqa: BLE001 - SQLite's, or the disk's
            self.notes.append(f"the store's {part.__name__} is left out ({error})")
            return None

    @cached_property
    def resolver(self) -> DnsResolver | None:
        """DNS as configured; None where it is off, or nothing is configured."""
        if self.config is None or not self.config.dns.enabled:
            return None
        from classifier.resolver import DnsResolver  # noqa: PLC0415 - with a configuration only

        settings = self.config.dns
        cache = None
        if self.database is not None:
            from classifier.store.dnscache import DnsCache  # noqa: PLC0415 - with a store only

            cache = self._opened(DnsCache, self.database)
        return DnsResolver(
            settings.nameservers,
            timeout=settings.timeout,
            budget=settings.budget,
            cache=cache,
            clock=self._clock,
        )

    def close(self) -> None:
        """Write what is to be remembered, and close the store."""
        self.flush()
        database = self.__dict__.pop("database", None)
        if database is not None:
            database.close()

    def __enter__(self) -> Self:
        """Return itself; closed at the end of the block."""
        return self

    def __exit__(self, *_exc: object) -> None:
        """Close."""
        self.close()
