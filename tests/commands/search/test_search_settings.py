"""FT.CONFIG, and what follows from settings, beside the real server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import fakeredis
from fakeredis.engine.features.search import DEFAULTS
from fakeredis.errors import CommandError
from tests.commands.search.test_search import Send, calls, pytestmark, send
from tests.support.twin import Twin

__all__ = ["pytestmark", "send"]

VALUES = (
    "0", "1", "3", "5", "-1", "-2", "1.5", "abc", "TRUE", "false", "4294967295", "4294967296",
    "9223372036854775807", "9223372036854775808", "return", "FAIL", "",
)
# A value that is refused leaves nothing of what was there before, on the server; or the error is
# about what it finds in its memory.
LOSES = ("_NUMERIC_RANGES_PARENTS", "DEFAULT_DIALECT", "VSS_MAX_RESIZE", "MINSTEMLEN")


@pytest.fixture(autouse=True)
def settings(twin: Twin) -> Iterator[None]:
    """The real server is others', too."""
    yield
    for name, value in DEFAULTS.items():
        if value is not None:
            word = b"-1" if value == "unlimited" else value.encode()
            twin.wire.call(b"FT.CONFIG", b"SET", name.encode(), word)


def flat(reply: Any) -> Any:
    """A reply of HELP without the texts, which are in words of our own."""
    rows = reply.items() if isinstance(reply, dict) else [(row[0], row[1:]) for row in reply]
    return [
        (name, facts[b"Value"] if isinstance(facts, dict) else [facts[0], *facts[2:]])
        for name, facts in rows
    ]


def test_what_there_is(twin: Twin, send: Send) -> None:
    for call in calls("""
        FT.CONFIG
        FT.CONFIG GET
        FT.CONFIG FOO
        FT.CONFIG FOO bar
        FT.CONFIG GET *
        FT.CONFIG GET timeout
        FT.CONFIG GET TIMEOUT MINPREFIX
        FT.CONFIG GET TIM*
        FT.CONFIG GET nope
        FT.CONFIG HELP nope
        FT.CONFIG HELP
        FT.CONFIG SET
        FT.CONFIG SET TIMEOUT
        FT.CONFIG SET nope
        FT.CONFIG SET nope 1
        FT.CONFIG SET TIMEOUT 400 500
        FT.CONFIG GET TIMEOUT
        FT.CONFIG SET MAXEXPANSIONS 7
        FT.CONFIG GET MAXPREFIXEXPANSIONS
    """):
        send(call)
    for name in (b"*", b"minprefix"):
        real = twin.wire.call(b"FT.CONFIG", b"HELP", name)
        session = twin.server.session(protocol=twin.protocol)
        assert flat(session.execute([b"FT.CONFIG", b"HELP", name])) == flat(real)


@pytest.mark.parametrize("name", [name for name in DEFAULTS if name not in LOSES])
def test_values(twin: Twin, send: Send, name: str) -> None:
    for value in VALUES:
        send(f"FT.CONFIG SET {name} '{value}'")
        send(f"FT.CONFIG GET {name}")


@pytest.mark.parametrize("name", LOSES)
def test_values_that_are_taken(twin: Twin, send: Send, name: str) -> None:
    for value in ("2", "3"):
        if (name, value) != ("_NUMERIC_RANGES_PARENTS", "3"):
            send(f"FT.CONFIG SET {name} {value}")
        send(f"FT.CONFIG GET {name}")


def test_errors_of_those() -> None:
    server = fakeredis.FakeServer()
    for name, value, error in (
        ("MINSTEMLEN", "1", "Minimum stem length cannot be lower than 2"),
        ("DEFAULT_DIALECT", "0", "outside acceptable bounds"),
        ("DEFAULT_DIALECT", "5", "cannot be higher than 4"),
        ("_NUMERIC_RANGES_PARENTS", "3", "Max depth for range cannot be higher"),
        ("VSS_MAX_RESIZE", "x", "Could not convert"),
    ):
        with pytest.raises(CommandError, match=error):
            server.execute("FT.CONFIG", "SET", name, value)
    assert server.execute("FT.CONFIG", "GET", "DEFAULT_DIALECT") == {b"DEFAULT_DIALECT": b"1"}


