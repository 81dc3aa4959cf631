"""Sessions with a server that lives in another process: what a forked child's clients use.

They hand over each command by a `Channel`, and the session in the other process, on which it runs,
takes the road there: with its spy and its faults.
"""

from __future__ import annotations

import contextlib
import sys
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final
from weakref import ReferenceType

from fakeredis.engine.core import switches
from fakeredis.engine.core.replies import BLOCKED, NO_REPLY
from fakeredis.engine.core.session import Session
from fakeredis.errors import ConnectionLost
from fakeredis.patching.processes.channel import GONE, Channel
from fakeredis.spy.methods import CALLING, SPYING, NotedWords, caller, name_of

if TYPE_CHECKING:
    from fakeredis.engine.command.command import Command
    from fakeredis.engine.core.interfaces import Shell
    from fakeredis.engine.core.server import Server


class _Waiting:
    """That a command waits: for how long, the other process knows."""

    deadline = end = None
    recording = None


_WAITING: Final = _Waiting()


class _Elsewhere:
    """A session in another process: `fakeredis.engine.core.interfaces.SessionLike`."""

    __slots__ = (
        "server", "id", "address", "protocol", "switched", "outbox", "wake", "plain", "via",
        "group", "position", "method", "lag", "shell", "__weakref__",
    )

    forwarded = False  # by this process
    subscriptions = 0  # as far as this one knows

    def __init__(self, server: Server, identity: int, address: str) -> None:
        self.server = server
        self.id = identity
        self.address = address
        self.protocol = 2
        self.switched = 0
        self.outbox: deque[Any] = deque()
        self.wake: Callable[[], None] | None = None
        self.plain: dict[Any, Command] = {}  # no short cut: redis-py's own is not the slow part
        self.via = "direct"
        self.method: Any = None
        self.group = self.position = 0
        self.lag = 0.0
        self.shell: ReferenceType[Shell] | None = None

    def look(self) -> None:
        """What comes from elsewhere comes by itself."""


class RemoteSession(_Elsewhere):
    """One that this process has opened."""

    __slots__ = ("channel", "number", "wait", "closed")

    def __init__(
        self, channel: Channel, server: Server, number: int, identity: int, address: str
    ) -> None:
        super().__init__(server, identity, address)
        self.channel = channel
        self.number = number
        self.wait: Any = None
        self.closed = False
        server.sessions[identity] = self  # type: ignore[assignment]

    def adopt(self, state: Any) -> None:
        """Take over what the other process says of the session."""
        self.protocol, self.switched, waits, closed, lag = state
        self.lag += lag
        self.wait = _WAITING if waits else None
        if closed:
            self.kill()

    def execute(self, argv: Sequence[bytes]) -> Any:
        """Run a command in the other process, given as on the wire.

        Raises:
            CommandError: the reply is an error.
            ConnectionLost: the other process has gone, or the session is closed.
        """
        if self.closed:
            raise ConnectionLost(GONE)
        words = "run", self.number, self.via, self.group, self._note(argv), [*argv]
        if self._is_answered_by_messages(argv[0]):
            self.channel.send((words[0], 0, *words[1:]))
            return NO_REPLY
        return self.channel.ask(*words)

    def _is_answered_by_messages(self, name: bytes) -> bool:
        """Whether a command begins or ends to listen.

        Another thread may be waiting for its messages: who has sent it goes on before that thread
        hears of it, as on a network.
        """
        command = self.server.table.find(name)
        channels = None if command is None else command.declaration.channels
        return channels is not None and channels.action != "publish"

    def late(self, reply: object) -> None:
        """What a command that nobody waited for replies beside its messages."""
        if reply is not NO_REPLY and reply is not BLOCKED:
            self.outbox.append(reply)
            if self.wake is not None:
                self.wake()

    def execute_many(self, batch: Sequence[Sequence[bytes]]) -> list[Any]:
        """Run commands that were sent at once; errors are items.

        Those after a command that waits are left out.

        Raises:
            ConnectionLost: the other process has gone, or the session is closed.
        """
        if self.closed:
            raise ConnectionLost(GONE)
        words = [[*argv] for argv in batch]
        notes = [self._note(argv) for argv in batch]
        replies: list[Any] = self.channel.ask(
            "batch", self.number, self.via, self.group, notes, words
        )
        return replies

    def _note(self, argv: Sequence[bytes]) -> tuple[str | None, int] | None:
        """For a spy: the method that sends a command, and its place in a pipeline."""
        if not SPYING.count:
            return None
        position = 0
        method = None
        if type(argv) is NotedWords:
            method = argv.method
            position = argv.position if self.via == "pipeline" else 0
        if method is None:
            method = (CALLING.get() or caller(sys._getframe(1))).method
        return (None if method is None else name_of(method)), position

    def close(self) -> None:
        """The connection is gone."""
        if not self.closed:
            self.kill()
            if not self.channel.lost:
                with contextlib.suppress(ConnectionLost):
                    self.channel.send(("close", 0, self.number))

    def kill(self) -> None:
        """Nothing comes any more."""
        self.closed = True
        self.switched |= switches.CLOSED
        self.wait = None
        self.channel.sessions.pop(self.number, None)
        self.server.sessions.pop(self.id, None)
        if self.wake is not None:
            self.wake()


