"""Sessions with a server that lives in another process: forked children and their parent.

A child process has one `Channel` to the process in which the servers live: a Unix socket with
frames of marshalled plain values.  What waits there or listens costs nothing here: one thread
reads the channel, and gives late replies and pushes to the sessions they are for, exactly as the
engine would.  The other end is `fakeredis.patching.processes.fork_host.ChildConnection`.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import socket
import struct
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from threading import RLock
from typing import TYPE_CHECKING, Any, Final
from weakref import ReferenceType

from fakeredis.engine.core import switches
from fakeredis.engine.core.engines import Engine
from fakeredis.engine.core.replies import (
    BLOCKED,
    NO_REPLY,
    NULL_ARRAY,
    OK,
    BigNumber,
    Push,
    SetReply,
    Status,
    Verbatim,
)
from fakeredis.engine.core.server import Server
from fakeredis.engine.core.session import Session
from fakeredis.errors import ConnectionLost
from fakeredis.lazy import LazyModule
from fakeredis.spy.methods import CALLING, SPYING, NotedWords, caller, name_of

if TYPE_CHECKING:
    import redis

    from fakeredis.engine.command.command import Command
    from fakeredis.engine.core.interfaces import Shell
else:
    redis = LazyModule("redis")

__all__ = [
    "Channel", "RemoteNetwork", "RemoteSession", "frame", "frames", "make_remote", "packed",
    "unpacked",
]

_HEAD: Final = struct.Struct("<I")
_MARSHAL_VERSION: Final = 2  # every Python reads it
_GONE: Final = "Connection closed by server."

# Values on their way ----------------------------------------------------------------------------

_PLAIN: Final = frozenset({bytes, int, type(None), float, bool, str})
_SINGLES: Final = (BLOCKED, NO_REPLY, NULL_ARRAY)
_LISTS: Final[tuple[type, ...]] = (tuple, Push, set, SetReply, frozenset)
_BYTES: Final[tuple[type, ...]] = (Status, Verbatim, BigNumber, bytearray)


def packed(value: Any) -> Any:
    """A reply as values that `marshal` takes; a tuple is the mark of a richer type."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is list:
        return [item if type(item) is bytes else packed(item) for item in value]
    if kind is dict:
        return ("dict", [(packed(key), packed(item)) for key, item in value.items()])
    if kind in _BYTES:
        return (kind.__name__, bytes(value))
    if kind in _LISTS:
        return (kind.__name__, [packed(item) for item in value])
    if isinstance(value, str):
        return str.__str__(value)  # of a subclass
    if isinstance(value, BaseException):
        return ("error", type(value).__module__, type(value).__qualname__, str(value))
    return (repr(value),)


def unpacked(value: Any) -> Any:
    """Undo `packed`."""
    kind = type(value)
    if kind is list:
        return [item if type(item) is bytes else unpacked(item) for item in value]
    if kind is not tuple:
        return value
    name, *rest = value
    if name == "dict":
        return {unpacked(key): unpacked(item) for key, item in rest[0]}
    if name == "error":
        return _error(*rest)
    if name == "Status":
        return OK if rest[0] == b"OK" else Status(rest[0])
    made = _KINDS.get(name)
    if made is None:
        return _SINGLES_BY_NAME[name]
    return made(rest[0] if made in _BYTES else map(unpacked, rest[0]))


_KINDS: Final = {kind.__name__: kind for kind in (*_BYTES, *_LISTS)}
_SINGLES_BY_NAME: Final = {repr(single): single for single in _SINGLES}


def _error(module: str, name: str, text: str) -> BaseException:
    """An exception of the other process: of the same class, where that is loaded here."""
    made = getattr(sys.modules.get(module), name, None)
    if isinstance(made, type) and issubclass(made, Exception):
        with contextlib.suppress(Exception):
            return made(text)
    return RuntimeError(f"{name}: {text}")


def frame(message: Any) -> bytes:
    """A message of plain values as bytes."""
    data = marshal.dumps(message, _MARSHAL_VERSION)
    return _HEAD.pack(len(data)) + data


