"""Authentication results: whose word they are, by position and by host."""

from __future__ import annotations

import dataclasses
import time

import pytest

from classifier.evidence import authres, spf
from classifier.evidence.authres_header import parse_results, without_comments
from classifier.evidence.base import DnsAnswer, Lookups
from classifier.identity import Identity
from classifier.parse.headers import HeaderBlock
from classifier.parse.report import TraceHop
from tests.evidence.makers import NOW, hop, make, told

OURS = Identity(domains=("example.org",))
MX = "mx.remote.test"
BORDER_TEXT = f"from out.test (out.test [203.0.113.77]) by {MX} with ESMTPS id 1"
BORDER = TraceHop(BORDER_TEXT, "out.test", "out.test", "203.0.113.77", MX, "ESMTPS", "1", None, NOW)
BELOW = "Received: from x ([192.0.2.1]) by mail.example.org with ESMTPSA\nFrom: anna@example.org\nTo: x@remote.test\n"


def report(above="", below="", **settings):
    text = f"{above}Received: {BORDER_TEXT}\n{below}{BELOW}"
    return make([settings.pop("border", BORDER)], headers=text.encode(), **settings)


def judged(*args, identity=OURS, **settings):
    found = list(authres.gather(report(*args, **settings), identity, Lookups(NOW)))
    for evidence in found:
        assert "\n" not in evidence.detail
    return told(found)


def field(results, server=MX, name="Authentication-Results"):
    return f"{name}: {server}; {results}\n"


DKIM = "dkim=pass header.d=example.org header.s=s1"


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        (DKIM, ("dkim-pass", "genuine", "strong")),
        ("dkim=pass header.i=@example.org", ("dkim-pass", "genuine", "strong")),
        (f"spf=fail smtp.mailfrom=anna@example.org;\n\t{DKIM}", ("dkim-pass", "genuine", "strong")),
        ("dmarc=pass (p=reject) header.from=example.org", ("dmarc-pass", "genuine", "weak")),
        ("spf=pass smtp.mailfrom=anna@example.org", ("spf-pass", "genuine", "weak")),
        (
            "spf=fail smtp.mailfrom=anna@example.org; dmarc=fail header.from=example.org",
            ("dmarc-fail", "forged", "weak"),
        ),
        ("spf=fail (no; really) smtp.mailfrom=example.org", ("spf-fail", "forged", "weak")),
    ],
)
def test_the_reporting_sides_own_results(results, expected):
    assert judged(field(results)) == [expected]
    inner = field(results, "in7.remote.test")
    assert judged(inner) == [expected]
    assert judged(field(f"{MX}; {results}", "i=1", "ARC-Authentication-Results")) == [expected]


def test_received_spf_above_the_hop():
    good = f"Received-SPF: pass (mailfrom) identity=mailfrom; client-ip=203.0.113.77; envelope-from=anna@example.org; receiver={MX}\n"
    assert judged(good) == [("spf-pass", "genuine", "weak")]
    assert judged(good.replace("pass", "Fail", 1)) == [("spf-fail", "forged", "weak")]
    assert judged(good.replace(MX, "other.test")) == []


@pytest.mark.parametrize(
    "results",
    [
        "dkim=pass header.d=other.test",
        "dkim=fail header.d=example.org",
        "dkim=none",
        "spf=softfail smtp.mailfrom=example.org",
        "spf=pass smtp.mailfrom=bounce@esp.test",
        "spf=temperror smtp.mailfrom=example.org",
        "none",
    ],
)
def test_other_results_tell_nothing(results):
    assert judged(field(results)) == []


@pytest.mark.parametrize("server", ["mx.other.test", "mail.example.org", "remote.test.evil.test", "", "MX"])
def test_results_above_in_anothers_name_are_not_believed(server):
    assert not [e for e in judged(field(DKIM, server)) if e[1] != "neither"]


def test_results_below_the_hop_are_typed():
    assert judged("", field(DKIM)) == [("typed", "neither", "weak")]
    assert judged("", field(f"{MX}; {DKIM}", "i=1", "ARC-Authentication-Results")) == [
        ("typed", "neither", "weak")
    ]
    assert judged("", field("spf=fail smtp.mailfrom=example.org")) == []


def test_without_a_hop_of_the_reporters_everything_is_typed():
    foreign = dataclasses.replace(BORDER, by="mx.elsewhere.test")
    assert judged(field(DKIM), border=foreign) == [("typed", "neither", "weak")]
    mismatch = dataclasses.replace(BORDER, raw="from somewhere else by " + MX)
    assert judged(field(DKIM), border=mismatch) == [("typed", "neither", "weak")]


