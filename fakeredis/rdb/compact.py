"""The server's compact forms of small containers: listpack, intset, older ziplist and zipmap.

A row of elements becomes one string. Numbers among them are kept as such; here they are texts, as
clients see them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from itertools import pairwise

from fakeredis.datatypes.numbers import parse_int
from fakeredis.rdb.errors import FormatError

_END = 0xFF
_UNCOUNTED = 0xFFFF
_UNCOUNTED_PAIRS = 0xFE


# Listpack -------------------------------------------------------------------------------------


def write_listpack(items: Iterable[bytes | int]) -> bytes:
    """A listpack of texts and numbers."""
    body = b"".join(parts := [listpack_entry(item) for item in items])
    return struct.pack("<IH", len(body) + 7, min(len(parts), _UNCOUNTED)) + body + b"\xff"


def listpack_entry(item: bytes | int) -> bytes:
    """One element as it stands in a listpack."""
    number = item if isinstance(item, int) else parse_int(item) if len(item) < 21 else None
    if number is not None:
        if 0 <= number < 128:
            return bytes((number, 1))
        entry = _number(number)
    else:
        assert isinstance(item, bytes)
        entry = _text(item)
    return entry + _length_behind(len(entry))


def _number(number: int) -> bytes:
    if -4096 <= number < 4096:
        return struct.pack(">H", 0xC000 | number & 0x1FFF)
    if -(1 << 15) <= number < 1 << 15:
        return b"\xf1" + struct.pack("<h", number)
    if -(1 << 23) <= number < 1 << 23:
        return b"\xf2" + struct.pack("<i", number)[:3]
    if -(1 << 31) <= number < 1 << 31:
        return b"\xf3" + struct.pack("<i", number)
    return b"\xf4" + struct.pack("<q", number)


def _text(text: bytes) -> bytes:
    size = len(text)
    if size < 64:
        return bytes((0x80 | size,)) + text
    if size < 4096:
        return struct.pack(">H", 0xE000 | size) + text
    return b"\xf0" + struct.pack("<I", size) + text


def _length_behind(size: int) -> bytes:
    """An entry's length as it stands behind it, to be read backwards."""
    parts = []
    while size > 127:
        parts.append(size & 127 | 128)
        size >>= 7
    return bytes((size, *reversed(parts)))


def read_listpack(data: bytes) -> list[bytes]:
    """The elements of a listpack.

    Raises:
        FormatError: it is damaged.
    """
    size = len(data)
    if size < 7 or data[-1] != _END or int.from_bytes(data[:4], "little") != size:
        raise FormatError("a listpack is damaged")
    items: list[bytes] = []
    at, end = 6, size - 1
    while at < end:
        item, stop = _listpack_item(data, at)
        behind = _length_behind(stop - at)
        if stop + len(behind) > end or data[stop : stop + len(behind)] != behind:
            raise FormatError("a listpack's element is damaged", at)
        items.append(item)
        at = stop + len(behind)
    count = int.from_bytes(data[4:6], "little")
    if count not in (len(items), _UNCOUNTED):
        raise FormatError("a listpack has not as many elements as it says")
    return items


_LISTPACK_NUMBERS = {0xF1: 2, 0xF2: 3, 0xF3: 4, 0xF4: 8}


def _listpack_item(data: bytes, at: int) -> tuple[bytes, int]:
    """The element at a position, and the position behind it, which may be beyond the end."""
    first = data[at]
    if first < 0x80:
        return b"%d" % first, at + 1
    if first < 0xC0:
        start, size = at + 1, first & 63
    elif first < 0xE0:
        number = (first & 31) << 8 | data[at + 1]
        return b"%d" % (number - 0x2000 if number & 0x1000 else number), at + 2
    elif first < 0xF0:
        start, size = at + 2, (first & 15) << 8 | data[at + 1]
    elif first == 0xF0:
        start, size = at + 5, int.from_bytes(data[at + 1 : at + 5], "little")
    elif first in _LISTPACK_NUMBERS:
        stop = at + 1 + _LISTPACK_NUMBERS[first]
        return b"%d" % int.from_bytes(data[at + 1 : stop], "little", signed=True), stop
    else:
        raise FormatError("a listpack has an element of an unknown kind", at)
    return data[start : start + size], start + size


