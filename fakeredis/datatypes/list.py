"""The list: one array with room at the left."""

from __future__ import annotations

from builtins import list as _list
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from fakeredis.datatypes.limits import DEFAULT_LIMITS, EncodingLimits
from fakeredis.datatypes.quicklist import Node, Nodes, entry_bytes, exceeds, total_bytes

_size = _list.__len__
_get = _list.__getitem__
_MOST_BESIDE = 11  # bytes of a listpack's entry beside its text
_NEAR = 1024  # bytes up to which nobody needs to know exactly
_LONG = 1 << 60  # `bound` of what is no listpack
_GAP = b""


class List(_list[bytes]):
    """Redis's list.

    The first `start` places are unused: both ends are cheap, since the room at the left grows and
    is given back in proportion to the size, and every index and range is that of an array.
    """

    __slots__ = ("bound", "exact", "nodes", "start")

    def __init__(self, values: Iterable[bytes] = ()) -> None:
        super().__init__(values)
        self.start = 0
        # A list that has outgrown one listpack has nodes, until it has shrunk to half of that.
        self.nodes: Nodes | None = None
        # Bytes of all entries at most, or exactly: only lists near the limit are measured.
        self.bound = 0
        self.exact = False
        if _size(self):
            self.bound = sum(map(len, self)) + _MOST_BESIDE * _size(self)

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
        return (_restore, (self.values(), None if self.nodes is None else self._state()))

    def values(self) -> _list[bytes]:
        """All elements."""
        return self[self.start :]

    def push_right(self, value: bytes, limits: EncodingLimits = DEFAULT_LIMITS) -> None:
        """Append an element."""
        self.bound += len(value) + _MOST_BESIDE
        if self.exact or self.bound > limits.list_unwatched:
            self._make_room((value,), limits)
        self.append(value)
        if self.nodes is not None:
            self._pushed(1, False)

    def push_right_many(
        self, values: Sequence[bytes], limits: EncodingLimits = DEFAULT_LIMITS
    ) -> None:
        """Append elements."""
        self.bound += sum(map(len, values)) + _MOST_BESIDE * len(values)
        if self.exact or self.bound > limits.list_unwatched:
            self._make_room(values, limits)
        self.extend(values)
        if self.nodes is not None:
            self._pushed(len(values), False)

    def push_left(self, value: bytes, limits: EncodingLimits = DEFAULT_LIMITS) -> None:
        """Put an element in front."""
        self.bound += len(value) + _MOST_BESIDE
        if self.exact or self.bound > limits.list_unwatched:
            self._make_room((value,), limits)
        start = self.start
        if not start:
            size = _size(self)
            start = size >> 2
            if size < 16:
                # Too few to be worth the room.
                start = 1
            self[0:0] = [_GAP] * start
        self.start = start = start - 1
        self[start] = value
        if self.nodes is not None:
            self._pushed(1, True)

    def push_left_many(
        self, values: Sequence[bytes], limits: EncodingLimits = DEFAULT_LIMITS
    ) -> None:
        """Put elements in front, one after the other: the last one ends up first."""
        self.bound += sum(map(len, values)) + _MOST_BESIDE * len(values)
        if self.exact or self.bound > limits.list_unwatched:
            self._make_room(values, limits)
        self[0 : self.start] = values[::-1]
        self.start = 0
        if self.nodes is not None:
            self._pushed(len(values), True)

    def pop_left(
        self, count: int = 1, limits: EncodingLimits = DEFAULT_LIMITS
    ) -> _list[bytes]:
        """Remove up to `count` elements from the front."""
        start = self.start
        size = _size(self)
        end = min(start + count, size)
        gone = self[start:end]
        if self.exact or self.nodes is not None:
            self._leaving(gone, True)
        if size < 64 or end * 2 >= size:
            del self[:end]
            self.start = 0
        else:
            self[start:end] = [_GAP] * (end - start)
            self.start = end
        if self.nodes is not None:
            self.shorten(limits)
        return gone

    def pop_right(
        self, count: int = 1, limits: EncodingLimits = DEFAULT_LIMITS
    ) -> _list[bytes]:
        """Remove up to `count` elements from the end, last one first."""
        low = max(self.start, _size(self) - count)
        gone = self[low:]
        gone.reverse()
        if self.exact or self.nodes is not None:
            self._leaving(gone, False)
        del self[low:]
        if low == self.start:
            self._empty()
        elif self.nodes is not None:
            self.shorten(limits)
        return gone

    def _empty(self) -> None:
        _list.clear(self)
        self.start = self.bound = 0
        self.exact = False
        self.nodes = None

    def clear(self) -> None:
        """Remove all elements."""
        self._empty()

    def get(self, index: int) -> bytes | None:
        """The element at an index (negative: from the end); None when there is none."""
        size = _size(self)
        index += self.start if index >= 0 else size
        return _get(self, index) if self.start <= index < size else None

    def set(self, index: int, value: bytes, limits: EncodingLimits = DEFAULT_LIMITS) -> bool:
        """Replace the element at an index; False when there is none."""
        size = _size(self)
        index += self.start if index >= 0 else size
        if not self.start <= index < size:
            return False
        self._replacing(index - self.start, value)
        self[index] = value
        if self.nodes is not None:
            self.shorten(limits)
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
        if self.nodes is not None:
            self.nodes.measure(self._items)
            self.nodes.insert(at - self.start, after, value, self._items)
        elif self.exact:
            self.bound += entry_bytes(value)
        else:
            self.bound += len(value) + _MOST_BESIDE
        _list.insert(self, at + after, value)
        return True

    def remove(  # type: ignore[override]
        self, value: bytes, count: int, limits: EncodingLimits = DEFAULT_LIMITS
    ) -> int:
        """Remove elements equal to `value`; how many.

        The first `count` ones, the last -count ones, or all for 0.
        """
        places = self.find(value, -1 if count < 0 else 1, abs(count), 0)
        if not places:
            return 0
        places.sort()
        if self.nodes is not None:
            self.nodes.measure(self._items)
            self.nodes.remove_many(places, value)
        elif self.exact:
            self.bound -= entry_bytes(value) * len(places)
        if len(places) == 1:
            del self[self.start + places[0]]
        else:
            doomed = set(places)
            self[:] = [item for at, item in enumerate(self) if at not in doomed]
            self.start = 0
        if _size(self) == self.start:
            self._empty()
        elif self.nodes is not None:
            self.shorten(limits)
        return len(places)

    def trim(self, start: int, stop: int, limits: EncodingLimits = DEFAULT_LIMITS) -> int:
        """Keep a half-open range of indexes from 0; how many elements went."""
        before = len(self)
        if start >= stop:
            self._empty()
            return before
        # From the left first, as the server does; in between it does not look how long it is.
        nodes, right = self.nodes, before - stop
        if nodes is not None:
            nodes.pop(start, True, self._items)
            nodes.pop(right, False, self._items)
            self.nodes = None
        elif self.exact:
            self.exact = False
        if right:
            del self[-right:]
        if start:
            self.pop_left(start)
        self.nodes = nodes
        if _size(self) == self.start:
            self._empty()
        elif nodes is not None:
            self.shorten(limits)
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
        twin = List(self.values())
        if self.nodes is not None:
            twin.nodes, twin.bound = self.nodes.copy(), _LONG
        return twin

    # Encoding -----------------------------------------------------------------------------------

    def encoding(self, limits: EncodingLimits) -> bytes:
        """What OBJECT ENCODING says.

        A list becomes a quicklist when it outgrows one listpack, and a listpack again only when
        it has shrunk to half of that.
        """
        return b"listpack" if self.nodes is None and limits.short_lists else b"quicklist"

    def shared_out(self, limits: EncodingLimits) -> Nodes:
        """The nodes, all of them measured; one for a listpack."""
        nodes = self.nodes
        if nodes is None:
            size = 7 + total_bytes(self)
            fill, compress = limits.list_max_listpack_size, limits.list_compress_depth
            return Nodes(fill, compress, [Node(len(self), size)])
        nodes.measure(self._items)
        return nodes

    def expect(self, value: bytes, limits: EncodingLimits) -> None:
        """Become a quicklist if there is no room for another value, though none may come."""
        if self.nodes is None and (
            self.bound + len(value) + _MOST_BESIDE > limits.list_unwatched
        ):
            self._measure()
            self._grow_for((value,), limits)

    def outgrow(self, left: bool, limits: EncodingLimits) -> None:
        """Become a quicklist if all elements, which were pushed at once, are too many."""
        size = len(self)
        if exceeds(limits.list_max_listpack_size, 7 + sum(map(len, self)), size):
            self.nodes = Nodes(limits.list_max_listpack_size, limits.list_compress_depth)
            self.bound = _LONG
            self._pushed(size, left)

    def store(self, limits: EncodingLimits) -> None:
        """Take the form of what has been pushed one by one into a quicklist (SORT's STORE)."""
        if self.bound > limits.list_unwatched:
            self.nodes = Nodes(limits.list_max_listpack_size, limits.list_compress_depth)
            self.bound = _LONG
            self._pushed(len(self), False)
            self.shorten(limits, 1)

    def set_nodes(self, nodes: Nodes, limits: EncodingLimits) -> None:
        """Take over a file's nodes, as a listpack if there is one that fits."""
        self.nodes, self.bound = nodes, _LONG
        self.shorten(limits, 1)

    def stay_quick(self, limits: EncodingLimits) -> None:
        """Be a quicklist of one node, however small, until elements are removed."""
        self.nodes, self.bound = self.shared_out(limits), _LONG

    def _items(self, first: int, last: int) -> _list[bytes]:
        """The elements of a range of indexes: from 0, or backwards from the end."""
        beside = _size(self) if first < 0 else self.start
        return self[beside + first : beside + last]

    def _measure(self) -> None:
        if not self.exact:
            self.bound, self.exact = total_bytes(self), True

    def _make_room(self, values: Sequence[bytes], limits: EncodingLimits) -> None:
        """Become a quicklist if values do not fit; `bound` counts them already."""
        if self.nodes is not None:
            return
        if self.exact:
            self.bound -= sum(map(len, values)) + _MOST_BESIDE * len(values)
        self._measure()
        self._grow_for(values, limits)
        self.bound += total_bytes(values)

    def _grow_for(self, values: Sequence[bytes], limits: EncodingLimits) -> None:
        count, fill = len(self), limits.list_max_listpack_size
        if exceeds(fill, 7 + self.bound + sum(map(len, values)), count + len(values)):
            nodes = [Node(count, 7 + self.bound)] if count else []
            self.nodes = Nodes(fill, limits.list_compress_depth, nodes)
            self.bound, self.exact = _LONG, False

    def _pushed(self, count: int, left: bool) -> None:
        nodes = self.nodes
        assert nodes is not None
        if left:
            nodes.left += count
        else:
            nodes.right += count
        if len(nodes.nodes) < 2:
            nodes.settle(self._items, 2)

    def _leaving(self, values: Sequence[bytes], left: bool) -> None:
        """Elements are about to go from an end."""
        if self.nodes is not None:
            self.nodes.pop(len(values), left, self._items)
        else:
            self.bound -= total_bytes(values)
            self.exact = self.bound > _NEAR

    def _replacing(self, index: int, value: bytes) -> None:
        """The element at an index is about to be another one."""
        if self.nodes is not None:
            self.nodes.measure(self._items)
            self.nodes.replace(index, self._items(index, index + 1)[0], value, self._items)
        elif self.exact:
            self.bound += entry_bytes(value) - entry_bytes(self._items(index, index + 1)[0])
        else:
            self.bound += len(value) + _MOST_BESIDE

    def shorten(self, limits: EncodingLimits, share: int = 2) -> None:
        """Become a listpack again when little is left, by the limits of now."""
        nodes = self.nodes
        if nodes is None or len(nodes.nodes) > 1:
            return
        nodes.measure(self._items)
        if nodes.is_short(limits.list_max_listpack_size, share):
            self.bound, self.exact, self.nodes = nodes.nodes[0].size - 7, True, None

    def _state(self) -> tuple[int, int, _list[tuple[int, int, bool]]]:
        """The nodes as plain values."""
        nodes = self.shared_out(DEFAULT_LIMITS)
        triples = [(node.count, node.size, node.plain) for node in nodes.nodes]
        return nodes.fill, nodes.compress, triples

    def _check(self) -> None:
        """Assert what must always hold."""
        assert 0 <= self.start <= _size(self)
        assert not self.start or self.start < _size(self)


def _restore(values: _list[bytes], state: tuple[int, int, _list[Any]] | None) -> List:
    copied = List(values)
    if state is not None:
        fill, compress, triples = state
        copied.nodes, copied.bound = Nodes(fill, compress, [Node(*one) for one in triples]), _LONG
    return copied
