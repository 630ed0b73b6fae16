"""A stand-in for the set-user-id bit: what an ordinary user runs is run by root, with the configuration of a test.

Mail servers let nobody but root name another configuration.
"""

from __future__ import annotations

import socketserver
import subprocess
import threading
from contextlib import contextmanager

_CLIENT = """#!/usr/bin/python3
import shutil, socket, sys
with socket.socket(socket.AF_UNIX) as server:
    server.connect({place!r})
    with server.makefile("wb") as out:
        out.write("\\0".join(sys.argv[1:]).encode() + b"\\n")
        shutil.copyfileobj(sys.stdin.buffer, out)
    server.shutdown(socket.SHUT_WR)
    answer = server.makefile("rb").read()
sys.stdout.buffer.write(answer[1:])
sys.exit(answer[0])
"""


@contextmanager
def privileged(client, command):
    """Write the program *client*, which runs *command* with its arguments and its standard input, until the end of the block."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            arguments = self.rfile.readline().decode().rstrip("\n").split("\0")
            done = subprocess.run(
                [*command, *arguments], input=self.rfile.read(), capture_output=True, timeout=60, check=False
            )
            self.wfile.write(bytes([done.returncode]) + done.stdout + done.stderr)

    place = client.with_name(f"{client.name}.socket")
    client.write_text(_CLIENT.format(place=str(place)))
    client.chmod(0o755)
    with socketserver.ThreadingUnixStreamServer(str(place), Handler) as server:
        place.chmod(0o666)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield
        server.shutdown()
