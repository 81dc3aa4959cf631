"""Time series, as the server's module writes and reads them: chunks as packed as in its memory."""

from __future__ import annotations

import struct
from array import array
from math import inf, nan
from sys import byteorder
from typing import TYPE_CHECKING, Final

from fakeredis.datatypes.timeseries.aggregation import (
    COUNT_ALL,
    COUNT_NAN,
    KINDS,
    TWA,
    Accumulator,
    Line,
)
from fakeredis.datatypes.timeseries.chunk import SAMPLE_BYTES, Chunk
from fakeredis.datatypes.timeseries.gorilla import (
    MASK,
    DamagedError,
    float_bits,
    pack,
    unpack,
)
from fakeredis.datatypes.timeseries.series import POLICIES, Rule, Series
from fakeredis.rdb import types

if TYPE_CHECKING:
    from fakeredis.rdb.reading import Reader
    from fakeredis.rdb.writing import Writer

_ID: Final = 0x4D20C1F9360F1008  # the name, and the version of the module's own format
_END, _UNSIGNED, _DOUBLE, _STRING = 0, 2, 4, 5
_PLAIN, _PACKED = 1, 2  # the kinds of chunks
_GREATEST: Final = 1.7976931348623157e308
_COUNTS: Final = frozenset({"count", COUNT_ALL})  # whose buckets have but that number
_SUMS: Final = frozenset({"sum", COUNT_NAN})
_BEYOND: Final = 1 << 63  # no time is as late
_NOT_OPEN: Final = MASK  # in the place of where a bucket begins
_MOST_CHUNK_BYTES: Final = 1 << 30


# Writing ------------------------------------------------------------------------------------------


