"""Members and their scores: ZADD, ZREM, ZSCORE, ZRANK, ZSCAN and their kin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fakeredis import errors
from fakeredis.commands.arguments import Flag, Key, Many, Options, Raw
from fakeredis.commands.generic.keys import PlainScanOptions, scan_cursor
from fakeredis.commands.hash.fields import random_count
from fakeredis.commands.registry import (
    DENYOOM,
    FAST,
    READONLY,
    READS_ELEMENT,
    SEQUENTIAL,
    WRITE,
    WRITES_BACK,
)
from fakeredis.commands.sorted_set.common import group
from fakeredis.datatypes.numbers import format_float
from fakeredis.datatypes.sorted_set import Pair, SortedSet
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import DOUBLE, DOUBLES, PAIRS, drawn, null_array
from fakeredis.errors import CommandError


class _ZaddOptions(Options, at_least=2):
    """What stands before ZADD's scores and members."""

    nx: Annotated[bool, Flag("NX", "3.0.2")] = False
    xx: Annotated[bool, Flag("XX", "3.0.2")] = False
    gt: Annotated[bool, Flag("GT", "6.2.0")] = False
    lt: Annotated[bool, Flag("LT", "6.2.0")] = False
    changed: Annotated[bool, Flag("CH", "3.0.2")] = False
    increment: Annotated[bool, Flag("INCR", "3.0.2")] = False

    def allow(self, old: float | None, score: float) -> bool:
        """Whether a member's score may be set."""
        if old is None:
            return not self.xx
        return not (self.nx or (self.gt and score <= old) or (self.lt and score >= old))


@group.command(
    "ZADD", Key("RW update"), _ZaddOptions, flags=WRITE | DENYOOM | FAST | WRITES_BACK,
    since="1.2.0", reply=DOUBLE, form="key {} (score member)~",
    batch_of_key="ZADD with all members",
    names=(
        "key [condition<NX|XX>] [comparison<GT|LT>] [change:CH] [increment:INCR] "
        "data(score:double member)+"
    ),
)
def zadd(ctx: Context, key: bytes, *words: bytes) -> Any:
    """Add members or set their scores; the number of new ones.

    Checked in the server's order: pairs, contradicting flags, scores, type.
    """
    if len(words) > 2:
        return _zadd_many(ctx, key, words)
    score = ctx.server.traits.parse_float(words[0])
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
    pairs = _scored(ctx, words[at:], options)
    value = ctx.lookup_write(key, SortedSet)
    if value is None:
        if options.xx:
            return None if options.increment else 0
        value = SortedSet()
        ctx.db.put(key, value)
        if not at and not ctx.traits.settles_by_length:
            added = value.update(pairs)
            value.settle(ctx.server.limits, len(pairs))
            ctx.modified(key, "zadd", added)
            return added
    limits = ctx.server.limits
    value.settle(limits, len(pairs))
    if ctx.traits.settles_by_length and any(
        len(member) > limits.zset_max_listpack_value for member, _ in pairs
    ):
        value.expand()
    if options.increment:
        return _increment(ctx, key, value, *pairs[0], options)
    return _add(ctx, key, value, pairs, options if at else None)


def _scored(ctx: Context, words: Sequence[bytes], options: _ZaddOptions) -> list[Pair]:
    """Members and scores; checks what ZADD checks before it looks at the key."""
    if not words or len(words) & 1:
        raise CommandError(errors.SYNTAX)
    if options.nx and options.xx:
        raise CommandError(errors.ZADD_NX_XX)
    if options.gt + options.lt + options.nx > 1:
        raise CommandError(errors.ZADD_GT_LT_NX)
    if options.increment and len(words) > 2:
        raise CommandError(errors.ZADD_INCR_PAIRS)
    scores = list(map(ctx.traits.parse_float, words[::2]))
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
    "ZINCRBY", Key, Raw, Raw, flags=WRITE | DENYOOM | FAST, since="1.2.0", reply=DOUBLE,
    names="key increment:integer member",
)
def zincrby(ctx: Context, key: bytes, raw: bytes, member: bytes) -> float | None:
    """Add to a member's score.

    Checked in the server's order: increment, type, a result that is a number.
    """
    by = ctx.traits.parse_float(raw)
    if by is None:
        raise CommandError(errors.NOT_FLOAT)
    value = ctx.lookup_write(key, SortedSet)
    if value is None:
        value = SortedSet()
        ctx.db.put(key, value)
    return _increment(ctx, key, value, member, by)


