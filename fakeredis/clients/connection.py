"""redis-py's connections on a `FakeSocket`.

The functions here work on any of redis-py's sync connections whose ``_sock`` is a `FakeSocket`; the
classes below use them as methods, and `fakeredis.patch` puts them under the real classes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import redis
import redis.connection as real

from fakeredis.clients import network
from fakeredis.clients.codec import Packed, decoded, encoder_for, packs_itself, with_errors, words
from fakeredis.clients.creations import births
from fakeredis.clients.fake_socket import FakeSocket, be_impatient, stop_listening
from fakeredis.clients.handshake import greet, is_simple
from fakeredis.clients.untouched import asks_parser, is_plain, ready
from fakeredis.engine.core.replies import Push
from fakeredis.errors import CommandError, ConnectionLost
from fakeredis.spy.methods import SPYING, NotedWords

if TYPE_CHECKING:
    from fakeredis.clients.interfaces import AnyConnection, Connection, Parser
    from fakeredis.engine.core.server import Server
    from fakeredis.engine.core.session import Session

_UNSET: Any = object()
_next_port = 40000


def open_session(
    connection: AnyConnection, server: Server | None = None, here: network.Network | None = None
) -> Session:
    """A new session with the server that the connection's address means.

    Args:
        connection: that of redis-py.
        server: the server, if it is known already.
        here: the network in which it is looked for, by default that of the present patch.

    Raises:
        ConnectionRefusedError: there is no such server, or it is down.
        FileNotFoundError: there is no such socket.
    """
    if server is None:
        server = (here or network.current()).server_at(network.address_of(connection))
    if server is None and getattr(connection, "path", None):
        raise FileNotFoundError(2, "No such file or directory")
    if server is None:
        known = (here or network.current()).addresses
        shown = f": patch(addresses={sorted(known)})" if known is not None else ""
        raise ConnectionRefusedError(111, f"Connection refused{shown}")
    if not server.connected:
        raise ConnectionRefusedError(111, "Connection refused")
    session = server.session(address=client_address())
    session.via = "handshake"
    return session


def open_wire(
    connection: Connection, server: Server | None = None, here: network.Network | None = None
) -> FakeSocket:
    """A `FakeSocket` on a new session, see `open_session`."""
    session = open_session(connection, server, here)
    wire = FakeSocket(session, getattr(connection, "socket_timeout", None))
    equip(connection, wire)
    return wire


def equip(connection: AnyConnection, wire: FakeSocket) -> None:
    """Note what a connection sends and reads with as it is now: a mock may take its place later."""
    wire.careful = not is_plain(connection)
    wire.reads = type(connection).read_response
    wire.sends = type(connection).send_command
    wire.packs = encoder_for(connection)
    if not wire.patient:
        be_impatient(connection, wire)


def client_address() -> str:
    """An address as the kernel would give a client's socket."""
    global _next_port
    _next_port = _next_port + 1 if _next_port < 60000 else 40001
    return f"127.0.0.1:{_next_port}"


def send_packed_command(connection: Connection, command: object, check_health: bool = True) -> None:
    """Send what ``pack_command`` made, or the protocol's bytes.

    Raises:
        redis.ConnectionError: the server is down or has closed the connection, or the socket fails.
        redis.TimeoutError: the socket's time is over.
    """
    if not connection._sock:
        reconnect(connection)
    if check_health and connection.health_check_interval:
        connection.check_health()
    wire = connection._sock
    try:
        transmit(wire, command)
    except ConnectionLost as error:
        drop(connection, wire)
        raise redis.ConnectionError(str(error)) from None
    except OSError as error:
        drop(connection, wire)
        raise send_error(error) from error
    except BaseException:
        drop(connection, wire)
        raise


def drop(connection: Connection, wire: FakeSocket) -> None:
    """Disconnect, unless the patch has ended meanwhile and given the connection another socket."""
    if connection._sock is wire:
        connection.disconnect()


def send_error(error: Exception) -> redis.RedisError:
    """What redis-py makes of a socket's error while it sends: `patch.fail_next` orders such."""
    if isinstance(error, (TimeoutError, asyncio.TimeoutError)):  # one and the same from 3.11 on
        return redis.TimeoutError("Timeout writing to socket")
    number, text = error.args[:2] if len(error.args) > 1 else ("UNKNOWN", *error.args[:1], "")[:2]
    return redis.ConnectionError(f"Error {number} while writing to socket. {text}.")


def read_error(connection: AnyConnection, error: OSError) -> redis.RedisError:
    """What redis-py makes of a socket's error while it reads a reply."""
    return redis.ConnectionError(f"Error while reading from {place(connection)} : {error.args}")


def place(connection: AnyConnection) -> str:
    """Where a connection leads, as redis-py's errors tell."""
    where = getattr(connection, "_host_error", None)
    return str(where()) if where is not None else network.address_of(connection)


