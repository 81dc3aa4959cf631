"""The protocol's bytes: requests in, values out.  No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from fakeredis.datatypes.numbers import parse_int

MAX_WORDS: Final = 2**31 - 1
MAX_LENGTH: Final = 512 * 1024 * 1024
MAX_INLINE: Final = 64 * 1024


class ProtocolError(ValueError):
    """Bytes that are no request; the text is the server's."""


def pack(argv: Sequence[bytes]) -> bytes:
    """A command as a client sends it."""
    head = b"*%d\r\n" % len(argv)
    return head + b"".join([b"$%d\r\n%b\r\n" % (len(arg), arg) for arg in argv])


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
        at = 0
        try:
            while at < len(self._buffer):
                parsed = self._next(at)
                if parsed is None:
                    return
                argv, at = parsed
                if argv:
                    yield argv
        finally:
            del self._buffer[:at]

    def _line(self, at: int, error: str) -> tuple[bytes, int] | None:
        end = self._buffer.find(b"\n", at)
        if end < 0:
            if len(self._buffer) - at > MAX_INLINE:
                raise ProtocolError(f"ERR Protocol error: {error}")
            return None
        return bytes(self._buffer[at:end]).rstrip(b"\r"), end + 1

    def _next(self, at: int) -> tuple[list[bytes], int] | None:
        line = self._line(at, "too big inline request")
        if line is None:
            return None
        text, at = line
        if not text.startswith(b"*"):
            return split_inline(text), at
        argv: list[bytes] = []
        for _ in range(_number(text[1:], MAX_WORDS, "invalid multibulk length")):
            line = self._line(at, "too big bulk count string")
            if line is None:
                return None
            text, at = line
            if not text.startswith(b"$"):
                got = chr(text[0]) if text else " "
                raise ProtocolError(f"ERR Protocol error: expected '$', got '{got}'")
            size = _number(text[1:], MAX_LENGTH, "invalid bulk length", 0)
            if len(self._buffer) < at + size + 2:
                return None
            argv.append(bytes(self._buffer[at : at + size]))
            at += size + 2
        return argv, at


def _number(raw: bytes, high: int, error: str, low: int = -(1 << 63)) -> int:
    value = parse_int(raw)
    if value is None or not low <= value <= high:
        raise ProtocolError(f"ERR Protocol error: {error}")
    return value


# One word of an inline command: bare, or in quotes that a space or the end must follow.
_BARE: Final = re.compile(rb"[^\s\"']+")
_DOUBLE: Final = re.compile(rb'"((?:[^"\\]|\\.)*)"(?=\s|\Z)', re.DOTALL)
_SINGLE: Final = re.compile(rb"'((?:[^'\\]|\\'|\\)*)'(?=\s|\Z)", re.DOTALL)
_ESCAPE: Final = re.compile(rb"\\(?:x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_ESCAPED: Final = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"a": b"\a"}


def split_inline(text: bytes) -> list[bytes]:
    """The words of an inline command, quoted as in a shell.

    Raises:
        ProtocolError: a quote has no end, or something sticks to it.
    """
    words: list[bytes] = []
    at = 0
    while True:
        while text[at : at + 1].isspace():
            at += 1
        if at >= len(text):
            return words
        word = b""
        while at < len(text) and not text[at : at + 1].isspace():
            piece, at = _piece(text, at)
            word += piece
        words.append(word)


def _piece(text: bytes, at: int) -> tuple[bytes, int]:
    for pattern in (_BARE, _DOUBLE, _SINGLE):
        found = pattern.match(text, at)
        if found is not None:
            if pattern is _DOUBLE:
                return _ESCAPE.sub(_unescape, found[1]), found.end()
            piece = found[0] if pattern is _BARE else found[1].replace(b"\\'", b"'")
            return piece, found.end()
    raise ProtocolError("ERR Protocol error: unbalanced quotes in request")


def _unescape(found: re.Match[bytes]) -> bytes:
    if found[1] is not None:
        return bytes((int(found[1], 16),))
    return _ESCAPED.get(found[2], found[2])
