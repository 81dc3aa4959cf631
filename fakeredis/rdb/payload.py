"""What DUMP replies and RESTORE takes: a value, the format's version, and a checksum."""

from __future__ import annotations

import struct
from typing import Any

from fakeredis.datatypes.limits import EncodingLimits
from fakeredis.rdb.checksum import crc64
from fakeredis.rdb.errors import FormatError
from fakeredis.rdb.reading import Reader
from fakeredis.rdb.writing import Writer

_FOOTER = 10


def dump(value: Any, limits: EncodingLimits, version: int, compress: bool = True) -> bytes:
    """The payload of a value."""
    kind, body = Writer(limits, version, compress).value(value)
    body = bytes((kind,)) + body + struct.pack("<H", version)
    return body + struct.pack("<Q", crc64(body))


def is_intact(payload: bytes, version: int) -> bool:
    """Whether the checksum is right and the version one that is known here."""
    if len(payload) < _FOOTER:
        return False
    written, checksum = struct.unpack("<HQ", payload[-_FOOTER:])
    if written > version:
        return False
    return bool(checksum == crc64(memoryview(payload)[:-8]))


def load(payload: bytes) -> Any:
    """The value in a payload whose checksum is right.

    As with the server, anything may follow the value, and the footer itself is no border.

    Raises:
        FormatError: the value is damaged, or of an unknown type.
    """
    if not payload:
        raise FormatError("there is nothing")
    reader = Reader(payload)
    return reader.value(reader.byte())
