"""String commands: replies, states and events as the real server's."""

from __future__ import annotations

from typing import Any

import pytest

from tests.commands.scripts import play, play_with_events
from tests.support.twin import Twin

SETUP = """
    SET s hello
    SET n 10
    SET f 3.0e3
    SET raw ab
    APPEND raw cd
    RPUSH l x
    SET ttl v EX 1000
"""
KEYS = ("s", "n", "f", "raw", "l", "ttl", "missing")
FAR = 10**13  # milliseconds since the epoch


@pytest.mark.parametrize(
    "call",
    [
        "GET {}", "STRLEN {}", "GETDEL {}", "INCR {}", "DECR {}", "SETNX {} v", "GETSET {} v",
        "GETEX {}", "GETEX {} PERSIST", "GETEX {} PERSIST persist", "GETEX {} EX 100",
        f"GETEX {{}} PXAT {FAR}", "GETEX {} EX 0", "GETEX {} EX a", "GETEX {} EX 10 PX 10",
        "GETEX {} EX 10 ex 20", "GETEX {} EX", "GETEX {} KEEPTTL", "GETEX {} EXAT 1",
        "GETEX {} EX 10 PERSIST", "GETEX {} PX 9223372036854775807",
        "MGET {} s {} missing l", "MSET {} 1 other 2 {} 3", "MSET {} 1 other",
        "MSETNX {} 1 other 2",
        "MSETNX new 1 other 2 new 3", "MSETNX {} 1 other",
        "APPEND {} tail", "APPEND {} ''", "APPEND {} 5",
        "INCRBY {} 5", "INCRBY {} -11", "INCRBY {} x", "INCRBY {} 9223372036854775807",
        "INCRBY {} 9223372036854775808", "DECRBY {} 5", "DECRBY {} -9223372036854775808",
        "DECRBY {} 9223372036854775807",
        "INCRBYFLOAT {} 0.7", "INCRBYFLOAT {} -1.25e1", "INCRBYFLOAT {} inf", "INCRBYFLOAT {} nan",
        "INCRBYFLOAT {} x", "INCRBYFLOAT {} ' 1.5'", "INCRBYFLOAT {} 1e-5",
        "SETRANGE {} 2 XY", "SETRANGE {} 7 XY", "SETRANGE {} -1 x", "SETRANGE {} 0 ''",
        "SETRANGE {} x y", "SETRANGE {} 536870912 x", "SETRANGE {} 9223372036854775807 x",
        "SETRANGE {} 536870912 ''",
        "SETEX {} 100 v", "SETEX {} 0 v", "SETEX {} x v", "SETEX {} 9223372036854775807 v",
        "PSETEX {} 100000 v", "PSETEX {} -1 v", "PSETEX {} 9223372036854775807 v",
    ],
)
def test_every_kind_of_key(twin: Twin, call: str) -> None:
    for key in KEYS:
        play(twin, "FLUSHALL" + SETUP)
        play(twin, call.replace("{}", key))
        twin.check_state()


@pytest.mark.parametrize(("start", "end"), [
    ("0", "-1"), ("1", "3"), ("-3", "-2"), ("-2", "-3"), ("3", "1"), ("0", "-100"), ("-100", "2"),
    ("2", "100"), ("100", "200"), ("-1", "0"), ("0", "9223372036854775807"),
    ("-9223372036854775808", "9223372036854775807"), ("x", "1"), ("1", "x"),
])
def test_getrange(twin: Twin, start: str, end: str) -> None:
    play(twin, SETUP)
    for key in KEYS:
        twin("GETRANGE", key, start, end)
        twin("SUBSTR", key, start, end)


