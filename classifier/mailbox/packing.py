"""Packs reports for the way between two processes of one sweep, as plain values.

A pickle names each class and looks it up, writing and reading, and keeps note
of every object: that takes half as long as taking a report apart. Here both
sides know what comes in which place. What does not fit goes as a pickle.
"""

from __future__ import annotations

import marshal
import pickle
from datetime import datetime, timedelta, timezone
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from classifier.parse.headers import HeaderBlock
from classifier.parse.report import Original, Report, ReportedRecipient, TraceHop
from classifier.vocabulary import Completeness, DeliveryAction, RefusalStage, ReportKind

if TYPE_CHECKING:
    from classifier.parse.report import Envelope

_PLAIN, _PICKLED = b"=", b"p"
_SLOTS = HeaderBlock.__slots__
_of_headers = attrgetter(*_SLOTS)
_KINDS = {str(kind): kind for kind in ReportKind}
_COMPLETENESS = {str(completeness): completeness for completeness in Completeness}
_ACTIONS = {str(action): action for action in DeliveryAction}
_STAGES = {str(stage): stage for stage in RefusalStage}


def pack(report: Report) -> bytes:
    """Return *report*, less its envelope, as bytes for :func:`unpack`."""
    original = report.original
    try:
        return _PLAIN + marshal.dumps(
            (
                str(report.kind), report.format, _of_headers(report.headers),
                report.reporting_mta, report.received_from_mta, _date(report.arrival_date), report.envelope_id, report.fields,
                [_recipient(recipient) for recipient in report.recipients],
                (
                    str(original.completeness), _of_headers(original.headers), original.body, original.verbatim,
                    [_hop(hop) for hop in original.trace],
                ),
                [_hop(hop) for hop in report.trace],
                report.text, report.notes,
            )
        )  # fmt: skip
    except ValueError:
        return _PICKLED + pickle.dumps(report, pickle.HIGHEST_PROTOCOL)


def unpack(packed: bytes, envelope: Envelope) -> Report:
    """Return the report that was packed by another process of this program, with its *envelope*."""
    if packed[:1] == _PICKLED:
        found: Report = pickle.loads(packed[1:])  # noqa: S301 - written by this program
        return found
    (
        kind, form, headers, reporting_mta, received_from_mta, arrival_date, envelope_id, fields, recipients,
        (completeness, returned, body, verbatim, passed), trace, text, notes,
    ) = marshal.loads(memoryview(packed)[1:])  # noqa: S302 - written by this program  # fmt: skip
    return Report(
        _KINDS[kind],
        form,
        _headers(headers),
        envelope,
        reporting_mta,
        received_from_mta,
        _moment(arrival_date),
        envelope_id,
        fields,
        tuple([_unpacked_recipient(values) for values in recipients]),
        Original(
            _COMPLETENESS[completeness],
            _headers(returned),
            body,
            verbatim,
            tuple([_unpacked_hop(values) for values in passed]),
        ),
        tuple([_unpacked_hop(values) for values in trace]),
        text,
        notes,
    )


def _headers(values: tuple[Any, ...]) -> HeaderBlock:
    block = HeaderBlock.__new__(HeaderBlock)
    for slot, value in zip(_SLOTS, values, strict=True):
        setattr(block, slot, value)
    return block


def _date(when: datetime | str | None) -> Any:  # noqa: ANN401 - plain values
    if not isinstance(when, datetime):
        return when
    offset = when.utcoffset()
    if offset is None or when.fold or type(when.tzinfo) is not timezone:
        raise ValueError("not one that a message has")
    return (*when.timetuple()[:6], when.microsecond, offset.total_seconds())


def _moment(date: Any) -> Any:  # noqa: ANN401 - a datetime, a text, or None
    if not isinstance(date, tuple):
        return date
    year, month, day, hour, minute, second, microsecond, offset = date
    zone = timezone(timedelta(seconds=offset))
    return datetime(year, month, day, hour, minute, second, microsecond, zone)


def _recipient(recipient: ReportedRecipient) -> tuple[Any, ...]:
    action = recipient.action
    return (
        recipient.final_recipient, recipient.original_recipient, None if action is None else str(action),
        recipient.status, recipient.smtp_reply, recipient.remote_mta, recipient.diagnostic_code,
        str(recipient.stage), recipient.fields,
    )  # fmt: skip


def _unpacked_recipient(values: tuple[Any, ...]) -> ReportedRecipient:
    final, original, action, status, reply, remote_mta, diagnostic_code, stage, fields = values
    return ReportedRecipient(
        final, original, None if action is None else _ACTIONS[action],
        status, reply, remote_mta, diagnostic_code, _STAGES[stage], fields,
    )  # fmt: skip


def _hop(hop: TraceHop) -> tuple[Any, ...]:
    return (
        hop.raw, hop.helo, hop.client_name, hop.client_address, hop.by,
        hop.protocol, hop.queue_id, hop.for_address, _date(hop.dated),
    )  # fmt: skip


def _unpacked_hop(values: tuple[Any, ...]) -> TraceHop:
    raw, helo, client_name, client_address, by, protocol, queue_id, for_address, dated = values
    return TraceHop(
        raw, helo, client_name, client_address, by, protocol, queue_id, for_address, _moment(dated)
    )
