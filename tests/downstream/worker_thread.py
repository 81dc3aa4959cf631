"""A celery worker in a thread, and a patch: ``python -m tests.downstream.worker_thread WHEN POOL``.

WHEN is when the patch is entered: ``before`` celery is imported, ``after`` that, or ``late``, when
its application has been used already.  Prints what was wrong.
"""

from __future__ import annotations

import contextlib
import gc
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from typing import Any

import redis

import fakeredis

URL = "redis://localhost:1/2"  # where nothing listens
LIMIT = 20.0  # seconds for what takes none


def application() -> Any:
    """Made here, so that the caller says when celery is imported."""
    import celery

    app = celery.Celery("thread", broker=URL, backend=URL, set_as_current=False)
    app.conf.update(worker_hijack_root_logger=False, broker_connection_retry_on_startup=True)

    @app.task(name="add", shared=False)
    def add(a: int, b: int) -> int:
        return a + b

    @app.task(name="total", shared=False)
    def total(numbers: list[int]) -> int:
        return sum(numbers)

    @app.task(name="spread", shared=False, bind=True)
    def spread(self: Any, count: int) -> Any:
        raise self.replace(celery.group([add.s(n, 1) for n in range(count)], app=app))

    @app.task(name="linger", shared=False)
    def linger(seconds: float) -> float:
        time.sleep(seconds)
        return seconds

    return app


@contextlib.contextmanager
def worker(app: Any, pool: str) -> Iterator[Any]:
    """As celery's own tests run one."""
    from celery.contrib.testing.worker import start_worker

    with start_worker(app, pool=pool, perform_ping_check=False, loglevel="CRITICAL") as started:
        yield started


def use(app: Any) -> None:
    """Tasks, groups, chords and what they are nested in."""
    import celery

    add, total, spread = (app.tasks[name] for name in ("add", "total", "spread"))
    numbers = [add.s(n, n) for n in range(5)]
    assert add.delay(2, 3).get(timeout=LIMIT) == 5
    group = celery.group(numbers, app=app)()
    assert group.get(timeout=LIMIT) == [0, 2, 4, 6, 8]
    assert group.successful()
    assert celery.chord(numbers, app=app)(total.s()).get(timeout=LIMIT) == 20
    assert spread.delay(3).get(timeout=LIMIT) == [1, 2, 3]
    chain = celery.chain(
        celery.group(numbers, app=app), celery.group([total.s(), total.s()], app=app), app=app
    )
    assert chain.delay().get(timeout=LIMIT) == [20, 20]
    group.save()
    restored = celery.result.GroupResult.restore(group.id, app=app)
    assert restored.join(timeout=LIMIT) == [0, 2, 4, 6, 8]
    restored.forget()


def end_first(app: Any, patch: fakeredis.patch, pool: str) -> None:
    """The patch ends under a worker that works and waits; the worker can be stopped then."""
    with worker(app, pool):
        use(app)
        app.tasks["linger"].delay(0.2)
        patch.stop()
        time.sleep(0.5)  # it goes on, without a broker


def main(when: str, pool: str) -> None:
    """All of it."""
    patch = fakeredis.patch()
    if when == "before":
        patch.start()
    app = application()
    if when == "after":
        patch.start()
    if when == "late":
        with contextlib.suppress(redis.ConnectionError):
            app.backend.client.ping()
        patch.start()
    with worker(app, pool):
        use(app)
    end_first(app, patch, pool)
    del app
    gc.collect()
    others = [each for each in threading.enumerate() if each is not threading.main_thread()]
    for each in others:  # those of pools have been told to end, no more
        each.join(LIMIT)
    assert not any(each.is_alive() for each in others), others


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(*sys.argv[1:])
