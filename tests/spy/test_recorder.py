from __future__ import annotations

import asyncio
import concurrent.futures
import gc
import os
import sys
import threading
import time
from typing import Any

import pytest

from fakeredis.spy import Recorder, Spy, Where
from tests.spy.stub import StubServer, StubSession

HERE = os.path.abspath(__file__)


def test_a_call_has_all_that_is_known_of_it(spy: Spy, session: StubSession) -> None:
    session.name, session.db, session.via = b"worker", 3, "pipeline"
    session.group, session.position, session.method = 5, 2, "set"
    session.server.time = 1234.5
    session.run("SET", "k", b"\xff", reply=b"OK")
    (call,) = spy.calls
    assert call.index == 0
    assert call.name == "SET"
    assert call.args == ("k", b"\xff")
    assert (call.reply, call.error) == (b"OK", None)
    assert (call.via, call.group, call.position, call.method) == ("pipeline", 5, 2, "set")
    assert (call.db, call.client_id, call.client_name) == (3, 7, "worker")
    assert call.server == "localhost:6379"
    assert call.thread == threading.current_thread().name
    assert call.at == 1234.5
    assert call.duration is not None
    assert 0 <= call.duration < 5
    assert call.keys == ("k",)


def test_where_is_the_callers_line(spy: Spy, session: StubSession) -> None:
    def ask() -> None:
        token = session.server.recorder.begin(session, "PING", [b"PING"])
        session.server.recorder.end(token, b"PONG", None)

    ask()
    (call,) = spy.calls
    line = ask.__code__.co_firstlineno + 1
    function = "ask" if sys.version_info < (3, 11) else f"{ask.__qualname__}"
    assert call.where == Where(HERE, line, function)
    assert str(call.where) == f"{os.path.relpath(HERE)}:{line} in {function}"


def _here(spy: Spy) -> bool:
    (call,) = spy.calls
    return call.where is not None and os.path.basename(call.where.filename) == "stub.py"


def test_where_is_found_in_a_task(spy: Spy, session: StubSession) -> None:
    async def main() -> None:
        await asyncio.gather(ping())

    async def ping() -> None:
        session.run("PING")

    asyncio.run(main())
    assert _here(spy)


def test_where_is_found_in_a_pool_of_threads(spy: Spy, session: StubSession) -> None:
    with concurrent.futures.ThreadPoolExecutor(thread_name_prefix="pool") as pool:
        pool.submit(session.run, "PING").result()
    assert _here(spy)
    assert spy.calls[0].thread.startswith("pool")


def test_where_is_unknown_when_only_libraries_called(spy: Spy, session: StubSession) -> None:
    recorder = session.server.recorder
    thread = threading.Thread(target=recorder.begin, args=(session, "PING", [b"PING"]))
    thread.start()
    thread.join()
    assert spy.calls[0].where is None
    assert spy.calls[0].duration is None
    with pytest.raises(AssertionError, match=r"at an unknown place \(direct, db 0\)"):
        spy.assert_no_commands()


def test_an_error_is_kept(spy: Spy, session: StubSession) -> None:
    error = ValueError("WRONGTYPE")
    session.run("LPUSH", "k", "v", reply=None, error=error)
    assert spy.calls[0].error is error
    assert repr(spy.calls[0]) == "<CommandCall #0 LPUSH k v -> ValueError('WRONGTYPE')>"


def test_a_call_reads_as_in_redis_cli(spy: Spy, session: StubSession) -> None:
    session.run("set", "a key", b"\x00\"'")
    assert str(spy.calls[0]) == r'''SET "a key" "\x00\"'"'''
    assert spy.calls[0] == str(spy.calls[0])


def test_a_running_call_is_seen_at_once(spy: Spy, session: StubSession) -> None:
    token = session.begin("BLPOP", "l", 0)
    assert str(spy.calls[0]) == "BLPOP l 0"
    assert spy.calls[0].reply is None
    session.server.recorder.end(token, [b"l", b"v"], None)
    assert spy.calls[0].reply == [b"l", b"v"]


def test_exec_stands_behind_its_commands_and_eval_before(spy: Spy, session: StubSession) -> None:
    recorder = session.server.recorder
    session.run("MULTI")
    outer = session.begin("EXEC")
    session.run("INCR", "n")
    recorder.end(outer, [1], None)
    script = session.begin("EVAL", "...", 0)
    session.run("GET", "n")
    recorder.end(script, None, None)
    assert [call.name for call in spy.calls] == ["MULTI", "INCR", "EXEC", "EVAL", "GET"]
    assert [call.index for call in spy.calls] == [0, 1, 2, 3, 4]


def test_handshakes_have_no_index(spy: Spy, session: StubSession) -> None:
    session.via = "handshake"
    session.run("HELLO", 3)
    session.via = "direct"
    session.run("PING")
    assert [call.index for call in spy.calls] == [0]
    assert [call.index for call in spy.matching(via="handshake")] == [-1]


def test_calls_are_the_same_objects_each_time(spy: Spy, session: StubSession) -> None:
    session.run("PING")
    first = spy.calls[0]
    session.run("PING")
    assert spy.calls[0] is first
    assert [call.index for call in spy.calls] == [0, 1]


def test_a_recorder_may_refuse_sessions() -> None:
    server = StubServer()
    spy = Spy()
    spy.attach(server, lambda session: session.id == 1)
    StubSession(server, 1).run("GET", "a")
    StubSession(server, 2).run("GET", "b")
    assert spy.snapshot() == "GET a"


def test_nothing_is_formatted_while_recording(spy: Spy, session: StubSession) -> None:
    class Loud(bytes):
        def __str__(self) -> str:
            raise AssertionError

        decode = __repr__ = __str__  # type: ignore[assignment]

    recorder = session.server.recorder
    recorder.end(recorder.begin(session, "GET", [b"GET", Loud(b"k")]), Loud(b"v"), None)


def test_recording_is_cheap(session: StubSession) -> None:
    """Python calls are counted, since times depend on the machine."""
    recorder: Any = Recorder([], session.server)
    argv = [b"GET", b"k"]
    calls = 0

    def count(frame: Any, event: str, arg: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    def once() -> None:
        recorder.end(recorder.begin(session, "GET", argv), b"v", None)

    once()
    gc.disable()
    sys.setprofile(count)
    try:
        once()
    finally:
        sys.setprofile(None)
        gc.enable()
    assert calls <= 15


def test_threads_append_to_one_list(spy: Spy, session: StubSession) -> None:
    def work() -> None:
        for _ in range(100):
            session.run("INCR", "n")
            spy.count("INCR")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [call.index for call in spy.calls] == list(range(400))


def test_the_clock_is_the_servers(spy: Spy, session: StubSession) -> None:
    assert abs(session.server.time - time.time()) > 1
    session.run("PING")
    assert spy.calls[0].at == session.server.time
