"""What kind of report a message is: by structure first, by words second.

Structure (a report part, RFC 3834's field, a null sender together with a
returned message) is what honest software writes. Words count only where a
machine's signs are there: ordinary mail about bounces is full of such words.
"""

from __future__ import annotations

import re

from classifier.parse import words
from classifier.parse.addresses import domain_of
from classifier.parse.answers import BOUNCE_POINTS, auto_reply, is_challenge
from classifier.parse.automatic import own_subject
from classifier.parse.mime import MESSAGE_TYPES
from classifier.parse.signs import MAIL_SYSTEM, Signs, read_signs
from classifier.parse.words import any_of, first_of
from classifier.vocabulary import ReportKind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from classifier.parse.formats.findings import FreeTextFindings
    from classifier.parse.headers import HeaderBlock
    from classifier.parse.mime import Part
    from classifier.parse.report import Envelope

#: Notices say what they are at the top.
_NOTICE_CHARS = 3_000
_OPENING_CHARS = 300
#: Whom a message did not reach stands this near to the words that say so.
_TOLD_CHARS = 200
_STATUS_TYPES = frozenset({"message/delivery-status", "message/global-delivery-status"})
_DISPOSITION_TYPES = frozenset(
    {"message/disposition-notification", "message/global-disposition-notification"}
)
_RETURNED_TYPES = frozenset(
    {"message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers", "message/partial"}
)
_FEEDBACK_TYPES = frozenset({"message/feedback-report", "application/tlsrpt+gzip", "application/tlsrpt+json"})
_FEW_PARTS = 4
#: Answers to invitations (RFC 5546) are people's.
_CALENDAR = "text/calendar"
#: How people begin, and programs only where they name nobody.
_GREETING = re.compile(
    r"\s{0,9}(?:hi|hello|hey|dear|hallo|moin|servus|guten (?:tag|morgen)|liebe[rs]?|bonjour|salut|hola|buenos días|buenas|ciao|buongiorno"
    r"|olá|oi|bom dia|hoi|beste|hej|hei|moi|cześć|witam|ahoj|szia|kedves|привет|добрый день|γεια|καλημέρα|merhaba|selam|مرحبا|안녕하세요|xin chào)"
    r"\b(?! (?:sender|user|customer|sir|e-?mail))[ ,]",
)
#: A line of what somebody answers; three of the signs stand before commands in transcripts.
_QUOTED = re.compile(r"^>(?!>>)", re.MULTILINE)
#: What notices frame an address with, and what stands before a server's words.
_DECORATION = " \t\n<>()[]{}\"'*-=_#.:,;。"
_CLAUSE_END = re.compile(r"[.!?;,]\s|[。！？，、؛،]|\n[ \t]*\n")
_CODE = re.compile(r"[^\n]{0,80}?(?<![0-9])[45](?:[0-5][0-9][ -]\S|\.[0-7]\.[0-9])")
_ASKED = re.compile(r"[?？؟]")
#: RFC 7489 section 7.2.1.1: receiver, domain, begin and end, in the name of the file.
_DMARC_FILE = re.compile(
    r"[^\s!]{1,255}![^\s!]{1,255}![0-9]{6,12}![0-9]{6,12}[^\s]{0,80}\.(?:xml|zip|gz)", re.IGNORECASE
)
_DMARC = re.compile(r"report[ -]domain:.{1,300}submitter:|^dmarc aggregate report", re.IGNORECASE)
_COMPLAINT = re.compile(
    r"^(?:complaint about message from|email feedback report for ip|abuse report)", re.IGNORECASE
)
_CHALLENGE_FIELDS = frozenset(
    {
        "x-choicemail-registration-request",
        "x-boxbe-challenge",
        "x-spamarrest-challenge",
        "x-bluebottle-request",
    }
)
#: Exchange's mark of a non-delivery report; certified mail's of a receipt (RFC 6109 section 3.1).
_BOUNCE_FIELDS = frozenset({"x-ms-exchange-message-is-ndr", "x-ricevuta"})
_SUBJECTS = (
    words.FAILURE_SUBJECTS,
    words.AUTO_SUBJECTS,
    words.VIRUS_SUBJECTS,
    words.CHALLENGE_SUBJECTS,
)
#: A provider's JSON notification; its quotes are escaped where it is wrapped in another.
_NOTIFICATION = re.compile(r'"?notificationtype\\{0,3}"\s{0,4}:\s{0,4}\\{0,3}"(\w{1,20})')


