"""t-digests: quantiles of many numbers, of which only the means of groups are kept.

It is the *merging* digest: numbers wait behind the groups until there is no room for more; then all
are sorted, and neighbours become one as long as it is small enough for its place: the nearer to the
ends, the smaller.  The floats are those of the server to the last digit, so every step is as there.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from math import ceil, copysign, floor, inf, isinf, log, nan, pi
from typing import Any, Final

from fakeredis.datatypes.numbers import INT_MAX

__all__ = ["MOST_NODES", "TDigest", "nodes_for"]

MOST_NODES: Final = (1 << 32) - 1  # for more, the server says that there is no memory

_LARGEST: Final = 1.7976931348623157e308
_STRUCT, _NODE = 8, 16  # bytes


def nodes_for(compression: float) -> int:
    """How many nodes a digest has room for; see `MOST_NODES`."""
    return 6 * int(compression) + 10


def _signed(number: int) -> int:
    """What 32 bits with a sign hold of a number: where that is below 0, there is no room at all."""
    return (number + (1 << 31)) % (1 << 32) - (1 << 31)


class TDigest:
    """A digest.

    Attributes:
        compression: the higher, the more groups and the finer.
        capacity: how many nodes there is room for.
        low: the lowest number.
        high: the highest number.
        means: of all nodes: first the groups, in order, then what waits.
        weights: how many numbers each node stands for.
        merged: how many of the nodes are groups.
        merged_weight: how many numbers are in groups.
        unmerged_weight: how many wait.
        compressions: how often that was done.
    """

    __slots__ = (
        "_below", "capacity", "compression", "compressions", "high", "low", "means", "merged",
        "merged_weight", "unmerged_weight", "weights",
    )
    type_name = b"TDIS-TYPE"
    cannot_be_copied = True

    def __init__(self, compression: float) -> None:
        self.compression = float(compression)
        self.capacity = _signed(nodes_for(compression))
        self.means: list[float] = []
        self.weights: list[int] = []
        self.reset()

    def reset(self) -> None:
        """Forget all numbers."""
        self.low, self.high = _LARGEST, -_LARGEST
        self.means, self.weights = [], []
        self.merged = self.merged_weight = self.unmerged_weight = self.compressions = 0
        # How many numbers are below the middle of each group, once that was asked for.
        self._below: list[float] = []

    def __len__(self) -> int:
        return len(self.means)

    def encoding(self, limits: Any) -> bytes:
        """What OBJECT ENCODING says."""
        return b"raw"

    def copy(self) -> TDigest:
        """An independent copy."""
        copy = TDigest.__new__(TDigest)
        for name in TDigest.__slots__:
            setattr(copy, name, getattr(self, name))
        copy.means, copy.weights = self.means[:], self.weights[:]
        return copy

    def memory_usage(self) -> int:
        """As many bytes as the server says that it takes."""
        return _STRUCT + self.capacity * _NODE

    def settle_for_dump(self) -> bool:
        """Do what DUMP does to it; whether anything has changed."""
        before = self.compressions
        self.compress()
        return self.compressions != before

    def size(self) -> int:
        """How many numbers there are."""
        return self.merged_weight + self.unmerged_weight

    # Taking numbers -------------------------------------------------------------------------------

    def add(self, number: float, weight: int = 1) -> bool:
        """Take a number; whether there was room."""
        if len(self.means) >= self.capacity - 1 and not self.compress():
            return False
        if len(self.means) >= self.capacity or self.size() + weight > INT_MAX:
            return False
        if number < self.low:
            self.low = number
        if number > self.high:
            self.high = number
        self.means.append(number)
        self.weights.append(weight)
        self.unmerged_weight += weight
        return True

    def merge(self, other: TDigest) -> bool:
        """Take the groups of another digest; whether there was room."""
        if not (self.compress() and other.compress()):
            return False
        pairs = list(zip(other.means, other.weights, strict=True))
        return all(self.add(mean, weight) for mean, weight in pairs)

    def compress(self) -> bool:
        """Make groups of what waits; False where its numbers are beyond all bounds."""
        means, weights = self.means, self.weights
        if len(means) == self.merged:
            return True
        _sort(means, weights)
        total = float(self.merged_weight) + float(self.unmerged_weight)
        if total <= 1:
            return True
        normalizer = self.compression / (2 * pi * total * log(total))
        if isinf(normalizer):
            return False
        self.means, self.weights = _grouped(means, weights, total, normalizer)
        self.merged = len(self.means)
        self.merged_weight = int(total)
        self._below = []
        self.unmerged_weight = 0
        self.compressions += 1
        return True

    # Asking ---------------------------------------------------------------------------------------

    def cdf(self, number: float) -> float:
        """Which part of all numbers is at most this one; half of those that equal it count."""
        self.compress()
        if not self.merged:
            return nan
        if number < self.low:
            return 0.0
        if number > self.high:
            return 1.0
        means, total = self.means, float(self.merged_weight)
        if self.merged == 1:
            width = self.high - self.low
            return 0.5 if number - self.low <= width else (number - self.low) / width
        if number < means[0]:
            return self._cdf_at_left(number, total)
        if number > means[-1]:
            return self._cdf_at_right(number, total)
        return self._cdf_within(number, total)

    def _cdf_at_left(self, number: float, total: float) -> float:
        width = self.means[0] - self.low
        if width <= 0:
            return 0.0
        if number == self.low:
            return 0.5 / total
        return (1 + (number - self.low) / width * (self.weights[0] / 2 - 1)) / total

    def _cdf_at_right(self, number: float, total: float) -> float:
        width = self.high - self.means[-1]
        if width <= 0:
            return 1.0
        if number == self.high:
            return 1 - 0.5 / total
        return 1 - (1 + (self.high - number) / width * (self.weights[-1] / 2 - 1)) / total

    def _cdf_within(self, number: float, total: float) -> float:
        means, weights, so_far = self.means, self.weights, 0.0
        for at in range(len(means) - 1):
            mean, following = means[at], means[at + 1]
            if mean == number:
                equal = 0.0
                while at < len(means) and means[at] == number:
                    equal += weights[at]
                    at += 1
                return (so_far + equal / 2) / total
            if mean <= number < following:
                return _between(
                    number, mean, following, float(weights[at]), float(weights[at + 1]), so_far
                ) / total
            so_far += weights[at]
        return 1 - 0.5 / total

    def quantile(self, part: float) -> float:
        """The number that a part of all numbers is below."""
        self.compress()
        if not self.merged:
            return nan
        if self.merged == 1:
            return self.means[0]
        index = part * self.merged_weight
        return self.low if index < 1 else self._walk([index])[0]

    def quantiles(self, parts: Sequence[float]) -> list[float]:
        """The same for several; runs that rise are looked for in one walk, as the server does."""
        self.compress()
        if self.merged < 2:
            return [self.means[0] if self.merged else nan for _ in parts]
        found: list[float] = []
        start = 0
        for at in range(1, len(parts) + 1):
            if at == len(parts) or parts[at] < parts[at - 1]:
                found += self._walk([part * self.merged_weight for part in parts[start:at]])
                start = at
        return found

    def _walk(self, indexes: Iterable[float]) -> list[float]:
        """The numbers at rising places, if all numbers stood in order; there are two groups."""
        means, weights = self.means, self.weights
        first, last, total = weights[0] / 2, weights[-1] / 2, self.merged_weight
        if not self._below:
            steps = ((one + other) / 2 for one, other in pairwise(map(float, weights)))
            self._below = list(accumulate(steps, initial=first))
        at, found = 0, []
        for index in indexes:
            if weights[0] > 1 and index < first:
                found.append(self.low + _divided(index - 1, first - 1) * (means[0] - self.low))
                continue
            if index > total - 1:
                found.append(self.high)
                continue
            if weights[-1] > 1 and total - index <= last:
                part = _divided(total - index - 1, last - 1)
                found.append(self.high - part * (self.high - means[-1]))
                continue
            at = bisect_right(self._below, index, at + 1) - 1
            if at < len(means) - 1:
                step = (float(weights[at]) + float(weights[at + 1])) / 2
                found.append(self._interpolated(at, index, self._below[at], step))
            else:
                behind = index - total - last
                found.append(_average(means[-1], behind, self.high, last - behind))
        return found

    def _interpolated(self, at: int, index: float, so_far: float, step: float) -> float:
        """The number at a place between two groups; one that stands alone is not spread."""
        left = right = 0.0
        if self.weights[at] == 1:
            if index - so_far < 0.5:
                return self.means[at]
            left = 0.5
        if self.weights[at + 1] == 1:
            if so_far + step - index <= 0.5:
                return self.means[at + 1]
            right = 0.5
        before, after = index - so_far - left, so_far + step - index - right
        return _average(self.means[at], after, self.means[at + 1], before)

    def trimmed_mean(self, low: float, high: float) -> float:
        """The mean of the numbers between two quantiles."""
        self.compress()
        if not self.merged:
            return nan
        if self.merged == 1:
            return self.means[0]
        total = float(self.merged_weight)
        first, last = float(floor(total * low)), float(ceil(total * high))
        done = taken = count = 0.0
        for mean, whole in zip(self.means, self.weights, strict=True):
            weight = float(whole)
            weight -= min(max(0.0, first - done), weight)
            weight = min(max(0.0, last - done), weight)
            done += whole
            taken += mean * weight
            count += weight
            if done >= last:
                break
        return taken / count if count else nan


def _divided(number: float, by: float) -> float:
    """A quotient, with C's results for a division by 0."""
    if by:
        return number / by
    return copysign(inf, number) * copysign(1.0, by) if number else nan


