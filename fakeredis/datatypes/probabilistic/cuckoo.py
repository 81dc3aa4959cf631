"""Cuckoo filters: the server's own fingerprints, in the same places.

An element is one byte, its fingerprint, in one of two buckets; where both are full, others of them
move to their other buckets, and where that does not help the filter gets another layer.
"""

from __future__ import annotations

import struct
from typing import Final

from fakeredis.datatypes.probabilistic.hashes import murmur64
from fakeredis.datatypes.probabilistic.pages import MOST, Room, occupied, read, room, write

__all__ = ["MOST_LAYERS", "CuckooFilter", "Layer", "NoRoom", "NoSpace"]

MOST_LAYERS: Final = 32  # a filter that has so many takes nothing more
_OTHER: Final = 0x5BD1E995
_ALL: Final = (1 << 64) - 1
_HEADER: Final = struct.Struct("<QQQQHHH")
_OWN_BYTES, _LAYER_BYTES = 40, 16  # what the server takes besides the buckets
_COMPACT_FROM: Final = 0.10  # share of elements that are deleted before layers are put together
CHUNK: Final = 1 << 24  # bytes of a part at most


class NoSpace(Exception):
    """The filter is full, and does not grow."""


class NoRoom(Exception):
    """It would be bigger than what a server has memory for."""


def next_power(number: int) -> int:
    """The lowest power of two that is no lower than a number; 0 of 0."""
    return 1 << (number - 1).bit_length() if number else 0


class Layer:
    """Some buckets, one after the other."""

    __slots__ = ("buckets", "data")

    def __init__(self, buckets: int, data: Room) -> None:
        self.buckets = buckets
        self.data = data


