"""BLAKE2b as :mod:`hashlib` gives it, without the 4 ms of loading OpenSSL beside it."""

from __future__ import annotations

__all__ = ["blake2b"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hashlib import blake2b
else:
    try:
        from _blake2 import blake2b
    except ImportError:
        from hashlib import blake2b
