"""Caches: aiocache, cashews and dogpile.cache."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import redis

import fakeredis
from tests.downstream import library

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
URL = "redis://cache.example:6400/3"


async def test_aiocache(fake: fakeredis.patch) -> None:
    aiocache = library("aiocache")
    library("aiocache.backends.redis")
    cache = aiocache.Cache.from_url(URL + "?pool_max_size=4")
    cache.namespace = "app"
    assert await cache.get("k") is None
    await cache.set("k", {"a": 1}, ttl=20)
    assert await cache.get("k") == "{'a': 1}" or await cache.get("k") == {"a": 1}
    with pytest.raises(ValueError, match="already exists"):
        await cache.add("k", 1)
    await cache.multi_set([("l", "1"), ("m", "2")])
    assert await cache.multi_get(["l", "m", "n"]) == ["1", "2", None]
    assert await cache.increment("count", 3) == 3
    with pytest.raises(TypeError):
        await cache.increment("k")
    assert await cache.expire("l", 30)
    assert await cache.delete("m") == 1
    fake.assert_called_command("SETEX app:k 20", ..., db=3)
    fake.advance(31)
    assert not await cache.exists("k")
    assert await cache.clear("app")
    await cache.close()


async def test_aiocache_locks_and_decorators(fake: fakeredis.patch) -> None:
    aiocache = library("aiocache")
    library("aiocache.backends.redis")
    from aiocache.lock import RedLock

    calls: list[int] = []
    cache = aiocache.RedisCache(endpoint="cache.example", port=6400)

    async def make() -> str:
        async with RedLock(cache, "key", lease=5):
            if not await cache.exists("key"):
                calls.append(1)
                await asyncio.sleep(0)
                await cache.set("key", "made")
            value: str = await cache.get("key")
            return value

    assert await asyncio.gather(make(), make(), make()) == ["made"] * 3
    assert calls == [1]
    await cache.close()


async def test_cashews(fake: fakeredis.patch) -> None:
    library("cashews.backends.redis")
    cache = library("cashews").Cache()
    cache.setup(URL, suppress=False)
    calls: list[int] = []

    @cache(ttl="1m", key="user:{number}")
    async def user(number: int) -> dict[str, int]:
        calls.append(number)
        return {"number": number}

    assert [await user(1), await user(1)] == [{"number": 1}] * 2
    assert calls == [1]
    fake.assert_ttl("user:*", at_most=60)
    assert await cache.incr("count") == 1
    async with cache.lock("resource", expire=10):
        assert await cache.is_locked("resource")
    await cache.delete_match("user:*")
    assert await user(1)
    assert calls == [1, 1]
    fake.down()
    with pytest.raises(library("cashews").CacheBackendInteractionError):
        await cache.set("k", 1)
    await cache.close()


@pytest.fixture(scope="module")
def region() -> Any:
    """A project's region, made at import and kept."""
    cache = library("dogpile.cache")
    return cache.make_region().configure(
        "dogpile.cache.redis", expiration_time=60,
        arguments={"url": URL, "redis_expiration_time": 120, "distributed_lock": True,
                   "thread_local_lock": False},
    )


@pytest.mark.parametrize("number", range(2))
def test_dogpile(number: int, region: Any, fake: fakeredis.patch) -> None:
    calls: list[int] = []

    def make() -> int:
        calls.append(number)
        return number

    assert [region.get_or_create("k", make) for _ in range(2)] == [number] * 2
    assert calls == [number]
    region.set_multi({"l": 1, "m": 2})
    assert region.get_multi(["l", "m"]) == [1, 2]
    region.delete("l")
    assert not region.get("l")
    fake.assert_ttl("k", at_most=120)
    fake.assert_called_command("SET _lockk", ..., at_least=1)
    fake.down()
    with pytest.raises(redis.ConnectionError):
        region.get("k")
