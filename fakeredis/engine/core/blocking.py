"""Commands that wait: who waits for which keys, and serving them when the keys change.

The engine never sleeps.  A handler that must wait returns ``ctx.block(...)``; the shell around the
session (thread, event loop, socket) waits for the session's outbox.  The writer that makes a key
ready serves the waiting sessions before its own command returns, oldest first, by running their
handlers again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from fakeredis import errors
from fakeredis.engine.core import road, statistics
from fakeredis.engine.core.replies import BLOCKED, NO_REPLY
from fakeredis.errors import CommandError

if TYPE_CHECKING:
    from fakeredis.engine.command.command import Command
    from fakeredis.engine.core.database import Database
    from fakeredis.engine.core.server import Server
    from fakeredis.engine.core.session import Session


_SOON: Final = 0.001  # seconds: what is due by the server's clock is not there yet


class Wait:
    """What a blocked session waits for."""

    counted = True  # as a call, when it ends

    __slots__ = (
        "session", "command", "args", "db", "keys", "deadline", "end", "on_timeout", "kind",
        "recording",
    )

    def __init__(
        self, session: Session, command: Command, args: Sequence[bytes], db: Database,
        keys: Sequence[bytes], deadline: int | None, on_timeout: Callable[[], Any] | None,
        kind: type | None = None,
    ) -> None:
        self.session = session
        self.command = command
        self.args = args
        self.db = db
        self.keys = keys
        self.deadline = deadline  # milliseconds since the epoch; None waits for ever
        self.end = deadline  # the same, where the handler is only to run again at ``deadline``
        self.on_timeout = on_timeout  # gives the reply at the deadline; None replies null
        self.kind = kind  # the type of value it waits for; None for any
        self.recording: Any = None  # the spy's open record of this call

    def run_again_at(self, moment: int) -> None:
        """Run the handler again at a time, even when no key changes until then."""
        self.deadline = moment if self.end is None else min(moment, self.end)


def enter(wait: Wait) -> None:
    """Start waiting."""
    session = wait.session
    session.wait = wait
    session.server.waiting[session] = None
    for key in wait.keys:
        wait.db.blocked.setdefault(key, {})[session] = None
    wait.db.observe()


def leave(wait: Wait) -> None:
    """Stop waiting, for whatever reason."""
    session = wait.session
    if session.wait is wait:
        session.wait = None
        session.server.waiting.pop(session, None)
    for key in wait.keys:
        sessions = wait.db.blocked.get(key)
        if sessions is not None:
            sessions.pop(session, None)
            if not sessions:
                del wait.db.blocked[key]
    wait.db.observe()


def serve_ready(server: Server) -> None:
    """Serve the sessions whose keys the last command touched; what they do may ready more."""
    while server.ready:
        ready, server.ready = server.ready, []
        for db, key in dict.fromkeys(ready):
            for session in list(db.blocked.get(key, ())):
                wait = session.wait
                if wait is not None and wait.kind in (None, type(db.data.get(key))):
                    retry(wait)


def retry(wait: Wait) -> None:
    """Run a waiting command again; deliver its reply unless it still has to wait."""
    session = wait.session
    ctx = session.ctx
    ctx.retrying = True
    ctx.forget_time()
    try:
        reply = session.go_on(road.Origin.RETRY, wait.command, wait.args)
    except CommandError as error:
        statistics.failed(session.server, wait.command, error)
        reply = error.with_traceback(None)
    finally:
        ctx.retrying = False
    if reply is not BLOCKED:
        finish(wait, reply)


def finish(wait: Wait, reply: Any) -> None:
    """End the wait with a reply, which is already in the session's protocol."""
    leave(wait)
    server = wait.session.server
    if server.tracking is not None:
        server.tracking.forget_caching(wait.session)
    recorder = server.recorder
    if recorder is not None and wait.recording is not None:
        error = reply if isinstance(reply, CommandError) else None
        recorder.end(wait.recording, None if error else reply, error)
    if reply is not BLOCKED and reply is not NO_REPLY:
        wait.session.deliver(reply)


class Alarm:
    """When a shell looks at its session's wait again: all shells wait by it, each in its own way.

    What ends a wait is fixed in the shell's own time when that first sees it, for the server's
    clock may stand still. What only has the handler run again goes by the server's clock.

    Args:
        wait: that of the shell's session.
        now: the shell's time, in seconds.
    """

    __slots__ = ("wait", "_ends")

    def __init__(self, wait: Wait, now: float) -> None:
        self.wait = wait
        self._ends = None if wait.end is None else now + _seconds_to(wait, wait.end)

    def seconds(self, now: float) -> float | None:
        """How long the shell may sleep before `catch_up` of the server, and `ring`; None for ever.

        Args:
            now: the shell's time.
        """
        wait = self.wait
        left = None if self._ends is None else max(self._ends - now, 0.0)
        if wait.deadline is None or wait.deadline == wait.end:
            return left
        again = max(_seconds_to(wait, wait.deadline), _SOON)
        return again if left is None else min(again, left)

    def ring(self, now: float) -> None:
        """End the wait, if its time is over."""
        wait = self.wait
        if self._ends is not None and self._ends <= now:
            with wait.session.server.lock:
                if wait.session.wait is wait:
                    time_out(wait)


def _seconds_to(wait: Wait, deadline: int) -> float:
    """By the server's clock.

    A server ends a wait after its last millisecond, so that nobody has waited less than asked for.
    """
    return (deadline + 1) / 1000 - wait.session.server.clock.seconds()


def time_out(wait: Wait) -> None:
    """End the wait because its time is over."""
    if wait.counted:
        wait.session.server.calls[wait.command] += 1
    finish(wait, wait.command.null if wait.on_timeout is None else wait.on_timeout())


def unblock(session: Session, with_error: bool) -> bool:
    """CLIENT UNBLOCK: end a session's wait; whether it was waiting."""
    if session.wait is None:
        return False
    if with_error:
        error = CommandError(errors.UNBLOCKED)
        if session.wait.counted:
            session.server.calls[session.wait.command] += 1
        statistics.failed(session.server, session.wait.command, error)
        finish(session.wait, error)
    else:
        time_out(session.wait)
    return True


def check_deadlines(server: Server) -> None:
    """Time out every session whose deadline has passed."""
    now = server.clock.milliseconds()
    for session in list(server.waiting):
        wait = session.wait
        if wait is None or wait.deadline is None or wait.deadline > now:
            continue
        if wait.deadline != wait.end:
            wait.deadline = wait.end
            retry(wait)
        if session.wait is wait and wait.end is not None and wait.end <= now:
            time_out(wait)
