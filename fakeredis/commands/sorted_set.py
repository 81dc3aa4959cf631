"""Sorted set commands: Redis's "sorted-set" group."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any, Final

from fakeredis import errors
from fakeredis.commands.arguments import (
    Argument,
    Flag,
    Float,
    Int,
    Key,
    KeySpec,
    Many,
    NumKeys,
    OneOf,
    Option,
    Options,
    PerKey,
    Raw,
    Rest,
    Timeout,
    Token,
    index,
    span,
    word_of,
)
from fakeredis.commands.generic import PlainScanOptions, scan_cursor
from fakeredis.commands.hash import random_count
from fakeredis.commands.list import PopOptions
from fakeredis.commands.registry import (
    BLOCKING,
    DENYOOM,
    FAST,
    KEY_IN_REPLY,
    MOVABLEKEYS,
    READONLY,
    READS_ELEMENT,
    SEQUENTIAL,
    WRITE,
    WRITES_BACK,
    Group,
)
from fakeredis.commands.set import CardOptions
from fakeredis.datatypes.numbers import format_float, parse_float, parse_int
from fakeredis.datatypes.set import Set
from fakeredis.datatypes.sorted_set import Pair, SortedSet
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import (
    DEEP,
    DOUBLE,
    DOUBLES,
    PAIRS,
    Shape,
    doubles,
    drawn,
    flat_pairs,
    lists,
    null_array,
)
from fakeredis.errors import CommandError

group = Group("sorted-set")


def _popped(reply: Any) -> Any:
    """RESP2: one popped pair is flat already, several become so."""
    return flat_pairs(reply) if reply and type(reply[0]) is tuple else doubles(reply)


POPPED: Final = Shape(_popped, lists)


def _integer(raw: bytes) -> int:
    value = parse_int(raw)
    if value is None:
        raise CommandError(errors.NOT_INTEGER)
    return value


# Adding and removing ------------------------------------------------------------------------


class _ZaddOptions(Options, at_least=2):
    """What stands before ZADD's scores and members."""

    nx: Annotated[bool, Flag("NX")] = False
    xx: Annotated[bool, Flag("XX")] = False
    gt: Annotated[bool, Flag("GT")] = False
    lt: Annotated[bool, Flag("LT")] = False
    changed: Annotated[bool, Flag("CH")] = False
    increment: Annotated[bool, Flag("INCR")] = False

    def allow(self, old: float | None, score: float) -> bool:
        """Whether a member's score may be set."""
        if old is None:
            return not self.xx
        return not (self.nx or (self.gt and score <= old) or (self.lt and score >= old))


@group.command(
    "ZADD", Key("RW update"), _ZaddOptions, flags=WRITE | DENYOOM | FAST | WRITES_BACK,
    since="1.2.0", reply=DOUBLE, form="key {} (score member)~",
    batch_of_key="ZADD with all members",
)
def zadd(ctx: Context, key: bytes, *words: bytes) -> Any:
    """Add members or set their scores; the number of new ones.

    Checked in the server's order: pairs, contradicting flags, scores, type.
    """
    if len(words) > 2:
        return _zadd_many(ctx, key, words)
    score = parse_float(words[0])
    if score is None:
        return _zadd_many(ctx, key, words)
    member = words[1]
    value = ctx.lookup_write(key, SortedSet)
    if value is None:
        value = SortedSet()
        ctx.db.put(key, value)
    elif value.score(member) == score:
        return 0
    added = value.set(member, score)
    if ctx.server.limits.low_sorted_sets:
        value.settle(ctx.server.limits, 0, len(member) if added else 0)
    ctx.modified(key, "zadd")
    return int(added)


def _zadd_many(ctx: Context, key: bytes, words: Sequence[bytes]) -> Any:
    """ZADD with flags or many pairs."""
    options, at = _ZaddOptions.take(ctx, words)
    pairs = _scored(words[at:], options)
    value = ctx.lookup_write(key, SortedSet)
    if value is None:
        if options.xx:
            return None if options.increment else 0
        value = SortedSet()
        ctx.db.put(key, value)
        if not at:
            added = value.update(pairs)
            value.settle(ctx.server.limits, len(pairs))
            ctx.modified(key, "zadd", added)
            return added
    value.settle(ctx.server.limits, len(pairs))
    if options.increment:
        return _increment(ctx, key, value, *pairs[0], options)
    return _add(ctx, key, value, pairs, options if at else None)


