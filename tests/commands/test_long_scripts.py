"""Scripts that run long: what others are told meanwhile, and how they end, as the real server."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
import redis
import redis.asyncio

import fakeredis
from fakeredis.engine.core import switches
from fakeredis.errors import CommandError
from tests.support.engines import Server
from tests.support.twin import Pair, fake_reply, same
from tests.support.wire import Wire, to_bytes

LOOP = "while true do end"
# Ends by itself, at a time that the key says in microseconds.
WAIT = (
    "local last = redis.call('get', 'until') * 1 "
    "repeat local t = redis.call('time') until t[1] * 1e6 + t[2] > last"
)
LIBRARY = f"""#!lua name=l
redis.register_function('f', function() while true do end end)
redis.register_function('w', function(keys) redis.call('set', keys[1], 1) {WAIT} end)
"""
PATIENCE = 10


def until(condition: Callable[[], Any]) -> None:
    ends = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.001)


def soon() -> int:
    return int((time.time() + 1.5) * 1e6)


@contextlib.contextmanager
def running(twin: Any, other: Pair, *words: object) -> Iterator[None]:
    """A script that runs on both sides, in another thread of this one; they must end alike."""
    other("CONFIG", "SET", "busy-reply-threshold", 20)
    argv = [to_bytes(word) for word in words]
    replies: list[Any] = []
    twin.history.append(f"runs: {argv}")
    thread = threading.Thread(target=lambda: replies.append(fake_reply(twin.fake, argv)))
    thread.start()
    twin.wire.send(*argv)
    until(lambda: twin.server.switched & switches.BUSY)
    until(lambda: isinstance(other.wire.call(b"PING"), CommandError))
    yield
    thread.join(PATIENCE)
    real = twin.wire.read(PATIENCE)
    assert same(replies[0], real), (replies[0], real)
    twin("PING")


@pytest.mark.parametrize(
    "words",
    [("EVAL", LOOP, 0), ("EVAL", "local x = 1\n\nwhile true do\n x = x + 1\nend", 0),
     ("EVAL", "while true do pcall(function() while true do end end) end", 0),
     ("EVAL", "while true do redis.pcall('nosuch') end", 0),
     ("EVAL", "redis.call('publish', 'c', 'x') while true do redis.call('get', 'k') end", 0),
     ("EVAL", "local c = coroutine.wrap(function() while true do end end) pcall(c) " + LOOP, 0),
     ("EVAL_RO", LOOP, 0), ("EVAL", "#!lua flags=no-writes\n" + LOOP, 0)],
)
def test_killed_scripts(twin: Any, words: tuple[object, ...]) -> None:
    other = twin.session()
    with running(twin, other, *words):
        other("GET", "k")
        other("FUNCTION", "KILL")
        other("FUNCTION", "STATS")
        other("SCRIPT", "KILL")
    other("SCRIPT", "KILL")


def test_what_others_may_call(twin: Any) -> None:
    queueing, other = twin.session(), twin.session()
    queueing("MULTI")
    queueing("SET", "k", 1)
    with running(twin, other, "EVAL", LOOP, 0):
        queueing("SET", "k", 2)
        queueing("EXEC")
        for words in ("PING", "GET k", "GET", "NOSUCH", "SCRIPT NOSUCH", "SCRIPT LOAD x", "MULTI",
                      "SET k 1", "EXEC", "DISCARD", "WATCH k", "UNWATCH", "CLIENT ID", "AUTH x",
                      "SELECT 1", "SUBSCRIBE c", "COMMAND COUNT", "INFO", "CONFIG GET port",
                      "SHUTDOWN x", "SHUTDOWN", "SHUTDOWN SAVE", "EVAL x 0", "FCALL f 0", "RESET",
                      "SCRIPT KILL x", "SCRIPT KILL"):
            other(*words.split())


@pytest.mark.parametrize("call", ["redis.call('del', 'k')", "redis.pcall('incr', 'until')"])
def test_unkillable(twin: Any, call: str) -> None:
    other = twin.session()
    twin("SET", "until", soon())
    with running(twin, other, "EVAL", f"{call} {WAIT} return 7", 0):
        for words in ("SCRIPT KILL", "FUNCTION KILL", "GET k"):
            other(*words.split())


def test_functions(twin: Any) -> None:
    other = twin.session()
    twin("FUNCTION", "LOAD", LIBRARY)
    with running(twin, other, "FCALL", "f", 1, "key", "arg"):
        other("GET", "k")
        other("SCRIPT", "KILL")
        other("FUNCTION", "KILL")
    twin("SET", "until", soon())
    with running(twin, other, "FCALL", "w", 1, "k"):
        other("SCRIPT", "KILL")
        other("FUNCTION", "KILL")


def test_libraries_that_load_for_ever(twin: Any) -> None:
    twin("FUNCTION", "LOAD", "#!lua name=l\n" + LOOP)
    twin("FUNCTION", "LIST")
    twin("EVAL", "return 1", 0)


def test_in_a_transaction(twin: Any) -> None:
    other = twin.session()
    twin("CONFIG", "SET", "busy-reply-threshold", 20)
    twin("MULTI")
    twin("SET", "k", 1)
    twin("EVAL", LOOP, 0)
    twin("INCR", "k")
    with running(twin, other, "EXEC"):
        other("GET", "k")
        other("SCRIPT", "KILL")
    twin("GET", "k")


# Of the fake alone ------------------------------------------------------------------------------


class Running:
    """A script that runs in another thread."""

    def __init__(self, server: Server, *words: object) -> None:
        server.config.set([(b"busy-reply-threshold", b"1")])
        self.server, self.reply = server, None
        self.session = server.session()
        self.argv = [to_bytes(word) for word in words]
        self.thread = threading.Thread(target=self.run)

    def run(self) -> None:
        self.reply = fake_reply(self.session, self.argv)

    def __enter__(self) -> Running:
        self.thread.start()
        until(lambda: self.server.switched & switches.BUSY)
        return self

    def __exit__(self, *exc: object) -> None:
        fake_reply(self.server.session(), [b"SCRIPT", b"KILL"])
        fake_reply(self.server.session(), [b"FUNCTION", b"KILL"])
        self.thread.join(PATIENCE)


def test_statistics_of_a_function() -> None:
    server = Server()
    fake_reply(server.session(), [b"FUNCTION", b"LOAD", LIBRARY.encode()])
    with Running(server, "FCALL", "F", 1, "k", "v"):
        reply = fake_reply(server.session(3), [b"FUNCTION", b"STATS"])[b"running_script"]
        assert reply.pop(b"duration_ms") >= 1
        assert reply == {b"name": b"f", b"command": [b"FCALL", b"F", b"1", b"k", b"v"]}


def test_nobody_sees_half_of_a_script() -> None:
    server = Server()
    waiting = server.session()
    fake_reply(waiting, [b"BLPOP", b"l", b"0"])
    fake_reply(server.session(), [b"SET", b"k", b"v", b"PX", b"10000"])
    fake_reply(server.session(), [b"SET", b"until", b"%d" % (soon() + 11_000_000)])
    with Running(server, "EVAL", f"redis.call('rpush', 'l', 1) {WAIT}", 0) as it:
        server.clock.advance(11)
        server.catch_up()
        fake_reply(server.session(), [b"UNWATCH"])
        assert b"k" in server.databases[0].data
        assert not waiting.outbox
        it.thread.join(PATIENCE)
    assert list(waiting.outbox) == [[b"l", b"1"]]
    server.catch_up()
    assert b"k" not in server.databases[0].data


def test_zero_never_tells() -> None:
    server = Server()
    server.config.set([(b"lua-time-limit", b"0")])
    session = server.session()
    count = b"local n = 0 while n < 1e6 do n = n + 1 end return n"
    assert fake_reply(session, [b"EVAL", count, b"0"]) == 1_000_000
    assert server.switched == 0


def test_an_interrupt_ends_a_script(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server()
    session = server.session()
    count = iter(range(1000))

    class Impatient(type(server.config)):  # type: ignore[misc]
        @property
        def busy_reply_threshold(self) -> int:
            if next(count) == 5:
                raise KeyboardInterrupt
            return 10**6

    server.config.__class__ = Impatient
    with pytest.raises(KeyboardInterrupt):
        session.execute([b"EVAL", b"while true do pcall(function() while 1 do end end) end", b"0"])
    assert fake_reply(session, [b"EVAL", b"return 1", b"0"]) == 1


def test_shutdown_ends_a_script() -> None:
    server = Server()
    running = Running(server, "EVAL", "redis.call('set', 'k', 1) " + LOOP, 0)
    with running:
        fake_reply(server.session(), [b"SHUTDOWN", b"NOSAVE"])
        running.thread.join(PATIENCE)
    assert "closed" in str(running.reply)


def test_through_redis_py() -> None:
    server = fakeredis.FakeServer()
    client = fakeredis.FakeRedis(server=server)
    with Running(server, "EVAL", LOOP, 0) as it:
        with pytest.raises(redis.ResponseError, match="busy running a script"):
            client.get("k")
        with pytest.raises(redis.ResponseError, match="busy running a script"):
            client.pipeline().get("k").execute()
        assert client.script_kill()
        it.thread.join(PATIENCE)
    assert client.get("k") is None


def told(call: Callable[[], Any]) -> Any:
    """What a client's caller is told: replies, errors among them, or an error."""
    try:
        reply = call()
    except redis.RedisError as error:
        return type(error).__name__, str(error)
    if isinstance(reply, list):
        return [str(one) if isinstance(one, Exception) else one for one in reply]
    return reply


