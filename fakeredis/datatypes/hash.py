"""The hash: fields and values, compact while small, with expiring fields."""
# ruff: noqa: B905 (what is zipped has one length by design, and the keyword costs time)

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import heapify, heappop, heappush
from random import Random
from typing import Any

from fakeredis.datatypes.limits import EncodingLimits
from fakeredis.datatypes.order import Order

_SMALL_FIELDS = 8
_SMALL_BYTES = 64
_MAX_SHAPES = 1024
_SLACK = 64
# More fields than a compact hash is likely to hold: beyond this nobody asks for their order, which
# then is that in which they were added.
_MOST_IN_ORDER = 4096

Shape = dict[bytes, int]
_EMPTY: Shape = {}
_shapes: dict[tuple[bytes, ...], Shape] = {(): _EMPTY}

_size = list.__len__
_SLOT = int


def _shape_of(fields: tuple[bytes, ...]) -> Shape:
    """The shape for these fields, shared by all hashes that have them in this order."""
    shape = _shapes.get(fields)
    if shape is None:
        if len(_shapes) >= _MAX_SHAPES:
            _shapes.clear()
            _shapes[()] = _EMPTY
        shape = {field: at for at, field in enumerate(fields, 1)}
        _shapes[fields] = shape
    return shape


class _Extra:
    """What only a big hash has."""

    __slots__ = ("expires", "heap", "kept", "longest", "most", "order", "soonest")

    def __init__(self) -> None:
        self.order = Order()
        self.expires: dict[bytes, int] | None = None
        # Deadlines and fields, the earliest first; outdated ones stay until their time comes.
        self.heap: list[tuple[int, bytes]] = []
        # Not later than any deadline; means nothing while there is none.
        self.soonest = 0
        # The longest value and the most fields that have since gone: encodings do not go back.
        self.longest = 0
        self.most = 0
        self.kept = False  # compact by limits that were lowered since, until a field is set

    def schedule(self) -> None:
        """Make the heap from the deadlines alone."""
        self.heap = [(deadline, field) for field, deadline in (self.expires or {}).items()]
        heapify(self.heap)
        self.soonest = self.heap[0][0] if self.heap else 0


