"""The resolver against a real server on loopback, in good and bad health."""

import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest

from classifier.resolver import BREAK_AFTER, DnsResolver, parse_nameserver
from classifier.store.database import Database
from classifier.store.dnscache import DnsCache
from tests.dnsserver import DnsServer, Zone

BAD_MODES = (
    "silent", "servfail", "refused", "notimp", "garbage", "short", "wrong-id", "wrong-question", "loop",
    "referral", "truncate-then-close",
)  # fmt: skip


@pytest.fixture
def zone():
    zone = Zone()
    zone.add("example.org", "TXT", "v=spf1 ip4:192.0.2.0/24 -all", "other")
    zone.add("s1._domainkey.example.org", "TXT", "v=DKIM1; p=" + "A" * 600)
    zone.add("mail.example.org", "A", "192.0.2.1", "192.0.2.2")
    zone.add("mail.example.org", "AAAA", "2001:db8::1")
    zone.add("example.org", "MX", "20 mx2.example.org", "10 mail.example.org")
    zone.add("1.2.0.192.in-addr.arpa", "PTR", "mail.example.org")
    zone.add("alias.example.org", "CNAME", "step.example.org")
    zone.add("step.example.org", "CNAME", "mail.example.org")
    zone.add("dangling.example.org", "CNAME", "gone.example.org")
    return zone


@pytest.fixture
def server(zone):
    with DnsServer(zone) as server:
        yield server


def resolver(server, **settings):
    return DnsResolver([server.address], **{"timeout": 0.3, "budget": 2.0, **settings})


def test_every_record_type_comes_as_text(server):
    dns = resolver(server)
    assert dns.query("Example.ORG.", "TXT").records == ("other", "v=spf1 ip4:192.0.2.0/24 -all")
    assert dns.query("s1._domainkey.example.org", "TXT").records == ("v=DKIM1; p=" + "A" * 600,)
    assert dns.query("mail.example.org", "A").records == ("192.0.2.1", "192.0.2.2")
    assert dns.query("mail.example.org", "AAAA").records == ("2001:db8::1",)
    assert dns.query("example.org", "MX").records == ("10 mail.example.org", "20 mx2.example.org")
    assert dns.query("1.2.0.192.in-addr.arpa", "PTR").records == ("mail.example.org",)


@pytest.mark.parametrize("mode", ["ok", "no-chase"])
def test_aliases_are_followed(server, mode):
    server.mode = mode
    dns = resolver(server)
    assert dns.query("alias.example.org", "A").records == ("192.0.2.1", "192.0.2.2")
    assert dns.query("alias.example.org", "TXT") == dns.query("mail.example.org", "TXT")
    dangling = dns.query("dangling.example.org", "A")
    assert (dangling.available, dangling.exists, dangling.records) == (True, False, ())


def test_absent_is_told_from_empty(server):
    dns = resolver(server)
    absent, empty = dns.query("nobody.example.org", "TXT"), dns.query("mail.example.org", "TXT")
    assert (absent.available, absent.exists, absent.records) == (True, False, ())
    assert (empty.available, empty.exists, empty.records) == (True, True, ())


@pytest.mark.parametrize("mode", BAD_MODES)
def test_no_failure_is_ever_a_missing_record(server, mode):
    server.mode = mode
    dns = resolver(server)
    answer = dns.query("example.org", "TXT")
    assert not answer.available
    assert answer.records == ()
    assert answer.note
    assert dns.counts.failed == 1
    # and it is not kept: the next message gets the answer once the server is well
    server.mode = "ok"
    dns.begin_message()
    assert dns.query("example.org", "TXT").available


def test_a_failed_question_is_asked_once_per_message(server):
    server.mode = "servfail"
    dns = resolver(server)
    for _ in range(5):
        dns.query("example.org", "TXT")
    assert server.total == 1


def test_answers_over_a_packet_come_over_tcp(server, zone):
    zone.add("big.example.org", "TXT", *[f"{n:03} " + "x" * 200 for n in range(40)])
    answer = resolver(server).query("big.example.org", "TXT")
    assert len(answer.records) == 40
    assert server.over_tcp == 1


def test_huge_answers_are_refused_and_odd_bytes_kept(server, zone):
    zone.add("huge.example.org", "TXT", *[f"{n}" for n in range(500)])
    zone.add("odd.example.org", "TXT", b"v=spf1 \xff\xfe\x00 -all")
    dns = resolver(server)
    assert not dns.query("huge.example.org", "TXT").available
    assert dns.query("odd.example.org", "TXT").records == ("v=spf1 \xff\xfe\x00 -all",)


@pytest.mark.parametrize("length", [9, 40])
def test_long_alias_chains_end(server, zone, length):
    for n in range(length + 1):
        zone.add(f"c{n}.example.org", "CNAME", f"c{n + 1}.example.org")
    zone.add(f"c{length + 1}.example.org", "A", "192.0.2.9")
    server.mode = "no-chase"
    assert not resolver(server).query("c0.example.org", "A").available


def test_names_that_cannot_exist_are_not_asked(server):
    dns = resolver(server)
    for name in (
        "",
        ".",
        "a..b",
        "x" * 64 + ".test",
        ("a" * 60 + ".") * 5,
        "a b.test",
        "ü.test",
        "a\r\nb.test",
    ):
        answer = dns.query(name, "TXT")
        assert (answer.available, answer.exists) == (True, False)
    assert dns.query("example.org", "AXFR").records == ()
    assert server.total == 0