def batches(pipe: Callable[..., Any]) -> Iterator[Any]:
    """What pipelines are told while a script runs; the last one ends it."""
    for transaction in (False, True):
        for raises in (False, True):
            with pipe(transaction=transaction) as each:
                each.get("k").set("k", 1).execute_command("UNWATCH")
                each.execute_command("GET")
                yield told(partial(each.execute, raise_on_error=raises))
    with pipe() as watching:
        watching.watch("k")
        watching.multi()
        yield told(watching.set("k", 2).execute)
    with pipe(transaction=False) as last:
        last.get("k").execute_command("SCRIPT KILL")
        yield told(partial(last.execute, raise_on_error=False))


def while_busy(client: Callable[[], redis.Redis], script: Callable[[redis.Redis], Any]) -> Any:
    """What `batches` and the script are told, and what is left of it all."""
    found: list[Any] = []
    with client() as first, client() as other:
        first.config_set("busy-reply-threshold", 5)
        other.set("k", "v")
        thread = threading.Thread(target=lambda: found.append(told(lambda: script(first))))
        thread.start()
        until(lambda: isinstance(told(lambda: other.get("k")), tuple))
        told_others = list(batches(other.pipeline))
        thread.join(PATIENCE)
        return told_others, found, other.get("k"), other.get("n")


