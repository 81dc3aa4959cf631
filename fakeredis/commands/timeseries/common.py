"""What the commands of time series have in common: finding series, and telling samples."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from fakeredis import errors
from fakeredis.commands.timeseries.options import fail
from fakeredis.datatypes.timeseries.series import Rule, Series
from fakeredis.datatypes.timeseries.text import format_value
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import Status
from fakeredis.errors import CommandError

WRONG_TYPE: Final = "ERR " + errors.WRONGTYPE  # twice a code
_HALF: Final = 1 << 63


def wrong_count(ctx: Context) -> CommandError:
    """The error for too few words, or too many."""
    return ctx.wrong_arity()


def existing(ctx: Context, key: bytes, to_write: bool = False) -> Series:
    """The series at a key.

    Args:
        to_write: WATCH and tracking hear of it at once, whatever comes of it; else it counts as a
            hit or a miss.

    Raises:
        CommandError: there is none, or the value is of another type.
    """
    if to_write:
        value = ctx.lookup(key)
        ctx.signal_modified(key)
        if value is not None and type(value) is not Series:
            raise CommandError(WRONG_TYPE)
    else:
        value = seen(ctx, key)
    if value is None:
        raise fail("the key does not exist")
    found: Series = value
    return found


def seen(ctx: Context, key: bytes) -> Series | None:
    """The series at a key, which counts as a hit or a miss; None where there is none.

    Raises:
        CommandError: the value is of another type.
    """
    try:
        value: Series | None = ctx.lookup_read(key, Series)
    except CommandError:
        raise CommandError(WRONG_TYPE) from None
    return value


def tidy(ctx: Context, key: bytes, series: Series) -> None:
    """Forget relations to series that are gone, or have others by now; each is looked up."""
    if series.source is not None and rule_to(ctx, series.source, key) is None:
        series.source = None
    if series.rules:
        series.rules = [rule for rule in series.rules if _is_fed(ctx, rule, key)]


def _related(ctx: Context, key: bytes) -> Series | None:
    """The series at a key that another one names; None where there is no series."""
    try:
        return seen(ctx, key)
    except CommandError:
        return None


def rule_to(ctx: Context, source: bytes, dest: bytes) -> Rule | None:
    """The rule by which one series feeds another."""
    value = _related(ctx, source)
    rules = () if value is None else value.rules
    return next((rule for rule in rules if rule.dest == dest), None)


def _is_fed(ctx: Context, rule: Rule, source: bytes) -> bool:
    dest = _related(ctx, rule.dest)
    return dest is not None and dest.source == source


def shown_time(time: int) -> int:
    """A time as the server tells it, as a number with a sign."""
    return time if time < _HALF else time - 2 * _HALF


def pairs(ctx: Context, samples: Iterable[tuple[Any, ...]]) -> list[Any]:
    """Samples as a reply, each with one value or several."""
    if ctx.session.protocol == 3:
        return list(map(list, samples))
    return [[time, *values_shown(values)] for time, *values in samples]


def values_shown(values: Iterable[float]) -> list[Status]:
    """Values as replies of RESP2 have them."""
    return [Status(format_value(value)) for value in values]


def pair(ctx: Context, sample: tuple[int, float] | None) -> list[Any]:
    """A sample as a reply, which is empty where there is none."""
    if sample is None:
        return []
    time, value = sample
    shown = value if ctx.session.protocol == 3 else Status(format_value(value))
    return [shown_time(time), shown]


def newest(ctx: Context, key: bytes, series: Series, latest: bool) -> tuple[int, float] | None:
    """The last sample of a series.

    Args:
        latest: what the bucket comes to by now that its source has still open is one.
    """
    if latest:
        found = open_bucket(ctx, key, series)
        if found is not None:
            return found
    return (series.last_time, series.last_value) if series.total else None


def open_bucket(ctx: Context, key: bytes, series: Series) -> tuple[int, float] | None:
    """What the bucket comes to that the source of a series has still open.

    The server looks for the source in database 0, whichever the series is in.
    """
    if series.source is None:
        return None
    db = ctx.db
    try:
        ctx.db = ctx.server.database(0)
        rule = rule_to(ctx, series.source, key)
    finally:
        ctx.db = db
    if rule is None or rule.start is None or rule.is_empty:
        return None
    return rule.start, rule.result()
