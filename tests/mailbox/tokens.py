"""A provider's token server on loopback: RFC 6749 with PKCE (RFC 7636) and the device grant (RFC 8628)."""

from __future__ import annotations

import base64
import hashlib
import http.server
import json
import threading
import urllib.parse

import pytest

SECRET = "hunter2-secret"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


class TokenServer(http.server.BaseHTTPRequestHandler):
    """Hands out tokens for refresh tokens, and tells a mail server whose they are."""

    def do_POST(self):
        form = dict(urllib.parse.parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        self.server.forms.append(form)
        if self.server.status != 200:
            self._answer(self.server.status, {"error": "invalid_grant", "error_description": SECRET})
        elif self.path == "/devicecode":
            self._answer(200, self.server.device)
        elif form.get("grant_type") in {DEVICE, "authorization_code"}:
            self._sign_in(form)
        elif form["refresh_token"] not in self.server.valid:
            self._answer(400, {"error": "invalid_grant"})
        else:
            number = len(self.server.forms)
            answer = {"access_token": f"access-{number}", "expires_in": 3600, "token_type": "Bearer"}
            self.server.access = f"access-{number}"
            if self.server.rotate:
                answer["refresh_token"] = f"refresh-{number}"
                self.server.valid = {f"refresh-{number}"}
            self._answer(200, answer)

    def _sign_in(self, form):
        """Answer a device that waits, or exchange a browser's code."""
        if form["grant_type"] == DEVICE:
            answer = self.server.pending.pop(0) if self.server.pending else ""
            if answer or form["device_code"] != self.server.device["device_code"]:
                self._answer(400, {"error": answer or "bad_verification_code"})
                return
        else:
            challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest())
            asked = self.server.asked
            if (
                form["code"] != "the-code"
                or challenge.rstrip(b"=").decode() != asked["code_challenge"]
                or form["redirect_uri"] != asked["redirect_uri"]
            ):
                self._answer(400, {"error": "invalid_grant"})
                return
        self._answer(200, {"access_token": "access-0", "refresh_token": "refresh-0", "expires_in": 3600})

    def do_GET(self):
        token = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query).get("access_token", [""])[0]
        valid = token == self.server.access
        self._answer(200 if valid else 401, {"email": "anna"} if valid else {"error": "invalid"})

    def _answer(self, status, answer):
        raw = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_args):
        pass


@pytest.fixture
def tokens():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), TokenServer)
    server.forms, server.valid, server.status, server.rotate, server.access = (
        [],
        {"refresh-0"},
        200,
        False,
        "",
    )
    server.pending, server.asked = [], {}
    server.device = {
        "device_code": SECRET,
        "user_code": "ABCD-1234",
        "verification_uri": "https://login.remote.test/device",
        "interval": 0.05,
        "expires_in": 5,
    }
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(5)
