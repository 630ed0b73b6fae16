"""dkimpy, pyspf and PyNaCl with as little as a filter needs, and with all of them elsewhere."""

from __future__ import annotations

import subprocess
import sys

import pytest

from classifier.evidence import foreign

#: RFC 8032 section 7.1, test 2.
ED25519 = """
import sys
from classifier.evidence import foreign
{before}
assert foreign.enable_ed25519()
nacl = foreign.dkim().nacl
key = nacl.signing.VerifyKey(bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"))
signature = bytes.fromhex(
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)
assert key.verify(b"\\x72", signature) == b"\\x72"
try:
    key.verify(b"\\x73", signature)
except nacl.exceptions.BadSignatureError:
    print("typing" in sys.modules, "nacl.bindings.crypto_pwhash" in sys.modules)
from nacl.signing import SigningKey
"""


def run(code):
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    return done.stdout.strip(), done.stderr


@pytest.mark.parametrize(
    ("before", "told"),
    [
        ("foreign.spare()", "False False"),
        ("", "True True"),
        # Another release, of which too much is left out.
        ("foreign.spare(); foreign._SIGNATURE = b''.ljust(64)", "True True"),
    ],
)
def test_ed25519(before, told):
    assert run(ED25519.format(before=before)) == (told, "")


def test_no_other_process_meets_a_stand_in():
    """A server's other thread may import logging at the same moment."""
    code = (
        "import sys, threading; from classifier.evidence import foreign\n"
        "real, met = foreign._StandingIn.__enter__, []\n"
        "foreign._StandingIn.__enter__ = lambda self: met.append(1) or real(self)\n"
        "foreign.dkim(); foreign.spf(); foreign.enable_ed25519()\n"
        "print(met, hasattr(sys.modules['spf'], 'dns'), hasattr(sys.modules['hashlib'], 'sha512'))\n"
    )
    assert run(code) == ("[] True True", "")


def test_a_library_that_wants_more_is_given_it(tmp_path):
    """Other releases of dkimpy and pyspf: one uses more while it is imported or later, one is not content at all."""
    (tmp_path / "dkim").mkdir()
    (tmp_path / "dkim" / "__init__.py").write_text(
        "import hashlib, logging\nfrom logging import Formatter\n"
        "def digest(): return hashlib.new('sha512', b'').hexdigest()[:4], logging.WARNING\n"
        "try:\n    from dkim.dnsplug import x\nexcept ImportError:\n    x = None\n"
    )
    (tmp_path / "dkim" / "dnsplug.py").write_text("x = 1\n")
    (tmp_path / "spf.py").write_text(
        "import dns\nfrom email.message import Message\nclass M(Message): pass\n"
    )
    (tmp_path / "dns").mkdir()
    (tmp_path / "dns" / "__init__.py").write_text("")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from classifier.evidence import foreign; foreign.spare()\n"
        "print(foreign.dkim().digest(), foreign.dkim().x, foreign.spf().M.__mro__[1].__module__)\n"
        "import hashlib, logging; print(hashlib.sha512.__name__, logging.Handler.__name__)\n"
    )
    assert run(code) == ("('cf83', 30) None email.message\nopenssl_sha512 Handler", "")


def test_a_module_once_imported_is_given_again():
    assert foreign.dkim() is foreign.dkim()
    assert foreign.spf() is foreign.spf()
