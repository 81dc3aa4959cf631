"""The choke points of redis-py: where its own classes are led to the engine under a patch.

Each handler gets the original function and its arguments. A connection that is a fake one by its
class passes; any other is taken in hand by the scope whose turn it is (see
`fakeredis.patching.scope`).
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final

import redis
import redis.utils

from fakeredis.clients import aio_connection as aio_fakes
from fakeredis.clients import connection as fakes
from fakeredis.clients import network
from fakeredis.clients.aio import (
    FakeAsyncPipeline,
    async_short_pipeline,
    turn,
    turn_of,
)
from fakeredis.clients.aio_socket import AsyncFakeSocket
from fakeredis.clients.connection import Fake
from fakeredis.clients.fake_socket import FakeSocket
from fakeredis.clients.fast_path import FastPath, make_fast_path
from fakeredis.clients.originals import own_method
from fakeredis.clients.pipeline import NOT_HANDLED, FakePipeline, marked, short_pipeline
from fakeredis.clients.untouched import asks_parser, ready
from fakeredis.clients.valkey_errors import translated
from fakeredis.patching.code_swap import AttributeSwap, Swap, swap
from fakeredis.patching.scope import (
    CREATED_IN,
    STATES,
    PatchScope,
    bind_connection,
    choose_yielding,
)
from fakeredis.stores.base import Bypass

if TYPE_CHECKING:
    from types import ModuleType

    from fakeredis.clients.interfaces import (
        AnyConnection,
        AsyncBatch,
        AsyncConnection,
        Batch,
        Client,
        Commands,
        Connection,
        Function,
        Pool,
    )

# Those of the last kind are a store's own, and lead to a real server.
_LIBRARIES: Final = frozenset({"redis", "valkey", "aioredis"})
_FAKES: Final = (Fake, Bypass)


def realm_for(connection: object, kind: str) -> PatchScope | None:
    """The scope a connection belongs to now; None for one that no patch has a say in."""
    scope = network.current(kind)
    if kind not in scope.kinds or isinstance(connection, _FAKES):
        return None
    return scope  # type: ignore[return-value]  # only scopes have kinds


def taken(connection: AnyConnection, kind: str) -> bool:
    """Whether a connection is in the hands of a patch, after this call if not before."""
    scope = realm_for(connection, kind)
    if scope is None:
        return False
    states = vars(connection).get(STATES)
    if states is None or states.scope is not scope:
        bind_connection(connection, scope, kind)
    end = getattr(connection, "_reader" if kind.endswith("asyncio") else "_sock", None)
    return end is None or isinstance(end, FakeSocket)  # else someone has put a mock there


# Sync connections -----------------------------------------------------------------------------


def connect(
    kind: str, original: Function, connection: Connection, *args: object, **kwargs: object
) -> None:
    """Connect to the engine: redis-py's own way, with a `FakeSocket` instead of a socket."""
    if not taken(connection, kind) or connection._sock is not None:
        original(connection, *args, **kwargs)
        return
    with _connecting(connection, partial(_open, connection)):
        original(connection, *args, **kwargs)
    _connected(connection, "_sock")


@contextmanager
def _connecting(connection: AnyConnection, connect: object) -> Iterator[None]:
    """Shadow whatever ``_connect`` the connection's class has, a user's override included.

    What a test has put in the library's own place stays: it plays a network that fails.
    """
    attributes = vars(connection)
    own = attributes.get("_connect")
    if _is_played(connection, own):
        yield
        return
    attributes["_connect"] = connect
    try:
        yield
    finally:
        if own is None:
            attributes.pop("_connect", None)
        else:
            attributes["_connect"] = own


def _is_played(connection: AnyConnection, own: object) -> bool:
    """Whether connecting is a mock's, or that of a function put into the library's class."""
    if _plays_network():
        return True
    if own is not None:
        return hasattr(own, "assert_called")
    owner = next(cls for cls in type(connection).__mro__ if "_connect" in vars(cls))
    found = vars(owner)["_connect"]
    if hasattr(found, "assert_called"):
        return True
    homes = [str(each.__module__).partition(".")[0] for each in (owner, found)]
    return homes[0] in _LIBRARIES and homes[1] not in _LIBRARIES


def _plays_network() -> bool:
    """Whether a test has mocked what libraries open a network's connections with."""
    unix = getattr(asyncio, "open_unix_connection", None)  # not there on Windows
    ways = (socket.socket, asyncio.open_connection, unix)
    return any(hasattr(way, "assert_called") for way in ways)


def _connected(connection: AnyConnection, name: str) -> None:
    """What comes after the handshake is the user's."""
    wire = getattr(connection, name)
    ready(connection, wire)
    states = vars(connection).get(STATES)
    if isinstance(wire, FakeSocket) and (states is None or states.scope is None):
        wire.abandon()  # the patch has ended meanwhile


