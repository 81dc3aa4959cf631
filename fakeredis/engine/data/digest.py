"""DEBUG DIGEST: numbers that are the same for the same data, whatever made it."""

from __future__ import annotations

import struct
from collections.abc import Callable
from hashlib import sha1
from typing import TYPE_CHECKING, Any, Final

from fakeredis.datatypes.hash import Hash
from fakeredis.datatypes.list import List
from fakeredis.datatypes.numbers import format_digits
from fakeredis.datatypes.set import Set
from fakeredis.datatypes.sorted_set import SortedSet
from fakeredis.datatypes.stream import Stream

if TYPE_CHECKING:
    from fakeredis.engine.core.database import Database
    from fakeredis.engine.core.server import Server

_KINDS: Final[dict[type, int]] = {List: 1, Set: 2, SortedSet: 3, Hash: 4, Stream: 6}
_STREAM_ID: Final = (1 << 64) - 1


class Digest:
    """A sum to which things are added, in order (`mix`) or in any order (`add`)."""

    __slots__ = ("sum",)

    def __init__(self) -> None:
        self.sum = 0

    def add(self, raw: bytes) -> None:
        """Add something whose place does not matter."""
        self.sum ^= int.from_bytes(_hash(raw), "big")

    def mix(self, raw: bytes) -> None:
        """Add something at its place."""
        self.add(raw)
        self.sum = int.from_bytes(_hash(self.bytes()), "big")

    def bytes(self) -> bytes:
        """The sum as twenty bytes."""
        return self.sum.to_bytes(20, "big")


def _hash(raw: bytes) -> bytes:
    return sha1(raw, usedforsecurity=False).digest()


def of_server(server: Server) -> str:
    """The digest of all data."""
    total = Digest()
    for index, db in sorted(server.databases.copy().items()):
        if db.data:
            total.mix(struct.pack(">I", index))
        for key, value in db.data.copy().items():
            digest = Digest()
            digest.mix(key)
            _mix_value(digest, db, key, value)
            total.add(digest.bytes())
    return total.bytes().hex()


def of_value(db: Database, key: bytes) -> str:
    """The digest of a key's value; zeros where there is none."""
    digest = Digest()
    if key in db.data:
        _mix_value(digest, db, key, db.data[key])
    return digest.bytes().hex()


def _mix_value(digest: Digest, db: Database, key: bytes, value: Any) -> None:
    kind = _KINDS.get(type(value), 0 if isinstance(value, (bytes, bytearray)) else 5)
    digest.mix(struct.pack(">I", kind))
    if kind == 0:
        digest.mix(bytes(value))
    elif kind == 1:
        for item in value:
            digest.mix(item)
    elif kind == 6:
        _mix_entries(digest, value)
    else:
        for words in _elements(value, kind, _format_score(db.server)):
            _add_element(digest, words)
    if key in db.expires:
        digest.add(b"!!expire!!")


def _format_score(server: Server) -> Callable[[float], bytes]:
    if server.profile.has({"redis": "8.0.0"}):
        return format_digits
    return lambda score: b"%.17g" % score


def _elements(
    value: Any, kind: int, format_score: Callable[[float], bytes]
) -> list[tuple[bytes, ...]]:
    if kind == 2:
        return [(member,) for member in value]
    if kind == 3:
        return [(member, format_score(score)) for member, score in value.items()]
    if kind != 4:
        return []
    expires = value.expires or {}
    return [
        (field, text, b"!!hexpire!!") if field in expires else (field, text)
        for field, text in value.items()
    ]


def _add_element(digest: Digest, words: tuple[bytes, ...]) -> None:
    if len(words) == 1:
        digest.add(words[0])
        return
    element = Digest()
    element.mix(words[0])
    element.mix(words[1])
    if len(words) > 2:
        element.add(words[2])
    digest.add(element.bytes())


def _mix_entries(digest: Digest, value: Stream) -> None:
    for number, fields in value.range(0, (1 << 128) - 1):
        digest.mix(b"%d.%d" % (number >> 64, number & _STREAM_ID))
        for word in fields:
            digest.mix(word)
