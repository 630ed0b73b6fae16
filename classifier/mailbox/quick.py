"""Takes the answers that make up a sweep, FETCH with a literal, from the server without imaplib's detours.

imaplib matches six patterns against each answer and keeps a log of its lines
with their times: more than the server takes to find the message. Whatever is
not of the common form goes imaplib's way.
"""

from __future__ import annotations

import re
from typing import Any

#: An answer whose first literal follows, up to that, and the literal's bytes.
_FETCHED = re.compile(rb"\* ([0-9]{1,10}) FETCH (.*\{([0-9]+)\})\r\n")
#: A line that announces another one.
_FURTHER = re.compile(rb".*\{([0-9]+)\}\r\n")
_LINE_END = b"\r\n"


def quick(kind: Any) -> Any:  # noqa: ANN401 - imaplib's or imapclient's class
    """Derive a class from *kind*, one of imaplib's, that takes FETCH answers as told above."""

    class Quick(kind):  # type: ignore[misc]
        #: A line that was read and is imaplib's to take.
        _ahead: bytes | None = None

        def readline(self) -> bytes:
            if self._ahead is not None:
                line, self._ahead = self._ahead, None
                return line
            try:
                read: bytes = super().readline()
            except self.error as error:
                # Of a line that is too long the rest is still to come, and would be taken for answers.
                raise self.abort(str(error)) from None
            return read

        def _get_response(self, *arguments: Any, **named: Any) -> bytes | None:  # noqa: ANN401 - from 3.14 on some
            line = b"" if arguments or named else self.readline()
            found = _FETCHED.fullmatch(line)
            if found is None:
                self._ahead = line or None
                response: bytes | None = super()._get_response(*arguments, **named)
                return response
            announced, size = found[1] + b" " + found[2], found[3]
            while True:
                literal = self.read(int(size))
                pieces = self.untagged_responses.setdefault("FETCH", [])
                pieces.append((announced, literal))
                rest = self.readline()
                further = _FURTHER.fullmatch(rest)
                if further is None:
                    break
                announced, size = rest[: -len(_LINE_END)], further[1]
            if not rest.endswith(_LINE_END):
                self._ahead = rest
                self._get_line()  # raises what imaplib raises at a broken end
            pieces.append(rest[: -len(_LINE_END)])
            return line[: -len(_LINE_END)]

    return Quick
