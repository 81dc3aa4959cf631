"""The handle: servers, clients, the spy, time, faults, snapshots; options and their errors."""

from __future__ import annotations

import datetime as dt
import inspect
import re
import time
from typing import Any

import pytest
import redis
import redis.asyncio

import fakeredis

pytestmark = pytest.mark.usefixtures("no_network")


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"after_exit": "never"}, ValueError),
        ({"version": "banana"}, ValueError),
        ({"server_type": "memcached"}, ValueError),
        ({"server": "localhost"}, TypeError),
        ({"addresses": "localhost:6379"}, TypeError),
        ({"clients": "redis"}, TypeError),
        ({"clients": {"memcached"}}, ValueError),
        ({"store": "nosuch:///r.db"}, ValueError),
        ({"nonsense": 1}, TypeError),
    ],
)
def test_wrong_options(options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        fakeredis.patch(**options)


def test_not_entered() -> None:
    handle = fakeredis.patch()
    assert not handle.active
    assert repr(handle) == "<fakeredis.patch, not entered>"
    with pytest.raises(RuntimeError, match="not entered yet"):
        handle.client()
    handle.stop()


def test_start_and_stop() -> None:
    handle = fakeredis.patch()
    assert handle.start() is handle
    assert handle.active
    assert fakeredis.active() is handle
    redis.Redis().set("k", "v")
    handle.stop()
    assert not handle.active
    assert fakeredis.active() is None
    handle.stop()
    with handle:
        assert redis.Redis().get("k") is None  # fresh at each entry


def test_clients(fake: fakeredis.patch) -> None:
    redis.Redis(decode_responses=True).set("k", "v")
    assert fake.client(decode_responses=True).get("k") == "v"
    redis.Redis(host="other.example").set("k", "other")
    assert fake.client("other.example").get("k") == b"other"
    assert fake.client("other.example:6379", db=1).get("k") is None
    assert fake.server("other.example").execute("GET", "k") == b"other"
    assert fake.client().get("k") == b"v"


async def test_async_client(fake: fakeredis.patch) -> None:
    await redis.asyncio.Redis().set("k", "v")
    client = fake.async_client()
    assert await client.get("k") == b"v"
    await client.aclose()


def test_the_only_server(fake: fakeredis.patch) -> None:
    redis.Redis(host="cache.example", port=7000).set("k", "v")
    assert fake.client().get("k") == b"v"


def test_own_server() -> None:
    server = fakeredis.FakeServer()
    server.execute("SET", "k", "mine")
    with fakeredis.patch(server=server, spy=True) as fake:
        assert redis.Redis(host="a.example").get("k") == b"mine"
        assert redis.Redis(host="b.example").get("k") == b"mine"
        assert fake.server("c.example") is server
        fake.assert_command_count(2)
    assert server.recorder is None
    assert server.switched == 0
    server.execute("SET", "k", 2)
    fake.assert_command_count(2)


def test_version() -> None:
    with fakeredis.patch(version="7.2") as fake:
        redis.Redis().ping()
        assert fake.server().profile.version[:2] == (7, 2)


def test_addresses() -> None:
    with fakeredis.patch(addresses={"cache.example:7000", "/run/redis.sock", "localhost"}) as fake:
        assert redis.Redis(host="cache.example", port=7000).ping()
        assert redis.Redis(unix_socket_path="/run/redis.sock").ping()
        assert redis.Redis(host="127.0.0.1").ping()
        with pytest.raises(redis.ConnectionError, match=r"111 connecting to cache\.example:1"):
            redis.Redis(host="cache.example", port=1, retry=None).ping()
        with pytest.raises(LookupError):
            fake.client("elsewhere")


def test_some_kinds_of_clients() -> None:
    async def use() -> None:
        assert await redis.asyncio.Redis().ping()

    import asyncio

    with fakeredis.patch(clients={"redis.asyncio"}, names=False):
        asyncio.run(use())
        with pytest.raises(BaseException, match="localhost"):
            redis.Redis().ping()


# The spy ----------------------------------------------------------------------------------------


def test_spy() -> None:
    with fakeredis.patch(spy=True) as fake:
        client = redis.Redis()
        client.set("k", "v", ex=10)
        with fake.span() as span:
            client.pipeline().get("k").get("l").execute()
        assert [str(call) for call in fake.calls] == [
            "SET k v EX 10", "MULTI", "GET k", "GET l", "EXEC",
        ]
        span.assert_round_trips(1)
        call = fakeredis.assert_called_command_once("SET", "k", "v", "EX", 10)
        assert call.where is not None
        assert call.where.filename == __file__
        assert call.server == "localhost:6379"
        fakeredis.assert_not_called_command("DEL")
        fakeredis.assert_command_order("SET", "GET k", "GET l")
        with pytest.raises(AssertionError, match="nearest"):
            fakeredis.assert_called_command("SET", "k", "w")
        assert fake.spy.round_trips() == 2
    fake.assert_called_command("GET k")  # after the end, too
    fake.reset()
    fake.assert_no_commands()


@pytest.mark.parametrize("use", ["wrapper", "real class", "async", "pubsub"])
async def test_spy_sees_every_client(use: str, fake: fakeredis.patch) -> None:
    if use == "wrapper":
        redis.Redis().lpush("k", 1)
    elif use == "real class":
        with fakeredis.patch(spy=True, names=False) as fake:
            redis.Redis().lpush("k", 1)
    elif use == "async":
        await redis.asyncio.Redis().lpush("k", 1)
    else:
        redis.Redis().lpush("k", 1)
        pubsub = redis.Redis().pubsub()
        pubsub.subscribe("c")
        fake.assert_called_command_once("SUBSCRIBE c")
        pubsub.close()
    fake.assert_called_command_once("LPUSH k 1")


def test_no_spy() -> None:
    with pytest.raises(RuntimeError, match="needs an active patch"):
        fakeredis.assert_called_command("GET")
    with fakeredis.patch() as fake:
        redis.Redis().ping()
        with pytest.raises(RuntimeError, match="spy=True"):
            fakeredis.assert_called_command("PING")
        with pytest.raises(RuntimeError, match="spy=True"):
            _ = fake.calls


# Time and faults --------------------------------------------------------------------------------


def test_advance(fake: fakeredis.patch) -> None:
    client = redis.Redis()
    client.set("k", "v", ex=10)
    fake.advance(9)
    assert client.get("k") == b"v"
    fake.advance(2)
    assert client.get("k") is None
    other = redis.Redis(host="made.later").time()[0]
    assert other - time.time() == pytest.approx(11, abs=1.5)


@pytest.mark.parametrize(
    "at", [1e9, dt.datetime.fromtimestamp(1e9, tz=dt.timezone.utc)]
)
def test_freeze(at: Any, fake: fakeredis.patch) -> None:
    fake.freeze(at)
    assert redis.Redis().time() == (10**9, 0)
    fake.advance(2.5)
    assert redis.Redis().time() == (10**9 + 2, 500000)
    assert redis.Redis(host="made.later").time() == (10**9 + 2, 500000)


def test_fail_next_with_a_reply(fake: fakeredis.patch) -> None:
    client = redis.Redis()
    client.ping()
    fake.fail_next("LOADING Redis is loading the dataset in memory", "SET", times=2)
    fake.fail_next("ERR oops", "GET", "k")
    client.get("other")
    with pytest.raises(redis.ResponseError, match="oops"):
        client.get("k")
    assert client.get("k") is None
    fake.reset_faults()
    assert client.set("k", 1)


def test_fail_next_with_an_exception(names: bool) -> None:
    with fakeredis.patch(names=names) as fake:
        client = redis.Redis(retry=None)
        client.ping()
        fake.fail_next(redis.TimeoutError)
        with pytest.raises(redis.TimeoutError):
            client.ping()
        assert client.ping()
        fake.fail_next(redis.ConnectionError("reset by peer"), times=1)
        with pytest.raises(redis.ConnectionError, match="reset by peer"):
            client.ping()
        assert client.ping()


def test_retries_of_the_client_cover_faults(names: bool) -> None:
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    with fakeredis.patch(names=names) as fake:
        client = redis.Redis(retry=Retry(NoBackoff(), 3), retry_on_error=[redis.ConnectionError])
        client.ping()
        fake.fail_next(redis.ConnectionError, times=3)
        assert client.ping()
        fake.fail_next(redis.ConnectionError, times=4)
        with pytest.raises(redis.ConnectionError):
            client.ping()


@pytest.mark.parametrize(
    ("use", "text"),
    [
        (lambda: fakeredis.patch(clients={"rediss"}), "no clients 'rediss'; did you mean redis "),
        (lambda: fakeredis.patch(clients={"redis.async"}), "did you mean redis.asyncio"),
        (lambda: fakeredis.patch("x.db"), "'sqlite:///x.db'"),
        (lambda: fakeredis.patch("/data/x.db"), "'sqlite:////data/x.db'"),
        (lambda: fakeredis.patch("localhost:6379"), "'redis://localhost:6379'"),
        (lambda: fakeredis.FakeServer("8.2"), "version='8.2'"),
        (lambda: fakeredis.patch(addresses=["redis://u:p@h:1/2"]), "'h:1', not 'redis://u:p@h:1/2'"),
        (lambda: fakeredis.patch(addresses=["unix:///r.sock"]), "'/r.sock', not"),
        (lambda: fakeredis.FakeServer().advance(-60), "ahead only"),
    ],
)
def test_errors_say_what_to_write(use: Any, text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text)):
        use()


