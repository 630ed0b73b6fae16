"""Speed against the standard library's parser on the same mail in the same run: no machine matters.

The bounds are generous: half of what was measured when they were written, or less
(0.63, 6.2 and, on a busy machine, 0.34 for a verdict with the model on these short
messages). The figures themselves are made by ``python -m tests.benchmarks.parser_coverage``
and ``judging_speed``.
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
from classifier.runtime import Runtime, StoreUse

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


def test_verdict(reports):
    with Runtime(None, StoreUse.READ) as runtime:
        assert runtime.examine(reports[0]).judgement.model is not None
        assert ratio(runtime.examine, reports) > 0.12
