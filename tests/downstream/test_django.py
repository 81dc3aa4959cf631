"""Django: its own Redis cache and django-redis, from the settings of any project."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import fakeredis
from tests.downstream import library

django = library("django")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
URL = "redis://cache.example:6400/1"
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": URL,
        "KEY_PREFIX": "shop", "TIMEOUT": 60,
    },
    "other": {
        "BACKEND": "django_redis.cache.RedisCache", "LOCATION": URL, "KEY_PREFIX": "shop",
        "TIMEOUT": 60, "OPTIONS": {"CLIENT_CLASS": "django_redis.client.DefaultClient"},
    },
}


@pytest.fixture(scope="module", autouse=True)
def settings() -> Iterator[None]:
    """A project's settings; caches, and with them their pools, are made once and kept."""
    from django.conf import settings

    if not settings.configured:
        settings.configure(CACHES=CACHES, SESSION_ENGINE="django.contrib.sessions.backends.cache")
        django.setup()
    from django.core.cache import caches

    yield
    caches.close_all()


@pytest.fixture(params=["django", "django-redis"])
def cache(request: pytest.FixtureRequest, fake: fakeredis.patch) -> Any:
    from django.core.cache import caches

    if request.param == "django-redis":
        library("django_redis")
    return caches["default" if request.param == "django" else "other"]


@pytest.mark.parametrize("number", range(2))
def test_cache(number: int, cache: Any, fake: fakeredis.patch) -> None:
    """Twice: what the pools have of the first test's servers is gone in the second."""
    assert cache.get("k") is None
    cache.set("k", {"number": number})
    assert cache.get("k") == {"number": number}
    assert cache.add("k", 1) is False
    cache.set("count", 1)
    assert cache.incr("count", 2) == 3
    with pytest.raises(ValueError, match="not found"):
        cache.incr("missing")
    cache.set_many({"l": 1, "m": 2}, timeout=10)
    assert cache.get_many(["l", "m", "n"]) == {"l": 1, "m": 2}
    assert cache.get_or_set("n", lambda: "made") == "made"
    assert cache.touch("k", 30)
    assert cache.delete("l")
    assert "l" not in cache
    fake.assert_ttl("shop:*", at_most=60)
    fake.assert_called_command("SET", ..., key="shop:1:k", db=1, at_least=1)
    fake.advance(61)
    assert cache.get("n") is None
    cache.clear()
    assert fake.client("cache.example:6400", db=1).dbsize() == 0


def test_server_that_is_down(cache: Any, fake: fakeredis.patch) -> None:
    fake.down()
    with pytest.raises(Exception, match=r"refused|Connection") as raised:
        cache.get("k")
    assert "Connection" in type(raised.value).__name__
    fake.up()
    assert cache.get("k") is None


def test_sessions(fake: fakeredis.patch) -> None:
    from django.contrib.sessions.backends.cache import SessionStore

    session = SessionStore()
    session["cart"] = [1, 2]
    session.save()
    assert SessionStore(session.session_key)["cart"] == [1, 2]
    session.delete()
    assert not SessionStore().exists(session.session_key)


async def test_async_methods(cache: Any) -> None:
    await cache.aset("k", 1)
    assert await cache.aget("k") == 1
    assert await cache.aincr("k") == 2


def test_what_django_redis_adds(fake: fakeredis.patch) -> None:
    library("django_redis")
    from django.core.cache import caches
    from django_redis import get_redis_connection

    cache = caches["other"]
    cache.set_many({"user:1": 1, "user:2": 2, "other": 3}, timeout=None)
    assert sorted(cache.keys("user:*")) == ["user:1", "user:2"]
    assert sorted(cache.iter_keys("user:*")) == ["user:1", "user:2"]
    assert cache.ttl("user:1") is None
    assert cache.expire("user:1", timeout=20)
    assert cache.ttl("user:1") == 20
    assert cache.delete_pattern("user:*") == 2
    with cache.lock("resource", timeout=5):
        assert not cache.lock("resource").acquire(blocking=False)
    raw = get_redis_connection("other")
    assert raw.get(":1:other") is None
    assert raw.exists("shop:1:other")
    fake.assert_called_command("SCAN", ..., at_least=1)
