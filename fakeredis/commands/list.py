"""List commands: Redis's "list" group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final, NamedTuple

from fakeredis import errors
from fakeredis.commands.arguments import (
    Argument,
    Int,
    Key,
    KeySpec,
    Many,
    NumKeys,
    Option,
    Options,
    Raw,
    Rest,
    Timeout,
    index,
    integer,
    span,
    word_of,
)
from fakeredis.commands.registry import (
    BLOCKING,
    DENYOOM,
    FAST,
    KEY_IN_REPLY,
    MOVABLEKEYS,
    READONLY,
    READS_ELEMENT,
    WRITE,
    WRITES_BACK,
    Group,
)
from fakeredis.datatypes.limits import EncodingLimits
from fakeredis.datatypes.list import List
from fakeredis.datatypes.numbers import INT_MAX, parse_int
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import OK, null_array
from fakeredis.errors import CommandError

group = Group("list")

_LREM_COUNT = integer(low=-INT_MAX, range_error=errors.LONG_OUT_OF_RANGE)
# Any number of keys that is wrong has the same error, be it a number or not.
_COUNTED_KEYS = NumKeys(error=errors.NUMKEYS_NOT_POSITIVE, access="RW access delete")
_ALL_BUT_LAST = (KeySpec("RW access delete", index(1), span(-2)),)
_FROM_TO = (Key("RW access delete"), Key("RW insert"))
# Limits by which no quicklist becomes a listpack.
_NEVER_SHORT = EncodingLimits(list_max_listpack_size=1)


def _left(word: bytes) -> bool:
    """Whether LEFT or RIGHT is meant."""
    word = word_of(word)
    if word == b"LEFT":
        return True
    if word != b"RIGHT":
        raise CommandError(errors.SYNTAX)
    return False


# Pushing ------------------------------------------------------------------------------------


@group.command(
    "LPUSH", Key("RW insert"), Many(Raw, flat=True), flags=WRITE | DENYOOM | FAST,
    batch_of_key="LPUSH with all values", names="key element+",
)
def lpush(ctx: Context, key: bytes, *values: bytes) -> int:
    """Put values in front, one after the other; the new length."""
    stored: List | None = ctx.lookup_write(key, List)
    limits = ctx.server.limits
    if stored is None:
        stored = List(values[::-1])
        if stored.bound > limits.list_unwatched:
            stored.outgrow(True, limits)
        ctx.db.put(key, stored)
    elif len(values) == 1:
        stored.push_left(values[0], limits)
    else:
        stored.push_left_many(values, limits)
    size = len(stored)
    ctx.modified(key, "lpush", len(values))
    return size


@group.command(
    "RPUSH", Key("RW insert"), Many(Raw, flat=True), flags=WRITE | DENYOOM | FAST,
    batch_of_key="RPUSH with all values", names="key element+",
)
def rpush(ctx: Context, key: bytes, *values: bytes) -> int:
    """Append values; the new length."""
    stored: List | None = ctx.lookup_write(key, List)
    limits = ctx.server.limits
    if stored is None:
        stored = List(values)
        if stored.bound > limits.list_unwatched:
            stored.outgrow(False, limits)
        ctx.db.put(key, stored)
    elif len(values) == 1:
        stored.push_right(values[0], limits)
    else:
        stored.push_right_many(values, limits)
    size = len(stored)
    ctx.modified(key, "rpush", len(values))
    return size


@group.command(
    "LPUSHX", Key("RW insert"), Many(Raw, flat=True), flags=WRITE | DENYOOM | FAST, since="2.2.0",
    names="key element+",
)
def lpushx(ctx: Context, key: bytes, *values: bytes) -> int:
    """LPUSH to a list that is there; 0 when there is none."""
    return 0 if ctx.lookup_write(key, List) is None else lpush(ctx, key, *values)


@group.command(
    "RPUSHX", Key("RW insert"), Many(Raw, flat=True), flags=WRITE | DENYOOM | FAST, since="2.2.0",
    names="key element+",
)
def rpushx(ctx: Context, key: bytes, *values: bytes) -> int:
    """RPUSH to a list that is there; 0 when there is none."""
    return 0 if ctx.lookup_write(key, List) is None else rpush(ctx, key, *values)


@group.command(
    "LINSERT", Key("RW insert"), Raw, Raw, Raw, flags=WRITE | DENYOOM, since="2.2.0",
    form="key ^where pivot value", names="key where<BEFORE|AFTER> pivot element",
)
def linsert(ctx: Context, key: bytes, where: bytes, pivot: bytes, value: bytes) -> int:
    """Insert before or after the first pivot; the new length, -1 without a pivot.

    Checked in the server's order: syntax, type.
    """
    where = word_of(where)
    if where not in (b"BEFORE", b"AFTER"):
        raise CommandError(errors.SYNTAX)
    stored: List | None = ctx.lookup_write(key, List)
    if stored is None:
        return 0
    stored.expect(value, ctx.server.limits)
    if not stored.insert(pivot, value, where == b"AFTER"):
        return -1
    ctx.modified(key, "linsert")
    return len(stored)


# Reading ------------------------------------------------------------------------------------


@group.command("LLEN", Key("RO"), flags=READONLY | FAST)
def llen(ctx: Context, key: bytes) -> int:
    """How many elements there are."""
    stored = ctx.lookup_read(key, List)
    return 0 if stored is None else len(stored)


@group.command("LINDEX", Key, Raw, flags=READONLY | READS_ELEMENT, names="key index:integer")
def lindex(ctx: Context, key: bytes, raw: bytes) -> Any:
    """The element at an index, which is looked at only when there is a list."""
    stored = ctx.lookup_read(key, List)
    return None if stored is None else stored.get(_index(raw))


def _index(raw: bytes) -> int:
    index = parse_int(raw)
    if index is None:
        raise CommandError(errors.NOT_INTEGER)
    return index


@group.command("LRANGE", Key, Int, Int, flags=READONLY, names="key start stop")
def lrange(ctx: Context, key: bytes, start: int, stop: int) -> list[bytes]:
    """The elements from start to stop, both included; the indexes are checked before the key."""
    stored = ctx.lookup_read(key, List)
    if stored is None:
        return []
    start, stop = _span(len(stored), start, stop)
    found: list[bytes] = stored.range(start, stop)
    return found


def _span(size: int, start: int, stop: int) -> tuple[int, int]:
    """A half-open range of indexes from 0, from one that includes its end and counts from both."""
    start = max(start + size, 0) if start < 0 else start
    stop = stop + size if stop < 0 else stop
    return start, max(min(stop, size - 1) + 1, 0)


def _rank(raw: bytes) -> int:
    rank = _index(raw)
    if rank < -INT_MAX:
        raise CommandError(errors.LONG_OUT_OF_RANGE)
    if rank == 0:
        raise CommandError(errors.RANK_ZERO)
    return rank


class _LposOptions(Options):
    """Which elements LPOS looks for."""

    rank: Annotated[int, Option("RANK", Argument(_rank, kind="integer"))] = 1
    count: Annotated[
        int | None, Option(
            "COUNT", integer(0, error=errors.LPOS_COUNT_NEGATIVE).named("num-matches")
        )
    ] = None
    maxlen: Annotated[int, Option(
        "MAXLEN", integer(0, error=errors.MAXLEN_NEGATIVE).named("len")
    )] = 0


@group.command(
    "LPOS", Key, Raw, _LposOptions, flags=READONLY, since="6.0.6", names="key element {}",
)
def lpos(ctx: Context, key: bytes, value: bytes, *words: bytes) -> Any:
    """The index of an element, or with COUNT those of several.

    Checked in the server's order: options one by one, type.
    """
    options = _LposOptions.parse(ctx, words)
    stored: List | None = ctx.lookup_read(key, List)
    wanted = 1 if options.count is None else options.count
    found = [] if stored is None else stored.find(value, options.rank, wanted, options.maxlen)
    if options.count is not None:
        return found
    return found[0] if found else None


def _not_negative(raw: bytes, error: str) -> int:
    value = parse_int(raw)
    if value is None or value < 0:
        raise CommandError(error)
    return value


# Changing -----------------------------------------------------------------------------------


@group.command(
    "LSET", Key("RW update"), Raw, Raw, flags=WRITE | DENYOOM | WRITES_BACK,
    names="key index:integer element",
)
def lset(ctx: Context, key: bytes, raw: bytes, value: bytes) -> Any:
    """Replace the element at an index.

    Checked in the server's order: key, type, index as a number, index in the list.
    """
    stored: List | None = ctx.lookup_write(key, List)
    if stored is None:
        raise CommandError(errors.NO_SUCH_KEY)
    # The server keeps the index's lower 32 bits only: 2**32 means the first element.
    index = (_index(raw) + (1 << 31) & (1 << 32) - 1) - (1 << 31)
    stored.expect(value, ctx.server.limits)
    if not stored.set(index, value, ctx.server.limits):
        raise CommandError(errors.INDEX_OUT_OF_RANGE)
    ctx.modified(key, "lset")
    return OK


@group.command("LREM", Key("RW delete"), _LREM_COUNT, Raw, flags=WRITE, names="key count element")
def lrem(ctx: Context, key: bytes, count: int, value: bytes) -> int:
    """Remove the first count elements equal to value, the last ones if negative, or all for 0."""
    stored: List | None = ctx.lookup_write(key, List)
    gone = 0 if stored is None else stored.remove(value, count, ctx.server.limits)
    if gone:
        ctx.shrunk(key, stored, "lrem", gone)
    return gone


@group.command("LTRIM", Key("RW delete"), Int, Int, flags=WRITE, names="key start stop")
def ltrim(ctx: Context, key: bytes, start: int, stop: int) -> Any:
    """Keep the elements from start to stop only; announced also when all of them stay."""
    stored: List | None = ctx.lookup_write(key, List)
    if stored is not None:
        before = len(stored)
        stored.trim(*_span(before, start, stop), ctx.server.limits)
        ctx.shrunk(key, stored, "ltrim", before - len(stored))
    return OK


# Popping ------------------------------------------------------------------------------------


def _pop(ctx: Context, key: bytes, stored: List, left: bool, count: int = 1) -> list[bytes]:
    """Remove elements from one end of a list that has some."""
    limits = ctx.server.limits
    gone = stored.pop_left(count, limits) if left else stored.pop_right(count, limits)
    ctx.shrunk(key, stored, "lpop" if left else "rpop", len(gone))
    return gone


def _pop_many(ctx: Context, key: bytes, left: bool, words: Sequence[bytes]) -> Any:
    """An array of count elements; the count is checked before the key."""
    if len(words) > 1:
        raise ctx.wrong_arity()
    count = _not_negative(words[0], errors.NOT_POSITIVE)
    stored: List | None = ctx.lookup_write(key, List)
    if stored is None:
        return None
    return _pop(ctx, key, stored, left, count) if count else []


def _counted_nulls(args: Sequence[bytes], reply: Any) -> Any:
    """Null instead of an array is a null array: when a count was given."""
    return null_array(args, reply) if len(args) > 1 else reply


@group.command(
    "LPOP", Key("RW access delete"), Rest(flat=True), flags=WRITE | FAST, nulls=_counted_nulls,
    names="key [count:integer@6.2.0]",
)
def lpop(ctx: Context, key: bytes, *count: bytes) -> Any:
    """Remove one element from the front, or with a count several."""
    if count:
        return _pop_many(ctx, key, True, count)
    stored: List | None = ctx.lookup_write(key, List)
    if stored is None:
        return None
    (value,) = stored.pop_left(1, ctx.server.limits)
    ctx.shrunk(key, stored, "lpop")
    return value


@group.command(
    "RPOP", Key("RW access delete"), Rest(flat=True), flags=WRITE | FAST, nulls=_counted_nulls,
    names="key [count:integer@6.2.0]",
)
def rpop(ctx: Context, key: bytes, *count: bytes) -> Any:
    """Remove one element from the end, or with a count several."""
    if count:
        return _pop_many(ctx, key, False, count)
    stored: List | None = ctx.lookup_write(key, List)
    if stored is None:
        return None
    (value,) = stored.pop_right(1, ctx.server.limits)
    ctx.shrunk(key, stored, "rpop")
    return value


def _pop_first(ctx: Context, keys: Sequence[bytes], left: bool, count: int) -> Any:
    """Key and elements of the first list that has some; None when none has.

    Lists behind it may be of a wrong type, keys before it may not.
    """
    for key in keys:
        stored: List | None = ctx.lookup_write(key, List)
        if stored is not None:
            return [key, _pop(ctx, key, stored, left, count)]
    return None


class PopOptions(Options, at_least=1):
    """What may follow the end that LMPOP, ZMPOP and their kin pop from."""

    count: Annotated[
        int, Option("COUNT", integer(1, error=errors.COUNT_NOT_POSITIVE), once=True)
    ] = 1


def _mpop_options(ctx: Context, words: Sequence[bytes]) -> tuple[bool, int]:
    """LEFT or RIGHT, and how many."""
    if not words:
        raise CommandError(errors.SYNTAX)
    left = _left(words[0])
    return left, PopOptions.parse(ctx, words[1:]).count


@group.command(
    "LMPOP", _COUNTED_KEYS, PopOptions, flags=WRITE | MOVABLEKEYS | KEY_IN_REPLY, since="7.0.0",
    nulls=null_array, form="#key* ^where {}", names="numkeys key+ where<LEFT|RIGHT> {}",
)
def lmpop(ctx: Context, keys: list[bytes], *words: bytes) -> Any:
    """Remove elements of the first list that has some.

    Checked in the server's order: number of keys, syntax, count, types.
    """
    return _pop_first(ctx, keys, *_mpop_options(ctx, words))


# Moving -------------------------------------------------------------------------------------


def _move(
    ctx: Context, source: bytes, target: bytes, from_left: bool, to_left: bool
) -> bytes | None:
    """Move one element; None when there is no source.

    The target's type is checked only when there is something to move.
    """
    stored: List | None = ctx.lookup_write(source, List)
    if stored is None:
        return None
    other: List | None = ctx.lookup_write(target, List)
    # Within one list, the server looks only afterwards whether it has become short.
    limits = _NEVER_SHORT if other is stored else ctx.server.limits
    (value,) = stored.pop_left(1, limits) if from_left else stored.pop_right(1, limits)
    if other is None:
        other = List((value,))
        if other.bound > ctx.server.limits.list_unwatched:
            other.outgrow(to_left, ctx.server.limits)
        ctx.db.put(target, other)
    elif to_left:
        other.push_left(value, ctx.server.limits)
    else:
        other.push_right(value, ctx.server.limits)
    if other is stored and stored.nodes is not None:
        stored.shorten(ctx.server.limits)
    # The server tells of the push first, and of the source's end last; it is one change.
    ctx.modified(target, "lpush" if to_left else "rpush", 0)
    ctx.shrunk(source, stored, "lpop" if from_left else "rpop")
    return value


_POPS: Final = {"lpop": b"LPOP", "rpop": b"RPOP"}
_PUSHES: Final = {"lpush": b"LPUSH", "rpush": b"RPUSH"}


def _effect(ctx: Context, key: bytes, event: str) -> list[bytes] | None:
    """What a command on several lists, of which each loses or gets one element, does to one."""
    if event in _POPS:
        return [_POPS[event], key]
    if event in _PUSHES:
        value = ctx.db.data[key]
        return [_PUSHES[event], key, value[value.start if event == "lpush" else -1]]
    return None


@group.command(
    "LMOVE", *_FROM_TO, Raw, Raw, flags=WRITE | DENYOOM, since="6.2.0", form="key key ^from ^to",
    effect=_effect, names="source destination wherefrom<LEFT|RIGHT> whereto<LEFT|RIGHT>",
)
def lmove(ctx: Context, source: bytes, target: bytes, where: bytes, to: bytes) -> Any:
    """Move an element from one end of a list to one of another, or of the same."""
    return _move(ctx, source, target, _left(where), _left(to))


class _HowMany(NamedTuple):
    """What follows the ends of LMOVEM and BLMOVEM."""

    size: int = 1
    exactly: bool = False
    one_by_one: bool = False

    @classmethod
    def of(cls, words: Sequence[bytes]) -> _HowMany:
        """``COUNT count | EXACTLY count``, then ``OBO | BULK``, or nothing."""
        if not words:
            return cls()
        if len(words) != 3:
            raise CommandError(errors.SYNTAX)
        selector, order = word_of(words[0]), word_of(words[2])
        if selector not in (b"COUNT", b"EXACTLY") or order not in (b"OBO", b"BULK"):
            raise CommandError(errors.SYNTAX)
        count = parse_int(words[1])
        if count is None or count <= 0:
            raise CommandError(errors.COUNT_NOT_POSITIVE)
        return cls(count, selector == b"EXACTLY", order == b"OBO")


def _move_many(
    ctx: Context, source: bytes, target: bytes, ends: tuple[bool, bool], how: _HowMany
) -> list[bytes] | None:
    """Move several elements; they are given as they lie in the target, None where none moves."""
    from_left, to_left = ends
    stored: List | None = ctx.lookup_write(source, List)
    if stored is None or (how.exactly and len(stored) < how.size):
        return None
    other: List | None = ctx.lookup_write(target, List)
    limits = ctx.server.limits
    if from_left:
        moved = stored.pop_left(how.size, limits)
    else:
        moved = stored.pop_right(how.size, limits)[::-1]
    if how.one_by_one and from_left is to_left:
        moved.reverse()
    if other is None:
        other = List(moved)
        other.outgrow(to_left, limits)
        ctx.db.put(target, other)
    elif to_left:
        other.push_left_many(moved[::-1], limits)
    else:
        other.push_right_many(moved, limits)
    ctx.modified(target, "lpush" if to_left else "rpush")
    ctx.shrunk(source, stored, "lpop" if from_left else "rpop")
    return moved


@group.command(
    "LMOVEM", *_FROM_TO, Raw, Raw, Rest(), flags=WRITE | DENYOOM, since={"redis": "8.10.0"},
    nulls=null_array,
)
def lmovem(
    ctx: Context, source: bytes, target: bytes, where: bytes, to: bytes, words: list[bytes]
) -> Any:
    """Move several elements from one end of a list to one of another, or of the same.

    Checked in the server's order: ends, syntax, count, types.
    """
    ends = _left(where), _left(to)
    how = _HowMany.of(words)
    return _move_many(ctx, source, target, ends, how)


@group.command(
    "RPOPLPUSH", *_FROM_TO, flags=WRITE | DENYOOM, since="1.2.0", effect=_effect,
    names="source destination",
)
def rpoplpush(ctx: Context, source: bytes, target: bytes) -> Any:
    """LMOVE RIGHT LEFT."""
    return _move(ctx, source, target, False, True)


# Waiting ------------------------------------------------------------------------------------


def _blocking_pop(ctx: Context, words: list[bytes], left: bool) -> Any:
    """Key and element of the first list that has some; waits until one has.

    Checked in the server's order: timeout, types of the keys before the first list.
    """
    keys = words[:-1]
    timeout = _seconds(words[-1])
    popped = _pop_first(ctx, keys, left, 1)
    if popped is None:
        return ctx.block(keys, timeout, kind=List)
    return [popped[0], popped[1][0]]


def _seconds(raw: bytes) -> int:
    assert Timeout.convert is not None
    milliseconds: int = Timeout.convert(raw)
    return milliseconds


@group.command(
    "BLPOP", Rest(2), flags=WRITE | BLOCKING | KEY_IN_REPLY, since="2.0.0", specs=_ALL_BUT_LAST,
    nulls=null_array, effect=_effect, names="key:key0+ timeout:double",
)
def blpop(ctx: Context, words: list[bytes]) -> Any:
    """LPOP that waits for one of several lists."""
    return _blocking_pop(ctx, words, True)


@group.command(
    "BRPOP", Rest(2), flags=WRITE | BLOCKING | KEY_IN_REPLY, since="2.0.0", specs=_ALL_BUT_LAST,
    nulls=null_array, effect=_effect, names="key:key0+ timeout:double",
)
def brpop(ctx: Context, words: list[bytes]) -> Any:
    """RPOP that waits for one of several lists."""
    return _blocking_pop(ctx, words, False)


@group.command(
    "BLMPOP", Raw, _COUNTED_KEYS, PopOptions, flags=WRITE | BLOCKING | MOVABLEKEYS | KEY_IN_REPLY,
    since="7.0.0", nulls=null_array, form="timeout #key* ^where {}",
    names="timeout:double numkeys key+ where<LEFT|RIGHT> {}",
)
def blmpop(ctx: Context, raw: bytes, keys: list[bytes], *words: bytes) -> Any:
    """LMPOP that waits; the timeout is the last that is checked before the types."""
    left, count = _mpop_options(ctx, words)
    timeout = _seconds(raw)
    popped = _pop_first(ctx, keys, left, count)
    return ctx.block(keys, timeout, kind=List) if popped is None else popped


def _blocking_move(
    ctx: Context, source: bytes, target: bytes, ends: tuple[bool, bool], timeout: int
) -> Any:
    value = _move(ctx, source, target, *ends)
    return ctx.block((source,), timeout, kind=List) if value is None else value


def _moved_nulls(args: Sequence[bytes], reply: Any) -> Any:
    """Null is a null array when the time is over, but not where nothing waits."""
    return reply if args else null_array(args, reply)


@group.command(
    "BLMOVE", *_FROM_TO, Raw, Raw, Raw, flags=WRITE | DENYOOM | BLOCKING, since="6.2.0",
    nulls=_moved_nulls, form="key key ^from ^to timeout", effect=_effect,
    names="source destination wherefrom<LEFT|RIGHT> whereto<LEFT|RIGHT> timeout:double",
)
def blmove(
    ctx: Context, source: bytes, target: bytes, where: bytes, to: bytes, timeout: bytes
) -> Any:
    """LMOVE that waits; syntax is checked before the timeout."""
    ends = _left(where), _left(to)
    return _blocking_move(ctx, source, target, ends, _seconds(timeout))


@group.command(
    "BRPOPLPUSH", *_FROM_TO, Timeout, flags=WRITE | DENYOOM | BLOCKING, since="2.2.0",
    nulls=_moved_nulls, effect=_effect, names="source destination timeout",
)
def brpoplpush(ctx: Context, source: bytes, target: bytes, timeout: int) -> Any:
    """BLMOVE RIGHT LEFT."""
    return _blocking_move(ctx, source, target, (False, True), timeout)


@group.command(
    "BLMOVEM", *_FROM_TO, Raw, Raw, Raw, Rest(), flags=WRITE | DENYOOM | BLOCKING,
    since={"redis": "8.10.0"}, nulls=null_array,
)
def blmovem(
    ctx: Context, source: bytes, target: bytes, where: bytes, to: bytes, timeout: bytes,
    words: list[bytes],
) -> Any:
    """LMOVEM that waits for an element, or with EXACTLY for so many."""
    ends = _left(where), _left(to)
    how = _HowMany.of(words)
    milliseconds = _seconds(timeout)
    moved = _move_many(ctx, source, target, ends, how)
    return ctx.block((source,), milliseconds, kind=List) if moved is None else moved
