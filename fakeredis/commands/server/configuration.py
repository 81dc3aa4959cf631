"""CONFIG."""

from __future__ import annotations

from fakeredis import errors
from fakeredis.commands.arguments import Many, Raw
from fakeredis.commands.registry import SERVER_WIDE, Secrets
from fakeredis.commands.server.common import ADMIN_ONLY, HELP_FLAGS, group
from fakeredis.engine.command.help import help_lines
from fakeredis.engine.core import switches
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import MAP, OK, Status
from fakeredis.engine.features import latency, memory
from fakeredis.errors import CommandError

group.container("CONFIG", since="2.0.0")


def _one_parameter(ctx: Context, words: list[bytes], count: int) -> None:
    """Refuse more than one parameter where the server takes only one."""
    if len(words) > count and not ctx.traits.several_parameters:
        raise ctx.wrong_arity()


@group.command(
    "CONFIG GET", Many(Raw), flags=ADMIN_ONLY, since="2.0.0", reply=MAP, form="^parameter*",
    varies="always", names="parameter+",
)
def config_get(ctx: Context, patterns: list[bytes]) -> dict[bytes, bytes]:
    """The parameters that match one of the patterns, with their values."""
    _one_parameter(ctx, patterns, 1)
    return ctx.server.config.matching(patterns)


@group.command(
    "CONFIG SET", Many(Raw, Raw), flags=ADMIN_ONLY | SERVER_WIDE, since="2.0.0",
    form="(^parameter value)~",
    secrets=Secrets({b"REQUIREPASS": 1, b"MASTERAUTH": 1, b"MASTERUSER": 1}),
    tips="request_policy:all_nodes response_policy:all_succeeded", names="data(parameter value)+",
)
def config_set(ctx: Context, words: list[bytes]) -> Status:
    """Change parameters; none when one of them is refused."""
    _one_parameter(ctx, words, 2)
    if len(words) % 2:
        raise CommandError(errors.SYNTAX)
    server = ctx.server
    was_timed = server.switched & switches.TIMED
    server.config.set(list(zip(words[::2], words[1::2], strict=True)))
    if server.switched & switches.LIMITED:
        memory.make_room(server)
    if server.switched & switches.TIMED and not was_timed:
        latency.note_running(ctx, 0.0)
    return OK


@group.command(
    "CONFIG RESETSTAT", flags=ADMIN_ONLY | SERVER_WIDE, since="2.0.0",
    tips="request_policy:all_nodes response_policy:all_succeeded",
)
def config_resetstat(ctx: Context) -> Status:
    """Set the statistics of INFO back to zero."""
    ctx.server.reset_statistics()
    assert ctx.command is not None
    ctx.server.calls[ctx.command] += 1  # this very call is the first
    return OK


@group.command(
    "CONFIG REWRITE", flags=ADMIN_ONLY | SERVER_WIDE, since="2.8.0",
    tips="request_policy:all_nodes response_policy:all_succeeded",
)
def config_rewrite(ctx: Context) -> Status:
    """Refused: there is no configuration file."""
    raise CommandError("ERR The server is running without a config file")


@group.command("CONFIG HELP", flags=HELP_FLAGS, since="5.0.0", acl=("slow",))
def config_help(ctx: Context) -> list[Status]:
    """What the subcommands do."""
    return help_lines(ctx)
