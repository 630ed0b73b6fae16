"""A store that speaks S3, and a way to it that breaks off answers."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import threading
import urllib.request
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from tests.relay import Relay, close

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

BUCKET = "archive"
#: A request's method, path and query.
_REQUEST = re.compile(rb"\A([A-Z]+) (/[^ ?]*)([^ ]*)")


@dataclass
class S3:
    """Moto's server, reached by a proxy.

    Attributes:
        asked: the requests that came, each with its method and whole path.
        cuts: path to how often its answer breaks off in the middle of its body; below zero: always.
        broken: the paths whose answers were broken off, in their order.

    """

    asked: list[str] = field(default_factory=list)
    cuts: dict[str, int] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        from moto.server import ThreadedMotoServer

        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
        self._server.start()
        self._upstream = self._server.get_host_and_port()
        self._send("POST", "/moto-api/reset", b"")
        self._relay = Relay(self._upstream, self._carry)
        self._relay.__enter__()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._relay.__exit__()
        # What the server holds is the process's, and would be there for the next one.
        self._send("POST", "/moto-api/reset-auth", b"inf")
        self._server.stop()

    @property
    def environment(self) -> Mapping[str, str]:
        """Return the environment of a program that is to find the store, as its user sets it."""
        return {
            **os.environ,
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self._relay.port}",
            "AWS_ACCESS_KEY_ID": "reader",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def put(self, key: str, content: bytes = b"") -> None:
        """Store one object; with no key, make the bucket."""
        self._send("PUT", urllib.request.pathname2url(f"/{BUCKET}/{key}" if key else f"/{BUCKET}"), content)

    def get(self, key: str) -> bytes:
        """Return one object."""
        return self._send("GET", urllib.request.pathname2url(f"/{BUCKET}/{key}"), None)

    def deny(self) -> None:
        """Refuse whoever has no account here, as everybody."""
        self._send("POST", "/moto-api/reset-auth", b"0")

    def _send(self, method: str, path: str, content: bytes | None) -> bytes:
        host, port = self._upstream
        # Whoever names himself is let in until :meth:`deny`.
        headers = {"Content-Type": "application/octet-stream", "Authorization": "AWS owner:secret"}
        request = urllib.request.Request(f"http://{host}:{port}{path}", content, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read()

    def _carry(self, client: socket.socket, server: socket.socket) -> None:
        wanted = _Wanted()
        answers = threading.Thread(target=self._answer, args=(client, server, wanted), daemon=True)
        answers.start()
        self._ask(client, server, wanted)
        answers.join(10)

    def _ask(self, client: socket.socket, server: socket.socket, wanted: _Wanted) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(1 << 16):
                if found := _REQUEST.match(data):
                    method, path, query = found.group(1, 2, 3)
                    self.asked.append((method + b" " + path + query).decode())
                    if method == b"GET" and self.cuts.get(path.decode(), 0):
                        wanted.path = path.decode()
                        self.cuts[wanted.path] -= 1
                server.sendall(data)
        close(server)

    def _answer(self, client: socket.socket, server: socket.socket, wanted: _Wanted) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(1 << 16):
                body = data.partition(b"\r\n\r\n")[2] if data.startswith(b"HTTP/") else data
                if wanted.path and body:
                    self.broken.append(wanted.path)
                    client.sendall(data[: len(data) - (len(body) + 1) // 2])
                    break
                client.sendall(data)
        close(client)


@dataclass
class _Wanted:
    """What one connection asked for that is to be broken off."""

    path: str = ""
