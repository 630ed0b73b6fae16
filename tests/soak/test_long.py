"""What `make soak` runs: kills by the hundred, and a fault of every kind at every command."""

from __future__ import annotations

import os
import sys
import time

import pytest

from classifier.mailbox import mover
from tests.mailbox.proxy import FAULTS, Fault
from tests.mailbox.test_faults import check, fill, sweep_through
from tests.soak.kills import kill_imap

pytestmark = pytest.mark.soak
KILLS = 300
MESSAGES = 500


def say(text):
    """Print one line past pytest."""
    sys.stdout.write(f"\n{text}")
    sys.stdout.flush()


def test_kills(moving_server, tmp_path, request):
    seed = int(os.environ.get("BACKSCATTER_SEED") or time.time())
    started = time.monotonic()
    tally = kill_imap(moving_server, tmp_path, KILLS, seed, MESSAGES)
    say(
        f"{request.node.callspec.id}, seed {seed}: {tally} in {time.monotonic() - started:.0f} s; "
        "nothing lost, nothing doubled"
    )
    assert tally.kills == KILLS


@pytest.mark.parametrize("kind", FAULTS)
def test_faults_at_every_command(moving_server, tmp_path, kind, monkeypatch, request):
    monkeypatch.setattr(mover, "SECOND_LOOK", 0.02)
    for number in range(1000):
        user = moving_server.user()
        fill(user)
        before = user.census()["INBOX"]
        store = tmp_path / f"{number}.sqlite3"
        hit, _ = sweep_through(moving_server, user, store, Fault(kind, number=number), patience=1.0)
        check(moving_server, user, store, before)
        if not hit:  # the sweep has fewer commands
            break
    say(f"{request.node.callspec.id}: {number} commands, each hit once; nothing lost, nothing doubled")
    assert number > 10
