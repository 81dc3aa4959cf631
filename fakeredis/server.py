"""`FakeServer`: the engine's server with doors for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fakeredis.engine.replies import BLOCKED
from fakeredis.engine.server import Server
from fakeredis.errors import CommandError

if TYPE_CHECKING:
    from fakeredis.clients.aio import FakeAsyncRedis
    from fakeredis.clients.sync import FakeRedis
    from fakeredis.commands.registry import Group


class FakeServer(Server):
    """A Redis in this process; clients that share one see the same data.

    Args:
        store: where state lives; None for memory.
        version: the version to imitate, ``"8.2"`` or ``(8, 2)``.
        server_type: ``"redis"`` or ``"valkey"``.
        modules: command groups of third parties, see `fakeredis.commands.registry.Group`.
        address: where clients believe it to be.
    """

    def __init__(
        self, store: Any = None, version: str | tuple[int, ...] = "8.2",
        server_type: str = "redis", modules: Sequence[Group] = (),
        address: str = "localhost:6379",
    ) -> None:
        if store is not None:
            raise NotImplementedError("only the memory store exists so far; leave store=None")
        super().__init__(version, server_type, modules, address)
        self._own_session: Any = None

    @property
    def connected(self) -> bool:
        """Whether the server answers; set to False, connections break and none can be made."""
        return super().connected

    @connected.setter
    def connected(self, up: bool) -> None:
        Server.connected.__set__(self, up)  # type: ignore[attr-defined]
        if not up:
            for session in list(self.sessions.values()):
                session.close()

    def client(self, **kwargs: Any) -> FakeRedis:
        """A `FakeRedis` on this server; arguments as for `redis.Redis`."""
        from fakeredis.clients.sync import FakeRedis

        return FakeRedis(server=self, **kwargs)

    def async_client(self, **kwargs: Any) -> FakeAsyncRedis:
        """A `FakeAsyncRedis` on this server; arguments as for `redis.asyncio.Redis`."""
        from fakeredis.clients.aio import FakeAsyncRedis

        return FakeAsyncRedis(server=self, **kwargs)

    def execute(self, *args: bytes | str | float) -> Any:
        """Run one command and return the engine's plain reply (RESP3's types).

        A command that waits is waited for.

        Raises:
            fakeredis.errors.CommandError: the reply is an error.
            fakeredis.errors.ConnectionLost: the server is down.
        """
        if self._own_session is None or self._own_session.closed:
            self._own_session = self.session(protocol=3)
        argv = [
            arg if isinstance(arg, bytes)
            else arg.encode() if isinstance(arg, str)
            else repr(arg).encode()
            for arg in args
        ]  # fmt: skip
        reply = self._own_session.execute(argv)
        if reply is BLOCKED:
            from fakeredis.clients.wire import Wire

            reply = Wire(self._own_session).receive(None)
            if isinstance(reply, CommandError):
                raise reply
        return reply
