"""Values of results: strings, numbers, nulls, arrays; how they are compared and shown.

A string is `bytes`, a number `float`, an array a list.
"""

from __future__ import annotations

import math
from functools import cmp_to_key
from typing import Any, Final

from fakeredis.datatypes.numbers import parse_float
from fakeredis.datatypes.search.errors import SearchError
from fakeredis.datatypes.search.vectors import distance_text

__all__ = ["compare", "is_true", "number_of", "number_text", "shown", "sort_key"]

_GREATEST: Final = 9.223372036854775e18


def number_text(number: float) -> bytes:
    """A number as text: whole ones as they are, others with twelve digits."""
    if number == number and abs(number) < _GREATEST and number == int(number):
        return b"%d" % int(number)
    return distance_text(number)


def shown(value: Any) -> Any:
    """A value as a reply has it."""
    kind = type(value)
    if kind is float:
        return number_text(value)
    if kind is list:
        return [shown(each) for each in value]
    return value


def number_of(value: Any) -> float | None:
    """The number that a value is, or that a string says."""
    if type(value) is float:
        return value
    if type(value) is bytes:
        return parse_float(value)
    return None


def is_true(value: Any) -> bool:
    """Whether a value counts as true."""
    if type(value) is float:
        return bool(value)
    return bool(value)


def compare(one: Any, other: Any, lenient: bool = True) -> int:
    """Below 0, 0 or above, as one value is less, the same or greater.

    Args:
        lenient: a number and a string that says none are compared as strings.

    Raises:
        SearchError: they cannot be compared so.
    """
    if one is None or other is None:
        return (one is not None) - (other is not None)
    if type(one) is list and one:
        one = one[0]
    if type(other) is list and other:
        other = other[0]
    if type(one) is bytes and type(other) is bytes:
        return (one > other) - (one < other)
    if type(one) is float and type(other) is float:
        return (one > other) - (one < other)
    first, second = number_of(one), number_of(other)
    if first is None or second is None:
        if not lenient:
            text = one if first is None else other
            name = text.decode("utf-8", "surrogateescape") if type(text) is bytes else ""
            raise SearchError(f"Error converting string '{name}' to number")
        left, right = bytes(shown(one)), bytes(shown(other))
        return (left > right) - (left < right)
    return (first > second) - (first < second)


sort_key: Final = cmp_to_key(compare)


def is_nan(value: Any) -> bool:
    """Whether a value is no number at all."""
    return type(value) is float and math.isnan(value)
