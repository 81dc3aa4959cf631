"""The way from a forked child to the process in which the servers live.

A child has one `Channel`: a Unix socket with frames of marshalled plain values.  What waits there
or listens costs nothing here: one thread reads the channel, and gives late replies and pushes to
the sessions they are for, exactly as the engine would.  The other end is
`fakeredis.patching.processes.fork_host.ChildConnection`.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from fakeredis.errors import ConnectionLost
from fakeredis.patching.processes.frames import frame, frames, unpacked

if TYPE_CHECKING:
    from fakeredis.patching.processes.remote_sessions import RemoteSession

GONE: Final = "Connection closed by server."


class _Answer:
    """What a thread waits for."""

    __slots__ = ("lock", "value")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.lock.acquire()
        self.value: Any = ConnectionLost(GONE)


class _Reader:
    """The thread that reads a channel.

    Args:
        buffer: what has been read of the first message.
    """

    __slots__ = ("buffer", "gone", "made_by", "parts", "rest")

    def __init__(self, buffer: bytearray) -> None:
        self.buffer = buffer
        self.made_by = threading.Lock  # what makes the locks that it can release
        self.parts = False  # whether another is to read what comes after the next empty answer
        self.gone = threading.Lock()  # released when it reads no more
        self.gone.acquire()
        # Held for ever: a thread that ends when threads are others looks for itself by the number
        # that the others have, finds nothing, and says so on stderr.
        self.rest = threading.Lock()
        self.rest.acquire()


class Channel:
    """The way from this process to the one in which the servers live.

    Args:
        descriptor: a socket that leads there.
        connect: opens one instead, when first needed.
    """

    def __init__(
        self, descriptor: int | None = None, connect: Callable[[], socket.socket] | None = None
    ) -> None:
        self.connect = connect
        self._begin(descriptor)

    def _begin(self, descriptor: int | None) -> None:
        # Kept as a number until used: one that never is needs no closing at the process's end.
        self._descriptor = descriptor
        # The garbage collector may close a session while we send.
        self.lock: Any = threading.RLock()
        self.sock: socket.socket | None = None
        self._reader: _Reader | None = None
        self.lost = False
        self.sessions: dict[int, RemoteSession] = {}
        self._answers: dict[int, _Answer] = {}
        self._numbers = count(1)

    def branch(self) -> int | None:
        """A socket for a child that this process is about to fork; None when it needs none."""
        if self.connect is not None:
            return None
        mine, childs = socket.socketpair()
        with mine, contextlib.suppress(ConnectionLost):
            self.send(("adopt", 0), mine.fileno())
        return childs.detach()

    def renew(self, descriptor: int | None) -> None:
        """In a forked child: leave the parent's socket to the parent, take an own one.

        Args:
            descriptor: the own one; None where this process opens it, or will never have one.
        """
        if self.sock is not None:
            self.sock.close()
        elif self._descriptor is not None:
            os.close(self._descriptor)
        sessions = list(self.sessions.values())
        self._begin(descriptor)
        self.lost = descriptor is None and self.connect is None
        for session in sessions:
            session.wake = None  # whoever waited, waits in the parent
            session.kill()

    def ask(self, *message: object) -> Any:
        """Send a request and wait for its answer.

        Raises:
            ConnectionLost: the other process has gone.
        """
        if self._reader is not None and self._reader.made_by is not threading.Lock:
            self._change_threads()
        answer = _Answer()
        with self.lock:
            number = next(self._numbers)
            self._answers[number] = answer
            try:
                self.send((message[0], number, *message[1:]))
            except BaseException:
                self._answers.pop(number, None)
                raise
        try:
            answer.lock.acquire()
        finally:
            self._answers.pop(number, None)
        if isinstance(answer.value, BaseException):
            raise answer.value
        return answer.value

    def send(self, message: object, descriptor: int | None = None) -> None:
        """Send a request that has no answer, if need be with a descriptor.

        Raises:
            ConnectionLost: the other process has gone.
        """
        data = frame(message)
        with self.lock:
            sock = self._open()
            try:
                sent = 0
                if descriptor is not None:
                    sent = socket.send_fds(sock, [data], [descriptor])
                sock.sendall(data[sent:])
            except OSError:
                self.close()
                raise ConnectionLost(GONE) from None
            except BaseException:
                self.close()  # nobody knows how much of the request has been sent
                raise

    def _open(self) -> socket.socket:
        """The socket, with a thread that reads it."""
        if self.lost:
            raise ConnectionLost(GONE)
        if self.sock is None:
            try:
                if self.connect is not None:
                    self.sock = self.connect()
                else:
                    self.sock, self._descriptor = socket.socket(fileno=self._descriptor), None
            except OSError:
                self.lost = True
                raise ConnectionLost(GONE) from None
            self._start_reader(self.sock, bytearray())
        return self.sock

    def _start_reader(self, sock: socket.socket, buffer: bytearray) -> None:
        reader = self._reader = _Reader(buffer)
        name = "fakeredis-channel"
        threading.Thread(target=self._read, args=(sock, reader), name=name, daemon=True).start()

    def _change_threads(self) -> None:
        """Threads and locks are others now, as gevent's and eventlet's: let one of those read.

        The present reader cannot wake who waits by one of the new locks.  It rests when it has read
        one more answer.
        """
        with self.lock:
            reader, sock = self._reader, self.sock
            if reader is None or sock is None or reader.made_by is threading.Lock:
                return
            reader.parts = True
            with contextlib.suppress(OSError):
                sock.sendall(frame(("options", 0)))
            reader.gone.acquire()
            if self.lost:
                return
            self.sock = socket.socket(fileno=sock.detach())
            self.lock = threading.RLock()
            self._start_reader(self.sock, reader.buffer)

    def close(self) -> None:
        """Tell the other process that this one needs it no more."""
        self.lost = True
        if self.sock is not None:
            with contextlib.suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)

    def _read(self, sock: socket.socket, reader: _Reader) -> None:
        """Hand out what comes."""
        parted = False

        def read() -> bytes:
            return b"" if parted else _receive(sock)

        try:
            for kind, number, *rest in frames(read, reader.buffer):
                if kind == "late":
                    self._late(number, *rest)
                elif number or rest[0]:
                    self._answer(number, *rest)
                else:
                    parted = reader.parts
        finally:
            if not parted:
                self.lost = True
                sock.close()
                for session in list(self.sessions.values()):
                    session.kill()
                for answer in list(self._answers.values()):
                    _release(answer)
            reader.gone.release()
        if parted:
            reader.rest.acquire()

    def _late(self, number: int, state: object, items: list[Any]) -> None:
        session = self.sessions.get(number)
        if session is not None:
            session.outbox.extend(map(unpacked, items))
            session.adopt(state)
            if session.wake is not None:
                session.wake()

    def _answer(self, number: int, owner: int, state: object, value: object) -> None:
        session = self.sessions.get(owner)
        if session is not None:
            session.adopt(state)
        answer = self._answers.get(number)
        if answer is not None:
            answer.value = unpacked(value)
            _release(answer)
        elif session is not None:
            session.late(unpacked(value))


def _release(answer: _Answer) -> None:
    try:
        answer.lock.release()
    except RuntimeError:
        pass  # it was answered already


def _receive(sock: socket.socket) -> bytes:
    try:
        return sock.recv(1 << 16)
    except OSError:
        return b""