def test_a_report_that_came_from_elsewhere_is_only_weak():
    made_up = [hop("x", "dsl-1.isp.test", "198.51.100.1", "mx.example.org")]
    assert judged(field(DKIM), report_trace=made_up) == [("dkim-pass-unvouched", "genuine", "weak")]


def test_our_own_servers_results_are_about_mail_on_its_way_in():
    own = dataclasses.replace(BORDER, raw=BORDER_TEXT.replace(MX, "mx.example.org"), by="mx.example.org")
    text = f"{field('spf=fail smtp.mailfrom=example.org', 'mx.example.org')}Received: {own.raw}\n{BELOW}"
    made = make([own], headers=text.encode(), reporter="mx.example.org")
    assert list(authres.gather(made, OURS, Lookups(NOW))) == []


class Policy:
    """A resolver that knows one policy."""

    def query(self, name, record_type):
        found = ("v=spf1 ip4:192.0.2.0/24 -all",) if (name, record_type) == ("example.org", "TXT") else ()
        return DnsAnswer(found, exists=bool(found))


def test_a_fail_noted_at_the_time_confirms_one_found_afterwards():
    def strength(made):
        ((_, _, strength),) = told(spf.gather(made, OURS, Lookups(NOW, resolver=Policy())))
        return strength

    noted = field("spf=fail smtp.mailfrom=anna@example.org")
    zombie_text = BORDER_TEXT.replace("out.test (out.test", "pc (dsl-9.isp.test")
    zombie = dataclasses.replace(BORDER, raw=zombie_text, helo="pc", client_name="dsl-9.isp.test")
    text = f"{noted}Received: {zombie_text}\nFrom: anna@example.org\n"
    assert strength(make([zombie], headers=text.encode())) == "strong"
    assert strength(make([zombie], headers=text.partition("\n")[2].encode())) == "weak"
    typed = text.partition("\n")[2] + noted
    assert strength(make([zombie], headers=typed.encode())) == "weak"


# -- the fields ------------------------------------------------------------


def test_results_are_parsed_by_the_book():
    value = (
        'Example.COM 1; spf = pass (sender (nested) \\) ok; x) smtp.mailfrom = "a@b.test";'
        ' dkim/1=fail reason="bad; body" header.d=b.test; auth=pass (cram-md5) smtp.auth=x'
    )
    found = parse_results("authentication-results", value)
    assert [(r.server, r.method, r.result) for r in found] == [
        ("example.com", "spf", "pass"),
        ("example.com", "dkim", "fail"),
        ("example.com", "auth", "pass"),
    ]
    assert found[0].domains == ("b.test",)
    assert found[1].get("header.d") == "b.test"


@pytest.mark.parametrize(
    "value", ["", ";", ";;;", "a", "a; b", "=x; spf=pass", "(", '"', "a;" + "=" * 3000, "\\"]
)
@pytest.mark.parametrize("name", sorted(authres.FIELDS))
def test_malformed_fields_give_nothing_and_raise_nothing(name, value):
    assert not [r for r in parse_results(name, value) if r.result == "pass" and r.server]


@pytest.mark.parametrize(
    "bait",
    [
        "(" * 15_000,
        "a" + ";" * 15_000,
        "a; " + "x=y " * 3_900,
        "a; " + "=" * 15_000,
        "\\" * 15_000,
        "(" * 10**6,
    ],
)
def test_bait_is_bounded(bait):
    started = time.perf_counter()
    for name in authres.FIELDS:
        parse_results(name, bait)
    assert time.perf_counter() - started < 0.5


def test_comments_go():
    assert "".join(without_comments('a (b (c) \\) d) "(f)" g (open').split()) == 'a"(f)"g'


def test_ten_thousand_fields_are_bounded():
    made = report("", field(DKIM.replace("example.org", "x.test")) * 10_000)
    assert isinstance(made.original.headers, HeaderBlock)
    started = time.perf_counter()
    list(authres.gather(made, OURS, Lookups(NOW)))
    assert time.perf_counter() - started < 0.5
    made = report(field(DKIM.replace("example.org", "x.test")) * 10_000)
    started = time.perf_counter()
    list(authres.gather(made, OURS, Lookups(NOW)))
    assert time.perf_counter() - started < 1
