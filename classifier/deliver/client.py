"""Asks a running ``backscatter serve``; whatever goes wrong, there is no answer and no error."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from classifier.deliver.result_headers import NAMES, plain

if TYPE_CHECKING:
    import socket

    from classifier.config_values import SpamdAddress
else:
    # What the module "socket" wraps, for 4 ms, to turn constants into enumerations.
    import _socket as socket

#: A server on the same machine accepts at once, or is overrun. In seconds.
CONNECT_TIME = 0.5
#: The request headers of our own: what is known of the envelope, and that the answer is to name everything.
ENVELOPE_FROM, ENVELOPE_TO, DETAILS = "X-Envelope-From", "X-Envelope-To", "X-Backscatter-Details"
#: The answer's header that says "yes" where the verdict rests on proof.
PROOF = "X-Backscatter-Proof"
_MAX_ANSWER = 32_768


class Answer:
    """A server's answer.

    Attributes:
        values: the values of the result headers.
        proof: True where the verdict rests on proof.

    """

    __slots__ = ("proof", "values")

    def __init__(self, values: tuple[str, str, str, str], *, proof: bool) -> None:
        """Keep it."""
        self.values = values
        self.proof = proof


def ask(
    address: SpamdAddress, message: bytes, mail_from: str | None, rcpt_to: str | None, seconds: float
) -> Answer | None:
    """Let a server judge *message*.

    Args:
        address: where it may be.
        message: the message.
        mail_from: the reverse path, "" for the null sender, None unknown.
        rcpt_to: the recipient, None unknown.
        seconds: how long it may take in all.

    Returns:
        The answer; None where no server answers in time, or no server of ours.

    """
    if address.path and not os.path.exists(address.path):  # noqa: PTH110 - pathlib costs 5 ms
        return None
    end = time.monotonic() + seconds
    head = f"CHECK SPAMC/1.5\r\nContent-length: {len(message)}\r\n{DETAILS}: 1\r\n"
    if mail_from is not None:
        head += f"{ENVELOPE_FROM}: {_one_line(f'<{mail_from}>')}\r\n"
    if rcpt_to:
        head += f"{ENVELOPE_TO}: {_one_line(rcpt_to)}\r\n"
    try:
        return _read(_exchange(address, head.encode() + b"\r\n", message, end))
    except (OSError, ValueError):
        return None


def _exchange(address: SpamdAddress, head: bytes, message: bytes, end: float) -> bytes:
    place: object
    if address.path:
        family, place = socket.AF_UNIX, address.path
    else:
        [(family, _, _, _, place), *_] = socket.getaddrinfo(address.host, address.port, 0, socket.SOCK_STREAM)
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.settimeout(CONNECT_TIME)
        connection.connect(place)
        connection.settimeout(_left(end))
        connection.sendall(head + message)
        answer = b""
        while len(answer) < _MAX_ANSWER:
            connection.settimeout(_left(end))
            chunk = connection.recv(8192)
            if not chunk:
                break
            answer += chunk
        return answer
    finally:
        connection.close()


def _left(end: float) -> float:
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _one_line(text: str) -> str:
    """Return an address fit for a header: UTF-8 passes (RFC 6531), control characters do not."""
    return "".join(c for c in text[:1000] if c.isprintable())


def _read(answer: bytes) -> Answer | None:
    first, _, rest = answer.partition(b"\r\n")
    section, blank, _ = rest.partition(b"\r\n\r\n")
    words = first.split()
    if not blank or len(words) < 2 or not words[0].startswith(b"SPAMD/") or words[1] != b"0":
        return None
    headers = {}
    for line in section.split(b"\r\n"):
        name, _, value = line.partition(b":")
        headers[name.decode("ascii", "replace").lower()] = plain(
            value.decode("ascii", "replace").strip(), 2_000
        )
    values = tuple(headers.get(name.lower(), "") for name in NAMES)
    if not all(values):
        return None
    verdict, probability, kind, evidence = values
    return Answer((verdict, probability, kind, evidence), proof=headers.get(PROOF.lower()) == "yes")
