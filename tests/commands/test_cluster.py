"""Cluster commands: one node beside a real one; several by what three real ones have said."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from fakeredis.engine.cluster.cluster import SLOTS, Cluster, grow, node_of, slot_of
from fakeredis.errors import CommandError
from tests.support import servers
from tests.support.engines import Server
from tests.support.twin import Twin
from tests.support.wire import Wire

A, B, C = 15495, 3300, 7365  # the slots of a, b, c
MOVED_A = "MOVED 15495 127.0.0.1:6381"
NOT_LOCAL = "ERR Script attempted to access a non local key in a cluster node"
AGAIN = "TRYAGAIN Multiple keys request during rehashing of slot"
HELD = (
    "ERR Can't assign hashslot 3300 to a different node while I still hold keys for this hash slot."
)


@pytest.fixture(scope="module")
def cluster_url() -> Iterator[str]:
    """A real server in cluster mode, which knows no other node."""
    if servers.binary(servers.PROFILE) is None:
        pytest.skip(servers.MISSING)
    server = servers.RealServer(
        "--cluster-enabled", "yes", "--cluster-port", "0", name=servers.PROFILE
    )
    try:
        yield server.url
    finally:
        server.stop()


@pytest.fixture(params=[2, 3], ids=["resp2", "resp3"])
def node(request: pytest.FixtureRequest, cluster_url: str) -> Iterator[Twin]:
    """A node with no slots, here and there."""
    with Wire.to(cluster_url) as wire:
        wire.call(b"FLUSHALL")
        wire.call(b"CLUSTER", b"RESET", b"HARD")
    twin = Twin(cluster_url, request.param)
    Cluster([twin.server], assign=False)
    twin.server.node.epoch = twin.server.node.cluster.epoch = 0
    yield twin
    twin.close()


@pytest.fixture(scope="module")
def full_url() -> Iterator[str]:
    """A real server that serves all slots; a new one takes its time until it does."""
    if servers.binary(servers.PROFILE) is None:
        pytest.skip(servers.MISSING)
    server = servers.RealServer(
        "--cluster-enabled", "yes", "--cluster-port", "0", name=servers.PROFILE
    )
    try:
        with Wire.to(server.url) as wire:
            wire.call(b"CLUSTER", b"ADDSLOTSRANGE", b"0", b"16383")
            until = time.monotonic() + 20
            while b"cluster_state:ok" not in wire.call(b"CLUSTER", b"INFO"):
                assert time.monotonic() < until
                time.sleep(0.05)
        yield server.url
    finally:
        server.stop()


@pytest.fixture(params=[2, 3], ids=["resp2", "resp3"])
def full(request: pytest.FixtureRequest, full_url: str) -> Iterator[Twin]:
    """A node with all slots, here and there."""
    with Wire.to(full_url) as wire:
        wire.call(b"FLUSHALL")
    twin = Twin(full_url, request.param)
    Cluster([twin.server])
    twin.server.node.epoch = twin.server.node.cluster.epoch = 0
    yield twin
    twin.close()


CALLS = [
    "GET a", "MGET a b", "MGET {a}1 {a}2", "GET", "SELECT 0", "SELECT 1", "SELECT x",
    "SWAPDB 0 1", "PING", "DBSIZE", "EXEC", "READONLY", "READWRITE", "ASKING", "ASKING x",
    "CLUSTER",
    "CLUSTER NOSUCH", "CLUSTER KEYSLOT a", "CLUSTER KEYSLOT {a}b", "CLUSTER KEYSLOT {}b",
    "CLUSTER KEYSLOT a{b", "CLUSTER KEYSLOT a{b}{c}", "CLUSTER SLOTS", "CLUSTER LINKS",
    "CLUSTER COUNTKEYSINSLOT x", "CLUSTER COUNTKEYSINSLOT -1", "CLUSTER COUNTKEYSINSLOT 16384",
    "CLUSTER GETKEYSINSLOT 1 x", "CLUSTER GETKEYSINSLOT -1 1", "CLUSTER GETKEYSINSLOT 1 -1",
    "CLUSTER REPLICAS x", "CLUSTER SLAVES x", "CLUSTER COUNT-FAILURE-REPORTS x",
    "CLUSTER ADDSLOTS x", "CLUSTER ADDSLOTS -1", "CLUSTER ADDSLOTS 16384",
    "CLUSTER ADDSLOTS 1 1", "CLUSTER ADDSLOTSRANGE 5 3", "CLUSTER ADDSLOTSRANGE 1 3 4",
    "CLUSTER ADDSLOTSRANGE 1 x", "CLUSTER ADDSLOTSRANGE 1 3 2 4", "CLUSTER DELSLOTS 1",
    "CLUSTER DELSLOTS x", "CLUSTER DELSLOTSRANGE 1 2", "CLUSTER DELSLOTSRANGE 1 2 3",
    "CLUSTER FLUSHSLOTS", "CLUSTER SETSLOT x NODE y", "CLUSTER SETSLOT 1 FOO",
    "CLUSTER SETSLOT 1 FOO x", "CLUSTER SETSLOT 1 MIGRATING x", "CLUSTER SETSLOT 1 IMPORTING x",
    "CLUSTER SETSLOT 1 NODE x", "CLUSTER SETSLOT 1 NODE", "CLUSTER SETSLOT 1 STABLE",
    "CLUSTER SETSLOT 1 STABLE x", "CLUSTER FORGET x", "CLUSTER REPLICATE x",
    "CLUSTER FAILOVER", "CLUSTER FAILOVER X", "CLUSTER FAILOVER FORCE X", "CLUSTER RESET X",
    "CLUSTER RESET SOFT X", "CLUSTER SAVECONFIG", "CLUSTER SET-CONFIG-EPOCH x",
    "CLUSTER SET-CONFIG-EPOCH -1", "CLUSTER SET-CONFIG-EPOCH 3", "CLUSTER BUMPEPOCH",
    "CLUSTER MEET 127.0.0.1 x", "CLUSTER MEET 127.0.0.1 1 x", "CLUSTER MEET 127.0.0.1 1 2 3",
    "CLUSTER SLOT-STATS SLOTSRANGE 1 2", "CLUSTER SLOT-STATS SLOTSRANGE 2 1",
    "CLUSTER SLOT-STATS SLOTSRANGE 1 x", "CLUSTER SLOT-STATS ORDERBY key-count",
    "CLUSTER SLOT-STATS ORDERBY x LIMIT 1", "CLUSTER SLOT-STATS ORDERBY key-count LIMIT 0",
    "CLUSTER SLOT-STATS ORDERBY key-count LIMIT x", "CLUSTER SLOT-STATS ORDERBY key-count X",
    "CLUSTER SLOT-STATS ORDERBY key-count DESC ASC", "CLUSTER SLOT-STATS X Y Z",
    "REPLICAOF NO ONE", "SLAVEOF x 1", "FAILOVER", "CONFIG GET databases",
    "CONFIG GET cluster-enabled", "INFO cluster", "EVAL return(1) 0",
]


@pytest.mark.real
@pytest.mark.parametrize("call", CALLS)
def test_a_node_without_slots(node: Twin, call: str) -> None:
    node(*call.split())
    node("CLUSTER", "COUNTKEYSINSLOT", "1")


@pytest.mark.real
def test_a_node_with_all_slots(full: Twin) -> None:
    for call in CALLS:
        if call not in _UNFIT:
            full(*call.split())


# They change what the calls after them say, or reply with thousands of slots.
_UNFIT = {
    "CLUSTER FLUSHSLOTS", "CLUSTER BUMPEPOCH", "CLUSTER SET-CONFIG-EPOCH 3", "CLUSTER SLOTS",
    "CLUSTER DELSLOTS 1", "CLUSTER DELSLOTSRANGE 1 2", "CLUSTER SLOT-STATS ORDERBY key-count",
}


@pytest.mark.real
def test_slots_come_and_go(node: Twin) -> None:
    for call in (
        "ADDSLOTS 1 2 3", "ADDSLOTS 3 4", "ADDSLOTSRANGE 4 9 11 12", "DELSLOTS 3 3", "DELSLOTS 2",
        "DELSLOTSRANGE 5 6 12 12", "DELSLOTS 5", "ADDSLOTSRANGE 20 30 25 40",
        "SET-CONFIG-EPOCH 7", "BUMPEPOCH", "SET-CONFIG-EPOCH 8", "FLUSHSLOTS",
    ):
        node("CLUSTER", *call.split())
        fake, real = (_ranges(side) for side in _both(node, "CLUSTER", "SLOTS"))
        assert fake == real
    fake, real = _both(node, "CLUSTER", "INFO")
    assert _facts(fake) == _facts(real)


@pytest.mark.real
def test_facts_of_a_full_node(full: Twin) -> None:
    fake, real = _both(full, "CLUSTER", "INFO")
    assert _facts(fake) == _facts(real)
    for command in ("SHARDS", "SLOTS", "NODES"):
        fake, real = _both(full, "CLUSTER", command)
        assert _anonymous(fake, full) == _anonymous(real, full)


@pytest.mark.real
def test_keys_of_a_full_node(full: Twin) -> None:
    for key in ("a", "{a}1", "b"):
        full("SET", key, "1")
    full("CLUSTER", "COUNTKEYSINSLOT", A)
    full.unordered("CLUSTER", "GETKEYSINSLOT", A, 10)
    full("CLUSTER", "GETKEYSINSLOT", B, 0)
    full("CLUSTER", "SLOT-STATS", "SLOTSRANGE", B, B)
    full("CLUSTER", "SLOT-STATS", "ORDERBY", "key-count", "LIMIT", "2")
    for call in ("FLUSHSLOTS", "RESET", "RESET HARD"):
        full("CLUSTER", *call.split())
    full("MOVE", "a", "1")
    full("COPY", "a", "{a}1", "DB", "1")
    full("RENAME", "a", "b")
    full("CLUSTER", "SETSLOT", C, "STABLE")


@pytest.mark.real
def test_while_slots_are_missing(node: Twin) -> None:
    node("CLUSTER", "ADDSLOTS", A)
    for call in (
        "GET a", "SET a 1", "GET c", "MGET c d", "DEL c", "EVAL return(1) 1 c", "SSUBSCRIBE c",
        "WATCH a", "PUBLISH a 1", "MULTI", "GET a", "EXEC",
    ):
        node(*call.split())
    for key in ("a", "c"):
        node("EVAL", f"return redis.call('GET', '{key}')", 0)


@pytest.mark.real
def test_transactions(full: Twin) -> None:
    for calls in (
        ["MULTI", "SET a 1", "SET {a}2 2", "EXEC"], ["MULTI", "SET a 1", "SET b 2", "EXEC"],
        ["MULTI", "MGET a b", "EXEC"], ["WATCH a b", "WATCH a", "MULTI", "GET a", "DISCARD"],
        ["MULTI", "SET a 1", "SET b 2", "DISCARD", "EXEC"], ["MULTI", "PING", "EXEC"],
        ["MULTI", "SELECT 1", "EXEC"], ["MULTI", "NOSUCH", "SET a 1", "SET b 1", "EXEC"],
    ):
        for call in calls:
            full(*call.split())


@pytest.mark.real
def test_scripts(full: Twin) -> None:
    for script, *keys in (
        ("return redis.call('MGET', KEYS[1], KEYS[2])", "a", "{a}1"),
        ("return redis.call('MGET', KEYS[1], KEYS[2])", "a", "b"),
        ("return redis.call('MGET', 'a', 'b')",),
        ("return redis.pcall('MGET', 'a', 'b')",),
    ):
        full("EVAL", script, len(keys), *keys)


CROSS_SLOT = "redis.pcall('get', 'a') local b = redis.call('get', 'b') return {KEYS, b}"


@pytest.mark.real
@pytest.mark.parametrize("flags", ["", "allow-cross-slot-keys", "no-cluster", "no-writes"])
@pytest.mark.parametrize("keys", [[], ["a"], ["b"], ["a", "b"]])
def test_flags_of_scripts(full: Twin, flags: str, keys: list[str]) -> None:
    for body in (CROSS_SLOT, "return redis.call('mget', 'a', 'b')", "return redis.call('ping')"):
        full("EVAL", body, len(keys), *keys)
        full("EVAL", f"#!lua flags={flags}\n{body}", len(keys), *keys)
        body = body.replace("KEYS", "keys")
        listed = f"'{flags}'" if flags else ""
        code = f"callback=function(keys) {body} end, flags={{{listed}}}"
        code = f"#!lua name=l\nredis.register_function{{function_name='f', {code}}}"
        full("FUNCTION", "LOAD", "REPLACE", code)
        for command in ("FCALL", "FCALL_RO"):
            full(command, "f", len(keys), *keys)


@pytest.mark.real
def test_shard_channels(full: Twin) -> None:
    for call in ("SPUBLISH a 1", "SSUBSCRIBE a b", "PUBLISH a 1"):
        full(*call.split())


def _both(twin: Twin, *args: str) -> tuple[Any, Any]:
    argv = [arg.encode() for arg in args]
    return twin.fake.execute(argv), twin.wire.call(*argv)


def _ranges(slots: Any) -> list[tuple[int, int]]:
    return [(entry[0], entry[1]) for entry in slots]


def _facts(info: bytes) -> dict[bytes, bytes]:
    pairs = (line.split(b":") for line in info.split(b"\r\n") if line)
    return {name: value for name, value in pairs if b"stats" not in name}


def _anonymous(reply: Any, twin: Twin) -> Any:
    """A reply without IDs and ports."""
    text = repr(reply)
    for side in _both(twin, "CLUSTER", "MYID"):
        text = text.replace(side.decode(), "ID")
    port = twin.url.rpartition(":")[2].partition("/")[0]
    text = text.replace(f"{int(port) + 10000}", "BUS").replace("16379", "BUS")
    return text.replace(port, "PORT").replace("6379", "PORT").replace("Verbatim", "")


# Several nodes: what three real ones answered in the same state -----------------------------------


class Client:
    """A session of a node; errors are texts."""

    def __init__(self, server: Server) -> None:
        self.session = server.session()

    def __call__(self, call: str) -> Any:
        try:
            reply = self.session.execute([word.encode() for word in call.split()])
        except CommandError as error:
            return str(error)
        return bytes(reply) if isinstance(reply, bytes) else reply


@pytest.fixture
def trio() -> list[Client]:
    return [Client(node.server) for node in grow(Server()).nodes]


def test_slots_of_three(trio: list[Client]) -> None:
    found = trio[1]("CLUSTER SLOTS")
    assert _ranges(found) == [(0, 5460), (5461, 10922), (10923, 16383)]
    assert [entry[2][:2] for entry in found] == [
        [b"127.0.0.1", 6379], [b"127.0.0.1", 6380], [b"127.0.0.1", 6381],
    ]
    lines = trio[0]("CLUSTER NODES").decode().splitlines()
    assert [line.split()[2] for line in lines] == ["myself,master", "master", "master"]
    assert len(trio[2]("CLUSTER LINKS")) == 4


@pytest.mark.parametrize(
    ("call", "reply"),
    [
        ("SET a 1", MOVED_A), ("SET b 1", b"OK"), ("MGET a{c} c{c}", "MOVED 7365 127.0.0.1:6380"),
        ("MGET a b", "CROSSSLOT Keys in request don't hash to the same slot"),
        ("GET b x", "ERR wrong number of arguments for 'get' command"), ("PUBLISH a 1", 0),
        ("SPUBLISH a 1", MOVED_A), ("SSUBSCRIBE a", MOVED_A), ("SUNSUBSCRIBE a", MOVED_A),
        ("OBJECT ENCODING a", MOVED_A), ("BLPOP a 0.1", MOVED_A), ("XREAD STREAMS a 0", MOVED_A),
        ("WATCH a", MOVED_A), ("EVAL return(1) 1 a", MOVED_A), ("KEYS *", []),
        ("CLUSTER DELSLOTS 6000", b"OK"),
        ("EVAL return(redis.call('GET','a')) 0", NOT_LOCAL),
    ],
)
def test_redirections(trio: list[Client], call: str, reply: Any) -> None:
    found = trio[0](call)
    assert (found.partition(" script: ")[0] if reply == NOT_LOCAL else found) == reply


def test_moved_inside_of_multi(trio: list[Client]) -> None:
    calls = ("MULTI", "SET b 1", "SET a 1", "PING", "EXEC", "GET b")
    assert [trio[0](call) for call in calls] == [
        b"OK", b"QUEUED", MOVED_A, b"QUEUED",
        "EXECABORT Transaction discarded because of previous errors.", None,
    ]


def test_a_slot_that_moves(trio: list[Client]) -> None:
    source, target, _ = trio
    names = [client("CLUSTER MYID").decode() for client in trio]
    ask, again = "ASK 3300 127.0.0.1:6380", AGAIN
    moved = "MOVED 3300 127.0.0.1:6379"
    for key in ("b", "x{b}"):
        source(f"SET {key} 1")
    assert source(f"CLUSTER SETSLOT 3300 MIGRATING {names[1]}") == b"OK"
    assert target(f"CLUSTER SETSLOT 3300 IMPORTING {names[0]}") == b"OK"
    assert f"[3300->-{names[1]}]" in source("CLUSTER NODES").decode()
    assert f"[3300-<-{names[0]}]" in target("CLUSTER NODES").decode()
    for call, reply in (
        ("GET b", b"1"), ("GET nope{b}", ask), ("MGET b nope{b}", again), ("SET new{b} 1", ask),
        ("MGET no1{b} no2{b}", ask), ("MULTI", b"OK"), ("GET nope{b}", ask),
        ("EXEC", "EXECABORT Transaction discarded because of previous errors."),
        ("ASKING", b"OK"), ("GET nope{b}", ask),
    ):
        assert source(call) == reply
    for call, reply in (
        ("GET b", moved), ("ASKING", b"OK"), ("GET b", None), ("GET b", moved), ("ASKING", b"OK"),
        ("ASKING", b"OK"), ("MGET b y{b}", again), ("ASKING", b"OK"), ("SET n{b} 1", b"OK"),
        ("ASKING", b"OK"), ("MGET n{b} y{b}", again), ("ASKING", b"OK"), ("PING", b"PONG"),
        ("GET b", moved), ("ASKING", b"OK"), ("MULTI", b"OK"), ("GET b", b"QUEUED"),
        ("GET n{b}", b"QUEUED"), ("EXEC", again), ("GET b", moved),
    ):
        assert target(call) == reply
    assert source(f"CLUSTER SETSLOT 3300 NODE {names[1]}") == HELD
    source("DEL b x{b}")
    assert target(f"CLUSTER SETSLOT 3300 NODE {names[1]}") == b"OK"
    assert source("GET b") == "MOVED 3300 127.0.0.1:6380"
    assert target("GET n{b}") == b"1"


def test_messages_reach_all_nodes(trio: list[Client]) -> None:
    trio[2]("SUBSCRIBE a")
    trio[2].session.outbox.clear()
    assert trio[0]("PUBLISH a hello") == 0  # only its own subscribers are counted
    assert list(trio[2].session.outbox) == [[b"message", b"a", b"hello"]]


def test_reads_while_slots_are_missing(trio: list[Client]) -> None:
    trio[2]("CLUSTER DELSLOTS 16383")
    assert trio[0]("GET b") == "CLUSTERDOWN The cluster is down"
    trio[0]("CONFIG SET cluster-allow-reads-when-down yes")
    assert trio[0]("GET b") is None
    assert trio[0]("GET a") == MOVED_A
    down = "CLUSTERDOWN The cluster is down and only accepts read commands"
    assert trio[0]("SET b 1") == down
    trio[0]("CONFIG SET cluster-require-full-coverage no")
    assert trio[0]("SET b 1") == b"OK"


def test_a_server_with_keys_becomes_no_node() -> None:
    server = Server()
    server.session().execute([b"SET", b"k", b"v"])
    with pytest.raises(ValueError, match="holds keys"):
        grow(server)
    assert node_of(server) is None


def test_slots_are_the_checksum_of_the_tag() -> None:
    assert [slot_of(key) for key in (b"a", b"b", b"c", b"{a}b")] == [A, B, C, A]
    assert slot_of(b"") == 0 < slot_of(b"{}a") < SLOTS


def _both_are_down(fake: Any, real: Any) -> bool:
    """Whose cron runs between the command and the new state of the cluster, names the slot."""
    return str(fake) == "CLUSTERDOWN The cluster is down" and str(real) in (
        str(fake), "CLUSTERDOWN Hash slot not served"
    )


def test_who_waits_or_listens_is_sent_away(full: Twin) -> None:
    """DELSLOTS ends waits and subscriptions to shard channels."""
    listener, waiting = full.session(), full.session()
    listener("SSUBSCRIBE", "a")
    listener.reply()
    waiting("BLPOP", "a", 0)
    try:
        full("CLUSTER", "DELSLOTS", A)
        listener.reply()
        waiting.reply(_both_are_down)
        waiting("PING")
    finally:
        full.wire.call(b"CLUSTER", b"ADDSLOTS", b"%d" % A)
        until = time.monotonic() + 20
        while b"cluster_state:ok" not in full.wire.call(b"CLUSTER", b"INFO"):
            assert time.monotonic() < until
            time.sleep(0.02)


def test_who_waits_is_told_where_a_slot_went() -> None:
    cluster = Cluster([Server(address=f"127.0.0.1:{port}") for port in (6379, 6380)])
    source, target = cluster.nodes
    session = source.server.session()
    session.execute([b"BLPOP", b"b", b"0"])
    assert cluster.owners[B] is source
    target.server.session().execute(
        [b"CLUSTER", b"SETSLOT", b"%d" % B, b"NODE", target.id.encode()]
    )
    assert str(session.outbox.popleft()) == f"MOVED {B} 127.0.0.1:6380"
