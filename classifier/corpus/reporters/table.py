"""All formats in one table."""

from __future__ import annotations

from classifier.corpus.chance import Weighted
from classifier.corpus.reporters import exchange, groupware, providers, replies, unix

#: Whatever can report about mail that anybody sent.
FORMATS = (*unix.FORMATS, *exchange.FORMATS, *providers.FORMATS, *groupware.FORMATS, *replies.FORMATS)
#: Programs on our own hosts that report what our relay refused.
INNER = unix.INNER
BY_NAME = {fmt.name: fmt for fmt in (*FORMATS, *INNER)}
#: Formats by how often they are met.
MET = Weighted((fmt, fmt.weight) for fmt in FORMATS)
