"""``python -m classifier`` is the command ``backscatter``."""

from __future__ import annotations

import sys

from classifier.entry import main

if __name__ == "__main__":
    sys.exit(main())
