"""What an answer from a nameserver may be, and what is raised where there is none that can be used."""

from __future__ import annotations

#: So many aliases are followed (RFC 1034 section 3.6.2 sets no limit).
MAX_ALIASES = 8
#: An answer with more records or text than this is none.
MAX_RECORDS = 200
MAX_CHARS = 65_536


class NoAnswerError(Exception):
    """No nameserver gave a usable answer; the message says why.

    Attributes:
        timed_out: True where the time ran out.

    """

    def __init__(self, note: str, *, timed_out: bool = False) -> None:
        """Keep why."""
        super().__init__(note)
        self.timed_out = timed_out
