"""The handle in a forked child (and in processes that join) is that of the process it began in."""

from __future__ import annotations

import asyncio
import os
import re
import time
from typing import Any

import pytest
import redis
import redis.asyncio

import fakeredis
from fakeredis import ANY, call, like, matching
from tests.patching.processes.forking import forked
from tests.support import processes

if not hasattr(os, "fork"):
    pytest.skip("no forks here", allow_module_level=True)


def failure_of(function: Any) -> tuple[str, str] | None:
    try:
        function()
    except Exception as error:
        return type(error).__name__, str(error)
    return None


def test_faults_ordered_in_a_child(fake: fakeredis.patch) -> None:
    client = redis.Redis()
    client.ping()

    def order() -> None:
        fake.fail_next("OOM no memory", "SET")
        fake.fail_next(redis.TimeoutError, "GET", "k")

    forked(order)
    with pytest.raises(redis.ResponseError, match="no memory"):
        client.set("k", "v")
    assert failure_of(lambda: forked(lambda: redis.Redis(retry=None).get("k"))) is not None
    forked(lambda: fake.fail_next("ERR x", times=5))
    forked(fake.reset_faults)
    assert client.ping()


def test_faults_described_in_a_child(fake: fakeredis.patch) -> None:
    client = redis.Redis()
    client.ping()

    def order() -> list[str]:
        fake.fail_next("OOM one", "SET", like("k*"), ANY, ...)
        fake.fail_next("OOM two", "SET", matching("^L"), re.compile(b"^v$", re.IGNORECASE))
        fake.fail_next(redis.TimeoutError("late"), call.get("k"), times=2)
        fake.delay(0.25, "INCR")
        return [str(each) for each in fake.unused_faults]

    ordered = forked(order)
    assert ordered == [str(each) for each in fake.unused_faults]
    assert ordered[2:] == ["GET k: TimeoutError: late, 2 times", "INCR: delay of 0.25 s"]
    for key, error in (("k1", "one"), ("L", "two")):
        with pytest.raises(redis.ResponseError, match=error):
            client.set(key, "V")
    assert failure_of(lambda: forked(fake.assert_faults_used)) is not None
    foreign = object()
    assert forked(lambda: failure_of(lambda: fake.fail_next("ERR", "GET", foreign))) is not None
    wrong = forked(lambda: failure_of(lambda: fake.fail_next("ERR", "GTE")))
    assert wrong[0] == "ValueError"


def test_delays(fake: fakeredis.patch) -> None:
    client = redis.Redis()
    client.ping()

    def timed() -> float:
        fake.delay(0.05, "GET")
        started = time.monotonic()
        client.get("k")
        return time.monotonic() - started

    assert forked(timed) >= 0.05
    started = time.monotonic()
    client.get("k")
    assert time.monotonic() - started >= 0.05

    def impatient() -> Any:
        hasty = redis.Redis(socket_timeout=0.01, retry=None)
        return failure_of(lambda: hasty.get("k"))

    assert forked(impatient)[0] == "TimeoutError"


def test_time(fake: fakeredis.patch) -> None:
    client = redis.Redis()
    client.set("k", "v", ex=10)
    forked(lambda: fake.freeze(1000))
    assert client.time() == (1000, 0)
    forked(lambda: fake.advance(5))
    assert client.time() == (1005, 0)
    forked(fake.freeze)
    assert client.time() == (1005, 0)
    fake.delay(60, "PING")
    assert forked(lambda: (client.ping(), client.time()[0])) == (True, 1065)


def test_data(fake: fakeredis.patch) -> None:
    client = redis.Redis()
    client.set("k", "v")
    client.rpush("l", 1, 2)
    before = fake.snapshot()
    assert forked(fake.state) == fake.state()

    def change() -> list[Any]:
        client.set("k", "child")
        own = fake.snapshot()
        client.set("k", "later")
        fake.restore(own)
        found = [client.get("k")]
        fake.restore(before)
        return [*found, client.get("k"), client.lrange("l", 0, -1)]

    assert forked(change) == [b"child", b"v", [b"1", b"2"]]
    assert client.get("k") == b"v"
    forked(fake.flush)
    assert client.dbsize() == 0


def test_down_and_up(fake: fakeredis.patch) -> None:
    client = redis.Redis(retry=None)
    client.ping()
    forked(fake.down)
    with pytest.raises(redis.ConnectionError):
        client.ping()
    forked(fake.up)
    assert client.ping()


def test_deadlines_in_a_child(fake: fakeredis.patch) -> None:
    client = redis.Redis()
    client.rpush("l", "b", "a")

    def use() -> list[Any]:
        client.set("k", "v", ex=60)
        client.sort("l", alpha=True, store="sorted")
        fake.assert_ttl("k", at_least=60, at_most=60)
        return [failure_of(lambda: fake.assert_ttl("sorted"))]

    assert "sorted has no TTL after #2 SORT l ALPHA STORE sorted" in forked(use)[0][1]
    fake.assert_ttl("k", at_least=60, at_most=60)


