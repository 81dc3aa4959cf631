"""Values into bytes, in the form that a server of some version writes and reads."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

from fakeredis.datatypes.hash import Hash
from fakeredis.datatypes.limits import EncodingLimits
from fakeredis.datatypes.list import List
from fakeredis.datatypes.numbers import format_float, parse_int
from fakeredis.datatypes.set import Set
from fakeredis.datatypes.sorted_set import SortedSet
from fakeredis.datatypes.stream import Stream
from fakeredis.lazy import Lazy
from fakeredis.rdb import lzf, types
from fakeredis.rdb.compact import write_intset, write_listpack

if TYPE_CHECKING:
    from fakeredis.rdb.arrays import write_array
    from fakeredis.rdb.filters import write_bloom, write_cuckoo
    from fakeredis.rdb.json import write_json
    from fakeredis.rdb.sketches import write_count_min, write_t_digest, write_top_k
    from fakeredis.rdb.streams import write_stream
    from fakeredis.rdb.suggestions import write_suggestions
    from fakeredis.rdb.timeseries import write_series
    from fakeredis.rdb.vector_sets import write_vector_set
else:
    write_json = Lazy("fakeredis.rdb.json", "write_json")
    write_bloom = Lazy("fakeredis.rdb.filters", "write_bloom")
    write_cuckoo = Lazy("fakeredis.rdb.filters", "write_cuckoo")
    write_count_min = Lazy("fakeredis.rdb.sketches", "write_count_min")
    write_t_digest = Lazy("fakeredis.rdb.sketches", "write_t_digest")
    write_top_k = Lazy("fakeredis.rdb.sketches", "write_top_k")
    write_array = Lazy("fakeredis.rdb.arrays", "write_array")
    write_stream = Lazy("fakeredis.rdb.streams", "write_stream")
    write_suggestions = Lazy("fakeredis.rdb.suggestions", "write_suggestions")
    write_series = Lazy("fakeredis.rdb.timeseries", "write_series")
    write_vector_set = Lazy("fakeredis.rdb.vector_sets", "write_vector_set")

SHORT = 20  # bytes up to which strings are not compressed
_LONGEST_NUMBER = 11
_NODE_BYTES: Final = (4096, 8192, 16384, 32768, 65536)
_ENTRY_OVERHEAD = 8
_EMPTY_NODE = 7
_SAFE_BYTES = 8192  # the most in a node where elements are counted


def length(value: int) -> bytes:
    """A number of variable size."""
    if value < 1 << 6:
        return bytes((value,))
    if value < 1 << 14:
        return struct.pack(">H", 0x4000 | value)
    if value < 1 << 32:
        return b"\x80" + struct.pack(">I", value)
    return b"\x81" + struct.pack(">Q", value)


class Writer:
    """Gathers the bytes of values.

    Args:
        limits: what decides on the form of small containers.
        version: the version of the format.
        compress: whether long strings are packed.
        exact: whether values are to come back as they are, where the server's form loses something.
    """

    __slots__ = ("compress", "exact", "key", "limits", "out", "version")

    def __init__(
        self, limits: EncodingLimits, version: int, compress: bool = True, exact: bool = False
    ) -> None:
        self.out = bytearray()
        self.key = b""  # whose value it is, where that is known
        self.limits = limits
        self.version = version
        self.compress = compress
        self.exact = exact

    def length(self, value: int) -> None:
        """Put a number of variable size."""
        self.out += length(value)

    def number(self, value: int, size: int = 8) -> None:
        """Put a number of fixed size, its lowest byte first."""
        self.out += value.to_bytes(size, "little", signed=value < 0)

    def string(self, text: bytes | bytearray) -> None:
        """Put a string, as a number or packed where that is shorter."""
        text = bytes(text)
        size = len(text)
        number = parse_int(text) if size <= _LONGEST_NUMBER else None
        if number is not None and -(1 << 31) <= number < 1 << 31:
            self._small_number(number)
            return
        packed = lzf.compress(text) if self.compress and size > SHORT else None
        if packed is None:
            self.out += length(size) + text
        else:
            self.out += b"\xc3" + length(len(packed)) + length(size) + packed

    def _small_number(self, number: int) -> None:
        for place, size in enumerate((1, 2, 4)):
            if -(1 << 8 * size - 1) <= number < 1 << 8 * size - 1:
                self.out.append(0xC0 | place)
                self.out += number.to_bytes(size, "little", signed=True)
                return

    def strings(self, texts: Iterable[bytes]) -> None:
        """Put several strings."""
        for text in texts:
            self.string(text)

    def value(self, value: Any) -> tuple[int, bytes]:
        """The number of a value's type, and its bytes."""
        self.out = bytearray()
        kind = self._put(value)
        return kind, bytes(self.out)

    def _put(self, value: Any) -> int:
        if isinstance(value, List):
            return self._list(value)
        if isinstance(value, Set):
            return self._set(value)
        if isinstance(value, SortedSet):
            return self._sorted_set(value)
        if isinstance(value, Hash):
            return self._hash(value)
        if isinstance(value, Stream):
            return write_stream(self, value)
        if isinstance(value, (bytes, bytearray)):
            self.string(value)
            return types.STRING
        write = _OF_MODULES.get(getattr(value, "type_name", b""))
        if write is not None:
            return write(self, value)
        raise TypeError(f"the format has no form for a {type(value).__name__}")

    def _is_compact(self, value: Any, oldest: int = types.OLDEST_WITH_LISTPACKS) -> bool:
        return self.version >= oldest and value.encoding(self.limits).startswith(b"listpack")

    # Containers -------------------------------------------------------------------------------

    def _list(self, value: List) -> int:
        if self.version < types.OLDEST_WITH_LISTPACKS:
            self.length(len(value))
            self.strings(value.values())
            return types.LIST
        shared = value.shared_out(self.limits)
        self.length(len(shared.nodes))
        first = 0
        for node in shared.nodes:
            items = value.range(first, first + node.count)
            first += node.count
            self.length(1 if node.plain else 2)
            self.string(items[0] if node.plain else write_listpack(items))
        return types.LIST_QUICKLIST_2

    def _set(self, value: Set) -> int:
        if value.encoding(self.limits) == b"intset":
            self.string(write_intset(sorted(map(int, value))))
            return types.SET_INTSET
        if self._is_compact(value, types.OLDEST_WITH_SET_LISTPACKS):
            self.string(write_listpack(value))
            return types.SET_LISTPACK
        self.length(len(value))
        self.strings(value)
        return types.SET

    def _sorted_set(self, value: SortedSet) -> int:
        pairs = value.items()
        if self._is_compact(value):
            self.string(write_listpack(
                part for member, score in pairs for part in (member, format_float(score))
            ))
            return types.ZSET_LISTPACK
        self.length(len(pairs))
        for member, score in reversed(pairs):  # the highest first, as the server has it
            self.string(member)
            self.out += struct.pack("<d", score)
        return types.ZSET_2

    def _hash(self, value: Hash) -> int:
        if self.version >= types.OLDEST_OF_VALKEY:
            if value.expires:
                return self._hash_with_times(value, value.expires)
        elif self.version >= types.OLDEST_WITH_FIELD_EXPIRY:
            expires = value.expires
            if expires is not None and self._is_compact(value):
                return self._listpack_with_deadlines(value, expires)
            if expires:
                return self._hash_with_deadlines(value, expires)
        if self._is_compact(value):
            self.string(write_listpack(value.flat()))
            return types.HASH_LISTPACK
        self.length(len(value))
        self.strings(value.flat())
        return types.HASH

    def _listpack_with_deadlines(self, value: Hash, expires: dict[bytes, int]) -> int:
        """Fields in their order, which is that of their deadlines."""
        self.number(min(expires.values(), default=0))
        self.string(write_listpack(
            part for field, text in value.items() for part in (field, text, expires.get(field, 0))
        ))
        return types.HASH_LISTPACK_EX

    def _hash_with_times(self, value: Hash, expires: dict[bytes, int]) -> int:
        """A field's deadline stands behind it, -1 where there is none."""
        self.length(len(value))
        for field, text in value.items():
            self.strings((field, text))
            self.number(expires.get(field, -1))
        return types.HASH_2

    def _hash_with_deadlines(self, value: Hash, expires: dict[bytes, int]) -> int:
        earliest = min(expires.values())
        self.number(earliest)
        self.length(len(value))
        for field, text in value.items():
            deadline = expires.get(field)
            self.length(0 if deadline is None else deadline - earliest + 1)
            self.strings((field, text))
        return types.HASH_METADATA


# By the names that TYPE has for them.
_OF_MODULES: Final[dict[bytes, Callable[[Writer, Any], int]]] = {
    b"vectorset": write_vector_set, b"ReJSON-RL": write_json, b"trietype0": write_suggestions,
    b"array": write_array, b"TSDB-TYPE": write_series, b"MBbloom--": write_bloom,
    b"MBbloomCF": write_cuckoo, b"CMSk-TYPE": write_count_min, b"TDIS-TYPE": write_t_digest,
    b"TopK-TYPE": write_top_k,
}
