"""What stands in the place of a socket: a session of the engine, and waiting for its messages.

redis-py's connections keep their socket in ``_sock``.  A fake one keeps a `Wire` there, so that
everything redis-py does with the socket's presence (connect, disconnect, reconnect) works unchanged,
while commands and replies pass as Python objects.
"""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from fakeredis import resp
from fakeredis.engine.replies import BLOCKED, NO_REPLY, Status
from fakeredis.engine.session import Session
from fakeredis.errors import CommandError, ConnectionLost


class Wire:
    """One end of a connection that never touches the network."""

    __slots__ = ("session", "timeout", "_event", "_parser", "_pair", "__weakref__")

    def __init__(self, session: Session, timeout: float | None = None) -> None:
        self.session = session
        self.timeout = timeout  # seconds; None waits for ever
        self._event: threading.Event | None = None
        self._parser: resp.RequestParser | None = None
        self._pair: tuple[socket.socket, socket.socket] | None = None

    # Commands and messages ------------------------------------------------------------------

    def send(self, argv: Sequence[bytes]) -> None:
        """Run a command; what it replies can be received then.

        Raises:
            ConnectionLost: the server is down or has closed this connection.
        """
        session = self.session
        try:
            reply = session.execute(argv)
        except CommandError as error:
            reply = error
        if reply is not BLOCKED and reply is not NO_REPLY:
            session.outbox.append(reply)
            if session.wake is not None:
                session.wake()

    def send_bytes(self, data: bytes) -> None:
        """Run what was packed into the protocol's bytes."""
        if self._parser is None:
            self._parser = resp.RequestParser()
        for argv in self._parser.feed(data):
            self.send(argv)

    def receive(self, timeout: float | None) -> Any:
        """The next reply or push; errors are returned, not raised.

        Raises:
            socket.timeout: nothing came within ``timeout`` seconds.
            ConnectionLost: nothing will ever come.
        """
        outbox = self.session.outbox
        if not outbox:
            self._await(timeout)
        item = outbox.popleft()
        return bytes(item) if type(item) is Status else item

    def _await(self, timeout: float | None) -> None:
        session = self.session
        if self._event is None:
            self._event = threading.Event()
        event = self._event
        ends = None if timeout is None else time.monotonic() + timeout
        while True:
            event.clear()
            session.wake = event.set
            if session.outbox:
                return
            if session.closed:
                raise ConnectionLost("Connection closed by server.")
            remaining = None if ends is None else ends - time.monotonic()
            if remaining is not None and remaining <= 0:
                raise socket.timeout("timed out")
            event.wait(self._shorter(remaining))
            session.server.catch_up()

    def _shorter(self, remaining: float | None) -> float | None:
        """No longer than until the blocked command's own time-out."""
        wait = self.session.wait
        if wait is None or wait.deadline is None:
            return remaining
        until = max(wait.deadline / 1000 - self.session.server.clock.seconds(), 0) + 0.001
        return until if remaining is None else min(until, remaining)

    def readable(self, timeout: float | None) -> bool:
        """Whether something can be received within ``timeout`` seconds; also when it is closed."""
        if self.session.outbox or self.session.closed:
            return True
        if timeout is not None and timeout <= 0:
            return False
        try:
            self._await(timeout)
        except socket.timeout:
            return False
        except ConnectionLost:
            return True
        return True

    # A socket's manners ---------------------------------------------------------------------

    def close(self) -> None:
        """End the session, as closing a socket does."""
        self.session.close()
        if self._pair is not None:
            for end in self._pair:
                end.close()
            self._pair = None

    def shutdown(self, how: int) -> None:
        """Nothing is buffered here."""

    def sendall(self, data: bytes) -> None:
        """Bytes of the protocol, as a real socket would take them."""
        self.send_bytes(data)

    def gettimeout(self) -> float | None:
        """Seconds, or None."""
        return self.timeout

    def settimeout(self, timeout: float | None) -> None:
        """Seconds, or None."""
        self.timeout = timeout

    def setblocking(self, blocking: bool) -> None:
        """As ``settimeout``."""
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
        """A descriptor that polls readable while messages wait; made when first asked for."""
        if self._pair is None:
            self._pair = socket.socketpair()
            for end in self._pair:
                end.setblocking(False)
        return self._pair[0].fileno()


