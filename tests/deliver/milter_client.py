"""The mail server's side of libmilter's protocol, to say what no well-behaved one does."""

from __future__ import annotations

import socket
import struct

#: SMFIC_* and SMFIR_* of libmilter's mfdef.h.
NEGOTIATE = b"O"
ANSWERS = b"a", b"c", b"d", b"r", b"t", b"y", b"s"


class MilterClient:
    """One connection; every command that is answered gives the letter of the answer, modifications before it are kept.

    Attributes:
        asked_for: the modifications of the last message, (letter, data).

    """

    def __init__(self, port, steps=0):
        self._socket = socket.create_connection(("127.0.0.1", port), 30)
        self.asked_for = []
        self._write(b"O", struct.pack("!III", 6, 0x1FF, steps))
        command, _ = self._read()
        assert command == NEGOTIATE

    def _write(self, command, data=b""):
        self._socket.sendall(struct.pack("!I", len(data) + 1) + command + data)

    def _read(self):
        size = struct.unpack("!I", self._exactly(4))[0]
        data = self._exactly(size)
        return data[:1], data[1:]

    def _exactly(self, size):
        data = b""
        while len(data) < size:
            piece = self._socket.recv(size - len(data))
            assert piece, "the milter hung up"
            data += piece
        return data

    def say(self, command, data=b""):
        """Send a command and wait for its answer."""
        self._write(command, data)
        while True:
            letter, told = self._read()
            if letter in ANSWERS:
                return letter
            self.asked_for.append((letter, told))

    def tell(self, command, data=b""):
        """Send a command that is not answered."""
        self._write(command, data)

    def begin(self, mail_from=b"<>", rcpt_to=(b"<anna@example.org>",)):
        self.asked_for = []
        answers = [self.say(b"M", mail_from + b"\0")]
        return answers + [self.say(b"R", each + b"\0") for each in rcpt_to]

    def message(self, fields, body=b"", chunk=65_535):
        """Send a message; gives the answer to its end."""
        for name, value in fields:
            assert self.say(b"L", name + b"\0" + value + b"\0") == b"c", name
        self.say(b"N")
        for at in range(0, len(body), chunk):
            if self.say(b"B", body[at : at + chunk]) == b"s":
                break
        return self.say(b"E")

    def close(self):
        self._socket.close()
