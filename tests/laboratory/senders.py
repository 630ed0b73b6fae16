"""Who sends: our own people by their mail programs, and a net of infected machines in our name, at several levels of craft."""

from __future__ import annotations

import re
import smtplib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from classifier.corpus.chance import HEX, UPPER_HEX, Chance, in_zone, mail_date
from classifier.corpus.people import Person
from classifier.corpus.programs import MACHINES, PEOPLE, SPAMWARE, compose
from classifier.corpus.words import Material, ordinary, spam
from tests.laboratory import small
from tests.laboratory.network import (
    BOTS,
    BRANCH,
    DESK,
    DOMAIN,
    FORGOTTEN,
    HOME,
    ILEX,
    JASMIN,
    NAMELESS,
    RELAY,
    RENTED,
    SUBMISSION,
    WEB,
    Host,
)
from tests.laboratory.own import SILENT_PORT, SUBMISSION_PORT
from tests.laboratory.plan import STRAIGHT
from tests.mailbox.daemon import PASSWORD

OUR_PEOPLE = (
    Person("Anna Becker", f"anna@{DOMAIN}", "en"),
    Person("Bernd Conrad", f"bernd@{DOMAIN}", "de"),
    Person("", f"office@{DOMAIN}", "en"),
)
_PROGRAMS = [program for program in PEOPLE.values if program.right != "own"]
_SCRIPTS = [MACHINES[name] for name in ("php", "php-mail", "cron", "java", "python", "submitted")]
_TYPED = (
    "Received: from {inner} ({inner} [{inner_address}])\n"
    "\tby {relay} (Postfix) with ESMTP id {id}\n\tfor <{recipient}>; {date}\n"
)
_TYPED_ABOVE = (
    "Received: from {relay} ({relay} [{relay_address}])\n\tby {bot} (Postfix) with ESMTP id {id};\n\t{date}\n"
)


@dataclass(frozen=True)
class Handover:
    """How a letter is handed to a server.

    Attributes:
        client: the host that connects.
        server: the address and port to connect to.
        sender: the envelope sender.
        recipient: the envelope recipient.
        data: the letter.
        login: the user name to authenticate with, or "".
        options: of MAIL FROM.

    """

    client: object
    server: tuple[str, int]
    sender: str
    recipient: str
    data: bytes
    login: str = ""
    options: tuple[str, ...] = ()
    greeting: str = ""

    def send(self):
        """Hand it over; a refusal is raised (smtplib.SMTPException)."""
        with smtplib.SMTP(
            *self.server, local_hostname=self.greeting or self.client.name, source_address=(self.client.address, 0), timeout=60
        ) as client:  # fmt: skip
            if self.login:
                client.login(self.login, PASSWORD)
            client.sendmail(
                self.sender, [self.recipient], re.sub(rb"\r?\n", b"\r\n", self.data), self.options
            )


def _letter(mail, programs, person, host, words):
    chance = Chance(mail.number)
    to = Person("", mail.recipient, "en")
    zone = chance.choice((60, 60, 120, -300))
    wording = words(chance, person.language, Material())
    letter = compose(
        programs[mail.program % len(programs)], chance, author=person, to=to, wording=wording,
        when=in_zone(datetime.now(UTC) - timedelta(seconds=chance.randrange(1, 40)), zone), host=host,
    )  # fmt: skip
    return letter.raw().replace(b"\r\n", b"\n")


