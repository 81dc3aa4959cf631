"""One client of a listening server: bytes in, replies out, and waiting without stalling anybody."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from fakeredis.engine.command.command import ALONE
from fakeredis.engine.core import blocking, switches
from fakeredis.engine.core.replies import BLOCKED, NO_REPLY, Draws, Pieces
from fakeredis.errors import CommandError, ConnectionLost
from fakeredis.resp import RequestParser, encode, is_long, pieces
from fakeredis.stores.base import StoreError
from fakeredis.tcp.sockets import shown

if TYPE_CHECKING:
    from fakeredis.engine.core.session import ProtocolSession, Session
    from fakeredis.tcp.listener import TcpService

_BATCH: Final = 1 << 16  # bytes of replies after which they are written
_TURN: Final = 1 << 20  # bytes of a long reply after which others have their turn
_SLICE: Final = 0.01  # seconds of a long reply, likewise
_PATIENCE: Final = 0.1  # seconds of one client's commands, likewise
_BACKLOG: Final = 1024  # commands of a blocked client that wait, until it is not read any more
# A browser that somebody has tricked into talking to this port; only valid commands come before.
_HTTP: Final = frozenset({b"post", b"host:"})


class ClientProtocol(asyncio.BufferedProtocol):
    """One client."""

    __slots__ = (
        "service", "loop", "transport", "session", "parser", "backlog", "running", "scheduled",
        "full", "deaf", "alarm", "timer", "heard", "received", "sent", "count", "over",
        "packet", "pieces",
    )

    def __init__(self, service: TcpService, loop: asyncio.AbstractEventLoop) -> None:
        self.service = service
        self.loop = loop
        self.transport: Any = None
        self.session: ProtocolSession | None = None
        self.parser = RequestParser()
        self.backlog: deque[list[bytes]] = deque()  # commands that have come and not run
        self.running = False  # the loop is in `_run`, which looks at the outbox itself
        self.scheduled = False  # the loop will look at the outbox
        self.full = False  # the client does not read its replies
        self.deaf = False  # the client is not read from
        self.alarm: blocking.Alarm | None = None  # of the wait that the timer is for
        self.timer: asyncio.TimerHandle | None = None
        self.heard = loop.time()  # when the client last sent something
        self.received = self.sent = self.count = 0  # bytes, bytes and commands so far
        self.packet = 0  # bytes that came last
        self.pieces: Iterator[bytes] | None = None  # what is left of a long reply
        self.over = 0.0  # since when more waits for the client than the soft limit

    # The transport's calls ------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet a client, or refuse it."""
        self.transport = transport
        self.service.connections.add(self)
        peer = transport.get_extra_info("peername")
        refusal = self.service.refusal(peer)
        if refusal is not None:
            self.service.server.statistics.refused_connections += bool(refusal)
            self.transport.write(refusal)
            self.transport.close()
            return
        own = transport.get_extra_info("sockname")
        try:
            self.session = session = self.service.server.protocol_session(
                shown(peer if isinstance(peer, tuple) else own), shown(own)
            )
        except (OSError, StoreError) as error:  # what the server's store forwards to
            self.transport.write(encode(CommandError(f"ERR {error}"), 2))
            self.transport.close()
            return
        session.sends_pieces = True
        session.wake = self._woken
        session.usage = self._usage

    def _usage(self) -> dict[str, int]:
        """What CLIENT LIST tells of the connection."""
        waiting = self.transport.get_write_buffer_size()
        pending = self.packet if self.running else self.parser.pending
        return {
            "fd": self.transport.get_extra_info("socket").fileno(), "qbuf": pending,
            "qbuf-free": 0, "oll": int(waiting > 0), "omem": waiting,
            "tot-mem": 1928 + pending + waiting, "tot-net-in": self.received,
            "tot-net-out": self.sent, "tot-cmds": self.count,
        }

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the transport puts what comes: all connections of a service share it.

        asyncio would take 256 KB for each read and keep the few bytes that have come, which leaves
        C's heap full of holes: the process grew to thrice its size.
        """
        return self.service.buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Run what the client has sent, which is in the buffer."""
        self.data_received(bytes(self.service.buffer[:nbytes]))

    def data_received(self, data: bytes) -> None:
        """Run what the client sends."""
        session = self.session
        if session is None or self.transport.is_closing():
            return
        parser = self.parser
        server = self.service.server
        self.heard = self.loop.time()
        self.packet = len(data)
        self.received += self.packet
        session.last_used = server.clock.seconds()
        parser.max_length = server.config.proto_max_bulk_len
        parser.push(data)
        self._parse(session)
        if not self.running:
            self._run()
        if parser.pending > 1 << 20 and parser.pending > self.service.query_limit():
            self.transport.abort()

    def _parse(self, session: Session) -> None:
        """Read commands: only the next one of a client that must authenticate first."""
        parser = self.parser
        parser.trusted = not session.switched & switches.UNAUTHENTICATED
        if parser.trusted:
            self.backlog += parser.take()
        elif not self.backlog:
            self.backlog += parser.take(1)

    def eof_received(self) -> None:
        """The client sends no more: the transport closes when all is written."""

    def pause_writing(self) -> None:
        """The client reads too slowly: run nothing more for it, unless a limit is to end it."""
        self.full = not self.service.limits("normal")[0]
        self._listen()

    def resume_writing(self) -> None:
        """The client has read: go on."""
        self.full = False
        self.look()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        self.service.connections.discard(self)
        self.backlog.clear()
        self.pieces = None
        self._stop_timer()
        if self.session is not None:
            # A session is freed by the garbage collector, some day; what its client has sent, now.
            self.session.wake = self.session.usage = None
            self.session.close()

    # Commands -------------------------------------------------------------------------------

    def _run(self) -> None:
        """Run the commands that have come, as far as nothing holds them back."""
        session = self.session
        assert session is not None
        outer = self.service.in_command  # of another client, see `TcpService._pump`
        self.running = self.service.in_command = True
        try:
            with self.service.server.together():
                self._run_backlog(session)
        except ConnectionLost:
            self.transport.abort()
            return
        finally:
            self.running = False
            self.service.in_command = outer
        if session.closed:
            self.transport.close()
            return
        if session.wait is not None:
            self._start_timer(session.wait)
        waits = session.wait is not None or self.full
        if session.outbox or self.pieces is not None or (self.backlog and not waits):
            self._woken()  # another thread came in between
        if self.deaf or self.full or len(self.backlog) > _BACKLOG:
            self._listen()

    def _run_backlog(self, session: ProtocolSession) -> None:
        backlog, outbox = self.backlog, session.outbox
        out: list[bytes] = []
        size = 0
        end = self.loop.time() + _PATIENCE
        while (
            not self.full and session.wait is None and not session.closed and self.pieces is None
        ):
            if not backlog:
                self._parse_more(session, out)
                if not backlog:
                    break
            if len(backlog) > 1 and self._run_together(session, out):
                continue
            argv = backlog.popleft()
            self.count += 1
            try:
                reply = session.execute(argv)
            except CommandError as error:
                if argv[0].lower() in _HTTP:
                    raise ConnectionLost from error
                reply = error.with_traceback(None)  # its frames hold it
            except ConnectionLost:
                raise
            except Exception as error:
                reply = self._failed(error)
            while session.ahead:
                session.ahead -= 1
                out.append(encode(outbox.popleft(), session.protocol))
            if type(reply) is Pieces:
                self.pieces = reply.parts
                break
            if is_long(reply) and (type(reply) is Draws or not self.service.limits("normal")[0]):
                self.pieces = pieces(reply, session.protocol)
                break
            if reply is not BLOCKED and reply is not NO_REPLY:
                out.append(encode(reply, session.protocol))
                size += len(out[-1])
            while outbox:
                out.append(encode(outbox.popleft(), session.protocol))
                size += len(out[-1])
            if size >= _BATCH:
                self._write(session, b"".join(out))
                out.clear()
                size = 0
            if backlog and self.loop.time() > end:
                break  # others have their turn, and the client may have gone
        if out:
            self._write(session, b"".join(out))

    def _go_on(self, session: Session) -> bool:
        """Write on a long reply; whether it has come to its end."""
        written = 0
        end = self.loop.time() + _SLICE
        while self.pieces is not None and not self.full and not self.transport.is_closing():
            piece = next(self.pieces, None)
            if piece is None:
                self.pieces = None
                return True
            self._write(session, piece)
            written += len(piece)
            if written > _TURN or self.loop.time() > end:
                self._woken()
                break
        return self.pieces is None

    def _goes_alone(self, argv: Sequence[bytes]) -> bool:
        """Whether a command never runs in one go with others."""
        if argv[0].lower() in _HTTP:
            return True
        command = self.service.server.table.find(argv[0])
        return command is not None and bool(command.flags & ALONE)

    def _run_together(self, session: Session, out: list[bytes]) -> bool:
        """Run a pipeline in one go where commands are forwarded; whether it has run."""
        if not session.server.forwards:
            return False
        batch = list(self.backlog)
        if any(map(self._goes_alone, batch)):
            return False
        self.backlog.clear()
        self.count += len(batch)
        for reply in session.execute_many(batch):
            if isinstance(reply, Exception) and not isinstance(reply, CommandError):
                raise ConnectionLost(str(reply))
            if reply is not BLOCKED and reply is not NO_REPLY:
                out.append(encode(reply, session.protocol))
        while session.outbox:
            out.append(encode(session.outbox.popleft(), session.protocol))
        return True

    def _write(self, session: Session, data: bytes) -> None:
        """Send replies; a client for whom too much waits is dropped."""
        self.sent += len(data)
        transport = self.transport
        if transport.is_closing():  # the client has gone: nothing more is to be done for it
            self.backlog.clear()
            self.parser = RequestParser()
            return
        transport.write(data)
        if len(data) > _BATCH or transport.get_write_buffer_size():
            self.check_output(session, len(data))

    def check_output(self, session: Session, size: int = 0) -> None:
        """Drop a client that does not read, as ``client-output-buffer-limit`` says."""
        listens = session.channels or session.patterns or session.shard_channels
        replication = session.server.replication
        kind = "pubsub" if listens else "normal"
        if replication is not None and replication.is_replica(session):
            kind = "slave"
        hard, soft, seconds = self.service.limits(kind)
        waiting = max(self.transport.get_write_buffer_size(), size)
        if not soft or waiting <= soft:
            self.over = 0.0
        elif not self.over:
            self.over = self.loop.time()
        if (hard and waiting > hard) or (self.over and self.loop.time() - self.over > seconds):
            self.transport.abort()
            session.close()

    def _failed(self, error: Exception) -> CommandError:
        """A command of this program or of a third party has a fault: tell both sides."""
        self.loop.call_exception_handler({
            "message": "a command failed in an unforeseen way", "exception": error,
            "protocol": self, "transport": self.transport,
        })
        return CommandError(f"ERR internal error: {type(error).__name__}: {error}")

    def _parse_more(self, session: Session, out: list[bytes]) -> None:
        """All commands have run: parse on after AUTH, or tell what was wrong with the bytes."""
        parser = self.parser
        if parser.error is None:
            if not parser.trusted:
                self._parse(session)
            if self.backlog or parser.error is None:
                return
        text = str(parser.error)
        if text:
            out.append(encode(CommandError(text), session.protocol))
        session.close()

    # What comes later -----------------------------------------------------------------------

    def _woken(self) -> None:
        """Something is in the outbox, or the session was closed; called by any thread."""
        if self.running or self.scheduled:
            return
        self.scheduled = True
        if threading.get_ident() == self.service.thread:
            self.loop.call_soon(self.look)
            return
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self.loop.call_soon_threadsafe(self.look)

    def look(self) -> None:
        """Write what is in the outbox, and go on with what it held back."""
        self.scheduled = False
        session = self.session
        if session is None or self.transport.is_closing():
            return
        if self.pieces is not None:
            if session.closed:
                self.transport.abort()
                return
            if not self._go_on(session):
                return
        out = []
        while session.outbox:
            out.append(encode(session.outbox.popleft(), session.protocol))
        if out:
            self._write(session, b"".join(out))
        if session.closed:
            self.transport.abort()  # by another client, or by the server
        elif session.wait is None and not self.full:
            self._run()

    def _listen(self) -> None:
        """Read from the client, or no longer."""
        deaf = self.full or len(self.backlog) > _BACKLOG
        if deaf != self.deaf and not self.transport.is_closing():
            self.deaf = deaf
            if deaf:
                self.transport.pause_reading()
            else:
                self.transport.resume_reading()

    # Waits that end by themselves -----------------------------------------------------------

    def _start_timer(self, wait: blocking.Wait) -> None:
        alarm = self.alarm
        if alarm is not None and alarm.wait is wait and self.timer is not None:
            return
        if alarm is None or alarm.wait is not wait:
            self._stop_timer()
            alarm = self.alarm = blocking.Alarm(wait, self.loop.time())
        seconds = alarm.seconds(self.loop.time())
        if seconds is not None:
            self.timer = self.loop.call_later(seconds, self._time_out, alarm)

    def _stop_timer(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        self.alarm = None

    def _time_out(self, alarm: blocking.Alarm) -> None:
        """The blocked command's time is over, also where the server's clock stands still."""
        session = self.session
        self.timer = None
        assert session is not None
        self.service.server.catch_up()
        alarm.ring(self.loop.time())
        if session.wait is not None:
            self._start_timer(session.wait)
