"""What stands in the place of a socket: a session of the engine, and waiting for its messages.

redis-py's connections keep their socket in ``_sock``.  A fake one keeps a `FakeSocket` there, so
that everything redis-py does with the socket's presence (connect, disconnect, reconnect) works
unchanged, while commands and replies pass as Python objects.
"""

from __future__ import annotations

import errno
import os
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, Final
from weakref import ref

import redis

from fakeredis.engine.core.replies import BLOCKED, NO_REPLY
from fakeredis.errors import CommandError, ConnectionLost
from fakeredis.lazy import LazyModule
from fakeredis.spy.methods import NotedWords

if TYPE_CHECKING:
    from fakeredis import resp
    from fakeredis.clients.interfaces import AnyConnection, Parser
    from fakeredis.engine.core import blocking
    from fakeredis.engine.core.interfaces import SessionLike
else:
    blocking = LazyModule("fakeredis.engine.core.blocking")
    resp = LazyModule("fakeredis.resp")

# Tools that stop the clock (freezegun) replace names in modules, and a client whose time stands
# still would wait for ever.  They leave threading's own name alone, and none looks into objects.
monotonic: Final = partial(getattr(threading, "_time", time.monotonic))
AFTER_END: Final = (
    "the fakeredis.patch() in which this client was made has ended: it does not wait any more"
)
_TICK: Final = 0.1  # seconds between looks at keys that may expire while everyone waits
# A wait without end cannot be interrupted on Windows.
_LONGEST: Final = 1.0 if sys.platform == "win32" else None
_orphans: deque[SessionLike] = deque()  # to be closed as soon as no lock is in the way


