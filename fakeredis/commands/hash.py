"""Hash commands: Redis's "hash" group.

Fields may have deadlines.  Due ones are removed by the server as it goes along, and before a
command of this group looks at the hash, so no handler ever sees one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated, Any, Final

from fakeredis import errors
from fakeredis.commands.arguments import (
    Counted,
    Flag,
    Int,
    Key,
    Many,
    OneOf,
    Option,
    Options,
    Raw,
    Token,
    Values,
    integer,
)
from fakeredis.commands.generic import WITHOUT_VALUES, ScanOptions, scan_cursor
from fakeredis.commands.registry import (
    DENYOOM,
    FAST,
    READONLY,
    READS_ELEMENT,
    READS_WHOLE,
    SEQUENTIAL,
    WRITE,
    WRITES_BACK,
    Group,
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

group = Group("hash")

LAST_DEADLINE: Final = (1 << 46) - 1  # in milliseconds; no field can expire later
FIELD_EXPIRY: Final = {"redis": "7.4.0", "valkey": "9.0.0"}
FIELD_EXPIRY_8: Final = {"redis": "8.0.0", "valkey": "9.0.0"}
REDIS_8: Final = {"redis": "8.0.0"}


def _read(ctx: Context, key: bytes) -> Hash | None:
    """The hash at key for reading, without fields that have expired."""
    value: Hash | None = ctx.lookup_read(key, Hash)
    if value is not None:
        soonest = value.next_expiry
        if soonest is not None and soonest <= ctx.now:
            return _without_expired(ctx, key, value)
    return value


def _write(ctx: Context, key: bytes) -> Hash | None:
    """The hash at key for changing it, without fields that have expired."""
    value: Hash | None = ctx.lookup_write(key, Hash)
    if value is not None:
        soonest = value.next_expiry
        if soonest is not None and soonest <= ctx.now:
            return _without_expired(ctx, key, value)
    return value


# While nothing expires by itself (DEBUG SET-ACTIVE-EXPIRE 0), expired fields remain until a command
# asks for them. These commands take them for fields like all others ...
_BLIND: Final = frozenset({
    "HLEN", "HSET", "HMSET", "HDEL", "HSETEX", "HPERSIST",  # which looks for itself
    "HEXPIRE", "HPEXPIRE", "HEXPIREAT", "HPEXPIREAT",
})
# ... and these pass them over, but let them be.
_LENIENT: Final = frozenset({
    "HGETALL", "HKEYS", "HVALS", "HSCAN", "HTTL", "HPTTL", "HEXPIRETIME", "HPEXPIRETIME",
})


def _without_expired(ctx: Context, key: bytes, value: Hash) -> Hash | None:
    """A hash without the fields that have expired, as far as the running command sees that."""
    name = "" if ctx.command is None else ctx.command.name
    among: Sequence[bytes] | None = None
    if not ctx.server.active_expire and name != "HRANDFIELD":
        among = ctx.args
        if name in _BLIND:
            return value
        if name in _LENIENT:
            value = value.copy()
            value.pop_expired(ctx.now)
            return value
    silent = among is not None and name == "HMGET"
    gone = ctx.server.expire_fields(ctx.db, key, value, ctx.now, among, silent=silent)
    return None if gone else value


def _made(ctx: Context, key: bytes) -> Hash:
    """The hash at key for changing it, a new one if need be."""
    value = _write(ctx, key)
    if value is None:
        value = Hash()
        ctx.db.put(key, value)
    return value


# Setting ------------------------------------------------------------------------------------


@group.command(
    "HSET", Key("RW update"), Many(Raw, Raw), flags=WRITE | DENYOOM | FAST | WRITES_BACK,
    since="2.0.0", form="key (field value)~", batch_of_key="HSET with all fields",
)
def hset(ctx: Context, key: bytes, pairs: list[bytes]) -> int:
    """Set fields, which lose their deadlines; the number of new ones.

    Checked in the server's order: pairs, type.
    """
    count = len(pairs)
    if count & 1:
        raise _wrong_arity(ctx)
    value = _made(ctx, key)
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
    since="2.0.0", form="key (field value)~",
)
def hmset(ctx: Context, key: bytes, pairs: list[bytes]) -> Any:
    """HSET that replies OK."""
    hset(ctx, key, pairs)
    return OK


def _wrong_arity(ctx: Context) -> CommandError:
    command = ctx.command
    return CommandError(errors.ARITY % ("" if command is None else command.label))


@group.command("HSETNX", Key("RW insert"), Raw, Raw, flags=WRITE | DENYOOM | FAST, since="2.0.0")
def hsetnx(ctx: Context, key: bytes, field: bytes, text: bytes) -> int:
    """Set a field unless it is there; whether it was set."""
    value = _write(ctx, key)
    if value is not None and field in value:
        return 0
    _set(ctx, _made(ctx, key), field, text)
    ctx.modified(key, "hset")
    return 1


def _set(ctx: Context, value: Hash, field: bytes, text: bytes) -> None:
    """Set a field that keeps its deadline, if it has one."""
    value.set(field, text, keep_expiry=True)
    if ctx.server.limits.low_hashes:
        value.settle(ctx.server.limits, 0, max(len(field), len(text)))


@group.command("HINCRBY", Key, Raw, Int, flags=WRITE | DENYOOM | FAST, since="2.0.0")
def hincrby(ctx: Context, key: bytes, field: bytes, by: int) -> int:
    """Add to the integer in a field, which keeps its deadline.

    Checked in the server's order: increment, type, the field's integer, overflow.
    """
    value = _write(ctx, key)
    old = None if value is None else value.get(field)
    number = 0 if old is None else parse_int(old)
    if number is None:
        raise CommandError(errors.HASH_VALUE_NOT_INTEGER)
    number += by
    if not INT_MIN <= number <= INT_MAX:
        raise CommandError(errors.OVERFLOW)
    _set(ctx, _made(ctx, key), field, b"%d" % number)
    ctx.modified(key, "hincrby")
    return number


@group.command("HINCRBYFLOAT", Key, Raw, Raw, flags=WRITE | DENYOOM | FAST, since="2.6.0")
def hincrbyfloat(ctx: Context, key: bytes, field: bytes, raw: bytes) -> bytes:
    """Add to the number in a field, which keeps its deadline.

    Checked in the server's order: increment, type, the field's number, a finite result.
    """
    by = parse_long_double(raw)
    if by is None:
        raise CommandError(errors.NOT_FLOAT)
    if is_infinite(by):
        raise CommandError(errors.NAN_OR_INFINITE_VALUE)
    value = _write(ctx, key)
    old = None if value is None else value.get(field)
    number = (0, 0) if old is None else parse_long_double(old)
    if number is None:
        raise CommandError(errors.HASH_VALUE_NOT_FLOAT)
    total = add_long_double(number, by)
    if total is None:
        raise CommandError(errors.NAN_OR_INFINITY)
    text = format_long_double(total)
    _set(ctx, _made(ctx, key), field, text)
    ctx.modified(key, "hincrbyfloat")
    return text


@group.command(
    "HDEL", Key("RW delete"), Many(Raw), flags=WRITE | FAST, since="2.0.0", form="key field~",
    batch_of_key="HDEL with all fields",
)
def hdel(ctx: Context, key: bytes, fields: list[bytes]) -> int:
    """Remove fields; how many there were."""
    value = _write(ctx, key)
    if value is None:
        return 0
    gone = sum([value.delete(field) for field in fields])
    if gone:
        ctx.shrunk(key, value, "hdel", gone)
    return gone


# Getting ------------------------------------------------------------------------------------


@group.command(
    "HGET", Key, Raw, flags=READONLY | FAST | READS_ELEMENT, since="2.0.0", batch_of_key="HMGET",
)
def hget(ctx: Context, key: bytes, field: bytes) -> bytes | None:
    """The value of a field."""
    value = _read(ctx, key)
    return None if value is None else value.get(field)


@group.command("HMGET", Key, Many(Raw), flags=READONLY | FAST, since="2.0.0")
def hmget(ctx: Context, key: bytes, fields: list[bytes]) -> list[bytes | None]:
    """The values of fields, None for each that is not there."""
    value = _read(ctx, key)
    if value is None:
        return [None] * len(fields)
    return [value.get(field) for field in fields]


@group.command(
    "HGETALL", Key, flags=READONLY | READS_WHOLE, since="2.0.0", reply=MAP, varies="pairs",
    tips="nondeterministic_output_order",
)
def hgetall(ctx: Context, key: bytes) -> dict[bytes, bytes]:
    """All fields and values."""
    value = _read(ctx, key)
    return {} if value is None else value.as_dict()


@group.command(
    "HKEYS", Key, flags=READONLY, since="2.0.0", varies="order",
    tips="nondeterministic_output_order",
)
def hkeys(ctx: Context, key: bytes) -> list[bytes]:
    """All fields."""
    value = _read(ctx, key)
    return [] if value is None else value.fields()


@group.command(
    "HVALS", Key, flags=READONLY, since="2.0.0", varies="order",
    tips="nondeterministic_output_order",
)
def hvals(ctx: Context, key: bytes) -> list[bytes]:
    """All values."""
    value = _read(ctx, key)
    return [] if value is None else value.values()


@group.command("HLEN", Key("RO"), flags=READONLY | FAST, since="2.0.0")
def hlen(ctx: Context, key: bytes) -> int:
    """The number of fields."""
    value = _read(ctx, key)
    return 0 if value is None else len(value)


@group.command("HEXISTS", Key("RO"), Raw, flags=READONLY | FAST, since="2.0.0")
def hexists(ctx: Context, key: bytes, field: bytes) -> int:
    """Whether a field is there."""
    value = _read(ctx, key)
    return 0 if value is None else int(field in value)


@group.command("HSTRLEN", Key("RO"), Raw, flags=READONLY | FAST, since="3.2.0")
def hstrlen(ctx: Context, key: bytes, field: bytes) -> int:
    """The length of a field's value."""
    value = _read(ctx, key)
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
)
def hrandfield(ctx: Context, key: bytes, *words: bytes) -> Any:
    """A random field, or some, with or without values.

    Checked in the server's order: count, syntax, range of the count, type.
    """
    if not words:
        value = _read(ctx, key)
        return None if value is None else value.random(ctx.server.random)
    random_count(words[0], False)
    with_values = _RandomOptions.parse(ctx, words[1:]).with_values
    count = random_count(words[0], with_values)
    value = _read(ctx, key)
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
)
def hscan(ctx: Context, key: bytes, cursor: bytes, *words: bytes) -> list[Any]:
    """Some of the fields and values, and the cursor for the next.

    Checked in the server's order: cursor, type, then (only if there is a hash) the options.
    """
    start = scan_cursor(ctx, cursor)
    value = _read(ctx, key)
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


