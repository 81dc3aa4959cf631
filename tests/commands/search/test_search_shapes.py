"""Shapes in indexes, beside the real server."""

# ruff: noqa: E501 - tables of calls
from __future__ import annotations

import random
import sys

import pytest

import fakeredis
from fakeredis.errors import CommandError
from tests.commands.search.test_search import Send, calls, check_info, pytestmark, send
from tests.support.chance import seed
from tests.support.twin import Twin

__all__ = ["pytestmark", "send"]

pytest.importorskip("shapely")

TEXTS = calls(r"""
    foo
    LINESTRING(0 0, 1 1)
    point(1 2)
    Point(1 2)
    POINT  ( 1   2 )
    POINT(1 2 3)
    POINT(1)
    POINT()
    POINT(1,2)
    POINT(1 2) x
    POINT(1 2
    POINT(a b)
    POINT(1 b)
    POINT
    POINT EMPTY
    POINT Z (1 2)
    POINTZ(1 2)
    POIFOO(1 2)
    POINT(1e3 -2.5E-1)
    POINT(.5 5.)
    POINT(inf nan)
    POINT(0x10 1)
    POINT((1 2))
    POINT(ö 1)
    POLYGON((1 1,1 100,100 100,100 1))
    POLYGON((1 1, 100 1, 100 100, 1 100, 1 1))
    POLYGON EMPTY
    POLYGON()
    POLYGON(())
    POLYGON((1 1, 2 2))
    POLYGON((8 0, 8 0, 5 2))
    POLYGON((1 1, 2 2, 3 3))
    POLYGON((6 6, 8 0, 1 0, 8 0))
    POLYGON((0 0, 10 10, 10 0, 0 10, 0 0))
    POLYGON((0 0, 10 10, 10 0, 0 11, 0 0))
    POLYGON((0 0, 0 10, 10 10, 10 0, 0 0), (20 20, 20 30, 30 30, 30 20, 20 20))
    POLYGON((0 0, 0 10, 10 10, 10 0, 0 0), (2 2, 2 3, 3 3, 3 2, 2 2))
    POLYGON((0 0, 0 10, 10 10, 10 0, 0 0), (2 2, 12 2, 12 3, 2 3, 2 2))
    POLYGON((0 0, 0 10, 10 10, 10 0, 0 0), (0 5, 10 5, 5 6, 0 5))
    POLYGON((0 0, 0 10, 5 10, 5 15, 5 10, 10 10, 10 0, 0 0))
    POLYGON((0 0, 0 10
    POLYGON((0 0, 0 10)
    POLYGON((0 0 0 10))
    POLYGON((0 0, 1 a, 1 1))
    POLYGON(1 1, 2 2)
    POLYGON(nonsense
    POLYGON((0 0, 0 1, 1 1, 0 0)),
    POLYGON((0 0, 0 1, 1 1, 0 0),)
    POLYGON((0 0,, 0 1, 1 1, 0 0))
    POLYGON((0 0, 0 1, inf 1, 0 0))
    POLYGON Z ((0 0, 0 1, 1 1, 0 0))
    POL((0 0, 0 1, 1 1, 0 0))
    MULTIPOLYGON(((0 0, 0 1, 1 1, 0 0)))
""")


def test_texts_of_shapes(twin: Twin, send: Send) -> None:
    """What is refused, in a query and in a document, whose other fields are taken in."""
    send("FT.CREATE x SCHEMA t TEXT g GEOSHAPE FLAT n NUMERIC")
    for text in (*TEXTS, "", "POINT\n(1\t2)", "\tPOINT(1 2)", "POINT(1 2)\0"):
        twin("FT.SEARCH", "x", "@g:[WITHIN $s]", "PARAMS", "2", "s", text, "DIALECT", "2", "NOCONTENT")
        twin("HSET", "d", "t", "hello", "g", text, "n", "1")
        check_info(twin)
        twin("FT.SEARCH", "x", "hello @n:[1 1]", "NOCONTENT")


@pytest.mark.parametrize("system", ["FLAT", "SPHERICAL"])
def test_shapes_that_are_found(twin: Twin, send: Send, system: str) -> None:
    chance = random.Random(seed())
    send(f"FT.CREATE x SCHEMA g GEOSHAPE {system}")

    def shape() -> str:
        kind = chance.random()
        x, y = chance.randint(0, 6), chance.randint(0, 6)
        if kind < 0.3:
            return f"POINT({x} {y})"
        right, top = chance.randint(x + 1, 8), chance.randint(y + 1, 8)
        if kind < 0.7:
            return f"POLYGON(({x} {y}, {x} {top}, {right} {top}, {right} {y}, {x} {y}))"
        if kind < 0.8:
            return "POLYGON((0 0, 0 8, 8 8, 8 0, 0 0), (2 2, 5 2, 5 5, 2 5, 2 2))"
        return f"POLYGON(({x} {y}, {right} {y}, {x} {top}))"

    for number in range(30):
        twin("HSET", f"d:{number}", "g", shape())
    for _ in range(25):
        for predicate in ("WITHIN", "contains", "INTERSECTS", "DISJOINT"):
            twin("FT.SEARCH", "x", f"@g:[{predicate} $s]", "PARAMS", "2", "s", shape(),
                 "DIALECT", "2", "NOCONTENT", "LIMIT", "0", "100")
    twin("DEL", "d:1")
    twin("FT.SEARCH", "x", "@g:[DISJOINT $s]", "PARAMS", "2", "s", "POINT(9 9)", "DIALECT", "3", "NOCONTENT")


