"""Functions: FCALL and FUNCTION, of Redis's "scripting" group."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Final

from fakeredis import errors
from fakeredis.commands.arguments import Flag, OneOf, Option, Options, Raw, Rest, Token, word_of
from fakeredis.commands.registry import (
    ALLOW_BUSY,
    DENYOOM,
    LOADING,
    NOSCRIPT,
    READONLY,
    SERVER_WIDE,
    STALE,
    WRITE,
)
from fakeredis.commands.scripting import (
    EVAL_FLAGS,
    EVAL_REPLY,
    READING_SCRIPT_KEYS,
    SCRIPT_KEYS,
    group,
)
from fakeredis.datatypes.glob import matcher
from fakeredis.datatypes.numbers import parse_int
from fakeredis.engine import wording
from fakeredis.engine.core import dispatch
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import DEEP, OK, SetReply, Status
from fakeredis.engine.lua import busy, functions
from fakeredis.engine.lua.frame import check_flags
from fakeredis.engine.lua.functions import Function, Library
from fakeredis.engine.lua.shebang import FLAGS
from fakeredis.errors import CommandError
from fakeredis.lazy import LazyModule

if TYPE_CHECKING:
    from fakeredis.rdb import errors as rdb_errors
    from fakeredis.rdb import payload
else:
    payload = LazyModule("fakeredis.rdb.payload")
    rdb_errors = LazyModule("fakeredis.rdb.errors")

group.container("FUNCTION", since="7.0.0")

_CHANGES: Final = NOSCRIPT | WRITE
_POLICIES: Final = (b"FLUSH", b"APPEND", b"REPLACE")


# Calls ------------------------------------------------------------------------------------------


def _call(ctx: Context, words: list[bytes], read_only: bool) -> Any:
    function = functions.find(ctx.server, words[0])
    count = parse_int(words[1])
    if count is None:
        raise CommandError(functions.BAD_COUNT)
    if count > len(words) - 2:
        raise CommandError(errors.NUMKEYS_TOO_MANY)
    if count < 0:
        raise CommandError(errors.NUMKEYS_NEGATIVE)
    check_flags(ctx.session, function, read_only)
    return functions.functions_of(ctx.server).call(ctx.session, function, words[2:], count)


@group.command(
    "FCALL", Rest(2), flags=EVAL_FLAGS, since="7.0.0", reply=EVAL_REPLY, specs=SCRIPT_KEYS,
    runs="function", names="function numkeys:integer [key:key0+] [arg+]",
)
def fcall(ctx: Context, words: list[bytes]) -> Any:
    """Call a function.

    Checked in the server's order: the function, the number of keys, the function's flags.
    """
    return _call(ctx, words, False)


@group.command(
    "FCALL_RO", Rest(2), flags=EVAL_FLAGS | READONLY, since="7.0.0", reply=EVAL_REPLY,
    specs=READING_SCRIPT_KEYS, acl=("slow", "scripting"), runs="function",
    names="function numkeys:integer [key:key0+] [arg+]",
)
def fcall_ro(ctx: Context, words: list[bytes]) -> Any:
    """Call a function that declares that it changes nothing."""
    return _call(ctx, words, True)


# Libraries --------------------------------------------------------------------------------------


class _LoadOptions(Options, at_least=1):
    """Whether a library may take another one's place."""

    replace: Annotated[bool, Flag("REPLACE")] = False

    @classmethod
    def unknown(cls, ctx: Context, raw: bytes, left: int) -> CommandError:
        """It names the word."""
        return CommandError(f"ERR Unknown option given: {wording.clean(raw)}")


@group.command(
    "FUNCTION LOAD", _LoadOptions, flags=_CHANGES | DENYOOM, since="7.0.0",
    tips="request_policy:all_shards response_policy:all_succeeded", form="{} code",
    names="{} function-code",
)
def function_load(ctx: Context, *words: bytes) -> bytes:
    """Add a library; its name."""
    options = _LoadOptions.parse(ctx, words[:-1])
    name = functions.functions_of(ctx.server).load(words[-1], options.replace)
    ctx.server.dirty += 1
    return name


@group.command(
    "FUNCTION DELETE", Raw, flags=_CHANGES | SERVER_WIDE, since="7.0.0",
    tips="request_policy:all_shards response_policy:all_succeeded", names="library-name",
)
def function_delete(ctx: Context, name: bytes) -> Status:
    """Remove a library."""
    found = functions.known(ctx.server)
    if found is None:
        raise CommandError(functions.NO_LIBRARY)
    found.delete(name)
    ctx.server.dirty += 1
    return OK


class _FlushOptions(Options):
    """When the memory is freed."""

    flush_type: Annotated[str, OneOf(ASYNC=Token, SYNC=Token)] = ""

    @classmethod
    def unknown(cls, ctx: Context, raw: bytes, left: int) -> CommandError:
        """It says what it knows."""
        return CommandError("ERR FUNCTION FLUSH only supports SYNC|ASYNC option")


@group.command(
    "FUNCTION FLUSH", _FlushOptions, flags=_CHANGES | SERVER_WIDE, since="7.0.0",
    tips="request_policy:all_shards response_policy:all_succeeded",
)
def function_flush(ctx: Context, *words: bytes) -> Status:
    """Remove all libraries."""
    if len(words) > 1:
        raise ctx.misused()
    _FlushOptions.parse(ctx, words)
    functions.flush(ctx.server)
    ctx.server.dirty += 1
    return OK


