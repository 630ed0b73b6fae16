"""A server behind others: refuses by the recipient's first word, in the words of common servers, or takes and keeps."""

from __future__ import annotations

import contextlib
import socketserver
import threading

_AT_RCPT = {
    "unknown": "550 5.1.1 <{0}>: Recipient address rejected: User unknown in virtual mailbox table",
    "full": "552 5.2.2 <{0}>: Recipient address rejected: Mailbox is full",
    "slow": "451 4.3.0 <{0}>: Temporary lookup failure",
    "refused": "554 5.7.1 <{0}>: Recipient address rejected: Access denied",
}
_AT_END = {"spam": "554 5.7.1 Message content rejected, UBE, id={0}"}


class Store(socketserver.ThreadingTCPServer):
    """Keeps what it took, as it came, by recipient."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, name, place):
        self.name, self.kept = name, {}
        super().__init__(place, _Session)

    @property
    def port(self):
        return self.server_address[1]


class _Session(socketserver.StreamRequestHandler):
    timeout = 60

    def _say(self, line):
        self.wfile.write(f"{line}\r\n".encode())

    def handle(self):
        # Whoever falls silent is hung up on.
        with contextlib.suppress(TimeoutError):
            self._converse()

    def _converse(self):
        self._say(f"220 {self.server.name} ESMTP")
        taken = []
        for raw in self.rfile:
            line = raw.decode("utf-8", "replace").strip()
            verb = line[:4].upper()
            if verb == "EHLO":
                for text in (self.server.name, "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"):
                    self._say(f"250-{text}")
                self._say("250 SIZE 50000000")
            elif verb == "RCPT":
                address = line.partition("<")[2].partition(">")[0]
                answer = _AT_RCPT.get(address.partition(".")[0])
                if answer is None:
                    taken.append(address)
                self._say((answer or "250 2.1.5 Ok").format(address))
            elif verb == "DATA":
                self._data(taken)
                taken = []
            elif verb == "QUIT":
                self._say("221 2.0.0 Bye")
                return
            else:
                taken = [] if verb in {"RSET", "MAIL"} else taken
                self._say("250 2.0.0 Ok")

    def _data(self, taken):
        if not taken:
            self._say("554 5.5.1 no valid recipients")
            return
        self._say("354 End data with <CR><LF>.<CR><LF>")
        lines = []
        for raw in self.rfile:
            if raw == b".\r\n":
                break
            lines.append(raw.removeprefix(b".") if raw.startswith(b"..") else raw)
        answer = next(
            (a for word, a in _AT_END.items() if any(t.startswith(f"{word}.") for t in taken)), None
        )
        if answer is None:
            for address in taken:
                self.server.kept[address] = b"".join(lines)
        self._say((answer or "250 2.0.0 Ok: queued as {0}").format(f"{id(lines):X}"[-8:]))


@contextlib.contextmanager
def serving(name, address="127.0.0.1", port=0):
    """Run a store until the end of the block; gives it."""
    with Store(name, (address, port)) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield server
        server.shutdown()
