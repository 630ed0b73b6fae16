"""Genuine mail as it is written, by people and by programs."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from classifier.corpus import people, words
from classifier.corpus.chance import in_zone
from classifier.corpus.programs import MACHINES, compose

if TYPE_CHECKING:
    from datetime import datetime

    from classifier.corpus.chance import Chance
    from classifier.corpus.domains import Writer
    from classifier.corpus.letter import Letter
    from classifier.corpus.people import Person
    from classifier.corpus.programs import Program
    from classifier.corpus.words import Wording
    from classifier.corpus.world import Remote, World

#: Share of the genuine mail of people that reads like advertising.
_PEOPLE_SPAM = 0.12


def to_somebody(world: World) -> tuple[Remote, Person]:
    """Choose whom mail is written to, and his domain."""
    remote = world.chance.choice(world.remotes)
    return remote, people.person(world.chance, remote.domain, remote.language)


def wording(world: World, language: str, author: str, spam: float) -> Wording:
    """Choose what is written; with the probability *spam* it reads like advertising."""
    if world.chance.yes(spam):
        return words.spam(world.chance, language, world.material)
    return words.ordinary(world.chance, language, world.material, author)


def _clock(chance: Chance, when: datetime) -> datetime:
    """Return what the writer's clock says; of real mail, one in sixty has a Date that is days from its arrival."""
    if not chance.yes(1 / 60):
        return when
    # It lay in an outbox over the holidays, or the computer has lost its clock's battery.
    return when - timedelta(days=chance.randrange(2, 30) if chance.yes(0.6) else chance.randrange(300, 3_000))


def written_by_person(
    world: World, when: datetime, writer: Writer | None = None, program: Program | None = None
) -> tuple[Letter, Remote]:
    """Let a person of the domain write to somebody."""
    chance, domain = world.chance, world.domain
    writer = writer or chance.choice(domain.writers)
    remote, to = to_somebody(world)
    letter = compose(
        program or writer.program, chance, author=writer.person, to=to, wording=wording(world, writer.person.language, writer.person.name, _PEOPLE_SPAM),
        when=in_zone(_clock(chance, when), writer.zone), host=f"{chance.choice(('pc', 'laptop', 'ws'))}{chance.randrange(1, 40)}.{domain.name}",
        reverse_path=domain.tagged(writer.person.address, when),
    )  # fmt: skip
    return letter, remote


def written_by_program(
    world: World,
    when: datetime,
    kind: str,
    author: Person | None,
    *,
    spam: float,
    reverse_path: str,
    host: str,
    to: Person | None = None,
) -> tuple[Letter, Remote]:
    """Let a program of this *kind* write, where nobody is named to somebody of the world; without an *author*, in his name."""
    remote, somebody = to_somebody(world)
    letter = compose(
        MACHINES[kind], world.chance, author=author or somebody, to=to or somebody, wording=wording(world, world.domain.language, "", spam),
        when=in_zone(_clock(world.chance, when), world.domain.zone), host=host, reverse_path=world.domain.tagged(reverse_path, when) if reverse_path.endswith(world.domain.name) else reverse_path,
    )  # fmt: skip
    return letter, remote
