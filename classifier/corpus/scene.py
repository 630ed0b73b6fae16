"""What happens around a protected domain: mail is sent, fails and is reported; and so is mail in its name.

Everything is drawn from one :class:`~classifier.corpus.chance.Chance`, so that
the same seed makes the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from classifier.corpus import people, words
from classifier.corpus.chance import BASE62, EPOCH, Chance, compact, in_zone, later
from classifier.corpus.domains import Protected, make_domain, make_provider
from classifier.corpus.people import Host, Person
from classifier.corpus.programs import PEOPLE, SPAMWARE, compose
from classifier.corpus.reporters.base import DELAYS, REASONS, Failure, Format, Returned, Stage
from classifier.corpus.reporters.table import BY_NAME, MET
from classifier.corpus.trace import COMMON, Hop, local, queue_id, received

if TYPE_CHECKING:
    from datetime import datetime

    from classifier.corpus.letter import Letter
    from classifier.corpus.words import Wording

#: Seconds that mail takes from one server to the next, at most.
_TRANSIT = 20
#: Reports of one campaign come within so many seconds.
_CAMPAIGN = 6 * 3600
_SUBJECTS_PER_CAMPAIGN = 40


class Label(StrEnum):
    """What a generated message is."""

    ORDINARY = "ordinary"
    GENUINE = "genuine"
    FORGED = "forged"


@dataclass(frozen=True)
class Generated:
    """One message as it lies in the mailbox.

    Attributes:
        raw: its bytes, lines ended by LF.
        label: what it is.
        received_at: when it came in, aware.
        format: the reporter's wire format; "" for ordinary mail.
        returned: how much of the original it returns; None for ordinary mail.

    """

    raw: bytes
    label: Label
    received_at: datetime
    format: str = ""
    returned: Returned | None = None


@dataclass(frozen=True)
class Remote:
    """An organisation that gets mail.

    Attributes:
        domain: its domain.
        host: its mail exchanger.
        language: what it writes in.

    """

    domain: str
    host: Host
    language: str


def _host(chance: Chance, domain: str, label: str) -> Host:
    name = f"{label}.{domain}"
    return Host(name, people.ipv4(chance), name)


def make_remote(chance: Chance) -> Remote:
    """Invent an organisation."""
    domain = people.domain_name(chance)
    label = chance.choice(("mx", "mail", "mx1", "in", "gate", "smtp"))
    return Remote(domain, _host(chance, domain, label), chance.weighted(people.LANGUAGES))


class Scene:
    """A protected domain and the world around it.

    Attributes:
        domain: the protected domain.
        sent: what it sent, in order.

    """

    def __init__(self, seed: str, *, domain: Protected | None = None) -> None:
        """Invent a world.

        Args:
            seed: the same makes the same.
            domain: the protected domain; default one is invented.

        """
        self.chance = Chance(seed)
        self._material = words.Material()
        if domain is None:
            providers = tuple(make_provider(self.chance) for _ in range(3))
            bulk = tuple(make_provider(self.chance, bulk=True) for _ in range(2))
            domain = make_domain(self.chance, providers, bulk)
        self.domain = domain
        self._remotes = [make_remote(self.chance) for _ in range(30)]
        self.sent: list[Letter] = []

    # -- genuine -----------------------------------------------------------

    def send(self, when: datetime) -> tuple[Letter, Remote, Hop]:
        """Let somebody of the domain write; return the letter as it leaves the relay, where to, and its last hop."""
        chance, domain = self.chance, self.domain
        writer = chance.choice(domain.writers)
        remote = chance.choice(self._remotes)
        to = people.person(chance, remote.domain, remote.language)
        wording = words.ordinary(chance, writer.person.language, self._material, writer.person.name)
        letter = compose(
            writer.program, chance, author=writer.person, to=to, wording=wording, when=in_zone(when, writer.zone),
            host=f"{chance.choice(('pc', 'laptop', 'ws'))}{chance.randrange(1, 40)}.{domain.name}",
            reverse_path=domain.tagged(writer.person.address, when),
        )  # fmt: skip
        relay = chance.choice(domain.relays)
        made = queue_id(domain.style, chance)
        letter.queue_ids.append(made)
        if letter.message_id is None:
            letter.fields.append(("Message-ID", f"<{compact(when)}.{made}@{relay.helo}>"))
        client = people.home_line(chance)
        entry = Hop(
            client, relay.helo, in_zone(later(when, 1), domain.zone), made, letter.recipients[0],
            letter.envelope_from, tls=True, login=writer.person.address,
        )  # fmt: skip
        letter.put_on_top("Received", received(domain.style, entry))
        if domain.signer is not None:
            letter.put_on_top(
                "DKIM-Signature", domain.signer.signature(letter.fields, letter.body, int(when.timestamp()))
            )
        self.sent.append(letter.copy())
        hop = Hop(
            relay, remote.host.helo, in_zone(later(when, chance.randrange(2, _TRANSIT)), 0), "",
            letter.recipients[0], letter.envelope_from, tls=chance.yes(0.7),
        )  # fmt: skip
        return letter, remote, hop

    def genuine(self, when: datetime) -> Generated:
        """Send mail that fails, and return its report."""
        letter, remote, hop = self.send(when)
        refused = self.chance.yes(0.55)
        if refused:
            # The domain's own relay reports what the next server said in the session.
            fmt = BY_NAME[self.chance.choice(self.domain.formats)]
            if fmt.delayed or Stage.SESSION in fmt.stages:
                return self._report(Label.GENUINE, fmt, letter, remote, hop, own=True)
        return self._report(Label.GENUINE, self._format(), letter, remote, hop)

    # -- forged --------------------------------------------------------------

    def campaign(self) -> tuple[Wording, str]:
        """Invent a campaign of spam: what it says, and where its sender's addresses are drawn from."""
        language = self.chance.weighted(people.LANGUAGES)
        return words.spam(self.chance, language, self._material), self.chance.choice(
            ("guess", "guess", "known", "trap")
        )

    def forged(self, when: datetime, campaign: tuple[Wording, str]) -> Generated:
        """Let a zombie send spam in the domain's name; return the report about it."""
        chance, domain = self.chance, self.domain
        wording, source = campaign
        if source == "known":
            author = chance.choice(domain.writers).person
        elif source == "trap" and domain.traps:
            author = Person("", chance.choice(domain.traps), wording.language)
        else:
            author = Person("", people.dictionary_address(chance, domain.name), wording.language)
        zombie = people.home_line(chance)
        remote = chance.choice(self._remotes)
        to = Person("", people.dictionary_address(chance, remote.domain), remote.language)
        letter = compose(
            chance.weighted(SPAMWARE), chance, author=author, to=to, wording=wording,
            when=in_zone(when, chance.choice(people.ZONES[wording.language])), host=zombie.helo,
        )  # fmt: skip
        hop = Hop(
            zombie, remote.host.helo, later(when, chance.randrange(2, _TRANSIT)), "",
            letter.recipients[0], letter.envelope_from,
        )  # fmt: skip
        return self._report(Label.FORGED, self._format(), letter, remote, hop)

    # -- both ----------------------------------------------------------------

    def _format(self) -> Format:
        while True:
            fmt = self.chance.weighted(MET)
            if Stage.LOCAL in fmt.stages and not fmt.delayed:
                return fmt

    def _report(
        self, label: Label, fmt: Format, letter: Letter, remote: Remote, hop: Hop, *, own: bool = False
    ) -> Generated:
        """Write the report about *letter*: by the *remote* server that took it in, or by our *own* relay."""
        chance, domain = self.chance, self.domain
        style = domain.style if own else fmt.style
        made = letter.queue_ids[-1] if own else queue_id(style, chance)
        if not own:
            taken = Hop(hop.client, hop.by, hop.when, made, hop.for_address, hop.sender, tls=hop.tls)
            letter.put_on_top("Received", received(style, taken))
        returned = chance.choice(fmt.returns)
        failed_at = later(hop.when, 4 * 3600 if fmt.delayed else chance.randrange(1, 90))
        reporter = next(h for h in domain.relays if h.helo == hop.client.helo) if own else remote.host
        to = letter.author.address if fmt.answers_author else letter.envelope_from
        failure = Failure(
            chance=chance, host=reporter, organisation=domain.name if own else remote.domain,
            language=domain.language if own else remote.language, letter=letter,
            original=b"" if returned is Returned.NOTHING else letter.raw(), returned=returned,
            recipient=letter.recipients[0], original_recipient=letter.recipients[0],
            reason=chance.weighted(DELAYS if fmt.delayed else REASONS),
            stage=Stage.SESSION if own else Stage.LOCAL, remote=remote.host if own else None,
            client=hop.client, arrival=hop.when, failed_at=failed_at, to=to, queue_id=made,
        )  # fmt: skip
        notice = fmt.write(failure)
        arrived = in_zone(later(failed_at, chance.randrange(1, _TRANSIT)), domain.zone)
        trace: list[tuple[str, str]] = []
        first = local(style, chance, reporter.helo, failed_at, to)
        if not own or domain.mx.helo != reporter.helo:
            into = Hop(
                reporter,
                domain.mx.helo,
                arrived,
                queue_id(domain.style, chance),
                to,
                notice.reverse_path,
                tls=True,
            )
            trace.append(("Received", received(domain.style, into)))
        if first is not None:
            trace.append(("Received", first))
        head = [("Return-Path", f"<{notice.reverse_path}>"), ("Delivered-To", to), *trace, *notice.fields]
        return Generated(_bytes(head, notice.body), label, arrived, fmt.name, returned)

    def ordinary(self, when: datetime) -> Generated:
        """Let somebody outside write to the domain: a person, or a newsletter."""
        chance, domain = self.chance, self.domain
        remote = chance.choice(self._remotes)
        author = people.person(chance, remote.domain, remote.language)
        to = chance.choice(domain.writers).person
        bulk = chance.yes(0.2)
        wording = (words.spam if bulk else words.ordinary)(chance, remote.language, self._material)
        letter = compose(
            chance.weighted(PEOPLE), chance, author=author, to=to, wording=wording,
            when=in_zone(when, chance.choice(people.ZONES[remote.language])), host=f"pc.{remote.domain}",
        )  # fmt: skip
        if bulk:
            letter.fields.append(
                ("List-Unsubscribe", f"<https://{remote.domain}/u/{chance.token(BASE62, 16)}>")
            )
        if self.sent and chance.yes(0.3) and (answered := chance.choice(self.sent).message_id):
            letter.fields.append(("In-Reply-To", answered))
        arrived = later(when, chance.randrange(1, _TRANSIT))
        outside = Hop(
            people.home_line(chance),
            remote.host.helo,
            when,
            queue_id("postfix", chance),
            tls=True,
            login=author.address,
        )
        letter.put_on_top("Received", received(chance.choice(COMMON), outside))
        into = Hop(
            remote.host,
            domain.mx.helo,
            in_zone(arrived, domain.zone),
            queue_id(domain.style, chance),
            to.address,
            author.address,
            tls=True,
        )
        letter.put_on_top("Received", received(domain.style, into))
        head = [("Return-Path", f"<{author.address}>"), ("Delivered-To", to.address), *letter.fields]
        return Generated(_bytes(head, letter.body), Label.ORDINARY, arrived)