def test_what_follows(twin: Twin, send: Send) -> None:
    for call in calls(r"""
        FT.CREATE x SCHEMA t TEXT SORTABLE g TAG p TEXT PHONETIC dm:en
        HSET d:1 t "apple apply ape" g "apple,apply,ape,a" p jon
        HSET d:2 t "application banana" g application p john
        HSET d:3 t "apt cherry" g apt p john
        HSET d:4 t axe g axe p "jo ab"
        FT.SEARCH x @p:jo NOCONTENT SCORER TFIDF
        FT.DEBUG DUMP_TERMS x
        FT.CONFIG SET MINPREFIX 1
        FT.SEARCH x a* NOCONTENT SCORER TFIDF
        FT.SEARCH x @g:{a*} NOCONTENT SCORER TFIDF
        FT.SEARCH x *e NOCONTENT SCORER TFIDF DIALECT 2
        FT.SEARCH x *e* NOCONTENT SCORER TFIDF DIALECT 2
        FT.CONFIG SET MINPREFIX 3
        FT.SEARCH x ap* NOCONTENT SCORER TFIDF
        FT.SEARCH x app* NOCONTENT SCORER TFIDF
        FT.SEARCH x @g:{ap*} NOCONTENT SCORER TFIDF
        FT.SEARCH x *xe NOCONTENT SCORER TFIDF DIALECT 2
        FT.SEARCH x *pp* NOCONTENT SCORER TFIDF DIALECT 2
        FT.SEARCH x "w'ap*'" NOCONTENT SCORER TFIDF DIALECT 2
        FT.CONFIG SET MINPREFIX 2
        FT.CONFIG SET MAXPREFIXEXPANSIONS 2
        FT.SEARCH x ap* NOCONTENT SCORER TFIDF
        FT.SEARCH x @g:{ap*} NOCONTENT SCORER TFIDF
        FT.SEARCH x %aple% NOCONTENT SCORER TFIDF
        FT.SEARCH x "w'a*'" NOCONTENT SCORER TFIDF DIALECT 2
        FT.CONFIG SET MAXPREFIXEXPANSIONS 200
        FT.CONFIG SET MIN_PHONETIC_TERM_LEN 5
        HSET d:5 p "jan jannet"
        FT.DEBUG DUMP_TERMS x
        FT.CONFIG SET MAXSEARCHRESULTS 2
        FT.SEARCH x * NOCONTENT SORTBY t
        FT.SEARCH x * NOCONTENT SORTBY t LIMIT 0 2
        FT.SEARCH x * NOCONTENT SORTBY t LIMIT 0 3
        FT.SEARCH x * NOCONTENT SORTBY t LIMIT 3 2
        FT.SEARCH x * NOCONTENT SORTBY t LIMIT 1 2
        FT.SEARCH x * NOCONTENT SORTBY t LIMIT 2 1
        FT.AGGREGATE x * LOAD 1 t LIMIT 0 3
        FT.AGGREGATE x * LOAD 1 t LIMIT 3 1
        FT.CONFIG SET MAXSEARCHRESULTS 0
        FT.SEARCH x * NOCONTENT SCORER TFIDF
        FT.SEARCH x * NOCONTENT SCORER TFIDF LIMIT 0 1
        FT.SEARCH x * NOCONTENT SCORER TFIDF LIMIT 0 0
        FT.CONFIG SET MAXSEARCHRESULTS -1
        FT.SEARCH x * NOCONTENT SORTBY t LIMIT 0 3000000
        FT.SEARCH x * NOCONTENT SCORER TFIDF LIMIT 3000000 1
        FT.SEARCH x * NOCONTENT SCORER TFIDF LIMIT 0 9223372036854775807
        FT.CONFIG SET MAXSEARCHRESULTS 1000000
        FT.SEARCH x * NOCONTENT SCORER TFIDF LIMIT 0 1000001
        FT.AGGREGATE x * LIMIT 0 3000000
        FT.AGGREGATE x * LIMIT 3000000 1
        FT.AGGREGATE x * LIMIT 0 9223372036854775807
        FT.CONFIG SET MAXAGGREGATERESULTS 2
        FT.AGGREGATE x *
        FT.AGGREGATE x * LIMIT 0 3
        FT.AGGREGATE x * LIMIT 1 2
        FT.AGGREGATE x * LIMIT 3 1
        FT.AGGREGATE x * SORTBY 1 @t
        FT.AGGREGATE x * SORTBY 1 @t MAX 3
        FT.CONFIG SET MAXAGGREGATERESULTS -2
        FT.AGGREGATE x * LIMIT 0 3000000
    """):
        send(call)


def test_profiles_without_times() -> None:
    server = fakeredis.FakeServer(version="7.4", modules=["search"])
    for call in calls("""
        FT.CREATE x SCHEMA t TEXT
        HSET d:1 t hello
        FT.CONFIG SET _PRINT_PROFILE_CLOCK false
    """):
        server.execute(*call.split())
    asked = [b"FT.PROFILE", b"x", b"SEARCH", b"QUERY", b"hello"]
    _, older = server.session(protocol=2).execute(asked)
    assert older[:3] == [[b"Total profile time"], [b"Parsing time"], [b"Pipeline creation time"]]
    assert b"Time" not in older[4][1]
    profile = server.session(protocol=3).execute(asked)[b"profile"]
    assert b"Parsing time" not in profile
    assert all(b"Time" not in part for part in profile[b"Result processors profile"])


def test_names_that_config_has() -> None:
    server = fakeredis.FakeServer(version="8.2", config={"search-min-prefix": 1})
    server.execute("FT.CREATE", "x", "SCHEMA", "t", "TEXT")
    server.execute("HSET", "d:1", "t", "hello")

    def found(query: str) -> int:
        reply: dict[bytes, int] = server.execute("FT.SEARCH", "x", query, "NOCONTENT")
        return reply[b"total_results"]

    assert found("h*") == 1
    server.execute("CONFIG", "SET", "search-min-prefix", "3", "search-default-dialect", "2")
    assert found("he*") == 0
    assert server.execute("FT.CONFIG", "GET", "DEFAULT_DIALECT") == {b"DEFAULT_DIALECT": b"2"}
    server.execute("FT.CONFIG", "SET", "MAXPREFIXEXPANSIONS", "7")
    server.execute("FT.CONFIG", "SET", "_NUMERIC_COMPRESS", "true")
    shown = server.execute("CONFIG", "GET", "search-*")
    assert shown[b"search-max-prefix-expansions"] == b"7"
    assert shown[b"search-_numeric-compress"] == b"yes"
    assert shown[b"search-timeout"] == b"500"
    assert len(shown) > 30
    for name, value in (("search-default-dialect", "5"), ("search-no-gc", "yes")):
        with pytest.raises(CommandError, match="CONFIG SET failed"):
            server.execute("CONFIG", "SET", name, value)
    older = fakeredis.FakeServer(version="7.4", modules=["search"])
    assert older.execute("CONFIG", "GET", "search-*") == {}
    older.execute("FT.CONFIG", "SET", "MINPREFIX", "1")
