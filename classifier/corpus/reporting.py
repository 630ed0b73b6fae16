"""Who reports a failed delivery, in which format, and the way that the report takes to us."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from classifier.corpus import people
from classifier.corpus.chance import BASE36, Weighted, in_zone, later
from classifier.corpus.generated import Generated, Label, message_bytes
from classifier.corpus.people import Host
from classifier.corpus.receiving import cross_border, pass_inside, put_away, stamp
from classifier.corpus.reporters.base import DELAYS, REASONS, Failure, Format, Returned, Stage
from classifier.corpus.reporters.table import BY_NAME
from classifier.corpus.trace import Hop, local, queue_id, received
from classifier.corpus.world import Inner, inner_host

if TYPE_CHECKING:
    from datetime import datetime

    from classifier.corpus.letter import Letter
    from classifier.corpus.reporters.base import Notice
    from classifier.corpus.world import Delivery, Remote, World

#: Seconds that mail takes from one server to the next, at most.
TRANSIT = 20
#: Share of the recipients whose mail is forwarded to another organisation.
_FORWARDED = 0.06
_REFUSED = 0.5
_OUR_DEPTH = Weighted(((0, 60), (1, 28), (2, 12)))
_OUR_INNER = Weighted((("relay", 5), ("filter", 4), ("lmtp", 4), ("bare-name", 1)))
#: Shares of the originals that come back cut off.
_CUT_BODY, _CUT_HEAD = 0.12, 0.04


def spf_elsewhere(world: World) -> str:
    """Return what SPF says of a host that the domain's record does not name."""
    record = world.domain.dns.get((world.domain.name, "TXT"))
    return "none" if record is None else "fail" if record[0].endswith("-all") else "softfail"


def report(world: World, delivery: Delivery, label: Label) -> Generated:
    """Let the delivery fail, and return the report as it comes to the protected domain."""
    chance = world.chance
    if delivery.reporters and (delivery.captive or chance.yes(_REFUSED)):
        # The sender's own host reports what the next server said in the session.
        host, names = chance.choice(delivery.reporters)
        fmt = BY_NAME[chance.choice(names)]
        if fmt.delayed or Stage.SESSION in fmt.stages:
            return _own(world, delivery, label, fmt, host)
    forwarder = None
    if chance.yes(_FORWARDED):
        forwarder = _forward(world, delivery)
    return _theirs(world, delivery, label, forwarder)


def _forward(world: World, delivery: Delivery) -> Remote | None:
    """Let the recipient's organisation pass the letter on to another; return it where its reports go by it."""
    chance, letter = world.chance, delivery.letter
    first, last = delivery.remote, chance.choice(world.remotes)
    if first.domain == last.domain:
        return None
    made = queue_id(first.border, chance, world.year)
    cross_border(world, delivery, first.border, made)
    sender = letter.envelope_from
    rewritten = sender.endswith(f"@{world.domain.name}") and world.year > 2004 and chance.yes(0.4)
    if rewritten:
        user, _, domain = sender.rpartition("@")
        letter.envelope_from = f"SRS0={chance.token(BASE36, 4)}={chance.token('ABCDEFGHIJKLMNOP', 2)}={domain}={user}@{first.domain}"
    letter.recipients = (
        f"{letter.recipients[0].partition('@')[0]}@{last.domain}"
        if chance.yes(0.5)
        else people.dictionary_address(chance, last.domain),
    )
    delivery.remote, delivery.client = last, first.outbound or first.host
    delivery.when, delivery.plain, delivery.login = (
        later(delivery.when, chance.randrange(1, TRANSIT)),
        False,
        "",
    )
    delivery.tls = chance.yes(world.era.tls)
    delivery.spf = "none" if rewritten else spf_elsewhere(world)
    return first if rewritten else None


def _format(world: World, letter: Letter) -> Format:
    """Draw a format whose report comes to the protected domain."""
    ours = f"@{world.domain.name}"
    author, sender = letter.author.address.endswith(ours), letter.envelope_from
    # A rewritten return path comes back to us through the forwarder.
    back = sender.endswith(ours) or sender.startswith("SRS0=")
    while True:
        fmt = world.chance.weighted(world.era.formats)
        if author if fmt.answers_author else back:
            return fmt


def _theirs(world: World, delivery: Delivery, label: Label, forwarder: Remote | None) -> Generated:
    """Let a host of the receiving organisation report."""
    chance, remote, letter = world.chance, delivery.remote, delivery.letter
    fmt = _format(world, letter)
    if fmt.answers_author:
        forwarder = None
    made = queue_id(fmt.style, chance, world.year)
    depth = chance.randrange(len(remote.inner) + 1) if remote.inner else 0
    client = cross_border(world, delivery, remote.border if depth else fmt.style, made)
    stamp(world, delivery)
    when = in_zone(delivery.when, remote.zone)
    reporter = remote.host
    for number, inner in enumerate(remote.inner[:depth], start=1):
        when = later(when, chance.randrange(1, 8))
        style = fmt.style if number == depth else inner.style
        before = reporter
        reporter = pass_inside(world, letter, inner, before, when, style)
        client = Host(before.name, before.address, before.helo)
    put_away(remote, letter)
    session = Stage.LOCAL not in fmt.stages or (Stage.SESSION in fmt.stages and chance.yes(0.25))
    store = inner_host(chance, remote.domain) if session else None
    to = letter.author.address if fmt.answers_author else letter.envelope_from
    failed_at = later(when, 4 * 3600 if fmt.delayed else chance.randrange(1, 90))
    failure, returned = make_failure(
        world, delivery, fmt, host=reporter, organisation=remote.domain, language=remote.language, client=client,
        remote=store, failed_at=failed_at, to=to, made=made,
    )  # fmt: skip
    notice = fmt.write(failure)
    raw, arrived = bring_home(world, notice, fmt.style, reporter, remote, forwarder, failed_at, to, letter)
    return Generated(raw, label, arrived, fmt.name, returned, delivery.name, letter.wording.spam)


