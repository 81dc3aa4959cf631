"""Values out of bytes.

All that is read is checked as the server does with ``sanitize-dump-payload yes``: damaged data give
a `FormatError`, never a value that is wrong in itself.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from fakeredis.datatypes.hash import Hash
from fakeredis.datatypes.limits import DEFAULT_LIMITS, EncodingLimits
from fakeredis.datatypes.list import List
from fakeredis.datatypes.numbers import parse_float, parse_int
from fakeredis.datatypes.quicklist import Node, Nodes
from fakeredis.datatypes.set import INTSET, LISTPACK, Set
from fakeredis.datatypes.sorted_set import Pair, SortedSet
from fakeredis.lazy import Lazy
from fakeredis.rdb import lzf, types
from fakeredis.rdb.compact import read_intset, read_listpack, read_ziplist, read_zipmap
from fakeredis.rdb.errors import EmptyValueError, FormatError

if TYPE_CHECKING:
    from fakeredis.rdb.arrays import read_array
    from fakeredis.rdb.filters import read_bloom, read_cuckoo
    from fakeredis.rdb.json import read_json
    from fakeredis.rdb.sketches import (
        read_count_min,
        read_exact_count_min,
        read_exact_t_digest,
        read_exact_top_k,
        read_t_digest,
        read_top_k,
    )
    from fakeredis.rdb.streams import read_stream
    from fakeredis.rdb.suggestions import read_suggestions
    from fakeredis.rdb.timeseries import read_series
    from fakeredis.rdb.vector_sets import read_vector_set
else:
    read_json = Lazy("fakeredis.rdb.json", "read_json")
    read_bloom = Lazy("fakeredis.rdb.filters", "read_bloom")
    read_cuckoo = Lazy("fakeredis.rdb.filters", "read_cuckoo")
    read_count_min = Lazy("fakeredis.rdb.sketches", "read_count_min")
    read_exact_count_min = Lazy("fakeredis.rdb.sketches", "read_exact_count_min")
    read_t_digest = Lazy("fakeredis.rdb.sketches", "read_t_digest")
    read_exact_t_digest = Lazy("fakeredis.rdb.sketches", "read_exact_t_digest")
    read_top_k = Lazy("fakeredis.rdb.sketches", "read_top_k")
    read_exact_top_k = Lazy("fakeredis.rdb.sketches", "read_exact_top_k")
    read_array = Lazy("fakeredis.rdb.arrays", "read_array")
    read_stream = Lazy("fakeredis.rdb.streams", "read_stream")
    read_suggestions = Lazy("fakeredis.rdb.suggestions", "read_suggestions")
    read_series = Lazy("fakeredis.rdb.timeseries", "read_series")
    read_vector_set = Lazy("fakeredis.rdb.vector_sets", "read_vector_set")

_VERSION: Final = 0x3FF  # of a module's type, in the lower bits of its number
_MODULE_NAME: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_PLAIN, _PACKED = 1, 2
_LONGEST_TIME: Final = (1 << 48) - 1
_BEGINNING: Final = re.compile(
    rb"\s*[+-]?(?:inf(?:inity)?|nan|(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)", re.IGNORECASE
).match


class Reader:
    """Takes parts of the data one after the other.

    Args:
        data: all of it.
        at: where to begin.
        limits: what decides on the encodings of the values.
    """

    __slots__ = ("at", "data", "limits")

    def __init__(
        self, data: bytes, at: int = 0, limits: EncodingLimits = DEFAULT_LIMITS
    ) -> None:
        self.data = data
        self.at = at
        self.limits = limits

    def fail(self, reason: str) -> FormatError:
        """The error for something wrong right here."""
        return FormatError(reason, self.at)

    def take(self, count: int) -> bytes:
        """The next bytes, all of them."""
        stop = self.at + count
        if stop > len(self.data):
            raise self.fail("the data end too early")
        part = self.data[self.at : stop]
        self.at = stop
        return part

    def byte(self) -> int:
        """The next byte."""
        return self.take(1)[0]

    def number(self, size: int, signed: bool = False) -> int:
        """A number of fixed size, its lowest byte first."""
        return int.from_bytes(self.take(size), "little", signed=signed)

    def double(self) -> float:
        """A binary double."""
        value: float = struct.unpack("<d", self.take(8))[0]
        return value

    def length(self) -> int:
        """A number of variable size; the mark of a string in a special form counts as one, too."""
        return self._length()[1]

    def _length(self) -> tuple[bool, int]:
        """Whether a string in a special form follows, and which, or the length."""
        first = self.byte()
        if first < 0x40:
            return False, first
        if first < 0x80:
            return False, (first & 63) << 8 | self.byte()
        if first == 0x80:
            return False, int.from_bytes(self.take(4), "big")
        if first == 0x81:
            return False, int.from_bytes(self.take(8), "big")
        if first < 0xC0:
            raise self.fail("a length of an unknown kind")
        return True, first & 63

    def string(self) -> bytes:
        """A string in any of its forms."""
        special, value = self._length()
        if not special:
            return self.take(value)
        if value < 3:
            return b"%d" % self.number(1 << value, signed=True)
        if value != 3:
            raise self.fail("a string of an unknown kind")
        packed, size = self.length(), self.length()
        start = self.at
        if not size:  # the server does not look whether that can be
            self.take(packed)
            return b""
        try:
            return lzf.decompress(self.take(packed), size)
        except FormatError as error:
            raise FormatError(error.reason, start) from None

    def compact(self, read: Callable[[bytes], Any]) -> Any:
        """What a function makes of the next string."""
        start = self.at
        try:
            return read(self.string())
        except IndexError:
            raise FormatError("a compact container is damaged", start) from None
        except FormatError as error:
            raise FormatError(error.reason, start) from None

    def value(self, kind: int) -> Any:
        """A value of a type, named by its number.

        Raises:
            EmptyValueError: it is a container without elements.
            FormatError: it is damaged, or of an unknown or a module's type.
        """
        read = _READERS.get(kind)
        if read is None:
            raise self.fail(f"a value of the unknown type {kind}")
        return read(self, kind)


def _string(reader: Reader, kind: int) -> bytes:
    return reader.string()


# Lists ----------------------------------------------------------------------------------------


def _list(reader: Reader, kind: int) -> List:
    items = [reader.string() for _ in range(reader.length())]
    value = _new_list(reader, items)
    value.store(reader.limits)
    return value


def _ziplist(reader: Reader, kind: int) -> List:
    value = _new_list(reader, reader.compact(read_ziplist))
    value.stay_quick(reader.limits)
    return value


def _quicklist(reader: Reader, kind: int) -> List:
    """Nodes of several elements, from version 10 on also of one long one."""
    items: list[bytes] = []
    nodes: list[Node] = []
    for _ in range(reader.length()):
        container = reader.length() if kind == types.LIST_QUICKLIST_2 else _PACKED
        if container not in (_PLAIN, _PACKED):
            raise reader.fail("a list's node of an unknown kind")
        if container == _PLAIN:
            found = [reader.string()]
            if not found[0]:
                raise reader.fail("a list's node is empty")
        else:
            old = kind == types.LIST_QUICKLIST
            found = reader.compact(read_ziplist if old else read_listpack)
        if found:
            plain = container == _PLAIN
            nodes.append(Node(len(found), len(found[0]) if plain else -1, plain))
        items += found
    value = _new_list(reader, items)
    limits = reader.limits
    fill, compress = limits.list_max_listpack_size, limits.list_compress_depth
    value.set_nodes(Nodes(fill, compress, nodes), limits)
    return value


def _new_list(reader: Reader, items: list[bytes]) -> List:
    if not items:
        raise EmptyValueError("a list without elements", reader.at)
    return List(items)


# Sets -----------------------------------------------------------------------------------------


def _set(reader: Reader, kind: int) -> Set:
    limits = reader.limits
    members = [reader.string() for _ in range(reader.length())]
    if len(members) > limits.set_max_intset_entries:
        return _filled_set(reader, members, Set.table(members))
    value = Set(limits=limits)
    value.add_many(members, limits)
    return _filled_set(reader, members, value)


def _intset(reader: Reader, kind: int) -> Set:
    members = [b"%d" % one for one in reader.compact(read_intset)]
    small = len(members) <= reader.limits.set_max_intset_entries
    value = Set.restored(members, INTSET) if small else Set.table(members)
    return _filled_set(reader, members, value)


def _listpack_set(reader: Reader, kind: int) -> Set:
    members = reader.compact(read_listpack)
    small = len(members) <= reader.limits.set_max_listpack_entries
    # It stays a listpack even where all members are integers, or one is long.
    value = Set.restored(members, LISTPACK) if small else Set.table(members)
    return _filled_set(reader, members, value)


def _filled_set(reader: Reader, members: list[bytes], value: Set) -> Set:
    if len(value) != len(members):
        raise reader.fail("a set has a member twice")
    if not value:
        raise EmptyValueError("a set without members", reader.at)
    return value


# Sorted sets ----------------------------------------------------------------------------------


def _zset(reader: Reader, kind: int) -> SortedSet:
    count = reader.length()
    score = _text_score if kind == types.ZSET else Reader.double
    return _filled_zset(reader, [(reader.string(), score(reader)) for _ in range(count)])


def _text_score(reader: Reader) -> float:
    size = reader.byte()
    if size >= 253:
        return (float("nan"), float("inf"), float("-inf"))[size - 253]
    return _score(reader, reader.take(size))


def _score(reader: Reader, text: bytes) -> float:
    """The number that a text begins with."""
    score = parse_float(text)
    if score is None:
        found = _BEGINNING(text)
        if found is None:
            raise reader.fail("a score is no number")
        score = float(found[0])
    return score


def _compact_score(reader: Reader, text: bytes) -> float:
    return _score(reader, text) if _BEGINNING(text) else 0.0


def _compact_zset(reader: Reader, kind: int) -> SortedSet:
    old = kind == types.ZSET_ZIPLIST
    items = reader.compact(read_ziplist if old else read_listpack)
    if len(items) % 2:
        raise reader.fail("a sorted set has a member without a score")
    scores = [_compact_score(reader, text) for text in items[1::2]]
    return _filled_zset(reader, list(zip(items[::2], scores, strict=True)))


def _filled_zset(reader: Reader, pairs: list[Pair]) -> SortedSet:
    if any(score != score for _, score in pairs):
        raise reader.fail("a score is no number")
    value = SortedSet(pairs)
    if len(value) != len(pairs):
        raise reader.fail("a sorted set has a member twice")
    if not value:
        raise EmptyValueError("a sorted set without members", reader.at)
    return value


# Hashes ---------------------------------------------------------------------------------------


def _hash(reader: Reader, kind: int) -> Hash:
    return _filled_hash(reader, [reader.string() for _ in range(2 * reader.length())])


_COMPACT_HASHES: Final[dict[int, Callable[[bytes], list[bytes]]]] = {
    types.HASH_ZIPMAP: read_zipmap, types.HASH_ZIPLIST: read_ziplist,
    types.HASH_LISTPACK: read_listpack,
}


def _compact_hash(reader: Reader, kind: int) -> Hash:
    return _filled_hash(reader, reader.compact(_COMPACT_HASHES[kind]))


def _hash_with_deadlines(reader: Reader, kind: int) -> Hash:
    """Deadlines are counted from one before the earliest; 0 stands for none."""
    earliest = reader.number(8)
    flat: list[bytes] = []
    deadlines: list[int] = []
    for _ in range(reader.length()):
        after = reader.length()
        deadlines.append(earliest + after - 1 if after else 0)
        flat += reader.string(), reader.string()
    return _with_deadlines(reader, flat, deadlines)


def _hash_with_times(reader: Reader, kind: int) -> Hash:
    flat: list[bytes] = []
    deadlines: list[int] = []
    for _ in range(reader.length()):
        flat += reader.string(), reader.string()
        deadlines.append(reader.number(8, signed=True))
    value = _filled_hash(reader, flat)
    for field, deadline in zip(flat[::2], deadlines, strict=True):
        if deadline >= 0:
            value.expire_at(field, deadline)
    value.expand()
    return value


def _listpack_hash_with_deadlines(reader: Reader, kind: int) -> Hash:
    reader.number(8)  # the earliest deadline, which the listpack knows as well
    items = reader.compact(read_listpack)
    if len(items) % 3:
        raise reader.fail("a hash has a field without value or deadline")
    deadlines = [parse_int(text) for text in items[2::3]]
    known = [deadline for deadline in deadlines if deadline is not None]
    if len(known) != len(deadlines):
        raise reader.fail("a deadline is no number")
    flat = [part for at in range(0, len(items), 3) for part in items[at : at + 2]]
    value = _with_deadlines(reader, flat, known, backwards=True)
    value.allow_expiry()  # it keeps its encoding even where no field has a deadline any more
    return value


def _with_deadlines(
    reader: Reader, flat: list[bytes], deadlines: Sequence[int], backwards: bool = False
) -> Hash:
    """A hash whose fields with equal deadlines are in order, or else get them in this order."""
    value = _filled_hash(reader, flat)
    pairs = list(zip(flat[::2], deadlines, strict=True))
    for field, deadline in reversed(pairs) if backwards else pairs:
        if not 0 <= deadline <= _LONGEST_TIME:
            raise reader.fail("a deadline is out of range")
        if deadline:
            value.expire_at(field, deadline)
    return value


def _filled_hash(reader: Reader, flat: list[bytes]) -> Hash:
    if len(flat) % 2:
        raise reader.fail("a hash has a field without a value")
    value = Hash(zip(flat[::2], flat[1::2], strict=True))
    if 2 * len(value) != len(flat):
        raise reader.fail("a hash has a field twice")
    if not value:
        raise EmptyValueError("a hash without fields", reader.at)
    return value


# Modules --------------------------------------------------------------------------------------


def module_name(number: int) -> str:
    """The name of a module's type, which is the upper 54 bits of its number."""
    letters = [_MODULE_NAME[number >> shift & 63] for shift in range(58, 4, -6)]
    return bytes(letters).decode()


