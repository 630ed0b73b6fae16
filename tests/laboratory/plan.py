"""What is sent: who writes how to whom, and what shall become of it. Each letter has a mark in its recipient's address."""

from __future__ import annotations

import re
from dataclasses import dataclass

#: Why mail is not delivered: the first word of the recipient's local part, told to servers by it.
CAUSES = ("unknown", "full", "spam", "slow", "forward", "away", "refused")
_MARK = re.compile(rb"\b[a-z]+[.]k([0-9]{4,6})\b")


@dataclass(frozen=True)
class Site:
    """A domain that takes mail in first.

    Attributes:
        domain: its name.
        software: what writes the reports.
        causes: what can happen to mail there.
        ways: how mail gets there.

    """

    domain: str
    software: str
    causes: tuple[str, ...]
    ways: frozenset[str]


#: Straight from a machine of ours to the recipient's server.
STRAIGHT = ("forgotten", "forgotten-nameless", "branch", "branch-person", "branch-named")
#: From a machine of ours by a small program on it, which writes the report about what is refused at once.
SMALL = ("dma", "dma-straight", "nullmailer")
#: Genuine mail that does not leave through our relays: through a provider, or straight from a machine of ours.
BESIDE = ("elsewhere", "courier", "dma-straight", *STRAIGHT)
#: How genuine mail is sent.
GENUINE = (
    "submitted",
    "submitted-silent",
    "desk",
    "web",
    "headers-wanted",
    "utf8",
    "dma",
    "dma-home",
    "nullmailer",
    *BESIDE,
)
#: How forged mail is sent.
FORGED = (
    "bare",
    "bare-nameless",
    "bare-rented",
    "other",
    "other-rented",
    "received",
    "received-nameless",
    "received-rented",
    "greeting",
    "copied",
    "copied-rented",
    "replayed",
    "replayed-rented",
    "account",
    "account-courier",
)
#: Ways that are tried at few sites, and the software that they lead through.
_THROUGH = {
    "dma": "dma",
    "dma-home": "dma",
    "dma-straight": "dma",
    "nullmailer": "nullmailer",
    "courier": "Courier",
    "account-courier": "Courier",
}
_EVERYWHERE = {*GENUINE, *FORGED} - {*_THROUGH}
#: Ways that lead through a server which writes the report where the receiver refuses at once.
_THROUGH_A_SERVER = {*GENUINE, "account", "account-courier"} - {"dma-home", *STRAIGHT}

#: hasel.test refuses at once, and for itself our own relay: the server that brought the mail writes the report.
SITES = (
    Site("ahorn.test", "Postfix, backup MX", ("unknown", "full", "spam", "slow"), _EVERYWHERE | {*SMALL}),
    Site("kiefer.test", "Postfix behind a filter", ("unknown", "spam"), _EVERYWHERE),
    Site("birke.test", "Postfix, Dovecot behind it", ("unknown", "full", "refused", "away"), _EVERYWHERE),
    Site("ceder.test", "Exim", ("unknown", "spam", "slow", "forward", "away"), _EVERYWHERE | {*SMALL}),
    Site("dorn.test", "Exim, headers only", ("unknown", "full", "spam"), _EVERYWHERE),
    Site("esche.test", "Sendmail", ("unknown", "full", "spam", "slow", "forward"), _EVERYWHERE),
    Site("fichte.test", "OpenSMTPD", ("unknown", "full", "spam"), _EVERYWHERE),
    Site("ginster.test", "Postfix, forwarding", ("forward", "unknown"), _EVERYWHERE),
    Site("iris.test", "PostSRSd and Postfix, forwarding", ("unknown",), _EVERYWHERE),
    Site("hasel.test", "none", ("unknown", "full", "spam"), _THROUGH_A_SERVER),
    Site("jasmin.test", "Courier", ("unknown", "spam", "slow"), _EVERYWHERE),
    Site("lorbeer.test", "chasquid", ("forward", "full", "spam"), _EVERYWHERE),
    Site(
        "example.org",
        "none, our own relay",
        ("unknown", "full", "spam", "slow"),
        {"dma", "dma-home", "nullmailer"},
    ),
)
#: All software that some of it needs.
SOFTWARE = {re.split(r"[ ,]", site.software)[0] for site in SITES} | {*_THROUGH.values()}


@dataclass(frozen=True)
class Mail:
    """One letter.

    Attributes:
        number: its mark.
        label: genuine or forged.
        way: how it is sent, of GENUINE or FORGED.
        site: where to.
        cause: what shall become of it.
        program: a number that picks the mail program.

    """

    number: int
    label: str
    way: str
    site: Site
    cause: str
    program: int

    @property
    def recipient(self):
        return f"{self.cause}.k{self.number}@{self.site.domain}"


def plan(software, rounds=1, causes=CAUSES, sites=tuple(site.domain for site in SITES)):
    """Return the letters: every way to every site for every cause.

    Args:
        software: what can be run here, by the first word of a site's software, or what a way leads through.
        rounds: how often, each time by other mail programs.
        causes: only these.
        sites: only these domains.

    """
    found = []
    for turn in range(rounds):
        for site in SITES:
            if re.split(r"[ ,]", site.software)[0] not in software or site.domain not in sites:
                continue
            for cause in (c for c in site.causes if c in causes):
                for label, ways in (("genuine", GENUINE), ("forged", FORGED)):
                    for way in ways:
                        if way not in site.ways or _THROUGH.get(way, "none") not in software:
                            continue
                        number = 1000 + len(found)
                        found.append(Mail(number, label, way, site, cause, turn * 7 + len(found)))
    return found


def number_of(report):
    """Return the mark that a report carries, or None."""
    found = _MARK.search(report)
    return int(found[1]) if found else None
