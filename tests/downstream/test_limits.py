"""limits: its Redis storages, sync and asyncio, with every strategy."""

from __future__ import annotations

from typing import Any

import pytest

import fakeredis

limits = pytest.importorskip("limits")
STRATEGIES = [
    "FixedWindowRateLimiter", "MovingWindowRateLimiter", "SlidingWindowCounterRateLimiter",
]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_sync(strategy: str, fake: fakeredis.patch) -> None:
    storage = limits.storage.storage_from_string("redis://limits.example:6379")
    limiter: Any = getattr(limits.strategies, strategy)(storage)
    three = limits.parse("3/minute")
    assert [limiter.hit(three, "user") for _ in range(4)] == [True, True, True, False]
    assert not limiter.test(three, "user")
    assert limiter.hit(three, "other")
    assert limiter.get_window_stats(three, "user").remaining == 0
    limiter.clear(three, "user")
    assert limiter.hit(three, "user")
    assert storage.check()


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_async(strategy: str, fake: fakeredis.patch) -> None:
    from limits import aio

    storage: Any = limits.storage.storage_from_string(
        "async+redis://limits.example:6379", implementation="redispy"
    )
    limiter: Any = getattr(aio.strategies, strategy)(storage)
    three = limits.parse("3/minute")
    assert [await limiter.hit(three, "user") for _ in range(4)] == [True, True, True, False]
    assert not await limiter.test(three, "user")
    assert await limiter.hit(three, "other")
    assert (await limiter.get_window_stats(three, "user")).remaining == 0
    await limiter.clear(three, "user")
    assert await limiter.hit(three, "user")
    assert await storage.check()
