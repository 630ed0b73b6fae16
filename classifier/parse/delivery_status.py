"""The fields of a delivery status (RFC 3464, 6533) and of a disposition notification (RFC 8098)."""

from __future__ import annotations

import re
from binascii import a2b_base64

from classifier.dataclass import dataclass
from classifier.once import cached_property
from classifier.parse.addresses import find_address
from classifier.parse.dates import parse_date
from classifier.parse.encoded import decode_words
from classifier.parse.headers import HeaderBlock
from classifier.parse.limits import MAX_RECIPIENTS, MAX_STATUS_BYTES
from classifier.parse.report import ReportedRecipient
from classifier.parse.smtp import derive_status, find_reply, find_status, fuller, is_own_finding, says_little
from classifier.parse.words import any_of
from classifier.vocabulary import DeliveryAction, RefusalStage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime

Field = tuple[str, str]

#: Per-message fields, RFC 3464 section 2.2; wherever they stand.
_PER_MESSAGE = frozenset(
    {"reporting-mta", "dsn-gateway", "received-from-mta", "arrival-date", "original-envelope-id",
     "reporting-ua", "mdn-gateway", "x-postfix-queue-id", "x-postfix-sender"}
)  # fmt: skip
#: Per-recipient fields, RFC 3464 section 2.3.
_PER_RECIPIENT = frozenset(
    {"final-recipient", "original-recipient", "action", "status", "remote-mta", "diagnostic-code",
     "last-attempt-date", "will-retry-until", "final-log-id", "x-actual-recipient"}
)  # fmt: skip
_STARTS = frozenset({"final-recipient", "original-recipient"})
#: Stand once in each group; the first two begin one.
_ONCE = _STARTS | {"action", "status"}
#: Proofpoint takes each group for a part of its own and encodes it as such.
_ENCODED = re.compile(
    rb"^content-transfer-encoding:[ \t]{0,8}base64[ \t]{0,8}\n(?:content-length:[ \t0-9]{1,20}\n)?[ \t]{0,8}\n"
    rb"([A-Za-z0-9+/\n]{8,}={0,2})[ \t]{0,8}$",
    re.IGNORECASE | re.MULTILINE,
)
#: Proofpoint makes a link of a host's name.
_DEFENDED = re.compile(r"https://urldefense\.proofpoint\.com/v2/url\?u=https?-3A__([A-Za-z0-9.-]{1,253})")
_BLANK_LINES = re.compile(rb"\n[ \t]*\n")
_TYPED = re.compile(r"[ \t]*([A-Za-z0-9-]{1,40})[ \t]*;[ \t]*")
#: RFC 6533 section 3: a character of an internationalised address in ASCII.
_EMBEDDED = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")
_STATUS = re.compile(r"([245])\.([0-9]{1,3})\.([0-9]{1,3})")
#: A host before what its program adds in brackets: its address, the channel (PMDF), the banner.
_HOST_BEFORE_NOTE = re.compile(r"([A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63}){1,20})\.?[ \t]{1,8}[(\[]")
_ACTIONS = {action.value: action for action in DeliveryAction} | {
    "failure": DeliveryAction.FAILED,
    "fail": DeliveryAction.FAILED,
    "delay": DeliveryAction.DELAYED,
    "deliverable": DeliveryAction.DELIVERED,
    "transferred": DeliveryAction.RELAYED,
}
#: Diagnostic types of a failure on the reporting host itself.
_LOCAL_TYPES = frozenset(
    {"x-unix", "x-postfix", "x-local", "x-notes", "x400", "x-exim", "unix", "x-qmail", "x-sendmail"}
)
#: Words of an agent that looked an address up in its own directory.
_OWN_DIRECTORY = ("resolver.", "recipnotfound", "storedrv", "user unknown in local", "unknown user:")


@dataclass(frozen=True)
class DeliveryStatus:
    """The delivery-status part of a report.

    Attributes:
        fields: every per-message field as (name, value), in order.
        recipients: one for each group of per-recipient fields.
        truncated: True where a limit was passed.

    """

    fields: tuple[Field, ...] = ()
    recipients: tuple[ReportedRecipient, ...] = ()
    truncated: bool = False

    def first(self, name: str) -> str | None:
        """Return the value of the first per-message field *name* (lower case), or None."""
        return self._first.get(name)

    @cached_property
    def _first(self) -> dict[str, str]:
        return {name.lower(): value for name, value in reversed(self.fields)}

    @property
    def reporting_mta(self) -> str | None:
        """The host that says it made the report, without the name's type."""
        return _host(self.first("reporting-mta")) or _host(self.first("reporting-ua"))

    @property
    def received_from_mta(self) -> str | None:
        """The host that it says it had the original from."""
        return untyped(self.first("received-from-mta"))

    @property
    def arrival_date(self) -> datetime | None:
        """When the original reached it, aware."""
        return parse_date(self.first("arrival-date"))

    @property
    def envelope_id(self) -> str | None:
        """The ENVID of the original's transaction (RFC 3461 section 4.4)."""
        return self.first("original-envelope-id")


