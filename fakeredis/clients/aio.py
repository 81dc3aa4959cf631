"""`FakeAsyncRedis`: `redis.asyncio.Redis` on the shortest way to the engine.

The peer of `fakeredis.clients.sync`.  An awaited command gives other tasks a turn, as a real one
does while it waits for the network.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Final

import redis.asyncio
from redis.asyncio.client import Pipeline

from fakeredis.clients import network
from fakeredis.clients.aio_connection import (
    FAKE_ASYNC_CLASSES,
    PLAIN_RELEASES,
    FakeAsyncConnectionMixin,
    turn,
    turn_of,
)
from fakeredis.clients.aio_socket import AsyncFakeSocket
from fakeredis.clients.client_cache import Templates, add_groups
from fakeredis.clients.connection import fake_class
from fakeredis.clients.creations import births
from fakeredis.clients.fast_path import NOT_HANDLED, FastPath, make_fast_path, plain_set
from fakeredis.clients.impersonation import Impersonating, shown, tell_signatures, wrapper_of
from fakeredis.clients.originals import own_method
from fakeredis.clients.pipeline import (
    fit_wire,
    idle_connection,
    marked,
    run_pipeline,
    run_transaction,
)
from fakeredis.clients.sync import (
    address_of,
    check_class,
    choose_server,
    server_of,
    take_own,
    with_defaults,
)
from fakeredis.errors import ConnectionLost

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fakeredis.clients.interfaces import AsyncBatch, AsyncConnection, Commands, Pool
    from fakeredis.clients.sync import Own
    from fakeredis.engine.core.profiles import VersionLike
    from fakeredis.engine.core.server import Server

__all__ = [
    "FakeAsyncPipeline", "FakeAsyncRedis", "async_run_fast", "async_short_execute",
    "async_short_pipeline", "fake_async_pool", "turn", "turn_of",
]

REAL: Final = redis.asyncio.Redis  # the name may mean the fake later
_execute: Final = own_method(REAL, "execute_command")
_pipeline: Final = own_method(REAL, "pipeline")
_init: Final = own_method(REAL, "__init__")
_templates: Final = Templates()
# The caller awaits `turn`, and the value when a callback made it awaitable.
async_run_fast: Final[FastPath] = make_fast_path(
    "_reader", AsyncFakeSocket, own_method(REAL, "parse_response")
)
PARSE_RESPONSE: Final = own_method(Pipeline, "parse_response")
EXECUTE: Final = own_method(Pipeline, "execute")


async def async_short_pipeline(
    pipeline: AsyncBatch, connection: AsyncConnection, commands: Commands, raise_on_error: bool,
    transaction: bool,
) -> Any:
    """An asyncio pipeline's batch on the short way; `NOT_HANDLED` where only the long way will do.

    Raises:
        redis.ResponseError: a command failed, and ``raise_on_error``.
        redis.WatchError: a watched key changed.
    """
    wire = fit_wire(connection, getattr(connection, "_reader", None), AsyncFakeSocket)
    if wire is None or type(pipeline).parse_response is not PARSE_RESPONSE:
        return NOT_HANDLED
    run = run_transaction if transaction else run_pipeline
    try:
        replies = run(pipeline, wire, connection, commands, raise_on_error)
    except ConnectionLost:
        return NOT_HANDLED
    if replies is not NOT_HANDLED:
        await turn()
        for index, reply in enumerate(replies):
            if hasattr(reply, "__await__"):
                replies[index] = await reply
    return replies


async def async_short_execute(pipeline: AsyncBatch, raise_on_error: bool) -> Any:
    """A whole ``execute()`` without the pool's care of connections; `NOT_HANDLED` as above."""
    connection = idle_connection(pipeline)
    if connection is None:
        return NOT_HANDLED
    pool = pipeline.connection_pool
    idle = pool._available_connections
    used = pool._in_use_connections if type(pool).release in PLAIN_RELEASES else set()
    used.add(connection)
    replies: Any = None
    try:
        replies = await async_short_pipeline(
            pipeline, connection, pipeline.command_stack, raise_on_error,
            pipeline.is_transaction or pipeline.explicit_transaction,
        )
        return replies
    finally:
        used.discard(connection)
        idle.append(connection)
        if replies is not NOT_HANDLED:
            await pipeline.reset()


class FakeAsyncPipeline(Pipeline):
    """redis-py's asyncio pipeline; the batch crosses to the engine in one call."""

    set = plain_set(Pipeline)

    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        """Run the commands; see `redis.asyncio.client.Pipeline.execute`."""
        if Pipeline.execute is not EXECUTE:  # a mock, or a tracer's wrapper
            return await super().execute(raise_on_error)
        replies = await async_short_execute(self, raise_on_error)
        if replies is NOT_HANDLED:
            replies = await super().execute(raise_on_error)
        return replies  # type: ignore[no-any-return]

    async def _execute_pipeline(
        self, connection: Any, commands: Any, raise_on_error: bool
    ) -> Any:
        replies = await async_short_pipeline(self, connection, commands, raise_on_error, False)
        if replies is not NOT_HANDLED:
            return replies
        with marked(connection, "pipeline"):
            return await super()._execute_pipeline(connection, commands, raise_on_error)

    async def _execute_transaction(
        self, connection: Any, commands: Any, raise_on_error: bool
    ) -> Any:
        replies = await async_short_pipeline(self, connection, commands, raise_on_error, True)
        if replies is not NOT_HANDLED:
            return replies
        with marked(connection, "transaction"):
            return await super()._execute_transaction(connection, commands, raise_on_error)


