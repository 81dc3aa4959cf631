"""Sessions whose commands run elsewhere.

A session of a server with a `fakeredis.stores.ForwardingStore` runs no handler: it hands over what
its client says to its own link, and takes what the other end replies.  Before, each command
takes a road as those that run here do (`fakeredis.engine.core.road`), with faults and the spy on
it; to them it is one that waits.  A reply that is not there soon is waited for by another thread,
so that nobody else waits.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from fakeredis.engine import wording
from fakeredis.engine.command.command import (
    BEGINS_QUEUE,
    BLOCKING,
    ENDS_QUEUE,
    HEARD,
    RUNS_QUEUE,
    UNQUEUED,
    Channels,
    Command,
)
from fakeredis.engine.core import dispatch, road, switches
from fakeredis.engine.core.replies import BLOCKED, NO_REPLY, QUEUED, Push
from fakeredis.engine.core.session import Session
from fakeredis.errors import CommandError, ConnectionLost
from fakeredis.stores.forwarding.link import is_message

if TYPE_CHECKING:
    from fakeredis.engine.core.server import Server
    from fakeredis.stores.forwarding.base import ForwardingStore
    from fakeredis.stores.forwarding.link import Link

_PATIENCE: Final = 0.01  # seconds that a caller spends waiting for a reply itself
_SHORT_PATIENCE: Final = 0.001  # the same where the command may block
_HANDSHAKE: Final = 10.0  # the same while a connection is made, which fails then
_GONE: Final = "Connection closed by server."
# Sent for a command that is refused here, so that the transaction it belongs to fails there.
_REFUSED: Final = (b"fakeredis.refused",)
_MISSING: Final = object()

# The messages that say what a session listens to, and which command each answers.
_LISTENING: Final = {
    b"subscribe": Channels("listen"), b"unsubscribe": Channels("leave"),
    b"psubscribe": Channels("listen", "patterns"), b"punsubscribe": Channels("leave", "patterns"),
    b"ssubscribe": Channels("listen", "shard_channels"),
    b"sunsubscribe": Channels("leave", "shard_channels"),
}


class _Waiting:
    """That a session waits: how long, the other end knows."""

    deadline = end = None
    recording = None


_WAITING: Final[Any] = _Waiting()


class _Named:
    """A command that this program does not know; the other end may."""

    flags = 0
    declaration = None

    def __init__(self, name: bytes) -> None:
        self.name = wording.clean(name).upper()
        self.parts = [name.upper()]


class _Call:
    """A command on its way: what its session waits for."""

    __slots__ = (
        "name", "flags", "channels", "argv", "sent", "restore", "recording", "queued", "left",
        "error",
    )

    deadline = None

    def __init__(self, command: Any, args: Sequence[bytes], sent: Sequence[bytes]) -> None:
        self.name: str = command.name
        self.flags: int = command.flags
        declared = command.declaration
        self.channels: Channels | None = None if declared is None else declared.channels
        self.argv = [*command.parts, *args]  # as the spy shows it
        self.sent = sent
        self.restore: Callable[[Any], Any] | None = None  # makes the client's reply of the other's
        self.recording: Any = None  # the spy's
        self.queued = False  # part of a transaction
        self.left: int | None = None  # messages that SUBSCRIBE and its kin still get
        self.error: Exception | None = None  # what is replied in any case


def _goes_elsewhere(session: Session, command: Any, args: Sequence[bytes]) -> Any:
    """Where the road ends: the reply comes later."""
    return BLOCKED


class ForwardedSession(Session):
    """A session whose commands run at the other end of a link.

    Its state is changed under the server's lock.  While the store's watch reads from the link,
    nobody else does.
    """

    __slots__ = (
        "link", "store", "_calls", "_watched", "_sink", "_queue", "_monitors", "_tracks", "usage",
        "patience",
    )

    forwarded = True

    def __init__(
        self, server: Server, store: ForwardingStore, link: Link, address: str
    ) -> None:
        self.store = store
        self.link = link
        self._calls: deque[_Call] = deque()  # sent, and not replied yet
        self._watched = False
        self._sink: list[Any] | None = None  # takes what comes while the caller waits
        self._queue: list[_Call] = []  # of a transaction
        self._monitors = self._tracks = False
        self.patience: float | None = _PATIENCE
        self.usage: Callable[[], dict[str, int]] | None = None  # as a `ProtocolSession` has it
        super().__init__(server, 2, address)
        self.plain = {}  # no short cut: it knows no reply that comes later
        self.switched &= ~switches.UNAUTHENTICATED

    # Commands -------------------------------------------------------------------------------

    def execute(self, argv: Sequence[bytes]) -> Any:
        """Run a command given as on the wire, and wait a little for its reply.

        Returns:
            The reply; `BLOCKED` where it comes later, through ``outbox``; `NO_REPLY` for none.

        Raises:
            CommandError: the reply is an error.
            ConnectionLost: the server is down, the session is closed, or the other end has gone.
        """
        items = self._run((argv,))
        reply: Any = BLOCKED if self._calls else NO_REPLY
        for item in items:
            if type(item) is Push:
                self.deliver(item)
            else:
                reply = item
        if isinstance(reply, Exception):
            raise reply
        return reply

    def execute_many(self, batch: Sequence[Sequence[bytes]]) -> list[Any]:
        """Run a pipeline; what has been replied by now, errors and pushes as items.

        The rest, in whose place `BLOCKED` stands, comes through ``outbox``.

        Raises:
            ConnectionLost: the server is down, the session is closed, or the other end has gone.
        """
        items = self._run(batch)
        return items + [BLOCKED] * (len(batch) - len(items))

    def ask(self, *argv: bytes) -> Any:
        """Run a command, and wait for its reply however long that takes.

        Raises:
            CommandError: the reply is an error.
            ConnectionLost: the other end has gone.
        """
        patience, self.patience = self.patience, None
        try:
            return self.execute(argv)
        finally:
            self.patience = patience

    def call(self, command: Command, args: Sequence[bytes]) -> Any:
        """Run a command already looked up; ``args`` leave its name out.

        Raises:
            CommandError: the reply is an error.
            ConnectionLost: the server is down, the session is closed, or the other end has gone.
        """
        return self.execute([*command.parts, *args])

    def _run(self, batch: Sequence[Sequence[bytes]]) -> list[Any]:
        """Send commands, and wait a little for the replies; gives what has come."""
        sink: list[Any] = []
        with self.server.lock:
            calls, failure = self._admit(batch)
            self._sink = None if self._watched else sink
            self._send(calls)
            own = not self._watched
            if not own:
                self.wait = _WAITING if self._calls else None
                self._look()  # what needs no waiting is there
        if own:
            try:
                self._collect()
            finally:
                self._sink = None
        if failure is not None:
            if not sink:
                raise failure
            sink.append(failure)
        if self.closed and not sink and calls:
            raise ConnectionLost(_GONE)
        return sink

    def _admit(self, batch: Sequence[Sequence[bytes]]) -> tuple[list[_Call], Exception | None]:
        """Ask faults, spy and gates about a batch; a fault that breaks the connection ends it."""
        calls: list[_Call] = []
        for argv in batch:
            dispatch.check_connection(self)
            command = self._find(argv)
            call = _Call(command, argv[len(command.parts) :], argv)
            try:
                self._prepare(call, command)
            except Exception as error:  # the client's own exception
                return calls, error
            calls.append(call)
        return calls, None

    def _find(self, argv: Sequence[bytes]) -> Any:
        command = self.server.table.find(argv[0])
        if command is None:
            return _Named(argv[0])
        if command.subcommands is None or len(argv) < 2:
            return command
        return command.subcommands.get(argv[1].upper(), command)

    def _prepare(self, call: _Call, command: Any) -> None:
        server = self.server
        queueing = self.switched & switches.QUEUEING
        call.queued = bool(queueing) and not call.flags & UNQUEUED
        if server.switched:
            self._take_road(call, command)
        if call.error is None:
            try:
                call.sent, call.restore = self.link.translate(command, call.sent)
            except Exception as error:
                self._end(call, error)
                raise
        if call.flags & BEGINS_QUEUE:
            self.switched |= switches.QUEUEING
        elif call.flags & ENDS_QUEUE:
            self.switched &= ~switches.QUEUEING

    def _take_road(self, call: _Call, command: Any) -> None:
        """Take a command through what is switched on; what refuses it is noted at once.

        Raises:
            Exception: the client's own, by which a fault breaks the connection.
        """
        server = self.server
        go = server.client_roads.get(call.queued)
        if go is None:
            go = road.forwarded_road(server, call.queued, _goes_elsewhere)
        before, self.wait = self.wait, call  # type: ignore[assignment]
        try:
            go(self, command, call.argv[len(command.parts) :])
        except CommandError as error:
            call.error, call.sent = error.with_traceback(None), _REFUSED
            if not call.queued:
                self._note(call, None, error)
        finally:
            self.wait = before

    def _send(self, calls: list[_Call]) -> None:
        """Send what goes elsewhere; a refused command does so only within a transaction."""
        sent: list[Sequence[bytes]] = []
        for call in calls:
            if call.error is not None and not call.queued:
                call.sent = ()
            else:
                sent.append(call.sent)
            if not self._is_muted(call):
                self._calls.append(call)
        try:
            if sent:
                self.link.send(sent)
        except OSError:
            self._lose()
        except Exception as error:  # the store's own: the commands count as done
            for call in calls:
                self._end(call, error)
                if call in self._calls:
                    self._calls.remove(call)
            raise
        self._settle_refused()

    def _settle_refused(self) -> None:
        """Reply to commands whose turn it is and that were not sent."""
        while self._calls and not self._calls[0].sent:
            call = self._calls.popleft()
            self._settle(call, call.error)

    def _is_muted(self, call: _Call) -> bool:
        """Whether CLIENT REPLY lets a command have no reply."""
        mode = self.reply_mode
        if call.flags & HEARD and len(call.argv) == 3:
            wanted = call.argv[2].upper().decode("latin-1")
            if wanted == "ON" or (wanted in ("OFF", "SKIP") and mode != "OFF"):
                self.reply_mode = wanted
            return self.reply_mode != "ON"
        if mode == "SKIP":
            self.reply_mode = "ON"
        if mode != "ON" and call.recording is not None:
            self._end(call, NO_REPLY)
        return mode != "ON"

    # Replies --------------------------------------------------------------------------------

    def _collect(self) -> None:
        """Take the replies that come soon; leave the others to the store's watch."""
        server, link = self.server, self.link
        may_block = any(self._may_block(call) for call in self._calls)
        patience = _SHORT_PATIENCE if may_block and self.patience else self.patience
        greeting = self.via == "handshake"  # whose replies are not waited for by the client
        if greeting:
            patience = _HANDSHAKE
        while self._calls and not self.closed:
            try:
                item = link.receive(patience)
            except TimeoutError:
                if not greeting:
                    break
                with server.lock:
                    self._lose()
                return
            except OSError:
                with server.lock:
                    self._lose()
                return
            with server.lock:
                self._take(item)
        with server.lock:
            self._watch()

    def _may_block(self, call: _Call) -> bool:
        command = self.server.table.by_name.get(call.argv[0])
        return command is not None and command.flags & BLOCKING != 0 and not call.queued

    def _watch(self) -> None:
        """Begin or end the watch's reading, by whether anything is still to come."""
        sink, self._sink = self._sink, None
        if self.closed:
            return
        wanted = bool(self._calls) or self._listens()
        self.wait = _WAITING if self._calls else None
        if wanted and not self._watched and sink:
            for item in sink:  # before anything that comes later
                self.deliver(item)
            sink.clear()
        if wanted != self._watched:
            self._watched = wanted
            if wanted:
                self.store.watch().add(self.link, self._look)
            else:
                self.store.watch().discard(self.link)

    def _listens(self) -> bool:
        return bool(
            self._monitors or self._tracks or self.channels or self.patterns
            or self.shard_channels
        )

    def _look(self) -> None:
        """Something may have come; called by the store's watch."""
        with self.server.lock:
            while self._watched and not self.closed:
                try:
                    item = self.link.receive(0)
                except TimeoutError:
                    return
                except OSError:
                    self._lose()
                    return
                self._take(item)
                self._watch()

    def look(self) -> None:
        """Take what has come while nothing was asked, and notice where the other end has gone."""
        with self.server.lock:
            if self._calls or self._watched or self.closed:
                return
            try:
                self._take(self.link.receive(0))
            except TimeoutError:
                return
            except OSError:
                self._lose()

    def _take(self, item: Any) -> None:
        """Find out what has come: the reply of a command, or something pushed."""
        call = self._calls[0] if self._calls else None
        if self._is_message(item, call):
            self._hear(item, call)
            return
        if call is None:
            self._put(item)  # MONITOR's lines
            return
        self._calls.popleft()
        if not self._calls:
            self.wait = None
        if call.error is not None:
            item = call.error
        elif call.restore is not None and item != QUEUED:
            item = call.restore(item)
        elif call.flags & RUNS_QUEUE and type(item) is list:
            item = self._restored(item)
        self._settle(call, item)
        self._settle_refused()

    def _restored(self, replies: list[Any]) -> list[Any]:
        """A transaction's replies as its commands' client is to see them."""
        if len(replies) == len(self._queue):
            for index, call in enumerate(self._queue):
                if call.restore is not None:
                    replies[index] = call.restore(replies[index])
        return replies

    def _is_message(self, item: Any, call: _Call | None) -> bool:
        if type(item) is Push:
            return True
        if self.protocol != 2 or type(item) is not list or not item:
            return False
        subscribing = call is not None and call.channels in _LISTENING.values()
        listening = self.switched & switches.SUBSCRIBED
        return bool(subscribing or listening) and is_message(item)

    def _hear(self, item: Any, call: _Call | None) -> None:
        """A message, or the word that one listens to something or no longer does."""
        message = self.link.heard(item)
        about = _LISTENING.get(item[0]) if type(item[0]) is bytes else None
        own: Any = None if about is None else getattr(self, about.kind)
        if about is not None and call is not None and call.channels == about:
            if call.left is None:
                call.left = len(call.argv) - 1 or len(own) or 1
            call.left -= 1
            if not call.left:
                self._calls.popleft()
                if not self._calls:
                    self.wait = None
                self._end(call, NO_REPLY)
        if message is None:
            return
        if about is not None and about.action == "listen":
            own[message[1]] = None
            self.switched |= switches.SUBSCRIBED
        elif own is not None:
            own.pop(message[1], None)
            if not (self.channels or self.patterns or self.shard_channels):
                self.switched &= ~switches.SUBSCRIBED
        self._put(Push(message))

    def _put(self, item: Any) -> None:
        """Give something to the client: to the call that waits, or else through its outbox."""
        if self._sink is None:
            self.deliver(item)
        else:
            self._sink.append(item)

    def _settle(self, call: _Call, reply: Any) -> None:
        """A command was replied to."""
        if call.queued:
            if reply == QUEUED and not isinstance(reply, Exception):
                self._queue.append(call)
            else:
                self._note(call, None, reply if isinstance(reply, Exception) else None)
        else:
            if not isinstance(reply, Exception):
                self._follow(call, reply)
            self._end(call, reply)
        if call.flags & ENDS_QUEUE:
            self._queue = []
        self._put(reply)
        if call.name == "QUIT":
            self.release()

    def _follow(self, call: _Call, reply: Any) -> None:
        """Keep in step with what a command has changed of the connection."""
        change = _CHANGES.get(call.name)
        if change is not None:
            change(self, call.argv, reply)

    # The spy --------------------------------------------------------------------------------

    def _end(self, call: _Call, reply: Any) -> None:
        if call.recording is None or self.server.recorder is None:
            return
        if call.flags & RUNS_QUEUE and type(reply) is list:
            for queued, each in zip(self._queue, reply, strict=False):
                self._note(queued, each, each if isinstance(each, Exception) else None)
        error = reply if isinstance(reply, Exception) else None
        self.server.recorder.end(call.recording, None if error else reply, error)
        call.recording = None

    def _note(self, call: _Call, reply: Any, error: Exception | None) -> None:
        """Tell the spy of a command that has ended already."""
        recorder = self.server.recorder
        if recorder is not None:
            record = recorder.begin(self, call.name, call.argv)
            recorder.end(record, None if error else reply, error)

    # The end --------------------------------------------------------------------------------

    def _lose(self) -> None:
        """The other end has gone; the lock is held."""
        lost = ConnectionLost(_GONE)
        for call in self._calls:
            self._end(call, lost)
        self._calls.clear()
        self.release()

    def release(self) -> None:
        """Forget everything of a closed session; the lock is held."""
        if self.closed:
            return
        self.closed = True
        self.switched |= switches.CLOSED
        self.wait = None
        self.store.watch().discard(self.link)
        self.link.close()
        self.server.unregister(self)
        if self.on_close is not None:
            self.on_close()
        if self.wake is not None:
            self.wake()


