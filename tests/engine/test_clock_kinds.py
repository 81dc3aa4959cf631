"""Clocks that tools for tests move, and those that they do not."""

from __future__ import annotations

import time
from typing import Any
from unittest import mock

import freezegun
import pytest
import redis
import time_machine

import fakeredis

FAR = 4_000_000_000.0  # a moment to which the tools travel
TRAVELS = [
    lambda: time_machine.travel(FAR), lambda: freezegun.freeze_time("2096-10-02"),
    lambda: mock.patch("time.time", return_value=FAR),
]


@pytest.mark.parametrize("travel", TRAVELS, ids=["time-machine", "freezegun", "mock"])
@pytest.mark.parametrize("clock", ["test", "real"])
def test_keys_of_travellers(travel: Any, clock: str) -> None:
    """A real server's keys do not expire while the test's clock is elsewhere."""
    with fakeredis.patch(clock=clock) as fake:
        client = redis.Redis()
        client.set("k", "v", ex=60)
        with travel():
            assert client.get("k") == (b"v" if clock == "real" else None)
            second = client.time()[0]
            assert (abs(second - FAR) < 86400) is (clock == "test")
        if clock == "real":
            fake.advance(61)
            assert client.get("k") is None


def test_a_frozen_real_clock() -> None:
    server = fakeredis.FakeServer(clock="real")
    server.clock.freeze()
    stood = server.clock.milliseconds()
    with time_machine.travel(FAR):
        assert server.clock.milliseconds() == stood
        server.clock.unfreeze()
        assert abs(server.clock.seconds() - stood / 1000) < 60
    assert abs(server.clock.seconds() - time.time()) < 60


def test_waits_end_by_real_time() -> None:
    with fakeredis.patch(clock="real"), time_machine.travel(FAR, tick=False):
        assert redis.Redis().blpop("none", timeout=0.05) is None


def test_what_makes_no_sense() -> None:
    with pytest.raises(ValueError, match="clock must be one of"):
        fakeredis.patch(clock="sun")
    with pytest.raises(ValueError, match="clock must be one of"):
        fakeredis.FakeServer(clock="sun")
    with pytest.raises(ValueError, match="a server has its own clock"):
        fakeredis.patch(server=fakeredis.FakeServer(), clock="real")
