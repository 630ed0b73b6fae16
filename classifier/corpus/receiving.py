"""How an organisation takes mail in: from its border to the mailbox, over hosts that each leave their mark."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.corpus import people
from classifier.corpus.chance import HEX, UPPER_HEX, in_zone, later, mail_date
from classifier.corpus.people import Host
from classifier.corpus.trace import Hop, queue_id, received, sendmail_version

if TYPE_CHECKING:
    from datetime import datetime

    from classifier.corpus.chance import Chance
    from classifier.corpus.letter import Letter
    from classifier.corpus.world import Delivery, Inner, Remote, World


def qmail_note(chance: Chance, when: datetime, how: str) -> str:
    """Write what qmail-queue does: who started it."""
    return f"(qmail {chance.randrange(300, 32_000)} invoked {how}); {mail_date(in_zone(when, 0)).partition(', ')[2].replace('+0000', '-0000')}"


def cross_border(world: World, delivery: Delivery, style: str, made: str) -> Host:
    """Let the exchanger of the delivery's organisation take the letter in, through its gateway if it has one.

    Args:
        world: the world.
        delivery: what comes; its letter gets the fields.
        style: how the exchanger writes.
        made: its queue id.

    Returns:
        The client that the exchanger saw.

    """
    chance, remote, letter = world.chance, delivery.remote, delivery.letter
    client, when = delivery.client, in_zone(delivery.when, remote.zone)
    tls, plain, login = delivery.tls, delivery.plain, delivery.login
    to, sender = letter.recipients[0], letter.envelope_from
    if remote.gateway is not None:
        other = "gateway" if remote.border == style else remote.border
        hop = Hop(client, remote.gateway.helo, delivery.when, queue_id(other, chance, world.year), to, sender, tls, login, plain)  # fmt: skip
        letter.put_on_top("Received", received(other, hop))
        client, plain, login = remote.gateway, False, ""
    if not remote.looks_up:
        client = Host(None, client.address, client.helo)
    hop = Hop(client, remote.host.helo, when, made, to if chance.yes(0.8) else "", sender, tls, login, plain)
    letter.put_on_top("Received", received(style, hop))
    if style == "qmail":
        letter.put_on_top("Received", qmail_note(chance, when, "from network"))
    return client


def stamp(world: World, delivery: Delivery) -> None:
    """Put on what an organisation's filters note about a message at its border."""
    chance, remote, letter = world.chance, delivery.remote, delivery.letter
    stamps, domain = remote.stamps, world.domain.name
    if not stamps:
        return
    if remote.gateway is None and delivery.spf != "none":
        sender = letter.envelope_from
        if "received-spf" in stamps:
            saying = "designates" if delivery.spf == "pass" else "does not designate"
            letter.put_on_top(
                "Received-SPF",
                f"{delivery.spf} ({remote.host.helo}: domain of {sender} {saying} {delivery.client.address} as permitted sender)"
                f" client-ip={delivery.client.address}; envelope-from={sender}; helo={delivery.client.helo};",
            )
        if "results" in stamps:
            signed = (
                f";\n\tdkim={delivery.dkim} header.d={domain}"
                if delivery.dkim != "none"
                else ";\n\tdkim=none"
            )
            aligned = "pass" if "pass" in {delivery.dkim, delivery.spf} else "fail"
            ours = letter.author.address.endswith(f"@{domain}")
            policy = f";\n\tdmarc={aligned} header.from={domain}" if ours and chance.yes(0.6) else ""
            letter.put_on_top(
                "Authentication-Results",
                f"{remote.host.helo};\n\tspf={delivery.spf} smtp.mailfrom={sender}{signed}{policy}",
            )
    if "virus" in stamps:
        letter.put_on_top("X-Virus-Scanned", f"amavisd-new at {remote.domain}")
    if "spam" in stamps:
        score = chance.randrange(-20, 140) / 10
        letter.put_on_top(
            "X-Spam-Status", f"{'Yes' if score > 5 else 'No'}, score={score} required=5.0\n\tautolearn=no"
        )


