"""Suggestions of the search module, as it writes and reads them."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from fakeredis.datatypes.search.suggestions import Suggestion, Suggestions
from fakeredis.rdb import types

if TYPE_CHECKING:
    from fakeredis.rdb.reading import Reader
    from fakeredis.rdb.writing import Writer

_ID: Final = 0xB6B89EB72A5ED001  # the name, and the version of the module's own format
_END, _UNSIGNED, _DOUBLE, _STRING = 0, 2, 4, 5


def write_suggestions(writer: Writer, value: Suggestions) -> int:
    """Put suggestions; each string ends with a zero."""
    writer.length(_ID)
    writer.length(_UNSIGNED)
    writer.length(len(value))
    for text, (score, payload) in value.items():
        writer.length(_STRING)
        writer.string(text.encode("utf-8", "surrogateescape") + b"\0")
        writer.length(_DOUBLE)
        writer.out += struct.pack("<d", score)
        writer.length(_STRING)
        writer.string((payload or b"") + b"\0")
    writer.length(_END)
    return types.MODULE_2


def read_suggestions(reader: Reader) -> Suggestions:
    """Take suggestions.

    Raises:
        FormatError: the bytes are none.
    """
    if reader.length() != _UNSIGNED:
        raise reader.fail("suggestions without their number")
    value = Suggestions()
    for _ in range(reader.length()):
        text = _string(reader)
        if reader.length() != _DOUBLE:
            raise reader.fail("a suggestion without its score")
        (score,) = struct.unpack("<d", reader.take(8))
        payload = _string(reader)
        value[text.decode("utf-8", "surrogateescape")] = Suggestion(score, payload or None)
    if reader.length() != _END:
        raise reader.fail("suggestions that do not end")
    return value


def _string(reader: Reader) -> bytes:
    if reader.length() != _STRING:
        raise reader.fail("a suggestion without its text")
    return reader.string()[:-1]  # the server does not always write a zero there
