"""Which server answers at which address."""

from __future__ import annotations

from collections.abc import Callable
from threading import RLock
from typing import Any

from fakeredis.engine.server import Server

_LOCAL = frozenset({"localhost", "127.0.0.1", "::1", "", "None"})


def address_of(connection: Any) -> str:
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
        self._make = make
        self._lock = RLock()
        self.single = single
        self.addresses = addresses
        self.servers: dict[str, Server] = {}

    def server_at(self, address: str) -> Server | None:
        """The server at an address; None where there is none."""
        if self.addresses is not None and address not in self.addresses:
            return None
        if self.single is not None:
            self.servers.setdefault(address, self.single)
            return self.single
        with self._lock:
            server = self.servers.get(address)
            if server is None:
                server = self.servers[address] = self._make(address)
            return server

    def all(self) -> list[Server]:
        """Every server that was reached, each once."""
        return list({id(server): server for server in self.servers.values()}.values())


def _make_default(address: str) -> Server:
    from fakeredis.server import FakeServer

    return FakeServer(address=address)


default = Network(_make_default)  # outside of patch(), until reset()
_entered: list[Network] = []  # the networks of active patches, the innermost last


def current() -> Network:
    """The network that a new connection belongs to."""
    return _entered[-1] if _entered else default


def enter(network: Network) -> None:
    """Let new connections go to ``network``."""
    _entered.append(network)


def leave(network: Network) -> None:
    """Undo `enter`, in any order."""
    for index in range(len(_entered) - 1, -1, -1):
        if _entered[index] is network:
            del _entered[index]
            return


def reset() -> None:
    """Forget the servers outside of patches, with all their data."""
    default.servers.clear()