def _realm_of(connection: AnyConnection) -> PatchScope:
    """The scope in whose hands a connection is.

    Raises:
        ConnectionRefusedError: none any more: its patch has ended while it was connecting.
    """
    states = vars(connection).get(STATES)
    if states is None or states.scope is None:
        raise ConnectionRefusedError(111, "Connection refused")
    return states.scope  # type: ignore[no-any-return]


def _meanwhile(kind: str, connection: AnyConnection, error: AttributeError) -> Exception:
    """What to raise where a connection has lost its wire: another thread has ended the patch."""
    states = vars(connection).get(STATES)
    scope = realm_for(connection, kind)
    if states is not None and scope is not None and states.scope is scope:
        return error
    return redis.ConnectionError("Connection closed by server.")


def _open(connection: Connection) -> FakeSocket:
    scope = _realm_of(connection)
    wire = fakes.open_wire(connection, here=scope)
    choose_yielding(wire)
    _check_active(scope, wire)
    return wire


def _check_active(scope: PatchScope, wire: FakeSocket) -> None:
    """End a session that began at the very end of its patch.

    Raises:
        ConnectionRefusedError: the patch has ended.
    """
    if not scope.active:
        wire.abandon()
        raise ConnectionRefusedError(111, "Connection refused")


def open_socket(kind: str, original: Function, connection: Connection) -> Any:
    """What is left of a way to the network: who has taken the method before, a mock most likely."""
    ours = taken(connection, kind) and not _plays_network()
    return _open(connection) if ours else original(connection)


def send_packed_command(
    kind: str, original: Function, connection: Connection, command: object,
    check_health: bool = True
) -> None:
    """Hand packed commands to the engine."""
    try:
        ours = taken(connection, kind)
        if ours and not connection._sock:
            fakes.reconnect(connection)
            ours = taken(connection, kind)
        send = fakes.send_packed_command if ours else original
        send(connection, command, check_health)
    except AttributeError as error:
        raise _meanwhile(kind, connection, error) from None


def send_command(
    kind: str, original: Function, connection: Connection, *args: object, **kwargs: object
) -> None:
    """Hand a command to the engine."""
    send = fakes.send_command if taken(connection, kind) else original
    try:
        send(connection, *args, **kwargs)
    except AttributeError as error:
        raise _meanwhile(kind, connection, error) from None


def pack_command(kind: str, original: Function, connection: AnyConnection, *args: object) -> Any:
    """Keep the words of a command together; they are not needed as bytes of the protocol."""
    if realm_for(connection, kind) is None:
        return original(connection, *args)
    return fakes.pack_command(connection, partial(original, connection), *args)


def pack_commands(
    kind: str, original: Function, connection: AnyConnection, commands: Commands
) -> Any:
    """Keep the words of several commands together; the protocol's bytes are not needed."""
    if realm_for(connection, kind) is None:
        return original(connection, commands)
    return fakes.pack_commands(connection, partial(original, connection), commands)


def can_read(
    kind: str, original: Function, connection: Connection, *args: Any, **kwargs: Any
) -> Any:
    """Ask the engine's session for messages."""
    try:
        ours = taken(connection, kind) and not asks_parser(connection._parser, "can_read")
        ask = fakes.can_read if ours else original
        return ask(connection, *args, **kwargs)
    except AttributeError as error:
        raise _meanwhile(kind, connection, error) from None


def read_response(
    kind: str, original: Function, connection: Connection, *args: Any, **kwargs: Any
) -> Any:
    """Take the next message of the engine's session."""
    try:
        ours = taken(connection, kind) and not asks_parser(connection._parser)
        read = fakes.read_response if ours else original
        return read(connection, *args, **kwargs)
    except AttributeError as error:
        raise _meanwhile(kind, connection, error) from None


def execute_command(
    kind: str, cut: FastPath, original: Function, client: Client, *args: object, **options: object
) -> Any:
    """The short cut for a client of a real class."""
    if kind in network.current(kind).kinds:
        reply = cut(client, args, options)
        if reply is not NOT_HANDLED:
            return reply
    return original(client, *args, **options)


def execute_batch(
    kind: str, transaction: bool, original: Function, pipeline: Batch, connection: Connection,
    commands: Commands,
    raise_on_error: bool,
) -> Any:
    """The short cut for a pipeline of a real class."""
    if isinstance(pipeline, FakePipeline) or not taken(connection, kind):
        return original(pipeline, connection, commands, raise_on_error)
    replies = short_pipeline(pipeline, connection, commands, raise_on_error, transaction)
    if replies is not NOT_HANDLED:
        return replies
    with marked(connection, "transaction" if transaction else "pipeline"):
        return original(pipeline, connection, commands, raise_on_error)


