"""Masters and replicas: the fake as either, beside real servers and other fakes."""

from __future__ import annotations

import contextlib
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
import redis

import fakeredis
from fakeredis.engine.core import switches
from fakeredis.engine.data.snapshot_file import Snapshot
from fakeredis.tcp import Listener
from tests.support import servers
from tests.support.replica import Replica
from tests.support.tls import certificates
from tests.support.wire import Wire

_ENOUGH = 60.0
_LIBRARY = b"#!lua name=lib\nredis.register_function('f', function(keys) return 1 end)"
Start = Callable[[str], redis.Redis]


def until(is_so: Callable[[], Any]) -> None:
    """Wait until something is so, but not for ever."""
    end = time.monotonic() + _ENOUGH
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.005)


class Place:
    """Servers that a test starts, of kinds: ``fake`` and ``real``."""

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()
        self.fakes: list[fakeredis.FakeServer] = []
        self.listeners: list[Listener] = []

    def start(self, kind: str) -> redis.Redis:
        """A client of a new server."""
        if kind == "real" and servers.binary("redis8") is None:
            pytest.skip(servers.MISSING)
        return self.start_other("redis8") if kind == "real" else self.start_like("redis8")

    def start_other(self, name: str) -> redis.Redis:
        """A client of a new real server."""
        real = servers.RealServer(
            "--repl-diskless-sync-delay", "0", "--repl-timeout", "600", name=name
        )
        self._stack.callback(real.stop)
        return self._client(real.port)

    def start_like(self, name: str) -> redis.Redis:
        """A client of a new fake, that is as a real server is."""
        kind = servers.SERVERS[name]
        server = fakeredis.FakeServer(
            version=kind.version, server_type=kind.server_type, follow=True
        )
        server.config.override("enable-debug-command", "local")
        server.config.override("repl-timeout", "600")
        listener = self._stack.enter_context(server.listen())
        server.address = f"127.0.0.1:{listener.port}"
        self._stack.callback(server.close)
        self.fakes.append(server)
        self.listeners.append(listener)
        return self._client(listener.port)

    def _client(self, port: int) -> redis.Redis:
        client = redis.Redis(port=port, protocol=3, socket_timeout=_ENOUGH)
        self._stack.callback(client.close)
        return client

    def close(self) -> None:
        self._stack.close()


@pytest.fixture
def place() -> Iterator[Place]:
    found = Place()
    try:
        yield found
    finally:
        found.close()


@pytest.fixture
def start(place: Place) -> Start:
    return place.start


def port_of(client: redis.Redis) -> int:
    return int(client.connection_pool.connection_kwargs["port"])


def facts(client: redis.Redis) -> dict[str, Any]:
    found: dict[str, Any] = client.info("replication")
    return found


def follow(replica: redis.Redis, master: redis.Redis) -> None:
    """Make a server a replica, and wait until it is one."""
    replica.replicaof("127.0.0.1", port_of(master))
    until(lambda: facts(replica).get("master_link_status") == "up")
    until(lambda: any(
        int(value["port"]) == port_of(replica) and value["state"] == "online"
        for name, value in facts(master).items() if name.startswith("slave") and name[5:].isdigit()
    ))


def fill(client: redis.Redis) -> None:
    """Values of all types, in two databases."""
    client.set("string", b"\x00\xff")
    client.set("number", 12, ex=1000)
    client.rpush("list", *range(500))
    client.hset("hash", mapping={"a": "1", "b": "x" * 100})
    client.execute_command("HPEXPIREAT", "hash", 9999999999000, "FIELDS", 1, "a")
    client.sadd("set", "a", "b", 3)
    client.zadd("zset", {"a": 1.5, "b": 2})
    client.xadd("stream", {"f": "v"}, "1-1")
    client.xgroup_create("stream", "g", 0)
    client.xreadgroup("g", "c", {"stream": ">"})
    client.pfadd("hll", "a", "b")
    client.function_load(_LIBRARY, replace=True)
    client.execute_command("SELECT", 0)
    with redis.Redis(port=port_of(client), db=3) as third:
        third.set("third", 3)


