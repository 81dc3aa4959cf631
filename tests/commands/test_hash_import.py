"""HIMPORT of Redis 8.10, of which there is no server to compare with.

What is expected follows the command's public pages (redis.io/docs/latest/commands/himport) and what
redis-py sends and waits for.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import redis

import fakeredis
from tests.commands.playing import words
from tests.support.engines import Server
from tests.support.redis_py import needs
from tests.support.twin import fake_reply

known = needs("himport")
quiet = pytest.mark.filterwarnings("ignore:.*experimental:UserWarning")


def play(session: Any, script: str) -> list[Any]:
    lines = [line.strip() for line in script.strip().splitlines()]
    return [fake_reply(session, words(line)) for line in lines]


def test_older_servers_do_not_know_it() -> None:
    reply = play(Server("8.8").session(), "HIMPORT PREPARE f a")[0]
    assert str(reply).startswith("ERR unknown command 'HIMPORT'")


def test_what_is_prepared_belongs_to_the_connection() -> None:
    server = Server("8.10")
    one, other = server.session(), server.session()
    assert play(one, "HIMPORT PREPARE u name age\nHIMPORT SET k u Ada 36") == [b"OK", b"OK"]
    assert str(play(other, "HIMPORT SET k u Ada 36")[0]) == "ERR no such fieldset"
    assert play(one, "HGETALL k")[0] == [b"age", b"36", b"name", b"Ada"]
    assert play(one, "HGET k age\nHIMPORT DISCARD u\nHIMPORT DISCARD u") == [b"36", 1, 0]
    play(one, "HIMPORT PREPARE a x\nHIMPORT PREPARE b y\nHIMPORT PREPARE b z")
    assert play(one, "HIMPORT DISCARDALL\nHIMPORT DISCARDALL") == [2, 0]
    replies = play(one, "HIMPORT PREPARE u a\nRESET\nHIMPORT SET k u 1")
    assert str(replies[-1]) == "ERR no such fieldset"


def test_a_hash_is_replaced_and_nothing_else() -> None:
    session = Server("8.10").session()
    replies = play(
        session,
        """
        HIMPORT PREPARE u a b
        HSET k old 1
        EXPIRE k 100
        HIMPORT SET k u 1 2
        HKEYS k
        TTL k
        SET s 1
        HIMPORT SET s u 1 2
        GET s
        """,
    )
    assert replies[3:7] == [b"OK", [b"a", b"b"], -1, b"OK"]
    assert str(replies[7]).startswith("WRONGTYPE")
    assert replies[8] == b"1"


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("HIMPORT", "ERR wrong number of arguments for 'himport' command"),
        ("HIMPORT PREPARE u", "ERR wrong number of arguments for 'himport|prepare' command"),
        ("HIMPORT SET k u", "ERR wrong number of arguments for 'himport|set' command"),
        ("HIMPORT DISCARDALL x", "ERR wrong number of arguments for 'himport|discardall' command"),
        ("HIMPORT FOO", "ERR unknown subcommand 'FOO'. Try HIMPORT HELP."),
        ("HIMPORT PREPARE u a b a", "ERR duplicate field name in fieldset"),
        ("HIMPORT SET k f 1", "ERR value count does not match fieldset field count"),
        ("HIMPORT SET k f 1 2 3", "ERR value count does not match fieldset field count"),
        ("HIMPORT SET k none 1", "ERR no such fieldset"),
    ],
)
def test_errors(call: str, error: str) -> None:
    session = Server("8.10").session()
    assert str(play(session, f"HIMPORT PREPARE f a b\n{call}")[1]) == error


def test_in_transactions_and_scripts() -> None:
    """In a transaction it is the connection's; each run of a script has its own."""
    session = Server("8.10").session()
    both = "redis.call('HIMPORT','PREPARE','s','a') return redis.call(unpack(ARGV))"
    replies = play(
        session,
        f"""
        MULTI
        HIMPORT PREPARE u a
        HIMPORT SET k u 1
        EXEC
        HIMPORT SET k2 u 2
        EVAL "{both}" 0 HIMPORT SET k s 9
        EVAL "return redis.call('HIMPORT','SET','k','s','9')" 0
        HGET k a
        """,
    )
    assert replies[3:6] == [[b"OK", b"OK"], b"OK", b"OK"]
    assert "no such fieldset" in str(replies[6])
    assert replies[7] == b"9"


@known
@quiet
def test_redis_py() -> None:
    """It prepares on each connection when it is needed, and again after a loss."""
    client: Any = fakeredis.FakeServer(version="8.10").client(decode_responses=True)
    client.himport_prepare("u", ["name", "age"])
    assert client.himport_set("h:1", "u", ["Ada", "36"]) is True
    assert client.hgetall("h:1") == {"name": "Ada", "age": "36"}
    with client.pipeline() as pipe:
        pipe.himport_set("h:2", "u", ["Bob", "1"]).hget("h:2", "name")
        assert pipe.execute() == [True, "Bob"]
    client.himport_prepare("u", ["city"])
    assert client.himport_set("h:1", "u", ["Oslo"])
    assert client.hkeys("h:1") == ["city"]
    assert client.himport_discard("u") == 1
    with pytest.raises(redis.ResponseError, match="no such fieldset"):
        client.himport_set("h:1", "u", ["Oslo"])


@known
@quiet
def test_asynchronous() -> None:
    async def main() -> None:
        client: Any = fakeredis.FakeAsyncRedis(version="8.10", decode_responses=True)
        await client.himport_prepare("u", ["name"])
        assert await client.himport_set("h", "u", ["Ada"])
        assert await client.hgetall("h") == {"name": "Ada"}
        await client.aclose()

    asyncio.run(main())


def test_the_order_of_fields_and_of_checks() -> None:
    session = Server("8.10").session()
    play(session, "HIMPORT PREPARE u bb aa c\nHIMPORT SET k u 1 2 3\nSET s v")
    assert play(session, "HGETALL k")[0] == [b"c", b"3", b"aa", b"2", b"bb", b"1"]
    assert str(play(session, "HIMPORT SET s nothing 1")[0]).startswith("WRONGTYPE")
