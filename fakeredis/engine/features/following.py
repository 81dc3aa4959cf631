"""Being a replica: what is known of the master, loading its data, and doing what it has done.

Who talks to the master is outside (`fakeredis.tcp.following`), and tells `Following` what comes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Final, Protocol

from fakeredis import errors
from fakeredis.engine.command.command import READONLY, RUNS_QUEUE, STALE, WRITE, Command
from fakeredis.engine.core import blocking, statistics, switches
from fakeredis.engine.core.road import Check, Origin
from fakeredis.engine.core.session import Session
from fakeredis.engine.features import pause
from fakeredis.engine.features import replication as replicas
from fakeredis.engine.features.replication_stream import NO_ID, Backlog, packed
from fakeredis.errors import CommandError

if TYPE_CHECKING:
    from fakeredis.engine.core.server import Server
    from fakeredis.engine.features.replication import Replication


class Link(Protocol):
    """Who talks to the master."""

    def stop(self) -> None:
        """Talk no more; whoever waits for it goes on."""


class Following:
    """A server's relation to its master.

    Args:
        replication: the server's.
        host: the master's.
        port: the master's.
    """

    link: Link

    def __init__(self, replication: Replication, host: str, port: int) -> None:
        self.replication = replication
        self.server: Server = replication.server
        self.host = host
        self.port = port
        self.state = "connect"  # then "connecting", "sync", "connected"
        self.session: Session | None = None  # which does what the master has done
        self.known = False  # whether there is something to go on with
        self.attempts = self.all_attempts = 0
        self.up_since = self.down_since = replication.now
        self.heard = replication.now
        self.failing_over = False
        self.selected = 0  # the database that the stream is in
        self._queue: list[list[bytes]] | None = None  # behind MULTI

    # The link's side ------------------------------------------------------------------------------

    @property
    def wanted(self) -> tuple[str, int]:
        """What to ask the master for: the ID of the stream, and the offset to go on from."""
        if not self.known:
            return "?", -1
        return self.server.replication_id, self.replication.stream.offset + 1

    def connecting(self) -> None:
        """The link tries to reach the master."""
        self.state = "connecting"
        self.attempts += 1
        self.all_attempts += 1

    def load(self, known_id: str, offset: int, load: Callable[[], int]) -> None:
        """All of the master's data have come.

        Args:
            known_id: the name of the stream.
            offset: where it is.
            load: puts the data in the place of this server's; which database the stream is in.

        Raises:
            FormatError: they cannot be read.
        """
        server, replication = self.server, self.replication
        with server.lock:
            if replication.following is not self:
                return
            selected = load()
            server.replication_id = known_id
            replication.second_id, replication.second_offset = NO_ID, -1
            replication.stream.offset = offset
            replication.stream.backlog = Backlog(offset)
            self._end_session()
            self.selected = selected
            self._up()

    def resume(self, known_id: str) -> None:
        """The master goes on with its stream, perhaps under another name."""
        server, replication = self.server, self.replication
        with server.lock:
            if known_id and known_id != server.replication_id:
                replication.second_id = server.replication_id
                replication.second_offset = replication.stream.offset + 1
                server.replication_id = known_id
                for session in replication.replicas:
                    session.close()  # they are to learn of the name
            if replication.stream.backlog is None:
                replication.stream.backlog = Backlog(replication.stream.offset)
            self._up()

    def _up(self) -> None:
        self.state = "connected"
        self.known = True
        self.attempts = 1
        self.up_since = self.heard = self.replication.now
        if self.session is None or self.session.closed:
            self.session = self._make_session()
        self._queue = None
        self.failing_over = False
        self.replication.end_failover()
        refresh(self.server)

    def refused(self) -> None:
        """The master does not go on with this server; a replica does not take its place."""
        with self.server.lock:
            if self.failing_over and self.replication.following is self:
                self.replication.end_failover()
                self.leave()

    def _make_session(self) -> Session:
        session = Session(self.server, 2, f"{self.host}:{self.port}")
        session.ctx.db = self.server.database(self.selected)
        session.switched = 0
        session.deny_blocking = True
        session.user = "(superuser)"
        return session

    def down(self) -> None:
        """The link has broken."""
        with self.server.lock:
            if self.state == "connected":
                self.down_since = self.replication.now
            self.state = "connect"
            self._queue = None
            self._end_session()
            refresh(self.server)

    def begin_anew(self) -> None:
        """The data are not the master's any more: all of them are to come again."""
        self.known = False
        if self.session is not None:
            self.session.close()

    def _end_session(self) -> None:
        session, self.session = self.session, None
        if session is not None:
            self.selected = session.db
            session.close()

    def do(self, argv: list[bytes]) -> bool:
        """Do what the master has done; whether it wants to know how far we are.

        Commands of a transaction are done when it ends, all at once.
        """
        server = self.server
        with server.lock:
            session = self.session
            if session is None or session.closed:
                return False
            self.heard = self.replication.now
            name = argv[0].upper()
            if self._queue is not None:
                self._queue.append(argv)
                if name != b"EXEC":
                    return False
                queue, self._queue = self._queue, None
            elif name == b"MULTI":
                self._queue = [argv]
                return False
            else:
                queue = [argv]
            with nullcontext() if server.store_sync is None else server.store_sync.transaction():
                session.ctx.forget_time()
                server.run_at = time.time()
                for each in queue:
                    self._play(session, each)
                blocking.serve_ready(server)
            self.replication.stream.say(b"".join(map(packed, queue)))
            return name == b"REPLCONF"

    def _play(self, session: Session, argv: list[bytes]) -> None:
        name = argv[0].upper()
        if name in _NOT_PLAYED:
            return
        table = self.server.table
        command, args = table.find(name), argv[1:]
        if args and args[-1] == b"_FORCEKEEPDOCS":
            del args[-1]  # the module's word among servers: nothing else is done here
        if command is not None and command.subcommands is not None and args:
            command, args = command.subcommands.get(args[0].upper()), args[1:]
        if command is not None:
            self.replication.stream.keep(command, args)
            try:
                session.invoke(command, args)
            except CommandError:
                pass  # as at the master, or what is not known here

    # The server's side ----------------------------------------------------------------------------

    def end(self) -> None:
        """Follow no longer: the link is stopped."""
        self.link.stop()
        self._end_session()

    def leave(self) -> None:
        """Make the server a master again, with the data as they are."""
        server, replication = self.server, self.replication
        with server.lock:
            if replication.following is not self:
                return
            self.end()
            replication.following = None
            replication.shift_id()
            server.switch_off(switches.FOLLOWING)
            server.switch_off(switches.STALE)
            server.config.override("replicaof", "")
            for session in replication.replicas:
                session.close()  # they are to learn of the name
            if replication.stream.backlog is not None:
                replication.stream.begin()


