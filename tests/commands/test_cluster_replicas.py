"""Replicas in clusters, beside a real master with a real replica."""

from __future__ import annotations

import gc
import re
import shlex
import time
import warnings
from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

import pytest
import redis
from redis.cluster import LoadBalancingStrategy
from redis.exceptions import RedisClusterException

import fakeredis
from fakeredis import FakeAsyncRedisCluster, FakeRedisCluster, FakeServer
from fakeredis.engine.cluster.cluster import Cluster
from tests.support import servers
from tests.support.engines import Server
from tests.support.twin import describe, fake_reply, same
from tests.support.wire import Wire


class Real(NamedTuple):
    """A real cluster: its two nodes."""

    master: servers.RealServer
    replica: servers.RealServer


@pytest.fixture(scope="module")
def real() -> Iterator[Real]:
    if servers.binary(servers.PROFILE) is None:
        pytest.skip(servers.MISSING)
    nodes: list[servers.RealServer] = []
    try:
        for _ in range(2):
            bus = str(servers._free_port())
            nodes.append(servers.RealServer(
                "--cluster-enabled", "yes", "--cluster-port", bus, name=servers.PROFILE
            ))
        _join(*nodes)
        yield Real(*nodes)
    finally:
        for node in nodes:
            node.stop()


def _join(master: servers.RealServer, replica: servers.RealServer) -> None:
    with Wire.to(master.url) as one, Wire.to(replica.url) as two:
        one.call(b"CLUSTER", b"ADDSLOTSRANGE", b"0", b"16383")
        bus = two.call(b"CONFIG", b"GET", b"cluster-port")[1]
        one.call(b"CLUSTER", b"MEET", b"127.0.0.1", b"%d" % replica.port, bus)
        name = one.call(b"CLUSTER", b"MYID")
        _until(lambda: name in two.call(b"CLUSTER", b"NODES"))
        _until(lambda: two.call(b"CLUSTER", b"REPLICATE", name) == b"OK")
        _until(lambda: two.call(b"ROLE")[3:4] == [b"connected"])
        _until(lambda: b",slave" in two.call(b"CLUSTER", b"NODES")
               and b" slave " in one.call(b"CLUSTER", b"NODES"))
        for wire in (one, two):
            _until(partial(_knows_all, wire))


def _knows_all(wire: Wire) -> bool:
    ranges = wire.call(b"CLUSTER", b"SLOTS")
    return (
        bool(ranges) and len(ranges[0]) == 4
        and b"cluster_state:ok" in wire.call(b"CLUSTER", b"INFO")
    )


def _until(holds: Any) -> None:
    until = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.02)


class Node:
    """A client of a node of both clusters."""

    def __init__(self, session: Any, wire: Wire, masks: list[tuple[str, str]]) -> None:
        self.session, self.wire, self.masks = session, wire, masks

    def __call__(self, line: str) -> Any:
        sent = []
        for text in self.masks:
            words = line
            for place, value in zip(("M-ID", "R-ID"), text, strict=True):
                words = words.replace(place, value)
            sent.append([word.encode() for word in shlex.split(words)])
        fake = fake_reply(self.session, sent[0])
        self.wire.send(*sent[1])
        real = self.wire.read()
        shown = [_masked(describe(reply)) for reply in (fake, real)]
        assert shown[0] == shown[1] or same(fake, real), f"{line}\n{shown[0]}\n{shown[1]}"
        return fake


def _masked(text: str) -> str:
    """Without IDs, ports, times and epochs."""
    text = re.sub(r"\d{4,}", "N", re.sub(r"[0-9a-f]{40}", "ID", text))
    return re.sub(r"N \d+ connected", "N E connected", text)


@pytest.fixture(params=[2, 3], ids=["resp2", "resp3"])
def nodes(real: Real, request: Any) -> Iterator[list[Node]]:
    """Clients of the master and of the replica."""
    cluster = Cluster([Server(address="127.0.0.1:6379")])
    replica = cluster.add_replica(cluster.nodes[0])
    wires = [Wire.to(each.url, request.param) for each in real]
    names = tuple(wire.call(b"CLUSTER", b"MYID").decode() for wire in wires)
    masks: Any = [(cluster.nodes[0].id, replica.id), names]
    found = [
        Node(node.server.session(protocol=request.param), wire, masks)
        for node, wire in zip(cluster.nodes, wires, strict=True)
    ]
    yield found
    found[0]("FLUSHALL")
    for wire in wires:
        wire.close()


LINES = """
0 SET a 1
0 WAIT 1 1000
1 GET a
1 READONLY
1 GET a
1 MGET a b
1 SET a 2
1 DEL a
1 EVAL "return redis.call('get', KEYS[1])" 1 a
1 EVAL "return redis.call('set', KEYS[1], 1)" 1 a
1 EVAL "return 1" 0
1 MULTI
1 GET a
1 EXEC
1 MULTI
1 SET a 1
1 EXEC
1 FLUSHALL
1 DBSIZE
1 KEYS *
1 READWRITE
1 GET a
1 READONLY
1 GET a
1 CLUSTER KEYSLOT a
1 CLUSTER COUNTKEYSINSLOT 15495
1 CLUSTER MYSHARDID
0 CLUSTER REPLICAS M-ID
1 CLUSTER REPLICAS R-ID
0 CLUSTER REPLICAS R-ID
0 CLUSTER REPLICAS nosuch
0 CLUSTER SLOTS
1 CLUSTER SLOTS
0 CLUSTER REPLICATE M-ID
0 CLUSTER REPLICATE R-ID
1 CLUSTER REPLICATE R-ID
1 CLUSTER REPLICATE M-ID
1 CLUSTER FORGET M-ID
1 CLUSTER FORGET R-ID
0 CLUSTER FAILOVER
1 CLUSTER FAILOVER NOSUCH
1 CLUSTER ADDSLOTS 1
1 CLUSTER SETSLOT 1 STABLE
1 RESET
1 GET a
1 SPUBLISH a x
"""


