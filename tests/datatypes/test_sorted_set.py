"""The sorted set against a sorted list of pairs."""

from __future__ import annotations

import pickle
import random
import tracemalloc
from math import inf
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakeredis.datatypes import sorted_set
from fakeredis.datatypes.limits import EncodingLimits
from fakeredis.datatypes.sorted_set import SortedSet

MEMBERS = st.sampled_from([b"m%d" % number for number in range(60)])
SCORES = st.sampled_from([-inf, -1.5, -0.0, 0.0, 1.0, 2.0, 3.0, 1e300, inf])
ACTIONS = st.sampled_from(("set", "set", "set", "set", "discard", "min", "max", "cut"))
STEPS = st.lists(st.tuples(ACTIONS, MEMBERS, SCORES, st.integers(0, 5)), max_size=120)


def ordered(model: dict[bytes, float]) -> list[tuple[bytes, float]]:
    return sorted(model.items(), key=lambda pair: (pair[1], pair[0]))


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_like_a_sorted_list(steps: list[tuple[str, bytes, float, int]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sorted_set, "_BLOCK", 6)
        patch.setattr(sorted_set, "_NOTED", 3)
        _run(steps)


def _run(steps: list[tuple[str, bytes, float, int]]) -> None:
    value, model = SortedSet(), dict[bytes, float]()
    for action, member, score, number in steps:
        expected = ordered(model)
        if action == "set":
            assert value.set(member, score) == (member not in model)
            model[member] = score
        elif action == "discard":
            assert value.discard(member) == (model.pop(member, None) is not None)
        else:
            size = len(model)
            if action == "min":
                gone = value.pop_min(number)
                assert gone == expected[:number]
            elif action == "max":
                gone = value.pop_max(number)
                assert gone == expected[::-1][:number]
            else:
                gone = value.remove_by_rank(size // 2, size // 2 + 3 * number)
                assert gone == expected[size // 2 : size // 2 + 3 * number]
            for name, _ in gone:
                del model[name]
        value._check()
        _compare(value, model, member, score)
    assert value.copy() == value == pickle.loads(pickle.dumps(value)) == SortedSet(model.items())


def _compare(value: SortedSet, model: dict[bytes, float], member: bytes, score: float) -> None:
    pairs = ordered(model)
    names = [name for name, _ in pairs]
    assert value.items() == pairs
    assert list(value) == value.members() == names
    assert len(value) == len(model)
    assert value.score(member) == model.get(member)
    assert (member in value) == (member in model)
    if member in model:
        assert value.rank(member) == names.index(member)
        assert value.rank(member, reverse=True) == names[::-1].index(member)
    else:
        assert value.rank(member) is None
    assert value.by_rank(2, 7) == pairs[2:7]
    assert value.by_rank(2, 7, reverse=True) == pairs[::-1][2:7]
    assert value.rank_of_score(score) == sum(other < score for other in model.values())
    assert value.rank_of_score(score, after=True) == sum(other <= score for other in model.values())


@settings(max_examples=50, deadline=None)
@given(st.sets(st.binary(max_size=3), max_size=60), st.binary(max_size=3))
def test_order_of_members(members: set[bytes], bound: bytes) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sorted_set, "_BLOCK", 6)
        value = SortedSet((member, 1.0) for member in members)
        for after in (False, True):
            below = sum(member < bound or (after and member == bound) for member in members)
            assert value.rank_of_member(bound, after) == below


def test_negative_zero_is_zero_while_small() -> None:
    value = SortedSet()
    value.set(b"a", -0.0)
    assert str(value.score(b"a")) == "0.0"


@pytest.mark.parametrize("size", [1, 5, 300])
def test_random_and_scan(size: int) -> None:
    rng = random.Random(1)
    value = SortedSet((b"%d" % number, float(number)) for number in range(size))
    assert value.random(rng) in value
    for count in (1, 2, size, size + 1):
        found = value.random_members(count, rng)
        assert len(set(found)) == len(found) == min(count, size)
    assert len(value.random_members(-50, rng)) == 50
    cursor, pairs = value.scan(0, 7)
    seen = dict(pairs)
    while cursor:
        cursor, pairs = value.scan(cursor, 7)
        seen.update(pairs)
    assert seen == value.as_dict()


@pytest.mark.real
def test_encoding_as_the_server(real: Any) -> None:
    limits = EncodingLimits(zset_max_listpack_entries=20)
    real.config_set("zset-max-listpack-entries", 20)
    rng = random.Random(2)
    try:
        for _ in range(60):
            value = SortedSet()
            real.delete("z")
            for _ in range(rng.randrange(1, 60)):
                member = b"%d" % rng.randrange(rng.choice((6, 50)))
                member = rng.choice((member,) * 20 + (b"x" * 64, b"x" * 65))
                if rng.random() < 0.4 and len(value) > 1:
                    value.discard(member)
                    real.zrem("z", member)
                else:
                    value.set(member, 1.0)
                    real.zadd("z", {member: 1})
                assert value.encoding(limits) == real.object("ENCODING", "z")
    finally:
        real.config_set("zset-max-listpack-entries", 128)


def test_small_sorted_sets_take_little_memory() -> None:
    count = 5000
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        database = {}
        for number in range(count):
            value = SortedSet()
            for place in range(3):
                value.set(b"m%d%06d" % (place, number), float(place + number))
            database[b"key:%06d" % number] = value
        used = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert used / count < 500
