"""A registry that answers RDAP on loopback."""

from __future__ import annotations

import http.server
import json
import threading
from contextlib import contextmanager


def card(*mail):
    return ["vcard", [["version", {}, "text", "4.0"], *(["email", {}, "text", address] for address in mail)]]


def entity(role, *mail, **more):
    return {"objectClassName": "entity", "roles": [role], "vcardArray": card(*mail), **more}


class Registry(http.server.BaseHTTPRequestHandler):
    """Answers as its test wants; keeps what it was asked."""

    def do_GET(self):
        self.server.asked.append(self.path)
        status, headers, pieces = self.server.answer(self.path)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        for piece in pieces:
            try:
                self.wfile.write(piece)
            except OSError:
                return

    def log_message(self, *_):
        pass


@contextmanager
def running():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry) as server:
        server.daemon_threads = True
        server.asked = []
        server.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def says(found):
    body = found if isinstance(found, bytes) else json.dumps(found).encode()
    return lambda _path: (200, {"Content-Type": "application/rdap+json"}, [body])