# Asyncio connections --------------------------------------------------------------------------


async def connect_async(
    kind: str, original: Function, connection: AsyncConnection, *args: object, **kwargs: object
) -> None:
    """Connect to the engine: redis-py's own way, with an `AsyncFakeSocket` instead of streams."""
    if not taken(connection, kind) or connection._reader is not None:
        await original(connection, *args, **kwargs)
        return
    with _connecting(connection, partial(_open_async, connection)):
        await original(connection, *args, **kwargs)
    _connected(connection, "_reader")


async def _open_async(connection: AsyncConnection) -> None:
    scope = _realm_of(connection)
    wire = await aio_fakes.open_async_wire(connection, here=scope)
    choose_yielding(wire)
    _check_active(scope, wire)
    connection._reader = connection._writer = wire


async def open_socket_async(kind: str, original: Function, connection: AsyncConnection) -> None:
    """What is left of a way to the network: who has taken the method before, a mock most likely."""
    ours = taken(connection, kind) and not _plays_network()
    await (_open_async(connection) if ours else original(connection))


async def send_packed_command_async(
    kind: str, original: Function, connection: AsyncConnection, command: object,
    check_health: bool = True,
) -> None:
    """Hand packed commands to the engine."""
    try:
        ours = taken(connection, kind)
        if ours and not connection._reader:
            await aio_fakes.reconnect(connection)
            ours = taken(connection, kind)
        send = aio_fakes.send_packed_command if ours else original
        await send(connection, command, check_health)
    except AttributeError as error:
        raise _meanwhile(kind, connection, error) from None


async def send_command_async(
    kind: str, original: Function, connection: AsyncConnection, *args: object, **kwargs: object
) -> None:
    """Hand a command to the engine."""
    send = aio_fakes.send_command if taken(connection, kind) else original
    try:
        await send(connection, *args, **kwargs)
    except AttributeError as error:
        raise _meanwhile(kind, connection, error) from None


async def can_read_async(
    kind: str, original: Function, connection: AsyncConnection, *args: object, **kwargs: object
) -> Any:
    """Ask the engine's session for messages; one that is not connected has none."""
    if not taken(connection, kind) or asks_parser(connection._parser, "can_read"):
        return await original(connection, *args, **kwargs)
    if connection._reader is None:
        if kind != "aioredis":
            return False
        await connection.connect()
    if kind == "aioredis" and (args or kwargs):  # whose pub/sub waits here
        return await connection._reader.readable_async(*args, **kwargs)
    try:
        return await aio_fakes.can_read(connection)
    except AttributeError as error:
        raise _meanwhile(kind, connection, error) from None


async def read_response_async(
    kind: str, original: Function, connection: AsyncConnection, *args: Any, **kwargs: Any
) -> Any:
    """Take the next message of the engine's session."""
    try:
        ours = taken(connection, kind) and not asks_parser(connection._parser)
        read = aio_fakes.read_response if ours else original
        return await read(connection, *args, **kwargs)
    except AttributeError as error:
        raise _meanwhile(kind, connection, error) from None


async def execute_command_async(
    kind: str, cut: FastPath, original: Function, client: Client, *args: object, **options: object
) -> Any:
    """The short cut for an asyncio client of a real class; other tasks get their turn."""
    if kind in network.current(kind).kinds:
        reply = cut(client, args, options)
        if reply is not NOT_HANDLED:
            if hasattr(reply, "__await__"):
                await turn()
                return await reply
            await turn_of(client.connection_pool)
            return reply
    return await original(client, *args, **options)


async def execute_batch_async(
    kind: str, transaction: bool, original: Function, pipeline: AsyncBatch,
    connection: AsyncConnection, commands: Commands,
    raise_on_error: bool,
) -> Any:
    """The short cut for an asyncio pipeline of a real class."""
    if isinstance(pipeline, FakeAsyncPipeline) or not taken(connection, kind):
        return await original(pipeline, connection, commands, raise_on_error)
    replies = await async_short_pipeline(
        pipeline, connection, commands, raise_on_error, transaction
    )
    if replies is not NOT_HANDLED:
        return replies
    with marked(connection, "transaction" if transaction else "pipeline"):
        return await original(pipeline, connection, commands, raise_on_error)


def forget_async(kind: str, original: Function, connection: AsyncConnection, *args: object) -> None:
    """A connection goes: with a wire nothing of the machine is held, so nothing to warn of."""
    wire = getattr(connection, "_writer", None)
    if isinstance(wire, FakeSocket):
        wire.close()
    else:
        original(connection, *args)


# Births -----------------------------------------------------------------------------------------


