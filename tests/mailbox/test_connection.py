"""Connecting and logging in: what is trusted, what is refused, and that nothing secret is told."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
from datetime import UTC, datetime

import pytest

from classifier.credentials import Secret
from classifier.errors import MailboxError, TemporaryError
from classifier.mailbox.connection import Connection, Server, Timeouts, connect
from classifier.mailbox.login import Login
from classifier.mailbox.oauth import TokenSource
from classifier.settings import OAuth2Settings
from tests.mailbox.daemon import free_port
from tests.mailbox.dovecot import dovecot, dovecot_asking
from tests.support import server_folder

QUICK = Timeouts(2, 2)
SECRET = "pässwörd-never-shown"


def test_a_certificate_of_an_unknown_authority_is_refused(server):
    with pytest.raises(MailboxError, match="certificate is not trusted") as caught:
        connect(Server("127.0.0.1", server.tls_port, "tls"), server.login("anna"), "main", QUICK)
    assert caught.value.exit_status == 1
    with pytest.raises(MailboxError, match="certificate is not trusted"):
        connect(Server("127.0.0.1", server.port, "starttls"), server.login("anna"), "main", QUICK)


def test_a_certificate_for_another_host_is_refused(server):
    wrong = Server("127.0.0.2", server.tls_port, "tls", str(server.ca_file))
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.2", server.tls_port)):
            # Dovecot listens on 127.0.0.1 alone: pass it on.
            listener = socket.create_server(("127.0.0.2", server.tls_port))
        else:
            listener = contextlib.nullcontext()
    with listener as accepting:
        if accepting is not None:
            threading.Thread(target=_pass_on, args=(accepting, server.tls_port), daemon=True).start()
        with pytest.raises(MailboxError, match="certificate is not trusted"):
            connect(wrong, server.login("anna"), "main", QUICK)


def _pass_on(listener, port):
    client, _ = listener.accept()
    with client, socket.create_connection(("127.0.0.1", port)) as upstream:
        client.settimeout(5)
        upstream.settimeout(5)
        with contextlib.suppress(OSError):
            upstream.sendall(client.recv(10_000))
            while data := upstream.recv(10_000):
                client.sendall(data)


def test_authorities_that_cannot_be_read(server, tmp_path):
    gone = Server("127.0.0.1", server.tls_port, "tls", str(tmp_path / "gone.pem"))
    with pytest.raises(MailboxError, match="ca_file"):
        connect(gone, server.login("anna"), "main", QUICK)


def test_plain_text_goes_to_this_machine_alone(server):
    with pytest.raises(MailboxError, match="another machine"):
        connect(Server("192.0.2.1", 143, "plain"), server.login("anna"), "main", QUICK)


def test_without_starttls_no_password_is_sent(tmp_path):
    seen = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            client, _ = listener.accept()
            with client:
                client.sendall(b"* OK hello\r\n")
                while data := client.recv(1000):
                    seen.append(data)
                    tag = data.split()[0]
                    client.sendall(b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n" + tag + b" OK done\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        address = Server("127.0.0.1", listener.getsockname()[1], "starttls")
        with pytest.raises(MailboxError, match="no STARTTLS"):
            connect(address, Login("anna", lambda: SECRET), "main", QUICK)
        thread.join(5)
    assert all(b"CAPABILITY" in data or b"LOGOUT" in data for data in seen)


def test_nobody_listens():
    with pytest.raises(TemporaryError, match="not reached") as caught:
        connect(Server("127.0.0.1", free_port(), "plain"), Login("anna", lambda: SECRET), "main", QUICK)
    assert caught.value.exit_status == 75
    assert str(caught.value).startswith("main (127.0.0.1:")
    assert "(Connection refused)" in str(caught.value)


def test_tls_where_none_begins_names_the_other_scheme(server):
    with pytest.raises(TemporaryError, match=r"imap\+starttls://"):
        connect(server.server("tls", server.port), server.login("anna"), "main", QUICK)


def test_a_server_that_says_nothing_is_given_up():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = Server("127.0.0.1", listener.getsockname()[1], "plain")
        with pytest.raises(TemporaryError):
            connect(address, Login("anna", lambda: SECRET), "main", Timeouts(0.3, 0.3))


def test_a_host_that_is_not_known():
    with pytest.raises(TemporaryError, match=r"no such host|not reached"):
        connect(Server("imap.nowhere.invalid", 993, "tls"), Login("anna", lambda: SECRET), "main", QUICK)


@pytest.mark.parametrize("password", ["wrong", SECRET, 'quo"ted\\'])
def test_a_refused_login_shows_no_secret(server, password, caplog):
    caplog.set_level(logging.DEBUG)
    login = Login("anna", lambda: password)
    assert password not in repr(login)
    with pytest.raises(MailboxError, match="login is refused") as caught:
        connect(server.server(), login, "main", QUICK)
    assert caught.value.exit_status == 1
    error = caught.value
    while error is not None:
        assert password not in str(error)
        error = error.__cause__
    assert password not in caplog.text


@pytest.mark.parametrize("password", ['quo"ted\\ with space', "ünïcödé", "{10}", "a" * 200])
def test_passwords_of_all_sorts(password):
    folder = server_folder("passwords")
    (folder / "users").write_text("anna:{SHA512.HEX}" + _sha512(password) + "\n")
    with dovecot(folder, passdb=f"passwd-file\n  args = {folder}/users") as server:
        connection = connect(server.server("tls"), Login("anna", lambda: password), "main", QUICK)
        connection.close()


def _sha512(text):
    import hashlib

    return hashlib.sha512(text.encode()).hexdigest()


def test_capabilities_come_by_name_or_by_revision():
    class Client:
        def __init__(self, *names):
            self.names = names

        def capabilities(self):
            return self.names

    assert Connection(Client(b"IMAP4REV2"), "main").capable("MOVE")
    assert Connection(Client(b"IMAP4REV2"), "main").capable("UIDPLUS")
    assert not Connection(Client(b"IMAP4REV1"), "main").capable("MOVE")
    assert Connection(Client(b"IMAP4REV1", b"MOVE"), "main").capable("MOVE")


def source(tokens, tmp_path, monkeypatch, provider="google"):
    monkeypatch.setenv("REFRESH", "refresh-0")
    settings = OAuth2Settings(provider, "client-1", None, Secret("env", "REFRESH", "refresh_token"))
    endpoint = f"http://127.0.0.1:{tokens.server_port}/token"
    return TokenSource(settings, "main", str(tmp_path / "store.sqlite3"), endpoint=endpoint)


@pytest.mark.parametrize("mechanism", ["xoauth2", "oauthbearer"])
def test_login_by_token(tokens, tmp_path, monkeypatch, mechanism):
    with dovecot_asking(tokens.server_port, mechanism) as server:
        tokens_source = source(tokens, tmp_path, monkeypatch)
        login = Login("anna", token=tokens_source.token)
        for _ in range(2):
            connection = connect(server.server("tls"), login, "main", QUICK)
            assert connection.call("NOOP").status == "OK"
            connection.close()
        assert len(tokens.forms) == 1, "a token that is good is used again"
        tokens.access = "something else"  # withdrawn before its time
        connect(server.server("tls"), login, "main", QUICK).close()
        assert len(tokens.forms) == 2
        with pytest.raises(MailboxError, match="backscatter init --sign-in main`"):
            connect(server.server("tls"), Login("anna", token=lambda _: "nonsense"), "main", QUICK)
        tokens.status = 400
        tokens.access = ""
        with pytest.raises(MailboxError, match="backscatter init") as caught:
            connect(server.server("tls"), login, "main", QUICK)
        assert SECRET not in str(caught.value)


def test_a_new_refresh_token_is_kept(tokens, tmp_path, monkeypatch):
    tokens.rotate = True
    assert source(tokens, tmp_path, monkeypatch).token(False) == "access-1"
    assert source(tokens, tmp_path, monkeypatch).token(False) == "access-2"
    assert [f["refresh_token"] for f in tokens.forms] == ["refresh-0", "refresh-1"]
    assert tokens.forms[0]["client_id"] == "client-1"
    assert (tmp_path / "store.sqlite3").stat().st_mode & 0o077 == 0
    tokens.valid = set()
    with pytest.raises(MailboxError):
        source(tokens, tmp_path, monkeypatch).token(False)


def test_a_token_server_that_fails_is_tried_later(tokens, tmp_path, monkeypatch):
    tokens.status = 503
    with pytest.raises(TemporaryError):
        source(tokens, tmp_path, monkeypatch).token(False)
    tokens.server_close()
    tokens.shutdown()
    with pytest.raises(TemporaryError, match="not reached"):
        source(tokens, tmp_path, monkeypatch).token(False)


def test_the_clock_is_aware(server, tmp_path):
    from classifier.mailbox.imap import ImapMailbox

    user = server.user()
    received = datetime(2026, 7, 1, 1, 2, 3, tzinfo=UTC)
    user.deliver(b"Subject: x\n\n", received=received)
    mailbox = ImapMailbox(connect(server.server(), server.login(user), "main", QUICK))
    mailbox.open("INBOX", write=False)
    assert [m.received_at for m in mailbox.look(["1"])] == [received]
    mailbox.close()
