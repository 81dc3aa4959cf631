"""The engine of a server whose store runs the commands elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from fakeredis.engine.core.clock import Clock
from fakeredis.engine.core.engines import Engine
from fakeredis.stores.forwarding.base import ForwardingStore
from fakeredis.stores.forwarding.session import ForwardedSession

if TYPE_CHECKING:
    from fakeredis.engine.core.server import Server
    from fakeredis.engine.core.session import Session

NO_TIME: Final = (
    "time cannot be moved or stopped here: the commands are forwarded to another server, whose "
    "clock it is; use a store in memory for such a test"
)


class ForeignClock(Clock):
    """The clock of a server whose time passes elsewhere."""

    def advance(self, seconds: float) -> None:
        """Refuse to move a clock that is another server's.

        Args:
            seconds: how far; 0 is no move.

        Raises:
            RuntimeError: it should be moved.
        """
        if seconds:
            raise RuntimeError(NO_TIME)

    def freeze(self, at: float | None = None) -> None:
        """Refuse to stop a clock that is another server's.

        Raises:
            RuntimeError: always.
        """
        raise RuntimeError(NO_TIME)


class ForwardingEngine(Engine):
    """Hands a server's commands on to a store.

    Args:
        server: a new one, which nobody else knows yet.
        store: where its commands run.

    Raises:
        TypeError: it is no such store.
    """

    forwards = True

    def __init__(self, server: Server, store: ForwardingStore) -> None:
        if not isinstance(store, ForwardingStore):
            raise TypeError(f"a store is a KeyspaceStore or a ForwardingStore, not {store!r}")
        super().__init__(server)
        self.store = store
        server.clock = ForeignClock()

    def session(self, protocol: int, address: str) -> ForwardedSession:
        """A new session for this process's clients, with a link of its own."""
        session = self._open(address, typed=False)
        if protocol == 3:
            session.ask(b"HELLO", b"3")
        return session

    def protocol_session(self, address: str, local: str) -> Any:
        """A new session for a shell that writes the protocol's bytes, with a link of its own."""
        return self._open(address, typed=True)

    def _open(self, address: str, typed: bool) -> ForwardedSession:
        link = self.store.connect(typed)
        with self.server.lock:
            return ForwardedSession(self.server, self.store, link, address)

    def advance(self, seconds: float) -> None:
        """Refuse to move the clock, as time passes elsewhere.

        Args:
            seconds: how far; 0 is no move.

        Raises:
            RuntimeError: it should be moved.
        """
        self.server.clock.advance(seconds)

    def catch_up(self) -> None:
        """Does nothing: what is due happens elsewhere."""

    def clear(self) -> None:
        """Remove all keys that are the store's."""
        self.store.clear()

    def key_names(self, session: Session) -> dict[int, list[bytes]]:
        """The keys by database, for those databases that sessions here have used."""
        names: dict[int, list[bytes]] = {}
        for number in sorted(self.server.databases):
            session.ask(b"SELECT", b"%d" % number)
            keys = session.ask(b"KEYS", b"*")
            if keys:
                names[number] = keys
        return names

    def milliseconds_left(self, number: int, keys: Sequence[bytes]) -> list[int]:
        """Milliseconds that keys of a database have left, as PTTL tells; no spy records it."""
        server = self.server
        with server.lock:
            recorder = server.recorder
            server.attach_recorder(None)
            session = self._open("127.0.0.1:0", typed=False)
            session.patience = None
            try:
                batch = [[b"SELECT", b"%d" % number], *([b"PTTL", key] for key in keys)]
                return session.execute_many(batch)[1:]
            finally:
                session.close()
                server.attach_recorder(recorder)

    def let_go(self) -> None:
        """Does nothing: others use the store, too, and each session closes its own link."""

    def check_files(self, verb: str) -> None:
        """Refuse to read or write RDB files, as the data are elsewhere.

        Raises:
            RuntimeError: always.
        """
        raise RuntimeError(f"{self.store.name} {verb} no RDB files: its data are elsewhere")