# Ziplist and zipmap: read only ----------------------------------------------------------------


def read_ziplist(data: bytes) -> list[bytes]:
    """The elements of a ziplist, as servers before 7.0 wrote them.

    Raises:
        FormatError: it is damaged.
    """
    size = len(data)
    if size < 11 or data[-1] != _END or int.from_bytes(data[:4], "little") != size:
        raise FormatError("a ziplist is damaged")
    items: list[bytes] = []
    at, end, before, start = 10, size - 1, 0, 0
    while at < end:
        start = at
        said = data[at]
        at += 1
        if said == 0xFE:
            said = int.from_bytes(data[at : at + 4], "little")
            at += 4
        item, at = _ziplist_item(data, at, end)
        if at > end or said != before:
            raise FormatError("a ziplist's element is damaged", start)
        before = at - start
        items.append(item)
    count = int.from_bytes(data[8:10], "little")
    if count not in (len(items), _UNCOUNTED):
        raise FormatError("a ziplist has not as many elements as it says")
    if items and int.from_bytes(data[4:8], "little") != start:
        raise FormatError("a ziplist does not know where its last element is")
    return items


_ZIPLIST_NUMBERS = {0xC0: 2, 0xD0: 4, 0xE0: 8, 0xF0: 3, 0xFE: 1}


def _ziplist_item(data: bytes, at: int, end: int) -> tuple[bytes, int]:
    if at >= end:
        raise FormatError("a ziplist ends too early", at)
    first = data[at]
    if first < 0x40:
        start, size = at + 1, first
    elif first < 0x80:
        start, size = at + 2, (first & 63) << 8 | data[at + 1]
    elif first < 0xC0:
        start, size = at + 5, int.from_bytes(data[at + 1 : at + 5], "big")
    elif first in _ZIPLIST_NUMBERS:
        stop = at + 1 + _ZIPLIST_NUMBERS[first]
        return b"%d" % int.from_bytes(data[at + 1 : stop], "little", signed=True), stop
    elif 0xF1 <= first <= 0xFD:
        return b"%d" % (first - 0xF1), at + 1
    else:
        raise FormatError("a ziplist has an element of an unknown kind", at)
    return data[start : start + size], start + size


def read_zipmap(data: bytes) -> list[bytes]:
    """Fields and values in turn of a zipmap, as servers before 2.6 wrote them.

    Raises:
        FormatError: it is damaged.
    """
    if len(data) < 2 or data[-1] != _END:
        raise FormatError("a zipmap is damaged")
    items: list[bytes] = []
    at, end = 1, len(data) - 1
    while at < end:
        size, at = _zipmap_length(data, at)
        unused = 0
        if len(items) % 2:
            unused = data[at] if at < end else 0
            at += 1
        items.append(data[at : at + size])
        at += size + unused
    if at != end or len(items) % 2 or data[0] not in (len(items) // 2, _UNCOUNTED_PAIRS):
        raise FormatError("a zipmap is damaged", min(at, end))
    return items


def _zipmap_length(data: bytes, at: int) -> tuple[int, int]:
    size = data[at]
    if size < 254:
        return size, at + 1
    return int.from_bytes(data[at + 1 : at + 5], "little"), at + 5


# Intset ---------------------------------------------------------------------------------------


def write_intset(numbers: Sequence[int]) -> bytes:
    """A set of numbers, which must be in order."""
    low, high = numbers[0], numbers[-1]
    width, code = 8, "q"
    if low >= -(1 << 15) and high < 1 << 15:
        width, code = 2, "h"
    elif low >= -(1 << 31) and high < 1 << 31:
        width, code = 4, "i"
    return struct.pack(f"<II{len(numbers)}{code}", width, len(numbers), *numbers)


def read_intset(data: bytes) -> list[int]:
    """The numbers of an intset.

    Raises:
        FormatError: it is damaged.
    """
    width = int.from_bytes(data[:4], "little")
    count = int.from_bytes(data[4:8], "little")
    if len(data) < 8 or width not in (2, 4, 8) or len(data) != 8 + width * count:
        raise FormatError("an intset is damaged")
    numbers = list(struct.unpack(f"<{count}{'hiq'[width.bit_length() - 2]}", data[8:]))
    if any(one >= other for one, other in pairwise(numbers)):
        raise FormatError("an intset is out of order")
    return numbers
