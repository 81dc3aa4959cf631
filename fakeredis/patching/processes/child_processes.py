"""Python child processes that are no forks, and share the servers of this process.

``patch(subprocesses=True)`` opens a `UnixListener`: a Unix socket in a private folder, in which
lies a ``sitecustomize.py``, too (`fakeredis.patching.processes.sitecustomize`).  ``PYTHONPATH`` and
``FAKEREDIS_PARENT`` lead children there, which then patch themselves by `join`.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import pkgutil
import secrets
import shutil
import socket
import tempfile
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import fakeredis
from fakeredis.errors import ConnectionLost
from fakeredis.lazy import LazyModule
from fakeredis.patching.installer import is_loaded, machinery
from fakeredis.patching.processes import fork_host
from fakeredis.patching.processes.channel import Channel
from fakeredis.patching.processes.fork_host import TOKEN_SIZE, ChildConnection, SharedServers
from fakeredis.patching.scope import PatchScope

if TYPE_CHECKING:
    import fcntl
else:
    fcntl = LazyModule("fcntl")  # Windows has none

_PARENT: Final = "FAKEREDIS_PARENT"
_PATH: Final = "PYTHONPATH"
_LONGEST: Final = 90  # characters of a Unix socket's path; the systems' own limits begin at 104
_PREFIX: Final = "fakeredis-door-"
_LOCK: Final = "lock"  # a file in the folder that its process holds
_GREETING: Final = 5.0  # seconds
_doors: Final[list[UnixListener]] = []  # that are open, the last one leads


def check() -> None:
    """Complain where there are no Unix sockets.

    Raises:
        NotImplementedError: there are none.
    """
    if not hasattr(socket, "AF_UNIX") or not hasattr(os, "register_at_fork"):
        raise NotImplementedError("subprocesses=True needs Unix sockets, which are not here")


class UnixListener:
    """Where other Python processes come to a patch's servers.

    Args:
        scope: the patch's network.
        options: what the other processes' patches get.
    """

    def __init__(self, scope: PatchScope, options: dict[str, Any]) -> None:
        self._owner = os.getpid()
        self._shared = SharedServers(
            {}, {scope.number: scope}, [scope], {**options, "number": scope.number}
        )
        self._token = secrets.token_hex(TOKEN_SIZE // 2)
        self.folder = _folder()
        self._lock = -1
        try:
            self._lock = _hold(self.folder)
            _write_hook(self.folder)
            self.path = str(self.folder / "s")
            self._listening = socket.socket(socket.AF_UNIX)
            self._listening.bind(self.path)
            self._listening.listen(128)
        except BaseException:
            self._remove()
            raise
        self._closing = False
        atexit.register(self._at_exit)
        self._thread = threading.Thread(target=self._accept, name="fakeredis-door", daemon=True)
        self._thread.start()
        self.address = f"{self._token}@{self.path}"
        if not _doors:
            _before.update((name, os.environ.get(name)) for name in (_PARENT, _PATH))
        _doors.append(self)
        _lead(self.folder)

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listening.accept()
            except OSError:
                return
            if self._closing:
                sock.close()
                return
            ChildConnection(sock, self._shared, self._token.encode()).start()

    def close(self) -> None:
        """Stop admitting children; those inside are for `fork_host.ended`."""
        _doors.remove(self)
        _lead(self.folder)
        if self._owner != os.getpid():
            return  # a forked child's copy
        self._closing = True
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as knocking:
            knocking.connect(self.path)
        self._thread.join(_GREETING)
        self._listening.close()
        self._remove()
        atexit.unregister(self._at_exit)

    def _at_exit(self) -> None:
        """The patch was never stopped."""
        if self._owner == os.getpid():
            self._remove()

    def _remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self._let_go()

    def _let_go(self) -> None:
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def forget(self) -> None:
        """In a forked child: socket and folder are the parent's."""
        self._listening.close()
        self._let_go()


def _folder() -> Path:
    folder = tempfile.mkdtemp(prefix=_PREFIX)
    if len(folder) > _LONGEST:
        os.rmdir(folder)
        folder = tempfile.mkdtemp(prefix=_PREFIX, dir="/tmp")
    _sweep(Path(folder).parent)
    return Path(folder)


# A process that is killed leaves its folder: the next one that makes one removes it.  The owner
# holds a lock as long as it lives; a number of a process would tell less (there are containers).


def _hold(folder: Path) -> int:
    """Mark a folder as in use by this process; the descriptor that does.

    The file gets its name when it is locked: who sweeps never sees it otherwise.
    """
    lock = os.open(folder / "new", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.rename(folder / "new", folder / _LOCK)
    except BaseException:
        os.close(lock)
        raise
    return lock


def _sweep(outer: Path) -> None:
    """Remove the folders of processes that have gone without doing so."""
    with contextlib.suppress(OSError), os.scandir(outer) as entries:
        for entry in entries:
            if entry.name.startswith(_PREFIX):
                _remove_stale(Path(entry.path))


def _remove_stale(folder: Path) -> None:
    with contextlib.suppress(OSError):  # it is held, not ours, or has no lock yet
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(lock).st_uid == os.getuid():
                shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(lock)


def _write_hook(folder: Path) -> None:
    source = pkgutil.get_data("fakeredis.patching.processes", "sitecustomize.py")
    assert source is not None
    package = str(Path(__file__).parents[2])
    call = f"\n\nstart(os.path.dirname(__file__), {package!r})\n".encode()
    (folder / "sitecustomize.py").write_bytes(source + call)


_before: dict[str, str | None] = {}  # the variables as they were before the first door


def _lead(folder: Path) -> None:
    """Set the variables that lead to the last door that is open, or set them back.

    Args:
        folder: that of the door that was opened or closed last.
    """
    ours = {str(folder), *(str(door.folder) for door in _doors)}
    present = os.environ.get(_PATH) or ""
    rest = os.pathsep.join(part for part in present.split(os.pathsep) if part not in ours)
    if _doors:
        last = _doors[-1]
        os.environ[_PARENT] = last.address
        os.environ[_PATH] = os.pathsep.join([str(last.folder), *([rest] if rest else [])])
        return
    _put(_PARENT, _before.get(_PARENT))
    _put(_PATH, _before.get(_PATH) if not rest or rest == _before.get(_PATH) else rest)


def _put(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


# In the child -----------------------------------------------------------------------------------


def join(library: str) -> None:
    """Patch this process for its whole life; its servers are those of the parent.

    Args:
        library: the Redis library that has just been loaded.
    """
    token, _, path = os.environ[_PARENT].partition("@")
    channel = Channel(connect=partial(_dial, path, token.encode()))
    try:
        options = channel.ask("options")
    except ConnectionLost:  # too late: what connects is refused
        options = {"number": 0}
    number = options.pop("number")
    handle = fakeredis.patch(**options).start()
    if not is_loaded(library):  # not quite: it is its import that called us
        machinery.loaded(library)
    atexit.register(handle.stop)
    fork_host.make_network_remote(handle._entry.scope, channel, number)


def _dial(path: str, token: bytes) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX)
    try:
        sock.connect(path)
        sock.sendall(token)
    except BaseException:
        sock.close()
        raise
    return sock


def _in_child() -> None:
    for door in _doors:
        door.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
