"""Checks what the configuration names on this machine and in DNS: files, identity, ledger, nameservers, sockets."""

from __future__ import annotations

import importlib.util
import os
import socket
import stat
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from classifier.checkup.blocklists import list_works
from classifier.checkup.declared import Proven, declared
from classifier.checkup.findings import Finding, Level
from classifier.checkup.published import published
from classifier.config import open_to_others
from classifier.mailbox.providers import PROVIDERS
from classifier.parse.addresses import domain_of
from classifier.present.text import printable
from classifier.store.ledger_reach import sources

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.identity import Identity
    from classifier.resolver import DnsResolver
    from classifier.runtime import Runtime
    from classifier.settings import AccountSettings, Config
    from classifier.store.ledger import SqliteLedger

#: A ledger that was last brought up to date so long ago says little about today's mail.
_STALE = timedelta(days=2)
#: Domains in a row about which nobody answers, before the rest is not asked for.
_SILENT = 2
#: Names that are listed in one finding.
_MOST = 10


def configured(config: Config, runtime: Runtime) -> Iterator[Finding]:
    """Check all that needs no mailbox.

    Args:
        config: the settings.
        runtime: opens what they name, to read only.

    """
    yield from _files(config)
    yield from _identity(config.identity)
    now = datetime.now(UTC)
    yield from _without_effect(config.identity, "identity", "ledger", now)
    for name, tenant in config.tenants.items():
        table = f"tenants.{name}"
        yield Finding(Level.GOOD, table, _list(list(tenant.domains)))
        yield from _without_effect(tenant, table, table, now)
    yield from _ledger(config, runtime)
    yield from _declared(config, runtime)
    resolver = runtime.resolver
    if resolver is None:
        yield Finding(
            Level.ADVICE, "dns", "is off", "SPF and DKIM cannot be checked; set [dns] enabled = true"
        )
    else:
        yield from _dns(config, resolver)
    model = runtime.model
    if model is not None:
        yield Finding(Level.GOOD, "model", model.name)
    for note in runtime.notes:
        yield Finding(Level.WRONG, "store and model", note)
    yield from _served(config)


def _files(config: Config) -> Iterator[Finding]:
    kept = [("configuration", config.path), ("store", config.store)]
    kept += [(f"account {a.name}", path) for a in config.accounts.values() for path in _secret_files(a)]
    for what, path in kept:
        if open_to_others(path):
            yield Finding(Level.WRONG, what, f"{path} can be read by others", f"chmod 600 {path}")
        elif what == "configuration":
            yield Finding(Level.GOOD, what, path)
    yield from _store(config.store)


def _secret_files(account: AccountSettings) -> list[str]:
    secrets = [account.password]
    if account.oauth2 is not None:
        secrets += [account.oauth2.refresh_token, account.oauth2.client_secret]
    return [os.path.expanduser(s.value) for s in secrets if s is not None and s.source == "file"]  # noqa: PTH111 - as the secret is read


def _store(path: str) -> Iterator[Finding]:
    store = Path(path)
    place = store
    while not place.exists() and place != place.parent:
        place = place.parent
    remedy = "check [store] path"
    if store.is_dir():
        yield Finding(Level.WRONG, "store", f"{path} is a folder", remedy)
    elif place != store and not place.is_dir():
        yield Finding(Level.WRONG, "store", f"{path} cannot be made: {place} is no folder", remedy)
    elif not all(os.access(part, os.W_OK) for part in {place, store.parent} if part.exists()):
        # Beside the store lie its write-ahead log and the locks.
        yield Finding(Level.WRONG, "store", f"{path} cannot be written", f"{remedy}, and who owns {place}")
    else:
        told = path if place == store else f"{path} will be made when it is first needed"
        yield Finding(Level.GOOD, "store", told)


