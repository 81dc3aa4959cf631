"""The fixtures that dramatiq's tests of Redis name; its source distribution lacks them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import dramatiq
import pytest
from dramatiq import Worker
from dramatiq.brokers.redis import RedisBroker
from dramatiq.brokers.stub import StubBroker
from dramatiq.rate_limits import backends as limits
from dramatiq.results import backends as results


@pytest.fixture
def stub_broker() -> Iterator[StubBroker]:
    """A broker in memory."""
    broker = StubBroker()
    broker.emit_after("process_boot")
    dramatiq.set_broker(broker)
    yield broker
    broker.flush_all()
    broker.emit_before("process_stop")
    broker.close()


@pytest.fixture
def redis_broker() -> Iterator[RedisBroker]:
    """A broker in an empty Redis."""
    broker = RedisBroker()
    broker.client.flushall()
    broker.emit_after("process_boot")
    dramatiq.set_broker(broker)
    yield broker
    broker.client.flushall()
    broker.emit_before("process_stop")
    broker.close()


def _worker(broker: Any) -> Iterator[Worker]:
    worker = Worker(broker, worker_timeout=100, worker_threads=32)
    worker.start()
    yield worker
    worker.stop()


@pytest.fixture
def stub_worker(stub_broker: StubBroker) -> Iterator[Worker]:
    """A worker of the broker in memory."""
    yield from _worker(stub_broker)


@pytest.fixture
def redis_worker(redis_broker: RedisBroker) -> Iterator[Worker]:
    """A worker of the broker in Redis."""
    yield from _worker(redis_broker)


@pytest.fixture
def redis_result_backend() -> Iterator[Any]:
    """Results in an empty Redis."""
    backend = results.RedisBackend()
    backend.client.flushall()
    yield backend
    backend.client.flushall()


@pytest.fixture(params=["redis", "stub"])
def result_backend(request: pytest.FixtureRequest) -> Any:
    """Results in Redis, or in memory."""
    if request.param == "stub":
        return results.StubBackend()
    return request.getfixturevalue("redis_result_backend")


@pytest.fixture(params=["redis", "stub"])
def rate_limiter_backend(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Rate limits in Redis, or in memory."""
    if request.param == "stub":
        yield limits.StubBackend()
        return
    backend = limits.RedisBackend()
    backend.client.flushall()
    yield backend
    backend.client.flushall()
