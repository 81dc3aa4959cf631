"""The protocol's bytes: requests in, values out.  No I/O."""

from __future__ import annotations

from collections.abc import Iterator


class ProtocolError(ValueError):
    """Bytes that are no request; the text is the server's."""


class RequestParser:
    """Feed it bytes, get whole commands."""

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[list[bytes]]:
        """The commands that are complete with ``data``.

        Raises:
            ProtocolError: the bytes are no request.
        """
        self._buffer += data
        while self._buffer:
            parsed = self._next()
            if parsed is None:
                return
            argv, used = parsed
            del self._buffer[:used]
            if argv:
                yield argv

    def _line(self, at: int) -> tuple[bytes, int] | None:
        end = self._buffer.find(b"\n", at)
        if end < 0:
            return None
        return bytes(self._buffer[at:end]).rstrip(b"\r"), end + 1

    def _next(self) -> tuple[list[bytes], int] | None:
        line = self._line(0)
        if line is None:
            return None
        text, at = line
        if not text.startswith(b"*"):
            return text.split(), at
        argv: list[bytes] = []
        for _ in range(_number(text[1:], "invalid multibulk length")):
            line = self._line(at)
            if line is None:
                return None
            text, at = line
            if not text.startswith(b"$"):
                got = chr(text[0]) if text else "\r"
                raise ProtocolError(f"ERR Protocol error: expected '$', got '{got}'")
            size = _number(text[1:], "invalid bulk length")
            if len(self._buffer) < at + size + 2:
                return None
            argv.append(bytes(self._buffer[at : at + size]))
            at += size + 2
        return argv, at


def _number(raw: bytes, error: str) -> int:
    try:
        return int(raw)
    except ValueError:
        raise ProtocolError(f"ERR Protocol error: {error}") from None
