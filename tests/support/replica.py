"""A replica made of a socket: it attaches to a server, and tells what that sends."""

from __future__ import annotations

import select
import socket
import time
from typing import Any

from tests.support.wire import Wire

_PATIENCE = 60.0


class Replica:
    """A connection that has asked for all data and all that happens from then on.

    Args:
        port: of a server at 127.0.0.1.
        capabilities: what it says that it can read.
        since: a replication ID and an offset to go on from.
    """

    def __init__(
        self, port: int, capabilities: tuple[bytes, ...] = (b"eof", b"psync2"),
        since: tuple[bytes, bytes] = (b"?", b"-1"),
    ) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), _PATIENCE)
        self._buffer = self.rdb = b""
        self.read = 0  # bytes of the stream so far
        self.send(b"PING")
        assert self._line() == b"+PONG"
        words = [word for each in capabilities for word in (b"capa", each)]
        self.send(b"REPLCONF", b"listening-port", b"1")
        assert self._line() == b"+OK"
        self.send(b"REPLCONF", *words)
        assert self._line() == b"+OK"
        self.send(b"PSYNC", *since)
        self.answer = self._line()
        while not self.answer:  # the server says that it is there, while it prepares
            self.answer = self._line()
        if self.answer.startswith(b"+FULLRESYNC"):
            self.rdb = self._file()

    def send(self, *words: bytes) -> None:
        parts = [b"*%d\r\n" % len(words)]
        parts += [b"$%d\r\n%b\r\n" % (len(word), word) for word in words]
        self.sock.sendall(b"".join(parts))

    def _more(self) -> None:
        until = time.monotonic() + _PATIENCE
        while not select.select([self.sock], [], [], 0.05)[0]:
            if self.rdb:  # a server that sent it without a file sends the rest after this
                self.acknowledge()
            if time.monotonic() > until:
                raise TimeoutError("the server sends nothing")
        data = self.sock.recv(1 << 16)
        if not data:
            raise EOFError("the server closed the connection")
        self._buffer += data

    def _line(self) -> bytes:
        while b"\n" not in self._buffer:
            self._more()
        line, self._buffer = self._buffer.split(b"\n", 1)
        return line.rstrip(b"\r")

    def _take(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._more()
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        return data

    def _file(self) -> bytes:
        head = self._line()
        while not head:
            head = self._line()
        assert head[:1] == b"$", head
        if not head.startswith(b"$EOF:"):
            return self._take(int(head[1:]))
        mark = head[5:]
        while mark not in self._buffer:
            self._more()
        data, self._buffer = self._buffer.split(mark, 1)
        return data

    def next(self) -> list[bytes]:
        """The next command of the stream."""
        head = self._line()
        size = len(head) + 2
        words = []
        for _ in range(int(head[1:])):
            line = self._line()
            length = int(line[1:])
            words.append(self._take(length))
            self._take(2)
            size += len(line) + length + 4
        self.read += size
        return words

    def until(self, last: list[bytes]) -> list[list[bytes]]:
        """The commands of the stream up to one, without it, and without PING and SELECT 0."""
        found: list[list[bytes]] = []
        while (command := self.next()) != last:
            if command != [b"PING"]:
                found.append(command)
        return found

    def acknowledge(self) -> None:
        """Say what has come."""
        self.send(b"REPLCONF", b"ACK", b"%d" % self.read)

    def close(self) -> None:
        self.sock.close()

    def __enter__(self) -> Replica:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def stream_of(port: int, wire: Wire, replica: Replica, *calls: str) -> tuple[list[Any], Any]:
    """What a server replies to calls, and what it sends a replica of them."""
    replies = [wire.call(*(word.encode() for word in call.split())) for call in calls]
    wire.call(b"SET", b"__mark", b"1")
    return replies, replica.until([b"SET", b"__mark", b"1"])
