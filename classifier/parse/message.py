"""The front door: bytes in, :class:`~classifier.parse.report.Report` out."""

from __future__ import annotations

from classifier.parse.headers import HeaderBlock
from classifier.parse.report import Envelope, Report
from classifier.vocabulary import ReportKind


def parse(raw: bytes, envelope: Envelope | None = None) -> Report:
    """Take the message *raw* apart. Never raises on content."""
    head = raw.partition(b"\n\n")[0]
    return Report(ReportKind.OTHER, "", HeaderBlock(head), envelope or Envelope())
