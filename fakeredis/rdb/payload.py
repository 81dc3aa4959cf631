"""What DUMP replies and RESTORE takes: a value, the format's version, and a checksum."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import Any

from fakeredis.datatypes.limits import DEFAULT_LIMITS, EncodingLimits
from fakeredis.rdb import types
from fakeredis.rdb.checksum import crc64
from fakeredis.rdb.errors import FormatError
from fakeredis.rdb.reading import Reader
from fakeredis.rdb.writing import SHORT, Writer

_FOOTER = 10
_LAST_DIGIT = 57  # what begins with a higher byte is no number, which would be written as one


def dump(
    value: Any, limits: EncodingLimits, version: int, compress: bool = True, exact: bool = False
) -> bytes:
    """The payload of a value; see `Writer`.

    Raises:
        TooLargeError: nobody could make one.
    """
    if type(value) is bytes and 0 < len(value) <= SHORT and value[0] > _LAST_DIGIT:
        return _with_footer(b"%c%c%b" % (types.STRING, len(value), value), version)
    kind, body = Writer(limits, version, compress, exact).value(value)
    return _with_footer(bytes((kind,)) + body, version)


def dump_functions(
    codes: Iterable[bytes], limits: EncodingLimits, version: int, compress: bool = True
) -> bytes:
    """The payload of libraries of functions, of which the code is all there is."""
    writer = Writer(limits, version, compress)
    for code in codes:
        writer.out.append(types.FUNCTION)
        writer.string(code)
    return _with_footer(bytes(writer.out), version)


def load_functions(payload: bytes) -> Iterator[bytes]:
    """The code of each library in a payload whose checksum is right.

    Raises:
        FormatError: something else is in it.
    """
    reader = Reader(payload)
    while reader.at < len(payload) - _FOOTER:
        kind = reader.byte()
        if kind == types.OLD_FUNCTION:
            raise FormatError("Pre-GA function format not supported", reader.at)
        if kind != types.FUNCTION:
            raise FormatError("given type is not a function", reader.at)
        try:
            yield reader.string()
        except FormatError as error:
            raise FormatError("Failed loading library payload", error.offset) from None


def _with_footer(body: bytes, version: int) -> bytes:
    body += struct.pack("<H", version)
    return body + struct.pack("<Q", crc64(body))


def is_intact(payload: bytes, version: int, unchecked: bool = False) -> bool:
    """Whether the checksum is right and the version one that is known here.

    Args:
        unchecked: a checksum of zero is none.
    """
    if len(payload) < _FOOTER:
        return False
    written, checksum = struct.unpack("<HQ", payload[-_FOOTER:])
    if not types.may_read(written, version):
        return False
    return (unchecked and not checksum) or bool(checksum == crc64(memoryview(payload)[:-8]))


def is_known(payload: bytes, version: int) -> bool:
    """Whether a server of that version knows the type of the value in a payload."""
    return types.knows(version, payload[0])


def load(payload: bytes, limits: EncodingLimits = DEFAULT_LIMITS) -> Any:
    """The value in a payload whose checksum is right.

    As with the server, anything may follow the value, and the footer itself is no border.

    Raises:
        FormatError: the value is damaged, or of an unknown type.
    """
    if not payload:
        raise FormatError("there is nothing")
    reader = Reader(payload, limits=limits)
    return reader.value(reader.byte())
