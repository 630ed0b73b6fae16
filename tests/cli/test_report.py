"""``backscatter report``: text, JSON and a page that a hostile message cannot write into."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from rich.cells import cell_len

from classifier.cli.report import moment
from classifier.dataclass import replace
from classifier.evidence.base import Lookups
from classifier.examine import examine
from classifier.history import ReportedFailure, came_in
from classifier.identity import Identity
from classifier.present.advice import advice
from classifier.present.answers import answers
from classifier.present.attack import Attack
from classifier.present.attack_json import as_dict
from classifier.present.attack_text import text as summary
from classifier.present.charts import beside_each_other
from classifier.present.page import page
from tests.floods import NOW, attack_of, entries, flood
from tests.samples import REPORT

SAMPLE = Path(__file__).parents[2] / "data" / "sample"
#: Elements without an end.
_VOID = {"meta", "br"}


class Page(HTMLParser):
    """What a browser would make of a page: elements, their attributes, their texts."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.attributes, self.text, self.open = [], [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def made(attack):
    return page(attack, NOW, "example.org")


def harmless(html):
    found = Page(html)
    assert found.open == []
    assert not {"script", "a", "img", "iframe", "object", "link", "form", "base", "foreignobject"} & set(
        found.elements
    )
    for tag, name, value in found.attributes:
        assert not name.startswith("on"), (tag, name)
        assert name not in {"href", "src", "xlink:href", "action"} or not value, (tag, name, value)
        assert name != "style", (tag, name, value)
    return found


def test_text_and_json_and_page_agree(tmp_path):
    config = tmp_path / "config.toml"
    config.write_text((SAMPLE / "config.toml").read_text())
    config.chmod(0o600)

    def run(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "classifier", "--config", str(config), *map(str, arguments)],
            cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    assert run("ledger", "import", SAMPLE / "sent.mbox").returncode == 0
    mail = [x for name in ("genuine", "forged", "ordinary") for x in ("--from", SAMPLE / f"{name}.mbox")]
    done = run("report", *mail, "--json", "--html", "page.html")
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert found["messages"] == 90
    assert found["reports"] == 70 == sum(found["verdicts"].values())
    in_series = sum(n for step in found["series"] for key, n in step.items() if key != "begin")
    assert in_series + found["undated"] == 70
    html = harmless((tmp_path / "page.html").read_text())
    text = "".join(html.text)
    assert found["undelivered"][0]["recipient"] in text
    assert found["campaigns"][0]["subject"] in text
    told = run("report", *mail).stdout
    assert "Whom you did not reach" in told
    assert found["course"] in " ".join(told.split())
    assert all(len(row) <= 80 for row in told.splitlines())
    for each in found["answers"]:
        assert each["question"] in told
        assert each["question"] in text
        assert each["answer"] in text
    later = json.loads(run("report", *mail, "--since", "2030-01-01", "--json").stdout)
    assert later["reports"] == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["--since", "soon"], "soon"), ([], "--config"), (["--from", "absent"], "absent: no such file")],
)
def test_bad_input(tmp_path, monkeypatch, arguments, words):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-m", "classifier", "report", *arguments],
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == (1 if "--from" in arguments else 2)
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def answered(attack):
    return {question.split()[0]: answer for question, answer in answers(attack)}


def test_the_first_questions_are_answered():
    assert answered(Attack()) == {}
    flooded = attack_of(
        *[REPORT] * 3, identity=Identity(domains=("example.org",), never_send=("trap@example.org",))
    )
    told = answered(flooded)
    assert dict(answers(flooded))["What is happening?"].startswith(
        "Somebody sends mail with your addresses as its sender. 3 reports"
    )
    assert told["Is"].startswith("Nothing points to that. The forged mail did not leave through your servers")
    assert "Most floods are over within days" in told["When"]
    assert "You need not close the mailbox" in dict(answers(flooded))["What should I do?"]
    flooded.misuse.append("x")
    assert answered(flooded)["Is"].startswith("It may be")
    assert dict(answers(flooded))["What should I do?"].startswith("Secure the account first.")


