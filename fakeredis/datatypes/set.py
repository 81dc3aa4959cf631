"""The set: a Python set that knows its encoding, and the order that goes with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from random import Random
from typing import Any, Final

from fakeredis.datatypes.limits import DEFAULT_LIMITS, EncodingLimits
from fakeredis.datatypes.numbers import parse_int
from fakeredis.datatypes.order import Order

INTSET: Final = b"intset"
LISTPACK: Final = b"listpack"
HASHTABLE: Final = b"hashtable"

_builtin_add = set.add
_builtin_clear = set.clear
_builtin_discard = set.discard
_builtin_iter = set.__iter__
_builtin_update = set.update


class Set(set[bytes]):
    """Redis's set.

    Being a Python set itself, it takes part in unions and intersections at full speed. Iterating
    gives the members as the server has them: those of an intset by number, those of a listpack as
    they came, those of a hashtable in an order that chance has made.

    The encoding is decided when a member is added, by the limits of that moment, and does not go
    back when members leave.

    Args:
        members: the first ones; as with SADD, their number decides too, repeated ones included.
        limits: what decides on the encoding.
    """

    __slots__ = ("_encoding", "_order", "_row")

    def __init__(
        self, members: Iterable[bytes] = (), limits: EncodingLimits = DEFAULT_LIMITS
    ) -> None:
        super().__init__()
        given = members if isinstance(members, (list, tuple)) else list(members)
        self._order: Order | None = None
        # The members in order: of a listpack always, of an intset once somebody has asked.
        self._row: list[bytes] | None = None
        self._encoding = _encoding_of_new(given, limits)
        if self._encoding == HASHTABLE:
            _builtin_update(self, given)
            return
        if self._encoding == LISTPACK:
            self._row = []
        for member in given:
            self.add(member, limits)

    @classmethod
    def restored(cls, members: list[bytes], encoding: bytes) -> Set:
        """A set that has this encoding, whatever the limits are; the list becomes its own."""
        value = cls()
        _builtin_update(value, members)
        value._encoding = encoding
        if encoding == LISTPACK:
            value._row = members
        return value

    @classmethod
    def table(cls, members: Iterable[bytes]) -> Set:
        """A set that is a hashtable, however small."""
        value = cls()
        _builtin_update(value, members)
        value._encoding = HASHTABLE
        return value

    @property
    def members(self) -> set[bytes]:
        """The members as a Python set, not to be changed."""
        return self

    def __iter__(self) -> Iterator[bytes]:
        return _builtin_iter(self) if self._encoding == HASHTABLE else iter(self._in_row())

    def _in_row(self) -> list[bytes]:
        row = self._row
        if row is None:
            row = self._row = sorted(_builtin_iter(self), key=int)
        return row

    def add(  # type: ignore[override]
        self, member: bytes, limits: EncodingLimits = DEFAULT_LIMITS
    ) -> bool:
        """Add a member; whether it is new."""
        if member in self:
            return False
        encoding = self._encoding
        if encoding == LISTPACK:
            row = self._row
            assert row is not None
            if (
                len(row) < limits.set_max_listpack_entries
                and len(member) <= limits.set_max_listpack_value
            ):
                row.append(member)
            else:
                self._become_table()
        elif encoding == INTSET:
            self._leave_intset(member, limits)
        _builtin_add(self, member)
        if self._order is not None:
            self._order.add(member)
        return True

    def _leave_intset(self, member: bytes, limits: EncodingLimits) -> None:
        """Take another encoding, if this one cannot hold a member that is about to come."""
        size = len(self)
        if parse_int(member) is not None:
            self._row = None
            if size >= limits.set_max_intset_entries:
                self._encoding = HASHTABLE
            return
        if size < limits.set_max_listpack_entries and (
            max(map(len, (member, *_builtin_iter(self)))) <= limits.set_max_listpack_value
        ):
            self._row = [*self._in_row(), member]
            self._encoding = LISTPACK
            self._order = None
        else:
            self._become_table()

    def _become_table(self) -> None:
        self._encoding = HASHTABLE
        self._row = None

    def add_many(
        self, members: Iterable[bytes], limits: EncodingLimits = DEFAULT_LIMITS
    ) -> int:
        """Add members; the number of new ones."""
        if self._order is None and self._encoding == HASHTABLE:
            before = len(self)
            _builtin_update(self, members)
            return len(self) - before
        add = self.add
        return sum([add(member, limits) for member in members])

    def expect(self, count: int, limits: EncodingLimits) -> None:
        """Be ready for so many members, though they may turn out to be here already."""
        encoding = self._encoding
        if encoding == LISTPACK:
            if count > limits.set_max_listpack_entries:
                self._become_table()
        elif encoding == INTSET and count > limits.set_max_intset_entries:
            self._become_table()

    def discard(self, member: bytes) -> bool:  # type: ignore[override]
        """Remove a member; whether it was there."""
        if member not in self:
            return False
        self._forget(member)
        return True

    def _forget(self, member: bytes) -> None:
        _builtin_discard(self, member)
        if self._encoding == LISTPACK:
            assert self._row is not None
            self._row.remove(member)
        elif self._row is not None:
            self._row = None

    def clear(self) -> None:
        """Remove all members."""
        _builtin_clear(self)
        self._order = None
        if self._row is not None:
            self._row = []

    def random(self, rng: Random) -> bytes:
        """One member, each equally likely; the set must not be empty."""
        if self._encoding == LISTPACK:
            row = self._in_row()
            return row[int(rng.random() * len(row))]
        return self._ordered().random(self, rng)

    def pop_random(self, rng: Random) -> bytes:
        """Remove a random member; the set must not be empty."""
        if self._encoding == LISTPACK:
            member = self.random(rng)
        else:
            member = self._ordered().pop_random(self, rng)
        self._forget(member)
        return member

    def pop_many(
        self, count: int, rng: Random, limits: EncodingLimits = DEFAULT_LIMITS
    ) -> list[bytes]:
        """Remove some random members, fewer than there are."""
        left = len(self) - count
        if left * 5 > count:
            if self._encoding != LISTPACK:
                return [self.pop_random(rng) for _ in range(count)]
            gone = self._in_row_of(rng, count)
            for member in gone:
                self._forget(member)
            return gone
        # When most go, those that stay make a new set, which is a listpack unless it was an intset.
        kept = self._in_row_of(rng, left)
        staying = set(kept)
        gone = [member for member in self if member not in staying]
        self.clear()
        if self._encoding != INTSET:
            self._encoding, self._row = LISTPACK, []
        self.add_many(kept, limits)
        return gone

    def _in_row_of(self, rng: Random, count: int) -> list[bytes]:
        """Some random members, in the order in which iterating gives them."""
        members = list(self)
        return [members[at] for at in sorted(rng.sample(range(len(members)), count))]

    def random_members(self, count: int, rng: Random) -> list[bytes]:
        """`count` different members (at most all), or -count members with repetitions."""
        if not self or not count:
            return []
        if count >= len(self):
            return list(self)
        if self._encoding == LISTPACK:
            row = self._in_row()
            if count > 0:
                return self._in_row_of(rng, count)
            return [row[int(rng.random() * len(row))] for _ in range(-count)]
        order = self._ordered()
        if count > 0:
            return order.sample(self, count, rng)
        return [order.random(self, rng) for _ in range(-count)]

    def scan(self, cursor: int, count: int) -> tuple[int, list[bytes]]:
        """The next cursor (0: finished) and some members; a small set comes in one go."""
        if self._encoding != HASHTABLE:
            return 0, list(self)
        return self._ordered().scan(self, cursor, count)

    def _ordered(self) -> Order:
        if self._order is None:
            self._order = Order()
        return self._order

    def copy(self) -> Set:
        """An independent copy with the same encoding."""
        return self.restored(list(self), self._encoding)

    def __reduce__(self) -> tuple[Any, ...]:
        return (Set.restored, (list(self), self._encoding))

    def encoding(self, limits: EncodingLimits = DEFAULT_LIMITS) -> bytes:
        """What OBJECT ENCODING says; it was decided when the members came."""
        return self._encoding

    def _check(self) -> None:
        """Assert what must always hold."""
        everything = set(_builtin_iter(self))
        if self._encoding == INTSET:
            assert None not in map(parse_int, everything)
            assert self._in_row() == sorted(everything, key=int)
        elif self._encoding == LISTPACK:
            assert self._row is not None
            assert set(self._row) == everything
            assert len(self._row) == len(everything)
            assert self._order is None
        else:
            assert self._row is None
        if self._order is not None:
            self._order._check(everything)


def _encoding_of_new(members: Sequence[bytes], limits: EncodingLimits) -> bytes:
    """What a set begins with that is made for these members, of which the first tells the kind."""
    count = len(members)
    if count <= limits.set_max_intset_entries and (not count or parse_int(members[0]) is not None):
        return INTSET
    return LISTPACK if count <= limits.set_max_listpack_entries else HASHTABLE


# Several sets -------------------------------------------------------------------------------


def intersection(sets: Sequence[Set]) -> list[bytes]:
    """The members of all sets, in the order of the smallest, of equals the first."""
    smallest, *others = sorted(sets, key=len)
    if not others:
        return list(smallest)
    common = set.intersection(smallest, *others)
    if smallest._encoding == HASHTABLE:
        return list(common)
    return [member for member in smallest if member in common]


def stored_intersection(sets: Sequence[Set], limits: EncodingLimits) -> Set:
    """The set that SINTERSTORE makes."""
    found = intersection(sets)
    value = Set(limits=limits)
    if len(found) > limits.set_max_intset_entries or None in map(parse_int, found):
        # Other than unions, it is never an intset on its way, which would bring numbers in order.
        # Numbers of an intset that has become too big by lower limits make no listpack.
        outgrown = min(sets, key=len)._encoding == INTSET
        if outgrown or len(found) > limits.set_max_listpack_entries:
            return Set.table(found)
        value._encoding, value._row = LISTPACK, []
    value.add_many(found, limits)
    return value


def union(sets: Sequence[Set], limits: EncodingLimits, store: bool = False) -> Set:
    """The members of any set; to be stored, or for a reply."""
    total = set[bytes]().union(*sets)
    if not _may_be_small(sets, len(total), limits, store):
        return Set.table(total)
    value = Set(limits=limits)
    for operand in sets:
        value.add_many(operand, limits)
    return value


def difference(sets: Sequence[Set], limits: EncodingLimits, store: bool = False) -> Set:
    """The members of the first set that no other one has; to be stored, or for a reply."""
    first, *others = sets
    total = set.difference(first, *others)
    if not _may_be_small(sets, len(total), limits, store):
        return Set.table(total)
    value = Set(limits=limits)
    there = [operand for operand in sets if operand]
    if len(there) * len(first) // 2 <= sum(map(len, there)):
        value.add_many([member for member in first if member in total], limits)
        return value
    # The server finds it cheaper to take all, of which others' members then leave.
    value.add_many(first, limits)
    if value._encoding == HASHTABLE:
        return Set.table(total)
    for member in first:
        if member not in total:
            value.discard(member)
    return value


def _may_be_small(
    sets: Sequence[Set], size: int, limits: EncodingLimits, store: bool
) -> bool:
    """Whether a union or difference may be something else than a hashtable.

    For a mere reply the server takes one at once, unless all sets are intsets.
    """
    if store:
        return size <= max(limits.set_max_intset_entries, limits.set_max_listpack_entries)
    return size <= limits.set_max_intset_entries and all(
        operand._encoding == INTSET for operand in sets if operand
    )
