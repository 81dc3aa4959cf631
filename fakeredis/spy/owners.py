"""Which sessions are a client's: those of the connections in its pool."""

from __future__ import annotations

from typing import Any

__all__ = ["Owner", "sessions_of"]

_POOL_LISTS = ("_available_connections", "_in_use_connections", "_connections")
_WIRES = ("_sock", "_wire", "_writer", "_reader")


def sessions_of(client: Any) -> list[Any]:
    """Sessions of a redis-py client's connections, as they are now."""
    pool = getattr(client, "connection_pool", None)
    connections = [getattr(client, "connection", None)]
    for name in _POOL_LISTS:
        connections += list(getattr(pool, name, ()))
    found = []
    for connection in connections:
        for name in _WIRES:
            session = getattr(getattr(connection, name, None), "session", None)
            if session is not None:
                found.append(session)
    return found


class Owner:
    """Tells a client's sessions from others; one that was its own stays so when closed.

    A session is asked about when it sends its first command. That is while its connection is
    being made, when the pool has it among those in use.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._ids = {session.id for session in sessions_of(client)}

    def __call__(self, session: Any) -> bool:
        """Whether a session is the client's."""
        if session.id in self._ids:
            return True
        if any(each is session for each in sessions_of(self._client)):
            self._ids.add(session.id)
            return True
        return False