def frames(read: Callable[[], bytes], buffer: bytearray | None = None) -> Iterator[Any]:
    """The messages that come, until nothing more does.

    Args:
        read: gives bytes; none at the end.
        buffer: what has been read before, and in the end what was read of an unfinished message.
    """
    if buffer is None:
        buffer = bytearray()
    while data := read():
        buffer += data
        at = 0
        while len(buffer) >= at + _HEAD.size:
            start = at + _HEAD.size
            end = start + _HEAD.unpack_from(buffer, at)[0]
            if len(buffer) < end:
                break
            yield marshal.loads(bytes(buffer[start:end]))
            at = end
        del buffer[:at]


# The child's end --------------------------------------------------------------------------------


class _Answer:
    """What a thread waits for."""

    __slots__ = ("lock", "value")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.lock.acquire()
        self.value: Any = ConnectionLost(_GONE)


class _Reader:
    """The thread that reads a channel.

    Args:
        buffer: what has been read of the first message.
    """

    __slots__ = ("buffer", "gone", "made_by", "parts", "rest")

    def __init__(self, buffer: bytearray) -> None:
        self.buffer = buffer
        self.made_by = threading.Lock  # what makes the locks that it can release
        self.parts = False  # whether another is to read what comes after the next empty answer
        self.gone = threading.Lock()  # released when it reads no more
        self.gone.acquire()
        # Held for ever: a thread that ends when threads are others looks for itself by the number
        # that the others have, finds nothing, and says so on stderr.
        self.rest = threading.Lock()
        self.rest.acquire()


