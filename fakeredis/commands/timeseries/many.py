"""Several series at once, found by their labels: TS.MGET, TS.MRANGE, TS.QUERYINDEX and its kin."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import isnan, nan
from typing import Any, Final, NamedTuple

from fakeredis.commands.timeseries.common import newest, pair, pairs, seen, wrong_count
from fakeredis.commands.timeseries.options import (
    Label,
    Query,
    Shown,
    Words,
    fail,
    leaves_out_empty,
    position,
    query,
    shown_labels,
    word_at,
)
from fakeredis.commands.timeseries.reading import samples
from fakeredis.datatypes.timeseries.aggregation import (
    COUNT_ALL,
    COUNT_NAN,
    FIRST_KINDS,
    REDUCERS,
    aggregate_of,
)
from fakeredis.datatypes.timeseries.labels import LabelError, Matcher, matchers
from fakeredis.datatypes.timeseries.merging import merged
from fakeredis.datatypes.timeseries.series import Series
from fakeredis.engine.core.context import Context
from fakeredis.engine.features import acl
from fakeredis.engine.features import series as index

_GROUP_WORDS = 4  # GROUPBY label REDUCE reducer


def _matchers(words: Words) -> list[Matcher]:
    try:
        found = matchers(words)
    except LabelError:
        raise fail("failed parsing labels") from None
    if not any(one.finds for one in found):
        raise fail("please provide at least one matcher")
    return found


def queryindex(ctx: Context, *words: bytes) -> list[bytes]:
    """The keys of the series whose labels match, in all databases."""
    if not words:
        raise wrong_count(ctx)
    return index.of(ctx.server).find(_matchers(words))


def querylabels(ctx: Context, *words: bytes) -> list[bytes]:
    """The names of labels, or the values of one, of the series whose labels match, or of all.

    Those that the user may not read are left out.  Checked in the server's order: which of both,
    the number of words, FILTER, filters.
    """
    mode = word_at(words, 0) if words else b""
    if mode not in (b"LABELS", b"VALUES"):
        raise fail("unknown subtype, must be one of LABELS|VALUES") if words else wrong_count(ctx)
    label, rest = (words[1:2], words[2:]) if mode == b"VALUES" else ((), words[1:])
    if mode == b"VALUES" and not label:
        raise wrong_count(ctx)
    wanted: list[Matcher] | None = None
    if rest:
        if word_at(rest, 0) != b"FILTER":
            raise fail("unknown argument, expected FILTER")
        if len(rest) == 1:
            raise fail("FILTER given with no filter expressions")
        wanted = _matchers(rest[1:])
    told = {
        value if label else name
        for key, labels in index.of(ctx.server).labels(wanted)
        if acl.may_read(ctx.session, key)
        for name, value in labels if not label or name == label[0]
    }
    return sorted(told)


def _found(ctx: Context, wanted: list[Matcher]) -> Iterator[tuple[bytes, Series]]:
    """The series of this database whose labels match, by their keys' order."""
    for key in index.of(ctx.server).find(wanted, ctx.db.index):
        value = seen(ctx, key)
        if value is not None:
            yield key, value


def _shown(ctx: Context, labels: Sequence[Label], shown: Shown) -> Any:
    """Labels as a reply."""
    told: Iterable[tuple[bytes, bytes | None]] = labels if shown.all else ()
    if shown.some:
        found = dict(reversed(labels))
        told = [(name, found.get(name)) for name in shown.some]
    return dict(told) if ctx.session.protocol == 3 else list(map(list, told))


def _keyed(ctx: Context, rows: list[list[Any]]) -> Any:
    """Rows that begin with a key: a map, or an array of them."""
    return {row[0]: row[1:] for row in rows} if ctx.session.protocol == 3 else rows


def mget(ctx: Context, *words: bytes) -> Any:
    """The last samples of the series whose labels match."""
    at = position(words, b"FILTER")
    if len(words) < 2 or at < 0:
        raise wrong_count(ctx)
    shown = shown_labels(words, ctx.traits)
    if at + 1 == len(words):
        raise fail("please provide at least one matcher")
    latest = position(words, b"LATEST") >= 0
    return _keyed(ctx, [
        [key, _shown(ctx, series.labels, shown), pair(ctx, newest(ctx, key, series, latest))]
        for key, series in _found(ctx, _matchers(words[at + 1 :]))
    ])


# Ranges -------------------------------------------------------------------------------------------


class _Request(NamedTuple):
    """What TS.MRANGE is asked for."""

    query: Query
    excludes_empty: bool
    shown: Shown
    matchers: list[Matcher]
    label: bytes | None
    reducer: str


def mrange(ctx: Context, *words: bytes) -> Any:
    """Samples of the series whose labels match, or what is made of them."""
    return _mrange(ctx, words, reverse=False)


