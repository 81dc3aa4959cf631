"""Copies of a server's data, to come back to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from fakeredis.engine.core.server import Server


class Saved(NamedTuple):
    """One database."""

    data: dict[bytes, Any]
    expires: dict[bytes, int]
    field_deadlines: dict[bytes, int]


def take(server: Server) -> dict[int, Saved]:
    """A copy of all databases; values that never change are shared with it."""
    with server.lock:
        return {
            number: Saved(_copies(db.data), dict(db.expires), dict(db.field_deadlines))
            for number, db in server.databases.copy().items()
        }


def restore(server: Server, saved: dict[int, Saved]) -> None:
    """Bring a copy back; it stays good for another time."""
    with server.lock, server.rewriting():
        server.clear()
        for number, database in saved.items():
            _fill(server, number, database)


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
