"""`FakeRedisCluster` and `FakeAsyncRedisCluster`: redis-py's cluster clients on fake clusters.

Which servers are a cluster is decided when a cluster client is about to ask for the slots: the
servers at its startup nodes' addresses, if they are still empty, become one (see `gather`).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from types import CellType, FunctionType
from typing import TYPE_CHECKING, Any, Final

import redis
import redis.asyncio.cluster
import redis.cluster
from redis.backoff import NoBackoff

from fakeredis.clients import network
from fakeredis.clients.aio_connection import (
    FakeAsyncConnection,
    FakeAsyncConnectionMixin,
    FakeAsyncSSLConnection,
    open_async_wire,
)
from fakeredis.clients.connection import (
    FakeConnection,
    FakeConnectionMixin,
    FakeSSLConnection,
    fake_class,
    open_wire,
)
from fakeredis.clients.creations import births
from fakeredis.clients.fake_socket import FakeSocket
from fakeredis.clients.impersonation import Impersonating
from fakeredis.clients.network import Network, address_of, normalise
from fakeredis.engine.core.profiles import profile
from fakeredis.lazy import Lazy

if TYPE_CHECKING:
    from fakeredis.engine.cluster.cluster import Cluster, grow, is_free, node_of
    from fakeredis.engine.core.profiles import VersionLike
    from fakeredis.engine.core.server import Server
    from fakeredis.server import FakeServer
else:
    Cluster = Lazy("fakeredis.engine.cluster.cluster", "Cluster")
    FakeServer = Lazy("fakeredis.server", "FakeServer")
    grow = Lazy("fakeredis.engine.cluster.cluster", "grow")
    is_free = Lazy("fakeredis.engine.cluster.cluster", "is_free")
    node_of = Lazy("fakeredis.engine.cluster.cluster", "node_of")

REAL: Final = redis.cluster.RedisCluster  # the names may mean the fakes later
REAL_ASYNC: Final = redis.asyncio.cluster.RedisCluster
SIZE: Final = 3  # nodes of a cluster whose client names fewer


# Which servers ----------------------------------------------------------------------------------


def gather(here: Network, addresses: Iterable[str]) -> None:
    """Make a cluster of the servers at the startup nodes' addresses, unless they are one.

    Still empty ones become its masters, with those at the ports that follow the first's until there
    are three; where there is a cluster already they join it, without slots. A server with keys
    stays what it is, as in a real network.
    """
    if here.remote is not None:
        here.remote.ask("gather", list(addresses))
        return
    servers = [server for address in addresses if (server := here.server_at(address))]
    nodes = [node for server in servers if (node := node_of(server))]
    free = list({id(server): server for server in servers if is_free(server)}.values())
    if nodes:
        for server in free:
            nodes[0].cluster.add(server)
    elif free:
        if here.single is None and here.addresses is None:
            free += _further(here, free)
        Cluster(free)


def _further(here: Network, servers: list[Server]) -> list[Server]:
    """Servers at the ports that follow, so many that there are three."""
    host, _, port = servers[0].address.rpartition(":")
    found: list[Server] = []
    number = int(port) if port.isdigit() else 65535
    while len(servers) + len(found) < SIZE and number < 65535:
        number += 1
        server = here.server_at(f"{host}:{number}")
        if server is not None and is_free(server) and server not in servers:
            found.append(server)
    return found


def gather_for(startup_nodes: Iterable[Any], server: Server | None) -> None:
    """Make a cluster for a fake client: its own server grows to one, if it has one."""
    if server is None:
        gather(_network(), map(address_of, startup_nodes))
    elif server.remote:
        server.engine.grow(SIZE)  # type: ignore[attr-defined]  # as those of other processes do
    else:
        grow(server, SIZE)


def _network() -> Network:
    """Where fake cluster clients find their nodes: outside of patches beside single servers."""
    here = network.current()
    if here is not network.default:
        return here
    network.use_default()
    if births.here is not None:
        births.note_cluster()
    return network.clusters


def node_for(connection: Any, server: Server | None) -> Server | None:
    """The server that a fake cluster client's connection leads to."""
    if server is None:
        return _network().server_at(address_of(connection))
    if server.remote:
        engine: Any = server.engine
        return engine.member(address_of(connection))  # type: ignore[no-any-return]
    node = node_of(server)
    return (node.cluster.at(address_of(connection)) if node else None) or server