class _ListOptions(Options):
    """Which libraries FUNCTION LIST shows."""

    pattern: Annotated[
        bytes, Option("LIBRARYNAME", Raw.named("library-name-pattern"), once=True)
    ] = b"*"
    with_code: Annotated[bool, Flag("WITHCODE", once=True)] = False

    @classmethod
    def unknown(cls, ctx: Context, raw: bytes, left: int) -> CommandError:
        """It names the word."""
        return CommandError(f"ERR Unknown argument {wording.clean(raw)}")

    @classmethod
    def lacking(cls, ctx: Context, raw: bytes, left: int) -> CommandError:
        """It says what it misses."""
        return CommandError("ERR library name argument was not given")


@group.command(
    "FUNCTION LIST", _ListOptions, flags=NOSCRIPT, since="7.0.0", reply=DEEP, varies="order",
    tips="nondeterministic_output_order",
)
def function_list(ctx: Context, *words: bytes) -> list[dict[bytes, Any]]:
    """The libraries and their functions; a pattern's case means nothing."""
    options = _ListOptions.parse(ctx, words)
    found = functions.known(ctx.server)
    libraries = [] if found is None else found.libraries.values()
    matches = matcher(options.pattern, nocase=True)
    return [_described(each, options.with_code) for each in libraries if matches(each.name)]


def _described(library: Library, with_code: bool) -> dict[bytes, Any]:
    found: dict[bytes, Any] = {
        b"library_name": library.name, b"engine": b"LUA",
        b"functions": [
            {b"name": each.name, b"description": each.description, b"flags": _flags(each)}
            for each in library.functions
        ],
    }
    if with_code:
        found[b"library_code"] = library.code
    return found


def _flags(function: Function) -> SetReply:
    declared = function.flags or ()
    return SetReply(Status(flag.encode()) for flag in FLAGS if flag in declared)


# Payloads ---------------------------------------------------------------------------------------


@group.command("FUNCTION DUMP", flags=NOSCRIPT, since="7.0.0", varies="always")
def function_dump(ctx: Context) -> bytes:
    """All libraries as bytes for FUNCTION RESTORE."""
    server = ctx.server
    return payload.dump_functions(
        functions.codes(server), server.limits, ctx.traits.rdb_version,
        server.config.boolean("rdbcompression"),
    )


@group.command(
    "FUNCTION RESTORE", Rest(1), flags=_CHANGES | DENYOOM | SERVER_WIDE, since="7.0.0",
    tips="request_policy:all_shards response_policy:all_succeeded", form="payload ^policy",
    names="serialized-value [policy<FLUSH|APPEND|REPLACE>]",
)
def function_restore(ctx: Context, words: list[bytes]) -> Status:
    """Add the libraries that FUNCTION DUMP gave.

    Checked in the server's order: the policy, the payload's footer, one library after the other,
    whether they go with those that are there.
    """
    if len(words) > 2:
        raise ctx.misused()
    policy = word_of(words[1]) if len(words) > 1 else b"APPEND"
    if policy not in _POLICIES:
        raise CommandError(
            "ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE."
        )
    if not payload.is_intact(words[0], ctx.traits.rdb_version):
        raise CommandError(errors.PAYLOAD_NOT_INTACT)
    functions.functions_of(ctx.server).restore(_codes(words[0]), policy)
    ctx.server.dirty += 1
    return OK


def _codes(data: bytes) -> Iterator[bytes]:
    try:
        yield from payload.load_functions(data)
    except rdb_errors.FormatError as error:
        raise CommandError(f"ERR {error.reason}") from None


# What runs --------------------------------------------------------------------------------------


@group.command(
    "FUNCTION STATS", flags=NOSCRIPT | ALLOW_BUSY, since="7.0.0", reply=DEEP, varies="always",
    tips="nondeterministic_output request_policy:all_shards response_policy:special",
)
def function_stats(ctx: Context) -> dict[bytes, Any]:
    """The function that runs long, and how many libraries and functions there are."""
    running = busy.running_function(ctx.server)
    found = functions.known(ctx.server)
    counts = (0, 0) if found is None else (len(found.libraries), len(found.by_name))
    return {
        b"running_script": running,
        b"engines": {b"LUA": {b"libraries_count": counts[0], b"functions_count": counts[1]}},
    }


@group.command(
    "FUNCTION KILL", flags=NOSCRIPT | ALLOW_BUSY | SERVER_WIDE, since="7.0.0",
    tips="request_policy:all_shards response_policy:one_succeeded",
)
def function_kill(ctx: Context) -> Status:
    """End the function that runs long."""
    busy.kill(ctx.server, functions=True)
    return OK


@group.command("FUNCTION HELP", flags=LOADING | STALE, since="7.0.0")
def function_help(ctx: Context) -> list[Status]:
    """The subcommands."""
    return dispatch.help_reply("FUNCTION", (
        "LOAD [REPLACE] <FUNCTION CODE>", "    Add a library; its first line names it.",
        "DELETE <LIBRARY NAME>", "    Remove a library.",
        "LIST [LIBRARYNAME PATTERN] [WITHCODE]", "    Show the libraries and their functions.",
        "STATS", "    Show the function that is running, and how many there are.",
        "KILL", "    End the running function.",
        "FLUSH [ASYNC|SYNC]", "    Remove all libraries.",
        "DUMP", "    Give all libraries as bytes.",
        "RESTORE <PAYLOAD> [FLUSH|APPEND|REPLACE]", "    Add the libraries that DUMP gave.",
    ))
