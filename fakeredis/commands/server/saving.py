"""Saving: there is no file, so only the time of it is kept."""

from __future__ import annotations

from typing import Annotated, Final

from fakeredis import errors
from fakeredis.commands.arguments import Flag, Options
from fakeredis.commands.registry import (
    ADMIN,
    FAST,
    HAZARD,
    LOADING,
    NO_ASYNC_LOADING,
    NO_MULTI,
    NOSCRIPT,
    SERVER_WIDE,
    STALE,
)
from fakeredis.commands.server.common import group
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import OK, Status
from fakeredis.errors import CommandError


@group.command(
    "LASTSAVE", flags=LOADING | STALE | FAST, acl=("fast", "admin", "dangerous"), varies="always",
    tips="nondeterministic_output",
)
def lastsave(ctx: Context) -> int:
    """When the data were last saved, in seconds since the epoch."""
    return ctx.server.last_save


def _saved(ctx: Context) -> None:
    server = ctx.server
    server.last_save = int(server.clock.seconds())
    server.dirty = 0
    server.saves = server.saves + 1


@group.command("SAVE", flags=ADMIN | NOSCRIPT | NO_ASYNC_LOADING | NO_MULTI | HAZARD | SERVER_WIDE)
def save(ctx: Context) -> Status:
    """Note the time as that of the last save."""
    _saved(ctx)
    return OK


_NOT_SAVING: Final = "ERR Background saving is currently not in progress or scheduled"


class _SaveOptions(Options):
    """Whether BGSAVE may come later; it never has to."""

    later: Annotated[bool, Flag("SCHEDULE", "3.2.2", once=True)] = False
    cancel: Annotated[bool, Flag("CANCEL", {"valkey": "8.1.0"}, once=True)] = False


@group.command(
    "BGSAVE", _SaveOptions, flags=ADMIN | NOSCRIPT | NO_ASYNC_LOADING | SERVER_WIDE,
)
def bgsave(ctx: Context, *words: bytes) -> Status:
    """Note the time as that of the last save; it is over at once."""
    if _SaveOptions.parse(ctx, words).cancel:
        raise CommandError(errors.SYNTAX if len(words) > 1 else _NOT_SAVING)
    _saved(ctx)
    return Status(b"Background saving started")


@group.command("BGREWRITEAOF", flags=ADMIN | NOSCRIPT | NO_ASYNC_LOADING | SERVER_WIDE)
def bgrewriteaof(ctx: Context) -> Status:
    """Say that the append only file is being rewritten; there is none."""
    ctx.server.rewrote_aof = True  # DEBUG LOADAOF finds a file then
    return Status(b"Background append only file rewriting started")