# Deadlines of fields ------------------------------------------------------------------------


def _deadline(ctx: Context, raw: bytes, seconds: bool, absolute: bool) -> int:
    """The absolute deadline in milliseconds that a field's expire time means.

    Raises:
        CommandError: no integer, negative, or beyond what fits.
    """
    deadline = parse_int(raw)
    if deadline is None:
        raise CommandError(errors.NOT_INTEGER)
    if deadline < 0:
        raise CommandError(errors.EXPIRE_NEGATIVE)
    if seconds:
        deadline *= 1000
    if not absolute:
        deadline += ctx.now
    if deadline > LAST_DEADLINE:
        raise ctx.invalid_expire()
    return deadline


def _set_deadlines(
    ctx: Context, key: bytes, value: Hash, deadline: int, fields: Sequence[bytes]
) -> None:
    """Set the deadlines of fields, which must be there; those that are over are removed at once."""
    value.allow_expiry()
    if not fields:
        return
    if deadline <= ctx.now:
        for field in fields:
            value.delete(field)
        ctx.shrunk(key, value, "hdel", len(fields))
        return
    for field in fields:
        value.expire_at(field, deadline)
    ctx.db.expire_fields_at(key, deadline)
    ctx.modified(key, "hexpire", len(fields))


_FIELDS: Final = Counted(
    integer(1, error=errors.NUMFIELDS_NOT_POSITIVE_INTEGER), errors.NUMFIELDS_MISMATCH, exact=True
)


