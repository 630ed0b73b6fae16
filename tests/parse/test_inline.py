"""The original found in a text by its header block."""

from __future__ import annotations

import time

import pytest

from classifier.parse.headers import HeaderBlock
from classifier.parse.inline import find_original
from classifier.vocabulary import Completeness

HEADERS = (
    b"Return-Path: <anna@example.org>\n"
    b"Received: from mail.example.org (mail.example.org [192.0.2.1])\n"
    b"\tby mx.example.com with ESMTP; Thu, 5 Mar 2026 10:00:00 +0000\n"
    b"Message-ID: <one@example.org>\n"
    b"Date: Thu, 5 Mar 2026 09:59:00 +0000\n"
    b"From: Anna <anna@example.org>\n"
    b"To: bob@example.com\n"
    b"Subject: Minutes\n"
)
BODY = b"Dear Bob,\n\nhere they are.\n"
NOTICE = b"I'm sorry to have to tell you that it did not work.\n<bob@example.com>:\n550 no such user\n\n"


@pytest.mark.parametrize(
    "marker",
    [
        b"--- Below this line is a copy of the message.\n\n",
        b"------ This is a copy of the message, including all the headers. ------\n\n",
        "-------- Ursprüngliche Nachricht --------\n".encode("latin-1"),
        "-------元のメッセージ\n".encode("iso-2022-jp"),
        b"",
    ],
)
def test_it_is_found_below_any_marker_or_none_byte_for_byte(marker: bytes) -> None:
    text = NOTICE + marker + HEADERS + b"\n" + BODY
    found = find_original(text)
    assert found is not None
    assert found.headers == HEADERS == text[found.start : found.end]
    assert found.body == BODY
    assert found.completeness is Completeness.FULL
    assert found.verbatim


def test_crlf_is_kept() -> None:
    text = (NOTICE + HEADERS + b"\n" + BODY).replace(b"\n", b"\r\n")
    found = find_original(text)
    assert found is not None
    assert found.headers == HEADERS.replace(b"\n", b"\r\n")
    assert found.body == BODY.replace(b"\n", b"\r\n")


@pytest.mark.parametrize("prefix", [b"> ", b">", b"   ", b"\t", b"> > ", b" | ".replace(b"|", b">")])
def test_quotation_and_indentation_are_undone(prefix: bytes) -> None:
    quoted = b"".join(
        prefix + line if line.strip() else prefix.rstrip() + line
        for line in (HEADERS + b"\n" + BODY).splitlines(keepends=True)
    )
    found = find_original(NOTICE + quoted)
    assert found is not None
    assert found.headers == HEADERS
    assert not found.verbatim
    assert found.body is not None
    assert b"here they are." in found.body


def test_headers_only_and_cut_off() -> None:
    found = find_original(NOTICE + HEADERS)
    assert found is not None
    assert (found.completeness, found.body) == (Completeness.HEADERS, None)
    cut = find_original(NOTICE + HEADERS[:-5])
    assert cut is not None
    assert cut.completeness is Completeness.PARTIAL
    assert HeaderBlock(cut.headers).get("message-id") == "<one@example.org>"


def test_a_listing_is_a_partial_original() -> None:
    text = (
        b"Your message\n\n  To:      bob@example.com\n  Subject: Minutes\n  Sent:    Thu, 5 Mar 2026 10:00:00 +0100\n\n"
        b"did not reach the following recipient(s):\n\nbob@example.com on Thu, 5 Mar 2026\n"
    )
    found = find_original(text)
    assert found is not None
    assert found.completeness is Completeness.PARTIAL
    block = HeaderBlock(found.headers)
    assert (block.get("to"), block.get("subject")) == ("bob@example.com", "Minutes")
    assert found.body is None


def test_a_whole_header_section_wins_over_a_listing_above_it() -> None:
    text = b"Your message\n\n  To: bob@example.com\n  Subject: short\n\nfailed.\n\n" + HEADERS + b"\n" + BODY
    found = find_original(text)
    assert found is not None
    assert found.headers == HEADERS


def test_html_is_understood() -> None:
    text = (
        b"<html><body><p>Failed</p><pre>"
        + HEADERS.replace(b"<", b"&lt;").replace(b">", b"&gt;")
        + b"</pre></body></html>"
    )
    found = find_original(text)
    assert found is not None
    block = HeaderBlock(found.headers)
    assert block.get("message-id") == "<one@example.org>"
    assert block.get("from") == "Anna <anna@example.org>"
    assert not found.verbatim
    breaks = b"<html><body>Failed<br>" + HEADERS.replace(b"\n\t", b" ").replace(b"<", b"&lt;").replace(
        b"\n", b"<br>"
    )
    found = find_original(breaks)
    assert found is not None
    assert HeaderBlock(found.headers).get("subject") == "Minutes"


def test_double_spaced_and_stray_lines() -> None:
    spaced = HEADERS.replace(b"\n\t", b" ").replace(b"\n", b"\n\n")
    found = find_original(NOTICE + spaced)
    assert found is not None
    assert HeaderBlock(found.headers).get("message-id") == "<one@example.org>"
    lost_folding = HEADERS.replace(b"\n\tby", b"\nby")
    found = find_original(NOTICE + lost_folding + b"\n" + BODY)
    assert found is not None
    assert HeaderBlock(found.headers).get("subject") == "Minutes"


def test_a_notification_in_json_names_its_headers() -> None:
    text = (
        b'{"notificationType":"Bounce","bounce":{"bouncedRecipients":[{"emailAddress":"bob@example.com"}]},'
        b'"mail":{"headers":[{"name":"From","value":"anna@example.org"},{"name":"Message-ID","value":"<one@example.org>"}],'
        b'"commonHeaders":{"from":["anna@example.org"],"to":["bob@example.com"],"subject":"Minutes"}}}'
    )
    found = find_original(text)
    assert found is not None
    block = HeaderBlock(found.headers)
    assert block.get("message-id") == "<one@example.org>"
    assert block.get("subject") == "Minutes"


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"Dear all,\n\nplease note: the meeting is moved.\nThanks: Anna\n",
        b"Reporting-MTA: dns; mx.example.com\n\nFinal-Recipient: rfc822; bob@example.com\nAction: failed\nStatus: 5.1.1\n",
        b"See https://example.org/\nhttp://example.com/\n",
    ],
)
def test_no_original_is_seen_where_there_is_none(text: bytes) -> None:
    assert find_original(text) is None


@pytest.mark.parametrize(
    "unit",
    [
        b"From: a\n",
        b"From: a\n\n",
        b"From: a\nx\nx\nx\n",
        b"> From: a\n",
        b" x\n",
        b"a",
        b"<br>",
        b"<!--",
        b"From: a\n b\n",
        b"\r",
        b":",
    ],
)
def test_time_is_linear_on_bait(unit: bytes) -> None:
    bait = b"\n" + unit * (4_000_000 // len(unit))
    began = time.process_time()
    find_original(bait)
    assert time.process_time() - began < 4.0
