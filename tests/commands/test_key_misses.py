"""Which commands count hits and misses, and announce a miss: as with the server."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.commands.scripts import words
from tests.support.twin import Twin

CALLS = """
    GET {}; GETDEL {}; GETEX {}; GETEX {} EX 100; GETEX {} PERSIST; GETSET {} v; SET {} v
    SET {} v GET; SET {} v XX; SET {} v NX GET; SETNX {} v; SETEX {} 10 v; STRLEN {}
    APPEND {} v; SETRANGE {} 0 v; SETRANGE {} 0 ''; GETRANGE {} 0 1; INCR {}; INCRBYFLOAT {} 1
    MGET {} x {}; MSET {} 1; MSETNX {} 1; LCS {} x; LCS {} {}; SETBIT {} 0 1; GETBIT {} 0
    BITCOUNT {}; BITPOS {} 1; BITOP NOT d {}; BITOP AND d {} x; BITFIELD {} GET u8 0
    BITFIELD {} SET u8 0 1; BITFIELD_RO {} GET u8 0; LPUSH {} a; LPUSHX {} a; LLEN {}
    LINDEX {} 0; LRANGE {} 0 1; LPOS {} a; LPOP {}; LPOP {} 2; LPOP {} 0; LSET {} 0 v
    LREM {} 0 v; LTRIM {} 0 1; LINSERT {} BEFORE a b; LMOVE {} d LEFT LEFT; RPOPLPUSH d {}
    LMPOP 1 {} LEFT; LMPOP 2 x {} LEFT; SADD {} a; SREM {} a; SMOVE {} d a; SMOVE d {} a
    SCARD {}; SISMEMBER {} a; SMISMEMBER {} a b; SMEMBERS {}; SPOP {}; SPOP {} 1; SPOP {} 0
    SRANDMEMBER {}; SRANDMEMBER {} 1; SSCAN {} 0; SINTER {} x; SUNION {} x; SDIFF {} x
    SINTERSTORE d {} x; SUNIONSTORE d {} x; SDIFFSTORE d x {}; SINTERCARD 1 {}
"""
SETUP = ("SET string 1", "RPUSH list a", "SADD set a")


@pytest.mark.parametrize("group", [line.strip() for line in CALLS.strip().splitlines()])
def test_hits_and_misses(twin: Twin, group: str) -> None:
    twin("CONFIG", "SET", "notify-keyspace-events", "KEAm")
    listener = twin.session()
    listener("PSUBSCRIBE", "__keyevent@0__:*")
    while listener.fake.outbox:
        listener.reply()
    for key in ("missing", "string", "list", "set"):
        for call in group.split(";"):
            for line in ("FLUSHALL", *SETUP, "CONFIG RESETSTAT", call.replace("{}", key)):
                twin(*words(line))
            assert counts(twin.fake.execute([b"INFO", b"stats"])) == counts(
                twin.wire.call(b"INFO", b"stats")
            ), (call, key)
            while listener.fake.outbox:
                listener.reply()
    listener.silent()


def counts(info: Any) -> list[bytes]:
    """The numbers of hits and misses in INFO."""
    return re.findall(rb"keyspace_(?:hits|misses):\d+", bytes(info))
