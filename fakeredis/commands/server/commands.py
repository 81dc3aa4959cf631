"""What COMMAND tells of commands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final

from fakeredis.commands.arguments import OneOf, Option, Options, Raw, Rest, Token
from fakeredis.commands.registry import MODULE, Command
from fakeredis.commands.server.common import HELP_FLAGS, group
from fakeredis.datatypes.glob import matcher
from fakeredis.engine.command import info as declared
from fakeredis.engine.command.help import help_lines
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import DEEP, SetReply, Status

_COMMAND_ACL: Final = ("slow", "connection")


def _find(ctx: Context, name: bytes) -> Command | None:
    """A command by its name, or a subcommand by ``container|name``."""
    container, bar, sub = name.partition(b"|")
    command = ctx.server.table.find(container)
    if command is None or not bar:
        return command
    return (command.subcommands or {}).get(sub.upper())


@group.command(
    "COMMAND", Rest(), flags=HELP_FLAGS, since="2.8.13", reply=DEEP, acl=_COMMAND_ACL, arity=-1,
    varies="always", tips="nondeterministic_output_order",
)
def command_(ctx: Context, words: list[bytes]) -> list[Any]:
    """The facts about all commands."""
    log = ctx.traits.slow_log
    return [declared.describe(command, log) for command in ctx.server.table.commands()]


@group.command("COMMAND COUNT", flags=HELP_FLAGS, since="2.8.13", acl=_COMMAND_ACL, varies="always")
def command_count(ctx: Context) -> int:
    """How many commands there are."""
    return len(ctx.server.table.commands())


@group.command(
    "COMMAND INFO", Rest(), flags=HELP_FLAGS, since="2.8.13", reply=DEEP, acl=_COMMAND_ACL,
    varies="always", tips="nondeterministic_output_order", names="[command-name+]",
)
def command_info(ctx: Context, names: list[bytes]) -> list[Any]:
    """The facts about some commands, null for unknown ones; without names about all."""
    if not names:
        return command_(ctx, names)
    found = [_find(ctx, name) for name in names]
    log = ctx.traits.slow_log
    return [None if command is None else declared.describe(command, log) for command in found]


@group.command(
    "COMMAND DOCS", Rest(), flags=HELP_FLAGS, since="7.0.0", reply=DEEP, acl=_COMMAND_ACL,
    varies="always", tips="nondeterministic_output_order", names="[command-name+]",
)
def command_docs(ctx: Context, names: list[bytes]) -> dict[bytes, Any]:
    """The documentation of some commands, or of all."""
    found = [_find(ctx, name) for name in names] if names else ctx.server.table.commands()
    return {
        declared.shown_name(command): declared.document(command, ctx.server.profile)
        for command in found if command is not None
    }


class _ListOptions(Options):
    """Which commands COMMAND LIST names."""

    filter_by: Annotated[tuple[str, bytes] | None, Option(
        "FILTERBY", OneOf(MODULE=Token, ACLCAT=Token, PATTERN=Token), Raw, once=True
    )] = None


@group.command(
    "COMMAND LIST", _ListOptions, flags=HELP_FLAGS, since="7.0.0", acl=_COMMAND_ACL,
    varies="always", tips="nondeterministic_output_order",
    names="[FILTERBY=filterby<MODULE=module-name|ACLCAT=category|PATTERN=pattern:pattern>]",
)
def command_list(ctx: Context, *words: bytes) -> list[bytes]:
    """The names of all commands, or of those that a filter lets through."""
    filter_by = _ListOptions.parse(ctx, words).filter_by
    tops = ctx.server.table.commands()
    with_subs = [one for top in tops for one in (top, *declared.subcommands_of(top))]
    if filter_by is None:
        return [declared.shown_name(command) for command in with_subs]
    kind, wanted = filter_by
    if kind == "PATTERN":
        matches = matcher(wanted, nocase=True)
        names = [declared.shown_name(command) for command in with_subs]
        return [name for name in names if matches(name)]
    if kind == "MODULE":
        module = wanted.lower().decode("utf-8", "replace")
        return [
            declared.shown_name(one) for one in tops
            if one.flags & MODULE and declared.module_of(one).lower() == module
        ]
    category = wanted.lower().decode("utf-8", "replace")
    return [
        declared.shown_name(one) for one in with_subs if category in one.declaration.categories()
    ]


def _call_keys(ctx: Context, words: Sequence[bytes]) -> list[tuple[bytes, list[str]]]:
    command = ctx.server.table.find(words[0])
    if command is not None and command.subcommands and len(words) > 1:
        command = command.subcommands.get(words[1].upper())
    return declared.keys_with_flags(command, words)


@group.command(
    "COMMAND GETKEYS", Rest(1), flags=HELP_FLAGS, since="2.8.13", acl=_COMMAND_ACL,
    names="command [arg+]",
)
def command_getkeys(ctx: Context, words: list[bytes]) -> list[bytes]:
    """The keys of a call."""
    return [key for key, _ in _call_keys(ctx, words)]


@group.command(
    "COMMAND GETKEYSANDFLAGS", Rest(1), flags=HELP_FLAGS, since="7.0.0", acl=_COMMAND_ACL,
    reply=DEEP, names="command [arg+]",
)
def command_getkeysandflags(ctx: Context, words: list[bytes]) -> list[Any]:
    """The keys of a call, each with what the command does to it."""
    return [
        [key, SetReply(Status(flag.encode()) for flag in flags)]
        for key, flags in _call_keys(ctx, words)
    ]


@group.command("COMMAND HELP", flags=HELP_FLAGS, since="5.0.0", acl=_COMMAND_ACL)
def command_help(ctx: Context) -> list[Status]:
    """What the subcommands do."""
    return help_lines(ctx)
