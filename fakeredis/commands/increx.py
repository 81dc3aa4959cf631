"""INCREX: a counter with bounds and a deadline, in one step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from fakeredis import errors
from fakeredis.commands.arguments import Key, Rest, word_of
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
from fakeredis.engine.command.form import EXPIRY
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import Shape
from fakeredis.errors import CommandError

_EXPIRIES: Final = (b"EX", b"PX", b"EXAT", b"PXAT")
_VALUED: Final = frozenset({b"BYINT", b"BYFLOAT", b"LBOUND", b"UBOUND", *_EXPIRIES})
_TOKENS: Final = frozenset({b"SATURATE", b"PERSIST", b"ENX"})
# What a word may not stand together with; all may stand once only.
_EXCLUDED: Final = {
    b"BYINT": (b"BYFLOAT",), b"BYFLOAT": (b"BYINT",), b"PERSIST": (*_EXPIRIES, b"ENX"),
    b"ENX": (b"PERSIST",), **dict.fromkeys(_EXPIRIES, (*_EXPIRIES, b"PERSIST")),
}
# From the old value to the new one, the reply, and whether anything changes.
_Change = Callable[[bytes | None], tuple[bytes, list[Any], bool]]
_HIGHEST: Final[LongDouble] = ((1 << 64) - 1, 16383 - 63)


def _doubles(reply: Any) -> Any:
    """With BYFLOAT, RESP3 has doubles where RESP2 has their texts."""
    if type(reply) is list and type(reply[0]) is bytes:
        return [float(text) for text in reply]
    return reply


@group.command(
    "INCREX", Key, Rest(), flags=WRITE | DENYOOM | FAST, since={"redis": "8.8.0"},
    reply=Shape(None, _doubles, "same"),
    form=f"key {{BYINT=1 BYFLOAT=1 LBOUND=1 UBOUND=1 SATURATE ENX PERSIST {EXPIRY}}}",
)
def increx(ctx: Context, key: bytes, words: list[bytes]) -> list[Any]:
    """Add to a number unless that leads out of its bounds: the new value, and what was added.

    Checked in the server's order: syntax, numbers, expire value, type, value.
    """
    options = _options(words)
    if b"ENX" in options and not any(word in options for word in _EXPIRIES):
        raise CommandError(errors.INCREX_ENX)
    add = _add_float if b"BYFLOAT" in options else _add_integer
    change = add(options)
    expiry = next((word for word in _EXPIRIES if word in options), None)
    deadline = None if expiry is None else ctx.deadline(expiry.decode(), options[expiry])
    old: bytes | None = ctx.lookup_write(key, bytes)
    text, reply, is_changed = change(old)
    if is_changed:
        _store(ctx, key, text, options, deadline)
    return reply


def _options(words: Sequence[bytes]) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    rest = iter(words)
    for raw in rest:
        word = word_of(raw)
        if word in found or any(other in found for other in _EXCLUDED.get(word, ())):
            raise CommandError(errors.SYNTAX)
        value: bytes | None = b""
        if word in _VALUED:
            value = next(rest, None)
        elif word not in _TOKENS:
            raise CommandError(errors.SYNTAX)
        if value is None:
            raise CommandError(errors.SYNTAX)
        found[word] = value
    return found


def _add_integer(options: dict[bytes, bytes]) -> _Change:
    """A function from the old value to the new one, the reply, and whether it changes."""
    by, low, high = (
        _number(parse_int, options.get(word), "an integer or out of range", name, default)
        for word, name, default in (
            (b"BYINT", "Increment", 1), (b"LBOUND", "LBOUND", INT_MIN),
            (b"UBOUND", "UBOUND", INT_MAX),
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
            if b"SATURATE" not in options:
                return b"", [before, 0], False
            after = max(low, min(after, high))
            if not INT_MIN <= after - before <= INT_MAX:
                raise CommandError(errors.INCREX_APPLIED)
        return b"%d" % after, [after, after - before], True

    return change


def _add_float(options: dict[bytes, bytes]) -> _Change:
    """The same for floating point numbers."""
    by, low, high = (
        _number(parse_long_double, options.get(word), "a valid float", name, default)
        for word, name, default in (
            (b"BYFLOAT", "Increment", (0, 0)),
            (b"LBOUND", "LBOUND", (-_HIGHEST[0], _HIGHEST[1])), (b"UBOUND", "UBOUND", _HIGHEST),
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
            if b"SATURATE" not in options:
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
    ctx: Context, key: bytes, text: bytes, options: dict[bytes, bytes], deadline: int | None
) -> None:
    """Keep the new value, and the old deadline unless there is another."""
    if b"ENX" in options and key in ctx.db.expires:
        deadline = None
    if deadline is not None and deadline <= ctx.now:
        ctx.delete(key)
        return
    ctx.db.replace(key, text)
    ctx.modified(key, "incrbyfloat" if b"BYFLOAT" in options else "incrby")
    if deadline is not None:
        ctx.db.expire_at(key, deadline)
        ctx.modified(key, "expire")
    elif b"PERSIST" in options and ctx.db.persist(key):
        ctx.modified(key, "persist")
