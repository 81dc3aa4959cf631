"""saq: jobs, results and failures in a worker of this loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import redis

import fakeredis
from tests.downstream import library

saq = library("saq")
library("saq.queue.redis")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
URL = "redis://queue.example:6400/4"


async def add(ctx: dict[str, Any], *, a: int, b: int) -> int:
    return a + b


async def fail(ctx: dict[str, Any]) -> None:
    raise ValueError("as ordered")


@pytest.fixture
async def queue(fake: fakeredis.patch) -> AsyncIterator[Any]:
    queue = saq.Queue.from_url(URL)
    await queue.connect()
    yield queue
    await queue.disconnect()


@pytest.fixture
async def worker(queue: Any) -> AsyncIterator[Any]:
    worker = saq.Worker(queue, functions=[add, fail], concurrency=2, dequeue_timeout=1)
    task = asyncio.create_task(worker.start())
    yield worker
    await worker.stop()
    await asyncio.wait_for(task, 30)


async def test_jobs(queue: Any, worker: Any, fake: fakeredis.patch) -> None:
    assert await queue.apply("add", a=1, b=2, timeout=10) == 3
    assert await queue.map("add", [{"a": n, "b": n} for n in range(3)], timeout=10) == [0, 2, 4]
    job = await queue.enqueue("add", a=3, b=4)
    await job.refresh(10)
    assert (job.status, job.result) == (saq.Status.COMPLETE, 7)
    fake.assert_called_command("EVALSHA", ..., at_least=5, db=4)
    fake.assert_called_command("PUBLISH", f"saq:job:default:{job.key}", ..., at_least=1)


async def test_failures(queue: Any, worker: Any) -> None:
    with pytest.raises(saq.queue.JobError, match="as ordered"):
        await queue.apply("fail", timeout=10)
    info = await queue.info()
    assert (info["queued"], info["active"]) == (0, 0)


async def test_scheduled_and_aborted(queue: Any, fake: fakeredis.patch) -> None:
    later = await queue.enqueue("add", a=1, b=1, scheduled=4_000_000_000)
    assert await queue.count("incomplete") == 1
    assert await queue.count("queued") == 0
    assert await queue.enqueue("add", a=1, b=1, key=later.key.rpartition(":")[2]) is None
    await later.abort("not needed")
    assert await queue.count("incomplete") == 0


async def test_server_that_is_down(queue: Any, fake: fakeredis.patch) -> None:
    fake.down()
    with pytest.raises(redis.ConnectionError):
        await queue.enqueue("add", a=1, b=1)
    fake.up()
    assert await queue.enqueue("add", a=1, b=1)
