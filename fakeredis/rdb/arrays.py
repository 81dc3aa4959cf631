"""Arrays as bytes, for this package's own use.

How servers write them could not be looked at. So they have the form of a module's value, of a
module that no server has: a server refuses it, instead of reading something else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fakeredis.datatypes.array import LAST_INDEX, Array
from fakeredis.rdb import types

if TYPE_CHECKING:
    from fakeredis.rdb.reading import Reader
    from fakeredis.rdb.writing import Writer

NAME: Final = "fakearray"
_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_NUMBER, _STRING, _END = 2, 5, 0


def _identity() -> int:
    """The name as a number, as modules have it."""
    number = 0
    for letter in NAME:
        number = number << 6 | _LETTERS.index(letter)
    return number << 10


def write_array(writer: Writer, array: Array) -> int:
    """Put the cursor, the number of elements, and each with its index."""
    writer.length(_identity())
    for number in (0 if array.cursor is None else array.cursor + 1, array.count):
        writer.length(_NUMBER)
        writer.length(number)
    for index, value in array.items(0, LAST_INDEX):
        writer.length(_NUMBER)
        writer.length(index)
        writer.length(_STRING)
        writer.string(value)
    writer.length(_END)
    return types.MODULE_2


def read_array(reader: Reader) -> Array:
    """The array whose name has been read.

    Raises:
        FormatError: it is damaged.
    """
    array = Array()
    cursor, count = _number(reader), _number(reader)
    array.cursor = cursor - 1 if cursor else None
    for _ in range(count):
        index = _number(reader)
        if reader.length() != _STRING or index > LAST_INDEX:
            raise reader.fail("an element of an array is damaged")
        array.set(index, reader.string())
    if reader.length() != _END or not array.count:
        raise reader.fail("an array is damaged")
    return array


def _number(reader: Reader) -> int:
    if reader.length() != _NUMBER:
        raise reader.fail("a number is missing in an array")
    return reader.length()
