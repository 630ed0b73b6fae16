"""How much of a message is read: every bound of the parser, with its reason.

Passing one is no error. It is told in :attr:`classifier.parse.report.Report.notes`,
and what was read before it counts.
"""

from __future__ import annotations

#: Levels of parts inside parts. Real reports have four; Haraka's, the deepest
#: seen, has seven. Each level scans the bytes below it once more.
MAX_DEPTH = 16
#: Parts of one message. A digest of a busy list has some hundreds.
MAX_PARTS = 1_000
#: Bytes of one header section; beyond it is body. The longest real ones are
#: below 64 KiB, and MTAs refuse far shorter ones (Postfix: 100 kB).
MAX_HEADER_BYTES = 1 << 20
#: Lines without a field name that are looked at in one header section.
MAX_STRAY_LINES = 200
#: Characters of the human-readable text that is kept and searched for words.
MAX_TEXT_CHARS = 1 << 18
#: Bytes of a delivery-status part: some 10,000 recipients.
MAX_STATUS_BYTES = 1 << 22
#: Recipients of one report. RFC 5321 section 4.5.3.1.8 obliges servers to take
#: 100 in a transaction; large ones take 1,000.
MAX_RECIPIENTS = 2_000
#: Received fields of one header section: MTAs give up at 100 hops (RFC 5321
#: section 6.3) or sooner.
MAX_HOPS = 100
#: Characters of one Received field that are tokenised.
MAX_HOP_CHARS = 2_000
#: Text parts that are searched for an inline original.
MAX_INLINE_PARTS = 8
#: Bytes of a text part that are decoded in the search for an inline original.
MAX_INLINE_BYTES = 1 << 22
#: Parts of the message itself that are looked at; a report has its own among the first.
MAX_OWN_PARTS = 64
