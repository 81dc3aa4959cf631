"""What scripts' libraries need of Python: bits, and numbers as bytes.

These functions are called from Lua: they take and return plain values and never raise.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from typing import Any, Final

_MASK: Final = 0xFFFFFFFF


def _bits(value: float) -> int:
    """A number as 32 bits, as the bit library reduces it."""
    return round(value) & _MASK if math.isfinite(value) else 0


def _signed(bits: int) -> int:
    bits &= _MASK
    return bits - (1 << 32) if bits >> 31 else bits


def _fold(step: Callable[[int, int], int]) -> Callable[..., int]:
    def fold(first: float, *rest: float) -> int:
        bits = _bits(first)
        for value in rest:
            bits = step(bits, _bits(value))
        return _signed(bits)

    return fold


def _rotated(value: float, by: int) -> int:
    bits, by = _bits(value), by & 31
    return _signed(bits << by | bits >> (32 - by))


def _tohex(value: float, width: float = 8, *_: float) -> bytes:
    count = min(abs(int(width)), 8)
    text = b"%08x" % _bits(value)
    text = text[8 - count :]
    return text.upper() if width < 0 else text


_OPERATIONS: Final[dict[bytes, Callable[..., int | bytes]]] = {
    b"band": _fold(lambda a, b: a & b),
    b"bor": _fold(lambda a, b: a | b),
    b"bxor": _fold(lambda a, b: a ^ b),
    b"bnot": lambda a, *_: _signed(~_bits(a)),
    b"tobit": lambda a, *_: _signed(_bits(a)),
    b"bswap": lambda a, *_: _signed(int.from_bytes(_bits(a).to_bytes(4, "little"), "big")),
    b"lshift": lambda a, n, *_: _signed(_bits(a) << (_bits(n) & 31)),
    b"rshift": lambda a, n, *_: _signed(_bits(a) >> (_bits(n) & 31)),
    b"arshift": lambda a, n, *_: _signed(_signed(_bits(a)) >> (_bits(n) & 31)),
    b"rol": lambda a, n, *_: _rotated(a, _bits(n)),
    b"ror": lambda a, n, *_: _rotated(a, -_bits(n)),
    b"tohex": _tohex,
}


def bit_operation(name: bytes, *values: float) -> int | bytes | None:
    """One function of the bit library."""
    try:
        return _OPERATIONS[name](*values)
    except (ArithmeticError, TypeError, ValueError):
        return None


def pack_number(layout: bytes, value: float) -> bytes | None:
    """A number in one of `struct`'s layouts; None when it does not fit."""
    try:
        return struct.pack(layout.decode(), value if layout[1:] in b"fd" else int(value))
    except (struct.error, OverflowError, ValueError):
        return None


def unpack_number(layout: bytes, raw: bytes) -> float | None:
    """The reverse of `pack_number`."""
    try:
        value: float = struct.unpack(layout.decode(), raw)[0]
    except struct.error:
        return None
    return value if abs(value) < 1 << 63 else float(value)


# The struct library -------------------------------------------------------------------------

_SIZES: Final = {"b": 1, "B": 1, "h": 2, "H": 2, "l": 8, "L": 8, "T": 8, "f": 4, "d": 8, "x": 1}


