"""dkimpy and pyspf; in a filter without what they import and we do not use.

Both import dnspython (0.1 s) for a look-up function that is never called here:
keys and records come from our own resolver. A filter that is started for one
message and finds every answer in its cache must not pay for that, so it calls
:func:`spare`. From then on these imports fail, or meet a stand-in, for the
moment of the import: dkimpy does without its look-up module where that cannot
be imported, and without PyNaCl unless a signature is Ed25519; pyspf accepts
pydns in dnspython's place. What a stand-in does not have comes from the module
that it stands for, and a library that cannot be imported so is imported as
ever: another release of one costs time, not a verdict.

No other process does any of this: its threads would meet the stand-ins.
"""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_is_sparing = False
#: RFC 8032 section 7.1, test 2: key, message and signature.
_KEY = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
_SIGNED = b"\x72"
_SIGNATURE = bytes.fromhex(
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)


def spare() -> None:
    """Import no more than is needed from now on; for a process with one thread and one message."""
    global _is_sparing  # noqa: PLW0603 - a property of the process
    _is_sparing = True


class _Partial(ModuleType):
    """Stands in for a module: has what is mostly wanted of it, and fetches the rest from the module itself."""

    def __init__(self, name: str, **known: object) -> None:
        super().__init__(name)
        vars(self).update(known)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the module has
        if name.startswith("__"):
            raise AttributeError(name)
        import importlib  # noqa: PLC0415 - for what nobody foresaw

        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


class _StandingIn:
    """Puts modules into ``sys.modules`` for a moment (None: cannot be imported), where they are not there already."""

    def __init__(self, modules: dict[str, ModuleType | None]) -> None:
        self._modules = {name: module for name, module in modules.items() if name not in sys.modules}

    def __enter__(self) -> None:
        sys.modules.update(self._modules)  # type: ignore[arg-type]

    def __exit__(self, *_: object) -> None:
        for name, module in self._modules.items():
            if sys.modules.get(name) is module:
                sys.modules.pop(name, None)


def _sparingly(name: str, sparing: Callable[[], ModuleType], whole: Callable[[], ModuleType]) -> ModuleType:
    """Import by the first way in a filter, else, and where that fails, by the second."""
    if _is_sparing and name not in sys.modules:
        try:
            return sparing()
        except Exception:  # noqa: BLE001 - another release of the library
            for each in [each for each in sys.modules if each == name or each.startswith(f"{name}.")]:
                del sys.modules[each]
    return whole()


def dkim() -> ModuleType:
    """Return dkimpy's package; Ed25519 works after :func:`enable_ed25519`."""
    return sys.modules.get("dkim") or _sparingly("dkim", _sparing_dkim, _whole_dkim)


def _whole_dkim() -> ModuleType:
    import dkim as package  # noqa: PLC0415 - for mail that carries a signature of ours

    return package  # type: ignore[no-any-return] # dkimpy has no types


def _sparing_dkim() -> ModuleType:
    bent: dict[str, ModuleType | None] = {"dkim.dnsplug": None, "aiodns": None, "nacl.signing": None}
    with _StandingIn(bent | _for_dkim()):
        return _whole_dkim()  # 15 ms


class _Silent:
    """A logger that nobody listens to: dkimpy reports what it meets in hostile signatures."""

    handlers = (None,)

    def isEnabledFor(self, _level: int) -> bool:  # noqa: N802 - logging's name
        return False

    def debug(self, *_: object) -> None:
        """Say nothing."""

    info = warning = error = debug


def _for_dkim() -> dict[str, ModuleType | None]:
    """Give stand-ins for what dkimpy hardly uses: logging (5 ms), and of hashlib more than two digests (OpenSSL, 4 ms)."""
    logging = _Partial("logging", NullHandler=None, DEBUG=10, getLogger=lambda _name: _Silent())
    try:
        from _sha1 import sha1  # type: ignore[import-not-found]  # noqa: PLC0415 - for signatures alone

        try:
            from _sha2 import sha256  # type: ignore[import-not-found]  # noqa: PLC0415 - from Python 3.12 on
        except ImportError:
            from _sha256 import sha256  # type: ignore[import-not-found]  # noqa: PLC0415 - up to 3.11
    except ImportError:
        return {"logging": logging}
    return {"logging": logging, "hashlib": _Partial("hashlib", sha1=sha1, sha256=sha256)}


