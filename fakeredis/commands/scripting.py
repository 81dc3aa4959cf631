"""Lua scripts: Redis's "scripting" group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final

from fakeredis import errors
from fakeredis.commands.arguments import (
    KeySpec,
    OneOf,
    Options,
    Raw,
    Rest,
    Token,
    counted,
    index,
    word_of,
)
from fakeredis.commands.registry import (
    ALLOW_BUSY,
    KEPT,
    LOADING,
    MOVABLEKEYS,
    NO_MANDATORY_KEYS,
    NOSCRIPT,
    READONLY,
    SERVER_WIDE,
    SKIP_MONITOR,
    STALE,
    Group,
)
from fakeredis.datatypes.numbers import parse_int
from fakeredis.engine.core import dispatch
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import OK, Shape, Status
from fakeredis.engine.lua import busy, frame, scripting, values
from fakeredis.errors import CommandError

group = Group("scripting")
group.container("SCRIPT", since="2.6.0")

EVAL_FLAGS: Final = NOSCRIPT | STALE | SKIP_MONITOR | MOVABLEKEYS | NO_MANDATORY_KEYS
EVAL_REPLY: Final = Shape(values.resp2, values.resp3)


def _count(args: Sequence[bytes]) -> int:
    """How many keys a call announces."""
    count = parse_int(args[1])
    if count is None:
        raise CommandError(errors.NOT_INTEGER)
    if count > len(args) - 2:
        raise CommandError(errors.NUMKEYS_TOO_MANY)
    if count < 0:
        raise CommandError(errors.NUMKEYS_NEGATIVE)
    return count


def _eval(ctx: Context, words: list[bytes], read_only: bool) -> Any:
    count = _count(words)
    scripts = scripting.scripting_of(ctx.server)
    script = scripts.load(words[0])
    if script.flags is not None:
        frame.check_flags(ctx.session, script, read_only)
    return scripts.run(ctx.session, script, words[2:], count, read_only)


def _evalsha(ctx: Context, words: list[bytes], read_only: bool) -> Any:
    if len(words[0]) != 40:
        raise scripting.no_script(ctx.traits.script_engines)
    count = _count(words)
    scripts: scripting.Scripting | None = ctx.server.scripting
    if scripts is None:
        raise scripting.no_script(ctx.traits.script_engines)
    script = scripts.find(words[0])
    if script.flags is not None:
        frame.check_flags(ctx.session, script, read_only)
    return scripts.run(ctx.session, script, words[2:], count, read_only)


# How the keys will be used nobody can tell.
SCRIPT_KEYS: Final = (KeySpec("RW access update", index(2), counted()),)
READING_SCRIPT_KEYS: Final = (KeySpec("RO access", index(2), counted()),)


@group.command(
    "EVAL", Rest(2), flags=EVAL_FLAGS, since="2.6.0", reply=EVAL_REPLY, specs=SCRIPT_KEYS,
    runs="source", names="script numkeys:integer [key:key0+] [arg+]",
)
def eval_(ctx: Context, words: list[bytes]) -> Any:
    """Run a script."""
    return _eval(ctx, words, False)


@group.command(
    "EVAL_RO", Rest(2), flags=EVAL_FLAGS | READONLY, since="7.0.0", reply=EVAL_REPLY,
    specs=READING_SCRIPT_KEYS, acl=("slow", "scripting"), runs="source",
    names="script numkeys:integer [key:key0+] [arg+]",
)
def eval_ro(ctx: Context, words: list[bytes]) -> Any:
    """Run a script that may not write."""
    return _eval(ctx, words, True)


@group.command(
    "EVALSHA", Rest(2), flags=EVAL_FLAGS, since="2.6.0", reply=EVAL_REPLY, specs=SCRIPT_KEYS,
    runs="sha1", names="sha1 numkeys:integer [key:key0+] [arg+]",
)
def evalsha(ctx: Context, words: list[bytes]) -> Any:
    """Run a script that the server has, by its SHA1."""
    return _evalsha(ctx, words, False)


@group.command(
    "EVALSHA_RO", Rest(2), flags=EVAL_FLAGS | READONLY, since="7.0.0", reply=EVAL_REPLY,
    specs=READING_SCRIPT_KEYS, acl=("slow", "scripting"), runs="sha1",
    names="sha1 numkeys:integer [key:key0+] [arg+]",
)
def evalsha_ro(ctx: Context, words: list[bytes]) -> Any:
    """Run a script that the server has and that may not write, by its SHA1."""
    return _evalsha(ctx, words, True)


@group.command(
    "SCRIPT LOAD", Raw, flags=NOSCRIPT | STALE | KEPT, since="2.6.0",
    tips="request_policy:all_nodes response_policy:all_succeeded", names="script",
)
def script_load(ctx: Context, source: bytes) -> bytes:
    """Keep a script; its SHA1."""
    return scripting.scripting_of(ctx.server).load(source, to_keep=True).name


@group.command(
    "SCRIPT EXISTS", Rest(1), flags=NOSCRIPT, since="2.6.0",
    tips="request_policy:all_shards response_policy:agg_logical_and", names="sha1+",
    flags_since=(STALE, {"valkey": "9.0.0"}),
)
def script_exists(ctx: Context, shas: list[bytes]) -> list[int]:
    """Which of these scripts the server has."""
    scripts: scripting.Scripting | None = ctx.server.scripting
    return [int(scripts is not None and sha.lower() in scripts.scripts) for sha in shas]


class _FlushOptions(Options):
    """When the memory is freed."""

    flush_type: Annotated[str, OneOf(
        ASYNC=Token.since("6.2.0"), SYNC=Token.since("6.2.0"), once=True
    )] = ""

    @classmethod
    def unknown(cls, ctx: Context, raw: bytes, left: int) -> CommandError:
        """It says what it knows."""
        return CommandError("ERR SCRIPT FLUSH only support SYNC|ASYNC option")


@group.command(
    "SCRIPT FLUSH", _FlushOptions, flags=NOSCRIPT | KEPT | SERVER_WIDE, since="2.6.0",
    tips="request_policy:all_nodes response_policy:all_succeeded",
    flags_since=(STALE, {"valkey": "9.0.0"}),
)
def script_flush(ctx: Context, *words: bytes) -> Any:
    """Forget all scripts."""
    _FlushOptions.parse(ctx, words)
    ctx.server.scripting = None
    return OK


@group.command(
    "SCRIPT KILL", flags=NOSCRIPT | ALLOW_BUSY | SERVER_WIDE, since="2.6.0",
    tips="request_policy:all_shards response_policy:one_succeeded",
)
def script_kill(ctx: Context) -> Status:
    """End the script that runs long."""
    busy.kill(ctx.server, functions=False)
    return OK


class _DebugOptions(Options, introduced={"valkey": "9.1.0"}, others="engines"):
    """Which engine's scripts are debugged."""

    engines: list[bytes] = []  # noqa: RUF012 (never changed: the words make a list of their own)


