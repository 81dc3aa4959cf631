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
from fakeredis.engine.core.replies import Status
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
            assert listener.get_message(timeout=30)["data"] == 1
            redis.Redis().publish("c", "x")
            assert listener.get_message(timeout=30)["data"] == b"x"


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
    _migrate(wires, *_begin_to_move(wires, key), key)
    _end_moving(wires, key)


def _begin_to_move(wires: dict[int, Any], key: bytes) -> tuple[int, int]:
    """Let a key's slot be on its way; from which node to which."""
    first = next(iter(wires.values()))
    slot = first.call(b"CLUSTER", b"KEYSLOT", key)
    names = {port: wire.call(b"CLUSTER", b"MYID") for port, wire in wires.items()}
    owner = _owner(first, slot)
    assert owner is not None
    other = next(port for port in wires if port != owner)
    number = b"%d" % slot
    wires[other].call(b"CLUSTER", b"SETSLOT", number, b"IMPORTING", names[owner])
    wires[owner].call(b"CLUSTER", b"SETSLOT", number, b"MIGRATING", names[other])
    return owner, other


def _owner(wire: Any, slot: int) -> int | None:
    """The port of a slot's master, as a node knows it."""
    for start, end, (_, port, *_), *_ in wire.call(b"CLUSTER", b"SLOTS"):
        if start <= slot <= end:
            return int(port)
    return None


def _migrate(wires: dict[int, Any], owner: int, other: int, key: bytes) -> None:
    said = b"MIGRATE", servers.HOST.encode(), b"%d" % other, key, b"0", b"1000"
    assert wires[owner].call(*said) == b"OK"


def _end_moving(wires: dict[int, Any], key: bytes) -> None:
    """Let a slot be the node's that imports it."""
    for port, wire in wires.items():
        if b"-<-" in wire.call(b"CLUSTER", b"NODES"):
            name, first = wire.call(b"CLUSTER", b"MYID"), port
    slot = b"%d" % wires[first].call(b"CLUSTER", b"KEYSLOT", key)
    for port in (first, *wires):
        wires[port].call(b"CLUSTER", b"SETSLOT", slot, b"NODE", name)


def test_keys_on_their_way(url: str, ports: list[int]) -> None:
    with contextlib.ExitStack() as stack:
        client = stack.enter_context(fakeredis.patch(store=url)).client()
        client.mset({"{w}1": 1, "{w}2": 2})
        wires = {port: sets.Wire(servers.HOST, port) for port in ports}
        for wire in wires.values():
            stack.callback(wire.close)
        owner, other = _begin_to_move(wires, b"{w}1")
        _migrate(wires, owner, other, b"{w}1")
        assert client.get("{w}1") == b"1"  # where it goes
        assert client.get("{w}2") == b"2"  # where it still is
        timer = threading.Timer(0.1, _migrate, (wires, owner, other, b"{w}2"))
        timer.start()
        assert client.mget("{w}1", "{w}2") == [b"1", b"2"]  # once both are in one place
        timer.join()
        _end_moving(wires, b"{w}1")
        assert client.mget("{w}1", "{w}2") == [b"1", b"2"]
        with client.pipeline() as pipe:
            assert pipe.incr("{w}1").incr("{w}2").execute() == [2, 3]


def test_a_slot_that_nobody_serves(url: str, ports: list[int]) -> None:
    with contextlib.ExitStack() as stack:
        client = stack.enter_context(fakeredis.patch(store=url)).client()
        wires = {port: sets.Wire(servers.HOST, port) for port in ports}
        for wire in wires.values():
            stack.callback(wire.close)
        slot = b"%d" % wires[ports[0]].call(b"CLUSTER", b"KEYSLOT", b"down")
        owner = _owner(wires[ports[0]], int(slot))
        assert owner is not None
        stack.callback(wires[owner].call, b"CLUSTER", b"ADDSLOTS", slot)  # in any case
        for wire in wires.values():
            assert wire.call(b"CLUSTER", b"DELSLOTS", slot) == b"OK"
        with pytest.raises(redis.exceptions.ResponseError, match="Hash slot not served"):
            client.get("down")
        timer = threading.Timer(0.1, wires[owner].call, (b"CLUSTER", b"ADDSLOTS", slot))
        timer.start()
        assert client.set("down", 1)
        timer.join()
        sets.until(lambda: all(_owner(wire, int(slot)) == owner for wire in wires.values()))


