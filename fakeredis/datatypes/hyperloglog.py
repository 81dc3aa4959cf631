"""The HyperLogLog: estimates how many different elements were added, in the server's own bytes.

It is a string: 16 bytes of header (``HYLL``, the encoding, three unused bytes, and the last
estimate with a bit that says whether it still holds), then 16384 registers of six bits. The dense
encoding has them one after the other, lowest bits first. The sparse one is a row of "runs": zeros
(``00llllll``, or ``01llllll llllllll`` for long ones), and up to four registers of one value
(``1vvvvvll``). A register holds the longest row of zero bits, plus one, seen in the hashes of the
elements that fall to it. The estimate is by O. Ertl, "New cardinality estimation algorithms for
HyperLogLog sketches" (2017).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from itertools import accumulate
from math import inf, sqrt
from typing import Final

MAGIC: Final = b"HYLL"
DENSE, SPARSE = 0, 1
REGISTERS: Final = 1 << 14
_HEADER = 16
_DENSE_SIZE = _HEADER + REGISTERS * 6 // 8
_STALE = 0x80  # in the header's last byte: the estimate must be made anew
_ALPHA = 0.721347520444481703680  # 1 / (2 ln 2)
_HASH_BITS = 50  # of the hash that are looked at for zeros

_MULTIPLIER = 0xC6A4A7935BD1E995
_SEED = 0xADC83B19
_MASK = (1 << 64) - 1

_SHORT_ZEROS, _MOST_EQUAL, _MOST_VALUE = 64, 4, 32
_RUN = re.compile(rb"[\x40-\x7f].|.", re.DOTALL)


class Corrupted(Exception):
    """The bytes make no sense."""


def murmur(data: bytes) -> int:
    """MurmurHash64A, as A. Appleby published it."""
    size = len(data)
    whole = size & ~7
    state = _SEED ^ (size * _MULTIPLIER & _MASK)
    for at in range(0, whole, 8):
        part = int.from_bytes(data[at : at + 8], "little") * _MULTIPLIER & _MASK
        part = (part ^ part >> 47) * _MULTIPLIER & _MASK
        state = (state ^ part) * _MULTIPLIER & _MASK
    if size != whole:
        state = (state ^ int.from_bytes(data[whole:], "little")) * _MULTIPLIER & _MASK
    state = (state ^ state >> 47) * _MULTIPLIER & _MASK
    return state ^ state >> 47


def place_of(element: bytes) -> tuple[int, int]:
    """The register of an element and the value that it asks for."""
    number = murmur(element)
    rest = number >> 14 | 1 << _HASH_BITS
    return number & (REGISTERS - 1), (rest & -rest).bit_length()


# Runs of the sparse encoding ------------------------------------------------------------------


class _Lengths(dict[bytes, int]):
    """How many registers a run stands for."""

    def __missing__(self, run: bytes) -> int:
        first = run[0]
        if first & 0x80:
            size = (first & 3) + 1
        elif not first & 0x40:
            size = first + 1
        else:
            size = ((first & 0x3F) << 8 | run[1]) + 1 if len(run) == 2 else 0
        self[run] = size
        return size


_lengths: Final = _Lengths()


def _zeros(size: int) -> bytes:
    if size <= _SHORT_ZEROS:
        return bytes((size - 1,))
    return (0x4000 | size - 1).to_bytes(2, "big")


def _equal(value: int, size: int) -> bytes:
    return bytes((0x80 | value - 1 << 2 | size - 1,))


def _value(run: bytes) -> int:
    """The value of a run's registers."""
    return (run[0] >> 2 & 0x1F) + 1 if run[0] & 0x80 else 0


def _merge(runs: list[bytes], at: int) -> None:
    """Join runs of equal values, looking at five runs from ``at`` on, as the server does."""
    for _ in range(5):
        if at >= len(runs):
            return
        if at + 1 < len(runs) and runs[at][0] & runs[at + 1][0] & 0x80:
            value, size = _value(runs[at]), _lengths[runs[at]] + _lengths[runs[at + 1]]
            if value == _value(runs[at + 1]) and size <= _MOST_EQUAL:
                runs[at : at + 2] = (_equal(value, size),)
                continue
        at += 1


