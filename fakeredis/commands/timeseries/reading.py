"""What a series has: TS.GET, TS.RANGE, TS.REVRANGE and TS.INFO."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import islice
from struct import pack, unpack
from typing import Any, Final

from fakeredis.commands.timeseries.common import (
    existing,
    newest,
    open_bucket,
    pair,
    pairs,
    shown_time,
    tidy,
    wrong_count,
)
from fakeredis.commands.timeseries.options import Query, Words, fail, query, word_at
from fakeredis.datatypes.timeseries.aggregation import TWA
from fakeredis.datatypes.timeseries.buckets import Window, buckets
from fakeredis.datatypes.timeseries.series import Samples, Series
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import Status
from fakeredis.errors import CommandError

_MOST: Final = 1 << 22  # samples of a reply: buckets without any may be told, of which each is one
TOO_MANY: Final = "OOM command not allowed when used memory > 'maxmemory'."


def get(ctx: Context, *words: bytes) -> list[Any]:
    """The last sample of a series."""
    if not 0 < len(words) < 3:
        raise wrong_count(ctx)
    series = existing(ctx, words[0])
    latest = len(words) > 1
    if latest and word_at(words, 1) != b"LATEST":
        raise fail("wrong 3rd argument")
    return pair(ctx, newest(ctx, words[0], series, latest))


# Ranges -------------------------------------------------------------------------------------------


def range_(ctx: Context, *words: bytes) -> list[Any]:
    """The samples of a series from one time to another, or what is made of them."""
    return _range(ctx, words, reverse=False)


def revrange(ctx: Context, *words: bytes) -> list[Any]:
    """The same, the latest first."""
    return _range(ctx, words, reverse=True)


def _range(ctx: Context, words: Words, reverse: bool) -> list[Any]:
    if len(words) < 3:
        raise wrong_count(ctx)
    key = words[0]
    series = existing(ctx, key)
    wanted = query(words[1:], ctx.traits, key)
    if wanted is None:
        raise wrong_count(ctx)
    return pairs(ctx, samples(ctx, key, series, wanted, reverse))


def samples(
    ctx: Context, key: bytes, series: Series, wanted: Query, reverse: bool
) -> list[tuple[Any, ...]]:
    """What a query makes of a series: times, with as many values as there are aggregations.

    Raises:
        CommandError: it would be more than any reply holds.
    """
    if wanted.is_plain and not reverse:
        start = max(wanted.start, series.oldest)
        return list(zip(*series.range(start, wanted.end, wanted.most), strict=True))
    found = rows(ctx, key, series, wanted, reverse)
    if wanted.most is not None:
        found = islice(found, min(wanted.most, _MOST + 1))
    result = list(islice(found, _MOST + 1))
    if len(result) > _MOST and wanted.aggregation is not None:
        raise CommandError(TOO_MANY)
    return result


def rows(
    ctx: Context, key: bytes, series: Series, wanted: Query, reverse: bool
) -> Iterable[tuple[Any, ...]]:
    """The same, one after the other, however many there would be.

    Raises:
        CommandError: too many of them would be empty.
    """
    start = max(wanted.start, series.oldest)
    if start > wanted.end:
        return ()
    most = wanted.most if wanted.is_plain else None
    times, values = series.range(start, wanted.end, -most if most and reverse else most)
    if wanted.latest and wanted.end > series.last_time:
        found = open_bucket(ctx, key, series)
        if found is not None and wanted.start <= found[0] <= wanted.end:
            times.append(found[0])  # which may be earlier than samples that were put here
            values.append(found[1])
        elif (
            reverse and series.source is not None
            and wanted.aggregation is not None and wanted.values is None
        ):
            return ()  # as the server has it
    times, values = _chosen(times, values, wanted)
    if wanted.aggregation is not None:
        _check_number(times, wanted)
        return buckets(times, values, wanted.aggregation, _window(series, wanted, start), reverse)
    if reverse:
        return zip(reversed(times), reversed(values), strict=True)
    return zip(times, values, strict=True)


def _check_number(times: array[int], wanted: Query) -> None:
    """Refuse at once what would be more buckets without samples than any reply holds."""
    made = wanted.aggregation
    if made is None or not made.empty or not times or (wanted.most or _MOST + 1) <= _MOST:
        return
    if (times[-1] - times[0]) // made.duration > _MOST:
        raise CommandError(TOO_MANY)


def _window(series: Series, wanted: Query, start: int) -> Window:
    """What ``twa`` has to know of what is next to a range."""
    assert wanted.aggregation is not None
    if wanted.aggregation.kind != TWA:
        return Window(start, wanted.end)
    return Window(start, wanted.end, series.before(start), series.after(wanted.end))


def _chosen(times: array[int], values: array[float], wanted: Query) -> Samples:
    """The samples that have one of the times, and values between two, where that is asked for."""
    if wanted.times is not None:
        places = list(_places(times, wanted.times))
        times = array("Q", [times[at] for at in places])
        values = array("d", [values[at] for at in places])
    if wanted.values is not None:
        least, greatest = wanted.values
        kept = [at for at, value in enumerate(values) if least <= value <= greatest]
        times = array("Q", [times[at] for at in kept])
        values = array("d", [values[at] for at in kept])
    return times, values


def _places(times: array[int], chosen: list[int]) -> Iterator[int]:
    if len(times) > 1 and times[-1] < times[-2]:  # the latest bucket is not the latest sample
        yield from (at for at, time in enumerate(times) if time in chosen)
        return
    for time in chosen:
        at = bisect_left(times, time)
        if at < len(times) and times[at] == time:
            yield at


# Facts --------------------------------------------------------------------------------------------


def info(ctx: Context, *words: bytes) -> dict[bytes, Any]:
    """What there is to know of a series; with DEBUG of its chunks, too.

    The server opens it for writing.
    """
    if not 0 < len(words) < 3:
        raise wrong_count(ctx)
    key = words[0]
    series = existing(ctx, key, to_write=True)
    tidy(ctx, key, series)
    first, skipped = series.first_shown()
    facts: dict[str, Any] = {
        "totalSamples": series.total - skipped,
        "memoryUsage": series.memory_usage(),
        "firstTimestamp": shown_time(first),
        "lastTimestamp": shown_time(series.last_time),
        "retentionTime": shown_time(series.retention),
        "chunkCount": len(series.chunks),
        "chunkSize": series.chunk_size,
        "chunkType": Status(b"compressed" if series.packed else b"uncompressed"),
        "duplicatePolicy": _policy(ctx, series),
        "labels": _maps(ctx, series.labels),
        "sourceKey": series.source,
        "rules": _rules(ctx, series),
        "ignoreMaxTimeDiff": shown_time(series.ignore_time),
        "ignoreMaxValDiff": float(series.ignore_value),
    }
    if len(words) > 1 and word_at(words, 1) == b"DEBUG":
        facts["keySelfName"] = key
        facts["Chunks"] = [_statuses(_chunk(chunk)) for chunk in series.chunks]
    return _statuses(facts)


def _policy(ctx: Context, series: Series) -> Status | None:
    """What becomes of samples of the same time, or null where only the server says that.

    Null is what the module 1.12 of Redis Stack says; that of Redis 8 says ``block``.
    """
    policy = series.policy or ("block" if ctx.traits.tells_usual_policy else None)
    return None if policy is None else Status(policy.encode())


def _statuses(facts: dict[str, Any]) -> dict[bytes, Any]:
    return {Status(name.encode()): fact for name, fact in facts.items()}


def _maps(ctx: Context, labels: Iterable[tuple[bytes, bytes]]) -> Any:
    """Labels: a map, or an array of pairs."""
    return dict(labels) if ctx.session.protocol == 3 else list(map(list, labels))


def _rules(ctx: Context, series: Series) -> Any:
    facts = [
        (rule.dest, [rule.duration, Status(rule.kind.upper().encode()), rule.align])
        for rule in series.rules
    ]
    if ctx.session.protocol == 3:
        return dict(facts)
    return [[dest, *more] for dest, more in facts]


def _chunk(chunk: Any) -> dict[str, Any]:
    count = len(chunk)
    (share,) = unpack("<f", pack("<f", chunk.size / count if count else 0.0))
    return {
        "startTimestamp": shown_time(chunk.times[0]) if count else -1,
        "endTimestamp": shown_time(chunk.times[-1]) if count else -1,
        "samples": count,
        "size": chunk.size,
        "bytesPerSample": share,
    }