def open_session(channel: Channel, server: Server, key: object, protocol: int) -> RemoteSession:
    """A new session with a server of the other process.

    Args:
        channel: the way there.
        server: what stands for the server here.
        key: how that process knows it.
        protocol: the version of RESP, 2 or 3.

    Raises:
        ConnectionRefusedError: there is no such server any more, or it is down.
    """
    try:
        number, identity, address, state = channel.ask("open", key, protocol)
    except ConnectionLost:
        raise ConnectionRefusedError(111, "Connection refused") from None
    return _opened(RemoteSession(channel, server, number, identity, address), state)


def _opened(session: RemoteSession, state: object) -> RemoteSession:
    session.adopt(state)
    session.channel.sessions[session.number] = session
    if session.channel.lost:
        session.kill()
    return session


def _attach(channel: Channel, session: InheritedSession, key: object) -> RemoteSession:
    """The other process's session whose connection this one has inherited.

    Raises:
        ConnectionLost: it was closed there.
    """
    number, _, address, state = channel.ask("attach", key, session.id)
    attached = RemoteSession(channel, session.server, number, session.id, address)
    attached.outbox = session.outbox
    return _opened(attached, state)


class InheritedSession(_Elsewhere):
    """A session of the other process whose connection this one, its fork, has inherited.

    Both can use it, as both ends of a socket can; who reads first has the reply. The connection has
    it in the place of the parent's session, and is its ``shell``. What stands for it in the other
    process is asked for once it is used.
    """

    __slots__ = ("_closed", "_attached")

    def __init__(self, session: Session) -> None:
        super().__init__(session.server, session.id, session.address)
        self.protocol = session.protocol
        self.via, self.group = session.via, session.group
        self.shell = session.shell
        self._closed = session.closed
        self._attached: RemoteSession | None = None

    def _attach(self) -> RemoteSession:
        found = self._attached
        if found is None:
            engine: Any = self.server.engine
            found = self._attached = _attach(engine.channel, self, engine.key)
            found.wake = self._woken
        return found

    def _woken(self) -> None:
        if self.wake is not None:
            self.wake()

    @property
    def wait(self) -> Any:
        """Whether a command waits."""
        found = self._attached
        return None if found is None else found.wait

    @property
    def closed(self) -> bool:
        """Whether it was closed, here or there."""
        found = self._attached
        return self._closed or (found is not None and found.closed)

    def execute(self, argv: Sequence[bytes]) -> Any:
        """Run a command, given as on the wire, on the session that takes the inherited one's place.

        Raises:
            CommandError: the reply is an error.
            ConnectionLost: the other process has gone, or the session is closed.
        """
        return self._run("execute", argv)

    def execute_many(self, batch: Sequence[Sequence[bytes]]) -> list[Any]:
        """Run commands that were sent at once, on the session that takes the inherited one's place.

        Raises:
            ConnectionLost: the other process has gone, or the session is closed.
        """
        return self._run("execute_many", batch)  # type: ignore[no-any-return]

    def _run(self, how: str, words: object) -> Any:
        if self.closed:
            raise ConnectionLost(GONE)
        found = self._attach()
        found.via, found.group, found.method = self.via, self.group, self.method
        try:
            return getattr(found, how)(words)
        finally:
            self.protocol, self.lag, found.lag = found.protocol, found.lag, 0.0

    def close(self) -> None:
        """The connection is gone here; the other process still has it."""
        self._closed = True
        if self._attached is not None:
            self._attached.close()


def inherit(session: Session) -> None:
    """In a forked child: what the parent's session is here, used only if its connection is.

    One that listens or waits is lost here: redis-py connects anew then, and subscribes again. With
    a socket in two processes chance would decide which of them gets a message.
    """
    if not hasattr(session, "user"):
        return  # another thread was making it
    waits = session.wait is not None or session.subscriptions or session.shard_channels
    shell = None if session.shell is None else session.shell()
    if type(session) is Session and shell is not None and not waits:
        shell.session = InheritedSession(session)
    # What nobody uses here, and those of sockets, which no one here reads.
    session.closed = True
    session.switched |= switches.CLOSED
    session.wait = None
    session.wake = session.on_close = None
