"""The engine over TCP and Unix sockets, for programs outside this process.

One thread runs an asyncio loop; a connection is a `ClientProtocol` around a `Session`.  What
a client sends is parsed and run as it comes, all replies to one packet go out in one write, and a
client that does not read is not read from, so that it stalls nobody.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import signal
import socket
import threading
import time
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from fakeredis.engine.lua import busy
from fakeredis.tcp.meanwhile import Meanwhile
from fakeredis.tcp.protocol import ClientProtocol
from fakeredis.tcp.sockets import (
    ListeningSocket,
    allow_many_files,
    bind,
    bind_unix,
    remove,
)
from fakeredis.tcp.tls import Secure

if TYPE_CHECKING:
    import ssl

    from fakeredis.engine.core.server import Server
    from fakeredis.engine.core.session import Session

_LAST_COMMAND: Final = 1.0  # seconds that a command may take when the process is to end
_BUFFER: Final = 1 << 18  # bytes that are read at once
_TICK: Final = 0.1  # seconds between looks at keys that expire and waits that end
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


class TcpService:
    """Sockets that listen for one server, and the loop that serves them."""

    def __init__(self, server: Server, sockets: list[ListeningSocket]) -> None:
        self.server = server
        self.sockets = sockets
        self.connections: set[ClientProtocol] = set()
        self.thread = 0
        self.loop: asyncio.AbstractEventLoop | None = None
        self.ready = threading.Event()
        self.buffer = memoryview(bytearray(_BUFFER))  # for what comes, until its connection is told
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
        """Serve inside a running event loop, until `stop` is called."""
        self.loop = loop = asyncio.get_running_loop()
        self.thread = threading.get_ident()
        self._stopping = asyncio.Event()
        listening = [
            await loop.create_server(
                partial(self._protocol, each.context), sock=each.sock, backlog=511
            )
            for each in self.sockets
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
            for each in self.sockets:
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
        """Expire keys and end waits while nobody sends anything."""
        server = self.server
        ticks = 0
        while True:
            await asyncio.sleep(_TICK)
            if server.deadlines or server.waiting:
                server.catch_up()
            if server.replication is not None:
                with server.lock:
                    server.replication.tick(asyncio.get_running_loop().time())
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
            if each.heard < silent and not waits(session):
                each.transport.abort()

    def _protocol(self, context: ssl.SSLContext | None) -> ClientProtocol | Secure:
        """What serves a new client."""
        assert self.loop is not None
        connection = ClientProtocol(self, self.loop)
        return connection if context is None else Secure(context, connection, self.loop)

    def _pump(self) -> None:
        """Take what clients send while a script that one of them called runs long."""
        loop = self.loop
        if threading.get_ident() != self.thread or not isinstance(loop, asyncio.SelectorEventLoop):
            return  # Windows' own loop has begun to read already
        if self._meanwhile is None:
            self._meanwhile = Meanwhile(
                loop, self._protocol, [(each.sock, each.context) for each in self.sockets]
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
            }
        return self._limits[kind]


def waits(session: Session) -> bool:
    """Whether a client is silent with good reason, so that ``timeout`` does not end it."""
    replication = session.server.replication
    return bool(
        session.wait is not None or session.channels or session.patterns or session.shard_channels
        or session in session.server.monitors
        or (replication is not None and replication.is_replica(session))
    )


class Listener:
    """Where other programs reach a server; a context manager that closes it.

    Made by `fakeredis.FakeServer.listen`.  A thread of its own serves the clients.
    """

    def __init__(
        self, server: Server, sockets: list[socket.socket], context: ssl.SSLContext | None = None
    ) -> None:
        self.address: Any = sockets[0].getsockname()  # (host, port), or a Unix socket's path
        self._paths = [each.getsockname() for each in sockets]
        self._service = TcpService(server, [ListeningSocket(each, context) for each in sockets])
        self._thread = threading.Thread(target=self._service.run, name="fakeredis", daemon=True)
        self._thread.start()
        self._service.ready.wait()

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
        self._service.stop()
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


def listen(
    server: Server, host: str, port: int, path: str | None, context: ssl.SSLContext | None
) -> Listener:
    """Serve at a TCP port, or at a path if there is one, in a thread.

    Raises:
        OSError: the address is taken, or is not this machine's.
    """
    sock = bind(host, port) if path is None else bind_unix(path)
    return Listener(server, [sock], context)


def serve(server: Server, sockets: list[ListeningSocket], say: Callable[[str], None]) -> None:
    """Serve in this thread until Ctrl-C, SIGTERM or SHUTDOWN.

    Args:
        say: is given a line for each address when all is ready.
    """
    service = TcpService(server, sockets)
    service.ends_with_server = True
    addresses = [each.address for each in sockets]

    def end(*_: object) -> None:
        # A short command comes to its end; a long one, or a script, is left where it is, also one
        # that has come already and begins only now.
        service.stop()
        if hasattr(signal, "setitimer"):
            signal.signal(signal.SIGALRM, leave)
            signal.setitimer(signal.ITIMER_REAL, _LAST_COMMAND, _LAST_COMMAND)

    def leave(*_: object) -> None:
        if service.in_command:
            raise SystemExit(0)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError, ValueError):  # Windows; not main thread
                loop.add_signal_handler(number, service.stop)
                signal.signal(number, end)
        for address in (each.address for each in sockets):
            text = f"{address[0]}:{address[1]}" if isinstance(address, tuple) else address
            say(f"fakeredis {server.profile.version_text} ready at {text}")
        await service.serve()

    allow_many_files()
    try:
        asyncio.run(main())
    finally:
        if hasattr(signal, "setitimer"):
            with contextlib.suppress(ValueError):  # not the main thread
                signal.setitimer(signal.ITIMER_REAL, 0)
        remove(addresses)
