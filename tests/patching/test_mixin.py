"""`FakeRedisMixin` for unittest."""

from __future__ import annotations

import unittest

import redis
import redis.asyncio

import fakeredis


class TestCase(fakeredis.FakeRedisMixin, unittest.TestCase):
    fakeredis_options = {"version": "7.2"}  # noqa: RUF012

    def setUp(self) -> None:
        assert redis.Redis().incr("n") == 1

    def test_one(self) -> None:
        assert redis.Redis().incr("n") == 2
        self.fake.assert_called_command("INCR n", times=2)
        assert redis.Redis().info()["redis_version"].startswith("7.2")

    def test_two(self) -> None:
        assert redis.Redis().incr("n") == 2

    def tearDown(self) -> None:
        assert redis.Redis().incr("n") == 3


class TestAsync(fakeredis.FakeRedisMixin, unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self) -> None:
        self.client = redis.asyncio.Redis()
        await self.client.set("k", "v")

    async def test_it(self) -> None:
        assert await self.client.get("k") == b"v"

    async def asyncTearDown(self) -> None:
        await self.client.aclose()


def test_debug() -> None:
    TestCase("test_one").debug()
    assert fakeredis.active() is None
