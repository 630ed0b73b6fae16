"""Wordings: a subject and a body, of ordinary mail or of spam, invented or taken from real mail."""

from __future__ import annotations

import base64
import quopri
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from classifier.corpus.chance import BASE36, HEX
from classifier.corpus.people import domain_name, word
from classifier.corpus.phrases import CLOSINGS, GREETINGS, ORDINARY, SPAM
from classifier.errors import InputError
from classifier.parse.headers import HeaderBlock

if TYPE_CHECKING:
    from collections.abc import Container, Iterable
    from pathlib import Path

    from classifier.corpus.chance import Chance

#: Real bodies are cut off here: what counts stands in front.
_MAX_BODY = 20_000
_MAX_FILES = 20_000
_ADDRESS = re.compile(rb"[A-Za-z0-9._%+=-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,6}")
_LINK_HOST = re.compile(rb"(?i)\b(https?://|www\.)[A-Za-z0-9._%:@-]{1,200}")
_CHARSETS = {"ru": "koi8-r", "ja": "iso-2022-jp", "pl": "iso-8859-2"}


@dataclass(frozen=True)
class Wording:
    """What a message says.

    Attributes:
        subject: decoded, without line ends.
        text: the plain text, lines ended by LF; "" where *content* is given.
        spam: True where it reads like spam, whoever sent it.
        language: what it is written in.
        content: the body as bytes with its MIME fields, where real mail is the
            source: (Content-Type, Content-Transfer-Encoding, body).

    """

    subject: str
    text: str
    spam: bool
    language: str
    content: tuple[str, str, bytes] | None = None


@dataclass
class Material:
    """Real mail to take words from; empty: words are invented.

    Attributes:
        ordinary: wordings of ``ham/``.
        spam: wordings of ``spam/``.

    """

    ordinary: list[Wording] = field(default_factory=list)
    spam: list[Wording] = field(default_factory=list)

    @classmethod
    def read(cls, folder: Path, leave_out: Container[str] = ()) -> Material:
        """Read the mail below *folder*'s ``ham`` and ``spam``.

        Addresses and links in it are replaced: nobody real is named in what is
        generated.

        Args:
            folder: where it lies, one message a file.
            leave_out: names of folders in between whose files are not to be read.

        Raises:
            InputError: neither is there, or holds mail.

        """
        material = cls()
        for name, wordings in (("ham", material.ordinary), ("spam", material.spam)):
            for file in mail_files(folder / name, leave_out):
                wording = _wording(file.read_bytes(), spam=name == "spam")
                if wording is not None:
                    wordings.append(wording)
        if not material.ordinary and not material.spam:
            raise InputError("no mail in ham/ or spam/", where=str(folder), remedy="name another folder")
        return material


def mail_files(folder: Path, leave_out: Container[str] = ()) -> list[Path]:
    """List the files below *folder* in order, but those below a folder named in *leave_out*."""
    found = (p for p in folder.rglob("*") if p.is_file())
    kept = (p for p in found if not any(part in leave_out for part in p.relative_to(folder).parts[:-1]))
    return sorted(kept)[:_MAX_FILES]


def _wording(raw: bytes, *, spam: bool) -> Wording | None:
    raw = raw.replace(b"\r\n", b"\n")
    if raw.startswith(b"From "):
        raw = raw.partition(b"\n")[2]
    head, _, body = raw.partition(b"\n\n")
    headers = HeaderBlock(head)
    subject = headers.text("subject")
    if subject is None or not body.strip():
        return None
    body = _ADDRESS.sub(b"somebody@elsewhere.test", body[:_MAX_BODY])
    body = _LINK_HOST.sub(rb"\1www.elsewhere.test", body)
    kind = " ".join((headers.get("content-type") or "text/plain").split())
    if "multipart" in kind.lower() and not re.search(r"(?i)boundary=", kind):
        return None
    subject = _ADDRESS.sub(b"somebody@elsewhere.test", subject.encode("utf-8", "replace")).decode(
        "utf-8", "replace"
    )
    encoding = headers.get("content-transfer-encoding") or "7bit"
    return Wording(" ".join(subject.split())[:200], "", spam, "en", (kind[:300], encoding[:40], body))


