"""How a sweep closes in on the message at which a server hangs up, and passes over that one alone."""

from __future__ import annotations

from classifier.mailbox.caution import STEPS, TOO_OFTEN, Caution


def test_fewer_are_asked_for_after_each_loss_and_more_after_each_batch():
    caution = Caution()
    seen = [caution.at_once]
    for _ in range(len(STEPS)):
        caution.ask("INBOX", ["1", "2"])
        assert caution.lost()
        seen.append(caution.at_once)
    assert seen == [125, 25, 5, 1, 1]
    for _ in range(len(STEPS)):
        caution.relax()
        seen.append(caution.at_once)
    assert seen[5:] == [5, 25, 125, 125]


def test_a_message_that_was_asked_for_alone_is_passed_over_after_two_losses():
    caution = Caution()
    for _ in range(TOO_OFTEN):
        assert not caution.hopeless("INBOX", "7")
        caution.ask("INBOX", ["7"])
        assert caution.lost()
        assert caution.at_once == STEPS[0], "it was that one"
    assert caution.hopeless("INBOX", "7")
    assert not caution.hopeless("INBOX", "8")
    assert not caution.hopeless("Lists", "7")
    assert TOO_OFTEN == 2


def test_a_loss_while_nothing_was_asked_for_teaches_nothing():
    caution = Caution()
    assert not caution.lost()
    caution.ask("INBOX", ["7"])
    caution.answered()
    assert caution.asking is None
    assert not caution.lost()
    caution.ask("INBOX", ["7"])
    assert caution.lost()
    assert not caution.lost(), "once for each time"
    assert (caution.at_once, caution.losses.total()) == (STEPS[0], 1)


def test_what_was_asked_for_before_is_not_blamed():
    caution = Caution()
    caution.ask("INBOX", ["7"])
    caution.ask("INBOX", ["8", "9"])
    assert caution.lost()
    assert (caution.at_once, caution.losses.total()) == (STEPS[1], 0)
