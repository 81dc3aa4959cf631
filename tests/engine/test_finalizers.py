"""Finalizers that send commands in the middle of others, by the same thread.

The garbage collector may call them at any line of the engine; here a trace function stands in.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count, cycle
from types import FrameType
from typing import Any

import pytest

from fakeredis.engine.core.session import Session
from fakeredis.errors import CommandError
from tests.support.engines import Server

ENGINE = ("fakeredis.engine.", "fakeredis.commands.", "fakeredis.spy.")
MEDDLING = (
    "PSETEX late-%d 1 v", "SETEX later-%d 100 v", "SUBSCRIBE c-%d", "UNSUBSCRIBE c-%d",
    "PSUBSCRIBE p-%d", "PUNSUBSCRIBE p-%d", "SSUBSCRIBE s-%d", "WATCH w-%d", "SET w-%d v",
    "SELECT %d", "UNWATCH", "CLIENT TRACKING on BCAST PREFIX p-%d", "CLIENT TRACKING off",
    "BLPOP l-%d 0", "DEL key-%d", "DECR n-%d",
)


class Meddler:
    """Sends commands of other sessions at the lines that the engine runs, one at each.

    Args:
        server: where to.
        within: only at lines of this function and what it calls; at all by default.
        most: so many at most.
    """

    def __init__(self, server: Server, within: str = "", most: int = 400) -> None:
        self.server = server
        self.within = within
        self.left = most
        self.numbers = count()
        self.words = cycle(MEDDLING)
        self.sessions: list[Session] = []

    def __call__(self, frame: FrameType, event: str, arg: object) -> Any:
        if not frame.f_globals.get("__name__", "").startswith(ENGINE):
            return None
        if event == "line" and self.left and self.server.is_locked_here() and self.fits(frame):
            self.left -= 1
            sys.settrace(None)
            try:
                self.meddle()
            finally:
                sys.settrace(self)
        return self

    def fits(self, frame: FrameType | None) -> bool:
        while frame is not None and self.within not in frame.f_code.co_name:
            frame = frame.f_back
        return frame is not None

    def meddle(self) -> None:
        self.server.clock.advance(0.001)  # so that the next finds the short-lived key expired
        number = next(self.numbers)
        if number % 20 == 0:
            self.sessions.append(self.server.session(3))
        words = next(self.words).split()
        if words[0] == "BLPOP":  # it waits from now on
            self.sessions.insert(0, self.server.session())
        session = self.sessions[0 if words[0] == "BLPOP" else -1]
        argv = [word.replace("%d", str(number % 16 if words[0] == "SELECT" else number)).encode()
                for word in words]
        with suppress(CommandError):
            session.execute(argv)


@contextmanager
def meddling(server: Server, within: str = "") -> Iterator[Meddler]:
    tracing, meddler = sys.gettrace(), Meddler(server, within)
    sys.settrace(meddler)
    try:
        yield meddler
    finally:
        sys.settrace(tracing)


def run(session: Session, line: str) -> Any:
    return session.execute(line.encode().split())


def test_a_transaction_that_looks_through_all_deadlines() -> None:
    server = Server()
    session = server.session()
    for number in range(50):
        run(session, f"SETEX key-{number} 100 v")
    server.deadlines_limit = 50
    run(session, "MULTI")
    run(session, "SETEX result 100 v")
    run(session, "PUBLISH result v")
    with meddling(server, "trim_deadlines") as meddler:
        assert run(session, "EXEC") == [b"OK", 0]
    assert meddler.left < 400 - 20
    assert server.deadlines_limit > 50
    scheduled = {(index, key) for _, index, key in server.deadlines}
    kept = {(number, key) for number, db in server.databases.items() for key in db.expires}
    assert len(kept) > 50
    assert kept <= scheduled


@pytest.mark.parametrize("line", ["SCAN 0 COUNT 300", "EXISTS soon-1", "GET soon-1", "RANDOMKEY"])
def test_a_key_that_expires_while_its_deadline_is_looked_at(line: str) -> None:
    server = Server()
    server.clock.freeze()
    session = server.session()
    for lifetime in range(1, 100):
        run(session, f"PSETEX soon-{lifetime} {lifetime} v")
    with meddling(server, "expire_if_due") as meddler:
        reply = run(session, line)
    assert meddler.left < 400
    assert b"soon-1" not in reply[1] if line.startswith("SCAN") else reply != b"v"


@pytest.mark.parametrize("line", [
    "PUBLISH channel message", "SPUBLISH channel message", "INFO everything", "CLIENT LIST",
    "CLIENT KILL TYPE pubsub", "FLUSHALL", "FLUSHDB", "SWAPDB 0 1", "CONFIG SET maxmemory 2mb",
    "CONFIG SET maxmemory 1", "CONFIG SET notify-keyspace-events KEA", "DEBUG DIGEST",
    "DEBUG RELOAD", "SAVE", "KEYS *", "SCAN 0", "RANDOMKEY", "PUBSUB CHANNELS", "PUBSUB NUMPAT",
    "MEMORY STATS", "MEMORY DOCTOR", "UNWATCH", "RESET", "SET key v", "DBSIZE", "OBJECT FREQ key",
    "CONFIG SET hash-max-listpack-entries 1", "CONFIG RESETSTAT", "LATENCY HISTOGRAM",
    "ACL SETUSER default resetchannels", "ACL LIST", "CLIENT TRACKING off", "EXPIRE key 1",
])
def test_commands_that_look_through_all_there_is(line: str) -> None:
    server = Server()
    server.clock.freeze()
    server.config.start("enable-debug-command", "yes")
    session = server.session(3)
    for number in range(8):
        other = server.session(3)
        run(other, f"SELECT {number}")
        run(other, f"SETEX key-{number} 100 v")
        run(other, f"WATCH watched-{number}")
        run(other, f"PSUBSCRIBE pattern-{number}")
        run(other, f"SUBSCRIBE channel-{number}")
        run(other, f"CLIENT TRACKING on BCAST PREFIX key-{number}")
        run(session, f"WATCH watched-{number}")
        run(session, f"SUBSCRIBE channel-{number}")
    run(session, "SET key v")
    with meddling(server), suppress(CommandError):
        run(session, line)
