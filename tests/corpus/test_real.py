"""Reports about real header sections: their bytes stay, the label is where they lay."""

from __future__ import annotations

import pytest

from classifier.corpus.generated import Label
from classifier.corpus.real import returned_reports
from classifier.corpus.words import Material
from classifier.errors import InputError
from classifier.parse.message import parse
from classifier.vocabulary import Completeness, ReportKind

FETCHED = """From somebody@home.test  Mon Jan  6 10:00:00 2003
Return-Path: <{path}>
Delivered-To: reader@localhost.test
Received: from localhost (localhost [127.0.0.1])
	by reader.test (Postfix) with ESMTP id 1234567890
	for <reader@localhost>; Mon,  6 Jan 2003 10:00:00 +0000 (GMT)
Received: from pop.reader.test [192.0.2.9]
	by localhost with POP3 (fetchmail-6.2.0)
	for reader@localhost (single-drop); Mon, 06 Jan 2003 10:00:00 +0000 (GMT)
"""
OBSERVED = """Received: from {helo} ({client} [192.0.2.77])
   by mx.receiver.test (8.12.8/8.12.8) with ESMTP id h06A00xx
   for <reader@receiver.test>;  Mon, 6 Jan 2003 09:59:00 GMT
Message-ID:<1@pc.home.test>
From:   "Ann" <ann@home.test>
To: reader@receiver.test
Subject: Odd   spacing stays
Date: Mon, 6 Jan 2003 09:58:00 +0000

A body.
"""


@pytest.fixture
def folder(tmp_path):
    def put(name, path, helo, client):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text((FETCHED + OBSERVED).format(path=path, helo=helo, client=client))

    for number in range(12):
        put(f"ham/one/{number}.eml", "ann@home.test", "mail.home.test", "mail.home.test")
        put(f"spam/one/{number}.eml", "ann@home.test", "x", "adsl-7.isp.test")
    # Spam that may well be from where it says; and a collection that is not to be used.
    put("spam/one/own.eml", "ann@home.test", "mail.home.test", "mail.home.test")
    put("spam/two/0.eml", "ann@other.test", "x", "adsl-7.isp.test")
    return tmp_path


def test_header_sections_come_back_byte_for_byte(folder):
    reports = list(returned_reports(folder, "a", leave_out=("two",)))
    assert [r.label for r in reports].count(Label.GENUINE) == 12
    assert [r.label for r in reports].count(Label.FORGED) == 12
    whole = 0
    for made in reports:
        report = parse(made.raw)
        assert report.kind is not ReportKind.OTHER, made.format
        assert report.addressees == ("ann@home.test",)
        if report.original.completeness is not Completeness.NONE:
            client = "mail.home.test" if made.label is Label.GENUINE else "adsl-7.isp.test"
            helo = "mail.home.test" if made.label is Label.GENUINE else "x"
            head = OBSERVED.format(helo=helo, client=client).partition("\n\n")[0]
            whole += head.encode() in made.raw
            assert b"fetchmail" not in made.raw
    assert whole > 8


def test_the_same_seed_makes_the_same_reports(folder):
    assert list(returned_reports(folder, "a")) == list(returned_reports(folder, "a"))
    assert list(returned_reports(folder, "a")) != list(returned_reports(folder, "b"))


def test_words_are_read_from_the_collection(folder):
    material = Material.read(folder, ("two",))
    assert (len(material.ordinary), len(material.spam)) == (12, 13)
    assert material.ordinary[0].subject == "Odd spacing stays"


def test_an_empty_folder_is_said(tmp_path):
    with pytest.raises(InputError):
        list(returned_reports(tmp_path, "a"))
