"""``backscatter train``: fit the model to the user's own mail; never a worse one in place silently."""

from __future__ import annotations

import contextlib
import math
import os
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import click

from classifier.cli.context import App, say
from classifier.cli.options import TakingAll, jobs_option
from classifier.errors import InputError
from classifier.model import files
from classifier.settings import PolicySettings, default_store
from classifier.workers import has_space

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.store.lock import Lock
    from classifier.training.collect import Given
    from classifier.training.collect import Labelled as Collected
    from classifier.training.retrain import Figures, Outcome

#: Generated reports that stand beside the user's.
BACKGROUND = 4_000
#: Log loss of saying one half of everything.
COIN = math.log(2)
#: Inputs that could not be used are named up to this number.
_NAMED = 10


@click.command(name="train", cls=TakingAll, short_help="Fit the model to labelled mail of your own.")
@click.option("--genuine", multiple=True, metavar="PATH...", help="Reports about mail that was really sent.")
@click.option("--forged", multiple=True, metavar="PATH...", help="Reports about mail that was not.")
@click.option(
    "--account", "accounts", multiple=True, metavar="NAME", help="What was moved by hand in this account."
)
@click.option("--told", is_flag=True, help="What mail programs said of reports through serve (TELL).")
@click.option("--bootstrap", is_flag=True, help="No labels: learn from the account's Sent and Junk folders.")
@click.option("--replace", is_flag=True, help="Put the new model in place even where it is not better.")
@click.option("--rollback", is_flag=True, help="Put the model before back in place.")
@jobs_option
@click.pass_obj
def command(
    app: App,
    *,
    genuine: tuple[str, ...],
    forged: tuple[str, ...],
    accounts: tuple[str, ...],
    told: bool,
    bootstrap: bool,
    replace: bool,
    rollback: bool,
    jobs: int | None,
) -> int:
    """Fit the model to labelled mail of your own.

    PATHs are .eml files, mboxes, Maildirs and folders. The new model takes the
    place of the one in use only if it does better on a part of the mail that
    it was not fitted on, and loses no more genuine reports elsewhere. Exit status 1:
    some messages could not be used, or the labels look exchanged.
    """
    store = default_store() if app.config is None else app.config.store
    if rollback:
        if genuine or forged or accounts or told or bootstrap or replace:
            raise click.UsageError("--rollback stands alone")
        with _alone(store):
            click.echo(f"{files.roll_back(store)} is in use")
        return 0
    if not (genuine or forged or accounts or told or bootstrap):
        raise click.UsageError(
            "name mail with --genuine and --forged, or use --account, --told or --bootstrap"
        )
    if not has_space():
        raise InputError(
            "training takes more memory than this process may have", remedy="allow more (ulimit -v), 1 GB say"
        )
    sources = _Sources(genuine=genuine, forged=forged, accounts=accounts, told=told, bootstrap=bootstrap)
    with _alone(store):
        outcome, unusable = _trained(app, store, sources, jobs)
        _tell(outcome, loss=(PolicySettings() if app.config is None else app.config.policy).max_genuine_loss)
        if outcome.better or replace:
            files.put_in_place(outcome.model, store)
            click.echo(
                f"{outcome.model.name} is in use, with the next report also in what runs; --rollback takes it back"
            )
        else:
            click.echo(f"{_why(outcome)}; the model in use stays; --replace overrides that")
    return 1 if unusable or (outcome.exchanged and not replace) else 0


def _alone(store: str) -> Lock:
    """Return what keeps another ``train`` out: the model that this one is compared with stays the one in use."""
    from classifier.store.lock import Lock  # noqa: PLC0415 - --help needs none of it

    return Lock(files.beside(store), "train", "train", what="the model of your own")


@dataclass(frozen=True, kw_only=True)
class _Sources:
    """Where labelled mail is to come from."""

    genuine: tuple[str, ...]
    forged: tuple[str, ...]
    accounts: tuple[str, ...]
    told: bool
    bootstrap: bool

    def messages(self, app: App) -> Iterator[Given]:
        """Yield everything that was named."""
        from classifier.sources import messages  # noqa: PLC0415 - --help needs none of it
        from classifier.training.collect import Given  # noqa: PLC0415 - likewise

        for paths, is_forged in ((self.genuine, False), (self.forged, True)):
            if paths:
                for message in messages(paths):
                    yield Given(message.source, message.raw, is_forged, message.error)
        if self.told:
            yield from _told(app.require_config().store)
        if not self.accounts and not self.bootstrap:
            return
        from classifier.mailbox.accounts import work_for  # noqa: PLC0415 - with an account only

        config = app.require_config()
        chosen = config.chosen_accounts(self.accounts)
        for account, work in zip(chosen, work_for(config, chosen), strict=True):
            if self.bootstrap:
                from classifier.training.bootstrap import bootstrapped  # noqa: PLC0415 - likewise

                found = bootstrapped(work, account.sent, config, partial(_count, account.name))
            else:
                from classifier.mailbox.labelled import labelled_messages  # noqa: PLC0415 - likewise

                found = labelled_messages(work, config.store, partial(_count, account.name))
            for number, (raw, is_forged) in enumerate(found, 1):
                yield Given(f"{account.name}#{number}", raw, is_forged, made=self.bootstrap)


def _count(account: str, found: object) -> None:
    click.echo(f"{account}: {found}")


