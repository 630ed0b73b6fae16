"""Labels from the first day: the user's own Sent mail as genuine originals, the Junk folder's as forged ones.

Both are wrapped in generated reports. What was sent is given the hops that a
copy in the Sent folder lacks, through the user's relays; junk keeps the hops
that it came with, as if somebody else's server had taken it in, and returns to
an address of the user's. Whoever writes to the user can put mail into Junk: a
message of which no report can be made costs itself alone.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections import deque
from dataclasses import dataclass
from email.utils import format_datetime
from typing import TYPE_CHECKING

from classifier.corpus import people
from classifier.corpus.chance import EPOCH, HEX, Chance
from classifier.corpus.real import report_about
from classifier.errors import MailboxError
from classifier.mailbox.agent import at_work
from classifier.mailbox.protocol import BODY_LIMIT
from classifier.mailbox.sync import sent_folder
from classifier.model.features import has_material
from classifier.parse.addresses import domain_of, find_address
from classifier.parse.dates import parse_date
from classifier.parse.headers import HeaderBlock
from classifier.parse.message import parse
from classifier.parse.trace import read_trace
from classifier.store.judged import JudgedMail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from classifier.config import Config
    from classifier.identity import Identity
    from classifier.mailbox.agent import AccountWork
    from classifier.mailbox.protocol import ListedMessage, Mailbox
    from classifier.parse.report import TraceHop
    from classifier.store.database import Database

log = logging.getLogger(__name__)

#: The newest messages of each folder that are learnt from.
MOST = 1_000
#: Many a server returns nothing of the message; so many are tried until one does.
_TRIES = 4
_RECEIVED = re.compile(rb"^received:[^\n]*(?:\n[ \t][^\n]*)*", re.IGNORECASE | re.MULTILINE)


@dataclass
class Used:
    """What the folders had.

    Attributes:
        sent: the Sent folder's name.
        junk: the Junk folder's name.
        by_others: messages in Sent whose author is at no protected domain.
        genuine: reports made about what was sent.
        forged: reports made about junk.
        unusable: messages of which no report could be made.

    """

    sent: str
    junk: str
    by_others: int = 0
    genuine: int = 0
    forged: int = 0
    unusable: int = 0

    def __str__(self) -> str:
        """Say it in words."""
        rest = [
            f"{number:,} {what}"
            for number, what in (
                (self.by_others, f"in {self.sent} are by others"),
                (self.unusable, "could not be used"),
            )
            if number
        ]
        return "; ".join([
            f"{self.genuine:,} genuine reports made of {self.sent}, {self.forged:,} forged ones of {self.junk}", *rest
        ])  # fmt: skip


def bootstrapped(
    work: AccountWork, sent: str, config: Config, tell: Callable[[Used], None] = lambda _: None
) -> Iterator[tuple[bytes, bool]]:
    """Read an account's Sent and Junk folders and yield labelled reports: (bytes, forged).

    Args:
        work: the account.
        sent: ``auto``, or the Sent folder's name.
        config: the settings.
        tell: told at the end what the folders had.

    Raises:
        BackscatterError: the account, a folder or the store cannot be had, or nothing of ours was sent.

    """
    account = work.job.account
    with at_work(work, config.store, "train") as (mailbox, database):
        junk = mailbox.special("\\Junk")
        if junk is None:
            raise MailboxError(
                "no Junk folder is found", where=account, remedy="train with --genuine and --forged instead"
            )
        used = Used(sent_folder(mailbox, sent, account), junk)
        own: list[str] = []
        for raw in _newest(mailbox, database, used.sent):
            author = find_address(HeaderBlock(raw.partition(b"\n\n")[0]).text("from"))
            if author is None or not config.identity.owns_address(author):
                used.by_others += 1
                continue
            own.append(author)
            made = _guarded(about_sent, raw, author, config.identity)
            if made is not None:
                used.genuine += 1
                yield made, False
            else:
                used.unusable += 1
        if not own:
            raise MailboxError(
                f"nothing in {used.sent!r} was sent from {', '.join(config.identity.domains) or 'a protected domain'}",
                where=account,
                remedy="name the folder of sent mail by `sent`, and the domains by `identity.domains`",
            )
        for number, raw in enumerate(_newest(mailbox, database, junk)):
            made = _guarded(about_junk, raw, own[number % len(own)])
            if made is not None:
                used.forged += 1
                yield made, True
            else:
                used.unusable += 1
        tell(used)


def _newest(mailbox: Mailbox, database: Database, folder: str) -> Iterator[bytes]:
    """Yield the newest messages of *folder*, lines ended by LF."""
    status = mailbox.open(folder, write=False)
    # Nothing is noted in this memory, so all that lies there is new.
    memory = JudgedMail(database).memory("train", status.name, status.uid_validity)
    listed: deque[ListedMessage] = deque(maxlen=MOST)
    for batch in mailbox.new(memory):
        listed.extend(batch.messages)
    for _, raw in mailbox.bodies(list(listed), BODY_LIMIT):
        if raw is not None:
            yield raw.replace(b"\r\n", b"\n")


def _guarded(make: Callable[..., bytes | None], raw: bytes, *others: object) -> bytes | None:
    try:
        return make(raw, *others)
    except Exception:  # what is written into a message must not end the run
        log.debug("no report could be made of a message", exc_info=True)
        return None


def about_sent(raw: bytes, author: str, identity: Identity) -> bytes | None:
    """Return a report about a message of ours, by a server outside that our relay brought it to."""
    chance = _chance(raw)
    head = HeaderBlock(raw.partition(b"\n\n")[0] + b"\n")
    when = parse_date(head.get("date")) or EPOCH
    named = [name for name in identity.relay_names if not name.startswith(".")]
    relay = chance.choice(named) if named else f"mail.{domain_of(author)}"
    networks = identity.relay_networks
    address = str(chance.choice(networks)[0]) if networks else people.ipv4(chance)
    remote = f"mx.{people.domain_name(chance)}"
    hops = (
        f"Received: from {relay} ({relay} [{address}])\n\tby {remote} (Postfix) with ESMTPS id {chance.token(HEX, 10)};\n"
        f"\t{format_datetime(when)}\n"
        f"Received: from [{people.internal(chance)}] (localhost [127.0.0.1])\n\tby {relay} (Postfix) with ESMTPSA id "
        f"{chance.token(HEX, 10)};\n\t{format_datetime(when)}\n"
    )
    return _returning(hops.encode("utf-8", "replace") + raw, chance, spam=False, to=author)


def about_junk(raw: bytes, to: str) -> bytes | None:
    """Return a report to our address *to* about a message that spammers sent us, as if to somebody else."""
    chance = _chance(raw)
    remote = f"mx.{people.domain_name(chance)}"
    head, gap, body = raw.partition(b"\n\n")
    for host in _writers(read_trace(HeaderBlock(head + b"\n")), domain_of(to) or ""):
        old, new = host.encode("utf-8", "replace"), remote.encode()
        head = _RECEIVED.sub(lambda hop: hop[0].replace(old, new), head)  # noqa: B023 - called at once
    return _returning(head + gap + body, chance, spam=True, to=to)


def _returning(raw: bytes, chance: Chance, *, spam: bool, to: str) -> bytes | None:
    """Return a report that brings something of the message back; None where none can be made."""
    for _ in range(_TRIES):
        made = report_about(raw, chance.token(HEX, 16), spam=spam, to=to)
        if made is None or has_material(parse(made.raw)):
            return None if made is None else made.raw
    return None


def _writers(trace: Sequence[TraceHop], domain: str) -> list[str]:
    """Return the names of our own hosts that wrote hops: another server's name is put in their place."""
    hosts = {hop.by for hop in trace}
    return sorted(host for host in hosts if host and (host == domain or host.endswith("." + domain)))


def _chance(raw: bytes) -> Chance:
    return Chance(hashlib.sha256(raw).hexdigest())
