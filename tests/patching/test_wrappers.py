"""Wrappers that wrapt makes, as tracers put them around redis-py's methods."""

from __future__ import annotations

from typing import Any

import mock  # noqa: UP026 - the package, which is not the standard library's module
import pytest
import redis
import wrapt

import fakeredis
from tests.support import processes


@pytest.fixture(params=["before", "inside"])
def traced(request: pytest.FixtureRequest) -> Any:
    """A tracer's wrapper around every command, put there before the patch or inside of it."""
    seen: list[str] = []

    def trace(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        seen.append(args[0])
        return wrapped(*args, **kwargs)

    original = redis.Redis.execute_command
    if request.param == "before":
        wrapt.wrap_function_wrapper(redis.Redis, "execute_command", trace)
    try:
        with fakeredis.patch(spy=True) as fake:
            if request.param == "inside":
                wrapt.wrap_function_wrapper(redis.Redis, "execute_command", trace)
            yield seen, fake
            if request.param == "inside":
                redis.Redis.execute_command = original  # type: ignore[method-assign]
    finally:
        redis.Redis.execute_command = original  # type: ignore[method-assign]


def test_a_tracer_sees_the_commands(traced: Any) -> None:
    seen, fake = traced
    redis.Redis().set("k", "v", px=5)
    assert seen == ["SET"]
    fake.assert_called_command_once(mock.call.set("k", "v", px=5))


EARLY = """
import asyncio, functools, redis, redis.asyncio

def wrap(owner, name):
    original = getattr(owner, name)

    @functools.wraps(original)
    def wrapper(self, *args, **kwargs):
        seen.append(name if name != "execute_command" else args[0])
        return original(self, *args, **kwargs)

    setattr(owner, name, wrapper)

seen = []
for cls in redis.Redis, redis.asyncio.Redis:
    for name in "execute_command", "pipeline", "set":
        wrap(cls, name)
for cls in redis.client.Pipeline, redis.asyncio.client.Pipeline:
    wrap(cls, "execute")

import fakeredis

def check(*expected):
    assert tuple(seen) == expected, seen
    seen.clear()

def run(client):
    for _ in range(2):
        client.set("k", 1)
        client.get("k")
        client.pipeline().get("k").execute()
        check("set", "SET", "GET", "pipeline", "execute")

async def run_async(client):
    for _ in range(2):
        await client.set("k", 1)
        await client.get("k")
        await client.pipeline().get("k").execute()
        check("set", "SET", "GET", "pipeline", "execute")
    await client.aclose()

for names in True, False:
    with fakeredis.patch(names=names):
        run(redis.Redis())
        asyncio.run(run_async(redis.asyncio.Redis()))
run(fakeredis.FakeRedis())
asyncio.run(run_async(fakeredis.FakeAsyncRedis()))
"""


def test_wrappers_put_on_before_the_import_see_every_call() -> None:
    done = processes.python("-c", EARLY)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["execute_command", "pipeline", "set"])
def test_wrappers_of_the_real_class_see_the_calls_of_fake_clients(name: str) -> None:
    """As those of any class derived from it; also while they are put on and off in a patch."""
    client = fakeredis.FakeRedis(server=fakeredis.FakeServer())
    client.ping()

    def use() -> None:
        client.set("k", 1)
        client.pipeline().get("k").execute()

    with mock.patch.object(redis.Redis, name, autospec=True) as wrapper:
        use()
        assert wrapper.called
    use()
    with fakeredis.patch():
        original = redis.Redis.execute_command
        wrapt.wrap_function_wrapper(
            redis.Redis, "execute_command", lambda wrapped, _, args, kwargs: wrapped(*args)
        )
        use()
        redis.Redis().ping()
        redis.Redis.execute_command = original  # type: ignore[method-assign]
    use()
    assert client.get("k") == b"1"


def test_decorators_of_wrapt_above_and_below() -> None:
    @wrapt.decorator
    def twice(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        return wrapped(*args, **kwargs), wrapped(*args, **kwargs)

    @twice
    @fakeredis.patched
    def fresh() -> int:
        return redis.Redis().incr("n")

    @fakeredis.patched
    @twice
    def shared() -> int:
        return redis.Redis().incr("n")

    assert fresh() == (1, 1)
    assert shared() == (1, 2)


def test_a_wrapper_taken_off_inside_leaves_the_fake_class_its_own(names: bool) -> None:
    own = vars(fakeredis.FakeRedis)["execute_command"]
    before = redis.Redis.execute_command
    with fakeredis.patch(names=names):
        for original in (before, redis.Redis.execute_command):
            wrapt.wrap_function_wrapper(
                redis.Redis, "execute_command", lambda wrapped, _, args, kwargs: wrapped(*args)
            )
            redis.Redis().ping()
            redis.Redis.execute_command = original  # type: ignore[method-assign]
    assert redis.Redis.execute_command is before
    assert vars(fakeredis.FakeRedis)["execute_command"] is own