def test_the_budget_bounds_one_message(server):
    server.mode = "silent"
    dns = resolver(server, timeout=0.2, budget=0.3)
    started = time.monotonic()
    answers = [dns.query(f"n{n}.example.org", "TXT") for n in range(50)]
    assert time.monotonic() - started < 1.0
    assert not any(a.available for a in answers)
    assert "used up" in answers[-1].note
    assert dns.counts.withheld == 50 - dns.counts.asked
    server.mode = "ok"
    assert not dns.query("example.org", "TXT").available
    dns.begin_message()
    assert dns.query("example.org", "TXT").available


def test_the_breaker_opens_after_time_outs_in_a_row(server):
    server.mode = "silent"
    dns = resolver(server, timeout=0.1, budget=60)
    for n in range(20):
        assert not dns.query(f"n{n}.example.org", "TXT").available
    assert dns.counts.asked == BREAK_AFTER
    # The next message finds out with one look-up, later ones do not even try.
    for _ in range(4):
        dns.begin_message()
        for n in range(3):
            assert not dns.query(f"n{n}.example.org", "TXT").available
    assert dns.counts.asked == BREAK_AFTER + 1


def test_the_breaker_closes_when_the_server_is_back(server):
    server.mode = "silent"
    dns = resolver(server, timeout=0.1, budget=60)
    for n in range(5):
        dns.query(f"n{n}.example.org", "TXT")
    server.mode = "ok"
    dns.begin_message()
    assert dns.query("example.org", "TXT").available
    assert dns.query("mail.example.org", "A").available


def test_a_server_failure_is_no_time_out(server):
    server.mode = "servfail"
    dns = resolver(server)
    for n in range(10):
        dns.query(f"n{n}.example.org", "TXT")
    assert dns.counts.asked == 10


def test_the_second_nameserver_is_asked_when_the_first_fails(zone):
    for mode in ("silent", "servfail", "refused", "garbage"):
        with DnsServer(zone, mode) as bad, DnsServer(zone) as good:
            dns = DnsResolver([bad.address, good.address], timeout=0.6)
            assert dns.query("example.org", "TXT").available, mode


def test_a_nameserver_that_is_not_there():
    dns = DnsResolver(["127.0.0.1:9", "no-such-host.invalid"], timeout=0.3)
    assert not dns.query("example.org", "TXT").available


def test_ipv6_nameservers(zone):
    try:
        server = DnsServer(zone, host="::1")
    except OSError:
        pytest.skip("no IPv6 loopback here")
    with server:
        assert DnsResolver([server.address]).query("example.org", "TXT").available


def test_off_means_unknown(server):
    dns = resolver(server, enabled=False)
    answer = dns.query("example.org", "TXT")
    assert not answer.available
    assert server.total == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("192.0.2.1", ("192.0.2.1", 53)),
        ("127.0.0.1:5300", ("127.0.0.1", 5300)),
        ("2001:db8::1", ("2001:db8::1", 53)),
        ("[2001:db8::1]", ("2001:db8::1", 53)),
        ("[2001:db8::1]:5300", ("2001:db8::1", 5300)),
        ("[fe80::1%lo]:53", ("fe80::1%lo", 53)),
        ("ns.example.org:53", ("ns.example.org", 53)),
    ],
)
def test_nameservers_are_read(text, expected):
    assert parse_nameserver(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":53",
        "192.0.2.1:",
        "192.0.2.1:x",
        "192.0.2.1:0",
        "192.0.2.1:99999",
        "[::1",
        "[::1]53",
        "1:2:3",
        "a b",
        "http://x",
    ],
)
def test_impossible_nameservers_are_refused(text):
    with pytest.raises(ValueError):
        DnsResolver([text])


# -- memory and store -----------------------------------------------------


class Clock:
    def __init__(self):
        self.now = datetime(2026, 3, 1, tzinfo=UTC)

    def __call__(self):
        return self.now


def test_memory_honours_the_ttl(server, zone):
    zone.ttl = 120
    clock = Clock()
    dns = resolver(server, clock=clock)
    for _ in range(3):
        dns.begin_message()
        dns.query("example.org", "TXT")
    assert server.total == 1
    clock.now += timedelta(seconds=121)
    dns.query("example.org", "TXT")
    assert server.total == 2
    assert (dns.counts.questions, dns.counts.cached, dns.counts.asked) == (4, 2, 2)


def test_the_store_answers_the_next_process(server, tmp_path):
    clock = Clock()
    with Database.open(tmp_path / "s.sqlite3") as database:
        first = resolver(server, cache=DnsCache(database), clock=clock)
        expected = [first.query("example.org", "TXT"), first.query("nobody.example.org", "TXT")]
        assert server.total == 2
    with Database.open(tmp_path / "s.sqlite3", readonly=True) as database:
        second = resolver(server, cache=DnsCache(database), clock=clock)
        assert [second.query("example.org", "TXT"), second.query("nobody.example.org", "TXT")] == expected
        assert server.total == 2
        clock.now += timedelta(days=2)
        third = resolver(server, cache=DnsCache(database), clock=clock)
        assert third.query("example.org", "TXT").available
        assert server.total == 3


def test_a_cached_answer_needs_no_dnspython(server, tmp_path):
    path = tmp_path / "s.sqlite3"
    with Database.open(path) as database:
        resolver(server, cache=DnsCache(database)).query("example.org", "TXT")
    code = (
        "import sys\n"
        "from classifier.resolver import DnsResolver\n"
        "from classifier.store.database import Database\n"
        "from classifier.store.dnscache import DnsCache\n"
        f"dns = DnsResolver(['127.0.0.1:9'], cache=DnsCache(Database.open({str(path)!r}, readonly=True)))\n"
        "assert dns.query('example.org', 'TXT').records, dns.counts\n"
        "assert not [m for m in sys.modules if m == 'dns' or m.startswith('dns.')]\n"
    )
    subprocess.run([sys.executable, "-W", "ignore::ResourceWarning", "-c", code], check=True)
