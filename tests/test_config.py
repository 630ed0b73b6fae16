"""The configuration: what the contract promises, and every way to get it wrong."""

import os
import sys
from datetime import UTC, datetime

import pytest

from classifier.config import default_config_path, find_config, load_config, open_to_others, parse_config
from classifier.config_values import ServerAddress
from classifier.credentials import Secret
from classifier.errors import ConfigurationError

IDENTITY = '[identity]\ndomains = ["example.org"]\n'
ACCOUNT = '[accounts.main]\nimap = "imaps://imap.example.org"\nusername = "anna"\npassword = { env = "PW" }\n'
WHOLE = r"""
[identity]
domains            = ["Example.org", ".example.org"]
senders            = ["Anna@example.org"]
closed_senders     = true
never_send         = ["trap@example.org", "*@trap.example.org"]
relays_complete    = true
relays             = ["Mail.example.org", "192.0.2.0/24", "2001:db8::/32"]
message_id_domains = ["example.org"]
batv_keys          = { "0" = "secret", "1" = { env = "BATV_KEY" } }
batv_since         = 2026-01-01
srs_keys           = ["secret"]
signs_all          = true
dkim_keys          = { "s1._domainkey.example.org" = "v=DKIM1; p=MIGf" }
[ledger]
complete_since = 2026-01-01T00:00:00Z
[dns]
enabled     = true
nameservers = ["127.0.0.1:5300"]
timeout     = 2
budget      = 5.5
dnsbl       = ["ips.backscatterer.org"]
[policy]
max_genuine_loss = 0.01
quarantine       = "Rückläufer"
keep_delayed     = true
keep_days        = 30
digest           = "daily"
[store]
path = "~/state.sqlite3"
[accounts.main]
imap       = "imap+starttls://imap.example.org:1143"
ca_file    = "/etc/ssl/own-ca.pem"
username   = "anna@example.org"
password   = { command = "pass show mail" }
folders    = ["INBOX", "Lists"]
sent       = "auto"
[accounts.local]
maildir    = "~/Maildir"
quarantine = "Junk"
[accounts.cloud]
imap     = "imaps://imap.gmail.com"
username = "a@example.org"
oauth2   = { provider = "google", client_id = "id", client_secret = { env = "S" }, refresh_token = { keyring = "bs" } }
[serve]
spamd     = "127.0.0.1:7830"
milter    = "unix:/run/backscatter/milter.sock"
metrics   = "127.0.0.1:9783"
on_forged = "reject"
"""


def test_every_key_arrives(monkeypatch):
    monkeypatch.setenv("BATV_KEY", "other")
    config = parse_config(WHOLE, "/etc/b.toml")
    identity = config.identity
    assert identity.domains == ("example.org", ".example.org")
    assert identity.senders == ("anna@example.org",)
    assert identity.never_sends("x@trap.example.org")
    assert identity.closed_senders
    assert identity.relays_complete
    assert identity.signs_all
    assert identity.is_relay_address("192.0.2.7")
    assert identity.is_relay_name("mail.example.org")
    assert dict(identity.batv_keys) == {"0": "secret", "1": "other"}
    assert identity.batv_since is not None
    assert identity.batv_since.utcoffset() is not None
    assert identity.ledger_complete_since == datetime(2026, 1, 1, tzinfo=UTC)
    assert identity.dkim_keys == {"s1._domainkey.example.org": "v=DKIM1; p=MIGf"}
    assert config.dns.timeout == 2.0
    assert config.policy.keep_days == 30
    assert config.store == os.path.expanduser("~/state.sqlite3")
    main, local, cloud = config.chosen_accounts()
    assert main.imap == ServerAddress("imap.example.org", 1143, "starttls")
    assert main.password == Secret("command", "pass show mail", "accounts.main.password", "anna@example.org")
    assert main.quarantine == "Rückläufer"  # from [policy]
    assert local.maildir == os.path.expanduser("~/Maildir")
    assert local.quarantine == "Junk"
    assert cloud.oauth2 is not None
    assert cloud.oauth2.refresh_token == Secret(
        "keyring", "bs", "accounts.cloud.oauth2.refresh_token", "a@example.org"
    )
    assert config.serve.spamd is not None
    assert config.serve.spamd.port == 7830
    assert config.serve.milter is not None
    assert config.serve.milter.path == "/run/backscatter/milter.sock"


