"""The protocol's bytes: requests in, replies out.  No I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from fakeredis.datatypes.numbers import format_float, parse_int
from fakeredis.datatypes.quoting import split_quoted
from fakeredis.engine.core.replies import (
    NULL_ARRAY,
    OK,
    Attributed,
    BigNumber,
    Draws,
    OtherNull,
    Pairs,
    Push,
    Raw,
    Sentinel,
    SetReply,
    Status,
    Verbatim,
    flatten,
    verbatim,
)
from fakeredis.errors import CommandError

MAX_WORDS: Final = 2**31 - 1
MAX_LENGTH: Final = 512 * 1024 * 1024  # proto-max-bulk-len's default
MAX_INLINE: Final = 64 * 1024
_UNTRUSTED_WORDS: Final = 10  # what those may send who have not authenticated
_UNTRUSTED_LENGTH: Final = 16384


class ProtocolError(ValueError):
    """Bytes that are no request; the text is the server's, empty where it says nothing."""


def pack(argv: Sequence[bytes]) -> bytes:
    """A command as a client sends it."""
    head = b"*%d\r\n" % len(argv)
    return head + b"".join([b"$%d\r\n%b\r\n" % (len(arg), arg) for arg in argv])


# Requests -----------------------------------------------------------------------------------

# The header lines of usual commands; all others are read byte by byte.
_COUNTS: Final = {b"*%d" % count: count for count in range(1, 65)}
_SIZES: Final = {b"$%d" % size: size for size in range(4096)}
_size = _SIZES.get
_QUICK: Final = 1 << 20  # more bytes than this are not split at once


class RequestParser:
    """Feed it bytes, get whole commands.

    Attributes:
        error: what was wrong with the bytes after the last command; nothing can follow it.
        trusted: the client has authenticated, and may send what it likes.
        max_length: the longest argument, ``proto-max-bulk-len``.
    """

    __slots__ = (
        "error", "trusted", "max_length", "_chunks", "_size", "_needed", "_left", "_argv",
    )

    def __init__(self) -> None:
        self.error: ProtocolError | None = None
        self.trusted = True
        self.max_length = MAX_LENGTH
        self._chunks: list[bytes] = []
        self._size = 0  # bytes in chunks
        self._needed = 0  # bytes without which there is no progress
        self._left = 0  # arguments that the command being read still lacks
        self._argv: list[bytes] = []

    def feed(self, data: bytes) -> Iterator[list[bytes]]:
        """The commands that are complete with ``data``.

        Raises:
            ProtocolError: the bytes are no request.
        """
        self.push(data)
        yield from self.take()
        if self.error is not None:
            raise self.error

    def push(self, data: bytes) -> None:
        """Add bytes, to be parsed by `take`."""
        self._chunks.append(data)
        self._size += len(data)

    @property
    def pending(self) -> int:
        """Bytes that wait for the rest of their command."""
        return self._size

    def take(self, limit: int = -1) -> list[list[bytes]]:
        """The commands that are complete, at most ``limit``; `error` tells of what follows."""
        done: list[list[bytes]] = []
        if self._size < self._needed or not self._size or self.error is not None:
            return done
        data = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        at = 0
        if not self._left and limit < 0 and len(data) <= _QUICK:
            at = _split(data, done)
        self._needed = 0
        if at < len(data):
            try:
                at = self._parse(data, at, done, limit)
            except ProtocolError as error:
                self.error = error.with_traceback(None)  # its frames hold this parser
                at = len(data)
        self._chunks = [data[at:]] if at < len(data) else []
        self._size = len(data) - at
        return done

    def _parse(self, data: bytes, at: int, done: list[list[bytes]], limit: int) -> int:
        """Read commands and parts of them; where the first byte is that was not used."""
        while at < len(data) and len(done) != limit:
            if self._left:
                used = self._arguments(data, at, done)
            elif data[at] == 42:  # an asterisk
                used = self._head(data, at)
            else:
                used = _inline(data, at, done)
            if used == at:
                break
            at = used
        return at

    def _head(self, data: bytes, at: int) -> int:
        """``*3``: how many arguments come."""
        line, end = _line(data, at, "too big mbulk count string")
        if line is None:
            return at
        count = parse_int(line[1:])
        if count is None or count > MAX_WORDS:
            raise ProtocolError("ERR Protocol error: invalid multibulk length")
        if count > _UNTRUSTED_WORDS and not self.trusted:
            raise ProtocolError("ERR Protocol error: unauthenticated multibulk length")
        self._left = max(count, 0)
        self._argv = []
        return end

    def _arguments(self, data: bytes, at: int, done: list[list[bytes]]) -> int:
        """``$3``, three bytes, and so on until the command is complete."""
        argv, left = self._argv, self._left
        while left:
            line, start = _line(data, at, "too big bulk count string")
            if line is None:
                break
            size = _SIZES.get(line)
            if size is None:
                size = self._length(line)
            end = start + size + 2
            if end > len(data):
                self._needed = end - at
                break
            argv.append(data[start : end - 2])
            at = end
            left -= 1
        self._left = left
        if not left:
            done.append(argv)
        return at

    def _length(self, line: bytes) -> int:
        if line[:1] != b"$":
            got = line[:1].decode("utf-8", "surrogateescape") or " "
            raise ProtocolError(f"ERR Protocol error: expected '$', got '{got}'")
        size = parse_int(line[1:])
        if size is None or not 0 <= size <= self.max_length:
            raise ProtocolError("ERR Protocol error: invalid bulk length")
        if size > _UNTRUSTED_LENGTH and not self.trusted:
            raise ProtocolError("ERR Protocol error: unauthenticated bulk length")
        return size