def _identity(identity: Identity) -> Iterator[Finding]:
    yield Finding(Level.GOOD, "domains", ", ".join(identity.domains))
    if not identity.relays:
        yield Finding(
            Level.ADVICE,
            "identity.relays",
            "no host is named",
            "name those that your mail leaves through: they are what reports show",
        )
    elif not identity.relays_complete:
        yield Finding(
            Level.ADVICE,
            "identity.relays_complete",
            "is not set: mail that left elsewhere counts as a weak sign of forgery only",
            "set it if nothing of yours leaves elsewhere, no web form, service or home line: it tells most forged mail",
        )
    if not identity.senders:
        yield Finding(
            Level.ADVICE,
            "identity.senders",
            "no address is named",
            "with closed_senders all others are known to be forged",
        )


def _without_effect(identity: Identity, table: str, ledger: str, now: datetime) -> Iterator[Finding]:
    """Look for what can never count: addresses of other domains, dates to come, a date without keys."""
    for key, addresses in (("senders", identity.senders), ("never_send", identity.never_send)):
        strange = [a for a in addresses if not identity.owns_domain(domain_of(a))]
        if strange:
            yield Finding(
                Level.ADVICE,
                f"{table}.{key}",
                f"at none of the domains, so it never counts: {_list(strange)}",
                "correct it, or add its domain to domains",
            )
    if identity.batv_since is not None and not identity.batv_keys:
        yield Finding(
            Level.WRONG,
            f"{table}.batv_since",
            "means nothing without batv_keys",
            "give the keys of your tags",
        )
    for key, since in (
        (f"{table}.batv_since", identity.batv_since),
        (f"{ledger}.complete_since", identity.ledger_complete_since),
    ):
        if since is not None and since > now:
            yield Finding(
                Level.ADVICE, key, f"counts from {since:%Y-%m-%d} on only", "correct it if that is a slip"
            )


def _ledger(config: Config, runtime: Runtime) -> Iterator[Finding]:
    remedy = "run 'backscatter ledger sync' or 'ledger import'"
    declared = [
        one.ledger_complete_since
        for one in (config.identity, *config.tenants.values())
        if one.ledger_complete_since is not None
    ]
    complete = bool(declared)
    level = Level.WRONG if complete else Level.ADVICE
    database = runtime.database
    ledger = None
    if database is not None:
        from classifier.store.ledger import SqliteLedger  # noqa: PLC0415 - with a store only

        ledger = SqliteLedger(database)
    covered = ledger.covered_until() if ledger is not None else None
    if ledger is None or not len(ledger) or covered is None:
        told = "is empty, though complete_since says that it holds all" if complete else "is empty"
        yield Finding(level, "ledger", told, f"{remedy}: it is the best evidence")
    elif datetime.now(UTC) - covered > _STALE:
        lagging = next((source for source in sources(ledger.database) if source.binds), None)
        behind, do = "", "run 'ledger sync' from cron"
        if lagging is not None and lagging.kind != "sync":
            behind = f", for {printable(lagging.name, 200)} was read no further"
            do = "import it from cron, or 'ledger sources --forget' it if it is no more"
        yield Finding(
            level,
            "ledger",
            f"{len(ledger):,} identifiers, last brought up to date {covered:%Y-%m-%d}{behind}",
            do,
        )
    else:
        yield Finding(
            Level.GOOD, "ledger", f"{len(ledger):,} identifiers, up to {covered:%Y-%m-%d %H:%M} UTC"
        )
    if declared and ledger is not None:
        yield from _holes(min(declared), ledger)


def _holes(declared: datetime, ledger: SqliteLedger) -> Iterator[Finding]:
    """Hold the declaration that the ledger is complete against what is known to be missing of its sources."""
    since = ledger.covered_since()
    if since is None or since - declared <= _STALE:
        return
    broken = [printable(source.name, 200) for source in sources(ledger.database) if source.broken]
    yield Finding(
        Level.ADVICE,
        "ledger.complete_since",
        f"says {declared:%Y-%m-%d}, but what was sent before {since:%Y-%m-%d %H:%M} UTC is not all in the ledger, "
        "which until a week from then speaks against no report"
        + (f": something is missing of {_list(broken)}" if broken else ""),
        "import the older logs, if there are any, or correct the date; "
        "have the mail program put a Message-ID into the copies it keeps",
    )


