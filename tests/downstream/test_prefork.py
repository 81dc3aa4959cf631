"""Pools of processes: of celery, multiprocessing, concurrent.futures, a server that forks."""

from __future__ import annotations

import gc
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import redis

import fakeredis
from tests.downstream import library
from tests.support import processes

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::PendingDeprecationWarning"),
]
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def limited() -> Iterator[None]:
    """What hangs is ended."""
    with processes.limited(200):
        yield


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A worker with a pool of two, and its application as this process has it."""
    library("celery")
    library("kombu.transport.redis")
    from tests.downstream import prefork

    with fakeredis.patch(subprocesses=True):
        words = ["-A", "tests.downstream.prefork", "worker", "-P", "prefork", "-c", "2"]
        command = [sys.executable, "-m", "celery", *words, "-l", "ERROR"]
        with processes.started(
            command, limit=200, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            yield prefork, process.pid
            process.terminate()
            assert process.wait(30) == 0
        gc.collect()


def test_a_celery_worker_with_a_pool_of_processes(worker: Any) -> None:
    prefork, pid = worker
    chord = prefork.celery.chord([prefork.add.s(n, n) for n in range(10)])
    assert chord(prefork.total.s()).get(timeout=60) == 90
    jobs = prefork.celery.group(prefork.process.s() for _ in range(20))
    processes = set(jobs.apply_async().get(timeout=60))
    assert len(processes) == 2
    assert not processes & {pid, os.getpid()}


def count(times: int) -> int:
    """Count in the server that every process of a patch sees."""
    client = redis.Redis()
    return [client.incr("count") for _ in range(times)][-1]


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_pool_of_multiprocessing(method: str) -> None:
    with fakeredis.patch(subprocesses=True):
        with multiprocessing.get_context(method).Pool(2) as pool:
            assert max(pool.map(count, [25] * 8, chunksize=1)) == 200
        assert redis.Redis().get("count") == b"200"


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_an_executor_of_processes(method: str) -> None:
    with fakeredis.patch(subprocesses=True):
        context = multiprocessing.get_context(method)
        with ProcessPoolExecutor(2, mp_context=context) as executor:
            assert max(executor.map(count, [25] * 8)) == 200
        assert redis.Redis().get("count") == b"200"


def test_a_server_that_forks_its_workers_before_it_serves() -> None:
    """As gunicorn does with a pre-loaded application: its client was connected before."""
    with fakeredis.patch():
        client = redis.Redis()
        client.ping()
        children = []
        for number in range(3):
            pid = os.fork()
            if pid == 0:
                client.rpush("served", number)
                os._exit(0)
            children.append(pid)
        assert [os.waitpid(pid, 0)[1] for pid in children] == [0, 0, 0]
        assert sorted(client.lrange("served", 0, -1)) == [b"0", b"1", b"2"]
