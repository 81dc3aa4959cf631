"""Encodings that a value keeps: what it was once, and what a command had words for."""

from __future__ import annotations

import pytest

from tests.support.twin import Twin

LONG = "q" * 65


def play(twin: Twin, key: str, calls: list[list[object]]) -> None:
    """Send commands about a key, and look at its encoding after each."""
    for call in calls:
        twin(*call)
        twin("OBJECT", "ENCODING", key)
    twin("COPY", key, "a copy")
    if twin("EXISTS", key):
        twin("RESTORE", "again", 0, twin.wire.call(b"DUMP", key.encode()))
        twin("OBJECT", "ENCODING", "again")


@pytest.mark.parametrize("calls", [
    [["ZADD", "k", *[1, "x"] * 129]], [["ZADD", "k", *[1, "x"] * 128]],
    [["ZADD", "k", 1, "x"], ["ZADD", "k", *[1, "x"] * 129]],
    [["ZADD", "k", 1, "x"], ["ZADD", "k", "XX", *[1, "x"] * 129]],
    [["ZADD", "k", 1, "x"], ["ZADD", "k", "XX", 1, LONG]],
    [["ZADD", "k", 1, "x"], ["ZADD", "k", "INCR", 1, LONG], ["ZREM", "k", LONG]],
    [["ZADD", "k", *[1, "x"] * 127, 2, LONG], ["ZREM", "k", LONG]],
    [["HSET", "k", *["a", 1] * 513]], [["HSET", "k", *["a", 1] * 512]],
    [["HSET", "k", "a", 1], ["HSET", "k", *["a", 1] * 512], ["HSET", "k", *["a", 1] * 513]],
    [["HSET", "k", "a", LONG, "a", "s"]], [["HMSET", "k", *["a", 1] * 513]],
    [["HSETEX", "k", "FIELDS", 513, *["a", 1] * 513]],
    [["HSETEX", "k", "FIELDS", 2, "a", LONG, "a", "s"]],
    [["HSET", "k", *(f"f{number // 2}" for number in range(1026))],
     ["HDEL", "k", *(f"f{number}" for number in range(510))]],
])
def test_words_count(twin: Twin, calls: list[list[object]]) -> None:
    play(twin, "k", calls)


@pytest.mark.parametrize("script", [
    "HSET k a 1 b 2 c 3 d 4 e 5|HDEL k a b c d", "HSET k a 1 b 2 c 3 d 4|HSET k e 5|HDEL k a b",
    "HSET k a 12345|HSET k a 1", "HSET k abcde 1 b 2|HDEL k abcde", "HSET k a 1 b 12345|HDEL k b",
    "HSET k a 999|HINCRBY k a 90000|HSET k a 1", "HSET k a 999|HINCRBYFLOAT k a 0.55|HSET k a 1",
    "HSETNX k a 12345|HSET k a 1", "HSETEX k EX 100 FIELDS 1 a 12345|HSET k a 1",
    "ZADD k 1 a 2 b 3 c 4 d 5 e|ZREM k a b c", "ZADD k 1 a 2 b 3 c 4 d|ZADD k 4 e|ZREM k a b",
    "ZADD k 1 a 1 a 1 a 1 a 1 a", "ZINCRBY k 1 abcde|ZADD k 1 a|ZREM k abcde",
    "ZADD k 1 abcde 2 b|ZPOPMIN k", "RPUSH k a b c d|LSET k 0 x", "RPUSH k a b c d|LSET k 9 x",
    "RPUSH k a b c d|LINSERT k BEFORE z q", "RPUSH k a b c|LINSERT k BEFORE z q",
    "RPUSH k a b c d e|RPOP k 2|RPOP k", "RPUSH k a b c d e|LTRIM k 0 2|LTRIM k 0 1",
    "RPUSH k a b c d e|LREM k 1 a|LREM k 1 b", "RPUSH k a b c d|LSET k 0 x|LPOP k|LPOP k",
])
def test_no_way_back(twin: Twin, script: str) -> None:
    """Also when the limits are low, and when they are raised later."""
    limits = ("hash-max-listpack-entries", "hash-max-listpack-value", "zset-max-listpack-entries",
              "zset-max-listpack-value", "list-max-listpack-size")
    for name in limits:
        twin("CONFIG", "SET", name, 4)
    play(twin, "k", [list(line.split()) for line in script.split("|")])
    for name in limits[:4]:
        twin("CONFIG", "SET", name, 64)
    twin("OBJECT", "ENCODING", "k")


