"""Pipelines: the short way and the long way give what redis-py gives with a real server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis
import redis.asyncio
from redis.exceptions import OutOfMemoryError

import fakeredis
from tests.clients.test_blocking import Running, asyncio_timeout
from tests.patching.test_entering import calls_of

WAYS = ["short", "long", "real"]


@pytest.fixture(params=WAYS)
def client(request: pytest.FixtureRequest) -> Iterator[Any]:
    """The fake on its short way, on its long way, and a real server: all must pass."""
    if request.param == "real":
        url = request.getfixturevalue("clean_real_url")
        with redis.Redis.from_url(url) as client:
            yield client
        return
    with fakeredis.FakeRedis(server=fakeredis.FakeServer()) as client:
        client.ping()
        if request.param == "long":
            for connection in client.connection_pool._available_connections:
                connection._sock.parser = None  # as where it is careful
        yield client


@pytest.fixture(params=[True, False], ids=["multi", "plain"])
def transaction(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def test_replies(client: Any, transaction: bool) -> None:
    pipe = client.pipeline(transaction=transaction)
    pipe.set("k", 1).incr("k").get("k").lpush("l", "a", "b").lrange("l", 0, -1).sadd("s", 1)
    pipe.smembers("s").exists("none").hset("h", mapping={"f": 1}).hgetall("h").get("none")
    assert len(pipe) == 11
    assert pipe.execute() == [
        True, 2, b"2", 2, [b"b", b"a"], 1, {b"1"}, 0, 1, {b"f": b"1"}, None,
    ]
    assert len(pipe) == 0
    assert pipe.execute() == []
    assert pipe.get("k").execute() == [b"2"]


def test_errors_are_annotated(client: Any, transaction: bool) -> None:
    client.set("k", "v")
    pipe = client.pipeline(transaction=transaction).set("a", 1).lpush("k", 1).set("b", 2)
    with pytest.raises(redis.ResponseError) as caught:
        pipe.execute()
    assert str(caught.value) == (
        "Command # 2 (LPUSH k 1) of pipeline caused error: "
        "WRONGTYPE Operation against a key holding the wrong kind of value"
    )
    assert client.mget("a", "b") == [b"1", b"2"]
    assert len(pipe) == 0


def test_errors_as_items(client: Any, transaction: bool) -> None:
    client.set("k", "v")
    pipe = client.pipeline(transaction=transaction).set("a", 1).lpush("k", 1).incr("k").get("a")
    replies = pipe.execute(raise_on_error=False)
    assert [type(reply) for reply in replies] == [
        bool, redis.ResponseError, redis.ResponseError, bytes,
    ]
    assert str(replies[2]) == "value is not an integer or out of range"


@pytest.mark.parametrize("raising", [True, False])
def test_a_command_that_is_refused(client: Any, transaction: bool, raising: bool) -> None:
    pipe = client.pipeline(transaction=transaction).set("a", 1)
    pipe.execute_command("GET").execute_command("NONSENSE", "x")
    if transaction or raising:
        with pytest.raises(redis.ResponseError) as caught:
            pipe.execute(raise_on_error=raising)
        assert str(caught.value) == (
            "Command # 2 (GET) of pipeline caused error: "
            "wrong number of arguments for 'get' command"
        )
    else:
        assert [type(reply) for reply in pipe.execute(raise_on_error=False)] == [
            bool, redis.ResponseError, redis.ResponseError,
        ]
    assert client.get("a") == (None if transaction else b"1")


@pytest.mark.parametrize("denied", ["set", "multi", "exec", "get"])
def test_a_command_that_a_user_may_not_use(client: Any, transaction: bool, denied: str) -> None:
    client.set("k", "v")
    client.execute_command("ACL SETUSER", "default", f"-{denied}")
    try:
        pipe = client.pipeline(transaction=transaction).incr("n").set("k", "w").set("k", "x")
        if denied == "get" or (denied != "set" and not transaction):
            assert pipe.execute() == [1, True, True]
        else:
            with pytest.raises(redis.ResponseError) as caught:
                pipe.execute()
            refused = f"User default has no permissions to run the '{denied}' command"
            assert str(caught.value) == {
                "set": f"Command # 2 (SET k w) of pipeline caused error: {refused}",
                "multi": "EXEC without MULTI",
                "exec": f"Transaction discarded because of: NOPERM {refused}",
            }[denied]
    finally:
        everything = "reset on nopass ~* &* +@all"  # no more than in the beginning
        client.execute_command("ACL SETUSER", "default", *everything.split())
    counted = b"0" if transaction and denied in ("set", "exec") else b"1"
    assert (client.get("n") or b"0") == counted


@pytest.mark.parametrize("raising", [True, False])
def test_a_command_without_memory(client: Any, transaction: bool, raising: bool) -> None:
    client.set("k", "v")
    client.config_set("maxmemory", 1)
    try:
        pipe = client.pipeline(transaction=transaction).get("k").set("k", "w").get("k")
        if transaction or raising:
            with pytest.raises(OutOfMemoryError, match=r"^Command # 2 \(SET k w\)"):
                pipe.execute(raise_on_error=raising)
        else:
            replies = pipe.execute(raise_on_error=False)
            assert replies[0] == replies[2] == b"v"
            assert isinstance(replies[1], OutOfMemoryError)
    finally:
        client.config_set("maxmemory", 0)
    assert client.get("k") == b"v"


def test_a_pause_of_writes(client: Any, transaction: bool) -> None:
    client.set("k", "v")
    client.client_pause(100, all=False)
    pipe = client.pipeline(transaction=transaction)
    assert pipe.get("k").strlen("k").execute() == [b"v", 1]
    started = time.monotonic()
    assert pipe.get("k").incr("n").incr("n").execute() == [b"v", 1, 2]
    assert time.monotonic() - started > 0.05


def test_empty_response(client: Any, transaction: bool) -> None:
    client.set("k", "v")
    pipe = client.pipeline(transaction=transaction)
    pipe.set("a", 1).execute_command("LPUSH", "k", "x", EMPTY_RESPONSE="none").get("a")
    replies = pipe.execute(raise_on_error=False)
    assert replies == [True, "none", b"1"]


def test_options_survive_a_second_run(client: Any, transaction: bool) -> None:
    client.zadd("z", {"a": 1})
    pipe = client.pipeline(transaction=transaction)
    pipe.zrange("z", 0, -1, withscores=True).get("z", )
    stack = list(pipe.command_stack)
    with pytest.raises(redis.ResponseError):
        pipe.execute()
    pipe.command_stack = stack[:1]
    first = pipe.execute()
    pipe.command_stack = stack[:1]
    assert pipe.execute() == first


def test_watch(client: Any) -> None:
    client.set("k", 1)
    with client.pipeline() as pipe:
        pipe.watch("k")
        assert pipe.get("k") == b"1"
        client.set("k", 2)
        pipe.multi()
        pipe.set("k", 3)
        with pytest.raises(redis.WatchError, match=r"Watched variable changed\."):
            pipe.execute()
        assert not pipe.watching
        pipe.watch("k")
        assert pipe.watching
        pipe.multi()
        with pytest.raises(redis.RedisError, match="Cannot issue a WATCH after a MULTI"):
            pipe.watch("k")
        assert pipe.set("k", 4).get("k").execute() == [True, b"4"]
        pipe.watch("k")
        pipe.unwatch()
        assert not pipe.watching
        client.set("k", 5)
        assert pipe.get("k").execute() == [b"5"]
    assert client.get("k") == b"5"


def test_watch_is_dropped_on_reset(client: Any) -> None:
    client.set("k", 1)
    with client.pipeline() as pipe:
        pipe.watch("k")
    client.set("k", 2)
    with client.pipeline() as pipe:
        assert pipe.set("k", 3).execute() == [True]


def test_transaction_helper(client: Any) -> None:
    client.set("k", 1)
    runs = []

    def double(pipe: Any) -> str:
        value = int(pipe.get("k"))
        if not runs:
            client.set("k", 10)
        runs.append(value)
        pipe.multi()
        pipe.set("k", value * 2)
        return "done"

    assert client.transaction(double, "k") == [True]
    assert runs == [1, 10]
    assert client.transaction(double, "k", value_from_callable=True) == "done"
    assert client.get("k") == b"40"


def test_discard_and_explicit_multi(client: Any) -> None:
    pipe = client.pipeline(transaction=False)
    pipe.multi()
    pipe.set("k", 1)
    assert pipe.execute() == [True]
    pipe = client.pipeline()
    pipe.set("k", 2)
    pipe.reset()
    assert client.get("k") == b"1"


def test_callbacks_are_called_after_errors_were_raised(client: Any) -> None:
    """As redis-py: in a transaction errors come first, otherwise reply by reply."""
    seen: list[Any] = []
    client.set_response_callback("GET", lambda reply, **options: seen.append(reply))
    client.set("k", "v")
    for transaction in (True, False):
        with pytest.raises(redis.ResponseError):
            client.pipeline(transaction=transaction).get("k").lpush("k", 1).execute()
    assert seen == [b"v"]


def test_a_pipeline_is_atomic_enough() -> None:
    server = fakeredis.FakeServer()
    client = server.client()

    def move() -> None:
        for _ in range(200):
            client.pipeline().incr("a").decr("b").execute()

    def look() -> list[int]:
        sums = []
        for _ in range(200):
            a, b = server.client().mget("a", "b")
            sums.append(int(a or 0) + int(b or 0))
        return sums

    moving, looking = Running(move), Running(look)
    assert moving.ended() is None
    assert set(looking.ended()) == {0}


def test_decoding_follows_redis_py(client: Any) -> None:
    """EXEC's reply is decoded as one, so NEVER_DECODE has no effect in it."""
    kwargs = dict(client.connection_pool.connection_kwargs, decode_responses=True)
    pool = type(client.connection_pool)(
        connection_class=client.connection_pool.connection_class, **kwargs
    )
    client.set("k", b"\xff")
    with redis.Redis(connection_pool=pool) as real_class:
        pipe = real_class.pipeline(transaction=False)
        assert pipe.execute_command("GET", "k", NEVER_DECODE=[]).execute() == [b"\xff"]
        pipe = real_class.pipeline()
        with pytest.raises(UnicodeDecodeError):
            pipe.execute_command("GET", "k", NEVER_DECODE=[]).execute()
    pool.disconnect()