def test_only_domains_are_needed():
    config = parse_config(IDENTITY)
    assert config.identity.domains == ("example.org",)
    assert config.policy.quarantine == "Backscatter"
    assert config.dns.enabled
    assert not config.accounts


def test_internationalised_domains_match_in_both_forms():
    identity = parse_config('[identity]\ndomains = ["bücher.example"]').identity
    assert identity.owns_address("a@xn--bcher-kva.example")
    assert identity.owns_address("a@bücher.example")
    assert parse_config('[identity]\ndomains = [".xn--bcher-kva.example"]').identity.owns_domain(
        "x.bücher.example"
    )


@pytest.mark.parametrize(
    ("text", "line", "key"),
    [
        ("", "", "identity.domains"),
        ("[identity]\n", ":1", "identity.domains"),
        ("[identity]\ndomains = []\n", ":2", "identity.domains"),
        ('[identity]\ndomains = "example.org"\n', ":2", "identity.domains"),
        ('[identity]\ndomains = ["anna@example.org"]\n', ":2", "identity.domains"),
        ('[identity]\ndomains = ["*.example.org"]\n', ":2", "identity.domains"),
        ('[identity]\ndomains = ["exa mple.org"]\n', ":2", "identity.domains"),
        (
            '[identity]\ndomains = ["192.0.2.1"]\n',
            ":2",
            "'192.0.2.1': is no domain name: it ends in a number",
        ),
        ('[identity]\ndomains = ["example.org", 7]\n', ":2", "identity.domains"),
        ('[identity]\ndomains = ["example.org"\n', ":", "TOML"),
        (IDENTITY + 'senders = ["anna"]\n', ":3", "identity.senders"),
        (IDENTITY + 'sender = ["anna@example.org"]\n', ":3", "identity.sender is not a known key"),
        (IDENTITY + 'senders = ["t@example.org"]\nnever_send = ["*@example.org"]', ":3", "never_send"),
        (IDENTITY + "closed_senders = 1\n", ":3", "identity.closed_senders must be true or false"),
        (IDENTITY + 'closed_senders = "yes"\n', ":3", "identity.closed_senders"),
        (IDENTITY + 'relays = ["192.0.2.0/33"]\n', ":3", "identity.relays"),
        (IDENTITY + 'relays = ["192.0.2.300"]\n', ":3", "identity.relays"),
        (IDENTITY + 'relays = ["0.0.0.0/0"]\n', ":3", "identity.relays"),
        (IDENTITY + "relays_complete = true\n", ":3", "identity.relays_complete"),
        (IDENTITY + 'batv_keys = { "10" = "x" }\n', ":3", "identity.batv_keys.10"),
        (IDENTITY + 'batv_keys = { "0" = { env = "NOT_SET_ANYWHERE" } }\n', "", "identity.batv_keys.0"),
        (IDENTITY + "batv_keys = { 0 = 5 }\n", ":3", "identity.batv_keys.0"),
        (IDENTITY + 'batv_since = "2026-01-01"\n', ":3", "identity.batv_since must be a date"),
        (IDENTITY + 'srs_keys = "x"\n', ":3", "identity.srs_keys"),
        (IDENTITY + 'dkim_keys = { "s1.example.org" = "p=x" }\n', ":3", "identity.dkim_keys.s1.example.org"),
        (IDENTITY + 'dkim_keys = { "s._domainkey.example.org" = "v=DKIM1" }\n', ":3", "p= tag"),
        (IDENTITY + "[ledger]\ncomplete_since = true\n", ":4", "ledger.complete_since"),
        (IDENTITY + "[ledger]\ncomplete_since = 12:00:00\n", ":4", "ledger.complete_since"),
        (IDENTITY + "[ledger]\ncomplete = 2026-01-01\n", ":4", "ledger.complete is not a known key"),
        (IDENTITY + "[dns]\ntimeout = 0\n", ":4", "dns.timeout"),
        (IDENTITY + "[dns]\ntimeout = nan\n", ":4", "dns.timeout"),
        (IDENTITY + "[dns]\nbudget = -1\n", ":4", "dns.budget"),
        (
            IDENTITY + '[dns]\nnameservers = ["127.0.0.1:99999"]\n',
            ":4",
            "is no nameserver; write host or host:port",
        ),
        (IDENTITY + "[policy]\nmax_genuine_loss = 1.5\n", ":4", "policy.max_genuine_loss"),
        (IDENTITY + '[policy]\nquarantine = ""\n', ":4", "policy.quarantine"),
        (IDENTITY + "[policy]\nkeep_days = 1.5\n", ":4", "policy.keep_days must be a whole number"),
        (IDENTITY + "[policy]\nkeep_days = true\n", ":4", "policy.keep_days"),
        (IDENTITY + '[policy]\ndigest = "weekly"\n', ":4", "policy.digest"),
        (IDENTITY + "[store]\npath = 3\n", ":4", "store.path"),
        (IDENTITY + "[polcy]\nkeep_days = 3\n", ":3", "did you mean policy"),
        ('[identiti]\ndomains = ["example.org"]\n', ":1", "did you mean identity"),
        ('[identity]\ndomain = ["example.org"]\n', ":2", "did you mean domains"),
        (
            IDENTITY + ACCOUNT + 'oauth2 = { provider = "google", clientid = "x" }\n',
            ":7",
            "did you mean client_id",
        ),
        (IDENTITY + "store = 3\n[dns]\n", ":3", "identity.store"),
        ("dns = 3\n" + IDENTITY, ":1", "dns must be a table"),
        (IDENTITY + "[accounts.main]\n", ":3", "accounts.main needs imap or maildir"),
        (IDENTITY + '[accounts.main]\nimpa = "imaps://h"\n', ":4", "accounts.main.impa is not a known key"),
        (IDENTITY + ACCOUNT.replace("username", "user"), ":5", "accounts.main.user is not a known key"),
        (IDENTITY + '[accounts.main]\nimap = "imap.example.org"\n', ":4", "accounts.main.imap"),
        (IDENTITY + '[accounts.main]\nimap = "imap://imap.example.org"\n', ":4", "unprotected"),
        (IDENTITY + '[accounts.main]\nimap = "imaps://a@imap.example.org"\n', ":4", "username"),
        (IDENTITY + '[accounts.main]\nimap = "imaps://imap.example.org:0"\n', ":4", "port"),
        (
            IDENTITY + '[accounts.main]\nimap = "imaps://h"\npassword = { env = "P" }\n',
            ":3",
            "accounts.main.username",
        ),
        (IDENTITY + '[accounts.main]\nimap = "imaps://h"\nusername = "a"\n', ":3", "password or oauth2"),
        (IDENTITY + ACCOUNT + "folders = []\n", ":7", "accounts.main.folders"),
        (IDENTITY + ACCOUNT + 'folders = ["Backscatter"]\n', ":7", "accounts.main.folders"),
        (IDENTITY + ACCOUNT + 'oauth2 = { provider = "google" }\n', ":7", "accounts.main.oauth2.client_id"),
        (IDENTITY + '[accounts.m]\nmaildir = "~/M"\npassword = { env = "P" }\n', ":5", "accounts.m.password"),
        (IDENTITY + '[serve]\nspamd = "127.0.0.1"\n', ":4", "serve.spamd"),
        (IDENTITY + '[serve]\non_forged = "drop"\n', ":4", "serve.on_forged"),
        ('[identity]\ndomains = ["example.org"]\ndomains = ["example.org"]\n', ":3", "TOML"),
    ],
)
def test_mistakes_name_the_key_and_the_line(text, line, key):
    with pytest.raises(ConfigurationError) as caught:
        parse_config(text, "c.toml")
    message = str(caught.value)
    assert key in message
    assert message.startswith(f"c.toml{line}") or (not line and "identity.batv_keys.0" in message)
    assert "\n" not in message
    assert caught.value.exit_status == 2


