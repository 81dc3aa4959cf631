"""The k items that were counted most, as HeavyKeeper finds them.

Rows of buckets, each with the fingerprint of an item and a count, in which other items decay it by
chance; and a heap of the items with the highest counts, the lowest of them at its root.
"""

from __future__ import annotations

from math import log1p
from random import random
from typing import Any, Final

from fakeredis.datatypes.probabilistic.cells import SparseCells, new_cells
from fakeredis.datatypes.probabilistic.rows import row_hashes

__all__ = ["TopK", "fingerprint"]

_FINGERPRINT: Final = 1919  # the seed
_TABLE: Final = 256  # powers of the decay that are known; higher ones are products of these
_FULL: Final = (1 << 32) - 1
_STRUCT, _BUCKET, _PLACE = 2088, 8, 24  # bytes


def fingerprint(item: bytes) -> int:
    """What stands for an item in buckets."""
    return row_hashes(item, 0, _FINGERPRINT)[0]


class TopK:
    """The items.

    Attributes:
        k: how many are kept.
        width: buckets in a row.
        depth: rows.
        decay: the chance with which a bucket of 1 loses it to another item; the higher the count,
            the less.
        prints: fingerprints of buckets, row by row.
        counts: their counts.
        heap: the items by their places in the heap, as far as there are any.
        heap_counts: the counts of all places.
        lost: items that are null in replies: of a payload the server takes those so of which
            nothing is before a zero byte, or the end.
    """

    __slots__ = (
        "_places", "_powers", "counts", "decay", "depth", "heap", "heap_counts", "k",
        "lost", "prints", "width",
    )
    type_name = b"TopK-TYPE"
    cannot_be_copied = True

    def __init__(self, k: int, width: int, depth: int, decay: float) -> None:
        self.k, self.width, self.depth, self.decay = k, width, depth, decay
        self.prints: Any = new_cells(width * depth)
        self.counts: Any = new_cells(width * depth)
        self.heap: dict[int, bytes] = {}
        self.heap_counts: Any = new_cells(k)
        self.lost: frozenset[bytes] = frozenset()
        self._places: dict[bytes, int] = {}
        self._powers: list[float] = []

    def __len__(self) -> int:
        return 1  # so stores keep all of it, not the command: what that does is left to chance

    def encoding(self, limits: Any) -> bytes:
        """What OBJECT ENCODING says."""
        return b"raw"

    def copy(self) -> TopK:
        """An independent copy."""
        copy = TopK.__new__(TopK)
        copy.k, copy.width, copy.depth, copy.decay = self.k, self.width, self.depth, self.decay
        for name in ("prints", "counts", "heap_counts"):
            cells = getattr(self, name)
            setattr(copy, name, SparseCells(cells) if type(cells) is SparseCells else cells[:])
        copy.heap, copy._places = dict(self.heap), dict(self._places)
        copy._powers, copy.lost = self._powers, self.lost
        return copy

    def memory_usage(self) -> int:
        """As many bytes as the server says that it takes."""
        return _STRUCT + self.width * self.depth * _BUCKET + self.k * _PLACE

    def __contains__(self, item: bytes) -> bool:
        return item in self._places

    def put(self, place: int, item: bytes, count: int) -> None:
        """Fill a place of the heap."""
        self.heap[place] = item
        self._places[item] = place
        self.heap_counts[place] = count

    def count(self, item: bytes) -> int:
        """How often an item was counted, as far as the buckets know."""
        *hashes, mine = row_hashes(item, self.depth, _FINGERPRINT)
        most = start = 0
        least = self.heap_counts[0]
        in_heap = item in self._places
        for value in hashes:
            at = start + value % self.width
            found = self.counts[at]
            if self.prints[at] == mine and (not in_heap or found >= least):
                most = max(most, found)
            start += self.width
        return most

    def listed(self) -> list[tuple[bytes | None, int]]:
        """The items and their counts, the highest first; those that count 0 are left out."""
        counts = self.heap_counts
        pairs = [
            (self._shown(item), counts[place])
            for place, item in sorted(self.heap.items()) if counts[place]
        ]
        return sorted(pairs, key=lambda pair: -pair[1])

    def _shown(self, item: bytes) -> bytes | None:
        """An item as the server tells it: up to a zero byte."""
        return None if item in self.lost else item.partition(b"\0")[0]

    def add(self, item: bytes, increment: int) -> bytes | None:
        """Count an item; the one that leaves the heap for it, if any does."""
        hashes = row_hashes(item, self.depth, _FINGERPRINT)
        mine, most = hashes[-1], 0
        prints, counts, width = self.prints, self.counts, self.width
        least, place = self.heap_counts[0], self._places.get(item)
        for row in range(self.depth):
            at = row * width + hashes[row] % width
            found = counts[at]
            if not found:
                prints[at] = mine
                counts[at] = found = increment
            elif prints[at] == mine:
                if place is None and found > least:
                    continue
                counts[at] = found = (found + increment) & _FULL
            else:
                left = self._decayed(at, increment)
                if not left:
                    continue
                prints[at] = mine
                counts[at] = found = left
            if found > most:
                most = found
        if most < least:
            return None
        if place is not None:
            self.heap_counts[place] = most
            self._sink(place)
            return None
        expelled = self.heap.get(0)
        if expelled is not None:
            del self._places[expelled]
        self.put(0, item, most)
        self._sink(0)
        if expelled is None:
            return None
        shown = self._shown(expelled)
        self.lost -= {expelled}
        return shown

    def _decayed(self, at: int, increment: int) -> int:
        """Let a bucket decay; how much of an increment is left when it has come to 0.

        The server draws once for each 1 of the increment.  Here it is drawn how many of these fail
        until one does not, which comes to the same.
        """
        found, left = self.counts[at], increment
        powers = self._powers or self._known_powers()
        while left:
            if found < _TABLE:
                chance = powers[found]
            else:
                chance = powers[-1] ** (found // (_TABLE - 1)) * powers[found % (_TABLE - 1)]
            if left == 1:
                if random() >= chance:
                    left = 0
                    break
            elif chance < 1:
                misses = log1p(-random()) / log1p(-chance) if chance else left
                left = 0 if misses >= left else left - int(misses)
                if not left:
                    break
            found -= 1
            if not found:
                break
            left -= 1
        self.counts[at] = found
        return left

    def _known_powers(self) -> list[float]:
        self._powers = [self.decay**count for count in range(_TABLE)]
        return self._powers

    def _sink(self, place: int) -> None:
        """Move a place of the heap down until no child counts less."""
        counts, size = self.heap_counts, self.k
        count = counts[place]
        first = place
        while 2 * place + 1 < size:
            child = 2 * place + 1
            if child + 1 < size and counts[child] > counts[child + 1]:
                child += 1
            if counts[child] > count or (counts[child] == count and place != first):
                break
            self._swap(place, child)
            place = child

    def _swap(self, one: int, other: int) -> None:
        counts, heap = self.heap_counts, self.heap
        counts[one], counts[other] = counts[other], counts[one]
        mine, others = heap.pop(one, None), heap.pop(other, None)
        if mine is not None:
            heap[other] = mine
            self._places[mine] = other
        if others is not None:
            heap[one] = others
            self._places[others] = one
