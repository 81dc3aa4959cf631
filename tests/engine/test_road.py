"""The gates that commands pass, by where they come from, beside the real server; and the layers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import combinations
from typing import Any

import pytest
import redis

import fakeredis
from fakeredis.clients.fake_socket import FakeSocket
from fakeredis.engine.core import road, switches
from fakeredis.engine.core.road import CLIENT, EXEC, FORWARDED, GATES, LAYERS, RETRY, SCRIPT, Origin
from fakeredis.errors import CommandError
from tests.commands.playing import play
from tests.support.engines import Server
from tests.support.twin import Pair, Twin

CALL = "redis.call('set', KEYS[1], 'v')"


@pytest.fixture
def other(twin: Twin) -> Iterator[Pair]:
    """A client beside the one that closes gates."""
    twin("ACL", "SETUSER", "u", "on", ">p", "~*", "&*", "+@all")
    yield twin.session()
    for line in ("CONFIG SET maxmemory 0", "CLIENT UNPAUSE", "ACL DELUSER u"):
        twin(*line.split(" "))


# One gate ---------------------------------------------------------------------------------------


def authentication(twin: Twin, other: Pair) -> None:
    twin("CONFIG", "SET", "requirepass", "x")
    late = twin.session()
    play(late, "GET k\nSET\nNOSUCH\nMULTI\nPING\nAUTH default x\nGET k")
    twin("CONFIG", "SET", "requirepass", "")


def not_in_multi(twin: Twin, other: Pair) -> None:
    play(other, "MULTI\nWATCH k\nMULTI\nEXEC\nMULTI\nSYNC\nEXEC")


def permissions(twin: Twin, other: Pair) -> None:
    twin("ACL", "SETUSER", "u", "-set")
    play(other, "AUTH u p\nSET k v\nSET\nGET k\nMULTI\nSET k v\nEXEC")


def permissions_of_exec(twin: Twin, other: Pair) -> None:
    play(other, "AUTH u p\nMULTI\nSET k v\nGET k")
    twin("ACL", "SETUSER", "u", "-set")
    other("EXEC")


def permissions_of_scripts(twin: Twin, other: Pair) -> None:
    twin("ACL", "SETUSER", "u", "-set")
    play(other, "AUTH u p")
    other("EVAL", f"return {CALL}", 1, "k")
    other("EVAL", f"return pcall(function() return {CALL} end)", 1, "k")


def permissions_of_what_has_waited(twin: Twin, other: Pair) -> None:
    other("AUTH", "u", "p")
    other("BLPOP", "list", "0")
    twin("ACL", "SETUSER", "u", "-blpop")
    twin("RPUSH", "list", "a")
    other.reply()


def memory(twin: Twin, other: Pair) -> None:
    twin("CONFIG", "SET", "maxmemory", "1")
    play(other, "SET k v\nSET\nGET k\nDEL k\nMULTI\nSET k v\nEXEC\nMULTI\nGET k\nEXEC")


def memory_of_scripts(twin: Twin, other: Pair) -> None:
    other("FUNCTION", "LOAD", "REPLACE", (
        "#!lua name=road\nredis.register_function{function_name='road', callback=function(KEYS)"
        f" return {CALL} end, flags={{'allow-oom'}}}}"
    ))
    twin("CONFIG", "SET", "maxmemory", "1")
    other("EVAL", f"return {CALL}", 1, "k")
    other("EVAL", "return redis.call('get', KEYS[1])", 1, "k")
    other("EVAL", f"redis.call('del', KEYS[1]) return {CALL}", 1, "k")
    other("FCALL", "road", 1, "k")
    twin("CONFIG", "SET", "maxmemory", "0")
    twin("FUNCTION", "FLUSH")


def subscriber_mode(twin: Twin, other: Pair) -> None:
    for line in ("SUBSCRIBE c", "GET k", "SET", "PING", "UNSUBSCRIBE c", "GET k"):
        other(*line.split())
        if "SUBSCRIBE" in line:
            other.reply()


def pause(twin: Twin, other: Pair) -> None:
    twin("CLIENT", "PAUSE", "100000", "WRITE")
    play(other, "GET k\nSET\nMULTI\nSET k v")
    twin("CLIENT", "UNPAUSE")
    other.reply()
    play(other, "EXEC\nGET k")


def queue(twin: Twin, other: Pair) -> None:
    play(other, "MULTI\nGET k\nSET\nWATCH k\nEXEC\nMULTI\nGET k\nDISCARD\nMULTI\nGET k\nEXEC")


_SCRIPTS = (
    f"return {CALL}", "return redis.pcall('set', KEYS[1], 'v')", f"#!lua\nreturn {CALL}",
    "#!lua flags=no-writes\nreturn redis.call('get', KEYS[1])",
)
_LIBRARY = """#!lua name=road
redis.register_function('writes', function(keys) return redis.call('set', keys[1], 'v') end)
redis.register_function{
    function_name = 'reads', callback = function(keys) return redis.call('get', keys[1]) end,
    flags = {'no-writes'},
}
"""
_WRITES = "SET k v\nSET\nGET k\nMULTI\nSET k v\nEXEC\nMULTI\nGET k\nEXEC\nPUBLISH c m"


class _Nowhere:
    """A link to a master that cannot be reached."""

    def stop(self) -> None:
        """It has never begun."""


def _scripts(other: Pair) -> None:
    for source in _SCRIPTS:
        other("EVAL", source, 1, "k")
    sha = other("SCRIPT", "LOAD", _SCRIPTS[2])
    other("EVALSHA", sha, 1, "k")
    for words in ("FCALL writes", "FCALL reads", "FCALL_RO reads"):
        other(*words.split(), 1, "k")


@contextmanager
def _following(twin: Twin) -> Iterator[None]:
    """Make both servers replicas of nobody."""
    twin.server.connect = lambda following: _Nowhere()
    twin("REPLICAOF", "127.0.0.1", "1")
    try:
        yield
    finally:
        twin.wire.call(b"REPLICAOF", b"NO", b"ONE")
        twin.fake.execute([b"REPLICAOF", b"NO", b"ONE"])


def replica(twin: Twin, other: Pair) -> None:
    other("MULTI")
    other("SET", "k", "v")
    with _following(twin):
        play(other, "EXEC\n" + _WRITES)
        twin("CONFIG", "SET", "replica-read-only", "no")
        play(other, _WRITES)


def replica_in_scripts(twin: Twin, other: Pair) -> None:
    twin("FUNCTION", "LOAD", "REPLACE", _LIBRARY)
    with _following(twin):
        _scripts(other)


def stale_data(twin: Twin, other: Pair) -> None:
    with _following(twin):
        twin("CONFIG", "SET", "replica-serve-stale-data", "no")
        play(other, "GET k\nPING\nSET k v\nNOSUCH\nCONFIG GET hz\nTYPE k")


def missing_replicas(twin: Twin, other: Pair) -> None:
    other("MULTI")
    other("SET", "k", "v")
    twin("CONFIG", "SET", "min-replicas-to-write", "1")
    play(other, "EXEC\n" + _WRITES)
    twin("CONFIG", "SET", "min-replicas-max-lag", "0")
    play(other, "SET k v")


def missing_replicas_in_scripts(twin: Twin, other: Pair) -> None:
    twin("FUNCTION", "LOAD", "REPLACE", _LIBRARY)
    twin("CONFIG", "SET", "min-replicas-to-write", "1")
    _scripts(other)
    twin("FUNCTION", "LOAD", "REPLACE", _LIBRARY)


ELSEWHERE = {  # what needs a cluster, a script that takes its time, or is no server's at all
    ("slots", CLIENT): "tests/commands/test_cluster.py",
    ("slots", SCRIPT): "tests/commands/test_cluster.py",
    ("monitoring", CLIENT): "tests/commands/test_server.py",
    ("long script", CLIENT): "tests/commands/test_long_scripts.py",
    ("faults", CLIENT): "tests/patching/test_faults.py",
    ("faults", FORWARDED): "tests/stores/test_redis.py",
}
HERE: dict[tuple[str, Origin], Callable[[Twin, Pair], None]] = {
    ("authentication", CLIENT): authentication, ("not in MULTI", CLIENT): not_in_multi,
    ("permissions", CLIENT): permissions, ("permissions", EXEC): permissions_of_exec,
    ("permissions", SCRIPT): permissions_of_scripts,
    ("permissions", RETRY): permissions_of_what_has_waited, ("memory", CLIENT): memory,
    ("memory", SCRIPT): memory_of_scripts, ("subscriber mode", CLIENT): subscriber_mode,
    ("missing replicas", CLIENT): missing_replicas,
    ("missing replicas", SCRIPT): missing_replicas_in_scripts, ("replica", CLIENT): replica,
    ("replica", SCRIPT): replica_in_scripts, ("stale data", CLIENT): stale_data,
    ("pause", CLIENT): pause, ("queue", CLIENT): queue,
}


def test_every_gate_is_tried() -> None:
    every = {(place.name, origin) for place in GATES for origin in place.origins}
    assert every == {*HERE, *ELSEWHERE}


@pytest.mark.parametrize(
    "gate", HERE, ids=lambda gate: f"{gate[0]}-{gate[1].name.lower()}".replace(" ", "-")
)
def test_one_gate(twin: Twin, other: Pair, gate: tuple[str, Origin]) -> None:
    HERE[gate](twin, other)


# Two gates: which is the first ------------------------------------------------------------------

CLOSERS = {  # by whom, and how; "S" is the one that sends the command
    "permissions": ("S AUTH u p", "A ACL SETUSER u -set -spublish"),
    "memory": ("A CONFIG SET maxmemory 1",), "subscriber mode": ("S SUBSCRIBE c",),
    "queue": ("S MULTI",), "pause": ("A CLIENT PAUSE 100000 WRITE",),
}
NOT_BOTH = {("subscriber mode", "queue"), ("subscriber mode", "pause"), ("memory", "pause")}


@pytest.mark.parametrize("command", ["SET k v", "SET", "GET k"])
@pytest.mark.parametrize("closed", [
    pair for pair in combinations(CLOSERS, 2) if pair not in NOT_BOTH
], ids="-".join)
def test_the_order_of_two_gates(
    twin: Twin, other: Pair, closed: tuple[str, str], command: str
) -> None:
    for closer in closed:
        for line in CLOSERS[closer]:
            who, *words = line.split(" ")
            (other if who == "S" else twin)(*words)
            if words[0] == "SUBSCRIBE":
                other.reply()
    other(*command.split())
    if "pause" in closed:
        twin("CLIENT", "UNPAUSE")
        if command == "SET k v" and "permissions" not in closed:
            other.reply()
    if "queue" in closed:
        twin("CONFIG", "SET", "maxmemory", "0")
        other("EXEC")


# Compiled ---------------------------------------------------------------------------------------


def test_nothing_is_compiled_where_nothing_is_on() -> None:
    server = Server()
    server.session().execute([b"PING"])
    assert not server.client_roads


def test_a_switch_forgets_what_was_compiled() -> None:
    server = Server()
    session = server.session()
    refusal = CommandError("ERR no")
    server.switch_on(switches.RESTRICTED, road.Check({CLIENT: lambda *call: refusal}))
    with pytest.raises(CommandError, match=r"^ERR no$"):
        session.execute([b"PING"])
    assert len(server.client_roads) == 1
    server.switch_off(switches.RESTRICTED)
    assert session.execute([b"PING"]) == b"PONG"


def test_a_switch_that_moves_while_a_road_is_compiled() -> None:
    """A finalizer may close a session then, in the same thread."""
    server = Server()
    session, going = server.session(), server.session()

    def layer(server: Any, origin: Origin, go: road.Go) -> road.Go:
        if not going.closed:
            going.close()
        return go

    server.switch_on(switches.TIMED, road.Check(layer=layer))
    session.execute([b"PING"])
    session.execute([b"PING"])
    assert going.closed
    assert going.id not in server.sessions


def test_layers_lie_in_the_order_of_the_table() -> None:
    server, seen = Server(), []
    for place in LAYERS:
        def layer(server: Any, origin: Origin, go: road.Go, name: str = place.name) -> road.Go:
            def run(session: Any, command: Any, args: Any) -> Any:
                seen.append(name)
                return go(session, command, args)
            return run

        server.switch_on(place.switch, road.Check(layer=layer, gates=_open_gates()))
    session = server.session()
    session.execute([b"PING"])
    assert seen == [place.name for place in LAYERS]
    seen.clear()
    session.go_on(EXEC, server.table.by_name[b"PING"], [])
    assert seen == [place.name for place in LAYERS if EXEC in place.origins]


def _open_gates() -> dict[Origin, road.Gate]:
    return {origin: lambda *call: None for origin in Origin}


@pytest.mark.parametrize("spy", [False, True])
def test_the_same_code_with_and_without_a_spy(
    spy: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No command of a spied client leaves the short way."""
    with fakeredis.patch(spy=spy) as fake:
        client = redis.Redis()
        client.ping()
        monkeypatch.delattr(FakeSocket, "send")  # of which redis-py's own way makes use
        assert client.set("k", "v")
        assert client.pipeline(transaction=False).get("k").incr("n").execute() == [b"v", 1]
        assert client.pipeline().get("k").incr("n").execute() == [b"v", 2]
        if spy:
            assert len(fake.calls) == 8