# The types that can be read, in these versions of their formats.
_OF_MODULES: Final[dict[str, tuple[int, Callable[[Reader], Any]]]] = {
    "vectorset": (0, read_vector_set), "ReJSON-RL": (3, read_json), "fakearray": (0, read_array),
    "trietype0": (1, read_suggestions), "TSDB-TYPE": (8, read_series),
    "MBbloom--": (4, read_bloom), "MBbloomCF": (4, read_cuckoo),
    "CMSk-TYPE": (0, read_count_min), "fakecount": (0, read_exact_count_min),
    "TDIS-TYPE": (0, read_t_digest), "fakedigst": (0, read_exact_t_digest),
    "TopK-TYPE": (0, read_top_k), "fakeheavy": (0, read_exact_top_k),
}


def _module(reader: Reader, kind: int) -> Any:
    start = reader.at
    number = reader.length()
    name = module_name(number)
    if name not in _OF_MODULES or kind != types.MODULE_2:
        raise FormatError(f"a value of a module's type, {name}, which cannot be read", start)
    version, read = _OF_MODULES[name]
    if number & _VERSION != version:
        raise FormatError(f"a value of type {name} in a version that cannot be read", start)
    return read(reader)


def _stream(reader: Reader, kind: int) -> Any:
    return read_stream(reader, kind)


_READERS: Final[dict[int, Callable[[Reader, int], Any]]] = {
    types.STRING: _string, types.LIST: _list, types.SET: _set, types.ZSET: _zset,
    types.HASH: _hash, types.HASH_2: _hash_with_times,
    types.ZSET_2: _zset, types.MODULE_1: _module, types.MODULE_2: _module,
    types.HASH_ZIPMAP: _compact_hash, types.LIST_ZIPLIST: _ziplist, types.SET_INTSET: _intset,
    types.ZSET_ZIPLIST: _compact_zset, types.HASH_ZIPLIST: _compact_hash,
    types.LIST_QUICKLIST: _quicklist, types.HASH_LISTPACK: _compact_hash,
    types.ZSET_LISTPACK: _compact_zset, types.LIST_QUICKLIST_2: _quicklist,
    types.SET_LISTPACK: _listpack_set, types.HASH_METADATA: _hash_with_deadlines,
    types.HASH_LISTPACK_EX: _listpack_hash_with_deadlines, types.STREAM: _stream,
    types.STREAM_2: _stream, types.STREAM_3: _stream, types.STREAM_4: _stream,
}
