"""Snapshots of the servers' data."""

from __future__ import annotations

from typing import Any, NamedTuple

from fakeredis.engine.server import Server


class Saved(NamedTuple):
    """One database."""

    data: dict[bytes, Any]
    expires: dict[bytes, int]
    field_deadlines: dict[bytes, int]


Snapshot = dict[str, dict[int, Saved]]


def take(servers: dict[str, Server]) -> Snapshot:
    """A copy of all data, by address and database."""
    snapshot: Snapshot = {}
    for address, server in list(servers.items()):
        with server.lock:
            snapshot[address] = {
                number: Saved(_copies(db.data), dict(db.expires), dict(db.field_deadlines))
                for number, db in server.databases.items()
            }
    return snapshot


def restore(servers: dict[str, Server], snapshot: Snapshot) -> None:
    """Bring data back; the snapshot stays good for another time."""
    for address, server in list(servers.items()):
        with server.lock:
            server.clear()
            for number, saved in snapshot.get(address, {}).items():
                _fill(server, number, saved)


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
