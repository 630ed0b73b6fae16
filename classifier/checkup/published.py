"""Reads what a domain publishes against forgers, and writes the records that would make forging harder."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from classifier.checkup.findings import Finding, Level
from classifier.evidence.dmarc import records_among, tags_of
from classifier.evidence.hosts import ip_of, is_internal
from classifier.present.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.evidence.base import Resolver
    from classifier.identity import Identity

#: A public key in DER shorter than this holds RSA of less than 1024 bits, which nobody need accept (RFC 8301).
_SHORT_RSA = 140


def published(
    domain: str, identity: Identity, resolver: Resolver, *, unanswered: Level = Level.WRONG
) -> Iterator[Finding]:
    """Read SPF, DKIM and DMARC of *domain* (RFC 7208, 6376, 7489).

    Args:
        domain: whose records.
        identity: what is configured.
        resolver: DNS.
        unanswered: how bad it is that no nameserver answers.

    """
    answer = resolver.query(domain, "TXT")
    if not answer.available:
        yield Finding(
            unanswered, "dns", f"no answer about {domain} ({answer.note})", "check [dns] nameservers"
        )
        return
    yield from _spf(domain, answer.records, identity, resolver)
    yield from _dkim(domain, identity, resolver)
    yield from _dmarc(domain, identity, resolver)
    if identity.owns_domain(domain) and not identity.batv_keys:
        yield Finding(
            Level.ADVICE,
            f"BATV of {domain}",
            "no key is configured",
            "tag the return path of all outgoing mail (prvs=; Exim: prvs in return_path; Postfix: a milter), then set "
            "batv_keys and batv_since: every later report without a tag is misdirected",
        )


def _line(name: str, record: str) -> str:
    """Write a record as zone files have it; strings of a TXT record hold 255 octets (RFC 1035 section 3.3.14)."""
    strings = " ".join(f'"{record[i : i + 255]}"' for i in range(0, len(record), 255))
    return f"{name}. IN TXT {strings}"


def _spf(domain: str, texts: tuple[str, ...], identity: Identity, resolver: Resolver) -> Iterator[Finding]:
    about = f"SPF of {domain}"
    records = [r for r in texts if r.lower() == "v=spf1" or r.lower().startswith("v=spf1 ")]
    if len(records) > 1:
        merged = list(dict.fromkeys(term for r in records for term in r.split()[1:] if not _is_all(term)))
        yield Finding(
            Level.WRONG,
            about,
            f"{len(records)} records; so none counts",
            f"publish one: {_line(domain, ' '.join(('v=spf1', *merged, '-all')))}",
        )
        return
    if not records:
        yield Finding(
            Level.ADVICE,
            about,
            "no record",
            f"publish, with all hosts that send for you: {_line(domain, _first_spf(domain, identity, resolver))}",
        )
        return
    terms = records[0].split()
    last = next((t.lower() for t in terms if _is_all(t)), "")
    missing = _relays_left_out(domain, identity, resolver)
    # Without "all" it is the other record that ends this one; with it, that one counts for nothing (RFC 7208 section 6.1).
    ends = [t for t in terms if _redirects(t)][:1] if not last else []
    kept = (t for t in terms if not _is_all(t) and not _redirects(t))
    strict = " ".join((*kept, *missing, *(ends or ["-all"])))
    if last in {"+all", "all"}:
        yield Finding(Level.WRONG, about, "lets everybody pass", f"end it with -all: {_line(domain, strict)}")
    elif missing:
        yield Finding(
            Level.WRONG,
            about,
            f"leaves out relays of yours: {', '.join(missing)}; their mail fails: {records[0]}",
            f"publish {_line(domain, strict)}",
        )
    elif last == "-all" or (not last and any(map(_redirects, terms))):
        yield Finding(Level.GOOD, about, records[0])
    else:
        yield Finding(
            Level.ADVICE,
            about,
            records[0],
            f"end it with -all: servers can then refuse forged mail unseen: {_line(domain, strict)}",
        )


def _is_all(term: str) -> bool:
    return term.lower().lstrip("+-~?") == "all"


def _redirects(term: str) -> bool:
    return term.lower().startswith("redirect=")


def _first_spf(domain: str, identity: Identity, resolver: Resolver) -> str:
    exchanged = bool(resolver.query(domain, "MX").records)
    hosts = [*(["mx"] if exchanged else []), *_mechanisms(identity)]
    if not hosts and not _is_parked(domain, identity):
        hosts = ["a:YOUR-MAIL-SERVER"]  # a bare "-all" would have all its mail refused
    return " ".join(("v=spf1", *hosts, "-all"))


def _is_parked(domain: str, identity: Identity) -> bool:
    return identity.owns_domain(domain) and identity.closed_senders and not identity.senders


def _mechanisms(identity: Identity) -> Iterator[str]:
    """Write the configured relays as SPF mechanisms; names that stand for many hosts cannot be."""
    for network in identity.relay_networks:
        text = str(network)
        if network.prefixlen == network.max_prefixlen:
            text = str(network.network_address)
        yield f"ip{network.version}:{text}"
    for name in identity.relay_names:
        if not name.startswith("."):
            yield f"a:{name}"


def _relays_left_out(domain: str, identity: Identity, resolver: Resolver) -> list[str]:
    """Return mechanisms for relays, given by a single address, of which the policy says "fail"; never on a guess."""
    from classifier.evidence.spf_check import check  # noqa: PLC0415 - pyspf

    if not identity.owns_domain(domain):
        return []
    found = []
    for network in identity.relay_networks:
        address = ip_of(str(network.network_address))
        if address is None or network.prefixlen != network.max_prefixlen or is_internal(address):
            continue
        if check(str(address), f"postmaster@{domain}", None, resolver).result in {"fail", "softfail"}:
            found.append(f"ip{address.version}:{address}")
    return found[:10]


def _dkim(domain: str, identity: Identity, resolver: Resolver) -> Iterator[Finding]:
    named = [name for name in identity.dkim_keys if name.endswith(f"._domainkey.{domain}")]
    for name in named:
        answer = resolver.query(name, "TXT")
        if not answer.available:
            yield Finding(Level.ADVICE, f"DKIM key {name}", f"no answer ({answer.note})", "ask again later")
        elif not answer.records:
            yield Finding(Level.GOOD, f"DKIM key {name}", "is in the configuration alone")
        elif tags_of(answer.records[0]).get("p", "") not in {"", tags_of(identity.dkim_keys[name])["p"]}:
            yield Finding(
                Level.ADVICE,
                f"DKIM key {name}",
                "DNS has another key than the configuration: it was exchanged under the same name",
                "keep the old one while reports about mail signed with it may come, a month; then take it out",
            )
        else:
            yield _key(name, answer.records[0])
    # A name below which another exists, exists itself (RFC 8020): so keys show without their selectors.
    branch = resolver.query(f"_domainkey.{domain}", "TXT")
    about = f"DKIM of {domain}"
    if not branch.available:
        yield Finding(Level.ADVICE, about, f"no answer ({branch.note})", "ask again later")
    elif not branch.exists and identity.owns_domain(domain) and identity.signs_all:
        yield Finding(
            Level.WRONG,
            about,
            "no key is published, though signs_all says that everything is signed",
            "publish the key that your mail is signed with, or take signs_all out",
        )
    elif not branch.exists:
        record = "v=DKIM1; k=rsa; p=PUBLIC-KEY"
        yield Finding(
            Level.ADVICE,
            about,
            "no key is published",
            f"sign all outgoing mail (opendkim-genkey, rspamd, or your provider) and publish the key: "
            f"{_line(f's1._domainkey.{domain}', record)}; then set signs_all = true",
        )
    elif identity.owns_domain(domain) and not identity.signs_all:
        yield Finding(
            Level.ADVICE,
            about,
            "keys are published",
            "when every message that you send is signed, set signs_all = true: an original without a signature is "
            "then known to be forged",
        )
    else:
        yield Finding(Level.GOOD, about, "keys are published")


def _key(name: str, record: str) -> Finding:
    about = f"DKIM key {name}"
    tags = tags_of(record)
    public = tags.get("p", "")
    if not public:
        return Finding(Level.GOOD, about, "is revoked (p= is empty)")
    if "y" in tags.get("t", "").split(":"):
        return Finding(
            Level.ADVICE, about, "is marked as a test (t=y): signatures count for nothing", "take t=y out"
        )
    try:
        length = len(base64.b64decode("".join(public.split()), validate=True))
    except (binascii.Error, ValueError):
        return Finding(Level.WRONG, about, "is damaged: p= is no base64", "publish it anew")
    if tags.get("k", "rsa") == "rsa" and length < _SHORT_RSA:
        return Finding(
            Level.WRONG, about, "is shorter than 1024 bits: anybody can compute it", "make one of 2048 bits"
        )
    return Finding(Level.GOOD, about, "stands in DNS")


def _dmarc(domain: str, identity: Identity, resolver: Resolver) -> Iterator[Finding]:
    about, name = f"DMARC of {domain}", f"_dmarc.{domain}"
    answer = resolver.query(name, "TXT")
    if not answer.available:
        yield Finding(Level.ADVICE, about, f"no answer ({answer.note})", "ask again later")
        return
    records = records_among(answer.records)
    if len(records) != 1:
        told = "no record" if not records else f"{len(records)} records; so none counts"
        parked = _is_parked(domain, identity)
        record = f"v=DMARC1; p={'reject' if parked else 'none'}; rua=mailto:postmaster@{domain}"
        later = "" if parked else "; when its reports show that nothing of yours fails, make it p=reject"
        level = Level.WRONG if records else Level.ADVICE
        yield Finding(level, about, told, f"publish {_line(name, record)}{later}")
        return
    tags = tags_of(records[0])
    weak = [
        words
        for tag, words in (
            ("p", "only p=reject lets servers refuse forged mail"),
            ("sp", "sp leaves subdomains open"),
            ("pct", "pct leaves a part of forged mail alone"),
        )
        if (tag == "p" and tags.get(tag, "").lower() != "reject")
        or (tag == "sp" and tags.get(tag, "reject").lower() != "reject")
        or (tag == "pct" and tags.get(tag, "100") != "100")
    ]
    if not weak:
        yield Finding(Level.GOOD, about, printable(records[0]))
        return
    kept = [f"{tag}={value}" for tag, value in tags.items() if tag not in {"", "v", "p", "sp", "pct"}]
    record = "; ".join(("v=DMARC1", "p=reject", *kept))
    yield Finding(
        Level.ADVICE,
        about,
        printable(records[0]),
        f"{'; '.join(weak)}; when its reports show that nothing of yours fails, publish {_line(name, record)}",
    )
