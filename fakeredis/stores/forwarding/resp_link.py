"""Links to real servers, over redis-py's own connections.

redis-py connects and makes the handshake (TLS, users, timeouts, all options of its URLs); what is
said afterwards goes over its socket in the protocol's bytes, so that no type of reply is lost.
"""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
from collections.abc import Sequence
from threading import RLock
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakSet

import redis
import redis.connection as real

from fakeredis.engine.core.replies import Push, Status
from fakeredis.errors import CommandError
from fakeredis.lazy import LazyModule
from fakeredis.resp import MISSING, ProtocolError, ReplyParser, pack
from fakeredis.stores.base import Bypass, StoreError
from fakeredis.stores.forwarding.link import Link

if TYPE_CHECKING:
    import hiredis
else:
    hiredis = LazyModule("hiredis")  # which may be missing

_CHUNK: Final = 1 << 16
_SMALL: Final = 1 << 13
_RESET: Final = Status(b"RESET")
_links: Final[WeakSet[RespLink]] = WeakSet()


_classes: Final[dict[type, type]] = {}


def real_class(kind: type) -> Any:
    """A class of connections of redis-py, whose connections no patch touches."""
    made = _classes.get(kind)
    if made is None:
        made = _classes[kind] = type(f"Real{kind.__name__}", (Bypass, kind), {})
    return made


def connect(options: dict[str, Any], name: str) -> Any:
    """A connection of redis-py, past its handshake.

    Args:
        options: as `redis.connection.parse_url` gives them.
        name: the store's, for error texts.

    Raises:
        OSError: there is no way to the server.
        StoreError: the server refuses.
    """
    options = dict(options)
    kind = options.pop("connection_class", real.Connection)
    options.update(protocol=2, decode_responses=False)
    connection = real_class(kind)(**options)
    try:
        connection.connect()
    except redis.RedisError as error:
        raise explained(error, name) from error
    return connection


def explained(error: redis.RedisError, name: str) -> Exception:
    """What to raise where redis-py has not got through: an `OSError` that says where, mostly.

    Args:
        error: redis-py's; a wrong password is left as it is.
        name: the store's.
    """
    if isinstance(error, redis.AuthenticationError):
        return error
    if isinstance(error, redis.TimeoutError):
        return TimeoutError(f"{error} (the store {name})")
    if isinstance(error, redis.ConnectionError):
        cause = error.__cause__ or error.__context__
        number = getattr(cause, "errno", None) or 111
        text = getattr(cause, "strerror", None) or str(error)
        return ConnectionRefusedError(number, f"{text} (the store {name})")
    return StoreError(f"the store {name} cannot be used: {error}")