class _FieldsOptions(Options, at_least=3):
    """``FIELDS numfields field [field ...]``, which must be all there is."""

    fields_given: Annotated[Sequence[bytes], Option("FIELDS", _FIELDS)] = ()

    @classmethod
    def unknown(cls, ctx: Context, raw: bytes, left: int) -> CommandError:
        """Instead of it FIELDS was to stand."""
        return CommandError(errors.FIELDS_MISSING)


class _ExpireOptions(_FieldsOptions):
    """When HEXPIRE and its kin may set deadlines, and of which fields."""

    condition: Annotated[str, OneOf(NX=Token, XX=Token, GT=Token, LT=Token, once=True)] = ""
    fields_given: Annotated[Sequence[bytes], Option("FIELDS", Counted(
        integer(1, error=errors.NUMFIELDS_NOT_POSITIVE), errors.NUMFIELDS_MISMATCH, exact=True
    ))] = ()


def _may_expire(condition: str, old: int | None, deadline: int) -> bool:
    """Whether NX, XX, GT or LT lets a field get a deadline."""
    if condition == "NX":
        return old is None
    if condition == "XX":
        return old is not None
    if condition == "GT":
        return old is not None and deadline > old
    return old is None or deadline < old


def _expire(
    ctx: Context, key: bytes, raw: bytes, words: Sequence[bytes], seconds: bool, absolute: bool
) -> Any:
    """HEXPIRE and its kin.

    Checked in the server's order: type, expire time, FIELDS and what belongs to it.
    """
    value = _write(ctx, key)
    deadline = _deadline(ctx, raw, seconds, absolute)
    options = _ExpireOptions.parse(ctx, words)
    condition, fields = options.condition, options.fields_given
    if value is None:
        return [-2] * len(fields)
    value.allow_expiry()
    past = deadline <= ctx.now
    replies = []
    for field in fields:
        if field not in value:
            replies.append(-2)
        elif condition and not _may_expire(condition, value.deadline(field), deadline):
            replies.append(0)
        elif past:
            value.delete(field)
            replies.append(2)
        else:
            value.expire_at(field, deadline)
            replies.append(1)
    if 2 in replies:
        ctx.shrunk(key, value, "hdel", replies.count(2))
    elif 1 in replies:
        ctx.db.expire_fields_at(key, deadline)
        ctx.modified(key, "hexpire", replies.count(1))
    return replies