def test_without_a_configuration_nobody_is_told_which_addresses_are_his():
    bare = attack_of(REPORT)
    assert bare.standing("trap@example.org") == "no domain is configured"
    assert "backscatter init" in dict(answers(bare))["What should I do?"]
    configured = attack_of(REPORT, identity=Identity(domains=("example.net",)))
    assert configured.standing("trap@example.org") == "not at a domain of yours"
    assert "backscatter init" not in dict(answers(configured))["What should I do?"]


def test_the_summary_fits_a_terminal_and_moves_no_cursor():
    hostile = "\x1b]0;owned\x07\x1b[2J\u202e" + "\u6f22" * 200 + "\r\n"
    judged, identity = entries(40)
    attack = Attack(identity, NOW)
    for number, entry in enumerate(judged):
        verdict = ("forged", "genuine", "unsure")[number % 3]
        attack.add(
            replace(
                entry, verdict=verdict, subject=hostile, used=hostile, operator=hostile, misuse=hostile, reasons=(hostile,),
                recipients=(ReportedFailure(hostile, "failed", "5.1.1", hostile),),
            ),
            hostile,
        )  # fmt: skip
    told = summary(attack)
    assert told.startswith("WARNING: an account of yours looks broken into.")
    for row in told.splitlines():
        assert row.isprintable()
        assert cell_len(row) <= 80, row


def test_alike_reports_are_one_row():
    judged, identity = entries(1_000)
    attack = flood(judged, identity)
    assert sum(d.reports for d in attack.doubtful.values()) == attack.verdicts["unsure"]
    assert len(attack.doubtful) < attack.verdicts["unsure"]
    assert sum(u.reports for u in attack.undelivered.values()) >= attack.undelivered_count
    assert len({(u.recipient, u.subject, u.advice) for u in attack.undelivered.values()}) == len(
        attack.undelivered
    )


def test_our_own_name_is_told_to_be_ours():
    judged, identity = entries(30)
    own = identity.domains[0].lstrip(".")
    attack = flood([replace(judged[0], verdict="forged", operator=own), *judged], identity)
    assert "your own server, or somebody who typed its name" in made(attack)
    assert f"{own}  (yours)" in summary(attack)
    others = flood([replace(e, operator="remote.test") for e in judged], identity)
    assert "your own server" not in made(others)
    assert "(yours)" not in summary(others)


def test_nothing_at_all():
    found = harmless(made(Attack()))
    assert "No report about mail of yours that did not arrive." in "".join(found.text)
    assert "svg" not in found.elements


def test_one_report():
    found = harmless(made(attack_of(REPORT)))
    assert "svg" in found.elements


HOSTILE = (
    b'"><script>alert(1)</script>',
    b"<img src=x onerror=alert(1)>",
    b"</style><style>*{display:none}</style>",
    b"{{ 7*1234567 }}{% raw %}",
    b"=?utf-8?Q?=3Cscript=3Ealert=281=29=3C/script=3E?=",
    b"</svg><a href=javascript:alert(1)>x</a>",
    b"\xe2\x80\xae\x00\x1b[2J<b>",
)


@pytest.mark.parametrize("words", HOSTILE)
def test_a_hostile_message_writes_nothing_into_the_page(words):
    raw = REPORT.replace(b"Subject: buy", b"Subject: " + words)
    raw = raw.replace(b"x@remote.test\nAction", words + b"@remote.test\nAction").replace(
        b"no such user", words
    )
    raw = raw.replace(b"dns; mx.remote.test", b"dns; " + words).replace(b"Undelivered Mail", words)
    raw = raw.replace(b"trap@example.org", b'"' + words.replace(b'"', b"") + b'"@example.org')
    attack = attack_of(raw, REPORT)
    attack.misuse.append(words.decode("utf-8", "replace"))
    found = harmless(made(attack))
    assert "8641969" not in "".join(found.text)


