"""The fixtures that pottery's tests name; its source distribution lacks them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from redis import Redis
from redis.asyncio import Redis as AIORedis


@pytest.fixture
def redis_url() -> str:
    """Where the server is."""
    return "redis://localhost:6379/11"


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    """A client of an empty database."""
    client = Redis.from_url(redis_url, socket_timeout=1)
    client.flushdb()
    yield client
    client.flushdb()


@pytest.fixture
async def aioredis(redis_url: str) -> AsyncIterator[AIORedis]:
    """The same for asyncio."""
    client = AIORedis.from_url(redis_url, socket_timeout=1)
    await client.flushdb()
    yield client
    await client.flushdb()
    await client.aclose()
