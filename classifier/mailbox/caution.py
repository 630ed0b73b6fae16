"""Finds the one message at which a server hangs up, so that it costs itself alone.

Dovecot ends the session when it cannot read a message's file; others crash on
a message they cannot parse. Asked for again among others, such a message
would end every sweep at the same place. So after a lost connection fewer
messages are asked for at once, down to one; a message at which the connection
is lost twice is passed over from then on.
"""

from __future__ import annotations

from collections import Counter

from classifier.dataclass import dataclass, field

#: Messages asked for at once, from untroubled to most cautious.
STEPS = (125, 25, 5, 1)
#: A message at which the connection was lost so often is passed over.
TOO_OFTEN = 2


@dataclass
class Caution:
    """What one account's connections have taught, over all attempts of one sweep.

    Attributes:
        step: the index into :data:`STEPS`.
        asking: the folder and key asked for at this moment, where it is one alone.
        losses: how often the connection was lost at which one.

    """

    step: int = 0
    asking: tuple[str, str] | None = None
    losses: Counter[tuple[str, str]] = field(default_factory=Counter)
    _fetching: bool = False

    @property
    def at_once(self) -> int:
        """How many messages to ask for at once."""
        return STEPS[self.step]

    def ask(self, folder: str, keys: list[str]) -> None:
        """Note what is about to be asked for."""
        self._fetching = True
        self.asking = (folder, keys[0]) if len(keys) == 1 else None

    def answered(self) -> None:
        """Note that it was answered."""
        self._fetching = False
        self.asking = None

    def relax(self) -> None:
        """Note that a batch went through."""
        self.step = max(0, self.step - 1)

    def lost(self) -> bool:
        """Note that the connection was lost; say whether another attempt can find out more."""
        if not self._fetching:
            return False
        self._fetching = False
        if self.asking is not None:
            self.losses[self.asking] += 1
            self.asking = None
        else:
            self.step = min(self.step + 1, len(STEPS) - 1)
        return True

    def hopeless(self, folder: str, key: str) -> bool:
        """Say whether this message is to be passed over."""
        return self.losses[folder, key] >= TOO_OFTEN