class HyperLogLog:
    """One, taken apart to be read or changed; ``to_bytes`` puts it together again."""

    __slots__ = ("dense", "header", "runs")

    def __init__(self, data: bytes | bytearray | None = None) -> None:
        """Take apart a valid string (see `is_valid`), or make an empty one."""
        self.dense: bytearray | None = None
        self.runs: list[bytes] = []
        if data is None:
            self.header = bytearray(MAGIC + bytes((SPARSE,)) + bytes(_HEADER - 5))
            self.runs.append(_zeros(REGISTERS))
            return
        self.header = bytearray(data[:_HEADER])
        if data[4] == DENSE:
            self.dense = bytearray(data[_HEADER:])
        else:
            self.runs = _RUN.findall(data[_HEADER:])

    def to_bytes(self) -> bytearray:
        """The whole string."""
        return self.header + (b"".join(self.runs) if self.dense is None else self.dense)

    # Registers --------------------------------------------------------------------------------

    def add(self, element: bytes, most_bytes: int) -> bool:
        """Add an element; whether a register changed.

        Args:
            most_bytes: the size up to which it may stay sparse.

        Raises:
            Corrupted: the register is not to be found.
        """
        return self.raise_to(*place_of(element), most_bytes)

    def raise_to(self, index: int, value: int, most_bytes: int) -> bool:
        """Set a register unless it is that high already; whether it changed."""
        if self.dense is None:
            changed = self._raise_sparse(index, value, most_bytes)
            if changed is not None:
                return changed
            self.make_dense()
        return self._raise_dense(index, value)

    def _raise_dense(self, index: int, value: int) -> bool:
        dense = self.dense
        assert dense is not None
        at, shift = index * 6 >> 3, index * 6 & 7
        word = dense[at] | (dense[at + 1] << 8 if shift > 2 else 0)
        if word >> shift & 63 >= value:
            return False
        word = word & ~(63 << shift) | value << shift
        dense[at] = word & 255
        if shift > 2:
            dense[at + 1] = word >> 8
        return True

    def _raise_sparse(self, index: int, value: int, most_bytes: int) -> bool | None:
        """Set a register of the sparse encoding; None when it must become dense first."""
        if value > _MOST_VALUE:
            return None
        runs = self.runs
        ends = list(accumulate(map(_lengths.__getitem__, runs)))
        at = bisect_right(ends, index)
        if at == len(runs):
            raise Corrupted
        run = runs[at]
        old = _value(run)
        if old >= value:
            return False
        first = ends[at - 1] if at else 0
        parts = self._split(old, index - first, value, ends[at] - index - 1)
        grown = len(parts) - len(run)
        if grown > 0 and _HEADER + sum(map(len, runs)) + grown > most_bytes:
            return None
        runs[at : at + 1] = _RUN.findall(parts)
        _merge(runs, max(at - 1, 0))
        return True

    @staticmethod
    def _split(old: int, before: int, value: int, after: int) -> bytes:
        """A run of ``old`` in which one register has another value."""
        parts = b""
        if before:
            parts = _equal(old, before) if old else _zeros(before)
        parts += _equal(value, 1)
        if after:
            parts += _equal(old, after) if old else _zeros(after)
        return parts

    def registers(self) -> bytes:
        """The values of all registers.

        Raises:
            Corrupted: there are fewer or more.
        """
        if self.dense is not None:
            planes = _unpack(self.dense)
            values = bytearray(REGISTERS)
            for number, plane in enumerate(planes):
                values[number::4] = plane
            return bytes(values)
        if sum(map(_lengths.__getitem__, self.runs)) != REGISTERS:
            raise Corrupted
        return b"".join(bytes((_value(run),)) * _lengths[run] for run in self.runs)

    def make_dense(self) -> bool:
        """Use the dense encoding from now on; whether that is new."""
        if self.dense is not None:
            return False
        self.dense = _pack(self.registers())
        self.header[4] = DENSE
        self.runs = []
        return True

    def replace(self, registers: bytes) -> None:
        """Take other values for all registers, densely."""
        self.make_dense()
        self.dense = _pack(registers)

    # The estimate -----------------------------------------------------------------------------

    @property
    def cached(self) -> int | None:
        """The last estimate; None when it no longer holds."""
        if self.header[15] & _STALE:
            return None
        return int.from_bytes(self.header[8:16], "little")

    def keep(self, estimate: int) -> None:
        """Remember an estimate."""
        self.header[8:16] = estimate.to_bytes(8, "little")

    def spoil(self) -> None:
        """The last estimate no longer holds."""
        self.header[15] |= _STALE

    def count(self) -> int:
        """How many different elements there were, about."""
        if self.dense is None:
            return estimate_of(Counter(self.registers()))
        return estimate_of(sum(map(Counter, _unpack(self.dense)), Counter()))


