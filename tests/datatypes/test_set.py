"""The set against a plain set."""

from __future__ import annotations

import pickle
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakeredis.datatypes.limits import EncodingLimits
from fakeredis.datatypes.set import Set

MEMBERS = st.sampled_from([b"%d" % number for number in range(12)] + [b"a", b"b" * 65, b"01"])
STEPS = st.lists(st.tuples(st.sampled_from(("add", "add", "discard", "pop", "scan")), MEMBERS))


@settings(max_examples=150, deadline=None)
@given(STEPS, st.randoms())
def test_like_a_set(steps: list[tuple[str, bytes]], rng: random.Random) -> None:
    value, model = Set(), set[bytes]()
    for action, member in steps:
        if action == "add":
            assert value.add(member) == (member not in model)
            model.add(member)
        elif action == "discard":
            assert value.discard(member) == (member in model)
            model.discard(member)
        elif action == "pop" and model:
            model.remove(value.pop_random(rng))
        else:
            assert set(value.scan(0, 1)[1]) <= model
        value._check()
        assert value.members == model
        assert len(value) == len(model)
    copied = value.copy()
    assert copied == value == pickle.loads(pickle.dumps(value))
    assert copied.encoding(EncodingLimits()) == value.encoding(EncodingLimits())


def test_add_many() -> None:
    value = Set()
    assert value.add_many([b"1", b"2", b"1"]) == 2
    assert value.encoding(EncodingLimits()) == b"intset"
    assert value.add_many([b"2", b"x", b"y"]) == 2
    assert value.add_many([b"z", b"x"]) == 1
    assert value.encoding(EncodingLimits()) == b"listpack"
    assert value & {b"1", b"q"} == {b"1"}


@pytest.mark.parametrize("size", [1, 5, 300])
def test_random_members(size: int) -> None:
    rng = random.Random(1)
    value = Set(b"%d" % number for number in range(size))
    for count in (1, 2, size, size + 1):
        found = value.random_members(count, rng)
        assert len(set(found)) == len(found) == min(count, size)
    assert len(value.random_members(-50, rng)) == 50
    assert value.random_members(0, rng) == []
    assert value.random(rng) in value


@pytest.mark.real
def test_encoding_as_the_server(real: Any) -> None:
    limits = EncodingLimits(set_max_intset_entries=16, set_max_listpack_entries=8)
    real.config_set("set-max-intset-entries", 16)
    real.config_set("set-max-listpack-entries", 8)
    rng = random.Random(2)
    try:
        for _ in range(80):
            value = Set()
            real.delete("s")
            odd = rng.choice((0.0, 0.1, 0.5))
            for _ in range(rng.randrange(1, 50)):
                member = b"%d" % rng.randrange(rng.choice((6, 24)))
                if rng.random() < odd:
                    member = b"x" * rng.choice((1, 2, 3, 64, rng.choice((4, 5, 65))))
                if rng.random() < 0.4 and len(value) > 1:
                    value.discard(member)
                    real.srem("s", member)
                else:
                    value.add(member, limits)
                    real.sadd("s", member)
                assert value.encoding(limits) == real.object("ENCODING", "s"), sorted(value)
    finally:
        real.config_set("set-max-intset-entries", 512)
        real.config_set("set-max-listpack-entries", 128)
