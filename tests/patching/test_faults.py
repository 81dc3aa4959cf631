"""``fake.fail_next`` and ``fake.delay``: which commands they meet, and those that none has met."""

from __future__ import annotations

import asyncio
import importlib
import re
import socket
from typing import Any
from unittest import mock

import pytest
import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

import fakeredis
from fakeredis import ANY, call, like, matching
from tests.support.redis_py import skip_without

pytestmark = pytest.mark.usefixtures("no_network")
NEVER = Retry(NoBackoff(), 0)


class Even:
    def __eq__(self, other: object) -> bool:
        return isinstance(other, int) and other % 2 == 0


@pytest.mark.parametrize(
    "command",
    [
        ("SET",), ("set", "k"), ("SET", "k", ...), ("SET", "k", "12"), ("SET", "k", 12, ...),
        ("SET k",), ("SET k 12 NX",), ("SET", "k", 12, "NX", "EX", 10), ("SET", ANY, b"12"),
        ("SET", like("k*"), matching("^1")), ("SET", "k", re.compile("2$")), ("SET", "k", Even()),
        (call.set("k", 12),), (call.set("k", 12, nx=True),), (mock.call.set("k", 12, ex=10),),
        ("*",), ("S*", "k"), ("*", like("k")),
    ],
)
def test_as_an_assertion_describes_it(command: Any, fake: fakeredis.patch) -> None:
    client = redis.Redis()
    client.ping()
    fake.fail_next("OOM no memory", *command)
    with pytest.raises(redis.ResponseError, match="no memory"):
        client.set("k", 12, ex=10, nx=True)
    fake.assert_faults_used()
    assert client.set("k", 12, ex=10, nx=True)


@pytest.mark.parametrize(
    "command",
    [
        ("SET", "l"), ("SET k v",), ("SET", like("l*")), ("SET", "k", Even()), ("GET",),
        ("SET", "k", 13, "NX"), ("SET", "k", 13, "EX", 11), ("G*",), (call.set("k", 13, xx=True),),
        ("SETEX", ...), ("CONFIG SET",),
    ],
)
def test_other_commands(command: Any, fake: fakeredis.patch) -> None:
    fake.fail_next("OOM no memory", *command)
    assert redis.Redis().set("k", 13, ex=10)
    assert len(fake.unused_faults) == 1


def test_subcommands(fake: fakeredis.patch) -> None:
    client = redis.Redis()
    client.ping()
    fake.fail_next("ERR first", "CONFIG")
    fake.fail_next("ERR second", "config get", "max*")
    for expected in ("first", "second"):
        with pytest.raises(redis.ResponseError, match=expected):
            client.config_get("max*")
    assert client.config_get("max*")


@pytest.mark.parametrize(
    ("wrong", "kind", "text"),
    [
        (("GTE",), ValueError, "did you mean GET"),
        (("CONFIG GTE",), ValueError, "did you mean CONFIG GET"),
        (("GTE*",), ValueError, "no command's name"),
        (("SET", ..., "v"), TypeError, "comes last"),
        (("SET", None), TypeError, "never sent"),
        ((5,), TypeError, "a command is"),
        (("",), TypeError, "a command is"),
        ((call.sett("k"),), AttributeError, "sett"),
    ],
)
def test_what_no_command_can_meet(
    wrong: Any, kind: type[Exception], text: str, fake: fakeredis.patch
) -> None:
    with pytest.raises(kind, match=text):
        fake.fail_next("ERR x", *wrong)
    with pytest.raises(kind, match=text):
        fake.delay(1, *wrong)
    assert fake.unused_faults == []
    assert redis.Redis().ping()


def test_commands_of_third_parties_and_newer_servers(fake: fakeredis.patch) -> None:
    fake.fail_next("ERR x", "JSON.SET")
    fake.fail_next("ERR x", "ARSET")
    assert [each.command for each in fake.unused_faults] == ["JSON.SET", "ARSET"]


