"""Searches are recorded: their words, the keys of the server's key specs, one by one or not."""

from __future__ import annotations

import pytest
import redis
from redis.commands.search.aggregation import AggregateRequest
from redis.commands.search.field import TagField, TextField
from redis.commands.search.query import Query

import fakeredis
from fakeredis import like


def searched(fake: fakeredis.patch, count: int, pipelined: bool = False) -> None:
    index = redis.Redis().ft("idx")
    index.create_index([TextField("t"), TagField("tag")])
    queries = [Query(f"@tag:{{a{each}}}").no_content() for each in range(count)]
    if pipelined:
        pipeline = index.pipeline()
        for query in queries:
            pipeline.search(query)
        pipeline.execute()
        return
    for query in queries:
        index.search(query)


def test_words_of_searches() -> None:
    with fakeredis.patch(spy=True) as fake:
        searched(fake, 1)
        fake.assert_called_command("FT.SEARCH", "idx", like("@tag:*"), ...)
        fake.assert_called_command("FT.CREATE", "idx", ...)
        fake.assert_not_called_command("FT.SEARCH", "idx", like("@t:*"), ...)
        with pytest.raises(AssertionError, match=r"FT.SEARCH idx @tag:\{a0\}"):
            fake.assert_called_command("FT.SEARCH", "idx", "@tag:{b}", ...)


def test_keys_are_those_of_the_key_specs() -> None:
    with fakeredis.patch(spy=True) as fake:
        r = redis.Redis()
        searched(fake, 1)
        r.ft("idx").aggregate(AggregateRequest("*").load("t"))
        r.ft("idx").aliasadd("other")
        r.execute_command("FT.SUGADD", "texts", "hello", 1)
        calls = list(fake.calls)
        for call in calls:
            assert r.command_getkeys(call.name, *call.args) == list(call.keys)
    found = {call.name: call.keys for call in calls}
    assert found["FT.SEARCH"] == found["FT.AGGREGATE"] == found["FT.CREATE"] == ("idx",)
    assert found["FT.SUGADD"] == ("texts",)


def test_searches_one_by_one() -> None:
    with fakeredis.patch(spy=True) as fake:
        searched(fake, 10)
        with pytest.raises(AssertionError, match=r"FT\.SEARCH was sent 10 times, one"):
            fake.assert_no_n_plus_one()
    with fakeredis.patch(spy=True) as fake:
        searched(fake, 10, pipelined=True)
        fake.assert_no_n_plus_one()