def test_time_moves_ahead(fake: fakeredis.patch) -> None:
    client = redis.Redis()
    client.set("k", "v", px=100_000)
    with pytest.raises(ValueError, match="ahead only"):
        fake.advance(-60)
    with pytest.raises(TypeError, match="a delay is a number of seconds, not '1s'"):
        fake.delay("1s")  # type: ignore[arg-type]
    assert 90_000 < client.pttl("k") <= 100_000


def test_a_refusal_names_the_option() -> None:
    refused = pytest.raises(redis.ConnectionError, match=r"patch\(addresses=\['there:6379'\]\)")
    with fakeredis.patch(addresses={"there:6379"}), refused:
        redis.Redis(retry=None).ping()


@pytest.mark.parametrize("wrong", [5, object(), int])
def test_wrong_faults(wrong: Any, fake: fakeredis.patch) -> None:
    with pytest.raises(TypeError):
        fake.fail_next(wrong)


def test_down_and_up(fake: fakeredis.patch) -> None:
    client = redis.Redis(retry=None)
    client.set("k", "v")
    fake.down()
    with pytest.raises(redis.ConnectionError):
        client.get("k")
    with pytest.raises(redis.ConnectionError):
        redis.Redis(host="new.example", retry=None).get("k")
    fake.up()
    assert client.get("k") == b"v"


