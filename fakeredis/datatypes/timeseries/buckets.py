"""Buckets of time, and what a query makes of the samples in them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from math import isnan, nan
from typing import Any, Final, NamedTuple

from fakeredis.datatypes.timeseries.aggregation import (
    EMPTY_VALUES,
    TWA,
    Sample,
    aggregate_of,
    twa,
)
from fakeredis.datatypes.timeseries.merging import joined

__all__ = ["Aggregation", "bucket_start", "buckets"]

_HALF: Final = 1 << 63
_MASK: Final = (1 << 64) - 1


def _wrapped(number: int) -> int:
    return (number + _HALF & _MASK) - _HALF


def _remainder(number: int, divisor: int) -> int:
    """As C has it: with the sign of the number."""
    found = abs(number) % divisor
    return found if number >= 0 else -found


def bucket_start(time: int, duration: int, align: int) -> int:
    """Where the bucket of a time begins; that may be below 0.

    With giant buckets the server's numbers overflow, and ours do so too.
    """
    if duration < 1 << 62 and time < _HALF:
        return time - (time - align) % duration
    rest = _wrapped(_remainder(_wrapped(time - align), duration) + duration)
    return time - _remainder(rest, duration)


class Aggregation(NamedTuple):
    """What a query asks for.

    Args:
        kind: of `fakeredis.datatypes.timeseries.aggregation.KINDS`.
        duration: of a bucket, in milliseconds.
        align: a time at which one begins.
        empty: whether buckets without samples are told, too.
        stamp: which time stands for a bucket: ``start``, ``mid`` or ``end``.
        more: other kinds that are told as well.
        skips_nan: whether samples that are no numbers are left out.
    """

    kind: str
    duration: int
    align: int = 0
    empty: bool = False
    stamp: str = "start"
    more: tuple[str, ...] = ()
    skips_nan: bool = False

    @property
    def kinds(self) -> tuple[str, ...]:
        """All that is told of a bucket."""
        return (self.kind, *self.more)

    def shown(self, start: int) -> int:
        """The time that stands for a bucket."""
        start = max(start, 0)
        if self.stamp == "end":
            return start + self.duration
        return start + self.duration // 2 if self.stamp == "mid" else start


class Window(NamedTuple):
    """What a query looks at, and the samples next to that."""

    start: int
    end: int
    before: Sample | None = None
    after: Sample | None = None


def buckets(
    times: Sequence[int], values: Sequence[float], wanted: Aggregation, window: Window,
    reverse: bool = False,
) -> Iterator[tuple[Any, ...]]:
    """The buckets that have samples, or all between, in order: their times and values.

    Args:
        window: for ``twa`` alone.
    """
    if wanted.skips_nan:
        wanted = wanted._replace(skips_nan=any(map(isnan, values)))
    if wanted.more:
        columns = [
            _buckets(times, values, wanted._replace(kind=kind, more=()), window, reverse)
            for kind in wanted.kinds
        ]
        for time, row in joined(columns, [1] * len(columns), reverse):
            yield time, *row
    else:
        yield from _buckets(times, values, wanted, window, reverse)


def _buckets(
    times: Sequence[int], values: Sequence[float], wanted: Aggregation, window: Window,
    reverse: bool,
) -> Iterator[Sample]:
    """The buckets of one kind."""
    if wanted.kind == TWA:
        if wanted.skips_nan:
            places = [at for at, value in enumerate(values) if value == value]
            times, values = [times[at] for at in places], [values[at] for at in places]
        yield from _weighted(times, values, wanted, window, reverse)
    elif reverse:
        yield from _reversed(times, values, wanted)
    else:
        yield from _forward(times, values, wanted)


def _forward(
    times: Sequence[int], values: Sequence[float], wanted: Aggregation
) -> Iterator[Sample]:
    kind, duration, align, empty, *_ = wanted
    make, shown = aggregate_of(kind, wanted.skips_nan), wanted.shown
    at, count, due = 0, len(times), None
    while at < count:
        start = bucket_start(times[at], duration, align)
        if empty and due is not None:
            filler = values[at - 1] if kind == "last" else EMPTY_VALUES.get(kind, nan)
            while due < start:
                yield shown(due), filler
                due += duration
        due = start + duration
        behind = bisect_left(times, due, at)
        yield shown(start), make(values[at:behind])
        at = behind


def _reversed(
    times: Sequence[int], values: Sequence[float], wanted: Aggregation
) -> Iterator[Sample]:
    kind, duration, align, empty, *_ = wanted
    make, shown = aggregate_of(kind, wanted.skips_nan), wanted.shown
    behind, due = len(times), None
    while behind:
        start = bucket_start(times[behind - 1], duration, align)
        if empty and due is not None:
            filler = values[behind] if kind == "last" else EMPTY_VALUES.get(kind, nan)
            while due > start:
                yield shown(due), filler
                due -= duration
        due = start - duration
        at = bisect_left(times, max(start, 0), 0, behind)
        yield shown(start), make(values[at:behind][::-1])
        behind = at


def _weighted(
    times: Sequence[int], values: Sequence[float], wanted: Aggregation, window: Window,
    reverse: bool,
) -> Iterator[Sample]:
    _, duration, align, empty, *_ = wanted
    starts = (
        _all_starts(times, wanted, window) if empty else list(_starts(times, duration, align))
    )
    for start in reversed(starts) if reverse else starts:
        at = bisect_left(times, max(start, 0))
        behind = bisect_left(times, start + duration, at)
        before = (times[at - 1], values[at - 1]) if at else window.before
        after = (times[behind], values[behind]) if behind < len(times) else window.after
        low, high = max(start, window.start, 0), min(start + duration, window.end)
        yield wanted.shown(start), twa(
            times[at:behind], values[at:behind], before, after, low, high, reverse
        )


def _starts(times: Sequence[int], duration: int, align: int) -> Iterator[int]:
    at = 0
    while at < len(times):
        start = bucket_start(times[at], duration, align)
        yield start
        at = bisect_left(times, start + duration, at)


def _all_starts(times: Sequence[int], wanted: Aggregation, window: Window) -> range:
    """Where all buckets begin between samples, be these within the window or next to it."""
    if not times and (window.before is None or window.after is None):
        return range(0)
    first = window.start if window.before is not None else times[0]
    last = window.end if window.after is not None else times[-1]
    start = bucket_start(first, wanted.duration, wanted.align)
    end = bucket_start(last, wanted.duration, wanted.align)
    return range(start, end + 1, wanted.duration)
