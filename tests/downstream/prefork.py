"""The application of a celery worker that is a process of its own, with a pool of processes."""

from __future__ import annotations

import os
import time

import celery

URL = "redis://queue.example:6400/2"

app = celery.Celery("prefork", broker=URL, backend=URL, set_as_current=False)
app.conf.update(broker_connection_retry_on_startup=True, worker_prefetch_multiplier=1)


@app.task(name="prefork.add")
def add(a: int, b: int) -> int:
    return a + b


@app.task(name="prefork.total")
def total(numbers: list[int]) -> int:
    return sum(numbers)


@app.task(name="prefork.process")
def process() -> int:
    time.sleep(0.05)  # so that another process takes the next one
    return os.getpid()