@pytest.mark.parametrize("transaction", [False, True])
def test_a_batch_leaves_no_trace_for_the_spy(transaction: bool) -> None:
    with fakeredis.patch(spy=True) as fake:
        client = redis.Redis()
        client.ping()
        for _ in range(2):
            client.pipeline(transaction=transaction).lpush("q", 1).execute()
        client.get("k")
        batch = ["lpush"] if not transaction else ["execute", "lpush", "execute"]
        assert [call.method for call in fake.calls] == ["ping", *batch, *batch, "get"]
        assert [call.position for call in fake.calls][-1] == 0


def test_a_batch_that_is_broken_off_leaves_no_trace_either(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with fakeredis.patch(spy=True) as fake:
        client = redis.Redis()
        client.ping()
        server = fake.server()
        command = server.table.by_name[b"INCRBY"]
        handler = command.handler

        def interrupted(*args: Any) -> Any:
            raise KeyboardInterrupt

        monkeypatch.setattr(command, "handler", interrupted)
        with pytest.raises(KeyboardInterrupt):
            client.pipeline(transaction=False).set("a", 1).incr("n").execute()
        monkeypatch.setattr(command, "handler", handler)
        client.get("k")
        last = fake.calls[-1]
        assert (last.name, last.via, last.position, last.method) == ("GET", "direct", 0, "get")
