"""Was it ours? This project beside SpamAssassin's VBounce, bogofilter and its own evidence alone, on the same mail.

``python -m tests.benchmarks.verdict_peers [--data FOLDER] [--reports N] [--kept FOLDER]``:
generated reports of domains that the default model has not seen; where the
real mail lies, the labelled reports and those that people collected as bounces
of their own mail; and what real mail servers wrote in the laboratory, where
``tests.laboratory --keep`` left it. VBounce has each domain's relays configured; bogofilter is
trained on generated reports of other domains, half of them forged, as the model
is. Printed: how many of the forged and how many of the genuine each would
take out of the inbox.
"""

# ruff: noqa: T201 - a script that prints what it measured

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from classifier.corpus.generated import Label
from classifier.corpus.worlds import worlds
from classifier.evidence.base import Lookups
from classifier.examine import examine, inferred_identity
from classifier.identity import Identity
from classifier.parse.message import parse
from classifier.vocabulary import Action
from tests.benchmarks.real_verdicts import (
    LABELLED,
    LOOKUPS,
    MODEL,
    POLICY,
    UNIVERSITY,
    presumed_identity,
    rows,
)
from tests.laboratory.network import DOMAIN, EXCHANGER, RELAY, SUBMISSION
from tests.laboratory.plan import BESIDE
from tests.support import find_program

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Judges one file a line ("FILE TAB relay relay ..."), prints 1 where VBounce calls it a bounce of mail not ours.
_VBOUNCE = r"""
use strict; use Mail::SpamAssassin; $| = 1;
my ($rules, $site) = @ARGV;
my $sa = Mail::SpamAssassin->new({ rules_filename => $rules, site_rules_filename => $site,
    dont_copy_prefs => 1, local_tests_only => 1, userprefs_filename => '/dev/null' });
$sa->compile_now(0);
while (my $line = <STDIN>) {
    chomp $line; my ($file, $relays) = split /\t/, $line, 2;
    my $conf = $sa->{conf};
    for my $list ('welcomelist_bounce_relays', 'whitelist_bounce_relays') {
        $conf->{$list} = {}; $conf->add_to_addrlist($list, split / /, $relays // '') if $relays; }
    open my $in, '<', $file or die; local $/; my $raw = <$in>; close $in;
    my $mail = $sa->parse($raw); my $status = $sa->check($mail);
    my $hit = $status->get_names_of_tests_hit() =~ /\bANY_BOUNCE_MESSAGE\b/ ? 1 : 0;
    $status->finish(); $mail->finish(); { local $/ = "\n"; print "$hit\n"; }
}
"""


@dataclass(frozen=True)
class Item:
    """One report, whose label is known, and who is protected."""

    raw: bytes
    forged: bool
    lookups: Lookups
    identity: Identity | None


def generated(seed: str, reports: int) -> list[Item]:
    """Generate labelled reports of invented domains."""
    return [
        Item(c.generated.raw, c.generated.label is Label.FORGED, c.lookups, c.identity)
        for c in worlds(seed, reports)
    ]


def real(data: Path) -> Iterator[tuple[str, list[Item]]]:
    """Yield the real sets, with a name."""
    labelled = [
        (row["label"], (data / row["path"]).read_bytes()) for row in rows(data, LABELLED)
    ]  # fmt: skip
    own = [raw for label, raw in labelled if "via-uw" in label and "not-via" not in label]
    certain = [raw for label, raw in labelled if not ("via-uw" in label and "not-via" not in label)]
    collected = [(data / row["path"]).read_bytes() for row in rows(data, "reports/")]
    presumed = [(raw, presumed_identity(parse(raw))) for raw in collected]
    known = [Item(raw, False, LOOKUPS, identity) for raw, identity in presumed if identity]
    unknown = [Item(raw, False, LOOKUPS, None) for raw in collected]
    yield (
        "real, certain and collected, configured",
        [*(Item(r, True, LOOKUPS, UNIVERSITY) for r in certain), *known],
    )
    yield (
        "real, certain and collected, not configured",
        [*(Item(r, True, LOOKUPS, None) for r in certain), *unknown],
    )
    yield "real, own gateway, configured", [Item(raw, True, LOOKUPS, UNIVERSITY) for raw in own]


def kept(folder: Path) -> Iterator[tuple[str, list[Item]]]:
    """Yield what the laboratory's servers wrote: all of it, and without genuine mail that passed the relays by."""
    relays = tuple(side for host in (SUBMISSION, RELAY, EXCHANGER) for side in (host.name, host.address))
    facts = json.loads((folder / "facts.json").read_text())
    found = {name: (folder / name).read_bytes() for name in facts}
    lookups = Lookups(now=datetime.fromtimestamp((folder / "facts.json").stat().st_mtime, UTC))
    for title, complete in (
        ("", False),
        (", all through the relays", False),
        (", and that is declared", True),
    ):
        identity = Identity(domains=(DOMAIN,), relays=relays, relays_complete=complete)
        yield (
            f"real servers{title}",
            [
                Item(raw, name.startswith("forged"), lookups, identity)
                for name, raw in found.items()
                if not (title and facts[name]["way"] in BESIDE)
            ],
        )


