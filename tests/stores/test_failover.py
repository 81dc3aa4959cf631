"""`RedisStore` over clusters and services whose masters change."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import redis.asyncio
import redis.cluster
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import ConstantBackoff
from redis.retry import Retry

import fakeredis
from fakeredis.stores import RedisStore, StoreError
from tests.stores import sets
from tests.support import servers, tls

pytestmark = [pytest.mark.real, pytest.mark.slow]

# redis-py below 8 has the network's own error where it makes a connection.
_LOST = (redis.ConnectionError, OSError)
KEYS = [f"k{number}" for number in range(40)]


@pytest.fixture(scope="module")
def cluster() -> Iterator[sets.Cluster]:
    """Three masters with a replica each."""
    if servers.binary() is None:
        pytest.skip(servers.MISSING)
    with sets.cluster(replicas=True) as found:
        yield found


@pytest.fixture
def shards(cluster: sets.Cluster) -> list[tuple[int, int]]:
    """The ports of each master and its replica, where both are up.

    There is one at least.  Masters do not vote soon again for another master of the same shard, so
    tests had better not all use one.
    """
    found: list[tuple[int, int]] = []

    def look() -> bool:
        found[:] = [(master, others[0]) for master, others in cluster.shards() if others]
        return bool(found) and all(_follows(cluster, *each) for each in found)

    sets.until(look)
    return found


def _follows(cluster: sets.Cluster, master: int, replica: int) -> bool:
    said = cluster.call(replica, "INFO", "replication")
    return b"master_port:%d\r" % master in said and b"master_link_status:up" in said


def _url(cluster: sets.Cluster, port: int | None = None) -> str:
    return f"redis+cluster://{servers.HOST}:{cluster.ports[-1] if port is None else port}"


def _patient(kind: Any = Retry) -> dict[str, Any]:
    """Arguments of a client that tries for twenty seconds, whatever is lost."""
    return {
        "retry": kind(ConstantBackoff(0.05), 400, supported_errors=_LOST),
        "retry_on_error": [*_LOST],
    }


def _is_master(cluster: sets.Cluster, port: int) -> bool:
    return b"role:master" in cluster.call(port, "INFO", "replication")


def _fail_over(cluster: sets.Cluster, shard: tuple[int, int]) -> None:
    master, replica = shard
    sets.until(lambda: cluster.call(replica, "CLUSTER", "FAILOVER") == b"OK")
    sets.until(lambda: _is_master(cluster, replica))
    sets.until(lambda: not _is_master(cluster, master))


def test_a_failover_by_command(cluster: sets.Cluster, shards: list[tuple[int, int]]) -> None:
    shard = shards[0]
    with fakeredis.patch(store=_url(cluster)):
        client = redis.Redis(decode_responses=True)
        key = next(key for key in KEYS if _served_by(cluster, key) == shard[0])
        for each in KEYS:
            client.set(each, each)
        _fail_over(cluster, shard)
        with client.pipeline() as pipe:
            assert pipe.incr(f"{{{key}}}n").get(key).execute() == [1, key]
        assert [client.get(each) for each in KEYS] == KEYS
        assert client.dbsize() == len(KEYS) + 1
        assert redis.Redis().get(key) == key.encode()
        assert client.flushall()
        assert client.dbsize() == 0


def _served_by(cluster: sets.Cluster, key: str) -> int:
    port = cluster.ports[-1]
    slot = cluster.call(port, "CLUSTER", "KEYSLOT", key)
    rows = cluster.call(port, "CLUSTER", "SLOTS")
    return next(int(row[2][1]) for row in rows if row[0] <= slot <= row[1])


def test_a_failover_in_the_middle_of_all(
    cluster: sets.Cluster, shards: list[tuple[int, int]]
) -> None:
    """Sessions that listen go on; those that wait or watch are told, as by the server."""
    shard = shards[0]
    with fakeredis.patch(store=_url(cluster)):
        client = redis.Redis()
        key = next(key for key in KEYS if _served_by(cluster, key) == shard[0])
        waited: list[Any] = []

        def wait() -> None:
            try:
                redis.Redis().blpop(key, 20)
            except redis.ResponseError as error:
                waited.append(str(error))

        thread = threading.Thread(target=wait)
        thread.start()
        sets.until(lambda: b"blocked_clients:1" in cluster.call(shard[0], "INFO", "clients"))
        with redis.Redis().pipeline() as pipe, client.pubsub() as listener:
            listener.subscribe("c")
            assert listener.get_message(timeout=30)["data"] == 1
            pipe.watch(f"{{{key}}}w")
            pipe.multi()
            pipe.set(f"{{{key}}}w", 1)
            _fail_over(cluster, shard)
            with pytest.raises(redis.RedisError):
                pipe.execute()
            thread.join(20)
            assert "UNBLOCKED" in waited[0]
            client.publish("c", "x")
            assert listener.get_message(timeout=30)["data"] == b"x"


@pytest.mark.parametrize("first", [False, True], ids=["another", "of-the-url"])
def test_a_master_that_is_killed(
    cluster: sets.Cluster, shards: list[tuple[int, int]], first: bool
) -> None:
    master, replica = shards[-1]
    with fakeredis.patch(store=_url(cluster, master if first else None)):
        client = redis.Redis(decode_responses=True, **_patient())
        for key in KEYS:
            client.set(key, key)
        key = next(key for key in KEYS if _served_by(cluster, key) == master)
        sets.until(lambda: cluster.call(master, "WAIT", "1", "1000") == 1)
        cluster.kill(master)
        assert client.get(key) == key
        assert [client.get(each) for each in KEYS] == KEYS
        sets.until(lambda: _served_by(cluster, key) == replica)  # as that node has heard by then

        async def ask() -> list[Any]:
            async with redis.asyncio.Redis(**_patient(AsyncRetry)) as other:
                return [await other.get(each) for each in KEYS]

        assert asyncio.run(ask()) == [each.encode() for each in KEYS]
    assert sum(cluster.call(port, "DBSIZE") for port, _ in cluster.shards()) == 0


def test_a_cluster_of_which_nobody_answers() -> None:
    port = servers._free_port()
    with (
        fakeredis.patch(store=f"redis+cluster://{servers.HOST}:{port}"),
        pytest.raises(redis.ConnectionError, match="refused"),
    ):
        redis.Redis(retry=None).ping()


def test_a_server_that_is_no_node(clean_real_url: str) -> None:
    with (
        fakeredis.patch(store=RedisStore(clean_real_url, cluster=True)),
        pytest.raises(StoreError, match="Cluster mode is not enabled"),
    ):
        redis.Redis(retry=None).ping()


def test_sentinels_name_another_master() -> None:
    if servers.binary() is None:
        pytest.skip(servers.MISSING)
    with sets.pair() as (master, replica), sets.sentinel(master.port) as port:
        at = f"{servers.HOST}:{servers._free_port()},{servers.HOST}:{port}"  # one is down
        with fakeredis.patch(store=f"redis+sentinel://{at}/mymaster/2"):
            client = redis.Redis(**_patient())
            client.set("k", 1)
            sets.until(lambda: _called(master.port, "WAIT", "1", "1000") == 1)
            sets.until(lambda: _called(port, "SENTINEL", "FAILOVER", "mymaster") == b"OK")
            where = ("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "mymaster")
            sets.until(lambda: _called(port, *where)[1] == str(replica.port).encode())
            master.stop()
            assert client.get("k") == b"1"
            assert client.incr("k") == 2
            assert client.info("server")["tcp_port"] == replica.port


def test_sentinels_behind_tls(tmp_path: Path) -> None:
    """A Sentinel tells the address by which it watches the master itself: the door's."""
    if servers.binary() is None:
        pytest.skip(servers.MISSING)
    folder = tls.certificates(tmp_path)
    with (
        sets.pair() as (master, _), tls.door(master.port, folder) as door,
        sets.sentinel(door) as port, tls.door(port, folder) as own,
    ):
        sets.until(lambda: _called(port, "SENTINEL", "CKQUORUM", "mymaster")[:2] == b"OK")
        at = f"{servers.HOST}:{servers._free_port()},{servers.HOST}:{own}"  # one is down
        url = f"rediss+sentinel://{at}/mymaster/2?ssl_ca_certs={folder}/crt"
        with fakeredis.patch(store=url):
            client = redis.Redis()
            assert client.set("k", b"x" * 100_000)
            assert client.get("k") == b"x" * 100_000
            assert client.info("server")["tcp_port"] == master.port
            assert client.blpop("none", 0.05) is None
        with (
            fakeredis.patch(store=url.partition("?")[0]),  # nobody vouches for the certificate
            pytest.raises(redis.ConnectionError, match="certificate"),
        ):
            redis.Redis(retry=None).ping()


def _called(port: int, *words: str) -> Any:
    with sets.Wire(servers.HOST, port) as wire:
        return wire.call(*(word.encode() for word in words))
