"""Forked processes: a child and its parent see one server.

When this process forks, it keeps one end of a socket pair and the child the other; a
`ChildConnection`, a
thread of this process, runs the child's commands in the engine here.  In the child, every server
stands for the one of this process (`RemoteEngine`).  A child's child gets a socket of
its own through its parent's.  Where nothing is forked, nothing of this exists.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import select
import socket
import sys
import threading
import time
import warnings
from collections import deque
from collections.abc import Callable
from functools import partial
from hmac import compare_digest
from threading import RLock
from typing import TYPE_CHECKING, Any, Final, TypeVar
from weakref import WeakSet

from fakeredis.clients import network
from fakeredis.clients.network import Network, members
from fakeredis.engine.cluster.cluster import grow
from fakeredis.engine.core import blocking
from fakeredis.engine.core.profiles import profile
from fakeredis.engine.core.server import Server
from fakeredis.engine.core.session import Session
from fakeredis.errors import ConnectionLost
from fakeredis.lazy import Lazy, LazyModule
from fakeredis.patching.processes import known_servers
from fakeredis.patching.processes.channel import Channel
from fakeredis.patching.processes.frames import frame, frames, packed, unpacked
from fakeredis.patching.processes.remote_engine import RemoteNetwork, make_remote

# Not at the top: this is imported at a fork, while other threads may be in the middle of importing,
# and what redis-py imports would have functions of its own called after the fork, but not before.
if TYPE_CHECKING:
    from fakeredis.clients.cluster import gather
    from fakeredis.clients.connection import client_address
    from fakeredis.clients.fake_socket import mark
    from fakeredis.clients.sentinel import watch_at
    from fakeredis.patching.processes import handle_proxy
else:
    gather = Lazy("fakeredis.clients.cluster", "gather")
    client_address = Lazy("fakeredis.clients.connection", "client_address")
    mark = Lazy("fakeredis.clients.fake_socket", "mark")
    watch_at = Lazy("fakeredis.clients.sentinel", "watch_at")
    handle_proxy = LazyModule("fakeredis.patching.processes.handle_proxy")

_T = TypeVar("_T")
Note = tuple[str | None, int] | None  # a child's method, and a command's place in a pipeline

TOKEN_SIZE: Final = 32
_TICK: Final = 0.1  # seconds between looks at keys that may expire while a child waits
_PATIENCE: Final = 5.0  # seconds for the locks before a fork, and for threads at the end
_CHANGES: Final = frozenset({"advance", "clear"})  # what a child may ask of a server

_hosts: Final[set[ChildConnection]] = set()
_channels: Final[WeakSet[Channel]] = WeakSet()


class SharedServers:
    """What a process has to offer its children, kept alive for them.

    What has been made since, and what was made by another thread in the very moment of a fork, is
    found as long as it lives.

    Args:
        servers: the servers, by the number by which the children know them.
        networks: where servers are found by their address, likewise.
        scopes: the networks among them that are those of patches; the offer ends with the last.
        options: what a process that is no fork needs to know.
    """

    def __init__(
        self, servers: dict[int, Server], networks: dict[int, Network],
        scopes: list[Any], options: object = None,
    ) -> None:
        self.servers = servers
        self.networks = networks
        self.scopes = scopes
        self.options = options

    def network(self, number: int) -> Network:
        """The network that a child means.

        Raises:
            ConnectionLost: there is none any more.
        """
        found = self.networks.get(number) or network.known.get(number)
        if found is None:
            raise ConnectionLost("Connection refused")
        return found

    def find(self, key: Any) -> Server:
        """The server that a child means, also one that is down.

        Raises:
            ConnectionLost: there is none any more.
        """
        way, number, *args = key
        server: Server | None = None
        if way == "server":
            server = self.servers.get(number) or known_servers.servers.get(number)
        elif way == "member":
            found = self.find(number)
            server = network.member(found, args[0]) or found
        elif getattr(self.network(number), "active", True):
            server = _WAYS[way](self.network(number), *args)
        if server is None:
            raise ConnectionLost("Connection refused")
        return server

    def over(self) -> bool:
        """Whether the patches have ended."""
        return bool(self.scopes) and not any(scope.active for scope in self.scopes)


def _server_of(here: Network, address: str, version: tuple[int, ...], server_type: str) -> Server:
    return here.server_of(address, profile(version, server_type))


# How a network finds a server that a child means.
_WAYS: Final[dict[str, Callable[..., Server | None]]] = {
    "server_at": Network.server_at, "service_at": Network.service_at, "server_of": _server_of,
}


class ChildConnection:
    """Runs the commands of one child process.

    Args:
        sock: leads to the child.
        shared: what there is for it.
        token: what the other side must say first.
    """

    def __init__(
        self, sock: socket.socket, shared: SharedServers, token: bytes | None = None
    ) -> None:
        self.sock = sock
        self.shared = shared
        self.token = token
        self.done = False
        self.sessions: dict[int, Session] = {}
        self._next = 1
        self._attached: set[int] = set()  # the sessions that are connections of this process
        self._groups: dict[int, int] = {}  # the child's number of each session's last batch
        self._waits: dict[int, blocking.Alarm] = {}
        self._descriptors: deque[int] = deque()
        self._sending = RLock()
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)
        self._thread = threading.Thread(target=self._run, name="fakeredis-host", daemon=True)

    def start(self) -> None:
        """Start the thread that serves the child."""
        for host in [each for each in list(_hosts) if each.done]:
            _hosts.discard(host)
        _hosts.add(self)
        self._thread.start()

    def stop(self) -> None:
        """End, also for the child."""
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        if threading.current_thread() is not self._thread:
            self._thread.join(_PATIENCE)
        _hosts.discard(self)

    def _run(self) -> None:
        try:
            if self.token is None or self._greeted(self.token):
                for kind, number, *rest in frames(self._receive):
                    getattr(self, f"_do_{kind}")(number, *rest)
        finally:
            self.done = True
            self.shared = SharedServers({}, {}, [])  # nobody needs it any more
            for own in list(self.sessions):
                self._do_close(0, own)
            for descriptor in self._descriptors:
                os.close(descriptor)
            self.sock.close()
            _unhush()

    def _greeted(self, token: bytes) -> bool:
        """Whether the other side knows the token."""
        said = b""
        self.sock.settimeout(_PATIENCE)
        try:
            while len(said) < len(token):
                data = self.sock.recv(len(token) - len(said))
                if not data:
                    return False
                said += data
        except OSError:
            return False
        self.sock.settimeout(None)
        return compare_digest(said, token)

    def _receive(self) -> bytes:
        """The next bytes of the child, some descriptors aside; meanwhile what becomes due."""
        try:
            while not self._poll.poll(self._pause()):
                for server in self._servers():
                    server.catch_up()
                self._end_waits()
            self._end_waits()
            data, descriptors, _, _ = socket.recv_fds(self.sock, 1 << 16, 8)
        except OSError:
            return b""
        self._descriptors += descriptors
        return data

    def _pause(self) -> float | None:
        """How many milliseconds to wait at most."""
        seconds = [_TICK for each in self._servers() if each.notify_flags or each.deadlines][:1]
        now = time.monotonic()
        seconds += [
            left for alarm in self._waits.values() if (left := alarm.seconds(now)) is not None
        ]
        return min(seconds) * 1000 + 1 if seconds else None

    def _servers(self) -> set[Server]:
        return {session.server for session in list(self.sessions.values())}

    def _end_waits(self) -> None:
        """End the waits whose time is over."""
        now = time.monotonic()
        for number, alarm in list(self._waits.items()):
            alarm.ring(now)
            if alarm.wait.session.wait is not alarm.wait:
                del self._waits[number]

    # The child's requests -------------------------------------------------------------------

    def _do_open(self, number: int, key: object, protocol: int) -> None:
        try:
            server = self.shared.find(key)
            if not server.connected:
                raise ConnectionLost("Connection refused")
            with server.lock:
                session = server.session(protocol, client_address())
                own = self._add(session, number)
                session.wake = partial(self._woken, own, session)
        except Exception as error:  # whatever it is, it is for the child
            self._send(("answer", number, 0, None, packed(error)))

    def _do_attach(self, number: int, key: object, identity: int) -> None:
        """The child uses a connection that this process has made before the fork."""
        try:
            server = self.shared.find(key)
            with server.lock:
                session = server.sessions.get(identity)
                if session is None or session.closed:
                    raise ConnectionLost("Connection closed by server.")
                self._attached.add(self._add(session, number))
        except Exception as error:  # whatever it is, it is for the child
            self._send(("answer", number, 0, None, packed(error)))

    def _add(self, session: Session, number: int) -> int:
        """Take a session in, and tell the child its number."""
        own, self._next = self._next, self._next + 1
        self.sessions[own] = session
        told = [own, session.id, session.address, [*_state(session)]]
        self._send(("answer", number, 0, None, told))
        return own

    def _do_run(
        self, number: int, own: int, via: str, group: int, note: Note, argv: list[bytes]
    ) -> None:
        session = self.sessions.get(own)
        if session is None:
            self._send(("answer", number, 0, None, packed(ConnectionLost("It is closed."))))
            return
        # Under the lock, so that no late reply overtakes the word that there will be one.
        with session.server.lock:
            self._tell_spy(session, own, via, group)
            _tell_method(session, note)
            reply: Any
            try:
                reply = session.execute(argv)
            except Exception as error:  # whatever it is, it is for the child
                reply = error.with_traceback(None)
            self._note(own, session.wait)
            self._hear(own, session)
            self._send(("answer", number, own, _state(session), packed(reply)))

    def _hear(self, own: int, session: Session) -> None:
        """On a shared connection the child hears of what its own command waits for, no more."""
        if own in self._attached:
            waits = session.wait is not None
            session.wake = partial(self._woken, own, session) if waits else None

    def _tell_spy(self, session: Session, own: int, via: str, group: int) -> None:
        """Mark the next commands as those of the child's pipeline, for the record."""
        if group != self._groups.get(own, 0):
            self._groups[own] = group
            _mark(session, via)
        session.via = via

    def _note(self, own: int, wait: blocking.Wait | None) -> None:
        """Remember when a wait ends, in real time also where the server's clock stands still."""
        if wait is None or wait.deadline is None:
            self._waits.pop(own, None)
        elif own not in self._waits or self._waits[own].wait is not wait:
            self._waits[own] = blocking.Alarm(wait, time.monotonic())

    def _do_close(self, number: int, own: int) -> None:
        session = self.sessions.pop(own, None)
        self._waits.pop(own, None)
        self._groups.pop(own, None)
        if session is not None and own not in self._attached:
            session.wake = None
            session.close()

    def _do_do(self, number: int, key: Any, what: str, args: Any) -> None:
        answer: Any = None
        try:
            server = self.shared.find(key)
            if what == "connected":
                server.connected = args[0]
            elif what == "grow":
                grow(server, *args)
            elif what in _CHANGES:
                getattr(server, what)(*args)
        except Exception as error:  # whatever it is, it is for the child
            answer = packed(error)
        self._send(("answer", number, 0, None, answer))

    def _do_batch(
        self, number: int, own: int, via: str, group: int, notes: list[Note],
        batch: list[list[bytes]],
    ) -> None:
        """Several commands in one message; those after one that waits are left to the child."""
        session = self.sessions.get(own)
        if session is None:
            self._send(("answer", number, 0, None, packed(ConnectionLost("It is closed."))))
            return
        with session.server.lock:
            self._tell_spy(session, own, via, group)
            replies: list[Any] = []
            for argv, note in zip(batch, notes, strict=True):
                _tell_method(session, note)
                try:
                    replies.append(session.execute(argv))
                except Exception as error:  # whatever it is, it is for the child
                    replies.append(error)
                if session.wait is not None or isinstance(replies[-1], ConnectionLost):
                    break
            self._note(own, session.wait)
            self._hear(own, session)
            self._send(("answer", number, own, _state(session), packed(replies)))

    def _do_handle(self, number: int, of: int, what: str, args: object) -> None:
        try:
            scope: Any = self.shared.network(of)
            answer = packed(handle_proxy.answer(scope.entry, what, unpacked(args)))
        except Exception as error:  # whatever it is, it is for the child
            answer = packed(error)
        self._send(("answer", number, 0, None, answer))

    def _do_network(self, number: int, of: int, what: str, args: object) -> None:
        """What is decided where a network's servers live: which are a cluster, or Sentinels."""
        try:
            decide: Any = {"gather": gather, "watch": watch_at}[what]
            answer = packed(decide(self.shared.network(of), *unpacked(args)))
        except Exception as error:  # whatever it is, it is for the child
            answer = packed(error)
        self._send(("answer", number, 0, None, answer))

    def _do_options(self, number: int) -> None:
        self._send(("answer", number, 0, None, self.shared.options))

    def _do_adopt(self, number: int) -> None:
        """A child of the child: its socket came along."""
        if self._descriptors:
            sock = socket.socket(fileno=self._descriptors.popleft())
            ChildConnection(sock, self.shared).start()

    # What the child hears -------------------------------------------------------------------

    def _woken(self, own: int, session: Session) -> None:
        """Something is in the outbox, or the session was closed; called by any thread."""
        items = []
        while session.outbox:
            items.append(packed(session.outbox.popleft()))
        if session.closed:
            self.sessions.pop(own, None)
        self._hear(own, session)
        self._send(("late", own, _state(session), items))

    def _send(self, message: object) -> None:
        data = frame(message)
        with self._sending, contextlib.suppress(OSError):  # a child that has gone
            self.sock.sendall(data)

    def forget(self) -> None:
        """In a forked child: it is the parent's."""
        self.sock.close()