def read_delivery_status(data: bytes) -> DeliveryStatus:
    """Read a decoded message/delivery-status body, however its groups are separated.

    RFC 3464 puts a blank line between the per-message fields and each group of
    per-recipient fields. Real ones put none, or one after every field; so a
    field goes where its name belongs, and a group ends where a recipient field
    repeats.
    """
    truncated = len(data) > MAX_STATUS_BYTES
    message: list[Field] = []
    groups: list[list[Field]] = []
    group: list[Field] = []
    seen: set[str] = set()
    text = data[:MAX_STATUS_BYTES].replace(b"\r\n", b"\n").replace(b"\r", b"\n").strip(b"\n")
    if b"base64" in text.lower():
        text = _ENCODED.sub(lambda match: _decoded(match[1]), text)
    for block in _BLANK_LINES.split(text):
        section = HeaderBlock(block.lstrip(b"\n"))
        fields = section.pairs
        if block.find(b"=?") >= 0:
            fields = [(name, decode_words(value)) for name, value in fields]
        keys = section.keys
        names = frozenset(keys)
        # A blank line ends a group only where the next one repeats what stands once in each.
        if group and names & _ONCE & seen:
            groups.append(group)
            group, seen = [], set()
        for key, (name, value) in zip(keys, fields, strict=True):
            if key in _PER_MESSAGE or (
                not group and key not in _PER_RECIPIENT and not names & _PER_RECIPIENT
            ):
                message.append((name, value))
                continue
            if key in seen and key in _STARTS:
                groups.append(group)
                group, seen = [], set()
            group.append((name, value))
            seen.add(key)
        if len(groups) > MAX_RECIPIENTS:
            truncated = True
            break
    if group:
        groups.append(group)
    return DeliveryStatus(tuple(message), tuple(map(_recipient, groups[:MAX_RECIPIENTS])), truncated)


def _decoded(encoded: bytes) -> bytes:
    try:
        return a2b_base64(encoded).replace(b"\r\n", b"\n")
    except ValueError:
        return b""


def _recipient(fields: list[Field]) -> ReportedRecipient:
    values: dict[str, str] = {}
    for name, value in fields:
        values.setdefault(name.lower(), value)
    diagnostic_type, said = split_type(values.get("diagnostic-code"))
    diagnostic = said or None
    reply = find_reply(diagnostic) if diagnostic else None
    action = _action(values.get("action"))
    match = _STATUS.search(values.get("status", "")[:200])
    status = match.group() if match else None
    if status is None or says_little(status):
        # The reply's own code says more than "other or undefined", and its words may say more than both.
        words = diagnostic or ""
        status = fuller(status, find_status(words))
        if status is None or says_little(status):
            status = fuller(status, derive_status(reply, words, temporary=action is DeliveryAction.DELAYED))
    remote = _host(values.get("remote-mta"))
    return ReportedRecipient(
        final_recipient=recipient_address(values.get("final-recipient")),
        original_recipient=recipient_address(values.get("original-recipient")),
        action=action,
        status=status,
        smtp_reply=reply,
        remote_mta=remote,
        diagnostic_code=diagnostic,
        stage=RefusalStage.ACCEPTED
        if is_own_finding(reply, status)
        else _stage(diagnostic_type, diagnostic or "", remote),
        fields=tuple(fields),
    )


def _stage(diagnostic_type: str, diagnostic: str, remote: str | None) -> RefusalStage:
    low = diagnostic[:1_000].lower()
    if diagnostic_type in _LOCAL_TYPES or any_of(_OWN_DIRECTORY, low):
        return RefusalStage.ACCEPTED
    # Only a client has both a remote MTA and its reply (RFC 3464 section 2.3.5 and 2.3.6).
    if remote and diagnostic_type == "smtp":
        return RefusalStage.SESSION
    return RefusalStage.UNKNOWN


def _action(value: str | None) -> DeliveryAction | None:
    word = (value or "").strip().lower()
    return _ACTIONS.get(word) or _ACTIONS.get(re.split(r"[^a-z]", word, maxsplit=1)[0])


def split_type(value: str | None) -> tuple[str, str]:
    """Split ``smtp; 550 no such user`` into its type in lower case and the rest."""
    if not value:
        return "", ""
    match = _TYPED.match(value)
    if match is None:
        return "", value.strip()
    return match[1].lower(), value[match.end() :].strip()


def untyped(value: str | None) -> str | None:
    """Return an MTA name (RFC 3464 section 2.1.2) without its type, or None where nothing is left."""
    return split_type(value)[1].rstrip(".") or None


def _host(value: str | None) -> str | None:
    """Return an MTA name without its type and without a note behind it."""
    name = untyped(value)
    if name is None:
        return None
    if match := _DEFENDED.match(name):
        return match[1].replace("-2D", "-")
    match = _HOST_BEFORE_NOTE.match(name)
    return match[1] if match else name


def recipient_address(value: str | None) -> str | None:
    """Return the address in a recipient field (RFC 3464 section 2.3.1, RFC 6533), or the name that stands there."""
    rest = split_type(value)[1]
    if not rest:
        return None
    if "\\x{" in rest:
        rest = _EMBEDDED.sub(_embedded, rest)
    address = find_address(rest)
    if address is None and (rest[0] == "@" or (rest[0] == "/" and "=" not in rest)):
        # A domain alone (Sendmail), a file that Exim delivered to: nobody's address, and no X.400 name.
        return None
    return address or rest.strip("<> \t\"'")[:998] or None


def _embedded(match: re.Match[str]) -> str:
    code = int(match[1], 16)
    return chr(code) if 0x20 < code <= 0x10FFFF and not 0xD800 <= code < 0xE000 else match[0]