def is_valid(data: bytes | bytearray) -> bool:
    """Whether a string may be a HyperLogLog, by its header and, if it is dense, its size."""
    if len(data) < _HEADER or data[:4] != MAGIC or data[4] > SPARSE:
        return False
    return data[4] == SPARSE or len(data) == _DENSE_SIZE


def merged(all_registers: Iterable[bytes]) -> bytes:
    """The highest value of each register."""
    highest: bytes | None = None
    for registers in all_registers:
        highest = registers if highest is None else bytes(map(max, highest, registers))
    return highest or bytes(REGISTERS)


def _unpack(dense: bytearray) -> list[bytes]:
    """The values of the dense encoding, every fourth one in one of four rows.

    Three bytes hold four values; that is done for all of them at once, in big integers.
    """
    low, middle, high = (int.from_bytes(dense[at::3], "big") for at in range(3))
    ones = int.from_bytes(b"\1" * (REGISTERS // 4), "big")
    planes = (
        low & 63 * ones,
        (low >> 6 & 3 * ones) | (middle & 15 * ones) << 2,
        (middle >> 4 & 15 * ones) | (high & 3 * ones) << 4,
        high >> 2 & 63 * ones,
    )
    return [plane.to_bytes(REGISTERS // 4, "big") for plane in planes]


def _pack(registers: bytes) -> bytearray:
    """The dense encoding of all registers."""
    one, two, three, four = (int.from_bytes(registers[at::4], "big") for at in range(4))
    ones = int.from_bytes(b"\1" * (REGISTERS // 4), "big")
    thirds = (
        one | (two & 3 * ones) << 6,
        (two >> 2 & 15 * ones) | (three & 15 * ones) << 4,
        (three >> 4 & 3 * ones) | four << 2,
    )
    dense = bytearray(_DENSE_SIZE - _HEADER)
    for at, third in enumerate(thirds):
        dense[at::3] = third.to_bytes(REGISTERS // 4, "big")
    return dense


def estimate_of(histogram: Counter[int]) -> int:
    """The estimate from how many registers have which value."""
    z = REGISTERS * _tau((REGISTERS - histogram[_HASH_BITS + 1]) / REGISTERS)
    for value in range(_HASH_BITS, 0, -1):
        z = (z + histogram[value]) * 0.5
    z += REGISTERS * _sigma(histogram[0] / REGISTERS)
    return int(_ALPHA * REGISTERS * REGISTERS / z + 0.5)


def _sigma(x: float) -> float:
    if x == 1.0:
        return inf
    y, z, before = 1.0, x, -1.0
    while z != before:
        x *= x
        before = z
        z += x * y
        y += y
    return z


def _tau(x: float) -> float:
    if x in (0.0, 1.0):
        return 0.0
    y, z, before = 1.0, 1 - x, -1.0
    while z != before:
        x = sqrt(x)
        before = z
        y *= 0.5
        z -= (1 - x) ** 2 * y
    return z / 3
