"""Scores and why they are so, and how queries are read, beside the real server."""

# ruff: noqa: E501 - tables of calls
from __future__ import annotations

import struct

import pytest

from tests.commands.search.test_search import Send, calls, pytestmark, send
from tests.support.twin import Twin

__all__ = ["pytestmark", "send"]

SCORERS = ("TFIDF", "TFIDF.DOCNORM", "BM25", "BM25STD", "DISMAX", "DOCSCORE", "HAMMING")
QUERIES = calls(r"""
    hello
    running
    hello world
    hello|world
    "hello world"
    hel*
    %helo%
    -foo
    ~hello
    ~hello world
    hello -foo
    world -bar
    -foo -bar
    *
    @n:[1 2]
    @g:{x}
    @g:{x|y}
    @g:{x|nope}
    @g:{x*|y}
    @g:{x}=>{$weight: 3}
    @g:{x|y}=>{$weight: 3}
    @p:[1 1 10 km]
    hello @n:[1 2]
    hello @g:{x}
    (hello|foo) world
    (world|there) (hello|foo)
    foo | "hello world"
    (hello -there)|world
    (hello world)=>{$weight: 2}
    hello=>{$weight: 3}
    (hello|nope)=>{$weight: 3}
    (hel*)=>{$weight: 3}
    (~hello)=>{$weight: 3}
    (-hello)=>{$weight: 3}
    @n:[1 2]=>{$weight: 3}
    ~~nope
    ~hello ~world
    hello world foo
    w'h*'
    ru*
    *lo
    *=>[KNN 2 @v $v]
    hello=>[KNN 2 @v $v]
    @v:[VECTOR_RANGE 2 $v]
    @v:[VECTOR_RANGE 2 $v] hello
    @s:[INTERSECTS $s]
    runs running
    (foo|bar) runs
    hello @g:{x|y} foo
""")


@pytest.mark.parametrize("scorer", SCORERS)
def test_why_scores_are_so(twin: Twin, send: Send, scorer: str) -> None:
    pytest.importorskip("shapely")
    send("FT.CREATE x SCORE_FIELD score PAYLOAD_FIELD q SCHEMA a TEXT WEIGHT 2 b TEXT n NUMERIC g TAG p GEO s GEOSHAPE FLAT "
         "v VECTOR FLAT 6 TYPE FLOAT32 DIM 1 DISTANCE_METRIC L2")
    for number, texts in enumerate((
        "hello world foo bar/hello there", "hello hello/foo", "world/x", "running runs run/john jon", "foo x y runs/bar",
    ), 1):
        first, second = texts.split("/")
        twin("HSET", f"d:{number}", "a", first, "b", second, "n", number, "g", "x,y" if number % 2 else "x1", "p", "1,1",
             "v", struct.pack("f", number), *(("score", "0.9") if number > 3 else ()), "q", "ab" + second[:1])
    twin("HSET", "d:1", "s", "POINT(1 1)") if scorer == "DOCSCORE" else None
    for query in QUERIES:
        for more in ((), ("VERBATIM",)):
            twin("FT.SEARCH", "x", query, "WITHSCORES", "EXPLAINSCORE", "NOCONTENT", "SCORER", scorer, "DIALECT", "2",
                 "PARAMS", "4", "v", struct.pack("f", 1), "s", "POINT(1 1)", "PAYLOAD", "abx", *more)


def test_explanations_with_other_options(twin: Twin, send: Send) -> None:
    for call in calls("""
        FT.CREATE x SCHEMA a TEXT n NUMERIC
        FT.CREATE y SCORE 0 SCHEMA a TEXT
        HSET d:1 a hello n 1
        HSET d:2 a 'hello hello' n 2
        FT.SEARCH x hello EXPLAINSCORE
        FT.SEARCH x hello WITHSCORES EXPLAINSCORE SORTBY n SCORER TFIDF
        FT.SEARCH x hello WITHSCORES EXPLAINSCORE WITHPAYLOADS WITHSORTKEYS LIMIT 0 1 SCORER TFIDF
        FT.SEARCH x hello INKEYS 1 d:1 WITHSCORES EXPLAINSCORE SCORER TFIDF
        FT.SEARCH x hello FILTER n 1 5 WITHSCORES EXPLAINSCORE SCORER TFIDF
        FT.SEARCH y hello WITHSCORES EXPLAINSCORE SCORER TFIDF
        FT.SEARCH y hello WITHSCORES EXPLAINSCORE SCORER BM25
        FT.SEARCH y hello WITHSCORES EXPLAINSCORE SCORER BM25STD
    """):
        send(call)


@pytest.mark.parametrize("query", calls(r"""
    @b:baz w'b?r' foo
    @b:baz b* foo c*
    @b:baz %foo% foo
    @b:baz *oo* x*
    @b:(baz) *oo* x*
    @b:b* x* | y
    @b:b* -y*
    @b:"x y" x*
    @b:baz b*=>{$weight: 2} foo
    @b:x => {$weight: 2} x*
    @b:(x y) y* z
    @b:the y* z
    @n:[1 2] x*
    x y* z*
    (x)=>{$weight: 2} y* foo c*
    "a b" y* foo c*
    (a b) y* foo c*
    a b* c d* e
    -b* c* d
    a -b* c* d
    (x y) c* d
    (x y) (z w) c*
    x|y* z*|w
    x @n:[1 2] y* z
    (hello|foo|@n:[1 2])
    hello|(@n:[1 2])|foo
    hello|foo|(bar @n:[1 2])
    hello|foo bar|@n:[1 2]
    hello world|foo|@n:[1 2]
    hello|the|@n:[1 2]
    the|hello|@n:[1 2]
    hello|foo|ismissing(@n)
    (hello|foo) @n:[1 2]
    ((hello|foo)|@n:[1 2])
    a*|b*|@n:[1 2]
    hello|foo @n:[1 2]
"""))
def test_what_goes_with_what(twin: Twin, send: Send, query: str) -> None:
    send("FT.CREATE x SCHEMA a TEXT b TEXT n NUMERIC")
    twin("FT.EXPLAIN", "x", query, "DIALECT", "2")


@pytest.mark.parametrize("query", calls(r"""
    "qux qux"
    "qux qux qux"
    "qux foo qux"
    "foo qux foo"
    (qux qux)=>{$slop: 0; $inorder: true}
    (qux qux)=>{$slop: 0}
    (qux qux foo)=>{$slop: 0}
    (qux foo qux)=>{$slop: 0; $inorder: true}
    (qux foo)=>{$slop: 1}
    (foo qux bar)=>{$slop: 1}
    (foo qux bar)=>{$slop: 1; $inorder: true}
    (foo (qux|baz) bar)=>{$slop: 2}
    (foo foo)=>{$inorder: true}
"""))
def test_words_that_come_twice(twin: Twin, send: Send, query: str) -> None:
    for call in calls("""
        FT.CREATE x SCHEMA a TEXT b TEXT
        HSET d:1 a qux
        HSET d:2 a 'qux foo'
        HSET d:3 a 'qux foo qux' b baz
        HSET d:4 a 'foo qux' b 'bar baz foo'
        HSET d:5 a 'qux bar foo qux' b 'baz bar'
        HSET d:6 a 'foo x qux qux y' b 'baz bar'
    """):
        send(call)
    twin("FT.SEARCH", "x", query, "NOCONTENT", "DIALECT", "2", "SCORER", "TFIDF")
