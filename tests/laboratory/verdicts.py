"""Judge the reports as users with more or less knowledge would, and tell what became of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from classifier.evidence import dmarc, spf
from classifier.evidence.base import Lookups
from classifier.identity import Identity
from classifier.resolver import DnsResolver
from classifier.store.database import Database
from classifier.store.records import SqliteRecordMemory
from tests.laboratory.network import DOMAIN, EXCHANGER, RELAY, SUBMISSION
from tests.laboratory.plan import BESIDE, CAUSES, FORGED, GENUINE, SITES

_DOMAIN = f'[identity]\ndomains = ["{DOMAIN}"]\n'
_HEAD = "[dns]\nenabled = false\n" + _DOMAIN
_ADDRESSES = f'relays = ["{SUBMISSION.address}", "{RELAY.address}", "{EXCHANGER.address}"]\n'
#: What each user has configured; None: nothing at all. DNS answers where it is named, with an SPF policy that
#: excludes nobody surely (~all) and the key of our signatures.
SETUPS = {
    "addresses": _HEAD + _ADDRESSES,
    "complete": _HEAD + _ADDRESSES + "relays_complete = true\n",
    "partly": _HEAD + f'relays = ["{SUBMISSION.address}"]\n',
    "names": _HEAD + f'relays = ["{SUBMISSION.name}", "{RELAY.name}"]\n',
    "nothing": None,
    "dns": _DOMAIN + _ADDRESSES,
    "dns alone": _DOMAIN,
    "dmarc": _DOMAIN + '[store]\npath = "dmarc.sqlite3"\n',
}
#: Who is answered by DNS. "dmarc" has published p=reject as well, and looked at that for a month.
ASKING = {"dns", "dns alone", "dmarc"}
#: The rows of the table.
_ORDER = ("", *dict.fromkeys(site.software for site in SITES), *CAUSES, *GENUINE, *FORGED)
#: Ways of genuine mail that "all leaves through our relays" denies, and a policy to refuse what is neither
#: signed nor from a host that SPF names: who declares that has none of it.
DENIED = {"complete": set(BESIDE), "dmarc": set(BESIDE)}


def judge(folder, setup):
    """Return what ``classify --json`` says of each report of *folder*, by name."""
    place = folder / f"{setup}.toml"
    # Nothing that this user's store remembers, of other reports or of other keys, has a part in it.
    home = folder / "home" / setup
    environment = {
        **os.environ,
        "HOME": str(home),
        **{f"XDG_{kind}_HOME": str(home) for kind in ("CONFIG", "DATA", "CACHE")},
    }
    environment.pop("BACKSCATTER_CONFIG", None)
    more = []
    if SETUPS[setup] is not None:
        place.write_text(SETUPS[setup])
        place.chmod(0o600)
        more = ["--config", place]
    done = subprocess.run(
        [sys.executable, "-m", "classifier", *more, "classify", "--json", folder / "genuine", folder / "forged"],
        env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return {"/".join(Path(each["source"]).parts[-2:]): each for each in found}


def judge_all(folder, dns):
    """Judge all reports in each set-up; also written beside them. *dns* is the server that is asked."""
    found = {}
    for setup in SETUPS:
        dns.mode = "ok" if setup in ASKING else "refused"
        if setup == "dmarc":
            dns.zone.set(f"_dmarc.{DOMAIN}", "TXT", "v=DMARC1; p=reject")
            _look_a_month_ago(folder / "dmarc.sqlite3", dns)
        found[setup] = judge(folder, setup)
        (folder / f"{setup}.json").write_text(json.dumps(found[setup], indent=1))
    return found


def _look_a_month_ago(store, dns):
    """Remember what the domain publishes, as a run of that day would have."""
    then = datetime.now(UTC) - timedelta(days=30)
    with Database.open(store) as database:
        resolver = DnsResolver([dns.address], clock=lambda: then)
        lookups = Lookups(then, resolver=resolver, records=SqliteRecordMemory(database))
        for kind in (spf, dmarc):
            kind.observe(Identity(domains=(DOMAIN,)), lookups)


def tell(folder, verdicts, write=sys.stdout.write):
    """Write the table, and return the genuine reports that were quarantined or called forged, as (set-up, name) pairs."""
    facts = json.loads((folder / "facts.json").read_text())
    lost = []
    counted = {}
    for setup, all_of_it in verdicts.items():
        assert all_of_it.keys() == facts.keys()
        counted[setup] = {n: v for n, v in all_of_it.items() if facts[n]["way"] not in DENIED.get(setup, ())}
        lost += [
            (setup, n)
            for n, v in counted[setup].items()
            if n.startswith("genuine") and v["verdict"] == "forged"
        ]
    write(f"{'':40}{'forged, quarantined (%)':^72}{'genuine, called genuine (%)':^72}\n{'':40}" + f"{''.join(f'{s[:8]:>9}' for s in SETUPS)}" * 2 + "\n")  # fmt: skip
    for key in ("", "software", "cause", "way"):
        for row in sorted({fact.get(key, "") for fact in facts.values()}, key=_ORDER.index):
            cells = [
                _share({n: v for n, v in counted[setup].items() if facts[n].get(key, "") == row}, label)
                for label in ("forged", "genuine")
                for setup in SETUPS
            ]
            numbers = [sum(f.get(key, "") == row and n.startswith(label) for n, f in facts.items()) for label in ("forged", "genuine")]  # fmt: skip
            write(f"{row or 'all':28} {numbers[0]:4} {numbers[1]:4}  {''.join(cells)}\n")
    write(f"genuine reports lost: {len(lost)}; forged reports called genuine: {_believed(counted)}\n")
    for setup, name in lost:
        write(f"  {setup}: {name} {facts[name]}\n")
    return lost


def _share(verdicts, label):
    some = [v["verdict"] for n, v in verdicts.items() if n.startswith(label)]
    return f"{100 * some.count(label) / len(some):9.0f}" if some else f"{'':9}"


def _believed(counted):
    return sum(
        n.startswith("forged") and v["verdict"] == "genuine"
        for found in counted.values()
        for n, v in found.items()
    )
