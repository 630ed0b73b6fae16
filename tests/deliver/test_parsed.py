"""The parsed configuration that a filter keeps for the next one."""

from __future__ import annotations

import subprocess
import sys

import pytest

from classifier.config import load_config
from classifier.deliver.parsed import ParsedConfig
from classifier.errors import ConfigurationError
from tests.samples import REPORT

TEXT = """
[identity]
domains = ["example.org"]
relays = ["192.0.2.0/24"]
batv_since = 2026-01-01
[ledger]
complete_since = 2026-02-03T04:05:06Z
[policy]
max_genuine_loss = 0.01
keep_delayed = true
[accounts.main]
maildir = "~/Maildir"
"""


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = tmp_path / "config.toml"
    path.write_text(TEXT)
    return path


def test_kept_values_give_the_same_configuration(config):
    plain = load_config(str(config))
    assert load_config(str(config), ParsedConfig(str(config))) == plain
    assert ParsedConfig(str(config)).get(TEXT) is not None
    assert load_config(str(config), ParsedConfig(str(config))) == plain


def test_another_text_is_parsed_anew_and_a_wrong_one_told(config):
    load_config(str(config), ParsedConfig(str(config)))
    config.write_text(TEXT.replace("0.01", "0.02"))
    assert load_config(str(config), ParsedConfig(str(config))).policy.max_genuine_loss == 0.02
    config.write_text(TEXT.replace("keep_delayed", "keep_delay"))
    with pytest.raises(ConfigurationError, match="keep_delay"):
        load_config(str(config), ParsedConfig(str(config)))


@pytest.mark.parametrize("name", ["batv_keys", r'"batv\u005fkeys"'])
def test_secrets_stay_where_they_are(config, tmp_path, name):
    config.write_text(TEXT.replace("batv_since", name + ' = { "0" = "hush" }\nbatv_since'))
    load_config(str(config), ParsedConfig(str(config)))
    kept = [path for path in tmp_path.rglob("*") if path.is_file() and path != config]
    assert kept == []


@pytest.mark.parametrize("kept", [b"", b"nonsense", b"\xe9\x00\x00\x00\x00"])
def test_a_damaged_file_is_done_without(config, tmp_path, kept):
    load_config(str(config), ParsedConfig(str(config)))
    [path] = (tmp_path / "cache" / "backscatter").iterdir()
    path.write_bytes(kept)
    assert load_config(str(config), ParsedConfig(str(config))).identity.domains == ("example.org",)


def test_the_filter_parses_once(config):
    command = [sys.executable, "-X", "importtime", "-m", "classifier", "filter", "--config", str(config)]
    runs = [
        subprocess.run(command, input=REPORT, capture_output=True, timeout=60, check=True) for _ in range(2)
    ]
    assert [b"tomllib" in run.stderr for run in runs] == [True, False]
    assert runs[0].stdout == runs[1].stdout
