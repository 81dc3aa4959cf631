"""Bloom and cuckoo filters, as the server's module writes and reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fakeredis.datatypes.probabilistic.bloom import MOST_HASHES, BloomFilter, Link
from fakeredis.datatypes.probabilistic.cuckoo import CuckooFilter, Layer
from fakeredis.datatypes.probabilistic.pages import Room, read
from fakeredis.errors import CommandError
from fakeredis.rdb import modules
from fakeredis.rdb.modules import put_doubles, put_string, put_unsigned, take_double, take_unsigned

if TYPE_CHECKING:
    from fakeredis.rdb.reading import Reader
    from fakeredis.rdb.writing import Writer

_VERSION: Final = 4
_MOST_LINKS: Final = 1000
_LONGEST: Final = 1 << 29  # bytes of a string that clients may send


def write_bloom(writer: Writer, value: BloomFilter) -> int:
    """Put a Bloom filter."""
    modules.begin(writer, value.type_name, _VERSION)
    put_unsigned(writer, value.size, len(value.links), value.options, value.growth)
    for link in value.links:
        put_unsigned(writer, link.entries)
        put_doubles(writer, link.error)
        put_unsigned(writer, link.hashes)
        put_doubles(writer, link.bpe)
        put_unsigned(writer, link.bits, link.n2)
        _put_room(writer, link.data)
        put_unsigned(writer, link.size)
    return modules.end(writer)


def _put_room(writer: Writer, data: Room) -> None:
    """Put bytes, if a payload of them may be sent at all.

    Raises:
        CommandError: they may not; of many more, the server would die.
    """
    if len(data) > _LONGEST:
        raise CommandError("ERR Insufficient memory to dump the filter")
    put_string(writer, read(data, 0, len(data)))


def read_bloom(reader: Reader) -> BloomFilter:
    """Take a Bloom filter.

    Raises:
        FormatError: the bytes are none.
    """
    size, count, options, growth = (take_unsigned(reader) for _ in range(4))
    if count >= _MOST_LINKS:
        raise reader.fail("a Bloom filter of too many links")
    value = BloomFilter([], growth & 0xFFFFFFFF, options & 0xFFFFFFFF, size)
    for _ in range(count):
        link = _read_link(reader)
        value.links.append(link)
    modules.take_end(reader)
    return value


def _read_link(reader: Reader) -> Link:
    entries = take_unsigned(reader)
    error = take_double(reader)
    hashes = take_unsigned(reader)
    bpe = take_double(reader)
    bits, n2 = take_unsigned(reader), take_unsigned(reader)
    data = bytearray(modules.take_string(reader))
    link = Link(entries, error, hashes, bpe, bits, n2, data, take_unsigned(reader))
    # The server believes everything, and reads beyond the bits then.
    if bits != 8 * len(data) or hashes > MOST_HASHES or (bits < link.modulus and n2):
        raise reader.fail("a link of a Bloom filter that makes no sense")
    return link


def write_cuckoo(writer: Writer, value: CuckooFilter) -> int:
    """Put a cuckoo filter."""
    modules.begin(writer, value.type_name, _VERSION)
    put_unsigned(
        writer, len(value.layers), value.buckets, value.items, value.deletes, value.bucket_size,
        value.iterations, value.expansion,
    )
    for layer in value.layers:
        put_unsigned(writer, layer.buckets)
        _put_room(writer, layer.data)
    return modules.end(writer)


def read_cuckoo(reader: Reader) -> CuckooFilter:
    """Take a cuckoo filter.

    Raises:
        FormatError: the bytes are none.
    """
    count, buckets, items, deletes, size, iterations, expansion = (
        take_unsigned(reader) for _ in range(7)
    )
    value = CuckooFilter(buckets, size, iterations, expansion)
    value.items, value.deletes = items, deletes
    if not value.is_sound:
        raise reader.fail("a cuckoo filter that makes no sense")
    for _ in range(count):
        layer = Layer(take_unsigned(reader), bytearray(modules.take_string(reader)))
        if layer.buckets * size != len(layer.data):
            raise reader.fail("a layer of a cuckoo filter of another size")
        value.layers.append(layer)
    if not value.layers:
        raise reader.fail("a cuckoo filter without buckets")
    modules.take_end(reader)
    return value