def _below(root: Part) -> tuple[Part, ...]:
    """Return the parts below *root* that are the message's own, or its content's where it is itself a message."""
    if root.content_type in MESSAGE_TYPES:
        return root.children[0].own_parts if root.children else ()
    return root.own_below


def classify_kind(
    headers: HeaderBlock, root: Part, envelope: Envelope, text: str, findings: FreeTextFindings
) -> tuple[ReportKind, str]:
    """Tell what kind of report a message is that :func:`structured_kind` does not tell.

    Args:
        headers: its own header section.
        root: its part tree.
        envelope: what is known of its transport.
        text: its human-readable text, decoded.
        findings: what :func:`classifier.parse.formats.read` made of it.

    Returns:
        The kind, and the name of the format; "" for OTHER.

    """
    subject = own_subject(headers)
    low = subject.lower()
    notice = (findings.notice or text)[:_NOTICE_CHARS].lower()
    if notice.lstrip().startswith("{") and (match := _NOTIFICATION.search(notice)):
        told = match.group(1)
        if told == "complaint":
            return ReportKind.FEEDBACK_REPORT, "amazon-sns"
        return (ReportKind.BOUNCE, "amazon-sns") if told in {"bounce", "delivery"} else (ReportKind.OTHER, "")
    if headers.has_any(_CHALLENGE_FIELDS):
        return ReportKind.CHALLENGE, "challenge"
    signs = read_signs(headers, envelope.mail_from)
    if not signs.writer and not signs.automatic and not any(any_of(table, low) for table in _SUBJECTS):
        # Nothing of a machine about it: its words are somebody's own.
        return ReportKind.OTHER, ""
    greets = bool(_GREETING.match(notice))
    written = greets or signs.program or (">" in notice and bool(_QUOTED.search(notice)))
    if signs.null_sender:
        # Some deliver a person's mail without its reverse path.
        personal = not signs.system and (written or signs.forward)
    else:
        personal = (signs.answers and signs.reply) or greets
    told = not personal and _tells_whom(headers, notice, findings)
    returned = not _RETURNED_TYPES.isdisjoint([part.content_type for part in _below(root)])
    if not signs.system and not any_of(words.MAIL_NOUNS, f"{low}\n{notice}"):
        told = False
    announced = told and findings.named and _announces(low, notice, findings, signs)
    if (
        (signs.list_mail and not signs.system and not announced)
        or signs.to_keeper
        or _CALENDAR in [part.content_type for part in root.own_parts[: 1 if signs.system else _FEW_PARTS]]
    ):
        return ReportKind.OTHER, ""
    if _is_virus_warning(low, notice, signs, told=bool(findings.recipients)):
        return ReportKind.VIRUS_WARNING, findings.format
    if not (returned or headers.has_any(_BOUNCE_FIELDS)) and _keeps_house(findings, signs):
        return ReportKind.OTHER, ""
    if announced or headers.has_any(_BOUNCE_FIELDS):
        return ReportKind.BOUNCE, findings.format
    least = _bounce_points(low, findings, signs, returned=returned, told=told)
    if signs.writer >= MAIL_SYSTEM and least is not None and least >= BOUNCE_POINTS:
        # A bounce, whatever it says, unless it asks for something: to look for hundreds of phrases takes longest of all.
        enough = BOUNCE_POINTS + 3
        if least >= enough or not is_challenge(low, notice, signs) or least + _said(notice) >= enough:
            return ReportKind.BOUNCE, findings.format
        return ReportKind.CHALLENGE, "challenge"
    points = 0 if least is None else least + _said(notice)
    if points < BOUNCE_POINTS + 3 and is_challenge(low, notice, signs):
        return ReportKind.CHALLENGE, "challenge"
    if auto := auto_reply(low, notice, signs, points, told=told and findings.coded, written=written):
        return ReportKind.AUTO_REPLY, auto
    if points >= BOUNCE_POINTS:
        return ReportKind.BOUNCE, findings.format
    return ReportKind.OTHER, ""


