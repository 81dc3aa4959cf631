"""The spy on clients of a server in this process."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator

import pytest
import redis

import fakeredis
from fakeredis.spy import ANY, Spy, call, spy_on


@pytest.fixture
def server() -> fakeredis.FakeServer:
    return fakeredis.FakeServer()


@pytest.fixture
def r(server: fakeredis.FakeServer) -> Iterator[redis.Redis]:
    client = fakeredis.FakeRedis(server=server, decode_responses=True)
    yield client
    client.close()


@pytest.fixture
def spy(server: fakeredis.FakeServer) -> Iterator[Spy]:
    with spy_on(server) as spy:
        yield spy


def test_commands_are_recorded_with_their_place(spy: Spy, r: redis.Redis) -> None:
    assert r.set("k", "v", ex=10)
    found = spy.assert_called_command_once(call.set("k", "v", ex=10))
    assert found.where is not None
    assert found.where.filename == os.path.abspath(__file__)
    assert (
        found.where.line == test_commands_are_recorded_with_their_place.__code__.co_firstlineno + 1
    )
    assert found.via == "direct"
    assert (found.reply, found.error) == (b"OK", None)
    assert abs(found.at - time.time()) < 60


def test_a_method_and_its_command_are_one(spy: Spy, r: redis.Redis) -> None:
    r.incr("n")
    spy.assert_called_command_once("INCR n")
    spy.assert_called_command_once("INCRBY", "n", 1)


def test_errors_are_recorded(spy: Spy, r: redis.Redis) -> None:
    r.set("k", "v")
    with pytest.raises(redis.ResponseError):
        r.execute_command("INCR", "k")
    assert "not an integer" in str(spy.assert_called_command_once("INCR k").error)


def test_a_result_that_is_stored_has_no_ttl(spy: Spy, r: redis.Redis) -> None:
    r.rpush("l", 1)
    r.expire("l", 100)
    spy.assert_ttl("*")
    r.sort("l", store="sorted")
    r.xgroup_create("stream", "g", mkstream=True)
    with pytest.raises(AssertionError, match="sorted has no TTL"):
        spy.assert_ttl("*")
    assert [str(each) for each in spy.lint()] == [
        "no-ttl: SORT left keys without a TTL: sorted",
        "no-ttl: XGROUP CREATE left keys without a TTL: stream",
    ]


def test_a_handshake_is_no_call(server: fakeredis.FakeServer, spy: Spy) -> None:
    client = fakeredis.FakeRedis(server=server, client_name="worker", db=2)
    client.get("k")
    assert spy.snapshot() == "GET k"
    spy.assert_called_command("SELECT 2", via="handshake")
    spy.assert_called_command("GET", client="worker", db=2)
    client.close()


def test_only_one_client_of_a_server(server: fakeredis.FakeServer, r: redis.Redis) -> None:
    other = fakeredis.FakeRedis(server=server)
    r.get("before")
    other.get("before")
    with spy_on(r) as spy:
        r.get("mine")
        other.get("not mine")
        threads = [threading.Thread(target=r.get, args=("mine",)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    r.get("after")
    assert spy.snapshot().split("\n") == ["GET mine"] * 4
    other.close()


def test_a_client_that_connects_under_the_spy(server: fakeredis.FakeServer) -> None:
    mine = fakeredis.FakeRedis(server=server)
    other = fakeredis.FakeRedis(server=server)
    with spy_on(mine) as spy:
        other.get("not mine")
        mine.get("mine")
    assert spy.snapshot() == "GET mine"
    for client in (mine, other):
        client.close()


def test_a_client_as_a_filter(server: fakeredis.FakeServer, spy: Spy, r: redis.Redis) -> None:
    other = fakeredis.FakeRedis(server=server)
    r.get("a")
    other.get("b")
    spy.assert_called_command_once("GET", client=other)
    assert [each.args for each in spy.matching("GET", client=r)] == [("a",)]
    other.close()


def test_a_pipeline_is_one_round_trip(spy: Spy, r: redis.Redis) -> None:
    pipe = r.pipeline(transaction=False)
    pipe.set("a", 1)
    pipe.get("a")
    pipe.execute()
    spy.assert_has_commands(["SET a 1", "GET a"], via="pipeline")
    spy.assert_round_trips(1)
    spy.assert_no_n_plus_one(threshold=1)


def test_keys_that_migrate() -> None:
    with fakeredis.patch(spy=True) as fake:
        here, there = redis.Redis(port=7001), redis.Redis(port=7002)
        here.set("k", "v", ex=60)
        here.set("l", "v")
        there.ping()
        here.migrate("localhost", 7002, ["k", "l"], 0, 1000)
        assert there.exists("k", "l") == 2
    fake.assert_ttl("k", at_least=59, at_most=60)
    with pytest.raises(AssertionError, match=r"l has no TTL after #\d+ RESTORE l 0"):
        fake.assert_ttl("l")


def test_a_transaction_reads_as_sent(spy: Spy, r: redis.Redis) -> None:
    with r.pipeline() as pipe:
        pipe.incr("a")
        pipe.hset("h", "f", 1)
        pipe.execute()
    assert [each.name for each in spy.calls] == ["MULTI", "INCRBY", "HSET", "EXEC"]
    spy.assert_called_command_once("INCR a", via="transaction")
    spy.assert_round_trips(1)


def test_a_failure_tells_what_came_nearest(spy: Spy, r: redis.Redis) -> None:
    r.set("session:42", "x", ex=60, nx=True)
    with pytest.raises(AssertionError, match=r"argument [0-9]: expected 61, got 60"):
        spy.assert_called_command("SET session:42 x EX 61 NX")
    spy.assert_ttl("session:*", at_least=60, at_most=60)


def test_what_waited_is_recorded_once(spy: Spy, server: fakeredis.FakeServer) -> None:
    waiting = fakeredis.FakeRedis(server=server)
    pushing = fakeredis.FakeRedis(server=server)
    got: list[object] = []
    thread = threading.Thread(
        daemon=True, target=lambda: got.append(waiting.blpop(["q"], timeout=30))
    )
    thread.start()
    ends = time.monotonic() + 30
    while spy.count("BLPOP") == 0 and time.monotonic() < ends:
        time.sleep(0.001)
    pushing.rpush("q", "x")
    thread.join(30)
    assert got == [(b"q", b"x")]
    found = spy.assert_called_command_once("BLPOP", "q", ANY)
    assert found.reply == [b"q", b"x"]
    for client in (waiting, pushing):
        client.close()