def _split(data: bytes, done: list[list[bytes]]) -> int:
    """Read usual commands by cutting all bytes into lines at once.

    Gives where the first command begins that is incomplete or unusual, such as one with an
    argument of several lines.
    """
    lines = data.split(b"\r\n")
    end, at = len(lines) - 1, 0
    while at < end:
        stop = at + 1 + 2 * _COUNTS.get(lines[at], end)
        if stop > end:
            break
        argv = lines[at + 2 : stop : 2]
        if [*map(len, argv)] != [*map(_size, lines[at + 1 : stop : 2])]:
            break
        done.append(argv)
        at = stop
    return len(data) - sum(map(len, lines[at:])) - 2 * (end - at)


def _line(data: bytes, at: int, error: str) -> tuple[bytes | None, int]:
    """A header line and where the next one begins; no line when it is incomplete.

    The server looks no further than to a zero byte.
    """
    end = data.find(b"\r", at)
    if end < 0 or data.find(b"\0", at, end) >= 0:
        if len(data) - at > MAX_INLINE:
            raise ProtocolError(f"ERR Protocol error: {error}")
        return None, at
    if end + 2 > len(data):
        return None, at
    return data[at:end], end + 2


def _inline(data: bytes, at: int, done: list[list[bytes]]) -> int:
    """A command as a person types it."""
    end = data.find(b"\n", at)
    if end < 0 or data.find(b"\0", at, end) >= 0:
        if len(data) - at > MAX_INLINE:
            raise ProtocolError("ERR Protocol error: too big inline request")
        return at
    try:
        argv = split_quoted(data[at:end].removesuffix(b"\r"))
    except ValueError:
        raise ProtocolError("ERR Protocol error: unbalanced quotes in request") from None
    if argv:
        done.append(argv)
    return end + 1


# Replies that a client reads ------------------------------------------------------------------

MISSING: Final = Sentinel("MISSING")  # there is no whole reply yet


class _Open:
    """An array, map, set or push whose items are still coming."""

    __slots__ = ("kind", "left", "items")

    def __init__(self, kind: int, left: int) -> None:
        self.kind = kind
        self.left = left
        self.items: list[Any] = []


