"""TELL of the SPAMD protocol: what a client says about a message is remembered for ``train``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from classifier.deliver.result_headers import header_section, without_result_headers
from classifier.deliver.spamd import ProtocolError, Status
from classifier.digest import blake2b
from classifier.mbox import mail_from_above
from classifier.parse.triage import is_worth_reading
from classifier.store.taught import TaughtMail

if TYPE_CHECKING:
    from classifier.deliver.spamd import Request
    from classifier.store.database import Database

_LABELS = {"spam": "forged", "ham": "genuine"}


def learn(request: Request, database: Database) -> tuple[tuple[str, str], ...]:
    """Remember or forget what *request* says about its message.

    Only reports teach anything here: of other mail nothing is kept.

    Returns:
        The headers of the answer.

    Raises:
        ProtocolError: it says nothing that can be done.

    """
    wanted = {word.strip().lower() for word in request.headers.get("set", "").split(",")}
    unwanted = {word.strip().lower() for word in request.headers.get("remove", "").split(",")}
    label = _LABELS.get(request.headers.get("message-class", "").strip().lower())
    taught = TaughtMail(database)
    if "local" in unwanted:
        return (("DidRemove", "local"),) if taught.forget(_digest(request.body)) else ()
    if "local" not in wanted:
        raise ProtocolError("only local learning is offered", Status.UNAVAILABLE)
    if label is None:
        raise ProtocolError("a Message-class that is neither spam nor ham", Status.USAGE)
    if not _is_likely_report(request.body):
        return ()
    new = taught.teach(_digest(request.body), request.body, label, datetime.now(UTC))
    return (("DidSet", "local"),) if new else ()


def _is_likely_report(message: bytes) -> bool:
    return bool(message) and is_worth_reading(message, *header_section(message), mail_from_above(message))


def _digest(message: bytes) -> bytes:
    """Return a digest of a message that result headers and line ends do not change."""
    start, end = header_section(message)
    plain = without_result_headers(message[start:end]) + message[end:]
    return blake2b(plain.replace(b"\r\n", b"\n").rstrip(b"\n"), digest_size=16).digest()
