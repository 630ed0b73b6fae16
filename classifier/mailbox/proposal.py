"""What ``init`` proposes to write: shown to the user, corrected by the user, and written as TOML."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from classifier.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from classifier.mailbox.learn import Learnt


@dataclass(frozen=True)
class Proposal:
    """The ``[identity]`` to be written.

    Attributes:
        domains, senders, relays, message_id_domains: the keys of that name.
        doubtful_ids: right-hand sides that part of our mail has: true, and no list of all.
        doubtful_relays: hosts that came up in mail that anybody may have sent.
        other_domains: what the Sent folder holds mail from besides.
        keys: names of DKIM keys that signed our mail.
        relays_complete: whether nothing of ours leaves elsewhere, by the user's word.

    """

    domains: Sequence[str]
    senders: Sequence[str] = ()
    relays: Sequence[str] = ()
    message_id_domains: Sequence[str] = ()
    doubtful_ids: Sequence[str] = ()
    doubtful_relays: Sequence[str] = ()
    other_domains: Sequence[str] = ()
    keys: Sequence[str] = ()
    relays_complete: bool = False


def propose(learnt: Learnt, address: str, domains: Sequence[str]) -> Proposal:
    """Return what was *learnt* of the mail from *domains*, where *address* is one that sends."""
    relays, doubtful_relays = learnt.relays(domains)
    rights, nearly_all = learnt.message_id_domains(domains)
    return Proposal(
        domains,
        senders=list(dict.fromkeys([address, *learnt.senders(domains)])) if learnt.sent else [],
        relays=relays,
        message_id_domains=rights if nearly_all else [],
        doubtful_ids=[] if nearly_all else rights,
        doubtful_relays=doubtful_relays,
        other_domains=learnt.other_domains(domains),
        keys=learnt.keys(domains),
    )


def shown(learnt: Learnt, proposal: Proposal) -> Iterator[str]:
    """Say, line by line, what was seen and what will be written of it."""
    if not learnt.folder:
        yield "no folder of sent mail was found, so nothing was learnt; name it with --sent"
        return
    yield (
        f"{len(learnt.sent)} messages in {learnt.folder} were looked at, "
        f"{len(learnt.returned)} of them found in the inbox"
    )
    for what, names in (
        ("domains", proposal.domains),
        ("addresses that send", proposal.senders),
        ("hosts that your mail starts at", proposal.relays),
        ("right-hand sides of your Message-IDs", proposal.message_id_domains),
        ("signed by", proposal.keys),
    ):
        yield f"{what}: {', '.join(names) or '-'}"
    if proposal.other_domains:
        yield f"you also send from, not protected: {', '.join(proposal.other_domains)}"
    if proposal.doubtful_relays:
        yield (
            "hosts of others in mail under your name, not taken since anybody may have written it: "
            + ", ".join(proposal.doubtful_relays)
        )
    if proposal.doubtful_ids:
        yield f"Message-IDs, not taken since much of your mail has others: {', '.join(proposal.doubtful_ids)}"


def written(proposal: Proposal, account: Mapping[str, str]) -> str:
    """Return the configuration; what would say more than was seen stands in it as a comment.

    Args:
        proposal: the ``[identity]``.
        account: keys of ``[accounts.main]`` with their values in TOML.

    """
    lines = ["[identity]", f"domains = {toml(proposal.domains)}"]
    if proposal.other_domains:
        others = ", ".join(proposal.other_domains)
        lines.append(f"# you also send from {others}: list those that are yours in domains, too")
    if proposal.senders:
        lines.append(f"senders = {toml(proposal.senders)}")
        lines.append("#closed_senders = true  # if no other address of the domain ever sends")
    if proposal.message_id_domains:
        lines.append(f"message_id_domains = {toml(proposal.message_id_domains)}")
    elif proposal.doubtful_ids:
        lines.append(
            f"#message_id_domains = {toml(proposal.doubtful_ids)}  # much of your mail has others: add them first"
        )
    if proposal.relays:
        lines.append(f"relays = {toml(proposal.relays)}  # add every host that your mail leaves through")
        comment = "" if proposal.relays_complete else "#"
        lines.append(
            f"{comment}relays_complete = true  # nothing of yours leaves elsewhere, no web form, service or phone: tells most forged mail"
        )
    else:
        lines.append(
            '#relays = ["mail.example.org", "192.0.2.1"]  # hosts that your mail leaves through: the best you can add'
        )
    if proposal.doubtful_relays:
        lines.append(
            f"# also named by mail under your name: {', '.join(proposal.doubtful_relays)}; add those that are yours"
        )
    if proposal.keys:
        lines.append(
            f"#signs_all = true  # if every message you send is signed; seen so far: {', '.join(proposal.keys)}"
        )
    lines += [
        "#never_send = []  # addresses that only receive",
        "",
        "[accounts.main]",
        *(f"{key} = {value}" for key, value in account.items()),
    ]
    return "\n".join(lines) + "\n"


def toml(value: str | Iterable[str]) -> str:
    """Write a string, or a list of them, in TOML: JSON's, less its surrogates, and DEL is no letter there."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return f"[{', '.join(map(toml, value))}]"