def test_the_spy(fake: fakeredis.patch) -> None:
    client = redis.Redis()
    client.set("before", 1)

    def use() -> list[Any]:
        with fake.span() as span:
            client.set("k", "v")
            client.pipeline().get("k").incr("n").execute()
        span.assert_called_command("SET k v")
        fake.assert_called_command_once("SET before 1")
        with pytest.raises(AssertionError, match="nearest"):
            fake.assert_called_command("SET k w")
        call = fake.assert_called_command_once("GET k")
        same = fake.assert_called_command_once("GET k")
        fake.assert_called_command("INCR n", client=client)
        return [str(each) for each in fake.calls] + [call.reply, same is call, call.via]

    found = forked(use)
    assert found[:-3] == [str(each) for each in fake.calls]
    assert found[-3:] == [b"v", True, "transaction"]

    def errors() -> list[Any]:
        failure_of(lambda: client.lpush("k", 1))
        (call,) = fake.matching("LPUSH")
        where = next(each.where for each in fake.calls if str(each) == "SET before 1")
        return [str(call.error), where.line, call.server]

    text, line, server = forked(errors)
    assert text.startswith("WRONGTYPE")
    assert line == fake.assert_called_command("SET before 1")[0].where.line
    assert server == "localhost:6379"
    forked(fake.reset)
    fake.assert_no_commands()
    assert forked(lambda: len(fake.calls)) == 0


def test_wrong_orders_fail_in_the_child(fake: fakeredis.patch) -> None:
    found = forked(
        lambda: [
            failure_of(order)
            for order in (
                lambda: fake.delay("x"),  # type: ignore[arg-type]
                lambda: fake.fail_next(5),
                lambda: fake.fail_next("ERR", times=0),
                lambda: fake.restore({}),  # type: ignore[arg-type]
                lambda: fake.freeze("now"),
            )
        ]
    )
    names = [each and each[0] for each in found]
    assert names == ["TypeError", "TypeError", "ValueError", "TypeError", "TypeError"]
    assert redis.Redis().ping()


# Batches ----------------------------------------------------------------------------------------


def messages(function: Any) -> int:
    """How many messages a child sends meanwhile."""
    from fakeredis.patching.processes.channel import Channel

    send, sent = Channel.send, []

    def counted(self: Channel, message: Any, descriptor: int | None = None) -> None:
        sent.append(message)
        send(self, message, descriptor)

    Channel.send = counted  # type: ignore[method-assign]
    function()
    return len(sent)


def test_a_batch_is_one_message(fake: fakeredis.patch) -> None:
    client = redis.Redis()

    def use() -> list[Any]:
        client.ping()
        found: list[Any] = []
        for transaction in (False, True):
            pipeline = client.pipeline(transaction=transaction)
            for number in range(50):
                pipeline.set(f"k{number}", number)
            pipeline.lpush("k1", 1)
            found.append(messages(lambda p=pipeline: p.execute(raise_on_error=False)))
        return found

    assert forked(use) == [1, 1]
    fake.assert_command_count(50, "SET", via="pipeline")
    fake.assert_command_count(50, "SET", via="transaction")
    fake.assert_round_trips(at_most=4)


def test_errors_and_waits_in_a_batch(fake: fakeredis.patch) -> None:
    client = redis.Redis()
    client.rpush("q", "a")

    def use() -> Any:
        pipeline = client.pipeline(transaction=False)
        pipeline.execute_command("BLPOP", "q", 0.01)
        pipeline.execute_command("BLPOP", "q", 0.01)
        pipeline.lpush("s", 1).get("s").ping()
        found = pipeline.execute(raise_on_error=False)
        return [str(item) if isinstance(item, Exception) else item for item in found]

    (first, second, pushed, wrong, pong) = forked(use)
    assert (list(first), second, pushed, pong) == ([b"q", b"a"], None, 1, True)
    assert wrong.startswith("WRONGTYPE")


def test_asyncio_batches(fake: fakeredis.patch) -> None:
    async def use() -> Any:
        async with redis.asyncio.Redis() as client:
            await client.ping()
            pipeline = client.pipeline()
            for number in range(50):
                pipeline.set(f"k{number}", number)
            return len(await pipeline.execute())

    assert forked(lambda: asyncio.run(use())) == 50
    fake.assert_round_trips(at_most=2)


def test_a_process_that_joined() -> None:
    program = (
        "import redis, fakeredis\n"
        "fake = fakeredis.active()\n"
        "fake.freeze(1000)\n"
        "assert redis.Redis().time() == (1000, 0)\n"
        "fake.assert_called_command('SET k v')\n"
        "print(fake.state(), len(fake.calls))\n"
    )
    with fakeredis.patch(subprocesses=True, spy=True) as fake:
        redis.Redis().set("k", "v")
        done = processes.python("-c", program)
        assert (done.stderr, done.stdout) == ("", "{'localhost:6379': {0: {'k': 'v'}}} 2\n")
        assert fake.server().now() == 1000
