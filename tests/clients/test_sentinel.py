"""Sentinel clients of redis-py on fake servers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis
from redis.sentinel import MasterNotFoundError, Sentinel

import fakeredis
from fakeredis import FakeAsyncSentinel, FakeSentinel, FakeServer
from tests.support.redis_py import needs


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    yield
    fakeredis.reset()


def test_each_name_is_a_server() -> None:
    sentinel = FakeSentinel([("localhost", 26379), ("other", 26379)], min_other_sentinels=1)
    one, two = sentinel.master_for("one"), sentinel.master_for("two", decode_responses=True)
    one.set("k", 1)
    two.set("k", 2)
    assert sentinel.slave_for("one").get("k") == b"1"
    assert FakeSentinel().master_for("two").get("k") == b"2"
    assert two.get("k") == "2"
    assert sentinel.discover_master("one") == ("one", 6379)
    assert sentinel.discover_slaves("one") == []
    assert isinstance(sentinel, Sentinel)


@needs("sentinel")
def test_what_sentinels_tell() -> None:
    sentinel = FakeSentinel()
    sentinel.discover_master("mine")
    client = sentinel.sentinels[0]
    assert client.sentinel_get_master_addr_by_name("mine") == (b"mine", 6379)
    assert client.sentinel_get_master_addr_by_name("unknown") is None
    assert client.sentinel_masters()["mine"]["is_master"]
    assert client.sentinel_master("mine")["name"] == "mine"
    assert client.sentinel_slaves("mine") == client.sentinel_sentinels("mine") == []
    with pytest.raises(redis.ResponseError, match="No such master with that name"):
        client.sentinel_master("unknown")


def test_own_servers() -> None:
    server = FakeServer()
    FakeSentinel(server=server).master_for("any").set("k", 1)
    assert server.execute("GET", "k") == b"1"
    old = FakeSentinel(version="7.2")
    assert old.master_for("a").info()["redis_version"].startswith("7.2")
    assert old.master_for("a") is not FakeSentinel().master_for("a")


def test_a_master_that_is_down() -> None:
    sentinel = FakeSentinel(server=(server := FakeServer()))
    assert sentinel.discover_master("m")
    server.connected = False
    with pytest.raises(MasterNotFoundError):
        sentinel.discover_master("m")


async def test_asyncio() -> None:
    sentinel = FakeAsyncSentinel([("localhost", 26379)])
    async with sentinel.master_for("one") as one:
        await one.set("k", 1)
    async with sentinel.slave_for("one") as replica:
        assert await replica.get("k") == b"1"
    assert await sentinel.discover_master("one") == ("one", 6379)
    assert FakeSentinel().master_for("one").get("k") == b"1"
    server = FakeServer()
    async with FakeAsyncSentinel(server=server).master_for("x") as client:
        await client.set("k", 2)
    assert server.execute("GET", "k") == b"2"
