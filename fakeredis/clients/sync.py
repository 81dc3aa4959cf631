"""`FakeRedis`: `redis.Redis` on the shortest way to the engine.

A command goes straight from ``execute_command`` to the session of the pool's next idle connection.
Whatever cannot go that way (no idle connection yet, blocking and subscribing commands, pools of other
kinds, overridden parsing) takes redis-py's own path over a fake connection.
"""

from __future__ import annotations

import inspect
from functools import lru_cache
from typing import Any, Final

import redis
from redis.client import EMPTY_RESPONSE, NEVER_DECODE

from fakeredis.clients.connection import FAKE_CLASSES, FakeConnectionMixin, fake_class
from fakeredis.clients.pipeline import MISS, FakePipeline
from fakeredis.clients.wire import Wire, decoded, encode, with_errors
from fakeredis.engine.replies import NO_REPLY, Status
from fakeredis.engine.server import Server
from fakeredis.errors import CommandError, ConnectionLost

PARSE_RESPONSE: Final = redis.Redis.parse_response
_callback = dict.get  # the look-up of redis-py's own mapping is a Python call


def short_cut(client: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Run a command without pool, retry and protocol; `MISS` where only the long way will do.

    Works on any sync redis-py client whose pool holds fake connections.

    Raises:
        redis.ResponseError: the reply is an error (its subclass by redis-py's own rules).
    """
    try:
        idle = client.connection_pool._available_connections
        connection = idle.pop()
    except (AttributeError, IndexError):
        return MISS
    try:
        wire = getattr(connection, "_sock", None)
        if (
            type(wire) is not Wire
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


# Commands whose replies may hold errors as items.
NESTED_ERRORS: Final = frozenset({"EXEC", "EVAL", "EVALSHA", "EVAL_RO", "EVALSHA_RO", "FCALL"})


class FakeRedis(redis.Redis):
    """`redis.Redis` on a server in this process.

    Takes all arguments of `redis.Redis`, and:

    Args:
        server: the `FakeServer` to talk to; without it, the one at the client's address, which
            clients of that address share.
        version: the version of a server made for this client alone.
        server_type: likewise.
        connected: False for a server that cannot be reached.
    """

    def __init__(
        self, *args: Any, server: Server | None = None, store: Any = None, version: Any = None,
        server_type: str | None = None, connected: bool = True, **kwargs: Any,
    ) -> None:
        given = arguments(redis.Redis, args, kwargs)
        pool = given.get("connection_pool")
        single = given.pop("single_connection_client", False)
        server = choose_server(server, store, version, server_type, connected)
        super().__init__(**with_driver_info(redis.Redis, given))
        if pool is None:
            fake_pool(self.connection_pool, server)
        if single:
            self._single_connection_client = True
            self.connection = self.connection_pool.get_connection()

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """Run a command; see `redis.Redis.execute_command`."""
        reply = short_cut(self, args, options)
        if reply is MISS:
            return super().execute_command(*args, **options)
        return reply

    def pipeline(self, transaction: bool = True, shard_hint: Any = None) -> FakePipeline:
        """A pipeline that hands over its whole batch at once."""
        return FakePipeline(
            self.connection_pool, self.response_callbacks, transaction, shard_hint
        )

    @property
    def fake_server(self) -> Server:
        """The server this client talks to."""
        return server_of(self.connection_pool)

    @classmethod
    def from_url(cls, url: str, **kwargs: Any) -> FakeRedis:
        """A client for a URL, see `redis.Redis.from_url`; takes ``server`` and its kin too."""
        server = take_own(kwargs)
        single = kwargs.pop("single_connection_client", False)
        pool = redis.ConnectionPool.from_url(url, **kwargs)
        fake_pool(pool, server)
        client = cls(connection_pool=pool, single_connection_client=single)
        client.auto_close_connection_pool = True
        return client


FakeStrictRedis = FakeRedis


@lru_cache(maxsize=None)
def _parameters(base: type) -> tuple[str, ...]:
    return tuple(inspect.signature(base.__init__).parameters)[1:]


def arguments(base: type, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """All arguments of a constructor by name.

    Raises:
        TypeError: more positional arguments than it takes, or one given twice.
    """
    if not args:
        return kwargs
    names = _parameters(base)
    if len(args) > len(names):
        raise TypeError(f"{base.__name__}() takes at most {len(names)} positional arguments")
    given = dict(zip(names, args, strict=False))
    for name in given:
        if name in kwargs:
            raise TypeError(f"{base.__name__}() got multiple values for argument {name!r}")
    return given | kwargs


def choose_server(
    server: Server | None, store: Any, version: Any, server_type: str | None, connected: bool
) -> Server | None:
    """The server that a client's own arguments mean; None for the one at its address."""
    if server is None and (store is not None or version is not None or server_type is not None
                           or not connected):  # fmt: skip
        from fakeredis.server import FakeServer

        server = FakeServer(store, version or "8.2", server_type or "redis")
        server.connected = connected
    return server


def take_own(kwargs: dict[str, Any]) -> Server | None:
    """Take this package's own arguments out of ``kwargs``; the server they mean."""
    server, store = kwargs.pop("server", None), kwargs.pop("store", None)
    version, server_type = kwargs.pop("version", None), kwargs.pop("server_type", None)
    return choose_server(server, store, version, server_type, kwargs.pop("connected", True))


@lru_cache(maxsize=None)
def _default_driver_info() -> Any:
    from redis.driver_info import DriverInfo

    return DriverInfo()


def with_driver_info(base: type, given: dict[str, Any]) -> dict[str, Any]:
    """The arguments with redis-py's default driver info, made once: it reads package metadata."""
    named = ("driver_info", "lib_name", "lib_version", "connection_pool")
    if "driver_info" not in _parameters(base) or any(name in given for name in named):
        return given
    return {**given, "driver_info": _default_driver_info()}


def fake_pool(pool: Any, server: Server | None) -> None:
    """Let a pool that has no connections yet make fake ones."""
    pool.connection_class = fake_class(pool.connection_class, FakeConnectionMixin, FAKE_CLASSES)
    if server is not None:
        pool.connection_kwargs["server"] = server


def server_of(pool: Any) -> Server:
    """The server that a pool's connections talk to."""
    from fakeredis.clients import network

    server = pool.connection_kwargs.get("server")
    if server is None:
        kwargs = pool.connection_kwargs
        address = kwargs.get("path") or network.normalise(
            f"{kwargs.get('host', 'localhost')}:{kwargs.get('port', 6379)}"
        )
        server = network.current().server_at(address)
    if server is None:
        raise redis.ConnectionError("no server at this client's address")
    return server  # type: ignore[no-any-return]
