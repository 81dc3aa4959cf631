"""What values of modules' types are made of: numbers and strings, each behind its kind's code."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from fakeredis.rdb import types

if TYPE_CHECKING:
    from fakeredis.rdb.reading import Reader
    from fakeredis.rdb.writing import Writer

__all__ = [
    "begin", "end", "put_doubles", "put_string", "put_unsigned", "take_double", "take_end",
    "take_signed", "take_string", "take_unsigned",
]

_END, _SIGNED, _UNSIGNED, _DOUBLE, _STRING = 0, 1, 2, 4, 5
_ALPHABET: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def begin(writer: Writer, name: bytes, version: int) -> None:
    """Put the number that a type's name of nine letters and its form's version make."""
    number = 0
    for letter in name:
        number = number << 6 | _ALPHABET.index(letter)
    writer.length(number << 10 | version)


def put_unsigned(writer: Writer, *numbers: int) -> None:
    """Put numbers of up to 64 bits; those of more lose what is above, negative ones wrap."""
    for number in numbers:
        writer.out.append(_UNSIGNED)
        writer.length(number & 0xFFFFFFFFFFFFFFFF)


def put_doubles(writer: Writer, *numbers: float) -> None:
    """Put doubles."""
    for number in numbers:
        writer.out.append(_DOUBLE)
        writer.out += struct.pack("<d", number)


def put_string(writer: Writer, text: bytes | bytearray) -> None:
    """Put a string."""
    writer.out.append(_STRING)
    writer.string(text)


def end(writer: Writer) -> int:
    """Put the end; the number of the type of all these values."""
    writer.out.append(_END)
    return types.MODULE_2


def _expect(reader: Reader, kind: int, name: str) -> None:
    if reader.length() != kind:
        raise reader.fail(f"{name} is missing in a module's value")


def take_unsigned(reader: Reader) -> int:
    """The next number.

    Raises:
        FormatError: there is none.
    """
    _expect(reader, _UNSIGNED, "a number")
    return reader.length()


def take_signed(reader: Reader) -> int:
    """The next signed number.

    Raises:
        FormatError: there is none.
    """
    _expect(reader, _SIGNED, "a number")
    number = reader.length()
    return number - (1 << 64) if number >> 63 else number


def take_double(reader: Reader) -> float:
    """The next double.

    Raises:
        FormatError: there is none.
    """
    _expect(reader, _DOUBLE, "a double")
    return reader.double()


def take_string(reader: Reader) -> bytes:
    """The next string.

    Raises:
        FormatError: there is none.
    """
    _expect(reader, _STRING, "a string")
    return reader.string()


def take_end(reader: Reader) -> None:
    """See that nothing follows.

    Raises:
        FormatError: something does.
    """
    _expect(reader, _END, "the end")