class _Layout:
    """A format string, read item by item: ``(letter, size, padding before it)``."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.big, self.align = False, 1

    def _number(self, default: int) -> int:
        start = self.at
        while self.at < len(self.text) and self.text[self.at].isdigit():
            self.at += 1
        return int(self.text[start : self.at] or default)

    def next(self, position: int) -> tuple[str, int, int] | None:
        """The next item at ``position``; None at the end."""
        while self.at < len(self.text):
            letter = self.text[self.at]
            self.at += 1
            if letter in "<>":
                self.big = letter == ">"
            elif letter == "!":
                self.align = self._number(8)
                if self.align & (self.align - 1) or not self.align:
                    raise ValueError("alignment is not a power of 2")
            elif letter != " ":
                size = self._size(letter)
                return letter, size, self._padding(letter, size, position)
        return None

    def _size(self, letter: str) -> int:
        if letter in "iI":
            size = self._number(4)
            if not 1 <= size <= 32:
                raise ValueError(f"integral size {size} is larger than limit of 32")
            return size
        if letter == "c":
            return self._number(1)
        if letter == "s":
            return 0
        if letter not in _SIZES:
            raise ValueError(f"invalid format option '{letter}'")
        return _SIZES[letter]

    def _padding(self, letter: str, size: int, position: int) -> int:
        if letter in "csx" or size < 2:
            return 0
        return -position % min(size, self.align)


def struct_call(name: bytes, layout: bytes, *values: Any) -> Any:
    """One function of the struct library: its results, or None and an error text."""
    try:
        reader = _Layout(layout.decode("latin-1"))
        if name == b"pack":
            return _pack(reader, list(values))
        if name == b"size":
            return _size(reader)
        return _unpack(reader, *values)
    except (ValueError, TypeError, OverflowError, struct.error) as error:
        return None, str(error).encode("latin-1", "replace")


def _pack(layout: _Layout, values: list[Any]) -> bytes:
    out = bytearray()
    given = iter(enumerate(values, 2))
    while (item := layout.next(len(out))) is not None:
        letter, size, padding = item
        out += b"\0" * padding
        if letter == "x":
            out.append(0)
            continue
        number, value = next(given, (len(values) + 2, None))
        if letter in "cs":
            out += _pack_text(letter, size, value, number)
            continue
        if isinstance(value, bytes):
            value = float(value)
        if not isinstance(value, int | float):
            kind = "no value" if value is None else type(value).__name__
            raise ValueError(f"bad argument #{number} to 'pack' (number expected, got {kind})")
        if letter in "fd":
            out += struct.pack((">" if layout.big else "<") + letter, value)
        else:
            bits = int(value) & ((1 << 8 * size) - 1)
            out += bits.to_bytes(size, "big" if layout.big else "little")
    return bytes(out)


def _pack_text(letter: str, size: int, value: Any, number: int) -> bytes:
    if isinstance(value, int | float):
        value = b"%.14g" % value
    if not isinstance(value, bytes):
        raise ValueError(f"bad argument #{number} to 'pack' (string expected)")
    if letter == "s":
        return value + b"\0"
    if size == 0:
        return value
    if len(value) < size:
        raise ValueError(f"bad argument #{number} to 'pack' (string too short)")
    return value[:size]


def _size(layout: _Layout) -> int:
    total = 0
    while (item := layout.next(total)) is not None:
        letter, size, padding = item
        if letter == "s" or (letter == "c" and size == 0):
            raise ValueError("variable-size format in 'size'")
        total += padding + size
    return total


def _unpack(layout: _Layout, data: bytes, start: float = 1) -> tuple[Any, ...]:
    at = int(start) - 1
    if at < 0:
        raise ValueError("offset must be 1 or greater")
    found: list[Any] = []
    while (item := layout.next(at)) is not None:
        letter, size, padding = item
        at += padding
        if letter == "s":
            end = data.find(b"\0", at)
            if end < 0:
                raise ValueError("unfinished string in data")
            found.append(data[at:end])
            at = end + 1
            continue
        if letter == "c" and size == 0:
            if not found or not isinstance(found[-1], int | float):
                raise ValueError("format 'c0' needs a previous size")
            size = int(found.pop())
        if size < 0 or at + size > len(data):
            raise ValueError("data string too short")
        raw, at = data[at : at + size], at + size
        if letter == "c":
            found.append(raw)
        elif letter != "x":
            found.append(_number(letter, raw, layout.big))
    return (*found, at + 1)


def _number(letter: str, raw: bytes, big: bool) -> float:
    if letter in "fd":
        return float(struct.unpack((">" if big else "<") + letter, raw)[0])
    value = int.from_bytes(raw, "big" if big else "little", signed=letter in "bhli")
    return value if abs(value) < 1 << 53 else float(value)


# Compiled scripts ---------------------------------------------------------------------------

_HEADER: Final = b"\x1bLua\x51\x00"
_CALL, _TAIL_CALL = 28, 29  # opcodes: the lowest six bits of an instruction


class _Compiled:
    """Walks over a chunk as `string.dump` writes it, and changes its instructions."""

    def __init__(self, code: bytes) -> None:
        if not code.startswith(_HEADER) or code[8] != 8 or code[9] != 4 or code[10] != 8:
            raise ValueError("a chunk of an unknown kind")
        self.code = bytearray(code)
        self.order = "<" if code[6] else ">"
        self.at = 12

    def _integer(self) -> int:
        self.at += 4
        value: int = struct.unpack_from(self.order + "i", self.code, self.at - 4)[0]
        return value

    def _skip_string(self) -> None:
        (size,) = struct.unpack_from(self.order + "Q", self.code, self.at)
        self.at += 8 + size

    def function(self) -> None:
        """One function and those inside it."""
        self._skip_string()
        self.at += 12  # lines, and four bytes of counts
        self._instructions()
        for _ in range(self._integer()):
            self._skip_constant()
        for _ in range(self._integer()):
            self.function()
        lines = self._integer()
        self.at += 4 * lines
        for _ in range(self._integer()):
            self._skip_string()
            self.at += 8
        for _ in range(self._integer()):
            self._skip_string()

    def _instructions(self) -> None:
        for _ in range(self._integer()):
            lowest = self.at if self.order == "<" else self.at + 3
            if self.code[lowest] & 63 == _TAIL_CALL:
                self.code[lowest] = self.code[lowest] & ~63 | _CALL
            self.at += 4

    def _skip_constant(self) -> None:
        kind = self.code[self.at]
        self.at += 1
        if kind == 4:
            self._skip_string()
        else:
            self.at += {0: 0, 1: 1, 3: 8}[kind]


def without_tail_calls(code: bytes) -> bytes | None:
    """A compiled chunk whose tail calls are plain calls; None when it is of an unknown kind."""
    try:
        chunk = _Compiled(code)
        chunk.function()
    except (ValueError, IndexError, KeyError, struct.error, RecursionError):
        return None
    return bytes(chunk.code) if chunk.at == len(code) else None
