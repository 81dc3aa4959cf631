"""Streams into bytes and out of them.

A node is one listpack: a master entry (how many live and deleted entries, the names of its fields,
a zero), then the entries, each with flags, what its ID is above the node's, its fields (values
only where the names are the master's), and how many parts that was.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from fakeredis.datatypes.numbers import parse_int, signed
from fakeredis.datatypes.producers import Producers
from fakeredis.datatypes.stream import (
    MAX_ID,
    SEQUENCE,
    Block,
    Consumer,
    Fields,
    Group,
    Pending,
    Stream,
)
from fakeredis.rdb import types
from fakeredis.rdb.compact import read_listpack, write_listpack
from fakeredis.rdb.errors import FormatError

if TYPE_CHECKING:
    from fakeredis.rdb.reading import Reader
    from fakeredis.rdb.writing import Writer

_DELETED, _SAME_FIELDS = 1, 2
_WORD: Final = (1 << 64) - 1


# Writing --------------------------------------------------------------------------------------


def write_stream(writer: Writer, stream: Stream) -> int:
    """Put a stream; gives the number of its type."""
    kind = types.STREAM_3
    if types.OLDEST_WITH_PRODUCERS <= writer.version < types.OLDEST_OF_VALKEY:
        kind = types.STREAM_4
    elif writer.version < types.OLDEST_WITH_SET_LISTPACKS:
        old = writer.version < types.OLDEST_WITH_LISTPACKS
        kind = types.STREAM if old else types.STREAM_2
    writer.length(len(stream.blocks))
    for block in stream.blocks:
        writer.string(block.first.to_bytes(16, "big"))
        writer.string(write_listpack(_node(block)))
    writer.length(stream.length)
    _put_id(writer, stream.last_id)
    if kind != types.STREAM:
        _put_id(writer, stream.first_id)
        _put_id(writer, stream.max_deleted)
        writer.length(stream.added & _WORD)
    writer.length(len(stream.groups))
    for name in sorted(stream.groups):
        writer.string(name)
        _put_group(writer, stream.groups[name], kind)
    if kind == types.STREAM_4:
        _put_producers(writer, stream.producers or Producers())
    return kind


def _put_producers(writer: Writer, producers: Producers) -> None:
    writer.length(producers.duration)
    writer.length(producers.most)
    writer.length(len(producers.known))
    for name in sorted(producers.known):
        writer.string(name)
        writer.length(len(producers.known[name]))
        for entry, (number, _) in producers.known[name].items():
            writer.string(entry)
            _put_id(writer, number)
    writer.length(producers.added)
    writer.length(producers.duplicates)


def _put_id(writer: Writer, number: int) -> None:
    writer.length(number >> 64)
    writer.length(number & SEQUENCE)


def _node(block: Block) -> Iterator[bytes | int]:
    """The parts of a node; deleted entries are left out."""
    yield len(block.ids)
    yield 0
    yield len(block.names)
    yield from block.names
    yield 0
    for number, fields in zip(block.ids, block.entries, strict=True):
        same = fields[::2] == block.names
        yield _SAME_FIELDS if same else 0
        yield signed((number >> 64) - (block.first >> 64))
        yield signed((number & SEQUENCE) - (block.first & SEQUENCE))
        if not same:
            yield len(fields) // 2
        yield from fields[1::2] if same else fields
        yield 3 + len(fields) // 2 if same else 4 + len(fields)


def _put_group(writer: Writer, group: Group, kind: int) -> None:
    _put_id(writer, group.last_id)
    if kind != types.STREAM:
        writer.length(group.read & _WORD)
    writer.length(len(group.pending))
    for number in group.pending.since():
        pending = group.pending.data[number]
        writer.out += number.to_bytes(16, "big")
        writer.number(pending.time)
        writer.length(pending.count & _WORD)
    writer.length(len(group.consumers))
    for name in sorted(group.consumers):
        consumer = group.consumers[name]
        writer.string(name)
        writer.number(consumer.seen)
        if kind in (types.STREAM_3, types.STREAM_4):
            writer.number(consumer.active)
        writer.length(len(consumer.pending))
        for number in consumer.pending.since():
            writer.out += number.to_bytes(16, "big")


# Reading --------------------------------------------------------------------------------------


def read_stream(reader: Reader, kind: int) -> Stream:
    """A stream, of the type of that number."""
    stream = Stream()
    for _ in range(reader.length()):
        start = reader.at
        block = _read_block(reader)
        last = stream.blocks[-1].last if stream.blocks else -1
        if block.first <= last:
            raise FormatError("a stream's nodes are out of order", start)
        if block.ids:
            stream.blocks.append(block)
            stream.length += len(block.ids)
    if reader.length() != stream.length:
        raise reader.fail("a stream has not as many entries as it says")
    stream.last_id, stream.added = _read_id(reader), stream.length
    if kind != types.STREAM:
        _read_id(reader)  # of the first entry, which is known already
        stream.max_deleted, stream.added = _read_id(reader), signed(reader.length())
    if stream.blocks and stream.last_id < stream.blocks[-1].last:
        raise reader.fail("a stream's last ID is too low")
    for _ in range(reader.length()):
        name = reader.string()
        if name in stream.groups:
            raise reader.fail("a stream has a group twice")
        stream.groups[name] = _read_group(reader, kind, stream)
    if kind == types.STREAM_4:
        stream.producers = _read_producers(reader)
    return stream


def _read_producers(reader: Reader) -> Producers:
    """What producers have added; when, their entries' IDs say."""
    producers = Producers(reader.length(), reader.length())
    for _ in range(reader.length()):
        name = reader.string()
        if not name or name in producers.known:
            raise reader.fail("a stream has a producer twice, or one without a name")
        entries = producers.known[name] = {}
        for _ in range(reader.length()):
            entry, number = reader.string(), _read_id(reader)
            if not entry or entry in entries:
                raise reader.fail("a producer has a name for an entry twice, or an empty one")
            entries[entry] = (number, number >> 64)
    producers.added, producers.duplicates = reader.length(), reader.length()
    return producers