def _scored(words: Sequence[bytes], options: _ZaddOptions) -> list[Pair]:
    """Members and scores; checks what ZADD checks before it looks at the key."""
    if not words or len(words) & 1:
        raise CommandError(errors.SYNTAX)
    if options.nx and options.xx:
        raise CommandError(errors.ZADD_NX_XX)
    if options.gt + options.lt + options.nx > 1:
        raise CommandError(errors.ZADD_GT_LT_NX)
    if options.increment and len(words) > 2:
        raise CommandError(errors.ZADD_INCR_PAIRS)
    scores = list(map(parse_float, words[::2]))
    if None in scores:
        raise CommandError(errors.NOT_FLOAT)
    return list(zip(words[1::2], scores, strict=True))  # type: ignore[arg-type]


def _add(
    ctx: Context, key: bytes, value: SortedSet, pairs: list[Pair], options: _ZaddOptions | None
) -> int:
    """Set the scores that the options, if there are any, allow."""
    added = changed = longest = 0
    for member, score in pairs:
        old = value.score(member)
        if old == score or (options is not None and not options.allow(old, score)):
            continue
        value.set(member, score)
        if old is None:
            added += 1
            longest = max(longest, len(member))
        else:
            changed += 1
    if ctx.server.limits.low_sorted_sets:
        value.settle(ctx.server.limits, 0, longest)
    if added or changed:
        ctx.modified(key, "zadd", added + changed)
    return added + changed if options is not None and options.changed else added


def _increment(
    ctx: Context, key: bytes, value: SortedSet, member: bytes, by: float,
    options: _ZaddOptions | None = None,
) -> float | None:
    """Add to one member's score; None when the options forbid it."""
    old = value.score(member)
    score = by if old is None else old + by
    if score != score and not (options is not None and options.nx and old is not None):
        raise CommandError(errors.SCORE_NAN)
    if options is not None and not options.allow(old, score):
        return None
    if old != score:
        value.set(member, score)
        if ctx.server.limits.low_sorted_sets:
            value.settle(ctx.server.limits, 0, len(member) if old is None else 0)
        ctx.modified(key, "zincr")
    return score


@group.command(
    "ZINCRBY", Key, Float, Raw, flags=WRITE | DENYOOM | FAST, since="1.2.0", reply=DOUBLE
)
def zincrby(ctx: Context, key: bytes, by: float, member: bytes) -> float | None:
    """Add to a member's score.

    Checked in the server's order: increment, type, a result that is a number.
    """
    value = ctx.lookup_write(key, SortedSet)
    if value is None:
        value = SortedSet()
        ctx.db.put(key, value)
    return _increment(ctx, key, value, member, by)


@group.command(
    "ZREM", Key("RW delete"), Many(Raw), flags=WRITE | FAST, since="1.2.0", form="key member~",
    batch_of_key="ZREM with all members",
)
def zrem(ctx: Context, key: bytes, members: list[bytes]) -> int:
    """Remove members; how many there were."""
    value = ctx.lookup_write(key, SortedSet)
    if value is None:
        return 0
    gone: int = sum([value.discard(member) for member in members])
    if gone:
        ctx.shrunk(key, value, "zrem", gone)
    return gone


# One member ---------------------------------------------------------------------------------


@group.command("ZCARD", Key("RO"), flags=READONLY | FAST, since="1.2.0")
def zcard(ctx: Context, key: bytes) -> int:
    """The number of members."""
    value = ctx.lookup_read(key, SortedSet)
    return 0 if value is None else len(value)


@group.command(
    "ZSCORE", Key, Raw, flags=READONLY | FAST | READS_ELEMENT, since="1.2.0", reply=DOUBLE,
    batch_of_key="ZMSCORE",
)
def zscore(ctx: Context, key: bytes, member: bytes) -> float | None:
    """The score of a member."""
    value = ctx.lookup_read(key, SortedSet)
    return None if value is None else value.score(member)


@group.command("ZMSCORE", Key, Many(Raw), flags=READONLY | FAST, since="6.2.0", reply=DOUBLES)
def zmscore(ctx: Context, key: bytes, members: list[bytes]) -> list[float | None]:
    """The scores of members, None for each that is not there."""
    value = ctx.lookup_read(key, SortedSet)
    if value is None:
        return [None] * len(members)
    return [value.score(member) for member in members]