_NOT_PLAYED: Final = frozenset({b"MULTI", b"EXEC", b"PING", b"REPLCONF"})


def begin(server: Server, host: str, port: int, failing_over: bool = False) -> None:
    """Follow a master from now on.

    Args:
        server: who follows.
        host: the master's.
        port: the master's.
        failing_over: whether it is a replica that is to be a master now.

    Raises:
        CommandError: this server has no network.
    """
    connect = network_of(server)
    replication = replicas.of(server)
    before = replication.following
    if before is not None:
        before.end()
    stream = replication.stream
    for session in replication.replicas:
        session.close()
    server.switch_off(switches.REPLICATED)
    for waiting in list(server.waiting):
        if waiting.wait is not None and waiting.wait.keys and not pause.is_postponed(waiting):
            error = CommandError(errors.UNBLOCKED_BY_ROLE)
            statistics.failed(server, waiting.wait.command, error)
            blocking.finish(waiting.wait, error)
    following = replication.following = Following(replication, host, port)
    following.known = before.known if before is not None else stream.backlog is not None
    following.failing_over = failing_over
    following.selected = max(stream.selected, 0) if before is None else before.selected
    server.switch_on(switches.FOLLOWING, _CHECK)
    server.config.override("replicaof", f"{host} {port}")
    refresh(server)
    following.link = connect(following)


