"""Bloom filters that grow: the server's own bits, down to each false positive.

A filter is a chain of links, each bigger than the one before; the newest takes what is added.
"""

from __future__ import annotations

import math
import struct
from typing import Final

from fakeredis.datatypes.probabilistic.hashes import murmur2, murmur64_pair
from fakeredis.datatypes.probabilistic.pages import MOST, Room, read, room, write

__all__ = [
    "ADDED", "FAILED", "FIXED", "FULL", "KNOWN", "MOST_HASHES", "BloomError", "BloomFilter", "Link",
    "NoMemory",
]

# Options of a filter, as they are in its header: the number of bits is no power of two; its size is
# given in bits; hashes of 64 bits; it does not grow.
_EXACT, _IN_BITS, _WIDE, FIXED = 1, 2, 4, 8
USUAL: Final = _EXACT | _WIDE

# What comes of adding.
KNOWN, ADDED, FAILED, FULL = 0, 1, -1, -2

_SEED64: Final = 0xC6A4A7935BD1E995
_SEED32: Final = 0x9747B28C
_ALL: Final = (1 << 64) - 1
_LN2: Final = 0.693147180559945
_LN2_SQUARED: Final = 0.480453013918201
_TIGHTER: Final = 0.5  # each link has half the rate of errors of the one before
MOST_HASHES: Final = 1 << 16  # none has more than 1075 that was not made up

_HEADER: Final = struct.Struct("<QIII")
_LINK: Final = struct.Struct("<QQQddIQB")
_OWN_BYTES, _LINK_BYTES = 32, 64  # what the server takes besides the bits
CHUNK: Final = 1 << 24  # bytes of a part of the bits at most


class BloomError(Exception):
    """Something is wrong with a part of a filter; the text is the server's."""


class NoMemory(Exception):
    """A filter would be bigger than what a server has memory for."""


class Link:
    """One filter of the chain."""

    __slots__ = ("bits", "bpe", "data", "entries", "error", "hashes", "modulus", "n2", "size")

    def __init__(
        self, entries: int = 0, error: float = 0.0, hashes: int = 0, bpe: float = 0.0,
        bits: int = 0, n2: int = 0, data: Room | None = None, size: int = 0,
    ) -> None:
        self.entries = entries
        self.error = error
        self.hashes = hashes
        self.bpe = bpe
        self.bits = bits
        self.n2 = n2
        self.data: Room = bytearray() if data is None else data
        self.size = size
        self.modulus = 1 << (n2 & 63) if n2 else bits

    @classmethod
    def of(cls, entries: int, error: float, options: int) -> Link:
        """One for so many entries.

        Raises:
            ValueError: there can be none.
            NoMemory: it would be too big.
        """
        if entries < 1 or not 0 < error < 1:
            raise ValueError
        bpe = abs(math.log(error) / _LN2_SQUARED)
        n2 = 0
        if options & _IN_BITS:
            if entries > 64:
                raise ValueError
            n2 = entries
            bits = 1 << (n2 & 63)
            entries = int(bits / bpe)
        elif options & _EXACT:
            wanted = entries * bpe
            bits = (int(wanted) if wanted < 1 << 64 else 0) or 1
        else:
            n2 = math.frexp(entries * bpe)[1]
            if n2 > 64:
                raise ValueError
            bits = 1 << (n2 & 63)
            entries += int(int(bits - entries * bpe) / bpe)
        size = (bits + 63) // 64 * 8
        if size > MOST:
            raise NoMemory
        return cls(entries, error, math.ceil(_LN2 * bpe), bpe, size * 8, n2, room(size))

    @property
    def is_sound(self) -> bool:
        """Whether its facts fit each other, as the server judges; ``data`` is not looked at."""
        if self.error <= 0 or self.error >= 1 or not self.bits:
            return False
        if self.n2 and self.bits < self.modulus:
            return False
        wanted = _LN2 * self.bpe
        return math.isfinite(wanted) and self.hashes == math.ceil(wanted) <= MOST_HASHES

    def copy(self) -> Link:
        """An independent copy."""
        return Link(
            self.entries, self.error, self.hashes, self.bpe, self.bits, self.n2, self.data.copy(),
            self.size,
        )


