"""Commands about the server itself: Redis's "server" group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from fakeredis import errors
from fakeredis.commands.arguments import Many, Raw, Rest
from fakeredis.commands.help import help_lines
from fakeredis.commands.registry import (
    ADMIN,
    FAST,
    LOADING,
    NO_ASYNC_LOADING,
    NO_MULTI,
    NOSCRIPT,
    READONLY,
    STALE,
    WRITE,
    Group,
)
from fakeredis.datatypes.numbers import parse_int
from fakeredis.engine import info
from fakeredis.engine.context import Context
from fakeredis.engine.replies import MAP, OK, Status, Verbatim
from fakeredis.errors import CommandError

if TYPE_CHECKING:
    from fakeredis.engine.database import Database

group = Group("server")

_DANGEROUS_WRITE: Final = ("keyspace", "write", "dangerous")
_KEYSPACE_READ: Final = ("keyspace", "read", "fast")
_ADMIN: Final = ADMIN | NOSCRIPT | LOADING | STALE
_HELP: Final = LOADING | STALE


# Databases --------------------------------------------------------------------------------------


@group.command("DBSIZE", flags=READONLY | FAST, acl=_KEYSPACE_READ)
def dbsize(ctx: Context) -> int:
    """How many keys the selected database has."""
    return len(ctx.db.data)


def _check_flush(words: Sequence[bytes]) -> None:
    if len(words) > 1 or (words and words[0].upper() not in (b"ASYNC", b"SYNC")):
        raise CommandError(errors.SYNTAX)


def _flush(ctx: Context, db: Database) -> None:
    """Empty a database; whoever watched or waited for one of its keys learns of it."""
    server, data = ctx.server, db.data
    server.dirty += len(data)
    for key in list(db.watchers):
        if key in data:
            server.touch_watchers(db, key)
    server.ready += [(db, key) for key in db.blocked if key in data]
    db.clear()


@group.command("FLUSHDB", Rest(), flags=WRITE, acl=(*_DANGEROUS_WRITE, "slow"))
def flushdb(ctx: Context, words: list[bytes]) -> Status:
    """Remove all keys of the selected database."""
    _check_flush(words)
    _flush(ctx, ctx.db)
    return OK


@group.command("FLUSHALL", Rest(), flags=WRITE, acl=(*_DANGEROUS_WRITE, "slow"))
def flushall(ctx: Context, words: list[bytes]) -> Status:
    """Remove all keys of all databases."""
    _check_flush(words)
    for db in ctx.server.databases.values():
        _flush(ctx, db)
    ctx.server.deadlines.clear()
    return OK


@group.command(
    "SWAPDB", Raw, Raw, flags=WRITE | FAST, since="4.0.0", acl=(*_DANGEROUS_WRITE, "fast")
)
def swapdb(ctx: Context, first: bytes, second: bytes) -> Status:
    """Exchange the contents of two databases.

    Checked in the server's order: first number, second number, their ranges.
    """
    one, other = parse_int(first), parse_int(second)
    if one is None or not -(1 << 31) <= one < 1 << 31:
        raise CommandError("ERR invalid first DB index")
    if other is None or not -(1 << 31) <= other < 1 << 31:
        raise CommandError("ERR invalid second DB index")
    server = ctx.server
    here, there = server.select(one), server.select(other)
    server.dirty += 1
    if here is not there:
        for db in (here, there):
            _announce_swap(ctx, db, {**here.data, **there.data})
        for name in ("data", "expires", "field_deadlines", "order"):
            mine, theirs = getattr(here, name), getattr(there, name)
            setattr(here, name, theirs)
            setattr(there, name, mine)
        server.trim_deadlines()  # its entries name databases
    return OK


def _announce_swap(ctx: Context, db: Database, keys: dict[bytes, Any]) -> None:
    """Tell those who watch or wait for a key that either database has."""
    for key in list(db.watchers):
        if key in keys:
            ctx.server.touch_watchers(db, key)
    ctx.server.ready += [(db, key) for key in db.blocked if key in keys]


# Facts about the server -------------------------------------------------------------------------


@group.command("INFO", Rest(), flags=LOADING | STALE, acl=("slow", "dangerous"))
def info_(ctx: Context, sections: list[bytes]) -> Verbatim:
    """Facts and statistics, by sections."""
    names = [name.decode("utf-8", "replace") for name in sections]
    return Verbatim(info.report(ctx.server, names).encode())


@group.command("TIME", flags=LOADING | STALE | FAST, since="2.6.0")
def time_(ctx: Context) -> list[bytes]:
    """The server's time: seconds since the epoch, and microseconds beyond them."""
    seconds, micros = divmod(round(ctx.server.clock.seconds() * 1_000_000), 1_000_000)
    return [b"%d" % seconds, b"%d" % micros]


