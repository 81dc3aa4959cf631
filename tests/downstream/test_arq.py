"""arq: jobs, results, failures, retries and delays in a worker of this loop."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import redis.asyncio.retry

import fakeredis
from tests.downstream import library

arq = library("arq")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


async def add(ctx: dict[str, Any], a: int, b: int) -> int:
    return a + b


async def fail(ctx: dict[str, Any]) -> None:
    raise ValueError("as ordered")


async def again(ctx: dict[str, Any]) -> int:
    if ctx["job_try"] < 3:
        raise arq.Retry
    return int(ctx["job_try"])


def worker(pool: Any) -> Any:
    return arq.Worker(
        [add, fail, again], redis_pool=pool, burst=True, poll_delay=0, handle_signals=False
    )


async def pool() -> Any:
    return await arq.create_pool(arq.connections.RedisSettings(host="queue.example", port=6400))


async def test_jobs(fake: fakeredis.patch) -> None:
    queue = await pool()
    job = await queue.enqueue_job("add", 1, 2, _job_id="once")
    assert await queue.enqueue_job("add", 1, 2, _job_id="once") is None
    assert await job.status() == arq.jobs.JobStatus.queued
    working = worker(queue)
    await working.main()
    assert await job.result(timeout=5) == 3
    assert (await job.result_info()).success
    assert (working.jobs_complete, working.jobs_failed) == (1, 0)
    fake.assert_called_command("ZADD arq:queue", ..., times=1)
    fake.assert_called_command("PSETEX arq:job:once", ...)
    fake.assert_ttl("arq:result:*", at_most=3600)
    await queue.aclose()


async def test_failures_and_retries(fake: fakeredis.patch) -> None:
    queue = await pool()
    failed, retried = await queue.enqueue_job("fail"), await queue.enqueue_job("again")
    working = worker(queue)
    await working.main()
    with pytest.raises(ValueError, match="as ordered"):
        await failed.result(timeout=5)
    assert await retried.result(timeout=5) == 3
    assert (working.jobs_failed, working.jobs_retried) == (1, 2)
    await queue.aclose()


async def test_deferred_and_missing(fake: fakeredis.patch) -> None:
    queue = await pool()
    job = await queue.enqueue_job("add", 1, 1, _defer_by=3600)
    assert await job.status() == arq.jobs.JobStatus.deferred
    assert [each.function for each in await queue.queued_jobs()] == ["add"]
    with pytest.raises(asyncio.TimeoutError):
        await job.result(timeout=0.01, poll_delay=0.001)
    with pytest.raises(arq.jobs.ResultNotFound):
        await arq.jobs.Job("unknown", queue).result(timeout=1)
    await queue.aclose()


async def test_pool_made_outside_of_the_loop(fake: fakeredis.patch) -> None:
    job = await BEFORE.enqueue_job("add", 2, 2)
    await worker(BEFORE).main()
    assert await job.result(timeout=5) == 4
    await BEFORE.aclose()


BEFORE = arq.ArqRedis(host="queue.example", port=6400)


async def test_server_that_is_down(fake: fakeredis.patch) -> None:
    never = redis.asyncio.retry.Retry(redis.backoff.NoBackoff(), 0)
    queue = arq.ArqRedis(host="queue.example", retry=never)
    fake.down()
    with pytest.raises(redis.ConnectionError):
        await queue.enqueue_job("add", 1, 1)
    fake.up()
    assert await queue.enqueue_job("add", 1, 1)
    await queue.aclose()
