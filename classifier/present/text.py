"""Text from messages made fit for a terminal: nothing in it moves the cursor, hides or reorders."""

from __future__ import annotations

import unicodedata


def printable(text: str | None, limit: int = 500) -> str:
    """Return *text* on one line without anything that a terminal would obey.

    White space of every sort becomes a space, invisible formatting (bidi
    overrides, zero-width characters) goes, and what is left of control
    characters and broken encodings shows as U+FFFD.

    Args:
        text: from a message, or None.
        limit: how many characters of it are looked at.

    """
    if not text:
        return ""
    cut = text[:limit]
    if not cut.isprintable():
        cut = "".join(map(_shown, cut))
    cut = " ".join(cut.split())
    return f"{cut}…" if len(text) > limit else cut


def _shown(char: str) -> str:
    if char.isprintable():
        return char
    if char.isspace():
        return " "
    return "" if unicodedata.category(char) == "Cf" else "\ufffd"


def probability(value: float | None) -> str:
    """Return a probability of forged as people read it; never a certainty that it is not."""
    if value is None:
        return "-"
    return f"{min(max(value, 0.0001), 0.9999):.2%}"
