"""`FakeRedis`: `redis.Redis` on the shortest way to the engine.

A command goes straight from ``execute_command`` to the session of the pool's next idle connection.
Whatever cannot go that way (no idle connection yet, blocking and subscribing commands, pools of
other kinds, overridden parsing) takes redis-py's own path over a fake connection.
"""

from __future__ import annotations

import inspect
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import redis
from redis.backoff import NoBackoff

from fakeredis.clients import network
from fakeredis.clients.client_cache import Templates, add_groups
from fakeredis.clients.connection import FAKE_CLASSES, FakeConnectionMixin, fake_class
from fakeredis.clients.creations import births
from fakeredis.clients.fake_socket import FakeSocket
from fakeredis.clients.fast_path import NOT_HANDLED, FastPath, make_fast_path, plain_set
from fakeredis.clients.impersonation import Impersonating, shown, wrapper_of
from fakeredis.clients.originals import own_method
from fakeredis.clients.pipeline import FakePipeline
from fakeredis.lazy import Lazy, LazyModule

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fakeredis.clients.interfaces import Pool
    from fakeredis.engine.core.profiles import VersionLike
    from fakeredis.engine.core.server import Server

    Own = tuple[Server | None, Any, Any, str | None, bool, Any]
    from redis import driver_info
    from redis import maint_notifications as notices

    from fakeredis.engine.core import server as engine_server
    from fakeredis.server import FakeServer
else:
    driver_info = LazyModule("redis.driver_info")  # which old versions do not have
    notices = LazyModule("redis.maint_notifications")  # likewise
    engine_server = LazyModule("fakeredis.engine.core.server")
    FakeServer = Lazy("fakeredis.server", "FakeServer")

REAL: Final = redis.Redis  # the name may mean `FakeRedis` later, inside of `fakeredis.patch`
_execute: Final = own_method(REAL, "execute_command")
_pipeline: Final = own_method(REAL, "pipeline")
_init: Final = own_method(REAL, "__init__")
_templates: Final = Templates()
run_fast: Final[FastPath] = make_fast_path("_sock", FakeSocket, own_method(REAL, "parse_response"))


class FakeRedis(redis.Redis, metaclass=Impersonating):
    """`redis.Redis` on a server in this process.

    Takes all arguments of `redis.Redis`, and:

    Args:
        server: the `FakeServer` to talk to; without it, the one at the client's address, which
            clients of that address share.
        version: the version of that server; each version is a server of its own.
        server_type: likewise, ``"redis"`` or ``"valkey"``.
        connected: False for a server that cannot be reached.
        lua_modules: names of Lua modules that scripts may use.
    """

    # What the base class does is called by its name: under the real class's name, these methods
    # may get any of its instances (``redis.Redis.__init__(self)`` in a subclass made before).
    _real_class = REAL

    def __init__(
        self, *args: object, server: Server | None = None, store: object = None,
        version: VersionLike | None = None, server_type: str | None = None, connected: bool = True,
        lua_modules: Iterable[str] | None = None, **kwargs: object,
    ) -> None:
        if "client_class" in kwargs:
            check_class(kwargs.pop("client_class"), REAL, "redis")
        given = arguments(REAL, args, kwargs)
        own = (server, store, version, server_type, connected, lua_modules)
        if given.get("connection_pool") is None:
            single = given.pop("single_connection_client", False)
            key = _templates.key(given) if REAL.__init__ is _init else None
            if not _templates.fill(self, key):
                complete = with_defaults(REAL, given)
                REAL.__init__(self, **complete)
                _templates.learn(self, key, complete)
            fake_pool(self.connection_pool, choose_server(*own, pool=self.connection_pool))
            if not single:
                return
            # Once more, now that the pool makes fake connections: the client takes one at once.
            given = {"connection_pool": self.connection_pool, "single_connection_client": True}
            REAL.__init__(self, **given)
            self.auto_close_connection_pool = True
            return
        adopt_pool(given["connection_pool"], own)
        REAL.__init__(self, **given)

    def execute_command(self, *args: object, **options: object) -> Any:
        """Run a command; see `redis.Redis.execute_command`."""
        if REAL.execute_command is not _execute:
            wrapped = wrapper_of(FakeRedis, "execute_command")
            if wrapped is not None:
                return wrapped(self, *args, **options)
        reply = run_fast(self, args, options)
        if reply is NOT_HANDLED:
            return _execute(self, *args, **options)
        return reply

    def pipeline(self, transaction: bool = True, shard_hint: object = None) -> FakePipeline:
        """A pipeline that hands over its whole batch at once."""
        if REAL.pipeline is not _pipeline:
            wrapped = wrapper_of(FakeRedis, "pipeline")
            if wrapped is not None:
                return wrapped(self, transaction, shard_hint)  # type: ignore[no-any-return]
        return FakePipeline(
            self.connection_pool, self.response_callbacks, transaction, shard_hint
        )

    set = plain_set(REAL)

    def __repr__(self) -> str:
        return shown(self, REAL.__repr__(self))

    @property
    def fake_server(self) -> Server:
        """The server this client talks to."""
        return server_of(self.connection_pool)

    @classmethod
    def from_url(cls, url: str, **kwargs: object) -> FakeRedis:
        """A client for a URL, see `redis.Redis.from_url`; takes ``server`` and its kin too."""
        own = take_own(kwargs)
        single = kwargs.pop("single_connection_client", False)
        pool = redis.ConnectionPool.from_url(url, **kwargs)
        fake_pool(pool, choose_server(*own, pool=pool))
        client = cls(connection_pool=pool, single_connection_client=single)
        client.auto_close_connection_pool = True
        return client


