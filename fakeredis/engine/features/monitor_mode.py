"""MONITOR: sessions that are shown every command, and may do little else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from fakeredis import errors
from fakeredis.engine.command.command import ADMIN, READONLY, SKIP_MONITOR, Command
from fakeredis.engine.core import dispatch, switches
from fakeredis.engine.core.replies import Status
from fakeredis.engine.core.road import Check, Go, Origin
from fakeredis.engine.features import pause
from fakeredis.errors import CommandError

if TYPE_CHECKING:
    from fakeredis.engine.core.server import Server
    from fakeredis.engine.core.session import Session


def start(session: Session) -> None:
    """Show a session every command from now on."""
    session.server.monitors[session] = None
    session.server.switch_on(switches.MONITORED, _CHECK)


def _gate(session: Session, command: Command, args: Sequence[bytes]) -> Any:
    """What a session in MONITOR may not run itself."""
    if session not in session.server.monitors:
        return None
    if command.flags & READONLY or pause.may_write(session, command, args):
        return CommandError(errors.MONITOR_ONLY)
    return None


def _layer(server: Server, origin: Origin, go: Go) -> Go:
    """Show commands when they have ended, but scripts before they run."""

    def run(session: Session, command: Command, args: Sequence[bytes]) -> Any:
        if command.flags & ADMIN:
            return go(session, command, args)
        if command.flags & SKIP_MONITOR:  # the script shows itself
            _feed(server, session, command, args)
            return go(session, command, args)
        try:
            return go(session, command, args)
        finally:
            _feed(server, session, command, args)

    return run


def _feed(server: Server, session: Session, command: Command, args: Sequence[bytes]) -> None:
    """Show a command to the sessions in MONITOR."""
    shown = dispatch.shown_words(command, args)
    words = b" ".join(b'"' + dispatch.escape(word) + b'"' for word in shown)
    source = "lua" if session.via == "script" else session.address
    head = f"{server.clock.seconds():.6f} [{session.db} {source}] ".encode()
    for monitor in list(server.monitors):
        monitor.push(Status(head + words))


_CHECK: Final = Check({Origin.CLIENT: _gate}, _layer)
