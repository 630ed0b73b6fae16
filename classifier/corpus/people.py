"""Invented people, organisations and hosts.

Names are made from syllables and end in ``.test`` and ``.example`` (RFC 2606),
addresses lie in the blocks for documentation and benchmarks (RFC 5737, 2544,
3849). Which block or ending is drawn depends on nothing, so neither tells
anything about a message.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from classifier.corpus.chance import HEX, Weighted

if TYPE_CHECKING:
    from classifier.corpus.chance import Chance

_STARTS = (
    "al", "bar", "bel", "bra", "cal", "cor", "dan", "del", "dor", "el", "fal", "fen", "gar", "gol", "hal", "hor", "ib",
    "jar", "kal", "kor", "lan", "lor", "mar", "mel", "nor", "nov", "ol", "par", "pel", "quin", "ral", "rin", "sal", "sen",
    "tal", "tor", "ul", "val", "vel", "war", "wil", "yar", "zan", "zel",
)  # fmt: skip
_MIDDLES = (
    "a",
    "e",
    "i",
    "o",
    "u",
    "an",
    "ber",
    "den",
    "di",
    "go",
    "la",
    "li",
    "mi",
    "na",
    "ri",
    "ta",
    "to",
    "va",
)
_ENDS = (
    "bach", "berg", "burg", "dale", "dorf", "field", "ford", "gate", "hall", "ham", "heim", "hoff", "lab", "land", "lund",
    "mark", "med", "mont", "net", "nova", "port", "ra", "ria", "ridge", "soft", "stad", "tech", "ton", "tra", "via", "wick",
)  # fmt: skip
_TOPS = ("test", "test", "example")
_FIRST = {
    "en": ("Alice", "Brian", "Carol", "David", "Emma", "Frank", "Grace", "Henry", "Irene", "Jack", "Karen", "Liam", "Nora"),
    "de": ("Anna", "Bernd", "Claudia", "Dieter", "Eva", "Friedrich", "Greta", "Heike", "Jürgen", "Katrin", "Lukas", "Petra"),
    "fr": ("Amélie", "Benoît", "Camille", "Denis", "Élise", "François", "Hélène", "Jacques", "Léa", "Marc", "Nathalie"),
    "es": ("Alba", "Bruno", "Carmen", "Diego", "Elena", "Fernando", "Inés", "Javier", "Lucía", "Manuel", "Núria", "Pablo"),
    "it": ("Alessia", "Bruno", "Chiara", "Davide", "Elisa", "Fabio", "Giulia", "Luca", "Marta", "Nicola", "Paola"),
    "nl": ("Anouk", "Bas", "Daan", "Eline", "Femke", "Gijs", "Hanneke", "Jeroen", "Lotte", "Maarten", "Sanne"),
    "pt": ("Ana", "Bruno", "Catarina", "Duarte", "Filipa", "Gonçalo", "Inês", "João", "Leonor", "Miguel", "Rita"),
    "pl": ("Agnieszka", "Bartosz", "Ewa", "Grzegorz", "Hanna", "Jacek", "Katarzyna", "Łukasz", "Magda", "Piotr"),
    "ru": ("Анна", "Борис", "Вера", "Дмитрий", "Елена", "Иван", "Мария", "Николай", "Ольга", "Сергей"),
    "ja": ("花子", "太郎", "健一", "直美", "裕子", "修", "恵", "翔太", "久美子", "大輔"),
}  # fmt: skip
_LAST = {
    "en": ("Archer", "Baker", "Carter", "Dawson", "Ellis", "Fletcher", "Grant", "Hughes", "Irving", "Jennings", "Lowe"),
    "de": ("Ahrens", "Becker", "Conrad", "Dietz", "Engel", "Fuchs", "Gärtner", "Hoffmann", "Köhler", "Lehmann", "Schäfer"),
    "fr": ("Aubert", "Blanc", "Chevalier", "Dupont", "Faure", "Garnier", "Lefèvre", "Moreau", "Perrin", "Rousseau"),
    "es": ("Álvarez", "Blanco", "Castro", "Delgado", "Fernández", "Gómez", "Herrera", "Muñoz", "Ortega", "Ruiz"),
    "it": ("Amato", "Bianchi", "Conti", "De Luca", "Esposito", "Ferrari", "Greco", "Marino", "Rinaldi", "Serra"),
    "nl": ("Bakker", "de Boer", "Dekker", "de Groot", "Hendriks", "Jansen", "Kuipers", "Mulder", "Smit", "Visser"),
    "pt": ("Almeida", "Barbosa", "Carvalho", "Dias", "Ferreira", "Lopes", "Martins", "Nunes", "Pereira", "Sousa"),
    "pl": ("Adamczyk", "Dąbrowski", "Górski", "Jankowski", "Kowalska", "Lewandowski", "Nowak", "Wiśniewska", "Zieliński"),
    "ru": ("Андреев", "Белов", "Васильева", "Громов", "Зайцев", "Козлова", "Лебедев", "Морозов", "Орлова", "Соколов"),
    "ja": ("佐藤", "鈴木", "高橋", "田中", "伊藤", "渡辺", "山本", "中村", "小林", "加藤"),
}  # fmt: skip
_ROMAN = (
    "sato",
    "suzuki",
    "tanaka",
    "ivanov",
    "orlova",
    "belov",
    "kato",
    "nakamura",
    "sokolov",
    "ito",
    "gromov",
    "lebedev",
)
_SPECIAL = str.maketrans({"ß": "ss", "ł": "l", "Ł": "L"})
#: Languages of people and systems, with how many of them there are.
LANGUAGES = Weighted(
    (("en", 40), ("de", 14), ("fr", 9), ("es", 9), ("it", 6), ("nl", 5), ("pt", 5), ("pl", 4), ("ru", 4), ("ja", 4))
)  # fmt: skip
#: Offsets from Greenwich in minutes where each language is spoken.
ZONES = {
    "en": (-480, -360, -300, -300, 0, 60, 330, 600),
    "de": (60, 60, 120),
    "fr": (60, 120, -300),
    "es": (60, 120, -180, -360),
    "it": (60, 120),
    "nl": (60, 120),
    "pt": (0, 60, -180),
    "pl": (60, 120),
    "ru": (180, 180, 300, 420),
    "ja": (540,),
}
_HOME_LINES = (
    "dsl",
    "dyn",
    "pool",
    "ppp",
    "cable",
    "dhcp",
    "broadband",
    "adsl",
    "mobile",
    "user",
    "customer",
    "res",
)


@dataclass(frozen=True)
class Person:
    """Somebody with a name and an address.

    Attributes:
        name: the display name.
        address: local part and domain.
        language: what he or she writes in.

    """

    name: str
    address: str
    language: str


@dataclass(frozen=True)
class Host:
    """A host as its peers see it.

    Attributes:
        name: its public name; None where its address has none.
        address: its IP address.
        helo: what it calls itself in SMTP.

    """

    name: str | None
    address: str
    helo: str


def word(chance: Chance) -> str:
    """Invent a name of one word."""
    middle = chance.choice(_MIDDLES) if chance.yes(0.7) else ""
    if middle and chance.yes(0.5):
        middle += chance.choice(_ENDS)[0] + chance.choice(_MIDDLES)
    return chance.choice(_STARTS) + middle + chance.choice(_ENDS)


def domain_name(chance: Chance) -> str:
    """Invent a registered domain name."""
    name = word(chance)
    if chance.yes(0.15):
        name += "-" + chance.choice(_ENDS)
    elif chance.yes(0.08):
        name += str(chance.randrange(1, 99))
    return f"{name}.{chance.choice(_TOPS)}"


def person(chance: Chance, domain: str, language: str) -> Person:
    """Invent somebody at *domain*."""
    first, last = chance.choice(_FIRST[language]), chance.choice(_LAST[language])
    if language in {"ru", "ja"}:
        local = chance.choice(_ROMAN) + (f".{chance.choice('abcdefgk')}" if chance.yes(0.4) else "")
    else:
        f, s = _plain(first), _plain(last)
        local = chance.choice((f, s, f"{f}.{s}", f"{f[0]}{s}", f"{f}_{s}", f"{f[0]}.{s}", f"{s}{f[0]}"))
    if chance.yes(0.2):
        local += str(chance.randrange(1, 99))
    return Person(f"{first} {last}", f"{local}@{domain}", language)


def _plain(name: str) -> str:
    text = unicodedata.normalize("NFKD", name.translate(_SPECIAL).lower())
    return "".join(c for c in text if c.isascii() and c.isalpha())


def dictionary_address(chance: Chance, domain: str) -> str:
    """Guess an address at *domain*, as spammers do."""
    names = (*_ROMAN, "info", "sales", "john", "mary", "office", "peter", "contact", "admin", "anna", "smith")
    kind = chance.randrange(4)
    if kind == 0:
        return f"{chance.token('abcdefghiklmnoprstuvw', chance.randrange(4, 11))}@{domain}"
    if kind == 1:
        return f"{chance.choice(names)}{chance.randrange(1, 2_000)}@{domain}"
    if kind == 2:
        return f"{chance.choice(_STARTS)}{chance.choice(_ENDS)}@{domain}"
    return f"{chance.choice(names)}@{domain}"


def ipv4(chance: Chance) -> str:
    """Draw an address of the blocks for documentation and benchmarks."""
    block = chance.randrange(8)
    last = chance.randrange(1, 255)
    if block < 3:
        return f"{('192.0.2', '198.51.100', '203.0.113')[block]}.{last}"
    return f"198.{chance.randrange(18, 20)}.{chance.randrange(256)}.{last}"


def ipv6(chance: Chance) -> str:
    """Draw an address below 2001:db8::/32."""
    parts = chance.token(HEX[1:], 8)
    return f"2001:db8:{parts[:4]}:{parts[4:6]}::{parts[6:]}"


def internal(chance: Chance) -> str:
    """Draw a private address (RFC 1918)."""
    kind = chance.randrange(3)
    tail = f"{chance.randrange(256)}.{chance.randrange(1, 255)}"
    return (
        f"192.168.{tail}"
        if kind == 0
        else f"10.{chance.randrange(256)}.{tail}"
        if kind == 1
        else f"172.{chance.randrange(16, 32)}.{tail}"
    )


def home_line(chance: Chance) -> Host:
    """Invent a line that is dialled up or let to a home, named by its provider."""
    address = ipv4(chance)
    isp = domain_name(chance)
    numbers = chance.choice((address.replace(".", "-"), "-".join(reversed(address.split("."))), address))
    kind = chance.choice(_HOME_LINES)
    name = chance.choice(
        (f"{kind}-{numbers}.{isp}", f"{numbers}.{kind}.{isp}", f"{kind}{numbers.replace('.', '')}.{isp}")
    )
    return Host(name, address, name)
