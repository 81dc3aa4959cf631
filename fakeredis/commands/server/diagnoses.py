"""Diagnoses and modules: nothing here is ever slow, and memory is only estimated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final

from fakeredis import errors
from fakeredis.commands.arguments import (
    Key,
    Option,
    Options,
    Raw,
    Remaining,
    Rest,
    integer,
    word_of,
)
from fakeredis.commands.registry import (
    ADMIN,
    FAST,
    LOADING,
    NO_ASYNC_LOADING,
    NO_TOUCH,
    NOSCRIPT,
    READONLY,
    SERVER_WIDE,
)
from fakeredis.commands.server.common import HELP_FLAGS, check_allowed, group
from fakeredis.datatypes.numbers import parse_int
from fakeredis.engine.command import modules
from fakeredis.engine.command.help import help_lines
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import DEEP, OK, Status, Verbatim
from fakeredis.engine.features import memory
from fakeredis.errors import CommandError

for _name in ("MEMORY", "MODULE"):
    group.container(_name, since="4.0.0")


class _UsageOptions(Options):
    """How many elements MEMORY USAGE looks at; 0 for all."""

    samples: Annotated[int, Option(
        "SAMPLES", integer(0, range_error=errors.SYNTAX).named("count")
    )] = 5


@group.command(
    "MEMORY USAGE", Key("RO"), _UsageOptions, flags=READONLY | NO_TOUCH, since="4.0.0",
    acl=("read", "slow"), varies="always",
)
def memory_usage(ctx: Context, key: bytes, *words: bytes) -> int | None:
    """An estimate of the bytes that a key takes; None when there is none."""
    samples = _UsageOptions.parse(ctx, words).samples
    value = ctx.lookup(key)
    if value is None:
        return None
    return memory.size_of(key, value, key in ctx.db.expires, ctx.server.limits, samples)


@group.command(
    "MEMORY PURGE", flags=SERVER_WIDE, since="4.0.0",
    tips="request_policy:all_shards response_policy:all_succeeded",
    flags_since=(LOADING, {"valkey": "8.1.0"}),
)
def memory_purge(ctx: Context) -> Status:
    """Give memory back; there is nothing to do."""
    return OK


@group.command(
    "MEMORY DOCTOR", since="4.0.0", varies="always",
    tips="nondeterministic_output request_policy:all_shards response_policy:special",
)
def memory_doctor(ctx: Context) -> Verbatim:
    """What the use of memory means."""
    if memory.used(ctx.server) < 5 << 20:
        return Verbatim(_ALMOST_EMPTY)
    return Verbatim(
        b"Hi Sam, I can't find any memory issue in your instance. I can only account for what "
        b"occurs on this base.\n"
    )


_ALMOST_EMPTY: Final = (
    b"Hi Sam, this instance is empty or is using very little memory, my issues detector can't be "
    b"used in these conditions. Please, leave for your mission on Earth and fill it with some data."
    b" The new Sam and I will be back to our programming as soon as I finished rebooting.\n"
)


@group.command(
    "MEMORY MALLOC-STATS", since="4.0.0", varies="always",
    tips="nondeterministic_output request_policy:all_shards response_policy:special",
    flags_since=(LOADING, {"valkey": "8.1.0"}),
)
def memory_malloc_stats(ctx: Context) -> Verbatim:
    """Statistics of the allocator, which is Python's."""
    return Verbatim(b"Stats not supported for the current allocator")


_MEMORY_ZEROS: Final = (
    b"replication.backlog", b"replica.fullsync.buffer", b"clients.slaves", b"clients.normal",
    b"cluster.links", b"aof.buffer", b"lua.caches", b"functions.caches", b"script.VMs",
)


