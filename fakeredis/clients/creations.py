"""When clients outside of patches were made: pytest's plugin asks, to forget their servers in time.

Nothing is noted where nobody asks. It imports nothing, since pytest loads it for every run.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, WeakSet

from fakeredis.lazy import Lazy

if TYPE_CHECKING:
    from fakeredis.engine.core.server import Server
    from fakeredis.spy.owners import sessions_of
else:
    sessions_of = Lazy("fakeredis.spy.owners", "sessions_of")

__all__ = ["Births", "births"]

_CLUSTERS = "clusters"


class Births:
    """Pools, and connections without one of ours, by the test or fixture that they were made in."""

    def __init__(self) -> None:
        # The test, or the fixture of several tests, that runs now; None: nobody asks.
        self.here: Any = None
        self._of: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()
        # What fixtures that are still set up have made, even if it has gone: (address, server).
        self._places: dict[Any, set[tuple[str, Any]]] = {}
        self._fixtures: set[Any] = set()

    def note(self, made: object, address: str, server: Server | None) -> None:
        """Note what is made for an address, or for a server of its own."""
        self._of[made] = self.here
        if self.here in self._fixtures:
            self._places.setdefault(self.here, set()).add((address, server))

    def note_cluster(self) -> None:
        """Note that there is a client of the clusters outside of patches."""
        self._places.setdefault(self.here, set()).add((_CLUSTERS, None))

    def begin(self, here: object, is_fixture: bool) -> Any:
        """A test or fixture of several tests begins; returns what ran before."""
        before, self.here = self.here, here
        if is_fixture:
            self._fixtures.add(here)
        return before

    def gone(self, fixture: object) -> None:
        """A fixture of several tests has been torn down."""
        self._fixtures.discard(fixture)
        self._places.pop(fixture, None)

    def _older_sessions(self) -> WeakSet[Any]:
        """Sessions of clients that were made before the present test."""
        found: WeakSet[Any] = WeakSet()
        for reference in self._of.keyrefs():  # at once, whatever other threads make meanwhile
            made = reference()
            if made is not None and self._of.get(made, self.here) is not self.here:
                for session in _sessions(made):
                    found.add(session)
        return found

    def end(self, before: object) -> None:
        """The present test has ended: forget what nobody else can know of.

        Args:
            before: what `begin` has returned.
        """
        network: Any = sys.modules.get("fakeredis.clients.network")
        self._places.pop(self.here, None)
        if network is None or not (network.default.servers or network.clusters.servers):
            self.here = before
            return
        places = {place for each in self._places.values() for place in each}
        older = self._older_sessions()

        def is_ours(address: str, server: Server) -> bool:
            if (address, None) in places or any(each is server for _, each in places):
                return False
            return not any(session in older for session in list(server.sessions.values()))

        self.here = before
        network.forget(is_ours, clusters=(_CLUSTERS, None) not in places)


def _sessions(made: object) -> list[Any]:
    return sessions_of(_Holder(made))


class _Holder:
    """A pool, or a connection, as a client has it."""

    def __init__(self, made: object) -> None:
        is_pool = hasattr(made, "connection_class")
        self.connection_pool = made if is_pool else None
        self.connection = None if is_pool else made


births = Births()
