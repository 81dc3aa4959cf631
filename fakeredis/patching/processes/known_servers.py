"""The servers of this process that its children share."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Final
from weakref import WeakValueDictionary

if TYPE_CHECKING:
    from fakeredis.engine.core.server import Server

_numbers: Final = count(1)
#: Those that live here or are remote, by numbers that are never given twice: by these a child that
#: was forked and its parent mean the same one.
servers: Final[WeakValueDictionary[int, Server]] = WeakValueDictionary()


def register(server: Server) -> None:
    """Make a server known to children that are forked from now on."""
    servers[next(_numbers)] = server
