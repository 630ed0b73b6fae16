"""Speed against the standard library's parser on the same mail in the same run: no machine matters.

The bounds are two thirds of what was measured when they were written (0.63, 6.1 and
0.28, within three per cent on a busy machine), so that work done twice is noticed: that
is tried, too. The figures themselves are made by ``python -m tests.benchmarks.parser_coverage``
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
#: As fast as the standard library's parser is 1.
PARSE, TRIAGE, VERDICT = 0.42, 4.1, 0.19


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


def twice(work):
    """Return a function that does the *work* two times."""

    def slower(mail):
        work(mail)
        work(mail)

    return slower


@pytest.mark.parametrize("times", [1, 2])
def test_parse(reports, times):
    assert (ratio(parse if times == 1 else twice(parse), reports) > PARSE) == (times == 1)


@pytest.mark.parametrize("times", [1, 2])
def test_triage(reports, times):
    headers = [raw[: re.search(rb"\n\r?\n", raw).end()] for raw in messages("ordinary")]
    work = may_be_report if times == 1 else twice(may_be_report)
    assert (ratio(work, headers, others=reports) > TRIAGE) == (times == 1)


@pytest.mark.parametrize("times", [1, 2])
def test_verdict(reports, times):
    with Runtime(None, StoreUse.READ) as runtime:
        assert runtime.examine(reports[0]).judgement.model is not None
        work = runtime.examine if times == 1 else twice(runtime.examine)
        assert (ratio(work, reports) > VERDICT) == (times == 1)
