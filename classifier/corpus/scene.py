"""What happens around a protected domain: mail is sent, fails and is reported; and so is mail in its name.

Everything is drawn from one :class:`~classifier.corpus.chance.Chance`, so that
the same seed makes the same bytes.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from classifier.corpus import people, words
from classifier.corpus.chance import BASE62, EPOCH, Chance, in_zone, later
from classifier.corpus.crafts import Campaign, forge, make_campaign
from classifier.corpus.domains import Protected, make_domain
from classifier.corpus.era import era_of
from classifier.corpus.generated import Generated, Label, message_bytes
from classifier.corpus.outlets import make_provider
from classifier.corpus.programs import compose
from classifier.corpus.reporting import TRANSIT, report
from classifier.corpus.routes import route_shares, send
from classifier.corpus.trace import COMMON, Hop, queue_id, received
from classifier.corpus.world import World, make_remote

if TYPE_CHECKING:
    from classifier.corpus.letter import Letter

__all__ = ["Generated", "Label", "Scene", "careful_domain", "mailbox"]

#: Reports of one campaign come within so many seconds.
_CAMPAIGN = 6 * 3600
_REPORTS_PER_CAMPAIGN = 10
_REMOTES = 20


class Scene:
    """A protected domain and the world around it.

    Attributes:
        domain: the protected domain.
        sent: what it sent, in order.
        epoch: when what happens begins.

    """

    def __init__(
        self,
        seed: str,
        *,
        domain: Protected | None = None,
        year: int = EPOCH.year,
        care: float | None = None,
        material: words.Material | None = None,
    ) -> None:
        """Invent a world.

        Args:
            seed: the same makes the same.
            domain: the protected domain; default one is invented.
            year: when; what is used and met depends on it.
            care: how much the owner of an invented domain has configured, 0 to 1; None: drawn.
            material: real words; None: all are invented.

        """
        self.chance = chance = Chance(seed)
        self.epoch = datetime(year, EPOCH.month, EPOCH.day, tzinfo=UTC)
        self._material = material or words.Material()
        era = era_of(year)
        providers = tuple(make_provider(chance, year=year) for _ in range(3))
        if domain is None:
            bulk = tuple(make_provider(chance, bulk=True, year=year) for _ in range(2))
            domain = make_domain(chance, providers, bulk, care, epoch=self.epoch, programs=era.people)
        self.domain = domain
        self.world = World(
            chance, era, self.epoch, self._material, domain, [make_remote(chance, year) for _ in range(_REMOTES)], providers,
            tuple(people.domain_name(chance) for _ in range(4)), tuple(people.domain_name(chance) for _ in range(6)),
            tuple(make_remote(chance, year) for _ in range(3)),
        )  # fmt: skip
        route_shares(self.world)
        self.sent: list[Letter] = self.world.sent

    def genuine(self, when: datetime) -> Generated:
        """Send mail that fails, and return its report."""
        return report(self.world, send(self.world, when), Label.GENUINE)

    def campaign(self) -> Campaign:
        """Invent a campaign of spam."""
        return make_campaign(self.world)

    def forged(self, when: datetime, campaign: Campaign) -> Generated:
        """Let somebody send spam in the domain's name; return the report about it."""
        return report(self.world, forge(self.world, campaign, when), Label.FORGED)

    def ordinary(self, when: datetime) -> Generated:
        """Let somebody outside write to the domain: a person, or a newsletter."""
        chance, domain = self.chance, self.domain
        remote = chance.choice(self.world.remotes)
        author = people.person(chance, remote.domain, remote.language)
        to = chance.choice(domain.writers).person
        bulk = chance.yes(0.2)
        wording = (words.spam if bulk else words.ordinary)(chance, remote.language, self._material)
        letter = compose(
            chance.weighted(self.world.era.people), chance, author=author, to=to, wording=wording,
            when=in_zone(when, chance.choice(people.ZONES[remote.language])), host=f"pc.{remote.domain}",
        )  # fmt: skip
        if bulk:
            letter.fields.append(
                ("List-Unsubscribe", f"<https://{remote.domain}/u/{chance.token(BASE62, 16)}>")
            )
        if self.sent and chance.yes(0.3) and (answered := chance.choice(self.sent).message_id):
            letter.fields.append(("In-Reply-To", answered))
        arrived = later(when, chance.randrange(1, TRANSIT))
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
        return Generated(message_bytes(head, letter.body), Label.ORDINARY, arrived, spam=wording.spam)


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
        return later(scene.epoch, chance.randrange(int(span)))

    found = [scene.genuine(some_time()) for _ in range(genuine)]
    while len(found) < genuine + forged:
        campaign, begin = scene.campaign(), some_time()
        size = min(_REPORTS_PER_CAMPAIGN, genuine + forged - len(found))
        found += [scene.forged(later(begin, chance.randrange(_CAMPAIGN)), campaign) for _ in range(size)]
    found += [scene.ordinary(some_time()) for _ in range(ordinary)]
    return sorted(found, key=lambda message: (message.received_at, message.raw))