def _between(
    number: float, mean: float, following: float, weight: float, next_weight: float, so_far: float
) -> float:
    """How many numbers are below one between two groups; who stands alone is not spread."""
    both = (weight + next_weight) / 2
    if following - mean <= 0:
        return so_far + both
    left = right = 0.0
    if weight == 1:
        if next_weight == 1:
            return so_far + 1
        left = 0.5
    elif next_weight == 1:
        right = 0.5
    spread = both - left - right
    return so_far + weight / 2 + left + spread * (number - mean) / (following - mean)


def _average(one: float, one_weight: float, other: float, other_weight: float) -> float:
    """The mean of two numbers with weights, between them whatever rounding does."""
    if one > other:
        one, one_weight, other, other_weight = other, other_weight, one, one_weight
    mean = _divided(one * one_weight + other * other_weight, one_weight + other_weight)
    if not mean < other:  # also of what is no number
        mean = other
    return one if one > mean else mean


def _grouped(
    means: list[float], weights: list[int], total: float, normalizer: float
) -> tuple[list[float], list[int]]:
    """Groups of nodes in order: neighbours become one as long as it is small enough."""
    new_means, new_weights = [], []
    mean, weight, so_far, before = means[0], weights[0], 0.0, 0.0
    for at in range(1, len(means)):
        more = weights[at]
        proposed = float(weight) + float(more)
        bound = proposed * normalizer
        after = (so_far + proposed) / total
        if bound <= before * (1 - before) and bound <= after * (1 - after):
            weight += more
            mean += (means[at] - mean) * more / weight if weight else nan
        else:
            new_means.append(mean)
            new_weights.append(weight)
            so_far += weight
            before = so_far / total
            mean, weight = means[at], more
    new_means.append(mean)
    new_weights.append(weight)
    return new_means, new_weights


