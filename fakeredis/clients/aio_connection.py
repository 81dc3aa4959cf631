"""redis-py's asyncio connections on an `AsyncFakeSocket`; the peer of `connection`."""

from __future__ import annotations

import asyncio
import math
import types
from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Final

import redis
import redis.asyncio.connection as real

from fakeredis.clients import network
from fakeredis.clients.aio_socket import AsyncFakeSocket
from fakeredis.clients.codec import Packed, decoded, encoder_for, words
from fakeredis.clients.connection import (
    _UNSET,
    Fake,
    Mixed,
    equip,
    hand_over,
    open_session,
    pack_command,
    pack_commands,
    place,
    read_error,
    send_error,
    settled,
    transmit,
)
from fakeredis.clients.creations import births
from fakeredis.clients.fake_socket import stop_listening
from fakeredis.clients.network import Network
from fakeredis.clients.originals import own_method
from fakeredis.clients.untouched import asks_parser, ready
from fakeredis.engine.core.replies import Push
from fakeredis.errors import ConnectionLost

if TYPE_CHECKING:
    from fakeredis.clients.interfaces import AsyncConnection, Pool
    from fakeredis.engine.core.server import Server


async def open_async_wire(
    connection: AsyncConnection, server: Server | None = None, here: Network | None = None
) -> AsyncFakeSocket:
    """A new session with the server that the connection's address means.

    Raises:
        ConnectionRefusedError: there is no such server, or it is down.
    """
    session = open_session(connection, server, here)
    wire = AsyncFakeSocket(session, getattr(connection, "socket_timeout", None))
    equip(connection, wire)
    return wire


async def send_packed_command(
    connection: AsyncConnection, command: object, check_health: bool = True
) -> None:
    """Send what ``pack_command`` made, or the protocol's bytes.

    Raises:
        redis.ConnectionError: the server is down or has closed the connection, or the socket fails.
        redis.TimeoutError: the socket's time is over.
    """
    if not connection.is_connected:
        await reconnect(connection)
    if check_health and connection.health_check_interval:
        await connection.check_health()
    wire = connection._writer
    try:
        transmit(wire, command)
    except ConnectionLost as error:
        await _drop(connection, wire)
        raise redis.ConnectionError(str(error)) from None
    except (OSError, asyncio.TimeoutError) as error:
        await _drop(connection, wire)
        raise send_error(error) from error
    except BaseException:
        await _drop(connection, wire)
        raise


async def reconnect(connection: AsyncConnection) -> None:
    """Connect because a command is to be sent: it checks the connection's health, if need be."""
    connect = getattr(connection, "connect_check_health", None)
    if connect is None:  # before redis-py 6
        await connection.connect()
    else:
        await connect(check_health=False)
    ready(connection, connection._reader)


async def send_command(connection: AsyncConnection, *args: object, **kwargs: Any) -> None:
    """Send one command."""
    packed = Packed([words(encoder_for(connection), args)])
    await connection.send_packed_command(packed, check_health=kwargs.get("check_health", True))


async def can_read(connection: AsyncConnection, timeout: float = 0) -> bool:
    """Whether a message waits.

    Raises:
        redis.ConnectionError: the server has closed the connection.
    """
    wire = connection._reader
    if wire.lost():
        raise redis.ConnectionError("Connection closed by server.")
    return bool(wire.readable(0))


async def read_response(
    connection: AsyncConnection, disable_decoding: bool = False, timeout: float | None = None, *,
    disconnect_on_error: bool = True, push_request: bool | None = False, **kwargs: object,
) -> Any:
    """The next reply, decoded as the connection's encoder says.

    A ``timeout`` that was asked for gives None, the connection's own raises.  Other tasks get a
    turn in any case, as they would while a real reply is on its way.

    Raises:
        redis.ResponseError: the reply is an error (its subclass by redis-py's own rules).
        redis.TimeoutError: nothing came within ``socket_timeout``.
        redis.ConnectionError: the server has gone.
    """
    wire = connection._reader
    if wire is None:
        raise redis.ConnectionError("Connection closed by server.")
    seconds = connection.socket_timeout if timeout is None else timeout
    if seconds == math.inf:
        seconds = None
    try:
        await turn()
        reply = await _next_reply(connection, wire, seconds, push_request)
        reply = settled(connection, reply, disable_decoding)
    except asyncio.TimeoutError:
        if timeout is not None:
            return None
        if disconnect_on_error:
            await _drop(connection, wire)
        raise redis.TimeoutError(f"Timeout reading from {place(connection)}") from None
    except ConnectionLost as error:
        if disconnect_on_error:
            await _drop(connection, wire)
        raise redis.ConnectionError(str(error)) from None
    except OSError as error:
        if disconnect_on_error:
            await _drop(connection, wire)
        raise read_error(connection, error) from error
    except BaseException:
        if disconnect_on_error:
            await _drop(connection, wire)
        raise
    if connection.health_check_interval:
        now = asyncio.get_running_loop().time()
        connection.next_health_check = now + connection.health_check_interval
    if isinstance(reply, redis.ResponseError):
        try:
            raise reply
        finally:
            del reply  # this frame, which the traceback holds, would hold it
    return reply