@pytest.mark.parametrize(
    "value", ['"hunter2"', '{ secret = "hunter2" }', '{ env = "A", file = "hunter2" }', '["hunter2"]']
)
def test_a_secret_in_the_wrong_place_is_not_shown(value):
    text = IDENTITY + f'[accounts.main]\nimap = "imaps://h"\nusername = "a"\npassword = {value}\n'
    with pytest.raises(ConfigurationError) as caught:
        parse_config(text)
    assert "hunter2" not in str(caught.value)
    assert "accounts.main.password" in str(caught.value)
    assert "hunter2" not in str(caught.value.__context__)


def test_a_password_in_the_address_is_not_shown():
    text = IDENTITY + '[accounts.main]\nimap = "imaps://anna:hunter2@h"\n'
    with pytest.raises(ConfigurationError, match=r"accounts\.main\.imap .* username") as caught:
        parse_config(text)
    assert "hunter2" not in str(caught.value)


def test_keys_are_not_shown():
    config = parse_config(IDENTITY + 'batv_keys = { "0" = "hunter2" }\nsrs_keys = ["hunter2"]\n')
    assert "hunter2" not in repr(config)


def test_a_line_is_found_behind_strings_of_several_lines(tmp_path):
    text = IDENTITY + '[accounts.main]\nmaildir = "~/M"\nsent = """\nfolders = 1\n"""\nfolders = 1\n'
    with pytest.raises(ConfigurationError, match=r"c\.toml:8: accounts\.main\.folders|sent"):
        parse_config(text, "c.toml")


