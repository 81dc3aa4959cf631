"""What is made of the samples of a bucket.

Sums are taken in the order of the samples, as the server does: floats tell.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from itertools import pairwise
from math import inf, isfinite, isnan, nan, sqrt
from operator import add
from typing import Final

__all__ = [
    "COUNT_ALL", "COUNT_NAN", "EMPTY_VALUES", "FIRST_KINDS", "KINDS", "REDUCERS", "TWA",
    "Accumulator", "Line", "Sample", "aggregate_of", "twa", "without_nan",
]

Values = Sequence[float]
Aggregate = Callable[[Values], float]

# In the order of their numbers, which begin with 1.
FIRST_KINDS: Final = (
    "min", "max", "sum", "avg", "count", "first", "last", "range", "std.p", "std.s", "var.p",
    "var.s", "twa",
)
COUNT_NAN, COUNT_ALL = "countnan", "countall"
KINDS: Final = (*FIRST_KINDS, COUNT_NAN, COUNT_ALL)  # since samples may be NaN, in Redis 8.6
TWA: Final = "twa"
REDUCERS: Final = frozenset(KINDS) - {"first", "last", "twa"}
EMPTY_VALUES: Final = dict.fromkeys(("sum", "count", COUNT_NAN, COUNT_ALL), 0.0)  # of others: none


def total(values: Values) -> float:
    """The sum; not ``sum``, which newer Pythons have more exact than the server's."""
    return reduce(add, values, 0.0)


def average(values: Values) -> float:
    """The mean, also where the sum is too great for a double."""
    found = total(values)
    if isfinite(found):
        return found / len(values)
    mean = 0.0
    for count, value in enumerate(values, 1):
        mean = mean / count * (count - 1) + value / count
    return mean


def _spread(values: Values) -> float:
    return max(values) - min(values)


def variance_of(found: float, squares: float, count: int) -> float:
    """The variance of values, by their sum, the sum of their squares, and their number."""
    mean = found / count
    return (squares - 2 * found * found / count + mean * mean * count) / count


def _variance(values: Values) -> float:
    squares = reduce(add, [value * value for value in values], 0.0)
    return variance_of(total(values), squares, len(values))


def _sample_variance(values: Values) -> float:
    count = len(values)
    return 0.0 if count < 2 else _variance(values) * count / (count - 1)


def _root(value: float) -> float:
    return sqrt(value) if value >= 0 else nan


_FUNCTIONS: Final[dict[str, Aggregate]] = {
    "min": min, "max": max, "sum": total, "avg": average,
    "count": lambda values: float(len(values)),
    "first": lambda values: values[0], "last": lambda values: values[-1],
    "range": _spread,
    "std.p": lambda values: _root(_variance(values)),
    "std.s": lambda values: _root(_sample_variance(values)),
    "var.p": _variance, "var.s": _sample_variance,
    COUNT_NAN: lambda values: float(sum(map(isnan, values))),
    COUNT_ALL: lambda values: float(len(values)),
}


def without_nan(values: Values) -> Values:
    """The values that are numbers."""
    return [value for value in values if value == value]


def _of_numbers(kind: str) -> Aggregate:
    make, empty = _FUNCTIONS[kind], EMPTY_VALUES.get(kind, nan)

    def aggregate(values: Values) -> float:
        kept = without_nan(values)
        return make(kept) if kept else empty

    return aggregate


def aggregate_of(kind: str, some_are_nan: bool = False) -> Aggregate:
    """The function of an aggregation, but for ``twa``, which needs the times as well.

    Args:
        kind: the aggregation.
        some_are_nan: whether there are values to be left out because they are no numbers.
    """
    if some_are_nan and kind not in (COUNT_NAN, COUNT_ALL):
        return _of_numbers(kind)
    return _FUNCTIONS[kind]


# Weighted by time ---------------------------------------------------------------------------------

Sample = tuple[int, float]


def between(before: Sample, after: Sample, time: float) -> float:
    """The value at a time between two samples."""
    (first, low), (last, high) = before, after
    return low + (high - low) * (time - first) / (last - first)