HASH = "HSET k a 1 b 2 c 3 d 4"
SORTED_SET = "ZADD k 1 a 2 b 3 c 4 d"
LOWERED = [
    *((f"{one}|{then}|OBJECT ENCODING k|HSET k a 1|HDEL k a", limit)
      for one in (HASH, "HSET k a 1 b xxxxxxxxxx", f"{HASH}|HEXPIRE k 100 FIELDS 1 a")
      for limit in ("hash-max-listpack-entries 2", "hash-max-listpack-value 3")
      for then in (
          "GET x", "HSET k a 9", "HSET k e 5", "HDEL k a", "HDEL k a b c", "HINCRBY k a 1",
          "HINCRBYFLOAT k e 1", "HSETNX k a 1", "HSETNX k e 1", "HEXPIRE k 100 FIELDS 1 b",
          "HSETEX k FIELDS 1 a 3", "HSETEX k FXX FIELDS 1 z 1", "HGETDEL k FIELDS 1 a",
          "HGETEX k EX 10 FIELDS 1 a", "HSET k e xxxxxxxxxx", "HSET k a 1 b 2 c 3",
          "HRANDFIELD k 9", "COPY k j|COPY j k REPLACE", "RENAME k j|RENAME j k",
      )),
    *((f"{one}|{then}|OBJECT ENCODING k|ZADD k 1 a|ZREM k a", limit)
      for one in (SORTED_SET, "ZADD k 1 a 2 bxxxxxxxxxx")
      for limit in ("zset-max-listpack-entries 2", "zset-max-listpack-value 3")
      for then in (
          "GET x", "ZADD k 9 a", "ZADD k 9 e", "ZREM k a", "ZREM k a b c", "ZINCRBY k 1 a",
          "ZINCRBY k 1 e", "ZADD k XX 1 q", "ZADD k 1 a 2 b 3 c", "ZPOPMIN k", "ZUNIONSTORE k 1 k",
          "ZADD k 1 xxxxxxxxxx", "ZADD k XX 1 xxxxxxxxxx", "GEOADD k 1 1 a", "GEOADD k 1 1 e",
          "COPY k j|COPY j k REPLACE",
      )),
    *((f"{one}|{then}", limit)
      for one in ("SADD k a b c d", "SADD k 1 2 3 4", "SADD k 1 2 3 4|SADD j 1 2 3 4 a b")
      for limit in ("set-max-listpack-entries 2", "set-max-intset-entries 2")
      for then in ("SADD k a", "SADD k z", "SADD k 9", "SREM k a", "SINTERSTORE k k",
                   "SUNIONSTORE k k", "SINTERSTORE k k j", "SINTERSTORE k j")),
]


@pytest.mark.parametrize(("script", "limit"), LOWERED)
def test_limits_that_are_lowered(twin: Twin, script: str, limit: str) -> None:
    """They hold for what is written after that, even when they are raised again."""
    made, *then = script.split("|")
    play(twin, "k", [made.split()])
    name = limit.split()[0]
    twin("CONFIG", "SET", *limit.split())
    twin("OBJECT", "ENCODING", "k")
    play(twin, "k", [line.split() for line in then])
    twin("CONFIG", "SET", name, 128)
    play(twin, "k", [made.split()])


def test_limits_that_are_raised(twin: Twin) -> None:
    twin("CONFIG", "SET", "hash-max-listpack-entries", 4)
    twin("CONFIG", "SET", "zset-max-listpack-entries", 4)
    twin("HSET", "h", *"abcdefghij")
    twin("ZADD", "z", *"1a2b3c4d5e")
    for name in ("hash-max-listpack-entries", "zset-max-listpack-entries"):
        twin("CONFIG", "SET", name, 128)
    twin("OBJECT", "ENCODING", "h")
    twin("OBJECT", "ENCODING", "z")