def pass_inside(world: World, letter: Letter, inner: Inner, holder: Host, when: datetime, style: str) -> Host:
    """Let the letter go one step further inside; return the host that has it then.

    Args:
        world: the world.
        letter: gets the fields.
        inner: the step.
        holder: the host that has the letter.
        when: when.
        style: how the host that gets it writes Received fields.

    """
    chance, kind, to = world.chance, inner.kind, letter.recipients[0]
    client = Host(holder.name if chance.yes(0.7) else None, people.internal(chance), holder.helo)
    made = queue_id(style, chance, when.year)
    local = Host("localhost", "127.0.0.1", "localhost")
    hop = Hop(client, inner.host.helo, when, made, to, letter.envelope_from)
    if kind == "filter":
        engine = chance.choice(
            ("amavisd-new, port 10024", "amavisd-new, port 10026", "content filter, port 10024")
        )
        letter.put_on_top(
            "Received",
            f"from {holder.helo} ([127.0.0.1])\n\tby localhost ({holder.helo} [127.0.0.1]) ({engine})\n"
            f"\twith {'ESMTP' if chance.yes(0.7) else 'LMTP'} id {chance.token(UPPER_HEX, 5)}-{chance.randrange(10, 99)} for <{to}>; {mail_date(when)}",
        )
        back = Hop(local, holder.helo, later(when, 1), made, to, letter.envelope_from)
        letter.put_on_top("Received", received(style, back))
        return holder
    if kind == "scanner":
        if chance.yes(0.5):
            letter.put_on_top("Received", qmail_note(chance, when, f"by uid {chance.randrange(80, 1_100)}"))
            process = chance.randrange(300, 32_000)
            letter.put_on_top(
                "Received",
                f"by simscan 1.{chance.randrange(1, 5)}.0 ppid: {process}, pid: {process + 2}, t: 0.{chance.token('0123456789', 4)}s\n"
                f"         scanners: clamav: 0.{chance.randrange(80, 99)}/m:{chance.randrange(30, 60)}/d:{chance.randrange(1000, 9000)}",
            )
        else:
            letter.put_on_top(
                "Received",
                f"from {letter.envelope_from} by {holder.helo} by uid {chance.randrange(80, 1_100)} with qmail-scanner-1.{chance.randrange(20, 26)}\n"
                f" (clamdscan: 0.{chance.randrange(70, 95)}.\n Clear:RC:0({client.address}):.\n Processed in 0.{chance.token('0123456789', 6)} secs); {mail_date(when).partition(', ')[2]}",
            )
        letter.put_on_top("Received", qmail_note(chance, when, "from network"))
        return holder
    if kind == "fetchmail":
        letter.put_on_top(
            "Received",
            f"from {holder.helo} [{client.address}]\n\tby {inner.host.helo} with {chance.choice(('POP3', 'IMAP'))} (fetchmail-6.{chance.randrange(1, 4)}.{chance.randrange(1, 30)})\n"
            f"\tfor <{to}> (single-drop); {mail_date(when)}",
        )
        return inner.host
    if kind == "lmtp":
        letter.put_on_top("Received", _lmtp(chance, holder, inner.host, hop))
        return inner.host
    if kind == "qmail":
        letter.put_on_top("Received", received("qmail", hop))
        letter.put_on_top("Received", qmail_note(chance, when, "from network"))
        return inner.host
    if kind == "no-address":
        letter.put_on_top("Received", received(chance.choice(("unnamed", "blind")), hop))
        return inner.host
    if kind == "bare-name":
        bare = holder.helo.partition(".")[0]
        hop = Hop(Host(bare if chance.yes(0.6) else None, client.address, bare), inner.host.helo, when, made, to, letter.envelope_from)  # fmt: skip
    elif kind == "windows":
        style = "exchange" if when.year > 2007 else "exchange-2003"
    letter.put_on_top("Received", received(style, hop))
    return inner.host


def _lmtp(chance: Chance, holder: Host, store: Host, hop: Hop) -> str:
    kind = chance.randrange(3)
    if kind == 0:
        return f"from {holder.helo}\n\tby {store.helo} with LMTP\n\tid {chance.token(HEX + UPPER_HEX[10:], 22)}\n\t(envelope-from <{hop.sender}>)\n\tfor <{hop.for_address}>; {mail_date(hop.when)}"
    if kind == 1:
        return f"from {holder.helo} ([unix socket])\n\t by {store.helo} (Cyrus v2.{chance.randrange(1, 5)}.{chance.randrange(0, 18)}) with LMTPA;\n\t {mail_date(hop.when)}"
    release = sendmail_version(hop.when)
    return f"from {holder.helo} ({holder.helo} [{hop.client.address}])\n\tby {store.helo} ({release}/{release}) with LMTP id {hop.queue_id};\n\t{mail_date(hop.when)}"


def put_away(remote: Remote, letter: Letter) -> None:
    """Put on what the last host writes on delivery."""
    if "delivered-to" in remote.stamps:
        letter.put_on_top("Delivered-To", letter.recipients[0])
    if "return-path" in remote.stamps:
        letter.put_on_top("Return-Path", f"<{letter.envelope_from}>")
