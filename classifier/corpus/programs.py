"""Mail programs: which fields they write, in which order, and what their Message-IDs look like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from classifier.corpus.chance import (
    BASE36,
    BASE62,
    DIGITS,
    HEX,
    LOWER,
    UPPER,
    UPPER_HEX,
    Weighted,
    compact,
    mail_date,
)
from classifier.corpus.letter import Letter, mailbox
from classifier.corpus.words import charset_for, encoded_word, transfer

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from classifier.corpus.chance import Chance
    from classifier.corpus.people import Person
    from classifier.corpus.words import Wording


@dataclass(frozen=True)
class Program:
    """A program that writes mail.

    Attributes:
        name: for people.
        agent: the field in which it names itself, and what it says; {v} is a version.
        message_id: from (chance, right-hand side, time) to what stands in the
            angle brackets; None: it leaves the Message-ID to the relay.
        order: its fields: f From, t To, s Subject, d Date, i Message-ID, v
            MIME-Version, c Content-Type and -Transfer-Encoding, a agent, x its extras.
        right: what stands right of the @: ``domain`` of the author, ``host``
            that it runs on, ``pc`` for its first label in capitals, ``mail``
            for the mail server's, ``own`` for a constant of the provider.
        own: that constant.
        extras: further fields as (name, value); {h}, {u}, {d} are hexadecimal,
            base64-like and decimal tokens, {a} the author's address.
        body: ``plain``, ``html`` or ``both``.
        mime: how it writes MIME-Version.

    """

    name: str
    agent: tuple[str, str] | None
    message_id: Callable[[Chance, str, datetime], str] | None
    order: str
    right: str = "domain"
    own: str = ""
    extras: tuple[tuple[str, str], ...] = ()
    body: str = "plain"
    mime: str = "1.0"


def _uuid(chance: Chance, right: str, _when: datetime) -> str:
    return f"{chance.uuid()}@{right}"


def _upper_uuid(chance: Chance, right: str, _when: datetime) -> str:
    return f"{chance.uuid().upper()}@{right}"


def _hex32(chance: Chance, right: str, _when: datetime) -> str:
    return f"{chance.token(HEX, 32)}@{right}"


def _outlook(chance: Chance, right: str, when: datetime) -> str:
    tail = chance.token(HEX, 7)
    return f"{chance.token(DIGITS, 4)}{_filetime(when) >> 32:08x}${chance.token(HEX, 8)}${tail}0$@{right}"


def _filetime(when: datetime) -> int:
    """Return the moment as Windows counts it: in steps of 100 ns since 1601."""
    return int((when.timestamp() + 11_644_473_600) * 10_000_000)


def outlook_express(chance: Chance, right: str, when: datetime) -> str:
    """Write as Outlook Express does: a counter, the time in two halves, the host's address."""
    now = _filetime(when)
    return f"{chance.randrange(1, 4096):04x}{now >> 32:08x}${now & 0xFFFFFFFF:08x}${chance.token(HEX, 6)}0a@{right}"


def _exchange(chance: Chance, right: str, _when: datetime) -> str:
    return f"{chance.token(HEX, 32)}@{right}"


def _online(chance: Chance, _right: str, _when: datetime) -> str:
    region = chance.choice(("AM0PR04", "DB8PR03", "PH0PR11", "SJ0PR02", "VI1PR07", "FR2P281", "TYCP286"))
    server = f"{region}MB{chance.token(DIGITS, 4)}"
    site = chance.choice(("eurprd04", "namprd11", "eurprd07", "DEUP281", "jpnprd01"))
    return f"{server}{chance.token(UPPER_HEX, 30)}@{server}.{site}.prod.outlook.com"


def _gmail(chance: Chance, _right: str, _when: datetime) -> str:
    return f"CA{chance.choice(('+', 'J', 'K', 'B', 'P'))}{chance.token(BASE62 + '-_', 48)}@mail.gmail.com"


def _mutt(chance: Chance, right: str, when: datetime) -> str:
    return f"{compact(when)}.G{chance.choice(UPPER)}{chance.randrange(300, 32_000)}@{right}"


def _new_mutt(chance: Chance, right: str, _when: datetime) -> str:
    return f"Z{chance.token(BASE62 + '+', 15)}@{right}"


def _sendmail(chance: Chance, right: str, when: datetime) -> str:
    return f"{when:%Y%m%d%H%M}.{chance.token(HEX, 1)}{chance.token(BASE62, 3)}{when:%M%S}{chance.token(DIGITS, 6)}@{right}"


def _postfix(chance: Chance, right: str, when: datetime) -> str:
    return f"{compact(when)}.{chance.token(UPPER_HEX, 11)}@{right}"


