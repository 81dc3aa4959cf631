"""The HyperLogLog by itself; its bytes are held against the real server's in tests/commands."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from fakeredis.datatypes.hyperloglog import (
    REGISTERS,
    Corrupted,
    HyperLogLog,
    estimate_of,
    is_valid,
    merged,
)


@pytest.mark.parametrize("size", [0, 1, 50, 1000, 20_000])
def test_estimates_are_near(size: int) -> None:
    value = HyperLogLog()
    for number in range(size):
        value.add(b"%d" % number, 3000)
    assert abs(value.count() - size) <= size * 0.03
    assert estimate_of(Counter(value.registers())) == value.count()
    again = HyperLogLog(value.to_bytes())
    assert is_valid(value.to_bytes())
    assert again.registers() == value.registers()
    assert (value.dense is not None) == (size > 1000)


@pytest.mark.parametrize("most_bytes", [0, 3000, 20_000])
def test_registers_are_what_was_set(most_bytes: int) -> None:
    rng = random.Random(most_bytes)
    value, known = HyperLogLog(), bytearray(REGISTERS)
    for _ in range(1500):
        index = rng.choice([rng.randrange(REGISTERS), rng.randrange(40)])
        number = rng.randrange(1, 33)
        assert value.raise_to(index, number, most_bytes) == (number > known[index])
        known[index] = max(known[index], number)
    assert value.registers() == known
    value.make_dense()
    assert value.registers() == known
    assert not value.make_dense()
    value.raise_to(0, 51, most_bytes)
    assert value.registers()[0] == 51


def test_values_that_only_dense_ones_hold() -> None:
    value = HyperLogLog()
    assert value.raise_to(16383, 33, 3000)
    assert value.dense is not None
    assert value.registers()[-1] == 33


def test_merging_takes_the_highest() -> None:
    first, second = HyperLogLog(), HyperLogLog()
    first.raise_to(1, 5, 3000)
    second.raise_to(1, 3, 3000)
    second.raise_to(2, 4, 3000)
    registers = merged([first.registers(), second.registers()])
    assert registers[:4] == bytes((0, 5, 4, 0))
    first.replace(registers)
    assert first.registers() == registers


def test_estimates_are_kept() -> None:
    value = HyperLogLog()
    assert value.cached == 0
    value.spoil()
    assert value.cached is None
    value.keep(77)
    assert HyperLogLog(value.to_bytes()).cached == 77


def test_corrupted_ones() -> None:
    value = HyperLogLog(b"HYLL\1" + bytes(11) + b"\x7f\xfe")
    with pytest.raises(Corrupted):
        value.registers()
    with pytest.raises(Corrupted):
        value.raise_to(16383, 1, 3000)
    assert not is_valid(b"HYLL\0" + bytes(11))
