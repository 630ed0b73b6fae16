"""From what was found to the bytes of an answer of the SPAMD protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.deliver.result_headers import (
    NAMES,
    NoPlaceError,
    header_end,
    header_start,
    plain,
    with_result_headers,
)
from classifier.deliver.spamd import Command, Request, answer

if TYPE_CHECKING:
    from classifier.deliver.judges import Found

#: The request header of our own filter that asks for all, see :mod:`classifier.deliver.client`.
_DETAILS = "x-backscatter-details"
_PROOF = "X-Backscatter-Proof"
_REPORT_LINES = 40


def respond(request: Request, found: Found) -> bytes:
    """Write the answer to a request about a message."""
    extra: tuple[tuple[str, str], ...] = ()
    if _DETAILS in request.headers:
        told = (plain(value, 1_800) for value in found.values)
        extra = (*zip(NAMES, told, strict=True), (_PROOF, "yes" if found.proof else "no"))
    body: bytes | None = None
    match request.command:
        case Command.SYMBOLS:
            body = ",".join(found.symbols).encode("ascii", "replace")
        case Command.REPORT | Command.REPORT_IFSPAM:
            wanted = request.command is Command.REPORT or found.spam.spam
            lines = [f"verdict: {found.values[0]}, {found.spam}", *found.reasons[:_REPORT_LINES]]
            body = "".join(f"{plain(line, 500)}\r\n" for line in lines).encode("ascii") if wanted else b""
        case Command.PROCESS | Command.HEADERS:
            body = _with_headers(request.body, found.values)
            if request.command is Command.HEADERS:
                body = body[: header_end(body, header_start(body))] if body else body
        case _:
            pass
    return answer(request, body, found.spam, extra)


def _with_headers(message: bytes, values: tuple[str, str, str, str]) -> bytes:
    try:
        return b"".join(with_result_headers(message, values))
    except NoPlaceError:
        return message
