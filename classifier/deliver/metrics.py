"""What a server counts, in the text format of Prometheus (version 0.0.4), and the page that shows it."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import AF_INET, AF_INET6, SHUT_RDWR
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from socket import socket
    from typing import Any

#: Upper ends of the classes of time that answering took, in seconds.
BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0)
#: A client of the page has so long for its request, in seconds.
_REQUEST_TIME = 5
#: So many clients at a time are served; more are hung up on.
MAX_CLIENTS = 32


class Metrics:
    """Counts of a server; shared between its threads."""

    def __init__(self) -> None:
        """Begin at nothing."""
        self._lock = threading.Lock()
        self._verdicts: Counter[tuple[str, str]] = Counter()
        self._requests: Counter[tuple[str, str]] = Counter()
        self._times: Counter[float] = Counter()
        self._seconds = 0.0

    def request(self, command: str, status: int, seconds: float) -> None:
        """Count a request of the SPAMD protocol, its answer's code and the time that it took."""
        with self._lock:
            self._requests[command, str(status)] += 1
            self._seconds += seconds
            self._times[next((b for b in BUCKETS if seconds <= b), float("inf"))] += 1

    def message(self, way: str, verdict: str) -> None:
        """Count a message that came by ``spamd`` or ``milter``; *verdict* may be ``error``."""
        with self._lock:
            self._verdicts[way, verdict] += 1

    def text(self, waiting: int) -> str:
        """Return all counts; *waiting* is the number of connections that wait for a worker."""
        with self._lock:
            verdicts, requests = sorted(self._verdicts.items()), sorted(self._requests.items())
            times, seconds = dict(self._times), self._seconds
        lines = [
            "# HELP backscatter_messages_total Messages judged, by the way they came and the verdict.",
            "# TYPE backscatter_messages_total counter",
            *(f'backscatter_messages_total{{way="{w}",verdict="{v}"}} {n}' for (w, v), n in verdicts),
            "# HELP backscatter_requests_total Requests of the SPAMD protocol, by command and answer code.",
            "# TYPE backscatter_requests_total counter",
            *(f'backscatter_requests_total{{command="{c}",status="{s}"}} {n}' for (c, s), n in requests),
            "# HELP backscatter_request_seconds Time from the accepted connection to the answer.",
            "# TYPE backscatter_request_seconds histogram",
        ]
        total = 0
        for bucket in (*BUCKETS, float("inf")):
            total += times.get(bucket, 0)
            name = "+Inf" if bucket == float("inf") else f"{bucket:g}"
            lines.append(f'backscatter_request_seconds_bucket{{le="{name}"}} {total}')
        lines += [
            f"backscatter_request_seconds_sum {seconds:.6f}",
            f"backscatter_request_seconds_count {total}",
            "# HELP backscatter_waiting Connections that wait for a worker.",
            "# TYPE backscatter_waiting gauge",
            f"backscatter_waiting {waiting}",
        ]
        return "\n".join(lines) + "\n"


class Page(ThreadingHTTPServer):
    """``/metrics`` and ``/healthz`` over HTTP, for whoever may connect."""

    daemon_threads = True

    def __init__(
        self, address: tuple[str, int], text: Callable[[], str], ailing: Callable[[], str | None]
    ) -> None:
        """Listen.

        Args:
            address: host and port.
            text: gives the counts.
            ailing: gives what is wrong, or None.

        Raises:
            OSError: nobody can listen there.

        """
        self._serving = threading.BoundedSemaphore(MAX_CLIENTS)
        self.address_family = AF_INET6 if ":" in address[0] else AF_INET
        self.text = text
        self.ailing = ailing
        super().__init__(address, _Handler)

    def verify_request(self, request: object, client_address: object) -> bool:  # noqa: ARG002 - as it is called
        """Say whether there is room for one more."""
        return self._serving.acquire(blocking=False)

    def process_request_thread(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as it is called
        """Serve a client, hang up when its time is over, and make room for the next."""
        late = threading.Timer(_REQUEST_TIME, self._hang_up, (request,))
        late.daemon = True
        late.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            late.cancel()
            self._serving.release()

    @staticmethod
    def _hang_up(client: socket) -> None:
        with contextlib.suppress(OSError):
            client.shutdown(SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that hang up."""

    def start(self) -> None:
        """Answer in a thread of its own until the process ends."""
        threading.Thread(target=self.serve_forever, name="metrics", daemon=True).start()


class _Handler(BaseHTTPRequestHandler):
    server: Page
    timeout = _REQUEST_TIME
    server_version = "backscatter"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer."""
        path = self.path.partition("?")[0]
        if path == "/metrics":
            self._send(200, self.server.text(), "text/plain; version=0.0.4; charset=utf-8")
        elif path == "/healthz":
            wrong = self.server.ailing()
            self._send(503 if wrong else 200, f"{wrong or 'ok'}\n", "text/plain; charset=utf-8")
        else:
            self._send(404, "here are /metrics and /healthz\n", "text/plain; charset=utf-8")

    def _send(self, status: int, text: str, kind: str) -> None:
        body = text.encode("utf-8", "replace")
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Write no line for each request."""
