"""The stream: entries in order of their IDs, and consumer groups with what they have not acked.

An ID is one integer, ``milliseconds << 64 | sequence number``, so that IDs compare as they should
and the next one is one more. Entries are kept in blocks that begin and end where the server's
nodes do, because trimming with ``~`` removes whole nodes.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from operator import attrgetter, itemgetter
from typing import Final

from fakeredis.datatypes.limits import EncodingLimits
from fakeredis.datatypes.numbers import INT_MAX, INT_MIN, parse_int, parse_unsigned, signed
from fakeredis.datatypes.producers import Producers

Fields = tuple[bytes, ...]  # names and values in turn
Found = list[tuple[int, Fields]]

SEQUENCE: Final = (1 << 64) - 1
MAX_ID: Final = (1 << 128) - 1
UNKNOWN: Final = -1  # entries read by a group, where that cannot be told

_LONGEST_ID = 127
_PENDING_BLOCK = 512
_NODE_LIMIT = 1 << 30
_KNOWN_NAMES = 64

_first = attrgetter("first")
_last_of = itemgetter(-1)


def format_id(number: int) -> bytes:
    """An ID as clients see it."""
    return b"%d-%d" % (number >> 64, number & SEQUENCE)


def parse_id(raw: bytes, sequence: int = 0) -> int | None:
    """An ID, whose sequence number may be missing; None when it is malformed."""
    if len(raw) > _LONGEST_ID:
        return None
    left, dash, right = raw.partition(b"\0")[0].partition(b"-")
    milliseconds = parse_unsigned(left)
    found = parse_unsigned(right) if dash else sequence
    return None if milliseconds is None or found is None else milliseconds << 64 | found


# How many bytes a part takes in a node of the server, which is a "listpack" -------------------


def _with_length(size: int) -> int:
    """A part's bytes together with those of the length behind it."""
    for extra, most in enumerate((127, 16383, 2097151, 268435455), 1):
        if size <= most:
            return size + extra
    return size + 5


def _integer_bytes(number: int) -> int:
    if 0 <= number <= 127:
        return 2
    if -4096 <= number <= 4095:
        return 3
    if -32768 <= number <= 32767:
        return 4
    if -(1 << 23) <= number < 1 << 23:
        return 5
    return 6 if -(1 << 31) <= number < 1 << 31 else 10


def _string_bytes(text: bytes) -> int:
    size = len(text)
    if size <= 20:
        number = parse_int(text)
        if number is not None:
            return _integer_bytes(number)
    return _with_length(size + (1 if size < 64 else 2 if size < 4096 else 5))


