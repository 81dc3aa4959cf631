"""Counters of 32 bits, of which most may never be touched."""

from __future__ import annotations

from array import array
from typing import Any, Final

__all__ = ["MOST_BYTES", "SparseCells", "new_cells"]

MOST_BYTES: Final = 1 << 46  # of more, the server says that there is no memory for them
_DENSE: Final = 1 << 20  # up to so many counters have their memory at once


class SparseCells(dict[int, int]):
    """Counters that are 0 until they are set; a server's memory, too, is taken when it is used."""

    __slots__ = ()

    def __missing__(self, at: int) -> int:
        return 0


def new_cells(count: int) -> Any:
    """Counters that are all 0."""
    return array("I", bytes(4 * count)) if count <= _DENSE else SparseCells()