def test_plain_imap_is_for_loopback():
    for host in ("localhost", "127.0.0.1:1143", "[::1]:143"):
        text = (
            IDENTITY + f'[accounts.a]\nimap = "imap://{host}"\nusername = "a"\npassword = {{ env = "P" }}\n'
        )
        server = parse_config(text).accounts["a"].imap
        assert server is not None
        assert server.security == "plain"


def test_relative_paths_begin_at_the_file(tmp_path):
    file = tmp_path / "c.toml"
    (tmp_path / "secret").write_text("hunter2\n")
    file.write_text(
        IDENTITY
        + 'srs_keys = [{ file = "secret" }]\n[store]\npath = "state.db"\n'
        + ACCOUNT.replace('{ env = "PW" }', '{ file = "secret" }')
        + '[serve]\nspamd = "run/s.sock"\nmilter = "unix:m.sock"\n'
    )
    config = load_config(str(file))
    assert config.store == str(tmp_path / "state.db")
    assert config.identity.srs_keys == ("hunter2",)
    assert config.accounts["main"].password.fetch() == "hunter2"
    assert config.serve.spamd.path == str(tmp_path / "run" / "s.sock")
    assert config.serve.milter.path == str(tmp_path / "m.sock")


def test_where_the_file_is_looked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("BACKSCATTER_CONFIG", raising=False)
    if sys.platform == "linux":
        assert default_config_path() == str(tmp_path / "backscatter" / "config.toml")
        assert find_config() is None
        (tmp_path / "backscatter").mkdir()
        (tmp_path / "backscatter" / "config.toml").touch()
        assert find_config() == default_config_path()
    monkeypatch.setenv("BACKSCATTER_CONFIG", "/named/by/environment")
    assert find_config() == "/named/by/environment"
    assert find_config("/named/by/option") == "/named/by/option"


