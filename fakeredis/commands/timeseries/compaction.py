"""How series follow from others: what each change of a source does to the series that it feeds."""

from __future__ import annotations

from fakeredis.commands.timeseries.options import fail
from fakeredis.datatypes.timeseries.aggregation import TWA, Line
from fakeredis.datatypes.timeseries.gorilla import MASK
from fakeredis.datatypes.timeseries.series import Rule, Series
from fakeredis.engine.core.context import Context


def compact(ctx: Context, rule: Rule, time: int, value: float) -> None:
    """Take a sample that came last; it may open a bucket, and the one before is told then."""
    start = max(rule.bucket_of(time), 0)
    if rule.start is None:
        rule.open(start)
    elif start > rule.start:
        dest = _dest(ctx, rule)
        if dest is None:
            return
        before = rule.bucket.last if isinstance(rule.bucket, Line) else None
        if not rule.is_empty:
            _tell(ctx, rule, dest, rule.start, rule.result((time, value)))
            ctx.modified(rule.dest, "ts.add:dest", 0)
        rule.open(start, before)
    rule.add(time, value)


def _dest(ctx: Context, rule: Rule) -> Series | None:
    found = ctx.lookup(rule.dest)
    return found if type(found) is Series else None


def _tell(ctx: Context, rule: Rule, dest: Series, time: int, value: float) -> None:
    """Put what a bucket came to."""
    if dest.is_too_old(time):
        return
    if time > dest.last_time or not dest.total:
        dest.append(time, value)
    else:
        dest.upsert(time, value, "last")


def _store(dest: Series, time: int, value: float) -> None:
    """Put what an earlier bucket came to: even if it is the latest one, it does not count as such.

    So the server has it.
    """
    if not dest.total:
        dest.append(time, value)
    else:
        dest.upsert(time, value, "last")


def compact_again(ctx: Context, series: Series, rule: Rule, time: int) -> None:
    """Work out the bucket of a sample again that has changed, or that came late."""
    latest = max(rule.bucket_of(series.last_time), 0)
    if time >= latest:
        _reopen(series, rule, latest)
        return
    dest = _dest(ctx, rule)
    if dest is not None:
        start = rule.bucket_of(time)
        found = _worked_out(series, rule, start)
        if found is not None:
            _store(dest, max(start, 0), found)
            ctx.modified_unsignalled(rule.dest, changes=0)


def _reopen(series: Series, rule: Rule, start: int) -> None:
    """Take all samples into the open bucket again."""
    rule.open(start, series.before(start) if rule.kind == TWA else None)
    times, values = series.range(max(start, series.oldest), MASK)
    for time, value in zip(times, values, strict=True):
        rule.add(time, value)


def _worked_out(series: Series, rule: Rule, start: int) -> float | None:
    """What a bucket comes to that is over; None where it has no samples."""
    first, end = max(start, 0), start + rule.duration
    times, values = series.range(max(first, series.oldest), end - 1)
    if not times:
        return None
    other = Rule(rule.dest, rule.kind, rule.duration, rule.align)
    other.open(start, series.before(first) if rule.kind == TWA else None)
    for time, value in zip(times, values, strict=True):
        other.add(time, value)
    return other.result(series.after(end - 1) if rule.kind == TWA else None)


def check_deletion(series: Series, start: int) -> None:
    """Refuse to delete what buckets were made of that could not be worked out again.

    Raises:
        CommandError: they could not.
    """
    if not series.retention or not series.rules:
        return
    oldest = series.oldest
    if any(max(rule.bucket_of(start), 0) < oldest for rule in series.rules):
        raise fail(
            "When a series has compactions, deleting samples or compaction buckets beyond the "
            "series retention period is not possible"
        )


def compact_deleted(
    ctx: Context, series: Series, rule: Rule, start: int, end: int, last: int
) -> None:
    """Work out the first and the last bucket of a deletion again; those between are gone.

    Args:
        last: the time of the last sample before the deletion.
    """
    latest = max(rule.bucket_of(last), 0)
    if end >= latest:
        _reopen(series, rule, latest)
    if start >= latest:
        return
    dest = _dest(ctx, rule)
    if dest is None:
        return
    first = rule.bucket_of(start)
    gone_from, gone_to = first, latest - 1
    found = _worked_out(series, rule, first)
    if found is not None:
        _store(dest, max(first, 0), found)
        gone_from = first + rule.duration
    if end < latest:
        last_start = rule.bucket_of(end)
        gone_to = last_start + rule.duration - 1
        found = _worked_out(series, rule, last_start)
        if found is not None:
            if last_start != first:
                _store(dest, max(last_start, 0), found)
            gone_to = last_start - 1
    if gone_from <= gone_to:
        dest.delete(max(gone_from, 0), gone_to)
    ctx.modified_unsignalled(rule.dest, changes=0)