def in_a_batch(client: redis.Redis, transaction: bool) -> Any:
    pipe = client.pipeline(transaction=transaction)
    return pipe.set("n", 1).eval(LOOP, 0).incr("n").execute(raise_on_error=False)


@pytest.mark.parametrize("script", [
    lambda client: client.eval(LOOP, 0), partial(in_a_batch, transaction=False),
    partial(in_a_batch, transaction=True),
], ids=["alone", "in a pipeline", "in a transaction"])
@pytest.mark.parametrize("spy", [False, True])
def test_pipelines(
    clean_real_url: str, spy: bool, script: Callable[[redis.Redis], Any]
) -> None:
    expected = while_busy(lambda: redis.Redis.from_url(clean_real_url), script)
    assert "busy running a script" in str(expected)
    with fakeredis.patch(spy=spy):
        assert while_busy(redis.Redis, script) == expected


@pytest.mark.parametrize("transaction", [False, True])
async def test_pipelines_of_asyncio(clean_real_url: str, transaction: bool) -> None:
    async def batch(client: Any) -> Any:
        pipe = client.pipeline(transaction=transaction).get("k").set("k", 1)
        try:
            return await pipe.execute(raise_on_error=False)
        except redis.RedisError as error:
            return error

    server = Server()
    with Running(server, "EVAL", LOOP, 0):
        fake = await batch(fakeredis.FakeAsyncRedis(server=server))
    with redis.Redis.from_url(clean_real_url) as first, Wire.to(clean_real_url) as other:
        first.config_set("busy-reply-threshold", 5)
        thread = threading.Thread(target=lambda: told(lambda: first.eval(LOOP, 0)))
        thread.start()
        until(lambda: isinstance(other.call(b"PING"), CommandError))
        async with redis.asyncio.Redis.from_url(clean_real_url) as client:
            real = await batch(client)
        other.call(b"SCRIPT", b"KILL")
        thread.join(PATIENCE)
    assert str(fake) == str(real)


