"""What scripts' libraries need of Python: bits, and numbers as bytes.

These functions are called from Lua: they take and return plain values and never raise.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from fakeredis.lazy import LazyModule

if TYPE_CHECKING:
    from lupa import lua51
else:
    lua51 = LazyModule("lupa.lua51")  # an extra

_MASK: Final = 0xFFFFFFFF
_SHIFT: Final = float((1 << 52) + (1 << 51))


def _bits(value: float) -> int:
    """A number as 32 bits: added to this one it shows them at its low end, rounded."""
    return int.from_bytes(struct.pack("<d", value + _SHIFT)[:4], "little")


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
_LONGEST: Final = 32
_MAX_INT: Final = (1 << 31) - 1
_STACK: Final = 7999  # arguments and results of a C function
_WORD: Final = 8  # bytes of the numbers that integers are made of


class _Layout:
    """A format string, read item by item: ``(letter, size, padding before it)``."""

    def __init__(self, text: str, name: str) -> None:
        self.text, self.name, self.at = text, name, 0
        self.data_size: int | None = None  # what there is to unpack
        self.big, self.align = False, 1

    def _number(self, default: int) -> int:
        start = self.at
        while self.at < len(self.text) and self.text[self.at] in "0123456789":
            self.at += 1
        number = int(self.text[start : self.at] or default)
        if number > _MAX_INT:
            raise ValueError("integral size overflow")
        return number

    def next(self, position: int) -> tuple[str, int, int] | None:
        """The next item at ``position``; None at the end."""
        while self.at < len(self.text):
            letter = self.text[self.at]
            self.at += 1
            size = self._size(letter)
            padding = self._padding(letter, size or 0, position)
            if self.data_size is not None and not 0 <= position + padding <= self.data_size:
                raise self.wrong(2, "data string too short")
            if size is not None:
                return letter, size, padding
            self._control(letter)
        return None

    def _control(self, letter: str) -> None:
        if letter in "<>":
            self.big = letter == ">"
        elif letter == "!":
            self.align = self._number(8)
            if self.align & (self.align - 1) or not self.align:
                raise ValueError(f"alignment {self.align} is not a power of 2")
        elif letter != " " and not (self.name == "size" and letter.isalnum()):
            raise self.wrong(1, f"invalid format option '{letter}'")

    def wrong(self, number: int, text: str) -> ValueError:
        """The error for a wrong argument."""
        return ValueError(f"bad argument #{number} to '{self.name}' ({text})")

    def _size(self, letter: str) -> int | None:
        if letter in "iI":
            size = self._number(4)
            if size > _LONGEST:
                raise ValueError(f"integral size {size} is larger than limit of {_LONGEST}")
            return size
        if letter == "c":
            return self._number(1)
        return 0 if letter == "s" else _SIZES.get(letter)

    def _padding(self, letter: str, size: int, position: int) -> int:
        if letter == "c" or size == 0:
            return 0
        align = min(size, self.align)  # the server's own sum, which not all sizes are meant for
        return (align - (position & (align - 1))) & (align - 1)


def struct_call(name: bytes, layout: bytes, *values: Any) -> Any:
    """One function of the struct library: its results, or None and an error text."""
    try:
        reader = _Layout(layout.decode("latin-1"), name.decode())
        if name == b"pack":
            return _pack(reader, values)
        if name == b"size":
            return _size(reader)
        return _unpack(reader, *values)
    except (ValueError, TypeError, OverflowError, struct.error, MemoryError) as error:
        return None, str(error).encode("latin-1", "replace")


def _kind(value: Any) -> str:
    """What Lua calls the type of a value."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if value is None or isinstance(value, bytes):
        return "nil" if value is None else "string"
    return str(lua51.lua_type(value))


def _pack(layout: _Layout, values: Sequence[Any]) -> bytes:
    out = bytearray()
    number = 2
    while (item := layout.next(len(out))) is not None:
        letter, size, padding = item
        out += b"\0" * padding
        if letter == "x":
            out.append(0)
            continue
        value = values[number - 2] if number - 2 < len(values) else None
        if letter in "cs":
            out += _pack_text(layout, letter, size, value, number)
        else:
            out += _pack_number(layout, letter, size, value, number)
        number += 1
    return bytes(out)