# What commands change of a connection -----------------------------------------------------------


def _hello(session: ForwardedSession, argv: Sequence[bytes], reply: Any) -> None:
    if len(argv) > 1:
        session.protocol = int(argv[1])
    words = [word.upper() for word in argv]
    if b"SETNAME" in words:
        session.name = argv[words.index(b"SETNAME") + 1]


def _select(session: ForwardedSession, argv: Sequence[bytes], reply: Any) -> None:
    session.ctx.db = session.server.database(int(argv[1]))


def _set_name(session: ForwardedSession, argv: Sequence[bytes], reply: Any) -> None:
    session.name = argv[2]


def _monitor(session: ForwardedSession, argv: Sequence[bytes], reply: Any) -> None:
    session._monitors = True


def _tracking(session: ForwardedSession, argv: Sequence[bytes], reply: Any) -> None:
    session._tracks = argv[2].upper() == b"ON" and session.protocol == 3


def _reset(session: ForwardedSession, argv: Sequence[bytes], reply: Any) -> None:
    session.protocol = 2
    session.name = b""
    session.ctx.db = session.server.database(0)
    session.switched &= ~(switches.QUEUEING | switches.SUBSCRIBED)
    session.channels, session.patterns, session.shard_channels = {}, {}, {}
    session._monitors = session._tracks = False


_CHANGES: Final[dict[str, Callable[[ForwardedSession, Sequence[bytes], Any], None]]] = {
    "HELLO": _hello, "SELECT": _select, "CLIENT SETNAME": _set_name, "MONITOR": _monitor,
    "CLIENT TRACKING": _tracking, "RESET": _reset,
}
