"""A small number of kills in every run of the suite; `make soak` makes 300 of each."""

from __future__ import annotations

import random

from tests.mailbox.dovecot import User
from tests.soak.kills import Tally, kill_imap, kill_once, sweep_maildir

SEED = 20260301


def test_kills_of_an_imap_sweep(moving_server, tmp_path):
    tally = kill_imap(moving_server, tmp_path, 4, SEED, 300)
    assert tally.kills == 4


def test_kills_of_a_maildir_sweep(tmp_path):
    tally = Tally()
    moment = random.Random(SEED)
    for number in range(8):
        user = User("local", tmp_path / f"mail{number}" / "Maildir", (-1, -1))
        user.make_folder("INBOX")
        kill_once(
            user,
            sweep_maildir,
            (user.maildir,),
            tmp_path / f"{number}.sqlite3",
            moment=moment,
            tally=tally,
            messages=300,
        )
    assert tally.kills + tally.missed == 8