@pytest.mark.parametrize("by", ["door", "process"])
def test_over_tcp(by: str) -> None:
    server = fakeredis.FakeServer()
    server.execute("CONFIG", "SET", "busy-reply-threshold", 5)
    with server.listen() as listener:
        script = redis.Redis(port=listener.port)
        if by == "process":
            script = fakeredis.FakeRedis(server=server)
        other, late = redis.Redis(port=listener.port), redis.Redis(port=listener.port)
        failures: list[BaseException] = []

        def run() -> None:
            try:
                script.eval(LOOP, 0)
            except redis.ResponseError as error:
                failures.append(error)

        other.ping()
        thread = threading.Thread(target=run)
        thread.start()
        until(lambda: server.switched & switches.BUSY)
        with pytest.raises(redis.ResponseError, match="busy running a script"):
            other.get("k")
        with pytest.raises(redis.ResponseError, match="busy running a script"):
            late.get("k")
        assert other.script_kill()
        thread.join(PATIENCE)
        assert "killed" in str(failures[0])
        assert other.ping()
        for client in (script, other, late):
            client.close()


LONG = "for i = 1, 5e6 do end "  # so long that milliseconds pass
TIMES = f"local a = redis.call('TIME') {LONG} local b = redis.call('TIME') "


def test_a_script_happens_at_one_time(twin: Any) -> None:
    assert twin("EVAL", TIMES + "return {a[1] == b[1], a[2] == b[2]}", 0) == [1, 1]
    assert twin(
        "EVAL", f"redis.call('SET', 'k', 1, 'PX', 5) {LONG} redis.call('SET', 'l', 1, 'PX', 5000) "
        "local at = redis.call('PEXPIRETIME', 'k') "
        "return {redis.call('GET', 'k'), redis.call('PEXPIRETIME', 'l') - at}", 0,
    ) == [b"1", 4995]
    twin("DEL", "k", "l")


@pytest.mark.parametrize("side", ["fake", "real"])
def test_a_transaction_happens_at_one_time(twin: Any, side: str) -> None:
    call = twin.wire.call if side == "real" else lambda *argv: fake_reply(twin.fake, [*argv])
    for argv in ((b"MULTI",), (b"TIME",), (b"EVAL", LONG.encode(), b"0"), (b"TIME",)):
        call(*argv)
    first, _, second = call(b"EXEC")
    assert first == second
    assert call(b"TIME") != second


def test_time_passes_for_a_script_that_is_busy_but_nothing_expires(twin: Any) -> None:
    twin("CONFIG", "SET", "busy-reply-threshold", 5)
    assert twin(
        "EVAL", "local function us() local t = redis.call('TIME') return t[1] * 1e6 + t[2] end "
        "redis.call('SET', 'k', 1, 'PX', 10) local a = us() "
        "repeat until us() > a + 50000 "
        "return {redis.call('GET', 'k'), redis.call('PTTL', 'k')}", 0,
    ) == [b"1", 10]
    twin("DEL", "k")