def structured_kind(headers: HeaderBlock, root: Part) -> tuple[ReportKind, str] | None:
    """Tell the kind by structure alone, without reading a word of the text.

    A report part, or the report-type parameter of a multipart/report (RFC
    6522), names the kind; so do the subjects that RFC 7489 section 7.2.1.1
    and complaint feeds prescribe.

    Returns:
        The kind and the format, or None where the structure says nothing.

    """
    seen = frozenset([root.content_type, *[part.content_type for part in _below(root)]])
    report_type = (root.params.get("report-type") or "").lower()
    subject = own_subject(headers)
    if seen & _FEEDBACK_TYPES or report_type in {"feedback-report", "tlsrpt"}:
        return ReportKind.FEEDBACK_REPORT, "tlsrpt" if "tlsrpt" in report_type else "arf"
    if seen & _STATUS_TYPES:
        return ReportKind.DSN, "rfc3464"
    if seen & _DISPOSITION_TYPES or report_type == "disposition-notification":
        return ReportKind.MDN, "rfc8098"
    if (
        report_type in {"delivery-status", "delivery-notification"}
        and root.content_type == "multipart/report"
    ):
        return ReportKind.DSN, "rfc3464"
    if (
        _DMARC.search(subject)
        or "x-dmarc-report" in headers
        or any(
            part.content_type.startswith("application/") and _DMARC_FILE.fullmatch(part.filename)
            for part in root.own_parts[:_FEW_PARTS]
        )
    ):
        return ReportKind.FEEDBACK_REPORT, "dmarc"
    if _COMPLAINT.match(subject) and seen & _RETURNED_TYPES:
        return ReportKind.FEEDBACK_REPORT, "complaint"
    return None


def is_virus_warning(headers: HeaderBlock, text: str) -> bool:
    """Say whether a delivery status was sent to warn the presumed sender of a virus, as amavis does.

    Its own subject tells: that of a non-delivery report never quotes what was returned.
    """
    subject = own_subject(headers).lower()
    if _virus_named(subject) is None:
        return False
    return _is_virus_warning(subject, text[:_NOTICE_CHARS].lower(), read_signs(headers, ""), told=True)


def _virus_named(subject: str) -> int | None:
    """Return where *subject* names a virus or the like, or None."""
    if subject.isascii() and not any_of(words.VIRUS_HINTS, subject):
        return None
    return first_of(words.VIRUS_SUBJECTS, subject)


def _is_virus_warning(subject: str, notice: str, signs: Signs, *, told: bool) -> bool:
    at = _virus_named(subject)
    if at is None or signs.reply:
        return False
    failure = None if signs.scanner else first_of(words.FAILURE_SUBJECTS, subject)
    if failure is not None and failure < at:
        # "Undeliverable: virus alert" quotes what came back.
        return False
    # A newsletter may have a null sender, and offer protection.
    machine = signs.writer >= MAIL_SYSTEM or (
        not signs.list_mail
        and (signs.automatic or (signs.writer > 0 and (signs.machine or told)) or (signs.scanner and told))
    )
    said = f"{subject}\n{notice}"
    return machine and any_of(words.VIRUS_PHRASES, said) and any_of(words.VIRUS_ADDRESS, said)


def _announces(subject: str, notice: str, findings: FreeTextFindings, signs: Signs) -> bool:
    """Say whether a nameless author says at once that a message failed, as home-made gateways do.

    They write no more than that, and whom it did not reach, from an address like anybody's.
    """
    if not signs.nameless or signs.answers or signs.forward or signs.many_addressees:
        return False
    if not (
        any_of(words.FAILURE_SUBJECTS, subject) and any_of(words.FAILURE_PHRASES, notice[:_OPENING_CHARS])
    ):
        return False
    return signs.machine or (not signs.list_mail and _ends_with_whom(notice, findings))


