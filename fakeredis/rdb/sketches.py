"""Count-min sketches, top-k lists and t-digests, as the server's module writes and reads them.

Stores have them in forms of our own, in which nothing is lost: the server's forms leave out what
waits in a digest, and have each counter of a sketch, of which there may be too many.
"""

from __future__ import annotations

import struct
from array import array
from typing import TYPE_CHECKING, Any, Final

from fakeredis.datatypes.numbers import INT_MAX
from fakeredis.datatypes.probabilistic.cells import MOST_BYTES, SparseCells
from fakeredis.datatypes.probabilistic.count_min import CountMinSketch
from fakeredis.datatypes.probabilistic.t_digest import MOST_NODES, TDigest, nodes_for
from fakeredis.datatypes.probabilistic.top_k import TopK, fingerprint
from fakeredis.rdb import modules
from fakeredis.rdb.errors import TooLargeError
from fakeredis.rdb.modules import (
    put_doubles,
    put_string,
    put_unsigned,
    take_double,
    take_string,
    take_unsigned,
)

if TYPE_CHECKING:
    from fakeredis.rdb.reading import Reader
    from fakeredis.rdb.writing import Writer

_VERSION: Final = 0
_LONGEST: Final = 1 << 29  # bytes of a string; of more, the server could make no payload either
_PLACE: Final = struct.Struct("<IIQII")  # of a heap: print, size, address, count
_PAIR: Final = struct.Struct("<QI")


def _signed(number: int) -> int:
    return number - (1 << 64) if number > INT_MAX else number


def _room(reader: Reader, width: int, depth: int, size: int) -> int:
    """How many cells there are in rows.

    Raises:
        FormatError: none, or too many.
    """
    if not 0 < width * depth * size <= MOST_BYTES:
        raise reader.fail("a sketch of no size, or too large a one")
    return width * depth


# Count-min sketches -------------------------------------------------------------------------------


def write_count_min(writer: Writer, value: CountMinSketch) -> int:
    """Put a sketch.

    Raises:
        TooLargeError: it has too many counters.
    """
    modules.begin(writer, b"fakecount" if writer.exact else value.type_name, _VERSION)
    put_unsigned(writer, value.width, value.depth, value.count)
    if writer.exact:
        _put_cells(writer, value.cells)
    else:
        put_string(writer, _packed(value.cells, value.width * value.depth))
    return modules.end(writer)


def read_count_min(reader: Reader) -> CountMinSketch:
    """Take a sketch.

    Raises:
        FormatError: the bytes are none.
    """
    return _count_min(reader, False)


def read_exact_count_min(reader: Reader) -> CountMinSketch:
    """Take what a store has in our own form.

    Raises:
        FormatError: the bytes are none.
    """
    return _count_min(reader, True)


def _count_min(reader: Reader, exact: bool) -> CountMinSketch:
    width, depth, count = take_unsigned(reader), take_unsigned(reader), take_unsigned(reader)
    cells = _room(reader, width, depth, 4)
    value = CountMinSketch(width, depth)
    value.count = _signed(count)
    if exact:
        _take_cells(reader, value.cells)
    else:
        _fill(reader, value.cells, take_string(reader), cells)
    modules.take_end(reader)
    return value


# Cells --------------------------------------------------------------------------------------------


def _packed(cells: Any, count: int) -> bytes:
    """All cells, one after the other."""
    if type(cells) is not SparseCells:
        return bytes(cells.tobytes())
    if 4 * count > _LONGEST:
        raise TooLargeError("the format has no form for so many counters")
    dense = array("I", bytes(4 * count))
    for at, value in cells.items():
        dense[at] = value
    return dense.tobytes()


def _fill(reader: Reader, cells: Any, raw: bytes, count: int) -> None:
    """Set all cells of a sketch."""
    if len(raw) != 4 * count:
        raise reader.fail("a sketch with another number of counters")
    found = array("I", raw)
    if type(cells) is SparseCells:
        cells.update((at, value) for at, value in enumerate(found) if value)
    else:
        cells[:] = found