class Peers:
    """Who is here: name to a function from items, as files, to what it would take out."""

    def __init__(self, folder: Path, trained_on: list[Item]) -> None:
        self.folder = folder
        self.missing: list[str] = []
        self._bogofilter = self._train(trained_on)
        self._vbounce = self._rules()

    def answers(self, items: list[Item]) -> dict[str, list[bool]]:
        """Return for each peer what it says of *items*, in order: True where it would take it out."""
        with tempfile.TemporaryDirectory(dir=self.folder) as place:
            files = []
            for number, item in enumerate(items):
                file = Path(place, f"{number}.eml")
                file.write_bytes(item.raw)
                files.append(str(file))
            found = {
                "backscatter": [self._judge(i, model=True) for i in items],
                "backscatter, evidence alone": [self._judge(i, model=False) for i in items],
            }
            if self._vbounce:
                lines = "".join(
                    f"{file}\t{' '.join(relays(item))}\n" for file, item in zip(files, items, strict=True)
                )
                told = _run(self._vbounce, lines).split()
                found["VBounce, relays configured"] = [word == "1" for word in told]
            if self._bogofilter:
                told = _run([*self._bogofilter, "-b", "-T"], "".join(f"{f}\n" for f in files)).splitlines()
                found["bogofilter, trained alike"] = [line.split()[1] == "S" for line in told]
        return found

    def _judge(self, item: Item, *, model: bool) -> bool:
        judged = examine(item.raw, item.lookups, item.identity, POLICY, model=MODEL if model else None)
        return judged.judgement.action is Action.QUARANTINE

    def _train(self, items: list[Item]) -> list[str]:
        program = find_program("bogofilter")
        if not program:
            self.missing.append("bogofilter (Debian: bogofilter)")
            return []
        words = self.folder / "words"
        words.mkdir()
        for forged, switch in ((True, "-s"), (False, "-n")):
            chosen = self.folder / f"train{switch}"
            chosen.mkdir()
            names = []
            for number, item in enumerate(i for i in items if i.forged is forged):
                (chosen / f"{number}").write_bytes(item.raw)
                names.append(str(chosen / f"{number}"))
            _run([program, "-d", str(words), switch, "-b"], "".join(f"{n}\n" for n in names))
        return [program, "-d", str(words)]

    def _rules(self) -> list[str]:
        perl = find_program("perl")
        shipped = [Path("/usr/share/spamassassin", name) for name in ("20_vbounce.cf", "20_aux_tlds.cf")]
        if not perl or not find_program("spamassassin") or not all(path.exists() for path in shipped):
            self.missing.append("SpamAssassin (Debian: spamassassin)")
            return []
        rules, site = self.folder / "rules", self.folder / "site"
        rules.mkdir()
        site.mkdir()
        for path in shipped:
            shutil.copy(path, rules)
        # Without a relay the plug-in is silent; each message's own relays are set before it is checked.
        plugins = ("Check", "HeaderEval", "MIMEEval", "VBounce")
        (site / "local.pre").write_text(
            "".join(f"loadplugin Mail::SpamAssassin::Plugin::{p}\n" for p in plugins)
        )
        (site / "local.cf").write_text("whitelist_bounce_relays none.invalid\n")
        return [perl, "-e", _VBOUNCE, str(rules), str(site)]


def relays(item: Item) -> list[str]:
    """Return what a user of VBounce would configure: the relays by name, else the domain's hosts."""
    identity = item.identity or inferred_identity(parse(item.raw))
    named = [name.removeprefix(".") for name in identity.relay_names]
    domains = [domain.removeprefix(".") for domain in identity.domains]
    return sorted(set(named or [*domains, *(f"*.{domain}" for domain in domains)]))


def at_loss(items: list[Item], lost: int) -> int:
    """Return how many of the forged lie above so low a threshold that *lost* of the genuine do."""
    scores = [
        examine(i.raw, i.lookups, i.identity, POLICY, model=MODEL).judgement.probability or 0.0 for i in items
    ]
    genuine = sorted((s for s, i in zip(scores, items, strict=True) if not i.forged), reverse=True)
    limit = genuine[lost] if lost < len(genuine) else -1.0
    return sum(s > limit for s, i in zip(scores, items, strict=True) if i.forged)


def _run(command: list[str], given: str) -> str:
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    return done.stdout


def main() -> None:
    """Print the table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    default = os.environ.get("BACKSCATTER_SHARED_DATA", "../shared/data")
    arguments.add_argument("--data", type=Path, default=Path(default))
    arguments.add_argument("--reports", type=int, default=2_000)
    arguments.add_argument("--kept", type=Path)
    arguments.add_argument("--trained-on", type=int, default=6_000)
    given = arguments.parse_args()
    made = generated("peers/judged", given.reports)
    sets = {
        "generated, configured": [item for item in made if item.identity is not None],
        "generated, not configured": [item for item in made if item.identity is None],
    }
    if (given.data / "MANIFEST.tsv").exists():
        sets |= dict(real(given.data))
    if given.kept:
        sets |= dict(kept(given.kept))
    with tempfile.TemporaryDirectory() as folder:
        peers = Peers(Path(folder), generated("peers/trained", given.trained_on))
        for name, items in sets.items():
            forged = sum(item.forged for item in items)
            print(f"{name}: {forged} forged, {len(items) - forged} genuine")
            for peer, answers in peers.answers(items).items():
                taken = [(a, i.forged) for a, i in zip(answers, items, strict=True)]
                hit, lost = (sum(a for a, label in taken if label is wanted) for wanted in (True, False))
                print(
                    f"  {peer:30} forged {_share(hit, forged)}   genuine {_share(lost, len(items) - forged)}"
                )
                if forged and lost and not peer.startswith("backscatter"):
                    print(f"  {'  ours, losing as many':30} forged {_share(at_loss(items, lost), forged)}")
    for missing in peers.missing:
        print(f"not here: {missing}")


def _share(count: int, total: int) -> str:
    return f"{count:4} of {total:4} ({count / total:6.1%})" if total else "-"


if __name__ == "__main__":
    main()
