"""The client fixtures: one test, many targets."""

from __future__ import annotations

from typing import Any

import pytest
import redis


def test_r(r: Any) -> None:
    assert r.set("k", 1) is True
    assert r.get("k") == b"1"
    with pytest.raises(redis.ResponseError):
        r.execute_command("GET")


def test_rd(rd: Any) -> None:
    rd.set("k", "ü")
    assert rd.get("k") == "ü"


def test_pipeline(r: Any) -> None:
    pipe = r.pipeline()
    pipe.set("k", 1).get("k")
    assert pipe.execute() == [True, b"1"]


def test_iterator(r: Any) -> None:
    r.set("k", 1)
    assert list(r.scan_iter("*")) == [b"k"]


def test_real_is_empty_at_first(real: redis.Redis) -> None:
    assert real.dbsize() == 0
    real.set("k", 1)


def test_real_is_empty_again(real: redis.Redis) -> None:
    assert real.dbsize() == 0
    real.set("k", 1)
