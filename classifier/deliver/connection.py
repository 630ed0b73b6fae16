"""One client of the SPAMD server."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from classifier.deliver.spamd import RequestParser

if TYPE_CHECKING:
    import socket


class Connection:
    """One client.

    Attributes:
        socket: its socket, which never blocks.
        parser: takes its request.
        end: when its time is up, by the monotonic clock.
        begun: when it was accepted.
        left: what of the answer is still to be sent; None: no answer yet.
        watched: True while the reading thread waits for it; else it is with a worker.
        whole_at: when its request had come whole; None: not yet.

    """

    __slots__ = ("_unclaimed", "begun", "end", "left", "parser", "socket", "watched", "whole_at")

    def __init__(self, connection: socket.socket, max_message: int, seconds: float) -> None:
        """Take over an accepted connection: its message has at most so many bytes, and so many seconds to come."""
        connection.setblocking(False)
        self.socket = connection
        self.parser = RequestParser(max_message)
        self.begun = time.monotonic()
        self.end = self.begun + seconds
        self.left: memoryview | None = None
        self.watched = False
        self.whole_at: float | None = None
        self._unclaimed = [True]

    def claim(self) -> bool:
        """Say whether the caller is to answer: the first one who asks, a worker or whoever looks at the clock."""
        try:
            return self._unclaimed.pop()
        except IndexError:
            return False

    @property
    def command(self) -> str:
        """What is asked, for the counts."""
        request = self.parser.request
        return request.command.value if request else "none"
