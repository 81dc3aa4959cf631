"""Making series, and adding and deleting samples."""

from __future__ import annotations

from math import nan
from typing import Final

from fakeredis.commands.timeseries.common import (
    WRONG_TYPE,
    existing,
    shown_time,
    tidy,
    wrong_count,
)
from fakeredis.commands.timeseries.compaction import (
    check_deletion,
    compact,
    compact_again,
    compact_deleted,
)
from fakeredis.commands.timeseries.options import (
    Settings,
    Words,
    default_chunk_size,
    fail,
    policy_of,
    position,
    settings,
    time_bounds,
)
from fakeredis.datatypes.numbers import parse_float, parse_int
from fakeredis.datatypes.timeseries.gorilla import MASK
from fakeredis.datatypes.timeseries.series import BlockedError, Series
from fakeredis.datatypes.timeseries.text import parse_value
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import OK, Status
from fakeredis.errors import CommandError

_LIKE_AN_OPTION: Final = len(b"ON_DUPLICATE")
_NO_SERIES: Final = "the key is not a TSDB key"
_BLOCKED: Final = (
    "Error at upsert, update is not supported when DUPLICATE_POLICY is set to BLOCK mode"
)


# Series -------------------------------------------------------------------------------------------


def _given(ctx: Context, words: Words) -> Settings:
    """What all the words say: the server looks for options from the key on."""
    found = settings(words)
    if found is None:
        raise wrong_count(ctx)
    return found


def _new(given: Settings) -> Series:
    series = Series(
        given.retention or 0, default_chunk_size(given), given.packed, given.policy
    )
    if given.ignore is not None:
        series.ignore_time, series.ignore_value = given.ignore
    series.labels = given.labels or []
    return series


def create(ctx: Context, key: bytes = b"", *words: bytes) -> Status:
    """Make a series.

    Checked in the server's order: the options, whether the key is free.
    """
    if not ctx.args:
        raise wrong_count(ctx)
    given = _given(ctx, ctx.args)
    if ctx.lookup(key) is not None:
        ctx.signal_modified(key)
        raise fail("key already exists")
    ctx.db.put(key, _new(given))
    ctx.modified(key, "ts.create")
    return OK


def alter(ctx: Context, key: bytes = b"", *words: bytes) -> Status:
    """Change what is given of a series; what it has stays as it is.

    Checked in the server's order: the options, the key.
    """
    if not ctx.args:
        raise wrong_count(ctx)
    given = _given(ctx, ctx.args)
    series = existing(ctx, key, to_write=True)
    if given.retention is not None:
        series.retention = given.retention
    if given.chunk_size is not None:
        series.chunk_size = given.chunk_size
    if given.policy is not None:
        series.policy = given.policy
    if given.ignore is not None:
        series.ignore_time, series.ignore_value = given.ignore
    if given.labels is not None:
        series.labels = given.labels
    ctx.modified(key, "ts.alter")
    return OK


# Samples ------------------------------------------------------------------------------------------


def _sample(ctx: Context, raw_time: bytes, raw_value: bytes) -> tuple[int, float]:
    value = parse_value(raw_value)
    if value is None:
        if not ctx.traits.nan_samples or raw_value.lower() != b"nan":
            raise fail("invalid value")
        value = nan
    if raw_time == b"*":
        return ctx.now, value
    time = parse_int(raw_time)
    if time is None:
        raise fail("invalid timestamp")
    if time < 0:
        raise fail("invalid timestamp, must be a nonnegative integer")
    return time, value


def add(ctx: Context, *words: bytes) -> int:
    """Add a sample to a series, which is made where there is none.

    Checked in the server's order: value, time, the key, the options.  It is announced whatever
    comes of it.
    """
    if len(words) < 3:
        raise wrong_count(ctx)
    key = words[0]
    try:
        time, value = _sample(ctx, words[1], words[2])
        series, policy = ctx.lookup(key), None
        if series is None:
            series = _new(_given(ctx, words))
            ctx.db.put(key, series)
        elif type(series) is not Series:
            raise fail(_NO_SERIES)
        elif len(words) > 3 or len(key) == _LIKE_AN_OPTION:
            policy = policy_of(words, b"ON_DUPLICATE")
        time = put(ctx, key, series, time, value, policy)
    except CommandError:
        _not_added(ctx, key)
        raise
    ctx.modified(key, "ts.add")
    return time


def _not_added(ctx: Context, key: bytes) -> None:
    """Announce a sample that was not added, as the server does."""
    ctx.signal_modified(key)
    ctx.modified_unsignalled(key, "ts.add", 0)


