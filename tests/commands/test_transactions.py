"""Transactions, against the real server."""

from __future__ import annotations

import time
from typing import Any

import pytest


def queue(twin: Any, *commands: str) -> None:
    twin("MULTI")
    for command in commands:
        twin(*command.split())


@pytest.mark.parametrize(
    "commands",
    [
        [], ["SET a 1", "INCR a", "GET a"], ["SET a x", "INCR a", "SET b 1"],
        ["GET a", "HSET h f v", "HGETALL h", "ZADD z 1.5 m", "ZSCORE z m"],
        ["SELECT 1", "SET in1 x", "SELECT 0"], ["SELECT 99", "SET a 1"], ["BLPOP nokey 0"],
        ["NOSUCH"], ["GET"], ["SET a 1", "GET a b", "SET b 1"], ["CLIENT NOSUCH"], ["CLIENT"],
        ["MULTI", "SET a 1"], ["WATCH a", "SET a 1"], ["UNWATCH"], ["PING", "ECHO x"], ["DISCARD"],
        ["RESET"], ["EXEC x"], ["EVAL return(1) 0"], ["EVAL return{1,{err='x'}} 0"],
    ],
)
def test_queueing(twin: Any, commands: list[str]) -> None:
    queue(twin, *commands)
    twin("EXEC")
    twin("EXEC")
    twin("GET", "a")
    twin("SELECT", 0)


@pytest.mark.parametrize(
    "words", ["EXEC", "DISCARD", "EXEC x", "MULTI x", "DISCARD x", "WATCH", "UNWATCH x", "UNWATCH"]
)
def test_alone(twin: Any, words: str) -> None:
    twin(*words.split())


def test_discard(twin: Any) -> None:
    twin("WATCH", "a")
    queue(twin, "SET a 1", "NOSUCH")
    twin("DISCARD")
    twin("GET", "a")
    twin.session()("SET", "a", "2")
    queue(twin, "GET a")
    twin("EXEC")


CHANGES = [
    "SET a 2", "SET b 2", "DEL a", "DEL b", "APPEND a x", "EXPIRE a 100", "PERSIST a", "GET a",
    "SET a 1", "RENAME a c", "RENAME b a", "INCR a", "FLUSHDB", "FLUSHALL", "SWAPDB 0 1",
    "SELECT 1", "MOVE a 1", "SETNX a 5", "EXPIRE a -1", "GETEX a PERSIST", "COPY b a REPLACE",
]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("exists", [True, False])
@pytest.mark.parametrize("own", [True, False])
def test_watch(twin: Any, change: str, exists: bool, own: bool) -> None:
    if exists:
        twin("SET", "a", 1)
        twin("SET", "b", 1)
    twin("WATCH", "a")
    (twin if own else twin.session())(*change.split())
    queue(twin, "PING")
    twin("EXEC")
    queue(twin, "PING")
    twin("EXEC")


@pytest.mark.parametrize("end", ["UNWATCH", "DISCARD", "EXEC", "RESET"])
def test_what_ends_a_watch(twin: Any, end: str) -> None:
    twin("WATCH", "a", "b", "a")
    if end in ("DISCARD", "EXEC"):
        twin("MULTI")
    twin(end)
    twin.session()("SET", "b", 1)
    queue(twin, "PING")
    twin("EXEC")


def test_watched_key_expires(twin: Any) -> None:
    twin("SET", "a", 1, "PX", 500)
    twin("WATCH", "a")
    time.sleep(0.51)
    queue(twin, "GET a")
    twin("EXEC")


def test_watch_of_a_key_that_has_expired(twin: Any) -> None:
    twin("SET", "a", 1, "PX", 15)
    time.sleep(0.03)
    twin("WATCH", "a")
    twin("GET", "a")
    queue(twin, "PING")
    twin("EXEC")


def test_watch_in_another_database(twin: Any) -> None:
    twin("WATCH", "a")
    other = twin.session()
    other("SELECT", 1)
    other("SET", "a", 1)
    queue(twin, "PING")
    twin("EXEC")


def test_blocked_sessions_are_served_after_exec(twin: Any) -> None:
    waiting = twin.session()
    waiting("BLPOP", "l", 0)
    queue(twin, "RPUSH l a", "LLEN l", "DEL l", "LLEN l")
    twin("EXEC")
    waiting.silent()
    queue(twin, "RPUSH l a", "LLEN l")
    twin("EXEC")
    waiting.reply()