def _fill(phrase: str, chance: Chance) -> str:
    if "{n}" in phrase:
        phrase = phrase.replace(
            "{n}", str(chance.choice((chance.randrange(2, 100), chance.randrange(100, 99_999))))
        )
    return phrase.replace("{w}", word(chance).title()) if "{w}" in phrase else phrase


def ordinary(chance: Chance, language: str, material: Material, author: str = "") -> Wording:
    """Say something as people do in their mail."""
    if material.ordinary and chance.yes(0.7):
        return chance.choice(material.ordinary)
    subjects, sentences = ORDINARY[language]
    subject = _fill(chance.choice(subjects), chance)
    if chance.yes(0.25):
        subject = f"Re: {subject}"
    body = _paragraphs(chance, sentences, chance.randrange(1, 4))
    greeting = chance.choice(GREETINGS[language]).replace("{p}", word(chance).title())
    closing = f"\n{chance.choice(CLOSINGS[language])}\n{author}\n" if author or chance.yes(0.6) else ""
    signature = (
        f"\n-- \n{author}\n{word(chance).title()}\nTel. +00 {chance.randrange(10**6, 10**7)}\n"
        if chance.yes(0.25)
        else ""
    )
    return Wording(subject, f"{greeting}\n\n{body}{closing}{signature}", False, language)


def spam(chance: Chance, language: str, material: Material) -> Wording:
    """Say something as spammers do; also what a newsletter, a shop or a bank may say."""
    if material.spam and chance.yes(0.7):
        return chance.choice(material.spam)
    subjects, sentences = SPAM[language]
    subject = _fill(chance.choice(subjects), chance)
    if chance.yes(0.15):
        subject = subject.upper()
    if chance.yes(0.15):
        subject += f" {chance.token(BASE36, 6)}"
    body = _paragraphs(chance, sentences, chance.randrange(1, 4))
    if chance.yes(0.7):
        body += f"\nhttp://{domain_name(chance)}/{chance.token(HEX, chance.randrange(4, 24))}\n"
    return Wording(subject, body, True, language)


def _paragraphs(chance: Chance, sentences: Iterable[str], count: int) -> str:
    listed = tuple(sentences)
    blocks = []
    for _ in range(count):
        picked = [_fill(chance.choice(listed), chance) for _ in range(chance.randrange(1, 4))]
        blocks.append("\n".join(picked) + "\n")
    return "\n".join(blocks)


def encoded_word(text: str, charset: str = "utf-8", how: str = "B") -> str:
    """Write header text as RFC 2047 encoded words where it is not ASCII."""
    if text.isascii():
        return text
    words = []
    # Pieces short enough for 75 characters in any charset.
    for start in range(0, len(text), 14):
        data = text[start : start + 14].encode(charset, "replace")
        if how == "Q":
            inner = "".join(
                chr(b) if chr(b).isalnum() and b < 128 else "_" if b == 32 else f"={b:02X}" for b in data
            )
        else:
            inner = base64.b64encode(data).decode("ascii")
        words.append(f"=?{charset}?{how}?{inner}?=")
    return "\n ".join(words)


def charset_for(chance: Chance, language: str, text: str) -> str:
    """Choose the charset that a program would write *text* in."""
    if text.isascii():
        return chance.choice(("us-ascii", "utf-8", "UTF-8", "iso-8859-1"))
    legacy = _CHARSETS.get(language, "iso-8859-1")
    if chance.yes(0.3):
        try:
            text.encode(legacy)
        except UnicodeEncodeError:
            return "utf-8"
        return legacy
    return "utf-8"


def transfer(chance: Chance, text: str, charset: str) -> tuple[str, bytes]:
    """Encode a body; return the Content-Transfer-Encoding and the bytes."""
    data = text.encode(charset, "replace")
    if charset == "iso-2022-jp" or data.isascii():
        return ("quoted-printable", _quoted(data)) if chance.yes(0.15) else ("7bit", data)
    how = chance.randrange(10)
    if how < 4:
        return "quoted-printable", _quoted(data)
    if how < 7:
        return "base64", base64.encodebytes(data)
    return "8bit", data


def _quoted(data: bytes) -> bytes:
    return quopri.encodestring(data).replace(b"\r\n", b"\n")