@pytest.mark.parametrize("protocol", [2, 3])
def test_messages_of_shards(url: str, protocol: int) -> None:
    with fakeredis.patch(store=url):
        client = redis.Redis(protocol=protocol)
        for name in ("c1", "c2", "c3"):  # of different nodes
            with client.pubsub() as listener:
                listener.ssubscribe(name)
                assert listener.get_message(timeout=30)["data"] == 1
                client.spublish(name, "x")
                assert listener.get_message(timeout=30)["data"] == b"x"


def test_commands_that_all_nodes_run(url: str) -> None:
    """Their replies are one, as the server's tips for clients say."""
    with fakeredis.patch(store=RedisStore(url, exclusive=True)):
        client = redis.Redis()
        sha = client.script_load("return 1")
        client.script_load("return 2")
        assert client.script_exists(sha, "0" * 40) == [True, False]
        assert [client.evalsha(sha, 1, f"k{number}") for number in range(9)] == [1] * 9
        assert client.config_set("slowlog-log-slower-than", 0)
        for number in range(9):
            client.set(f"k{number}", 1)
        shown = {entry["command"] for entry in client.slowlog_get(100)}
        assert {b"SET k%d 1" % number for number in range(9)} <= shown
        assert client.slowlog_len() >= 9
        assert client.config_set("slowlog-log-slower-than", 10_000)
        assert client.slowlog_reset()
        assert client.slowlog_len() == 0
        assert client.wait(0, 1) == 0


# Why links are no clients of redis-py's own: what these cannot do ------------------------------


@pytest.fixture
def cluster_client(ports: list[int]) -> Iterator[redis.cluster.RedisCluster]:
    with redis.cluster.RedisCluster(servers.HOST, ports[0], protocol=2) as client:
        yield client


def test_redis_py_makes_one_of_statuses_and_strings(
    cluster_client: redis.cluster.RedisCluster, url: str
) -> None:
    scripts = "return redis.status_reply('OK')", "return 'OK'"
    assert [cluster_client.eval(each, 1, "k") for each in scripts] == [b"OK", b"OK"]
    link = RedisStore(url).connect(typed=True)
    link.send([[b"EVAL", each.encode(), b"1", b"k"] for each in scripts])
    assert [type(link.receive(5)) for _ in scripts] == [Status, bytes]
    link.close()


def test_redis_py_gives_each_command_some_connection(
    cluster_client: redis.cluster.RedisCluster, url: str
) -> None:
    node = cluster_client.get_primaries()[0]
    with node.redis_connection.pubsub() as other:
        other.execute_command("PING")
        assert cluster_client.client_setname("me", target_nodes=node)
    assert cluster_client.client_getname(target_nodes=node) is None
    with fakeredis.patch(store=url), redis.Redis(single_connection_client=True) as client:
        client.client_setname("me")
        assert client.client_getname() == "me"


def test_redis_py_asks_the_server_which_words_are_keys(
    cluster_client: redis.cluster.RedisCluster, url: str, ports: list[int]
) -> None:
    def asked() -> int:
        said = b"".join(_stats(port) for port in ports)
        return sum(int(part.partition(b",")[0]) for part in said.split(b"|getkeys:calls=")[1:])

    before = asked()
    cluster_client.execute_command("XREAD", "COUNT", 1, "STREAMS", "{s}1", "{s}2", 0, 0)
    assert asked() > before
    with fakeredis.patch(store=url):
        before = asked()
        redis.Redis().xread({"{s}1": 0, "{s}2": 0})
        assert asked() == before


def _stats(port: int) -> bytes:
    with sets.Wire(servers.HOST, port) as wire:
        return bytes(wire.call(b"INFO", b"commandstats"))


def test_redis_py_has_no_single_cursor(cluster_client: redis.cluster.RedisCluster) -> None:
    assert type(cluster_client.scan()[0]) is dict


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