def _declared(config: Config, runtime: Runtime) -> Iterator[Finding]:
    database = runtime.database
    if database is None:
        return
    from classifier.store.history import HistoryStore  # noqa: PLC0415 - with a store only
    from classifier.store.judged import JudgedMail  # noqa: PLC0415 - likewise

    corrected = JudgedMail(database).corrected_messages()
    proven: dict[int, Proven] = defaultdict(Proven)
    for entry in HistoryStore(database).entries():
        whose = config.identity_of([domain_of(entry.used) or ""])
        proven[id(whose)].add(entry, corrected.get(entry.message_id))
    yield from declared(proven[id(config.identity)], config.identity)
    for name, tenant in config.tenants.items():
        table = f"tenants.{name}"
        yield from declared(proven[id(tenant)], tenant, table, table)


def _dns(config: Config, resolver: DnsResolver) -> Iterator[Finding]:
    identity = config.identity
    silent = 0
    for number, domain in enumerate(identity.domains):
        if config.accounts and domain in PROVIDERS:
            yield Finding(Level.GOOD, f"DNS of {domain}", "what it publishes is your provider's business")
            continue
        resolver.begin_message()  # each domain has the whole budget
        for finding in published(domain.lstrip("."), identity, resolver):
            silent = silent + 1 if finding.about == "dns" else 0
            yield finding
        if silent >= _SILENT:
            left = identity.domains[number + 1 :]
            if left:
                yield Finding(
                    Level.WRONG,
                    "dns",
                    f"{len(left)} more domains are not asked about",
                    "check [dns] nameservers",
                )
            return
    if silent:
        return
    resolver.begin_message()
    lost = [name for name in identity.relay_names if not name.startswith(".") and _is_nowhere(name, resolver)]
    if lost:
        yield Finding(
            Level.ADVICE,
            "identity.relays",
            f"no address in DNS: {_list(lost)}",
            "correct the name, or take it out if that host is no more; a host that reports show by an address "
            "is best named by it",
        )
    for zone in config.dns.dnsbl:
        resolver.begin_message()
        yield list_works(zone, resolver)


def _is_nowhere(name: str, resolver: DnsResolver) -> bool:
    answers = [resolver.query(name, kind) for kind in ("A", "AAAA")]
    return all(answer.available and not answer.records for answer in answers)


def _served(config: Config) -> Iterator[Finding]:
    serve = config.serve
    for key, place in (("spamd", serve.spamd), ("milter", serve.milter), ("metrics", serve.metrics)):
        if place is None:
            continue
        about = f"serve.{key}"
        if key == "milter" and importlib.util.find_spec("Milter") is None:
            yield Finding(
                Level.WRONG,
                about,
                "the package pymilter is missing",
                "pip install 'backscatter-quarantine[milter]'",
            )
        wrong = _socket_trouble(place.path) if place.path else _address_trouble(place.host)
        if wrong:
            yield Finding(Level.WRONG, about, wrong, f"check serve.{key}")
        else:
            yield Finding(Level.GOOD, about, place.path or f"{place.host}:{place.port}")


def _socket_trouble(path: str) -> str:
    place = Path(path)
    if not place.parent.is_dir():
        return f"{path} cannot be made: there is no folder {place.parent}"
    try:
        mode = place.stat().st_mode
    except OSError:
        return (
            ""
            if os.access(place.parent, os.W_OK)
            else f"{path} cannot be made: {place.parent} is not writable"
        )
    return "" if stat.S_ISSOCK(mode) else f"{path} is there, and is no socket"


def _address_trouble(host: str) -> str:
    """Try for any port at all: the one that is named may be in use by our own server."""
    try:
        found = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)
        with socket.socket(found[0][0], socket.SOCK_STREAM) as probe:
            probe.bind(found[0][4])
    except OSError as error:
        return f"{host} is no address of this machine ({error.strerror})"
    return ""


def _list(names: list[str]) -> str:
    more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    return ", ".join(names[:_MOST]) + more