@group.command(
    "ZREM", Key("RW delete"), Many(Raw), flags=WRITE | FAST, since="1.2.0", form="key member~",
    batch_of_key="ZREM with all members", names="key member+",
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


@group.command("ZCARD", Key("RO"), flags=READONLY | FAST, since="1.2.0")
def zcard(ctx: Context, key: bytes) -> int:
    """The number of members."""
    value = ctx.lookup_read(key, SortedSet)
    return 0 if value is None else len(value)


@group.command(
    "ZSCORE", Key, Raw, flags=READONLY | FAST | READS_ELEMENT, since="1.2.0", reply=DOUBLE,
    batch_of_key="ZMSCORE", names="key member",
)
def zscore(ctx: Context, key: bytes, member: bytes) -> float | None:
    """The score of a member."""
    value = ctx.lookup_read(key, SortedSet)
    return None if value is None else value.score(member)


@group.command(
    "ZMSCORE", Key, Many(Raw), flags=READONLY | FAST, since="6.2.0", reply=DOUBLES,
    names="key member+",
)
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
        raise ctx.wrong_arity()
    with_score = bool(words) and _RankOptions.parse(ctx, words).with_score
    value = ctx.lookup_read(key, SortedSet)
    rank = None if value is None else value.rank(member, reverse)
    return [rank, value.score(member)] if with_score and rank is not None else rank


def _ranked_nulls(args: Sequence[bytes], reply: Any) -> Any:
    """Null instead of rank and score is a null array."""
    return null_array(args, reply) if len(args) > 2 else reply


@group.command(
    "ZRANK", Key, Raw, _RankOptions, flags=READONLY | FAST, since="2.0.0", reply=DOUBLES,
    nulls=_ranked_nulls, form="key member {}", names="key member [WITHSCORE@]",
)
def zrank(ctx: Context, key: bytes, member: bytes, *words: bytes) -> Any:
    """How many members are before a member, on request with its score."""
    return _rank(ctx, key, member, words, reverse=False)


@group.command(
    "ZREVRANK", Key, Raw, _RankOptions, flags=READONLY | FAST, since="2.0.0", reply=DOUBLES,
    nulls=_ranked_nulls, form="key member {}", names="key member [WITHSCORE@]",
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
    names="key [options(count:integer [WITHSCORES])]",
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


class _ScanOptions(PlainScanOptions):
    """The options of ZSCAN."""

    without_scores: Annotated[bool, Flag("NOSCORES", {"valkey": "8.0.0"})] = False


@group.command(
    "ZSCAN", Key, Raw, _ScanOptions, flags=READONLY | SEQUENTIAL, since="2.8.0",
    form="key cursor {}", tips="nondeterministic_output", names="key cursor:integer {}",
)
def zscan(ctx: Context, key: bytes, cursor: bytes, *words: bytes) -> list[Any]:
    """Some of the members and scores, and the cursor for the next.

    Checked in the server's order: cursor, type, then (only if there is a key) the options.
    """
    start = scan_cursor(ctx, cursor)
    value = ctx.lookup_read(key, SortedSet)
    if value is None:
        return [b"0", []]
    options = _ScanOptions.parse(ctx, words)
    # A small sorted set is kept as texts and comes in one piece, a big one has numbers for scores.
    big = value.encoding(ctx.server.limits) == b"skiplist"
    after, pairs = value.scan(start, options.count) if big else (0, value.items())
    if options.match is not None:
        pairs = [pair for pair in pairs if options.match(pair[0])]
    if options.without_scores:
        return [b"%d" % after, [member for member, _ in pairs]]
    flat: list[bytes] = []
    for member, score in pairs:
        flat += (member, b"%.17g" % score if big else format_float(score))
    return [b"%d" % after, flat]
