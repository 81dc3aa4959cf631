"""Count-min sketches: how often items were counted, at least that often, and rarely more."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from math import ceil, isinf, log10
from typing import Any, Final

from fakeredis.datatypes.numbers import INT_MAX, INT_MIN
from fakeredis.datatypes.probabilistic.cells import SparseCells, new_cells
from fakeredis.datatypes.probabilistic.rows import row_hashes

__all__ = ["FULL", "CountMinSketch", "dimensions"]

FULL: Final = (1 << 32) - 1  # a counter that stays there, however much comes on top
_UINT_64: Final = 1 << 64
_STRUCT, _CELL = 8, 8  # bytes; the server counts twice as many for a counter as it has


class CountMinSketch:
    """A sketch.

    Attributes:
        width: counters in a row.
        depth: rows, each with a hash of its own.
        count: the sum of all increments, in 64 bits with a sign.
        cells: the counters, row by row.
    """

    __slots__ = ("cells", "count", "depth", "width")
    type_name = b"CMSk-TYPE"
    cannot_be_copied = True

    def __init__(self, width: int, depth: int) -> None:
        self.width, self.depth, self.count = width, depth, 0
        self.cells: Any = new_cells(width * depth)

    def __len__(self) -> int:
        return self.width * self.depth

    def encoding(self, limits: Any) -> bytes:
        """What OBJECT ENCODING says."""
        return b"raw"

    def copy(self) -> CountMinSketch:
        """An independent copy."""
        copy = CountMinSketch.__new__(CountMinSketch)
        copy.width, copy.depth, copy.count = self.width, self.depth, self.count
        copy.cells = SparseCells(self.cells) if type(self.cells) is SparseCells else self.cells[:]
        return copy

    def memory_usage(self) -> int:
        """As many bytes as the server says that it takes."""
        return _STRUCT + self.width * self.depth * _CELL

    def add(self, item: bytes, increment: int) -> int:
        """Count an item; the lowest of its counters."""
        cells, width, start, least = self.cells, self.width, 0, FULL
        for value in row_hashes(item, self.depth):
            at = start + value % width
            found = cells[at] + increment
            if found >= FULL:
                found = FULL
            elif found < least:
                least = found
            cells[at] = found
            start += width
        total = self.count + increment
        self.count = total if total <= INT_MAX else _signed(total)
        return least

    def query(self, item: bytes) -> int:
        """The lowest of an item's counters."""
        cells, width, start, least = self.cells, self.width, 0, FULL
        for value in row_hashes(item, self.depth):
            least = min(least, cells[start + value % width])
            start += width
        return least

    def become_sum(self, parts: Sequence[tuple[CountMinSketch, int]]) -> bool:
        """Take the sum of sketches of the same size, each with a weight; whether there was room.

        Where a counter would be below 0 or above its 32 bits, nothing is changed.
        """
        total = _weighted([(sketch.count, weight) for sketch, weight in parts])
        if not 0 <= total <= INT_MAX:
            return False
        cells = new_cells(self.width * self.depth)
        for at in _used_by([sketch.cells for sketch, _ in parts]):
            found = _weighted([(sketch.cells[at], weight) for sketch, weight in parts])
            if not 0 <= found <= FULL:
                return False
            cells[at] = found
        self.cells, self.count = cells, total
        return True


def _used_by(all_cells: Sequence[Any]) -> Any:
    """The places that may not be 0 in one of several."""
    if type(all_cells[0]) is not SparseCells:
        return range(len(all_cells[0]))
    return {at for cells in all_cells for at in cells}


def _weighted(parts: Sequence[tuple[int, int]]) -> int:
    """The sum of numbers with weights; below 0 as soon as 64 bits do not hold it."""
    total = 0
    for number, weight in parts:
        product = number * weight
        total += product
        if not (INT_MIN <= product <= INT_MAX and INT_MIN <= total <= INT_MAX):
            return -1
    return total


def _signed(number: int) -> int:
    """What 64 bits with a sign hold of a number."""
    return number if number <= INT_MAX else (number + INT_MAX + 1) % _UINT_64 - INT_MAX - 1


def _single(number: float) -> float:
    """The nearest float of 32 bits."""
    rounded: float = struct.unpack("f", struct.pack("f", number))[0]
    return rounded


def dimensions(error: float, probability: float) -> tuple[int, int]:
    """Width and depth for an error and the probability of a greater one; 0 for one that is none.

    The server takes the logarithms in floats of 32 bits.
    """
    ratio = 2 / error if error else float("inf")
    width = 0 if isinf(ratio) or ratio >= _UINT_64 else ceil(ratio)
    single = _single(probability)
    depth = ceil(_single(_single(log10(single)) / _single(log10(0.5)))) if single else 0
    return width, depth

