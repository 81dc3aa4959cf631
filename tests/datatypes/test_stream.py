"""The stream by itself: its structure, and what its operations cost."""

from __future__ import annotations

import pickle
import random

import pytest

from fakeredis.datatypes.limits import EncodingLimits
from fakeredis.datatypes.stream import (
    ACKED,
    DELREF,
    KEEPREF,
    MAX_ID,
    Consumer,
    Group,
    Stream,
    format_id,
    parse_id,
)

LIMITS = EncodingLimits(stream_node_max_entries=7)


def filled(size: int, limits: EncodingLimits = LIMITS) -> Stream:
    stream = Stream()
    for number in range(1, size + 1):
        stream.append(number << 64, (b"name", b"%d" % number), limits)
    return stream


@pytest.mark.parametrize(("raw", "text"), [
    (b"1-2", b"1-2"), (b"5", b"5-0"), (b"01-002", b"1-2"), (b"+1", b"1-0"),
    (b"18446744073709551615-18446744073709551615", b"18446744073709551615-18446744073709551615"),
])
def test_ids(raw: bytes, text: bytes) -> None:
    number = parse_id(raw)
    assert number is not None
    assert format_id(number) == text


@pytest.mark.parametrize("raw", [b"", b"-", b"1-", b"-1", b"x", b"1-x", b"18446744073709551616"])
def test_what_is_no_id(raw: bytes) -> None:
    assert parse_id(raw) is None


@pytest.mark.parametrize("seed", range(5))
def test_random_steps(seed: int) -> None:
    """Entries against a dict, pending ones against their owners."""
    rng = random.Random(seed)
    stream, known = Stream(), {}
    for _ in range(600):
        step = rng.random()
        low, high = sorted(rng.randrange(stream.last_id + 2) for _ in range(2))
        if step < 0.5:
            number = stream.last_id + rng.randrange(1, 4)
            known[number] = (b"f", b"x" * rng.randrange(90))
            stream.append(number, known[number], LIMITS)
        elif step < 0.7:
            assert stream.delete(low) == (known.pop(low, None) is not None)
        elif step < 0.8:
            size = rng.randrange(stream.length + 1)
            if rng.random() < 0.9:
                size = max(size, stream.length - 5)
            stream.trim(size, 0, False, 0, rng.choice([KEEPREF, DELREF, ACKED]))
            known = dict(sorted(known.items())[-size:] if size else [])
        count = rng.choice([-1, 0, 1, 5])
        wanted = sorted(item for item in known.items() if low <= item[0] <= high)
        assert stream.range(low, high, count) == (wanted if count < 0 else wanted[:count])
        wanted.reverse()
        assert stream.range_reverse(low, high, count) == (wanted if count < 0 else wanted[:count])
        assert stream.get(low) == known.get(low)
        stream._check()


def test_pending_entries_keep_their_order() -> None:
    rng = random.Random(3)
    stream, group = filled(3000), Group(0)
    stream.groups[b"g"] = group
    consumers = [Consumer(b"%d" % number, 0) for number in range(3)]
    group.consumers = {consumer.name: consumer for consumer in consumers}
    numbers = [number for number, _ in stream.range(0, MAX_ID)]
    rng.shuffle(numbers)
    for number in numbers:
        group.deliver(number, rng.choice(consumers), 0)
    for number in numbers[::2]:
        assert group.acknowledge(number)
        assert not group.acknowledge(number)
    for number in numbers[1::4]:
        group.deliver(number, consumers[0], 1)
    stream._check()
    assert list(group.pending.since(1500 << 64)) == sorted(
        number for number in numbers[1::2] if number >= 1500 << 64
    )
    assert group.remove_consumer(b"0")
    assert group.remove_consumer(b"0") is None
    stream._check()


@pytest.mark.parametrize("duplicate", [Stream.copy, lambda one: pickle.loads(pickle.dumps(one))])
def test_copies_are_independent(duplicate: object) -> None:
    stream = filled(30)
    group = stream.groups[b"g"] = Group(0)
    consumer = group.consumers[b"c"] = Consumer(b"c", 5)
    group.deliver(3 << 64, consumer, 7)
    copied = duplicate(stream)  # type: ignore[operator]
    copied._check()
    assert copied.range(0, MAX_ID) == stream.range(0, MAX_ID)
    copied.delete(1 << 64)
    copied.forget(3 << 64)
    assert stream.length == 30
    assert len(group.pending) == len(consumer.pending) == 1
    assert not copied.groups[b"g"].consumers[b"c"].pending


def test_whole_nodes_are_trimmed() -> None:
    stream = filled(30)
    assert stream.trim(10, 0, True, 0) == 14
    assert stream.trim(None, 27 << 64, True, 6) == 0
    assert stream.trim(None, 30 << 64, True, 100) == 14
    assert stream.trim(0, 0, False, 0) == 2
    assert not stream.blocks


def test_a_million_entries_cost_little_each() -> None:
    """What a step looks at is bounded: blocks stay small, and are found by bisection."""
    stream = filled(20_000, EncodingLimits())
    assert max(len(block.ids) for block in stream.blocks) == 100
    assert len(stream.names) == 1
    names = {id(entry[0]) for block in stream.blocks for entry in block.entries}
    assert len(names) == 1