class BloomFilter:
    """A chain of links.

    Args:
        growth: how many times bigger each link is than the one before.
        options: see above.
    """

    __slots__ = ("growth", "links", "options", "size")
    type_name = b"MBbloom--"
    cannot_be_copied = True

    def __init__(
        self, links: list[Link], growth: int = 2, options: int = USUAL, size: int = 0
    ) -> None:
        self.links = links
        self.growth = growth
        self.options = options
        self.size = size

    @classmethod
    def of(cls, capacity: int, error: float, growth: int, fixed: bool) -> BloomFilter:
        """A new one.

        Raises:
            ValueError: there can be none.
            NoMemory: it would be too big.
        """
        options = USUAL | FIXED * fixed
        link = Link.of(capacity, error * (1 if fixed else _TIGHTER), options)
        return cls([link], growth & 0xFFFFFFFF, options)

    def __len__(self) -> int:
        return self.size

    def encoding(self, limits: object) -> bytes:
        """What OBJECT ENCODING says."""
        return b"raw"

    def copy(self) -> BloomFilter:
        """An independent copy."""
        return BloomFilter(
            [link.copy() for link in self.links], self.growth, self.options, self.size
        )

    def memory_usage(self) -> int:
        """As many bytes as the server takes for it."""
        return _OWN_BYTES + sum(_LINK_BYTES + len(link.data) for link in self.links)

    @property
    def capacity(self) -> int:
        """How many elements it has room for, before it grows again."""
        return sum(link.entries for link in self.links) & _ALL

    @property
    def is_fixed(self) -> bool:
        """Whether it does not grow."""
        return bool(self.options & FIXED)

    @property
    def is_wide(self) -> bool:
        """Whether its hashes have 64 bits."""
        return bool(self.options & _WIDE)

    # Elements -------------------------------------------------------------------------------

    def _hashes(self, item: bytes) -> tuple[int, int]:
        if self.options & _WIDE:
            return murmur64_pair(item, _SEED64)
        first = murmur2(item, _SEED32)
        return first, murmur2(item, first)

    def _has(self, first: int, step: int) -> bool:
        for link in reversed(self.links):
            data, modulus, at = link.data, link.modulus, first
            for _ in range(link.hashes):
                place = at % modulus
                if not data[place >> 3] >> (place & 7) & 1:
                    break
                at = at + step & _ALL
            else:
                return True
        return False

    def __contains__(self, item: bytes) -> bool:
        return self._has(*self._hashes(item))

    def add(self, item: bytes) -> int:
        """Add an element; what has come of it: `ADDED`, `KNOWN`, `FULL` or `FAILED`."""
        if self.options & _WIDE:
            first, step = murmur64_pair(item, _SEED64)
        else:
            first, step = self._hashes(item)
        links = self.links
        if not links:
            return FAILED
        link = links[-1]
        if len(links) > 1 or link.size >= link.entries:
            if self._has(first, step):
                return KNOWN
            if link.size >= link.entries:
                if self.options & FIXED:
                    return FULL
                if not self._grow(link):
                    return FAILED
                link = links[-1]
        data, modulus, at, is_new = link.data, link.modulus, first, False
        for _ in range(link.hashes):
            place = at % modulus
            byte, bit = place >> 3, 1 << (place & 7)
            found = data[byte]
            if not found & bit:
                data[byte] = found | bit
                is_new = True
            at = at + step & _ALL
        if not is_new:
            return KNOWN
        link.size = link.size + 1 & _ALL
        self.size = self.size + 1 & _ALL
        return ADDED

    def _grow(self, last: Link) -> bool:
        """Add a link; if there can be none, an empty one, in which everything is, as it seems."""
        try:
            entries = last.entries * self.growth & _ALL
            self.links.append(Link.of(entries, last.error * _TIGHTER, self.options))
        except ValueError:
            self.links.append(Link())
            return False
        except NoMemory:
            return False
        return True

    # Parts ----------------------------------------------------------------------------------

    def header(self) -> bytes:
        """What a copy begins with: everything but the bits."""
        head = _HEADER.pack(self.size & _ALL, len(self.links), self.options, self.growth)
        return head + b"".join(
            _LINK.pack(len(link.data), link.bits, link.size & _ALL, link.error, link.bpe,
                       link.hashes, link.entries, link.n2)
            for link in self.links
        )

    @classmethod
    def from_header(cls, raw: bytes) -> BloomFilter:
        """A filter without bits.

        Raises:
            BloomError: the bytes are no header.
        """
        try:
            size, count, options, growth = _HEADER.unpack_from(raw)
        except struct.error:
            raise BloomError("ERR received bad data") from None
        if len(raw) != _HEADER.size + count * _LINK.size:
            raise BloomError("ERR received bad data")
        value = cls([], growth, options, size)
        used = 0
        for facts in _LINK.iter_unpack(raw[_HEADER.size :]):
            width, bits, held, error, bpe, hashes, entries, n2 = facts
            link = Link(entries, error, hashes, bpe, bits, n2, None, held)
            used += width
            if not link.is_sound or bits != width * 8 & _ALL or used > MOST:
                raise BloomError("ERR received bad data")
            link.data = room(width)
            value.links.append(link)
        if not value.is_sound:
            raise BloomError("ERR received bad data")
        return value

    @property
    def is_sound(self) -> bool:
        """Whether options are known and the sizes of the links add up."""
        return not self.options & ~15 and self.size == sum(link.size for link in self.links)

    def _place(self, offset: int) -> tuple[Link, int]:
        """The link that has the byte of an offset, and its place there.

        Raises:
            BloomError: none has.
        """
        if offset >= 0:
            for link in self.links:
                if offset < len(link.data):
                    return link, offset
                offset -= len(link.data)
        raise BloomError("ERR invalid offset - no link found")

    def chunk(self, position: int) -> tuple[int, bytes]:
        """Bits from a position on, which begin with 1, and the next position; 0 at the end."""
        try:
            link, offset = self._place(position - 1)
        except BloomError:
            return 0, b""
        found = read(link.data, offset, min(offset + CHUNK, len(link.data)))
        return position + len(found), found

    def load(self, position: int, chunk: bytes) -> None:
        """Put what `chunk` gave together with this next position.

        Raises:
            BloomError: it has no place.
        """
        if position <= 0 or position < len(chunk):
            raise BloomError("ERR received bad data")
        link, offset = self._place(position - len(chunk) - 1)
        if len(chunk) > len(link.data) - offset:
            raise BloomError("ERR invalid chunk - Too big for current filter")
        write(link.data, offset, chunk)