def _mark(session: Session, via: str) -> None:
    mark(session, via)


def _tell_method(session: Session, note: Note) -> None:
    """Note the child's method, and its place in a batch, for the record of the next command."""
    session.method, session.position = note or (None, 0)


def _state(session: Session) -> tuple[int, int, bool, bool, float]:
    """What the child needs to know of a session, and for how long it is to hold back replies."""
    lag, session.lag = session.lag, 0.0
    if lag and session.server.clock.frozen is not None:
        session.server.advance(lag)
        lag = 0.0
    return session.protocol, session.switched, session.wait is not None, session.closed, lag


# Patches ----------------------------------------------------------------------------------------


def ended() -> None:
    """A patch has ended: so do its children's sessions."""
    for host in list(_hosts):
        if host.done or host.shared.over():
            host.stop()
    _unhush()


def make_network_remote(here: Network, channel: Channel, number: int) -> None:
    """Make a network's servers those of another process.

    Args:
        here: the network.
        channel: the way there.
        number: how that process knows its own.
    """
    here.remote = RemoteNetwork(channel, number)
    _channels.add(channel)
    entry = getattr(here, "entry", None)
    if entry is not None and entry.spy is not None:
        handle_proxy.follow(entry.spy, here.remote)


# Forks ------------------------------------------------------------------------------------------

