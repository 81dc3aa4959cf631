"""The set: a Python set that knows its encoding and a random and a scan order."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Any

from fakeredis.datatypes.limits import EncodingLimits
from fakeredis.datatypes.numbers import parse_int
from fakeredis.datatypes.order import Order

_builtin_add = set.add
_builtin_discard = set.discard
_builtin_update = set.update

# More members than any intset is likely to hold: beyond this nobody asks whether all are integers.
_MANY = 4096


class Set(set[bytes]):
    """Redis's set.

    Being a Python set itself, it takes part in unions and intersections at full speed. The slots
    keep what decides the encoding and cannot be seen from the members, since encodings never go
    back: whether a member was ever no integer, and how big the set was before members left.
    """

    __slots__ = ("_longest", "_mixed", "_most", "_most_integers", "_order")

    def __init__(self, members: Iterable[bytes] = ()) -> None:
        super().__init__(members)
        self._order: Order | None = None
        self._longest = 0
        self._most = 0
        self._most_integers = 0
        self._mixed = False
        if self:
            self._note_kind()

    def _note_kind(self) -> None:
        """Find out whether all members are integers, unless there are too many for an intset."""
        if len(self) <= _MANY:
            self._mixed = None in map(parse_int, self)
        else:
            self._most_integers = len(self)

    @property
    def members(self) -> set[bytes]:
        """The members as a Python set, not to be changed."""
        return self

    def add(self, member: bytes) -> bool:  # type: ignore[override]
        """Add a member; whether it is new."""
        if member in self:
            return False
        _builtin_add(self, member)
        if self._order is not None:
            self._order.add(member)
        if not self._mixed and parse_int(member) is None:
            self._mixed = True
        return True

    def add_many(self, members: Iterable[bytes]) -> int:
        """Add members; the number of new ones."""
        if self._order is not None or not self._mixed:
            add = self.add
            return sum([add(member) for member in members])
        before = len(self)
        _builtin_update(self, members)
        return len(self) - before

    def discard(self, member: bytes) -> bool:  # type: ignore[override]
        """Remove a member; whether it was there."""
        if member not in self:
            return False
        self._note_leaving(member)
        _builtin_discard(self, member)
        return True

    def _note_leaving(self, member: bytes) -> None:
        if self._mixed:
            if len(self) > self._most:
                self._most = len(self)
            if len(member) > self._longest:
                self._longest = len(member)
        elif len(self) > self._most_integers:
            self._most_integers = len(self)

    def random(self, rng: Random) -> bytes:
        """One member, each equally likely; the set must not be empty."""
        return self._ordered().random(self, rng)

    def pop_random(self, rng: Random) -> bytes:
        """Remove a random member; the set must not be empty."""
        member = self._ordered().pop_random(self, rng)
        self._note_leaving(member)
        _builtin_discard(self, member)
        return member

    def random_members(self, count: int, rng: Random) -> list[bytes]:
        """`count` different members (at most all), or -count members with repetitions."""
        if not self or not count:
            return []
        if count >= len(self):
            return list(self)
        order = self._ordered()
        if count > 0:
            return order.sample(self, count, rng)
        return [order.random(self, rng) for _ in range(-count)]

    def scan(self, cursor: int, count: int) -> tuple[int, list[bytes]]:
        """The next cursor (0: finished) and some members."""
        return self._ordered().scan(self, cursor, count)

    def _ordered(self) -> Order:
        if self._order is None:
            self._order = Order()
        return self._order

    def copy(self) -> Set:
        """An independent copy with the same encoding."""
        return _restore(list(self), self._longest, self._most, self._most_integers, self._mixed)

    def __reduce__(self) -> tuple[Any, ...]:
        facts = (self._longest, self._most, self._most_integers, self._mixed)
        return (_restore, (list(self), *facts))

    def encoding(self, limits: EncodingLimits) -> bytes:
        """What OBJECT ENCODING says."""
        size = len(self)
        if self._most_integers > limits.set_max_intset_entries:
            return b"hashtable"
        if not self._mixed:
            if size <= limits.set_max_intset_entries:
                return b"intset"
        if max(size, self._most) > limits.set_max_listpack_entries:
            return b"hashtable"
        longest = max(map(len, self), default=0)
        if max(longest, self._longest) > limits.set_max_listpack_value:
            return b"hashtable"
        return b"listpack"

    def _check(self) -> None:
        """Assert what must always hold."""
        if not self._mixed and len(self) <= _MANY and self._most_integers <= _MANY:
            assert None not in map(parse_int, self)
        if self._order is not None:
            self._order._check(self)


def _restore(members: list[bytes], longest: int, most: int, most_integers: int, mixed: bool) -> Set:
    value = Set()
    _builtin_update(value, members)
    value._longest, value._most = longest, most
    value._most_integers, value._mixed = most_integers, mixed
    return value