def test_unused_faults() -> None:
    with fakeredis.patch(spy=True) as fake:
        client = redis.Redis(retry=NEVER)
        fake.fail_next("ERR x", "GET", "k", times=3)
        fake.fail_next(redis.TimeoutError("late"), "SET")
        fake.delay(0.5, "INCR")
        with pytest.raises(redis.ResponseError):
            client.get("k")
        faults = fake.unused_faults
        assert [(each.command, each.left) for each in faults] == [
            ("GET k", 2), ("SET", 1), ("INCR", 1),
        ]
        assert [type(each.error) for each in faults] == [str, redis.TimeoutError, type(None)]
        assert faults[2].seconds == 0.5
    with pytest.raises(AssertionError) as failure:  # asked after the end, too
        fake.assert_faults_used()
    assert str(failure.value).splitlines() == [
        "Expected these faults to be met:",
        "  GET k: ERR x, 2 times",
        "  SET: TimeoutError: late",
        "  INCR: delay of 0.5 s",
        "  1 command recorded: GET",
    ]


def test_faults_forgotten_are_not_unused(fake: fakeredis.patch) -> None:
    fake.fail_next("ERR x", "GET")
    fake.reset_faults()
    fake.assert_faults_used()


def test_a_client_that_tries_again_uses_faults_up(fake: fakeredis.patch) -> None:
    skip_without("retry")
    client = redis.Redis()
    fake.fail_next(redis.ConnectionError("boom"), "GET")
    assert client.get("k") is None
    fake.assert_faults_used()


# Errors of sockets -------------------------------------------------------------------------------

LOST = [
    ConnectionResetError("peer"), BrokenPipeError(32, "Broken pipe"), OSError(), ConnectionError,
]
LATE: list[Any] = [TimeoutError("late"), socket.timeout, asyncio.TimeoutError]
# What a socket without asyncio may raise: before Python 3.11 asyncio's was another exception.
SYNC = [*LOST, *(each for each in LATE if each != asyncio.TimeoutError or each is TimeoutError)]


@pytest.mark.parametrize("kind", ["sync", "pipeline", "transaction", "single", "valkey"])
@pytest.mark.parametrize("error", SYNC, ids=repr)
def test_a_sockets_error_is_redis_pys(error: Any, kind: str, names: bool) -> None:
    library: Any = redis
    if kind == "valkey":
        library = pytest.importorskip("valkey")
    back_off = importlib.import_module(f"{library.__name__}.backoff").NoBackoff()
    retry = importlib.import_module(f"{library.__name__}.retry").Retry
    make = library.Valkey if kind == "valkey" else redis.Redis
    errors = [library.ConnectionError, library.TimeoutError]

    def get(retries: int) -> Any:
        client = make(
            retry=retry(back_off, retries), retry_on_error=errors if retries else None,
            single_connection_client=kind == "single",
        )
        if kind in ("pipeline", "transaction"):
            return client.pipeline(transaction=kind == "transaction").get("k").execute()[0]
        return client.get("k")

    with fakeredis.patch(names=names) as fake:
        fake.fail_next(error, "GET", times=2)
        with pytest.raises(errors[error in LATE]):
            get(0)
        fake.reset_faults()
        fake.fail_next(error, "GET", times=2)
        assert get(2) is None
        fake.assert_faults_used()


@pytest.mark.parametrize("error", [*LOST, *LATE], ids=repr)
async def test_a_sockets_error_is_redis_pys_in_asyncio(error: Any, names: bool) -> None:
    with fakeredis.patch(names=names) as fake:
        client = redis.asyncio.Redis(retry=AsyncRetry(NoBackoff(), 0))
        await client.ping()
        fake.fail_next(error, "GET")
        with pytest.raises(redis.TimeoutError if error in LATE else redis.ConnectionError) as told:
            await client.get("k")
        assert told.value.__cause__ is not None
        assert await client.get("k") is None
        fake.fail_next(error, "GET")
        errors: Any = [redis.ConnectionError, redis.TimeoutError]
        again = redis.asyncio.Redis(retry=AsyncRetry(NoBackoff(), 1), retry_on_error=errors)
        assert await again.get("k") is None


def test_the_error_tells_what_the_socket_told(fake: fakeredis.patch) -> None:
    client = redis.Redis(retry=Retry(NoBackoff(), 0))
    fake.fail_next(BrokenPipeError(32, "Broken pipe"), "GET")
    with pytest.raises(redis.ConnectionError, match=r"Error 32 while writing to socket. Broken"):
        client.get("k")