class _RankOptions(Options, introduced="7.2.0"):
    """Whether ZRANK gives the score too."""

    with_score: Annotated[bool, Flag("WITHSCORE")] = False


def _rank(
    ctx: Context, key: bytes, member: bytes, words: Sequence[bytes], reverse: bool
) -> Any:
    """ZRANK and ZREVRANK; number of words and syntax are checked before the type."""
    if len(words) > 1:
        assert ctx.command is not None
        raise CommandError(errors.ARITY % ctx.command.label)
    with_score = bool(words) and _RankOptions.parse(ctx, words).with_score
    value = ctx.lookup_read(key, SortedSet)
    rank = None if value is None else value.rank(member, reverse)
    return [rank, value.score(member)] if with_score and rank is not None else rank


def _ranked_nulls(args: Sequence[bytes], reply: Any) -> Any:
    """Null instead of rank and score is a null array."""
    return null_array(args, reply) if len(args) > 2 else reply


@group.command(
    "ZRANK", Key, Raw, _RankOptions, flags=READONLY | FAST, since="2.0.0", reply=DOUBLES,
    nulls=_ranked_nulls, form="key member {}",
)
def zrank(ctx: Context, key: bytes, member: bytes, *words: bytes) -> Any:
    """How many members are before a member, on request with its score."""
    return _rank(ctx, key, member, words, reverse=False)


@group.command(
    "ZREVRANK", Key, Raw, _RankOptions, flags=READONLY | FAST, since="2.0.0", reply=DOUBLES,
    nulls=_ranked_nulls, form="key member {}",
)
def zrevrank(ctx: Context, key: bytes, member: bytes, *words: bytes) -> Any:
    """How many members are behind a member, on request with its score."""
    return _rank(ctx, key, member, words, reverse=True)


class _RandomOptions(Options):
    """What may follow the count of ZRANDMEMBER."""

    with_scores: Annotated[bool, Flag("WITHSCORES", once=True)] = False


@group.command(
    "ZRANDMEMBER", Key, _RandomOptions, flags=READONLY, since="6.2.0", reply=PAIRS,
    form="key count {}", varies="number", tips="nondeterministic_output",
)
def zrandmember(ctx: Context, key: bytes, *words: bytes) -> Any:
    """A random member, or some, with or without scores.

    Checked in the server's order: count, syntax, range of the count, type.
    """
    if not words:
        value = ctx.lookup_read(key, SortedSet)
        return None if value is None else value.random(ctx.server.random)
    random_count(words[0], False)
    with_scores = _RandomOptions.parse(ctx, words[1:]).with_scores
    count = random_count(words[0], with_scores)
    value = ctx.lookup_read(key, SortedSet)
    if value is None:
        return []
    reply = drawn(ctx, count, value.items if with_scores else value.members)
    if reply is not None:
        return reply
    compact = count > 0 and value.encoding(ctx.server.limits) != b"skiplist"
    members = value.random_members(count, ctx.server.random, compact)
    return [(member, value.score(member)) for member in members] if with_scores else members


@group.command(
    "ZSCAN", Key, Raw, PlainScanOptions, flags=READONLY | SEQUENTIAL, since="2.8.0",
    form="key cursor {}", tips="nondeterministic_output",
)
def zscan(ctx: Context, key: bytes, cursor: bytes, *words: bytes) -> list[Any]:
    """Some of the members and scores, and the cursor for the next.

    Checked in the server's order: cursor, type, then (only if there is a key) the options.
    """
    start = scan_cursor(ctx, cursor)
    value = ctx.lookup_read(key, SortedSet)
    if value is None:
        return [b"0", []]
    options = PlainScanOptions.parse(ctx, words)
    # A small sorted set is kept as texts and comes in one piece, a big one has numbers for scores.
    big = value.encoding(ctx.server.limits) == b"skiplist"
    after, pairs = value.scan(start, options.count) if big else (0, value.items())
    if options.match is not None:
        pairs = [pair for pair in pairs if options.match(pair[0])]
    flat: list[bytes] = []
    for member, score in pairs:
        flat += (member, b"%.17g" % score if big else format_float(score))
    return [b"%d" % after, flat]


