"""How the server packs samples: deltas of deltas of times, XORs of values, as many bits as needed.

A value says how many zero bits its XOR begins and ends with (its *block*), unless it fits into the
block before.  What each sample takes is known without packing it, so chunks keep that alone.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from struct import Struct
from typing import Final, NamedTuple

__all__ = ["NO_BLOCK", "Packed", "float_bits", "pack", "time_bits", "unpack", "xor_bits"]

MASK: Final = (1 << 64) - 1
NO_BLOCK: Final = 32 << 8 | 32  # before the first value that differs from the one before it
_LEADING_BITS, _LENGTH_BITS = 5, 6
_MOST_LEADING = 31
# The bits of a delta of deltas, and the prefix that says so: its bits and their number.
_SIZES: Final = ((5, 0b01, 2), (8, 0b011, 3), (11, 0b0111, 4), (15, 0b01111, 5), (32, 0b011111, 6))
_WHOLE: Final = (64, 0b111111, 6)
_DOUBLE: Final = Struct("<d")
_to_bytes = _DOUBLE.pack
_from_bytes = int.from_bytes


class DamagedError(ValueError):
    """Packed samples end too early, or make no sense."""


def float_bits(value: float) -> int:
    """The bits of a double."""
    return _from_bytes(_to_bytes(value), "little")


def time_bits(delta: int) -> int:
    """How many bits a delta of deltas takes."""
    if not delta:
        return 1
    if -16 <= delta < 16:
        return 7
    if -128 <= delta < 128:
        return 11
    if -1024 <= delta < 1024:
        return 15
    if -16384 <= delta < 16384:
        return 20
    return 38 if -(1 << 31) <= delta < 1 << 31 else 70


def xor_bits(xor: int, block: int) -> tuple[int, int]:
    """How many bits an XOR takes behind a block, and the block behind it.

    Args:
        block: the zero bits before, and in the lower eight bits those behind.
    """
    if not xor:
        return 1, block
    leading = 64 - xor.bit_length()
    if leading > _MOST_LEADING:
        leading = _MOST_LEADING
    trailing = (xor & -xor).bit_length() - 1
    size = 75 - leading - trailing  # with what says how long it is
    before_leading, before_trailing = block >> 8, block & 255
    before = 64 - before_leading - before_trailing
    if leading >= before_leading and trailing >= before_trailing and size > before:
        return 2 + before, block
    return 2 + size, leading << 8 | trailing


class Packed(NamedTuple):
    """Samples as the server keeps them.

    Args:
        data: the bits, in whole words of 64.
        bits: how many there are.
        delta: between the last two times.
        block: see `xor_bits`.
    """

    data: bytes
    bits: int
    delta: int
    block: int


def pack(times: Sequence[int], values: Sequence[float], size: int) -> Packed:
    """Pack samples, of which the first stands outside, into so many bytes."""
    out, at = 0, 0
    parts: list[tuple[int, int]] = []
    delta, block = 0, NO_BLOCK
    before = times[0] if times else 0
    bits_before = float_bits(values[0]) if values else 0
    for index in range(1, len(times)):
        time = times[index]
        now = time - before
        change = _signed(now - delta)
        delta, before = now, time
        parts.append(_packed_time(change))
        bits = float_bits(values[index])
        xor, bits_before = bits ^ bits_before, bits
        piece, block = _packed_xor(xor, block)
        parts.append(piece)
    # Many small shifts of one growing number would take quadratic time.
    data = bytearray()
    for number, count in parts:
        out |= number << at
        at += count
        if at >= 1024:
            data += (out & (1 << 1024) - 1).to_bytes(128, "little")
            out >>= 1024
            at -= 1024
    total = len(data) * 8 + at
    data += out.to_bytes((at + 7) // 8, "little")
    data += bytes(max(size - len(data), 0))
    return Packed(bytes(data), total, delta & MASK, block)


def _signed(number: int) -> int:
    number &= MASK
    return number - (1 << 64) if number >> 63 else number


def _packed_time(change: int) -> tuple[int, int]:
    if not change:
        return 0, 1
    for count, prefix, prefix_bits in _SIZES:
        if -(1 << count - 1) <= change < 1 << count - 1:
            return prefix | (change & (1 << count) - 1) << prefix_bits, count + prefix_bits
    count, prefix, prefix_bits = _WHOLE
    return prefix | (change & MASK) << prefix_bits, count + prefix_bits


def _packed_xor(xor: int, block: int) -> tuple[tuple[int, int], int]:
    count, after = xor_bits(xor, block)
    if not xor:
        return (0, 1), block
    if after == block and count == 66 - (block >> 8) - (block & 255):
        return (1 | (xor >> (block & 255)) << 2, count), block
    leading, trailing = after >> 8, after & 255
    length = 64 - leading - trailing
    number = 0b11 | leading << 2 | (length - 1) << 2 + _LEADING_BITS
    number |= (xor >> trailing) << 2 + _LEADING_BITS + _LENGTH_BITS
    return (number, count), after


class _Bits:
    """Takes bits one after the other."""

    __slots__ = ("at", "data", "end", "window", "window_at")

    def __init__(self, data: bytes, end: int) -> None:
        self.data, self.at, self.end = data, 0, end

    def take(self, count: int) -> int:
        at = self.at
        if at + count > self.end:
            raise DamagedError("too few bits")
        self.at = at + count
        first = at >> 3
        number = _from_bytes(self.data[first : (at + count + 7) >> 3], "little")
        return number >> (at & 7) & (1 << count) - 1


def unpack(
    first_time: int, first_value: int, count: int, data: bytes, bits: int
) -> tuple[array[int], array[float]]:
    """The times and values of packed samples.

    Args:
        first_value: the bits of the first value.

    Raises:
        DamagedError: there are fewer, or they are none.
    """
    times, values = array("Q"), array("d")
    if not count:
        return times, values
    if bits > len(data) * 8 or count > bits // 2 + 1:
        raise DamagedError("too few bits")
    source = _Bits(data, bits)
    for time, value in _unpacked(source, first_time, first_value, count):
        times.append(time)
        values.append(_DOUBLE.unpack(value.to_bytes(8, "little"))[0])
    return times, values


def _unpacked(
    source: _Bits, time: int, value: int, count: int
) -> Iterator[tuple[int, int]]:
    yield time, value
    take = source.take
    delta, leading, trailing = 0, 32, 32
    for _ in range(count - 1):
        delta = (delta + _taken_time(source)) & MASK
        time = (time + delta) & MASK
        if take(1):
            if take(1):
                leading = take(_LEADING_BITS)
                length = take(_LENGTH_BITS) + 1
                trailing = 64 - leading - length
                if trailing < 0:
                    raise DamagedError("a value is too long")
            value ^= take(64 - leading - trailing) << trailing
        yield time, value


def _taken_time(source: _Bits) -> int:
    take = source.take
    if not take(1):
        return 0
    for count, _, _ in _SIZES:
        if not take(1):
            number = take(count)
            return number - (1 << count) if number >> count - 1 else number
    return _signed(take(64))
