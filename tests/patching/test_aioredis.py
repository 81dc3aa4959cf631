"""aioredis 2, from before it became a part of redis-py: led to the engine underneath."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import pytest

import fakeredis
from tests.support import processes

try:
    import aioredis
except (ImportError, TypeError):  # TypeError: what it does on Python 3.11 and later
    pytest.skip("aioredis 2 is not here, or not for this Python", allow_module_level=True)


@pytest.mark.parametrize("names", [True, False])
def test_aioredis(names: bool) -> None:
    async def use() -> None:
        client: Any = aioredis.from_url("redis://cache.example:7000/1", decode_responses=True)
        assert await client.set("k", "v") is True
        assert await client.get("k") == "v"
        async with client.pipeline() as pipeline:
            assert await pipeline.incr("n").get("k").execute() == [1, "v"]
        with pytest.raises(aioredis.ResponseError, match="wrong kind"):
            await client.lpush("k", 1)
        assert await client.hgetall("h") == {}
        waiting = asyncio.ensure_future(client.blpop(["q"], timeout=5))
        await asyncio.sleep(0.01)
        await client.rpush("q", "job")
        assert tuple(await waiting) == ("q", "job")
        pubsub = client.pubsub()
        await pubsub.subscribe("c")
        await client.publish("c", "hello")
        got = [await pubsub.get_message(timeout=1) for _ in range(2)]
        assert [message["data"] for message in got] == [1, "hello"]
        assert await pubsub.get_message(timeout=0.01) is None
        await pubsub.close()
        async with client.lock("lock", timeout=1):
            assert await client.exists("lock")
        await client.close()

    before = aioredis.Redis()
    with fakeredis.patch(names=names, spy=True) as fake:
        asyncio.run(use())
        fake.assert_called_command("SET k v", db=1)
        assert set(fake.servers) == {"cache.example:7000"}
        fake.down()
        with pytest.raises(aioredis.ConnectionError):
            asyncio.run(before.get("k"))


@pytest.mark.parametrize("after_exit", ["fake", "raise"])
def test_after_the_end(after_exit: str) -> None:
    async def use() -> None:
        with fakeredis.patch(after_exit=after_exit):
            client: Any = aioredis.Redis()
            await client.set("k", "v")
        if after_exit == "raise":
            with pytest.raises(aioredis.ConnectionError, match="after its end"):
                await client.get("k")
        else:
            with pytest.warns(fakeredis.AfterExitWarning):
                assert await client.get("k") == b"v"
        with fakeredis.patch():
            assert await client.get("k") is None
        await client.close()

    asyncio.run(use())


def test_children() -> None:
    """Both kinds: a program that imports aioredis alone, and a fork."""
    program = "import asyncio, aioredis; print(asyncio.run(aioredis.Redis().incr('n')))"
    with fakeredis.patch(subprocesses=True):
        asyncio.run(aioredis.Redis().set("n", 41))
        assert processes.python("-c", program).stdout == "42\n"
        pid = os.fork()
        if pid == 0:
            os._exit(asyncio.run(aioredis.Redis().incr("n")))
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 43


def test_a_function_in_the_place_of_connecting_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    async def no_route(connection: Any) -> None:
        raise OSError(113, "No route")

    with fakeredis.patch():
        monkeypatch.setattr(aioredis.Connection, "_connect", no_route)
        with pytest.raises(aioredis.ConnectionError, match="113"):
            asyncio.run(aioredis.Redis().ping())
