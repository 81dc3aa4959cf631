"""Hashes of an item for rows of counters: MurmurHash2, of which each row has its own seed."""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import Final

__all__ = ["row_hashes"]

_FACTOR: Final = 0x5BD1E995
_MASK: Final = 0xFFFFFFFF
_FEW_ROWS, _FEW_BYTES = 64, 1024  # up to which hashes are remembered


def _hashes(item: bytes, count: int, *more: int) -> tuple[int, ...]:
    size = len(item)
    whole = size >> 2
    words = []  # mixed, into which the seed does not go
    for word in struct.unpack_from(f"<{whole}I", item):
        word = word * _FACTOR & _MASK
        words.append((word ^ word >> 24) * _FACTOR & _MASK)
    rest = int.from_bytes(item[4 * whole :], "little")
    found = []
    for seed in (*range(count), *more) if more else range(count):
        value = (seed ^ size) & _MASK
        for word in words:
            value = value * _FACTOR & _MASK ^ word
        if size & 3:
            value = (value ^ rest) * _FACTOR & _MASK
        value = (value ^ value >> 13) * _FACTOR & _MASK
        found.append(value ^ value >> 15)
    return tuple(found)


_remembered: Final = lru_cache(maxsize=4096)(_hashes)


def row_hashes(item: bytes, count: int, *more: int) -> tuple[int, ...]:
    """The hashes of an item with the seeds from 0 on, and with others."""
    if count <= _FEW_ROWS and len(item) <= _FEW_BYTES:
        return _remembered(item, count, *more)
    return _hashes(item, count, *more)
