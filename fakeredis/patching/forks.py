"""Forked processes: a child and its parent see one server.

When this process forks, it keeps one end of a socket pair and the child the other; a `Host`, a
thread of this process, runs the child's commands in the engine here.  In the child, every server
stands for the one of this process (`fakeredis.clients.remote`).  A child's child gets a socket of
its own through its parent's.  Where nothing is forked, nothing of this exists.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import socket
import sys
import threading
import time
import warnings
from collections import deque
from functools import partial
from hmac import compare_digest
from threading import RLock
from typing import Any, Final
from weakref import WeakSet

from fakeredis.clients import network
from fakeredis.clients.network import Network
from fakeredis.clients.remote import (
    Channel,
    frame,
    frames,
    is_remote,
    make_remote,
    packed,
    unpacked,
)
from fakeredis.engine import blocking
from fakeredis.engine.server import Server
from fakeredis.engine.session import Session
from fakeredis.errors import ConnectionLost
from fakeredis.patching.fork_hooks import servers

TOKEN_SIZE: Final = 32
_TICK: Final = 0.1  # seconds between looks at keys that may expire while a child waits
_PATIENCE: Final = 5.0  # seconds for the locks before a fork, and for threads at the end
_CHANGES: Final = frozenset({"advance", "clear"})  # what a child may ask of a server

_hosts: Final[set[Host]] = set()
_channels: Final[WeakSet[Channel]] = WeakSet()
_remote_networks: Final[set[int]] = set()  # the numbers of those whose servers live elsewhere


class House:
    """What a process has to offer its children, kept alive for them.

    Args:
        servers: the servers, by the number by which the children know them.
        networks: where servers are found by their address, likewise.
        realms: the networks among them that are those of patches; the offer ends with the last.
        options: what a process that is no fork needs to know.
    """

    def __init__(
        self, servers: dict[int, Server], networks: dict[int, Network],
        realms: list[Any], options: Any = None,
    ) -> None:
        self.servers = servers
        self.networks = networks
        self.realms = realms
        self.options = options

    def find(self, key: Any) -> Server:
        """The server that a child means.

        Raises:
            ConnectionLost: it is none of this process any more, or is down.
        """
        kind, number, *address = key
        server: Server | None = None
        if kind == "server":
            server = self.servers.get(number)
        elif getattr(self.networks[number], "active", True):
            server = self.networks[number].server_at(*address)
        if server is None or not server.connected:
            raise ConnectionLost("Connection refused")
        return server

    def over(self) -> bool:
        """Whether the patches have ended."""
        return bool(self.realms) and not any(realm.active for realm in self.realms)


class Host:
    """Runs the commands of one child process.

    Args:
        sock: leads to the child.
        house: what there is for it.
        token: what the other side must say first.
    """

    def __init__(self, sock: socket.socket, house: House, token: bytes | None = None) -> None:
        self.sock = sock
        self.house = house
        self.token = token
        self.done = False
        self.sessions: dict[int, Session] = {}
        self._next = 1
        self._groups: dict[int, int] = {}  # the child's number of each session's last batch
        self._waits: dict[int, tuple[blocking.Wait, float]] = {}
        self._descriptors: deque[int] = deque()
        self._sending = RLock()
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)
        self._thread = threading.Thread(target=self._run, name="fakeredis-host", daemon=True)

    def start(self) -> None:
        """Begin."""
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
            self.house = House({}, {}, [])  # nobody needs it any more
            for session in list(self.sessions.values()):
                session.wake = None
                session.close()
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
        seconds += [max(due - now, 0) for _, due in self._waits.values()]
        return min(seconds) * 1000 + 1 if seconds else None

    def _servers(self) -> set[Server]:
        return {session.server for session in list(self.sessions.values())}

    def _end_waits(self) -> None:
        """End the waits whose time is over."""
        now = time.monotonic()
        for number, (wait, due) in list(self._waits.items()):
            with wait.session.server.lock:
                if wait.session.wait is not wait:
                    del self._waits[number]
                elif due <= now:
                    del self._waits[number]
                    blocking.time_out(wait)

    # The child's requests -------------------------------------------------------------------

    def _do_open(self, number: int, key: Any, protocol: int) -> None:
        try:
            server = self.house.find(key)
        except ConnectionLost as error:
            self._send(("answer", number, 0, None, packed(error)))
            return
        from fakeredis.clients.connection import client_address

        with server.lock:
            session = server.session(protocol, client_address())
            own, self._next = self._next, self._next + 1
            self.sessions[own] = session
            session.wake = partial(self._woken, own, session)
            told = [own, session.id, session.address, [*_state(session)]]
            self._send(("answer", number, 0, None, told))

    def _do_run(
        self, number: int, own: int, via: str, group: int, method: str | None, argv: list[bytes]
    ) -> None:
        session = self.sessions.get(own)
        if session is None:
            self._send(("answer", number, 0, None, packed(ConnectionLost("It is closed."))))
            return
        # Under the lock, so that no late reply overtakes the word that there will be one.
        with session.server.lock:
            self._tell_spy(session, own, via, group, method)
            reply: Any
            try:
                reply = session.execute(argv)
            except Exception as error:  # whatever it is, it is for the child
                reply = error
            self._note(own, session.wait)
            self._send(("answer", number, own, _state(session), packed(reply)))

    def _tell_spy(
        self, session: Session, own: int, via: str, group: int, method: str | None
    ) -> None:
        """Let the next commands be recorded as those of the child's method and pipeline."""
        if group != self._groups.get(own, 0):
            self._groups[own] = group
            _mark(session, via)
        session.via = via
        session.method = method  # type: ignore[assignment]  # a text or None

    def _note(self, own: int, wait: blocking.Wait | None) -> None:
        """Remember when a wait ends, in real time also where the server's clock stands still."""
        left = None if wait is None else blocking.seconds_left(wait)
        if wait is None or left is None:
            self._waits.pop(own, None)
        elif own not in self._waits or self._waits[own][0] is not wait:
            self._waits[own] = wait, time.monotonic() + left

    def _do_close(self, number: int, own: int) -> None:
        session = self.sessions.pop(own, None)
        self._waits.pop(own, None)
        self._groups.pop(own, None)
        if session is not None:
            session.wake = None
            session.close()

    def _do_do(self, number: int, key: Any, what: str, args: Any) -> None:
        answer: Any = None
        try:
            if what == "connected":
                _by_key(self.house, key).connected = args[0]
            elif what in _CHANGES:
                getattr(_by_key(self.house, key), what)(*args)
        except Exception as error:  # whatever it is, it is for the child
            answer = packed(error)
        self._send(("answer", number, 0, None, answer))

    def _do_batch(
        self, number: int, own: int, via: str, group: int, method: str | None,
        batch: list[list[bytes]],
    ) -> None:
        """Several commands in one message; those after one that waits are left to the child."""
        session = self.sessions.get(own)
        if session is None:
            self._send(("answer", number, 0, None, packed(ConnectionLost("It is closed."))))
            return
        with session.server.lock:
            self._tell_spy(session, own, via, group, method)
            replies: list[Any] = []
            for argv in batch:
                try:
                    replies.append(session.execute(argv))
                except Exception as error:  # whatever it is, it is for the child
                    replies.append(error)
                if session.wait is not None or isinstance(replies[-1], ConnectionLost):
                    break
            self._note(own, session.wait)
            self._send(("answer", number, own, _state(session), packed(replies)))

    def _do_handle(self, number: int, of: int, what: str, args: Any) -> None:
        from fakeredis.patching import far

        try:
            realm: Any = self.house.networks[of]
            answer = packed(far.answer(realm.entry, what, unpacked(args)))
        except Exception as error:  # whatever it is, it is for the child
            answer = packed(error)
        self._send(("answer", number, 0, None, answer))

    def _do_options(self, number: int) -> None:
        self._send(("answer", number, 0, None, self.house.options))

    def _do_adopt(self, number: int) -> None:
        """A child of the child: its socket came along."""
        if self._descriptors:
            sock = socket.socket(fileno=self._descriptors.popleft())
            Host(sock, self.house).start()

    # What the child hears -------------------------------------------------------------------

    def _woken(self, own: int, session: Session) -> None:
        """Something is in the outbox, or the session was closed; called by any thread."""
        items = []
        while session.outbox:
            items.append(packed(session.outbox.popleft()))
        if session.closed:
            self.sessions.pop(own, None)
        self._send(("late", own, _state(session), items))

    def _send(self, message: Any) -> None:
        data = frame(message)
        with self._sending, contextlib.suppress(OSError):  # a child that has gone
            self.sock.sendall(data)

    def forget(self) -> None:
        """In a forked child: it is the parent's."""
        self.sock.close()