def test_a_place_that_nobody_lets_us_see_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "closed"))
    monkeypatch.delenv("BACKSCATTER_CONFIG", raising=False)
    (tmp_path / "closed").mkdir(mode=0)
    me = os.geteuid()
    os.seteuid(me or 65534)  # root may look everywhere
    try:
        with pytest.raises(ConfigurationError, match=r"Permission denied\); check who may read it"):
            load_config(find_config())
    finally:
        os.seteuid(me)


def test_the_default_place_is_that_of_platformdirs(monkeypatch):
    import platformdirs

    for value in (None, "", "/x/y"):
        if value is None:
            monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
        else:
            monkeypatch.setenv("XDG_CONFIG_HOME", value)
        assert default_config_path() == os.path.join(
            platformdirs.user_config_dir("backscatter"), "config.toml"
        )


def test_unreadable_files(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot read the configuration"):
        load_config(str(tmp_path / "absent.toml"))
    with pytest.raises(ConfigurationError, match="cannot read the configuration"):
        load_config(str(tmp_path))
    latin = tmp_path / "latin.toml"
    latin.write_bytes(IDENTITY.encode() + '[policy]\nquarantine = "Rück"\n'.encode("latin-1"))
    with pytest.raises(ConfigurationError, match=r"latin\.toml:4: not UTF-8"):
        load_config(str(latin))
    bom = tmp_path / "bom.toml"
    bom.write_bytes(b"\xef\xbb\xbf" + IDENTITY.encode())
    assert load_config(str(bom)).identity.domains == ("example.org",)


def test_who_may_read_it(tmp_path):
    file = tmp_path / "c.toml"
    file.touch(0o600)
    file.chmod(0o600)
    assert not open_to_others(str(file))
    file.chmod(0o640)
    assert open_to_others(str(file))


def test_accounts_are_chosen_by_name():
    config = parse_config(IDENTITY + ACCOUNT)
    assert [a.name for a in config.chosen_accounts(("main", "main"))] == ["main"]
    with pytest.raises(ConfigurationError, match="no account 'other'"):
        config.chosen_accounts(("other",))
    with pytest.raises(ConfigurationError, match="no account is configured"):
        parse_config(IDENTITY).chosen_accounts()


def test_deep_nesting_is_an_error_not_a_crash():
    with pytest.raises(ConfigurationError):
        parse_config("a = " + "[" * 100_000)


def test_the_reference_lists_every_key(monkeypatch):
    """docs/configuration.md against what the program really asks for."""
    from pathlib import Path

    from classifier.tomlfile import Table

    asked = set()

    class Noting(Table):
        def finish(self):
            section = self._path[0] if self._path else ""
            if len(self._path) < 3:  # the keys of oauth2 stand in its row
                asked.update((section, key) for key in self._known if section)
            super().finish()

    monkeypatch.setattr("classifier.config.Table", Noting)
    monkeypatch.setattr("classifier.tomlfile.Table", Noting)
    monkeypatch.setenv("BATV_KEY", "x")
    parse_config(WHOLE)
    documented = set()
    section = ""
    for row in (Path(__file__).parents[1] / "docs" / "configuration.md").read_text("utf-8").splitlines():
        if row.startswith("## `["):
            section = row.split("[")[1].split("]")[0].split(".")[0]
        elif row.startswith("| `"):
            documented.add((section, row.split("`")[1]))
    assert asked == documented


def test_the_examples_in_the_documentation_are_valid():
    from pathlib import Path

    top = Path(__file__).parents[1]
    for file in (top / "README.md", top / "docs" / "configuration.md"):
        examples = file.read_text("utf-8").split("```toml\n")[1:]
        assert examples
        for example in examples:
            assert parse_config(example.split("```")[0]).accounts["main"].imap is not None