@group.command(
    "MEMORY STATS", since="4.0.0", reply=DEEP, varies="always",
    tips="nondeterministic_output request_policy:all_shards response_policy:special",
)
def memory_stats(ctx: Context) -> dict[bytes, Any]:
    """Estimates of what takes how much memory."""
    server = ctx.server
    used, keys = memory.used(server), sum(len(db.data) for db in list(server.databases.values()))
    base = memory.BASE
    stats: dict[bytes, Any] = {
        b"peak.allocated": used, b"total.allocated": used, b"startup.allocated": base
    }
    stats |= dict.fromkeys(_MEMORY_ZEROS, 0)
    for index, db in sorted(server.databases.items()):
        if db.data:
            stats[b"db.%d" % index] = {
                b"overhead.hashtable.main": 48 * len(db.data),
                b"overhead.hashtable.expires": 24 * len(db.expires),
            }
    return stats | {
        b"overhead.db.hashtable.lut": 0, b"overhead.db.hashtable.rehashing": 0,
        b"overhead.total": base, b"db.dict.rehashing.count": 0, b"keys.count": keys,
        b"keys.bytes-per-key": (used - base) // keys if keys else 0,
        b"dataset.bytes": used - base, b"dataset.percentage": 100.0 if used > base else 0.0,
        b"peak.percentage": 100.0, b"allocator.allocated": used, b"allocator.active": used,
        b"allocator.resident": used, b"allocator.muzzy": 0,
        b"allocator-fragmentation.ratio": 1.0, b"allocator-fragmentation.bytes": 0,
        b"allocator-rss.ratio": 1.0, b"allocator-rss.bytes": 0, b"rss-overhead.ratio": 1.0,
        b"rss-overhead.bytes": 0, b"fragmentation": 1.0, b"fragmentation.bytes": 0,
    }


_MODULES: Final = ADMIN | NOSCRIPT
_NOT_LOADED: Final = "ERR Error loading the extension. Please check the server logs."


@group.command(
    "MODULE LIST", flags=_MODULES, since="4.0.0", reply=DEEP, varies="always",
    tips="nondeterministic_output_order",
)
def module_list(ctx: Context) -> list[dict[bytes, Any]]:
    """The modules, of which Redis 8 has some built in."""
    return modules.entries(ctx.server.table.modules, ctx.server.profile)


@group.command(
    "MODULE LOAD", Rest(1), flags=_MODULES | NO_ASYNC_LOADING | SERVER_WIDE, since="4.0.0",
    names="path [arg+]",
)
def module_load(ctx: Context, words: list[bytes]) -> Any:
    """Refused: no module can be loaded into a process of Python."""
    check_allowed(ctx, "MODULE", "enable-module-command")
    raise CommandError(_NOT_LOADED)


class _LoadexOptions(Options):
    """What MODULE LOADEX would hand to a module; it comes to none."""

    config: Annotated[
        Sequence[tuple[bytes, bytes]], Option("CONFIG", Raw, Raw, many=True)
    ] = ()
    args: Annotated[Sequence[bytes], Option("ARGS", Remaining())] = ()


@group.command(
    "MODULE LOADEX", Raw, _LoadexOptions, flags=_MODULES | NO_ASYNC_LOADING | SERVER_WIDE,
    since="7.0.0", names="path [CONFIG=configs(name value)&] [ARGS=args+]",
)
def module_loadex(ctx: Context, path: bytes, *words: bytes) -> Any:
    """Refused: no module can be loaded into a process of Python."""
    check_allowed(ctx, "MODULE", "enable-module-command")
    raise CommandError(_NOT_LOADED)


@group.command(
    "MODULE UNLOAD", Raw, flags=_MODULES | NO_ASYNC_LOADING | SERVER_WIDE, since="4.0.0",
    names="name",
)
def module_unload(ctx: Context, name: bytes) -> Any:
    """Refused: there is nothing to unload."""
    check_allowed(ctx, "MODULE", "enable-module-command")
    if name in [module[b"name"] for module in module_list(ctx)]:
        raise CommandError("ERR Error unloading module: the module can't be unloaded")
    raise CommandError("ERR Error unloading module: no such module with that name")


@group.command("MEMORY HELP", flags=HELP_FLAGS, since="4.0.0", acl=("slow",))
def memory_help(ctx: Context) -> list[Status]:
    """What the subcommands do."""
    return help_lines(ctx)


@group.command("MODULE HELP", flags=HELP_FLAGS, since="5.0.0", acl=("slow",))
def module_help(ctx: Context) -> list[Status]:
    """What the subcommands do."""
    return help_lines(ctx)


@group.command(
    "LOLWUT", Rest(), flags=READONLY | FAST, since="5.0.0", acl=("read", "fast"), varies="always",
    form="{VERSION=1}", names="[VERSION=version:integer]",
)
def lolwut(ctx: Context, words: list[bytes]) -> Verbatim:
    """The server's version, without a work of art."""
    if len(words) > 1 and word_of(words[0]) == b"VERSION" and parse_int(words[1]) is None:
        raise CommandError(errors.NOT_INTEGER)
    profile = ctx.server.profile
    text = f"{profile.server_type.capitalize()} ver. {profile.version_text}\n"
    return Verbatim(text.encode())
