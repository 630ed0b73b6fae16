"""RDAP against a server on loopback: what it says, what it says badly, and what is never followed."""

from __future__ import annotations

import contextlib
import http.server
import socketserver
import ssl
import threading
import time
from contextlib import contextmanager

import pytest

from classifier import rdap
from classifier.errors import ConfigurationError
from classifier.rdap import AbuseContacts
from tests.mailbox.dovecot import make_certificates
from tests.registry import Registry, entity, running, says


@pytest.fixture
def registry():
    with running() as server:
        yield server


def test_the_abuse_contact_of_a_network(registry):
    inner = entity("abuse", "noc@remote.test")
    registry.answer = says(
        {
            "entities": [
                entity("registrant", "owner@remote.test", entities=[inner]),
                entity("abuse", "abuse@net.test"),
            ]
        }
    )
    contacts = AbuseContacts(registry.url + "/")
    assert contacts.find("198.51.100.7").addresses == ("abuse@net.test", "noc@remote.test")
    # One network is asked about once.
    assert contacts.find("198.51.100.8").addresses == ("abuse@net.test", "noc@remote.test")
    assert registry.asked == ["/ip/198.51.100.7"]
    contacts.find("2001:db8::1")
    assert registry.asked[1:] == ["/ip/2001:db8::1"]


def nested(depth):
    found = {"entities": [entity("abuse", "deep@remote.test")]}
    for _ in range(depth):
        found = {"entities": [found]}
    return found


@pytest.mark.parametrize(
    "found",
    [
        {}, [], None, 1, "x", {"entities": {}}, {"entities": [1, None, [], {"roles": "abuse"}]}, nested(50),
        {"entities": [entity("abuse", "a@b.test\r\nBcc: x@y.test", "not an address", "<a@b.test>", "@", "é@b.test")]},
        {"entities": [{"roles": ["abuse"], "vcardArray": ["vcard", [["email"], 7, ["email", {}, "text", {"a": 1}]]]}]},
        b"not JSON", b"[" * 100_000, b"\xff\xfe", b"",
    ],
)  # fmt: skip
def test_odd_answers_name_nobody(registry, found):
    registry.answer = says(found)
    answer = AbuseContacts(registry.url).find("198.51.100.7")
    assert answer.addresses == ()
    assert answer.note
    assert answer.note.isprintable()


def test_errors_and_silence_are_told(registry):
    registry.answer = lambda _path: (404, {}, [])
    assert AbuseContacts(registry.url).find("198.51.100.7").note == "the registry answers 404"
    assert "not known" in AbuseContacts(registry.url).find("").note
    assert "cannot be asked" in AbuseContacts("http://127.0.0.1:9").find("198.51.100.7").note


def test_an_answer_that_does_not_end(registry, monkeypatch):
    def trickle():
        for _ in range(200):
            yield b" "
            time.sleep(0.02)

    registry.answer = lambda _path: (200, {}, trickle())
    started = time.monotonic()
    assert "in time" in AbuseContacts(registry.url, timeout=0.3).find("198.51.100.7").note
    assert time.monotonic() - started < 3
    monkeypatch.setattr(rdap, "MAX_BYTES", 100)
    registry.answer = lambda _path: (200, {}, [b" " * 101])
    assert "longer than" in AbuseContacts(registry.url).find("198.51.100.7").note


@contextmanager
def answering(*pieces, pause=0.0):
    """Run a server that says *pieces* on each connection, whatever it is asked."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.recv(9999)
            with contextlib.suppress(OSError):
                for piece in pieces:
                    self.request.sendall(piece)
                    time.sleep(pause)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.mark.parametrize(
    "said",
    [
        b"garbage\r\n\r\n",
        b"",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{",
        b"HTTP/1.1 302 x\r\nLocation: http://127.0.0.1:abc/\r\n\r\n",
        b"HTTP/1.1 302 x\r\nLocation: http://[::1/\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200 + b"\r\n{}",
        b"HTTP/1.1 200 OK\r\na: " + b"b" * 100_000 + b"\r\n\r\n{}",
        b"HTTP/1.1 x\r\n\r\n{}",
    ],
)
def test_what_is_no_http_is_told(said):
    with answering(said) as url:
        answer = AbuseContacts(url).find("198.51.100.7")
    assert answer.addresses == ()
    assert answer.note.startswith("the registry ")
    assert answer.note.isprintable()


@pytest.mark.parametrize("before", [b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\n\r\n", b""])
def test_an_answer_byte_by_byte_is_waited_for_no_longer(before):
    with answering(before, *[b"a"] * 200, pause=0.05) as url:
        contacts = AbuseContacts(url, timeout=0.3)
        started = time.monotonic()
        notes = [contacts.find(f"198.51.{n}.7").note for n in range(rdap.MAX_SILENCE + 3)]
        # One that stays silent is left alone.
        assert time.monotonic() - started < 0.3 * rdap.MAX_SILENCE + 2
        assert notes[: rdap.MAX_SILENCE] == ["the registry does not answer in time"] * rdap.MAX_SILENCE
        assert all("not asked" in note for note in notes[rdap.MAX_SILENCE :])


def test_redirections(registry):
    good = says({"entities": [entity("abuse", "abuse@net.test")]})
    registry.answer = lambda path: (
        good(path) if path.startswith("/there") else (302, {"Location": f"{registry.url}/there{path}"}, [])
    )
    assert AbuseContacts(registry.url).find("198.51.100.7").addresses == ("abuse@net.test",)
    for place in ("http://192.0.2.1/x", "file:///etc/passwd", "ftp://192.0.2.1/"):
        registry.answer = lambda _path, place=place: (302, {"Location": place}, [])
        found = AbuseContacts(registry.url, timeout=2).find("198.51.100.7")
        assert found.addresses == ()
        assert "302" in found.note or "not https" in found.note
    registry.asked.clear()
    registry.answer = lambda path: (302, {"Location": f"{registry.url}{path}x"}, [])
    assert AbuseContacts(registry.url).find("198.51.100.7").addresses == ()
    assert len(registry.asked) <= rdap.MAX_REDIRECTIONS + 1


def test_certificates_are_verified(tmp_path, monkeypatch):
    make_certificates(tmp_path)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry) as server:
        server.daemon_threads = True
        server.asked = []
        server.answer = says({"entities": [entity("abuse", "abuse@net.test")]})
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"https://127.0.0.1:{server.server_port}"
        found = AbuseContacts(url).find("198.51.100.7")
        assert found.addresses == ()
        assert "CERTIFICATE_VERIFY_FAILED" in found.note
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        assert AbuseContacts(url).find("198.51.100.7").addresses == ("abuse@net.test",)
        server.shutdown()


@pytest.mark.parametrize(
    "base", ["http://rdap.example.net", "file:///etc", "rdap.org", "https://", "http://[x"]
)
def test_a_base_that_is_none(base):
    with pytest.raises(ConfigurationError, match="no https address"):
        AbuseContacts(base)
