"""Series side by side: TS.NRANGE and TS.NREVRANGE, of Redis 8.10.

No server of that version was there to compare with: they follow its public reference.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, Final

from fakeredis.commands.timeseries.common import existing, values_shown, wrong_count
from fakeredis.commands.timeseries.options import (
    Query,
    Words,
    fail,
    kinds_of,
    position,
    query,
)
from fakeredis.commands.timeseries.reading import TOO_MANY, rows
from fakeredis.datatypes.numbers import parse_int
from fakeredis.datatypes.timeseries.merging import joined
from fakeredis.datatypes.timeseries.series import Series
from fakeredis.engine.core.context import Context
from fakeredis.errors import CommandError

_MOST: Final = 1 << 22  # rows of a reply
Kinds = tuple[str, ...]


def nrange(ctx: Context, *words: bytes) -> list[Any]:
    """What several series have at each time, or what is made of it, in the order of their keys."""
    return _nrange(ctx, words, reverse=False)


def nrevrange(ctx: Context, *words: bytes) -> list[Any]:
    """The same, the latest first."""
    return _nrange(ctx, words, reverse=True)


def _nrange(ctx: Context, words: Words, reverse: bool) -> list[Any]:
    """Checked in this order: keys' number, times, options, keys."""
    count = parse_int(words[0]) if words else None
    if len(words) < 4:
        raise wrong_count(ctx)
    if count is None or count < 1:
        raise fail("numkeys must be a positive integer")
    if len(words) < count + 3:
        raise wrong_count(ctx)
    keys = words[1 : count + 1]
    rest, kinds = _kinds_apart(words[count + 1 :], count, ctx)
    wanted = query(rest, ctx.traits)
    if wanted is None:
        raise wrong_count(ctx)
    found = [(key, existing(ctx, key)) for key in keys]
    return _shown(ctx, _joined(ctx, found, wanted, kinds, reverse))


def _kinds_apart(words: Words, count: int, ctx: Context) -> tuple[Words, list[Kinds]]:
    """The words with one kind of aggregation, and all kinds, key by key."""
    at = position(words, b"AGGREGATION")
    if at < 0:
        return words, []
    end = at + 1
    while end < len(words) and parse_int(words[end]) is None:
        end += 1
    given = words[at + 1 : end]
    if end == len(words) or not given:
        raise fail("Couldn't parse AGGREGATION")
    if len(given) != count:
        raise fail("the number of AGGREGATION arguments must be equal to numkeys")
    kinds = [kinds_of(word, ctx.traits, several=True) for word in given]
    return [*words[: at + 1], given[0], *words[end:]], kinds


def _joined(
    ctx: Context, found: Sequence[tuple[bytes, Series]], wanted: Query, kinds: list[Kinds],
    reverse: bool,
) -> list[tuple[int, list[float]]]:
    """The rows.

    Raises:
        CommandError: they would be more than any reply holds.
    """
    each = wanted  # which has no more samples than there are to be rows
    columns = []
    for at, (key, series) in enumerate(found):
        if kinds and each.aggregation is not None:
            kind, *more = kinds[at]
            made = each.aggregation._replace(kind=kind, more=tuple(more))
            each = each._replace(aggregation=made)
        columns.append(iter(rows(ctx, key, series, each, reverse)))
    widths = list(map(len, kinds)) or [1] * len(columns)
    together: Iterable[tuple[int, list[float]]] = joined(columns, widths, reverse)
    told = list(islice(together, _MOST + 1 if wanted.most is None else wanted.most))
    if len(told) > _MOST:
        raise CommandError(TOO_MANY)
    return told


def _shown(ctx: Context, told: list[tuple[int, list[float]]]) -> list[Any]:
    if ctx.session.protocol == 3:
        return [[time, values] for time, values in told]
    return [[time, values_shown(values)] for time, values in told]
