"""The `FakeSocket` of asyncio: its waits are awaited, and it has a stream's manners."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from fakeredis.clients.fake_socket import FakeSocket, monotonic
from fakeredis.errors import ConnectionLost

if TYPE_CHECKING:
    from fakeredis.engine.core.interfaces import SessionLike


class AsyncFakeSocket(FakeSocket):
    """A `FakeSocket` whose waits are awaited; asyncio keeps it as reader and writer."""

    __slots__ = ("_future",)

    _future: asyncio.Future[None] | None

    def __init__(self, session: SessionLike, timeout: float | None = None) -> None:
        super().__init__(session, timeout)
        self._future = None

    async def receive_async(self, timeout: float | None) -> Any:
        """The next item: a reply or a push.

        Args:
            timeout: how many seconds to wait; None for as long as it takes.

        Raises:
            asyncio.TimeoutError: nothing came within ``timeout`` seconds.
            ConnectionLost: nothing will ever come.
        """
        outbox = self.session.outbox
        if not outbox or self._late is not None:
            await self._await_async(timeout)
        item = outbox.popleft()
        if self._pair is not None and not outbox:
            self._drain()
        return item

    async def readable_async(self, timeout: float | None = 0) -> bool:
        """Whether something can be received within ``timeout`` seconds; also when it is closed."""
        if self.readable(0):
            return True
        try:
            await self._await_async(timeout)
        except asyncio.TimeoutError:
            return False
        except ConnectionLost:
            return True
        return True

    async def _await_async(self, timeout: float | None) -> None:
        session = self.session
        loop = asyncio.get_running_loop()
        session.wake = self.woken
        ends = None if timeout is None else monotonic() + timeout
        self._waiting = True
        try:
            while self._is_late(ends) or not self._has_come():
                self._be_patient()
                seconds = self._pause(ends)
                future = self._future = loop.create_future()
                if (session.outbox and self._late is None) or session.closed:
                    continue  # it came from another thread meanwhile
                if await _ended(loop, future, seconds):
                    session.server.catch_up()
        except TimeoutError:
            raise asyncio.TimeoutError from None  # another class before Python 3.11
        finally:
            self._waiting = False

    def woken(self) -> None:
        """Called by whichever thread or task has something for this session."""
        super().woken()
        future = self._future
        if future is None:
            return
        loop = future.get_loop()
        if asyncio._get_running_loop() is loop:
            _finish(future)
            return
        _call_soon(loop, partial(_finish, future))

    # A stream's manners ---------------------------------------------------------------------

    async def wait_closed(self) -> None:
        """It is closed at once."""

    def is_closing(self) -> bool:
        """Whether it was closed."""
        return self.session.closed

    def at_eof(self) -> bool:
        """Whether nothing more will come."""
        return self.session.closed and not self.session.outbox and not self._unread

    @property
    def _buffer(self) -> bytes:
        """What redis-py looks at to see whether something has come."""
        return bytes(self._unread or (b"?" if self.readable(0) and not self.at_eof() else b""))

    async def read(self, size: int = -1) -> bytes:
        """So many bytes that have come, or all of them; nothing where nothing more will come."""
        if not self._unread and not await self._came():
            return b""
        return self._taken_bytes(size if size >= 0 else len(self._unread or b""))

    async def readline(self) -> bytes:
        """The bytes up to the end of a line."""
        while b"\n" not in (self._unread or b""):
            if not await self._came():
                return await self.read()
        return self._taken_bytes((self._unread or b"").index(b"\n") + 1)

    async def readexactly(self, size: int) -> bytes:
        """So many bytes.

        Raises:
            asyncio.IncompleteReadError: so many will never come.
        """
        while len(self._unread or b"") < size:
            if not await self._came():
                raise asyncio.IncompleteReadError(bytes(self._unread or b""), size)
        return self._taken_bytes(size)

    async def _came(self) -> bool:
        """Wait for the next message, as bytes; False where none will come."""
        try:
            self._put_bytes(await self.receive_async(None))
        except ConnectionLost:
            return False
        return True

    def write(self, data: bytes) -> None:
        """Bytes of the protocol, as a real stream would take them."""
        self.sendall(data)

    def writelines(self, pieces: Iterable[bytes]) -> None:
        """Write several pieces, one after another."""
        for piece in pieces:
            self.sendall(piece)


    async def drain(self) -> None:
        """Nothing is buffered here."""

    def get_extra_info(self, name: str, default: object = None) -> Any:
        """``peername`` and ``sockname``."""
        if name == "peername":
            return self.getpeername()
        return self.getsockname() if name == "sockname" else default


async def _ended(
    loop: asyncio.AbstractEventLoop, future: asyncio.Future[None], seconds: float | None
) -> bool:
    """Wait for a future; whether the seconds were over before."""
    if seconds is None:
        await future
        return False
    ends = monotonic() + seconds
    timer = _timer(loop, seconds, partial(_finish, future))
    try:
        await future
    finally:
        timer.cancel()
    return bool(monotonic() >= ends)


def _timer(
    loop: asyncio.AbstractEventLoop, seconds: float, call: Callable[[], None]
) -> asyncio.TimerHandle | threading.Timer:
    """Call a function from a loop after some seconds, also where the loop's clock stands still."""
    if time.monotonic is monotonic.func:
        return loop.call_later(seconds, call)
    timer = threading.Timer(seconds, _call_soon, (loop, call))
    timer.daemon = True
    timer.start()
    return timer


def _call_soon(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    try:
        loop.call_soon_threadsafe(call)
    except RuntimeError:
        pass  # the loop is closed, nobody waits any more


def _finish(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
