"""Bitmap commands: replies, states and events as the real server's."""

from __future__ import annotations

import random

import pytest

from tests.commands.scripts import play, play_with_events
from tests.support.twin import Twin

SETUP = r"""
    SET bits '\x00\xff\x0f\x80'
    SET full '\xff\xff\xff'
    SET zero '\x00\x00\x00'
    SET n 12
    SET empty ''
    SET ttl foobar EX 1000
    RPUSH l x
"""
KEYS = ("bits", "full", "zero", "n", "empty", "ttl", "l", "missing")


@pytest.mark.parametrize(
    "call",
    [
        "SETBIT {} 0 1", "SETBIT {} 0 0", "SETBIT {} 9 0", "SETBIT {} 100 0", "SETBIT {} 100 1",
        "SETBIT {} -1 1", "SETBIT {} x 1", "SETBIT {} 0 2", "SETBIT {} 0 x", "SETBIT {} x 2",
        "SETBIT {} 4294967296 1", "SETBIT {} 01 1", "SETBIT {} #1 1", "SETBIT {} 0 01",
        "GETBIT {} 0", "GETBIT {} 12", "GETBIT {} 4294967295", "GETBIT {} 4294967296",
        "GETBIT {} -1", "GETBIT {} x",
        "BITCOUNT {}", "BITCOUNT {} 0", "BITCOUNT {} 0 -1", "BITCOUNT {} 1 2", "BITCOUNT {} 2 1",
        "BITCOUNT {} -2 -1", "BITCOUNT {} -1 -2", "BITCOUNT {} -100 100", "BITCOUNT {} x 1",
        "BITCOUNT {} 0 x", "BITCOUNT {} 0 -1 BYTE", "BITCOUNT {} 3 12 BIT", "BITCOUNT {} -9 -3 bit",
        "BITCOUNT {} 0 -1 FOO", "BITCOUNT {} x 1 FOO", "BITCOUNT {} 0 1 BIT x",
        "BITCOUNT {} 100 200", "BITCOUNT {} 0 9223372036854775807 BIT",
        "BITPOS {} 0", "BITPOS {} 1", "BITPOS {} 2", "BITPOS {} x", "BITPOS {} 1 1",
        "BITPOS {} 0 1",
        "BITPOS {} 0 -1", "BITPOS {} 0 0 -1", "BITPOS {} 1 2 1", "BITPOS {} 1 -2 -1",
        "BITPOS {} 0 100", "BITPOS {} 1 100 200", "BITPOS {} 1 x", "BITPOS {} 1 0 x",
        "BITPOS {} 1 0 -1 BYTE", "BITPOS {} 1 9 20 BIT", "BITPOS {} 0 8 12 BIT",
        "BITPOS {} 0 8 -1 bit", "BITPOS {} 1 0 x FOO", "BITPOS {} 1 x 0 FOO", "BITPOS {} 1 0 0 FOO",
        "BITPOS {} 1 0 -1 BIT x", "BITPOS {} 2 x", "BITPOS {} 0 0 0 BIT", "BITPOS {} 1 17 17 BIT",
        "BITOP NOT d {}", "BITOP NOT {} {}", "BITOP NOT {} bits", "BITOP AND d {} bits",
        "BITOP or d bits {}", "BITOP XOR d bits {} full", "BITOP DIFF d {} bits",
        "BITOP DIFF1 d {} bits", "BITOP ANDOR d {} bits full", "BITOP ONE d {} bits full",
        "BITOP ONE d {}", "BITOP AND d {}", "BITOP NOT d {} bits", "BITOP DIFF d {}",
        "BITOP diff1 d {}", "BITOP ANDOR d {}", "BITOP FOO d {}", "BITOP XOR {} missing empty",
        "BITFIELD {}", "BITFIELD {} GET u8 0", "BITFIELD {} GET i8 8 GET u4 #3 GET u63 1",
        "BITFIELD {} SET u8 0 65", "BITFIELD {} SET i5 3 -7 GET i5 3", "BITFIELD {} SET u8 #9 1",
        "BITFIELD {} INCRBY u8 0 300", "BITFIELD {} OVERFLOW SAT INCRBY u8 0 300 INCRBY i8 8 -300",
        "BITFIELD {} OVERFLOW FAIL INCRBY u8 0 300 GET u8 0", "BITFIELD {} INCRBY i64 0 -1",
        "BITFIELD {} OVERFLOW FAIL SET u4 0 16 OVERFLOW WRAP SET u4 0 17",
        "BITFIELD {} OVERFLOW SAT SET u8 0 -1 SET i8 8 200 SET i8 16 -200",
        "BITFIELD {} SET i64 1 9223372036854775807 INCRBY i64 1 1", "BITFIELD {} OVERFLOW SAT",
        "BITFIELD {} OVERFLOW", "BITFIELD {} OVERFLOW FOO", "BITFIELD {} GET", "BITFIELD {} GET u8",
        "BITFIELD {} SET u8 0", "BITFIELD {} FOO u8 0", "BITFIELD {} GET u64 0",
        "BITFIELD {} GET i65 0", "BITFIELD {} GET u0 0", "BITFIELD {} GET x8 0",
        "BITFIELD {} GET u08 0", "BITFIELD {} GET 8 0", "BITFIELD {} GET u8 -1",
        "BITFIELD {} GET u8 #-1", "BITFIELD {} GET u8 x", "BITFIELD {} GET u8 4294967296",
        "BITFIELD {} GET u8 #536870912", "BITFIELD {} GET u8 4294967295", "BITFIELD {} SET u8 0 x",
        "BITFIELD {} SET u8 0 1 GET u65 0", "BITFIELD {} get u8 0 set u8 0 1 incrby u8 0 1",
        "BITFIELD_RO {}", "BITFIELD_RO {} GET u8 0 GET i4 #1", "BITFIELD_RO {} SET u8 0 1",
        "BITFIELD_RO {} SET u8 0 x", "BITFIELD_RO {} OVERFLOW SAT GET u8 0",
        "BITFIELD_RO {} GET u8 0 INCRBY u8 0 1", "BITFIELD_RO {} OVERFLOW FOO",
    ],
)
def test_every_kind_of_key(twin: Twin, call: str) -> None:
    for key in KEYS:
        play(twin, "FLUSHALL" + SETUP)
        play(twin, call.replace("{}", key))
        twin.check_state()


