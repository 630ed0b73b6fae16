"""The servers that these tests share."""

from tests.mailbox.servers import (
    account,
    dotted_server,
    moving_server,
    server,
    server_without_both,
    server_without_move,
)
from tests.mailbox.tokens import tokens

__all__ = [
    "account",
    "dotted_server",
    "moving_server",
    "server",
    "server_without_both",
    "server_without_move",
    "tokens",
]
