"""Bytes of any number, all of which are zero at first: big ones take memory where they are set."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

__all__ = ["MOST", "Pages", "Room", "occupied", "read", "room", "write"]

MOST: Final = 1 << 46  # bytes: of more, the server says that there is no memory for them
_PLAIN: Final = 1 << 24  # bytes up to which all are there from the beginning
_BITS: Final = 12
_PAGE: Final = 1 << _BITS
_ZEROS: Final = bytes(_PAGE)
_SET: Final = re.compile(rb"[^\0]").finditer


class Pages:
    """A long run of bytes, by pages; one that is missing is all zeros."""

    __slots__ = ("pages", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self.pages: dict[int, bytearray] = {}

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, at: int) -> int:
        page = self.pages.get(at >> _BITS)
        return 0 if page is None else page[at & _PAGE - 1]

    def __setitem__(self, at: int, value: int) -> None:
        page = self.pages.get(at >> _BITS)
        if page is None:
            if not value:
                return
            page = self.pages[at >> _BITS] = bytearray(_PAGE)
        page[at & _PAGE - 1] = value

    def find(self, value: int, start: int, stop: int) -> int:
        """The first place of a byte in a range that has few; -1 where it is not there."""
        return next((at for at in range(start, stop) if self[at] == value), -1)

    def count(self, value: int, start: int, stop: int) -> int:
        """How often a byte is in a range that has few."""
        return sum(self[at] == value for at in range(start, stop))

    def copy(self) -> Pages:
        """An independent copy."""
        twin = Pages(self.size)
        twin.pages = {number: page.copy() for number, page in self.pages.items()}
        return twin


Room = bytearray | Pages


def room(size: int) -> Room:
    """So many zero bytes."""
    return bytearray(size) if size <= _PLAIN else Pages(size)


def read(data: Room, start: int, stop: int) -> bytes:
    """The bytes of a range."""
    if type(data) is bytearray:
        return bytes(data[start:stop])
    assert type(data) is Pages
    parts = []
    while start < stop:
        within = start & _PAGE - 1
        step = min(_PAGE - within, stop - start)
        page = data.pages.get(start >> _BITS, _ZEROS)
        parts.append(page[within : within + step])
        start += step
    return b"".join(parts)


def write(data: Room, start: int, chunk: bytes) -> None:
    """Put bytes at a place, behind which there is room for them."""
    if type(data) is bytearray:
        data[start : start + len(chunk)] = chunk
        return
    assert type(data) is Pages
    at = 0
    while at < len(chunk):
        number, within = divmod(start + at, _PAGE)
        part = chunk[at : at + _PAGE - within]
        page = data.pages.get(number)
        if page is None and part.strip(b"\0"):
            page = data.pages[number] = bytearray(_PAGE)
        if page is not None:
            page[within : within + len(part)] = part
        at += len(part)


def occupied(data: Room) -> Iterator[int]:
    """The places of bytes that are not zero, in order; the byte just seen may be set to zero."""
    if type(data) is bytearray:
        yield from (found.start() for found in _SET(bytes(data)))
        return
    assert type(data) is Pages
    for number in sorted(data.pages):
        first = number << _BITS
        yield from (first + found.start() for found in _SET(bytes(data.pages[number])))
