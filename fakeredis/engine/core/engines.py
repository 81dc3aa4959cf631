"""What runs a server's commands: this process on the server's own databases, or somebody else."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from fakeredis.engine.core import switches
from fakeredis.engine.core.clock import checked_advance
from fakeredis.engine.core.session import ProtocolSession, Session
from fakeredis.engine.features import key_access

if TYPE_CHECKING:
    from fakeredis.engine.core.server import Server


class Engine(ABC):
    """Runs the commands of one server.

    Args:
        server: whose commands; it has one engine at a time.
    """

    #: Whether the commands run at another server that this process talks to by a store.
    forwards = False
    #: Whether they run in another process, which has the server itself.
    remote = False

    def __init__(self, server: Server) -> None:
        self.server = server

    @property
    def connected(self) -> bool:
        """See `Server.connected`."""
        return not self.server.switched & switches.DOWN

    @connected.setter
    def connected(self, up: bool) -> None:
        server = self.server
        if up:
            server.switch_off(switches.DOWN)
            return
        server.switch_on(switches.DOWN)
        for session in list(server.sessions.values()):
            session.close()

    @abstractmethod
    def session(self, protocol: int, address: str) -> Any:
        """See `Server.session`."""

    @abstractmethod
    def protocol_session(self, address: str, local: str) -> Any:
        """See `Server.protocol_session`."""

    @abstractmethod
    def advance(self, seconds: float) -> None:
        """See `Server.advance`."""

    @abstractmethod
    def catch_up(self) -> None:
        """See `Server.catch_up`."""

    @abstractmethod
    def clear(self) -> None:
        """See `Server.clear`."""

    @abstractmethod
    def key_names(self, session: Session) -> dict[int, list[bytes]]:
        """See `Server.key_names`."""

    @abstractmethod
    def let_go(self) -> None:
        """See `Server.let_go`."""

    @abstractmethod
    def check_files(self, verb: str) -> None:
        """Refuse RDB files where the data are elsewhere.

        Args:
            verb: what the server should do with one, ``"takes"`` or ``"gives"``.

        Raises:
            RuntimeError: they are.
        """


class LocalEngine(Engine):
    """Runs them here."""

    def session(self, protocol: int, address: str) -> Session:
        """See `Server.session`."""
        with self.server.lock:
            return Session(self.server, protocol, address)

    def protocol_session(self, address: str, local: str) -> Any:
        """See `Server.protocol_session`."""
        with self.server.lock:
            return ProtocolSession(self.server, 2, address, local)

    def advance(self, seconds: float) -> None:
        """See `Server.advance`."""
        server = self.server
        with server.lock:
            if checked_advance(seconds) > 0:
                key_access.clock_moves(server)
            server.clock.advance(seconds)
            server.do_what_is_due()

    def catch_up(self) -> None:
        """See `Server.catch_up`."""
        self.server.do_what_is_due()

    def clear(self) -> None:
        """See `Server.clear`."""
        server = self.server
        with server.lock, server.rewriting():
            for db in list(server.databases.values()):
                db.clear()
            server.deadlines.clear()
            if server.search is not None:
                server.search.flushed()
            if server.tracking is not None:
                server.tracking.flushed()

    def key_names(self, session: Session) -> dict[int, list[bytes]]:
        """See `Server.key_names`."""
        databases = self.server.databases.copy()
        return {number: list(db.data) for number, db in databases.items() if db.data}

    def let_go(self) -> None:
        """See `Server.let_go`."""
        if self.server.store_sync is not None:
            self.server.store_sync.close()

    def check_files(self, verb: str) -> None:
        """See `Engine.check_files`: they may be read and written."""
