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
        """It cannot be moved.

        Raises:
            RuntimeError: it should be.
        """
        if seconds:
            raise RuntimeError(NO_TIME)

    def freeze(self, at: float | None = None) -> None:
        """It cannot be stopped.

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
        """See `Server.session`: each has a link of its own."""
        session = self._open(address, typed=False)
        if protocol == 3:
            session.ask(b"HELLO", b"3")
        return session

    def protocol_session(self, address: str, local: str) -> Any:
        """See `Server.protocol_session`."""
        return self._open(address, typed=True)

    def _open(self, address: str, typed: bool) -> ForwardedSession:
        link = self.store.connect(typed)
        with self.server.lock:
            return ForwardedSession(self.server, self.store, link, address)

    def advance(self, seconds: float) -> None:
        """Time passes elsewhere.

        Raises:
            RuntimeError: it should be moved.
        """
        self.server.clock.advance(seconds)

    def catch_up(self) -> None:
        """What is due happens elsewhere."""

    def clear(self) -> None:
        """Remove all keys that are the store's."""
        self.store.clear()

    def key_names(self, session: Session) -> dict[int, list[bytes]]:
        """See `Server.key_names`: of the databases that were used."""
        names: dict[int, list[bytes]] = {}
        for number in sorted(self.server.databases):
            session.ask(b"SELECT", b"%d" % number)
            keys = session.ask(b"KEYS", b"*")
            if keys:
                names[number] = keys
        return names

    def milliseconds_left(self, number: int, keys: Sequence[bytes]) -> list[int]:
        """What keys of a database have left, as PTTL tells; no spy hears of the question."""
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
        """Others use the store, too; each session lets go of its own link."""

    def check_files(self, verb: str) -> None:
        """The data are elsewhere.

        Raises:
            RuntimeError: always.
        """
        raise RuntimeError(f"{self.store.name} {verb} no RDB files: its data are elsewhere")