# Ranges -------------------------------------------------------------------------------------

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
    first, last = _integer(low), _integer(high)

    def select(value: SortedSet) -> Ranks:
        size = len(value)
        start = max(first + size, 0) if first < 0 else first
        stop = min((last + size if last < 0 else last) + 1, size)
        return (size - stop, size - start) if reverse else (start, stop)

    return select


class _StoreOptions(Options):
    """The options of ZRANGESTORE."""

    by: Annotated[str, OneOf(BYSCORE=Token, BYLEX=Token, once=True)] = ""
    reverse: Annotated[bool, Flag("REV", once=True)] = False
    limit: Annotated[tuple[int, int], Option("LIMIT", Int, Int)] = (0, -1)


class _RangeOptions(_StoreOptions):
    """The options of ZRANGE."""

    with_scores: Annotated[bool, Flag("WITHSCORES")] = False


class _OlderOptions(Options):
    """Those of the commands before; they know all, and some not to refuse them at once."""

    with_scores: Annotated[bool, Flag("WITHSCORES")] = False
    limit: Annotated[tuple[int, int], Option("LIMIT", Int, Int)] = (0, -1)


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
    form="key low high {}", score_bounds=2,
)
def zrange(ctx: Context, key: bytes, start: bytes, stop: bytes, *words: bytes) -> Any:
    """Members by rank, score or name.

    Checked in the server's order: options from left to right, what does not go together, bounds,
    type.
    """
    options = _RangeOptions.parse(ctx, words) if words else _NO_OPTIONS
    return _range(ctx, key, _Query(
        (start, stop), options.limit, options.by, options.reverse, options.with_scores
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
    form="key low high {}",
)
def zrevrange(ctx: Context, key: bytes, start: bytes, stop: bytes, *words: bytes) -> Any:
    """Members by rank, from the highest on."""
    return _older(ctx, key, (start, stop), words, "", reverse=True)


@group.command(
    "ZRANGEBYSCORE", Key, Raw, Raw, _OlderOptions, flags=READONLY, since="1.0.5", reply=PAIRS,
    form="key low high {}", score_bounds=2,
)
def zrangebyscore(ctx: Context, key: bytes, low: bytes, high: bytes, *words: bytes) -> Any:
    """Members by score."""
    return _older(ctx, key, (low, high), words, "BYSCORE")


@group.command(
    "ZREVRANGEBYSCORE", Key, Raw, Raw, _OlderOptions, flags=READONLY, since="2.2.0", reply=PAIRS,
    form="key low high {}", score_bounds=2,
)
def zrevrangebyscore(ctx: Context, key: bytes, high: bytes, low: bytes, *words: bytes) -> Any:
    """Members by score, from the highest on."""
    return _older(ctx, key, (high, low), words, "BYSCORE", reverse=True)


@group.command(
    "ZRANGEBYLEX", Key, Raw, Raw, _OlderOptions, flags=READONLY, since="2.8.9",
    form="key low high {}",
)
def zrangebylex(ctx: Context, key: bytes, low: bytes, high: bytes, *words: bytes) -> Any:
    """Members by name."""
    return _older(ctx, key, (low, high), words, "BYLEX")


@group.command(
    "ZREVRANGEBYLEX", Key, Raw, Raw, _OlderOptions, flags=READONLY, since="2.8.9",
    form="key low high {}",
)
def zrevrangebylex(ctx: Context, key: bytes, high: bytes, low: bytes, *words: bytes) -> Any:
    """Members by name, from the highest on."""
    return _older(ctx, key, (high, low), words, "BYLEX", reverse=True)


def _store(ctx: Context, key: bytes, pairs: Iterable[Pair], event: str) -> int:
    """Put a result in place of whatever is at key; its size."""
    value = SortedSet(pairs)
    if not value:
        ctx.delete(key)
        return 0
    ctx.db.put(key, value)
    ctx.modified(key, event)
    return len(value)


@group.command(
    "ZRANGESTORE", Key("OW update"), Key("RO access"), Raw, Raw, _StoreOptions,
    flags=WRITE | DENYOOM, since="6.2.0", form="key key low high {}",
    score_bounds=3,
)
def zrangestore(
    ctx: Context, target: bytes, key: bytes, start: bytes, stop: bytes, *words: bytes
) -> int:
    """Store what ZRANGE finds; how much it was."""
    options = _StoreOptions.parse(ctx, words)
    query = _Query((start, stop), options.limit, options.by, options.reverse)
    value = ctx.lookup_read(key, SortedSet)
    return _store(ctx, target, () if value is None else query.pairs(value), "zrangestore")


def _count(ctx: Context, key: bytes, select: Select) -> int:
    value = ctx.lookup_read(key, SortedSet)
    if value is None:
        return 0
    start, stop = select(value)
    return max(stop - start, 0)


@group.command("ZCOUNT", Key, Raw, Raw, flags=READONLY | FAST, since="2.0.0", score_bounds=2)
def zcount(ctx: Context, key: bytes, low: bytes, high: bytes) -> int:
    """How many members have a score in a range; the bounds are checked before the type."""
    return _count(ctx, key, _by_score(low, high))


@group.command("ZLEXCOUNT", Key, Raw, Raw, flags=READONLY | FAST, since="2.8.9")
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


@group.command("ZREMRANGEBYRANK", Key("RW delete"), Raw, Raw, flags=WRITE, since="2.0.0")
def zremrangebyrank(ctx: Context, key: bytes, start: bytes, stop: bytes) -> int:
    """Remove by rank; the bounds are checked before the type."""
    return _remove_range(ctx, key, _by_rank(start, stop), "zremrangebyrank")


@group.command(
    "ZREMRANGEBYSCORE", Key("RW delete"), Raw, Raw, flags=WRITE, since="1.2.0", score_bounds=2,
)
def zremrangebyscore(ctx: Context, key: bytes, low: bytes, high: bytes) -> int:
    """Remove by score; the bounds are checked before the type."""
    return _remove_range(ctx, key, _by_score(low, high), "zremrangebyscore")


@group.command("ZREMRANGEBYLEX", Key("RW delete"), Raw, Raw, flags=WRITE, since="2.8.9")
def zremrangebylex(ctx: Context, key: bytes, low: bytes, high: bytes) -> int:
    """Remove by name; the bounds are checked before the type."""
    return _remove_range(ctx, key, _by_lex(low, high), "zremrangebylex")


# Popping ------------------------------------------------------------------------------------


def _pop(ctx: Context, key: bytes, value: SortedSet, count: int, highest: bool) -> list[Pair]:
    """Remove the lowest or highest members of a key."""
    pairs = value.pop_max(count) if highest else value.pop_min(count)
    ctx.shrunk(key, value, "zpopmax" if highest else "zpopmin", len(pairs))
    return pairs


def _pop_command(ctx: Context, key: bytes, words: Sequence[bytes], highest: bool) -> Any:
    """ZPOPMIN and ZPOPMAX.

    Checked in the server's order: number of words, count, type.
    """
    if len(words) > 1:
        raise CommandError(errors.SYNTAX)
    count = parse_int(words[0]) if words else 1
    if count is None or (count < 0 and ctx.traits.strict_pop_count):
        strict = ctx.traits.strict_pop_count
        raise CommandError(errors.NOT_POSITIVE if strict else errors.NOT_INTEGER)
    value = ctx.lookup_write(key, SortedSet)
    if value is None or count <= 0:
        return []
    pairs = _pop(ctx, key, value, count, highest)
    return pairs if words else list(pairs[0])


@group.command(
    "ZPOPMIN", Key("RW access delete"), Rest(flat=True), flags=WRITE | FAST, since="5.0.0",
    reply=POPPED,
)
def zpopmin(ctx: Context, key: bytes, *words: bytes) -> Any:
    """Remove the members with the lowest scores."""
    return _pop_command(ctx, key, words, highest=False)


@group.command(
    "ZPOPMAX", Key("RW access delete"), Rest(flat=True), flags=WRITE | FAST, since="5.0.0",
    reply=POPPED,
)
def zpopmax(ctx: Context, key: bytes, *words: bytes) -> Any:
    """Remove the members with the highest scores."""
    return _pop_command(ctx, key, words, highest=True)


def _pop_first(
    ctx: Context, keys: Sequence[bytes], count: int, highest: bool
) -> tuple[bytes, list[Pair]] | None:
    """Pop from the first key that has a sorted set; None when none has."""
    for key in keys:
        value = ctx.lookup_write(key, SortedSet)
        if value is not None:
            return key, _pop(ctx, key, value, count, highest)
    return None


def _milliseconds(raw: bytes) -> int:
    """A blocking command's timeout."""
    assert Timeout.convert is not None
    timeout: int = Timeout.convert(raw)
    return timeout


def _blocking_pop(ctx: Context, words: Sequence[bytes], highest: bool) -> Any:
    """BZPOPMIN and BZPOPMAX; the timeout is checked before the types, one key after the other."""
    keys, timeout = words[:-1], _milliseconds(words[-1])
    popped = _pop_first(ctx, keys, 1, highest)
    if popped is None:
        return ctx.block(keys, timeout, kind=SortedSet)
    key, pairs = popped
    return [key, *pairs[0]]


_ALL_BUT_LAST: Final = (KeySpec("RW access delete", index(1), span(-2)),)


@group.command(
    "BZPOPMIN", Rest(2), flags=WRITE | FAST | BLOCKING | KEY_IN_REPLY, since="5.0.0", reply=DOUBLES,
    specs=_ALL_BUT_LAST, nulls=null_array,
)
def bzpopmin(ctx: Context, words: list[bytes]) -> Any:
    """ZPOPMIN of the first key that has members, or wait for one."""
    return _blocking_pop(ctx, words, highest=False)


@group.command(
    "BZPOPMAX", Rest(2), flags=WRITE | FAST | BLOCKING | KEY_IN_REPLY, since="5.0.0", reply=DOUBLES,
    specs=_ALL_BUT_LAST, nulls=null_array,
)
def bzpopmax(ctx: Context, words: list[bytes]) -> Any:
    """ZPOPMAX of the first key that has members, or wait for one."""
    return _blocking_pop(ctx, words, highest=True)


def _pop_options(ctx: Context, words: Sequence[bytes]) -> tuple[int, bool]:
    """ZMPOP's count, and whether the highest are wanted."""
    where = word_of(words[0]) if words else b""
    if where not in (b"MIN", b"MAX"):
        raise CommandError(errors.SYNTAX)
    return PopOptions.parse(ctx, words[1:]).count, where == b"MAX"


_POP_KEYS: Final = NumKeys(error=errors.NUMKEYS_NOT_POSITIVE, access="RW access delete")


@group.command(
    "ZMPOP", _POP_KEYS, PopOptions, flags=WRITE | MOVABLEKEYS | KEY_IN_REPLY, since="7.0.0",
    reply=DEEP, nulls=null_array, form="#key* ^where {}",
)
def zmpop(ctx: Context, keys: list[bytes], *words: bytes) -> Any:
    """Pop from the first key that has members.

    Checked in the server's order: keys, MIN or MAX, count, types one key after the other.
    """
    count, highest = _pop_options(ctx, words)
    popped = _pop_first(ctx, keys, count, highest)
    return None if popped is None else list(popped)


@group.command(
    "BZMPOP", Raw, _POP_KEYS, PopOptions, flags=WRITE | BLOCKING | MOVABLEKEYS | KEY_IN_REPLY,
    since="7.0.0", reply=DEEP, nulls=null_array, form="timeout #key* ^where {}",
)
def bzmpop(ctx: Context, raw: bytes, keys: list[bytes], *words: bytes) -> Any:
    """ZMPOP, or wait for a key that has members.

    Checked in the server's order: keys, MIN or MAX, count, timeout, types.
    """
    count, highest = _pop_options(ctx, words)
    timeout = _milliseconds(raw)
    popped = _pop_first(ctx, keys, count, highest)
    return ctx.block(keys, timeout, kind=SortedSet) if popped is None else list(popped)


# Algebra ------------------------------------------------------------------------------------

Operand = Set | SortedSet
Combine = Callable[[float, float], float]


def _sum(a: float, b: float) -> float:
    """The sum; infinities that cancel each other out give 0."""
    total = a + b
    return total if total == total else 0.0


_AGGREGATES: Final[dict[str, Combine]] = {"SUM": _sum, "COUNT": _sum, "MIN": min, "MAX": max}


def _weight(raw: bytes) -> float:
    value = parse_float(raw)
    if value is None:
        raise CommandError(errors.WEIGHT_NOT_FLOAT)
    return value


class _StoreAlgebra(Options):
    """The options of ZUNIONSTORE and ZINTERSTORE."""

    weights: Annotated[list[float] | None, Option("WEIGHTS", PerKey(Argument(_weight)))] = None
    aggregate: Annotated[str, Option("AGGREGATE", OneOf(
        SUM=Token, MIN=Token, MAX=Token, COUNT=Token.since({"redis": "8.8.0"}),
    ))] = "SUM"


class _AlgebraOptions(_StoreAlgebra):
    """The options of ZUNION and ZINTER."""

    with_scores: Annotated[bool, Flag("WITHSCORES")] = False


class _DiffOptions(Options):
    """The options of ZDIFF."""

    with_scores: Annotated[bool, Flag("WITHSCORES")] = False


def _operands(ctx: Context, keys: Sequence[bytes]) -> list[Operand]:
    """The sets and sorted sets at keys, empty ones where there is nothing.

    Raises:
        CommandError: WRONGTYPE, one is something else.
    """
    found: list[Operand] = []
    for key in keys:
        kind = Set if type(ctx.db.data.get(key)) is Set else SortedSet
        value = ctx.lookup_read(key, kind)
        found.append(SortedSet() if value is None else value)
    return found


def _scores(operand: Operand, weight: float = 1.0) -> dict[bytes, float]:
    """Members and weighted scores; the members of a set have score 1."""
    if isinstance(operand, SortedSet):
        scores = operand.as_dict()
    else:
        scores = dict.fromkeys(operand, 1.0)
    if weight == 1.0:
        return scores
    weighted = {member: score * weight for member, score in scores.items()}
    # Nothing times infinity is nothing here.
    return {member: score if score == score else 0.0 for member, score in weighted.items()}


class _Algebra:
    """How scores are combined, by options that are parsed when the operands are known."""

    __slots__ = ("weights", "combine", "counts")

    def __init__(self, options: _StoreAlgebra, count: int) -> None:
        self.counts = options.aggregate == "COUNT"  # weights alone are added up
        self.weights = options.weights or [1.0] * count
        self.combine = _AGGREGATES[options.aggregate]

    def prepared(self, operands: list[Operand]) -> list[Operand]:
        """What is combined: with COUNT, members whose score is 1."""
        return [Set(operand) for operand in operands] if self.counts else operands

    def by_size(self, operands: list[Operand]) -> list[tuple[Operand, float]]:
        """Operands and weights, smallest first: the order in which the server adds up."""
        pairs = zip(self.prepared(operands), self.weights, strict=True)
        return sorted(pairs, key=lambda pair: len(pair[0]))

    def union(self, operands: list[Operand]) -> dict[bytes, float]:
        """All members of all operands."""
        combine = self.combine
        total: dict[bytes, float] = {}
        for operand, weight in self.by_size(operands):
            scores = _scores(operand, weight)
            if not total:
                total = scores
                continue
            for member, score in scores.items():
                old = total.get(member)
                total[member] = score if old is None else combine(old, score)
        return total

    def intersection(self, operands: list[Operand]) -> dict[bytes, float]:
        """The members that all operands have."""
        (smallest, weight), *others = self.by_size(operands)
        total = _scores(smallest, weight)
        for operand, factor in others:
            total = self._common(total, operand, factor)
        return total

    def _common(
        self, total: dict[bytes, float], operand: Operand, weight: float
    ) -> dict[bytes, float]:
        combine = self.combine
        kept = {}
        score_of = _score_of(operand)
        for member, old in total.items():
            score = score_of(member)
            if score is not None:
                # Nothing times infinity is no number here; a sum becomes 0 by it, MIN and MAX keep
                # what there was.
                kept[member] = combine(old, score * weight)
        return kept


def _score_of(operand: Operand) -> Callable[[bytes], float | None]:
    """A function from a member to its score."""
    if isinstance(operand, SortedSet):
        return operand.score
    members = operand
    return lambda member: 1.0 if member in members else None


def _difference(operands: list[Operand]) -> dict[bytes, float]:
    """The first operand's members that no other has."""
    total = _scores(operands[0])
    for operand in operands[1:]:
        if len(operand) < len(total):
            for member in operand:
                total.pop(member, None)
        else:
            total = {member: total[member] for member in total if member not in operand}
    return total


def _sorted(scores: dict[bytes, float], with_scores: bool) -> list[Any]:
    """A result in order, as a reply."""
    ordered = sorted(zip(scores.values(), scores, strict=True))
    if with_scores:
        return [(member, score) for score, member in ordered]
    return [member for _, member in ordered]


def _inputs(command: str) -> NumKeys:
    return NumKeys(low_error=errors.NO_INPUT_KEYS % command, access="RO access")


@group.command(
    "ZUNION", _inputs("zunion"), _AlgebraOptions, flags=READONLY | MOVABLEKEYS,
    since="6.2.0", reply=PAIRS,
)
def zunion(ctx: Context, keys: list[bytes], *words: bytes) -> list[Any]:
    """The members of all keys, their scores aggregated.

    Checked in the server's order: keys, types, options from left to right.
    """
    operands = _operands(ctx, keys)
    options = _AlgebraOptions.parse(ctx, words, keys=len(keys))
    return _sorted(_Algebra(options, len(keys)).union(operands), options.with_scores)


@group.command(
    "ZINTER", _inputs("zinter"), _AlgebraOptions, flags=READONLY | MOVABLEKEYS,
    since="6.2.0", reply=PAIRS,
)
def zinter(ctx: Context, keys: list[bytes], *words: bytes) -> list[Any]:
    """The members that all keys have, their scores aggregated; checked as ZUNION."""
    operands = _operands(ctx, keys)
    options = _AlgebraOptions.parse(ctx, words, keys=len(keys))
    return _sorted(_Algebra(options, len(keys)).intersection(operands), options.with_scores)


@group.command(
    "ZDIFF", _inputs("zdiff"), _DiffOptions, flags=READONLY | MOVABLEKEYS,
    since="6.2.0", reply=PAIRS,
)
def zdiff(ctx: Context, keys: list[bytes], *words: bytes) -> list[Any]:
    """The first key's members that no other has; checked as ZUNION."""
    operands = _operands(ctx, keys)
    options = _DiffOptions.parse(ctx, words)
    return _sorted(_difference(operands), options.with_scores)


@group.command(
    "ZUNIONSTORE", Key("OW update"), _inputs("zunionstore"), _StoreAlgebra,
    flags=WRITE | DENYOOM | MOVABLEKEYS, since="2.0.0",
)
def zunionstore(ctx: Context, target: bytes, keys: list[bytes], *words: bytes) -> int:
    """Store what ZUNION finds; how much it was."""
    operands = _operands(ctx, keys)
    options = _StoreAlgebra.parse(ctx, words, keys=len(keys))
    scores = _Algebra(options, len(keys)).union(operands)
    return _store(ctx, target, scores.items(), "zunionstore")


@group.command(
    "ZINTERSTORE", Key("OW update"), _inputs("zinterstore"), _StoreAlgebra,
    flags=WRITE | DENYOOM | MOVABLEKEYS, since="2.0.0",
)
def zinterstore(ctx: Context, target: bytes, keys: list[bytes], *words: bytes) -> int:
    """Store what ZINTER finds; how much it was."""
    operands = _operands(ctx, keys)
    options = _StoreAlgebra.parse(ctx, words, keys=len(keys))
    scores = _Algebra(options, len(keys)).intersection(operands)
    return _store(ctx, target, scores.items(), "zinterstore")


@group.command(
    "ZDIFFSTORE", Key("OW update"), _inputs("zdiffstore"), Rest(flat=True),
    flags=WRITE | DENYOOM | MOVABLEKEYS, since="6.2.0", form="key #key*",
)
def zdiffstore(ctx: Context, target: bytes, keys: list[bytes], *words: bytes) -> int:
    """Store what ZDIFF finds; how much it was."""
    operands = _operands(ctx, keys)
    if words:
        raise CommandError(errors.SYNTAX)
    return _store(ctx, target, _difference(operands).items(), "zdiffstore")


@group.command(
    "ZINTERCARD", _inputs("zintercard"), CardOptions, flags=READONLY | MOVABLEKEYS, since="7.0.0",
    form="#key~ {}",
)
def zintercard(ctx: Context, keys: list[bytes], *words: bytes) -> int:
    """How many members all keys have, counted no further than LIMIT; checked as ZUNION."""
    operands = sorted(_operands(ctx, keys), key=len)
    limit = CardOptions.parse(ctx, words).limit
    count = 0
    for member in operands[0]:
        if all(member in operand for operand in operands[1:]):
            count += 1
            if count == limit:
                break
    return count