def mrevrange(ctx: Context, *words: bytes) -> Any:
    """The same, the latest first."""
    return _mrange(ctx, words, reverse=True)


def _request(ctx: Context, words: Words) -> _Request:
    """What the words say.

    Checked in the server's order: times, count, aggregation, filters of samples, labels to be
    shown, labels to be found, groups.
    """
    if len(words) < 3:
        raise wrong_count(ctx)
    wanted = query(words, ctx.traits)
    if wanted is None:
        raise wrong_count(ctx)
    shown = shown_labels(words, ctx.traits)
    at, place = position(words, b"FILTER"), position(words, b"GROUPBY")
    if at < 0:
        raise fail("missing FILTER argument")
    if 0 <= place < at:
        raise fail("GROUPBY should always come after filter")
    given = words[at + 1 : place if place >= 0 else len(words)]
    if not given:
        raise fail("missing labels for filter argument")
    found = _matchers(given)
    excludes_empty = leaves_out_empty(words, ctx.traits)
    if place < 0:
        return _Request(wanted, excludes_empty, shown, found, None, "")
    if place + _GROUP_WORDS != len(words) or word_at(words, place + 2) != b"REDUCE":
        raise wrong_count(ctx)
    reducer = word_at(words, place + 3).decode("utf-8", "replace").lower()
    if reducer not in REDUCERS or (reducer not in FIRST_KINDS and not ctx.traits.nan_samples):
        raise fail("Invalid reducer type")
    if excludes_empty:
        raise fail("EXCLUDEEMPTY is not allowed with GROUPBY")
    if wanted.aggregation is not None and wanted.aggregation.more:
        raise fail("GROUPBY is not allowed when multiple aggregators are specified")
    return _Request(wanted, False, shown, found, words[place + 1], reducer)


def _mrange(ctx: Context, words: Words, reverse: bool) -> Any:
    request = _request(ctx, words)
    series = list(_found(ctx, request.matchers))
    if request.label is not None:
        return _keyed(ctx, _grouped(ctx, request, request.label, series, reverse))
    more = []
    if ctx.session.protocol == 3:
        wanted = request.query.aggregation
        more = [{b"aggregators": [kind.encode() for kind in wanted.kinds] if wanted else []}]
    found = [(key, one, samples(ctx, key, one, request.query, reverse)) for key, one in series]
    return _keyed(ctx, [
        [key, _shown(ctx, one.labels, request.shown), *more, pairs(ctx, told)]
        for key, one, told in found if told or not request.excludes_empty
    ])


def _grouped(
    ctx: Context, request: _Request, label: bytes, series: list[tuple[bytes, Series]],
    reverse: bool,
) -> list[list[Any]]:
    """A row for each value of a label."""
    groups: dict[bytes, list[tuple[bytes, Series]]] = {}
    for key, one in series:
        value = one.label(label)
        if value is not None:
            groups.setdefault(value, []).append((key, one))
    return [
        _group(ctx, request, (label, value), groups[value], reverse) for value in sorted(groups)
    ]


def _group(
    ctx: Context, request: _Request, label: Label, members: list[tuple[bytes, Series]],
    reverse: bool,
) -> list[Any]:
    keys = [key for key, _ in members]
    every = request.query._replace(most=None)
    reduced = _reduced(  # each is taken forward, whatever the order of all
        [samples(ctx, key, one, every, reverse=False) for key, one in members],
        request.reducer, reverse, ctx.traits.nan_samples,
    )[: request.query.most]
    row: list[Any] = [b"=".join(label)]
    reducer = request.reducer.encode()
    if ctx.session.protocol == 3:
        row += [
            _shown(ctx, [label], request.shown), {b"reducers": [reducer]}, {b"sources": keys},
        ]
    else:
        labels = [label, (b"__reducer__", reducer), (b"__source__", b",".join(keys))]
        row.append(_shown(ctx, labels, request.shown))
    return [*row, pairs(ctx, reduced)]


def _reduced(
    rows: list[list[tuple[Any, ...]]], reducer: str, reverse: bool, counts_nan: bool
) -> list[tuple[int, float]]:
    """What is made of the samples of each time; those that are no number count only alone.

    Args:
        rows: the series'.
        reducer: what is made of them.
        reverse: whether the latest come first.
        counts_nan: whether so many as none may be counted: nothing is not a number elsewhere.
    """
    values: dict[int, list[float]] = {}
    all_count = reducer in (COUNT_ALL, COUNT_NAN)
    for time, value in merged(rows):
        found = values.setdefault(time, [])
        if all_count or not isnan(value):
            found.append(value)
    make: Final = aggregate_of(reducer)
    nothing = 0.0 if counts_nan and reducer == "count" else nan
    return [
        (time, make(values[time]) if values[time] else nothing)
        for time in sorted(values, reverse=reverse)
    ]
