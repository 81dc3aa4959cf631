"""TLS between a loop's transport and a protocol.

asyncio's own gives nobody the bytes that have come while its loop is busy; see `meanwhile`.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from fakeredis.tcp.protocol import ClientProtocol

_HANDSHAKE: Final = 60.0  # seconds that a handshake may take
_PIECE: Final = 1 << 14  # bytes of a record at most


class Secure(asyncio.BufferedProtocol):
    """The protocol of the encrypted bytes, and the transport of those inside.

    Args:
        context: the server's side.
        inner: the protocol that gets what a client means.
        loop: that of the transport.
    """

    __slots__ = ("raw", "inner", "_tls", "_incoming", "_outgoing", "_shaken", "_timer")

    def __init__(
        self, context: ssl.SSLContext, inner: ClientProtocol, loop: asyncio.AbstractEventLoop
    ) -> None:
        self.raw: Any = None  # the transport
        self.inner = inner
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._shaken = False
        self._timer = loop.call_later(_HANDSHAKE, self._give_up)

    # The transport's calls ------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The client begins the handshake."""
        self.raw = transport

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the transport puts what comes."""
        return self.inner.get_buffer(sizehint)

    def buffer_updated(self, nbytes: int) -> None:
        """Decrypt what is in the buffer."""
        self.data_received(bytes(self.inner.get_buffer(nbytes)[:nbytes]))

    def data_received(self, data: bytes) -> None:
        """Decrypt what has come."""
        self._incoming.write(data)
        try:
            if not self._shaken:
                self._tls.do_handshake()
                self._shaken = True
                self._timer.cancel()
                self._flush()
                self.inner.connection_made(self)  # type: ignore[arg-type]
            while not self.raw.is_closing():
                plain = self._tls.read(_PIECE)
                if not plain:
                    self.close()
                    return
                self.inner.data_received(plain)
        except ssl.SSLWantReadError:
            self._flush()
        except ssl.SSLError:  # no TLS, or the client takes its leave
            self._flush()
            self.raw.close()

    def eof_received(self) -> None:
        """The client sends no more: the transport closes when all is written."""

    def pause_writing(self) -> None:
        """The client reads too slowly."""
        if self._shaken:
            self.inner.pause_writing()

    def resume_writing(self) -> None:
        """The client has read: go on."""
        if self._shaken:
            self.inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        self._timer.cancel()
        if self._shaken:
            self.inner.connection_lost(exc)

    def _give_up(self) -> None:
        if self.raw is not None:
            self.raw.abort()

    def _flush(self) -> None:
        data = self._outgoing.read()
        if data:
            self.raw.write(data)

    # A transport's methods ------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Encrypt and send."""
        if self.raw.is_closing():
            return
        left = memoryview(data)
        try:
            while left:
                left = left[self._tls.write(left) :]
        except ssl.SSLError:
            self.raw.abort()
            return
        self._flush()

    def close(self) -> None:
        """Take leave, and close when all is written."""
        if not self.raw.is_closing():
            with contextlib.suppress(ssl.SSLError):
                self._tls.unwrap()
            self._flush()
            self.raw.close()

    def abort(self) -> None:
        """Close at once."""
        self.raw.abort()

    def is_closing(self) -> bool:
        """Whether it is closed, or will be."""
        return bool(self.raw.is_closing())

    def pause_reading(self) -> None:
        """Read nothing more from the client for now."""
        self.raw.pause_reading()

    def resume_reading(self) -> None:
        """Read from it again."""
        self.raw.resume_reading()

    def get_write_buffer_size(self) -> int:
        """Bytes that wait to be sent."""
        return int(self.raw.get_write_buffer_size())

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """What the transport knows, and ``ssl_object``."""
        return self._tls if name == "ssl_object" else self.raw.get_extra_info(name, default)
