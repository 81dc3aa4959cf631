"""TS.CREATERULE and TS.DELETERULE."""

from __future__ import annotations

from fakeredis.commands.timeseries.common import existing, tidy, wrong_count
from fakeredis.commands.timeseries.options import fail, kinds_and_duration, word_at
from fakeredis.datatypes.numbers import parse_int
from fakeredis.datatypes.timeseries.series import Rule, Series
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import OK, Status


def _related(ctx: Context, key: bytes) -> Series:
    """A series whose relations are to change, with those alone that are still true.

    Raises:
        CommandError: there is none.
    """
    series = existing(ctx, key, to_write=True)
    tidy(ctx, key, series)
    return series


def createrule(ctx: Context, *words: bytes) -> Status:
    """Let a series have what is made of the buckets of another one.

    Checked in the server's order: the number of words, the aggregation, whether these are two
    keys, source and destination, each with what it is already.
    """
    if len(words) not in (5, 6) or word_at(words, 2) != b"AGGREGATION":
        raise wrong_count(ctx)
    (kind,), duration = kinds_and_duration(words, 2, ctx.traits)
    align = parse_int(words[5]) if len(words) == 6 else 0
    if align is None or align < 0:
        raise fail("Couldn't parse alignTimestamp")
    source, dest = words[:2]
    if source == dest:
        raise fail("the source key and destination key should be different")
    feeding = _related(ctx, source)
    if feeding.source is not None:
        raise fail("the source key already has a source rule")
    fed = _related(ctx, dest)
    if fed.source is not None:
        raise fail("the destination key already has a src rule")
    if fed.rules:
        raise fail("the destination key already has a dst rule")
    fed.source = source
    feeding.rules.append(Rule(dest, kind, duration, align))
    ctx.db.replace(source, feeding)  # a store keeps values then: the command has two effects
    ctx.modified(source, "ts.createrule:src")
    ctx.modified(dest, "ts.createrule:dest", 0)
    return OK


def deleterule(ctx: Context, *words: bytes) -> Status:
    """Let a series no longer follow from another."""
    if len(words) != 2:
        raise wrong_count(ctx)
    source, dest = words
    feeding = _related(ctx, source)
    if all(rule.dest != dest for rule in feeding.rules):
        raise fail("compaction rule does not exist")
    feeding.rules = [rule for rule in feeding.rules if rule.dest != dest]
    _related(ctx, dest).source = None
    ctx.db.replace(source, feeding)
    ctx.modified(source, "ts.deleterule:src")
    ctx.modified(dest, "ts.deleterule:dest", 0)
    return OK
