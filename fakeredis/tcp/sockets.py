"""Sockets that listen, over TCP and at a path."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from typing import TYPE_CHECKING, Any, NamedTuple

resource: Any = None
with contextlib.suppress(ImportError):  # Windows has none
    import resource

if TYPE_CHECKING:
    import ssl


class ListeningSocket(NamedTuple):
    """A socket that listens, with TLS or without."""

    sock: socket.socket
    context: ssl.SSLContext | None = None

    @property
    def address(self) -> Any:
        """ChildConnection and port, or a Unix socket's path."""
        return self.sock.getsockname()

    @property
    def is_tcp(self) -> bool:
        """Whether it has a port."""
        return isinstance(self.address, tuple)


def shown(address: Any) -> str:
    """An address as CLIENT LIST shows it."""
    if isinstance(address, tuple):
        host, port = address[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return f"{address}:0"


def bind(host: str, port: int) -> socket.socket:
    """A socket that will listen at an address.

    Raises:
        OSError: the address is taken, or is not this machine's.
        OverflowError: there is no such port.
    """
    if not 0 <= port <= 65535:
        raise OverflowError("port must be 0-65535")
    family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
    return socket.create_server((host, port), family=family, backlog=511)


def bind_unix(path: str) -> socket.socket:
    """A Unix socket that will listen at a path; one that nobody listens at is replaced.

    Raises:
        OSError: another program listens there, or there is a file.
    """
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _remove_stale(path)
        sock.bind(path)
        sock.listen(511)
    except OSError:
        sock.close()
        raise
    return sock


def _remove_stale(path: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            remove([path])
        except OSError:
            pass  # nothing is there, or nothing that can be told
        else:
            raise OSError(errno.EADDRINUSE, f"another program listens at {path}")


def remove(addresses: list[Any]) -> None:
    """Remove the files of Unix sockets among addresses."""
    for address in addresses:
        if isinstance(address, str) and address:
            with contextlib.suppress(OSError):
                os.unlink(address)


def allow_many_files() -> None:
    """As many connections as the system lets this process have."""
    if resource is None:
        return
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
