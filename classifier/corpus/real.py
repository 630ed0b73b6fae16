"""Reports about real mail: header sections of a collection, byte for byte, in generated reports.

Nothing of the collection is kept: it is read, wrapped and handed on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from classifier.corpus import people
from classifier.corpus.chance import EPOCH, Chance
from classifier.corpus.era import era_of
from classifier.corpus.generated import Generated, Label
from classifier.corpus.letter import Letter
from classifier.corpus.people import Host, Person
from classifier.corpus.reporting import bring_home, make_failure
from classifier.corpus.scene import Scene
from classifier.corpus.words import Wording, mail_files
from classifier.corpus.world import Delivery, Remote
from classifier.errors import InputError
from classifier.evidence.hosts import ip_of, is_internal, organisation
from classifier.parse.addresses import domain_of, find_address
from classifier.parse.headers import HeaderBlock
from classifier.parse.trace import read_hop

if TYPE_CHECKING:
    from collections.abc import Container, Iterator
    from datetime import datetime
    from pathlib import Path

    from classifier.corpus.world import World
    from classifier.parse.report import TraceHop

#: What is generated around one world's share of the messages.
_PER_WORLD = 60
#: Longer messages are cut off, as servers do.
_MAX_BYTES = 200_000
#: A hop of another year has a wrong clock, or bait in its place.
_YEARS = 1970, 2100
_FIELD = re.compile(rb"[^\s:][^\n]*\n(?:[ \t][^\n]*\n)*")
#: Hand-overs of the collector's own, after delivery.
_FETCHED = ("fetchmail", "with imap", "with pop3", "getmail")


@dataclass
class _RealLetter(Letter):
    """A letter whose bytes are not to be written anew."""

    whole: bytes = b""

    def head(self) -> bytes:
        return self.whole.partition(b"\n\n")[0] + b"\n"

    def raw(self) -> bytes:
        return self.whole


def returned_reports(folder: Path, seed: str, *, leave_out: Container[str] = ()) -> Iterator[Generated]:
    """Wrap each message below *folder*'s ``ham`` and ``spam`` in a report by the host that received it.

    The report comes to the message's return path, or to its author's address
    where that is at another domain; the domain of that address is the
    protected one. Ham is genuine, spam forged. Left out: mail without a hop
    from outside or an author; spam of which a hop shows a client of the very
    organisation that it names, since it may be from there.

    Args:
        folder: raw messages with their complete header sections, one a file.
        seed: the same makes the same.
        leave_out: names of folders in between whose files are not to be read.

    Yields:
        One report a message.

    Raises:
        InputError: neither folder holds a file.

    """
    files = [(name, p) for name in ("ham", "spam") for p in mail_files(folder / name, leave_out)]
    if not files:
        raise InputError("no mail in ham/ or spam/", where=str(folder), remedy="name another folder")
    chance = Chance(f"{seed}/real")
    chance.shuffle(files)
    scenes: dict[int, Scene] = {}
    for number, (name, path) in enumerate(files):
        found = _read(path.read_bytes(), spam=name == "spam")
        if found is None:
            continue
        if number % _PER_WORLD == 0:
            scenes.clear()
        year = min(max(found.letter.sent_at.year, 1998), EPOCH.year)
        if year not in scenes:
            scenes[year] = Scene(f"{seed}/real/{number}", year=year)
        yield _report(scenes[year].world, found)


def report_about(raw: bytes, seed: str, *, spam: bool, to: str) -> Generated | None:
    """Wrap one message in a report by the host that received it from outside, sent to the address *to*.

    None where no hop from outside or no author is shown.
    """
    found = _read(raw, spam=spam, to=to)
    if found is None:
        return None
    year = min(max(found.letter.sent_at.year, 1998), EPOCH.year)
    return _report(Scene(seed, year=year).world, found)


@dataclass(frozen=True)
class _Found:
    """A message as it came to the host that received it from outside."""

    letter: _RealLetter
    hop: TraceHop
    label: Label
    to: str


def _read(raw: bytes, *, spam: bool, to: str | None = None) -> _Found | None:
    raw = raw.replace(b"\r\n", b"\n")[:_MAX_BYTES]
    if raw.startswith(b"From "):
        raw = raw.partition(b"\n")[2]
    head, gap, body = raw.partition(b"\n\n")
    fields = _FIELD.findall(head + b"\n")
    if not gap or b"".join(fields) != head + b"\n":
        return None
    start, hop = _border(fields)
    if hop is None:
        return None
    all_headers = HeaderBlock(head)
    author = find_address(all_headers.get("from"))
    path = find_address(all_headers.get("return-path"))
    if domain_of(author) is None:
        return None
    kept = b"".join(fields[start:])
    headers = HeaderBlock(kept)
    if to is None:
        same = organisation(domain_of(path)) == organisation(domain_of(author))
        to = path if path and (same or spam) else author
        protected = organisation(domain_of(to))
        if to is None or protected is None or protected == organisation(hop.by):
            return None
        if spam and _may_be_from(protected, headers):
            return None
    whole = kept + b"\n" + body
    listed = [(f.name, "".join(c for c in f.value if c.isprintable())) for f in headers.fields]
    text = headers.text("subject") or ""
    letter = _RealLetter(
        [(n, v.encode("utf-8", "replace").decode()) for n, v in listed], body, Person("", to, "en"), to,
        (hop.for_address or f"{to.partition('@')[0]}@{organisation(hop.by)}",), _plausible(hop.when), Wording(text, "", spam, "en"), whole=whole,
    )  # fmt: skip
    return _Found(letter, hop, Label.FORGED if spam else Label.GENUINE, to)


def _plausible(when: datetime | None) -> datetime:
    """Return the time of a hop, or another where whoever wrote it wrote nonsense."""
    return when if when is not None and _YEARS[0] <= when.year <= _YEARS[1] else EPOCH


def _border(fields: list[bytes]) -> tuple[int, TraceHop | None]:
    """Find the newest hop that names a client from outside and is no fetching of a mailbox."""
    for index, field in enumerate(fields):
        name, _, value = field.partition(b":")
        if name.lower() != b"received":
            continue
        text = " ".join(value.decode("utf-8", "replace").split())
        hop = read_hop(text)
        ip = ip_of(hop.client_address)
        fetched = any(word in text.lower() for word in _FETCHED)
        if ip is not None and not is_internal(ip) and not fetched and organisation(hop.by) is not None:
            return index, hop
    return 0, None


def _may_be_from(protected: str, headers: HeaderBlock) -> bool:
    """Say whether a hop shows a client of that organisation, or one without a name that says it is."""
    for field in headers.all_fields("received"):
        hop = read_hop(field.value)
        if organisation(hop.client_name or hop.helo) == protected:
            return True
    return False


def _report(world: World, found: _Found) -> Generated:
    """Let the host that had the message report."""
    chance, hop, letter = world.chance, found.hop, found.letter
    name = domain_of(found.to) or ""
    mx = Host(f"mx.{name}", people.ipv4(chance), f"mx.{name}")
    world = replace(world, domain=replace(world.domain, name=name, mx=mx))
    by = hop.by or ""
    host = Host(by, people.ipv4(chance), by)
    remote = Remote(organisation(by) or by, host, "en", 0, outbound=host)
    address = str(ip_of(hop.client_address))
    client = Host(hop.client_name, address, hop.helo or hop.client_name or f"[{address}]")
    when = letter.sent_at
    delivery = Delivery(letter, client, when, remote, "real")
    fmt = chance.weighted(era_of(world.year).formats)
    if chance.yes(0.3):
        letter.whole = b"Return-Path: <" + found.to.encode("utf-8", "replace") + b">\n" + letter.whole
    failure, returned = make_failure(
        world, delivery, fmt, host=host, organisation=remote.domain, language="en", client=client, remote=None,
        failed_at=when, to=found.to, made=hop.queue_id or chance.token("0123456789abcdef", 10),
    )  # fmt: skip
    raw, arrived = bring_home(
        world, fmt.write(failure), fmt.style, host, remote, None, when, found.to, letter
    )
    return Generated(raw, found.label, arrived, fmt.name, returned, "real", letter.wording.spam)