def _mark(session: Session, via: str) -> None:
    from fakeredis.clients.pipeline import mark

    mark(session, via)


def _by_key(house: House, key: Any) -> Server:
    """The server, also one that is down."""
    if key[0] == "server":
        return house.servers[key[1]]
    server = house.networks[key[1]].server_at(key[2])
    if server is None:
        raise ConnectionLost("Connection refused")
    return server


def _state(session: Session) -> tuple[int, int, bool, bool, float]:
    """What the child needs to know of a session, and for how long it is to hold back replies."""
    lag, session.lag = session.lag, 0.0
    if lag and session.server.clock.frozen is not None:
        session.server.advance(lag)
        lag = 0.0
    return session.protocol, session.guard, session.wait is not None, session.closed, lag


# Patches ----------------------------------------------------------------------------------------


def ended() -> None:
    """A patch has ended: so do its children's sessions."""
    for host in list(_hosts):
        if host.done or host.house.over():
            host.stop()
    _unhush()


def make_network_remote(here: Network, channel: Channel, number: int) -> None:
    """Let a network's servers be those of another process.

    Args:
        here: the network.
        channel: the way there.
        number: how that process knows its own.
    """
    make = here._make
    here.remote = channel, number
    entry = getattr(here, "entry", None)
    if entry is not None and entry.spy is not None:
        from fakeredis.patching import far

        far.follow(entry.spy, here.remote)
    _channels.add(channel)
    _remote_networks.add(here.number)

    def make_one(address: str) -> Server:
        server = make(address)
        make_remote(server, channel, ("network", number, address))
        return server

    here._make = make_one


