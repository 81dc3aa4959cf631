"""The sorted set: members in order of score, then of bytes."""
# ruff: noqa: B905 (what is zipped has one length by design, and the keyword costs time)

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator
from itertools import accumulate, chain
from random import Random
from typing import Any

from fakeredis.datatypes.limits import EncodingLimits
from fakeredis.datatypes.order import Order

Pair = tuple[bytes, float]

_SMALL_MEMBERS = 16
_SMALL_BYTES = 64
_COMPACT_MEMBERS = 128
_BLOCK = 2048
_NOTED = 256

_size = list.__len__


def _without_small_zeros(data: dict[bytes, float]) -> Iterator[float]:
    """The scores; those that come while the server still has a listpack are never -0."""
    compact = True
    for number, (member, score) in enumerate(data.items()):
        compact = compact and number < _COMPACT_MEMBERS and len(member) <= _SMALL_BYTES
        yield score + 0.0 if compact else score  # adding 0.0 makes 0.0 of -0.0


class _Big:
    """Many members: a dict for the scores, and blocks of scores and of members in order."""

    __slots__ = (
        "data",
        "grown",
        "kept",
        "longest",
        "members",
        "most",
        "order",
        "scores",
        "shrunk",
        "starts",
        "top_members",
        "top_scores",
    )

    def __init__(self, members: list[bytes], scores: list[float]) -> None:
        """Take members and scores that are in order already."""
        self.data = dict(zip(members, scores))
        self.order = Order()
        self.longest = 0
        self.most = 0
        self.kept = False  # compact by limits that were lowered since, until a member is added
        half = _BLOCK // 2
        places = range(0, len(members), half)
        self.members = [members[at : at + half] for at in places] or [[]]
        self.scores = [scores[at : at + half] for at in places] or [[]]
        # Last score and member of each block, to find a block without looking into any.
        self.top_scores = [block[-1] for block in self.scores if block]
        self.top_members = [block[-1] for block in self.members if block]
        # Rank of the first element of each block; None when it must be counted anew. Of the latest
        # changes the blocks are noted, in order, since to count anew takes long.
        self.starts: list[int] | None = None
        self.grown: list[int] = []
        self.shrunk: list[int] = []

    def is_compact(self, member: bytes) -> bool:
        """Whether the server keeps it, with one member more, as a listpack, which has no -0."""
        if max(len(self.data), self.most) >= _COMPACT_MEMBERS or len(member) > _SMALL_BYTES:
            return False
        return max(self.longest, *map(len, self.data), 0) <= _SMALL_BYTES

    def locate(self, score: float, member: bytes) -> tuple[int, int]:
        """Block and place in it of the first element not below (score, member)."""
        tops = self.top_scores
        at = bisect_left(tops, score)
        if at < len(tops) and tops[at] == score:
            at = bisect_left(self.top_members, member, at, bisect_right(tops, score, at))
        if at == len(tops):
            at = max(at - 1, 0)
            return at, len(self.scores[at])
        block = self.scores[at]
        place = bisect_left(block, score)
        if place < len(block) and block[place] == score:
            place = bisect_left(self.members[at], member, place, bisect_right(block, score, place))
        return at, place

    def add(self, member: bytes, score: float) -> None:
        """Put a new element into its place."""
        self.data[member] = score
        at, place = self.locate(score, member)
        scores, members = self.scores[at], self.members[at]
        scores.insert(place, score)
        members.insert(place, member)
        if self.starts is not None:
            self._note(self.grown, at)
        if place == len(scores) - 1:
            self.top_scores[at : at + 1] = (score,)
            self.top_members[at : at + 1] = (member,)
        if len(scores) > _BLOCK:
            self._split(at)

    def _note(self, changed: list[int], at: int) -> None:
        """Note that a block has one element more, or one less."""
        if len(changed) < _NOTED:
            insort(changed, at)
        else:
            self.starts = None

    def _split(self, at: int) -> None:
        half = _BLOCK // 2
        scores, members = self.scores[at], self.members[at]
        self.scores.insert(at + 1, scores[half:])
        self.members.insert(at + 1, members[half:])
        del scores[half:], members[half:]
        self.top_scores.insert(at, scores[-1])
        self.top_members.insert(at, members[-1])
        self.starts = None

    def remove(self, member: bytes, score: float) -> None:
        """Take an element out of its place; `data` is left to the caller."""
        at, place = self.locate(score, member)
        self.cut(at, place, place + 1)

    def cut(self, at: int, start: int, stop: int) -> None:
        """Remove a range of places of one block."""
        scores, members = self.scores[at], self.members[at]
        del scores[start:stop], members[start:stop]
        if self.starts is not None:
            if stop - start == 1:
                self._note(self.shrunk, at)
            else:
                self.starts = None
        if not scores:
            self._drop(at)
        elif start == len(scores):
            self.top_scores[at] = scores[-1]
            self.top_members[at] = members[-1]

    def _drop(self, at: int) -> None:
        """Remove an empty block, unless it is the only one."""
        self.starts = None
        del self.top_scores[at], self.top_members[at]
        if len(self.scores) > 1:
            del self.scores[at], self.members[at]

    def start_of(self, at: int) -> int:
        """The rank at which a block starts."""
        starts = self.starts
        if starts is None:
            starts = self.starts = [0, *accumulate(map(len, self.scores))]
            self.grown, self.shrunk = [], []
        return starts[at] + bisect_left(self.grown, at) - bisect_left(self.shrunk, at)

    def rank_at(self, at: int, place: int) -> int:
        """The rank of a place."""
        return self.start_of(at) + place if at else place

    def place_of(self, rank: int) -> tuple[int, int]:
        """Block and place of a rank below the size."""
        if rank < len(self.scores[0]):
            return 0, rank
        last = len(self.scores) - 1
        behind = len(self.data) - len(self.scores[last])
        if rank >= behind:
            return last, rank - behind
        self.start_of(0)
        # What is noted moves the starts by a little only: the block is this one or near it.
        at = bisect_right(self.starts or [], rank) - 1
        start = self.start_of(at)
        while start > rank:
            at -= 1
            start -= len(self.scores[at])
        while rank - start >= len(self.scores[at]):
            start += len(self.scores[at])
            at += 1
        return at, rank - start

    def slice(self, start: int, stop: int) -> list[Pair]:
        """The elements of a range of ranks."""
        at, place = self.place_of(start)
        found: list[Pair] = []
        wanted = stop - start
        while wanted > 0:
            members = self.members[at][place : place + wanted]
            found += zip(members, self.scores[at][place : place + wanted])
            wanted -= len(members)
            at, place = at + 1, 0
        return found


