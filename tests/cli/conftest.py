"""The mail server that tests of commands share."""

from tests.mailbox.servers import server

__all__ = ["server"]