async def test_async_pipelines() -> None:
    server = fakeredis.FakeServer()
    async with server.async_client() as client:
        for _ in range(2):  # the long way, the short way
            async with client.pipeline() as pipe:
                pipe.set("k", "v").get("k")
                assert await pipe.execute() == [True, b"v"]
            pipe = client.pipeline(transaction=False).set("k", 1).lpush("k", 1)
            with pytest.raises(redis.ResponseError, match=r"Command # 2 \(LPUSH k 1\)"):
                await pipe.execute()
            assert await client.pipeline().get("k") .execute() == [b"1"]
            async with client.pipeline() as pipe:
                await pipe.watch("k")
                assert await pipe.get("k") == b"1"
                await client.set("k", 2)
                pipe.multi()
                pipe.set("k", 3)
                with pytest.raises(redis.WatchError):
                    await pipe.execute()

        async def double(pipe: Any) -> None:
            value = int(await pipe.get("k"))
            pipe.multi()
            pipe.set("k", value * 2)

        async with asyncio_timeout():
            await asyncio.gather(*(client.transaction(double, "k") for _ in range(5)))
        assert await client.get("k") == b"64"
    assert not server.sessions


def test_a_node_of_a_cluster_sends_single_commands_away() -> None:
    """A batch takes the short way there, too; what is another node's is told as on the long one."""
    with fakeredis.patch():
        redis.RedisCluster("cluster.example", 7001).ping()
        client = redis.Redis("cluster.example", 7001)
        client.ping()
        replies: list[list[str]] = []

        def run() -> None:
            pipe = client.pipeline(transaction=False)
            for number in range(20):
                pipe.set(f"k{number}", number)
            replies.append([str(reply) for reply in pipe.execute(raise_on_error=False)])

        short = calls_of(run)
        client.connection_pool._available_connections[0]._sock.parser = None
        assert 1.8 * short < calls_of(run)
        assert replies[0] == replies[-1]
        assert {reply == "True" for reply in replies[0]} == {True, False}
