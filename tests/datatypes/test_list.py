"""The list against a plain list."""

from __future__ import annotations

import pickle
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakeredis.datatypes.limits import EncodingLimits
from fakeredis.datatypes.list import List

ACTIONS = st.sampled_from(
    ("left", "right", "many", "lmany", "lpop", "rpop", "set", "insert", "remove", "trim", "find")
)
STEPS = st.lists(
    st.tuples(ACTIONS, st.integers(-9, 9), st.sampled_from([b"a", b"b", b"c"])), max_size=80
)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 200), STEPS)
def test_like_a_list(size: int, steps: list[tuple[str, int, bytes]]) -> None:
    model = [b"%d" % (number % 7) for number in range(size)]
    value = List(model)
    for action, number, text in steps:
        _step(value, model, action, number, text)
        value._check()
        assert value.values() == list(value) == model
        assert len(value) == len(model)
        assert bool(value) == bool(model)
        inside = -len(model) <= number < len(model)
        assert value.get(number) == (model[number] if inside else None)
        assert value.range(3, 8) == model[3:8]
        assert (text in value) == (text in model)
    assert value.copy() == value == pickle.loads(pickle.dumps(value)) == List(model)


def _step(value: List, model: list[bytes], action: str, number: int, text: bytes) -> None:
    count = abs(number)
    values = [text, b"%d" % count]
    if action == "left":
        value.push_left(text)
        model.insert(0, text)
    elif action == "right":
        value.push_right(text)
        model.append(text)
    elif action == "many":
        value.push_right_many(values * count)
        model += values * count
    elif action == "lmany":
        value.push_left_many(values * count)
        model[:0] = (values * count)[::-1]
    elif action == "lpop":
        assert value.pop_left(count) == model[:count]
        del model[:count]
    elif action == "rpop":
        assert value.pop_right(count) == model[::-1][:count]
        del model[max(0, len(model) - count) :]
    elif action == "trim":
        assert value.trim(count, len(model) - 1) == len(model) - len(model[count:-1])
        model[:] = model[count:-1]
    elif action == "find":
        _find(value, model, number or 1, text)
    else:
        _change(value, model, action, number, text)


def _change(value: List, model: list[bytes], action: str, number: int, text: bytes) -> None:
    if action == "set":
        inside = -len(model) <= number < len(model)
        assert value.set(number, text) == inside
        if inside:
            model[number] = text
    elif action == "insert":
        assert value.insert(text, b"new", number > 0) == (text in model)
        if text in model:
            model.insert(model.index(text) + (number > 0), b"new")
    else:
        places = [at for at, item in enumerate(model) if item == text]
        if number:
            places = places[:number] if number > 0 else places[number:]
        assert value.remove(text, number) == len(places)
        model[:] = [item for at, item in enumerate(model) if at not in places]


def _find(value: List, model: list[bytes], rank: int, text: bytes) -> None:
    for count in (0, 1, 2):
        for maxlen in (0, 1, 10):
            places = list(enumerate(model))
            if rank < 0:
                places.reverse()
            if maxlen:
                places = places[:maxlen]
            matches = [at for at, item in places if item == text][abs(rank) - 1 :]
            expected = matches[:count] if count else matches
            assert value.find(text, rank, count, maxlen) == expected


def test_a_queue_keeps_no_room_for_what_has_gone() -> None:
    value = List(b"%d" % number for number in range(1000))
    for number in range(20000):
        value.push_right(b"x")
        assert len(value.pop_left()) == 1
        if number % 1000 == 0:
            value._check()
            assert value.start <= len(value) + 64
    for _ in range(20000):
        value.push_left(b"x")
        value.pop_right()
    assert len(value) == 1000
    assert value.start <= 2000


@pytest.mark.real
def test_encoding_as_the_server(real: Any) -> None:
    rng = random.Random(2)
    try:
        for limit in (-2, -1, 10):
            real.config_set("list-max-listpack-size", limit)
            limits = EncodingLimits(list_max_listpack_size=limit)
            _compare_encodings(real, rng, limits)
    finally:
        real.config_set("list-max-listpack-size", -2)


def _compare_encodings(real: Any, rng: random.Random, limits: EncodingLimits) -> None:
    for _ in range(6):
        value = List()
        real.delete("l")
        for _ in range(60):
            text = rng.choice((b"1", b"a" * 10, b"a" * 100, b"70000", b"a" * 1000, b"a" * 500))
            if rng.random() < 0.48 and len(value) > 1:
                value.pop_right(1, limits)
                real.rpop("l")
            else:
                value.push_right(text, limits)
                real.rpush("l", text)
            assert value.encoding(limits) == real.object("ENCODING", "l"), value
