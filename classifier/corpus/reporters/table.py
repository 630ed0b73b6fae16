"""All formats in one table."""

from __future__ import annotations

from classifier.corpus.reporters import exchange, groupware, providers, replies, unix

#: Whatever can report about mail that anybody sent.
FORMATS = (*unix.FORMATS, *exchange.FORMATS, *providers.FORMATS, *groupware.FORMATS, *replies.FORMATS)
#: Programs on our own hosts that report what our relay refused.
INNER = unix.INNER
BY_NAME = {fmt.name: fmt for fmt in (*FORMATS, *INNER)}
