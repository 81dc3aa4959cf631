"""`FakeSentinel` and `FakeAsyncSentinel`: redis-py's Sentinel clients on fake servers.

Whatever service a client asks for exists from then on: each name has a server of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import redis
import redis.asyncio.sentinel as aio
import redis.sentinel as sync

from fakeredis.clients import network
from fakeredis.clients.aio import fake_async_pool
from fakeredis.clients.aio_connection import (
    FAKE_ASYNC_CLASSES,
    FakeAsyncConnection,
    FakeAsyncSSLConnection,
)
from fakeredis.clients.connection import FAKE_CLASSES, FakeConnection, FakeSSLConnection
from fakeredis.clients.impersonation import Impersonating
from fakeredis.clients.network import Network, normalise
from fakeredis.clients.sync import fake_pool
from fakeredis.clients.untouched import ready
from fakeredis.lazy import Lazy

if TYPE_CHECKING:
    from fakeredis.clients.interfaces import Pool
    from fakeredis.commands.sentinel import Watched, make_sentinel
    from fakeredis.engine.core.profiles import VersionLike
    from fakeredis.engine.core.server import Server
    from fakeredis.server import FakeServer
else:
    FakeServer = Lazy("fakeredis.server", "FakeServer")
    Watched = Lazy("fakeredis.commands.sentinel", "Watched")
    make_sentinel = Lazy("fakeredis.commands.sentinel", "make_sentinel")

REAL: Final = sync.Sentinel  # the names may mean the fakes later
REAL_ASYNC: Final = aio.Sentinel
_SENTINELS: Final = (("localhost", 26379),)


# Which servers ----------------------------------------------------------------------------------


def watch(here: Network, sentinel: Any, service: Any) -> None:
    """Make the servers that a Sentinel client names Sentinels, which know a service."""
    pools = [getattr(client, "connection_pool", None) for client in sentinel.sentinels]
    number = max(len(pools), sentinel.min_other_sentinels + 1)
    name = service.decode() if isinstance(service, bytes) else str(service)
    found = [pool for pool in pools if pool is not None]  # None: something plays a client
    own = [server for pool in found if (server := pool.connection_kwargs.get("server"))]
    addresses = [_address_of(pool) for pool in found if not pool.connection_kwargs.get("server")]
    if here.remote is not None:
        here.remote.ask("watch", name, number, addresses)
    else:
        watch_at(here, name, number, addresses, own)


def watch_at(
    here: Network, name: str, number: int, addresses: Sequence[str], own: Sequence[Server] = ()
) -> None:
    """Make the servers at some addresses Sentinels, in the process in which the servers live."""
    watched = here.watched
    if watched is None:
        watched = here.watched = Watched()
    watched.find = here.server_at
    watched.sentinels = max(watched.sentinels, number)
    if name not in watched.masters:
        watched.masters[name] = here.service_at(normalise(name))
    found = {server.address: server for server in own}
    found.update((at, server) for at in addresses if (server := here.server_at(at)))
    for address, server in found.items():
        make_sentinel(_local(here, server, address) if server.forwards else server, watched)


def _local(here: Network, server: Server, address: str) -> Server:
    """A Sentinel of our own, where the servers' commands run elsewhere."""
    facts = server.profile
    if server is here.single:
        return server
    local = FakeServer(None, facts.version, facts.server_type, address=address)
    here.servers[address] = local
    return local


def _address_of(pool: Pool) -> str:
    kwargs = pool.connection_kwargs
    if kwargs.get("path"):
        return str(kwargs["path"])
    return normalise(f"{kwargs.get('host', '')}:{kwargs.get('port', 6379)}")


class _Own:
    """The network of a client that was given its server, or a version."""

    def __init__(
        self, server: Server | None, version: VersionLike | None, server_type: str | None,
    ) -> None:
        def make(address: str) -> Server:
            return FakeServer(
                None, version or "8.2", server_type or "redis", address=address
            )

        self.sentinel = make("localhost:26379")
        self.here = Network(make)
        self.server = server

    def server_for(self, service: object) -> Server:
        """The server of a service."""
        name = service.decode() if isinstance(service, bytes) else str(service)
        if self.server is not None:
            return self.server
        return self.here.service_at(normalise(name))


def _own(
    server: Server | None, version: VersionLike | None, server_type: str | None
) -> _Own | None:
    wanted = server is not None or version is not None or server_type is not None
    return _Own(server, version, server_type) if wanted else None


def _sentinel_of(own: _Own | None) -> Server | None:
    return None if own is None else own.sentinel


def _master_of(sentinel: Any, service: object) -> Server | None:
    own: _Own | None = sentinel._own
    return None if own is None else own.server_for(service)


def _prepare(sentinel: Any, service: object) -> None:
    own: _Own | None = sentinel._own
    if own is None:
        watch(network.current(), sentinel, service)
        return
    name = service.decode() if isinstance(service, bytes) else str(service)

    if own.here.watched is None:
        own.here.watched = Watched()
    own.here.watched.masters[name] = own.server_for(service)
    watch(own.here, sentinel, service)


# Connections ------------------------------------------------------------------------------------


class FakeSentinelManagedConnection(
    sync.SentinelManagedConnection, FakeConnection
):
    """A connection to the master or a replica of a service."""

    def connect(self) -> None:
        """Ask the Sentinels, and open a session with the server they name."""
        super().connect()  # type: ignore[no-untyped-call]
        if self._sock:
            ready(self, self._sock)


