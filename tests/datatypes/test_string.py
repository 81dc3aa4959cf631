"""The string that remembers its bits."""

from __future__ import annotations

import random

from fakeredis.datatypes.string import BLOCK, MutableString


def bits(value: bytes | bytearray) -> int:
    return int.from_bytes(value, "big").bit_count()


def count_all(value: MutableString, seen: list[int]) -> int:
    def count(start: int, stop: int) -> int:
        seen.append(start)
        return bits(value[start:stop])

    blocks = len(value) // BLOCK
    return value.count_blocks(0, blocks, count) + bits(value[blocks * BLOCK :])


def test_only_changed_blocks_are_counted_again() -> None:
    value = MutableString(random.Random(1).randbytes(5 * BLOCK + 17))
    seen: list[int] = []
    assert count_all(value, seen) == bits(value)
    assert len(seen) == 5
    seen.clear()
    value[BLOCK - 1 : BLOCK + 1] = b"\xff\xff"
    value.changed(BLOCK - 1, BLOCK + 1)
    assert count_all(value, seen) == bits(value)
    assert seen == [0, BLOCK]
    seen.clear()
    value += random.Random(2).randbytes(2 * BLOCK)
    assert count_all(value, seen) == bits(value)
    assert seen == [5 * BLOCK, 6 * BLOCK]


def test_a_part_counted_first_does_not_stand_for_the_whole() -> None:
    value = MutableString(b"\x01" * (6 * BLOCK))
    assert value.count_blocks(4, 6, lambda start, stop: bits(value[start:stop])) == 2 * BLOCK
    assert count_all(value, []) == 6 * BLOCK
    assert value.count_blocks(0, 2, lambda start, stop: 0) == 2 * BLOCK
