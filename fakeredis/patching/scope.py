"""One entry of a patch: its servers, and the connections that it leads to them.

A connection that meets a patch has what it holds of the network (socket, parser, handshake) put
aside and starts unconnected; when the patch ends, what was put aside comes back, the same objects.
With several patches each has its own state of the connection, and the one whose turn it is is
loaded.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakSet

from fakeredis.clients import network
from fakeredis.clients.aio_socket import AsyncFakeSocket
from fakeredis.clients.connection import Fake
from fakeredis.clients.fake_socket import FakeSocket
from fakeredis.clients.network import Network, members
from fakeredis.patching.endings import AfterExitWarning, depth

if TYPE_CHECKING:
    from fakeredis.clients.interfaces import AnyConnection
    from fakeredis.engine.core.server import Server

STATES: Final = "_fakeredis_states"  # in a connection's namespace, while a patch has it in hand
SEQUENCE: Final = count(1)  # the order in which scopes begin and end
CREATED_IN: Final = "_fakeredis_created_in"  # in a pool's: the scope it was made in

# What of a connection belongs to its present socket (sync and asyncio, of all versions).
_FIELDS: Final = (
    "_sock", "_reader", "_writer", "_parser", "next_health_check", "handshake_metadata",
    "_himport_prepared", "_himport_reconciled_revision", "_should_reconnect",
)
# What of a parser belongs to it; a copy of the parser starts without.
_PARSER_FIELDS: Final = ("_sock", "_buffer", "_reader", "_stream", "_connected")

State = dict[str, Any]


class ConnectionStates:
    """The states of one connection: one is loaded, the others wait."""

    __slots__ = ("saved", "kind", "scope")

    def __init__(self, kind: str) -> None:
        self.kind = kind  # of clients
        self.scope: PatchScope | None = None  # whose state is loaded; None: the real one
        self.saved: dict[PatchScope | None, State] = {}

    def __del__(self) -> None:
        """A connection that goes while its socket is put aside takes the socket along."""
        close = globals()["_close"]
        if close is not None:  # else the interpreter ends, and has emptied this module
            for state in self.saved.values():
                close(state)


class PatchScope(Network):
    """The network of one entry of a patch.

    Args:
        make: makes the server of an address.
        single: a server that answers at every address instead.
        addresses: the addresses that exist; None for all.
        kinds: the kinds of clients that lead here.
        after_exit: what clients do that were made inside and are used after: fake, raise, real.
    """

    def __init__(
        self, make: Callable[[str], Server], single: Server | None,
        addresses: frozenset[str] | None, kinds: frozenset[str], after_exit: str,
    ) -> None:
        super().__init__(make, single, addresses)
        self.kinds = kinds
        self.after_exit = after_exit
        self.active = False
        self.connections: WeakSet[Any] = WeakSet()  # that it has in hand
        self.held: list[Any] = []  # such that nobody can refer to weakly (aioredis)
        self.pools: WeakSet[Any] = WeakSet()  # that were made inside
        self.created: WeakSet[Any] = WeakSet()  # connections made inside, not by an older pool
        self.handle: Any = None
        self.entry: Any = None
        self.begin = self.end = 0  # ticks; without an end it has none yet, or lets go
        self.after_classes: dict[type, type] = {}  # the classes of connections that outlive it
        self.polled: list[FakeSocket] = []  # others may poll their descriptors still
        self._warned = False

    def enter(self) -> None:
        """Become the network of new connections."""
        self.active = True
        self.begin = next(SEQUENCE)
        network.enter(self)
        choose_yielding()

    def leave(self) -> None:
        """Give every connection back what it had, and release whoever waits."""
        self.active = False
        network.leave(self)
        choose_yielding()
        for connection in [*members(self.connections), *self.held]:
            self._release(connection)
        self.connections.clear()
        self.held.clear()
        if self.single is None:
            for server in self.all():
                server.outlived = True
                for session in list(server.sessions.values()):
                    session.close()

    def _release(self, connection: AnyConnection) -> None:
        states = vars(connection).get(STATES)
        if states is None:
            return
        if states.scope is not self:
            self._abandon(states.saved.pop(self, {}))
        else:
            self._give_back(connection, states)
        if not states.saved:
            del vars(connection)[STATES]

    def _give_back(self, connection: AnyConnection, states: ConnectionStates) -> None:
        """Give a connection back what was put aside, and end what it has here.

        Where another thread is about to read a reply, its connection breaks instead: nothing would
        ever come through the socket that it had before.
        """
        state, own = take(connection), states.saved.pop(None)
        wire = _end_of(state)
        uses = _is_used(wire, own)  # asked before who waits is woken
        self._abandon(state)
        states.scope = None
        if isinstance(connection, Fake):  # by now, see `fakeredis.patching.after_exit`
            _close(own)
        elif uses or _is_used(wire, own):
            _close(own)
            load(connection, {**own, **_ends_of(state)})
            _break_parser(connection)
        else:
            load(connection, own)
            if _end_of(own) is None:
                _break_parser(connection)

    def _abandon(self, state: State) -> None:
        """End what a connection has here, and the waits of other threads for it."""
        end = _end_of(state)
        if not isinstance(end, FakeSocket):
            _close(state)
        elif end.abandon():
            self.polled.append(end)

    # After the end --------------------------------------------------------------------------

    def warn(self) -> None:
        """Say once that a client of this scope is used after its end."""
        if not self._warned:
            self._warned = True
            warnings.warn(
                "a Redis client made inside of fakeredis.patch() is used after its end; it goes on "
                "with its fake server. Make it inside of the patch that uses it, or say what you "
                'want by patch(after_exit="raise") or patch(after_exit="real").',
                AfterExitWarning, stacklevel=depth(),
            )


def bind_connection(connection: AnyConnection, scope: PatchScope, kind: str) -> None:
    """Take a connection into the hands of a scope, if it is not; what it had is put aside."""
    attributes = vars(connection)
    states = attributes.get(STATES)
    if states is None:
        states = attributes[STATES] = ConnectionStates(kind)
    elif states.scope is scope:
        return
    states.saved[states.scope] = take(connection)
    state = states.saved.pop(scope, None)
    if state is None:
        begin(connection)
    else:
        load(connection, state)
    states.scope = scope
    try:
        scope.connections.add(connection)
    except TypeError:
        scope.held.append(connection)


def take(connection: AnyConnection) -> State:
    """What a connection holds of its socket."""
    return {name: getattr(connection, name) for name in _FIELDS if hasattr(connection, name)}


def load(connection: AnyConnection, state: State) -> None:
    """Give a connection what `take` took of it."""
    for name, value in state.items():
        setattr(connection, name, value)


def begin(connection: AnyConnection) -> None:
    """Make a connection one that is not connected yet; its parser keeps its handlers."""
    parser = connection._parser = _copy(connection._parser)
    for name in _PARSER_FIELDS:
        value = getattr(parser, name, None)
        if type(value) is bytearray:  # hiredis' parser keeps it for ever
            setattr(parser, name, bytearray(len(value)))
        elif hasattr(parser, name):
            setattr(parser, name, False if name == "_connected" else None)
    for name in ("_sock", "_reader", "_writer"):
        if hasattr(connection, name):
            setattr(connection, name, None)
    connection.next_health_check = 0
    reset = getattr(connection, "_reset_himport_state", None)
    if reset is not None:
        reset()


def _copy(parser: object) -> Any:
    """A shallow copy; `copy.copy` would leave a note in the class."""
    copied = object.__new__(type(parser))
    if hasattr(parser, "__dict__"):
        vars(copied).update(vars(parser))
    slots = (vars(cls).get("__slots__", ()) for cls in type(parser).__mro__)
    for name in (name for names in slots for name in names):
        if name not in ("__dict__", "__weakref__") and hasattr(parser, name):
            setattr(copied, name, getattr(parser, name))
    return copied


def _is_used(wire: object, own: State) -> bool:
    """Whether another thread may be using a connection, which has another state of its own."""
    if not isinstance(wire, FakeSocket):
        return False
    return wire.in_use() or (_end_of(own) is None and wire.listens())


def _ends_of(state: State) -> State:
    """The socket of a state, or both streams."""
    return {name: end for name in ("_sock", "_reader", "_writer") if (end := state.get(name))}


def _end_of(state: State) -> Any:
    """The socket of a state, or the stream, or what stands for them."""
    return state.get("_sock") or state.get("_writer")


class _Reset:
    """A socket and a stream that have been reset, for redis-py's own code after a patch's end."""

    __slots__ = ()

    _buffer = b""  # redis-py's own parsers look into that of a stream

    def recv(self, *args: object) -> bytes:
        """Nothing comes this way: redis-py's own code is here when its patch has just ended.

        Raises:
            ConnectionResetError: always.
        """
        raise ConnectionResetError(104, "Connection reset by peer")

    recv_into = fileno = recv

    async def read(self, *args: object) -> bytes:
        """Nothing comes this way, as in ``recv``.

        Raises:
            ConnectionResetError: always.
        """
        return self.recv()

    readline = readexactly = readuntil = read

    def at_eof(self) -> bool:
        """Nothing more will come."""
        return True

    def settimeout(self, timeout: float | None) -> None:
        """It fails at once."""


class _Broken:
    """A connection that has been reset, as a parser sees it."""

    def __init__(self, connection: AnyConnection) -> None:
        self._connection = connection
        self._sock = self._reader = self._writer = _Reset()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def _break_parser(connection: AnyConnection) -> None:
    """Make another thread that still means to read find the end, not a parser that never began."""
    connection._parser.on_connect(_Broken(connection))


def _close(state: State) -> None:
    """Close the socket of a state that no one will load again."""
    for name in ("_sock", "_writer"):
        end = state.get(name)
        if end is not None:
            try:
                end.close()
            except (OSError, RuntimeError):  # RuntimeError: the event loop has gone
                pass


class YieldingSocket(FakeSocket):
    """A `FakeSocket` for several patches: each command asks first whose turn it is."""

    __slots__ = ()

    def turn(self, connection: AnyConnection) -> FakeSocket | None:
        """The wire of the patch whose turn it is; None where its connection is yet to be made."""
        found = _turn(connection)
        return getattr(connection, "_sock", None) if found else None


class AsyncYieldingSocket(AsyncFakeSocket):
    """An `AsyncFakeSocket` for several patches: each command asks first whose turn it is."""

    __slots__ = ()

    def turn(self, connection: AnyConnection) -> FakeSocket | None:
        """The wire of the patch whose turn it is; None where its connection is yet to be made."""
        found = _turn(connection)
        return getattr(connection, "_reader", None) if found else None


def _turn(connection: AnyConnection) -> bool:
    """Bind a connection to the patch whose turn it is; whether there is one."""
    states = vars(connection).get(STATES)
    if states is None:
        return False
    scope = network.current(states.kind)
    if scope is not states.scope:
        if states.kind not in scope.kinds:
            return False
        bind_connection(connection, scope, states.kind)  # type: ignore[arg-type]  # only scopes have kinds
    return True


_SLOW: Final[dict[type, type]] = {FakeSocket: YieldingSocket, AsyncFakeSocket: AsyncYieldingSocket}
_FAST: Final[dict[type, type]] = {YieldingSocket: FakeSocket, AsyncYieldingSocket: AsyncFakeSocket}


def choose_yielding(wire: object = None) -> None:
    """Allow short cuts while one patch alone is active: on a new wire, or on all there are."""
    scopes = network.entered()
    change = _SLOW if len(scopes) > 1 else _FAST
    if wire is not None:
        wire.__class__ = change.get(type(wire), type(wire))
        return
    for scope in scopes:
        for connection in members(getattr(scope, "connections", ())):
            states = vars(connection).get(STATES)
            if states is None:
                continue
            for state in (*states.saved.values(), take(connection)):
                for name in ("_sock", "_writer"):
                    end = state.get(name)
                    if isinstance(end, FakeSocket):
                        end.__class__ = change.get(type(end), type(end))


def slow_down(connection: object) -> None:
    """Keep short cuts from a connection's wire: it is asked first whose turn it is."""
    for name in ("_sock", "_writer"):
        end = getattr(connection, name, None)
        if isinstance(end, FakeSocket):
            never_fast(end)


def never_fast(wire: FakeSocket) -> None:
    """Make short cuts ask a wire first whose turn it is."""
    wire.__class__ = _SLOW.get(type(wire), type(wire))
