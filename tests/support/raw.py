"""A client that keeps the bytes of each reply, to compare servers to the last type."""

from __future__ import annotations

import contextlib
import socket
from typing import Any

Tree = tuple[bytes, Any]  # the first line, and what it announces: items, bytes or None


class RawClient:
    """One connection; replies are bytes."""

    def __init__(self, address: Any, protocol: int = 2) -> None:
        if isinstance(address, tuple):
            self.sock = socket.create_connection(address[:2], 5)
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        else:
            self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.sock.connect(address)
        self._buffer = b""
        if protocol == 3:
            self.call(b"HELLO", b"3")

    def __enter__(self) -> RawClient:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        self.sock.close()

    def send(self, *argv: bytes) -> None:
        """Send a command."""
        parts = [b"*%d\r\n" % len(argv), *(b"$%d\r\n%b\r\n" % (len(arg), arg) for arg in argv)]
        self.sock.sendall(b"".join(parts))

    def call(self, *argv: bytes) -> bytes:
        """The bytes of the reply to a command."""
        self.send(*argv)
        return self.reply()

    def reply(self, timeout: float = 5) -> bytes:
        """The bytes of the next reply or push; none when the connection ends or nothing comes."""
        self.sock.settimeout(timeout)
        start = self._buffer
        try:
            end = self._skip(0)
        except (EOFError, TimeoutError, ConnectionError):
            return start and self._buffer
        raw, self._buffer = self._buffer[:end], self._buffer[end:]
        return raw

    def rest(self, timeout: float = 0.2) -> tuple[bytes, bool]:
        """All that comes, and whether the connection was closed then."""
        self.sock.settimeout(timeout)
        with contextlib.suppress(TimeoutError):
            try:
                while True:
                    self._more()
            except (EOFError, ConnectionError):
                return self._buffer, True
        raw, self._buffer = self._buffer, b""
        return raw, False

    def _more(self) -> None:
        data = self.sock.recv(1 << 16)
        if not data:
            raise EOFError
        self._buffer += data

    def _skip(self, at: int) -> int:
        """Where the item that begins at a position ends."""
        left = 1
        while left:
            at, inner = self._skip_head(at)
            left += inner - 1
        return at

    def _skip_head(self, at: int) -> tuple[int, int]:
        """Where an item's own part ends, and how many others are inside of it."""
        while (end := self._buffer.find(b"\r\n", at)) < 0:
            self._more()
        kind, rest = self._buffer[at : at + 1], self._buffer[at + 1 : end]
        end += 2
        if kind in b"$=!" and rest != b"-1":
            end += int(rest) + 2
            while len(self._buffer) < end:
                self._more()
        elif kind in b"*~>%|" and rest != b"-1":
            return end, int(rest) * (2 if kind in b"%|" else 1) + (kind == b"|")
        return end, 0


def tree(raw: bytes) -> Tree:
    """A reply taken apart, with all its types."""
    return _tree(raw, 0)[0]


def _tree(raw: bytes, at: int) -> tuple[Tree, int]:
    end = raw.index(b"\r\n", at)
    kind, rest = raw[at : at + 1], raw[at + 1 : end]
    head, end = raw[at:end], end + 2
    if kind in b"$=!" and rest != b"-1":
        size = int(rest)
        return (kind, raw[end : end + size]), end + size + 2
    if kind not in b"*~>%|" or rest == b"-1":
        return (head, None), end
    items = []
    for _ in range(int(rest) * (2 if kind in b"%|" else 1) + (kind == b"|")):
        item, end = _tree(raw, end)
        items.append(item)
    if kind == b"%":
        return (kind, sorted(zip(items[::2], items[1::2], strict=True), key=repr)), end
    return (kind, sorted(items, key=repr) if kind == b"~" else items), end


def in_order(item: Tree) -> Tree:
    """A tree whose arrays are sorted, too."""
    kind, value = item
    if isinstance(value, list) and kind in b"*~":
        return kind, sorted(map(in_order, value), key=repr)
    return item


def types(item: Any) -> Any:
    """The types of a tree, values left out."""
    kind, value = item
    if kind == b"%":
        return kind, [(key, types(each)) for key, each in value]
    if isinstance(value, list):
        return kind, [types(each) for each in value]
    return kind if kind in (b"$", b"=") or kind.startswith(b"-") else kind[:1]
