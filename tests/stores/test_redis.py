"""`RedisStore`: everything above it works alike, and what others have on the server stays."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import redis.asyncio
import redis.cache

import fakeredis
from fakeredis.engine.core import road, switches
from fakeredis.engine.core.replies import NO_REPLY
from fakeredis.errors import CommandError
from fakeredis.stores import RedisStore, StoreError
from tests.stores.listening import listen_and_go_on
from tests.support import processes, servers
from tests.support.redis_py import needs
from tests.support.wire import Wire

pytestmark = pytest.mark.real


@pytest.fixture
def url(clean_real_url: str) -> Iterator[str]:
    """A store's URL: database 5 of the emptied real server."""
    yield clean_real_url.rpartition("/")[0] + "/5"
    assert not [each for each in threading.enumerate() if each.name == "fakeredis-upstream"]


def test_commands_run_there(url: str, real: redis.Redis) -> None:
    with fakeredis.patch(store=url) as fake:
        client = redis.Redis(decode_responses=True)
        assert client.set("k", "v") is True
        assert client.get("k") == "v"
        assert client.info("server")["tcp_port"] == int(url.rpartition(":")[2].split("/")[0])
        assert real.info("keyspace")["db5"]["keys"] == 1
        assert redis.Redis("other", 7000).get("k") == b"v"  # all addresses share it
        assert fake.client(decode_responses=True).get("k") == "v"
    assert "db5" not in real.info("keyspace")


def test_the_spy_records_as_ever(url: str) -> None:
    with fakeredis.patch(store=url, spy=True) as fake:
        client = redis.Redis()
        client.set("k", "v", ex=10)
        with client.pipeline() as pipe:
            pipe.incr("n").get("k")
            pipe.execute()
        with pytest.raises(redis.ResponseError):
            client.incr("k")
    fake.assert_called_command_once("SET k v EX 10")
    fake.assert_command_order("MULTI", "INCR n", "GET k", "EXEC")
    fake.assert_ttl("k", at_most=10)
    assert [call.reply for call in fake.spy.matching("GET k")] == [b"v"]
    assert "not an integer" in str(fake.calls[-1].error)
    assert fake.calls[0].where.filename == __file__


def test_deadlines_are_asked_for(url: str) -> None:
    """Once, when somebody asks here, and at the latest when the spy goes."""
    with fakeredis.patch(store=url, spy=True) as fake:
        client = redis.Redis()
        client.set("k", "v", ex=60)
        client.rpush("l", "b", "a")
        client.sort("l", alpha=True, store="sorted")
        client.set("gone", "v", ex=60)
        client.delete("gone")
        fake.assert_ttl("k", at_least=59, at_most=61)
        with pytest.raises(AssertionError, match=r"sorted has no TTL after #2 SORT l ALPHA STORE"):
            fake.assert_ttl("sorted")
        with pytest.raises(AssertionError, match="none was written"):
            fake.assert_ttl("gone")
        client.expire("sorted", 30)
    fake.assert_ttl("k", at_least=59, at_most=61)
    fake.assert_ttl("sorted", at_least=29, at_most=31)
    fake.assert_command_count(6)  # the questions are not the program's


def test_faults(url: str) -> None:
    with fakeredis.patch(store=url) as fake:
        client = redis.Redis(retry=None)
        fake.fail_next("MISCONF no disk", "SET")
        with pytest.raises(redis.ResponseError, match="MISCONF"):
            client.set("k", 1)
        assert client.exists("k") == 0
        fake.fail_next(redis.TimeoutError, "SET")
        with pytest.raises(redis.TimeoutError):
            client.set("k", 1)
        fake.down()
        with pytest.raises(redis.ConnectionError):
            client.ping()
        fake.up()
        assert client.ping()


def test_a_fault_inside_of_a_transaction_aborts_it(url: str) -> None:
    with fakeredis.patch(store=url, spy=True) as fake:
        client = redis.Redis()
        fake.fail_next("OOM no memory", "INCRBY")
        pipe = client.pipeline().set("k", 1).incr("k")
        with pytest.raises(redis.ResponseError, match="no memory"):
            pipe.execute()
        assert client.exists("k") == 0


