"""Cluster and Sentinel clients inside of a patch."""

from __future__ import annotations

import pytest
import redis
import redis.asyncio.cluster
import redis.asyncio.sentinel
import redis.cluster
import redis.sentinel
from redis.cluster import ClusterNode
from redis.cluster import RedisCluster as Imported
from redis.exceptions import RedisClusterException
from redis.sentinel import Sentinel as ImportedSentinel

import fakeredis

REAL = (
    redis.cluster.RedisCluster, redis.asyncio.cluster.RedisCluster, redis.sentinel.Sentinel,
    redis.asyncio.sentinel.Sentinel,
)


def _places() -> tuple[type, ...]:
    return (
        redis.cluster.RedisCluster, redis.asyncio.cluster.RedisCluster, redis.sentinel.Sentinel,
        redis.asyncio.sentinel.Sentinel,
    )


def test_names() -> None:
    with fakeredis.patch():
        assert all(
            place is fake
            for place, fake in zip(
                _places(),
                (
                    fakeredis.FakeRedisCluster, fakeredis.FakeAsyncRedisCluster,
                    fakeredis.FakeSentinel, fakeredis.FakeAsyncSentinel,
                ),
                strict=True,
            )
        )
        assert Imported is redis.RedisCluster is fakeredis.FakeRedisCluster
        assert ImportedSentinel is redis.Sentinel is fakeredis.FakeSentinel
        assert isinstance(Imported(), REAL[0])
    assert all(place is real for place, real in zip(_places(), REAL, strict=True))


def test_cluster(no_network: None, names: bool) -> None:
    with fakeredis.patch(names=names, spy=True) as fake:
        with redis.RedisCluster(host="redis", port=7000) as client:
            client.set("a", 1)
            client.set("b", 2)
            assert client.get("a") == b"1"
        with Imported(startup_nodes=[ClusterNode("redis", 7001)]) as other:
            assert other.get("b") == b"2"
        assert set(fake.servers) == {"redis:7000", "redis:7001", "redis:7002"}
        fake.assert_called_command("SET", "a", "1")
        assert redis.Redis(host="redis", port=8000).set("a", 1), "other servers are single ones"


def test_a_cluster_of_the_real_class_by_another_way(no_network: None) -> None:
    with (
        fakeredis.patch(clients={"redis.cluster"}),
        REAL[0].from_url("redis://localhost:6379") as client,
    ):
        client.set("a", 1)
        assert client.get("a") == b"1"


def test_a_server_with_keys_is_no_cluster(no_network: None, names: bool) -> None:
    with fakeredis.patch(names=names):
        redis.Redis().set("a", 1)
        with pytest.raises(RedisClusterException, match="Cluster mode is not enabled"):
            redis.RedisCluster(host="localhost")


def test_one_server_for_all_addresses(no_network: None, names: bool) -> None:
    server = fakeredis.FakeServer()
    with fakeredis.patch(server=server, names=names):
        with redis.RedisCluster(host="redis") as client:
            client.set("a", 1)
        assert server.execute("GET", "a") == b"1"


async def test_asyncio_cluster(no_network: None, names: bool) -> None:
    with fakeredis.patch(names=names):
        async with redis.asyncio.cluster.RedisCluster(host="redis") as client:
            await client.set("a", 1)
        with redis.RedisCluster(host="redis") as same:
            assert same.get("a") == b"1"


def test_sentinel(no_network: None, names: bool) -> None:
    with fakeredis.patch(names=names) as fake:
        sentinel = redis.sentinel.Sentinel([("sentinel-1", 26379), ("sentinel-2", 26379)])
        sentinel.master_for("mymaster").set("k", 1)
        assert ImportedSentinel([("sentinel-1", 26379)]).slave_for("mymaster").get("k") == b"1"
        assert sentinel.master_for("other").get("k") is None
        assert fake.server("mymaster:6379").execute("GET", "k") == b"1"


async def test_sentinels_made_before(no_network: None, names: bool) -> None:
    before = redis.sentinel.Sentinel([("before", 26379)])
    master = before.master_for("mymaster")
    before_async = redis.asyncio.sentinel.Sentinel([("before", 26379)])
    with fakeredis.patch(names=names):
        assert before.master_for("mymaster").set("k", 1)
        assert master.get("k") == b"1"
        async with before_async.master_for("mymaster") as client:
            assert await client.get("k") == b"1"


async def test_asyncio_sentinel(no_network: None, names: bool) -> None:
    with fakeredis.patch(names=names):
        sentinel = redis.asyncio.sentinel.Sentinel([("sentinel-1", 26379)])
        async with sentinel.master_for("mymaster") as client:
            await client.set("k", 1)
            assert await client.get("k") == b"1"


def test_services_are_servers_of_their_own_where_addresses_are_given(no_network: None) -> None:
    with fakeredis.patch(addresses={"sentinel:26379"}):
        sentinel = redis.sentinel.Sentinel([("sentinel", 26379)])
        assert sentinel.master_for("mymaster").set("k", 1)