def genuine(mail, exchanger=""):
    """Return how a letter of ours leaves, as what can ``send()`` it; *exchanger* is the address of the server that takes mail in for the recipient."""
    person = OUR_PEOPLE[mail.number % len(OUR_PEOPLE)]
    home = HOME[mail.number % len(HOME)]
    greeting = ""
    way = mail.way
    programs, host, client, server, login, options = _PROGRAMS, f"pc{mail.number % 90}.fritz.box", home, SUBMISSION, person.address, ()  # fmt: skip
    port = SUBMISSION_PORT
    if way == "submitted-silent":
        port = SILENT_PORT
    elif way == "desk":
        client, port, login = DESK, 25, ""
    elif way == "web":
        programs, host, client, server, port, login = _SCRIPTS, WEB.name, WEB, RELAY, 25, ""
    elif way == "elsewhere":
        server, port = ILEX, 25
    elif way == "courier":
        server, port, login = JASMIN, 25, ""
    elif way in small.MACHINES:
        machine = small.MACHINES[way]
        return machine.handover(
            person.address, mail.recipient, _letter(mail, _SCRIPTS, person, machine.name, ordinary)
        )
    elif way == "headers-wanted":
        options = ("RET=HDRS", f"ENVID=E{mail.number}")
    elif way == "utf8":
        options = ("SMTPUTF8", "BODY=8BITMIME")
    elif way in STRAIGHT:
        client = {"forgotten": FORGOTTEN, "forgotten-nameless": NAMELESS}.get(way, BRANCH)
        programs = _PROGRAMS if way == "branch-person" else _SCRIPTS
        server, port, host, login = Host(exchanger, "", None), 25, client.name, ""
        greeting = "nas.example.org" if way == "branch-named" else ""
    data = _letter(mail, programs, person, host, ordinary)
    if way == "utf8":
        data = re.sub(rb"(?m)^Subject:.*(?:\n[ \t].*)*", "Subject: Grüße aus Köln".encode(), data, count=1)
    return Handover(
        client, (server.address, port), person.address, mail.recipient, data, login, options, greeting
    )


def forged(mail, sample, exchanger):
    """Return how a letter in our name is handed in.

    Args:
        mail: which.
        sample: a genuine letter of ours as it arrived somewhere.
        exchanger: the address of the server that takes mail in for the recipient.

    """
    chance = Chance(mail.number)
    way, _, kind = mail.way.partition("-")
    client = {"nameless": BOTS[2], "rented": chance.choice(RENTED)}.get(kind, BOTS[chance.choice((0, 1, 3))])
    person = chance.choice(OUR_PEOPLE)
    server, login, greeting = (exchanger, 25), "", ""
    # Ways named "other" tell somebody else as the author: only the envelope is in our name.
    author = (
        Person("Olga", f"olga@{chance.choice(('weide.test', 'ulme.test'))}", "en")
        if way == "other"
        else person
    )
    data = _letter(mail, SPAMWARE.values, author, chance.choice(("localhost", "PC", client.name)), spam)
    if way == "received":
        data = _typed(mail, chance, client) + data
    elif way == "greeting":
        greeting = RELAY.name
    elif way == "copied":
        data = _copied(mail, chance, sample, data)
    elif way == "replayed":
        data = sample
    elif way == "account":
        # A customer's password was stolen: the provider's own server sends it on.
        server, login = ((JASMIN.address, 25), "") if kind == "courier" else ((ILEX.address, 25), "customer")
    return Handover(client, server, person.address, mail.recipient, data, login, (), greeting)


def _typed(mail, chance, client):
    date = mail_date(in_zone(datetime.now(UTC) - timedelta(seconds=20), 60))
    values = {
        "inner": SUBMISSION.name, "inner_address": SUBMISSION.address, "relay": RELAY.name, "relay_address": RELAY.address,
        "id": chance.token(UPPER_HEX, 10), "recipient": mail.recipient, "date": date, "bot": client.name,
    }  # fmt: skip
    above = _TYPED_ABOVE if chance.yes(0.5) else ""
    return (above + _TYPED).format(**values).encode()


def _copied(mail, chance, sample, letter):
    """Take the header section of a genuine letter, with new marks of the same shape, and another body."""
    head = sample.replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    head = re.sub(rb"(?m)^DKIM-Signature:.*(?:\n[ \t].*)*\n", b"", head)
    head = re.sub(rb"ok\.k[0-9]+@[a-z.]+", mail.recipient.encode(), head)
    head = re.sub(rb"(?mi)(?<=^message-id: <)[0-9a-f]{8}", chance.token(HEX, 8).encode(), head)
    subject = re.search(rb"(?m)^Subject:.*", letter)
    head = re.sub(rb"(?m)^Subject:.*", lambda _: subject[0] if subject else b"Subject: hello", head)
    return head + b"\n\n" + letter.partition(b"\n\n")[2]