def test_a_replica(nodes: list[Node]) -> None:
    wrong = []
    for line in LINES.strip().splitlines():
        if line == "0 WAIT 1 1000":
            nodes[0].wire.call(b"WAIT", b"1", b"1000")
            continue
        try:
            nodes[int(line[0])](line[2:])
        except AssertionError as error:
            wrong.append(str(error).partition("\nassert")[0])
    assert not wrong, "\n".join(wrong)


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """Three masters with a replica each."""
    with FakeRedisCluster(server=FakeServer()) as client:
        found = client.fake_cluster
        for master in list(found.nodes):
            found.add_replica(master)
        yield found
    fakeredis.reset()


def _client(cluster: Cluster, **options: Any) -> Any:
    server: Any = cluster.nodes[-1].server
    return FakeRedisCluster(server=server, decode_responses=True, **options)


def test_clients_read_from_replicas(cluster: Cluster) -> None:
    strategy = LoadBalancingStrategy.ROUND_ROBIN_REPLICAS
    with _client(cluster, load_balancing_strategy=strategy) as client:
        assert len(client.get_primaries()) == len(client.get_replicas()) == 3
        for key in "abcdef":
            client.set(key, key)
        assert [client.get(key) for key in "abcdef" for _ in range(2)] == list("aabbccddeeff")
        pipe = client.pipeline()
        assert pipe.get("a").get("b").execute() == ["a", "b"]
        replicas = [node for node in cluster.nodes if node.master is not None]
        assert sum(each.server.calls[each.server.table.by_name[b"GET"]] for each in replicas) > 0


@pytest.mark.parametrize("takes_over", [True, False])
def test_a_master_that_goes_down(cluster: Cluster, takes_over: bool) -> None:
    """A replica takes over; without one the client gives up."""
    with _client(cluster) as client:
        client.set("a", 1)
        client.set("b", 2)
        owner: Any = cluster.owners[15495]
        assert owner is not None
        if not takes_over:
            next(node for node in cluster.nodes if node.master is owner).server.connected = False
        owner.server.connected = False
        if not takes_over:
            with pytest.raises((RedisClusterException, redis.ConnectionError)):
                client.get("a")
            return
        assert client.get("a") == "1"
        assert client.incr("a") == 2
        new: Any = cluster.owners[15495]
        assert new is not owner
        assert owner.master is new
        owner.server.connected = True
        assert client.get("a") == "2"
        assert owner.server.execute("ROLE")[0] == b"slave"


def test_a_failover_by_hand(cluster: Cluster) -> None:
    with _client(cluster) as client:
        client.set("a", 1, px=60_000)
        old: Any = cluster.owners[15495]
        replica: Any = next(node for node in cluster.nodes if node.master is old)
        listener = replica.server.session()
        listener.execute([b"READONLY"])
        replica.server.execute("CLUSTER", "FAILOVER")
        assert cluster.owners[15495] is replica
        assert client.incr("a") == 2
        assert listener.execute([b"GET", b"a"]) == b"2"
        assert client.pttl("a") > 0
        assert old.master is replica
        assert replica.master is None


def test_a_node_becomes_a_replica_by_commands(cluster: Cluster) -> None:
    node: Any = cluster.add_replica(cluster.nodes[0])
    with _client(cluster):
        node.server.execute("CLUSTER", "RESET")
        assert node.master is None
        assert node.server.execute("DBSIZE") == 0
        node.server.execute("CLUSTER", "REPLICATE", cluster.nodes[1].id)
        assert node.shard == cluster.nodes[1].shard
        assert node.server.execute("INFO", "replication").find(b"role:slave") > 0


async def test_asyncio_reads_from_replicas(cluster: Cluster) -> None:
    server: Any = cluster.nodes[0].server
    strategy = LoadBalancingStrategy.ROUND_ROBIN_REPLICAS
    async with FakeAsyncRedisCluster(server=server, load_balancing_strategy=strategy) as client:
        await client.set("a", 1)
        assert [await client.get("a") for _ in range(4)] == [b"1"] * 4
        owner: Any = cluster.owners[15495]
        owner.server.connected = False
        assert await client.incr("a") == 2
        assert cluster.owners[15495] is not owner
    del client
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()  # redis-py 7 forgets to disconnect from the node that has failed


def test_shard_channels_reach_replicas(cluster: Cluster) -> None:
    owner: Any = cluster.owners[15495]
    replica: Any = next(node for node in cluster.nodes if node.master is owner)
    listener = replica.server.session()
    listener.execute([b"SSUBSCRIBE", b"a"])
    listener.outbox.clear()
    assert owner.server.execute("SPUBLISH", "a", "x") == 0
    assert list(listener.outbox.popleft()) == [b"smessage", b"a", b"x"]
