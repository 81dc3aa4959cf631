"""What operations cost, counted and not timed."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from fakeredis.datatypes.hash import Hash
from fakeredis.datatypes.list import List
from fakeredis.datatypes.numbers import parse_int
from fakeredis.datatypes.set import Set
from fakeredis.datatypes.sorted_set import SortedSet


class Score(float):
    """A score that counts how often it is compared."""

    compared = 0

    def __lt__(self, other: float) -> bool:
        Score.compared += 1
        return float.__lt__(self, other)

    def __gt__(self, other: float) -> bool:
        Score.compared += 1
        return float.__gt__(self, other)

    def __eq__(self, other: object) -> bool:
        Score.compared += 1
        return float.__eq__(self, other)

    __hash__ = float.__hash__


def calls(function: Callable[[], Any]) -> int:
    """Python functions entered by a call, itself left out."""
    entered = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal entered
        entered += event == "call"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        function()
    finally:
        sys.setprofile(before)
    return entered - 1


def test_comparisons_in_a_big_sorted_set() -> None:
    rng = random.Random(1)
    value = SortedSet((b"%d" % number, rng.random()) for number in range(50000))
    for action in (
        lambda score: value.set(b"new", score),
        lambda score: value.rank_of_score(score),
        lambda score: value.rank(b"new"),
        lambda score: value.by_rank(25000, 25010),
        lambda score: value.discard(b"new"),
    ):
        Score.compared = 0
        action(Score(0.5))
        assert Score.compared <= 60


def test_calls_of_plain_operations() -> None:
    small = Hash([(b"a", b"1")])
    big = Hash((b"%d" % number, b"x") for number in range(100))
    members, items = Set([b"x"]), List([b"x"])
    pairs = SortedSet([(b"a", 1.0)])
    for ceiling, function in (
        (1, lambda: small.get(b"a")),
        (1, lambda: small.set(b"a", b"2")),
        (1, lambda: big.get(b"5")),
        (2, lambda: big.set(b"5", b"y")),
        (1, lambda: members.add(b"y")),
        (1, lambda: items.push_right(b"y")),
        (1, lambda: items.push_left(b"y")),
        (1, lambda: items.pop_left()),
        (1, lambda: items.get(0)),
        (1, lambda: pairs.score(b"a")),
        (2, lambda: pairs.set(b"b", 2.0)),
        (1, lambda: parse_int(b"123")),
    ):
        assert calls(function) <= ceiling
