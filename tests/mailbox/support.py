"""Mail, a judge and a listener for the tests of the agent."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from classifier.examine import Examination
from classifier.judge import Judgement
from classifier.mailbox.agent import AccountWork, SweepResult, sweep
from classifier.mailbox.connection import Timeouts, connect
from classifier.mailbox.imap import ImapMailbox
from classifier.mailbox.maildir import MaildirMailbox
from classifier.mailbox.sweep import Job
from classifier.parse.headers import HeaderBlock
from classifier.parse.report import Envelope, Report
from classifier.vocabulary import Action, ReportKind, Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from classifier.errors import BackscatterError
    from classifier.mailbox.connection import Server
    from classifier.mailbox.login import Login
    from classifier.mailbox.summary import SweptMessage


def mail(kind: str, number: int = 0, *, message_id: bool = True, size: int = 200) -> bytes:
    """Write a message whose verdict is said in its header; LF line ends, as on disk."""
    lines = [
        "Return-Path: <>" if kind != "ordinary" else "Return-Path: <friend@example.com>",
        "Delivered-To: anna@example.org",
        "From: Mail Delivery System <MAILER-DAEMON@mx.remote.test>",
        f"Subject: {kind} {number}",
        f"X-Verdict: {kind}",
        "MIME-Version: 1.0",
        "Content-Type: text/plain",
    ]
    if message_id:
        lines.insert(3, f"Message-ID: <{kind}.{number}@mx.remote.test>")
    body = random.Random(f"{kind}{number}").choices("abcdefghijk lmnop\n", k=size)
    return ("\n".join(lines) + "\n\n" + "".join(body).replace("\n.", "\n") + "\nend\n").encode()


class MarkedMail:
    """Judges by the X-Verdict header; counts what it is asked."""

    def __init__(self) -> None:
        self.examined = 0

    def may_be_report(self, headers: bytes, mail_from: str | None) -> bool:
        return mail_from == ""

    def examine(self, raw: bytes, envelope: Envelope) -> Examination:
        return self._examined(HeaderBlock(raw.replace(b"\r\n", b"\n").partition(b"\n\n")[0]), envelope)

    def examine_report(self, report: Report) -> Examination:
        return self._examined(report.headers, report.envelope)

    def _examined(self, headers: HeaderBlock, envelope: Envelope) -> Examination:
        self.examined += 1
        said = headers.get("x-verdict") or "ordinary"
        if said == "crash":
            raise RuntimeError("a bug")
        kind = ReportKind.OTHER if said == "ordinary" else ReportKind.DSN
        verdict = Verdict.NOT_A_REPORT if said == "ordinary" else Verdict(said)
        action = Action.QUARANTINE if verdict is Verdict.FORGED else Action.KEEP
        report = Report(kind, "rfc3464", headers, envelope)
        return Examination(
            report, (), Judgement(verdict, 0.999 if said == "forged" else 0.5, action, ("marked",))
        )

    def reexamine(self, examination: Examination) -> Examination:
        return examination

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass


@dataclass
class Recorder:
    """Keeps what it hears."""

    messages: list[SweptMessage] = field(default_factory=list)
    warnings: list[BackscatterError] = field(default_factory=list)

    def message(self, message: SweptMessage) -> None:
        self.messages.append(message)

    def warning(self, error: BackscatterError) -> None:
        self.warnings.append(error)


def imap_work(
    server: Server,
    login: Login,
    *,
    account: str = "main",
    timeouts: Timeouts | None = None,
    examiner=None,
    aside: bool = False,
    **job,
) -> AccountWork:
    """Make the work for one IMAP account."""
    limits = timeouts or Timeouts(5, 20)
    return AccountWork(
        Job(account, **job),
        lambda caution: ImapMailbox(connect(server, login, account, limits), caution),
        lambda: examiner or MarkedMail(),
        aside,
    )


def maildir_work(
    root: Path, *, account: str = "main", examiner=None, aside: bool = False, **job
) -> AccountWork:
    """Make the work for one Maildir."""
    return AccountWork(
        Job(account, **job),
        lambda _caution: MaildirMailbox(root, account),
        lambda: examiner or MarkedMail(),
        aside,
    )


def run(work: AccountWork | list[AccountWork], store: Path, **options) -> tuple[SweepResult, Recorder]:
    """Sweep once."""
    recorder = Recorder()
    options.setdefault("backoff", (0.05, 0.1))
    result = sweep(work if isinstance(work, list) else [work], store, recorder, **options)
    return result, recorder