class _Out:
    """Puts parts, each behind a code for its kind."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer

    def numbers(self, *numbers: int) -> None:
        for number in numbers:
            self.writer.length(_UNSIGNED)
            self.writer.length(number & MASK)

    def doubles(self, *numbers: float) -> None:
        for number in numbers:
            self.writer.length(_DOUBLE)
            self.writer.out += struct.pack("<d", number)

    def string(self, text: bytes) -> None:
        self.writer.length(_STRING)
        self.writer.string(text)


def write_series(writer: Writer, value: Series) -> int:
    """Put a series with its rules; who is told of the bytes alone has none of these."""
    writer.length(_ID)
    out = _Out(writer)
    out.string(writer.key)  # by which the server knows those that follow from it
    out.numbers(
        value.retention, value.chunk_size, _PACKED if value.packed else _PLAIN, value.last_time
    )
    out.doubles(value.last_value)
    policy = 0 if value.policy is None else POLICIES.index(value.policy) + 1
    out.numbers(value.total, policy, value.source is not None)
    if value.source is not None:
        out.string(value.source)
    out.numbers(value.ignore_time)
    out.doubles(value.ignore_value)
    out.numbers(len(value.labels))
    for label in value.labels:
        for part in label:
            out.string(part)
    out.numbers(len(value.rules))
    for rule in value.rules:
        _write_rule(out, rule)
    out.numbers(len(value.chunks))
    for chunk in value.chunks:
        _write_chunk(out, chunk)
    writer.length(_END)
    return types.MODULE_2


def _write_rule(out: _Out, rule: Rule) -> None:
    out.string(rule.dest)
    start = _NOT_OPEN if rule.start is None else rule.start
    out.numbers(rule.duration, rule.align, KINDS.index(rule.kind) + 1, start)
    bucket, kind = rule.bucket, rule.kind
    if isinstance(bucket, Line):
        _write_line(out, rule, bucket)
        return
    if kind == TWA:  # no bucket has been open yet
        out.doubles(0.0)
        out.numbers(0)
        out.doubles(0.0)
        out.numbers(0, 0, 0, 0, 1, 0, 0)
        return
    if kind in ("min", "max", "range"):
        out.doubles(
            bucket.greatest if kind != "min" and bucket.count else -_GREATEST,
            bucket.least if kind != "max" and bucket.count else _GREATEST,
        )
    elif kind == "avg":
        too_great = bucket.mean is not None
        out.doubles(bucket.mean if bucket.mean is not None else bucket.total, float(bucket.count))
        out.numbers(too_great)
    elif kind == "first":
        out.doubles(bucket.first)
        out.numbers(not bucket.count)
    elif kind == "last":
        out.doubles(bucket.last)
    elif kind in _COUNTS or kind in _SUMS:
        out.doubles(bucket.total if kind in _SUMS else float(bucket.count))
    else:
        out.doubles(bucket.total, bucket.squares)
        out.numbers(bucket.count)


def _write_line(out: _Out, rule: Rule, line: Line) -> None:
    start = rule.start or 0
    last = line.last or (0, 0.0)
    out.doubles(line.area)
    out.numbers(last[0])
    out.doubles(last[1])
    begin = start if line.begin is None else line.begin
    out.numbers(
        start, start + rule.duration, begin, line.time, line.before is None,
        0 if line.begin is None else 2, 0,
    )


def _little(numbers: array[int] | array[float]) -> array[int] | array[float]:
    """Numbers with their lowest byte first."""
    if byteorder == "big":
        numbers = numbers[:]
        numbers.byteswap()
    return numbers


def _write_chunk(out: _Out, chunk: Chunk) -> None:
    times, values = chunk.times, chunk.values
    if not chunk.packed:
        raw = bytearray(SAMPLE_BYTES * len(chunk))
        for at, numbers in ((0, times), (8, values)):
            part = _little(numbers).tobytes()
            for byte in range(8):
                raw[at + byte :: SAMPLE_BYTES] = part[byte::8]
        raw += bytes(max(chunk.size - len(raw), 0))
        out.numbers(times[0] if times else 0, len(chunk), chunk.size)
        out.string(bytes(raw))
        return
    packed = pack(times, values, chunk.size)
    first, last = (times[0], times[-1]) if times else (0, 0)
    out.numbers(
        chunk.size, len(chunk), packed.bits, float_bits(values[0]) if times else 0, first, last,
        packed.delta, float_bits(values[-1]) if times else 0, packed.block >> 8,
        packed.block & 255,
    )
    out.string(packed.data)


# Reading ------------------------------------------------------------------------------------------


class _In:
    """Takes parts."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader

    def number(self) -> int:
        if self.reader.length() != _UNSIGNED:
            raise self.reader.fail("a time series without a number")
        return self.reader.length()

    def numbers(self, count: int) -> list[int]:
        return [self.number() for _ in range(count)]

    def double(self) -> float:
        if self.reader.length() != _DOUBLE:
            raise self.reader.fail("a time series without a value")
        return self.reader.double()

    def string(self) -> bytes:
        if self.reader.length() != _STRING:
            raise self.reader.fail("a time series without a text")
        return self.reader.string()


def read_series(reader: Reader) -> Series:
    """Take a series.

    Raises:
        FormatError: the bytes are none.
    """
    given = _In(reader)
    given.string()
    retention, chunk_size, kind, last_time = given.numbers(4)
    if kind not in (_PLAIN, _PACKED):
        raise reader.fail("a time series of an unknown kind")
    value = Series(retention, chunk_size, kind == _PACKED)
    value.last_time, value.last_value = last_time, given.double()
    value.total, policy, has_source = given.numbers(3)
    if policy > len(POLICIES):
        raise reader.fail("a time series of an unknown policy")
    value.policy = POLICIES[policy - 1] if policy else None
    if has_source:
        value.source = given.string()
    value.ignore_time, value.ignore_value = given.number(), given.double()
    for _ in range(given.number()):
        value.labels.append((given.string(), given.string()))
    for _ in range(given.number()):
        value.rules.append(_read_rule(given))
    value.chunks, value.starts = [], []
    for _ in range(given.number()):
        chunk = _read_chunk(given, value.packed)
        value.chunks.append(chunk)
        value.starts.append(chunk.times[0] if chunk.times else 0)
    if reader.length() != _END:
        raise reader.fail("a time series that does not end")
    _check(reader, value)
    return value


