"""`RedisStore` over a real cluster, over real Sentinels, and over TLS."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import redis.asyncio
import redis.cluster
import redis.sentinel

import fakeredis
from fakeredis.stores import RedisStore
from tests.stores import sets
from tests.stores.listening import listen_and_go_on
from tests.support import servers, tls

pytestmark = [pytest.mark.real, pytest.mark.slow]


@pytest.fixture(scope="module")
def ports() -> Iterator[list[int]]:
    """The ports of a real cluster."""
    if servers.binary() is None:
        pytest.skip(servers.MISSING)
    with sets.cluster() as found:
        yield found.ports


@pytest.fixture
def url(ports: list[int]) -> str:
    return f"redis+cluster://{servers.HOST}:{ports[0]}"


def test_plain_clients_reach_all_nodes(url: str, ports: list[int]) -> None:
    keys = [f"k{number}" for number in range(60)]
    with fakeredis.patch(store=url, spy=True) as fake:
        client = redis.Redis(decode_responses=True)
        for key in keys:
            assert client.set(key, key)
        assert [client.get(key) for key in keys] == keys
        with client.pipeline(transaction=False) as pipe:
            for key in keys:
                pipe.get(key)
            assert pipe.execute() == keys
        counts = [_size(port) for port in ports]
        assert sum(counts) == 60
        assert all(counts)
        assert client.dbsize() == 60
        assert sorted(client.keys("k*")) == sorted(keys)
        assert sorted(client.scan_iter(count=5)) == sorted(keys)
        assert client.randomkey() in keys
        with pytest.raises(redis.ResponseError, match=r"CROSSSLOT|hash to the same slot"):
            client.mget("k1", "k2")
        fake.assert_called_command_once("SET k1 k1")
    assert [_size(port) for port in ports] == [0, 0, 0]


def _size(port: int) -> int:
    with sets.Wire(servers.HOST, port) as wire:
        return int(wire.call(b"DBSIZE"))


def test_transactions_and_scripts(url: str) -> None:
    with fakeredis.patch(store=url):
        client, other = redis.Redis(), redis.Redis()
        with client.pipeline() as pipe:
            pipe.set("{a}1", 1).incr("{a}1").get("{a}1")
            assert pipe.execute() == [True, 2, b"2"]
            pipe.watch("{a}1")
            other.set("{a}1", 5)
            pipe.multi()
            pipe.incr("{a}1")
            with pytest.raises(redis.WatchError):
                pipe.execute()
            pipe.set("k1", 1).set("k2", 2)
            with pytest.raises(redis.ResponseError):
                pipe.execute()
        script = client.register_script("return redis.call('incr', KEYS[1])")
        assert [script(keys=[f"n{number}"]) for number in range(10)] == [1] * 10
        assert client.flushall()
        assert client.dbsize() == 0


@pytest.mark.parametrize("protocol", [2, 3])
def test_waiting_and_messages(url: str, protocol: int) -> None:
    with fakeredis.patch(store=url):
        client = redis.Redis(protocol=protocol)
        timer = threading.Timer(0.1, lambda: redis.Redis().rpush("q", "v"))
        timer.start()
        assert tuple(client.blpop("q", 5)) == (b"q", b"v")
        timer.join()
        with client.pubsub() as listener:
            listener.subscribe("c")
            assert listener.get_message(timeout=5)["data"] == 1
            redis.Redis().publish("c", "x")
            assert listener.get_message(timeout=5)["data"] == b"x"


def test_cluster_clients_work_on_it(url: str, ports: list[int]) -> None:
    with fakeredis.patch(store=url):
        client = redis.cluster.RedisCluster(port=ports[1], decode_responses=True)
        for number in range(20):
            client.set(f"k{number}", number)
        assert client.get("k7") == "7"
        assert {node.port for node in client.get_primaries()} == set(ports)
        assert client.mget_nonatomic("k1", "k2", "k3") == ["1", "2", "3"]
        client.close()


def test_keys_that_move(url: str, ports: list[int]) -> None:
    with fakeredis.patch(store=url):
        client = redis.Redis()
        client.set("moved", 1)
        wires = {port: sets.Wire(servers.HOST, port) for port in ports}
        _move_slot(wires, b"moved")
        assert client.get("moved") == b"1"
        assert client.incr("moved") == 2
        for wire in wires.values():
            wire.close()


def _move_slot(wires: dict[int, Any], key: bytes) -> None:
    """Give a slot with one key to another node."""
    first = next(iter(wires.values()))
    slot = first.call(b"CLUSTER", b"KEYSLOT", key)
    names = {port: wire.call(b"CLUSTER", b"MYID") for port, wire in wires.items()}
    owner = next(
        port for start, end, (_, port, *_), *_ in first.call(b"CLUSTER", b"SLOTS")
        if start <= slot <= end
    )  # fmt: skip
    other = next(port for port in wires if port != owner)
    number = b"%d" % slot
    wires[other].call(b"CLUSTER", b"SETSLOT", number, b"IMPORTING", names[owner])
    wires[owner].call(b"CLUSTER", b"SETSLOT", number, b"MIGRATING", names[other])
    moved = wires[owner].call(
        b"MIGRATE", servers.HOST.encode(), b"%d" % other, key, b"0", b"1000"
    )
    assert moved == b"OK"
    for port in (other, owner, *wires):
        wires[port].call(b"CLUSTER", b"SETSLOT", number, b"NODE", names[other])


def test_a_prefix_in_a_cluster(url: str, ports: list[int]) -> None:
    with redis.cluster.RedisCluster(servers.HOST, ports[0]) as other:
        other.set("foreign", 1)
        with fakeredis.patch(store=RedisStore(url, prefix="p:")):
            client = redis.Redis()
            for number in range(9):
                client.set(f"k{number}", number)
            assert client.dbsize() == len(client.keys()) == len(list(client.scan_iter())) == 9
            assert client.flushall()
            assert client.dbsize() == 0
            client.set("k", 1)
        assert other.keys(target_nodes=other.ALL_NODES) == [b"foreign"]
        other.delete("foreign")


def test_sentinels(clean_real_url: str) -> None:
    if servers.binary() is None:
        pytest.skip(servers.MISSING)
    port = int(clean_real_url.rpartition(":")[2].split("/")[0])
    with sets.sentinel(port) as own:
        with fakeredis.patch(store=f"redis+sentinel://{servers.HOST}:{own}/mymaster/4"):
            redis.Redis().set("k", 1)
            assert redis.Redis().info("server")["tcp_port"] == port
            with sets.Wire(servers.HOST, port) as wire:
                assert b"db4:keys=1" in wire.call(b"INFO", b"keyspace")
            watched = redis.sentinel.Sentinel([("anywhere", 26379)]).master_for("mymaster")
            assert watched.get("k") == b"1"
        with fakeredis.patch(store=f"redis+sentinel://{servers.HOST}:{own}/nope"):
            client = redis.Redis(retry=None)
            with pytest.raises(redis.ConnectionError, match="know no master 'nope'"):
                client.get("k")


@pytest.mark.parametrize("protocol", [2, 3])
def test_connections_that_have_listened(url: str, protocol: int) -> None:
    with fakeredis.patch(store=url):
        listen_and_go_on(protocol)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tls.certificates(tmp_path_factory.mktemp("certificates"))


def test_tls(clean_real_url: str, certificates: Path) -> None:
    port = int(clean_real_url.rpartition(":")[2].split("/")[0])
    with tls.door(port, certificates) as own:
        url = f"rediss://{servers.HOST}:{own}/6?ssl_ca_certs={certificates}/crt"
        with fakeredis.patch(store=url):
            client = redis.Redis()
            assert client.set("k", b"x" * 100_000)
            assert client.get("k") == b"x" * 100_000
            assert client.blpop("none", 0.05) is None
        with (
            fakeredis.patch(store=url.partition("?")[0]),  # nobody vouches for the certificate
            pytest.raises(redis.ConnectionError, match="certificate"),
        ):
            redis.Redis(retry=None).ping()


def test_a_cluster_over_tls(ports: list[int], certificates: Path) -> None:
    with contextlib.ExitStack() as stack:
        doors = [stack.enter_context(tls.door(port, certificates)) for port in ports]
        for port, own in zip(ports, doors, strict=True):
            _announce(port, own)
            stack.callback(_announce, port, 0)
        url = f"rediss+cluster://{servers.HOST}:{doors[0]}?ssl_ca_certs={certificates}/crt"
        sets.until(lambda: all(_announced(port) == set(doors) for port in ports))
        with fakeredis.patch(store=url):
            client = redis.Redis(decode_responses=True)
            keys = [f"k{number}" for number in range(20)]
            for key in keys:
                client.set(key, key)
            assert [client.get(key) for key in keys] == keys
            assert client.dbsize() == 20
    sets.until(lambda: all(_announced(port) == set(ports) for port in ports))


def _announce(port: int, own: int) -> None:
    """Let a node tell clients of another port."""
    with sets.Wire(servers.HOST, port) as wire:
        assert wire.call(b"CONFIG", b"SET", b"cluster-announce-port", b"%d" % own) == b"OK"


def _announced(port: int) -> set[int]:
    with sets.Wire(servers.HOST, port) as wire:
        return {int(row[2][1]) for row in wire.call(b"CLUSTER", b"SLOTS")}
