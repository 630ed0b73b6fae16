"""What mail-parser makes of a field that our own reading finds nothing in.

mail-parser (the package) knows spellings of trace fields that nobody has
described. It is imported when it is asked for the first time: that costs more
than reading a thousand reports.
"""

from __future__ import annotations

from classifier.parse.dates import parse_date
from classifier.parse.report import TraceHop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

#: Hops of one message that are asked about.
_MAX_ASKED = 8


def reread(hops: Sequence[TraceHop]) -> tuple[TraceHop, ...]:
    """Return *hops* with those in which nothing was found read again by mail-parser."""
    if not any(map(_is_empty, hops)):
        return tuple(hops)
    asked = 0
    read: list[TraceHop] = []
    for hop in hops:
        if _is_empty(hop) and asked < _MAX_ASKED:
            asked += 1
            read.append(_read(hop))
        else:
            read.append(hop)
    return tuple(read)


def _is_empty(hop: TraceHop) -> bool:
    # "(qmail 123 invoked by uid 89)" names no host, and there is none to find.
    return not (hop.by or hop.helo or hop.client_address or hop.client_name or hop.raw.startswith("("))


def _read(hop: TraceHop) -> TraceHop:
    try:
        from mailparser.utils import parse_received  # noqa: PLC0415 - see above

        found = parse_received(hop.raw)
    except Exception as error:  # noqa: BLE001 - it raises whatever it likes on what it does not know
        import logging  # noqa: PLC0415 - 5 ms, for what happens once in thousands of reports

        logging.getLogger(__name__).debug("mail-parser reads no more: %s", type(error).__name__)
        return hop
    return TraceHop(
        raw=hop.raw,
        helo=_first_word(found.get("from")),
        by=_first_word(found.get("by")),
        protocol=found.get("with"),
        queue_id=_first_word(found.get("id")),
        for_address=(found.get("for") or "").strip("<> ") or None,
        dated=hop.when or parse_date(found.get("date")),
    )


def _first_word(text: str | None) -> str | None:
    words = (text or "").split()
    return words[0].strip("[]<>();,") or None if words else None
