"""``CommandCall.method`` and ``position``: who sent a command, and where in a batch."""

from __future__ import annotations

import asyncio
import gc
import inspect
import os
from collections.abc import Iterator
from typing import Any

import pytest
import redis
import redis.asyncio
import redis.cluster

import fakeredis
from fakeredis.patching import method_notes
from fakeredis.spy import Spy, methods
from tests.patching.processes.forking import forked
from tests.support import processes


@pytest.fixture(params=[True, False], ids=["names", "underneath"])
def fake(request: pytest.FixtureRequest) -> Iterator[fakeredis.patch]:
    with fakeredis.patch(spy=True, names=request.param) as handle:
        yield handle


def seen(spy: Any) -> list[tuple[str, str | None, int]]:
    """Name, method and position of what was sent."""
    return [(each.name, each.method, each.position) for each in spy.calls]


def test_methods(fake: fakeredis.patch) -> None:
    client = redis.Redis()
    client.set("k", 1)
    client.set("k", 1, ex=10)
    client.zadd("z", {"a": 1})
    client.execute_command("GET", "k")
    client.blpop(["q"], 0.01)
    list(client.scan_iter())
    client.pubsub().subscribe("channel")
    assert [each.method for each in fake.calls] == [
        "set", "set", "zadd", "execute_command", "blpop", "scan_iter", "PubSub.subscribe",
    ]
    assert fake.count(method="set") == 2
    fake.assert_called_command("ZADD", method="zadd")


def test_a_lock(fake: fakeredis.patch) -> None:
    lock = redis.Redis().lock("lock")
    lock.acquire()
    lock.release()
    sent = [(each.name, each.method) for each in fake.calls]
    assert ("SET", "Lock.acquire") in sent
    assert ("EVALSHA", "Lock.release") in sent
    assert ("DEL", None) in sent  # a script's own
    assert all(each.method is None for each in fake.matching(via="handshake"))


@pytest.mark.parametrize("transaction", [True, False])
def test_pipelines(fake: fakeredis.patch, transaction: bool) -> None:
    with redis.Redis().pipeline(transaction=transaction) as pipe:
        pipe.set("a", 1).hget("h", "f")
        pipe.execute_command("GET", "a")
        pipe.execute()
    sent = seen(fake)
    if transaction:
        assert (sent.pop(0)[:2], sent.pop()[:2]) == (("MULTI", "execute"), ("EXEC", "execute"))
    assert sent == [("SET", "set", 0), ("HGET", "hget", 1), ("GET", "execute_command", 2)]


def test_a_pipeline_that_watches(fake: fakeredis.patch) -> None:
    with redis.Redis().pipeline() as pipe:
        pipe.watch("k")
        pipe.get("k")
        pipe.multi()
        pipe.set("k", 1)
        pipe.execute()
    assert [each.method for each in fake.calls] == ["watch", "get", "execute", "set", "execute"]


async def test_asyncio(fake: fakeredis.patch) -> None:
    async with redis.asyncio.Redis() as client:
        await client.set("k", 1)
        await asyncio.gather(client.get("k"), client.hget("h", "f"))
        line = inspect.currentframe().f_lineno - 1  # type: ignore[union-attr]
        await asyncio.create_task(client.zscore("z", "m"))  # type: ignore[arg-type]
        await client.execute_command("PING")
        lock = client.lock("lock")
        await lock.acquire()
        async with client.pipeline(transaction=False) as pipe:
            await pipe.incrby("n", 1).get("n").execute()
        async with client.pipeline() as pipe:
            await pipe.watch("k")
            await pipe.get("k")
            pipe.multi()
            pipe.expire("k", 1)
            await pipe.execute()
    assert seen(fake) == [
        ("SET", "set", 0), ("GET", "get", 0), ("HGET", "hget", 0), ("ZSCORE", "zscore", 0),
        ("PING", "execute_command", 0), ("SET", "Lock.acquire", 0), ("INCRBY", "incrby", 0),
        ("GET", "get", 1), ("WATCH", "watch", 0), ("GET", "get", 0), ("MULTI", "execute", 0),
        ("EXPIRE", "expire", 0), ("EXEC", "execute", 0),
    ]
    where = fake.assert_called_command("HGET")[0].where
    assert where is not None
    assert (where.filename, where.line) == (__file__, line)


def test_clusters(fake: fakeredis.patch) -> None:
    client: Any = redis.cluster.RedisCluster("node", 7000)
    fake.reset()
    client.set("k", 1)
    with client.pipeline() as pipe:
        pipe.set("{a}1", 1).get("{a}2").get("b").execute()
    client.close()
    fake.assert_called_command("SET k 1", method="set", via="direct")
    batches = fake.matching(via="pipeline")
    assert {(str(each), each.method, each.position) for each in batches} == {
        ("SET {a}1 1", "set", 0), ("GET {a}2", "get", 1), ("GET b", "get", 0),
    }
    assert len({each.group for each in batches}) == 2


