"""Which server answers at which address."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextvars import ContextVar
from itertools import count
from threading import RLock
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from weakref import WeakValueDictionary

from fakeredis.engine.core.profiles import profile
from fakeredis.lazy import Lazy, LazyModule

if TYPE_CHECKING:
    from fakeredis import server as servers
    from fakeredis.clients.interfaces import AnyConnection
    from fakeredis.engine.cluster.cluster import node_of
    from fakeredis.engine.core.profiles import Profile, VersionLike
    from fakeredis.engine.core.server import Server
else:
    servers = LazyModule("fakeredis.server")
    node_of = Lazy("fakeredis.engine.cluster.cluster", "node_of")

_T = TypeVar("_T")
_numbers = count(1)
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1", "", "None"})


def address_of(connection: AnyConnection) -> str:
    """The address that a connection (or anything with ``path`` or ``host`` and ``port``) is for.

    ``localhost``, ``127.0.0.1`` and ``::1`` are one.
    """
    path = getattr(connection, "path", None)
    if path:
        return str(path)
    return normalise(f"{getattr(connection, 'host', '')}:{getattr(connection, 'port', 6379)}")


def normalise(address: str) -> str:
    """One spelling for each address: ``host:port``, or a socket's path."""
    if address.startswith("/"):
        return address
    host, _, port = address.rpartition(":")
    if not port.isdigit():
        host, port = address, "6379"
    host = host.strip("[]").lower()
    return f"{'localhost' if host in _LOCAL else host}:{port}"


def member(server: Server, address: str) -> Server | None:
    """The node at an address of the cluster that a server belongs to, if it does to one."""
    node = node_of(server)
    return node.cluster.at(address) if node is not None else None


def members(kept: Iterable[_T]) -> list[_T]:
    """The members of a `WeakSet`, or of the like, whoever adds to it meanwhile.

    To walk through one runs Python code, so another thread may have its turn in the middle.
    """
    while True:
        try:
            return list(kept)
        except RuntimeError:  # it has changed
            pass


class Network:
    """Servers by address; one is made at the first connection, as the network were full of them.

    Args:
        make: makes the server of an address.
        single: a server that answers at every address instead.
        addresses: the addresses that exist; None for all.
    """

    def __init__(
        self, make: Callable[[str], Server], single: Server | None = None,
        addresses: frozenset[str] | None = None,
    ) -> None:
        self.number = next(_numbers)
        known[self.number] = self
        self._make = make
        self.used = False  # by a client of its own, which may not have connected yet
        self.lock = RLock()
        self.single = single
        self.addresses = addresses
        self.servers: dict[str, Server] = {}
        self.served: dict[str, Server] = {}  # where others reach them: clients of ours may, too
        self.watched: Any = None  # what Sentinels know here
        self.services: dict[str, Server] = {}  # their masters
        # The kinds of real clients that lead here from underneath ("redis", "redis.asyncio" ...).
        self.kinds: frozenset[str] = frozenset()
        # What leads to the process in which its servers live, if that is another one.
        self.remote: RemoteNetwork | None = None

    def server_at(self, address: str) -> Server | None:
        """The server at an address; None where there is none."""
        if address in self.served:
            return self.served[address]
        if self.addresses is not None and address not in self.addresses:
            return self.services.get(address)
        if self.single is not None and self.remote is None:
            node = member(self.single, address) or self.single
            self.servers.setdefault(address, node)
            return node
        with self.lock:
            server = self.servers.get(address)
            if server is None:
                server = self.servers[address] = self._made("server_at", address)
                server.resolve_address = self._resolve
            return server

    def _made(self, way: str, address: str) -> Server:
        """A new server, or one that stands for that which another process finds the same way."""
        made = self._make(address)
        return made if self.remote is None else self.remote.stand_in(made, way, address)

    def _resolve(self, address: str) -> Server | None:
        """The server that another one of this network finds at an address."""
        return self.server_at(normalise(address))

    def service_at(self, address: str) -> Server:
        """The master of a service, which exists whatever addresses do."""
        server = self.services.get(address) or self.server_at(address)
        if server is None:
            server = self.servers[address] = self._made("service_at", address)
        self.services[address] = server
        return server

    def server_of(self, address: str, wanted: Profile) -> Server:
        """The server of a version and type at an address, beside those of others."""
        key = f"{address} {wanted.server_type} {wanted.version_text}"
        with self.lock:
            server = self.servers.get(key)
            if server is None:
                given = wanted.version, wanted.server_type
                server = _make_default(address, *given)
                if self.remote is not None:
                    server = self.remote.stand_in(server, "server_of", address, *given)
                self.servers[key] = server
            return server

    def all(self) -> list[Server]:
        """Every server that was reached, each once."""
        return list({id(server): server for server in list(self.servers.values())}.values())


