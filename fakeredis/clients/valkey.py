"""`FakeValkey` and `FakeAsyncValkey`: valkey-py's clients on servers in this process.

valkey-py grew out of redis-py, so its clients take the same way as `FakeRedis`; errors are those of
valkey-py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import redis

try:
    import valkey

    # Not as the package's attributes: another thread may not have bound them yet, and an import of
    # the package that broke off leaves its modules, which the next one does not bind.
    from valkey import asyncio as valkey_asyncio
    from valkey import client as _client
    from valkey import exceptions as _exceptions
except ImportError as error:
    raise ImportError(
        "FakeValkey and FakeAsyncValkey are clients of valkey-py, which is not installed: "
        "pip install valkey"
    ) from error

from fakeredis.clients import aio_connection as aio_fakes
from fakeredis.clients import connection as fakes
from fakeredis.clients import network
from fakeredis.clients.aio_connection import PLAIN_RELEASES, open_async_wire, turn, turn_of
from fakeredis.clients.aio_socket import AsyncFakeSocket
from fakeredis.clients.connection import Fake, Mixed, fake_class, open_wire
from fakeredis.clients.creations import births
from fakeredis.clients.fake_socket import FakeSocket
from fakeredis.clients.fast_path import NOT_HANDLED, make_fast_path
from fakeredis.clients.impersonation import Impersonating, tell_signatures, wrapper_of
from fakeredis.clients.originals import own_method
from fakeredis.clients.pipeline import marked
from fakeredis.clients.sync import address_of, arguments, choose_server, server_of, take_own
from fakeredis.clients.untouched import asks_parser, ready
from fakeredis.clients.valkey_errors import peer_of, translated

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fakeredis.clients.interfaces import Pool
    from fakeredis.clients.sync import Own
    from fakeredis.engine.core.profiles import VersionLike
    from fakeredis.engine.core.server import Server

REAL: Final[Any] = valkey.Valkey  # the names may mean the fakes later
REAL_ASYNC: Final[Any] = valkey_asyncio.Valkey
_EXCEPTIONS: Final = _exceptions
_execute: Final = own_method(REAL, "execute_command")
_execute_async: Final = own_method(REAL_ASYNC, "execute_command")
PLAIN_RELEASES.add(own_method(valkey_asyncio.ConnectionPool, "release"))
_run_fast: Final = make_fast_path("_sock", FakeSocket, own_method(REAL, "parse_response"))
_async_run_fast: Final = make_fast_path(
    "_reader", AsyncFakeSocket, own_method(REAL_ASYNC, "parse_response")
)


def _ours(function: Any) -> Any:
    """One of our functions for redis-py's connections, with valkey-py's errors."""
    return translated(function, _EXCEPTIONS)


# Connections ------------------------------------------------------------------------------------


_read_response: Final = _ours(fakes.read_response)
_read_response_async: Final = _ours(aio_fakes.read_response)


class FakeValkeyConnectionMixin(Fake, Mixed):  # type: ignore[misc]
    """The methods that lead a sync connection of valkey-py to the engine."""

    _parser: Any

    _sock: Any  # a `FakeSocket` or None

    def __init__(self, *args: object, server: Server | None = None, **kwargs: object) -> None:
        self._fake_server = server
        super().__init__(*args, **kwargs)

    def _connect(self) -> FakeSocket:
        return open_wire(self, self._fake_server)

    def connect(self) -> None:
        """Open a session and let valkey-py make its handshake."""
        if not self._sock:
            super().connect()
            ready(self, self._sock)

    send_packed_command = _ours(fakes.send_packed_command)
    send_command = _ours(fakes.send_command)

    def pack_command(self, *args: object) -> Any:
        """A command for ``send_packed_command``."""
        return fakes.pack_command(self, super().pack_command, *args)

    def pack_commands(self, commands: Any) -> Any:
        """Commands for ``send_packed_command``."""
        return fakes.pack_commands(self, super().pack_commands, commands)

    can_read = _ours(fakes.can_read)

    def read_response(self, *args: object, **kwargs: object) -> Any:
        """The next reply."""
        if asks_parser(self._parser):
            return super().read_response(*args, **kwargs)
        return _read_response(self, *args, **kwargs)


class FakeAsyncValkeyConnectionMixin(Fake, Mixed):  # type: ignore[misc]
    """The methods that lead an asyncio connection of valkey-py to the engine."""

    _reader: Any  # an `AsyncFakeSocket` or None, and the same is
    _writer: Any
    _parser: Any

    def __init__(self, *args: object, server: Server | None = None, **kwargs: object) -> None:
        self._fake_server = server
        super().__init__(*args, **kwargs)

    def __del__(self, _warnings: object = None) -> None:
        wire = getattr(self, "_writer", None)
        if wire is not None:  # nothing of the machine is held, so nothing to warn of
            wire.close()

    async def _connect(self) -> None:
        self._reader = self._writer = await open_async_wire(self, self._fake_server)

    async def connect(self) -> None:
        """Open a session and let valkey-py make its handshake."""
        if not self._reader:
            await super().connect()
            if self._reader:
                ready(self, self._reader)

    send_packed_command = _ours(aio_fakes.send_packed_command)
    send_command = _ours(aio_fakes.send_command)

    def pack_command(self, *args: object) -> Any:
        """A command for ``send_packed_command``."""
        return fakes.pack_command(self, super().pack_command, *args)

    def pack_commands(self, commands: Any) -> Any:
        """Commands for ``send_packed_command``."""
        return fakes.pack_commands(self, super().pack_commands, commands)

    can_read = _ours(aio_fakes.can_read)
    can_read_destructive = can_read

    async def read_response(self, *args: object, **kwargs: object) -> Any:
        """The next reply."""
        if asks_parser(self._parser):
            return await super().read_response(*args, **kwargs)
        return await _read_response_async(self, *args, **kwargs)


# Real classes and their fake peers; `fake_class` adds more.
_CLASSES: Final[dict[type, type]] = {}
_ASYNC_CLASSES: Final[dict[type, type]] = {}


def _fake_pool(pool: Pool, server: Server | None) -> None:
    """Turn a pool that has no connections yet to fake ones; in a patch it stays as it is."""
    aio = isinstance(pool, valkey_asyncio.ConnectionPool)
    kind = "valkey.asyncio" if aio else "valkey"
    if server is None and kind in network.current(kind).kinds:
        return
    mixin = FakeAsyncValkeyConnectionMixin if aio else FakeValkeyConnectionMixin
    known = _ASYNC_CLASSES if aio else _CLASSES
    pool.connection_class = fake_class(pool.connection_class, mixin, known)
    if server is not None:
        pool.connection_kwargs["server"] = server
    if births.here is not None:
        births.note(pool, address_of(pool), server)


def _server_for(own: Own, pool: Pool) -> Server | None:
    """The server that a client's own arguments mean: a Valkey, where nobody says otherwise."""
    server, store, version, server_type, connected, lua_modules = own
    if server_type not in (None, "valkey"):
        raise ValueError(
            f"the server of a FakeValkey is a Valkey, not {server_type!r}: FakeRedis takes any "
            "server_type, and FakeValkey(server=FakeServer()) any server"
        )
    if network.current() is network.default or version is not None:
        server_type = server_type or "valkey"
    return choose_server(
        server, store, version, None if server is not None else server_type, connected,
        lua_modules, pool=pool,
    )


