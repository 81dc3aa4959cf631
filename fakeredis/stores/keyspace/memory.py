"""`MemoryStore`: state in this process, in plain dictionaries; the default."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeredis import wiring
from fakeredis.lazy import LazyModule
from fakeredis.stores.base import Store

if TYPE_CHECKING:
    from fakeredis.engine.core.server import Server
    from fakeredis.engine.data import portable, snapshots
else:
    portable = LazyModule("fakeredis.engine.data.portable")
    snapshots = LazyModule("fakeredis.engine.data.snapshots")


class MemoryStore(Store):
    """State in this process's memory.

    Who gives no store gets a fresh one.  One that is given keeps its data for as long as it lives:
    patches, servers and clients that are given the same one see the same data, each address its
    own.  Within, values are the engine's own objects; nothing is written or copied anywhere.
    """

    def __init__(self) -> None:
        self._servers: dict[str, Server] = {}  # by address

    @classmethod
    def from_url(cls, url: str) -> MemoryStore:
        """A fresh store for ``memory://``.

        Raises:
            ValueError: the URL goes on after that.
        """
        if url != "memory://":
            raise ValueError(f"a memory store has nothing to name: 'memory://', not {url!r}")
        return cls()

    def server_at(self, address: str) -> Server | None:
        """The server whose data are here, at an address."""
        return self._servers.get(address)

    def adopt(self, server: Server) -> None:
        """Keep the server that has the data of its address."""
        self._servers[server.address] = server

    def snapshot(self) -> dict[str, Any]:
        """The data of all servers, for `restore`.

        Strings, which never change, are shared with it; other values are copied.
        """
        return {address: snapshots.take(server) for address, server in list(self._servers.items())}

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Bring the data back to a snapshot, which stays good for another time."""
        for address, server in list(self._servers.items()):
            snapshots.restore(server, snapshot.get(address, {}))

    def dump(self) -> dict[str, Any]:
        """The data of all servers as plain Python values, by address, database and key.

        ::

            {"localhost:6379": {0: {"greeting": {"type": "string", "value": "hello"}}}}

        See `fakeredis.engine.data.portable` for the form; all but bytes that are no text can be
        JSON.
        """
        return {address: portable.dump(server) for address, server in list(self._servers.items())}

    def load(self, data: dict[str, Any]) -> None:
        """Replace the data of all servers by what `dump` gave, or what was written by hand.

        ``ttl`` (seconds) may stand for ``expires_at``; numbers for text.

        Raises:
            ValueError: the data make no sense; the servers keep what they have.
        """
        for address, databases in data.items():
            server = self._servers.get(address) or wiring.make_server(self, address=address)
            portable.load(server, databases)

    def close(self) -> None:
        """Forget all data."""
        for server in list(self._servers.values()):
            server.clear()
        self._servers.clear()
