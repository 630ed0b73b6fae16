"""Where the key of a signature comes from, and what that is worth.

DNS first. A report may come after a key was rotated: then what DNS said before
(the store remembers) or what the owner has written into the configuration
stands in. What cannot be looked up is unknown, never absent.
"""

from __future__ import annotations

from datetime import timedelta
from enum import Enum

from classifier.dataclass import dataclass
from classifier.evidence.dkim_signature import KeyRecord, parse_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from classifier.evidence.base import Lookups, RememberedKey
    from classifier.identity import Identity

#: The purpose under which keys are remembered.
PURPOSE = "dkim"
#: A key that DNS no longer has is as good as a present one for so long: bounces
#: of mail that waited in queues come within a week, a holiday's within a month.
STILL_GOOD = timedelta(days=30)
#: So many keys of one name are tried.
MAX_KEYS = 4


class Standing(Enum):
    """What is known of a key's place in DNS, in words for a person."""

    CURRENT = "in DNS now"
    CONFIGURED = "from the configuration"
    RECENT = "seen in DNS within 30 days"
    GONE = "gone from DNS for over 30 days"
    REVOKED = "revoked in DNS"


#: With a key of one of these, anybody may have signed who found it later.
PAST = frozenset({Standing.GONE, Standing.REVOKED})


@dataclass(frozen=True)
class FoundKeys:
    """The keys of one name.

    Attributes:
        keys: usable ones with their standing, best first.
        available: False where DNS could not be asked.
        revoked: True where DNS has only an empty p= there.
        note: why DNS could not be asked.

    """

    keys: tuple[tuple[KeyRecord, Standing], ...]
    available: bool
    revoked: bool
    note: str = ""


def find_keys(name: str, identity: Identity, lookups: Lookups) -> FoundKeys:
    """Find the keys at *name* (``selector._domainkey.domain``) and remember what DNS says."""
    answer = lookups.resolver.query(name, "TXT") if lookups.resolver else None
    available = answer is not None and answer.available
    current = [key for text in (answer.records if answer else ()) if (key := parse_key(text))][:MAX_KEYS]
    revoked = bool(current) and all(key.revoked for key in current)
    memory = tuple(lookups.records.remembered(name, PURPOSE)) if lookups.records else ()
    if lookups.records and available:
        if current:
            for key in current:
                lookups.records.remember(name, PURPOSE, key.text, lookups.now)
        elif any(seen.record for seen in memory):
            # Selectors that never had a key are the forger's invention: not kept.
            lookups.records.remember(name, PURPOSE, "", lookups.now)

    found: dict[str, tuple[KeyRecord, Standing]] = {}
    for key in current:
        if not key.revoked:
            found.setdefault(key.text, (key, Standing.CURRENT))
    seen_at = {seen.record: seen for seen in memory}
    gone_since = seen_at.get("")
    configured = identity.dkim_keys.get(name)
    past = parse_key(configured) if configured else None
    if past is not None and not past.revoked:
        known = seen_at.get(past.text)
        standing = Standing.CONFIGURED if known is None else _standing(known, gone_since, lookups)
        if standing is Standing.RECENT:
            standing = Standing.CONFIGURED
        found.setdefault(past.text, (past, Standing.REVOKED if revoked else standing))
    for seen in sorted(memory, key=lambda seen: seen.last_seen, reverse=True):
        key_then = parse_key(seen.record) if seen.record else None
        if key_then is not None and not key_then.revoked:
            standing = Standing.REVOKED if revoked else _standing(seen, gone_since, lookups)
            found.setdefault(key_then.text, (key_then, standing))
    note = "" if available else (answer.note if answer else "DNS is not asked")
    return FoundKeys(tuple(found.values())[:MAX_KEYS], available, revoked, note)


def _standing(seen: RememberedKey, gone_since: RememberedKey | None, lookups: Lookups) -> Standing:
    """Say what a key that DNS does not have (or cannot be asked for) is worth."""
    if lookups.now - seen.last_seen > STILL_GOOD:
        return Standing.GONE
    if gone_since and lookups.now - gone_since.first_seen > STILL_GOOD:
        return Standing.GONE
    return Standing.RECENT