@group.command(
    "HEXPIRE", Key("RW update"), Raw, _ExpireOptions, flags=WRITE | FAST, since=FIELD_EXPIRY,
)
def hexpire(ctx: Context, key: bytes, raw: bytes, *words: bytes) -> Any:
    """Set the time to live of fields, in seconds."""
    return _expire(ctx, key, raw, words, seconds=True, absolute=False)


@group.command(
    "HPEXPIRE", Key("RW update"), Raw, _ExpireOptions, flags=WRITE | FAST, since=FIELD_EXPIRY,
)
def hpexpire(ctx: Context, key: bytes, raw: bytes, *words: bytes) -> Any:
    """Set the time to live of fields, in milliseconds."""
    return _expire(ctx, key, raw, words, seconds=False, absolute=False)


@group.command(
    "HEXPIREAT", Key("RW update"), Raw, _ExpireOptions, flags=WRITE | FAST, since=FIELD_EXPIRY,
)
def hexpireat(ctx: Context, key: bytes, raw: bytes, *words: bytes) -> Any:
    """Set the time at which fields vanish, in seconds since the epoch."""
    return _expire(ctx, key, raw, words, seconds=True, absolute=True)


@group.command(
    "HPEXPIREAT", Key("RW update"), Raw, _ExpireOptions, flags=WRITE | FAST, since=FIELD_EXPIRY,
)
def hpexpireat(ctx: Context, key: bytes, raw: bytes, *words: bytes) -> Any:
    """Set the time at which fields vanish, in milliseconds since the epoch."""
    return _expire(ctx, key, raw, words, seconds=False, absolute=True)


def _deadlines(
    ctx: Context, key: bytes, words: Sequence[bytes], convert: Callable[[int], int]
) -> list[int]:
    """HTTL and its kin: -2 where there is no field, -1 where it does not expire.

    Checked in the server's order: type, FIELDS and what belongs to it.
    """
    value = _read(ctx, key)
    fields = _FieldsOptions.parse(ctx, words).fields_given
    if value is None:
        return [-2] * len(fields)
    replies = []
    for field in fields:
        deadline = value.deadline(field)
        if deadline is not None:
            replies.append(convert(deadline))
        else:
            replies.append(-1 if field in value else -2)
    return replies


