"""RESP as the server writes it: every reply type stays visible to the test.

redis-py's parsers make equals of what differs on the wire (statuses and bulk strings, sets and
arrays), so the comparison of the fake with the real server reads for itself.
"""

from __future__ import annotations

import math
import socket
from typing import Any
from urllib.parse import urlsplit

from fakeredis.engine.core.replies import BigNumber, Push, Status
from fakeredis.errors import CommandError


class Set(list[Any]):
    """A RESP3 set: an array whose order means nothing."""


class Map(list[Any]):
    """A RESP3 map some key of which is no hashable value: a list of pairs."""


def to_bytes(value: object) -> bytes:
    """An argument as redis-py would send it."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, float):
        return repr(value).encode()
    return str(value).encode()


class Wire:
    """A connection to a real server."""

    def __init__(self, host: str, port: int, protocol: int = 2, timeout: float = 10.0) -> None:
        self.sock = socket.create_connection((host, port), timeout)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.timeout = timeout
        self.pushes: list[Any] = []
        self._buffer = b""
        if protocol == 3:
            self.call(b"HELLO", b"3")

    @classmethod
    def to(cls, url: str, protocol: int = 2) -> Wire:
        """A connection to the server at a ``redis://`` URL."""
        parts = urlsplit(url)
        wire = cls(parts.hostname or "127.0.0.1", parts.port or 6379, protocol)
        if parts.password:
            wire.call(b"AUTH", (parts.username or "default").encode(), parts.password.encode())
        return wire

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        self.sock.close()

    def call(self, *args: bytes) -> Any:
        """The reply to a command; an error reply is returned, not raised."""
        self.send(*args)
        return self.read()

    def send(self, *args: bytes) -> None:
        parts = [b"*%d\r\n" % len(args)]
        parts += [b"$%d\r\n%s\r\n" % (len(arg), arg) for arg in args]
        self.sock.sendall(b"".join(parts))

    def read(self, timeout: float | None = None) -> Any:
        """The next reply; pushes on the way go to ``pushes``. Raises TimeoutError, EOFError."""
        while type(reply := self.read_any(timeout)) is Push:
            self.pushes.append(reply)
        return reply

    def read_any(self, timeout: float | None = None) -> Any:
        """The next reply or push."""
        self.sock.settimeout(self.timeout if timeout is None else timeout)
        if not self._buffer:
            self._more()  # a timeout is clean only between two replies
        self.sock.settimeout(self.timeout)
        return self._value()

    def is_silent(self, seconds: float) -> bool:
        """Whether nothing comes for so long; what comes is kept for the next read."""
        if self._buffer:
            return False
        self.sock.settimeout(seconds)
        try:
            self._more()
        except TimeoutError:
            return True
        return False

    def has_more(self, seconds: float = 0) -> bool:
        """Whether something can be read by then; the end of the connection does not count."""
        try:
            self.sock.settimeout(seconds)
            return bool(self._buffer or self.sock.recv(1, socket.MSG_PEEK))
        except OSError:
            return False

    def _more(self) -> None:
        data = self.sock.recv(1 << 16)
        if not data:
            raise EOFError("the server closed the connection")
        self._buffer += data

    def _line(self) -> bytes:
        while b"\r\n" not in self._buffer:
            self._more()
        line, self._buffer = self._buffer.split(b"\r\n", 1)
        return line

    def _bulk(self, length: int) -> bytes | None:
        if length < 0:
            return None
        while len(self._buffer) < length + 2:
            self._more()
        data, self._buffer = self._buffer[:length], self._buffer[length + 2 :]
        return data

    def _value(self) -> Any:
        line = self._line()
        kind, rest = line[:1], line[1:]
        if kind in b"*~>%|":
            return self._aggregate(kind, int(rest))
        if kind == b"$":
            return self._bulk(int(rest))
        if kind in b"=!":
            data = self._bulk(int(rest)) or b""
            return data[4:] if kind == b"=" else _error(data)
        return _scalar(kind, rest)

    def _aggregate(self, kind: bytes, length: int) -> Any:
        if length < 0:
            return None
        if kind in b"%|":
            pairs = [(self._value(), self._value()) for _ in range(length)]
            return self._value() if kind == b"|" else _map(pairs)
        items = [self._value() for _ in range(length)]
        return {b"~": Set, b">": Push}.get(kind, list)(items)


def _scalar(kind: bytes, rest: bytes) -> Any:
    if kind == b"+":
        return Status(rest)
    if kind == b"-":
        return _error(rest)
    if kind == b":":
        return int(rest)
    if kind == b"(":
        return BigNumber(rest)
    if kind == b",":
        return math.nan if rest == b"nan" else float(rest)
    if kind == b"#":
        return rest == b"t"
    if kind == b"_":
        return None
    raise ValueError(f"the server sent a reply of an unknown type: {kind + rest!r}")


def _error(data: bytes) -> CommandError:
    return CommandError(data.decode("utf-8", "surrogateescape"))


def _map(pairs: list[tuple[Any, Any]]) -> Any:
    try:
        return dict(pairs)
    except TypeError:
        return Map(pairs)
