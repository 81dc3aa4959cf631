"""What SAQ's tests import; its source distribution lacks it."""

from __future__ import annotations

import unittest
from typing import Any

from saq.queue import Queue


async def create_redis_queue(url: str = "redis://localhost:6379", **options: Any) -> Any:
    """A queue in Redis."""
    queue = Queue.from_url(url, **options)
    await queue.connect()
    return queue


async def cleanup_queue(queue: Any) -> None:
    """Remove what it holds, and let go of it."""
    if hasattr(queue, "redis"):
        await queue.redis.flushdb()
    await queue.disconnect()


async def create_postgres_queue(**options: Any) -> Any:
    """Not here."""
    raise unittest.SkipTest("needs PostgreSQL")


async def setup_postgres() -> None:
    """Not here."""
    raise unittest.SkipTest("needs PostgreSQL")


async def teardown_postgres() -> None:
    """Not here."""
