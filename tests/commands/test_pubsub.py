"""Publishing and subscribing, against the real server."""

from __future__ import annotations

from typing import Any

import pytest

from tests.commands.playing import play_with_events


def test_channels(twin: Any) -> None:
    listener = twin.session()
    listener("SUBSCRIBE", "a", "b", "a")
    listener.replies(3)
    twin("PUBLISH", "a", "hi")
    twin("PUBLISH", "nobody", "hi")
    twin("PUBLISH", b"b", b"\xff\x00")
    listener.replies(2)
    twin("PUBSUB", "NUMSUB", "a", "b", "c")
    twin.unordered("PUBSUB", "CHANNELS")
    twin("PUBSUB", "CHANNELS", "[a]*")
    listener("UNSUBSCRIBE", "a", "nosuch")
    listener.replies(2)
    twin("PUBLISH", "a", "hi")
    listener("UNSUBSCRIBE")
    listener("UNSUBSCRIBE")
    listener.replies(2)
    twin("PUBSUB", "CHANNELS")
    listener("PING")
    listener.silent()


def test_patterns(twin: Any) -> None:
    listener, other = twin.session(), twin.session()
    listener("PSUBSCRIBE", "n*", "n?w", "n*")
    listener.replies(3)
    other("PSUBSCRIBE", "n*")
    other.replies(1)
    listener("SUBSCRIBE", "new")
    listener.reply()
    twin("PUBLISH", "new", "x")
    listener.reply()
    other.reply()
    fakes = [listener.fake.outbox.popleft() for _ in range(2)]
    reals = [(listener.wire.pushes or [listener.wire.read_any()]).pop(0) for _ in range(2)]
    assert sorted(fakes) == sorted(reals)  # the server's order of patterns is none
    twin("PUBSUB", "NUMPAT")
    twin("PUBSUB", "NUMSUB", "new")
    listener("PUNSUBSCRIBE", "n?w")
    listener.reply()
    listener("PUNSUBSCRIBE")
    listener.reply()
    listener("PUNSUBSCRIBE", "nosuch")
    listener.reply()
    twin("PUBSUB", "NUMPAT")


def test_shard_channels(twin: Any) -> None:
    listener = twin.session()
    listener("SSUBSCRIBE", "s1", "s2", "s1")
    listener.replies(3)
    twin("SPUBLISH", "s1", "x")
    twin("PUBLISH", "s1", "x")
    listener.reply()
    twin.unordered("PUBSUB", "SHARDCHANNELS")
    twin("PUBSUB", "SHARDCHANNELS", "*2")
    twin("PUBSUB", "SHARDNUMSUB", "s1", "s3")
    twin("PUBSUB", "CHANNELS")
    listener("SUNSUBSCRIBE", "x", "s1")
    listener.replies(2)
    listener("SUNSUBSCRIBE")
    listener("SUNSUBSCRIBE")
    listener.replies(2)
    listener("PING")


@pytest.mark.parametrize(
    "words",
    ["PING", "PING x", "PING x y", "GET k", "GET", "NOSUCH", "CLIENT", "CLIENT ID", "CLIENT NOSUCH",
     "MULTI", "EXEC", "HELLO 3", "SUBSCRIBE", "PUBLISH a b", "PUBSUB CHANNELS", "SELECT 1",
     "AUTH x", "RESET"],
)
@pytest.mark.parametrize("start", ["SUBSCRIBE a", "PSUBSCRIBE a", "SSUBSCRIBE a"])
def test_what_subscribers_may_do(twin: Any, start: str, words: str) -> None:
    if words in ("CLIENT ID", "HELLO 3") and twin.resp3:
        pytest.skip("the replies hold numbers of the session")
    twin(*start.split())
    twin.reply()
    twin(*words.split())
    twin("PING")


def test_protocols_and_subscriber_mode(twin: Any) -> None:
    twin("SUBSCRIBE", "a")
    twin.reply()
    if twin.resp3:
        twin.same_shape("HELLO", 2)
        twin("GET", "k")
    twin("UNSUBSCRIBE")
    twin.reply()
    twin("GET", "k")


def test_in_a_transaction(twin: Any) -> None:
    twin("MULTI")
    twin("SUBSCRIBE", "a")
    twin("PING")
    twin("PUBLISH", "a", "x")
    twin("EXEC")
    twin.reply()


def test_more_replies_than_commands(twin: Any) -> None:
    twin("MULTI")
    twin("SUBSCRIBE", "a", "b")
    twin("PING", "x")
    twin("UNSUBSCRIBE", "a")
    twin("EXEC")
    twin.replies(2)


def test_own_messages(twin: Any) -> None:
    if not twin.resp3:
        pytest.skip("RESP2 subscribers may not publish")
    twin("SUBSCRIBE", "a")
    twin.reply()
    twin("PUBLISH", "a", "1")
    twin.reply()
    twin("RESET")
    twin("PUBLISH", "a", "1")


@pytest.mark.parametrize(
    "words",
    ["PUBSUB CHANNELS a b", "PUBSUB SHARDCHANNELS a b", "PUBSUB NUMPAT x", "PUBSUB",
     "PUBSUB NOSUCH",
     "PUBSUB NUMSUB", "PUBSUB SHARDNUMSUB", "PUBLISH a", "SPUBLISH a", "PUBLISH a b c"],
)
def test_bad_calls(twin: Any, words: str) -> None:
    twin(*words.split())


