"""FT.DEBUG, beside the real server."""

# ruff: noqa: E501 - tables of calls
from __future__ import annotations

import pytest

import fakeredis
from fakeredis.errors import CommandError
from tests.commands.search.test_search import Send, calls, pytestmark, send
from tests.support.twin import Twin

__all__ = ["pytestmark", "send"]


def test_what_stands_in_an_index(twin: Twin, send: Send) -> None:
    for call in calls(r"""
        FT.CREATE x PREFIX 1 d: SCORE_FIELD sc PAYLOAD_FIELD pay SCHEMA t TEXT u TEXT WITHSUFFIXTRIE WEIGHT 2 n NUMERIC g TAG WITHSUFFIXTRIE SEPARATOR ; SORTABLE k TAG CASESENSITIVE v TAG u AS w TEXT SORTABLE UNF m AS o NUMERIC SORTABLE
        FT.DEBUG
        FT.DEBUG FOO
        FT.DEBUG HELP
        FT.DEBUG help x
        FT.DEBUG GIT_SHA
        FT.DEBUG DUMP_TAGIDX x g
        FT.DEBUG DUMP_TERMS x
        HSET d:1 t "hello running" u "running fast x" n 1 g "Xyz;y" pay p sc 0.5 k "Xyz,b" m 1.5
        HSET d:2 t world u b n 2 g x
        HSET d:3 n 2
        HSET e:1 n 2
        FT.ALIASADD a x
        FT.DEBUG DUMP_TERMS x
        FT.DEBUG DUMP_TERMS a
        FT.DEBUG DUMP_TERMS
        FT.DEBUG DUMP_TERMS x b
        FT.DEBUG DUMP_TERMS nope
        FT.DEBUG DUMP_INVIDX x hello
        FT.DEBUG DUMP_INVIDX x running
        FT.DEBUG DUMP_INVIDX x +run
        FT.DEBUG DUMP_INVIDX x HELLO
        FT.DEBUG DUMP_INVIDX x nope
        FT.DEBUG DUMP_INVIDX nope x
        FT.DEBUG DUMP_INVIDX x
        FT.DEBUG DUMP_TAGIDX x g
        FT.DEBUG DUMP_TAGIDX x k
        FT.DEBUG DUMP_TAGIDX x v
        FT.DEBUG DUMP_TAGIDX x t
        FT.DEBUG DUMP_TAGIDX x zz
        FT.DEBUG DUMP_TAGIDX nope g
        FT.DEBUG DUMP_TAGIDX x
        FT.DEBUG INFO_TAGIDX x g
        FT.DEBUG INFO_TAGIDX x v
        FT.DEBUG INFO_TAGIDX x zz
        FT.DEBUG INFO_TAGIDX x
        FT.DEBUG INFO_TAGIDX x g COUNT_VALUE_ENTRIES
        FT.DEBUG INFO_TAGIDX x g LIMIT 2
        FT.DEBUG INFO_TAGIDX x g LIMIT 2 count_value_entries
        FT.DEBUG INFO_TAGIDX x g OFFSET 1 LIMIT 5 DUMP_ID_ENTRIES
        FT.DEBUG INFO_TAGIDX x g OFFSET 9 LIMIT 5 DUMP_ID_ENTRIES COUNT_VALUE_ENTRIES
        FT.DEBUG INFO_TAGIDX x g LIMIT
        FT.DEBUG INFO_TAGIDX x v LIMIT x
        FT.DEBUG INFO_TAGIDX x g LIMIT -1
        FT.DEBUG INFO_TAGIDX x zz FOO
        FT.DEBUG DUMP_SUFFIX_TRIE x
        FT.DEBUG DUMP_SUFFIX_TRIE x g
        FT.DEBUG DUMP_SUFFIX_TRIE x k
        FT.DEBUG DUMP_SUFFIX_TRIE x v
        FT.DEBUG DUMP_SUFFIX_TRIE x t
        FT.DEBUG DUMP_SUFFIX_TRIE x zz
        FT.DEBUG DUMP_SUFFIX_TRIE nope
        FT.DEBUG DUMP_SUFFIX_TRIE
        FT.DEBUG DUMP_SUFFIX_TRIE x g g
        FT.DEBUG IDTODOCID x 1
        FT.DEBUG IDTODOCID x 9
        FT.DEBUG IDTODOCID x 0
        FT.DEBUG IDTODOCID x -1
        FT.DEBUG IDTODOCID x 1.5
        FT.DEBUG IDTODOCID nope 1
        FT.DEBUG IDTODOCID x
        FT.DEBUG DOCIDTOID x d:2
        FT.DEBUG DOCIDTOID x e:1
        FT.DEBUG DOCIDTOID nope d:2
        FT.DEBUG DOCIDTOID x
        FT.DEBUG DOCINFO x d:1
        FT.DEBUG DOCINFO x d:2 more
        FT.DEBUG DOCINFO x d:3
        FT.DEBUG DOCINFO x e:1
        FT.DEBUG DOCINFO nope d:1
        FT.DEBUG DOCINFO x
        FT.CREATE y PREFIX 1 z: NOOFFSETS SCHEMA t TEXT
        HSET z:1 t hello
        FT.DEBUG DUMP_SUFFIX_TRIE y
        FT.DEBUG DOCINFO y z:1
        COMMAND INFO FT.DEBUG|TTL
    """):
        send(call)


