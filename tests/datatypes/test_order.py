"""Scan and random order."""

from __future__ import annotations

import random
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from fakeredis.datatypes.order import Order

STEPS = st.lists(
    st.tuples(st.sampled_from(("add", "remove", "scan", "pop", "random")), st.integers(0, 150)),
    max_size=300,
)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 120), st.integers(1, 40), STEPS, st.booleans(), st.randoms())
def test_a_scan_returns_all_that_stays(
    size: int, count: int, steps: list[tuple[str, int]], as_set: bool, rng: random.Random
) -> None:
    elements = [b"%d" % number for number in range(size)]
    container = set(elements) if as_set else dict.fromkeys(elements)
    order = Order()
    cursor = 0
    stays: set[bytes] = set()
    seen: set[bytes] = set()

    def scan() -> None:
        nonlocal cursor
        if cursor == 0:
            stays.clear()
            stays.update(container)
            seen.clear()
        cursor, found = order.scan(container, cursor, count)
        assert len(found) == len(set(found)) <= max(count, len(container))
        assert set(found) <= set(container)
        seen.update(found)
        if cursor == 0:
            assert stays <= seen

    for action, number in [("scan", 0), *steps]:
        element = b"%d" % number
        if action == "scan":
            scan()
        elif action == "add" and element not in container:
            if isinstance(container, set):
                container.add(element)
            else:
                container[element] = None
            order.add(element)
        elif action == "random" and container:
            assert order.random(container, rng) in container
        elif action in ("remove", "pop") and container:
            if action == "pop":
                element = order.pop_random(container, rng)
            if isinstance(container, set):
                container.discard(element)
            else:
                container.pop(element, None)
            stays.discard(element)
        order._check(container)
    for _ in range(500):
        if cursor == 0:
            break
        scan()
    assert cursor == 0


def test_nothing_is_kept_until_it_is_needed() -> None:
    order = Order()
    members = {b"a", b"b"}
    order.add(b"b")
    assert order.items is None
    assert order.scan(members, 0, 10) == (0, list(members))
    assert order.items is None


def test_any_cursor_ends() -> None:
    members = {b"%d" % number for number in range(100)}
    for cursor in (1, 99, 100, 101, 2**63, 2**64 - 1):
        order = Order()
        at = cursor
        for _ in range(20):
            at, _found = order.scan(members, at, 10)
            if at == 0:
                break
        assert at == 0


def test_choice_is_fair_after_changes() -> None:
    rng = random.Random(3)
    order = Order()
    members = {b"%d" % number for number in range(10)}
    order.random(members, rng)
    for _ in range(50):
        members.discard(b"3")
        members.add(b"3")
        order.add(b"3")
    drawn = Counter(order.random(members, rng) for _ in range(5000))
    assert set(drawn) == members
    assert max(drawn.values()) < 650


def test_sample() -> None:
    rng = random.Random(4)
    order = Order()
    members = dict.fromkeys(b"%d" % number for number in range(100))
    for count in (0, 1, 10, 49, 50, 100, 1000):
        found = order.sample(members, count, rng)
        assert len(found) == len(set(found)) == min(count, 100)
        assert set(found) <= set(members)


def test_the_list_stays_in_proportion() -> None:
    rng = random.Random(5)
    order = Order()
    members: set[bytes] = {b"%d" % number for number in range(1000)}
    order.scan(members, 0, 1)
    for number in range(1000, 20000):
        members.discard(b"%d" % (number - 1000))
        members.add(b"%d" % number)
        order.add(b"%d" % number)
        if number % 100 == 0:
            order.scan(members, 0, 1)
            assert order.items is not None
            assert len(order.items) <= 2 * len(members) + 64
    assert order.random(members, rng) in members