async def _drop(connection: AsyncConnection, wire: AsyncFakeSocket) -> None:
    if connection._writer is not wire:
        return  # the patch has ended meanwhile
    if hasattr(connection, "_host_error"):
        await connection.disconnect(nowait=True)
    else:  # aioredis, from before it became a part of redis-py
        await connection.disconnect()


@types.coroutine
def turn() -> Generator[None, None, None]:
    """Yield to other tasks once."""
    yield


# How pools take a connection back that do no more than that (others wake those who wait for one).
PLAIN_RELEASES: Final = {own_method(real.ConnectionPool, "release")}


@types.coroutine
def turn_of(pool: Pool) -> Generator[None, None, None]:
    """Yield to other tasks, as while a reply is on its way: the last idle connection is in use."""
    if type(pool).release not in PLAIN_RELEASES:
        yield
        return
    idle, used = pool._available_connections, pool._in_use_connections
    connection = idle.pop()
    used.add(connection)
    try:
        yield
    finally:
        used.discard(connection)
        idle.append(connection)


async def _next_reply(
    connection: AsyncConnection, wire: AsyncFakeSocket, timeout: float | None,
    push_request: bool | None,
) -> Any:
    """The next message; pushes that were not asked for go to the parser's handlers."""
    while True:
        item = await wire.receive_async(timeout)
        if type(item) is not Push:
            return item
        message = list(item)
        if wire.session.protocol == 2:
            return message
        if connection.encoder.decode_responses:
            message = decoded(message, connection.encoder)
        handled = hand_over(connection._parser, message)
        if asyncio.iscoroutine(handled):
            handled = await handled
        if push_request:
            return handled


class FakeAsyncConnectionMixin(Fake, Mixed):  # type: ignore[misc]
    """The methods that lead an asyncio connection to the engine."""

    _reader: Any  # an `AsyncFakeSocket` or None, and the same is
    _writer: Any
    _parser: Any

    def __init__(self, *args: object, server: Any = _UNSET, **kwargs: object) -> None:
        self._fake_server: Server | None = None if server is _UNSET else server
        self._fake_home = network.default if server is None else None  # as FakeConnectionMixin
        super().__init__(*args, **kwargs)
        if server is _UNSET and births.here is not None:  # of a pool that is none of ours
            births.note(self, network.address_of(self), None)

    def __del__(self, _warnings: object = None) -> None:
        wire = getattr(self, "_writer", None)
        if wire is not None:  # nothing of the machine is held, so nothing to warn of
            wire.close()

    async def _connect(self) -> None:
        wire = await open_async_wire(self, self._fake_server, self._fake_home)
        self._reader = self._writer = wire

    async def connect(self) -> None:
        """Open a session and let redis-py make its handshake."""
        if not self._reader:
            stop_listening(self)
            await super().connect()
            wire = self._reader
            if wire:
                ready(self, wire)

    send_packed_command = send_packed_command
    send_command = send_command

    def pack_command(self, *args: object) -> Any:
        """A command for ``send_packed_command``."""
        return pack_command(self, super().pack_command, *args)

    def pack_commands(self, commands: Any) -> Any:
        """Commands for ``send_packed_command``."""
        return pack_commands(self, super().pack_commands, commands)

    can_read = can_read
    can_read_destructive = can_read

    async def read_response(self, *args: Any, **kwargs: Any) -> Any:
        """The next reply."""
        if asks_parser(self._parser):
            return await super().read_response(*args, **kwargs)
        return await read_response(self, *args, **kwargs)


class FakeAsyncConnection(FakeAsyncConnectionMixin, real.Connection):
    """`redis.asyncio.Connection` to a fake server; may be a pool's ``connection_class``.

    Args:
        server: the `FakeServer`; None for the one at the connection's address.
    """


class FakeAsyncSSLConnection(FakeAsyncConnectionMixin, real.SSLConnection):
    """`redis.asyncio.SSLConnection` to a fake server; no certificate is looked at."""


class FakeAsyncUnixDomainSocketConnection(
    FakeAsyncConnectionMixin, real.UnixDomainSocketConnection
):
    """`redis.asyncio.UnixDomainSocketConnection` to a fake server."""


FAKE_ASYNC_CLASSES: dict[type, type] = {
    real.Connection: FakeAsyncConnection,  # before its subclass
    real.SSLConnection: FakeAsyncSSLConnection,
    real.UnixDomainSocketConnection: FakeAsyncUnixDomainSocketConnection,
}
