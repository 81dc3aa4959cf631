"""Samples of several series in the order of their times.

Of those of the same time the order is that in which the server's heap gives them: sums of floats
tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import nan
from typing import Any

__all__ = ["joined", "merged"]

Sample = tuple[int, float]


def merged(rows: Sequence[Sequence[Sample]]) -> Iterator[Sample]:
    """All samples of rows, each of which is in order."""
    left = [iter(row) for row in rows]
    heap: list[tuple[Sample, Iterator[Sample]]] = []
    for one in left:
        _offer(heap, one)
    while heap:
        sample, one = _poll(heap)
        yield sample
        _offer(heap, one)


def joined(
    columns: Sequence[Iterator[tuple[Any, ...]]], widths: Sequence[int], reverse: bool
) -> Iterator[tuple[int, list[float]]]:
    """Rows of several series side by side, one for each time that any of them has.

    Args:
        columns: each in order: times, and the values that belong to them.
        widths: how many values each has at a time; those that are missing are NaN.
        reverse: whether times fall.
    """
    heads = [next(column, None) for column in columns]
    choose = max if reverse else min
    while times := [head[0] for head in heads if head is not None]:
        time = choose(times)
        row: list[float] = []
        for at, head in enumerate(heads):
            if head is not None and head[0] == time:
                row += head[1:]
                heads[at] = next(columns[at], None)
            else:
                row += [nan] * widths[at]
        yield time, row


def _offer(heap: list[tuple[Sample, Iterator[Sample]]], one: Iterator[Sample]) -> None:
    """Put the next sample of a series where it belongs: below those of the same time."""
    sample = next(one, None)
    if sample is None:
        return
    at = len(heap)
    heap.append((sample, one))
    while at:
        parent = (at - 1) // 2
        if heap[parent][0][0] <= sample[0]:
            break
        heap[at], heap[parent] = heap[parent], heap[at]
        at = parent


def _poll(heap: list[tuple[Sample, Iterator[Sample]]]) -> tuple[Sample, Iterator[Sample]]:
    """Take the first; the last one takes its place, and sinks below others."""
    first, last = heap[0], heap.pop()
    if not heap:
        return first
    heap[0] = last
    at, count = 0, len(heap)
    while True:
        child = 2 * at + 1
        if child >= count:
            return first
        if child + 1 < count and heap[child][0][0] >= heap[child + 1][0][0]:
            child += 1
        if heap[at][0][0] < heap[child][0][0]:
            return first
        heap[at], heap[child] = heap[child], heap[at]
        at = child
