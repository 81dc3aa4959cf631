"""JSON documents, as the server's module writes and reads them: their text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fakeredis.datatypes.json import text
from fakeredis.datatypes.json.document import JsonDocument
from fakeredis.datatypes.json.errors import JsonError
from fakeredis.rdb import types

if TYPE_CHECKING:
    from fakeredis.rdb.reading import Reader
    from fakeredis.rdb.writing import Writer

_ID: Final = 0x45E25238DF912C03  # the name, and the version of the module's own format
_STRING, _END = 5, 0


def write_json(writer: Writer, value: JsonDocument) -> int:
    """Put a document."""
    writer.length(_ID)
    writer.length(_STRING)
    writer.string(text.dumps(value[0]))
    writer.length(_END)
    return types.MODULE_2


def read_json(reader: Reader) -> JsonDocument:
    """Take a document.

    Raises:
        FormatError: the bytes are no document.
    """
    if reader.length() != _STRING:
        raise reader.fail("a JSON document without its text")
    try:
        value = text.loads(reader.string(), any_depth=True)
    except JsonError as error:
        raise reader.fail(f"a JSON document that is none: {error}") from None
    if reader.length() != _END:
        raise reader.fail("a JSON document that does not end")
    return JsonDocument([value])
