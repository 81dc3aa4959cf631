"""Snapshots of the servers' data."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from fakeredis.engine.core.server import Server
from fakeredis.engine.core.session import Session
from fakeredis.engine.data import snapshots
from fakeredis.lazy import Lazy
from fakeredis.spy.values import to_text

if TYPE_CHECKING:
    from fakeredis.datatypes.json.text import loads
else:
    loads = Lazy("fakeredis.datatypes.json.text", "loads")

_numbers = count(1)


class Snapshot(dict[str, dict[int, snapshots.Saved]]):
    """Data by address and database; in processes that have none of it, a number that means some."""

    def __init__(self, data: Any = (), number: int | None = None) -> None:
        super().__init__(data)
        self.number = next(_numbers) if number is None else number


def take(servers: dict[str, Server]) -> Snapshot:
    """A copy of all data, by address and database.

    Raises:
        RuntimeError: the data are elsewhere.
    """
    _check_here(servers)
    return Snapshot(
        (address, snapshots.take(server)) for address, server in list(servers.items())
    )


def _check_here(servers: dict[str, Server]) -> None:
    if any(server.forwards for server in list(servers.values())):
        raise RuntimeError("there are no snapshots of what a forwarding store keeps elsewhere")


def restore(servers: dict[str, Server], snapshot: Snapshot) -> None:
    """Bring data back; the snapshot stays good for another time.

    Raises:
        TypeError: it is no snapshot.
        RuntimeError: the data are elsewhere.
    """
    _check_here(servers)
    if not isinstance(snapshot, Snapshot):
        raise TypeError(f"restore() takes what snapshot() returned, not {snapshot!r}")
    for address, server in list(servers.items()):
        snapshots.restore(server, snapshot.get(address, {}))


def show(servers: dict[str, Server]) -> dict[str, dict[int, dict[str, Any]]]:
    """All data as plain values, by address, database and key; what is empty is left out."""
    shown: dict[str, dict[int, dict[str, Any]]] = {}
    for address, server in sorted(servers.items()):
        with server.lock:
            recorder = server.recorder
            server.attach_recorder(None)
            session = server.session(protocol=3)
            try:
                for number, keys in sorted(server.key_names(session).items()):
                    session.ask(b"SELECT", b"%d" % number)
                    shown.setdefault(address, {})[number] = _database(session, keys)
            finally:
                session.close()
                server.attach_recorder(recorder)
    return shown


_READERS: Final = {
    b"string": [b"GET"], b"list": [b"LRANGE", b"0", b"-1"], b"set": [b"SMEMBERS"],
    b"hash": [b"HGETALL"], b"zset": [b"ZRANGE", b"0", b"-1", b"WITHSCORES"],
    b"stream": [b"XRANGE", b"-", b"+"], b"ReJSON-RL": [b"JSON.GET"],
    b"TSDB-TYPE": [b"TS.RANGE", b"-", b"+"], b"TopK-TYPE": [b"TOPK.LIST", b"WITHCOUNT"],
    b"MBbloom--": [b"BF.INFO"], b"MBbloomCF": [b"CF.INFO"], b"CMSk-TYPE": [b"CMS.INFO"],
    b"TDIS-TYPE": [b"TDIGEST.INFO"],
}


def _document(text: str) -> Any:
    return loads(text.encode(), any_depth=True)


# How a reply becomes the value that is shown.
_VIEWS: Final[dict[bytes, Callable[[Any], Any]]] = {
    b"zset": dict, b"set": set, b"ReJSON-RL": _document,
    b"TSDB-TYPE": lambda samples: list(map(tuple, samples)),
    b"TopK-TYPE": lambda flat: dict(zip(flat[::2], flat[1::2], strict=True)),
    b"stream": lambda entries: [
        (number, dict(zip(fields[::2], fields[1::2], strict=True))) for number, fields in entries
    ],
}


def _database(session: Session, keys: list[bytes]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key in sorted(keys):
        kind = bytes(session.ask(b"TYPE", key))
        if kind in _READERS:
            name, *options = _READERS[kind]
            value = _text(session.ask(name, key, *options))
            found[to_text(key)] = _VIEWS[kind](value) if kind in _VIEWS else value
        elif kind == b"vectorset":
            found[to_text(key)] = _vectors(session, key)
        elif kind != b"none":
            found[to_text(key)] = f"<{kind.decode()}>"
    return found


def _vectors(session: Session, key: bytes) -> dict[str, list[float]]:
    names = session.ask(b"VRANDMEMBER", key, b"%d" % session.ask(b"VCARD", key))
    return {to_text(name): session.ask(b"VEMB", key, name) for name in sorted(names)}


def _text(value: object) -> Any:
    if isinstance(value, bytes):
        return to_text(value)
    if isinstance(value, dict):
        return {_text(key): _text(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return type(value)(map(_text, value))
    return value