tell_signatures(vars(FakeAsyncPipeline), Pipeline)


class FakeAsyncRedis(redis.asyncio.Redis, metaclass=Impersonating):
    """`redis.asyncio.Redis` on a server in this process.

    Takes all arguments of `redis.asyncio.Redis`, and those that `FakeRedis` adds: ``server``,
    ``version``, ``server_type``, ``connected``.
    """

    _real_class = REAL  # and called by name, see FakeRedis

    def __init__(
        self, *args: Any, server: Server | None = None, store: Any = None,
        version: VersionLike | None = None, server_type: str | None = None, connected: bool = True,
        lua_modules: Iterable[str] | None = None, **kwargs: Any,
    ) -> None:
        if "client_class" in kwargs:
            check_class(kwargs.pop("client_class"), REAL, "redis.asyncio")
        own = (server, store, version, server_type, connected, lua_modules)
        if kwargs.get("connection_pool") is not None:
            adopt_pool(kwargs["connection_pool"], own)
            REAL.__init__(self, *args, **kwargs)
            return
        key = None if args or REAL.__init__ is not _init else _templates.key(kwargs)
        if not _templates.fill(self, key):
            complete = with_defaults(REAL, kwargs)
            REAL.__init__(self, *args, **complete)
            _templates.learn(self, key, complete)
        fake_async_pool(self.connection_pool, choose_server(*own, pool=self.connection_pool))

    async def execute_command(self, *args: object, **options: object) -> Any:
        """Run a command; see `redis.asyncio.Redis.execute_command`."""
        if REAL.execute_command is not _execute:
            wrapped = wrapper_of(FakeAsyncRedis, "execute_command")
            if wrapped is not None:
                return await wrapped(self, *args, **options)
        reply = async_run_fast(self, args, options)
        if reply is NOT_HANDLED:
            return await _execute(self, *args, **options)
        if hasattr(reply, "__await__"):
            await turn()
            return await reply
        await turn_of(self.connection_pool)
        return reply

    def pipeline(self, transaction: bool = True, shard_hint: Any = None) -> FakeAsyncPipeline:
        """A pipeline that hands over its whole batch at once."""
        if REAL.pipeline is not _pipeline:
            wrapped = wrapper_of(FakeAsyncRedis, "pipeline")
            if wrapped is not None:
                return wrapped(self, transaction, shard_hint)  # type: ignore[no-any-return]
        return FakeAsyncPipeline(
            self.connection_pool, self.response_callbacks, transaction, shard_hint
        )

    set = plain_set(REAL)

    def __repr__(self) -> str:
        return shown(self, REAL.__repr__(self))  # type: ignore[no-untyped-call]

    @property
    def fake_server(self) -> Server:
        """The server this client talks to."""
        return server_of(self.connection_pool)

    @classmethod
    def from_url(
        cls, url: str, single_connection_client: bool = False,
        auto_close_connection_pool: bool | None = None, **kwargs: object,
    ) -> FakeAsyncRedis:
        """A client for a URL, see `redis.asyncio.Redis.from_url`; takes ``server`` etc. too."""
        if auto_close_connection_pool is not None:
            message = '"auto_close_connection_pool" is deprecated since version 5.0.1'
            warnings.warn(message, DeprecationWarning, stacklevel=2)
        own = take_own(kwargs)
        pool = redis.asyncio.ConnectionPool.from_url(url, **kwargs)
        fake_async_pool(pool, choose_server(*own, pool=pool))
        client = cls(connection_pool=pool, single_connection_client=single_connection_client)
        client.auto_close_connection_pool = auto_close_connection_pool is not False
        return client


add_groups(FakeAsyncRedis, REAL)


def adopt_pool(pool: Pool, own: Own) -> None:
    """Turn a pool that was given to a fake client to fake connections, not the real network."""
    kind = getattr(pool, "connection_class", None)
    base: type = redis.asyncio.connection.AbstractConnection
    if not isinstance(kind, type) or not issubclass(kind, base):
        return
    server = choose_server(*own, pool=pool)
    if server is not None or not issubclass(kind, FakeAsyncConnectionMixin):
        fake_async_pool(pool, server)


def fake_async_pool(pool: Pool, server: Server | None) -> None:
    """Turn an asyncio pool that has no connections yet to fake ones, as ``fake_pool`` does."""
    if server is None and "redis.asyncio" in network.current("redis.asyncio").kinds:
        return
    pool.connection_class = fake_class(
        pool.connection_class, FakeAsyncConnectionMixin, FAKE_ASYNC_CLASSES
    )
    pool.connection_kwargs["server"] = server
    if server is None:
        network.use_default()
    if births.here is not None:
        births.note(pool, address_of(pool), server)