def digest(client: redis.Redis) -> Any:
    return client.execute_command("DEBUG", "DIGEST")


def same(master: redis.Redis, replica: redis.Redis) -> None:
    """Wait for the replica, and compare all data."""
    master.set("last", time.monotonic())
    assert master.wait(1, int(_ENOUGH * 1000)) >= 1
    assert digest(master) == digest(replica)
    assert master.execute_command("FUNCTION", "DUMP") == replica.execute_command("FUNCTION", "DUMP")


PAIRS = pytest.mark.parametrize(
    ("one", "other"), [("fake", "real"), ("real", "fake"), ("fake", "fake")]
)


@PAIRS
def test_all_data_and_what_comes_after(start: Start, one: str, other: str) -> None:
    master, replica = start(one), start(other)
    fill(master)
    master.execute_command("VADD", "vectors", "VALUES", 2, 1, 1, "e")
    replica.set("mine", 1)
    follow(replica, master)
    assert replica.get("mine") is None
    assert replica.execute_command("VCARD", "vectors") == 1
    master.delete("vectors")
    same(master, replica)
    with master.pipeline() as pipeline:
        pipeline.set("a", 1, ex=100).incrbyfloat("number", 0.5).xadd("stream", {"f": "w"}).execute()
    master.eval("redis.call('spop', KEYS[1]) redis.call('lpop', 'list')", 1, "set")
    master.xreadgroup("g", "c", {"stream": ">"})
    master.hset("hash", "c", 1)
    master.execute_command("SWAPDB", 0, 3)
    master.lpush("other", 1)
    same(master, replica)
    with pytest.raises(redis.ReadOnlyError):
        replica.set("k", "v")
    assert replica.role()[:2] == [b"slave", b"127.0.0.1"]
    (name, offset, replicas), known = master.role(), facts(master)
    assert (name, offset) == (b"master", known["master_repl_offset"])
    assert [each[:2] for each in replicas] == [[b"127.0.0.1", str(port_of(replica)).encode()]]
    assert known["connected_slaves"] == 1
    assert facts(replica)["master_replid"] == known["master_replid"]


@PAIRS
def test_a_cut_link(start: Start, one: str, other: str) -> None:
    """The replica goes on from where it was."""
    master, replica = start(one), start(other)
    fill(master)
    follow(replica, master)
    with redis.Redis(port=port_of(master), db=3) as third:
        third.set("a", 1)
        same(master, replica)
        assert master.client_kill_filter(_type="replica") == 1
        third.set("b", 2)
        until(lambda: facts(master)["connected_slaves"])
        third.set("c", 3)
        same(master, replica)
    stats = master.info("stats")
    assert (stats["sync_full"], stats["sync_partial_ok"]) == (1, 1)


@PAIRS
def test_a_chain_and_its_end(start: Start, one: str, other: str) -> None:
    """A replica of a replica; then it becomes a master, and the last goes on without new data."""
    master, middle, last = start(one), start(other), start(one)
    fill(master)
    follow(middle, master)
    follow(last, middle)
    same(master, middle)
    until(lambda: digest(last) == digest(master))
    middle.replicaof("NO", "ONE")
    middle.set("now", "here")
    until(lambda: last.get("now") == b"here")
    same(middle, last)
    assert master.get("now") is None
    assert middle.info("stats")["sync_full"] == 1
    assert facts(middle)["master_replid2"] == facts(master)["master_replid"]


def test_deadlines(place: Place) -> None:
    """A replica removes nothing by itself, and shows nothing that has expired."""
    master, replica = place.start("fake"), place.start("fake")
    follow(replica, master)
    master.set("k", "v", px=3_600_000)
    master.hset("h", "f", "v")
    master.wait(1, 60_000)
    place.fakes[1].advance(7200)
    assert replica.get("k") is None
    assert replica.dbsize() == 2
    place.fakes[0].advance(7200)
    master.get("k")
    master.wait(1, 60_000)
    assert replica.dbsize() == 1