def _adopt(client: Any, own: Own) -> None:
    pool = client.connection_pool
    if not issubclass(pool.connection_class, Fake) or own[0] is not None:
        _fake_pool(pool, _server_for(own, pool))


# Clients ----------------------------------------------------------------------------------------


class FakeValkeyPipeline(_client.Pipeline):
    """valkey-py's pipeline; the spy is told of its batches."""

    def _execute_pipeline(self, connection: Any, *args: object) -> Any:
        with marked(connection, "pipeline"):
            run: Any = super()._execute_pipeline
            return run(connection, *args)

    def _execute_transaction(self, connection: Any, *args: object) -> Any:
        with marked(connection, "transaction"):
            return super()._execute_transaction(connection, *args)


tell_signatures(vars(FakeValkeyPipeline), _client.Pipeline)


class FakeValkey(valkey.Valkey, metaclass=Impersonating):
    """`valkey.Valkey` on a server in this process.

    Takes all arguments of `valkey.Valkey`, and those that `fakeredis.FakeRedis` adds: ``server``,
    ``version``, ``server_type`` (outside of patches ``"valkey"`` by default), ``connected``.
    """

    _real_class = REAL  # and called by name, see FakeRedis

    def __init__(
        self, *args: object, server: Server | None = None, store: object = None,
        version: VersionLike | None = None, server_type: str | None = None, connected: bool = True,
        lua_modules: Iterable[str] | None = None, **kwargs: object,
    ) -> None:
        own = (server, store, version, server_type, connected, lua_modules)
        given = arguments(REAL, args, kwargs)
        single = given.pop("single_connection_client", False)
        REAL.__init__(self, **given)
        _adopt(self, own)
        if single:
            self.connection = self.connection_pool.get_connection("_")

    def execute_command(self, *args: object, **options: object) -> Any:
        """Run a command; see `valkey.Valkey.execute_command`."""
        if REAL.execute_command is not _execute:
            wrapped = wrapper_of(FakeValkey, "execute_command")
            if wrapped is not None:
                return wrapped(self, *args, **options)
        try:
            reply = _run_fast(self, args, options)
        except redis.RedisError as error:
            raise peer_of(error, _EXCEPTIONS) from None
        return _execute(self, *args, **options) if reply is NOT_HANDLED else reply

    def pipeline(self, transaction: bool = True, shard_hint: object = None) -> FakeValkeyPipeline:
        """A pipeline, see `valkey.Valkey.pipeline`."""
        make: Any = FakeValkeyPipeline
        return make(  # type: ignore[no-any-return]
            self.connection_pool, self.response_callbacks, transaction, shard_hint
        )

    @property
    def fake_server(self) -> Server:
        """The server this client talks to."""
        return server_of(self.connection_pool)

    @classmethod
    def from_url(cls, url: str, **kwargs: object) -> FakeValkey:
        """A client for a URL, see `valkey.Valkey.from_url`; takes ``server`` and its kin too."""
        own = take_own(kwargs)
        single = kwargs.pop("single_connection_client", False)
        make: Any = valkey.ConnectionPool.from_url
        pool = make(url, **kwargs)
        _fake_pool(pool, _server_for(own, pool))
        client = cls(connection_pool=pool, single_connection_client=single)
        client.auto_close_connection_pool = True
        return client


