"""The console script."""

from __future__ import annotations


def main() -> int:
    """Run ``backscatter`` on the process's arguments and return the exit status."""
    from classifier.cli.main import main as run  # noqa: PLC0415 - click costs what a filter has

    return run()
