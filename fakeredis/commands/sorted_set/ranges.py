"""Ranges by rank, score and name: ZRANGE, ZCOUNT, ZREMRANGEBYSCORE and their kin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final

from fakeredis import errors
from fakeredis.commands.arguments import Flag, Int, Key, OneOf, Option, Options, Raw, Token, word_of
from fakeredis.commands.registry import DENYOOM, FAST, READONLY, WRITE
from fakeredis.commands.sorted_set.common import group, integer_of, store_pairs
from fakeredis.datatypes.sorted_set import Pair, SortedSet
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import PAIRS
from fakeredis.errors import CommandError

Ranks = tuple[int, int]
Select = Callable[[SortedSet], Ranks]


def _score_bound(raw: bytes) -> tuple[float, bool]:
    """A bound of a range of scores: the score, and whether it is left out itself.

    It is read as a C string: it ends at a zero byte, and an empty one is 0.
    """
    excluded = raw[:1] == b"("
    text = raw[1:] if excluded else raw
    if b"\0" in text:
        text = text[: text.index(b"\0")]
    if not text:
        return 0.0, excluded
    try:
        score = float(text)
    except ValueError:
        raise CommandError(errors.BOUND_NOT_FLOAT) from None
    if score != score or text[0] <= 32 or text[-1] <= 32 or b"_" in text:
        raise CommandError(errors.BOUND_NOT_FLOAT)
    return score, excluded


def _by_score(low: bytes, high: bytes) -> Select:
    """The ranks of the members whose scores are in a range."""
    first, without_first = _score_bound(low)
    last, without_last = _score_bound(high)

    def select(value: SortedSet) -> Ranks:
        start = value.rank_of_score(first, after=without_first)
        return start, value.rank_of_score(last, after=not without_last)

    return select


def _lex_bound(raw: bytes) -> tuple[int, bytes, bool]:
    """A bound of a range of members: -1, 0 or 1 (lowest, named, highest), name, left out."""
    if raw[:1] in (b"-", b"+") and len(word_of(raw)) == 1:
        return (-1 if raw[:1] == b"-" else 1), b"", False
    if raw[:1] not in (b"(", b"["):
        raise CommandError(errors.BOUND_NOT_STRING)
    return 0, raw[1:], raw[:1] == b"("


def _by_lex(low: bytes, high: bytes, reverse: bool = False) -> Select:
    """The ranks of the members whose names are in a range.

    It makes sense only where all scores are equal; where they are not, the server's way to search
    a small sorted set shows.
    """
    low_end, first, without_first = _lex_bound(low)
    high_end, last, without_last = _lex_bound(high)

    def above(member: bytes) -> bool:
        if low_end:
            return low_end < 0
        return member > first if without_first else member >= first

    def below(member: bytes) -> bool:
        if high_end:
            return high_end > 0
        return member < last if without_last else member <= last

    def select(value: SortedSet) -> Ranks:
        size = len(value)
        if low_end > high_end or (low_end == high_end and (low_end or first > last)):
            return 0, 0
        if value.by_rank(0, 1)[0][1] != value.by_rank(size - 1, size)[0][1]:
            return _lex_walk(value.members(), above, below, reverse)
        start = 0 if low_end else value.rank_of_member(first, after=without_first)
        stop = size if high_end else value.rank_of_member(last, after=not without_last)
        return start, stop

    return select


def _lex_walk(
    members: list[bytes],
    above: Callable[[bytes], bool],
    below: Callable[[bytes], bool],
    reverse: bool,
) -> Ranks:
    """The range that a walk finds which starts at the first hit and ends at the first miss."""
    if not above(members[-1]) or not below(members[0]):
        return 0, 0
    if reverse:
        start, stop = _lex_walk_back(members, above, below)
        return start, stop
    start = next((at for at, member in enumerate(members) if above(member)), len(members))
    stop = start
    while stop < len(members) and below(members[stop]):
        stop += 1
    return start, stop


def _lex_walk_back(
    members: list[bytes], above: Callable[[bytes], bool], below: Callable[[bytes], bool]
) -> Ranks:
    stop = len(members)
    while stop and not below(members[stop - 1]):
        stop -= 1
    start = stop
    while start and above(members[start - 1]):
        start -= 1
    return start, stop


def _by_rank(low: bytes, high: bytes, reverse: bool = False) -> Select:
    """A range of ranks from low to high, negative ones counted from the end."""
    first, last = integer_of(low), integer_of(high)

    def select(value: SortedSet) -> Ranks:
        size = len(value)
        start = max(first + size, 0) if first < 0 else first
        stop = min((last + size if last < 0 else last) + 1, size)
        return (size - stop, size - start) if reverse else (start, stop)

    return select


_LIMIT: Final = (Int.named("offset"), Int.named("count"))


class _StoreOptions(Options):
    """The options of ZRANGESTORE."""

    sortby: Annotated[str, OneOf(
        BYSCORE=Token.since("6.2.0"), BYLEX=Token.since("6.2.0"), once=True
    )] = ""
    reverse: Annotated[bool, Flag("REV", "6.2.0", once=True)] = False
    limit: Annotated[tuple[int, int], Option(
        "LIMIT", *_LIMIT, introduced="6.2.0"
    )] = (0, -1)


class _RangeOptions(_StoreOptions):
    """The options of ZRANGE."""

    with_scores: Annotated[bool, Flag("WITHSCORES")] = False


class _OlderOptions(Options):
    """Those of the commands before; they know all, and some not to refuse them at once."""

    with_scores: Annotated[bool, Flag("WITHSCORES")] = False
    limit: Annotated[tuple[int, int], Option("LIMIT", *_LIMIT)] = (0, -1)


_NO_OPTIONS: Final = _RangeOptions()


class _Query:
    """What ZRANGE and its kin ask for; checked in the server's order.

    Args:
        bounds: start and stop as they were given.
        limit: how many to leave out, and how many to give, -1 for all.
        by: ``BYSCORE``, ``BYLEX`` or, by ranks, empty.
        reverse: the highest come first.
        scores: they are wanted too.
    """

    __slots__ = ("by", "reverse", "scores", "offset", "count", "select")

    def __init__(
        self, bounds: tuple[bytes, bytes], limit: tuple[int, int], by: str = "",
        reverse: bool = False, scores: bool = False,
    ) -> None:
        self.by, self.reverse, self.scores = by, reverse, scores
        self.offset, self.count = limit
        if self.count != -1 and not by:
            raise CommandError(errors.LIMIT_WITHOUT_BY)
        if scores and by == "BYLEX":
            raise CommandError(errors.WITHSCORES_BYLEX)
        self.select = self._selection(*bounds)

    def _selection(self, start: bytes, stop: bytes) -> Select:
        if not self.by:
            return _by_rank(start, stop, self.reverse)
        low, high = (stop, start) if self.reverse else (start, stop)
        return _by_score(low, high) if self.by == "BYSCORE" else _by_lex(low, high, self.reverse)

    def pairs(self, value: SortedSet) -> list[Pair]:
        """The members and scores asked for."""
        start, stop = self.select(value)
        if self.by:
            start, stop = self._limited(start, stop)
        if self.reverse:
            size = len(value)
            return value.by_rank(size - stop, size - start, reverse=True)
        return value.by_rank(start, stop)

    def _limited(self, start: int, stop: int) -> Ranks:
        """What LIMIT leaves of a range."""
        if self.offset < 0:
            return 0, 0
        if self.reverse:
            stop -= self.offset
            return (start if self.count < 0 else max(start, stop - self.count)), stop
        start += self.offset
        return start, (stop if self.count < 0 else min(stop, start + self.count))


def _range(ctx: Context, key: bytes, query: _Query) -> Any:
    value = ctx.lookup_read(key, SortedSet)
    if value is None:
        return []
    pairs = query.pairs(value)
    return pairs if query.scores else [member for member, _ in pairs]


@group.command(
    "ZRANGE", Key, Raw, Raw, _RangeOptions, flags=READONLY, since="1.2.0", reply=PAIRS,
    form="key low high {}", score_bounds=2, names="key start stop {}",
)
def zrange(ctx: Context, key: bytes, start: bytes, stop: bytes, *words: bytes) -> Any:
    """Members by rank, score or name.

    Checked in the server's order: options from left to right, what does not go together, bounds,
    type.
    """
    options = _RangeOptions.parse(ctx, words) if words else _NO_OPTIONS
    return _range(ctx, key, _Query(
        (start, stop), options.limit, options.sortby, options.reverse, options.with_scores
    ))


def _older(
    ctx: Context, key: bytes, bounds: tuple[bytes, bytes], words: Sequence[bytes], by: str,
    reverse: bool = False,
) -> Any:
    """What ZRANGE does, by its older names."""
    options = _OlderOptions.parse(ctx, words) if words else _NO_OPTIONS
    return _range(ctx, key, _Query(bounds, options.limit, by, reverse, options.with_scores))


@group.command(
    "ZREVRANGE", Key, Raw, Raw, _OlderOptions, flags=READONLY, since="1.2.0", reply=PAIRS,
    form="key low high {}", names="key start:integer stop:integer {with_scores}",
)
def zrevrange(ctx: Context, key: bytes, start: bytes, stop: bytes, *words: bytes) -> Any:
    """Members by rank, from the highest on."""
    return _older(ctx, key, (start, stop), words, "", reverse=True)


@group.command(
    "ZRANGEBYSCORE", Key, Raw, Raw, _OlderOptions, flags=READONLY, since="1.0.5", reply=PAIRS,
    form="key low high {}", score_bounds=2,
    names="key min:double max:double [WITHSCORES@2.0.0] {limit}",
)
def zrangebyscore(ctx: Context, key: bytes, low: bytes, high: bytes, *words: bytes) -> Any:
    """Members by score."""
    return _older(ctx, key, (low, high), words, "BYSCORE")


@group.command(
    "ZREVRANGEBYSCORE", Key, Raw, Raw, _OlderOptions, flags=READONLY, since="2.2.0", reply=PAIRS,
    form="key low high {}", score_bounds=2, names="key max:double min:double {}",
)
def zrevrangebyscore(ctx: Context, key: bytes, high: bytes, low: bytes, *words: bytes) -> Any:
    """Members by score, from the highest on."""
    return _older(ctx, key, (high, low), words, "BYSCORE", reverse=True)


@group.command(
    "ZRANGEBYLEX", Key, Raw, Raw, _OlderOptions, flags=READONLY, since="2.8.9",
    form="key low high {}", names="key min max {limit}",
)
def zrangebylex(ctx: Context, key: bytes, low: bytes, high: bytes, *words: bytes) -> Any:
    """Members by name."""
    return _older(ctx, key, (low, high), words, "BYLEX")


@group.command(
    "ZREVRANGEBYLEX", Key, Raw, Raw, _OlderOptions, flags=READONLY, since="2.8.9",
    form="key low high {}", names="key max min {limit}",
)
def zrevrangebylex(ctx: Context, key: bytes, high: bytes, low: bytes, *words: bytes) -> Any:
    """Members by name, from the highest on."""
    return _older(ctx, key, (high, low), words, "BYLEX", reverse=True)


@group.command(
    "ZRANGESTORE", Key("OW update"), Key("RO access"), Raw, Raw, _StoreOptions,
    flags=WRITE | DENYOOM, since="6.2.0", form="key key low high {}",
    score_bounds=3, names="dst src min max {}",
)
def zrangestore(
    ctx: Context, target: bytes, key: bytes, start: bytes, stop: bytes, *words: bytes
) -> int:
    """Store what ZRANGE finds; how much it was."""
    options = _StoreOptions.parse(ctx, words)
    query = _Query((start, stop), options.limit, options.sortby, options.reverse)
    value = ctx.lookup_read(key, SortedSet)
    return store_pairs(ctx, target, () if value is None else query.pairs(value), "zrangestore")


def _count(ctx: Context, key: bytes, select: Select) -> int:
    value = ctx.lookup_read(key, SortedSet)
    if value is None:
        return 0
    start, stop = select(value)
    return max(stop - start, 0)


@group.command(
    "ZCOUNT", Key, Raw, Raw, flags=READONLY | FAST, since="2.0.0", score_bounds=2,
    names="key min:double max:double",
)
def zcount(ctx: Context, key: bytes, low: bytes, high: bytes) -> int:
    """How many members have a score in a range; the bounds are checked before the type."""
    return _count(ctx, key, _by_score(low, high))


@group.command(
    "ZLEXCOUNT", Key, Raw, Raw, flags=READONLY | FAST, since="2.8.9", names="key min max",
)
def zlexcount(ctx: Context, key: bytes, low: bytes, high: bytes) -> int:
    """How many members have a name in a range; the bounds are checked before the type."""
    return _count(ctx, key, _by_lex(low, high))


def _remove_range(ctx: Context, key: bytes, select: Select, event: str) -> int:
    """Remove a range; how many members it had."""
    value = ctx.lookup_write(key, SortedSet)
    if value is None:
        return 0
    gone = len(value.remove_by_rank(*select(value)))
    if gone:
        ctx.shrunk(key, value, event, gone)
    return gone


@group.command(
    "ZREMRANGEBYRANK", Key("RW delete"), Raw, Raw, flags=WRITE, since="2.0.0",
    names="key start:integer stop:integer",
)
def zremrangebyrank(ctx: Context, key: bytes, start: bytes, stop: bytes) -> int:
    """Remove by rank; the bounds are checked before the type."""
    return _remove_range(ctx, key, _by_rank(start, stop), "zremrangebyrank")


@group.command(
    "ZREMRANGEBYSCORE", Key("RW delete"), Raw, Raw, flags=WRITE, since="1.2.0", score_bounds=2,
    names="key min:double max:double",
)
def zremrangebyscore(ctx: Context, key: bytes, low: bytes, high: bytes) -> int:
    """Remove by score; the bounds are checked before the type."""
    return _remove_range(ctx, key, _by_score(low, high), "zremrangebyscore")


@group.command(
    "ZREMRANGEBYLEX", Key("RW delete"), Raw, Raw, flags=WRITE, since="2.8.9", names="key min max",
)
def zremrangebylex(ctx: Context, key: bytes, low: bytes, high: bytes) -> int:
    """Remove by name; the bounds are checked before the type."""
    return _remove_range(ctx, key, _by_lex(low, high), "zremrangebylex")
