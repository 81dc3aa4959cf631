"""The asyncio client under the names that the public fakeredis 2 gives it."""

from __future__ import annotations

from fakeredis.clients.aio import FakeAsyncRedis as FakeRedis
from fakeredis.clients.aio_connection import FakeAsyncConnection as FakeConnection
from fakeredis.mixin import FakeRedisMixin
from fakeredis.server import FakeServer

FakeStrictRedis = FakeRedis

__all__ = ["FakeConnection", "FakeRedis", "FakeRedisMixin", "FakeServer", "FakeStrictRedis"]
