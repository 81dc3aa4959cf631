"""Client-side caching: which sessions hear that keys they have read, or any keys, have changed.

While no session tracks, nothing here is called: `dispatch.TRACKED` among the bits of the server
says when one does. Keys are told apart by their names only, as on the server: databases do not
count.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from fakeredis.commands.registry import READONLY, Command
from fakeredis.engine import dispatch
from fakeredis.engine.replies import BLOCKED, Push
from fakeredis.errors import CommandError

if TYPE_CHECKING:
    from fakeredis.engine.server import Server
    from fakeredis.engine.session import Session

    Run = Callable[[Command, Sequence[bytes]], Any]

CHANNEL: Final = b"__redis__:invalidate"  # where RESP2 sessions are told
_SCRIPTS: Final = frozenset({"EVAL_RO", "EVALSHA_RO", "FCALL_RO"})  # their own calls count


class Tracker:
    """How one session tracks."""

    __slots__ = (
        "broadcast", "opt_in", "opt_out", "no_loop", "redirect", "broken", "caching", "prefixes",
    )  # fmt: skip

    def __init__(self) -> None:
        self.broadcast = self.opt_in = self.opt_out = self.no_loop = False
        self.redirect = 0  # the number of the session to be told instead
        self.broken = False  # that session has gone
        self.caching = False  # CLIENT CACHING was said before the running command
        self.prefixes: set[bytes] = set()

    def flags(self) -> list[bytes]:
        """The flags of CLIENT TRACKINGINFO."""
        names = (
            (b"on", True), (b"bcast", self.broadcast), (b"optin", self.opt_in),
            (b"caching-yes", self.opt_in and self.caching), (b"optout", self.opt_out),
            (b"caching-no", self.opt_out and self.caching), (b"noloop", self.no_loop),
            (b"broken_redirect", self.broken),
        )  # fmt: skip
        return [name for name, on in names if on]

    def wants_reads(self) -> bool:
        """Whether the keys that the running command reads are to be remembered."""
        if self.broadcast:
            return False
        if self.opt_in:
            return self.caching
        return not (self.opt_out and self.caching)


class Tracking:
    """Who tracks on one server, and what."""

    __slots__ = ("server", "trackers", "keys", "changed", "pending", "current")

    def __init__(self, server: Server) -> None:
        self.server = server
        self.trackers: dict[Session, Tracker] = {}
        self.keys: dict[bytes, dict[int, None]] = {}  # numbers of the sessions that have read it
        self.changed: dict[bytes, Session | None] = {}  # to be broadcast: by whom last
        # What sessions are to be told after the running command.
        self.pending: list[tuple[Session, Tracker, list[bytes] | None]] = []
        self.current: Session | None = None  # whose command runs

    def prefixes(self) -> set[bytes]:
        """The prefixes of all sessions that are told of everything."""
        return set().union(*(tracker.prefixes for tracker in self.trackers.values()))

    def start(self, session: Session, tracker: Tracker) -> None:
        """Let a session track from now on."""
        self.trackers[session] = tracker
        self._switched()

    def stop(self, session: Session) -> None:
        """A session tracks no longer."""
        if self.trackers.pop(session, None) is not None:
            self._switched()

    def _switched(self) -> None:
        server = self.server
        server.guard &= ~dispatch.TRACKED
        if self.trackers:
            server.guard |= dispatch.TRACKED
        else:
            self.keys.clear()
            self.changed.clear()
        for db in server.databases.values():
            db.observe()

    # Commands -------------------------------------------------------------------------------

    def run(self, session: Session, command: Command, args: Sequence[bytes], run: Run) -> Any:
        """Run a command, remember what it has read, and tell what it has changed."""
        outer, self.current = self.current, session
        reply = None
        try:
            reply = run(command, args)
        finally:
            self.current = outer
            tracker = self.trackers.get(session)
            if tracker is not None and command.flags & READONLY and reply is not BLOCKED:
                if tracker.wants_reads() and command.name not in _SCRIPTS:
                    self._remember(session, command, args)
            if outer is None:
                self._ended(session, command)
        return reply

    def _ended(self, session: Session, command: Command) -> None:
        """After a command, a whole transaction or a script."""
        pending, self.pending = self.pending, []
        for message in pending:
            self._tell(*message)
        self.broadcast()
        if command.parts[0] != b"CLIENT":
            self.forget_caching(session)
        if len(self.keys) > (limit := self.server.config.integer("tracking-table-max-keys")) > 0:
            self._shrink(limit)

    def forget_caching(self, session: Session) -> None:
        """CLIENT CACHING was for one command or transaction, also for one that was refused."""
        tracker = self.trackers.get(session)
        if tracker is not None and not session.guard & dispatch.QUEUEING:
            tracker.caching = False

    def _shrink(self, limit: int) -> None:
        """Forget some keys, and tell so, when there are too many (tracking-table-max-keys)."""
        for key in random.sample(list(self.keys), len(self.keys) - limit):
            self.invalidate(key)

    def _remember(self, session: Session, command: Command, args: Sequence[bytes]) -> None:
        from fakeredis.commands import facts

        try:
            found = facts.keys_with_flags(command, [*command.parts, *args])
        except CommandError:  # no keys
            return
        for key, _ in found:
            self.keys.setdefault(key, {})[session.id] = None

    # Messages -------------------------------------------------------------------------------

    def invalidate(self, key: bytes, expired: bool = False) -> None:
        """A key has changed, or has gone; that it expired was nobody's command."""
        server, writer = self.server, None if expired else self.current
        for number in self.keys.pop(key, ()):
            session = server.sessions.get(number)
            tracker = None if session is None else self.trackers.get(session)
            if session is None or tracker is None or tracker.broadcast:
                continue
            if not (tracker.no_loop and session is writer):
                self._tell(session, tracker, [key])
        if any(tracker.broadcast for tracker in self.trackers.values()):
            self.changed[key] = writer
            if self.current is None:
                self.broadcast()

    def broadcast(self) -> None:
        """Tell those who listen to prefixes what has changed since the last time."""
        if not self.changed:
            return
        changed, self.changed = self.changed, {}
        for prefix in sorted(self.prefixes()):
            keys = sorted(key for key in changed if key.startswith(prefix))
            for session, tracker in list(self.trackers.items()):
                if prefix in tracker.prefixes:
                    mine = session if tracker.no_loop else self
                    others = [key for key in keys if changed[key] is not mine]
                    if others:
                        self._tell(session, tracker, others)

    def flushed(self) -> None:
        """All keys have gone."""
        self.keys.clear()
        for session, tracker in list(self.trackers.items()):
            self._tell(session, tracker, None)

    def _tell(self, session: Session, tracker: Tracker, keys: list[bytes] | None) -> None:
        """Tell a session, or the one to which it redirects, of these keys; of all without them.

        While a command runs this waits: a script's session speaks another protocol meanwhile.
        """
        if self.current is not None:
            self.pending.append((session, tracker, keys))
            return
        target: Session | None = session
        if tracker.redirect:
            target = self.server.sessions.get(tracker.redirect)
        if target is None or target.closed:
            tracker.broken = True
            if session.protocol == 3:
                session.push(Push([b"tracking-redir-broken", tracker.redirect]))
        elif target.protocol == 3:
            target.push(Push([b"invalidate", keys]))
        elif tracker.redirect and target.guard & dispatch.SUBSCRIBED:
            target.push(Push([b"message", CHANNEL, keys]))


def of(server: Server) -> Tracking:
    """What is tracked on a server, made when first asked for."""
    found: Tracking | None = server.extra.get("tracking")
    if found is None:
        found = server.extra["tracking"] = Tracking(server)
    return found


def tracker_of(session: Session) -> Tracker | None:
    """How a session tracks; None when it does not."""
    if not session.server.guard & dispatch.TRACKED:
        return None
    return of(session.server).trackers.get(session)