def test_blocking_commands_hold_nobody(url: str) -> None:
    with fakeredis.patch(store=url):
        client = redis.Redis()
        timer = threading.Timer(0.1, lambda: redis.Redis().rpush("q", "v"))
        timer.start()
        assert client.blpop("q", 5) == (b"q", b"v")
        timer.join()
        assert client.blpop("q", 0.05) is None

        async def both() -> object:
            async with redis.asyncio.Redis() as one, redis.asyncio.Redis() as two:
                waiting = asyncio.create_task(one.blpop("q", 5))
                await asyncio.sleep(0.05)
                await two.rpush("q", "w")
                return await waiting

        assert asyncio.run(both()) == (b"q", b"w")


@pytest.mark.parametrize("protocol", [2, 3])
def test_messages(url: str, protocol: int) -> None:
    with fakeredis.patch(store=url):
        client = redis.Redis(protocol=protocol)
        with client.pubsub() as listener:
            listener.subscribe("a", "b")
            listener.psubscribe("c*")
            said = [listener.get_message(timeout=30) for _ in range(3)]
            assert [each["data"] for each in said] == [1, 2, 3]
            assert client.publish("cc", "hello") == 1
            message = listener.get_message(timeout=30)
            assert (message["pattern"], message["data"]) == (b"c*", b"hello")
            listener.unsubscribe()
            listener.punsubscribe()
            said = [listener.get_message(timeout=30) for _ in range(3)]
            assert [each["data"] for each in said] == [2, 1, 0]


def test_a_foreign_database_is_left_alone(url: str, real: redis.Redis) -> None:
    mine = redis.Redis.from_url(url)
    mine.set("precious", 1)
    with fakeredis.patch(store=url), pytest.raises(StoreError, match="holds 1 keys in database 5"):
        redis.Redis().get("precious")
    with fakeredis.patch(store=RedisStore(url, allow_existing=True)):
        assert redis.Redis().get("precious") == b"1"
        redis.Redis().set("more", 2)
    assert mine.dbsize() == 2
    mine.close()


def test_only_our_databases_are_emptied(url: str, real: redis.Redis) -> None:
    real.set("precious", 1)
    with fakeredis.patch(store=url):
        redis.Redis(db=2).set("k", 2)
        redis.Redis().set("k", 0)
        assert set(real.info("keyspace")) == {"db0", "db5", "db7"}
        assert redis.Redis().flushall() is True
        assert redis.Redis(db=2).dbsize() == 0
    assert real.get("precious") == b"1"


@pytest.mark.parametrize("command", [
    "SHUTDOWN", "CONFIG SET maxmemory 1", "SWAPDB 0 1", "REPLICAOF a 1", "SCRIPT FLUSH",
    "DEBUG FLUSHALL", "CLIENT PAUSE 10", "ACL SETUSER x", "EVAL redis.call('flushall') 0",
])
def test_what_concerns_the_whole_server_is_refused(url: str, command: str) -> None:
    with fakeredis.patch(store=url):
        client = redis.Redis()
        with pytest.raises(redis.ResponseError, match="ours alone"):
            client.execute_command(*command.split(" ", 2))
        assert client.ping()


def test_time_is_the_servers(url: str) -> None:
    with fakeredis.patch(store=url) as fake:
        for move in (lambda: fake.advance(1), fake.freeze):
            with pytest.raises(RuntimeError, match="forwarded"):
                move()


def test_a_server_that_is_not_there() -> None:
    text = r"the store redis://127\.0\.0\.1:1/0"
    with fakeredis.patch(store="redis://127.0.0.1:1/0"):
        client = redis.Redis(retry=None)
        with pytest.raises(redis.ConnectionError, match=text):
            client.ping()


@pytest.mark.parametrize("url", [
    "redis://h/x", "redis+cluster://h/1", "redis://h/1?keep=perhaps", "redis+sentinel://h/",
])
def test_urls_that_make_no_sense(url: str) -> None:
    with pytest.raises((ValueError, NotImplementedError)):
        RedisStore(url)


def test_the_password_is_not_shown() -> None:
    assert "secret" not in repr(RedisStore("redis://user:secret@host/1"))


@pytest.fixture
def slow(clean_real_url: str) -> Iterator[str]:
    """The URL of the real server behind a network that takes 10 ms for each way."""
    port = int(clean_real_url.rpartition(":")[2].split("/")[0])
    door = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=_forward, args=(door, port), daemon=True).start()
    yield f"redis://127.0.0.1:{door.getsockname()[1]}/5"
    door.shutdown(socket.SHUT_RDWR)
    door.close()


