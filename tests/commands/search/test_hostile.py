"""Queries that would take long, or too deep: an error of the server's, or its timeout."""

# ruff: noqa: E501 - tables of queries
from __future__ import annotations

import random
import time
from collections.abc import Iterator
from typing import Any

import pytest

import fakeredis
from fakeredis.errors import CommandError
from tests.commands.search.test_search import until_scanned
from tests.support.twin import Twin

MOST = 3.0  # seconds of work, of which the server's timeout is a half


@pytest.fixture(scope="module")
def server() -> fakeredis.FakeServer:
    """2,000 documents with 20,000 words and long tags."""
    made = fakeredis.FakeServer()
    made.execute(
        "FT.CREATE", "i", "SCHEMA", "t", "TEXT", "g", "TAG", "n", "NUMERIC", "v", "VECTOR", "FLAT",
        "6", "TYPE", "FLOAT32", "DIM", "2", "DISTANCE_METRIC", "L2",
    )
    chosen = random.Random(1)
    for number in range(2000):
        words = ["".join(chosen.choices("abcdefgh", k=6)) for _ in range(10)]
        tags = f"t{number},{'a' * (number % 300)}{number}"
        made.execute("HSET", f"d:{number}", "t", " ".join(words), "g", tags, "n", number)
    made.execute("FT.INFO", "i")
    return made


@pytest.fixture
def timed() -> Iterator[None]:
    """A test that must not work for long."""
    start = time.thread_time()
    yield
    assert time.thread_time() - start < MOST


DEEP = {
    "brackets": "(" * 10_000, "pairs": "(" * 10_000 + "a" + ")" * 10_000,
    "unions": "(a|" * 3000 + "b" + ")" * 3000, "negations": "-" * 10_000 + "a",
    "optional": "~" * 10_000 + "a",
}
LONG = {
    "fuzzy": "%%%abcdef%%%", "a letter": "%%%a%%%", "long fuzzy": f"%%%{'a' * 5000}%%%",
    "wild": "w'*a*'", "wilder": "w'*a*b*c*d*e*'", "stars": "w'" + "*a" * 500 + "*'",
    "marks": "w'" + "?" * 3000 + "'", "infix": "*bc*", "suffix": "*bc",
    "wild tags": "@g:{w'" + "*a" * 30 + "*b*'}", "phrase": '"' + "aa " * 10_000 + '"',
    "words": " ".join(["abcdef"] * 10_000),
    "other words": "|".join(f"abcd{number}" for number in range(5000)),
    "tags": "@g:{" + "|".join(f"t{number}" for number in range(20_000)) + "}",
    "marks of fields": "@" * 5000, "colons": "a:" * 3000, "backslashes": "\\" * 10_000,
    "arrows": "a=>" * 3000, "many nearest": "*=>[KNN 1000000000 @v $b]",
    "not all": " ".join(f"-abcd{number}" for number in range(2000)),
}


@pytest.mark.usefixtures("timed")
@pytest.mark.parametrize("name", DEEP)
def test_deep_queries(server: fakeredis.FakeServer, name: str) -> None:
    with pytest.raises(CommandError, match="Parser stack overflow"):
        server.execute("FT.SEARCH", "i", DEEP[name], "DIALECT", "2")


@pytest.mark.usefixtures("timed")
@pytest.mark.parametrize("name", LONG)
def test_long_queries(server: fakeredis.FakeServer, name: str) -> None:
    try:
        server.execute(
            "FT.SEARCH", "i", LONG[name], "DIALECT", "2", "PARAMS", "2", "b", "aaaaaaaa",
        )
    except CommandError as error:
        assert str(error).startswith(("Syntax error", "Parser stack"))  # noqa: PT017


@pytest.mark.usefixtures("timed")
@pytest.mark.parametrize("expression", [
    "(" * 10_000 + "1" + ")" * 10_000, "1" + "+1" * 10_000, "!" * 10_000 + "1",
    "upper(" * 5000 + "'a'" + ")" * 5000, "2" + "^2" * 10_000,
])
def test_deep_expressions(server: fakeredis.FakeServer, expression: str) -> None:
    """How deep is too deep goes by the stack that is left."""
    try:
        server.execute("FT.AGGREGATE", "i", "*", "APPLY", expression, "AS", "x")
    except CommandError as error:
        assert str(error).startswith(("Syntax error", "Parser stack overflow"))  # noqa: PT017


