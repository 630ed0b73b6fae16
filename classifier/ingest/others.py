"""Programs that send and log no Message-ID, in a log beside those that do: what they hand over to a host outside is nowhere else.

The lines are those of OpenSMTPD 6.8, Courier 1.0, dma 0.13, msmtp 1.8, nullmailer 2.2,
sSMTP 2.64 and qmail-send.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from classifier.ingest.log_lines import PROCESS, is_head

_ADDRESS = rb"[0-9A-Fa-f:.]{2,45}"
#: Program, process, and what tells where to: ``sender``, ``host`` and ``address`` as far as it says so.
_SENT = re.compile(
    rb"(?:smtpd" + PROCESS + rb"[0-9a-f]{16} mta delivery evpid=[0-9a-f]{16} from=<(?P<opensmtpd>[^>]{0,320})> .{0,900}?"
    rb" relay=\"(?P<opensmtpd_address>" + _ADDRESS + rb") \((?P<opensmtpd_host>[^()\s]{1,255})\)\" .{0,40}?result=\"Ok\""
    rb"|courieresmtp" + PROCESS + rb"id=[0-9A-F.]{1,80},from=<(?P<courier>[^>]{0,320})>,addr=<[^>]{0,320}>,success: delivered: "
    rb"(?P<courier_host>[^\s\[]{1,255}) \[(?P<courier_address>" + _ADDRESS + rb")\]"
    rb"|dma(?:(?:\[[^\]]{0,40}\]){1,2}: |" + PROCESS + rb")trying remote delivery to (?P<dma_host>[^\s\[]{1,255}) \[(?P<dma_address>" + _ADDRESS + rb")\]"
    rb"|msmtp" + PROCESS + rb"host=(?P<msmtp_host>[^\s]{1,255}) .{0,200}? from=(?P<msmtp>[^\s]{1,320}) .{0,2000}? smtpstatus=250 "
    rb"|nullmailer(?:-send)?" + PROCESS + rb"Starting delivery: host: (?P<nullmailer_host>[^\s]{1,255}) "
    rb"|sSMTP" + PROCESS + rb"Sent mail for (?P<ssmtp>[^\s]{1,320}) "
    rb"|qmail(?:-send)?(?:" + PROCESS + rb"|: )[0-9.]{0,20} ?starting delivery [0-9]{1,10}: msg [0-9]{1,20} to (?P<qmail_host>remote) )"
)  # fmt: skip
_PROGRAM = re.compile(
    rb"(?:^|(?<=[ ]))(?:smtpd|courieresmtp|dma|msmtp|nullmailer|sSMTP|qmail)(?:-send)?(?:\[|: |[ ][0-9])"
)
_NAMES = {
    "opensmtpd": "OpenSMTPD", "courier": "Courier", "dma": "dma", "msmtp": "msmtp", "nullmailer": "nullmailer",
    "ssmtp": "sSMTP", "qmail": "qmail",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class HandedOver:
    """One message, on its way to the next host.

    Attributes:
        program: whose line says so.
        sender: the envelope sender; None where it does not say.
        host: the name of the next host, or "".
        address: its address, or "".

    """

    program: str
    sender: str | None
    host: str
    address: str


def handed_over(line: bytes) -> HandedOver | None:
    """Read *line* if one of these programs says in it that it handed a message to another host."""
    if not (
        b" mta delivery " in line
        or b",success: delivered: " in line
        or b"]: trying remote delivery " in line
        or b"msmtp[" in line
        or b": Starting delivery: " in line
        or b": Sent mail for " in line
        or b" starting delivery " in line
    ):
        return None
    program = _PROGRAM.search(line, 0, 600)
    if program is None or not is_head(line[: program.start()]):
        return None
    found = _SENT.match(line, program.start(), 4_000)
    if found is None:
        return None
    told = {name: value.decode("utf-8", "replace") for name, value in found.groupdict().items() if value}
    key = next(iter(told)).partition("_")[0]
    sender = told.get(key, "" if key in {"opensmtpd", "courier"} else None)
    return HandedOver(_NAMES[key], sender, told.get(f"{key}_host", ""), told.get(f"{key}_address", ""))