class Hash(list[Any]):
    """Redis's hash.

    A small one is the list [shape, value, value, ...]: its shape, shared with all hashes of the
    same fields, maps each field to its place in the list. A big one is the list [dict, extra].
    Either way `self[0].get(field)` is one look-up, and the object stays the same when it grows.
    """

    __slots__ = ()

    def __init__(self, pairs: Iterable[tuple[bytes, bytes]] = ()) -> None:
        super().__init__((_EMPTY,))
        data = dict(pairs)
        if data:
            self._load(data)

    def _load(self, data: dict[bytes, bytes]) -> None:
        """Fill an empty hash; `data` becomes its own."""
        if len(data) <= _SMALL_FIELDS and self._fits(data):
            super().__init__((_shape_of(tuple(data)), *data.values()))
        else:
            self[:] = (data, _Extra())

    @staticmethod
    def _fits(data: dict[bytes, bytes]) -> bool:
        return max(map(len, data)) <= _SMALL_BYTES and max(map(len, data.values())) <= _SMALL_BYTES

    def _grow(self) -> _Extra:
        """Make it a big hash, if it is not yet."""
        extra = self[-1]
        if extra.__class__ is not _Extra:
            data = dict(zip(self[0], self[1:]))
            extra = _Extra()
            self[:] = (data, extra)
        return extra

    def get(self, field: bytes) -> bytes | None:
        """The value of a field."""
        found = self[0].get(field)
        if found.__class__ is _SLOT:
            return self[found]  # type: ignore[no-any-return]
        return found  # type: ignore[no-any-return]

    def set(self, field: bytes, value: bytes, keep_expiry: bool = False) -> bool:
        """Set a field, which loses its deadline unless kept; True when the field is new."""
        data = self[0]
        found = data.get(field)
        if found.__class__ is _SLOT:
            if len(value) <= _SMALL_BYTES:
                self[found] = value
                return False
        elif self[-1].__class__ is not _Extra:
            at = _size(self)
            if at <= _SMALL_FIELDS and len(value) <= _SMALL_BYTES and len(field) <= _SMALL_BYTES:
                self[0] = _shape_of((*data, field))
                self.append(value)
                return True
        else:
            return self._set_big(data, field, value, found, keep_expiry)
        self._grow()
        return self._set_big(self[0], field, value, self[0].get(field), keep_expiry)

    def _set_big(
        self,
        data: dict[bytes, bytes],
        field: bytes,
        value: bytes,
        old: bytes | None,
        keep_expiry: bool,
    ) -> bool:
        data[field] = value
        extra = self[1]
        if old is None:
            if extra.order.items is not None:
                extra.order.items.append(field)
            return True
        if len(old) > extra.longest:
            extra.longest = len(old)
        if extra.expires and not keep_expiry:
            self.persist(field)
        return False

    def update(self, pairs: Iterable[tuple[bytes, bytes]]) -> int:
        """Set many fields; the number of new ones."""
        if self[0] is _EMPTY:
            data = dict(pairs)
            if data:
                self._load(data)
            return len(data)
        put = self.set
        return sum([put(field, value) for field, value in pairs])

    def settle(self, limits: EncodingLimits, count: int = 0, longest: int = 0) -> None:
        """Note that it has become a hashtable, if it has: encodings do not go back.

        Args:
            limits: what decides.
            count: for how many fields the command had words.
            longest: the length of its longest word.
        """
        extra = self[-1]
        kept = extra.__class__ is _Extra and extra.kept
        if kept:
            count = max(count, len(self[0]))
        if (
            count > limits.hash_max_listpack_entries
            or longest > limits.hash_max_listpack_value
            or (limits.low_hashes and not kept and self.encoding(limits) == b"hashtable")
        ):
            self.expand()

    def expand(self) -> None:
        """Never report a compact encoding again."""
        extra = self._grow()
        extra.most, extra.kept = 1 << 62, False

    def keep_compact(self) -> None:
        """Stay compact, though the limits are lower now, until a field is set."""
        self._grow().kept = True

    def delete(self, field: bytes) -> bool:
        """Remove a field; whether it was there."""
        data = self[0]
        extra = self[-1]
        if extra.__class__ is _Extra:
            if field not in data:
                return False
            extra.most = max(extra.most, len(data))
            extra.longest = max(extra.longest, len(field), len(data.pop(field)))
            if extra.expires:
                extra.expires.pop(field, None)
            return True
        at = data.get(field)
        if at is None:
            return False
        del self[at]
        self[0] = _shape_of(tuple([name for name in data if name != field]))
        return True

    def __len__(self) -> int:
        return len(self[0])

    def __bool__(self) -> bool:
        return bool(self[0])

    def __contains__(self, field: object) -> bool:
        return field in self[0]

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._names())

    def _names(self) -> Iterable[bytes]:
        """The fields as a compact hash has them.

        Those with a deadline come first, the earliest before all others, of equal ones the one
        whose deadline was set last. The others follow as they were set, or lost their deadline.
        """
        names: dict[bytes, Any] = self[0]
        extra = self[-1]
        if (
            extra.__class__ is not _Extra or not extra.expires
            or max(len(names), extra.most) > _MOST_IN_ORDER
        ):
            return names
        expires: dict[bytes, int] = extra.expires
        timed = list(reversed(expires))
        timed.sort(key=expires.__getitem__)
        return [*timed, *(name for name in names if name not in expires)]

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, Hash)
            and self.as_dict() == other.as_dict()
            and (self.expires or None) == (other.expires or None)
        )

    __hash__ = None

    def __repr__(self) -> str:
        return f"Hash({self.items()!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return (_restore, (self.as_dict(), self.expires, self._past()))

    def fields(self) -> list[bytes]:
        """All fields."""
        return list(self._names())

    def values(self) -> list[bytes]:
        """All values, in the order of the fields."""
        if self[-1].__class__ is not _Extra:
            return self[1:]
        data: dict[bytes, bytes] = self[0]
        names = self._names()
        return list(data.values()) if names is data else [data[name] for name in names]

    def items(self) -> list[tuple[bytes, bytes]]:
        """All (field, value) pairs."""
        return list(zip(self._names(), self.values()))

    def flat(self) -> list[bytes]:
        """Field, value, field, value: as HGETALL replies."""
        reply: list[bytes] = [b""] * (2 * len(self[0]))
        reply[::2] = self._names()
        reply[1::2] = self.values()
        return reply

    def as_dict(self) -> dict[bytes, bytes]:
        """A fresh dict of all fields."""
        if self[-1].__class__ is not _Extra:
            return dict(zip(self[0], self[1:]))
        data: dict[bytes, bytes] = self[0]
        names = self._names()
        return data.copy() if names is data else {name: data[name] for name in names}

    def copy(self) -> Hash:
        """An independent copy, deadlines included."""
        return _restore(self.as_dict(), self.expires, self._past())

    def _past(self) -> tuple[int, int, bool]:
        """The most fields, and the longest value, that there have been; whether it is ``kept``."""
        extra = self[-1]
        if extra.__class__ is not _Extra:
            return 0, 0, False
        return max(extra.most, len(self[0])), extra.longest, extra.kept

    def clear(self) -> None:
        """Remove all fields."""
        self[:] = (_EMPTY,)

    def scan(self, cursor: int, count: int) -> tuple[int, list[tuple[bytes, bytes]]]:
        """The next cursor (0: finished) and some (field, value) pairs."""
        extra = self[-1]
        if extra.__class__ is not _Extra:
            return 0, self.items()
        data = self[0]
        after, fields = extra.order.scan(data, cursor, count)
        return after, [(field, data[field]) for field in fields]

    def random(self, rng: Random) -> bytes:
        """One field, each equally likely; the hash must not be empty."""
        extra = self[-1]
        if extra.__class__ is _Extra:
            data: dict[bytes, bytes] = self[0]
            return extra.order.random(data, rng)
        names: list[bytes] = list(self[0])
        return names[int(rng.random() * len(names))]

    def random_fields(self, count: int, rng: Random, compact: bool = False) -> list[bytes]:
        """`count` different fields (at most all), or -count fields with repetitions.

        Different fields of a compact hash come in its order.
        """
        if not self[0] or not count:
            return []
        if count >= len(self[0]):
            return list(self._names())
        extra = self[-1]
        if extra.__class__ is not _Extra:
            names = list(self[0])
            if count > 0:
                return [names[at] for at in sorted(rng.sample(range(len(names)), count))]
            return [names[int(rng.random() * len(names))] for _ in range(-count)]
        if compact and count > 0:
            names = self.fields()
            return [names[at] for at in sorted(rng.sample(range(len(names)), count))]
        if count > 0:
            return extra.order.sample(self[0], count, rng)
        return [extra.order.random(self[0], rng) for _ in range(-count)]

    # Deadlines of fields, in milliseconds.

    @property
    def expires(self) -> dict[bytes, int] | None:
        """Deadline by field; None while no field ever had one."""
        extra = self[-1]
        return extra.expires if extra.__class__ is _Extra else None

    @property
    def next_expiry(self) -> int | None:
        """A time before which no field expires; None when none does at all."""
        extra = self[-1]
        if extra.__class__ is not _Extra or not extra.expires:
            return None
        return extra.soonest

    def deadline(self, field: bytes) -> int | None:
        """When the field expires; None when it does not."""
        extra = self[-1]
        if extra.__class__ is not _Extra or not extra.expires:
            return None
        return extra.expires.get(field)

    def allow_expiry(self) -> _Extra:
        """Be ready for fields with deadlines, which the encoding tells."""
        extra = self._grow()
        if extra.expires is None:
            extra.expires = {}
        return extra

    def expire_at(self, field: bytes, deadline: int) -> None:
        """Set the deadline of a field, which must be there, in milliseconds since the epoch."""
        extra = self.allow_expiry()
        assert extra.expires is not None
        if not extra.expires:
            extra.heap.clear()
        extra.expires.pop(field, None)
        extra.expires[field] = deadline  # at the end, which tells what was set last
        heappush(extra.heap, (deadline, field))
        if len(extra.heap) > 2 * len(extra.expires) + _SLACK:
            extra.schedule()
        extra.soonest = extra.heap[0][0]

    def persist(self, field: bytes) -> bool:
        """Remove the deadline of a field; whether it had one."""
        expires = self.expires
        if not expires or expires.pop(field, None) is None:
            return False
        data: dict[bytes, bytes] = self[0]
        if self[-1].most <= _MOST_IN_ORDER:
            data[field] = data.pop(field)
        return True

    def pop_expired(self, now: int) -> list[bytes]:
        """Remove the fields whose deadline is not after `now`; the fields."""
        extra = self[-1]
        if extra.__class__ is not _Extra or not extra.expires or now < extra.soonest:
            return []
        expires, heap = extra.expires, extra.heap
        gone = []
        while heap and (heap[0][0] <= now or expires.get(heap[0][1]) != heap[0][0]):
            deadline, field = heappop(heap)
            if expires.get(field) == deadline:
                self.delete(field)
                gone.append(field)
        extra.soonest = heap[0][0] if heap else 0
        return gone

    def pop_expired_among(self, fields: Iterable[bytes], now: int) -> list[bytes]:
        """Remove those of some fields whose deadline is not after `now`; which they were."""
        expires = self.expires or {}
        gone = [field for field in dict.fromkeys(fields) if expires.get(field, now + 1) <= now]
        for field in gone:
            self.delete(field)
        return gone

    def encoding(self, limits: EncodingLimits) -> bytes:
        """What OBJECT ENCODING says."""
        count, longest = len(self), 0
        extra = self[-1]
        expires = None
        if extra.__class__ is _Extra:
            count, longest, expires = max(count, extra.most), extra.longest, extra.expires
            if extra.kept:
                return b"listpack" if expires is None else b"listpackex"
        if count > limits.hash_max_listpack_entries or longest > limits.hash_max_listpack_value:
            return b"hashtable"
        texts = [*self[0], *self.values()]
        if texts and max(map(len, texts)) > limits.hash_max_listpack_value:
            return b"hashtable"
        return b"listpack" if expires is None else b"listpackex"

    def _check(self) -> None:
        """Assert what must always hold."""
        if self[-1].__class__ is _Extra:
            assert _size(self) == 2
            extra = self[1]
            extra.order._check(self[0])
            if extra.expires:
                assert set(extra.expires) <= set(self[0])
                assert extra.soonest <= min(extra.expires.values())
                assert {(time, field) for field, time in extra.expires.items()} <= set(extra.heap)
        else:
            assert list(self[0].values()) == list(range(1, _size(self)))
            assert _size(self) <= _SMALL_FIELDS + 1


def _restore(
    data: dict[bytes, bytes], expires: dict[bytes, int] | None,
    past: tuple[int, int, bool] = (0, 0, False),
) -> Hash:
    value = Hash()
    if data:
        value._load(data)
    if past > (len(data), 0, False) or past[1]:
        extra = value._grow()
        extra.most, extra.longest, extra.kept = past
    if expires is not None:
        extra = value._grow()
        extra.expires = dict(expires)
        extra.schedule()
    return value
