"""`fakeredis.testing.StoreTests` with a real server underneath."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakeredis import testing
from fakeredis.stores import RedisStore
from fakeredis.testing import StoreTests

pytestmark = pytest.mark.real


class TestRedisStore(StoreTests):
    """The suite."""

    @pytest.fixture(autouse=True)
    def _url(self, clean_real_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.url = clean_real_url
        # The order of a set is each server's own.
        monkeypatch.setitem(testing._READERS, b"set", [["SORT", "?", "ALPHA"]])

    def make_store(self, tmp_path: Path) -> RedisStore:
        return RedisStore(self.url, allow_existing=True, exclusive=True)


class TestPrefix(TestRedisStore):
    """The same with a prefix."""

    def make_store(self, tmp_path: Path) -> RedisStore:
        return RedisStore(self.url, prefix="app:", allow_existing=True, exclusive=True)
