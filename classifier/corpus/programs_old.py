"""Mail programs of the years around 2000, as :mod:`classifier.corpus.programs` has those of today."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.corpus.chance import DIGITS, HEX, LOWER, UPPER, UPPER_HEX, compact
from classifier.corpus.programs import Program, outlook_express

if TYPE_CHECKING:
    from datetime import datetime

    from classifier.corpus.chance import Chance


def _netscape(chance: Chance, right: str, when: datetime) -> str:
    return f"{int(when.timestamp()):08X}.{chance.token(UPPER_HEX, 7)}@{right}"


def _mozilla(chance: Chance, right: str, when: datetime) -> str:
    return f"{int(when.timestamp()):08X}.{chance.randrange(1, 10)}0{chance.token(DIGITS, 5)}@{right}"


def _eudora(chance: Chance, right: str, when: datetime) -> str:
    return f"{chance.randrange(2, 8)}.{chance.randrange(0, 3)}.0.{chance.randrange(10, 60)}.2.{compact(when)}.{chance.token(HEX, 8)}@{right}"


def _pine(chance: Chance, right: str, when: datetime) -> str:
    system = chance.choice(("LNX", "GSO", "BSF", "OSF", "SOL"))
    return f"Pine.{system}.4.{chance.randrange(10, 65)}.{when:%y%m%d%H%M}0.{chance.randrange(300, 32_000)}-100000@{right}"


def _pegasus(chance: Chance, right: str, _when: datetime) -> str:
    return (
        f"{chance.token(UPPER_HEX, 8)}.{chance.randrange(100, 32_000)}.{chance.token(UPPER_HEX, 7)}@{right}"
    )


def _outlook_2000(chance: Chance, right: str, _when: datetime) -> str:
    return f"{chance.choice(('NDBB', 'NEBB', 'LPBB', 'OJEF'))}{chance.token(UPPER, 28)}.{chance.token(LOWER, 6)}@{right}"


def _exchange_55(chance: Chance, right: str, _when: datetime) -> str:
    return f"{chance.token(UPPER_HEX, 32)}@{right}"


def _exmh(chance: Chance, right: str, when: datetime) -> str:
    return f"{when:%Y%m%d%H%M}.{chance.token(HEX, 1)}{chance.token(UPPER, 1)}{chance.token(LOWER, 1)}{chance.token(DIGITS, 7)}@{right}"


def _gnus(chance: Chance, right: str, _when: datetime) -> str:
    return f"{chance.choice(('87', '86', 'm3', 'x7', 'ud'))}{chance.token(LOWER + DIGITS, 9)}.fsf@{right}"


def _kmail(chance: Chance, right: str, when: datetime) -> str:
    return f"{when:%Y%m%d%H%M}.{when:%S}{chance.token(DIGITS, 3)}.{chance.token(LOWER, 7)}@{right}"


def _entourage(chance: Chance, right: str, _when: datetime) -> str:
    return f"C{chance.token(UPPER_HEX, 7)}.{chance.token(UPPER_HEX, 4)}%{chance.token(LOWER, 6)}@{right}"


def _imp(chance: Chance, right: str, when: datetime) -> str:
    return f"{int(when.timestamp())}.{chance.token(HEX, 13)}@{right}"


_OE = (
    ("X-Priority", "3"),
    ("X-MSMail-Priority", "Normal"),
    ("X-MimeOLE", "Produced By Microsoft MimeOLE V5.50.4{v}.2300"),
)
#: Programs with how often they are met and their first and last year.
OLD: tuple[tuple[Program, float, int, int], ...] = (
    (Program("netscape", ("X-Mailer", "Mozilla 4.7{v} [en] (Win98; I)"), _netscape, "idfaxvtsc", extras=(("X-Accept-Language", "en"),)), 6, 1996, 2004),
    (Program("mozilla", ("User-Agent", "Mozilla/5.0 (Windows; U; Windows NT 5.0; en-US; rv:1.{v}) Gecko/20030624"), _mozilla, "idfaxvtsc", extras=(("X-Accept-Language", "en-us, en"),)), 6, 2001, 2007),
    (Program("eudora", ("X-Mailer", "QUALCOMM Windows Eudora Version 6.{v}"), _eudora, "iaxdtfsvc", extras=(("X-Sender", "{a}"),), right="mail"), 5, 1996, 2008),
    (Program("pine", None, _pine, "dftsivc", right="host"), 5, 1996, 2010),
    (Program("pegasus", ("X-mailer", "Pegasus Mail for Windows (v4.{v})"), _pegasus, "ftdvscixa", extras=(("Priority", "normal"),)), 2, 1996, 2009),
    (Program("outlook-2000", ("X-Mailer", "Microsoft Outlook IMO, Build 9.0.{v}16 (9.0.2910.0)"), _outlook_2000, "ftsdivcxa", extras=(("X-Priority", "3 (Normal)"), ("X-MSMail-Priority", "Normal"), ("Importance", "Normal"))), 5, 1999, 2007),
    (Program("outlook-2003", ("X-Mailer", "Microsoft Office Outlook, Build 11.0.{v}"), outlook_express, "ftsdvcaxi", extras=(("Thread-Index", "AcX{u}=="), ("X-MimeOLE", "Produced By Microsoft MimeOLE V6.00.2900.{v}")), right="pc", body="both"), 8, 2003, 2010),
    (Program("oe-5", ("X-Mailer", "Microsoft Outlook Express 5.50.4{v}.2300"), outlook_express, "iftsdvcax", extras=_OE, right="pc", body="both"), 8, 1999, 2005),
    (Program("oe-4", ("X-Mailer", "Microsoft Outlook Express 4.72.{v}.3155"), outlook_express, "iftsdvcax", extras=(("X-Priority", "3"), ("X-MSMail-Priority", "Normal")), right="pc"), 3, 1997, 2002),
    (Program("exchange-ims", ("X-Mailer", "Internet Mail Service (5.5.2653.{v})"), _exchange_55, "iftsdvac", right="host"), 6, 1998, 2005),
    (Program("exchange-6", None, _exchange_55, "cvxsdixft", right="host", extras=(("X-MS-Has-Attach", ""), ("X-MS-TNEF-Correlator", ""), ("Thread-Topic", "{s}"), ("thread-index", "AcG{u}=="), ("X-MimeOLE", "Produced By Microsoft Exchange V6.5.7{v}.19"), ("content-class", "urn:content-classes:message")), body="both"), 6, 2001, 2010),
    (Program("exmh", ("X-Mailer", "exmh version 2.5 07/13/2001 with nmh-1.0.{v}"), _exmh, "atsvcdfi", right="host"), 2, 1996, 2006),
    (Program("gnus", ("User-Agent", "Gnus/5.{v} (Gnus v5.{v}) Emacs/21.3 (gnu/linux)"), _gnus, "tsfdiavc", right="host"), 2, 1998, 2030),
    (Program("kmail", ("User-Agent", "KMail/1.{v}"), _kmail, "ftsdavxci", extras=(("Content-Disposition", "inline"),)), 3, 2000, 2014),
    (Program("entourage", ("User-Agent", "Microsoft-Entourage/12.{v}.0.081119"), _entourage, "adsftixvc", extras=(("Thread-Topic", "{s}"),)), 2, 2001, 2012),
    (Program("imp", ("User-Agent", "Internet Messaging Program (IMP) 3.{v}"), _imp, "idftsvca"), 3, 1999, 2009),
)  # fmt: skip