_forking: Final = RLock()  # forks one at a time


class _Fork:
    """What is made before a fork, and shared out after it.

    Which servers and networks there are is asked after it, in each process: another thread may
    make one at any moment until then.
    """

    def __init__(self) -> None:
        self.held = _take_machinery()
        self.branches = {channel: channel.branch() for channel in members(_channels)}
        self.mine, self.childs = socket.socketpair()

    def in_parent(self) -> None:
        """Close the child's ends, and serve the child."""
        if self.held:
            self.held.release()
        for descriptor in self.branches.values():
            if descriptor is not None:
                os.close(descriptor)
        self.childs.close()
        networks = _shared_networks()
        scopes = [each for each in network.entered() if each.remote is None]
        ChildConnection(self.mine, SharedServers(dict(_all_servers()), networks, scopes)).start()

    def in_child(self) -> None:
        """Leave to the parent what is the parent's: nothing else runs here yet."""
        self.mine.close()
        for host in list(_hosts):
            host.forget()
        _hosts.clear()
        for channel in members(_channels):
            channel.renew(self.branches.get(channel))
        channel = Channel(self.childs.detach())
        _channels.add(channel)
        networks = _shared_networks()
        for number, server in _all_servers():
            if not server.remote:
                make_remote(server, channel, ("server", number))
        for number, each in networks.items():
            _share_unregistered(each, channel)
            make_network_remote(each, channel, number)