def test_documents_that_are_sorted(twin: Twin, send: Send) -> None:
    for call in calls(r"""
        FT.CREATE x ON JSON SCHEMA $.t AS t TEXT SORTABLE $.n as n NUMERIC SORTABLE $.b AS b TAG SORTABLE $.z AS z TEXT SORTABLE
        JSON.SET d:1 $ '{"t":"Hello A","n":1.5,"b":true}'
        FT.DEBUG DOCINFO x d:1
    """):
        send(call)


def test_what_is_cleared_away(twin: Twin, send: Send) -> None:
    for call in calls(r"""
        FT.CREATE x SCHEMA n NUMERIC
        FT.DEBUG GC_FORCEINVOKE x
        FT.DEBUG GC_FORCEINVOKE x 10
        FT.DEBUG GC_FORCEINVOKE x 10 20
        FT.DEBUG GC_FORCEINVOKE nope
        FT.DEBUG GC_FORCEBGINVOKE x y
        FT.DEBUG GC_FORCEBGINVOKE nope
        FT.DEBUG GC_FORCEBGINVOKE
        FT.DEBUG GC_CLEAN_NUMERIC x n
        FT.DEBUG GC_CLEAN_NUMERIC x n m
        FT.DEBUG GC_CLEAN_NUMERIC nope n
        FT.DEBUG GC_STOP_SCHEDULE x
        FT.DEBUG GC_STOP_SCHEDULE x
        FT.DEBUG GC_CONTINUE_SCHEDULE x
        FT.DEBUG GC_CONTINUE_SCHEDULE x
        FT.DEBUG GC_STOP_SCHEDULE nope
        FT.DEBUG GC_CONTINUE_SCHEDULE nope
        FT.DEBUG GC_STOP_SCHEDULE
        FT.DEBUG GC_CONTINUE_SCHEDULE
        FT.DEBUG GC_WAIT_FOR_JOBS
        FT.DEBUG DELETE_LOCAL_CURSORS
        FT.DEBUG DELETE_LOCAL_CURSORS x
    """):
        send(call)


def test_indexes_for_a_time(twin: Twin, send: Send) -> None:
    for call in calls(r"""
        FT.CREATE x TEMPORARY 1000 SCHEMA t TEXT
        FT.CREATE y SCHEMA t TEXT
        FT.ALIASADD a x
        FT.DEBUG TTL_PAUSE y
        FT.DEBUG TTL_EXPIRE y
        FT.DEBUG TTL y
        FT.DEBUG TTL nope
        FT.DEBUG TTL
        FT.DEBUG TTL_PAUSE a
        FT.DEBUG TTL_PAUSE x
        FT.DEBUG TTL x
        FT.SEARCH x hello
        FT.DEBUG TTL_EXPIRE x
    """):
        send(call)


def test_how_long_an_index_stays() -> None:
    server = fakeredis.FakeServer()
    server.execute("FT.CREATE", "x", "TEMPORARY", "1000", "SCHEMA", "t", "TEXT")
    server.advance(10)
    assert 980 < server.execute("FT.DEBUG", "TTL", "x") < 990
    server.execute("FT.DEBUG", "TTL_PAUSE", "x")
    server.advance(2000)
    assert server.execute("FT.DEBUG", "TTL", "x") == 0
    server.execute("FT.SEARCH", "x", "hello")
    assert 990 < server.execute("_FT.DEBUG", "TTL", "x") < 1000
    server.execute("FT.DEBUG", "TTL_EXPIRE", "x")
    with pytest.raises(CommandError, match="no such index"):
        server.execute("FT.SEARCH", "x", "hello")


def test_the_other_name_came_with_redis_8() -> None:
    older = fakeredis.FakeServer(version="7.4", modules=["search"])
    with pytest.raises(CommandError, match="unknown command"):
        older.execute("_FT.DEBUG", "HELP")
    assert b"DUMP_TERMS" in older.execute("FT.DEBUG", "HELP")