def make_pool(kind: str, original: Function, pool: Pool, *args: object, **kwargs: object) -> None:
    """Note in which scope a pool is made."""
    scope = network.current(kind)
    if kind in scope.kinds and not isinstance(pool, Bypass):
        vars(pool)[CREATED_IN] = scope
        scope.pools.add(pool)  # type: ignore[attr-defined]
    original(pool, *args, **kwargs)


def make_connection(
    kind: str, original: Function, connection: AnyConnection, *args: object, **kwargs: object
) -> None:
    """Note in which scope a connection is made."""
    original(connection, *args, **kwargs)
    scope = realm_for(connection, kind)
    if scope is not None and kind != "aioredis":  # whose pools are left without any
        scope.created.add(connection)


def make_in_pool(kind: str, original: Function, pool: Pool) -> Any:
    """A pool's new connection belongs where the pool does."""
    connection = original(pool)
    inner = getattr(connection, "_conn", connection)
    scope = realm_for(inner, kind)
    if scope is not None and kind != "aioredis":
        born = vars(pool).get(CREATED_IN)
        if born is not scope:
            scope.created.discard(inner)
            if born is not None and (born.active or born.end):
                born.created.add(inner)
    return connection


_version: list[str] = []  # redis-py's own, once it is known


def lib_version(original: Function) -> str:
    """Which version redis-py has, which it reads from its package anew for each client."""
    if not _version:
        _version.append(original())
    return _version[0]


def version_swaps() -> list[Swap]:
    """The swap of the function that says so."""
    found = getattr(redis.utils, "get_lib_version", None)
    return [Swap(found, lib_version)] if type(found) is FunctionType else []


# Tables -----------------------------------------------------------------------------------------

_CONNECTION: Final[dict[str, Function]] = {
    "send_packed_command": send_packed_command, "send_command": send_command,
    "pack_command": pack_command, "pack_commands": pack_commands, "can_read": can_read,
    "read_response": read_response, "__init__": make_connection,
}
_ASYNC_CONNECTION: Final[dict[str, Function]] = {
    "send_packed_command": send_packed_command_async, "send_command": send_command_async,
    "pack_command": pack_command, "pack_commands": pack_commands, "can_read": can_read_async,
    "can_read_destructive": can_read_async, "read_response": read_response_async,
    "__init__": make_connection, "__del__": forget_async,
}


def swaps_for(
    kind: str, connection_module: ModuleType, client_module: ModuleType,
    exceptions: ModuleType | None = None,
) -> list[Swap | AttributeSwap]:
    """The swaps of one kind of clients (``redis``, ``redis.asyncio``, ``valkey`` ...).

    Args:
        kind: its name, which is that of the package.
        connection_module: where its connections and pools are.
        client_module: where its clients and pipelines are.
        exceptions: its module of exceptions, where these are not redis-py's.
    """
    aio = kind.endswith((".asyncio", "aioredis"))
    base = getattr(connection_module, "AbstractConnection", connection_module.Connection)
    table = _ASYNC_CONNECTION if aio else _CONNECTION
    places: list[tuple[Any, str, Any]] = [
        (base, name, partial(handler, kind)) for name, handler in table.items()
    ]
    # redis-py 6 moved the work of connect() there.
    inner = "connect_check_health" if "connect_check_health" in vars(base) else "connect"
    places.append((base, inner, partial(connect_async if aio else connect, kind)))
    opens = partial(open_socket_async if aio else open_socket, kind)
    ways = ("Connection", "SSLConnection", "UnixDomainSocketConnection")
    places += [(getattr(connection_module, name), "_connect", opens) for name in ways]
    client = getattr(client_module, "Valkey", None) or client_module.Redis
    run = "_execute_command" if "_execute_command" in vars(client) else "execute_command"
    attribute, wire = ("_reader", AsyncFakeSocket) if aio else ("_sock", FakeSocket)
    cut = make_fast_path(attribute, wire, own_method(client, "parse_response"))
    execute = execute_command_async if aio else execute_command
    places.append((client, run, partial(execute, kind, cut)))
    batch = execute_batch_async if aio else execute_batch
    for name, transaction in (("_execute_pipeline", False), ("_execute_transaction", True)):
        places.append((client_module.Pipeline, name, partial(batch, kind, transaction)))
    pool, blocking = connection_module.ConnectionPool, connection_module.BlockingConnectionPool
    places.append((pool, "__init__", partial(make_pool, kind)))
    makes = partial(make_in_pool, kind)
    places += [(owner, "make_connection", makes) for owner in (pool, blocking)]
    if exceptions is not None:
        places = [(owner, name, translated(to, exceptions)) for owner, name, to in places]
    found = [swap(owner, name, handler) for owner, name, handler in places]
    return [each for each in found if each is not None]
