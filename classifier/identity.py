"""Who is protected: the ``[identity]`` part of the configuration, as the evidence sees it."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

from classifier.dataclass import dataclass, field
from classifier.once import cached_property
from classifier.parse.addresses import domain_of, normalise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _in_domains(domain: str | None, patterns: tuple[str, ...]) -> bool:
    if not domain:
        return False
    domain = domain.rstrip(".").lower()
    return domain in patterns or domain.endswith(_below(patterns))


@lru_cache(maxsize=256)
def _below(patterns: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(p for p in patterns if p.startswith("."))


@dataclass(frozen=True)
class Identity:
    """What is known of the protected domains and how their mail is sent.

    The attributes are the keys of ``[identity]`` (see the configuration
    reference); names are lower case. ``inferred`` is True where nothing was
    configured and the domains were read off the report's own recipient.
    """

    domains: tuple[str, ...] = ()
    senders: tuple[str, ...] = ()
    closed_senders: bool = False
    never_send: tuple[str, ...] = ()
    relays_complete: bool = False
    relays: tuple[str, ...] = ()
    message_id_domains: tuple[str, ...] = ()
    batv_keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    batv_since: datetime | None = None
    srs_keys: tuple[str, ...] = field(default=(), repr=False)
    signs_all: bool = False
    dkim_keys: Mapping[str, str] = field(default_factory=dict)
    ledger_complete_since: datetime | None = None
    inferred: bool = False

    def owns_domain(self, domain: str | None) -> bool:
        """Say whether *domain* is protected; ".example.org" covers subdomains."""
        return _in_domains(domain, self.domains)

    def owns_address(self, address: str | None) -> bool:
        """Say whether *address* is at a protected domain."""
        return self.owns_domain(domain_of(address))

    def is_sender(self, address: str) -> bool:
        """Say whether *address* is one of the configured senders."""
        return bool(self.senders) and normalise(address) in self.senders

    def never_sends(self, address: str) -> bool:
        """Say whether *address* is receive-only or a trap; ``*@domain`` matches all of it."""
        if not self.never_send:
            return False
        address = normalise(address)
        return address in self.never_send or domain_of(address) in self._silent_domains

    @cached_property
    def _silent_domains(self) -> frozenset[str]:
        """The domains of which no address sends."""
        return frozenset(pattern[2:] for pattern in self.never_send if pattern.startswith("*@"))

    def writes_message_id_at(self, domain: str) -> bool:
        """Say whether our software puts *domain* into Message-IDs; ".example.org" covers that and subdomains."""
        return domain in self._message_id_names or domain.endswith(_below(self.message_id_domains))

    @cached_property
    def _message_id_names(self) -> frozenset[str]:
        return frozenset(d.lstrip(".") for d in self.message_id_domains)

    @cached_property
    def relay_names(self) -> tuple[str, ...]:
        """The relays given by name; ".example.org" covers subdomains."""
        return tuple(r for r in self.relays if not _is_network(r))

    @cached_property
    def relay_networks(self) -> tuple[Network, ...]:
        """The relays given by address or network."""
        return tuple(ipaddress.ip_network(r, strict=False) for r in self.relays if _is_network(r))

    def is_relay_name(self, host: str | None) -> bool:
        """Say whether *host* is one of our relays by name."""
        return bool(self.relays) and _in_domains(host, self.relay_names)

    def is_relay_address(self, address: str | None) -> bool:
        """Say whether *address* (text) lies in one of our relays' networks."""
        if not address or not self.relays or not self.relay_networks:
            return False
        ip = read_ip(address) if len(address) <= 64 else None
        return ip is not None and any(ip in network for network in self.relay_networks)


@lru_cache(maxsize=4096)
def read_ip(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Read an address; one of IPv4 in IPv6's clothes is one of IPv4 (RFC 4291, 2.5.5.2)."""
    try:
        ip = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        return ip.ipv4_mapped
    return ip


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True