@pytest.mark.parametrize("size", [1, 7, 8189, 8190, 16384, 16385, 100_000])
def test_long_strings(twin: Twin, size: int) -> None:
    """Across the blocks in which long strings are looked through."""
    rng = random.Random(size)
    twin("SET", "random", rng.randbytes(size))
    twin("SET", "other", rng.randbytes(size * 2 // 3 + 1))
    twin("SET", "full", b"\xff" * size)
    twin("SET", "zero", bytes(size))
    twin("SETRANGE", "nearly", size - 1, b"\x01")
    for key in ("random", "full", "zero", "nearly"):
        twin("BITCOUNT", key)
        for bit in (0, 1):
            twin("BITPOS", key, bit)
            twin("BITPOS", key, bit, 3, size * 8 - 3, "BIT")
        for _ in range(5):
            start, end = sorted((rng.randrange(size * 8), rng.randrange(size * 8)))
            twin("BITCOUNT", key, start, end, "BIT")
            twin("BITPOS", key, 1, start, end, "BIT")
            twin("BITPOS", key, 0, start, end, "BIT")
    for operation in ("AND", "OR", "XOR", "DIFF", "DIFF1", "ANDOR", "ONE"):
        twin("BITOP", operation, operation, "random", "other", "nearly")
    twin("BITOP", "NOT", "NOT", "random")


def test_changing_a_long_string_costs_what_changes(twin: Twin) -> None:
    """It is changed in place, and what was read before stays as it was."""
    size = 1_000_000
    twin("SETRANGE", "k", size - 1, "x")
    before = twin.fake.execute([b"GET", b"k"])
    stored = twin.server.database(0).data[b"k"]
    for at in range(5):
        twin("SETBIT", "k", at * 1000, 1)
        twin("SETRANGE", "k", at * 7, "abc")
        twin("APPEND", "k", "tail")
        twin("BITFIELD", "k", "INCRBY", "u16", at * 99, 7)
        twin("GETRANGE", "k", at, at + 20)
    assert twin.server.database(0).data[b"k"] is stored
    assert before == bytes(size - 1) + b"x"
    assert type(before) is type(twin.fake.execute([b"GETRANGE", b"k", b"0", b"5"])) is bytes
    assert type(twin.fake.execute([b"MGET", b"k"])[0]) is bytes


def test_a_copy_is_independent(twin: Twin) -> None:
    play(twin, """
        SETBIT k 100 1
        COPY k copy
        SETBIT copy 1 1
        SETBIT k 2 1
        BITOP OR d k copy
        SETBIT d 3 1
        RENAME k k2
        APPEND k2 x
    """)


def test_events(twin: Twin) -> None:
    assert play_with_events(twin, """
        SETBIT bb 0 0
        SETBIT bb 0 0
        SETBIT bb 0 1
        SETBIT bb 100 0
        BITOP NOT dd bb
        BITOP AND dd bb missing
        BITOP NOT dd missing
        BITOP NOT dd missing
        BITFIELD bb GET u8 0
        BITFIELD bb SET u8 0 0
        BITFIELD bb SET u8 0 0
        BITFIELD bb SET u8 0 0 INCRBY u8 0 1
        BITFIELD bb OVERFLOW FAIL INCRBY u8 0 300
        BITFIELD nobb OVERFLOW FAIL INCRBY u8 0 300
        BITFIELD nobb2 SET u8 1000 0
        BITFIELD nobb2 INCRBY u8 1000 0
        BITFIELD nobb2 SET u8 1008 0 OVERFLOW FAIL SET u8 0 300
        BITFIELD nobb2 OVERFLOW FAIL SET u8 2000 300
        BITFIELD_RO bb GET u8 0
    """) > 15


def test_in_a_transaction(twin: Twin) -> None:
    play(twin, """
        WATCH k
        BITFIELD k GET u8 0
        MULTI
        SETBIT k 7 1
        SETBIT k x 1
        BITFIELD k GET u64 0
        BITOP DIFF d k
        BITCOUNT k
        EXEC
        WATCH k
        SETBIT k 7 1
        MULTI
        EXEC
        WATCH k
        SETBIT k 7 0
        MULTI
        EXEC
    """)


@pytest.mark.parametrize("kind", ["i1", "i8", "u8", "i16", "i32", "u32", "i63", "u63", "i64"])
@pytest.mark.parametrize("overflow", ["SAT", "WRAP", "FAIL"])
def test_values_at_the_ends(twin: Twin, kind: str, overflow: str) -> None:
    ends = [-(1 << 63), -(1 << 63) + 127, -(1 << 63) + 128, (1 << 63) - 1, -(1 << 62), 1 << 62]
    for value in [*ends, -129, -128, 127, 128, 255, 256, -1, 0, 1]:
        twin("DEL", "b")
        twin("BITFIELD", "b", "OVERFLOW", overflow, "SET", kind, 0, value, "GET", kind, 0)
        twin("BITFIELD", "b", "OVERFLOW", overflow, "INCRBY", kind, 0, value, "GET", kind, 0)