@pytest.mark.parametrize("options", [
    "NX", "xx", "NX XX", "NX NX", "GET", "GET GET", "NX GET", "XX GET", "GET XX EX 100",
    "EX 100", "PX 100000", f"PXAT {FAR}", f"EXAT {FAR // 1000}", "KEEPTTL", "keepttl GET",
    "EX 10 PX 10", "EX 10 EX 20", "EX 0 EX 20", "EX 10 KEEPTTL", "KEEPTTL KEEPTTL", "EX", "EX 0",
    "EX -1", "EX x", "EX 1.5", "PX 0", "EXAT 0", "PXAT -1", "EX 9223372036854775807",
    "EX 9223372036854775", "PX 9223372036854775807", "PXAT 9223372036854775807",
    "NX EX 100", "XX PX 100000", "NX KEEPTTL", "PERSIST", "FOO", "EX 0 FOO", "EX 0 GET",
    "NX EX 0", "XX KEEPTTL GET", "''",
])
def test_set(twin: Twin, options: str) -> None:
    for key in ("s", "ttl", "l", "missing"):
        play(twin, "FLUSHALL" + SETUP)
        play(twin, f"SET {key} value {options}")
        play(twin, f"SET {key} value {options}")
        twin.check_state()


def test_deadlines(twin: Twin) -> None:
    """What keeps a key's deadline and what ends it; the state is compared at the end."""
    for number, change in enumerate([
        "SET {} v", "SET {} v KEEPTTL", "SET {} v XX", "GETSET {} v", "SETRANGE {} 0 v",
        "APPEND {} v", "INCR {}", "INCRBYFLOAT {} 1.5", "MSET {} v", "MSETNX {} v", "SETNX {} v",
        "GETEX {}", "GETEX {} PERSIST", "SETBIT {} 0 1", "BITFIELD {} SET u8 0 1",
        "BITOP NOT {} {}",
    ]):
        twin("SET", f"k{number}", 1, "EX", 1000)
        play(twin, change.replace("{}", f"k{number}"))


def test_expired_keys(twin: Twin) -> None:
    """A deadline in the past is taken; the key is gone at the next look."""
    for option in ("EXAT", "PXAT"):
        for change in ("GET", "INCR", "STRLEN", "GETDEL", "GETEX", "MGET"):
            twin("SET", "k", "v", option, 1)
            twin(change, "k")
        for change in ("APPEND", "SETNX", "GETSET", "SETRANGE 0", "SET KEEPTTL", "MSETNX"):
            name, *more = change.split()
            twin("SET", "k", "v", option, 1)
            play(twin, f"{name} k {'0' if name == 'SETRANGE' else ''} 5 "
                       f"{'KEEPTTL' if 'KEEPTTL' in more else ''}")
        twin("DEL", "k")


def test_numbers(twin: Twin) -> None:
    for text in (
        "9223372036854775806", "-9223372036854775808", "9223372036854775808", "007", "+5", " 5",
        "5 ", "", "-0", "1e3", "0x10", "1.0", "99999999999999999999", "3.0e3", "-1.5", "inf",
        "nan", "1e4932", "1e5000", "123456789012345678.25", "0.1", "1e-20",
    ):
        for change in (
            ("INCR",), ("INCRBY", 2), ("DECRBY", 1), ("INCRBYFLOAT", "0.1"),
            ("INCRBYFLOAT", "-2e-3"),
        ):
            twin("SET", "k", text)
            twin(change[0], "k", *change[1:])
    twin("DEL", "k")


def test_encodings(twin: Twin) -> None:
    """A string changed in place is raw whatever its size; twin compares encodings at the end."""
    play(twin, """
        APPEND new 10
        APPEND again 10
        APPEND again ''
        SET int 12345
        SET short abc
        SETRANGE short 0 ''
        SET raw abc
        SETRANGE raw 0 x
        SET counted 1
        APPEND counted 2
        INCR counted
        SET float 1
        INCRBYFLOAT float 0.5
        SET copied 123
        APPEND copied 4
        GETSET copied 5
        SETRANGE made 0 12
        MSET a 1 b text
        SETRANGE zeros 3 x
    """)
    twin("SET", "long", "x" * 45)
    twin("SET", "embedded", "x" * 44)
    for key in ("again", "raw", "zeros", "copied"):
        twin("GET", key)
        twin("MGET", key, "missing")


