"""`FakeAsyncRedis`: `redis.asyncio.Redis` on the shortest way to the engine.

The peer of `fakeredis.clients.sync`.  An awaited command gives other tasks a turn, as a real one does
while it waits for the network.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Generator
from typing import Any, Final

import redis.asyncio
from redis.asyncio.client import Pipeline
from redis.client import EMPTY_RESPONSE, NEVER_DECODE

from fakeredis.clients.aio_connection import FAKE_ASYNC_CLASSES, FakeAsyncConnectionMixin
from fakeredis.clients.connection import fake_class
from fakeredis.clients.pipeline import MISS, marked, run_pipeline, run_transaction
from fakeredis.clients.sync import (
    NESTED_ERRORS,
    arguments,
    choose_server,
    server_of,
    take_own,
    with_driver_info,
)
from fakeredis.clients.wire import AsyncWire, decoded, encode, with_errors
from fakeredis.engine.replies import NO_REPLY, Status
from fakeredis.engine.server import Server
from fakeredis.errors import CommandError, ConnectionLost

PARSE_RESPONSE: Final = redis.asyncio.Redis.parse_response
_callback = dict.get


@types.coroutine
def turn() -> Generator[None, None, None]:
    """Let other tasks run."""
    yield


def async_short_cut(client: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Run a command without pool, retry and protocol; `MISS` where only the long way will do.

    Works on any asyncio client of redis-py whose pool holds fake connections.  The caller awaits
    `turn`, and the value when a callback made it awaitable.

    Raises:
        redis.ResponseError: the reply is an error (its subclass by redis-py's own rules).
    """
    try:
        idle = client.connection_pool._available_connections
        connection = idle.pop()
    except (AttributeError, IndexError):
        return MISS
    try:
        wire = getattr(connection, "_reader", None)
        if (
            type(wire) is not AsyncWire
            or client.connection is not None
            or type(client).parse_response is not PARSE_RESPONSE
        ):
            return MISS
        session = wire.session
        command = session.plain.get(args[0])
        if command is None or session.outbox:
            return MISS
        encoder = connection.encoder
        argv = []
        for arg in args[1:]:
            kind = type(arg)
            if kind is str:
                arg = arg.encode(encoder.encoding, encoder.encoding_errors)
            elif kind is not bytes:
                arg = encode(encoder, (arg,))[0]
            argv.append(arg)
        reply = session.call(command, argv)
    except CommandError as error:
        if EMPTY_RESPONSE in options:
            return options[EMPTY_RESPONSE]
        raise connection._parser.parse_error(str(error)) from None
    except ConnectionLost:
        return MISS
    finally:
        idle.append(connection)
    kind = type(reply)
    if kind is Status:
        reply = bytes(reply)
    elif reply is NO_REPLY:
        return MISS
    elif kind is list and command.name in NESTED_ERRORS:
        reply = with_errors(reply, connection._parser.parse_error)
    if encoder.decode_responses and NEVER_DECODE not in options:
        reply = decoded(reply, encoder)
    callback = _callback(client.response_callbacks, args[0])
    if options:
        options.pop("keys", None)
        options.pop(EMPTY_RESPONSE, None)
        options.pop(NEVER_DECODE, None)
    return reply if callback is None else callback(reply, **options)


async def async_short_pipeline(
    pipeline: Any, connection: Any, commands: Any, raise_on_error: bool, transaction: bool
) -> Any:
    """An asyncio pipeline's batch on the short way; `MISS` where only the long way will do.

    Raises:
        redis.ResponseError: a command failed, and ``raise_on_error``.
        redis.WatchError: a watched key changed.
    """
    wire = getattr(connection, "_reader", None)
    if type(wire) is not AsyncWire or type(pipeline).parse_response is not PARSE_RESPONSE:
        return MISS
    run = run_transaction if transaction else run_pipeline
    replies = run(pipeline, wire, connection, commands, raise_on_error)
    if replies is not MISS:
        await turn()
        for index, reply in enumerate(replies):
            if inspect.isawaitable(reply):
                replies[index] = await reply
    return replies


class FakeAsyncPipeline(Pipeline):
    """redis-py's asyncio pipeline; the batch crosses to the engine in one call."""

    async def _execute_pipeline(
        self, connection: Any, commands: Any, raise_on_error: bool
    ) -> Any:
        replies = await async_short_pipeline(self, connection, commands, raise_on_error, False)
        if replies is not MISS:
            return replies
        with marked(connection, "pipeline"):
            return await super()._execute_pipeline(connection, commands, raise_on_error)

    async def _execute_transaction(
        self, connection: Any, commands: Any, raise_on_error: bool
    ) -> Any:
        replies = await async_short_pipeline(self, connection, commands, raise_on_error, True)
        if replies is not MISS:
            return replies
        with marked(connection, "transaction"):
            return await super()._execute_transaction(connection, commands, raise_on_error)


class FakeAsyncRedis(redis.asyncio.Redis):
    """`redis.asyncio.Redis` on a server in this process.

    Takes all arguments of `redis.asyncio.Redis`, and those that `FakeRedis` adds: ``server``,
    ``version``, ``server_type``, ``connected``.
    """

    def __init__(
        self, *args: Any, server: Server | None = None, store: Any = None, version: Any = None,
        server_type: str | None = None, connected: bool = True, **kwargs: Any,
    ) -> None:
        given = arguments(redis.asyncio.Redis, args, kwargs)
        pool = given.get("connection_pool")
        server = choose_server(server, store, version, server_type, connected)
        super().__init__(**with_driver_info(redis.asyncio.Redis, given))
        if pool is None:
            fake_async_pool(self.connection_pool, server)

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """Run a command; see `redis.asyncio.Redis.execute_command`."""
        reply = async_short_cut(self, args, options)
        if reply is MISS:
            return await super().execute_command(*args, **options)
        await turn()
        return await reply if inspect.iscoroutine(reply) else reply

    def pipeline(self, transaction: bool = True, shard_hint: Any = None) -> FakeAsyncPipeline:
        """A pipeline that hands over its whole batch at once."""
        return FakeAsyncPipeline(
            self.connection_pool, self.response_callbacks, transaction, shard_hint
        )

    @property
    def fake_server(self) -> Server:
        """The server this client talks to."""
        return server_of(self.connection_pool)

    @classmethod
    def from_url(cls, url: str, **kwargs: Any) -> FakeAsyncRedis:
        """A client for a URL, see `redis.asyncio.Redis.from_url`; takes ``server`` etc. too."""
        server = take_own(kwargs)
        single = kwargs.pop("single_connection_client", False)
        pool = redis.asyncio.ConnectionPool.from_url(url, **kwargs)
        fake_async_pool(pool, server)
        client = cls(connection_pool=pool, single_connection_client=single)
        client.auto_close_connection_pool = True
        return client


def fake_async_pool(pool: Any, server: Server | None) -> None:
    """Let an asyncio pool that has no connections yet make fake ones."""
    pool.connection_class = fake_class(
        pool.connection_class, FakeAsyncConnectionMixin, FAKE_ASYNC_CLASSES
    )
    if server is not None:
        pool.connection_kwargs["server"] = server
