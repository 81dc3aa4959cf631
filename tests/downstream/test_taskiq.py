"""taskiq-redis: its three brokers, results and schedules."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Any

import pytest
import redis

import fakeredis
from tests.downstream import library

taskiq = library("taskiq")
taskiq_redis = library("taskiq_redis")
URL = "redis://queue.example:6400/5"
KINDS = ["ListQueueBroker", "PubSubBroker", "RedisStreamBroker"]


def application(kind: str) -> Any:
    backend = taskiq_redis.RedisAsyncResultBackend(URL, result_ex_time=60)
    broker = getattr(taskiq_redis, kind)(URL).with_result_backend(backend)

    @broker.task(task_name="add")
    async def add(a: int, b: int) -> int:
        return a + b

    @broker.task(task_name="fail")
    async def fail() -> None:
        raise ValueError("as ordered")

    return broker


@pytest.mark.parametrize("kind", KINDS)
async def test_tasks(kind: str, fake: fakeredis.patch) -> None:
    from taskiq.api import run_receiver_task

    broker = application(kind)
    broker.is_worker_process = True
    await broker.startup()
    receiver = asyncio.create_task(run_receiver_task(broker))
    if kind == "PubSubBroker":
        client = fake.async_client("queue.example:6400")
        while not (await client.pubsub_numsub("taskiq"))[0][1]:  # noqa: ASYNC110
            await asyncio.sleep(0)
        await client.aclose()
    add, fail = broker.find_task("add"), broker.find_task("fail")
    task = await add.kiq(1, 2)
    assert (await task.wait_result(timeout=10)).return_value == 3
    failed = await (await fail.kiq()).wait_result(timeout=10)
    assert failed.is_err
    with pytest.raises(ValueError, match="as ordered"):
        failed.raise_for_error()
    fake.assert_ttl(f"{task.task_id}*", at_most=60)
    sent = {"ListQueueBroker": "LPUSH", "PubSubBroker": "PUBLISH", "RedisStreamBroker": "XADD"}
    fake.assert_called_command(f"{sent[kind]} taskiq", ..., times=2, db=5)
    receiver.cancel()
    await asyncio.wait([receiver])
    await broker.shutdown()


async def test_without_a_worker(fake: fakeredis.patch) -> None:
    broker = application("ListQueueBroker")
    task = await broker.find_task("add").kiq(1, 2)
    assert not await task.is_ready()
    with pytest.raises(taskiq.TaskiqResultTimeoutError):
        await task.wait_result(timeout=0.02, check_interval=0.01)
    assert fake.client("queue.example:6400", db=5).llen("taskiq") == 1
    await broker.shutdown()


async def test_schedules(fake: fakeredis.patch) -> None:
    source = taskiq_redis.ListRedisScheduleSource(URL)
    await source.startup()
    broker = application("ListQueueBroker")
    past = dt.datetime.now(dt.timezone.utc) - dt.timedelta(minutes=2)
    schedule = await broker.find_task("add").schedule_by_time(source, past, 1, 2)
    found = await source.get_schedules()
    assert [each.schedule_id for each in found] == [schedule.schedule_id]
    await schedule.unschedule()
    assert await source.get_schedules() == []
    await source.shutdown()
    await broker.shutdown()


async def test_server_that_is_down(fake: fakeredis.patch) -> None:
    broker = application("ListQueueBroker")
    fake.down()
    with pytest.raises(taskiq.exceptions.SendTaskError) as raised:
        await broker.find_task("add").kiq(1, 2)
    assert isinstance(raised.value.__cause__, redis.ConnectionError)
    await broker.shutdown()