def choose_server(
    server: Server | None, store: object, version: VersionLike | None, server_type: str | None,
    connected: bool,
    address: str,
) -> Server | None:
    """The server that a client's own arguments mean; None for those at its addresses."""
    if server is None and store is None and connected and (version or server_type):
        wanted = profile(version or "8.2", server_type or "redis")
        server = network.clusters.server_of(address, wanted)
        if births.here is not None:
            births.note_cluster()
    elif server is None and (store is not None or not connected):
        server = FakeServer(store, version or "8.2", server_type or "redis", address=address)
    if server is not None and not connected:
        for node in grow(server, SIZE).nodes:
            node.server.connected = False
    return server


# Connections ------------------------------------------------------------------------------------


class FakeClusterConnectionMixin(FakeConnectionMixin):
    """Leads a sync connection to the node at its address."""

    def _connect(self) -> FakeSocket:
        server = node_for(self, self._fake_server)
        return open_wire(self, server)


class FakeClusterConnection(FakeClusterConnectionMixin, FakeConnection):
    """A connection of `FakeRedisCluster`."""


class FakeClusterSSLConnection(FakeClusterConnectionMixin, FakeSSLConnection):
    """A connection of `FakeRedisCluster` that is said to have TLS."""


class FakeAsyncClusterConnectionMixin(FakeAsyncConnectionMixin):
    """Leads an asyncio connection to the node at its address."""

    async def _connect(self) -> None:
        server = node_for(self, self._fake_server)
        self._reader = self._writer = await open_async_wire(self, server)


class FakeAsyncClusterConnection(
    FakeAsyncClusterConnectionMixin, FakeAsyncConnection
):
    """A connection of `FakeAsyncRedisCluster`."""


class FakeAsyncClusterSSLConnection(
    FakeAsyncClusterConnectionMixin, FakeAsyncSSLConnection
):
    """A connection of `FakeAsyncRedisCluster` that is said to have TLS."""


_CLASSES: Final[dict[type, type]] = {
    redis.Connection: FakeClusterConnection,
    redis.SSLConnection: FakeClusterSSLConnection,
}
_ASYNC_CLASSES: Final[dict[type, type]] = {
    redis.asyncio.Connection: FakeAsyncClusterConnection,
    redis.asyncio.SSLConnection: FakeAsyncClusterSSLConnection,
}


# Sync -------------------------------------------------------------------------------------------


class FakeNodesManager(redis.cluster.NodesManager):
    """redis-py's manager of nodes; their pools make fake connections."""

    def __init__(self, *args: Any, server: Server | None = None, **kwargs: Any) -> None:
        self._fake_server = server
        super().__init__(*args, **kwargs)

    def create_redis_node(self, host: str, port: int, **kwargs: object) -> Any:
        """A node's client; it has no connection yet."""
        client: Any = super().create_redis_node(host, port, **kwargs)  # type: ignore[no-untyped-call]
        pool = client.connection_pool
        if self._fake_server is None and "redis" in network.current("redis").kinds:
            return client  # the real connections lead to the engine
        pool.connection_class = fake_class(
            pool.connection_class, FakeClusterConnectionMixin, _CLASSES
        )
        pool.connection_kwargs["server"] = self._fake_server
        return client

    def initialize(self, *args: Any, **kwargs: Any) -> Any:
        """Ask for nodes and slots, of what is a cluster by then."""
        gather_for(list(self.startup_nodes.values()), self._fake_server)
        return super().initialize(*args, **kwargs)


def rebound(function: Any, **names: Any) -> Any:
    """A function of redis-py to which some global names mean something else.

    Its decorators are kept.
    """
    inner = getattr(function, "__wrapped__", None)
    closure, globals_ = function.__closure__, function.__globals__
    if inner is None:
        globals_ = {**globals_, **names}
    else:
        other = rebound(inner, **names)
        closure = tuple(
            CellType(other) if cell.cell_contents is inner else cell for cell in closure
        )
    copy = FunctionType(
        function.__code__, globals_, function.__name__, function.__defaults__, closure
    )
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy


class FakeRedisCluster(redis.cluster.RedisCluster, metaclass=Impersonating):
    """`redis.cluster.RedisCluster` on a cluster in this process.

    Takes all arguments of `redis.cluster.RedisCluster` (without an address: ``localhost:6379``),
    and:

    Args:
        server: a `FakeServer`: a node of a cluster, or one that is still empty and becomes one.
            Without it, the cluster at the client's addresses, which its other clients share.
        version: the version of the servers.
        server_type: ``"redis"`` or ``"valkey"``.
        connected: False for a cluster that cannot be reached.
    """

    _real_class = REAL

    def __init__(
        self, *args: object, server: Server | None = None, store: object = None,
        version: VersionLike | None = None, server_type: str | None = None, connected: bool = True,
        **kwargs: object,
    ) -> None:
        kwargs = with_address(args, kwargs)
        own = choose_server(
            server, store, version, server_type, connected, _first_address(args, kwargs)
        )
        quick = "retry" not in kwargs
        self._fake_server = own
        manager = partial(FakeNodesManager, server=own)
        rebound(REAL.__init__, NodesManager=manager)(self, *args, **kwargs)
        if quick:
            _hurry(getattr(self, "retry", None))  # redis-py 5 has none

    @property
    def fake_cluster(self) -> Cluster:
        """The cluster this client talks to."""
        return _cluster_of(self.nodes_manager, self._fake_server)


def with_address(args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """A client's arguments, with an address if they have none."""
    given = kwargs.get("startup_nodes") or kwargs.get("url") or kwargs.get("host") or args
    return kwargs if given else {**kwargs, "host": "localhost"}


def _first_address(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    url = kwargs.get("url")
    if url:
        options: Any = redis.connection.parse_url(url)  # type: ignore[no-untyped-call]
        return normalise(f"{options.get('host', '')}:{options.get('port', 6379)}")
    nodes = kwargs.get("startup_nodes") or (args[2] if len(args) > 2 else None)
    if nodes:
        return address_of(nodes[0])
    host = args[0] if args else kwargs.get("host")
    port = args[1] if len(args) > 1 else kwargs.get("port", 6379)
    return normalise(f"{host}:{port}")


def _hurry(retry: object) -> None:
    """Try again at once: nobody waits for a server of which it is known that it is down."""
    if hasattr(retry, "_backoff"):
        retry._backoff = NoBackoff()


def _cluster_of(manager: Any, server: Server | None) -> Cluster:
    if server is None:
        gather_for(list(manager.startup_nodes.values()), None)
        for node in manager.startup_nodes.values():
            server = _network().server_at(address_of(node))
            if server is not None and node_of(server) is not None:
                break
    found = None if server is None else node_of(server)
    if server is not None and server.remote:
        raise RuntimeError("this cluster lives in the process that has forked this one: ask there")
    if found is None:
        raise redis.ConnectionError("no cluster at this client's addresses")
    return found.cluster


# Asyncio ----------------------------------------------------------------------------------------


class FakeAsyncRedisCluster(redis.asyncio.cluster.RedisCluster, metaclass=Impersonating):
    """`redis.asyncio.cluster.RedisCluster` on a cluster in this process.

    Takes all arguments of `redis.asyncio.cluster.RedisCluster`, and those that `FakeRedisCluster`
    adds.
    """

    _real_class = REAL_ASYNC

    def __init__(
        self, *args: Any, server: Server | None = None, store: Any = None,
        version: VersionLike | None = None, server_type: str | None = None, connected: bool = True,
        **kwargs: Any,
    ) -> None:
        kwargs = with_address(args, kwargs)
        self._fake_server = choose_server(
            server, store, version, server_type, connected, _first_address(args, kwargs)
        )
        REAL_ASYNC.__init__(self, *args, **kwargs)
        if "retry" not in kwargs:
            _hurry(self.retry)
        if self._fake_server is None and "redis.asyncio" in network.current("redis.asyncio").kinds:
            return  # the real connections lead to the engine
        for node in self.nodes_manager.startup_nodes.values():
            node.connection_class = self._fake(node.connection_class)
            node.connection_kwargs["server"] = self._fake_server
        options = self.nodes_manager.connection_kwargs
        real = options.get("connection_class", redis.asyncio.Connection)
        options["connection_class"] = self._fake(real)
        options["server"] = self._fake_server

    @staticmethod
    def _fake(connection_class: type) -> type:
        return fake_class(connection_class, FakeAsyncClusterConnectionMixin, _ASYNC_CLASSES)

    async def initialize(self, *args: Any, **kwargs: Any) -> Any:
        """Ask for nodes and slots, of what is a cluster by then."""
        if self._initialize:
            gather_for(list(self.nodes_manager.startup_nodes.values()), self._fake_server)
        return await REAL_ASYNC.initialize(self, *args, **kwargs)

    @property
    def fake_cluster(self) -> Cluster:
        """The cluster this client talks to."""
        return _cluster_of(self.nodes_manager, self._fake_server)