FakeStrictValkey = FakeValkey


class FakeAsyncValkeyPipeline(valkey_asyncio.client.Pipeline):
    """valkey-py's asyncio pipeline; the spy is told of its batches."""

    async def _execute_pipeline(self, connection: Any, *args: Any) -> Any:
        with marked(connection, "pipeline"):
            return await super()._execute_pipeline(connection, *args)

    async def _execute_transaction(self, connection: Any, *args: Any) -> Any:
        with marked(connection, "transaction"):
            return await super()._execute_transaction(connection, *args)


tell_signatures(vars(FakeAsyncValkeyPipeline), valkey_asyncio.client.Pipeline)


class FakeAsyncValkey(valkey_asyncio.Valkey, metaclass=Impersonating):
    """`valkey.asyncio.Valkey` on a server in this process.

    Takes all arguments of `valkey.asyncio.Valkey`, and those that `FakeValkey` adds.
    """

    _real_class = REAL_ASYNC

    def __init__(
        self, *args: object, server: Server | None = None, store: object = None,
        version: VersionLike | None = None, server_type: str | None = None, connected: bool = True,
        lua_modules: Iterable[str] | None = None, **kwargs: object,
    ) -> None:
        own = (server, store, version, server_type, connected, lua_modules)
        REAL_ASYNC.__init__(self, *args, **kwargs)
        _adopt(self, own)

    async def execute_command(self, *args: object, **options: object) -> Any:
        """Run a command; see `valkey.asyncio.Valkey.execute_command`."""
        if REAL_ASYNC.execute_command is not _execute_async:
            wrapped = wrapper_of(FakeAsyncValkey, "execute_command")
            if wrapped is not None:
                return await wrapped(self, *args, **options)
        try:
            reply = _async_run_fast(self, args, options)
        except redis.RedisError as error:
            raise peer_of(error, _EXCEPTIONS) from None
        if reply is NOT_HANDLED:
            return await _execute_async(self, *args, **options)
        if hasattr(reply, "__await__"):
            await turn()
            return await reply
        await turn_of(self.connection_pool)
        return reply

    def pipeline(
        self, transaction: bool = True, shard_hint: Any = None
    ) -> FakeAsyncValkeyPipeline:
        """A pipeline, see `valkey.asyncio.Valkey.pipeline`."""
        return FakeAsyncValkeyPipeline(
            self.connection_pool, self.response_callbacks, transaction, shard_hint
        )

    @property
    def fake_server(self) -> Server:
        """The server this client talks to."""
        return server_of(self.connection_pool)

    @classmethod
    def from_url(
        cls, url: str, single_connection_client: bool = False,
        auto_close_connection_pool: bool | None = None, **kwargs: object,
    ) -> FakeAsyncValkey:
        """A client for a URL, see `valkey.asyncio.Valkey.from_url`."""
        own = take_own(kwargs)
        pool = valkey_asyncio.ConnectionPool.from_url(url, **kwargs)
        _fake_pool(pool, _server_for(own, pool))
        client = cls(connection_pool=pool, single_connection_client=single_connection_client)
        client.auto_close_connection_pool = auto_close_connection_pool is not False
        return client