@pytest.mark.parametrize(("a", "b"), [
    ("ohmytext", "mynewtext"), ("", ""), ("", "x"), ("same", "same"), ("abc", "xyz"),
    ("abcabcabc", "cbacba"), ("aaaa", "aa"), ("xaxbxc", "abc"), ("rotor", "otor-otor"),
])
def test_lcs(twin: Twin, a: str, b: str) -> None:
    twin("MSET", "a", a, "b", b)
    twin("RPUSH", "l", "x")
    for options in (
        "", "LEN", "IDX", "IDX WITHMATCHLEN", "IDX MINMATCHLEN 2", "WITHMATCHLEN", "idx LEN",
        "IDX MINMATCHLEN 4 WITHMATCHLEN", "MINMATCHLEN", "MINMATCHLEN x", "IDX MINMATCHLEN -1",
        "IDX IDX", "FOO", "LEN MINMATCHLEN 3",
    ):
        play(twin, f"LCS a b {options}")
        play(twin, f"LCS a missing {options}")
        play(twin, f"LCS a l {options}")


def test_events(twin: Twin) -> None:
    assert play_with_events(twin, """
        SET k v
        SET k v NX
        SET k v XX GET EX 100
        SET k v KEEPTTL
        GETEX k PERSIST
        GETEX k PERSIST
        GETEX k EX 100
        GETEX k EXAT 1
        SETEX k 100 v
        GETDEL k
        GETDEL k
        GETSET k v
        SETNX k v
        SETNX k2 v
        MSET a 1 b 2 a 3
        MSETNX c 1 d 2 c 5
        MSETNX c 1 e 2
        APPEND k x
        APPEND k ''
        APPEND nn ''
        SETRANGE k 0 ''
        SETRANGE k 0 v
        SETRANGE k 10 v
        INCR a
        DECR a
        INCRBY a 0
        INCR k
        INCRBYFLOAT a 1.5
    """) > 40


def test_in_a_transaction(twin: Twin) -> None:
    play(twin, """
        RPUSH l x
        MULTI
        SET k 1
        INCR k
        MSET a 1 b
        GET l
        LCS k k IDX
        GETEX k EX 0
        SET k v EX 10 PX 10
        EXEC
        MULTI
        SET k
        EXEC
        WATCH k
        SETRANGE k 0 ''
        MULTI
        EXEC
        WATCH k
        APPEND k ''
        MULTI
        EXEC
    """)


def test_longest_string(twin: Twin) -> None:
    """The limit is a setting."""
    play(twin, """
        CONFIG SET proto-max-bulk-len 1mb
        SETRANGE k 1048575 x
        APPEND k x
        SETRANGE k 1048576 x
        SETRANGE k 1048576 ''
        SETRANGE k 1048575 xy
        SETBIT k 8388608 1
        SETBIT k 8388607 1
        GETBIT k 8388608
        BITFIELD k GET u8 8388608
        STRLEN k
        DEL k
    """)


def test_through_the_client(r: Any) -> None:
    """redis-py's own conversions fit the replies of both protocols."""
    assert r.set("k", "ohmytext", ex=100) is True
    assert r.set("k", "v", nx=True) is None
    assert r.set("k", "ohmytext", get=True, keepttl=True) == b"ohmytext"
    assert r.mset({"a": 1, "b": "mynewtext"}) is True
    assert r.msetnx({"a": 1, "c": 2}) is False
    assert r.lcs("k", "b") == b"mytext"
    assert r.lcs("k", "b", len=True) == 6
    found = r.lcs("k", "b", idx=True, minmatchlen=3, withmatchlen=True)
    assert found in (
        [b"matches", [[[4, 7], [5, 8], 4]], b"len", 6],
        {b"matches": [[[4, 7], [5, 8], 4]], b"len": 6},
    )
    assert r.incrbyfloat("a", 0.25) == 1.25
    assert r.append("a", "0") == 5
    assert r.get("a") == b"1.250"
    assert r.getrange("a", 0, 2) == b"1.2"
    assert r.mget("a", "missing") == [b"1.250", None]
    assert r.setrange("a", 5, "x") == 6
    assert r.setbit("bits", 7, 1) == 0
    assert r.execute_command("BITFIELD", "bits", "INCRBY", "u8", 0, 255) == [0]
    assert r.getdel("k") == b"ohmytext"