def _own(world: World, delivery: Delivery, label: Label, fmt: Format, host: Host) -> Generated:
    """Let a host of the sender's own report what the next server said."""
    domain, letter = world.domain, delivery.letter
    made = letter.queue_ids[-1] if letter.queue_ids else queue_id(domain.style, world.chance, world.year)
    failed_at = in_zone(
        later(delivery.when, 4 * 3600 if fmt.delayed else world.chance.randrange(1, 90)), domain.zone
    )
    to = letter.author.address if fmt.answers_author else letter.envelope_from
    failure, returned = make_failure(
        world, delivery, fmt, host=host, organisation=domain.name, language=domain.language,
        client=Host(None, people.internal(world.chance), "localhost"), remote=delivery.remote.host, failed_at=failed_at, to=to, made=made,
    )  # fmt: skip
    notice = fmt.write(failure)
    raw, arrived = bring_home(world, notice, fmt.style if fmt.style == "bare" else domain.style, host, None, None, failed_at, to, letter)  # fmt: skip
    return Generated(raw, label, arrived, fmt.name, returned, delivery.name, letter.wording.spam)


def make_failure(
    world: World, delivery: Delivery, fmt: Format, *, host: Host, organisation: str, language: str, client: Host,
    remote: Host | None, failed_at: datetime, to: str, made: str,
) -> tuple[Failure, Returned]:  # fmt: skip
    """Draw why delivery failed and how much comes back."""
    chance, letter = world.chance, delivery.letter
    returned = told = chance.choice(fmt.returns)
    original = b"" if returned is Returned.NOTHING else letter.raw()
    if returned is Returned.FULL and chance.yes(_CUT_BODY):
        head, gap, body = original.partition(b"\n\n")
        original = head + gap + body[: chance.randrange(len(body) + 1)].rpartition(b"\n")[0] + b"\n"
    elif returned is Returned.HEADERS and chance.yes(_CUT_HEAD):
        head = original.partition(b"\n\n")[0]
        original = head[: chance.randrange(len(head) // 2, len(head))] + b"\n\n"
        told = Returned.PARTIAL
    failure = Failure(
        chance=chance, host=replace(host, name=host.helo), organisation=organisation,
        language=language, letter=letter, original=original, returned=returned, recipient=letter.recipients[0],
        original_recipient=letter.recipients[0], reason=chance.weighted(DELAYS if fmt.delayed else REASONS),
        stage=Stage.SESSION if remote else Stage.LOCAL, remote=remote, client=client,
        arrival=in_zone(delivery.when, delivery.remote.zone), failed_at=failed_at, to=to, queue_id=made,
    )  # fmt: skip
    return failure, told


def bring_home(
    world: World, notice: Notice, style: str, reporter: Host, remote: Remote | None, forwarder: Remote | None,
    when: datetime, to: str, letter: Letter,
) -> tuple[bytes, datetime]:  # fmt: skip
    """Bring a report to the protected domain's mailbox; return its bytes and when it came."""
    chance, domain = world.chance, world.domain
    trace: list[str] = []
    first = local(style, chance, reporter.helo, when, to)
    if first is not None:
        trace.append(first)
    holder, path = reporter, notice.reverse_path

    def hop(client: Host, by: str, writes: str) -> None:
        nonlocal when
        when = later(when, chance.randrange(1, TRANSIT))
        made = queue_id(writes, chance, world.year)
        trace.insert(0, received(writes, Hop(client, by, when, made, to if chance.yes(0.8) else "", path, chance.yes(world.era.tls))))  # fmt: skip

    if remote is not None and remote.outbound is not None and (remote.outbound.helo != reporter.helo):
        inside = Host(reporter.name, reporter.address if reporter == remote.host else people.internal(chance), reporter.helo)  # fmt: skip
        hop(inside, remote.outbound.helo, remote.border)
        holder = remote.outbound
    if forwarder is not None:
        hop(holder, forwarder.host.helo, forwarder.border)
        holder = forwarder.outbound or forwarder.host
        to = letter.author.address if letter.author.address.endswith(f"@{domain.name}") else _unwrapped(to)
    when = in_zone(when, domain.zone)
    if domain.mx.helo != reporter.helo:
        hop(
            holder if chance.yes(0.9) else Host(None, holder.address, holder.helo),
            domain.mx.helo,
            domain.style,
        )
    inside_letter = replace(letter, fields=[("Received", value) for value in trace], recipients=(to,), envelope_from=path)  # fmt: skip
    holder = domain.mx
    for _ in range(chance.weighted(_OUR_DEPTH)):
        when = later(when, chance.randrange(1, 5))
        store = Host(f"store.{domain.name}", people.internal(chance), f"store.{domain.name}")
        step = Inner(chance.weighted(_OUR_INNER), store, domain.style)
        holder = pass_inside(world, inside_letter, step, holder, when, domain.style)
    head: list[tuple[str, str]] = []
    if chance.yes(0.92):
        head.append(("Return-Path", f"<{path}>"))
    if forwarder is not None or chance.yes(0.7):
        head.append((chance.choice(("Delivered-To", "Delivered-To", "X-Original-To", "Envelope-To")), to))
    return message_bytes([*head, *inside_letter.fields, *notice.fields], notice.body), when


def _unwrapped(address: str) -> str:
    """Return the address in a return path that a forwarder rewrote (SRS)."""
    user, _, _ = address.rpartition("@")
    _, _, rest = user.partition("=")
    domain, _, original = rest.split("=", 2)[2].partition("=")
    return f"{original}@{domain}"