class SortedSet(list[Any]):
    """Redis's sorted set.

    A small one is a list of its members in order, followed by their scores; a big one is a list
    of one `_Big`. The object stays the same when it grows.
    """

    __slots__ = ()

    def __init__(self, pairs: Iterable[Pair] = ()) -> None:
        super().__init__()
        data = dict(pairs)
        if data:
            self._load(data)

    def _load(self, data: dict[bytes, float]) -> None:
        """Fill an empty sorted set."""
        ordered = sorted(zip(_without_small_zeros(data), data))
        members = [member for _, member in ordered]
        scores = [score for score, _ in ordered]
        if len(data) <= _SMALL_MEMBERS and max(map(len, members)) <= _SMALL_BYTES:
            super().__init__(members + scores)
        else:
            self[:] = (_Big(members, scores),)

    def _grow(self) -> _Big:
        half = _size(self) // 2
        big = _Big(self[:half], self[half:])
        self[:] = (big,)
        return big

    def _place(self, score: float, member: bytes, half: int) -> int:
        """The place of (score, member) in a small one of `half` members."""
        size = 2 * half
        low = bisect_left(self, score, half, size)
        if low < size and self[low] == score:
            high = bisect_right(self, score, low, size)
            return bisect_left(self, member, low - half, high - half)
        return low - half

    def score(self, member: bytes) -> float | None:
        """The score of a member."""
        size = _size(self)
        if size == 1:
            return self[0].data.get(member)  # type: ignore[no-any-return]
        half = size // 2
        members = self[:half]
        return self[half + members.index(member)] if member in members else None

    def set(self, member: bytes, score: float) -> bool:
        """Set the score of a member; True when the member is new."""
        size = _size(self)
        if size == 1:
            return self._set_big(self[0], member, score)
        if len(member) <= _SMALL_BYTES:
            score += 0.0  # no -0 while it is small
        half = size // 2
        members = self[:half]
        known = member in members
        if known:
            at = members.index(member)
            if self[half + at] == score:
                return False
            del self[half + at], self[at]
            half -= 1
        elif half >= _SMALL_MEMBERS or len(member) > _SMALL_BYTES:
            self._grow().add(member, score)
            return True
        at = self._place(score, member, half)
        self.insert(half + at, score)
        self.insert(at, member)
        return not known

    @staticmethod
    def _set_big(big: _Big, member: bytes, score: float) -> bool:
        old = big.data.get(member)
        if score == 0.0 and big.is_compact(member):
            score = 0.0
        if old is None:
            if big.order.items is not None:
                big.order.items.append(member)
            big.add(member, score)
            return True
        if old != score:
            big.remove(member, old)
            big.add(member, score)
        return False

    def update(self, pairs: Iterable[Pair]) -> int:
        """Set many scores; the number of new members."""
        if not _size(self):
            data = dict(pairs)
            if type(pairs) is not list or len(data) == len(pairs):
                if data:
                    self._load(data)
                return len(data)
            # A member comes twice: whether its last score may be -0 depends on those before it.
        put = self.set
        return sum([put(member, score) for member, score in pairs])

    def discard(self, member: bytes) -> bool:
        """Remove a member; whether it was there."""
        size = _size(self)
        if size == 1:
            big: _Big = self[0]
            score = big.data.get(member)
            if score is None:
                return False
            self._note_leaving(big, (member,))
            del big.data[member]
            big.remove(member, score)
            return True
        half = size // 2
        members = self[:half]
        if member not in members:
            return False
        at = members.index(member)
        del self[half + at], self[at]
        return True

    @staticmethod
    def _note_leaving(big: _Big, members: Iterable[bytes]) -> None:
        big.most = max(big.most, len(big.data))
        big.longest = max(big.longest, max(map(len, members), default=0))

    def __len__(self) -> int:
        size = _size(self)
        return len(self[0].data) if size == 1 else size // 2

    def __bool__(self) -> bool:
        return len(self) > 0

    def __contains__(self, member: object) -> bool:
        size = _size(self)
        return member in (self[0].data if size == 1 else self[: size // 2])

    def __iter__(self) -> Iterator[bytes]:
        if _size(self) == 1:
            return chain.from_iterable(self[0].members)
        return iter(self.members())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SortedSet) and self.as_dict() == other.as_dict()

    __hash__ = None

    def __repr__(self) -> str:
        return f"SortedSet({self.items()!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return (_restore, (self.items(), self._facts()))

    def members(self) -> list[bytes]:
        """All members in order."""
        size = _size(self)
        if size == 1:
            return [member for block in self[0].members for member in block]
        return self[: size // 2]

    def items(self) -> list[Pair]:
        """All (member, score) pairs in order."""
        return self.by_rank(0, len(self))

    def as_dict(self) -> dict[bytes, float]:
        """A fresh dict of all scores."""
        size = _size(self)
        if size == 1:
            return dict(self[0].data)
        return dict(zip(self[: size // 2], self[size // 2 :]))

    def copy(self) -> SortedSet:
        """An independent copy."""
        return _restore(self.items(), self._facts())

    def clear(self) -> None:
        """Remove all members."""
        self[:] = ()

    def rank(self, member: bytes, reverse: bool = False) -> int | None:
        """The rank of a member from 0; None when it is not there."""
        size = _size(self)
        if size == 1:
            big: _Big = self[0]
            score = big.data.get(member)
            if score is None:
                return None
            rank = big.rank_at(*big.locate(score, member))
            return len(big.data) - 1 - rank if reverse else rank
        half = size // 2
        members = self[:half]
        if member not in members:
            return None
        rank = members.index(member)
        return half - 1 - rank if reverse else rank

    def by_rank(self, start: int, stop: int, reverse: bool = False) -> list[Pair]:
        """The (member, score) pairs of a half-open range of ranks (from the end if `reverse`)."""
        size = len(self)
        start, stop = max(start, 0), min(stop, size)
        if start >= stop:
            return []
        if reverse:
            start, stop = size - stop, size - start
        if _size(self) == 1:
            found: list[Pair] = self[0].slice(start, stop)
        else:
            found = list(zip(self[start:stop], self[size + start : size + stop]))
        if reverse:
            found.reverse()
        return found

    def rank_of_score(self, score: float, after: bool = False) -> int:
        """How many members have a score below `score` (or equal to it, with `after`)."""
        size = _size(self)
        bisect = bisect_right if after else bisect_left
        if size == 1:
            big: _Big = self[0]
            at = bisect(big.top_scores, score)
            if at == len(big.top_scores):
                return len(big.data)
            return big.rank_at(at, bisect(big.scores[at], score))
        half = size // 2
        return bisect(self, score, half, size) - half

    def rank_of_member(self, member: bytes, after: bool = False) -> int:
        """How many members sort below `member` (or are equal to it, with `after`).

        As the BYLEX commands count: it makes sense only when all scores are equal.
        """
        size = _size(self)
        bisect = bisect_right if after else bisect_left
        if size == 1:
            big: _Big = self[0]
            at = bisect(big.top_members, member)
            if at == len(big.top_members):
                return len(big.data)
            return big.rank_at(at, bisect(big.members[at], member))
        return bisect(self, member, 0, size // 2)

    def remove_by_rank(self, start: int, stop: int) -> list[Pair]:
        """Remove a half-open range of ranks; the (member, score) pairs."""
        start, stop = max(start, 0), min(stop, len(self))
        gone = self.by_rank(start, stop)
        if not gone:
            return gone
        if _size(self) == 1:
            self._remove_big(self[0], start, gone)
        else:
            half = _size(self) // 2
            del self[half + start : half + stop], self[start:stop]
        return gone

    @staticmethod
    def _remove_big(big: _Big, start: int, gone: list[Pair]) -> None:
        SortedSet._note_leaving(big, [member for member, _ in gone])
        at, place = big.place_of(start)
        left = len(gone)
        while left:
            here = min(left, len(big.scores[at]) - place)
            whole = here == len(big.scores[at])
            big.cut(at, place, place + here)
            left -= here
            if not whole:
                at, place = at + 1, 0
        for member, _ in gone:
            del big.data[member]

    def pop_min(self, count: int = 1) -> list[Pair]:
        """Remove the `count` lowest; the (member, score) pairs from the lowest on."""
        return self.remove_by_rank(0, count)

    def pop_max(self, count: int = 1) -> list[Pair]:
        """Remove the `count` highest; the (member, score) pairs from the highest on."""
        size = len(self)
        return self.remove_by_rank(size - count, size)[::-1]

    def scan(self, cursor: int, count: int) -> tuple[int, list[Pair]]:
        """The next cursor (0: finished) and some (member, score) pairs."""
        if _size(self) != 1:
            return 0, self.items()
        big: _Big = self[0]
        after, members = big.order.scan(big.data, cursor, count)
        return after, [(member, big.data[member]) for member in members]

    def random(self, rng: Random) -> bytes:
        """One member, each equally likely; the sorted set must not be empty."""
        if _size(self) == 1:
            return self[0].order.random(self[0].data, rng)  # type: ignore[no-any-return]
        return self[int(rng.random() * (_size(self) // 2))]  # type: ignore[no-any-return]

    def random_members(self, count: int, rng: Random, compact: bool = False) -> list[bytes]:
        """`count` different members (at most all), or -count members with repetitions.

        All come from the highest to the lowest, some of a compact one from the lowest on.
        """
        if not count or not self:
            return []
        if count < 0:
            return [self.random(rng) for _ in range(-count)]
        if count >= len(self):
            return self.members()[::-1]
        if compact or _size(self) != 1:
            members = self.members()
            return [members[at] for at in sorted(rng.sample(range(len(members)), count))]
        return self[0].order.sample(self[0].data, count, rng)  # type: ignore[no-any-return]

    def encoding(self, limits: EncodingLimits) -> bytes:
        """What OBJECT ENCODING says."""
        count, longest = len(self), 0
        if _size(self) == 1:
            if self[0].kept:
                return b"listpack"
            count, longest = max(count, self[0].most), self[0].longest
        if count > limits.zset_max_listpack_entries or longest > limits.zset_max_listpack_value:
            return b"skiplist"
        longest = max(map(len, self.members()), default=0)
        return b"skiplist" if longest > limits.zset_max_listpack_value else b"listpack"

    def expand(self) -> None:
        """Never report a compact encoding again, as after SORT."""
        big: _Big = self[0] if _size(self) == 1 else self._grow()
        big.most, big.kept = 1 << 62, False

    def keep_compact(self) -> None:
        """Stay compact, though the limits are lower now, until a member is added."""
        big: _Big = self[0] if _size(self) == 1 else self._grow()
        big.kept = True

    def settle(self, limits: EncodingLimits, count: int = 0, longest: int = 0) -> None:
        """Note that it is no listpack any more, if so: encodings do not go back.

        Args:
            limits: what decides.
            count: for how many members the command had words, repeated ones included.
            longest: the length of the longest member that was added.
        """
        kept = _size(self) == 1 and self[0].kept
        if kept and longest:
            count = max(count, len(self))
        if (
            count > limits.zset_max_listpack_entries
            or longest > limits.zset_max_listpack_value
            or (limits.low_sorted_sets and not kept and self.encoding(limits) == b"skiplist")
        ):
            self.expand()

    def _facts(self) -> tuple[int, int, bool] | None:
        """What only a big one knows: the longest and the most members, whether it is ``kept``."""
        return (self[0].longest, self[0].most, self[0].kept) if _size(self) == 1 else None

    def _check(self) -> None:
        """Assert what must always hold."""
        items = self.items()
        assert [(score, member) for member, score in items] == sorted(
            (score, member) for member, score in items
        )
        if _size(self) != 1:
            assert _size(self) % 2 == 0
            return
        big: _Big = self[0]
        assert dict(items) == big.data
        assert len(items) == len(big.data)
        assert all(0 < len(block) <= _BLOCK for block in big.scores) or big.scores == [[]]
        assert big.top_scores == [block[-1] for block in big.scores if block]
        assert big.top_members == [block[-1] for block in big.members if block]
        assert list(map(len, big.scores)) == list(map(len, big.members))
        starts = [0, *accumulate(map(len, big.scores))]
        assert [big.start_of(at) for at in range(len(starts))] == starts
        big.order._check(big.data)


def _restore(items: list[Pair], facts: tuple[int, int, bool] | None) -> SortedSet:
    value = SortedSet()
    if facts is not None:
        big = _Big([member for member, _ in items], [score for _, score in items])
        big.longest, big.most, big.kept = facts
        value[:] = (big,)
    elif items:
        value._load(dict(items))
    return value
