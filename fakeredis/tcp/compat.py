"""`TcpFakeServer`: a listening server under the names that the public fakeredis 2 gives it."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import TYPE_CHECKING

from fakeredis.server import FakeServer
from fakeredis.tcp.listener import TcpService
from fakeredis.tcp.sockets import ListeningSocket, bind

if TYPE_CHECKING:
    from fakeredis.engine.core.profiles import VersionLike
    from fakeredis.engine.core.server import Server


class TcpFakeServer:
    """A server on a TCP port, with the names of `socketserver.BaseServer`.

    Args:
        server_address: host and port; port 0 takes a free one.
        bind_and_activate: accepted for compatibility; it is always bound.
        server_type: ``"redis"`` or ``"valkey"``.
        server_version: the version to imitate.
        fake_server: a `fakeredis.FakeServer` to serve instead of a new one.
    """

    allow_reuse_address = True
    daemon_threads = True

    def __init__(
        self, server_address: tuple[str, int], bind_and_activate: bool = True,
        server_type: str = "redis", server_version: VersionLike = "8.2",
        fake_server: Server | None = None,
    ) -> None:
        if fake_server is None:
            fake_server = FakeServer(version=server_version, server_type=server_type)
        self.fake_server = fake_server
        self.socket = bind(*server_address)
        self.server_address: tuple[str, int] = self.socket.getsockname()[:2]
        self._service = TcpService(fake_server, [ListeningSocket(self.socket)])
        self._done = threading.Event()
        self._done.set()

    def serve_forever(self, poll_interval: float = 0.5) -> None:
        """Serve until `shutdown` is called by another thread."""
        self._done.clear()
        try:
            self._service.run()
        finally:
            self._done.set()

    def shutdown(self) -> None:
        """End `serve_forever`, and wait for its end."""
        self._service.stop()
        self._done.wait()

    def server_close(self) -> None:
        """Close the socket that listens."""
        self._service.stop()
        self.socket.close()

    def fileno(self) -> int:
        """The descriptor of the socket that listens."""
        return self.socket.fileno()

    def __enter__(self) -> TcpFakeServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.server_close()
