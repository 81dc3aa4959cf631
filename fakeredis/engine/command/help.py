"""The replies of the HELP subcommands, made from the declarations themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fakeredis.engine.command.command import Command
from fakeredis.engine.core.replies import Status
from fakeredis.lazy import Lazy

if TYPE_CHECKING:
    from fakeredis.engine.command.interfaces import Running

_HEAD: Final = "%s <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"


def first_line(command: Command) -> str:
    """What a command does, in a line: the beginning of its handler's documentation."""
    handler = command.declaration.handler or command.handler
    documentation = (handler.load() if isinstance(handler, Lazy) else handler).__doc__ or ""
    return documentation.strip().partition("\n")[0]


def help_lines(ctx: Running) -> list[Status]:
    """The subcommands of the container whose HELP runs, each with a line of its own."""
    assert ctx.command is not None
    container = ctx.server.table.find(ctx.command.parts[0])
    assert container is not None
    subcommands = container.subcommands or {}
    lines = [_HEAD % container.name]
    for command in sorted(set(subcommands.values()), key=lambda one: one.name):
        if command is not ctx.command:
            lines += [command.parts[1].decode(), f"    {first_line(command)}"]
    lines += ["HELP", "    Print this help."]
    return [Status(line.encode()) for line in lines]