@pytest.mark.usefixtures("timed")
def test_spelling_of_many_words(server: fakeredis.FakeServer) -> None:
    words = " ".join(f"abcde{number}" for number in range(20))
    server.execute("FT.SPELLCHECK", "i", words, "DISTANCE", "1")


def test_limits(twin: Twin) -> None:
    for count, kind in ((1024, "NUMERIC"), (1025, "NUMERIC"), (128, "TEXT"), (129, "TEXT")):
        name = f"{kind}{count}"
        words = [word for number in range(count) for word in (f"f{number}", *kind.split())]
        twin("FT.CREATE", name, "SCHEMA", *words)
        until_scanned(twin, name.encode())
        twin("FT.ALTER", name, "SCHEMA", "ADD", "more", kind)
    twin("FT.CREATE", "i", "SCHEMA", "t", "TEXT", "v", "VECTOR", "FLAT", "6", "TYPE", "FLOAT32",
         "DIM", "2", "DISTANCE_METRIC", "L2")
    twin("HSET", "d:1", "t", "hello", "v", "abc")
    twin("HSET", "d:2", "t", "hello", "v", "abcdefgh")
    for limit in (("0", "1000000000"), ("1000001", "1"), ("1000000", "10"), ("-1", "1")):
        twin("FT.SEARCH", "i", "hello", "LIMIT", *limit)
    for blob in (b"abc", b"", b"abcdefghi"):
        twin("FT.SEARCH", "i", "*=>[KNN 2 @v $b]", "PARAMS", "2", "b", blob, "DIALECT", "2")


