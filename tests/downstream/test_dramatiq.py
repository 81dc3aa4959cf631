"""dramatiq: a broker and a worker in threads, results, retries, delays and rate limits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import redis

import fakeredis
from tests.downstream import library

dramatiq = library("dramatiq")
library("dramatiq.brokers.redis")
URL = "redis://queue.example:6400/3"


class Application:
    """What a project's module of tasks has."""

    def __init__(self) -> None:
        from dramatiq.brokers.redis import RedisBroker
        from dramatiq.results import Results
        from dramatiq.results.backends import RedisBackend

        self.broker = RedisBroker(url=URL)
        self.results = RedisBackend(url=URL)
        self.broker.add_middleware(Results(backend=self.results))

        def actor(fn: Any, **options: Any) -> Any:
            return dramatiq.actor(fn, broker=self.broker, **options)

        self.add = actor(self._add, actor_name="add", store_results=True)
        self.fail = actor(self._fail, actor_name="fail", max_retries=0)
        self.again = actor(self._again, actor_name="again", max_retries=1, min_backoff=1)
        self.tries = 0

    def _add(self, a: int, b: int) -> int:
        return a + b

    def _fail(self) -> None:
        raise ValueError("as ordered")

    def _again(self) -> None:
        self.tries += 1
        raise ValueError("as ordered")


BEFORE = Application()


@pytest.fixture(params=["made before", "made inside"])
def app(request: pytest.FixtureRequest, fake: fakeredis.patch) -> Application:
    return BEFORE if request.param == "made before" else Application()


@pytest.fixture
def worker(app: Application) -> Iterator[Any]:
    worker = dramatiq.Worker(app.broker, worker_timeout=100, worker_threads=2)
    worker.start()
    yield worker
    worker.stop()


def test_results(app: Application, worker: Any, fake: fakeredis.patch) -> None:
    messages = [app.add.send(number, 1) for number in range(3)]
    results = [each.get_result(backend=app.results, block=True) for each in messages]
    assert results == [1, 2, 3]
    app.broker.join("default")
    calls = fake.assert_called_command("EVALSHA", ..., at_least=3, db=3)
    assert any(b"enqueue" in call.args for call in calls)
    client = fake.client("queue.example:6400", db=3)
    assert client.llen("dramatiq:default") == 0


def test_failures_go_to_the_dead_letters(
    app: Application, worker: Any, fake: fakeredis.patch
) -> None:
    message = app.fail.send()
    app.broker.join("default", timeout=10_000)
    worker.join()
    client = fake.client("queue.example:6400", db=3)
    dead = client.zrange("dramatiq:default.XQ", 0, -1)
    assert dead == [message.options["redis_message_id"].encode()]


def test_retries(app: Application, worker: Any) -> None:
    app.tries = 0
    app.again.send()
    app.broker.join("default", timeout=10_000)
    worker.join()
    assert app.tries == 2


def test_limits(fake: fakeredis.patch) -> None:
    from dramatiq.rate_limits import ConcurrentRateLimiter
    from dramatiq.rate_limits.backends import RedisBackend

    limiter = ConcurrentRateLimiter(RedisBackend(url=URL), "limit", limit=1)
    with limiter.acquire():
        with limiter.acquire(raise_on_failure=False) as acquired:
            assert not acquired
        with pytest.raises(dramatiq.RateLimitExceeded), limiter.acquire():
            pass
    with limiter.acquire() as acquired:
        assert acquired


def test_broker_that_is_down(app: Application, fake: fakeredis.patch) -> None:
    fake.down()
    with pytest.raises(redis.ConnectionError):
        app.add.send(1, 1)
    fake.up()
    app.add.send(1, 1)
    assert app.broker.do_qsize("default") == 1