def _forward(door: socket.socket, port: int) -> None:
    while True:
        try:
            client, _ = door.accept()
        except OSError:
            return
        server = socket.create_connection(("127.0.0.1", port))
        for source, target in ((client, server), (server, client)):
            threading.Thread(target=_pump, args=(source, target), daemon=True).start()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError), source:
        while data := source.recv(65536):
            time.sleep(0.01)
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("protocol", [2, 3])
def test_a_slow_network(slow: str, protocol: int) -> None:
    """No reply comes within the caller's patience: the replies stay in their order."""
    with fakeredis.patch(store=slow, spy=True) as fake:
        client = redis.Redis(protocol=protocol)
        assert client.set("k", 1)
        assert client.incr("k") == 2
        with client.pipeline() as pipe:
            assert pipe.incr("k").get("k").execute() == [3, b"3"]
        with client.pipeline(transaction=False) as pipe:
            assert pipe.incr("k").lpush("k", 1).get("k").execute(False)[::2] == [4, b"4"]
        hasty = redis.Redis(socket_timeout=0.001, retry=None, protocol=protocol)
        with pytest.raises(redis.TimeoutError):
            # On a busy machine the reply may be there before anybody looks.
            [hasty.get("k") for _ in range(100)]

        async def many() -> list[object]:
            async with redis.asyncio.Redis(protocol=protocol) as one:
                return await asyncio.gather(*(one.get("k") for _ in range(4)))

        assert asyncio.run(many()) == [b"4"] * 4
        with client.pubsub() as listener:
            listener.subscribe("c")
            assert listener.get_message(timeout=30)["data"] == 1
        assert [call.reply for call in fake.spy.matching("INCRBY k 1")] == [2, 3, 4]
        assert fake.state()["localhost:6379"][0] == {"k": "4"}


@needs("cache")
def test_invalidations(url: str) -> None:
    with fakeredis.patch(store=url):
        cached = redis.Redis(protocol=3, cache_config=redis.cache.CacheConfig())
        other = redis.Redis()
        other.set("k", 1)
        assert cached.get("k") == b"1"
        assert cached.get_cache().size == 1
        other.set("k", 2)
        end = time.monotonic() + 30
        while cached.get("k") != b"2":
            assert time.monotonic() < end
        cached.close()


def test_monitor_and_reset(url: str) -> None:
    with fakeredis.patch(store=url):
        with redis.Redis().monitor() as monitor:
            redis.Redis(db=1).set("k", 1)
            while "SET k 1" not in monitor.next_command()["command"]:
                pass
        client = redis.Redis(single_connection_client=True)
        client.set("k", 5)
        client.execute_command("MULTI")
        assert client.execute_command("RESET") in (b"RESET", "RESET")
        assert client.get("k") == b"5"
        assert client.execute_command("DBSIZE") == 1


def test_the_road_is_that_of_all_commands(url: str) -> None:
    """What has a place for forwarded commands is met by them, and by those of a MULTI once."""
    server = fakeredis.FakeServer(url)
    met: list[str] = []

    def gate(session: Any, command: Any, args: Any) -> Any:
        met.append(f"gate {command.name}")
        return CommandError("ERR closed") if command.name == "GET" else None

    def layer(server: Any, origin: road.Origin, go: road.Go) -> road.Go:
        def run(session: Any, command: Any, args: Any) -> Any:
            met.append(f"layer {command.name}")
            return go(session, command, args)
        return run

    gates = {road.FORWARDED: gate}
    server.switch_on(switches.INTERCEPTED, road.Check(gates))
    server.switch_on(switches.RECORDED, road.Check(layer=layer))
    server.execute("SET", "k", "v")
    with pytest.raises(CommandError, match="closed"):
        server.execute("GET", "k")
    for words in (["MULTI"], ["SET", "k", "w"], ["DISCARD"]):
        server.execute(*words)
    assert [each for each in met if "HELLO" not in each] == [
        "gate SET", "layer SET", "gate GET", "gate MULTI", "layer MULTI", "gate SET",
        "gate DISCARD", "layer DISCARD",
    ]
    server.switch_off(switches.RECORDED)
    server.switch_off(switches.INTERCEPTED)
    assert server.execute("GET", "k") == b"v"
    server.close()


