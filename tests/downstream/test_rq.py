"""rq: jobs enqueued, worked off in this process, their results and failures."""

from __future__ import annotations

import pytest
import redis

import fakeredis
from tests.downstream import jobs

rq = pytest.importorskip("rq")


@pytest.fixture(params=["made before", "made inside"])
def connection(request: pytest.FixtureRequest, fake: fakeredis.patch) -> redis.Redis:
    return BEFORE if request.param == "made before" else redis.Redis("queue.example", 6400)


BEFORE = redis.Redis("queue.example", 6400)


def work(connection: redis.Redis) -> None:
    worker = rq.SimpleWorker(["default"], connection=connection)
    assert worker.work(burst=True, logging_level="ERROR")


def test_result(connection: redis.Redis, fake: fakeredis.patch) -> None:
    queue = rq.Queue(connection=connection)
    job = queue.enqueue(jobs.add, 2, b=3)
    assert job.get_status() == "queued"
    assert len(queue) == 1
    fake.assert_called_command("RPUSH rq:queue:default", job.id)
    work(connection)
    assert job.get_status(refresh=True) == "finished"
    assert job.return_value() == 5
    assert queue.finished_job_registry.get_job_ids() == [job.id]
    assert len(queue) == 0


def test_failure(connection: redis.Redis) -> None:
    queue = rq.Queue(connection=connection)
    job = queue.enqueue(jobs.fail)
    work(connection)
    assert job.get_status(refresh=True) == "failed"
    assert "as ordered" in job.latest_result().exc_string
    assert queue.failed_job_registry.get_job_ids() == [job.id]


def test_dependent_and_scheduled_jobs(connection: redis.Redis, fake: fakeredis.patch) -> None:
    queue = rq.Queue(connection=connection)
    first = queue.enqueue(jobs.add, 1, 1)
    second = queue.enqueue(jobs.add, 2, 2, depends_on=first)
    assert second.get_status() == "deferred"
    work(connection)
    assert second.return_value(refresh=True) == 4


def test_jobs_are_kept_as_long_as_said(connection: redis.Redis, fake: fakeredis.patch) -> None:
    queue = rq.Queue(connection=connection)
    job = queue.enqueue(jobs.add, 1, 1, result_ttl=60)
    work(connection)
    assert 0 < connection.ttl(job.key) <= 60
    fake.advance(61)
    assert not rq.job.Job.exists(job.id, connection=connection)