class CuckooFilter:
    """Layers of buckets, the oldest first.

    Args:
        buckets: in the first layer.
        bucket_size: elements of a bucket.
        iterations: how often elements are moved to make room for one.
        expansion: how many times bigger each layer is than the one before; 0: there is but one.
    """

    __slots__ = (
        "bucket_size", "buckets", "deletes", "expansion", "items", "iterations", "layers",
    )
    type_name = b"MBbloomCF"
    cannot_be_copied = True

    def __init__(self, buckets: int, bucket_size: int, iterations: int, expansion: int) -> None:
        self.buckets = buckets
        self.bucket_size = bucket_size
        self.iterations = iterations
        self.expansion = expansion
        self.items = 0
        self.deletes = 0
        self.layers: list[Layer] = []

    @classmethod
    def of(cls, capacity: int, bucket_size: int, iterations: int, expansion: int) -> CuckooFilter:
        """A new one.

        Raises:
            NoRoom: it would be too big.
        """
        buckets = next_power(capacity // bucket_size) or 1
        value = cls(buckets, bucket_size, iterations, next_power(expansion))
        value.grow()
        return value

    def __len__(self) -> int:
        return self.items

    def encoding(self, limits: object) -> bytes:
        """What OBJECT ENCODING says."""
        return b"raw"

    def copy(self) -> CuckooFilter:
        """An independent copy."""
        twin = CuckooFilter(self.buckets, self.bucket_size, self.iterations, self.expansion)
        twin.items, twin.deletes = self.items, self.deletes
        twin.layers = [Layer(layer.buckets, layer.data.copy()) for layer in self.layers]
        return twin

    def memory_usage(self) -> int:
        """As many bytes as the server takes for it."""
        return _OWN_BYTES + sum(_LAYER_BYTES + len(layer.data) for layer in self.layers)

    def buckets_of(self, number: int) -> int:
        """How many buckets a layer has."""
        growth: int = self.expansion**number
        return self.buckets * growth

    def grow(self) -> None:
        """Add a layer.

        Raises:
            NoRoom: it would be too big.
        """
        buckets = self.buckets_of(len(self.layers))
        if buckets * self.bucket_size > MOST:
            raise NoRoom
        self.layers.append(Layer(buckets, room(buckets * self.bucket_size)))

    # Elements -------------------------------------------------------------------------------

    def _starts(self, item: bytes) -> tuple[int, int, int]:
        """An element's fingerprint, and its two hashes."""
        first = murmur64(item, 0)
        mark = first % 255 + 1
        return mark, first, first ^ mark * _OTHER

    def __contains__(self, item: bytes) -> bool:
        return self._has(*self._starts(item))

    def _has(self, mark: int, first: int, other: int) -> bool:
        size = self.bucket_size
        for layer in self.layers:
            if not layer.buckets:
                continue
            find = layer.data.find
            start = first % layer.buckets * size
            if find(mark, start, start + size) >= 0:
                return True
            start = other % layer.buckets * size
            if find(mark, start, start + size) >= 0:
                return True
        return False

    def count(self, item: bytes) -> int:
        """How often an element may have been added; both its buckets may be the same one."""
        mark, first, other = self._starts(item)
        size = self.bucket_size
        return sum(
            layer.data.count(mark, start, start + size)
            for layer in self.layers if layer.buckets
            for start in (first % layer.buckets * size, other % layer.buckets * size)
        )

    def add(self, item: bytes, unique: bool = False) -> bool:
        """Add an element; False: it is there, and was to be unique.

        Raises:
            NoSpace: the filter is full, and does not grow.
            NoRoom: it would be too big.
        """
        mark, first, other = self._starts(item)
        if unique and self._has(mark, first, other):
            return False
        while not self._put_free(mark, first, other):
            if self._push_in(mark, first):
                break
            if not self.expansion:
                raise NoSpace
            self.grow()
        self.items = self.items + 1 & _ALL
        return True

    def _put_free(self, mark: int, first: int, other: int) -> bool:
        """Put a fingerprint in a free place, of the newest layer that has one."""
        layers = self.layers
        return self._put_in(layers[-1], mark, first, other) or any(
            self._put_in(layer, mark, first, other) for layer in layers[-2::-1]
        )

    def _put_in(self, layer: Layer, mark: int, first: int, other: int) -> bool:
        if not layer.buckets:
            return False
        size, data = self.bucket_size, layer.data
        start = first % layer.buckets * size
        place = data.find(0, start, start + size)
        if place < 0:
            start = other % layer.buckets * size
            place = data.find(0, start, start + size)
            if place < 0:
                return False
        data[place] = mark
        return True

    def _push_in(self, mark: int, first: int) -> bool:
        """Make room in the newest layer by moving others; everything is as before if it fails."""
        layer = self.layers[-1]
        size, data, buckets = self.bucket_size, layer.data, layer.buckets
        if not buckets:
            return False
        bucket, victim = first % buckets, 0
        for _ in range(self.iterations):
            place = bucket * size + victim
            data[place], mark = mark, data[place]
            bucket = (bucket ^ mark * _OTHER) % buckets
            free = data.find(0, bucket * size, bucket * size + size)
            if free >= 0:
                data[free] = mark
                return True
            victim = (victim + 1) % size
        for _ in range(self.iterations):
            victim = (victim - 1) % size
            bucket = (bucket ^ mark * _OTHER) % buckets
            place = bucket * size + victim
            data[place], mark = mark, data[place]
        return False

    def remove(self, item: bytes) -> bool:
        """Remove an element; whether it was there."""
        mark, first, other = self._starts(item)
        size = self.bucket_size
        for layer in reversed(self.layers):
            for start in (each % (layer.buckets or 1) * size for each in (first, other)):
                place = layer.data.find(mark, start, start + size) if layer.buckets else -1
                if place >= 0:
                    layer.data[place] = 0
                    self.items = self.items - 1 & _ALL
                    self.deletes = self.deletes + 1 & _ALL
                    if len(self.layers) > 1 and self.deletes > self.items * _COMPACT_FROM:
                        self.compact(False)
                    return True
        return False

    # Compacting -----------------------------------------------------------------------------

    def compact(self, thorough: bool = True) -> None:
        """Move elements to older layers; the newest ones, when they are empty, are gone.

        Args:
            thorough: go on with older layers where one cannot be emptied.
        """
        for number in range(len(self.layers) - 1, 0, -1):
            if not self._empty(number) and not thorough:
                break
        self.deletes = 0

    def _empty(self, number: int) -> bool:
        """Move all elements of a layer to older ones; whether they had room."""
        layer, size = self.layers[number], self.bucket_size
        done = True
        for place in occupied(layer.data):
            mark, bucket = layer.data[place], place // size
            other = bucket ^ mark * _OTHER
            if any(self._put_in(older, mark, bucket, other) for older in self.layers[:number]):
                layer.data[place] = 0
            else:
                done = False
        if done and number == len(self.layers) - 1:
            self.layers.pop()
        return done

    # Parts ----------------------------------------------------------------------------------

    def header(self) -> bytes:
        """What a copy begins with: everything but the buckets."""
        return _HEADER.pack(
            self.items, self.buckets, self.deletes, len(self.layers), self.bucket_size,
            self.iterations, self.expansion,
        )

    @classmethod
    def from_header(cls, raw: bytes) -> CuckooFilter | None:
        """A filter of empty buckets; None where it can be none.

        Raises:
            ValueError: the bytes are no header.
        """
        if len(raw) != _HEADER.size:
            raise ValueError
        items, buckets, deletes, count, size, iterations, expansion = _HEADER.unpack(raw)
        value = cls(buckets, size, iterations, expansion)
        value.items, value.deletes = items, deletes
        count &= 0xFFFF
        if not count or not value.is_sound:
            return None
        used = 0
        try:
            for number in range(count):
                used += value.buckets_of(number) * size
                if used > MOST:
                    return None
                value.grow()
        except NoRoom:
            return None
        return value

    @property
    def is_sound(self) -> bool:
        """Whether its facts make sense, as the server judges."""
        return (
            0 < self.bucket_size < 256 and self.iterations > 0
            and self.buckets > 0 and not self.buckets & self.buckets - 1
        )

    def _place(self, offset: int) -> tuple[Layer, int] | None:
        if offset >= 0:
            for layer in self.layers:
                if offset < len(layer.data):
                    return layer, offset
                offset -= len(layer.data)
        return None

    def chunk(self, position: int) -> tuple[int, bytes] | None:
        """Buckets of one layer from a position on, and the next position; None at the end.

        A layer that is no longer than a chunk comes as a whole, wherever in it the position is.
        """
        found = self._place(position - 1)
        if found is None:
            return None
        layer, offset = found
        if len(layer.data) <= CHUNK:
            offset = 0
        part = read(layer.data, offset, min(offset + CHUNK, len(layer.data)))
        return position + len(part), part

    def load(self, position: int, chunk: bytes) -> bool:
        """Put what `chunk` gave together with this next position; whether it has a place."""
        found = self._place(position - len(chunk) - 1)
        if not chunk or found is None or len(chunk) > len(found[0].data) - found[1]:
            return False
        write(found[0].data, found[1], chunk)
        return True