class ReplyParser:
    """Feed it what a server sends, get whole replies.

    Args:
        typed: keep what clients inside this process never see: `SetReply`, `Verbatim`,
            `BigNumber`, RESP2's other null.
    """

    __slots__ = ("typed", "_buffer", "_at", "_open")

    def __init__(self, typed: bool = False) -> None:
        self.typed = typed
        self._buffer = bytearray()
        self._at = 0
        self._open: list[_Open] = []

    def feed(self, data: bytes) -> None:
        """Take what has come."""
        if self._at:
            del self._buffer[: self._at]
            self._at = 0
        self._buffer += data

    def take(self) -> Any:
        """The next reply, errors as `CommandError`; `MISSING` where it is not complete.

        Raises:
            ProtocolError: the bytes are no reply.
        """
        while True:
            value = self._next()
            if value is MISSING:
                return MISSING
            while self._open:
                last = self._open[-1]
                last.items.append(value)
                last.left -= 1
                if last.left:
                    break
                self._open.pop()
                value = self._whole(last.kind, last.items)
                if value is MISSING:
                    break  # attributes: the reply follows
            else:
                return value

    def _next(self) -> Any:
        """The next value that is no array, or an empty one."""
        buffer = self._buffer
        while True:
            end = buffer.find(b"\r\n", self._at)
            if end < 0:
                return MISSING
            kind, line = buffer[self._at], bytes(buffer[self._at + 1 : end])
            if kind in _BULKS:
                return self._bulk(kind, line, end + 2)
            self._at = end + 2
            if kind not in _AGGREGATES:
                return self._line(kind, line)
            count = _count(line)
            if count < 0:
                return NULL_ARRAY if self.typed else None
            if count == 0:
                empty = self._whole(kind, [])
                if empty is not MISSING:
                    return empty
                continue
            self._open.append(_Open(kind, count * _AGGREGATES[kind]))

    def _bulk(self, kind: int, line: bytes, start: int) -> Any:
        size = _count(line)
        if size < 0:
            self._at = start
            return None
        if len(self._buffer) < start + size + 2:
            return MISSING
        value = bytes(self._buffer[start : start + size])
        self._at = start + size + 2
        if kind == _BULK:
            return value
        if kind == _BULK_ERROR:
            return CommandError(value.decode("utf-8", "surrogateescape"))
        return verbatim(value[4:], value[:3]) if self.typed else value[4:]

    def _line(self, kind: int, line: bytes) -> Any:
        if kind == _STATUS:
            return OK if line == b"OK" else Status(line)
        if kind == _INTEGER:
            return int(line)
        read = _LINES.get(kind)
        if read is None:
            raise ProtocolError(f"a reply of an unknown type: {bytes((kind,)) + line[:50]!r}")
        return read(line)

    def _whole(self, kind: int, items: list[Any]) -> Any:
        if kind == _ARRAY:
            return items
        if kind == _PUSH:
            return Push(items)
        if kind == _SET:
            return SetReply(items) if self.typed else items
        if kind == _ATTRIBUTES:
            return MISSING
        try:
            return dict(zip(items[::2], items[1::2], strict=True))
        except TypeError:  # a key that is no hashable value
            return items


def _count(line: bytes) -> int:
    try:
        return int(line)
    except ValueError:
        raise ProtocolError(f"a reply with a wrong length: {line[:50]!r}") from None


_BULK, _BULK_ERROR, _STATUS, _INTEGER, _ARRAY, _PUSH, _SET, _ATTRIBUTES = b"$!+:*>~|"
_BULKS: Final = frozenset(b"$!=")
_AGGREGATES: Final = {**dict.fromkeys(b"*>~", 1), **dict.fromkeys(b"%|", 2)}
_LINES: Final[dict[int, Callable[[bytes], Any]]] = {
    ord("-"): lambda line: CommandError(line.decode("utf-8", "surrogateescape")),
    ord(","): float, ord("#"): lambda line: line == b"t", ord("_"): lambda line: None,
    ord("("): BigNumber,
}


