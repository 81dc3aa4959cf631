"""TS.READ, of Redis 8.10: samples from a time on, as they come.

No server of that version was there to compare with: it follows its public reference.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from fakeredis.commands.timeseries.common import WRONG_TYPE, pairs, wrong_count
from fakeredis.commands.timeseries.options import Words, fail, word_at
from fakeredis.datatypes.numbers import parse_int
from fakeredis.datatypes.timeseries.gorilla import MASK
from fakeredis.datatypes.timeseries.series import Series
from fakeredis.engine.core.context import Context
from fakeredis.errors import CommandError


class _Request(NamedTuple):
    """How long to wait for how many samples, and how many to take."""

    timeout: int | None = None
    least: int = 1
    most: int | None = None


def read(ctx: Context, *words: bytes) -> Any:
    """The samples of a series from a time on, the oldest first; may wait for some.

    Checked in the server's order: the number of words, options, the time, the key.
    """
    if len(words) < 2:
        raise wrong_count(ctx)
    request = _request(ctx, words)
    key, raw = words[:2]
    given = None if raw in (b"-", b"+", b"$") else parse_int(raw)
    if raw not in (b"-", b"+", b"$") and (given is None or given < 0):
        raise fail("invalid timestamp")
    series = _series(ctx, key)
    start = _resolved(series, raw) if given is None else given
    found = _from(series, start, request.most)
    is_gone = ctx.retrying and series is None
    if request.timeout is None or len(found) >= request.least or is_gone:
        return pairs(ctx, found)
    if ctx.session.deny_blocking:
        raise fail(
            "blocking TS.READ (with BLOCK) is not allowed inside MULTI, EVAL, or a deny-blocking "
            "context"
        )
    ctx.args = (key, b"%d" % start, *words[2:])  # also after it waited
    return ctx.block(
        [key], request.timeout,
        lambda: pairs(ctx, _from(_series(ctx, key), start, request.most)),
    )


def _series(ctx: Context, key: bytes) -> Series | None:
    value = ctx.lookup(key)
    if value is not None and type(value) is not Series:
        raise CommandError(WRONG_TYPE)
    return value


def _resolved(series: Series | None, raw: bytes) -> int:
    """The time that a sign means by now."""
    if series is None or not series.total:
        return 0
    if raw == b"-":
        return series.first_shown()[0]
    return series.last_time + (raw == b"$")


def _from(series: Series | None, start: int, most: int | None) -> list[tuple[int, float]]:
    if series is None:
        return []
    return list(zip(*series.range(max(start, series.oldest), MASK, most), strict=True))


def _request(ctx: Context, words: Words) -> _Request:
    """What the options say.

    Raises:
        CommandError: they make no sense.
    """
    given: dict[bytes, Words] = {}
    at = 2
    while at < len(words):
        name = word_at(words, at)
        size = {b"BLOCK": 2, b"MAX_COUNT": 1}.get(name, 0)
        values = words[at + 1 : at + 1 + size]
        if not size or len(values) < size or name in given:
            raise wrong_count(ctx)
        given[name] = values
        at += 1 + size
    timeout, least, most = None, 1, None
    if b"MAX_COUNT" in given:
        most = parse_int(given[b"MAX_COUNT"][0])
        if most is None or most < 1:
            raise fail("MAX_COUNT must be a positive integer")
    if b"BLOCK" in given:
        timeout, wanted = map(parse_int, given[b"BLOCK"])
        if timeout is None or timeout < 0 or wanted is None:
            raise fail("BLOCK milliseconds must be a non-negative integer")
        if wanted < 1:
            raise fail("BLOCK min_count must be a positive integer")
        if most is not None and wanted > most:
            raise fail("BLOCK min_count must be <= MAX_COUNT")
        least = wanted
    return _Request(timeout, least, most)
