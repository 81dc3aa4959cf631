"""Watching and ending: MONITOR, SHUTDOWN."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, NoReturn

from fakeredis import errors
from fakeredis.commands.arguments import Flag, OneOf, Options, Token
from fakeredis.commands.registry import ALLOW_BUSY, CONNECTION, HAZARD, NO_MULTI, SERVER_WIDE
from fakeredis.commands.server.common import ADMIN_ONLY, group
from fakeredis.engine.core import switches
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import NO_REPLY, OK
from fakeredis.engine.features import monitor_mode
from fakeredis.engine.lua import busy
from fakeredis.errors import CommandError, ConnectionLost

if TYPE_CHECKING:
    from fakeredis.engine.core.server import Server


@group.command("MONITOR", flags=ADMIN_ONLY | CONNECTION | HAZARD)
def monitor(ctx: Context) -> Any:
    """Show this session every command from now on."""
    session, server = ctx.session, ctx.server
    if session.deny_blocking:
        raise CommandError("ERR MONITOR isn't allowed for DENY BLOCKING client")
    if session in server.monitors:
        return NO_REPLY
    monitor_mode.start(session)
    return OK


class _ShutdownOptions(Options):
    """How SHUTDOWN ends the server."""

    save_selector: Annotated[str, OneOf(NOSAVE=Token, SAVE=Token)] = ""
    now: Annotated[bool, Flag("NOW", "7.0.0")] = False
    force: Annotated[bool, Flag("FORCE", "7.0.0")] = False
    abort: Annotated[bool, Flag("ABORT", "7.0.0")] = False


@group.command(
    "SHUTDOWN", _ShutdownOptions, since="1.0.0",
    flags=ADMIN_ONLY | NO_MULTI | ALLOW_BUSY | CONNECTION | HAZARD | SERVER_WIDE,
)
def shutdown(ctx: Context, *words: bytes) -> Any:
    """Close all connections; no new one is answered until ``server.connected`` is set again."""
    options = _ShutdownOptions.parse(ctx, words)
    if options.abort and len(words) > 1:
        raise CommandError(errors.SYNTAX)
    if options.abort:
        raise CommandError("ERR No shutdown in progress.")
    server = ctx.server
    if server.switched & switches.BUSY and options.save_selector != "NOSAVE":
        raise busy.busy_error(server)
    go_down(server)


def go_down(server: Server) -> NoReturn:
    """Close all connections; the server is down until ``server.connected`` is set again.

    Raises:
        ConnectionLost: always.
    """
    server.switch_on(switches.DOWN)
    for session in list(server.sessions.values()):
        session.close()
    raise ConnectionLost("Connection closed by server.")
