"""Throw mutated requests at the SPAMD parser: ``python -m tests.soak.fuzz_spamd [atheris's options]``.

Needs atheris, which is no dependency of the project. Whatever comes, in
whatever pieces, the parser either takes it or refuses it with a ProtocolError,
holds no more than its limit, and never says two things about one request.
"""

from __future__ import annotations

import importlib
import sys

atheris = importlib.import_module("atheris")

with atheris.instrument_imports():
    from classifier.deliver.spamd import (
        MAX_HEADERS,
        ProtocolError,
        Request,
        RequestParser,
        SpamLine,
        answer,
        failure,
    )

LIMIT = 65_536


def outcome(data: bytes, size: int) -> Request | str:
    """Parse *data* in pieces of *size* bytes."""
    parser = RequestParser(LIMIT)
    try:
        for start in range(0, len(data), size):
            parser.feed(data[start : start + size])
            if parser.buffered > LIMIT + MAX_HEADERS + size:
                raise AssertionError("more is held than allowed")
        parser.end()
    except ProtocolError as error:
        if not failure(error).startswith(b"SPAMD/1.0 "):
            raise AssertionError("a failure without a status") from error
        return "refused"
    if parser.request is None:
        raise AssertionError("neither taken nor refused")
    reply = answer(parser.request, b"x", SpamLine(spam=True, score=9.0))
    if not reply.startswith(b"SPAMD/1.") or b"\r\n" not in reply:
        raise AssertionError("an answer without a first line")
    return parser.request


def one(data: bytes) -> None:
    """One input of the fuzzer: its first byte says in which pieces it comes."""
    size, rest = (data[0] or 1, data[1:]) if data else (1, b"")
    whole, pieces = outcome(rest, max(1, len(rest))), outcome(rest, size)
    # A request line that ends a PING may be followed by anything, which the wire may cut off.
    if isinstance(whole, Request) and isinstance(pieces, Request) and whole != pieces:
        raise AssertionError("what is understood depends on how it was cut")


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
