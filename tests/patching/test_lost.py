"""What replaced names change all the same, as the docstring of `fakeredis.patching` lists it."""

from __future__ import annotations

import inspect
import sys
import types
from unittest import mock

import pytest
import redis

import fakeredis

pytestmark = pytest.mark.usefixtures("no_network")
REALS = [redis.Redis]  # no module's name, so that it stays what it is


def test_the_type_of_older_clients() -> None:
    client = redis.Redis()
    with fakeredis.patch():
        assert type(client) is not redis.Redis
        assert type(client) == redis.Redis  # noqa: E721
    with fakeredis.patch(names=False):
        assert type(client) is redis.Redis


def test_a_class_taken_inside() -> None:
    with fakeredis.patch():
        taken = redis.Redis
    assert taken is fakeredis.FakeRedis
    assert taken().set("k", "v")  # no network
    fakeredis.reset()
    with fakeredis.patch(names=False):
        taken = redis.Redis
    assert taken is REALS[0]


def test_a_mock_of_the_name_that_outlives() -> None:
    mocked = mock.patch("redis.Redis")
    try:
        with fakeredis.patch():
            mocked.start()
        mocked.stop()
        assert redis.Redis is fakeredis.FakeRedis
    finally:
        redis.Redis = REALS[0]  # type: ignore[misc]


def test_modules_of_other_types() -> None:
    class Module(types.ModuleType):
        pass

    module = sys.modules["of_other_type"] = Module("of_other_type")
    module.Redis = redis.Redis  # type: ignore[attr-defined]
    try:
        with fakeredis.patch():
            assert module.Redis is REALS[0]
            assert module.Redis().set("k", "v")  # and is caught underneath
    finally:
        del sys.modules["of_other_type"]


def test_signature_is_kept() -> None:
    signature = inspect.signature(redis.Redis)
    with fakeredis.patch():
        assert inspect.signature(redis.Redis) == signature
        assert mock.create_autospec(redis.Redis)