def _exim(chance: Chance, right: str, _when: datetime) -> str:
    return f"E1{chance.token(BASE62, 5)}-{chance.token(BASE62, 6)}-{chance.token(BASE62, 2)}@{right}"


def _javamail(chance: Chance, right: str, when: datetime) -> str:
    return f"{chance.randrange(10**6, 2 * 10**9)}.{chance.randrange(1, 9_000)}.{int(when.timestamp()) * 1000 + 371}.JavaMail.{chance.choice(('root', 'tomcat', 'app'))}@{right}"


def _notes(chance: Chance, right: str, _when: datetime) -> str:
    return f"OF{chance.token(UPPER_HEX, 8)}.{chance.token(UPPER_HEX, 8)}-ON{chance.token(UPPER_HEX, 8)}.{chance.token(UPPER_HEX, 8)}-{chance.token(UPPER_HEX, 8)}.{chance.token(UPPER_HEX, 8)}@{right}"


def _bat(chance: Chance, right: str, when: datetime) -> str:
    return f"{chance.randrange(10**8, 2 * 10**9)}.{compact(when)}@{right}"


def _python(chance: Chance, right: str, when: datetime) -> str:
    return f"{int(when.timestamp())}{chance.token(DIGITS, 2)}.{chance.randrange(100, 99_999)}.{chance.token(DIGITS, 19)}@{right}"


def _squirrel(chance: Chance, right: str, when: datetime) -> str:
    return f"{chance.token(HEX, 32)}.squirrel.{int(when.timestamp()) % 100_000}@{right}"


def _short(chance: Chance, right: str, when: datetime) -> str:
    return f"{int(when.timestamp())}.{chance.token(DIGITS, 5)}@{right}"


def _ses(chance: Chance, _right: str, _when: datetime) -> str:
    region = chance.choice(("eu-west-1.", "us-west-2.", ""))
    return f"01{chance.token(HEX, 14)}-{chance.uuid()}-000000@{region or 'email.'}amazonses.com"


_OUTLOOK_EXTRAS = (("Thread-Index", "Adn{u}=="), ("Content-Language", "en-us"))
_EXCHANGE_EXTRAS = (
    ("Thread-Topic", "{s}"),
    ("Thread-Index", "AQH{u}=="),
    ("Accept-Language", "en-US"),
    ("X-MS-Has-Attach", ""),
    ("X-MS-TNEF-Correlator", ""),
)