class RemoteNetwork(Protocol):
    """What leads to the network of another process that one of this process stands for."""

    channel: Any  # see `fakeredis.patching.processes.channel.Channel`
    number: int  # by which the other process knows its network

    def stand_in(self, server: Server, way: str, *args: object) -> Server:
        """Make a server stand for that which the other process finds by one of its methods.

        Args:
            server: the server of this process.
            way: the method's name there.
            args: the method's arguments.
        """

    def ask(self, what: str, *args: object) -> Any:
        """Call one of the other network's methods there, and return its result."""


def _make_default(
    address: str, version: VersionLike = "8.2", server_type: str = "redis"
) -> Server:
    """A server outside of patches: as inside of them, the credentials of any URL will do."""
    server = servers.FakeServer(None, version, server_type, address=address)
    server.takes_any_user = True
    return server


known: WeakValueDictionary[int, Network] = WeakValueDictionary()  # all there are, by number
default = Network(_make_default)  # outside of patch(), until reset()
# Likewise, of cluster clients: beside the single servers.
clusters = _clusters = Network(_make_default)
_entered: list[Network] = []  # the networks of active patches, in the order of their entry
_active: dict[int, Network] = {}  # the same, by number
# Those that were entered in this context (thread, task), by number: it keeps nothing alive.
_context: ContextVar[tuple[int, ...]] = ContextVar("fakeredis_networks", default=())


def use_default() -> None:
    """A client leads outside of patches, from now on or later."""
    if not default.used:
        _ = servers.FakeServer  # children that are forked before it connects share it
        default.used = True


def current(kind: str | None = None) -> Network:
    """The network that a new connection belongs to.

    That of the only active patch; of several the one that this thread or task entered last; where
    it entered none, the one that anyone entered last.

    Args:
        kind: the kind of clients whose connection it is; patches that leave it out do not count
            where another one does not.
    """
    if len(_entered) < 2:
        return _entered[0] if _entered else default
    for number in reversed(_context.get()):
        network = _active.get(number)
        if network is not None and (kind is None or kind in network.kinds):
            return network
    for network in reversed(_entered):
        if kind is None or kind in network.kinds:
            return network
    return _entered[-1]


def entered() -> list[Network]:
    """The networks of active patches, in the order of their entry."""
    return _entered


def enter(network: Network) -> None:
    """Send new connections to ``network`` from now on."""
    kept = [number for number in _context.get() if number in _active]
    _context.set((*kept, network.number))
    _entered.append(network)
    _active[network.number] = network


def prefer(network: Network) -> None:
    """Send new connections to ``network``, as if it had been entered last."""
    if network in _entered and _entered[-1] is not network:
        _entered.remove(network)
        _entered.append(network)
    if network.number in _active:
        others = [number for number in _context.get() if number != network.number]
        _context.set((*others, network.number))


def leave(network: Network) -> None:
    """Undo `enter`, in any order, in any thread or task."""
    for index in range(len(_entered) - 1, -1, -1):
        if _entered[index] is network:
            del _entered[index]
            break
    _active.pop(network.number, None)
    _context.set(tuple(number for number in _context.get() if number != network.number))


def server_at(
    key: str, version: VersionLike | None = None, server_type: str | None = None
) -> Server:
    """`server_like` at an address as people write it."""
    return server_like(normalise(key), version, server_type)


def server_like(
    address: str, version: VersionLike | None, server_type: str | None
) -> Server:
    """The server of a version and type at an address, which its clients share."""
    wanted = profile(version or "8.2", server_type or "redis")
    here = current()
    usual = here.server_at(address)
    if usual is not None and usual.profile == wanted:
        return usual
    return here.server_of(address, wanted)


def reset() -> None:
    """Forget the servers outside of patches, with all their data; their clients are cut off."""
    forget(lambda address, server: True)
    default.watched = None


def forget(is_meant: Callable[[str, Server], bool], clusters: bool = True) -> None:
    """Forget some of the servers outside of patches, with their data; clients are cut off.

    Args:
        is_meant: whether a server is to go, by its address (with type and version, where clients
            have asked for these) and itself.
        clusters: whether those of cluster clients go, all of them.
    """
    gone = [pair for pair in list(default.servers.items()) if is_meant(*pair)]
    for address, server in gone:
        default.servers.pop(address, None)
        for name in [name for name, each in list(default.services.items()) if each is server]:
            del default.services[name]
    servers = {id(server): server for _, server in gone}
    if clusters:
        servers.update((id(server), server) for server in _clusters.all())
        _clusters.servers.clear()
    for server in servers.values():
        server.clear()
        for session in list(server.sessions.values()):
            session.close()