def _read(app: App, sources: _Sources, jobs: int | None) -> Collected:
    """Read and measure all labelled mail, over processes where there is much, and say what could not be used."""
    from classifier.batch import jobs_for  # noqa: PLC0415 - --help needs none of it
    from classifier.present.progress import Progress  # noqa: PLC0415 - likewise
    from classifier.training.collect import Labelled, collected  # noqa: PLC0415 - likewise

    labelled = Labelled()

    def unread(given: Given, error: str) -> None:
        if labelled.unread <= _NAMED:
            progress.hide()
            say(f"{given.source}: {error}")

    jobs = jobs_for((*sources.genuine, *sources.forged), jobs)
    results = collected(app.config, sources.messages(app), labelled, jobs=jobs, unread=unread)
    with Progress("messages read") as progress, contextlib.closing(results):
        for _ in results:
            progress.advance()
    if labelled.unread > _NAMED:
        say(f"and {labelled.unread - _NAMED:,} more that could not be read")
    for remark in labelled.remarks():
        say(remark)
    return labelled


def _told(store: str) -> Iterator[Given]:
    from classifier.store.database import Database  # noqa: PLC0415 - see above
    from classifier.store.taught import TaughtMail  # noqa: PLC0415 - likewise
    from classifier.training.collect import Given  # noqa: PLC0415 - likewise

    if not os.path.exists(store):  # noqa: PTH110 - a string
        return
    with Database.open(store) as database:
        for number, message in enumerate(TaughtMail(database).messages(), 1):
            yield Given(f"told#{number}", message.raw, message.is_forged)


def _trained(app: App, store: str, sources: _Sources, jobs: int | None) -> tuple[Outcome, bool]:
    """Fit the candidate; say also whether there was mail that could not be used."""
    from datetime import UTC, datetime  # noqa: PLC0415 - see above

    from classifier.present.progress import Progress  # noqa: PLC0415 - see above
    from classifier.training.background import background  # noqa: PLC0415 - scikit-learn
    from classifier.training.examples import gathered  # noqa: PLC0415 - likewise
    from classifier.training.retrain import check, retrain  # noqa: PLC0415 - likewise

    labelled = _read(app, sources, jobs)
    own, keys = gathered(labelled.examples.values()), list(labelled.examples)
    # As arrays they take a third; much mail would stand twice in memory.
    labelled.examples.clear()
    check(own)
    current, notes = files.in_use(store)
    for note in notes:
        say(note)
    policy = PolicySettings() if app.config is None else app.config.policy
    now = datetime.now(UTC)
    counts = {"genuine": int((own.labels == 0).sum()), "forged": int(own.labels.sum())}
    card = {"made": now.date().isoformat(), "own": counts, "generated": BACKGROUND}
    with Progress("generated reports measured") as progress:
        generated, others = (
            background(BACKGROUND, seed=seed, jobs=jobs, advance=progress.advance)
            for seed in ("retrain", "retrain/elsewhere")
        )
    click.echo(
        f"fitting on {len(own):,} reports of yours ({counts['genuine']:,} genuine, {counts['forged']:,} "
        f"forged; a third of them is held out) and {len(generated):,} generated ones"
    )
    outcome = retrain(
        own,
        keys,
        generated,
        others,
        current,
        shipped=files.shipped(),
        name=f"own-{now:%Y-%m-%d.%H%M%S}",
        policy=policy,
        card=card,
        configured=app.config is not None,
        jobs=jobs,
    )
    return outcome, bool(labelled.unread or labelled.contradicting)


def _tell(outcome: Outcome, loss: float) -> None:
    for heading, before, after in (
        ("on the part of yours that was held out:", outcome.before, outcome.after),
        ("on generated reports of other domains:", outcome.elsewhere_before, outcome.elsewhere_after),
    ):
        click.echo(heading)
        for title, figures in (("in use", before), ("new", after)):
            if figures is not None:
                click.echo(f"  {title:8} {_row(figures)}")
    click.echo(f"cross-validated log loss on the rest of yours: {outcome.cross_validated:.4f}")
    click.echo(f"(log loss: less is better; {COIN:.2f} is what a coin would do)")
    if outcome.exchanged:
        say(
            "the labels look exchanged: the model in use finds most of the reports given as genuine more like forged "
            "than those given as forged; check which is which"
        )
    if outcome.promised:
        click.echo(
            f"promise: at most {loss:.2%} of genuine reports like these are quarantined, at 95 % confidence, "
            f"as {outcome.model.promise.genuine:,} that were held out show"
        )
    else:
        click.echo(
            f"no promise: {outcome.model.promise.genuine:,} different genuine reports that came in were held out, and it "
            f"takes {outcome.missing:,} more; the default model's threshold is kept"
        )


def _why(outcome: Outcome) -> str:
    """Say why a candidate does not take the other's place."""
    if outcome.exchanged:
        return "the labels look exchanged"
    for place, before, after in (
        ("here", outcome.before, outcome.after),
        ("elsewhere", outcome.elsewhere_before, outcome.elsewhere_after),
    ):
        if before is not None and after.genuine_moved > before.genuine_moved:
            return f"the new model would quarantine more genuine reports {place}"
    return "the new model does no better on your reports"


def _row(figures: Figures) -> str:
    return (
        f"log loss {figures.log_loss:.4f}; forged quarantined {figures.forged_moved:,} of {figures.forged:,}, "
        f"genuine {figures.genuine_moved:,} of {figures.genuine:,}"
    )
