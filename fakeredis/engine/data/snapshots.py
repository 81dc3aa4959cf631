"""Copies of a server's data, to come back to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from fakeredis.lazy import LazyModule

if TYPE_CHECKING:
    from fakeredis.engine.core.server import Server
    from fakeredis.engine.features import search
else:
    search = LazyModule("fakeredis.engine.features.search")


class Saved(NamedTuple):
    """One database."""

    data: dict[bytes, Any]
    expires: dict[bytes, int]
    field_deadlines: dict[bytes, int]


class Taken(dict[int, Saved]):
    """All databases, and what is kept of the indexes, if there are any."""

    search: Any = None


def take(server: Server) -> Taken:
    """A copy of all databases; values that never change are shared with it."""
    with server.lock:
        taken = Taken(
            (number, Saved(_copies(db.data), dict(db.expires), dict(db.field_deadlines)))
            for number, db in server.databases.copy().items()
        )
        if server.search is not None:
            taken.search = server.search.keep()
        return taken


def restore(server: Server, saved: dict[int, Saved]) -> None:
    """Bring a copy back; it stays good for another time."""
    with server.lock, server.rewriting():
        server.clear()
        for number, database in saved.items():
            _fill(server, number, database)
        kept = getattr(saved, "search", None)
        if kept is not None:
            search.of(server).take(kept)


def _fill(server: Server, number: int, saved: Saved) -> None:
    db = server.database(number)
    for key, value in _copies(saved.data).items():
        db.put(key, value)
    for key, deadline in saved.expires.items():
        db.expire_at(key, deadline)
    for key, deadline in saved.field_deadlines.items():
        db.expire_fields_at(key, deadline)


def _copies(data: dict[bytes, Any]) -> dict[bytes, Any]:
    return {
        key: value.copy() if hasattr(value, "copy") else value for key, value in data.items()
    }
