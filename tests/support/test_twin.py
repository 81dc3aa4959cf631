"""The twin itself: it must see every kind of difference, or all that rests on it proves nothing."""

from __future__ import annotations

import math

import pytest

from fakeredis.engine.core.replies import Status
from fakeredis.errors import CommandError
from tests.support.twin import Mismatch, Twin, close, in_order, same, same_items, shape
from tests.support.wire import Set


@pytest.mark.parametrize(
    ("fake", "real"),
    [
        (b"OK", Status(b"OK")),
        (Status(b"OK"), b"OK"),
        (1, b"1"),
        (1, True),
        (1, 1.0),
        (None, b""),
        ([], None),
        ([b"a", b"b"], [b"b", b"a"]),
        ([b"a", 1], {b"a": 1}),
        ({b"a": 1}, {b"a": b"1"}),
        ([b"a"], Set([b"b"])),
        (b"ERR x", CommandError("ERR x")),
        (CommandError("ERR x"), CommandError("ERR x.")),
    ],
)
def test_different(fake: object, real: object) -> None:
    assert not same(fake, real)


@pytest.mark.parametrize(
    ("fake", "real"),
    [
        ([b"a", b"b"], Set([b"a", b"b"])),
        ({b"a": 1, b"b": 2}, {b"b": 2, b"a": 1}),
        (math.nan, math.nan),
        ([CommandError("ERR x")], [CommandError("ERR x")]),
    ],
)
def test_same(fake: object, real: object) -> None:
    assert same(fake, real)


def test_order() -> None:
    """Sets have an order too, since the server gives them one."""
    assert not same([b"a", b"b"], Set([b"b", b"a"]))
    assert same_items([b"a", b"b"], Set([b"b", b"a"]))
    assert not same_items([b"a", b"b"], Set([b"b"]))


def test_close_does_not_mix_up_times_and_signs() -> None:
    assert close([b"100", 5], [b"101", 5], 2)
    assert not close(100, 103, 2)
    assert not close(-1, 0, 10)
    assert not close(-2, -1, 10)


def test_in_order_and_shape() -> None:
    assert in_order([b"b", [2, 1]]) == in_order([[1, 2], b"b"])
    assert shape([b"a", {b"k": 1}]) == shape([b"xyz", {b"k": 7}])
    assert shape([b"a"]) != shape([b"a", b"b"])


def test_agreement(twin: Twin) -> None:
    twin("SET", "k", 1)
    assert twin("GET", "k") == b"1"
    assert str(twin("GET")) == "ERR wrong number of arguments for 'get' command"


def test_difference_shows_commands_and_replies(twin: Twin) -> None:
    twin("SET", "k", "v")
    twin.fake.execute([b"SET", b"k", b"w"])
    with pytest.raises(Mismatch, match=r"(?s)SET k v.*GET k.*fake: b'w'.*real: b'v'"):
        twin("GET", "k")
    twin.ignore_state()


def test_difference_of_states(twin: Twin) -> None:
    twin("SET", "k", "v")
    twin.check_state()
    twin.fake.execute([b"PEXPIRE", b"k", b"100000"])
    with pytest.raises(Mismatch, match="PEXPIRETIME k"):
        twin.check_state()
    twin.fake.execute([b"SET", b"other", b"1"])
    with pytest.raises(Mismatch, match="keys of database 0"):
        twin.check_state()
    twin.ignore_state()
