"""dkimpy and pyspf without what they import and we do not use.

Both import dnspython (0.1 s) for a look-up function that is never called here:
keys and records come from our own resolver. A filter that is started for one
message and finds every answer in its cache must not pay for that. dkimpy does
without its look-up module where that cannot be imported, and without PyNaCl
unless a signature is Ed25519; pyspf accepts pydns in dnspython's place. So
these imports are made to fail, or a stand-in is given, for the moment of the
import, under a lock.
"""

from __future__ import annotations

import sys
from _thread import RLock
from types import ModuleType, SimpleNamespace

#: Held while imports are bent; whoever imports dnspython meanwhile must wait.
_LOCK = RLock()


class _StandingIn:
    """Puts modules into ``sys.modules`` for a moment (None: cannot be imported), where they are not there already."""

    def __init__(self, modules: dict[str, ModuleType | None]) -> None:
        self._modules = {name: module for name, module in modules.items() if name not in sys.modules}

    def __enter__(self) -> None:
        sys.modules.update(self._modules)  # type: ignore[arg-type]

    def __exit__(self, *_: object) -> None:
        for name in self._modules:
            sys.modules.pop(name, None)


def dkim() -> ModuleType:
    """Return dkimpy's package; Ed25519 works after :func:`enable_ed25519`."""
    with _LOCK:
        if "dkim" in sys.modules:
            return sys.modules["dkim"]
        bent: dict[str, ModuleType | None] = {"dkim.dnsplug": None, "aiodns": None, "nacl.signing": None}
        with _StandingIn(bent | _for_dkim()):
            import dkim as _package  # noqa: F401, PLC0415 - 15 ms, for mail that carries a signature of ours
        return sys.modules["dkim"]


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
    logging = ModuleType("logging")
    logging.NullHandler, logging.DEBUG = None, 10  # type: ignore[attr-defined]
    logging.getLogger = lambda _name: _Silent()  # type: ignore[attr-defined]
    try:
        from _sha1 import sha1  # type: ignore[import-not-found]  # noqa: PLC0415 - for signatures alone

        try:
            from _sha2 import sha256  # type: ignore[import-not-found]  # noqa: PLC0415 - from Python 3.12 on
        except ImportError:
            from _sha256 import sha256  # type: ignore[import-not-found]  # noqa: PLC0415 - up to 3.11
    except ImportError:
        return {"logging": logging}
    hashlib = ModuleType("hashlib")
    hashlib.sha1, hashlib.sha256 = sha1, sha256  # type: ignore[attr-defined]
    return {"logging": logging, "hashlib": hashlib}


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


def _for_nacl(package: ModuleType) -> dict[str, ModuleType | None]:
    """Give stand-ins for what checking a signature needs not: bindings to all else that libsodium has, and key exchange."""
    if "typing" in sys.modules:
        return {}  # no filter: whoever signs in this process wants all of it
    bindings, public = ModuleType("nacl.bindings"), ModuleType("nacl.public")
    bindings.__path__ = [f"{path}/bindings" for path in package.__path__]
    public.PrivateKey = public.PublicKey = None  # type: ignore[attr-defined]
    package.bindings = bindings  # type: ignore[attr-defined]
    return {"typing": _Typing("typing"), "nacl.bindings": bindings, "nacl.public": public}


def enable_ed25519() -> bool:
    """Give dkimpy PyNaCl; say whether it is there."""
    package = dkim()
    with _LOCK:
        try:
            import nacl  # noqa: PLC0415 - 5 ms in all, for Ed25519 signatures

            stand_ins = _for_nacl(nacl)
            with _StandingIn(stand_ins):
                if stand_ins:
                    import nacl.bindings.crypto_sign as functions  # noqa: PLC0415

                    vars(functions)["lib"].sodium_init()
                    nacl.bindings.crypto_sign_open = functions.crypto_sign_open
                    nacl.bindings.crypto_sign_PUBLICKEYBYTES = functions.crypto_sign_PUBLICKEYBYTES
                    nacl.bindings.crypto_sign_BYTES = functions.crypto_sign_BYTES
                import nacl.encoding  # noqa: PLC0415
                import nacl.exceptions  # noqa: PLC0415
                import nacl.signing  # noqa: PLC0415
        except ImportError:
            return False
        vars(package)["nacl"] = nacl
        return True


def spf() -> ModuleType:
    """Return pyspf's module. Its own look-up must not be used: override ``query.dns``."""
    with _LOCK:
        if "spf" in sys.modules:
            return sys.modules["spf"]
        import warnings  # noqa: PLC0415 - loaded by most others

        pydns = ModuleType("DNS")
        pydns.Type = SimpleNamespace(SPF=99)  # type: ignore[attr-defined]
        pydns.DiscoverNameServers = lambda: None  # type: ignore[attr-defined]
        socket, message, urls = (ModuleType(name) for name in ("socket", "message", "parse"))
        socket.error = OSError  # type: ignore[attr-defined]
        message.Message = None  # type: ignore[attr-defined]
        urls.quote = _quote  # type: ignore[attr-defined]
        # Where dnspython is there already, pyspf may as well take it.
        bent: dict[str, ModuleType | None] = (
            {} if "dns.resolver" in sys.modules else {"dns": None, "DNS": pydns}
        )
        # Of these it needs an exception's name, a class for headers that we do not read, and one function.
        bent |= {"socket": socket, "email.message": message, "urllib.parse": urls}
        with _StandingIn(bent), warnings.catch_warnings():
            # Its comments hold escapes that newer Pythons warn of, on a filter's standard error.
            warnings.simplefilter("ignore")
            import spf as _module  # noqa: F401, PLC0415 - 20 ms, for mail whose SPF result counts
        return sys.modules["spf"]


def _quote(text: str, safe: str) -> str:
    """Do what pyspf wants of ``urllib.parse``: policies with macros for URLs are rare."""
    from urllib.parse import quote  # noqa: PLC0415 - 2 ms

    return quote(text, safe)


def lock() -> RLock:
    """Return the lock to hold while dnspython is imported elsewhere."""
    return _LOCK