async def test_asyncio_clusters(fake: fakeredis.patch) -> None:
    client: Any = redis.asyncio.cluster.RedisCluster("node", 7000)
    await client.initialize()
    await asyncio.gather(client.get("k"), client.hget("h", "f"))
    async with client.pipeline() as pipe:
        await pipe.set("{a}1", 1).get("{a}2").execute()
    await client.aclose()
    fake.assert_called_command("GET k", method="get")
    fake.assert_called_command("HGET h f", method="hget")
    first, second = fake.matching(via="pipeline")
    assert (first.method, first.position) == ("set", 0)
    assert (second.method, second.position) == ("get", 1)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks here")
def test_a_forked_child(fake: fakeredis.patch) -> None:
    redis.Redis().ping()

    def child() -> list[tuple[str, str | None, int]]:
        client = redis.Redis()
        client.set("k", 1)
        client.pipeline(transaction=False).incrby("n", 1).get("k").execute()
        client.pipeline().expire("k", 100).execute()
        return seen(fake)

    expected = [
        ("PING", "ping", 0), ("SET", "set", 0), ("INCRBY", "incrby", 0), ("GET", "get", 1),
        ("MULTI", "execute", 0), ("EXPIRE", "expire", 0), ("EXEC", "execute", 0),
    ]
    assert forked(child) == expected
    assert seen(fake) == expected


def test_a_spy_on_a_client() -> None:
    client = fakeredis.FakeRedis(server=fakeredis.FakeServer())
    with fakeredis.spy(client) as spy:
        client.set("k", 1)
        client.pipeline(transaction=False).get("k").strlen("k").execute()
    assert seen(spy) == [("SET", "set", 0), ("GET", "get", 0), ("STRLEN", "strlen", 1)]


async def test_a_spy_on_an_asyncio_client() -> None:
    client = fakeredis.FakeAsyncRedis(server=fakeredis.FakeServer())
    with fakeredis.spy(client) as spy:
        await asyncio.gather(client.set("k", 1), client.get("k"))
    await client.aclose()
    assert seen(spy) == [("SET", "set", 0), ("GET", "get", 0)]


def test_what_is_imported_while_somebody_spies() -> None:
    source = """if True:
        import asyncio, fakeredis
        server = fakeredis.FakeServer()
        first = fakeredis.spy(server).start()
        async def main():
            client = server.async_client()
            with fakeredis.spy(client) as spy:
                await client.set("k", 1)
            print(spy.calls[0].method)
            await client.aclose()
        asyncio.run(main())
    """
    assert processes.python("-c", source).stdout == "set\n"


def test_what_no_client_sends_has_none() -> None:
    server = fakeredis.FakeServer()
    with fakeredis.spy(server) as spy:
        server.execute("SET", "k", "v")
    assert seen(spy) == [("SET", None, 0)]


def test_nothing_is_noted_without_a_spy() -> None:
    functions: list[Any] = [
        redis.client.Pipeline.pipeline_execute_command,
        redis.asyncio.client.Pipeline.immediate_execute_command,
        redis.asyncio.Redis.execute_command,
        fakeredis.FakeAsyncRedis.execute_command,
    ]
    gc.collect()  # lost spies of other tests
    if methods.SPYING.count:
        pytest.skip("another test has left a spy that still listens")
    before = [(each.__code__, dict(vars(each))) for each in functions]
    outer = Spy(fakeredis.FakeServer())
    outer.start()
    with fakeredis.patch(spy=True), fakeredis.patch():
        assert methods.SPYING.count == 2
        # Whoever asks is told what they are.
        assert all(map(asyncio.iscoroutinefunction, functions[1:]))
    outer.stop()
    assert methods.SPYING.count == 0
    assert [(each.__code__, dict(vars(each))) for each in functions] == before
    pipe = fakeredis.FakeRedis(server=fakeredis.FakeServer()).pipeline().get("k")
    assert [type(args) for args, _ in pipe.command_stack] == [tuple]
    method_notes.begin(False)
    pipe.get("k")
    method_notes.end(False)
    assert pipe.command_stack[0] == pipe.command_stack[1]


def test_a_name_without_the_help_of_python_3_11() -> None:
    names = [
        methods._qualified(function.__code__)
        for function in (redis.Redis.hset, redis.lock.Lock.acquire, seen)
    ]
    assert names == ["HashCommands.hset", "Lock.acquire", "seen"]
