"""Received fields (RFC 5321 section 4.4) as the mail systems write them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from classifier.corpus.chance import (
    BASE36,
    BASE62,
    DIGITS,
    HEX,
    LOWER,
    UPPER_HEX,
    in_zone,
    mail_date,
    unix_date,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from classifier.corpus.chance import Chance
    from classifier.corpus.people import Host


@dataclass(frozen=True)
class Hop:
    """What happens at one hop.

    Attributes:
        client: who connects.
        by: the host that writes the field.
        when: in the writer's time zone.
        queue_id: the writer's id for the message.
        for_address: the recipient to name, or "".
        sender: the reverse path.
        tls: True where the connection was encrypted.
        login: the user that authenticated himself, or "".
        plain: True where the client said HELO, not EHLO.

    """

    client: Host
    by: str
    when: datetime
    queue_id: str
    for_address: str = ""
    sender: str = ""
    tls: bool = False
    login: str = ""
    plain: bool = False

    @property
    def protocol(self) -> str:
        """The "with" clause of RFC 3848."""
        if self.plain:
            return "SMTP"
        if self.when.year < 2005:
            return "ESMTP"
        return "ESMTP" + ("S" if self.tls else "") + ("A" if self.login else "")


def tls_version(when: datetime) -> tuple[str, str, int]:
    """Return the protocol, the cipher and the bits that were usual at the time."""
    if when.year < 2013:
        return "TLSv1", "DHE-RSA-AES256-SHA", 256
    if when.year < 2019:
        return "TLSv1.2", "ECDHE-RSA-AES256-GCM-SHA384", 256
    return "TLSv1.3", "TLS_AES_256_GCM_SHA384", 256


def queue_id(style: str, chance: Chance, year: int = 2026) -> str:
    """Make an id as the software of this *style* does in that *year*."""
    if style == "exim":
        return f"1{chance.token(BASE62, 5)}-{chance.token(BASE62, 6)}-{chance.token(BASE62, 2)}"
    if style == "exim-new":
        return f"1{chance.token(BASE62, 5)}-{chance.token(BASE62, 11)}-{chance.token(BASE62, 4)}"
    if style == "sendmail":
        return f"{chance.token(HEX, 1)}{chance.token(BASE62, 3)}{chance.token(BASE62, 4)}{chance.token(DIGITS, 6)}"
    if style == "google":
        return f"{chance.token(LOWER, 1)}{chance.randrange(1, 20)}-{chance.token(DIGITS, 11)}{chance.token(LOWER, 3)}.{chance.randrange(1, 999)}.{year}.01.05"
    if style in {"postfix", "zimbra"} and year > 2011 and chance.yes(0.5):
        return f"4{chance.token(BASE62, 13)}"  # enable_long_queue_ids
    if style == "opensmtpd":
        return chance.token(HEX, 8)
    if style in {"haraka", "mdaemon", "powermta"}:
        return f"{chance.token(UPPER_HEX if style == 'haraka' else LOWER, 12)}"
    if style in {"communigate", "imail"}:
        return chance.token(DIGITS, 9)
    if style == "domino":
        return f"{year}010510{chance.token(DIGITS, 8)}-{chance.token(DIGITS, 6)}"
    if style == "gateway":
        return chance.token(BASE36, 14)
    return chance.token(UPPER_HEX, chance.choice((10, 11)))


def _name(client: Host) -> str:
    return client.name or "unknown"


def _literal(address: str) -> str:
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"


def _for(hop: Hop, form: str) -> str:
    return form.format(hop.for_address) if hop.for_address else ""


def _postfix(hop: Hop) -> str:
    version, cipher, bits = tls_version(hop.when)
    tls = (
        f"\n\t(using {version} with cipher {cipher} ({bits}/{bits} bits))\n\t(No client certificate requested)"
        if hop.tls
        else ""
    )
    login = f"\n\t(Authenticated sender: {hop.login})" if hop.login else ""
    end = f"\n\tfor <{hop.for_address}>; " if hop.for_address else ";\n\t"
    return (
        f"from {hop.client.helo} ({_name(hop.client)} {_literal(hop.client.address)}){tls}{login}\n"
        f"\tby {hop.by} (Postfix) with {hop.protocol} id {hop.queue_id}{end}{mail_date(hop.when)}"
    )


def _exim(hop: Hop) -> str:
    address = hop.client.address.removeprefix("IPv6:")
    if hop.client.name and hop.client.name == hop.client.helo:
        client = f"{hop.client.name} ([{address}])"
    elif hop.client.name:
        client = f"{hop.client.name} ([{address}] helo={hop.client.helo})"
    else:
        client = f"[{address}] (helo={hop.client.helo})"
    version, cipher, _ = tls_version(hop.when)
    tls = ""
    if hop.tls:
        tls = (
            f" ({version.replace('v', '')}) tls {cipher}\n\t"
            if hop.when.year > 2018
            else f"({version}:{cipher}:256)\n\t"
        )
    release = (
        "4.96"
        if hop.when.year > 2021
        else "4.84"
        if hop.when.year > 2013
        else "4.69"
        if hop.when.year > 2007
        else "3.36 #1"
        if hop.when.year < 2004
        else "4.50"
    )
    login = f"\n\t(Authenticated sender: {hop.login})" if hop.login else ""
    sender = f"(envelope-from <{hop.sender}>)\n\t" if hop.sender else ""
    return (
        f"from {client}\n\tby {hop.by} with {hop.protocol.lower()} {tls}(Exim {release}){login}\n\t{sender}id {hop.queue_id}"
        f"{_for(hop, chr(10) + chr(9) + 'for {}')}; {mail_date(hop.when, pad=True)}"
    )


def sendmail_version(when: datetime) -> str:
    """Return the release that was usual at the time."""
    year = when.year
    return (
        "8.9.3"
        if year < 2001
        else "8.12.11"
        if year < 2005
        else "8.13.8"
        if year < 2009
        else "8.14.4"
        if year < 2016
        else "8.15.2"
        if year < 2022
        else "8.17.1"
    )


def _sendmail(hop: Hop) -> str:
    name = f"{hop.client.name} " if hop.client.name else ""
    login = " (authenticated bits=0)\n\t" if hop.login else "\n\t"
    version, cipher, bits = tls_version(hop.when)
    tls = f" (version={version} cipher={cipher} bits={bits} verify=NO)" if hop.tls else ""
    release = sendmail_version(hop.when)
    end = f"\n\tfor <{hop.for_address}>; " if hop.for_address else "; "
    return (
        f"from {hop.client.helo} ({name}{_literal(hop.client.address)}){login}by {hop.by} ({release}/{release}) with {'SMTP' if hop.plain else 'ESMTP'}"
        f"{'SA' if hop.login and hop.when.year > 2014 else ''} id {hop.queue_id}{tls}{end}{mail_date(hop.when)}"
    )


def _qmail(hop: Hop) -> str:
    helo = f" (HELO {hop.client.helo})" if hop.client.helo != hop.client.name else ""
    login = f"({hop.login}@)" if hop.login else ""
    return (
        f"from {_name(hop.client)}{helo} ({login}{hop.client.address})\n"
        f"  by {hop.by} with {'ESMTPA' if hop.login else 'SMTP'}; {mail_date(hop.when).partition(', ')[2]}"
    )


def _exchange(hop: Hop) -> str:
    return (
        f"from {hop.client.helo} ({hop.client.address}) by {hop.by}\n (10.1.2.{len(hop.by) + 7}) with Microsoft SMTP Server"
        f"{' (version=TLS1_2, cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384)' if hop.tls else ''}\n id 15.1.2507.35; {mail_date(hop.when)}"
    )


def _exchange_2003(hop: Hop) -> str:
    return f"from {hop.client.helo} ([{hop.client.address}]) by {hop.by} with Microsoft SMTPSVC(6.0.3790.4675);\n\t {mail_date(hop.when)}"


def _online(hop: Hop) -> str:
    return (
        f"from {hop.client.helo} ({hop.client.address}) by\n {hop.by} (10.13.174.{len(hop.by)}) with Microsoft SMTP Server\n"
        f" (version={'TLS1_3, cipher=TLS_AES_256_GCM_SHA384' if hop.when.year > 2021 else 'TLS1_2, cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384'})"
        f" id {'15.20.7159.13' if hop.when.year > 2017 else '15.1.1385.7'} via\n Frontend Transport; {mail_date(hop.when)}"
    )


def _google(hop: Hop) -> str:
    used = "TLS1_3 cipher=TLS_AES_256_GCM_SHA384" if hop.when.year > 2018 else "TLSv1/SSLv3 cipher=RC4-SHA"
    version = f"\n        (version={used} bits=256/256)" if hop.tls else ""
    return (
        f"from {hop.client.helo} ({hop.client.name + '. ' if hop.client.name else ''}[{hop.client.address}])\n"
        f"        by {hop.by} with {hop.protocol} id {hop.queue_id}{_for(hop, chr(10) + '        for <{}>')}{version};\n"
        f"        {mail_date(in_zone(hop.when, -480), pad=True, comment='PST')}"
    )


def _courier(hop: Hop) -> str:
    version, cipher, bits = tls_version(hop.when)
    tls = f"\n  (TLS: {version.replace('v', '')},{bits}bits,{cipher})" if hop.tls else ""
    return (
        f"from {hop.client.helo} ({hop.client.name + ' ' if hop.client.name else ''}[::ffff:{hop.client.address}])"
        f"{tls}\n  by {hop.by} with {hop.protocol}; {mail_date(hop.when, pad=True)}\n  id 00000000{hop.queue_id.lower()[:8]:0>8}.{int(hop.when.timestamp()):016X}.00003A5C"
    )


def _opensmtpd(hop: Hop) -> str:
    return (
        f"from {hop.client.helo} ({hop.client.name or '<unknown>'} [{hop.client.address}])\n\tby {hop.by} (OpenSMTPD) with {hop.protocol} id {hop.queue_id}"
        f"{' (TLSv1.3:TLS_AES_256_GCM_SHA384:256:NO)' if hop.tls else ''}{' auth=yes user=' + hop.login if hop.login else ''}"
        f"{_for(hop, chr(10) + chr(9) + 'for <{}>')};\n\t{mail_date(hop.when)}"
    )


def _domino(hop: Hop) -> str:
    return f"from {hop.client.helo} ([{hop.client.address}])\n          by {hop.by} (IBM Domino Release 9.0.1FP10)\n          with ESMTP id {hop.queue_id} ;\n          {mail_date(hop.when)}"


def _communigate(hop: Hop) -> str:
    login = f" account {hop.login}" if hop.login else ""
    return (
        f"from [{hop.client.address}]{' (' + 'account ' + hop.login + ' HELO ' + hop.client.helo + ')' if login else ' (HELO ' + hop.client.helo + ')'}\n"
        f"  by {hop.by} (CommuniGate Pro SMTP 6.2.12)\n  with {hop.protocol} id {hop.queue_id}{_for(hop, ' for {}')}; {mail_date(hop.when, pad=True)}"
    )


def _ironport(hop: Hop) -> str:
    return f"from {_name(hop.client)} (HELO {hop.client.helo}) ([{hop.client.address}])\n  by {hop.by} with ESMTP/TLS/ECDHE-RSA-AES256-GCM-SHA384; {mail_date(hop.when)}"


def _powermta(hop: Hop) -> str:
    return (
        f"from {hop.client.helo} ({hop.client.address}) by {hop.by} id {hop.queue_id}{_for(hop, ' for <{}>')}; {mail_date(hop.when)}"
        f" (envelope-from <{hop.sender}>)"
    )


def _mdaemon(hop: Hop) -> str:
    return (
        f"from {hop.client.helo} by {hop.by} ({hop.by}) (MDaemon PRO v20.0.1)\n\twith ESMTP id md{hop.queue_id}.msg"
        f"{_for(hop, ' for <{}>')}; {mail_date(hop.when, pad=True)}"
    )


def _imail(hop: Hop) -> str:
    return f"from {hop.client.helo} [{hop.client.address}] by {hop.by}\n  (SMTPD-12.4) id A{hop.queue_id[:8]}; {mail_date(hop.when, pad=True)}"


def _groupwise(hop: Hop) -> str:
    return f"from {hop.client.helo} ([{hop.client.address}])\n\tby {hop.by} with ESMTP; {mail_date(hop.when, pad=True)}"


def _haraka(hop: Hop) -> str:
    return (
        f"from {hop.client.helo} ({hop.client.name or hop.client.address} [{hop.client.address}])\n\tby {hop.by} (Haraka/2.8.28) with {hop.protocol} id {hop.queue_id}.1\n"
        f"\tenvelope-from <{hop.sender}>;\n\t{mail_date(hop.when)}"
    )


def _sun(hop: Hop) -> str:
    return (
        f"from {hop.client.helo} ({_name(hop.client)} [{hop.client.address}])\n by {hop.by} (Oracle Communications Messaging Server 7.0.5\n 64bit (built Feb 16 2014))"
        f" with ESMTP id <0{hop.queue_id}@{hop.by}>{_for(hop, ' for {}')}; {mail_date(hop.when)}"
    )


def _gateway(hop: Hop) -> str:
    return f"from {hop.client.helo} ({_name(hop.client)} [{hop.client.address}])\n\tby {hop.by} with ESMTP id {hop.queue_id}{_for(hop, ' for <{}>')}\n\t; {mail_date(hop.when, pad=True)}"


def _unnamed(hop: Hop) -> str:
    """Write the greeting alone: no looked-up name, no address."""
    return f"from {hop.client.helo} by {hop.by} with SMTP id {hop.queue_id}; {mail_date(hop.when)}"


def _blind(hop: Hop) -> str:
    """Write nothing of the client."""
    return f"by {hop.by} with {hop.protocol} id {hop.queue_id}{_for(hop, ' for <{}>')}; {mail_date(hop.when)}"


def _zmailer(hop: Hop) -> str:
    return (
        f'from {hop.client.name or f"[{hop.client.address}]"} ([{hop.client.address}]:{1024 + len(hop.queue_id) * 777} "{"HELO" if hop.plain else "EHLO"} {hop.client.helo}")\n'
        f"\tby {hop.by} with {hop.protocol} id S{hop.queue_id};\n\t{mail_date(hop.when)}"
    )


def _bare(hop: Hop) -> str:
    return f"from {hop.client.helo} ([{hop.client.address}]) by {hop.by} with SMTP; {mail_date(hop.when, pad=True)}"


WRITERS: dict[str, Callable[[Hop], str]] = {
    "postfix": _postfix, "zimbra": _postfix, "exim": _exim, "exim-new": _exim, "sendmail": _sendmail, "qmail": _qmail,
    "exchange": _exchange, "exchange-2003": _exchange_2003, "online": _online, "google": _google, "courier": _courier,
    "opensmtpd": _opensmtpd, "domino": _domino, "communigate": _communigate, "ironport": _ironport, "powermta": _powermta,
    "mdaemon": _mdaemon, "imail": _imail, "groupwise": _groupwise, "haraka": _haraka, "sun": _sun, "gateway": _gateway,
    "bare": _bare, "unnamed": _unnamed, "blind": _blind, "zmailer": _zmailer,
}  # fmt: skip
#: How often each software is met as somebody's mail server; the rest comes with its own reports.
COMMON = (
    "postfix",
    "postfix",
    "postfix",
    "exim",
    "exim-new",
    "sendmail",
    "qmail",
    "exchange",
    "online",
    "gateway",
)


def received(style: str, hop: Hop) -> str:
    """Write the value of a Received field."""
    return WRITERS[style](hop)


def local(style: str, chance: Chance, by: str, when: datetime, for_address: str = "") -> str | None:
    """Write the first Received field of a message that *by* itself made; None where it writes none."""
    made = queue_id(style, chance, when.year)
    if style in {"postfix", "zimbra"}:
        return f"by {by} (Postfix)\n\tid {made}; {mail_date(when)}" + (" (CET)" if chance.yes(0.3) else "")
    if style in {"exim", "exim-new"}:
        end = f"\n\tfor {for_address}" if for_address else ""
        return f"from mail by {by} with local (Exim {'4.96' if when.year > 2018 else '4.69' if when.year > 2004 else '3.36 #1'})\n\tid {made}{end}; {mail_date(when, pad=True)}"
    if style == "sendmail":
        return f"from localhost (localhost)\n\tby {by} ({sendmail_version(when)}/{sendmail_version(when)}) id {made};\n\t{mail_date(when)}"
    if style == "qmail":
        return f"(qmail {chance.randrange(300, 32_000)} invoked for bounce); {mail_date(when).partition(', ')[2]}"
    if style == "online":
        site = f"{chance.token(HEX, 4)}:10a6:{chance.token(HEX, 3)}::{chance.randrange(2, 99)}"
        return f"from {by}\n ([fe80::{chance.token(HEX, 4)}:{chance.token(HEX, 4)}%3]) by {by}\n ([{site}]) with mapi id 15.20.7159.{chance.randrange(1, 60)};\n {mail_date(when)}"
    if style == "google":
        return f"by 2002:a05:6402:{chance.token(HEX, 4)}:b0:{chance.token(HEX, 3)}:{chance.token(HEX, 4)} with SMTP id {made};\n        {mail_date(in_zone(when, -480), comment='PST')}"
    if style == "opensmtpd":
        return f"from localhost ({by} [local])\n\tby {by} (OpenSMTPD) with ESMTPA id {made};\n\t{mail_date(when)}"
    if style == "courier":
        return f"from localhost (localhost [127.0.0.1])\n  (ftp://ftp.isi.edu/in-notes/rfc1894.txt)\n  by {by} with dsn; {mail_date(when, pad=True)}\n  id {made.lower()}"
    if style == "bare":
        return f"by {by}; {unix_date(when)}"
    return None
