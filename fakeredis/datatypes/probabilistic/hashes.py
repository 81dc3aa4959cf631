"""MurmurHash, in the two widths that the probabilistic types use.

Written from the public description of Austin Appleby's algorithms.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import lru_cache
from typing import Final, TypeVar

__all__ = ["murmur2", "murmur64", "murmur64_pair"]

T = TypeVar("T")

_M64: Final = 0xC6A4A7935BD1E995
_ALL64: Final = (1 << 64) - 1
_M32: Final = 0x5BD1E995
_ALL32: Final = (1 << 32) - 1
# What the seed begins with, by the number of bytes, for those that are short.
_BY_SIZE: Final = [size * _M64 & _ALL64 for size in range(256)]
_WORDS: Final = [struct.Struct(f"<{count}Q").unpack_from for count in range(32)]
_LONGEST: Final = 256  # bytes of which hashes are remembered


def _remembering(hash_of: Callable[[bytes, int], T]) -> Callable[[bytes, int], T]:
    """The hashes of short data seen lately are not worked out again: what is added is asked for."""
    known = lru_cache(maxsize=4096)(hash_of)

    def found(data: bytes, seed: int) -> T:
        return known(data, seed) if len(data) < _LONGEST else hash_of(data, seed)

    return found


def _mixed64(data: bytes) -> tuple[list[int], int]:
    """The words of the data, each mixed by itself, and the bytes behind them as a number."""
    count = len(data) >> 3
    unpack = _WORDS[count] if count < 32 else struct.Struct(f"<{count}Q").unpack_from
    mixed = []
    for word in unpack(data):
        word = word * _M64 & _ALL64
        mixed.append((word ^ word >> 47) * _M64 & _ALL64)
    return mixed, int.from_bytes(data[count << 3 :], "little")


@_remembering
def murmur64(data: bytes, seed: int) -> int:
    """MurmurHash64A."""
    size = len(data)
    value: int = seed ^ (size * _M64 & _ALL64)
    if size < 8:
        tail = int.from_bytes(data, "little")
    else:
        words, tail = _mixed64(data)
        for word in words:
            value = (value ^ word) * _M64 & _ALL64
    if size & 7:
        value = (value ^ tail) * _M64 & _ALL64
    value = (value ^ value >> 47) * _M64 & _ALL64
    return value ^ value >> 47


@_remembering
def murmur64_pair(data: bytes, seed: int) -> tuple[int, int]:
    """MurmurHash64A of a seed, and with that as the seed of another one."""
    size = len(data)
    start = _BY_SIZE[size] if size < 256 else size * _M64 & _ALL64
    if size < 8:
        if not size:
            first = (seed ^ seed >> 47) * _M64 & _ALL64
            first ^= first >> 47
            second = (first ^ first >> 47) * _M64 & _ALL64
            return first, second ^ second >> 47
        tail = int.from_bytes(data, "little")
        first = (seed ^ start ^ tail) * _M64 & _ALL64
        first = (first ^ first >> 47) * _M64 & _ALL64
        first ^= first >> 47
        second = (first ^ start ^ tail) * _M64 & _ALL64
        second = (second ^ second >> 47) * _M64 & _ALL64
        return first, second ^ second >> 47
    words, tail = _mixed64(data)
    first = seed ^ start
    for word in words:
        first = (first ^ word) * _M64 & _ALL64
    if size & 7:
        first = (first ^ tail) * _M64 & _ALL64
    first = (first ^ first >> 47) * _M64 & _ALL64
    first ^= first >> 47
    second = first ^ start
    for word in words:
        second = (second ^ word) * _M64 & _ALL64
    if size & 7:
        second = (second ^ tail) * _M64 & _ALL64
    second = (second ^ second >> 47) * _M64 & _ALL64
    return first, second ^ second >> 47


def murmur2(data: bytes, seed: int) -> int:
    """MurmurHash2, of 32 bits."""
    size = len(data)
    value: int = (seed ^ size) & _ALL32
    count = size >> 2
    for word in struct.unpack_from(f"<{count}I", data):
        word = word * _M32 & _ALL32
        value = (value * _M32 ^ (word ^ word >> 24) * _M32) & _ALL32
    if size & 3:
        value = (value ^ int.from_bytes(data[count << 2 :], "little")) * _M32 & _ALL32
    value = (value ^ value >> 13) * _M32 & _ALL32
    return value ^ value >> 15