def test_replies_that_are_off(url: str) -> None:
    server = fakeredis.FakeServer(url)
    session = server.session()
    assert session.execute([b"CLIENT", b"REPLY", b"OFF"]) is NO_REPLY
    assert session.execute([b"SET", b"k", b"1"]) is NO_REPLY
    assert session.execute([b"CLIENT", b"REPLY", b"ON"]) == b"OK"
    assert session.execute([b"CLIENT", b"REPLY", b"SKIP"]) is NO_REPLY
    assert session.execute([b"GET", b"k"]) is NO_REPLY
    assert session.execute([b"GET", b"k"]) == b"1"
    session.close()
    server.clear()
    server.store.close()


def test_forked_children(url: str) -> None:
    with processes.limited(), fakeredis.patch(store=url, spy=True) as fake:
        client = redis.Redis()
        client.set("k", 1)
        child = os.fork()
        if not child:
            status = 1
            with contextlib.suppress(BaseException):
                redis.Redis().incr("k")
                status = int(client.get("k") != b"2")
            os._exit(status)
        assert os.waitpid(child, 0)[1] == 0
        assert client.get("k") == b"2"
        fake.assert_called_command("INCRBY k 1")


@pytest.mark.parametrize("protocol", [2, 3])
def test_other_programs(url: str, protocol: int, real: redis.Redis) -> None:
    """What the server says comes out at the port as it went in, kinds of replies included."""
    server = fakeredis.FakeServer(url)
    port = int(url.rpartition(":")[2].split("/")[0])
    calls: list[bytes] = [
        b"SET k v", b"GET k", b"GET nope", b"SADD s a", b"SMEMBERS s", b"ZADD z 1.5 a",
        b"ZSCORE z a", b"ZRANGE z 0 -1 WITHSCORES", b"HSET h f v", b"HGETALL h", b"LPOP nope 2",
        b"INCR k", b"NOPE", b"BLPOP nope 0.01", b"XREAD STREAMS x 0", b"MULTI", b"GET k", b"EXEC",
        b"LATENCY DOCTOR", b"SUBSCRIBE c", b"UNSUBSCRIBE c", b"DEBUG PROTOCOL BIGNUM",
    ]
    with (
        server.listen() as door, Wire("127.0.0.1", door.port, protocol) as fake,
        Wire("127.0.0.1", port, protocol) as there,
    ):
        there.call(b"SELECT", b"6")
        for call in calls:
            replies = []
            for wire in (fake, there):
                wire.send(*call.split())
                replies.append(wire.read_any())
            assert plain(replies[0]) == plain(replies[1]), call
            assert type(replies[0]) is type(replies[1]), call
    server.clear()
    server.store.close()


