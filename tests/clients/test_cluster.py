"""Cluster clients of redis-py on fake clusters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import redis
from redis.asyncio.cluster import RedisCluster as AsyncRedisCluster
from redis.cluster import ClusterNode, RedisCluster
from redis.exceptions import RedisClusterException

import fakeredis
from fakeredis import FakeAsyncRedisCluster, FakeRedis, FakeRedisCluster, FakeServer
from fakeredis.engine.cluster.cluster import Cluster, slot_of
from tests.support.redis_py import needs

KEYS = list("abcdef")


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    yield
    fakeredis.reset()


@pytest.fixture
def client() -> Iterator[FakeRedisCluster]:
    with FakeRedisCluster(server=FakeServer(), decode_responses=True) as client:
        yield client


def test_keys_lie_where_their_slots_are(client: FakeRedisCluster) -> None:
    for key in KEYS:
        client.set(key, key)
    assert [client.get(key) for key in KEYS] == KEYS
    cluster = client.fake_cluster
    for node in cluster.nodes:
        for key in node.server.database(0).data:
            assert cluster.owners[slot_of(key)] is node
    assert {len(node.server.database(0).data) > 0 for node in cluster.nodes} == {True}
    assert client.keyslot("a") == slot_of(b"a") == client.cluster_keyslot("a")


def test_commands_of_several_slots(client: FakeRedisCluster) -> None:
    client.mset_nonatomic({key: key for key in KEYS})
    assert client.mget_nonatomic(KEYS) == KEYS
    assert client.delete(*KEYS[:4]) == 4
    assert client.exists(*KEYS) == 2
    assert client.dbsize(target_nodes=RedisCluster.PRIMARIES) == 2
    assert sorted(client.scan_iter()) == ["e", "f"]
    with pytest.raises(RedisClusterException, match="same key slot"):
        client.sinter("a", "b")


def test_pipelines(client: FakeRedisCluster) -> None:
    with client.pipeline() as pipe:
        pipe.set("a", 1).get("b").incr("a").incr("c")
        assert pipe.execute() == [True, None, 2, 1]
    with client.pipeline() as pipe, pytest.raises(redis.ResponseError):
        pipe.set("a", "x").incr("a").execute()


@needs("cluster_transactions")
def test_transactions(client: FakeRedisCluster) -> None:
    with client.pipeline(transaction=True) as pipe:
        pipe.watch("x{a}")
        pipe.multi()
        pipe.set("x{a}", 1)
        pipe.incr("x{a}")
        assert pipe.execute()[1:] == [2]


def test_messages(client: FakeRedisCluster) -> None:
    with client.pubsub() as all_nodes:
        all_nodes.subscribe("news")
        assert all_nodes.get_message()["type"] == "subscribe"
        client.publish("news", "hello")
        assert all_nodes.get_message()["data"] == "hello"
    with client.pubsub() as shard:
        shard.ssubscribe("news")
        shard.get_sharded_message()
        client.spublish("news", "hello")
        assert shard.get_sharded_message()["data"] == "hello"


def test_locks_and_scripts(client: FakeRedisCluster) -> None:
    with client.lock("lock"):
        assert not client.lock("lock").acquire(blocking=False)
    assert client.register_script("return redis.call('INCR', KEYS[1])")(["n"]) == 1


def test_a_slot_that_moves_is_followed(client: FakeRedisCluster) -> None:
    client.set("{a}1", "x")
    source, *_, target = sorted(
        client.fake_cluster.nodes, key=lambda node: node is not _owner(client, b"a")
    )
    client.delete("{a}1")
    target.server.execute("CLUSTER", "SETSLOT", slot_of(b"a"), "NODE", target.id)
    client.set("{a}1", "y")
    assert target.server.execute("GET", "{a}1") == b"y"
    assert source.server.execute("DBSIZE") == 0
    assert client.get("{a}1") == "y"


def test_a_slot_that_is_moving(client: FakeRedisCluster) -> None:
    source = _owner(client, b"a")
    target = next(node for node in client.fake_cluster.nodes if node is not source)
    slot = slot_of(b"a")
    client.set("{a}here", "x")
    target.server.execute("CLUSTER", "SETSLOT", slot, "IMPORTING", source.id)
    source.server.execute("CLUSTER", "SETSLOT", slot, "MIGRATING", target.id)
    assert client.get("{a}here") == "x"
    client.set("{a}there", "y")
    assert client.get("{a}there") == "y"
    assert target.server.database(0).data[b"{a}there"] == b"y"


def _owner(client: FakeRedisCluster, key: bytes) -> Any:
    return client.fake_cluster.owners[slot_of(key)]


def test_clients_of_an_address_share_a_cluster() -> None:
    FakeRedisCluster().set("a", 1)
    assert FakeRedisCluster(host="127.0.0.1", port=6380).get("a") == b"1"
    assert FakeRedisCluster.from_url("redis://localhost:6379/0").get("a") == b"1"
    assert FakeRedisCluster(port=7000, host="localhost").get("a") is None
    assert FakeRedis().get("a") is None, "outside of patches single servers are others"
    fakeredis.reset()
    assert FakeRedisCluster().get("a") is None


def test_startup_nodes_are_one_cluster_whichever_is_asked() -> None:
    nodes = [("redis-1", 6379), ("redis-2", 6379), ("redis-3", 6379), ("redis-4", 6379)]

    def client(*numbers: int) -> FakeRedisCluster:
        return FakeRedisCluster(startup_nodes=[ClusterNode(*nodes[at]) for at in numbers])

    client(1, 0).mset_nonatomic({key: key for key in KEYS})
    for _ in range(4):  # redis-py asks any of them first
        found = client(3, 0, 1, 2)
        assert found.mget_nonatomic(KEYS) == [key.encode() for key in KEYS]
        assert {(node.host, node.port) for node in found.get_primaries()} <= {
            *nodes, ("redis-2", 6380),
        }


def test_own_servers() -> None:
    server = FakeServer()
    FakeRedisCluster(server=server).set("a", 1)
    assert FakeRedisCluster(server=server, host="elsewhere", port=1).get("a") == b"1"
    assert FakeRedisCluster(version="7.2").info(target_nodes="random")["redis_version"][:3] == "7.2"
    own = Cluster([FakeServer(address=f"n{number}:1") for number in range(2)])
    client = FakeRedisCluster(server=own.nodes[1].server)
    assert client.fake_cluster is own
    client.mset_nonatomic({key: key for key in KEYS})
    assert sum(len(node.server.database(0).data) for node in own.nodes) == len(KEYS)
    used = FakeServer()
    used.execute("SET", "k", "v")
    with pytest.raises(ValueError, match="holds keys"):
        FakeRedisCluster(server=used)


def test_a_cluster_that_is_down() -> None:
    with pytest.raises(RedisClusterException, match="cannot be connected"):
        FakeRedisCluster(connected=False)


def test_arguments_are_redis_pys() -> None:
    with pytest.raises(RedisClusterException):
        FakeRedisCluster(url="redis://localhost:6379/3")
    assert isinstance(FakeRedisCluster(), RedisCluster)
    assert issubclass(FakeAsyncRedisCluster, AsyncRedisCluster)


def test_single_clients_of_a_node_are_sent_elsewhere() -> None:
    server = FakeServer()
    FakeRedisCluster(server=server)
    with FakeRedis(server=server) as client:
        client.set("b", 1)
        # A class of its own since redis-py 6, where there are not only clients of clusters.
        with pytest.raises(redis.ResponseError, match=r"15495 127\.0\.0\.1:6381"):
            client.set("a", 1)
        with pytest.raises(redis.ResponseError, match="SELECT is not allowed"):
            client.execute_command("SELECT", 1)
        pipe = client.pipeline()
        with pytest.raises(redis.RedisError):
            pipe.set("b", 2).set("a", 2).execute()
        assert client.get("b") == b"1"


async def test_asyncio() -> None:
    server = FakeServer()
    async with FakeAsyncRedisCluster(server=server, decode_responses=True) as client:
        for key in KEYS:
            await client.set(key, key)
        assert [await client.get(key) for key in KEYS] == KEYS
        assert await client.mget_nonatomic(KEYS) == KEYS
        pipe = client.pipeline()
        pipe.set("a", 1).incr("a").get("b")
        assert await pipe.execute() == [True, 2, "b"]
        async with client.lock("lock"):
            pass
        assert len(client.get_primaries()) == 3
    with FakeRedisCluster(server=server) as same:
        assert same.get("a") == b"2"


async def test_asyncio_by_address() -> None:
    async with FakeAsyncRedisCluster() as client:
        await client.set("a", 1)
    assert FakeRedisCluster().get("a") == b"1"
    async with FakeAsyncRedisCluster.from_url("redis://localhost:6380") as other:
        assert await other.get("a") == b"1"
    async with FakeAsyncRedisCluster(
        startup_nodes=[redis.asyncio.cluster.ClusterNode("far", 1)], version="7.2"
    ) as far:
        assert await far.get("a") is None
