"""Documents by their keys, and profiles, beside the real server."""

# ruff: noqa: E501 - tables of calls
from __future__ import annotations

from typing import Any

import pytest

import fakeredis
from fakeredis.engine.core.replies import Status
from tests.commands.search.test_search import Send, calls, pytestmark, send, words_of
from tests.support.twin import Twin, same

__all__ = ["pytestmark", "send"]


def test_documents_by_their_keys(twin: Twin, send: Send) -> None:
    for call in calls(r"""
        FT.CREATE x PREFIX 1 d: SCHEMA t TEXT n NUMERIC SORTABLE
        FT.ADD x d:1 1.0 FIELDS t hello n 1
        FT.ADD x d:1 1.0 FIELDS t hello n 1
        FT.ADD x e:1 1.0 FIELDS t hello n 1
        FT.ADD x d:2 0.5 REPLACE FIELDS t hello2 n 2
        FT.ADD x d:2 0.5 REPLACE PARTIAL FIELDS n 3
        HGETALL d:2
        FT.ADD x d:3 0.5 LANGUAGE french PAYLOAD foo FIELDS t bonjour
        HGETALL d:3
        FT.ADD x d:4 2 FIELDS t x
        FT.ADD x d:4 -1 FIELDS t x
        FT.ADD x d:4 inf FIELDS t x
        FT.ADD x d:4 x FIELDS t x
        FT.ADD x d:4 1 FIELDS t
        FT.ADD x d:4 1 FIELDS
        FT.ADD x d:4 1
        FT.ADD x d:4
        FT.ADD
        FT.ADD nope d:4 1 FIELDS t x
        FT.ADD nope d:4 x FOO
        FT.ADD x d:4 1 NOSAVE FIELDS t x
        FT.ADD x d:6 1 LANGUAGE xx FIELDS t x
        FT.ADD x d:6 1 LANGUAGE
        FT.ADD x d:6 1 PAYLOAD
        FT.ADD x d:6 1 IF
        FT.ADD x d:2 1 REPLACE IF @n>100 FIELDS t x
        FT.ADD x d:2 1 REPLACE IF @n==3 FIELDS t y
        FT.ADD x d:2 1 REPLACE IF @n> FIELDS t y
        FT.ADD x d:2 1 REPLACE IF @zz==1 FIELDS t y
        FT.ADD x d:2 1 IF @n> FIELDS t y
        FT.ADD x d:77 1 REPLACE NOCREATE FIELDS t y
        FT.ADD x d:20 1 FIELDS t hello t again
        FT.SAFEADD x d:8 1 FIELDS t safe
        SET str 1
        FT.ADD x str 1 FIELDS t x
        FT.SEARCH x * WITHSCORES SORTBY n
        FT.GET x d:1
        FT.GET x e:1
        FT.GET nope d:1
        FT.GET x
        FT.MGET x d:1 e:1 nope d:2
        FT.MGET x
        FT.DEL x d:1
        FT.DEL x d:1
        FT.DEL x d:3 DD
        FT.DEL x d:2 FOO
        FT.DEL x e:1
        FT.DEL x str
        FT.DEL x
        FT.DEL nope d:1
        EXISTS d:8
    """):
        send(call)


def test_fields_that_are_not_told(twin: Twin, send: Send) -> None:
    for call in calls(r"""
        FT.CREATE x PREFIX 1 d: PAYLOAD_FIELD pp SCORE_FIELD sc LANGUAGE_FIELD la SCHEMA t TEXT n NUMERIC SORTABLE
        FT.CREATE y PREFIX 1 d: SCHEMA t TEXT
        HSET d:1 t hello sc 0.5 la french pp foo __score 0.7 __language german __payload x n 1
        FT.SEARCH x * WITHSCORES WITHPAYLOADS SCORER DOCSCORE
        FT.SEARCH y * WITHSCORES WITHPAYLOADS SCORER DOCSCORE
        FT.SEARCH x * RETURN 2 __score sc
        FT.GET x d:1
        FT.MGET y d:1
        FT.AGGREGATE x * LOAD *
        FT.CREATE z ON JSON PREFIX 1 j: SCHEMA $.t AS t TEXT
        JSON.SET j:1 $ '{"t": "hello"}'
        FT.GET z j:1
        FT.DEL z j:1
    """):
        send(call)


