"""What a server knows of its replicas, and whose replica it is: its side of PSYNC and REPLCONF."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final, Protocol

from fakeredis.engine.core import blocking
from fakeredis.engine.core.replies import Pieces, Raw
from fakeredis.engine.features import pause
from fakeredis.engine.features.replication_stream import ASK, NO_ID, PING, Keeper, Stream

if TYPE_CHECKING:
    from fakeredis.engine.core.server import Server
    from fakeredis.engine.core.session import Session
    from fakeredis.engine.features.following import Following

_WAITING: Final = "waiting-for-sync"
_FOR_EVER: Final = 1 << 62  # milliseconds
_MARK: Final = 40  # letters at the end of a file whose size nobody knew


def host_of(session: Session, follower: Follower) -> str:
    """Where a replica is: where it says, or where it comes from."""
    return follower.host or session.address.rpartition(":")[0].strip("[]")


class Snapshot(Keeper, Protocol):
    """The data of one moment, as a file."""

    def pieces(self) -> Iterator[bytes]:
        """Its bytes; between two of them commands may run."""


class Follower:
    """A replica, or a client that will be one."""

    def __init__(self) -> None:
        self.host = ""  # as it says
        self.port = 0
        self.reads_to_mark = False  # "capa eof"
        self.knows_ids = False  # "capa psync2"
        self.file_only = False
        self.functions_only = False  # in the file
        self.state = ""  # of a replica: "send_bulk", "online"
        self.offset = 0  # what it has, as it says
        self.on_disk = 0
        self.heard = 0.0  # when, as `Replication.now`
        # What the stream says before the replica can take it: it reads a file up to a mark only
        # where nothing comes behind that.
        self.held: list[bytes] | None = None
        self.snapshot: Keeper | None = None  # that is made for it


class Failover:
    """A master gives its place to a replica."""

    def __init__(
        self, session: Session | None, ends: float | None, force: bool,
        follow: Callable[[str, int], None],
    ) -> None:
        self.state = _WAITING
        self.session = session  # the replica's; None: the first that has everything
        self.ends = ends  # when it is given up, or forced, as `Replication.now`
        self.force = force
        self.follow = follow  # makes the server follow another one


class Replication:
    """A server's replicas, its stream, and its master if it has one."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.stream = Stream(server, self._send)
        self.known: dict[Session, Follower] = {}
        self.following: Following | None = None
        self.failover: Failover | None = None  # while one goes on
        self.second_id = NO_ID  # under which the stream was known before
        self.second_offset = -1  # until which
        self.waiting: dict[Session, None] = {}  # for what replicas say
        self.syncs = {"sync_full": 0, "sync_partial_ok": 0, "sync_partial_err": 0}
        self.empty_since: float | None = None  # when the last replica left
        self.now = 0.0  # seconds by the clock of who serves replicas; tests may move the server's
        self._pinged = 0.0

    @property
    def replicas(self) -> dict[Session, Follower]:
        """Those that have attached."""
        return {session: each for session, each in self.known.copy().items() if each.state}

    def facts_of(self, session: Session) -> Follower:
        """What is known of a client, be it a replica or not."""
        return self.known.setdefault(session, Follower())

    def is_replica(self, session: Session) -> bool:
        """Whether a client is a replica."""
        follower = self.known.get(session)
        return follower is not None and bool(follower.state)

    def is_master(self, session: Session) -> bool:
        """Whether a session stands for the master."""
        return self.following is not None and self.following.session is session

    # The stream -----------------------------------------------------------------------------------

    def _send(self, data: bytes) -> None:
        raw = Raw(data)
        for session, follower in self.known.items():
            if follower.held is not None:
                follower.held.append(data)
            elif follower.state and not follower.file_only:
                session.deliver(raw)

    def tick(self, now: float) -> None:
        """Let replicas hear of the master now and then; end links that are silent.

        Args:
            now: seconds by a clock that nobody moves.
        """
        if not self.now:
            self._begin_time(now)
        self.now = now
        self._drop_silent(now)
        self._fail_over()
        replicas = self.replicas
        period = self._integer("repl-ping-replica-period")
        if self.following is None and now - self._pinged >= period:
            self._pinged = now
            if replicas:
                self.stream.say(PING)
        if not replicas and self.following is None and self.stream.backlog is not None:
            self._forget(now)
        if self.server.leaving:  # closed here, or in a command: none may follow for long
            self.server.release_sessions()

    def _begin_time(self, now: float) -> None:
        """What was noted before the first tick was so just now."""
        self._pinged = now
        for follower in self.known.values():
            follower.heard += now
        if self.failover is not None and self.failover.ends is not None:
            self.failover.ends += now

    def _forget(self, now: float) -> None:
        """Forget the stream when there have been no replicas for long."""
        if self.empty_since is None:
            self.empty_since = now
        lasts = self._integer("repl-backlog-ttl")
        if lasts and now - self.empty_since > lasts:
            self.stream.end()
            self.new_id()

    def _integer(self, name: str) -> int:
        return self.server.config.integer(name)

    def _drop_silent(self, now: float) -> None:
        patience = self._integer("repl-timeout")
        for session, follower in self.replicas.items():
            if follower.state == "online" and now - follower.heard > patience:
                session.close()

    def new_id(self) -> None:
        """Begin a stream that nobody can go on with."""
        self.server.replication_id = secrets.token_hex(20)
        self.second_id, self.second_offset = NO_ID, -1

    def shift_id(self) -> None:
        """Go on under a new name; those who know the old one may go on until here."""
        self.second_id = self.server.replication_id
        self.second_offset = self.stream.offset + 1
        self.server.replication_id = secrets.token_hex(20)
        self.stream.selected = -1

    def break_off(self) -> None:
        """The data have become others: all replicas must begin anew."""
        if self.following is not None:
            self.following.begin_anew()
        for session in self.replicas:
            session.close()
        if self.stream.backlog is not None:
            self.stream.end()
        self.new_id()

    # Replicas -------------------------------------------------------------------------------------

    def go_on(self, session: Session, known_id: str, offset: int) -> bytes | None:
        """What a replica misses that was cut off; None where it must begin anew."""
        stream = self.stream
        if stream.backlog is None:
            return None
        if known_id != self.server.replication_id and (
            known_id != self.second_id or offset > self.second_offset
        ):
            return None
        missed = stream.backlog.since(offset, stream.size)
        if missed is None:
            return None
        self._attach(session, "online")
        self.syncs["sync_partial_ok"] += 1
        head = b"+CONTINUE"
        if self.facts_of(session).knows_ids:
            head += b" " + self.server.replication_id.encode()
        return head + b"\r\n" + missed

    def _attach(self, session: Session, state: str) -> Follower:
        follower = self.facts_of(session)
        follower.state = state
        follower.heard = self.now
        self.empty_since = None
        self.stream.begin()
        return follower

    def begin_anew(self, session: Session, snapshot: Snapshot, by_psync: bool) -> Pieces:
        """All data for a replica, and the stream from now on.

        Args:
            session: the replica's.
            snapshot: the data, as they are now.
            by_psync: whether it is told where the stream is.
        """
        stream = self.stream
        stream.begin()
        self.syncs["sync_full"] += 1
        if self.following is None:
            stream.selected = -1  # it has no database selected
        follower = self._attach(session, "send_bulk")
        follower.snapshot, follower.held = snapshot, []
        stream.snapshots.append(snapshot)
        head = b""
        if by_psync:
            head = b"+FULLRESYNC %b %d\r\n" % (self.server.replication_id.encode(), stream.offset)
        return Pieces(self._file(session, follower, snapshot, head))

    def _file(
        self, session: Session, follower: Follower, snapshot: Snapshot, head: bytes
    ) -> Iterator[bytes]:
        try:
            yield head
            if follower.reads_to_mark:
                mark = secrets.token_hex(_MARK // 2).encode()
                yield b"$EOF:%b\r\n" % mark
                yield from snapshot.pieces()
                yield mark
            else:
                parts = []
                for piece in snapshot.pieces():
                    parts.append(piece)
                    yield b"\n"  # it is to know that the server is at work
                yield b"$%d\r\n" % sum(map(len, parts))
                yield from parts
        finally:
            with self.server.lock:
                self._end_snapshot(follower)
                if follower.state:
                    follower.state = "online"
                    follower.heard = self.now
                    if not follower.reads_to_mark:
                        self._release(session, follower)

    def _release(self, session: Session, follower: Follower) -> None:
        """Send what the stream has said meanwhile."""
        held, follower.held = follower.held, None
        if held and not follower.file_only:
            session.deliver(Raw(b"".join(held)))

    def _end_snapshot(self, follower: Follower) -> None:
        snapshot, follower.snapshot = follower.snapshot, None
        if snapshot is not None:
            self.stream.snapshots.remove(snapshot)

    def let_go(self) -> None:
        """Follow nobody."""
        if self.following is not None:
            self.following.leave()

    def leave(self, session: Session) -> None:
        """A client has gone."""
        follower = self.known.pop(session, None)
        self.stream.written.pop(session, None)
        self.waiting.pop(session, None)
        if follower is not None:
            follower.state = ""
            self._end_snapshot(follower)

    # Failover -------------------------------------------------------------------------------------

    def begin_failover(self, failover: Failover) -> None:
        """Give this server's place to a replica, as soon as that has everything."""
        self.failover = failover
        pause.begin(self.server, _FOR_EVER, everything=False)
        self.stream.say(ASK)

    def end_failover(self) -> None:
        """It has been done, or is given up: clients that wait go on."""
        if self.failover is not None:
            self.failover = None
            pause.end(self.server)

    def _fail_over(self) -> None:
        """See whether the replica is ready, or the time is over."""
        failover = self.failover
        if failover is None or failover.state != _WAITING:
            return
        over = failover.ends is not None and self.now >= failover.ends
        for session, each in self.replicas.items():
            wanted = failover.session in (None, session) and each.state == "online"
            if wanted and (each.offset >= self.stream.offset or (over and failover.force)):
                failover.state = "failover-in-progress"
                failover.follow(host_of(session, each), each.port)
                return
        if over:
            self.end_failover()

    # Acknowledgements -----------------------------------------------------------------------------

    def acknowledged(self, session: Session, offset: int, on_disk: int | None) -> None:
        """A replica says what it has; those who waited for that go on."""
        follower = self.known.get(session)
        if follower is None or not follower.state:
            return
        follower.offset = max(follower.offset, offset)
        if follower.held is not None and follower.state == "online":
            self._release(session, follower)
        if on_disk is not None:
            follower.on_disk = max(follower.on_disk, on_disk)
        follower.heard = self.now
        self._fail_over()
        for waiting in list(self.waiting):
            if waiting.wait is not None:
                blocking.retry(waiting.wait)
            if waiting.wait is None:
                self.waiting.pop(waiting, None)

    def having(self, session: Session, on_disk: bool = False) -> int:
        """How many replicas have all that a client has written."""
        offset = self.stream.written.get(session, 0)
        return sum(
            (each.on_disk if on_disk else each.offset) >= offset
            for each in self.replicas.values() if each.state == "online"
        )

    def ask(self, session: Session) -> None:
        """Have replicas say what they have, for a client waits for it."""
        self.waiting[session] = None
        if self.replicas:
            self.stream.say(ASK)

    def good(self) -> int:
        """How many replicas have been heard of lately."""
        most = self._integer("min-replicas-max-lag")
        now = self.now
        return sum(
            each.state == "online" and int(now) - int(each.heard) <= most
            for each in self.replicas.values()
        )


def of(server: Server) -> Replication:
    """What a server knows of replicas, from now on."""
    if server.replication is None:
        server.replication = Replication(server)
    found: Replication = server.replication
    return found