def test_wait(start: Start) -> None:
    master, replica = start("fake"), start("real")
    assert master.wait(0, 10) == 0
    follow(replica, master)
    master.set("k", "v")
    assert master.wait(1, 60_000) == 1
    assert master.wait(2, 20) == 1
    assert master.execute_command("WAITAOF", 0, 1, 20) == [0, 0]
    with pytest.raises(redis.ResponseError, match="cannot be used with replica instances"):
        replica.wait(1, 1)


def test_too_few_replicas(start: Start) -> None:
    master, replica = start("fake"), start("fake")
    master.config_set("min-replicas-to-write", 1)
    with pytest.raises(redis.ResponseError, match="Not enough good replicas"):
        master.set("k", "v")
    follow(replica, master)
    assert master.set("k", "v")
    assert facts(master)["min_slaves_good_slaves"] == 1


def test_lists_of_clients(start: Start) -> None:
    master, replica = start("fake"), start("fake")
    follow(replica, master)
    assert [each["flags"] for each in master.client_list(_type="replica")] == ["S"]
    assert [each["flags"] for each in replica.client_list(_type="master")] == ["M"]


def test_blocked_clients_of_a_replica(start: Start) -> None:
    master, replica = start("fake"), start("fake")
    follow(replica, master)
    found: list[Any] = []
    reader = threading.Thread(
        target=lambda: found.append(replica.xread({"s": "0"}, block=int(_ENOUGH * 1000)))
    )
    reader.start()
    until(lambda: replica.info("clients")["blocked_clients"])
    master.xadd("s", {"f": "v"}, "1-1")
    reader.join(_ENOUGH)
    assert found == [{b"s": [[(b"1-1", {b"f": b"v"})]]}]


def test_credentials(start: Start) -> None:
    master, replica = start("real"), start("fake")
    master.set("k", "v")
    master.execute_command("ACL", "SETUSER", "sync", "on", ">p", "+psync", "+replconf", "+ping")
    master.execute_command("ACL", "SETUSER", "default", "-psync")
    replica.config_set("masteruser", "sync")
    replica.config_set("masterauth", "p")
    follow(replica, master)
    assert replica.get("k") == b"v"


def test_nobody_is_stalled(place: Place) -> None:
    """A big file waits for a replica that does not read it, and others are served."""
    master = place.start("fake")
    server = place.fakes[0]
    with server.lock:
        db = server.database(0)
        for number in range(20_000):
            db.put(b"key:%d" % number, b"%d" % number + b"x" * 1000)
    with Wire("127.0.0.1", place.listeners[0].port) as wire:
        wire.send(b"REPLCONF", b"capa", b"eof")
        wire.send(b"SYNC")
        until(lambda: facts(master).get("slave0", {}).get("state") == "send_bulk")
        for number in range(0, 20_000, 500):
            master.set(f"key:{number}", "new")
        assert facts(master)["slave0"]["state"] == "send_bulk"
        data = bytearray()
        while len(data) < 100 or data.count(data[10:50]) < 2:
            data += wire.sock.recv(1 << 20)
    assert data.startswith(b"+OK\r\n$EOF:")
    assert b"new" not in data
    assert all(b"%dxxx" % number in data for number in range(0, 20_000, 500))


def test_a_file_is_made_in_pieces(place: Place) -> None:
    """No piece takes long, nor the lock of the server between two of them."""
    place.start("fake")
    server = place.fakes[0]
    for number in range(1000):
        server.execute("SET", f"k{number}", "x" * 1000)
    with server.lock:
        pieces = Snapshot(server).pieces()
    sizes = []
    for piece in pieces:
        assert not server.is_locked_here()
        sizes.append(len(piece))
    assert sum(sizes) > 1_000_000
    assert max(sizes) < 100_000


