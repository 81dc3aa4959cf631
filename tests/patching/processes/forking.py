"""Functions that run in forked children; importable, as multiprocessing needs."""

from __future__ import annotations

import os
import pickle
import traceback
from collections.abc import Callable
from typing import Any

import redis


class Child:
    """A forked child that runs a function.

    Args:
        function: what it runs; its result is picked up by `result`.
    """

    def __init__(self, function: Callable[[], Any]) -> None:
        read, write = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.close(read)
                data = pickle.dumps(_outcome(function))
                os.write(write, data)
            finally:
                os._exit(0)
        os.close(write)
        self._read = read

    def result(self) -> Any:
        """What it returned, when it has ended."""
        with os.fdopen(self._read, "rb") as pipe:
            data = pipe.read()
        os.waitpid(self.pid, 0)
        done, value = pickle.loads(data)
        if not done:
            raise AssertionError(value)
        return value


def _outcome(function: Callable[[], Any]) -> tuple[bool, Any]:
    try:
        return True, function()
    except BaseException:
        return False, traceback.format_exc()


def forked(function: Callable[[], Any]) -> Any:
    """The result of a function that runs in a forked child."""
    return Child(function).result()


def count(times: int) -> None:
    """Count up, each time by one."""
    client = redis.Redis()
    for _ in range(times):
        client.incr("n")


def square(number: int) -> int:
    """Count a call and work."""
    redis.Redis().incr("calls")
    return number * number