def test_the_time_is_up(server: fakeredis.FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was found so far, with a warning; or an error, where the server is set so."""
    ticks = iter(range(10**9))
    monkeypatch.setattr(time, "thread_time", lambda: next(ticks) / 1000)
    calls: list[tuple[Any, ...]] = [
        ("FT.SEARCH", "i", "@n:[0 1000]", "TIMEOUT", "5", "NOCONTENT"),
        ("FT.SEARCH", "i", "*", "TIMEOUT", "5", "NOCONTENT"),
        ("FT.AGGREGATE", "i", "*", "TIMEOUT", "5", "LOAD", "1", "@n"),
    ]
    found = [server.execute(*call) for call in calls]
    assert found[0][b"total_results"] == 1001
    for reply in found[1:]:
        assert reply[b"warning"] == [b"Timeout limit was reached"]
        assert len(reply[b"results"]) < 2000
    server.execute("FT.CONFIG", "SET", "ON_TIMEOUT", "fail")
    try:
        for call in calls[1:]:
            with pytest.raises(CommandError, match="Timeout limit was reached"):
                server.execute(*call)
        assert server.execute("FT.SEARCH", "i", "*", "TIMEOUT", "0")[b"total_results"] == 2000
    finally:
        server.execute("FT.CONFIG", "SET", "ON_TIMEOUT", "return")


def test_cursors_that_are_left_alone() -> None:
    server = fakeredis.FakeServer()
    server.execute("FT.CREATE", "i", "SCHEMA", "n", "NUMERIC")
    for number in range(10):
        server.execute("HSET", f"d:{number}", "n", number)
    aggregate = ("FT.AGGREGATE", "i", "*", "LOAD", "1", "@n", "WITHCURSOR", "COUNT", "2")
    _, short = server.execute(*aggregate, "MAXIDLE", "1000")
    _, long = server.execute(*aggregate)
    server.advance(0.9)
    server.execute("FT.CURSOR", "READ", "i", short)
    server.advance(0.9)
    server.execute("FT.CURSOR", "READ", "i", short)
    assert server.execute("FT.INFO", "i")[b"cursor_stats"][b"index_total"] == 2
    server.advance(1)
    with pytest.raises(CommandError, match="Cursor not found"):
        server.execute("FT.CURSOR", "READ", "i", short)
    server.execute("FT.CURSOR", "READ", "i", long)
    server.advance(300)
    with pytest.raises(CommandError, match="Cursor not found"):
        server.execute("FT.CURSOR", "READ", "i", long)
    assert server.execute("FT.INFO", "i")[b"cursor_stats"][b"global_total"] == 0


NUMBERS = {
    "bytes": b"\xc0\xbf", "a number and bytes": b"2\xc0", "a raised two": "²".encode(), "a three of another script": "٣".encode(),
    "blanks": b" 2", "a plus": b"+2", "a zero byte": b"2\x00x", "nan": b"nan", "inf": b"inf", "-inf": b"-inf",
    "hex": b"0x10", "nothing": b"", "below": b"-181", "a fraction": b"1.5", "beyond": b"1e400", "out": b"(1",
    "huge": b"9223372036854775808", "an underscore": b"1_0", "trailing": b"2 ",
}
PLACES = [
    "hello=>{$weight:$w}", "hello=>{$slop:$w}", "hello=>{$inorder:$w}", "*=>[KNN $w @v $b]", "@n:[$w 5]", "@n:[0 ($w]",
    "@n:[-$w 5]", "@v:[VECTOR_RANGE $w $b]", "@n==-$w", "@n!=$w", "@p:[$w 2 3 km]", "@p:[1 $w 3 km]", "@p:[1 2 $w km]",
]


@pytest.mark.parametrize("number", NUMBERS.values(), ids=NUMBERS)
def test_numbers_of_parameters(twin: Twin, number: bytes) -> None:
    """Each place reads them as C does, by strtod or strtoll, and says in its own words what is wrong."""
    twin(*b"FT.CREATE i SCHEMA t TEXT n NUMERIC p GEO v VECTOR FLAT 6 TYPE FLOAT32 DIM 2 DISTANCE_METRIC L2".split())
    until_scanned(twin, b"i")
    twin("HSET", "d", "t", "hello a", "n", "1", "p", "1,2", "v", bytes(8))
    for query in PLACES:
        if b"\0" not in number or "inorder" not in query:
            twin("FT.SEARCH", "i", query, "NOCONTENT", "PARAMS", "4", "b", bytes(8), "w", number, "DIALECT", "2")


@pytest.mark.parametrize("query", [
    b"hello=>{$weight:2\xc0\xbf}", b"hello=>{$weight:\xff}", "hello=>{$slop:²}".encode(), b"hello=>{$phonetic:\xc0}",
    b"hello=>{$weight:nan}", b"hello=>{$\xc0:2}", b"*=>[KNN 3 @v $b]=>{$weight:\xc0}", b"*=>[KNN 3 @v $b\xc0]",
    b"@p:[181 2 3 km]", b"@p:[180 90 3 km]", b"@p:[1 -90.1 3 xx]", b"@p:[181 2 0 km]", b"@p:[1 86 100000 km]",
])
def test_attributes_of_bytes(twin: Twin, query: bytes) -> None:
    twin(*b"FT.CREATE i SCHEMA t TEXT p GEO v VECTOR FLAT 6 TYPE FLOAT32 DIM 2 DISTANCE_METRIC L2".split())
    until_scanned(twin, b"i")
    twin("HSET", "d", "t", "hello a", "p", "1,2", "v", bytes(8))
    twin("FT.SEARCH", "i", query, "NOCONTENT", "PARAMS", "2", "b", bytes(8), "DIALECT", "2")


@pytest.mark.parametrize("expression", [
    "timefmt(@n,'')", b"timefmt(@n,'%\xff')", "timefmt(@n,@n)", "timefmt(@n,split('a'))", "timefmt(@n,'" + "%c" * 500 + "')",
    "split('a',1)", "split('a','a',@n)", "split(split('a'))", "substr('abc',1,'a')", "substr(1,1,1)", "substr('abc',1,0/0)",
    "substr('abc',split('a'),1)", "parsetime(1,'%c%c')", "parsetime('1','%c%c')", "parsetime('1',split('a'))",
])
def test_arguments_of_other_types(twin: Twin, expression: str | bytes) -> None:
    twin(*b"FT.CREATE i SCHEMA t TEXT n NUMERIC".split())
    until_scanned(twin, b"i")
    twin("HSET", "d", "t", "hello a", "n", "1")
    twin("FT.AGGREGATE", "i", "*", "LOAD", "1", "@n", "APPLY", expression, "AS", "x")


def test_a_reducer_whose_name_is_no_text(twin: Twin) -> None:
    twin(*b"FT.CREATE i SCHEMA t TEXT".split())
    until_scanned(twin, b"i")
    twin("FT.AGGREGATE", "i", "*", "GROUPBY", "0", "REDUCE", b"\xff", "0")


def test_the_same_word_many_times_is_read_once() -> None:
    server = fakeredis.FakeServer()
    server.execute("FT.CREATE", "i", "SCHEMA", "t", "TEXT")
    for number in range(3000):
        server.execute("HSET", f"d{number}", "t", "alpha")
    assert server.execute("FT.SEARCH", "i", "alpha", "TIMEOUT", "0")[b"total_results"] == 3000
    start = time.thread_time()
    server.execute("FT.SEARCH", "i", " ".join(["alpha"] * 1000), "TIMEOUT", "100")
    assert time.thread_time() - start < MOST
