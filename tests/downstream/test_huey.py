"""huey: tasks, results, retries, schedules, locks and its kinds of Redis storage."""

from __future__ import annotations

from typing import Any

import pytest

import fakeredis

huey = pytest.importorskip("huey")
KINDS = ["RedisHuey", "PriorityRedisHuey", "RedisExpireHuey", "PriorityRedisExpireHuey"]


def work(queue: Any) -> None:
    """What its consumer does, in this thread."""
    while (task := queue.dequeue()) is not None:
        queue.execute(task)


@pytest.mark.parametrize("kind", KINDS)
def test_tasks(kind: str, fake: fakeredis.patch) -> None:
    queue: Any = getattr(huey, kind)("app", host="queue.example", blocking=False)

    @queue.task()
    def add(a: int, b: int) -> int:
        return a + b

    @queue.task(retries=1)
    def fail() -> None:
        raise ValueError("as ordered")

    results = [add(1, 2), add(3, 4)]
    assert len(queue) == 2
    work(queue)
    assert [result() for result in results] == [3, 7]
    failed = fail()
    work(queue)
    with pytest.raises(huey.exceptions.TaskException, match="as ordered"):
        failed()
    later = add.schedule((5, 6), delay=3600)
    work(queue)
    assert later() is None
    assert queue.scheduled_count() == 1
    queue.flush()
    assert len(queue) == queue.scheduled_count() == 0


def test_blocking_queue_and_locks(fake: fakeredis.patch) -> None:
    queue: Any = huey.RedisHuey("app", host="queue.example", read_timeout=1)

    @queue.task()
    def task() -> str:
        return "done"

    result = task()
    queue.execute(queue.dequeue())
    assert result() == "done"
    with queue.lock_task("one"):
        again = queue.lock_task("one")
        with pytest.raises(huey.exceptions.TaskLockedException):
            again.__enter__()
