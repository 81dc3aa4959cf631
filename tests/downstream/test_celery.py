"""celery: a worker with Redis as its broker and its result backend, and redbeat's schedules."""

from __future__ import annotations

import datetime as dt
import gc
from collections.abc import Iterator
from typing import Any

import pytest

import fakeredis
from tests.downstream import library
from tests.support import processes

celery = library("celery")
library("kombu.transport.redis")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::PendingDeprecationWarning"),
]
URL = "redis://queue.example:6400/1"


def application() -> Any:
    app = celery.Celery("shop", broker=URL, backend=URL, set_as_current=False)
    app.conf.update(worker_hijack_root_logger=False, broker_connection_retry_on_startup=True)

    @app.task(name="add", shared=False)
    def add(a: int, b: int) -> int:
        return a + b

    @app.task(name="total", shared=False)
    def total(numbers: list[int]) -> int:
        return sum(numbers)

    @app.task(name="fail", shared=False)
    def fail() -> None:
        raise ValueError("as ordered")

    @app.task(name="again", shared=False, bind=True, max_retries=2)
    def again(self: Any) -> int:
        if self.request.retries < 2:
            raise self.retry(countdown=0)
        return int(self.request.retries)

    return app


BEFORE = application()


@pytest.fixture(params=["made before", "made inside"])
def app(request: pytest.FixtureRequest, fake: fakeredis.patch) -> Iterator[Any]:
    yield BEFORE if request.param == "made before" else application()
    gc.collect()  # results say goodbye to the server as they go


@pytest.fixture
def worker(app: Any) -> Iterator[Any]:
    from celery.contrib.testing.worker import start_worker

    with start_worker(app, pool="solo", perform_ping_check=False) as worker:
        yield worker


def test_tasks(app: Any, worker: Any, fake: fakeredis.patch) -> None:
    result = app.tasks["add"].delay(2, 3)
    assert result.get(timeout=10) == 5
    assert result.successful()
    fake.assert_called_command("LPUSH celery", ..., db=1)
    fake.assert_called_command(f"SETEX celery-task-meta-{result.id} 86400", ...)
    fake.assert_ttl("celery-task-meta-*", at_most=86400)


def test_failures_and_retries(app: Any, worker: Any) -> None:
    failed = app.tasks["fail"].delay()
    with pytest.raises(ValueError, match="as ordered"):
        failed.get(timeout=10)
    assert failed.state == "FAILURE"
    assert app.tasks["again"].delay().get(timeout=10) == 2


def test_canvas(app: Any, worker: Any) -> None:
    add = app.tasks["add"]
    assert celery.chain(add.s(1, 2), add.s(3), app=app)().get(timeout=10) == 6
    group = celery.group([add.s(n, n) for n in range(3)], app=app)()
    assert group.get(timeout=10) == [0, 2, 4]
    total = app.tasks["total"]
    assert celery.chord([add.s(n, n) for n in range(3)], app=app)(total.s()).get(timeout=10) == 6


def test_remote_control(app: Any, worker: Any) -> None:
    app.tasks["add"].delay(0, 0).get(timeout=10)  # now the worker's loop is running
    replies = app.control.ping(timeout=5, limit=1)
    assert [list(reply.values()) for reply in replies] == [[{"ok": "pong"}]]


@pytest.mark.parametrize("pool", ["solo", "threads"])
@pytest.mark.parametrize("when", ["before", "after", "late"])
def test_when_a_patch_begins_and_that_it_ends_first(when: str, pool: str) -> None:
    """See the program: a worker in a thread, all kinds of canvas, and the end of its broker."""
    arguments = "-m", "tests.downstream.worker_thread", when, pool
    done = processes.python(*arguments, limit=150, cwd=processes.ROOT)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_without_a_worker(app: Any, fake: fakeredis.patch) -> None:
    result = app.tasks["add"].delay(1, 1)
    with pytest.raises(celery.exceptions.TimeoutError):
        result.get(timeout=0.05)
    assert fake.client("queue.example:6400", db=1).llen("celery") == 1
    assert app.control.purge() == 1


def test_broker_that_is_down(app: Any, fake: fakeredis.patch) -> None:
    from kombu.exceptions import OperationalError

    fake.down()
    with pytest.raises(OperationalError):
        app.tasks["add"].apply_async((1, 1), retry=False, ignore_result=True)
    fake.up()
    app.tasks["add"].apply_async((1, 1), retry=False, ignore_result=True)


def test_redbeat(app: Any, fake: fakeredis.patch) -> None:
    redbeat = library("redbeat")
    every = celery.schedules.schedule(dt.timedelta(seconds=30), app=app)
    entry = redbeat.RedBeatSchedulerEntry("often", "add", every, args=[1, 2], app=app)
    entry.save()
    fake.assert_called_command("ZADD redbeat::schedule", ...)
    found = redbeat.RedBeatSchedulerEntry.from_key("redbeat:often", app=app)
    assert (found.task, found.args, found.schedule) == ("add", [1, 2], every)
    scheduler = redbeat.RedBeatScheduler(app=app, lock_key="redbeat::lock")
    assert "often" in scheduler.schedule
    found.delete()
    with pytest.raises(KeyError):
        redbeat.RedBeatSchedulerEntry.from_key("redbeat:often", app=app)