def _all_servers() -> list[tuple[int, Server]]:
    return _retried(lambda: list(known_servers.servers.items()))


def _shared_networks() -> dict[int, Network]:
    """Those whose servers live here, but for ended patches'."""
    return {
        number: each for number, each in _all_networks()
        if each.remote is None and getattr(each, "active", True)
    }


def _all_networks() -> list[tuple[int, Network]]:
    return _retried(lambda: list(network.known.items()))


def _retried(look: Callable[[], _T]) -> _T:
    """What is looked at while other threads change it."""
    while True:
        try:
            return look()
        except RuntimeError:  # it has changed meanwhile
            pass


def _share_unregistered(here: Network, channel: Channel) -> None:
    """The engine's plain servers, which do not register themselves."""
    for address, server in list(here.servers.items()):
        if not server.remote:
            make_remote(server, channel, ("server_at", here.number, address))


def _take_machinery() -> Any:
    """Hold the lock under which patches begin and end, so that the child finds none half begun.

    None where it is not to be had, or where there is none yet.
    """
    module = sys.modules.get("fakeredis.patching.installer")
    lock: Any = getattr(module, "LOCK", None)
    return lock if lock is not None and lock.acquire(timeout=_PATIENCE) else None


def _renew_locks() -> None:
    """In a child: what threads have held that are not here any more is free again."""
    machinery = sys.modules.get("fakeredis.patching.installer")
    locks: list[Any] = [getattr(machinery, "LOCK", None), _forking]
    for _, each in _all_networks():
        locks.append(each.lock)
        spy = getattr(getattr(each, "entry", None), "spy", None)
        locks.append(getattr(spy, "_lock", None))
    locks += [server.lock for _, server in _all_servers()]
    for lock in locks:
        if lock is not None:
            lock._at_fork_reinit()