# Sorting ------------------------------------------------------------------------------------------


def _sort(means: list[float], weights: list[int]) -> None:
    """Sort nodes by their means; equal ones stand as the server's quicksort leaves them."""
    nodes = sorted(zip(means, weights, strict=True))
    ordered = [mean for mean, _ in nodes]
    if len(set(ordered)) < len(ordered) and any(map(_order_matters, nodes, nodes[1:])):
        _quicksort(means, weights, ordered[0])
        return
    means[:] = ordered
    weights[:] = [weight for _, weight in nodes]


Node = tuple[float, int]


def _order_matters(one: Node, other: Node) -> bool:
    """Whether it makes a difference how two neighbours stand."""
    mean = one[0]
    return mean == other[0] and (
        one[1] != other[1] or (not mean and copysign(1.0, mean) != copysign(1.0, other[0]))
    )


def _quicksort(means: list[float], weights: list[int], least: float) -> None:
    """Quicksort round the element in the middle: the order of equal ones is that of the server.

    Where nothing can be lower than that element, it and both ends change places, as they do when
    all are compared with it: so equal numbers do not take the square of their number.
    """
    todo = [(0, len(means) - 1, least)]
    while todo:
        start, end, least = todo.pop()
        while end - start > 1:
            middle = (start + end) // 2
            pivot, weight = means[middle], weights[middle]
            means[middle], weights[middle] = means[end], weights[end]
            if pivot == least:
                means[end], weights[end] = means[start], weights[start]
                means[start], weights[start] = pivot, weight
                start += 1
                continue
            at = start
            for lower in [place for place in range(start, end) if means[place] < pivot]:
                if lower != at:
                    means[at], means[lower] = means[lower], means[at]
                    weights[at], weights[lower] = weights[lower], weights[at]
                at += 1
            means[end], weights[end] = means[at], weights[at]
            means[at], weights[at] = pivot, weight
            if at - start > 1:
                todo.append((start, at - 1, least))
            start, least = at + 1, pivot
        if end - start == 1 and means[start] > means[end]:
            means[start], means[end] = means[end], means[start]
            weights[start], weights[end] = weights[end], weights[start]
