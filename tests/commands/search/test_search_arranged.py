"""Rows in order and cut, and the options of FT.AGGREGATE, beside the real server."""

# ruff: noqa: E501 - tables of calls
from __future__ import annotations

from typing import Any

import pytest

from tests.commands.search.test_search import Send, calls, pytestmark, send, words_of
from tests.support.twin import Twin, in_order, same

__all__ = ["pytestmark", "send"]


def test_rows_in_order(twin: Twin, send: Send) -> None:
    """There are ten of them, if nobody says otherwise; one arrangement serves all steps between groups."""
    send("FT.CREATE x SCHEMA n NUMERIC SORTABLE k NUMERIC SORTABLE")
    for number in range(15):
        twin("HSET", f"d:{number}", "n", number // 4, "k", number)
    for steps in calls("""
        SORTBY 1 @n
        SORTBY 1 @k
        SORTBY 2 @n DESC
        SORTBY 1 @k MAX 12
        SORTBY 1 @k MAX 0
        SORTBY 1 @k LIMIT 0 12
        SORTBY 1 @k LIMIT 5 20
        SORTBY 1 @n LIMIT 0 0
        SORTBY 1 @k MAX 3 LIMIT 1 1
        LIMIT 2 3 SORTBY 1 @k
        SORTBY 1 @k APPLY @k+1 AS z LIMIT 0 12
        SORTBY 1 @k FILTER @k>1 LIMIT 1 3
        SORTBY 4 @n DESC @k ASC
        SORTBY 4 @n ASC @k DESC LIMIT 0 20
        GROUPBY 1 @k SORTBY 2 @k DESC
        SORTBY 1 @k GROUPBY 1 @n SORTBY 1 @n
        SORTBY 1 @n SORTBY 1 @n
        SORTBY 1 @n LIMIT 0 2 SORTBY 1 @n
        SORTBY 1 @n APPLY 1 AS q SORTBY 1 @n
        LIMIT 0 2 LIMIT 1 3
        LIMIT 0 5 FILTER @k>1 LIMIT 0 2
    """):
        send(f"FT.AGGREGATE x * LOAD 1 @k {steps}")


def test_what_is_known_when(twin: Twin, send: Send) -> None:
    for call in calls("""
        FT.CREATE x PREFIX 1 h: SCHEMA t TEXT n NUMERIC SORTABLE g TAG v VECTOR FLAT 6 TYPE FLOAT32 DIM 1 DISTANCE_METRIC L2
        FT.CREATE j ON JSON PREFIX 1 j: SCHEMA $.t AS t TEXT $.n AS n NUMERIC SORTABLE
        HSET h:1 t 'beta hello' n 1 g x,y zz foo v abcd
        HSET h:2 t 'beta hello world' n 2 g x v abce
        JSON.SET j:1 $ '{"t": "foo", "n": 1}'
        FT.AGGREGATE x * LOAD * APPLY upper(@zz) AS q
        FT.AGGREGATE x * LOAD * GROUPBY 1 @zz
        FT.AGGREGATE x * LOAD * GROUPBY 0 REDUCE SUM 1 @zz
        FT.AGGREGATE x * LOAD * SORTBY 1 @zz
        FT.AGGREGATE j * LOAD * APPLY upper(@t) AS q
        FT.AGGREGATE j * LOAD * GROUPBY 1 @t
        FT.AGGREGATE x hello VERBATIM LOAD 1 @t
        FT.AGGREGATE x hello LOAD 1 @t VERBATIM
        FT.AGGREGATE x hello LOAD 1 @t SCORER TFIDF
        FT.AGGREGATE x hello APPLY 1 AS q LANGUAGE english
        FT.AGGREGATE x hello FILTER @n>0 ADDSCORES
        FT.AGGREGATE x hello SORTBY 1 @n VERBATIM
        FT.AGGREGATE x hello LIMIT 0 1 VERBATIM
        FT.AGGREGATE x hello LOAD 1 @t DIALECT 2 TIMEOUT 100 PARAMS 2 a b
        FT.AGGREGATE x hello GROUPBY 0 HIGHLIGHT
        FT.AGGREGATE x '*=>[KNN 2 @v $q AS d]' PARAMS 2 q abce DIALECT 2
        FT.AGGREGATE x '*=>[KNN 2 @v $q AS d]' PARAMS 2 q abcd DIALECT 2 LOAD 1 @n
        FT.SEARCH x 'beta @n:[1 2]' NOCONTENT SLOP 0
        FT.SEARCH x 'beta @n:[1 2]' NOCONTENT INORDER
        FT.SEARCH x 'beta @g:{x}' NOCONTENT SLOP 0
        FT.SEARCH x 'beta @g:{x|y}' NOCONTENT SLOP 0
        FT.SEARCH x 'beta @g:{x|y}' NOCONTENT INORDER
        FT.SEARCH x '@n:[1 2] @g:{x}' NOCONTENT SLOP 0
        FT.SEARCH x 'beta -foo' NOCONTENT SLOP 0
        FT.SEARCH x 'beta ~foo' NOCONTENT SLOP 0
        FT.SEARCH x 'beta hello -foo' NOCONTENT SLOP 0
        FT.SEARCH x '(hello beta)=>{$slop: 0; $inorder: false}' INORDER NOCONTENT DIALECT 2
        FT.SEARCH x '=>' DIALECT 2
        FT.SEARCH x '*=>[KNN 1' DIALECT 1
        FT.SEARCH x 'a=>[KNN' DIALECT 1
    """):
        words = words_of(call)
        if words[0] == b"FT.AGGREGATE" and b"GROUPBY" in words:
            twin._compare(tuple(words), _in_any_order)
        else:
            send(call)


def _in_any_order(one: Any, other: Any) -> bool:
    return same(in_order(one), in_order(other)) if isinstance(one, list) else same(one, other)


@pytest.mark.parametrize("query", calls(r"""
    -(foo) bar
    -foo bar @n:[1 2]
    ~(foo) @n:[1 2]
    baz -(foo) bar
    baz -foo @n:[1 2]
    -@n:[1 2] bar
    -(foo) | bar
    -foo | bar baz
    -(foo) bar | baz
    -fo* bar
    -@t:foo bar
    (-foo) bar
    -%foo% bar
    ~-foo bar
    @g:{"x"}
    @c:{Ab}
    @g:{Ab cD|*Ef|gH*}
    @c:{Ab cD|*Ef|gH*}
    w'b?r'
    @t:w'b?r'
"""))
@pytest.mark.parametrize("dialect", ["1", "2"])
def test_dialects(twin: Twin, send: Send, query: str, dialect: str) -> None:
    send("FT.CREATE x SCHEMA t TEXT n NUMERIC g TAG c TAG CASESENSITIVE")
    twin("FT.EXPLAIN", "x", query, "DIALECT", dialect)