# Forks ------------------------------------------------------------------------------------------

_forking: Final = RLock()  # forks one at a time


class _Fork:
    """What is made before a fork, and shared out after it."""

    def __init__(self) -> None:
        self.networks = [network.default, *network.entered()]
        self.servers = _all_servers(self.networks)
        self.locks = _locks(self.networks, self.servers)
        self.held = _take(self.locks)
        self.networks = [each for each in self.networks if each.number not in _remote_networks]
        self.servers = [each for each in self.servers if not is_remote(each)]
        self.branches = [(channel, channel.branch()) for channel in list(_channels)]
        self.pair: tuple[socket.socket, socket.socket] | None = None
        if self.servers or self.networks not in ([], [network.default]):
            self.pair = socket.socketpair()

    def house(self) -> House:
        """What there is for the child."""
        return House(
            {id(server): server for server in self.servers},
            {each.number: each for each in self.networks},
            [each for each in self.networks if each is not network.default],
        )

    def in_parent(self) -> None:
        """Serve the child."""
        _release(self.held)
        for _, descriptor in self.branches:
            if descriptor is not None:
                os.close(descriptor)
        if self.pair is not None:
            mine, childs = self.pair
            childs.close()
            Host(mine, self.house()).start()

    def in_child(self) -> None:
        """Leave to the parent what is the parent's."""
        for lock in self.locks:
            lock._at_fork_reinit()
        for host in list(_hosts):
            host.forget()
        _hosts.clear()
        for channel, descriptor in self.branches:
            channel.renew(descriptor)
        if self.pair is not None:
            mine, childs = self.pair
            mine.close()
            channel = Channel(childs.detach())
            _channels.add(channel)
            for server in self.servers:
                make_remote(server, channel, ("server", id(server)))
            for each in self.networks:
                make_network_remote(each, channel, each.number)


_fork: _Fork | None = None


_OURS: Final = ("fakeredis-host", "fakeredis-door", "fakeredis-channel", "fakeredis-upstream")
_quiet: Final = (
    "ignore", re.compile(r"This process \(pid=\d+\) is multi-threaded"), DeprecationWarning,
    None, 0,
)  # fmt: skip


def _hush() -> None:
    """Let Python not warn of threads while the only others are ours, whose locks we hold."""
    if sys.version_info >= (3, 12) and threading.active_count() > 1:
        others = [each.name for each in threading.enumerate() if each.name not in _OURS]
        if len(others) == 1 and _quiet not in warnings.filters:
            warnings.filters.insert(0, _quiet)  # type: ignore[attr-defined]
            _forget_filters()


def _unhush() -> None:
    """Let Python warn again."""
    if all(host.done for host in _hosts) and _quiet in warnings.filters:
        warnings.filters.remove(_quiet)  # type: ignore[attr-defined]
        _forget_filters()


def _forget_filters() -> None:
    """Let what was warned of already be looked at anew."""
    changed = getattr(warnings, "_filters_mutated", None)
    if changed is not None:
        changed()


def before() -> None:
    """Prepare a fork."""
    global _fork
    _forking.acquire()
    _fork = None
    _hush()
    if servers or network.entered():
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
    _forking._at_fork_reinit()  # type: ignore[attr-defined]
    if fork is not None:
        fork.in_child()


def _all_servers(networks: list[Network]) -> list[Server]:
    found: dict[int, Server] = {}
    while True:
        try:
            for server in (*servers, *(each for some in networks for each in some.all())):
                found[id(server)] = server
        except RuntimeError:
            continue  # another thread has made one meanwhile
        return list(found.values())


def _locks(networks: list[Network], all_servers: list[Server]) -> list[Any]:
    """Every lock that another thread may hold while this one forks."""
    machinery = sys.modules.get("fakeredis.patching.machinery")
    lock = getattr(machinery, "LOCK", None)
    locks: list[Any] = [] if lock is None else [lock]
    locks += [each.lock for each in networks]
    return locks + [each.lock for each in all_servers]


def _take(locks: list[Any]) -> list[Any]:
    """Hold all of them, so that the child finds nothing half done.

    In no order: whoever holds one and wants another gets it, since this one begins anew.
    """
    ends = time.monotonic() + _PATIENCE
    while True:
        held: list[Any] = []
        for lock in locks:
            if not lock.acquire(timeout=0.01):
                break
            held.append(lock)
        if len(held) == len(locks) or time.monotonic() > ends:
            return held
        _release(held)
        time.sleep(0.001)


def _release(held: list[Any]) -> None:
    for lock in held:
        lock.release()