def test_functions_alone(place: Place) -> None:
    """``redis-cli --functions-rdb``."""
    master = place.start("fake")
    fill(master)
    with Wire("127.0.0.1", place.listeners[0].port) as wire:
        assert wire.call(b"REPLCONF", b"rdb-filter-only", b"functions") == b"OK"
        wire.send(b"SYNC")
        data = b""
        while b"\xff" + bytes(8) not in data:
            data += wire.sock.recv(1 << 16)
    assert _LIBRARY in data
    assert b"hash" not in data


def test_a_replica_that_is_emptied_by_hand(place: Place) -> None:
    """What is no command leaves the replica without the master's data: it gets them anew."""
    master, replica = place.start("fake"), place.start("fake")
    fill(master)
    follow(replica, master)
    place.fakes[1].clear()
    until(lambda: replica.dbsize() == master.dbsize())
    same(master, replica)
    place.fakes[0].clear()
    until(lambda: replica.dbsize() == 0)
    master.set("k", "v")
    until(lambda: replica.get("k") == b"v")


def test_a_master_whose_file_cannot_be_read(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    """The reason is logged, and the data stay as they were."""
    master = place.start("real")
    server = fakeredis.FakeServer(version="7.0", follow=True)
    server.execute("SET", "k", "v")
    server.execute("REPLICAOF", "127.0.0.1", port_of(master))
    until(lambda: "of version 12, beyond what can be read here" in caplog.text)
    assert server.execute("GET", "k") == b"v"
    server.close()


def test_no_socket_unless_asked_for() -> None:
    with fakeredis.patch(), pytest.raises(redis.ResponseError, match="this server has no network"):
        redis.Redis().replicaof("127.0.0.1", 1)


def test_a_patch_is_loaded_from_a_server(start: Start) -> None:
    live = start("fake")
    live.hset("user:1", "name", "Ada")
    with fakeredis.patch(follow=True) as fake:
        client = redis.Redis()
        client.replicaof("127.0.0.1", port_of(live))
        server = fake.server()
        until(lambda: b"user:1" in server.database(0).data)
        client.replicaof("NO", "ONE")
        assert client.hget("user:1", "name") == b"Ada"
        client.hset("user:1", "name", "Bea")
    assert live.hget("user:1", "name") == b"Ada"


def test_sync_without_psync(place: Place) -> None:
    """SYNC is what redis-cli and old replicas say: a file of a known size, then the stream."""
    master = place.start("fake")
    master.set("k", "v")
    wire = Wire("127.0.0.1", place.listeners[0].port)
    wire.send(b"SYNC")
    data = wire.sock.recv(1 << 16)
    while b"\xff" + bytes(8) not in data:
        data += wire.sock.recv(1 << 16)
    size, _, rdb = data.lstrip(b"\n").partition(b"\r\n")
    assert size == b"$%d" % len(rdb)
    assert rdb.startswith(b"REDIS0012")
    master.set("k", "w")
    assert wire.read() == [b"SELECT", b"0"]
    assert wire.read() == [b"SET", b"k", b"w"]
    wire.close()


@PAIRS
def test_failover(start: Start, one: str, other: str) -> None:
    """The replica becomes the master, and the master its replica, without new data."""
    master, replica = start(one), start(other)
    fill(master)
    follow(replica, master)
    master.set("k", "v")
    master.execute_command("FAILOVER", "TO", "127.0.0.1", port_of(replica), "TIMEOUT", 60_000)
    until(lambda: facts(master)["role"] == "slave")
    until(lambda: facts(master)["master_link_status"] == "up")
    assert facts(replica)["role"] == "master"
    assert facts(master)["master_failover_state"] == "no-failover"
    replica.set("k", "w")
    until(lambda: master.get("k") == b"w")
    assert replica.info("stats")["sync_full"] == 0
    assert digest(master) == digest(replica)


def test_failover_of_nobody_there(place: Place) -> None:
    """Writes wait until it is given up; ABORT gives it up."""
    master = place.start("fake")
    with Replica(place.listeners[0].port) as replica:
        master.set("k", "v")
        replica.until([b"SET", b"k", b"v"])
        replica.acknowledge()
        master.set("k", "w")  # which is never acknowledged
        with pytest.raises(redis.ResponseError, match="is not a replica"):
            master.execute_command("FAILOVER", "TO", "127.0.0.1", 2)
        master.execute_command("FAILOVER")
        assert facts(master)["master_failover_state"] == "waiting-for-sync"
        for words in ("FAILOVER", "REPLICAOF NO ONE"):
            with pytest.raises(redis.ResponseError, match=r"in progress|while failing over"):
                master.execute_command(*words.split())
        with redis.Redis(port=place.listeners[0].port) as waiting:
            connection = waiting.connection_pool.get_connection()
            connection.send_command("SET", "k", "x")
            assert not connection.can_read(0.05)
            master.execute_command("FAILOVER", "ABORT")
            assert connection.read_response() == b"OK"
            waiting.connection_pool.release(connection)


@pytest.mark.parametrize("kind", ["fake", "real"])
def test_clients_that_wait_when_a_server_becomes_a_replica(start: Start, kind: str) -> None:
    master, server = start("fake"), start(kind)
    connection = server.connection_pool.get_connection()
    connection.send_command("BLPOP", "l", 0)
    until(lambda: server.info("clients")["blocked_clients"])
    server.replicaof("127.0.0.1", port_of(master))
    with pytest.raises(redis.ResponseError, match=r"instance state changed \(master -> replica"):
        connection.read_response()
    server.connection_pool.release(connection)


@PAIRS
def test_facts(start: Start, one: str, other: str) -> None:
    """INFO has the same fields in the same order, wherever it comes from."""
    master, replica = start(one), start(other)
    twins = start(other), start(one)
    follow(replica, master)
    follow(twins[1], twins[0])
    assert list(facts(master)) == list(facts(twins[0]))
    assert list(facts(replica)) == list(facts(twins[1]))


def test_a_stream_in_the_middle(start: Start) -> None:
    """A replica's replica learns in which database the stream is."""
    master, middle, last = start("real"), start("fake"), start("fake")
    follow(middle, master)
    with redis.Redis(port=port_of(master), db=5) as fifth:
        fifth.set("a", 1)
        assert fifth.wait(1, 60_000) == 1
        follow(last, middle)
        fifth.set("b", 1)
        fifth.wait(1, 60_000)
    until(lambda: digest(last) == digest(master))


def test_writes_while_the_file_is_made(place: Place) -> None:
    """It has the data of one moment: what comes twice, or not at all, would be seen."""
    master, replica = place.start("fake"), place.start("fake")
    keys = 3000
    with master.pipeline(transaction=False) as pipeline:
        for number in range(keys):
            pipeline.rpush(f"list:{number}", *range(20))
        pipeline.execute()
    replica.replicaof("127.0.0.1", port_of(master))
    chance = Random(7)
    rounds = 0
    while facts(replica)["master_link_status"] != "up" or rounds < 20:
        rounds += 1
        with master.pipeline() as pipeline:
            for _ in range(20):
                number = chance.randrange(keys)
                pipeline.rpush(f"list:{number}", rounds)
                pipeline.rename(f"list:{number}", f"list:{chance.randrange(keys)}!")
                pipeline.incr("count")
            pipeline.execute(raise_on_error=False)
        if rounds == 10:
            master.execute_command("SWAPDB", 0, 1)
            master.execute_command("SWAPDB", 1, 0)
    same(master, replica)
    with master.pipeline() as pipeline:
        pipeline.flushall()
        pipeline.set("k", "v")
        pipeline.execute()
    same(master, replica)


def test_what_other_processes_do_by_a_store(tmp_path: Path, start: Start) -> None:
    url = f"sqlite:///{tmp_path}/state.db"
    first, other = (fakeredis.FakeServer(url, "8.2.3") for _ in range(2))
    replica = start("fake")
    with first.listen() as door:
        replica.replicaof("127.0.0.1", door.port)
        until(lambda: facts(replica)["master_link_status"] == "up")
        other.execute("SET", "k", "v", "EX", 1000)
        other.execute("SADD", "gone", "a")
        first.execute("PING")
        until(lambda: replica.get("k") == b"v")
        other.execute("DEL", "gone")
        first.execute("RPUSH", "list", "a")
        until(lambda: replica.lrange("list", 0, -1) == [b"a"])
        assert sorted(replica.keys()) == [b"k", b"list"]
        assert 0 < replica.ttl("k") <= 1000
    first.close()
    other.close()


def test_a_replica_keeps_what_it_gets(tmp_path: Path, place: Place) -> None:
    """A server with a store follows, and has the data when it is started again."""
    master = place.start("fake")
    master.set("k", "v")
    url = f"sqlite:///{tmp_path}/state.db"
    server = fakeredis.FakeServer(url, "8.2.3", follow=True)
    server.execute("REPLICAOF", "127.0.0.1", place.listeners[0].port)
    until(lambda: server.execute("GET", "k") == b"v")
    master.rpush("list", *range(200))
    until(lambda: server.execute("LLEN", "list") == 200)
    server.close()
    again = fakeredis.FakeServer(url, "8.2.3")
    assert (again.execute("GET", "k"), again.execute("LLEN", "list")) == (b"v", 200)
    again.close()


def test_tls(tmp_path: Path, place: Place) -> None:
    """A master and a replica over TLS, both of which show a certificate."""
    certificate, key = certificates(tmp_path) / "crt", tmp_path / "key"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.load_verify_locations(certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    master = fakeredis.FakeServer(version="8.2.3")
    master.execute("SET", "k", "v")
    replica = place.start("fake")
    for name, value in (
        ("tls-replication", "yes"), ("tls-ca-cert-file", certificate),
        ("tls-cert-file", certificate), ("tls-key-file", key),
    ):
        place.fakes[0].config.override(name, str(value))
    with master.listen(ssl=context) as door:
        replica.replicaof("127.0.0.1", door.port)
        until(lambda: replica.get("k") == b"v")
        master.execute("SET", "k", "w")
        until(lambda: replica.get("k") == b"w")


def test_files_of_redis_cli(place: Place) -> None:
    """``redis-cli --rdb``: a file and nothing else."""
    master = place.start("fake")
    master.set("k", "v")
    with Wire("127.0.0.1", place.listeners[0].port) as wire:
        assert wire.call(b"REPLCONF", b"rdb-only", b"1") == b"OK"
        assert wire.call(b"REPLCONF", b"capa", b"eof") == b"OK"
        wire.send(b"SYNC")
        data = b""
        while not data or data.count(data[5:45]) < 2:
            data += wire.sock.recv(1 << 16)
        mark, rdb = data[5:45], data[47:-40]
        assert data.startswith(b"$EOF:" + mark + b"\r\nREDIS0012")
        wire.send(b"REPLCONF", b"ACK", b"0")
        master.set("k", "w")
        assert wire.is_silent(0.05)
    assert rdb.endswith(b"\xff" + bytes(8))


def test_silent_replicas_are_dropped(place: Place) -> None:
    """One that says nothing for ``repl-timeout`` seconds has gone."""
    master = place.start("fake")
    with Replica(place.listeners[0].port) as replica:
        replica.acknowledge()
        until(lambda: facts(master)["slave0"]["state"] == "online")
        replica.rdb = b""  # it acknowledges nothing more
        known = place.fakes[0].replication

        def is_dropped() -> bool:
            for each in known.replicas.values():
                each.heard = known.now - 1000
            return not known.replicas

        until(is_dropped)
        with pytest.raises(EOFError, match="closed the connection"):
            replica.until([b"never"])
    until(lambda: facts(master)["connected_slaves"] == 0)


def test_the_backlog_ends_some_day(place: Place) -> None:
    """Without replicas for ``repl-backlog-ttl`` seconds nothing is noted any more."""
    master, server = place.start("fake"), place.fakes[0]
    with Replica(place.listeners[0].port):
        until(lambda: facts(master)["connected_slaves"] == 1)
        assert server.switched & switches.REPLICATED
    before = facts(master)["master_replid"]
    until(lambda: server.replication.empty_since is not None)
    server.replication.empty_since -= 4000
    until(lambda: facts(master)["repl_backlog_active"] == 0)
    assert not server.switched & switches.REPLICATED
    assert facts(master)["master_replid"] != before


def test_a_small_backlog(place: Place) -> None:
    """Who has missed more than it keeps begins anew; who has missed less does not."""
    master = place.start("fake")
    master.config_set("repl-backlog-size", 16384)
    port = place.listeners[0].port
    with Replica(port) as replica:
        known_id, offset = replica.answer.split()[1:]
        master.set("k", "v")
        replica.until([b"SET", b"k", b"v"])
        seen = int(offset) + replica.read
    with Replica(port, since=(known_id, b"%d" % (seen + 1))) as replica:
        assert replica.answer == b"+CONTINUE " + known_id
    master.set("k", "x" * 40_000)
    with Replica(port, since=(known_id, b"%d" % (seen + 1))) as replica:
        assert replica.answer.startswith(b"+FULLRESYNC " + known_id)
    for wrong in (b"0" * 40, known_id[::-1]):
        with Replica(port, since=(wrong, b"1")) as replica:
            assert replica.answer.startswith(b"+FULLRESYNC ")
    assert master.info("stats")["sync_partial_err"] == 3
    assert master.info("stats")["sync_partial_ok"] == 1


OTHERS = [
    name for name, kind in servers.SERVERS.items() if name != "redis8" and "-" not in name
]


@pytest.mark.parametrize("role", ["master", "replica"])
@pytest.mark.parametrize("name", OTHERS)
def test_other_servers(place: Place, name: str, role: str) -> None:
    """Each with a fake of its own version."""
    kind = servers.SERVERS[name]
    if servers.binary(name) is None:
        pytest.skip(kind.reason)
    real, fake = place.start_other(name), place.start_like(name)
    master, replica = (real, fake) if role == "master" else (fake, real)
    master.set("string", "v", ex=1000)
    master.rpush("list", *range(300))
    master.hset("hash", mapping={"a": "1", "b": "x" * 100})
    master.zadd("zset", {"a": 1.5})
    master.xadd("stream", {"f": "v"}, "1-1")
    master.xgroup_create("stream", "g", 0)
    follow(replica, master)
    master.hincrbyfloat("hash", "c", 1.5)
    master.xreadgroup("g", "c", {"stream": ">"})
    master.geoadd("geo", (1, 2, "a"))
    master.getex("string", ex=500)
    master.eval("redis.call('set', 'a', '1') redis.call('incrbyfloat', 'b', '0.5')", 0)
    assert master.wait(1, int(_ENOUGH * 1000)) == 1
    assert sorted(master.keys()) == sorted(replica.keys())
    for call in (
        ("GET", "string"), ("LRANGE", "list", 0, -1), ("HGET", "hash", "b"), ("HGET", "hash", "c"),
        ("ZRANGE", "zset", 0, -1), ("XRANGE", "stream", "-", "+"), ("GET", "b"),
        ("XPENDING", "stream", "g"), ("GEOHASH", "geo", "a"),
    ):
        assert master.execute_command(*call) == replica.execute_command(*call)
    assert abs(master.pttl("string") - replica.pttl("string")) < _ENOUGH * 1000
