"""Databases: DBSIZE, FLUSHALL, SWAPDB and their kin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fakeredis.commands.arguments import OneOf, Options, Raw, Token
from fakeredis.commands.registry import FAST, HAZARD, READONLY, SERVER_WIDE, WRITE, Databases
from fakeredis.commands.server.common import DANGEROUS_WRITE, KEYSPACE_READ, group
from fakeredis.datatypes.numbers import parse_int
from fakeredis.engine.cluster import cluster
from fakeredis.engine.core import switches
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import OK, Status
from fakeredis.engine.features import tracking
from fakeredis.errors import CommandError

if TYPE_CHECKING:
    from fakeredis.engine.core.database import Database


@group.command(
    "DBSIZE", flags=READONLY | FAST, acl=KEYSPACE_READ,
    tips="request_policy:all_shards response_policy:agg_sum",
)
def dbsize(ctx: Context) -> int:
    """How many keys the selected database has."""
    return len(ctx.db.data)


class FlushOptions(Options):
    """When the memory is freed."""

    flush_type: Annotated[str, OneOf(
        ASYNC=Token.since("4.0.0"), SYNC=Token.since("6.2.0"), once=True
    )] = ""


def _flush(ctx: Context, db: Database) -> None:
    """Empty a database; whoever watched or waited for one of its keys learns of it."""
    server, data = ctx.server, db.data
    server.dirty += len(data)
    watched = [key for key in list(db.watchers) if key in data]
    server.ready += [(db, key) for key in list(db.blocked) if key in data]
    db.clear()
    if server.search is not None:
        server.search.flushed()
    if server.on_change is not None:
        server.on_change(ctx.session, db, None, None)
    for key in watched:
        server.touch_watchers(db, key)


def _invalidate_all(ctx: Context, options: FlushOptions) -> None:
    """Tell the sessions that cache keys that all of them have gone.

    Redis replies later where the client can wait for the memory to be freed.
    """
    server = ctx.server
    if server.switched & switches.TRACKED:
        waits = not ctx.session.deny_blocking and options.flush_type != "ASYNC"
        tracking.of(server).flushed(waits and server.traits.flush_replies_late)


@group.command(
    "FLUSHDB", FlushOptions, flags=WRITE | HAZARD, acl=(*DANGEROUS_WRITE, "slow"),
    tips="request_policy:all_shards response_policy:all_succeeded",
)
def flushdb(ctx: Context, *words: bytes) -> Status:
    """Remove all keys of the selected database."""
    options = FlushOptions.parse(ctx, words)
    _flush(ctx, ctx.db)
    _invalidate_all(ctx, options)
    return OK


@group.command(
    "FLUSHALL", FlushOptions, flags=WRITE | HAZARD, acl=(*DANGEROUS_WRITE, "slow"),
    tips="request_policy:all_shards response_policy:all_succeeded",
    databases=Databases(every=True),
)
def flushall(ctx: Context, *words: bytes) -> Status:
    """Remove all keys of all databases."""
    options = FlushOptions.parse(ctx, words)
    for db in list(ctx.server.databases.values()):
        _flush(ctx, db)
    _invalidate_all(ctx, options)
    ctx.server.deadlines.clear()
    return OK


@group.command(
    "SWAPDB", Raw, Raw, flags=WRITE | FAST | SERVER_WIDE, since="4.0.0",
    acl=(*DANGEROUS_WRITE, "fast"), names="index1:integer index2:integer",
    databases=Databases((0, 1), here=False),
)
def swapdb(ctx: Context, first: bytes, second: bytes) -> Status:
    """Exchange the contents of two databases.

    Checked in the server's order: first number, second number, their ranges.
    """
    cluster.refuse(ctx.server, "ERR SWAPDB is not allowed in cluster mode")
    one, other = parse_int(first), parse_int(second)
    if one is None or not -(1 << 31) <= one < 1 << 31:
        raise CommandError("ERR invalid first DB index")
    if other is None or not -(1 << 31) <= other < 1 << 31:
        raise CommandError("ERR invalid second DB index")
    server = ctx.server
    here, there = server.select(one), server.select(other)
    server.dirty += 1
    if here is not there:
        with server.rewriting():
            _swap(ctx, here, there)
    return OK


def _swap(ctx: Context, here: Database, there: Database) -> None:
    if ctx.server.search is not None:
        ctx.server.search.catch_up()  # of what has changed in either; the exchange is none to it
    _announce_swap(ctx, here, there)
    _announce_swap(ctx, there, here)
    for name in (
        "data", "expires", "field_deadlines", "order", "uses", "births", "born_at", "used", "sizes"
    ):
        mine, theirs = getattr(here, name), getattr(there, name)
        setattr(here, name, theirs)
        setattr(there, name, mine)
    if ctx.server.series is not None:
        ctx.server.series.all_changed()
    if ctx.server.on_change is not None:
        ctx.server.on_change(ctx.session, here, None, there)
    ctx.server.trim_deadlines()  # its entries name databases


def _announce_swap(ctx: Context, db: Database, other: Database) -> None:
    """Tell those who watch or wait for a key that either database has."""
    for key in list(db.watchers):
        if key in db.data or key in other.data:
            _touch_swapped(ctx, db, other, key)
    blocked = list(db.blocked)
    ctx.server.ready += [(db, key) for key in blocked if key in db.data or key in other.data]


def _touch_swapped(ctx: Context, db: Database, other: Database, key: bytes) -> None:
    """Fail the transactions that watch a key, unless it was gone or expired and still is."""
    expired = other.expires.get(key, ctx.now + 1) <= ctx.now
    for session in list(db.watchers[key]):
        if session.watched[db.index, key]:  # it had expired by then
            if key not in other.data:
                session.watched[db.index, key] = False
            elif not expired:
                session.watch_failed = True
        elif key not in db.data and expired:
            session.watched[db.index, key] = True
        else:
            session.watch_failed = True