def test_clients_that_outlive_the_patch(url: str) -> None:
    with fakeredis.patch(store=url):
        client = redis.Redis(retry=None)
        client.set("k", 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(redis.ConnectionError):
            client.get("k")


def test_patches_inside_of_patches(url: str) -> None:
    with fakeredis.patch():
        redis.Redis().set("k", "outer")
        with fakeredis.patch(store=url):
            assert redis.Redis().get("k") is None
            redis.Redis().set("k", "inner")
            with fakeredis.patch():
                assert redis.Redis().get("k") is None
            assert redis.Redis().get("k") == b"inner"
        assert redis.Redis().get("k") == b"outer"


def test_many_threads(url: str) -> None:
    with fakeredis.patch(store=url, spy=True) as fake:
        client = redis.Redis()

        def work() -> None:
            for _ in range(50):
                client.incr("n")
                client.blpop("nope", 0.001)

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert client.get("n") == b"400"
        fake.assert_command_count(400, "INCRBY")


def test_the_spy_tells_the_same_as_on_the_fake(url: str) -> None:
    def work() -> None:
        client = redis.Redis(decode_responses=True)
        client.set("k", 1)
        with client.pipeline() as pipe:
            pipe.watch("k")
            value = int(pipe.get("k") or 0)
            pipe.multi()
            pipe.set("k", value + 1).get("k").lpush("k", 1)
            pipe.execute(raise_on_error=False)
        client.pipeline(transaction=False).get("k").incr("k").execute()
        client.execute_command("NOPE") if value > 5 else client.client_setname("me")
        client.register_script("return redis.call('get', KEYS[1])")(keys=["k"])
        client.select(1)
        client.blpop("q", 1)

    seen = []
    for store in (None, url):
        with fakeredis.patch(store=store, spy=True) as fake:
            work()
            seen.append([
                (str(call), plain(call.reply), str(call.error), call.via, call.db, call.name,
                 call.group > 0, call.client_name)
                for call in fake.calls if call.via != "script"
            ])
    assert seen[0] == seen[1]


def plain(reply: object) -> object:
    if isinstance(reply, Exception):
        return str(reply)
    return [*map(plain, reply)] if isinstance(reply, list) else reply


@pytest.fixture
def own(tmp_path: Path) -> Iterator[servers.RealServer]:
    """A real server of the test's own, with a password and a Unix socket."""
    if servers.binary() is None:
        pytest.skip(servers.MISSING)
    server = servers.RealServer("--unixsocket", str(tmp_path / "s"))
    with Wire(servers.HOST, server.port) as wire:
        wire.call(b"CONFIG", b"SET", b"requirepass", b"secret")
    try:
        yield server
    finally:
        server.stop()


def test_other_urls(own: servers.RealServer, tmp_path: Path) -> None:
    place = f"{servers.HOST}:{own.port}"
    for url in (
        f"valkey://:secret@{place}/3", f"redis://default:secret@{place}/3?socket_timeout=5",
        f"unix://:secret@{tmp_path}/s?db=3",
    ):
        with fakeredis.patch(store=url):
            client = redis.Redis(password="another", single_connection_client=True)
            client.set("k", 1)
            client.execute_command("RESET")
            assert client.get("k") == b"1"
            with redis.Redis(db=1) as other:
                assert other.dbsize() == 0
    with fakeredis.patch(store=f"redis://:wrong@{place}/3"):
        client = redis.Redis(retry=None)
        with pytest.raises(redis.AuthenticationError):
            client.get("k")


def test_a_server_that_goes(own: servers.RealServer) -> None:
    with fakeredis.patch(store=f"redis://:secret@{servers.HOST}:{own.port}/0"):
        client = redis.Redis(retry=None)
        client.set("k", 1)
        timer = threading.Timer(0.1, own.stop)
        timer.start()
        for command in (["BLPOP", "q", "5"], ["GET", "k"]):
            with pytest.raises(redis.ConnectionError):
                client.execute_command(*command)
        timer.join()


def test_a_connection_that_was_cut(own: servers.RealServer) -> None:
    """As a real client, one that is cut off while idle connects again."""
    with fakeredis.patch(store=f"redis://:secret@{servers.HOST}:{own.port}/0"):
        client = redis.Redis()
        client.set("k", 1)
        with Wire(servers.HOST, own.port) as wire:
            wire.call(b"AUTH", b"secret")
            assert wire.call(b"CLIENT", b"KILL", b"TYPE", b"normal") > 0
        assert client.get("k") == b"1"


def test_a_server_of_ones_own(own: servers.RealServer) -> None:
    store = RedisStore(f"redis://:secret@{servers.HOST}:{own.port}/0", exclusive=True, keep=True)
    with fakeredis.patch(store=store):
        client = redis.Redis()
        assert client.config_set("maxmemory", "100mb")
        client.set("k", 1)
        assert client.script_flush()
    with pytest.raises(StoreError, match="holds 1 keys"):
        fakeredis.FakeServer(RedisStore(store._url)).execute("GET", "k")


def test_the_order_of_what_comes_late(url: str) -> None:
    with fakeredis.patch(store=url):
        client, other = redis.Redis(), redis.Redis()
        client.set("k", 1)
        for _ in range(10):
            timer = threading.Timer(0.02, other.rpush, ("q", "v"))
            timer.start()
            pipe = client.pipeline(transaction=False).get("k").blpop("q", 5).incr("k").lpop("q")
            before = client.get("k")
            assert pipe.execute() == [before, (b"q", b"v"), int(before) + 1, None]
            timer.join()
        done = threading.Event()

        def flood() -> None:
            number = 0
            while not done.is_set():
                other.publish("c", number)
                number += 1

        thread = threading.Thread(target=flood)
        thread.start()
        try:
            for _ in range(20):
                with client.pubsub() as listener:
                    listener.subscribe("c")
                    assert listener.get_message(timeout=30)["type"] == "subscribe"
                    got = [int(listener.get_message(timeout=30)["data"]) for _ in range(20)]
                    assert got == list(range(got[0], got[0] + 20))
        finally:
            done.set()
            thread.join()


@pytest.mark.parametrize("protocol", [2, 3])
def test_connections_that_have_listened(url: str, protocol: int) -> None:
    with fakeredis.patch(store=url):
        listen_and_go_on(protocol)