def network_of(server: Server) -> Callable[[Following], Link]:
    """What connects a server to its master.

    Raises:
        CommandError: it may open no socket.
    """
    if server.connect is None:
        raise CommandError(
            "ERR this server has no network and cannot follow another one: see follow= of "
            "FakeServer and patch"
        )
    return server.connect


def end(server: Server) -> None:
    """Be a master again, with the data as they are."""
    following = of(server)
    if following is not None:
        following.leave()


def of(server: Server) -> Following | None:
    """A replica's relation to its master; None for a master."""
    replication = server.replication
    return None if replication is None else replication.following


def refresh(server: Server) -> None:
    """See whether clients may see data that may be old."""
    following = of(server)
    stale = (
        following is not None and following.state != "connected"
        and not server.config.boolean("replica-serve-stale-data")
    )
    if stale != bool(server.switched & switches.STALE):
        if stale:
            server.switch_on(switches.STALE, _STALE_CHECK)
        else:
            server.switch_off(switches.STALE)


# Gates --------------------------------------------------------------------------------------------


def writes(session: Session, command: Command) -> bool:
    """Whether a command, or one of a transaction's, is declared to write."""
    if command.flags & RUNS_QUEUE:
        return any(queued.flags & WRITE for queued, _ in session.queue)
    return bool(command.flags & WRITE)


def writing_script(session: Session, command: Command, args: Sequence[bytes]) -> bool:
    """Whether a script says of itself that it may write."""
    runs = command.declaration.runs
    return bool(
        runs and args and not command.flags & READONLY
        and (runs == "function" or _has_shebang(session.server, runs, args[0]))
        and pause.may_write(session, command, args)
    )


def _has_shebang(server: Server, runs: str, word: bytes) -> bool:
    if runs == "source":
        return word.startswith(b"#!")
    scripts = server.scripting
    found = scripts.scripts.get(word.lower()) if scripts is not None else None
    return found is not None and found.flags is not None


def _read_only(session: Session, command: Command, args: Sequence[bytes]) -> Any:
    if writes(session, command) and session.server.config.boolean("replica-read-only"):
        return CommandError(errors.READ_ONLY_REPLICA)
    return None


def _read_only_client(session: Session, command: Command, args: Sequence[bytes]) -> Any:
    error = _read_only(session, command, args)
    if error is not None or not command.declaration.runs or session.switched & switches.QUEUEING:
        return error
    if session.server.config.boolean("replica-read-only"):
        if writing_script(session, command, args):
            return CommandError(errors.READ_ONLY_REPLICA)
    return None


def _stale(session: Session, command: Command, args: Sequence[bytes]) -> Any:
    return None if command.flags & STALE else CommandError(errors.MASTER_DOWN)


def _missing(session: Session, command: Command, args: Sequence[bytes]) -> Any:
    server = session.server
    if server.switched & switches.FOLLOWING or not writes(session, command):
        return None
    return None if has_enough(server) else CommandError(errors.NO_REPLICAS)


def _missing_client(session: Session, command: Command, args: Sequence[bytes]) -> Any:
    error = _missing(session, command, args)
    if error is not None or not command.declaration.runs or session.switched & switches.QUEUEING:
        return error
    server = session.server
    if not server.switched & switches.FOLLOWING and not has_enough(server):
        if writing_script(session, command, args):
            return CommandError(errors.NO_REPLICAS)
    return None


def has_enough(server: Server) -> bool:
    """Whether as many replicas are there as the configuration wants for writes."""
    wanted = server.config.integer("min-replicas-to-write")
    if not wanted or not server.config.integer("min-replicas-max-lag"):
        return True
    return server.replication is not None and server.replication.good() >= wanted


def configure(server: Server) -> None:
    """A parameter about replicas has changed."""
    if server.config.integer("min-replicas-to-write"):
        replicas.of(server)
        server.switch_on(switches.GUARDED, _GUARD)
    else:
        server.switch_off(switches.GUARDED)
    refresh(server)


_CHECK: Final = Check({Origin.CLIENT: _read_only_client, Origin.SCRIPT: _read_only})
_STALE_CHECK: Final = Check({Origin.CLIENT: _stale})
_GUARD: Final = Check({Origin.CLIENT: _missing_client, Origin.SCRIPT: _missing})
