"""Speed without a clock: how many Python functions a command calls.

Counted from ``execute_command`` (inclusive) to its return; what redis-py's own method does before
is not ours.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import fakeredis

CEILINGS = {
    "GET": (10, ("GET", "k")),
    "GET missing": (10, ("GET", "none")),
    "SET": (10, ("SET", "k", "v")),
    "INCRBY": (12, ("INCRBY", "n", 1)),
    "HGET": (10, ("HGET", "h", "f")),
    "HSET": (14, ("HSET", "h", "f", "v")),
    "LPUSH": (14, ("LPUSH", "l", "v")),
    "ZADD": (20, ("ZADD", "z", 1.5, "m")),
    "SADD": (14, ("SADD", "s", "m")),
    "EXISTS": (12, ("EXISTS", "k")),
    "DEL": (14, ("DEL", "none")),
}
ASYNC_EXTRA = 3  # the coroutine itself, and the turn of other tasks


class Calls:
    """The Python functions called in a ``with`` block."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def __enter__(self) -> Calls:
        gc.collect()
        gc.disable()  # finalizers would be counted
        sys.setprofile(self._note)
        return self

    def __exit__(self, *exc: object) -> None:
        sys.setprofile(None)
        gc.enable()
        assert self.names.pop() == "__exit__"

    def _note(self, frame: Any, event: str, arg: Any) -> None:
        if event == "call":
            self.names.append(frame.f_code.co_name)


@pytest.fixture(params=[False, True], ids=["bytes", "decoded"])
def client(request: pytest.FixtureRequest) -> Iterator[Any]:
    server = fakeredis.FakeServer()
    with server.client(decode_responses=request.param) as client:
        client.set("k", "v")
        client.hset("h", "f", "v")
        yield client


def check(name: str, names: list[str], ceiling: int) -> None:
    assert len(names) <= ceiling, f"{name}: {len(names)} calls, {' '.join(names)}"


@pytest.mark.parametrize("name", CEILINGS)
def test_commands(client: Any, name: str) -> None:
    ceiling, args = CEILINGS[name]
    run: Callable[..., Any] = client.execute_command
    run(*args)
    counted = []
    for _ in range(3):  # what an earlier test left behind may end in the middle of one
        with Calls() as calls:
            run(*args)
        counted.append(calls.names)
    check(name, min(counted, key=len), ceiling)


@pytest.mark.parametrize("name", CEILINGS)
async def test_async_commands(name: str) -> None:
    ceiling, args = CEILINGS[name]
    async with fakeredis.FakeServer().async_client() as client:
        await client.execute_command(*args)
        coroutine = client.execute_command(*args)
        with Calls() as calls:
            turns = 0
            try:
                while True:
                    coroutine.send(None)
                    turns += 1
            except StopIteration:
                pass
        assert turns == 1
        check(name, calls.names, ceiling + ASYNC_EXTRA)


@pytest.mark.parametrize(("transaction", "ceiling"), [(False, 5), (True, 5)])
def test_pipelines(client: Any, transaction: bool, ceiling: int) -> None:
    """Calls for each command of a long pipeline, with all that comes once shared out."""
    count = 100
    for _ in range(2):
        pipe = client.pipeline(transaction=transaction)
        for _ in range(count):
            pipe.get("k")
        with Calls() as calls:
            pipe.execute()
    assert len(calls.names) / count <= ceiling, calls.names[-30:]