class FakeSocket:
    """One end of a connection that never touches the network."""

    __slots__ = (
        "session", "timeout", "_waiter", "_made_by", "_parser", "_pair", "_backlog", "_closed",
        "_late", "abandoned", "_waiting", "_timer", "patient", "gave_up", "on_use",
        "careful", "_alarm", "reads", "sends", "packs", "parser", "played", "_unread",
        "__weakref__",
    )

    def __init__(self, session: SessionLike, timeout: float | None = None) -> None:
        self.session = session
        session.shell = ref(self)
        self.timeout = timeout  # seconds; None waits for ever
        self._waiter: Any = None  # a lock that is released when something has come
        self._made_by: Any = None  # what has made it: gevent and eventlet have locks of their own
        self._parser: resp.RequestParser | None = None
        self._pair: tuple[socket.socket, socket.socket] | None = None
        self._backlog: deque[Sequence[bytes]] | None = None  # sent while a command waits
        self._closed = False  # from this end
        # Whether its connection does more than send and receive, so that no short cut takes it.
        self.careful = False
        # What a short cut passes over must be what it was: the methods that its connection's class
        # sends and reads with, and the parser, without a mock in its namespace. It has no parser
        # where it is careful, or closed.
        self.reads: Any = None
        self.sends: Any = None
        self.parser: Parser | None = None
        self.played: Any = ()
        self.packs: Any = None  # encodes arguments, see `encoder_for`
        self._unread: bytearray | None = None  # of a reply that is read as the protocol's bytes
        self.abandoned = False  # by the end of a patch
        self._waiting = False
        self._alarm: blocking.Alarm | None = None  # of the wait that it saw last
        # Whether it waits for what has not come: not after a patch's end.
        self.patient = not session.server.outlived
        self.on_use: Callable[[], None] | None = None  # called once, before its first reply
        self.gave_up = False  # whether it did not wait for a message, see `stop_listening`
        self._timer: threading.Timer | None = None  # ends a wait for whoever polls the descriptor
        # Until when replies are on their way: by our own clock, and by the server's.
        self._late: tuple[float, float] | None = None

    def turn(self, connection: AnyConnection) -> FakeSocket | None:
        """The wire that a short cut may take instead of this one; None: none may."""
        return None

    # Commands and messages ------------------------------------------------------------------

    def send(self, argv: Sequence[bytes]) -> None:
        """Run a command; what it replies can be received then.

        Raises:
            ConnectionLost: the server is down or has closed this connection.
        """
        session = self.session
        if session.wait is not None or self._backlog:
            if self._backlog is None:
                self._backlog = deque()
            self._backlog.append(argv)
            return
        if type(argv) is NotedWords:
            session.method = argv.method
            session.position = argv.position if session.via == "pipeline" else 0
        try:
            reply = session.execute(argv)
        except CommandError as error:
            reply = error.with_traceback(None)  # frames would keep the client alive
        if type(argv) is NotedWords:
            session.method, session.position = None, 0
        self._take(reply)

    def send_many(self, commands: Sequence[Sequence[bytes]]) -> None:
        """Run commands that were packed together: by one message where they go elsewhere.

        Raises:
            ConnectionLost: as ``send``.
        """
        session = self.session
        if session.via != "direct" or not commands or type(commands[0]) is not NotedWords:
            self._send_many(commands)
            return
        # While there is a spy: a batch of a cluster's client, or one packed by hand.
        mark(session, "transaction" if commands[0] == [b"MULTI"] else "pipeline")
        try:
            self._send_many(commands)
        finally:
            mark(session, "direct")

    def _send_many(self, commands: Sequence[Sequence[bytes]]) -> None:
        done = 0
        if len(commands) > 1 and self.session.wait is None and not self._backlog:
            for reply in self.session.execute_many(commands):
                done += 1
                if isinstance(reply, Exception) and not isinstance(reply, CommandError):
                    raise reply
                self._take(reply)
        for argv in commands[done:]:
            self.send(argv)

    def _take(self, reply: object) -> None:
        """Put a reply where it can be received."""
        session = self.session
        if session.lag:
            self._hold_back()
        if reply is BLOCKED:
            self._block()
        elif reply is not NO_REPLY:
            if self.on_use is not None and session.via != "handshake":
                called, self.on_use = self.on_use, None
                called()
            session.outbox.append(reply)
            if self.abandoned:
                raise ConnectionLost("Connection closed by server.")
            if session.wake is not None and not self._on_its_way():
                session.wake()

    def _block(self) -> None:
        """A command waits.

        Raises:
            ConnectionLost: the patch has ended: nothing does then.
        """
        if not self.patient:
            self.session.close()
            raise ConnectionLost(AFTER_END)
        if self._pair is not None:
            self._set_timer()

    def send_bytes(self, data: bytes) -> None:
        """Run what was packed into the protocol's bytes.

        Raises:
            ConnectionLost: the server is down or has closed this connection.
        """
        if self.session.closed:
            raise ConnectionLost("Connection closed by server.")

        if self._parser is None:
            self._parser = resp.RequestParser()
        try:
            for argv in self._parser.feed(data):
                self.send(argv)
        except resp.ProtocolError as error:
            self.session.outbox.append(CommandError(str(error)))
            self.session.close()

    def receive(self, timeout: float | None) -> Any:
        """The next reply or push; errors are returned, not raised.

        Raises:
            TimeoutError: nothing came within ``timeout`` seconds.
            ConnectionLost: nothing will ever come.
        """
        outbox = self.session.outbox
        if not outbox or self._late is not None:
            self._await(timeout)
        item = outbox.popleft()
        if self._pair is not None and not outbox:
            self._drain()
        return item

    def readable(self, timeout: float | None) -> bool:
        """Whether something can be received within ``timeout`` seconds; also when it is closed."""
        if (self.session.outbox and self._late is None) or self.session.closed:
            return True
        if timeout is not None and timeout <= 0 and not self._backlog and self._late is None:
            server = self.session.server
            if not server.deadlines:
                return False
            server.catch_up()  # what has expired by itself may be news
            return bool(self.session.outbox) or self.session.closed
        try:
            self._await(timeout)
        except TimeoutError:
            return False
        except ConnectionLost:
            return True
        return True

    def lost(self) -> bool:
        """Whether nothing will ever come: the session is closed, or the server is down."""
        session = self.session
        if session.forwarded and not session.outbox:
            session.look()
        return not session.outbox and (session.closed or not session.server.connected)

    # Waiting --------------------------------------------------------------------------------

    def _await(self, timeout: float | None) -> None:
        """Wait until the outbox holds something: `receive` says what it raises."""
        session = self.session
        if self._waiter is None or self._made_by is not threading.Lock:
            self._made_by = threading.Lock
            self._waiter = self._made_by()
            self._waiter.acquire()
        session.wake = self.woken
        ends = None if timeout is None else monotonic() + timeout
        self._waiting = True
        try:
            while self._is_late(ends) or not self._has_come():
                self._be_patient()
                seconds = self._pause(ends)
                if seconds is None:
                    seconds = _LONGEST
                if not self._waiter.acquire(timeout=-1 if seconds is None else seconds):
                    session.server.catch_up()
        finally:
            self._waiting = False

    def woken(self) -> None:
        """Called by whichever thread has something for this session."""
        if self._pair is not None:
            self._stop_timer()
            self._signal()
        waiter = self._waiter
        if waiter is not None:
            try:
                waiter.release()
            except RuntimeError:
                pass  # it was released already

    def _has_come(self) -> bool:
        """Whether something can be received; runs what was held back by a command that waited."""
        session = self.session
        while self._backlog and session.wait is None and not session.outbox:
            argv = self._backlog.popleft()
            backlog, self._backlog = self._backlog, None
            self.send(argv)
            self._backlog = backlog
        if session.outbox:
            return True
        if session.closed:
            raise ConnectionLost("Connection closed by server.")
        return False

    def _be_patient(self) -> None:
        """Nothing has come: go on waiting, unless the patch has ended.

        Who waits for ever then keeps its thread, and maybe the interpreter, from ending.

        Raises:
            ConnectionLost: it has.
        """
        if not self.patient:
            self.gave_up = self.listens()
            raise ConnectionLost(AFTER_END)

    def _ring(self, now: float) -> float | None:
        """Time out the blocked command when its time is over; how long to let it wait else."""
        wait = self.session.wait
        if wait is None or wait.deadline is None:
            return None
        alarm = self._alarm
        if alarm is None or alarm.wait is not wait:
            alarm = self._alarm = blocking.Alarm(wait, now)
        alarm.ring(now)
        return alarm.seconds(now)

    def _pause(self, ends: float | None) -> float | None:
        """How long to sleep at most.

        Raises:
            TimeoutError: the shell has waited long enough.
        """
        now = monotonic()
        server = self.session.server
        seconds = _TICK if server.notify_flags or server.deadlines else None
        if self._late is not None:
            seconds = max(0.0, min(_TICK, self._late[0] - now))
        left = self._ring(now)
        if left is not None:
            seconds = left if seconds is None else min(seconds, left)
        if ends is not None:
            if now >= ends:
                raise TimeoutError("timed out")
            seconds = ends - now if seconds is None else min(seconds, ends - now)
        return seconds

    def _set_timer(self) -> None:
        """Start a timer that ends the blocked command's wait, as who polls waits nowhere."""
        self._stop_timer()
        seconds = self._ring(monotonic())
        if seconds is not None and self.session.wait is not None:
            self._timer = threading.Timer(seconds, self._time_out)
            self._timer.name, self._timer.daemon = "fakeredis-timer", True
            self._timer.start()

    def _stop_timer(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def _time_out(self) -> None:
        self.session.server.catch_up()
        self._set_timer()

    # Replies that come late -----------------------------------------------------------------

    def _hold_back(self) -> None:
        """Delay the arrival of the last command's reply, and of what follows it."""
        session = self.session
        seconds, session.lag = session.lag, 0.0
        ours, servers = self._late or (0.0, 0.0)
        self._late = (
            max(ours, monotonic() + seconds),
            max(servers, session.server.clock.seconds() + seconds),
        )
        if self._pair is not None and self._on_its_way():
            timer = threading.Timer(seconds, self._arrive)
            timer.daemon = True
            timer.start()

    def _on_its_way(self) -> bool:
        """Whether replies are late, and time passes by itself."""
        return self._late is not None and self.session.server.clock.frozen is None

    def _arrive(self) -> None:
        """Wake those who poll the descriptor, as late replies have come."""
        if self._late is not None and self._late[0] <= monotonic():
            self._late = None
        self.woken()

    def _is_late(self, ends: float | None) -> bool:
        """Whether a reply is still on its way.

        While the server's clock is frozen it moves ahead instead, up to the reply's arrival or to
        the end of the shell's patience.

        Raises:
            TimeoutError: which comes first.
        """
        if self._late is None or self.session.closed:
            return False
        server = self.session.server
        ours, servers = self._late
        left: float = min(ours - monotonic(), servers - server.clock.seconds())
        if left > 0 and server.clock.frozen is not None:
            left = servers - server.clock.seconds()
            patience = left if ends is None else max(ends - monotonic(), 0)
            server.advance(min(left, patience))
            if patience < left:
                raise TimeoutError("timed out")
            left = 0
        if left <= 0:
            self._late = None
        return left > 0

    # A socket's manners ---------------------------------------------------------------------

    def close(self) -> None:
        """End the session, as closing a socket does.

        Also called by the garbage collector, which may come in the middle of a command that this
        very thread runs: the session is closed later then.
        """
        _orphans.append(self.session)
        self._closed = True
        self._backlog = self._late = self.parser = None
        self.played = ()
        self._stop_timer()
        if not self.session.server.lock._is_owned():  # type: ignore[attr-defined]
            close_orphans()
        if self._pair is not None:
            for end in self._pair:
                end.close()
            self._pair = None

    def __del__(self) -> None:
        """Nobody polls the descriptor any more."""
        if self._pair is not None:
            for end in self._pair:
                end.close()

    def abandon(self) -> bool:
        """End the session, and with it all waits for it; whether its descriptor may be polled.

        Then it stays open, readable, for as long as the wire lives. A command that another thread
        sends at this moment either fails, or its reply is in the outbox before this returns.
        """
        self.abandoned = True
        self.session.close()
        return self._pair is not None

    def in_use(self) -> bool:
        """Whether somebody waits, or a command has been sent whose reply is yet to be read."""
        session = self.session
        if session.wait is not None or self._backlog or self._waiting:
            return True
        return bool(session.outbox) and not self.listens()

    def listens(self) -> bool:
        """Whether it is subscribed to anything."""
        return self.session.subscriptions > 0

    def shutdown(self, how: int) -> None:
        """Nothing is buffered here."""

    def sendall(self, data: bytes) -> None:
        """Bytes of the protocol, as a real socket would take them.

        Raises:
            BrokenPipeError: the session was closed.
        """
        try:
            self.send_bytes(data)
        except ConnectionLost:
            raise BrokenPipeError(32, "Broken pipe") from None

    def recv(self, size: int, flags: int = 0) -> bytes:
        """The next reply or push as bytes of the protocol, for parsers that read for themselves.

        Raises:
            BlockingIOError: there is none now, and nobody wants to wait.
            TimeoutError: none came in time.
        """
        if not self._unread:
            if (flags or self.timeout == 0) and not self.readable(0):
                raise BlockingIOError(errno.EWOULDBLOCK, os.strerror(errno.EWOULDBLOCK))
            try:
                self._put_bytes(self.receive(self.timeout))
            except ConnectionLost:
                return b""
        return self._taken_bytes(size, bool(flags))

    def recv_into(self, buffer: Any, size: int = 0, flags: int = 0) -> int:
        """Receive bytes into a buffer; returns how many."""
        view = memoryview(buffer)
        data = self.recv(size or len(view), flags)
        view[: len(data)] = data
        return len(data)

    def _put_bytes(self, item: object) -> None:
        self._unread = (self._unread or bytearray()) + resp.encode(item, self.session.protocol)

    def _taken_bytes(self, size: int, look: bool = False) -> bytes:
        unread = self._unread
        assert unread is not None
        data = bytes(unread[:size])
        if not look:
            del unread[:size]
        return data

    def gettimeout(self) -> float | None:
        """Seconds, or None."""
        return self.timeout

    def settimeout(self, timeout: float | None) -> None:
        """Seconds, or None."""
        self.timeout = timeout

    def setblocking(self, blocking: bool) -> None:
        """Set the time to wait: as long as it takes, or not at all."""
        self.timeout = None if blocking else 0.0

    def getpeername(self) -> Any:
        """The server's address."""
        host, _, port = self.session.server.address.rpartition(":")
        return ("127.0.0.1" if host == "localhost" else host, int(port)) if host else port

    def getsockname(self) -> tuple[str, int]:
        """The client's address."""
        host, _, port = self.session.address.rpartition(":")
        return host, int(port or 0)

    def fileno(self) -> int:
        """A descriptor that polls readable while messages wait; made when first asked for.

        As a socket's it is -1 once this end was closed: event loops ask for it again in order to
        forget it.
        """
        if self._closed:
            return -1
        if self._pair is None:
            self._pair = socket.socketpair()
            for end in self._pair:
                end.setblocking(False)
            self.session.wake = self.woken
            if self.session.outbox or self.session.closed:
                self._signal()
            elif self.session.wait is not None:
                self._set_timer()
        return self._pair[0].fileno()

    def _signal(self) -> None:
        """Make the descriptor poll readable."""
        try:
            if self._pair is not None:
                self._pair[1].send(b"\0")
        except OSError:
            pass  # it is full, which is as good, or closed

    def _drain(self) -> None:
        """Make the descriptor poll unreadable: everything was received."""
        try:
            while self._pair is not None and self._pair[0].recv(4096):
                pass
        except OSError:
            pass
        if self.session.outbox or self.session.closed:
            self._signal()  # it came meanwhile


LAST: Final = "_fakeredis_last"  # in a connection's namespace: its wire, where that is impatient


def be_impatient(connection: AnyConnection, wire: FakeSocket) -> None:
    """A connection goes on after its patch's end, but waits for nothing."""
    wire.patient = False
    vars(connection)[LAST] = wire


def stop_listening(connection: AnyConnection) -> None:
    """A connection connects anew: refuse it once where a patch has ended under who listens.

    Who listens would connect, subscribe, hear so, and fail again, for ever.

    Raises:
        redis.ConnectionError: it has.
    """
    wire = vars(connection).pop(LAST, None)
    if wire is not None and wire.gave_up:
        raise redis.ConnectionError(AFTER_END)


def close_orphans() -> None:
    """Close the sessions whose connections have gone."""
    while _orphans:
        try:
            session = _orphans.popleft()
        except IndexError:
            return  # another thread was quicker
        session.close()
        session.wake = None


def mark(session: SessionLike, via: str) -> None:
    """Tell the spy how the next commands arrive."""
    session.via = via
    session.group = next(_groups) if via != "direct" else 0


_groups: Final = count(1)
