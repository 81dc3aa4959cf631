"""Arrays: strings at numbers, of which most may be missing.

Elements are kept in slices of neighbouring indices, so that what looks at a range looks only at the
slices that it touches, however large the gaps are.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from typing import Final

from fakeredis.datatypes.limits import EncodingLimits

SLICE: Final = 4096  # indices
LAST_INDEX: Final = (1 << 64) - 2
BLOCK: Final = 2048  # slices; beyond the first so many, the server's directory has two levels
_DENSE = 10  # elements beyond which the server keeps a slice as a row


class Array:
    """Redis's array.

    ``cursor`` is the index that was inserted at last; None before that.
    """

    __slots__ = ("count", "cursor", "order", "slices")

    type_name = b"array"

    def __init__(self) -> None:
        self.slices: dict[int, dict[int, bytes]] = {}
        self.order: list[int] = []  # the slices' numbers
        self.count = 0
        self.cursor: int | None = None

    def __len__(self) -> int:
        return self.count

    def encoding(self, limits: EncodingLimits) -> bytes:
        """What OBJECT ENCODING says."""
        return b"sliced-array"

    def copy(self) -> Array:
        """An independent copy."""
        twin = Array()
        twin.slices = {number: dict(slice_) for number, slice_ in self.slices.items()}
        twin.order = list(self.order)
        twin.count, twin.cursor = self.count, self.cursor
        return twin

    @property
    def length(self) -> int:
        """The highest index that is set, and one."""
        return max(self.slices[self.order[-1]]) + 1 if self.order else 0

    def get(self, index: int) -> bytes | None:
        """The element at an index."""
        slice_ = self.slices.get(index // SLICE)
        return None if slice_ is None else slice_.get(index)

    def set(self, index: int, value: bytes) -> bool:
        """Set an element; whether there was none."""
        number = index // SLICE
        slice_ = self.slices.get(number)
        if slice_ is None:
            slice_ = self.slices[number] = {}
            insort(self.order, number)
        is_new = index not in slice_
        slice_[index] = value
        self.count += is_new
        return is_new

    def delete(self, index: int) -> bool:
        """Remove an element; whether there was one."""
        slice_ = self.slices.get(index // SLICE)
        if slice_ is None or slice_.pop(index, None) is None:
            return False
        self.count -= 1
        if not slice_:
            self._drop(index // SLICE)
        return True

    def _drop(self, number: int) -> None:
        del self.slices[number]
        del self.order[bisect_left(self.order, number)]

    def delete_range(self, first: int, last: int) -> int:
        """Remove the elements from an index to another; how many there were."""
        before = self.count
        for number in self._touched(first, last):
            slice_ = self.slices[number]
            if first <= number * SLICE and (number + 1) * SLICE - 1 <= last:
                self.count -= len(slice_)
                self._drop(number)
                continue
            for index in [index for index in slice_ if first <= index <= last]:
                self.delete(index)
        return before - self.count

    def _touched(self, first: int, last: int) -> list[int]:
        """The numbers of the slices between two indices."""
        start = bisect_left(self.order, first // SLICE)
        return self.order[start : bisect_right(self.order, last // SLICE)]

    def items(self, start: int, end: int) -> Iterator[tuple[int, bytes]]:
        """The elements from an index to another with their indices, downwards where it is less."""
        first, last = min(start, end), max(start, end)
        step = 1 if start <= end else -1
        for number in self._touched(first, last)[::step]:
            slice_ = self.slices[number]
            for index in sorted(slice_)[::step]:
                if first <= index <= last:
                    yield index, slice_[index]

    # Insertions ---------------------------------------------------------------------------------

    @property
    def next_index(self) -> int | None:
        """Where the next insertion goes; None where there is no room any more."""
        if self.cursor is None:
            return 0
        return None if self.cursor >= LAST_INDEX else self.cursor + 1

    def insert_in_ring(self, size: int, value: bytes) -> int:
        """Insert into a ring of so many elements, over the oldest one; the index."""
        index = 0 if self.cursor is None else (self.cursor + 1) % size
        self.set(index, value)
        self.cursor = index
        return index

    def fit_ring(self, size: int) -> None:
        """Lay the newest elements out anew, where a ring gets another size."""
        length = self.length
        if self.cursor is None:
            self.delete_range(size, LAST_INDEX)
        elif length > size or (length < size and self.cursor != length - 1):
            kept = self._newest(min(size, length), stop_at_hole=True)
            self.delete_range(0, LAST_INDEX)
            for index, value in enumerate(reversed(kept)):
                self.set(index, value or b"")
            self.cursor = len(kept) - 1 if kept else None

    def newest(self, count: int) -> list[bytes | None]:
        """The elements inserted last, the newest first; empty places are None."""
        return self._newest(min(count, self.count), stop_at_hole=False)

    def _newest(self, count: int, stop_at_hole: bool) -> list[bytes | None]:
        length = self.length
        index = length - 1 if self.cursor is None else self.cursor
        found: list[bytes | None] = []
        while len(found) < count:
            value = self.get(index)
            if value is None and stop_at_hole:
                break
            found.append(value)
            index = index - 1 if index else length - 1
        return found

    # The server's layout ------------------------------------------------------------------------

    def layout(self) -> dict[bytes, int]:
        """What ARINFO tells of the way in which a server would keep this."""
        highest = self.order[-1] if self.order else 0
        blocks = len({number // BLOCK for number in self.order}) if highest >= BLOCK else 0
        return {
            b"slices": len(self.order), b"directory-size": _power_of_two(blocks or highest + 1),
            b"super-dir-entries": blocks, b"slice-size": SLICE,
        }

    def slice_statistics(self) -> dict[bytes, int | float]:
        """What ARINFO FULL tells of the slices."""
        dense = [one for one in self.slices.values() if len(one) > _DENSE]
        sparse = [one for one in self.slices.values() if len(one) <= _DENSE]
        windows = sum([_power_of_two(max(one) - min(one) + 1) for one in dense])
        return {
            b"dense-slices": len(dense), b"sparse-slices": len(sparse),
            b"avg-dense-size": windows / len(dense) if dense else 0.0,
            b"avg-dense-fill": sum(map(len, dense)) / windows if windows else 0.0,
            b"avg-sparse-size": sum(map(len, sparse)) / len(sparse) if sparse else 0.0,
        }


def _power_of_two(size: int) -> int:
    return 1 << max(size - 1, 0).bit_length()
