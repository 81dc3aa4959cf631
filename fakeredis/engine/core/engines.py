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
        """Whether the server answers; set to False, connections break and none can be made."""
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
        """A new session, as a client's connection makes one.

        Args:
            protocol: the version of RESP, 2 or 3.
            address: the client's.
        """

    @abstractmethod
    def protocol_session(self, address: str, local: str) -> Any:
        """A new session for a shell that writes the protocol's bytes.

        Args:
            address: the client's.
            local: the server's end of the connection.
        """

    @abstractmethod
    def advance(self, seconds: float) -> None:
        """Move the server's clock ahead by some seconds; what becomes due happens."""

    @abstractmethod
    def catch_up(self) -> None:
        """Do what has become due: expire keys, time out waits."""

    @abstractmethod
    def clear(self) -> None:
        """Remove all keys of all databases, without a command's side effects."""

    @abstractmethod
    def key_names(self, session: Session) -> dict[int, list[bytes]]:
        """The keys of each database that has any.

        Args:
            session: through which they may be asked for.
        """

    @abstractmethod
    def let_go(self) -> None:
        """Close files and connections; used again, they are opened again."""

    @abstractmethod
    def check_files(self, verb: str) -> None:
        """Refuse RDB files where the data are elsewhere.

        Args:
            verb: what the server should do with one, ``"takes"`` or ``"gives"``.

        Raises:
            RuntimeError: they are.
        """


class LocalEngine(Engine):
    """Runs a server's commands in this process, on data in its memory."""

    def session(self, protocol: int, address: str) -> Session:
        """A new session on the server's databases."""
        with self.server.lock:
            return Session(self.server, protocol, address)

    def protocol_session(self, address: str, local: str) -> Any:
        """A new session on the server's databases, whose replies keep the types of the protocol."""
        with self.server.lock:
            return ProtocolSession(self.server, 2, address, local)

    def advance(self, seconds: float) -> None:
        """Move the server's clock ahead by some seconds, then expire keys and time out waits."""
        server = self.server
        with server.lock:
            if checked_advance(seconds) > 0:
                key_access.clock_moves(server)
            server.clock.advance(seconds)
            server.do_what_is_due()

    def catch_up(self) -> None:
        """Expire keys and time out waits at once, as the data are here."""
        self.server.do_what_is_due()

    def clear(self) -> None:
        """Empty the dictionaries of all databases; what was tracked is flushed."""
        server = self.server
        with server.lock, server.rewriting():
            for db in list(server.databases.values()):
                db.clear()
            server.deadlines.clear()
            if server.search is not None:
                server.search.flushed()
            if server.tracking is not None:
                server.tracking.flushed()
            if server.replication is not None:
                server.replication.break_off()

    def key_names(self, session: Session) -> dict[int, list[bytes]]:
        """The keys of each database that has any, expired ones included."""
        databases = self.server.databases.copy()
        return {number: list(db.data) for number, db in databases.items() if db.data}

    def let_go(self) -> None:
        """Close the keyspace store, if there is one, and follow no master."""
        if self.server.store_sync is not None:
            self.server.store_sync.close()
        if self.server.replication is not None:
            self.server.replication.let_go()

    def check_files(self, verb: str) -> None:
        """Does nothing: RDB files may be read and written where the data are."""
