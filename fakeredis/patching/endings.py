"""What clients say that are used after the end of the patch they were made in."""

from __future__ import annotations

import sys

import redis


class AfterExitWarning(ResourceWarning):
    """A client made inside of a patch was used after its end."""


class AfterExitError(redis.ConnectionError):
    """A client made inside of ``patch(after_exit="raise")`` was used after its end."""


def depth() -> int:
    """How far up the caller's code is, for `warnings.warn`."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(
        ("fakeredis.", "redis.", "asyncio.", "valkey.", "aioredis.")
    ):
        level, frame = level + 1, frame.f_back
    return level
