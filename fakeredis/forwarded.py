"""What a `FakeServer` becomes whose store runs the commands elsewhere."""

from __future__ import annotations

import os

from fakeredis.server import FakeServer
from fakeredis.stores.forwarding.base import ForwardingStore
from fakeredis.stores.forwarding.session import ForeignClock, ForwardingServer


def become(server: FakeServer) -> None:
    """Let a new server forward to its store.

    Raises:
        TypeError: the store is of no known kind.
    """
    if not isinstance(server.store, ForwardingStore):
        raise TypeError(f"a store is a KeyspaceStore or a ForwardingStore, not {server.store!r}")
    server.__class__ = _ForwardingFakeServer
    server.clock = ForeignClock()


class _ForwardingFakeServer(ForwardingServer, FakeServer):
    """What a `FakeServer` with a forwarding store is."""

    def load_rdb(self, path: str | os.PathLike[str]) -> None:
        """The data are elsewhere.

        Raises:
            RuntimeError: always.
        """
        raise RuntimeError(f"{self.store.name} takes no RDB files: its data are elsewhere")

    def save_rdb(self, path: str | os.PathLike[str]) -> None:
        """The data are elsewhere.

        Raises:
            RuntimeError: always.
        """
        raise RuntimeError(f"{self.store.name} gives no RDB files: its data are elsewhere")