def _keeps_house(findings: FreeTextFindings, signs: Signs) -> bool:
    """Say whether the own postmaster tells, with no sign of a message, of a mailbox of the house: that it fills up, say."""
    told = findings.recipients[0].final_recipient if findings.recipients else None
    return (
        signs.system
        and bool(signs.house)
        and domain_of((told or "").lower()) == signs.house
        and not signs.automatic
        and not (findings.format != "generic" or findings.returns or findings.coded)
    )


def _ends_with_whom(notice: str, findings: FreeTextFindings) -> bool:
    """Say whether nothing but a reply code follows the last recipient, and nothing is asked: people go on."""
    address = (findings.recipients[-1].final_recipient or "").lower()
    after = notice[notice.rfind(address) + len(address) :].strip(_DECORATION)
    return not _ASKED.search(notice) and (
        not after or (findings.coded and "\n\n" not in after and bool(_CODE.match(after)))
    )


def _tells_whom(headers: HeaderBlock, notice: str, findings: FreeTextFindings) -> bool:
    """Say whether the notice names somebody else than its addressee close to words that say that something failed.

    An address that nothing else speaks for has to stand in the same clause, or
    in a notice with a server's code: whom to ask about a parcel stands beside such words, too.
    """
    address = (findings.recipients[0].final_recipient or "").lower() if findings.recipients else ""
    at = notice.find(address) if address else -1
    if at < 0 or address in (headers.get("to") or "").lower():
        return False
    end = at + len(address)
    before, after = notice[max(0, at - _TOLD_CHARS) : at], notice[end : end + _TOLD_CHARS]
    if not (findings.named or findings.coded):
        before = _CLAUSE_END.split(before)[-1]
        after = _CLAUSE_END.split(after, maxsplit=1)[0]
    return any_of(words.FAILURE_PHRASES, before + address + after)


def _bounce_points(
    subject: str, findings: FreeTextFindings, signs: Signs, *, returned: bool, told: bool
) -> int | None:
    """Add up what speaks for a bounce beside what it says; what speaks against it is taken away.

    Returns:
        The points; None where it is none, whatever it says.

    """
    known = findings.format != "generic"
    quoted = returned or findings.returns
    if not (signs.writer or signs.machine or (signs.nameless and returned)):
        # A person's: whatever it quotes.
        return None
    if not (
        signs.writer >= MAIL_SYSTEM
        or signs.null_sender
        or signs.automatic
        or known
        or quoted
        or findings.coded
        or (signs.system and told)
    ):
        # Only words: a postmaster who writes to his users has those too.
        return None
    failed = any_of(words.FAILURE_SUBJECTS, subject)
    if not signs.system and not (told and (failed or quoted or signs.automatic)):
        # A null sender is what newsletters have too.
        return None
    if not (failed or known or quoted or findings.coded or findings.recipients):
        # About no message: a mailbox that fills up, say.
        return None
    points = min(signs.writer, 4)
    if failed:
        points += 2
    points += known
    points += told
    points += any(r.smtp_reply or r.status for r in findings.recipients[:1])
    points += returned
    # A mail system's null sender and a returned message: structure, in whatever language.
    points += findings.returns and signs.null_sender and signs.writer >= MAIL_SYSTEM
    if not signs.writer:
        # A person's mail, whatever it is about; a robot's rarely.
        points -= 1 if signs.automatic else 3
        if returned and signs.no_reply:
            points += 3
    if signs.forward and (signs.writer < MAIL_SYSTEM or (signs.program and not signs.null_sender)):
        points -= 4
    elif signs.writer < MAIL_SYSTEM and signs.answers and not signs.automatic:
        # "Re:" from postmaster@ is somebody's answer.
        points -= 4 if signs.reply and not signs.null_sender else 2
    if signs.writer < MAIL_SYSTEM:
        points -= 2 * signs.many_addressees + signs.list_mail
    return points


def _said(notice: str) -> int:
    """Return the points that *notice* adds by what it says, the more for saying it at once."""
    if any_of(words.FAILURE_PHRASES, notice[:_OPENING_CHARS]):
        return 3
    return 2 if any_of(words.FAILURE_PHRASES, notice) else 0