def reconnect(connection: Connection) -> None:
    """Connect because a command is to be sent: it checks the connection's health, if need be."""
    connect = getattr(connection, "connect_check_health", None)
    if connect is None:  # before redis-py 6
        connection.connect()
    else:
        connect(check_health=False)
    ready(connection, connection._sock)


def transmit(wire: FakeSocket, command: Any) -> None:
    """Run packed commands, or the protocol's bytes.

    Raises:
        ConnectionLost: the server is down or has closed the connection.
    """
    if type(command) is Packed:
        wire.send_many(command.commands)
        return
    for piece in [command] if isinstance(command, bytes | str) else command:
        if isinstance(piece, Packed):
            transmit(wire, piece)
        else:
            wire.send_bytes(piece.encode() if isinstance(piece, str) else bytes(piece))


def send_command(connection: Connection, *args: object, **kwargs: Any) -> None:
    """Send one command."""
    packed: Any
    if packs_itself(connection):
        packed = connection._command_packer.pack(*args)  # type: ignore[attr-defined]
    else:
        packed = Packed([words(encoder_for(connection), args)])
    connection.send_packed_command(packed, check_health=kwargs.get("check_health", True))


def pack_command(
    connection: AnyConnection, pack: Callable[..., Sequence[bytes]], *args: object
) -> Any:
    """A command for ``send_packed_command``.

    Args:
        connection: that of redis-py.
        pack: its library's own method.
        args: the command.
    """
    if packs_itself(connection):
        return pack(*args)
    return Packed([words(encoder_for(connection), args)], partial(pack, *args))


def pack_commands(
    connection: AnyConnection, pack: Callable[..., Sequence[bytes]],
    commands: Iterable[Iterable[Any]],
) -> Any:
    """Commands for ``send_packed_command``, see `pack_command`."""
    together = [args if isinstance(args, tuple) else tuple(args) for args in commands]
    if packs_itself(connection):
        return pack(together)
    encoder = encoder_for(connection)
    again = partial(pack, together)
    if SPYING.count:
        return Packed([
            NotedWords(words(encoder, args), args, position)
            for position, args in enumerate(together)
        ], again)
    return Packed([words(encoder, args) for args in together], again)


def can_read(connection: Connection, timeout: float | None = 0) -> bool:
    """Whether a message waits, or comes within ``timeout`` seconds.

    Raises:
        redis.ConnectionError: the server has closed the connection.
    """
    if not connection._sock:
        connection.connect()
    wire = connection._sock
    if wire.lost():
        raise redis.ConnectionError("Connection closed by server.")
    return bool(wire.readable(timeout))


def read_response(
    connection: Connection, disable_decoding: bool = False, *, timeout: Any = _UNSET,
    disconnect_on_error: bool = True, push_request: bool = False, **kwargs: object,
) -> Any:
    """The next reply, decoded as the connection's encoder says.

    Raises:
        redis.ResponseError: the reply is an error (its subclass by redis-py's own rules).
        redis.TimeoutError: nothing came in time.
        redis.ConnectionError: the server has gone.
    """
    wire = connection._sock
    if wire is None:
        raise redis.ConnectionError("Connection closed by server.")
    if timeout is not None and type(timeout) is not float and type(timeout) is not int:
        timeout = wire.timeout  # none was given
    try:
        reply = _next_reply(connection, wire, timeout, push_request)
        reply = settled(connection, reply, disable_decoding)
    except TimeoutError:
        if disconnect_on_error:
            drop(connection, wire)
        raise redis.TimeoutError(f"Timeout reading from {connection._host_error()}") from None
    except ConnectionLost as error:
        if disconnect_on_error:
            drop(connection, wire)
        raise redis.ConnectionError(str(error)) from None
    except OSError as error:
        if disconnect_on_error:
            drop(connection, wire)
        raise read_error(connection, error) from error
    except BaseException:
        if disconnect_on_error:
            drop(connection, wire)
        raise
    if connection.health_check_interval:
        connection.next_health_check = health_clock() + connection.health_check_interval
    if type(reply) not in _NEVER_ERRORS and isinstance(reply, redis.ResponseError):
        try:
            raise reply
        finally:
            del reply  # this frame, which the traceback holds, would hold it
    return reply


_NEVER_ERRORS = frozenset({bytes, str, int, list, dict, type(None)})


def settled(connection: AnyConnection, reply: object, disable_decoding: bool = False) -> Any:
    """A reply as redis-py's parser gives it; errors are returned.

    Raises:
        redis.ConnectionError: it is one of the errors that redis-py counts among these.
    """
    reply = with_errors(reply, connection._parser)
    if type(reply) not in _NEVER_ERRORS and isinstance(reply, redis.ConnectionError):
        try:
            raise reply
        finally:
            del reply  # this frame, which the traceback holds, would hold it
    if connection.encoder.decode_responses and not disable_decoding:
        return decoded(reply, connection.encoder)
    return reply