class Channel:
    """The way from this process to the one in which the servers live.

    Args:
        descriptor: a socket that leads there.
        connect: opens one instead, when first needed.
    """

    def __init__(
        self, descriptor: int | None = None, connect: Callable[[], socket.socket] | None = None
    ) -> None:
        self.connect = connect
        self._begin(descriptor)

    def _begin(self, descriptor: int | None) -> None:
        # Kept as a number until used: one that never is needs no closing at the process's end.
        self._descriptor = descriptor
        # The garbage collector may close a session while we send.
        self.lock: Any = threading.RLock()
        self.sock: socket.socket | None = None
        self._reader: _Reader | None = None
        self.lost = False
        self.sessions: dict[int, RemoteSession] = {}
        self._answers: dict[int, _Answer] = {}
        self._numbers = count(1)

    def branch(self) -> int | None:
        """A socket for a child that this process is about to fork; None when it needs none."""
        if self.connect is not None:
            return None
        mine, childs = socket.socketpair()
        with mine, contextlib.suppress(ConnectionLost):
            self.send(("adopt", 0), mine.fileno())
        return childs.detach()

    def renew(self, descriptor: int | None) -> None:
        """In a forked child: leave the parent's socket to the parent, take an own one.

        Args:
            descriptor: the own one; None where this process opens it, or will never have one.
        """
        if self.sock is not None:
            self.sock.close()
        elif self._descriptor is not None:
            os.close(self._descriptor)
        sessions = list(self.sessions.values())
        self._begin(descriptor)
        self.lost = descriptor is None and self.connect is None
        for session in sessions:
            session.wake = None  # whoever waited, waits in the parent
            session.kill()

    def ask(self, *message: Any) -> Any:
        """Send a request and wait for its answer.

        Raises:
            ConnectionLost: the other process has gone.
        """
        if self._reader is not None and self._reader.made_by is not threading.Lock:
            self._change_threads()
        answer = _Answer()
        with self.lock:
            number = next(self._numbers)
            self._answers[number] = answer
            try:
                self.send((message[0], number, *message[1:]))
            except BaseException:
                self._answers.pop(number, None)
                raise
        try:
            answer.lock.acquire()
        finally:
            self._answers.pop(number, None)
        if isinstance(answer.value, BaseException):
            raise answer.value
        return answer.value

    def send(self, message: Any, descriptor: int | None = None) -> None:
        """Send a request that has no answer, if need be with a descriptor.

        Raises:
            ConnectionLost: the other process has gone.
        """
        data = frame(message)
        with self.lock:
            sock = self._open()
            try:
                sent = 0
                if descriptor is not None:
                    sent = socket.send_fds(sock, [data], [descriptor])
                sock.sendall(data[sent:])
            except OSError:
                self.close()
                raise ConnectionLost(_GONE) from None
            except BaseException:
                self.close()  # nobody knows how much of the request has been sent
                raise

    def _open(self) -> socket.socket:
        """The socket, with a thread that reads it."""
        if self.lost:
            raise ConnectionLost(_GONE)
        if self.sock is None:
            try:
                if self.connect is not None:
                    self.sock = self.connect()
                else:
                    self.sock, self._descriptor = socket.socket(fileno=self._descriptor), None
            except OSError:
                self.lost = True
                raise ConnectionLost(_GONE) from None
            self._start_reader(self.sock, bytearray())
        return self.sock

    def _start_reader(self, sock: socket.socket, buffer: bytearray) -> None:
        reader = self._reader = _Reader(buffer)
        name = "fakeredis-channel"
        threading.Thread(target=self._read, args=(sock, reader), name=name, daemon=True).start()

    def _change_threads(self) -> None:
        """Threads and locks are others now, as gevent's and eventlet's: let one of those read.

        The present reader cannot wake who waits by one of the new locks.  It rests when it has read
        one more answer.
        """
        with self.lock:
            reader, sock = self._reader, self.sock
            if reader is None or sock is None or reader.made_by is threading.Lock:
                return
            reader.parts = True
            with contextlib.suppress(OSError):
                sock.sendall(frame(("options", 0)))
            reader.gone.acquire()
            if self.lost:
                return
            self.sock = socket.socket(fileno=sock.detach())
            self.lock = threading.RLock()
            self._start_reader(self.sock, reader.buffer)

    def close(self) -> None:
        """Tell the other process that this one needs it no more."""
        self.lost = True
        if self.sock is not None:
            with contextlib.suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)

    def _read(self, sock: socket.socket, reader: _Reader) -> None:
        """Hand out what comes."""
        parted = False

        def read() -> bytes:
            return b"" if parted else _receive(sock)

        try:
            for kind, number, *rest in frames(read, reader.buffer):
                if kind == "late":
                    self._late(number, *rest)
                elif number or rest[0]:
                    self._answer(number, *rest)
                else:
                    parted = reader.parts
        finally:
            if not parted:
                self.lost = True
                sock.close()
                for session in list(self.sessions.values()):
                    session.kill()
                for answer in list(self._answers.values()):
                    _release(answer)
            reader.gone.release()
        if parted:
            reader.rest.acquire()

    def _late(self, number: int, state: Any, items: list[Any]) -> None:
        session = self.sessions.get(number)
        if session is not None:
            session.outbox.extend(map(unpacked, items))
            session.adopt(state)
            if session.wake is not None:
                session.wake()

    def _answer(self, number: int, owner: int, state: Any, value: Any) -> None:
        session = self.sessions.get(owner)
        if session is not None:
            session.adopt(state)
        answer = self._answers.get(number)
        if answer is not None:
            answer.value = unpacked(value)
            _release(answer)
        elif session is not None:
            session.late(unpacked(value))

    def session(self, server: Server, key: Any, protocol: int) -> RemoteSession:
        """A new session with a server of the other process.

        Raises:
            ConnectionRefusedError: there is no such server any more, or it is down.
        """
        try:
            number, identity, address, state = self.ask("open", key, protocol)
        except ConnectionLost:
            raise ConnectionRefusedError(111, "Connection refused") from None
        return self._opened(RemoteSession(self, server, number, identity, address), state)

    def attach(self, session: InheritedSession, key: Any) -> RemoteSession:
        """The other process's session whose connection this one has inherited.

        Raises:
            ConnectionLost: it was closed there.
        """
        number, _, address, state = self.ask("attach", key, session.id)
        attached = RemoteSession(self, session.server, number, session.id, address)
        attached.outbox = session.outbox
        return self._opened(attached, state)

    def _opened(self, session: RemoteSession, state: Any) -> RemoteSession:
        session.adopt(state)
        self.sessions[session.number] = session
        if self.lost:
            session.kill()
        return session


def _release(answer: _Answer) -> None:
    try:
        answer.lock.release()
    except RuntimeError:
        pass  # it was answered already


def _receive(sock: socket.socket) -> bytes:
    try:
        return sock.recv(1 << 16)
    except OSError:
        return b""


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
            raise ConnectionLost(_GONE)
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

    def late(self, reply: Any) -> None:
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
            raise ConnectionLost(_GONE)
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
            found = self._attached = engine.channel.attach(self, engine.key)
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

    def _run(self, how: str, words: Any) -> Any:
        if self.closed:
            raise ConnectionLost(_GONE)
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


def _inherit(session: Session) -> None:
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


# Servers and networks ---------------------------------------------------------------------------