@pytest.mark.parametrize(("most", "scale"), [(1, ["0", "1"]), (36, ["0", "10", "20", "30"])])
def test_the_bars_of_what_decided_have_a_scale(most, scale):
    wide = beside_each_other([(most, "by proof"), (0, "by the model")], "bars").split("<svg")[1]
    assert [label for label in re.findall(r"<text[^>]*>([^<]*)</text>", wide) if label.isdigit()] == scale


def test_fifty_thousand_reports_stay_small():
    judged, identity = entries(50_000)
    started = time.process_time()
    attack = flood(judged, identity)
    html = made(attack)
    assert time.process_time() - started < 10
    assert len(html) < 3_000_000
    harmless(html)
    assert attack.reports == 50_000
    assert len(as_dict(attack)["series"]) <= 73


def test_steps_have_no_gaps_and_lose_nothing():
    attack = Attack()
    for hours in (0, 1, 5, 700, 5000):
        attack.hours[datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hours), "forged"] += hours + 1
    step, steps = attack.series()
    assert sum(sum(counts.values()) for _, counts in steps) == 5711
    assert len(steps) <= 73
    assert all(b - a == step for (a, _), (b, _) in itertools.pairwise(steps))


def test_the_day_is_that_of_the_newest_hop_not_of_the_file():
    raw = (
        b"Received: from mx.remote.test (mx.remote.test [203.0.113.5]) by mx.example.org; Sun, 1 Mar 2026 10:00:00 +0000\n"
        + REPORT
    )
    found = examine(raw, Lookups(now=NOW))
    copied = replace(
        found, report=replace(found.report, envelope=replace(found.report.envelope, received_at=NOW))
    )
    assert came_in(copied.report) == datetime(2026, 3, 1, 10, tzinfo=UTC)


def test_tenants_know_their_addresses():
    tenant = Identity(
        domains=("tenant.test",), senders=("anna@tenant.test",), never_send=("trap@tenant.test",)
    )
    attack = Attack(Identity(domains=("example.org",)), NOW, (tenant,))
    assert [attack.standing(f"{a}") for a in ("anna@tenant.test", "trap@tenant.test", "x@tenant.test")] == [
        "sends", "receives only", "not among your senders",
    ]  # fmt: skip
    assert attack.standing("x@example.org") == "at your domain"
    assert attack.standing("x@elsewhere.test") == "not at a domain of yours"


@pytest.mark.parametrize(
    ("latest", "words"), [(0, "it is over"), (1, "It fades"), (10, "It goes on"), (50, "It grows")]
)
def test_the_course(latest, words):
    attack = Attack()
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    attack.hours[begin, "forged"] = 5
    attack.hours[begin + timedelta(hours=60), "forged"] = 10
    attack.hours[begin + timedelta(hours=100), "forged" if latest else "genuine"] = latest or 1
    assert words in attack.course()
    # An export may be of any age: then it says so before it says how the flood goes.
    assert "This mail ends on 2026-01-05; what came since is not in it." in attack.trend()
    attack.now = begin + timedelta(hours=101)
    assert "what came since" not in attack.trend()


@pytest.mark.parametrize(
    ("status", "said", "words"),
    [
        ("5.1.1", "", "no such mailbox"),
        ("5.2.2", "", "full"),
        ("4.4.1", "", "still being tried"),
        ("5.7.1", "", "policy"),
        ("", "mailbox quota exceeded", "full"),
        ("", "User unknown", "no such mailbox"),
        ("", "", "Read what"),
        ("5.7.1", "550 5.7.1 Relaying denied", "takes no mail for this address"),
        ("5.1.2", "", "after the @"),
        ("5.1.8", "Sender address rejected: Domain not found", "your sender address"),
        ("", "Host or domain name not found", "cannot be found"),
        ("", "helo is not fully qualified", "Read what"),
        ("", "an unknown reason", "Read what"),
    ],
)
def test_advice(status, said, words):
    assert words in advice(status, said)


def test_since():
    assert moment("3d", NOW) == NOW - timedelta(days=3)
    assert moment("2026-01-31", NOW) == datetime(2026, 1, 31, tzinfo=UTC)