class AsyncWire(Wire):
    """A `Wire` whose waits are awaited; asyncio's connections keep it as reader and writer."""

    __slots__ = ()

    async def receive_async(self, timeout: float | None) -> Any:
        """As ``receive``.

        Raises:
            asyncio.TimeoutError: nothing came within ``timeout`` seconds.
            ConnectionLost: nothing will ever come.
        """
        outbox = self.session.outbox
        if not outbox:
            await self._await_async(timeout)
        item = outbox.popleft()
        return bytes(item) if type(item) is Status else item

    async def _await_async(self, timeout: float | None) -> None:
        session = self.session
        loop = asyncio.get_running_loop()
        ends = None if timeout is None else time.monotonic() + timeout
        while True:
            future = loop.create_future()
            session.wake = partial(_wake, loop, future)
            if session.outbox:
                return
            if session.closed:
                raise ConnectionLost("Connection closed by server.")
            remaining = None if ends is None else ends - time.monotonic()
            if remaining is not None and remaining <= 0:
                raise asyncio.TimeoutError
            await _wait_for(loop, future, self._shorter(remaining))
            session.server.catch_up()

    # A stream's manners ---------------------------------------------------------------------

    async def wait_closed(self) -> None:
        """It is closed at once."""

    def is_closing(self) -> bool:
        """Whether it was closed."""
        return self.session.closed

    def at_eof(self) -> bool:
        """Whether nothing more will come."""
        return self.session.closed and not self.session.outbox

    def write(self, data: bytes) -> None:
        """Bytes of the protocol, as a real stream would take them."""
        self.send_bytes(data)

    def writelines(self, pieces: Iterable[bytes]) -> None:
        """As ``write`` for each."""
        for piece in pieces:
            self.send_bytes(piece)

    async def drain(self) -> None:
        """Nothing is buffered here."""

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """``peername`` and ``sockname``."""
        if name == "peername":
            return self.getpeername()
        return self.getsockname() if name == "sockname" else default


async def _wait_for(
    loop: asyncio.AbstractEventLoop, future: asyncio.Future[None], timeout: float | None
) -> None:
    handle = None if timeout is None else loop.call_later(timeout, _finish, future)
    try:
        await future
    finally:
        if handle is not None:
            handle.cancel()


def _finish(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _wake(loop: asyncio.AbstractEventLoop, future: asyncio.Future[None]) -> None:
    """Called by whichever thread has something for this session."""
    try:
        loop.call_soon_threadsafe(_finish, future)
    except RuntimeError:
        pass  # the loop is closed, nobody waits any more


class Packed(list[Sequence[bytes]]):
    """Commands on their way from ``pack_command`` to ``send_packed_command``."""

    __slots__ = ()


def encode(encoder: Any, args: Iterable[Any]) -> list[bytes]:
    """Arguments as bytes, by redis-py's own rules.

    Raises:
        redis.DataError: an argument is of a type that redis-py refuses.
    """
    argv: list[bytes] = []
    for arg in args:
        kind = type(arg)
        if kind is bytes:
            argv.append(arg)
        elif kind is str:
            argv.append(arg.encode(encoder.encoding, encoder.encoding_errors))
        else:
            value = encoder.encode(arg)
            argv.append(value if type(value) is bytes else bytes(value))
    return argv


def words(encoder: Any, args: Sequence[Any]) -> list[bytes]:
    """A whole command as bytes; redis-py allows ``"CONFIG GET"`` as its first word."""
    first = args[0]
    if type(first) is str and " " in first:
        return encode(encoder, (*first.split(), *args[1:]))
    if type(first) is bytes and b" " in first:
        return encode(encoder, (*first.split(), *args[1:]))
    return encode(encoder, args)


def decoded(reply: Any, encoder: Any) -> Any:
    """A reply with its bytes as text."""
    kind = type(reply)
    if kind is bytes or kind is Status:
        return encoder.decode(reply)
    if kind is list:
        return [decoded(item, encoder) for item in reply]
    if kind is dict:
        return {decoded(key, encoder): decoded(value, encoder) for key, value in reply.items()}
    if isinstance(reply, bytes):
        return encoder.decode(bytes(reply))
    return reply


def with_errors(reply: Any, parse_error: Any) -> Any:
    """An array whose error items are redis-py's exceptions (EXEC and its like)."""
    if type(reply) is list:
        for index, item in enumerate(reply):
            if type(item) is CommandError:
                reply[index] = parse_error(str(item))
            elif type(item) is list:
                with_errors(item, parse_error)
            elif type(item) is Status:
                reply[index] = bytes(item)
    return reply
