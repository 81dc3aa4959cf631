"""TLS for tests: a certificate, and a door with it before a server that has no TLS itself."""

from __future__ import annotations

import contextlib
import select
import shutil
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import processes

HOST = "127.0.0.1"
_HELLO = b"\x16"  # how a client's first record begins
_LIMIT = 60.0  # seconds that a connection may be idle


def certificates(folder: Path) -> Path:
    """A folder with the certificate ``crt`` of 127.0.0.1, signed by itself, and its ``key``."""
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl to make certificates with")
    processes.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
         "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost",
         "-keyout", folder / "key", "-out", folder / "crt"],
        check=True,
    )
    return folder


@contextlib.contextmanager
def door(port: int, folder: Path) -> Iterator[int]:
    """The port of a TLS door to the server at a port of this machine; who speaks plainly may too.

    Args:
        port: the server's.
        folder: see `certificates`.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "crt", folder / "key")
    ends: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def accept() -> None:
        while True:
            try:
                raw, _ = listening.accept()
            except OSError:
                return
            threads.append(threading.Thread(target=serve, args=(raw,), daemon=True))
            threads[-1].start()

    def serve(raw: socket.socket) -> None:
        with contextlib.suppress(OSError), raw:
            raw.settimeout(_LIMIT)
            is_tls = raw.recv(1, socket.MSG_PEEK) == _HELLO
            with (
                context.wrap_socket(raw, server_side=True) if is_tls else raw as outer,
                socket.create_connection((HOST, port), _LIMIT) as inner,
            ):
                ends.append(inner)
                _exchange(outer, inner)

    with socket.create_server((HOST, 0)) as listening:
        threads.append(threading.Thread(target=accept, daemon=True))
        threads[0].start()
        try:
            yield listening.getsockname()[1]
        finally:
            for each in (listening, *ends):
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join(_LIMIT)


def _exchange(outer: socket.socket, inner: socket.socket) -> None:
    """Until one of them ends, or for `_LIMIT` nothing comes."""
    while True:
        rest = isinstance(outer, ssl.SSLSocket) and outer.pending()
        ready = [outer] if rest else select.select([outer, inner], [], [], _LIMIT)[0]
        if not ready:
            return
        for each in ready:
            data = each.recv(1 << 16)
            if not data:
                return
            (inner if each is outer else outer).sendall(data)
