"""Servers and networks of another process, as a forked child has them: names, and the way there."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from threading import RLock
from typing import TYPE_CHECKING, Any, Final

from fakeredis.engine.core.engines import Engine
from fakeredis.errors import ConnectionLost
from fakeredis.lazy import LazyModule
from fakeredis.patching.processes.channel import Channel
from fakeredis.patching.processes.frames import packed, unpacked
from fakeredis.patching.processes.remote_sessions import inherit, open_session

if TYPE_CHECKING:
    import redis

    from fakeredis.engine.core.server import Server
    from fakeredis.engine.core.session import Session
else:
    redis = LazyModule("redis")


@contextlib.contextmanager
def _told_to_redis_py() -> Iterator[None]:
    """What is lost is lost in redis-py's words."""
    try:
        yield
    except ConnectionLost as error:
        # Not above: a fork that imports redis-py runs the hooks that its imports add but by half.

        raise redis.ConnectionError(str(error)) from None


class RemoteNetwork:
    """The way to the network of another process.

    Args:
        channel: leads to that process.
        number: how it knows its network.
    """

    def __init__(self, channel: Channel, number: int) -> None:
        self.channel = channel
        self.number = number

    def stand_in(self, server: Server, way: str, *args: object) -> Server:
        """Make a server stand for that which the other process finds by one of its methods.

        Args:
            server: the server of this process, which is returned.
            way: the method's name there.
            args: the method's arguments.
        """
        make_remote(server, self.channel, (way, self.number, *args))
        return server

    def ask(self, what: str, *args: object) -> Any:
        """Call one of the other network's methods there, and return its result.

        Raises:
            redis.ConnectionError: the other process has gone.
        """
        with _told_to_redis_py():
            return unpacked(self.channel.ask("network", self.number, what, packed([*args])))


class RemoteEngine(Engine):
    """The engine of a server of another process; what this one holds of that server is a name.

    Args:
        server: what has the name here.
        channel: the way there.
        key: how that process knows its server.
    """

    remote = True

    def __init__(self, server: Server, channel: Channel, key: object) -> None:
        super().__init__(server)
        self.channel = channel
        self.key = key
        self.members: dict[str, Server] = {}  # of a cluster, by their addresses

    def session(self, protocol: int, address: str) -> Any:
        """A session in the process in which the server lives."""
        return open_session(self.channel, self.server, self.key, protocol)

    def protocol_session(self, address: str, local: str) -> Any:
        """None of this process serves sockets with it.

        Raises:
            RuntimeError: always.
        """
        raise RuntimeError(_ELSEWHERE)

    def _tell(self, what: str, *args: object) -> None:
        with contextlib.suppress(ConnectionLost):
            self.channel.ask("do", self.key, what, args)

    @property
    def connected(self) -> bool:
        """Whether it answers, as far as one knows without asking."""
        return not self.channel.lost

    @connected.setter
    def connected(self, up: bool) -> None:
        self._tell("connected", up)

    def advance(self, seconds: float) -> None:
        """Move its clock ahead."""
        self.server.clock.advance(seconds)
        self._tell("advance", seconds)

    def clear(self) -> None:
        """Remove all its keys."""
        self._tell("clear")

    def catch_up(self) -> None:
        """It does so itself."""

    def key_names(self, session: Session) -> dict[int, list[bytes]]:
        """None are here."""
        return {}

    def let_go(self) -> None:
        """What its store holds open is the other process's."""

    def check_files(self, verb: str) -> None:
        """The data are elsewhere.

        Raises:
            RuntimeError: always.
        """
        raise RuntimeError(_ELSEWHERE)

    def grow(self, size: int) -> None:
        """Make the server a node of a cluster, see `fakeredis.engine.cluster.cluster.grow`.

        Raises:
            redis.ConnectionError: the other process has gone.
            ValueError: the server has keys.
        """
        with _told_to_redis_py():
            self.channel.ask("do", self.key, "grow", (size,))

    def member(self, address: str) -> Server:
        """The node at an address of the server's cluster."""
        server = self.server
        members = self.members
        if address not in members:
            twin = object.__new__(type(server))
            vars(twin).update(vars(server), sessions={}, address=address, lock=RLock())
            twin.engine = RemoteEngine(twin, self.channel, ("member", self.key, address))
            twin.engine.members = members
            members.setdefault(address, twin)
        return members[address]


_ELSEWHERE: Final = "this server lives in the process that has forked this one: ask there"


def make_remote(server: Server, channel: Channel, key: object) -> None:
    """Make a server of this process, a copy that nobody needs, stand for one of another.

    Args:
        server: the copy.
        channel: the way there.
        key: how that process knows it.
    """
    for session in list(server.sessions.values()):
        inherit(session)
    server.sessions.clear()
    server.lock = RLock()
    server.databases.clear()
    server.deadlines.clear()
    server.waiting.clear()
    server.notify_flags = ""
    server.recorder = None
    server.switched = 0
    server.engine = RemoteEngine(server, channel, key)
