"""INCREX: a counter with bounds and a deadline, in one step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final

from fakeredis import errors
from fakeredis.commands.arguments import Flag, Key, OneOf, Option, Options, Raw, Token
from fakeredis.commands.registry import DENYOOM, FAST, WRITE
from fakeredis.commands.string import group
from fakeredis.datatypes.numbers import (
    INT_MAX,
    INT_MIN,
    LongDouble,
    add_long_double,
    format_long_double,
    is_infinite,
    parse_int,
    parse_long_double,
)
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import Shape
from fakeredis.errors import CommandError

# From the old value to the new one, the reply, and whether anything changes.
_Change = Callable[[bytes | None], tuple[bytes, list[Any], bool]]
_HIGHEST: Final[LongDouble] = ((1 << 64) - 1, 16383 - 63)


def _doubles(reply: Any) -> Any:
    """With BYFLOAT, RESP3 has doubles where RESP2 has their texts."""
    if type(reply) is list and type(reply[0]) is bytes:
        return [float(text) for text in reply]
    return reply


class _Options(Options):
    """The options of INCREX."""

    by: Annotated[tuple[str, bytes] | None, OneOf(BYINT=Raw, BYFLOAT=Raw, once=True)] = None
    low: Annotated[bytes | None, Option("LBOUND", Raw, once=True)] = None
    high: Annotated[bytes | None, Option("UBOUND", Raw, once=True)] = None
    saturate: Annotated[bool, Flag("SATURATE", once=True)] = False
    if_none: Annotated[bool, Flag("ENX", once=True)] = False
    expiration: Annotated[tuple[str, bytes] | None, OneOf(
        EX=Raw, PX=Raw, EXAT=Raw, PXAT=Raw, PERSIST=Token, once=True
    )] = None

    @property
    def is_float(self) -> bool:
        """Whether floating point numbers are added."""
        return self.by is not None and self.by[0] == "BYFLOAT"

    @property
    def increment(self) -> bytes | None:
        """What is added, if it was said."""
        return None if self.by is None else self.by[1]

    @property
    def persists(self) -> bool:
        """Whether the deadline goes."""
        return self.expiration is not None and self.expiration[0] == "PERSIST"

    def check(self) -> None:
        """ENX is for a deadline that is set."""
        if self.if_none and self.persists:
            raise CommandError(errors.SYNTAX)
        if self.if_none and self.expiration is None:
            raise CommandError(errors.INCREX_ENX)


@group.command(
    "INCREX", Key, _Options, flags=WRITE | DENYOOM | FAST, since={"redis": "8.8.0"},
    reply=Shape(None, _doubles, "same"),
)
def increx(ctx: Context, key: bytes, *words: bytes) -> list[Any]:
    """Add to a number unless that leads out of its bounds: the new value, and what was added.

    Checked in the server's order: syntax, numbers, expire value, type, value.
    """
    options = _Options.parse(ctx, words)
    options.check()
    add = _add_float if options.is_float else _add_integer
    change = add(options)
    expiry = None if options.persists else options.expiration
    deadline = None if expiry is None else ctx.deadline(*expiry)
    old: bytes | None = ctx.lookup_write(key, bytes)
    text, reply, is_changed = change(old)
    if is_changed:
        _store(ctx, key, text, options, deadline)
    return reply


def _add_integer(options: _Options) -> _Change:
    """A function from the old value to the new one, the reply, and whether it changes."""
    by, low, high = (
        _number(parse_int, raw, "an integer or out of range", name, default)
        for raw, name, default in (
            (options.increment, "Increment", 1), (options.low, "LBOUND", INT_MIN),
            (options.high, "UBOUND", INT_MAX),
        )
    )
    if low > high:
        raise CommandError(errors.INCREX_BOUNDS)

    def change(old: bytes | None) -> tuple[bytes, list[Any], bool]:
        before = 0 if old is None else parse_int(old)
        if before is None:
            raise CommandError(errors.NOT_INTEGER)
        after = before + by
        if not low <= after <= high:
            if not options.saturate:
                return b"", [before, 0], False
            after = max(low, min(after, high))
            if not INT_MIN <= after - before <= INT_MAX:
                raise CommandError(errors.INCREX_APPLIED)
        return b"%d" % after, [after, after - before], True

    return change


def _add_float(options: _Options) -> _Change:
    """The change by a floating point number, once its options are checked."""
    by, low, high = (
        _number(parse_long_double, raw, "a valid float", name, default)
        for raw, name, default in (
            (options.increment, "Increment", (0, 0)),
            (options.low, "LBOUND", (-_HIGHEST[0], _HIGHEST[1])),
            (options.high, "UBOUND", _HIGHEST),
        )
    )
    if is_infinite(by):
        raise CommandError(errors.INCREX_INFINITE)
    if _below(high, low):
        raise CommandError(errors.INCREX_BOUNDS)

    def change(old: bytes | None) -> tuple[bytes, list[Any], bool]:
        before = (0, 0) if old is None else parse_long_double(old)
        if before is None:
            raise CommandError(errors.NOT_FLOAT)
        if is_infinite(before):
            raise CommandError(errors.INCREX_INFINITE_VALUE)
        after = add_long_double(before, by)
        if after is None or _below(after, low) or _below(high, after):
            if not options.saturate:
                return b"", [format_long_double(before), b"0"], False
            is_over = by[0] > 0 if after is None else _below(high, after)
            after = high if is_over else low
        applied = add_long_double(after, (-before[0], before[1]))
        if applied is None:
            raise CommandError(errors.INCREX_APPLIED)
        text = format_long_double(after)
        return text, [text, format_long_double(applied)], True

    return change


def _number(parse: Any, raw: bytes | None, kind: str, name: str, default: Any) -> Any:
    value = default if raw is None else parse(raw)
    if value is None:
        raise CommandError(errors.INCREX_NUMBER % (name, kind))
    return value


def _below(a: LongDouble, b: LongDouble) -> bool:
    """Whether one long double is less than another."""
    if is_infinite(a) or is_infinite(b):
        return _sign(a) < _sign(b)
    exponent = min(a[1], b[1])
    return a[0] << (a[1] - exponent) < b[0] << (b[1] - exponent)


def _sign(value: LongDouble) -> int:
    """Where a number lies beside infinite ones."""
    return 0 if not is_infinite(value) else 1 if value[0] > 0 else -1


def _store(
    ctx: Context, key: bytes, text: bytes, options: _Options, deadline: int | None
) -> None:
    """Keep the new value, and the old deadline unless there is another."""
    if options.if_none and key in ctx.db.expires:
        deadline = None
    if deadline is not None and deadline <= ctx.now:
        ctx.delete(key)
        return
    ctx.db.replace(key, text)
    ctx.modified(key, "incrbyfloat" if options.is_float else "incrby")
    if deadline is not None:
        ctx.db.expire_at(key, deadline)
        ctx.modified(key, "expire")
    elif options.persists and ctx.db.persist(key):
        ctx.modified(key, "persist")
