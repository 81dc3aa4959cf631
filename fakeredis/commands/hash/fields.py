"""Setting and getting fields: HSET, HGET, HDEL, HSCAN and their kin."""

from __future__ import annotations

from typing import Annotated, Any

from fakeredis import errors
from fakeredis.commands.arguments import Flag, Int, Key, Many, Options, Raw
from fakeredis.commands.generic.keys import WITHOUT_VALUES, ScanOptions, scan_cursor
from fakeredis.commands.hash.common import group, made_hash, read_hash, write_hash
from fakeredis.commands.registry import (
    DENYOOM,
    FAST,
    READONLY,
    READS_ELEMENT,
    READS_WHOLE,
    SEQUENTIAL,
    WRITE,
    WRITES_BACK,
)
from fakeredis.datatypes.hash import Hash
from fakeredis.datatypes.numbers import (
    INT_MAX,
    INT_MIN,
    add_long_double,
    format_long_double,
    is_infinite,
    parse_int,
    parse_long_double,
)
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import MAP, OK, PAIRS, drawn
from fakeredis.errors import CommandError


@group.command(
    "HSET", Key("RW update"), Many(Raw, Raw), flags=WRITE | DENYOOM | FAST | WRITES_BACK,
    since="2.0.0", form="key (field value)~", batch_of_key="HSET with all fields",
    names="key data(field value)+",
)
def hset(ctx: Context, key: bytes, pairs: list[bytes]) -> int:
    """Set fields, which lose their deadlines; the number of new ones.

    Checked in the server's order: pairs, type.
    """
    count = len(pairs)
    if count & 1:
        raise ctx.wrong_arity()
    value = made_hash(ctx, key)
    if count == 2:
        added = int(value.set(pairs[0], pairs[1]))
    else:
        added = value.update(zip(pairs[::2], pairs[1::2], strict=True))
        if 2 * added < count:
            value.settle(ctx.server.limits, count // 2, max(map(len, pairs)))
    if ctx.server.limits.low_hashes:
        value.settle(ctx.server.limits, 0, max(map(len, pairs)))
    ctx.modified(key, "hset", count // 2)
    return added


@group.command(
    "HMSET", Key("RW update"), Many(Raw, Raw), flags=WRITE | DENYOOM | FAST | WRITES_BACK,
    since="2.0.0", form="key (field value)~", names="key data(field value)+",
)
def hmset(ctx: Context, key: bytes, pairs: list[bytes]) -> Any:
    """HSET that replies OK."""
    hset(ctx, key, pairs)
    return OK


@group.command(
    "HSETNX", Key("RW insert"), Raw, Raw, flags=WRITE | DENYOOM | FAST, since="2.0.0",
    names="key field value",
)
def hsetnx(ctx: Context, key: bytes, field: bytes, text: bytes) -> int:
    """Set a field unless it is there; whether it was set."""
    value = write_hash(ctx, key)
    if value is not None and field in value:
        return 0
    _set(ctx, made_hash(ctx, key), field, text)
    ctx.modified(key, "hset")
    return 1


def _set(ctx: Context, value: Hash, field: bytes, text: bytes) -> None:
    """Set a field that keeps its deadline, if it has one."""
    value.set(field, text, keep_expiry=True)
    if ctx.server.limits.low_hashes:
        value.settle(ctx.server.limits, 0, max(len(field), len(text)))


@group.command(
    "HINCRBY", Key, Raw, Int, flags=WRITE | DENYOOM | FAST, since="2.0.0",
    names="key field increment",
)
def hincrby(ctx: Context, key: bytes, field: bytes, by: int) -> int:
    """Add to the integer in a field, which keeps its deadline.

    Checked in the server's order: increment, type, the field's integer, overflow.
    """
    value = write_hash(ctx, key)
    old = None if value is None else value.get(field)
    number = 0 if old is None else parse_int(old)
    if number is None:
        raise CommandError(errors.HASH_VALUE_NOT_INTEGER)
    number += by
    if not INT_MIN <= number <= INT_MAX:
        raise CommandError(errors.OVERFLOW)
    _set(ctx, made_hash(ctx, key), field, b"%d" % number)
    ctx.modified(key, "hincrby")
    return number


@group.command(
    "HINCRBYFLOAT", Key, Raw, Raw, flags=WRITE | DENYOOM | FAST, since="2.6.0",
    names="key field increment:double",
)
def hincrbyfloat(ctx: Context, key: bytes, field: bytes, raw: bytes) -> bytes:
    """Add to the number in a field, which keeps its deadline.

    Checked in the server's order: increment, type, the field's number, a finite result.
    """
    by = parse_long_double(raw)
    if by is None:
        raise CommandError(errors.NOT_FLOAT)
    if is_infinite(by):
        raise CommandError(errors.NAN_OR_INFINITE_VALUE)
    value = write_hash(ctx, key)
    old = None if value is None else value.get(field)
    number = (0, 0) if old is None else parse_long_double(old)
    if number is None:
        raise CommandError(errors.HASH_VALUE_NOT_FLOAT)
    total = add_long_double(number, by)
    if total is None:
        raise CommandError(errors.NAN_OR_INFINITY)
    text = format_long_double(total)
    _set(ctx, made_hash(ctx, key), field, text)
    ctx.modified(key, "hincrbyfloat")
    return text


@group.command(
    "HDEL", Key("RW delete"), Many(Raw), flags=WRITE | FAST, since="2.0.0", form="key field~",
    batch_of_key="HDEL with all fields", names="key field+",
)
def hdel(ctx: Context, key: bytes, fields: list[bytes]) -> int:
    """Remove fields; how many there were."""
    value = write_hash(ctx, key)
    if value is None:
        return 0
    gone = sum([value.delete(field) for field in fields])
    if gone:
        ctx.shrunk(key, value, "hdel", gone)
    return gone


@group.command(
    "HGET", Key, Raw, flags=READONLY | FAST | READS_ELEMENT, since="2.0.0", batch_of_key="HMGET",
    names="key field",
)
def hget(ctx: Context, key: bytes, field: bytes) -> bytes | None:
    """The value of a field."""
    value = read_hash(ctx, key)
    return None if value is None else value.get(field)


@group.command("HMGET", Key, Many(Raw), flags=READONLY | FAST, since="2.0.0", names="key field+")
def hmget(ctx: Context, key: bytes, fields: list[bytes]) -> list[bytes | None]:
    """The values of fields, None for each that is not there."""
    value = read_hash(ctx, key)
    if value is None:
        return [None] * len(fields)
    return [value.get(field) for field in fields]


@group.command(
    "HGETALL", Key, flags=READONLY | READS_WHOLE, since="2.0.0", reply=MAP, varies="pairs",
    tips="nondeterministic_output_order",
)
def hgetall(ctx: Context, key: bytes) -> dict[bytes, bytes]:
    """All fields and values."""
    value = read_hash(ctx, key)
    return {} if value is None else value.as_dict()


@group.command(
    "HKEYS", Key, flags=READONLY, since="2.0.0", varies="order",
    tips="nondeterministic_output_order",
)
def hkeys(ctx: Context, key: bytes) -> list[bytes]:
    """All fields."""
    value = read_hash(ctx, key)
    return [] if value is None else value.fields()


@group.command(
    "HVALS", Key, flags=READONLY, since="2.0.0", varies="order",
    tips="nondeterministic_output_order",
)
def hvals(ctx: Context, key: bytes) -> list[bytes]:
    """All values."""
    value = read_hash(ctx, key)
    return [] if value is None else value.values()


@group.command("HLEN", Key("RO"), flags=READONLY | FAST, since="2.0.0")
def hlen(ctx: Context, key: bytes) -> int:
    """The number of fields."""
    value = read_hash(ctx, key)
    return 0 if value is None else len(value)


@group.command("HEXISTS", Key("RO"), Raw, flags=READONLY | FAST, since="2.0.0", names="key field")
def hexists(ctx: Context, key: bytes, field: bytes) -> int:
    """Whether a field is there."""
    value = read_hash(ctx, key)
    return 0 if value is None else int(field in value)


@group.command("HSTRLEN", Key("RO"), Raw, flags=READONLY | FAST, since="3.2.0", names="key field")
def hstrlen(ctx: Context, key: bytes, field: bytes) -> int:
    """The length of a field's value."""
    value = read_hash(ctx, key)
    text = None if value is None else value.get(field)
    return 0 if text is None else len(text)


def random_count(raw: bytes, doubled: bool) -> int:
    """The count of HRANDFIELD and ZRANDMEMBER.

    Raises:
        CommandError: no integer, the lowest of all, or too big for twice as many replies.
    """
    count = parse_int(raw)
    if count is None:
        raise CommandError(errors.NOT_INTEGER)
    if count == INT_MIN:
        raise CommandError(errors.RANDOM_COUNT_OUT_OF_RANGE)
    if doubled and not -(INT_MAX // 2) <= count <= INT_MAX // 2:
        raise CommandError(errors.OUT_OF_RANGE)
    return count


class _RandomOptions(Options):
    """What may follow the count of HRANDFIELD."""

    with_values: Annotated[bool, Flag("WITHVALUES", once=True)] = False


@group.command(
    "HRANDFIELD", Key, _RandomOptions, flags=READONLY, since="6.2.0", reply=PAIRS,
    form="key count {}", varies="number", tips="nondeterministic_output",
    names="key [options(count:integer [WITHVALUES])]",
)
def hrandfield(ctx: Context, key: bytes, *words: bytes) -> Any:
    """A random field, or some, with or without values.

    Checked in the server's order: count, syntax, range of the count, type.
    """
    if not words:
        value = read_hash(ctx, key)
        return None if value is None else value.random(ctx.server.random)
    random_count(words[0], False)
    with_values = _RandomOptions.parse(ctx, words[1:]).with_values
    count = random_count(words[0], with_values)
    value = read_hash(ctx, key)
    if value is None:
        return []
    reply = drawn(ctx, count, value.items if with_values else value.fields)
    if reply is not None:
        return reply
    compact = count > 0 and value.encoding(ctx.server.limits) != b"hashtable"
    fields = value.random_fields(count, ctx.server.random, compact)
    return [(field, value.get(field)) for field in fields] if with_values else fields


class _ScanOptions(ScanOptions):
    """The options of HSCAN."""

    without_values: Annotated[bool, Flag("NOVALUES", WITHOUT_VALUES)] = False


@group.command(
    "HSCAN", Key, Raw, _ScanOptions, flags=READONLY | SEQUENTIAL, since="2.8.0",
    form="key cursor {}", tips="nondeterministic_output",
    names="key cursor:integer {match} {count} [NOVALUES@]",
)
def hscan(ctx: Context, key: bytes, cursor: bytes, *words: bytes) -> list[Any]:
    """Some of the fields and values, and the cursor for the next.

    Checked in the server's order: cursor, type, then (only if there is a hash) the options.
    """
    start = scan_cursor(ctx, cursor)
    value = read_hash(ctx, key)
    if value is None:
        return [b"0", []]
    options = _ScanOptions.parse(ctx, words)
    # A small hash comes in one piece.
    big = value.encoding(ctx.server.limits) == b"hashtable"
    after, pairs = value.scan(start, options.count) if big else (0, value.items())
    if options.match is not None:
        pairs = [pair for pair in pairs if options.match(pair[0])]
    if options.without_values:
        return [b"%d" % after, [field for field, _ in pairs]]
    return [b"%d" % after, [part for pair in pairs for part in pair]]
