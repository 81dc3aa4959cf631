"""The hyperloglog group against the real server: the strings themselves must be the same."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.twin import Twin

HEADER = b"HYLL\x01\0\0\0\0\0\0\0\0\0\0"


def run(twin: Twin, script: str) -> None:
    """A command a line."""
    for line in script.strip().splitlines():
        twin(*line.split())


@pytest.mark.parametrize("seed", range(4))
def test_random_elements(twin: Twin, seed: int) -> None:
    """Element by element, in batches, merged and counted, sparse and dense."""
    rng = random.Random(seed)
    twin("CONFIG", "SET", "hll-sparse-max-bytes", rng.choice([0, 100, 600, 3000]))
    for _ in range(60):
        key = rng.choice("abc")
        elements = [rng.randbytes(rng.randrange(20)) for _ in range(rng.choice([1, 1, 2, 30]))]
        twin("PFADD", key, *elements)
        twin("PFADD", key, elements[0])
        twin("GET", key)
        if rng.random() < 0.2:
            twin("PFCOUNT", rng.choice("abcd"))
            twin("PFCOUNT", *rng.sample("abcd", 2))
        if rng.random() < 0.1:
            twin("PFMERGE", rng.choice("abcd"), *rng.sample("abcd", rng.randrange(3)))
    for key in "abcd":
        twin("PFDEBUG", "ENCODING", key)


def test_many_elements(twin: Twin) -> None:
    for start in range(0, 12_000, 1000):
        twin("PFADD", "h", *range(start, start + 1000))
        twin("PFCOUNT", "h")
        twin("PFCOUNT", "h", "missing")
        twin("PFDEBUG", "ENCODING", "h")


def test_merging_into_a_sparse_one(twin: Twin) -> None:
    twin("PFADD", "a", *range(300))
    twin("PFADD", "b", *range(200, 700))
    run(twin, "PFMERGE c a b\nGET c\nPFMERGE a b\nGET a\nPFDEBUG ENCODING c\nPFDEBUG TODENSE b\n"
              "PFMERGE d a b\nPFDEBUG ENCODING d\nPFMERGE a\nPFMERGE none missing\nGET none")


def test_debugging(twin: Twin) -> None:
    run(twin, "PFADD h a b c d e\nPFDEBUG DECODE h\nPFDEBUG GETREG h\nPFDEBUG ENCODING h\n"
              "PFDEBUG DECODE h\nPFDEBUG TODENSE h\nPFADD g a\nPFDEBUG TODENSE g\nPFDEBUG FOO g\n"
              "PFDEBUG FOO missing\nPFDEBUG SIMD on\nPFDEBUG SIMD OFF\nRPUSH l 1\nPFDEBUG FOO l\n"
              "OBJECT ENCODING g\nSTRLEN g")


@pytest.mark.parametrize("value", [
    b"", b"x", b"HYLL", HEADER, HEADER + b"\x80", b"HYLL\0" + HEADER[5:] + b"\0",
    HEADER + b"\0" * 3,
    b"HYLL\2" + HEADER[5:] + b"\0\x7f\xff", HEADER + b"\0\x7f\xfe", HEADER + b"\0\x7f\xff\x00",
    HEADER + b"\x80\x7f\xff\x00", HEADER + b"\x05\x7f\xff",
    HEADER + b"\x80\x88\x80\x80\x7f\xfc", b"HYLL\0" + HEADER[5:] + b"\x80" + b"\x41" * 12288,
])
def test_strange_strings(twin: Twin, value: bytes) -> None:
    twin("PFADD", "good", "a", "b")
    for command in ("PFADD h", "PFADD h a", "PFCOUNT h", "PFCOUNT good h", "PFMERGE d good h",
                    "PFMERGE h good", "PFDEBUG ENCODING h", "PFDEBUG DECODE h",
                    "PFDEBUG TODENSE h", "PFDEBUG GETREG h", "GET h"):
        if "DECODE" not in command or len(value) > 16:
            twin("SET", "h", value)
            twin(*command.split())


def test_other_types_and_deadlines(twin: Twin) -> None:
    run(twin, "RPUSH l 1\nPFADD l a\nPFCOUNT l\nPFCOUNT h l\nPFMERGE l\nPFMERGE h l\nPFADD h a\n"
              "EXPIRE h 100\nPFADD h b\nPFCOUNT h\nTTL h\nPFMERGE h x\nTTL h\nPEXPIREAT h 1\n"
              "PFCOUNT h\nPFADD h\nPFADD h\nPFCOUNT h\nPFSELFTEST")


def test_events(twin: Twin) -> None:
    twin("CONFIG", "SET", "notify-keyspace-events", "KEA")
    listener, other = twin.session(), twin.session()
    listener("PSUBSCRIBE", "__key*")
    listener.reply()
    add, count = ["PFADD h a"], ["PFCOUNT h"]
    for line in (*add * 2, *count * 2, "PFMERGE h", "PFDEBUG TODENSE h"):
        other("WATCH", "h")
        twin(*line.split())
        run(other, "MULTI\nPING\nEXEC")
    while listener.fake.outbox:
        listener.reply()
    listener.silent()
