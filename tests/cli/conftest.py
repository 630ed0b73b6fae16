"""The mail servers that tests of commands share."""

from tests.mailbox.servers import dotted_server, server

__all__ = ["dotted_server", "server"]
