"""Transactions: Redis's "transactions" group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fakeredis import errors
from fakeredis.commands.arguments import Key, Many
from fakeredis.commands.registry import (
    ALLOW_BUSY,
    BEGINS_QUEUE,
    CONNECTION,
    ENDS_QUEUE,
    FAST,
    LOADING,
    NO_TOUCH,
    NOSCRIPT,
    RUNS_QUEUE,
    SKIP_SLOWLOG,
    STALE,
    UNQUEUED,
    UNWATCHES,
    WATCHES,
    Command,
    Group,
)
from fakeredis.engine.core import statistics, switches
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import NO_REPLY, OK, null_array
from fakeredis.engine.core.road import EXEC
from fakeredis.engine.core.session import Session
from fakeredis.errors import CommandError

group = Group("transactions")

@group.command(
    "MULTI",
    flags=NOSCRIPT | LOADING | STALE | FAST | ALLOW_BUSY | CONNECTION | UNQUEUED | BEGINS_QUEUE,
    since="1.2.0",
)
def multi(ctx: Context) -> Any:
    """Start queueing."""
    session = ctx.session
    if session.switched & switches.QUEUEING:
        raise CommandError(errors.NESTED_MULTI)
    session.switched |= switches.QUEUEING
    return OK


@group.command(
    "EXEC",
    flags=(
        NOSCRIPT | LOADING | STALE | SKIP_SLOWLOG | CONNECTION | UNQUEUED | RUNS_QUEUE | ENDS_QUEUE
        | UNWATCHES
    ),
    since="1.2.0", nulls=null_array,
)
def exec_(ctx: Context) -> Any:
    """Run what was queued; None when a watched key changed meanwhile.

    Checked in the server's order: MULTI, errors while queueing, watched keys.
    """
    session = ctx.session
    if not session.switched & switches.QUEUEING:
        raise CommandError(errors.EXEC_WITHOUT_MULTI)
    queue, failed = session.queue, session.queue_failed
    changed = bool(session.watched) and _watch_failed(ctx)
    session.reset_transaction()
    if session.watched:
        session.unwatch()
    if failed:
        raise CommandError(errors.EXEC_ABORT)
    if changed:
        return None
    via, session.via = session.via, "transaction"
    session.deny_blocking = True
    session.collected = []
    ctx.begin()
    try:
        return _replies(session, queue)
    finally:
        session.via = via
        session.deny_blocking = False
        session.collected = None


def _replies(session: Session, queue: list[tuple[Command, Sequence[bytes]]]) -> Any:
    """Run what was queued.

    SUBSCRIBE and its kin give one reply for each channel: the server fills the array with the first
    replies, as many as there are commands, and sends the others after it.
    """
    replies = session.collected
    assert replies is not None
    for position, (command, args) in enumerate(queue):
        session.position = position
        reply = _reply_of(session, command, args)
        if reply is not NO_REPLY:
            replies.append(reply)
    session.position = 0
    if len(replies) <= len(queue):
        return replies
    for item in (replies[: len(queue)], *replies[len(queue) :]):
        session.deliver(item)
    return NO_REPLY


def _reply_of(session: Session, command: Command, args: Sequence[bytes]) -> Any:
    try:
        go = session.server.inner_roads.get(EXEC)
        if go is None:
            return session.go_on(EXEC, command, args)
        return go(session, command, args)
    except CommandError as error:
        statistics.failed(session.server, command, error)
        return error


def _watch_failed(ctx: Context) -> bool:
    """Whether a watched key changed, or expired unnoticed, since WATCH."""
    session = ctx.session
    for (index, key), was_expired in session.watched.items():
        deadline = ctx.server.database(index).expires.get(key)
        if deadline is not None and deadline <= ctx.now and not was_expired:
            return True
    return session.watch_failed


@group.command(
    "DISCARD",
    flags=(
        NOSCRIPT | LOADING | STALE | FAST | ALLOW_BUSY | CONNECTION | UNQUEUED | ENDS_QUEUE
        | UNWATCHES
    ),
    since="2.0.0",
)
def discard(ctx: Context) -> Any:
    """Forget what was queued and all WATCHes."""
    session = ctx.session
    if not session.switched & switches.QUEUEING:
        raise CommandError(errors.DISCARD_WITHOUT_MULTI)
    session.reset_transaction()
    session.unwatch()
    return OK


@group.command(
    "WATCH", Many(Key("RO")), since="2.2.0",
    flags=NOSCRIPT | LOADING | STALE | FAST | ALLOW_BUSY | UNQUEUED | NO_TOUCH | WATCHES,
    form="key~",
)
def watch(ctx: Context, keys: list[bytes]) -> Any:
    """Watch keys: the next EXEC fails when one of them changes before it."""
    session, db = ctx.session, ctx.db
    if session.switched & switches.QUEUEING:
        raise CommandError(errors.WATCH_IN_MULTI)
    for key in keys:
        if (db.index, key) in session.watched:
            continue
        deadline = db.expires.get(key)
        session.watched[db.index, key] = deadline is not None and deadline <= ctx.now
        db.watchers.setdefault(key, set()).add(session)
    db.observe()
    return OK


@group.command(
    "UNWATCH", flags=NOSCRIPT | LOADING | STALE | FAST | ALLOW_BUSY | UNWATCHES, since="2.2.0",
)
def unwatch(ctx: Context) -> Any:
    """Forget all WATCHes."""
    ctx.session.unwatch()
    return OK