# Replies that a server writes ------------------------------------------------------------------


_MANY: Final = 1 << 16  # elements of a reply
_BIG: Final = 1 << 24  # bytes of a reply
_PIECE: Final = 1 << 18


def encode(reply: Any, protocol: int) -> bytes:
    """A reply of a `fakeredis.engine.core.session.ProtocolSession` as bytes."""
    kind = type(reply)
    if kind is bytes:
        return b"$%d\r\n%b\r\n" % (len(reply), reply)
    if kind is Status:
        return b"+%b\r\n" % reply
    if kind is int and -(1 << 63) <= reply < 1 << 63:
        return b":%d\r\n" % reply
    try:
        return (_resp2 if protocol == 2 else _resp3)(reply)
    except RecursionError:
        return _deep(reply, protocol)


def is_long(reply: Any) -> bool:
    """Whether a reply should not be in memory as bytes at once: see `pieces`."""
    if type(reply) not in _HEADS2:
        return type(reply) is Draws
    waiting = [reply]
    while waiting:
        box = waiting.pop()
        items = flatten(box) if type(box) is dict else box
        if len(box) > _MANY or sum([len(item) for item in items if type(item) is bytes]) > _BIG:
            return True
        waiting += [item for item in items if type(item) in _HEADS2]
    return False


def pieces(reply: Any, protocol: int) -> Iterator[bytes]:
    """A long reply, bit by bit."""
    kind = type(reply)
    count = reply.length if kind is Draws else len(reply)
    items = reply
    if kind is dict:
        items = flatten(reply)
        count *= 2 if protocol == 2 else 1
    elif kind is Pairs and protocol == 3:
        count //= 2
    head = b"*" if kind is Draws else (_HEADS2 if protocol == 2 else _HEADS3)[kind]
    out, size = [b"%b%d\r\n" % (head, count)], 0
    for item in items:
        kind = type(item)
        if kind in _HEADS2 and is_long(item):
            yield b"".join(out)
            yield from pieces(item, protocol)
            out, size = [], 0
            continue
        data = b"$%d\r\n%b\r\n" % (len(item), item) if kind is bytes else encode(item, protocol)
        out.append(data)
        size += len(data)
        if size >= _PIECE:
            yield b"".join(out)
            out, size = [], 0
    yield b"".join(out)


def _deep(reply: Any, protocol: int) -> bytes:
    """A reply as bytes, also where it is nested deeper than Python's calls may be."""
    write, heads = (_resp2, _HEADS2) if protocol == 2 else (_resp3, _HEADS3)
    out: list[bytes] = []
    rest = [iter([reply])]  # what is left to write, innermost last
    while rest:
        for item in rest[-1]:
            head = heads.get(type(item))
            if head is None:
                out.append(write(item))
                continue
            count = len(item)
            if type(item) is dict:
                count *= 2 if protocol == 2 else 1
                item = flatten(item)
            elif type(item) is Pairs and protocol == 3:
                count //= 2
            out.append(b"%b%d\r\n" % (head, count))
            rest.append(iter(item))
            break
        else:
            rest.pop()
    return b"".join(out)


def _bulk(reply: bytes) -> bytes:
    return b"$%d\r\n%b\r\n" % (len(reply), reply)


def _error(reply: CommandError) -> bytes:
    text = str(reply).encode("utf-8", "surrogateescape")
    return b"-%b\r\n" % text.replace(b"\r", b" ").replace(b"\n", b" ")


def _integer(reply: int) -> bytes:
    """An integer; what has more than 64 bits is a big number."""
    return b"%b%d\r\n" % (b":" if -(1 << 63) <= reply < 1 << 63 else b"(", reply)


def _double(reply: float) -> bytes:
    return b",%b\r\n" % format_float(reply)


