"""Moving whole values: RENAME, MOVE, COPY."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from fakeredis import errors
from fakeredis.commands.arguments import Flag, Key, Option, Options, integer
from fakeredis.commands.generic.common import (
    group,
    lookup_any,
    modified_in,
    server_tells,
    tell_overwritten,
)
from fakeredis.commands.registry import DENYOOM, FAST, WRITE, Databases
from fakeredis.engine.cluster import cluster
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import OK, Status
from fakeredis.errors import CommandError

if TYPE_CHECKING:
    from fakeredis.engine.core.database import Database


def _rename(ctx: Context, key: bytes, new: bytes) -> None:
    db = ctx.db
    value, deadline = db.data[key], db.expires.get(key)
    db.delete(key)
    gone = db.data.get(new) if server_tells(ctx) else None
    db.place(new, value, deadline)
    if hasattr(value, "renamed"):
        for other in value.renamed(db.data, key, new):
            ctx.modified_unsignalled(other, changes=0)
    ctx.modified(key, "rename_from")
    ctx.modified(new, "rename_to")
    tell_overwritten(ctx, db, new, gone)
    ctx.server.dirty -= 1  # the server counts the pair as one change


@group.command("RENAME", Key("RW access delete"), Key("OW update"), flags=WRITE, names="key newkey")
def rename(ctx: Context, key: bytes, new: bytes) -> Status:
    """Give a key another name; what had that name is gone, deadlines go along."""
    if ctx.lookup(key) is None:
        raise CommandError(errors.NO_SUCH_KEY)
    if key != new:
        ctx.lookup(new)
        _rename(ctx, key, new)
    return OK


@group.command(
    "RENAMENX", Key("RW access delete"), Key("OW insert"), flags=WRITE | FAST, names="key newkey",
)
def renamenx(ctx: Context, key: bytes, new: bytes) -> int:
    """Give a key another name that is free; whether it was."""
    if ctx.lookup(key) is None:
        raise CommandError(errors.NO_SUCH_KEY)
    if key == new or ctx.lookup(new) is not None:
        return 0
    _rename(ctx, key, new)
    return 1


def _present(ctx: Context, db: Database, key: bytes) -> Any:
    """``ctx.lookup`` in another database than the selected one."""
    if db.expires.get(key, ctx.now + 1) <= ctx.now:
        ctx.server.expire_key(db, key)
    return db.data.get(key)


_Index: Final = integer(-(1 << 31), (1 << 31) - 1, range_error=errors.BEYOND_INT)


@group.command(
    "MOVE", Key, _Index, flags=WRITE | FAST, names="key db", databases=Databases((1,)),
)
def move(ctx: Context, key: bytes, index: int) -> int:
    """Take a key to another database, unless there is one of that name already.

    Checked in the server's order: number, range, same database, the key, the other key.
    """
    if not ctx.traits.databases_in_cluster:
        cluster.refuse(ctx.server, "ERR MOVE is not allowed in cluster mode")
    db, target = ctx.db, ctx.server.select(index)
    if db is target:
        raise CommandError("ERR source and destination objects are the same")
    value = ctx.lookup(key)
    if value is None or _present(ctx, target, key) is not None:
        return 0
    deadline = db.expires.get(key)
    db.delete(key)
    target.place(key, value, deadline)
    ctx.modified(key, "move_from")
    modified_in(ctx, target, key, "move_to")
    ctx.server.dirty -= 1
    return 1


class _CopyOptions(Options):
    """Where COPY puts the copy."""

    index: Annotated[int | None, Option("DB", _Index.named("destination-db"))] = None
    replace: Annotated[bool, Flag("REPLACE")] = False


@group.command(
    "COPY", Key("RO access"), Key("OW update"), _CopyOptions, flags=WRITE | DENYOOM, since="6.2.0",
    names="source destination {}",
    databases=Databases(word=b"DB"),
)
def copy(ctx: Context, key: bytes, new: bytes, *words: bytes) -> int:
    """Copy a value with its deadlines; 0 when there is none or the new key is taken.

    Checked in the server's order: options, same key, the key, the new key.
    """
    options = _CopyOptions.parse(ctx, words)
    target = ctx.db if options.index is None else ctx.server.select(options.index)
    if key == new and target is ctx.db:
        raise CommandError("ERR source and destination objects are the same")
    value = lookup_any(ctx, key)
    if value is None:
        return 0
    taken = ctx.lookup(new) if target is ctx.db else _present(ctx, target, new)
    if taken is not None and not options.replace:
        return 0
    if getattr(value, "cannot_be_copied", False):
        raise CommandError(errors.NOT_COPIED)
    gone = target.data.get(new) if server_tells(ctx) else None
    target.place(new, _copied(value), ctx.db.expires.get(key))
    modified_in(ctx, target, new, "copy_to")
    tell_overwritten(ctx, target, new, gone)
    return 1


def _copied(value: Any) -> Any:
    if type(value) is bytes:
        return value
    return value.duplicate() if hasattr(value, "duplicate") else value.copy()
