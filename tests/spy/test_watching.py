from __future__ import annotations

import asyncio

import pytest

import fakeredis.spy
from fakeredis.spy import Spy, spy_on
from tests.spy.stub import StubServer, StubSession


def test_several_servers_are_merged_in_order() -> None:
    servers = [StubServer("a:1"), StubServer("b:2")]
    spy = Spy()
    for server in servers:
        server.recorder = spy.recorder_for(server)
    first, second = (StubSession(server) for server in servers)
    first.run("GET", 1)
    second.run("GET", 2)
    first.run("GET", 3)
    assert spy.snapshot() == "GET 1\nGET 2\nGET 3"
    assert [call.server for call in spy.calls] == ["a:1", "b:2", "a:1"]
    assert spy.count(server=servers[1]) == 1


def test_the_module_is_the_function() -> None:
    server = StubServer()
    with fakeredis.spy(server) as spy:  # type: ignore[operator]
        StubSession(server).run("PING")
    assert server.recorder is None
    spy.assert_called_command_once("PING")


def test_a_spy_is_an_async_context_manager_too() -> None:
    async def main() -> Spy:
        async with spy_on(server) as spy:
            async with spy.span() as part:
                StubSession(server).run("PING")
            part.assert_command_count(1)
        return spy

    server = StubServer()
    assert asyncio.run(main()).count() == 1
    assert server.recorder is None


def test_start_and_stop() -> None:
    server = StubServer()
    spy = Spy(server)
    assert server.recorder is None
    spy.start()
    StubSession(server).run("PING")
    spy.stop()
    assert server.recorder is None
    assert spy.count() == 1


def test_spies_are_nested() -> None:
    server = StubServer()
    session = StubSession(server)
    with spy_on(server) as outer:
        session.run("GET", 1)
        with spy_on(server) as middle, spy_on(server) as inner:
            session.run("GET", 2)
        session.run("GET", 3)
    assert outer.snapshot() == "GET 1\nGET 2\nGET 3"
    assert middle.snapshot() == inner.snapshot() == "GET 2"


def test_spies_may_end_in_any_order() -> None:
    server = StubServer()
    session = StubSession(server)
    spies = [Spy(server).start() for _ in range(3)]
    spies[0].stop()
    session.run("GET", 1)
    spies[1].stop()
    session.run("GET", 2)
    spies[2].stop()
    assert server.recorder is None
    assert [spy.count() for spy in spies] == [0, 1, 2]


def test_a_command_that_waits_while_spies_come_and_go() -> None:
    server = StubServer()
    session = StubSession(server)
    with spy_on(server) as outer:
        first = session.begin("BLPOP", "a", 0)
        with spy_on(server) as inner:
            server.recorder.end(first, [b"a", b"1"], None)
            second = session.begin("BLPOP", "b", 0)
        server.recorder.end(second, [b"b", b"2"], None)
    assert [call.reply for call in outer.calls] == [[b"a", b"1"], [b"b", b"2"]]
    assert [call.reply for call in inner.calls] == [[b"b", b"2"]]


def test_what_has_no_server_is_refused() -> None:
    with pytest.raises(TypeError, match="fake clients and servers, not to 5"):
        spy_on(5)


def test_reset_forgets(spy: Spy, session: StubSession) -> None:
    session.run("GET", 1)
    assert spy.calls
    spy.reset()
    spy.assert_no_commands()
    session.run("GET", 2)
    assert [(call.index, str(call)) for call in spy.calls] == [(0, "GET 2")]


def test_a_span_answers_for_its_part(spy: Spy, session: StubSession) -> None:
    session.run("GET", 1)
    with spy.span() as part:
        session.run("GET", 2)
        part.assert_command_count(1)
        with part.span() as inner:
            session.run("GET", 3)
    session.run("GET", 4)
    assert part.snapshot() == "GET 2\nGET 3"
    assert inner.snapshot() == "GET 3"
    assert [call.index for call in part.calls] == [1, 2]
    assert part.round_trips() == 2
    with pytest.raises(AssertionError, match="2 commands recorded: GET x2"):
        part.assert_called_command("SET")


def test_a_span_over_a_reset_has_what_came_after(spy: Spy, session: StubSession) -> None:
    session.run("GET", 1)
    with spy.span() as part:
        session.run("GET", 2)
        spy.reset()
        session.run("GET", 3)
    session.run("GET", 4)
    assert part.snapshot() == "GET 3"


def test_reprs(spy: Spy, session: StubSession) -> None:
    session.run("GET", 1)
    assert repr(spy) == "<Spy: 1 calls>"
    assert repr(spy.span()) == "<Span: 0 calls>"
