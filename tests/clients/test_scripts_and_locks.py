"""redis-py's Script and Lock on fake clients."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import redis
from redis.exceptions import LockError, LockNotOwnedError

import fakeredis
from tests.clients.test_blocking import Running


@pytest.fixture
def server() -> fakeredis.FakeServer:
    return fakeredis.FakeServer()


def test_scripts(server: fakeredis.FakeServer) -> None:
    client = server.client()
    script = client.register_script(
        "return {KEYS[1], tonumber(ARGV[1]) + 1, redis.status_reply('X')}"
    )
    for _ in range(2):
        assert script(keys=["k"], args=[1]) == [b"k", 2, b"X"]
    for transaction in (True, False):
        client.script_flush()
        pipe = client.pipeline(transaction=transaction).set("k", "v")
        script(keys=["k"], args=[1], client=pipe)
        assert pipe.execute() == [True, [b"k", 2, b"X"]]
    with pytest.raises(redis.exceptions.NoScriptError):
        client.evalsha("0" * 40, 0)
    with pytest.raises(redis.ResponseError, match="mine"):
        client.eval("return redis.error_reply('mine')", 0)
    assert [type(each) for each in client.eval("return {redis.status_reply('A'), 'b'}", 0)] == [
        bytes, bytes,
    ]


def test_locks(server: fakeredis.FakeServer) -> None:
    client = server.client()
    lock = client.lock("l", timeout=10)
    with lock:
        assert lock.owned()
        assert not server.client().lock("l").acquire(blocking=False)
        assert lock.extend(5) is True
        assert lock.reacquire() is True
        assert lock.locked()
    assert client.exists("l") == 0
    with pytest.raises(LockError):
        lock.release()
    assert lock.acquire()
    server.advance(11)
    with pytest.raises(LockNotOwnedError):
        lock.release()
    with client.lock("l", timeout=10), pytest.raises(LockError):
        server.client().lock("l", blocking_timeout=0.02, sleep=0.01).__enter__()


def test_locks_exclude_threads(server: fakeredis.FakeServer) -> None:
    inside: list[int] = []

    def work(client: Any) -> None:
        for _ in range(10):
            with client.lock("l", sleep=0.0005):
                inside.append(1)
                assert len(inside) == 1
                inside.pop()

    threads = [Running(lambda: work(server.client())) for _ in range(4)]
    for thread in threads:
        assert thread.ended() is None


async def test_async_locks(server: fakeredis.FakeServer) -> None:
    inside: list[int] = []
    async with server.async_client() as client:

        async def work() -> None:
            async with client.lock("l", sleep=0.0005):
                inside.append(1)
                await asyncio.sleep(0)
                assert len(inside) == 1
                inside.pop()

        await asyncio.gather(*(work() for _ in range(5)))
        script = client.register_script("return ARGV[1]")
        assert await script(args=["x"]) == b"x"
        pipe = client.pipeline()
        await script(args=["y"], client=pipe)
        assert await pipe.execute() == [b"y"]