def _check(reader: Reader, value: Series) -> None:
    """Refuse times that are none, samples that are missing, and a series without a chunk.

    Samples need not be in order: where a rule writes beyond the last one of its destination, the
    server puts what is added next behind it.
    """
    if value.last_time >= _BEYOND or any(
        time >= _BEYOND for chunk in value.chunks for time in chunk.times
    ):
        raise reader.fail("a time series with a time that is too late")
    if not value.chunks or sum(map(len, value.chunks)) != value.total:
        raise reader.fail("a time series with another number of samples")


def _read_rule(given: _In) -> Rule:
    dest = given.string()
    duration, align, kind, start = given.numbers(4)
    if not 0 < kind <= len(KINDS) or not duration:
        raise given.reader.fail("a rule of an unknown kind")
    rule = Rule(dest, KINDS[kind - 1], duration, align)
    if start != _NOT_OPEN:
        rule.open(start)
    if isinstance(rule.bucket, Line):
        _read_line(given, rule.bucket)
    elif rule.kind == TWA:
        _read_line(given, Line(0))
    else:
        _read_bucket(given, rule.kind, rule.bucket)
    return rule


def _read_bucket(given: _In, kind: str, bucket: Accumulator) -> None:
    if kind in ("min", "max", "range"):
        bucket.greatest, bucket.least = given.double(), given.double()
        bucket.count = int(
            bucket.greatest != -_GREATEST if kind == "max" else bucket.least != _GREATEST
        )
        if not bucket.count:
            bucket.greatest, bucket.least = -inf, inf
    elif kind == "avg":
        bucket.total = given.double()
        bucket.count = _whole(given.double())
        if given.number():
            bucket.mean = bucket.total
    elif kind == "first":
        bucket.first = given.double()
        bucket.count = int(not given.number())
    elif kind == "last":
        bucket.last, bucket.count = given.double(), 1
    elif kind in _COUNTS or kind in _SUMS:
        number = given.double()
        bucket.total = number if kind in _SUMS else 0.0
        bucket.count = 1 if kind in _SUMS else _whole(number)
    else:
        bucket.total, bucket.squares, bucket.count = given.double(), given.double(), given.number()


def _whole(number: float) -> int:
    return int(number) if 0 <= number < 1 << 63 else 0


def _read_line(given: _In, line: Line) -> None:
    line.area = given.double()
    last_time, last_value = given.number(), given.double()
    _, _, begin, _, is_first, iteration, _ = given.numbers(7)
    if iteration:
        line.begin, line.time, line.value = begin, last_time, last_value
    elif not is_first:
        line.before = (last_time, last_value)
    else:
        line.value = nan


def _read_chunk(given: _In, packed: bool) -> Chunk:
    if not packed:
        return _read_plain(given)
    size, count, bits, first_value, first_time, *_ = given.numbers(10)
    data = given.string()
    if size != len(data) or size > _MOST_CHUNK_BYTES:
        raise given.reader.fail("a chunk of another size")
    try:
        times, values = unpack(first_time, first_value, count, data, bits)
    except DamagedError as error:
        raise given.reader.fail(f"a chunk that is none: {error}") from None
    chunk = Chunk(size, packed=True)
    chunk.fill(times, values)
    return chunk


def _read_plain(given: _In) -> Chunk:
    _, count, size = given.numbers(3)
    data = given.string()
    if count * SAMPLE_BYTES > size or size != len(data):
        raise given.reader.fail("a chunk of another size")
    chunk = Chunk(size, packed=False)
    parts = struct.unpack("<" + "Qd" * count, data[: count * SAMPLE_BYTES])
    chunk.fill(array("Q", parts[::2]), array("d", parts[1::2]))
    return chunk
