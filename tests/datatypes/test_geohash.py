"""Geohashes by themselves; the real server's places and distances are in tests/commands."""

from __future__ import annotations

import random

import pytest

from fakeredis.datatypes.geohash import Area, decode, distance, encode, ranges, text_of

PALERMO, CATANIA = (13.361389, 38.115556), (15.087269, 37.502669)


def test_known_places() -> None:
    assert encode(*PALERMO) == 3479099956230698
    assert text_of(encode(*PALERMO)) == b"sqc8b49rny0"
    assert round(distance(*PALERMO, CATANIA)) == 166274
    assert distance(*PALERMO, PALERMO) == 0.0


@pytest.mark.parametrize("seed", range(3))
def test_places_come_back(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(500):
        place = rng.uniform(-180, 180), rng.uniform(-85, 85)
        assert distance(*place, decode(encode(*place))) < 1.0
        assert encode(*decode(encode(*place))) == encode(*place)


@pytest.mark.parametrize("seed", range(3))
def test_ranges_cover_the_area(seed: int) -> None:
    """Whatever is inside is in one of at most nine ranges, which are small for a small area."""
    rng = random.Random(seed)
    for _ in range(100):
        longitude, latitude = rng.uniform(-170, 170), rng.uniform(-60, 60)
        radius = 10 ** rng.uniform(0, 5)
        area = Area(longitude, latitude, radius)
        covered = list(ranges(area))
        assert len(covered) <= 9
        for _ in range(20):
            place = (
                longitude + rng.uniform(-1, 1) * radius / 60_000,
                latitude + rng.uniform(-1, 1) * radius / 111_000,
            )
            score = encode(*place)
            if area.measure()(decode(score)) is not None:
                assert any(low <= score < high for low, high in covered)
        assert sum(high - low for low, high in covered) <= 2**52 * (radius / 10**5 + 1e-9)
