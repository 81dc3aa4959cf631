"""A server's data as plain Python values, for fixtures, and back.

Each key is a dictionary: its ``type``, its ``value`` (text, or bytes that are no UTF-8; a list; a
dictionary for hashes and sorted sets; pairs of ID and fields for streams; a JSON document as
it is), and with a deadline
``expires_at``, in seconds since the epoch. What has no plain form (streams with groups, hashes with
expiring fields, vector sets) has ``dump`` instead of ``value``: RESTORE's bytes, in hexadecimal.
All of it but bytes can be written as JSON. Where there are indexes, or dictionaries of FT.DICTADD,
``"search"`` stands beside the databases' numbers: the ``indexes``' names, and a ``dump`` of all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from fakeredis.datatypes.hash import Hash
from fakeredis.datatypes.json.document import JsonDocument, copied
from fakeredis.datatypes.json.text import dumps
from fakeredis.datatypes.list import List
from fakeredis.datatypes.set import Set
from fakeredis.datatypes.sorted_set import SortedSet
from fakeredis.datatypes.stream import Stream, format_id
from fakeredis.datatypes.string import MutableString
from fakeredis.engine.data import snapshots
from fakeredis.errors import CommandError
from fakeredis.lazy import LazyModule
from fakeredis.rdb import payload
from fakeredis.rdb.errors import FormatError
from fakeredis.rdb.reading import Reader
from fakeredis.rdb.writing import Writer

if TYPE_CHECKING:
    from fakeredis.engine.core.server import Server
    from fakeredis.engine.core.session import Session
    from fakeredis.engine.features import search
    from fakeredis.rdb import indexes
else:
    search = LazyModule("fakeredis.engine.features.search")
    indexes = LazyModule("fakeredis.rdb.indexes")

Plain = dict[Any, dict[Any, Any]]
_SEARCH: Final = "search"

_TYPES: Final[dict[type, str]] = {
    bytes: "string", MutableString: "string", List: "list", Set: "set", Hash: "hash",
    SortedSet: "zset", Stream: "stream", JsonDocument: "json",
}


def dump(server: Server) -> Plain:
    """All keys, by database and name."""
    with server.lock:
        now = server.clock.milliseconds()
        found: Plain = {
            number: {
                _text(key): _key(server, number, key, db.expires.get(key))
                for key in list(db.data) if db.expires.get(key, now + 1) > now
            }
            for number, db in sorted(server.databases.items()) if db.data
        }
        if server.search is not None and server.search.keep():
            found[_SEARCH] = _indexes(server)
        return found


def _indexes(server: Server) -> dict[str, Any]:
    writer = Writer(server.limits, server.traits.rdb_version, compress=False)
    return {
        "indexes": sorted(map(_text, server.search.indexes), key=repr),
        "dump": indexes.to_bytes(server.search.keep(), writer).hex(),
    }


def _text(raw: Any) -> Any:
    """Bytes as text where that is possible without loss."""
    try:
        return bytes(raw).decode()
    except UnicodeDecodeError:
        return bytes(raw)


def _key(server: Server, number: int, key: bytes, deadline: int | None) -> dict[str, Any]:
    value = server.databases[number].data[key]
    kind = _TYPES.get(type(value), "other")
    shown: dict[str, Any] = {"type": kind}
    if kind in _TO_PLAIN and not _has_more(value):
        shown["value"] = _TO_PLAIN[kind](value)
    else:
        shown["dump"] = payload.dump(
            value, server.limits, server.traits.rdb_version, exact=True
        ).hex()
    if deadline is not None:
        shown["expires_at"] = deadline / 1000
    return shown


def _has_more(value: Any) -> bool:
    """Whether a value has something that its plain form has not."""
    if type(value) is Stream:
        return bool(value.groups) or value.added != value.length or not value.blocks
    return type(value) is Hash and value.next_expiry is not None


def _entries(stream: Stream) -> list[Any]:
    return [
        [format_id(number).decode(), [_text(word) for word in fields]]
        for block in stream.blocks
        for number, fields in zip(block.ids, block.entries, strict=True)
    ]


_TO_PLAIN: Final[dict[str, Callable[[Any], Any]]] = {
    "string": _text,
    "list": lambda value: [_text(item) for item in value],
    "set": lambda value: sorted(map(_text, value), key=repr),
    "hash": lambda value: {_text(k): _text(v) for k, v in value.as_dict().items()},
    "zset": lambda value: {_text(member): score for member, score in value.items()},
    "stream": _entries,
    "json": lambda value: copied(value[0]),
}


def load(server: Server, data: Plain) -> None:
    """Replace all keys by those of plain values; nothing has changed when there is an error.

    Raises:
        TypeError, ValueError: the data make no sense; the text names the key.
    """
    before = snapshots.take(server)
    with server.lock, server.rewriting():
        session = server.session()
        server.clear()
        try:
            for number, keys in data.items():
                if number == _SEARCH:
                    kept = indexes.from_bytes(Reader(bytes.fromhex(keys["dump"]), 0))
                    search.of(server).take(kept)
                    continue
                session.execute([b"SELECT", str(number).encode()])
                for key, shown in keys.items():
                    _load_key(session, _bytes(key), shown)
        except (
            CommandError, FormatError, ValueError, TypeError, KeyError, AttributeError,
        ) as error:
            snapshots.restore(server, before)
            raise ValueError(f"no plain data of a server: {error}") from error
        finally:
            session.close()


def _bytes(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, (str, int, float)) and not isinstance(value, bool):
        return str(value).encode()
    raise TypeError(f"values are text, bytes and numbers, not {value!r}")


def _load_key(session: Session, key: bytes, shown: dict[str, Any]) -> None:
    if "dump" in shown:
        session.execute([b"RESTORE", key, b"0", bytes.fromhex(shown["dump"])])
    else:
        for command in _COMMANDS[shown["type"]](key, shown["value"]):
            session.execute(command)
    if "expires_at" in shown:
        session.execute([b"PEXPIREAT", key, b"%d" % round(shown["expires_at"] * 1000)])
    elif "ttl" in shown:
        session.execute([b"PEXPIRE", key, b"%d" % round(shown["ttl"] * 1000)])


def _flat(*words: Any) -> list[bytes]:
    return [_bytes(word) for word in words]


_COMMANDS: Final[dict[str, Callable[[bytes, Any], list[list[bytes]]]]] = {
    "string": lambda key, value: [_flat("SET", key, value)],
    "json": lambda key, value: [[b"JSON.SET", key, b"$", dumps(value)]],
    "list": lambda key, value: [_flat("RPUSH", key, *value)],
    "set": lambda key, value: [_flat("SADD", key, *value)],
    "hash": lambda key, value: [_flat("HSET", key, *(x for pair in value.items() for x in pair))],
    "zset": lambda key, value: [
        _flat("ZADD", key, *(x for member, score in value.items() for x in (score, member)))
    ],
    "stream": lambda key, value: [
        _flat("XADD", key, number, *fields) for number, fields in value
    ],
}
