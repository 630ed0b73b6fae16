"""Non-standard reports: what they say in free text, read by a few general rules."""

from __future__ import annotations

from classifier.parse.formats.findings import FreeTextFindings, read, responder

__all__ = ["FreeTextFindings", "read", "responder"]
