"""What the commands of probabilistic types have in common: counting words, keys, numbers.

They announce their changes without an event, as the module does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeVar

from fakeredis.datatypes.numbers import parse_float, parse_int
from fakeredis.engine.core.context import Context
from fakeredis.errors import CommandError

T = TypeVar("T")

NOT_FOUND: Final = "ERR not found"
EXISTS: Final = "ERR item exists"
NO_MEMORY: Final = "ERR Insufficient memory to create filter"
_UNLIMITED: Final = 1 << 31


def check_count(ctx: Context, words: Sequence[bytes], low: int, high: int = _UNLIMITED) -> None:
    """Refuse other numbers of words than a command takes.

    Raises:
        CommandError: wrong number of arguments.
    """
    if not low <= len(words) <= high:
        raise wrong_count(ctx)


def wrong_count(ctx: Context) -> CommandError:
    """The error for too few words, or too many."""
    return ctx.wrong_arity()


def integer(raw: bytes, error: str, low: int = -(1 << 63), high: int = (1 << 63) - 1) -> int:
    """A number.

    Raises:
        CommandError: it is none, or beyond the bounds.
    """
    number = parse_int(raw)
    if number is None or not low <= number <= high:
        raise CommandError(error)
    return number


def double(raw: bytes, error: str) -> float:
    """A number with a fraction.

    Raises:
        CommandError: it is none.
    """
    number = parse_float(raw)
    if number is None or number != number:
        raise CommandError(error)
    return number


def readable(ctx: Context, key: bytes, kind: type[T], missing: str = NOT_FOUND) -> T:
    """The value at a key for reading.

    Raises:
        CommandError: there is none, or it is of another type.
    """
    value: T | None = ctx.lookup_read(key, kind)
    if value is None:
        raise CommandError(missing)
    return value


def lenient(ctx: Context, key: bytes, kind: type[T]) -> T | None:
    """The value at a key for reading; None where there is none, or one of another type."""
    try:
        value: T | None = ctx.lookup_read(key, kind)
        return value
    except CommandError:
        return None


def writable(ctx: Context, key: bytes, kind: type[T]) -> T | None:
    """The value at a key, to be changed; WATCH and tracking hear of that, whatever comes of it.

    Raises:
        CommandError: it is of another type.
    """
    try:
        value: T | None = ctx.lookup_write(key, kind)
        return value
    finally:
        if ctx.db.observed:
            ctx.signal_modified(key)


def absent(ctx: Context, key: bytes, kind: type[Any]) -> None:
    """See that there is nothing at a key, to which something is to come.

    Raises:
        CommandError: there is something.
    """
    if writable(ctx, key, kind) is not None:
        raise CommandError(EXISTS)