def test_shapes_round_the_globe(twin: Twin, send: Send) -> None:
    send("FT.CREATE x SCHEMA g GEOSHAPE")
    for number, text in enumerate(calls("""
        POLYGON((170 -5, 170 5, -170 5, -170 -5, 170 -5))
        POLYGON((0 80, 90 80, 180 80, -90 80, 0 80))
        POINT(180 0)
        POINT(10 89)
        POINT(0 0)
    """)):
        twin("HSET", f"d:{number}", "g", text)
    for text in ("POINT(179 1)", "POLYGON((160 -10, 160 10, -160 10, -160 -10, 160 -10))",
                 "POLYGON((-10 -10, -10 10, 10 10, 10 -10, -10 -10))"):
        for predicate in ("WITHIN", "CONTAINS", "INTERSECTS", "DISJOINT"):
            twin("FT.SEARCH", "x", f"@g:[{predicate} $s]", "PARAMS", "2", "s", text,
                 "DIALECT", "2", "NOCONTENT")


def test_queries_for_shapes(twin: Twin, send: Send) -> None:
    for call in calls("""
        FT.CREATE x SCHEMA g GEOSHAPE FLAT t TEXT
        HSET a g 'POLYGON((1 1, 1 100, 100 100, 100 1, 1 1))' t x
        HSET b g 'POINT(50 50)' t x
        HSET c g 'POLYGON((150 150, 150 200, 200 200, 200 150, 150 150))'
        HSET d t x
        FT.SEARCH x '@g:[FOO $s]' PARAMS 2 s 'POINT(50 50)' DIALECT 3 NOCONTENT
        FT.SEARCH x '@g:[WITHIN $s]' DIALECT 3 NOCONTENT
        FT.SEARCH x '@g:[WITHIN foo]' DIALECT 3 NOCONTENT
        FT.SEARCH x '@g:[WITHIN]' DIALECT 3 NOCONTENT
        FT.SEARCH x '@g:[WITHIN $s]' PARAMS 2 s 'POINT(50 50)' NOCONTENT
        FT.SEARCH x '@t:[WITHIN $s]' PARAMS 2 s 'POINT(50 50)' NOCONTENT DIALECT 2
        FT.SEARCH x '@zz:[WITHIN $s]' PARAMS 2 s 'POINT(50 50)' NOCONTENT DIALECT 2
        FT.SEARCH x '@g:[WITHIN $s extra]' PARAMS 2 s 'POINT(50 50)' NOCONTENT DIALECT 2
        FT.SEARCH x '@g:[INTERSECTS $s]=>{$weight: 2}' PARAMS 2 s 'POINT(50 50)' WITHSCORES NOCONTENT SCORER TFIDF DIALECT 2
        FT.SEARCH x 'x @g:[INTERSECTS $s]' PARAMS 2 s 'POINT(50 50)' WITHSCORES NOCONTENT SCORER TFIDF DIALECT 2
        FT.SEARCH x 'x @g:[INTERSECTS $s]' PARAMS 2 s 'POINT(50 50)' WITHSCORES NOCONTENT SCORER BM25STD DIALECT 2
        FT.SEARCH x '-@g:[INTERSECTS $s]' PARAMS 2 s 'POINT(50 50)' NOCONTENT DIALECT 2
        FT.EXPLAIN x 'x @g:[INTERSECTS $s]' PARAMS 2 s 'POINT(50 50)' DIALECT 2
        FT.EXPLAIN x '@g:[disjoint $s]' PARAMS 2 s 'POLYGON((2 2, 2 50, 50 50, 50 2, 2 2))' DIALECT 2
        FT.EXPLAIN x '@g:[disjoint $s]' PARAMS 2 s 'foo' DIALECT 2
        FT.CREATE j ON JSON SCHEMA $.g AS g GEOSHAPE FLAT $.h AS h GEOSHAPE INDEXMISSING
        JSON.SET j1 $ '{"g": "foo"}'
        JSON.SET j2 $ '{"g": ["POINT(1 2)"]}'
        JSON.SET j3 $ '{"g": null}'
        JSON.SET j4 $ '{"g": 5}'
        JSON.SET j6 $ '{"g": "POINT(1 2)"}'
        JSON.SET j7 $ '{"g": []}'
        FT.SEARCH j * NOCONTENT
        FT.SEARCH j '@g:[INTERSECTS $s]' PARAMS 2 s 'POINT(1 2)' NOCONTENT DIALECT 2
        FT.SEARCH j 'ismissing(@h)' NOCONTENT DIALECT 2
    """):
        send(call)
    check_info(twin)
    check_info(twin, "j")


def test_dialects_that_were_used(twin: Twin, send: Send) -> None:
    def used(reply: object) -> object:
        flat = reply if isinstance(reply, dict) else dict(zip(reply[::2], reply[1::2], strict=True))  # type: ignore[index]
        return flat[b"dialect_stats"]

    send("FT.CREATE x SCHEMA t TEXT")
    for call in calls("""
        FT.EXPLAIN x foo DIALECT 2
        FT.SEARCH x ((( DIALECT 3
        FT.SEARCH x foo DIALECT 4
        FT.AGGREGATE x foo
    """):
        send(call)
        twin._compare(("FT.INFO", "x"), lambda fake, real: used(fake) == used(real))


def test_the_library_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "shapely", None)
    server = fakeredis.FakeServer()
    server.execute("FT.CREATE", "x", "SCHEMA", "g", "GEOSHAPE", "t", "TEXT")
    server.execute("HSET", "d", "g", "POINT(1 2)", "t", "hello")
    with pytest.raises(CommandError, match="need the Python package 'shapely'"):
        server.execute("FT.SEARCH", "x", "@g:[WITHIN $s]", "PARAMS", "2", "s", "POINT(1 2)",
                       "DIALECT", "2")
    assert b"d" in repr(server.execute("FT.SEARCH", "x", "hello", "NOCONTENT")).encode()