@contextlib.contextmanager
def _told_to_redis_py() -> Iterator[None]:
    """What is lost is lost in redis-py's words."""
    try:
        yield
    except ConnectionLost as error:
        # Not above: a fork that imports redis-py runs the hooks that its imports add but by half.

        raise redis.ConnectionError(str(error)) from None


class RemoteNetwork:
    """The way to the network of another process.

    Args:
        channel: leads to that process.
        number: how it knows its network.
    """

    def __init__(self, channel: Channel, number: int) -> None:
        self.channel = channel
        self.number = number

    def stand_in(self, server: Server, way: str, *args: Any) -> Server:
        """Make a server stand for that which the other process finds by one of its methods.

        Args:
            server: the server of this process, which is returned.
            way: the method's name there.
            args: the method's arguments.
        """
        make_remote(server, self.channel, (way, self.number, *args))
        return server

    def ask(self, what: str, *args: Any) -> Any:
        """Call one of the other network's methods there, and return its result.

        Raises:
            redis.ConnectionError: the other process has gone.
        """
        with _told_to_redis_py():
            return unpacked(self.channel.ask("network", self.number, what, packed([*args])))


class RemoteEngine(Engine):
    """The engine of a server of another process; what this one holds of that server is a name.

    Args:
        server: what has the name here.
        channel: the way there.
        key: how that process knows its server.
    """

    remote = True

    def __init__(self, server: Server, channel: Channel, key: Any) -> None:
        super().__init__(server)
        self.channel = channel
        self.key = key
        self.members: dict[str, Server] = {}  # of a cluster, by their addresses

    def session(self, protocol: int, address: str) -> Any:
        """A session in the process in which the server lives."""
        return self.channel.session(self.server, self.key, protocol)

    def protocol_session(self, address: str, local: str) -> Any:
        """None of this process serves sockets with it.

        Raises:
            RuntimeError: always.
        """
        raise RuntimeError(_ELSEWHERE)

    def _tell(self, what: str, *args: Any) -> None:
        with contextlib.suppress(ConnectionLost):
            self.channel.ask("do", self.key, what, args)

    @property
    def connected(self) -> bool:
        """Whether it answers, as far as one knows without asking."""
        return not self.channel.lost

    @connected.setter
    def connected(self, up: bool) -> None:
        self._tell("connected", up)

    def advance(self, seconds: float) -> None:
        """Move its clock ahead."""
        self.server.clock.advance(seconds)
        self._tell("advance", seconds)

    def clear(self) -> None:
        """Remove all its keys."""
        self._tell("clear")

    def catch_up(self) -> None:
        """It does so itself."""

    def key_names(self, session: Session) -> dict[int, list[bytes]]:
        """None are here."""
        return {}

    def let_go(self) -> None:
        """What its store holds open is the other process's."""

    def check_files(self, verb: str) -> None:
        """The data are elsewhere.

        Raises:
            RuntimeError: always.
        """
        raise RuntimeError(_ELSEWHERE)

    def grow(self, size: int) -> None:
        """Make the server a node of a cluster, see `fakeredis.engine.cluster.cluster.grow`.

        Raises:
            redis.ConnectionError: the other process has gone.
            ValueError: the server has keys.
        """
        with _told_to_redis_py():
            self.channel.ask("do", self.key, "grow", (size,))

    def member(self, address: str) -> Server:
        """The node at an address of the server's cluster."""
        server = self.server
        members = self.members
        if address not in members:
            twin = object.__new__(type(server))
            vars(twin).update(vars(server), sessions={}, address=address, lock=RLock())
            twin.engine = RemoteEngine(twin, self.channel, ("member", self.key, address))
            twin.engine.members = members
            members.setdefault(address, twin)
        return members[address]


_ELSEWHERE: Final = "this server lives in the process that has forked this one: ask there"


def make_remote(server: Server, channel: Channel, key: Any) -> None:
    """Make a server of this process, a copy that nobody needs, stand for one of another.

    Args:
        server: the copy.
        channel: the way there.
        key: how that process knows it.
    """
    for session in list(server.sessions.values()):
        _inherit(session)
    server.sessions.clear()
    server.lock = RLock()
    server.databases.clear()
    server.deadlines.clear()
    server.waiting.clear()
    server.notify_flags = ""
    server.recorder = None
    server.switched = 0
    server.engine = RemoteEngine(server, channel, key)