EVENTS = [
    ("KEA", ["SET k v", "SET k v EX 100", "DEL k", "APPEND k x", "INCR n", "EXPIRE n 100",
             "PERSIST n", "GETSET n 1", "SETEX n 10 v", "GETDEL n"]),
    ("K$", ["SET k v", "DEL k"]),
    ("Eg", ["SET k v", "DEL k"]),
    ("KEm", ["GET nosuch", "SET k v"]),
    ("KEn", ["SET k v", "SET k w"]),
    ("KEA", ["LPUSH l a b", "RPOP l", "LPOP l", "LPOP l", "SADD s a", "SREM s a", "HSET h f v",
             "HDEL h f", "ZADD z 1 a", "ZINCRBY z 1 a", "ZREM z a"]),
    ("KEA", ["SET a 1", "RENAME a b", "COPY b c", "MSET x 1 y 2", "SETRANGE r 0 abc",
             "EXPIRE b -1", "PEXPIRE c 100000"]),
    ("A", ["SET k v"]),
    ("", ["SET k v"]),
]


@pytest.mark.parametrize(("flags", "commands"), EVENTS)
def test_keyspace_events(twin: Any, flags: str, commands: list[str]) -> None:
    twin("CONFIG", "SET", "notify-keyspace-events", flags)
    listener = twin.session()
    listener("PSUBSCRIBE", "__key*__:*")
    listener.reply()
    for command in commands:
        twin(*command.split())
        while listener.fake.outbox:
            listener.reply()
        listener.silent()
    twin("CONFIG", "SET", "notify-keyspace-events", "")


OVERWRITING = """
SET k v
SET k v2
SET k v EX 100
SET k v2 KEEPTTL
SET k v XX GET
RPUSH l a
SET l b EX 10
GETSET k x
SETEX k 10 v
MSET k 1 b 2 n 1 n 2
MSETNX k 1 m 2
RPUSH l2 a
RENAME l2 l
SET q 1
RENAME l q
RENAMENX q q2
COPY q2 k
COPY q2 k REPLACE
SELECT 1
SET q 1
SELECT 0
MOVE q2 1
COPY k q DB 1 REPLACE
SADD s 1
SUNIONSTORE k s
SINTERSTORE k nokey
SUNIONSTORE k s
SORT s STORE k
SORT nokey STORE k
ZADD z 1 a
SET k x
ZRANGESTORE k z 0 -1
ZUNIONSTORE k 1 z
GEOADD g 1 1 a
SET b x
GEOSEARCHSTORE b g FROMLONLAT 1 1 BYRADIUS 1 km
SET b x
BITOP NOT k b
SETBIT k 1 1
APPEND k 1
SETRANGE k 0 x
PFADD h 1
PFMERGE h h
SET n 1
INCR n
HSET n2 a 1
SET n2 x
MULTI
SET k 1
RENAME k n2
EXEC
EVAL "redis.call('rpush','j','1') return redis.call('set','j','1')" 0
"""


@pytest.mark.parametrize("classes", ["E$oc", "EAnocm", "E$c"])
def test_keys_that_are_overwritten(twin: Any, classes: str) -> None:
    twin("SADD", "s", "1")
    payload = "".join(f"\\x{byte:02x}" for byte in twin.wire.call(b"DUMP", b"s"))
    restore = f'RESTORE k 0 "{payload}" REPLACE\nRESTORE k 0 "{payload}" REPLACE'
    play_with_events(twin, f"{OVERWRITING}\n{restore}", classes)


def test_older_servers_have_no_events_of_overwriting() -> None:
    from fakeredis.errors import CommandError
    from tests.support.engines import Server

    session = Server(version="8.0").session()
    with pytest.raises(CommandError, match="Invalid event class"):
        session.execute([b"CONFIG", b"SET", b"notify-keyspace-events", b"Ko"])


@pytest.mark.parametrize("pattern", ["*", "**", "", "?", "[^a]"])
def test_empty_names(twin: Any, pattern: str) -> None:
    """No star matches a channel without a name; among keys and fields a single one does."""
    other = twin.session()
    other("PSUBSCRIBE", pattern)
    other.reply()
    twin("PUBLISH", "", "x")
    if pattern == "":
        other.reply()
    other("SUBSCRIBE", "")
    other.reply()
    twin("PUBSUB", "CHANNELS", pattern)
    twin("SET", "", "1")
    twin("HSET", "h", "", "1")
    twin("SADD", "s", "")
    twin("ZADD", "z", "1", "")
    twin.unordered("KEYS", pattern)
    twin.unordered("SCAN", 0, "MATCH", pattern)
    for call in ("HSCAN h", "SSCAN s", "ZSCAN z"):
        twin(*call.split(), 0, "MATCH", pattern)


def test_patterns_of_many_stars(twin: Any) -> None:
    """Beyond a thousand they match nothing."""
    twin("SET", "x" * 1500, "1")
    for count in (999, 1000, 1001, 1002):
        for pattern in ("*x" * count, "*x" * count + "*", "**x" * count, "x" + "*x" * count):
            twin("KEYS", pattern)
