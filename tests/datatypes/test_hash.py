"""The hash against a plain dict."""

from __future__ import annotations

import pickle
import random
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakeredis.datatypes.hash import Hash
from fakeredis.datatypes.limits import EncodingLimits

FIELDS = st.sampled_from([b"f%d" % number for number in range(20)])
VALUES = st.sampled_from([b"", b"1", b"v" * 64, b"v" * 65])
STEPS = st.lists(st.tuples(st.sampled_from(("set", "set", "delete")), FIELDS, VALUES), max_size=60)


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_like_a_dict(steps: list[tuple[str, bytes, bytes]]) -> None:
    value, model = Hash(), dict[bytes, bytes]()
    for action, field, text in steps:
        if action == "set":
            assert value.set(field, text) == (field not in model)
            model[field] = text
        else:
            assert value.delete(field) == (model.pop(field, None) is not None)
        value._check()
        assert len(value) == len(model)
        assert bool(value) == bool(model)
        assert value.get(field) == model.get(field)
        assert (field in value) == (field in model)
    assert value.as_dict() == model
    assert value.items() == list(model.items())
    assert value.fields() == list(value) == list(model)
    assert value.values() == list(model.values())
    assert value.flat() == [text for pair in model.items() for text in pair]
    assert value.copy() == value == pickle.loads(pickle.dumps(value))
    assert Hash(model.items()) == value


@given(st.lists(st.tuples(FIELDS, VALUES)), st.lists(st.tuples(FIELDS, VALUES)))
def test_update(first: list[tuple[bytes, bytes]], then: list[tuple[bytes, bytes]]) -> None:
    value = Hash()
    assert value.update(first) == len(dict(first))
    assert value.update(then) == len({**dict(first), **dict(then)}) - len(dict(first))
    assert value.as_dict() == {**dict(first), **dict(then)}
    value._check()


def test_copies_are_independent() -> None:
    for size in (3, 30):
        value = Hash((b"%d" % number, b"x") for number in range(size))
        value.expire_at(b"1", 5)
        copied = value.copy()
        copied.set(b"1", b"y")
        copied.set(b"new", b"y")
        assert value.get(b"1") == b"x"
        assert value.deadline(b"1") == 5
        assert copied.deadline(b"1") is None
        assert len(value) == size


def test_deadlines() -> None:
    value = Hash([(b"a", b"1"), (b"b", b"2"), (b"c", b"3")])
    assert value.expires is None
    assert value.next_expiry is None
    assert value.deadline(b"a") is None
    assert not value.persist(b"a")
    for field, deadline in ((b"a", 20), (b"b", 10), (b"c", 30)):
        value.expire_at(field, deadline)
    assert value.next_expiry == 10
    assert value.pop_expired(9) == []
    assert value.pop_expired(10) == [b"b"]
    assert value.next_expiry == 20
    value.set(b"a", b"x", keep_expiry=True)
    assert value.deadline(b"a") == 20
    value.set(b"a", b"y")
    assert value.deadline(b"a") is None
    assert value.persist(b"c")
    assert not value.persist(b"c")
    assert value.next_expiry is None
    assert value.pop_expired(1000) == []
    value._check()
    assert value.as_dict() == {b"a": b"y", b"c": b"3"}


@pytest.mark.parametrize("size", [1, 5, 100])
def test_random_and_scan(size: int) -> None:
    rng = random.Random(1)
    value = Hash((b"%d" % number, b"x") for number in range(size))
    assert value.random(rng) in value
    for count in (1, 2, size, size + 1):
        found = value.random_fields(count, rng)
        assert len(set(found)) == len(found) == min(count, size)
    assert len(value.random_fields(-50, rng)) == 50
    assert value.random_fields(0, rng) == []
    seen: dict[bytes, bytes] = {}
    cursor, found_pairs = value.scan(0, 7)
    seen.update(found_pairs)
    while cursor:
        cursor, found_pairs = value.scan(cursor, 7)
        seen.update(found_pairs)
    assert seen == value.as_dict()


@pytest.mark.real
def test_encoding_as_the_server(real: Any) -> None:
    real.config_set("hash-max-listpack-entries", 12)
    limits = EncodingLimits(hash_max_listpack_entries=12)
    rng = random.Random(2)
    try:
        for _ in range(60):
            value = Hash()
            real.delete("h")
            for _ in range(rng.randrange(1, 30)):
                field = b"%d" % rng.randrange(rng.choice((5, 20)))
                field *= rng.choice((1, 1, 1, 1, 1, 1, 64))
                text = b"x" * rng.choice((1, 1, 1, 1, 1, 64, rng.choice((1, 65))))
                action = rng.randrange(12)
                if action < 3 and len(value) > 1:
                    value.delete(field)
                    real.hdel("h", field)
                elif action == 3 and field in value and rng.random() < 0.2:
                    value.expire_at(field, 10**13)
                    real.execute_command("HPEXPIREAT", "h", 10**13, "FIELDS", 1, field)
                else:
                    value.set(field, text)
                    real.hset("h", field, text)
                if not value:
                    break
                assert value.encoding(limits) == real.object("ENCODING", "h")
    finally:
        real.config_set("hash-max-listpack-entries", 512)


def test_small_hashes_take_little_memory() -> None:
    count = 5000
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        database = {}
        for number in range(count):
            value = Hash()
            value.update([(field, b"v%07d" % number) for field in (b"name", b"age", b"city")])
            database[b"key:%06d" % number] = value
        used = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert used / count < 380