def _read_id(reader: Reader) -> int:
    return reader.length() << 64 | reader.length()


def _read_raw_id(reader: Reader) -> int:
    return int.from_bytes(reader.take(16), "big")


class _Parts:
    """The parts of a node, one after the other."""

    def __init__(self, parts: list[bytes], start: int) -> None:
        self.parts = parts
        self.start = start
        self.at = 0

    def fail(self) -> FormatError:
        return FormatError("a stream's node is damaged", self.start)

    def texts(self, count: int) -> list[bytes]:
        stop = self.at + count
        if count < 0 or stop > len(self.parts):
            raise self.fail()
        found = self.parts[self.at : stop]
        self.at = stop
        return found

    def number(self) -> int:
        number = parse_int(self.texts(1)[0])
        if number is None:
            raise self.fail()
        return number


def _read_block(reader: Reader) -> Block:
    """A node with its live entries, of which there may be none."""
    start = reader.at
    key = reader.string()
    if len(key) != 16:
        raise FormatError("a stream's node has no ID", start)
    parts = _Parts(reader.compact(read_listpack), start)
    alive, dead, named = parts.number(), parts.number(), parts.number()
    block = Block.empty(int.from_bytes(key, "big"), tuple(parts.texts(named)))
    if parts.number() != 0:
        raise parts.fail()
    while parts.at < len(parts.parts):
        _read_entry(block, parts)
    if (alive, dead) not in ((len(block.ids), block.dead), (len(block.ids), 0)):
        raise parts.fail()
    block.dead = dead
    block.count_bytes()
    return block


def _read_entry(block: Block, parts: _Parts) -> None:
    flags = parts.number()
    number = _above(block.first, parts.number(), parts.number())
    if flags & _SAME_FIELDS:
        values = parts.texts(len(block.names))
        fields: Fields = tuple(
            part for pair in zip(block.names, values, strict=True) for part in pair
        )
        count = 3 + len(values)
    else:
        fields = tuple(parts.texts(2 * parts.number()))
        count = 4 + len(fields)
    low = block.last if block.ids or block.dead else block.first - 1
    if parts.number() != count or number <= low or not fields:
        raise parts.fail()
    block.take(number, fields, bool(flags & _DELETED))


def _above(first: int, milliseconds: int, sequence: int) -> int:
    """The ID that lies so far above a node's, in unsigned numbers of 64 bits."""
    high = (first >> 64) + milliseconds & SEQUENCE
    low = (first & SEQUENCE) + sequence & SEQUENCE
    return high << 64 | low


def _read_group(reader: Reader, kind: int, stream: Stream) -> Group:
    group = Group(_read_id(reader))
    if kind != types.STREAM:
        group.read = signed(reader.length())
    else:
        group.read = stream.count_up_to(group.last_id)
    last = -1
    for _ in range(reader.length()):
        number = _read_raw_id(reader)
        if not last < number <= MAX_ID:
            raise reader.fail("a group's pending entries are out of order")
        last = number
        time = reader.number(8, signed=True)
        group.pending.add(number, Pending(None, time, signed(reader.length())))
    for _ in range(reader.length()):
        _read_consumer(reader, kind, group)
    for number, pending in group.pending.data.items():
        if pending.consumer is None:
            if pending.time:
                raise reader.fail("a pending entry belongs to no consumer")
            group.give_back(number, pending)
    return group


def _read_consumer(reader: Reader, kind: int, group: Group) -> None:
    name = reader.string()
    if name in group.consumers:
        raise reader.fail("a group has a consumer twice")
    consumer = group.consumers[name] = Consumer(name, reader.number(8, signed=True))
    consumer.active = consumer.seen
    if kind in (types.STREAM_3, types.STREAM_4):
        consumer.active = reader.number(8, signed=True)
    for _ in range(reader.length()):
        number = _read_raw_id(reader)
        pending = group.pending.data.get(number)
        if pending is None or pending.consumer is not None:
            raise reader.fail("a consumer's pending entry is not its group's")
        pending.consumer = consumer
        consumer.pending.add(number, pending)