def _pack_number(layout: _Layout, letter: str, size: int, value: Any, number: int) -> bytes:
    kind = _kind(value)
    found = _as_number(value) if kind in ("string", "number") else None
    if found is None:
        raise layout.wrong(number, f"number expected, got {kind}")
    if letter in "fd":
        order = ">" if layout.big else "<"
        try:
            return struct.pack(order + letter, found)
        except OverflowError:
            return struct.pack(order + letter, math.copysign(math.inf, found))
    bits = _word(found)
    raw = bits.to_bytes(max(size, _WORD), "little")[:size]
    return raw[::-1] if layout.big else raw


def _word(number: float) -> int:
    """A number's 64 bits as an integer, as processors convert what does not fit."""
    if math.isnan(number):
        return 1 << 63
    if number < -(1 << 63):
        return 1 << 63
    if number >= 1 << 64:
        return 0
    return int(number) & ((1 << 64) - 1)


def _as_number(value: Any) -> float | None:
    """A number, or a text that is one, as Lua reads it."""
    if not isinstance(value, bytes):
        return float(value) if isinstance(value, float) else int(value)
    text = value.strip(b" \t\n\v\f\r").lower()
    try:
        return int(text, 16) if b"x" in text else float(text)
    except ValueError:
        return None


def _pack_text(layout: _Layout, letter: str, size: int, value: Any, number: int) -> bytes:
    kind = _kind(value)
    if kind == "number":
        value = b"%.14g" % value
    elif kind != "string":
        raise layout.wrong(number, f"string expected, got {kind}")
    text = bytes(value)
    if letter == "s":
        return text + b"\0"
    if size == 0:
        return text
    if len(text) < size:
        raise layout.wrong(number + 1, "string too short")
    return text[:size]


def _size(layout: _Layout) -> int:
    total = 0
    while (item := layout.next(total)) is not None:
        letter, size, padding = item
        if letter == "s" or (letter == "c" and size == 0):
            option = "c0" if letter == "c" else letter
            raise layout.wrong(1, f"option '{option}' has no fixed size")
        total += padding + size
    return total


def _unpack(
    layout: _Layout, data: bytes, start: float, given: float = 2
) -> tuple[Any, ...]:
    most = _STACK - given
    at = int(start) - 1 if math.isfinite(start) else -2
    if at == -1:
        raise layout.wrong(3, "offset must be 1 or greater")
    layout.data_size = len(data)
    found: list[Any] = []
    while (item := layout.next(at)) is not None:
        letter, size, padding = item
        at += padding
        if letter == "c" and size == 0:
            if not found or not isinstance(found[-1], int | float):
                raise ValueError("format 'c0' needs a previous size")
            size = int(found.pop())
        if size < 0 or at + size > len(data):
            raise layout.wrong(2, "data string too short")
        if letter == "s":
            size = data.find(b"\0", at) - at
            if size < 0:
                raise ValueError("unfinished string in data")
            found.append(data[at : at + size])
            at += size + 1
            continue
        raw, at = data[at : at + size], at + size
        if letter == "c":
            found.append(raw)
        elif letter != "x":
            found.append(_number(letter, raw, layout.big))
        if len(found) > most:
            raise ValueError("stack overflow (too many results)")
    return (*found, at + 1)


def _number(letter: str, raw: bytes, big: bool) -> float:
    if letter in "fd":
        return float(struct.unpack((">" if big else "<") + letter, raw)[0])
    size = len(raw)
    if size > _WORD:  # the lowest bytes are all that has a sign
        raw = raw[-_WORD:] if big else raw[:_WORD]
    value = int.from_bytes(raw, "big" if big else "little", signed=letter in "bhli")
    if size > _WORD and letter == "i":
        # The sign's place is counted on beyond the word, where it begins anew.
        mask = ~0 << (size * 8 - 1) % 64
        value |= mask if value & mask else 0
    return value if abs(value) < 1 << 53 else float(value)