class Line:
    """The area below the line through samples of a bucket.

    Args:
        start: where the bucket begins.
        before: the last sample before it, from which the line comes; None: there is none.
    """

    __slots__ = ("area", "before", "begin", "start", "time", "value")

    def __init__(self, start: int, before: Sample | None = None) -> None:
        self.start, self.before = start, before
        self.area = 0.0
        self.begin: int | None = None  # where the line begins
        self.time, self.value = 0, nan

    def copy(self) -> Line:
        """An independent copy."""
        other = Line(self.start, self.before)
        other.area, other.begin = self.area, self.begin
        other.time, other.value = self.time, self.value
        return other

    @property
    def last(self) -> Sample | None:
        """The last sample that it goes through."""
        return self.before if self.begin is None else (self.time, self.value)

    def add(self, time: int, value: float) -> None:
        """Draw the line to a sample."""
        if self.begin is None:
            self.begin = self.time = time
            if self.before is not None:
                self.begin = self.time = self.start
                self.value = between(self.before, (time, value), self.start)
        if time > self.time:
            self._go(time, value)
        self.time, self.value = time, value

    def _go(self, time: int, value: float) -> None:
        self.area += (self.value + value) * (time - self.time) / 2

    def mean(self, end: int = 0, after: Sample | None = None) -> float:
        """The mean height, weighted by how long the line is at it.

        Args:
            end: where the bucket ends.
            after: the first sample behind it, to which the line goes on; None: it does not.
        """
        line = self
        if after is not None and self.last is not None:
            line = self.copy()
            to = between(self.last, after, end)
            if line.begin is None:  # there is no sample within
                assert line.before is not None
                line.begin = line.time = line.start
                line.value = between(line.before, after, line.start)
            line._go(end, to)
            line.time = end
        assert line.begin is not None
        span = line.time - line.begin
        return line.area / span if span else self.value


class Accumulator:
    """What is known of a bucket's values without keeping them."""

    __slots__ = ("count", "first", "greatest", "last", "least", "mean", "squares", "total")

    def __init__(self) -> None:
        self.count = 0
        self.total = self.squares = self.first = self.last = 0.0
        self.least, self.greatest = inf, -inf
        self.mean: float | None = None  # from when on the sum is too great

    def copy(self) -> Accumulator:
        """An independent copy."""
        other = Accumulator()
        for name in self.__slots__:
            setattr(other, name, getattr(self, name))
        return other

    def add(self, value: float) -> None:
        """Take one more value."""
        if not self.count:
            self.first = value
        self.last = value
        self.count += 1
        before = self.total
        self.total += value
        self.squares += value * value
        if value < self.least:
            self.least = value
        if value > self.greatest:
            self.greatest = value
        if self.mean is not None or not isfinite(self.total):
            count = self.count
            old = before / count if self.mean is None else self.mean / count * (count - 1)
            self.mean = old + value / count

    def result(self, kind: str) -> float:
        """What an aggregation makes of the values, of which there must be some."""
        if kind == "avg" and self.mean is not None:
            return self.mean
        return _RESULTS[kind](self)

    def variance(self) -> float:
        """The variance of the values."""
        return variance_of(self.total, self.squares, self.count)

    def sample_variance(self) -> float:
        """The variance of all values of which these are some."""
        return self.variance() * self.count / (self.count - 1) if self.count > 1 else 0.0


_RESULTS: Final[dict[str, Callable[[Accumulator], float]]] = {
    "min": lambda one: one.least, "max": lambda one: one.greatest, "sum": lambda one: one.total,
    "avg": lambda one: one.total / one.count, "count": lambda one: float(one.count),
    COUNT_ALL: lambda one: float(one.count), COUNT_NAN: lambda one: one.total,
    "first": lambda one: one.first, "last": lambda one: one.last,
    "range": lambda one: one.greatest - one.least,
    "std.p": lambda one: _root(one.variance()), "std.s": lambda one: _root(one.sample_variance()),
    "var.p": Accumulator.variance, "var.s": Accumulator.sample_variance,
}


def twa(
    times: Sequence[int], values: Values, before: Sample | None, after: Sample | None,
    start: int, end: int, reverse: bool = False,
) -> float:
    """The mean of a bucket's values, each weighted by how long it lasted.

    Args:
        before: the last sample before the bucket, from which a line goes into it; None: there is
            none.
        after: the first one behind it.
        start: where the bucket begins.
        end: where it ends.
        reverse: whether it is added up from the end: floats tell.
    """
    points: list[Sample] = list(zip(times, values, strict=True))
    first = points[0] if points else after
    last = points[-1] if points else before
    if before is not None and first is not None:
        points.insert(0, (start, between(before, first, start)))
    if after is not None and last is not None:
        points.append((end, between(last, after, end)))
    if not values and len(points) > 1:
        return (points[0][1] + points[1][1]) / 2
    if reverse:
        points.reverse()
    area = 0.0
    for (time, value), (next_time, next_value) in pairwise(points):
        area += (value + next_value) * abs(next_time - time) / 2
    span = abs(points[-1][0] - points[0][0])
    if not span:
        return values[0] if values else points[0][1]
    return area / span
