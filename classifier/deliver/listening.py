"""Sockets to listen on: a path, host and port, or what systemd hands over."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from classifier.errors import ConfigurationError

if TYPE_CHECKING:
    from classifier.config_values import SpamdAddress

#: Connections that wait to be accepted.
BACKLOG = 1024
#: The first descriptor that systemd hands over (sd_listen_fds(3)).
_FIRST = 3


def handed_over() -> bool:
    """Say whether systemd hands over a socket (sd_listen_fds(3))."""
    return os.environ.get("LISTEN_PID") == str(os.getpid()) and os.environ.get("LISTEN_FDS") == "1"


def listen(address: SpamdAddress | None) -> socket.socket:
    """Listen where the configuration says, or on the socket that systemd hands over.

    Raises:
        ConfigurationError: nobody can listen there.

    """
    if handed_over():
        listener = socket.socket(fileno=_FIRST)
        listener.set_inheritable(False)
        return listener
    if address is None:
        raise ConfigurationError("nothing to serve", remedy="set serve.spamd")
    try:
        if address.path:
            return _listen_on_path(Path(address.path).expanduser())
        family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address.host, address.port))
    except OSError as error:
        where = address.path or f"{address.host}:{address.port}"
        raise ConfigurationError(
            f"nobody can listen there ({error.strerror or error})", where=where, remedy="correct serve.spamd"
        ) from error
    listener.listen(BACKLOG)
    return listener


def _listen_on_path(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    if path.is_socket():
        try:
            listener.connect(str(path))
        except OSError:
            path.unlink()  # left by a server that was killed
        else:
            listener.close()
            raise OSError("another server is there")
        listener.close()
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o117)
    try:
        listener.bind(str(path))
    finally:
        os.umask(before)
    listener.listen(BACKLOG)
    return listener