def _bytes(head: list[tuple[str, str]], body: bytes) -> bytes:
    text = "".join(f"{name}: {value}\n" for name, value in head)
    return text.encode("utf-8", "surrogateescape") + b"\n" + body


def careful_domain(seed: str) -> Protected:
    """Invent a domain with a relay of its own that signs all its mail, whose owner has configured everything."""
    for attempt in range(1_000):
        chance = Chance(f"{seed}/{attempt}")
        providers = tuple(make_provider(chance) for _ in range(3))
        bulk = (make_provider(chance, bulk=True),)
        domain = make_domain(chance, providers, bulk, care=1.0)
        own = domain.provider is None and domain.bulk is None and not domain.roams
        if (
            own
            and domain.signs_all
            and len(domain.writers) > 2
            and domain.traps
            and domain.ledger_source == "sync"
        ):
            return domain
    raise AssertionError("chance makes such domains often")


def mailbox(scene: Scene, *, ordinary: int, genuine: int, forged: int) -> list[Generated]:
    """Fill a mailbox.

    Args:
        scene: the world.
        ordinary: how many ordinary messages.
        genuine: how many genuine reports.
        forged: how many reports of forgeries, in floods.

    Returns:
        The messages in the order in which they came in.

    """
    chance = scene.chance
    span = timedelta(days=10).total_seconds()

    def some_time() -> datetime:
        return later(EPOCH, chance.randrange(int(span)))

    found = [scene.genuine(some_time()) for _ in range(genuine)]
    while len(found) < genuine + forged:
        campaign, begin = scene.campaign(), some_time()
        size = min(_SUBJECTS_PER_CAMPAIGN, genuine + forged - len(found))
        found += [scene.forged(later(begin, chance.randrange(_CAMPAIGN)), campaign) for _ in range(size)]
    found += [scene.ordinary(some_time()) for _ in range(ordinary)]
    return sorted(found, key=lambda message: (message.received_at, message.raw))
