"""One run: servers up, letters out, reports in, and a folder of them with labels and the identity."""

from __future__ import annotations

import json
import os
import smtplib
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from tests.laboratory import dovecot, extra, own, sites
from tests.laboratory.network import BIRKE_STORE, EXCHANGER, FILTER_IN, HASEL, RECEIVERS
from tests.laboratory.plan import SITES, Mail, number_of
from tests.laboratory.senders import forged, genuine
from tests.laboratory.store import serving

_EXCHANGERS = {
    host.name.partition(".")[2]: host.address for host in (EXCHANGER, *RECEIVERS) if host is not BIRKE_STORE
} | {"kiefer.test": FILTER_IN.address}
#: Of one who wrote to us once: forgers have it.
_SAMPLE = Mail(999, "genuine", "submitted", next(s for s in SITES if s.domain == "hasel.test"), "ok", 0)
#: So long nothing must have come, with all queues empty, for the end; and so long a run may wait.
_QUIET, _PATIENCE = 4.0, 60.0


def run(letters, folder):
    """Send *letters*, and put the reports about them into *folder*: genuine/, forged/, and facts.json by name.

    Returns how many letters nobody took.
    """
    with ExitStack() as stack:
        store = stack.enter_context(serving(HASEL.name, HASEL.address, 25))
        passwords = stack.enter_context(
            dovecot.running([m.recipient for m in letters if m.site.domain == "birke.test"])
        )
        incoming, relays = stack.enter_context(own.running(passwords))
        postfixes, exims = stack.enter_context(sites.running(passwords, {m.site.domain for m in letters}))
        queues = stack.enter_context(extra.running(letters))
        _say(f"servers up; {len(letters)} letters")
        sample = _sample(store, relays)

        def hand_over(mail):
            exchanger = _EXCHANGERS[mail.site.domain]
            way = genuine(mail, exchanger) if mail.label == "genuine" else forged(mail, sample, exchanger)
            try:
                way.send()
            except smtplib.SMTPException as error:
                return f"{mail}: {error}"
            return ""

        with ThreadPoolExecutor(8) as pool:
            refused = [text for text in pool.map(hand_over, letters) if text]
        for text in refused[:5]:
            _say(text)
        _say("all handed over")
        _settle(incoming, [*relays, *postfixes], exims, queues)
        found = _collect(incoming, letters, folder)
        _say(f"{found} reports")
        return len(refused)


def _say(text):
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {text}\n")


def _sample(store, relays):
    """Send a genuine letter to one who keeps it."""
    genuine(_SAMPLE).send()
    end = time.monotonic() + 30
    while _SAMPLE.recipient not in store.kept:
        assert time.monotonic() < end, "".join(
            (p.root / "log" / "mail.log").read_text()[-1500:] for p in relays
        )
        time.sleep(0.1)
    return store.kept[_SAMPLE.recipient]


def _settle(incoming, postfixes, exims, queues):
    """Wait until nothing is under way."""
    quiet, known = time.monotonic(), -1
    end = quiet + _PATIENCE
    while time.monotonic() < end:
        waiting = sum([exim.deliver(1) for exim in exims])
        waiting += sum(
            len(postfix.queue("maildrop", "incoming", "active", "deferred"))
            for postfix in (incoming, *postfixes)
        )
        # What is gone meanwhile does not wait; and dma leaves a file of the name "flush" for good.
        waiting += sum(n != "flush" for folder in queues for _, _, names in os.walk(folder) for n in names)
        arrived = len(list((incoming.mail / "Maildir" / "new").glob("*")))
        if waiting or arrived != known:
            quiet, known = time.monotonic(), arrived
        if time.monotonic() - quiet > _QUIET:
            return
        time.sleep(0.5)
    _say(f"still {waiting} messages under way")


def _collect(incoming, letters, folder):
    by_number = {mail.number: mail for mail in letters}
    facts = {}
    for label in ("genuine", "forged"):
        (folder / label).mkdir(parents=True)
    for file in sorted((incoming.mail / "Maildir" / "new").iterdir()):
        raw = file.read_bytes()
        mail = by_number.get(number_of(raw))
        if mail is None:
            _say(f"a report about no letter: {raw[:300]!r}")
            continue
        name = f"{mail.label}/{mail.number}-{len(facts)}.eml"
        (folder / name).write_bytes(raw)
        facts[name] = {
            "way": mail.way,
            "site": mail.site.domain,
            "software": mail.site.software,
            "cause": mail.cause,
        }
    (folder / "facts.json").write_text(json.dumps(facts, indent=1) + "\n")
    return len(facts)
