"""Other mail programs, at work on a mailbox at the same time."""

from __future__ import annotations

import contextlib
import random
import threading
from typing import TYPE_CHECKING, Any

from imapclient import IMAPClient

from tests.mailbox.daemon import PASSWORD, ImapServer, name_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CLIENTS = 50


@contextlib.contextmanager
def many_clients(server: ImapServer, user: Any, uids: Sequence[int]) -> Iterator[list[Exception]]:
    """Let fifty clients mark *uids* as deleted, and one in five expunge; yields what failed in them."""
    stop = threading.Event()
    failures: list[Exception] = []

    def interfere(number: int) -> None:
        chance = random.Random(number)
        try:
            with IMAPClient("127.0.0.1", server.port, ssl=False, timeout=60) as client:
                client.login(name_of(user), PASSWORD)
                client.select_folder("INBOX")
                while not stop.is_set():
                    if client.add_flags([chance.choice(uids)], [b"\\Deleted"]) and number % 5 == 0:
                        client.expunge()
                    client.noop()
                    stop.wait(0.05)
        except Exception as error:  # noqa: BLE001 - told by the test
            failures.append(error)

    threads = [threading.Thread(target=interfere, args=(n,)) for n in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        yield failures
    finally:
        stop.set()
        for thread in threads:
            thread.join()
