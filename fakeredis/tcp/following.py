"""A replica's connection to its master: a thread that asks for the data and takes what comes."""

from __future__ import annotations

import contextlib
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Final

from fakeredis.engine.data import rdb_file
from fakeredis.engine.features.replication_stream import packed
from fakeredis.resp import RequestParser

if TYPE_CHECKING:
    from fakeredis.engine.features.following import Following

_LOG: Final = logging.getLogger("fakeredis")
_PIECE: Final = 1 << 18  # bytes that are read at once
_SOON: Final = 0.05  # seconds until the first new attempt; later ones wait longer
_TURN: Final = 0.1  # seconds to wait for the master before a look around
_LATE: Final = 1.0  # seconds between two attempts, at the most, and between acknowledgements
_now: Callable[[], float] = getattr(threading, "_time", time.monotonic)


class _Broken(Exception):
    """The master cannot be followed just now."""


class MasterLink:
    """Follows a master until it is stopped.

    Args:
        following: is told of what comes.
    """

    def __init__(self, following: Following) -> None:
        self._following = following
        self._server = following.server
        self._stopped = threading.Event()
        self._sock: socket.socket | None = None
        self._buffer = bytearray()
        self._acknowledged = 0.0
        self._told = ""
        self._thread = threading.Thread(
            target=self._run, name="fakeredis-replica", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Follow no longer. The thread may be in the middle of something, and does no more."""
        self._stopped.set()
        self._close()

    def join(self, timeout: float) -> None:
        """Wait for the thread's end; not while the server's lock is held."""
        self._thread.join(timeout)

    def _close(self) -> None:
        sock, self._sock = self._sock, None
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    # Attempts -------------------------------------------------------------------------------------

    def _run(self) -> None:
        pause = _SOON
        while not self._stopped.is_set():
            self._tick()
            try:
                self._following.connecting()
                self._attach()
                pause = _SOON
                self._follow()
            except (OSError, _Broken) as error:
                self._tell(error)  # it may be better next time
            except Exception as error:  # what cannot be read, or has a fault of this program
                self._following.known = False
                self._tell(error)
            finally:
                self._close()
            if not self._stopped.is_set():
                self._following.down()
            self._stopped.wait(pause)
            pause = min(2 * pause, _LATE)

    def _tell(self, error: Exception) -> None:
        """Log why the master cannot be followed, once for each reason."""
        reason = f"{type(error).__name__}: {error}"
        if reason != self._told and not self._stopped.is_set() and str(error):
            self._told = reason
            master = f"{self._following.host}:{self._following.port}"
            _LOG.warning("the master at %s cannot be followed: %s", master, reason)

    def _tick(self) -> None:
        with self._server.lock:
            self._following.replication.tick(_now())

    def _patience(self) -> float:
        return float(self._server.config.integer("repl-timeout"))

    def _attach(self) -> None:
        """Connect, and come to where the master's stream begins.

        Raises:
            OSError: the master cannot be reached, or is silent for too long.
            FormatError: the file that it sends cannot be read.
            _Broken: it refuses.
        """
        following, config = self._following, self._server.config
        self._buffer.clear()
        sock = socket.create_connection((following.host, following.port), self._patience())
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if config.boolean("tls-replication"):
            sock = _secured(sock, config.text, following.host)
        self._sock = sock
        if self._stopped.is_set():
            raise _Broken
        answer = self._ask(b"PING")
        if answer[:1] == b"-" and not answer.startswith((b"-NOAUTH", b"-NOPERM", b"-ERR")):
            raise _Broken(_text(answer))
        self._introduce()
        known_id, offset = following.wanted
        words = [b"FAILOVER"] if following.failing_over else []
        answer = self._ask(b"PSYNC", known_id.encode(), b"%d" % offset, *words)
        while not answer:
            answer = self._line()
        words = answer.split()
        if words[0] == b"+CONTINUE":
            following.resume(words[1].decode() if len(words) > 1 else "")
        elif words[0] == b"+FULLRESYNC" and len(words) == 3:
            following.state = "sync"
            data = self._file()
            following.load(words[1].decode(), int(words[2]), partial(self._load, data))
        else:
            following.refused()
            raise _Broken(_text(answer))

    def _load(self, data: bytes) -> int:
        contents = rdb_file.from_bytes(self._server, data)
        return int(contents.aux.get(rdb_file.STREAM_DATABASE, b"0"))

    def _introduce(self) -> None:
        config = self._server.config
        password = config.text("masterauth")
        if password:
            user = config.text("masteruser")
            words = [user.encode(), password.encode()] if user else [password.encode()]
            answer = self._ask(b"AUTH", *words)
            if answer[:1] == b"-":
                raise _Broken(_text(answer))
        port = config.text("replica-announce-port")
        if port in ("", "0"):
            port = config.changed.get("port") or self._server.address.rpartition(":")[2]
        self._ask(b"REPLCONF", b"listening-port", port.encode() if port.isdigit() else b"0")
        host = config.text("replica-announce-ip")
        if host:
            self._ask(b"REPLCONF", b"ip-address", host.encode())
        self._ask(b"REPLCONF", b"capa", b"eof", b"capa", b"psync2")

    # Bytes ----------------------------------------------------------------------------------------

    def _send(self, *words: bytes) -> None:
        sock = self._sock
        if sock is None:
            raise _Broken
        sock.settimeout(self._patience())
        sock.sendall(packed(words))

    def _ask(self, *words: bytes) -> bytes:
        self._send(*words)
        return self._line()

    def _more(self) -> None:
        sock = self._sock
        if sock is None:
            raise _Broken
        data = sock.recv(_PIECE)
        if not data:
            raise _Broken("the master closed the connection")
        self._following.heard = _now()
        self._buffer += data

    def _line(self) -> bytes:
        while b"\n" not in self._buffer:
            self._more()
        line, _, rest = bytes(self._buffer).partition(b"\n")
        self._buffer[:] = rest
        return line.rstrip(b"\r")

    def _file(self) -> bytes:
        """All data, of a size that is told first, or up to a mark."""
        head = self._line()
        while not head:  # the master prepares
            head = self._line()
        if not head.startswith(b"$"):
            raise _Broken(_text(head))
        self._tick()
        if not head.startswith(b"$EOF:"):
            size = int(head[1:])
            while len(self._buffer) < size:
                self._more()
        else:
            size = self._find(head[5:])
        data = bytes(self._buffer[:size])
        del self._buffer[: size + (40 if head.startswith(b"$EOF:") else 0)]
        return data

    def _find(self, mark: bytes) -> int:
        """Read up to a mark; where it is."""
        seen = 0
        while (at := self._buffer.find(mark, max(seen - len(mark), 0))) < 0:
            seen = len(self._buffer)
            self._more()
        return at

    # The stream -----------------------------------------------------------------------------------

    def _follow(self) -> None:
        """Do what the master does, until the link breaks.

        Raises:
            OSError: it has.
            _Broken: likewise, or a client has closed it, or the master is silent for too long.
        """
        parser = RequestParser()
        parser.max_length = 1 << 40
        self._acknowledge()
        for data in self._pieces():
            parser.push(data)
            for argv in parser.take():
                if self._stopped.is_set():
                    return
                if self._following.do(argv):
                    self._acknowledge()
            if parser.error is not None:
                raise _Broken(str(parser.error))

    def _pieces(self) -> Iterator[bytes]:
        """What comes; meanwhile the master is told now and then how far this server is."""
        if self._buffer:
            yield bytes(self._buffer)
            self._buffer.clear()
        heard = _now()
        while True:
            sock, session = self._sock, self._following.session
            if sock is None or session is None or session.closed:
                raise _Broken
            sock.settimeout(_TURN)
            try:
                data = sock.recv(_PIECE)
            except TimeoutError:
                self._tick()
                if _now() - heard > self._patience():
                    raise _Broken("the master is silent") from None
            else:
                if not data:
                    raise _Broken("the master closed the connection")
                heard = _now()
                yield data
            if _now() - self._acknowledged >= _LATE:
                self._acknowledge()

    def _acknowledge(self) -> None:
        self._acknowledged = _now()
        self._tick()
        self._send(b"REPLCONF", b"ACK", b"%d" % self._following.replication.stream.offset)


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace")


def _secured(sock: socket.socket, text: Callable[[str], str], host: str) -> socket.socket:
    """A connection over TLS, as the ``tls-`` parameters say."""
    context = ssl.create_default_context(
        cafile=text("tls-ca-cert-file") or None, capath=text("tls-ca-cert-dir") or None
    )
    context.check_hostname = False  # as the server does
    certificate = text("tls-client-cert-file") or text("tls-cert-file")
    if certificate:
        key = text("tls-client-key-file") or text("tls-key-file")
        context.load_cert_chain(certificate, key or None)
    return context.wrap_socket(sock, server_hostname=host)
