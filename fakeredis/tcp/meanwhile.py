"""Clients that are served while the loop waits for a script of one of them.

No event loop of asyncio turns within one of its own calls.  So as long as a script runs, the
clients' sockets are looked at here, and what has come is given to their protocols.  New clients get
a transport that is made here, until the loop can take them over.  What waits to be written to a
client that did not read before stays with the loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import selectors
import socket
from collections.abc import Callable, Iterable
from typing import Any, Final

from fakeredis.tcp.tls import Secure

_PIECE: Final = 1 << 18  # bytes that are read at once


class Early(asyncio.Transport):
    """The transport of a client whom the loop does not know yet.

    Args:
        sock: has been accepted.
    """

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        with contextlib.suppress(OSError):  # no TCP
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().__init__({
            "socket": sock, "peername": sock.getpeername(), "sockname": sock.getsockname(),
        })
        self.sock = sock
        self.unsent = b""
        self._closing = False

    def write(self, data: Any) -> None:
        """Send as much as the socket takes; the loop sends the rest."""
        if self._closing:
            return
        if not self.unsent:
            with contextlib.suppress(OSError):
                data = data[self.sock.send(data) :]
        self.unsent += data

    def get_write_buffer_size(self) -> int:
        """Bytes that wait to be sent."""
        return len(self.unsent)

    def is_closing(self) -> bool:
        """Whether it is closed, or will be when all is sent."""
        return self._closing

    def close(self) -> None:
        """Send what waits, then close."""
        self._closing = True

    def abort(self) -> None:
        """Close without more ado."""
        self._closing = True
        self.unsent = b""

    def pause_reading(self) -> None:
        """The client's protocol says by itself that it does not listen."""

    def resume_reading(self) -> None:
        """Nor that it listens again."""


class Meanwhile:
    """What happens between clients and a loop during one long command.

    Args:
        loop: runs the command, and nothing else until it ends.
        make: the protocol for a new client.
        entrances: sockets that listen, with what ``make`` is given for their clients.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, make: Callable[[Any], asyncio.BufferedProtocol],
        entrances: Iterable[tuple[socket.socket, Any]],
    ) -> None:
        self._loop = loop
        self._make = make
        self._selector = selectors.DefaultSelector()
        self._known: set[Any] = set()  # connections whose sockets are looked at
        self._early: dict[Early, asyncio.BufferedProtocol] = {}
        for sock, about in entrances:
            with contextlib.suppress(OSError, ValueError):  # it is closed
                self._selector.register(sock, selectors.EVENT_READ, about)

    def turn(self, connections: Iterable[Any]) -> None:
        """Take what has come, without waiting.

        Args:
            connections: the clients' protocols, with ``transport``, ``running`` and ``deaf``.
        """
        for connection in list(connections):
            if connection not in self._known:
                self._known.add(connection)
                self._add(connection)
            if connection.scheduled and not connection.running:
                connection.look()
        for key, _ in self._selector.select(0):
            if isinstance(key.data, asyncio.BufferedProtocol):
                self._read(key)
            else:
                self._accept(key)
        self._close()

    def _add(self, connection: Any) -> None:
        transport = connection.transport
        protocol = transport if isinstance(transport, Secure) else connection
        with contextlib.suppress(KeyError, OSError, ValueError):  # it is known, or closed
            self._selector.register(
                transport.get_extra_info("socket"), selectors.EVENT_READ, protocol
            )

    def _accept(self, key: selectors.SelectorKey) -> None:
        listening: Any = key.fileobj
        with contextlib.suppress(OSError):  # there is no other, or no room for one
            while True:
                early = Early(listening.accept()[0])
                protocol = self._early[early] = self._make(key.data)
                self._selector.register(early.sock, selectors.EVENT_READ, protocol)
                protocol.connection_made(early)

    def _read(self, key: selectors.SelectorKey) -> None:
        protocol = key.data
        secure = isinstance(protocol, Secure)
        connection = protocol.inner if secure else protocol
        transport = protocol.raw if secure else protocol.transport
        if connection.deaf or transport.is_closing():
            return
        sock: Any = key.fileobj
        data = b""
        with contextlib.suppress(OSError), sock.dup() as readable:
            data = readable.recv(_PIECE)
        if not data:
            self._selector.unregister(sock)  # the end of it is left to the loop
            return
        try:
            protocol.data_received(data)
        except Exception as error:  # must not end the script
            self._loop.call_exception_handler({
                "message": "what a client sent fails", "exception": error, "protocol": protocol,
            })
            transport.abort()

    def _close(self) -> None:
        """Show clients that they are dismissed."""
        for connection in self._known:
            transport = connection.transport
            if transport.is_closing() and not transport.get_write_buffer_size():
                with contextlib.suppress(OSError, ValueError):
                    transport.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
        for early in [each for each in self._early if each.is_closing() and not each.unsent]:
            self._drop(early)

    def _drop(self, early: Early) -> None:
        protocol = self._early.pop(early)
        with contextlib.suppress(KeyError, ValueError, RuntimeError):
            self._selector.unregister(early.sock)
        early.sock.close()
        protocol.connection_lost(None)

    def end(self) -> list[asyncio.Task[None]]:
        """The loop turns again: it takes over who has come; what does so is returned."""
        self._close()
        self._selector.close()
        return [self._loop.create_task(self._hand_over(early)) for early in self._early]

    async def _hand_over(self, early: Early) -> None:
        heir = _Heir(early, self._early[early])
        try:
            await self._loop.connect_accepted_socket(lambda: heir, early.sock)
        except OSError:
            self._drop(early)


class _Heir(asyncio.Protocol):
    """Puts a transport of the loop in the place of an early one."""

    def __init__(self, early: Early, protocol: asyncio.BufferedProtocol) -> None:
        self._early = early
        self._protocol = protocol

    def connection_made(self, transport: Any) -> None:
        early, protocol = self._early, self._protocol
        transport.set_protocol(protocol)
        setattr(protocol, "raw" if isinstance(protocol, Secure) else "transport", transport)
        connection: Any = getattr(protocol, "inner", protocol)
        if connection.deaf:
            transport.pause_reading()
        transport.write(early.unsent)
        if early.is_closing():
            transport.close()
