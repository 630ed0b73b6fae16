"""Asking the person at the terminal, each question until its answer can be used; without one, options must say it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from classifier.cli.context import say

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeVar

    T = TypeVar("T")


class Dialogue:
    """Questions and answers.

    Attributes:
        possible: whether somebody sits at a terminal.

    """

    def __init__(self) -> None:
        """See who is there."""
        self.possible = sys.stdin is not None and sys.stdin.isatty()

    def ask(self, what: str, option: str, *, default: str = "", read: Callable[[str], T]) -> T:
        """Ask until the answer can be read.

        Args:
            what: the question.
            option: the option that answers it where nobody can be asked.
            default: the answer that Enter gives; "": none.
            read: makes what is wanted of the answer; a ValueError of it says what is wrong.

        Raises:
            click.UsageError: nobody can be asked.

        """
        if not self.possible:
            raise click.UsageError(f"{option} is needed where nobody can be asked")
        while True:
            answer = click.prompt(what, default=default or None, err=True)
            try:
                return read(str(answer).strip())
            except ValueError as error:
                say(f"{error}")

    def optional(self, what: str, default: str = "") -> str:
        """Ask for what may be left out (``-``, or Enter where there is no *default*); "" if nobody can be asked."""
        if not self.possible:
            return ""
        answer = str(click.prompt(what, default=default, show_default=bool(default), err=True)).strip()
        return "" if answer == "-" else answer

    def yes(self, what: str, *, default: bool = True) -> bool:
        """Ask whether; *default* is what Enter says. No where nobody can be asked."""
        return self.possible and bool(click.confirm(what, default=default, err=True))

    def secret(self, what: str, *, empty: bool = False) -> str:
        """Ask for what nobody else is to see; *empty*: Enter alone is an answer, too."""
        default = "" if empty else None
        return str(click.prompt(what, default=default, show_default=False, hide_input=True, err=True))

    def names(self, what: str, found: Sequence[str], read: Callable[[str], object]) -> list[str]:
        """Have a list corrected: Enter takes what was found, ``-`` none of it.

        Args:
            what: the question.
            found: the list.
            read: reads one of its names; a ValueError of it says what is wrong.

        """

        def split(answer: str) -> list[str]:
            words = [] if answer == "-" else answer.replace(",", " ").split()
            for word in words:
                try:
                    read(word)
                except ValueError as error:
                    raise ValueError(f"{word} {error}") from None
            return list(dict.fromkeys(words))

        return self.ask(what, "", default=", ".join(found) or "-", read=split)