def _put_cells(writer: Writer, cells: Any) -> None:
    """Put cells in our own form: those that are set, or all."""
    sparse = type(cells) is SparseCells
    put_unsigned(writer, sparse)
    put_string(
        writer, b"".join([_PAIR.pack(at, value) for at, value in cells.items()]) if sparse
        else cells.tobytes(),
    )


def _take_cells(reader: Reader, cells: Any) -> None:
    raw_sparse, raw = take_unsigned(reader), take_string(reader)
    if bool(raw_sparse) != (type(cells) is SparseCells) or len(raw) % _PAIR.size * raw_sparse:
        raise reader.fail("counters in a form that they do not have")
    if raw_sparse:
        cells.update(_PAIR.iter_unpack(raw))
    else:
        _fill(reader, cells, raw, len(cells))


# Top-k lists --------------------------------------------------------------------------------------


def write_top_k(writer: Writer, value: TopK) -> int:
    """Put a list; the server writes where its items are in its memory, too, for which 0 stands.

    Raises:
        TooLargeError: it has too many buckets.
    """
    modules.begin(writer, b"fakeheavy" if writer.exact else value.type_name, _VERSION)
    put_unsigned(writer, value.k, value.width, value.depth)
    put_doubles(writer, value.decay)
    if writer.exact:
        for cells in (value.prints, value.counts, value.heap_counts):
            _put_cells(writer, cells)
        put_unsigned(writer, len(value.heap))
        for place, kept in value.heap.items():
            put_unsigned(writer, place, kept in value.lost)
            put_string(writer, kept)
        return modules.end(writer)
    buckets = value.width * value.depth
    if max(8 * buckets, _PLACE.size * value.k) > _LONGEST:
        raise TooLargeError("the format has no form for so many counters")
    both = array("I", bytes(8 * buckets))
    both[::2] = array("I", _packed(value.prints, buckets))
    both[1::2] = array("I", _packed(value.counts, buckets))
    put_string(writer, both.tobytes())
    in_heap = [value.heap.get(place) for place in range(value.k)]
    put_string(writer, b"".join([
        bytes(_PLACE.size) if item is None
        else _PLACE.pack(fingerprint(item), len(item), 0, value.heap_counts[place], 0)
        for place, item in enumerate(in_heap)
    ]))
    for item in in_heap:
        put_string(writer, (item or b"").partition(b"\0")[0] + b"\0")
    return modules.end(writer)


def read_top_k(reader: Reader) -> TopK:
    """Take a list.

    Raises:
        FormatError: the bytes are none.
    """
    value = _new_top_k(reader)
    buckets = value.width * value.depth
    raw, raw_heap = take_string(reader), take_string(reader)
    if len(raw) != 8 * buckets or len(raw_heap) != _PLACE.size * value.k:
        raise reader.fail("a list with another number of buckets or places")
    both = array("I", raw)
    _fill(reader, value.prints, both[::2].tobytes(), buckets)
    _fill(reader, value.counts, both[1::2].tobytes(), buckets)
    for place, (mark, size, _, count, _) in enumerate(_PLACE.iter_unpack(raw_heap)):
        item = _item(reader, mark, size)
        value.heap_counts[place] = count
        if item in value:
            raise reader.fail("an item that is in a list twice")
        if mark:
            value.put(place, item, count)
            if item[:1] in (b"", b"\0"):
                value.lost |= {item}
    modules.take_end(reader)
    return value


def _item(reader: Reader, mark: int, size: int) -> bytes:
    """An item; where it had a zero byte, what follows is not there, and something stands for it."""
    raw = take_string(reader)
    item = raw[:-1]
    if raw[-1:] != b"\0" or size < len(item) or (size and not mark):
        raise reader.fail("an item of a list that makes no sense")
    if size > len(item):
        return item + b"\0" + mark.to_bytes(4, "little")
    if mark and mark != fingerprint(item):
        raise reader.fail("an item of a list that is another one")
    return item


