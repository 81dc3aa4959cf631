"""What older versions of redis-py lack: the one list of reasons to skip tests with them.

Each is asked of the redis-py that is installed, not of its version.
"""

from __future__ import annotations

import inspect
from typing import Any, Final

import pytest
import redis
import redis.cluster
import redis.connection
from redis.commands import core, sentinel


def _asks_sentinels_itself() -> bool:
    """Whether a plain client's own method can: in redis-py 6 its reply makes a TypeError."""
    text = inspect.getsource(sentinel.SentinelCommands.sentinel_get_master_addr_by_name)
    callbacks: Any = redis.Redis().response_callbacks
    parse = callbacks.get("SENTINEL GET-MASTER-ADDR-BY-NAME")
    return "once=" not in text or (
        parse is not None and "options" in inspect.signature(parse).parameters
    )


# What a test needs: whether it is here, and why the test is skipped if it is not.
NEEDS: Final[dict[str, tuple[bool, str]]] = {
    "arrays": (hasattr(core, "ArrayCommands"), "this redis-py does not know arrays"),
    "cache": (
        hasattr(redis.connection, "CacheProxyConnection")
        and hasattr(redis.connection.DefaultParser, "set_invalidation_push_handler"),
        "this redis-py has no client-side cache, or none with hiredis",
    ),
    "cluster_transactions": (
        hasattr(redis.cluster, "TransactionStrategy"),
        "this redis-py has no transactions on clusters",
    ),
    "hgetex": (hasattr(redis.Redis, "hgetex"), "this redis-py has no HGETEX and HSETEX"),
    "himport": (hasattr(redis.Redis, "himport_set"), "this redis-py does not know HIMPORT"),
    "increx": (hasattr(redis.Redis, "increx"), "this redis-py knows no commands after Redis 8.2"),
    "retry": (
        "retry" in redis.Redis().connection_pool.connection_kwargs
        and redis.Redis().connection_pool.connection_kwargs["retry"] is not None,
        "this redis-py's clients do not try again unless they are told to",
    ),
    "sentinel": (_asks_sentinels_itself(), "this redis-py's own method fails with any server"),
    "vectors": (hasattr(redis.Redis, "vset"), "this redis-py does not know vector sets"),
}


def needs(name: str) -> pytest.MarkDecorator:
    """A mark: the test is skipped where redis-py lacks what it needs."""
    found, reason = NEEDS[name]
    return pytest.mark.skipif(not found, reason=reason)


def skip_without(name: str) -> None:
    """The same from within a test."""
    found, reason = NEEDS[name]
    if not found:
        pytest.skip(reason)