@group.command(
    "ROLE", flags=NOSCRIPT | LOADING | STALE | FAST, since="2.8.12",
    acl=("fast", "admin", "dangerous"),
)  # fmt: skip
def role(ctx: Context) -> list[Any]:
    """A master without replicas."""
    return [b"master", 0, []]


# Saving: there is no file, so that only the time of it is kept ------------------------------------


@group.command(
    "LASTSAVE", flags=LOADING | STALE | FAST, acl=("fast", "admin", "dangerous")
)
def lastsave(ctx: Context) -> int:
    """When the data were last saved, in seconds since the epoch."""
    return ctx.server.last_save


def _saved(ctx: Context) -> None:
    server = ctx.server
    server.last_save = int(server.clock.seconds())
    server.dirty = 0
    server.extra["saves"] = server.extra.get("saves", 0) + 1


@group.command("SAVE", flags=ADMIN | NOSCRIPT | NO_ASYNC_LOADING | NO_MULTI)
def save(ctx: Context) -> Status:
    """Note the time as that of the last save."""
    _saved(ctx)
    return OK


@group.command("BGSAVE", Rest(), flags=ADMIN | NOSCRIPT | NO_ASYNC_LOADING)
def bgsave(ctx: Context, words: list[bytes]) -> Status:
    """Note the time as that of the last save; it is over at once."""
    if len(words) > 1 or (words and words[0].upper() != b"SCHEDULE"):
        raise CommandError(errors.SYNTAX)
    _saved(ctx)
    return Status(b"Background saving started")


@group.command("BGREWRITEAOF", flags=ADMIN | NOSCRIPT | NO_ASYNC_LOADING)
def bgrewriteaof(ctx: Context) -> Status:
    """Say that the append only file is being rewritten; there is none."""
    return Status(b"Background append only file rewriting started")


# Configuration ----------------------------------------------------------------------------------

group.container("CONFIG", since="2.0.0")


@group.command("CONFIG GET", Many(Raw), flags=_ADMIN, since="2.0.0", reply=MAP)
def config_get(ctx: Context, patterns: list[bytes]) -> dict[bytes, bytes]:
    """The parameters that match one of the patterns, with their values."""
    return ctx.server.config.matching(patterns)


@group.command("CONFIG SET", Many(Raw, Raw), flags=_ADMIN, since="2.0.0")
def config_set(ctx: Context, words: list[bytes]) -> Status:
    """Change parameters; none when one of them is refused."""
    if len(words) % 2:
        raise CommandError(errors.SYNTAX)
    ctx.server.config.set(list(zip(words[::2], words[1::2], strict=True)))
    return OK


@group.command("CONFIG RESETSTAT", flags=_ADMIN, since="2.0.0")
def config_resetstat(ctx: Context) -> Status:
    """Set the statistics of INFO back to zero."""
    ctx.server.reset_statistics()
    return OK


@group.command("CONFIG REWRITE", flags=_ADMIN, since="2.8.0")
def config_rewrite(ctx: Context) -> Status:
    """Refused: there is no configuration file."""
    raise CommandError("ERR The server is running without a config file")


@group.command("CONFIG HELP", flags=_HELP, since="5.0.0", acl=("slow",))
def config_help(ctx: Context) -> list[Status]:
    """What the subcommands do."""
    return help_lines(ctx)