def _array2(reply: Sequence[Any]) -> bytes:
    return b"*%d\r\n" % len(reply) + b"".join([
        b"$%d\r\n%b\r\n" % (len(item), item) if type(item) is bytes else _resp2(item)
        for item in reply
    ])


def _array3(reply: Sequence[Any], head: bytes = b"*") -> bytes:
    return b"%b%d\r\n" % (head, len(reply)) + b"".join([
        b"$%d\r\n%b\r\n" % (len(item), item) if type(item) is bytes else _resp3(item)
        for item in reply
    ])


def _map2(reply: dict[Any, Any]) -> bytes:
    return _array2([part for pair in reply.items() for part in pair])


def _attributed(reply: Attributed) -> bytes:
    return b"|" + _map3(reply.attributes)[1:] + _bulk(reply)


def _pairs3(reply: Pairs) -> bytes:
    return b"%%%d\r\n" % (len(reply) // 2) + b"".join([_resp3(part) for part in reply])


def _map3(reply: dict[Any, Any]) -> bytes:
    pairs = [_resp3(part) for pair in reply.items() for part in pair]
    return b"%%%d\r\n" % len(reply) + b"".join(pairs)


Writer = Callable[[Any], bytes]
_BOTH: Final[dict[type, Writer]] = {
    bytes: _bulk, bytearray: _bulk, int: _integer, Status: lambda reply: b"+%b\r\n" % reply,
    CommandError: _error, Raw: bytes,
}
_WRITERS2: Final[dict[type, Writer]] = {
    **_BOTH, type(None): lambda reply: b"$-1\r\n", Sentinel: lambda reply: b"*-1\r\n",
    OtherNull: lambda reply: b"_\r\n",
    list: _array2, tuple: _array2, dict: _map2, set: lambda reply: _array2([*reply]),
    frozenset: lambda reply: _array2([*reply]), SetReply: _array2, Push: _array2,
    float: lambda reply: _bulk(format_float(reply)), bool: lambda reply: b":%d\r\n" % reply,
    Verbatim: _bulk, BigNumber: _bulk, Attributed: _bulk, Pairs: _array2,
}
_WRITERS3: Final[dict[type, Writer]] = {
    **_BOTH, type(None): lambda reply: b"_\r\n", Sentinel: lambda reply: b"_\r\n",
    OtherNull: lambda reply: b"$-1\r\n",
    list: _array3, tuple: _array3, dict: _map3, set: lambda reply: _array3([*reply], b"~"),
    frozenset: lambda reply: _array3([*reply], b"~"), SetReply: lambda reply: _array3(reply, b"~"),
    Push: lambda reply: _array3(reply, b">"), float: _double,
    bool: lambda reply: b"#t\r\n" if reply else b"#f\r\n",
    Verbatim: lambda reply: b"=%d\r\n%b:%b\r\n" % (
        len(reply) + 4, reply.format, reply,
    ),
    BigNumber: lambda reply: b"(%b\r\n" % reply, Attributed: _attributed, Pairs: _pairs3,
}


_HEADS2: Final[dict[type, bytes]] = dict.fromkeys(
    (list, tuple, dict, SetReply, Push, Pairs), b"*"
)
_HEADS3: Final[dict[type, bytes]] = {
    list: b"*", tuple: b"*", dict: b"%", SetReply: b"~", Push: b">", Pairs: b"%",
}


def _resp2(reply: Any) -> bytes:
    return _WRITERS2.get(type(reply), _other2)(reply)


def _resp3(reply: Any) -> bytes:
    return _WRITERS3.get(type(reply), _other3)(reply)


def _other2(reply: Any) -> bytes:
    """A subclass of one of the types."""
    return _ancestor(reply, _WRITERS2)


def _other3(reply: Any) -> bytes:
    return _ancestor(reply, _WRITERS3)


def _ancestor(reply: Any, writers: dict[type, Writer]) -> bytes:
    for kind in type(reply).__mro__:
        if kind in writers:
            return writers[kind](reply)
    raise TypeError(f"no reply of the protocol: {reply!r}")