_LIBRARIES: Final = frozenset({"fakeredis", "redis", "valkey", "aioredis"})


def _begin_imports_anew() -> None:
    """In a child: modules that another thread was importing are imported by whoever needs them.

    The import system's own record of who imports what is not made for that: the child would wait
    for ever for a thread that is not here.
    """
    locks: dict[str, Any] = getattr(importlib._bootstrap, "_module_locks", {})
    for name, reference in list(locks.items()):
        lock = reference()
        owner = getattr(lock, "owner", None)
        if owner in (None, threading.get_ident()) or name.partition(".")[0] not in _LIBRARIES:
            continue
        locks.pop(name, None)
        spec = getattr(sys.modules.get(name), "__spec__", None)
        if getattr(spec, "_initializing", False):
            del sys.modules[name]


_fork: _Fork | None = None


_OURS: Final = ("fakeredis-host", "fakeredis-door", "fakeredis-channel", "fakeredis-upstream")
_quiet: Final = (
    "ignore", re.compile(r"This process \(pid=\d+\) is multi-threaded"), DeprecationWarning,
    None, 0,
)


def _hush() -> None:
    """Silence Python's warning of threads while the only others are ours, whose locks we hold."""
    if sys.version_info >= (3, 12) and threading.active_count() > 1:
        others = [each.name for each in threading.enumerate() if each.name not in _OURS]
        if len(others) == 1 and _quiet not in warnings.filters:
            warnings.filters.insert(0, _quiet)  # type: ignore[attr-defined]
            _forget_filters()


def _unhush() -> None:
    """Undo `_hush` once no child is served any more."""
    if all(host.done for host in list(_hosts)) and _quiet in warnings.filters:
        warnings.filters.remove(_quiet)  # type: ignore[attr-defined]
        _forget_filters()


def _forget_filters() -> None:
    """Make Python look anew at what it has warned of already."""
    changed = getattr(warnings, "_filters_mutated", None)
    if changed is not None:
        changed()


def before() -> None:
    """Prepare what parent and child go on with; no other thread forks meanwhile."""
    global _fork
    _forking.acquire()
    _hush()
    _fork = _Fork()


def in_parent() -> None:
    """The parent goes on."""
    global _fork
    fork, _fork = _fork, None
    try:
        if fork is not None:
            fork.in_parent()
    finally:
        _forking.release()


def in_child() -> None:
    """The child begins."""
    global _fork
    fork, _fork = _fork, None
    _begin_imports_anew()
    _renew_locks()
    if fork is not None:
        fork.in_child()