class FakeSentinelManagedSSLConnection(
    FakeSentinelManagedConnection, FakeSSLConnection
):
    """A connection of `FakeSentinel`'s clients that is said to have TLS."""


class FakeAsyncSentinelManagedConnection(
    aio.SentinelManagedConnection, FakeAsyncConnection
):
    """A connection of asyncio to the master or a replica of a service."""

    async def connect(self) -> None:
        """Ask the Sentinels, and open a session with the server they name."""
        await super().connect()  # type: ignore[no-untyped-call]
        if self._reader:
            ready(self, self._reader)


class FakeAsyncSentinelManagedSSLConnection(
    FakeAsyncSentinelManagedConnection, FakeAsyncSSLConnection
):
    """A connection of `FakeAsyncSentinel`'s clients that is said to have TLS."""


FAKE_CLASSES[sync.SentinelManagedConnection] = FakeSentinelManagedConnection
FAKE_CLASSES[sync.SentinelManagedSSLConnection] = FakeSentinelManagedSSLConnection
FAKE_ASYNC_CLASSES[aio.SentinelManagedConnection] = FakeAsyncSentinelManagedConnection
FAKE_ASYNC_CLASSES[aio.SentinelManagedSSLConnection] = FakeAsyncSentinelManagedSSLConnection


# Clients ----------------------------------------------------------------------------------------


class FakeSentinel(sync.Sentinel, metaclass=Impersonating):
    """`redis.sentinel.Sentinel` on servers in this process.

    Takes all arguments of `redis.sentinel.Sentinel` (without addresses: one),
    and:

    Args:
        server: a `FakeServer` that is the master of every service; without it, each name has a
            server of its own, which other clients share.
        version: the version of the servers.
        server_type: ``"redis"`` or ``"valkey"``.
    """

    _real_class = REAL

    def __init__(
        self, sentinels: Sequence[tuple[str, int]] = _SENTINELS, *args: object,
        server: Server | None = None, version: VersionLike | None = None,
        server_type: str | None = None, **kwargs: object,
    ) -> None:
        REAL.__init__(self, sentinels, *args, **kwargs)  # type: ignore[no-untyped-call]
        self._own = _own(server, version, server_type)
        for client in self.sentinels:
            if hasattr(client, "connection_pool"):  # else it stands for a client
                fake_pool(client.connection_pool, _sentinel_of(self._own))

    def discover_master(self, service_name: object) -> Any:
        """ChildConnection and port of the master of a service."""
        _prepare(self, service_name)
        return REAL.discover_master(self, service_name)  # type: ignore[no-untyped-call]

    def discover_slaves(self, service_name: object) -> Any:
        """The replicas of a service: none."""
        _prepare(self, service_name)
        return REAL.discover_slaves(self, service_name)  # type: ignore[no-untyped-call]

    def master_for(
        self, service_name: object, redis_class: object = redis.Redis, *args: object,
        **kwargs: object,
    ) -> Any:
        """A client of the master of a service."""
        real: Any = REAL.master_for
        client = real(self, service_name, redis_class, *args, **kwargs)
        fake_pool(client.connection_pool, _master_of(self, service_name))
        return client

    def slave_for(
        self, service_name: object, redis_class: object = redis.Redis, *args: object,
        **kwargs: object,
    ) -> Any:
        """A client of a replica, or without replicas of the master."""
        real: Any = REAL.slave_for
        client = real(self, service_name, redis_class, *args, **kwargs)
        fake_pool(client.connection_pool, _master_of(self, service_name))
        return client


class FakeAsyncSentinel(aio.Sentinel, metaclass=Impersonating):
    """`redis.asyncio.sentinel.Sentinel` on servers in this process.

    Takes all arguments of `redis.asyncio.sentinel.Sentinel`, and those that `FakeSentinel` adds.
    """

    _real_class = REAL_ASYNC

    def __init__(
        self, sentinels: Sequence[tuple[str, int]] = _SENTINELS, *args: object,
        server: Server | None = None, version: VersionLike | None = None,
        server_type: str | None = None, **kwargs: object,
    ) -> None:
        REAL_ASYNC.__init__(self, sentinels, *args, **kwargs)  # type: ignore[no-untyped-call]
        self._own = _own(server, version, server_type)
        for client in self.sentinels:
            if hasattr(client, "connection_pool"):
                fake_async_pool(client.connection_pool, _sentinel_of(self._own))

    async def discover_master(self, service_name: Any) -> Any:
        """ChildConnection and port of the master of a service."""
        _prepare(self, service_name)
        return await REAL_ASYNC.discover_master(self, service_name)

    async def discover_slaves(self, service_name: Any) -> Any:
        """The replicas of a service: none."""
        _prepare(self, service_name)
        return await REAL_ASYNC.discover_slaves(self, service_name)

    def master_for(
        self, service_name: Any, redis_class: Any = redis.asyncio.Redis, *args: Any, **kwargs: Any
    ) -> Any:
        """A client of the master of a service."""
        client = REAL_ASYNC.master_for(self, service_name, redis_class, *args, **kwargs)
        fake_async_pool(client.connection_pool, _master_of(self, service_name))
        return client

    def slave_for(
        self, service_name: Any, redis_class: Any = redis.asyncio.Redis, *args: Any, **kwargs: Any
    ) -> Any:
        """A client of a replica, or without replicas of the master."""
        client = REAL_ASYNC.slave_for(self, service_name, redis_class, *args, **kwargs)
        fake_async_pool(client.connection_pool, _master_of(self, service_name))
        return client
