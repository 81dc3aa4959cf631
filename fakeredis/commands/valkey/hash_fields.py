"""Fields that expire, as Valkey has them: HEXPIRE, HTTL, HGETEX, HSETEX, HGETDEL and their kin.

Their names are those of Redis, which Valkey's clients knew already. Errors, events and the order
of checks are its own: options are sought up to the first word ``FIELDS`` and read then, the key is
looked at last, and a hash with deadlines is a hashtable whatever its size.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Final

from fakeredis import errors
from fakeredis.commands.arguments import (
    Argument,
    Flag,
    Key,
    OneOf,
    Option,
    Options,
    Raw,
    Remaining,
    Token,
)
from fakeredis.commands.hash.common import made_hash, read_hash, told_deadlines, write_hash
from fakeredis.commands.registry import DENYOOM, FAST, READONLY, WRITE, Group
from fakeredis.datatypes.hash import Hash
from fakeredis.datatypes.numbers import parse_int
from fakeredis.engine.core.context import Context
from fakeredis.engine.wording import clean
from fakeredis.errors import CommandError

group = Group("hash")
_TIMES: Final[dict[str, Argument]] = {
    "EX": Raw.named("seconds:integer"), "PX": Raw.named("milliseconds:integer"),
    "EXAT": Raw.named("unix-time-seconds:unix-time"),
    "PXAT": Raw.named("unix-time-milliseconds:unix-time"),
}
_SINCE: Final = {"valkey": "9.0.0"}
_SINCE_9_1: Final = {"valkey": "9.1.0"}


# Words ----------------------------------------------------------------------------------------


class _Fields(Options, at_least=3):
    """``FIELDS numfields field [field ...]``, which is all there is."""

    rest: Annotated[Sequence[bytes], Option("FIELDS", Remaining())] = ()

    def given(self, error: str, size: int = 1) -> Sequence[bytes]:
        """The fields, if they are as many as was said, each of ``size`` words.

        Raises:
            CommandError: the number is none, or another; the error says the latter.
        """
        count = parse_int(self.rest[0]) if self.rest else 0
        if count is None:
            raise CommandError(errors.NOT_INTEGER)
        fields = self.rest[1:]
        if count == 0 or count * size != len(fields):
            raise CommandError(error)
        return fields


class _OptionsAndFields(_Fields):
    """Options, up to the first word FIELDS; without one they are not looked at."""

    @classmethod
    def unknown(cls, ctx: Context, raw: bytes, left: int) -> CommandError:
        """A word is none of them, or there is no FIELDS."""
        if b"FIELDS" in map(bytes.upper, ctx.args[1:-1]):
            return cls.refused(raw)
        return CommandError(errors.NUMFIELDS_MATCH)

    @classmethod
    def refused(cls, raw: bytes) -> CommandError:
        """The error for a word that is none of them."""
        return CommandError(errors.SYNTAX)


class _ExpireOptions(_OptionsAndFields):
    """When HEXPIRE and its kin may set deadlines."""

    nx: Annotated[bool, Flag("NX")] = False
    xx: Annotated[bool, Flag("XX")] = False
    gt: Annotated[bool, Flag("GT")] = False
    lt: Annotated[bool, Flag("LT")] = False

    @classmethod
    def refused(cls, raw: bytes) -> CommandError:
        """It names the word."""
        return CommandError(f"ERR Unsupported option {clean(raw)}")

    def check(self) -> None:
        """Refuse those that do not go together."""
        if not self.rest:
            return
        if self.nx and (self.xx or self.gt or self.lt):
            raise CommandError(errors.EXPIRE_NX_OTHERS)
        if self.gt and self.lt:
            raise CommandError(errors.EXPIRE_GT_LT)

    def hold(self, current: int | None, deadline: int) -> bool:
        """Whether they allow a deadline; a field without one lives for ever."""
        if current is None:
            return not (self.xx or self.gt)
        return not (
            self.nx or (self.gt and deadline <= current) or (self.lt and deadline >= current)
        )


class _GetexOptions(_OptionsAndFields):
    """What HGETEX does to the deadlines of fields."""

    expiration: Annotated[
        tuple[str, bytes | None] | None, OneOf(**_TIMES, PERSIST=Token)
    ] = None


class _SetexOptions(_OptionsAndFields, at_least=4):
    """When HSETEX sets fields, and their deadlines."""

    key_condition: Annotated[str, OneOf(NX=Token, XX=Token)] = ""
    fields_condition: Annotated[str, OneOf(FNX=Token, FXX=Token)] = ""
    expiration: Annotated[
        tuple[str, bytes | None] | None, OneOf(**_TIMES, KEEPTTL=Token)
    ] = None


def _deadline(ctx: Context, unit: str, raw: bytes) -> int:
    """The deadline in milliseconds that an expire time means, which must not be negative."""
    number = parse_int(raw)
    if number is not None and number < 0:
        raise ctx.invalid_expire()
    return ctx.deadline(unit, raw, positive=False)


# Setting deadlines ------------------------------------------------------------------------------


def _expire_at(
    ctx: Context, key: bytes, value: Hash, fields: Sequence[bytes], deadline: int
) -> None:
    """Set the deadline of fields that are there; those that it is over for go at once."""
    if deadline > ctx.now:
        for field in fields:
            value.expire_at(field, deadline)
        value.expand()
        ctx.db.expire_fields_at(key, deadline)
        ctx.modified(key, "hexpire", len(fields))
        return
    for field in fields:
        value.delete(field)
    ctx.shrunk(key, value, "hexpired", len(fields))


def _expire(ctx: Context, key: bytes, unit: str, raw: bytes, words: Sequence[bytes]) -> list[int]:
    """HEXPIRE and its kin.

    Checked in the server's order: options, number of fields, expire time, type.
    """
    options = _ExpireOptions.parse(ctx, words)
    options.check()
    fields = options.given(errors.NUMFIELDS_MATCH)
    deadline = _deadline(ctx, unit, raw)
    value = write_hash(ctx, key)
    if value is None:
        return [-2] * len(fields)
    done = 1 if deadline > ctx.now else 2
    replies, changed = [], dict[bytes, None]()
    for field in fields:
        if field not in value or (done == 2 and field in changed):
            replies.append(-2)
        elif not options.hold(deadline if field in changed else value.deadline(field), deadline):
            replies.append(0)
        else:
            changed[field] = None
            replies.append(done)
    if changed:
        _expire_at(ctx, key, value, list(changed), deadline)
    return replies


@group.command(
    "HEXPIRE", Key("RW update"), Raw, _ExpireOptions, flags=WRITE | FAST, since=_SINCE,
    names="key seconds:integer [condition<NX|XX|GT|LT>] FIELDS=fields(numfields:integer field+)",
)
def hexpire(ctx: Context, key: bytes, raw: bytes, *words: bytes) -> list[int]:
    """Set the time to live of fields, in seconds."""
    return _expire(ctx, key, "EX", raw, words)


@group.command(
    "HPEXPIRE", Key("RW update"), Raw, _ExpireOptions, flags=WRITE | FAST, since=_SINCE,
    names=(
        "key milliseconds:integer [condition<NX|XX|GT|LT>] "
        "FIELDS=fields(numfields:integer field+)"
    ),
)
def hpexpire(ctx: Context, key: bytes, raw: bytes, *words: bytes) -> list[int]:
    """Set the time to live of fields, in milliseconds."""
    return _expire(ctx, key, "PX", raw, words)


@group.command(
    "HEXPIREAT", Key("RW update"), Raw, _ExpireOptions, flags=WRITE | FAST, since=_SINCE,
    names=(
        "key unix-time-seconds:integer [condition<NX|XX|GT|LT>] "
        "FIELDS=fields(numfields:integer field+)"
    ),
)
def hexpireat(ctx: Context, key: bytes, raw: bytes, *words: bytes) -> list[int]:
    """Set the time at which fields vanish, in seconds since the epoch."""
    return _expire(ctx, key, "EXAT", raw, words)


@group.command(
    "HPEXPIREAT", Key("RW update"), Raw, _ExpireOptions, flags=WRITE | FAST, since=_SINCE,
    names=(
        "key unix-time-milliseconds:integer [condition<NX|XX|GT|LT>] "
        "FIELDS=fields(numfields:integer field+)"
    ),
)
def hpexpireat(ctx: Context, key: bytes, raw: bytes, *words: bytes) -> list[int]:
    """Set the time at which fields vanish, in milliseconds since the epoch."""
    return _expire(ctx, key, "PXAT", raw, words)


@group.command(
    "HPERSIST", Key("RW update"), _Fields, flags=WRITE | FAST, since=_SINCE,
    names="key FIELDS=fields(numfields:integer field+)",
)
def hpersist(ctx: Context, key: bytes, *words: bytes) -> list[int]:
    """Take fields' deadlines from them.

    Checked in the server's order: FIELDS, number of fields, type.
    """
    fields = _Fields.parse(ctx, words).given(errors.NUMFIELDS_MATCH)
    value = write_hash(ctx, key)
    if value is None:
        return [-2] * len(fields)
    replies = [
        -2 if field not in value else 1 if value.persist(field) else -1 for field in fields
    ]
    if 1 in replies:
        ctx.modified(key, "hpersist", replies.count(1))
    return replies


# Asking for deadlines ---------------------------------------------------------------------------


def _deadlines(
    ctx: Context, key: bytes, words: Sequence[bytes], convert: Callable[[int], int]
) -> list[int]:
    """HTTL and its kin: -2 where there is no field, -1 where it does not expire.

    Checked in the server's order: FIELDS, number of fields, type.
    """
    fields = _Fields.parse(ctx, words).given(errors.SYNTAX)
    value = read_hash(ctx, key)
    return told_deadlines(value, fields, convert)


@group.command(
    "HTTL", Key, _Fields, flags=READONLY | FAST, since=_SINCE, varies="second",
    names="key FIELDS=fields(numfields:integer field+)",
)
def httl(ctx: Context, key: bytes, *words: bytes) -> list[int]:
    """Seconds until fields expire, rounded to the nearest."""
    return _deadlines(ctx, key, words, lambda deadline: (deadline - ctx.now + 500) // 1000)


@group.command(
    "HPTTL", Key, _Fields, flags=READONLY | FAST, since=_SINCE, varies="milliseconds",
    names="key FIELDS=fields(numfields:integer field+)",
)
def hpttl(ctx: Context, key: bytes, *words: bytes) -> list[int]:
    """Milliseconds until fields expire."""
    return _deadlines(ctx, key, words, lambda deadline: deadline - ctx.now)


@group.command(
    "HEXPIRETIME", Key, _Fields, flags=READONLY | FAST, since=_SINCE, varies="second",
    names="key FIELDS=fields(numfields:integer field+)",
)
def hexpiretime(ctx: Context, key: bytes, *words: bytes) -> list[int]:
    """When fields expire, in seconds rounded to the nearest."""
    return _deadlines(ctx, key, words, lambda deadline: (deadline + 500) // 1000)


@group.command(
    "HPEXPIRETIME", Key, _Fields, flags=READONLY | FAST, since=_SINCE, varies="milliseconds",
    names="key FIELDS=fields(numfields:integer field+)",
)
def hpexpiretime(ctx: Context, key: bytes, *words: bytes) -> list[int]:
    """When fields expire, in milliseconds."""
    return _deadlines(ctx, key, words, lambda deadline: deadline)


# Getting and setting ----------------------------------------------------------------------------


@group.command(
    "HGETEX", Key("RW access update"), _GetexOptions, flags=WRITE | FAST, since=_SINCE,
    names="key {expiration} FIELDS=fields(numfields:integer field+)",
)
def hgetex(ctx: Context, key: bytes, *words: bytes) -> list[bytes | None]:
    """The values of fields, whose deadlines are set or removed.

    Checked in the server's order: options, number of fields, type, expire time.
    """
    options = _GetexOptions.parse(ctx, words)
    fields = options.given(errors.NUMFIELDS_MATCH)
    value = read_hash(ctx, key)
    word, raw = options.expiration or ("", None)
    deadline = None if raw is None else _deadline(ctx, word, raw)
    if value is None:
        return [None] * len(fields)
    replies = [value.get(field) for field in fields]
    found = list(dict.fromkeys(field for field in fields if field in value))
    if deadline is not None and found:
        if deadline <= ctx.now:  # the first mention removes a field
            replies = [
                None if field in fields[:at] else text
                for at, (field, text) in enumerate(zip(fields, replies, strict=True))
            ]
        _expire_at(ctx, key, value, found, deadline)
    elif word == "PERSIST":
        persisted = sum([value.persist(field) for field in found])
        if persisted:
            ctx.modified(key, "hpersist", persisted)
    return replies


@group.command(
    "HGETDEL", Key("RW access delete"), _Fields, flags=WRITE | FAST, since=_SINCE_9_1,
    names="key FIELDS=fields(numfields:integer field+)",
)
def hgetdel(ctx: Context, key: bytes, *words: bytes) -> list[bytes | None]:
    """The values of fields, which are removed.

    Checked in the server's order: FIELDS, number of fields, type.
    """
    fields = _Fields.parse(ctx, words).given(errors.NUMFIELDS_MATCH)
    value = write_hash(ctx, key)
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


def _all(value: Hash | None, fields: Sequence[bytes], wanted: bool) -> bool:
    """Whether all fields are there, or none is."""
    return all((value is not None and field in value) is wanted for field in fields)


@group.command(
    "HSETEX", Key("RW insert"), _SetexOptions, flags=WRITE | DENYOOM | FAST, since=_SINCE,
    names=(
        "key {key_condition} {fields_condition} {expiration} "
        "FIELDS=fields(numfields:integer data(field value)+)"
    ),
)
def hsetex(ctx: Context, key: bytes, *words: bytes) -> int:
    """Set fields with a deadline, on conditions; whether they were set.

    Checked in the server's order: options, number of fields, type, condition of the key, expire
    time, condition of the fields.
    """
    options = _SetexOptions.parse(ctx, words)
    pairs = options.given(errors.NUMFIELDS_MATCH, size=2)
    value = write_hash(ctx, key)
    if options.key_condition and (options.key_condition == "XX") is (value is None):
        return 0
    word, raw = options.expiration or ("", None)
    deadline = None if raw is None else _deadline(ctx, word, raw)
    wanted = options.fields_condition == "FXX"
    if options.fields_condition and not _all(value, pairs[::2], wanted):
        return 0
    value = made_hash(ctx, key)
    for field, text in zip(pairs[::2], pairs[1::2], strict=True):
        value.set(field, text, keep_expiry=word == "KEEPTTL")
    value.settle(ctx.server.limits, 0, max(map(len, pairs)))
    ctx.modified(key, "hset", len(pairs) // 2)
    if deadline is not None:
        fields = list(dict.fromkeys(pairs[::2]))
        if deadline <= ctx.now:
            ctx.modified(key, "hexpire", 0)
        _expire_at(ctx, key, value, fields, deadline)
    return 1
