"""The string that is changed in place."""

from __future__ import annotations

from collections.abc import Callable

BLOCK = 8189  # bytes; the most whose bits are fewer than Adler-32's modulus


class MutableString(bytearray):
    """A string after SETRANGE, SETBIT, APPEND and their like; ``raw`` to OBJECT ENCODING.

    A long one remembers how many bits are set in each block that was counted, so that BITCOUNT
    looks only at what has changed since. Whoever changes it calls `changed` where ``counts`` is
    not None.
    """

    __slots__ = ("counts", "embedded")

    def __init__(self, value: bytes | bytearray | int = b"") -> None:
        super().__init__(value)
        self.counts: dict[int, int] | None = None  # by number of the block; whole blocks only
        # A whole number that INCRBYFLOAT left, which the server keeps as text: ``embstr``.
        self.embedded = False

    def copy(self) -> MutableString:
        """A string of the same bytes, whose bits are counted anew."""
        copied = MutableString(self)
        copied.embedded = self.embedded
        return copied

    def changed(self, start: int, stop: int) -> None:
        """Forget what was counted between two positions in bytes."""
        if self.counts is not None:
            for block in range(start // BLOCK, (stop - 1) // BLOCK + 1):
                self.counts.pop(block, None)

    def count_blocks(self, first: int, last: int, count: Callable[[int, int], int]) -> int:
        """Set bits of some whole blocks.

        Args:
            first: the first block's number.
            last: the number behind the last one's.
            count: counts from byte to byte where nothing is remembered.
        """
        counts = self.counts
        if counts is None:
            counts = self.counts = {}
        for block in range(first, last):
            if block not in counts:
                counts[block] = count(block * BLOCK, (block + 1) * BLOCK)
        return sum(map(counts.__getitem__, range(first, last)))
