"""CLIENT PAUSE: commands that wait for the end of a pause, and which ones do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from fakeredis.engine.command.command import READONLY, REPLICATES, RUNS_QUEUE, WRITE
from fakeredis.engine.core import blocking, switches
from fakeredis.engine.core.replies import BLOCKED
from fakeredis.engine.core.road import Check, Origin
from fakeredis.engine.lua import functions
from fakeredis.errors import CommandError

if TYPE_CHECKING:
    from fakeredis.engine.command.command import Command
    from fakeredis.engine.core.server import Server
    from fakeredis.engine.core.session import Session
    from fakeredis.engine.lua.frame import Runnable



class Pause:
    """A pause that someone asked for."""

    __slots__ = ("until", "everything")

    def __init__(self, until: int, everything: bool) -> None:
        self.until = until  # milliseconds since the epoch
        self.everything = everything


def begin(server: Server, until: int, everything: bool) -> None:
    """Pause writes or everything; a running pause is never shortened nor weakened."""
    current: Pause | None = server.pause
    if current is not None:
        until = max(until, current.until)
        everything = everything or current.everything
    server.pause = Pause(until, everything)
    server.switch_on(switches.PAUSED, _CHECK)


def end(server: Server) -> None:
    """End a pause now, and run what waited for that."""
    server.switch_off(switches.PAUSED)
    server.pause = None
    for session in list(server.waiting):
        wait = session.wait
        if type(wait) is _Postponed:
            blocking.time_out(wait)


def is_on(server: Server) -> bool:
    """Whether a pause is not over: until then nothing is removed, though it may have expired."""
    current: Pause | None = server.pause
    return current is not None and current.until > server.clock.milliseconds()


def applies(session: Session, command: Command, args: Sequence[bytes]) -> bool:
    """Whether a pause that is not over holds back this command."""
    server = session.server
    current = server.pause
    assert current is not None
    if current.until <= server.clock.milliseconds():
        end(server)
        return False
    return current.everything or may_write(session, command, args)


def holds_up(
    session: Session, batch: Iterable[tuple[Command, Sequence[bytes]]]
) -> bool:
    """Whether one of a pipeline's commands would have to wait for the end of the pause."""
    server = session.server
    current = server.pause
    if current is None or current.until <= server.clock.milliseconds():
        return False
    return current.everything or any(_may_write(server, *each) for each in batch)


def may_write(session: Session, command: Command, args: Sequence[bytes]) -> bool:
    """Whether a command, or one of a transaction's, may change or publish something."""
    if command.flags & RUNS_QUEUE:
        return any(_may_write(session.server, *queued) for queued in session.queue)
    return _may_write(session.server, command, args)


def _may_write(server: Server, command: Command, args: Sequence[bytes]) -> bool:
    runs = command.declaration.runs
    if runs and not command.flags & READONLY:
        return not _is_read_only(server, runs, args[0])
    return bool(command.flags & (WRITE | REPLICATES))


def _is_read_only(server: Server, runs: str, word: bytes) -> bool:
    """Whether a script or function says that it writes nothing."""
    if runs == "source":
        return word.startswith(b"#!") and b"no-writes" in word.partition(b"\n")[0]
    if runs == "sha1":
        scripts = server.scripting
        found: Runnable | None = scripts.scripts.get(word.lower()) if scripts is not None else None
    else:
        known = functions.known(server)
        found = known.by_name.get(word.lower()) if known is not None else None
    return found is not None and bool(found.read_only)


def is_postponed(session: Session) -> bool:
    """Whether what a session waits for is the end of a pause."""
    return type(session.wait) is _Postponed


class _Postponed(blocking.Wait):
    """The wait of a command that has not run yet."""

    counted = False

    __slots__ = ()


def _postpone(session: Session, command: Command, args: Sequence[bytes]) -> Any:
    """Make a command wait for the end of the pause; its reply comes through the outbox."""
    current = session.server.pause
    assert current is not None

    def run() -> Any:
        blocking.leave(wait)
        try:
            return session.call(command, args)
        except CommandError as error:
            return error

    wait = _Postponed(session, command, args, session.ctx.db, (), current.until, run)
    blocking.enter(wait)
    return BLOCKED


def _gate(session: Session, command: Command, args: Sequence[bytes]) -> Any:
    return _postpone(session, command, args) if applies(session, command, args) else None


_CHECK: Final = Check({Origin.CLIENT: _gate})
