"""The engine over TCP and Unix sockets, for programs outside this process.

One thread runs an asyncio loop; a connection is an `asyncio.Protocol` around a `Session`.  What
a client sends is parsed and run as it comes, all replies to one packet go out in one write, and a
client that does not read is not read from, so that it stalls nobody.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import os
import signal
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fakeredis.engine.core import blocking, dispatch
from fakeredis.engine.core.replies import BLOCKED, NO_REPLY
from fakeredis.engine.lua import busy
from fakeredis.errors import CommandError, ConnectionLost
from fakeredis.meanwhile import Meanwhile
from fakeredis.resp import RequestParser, encode
from fakeredis.stores.base import StoreError
from fakeredis.tls import Secure

if TYPE_CHECKING:
    import ssl

    from fakeredis.engine.core.profiles import VersionLike
    from fakeredis.engine.core.server import Server
    from fakeredis.engine.core.session import Session, WireSession

_LAST_COMMAND: Final = 1.0  # seconds that a command may take when the process is to end
_TICK: Final = 0.1  # seconds between looks at keys that expire and waits that end
_BATCH: Final = 1 << 16  # bytes of replies after which they are written
_BACKLOG: Final = 1024  # commands of a blocked client that wait, until it is not read any more
# A browser that somebody has tricked into talking to this port; only valid commands come before.
_HTTP: Final = frozenset({b"post", b"host:"})
_ALONE: Final = frozenset({b"hello", b"reset", b"quit"}) | _HTTP  # never run in one go with others
MAX_CLIENTS: Final = b"-ERR max number of clients reached\r\n"
DENIED: Final = (
    b"-DENIED Redis is running in protected mode because protected mode is enabled and no "
    b"password is set for the default user. In this mode connections are only accepted from "
    b"the loopback interface. If you want to connect from external computers to Redis you "
    b"may adopt one of the following solutions: 1) Just disable protected mode sending the "
    b"command 'CONFIG SET protected-mode no' from the loopback interface by connecting to "
    b"Redis from the same host the server is running, however MAKE SURE Redis is not "
    b"publicly accessible from internet if you do so. Use CONFIG REWRITE to make this change"
    b" permanent. 2) Alternatively you can just disable the protected mode by editing the "
    b"Redis configuration file, and setting the protected mode option to 'no', and then "
    b"restarting the server. 3) If you started the server manually just for testing, restart"
    b" it with the '--protected-mode no' option. 4) Set up an authentication password for "
    b"the default user. NOTE: You only need to do one of the above things in order for the "
    b"server to start accepting connections from the outside.\r\n"
)


class _Connection(asyncio.Protocol):
    """One client."""

    __slots__ = (
        "door", "loop", "transport", "session", "parser", "backlog", "running", "scheduled",
        "full", "deaf", "timed", "timer", "heard", "received", "sent", "count", "over",
        "packet",
    )  # fmt: skip

    def __init__(self, door: Door, loop: asyncio.AbstractEventLoop) -> None:
        self.door = door
        self.loop = loop
        self.transport: Any = None
        self.session: WireSession | None = None
        self.parser = RequestParser()
        self.backlog: deque[list[bytes]] = deque()  # commands that have come and not run
        self.running = False  # the loop is in `_run`, which looks at the outbox itself
        self.scheduled = False  # the loop will look at the outbox
        self.full = False  # the client does not read its replies
        self.deaf = False  # the client is not read from
        self.timed: blocking.Wait | None = None  # the wait that the timer is for
        self.timer: asyncio.TimerHandle | None = None
        self.heard = loop.time()  # when the client last sent something
        self.received = self.sent = self.count = 0  # bytes, bytes and commands so far
        self.packet = 0  # bytes that came last
        self.over = 0.0  # since when more waits for the client than the soft limit

    # The transport's calls ------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet a client, or refuse it."""
        self.transport = transport
        self.door.connections.add(self)
        peer = transport.get_extra_info("peername")
        refusal = self.door.refusal(peer)
        if refusal is not None:
            self.door.server.statistics.refused_connections += bool(refusal)
            self.transport.write(refusal)
            self.transport.close()
            return
        own = transport.get_extra_info("sockname")
        try:
            self.session = session = self.door.server.wire_session(
                _shown(peer if isinstance(peer, tuple) else own), _shown(own)
            )
        except (OSError, StoreError) as error:  # what the server's store forwards to
            self.transport.write(encode(CommandError(f"ERR {error}"), 2))
            self.transport.close()
            return
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
        }  # fmt: skip

    def data_received(self, data: bytes) -> None:
        """Run what the client sends."""
        session = self.session
        if session is None or self.transport.is_closing():
            return
        parser = self.parser
        server = self.door.server
        self.heard = self.loop.time()
        self.packet = len(data)
        self.received += self.packet
        session.last_used = server.clock.seconds()
        parser.max_length = server.config.proto_max_bulk_len
        parser.push(data)
        self._parse(session)
        if not self.running:
            self._run()
        if parser.pending > 1 << 20 and parser.pending > self.door.query_limit():
            self.transport.abort()

    def _parse(self, session: Session) -> None:
        """Read commands: only the next one of a client that must authenticate first."""
        parser = self.parser
        parser.trusted = not session.guard & dispatch.UNAUTHENTICATED
        if parser.trusted:
            self.backlog += parser.take()
        elif not self.backlog:
            self.backlog += parser.take(1)

    def eof_received(self) -> None:
        """The client sends no more: the transport closes when all is written."""

    def pause_writing(self) -> None:
        """The client reads too slowly: run nothing more for it, unless a limit is to end it."""
        self.full = not self.door.limits("normal")[0]
        self._listen()

    def resume_writing(self) -> None:
        """It has read."""
        self.full = False
        self.look()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        self.door.connections.discard(self)
        self.backlog.clear()
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
        outer = self.door.in_command  # of another client, see `Door._pump`
        self.running = self.door.in_command = True
        try:
            self._run_backlog(session)
        except ConnectionLost:
            self.transport.abort()
            return
        finally:
            self.running = False
            self.door.in_command = outer
        if session.closed:
            self.transport.close()
            return
        if session.wait is not None:
            self._start_timer(session.wait)
        if session.outbox:
            self._woken()  # another thread came in between
        if self.deaf or self.full or len(self.backlog) > _BACKLOG:
            self._listen()

    def _run_backlog(self, session: WireSession) -> None:
        backlog, outbox = self.backlog, session.outbox
        out: list[bytes] = []
        size = 0
        while not self.full and session.wait is None and not session.closed:
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
                reply = error
            except ConnectionLost:
                raise
            except Exception as error:
                reply = self._failed(error)
            while session.ahead:
                session.ahead -= 1
                out.append(encode(outbox.popleft(), session.protocol))
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
        if out:
            self._write(session, b"".join(out))

    def _run_together(self, session: Session, out: list[bytes]) -> bool:
        """Run a pipeline in one go where commands are forwarded; whether it has run."""
        if not session.server.forwards:
            return False
        batch = list(self.backlog)
        if any(argv[0].lower() in _ALONE for argv in batch):
            return False
        self.backlog.clear()
        self.count += len(batch)
        for reply in session.execute_many(batch):  # type: ignore[attr-defined]
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
        hard, soft, seconds = self.door.limits("pubsub" if listens else "normal")
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
        })  # fmt: skip
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
        if threading.get_ident() == self.door.thread:
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
        seconds = blocking.seconds_left(wait)
        if wait is self.timed or seconds is None:
            return
        self._stop_timer()
        self.timed = wait
        self.timer = self.loop.call_later(max(seconds, 0), self._time_out, wait)

    def _stop_timer(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        self.timed = None

    def _time_out(self, wait: blocking.Wait) -> None:
        """The blocked command's time is over, also where the server's clock stands still."""
        session = self.session
        self._stop_timer()
        assert session is not None
        with self.door.server.lock:
            if session.wait is wait:
                blocking.time_out(wait)
        if session.wait is not None:
            self._start_timer(session.wait)


class Entrance(NamedTuple):
    """A socket that listens, with TLS or without."""

    sock: socket.socket
    context: ssl.SSLContext | None = None

    @property
    def address(self) -> Any:
        """Host and port, or a Unix socket's path."""
        return self.sock.getsockname()

    @property
    def is_tcp(self) -> bool:
        """Whether it has a port."""
        return isinstance(self.address, tuple)


class Door:
    """Sockets that listen for one server, and the loop that serves them."""

    def __init__(self, server: Server, entrances: list[Entrance]) -> None:
        self.server = server
        self.entrances = entrances
        self.connections: set[_Connection] = set()
        self.thread = 0
        self.loop: asyncio.AbstractEventLoop | None = None
        self.ready = threading.Event()
        self.in_command = False  # the loop is busy with what a client sent
        self.ends_with_server = False  # SHUTDOWN ends `run`
        self._meanwhile: Meanwhile | None = None  # while a script runs long
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping: asyncio.Event | None = None
        self._stop_asked = False
        self._limits_text: str | None = None
        self._limits: dict[str, tuple[int, int, int]] = {}

    def run(self) -> None:
        """Serve until `stop` is called."""
        asyncio.run(self._serve_in_time())

    async def _serve_in_time(self) -> None:
        """Serve by the machine's clock, also where a tool (freezegun) has stopped Python's."""
        loop: Any = asyncio.get_running_loop()
        with contextlib.suppress(AttributeError):  # a loop that is no Python object
            loop.time = partial(getattr(threading, "_time", time.monotonic))
        await self.serve()

    async def serve(self) -> None:
        """The same inside a loop."""
        self.loop = loop = asyncio.get_running_loop()
        self.thread = threading.get_ident()
        self._stopping = asyncio.Event()
        listening = [
            await loop.create_server(
                partial(self._protocol, each.context), sock=each.sock, backlog=511
            )
            for each in self.entrances
        ]
        ticking = loop.create_task(self._tick())
        busy.add_pump(self.server, self._pump)
        self.ready.set()
        try:
            if not self._stop_asked:
                await self._stopping.wait()
        finally:
            busy.remove_pump(self.server, self._pump)
            ticking.cancel()
            await self._close(loop, listening)
            self.loop = None

    async def _close(
        self, loop: asyncio.AbstractEventLoop, listening: list[asyncio.Server]
    ) -> None:
        """Close everything. What is being accepted must come up first: asyncio loses it else."""
        with contextlib.suppress(NotImplementedError):  # Windows
            for each in self.entrances:
                loop.remove_reader(each.sock.fileno())
        for _ in range(5):
            await asyncio.sleep(0)
        for server in listening:
            server.close()
        for connection in list(self.connections):
            connection.transport.abort()
        for _ in range(5):
            await asyncio.sleep(0)

    def stop(self) -> None:
        """End `run`; may be called by any thread."""
        self._stop_asked = True
        loop, stopping = self.loop, self._stopping
        if loop is not None and stopping is not None:
            with contextlib.suppress(RuntimeError):  # it has ended meanwhile
                loop.call_soon_threadsafe(stopping.set)

    async def _tick(self) -> None:
        """Let keys expire and waits end while nobody sends anything."""
        server = self.server
        ticks = 0
        while True:
            await asyncio.sleep(_TICK)
            if server.deadlines or server.waiting:
                server.catch_up()
            if self.ends_with_server and not server.connected:
                self.stop()
            ticks += 1
            if ticks % 10 == 0:
                self._drop_idle()

    def _drop_idle(self) -> None:
        """End connections that have been silent, or have not read, for too long."""
        seconds = self.server.config.integer("timeout")
        silent = asyncio.get_running_loop().time() - seconds if seconds else 0.0
        for each in list(self.connections):
            session = each.session
            if session is None:
                continue
            if each.over:
                each.check_output(session)
            if each.heard < silent and not _waits(session):
                each.transport.abort()

    def _protocol(self, context: ssl.SSLContext | None) -> asyncio.Protocol:
        """What serves a new client."""
        assert self.loop is not None
        connection = _Connection(self, self.loop)
        return connection if context is None else Secure(context, connection, self.loop)

    def _pump(self) -> None:
        """Take what clients send while a script that one of them called runs long."""
        loop = self.loop
        if threading.get_ident() != self.thread or not isinstance(loop, asyncio.SelectorEventLoop):
            return  # Windows' own loop has begun to read already
        if self._meanwhile is None:
            self._meanwhile = Meanwhile(
                loop, self._protocol, [(each.sock, each.context) for each in self.entrances]
            )
            loop.call_soon(self._script_ended)
        self._meanwhile.turn(self.connections)

    def _script_ended(self) -> None:
        """The loop turns again."""
        meanwhile, self._meanwhile = self._meanwhile, None
        if meanwhile is not None:
            self._tasks.update(meanwhile.end())
            for task in self._tasks:
                task.add_done_callback(self._tasks.discard)

    # Rules ----------------------------------------------------------------------------------

    def refusal(self, peer: Any) -> bytes | None:
        """What a new client is told instead of being served; None when it is welcome."""
        server = self.server
        if not server.connected:
            return b""
        if len(server.sessions) >= server.config.integer("maxclients"):
            return MAX_CLIENTS
        if isinstance(peer, tuple) and not ipaddress.ip_address(peer[0]).is_loopback:
            if server.config.boolean("protected-mode") and not server.config.requirepass:
                return DENIED
        return None

    def query_limit(self) -> int:
        """Bytes that a client may send before a command is complete."""
        return self.server.config.integer("client-query-buffer-limit")

    def limits(self, kind: str) -> tuple[int, int, int]:
        """How much may wait for clients of a kind: at all, and for so many seconds; 0 for any."""
        text = self.server.config.text("client-output-buffer-limit")
        if text is not self._limits_text:
            words = text.split()
            self._limits_text, self._limits = text, {
                words[at]: (int(words[at + 1]), int(words[at + 2]), int(words[at + 3]))
                for at in range(0, len(words), 4)
            }  # fmt: skip
        return self._limits[kind]


def _shown(address: Any) -> str:
    """An address as CLIENT LIST shows it."""
    if isinstance(address, tuple):
        host, port = address[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return f"{address}:0"


def _waits(session: Session) -> bool:
    """Whether a client is silent with good reason, so that ``timeout`` does not end it."""
    return bool(
        session.wait is not None or session.channels or session.patterns or session.shard_channels
        or session in session.server.monitors
    )  # fmt: skip


class Listener:
    """A server's door to other programs; a context manager that closes it.

    Made by `fakeredis.FakeServer.listen`.  A thread of its own serves the clients.
    """

    def __init__(
        self, server: Server, sockets: list[socket.socket], context: ssl.SSLContext | None = None
    ) -> None:
        self.address: Any = sockets[0].getsockname()  # (host, port), or a Unix socket's path
        self._paths = [each.getsockname() for each in sockets]
        self._door = Door(server, [Entrance(each, context) for each in sockets])
        self._thread = threading.Thread(target=self._door.run, name="fakeredis", daemon=True)
        self._thread.start()
        self._door.ready.wait()

    @property
    def port(self) -> int:
        """The TCP port.

        Raises:
            TypeError: it is a Unix socket.
        """
        if not isinstance(self.address, tuple):
            raise TypeError(f"a Unix socket has no port: {self.address}")
        return int(self.address[1])

    def close(self) -> None:
        """Close all connections and the sockets that listen."""
        self._door.stop()
        if self._thread is not threading.current_thread():
            self._thread.join()
        remove(self._paths)

    def __enter__(self) -> Listener:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def serve(server: Server, entrances: list[Entrance], say: Callable[[str], None]) -> None:
    """Serve in this thread until Ctrl-C, SIGTERM or SHUTDOWN.

    Args:
        say: is given a line for each address when all is ready.
    """
    door = Door(server, entrances)
    door.ends_with_server = True
    addresses = [each.address for each in entrances]

    def end(*_: object) -> None:
        # A short command comes to its end; a long one, or a script, is left where it is, also one
        # that has come already and begins only now.
        door.stop()
        if hasattr(signal, "setitimer"):
            signal.signal(signal.SIGALRM, leave)
            signal.setitimer(signal.ITIMER_REAL, _LAST_COMMAND, _LAST_COMMAND)

    def leave(*_: object) -> None:
        if door.in_command:
            raise SystemExit(0)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError, ValueError):  # Windows; not main thread
                loop.add_signal_handler(number, door.stop)
                signal.signal(number, end)
        for address in (each.address for each in entrances):
            text = f"{address[0]}:{address[1]}" if isinstance(address, tuple) else address
            say(f"fakeredis {server.profile.version_text} ready at {text}")
        await door.serve()

    _allow_many_files()
    try:
        asyncio.run(main())
    finally:
        if hasattr(signal, "setitimer"):
            with contextlib.suppress(ValueError):  # not the main thread
                signal.setitimer(signal.ITIMER_REAL, 0)
        remove(addresses)


def _allow_many_files() -> None:
    """As many connections as the system lets this process have."""
    try:
        import resource
    except ImportError:  # Windows
        return
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class TcpFakeServer:
    """A server on a TCP port, with the names of `socketserver.BaseServer`.

    Args:
        server_address: host and port; port 0 takes a free one.
        bind_and_activate: accepted for compatibility; it is always bound.
        server_type: ``"redis"`` or ``"valkey"``.
        server_version: the version to imitate.
        fake_server: a `fakeredis.FakeServer` to serve instead of a new one.
    """

    allow_reuse_address = True
    daemon_threads = True

    def __init__(
        self, server_address: tuple[str, int], bind_and_activate: bool = True,
        server_type: str = "redis", server_version: VersionLike = "8.2",
        fake_server: Server | None = None,
    ) -> None:
        from fakeredis.server import FakeServer

        if fake_server is None:
            fake_server = FakeServer(version=server_version, server_type=server_type)
        self.fake_server = fake_server
        self.socket = bind(*server_address)
        self.server_address: tuple[str, int] = self.socket.getsockname()[:2]
        self._door = Door(fake_server, [Entrance(self.socket)])
        self._done = threading.Event()
        self._done.set()

    def serve_forever(self, poll_interval: float = 0.5) -> None:
        """Serve until `shutdown` is called by another thread."""
        self._done.clear()
        try:
            self._door.run()
        finally:
            self._done.set()

    def shutdown(self) -> None:
        """End `serve_forever`, and wait for its end."""
        self._door.stop()
        self._done.wait()

    def server_close(self) -> None:
        """Close the socket that listens."""
        self._door.stop()
        self.socket.close()

    def fileno(self) -> int:
        """The descriptor of the socket that listens."""
        return self.socket.fileno()

    def __enter__(self) -> TcpFakeServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.server_close()


def bind(host: str, port: int) -> socket.socket:
    """A socket that will listen at an address.

    Raises:
        OSError: the address is taken, or is not this machine's.
        OverflowError: there is no such port.
    """
    if not 0 <= port <= 65535:
        raise OverflowError("port must be 0-65535")
    family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
    return socket.create_server((host, port), family=family, backlog=511)


def bind_unix(path: str) -> socket.socket:
    """A Unix socket that will listen at a path; one that nobody listens at is replaced.

    Raises:
        OSError: another program listens there, or there is a file.
    """
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _remove_stale(path)
        sock.bind(path)
        sock.listen(511)
    except OSError:
        sock.close()
        raise
    return sock


def _remove_stale(path: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            remove([path])
        except OSError:
            pass  # nothing is there, or nothing that can be told
        else:
            raise OSError(errno.EADDRINUSE, f"another program listens at {path}")


def remove(addresses: list[Any]) -> None:
    """Remove the files of Unix sockets among addresses."""
    for address in addresses:
        if isinstance(address, str) and address:
            with contextlib.suppress(OSError):
                os.unlink(address)
