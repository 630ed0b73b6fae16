"""Messages out of files, mboxes, Maildirs, folders and streams."""

import gzip
import io
import os
import tarfile
import tracemalloc
import zipfile

import pytest

from classifier import sources
from classifier.sources import messages

ONE = b"From: a@example.org\nSubject: one\n\nbody\n"
TWO = b"From: b@example.org\nSubject: two\n\nFrom here on, prose.\n\nFrom prose, too, at 10:00 or so\n"
LINE = b"From MAILER-DAEMON Thu Jan  1 10:00:00 2026\n"


def read(*paths, stdin=b""):
    return list(messages([str(p) for p in paths], io.BytesIO(stdin)))


def test_one_message_in_a_file(tmp_path):
    file = tmp_path / "a.eml"
    file.write_bytes(ONE)
    [message] = read(file)
    assert (message.source, message.raw, message.error) == (str(file), ONE, "")


def test_standard_input_is_one_message():
    [message] = read("-", stdin=LINE + ONE)
    assert message.source == "-"
    assert message.raw == ONE
    assert message.envelope.mail_from == ""


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_mbox(tmp_path, end):
    file = tmp_path / "in.mbox"
    text = LINE + ONE + b"\n" + b"From b@example.org Thu Jan  1 10:00:00 2026\n" + TWO + b"\n"
    file.write_bytes(text.replace(b"\n", end))
    first, second = read(file)
    assert (first.source, second.source) == (f"{file}#1", f"{file}#2")
    assert first.raw == ONE.replace(b"\n", end)
    assert second.raw == TWO.replace(b"\n", end)
    assert first.envelope.mail_from == ""
    assert second.envelope.mail_from is None


def test_quoted_from_lines_stay(tmp_path):
    file = tmp_path / "in.mbox"
    body = b"From: a@example.org\n\n>From me\n>>From you\n"
    file.write_bytes(LINE + body)
    assert read(file)[0].raw == body


def test_a_from_line_without_empty_line_or_header_is_text(tmp_path):
    file = tmp_path / "in.mbox"
    body = b"From: a@example.org\n\ntext\nFrom x Thu Jan  1 10:00:00 2026\nA: b\n\nFrom y Thu Jan  1 10:00:00 2026\nno field\n"
    file.write_bytes(LINE + body)
    [message] = read(file)
    assert message.raw == body


def test_an_eml_file_is_one_message_whatever_it_returns(tmp_path):
    file = tmp_path / "bounce.eml"
    body = b"From: a@example.org\n\nReturned:\n\n" + LINE + ONE
    file.write_bytes(LINE + body)
    [message] = read(file)
    assert (message.source, message.raw) == (str(file), body)


def test_no_mail_at_all_is_still_a_message(tmp_path):
    file = tmp_path / "noise"
    file.write_bytes(bytes(range(256)) * 10)
    empty = tmp_path / "empty"
    empty.touch()
    assert [m.raw for m in read(file, empty)] == [bytes(range(256)) * 10, b""]


def test_what_only_holds_mail_is_told(tmp_path):
    archive = tmp_path / "bounces.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("a.eml", ONE)
    packed = tmp_path / "bounces.tar.gz"
    (tmp_path / "a.eml").write_bytes(ONE)
    with tarfile.open(packed, "w:gz") as file:
        file.add(tmp_path / "a.eml", "a.eml")
    outlook = tmp_path / "bounce.msg"
    outlook.write_bytes(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600))
    found = read(archive, packed, outlook, "-", stdin=archive.read_bytes())
    assert [m.raw for m in found] == [None] * 4
    words = (
        "zip archive; unpack",
        "tar archive; unpack",
        "Outlook's (.msg); save the message as .eml",
        "zip archive",
    )
    assert all(word in m.error for m, word in zip(found, words, strict=True))


def test_maildir_with_subfolders(tmp_path):
    box = tmp_path / "Maildir"
    for folder in (box, box / ".Sent", box / ".Sent.2025"):
        for part in ("cur", "new", "tmp"):
            (folder / part).mkdir(parents=True)
    (box / "cur" / "1.a:2,S").write_bytes(ONE)
    (box / "new" / "2.b").write_bytes(LINE + TWO)  # a delivery agent's mistake, still one message
    (box / "tmp" / "3.c").write_bytes(ONE)
    (box / "dovecot-uidlist").write_bytes(b"3 V1 N1\n")
    (box / ".Sent" / "cur" / "4.d:2,").write_bytes(ONE)
    assert [(m.source, m.raw) for m in read(box)] == [
        (str(box / ".Sent" / "cur" / "4.d:2,"), ONE),
        (str(box / "cur" / "1.a:2,S"), ONE),
        (str(box / "new" / "2.b"), TWO),
    ]


