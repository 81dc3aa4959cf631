"""Fields that expire: HEXPIRE, HTTL, HGETEX, HSETEX and their kin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated, Any, Final

from fakeredis import errors
from fakeredis.commands.arguments import (
    Counted,
    Key,
    OneOf,
    Option,
    Options,
    Raw,
    Token,
    Values,
    integer,
)
from fakeredis.commands.hash.any_order import conditions_and_fields, expiry_and_fields
from fakeredis.commands.hash.common import (
    FIELD_EXPIRY,
    LAST_DEADLINE,
    REDIS_8,
    group,
    made_hash,
    read_hash,
    told_deadlines,
    write_hash,
)
from fakeredis.commands.registry import DENYOOM, FAST, READONLY, WRITE
from fakeredis.datatypes.hash import Hash
from fakeredis.datatypes.numbers import parse_int
from fakeredis.engine.core.context import Context
from fakeredis.errors import CommandError


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
    value = write_hash(ctx, key)
    deadline = _deadline(ctx, raw, seconds, absolute)
    if ctx.server.traits.fields_anywhere:
        fields, condition, _ = conditions_and_fields(ctx, words)
    else:
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
    names="key seconds:integer {condition} FIELDS=fields(numfields:integer field+)",
)
def hexpire(ctx: Context, key: bytes, raw: bytes, *words: bytes) -> Any:
    """Set the time to live of fields, in seconds."""
    return _expire(ctx, key, raw, words, seconds=True, absolute=False)


@group.command(
    "HPEXPIRE", Key("RW update"), Raw, _ExpireOptions, flags=WRITE | FAST, since=FIELD_EXPIRY,
    names="key milliseconds:integer {condition} FIELDS=fields(numfields:integer field+)",
)
def hpexpire(ctx: Context, key: bytes, raw: bytes, *words: bytes) -> Any:
    """Set the time to live of fields, in milliseconds."""
    return _expire(ctx, key, raw, words, seconds=False, absolute=False)


@group.command(
    "HEXPIREAT", Key("RW update"), Raw, _ExpireOptions, flags=WRITE | FAST, since=FIELD_EXPIRY,
    names="key unix-time-seconds:unix-time {condition} FIELDS=fields(numfields:integer field+)",
)
def hexpireat(ctx: Context, key: bytes, raw: bytes, *words: bytes) -> Any:
    """Set the time at which fields vanish, in seconds since the epoch."""
    return _expire(ctx, key, raw, words, seconds=True, absolute=True)


@group.command(
    "HPEXPIREAT", Key("RW update"), Raw, _ExpireOptions, flags=WRITE | FAST, since=FIELD_EXPIRY,
    names=(
        "key unix-time-milliseconds:unix-time {condition} FIELDS=fields(numfields:integer field+)"
    ),
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
    value = read_hash(ctx, key)
    fields = _FieldsOptions.parse(ctx, words).fields_given
    return told_deadlines(value, fields, convert)


@group.command(
    "HTTL", Key, _FieldsOptions, flags=READONLY | FAST, since=FIELD_EXPIRY,
    varies="second", tips="nondeterministic_output",
    names="key FIELDS=fields(numfields:integer field+)",
)
def httl(ctx: Context, key: bytes, *words: bytes) -> list[int]:
    """Seconds until fields expire, rounded up."""
    return _deadlines(ctx, key, words, lambda deadline: (deadline - ctx.now + 999) // 1000)


@group.command(
    "HPTTL", Key, _FieldsOptions, flags=READONLY | FAST, since=FIELD_EXPIRY,
    varies="milliseconds", tips="nondeterministic_output",
    names="key FIELDS=fields(numfields:integer field+)",
)
def hpttl(ctx: Context, key: bytes, *words: bytes) -> list[int]:
    """Milliseconds until fields expire."""
    return _deadlines(ctx, key, words, lambda deadline: deadline - ctx.now)


@group.command(
    "HEXPIRETIME", Key, _FieldsOptions, flags=READONLY | FAST, since=FIELD_EXPIRY,
    varies="second", names="key FIELDS=fields(numfields:integer field+)",
)
def hexpiretime(ctx: Context, key: bytes, *words: bytes) -> list[int]:
    """When fields expire, in seconds rounded up."""
    return _deadlines(ctx, key, words, lambda deadline: (deadline + 999) // 1000)


@group.command(
    "HPEXPIRETIME", Key, _FieldsOptions, flags=READONLY | FAST, since=FIELD_EXPIRY,
    varies="milliseconds", names="key FIELDS=fields(numfields:integer field+)",
)
def hpexpiretime(ctx: Context, key: bytes, *words: bytes) -> list[int]:
    """When fields expire, in milliseconds."""
    return _deadlines(ctx, key, words, lambda deadline: deadline)


def _has_expired(ctx: Context, value: Hash, field: bytes) -> bool:
    """Whether a field is there only because nothing expires by itself."""
    return (value.expires or {}).get(field, ctx.now + 1) <= ctx.now


@group.command(
    "HPERSIST", Key("RW update"), _FieldsOptions, flags=WRITE | FAST, since=FIELD_EXPIRY,
    names="key FIELDS=fields(numfields:integer field+)",
)
def hpersist(ctx: Context, key: bytes, *words: bytes) -> list[int]:
    """Take fields' deadlines from them.

    Checked in the server's order: type, FIELDS and what belongs to it.
    """
    value = write_hash(ctx, key)
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


_NAMED_DEADLINES: Final = {
    word: (name, partial(_deadline, seconds=seconds, absolute=absolute))
    for word, name, seconds, absolute in (
        ("EX", "seconds:integer", True, False),
        ("PX", "milliseconds:integer", False, False),
        ("EXAT", "unix-time-seconds:unix-time", True, True),
        ("PXAT", "unix-time-milliseconds:unix-time", False, True),
    )
}
_DEADLINES: Final = {word: make for word, (_, make) in _NAMED_DEADLINES.items()}
_EXPIRATIONS: Final = {
    word: Values(Raw.named(name), make=make) for word, (name, make) in _NAMED_DEADLINES.items()
}


class _GetexOptions(_FieldsOptions):
    """What HGETEX does to the deadlines of which fields."""

    expiration: Annotated[
        tuple[str, int | None] | None, OneOf(**_EXPIRATIONS, PERSIST=Token, once=True)
    ] = None

    @classmethod
    def unknown(cls, ctx: Context, raw: bytes, left: int) -> CommandError:
        """The number of words is looked at first."""
        return super().unknown(ctx, raw, left) if left else ctx.wrong_arity()


@group.command(
    "HGETEX", Key, _GetexOptions, flags=WRITE | FAST, since=REDIS_8,
    names="key {expiration} FIELDS=fields(numfields:integer field+)",
)
def hgetex(ctx: Context, key: bytes, *words: bytes) -> list[bytes | None]:
    """The values of fields; may set or clear their deadlines.

    Checked in the server's order: type, expire time, number of words, FIELDS and what belongs
    to it.
    """
    value = write_hash(ctx, key)
    if ctx.server.traits.fields_anywhere:
        fields, _, expiry = expiry_and_fields(ctx, words, _DEADLINES, setting=False)
    else:
        options = _GetexOptions.parse(ctx, words)
        fields, expiry = options.fields_given, options.expiration
    word, deadline = expiry or ("", None)
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
    names="key FIELDS=fields(numfields:integer field+)",
)
def hgetdel(ctx: Context, key: bytes, *words: bytes) -> list[bytes | None]:
    """The values of fields, which are removed.

    Checked in the server's order: type, FIELDS and what belongs to it.
    """
    value = write_hash(ctx, key)
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
    expiration: Annotated[tuple[str, int | None] | None, OneOf(
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
        return ctx.wrong_arity()


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
    "HSETEX", Key("RW update"), _SetexOptions, flags=WRITE | DENYOOM | FAST, since=REDIS_8,
    names="key {condition} {expiration} FIELDS=fields(numfields:integer data(field value)+)",
)
def hsetex(ctx: Context, key: bytes, *words: bytes) -> int:
    """Set fields with a deadline if all or none of them are there; whether they were set.

    Checked in the server's order: options from left to right, type, condition.
    """
    if ctx.server.traits.fields_anywhere:
        pairs, condition, expiry = expiry_and_fields(ctx, words, _DEADLINES, setting=True)
    else:
        options = _SetexOptions.parse(ctx, words)
        pairs, condition, expiry = options.pairs, options.condition, options.expiration
        if not pairs:
            raise ctx.wrong_arity()
    word, deadline = expiry or ("", None)
    fields = list(dict.fromkeys(reversed(pairs[::2])))[::-1]  # as their deadlines are set last
    value = write_hash(ctx, key)
    if condition and not _fulfilled(ctx, key, value, fields, condition == "FXX"):
        return 0
    value = made_hash(ctx, key)
    for field, text in zip(pairs[::2], pairs[1::2], strict=True):
        value.set(field, text, keep_expiry=word == "KEEPTTL")
    value.settle(ctx.server.limits, len(pairs) // 2, max(map(len, pairs)))
    ctx.modified(key, "hset", 0 if deadline is not None else len(fields))
    if deadline is not None:
        _set_deadlines(ctx, key, value, deadline, fields)
    return 1
