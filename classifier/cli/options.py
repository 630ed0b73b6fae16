"""Options that several commands share."""

from __future__ import annotations

import click


class TakingAll(click.Command):
    """A command whose options with a metavar of "..." take all values that stand behind them, as a shell writes ``*.mbox``."""

    allow_extra_args = True

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        """Repeat such an option before each of its further values, as click wants it."""
        options = [p for p in self.params if isinstance(p, click.Option) and p.multiple]
        taking = {
            name for option in options if (option.metavar or "").endswith("...") for name in option.opts
        }
        given: list[str] = []
        name = ""  # of the option under way, with its values
        values: list[str] | None = None
        for at, argument in enumerate([*args, "--"]):
            if argument.startswith("-") and argument != "-":
                if values == []:
                    raise click.BadOptionUsage(name, f"Option {name!r} requires an argument.", context)
                if argument == "--":
                    given += args[at:]
                    break
                name, equals, value = argument.partition("=")
                values = ([value] if equals else []) if name in taking else None
                given += [argument] if values is None or equals else []
            elif values is None:
                given.append(argument)
            else:
                values.append(argument)
                given += [name, argument]
        rest = super().parse_args(context, given)
        if rest:
            context.fail(f"{rest[0]!r}: name it with {' or '.join(sorted(taking))}")
        return rest


account_option = click.option(
    "-a", "--account", "accounts", multiple=True, metavar="NAME", help="Only this account; may be repeated."
)
log_format_option = click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    help="How failures are written to standard error.",
)
jobs_option = click.option(
    "-j",
    "--jobs",
    type=click.IntRange(min=1),
    metavar="N",
    help="Judge by N processes. Default: one, and all cores where there is much mail.",
)
