"""Run the laboratory: ``python -m tests.laboratory``.

Real mail servers in a network of their own (as root, in Linux namespaces, of
which nothing is left at the end) write some 1,000 reports within two minutes:
about genuine mail of a protected domain, sent through its own relay and in
other ways, and about mail that infected machines forged in its name, at several
levels of craft. The program judges them by what eight users have configured; the
table says how many of the forged are quarantined and how many of the genuine
are called so, by the software that wrote the report, by cause, and by way.
The exit status is 1 where a genuine report is quarantined.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.laboratory import network


def main(arguments):
    parser = argparse.ArgumentParser(
        prog="tests.laboratory", description="judge reports of real mail servers"
    )
    parser.add_argument(
        "--rounds", type=int, default=1, help="how often each letter is sent, by other mail programs"
    )
    parser.add_argument("--causes", default="", help="only these, separated by commas")
    parser.add_argument("--sites", default="", help="only these domains of receivers, separated by commas")
    parser.add_argument("--keep", type=Path, help="put the reports here; it must not exist")
    options = parser.parse_args(arguments)
    if not network.is_inside():
        if reason := network.reason_against():
            sys.stderr.write(f"no laboratory: {reason}\n")
            return 2
        return network.enter(arguments)
    from tests.laboratory import extra, own, plan, run, verdicts

    only = {name: given.split(",") for name in ("causes", "sites") if (given := getattr(options, name))}
    letters = plan.plan(extra.available(), options.rounds, **only)
    folder = options.keep or Path(tempfile.mkdtemp())
    with network.up(own.KEY.record) as dns:
        refused = run.run(letters, folder)
        lost = verdicts.tell(folder, verdicts.judge_all(folder, dns))
    return 1 if lost or refused else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
