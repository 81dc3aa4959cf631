"""Whole files: the databases of a server with their deadlines."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fakeredis.datatypes.limits import DEFAULT_LIMITS, EncodingLimits
from fakeredis.lazy import LazyModule
from fakeredis.rdb import types
from fakeredis.rdb.checksum import crc64
from fakeredis.rdb.errors import EmptyValueError, FormatError
from fakeredis.rdb.reading import Reader, module_name
from fakeredis.rdb.writing import Writer, length

if TYPE_CHECKING:
    from fakeredis.datatypes.search.schema import Kept
    from fakeredis.rdb import indexes
else:
    indexes = LazyModule("fakeredis.rdb.indexes")

_MAGIC: Final = b"REDIS"
_VALKEY_MAGIC: Final = b"VALKEY"
_OLDEST_WITH_CHECKSUM: Final = 5
_OLDEST_WITH_AUX: Final = 7
_OLDEST_WITH_FUNCTIONS: Final = 10


class Entry(NamedTuple):
    """A key with its value."""

    database: int
    key: bytes
    value: Any
    deadline: int | None = None  # in milliseconds since the epoch


@dataclass
class Contents:
    """What is in a file."""

    version: int
    entries: list[Entry] = field(default_factory=list)
    functions: list[bytes] = field(default_factory=list)  # the code of each library
    aux: dict[bytes, bytes] = field(default_factory=dict)  # what the file says of its server
    search: Kept | None = None


# Writing --------------------------------------------------------------------------------------


def write(contents: Contents, limits: EncodingLimits, compress: bool = True) -> bytes:
    """The bytes of a file; the entries of a database must stand together."""
    writer = Writer(limits, contents.version, compress)
    chunks = _before(writer, contents)
    kept = contents.search
    chunks += _databases(writer, contents.entries)
    if kept:
        chunks.append(_beside(writer, indexes.write_after, kept))
    chunks.append(bytes((types.END,)))
    data = b"".join(chunks)
    if contents.version < _OLDEST_WITH_CHECKSUM:
        return data
    return data + struct.pack("<Q", crc64(data))


def _magic(version: int) -> bytes:
    """The first nine bytes of a file."""
    if version >= types.OLDEST_OF_VALKEY:
        return b"%b%03d" % (_VALKEY_MAGIC, version)
    return b"%b%04d" % (_MAGIC, version)


class Pieces:
    """A file that is made bit by bit, without a checksum.

    Args:
        contents: all but the entries, which come later, in any order.
        limits: what decides on the encodings of the values.
    """

    def __init__(self, contents: Contents, limits: EncodingLimits) -> None:
        self._contents = contents
        self._writer = Writer(limits, contents.version, compress=False)
        self._database = -1

    def head(self) -> bytes:
        """What comes before all entries."""
        return b"".join(_before(self._writer, self._contents))

    def entry(self, entry: Entry) -> bytes:
        """A key and its value."""
        select = b""
        if entry.database != self._database:
            self._database = entry.database
            select = bytes((types.SELECT_DB,)) + length(entry.database)
        return select + _entry(self._writer, entry)

    def tail(self) -> bytes:
        """What comes behind all entries."""
        kept = self._contents.search
        aux = _beside(self._writer, indexes.write_after, kept) if kept else b""
        checksum = bytes(0 if self._contents.version < _OLDEST_WITH_CHECKSUM else 8)
        return aux + bytes((types.END,)) + checksum


def _before(writer: Writer, contents: Contents) -> list[bytes]:
    """What comes before all entries."""
    chunks = [_magic(contents.version)]
    if contents.version >= _OLDEST_WITH_AUX:
        chunks += (_record(writer, types.AUX, *pair) for pair in contents.aux.items())
    if contents.version >= _OLDEST_WITH_FUNCTIONS:
        chunks += (_record(writer, types.FUNCTION, code) for code in contents.functions)
    if contents.search:
        chunks.append(_beside(writer, indexes.write_before, contents.search))
    return chunks


def _record(writer: Writer, code: int, *texts: bytes) -> bytes:
    writer.out = bytearray((code,))
    writer.strings(texts)
    return bytes(writer.out)


def _beside(writer: Writer, write: Callable[[Writer, Kept], None], kept: Kept) -> bytes:
    writer.out = bytearray((types.MODULE_AUX,))
    write(writer, kept)
    return bytes(writer.out)


def _databases(writer: Writer, entries: Iterable[Entry]) -> Iterable[bytes]:
    by_number: dict[int, list[Entry]] = {}
    for entry in entries:
        by_number.setdefault(entry.database, []).append(entry)
    for number, found in by_number.items():
        yield bytes((types.SELECT_DB,)) + length(number)
        if writer.version >= _OLDEST_WITH_AUX:
            expiring = sum(entry.deadline is not None for entry in found)
            yield bytes((types.RESIZE_DB,)) + length(len(found)) + length(expiring)
        for entry in found:
            yield _entry(writer, entry)


def _entry(writer: Writer, entry: Entry) -> bytes:
    before = b""
    if entry.deadline is not None:
        before = struct.pack("<Bq", types.EXPIRE_MS, entry.deadline)
    writer.key = entry.key
    kind, body = writer.value(entry.value)
    writer.out = bytearray()
    writer.string(entry.key)
    return before + bytes((kind,)) + bytes(writer.out) + body


# Reading --------------------------------------------------------------------------------------


def read(
    data: bytes, newest: int, databases: int = 16, limits: EncodingLimits = DEFAULT_LIMITS
) -> Contents:
    """What a file holds.

    Args:
        data: the whole file.
        newest: the newest version of the format that may be read.
        databases: how many databases there are.
        limits: what decides on the encodings of the values.

    Raises:
        FormatError: the file is no such file, newer than that, damaged, or holds a value of a
            module's type.
    """
    contents = Contents(_version(data, newest))
    reading = _Reading(data, contents, databases, limits)
    while (code := reading.reader.byte()) != types.END:
        handle = _CODES.get(code)
        if handle is None:
            reading.entry(code)
        else:
            handle(reading)
    _check_end(data, reading.reader, contents.version)
    return contents


def _version(data: bytes, newest: int) -> int:
    of_valkey = data[:6] == _VALKEY_MAGIC
    if of_valkey and newest < types.OLDEST_OF_VALKEY:
        raise FormatError("the file's format is that of Valkey 9, which cannot be read here")
    magic = _VALKEY_MAGIC if of_valkey else _MAGIC
    digits = data[len(magic) : 9]
    if not data.startswith(magic) or not digits.isdigit():
        raise FormatError("this is no RDB file")
    version = int(digits)
    if version < 1 or not types.may_read(version, newest):
        raise FormatError(
            f"the file's format is of version {version}, beyond what can be read here: {newest}", 5
        )
    return version


def _check_end(data: bytes, reader: Reader, version: int) -> None:
    if version < _OLDEST_WITH_CHECKSUM:
        return
    end = reader.at
    checksum = reader.number(8)
    if checksum and checksum != crc64(memoryview(data)[:end]):
        raise FormatError("the checksum is wrong: the file is damaged", end)


class _Reading:
    """Where the reading of a file has come to."""

    def __init__(
        self, data: bytes, contents: Contents, databases: int, limits: EncodingLimits
    ) -> None:
        self.reader = Reader(data, 9, limits)
        self.databases = databases
        self.seen: set[tuple[int, bytes]] = set()
        self.contents = contents
        self.database = 0
        self.deadline: int | None = None

    def entry(self, kind: int) -> None:
        """A key and its value; empty containers are left out, as the server does."""
        start = self.reader.at
        key = self.reader.string()
        if (self.database, key) in self.seen:
            raise FormatError("a key for the second time", start)
        self.seen.add((self.database, key))
        deadline, self.deadline = self.deadline, None
        try:
            value = self.reader.value(kind)
        except EmptyValueError:
            return
        self.contents.entries.append(Entry(self.database, key, value, deadline))

    def select(self) -> None:
        """The entries of another database follow."""
        start = self.reader.at
        self.database = self.reader.length()
        if self.database >= self.databases:
            raise FormatError(
                f"keys of database {self.database}, but there are only {self.databases}", start
            )

    def resize(self) -> None:
        """How much will come: of no use here."""
        self.reader.length()
        self.reader.length()

    def slot(self) -> None:
        """How many keys of a slot of a cluster will come: of no use here."""
        self.reader.length()
        self.resize()

    def seconds(self) -> None:
        """A deadline in seconds."""
        self.deadline = self.reader.number(4, signed=True) * 1000

    def milliseconds(self) -> None:
        """A deadline in milliseconds."""
        self.deadline = self.reader.number(8, signed=True)

    def frequency(self) -> None:
        """How often the next key is used: not kept."""
        self.reader.byte()

    def aux(self) -> None:
        """A fact of the server that wrote the file."""
        name = self.reader.string()
        self.contents.aux[name] = self.reader.string()

    def function(self) -> None:
        """A library of functions."""
        self.contents.functions.append(self.reader.string())

    def module(self) -> None:
        """What a module keeps beside its values: skipped, but for indexes."""
        reader = self.reader
        number = reader.length()
        name = module_name(number)
        if name in _OF_SEARCH:
            kept = indexes.read_beside(reader, number, self.contents.search)
            if kept is not None:
                self.contents.search = kept
                return
        while part := reader.length():
            if part == 5:
                reader.string()
            elif part in (3, 4):
                reader.take(4 if part == 3 else 8)
            elif part in (1, 2):
                reader.length()
            else:
                raise reader.fail(f"the data of the module {name} cannot be read")


_OF_SEARCH: Final = ("ft_index0", "scdtype00")
_CODES: Final[dict[int, Callable[[_Reading], None]]] = {
    types.SELECT_DB: _Reading.select, types.RESIZE_DB: _Reading.resize,
    types.EXPIRE_SECONDS: _Reading.seconds, types.EXPIRE_MS: _Reading.milliseconds,
    types.IDLE: lambda reading: _skip(reading.reader.length()),
    types.FREQUENCY: _Reading.frequency, types.AUX: _Reading.aux,
    types.FUNCTION: _Reading.function, types.MODULE_AUX: _Reading.module,
    types.SLOT_INFO: _Reading.slot,
}


def _skip(value: object) -> None:
    """Take no notice of something that had to be read."""
