"""The list: one array with room at the left."""

from __future__ import annotations

from builtins import list as _list
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from fakeredis.datatypes.limits import EncodingLimits
from fakeredis.datatypes.numbers import parse_int

_size = _list.__len__
_get = _list.__getitem__
_LONG = 1024  # bytes of a value that is worth to be looked at
_SAFE_BYTES = (4096, 8192, 16384, 32768, 65536)
_GAP = b""


class List(_list[bytes]):
    """Redis's list.

    The first `start` places are unused: both ends are cheap, since the room at the left grows and
    is given back in proportion to the size, and every index and range is that of an array.
    """

    __slots__ = ("quick", "start")

    def __init__(self, values: Iterable[bytes] = ()) -> None:
        super().__init__(values)
        self.start = 0
        # Whether it has become a quicklist, as far as it is known; see encoding(). A number: it is
        # one until it has fewer elements than that.
        self.quick: bool | int = False

    def __len__(self) -> int:
        return _size(self) - self.start

    def __bool__(self) -> bool:
        return _size(self) > self.start

    def __iter__(self) -> Iterator[bytes]:
        return iter(self[self.start :])

    def __contains__(self, value: object) -> bool:
        return value in self[self.start :]

    def __eq__(self, other: object) -> bool:
        if isinstance(other, List):
            return self[self.start :] == other[other.start :]
        return NotImplemented

    __hash__ = None

    def __repr__(self) -> str:
        return f"List({self.values()!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return (_restore, (self.values(), self.quick))

    def values(self) -> _list[bytes]:
        """All elements."""
        return self[self.start :]

    def push_right(self, value: bytes) -> None:
        """Append an element."""
        self.append(value)

    def push_right_many(self, values: Iterable[bytes]) -> None:
        """Append elements."""
        self.extend(values)

    def push_left(self, value: bytes) -> None:
        """Put an element in front."""
        start = self.start
        if not start:
            size = _size(self)
            if size < 16:
                # Too few to be worth the room.
                _list.insert(self, 0, value)
                return
            start = size >> 2
            self[0:0] = [_GAP] * start
        self.start = start = start - 1
        self[start] = value

    def push_left_many(self, values: Sequence[bytes]) -> None:
        """Put elements in front, one after the other: the last one ends up first."""
        self[0 : self.start] = values[::-1]
        self.start = 0

    def pop_left(self, count: int = 1) -> _list[bytes]:
        """Remove up to `count` elements from the front."""
        start = self.start
        size = _size(self)
        end = min(start + count, size)
        gone = self[start:end]
        if size < 64 or end * 2 >= size:
            del self[:end]
            self.start = 0
        else:
            self[start:end] = [_GAP] * (end - start)
            self.start = end
        return gone

    def pop_right(self, count: int = 1) -> _list[bytes]:
        """Remove up to `count` elements from the end, last one first."""
        low = max(self.start, _size(self) - count)
        gone = self[low:]
        gone.reverse()
        del self[low:]
        if low == self.start:
            self._empty()
        return gone

    def _empty(self) -> None:
        _list.clear(self)
        self.start = 0

    def clear(self) -> None:
        """Remove all elements."""
        self._empty()

    def get(self, index: int) -> bytes | None:
        """The element at an index (negative: from the end); None when there is none."""
        size = _size(self)
        index += self.start if index >= 0 else size
        return _get(self, index) if self.start <= index < size else None

    def set(self, index: int, value: bytes) -> bool:
        """Replace the element at an index; False when there is none."""
        size = _size(self)
        index += self.start if index >= 0 else size
        if not self.start <= index < size:
            return False
        self[index] = value
        return True

    def range(self, start: int, stop: int) -> _list[bytes]:
        """The elements of a half-open range of indexes from 0."""
        first = self.start
        return self[first + start : first + stop]

    def insert(self, pivot: bytes, value: bytes, after: bool) -> bool:  # type: ignore[override]
        """Insert next to the first `pivot`; False when there is none."""
        try:
            at = self.index(pivot, self.start)
        except ValueError:
            return False
        _list.insert(self, at + after, value)
        return True

    def remove(self, value: bytes, count: int) -> int:  # type: ignore[override]
        """Remove elements equal to `value`; how many.

        The first `count` ones, the last -count ones, or all for 0.
        """
        places = self.find(value, -1 if count < 0 else 1, abs(count), 0)
        if not places:
            return 0
        if len(places) == 1:
            del self[self.start + places[0]]
        else:
            doomed = set(places)
            self[:] = [item for at, item in enumerate(self) if at not in doomed]
            self.start = 0
        if _size(self) == self.start:
            self._empty()
        return len(places)

    def trim(self, start: int, stop: int) -> int:
        """Keep a half-open range of indexes from 0; how many elements went."""
        before = len(self)
        if start >= stop:
            self._empty()
            return before
        del self[self.start + stop :]
        if start:
            self.pop_left(start)
        if _size(self) == self.start:
            self._empty()
        return before - len(self)

    def find(self, value: bytes, rank: int = 1, count: int = 1, maxlen: int = 0) -> _list[int]:
        """Indexes of elements equal to `value`, as LPOS.

        From the `rank`-th match on (negative: from the end), `count` of them (0: all), looking at
        `maxlen` elements at most (0: no limit).
        """
        if rank < 0:
            return self._find_backwards(value, -rank, count, maxlen)
        found: _list[int] = []
        first = self.start
        at, end = first, _size(self)
        if maxlen:
            end = min(end, at + maxlen)
        index = super().index
        try:
            while not count or len(found) < count:
                at = index(value, at, end)
                if rank > 1:
                    rank -= 1
                else:
                    found.append(at - first)
                at += 1
        except ValueError:
            pass
        return found

    def _find_backwards(self, value: bytes, rank: int, count: int, maxlen: int) -> _list[int]:
        found: _list[int] = []
        size = len(self)
        items = self[max(self.start, _size(self) - maxlen) :] if maxlen else self[self.start :]
        items.reverse()
        at = 0
        try:
            while not count or len(found) < count:
                at = items.index(value, at)
                if rank > 1:
                    rank -= 1
                else:
                    found.append(size - 1 - at)
                at += 1
        except ValueError:
            pass
        return found

    def copy(self) -> List:
        """An independent copy."""
        return _restore(self.values(), self.quick)

    def encoding(self, limits: EncodingLimits) -> bytes:
        """What OBJECT ENCODING says.

        A list becomes a quicklist when it outgrows one listpack, and a listpack again only when
        it has shrunk to half of that.
        """
        limit = limits.list_max_listpack_size
        if not limits.short_lists:
            return b"quicklist"
        size = len(self)
        if self.quick.__class__ is int and size >= self.quick:
            return b"quicklist"
        if limit >= 0:
            limit = max(limit, 1)
            self.quick = size > limit or (self.quick and size * 2 > limit)
        else:
            limit = _SAFE_BYTES[min(-limit, 5) - 1]
            used = limit + 1 if size * 2 > limit else 7 + self._listpack_bytes()
            self.quick = used > limit or (self.quick and used * 2 > limit)
        return b"quicklist" if self.quick else b"listpack"

    def expect(self, value: bytes, limits: EncodingLimits) -> None:
        """Become a quicklist if there is no room for another value, though none may come."""
        limit = limits.list_max_listpack_size
        if (limit < 0 and len(value) < _LONG) or self.encoding(limits) == b"quicklist":
            return
        if limit >= 0:
            full = len(self) >= max(limit, 1)
        else:
            full = 7 + self._listpack_bytes() + len(value) > _SAFE_BYTES[min(-limit, 5) - 1]
        if full:
            self.stay_quick()

    def note_size(self, limits: EncodingLimits) -> None:
        """Note that it has outgrown one listpack, where elements alone are counted."""
        if 0 <= limits.list_max_listpack_size < len(self):
            self.quick = True

    def stay_quick(self) -> None:
        """Be a quicklist, however small, until elements are removed."""
        self.quick = len(self)

    def _listpack_bytes(self) -> int:
        """Roughly the bytes of all entries: the last one is counted as it arrives, bare."""
        items = self[self.start :]
        if not items:
            return 0
        return sum(map(entry_bytes, items[:-1])) + len(items[-1])

    def _check(self) -> None:
        """Assert what must always hold."""
        assert 0 <= self.start <= _size(self)
        assert not self.start or self.start < _size(self)


def entry_bytes(value: bytes) -> int:
    """Bytes of one listpack entry, with the length that follows each entry."""
    size = len(value)
    number = parse_int(value) if size <= 20 else None
    if number is not None:
        if 0 <= number < 128:
            return 2
        # 13, 16, 24, 32 and 64 bits.
        for bits, used in ((12, 3), (15, 4), (23, 5), (31, 6)):
            if -(1 << bits) <= number < 1 << bits:
                return used
        return 10
    used = size + (1 if size < 64 else 2 if size < 4096 else 5)
    return used + (1 if used < 128 else 2 if used < 16384 else 3)


def _restore(values: _list[bytes], quick: bool | int) -> List:
    copied = List(values)
    copied.quick = quick
    return copied
