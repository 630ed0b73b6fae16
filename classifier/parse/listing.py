"""What a notice in words tells of the original, where it returns nothing of it: its subject.

Notices list it in the language that they speak, or in a sentence, where no
header field stands that :mod:`classifier.parse.inline` could know.
"""

from __future__ import annotations

import re

from classifier.dataclass import replace
from classifier.parse.headers import HeaderBlock
from classifier.parse.markup import looks_like_html, to_plain
from classifier.parse.report import Original
from classifier.vocabulary import Completeness

#: The notice is above whatever else a text holds.
_CHARS = 16_000
_SUBJECT_CHARS = 998
_NAMES = (
    "subject", "the message subject was", "message subject", "subject of message", "subject of the message", "original subject",
    "original message subject", "mail subject", "email subject", "e-mail subject",
    # Exchange and Outlook in their languages, and the providers of the Far East.
    "betreff", "objet", "sujet", "asunto", "assunto", "oggetto", "onderwerp", "ämne", "ärende", "emne", "aihe", "temat", "předmět",
    "predmet", "tárgy", "subiect", "konu", "teema", "tēma", "tema", "тема", "тема письма", "тема сообщения", "θέμα", "נושא", "الموضوع",
    "件名", "主题", "主題", "主旨", "标题", "邮件主题", "郵件主旨", "제목", "메일제목", "chủ đề", "เรื่อง",
)  # fmt: skip
_LABEL = re.compile(
    r"[ \t|>*·\u3000-]{0,24}([^\W\d_][^\n:：@<>]{1,32}?)[ \t\u3000]{0,4}[:：](?!//)[ \t\u3000]{0,24}(\S[^\n]*)"
)
_BLANKS = re.compile(r"[ \t\u3000]+")
_LABELS = frozenset(_BLANKS.sub("", name) for name in _NAMES)
#: In a table the name of a row stands before them.
_AT_THE_END = ("主题", "主題", "主旨", "件名", "제목")


def told_original(text: str) -> Original:
    """Return what *text*, a notice without an original, tells of it: a partial one with its subject, or none."""
    text = text[:_CHARS]
    if looks_like_html(text):
        text = to_plain(text)
    for line in text.splitlines():
        match = _LABEL.match(line) if ":" in line or "：" in line else None
        if match and _is_subject(_BLANKS.sub("", match[1]).casefold()):
            subject = " ".join(match[2].split())[:_SUBJECT_CHARS]
            headers = HeaderBlock(b"Subject: " + subject.encode("utf-8", "replace") + b"\n")
            return replace(Original(), completeness=Completeness.PARTIAL, headers=headers)
    return Original()


def _is_subject(label: str) -> bool:
    return label in _LABELS or label.endswith(_AT_THE_END)