def test_a_message_that_was_flagged_meanwhile_is_found(tmp_path):
    for part in ("cur", "new", "tmp"):
        (tmp_path / part).mkdir()
    (tmp_path / "cur" / "1.a:2,S").write_bytes(ONE)
    [message] = read(tmp_path / "new" / "1.a")
    assert message.raw == ONE


def test_folders_are_searched_in_sorted_order(tmp_path):
    for name in ("b/2", "b/1", "a.eml", "b/c/d/1", "z.mbox", ".hidden", ".git/x", "b/.mh_sequences"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(LINE + ONE if name == "z.mbox" else ONE)
    found = [os.path.relpath(m.source, tmp_path) for m in read(tmp_path)]
    assert found == ["a.eml", "b/1", "b/2", "b/c/d/1", "z.mbox#1"]


def test_links_that_go_round_end(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a").write_bytes(ONE)
    (tmp_path / "sub" / "up").symlink_to(tmp_path)
    assert len(read(tmp_path)) == 1


def test_a_link_to_itself_costs_itself_and_one_to_a_pipe_is_no_mail(tmp_path):
    (tmp_path / "a").write_bytes(ONE)
    (tmp_path / "b").symlink_to("b")
    os.mkfifo(tmp_path / "c")
    (tmp_path / "d").symlink_to("c")  # nobody writes to it: opening it would wait for ever
    (tmp_path / "e").symlink_to("/dev/zero")
    (tmp_path / "f").symlink_to("a")
    found = [(os.path.relpath(m.source, tmp_path), m.raw, bool(m.error)) for m in read(tmp_path)]
    assert found == [("a", ONE, False), ("b", None, True), ("f", ONE, False)]


def test_gzip(tmp_path):
    one = tmp_path / "a.eml.gz"
    one.write_bytes(gzip.compress(ONE))
    box = tmp_path / "box.gz"
    box.write_bytes(gzip.compress(LINE + ONE + b"\n" + LINE + TWO))
    assert [m.raw for m in read(one, box)] == [ONE, ONE, TWO]
    torn = tmp_path / "torn.gz"
    torn.write_bytes(gzip.compress(ONE * 100)[:-20])
    [message] = read(torn)
    assert message.raw is None
    assert "cannot be read to its end" in message.error


def test_missing_and_unreadable_inputs_cost_themselves(tmp_path):
    good = tmp_path / "good"
    good.write_bytes(ONE)
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    found = read(tmp_path / "absent", good)
    assert [m.error for m in found] == ["no such file or folder", ""]
    assert [m.error for m in read(tmp_path)] == ["no such file or folder", ""]


def test_permission(tmp_path):
    file = tmp_path / "locked"
    file.write_bytes(ONE)
    file.chmod(0)
    before = os.geteuid()
    if before == 0:  # root may read everything
        os.seteuid(65534)
    try:
        [message] = read(file)
    finally:
        os.seteuid(before)
    assert message.error == "cannot be read (Permission denied)"


def test_too_large(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "MAX_MESSAGE", 1 << 20)
    box = tmp_path / "box"
    box.write_bytes(LINE + ONE + b"\n" + LINE + b"A: b\n\n" + b"x" * (2 << 20) + b"\n\n" + LINE + TWO)
    first, large, last = read(box)
    assert first.raw == ONE
    assert (large.source, large.raw, large.error) == (f"{box}#2", None, "larger than 1 MB")
    assert last.raw == TWO
    [alone] = read("-", stdin=b"x" * (2 << 20))
    assert alone.error == "larger than 1 MB"


def test_an_mbox_is_never_in_memory(tmp_path):
    box = tmp_path / "box"
    with box.open("wb") as file:
        for _ in range(300):
            file.write(LINE + b"A: b\n\n" + b"x" * 70 * 1000 + b"\n\n")
    tracemalloc.start()
    try:
        count = sum(1 for _ in messages([str(box)]))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 300
    assert peak < 2 << 20 < box.stat().st_size


def test_a_name_that_is_no_text(tmp_path):
    name = os.fsencode(tmp_path) + b"/\xff.eml"
    with open(name, "wb") as file:
        file.write(ONE)
    [message] = read(tmp_path)
    assert message.raw == ONE
    assert os.fsencode(message.source) == name