#: The programs of people.
PEOPLE = Weighted((
    (Program("thunderbird", ("User-Agent", "Mozilla Thunderbird"), _uuid, "idvaxtfsc", extras=(("Content-Language", "en-US"),)), 12),
    (Program("thunderbird-old", ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:{v}.0) Gecko/20100101 Thunderbird/{v}.0"), _uuid, "tfsixdavc", extras=(("Openpgp", "preference=signencrypt"),)), 4),
    (Program("outlook", ("X-Mailer", "Microsoft Outlook 16.0"), _outlook, "ftsdivcax", extras=_OUTLOOK_EXTRAS, body="both"), 10),
    (Program("outlook-express", ("X-Mailer", "Microsoft Outlook Express 6.00.2900.{v}"), outlook_express, "iftsdvcax", extras=(("X-Priority", "3"), ("X-MSMail-Priority", "Normal"), ("X-MimeOLE", "Produced By Microsoft MimeOLE V6.00.2900.{v}")), right="pc", body="both"), 3),
    (Program("exchange", None, _exchange, "ftsxdicv", right="host", extras=_EXCHANGE_EXTRAS, body="both"), 5),
    (Program("exchange-online", None, _online, "ftsxdicv", right="own", extras=_EXCHANGE_EXTRAS, body="both"), 8),
    (Program("apple-mail", ("X-Mailer", "Apple Mail (2.{v}.7)"), _upper_uuid, "fcvsidtax", mime="1.0 (Mac OS X Mail 16.0 \\(3774.{v}\\))"), 8),
    (Program("iphone", ("X-Mailer", "iPhone Mail (21D{v})"), _upper_uuid, "cfvdsitax", mime="1.0 (1.0)", body="both"), 8),
    (Program("gmail", None, _gmail, "vfdistc", right="own", body="both"), 8),
    (Program("android", None, _upper_uuid, "dtsfvcix", extras=(("X-Android-Message-ID", "<{h}@email.android.com>"),)), 2),
    (Program("mutt", ("User-Agent", "Mutt/1.10.{v}"), _mutt, "dftsivcxa", right="host", extras=(("Content-Disposition", "inline"),)), 3),
    (Program("new-mutt", None, _new_mutt, "dftsivcx", right="host", extras=(("Content-Disposition", "inline"),)), 2),
    (Program("roundcube", ("User-Agent", "Roundcube Webmail/1.6.{v}"), _hex32, "vdftsaixc", extras=(("X-Sender", "{a}"),)), 6),
    (Program("squirrelmail", ("User-Agent", "SquirrelMail/1.4.{v}"), _squirrel, "idsftavcx", extras=(("X-Priority", "3 (Normal)"), ("Importance", "Normal"))), 2),
    (Program("horde", ("User-Agent", "Horde Application Framework 5"), _bat, "dift" + "savc"), 2),
    (Program("notes", ("X-Mailer", "Lotus Domino Release 9.0.1FP{v}"), _notes, "stvaifxdc", extras=(("X-KeepSent", "{h}:{h}; type=4"),)), 2),
    (Program("the-bat", ("X-Mailer", "The Bat! (v9.{v}) Professional"), _bat, "dfaxitsvc", extras=(("X-Priority", "3 (Normal)"),)), 2),
    (Program("evolution", ("User-Agent", "Evolution 3.{v}.1-1"), _hex32, "isftdcavx", extras=()), 2),
))  # fmt: skip

#: Programs that no person sits at.
MACHINES = {
    "php": Program("php", ("X-Mailer", "PHPMailer 6.{v}.0 (https://github.com/PHPMailer/PHPMailer)"), _hex32, "dtfsiavc", right="host"),
    "php-mail": Program("php-mail", None, None, "tsxfvc", extras=(("X-PHP-Originating-Script", "1001:contact.php"),)),
    "cron": Program("cron", None, _sendmail, "dfitsvc", right="host"),
    "java": Program("java", None, _javamail, "dftisvc", right="host", body="html"),
    "python": Program("python", None, _python, "cvsftdi", right="host"),
    "ticket": Program("ticket", ("X-Mailer", "OTRS Mail Service (6.0.{v})"), _short, "vfdisatcx", extras=(("Auto-Submitted", "auto-generated"), ("Precedence", "bulk"))),
    "newsletter": Program("newsletter", ("X-Mailer", "ListMailer {v}"), _uuid, "dftsivcxa", extras=(("List-Unsubscribe", "<mailto:unsubscribe-{h}@{r}>"), ("Precedence", "bulk"), ("X-Campaign", "{d}")), body="html"),
    "scanner": Program("scanner", None, None, "dftsvc"),
    "ses": Program("ses", None, _ses, "dftisvcx", right="own", extras=(("Feedback-ID", "1.eu-west-1.{u}=:AmazonSES"), ("X-SES-Outgoing", "2026.01.05")), body="html"),
    "submitted": Program("submitted", None, _postfix, "fstdivc", right="host"),
    "exim-local": Program("exim-local", None, _exim, "tsfid", right="host"),
}  # fmt: skip

#: What bulk senders of spam put in front of their mail.
SPAMWARE = Weighted((
    (Program("spam-plain", None, _short, "iftsdvc"), 4),
    (Program("spam-outlook", ("X-Mailer", "Microsoft Outlook Express 6.00.2800.{v}"), outlook_express, "iftsdvcax", extras=(("X-Priority", "3"), ("X-MSMail-Priority", "Normal"), ("X-MimeOLE", "Produced By Microsoft MimeOLE V6.00.2800.{v}")), body="html"), 4),
    (Program("spam-none", None, None, "ftsdvc", body="html"), 2),
    (Program("spam-hex", ("X-Mailer", "{u}"), _hex32, "fivcdtsa", body="both"), 2),
    (Program("spam-php", ("X-Mailer", "PHP/7.{v}.33"), _hex32, "tsfaivcd", right="host", body="html"), 3),
    (Program("spam-bat", ("X-Mailer", "The Bat! (v3.{v}) Educational"), _bat, "dfaxitsvc", extras=(("X-Priority", "3 (Normal)"),), body="html"), 2),
    (Program("spam-thunderbird", ("User-Agent", "Mozilla/5.0 (Windows NT 6.1; rv:{v}.0) Gecko/20100101 Thunderbird/{v}.0"), _uuid, "idfavtsc"), 2),
    (Program("spam-python", None, _python, "cvftsid", right="host", body="html"), 2),
))  # fmt: skip


def compose(
    program: Program,
    chance: Chance,
    *,
    author: Person,
    to: Person,
    wording: Wording,
    when: datetime,
    host: str,
    right: str | None = None,
    reverse_path: str | None = None,
) -> Letter:
    """Write a message as *program* does.

    Args:
        program: which.
        chance: decides what is left open.
        author: From.
        to: To, and the envelope recipient.
        wording: what it says.
        when: the Date, in the author's time zone.
        host: the host that the program runs on.
        right: what to put right of the @ in the Message-ID, over the program's way.
        reverse_path: the envelope sender; default the author's address.

    """
    version = str(chance.randrange(1, 130))
    domain = author.address.rpartition("@")[2]
    rights = {
        "host": host,
        "own": program.own,
        "pc": host.partition(".")[0].upper(),
        "mail": f"mail.{domain}",
    }
    right = right or rights.get(program.right) or domain
    charset = charset_for(chance, wording.language, wording.subject + wording.text + author.name)
    how = "Q" if chance.yes(0.4) else "B"
    content, body = _content(program, chance, wording, charset)
    wide = "utf-8" if charset in {"us-ascii", "iso-8859-1", "UTF-8"} else charset
    if wording.content is not None:
        wide = "utf-8"
    subject = encoded_word(wording.subject, wide, how)
    values: dict[str, list[tuple[str, str]]] = {
        "f": [("From", mailbox(author.name, author.address, wide, how))],
        "t": [("To", mailbox(to.name if chance.yes(0.6) else "", to.address, "utf-8", how))],
        "s": [("Subject", subject)],
        "d": [("Date", mail_date(when, pad=program.right == "host"))],
        "i": [("Message-ID", f"<{program.message_id(chance, right, when)}>")] if program.message_id else [],
        "v": [("MIME-Version", program.mime.replace("{v}", version))],
        "c": content,
        "a": [(program.agent[0], program.agent[1].replace("{v}", version).replace("{u}", chance.token(LOWER, 9)))] if program.agent else [],
        "x": [(n, _fill(v, chance, author, subject, version)) for n, v in program.extras],
    }  # fmt: skip
    fields = [pair for letter in program.order for pair in values[letter]]
    return Letter(
        fields,
        body,
        author,
        author.address if reverse_path is None else reverse_path,
        (to.address,),
        when,
        wording,
    )


def _fill(value: str, chance: Chance, author: Person, subject: str, version: str) -> str:
    if "{" not in value:
        return value
    return (
        value.replace("{h}", chance.token(HEX, 16))
        .replace("{u}", chance.token(BASE62, 20))
        .replace("{d}", chance.token(DIGITS, 6))
        .replace("{a}", author.address)
        .replace("{r}", author.address.rpartition("@")[2])
        .replace("{s}", subject)
        .replace("{v}", version)
    )


def _content(
    program: Program, chance: Chance, wording: Wording, charset: str
) -> tuple[list[tuple[str, str]], bytes]:
    if wording.content is not None:
        kind, encoding, body = wording.content
        return [("Content-Type", kind), ("Content-Transfer-Encoding", encoding)], body
    if program.body == "plain" or (program.body == "both" and chance.yes(0.3)):
        encoding, body = transfer(chance, wording.text, charset)
        flowed = "; format=flowed" if program.name.startswith("thunderbird") else ""
        return [
            ("Content-Type", f"text/plain; charset={charset}{flowed}"),
            ("Content-Transfer-Encoding", encoding),
        ], body
    markup = wording.text.replace("&", "&amp;").replace("<", "&lt;").replace("\n", "<br>\n")
    markup = f'<html><head><meta charset="{charset}"></head><body>\n{markup}</body></html>\n'
    encoding, html = transfer(chance, markup, charset)
    if program.body == "html":
        return [
            ("Content-Type", f'text/html; charset="{charset}"'),
            ("Content-Transfer-Encoding", encoding),
        ], html
    plain_encoding, plain = transfer(chance, wording.text, charset)
    boundary = chance.choice(
        (f"000000000000{chance.token(HEX, 16)}", f"----=_NextPart_000_{chance.token(UPPER_HEX, 4)}_01DA{chance.token(UPPER_HEX, 4)}.{chance.token(UPPER_HEX, 8)}", f"Apple-Mail-{chance.uuid().upper()}", f"_000_{chance.token(BASE36, 24)}_")
    )  # fmt: skip
    edge = boundary.encode()
    parts = (("plain", plain_encoding, plain), ("html", encoding, html))
    body = b"".join(
        b'--%s\nContent-Type: text/%s; charset="%s"\nContent-Transfer-Encoding: %s\n\n%s\n'
        % (edge, kind.encode(), charset.encode(), how.encode(), data)
        for kind, how, data in parts
    )
    return [("Content-Type", f'multipart/alternative;\n\tboundary="{boundary}"')], body + b"--%s--\n" % edge
