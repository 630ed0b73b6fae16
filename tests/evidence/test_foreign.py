"""Ed25519 with as little of PyNaCl as a filter needs, and with all of it elsewhere."""

from __future__ import annotations

import subprocess
import sys

import pytest

#: RFC 8032 section 7.1, test 2.
CODE = """
import sys
{before}
from classifier.evidence import foreign
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


@pytest.mark.parametrize(("before", "told"), [("", "False False"), ("import typing", "True True")])
def test_ed25519(before, told):
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(before=before)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout.strip(), done.stderr) == (told, "")