class _Anything:
    """Stands for whatever an annotation names."""

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def __class_getitem__(cls, _of: object) -> type[_Anything]:
        return cls


class _Typing(ModuleType):
    """A stand-in for typing (6 ms): PyNaCl annotates with it, and nothing else."""

    cast = staticmethod(lambda _kind, value: value)

    def __getattr__(self, _name: str) -> type[_Anything]:
        return _Anything


def _sparing_nacl() -> ModuleType:
    """Import what checking a signature needs, without bindings to all else that libsodium has, and key exchange."""
    import nacl as package  # noqa: PLC0415 - 5 ms in all

    bindings = ModuleType("nacl.bindings")
    bindings.__path__ = [f"{path}/bindings" for path in package.__path__]
    package.bindings = bindings
    public = _Partial("nacl.public", PrivateKey=None, PublicKey=None)
    with _StandingIn({"typing": _Typing("typing"), "nacl.bindings": bindings, "nacl.public": public}):
        import nacl.bindings.crypto_sign as functions  # noqa: PLC0415

        vars(functions)["lib"].sodium_init()
        for name in ("crypto_sign_open", "crypto_sign_PUBLICKEYBYTES", "crypto_sign_BYTES"):
            setattr(bindings, name, getattr(functions, name))
        _whole_nacl()
        # Whatever was left out: it does what it is there for.
        package.signing.VerifyKey(_KEY).verify(_SIGNED, _SIGNATURE)
    return package


def _whole_nacl() -> ModuleType:
    import nacl  # noqa: PLC0415 - for Ed25519 signatures
    import nacl.encoding  # noqa: PLC0415
    import nacl.exceptions  # noqa: PLC0415
    import nacl.signing  # noqa: PLC0415

    return nacl


def enable_ed25519() -> bool:
    """Give dkimpy PyNaCl; say whether it is there."""
    package = dkim()
    if "nacl" not in vars(package) or "nacl.signing" not in sys.modules:
        try:
            vars(package)["nacl"] = _sparingly("nacl", _sparing_nacl, _whole_nacl)
        except ImportError:
            return False
    return True


def spf() -> ModuleType:
    """Return pyspf's module. Its own look-up must not be used: override ``query.dns``."""
    return sys.modules.get("spf") or _sparingly("spf", _sparing_spf, _whole_spf)


def _whole_spf() -> ModuleType:
    import warnings  # noqa: PLC0415 - loaded by most others

    with warnings.catch_warnings():
        # Its comments hold escapes that newer Pythons warn of, on a filter's standard error.
        warnings.simplefilter("ignore")
        import spf as module  # noqa: PLC0415 - 20 ms, for mail whose SPF result counts

    return module  # type: ignore[no-any-return] # pyspf has no types


def _sparing_spf() -> ModuleType:
    pydns = ModuleType("DNS")
    pydns.Type = SimpleNamespace(SPF=99)  # type: ignore[attr-defined]
    pydns.DiscoverNameServers = lambda: None  # type: ignore[attr-defined]
    # Where dnspython is there already, pyspf may as well take it.
    bent: dict[str, ModuleType | None] = {} if "dns.resolver" in sys.modules else {"dns": None, "DNS": pydns}
    # Of these it needs an exception's name, a class for headers that we do not read, and one function.
    bent |= {
        "socket": _Partial("socket", error=OSError),
        "email.message": _Partial("email.message", Message=None),
        "urllib.parse": _Partial("urllib.parse"),  # quote: policies with macros for URLs are rare
    }
    with _StandingIn(bent):
        return _whole_spf()