class Block:
    """The entries of one of the server's nodes; deleted ones still count for its size."""

    __slots__ = ("bound", "dead", "dead_bytes", "entries", "first", "ids", "last", "names")

    def __init__(self, number: int, fields: Fields) -> None:
        self.first = self.last = number
        self.names = fields[::2]
        self.ids = [number]
        self.entries = [fields]
        self.dead = self.dead_bytes = 0
        self.bound = 0  # an upper bound of the bytes taken
        self.bound = self.count_bytes()

    @classmethod
    def empty(cls, first: int, names: Fields) -> Block:
        """One without entries, to be filled by `take` in order of their IDs."""
        block = cls(first, ())
        block.names = names
        block.ids, block.entries = [], []
        return block

    def take(self, number: int, fields: Fields, dead: bool) -> None:
        """Put an entry at the end, or only note that a deleted one was there."""
        self.last = number
        if dead:
            self.dead += 1
            self.dead_bytes += self.entry_bytes(number, fields)
        else:
            self.ids.append(number)
            self.entries.append(fields)

    def entry_bytes(self, number: int, fields: Fields) -> int:
        """What an entry takes; one with the names of the first entry does not repeat them."""
        own = fields[::2] != self.names
        parts = fields if own else fields[1::2]
        size = sum(map(_string_bytes, parts)) + 2
        size += _integer_bytes((number >> 64) - (self.first >> 64))
        size += _integer_bytes((number & SEQUENCE) - (self.first & SEQUENCE))
        size += _integer_bytes(len(fields) // 2) if own else 0
        return size + _integer_bytes(len(parts) + (4 if own else 3))

    def count_bytes(self) -> int:
        """All that is taken, which becomes the bound."""
        size = 7 + _integer_bytes(len(self.ids)) + _integer_bytes(self.dead)
        size += _integer_bytes(len(self.names)) + sum(map(_string_bytes, self.names)) + 2
        size += sum(map(self.entry_bytes, self.ids, self.entries)) + self.dead_bytes
        self.bound = size
        return size

    def has_room(self, size: int, most_bytes: int, most_entries: int) -> bool:
        """Whether one more entry, whose words are of ``size`` bytes, goes into the same node."""
        if self.bound + size >= most_bytes and self.count_bytes() + size >= most_bytes:
            return False
        return not 0 < most_entries <= len(self.ids) + self.dead

    def kill(self, at: int) -> None:
        """Delete an entry."""
        self.dead_bytes += self.entry_bytes(self.ids[at], self.entries[at])
        self.dead += 1
        del self.ids[at], self.entries[at]


# Consumer groups ------------------------------------------------------------------------------


class Pending:
    """One entry that was delivered and not yet acknowledged."""

    __slots__ = ("consumer", "count", "given_back", "time")

    def __init__(self, consumer: Consumer | None, time: int, count: int = 1) -> None:
        self.consumer = consumer  # None when it was given back: see `Group.give_back`
        self.given_back = 0  # the place among those that were
        self.time = time  # of the last delivery
        self.count = count  # of deliveries


class PendingEntries:
    """Pending entries by ID, in order."""

    __slots__ = ("blocks", "data")

    def __init__(self) -> None:
        self.data: dict[int, Pending] = {}
        self.blocks: list[list[int]] = []

    def __len__(self) -> int:
        return len(self.data)

    def add(self, number: int, pending: Pending) -> None:
        """Put in an entry that is not there yet."""
        self.data[number] = pending
        blocks = self.blocks
        if not blocks or number > blocks[-1][-1]:
            if not blocks or len(blocks[-1]) >= _PENDING_BLOCK:
                blocks.append([])
            blocks[-1].append(number)
            return
        at = bisect_left(blocks, number, key=_last_of)
        block = blocks[at]
        block.insert(bisect_left(block, number), number)
        if len(block) > 2 * _PENDING_BLOCK:
            blocks.insert(at + 1, block[_PENDING_BLOCK:])
            del block[_PENDING_BLOCK:]

    def remove(self, number: int) -> None:
        """Take out an entry that is there."""
        del self.data[number]
        blocks = self.blocks
        at = bisect_left(blocks, number, key=_last_of)
        block = blocks[at]
        del block[bisect_left(block, number)]
        if not block:
            del blocks[at]

    def since(self, start: int = 0) -> Iterator[int]:
        """The IDs from ``start`` on; what was given already may be removed meanwhile."""
        at = bisect_left(self.blocks, start, key=_last_of)
        for block in self.blocks[at:]:
            yield from block[bisect_left(block, start) :]

    def bounds(self) -> tuple[int, int]:
        """Lowest and highest ID; there must be one."""
        return self.blocks[0][0], self.blocks[-1][-1]


class Consumer:
    """A member of a group."""

    __slots__ = ("active", "name", "pending", "seen")

    def __init__(self, name: bytes, now: int) -> None:
        self.name = name
        self.seen = now  # when it last asked
        self.active = -1  # when it last got something
        self.pending = PendingEntries()


class Group:
    """A consumer group."""

    __slots__ = ("consumers", "given_back", "last_id", "pending", "read")

    def __init__(self, last_id: int, read: int = UNKNOWN) -> None:
        self.last_id = last_id
        self.read = read  # entries read so far, or `UNKNOWN`
        self.pending = PendingEntries()
        self.consumers: dict[bytes, Consumer] = {}
        self.given_back = 0  # how often that has happened

    def deliver(self, number: int, consumer: Consumer, now: int) -> None:
        """An entry goes to a consumer as a new one, whoever had it before."""
        pending = self.pending.data.get(number)
        if pending is None:
            pending = Pending(consumer, now)
            self.pending.add(number, pending)
            consumer.pending.add(number, pending)
            return
        self.hand_over(number, pending, consumer)
        pending.time, pending.count = now, 1

    def claimable(self, number: int, now: int) -> Pending:
        """A pending entry that belongs to nobody yet."""
        pending = Pending(None, now)
        self.pending.add(number, pending)
        return pending

    @staticmethod
    def hand_over(number: int, pending: Pending, consumer: Consumer) -> None:
        """A pending entry gets another owner."""
        if pending.consumer is not consumer:
            if pending.consumer is not None:
                pending.consumer.pending.remove(number)
            pending.consumer = consumer
            consumer.pending.add(number, pending)

    def give_back(self, number: int, pending: Pending) -> None:
        """A pending entry no longer belongs to a consumer: it is the next one to be claimed."""
        if pending.consumer is not None:
            pending.consumer.pending.remove(number)
            pending.consumer = None
        self.given_back += 1
        pending.given_back = self.given_back
        pending.time = 0

    def longest_idle(self, before: int) -> list[tuple[int, Pending]]:
        """What was delivered up to a moment, first what was given back, then the oldest."""
        found = [pair for pair in self.pending.data.items() if pair[1].time <= before]
        return sorted(found, key=lambda pair: (pair[1].time, pair[1].given_back, pair[0]))

    def acknowledge(self, number: int) -> bool:
        """An entry is no longer pending; whether it was."""
        pending = self.pending.data.get(number)
        if pending is None:
            return False
        self.pending.remove(number)
        if pending.consumer is not None:
            pending.consumer.pending.remove(number)
        return True

    def remove_consumer(self, name: bytes) -> int | None:
        """Remove a consumer with its pending entries; how many these were, None without it."""
        consumer = self.consumers.pop(name, None)
        if consumer is None:
            return None
        for number in consumer.pending.data:
            self.pending.remove(number)
        return len(consumer.pending)

    def copy(self) -> Group:
        """An independent copy."""
        copied = Group(self.last_id, self.read)
        for name, consumer in self.consumers.items():
            twin = copied.consumers[name] = Consumer(name, consumer.seen)
            twin.active = consumer.active
        for number in self.pending.since():
            pending = self.pending.data[number]
            again = Pending(None, pending.time, pending.count)
            again.given_back = pending.given_back
            copied.pending.add(number, again)
            if pending.consumer is not None:
                again.consumer = copied.consumers[pending.consumer.name]
                again.consumer.pending.add(number, again)
        copied.given_back = self.given_back
        return copied


# Streams --------------------------------------------------------------------------------------

KEEPREF: Final = "KEEPREF"  # an entry is deleted, groups may still hold it as pending
DELREF: Final = "DELREF"  # it is deleted, and is no longer pending
ACKED: Final = "ACKED"  # it is deleted only if all groups have read and acknowledged it


class Stream:
    """Redis's stream. An empty one stays."""

    __slots__ = (
        "added", "blocks", "groups", "last_id", "length", "lowest_read", "max_deleted", "names",
        "producers",
    )

    type_name = b"stream"

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.length = 0
        self.last_id = 0
        self.max_deleted = 0
        self.added = 0  # entries ever added
        self.groups: dict[bytes, Group] = {}
        # Up to where all groups have read, where that has been asked for; it stays when the group
        # goes that has read the least.
        self.lowest_read: int | None = None
        self.names: dict[bytes, bytes] = {}  # names of fields are kept once
        self.producers: Producers | None = None  # made by the first XADD with IDMP or IDMPAUTO

    def encoding(self, limits: EncodingLimits) -> bytes:
        """What OBJECT ENCODING says."""
        return b"stream"

    def copy(self) -> Stream:
        """An independent copy."""
        copied = Stream()
        for block in self.blocks:
            twin = Block(block.ids[0], block.entries[0])
            for name in Block.__slots__:
                value = getattr(block, name)
                setattr(twin, name, value[:] if type(value) is list else value)
            copied.blocks.append(twin)
        copied.length, copied.last_id = self.length, self.last_id
        copied.max_deleted, copied.added = self.max_deleted, self.added
        copied.groups = {name: group.copy() for name, group in self.groups.items()}
        copied.producers = None if self.producers is None else self.producers.copy()
        return copied

    # Entries ----------------------------------------------------------------------------------

    def append(self, number: int, fields: Fields, limits: EncodingLimits) -> None:
        """Add an entry, whose ID is higher than any before."""
        names = self.names
        if len(fields) == 2:
            name = fields[0]
            fields = (names.get(name) or self._remember(name), fields[1])
        else:
            kept = list(fields)
            kept[::2] = [names.get(name) or self._remember(name) for name in fields[::2]]
            fields = tuple(kept)
        self.length += 1
        self.added = self.added + 1 if self.added != INT_MAX else INT_MIN
        self.last_id = number
        if self.blocks:
            block = self.blocks[-1]
            size = sum(map(len, fields))
            most = limits.stream_node_max_bytes
            if not 0 < most < _NODE_LIMIT:
                most = _NODE_LIMIT
            if block.has_room(size, most, limits.stream_node_max_entries):
                block.ids.append(number)
                block.entries.append(fields)
                block.last = number
                block.bound += size + len(fields) * (4 if size < 4096 else 10) + 32
                return
        self.blocks.append(Block(number, fields))

    def _remember(self, name: bytes) -> bytes:
        if len(self.names) < _KNOWN_NAMES:
            self.names[name] = name
        return name

    @property
    def first_id(self) -> int:
        """The ID of the first entry; 0 when there is none."""
        return self.blocks[0].ids[0] if self.blocks else 0

    @property
    def top_id(self) -> int:
        """The ID of the last entry; 0 when there is none."""
        return self.blocks[-1].ids[-1] if self.blocks else 0

    def _block_of(self, number: int) -> int:
        """The index of the block in which an ID would be; -1 before all."""
        return bisect_right(self.blocks, number, key=_first) - 1

    def _place_of(self, number: int) -> tuple[int, int] | None:
        """Block and place of an entry."""
        at = self._block_of(number)
        if at < 0:
            return None
        ids = self.blocks[at].ids
        place = bisect_left(ids, number)
        return (at, place) if place < len(ids) and ids[place] == number else None

    def get(self, number: int) -> Fields | None:
        """The fields of an entry."""
        place = self._place_of(number)
        return None if place is None else self.blocks[place[0]].entries[place[1]]

    def range(self, start: int, end: int, count: int = -1) -> Found:
        """The entries between two IDs, both included, at most ``count`` (not negative) of them."""
        found: Found = []
        blocks = self.blocks
        at = max(self._block_of(start), 0)
        left = count if count >= 0 else self.length
        while at < len(blocks) and left > 0:
            block = blocks[at]
            ids = block.ids
            if block.first > end:
                break
            low = bisect_left(ids, start) if ids[0] < start else 0
            high = min(low + left, bisect_right(ids, end) if ids[-1] > end else len(ids))
            if low == 0 and high == len(ids):
                found += zip(ids, block.entries, strict=True)
            else:
                found += zip(ids[low:high], block.entries[low:high], strict=True)
            left -= max(high - low, 0)
            at += 1
        return found

    def range_reverse(self, start: int, end: int, count: int = -1) -> Found:
        """Entries of a range from the highest ID down."""
        found: Found = []
        blocks = self.blocks
        at = self._block_of(end)
        left = count if count >= 0 else self.length
        while at >= 0 and left > 0:
            ids, entries = blocks[at].ids, blocks[at].entries
            high = bisect_right(ids, end) if ids[-1] > end else len(ids)
            low = max(bisect_left(ids, start) if ids[0] < start else 0, high - left)
            if low < high:
                found += zip(ids[low:high][::-1], entries[low:high][::-1], strict=True)
            if ids[0] < start:
                break
            left -= max(high - low, 0)
            at -= 1
        return found

    def delete(self, number: int) -> bool:
        """Remove an entry; whether it was there."""
        place = self._place_of(number)
        if place is None:
            return False
        self._kill(*place)
        self.max_deleted = max(self.max_deleted, number)
        return True

    def _kill(self, at: int, place: int) -> None:
        block = self.blocks[at]
        self.length -= 1
        if len(block.ids) == 1:
            del self.blocks[at]
        else:
            block.kill(place)

    def delete_with(self, number: int, strategy: str) -> bool | None:
        """Remove an entry as DELREF, KEEPREF or ACKED say; None when there is none.

        False means that a group still needs it, or would if it were there.
        """
        if strategy == ACKED and self.is_needed(number):
            return False
        if strategy == DELREF:
            self.forget(number)
        return self.delete(number) or None

    # Trimming ---------------------------------------------------------------------------------

    def trim(
        self, length: int | None, lowest: int, approximate: bool, limit: int,
        strategy: str = KEEPREF, nodes: bool = True,
    ) -> int:
        """Remove the oldest entries; how many went.

        Args:
            length: how many entries to keep, or None.
            lowest: without a length, the lowest ID to keep.
            approximate: remove whole nodes only.
            limit: the most to remove, 0 for no limit.
            nodes: with DELREF and ACKED nothing else is approximate than the limit.
        """
        before, at = self.length, 0
        while at < len(self.blocks):
            block = self.blocks[at]
            size = len(block.ids)
            if length is not None and self.length <= length:
                break
            if limit and before - self.length + size > limit:
                break
            whole = self.length - size >= length if length is not None else block.last < lowest
            if whole and strategy == KEEPREF:
                del self.blocks[at]
                self.length -= size
                continue
            if approximate and (strategy == KEEPREF or not nodes):
                break
            if self._trim_block(block, length, lowest, strategy):
                at += 1
            else:
                del self.blocks[at]
            if not whole:
                break
        return before - self.length

    def _trim_block(
        self, block: Block, length: int | None, lowest: int, strategy: str
    ) -> int:
        """Remove the oldest entries of a block as far as may be; how many are left."""
        place = 0
        while place < len(block.ids):
            number = block.ids[place]
            if (self.length <= length) if length is not None else (number >= lowest):
                break
            if strategy == ACKED and self.is_needed(number):
                place += 1
                continue
            if strategy == DELREF:
                self.forget(number)
            block.kill(place)
            self.length -= 1
        return len(block.ids)

    # Groups -----------------------------------------------------------------------------------

    def is_needed(self, number: int) -> bool:
        """Whether a group has not read an entry yet, or not acknowledged it."""
        if any(number in group.pending.data for group in self.groups.values()):
            return True
        if not self.groups:
            return False
        if self.lowest_read is None:
            self.lowest_read = min(group.last_id for group in self.groups.values())
        return number > self.lowest_read

    def add_group(self, name: bytes, group: Group) -> None:
        """A group that is new."""
        self.groups[name] = group
        self.lowest_read = None

    def move_group(self, group: Group, number: int) -> None:
        """A group has read up to an ID, whatever it had read before."""
        lowest = self.lowest_read
        if lowest is not None:
            if group.last_id == lowest:
                self.lowest_read = None
            elif number < lowest:
                self.lowest_read = number
        group.last_id = number

    def forget(self, number: int) -> None:
        """Take an entry out of what the groups hold as pending."""
        for group in self.groups.values():
            group.acknowledge(number)

    def has_gaps(self, start: int) -> bool:
        """Whether entries may have been deleted from an ID on."""
        return bool(self.length and self.max_deleted and start <= self.max_deleted)

    def count_up_to(self, number: int) -> int:
        """How many entries were ever added up to an ID, or `UNKNOWN`."""
        if not self.added:
            return 0
        if not self.length and number <= self.last_id:
            return self.added
        if number and number < self.max_deleted:
            return UNKNOWN
        if number >= self.last_id:
            return self.added if number == self.last_id else UNKNOWN
        first = self.first_id
        if not self.max_deleted or self.max_deleted < first:
            if number < first:
                return signed(self.added - self.length)
            if number == first:
                return signed(self.added - self.length + 1)
        return UNKNOWN

    def _is_exact(self, group: Group) -> bool:
        """Whether a group's count of what it has read can be relied on."""
        last = group.last_id
        return group.read != UNKNOWN and last >= self.first_id and not self.has_gaps(last)

    def advance(
        self, group: Group, number: int, older: bool = False, from_first: bool = False
    ) -> None:
        """A group has read up to an entry.

        Args:
            older: its count is held to be right more often: see `lag`.
            from_first: but not where it was before the first entry, with ``older``.
        """
        known = older and group.read != UNKNOWN and not self.has_gaps(number)
        if from_first and group.last_id < self.first_id:
            known = False
        if known or (not older and self._is_exact(group)):
            group.read = signed(group.read + 1)
        elif self.added:
            group.read = self.count_up_to(number)
        self.move_group(group, number)

    def lag(self, group: Group, older: bool = False) -> int | None:
        """How many entries a group has not read yet; None where that cannot be told.

        Older servers hold a group's count to be right more often.
        """
        if not self.added or not (self.length or older):
            return 0
        if older and group.read != UNKNOWN and not self.has_gaps(group.last_id):
            return signed(self.added - group.read)
        if not older and max(group.last_id, self.max_deleted) < self.first_id:
            return self.length  # all that are left, whatever is known of those before
        if self._is_exact(group):
            return signed(self.added - group.read)
        read = self.count_up_to(group.last_id)
        return None if read == UNKNOWN else signed(self.added - read)

    def _check(self) -> None:
        """Assert what must always hold."""
        ids = [number for block in self.blocks for number in block.ids]
        assert ids == sorted(set(ids))
        assert len(ids) == self.length
        assert all(0 < len(block.ids) == len(block.entries) for block in self.blocks)
        assert all(block.first <= block.ids[0] for block in self.blocks)
        assert all(block.ids[-1] <= block.last <= self.last_id for block in self.blocks)
        for group in self.groups.values():
            pending = group.pending
            assert list(pending.since()) == sorted(pending.data)
            owned = [
                (number, id(one))
                for consumer in group.consumers.values()
                for number, one in consumer.pending.data.items()
            ]
            held = [(number, id(one)) for number, one in pending.data.items() if one.consumer]
            assert sorted(owned) == sorted(held)


__all__: Sequence[str] = (
    "ACKED", "DELREF", "KEEPREF", "MAX_ID", "SEQUENCE", "UNKNOWN", "Block", "Consumer", "Fields",
    "Found", "Group", "Pending", "PendingEntries", "Stream", "format_id", "parse_id",
)
