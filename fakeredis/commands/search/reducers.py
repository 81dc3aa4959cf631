"""What REDUCE makes of the rows of a group."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

from fakeredis.commands.search.words import MOST, NOT_CONVERTED, Words, number, shown, unsigned
from fakeredis.datatypes.search.values import compare, number_of
from fakeredis.errors import CommandError

__all__ = ["Reduce", "Row", "reducer"]

Row = dict[bytes, Any]
Reduce = Callable[[list[Row]], Any]


def reducer(name: str, arguments: list[bytes]) -> tuple[Reduce, list[bytes]]:
    """A function of the rows of a group, and the names of what it looks at.

    Raises:
        CommandError: there is none of the name, or it takes other arguments.
    """
    maker = _MAKERS.get(name)
    if maker is None:
        raise CommandError(f"No such reducer: {name}")
    if name != "COUNT" and not arguments:
        raise CommandError(f"Missing arguments for {name}")
    return maker(arguments)


def property_name(raw: bytes) -> bytes:
    """The name that a word means, with or without the sign before it."""
    return raw.removeprefix(b"@")


def _values(rows: list[Row], name: bytes) -> list[Any]:
    return [row[name] for row in rows if row.get(name) is not None]


def _numbers(rows: list[Row], name: bytes) -> list[float]:
    found: list[float] = []
    for value in _values(rows, name):
        for each in value if type(value) is list else (value,):
            number = number_of(each)
            if number is not None:
                found.append(number)
    return found


def _distinct(values: list[Any]) -> list[Any]:
    flat: dict[Any, None] = {}
    for value in values:
        for each in value if type(value) is list else (value,):
            flat[each] = None
    return list(flat)


def _count(arguments: list[bytes]) -> tuple[Reduce, list[bytes]]:
    if arguments:
        raise CommandError("Count accepts 0 values only")
    return lambda rows: float(len(rows)), []


def _of_numbers(calculate: Callable[[list[float], int], float]) -> Callable[..., Any]:
    def make(arguments: list[bytes]) -> tuple[Reduce, list[bytes]]:
        name = property_name(arguments[0])
        return lambda rows: calculate(_numbers(rows, name), len(rows)), [name]

    return make


def _deviation(numbers: list[float], count: int) -> float:
    if len(numbers) < 2:
        return 0.0
    mean = math.fsum(numbers) / len(numbers)
    return math.sqrt(math.fsum((each - mean) ** 2 for each in numbers) / (len(numbers) - 1))


def _of_values(calculate: Callable[[list[Any]], Any]) -> Callable[..., Any]:
    def make(arguments: list[bytes]) -> tuple[Reduce, list[bytes]]:
        name = property_name(arguments[0])
        return lambda rows: calculate(_values(rows, name)), [name]

    return make


def _quantile(arguments: list[bytes]) -> tuple[Reduce, list[bytes]]:
    if len(arguments) < 2:
        raise CommandError("Bad arguments for QUANTILE: Expected an argument, but none provided")
    share = number(arguments[1])
    if share is None:
        raise CommandError(f"Bad arguments for QUANTILE: {NOT_CONVERTED}")
    if not 0 <= share <= 1:
        raise CommandError("Percentage must be between 0.0 and 1.0")
    name = property_name(arguments[0])

    def reduce(rows: list[Row]) -> Any:
        numbers = sorted(_numbers(rows, name))
        if not numbers:
            return 0.0
        return numbers[max(0, min(len(numbers) - 1, math.ceil(share * len(numbers)) - 1))]

    return reduce, [name]


def _first_value(arguments: list[bytes]) -> tuple[Reduce, list[bytes]]:
    words = Words(arguments)
    name = property_name(words.take())
    if not words:
        return lambda rows: rows[0].get(name) if rows else None, [name]
    if not words.skip(b"BY"):
        raise CommandError(
            f"Unknown argument `{shown(words.take())}` at position 1 for FIRST_VALUE"
        )
    if not words:
        raise CommandError("Missing arguments for FIRST_VALUE")
    by = property_name(words.take())
    descending = words.skip(b"DESC")
    if not descending:
        words.skip(b"ASC")

    def is_better(value: Any, best: Any) -> bool:
        """Whether a row takes the place of the best one so far.

        In rising order, one without anything to compare by does so, and so does any behind it.
        """
        if value is None or best is None:
            return not descending and (value is None) is not (best is None)
        order = compare(value, best)
        return order > 0 if descending else order < 0

    def reduce(rows: list[Row]) -> Any:
        best: Row | None = None
        for row in rows:
            if row.get(name) is None:
                continue
            if best is None or is_better(row.get(by), best.get(by)):
                best = row
        return None if best is None else best[name]

    return reduce, [name, by]


def _sample(arguments: list[bytes]) -> tuple[Reduce, list[bytes]]:
    if len(arguments) < 2:
        raise CommandError(
            "Bad arguments for RANDOM_SAMPLE: Expected an argument, but none provided"
        )
    try:
        size = unsigned(arguments[1], 0, MOST)
    except ValueError as error:
        raise CommandError(f"Bad arguments for <sample size>: {error}") from None
    if size > 1000:
        raise CommandError("Sample size too large")
    name = property_name(arguments[0])
    return lambda rows: _values(rows, name)[:size], [name]


_MAKERS: Final[dict[str, Callable[[list[bytes]], tuple[Reduce, list[bytes]]]]] = {
    "COUNT": _count,
    "SUM": _of_numbers(lambda numbers, count: math.fsum(numbers)),
    "AVG": _of_numbers(
        lambda numbers, count: math.fsum(numbers) / count if count else math.nan
    ),
    "MIN": _of_numbers(lambda numbers, count: min(numbers, default=0.0)),
    "MAX": _of_numbers(lambda numbers, count: max(numbers, default=0.0)),
    "STDDEV": _of_numbers(_deviation),
    "COUNT_DISTINCT": _of_values(lambda values: float(len(_distinct(values)))),
    "COUNT_DISTINCTISH": _of_values(lambda values: float(len(_distinct(values)))),
    "TOLIST": _of_values(lambda values: _distinct(values)[::-1]),
    "QUANTILE": _quantile, "FIRST_VALUE": _first_value, "RANDOM_SAMPLE": _sample,
}