@group.command(
    "HTTL", Key, _FieldsOptions, flags=READONLY | FAST, since=FIELD_EXPIRY,
    varies="second", tips="nondeterministic_output",
)
def httl(ctx: Context, key: bytes, *words: bytes) -> list[int]:
    """Seconds until fields expire, rounded up."""
    return _deadlines(ctx, key, words, lambda deadline: (deadline - ctx.now + 999) // 1000)


@group.command(
    "HPTTL", Key, _FieldsOptions, flags=READONLY | FAST, since=FIELD_EXPIRY,
    varies="milliseconds", tips="nondeterministic_output",
)
def hpttl(ctx: Context, key: bytes, *words: bytes) -> list[int]:
    """Milliseconds until fields expire."""
    return _deadlines(ctx, key, words, lambda deadline: deadline - ctx.now)


@group.command(
    "HEXPIRETIME", Key, _FieldsOptions, flags=READONLY | FAST, since=FIELD_EXPIRY,
    varies="second",
)
def hexpiretime(ctx: Context, key: bytes, *words: bytes) -> list[int]:
    """When fields expire, in seconds rounded up."""
    return _deadlines(ctx, key, words, lambda deadline: (deadline + 999) // 1000)


@group.command(
    "HPEXPIRETIME", Key, _FieldsOptions, flags=READONLY | FAST, since=FIELD_EXPIRY,
    varies="milliseconds",
)
def hpexpiretime(ctx: Context, key: bytes, *words: bytes) -> list[int]:
    """When fields expire, in milliseconds."""
    return _deadlines(ctx, key, words, lambda deadline: deadline)


def _has_expired(ctx: Context, value: Hash, field: bytes) -> bool:
    """Whether a field is there only because nothing expires by itself."""
    return (value.expires or {}).get(field, ctx.now + 1) <= ctx.now


@group.command(
    "HPERSIST", Key("RW update"), _FieldsOptions, flags=WRITE | FAST, since=FIELD_EXPIRY,
)
def hpersist(ctx: Context, key: bytes, *words: bytes) -> list[int]:
    """Take fields' deadlines from them.

    Checked in the server's order: type, FIELDS and what belongs to it.
    """
    value = _write(ctx, key)
    fields = _FieldsOptions.parse(ctx, words).fields_given
    if value is None:
        return [-2] * len(fields)
    replies = [
        -2 if field not in value or _has_expired(ctx, value, field)
        else 1 if value.persist(field) else -1
        for field in fields
    ]
    if 1 in replies:
        ctx.modified(key, "hpersist")
    return replies


# With deadlines -----------------------------------------------------------------------------

_EXPIRATIONS: Final = {
    word: Values(Raw, make=partial(_deadline, seconds=seconds, absolute=absolute))
    for word, seconds, absolute in (
        ("EX", True, False), ("PX", False, False), ("EXAT", True, True), ("PXAT", False, True),
    )
}


class _GetexOptions(_FieldsOptions):
    """What HGETEX does to the deadlines of which fields."""

    expiry: Annotated[
        tuple[str, int | None] | None, OneOf(**_EXPIRATIONS, PERSIST=Token, once=True)
    ] = None

    @classmethod
    def unknown(cls, ctx: Context, raw: bytes, left: int) -> CommandError:
        """The number of words is looked at first."""
        return super().unknown(ctx, raw, left) if left else _wrong_arity(ctx)


@group.command(
    "HGETEX", Key, _GetexOptions, flags=WRITE | FAST, since=FIELD_EXPIRY_8,
)
def hgetex(ctx: Context, key: bytes, *words: bytes) -> list[bytes | None]:
    """The values of fields; may set or clear their deadlines.

    Checked in the server's order: type, expire time, number of words, FIELDS and what belongs
    to it.
    """
    value = _write(ctx, key)
    options = _GetexOptions.parse(ctx, words)
    fields = options.fields_given
    word, deadline = options.expiry or ("", None)
    if value is None:
        return [None] * len(fields)
    past = deadline is not None and deadline <= ctx.now
    replies = [value.get(field) for field in fields]
    if past:
        for index, field in enumerate(fields):
            if field in fields[:index]:
                replies[index] = None  # the first mention has removed it
    found = [field for field in fields if field in value]
    if deadline is not None:
        _set_deadlines(ctx, key, value, deadline, found)
    elif word == "PERSIST":
        value.allow_expiry()
        persisted = sum([value.persist(field) for field in found])
        if persisted:
            ctx.modified(key, "hpersist", persisted)
    return replies


@group.command(
    "HGETDEL", Key("RW access delete"), _FieldsOptions, flags=WRITE | FAST, since=REDIS_8,
)
def hgetdel(ctx: Context, key: bytes, *words: bytes) -> list[bytes | None]:
    """The values of fields, which are removed.

    Checked in the server's order: type, FIELDS and what belongs to it.
    """
    value = _write(ctx, key)
    fields = _FieldsOptions.parse(ctx, words).fields_given
    if value is None:
        return [None] * len(fields)
    replies = []
    for field in fields:
        replies.append(value.get(field))
        value.delete(field)
    gone = len(replies) - replies.count(None)
    if gone:
        ctx.shrunk(key, value, "hdel", gone)
    return replies


class _SetexOptions(Options, at_least=4):
    """HSETEX's options."""

    condition: Annotated[
        str, OneOf(FNX=Token, FXX=Token, once=True, error=errors.ONE_OF_FXX_FNX)
    ] = ""
    expiry: Annotated[tuple[str, int | None] | None, OneOf(
        **_EXPIRATIONS, KEEPTTL=Token, once=True, error=errors.ONE_OF_EXPIRATIONS
    )] = None
    pairs: Annotated[Sequence[bytes], Option("FIELDS", Counted(
        integer(1, (1 << 31) - 1, errors.NUMFIELDS_INVALID), errors.ARITY % "hsetex", size=2,
        exact=True,
    ))] = ()

    @classmethod
    def unknown(cls, ctx: Context, raw: bytes, left: int) -> CommandError:
        """It names the word."""
        name = raw.partition(b"\0")[0].decode("latin-1")
        return CommandError(errors.UNKNOWN_ARGUMENT % name)

    @classmethod
    def lacking(cls, ctx: Context, raw: bytes, left: int) -> CommandError:
        """There are too few words."""
        return _wrong_arity(ctx)


def _fulfilled(
    ctx: Context, key: bytes, value: Hash | None, fields: list[bytes], wanted: bool
) -> bool:
    """Whether all fields are there, or none is; what had expired goes, up to the first that fails.

    Only while nothing expires by itself is there such a field.
    """
    if value is None:
        return not wanted
    expires = value.expires or {}
    seen, fulfilled = len(fields), True
    for at, field in enumerate(fields):
        there = field in value and expires.get(field, ctx.now + 1) > ctx.now
        if there is not wanted:
            seen, fulfilled = at + 1, False
            break
    ctx.server.expire_fields(
        ctx.db, key, value, ctx.now, fields[:seen], keep=fulfilled and not wanted
    )
    return fulfilled


@group.command(
    "HSETEX", Key("RW update"), _SetexOptions, flags=WRITE | DENYOOM | FAST, since=FIELD_EXPIRY_8,
)
def hsetex(ctx: Context, key: bytes, *words: bytes) -> int:
    """Set fields with a deadline if all or none of them are there; whether they were set.

    Checked in the server's order: options from left to right, type, condition.
    """
    options = _SetexOptions.parse(ctx, words)
    pairs = options.pairs
    if not pairs:
        raise _wrong_arity(ctx)
    word, deadline = options.expiry or ("", None)
    fields = list(dict.fromkeys(reversed(pairs[::2])))[::-1]  # as their deadlines are set last
    value = _write(ctx, key)
    if options.condition and not _fulfilled(ctx, key, value, fields, options.condition == "FXX"):
        return 0
    value = _made(ctx, key)
    for field, text in zip(pairs[::2], pairs[1::2], strict=True):
        value.set(field, text, keep_expiry=word == "KEEPTTL")
    value.settle(ctx.server.limits, len(pairs) // 2, max(map(len, pairs)))
    ctx.modified(key, "hset", 0 if deadline is not None else len(fields))
    if deadline is not None:
        _set_deadlines(ctx, key, value, deadline, fields)
    return 1
