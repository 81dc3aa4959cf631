"""The nearest vectors, with numpy and without: the same ones, at the same distances."""

from __future__ import annotations

import math
import random
from array import array
from collections.abc import Iterator
from typing import Any

import pytest

from fakeredis.datatypes.search import timing, vectors
from fakeredis.datatypes.search.schema import Vectors
from fakeredis.datatypes.search.timing import Deadline, TimedOut
from fakeredis.datatypes.search.vectors import Space


@pytest.fixture(params=["numpy", "python"])
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if request.param == "numpy":
        pytest.importorskip("numpy")
    else:
        monkeypatch.setenv("FAKEREDIS_WITHOUT_NUMPY", "1")
    vectors._numpy.cache_clear()
    yield
    vectors._numpy.cache_clear()


def made(chosen: random.Random, kind: str, size: int) -> array[float]:
    code = "d" if kind == "FLOAT64" else "f"
    return array(code, [chosen.gauss(0, 1) * chosen.choice([0.01, 1, 30]) for _ in range(size)])


def expected(space: Space, known: dict[int, list[Any]], wanted: Any) -> list[tuple[float, int]]:
    """All distances, one by one."""
    if space.form.metric == "COSINE":
        known = {
            number: [vectors._unit(each) for each in several] for number, several in known.items()
        }
        wanted = vectors._unit(wanted)
    measure = space._measure(wanted)
    return sorted((min(map(measure, several)), number) for number, several in known.items())


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("kind", ["FLOAT32", "FLOAT64"])
@pytest.mark.parametrize("metric", ["L2", "IP", "COSINE"])
@pytest.mark.parametrize("most", [1, 3])
def test_nearest(kind: str, metric: str, most: int) -> None:
    chosen = random.Random(most)
    space = Space(Vectors("FLAT", kind, 7, metric))
    known: dict[int, list[Any]] = {}
    for number in range(1, 400):
        if known and chosen.random() < 0.3:
            gone = chosen.choice(list(known))
            space.remove(gone)
            del known[gone]
        several = [made(chosen, kind, 7) for _ in range(chosen.randint(1, most))]
        if chosen.random() < 0.1 and known:
            several = chosen.choice(list(known.values()))  # at the same distance
        space.add(number, several)
        known[number] = several
    for count in (0, 1, 10, 150, 1000):
        wanted = made(chosen, kind, 7)
        everything = expected(space, known, wanted)
        assert space.nearest(wanted, count, None) == everything[:count]
        among = set(chosen.sample(range(400), 200))
        few = [each for each in everything if each[1] in among]
        assert space.nearest(wanted, count, among) == few[:count]
        radius = everything[len(everything) // 3][0]
        found = {number: distance for distance, number in everything if distance <= radius}
        assert space.within(wanted, radius) == found


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("metric", ["L2", "IP", "COSINE"])
def test_numbers_without_end(metric: str) -> None:
    """Infinite numbers, none at all, and vectors without length do no harm to the others."""
    space = Space(Vectors("FLAT", "FLOAT32", 2, metric))
    odd = [(math.inf, 1), (math.nan, 0), (0, 0), (3e38, 3e38)]
    for number, pair in enumerate([*odd, *((n, 1) for n in range(50))], 1):
        space.add(number, [array("f", pair)])
    found = space.nearest(array("f", [5, 1]), 60, None)
    assert len(found) == 54
    assert space.nearest(array("f", [5, 1]), 3, {10, 20, 30})
    space.within(array("f", [5, 1]), 0.5)


@pytest.mark.usefixtures("library")
def test_an_array_that_was_seen_grows() -> None:
    space = Space(Vectors("FLAT", "FLOAT32", 2, "L2"))
    for number in range(1, 100):
        space.add(number, [array("f", [number, 0])])
        assert space.nearest(array("f", [0, 0]), 1, None) == [(1.0, 1)]


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("kind", ["FLOAT32", "FLOAT64"])
@pytest.mark.parametrize("metric", ["L2", "IP"])
def test_a_query_for_all_ends_in_time(
    kind: str, metric: str, monkeypatch: pytest.MonkeyPatch,
) -> None:
    space = Space(Vectors("FLAT", kind, 1024, metric))
    vector = array("d" if kind == "FLOAT64" else "f", [0.5] * 1024)
    for number in range(1, 2000):
        space.add(number, [vector])
    ticks = iter(range(1000))
    monkeypatch.setattr(timing.time, "thread_time", lambda: next(ticks) / 1000)
    with pytest.raises(TimedOut):
        space.nearest(vector, 2000, None, Deadline(2))
    with pytest.raises(TimedOut):
        space.within(vector, 1000.0, Deadline(2))
    assert len(space.nearest(vector, 2000, None, Deadline(0))) == 1999