def test_profiles(twin: Twin, send: Send) -> None:
    for call in calls(r"""
        FT.CREATE x PREFIX 1 d: SCHEMA t TEXT n NUMERIC SORTABLE g TAG v VECTOR FLAT 6 TYPE FLOAT32 DIM 1 DISTANCE_METRIC L2
        HSET d:1 t hello n 1 g x v abcd
        HSET d:2 t 'hello world' n 2 g y v abcd
        FT.PROFILE x SEARCH QUERY hello NOCONTENT
        FT.PROFILE x SEARCH LIMITED QUERY 'hel*' NOCONTENT
        FT.PROFILE x SEARCH QUERY 'hel*' SORTBY n
        FT.PROFILE x SEARCH QUERY 'hel*' SORTBY t NOCONTENT
        FT.PROFILE x SEARCH QUERY * NOCONTENT
        FT.PROFILE x SEARCH QUERY '*=>[KNN 2 @v $q]' PARAMS 2 q abcd DIALECT 2 NOCONTENT
        FT.PROFILE x SEARCH QUERY 'hello=>[KNN 2 @v $q]' PARAMS 2 q abcd DIALECT 2 NOCONTENT
        FT.PROFILE x SEARCH QUERY '@v:[VECTOR_RANGE 2 $q]' PARAMS 2 q abcd DIALECT 2 NOCONTENT
        FT.PROFILE x
        FT.PROFILE x SEARCH hello
        FT.PROFILE x SEARCH QUERY
        FT.PROFILE x FOO QUERY hello
        FT.PROFILE nope SEARCH QUERY hello
        FT.PROFILE x AGGREGATE QUERY * WITHCURSOR
        FT.PROFILE x SEARCH QUERY hello WITHSCORES LIMIT 0 0
        FT.PROFILE x SEARCH QUERY * RETURN 0
        FT.PROFILE x SEARCH QUERY * RETURN 1 n
        FT.PROFILE x SEARCH QUERY * RETURN 1 t
        FT.PROFILE x SEARCH QUERY %hallo% NOCONTENT
        FT.PROFILE x SEARCH QUERY "w'h*'" NOCONTENT DIALECT 2
        FT.PROFILE x SEARCH QUERY *lo NOCONTENT DIALECT 2
        FT.PROFILE x SEARCH QUERY '"hello world"' NOCONTENT
        FT.PROFILE x SEARCH QUERY -hello NOCONTENT
        FT.PROFILE x SEARCH QUERY nope NOCONTENT
        FT.PROFILE x AGGREGATE QUERY * LOAD 1 @t
        FT.PROFILE x AGGREGATE QUERY * LOAD *
        FT.PROFILE x AGGREGATE QUERY * LOAD 1 @t APPLY upper(@t) AS u FILTER '@u!="x"'
        FT.PROFILE x AGGREGATE QUERY * APPLY @n AS b APPLY '@n+1' AS c APPLY '@n>1' AS e APPLY '!@n' AS h
        FT.PROFILE x AGGREGATE QUERY * FILTER '@n>0 && @n<9' FILTER 'exists(@n)' FILTER '@n==1||@n==2'
        FT.PROFILE x AGGREGATE QUERY * SORTBY 1 @n
        FT.PROFILE x AGGREGATE QUERY * SORTBY 1 @t
        FT.PROFILE x AGGREGATE QUERY * SORTBY 1 @n LIMIT 0 1
        FT.PROFILE x AGGREGATE QUERY * ADDSCORES SCORER TFIDF
        FT.PROFILE x AGGREGATE QUERY 'hello|world' SORTBY 1 @n
    """):
        if call.startswith("FT.PROFILE"):
            twin._compare(tuple(words_of(call)), lambda fake, real: same(fake, of_a_shard(real)))
        else:
            send(call)


@pytest.mark.parametrize("version", ["8.2", "8.6"])
def test_profiles_of_redis_8(version: str) -> None:
    server = fakeredis.FakeServer(version=version)
    server.execute("FT.CREATE", "x", "SCHEMA", "t", "TEXT")
    server.execute("HSET", "d", "t", "hello")
    reply = server.execute("FT.PROFILE", "x", "SEARCH", "QUERY", "hello", "VERBATIM")
    assert reply[b"Results"][b"total_results"] == 1
    assert reply[b"Profile"][b"Coordinator"] == {}
    (shard,) = reply[b"Profile"][b"Shards"]
    names = [b"Counter", b"Size", b"Counter"] if version == "8.2" else [
        b"Number of reading operations", b"Estimated number of matches", b"Results processed",
    ]
    assert shard[b"Iterators profile"] == {
        b"Type": b"TEXT", b"Term": b"hello", b"Time": 0.0, names[0]: 1, names[1]: 1,
    }
    assert shard[b"Result processors profile"][0] == {b"Type": b"Index", b"Time": 0.0, names[2]: 1}


def test_profiles_in_pairs_before_redis_8() -> None:
    server = fakeredis.FakeServer(version="7.4", modules=["search"])
    server.execute("FT.CREATE", "x", "SCHEMA", "t", "TEXT")
    server.execute("HSET", "d", "t", "hello")
    _, facts = server.session(protocol=2).execute(
        [b"FT.PROFILE", b"x", b"SEARCH", b"QUERY", b"hello", b"VERBATIM"]
    )
    assert facts[:2] == [[b"Total profile time", b"0"], [b"Parsing time", b"0"]]
    assert [each[0] for each in facts[3:]] == [
        b"Warning", b"Iterators profile", b"Result processors profile",
    ]


def of_a_shard(reply: Any) -> Any:
    """What Redis 8 makes of a profile of RediSearch 2.10."""
    if isinstance(reply, dict) and b"profile" in reply:
        facts = reply[b"profile"]
        results = {name: value for name, value in reply.items() if name != b"profile"}
        shard = {**facts, Status(b"Iterators profile"): facts[b"Iterators profile"][0]}
        return {Status(b"Results"): results, Status(b"Profile"): {
            Status(b"Shards"): [shard], Status(b"Coordinator"): {},
        }}
    if not isinstance(reply, list):
        return reply
    results, (*times, warning, (_, iterators), (processors, *several)) = reply
    flat = [word for each in times for word in each]
    flat += [*warning, *([Status(b"None")] if len(warning) == 1 else [])]
    flat += [Status(b"Iterators profile"), parts_together(iterators), processors, several]
    return [results, [Status(b"Shards"), [flat], Status(b"Coordinator"), []]]


def parts_together(part: list[Any]) -> list[Any]:
    """The parts of a part of the query, which follow it one by one, in a list."""
    if b"Child iterators" not in part:
        return [parts_together(each) if isinstance(each, list) else each for each in part]
    at = part.index(b"Child iterators") + 1
    inner = part[at:]
    several = [parts_together(each) for each in inner] if isinstance(inner[0], list) else inner[0]
    return [*part[:at], several]