def _next_reply(
    connection: Connection, wire: FakeSocket, timeout: float | None, push_request: bool
) -> Any:
    """The next message; pushes that were not asked for go to the parser's handlers."""
    while True:
        item = wire.receive(timeout)
        if type(item) is not Push:
            return item
        message = list(item)
        if wire.session.protocol == 2:
            return message  # to be settled as any reply
        if connection.encoder.decode_responses:
            message = decoded(message, connection.encoder)
        handled = hand_over(connection._parser, message)
        if push_request:
            return handled


def hand_over(parser: Parser, message: list[Any]) -> Any:
    """Give a push to the handler that redis-py keeps for it."""
    handle = getattr(parser, "handle_push_response", None)
    if handle is None:
        return message
    if handle.__code__.co_argcount > 2:  # before redis-py 6
        return handle(message, disable_decoding=False, push_request=True)
    return handle(message)


def health_clock() -> float:
    """The time by which redis-py's sync connections plan their health checks."""
    clock = vars(real)["time"]  # the function `time.time` before redis-py 6, the module since
    return float(clock() if callable(clock) else clock.monotonic())


class Fake:
    """Marks connections that are fakes by their class: patches let them be."""


if TYPE_CHECKING:
    Mixed: Any
else:
    Mixed = object  # what a mixin has as its base: the class, that is, which it is mixed into


class FakeConnectionMixin(Fake, Mixed):  # type: ignore[misc]
    """The methods that lead a sync connection to the engine."""

    _sock: Any  # a `FakeSocket` or None
    _parser: Any

    def __init__(self, *args: object, server: Any = _UNSET, **kwargs: object) -> None:
        self._fake_server: Server | None = None if server is _UNSET else server
        # A client that was made outside of patches stays there; see `fakeredis.clients.sync`.
        self._fake_home = network.default if server is None else None
        super().__init__(*args, **kwargs)
        if server is _UNSET and births.here is not None:  # of a pool that is none of ours
            births.note(self, network.address_of(self), None)

    def _connect(self) -> FakeSocket:
        return open_wire(self, self._fake_server, self._fake_home)

    def connect(self) -> None:
        """Open a session and let redis-py make its handshake."""
        if not self._sock:
            stop_listening(self)
            super().connect()
            ready(self, self._sock)

    def on_connect_check_health(self, check_health: bool = True) -> None:
        """redis-py's handshake, or the same words by a shorter way."""
        if is_simple(self):
            try:
                greet(self)
                return
            except (CommandError, ConnectionLost):
                pass  # redis-py tries once more, and raises what it would
        super().on_connect_check_health(check_health)

    send_packed_command = send_packed_command
    send_command = send_command

    def pack_command(self, *args: object) -> Any:
        """A command for ``send_packed_command``."""
        return pack_command(self, super().pack_command, *args)

    def pack_commands(self, commands: Any) -> Any:
        """Commands for ``send_packed_command``."""
        return pack_commands(self, super().pack_commands, commands)

    def can_read(self, *args: Any, **kwargs: Any) -> Any:
        """Whether a message waits, or comes in time."""
        if asks_parser(self._parser, "can_read"):
            return super().can_read(*args, **kwargs)
        return can_read(self, *args, **kwargs)

    def read_response(self, *args: Any, **kwargs: Any) -> Any:
        """The next reply."""
        if asks_parser(self._parser):
            return super().read_response(*args, **kwargs)
        return read_response(self, *args, **kwargs)


class FakeConnection(FakeConnectionMixin, real.Connection):
    """`redis.Connection` to a fake server; may be a pool's ``connection_class``.

    Args:
        server: the `FakeServer`; None for the one at the connection's address.
    """


class FakeSSLConnection(FakeConnectionMixin, real.SSLConnection):
    """`redis.SSLConnection` to a fake server; no certificate is looked at."""


class FakeUnixDomainSocketConnection(FakeConnectionMixin, real.UnixDomainSocketConnection):
    """`redis.UnixDomainSocketConnection` to a fake server."""


FAKE_CLASSES: dict[type, type] = {
    real.Connection: FakeConnection,  # before its subclass
    real.SSLConnection: FakeSSLConnection,
    real.UnixDomainSocketConnection: FakeUnixDomainSocketConnection,
}


def fake_class(connection_class: type, mixin: type, peers: dict[type, type]) -> type:
    """The fake peer of a connection class; a user's subclass gets one that keeps its overrides.

    Args:
        connection_class: the class that a pool would use.
        mixin: what makes a class a fake one.
        peers: the known pairs, real to fake; what is made is added.
    """
    if issubclass(connection_class, mixin):
        return connection_class
    fake = peers.get(connection_class)
    if fake is None:
        found = [fake for base, fake in peers.items() if base in connection_class.__mro__]
        bases = (connection_class, found[-1]) if found else (mixin, connection_class)
        fake = peers[connection_class] = type(f"Fake{connection_class.__name__}", bases, {})
    return fake