# State ------------------------------------------------------------------------------------------


def test_snapshot_and_restore(fake: fakeredis.patch) -> None:
    client = redis.Redis()
    client.set("k", "v", ex=100)
    client.lpush("l", 1)
    saved = fake.snapshot()
    for _ in range(2):
        client.set("k", "w")
        client.lpush("l", 2)
        redis.Redis(host="other").set("k", "v")
        fake.restore(saved)
        assert client.get("k") == b"v"
        assert 0 < client.ttl("k") <= 100
        assert client.lrange("l", 0, -1) == [b"1"]
        assert redis.Redis(host="other").get("k") is None


def test_flush(fake: fakeredis.patch) -> None:
    redis.Redis().set("k", "v")
    redis.Redis(host="other").set("k", "v")
    fake.flush()
    assert redis.Redis().get("k") is redis.Redis(host="other").get("k") is None


def test_credentials(fake: fakeredis.patch) -> None:
    assert redis.Redis(username="app", password="x").ping()
    assert redis.Redis(password="x", protocol=2).ping()
    fake.server().execute("CONFIG", "SET", "requirepass", "secret")
    assert redis.Redis(password="secret").ping()
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(password="wrong", retry=None).ping()


def test_state(fake: fakeredis.patch) -> None:
    client = redis.Redis()
    assert fake.state() == {}
    client.set("s", "v")
    client.rpush("l", 1, 2)
    client.hset("h", "f", "v")
    client.sadd("set", "a")
    client.zadd("z", {"m": 1.5})
    client.xadd("x", {"f": "v"}, id="1-1")
    document = {"a": [1, 2.5, None, "\xe9"], "b": {"c": True}}
    client.json().set("j", "$", document)
    redis.Redis(host="other", db=2).set(b"\xff", b"\xfe")
    fake.reset()
    assert fake.state() == {
        "localhost:6379": {0: {
            "s": "v", "l": ["1", "2"], "h": {"f": "v"}, "set": {"a"}, "z": {"m": 1.5},
            "x": [("1-1", {"f": "v"})], "j": document,
        }},
        "other:6379": {2: {"\udcff": "\udcfe"}},
    }
    fake.assert_no_commands()
    client.get("s")
    fake.assert_command_count(1)


def test_state_of_what_modules_keep(fake: fakeredis.patch) -> None:
    client = redis.Redis()
    client.execute_command("VADD", "v", "VALUES", 2, 1, 2, "e", "NOQUANT")
    client.ts().add("s", 1, 2)
    client.topk().reserve("t", 3, 8, 7, 0.9)
    client.topk().add("t", "a", "b", "a")
    client.cms().initbydim("c", 10, 2)
    client.bf().add("b", "x")
    client.cf().add("f", "x")
    client.tdigest().create("d")
    found = fake.state()["localhost:6379"][0]
    assert found.pop("v")["e"] == pytest.approx([1.0, 2.0], rel=1e-6)
    assert [found.pop(key) for key in "stc"] == [
        [(1, 2.0)], {"a": 2, "b": 1}, {"width": 10, "depth": 2, "count": 0}
    ]
    assert [found[key]["Number of items inserted"] for key in "bf"] == [1, 1]
    assert found.keys() == {"b", "f", "d"}


def test_names_of_some_kinds_of_clients() -> None:
    (real,), (real_async,) = [redis.Redis], [redis.asyncio.Redis]
    with fakeredis.patch(clients={"redis.asyncio"}):
        assert redis.Redis is real
        assert redis.asyncio.Redis is fakeredis.FakeAsyncRedis
        with fakeredis.patch():
            assert redis.Redis is fakeredis.FakeRedis
            assert redis.asyncio.Redis is fakeredis.FakeAsyncRedis
        assert redis.Redis is real
        assert redis.asyncio.Redis is fakeredis.FakeAsyncRedis
    assert redis.asyncio.Redis is real_async


def test_patched_takes_what_patch_takes() -> None:
    from fakeredis.patch import PatchOptions

    names = set(inspect.signature(fakeredis.patch.__init__).parameters) - {"self", "store"}
    assert set(PatchOptions.__annotations__) == names


def test_patched_takes_a_store_by_its_name() -> None:
    @fakeredis.patched(store="memory://", as_kwarg="fake")
    def use(fake: fakeredis.patch) -> bool:
        return bool(fake.client().set("k", "v"))

    assert use()
