"""A series: its chunks, its settings and labels, and the rules by which others follow from it."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from typing import Any, Final

from fakeredis.datatypes.timeseries.aggregation import (
    COUNT_ALL,
    COUNT_NAN,
    TWA,
    Accumulator,
    Line,
    Sample,
)
from fakeredis.datatypes.timeseries.buckets import bucket_start
from fakeredis.datatypes.timeseries.chunk import Chunk
from fakeredis.datatypes.timeseries.gorilla import MASK

__all__ = ["DEFAULT_CHUNK_SIZE", "POLICIES", "BlockedError", "Rule", "Series"]

DEFAULT_CHUNK_SIZE: Final = 4096
POLICIES: Final = ("block", "last", "first", "min", "max", "sum")  # numbered from 1 on
_SPLIT_AT = 1.2  # times the size that was wanted
_HEADER, _LABEL_BYTES, _RULE_BYTES = 8, 18, 64

Samples = tuple["array[int]", "array[float]"]


class BlockedError(Exception):
    """There is a sample at that time, and the policy is that it stays."""


def _upserted(policy: str, old: float, new: float) -> float:
    """What a sample becomes; of two one of which is no number, the other one counts."""
    if policy in ("min", "max", "sum") and (old != old or new != new):
        return new if old != old else old
    return _MERGED[policy](old, new)


_MERGED: Final[dict[str, Callable[[float, float], float]]] = {
    "last": lambda old, new: new,
    "first": lambda old, new: old,
    "min": lambda old, new: old if old < new else new,
    "max": lambda old, new: old if old > new else new,
    "sum": lambda old, new: new + old,
}


class Rule:
    """That another series has what is made of the buckets of this one.

    Args:
        dest: the other one's key.
        kind: the aggregation.
        duration: of a bucket, in milliseconds.
        align: a time at which one begins.
    """

    __slots__ = ("align", "bucket", "dest", "duration", "kind", "start")

    def __init__(self, dest: bytes, kind: str, duration: int, align: int = 0) -> None:
        self.dest, self.kind, self.duration, self.align = dest, kind, duration, align
        self.start: int | None = None  # of the bucket that is still open
        self.bucket: Accumulator | Line = Accumulator()  # what is in it

    def copy(self) -> Rule:
        """An independent copy."""
        other = Rule(self.dest, self.kind, self.duration, self.align)
        other.start, other.bucket = self.start, self.bucket.copy()
        return other

    def bucket_of(self, time: int) -> int:
        """Where the bucket of a time begins."""
        return bucket_start(time, self.duration, self.align)

    def open(self, start: int, before: Sample | None = None) -> None:
        """Begin a bucket.

        Args:
            before: the last sample before it, for ``twa``.
        """
        self.start = max(start, 0)
        self.bucket = Line(self.start, before) if self.kind == TWA else Accumulator()

    def add(self, time: int, value: float) -> None:
        """Take a sample into the bucket; what is no number is counted at most."""
        if self.kind == COUNT_NAN:
            value = float(value != value)
        elif value != value and self.kind != COUNT_ALL:
            return
        if isinstance(self.bucket, Line):
            self.bucket.add(time, value)
        else:
            self.bucket.add(value)

    @property
    def is_empty(self) -> bool:
        """Whether the bucket has no samples."""
        if isinstance(self.bucket, Line):
            return self.bucket.begin is None
        return not self.bucket.count

    def result(self, after: Sample | None = None) -> float:
        """What the bucket comes to.

        Args:
            after: the first sample behind it, for ``twa``.
        """
        if isinstance(self.bucket, Line):
            assert self.start is not None
            end = self.start + self.duration
            if after is not None:
                end = self.bucket_of(self.bucket.time) + self.duration
            return self.bucket.mean(end, after)
        return self.bucket.result(self.kind)


class Series:
    """Redis's time series.

    Args:
        retention: for how many milliseconds before the latest sample others are kept; 0: all.
        chunk_size: bytes of a new chunk.
        packed: whether samples are packed.
        policy: what becomes of a second sample of the same time; None: the server decides.
    """

    __slots__ = (
        "chunk_size", "chunks", "ignore_time", "ignore_value", "labels", "last_time",
        "last_value", "packed", "policy", "retention", "rules", "source", "starts", "total",
    )
    type_name = b"TSDB-TYPE"

    def __init__(
        self, retention: int = 0, chunk_size: int = DEFAULT_CHUNK_SIZE, packed: bool = True,
        policy: str | None = None,
    ) -> None:
        self.retention, self.chunk_size = retention, chunk_size
        self.packed, self.policy = packed, policy
        self.ignore_time, self.ignore_value = 0, 0.0
        self.labels: list[tuple[bytes, bytes]] = []
        self.last_time, self.last_value = 0, 0.0
        self.total = 0
        self.chunks = [Chunk(chunk_size, packed)]
        self.starts = [0]  # by when each is found: its first sample, or what that was
        self.source: bytes | None = None
        self.rules: list[Rule] = []

    # As a value ---------------------------------------------------------------------------------

    def encoding(self, limits: Any) -> bytes:
        """What OBJECT ENCODING says."""
        return b"raw"

    def copy(self) -> Series:
        """An independent copy."""
        other = self.duplicate()
        other.source = self.source
        other.rules = [rule.copy() for rule in self.rules]
        return other

    def duplicate(self) -> Series:
        """What COPY and DUMP take: without its relations to others."""
        other = Series(self.retention, self.chunk_size, self.packed, self.policy)
        for name in ("ignore_time", "ignore_value", "last_time", "last_value", "total"):
            setattr(other, name, getattr(self, name))
        other.labels = list(self.labels)
        other.chunks = [chunk.copy() for chunk in self.chunks]
        other.starts = list(self.starts)
        return other

    @property
    def length(self) -> int:
        """The number of samples."""
        return self.total

    def memory_usage(self) -> int:
        """The bytes that the server takes for it."""
        size = _HEADER + sum([chunk.memory for chunk in self.chunks])
        size += sum([_LABEL_BYTES + len(name) + len(value) for name, value in self.labels])
        return size + _RULE_BYTES * len(self.rules)

    def renamed(self, data: dict[bytes, Any], key: bytes, new: bytes) -> list[bytes]:
        """Let others know its new name; the keys that have changed by that."""
        changed = []
        source = None if self.source is None else data.get(self.source)
        if type(source) is Series:
            for rule in source.rules:
                if rule.dest == key and self.source is not None:
                    rule.dest = new
                    changed.append(self.source)
        for rule in self.rules:
            dest = data.get(rule.dest)
            if type(dest) is Series and dest.source == key:
                dest.source = new
                changed.append(rule.dest)
        return changed

    def label(self, name: bytes) -> bytes | None:
        """The value of a label; None where it has none."""
        return next((value for one, value in self.labels if one == name), None)

    # Writing ------------------------------------------------------------------------------------

    def is_too_old(self, time: int) -> bool:
        """Whether a sample would be beyond the retention."""
        return bool(self.retention) and self.last_time - time > self.retention

    def append(self, time: int, value: float) -> None:
        """Add a sample later than all others."""
        chunk = self.chunks[-1]
        if not chunk.times:
            self.starts[-1] = time
        if not chunk.append(time, value):
            self.trim()
            chunk = Chunk(self.chunk_size, self.packed)
            chunk.append(time, value)
            self.chunks.append(chunk)
            self.starts.append(time)
        self.last_time, self.last_value = time, value
        self.total += 1

    def trim(self) -> None:
        """Drop the chunks in which all is beyond the retention."""
        oldest = self.oldest
        if not oldest:
            return
        gone = 0
        for chunk in self.chunks:
            if (chunk.times[-1] if chunk.times else 0) >= oldest:
                break
            gone += 1
            self.total -= len(chunk)
        del self.chunks[:gone]
        del self.starts[:gone]

    @property
    def oldest(self) -> int:
        """The time before which nothing is shown."""
        return max(self.last_time - self.retention, 0) if self.retention else 0

    def upsert(self, time: int, value: float, policy: str) -> float:
        """Put a sample among the others; the value that is there now.

        Raises:
            BlockedError: there is one at that time, which stays.
        """
        at = self._chunk_for(time)
        chunk = self.chunks[at]
        if chunk.size > self.chunk_size * _SPLIT_AT:
            other = chunk.split()
            self.chunks.insert(at + 1, other)
            self.starts.insert(at + 1, other.times[0] if other.times else 0)
            if other.times and time >= other.times[0]:
                at, chunk = at + 1, other
        place = chunk.place(time)
        if place < len(chunk) and chunk.times[place] == time:
            if policy == "block":
                raise BlockedError
            value = _upserted(policy, chunk.values[place], value)
            chunk.replace(place, value)
        else:
            chunk.put(place, time, value)
            self.total += 1
        if time == self.last_time:
            self.last_value = value
        self.starts[at] = chunk.times[0]
        return value

    def _chunk_for(self, time: int) -> int:
        """The place of the chunk in which a time is, or would be."""
        return max(bisect_right(self.starts, time) - 1, 0)

    def delete(self, start: int, end: int) -> int:
        """Remove the samples from one time to another; how many there were."""
        deleted = 0
        at = self._chunk_for(start)
        while at < len(self.chunks) and (self.starts[at] <= end or not at):
            chunk = self.chunks[at]
            first, behind = chunk.place(start), bisect_right(chunk.times, end)
            count = behind - first
            deleted += max(count, 0)
            if count == len(chunk) and len(self.chunks) > 1:
                del self.chunks[at], self.starts[at]
                continue
            if count > 0:
                chunk.delete(first, behind)
                self.starts[at] = chunk.times[0] if chunk.times else 0
            at += 1
        self.total -= deleted
        if deleted and start <= self.last_time <= end:
            last = self.chunks[-1]
            self.last_time = last.times[-1] if last.times else 0
            self.last_value = last.values[-1] if last.values else 0.0
        return deleted

    # Reading ------------------------------------------------------------------------------------

    def _spans(self, start: int, end: int) -> Iterator[tuple[Chunk, int, int]]:
        """The chunks that have samples from one time to another, and where these are in them."""
        for at in range(self._chunk_for(start), bisect_right(self.starts, end)):
            chunk = self.chunks[at]
            first, behind = bisect_left(chunk.times, start), bisect_right(chunk.times, end)
            if first < behind:
                yield chunk, first, behind

    def range(self, start: int, end: int, most: int | None = None) -> Samples:
        """The samples from one time to another.

        Args:
            most: no more than so many, the first ones; below 0 the last ones.
        """
        at = self._chunk_for(start)
        if at + 1 >= bisect_right(self.starts, end):
            return self.chunks[at].range(start, end, most)
        times, values = array("Q"), array("d")
        spans = self._spans(start, end)
        if most is not None and most < 0:
            return self._last(list(spans), -most)
        for chunk, first, behind in spans:
            if most is not None:
                behind = min(behind, first + most - len(times))
            times += chunk.times[first:behind]
            values += chunk.values[first:behind]
            if most is not None and len(times) >= most:
                break
        return times, values

    @staticmethod
    def _last(spans: list[tuple[Chunk, int, int]], most: int) -> Samples:
        times, values = array("Q"), array("d")
        for chunk, first, behind in reversed(spans):
            first = max(first, behind - most + len(times))
            times = chunk.times[first:behind] + times
            values = chunk.values[first:behind] + values
            if len(times) >= most:
                break
        return times, values

    def before(self, time: int) -> tuple[int, float] | None:
        """The last sample before a time that is not too old; None where there is none."""
        if time <= self.oldest:
            return None
        times, values = self.range(self.oldest, time - 1, -1)
        return (times[0], values[0]) if times else None

    def after(self, time: int) -> tuple[int, float] | None:
        """The first sample behind a time; None where there is none."""
        times, values = self.range(time + 1, MASK, 1)
        return (times[0], values[0]) if times else None

    def first_shown(self) -> tuple[int, int]:
        """The time of the first sample within the retention, 0 without any; how many are before."""
        oldest, skipped = self.oldest, 0
        for chunk in self.chunks:
            place = chunk.place(oldest)
            skipped += place
            if place < len(chunk):
                return chunk.times[place], skipped
        return 0, skipped
