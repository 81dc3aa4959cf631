"""Strings, numbers, booleans, and the names of objects' fields."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any, Final

from fakeredis.commands.json.common import (
    LEGACY_ROOT,
    change_each,
    check_count,
    check_text,
    existing,
    failure,
    found_values,
    parsed,
)
from fakeredis.datatypes.json import text
from fakeredis.datatypes.json.document import kind_of
from fakeredis.engine.core.context import Context
from fakeredis.errors import CommandError

_WRONG_TYPE: Final = "WRONGTYPE wrong type of path value - expected {} but found {}"
_NO_NUMBER: Final = "ERR result is not a number"
_NUMBERS: Final = (int, float)
_GREATEST: Final = (1 << 63) - 1


# Looking ------------------------------------------------------------------------------------------


def strlen(ctx: Context, *words: bytes) -> Any:
    """The lengths in bytes of the strings that a path finds; null for what is none."""
    found = found_values(ctx, words)
    if found is None:
        return None
    path, values = found
    if not path.is_legacy:
        return [len(value.encode()) if type(value) is str else None for value in values]
    if not values:
        raise failure(f"ERR Path '{path.text}' does not exist")
    return len(_of_type(values[0], "string").encode())


def _of_type(value: Any, wanted: str) -> Any:
    found = kind_of(value)
    if found != wanted:
        raise CommandError(_WRONG_TYPE.format(wanted, found))
    return value


def objlen(ctx: Context, *words: bytes) -> Any:
    """How many fields the objects have that a path finds; null for what is none."""
    found = found_values(ctx, words, "ERR Path '{}' does not exist or not an object", lenient=True)
    if found is None:
        return None
    path, values = found
    if not path.is_legacy:
        return [len(value) if type(value) is dict else None for value in values]
    return len(_of_type(values[0], "object")) if values else None


def objkeys(ctx: Context, *words: bytes) -> Any:
    """The names of the fields of the objects that a path finds; null for what is none."""
    found = found_values(ctx, words, lenient=True)
    if found is None:
        return None
    path, values = found
    if not path.is_legacy:
        return [_names(value) if type(value) is dict else None for value in values]
    if not values:
        return None
    if type(values[0]) is not dict:
        raise failure(f"ERR Path '{path.text}' does not exist or not an object")
    return _names(values[0])


def _names(value: dict[str, Any]) -> list[bytes]:
    return [name.encode() for name in value]


# Strings and booleans -----------------------------------------------------------------------------


def strappend(ctx: Context, *words: bytes) -> Any:
    """Append to the strings that a path finds; their new lengths in bytes."""
    check_count(ctx, words, 2)
    key, raw_path, raw = (words[0], LEGACY_ROOT, words[1]) if len(words) < 3 else words[:3]
    check_text(raw)
    document, path = existing(ctx, key, raw_path)

    def change(container: Any, at: Any) -> Any:
        addition = parsed(raw, whole=True, code="ERR ")  # the server reads it only now
        if type(addition) is not str:
            shown = text.dumps(addition).decode()
            raise failure(_WRONG_TYPE.format("string", shown))
        container[at] += addition
        return len(container[at].encode())

    return change_each(ctx, key, document, path, (str,), change, "not a string")


def toggle(ctx: Context, *words: bytes) -> Any:
    """Turn each boolean that a path finds into the other one; the new ones."""
    check_count(ctx, words, 2)
    key, raw_path = words[:2]
    document, path = existing(ctx, key, raw_path)

    def change(container: Any, at: Any) -> Any:
        container[at] = not container[at]
        if path.is_legacy:
            return b"true" if container[at] else b"false"
        return int(container[at])

    return change_each(ctx, key, document, path, (bool,), change, "not a bool")


# Numbers ------------------------------------------------------------------------------------------

Operation = Callable[[Any, Any], Any]


def numincrby(ctx: Context, *words: bytes) -> Any:
    """Add to the numbers that a path finds; the sums."""
    return _calculate(ctx, words, operator.add, operator.add)


def nummultby(ctx: Context, *words: bytes) -> Any:
    """Multiply the numbers that a path finds; the products."""
    return _calculate(ctx, words, operator.mul, operator.mul)


def numpowby(ctx: Context, *words: bytes) -> Any:
    """Raise the numbers that a path finds to a power; the results."""
    return _calculate(ctx, words, _power_of_integers, _power)


def _power_of_integers(base: int, exponent: int) -> int:
    # the server takes the exponent's lower 32 bits, and goes on beyond the greatest number
    return pow(base, exponent & 0xFFFFFFFF, 1 << 64)


def _power(base: float, exponent: float) -> float:
    try:
        return math.pow(base, exponent)
    except OverflowError:
        return math.inf
    except ValueError:  # 0 to a negative power is infinite, the rest is no number
        return math.nan


def _calculate(
    ctx: Context, words: tuple[bytes, ...], on_integers: Operation, on_floats: Operation
) -> Any:
    check_count(ctx, words, 3)
    key, raw_path, raw = words[:3]
    check_text(raw)
    document, path = existing(ctx, key, raw_path)

    def change(container: Any, at: Any) -> Any:
        value = container[at]
        operand = parsed(raw, whole=True, code="ERR ")  # the server reads it only now
        if type(operand) not in _NUMBERS:
            raise CommandError("bad input number")
        container[at] = _result(value, operand, on_integers, on_floats)
        return container[at]

    if ctx.session.protocol == 3:
        return change_each(ctx, key, document, path, _NUMBERS, change, "")
    return text.dumps(change_each(
        ctx, key, document, path, _NUMBERS, change, "does not contains a number"
    ))


def _result(value: Any, operand: Any, on_integers: Operation, on_floats: Operation) -> Any:
    """The result of two numbers: of integers one of 64 bits, cut off as the server cuts it.

    Raises:
        CommandError: the result of floats is infinite, or no number.
    """
    if type(value) is type(operand) is int and max(value, operand) <= _GREATEST:
        low = on_integers(value, operand) & 0xFFFFFFFFFFFFFFFF
        return low - (1 << 64) if low > _GREATEST else low
    result = on_floats(float(value), float(operand))
    if not math.isfinite(result):
        raise CommandError(_NO_NUMBER)
    return result

