"""A chunk of a series: samples in the order of their times, and the bytes that the server takes.

Times and values stand in arrays.  Of packed samples each chunk knows what they take, sample by
sample, so it is full when the server's is, without a bit of it being written.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from typing import Final

from fakeredis.datatypes.timeseries.gorilla import NO_BLOCK, float_bits, time_bits, xor_bits

__all__ = ["SAMPLE_BYTES", "Chunk"]

SAMPLE_BYTES: Final = 16  # of one that is not packed
_STEP: Final = 32  # bytes by which a full chunk of packed samples grows
_WORD: Final = 8
_PACKED_HEADER, _PLAIN_HEADER = 80, 32
_SETTLED: Final = 2  # so many samples behind a change have other deltas than before


class Chunk:
    """Samples, packed or not.

    Args:
        size: how many bytes there are for them.
        packed: whether they take as many bits as the server packs them into.
    """

    __slots__ = ("_last_bits", "bits", "blocks", "costs", "packed", "size", "times", "values")

    def __init__(self, size: int, packed: bool) -> None:
        self.times = array("Q")
        self.values = array("d")
        self.size = size
        self.packed = packed
        # Of each sample, if they are packed: its bits, and the block behind it.
        self.costs = array("B")
        self.blocks = array("H")
        self.bits = 0
        self._last_bits: int | None = None  # of the last value, while that is known

    def __len__(self) -> int:
        return len(self.times)

    def copy(self) -> Chunk:
        """An independent copy."""
        other = Chunk(self.size, self.packed)
        for name in self.__slots__:
            value = getattr(self, name)
            setattr(other, name, value[:] if isinstance(value, array) else value)
        return other

    @property
    def memory(self) -> int:
        """The bytes that the server takes for it."""
        return self.size + (_PACKED_HEADER if self.packed else _PLAIN_HEADER)

    def append(self, time: int, value: float) -> bool:
        """Add a sample that is later than all others; False where there is no room for it."""
        times = self.times
        if not self.packed:
            if (len(times) + 1) * SAMPLE_BYTES > self.size:
                return False
        else:
            bits, cost, block = float_bits(value), 0, NO_BLOCK
            if times:  # `_cost` in line
                before, last_bits = times[-1], self._last_bits
                delta = time - before
                if len(times) > 1:
                    delta -= before - times[-2]
                if last_bits is None:
                    last_bits = float_bits(self.values[-1])
                cost, block = 1, self.blocks[-1]
                if bits != last_bits:
                    cost, block = xor_bits(bits ^ last_bits, block)
                cost += time_bits(delta) if delta else 1
            total = self.bits + cost
            if total > self.size * 8:
                return False
            self.costs.append(cost)
            self.blocks.append(block)
            self.bits, self._last_bits = total, bits
        times.append(time)
        self.values.append(value)
        return True

    def _cost(self, at: int, time: int, value: float) -> tuple[int, int]:
        """The bits of a sample at a place, and the block behind it."""
        if not at:
            return 0, NO_BLOCK
        times = self.times
        before = times[at - 1]
        delta = time - before
        if at > 1:
            delta -= before - times[at - 2]
        cost, block = xor_bits(
            float_bits(value) ^ float_bits(self.values[at - 1]), self.blocks[at - 1]
        )
        return cost + time_bits(delta), block

    def put(self, at: int, time: int, value: float) -> None:
        """Put a sample at its place among the others; the chunk grows if it must."""
        self.times.insert(at, time)
        self.values.insert(at, value)
        if self.packed:
            self.costs.insert(at, 0)
            self.blocks.insert(at, 0)
        self._changed(at)

    def replace(self, at: int, value: float) -> None:
        """Give a sample another value; the chunk grows if it must."""
        self.values[at] = value
        self._changed(at)

    def delete(self, first: int, end: int) -> None:
        """Remove samples from one place up to another."""
        del self.times[first:end]
        del self.values[first:end]
        if self.packed:
            self.bits -= sum(self.costs[first:end])
            del self.costs[first:end]
            del self.blocks[first:end]
        self._changed(first)

    def _changed(self, at: int) -> None:
        """Work out again what samples take from a place on, and grow."""
        self._last_bits = None
        if not self.packed:
            while len(self.times) * SAMPLE_BYTES > self.size:
                self.size += SAMPLE_BYTES
            return
        costs, blocks = self.costs, self.blocks
        for index in range(at, len(costs)):
            cost, block = self._cost(index, self.times[index], self.values[index])
            settled = index >= at + _SETTLED and block == blocks[index]
            self.bits += cost - costs[index]
            costs[index], blocks[index] = cost, block
            if settled:
                break
        while self.bits > self.size * 8:
            self.size += _STEP

    def fill(self, times: array[int], values: array[float]) -> None:
        """Take samples into an empty chunk, which grows if it must."""
        self.times, self.values = times, values
        if self.packed:
            self.costs = array("B", bytes(len(times)))
            self.blocks = array("H", b"\xff" * 2 * len(times))  # no block at all
        self._changed(0)

    def split(self) -> Chunk:
        """Give the second half of the samples to a new chunk."""
        kept = len(self) - len(self) // 2
        other = Chunk(self.size, self.packed)
        other.fill(self.times[kept:], self.values[kept:])
        self.delete(kept, len(self))
        self._trim()
        other._trim()
        return other

    def _trim(self) -> None:
        if not self.packed:
            self.size = len(self.times) * SAMPLE_BYTES
            return
        size = (self.bits + 7) // 8 + 1
        self.size = size + _WORD - size % _WORD

    def range(
        self, start: int, end: int, most: int | None
    ) -> tuple[array[int], array[float]]:
        """The samples from one time to another, see `Series.range`."""
        first, behind = bisect_left(self.times, start), bisect_right(self.times, end)
        if most is not None:
            if most < 0:
                first = max(first, behind + most)
            else:
                behind = min(behind, first + most)
        return self.times[first:behind], self.values[first:behind]

    def place(self, time: int) -> int:
        """Where a time is, or would be."""
        return bisect_left(self.times, time)
