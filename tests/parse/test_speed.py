"""Speed against the standard library's parser on the same mail in the same run: no machine matters.

The bounds are generous: half of what was measured when they were written (0.63
and 6.2 on these short messages, 0.78 and 7.9 on real ones). The figures themselves are made by ``python -m tests.benchmarks.parser_coverage``.
"""

from __future__ import annotations

import contextlib
import email
import mailbox
import re
import statistics
import time
from pathlib import Path

import pytest

from classifier.parse.message import parse
from classifier.parse.triage import may_be_report

SAMPLE = Path(__file__).resolve().parents[2] / "data" / "sample"
ROUNDS = 7


def messages(*names):
    """Return the messages of the sample mailboxes."""
    found = []
    for name in names:
        with contextlib.closing(mailbox.mbox(SAMPLE / f"{name}.mbox", create=False)) as box:
            found += [mail.as_bytes() for mail in box]
    return found


@pytest.fixture(scope="module")
def reports():
    return messages("forged", "genuine")


def ratio(work, mails, other=email.message_from_bytes, others=None):
    """Return how many times as fast as *other* the *work* goes through as many messages: the median of the rounds."""
    found = []
    for _ in range(ROUNDS):
        took = []
        for run, over in ((work, mails), (other, others or mails)):
            began = time.process_time()
            for mail in over:
                run(mail)
            took.append((time.process_time() - began) / len(over))
        found.append(took[1] / took[0])
    return statistics.median(found)


def test_parse(reports):
    assert ratio(parse, reports) > 0.3


def test_triage(reports):
    headers = [raw[: re.search(rb"\n\r?\n", raw).end()] for raw in messages("ordinary")]
    assert ratio(may_be_report, headers, others=reports) > 3