def put(
    ctx: Context, key: bytes, series: Series, time: int, value: float, policy: str | None = None
) -> int:
    """Add a sample, and see to the series that follow from this one.

    Args:
        policy: what becomes of one of the same time; None: the series says.

    Returns:
        Its time, or that of the last one where this one is ignored.

    Raises:
        CommandError: it is too old, or there is one of that time, which stays.
    """
    if series.retention and series.is_too_old(time):
        raise fail("Timestamp is older than retention")
    policy = policy or series.policy or "block"
    last = series.last_time
    if (
        policy == "last" and time >= last and time - last <= series.ignore_time
        and series.total and series.source is None
        and abs(value - series.last_value) <= series.ignore_value
    ):
        return last
    if series.rules:
        tidy(ctx, key, series)
        ctx.db.replace(key, series)  # a store keeps values then: the command has more effects
    if time > last or not series.total:
        series.append(time, value)
        for rule in series.rules:
            compact(ctx, rule, time, value)
    else:
        try:
            series.upsert(time, value, policy)
        except BlockedError:
            raise fail(_BLOCKED) from None
        for rule in series.rules:
            compact_again(ctx, series, rule, time)
    return time


def madd(ctx: Context, *words: bytes) -> list[int | CommandError]:
    """Add samples to series that there are; errors stand among the replies.

    All are announced at the end, also those that were not added.
    """
    if not words or len(words) % 3:
        raise wrong_count(ctx)
    replies = [_added(ctx, *words[at : at + 3]) for at in range(0, len(words), 3)]
    for key, reply in zip(words[::3], replies, strict=True):
        if type(reply) is int:
            ctx.modified(key, "ts.add")
        else:
            _not_added(ctx, key)
    return replies


def _added(ctx: Context, key: bytes, raw_time: bytes, raw_value: bytes) -> int | CommandError:
    try:
        value, time = parse_value(raw_value), parse_int(raw_time)
        if value is None or time is None or time < 0:
            time, value = _sample(ctx, raw_time, raw_value)
        series = ctx.lookup(key)
        if type(series) is not Series:
            raise fail(_NO_SERIES)
        return put(ctx, key, series, time, value)
    except CommandError as error:
        return error


def _increased(ctx: Context, words: Words, sign: int, event: str) -> int:
    """Add a sample to the last value.

    Checked in the server's order: the key, the options of a new series, the value, the time.  A
    series that is new is there, whatever comes of it.
    """
    if len(words) < 2:
        raise wrong_count(ctx)
    key = words[0]
    series = ctx.lookup(key)
    if series is None:
        series = _new(_given(ctx, words))
        ctx.db.put(key, series)
        ctx.modified(key, "", 0)
    else:
        if ctx.db.observed:
            ctx.signal_modified(key)
        if type(series) is not Series:
            raise CommandError(WRONG_TYPE)
    change = parse_float(words[1])
    if change is None:
        raise fail("invalid increase/decrease value")
    if series.last_value != series.last_value:
        raise fail("the last value is not a number")
    time = _time_of_change(ctx, words)
    if time < series.last_time:
        raise CommandError(
            "TSDB: timestamp must be equal to or higher than the maximum existing timestamp"
        )
    time = put(ctx, key, series, time, series.last_value + sign * change, "last")
    ctx.modified(key, event)
    return shown_time(time)


def _time_of_change(ctx: Context, words: Words) -> int:
    at = position(words, b"TIMESTAMP")
    if at < 0:
        return ctx.now
    raw = words[at + 1] if at + 1 < len(words) else b""
    time = ctx.now if raw == b"*" else parse_int(raw)
    if time is None:
        raise fail("invalid timestamp")
    return time & MASK


def incrby(ctx: Context, *words: bytes) -> int:
    """Add a sample that is greater than the last one by a number."""
    return _increased(ctx, words, 1, "ts.incrby")


def decrby(ctx: Context, *words: bytes) -> int:
    """Add a sample that is less than the last one by a number."""
    return _increased(ctx, words, -1, "ts.decrby")


def delete(ctx: Context, *words: bytes) -> int:
    """Delete the samples from one time to another; how many there were.

    Checked in the server's order: the times, the key, whether others need them.
    """
    if len(words) != 3:
        raise wrong_count(ctx)
    start, end = time_bounds(words[1:])
    key = words[0]
    series = existing(ctx, key, to_write=True)
    if series.rules:
        tidy(ctx, key, series)
    check_deletion(series, start)
    last = series.last_time
    deleted = series.delete(start, end)
    if deleted and series.rules:
        ctx.db.replace(key, series)  # see `put`
        for rule in series.rules:
            compact_deleted(ctx, series, rule, start, end, last)
    ctx.modified(key, "ts.del")
    return deleted