class RespLink(Link):
    """A link over a connection of redis-py.

    Args:
        connection: a connected one.
        typed: see `fakeredis.stores.ForwardingStore.connect`.
    """

    def __init__(self, connection: Any, typed: bool = False) -> None:
        self.connection = connection
        self._sock: Any = connection._sock
        self._parser: Any = ReplyParser(typed) if typed else quick_parser()
        self._timeout: float | None = 0.0  # that the socket has
        self._sock.settimeout(0)
        self._lock = RLock()
        self._process = os.getpid()
        self._after_reset = _greeting(connection)
        self._resets = 0  # sent, and not replied yet
        self._swallow = 0  # replies to what was said after RESET
        _links.add(self)

    def send(self, batch: Sequence[Sequence[bytes]]) -> None:
        """Write commands to the socket, all at once.

        Args:
            batch: a pipeline's commands, or a single one.

        Raises:
            OSError: the other end has gone.
        """
        pieces = []
        for argv in batch:
            pieces.append(pack(argv))
            if self._after_reset and argv[0].upper() == b"RESET":
                pieces += map(pack, self._after_reset)
                self._resets += 1
        data = b"".join(pieces) if len(pieces) > 1 else pieces[0]
        with self._lock:
            if not self._timeout or len(data) > _SMALL:  # else it fits into the socket's buffer
                self._wait_at_most(None)
            self._sock.sendall(data)

    def receive(self, timeout: float | None) -> Any:
        """The next reply or push; without the replies to what the link itself says after RESET.

        Args:
            timeout: how many seconds to wait; None for as long as it takes, 0 not at all.

        Raises:
            TimeoutError: nothing has come.
            OSError: the other end has gone, or sends what is no reply.
        """
        while True:
            item = self._next(timeout)
            if self._swallow and type(item) is not list:
                self._swallow -= 1
                continue
            if self._resets and item == _RESET:
                self._resets -= 1
                self._swallow = len(self._after_reset)
            return item

    def _next(self, timeout: float | None) -> Any:
        parser = self._parser
        try:
            while (item := parser.take()) is MISSING:
                parser.feed(self._read(timeout))
        except (ProtocolError, _Garbled) as error:
            raise ConnectionError(f"the server sends what is no reply: {error}") from None
        return item

    def _read(self, timeout: float | None) -> bytes:
        with self._lock:
            self._wait_at_most(timeout)
            try:
                data: bytes = self._sock.recv(_CHUNK)
            except (BlockingIOError, ssl.SSLWantReadError):
                raise TimeoutError("nothing has come") from None
        if not data:
            raise ConnectionError("Connection closed by server.")
        return data

    def _wait_at_most(self, timeout: float | None) -> None:
        if timeout != self._timeout:
            self._sock.settimeout(timeout)
            self._timeout = timeout

    def call(self, *argv: bytes) -> Any:
        """Run a command and wait for its reply, which may be a `CommandError`."""
        self.send([argv])
        return self.receive(None)

    def ask(self, *argv: bytes) -> Any:
        """Run a command that should not fail, and wait for its reply.

        Raises:
            StoreError: the reply is an error.
            OSError: the other end has gone.
        """
        reply = self.call(*argv)
        if isinstance(reply, CommandError):
            raise StoreError(f"{b' '.join(argv[:2]).decode()}: {reply}")
        return reply

    def files(self) -> Sequence[Any]:
        """The socket's descriptor; none once it is closed."""
        number = self._sock.fileno()
        return (number,) if number >= 0 else ()

    def close(self) -> None:
        """Close the connection; a thread that reads from it wakes up."""
        if self._process == os.getpid():
            with contextlib.suppress(OSError):
                self._sock.shutdown(socket.SHUT_RDWR)  # whoever reads wakes up
        with self._lock:
            self._sock.close()
            self.connection._sock = None

    def __enter__(self) -> RespLink:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def forget(self) -> None:
        """In a forked child: the connection is the parent's."""
        self._lock = RLock()
        if isinstance(self._sock, ssl.SSLSocket):
            os.close(self._sock.detach())
        self._sock.close()
        self.connection._sock = None


class _Garbled(Exception):
    """What the server sends is no reply."""


class _Quick:
    """hiredis in the place of a `ReplyParser`: for clients that do not see what it leaves out."""

    def __init__(self, hiredis: Any) -> None:
        self._push = hiredis.PushNotification
        reader = hiredis.Reader(
            protocolError=_Garbled, replyError=CommandError, notEnoughData=MISSING
        )
        self.feed = reader.feed
        self._take = reader.gets

    def take(self) -> Any:
        """The next reply, errors as `CommandError`; `MISSING` where it is not complete."""
        item = self._take()
        return Push(item) if type(item) is self._push else item


def quick_parser() -> Any:
    """The quickest parser that there is."""
    try:
        return _Quick(hiredis)
    except (ImportError, AttributeError, TypeError):  # none, or an old one
        return ReplyParser()


def _greeting(connection: Any) -> list[list[bytes]]:
    """What has to be said again after RESET."""
    said: list[list[bytes]] = []
    password = getattr(connection, "password", None)
    if password:
        user = getattr(connection, "username", None) or "default"
        said.append([b"AUTH", str(user).encode(), str(password).encode()])
    if connection.db:
        said.append([b"SELECT", str(connection.db).encode()])
    return said


def _in_child() -> None:
    for link in list(_links):
        if link._sock.fileno() >= 0:
            link.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
