"""A server behind sockets, for programs outside this process."""

from fakeredis.tcp.compat import TcpFakeServer
from fakeredis.tcp.listener import Listener

__all__ = ["Listener", "TcpFakeServer"]
