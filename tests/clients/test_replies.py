"""Replies have exactly the Python types that redis-py gives with a real server."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import inspect
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
import redis
import redis._parsers as real
import redis.asyncio
import redis.utils

import fakeredis

CALLS: list[tuple[Any, ...]] = [
    ("ping",), ("echo", "x"), ("set", "s", "v"), ("set", "s", "w", None, None, True), ("get", "s"),
    ("execute_command", "SET", "s", "v", "NX"), ("execute_command", "SET", "s", "v", "GET"),
    ("set", "s", b"\xe2\x82\xac"), ("get", "s"), ("get", "none"), ("mget", "s", "none"),
    ("append", "s", "x"), ("strlen", "s"), ("incr", "n"), ("incrbyfloat", "f", 1.5),
    ("setnx", "s", 1), ("mset", {"a": 1, "b": 2}), ("msetnx", {"a": 1, "c": 2}),
    ("getset", "a", 5), ("getdel", "a"), ("getrange", "s", 0, 2), ("setrange", "s", 3, "xy"),
    ("exists", "s"), ("expire", "s", 100), ("persist", "s"), ("ttl", "s"), ("type", "s"),
    ("type", "none"), ("rename", "b", "c"), ("delete", "c"), ("object", "ENCODING", "s"),
    ("keys", "n*"), ("scan", 0), ("randomkey",), ("dbsize",), ("touch", "s"), ("copy", "s", "s2"),
    ("lpush", "l", 1, 2, 3), ("lrange", "l", 0, -1), ("lindex", "l", 0), ("lpop", "l"),
    ("lpop", "none"), ("lpop", "l", 1), ("rpoplpush", "l", "l2"), ("blpop", "l2", 1),
    ("brpop", ["none", "none2"], 0.01), ("linsert", "l", "BEFORE", "x", "y"), ("llen", "l"),
    ("lpos", "l", "x"), ("rpush", "l", "x"), ("lset", "l", 0, "y"), ("ltrim", "l", 0, 5),
    ("sort", "l", None, None, None, None, False, True), ("lmove", "l", "l3"),
    ("hset", "h", "f", 1), ("hset", "h", None, None, {"g": 2}), ("hget", "h", "f"),
    ("hgetall", "h"), ("hgetall", "none"), ("hmget", "h", "f", "no"), ("hkeys", "h"),
    ("hvals", "h"), ("hexists", "h", "f"), ("hdel", "h", "g"), ("hincrbyfloat", "h", "f", 1),
    ("hscan", "h"), ("hlen", "h"), ("hrandfield", "h"), ("hrandfield", "h", 1, True),
    ("sadd", "set", "a"), ("smembers", "set"), ("smembers", "none"), ("sismember", "set", "a"),
    ("smismember", "set", "a", "b"), ("sinter", "set", "set"), ("sunion", "set"),
    ("sdiff", "set", "none"), ("srandmember", "set"), ("srandmember", "set", 2), ("spop", "set"),
    ("spop", "none"), ("sscan", "set"), ("scard", "set"),
    ("zadd", "z", {"a": 1, "b": 2.5}), ("zadd", "z", {"a": 1.5}, False, False, False, True),
    ("zscore", "z", "a"), ("zscore", "z", "no"), ("zrange", "z", 0, -1),
    ("zrange", "z", 0, -1, False, True), ("zrevrange", "z", 0, -1, True), ("zincrby", "z", 1, "a"),
    ("zmscore", "z", ["a", "no"]), ("zrank", "z", "a"), ("zrank", "z", "a", True),
    ("zrangebyscore", "z", "-inf", "inf", None, None, True), ("zcount", "z", 0, 9),
    ("zscan", "z"), ("zpopmin", "z"), ("zrandmember", "z"), ("zrandmember", "z", 9, True),
    ("zpopmax", "z", 1), ("bzpopmin", "none", 0.01), ("zadd", "z", {"a": 1}),
    ("bzpopmin", "z", 1), ("zadd", "z", {"a": "inf"}), ("zunion", ["z"], None, True),
    ("zrange", "z", 0, -1, False, True), ("zinter", ["z", "z"], None, True), ("zdiff", ["z"], True),
    ("setbit", "bit", 5, 1), ("getbit", "bit", 5), ("bitcount", "bit"), ("bitpos", "bit", 1),
    ("execute_command", "BITFIELD", "bit", "GET", "u4", 0),
    ("publish", "c", "m"), ("pubsub_numsub", "c"), ("pubsub_channels",),
    ("config_get", "maxmemory-policy"), ("config_set", "maxmemory-policy", "noeviction"),
    ("flushdb",), ("dbsize",),
    ("execute_command", "LPUSH", "wrong"), ("execute_command", "NONSENSE"),
]

SHAPES_ONLY = {"randomkey"}
UNORDERED = {"scan", "keys"}


def exact(value: Any, call: tuple[Any, ...] = ("",)) -> Any:
    """A value with the types of all its parts."""
    if call[0] in UNORDERED and isinstance(value, list | tuple):
        value = type(value)(sorted(each) if isinstance(each, list) else each for each in value)
        value = sorted(value) if isinstance(value, list) else value
    if isinstance(value, dict):
        parts: Any = [(exact(key), exact(item)) for key, item in value.items()]
    elif isinstance(value, set):
        parts = sorted(map(exact, value), key=repr)
    elif isinstance(value, list | tuple):
        parts = [exact(item) for item in value]
    elif isinstance(value, Exception):
        parts = str(value)
    else:
        parts = value
    return type(value).__name__, parts


def called(client: Any, call: tuple[Any, ...]) -> Any:
    name, *args = call
    try:
        return getattr(client, name)(*args)
    except redis.RedisError as error:
        return error


@pytest.fixture(params=[2, 3, None], ids=["resp2", "resp3", "default"])
def options(request: pytest.FixtureRequest) -> dict[str, Any]:
    return {} if request.param is None else {"protocol": request.param}


@pytest.fixture(params=[False, True], ids=["bytes", "decoded"])
def pair(
    request: pytest.FixtureRequest, clean_real_url: str, options: dict[str, Any]
) -> Iterator[tuple[Any, Any]]:
    options["decode_responses"] = request.param
    server = fakeredis.FakeServer()
    with (
        redis.Redis.from_url(clean_real_url, **options) as real,
        fakeredis.FakeRedis(server=server, **options) as fake,
    ):
        yield fake, real


def test_types(pair: tuple[Any, Any]) -> None:
    fake, real = pair
    for call in CALLS:
        expected = exact(called(real, call), call)
        if call[0] in SHAPES_ONLY:
            called(fake, call)
            continue
        assert (call, exact(called(fake, call), call)) == (call, expected)


@pytest.mark.parametrize("transaction", [True, False])
def test_types_in_pipelines(pair: tuple[Any, Any], transaction: bool) -> None:
    fake, real = pair
    calls = [
        call for call in CALLS
        if call[0] not in {*SHAPES_ONLY, "blpop", "brpop", "bzpopmin"} and "NONSENSE" not in call
        and not (transaction and call == ("execute_command", "LPUSH", "wrong"))
    ]
    replies = []
    for client in (real, fake):
        with client.pipeline(transaction=transaction) as pipe:
            queued = []
            for call in calls:
                called(pipe, call)
                queued += [call] * (len(pipe) - len(queued))  # the others failed in redis-py
            replies.append(pipe.execute(raise_on_error=False))
    for call, expected, got in zip(queued, *replies, strict=True):
        assert (call, exact(got, call)) == (call, exact(expected, call))


@pytest.mark.parametrize("decode", [False, True])
async def test_types_async(clean_real_url: str, options: dict[str, Any], decode: bool) -> None:
    options["decode_responses"] = decode
    async with (
        redis.asyncio.Redis.from_url(clean_real_url, **options) as real,
        fakeredis.FakeAsyncRedis(server=fakeredis.FakeServer(), **options) as fake,
    ):
        for call in CALLS:
            outcomes = []
            for client in (real, fake):
                outcome = called(client, call)
                if inspect.isawaitable(outcome):
                    (outcome,) = await asyncio.gather(outcome, return_exceptions=True)
                outcomes.append(exact(outcome, call))
            if call[0] not in SHAPES_ONLY:
                assert (call, outcomes[1]) == (call, outcomes[0])


PARSERS = [(real._RESP3Parser, real._AsyncRESP3Parser)]
if redis.utils.HIREDIS_AVAILABLE:
    PARSERS.append((real._HiredisParser, real._AsyncHiredisParser))
BIG = "redis.setresp(3) return "


@pytest.mark.parametrize("decode", [False, True])
@pytest.mark.parametrize("parsers", PARSERS)
def test_big_numbers_are_what_the_parser_makes_of_them(
    parsers: tuple[Any, Any], decode: bool, real_url: str
) -> None:
    bodies = [
        "{big_number='12345678901234567890'}", "{big_number='-5'}", "{big_number='12x'}",
        "{{big_number='5'}, {map={a={big_number='6'}}}, {set={a=true}}}",
    ]
    options: dict[str, Any] = {"protocol": 3, "decode_responses": decode}

    def ask(client: Any) -> list[Any]:
        found = [outcome(client.eval, BIG + body, 0) for body in bodies]
        for transaction in (False, True):
            pipeline = client.pipeline(transaction)
            pipeline.eval(BIG + bodies[0], 0).get("none")
            found.append(pipeline.execute())
        return found

    async def ask_async(client: Any) -> Any:
        try:
            return await client.eval(BIG + bodies[3], 0)
        finally:
            await client.aclose()

    def talk(url: str) -> Any:
        sync = redis.ConnectionPool.from_url(url, parser_class=parsers[0], **options)
        later = redis.asyncio.ConnectionPool.from_url(url, parser_class=parsers[1], **options)
        with redis.Redis(connection_pool=sync) as client:
            return ask(client), asyncio.run(ask_async(redis.asyncio.Redis.from_pool(later)))

    wanted = talk(real_url)
    with fakeredis.patch():
        assert repr(talk("redis://big")) == repr(wanted)


def outcome(call: Any, *args: Any) -> Any:
    try:
        return call(*args)
    except (ValueError, redis.RedisError) as error:
        return type(error)


@pytest.mark.parametrize("spy", [False, True])
@pytest.mark.parametrize("use", [
    lambda client: client.lpush("k", 1),
    lambda client: client.blpop("k", 1),
    lambda client: client.execute_command("UNKNOWN"),
    lambda client: client.eval("return redis.call('LPUSH', 'k', 1)", 0),
    lambda client: client.pipeline(transaction=False).lpush("k", 1).execute(raise_on_error=False),
])
def test_an_error_leaves_no_circle_that_keeps_its_client(use: Any, spy: bool) -> None:
    """As redis-py's own; the frames of an error that a spy has noted do not keep it either."""
    with fakeredis.patch(spy=spy):
        client = redis.Redis()
        client.set("k", "v")
        found = weakref.ref(client)
        gc.collect()
        gc.disable()
        try:
            with contextlib.suppress(redis.ResponseError):
                use(client)
            del client
            assert found() is None
        finally:
            gc.enable()
