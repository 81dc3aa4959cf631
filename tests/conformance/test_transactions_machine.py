"""Transactions, waiting and subscriptions of several sessions, side by side with the server."""

from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.support.twin import Pair, Twin
from tests.support.wire import Wire

LONG = bool(os.environ.get("FAKEREDIS_LONG"))

COMMANDS = [
    "MULTI", "EXEC", "DISCARD", "WATCH a", "WATCH a b", "UNWATCH", "RESET", "PING", "NOSUCH", "GET",
    "SET a 1", "SET b x", "INCR a", "INCR b", "DEL a", "GET a", "EXPIRE a 100", "EXPIRE a -1",
    "RENAME b a", "SETNX a 2", "APPEND a 1", "SELECT 1", "SELECT 0", "FLUSHDB", "SWAPDB 0 1",
    "LPUSH l x", "RPOP l", "BLPOP l 0", "LLEN l", "PUBLISH c m", "PUBSUB NUMSUB c", "PUBSUB NUMPAT",
    "SUBSCRIBE c", "UNSUBSCRIBE c", "PSUBSCRIBE c*", "PUNSUBSCRIBE", "SSUBSCRIBE c",
    "SUNSUBSCRIBE c", "SPUBLISH c m", "EVAL return(redis.call('incr','a')) 0",
    "EVAL return(redis.call('lpush','l','y')) 0",
    "EVAL return(redis.pcall('lpop','l')) 0", "EVAL redis.call('set','a','5')error('x') 0",
    "CLIENT SETNAME n", "CLIENT GETNAME", "ECHO x",
]

STEPS = st.lists(st.tuples(st.integers(0, 2), st.sampled_from(COMMANDS)), min_size=1, max_size=30)


def drain(pairs: list[Pair]) -> None:
    """Read what came unasked: as much as the fake has, and then the server must be silent too."""
    for pair in pairs:
        while pair.fake.outbox:
            pair.reply()


def step(pair: Pair, command: str) -> None:
    if pair.fake.wait is None:  # a blocked client's commands wait in its socket
        pair(*command.split())


def test_sessions_agree(clean_real_url: str) -> None:
    def run(protocol: int, steps: list[tuple[int, str]]) -> None:
        with Wire.to(clean_real_url) as wire:
            wire.call(b"FLUSHALL")
        twin = Twin(clean_real_url, protocol)
        pairs: list[Any] = [twin, twin.session(), twin.session()]
        try:
            for who, command in steps:
                step(pairs[who], command)
                drain(pairs)
            twin.finish()
        finally:
            twin.close()

    settings(
        max_examples=6000 if LONG else 120, deadline=None, database=None,
        suppress_health_check=list(HealthCheck), print_blob=False,
        phases=(Phase.generate, Phase.shrink),
    )(given(st.sampled_from((2, 3)), STEPS)(run))()


