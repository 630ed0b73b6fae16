"""An mbox in blocks is what it is by lines, wherever a block ends."""

import io

import pytest

from classifier.mbox import BLOCK, pieces

LINE = b"From a@example.org Thu Jan  1 10:00:00 2026\n"
MESSAGES = (
    b"A: b\n\n" + LINE + b"no field\n\nFrom here on: text\nFrom \n\n",
    b"A: b\r\n\r\ntext\r\n" + LINE + b"A: b\r\n\r\n",
    b"A: b\n\n" + LINE + b"text\n" + LINE + b"A: no empty line above\n\n",
    b"A: b\n\n" + b"x" * 150 + b"\n\n\n",
    b">From x\nA: b\n\nFrom " + b"y" * (BLOCK + 10) + b"\nA: b\n\n",
    b"A: b\n\n\n" + LINE,
)


def told(stream, block):
    found = []
    for separator, piece in pieces(stream, block):
        if separator:
            found.append((separator, b""))
        found[-1] = (found[-1][0], found[-1][1] + piece)
    return found


@pytest.mark.parametrize("block", [1, 2, 3, 5, 64, 127, 1000, BLOCK])
def test_blocks_end_anywhere(block):
    whole, expected = b"".join(LINE + message for message in MESSAGES), list(MESSAGES)
    if block < 64:  # a block at a time of so few bytes takes long
        whole = whole.replace(b"y" * BLOCK, b"")
        expected = [message.replace(b"y" * BLOCK, b"") for message in expected]
    assert told(io.BytesIO(whole), block) == [(LINE, message) for message in expected]