def _new_top_k(reader: Reader) -> TopK:
    k, width, depth = take_unsigned(reader), take_unsigned(reader), take_unsigned(reader)
    decay = take_double(reader)
    _room(reader, width, depth, 8)
    if max(k, width, depth) >> 32 or not k or not 0 < decay <= 1:
        raise reader.fail("a list of a size or decay that there is not")
    return TopK(k, width, depth, decay)


def read_exact_top_k(reader: Reader) -> TopK:
    """Take what a store has in our own form.

    Raises:
        FormatError: the bytes are none.
    """
    value = _new_top_k(reader)
    for cells in (value.prints, value.counts, value.heap_counts):
        _take_cells(reader, cells)
    for _ in range(take_unsigned(reader)):
        place, lost, item = take_unsigned(reader), take_unsigned(reader), take_string(reader)
        if place >= value.k:
            raise reader.fail("an item beyond its list")
        value.put(place, item, value.heap_counts[place])
        if lost:
            value.lost |= {item}
    modules.take_end(reader)
    return value


# Digests ------------------------------------------------------------------------------------------


def write_t_digest(writer: Writer, value: TDigest) -> int:
    """Put a digest, for the server's form with groups made of what waits."""
    modules.begin(writer, b"fakedigst" if writer.exact else value.type_name, _VERSION)
    if not writer.exact and len(value.means) > value.merged:
        value = value.copy()
        value.compress()
    put_doubles(writer, value.compression, value.low, value.high)
    put_unsigned(
        writer, value.capacity & 0xFFFFFFFF, value.merged, len(value.means) - value.merged,
        value.compressions,
    )
    put_doubles(writer, float(value.merged_weight), float(value.unmerged_weight))
    nodes = len(value.means) if writer.exact else value.merged
    put_doubles(writer, *value.means[:nodes])
    put_doubles(writer, *map(float, value.weights[:nodes]))
    return modules.end(writer)


def read_t_digest(reader: Reader) -> TDigest:
    """Take a digest.

    Raises:
        FormatError: the bytes are none.
    """
    return _t_digest(reader, False)


def read_exact_t_digest(reader: Reader) -> TDigest:
    """Take what a store has in our own form.

    Raises:
        FormatError: the bytes are none.
    """
    return _t_digest(reader, True)


def _t_digest(reader: Reader, exact: bool) -> TDigest:
    compression, low, high = (take_double(reader) for _ in range(3))
    capacity, merged, waiting, compressions = (take_unsigned(reader) for _ in range(4))
    merged_weight, unmerged_weight = _weight(reader), _weight(reader)
    if not 1 <= compression <= MOST_NODES or nodes_for(compression) > MOST_NODES:
        raise reader.fail("a digest of a compression that there is not")
    value = TDigest(compression)
    if capacity != value.capacity & 0xFFFFFFFF or merged + waiting > max(value.capacity, 0):
        raise reader.fail("a digest of another capacity")
    if bool(merged) != bool(merged_weight) or (waiting > 1 and not exact):
        raise reader.fail("a digest that does not add up")
    nodes = merged + waiting if exact else merged
    value.means = [take_double(reader) for _ in range(nodes)]
    value.weights = [_weight(reader) for _ in range(nodes)]
    if not exact:  # the server does not write what waits, and finds zeros there
        value.means += [0.0] * waiting
        value.weights += [0] * waiting
    value.low, value.high, value.merged, value.compressions = low, high, merged, compressions
    value.merged_weight, value.unmerged_weight = merged_weight, unmerged_weight
    modules.take_end(reader)
    return value


def _weight(reader: Reader) -> int:
    number = take_double(reader)
    if not 0 <= number <= INT_MAX:
        raise reader.fail("a weight of a digest that makes no sense")
    return int(number)
