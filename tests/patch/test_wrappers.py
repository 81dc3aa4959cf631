"""Wrappers that wrapt makes, as tracers put them around redis-py's methods."""

from __future__ import annotations

from typing import Any

import mock  # noqa: UP026 - the package, which is not the standard library's module
import pytest
import redis
import wrapt

import fakeredis


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