@group.command(
    "SCRIPT DEBUG", Raw, _DebugOptions, flags=NOSCRIPT | SERVER_WIDE, since="3.2.0",
    form="^mode {}", names="mode<YES|SYNC|NO> {}",
)
def script_debug(ctx: Context, mode: bytes, *words: bytes) -> Any:
    """Off is all that it can be: there is no debugger here, and who asks for one would wait."""
    if len(words) > 1:
        raise ctx.misused()
    if words and words[0].lower() != b"lua":
        name = words[0].decode("utf-8", "surrogateescape")
        raise CommandError(f"ERR No scripting engine found with name '{name}' to enable debug")
    if word_of(mode) not in (b"YES", b"SYNC", b"NO"):
        raise CommandError("ERR Use SCRIPT DEBUG YES/SYNC/NO")
    if mode.upper() != b"NO":
        raise CommandError("ERR the debugger of scripts is not implemented")
    return OK


@group.command("SCRIPT HELP", flags=LOADING | STALE, since="5.0.0")
def script_help(ctx: Context) -> list[Status]:
    """The subcommands."""
    return dispatch.help_reply("SCRIPT", (
        "DEBUG (YES|SYNC|NO)", "    Choose how the next scripts are debugged.",
        "EXISTS <sha1> [<sha1> ...]", "    Tell which scripts the server has.",
        "FLUSH [ASYNC|SYNC]", "    Forget all scripts.",
        "KILL", "    End the running script.",
        "LOAD <script>", "    Keep a script without running it.",
    ))
