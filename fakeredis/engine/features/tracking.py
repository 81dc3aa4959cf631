"""Client-side caching: which sessions hear that keys they have read, or any keys, have changed.

While no session tracks, nothing here is called: `switches.TRACKED` among the bits of the server
says when one does. Keys are told apart by their names only, as on the server: databases do not
count.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from fakeredis.engine.command import info
from fakeredis.engine.command.command import READONLY, Command
from fakeredis.engine.core import switches
from fakeredis.engine.core.replies import Push
from fakeredis.engine.core.road import Check, Go, Origin
from fakeredis.errors import CommandError

if TYPE_CHECKING:
    from fakeredis.engine.core.server import Server
    from fakeredis.engine.core.session import Session

    Run = Callable[[Command, Sequence[bytes]], Any]

CHANNEL: Final = b"__redis__:invalidate"  # where RESP2 sessions are told


class Tracker:
    """How one session tracks."""

    __slots__ = (
        "broadcast", "opt_in", "opt_out", "no_loop", "redirect", "broken", "caching", "prefixes",
    )

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
        )
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

    __slots__ = ("server", "trackers", "keys", "changed", "pending", "current", "holding")

    def __init__(self, server: Server) -> None:
        self.server = server
        self.trackers: dict[Session, Tracker] = {}
        self.keys: dict[bytes, dict[int, None]] = {}  # numbers of the sessions that have read it
        self.changed: dict[bytes, Session | None] = {}  # to be broadcast: by whom last
        # What sessions are to be told after the running command.
        self.pending: list[tuple[Session, Tracker, list[bytes] | None]] = []
        self.current: Session | None = None  # whose command runs
        self.holding = False  # what is to be broadcast is being gathered

    def prefixes(self) -> set[bytes]:
        """The prefixes of all sessions that are told of everything."""
        return set().union(*(tracker.prefixes for tracker in list(self.trackers.values())))

    def start(self, session: Session, tracker: Tracker) -> None:
        """Begin to tell a session of changes."""
        self.trackers[session] = tracker
        self._switched()

    def stop(self, session: Session) -> None:
        """A session tracks no longer."""
        if self.trackers.pop(session, None) is not None:
            self._switched()

    def _switched(self) -> None:
        server = self.server
        if self.trackers or self.keys:  # what was read stays known until it changes
            server.switch_on(switches.TRACKED, Check(layer=self.layer))
        else:
            server.switch_off(switches.TRACKED)
        if not self.trackers:
            self.changed.clear()
        for db in list(server.databases.values()):
            db.observe()

    # Commands -------------------------------------------------------------------------------

    def layer(self, server: Server, origin: Origin, go: Go) -> Go:
        """Remember what commands have read, and tell what they have changed."""
        return lambda session, command, args: self._run(session, command, args, go)

    def _run(self, session: Session, command: Command, args: Sequence[bytes], go: Go) -> Any:
        outer, self.current = self.current, session
        try:
            return go(session, command, args)
        finally:
            self.current = outer
            tracker = self.trackers.get(session)
            if tracker is not None and command.flags & READONLY:  # also when it has to wait
                # Of a script its own calls count.
                if tracker.wants_reads() and not command.declaration.runs:
                    self._remember(session, command, args)
            if outer is None:
                self._ended(session, command)

    def _ended(self, session: Session, command: Command) -> None:
        """After a command, a whole transaction or a script."""
        pending, self.pending = self.pending, []
        for message in pending:
            self._send(*message)
        if not self.holding:
            self.broadcast()
        if command.parts[0] != b"CLIENT" and session.wait is None:
            self.forget_caching(session)
        if len(self.keys) > (limit := self.server.config.integer("tracking-table-max-keys")) > 0:
            self._shrink(limit)

    def forget_caching(self, session: Session) -> None:
        """CLIENT CACHING was for one command or transaction, also for one that was refused."""
        tracker = self.trackers.get(session)
        if tracker is not None and not session.switched & switches.QUEUEING:
            tracker.caching = False

    def _shrink(self, limit: int) -> None:
        """Forget some keys, and tell so, when there are too many (tracking-table-max-keys)."""
        for key in random.sample(list(self.keys), len(self.keys) - limit):
            self.invalidate(key)

    def _remember(self, session: Session, command: Command, args: Sequence[bytes]) -> None:
        try:
            found = info.keys_with_flags(command, [*command.parts, *args])
        except CommandError:  # no keys
            return
        for key, _ in found:
            self.keys.setdefault(key, {})[session.id] = None

    # Messages -------------------------------------------------------------------------------

    def invalidate(self, key: bytes, expired: bool = False) -> None:
        """A key has changed, or has gone.

        For those who listen to prefixes, that a key expired was nobody's doing, and what a script
        writes is not its client's own change.
        """
        server, writer = self.server, self.current
        numbers = self.keys.pop(key, ())
        if not self.trackers:
            if not self.keys:
                self._switched()
            return
        for number in numbers:
            session = server.sessions.get(number)
            tracker = None if session is None else self.trackers.get(session)
            if session is None or tracker is None or tracker.broadcast:
                continue
            if not (tracker.no_loop and session is writer):
                self._tell(session, tracker, [key])
        if any(tracker.broadcast for tracker in list(self.trackers.values())):
            nobodys = expired or writer is None or writer.via == "script"
            self.changed[key] = None if nobodys else writer
            if writer is None and not self.holding:
                self.broadcast()

    @contextmanager
    def between_commands(self) -> Iterator[None]:
        """To be held while keys expire by themselves, which is no command's doing."""
        current, self.current = self.current, None
        holding, self.holding = self.holding, True
        try:
            yield
        finally:
            self.current, self.holding = current, holding
            if current is None and not holding:
                self.broadcast()

    @contextmanager
    def together(self) -> Iterator[None]:
        """To be held while commands run that came together: they are broadcast together."""
        holding, self.holding = self.holding, True
        try:
            yield
        finally:
            self.holding = holding
            if not holding:
                self.broadcast()

    def broadcast(self) -> None:
        """Tell those who listen to prefixes what has changed since the last time."""
        if not self.changed:
            return
        changed, self.changed = self.changed, {}
        for prefix in sorted(self.prefixes()):
            keys = sorted(key for key in changed if key.startswith(prefix))
            for session, tracker in self.trackers.copy().items():
                if prefix in tracker.prefixes:
                    mine = session if tracker.no_loop else self
                    others = [key for key in keys if changed[key] is not mine]
                    if others:
                        self._tell(session, tracker, others)

    def flushed(self, at_once: bool = False) -> None:
        """All keys have gone.

        Args:
            at_once: the running command's own session too is told before the reply.
        """
        self.keys.clear()
        if not self.trackers:
            self._switched()
        tell = self._send if at_once else self._tell
        for session, tracker in self.trackers.copy().items():
            tell(session, tracker, None)
        if at_once and self.current is not None:
            self.current.pushes_first()

    def _tell(self, session: Session, tracker: Tracker, keys: list[bytes] | None) -> None:
        """Tell a session, or the one to which it redirects, of these keys; of all without them.

        The session whose command runs hears of it afterwards.
        """
        current = self.current
        if current is not None and current in (session, self._target(session, tracker)):
            self.pending.append((session, tracker, keys))
        else:
            self._send(session, tracker, keys)

    def _target(self, session: Session, tracker: Tracker) -> Session | None:
        """Who is told instead of a session, if it redirects; None when that one has gone."""
        return self.server.sessions.get(tracker.redirect) if tracker.redirect else session

    def _send(self, session: Session, tracker: Tracker, keys: list[bytes] | None) -> None:
        target = self._target(session, tracker)
        if target is None or target.closed:
            tracker.broken = True
            if session.protocol == 3:
                session.push(Push([b"tracking-redir-broken", tracker.redirect]))
        elif target.protocol == 3:
            target.push(Push([b"invalidate", self._keys(session, target, keys)]))
        elif tracker.redirect and target.switched & switches.SUBSCRIBED:
            target.push(Push([b"message", CHANNEL, self._keys(session, target, keys)]))

    @staticmethod
    def _keys(session: Session, target: Session, keys: list[bytes] | None) -> Any:
        """The keys for a message; all of them are a null of the protocol of who tracks."""
        return target.null_of(session.protocol) if keys is None else keys


def of(server: Server) -> Tracking:
    """What is tracked on a server, made when first asked for."""
    found: Tracking | None = server.tracking
    if found is None:
        found = server.tracking = Tracking(server)
    return found


def tracker_of(session: Session) -> Tracker | None:
    """How a session tracks; None when it does not."""
    if not session.server.switched & switches.TRACKED:
        return None
    return of(session.server).trackers.get(session)
