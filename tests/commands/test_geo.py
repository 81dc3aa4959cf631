"""The geo group against the real server."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.twin import Twin

SICILY = "GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania 12.5 37.9 far\n"


def run(twin: Twin, script: str) -> None:
    """A command a line."""
    for line in script.strip().splitlines():
        twin(*line.split())


def fill(twin: Twin, rng: random.Random, size: int, spread: float) -> list[tuple[float, float]]:
    """Many places round one; those are returned."""
    middle = rng.uniform(-180, 180), rng.uniform(-85, 85)
    places = []
    for number in range(size):
        longitude = (middle[0] + rng.uniform(-spread, spread) + 180) % 360 - 180
        latitude = max(min(middle[1] + rng.uniform(-spread, spread), 85.05112878), -85.05112878)
        places.append((longitude, latitude))
        twin("GEOADD", "g", repr(longitude), repr(latitude), f"m{number}")
    return places


@pytest.mark.parametrize("seed", range(12))
def test_random_places(twin: Twin, seed: int) -> None:
    rng = random.Random(seed)
    spread = rng.choice([0.001, 0.5, 10, 180])
    places = fill(twin, rng, 60, spread)
    names = [f"m{number}" for number in range(60)]
    twin("GEOPOS", "g", *names)
    twin("GEOHASH", "g", *names)
    for _ in range(25):
        unit = rng.choice(["m", "km", "mi", "FT"])
        metres = {"m": 1, "km": 1000, "mi": 1609.34, "FT": 0.3048}[unit]
        twin("GEODIST", "g", rng.choice(names), rng.choice(names), unit)
        longitude, latitude = rng.choice(places)
        center = ("FROMMEMBER", rng.choice(names))
        if rng.random() < 0.5:
            center = ("FROMLONLAT", longitude, latitude)
        reach = spread * 111_000 * rng.choice([0, 0.1, 0.5, 1, 5]) / metres
        shape = rng.choice([("BYRADIUS", reach, unit), ("BYBOX", reach, reach * 1.5, unit)])
        options = rng.choice([
            (), ("ASC",), ("DESC",), ("WITHCOORD", "WITHDIST", "WITHHASH"), ("COUNT", 3),
            ("COUNT", 3, "DESC"), ("COUNT", 3, "ANY"), ("COUNT", 5, "ANY", "DESC"), ("WITHDIST",),
        ])
        twin("GEOSEARCH", "g", *center, *shape, *options)
        twin("GEORADIUS", "g", longitude, latitude, reach, unit)
        twin("GEORADIUSBYMEMBER", "g", rng.choice(names), reach, unit, *options)
        store = rng.choice([(), ("STOREDIST",)])
        twin("GEOSEARCHSTORE", "d", "g", *center, *shape, *store)


@pytest.mark.parametrize("place", [
    "1 1", "180 85.05112878", "-180 -85.05112878", "180.1 1", "1 85.06", "0 0", "-0.0 -0", "x 1",
    "1 x", "nan 1", "1 inf", "1e400 1", "1e-400 1", "200 x", "0x10 1",
])
def test_places(twin: Twin, place: str) -> None:
    run(twin, f"{SICILY}GEOADD g {place} new\nGEOADD g 1 1 a {place} b\nGEOPOS g new a b\n"
              f"GEOHASH g new\nGEOSEARCH g FROMLONLAT {place} BYRADIUS 100 km ASC\n"
              f"GEORADIUS g {place} 100 km\nGEORADIUS missing {place} 100 km")


@pytest.mark.parametrize("options", [
    "NX", "XX", "CH", "NX CH", "XX CH", "NX XX", "nx ch", "CH CH", "FOO", "GT", "INCR",
])
def test_options_of_adding(twin: Twin, options: str) -> None:
    run(twin, f"{SICILY}GEOADD g {options} 1 1 new 2 2 Palermo\nGEOADD g {options} 1 1\n"
              f"GEOADD g {options}\nGEOADD new {options} 1 1 a\nGEOADD new {options} 1 1 a 2")


SHAPES = [
    "", "FROMMEMBER Palermo", "FROMMEMBER nobody", "FROMLONLAT 15 37", "FROMLONLAT 15",
    "FROMMEMBER Palermo FROMLONLAT 15 37", "FROMLONLAT 15 37 FROMMEMBER Palermo",
    "FROMMEMBER Palermo FROMMEMBER Catania", "FROMLONLAT 15 37 FROMLONLAT 1 1",
    "FROMLONLAT x 37", "FROMLONLAT 15 99",
]
SIZES = [
    "", "BYRADIUS 200 km", "BYRADIUS x km", "BYRADIUS -1 km", "BYRADIUS -1 foo", "BYRADIUS 1",
    "BYBOX 300 300 km", "BYBOX x y km", "BYBOX 1 y km", "BYBOX -1 1 foo", "BYBOX 1 1",
    "BYBOX 1 -1 km", "BYRADIUS 1 km BYBOX 1 1 km", "BYBOX 1 1 km BYRADIUS 1 km",
    "BYRADIUS 1 m BYRADIUS 200 km", "BYBOX 1 1 m BYBOX 300 300 km", "BYBOX 0 0 m",
]
OPTIONS = [
    "", "ASC", "DESC ASC", "COUNT 1", "COUNT 0", "COUNT -1", "COUNT x", "COUNT", "COUNT 2 ANY",
    "ANY", "WITHDIST", "WITHCOORD WITHHASH", "STOREDIST", "STORE d", "STOREDIST d", "FOO",
    "COUNT 1 DESC WITHDIST", "STORE d WITHDIST", "STORE d STOREDIST e", "any count 1", "STORE",
]


@pytest.mark.parametrize("shape", SHAPES)
def test_where_to_search(twin: Twin, shape: str) -> None:
    run(twin, SICILY)
    for size in SIZES[:8]:
        for line in (f"{shape} {size} ASC", f"{size} {shape} ASC COUNT 9"):
            run(twin, f"GEOSEARCH g {line}\nGEOSEARCH missing {line}\nGEOSEARCHSTORE d g {line}\n"
                      f"GEOSEARCHSTORE d missing {line}")


@pytest.mark.parametrize("size", SIZES)
def test_how_far_to_search(twin: Twin, size: str) -> None:
    run(twin, SICILY)
    for options in OPTIONS:
        line = f"FROMLONLAT 15 37 {size} {options}"
        run(twin, f"GEOSEARCH g {line}\nGEOSEARCH missing {line}\nGEOSEARCHSTORE d g {line}")
        if not size:
            for head in ("GEORADIUS{} g 15 37 200 km", "GEORADIUS{} g 15 37 x km",
                         "GEORADIUSBYMEMBER{} g Palermo 200 km", "GEORADIUS{} missing 1 1 1 foo",
                         "GEORADIUSBYMEMBER{} g nobody x foo", "GEORADIUS{} g 15 37 -1 foo",
                         "GEORADIUSBYMEMBER{} missing nobody x foo"):
                for name in ("", "_RO"):
                    run(twin, f"{head.format(name)} {options}\nZRANGE d 0 -1 WITHSCORES\nDEL e")


def test_looking_up(twin: Twin) -> None:
    run(twin, SICILY + "GEOPOS g\nGEOPOS g Palermo nobody\nGEOPOS missing Palermo\nGEOHASH g\n"
              "GEOHASH g nobody far\nGEOHASH missing a\nGEODIST g Palermo Catania\n"
              "GEODIST g Palermo Palermo\nGEODIST g Palermo nobody\nGEODIST missing a b foo\n"
              "GEODIST g Palermo Catania foo\nGEODIST g Palermo Catania km foo\n"
              "ZADD g 1 one 4503599627370496 big -5 minus 1.5 half\nGEOPOS g one big half\n"
              "GEOHASH g one half\nGEOSEARCH g FROMMEMBER one BYRADIUS 100 km")


@pytest.mark.parametrize("call", [
    "GEOADD k 1 1 a", "GEODIST k a b", "GEOHASH k a", "GEOPOS k a",
    "GEOSEARCH k FROMMEMBER a BYRADIUS 1 km", "GEOSEARCHSTORE d k FROMMEMBER a BYRADIUS 1 km",
    "GEOSEARCHSTORE k g FROMMEMBER far BYRADIUS 1 km", "GEORADIUS k x 1 1 km",
    "GEORADIUS g 15 37 1 km STORE k", "GEORADIUS g 15 37 200 km STORE k",
    "GEORADIUSBYMEMBER k a x km",
])
def test_wrong_type_and_expired(twin: Twin, call: str) -> None:
    run(twin, SICILY + f"SET k x\n{call}\nDEL k\nGEOADD k 1 1 a\nPEXPIREAT k 1\n{call}")


def test_events(twin: Twin) -> None:
    twin("CONFIG", "SET", "notify-keyspace-events", "KEA")
    listener = twin.session()
    listener("PSUBSCRIBE", "__key*")
    listener.reply()
    run(twin, SICILY + "GEOADD g 13.361389 38.115556 Palermo\n"
              "GEOSEARCHSTORE d g FROMMEMBER Palermo BYRADIUS 200 km\n"
              "GEOSEARCHSTORE d g FROMLONLAT 1 1 BYRADIUS 2 m\n"
              "GEORADIUS g 15 37 200 km STORE d\nGEORADIUS g 1 1 1 km STORE d\n"
              "GEORADIUSBYMEMBER missing a 1 km STORE g")
    while listener.fake.outbox:
        listener.reply()
    listener.silent()