add_groups(FakeRedis, REAL)
FakeStrictRedis = FakeRedis


@cache
def _parameters(base: type) -> tuple[str, ...]:
    return tuple(inspect.signature(base).parameters)


def arguments(base: type, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """All arguments of a constructor by name.

    Raises:
        TypeError: more positional arguments than it takes, or one given twice.
    """
    if not args:
        return dict(kwargs)
    names = _parameters(base)
    if len(args) > len(names):
        raise TypeError(f"{base.__name__}() takes at most {len(names)} positional arguments")
    given = dict(zip(names, args, strict=False))
    for name in given:
        if name in kwargs:
            raise TypeError(f"{base.__name__}() got multiple values for argument {name!r}")
    return given | kwargs


def choose_server(
    server: Server | None, store: Any, version: VersionLike | None, server_type: str | None,
    connected: bool = True, lua_modules: Iterable[str] | None = None, pool: Any = None,
) -> Server | None:
    """The server that a client's own arguments mean; None for the one at its address.

    Raises:
        TypeError: ``server`` is none.
        ValueError: a server and a store were given.
    """
    if server is not None:
        if not isinstance(server, engine_server.Server):
            raise TypeError(f"server is a fakeredis.FakeServer, not {server!r}")
        if store is not None:
            raise ValueError("a server has its own store: give server or store, not both")
    if server is None and store is None and connected and pool is not None:
        if version is not None or server_type is not None:
            server = network.server_like(address_of(pool), version, server_type)
    elif server is None and (store is not None or version or server_type or not connected):
        address = "localhost:6379" if pool is None else address_of(pool)
        server = FakeServer(store, version or "8.2", server_type or "redis", address=address)
    if server is not None and not connected:
        server.connected = False
    if lua_modules:
        target = server if server is not None or pool is None else server_of(pool)
        if target is not None:
            target.lua_modules = target.lua_modules | set(lua_modules)
    return server


def check_class(client_class: object, real: type, library: str) -> None:
    """Refuse what the public fakeredis 2 takes as the class to stand for, if it is not ours.

    Raises:
        TypeError: a client of it is made otherwise.
    """
    if not (isinstance(client_class, type) and issubclass(client_class, real)):
        raise TypeError(
            f"this class stands for {library}'s, not for {client_class!r}: there are FakeRedis, "
            "FakeAsyncRedis, FakeValkey and FakeAsyncValkey, and subclasses are patched by "
            "fakeredis.patch()"
        )


def take_own(kwargs: dict[str, Any]) -> Own:
    """Take this package's own arguments out of ``kwargs``, in the order of `choose_server`'s."""
    kwargs.pop("client_class", None)
    return (
        kwargs.pop("server", None), kwargs.pop("store", None), kwargs.pop("version", None),
        kwargs.pop("server_type", None), kwargs.pop("connected", True),
        kwargs.pop("lua_modules", None),
    )


@cache
def _defaults(base: type) -> dict[str, Any]:
    """What a client gets where redis-py's own defaults cost time that no fake needs.

    The driver info is made once, since it reads package metadata; nobody asks for notices of
    maintenance, which a plain server refuses; nobody pauses between attempts to reach a server that
    is known to be down.
    """
    parameters = inspect.signature(base).parameters
    defaults: dict[str, Any] = {}
    if "driver_info" in parameters:
        defaults["driver_info"] = driver_info.DriverInfo()
    if "maint_notifications_config" in parameters:
        defaults["maint_notifications_config"] = notices.MaintNotificationsConfig(enabled=False)
    if parameters["retry"].default is not None:
        defaults["retry"] = _without_pauses(parameters["retry"].default)
    return defaults


def _without_pauses(retry: Any) -> Any:
    """A retry policy that makes as many attempts, without pauses between them."""

    def copied(self: Any, memo: object) -> Any:
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        return twin

    def reduced(self: Any) -> Any:
        """Pickled, it is redis-py's own again: whoever reads it may be another process."""
        return type(retry), (retry._backoff, self._retries, self._supported_errors)

    # Clients and connections copy it deeply; what it holds never changes, so it can be shared.
    space = {"__deepcopy__": copied, "__reduce__": reduced, "__module__": __name__}
    kind = type("Retry", (type(retry),), space)
    return kind(NoBackoff(), getattr(retry, "_retries", 0))


def with_defaults(base: type, given: dict[str, Any]) -> dict[str, Any]:
    """A client's arguments, completed by `_defaults`."""
    complete = {**_defaults(base), **given}
    if "lib_name" in given or "lib_version" in given:
        if "driver_info" not in given:
            complete.pop("driver_info", None)
    return complete


def adopt_pool(pool: Pool, own: Own) -> None:
    """Turn a pool that was given to a fake client to fake connections, not the real network."""
    kind = getattr(pool, "connection_class", None)
    if not isinstance(kind, type) or not issubclass(kind, redis.connection.AbstractConnection):
        return
    server = choose_server(*own, pool=pool)
    if server is not None or not issubclass(kind, FakeConnectionMixin):
        fake_pool(pool, server)


def fake_pool(pool: Pool, server: Server | None) -> None:
    """Turn a pool that has no connections yet to fake ones.

    Inside of `fakeredis.patch` the real ones lead to the engine, so the pool stays as it is.
    """
    if server is None and "redis" in network.current("redis").kinds:
        return
    pool.connection_class = fake_class(pool.connection_class, FakeConnectionMixin, FAKE_CLASSES)
    pool.connection_kwargs["server"] = server
    if server is None:  # that at its address, outside of patches
        network.use_default()
    if births.here is not None:
        births.note(pool, address_of(pool), server)


def address_of(pool: Pool) -> str:
    """The address that a pool's connections are for."""
    kwargs = pool.connection_kwargs
    path = kwargs.get("path")
    if path:
        return str(path)
    return network.normalise(f"{kwargs.get('host', 'localhost')}:{kwargs.get('port', 6379)}")


def server_of(pool: Pool) -> Server:
    """The server that a pool's connections talk to.

    Raises:
        redis.ConnectionError: there is none at its address.
    """
    kwargs = pool.connection_kwargs
    server = kwargs.get("server")
    if server is None:
        here = network.default if "server" in kwargs else network.current()
        server = here.server_at(address_of(pool))
    if server is None:
        raise redis.ConnectionError("no server at this client's address")
    return server
