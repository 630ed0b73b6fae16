"""Words are hashed without the names, addresses and numbers in them."""

from zlib import crc32

from classifier.model import words
from classifier.model.words import BUCKETS, buckets
from classifier.parse.message import parse
from tests.samples import REPORT


def report(subject, body):
    """Return the sample with another subject and text of the original."""
    raw = REPORT.replace(b"Subject: buy", f"Subject: {subject}".encode()).replace(b"rfc822-headers", b"plain")
    return raw.replace(b"text/plain\n\nReturn-Path", b"message/rfc822\n\nReturn-Path").replace(
        b"<1@example.org>\n", b"<1@example.org>\n\n" + body.encode() + b"\n"
    )


def test_names_addresses_links_and_numbers_are_none_of_the_words_business():
    one = parse(
        report(subject="Pay anna@example.org 12 at www.example.org now", body="see http://a.example/x")
    )
    two = parse(
        report(subject="Pay bert@elsewhere.test 99 at host.other.test now", body="see http://b.test/y/z")
    )
    assert buckets(one) == buckets(two)
    assert buckets(one)


def test_buckets_are_bounded():
    found = buckets(parse(report(subject="Ω" * 5_000, body="word " * 100_000)))
    assert all(0 <= b < BUCKETS for b in found)
    assert len(found) < 1_500


def test_all_pieces_at_once_are_the_checksums_of_each():
    for body in ("", "a", "ab", "abc", "pills", "buy cheap~pills! \x7f " * 40):
        read = parse(report(subject="Re: {|} offer", body=body))
        diagnostic = " ".join(r.diagnostic_code or "" for r in read.recipients)
        expected = {
            crc32(letter + padded[at : at + size].encode()) % BUCKETS
            for letter, part in ((b"s", read.original.subject), (b"b", body), (b"d", diagnostic))
            if part
            for padded in (f" {words._folded(part)[:400]} ",)
            for size in (3, 4)
            for at in range(len(padded) - size + 1)
        }
        assert buckets(read) == expected
