"""cachelib: its Redis cache."""

from __future__ import annotations

import pytest

import fakeredis

cachelib = pytest.importorskip("cachelib")

# cachelib for Python 3.10 calls setex, which redis-py 8 does not like; it works all the same.
pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated:DeprecationWarning")


def test_cache(fake: fakeredis.patch) -> None:
    cache = cachelib.RedisCache(host="cache.example", key_prefix="app:", default_timeout=60)
    assert cache.set("k", {"a": [1, 2]})
    assert cache.get("k") == {"a": [1, 2]}
    assert cache.add("k", 1) is False
    assert cache.set_many({"l": 1, "m": 2})
    assert cache.get_many("l", "m", "n") == [1, 2, None]
    assert cache.inc("count", 2) == 2
    assert cache.dec("count") == 1
    assert cache.has("l")
    assert cache.delete("l")
    assert cache.delete_many("m", "count")
    fake.assert_ttl("app:*", at_most=60)
    fake.advance(61)
    assert cache.get("k") is None
    cache.set("k", 1)
    assert cache.clear()
    assert cache.get("k") is None
