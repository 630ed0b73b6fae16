"""A bound on the time of a whole conversation, however it is spun out.

A socket's own timeout begins anew with each byte that comes, and a TLS
handshake, a name or a header section is read inside libraries; so the
conversation is held by a thread of its own, which is left to itself when the
time is over and ends with the program at the latest.
"""

from __future__ import annotations

import queue
import threading
import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Item = TypeVar("Item")


def within(seconds: float, items: Iterable[Item]) -> Iterator[Item]:
    """Yield *items*, made in another thread, as they come.

    Raises:
        TimeoutError: not all came in time.
        Exception: whatever making them raises.

    """
    told: queue.SimpleQueue[tuple[Item] | BaseException | None] = queue.SimpleQueue()

    def make() -> None:
        try:
            for item in items:
                told.put((item,))
            told.put(None)
        except BaseException as error:  # noqa: BLE001 - raised where they are waited for
            told.put(error)

    threading.Thread(target=make, daemon=True).start()
    end = time.monotonic() + seconds
    while True:
        try:
            found = told.get(timeout=max(0.0, end - time.monotonic()))
        except queue.Empty:
            raise TimeoutError(f"it does not come to an end in {seconds:g} seconds") from None
        if found is None:
            return
        if isinstance(found, BaseException):
            raise found
        yield found[0]
