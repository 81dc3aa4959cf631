"""Keyspace events of keys that give way to others, and encodings that tell how a value came."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest

from fakeredis.errors import CommandError
from tests.support.engines import Server

if TYPE_CHECKING:
    from tests.support.twin import Pair, Twin


def drain(listener: Pair) -> None:
    while listener.fake.outbox:
        listener.reply()
    listener.silent()


CALLS = """
    SET k v; SET k w; SET k w KEEPTTL; SET l x; GETSET k z; MSET k 1 l 2 new 3; SETEX k 10 v
    SET k v GET; SET k v XX; SET k v NX; SET none v XX; APPEND k x; INCR new; SETRANGE k 0 y
    SETBIT k 1 1; PSETEX k 1000 v; SETNX k v; MSETNX k9 1 k8 2; INCRBYFLOAT new 1
    SORT l STORE d; SUNIONSTORE d t; SDIFFSTORE d t; ZUNIONSTORE d 1 z; ZRANGESTORE d z 0 -1
    SINTERSTORE d none t; BITOP NOT d k; PFMERGE d2 h; PFMERGE d2 h; COPY k d REPLACE
    COPY l d REPLACE; COPY k d; RENAME k d; RENAME l d; RENAMENX t d; MOVE k 1; LMOVE l d2 LEFT LEFT
    GEOSEARCHSTORE d g FROMMEMBER m BYRADIUS 1 m; GETEX k EX 10; HSET t a b; DEL d; RPUSH l 1
    ZINTERSTORE d 1 z; ZDIFFSTORE d 1 z
"""
SETUP = """
    FLUSHALL; SET k v EX 1000; RPUSH l 2 1 3; SADD t a b; ZADD z 1 a; SET d v; SET new 1; PFADD h a
    GEOADD g 1 1 m
"""


def calls(text: str) -> list[list[str]]:
    return [line.split() for line in text.replace("\n", ";").split(";") if line.split()]


@pytest.mark.parametrize("flags", ["Eoc", "KEAoc", "Eonc", "Kc", "Eo"])
def test_overwritten(twin: Twin, flags: str) -> None:
    if not twin.resp3:
        pytest.skip("once is enough")
    listener = twin.session()
    listener("PSUBSCRIBE", "__key*")
    drain(listener)
    for call in calls(CALLS):
        twin("CONFIG", "SET", "notify-keyspace-events", "")
        for line in calls(SETUP):
            twin(*line)
        twin("CONFIG", "SET", "notify-keyspace-events", flags)
        twin("CONFIG", "GET", "notify-keyspace-events")
        twin(*call)
        while listener.fake.outbox:
            listener.reply()
        assert not listener.wire.pushes
        assert not listener.wire.has_more(), call
    twin.ignore_state()


def test_restored_over_another(twin: Twin) -> None:
    payload = twin.wire.call(b"SET", b"k", b"1") and twin.wire.call(b"DUMP", b"k")
    run(twin, "SET k 1\nRPUSH l 1\nCONFIG SET notify-keyspace-events EAoc")
    listener = twin.session()
    listener("PSUBSCRIBE", "__key*")
    drain(listener)
    for key in ("k", "l", "new"):
        twin("RESTORE", key, 0, payload, "REPLACE")
        drain(listener)


def test_classes_by_version() -> None:
    session = Server("7.4").session()
    with pytest.raises(CommandError, match="Invalid event class"):
        session.execute([b"CONFIG", b"SET", b"notify-keyspace-events", b"KEo"])


def run(twin: Twin, script: str) -> None:
    for line in script.strip().splitlines():
        twin(*shlex.split(line))


@pytest.mark.parametrize(("before", "by"), [
    ("10", "5"), ("10", "0.5"), ("10.5", "0.5"), ("1e5", "1"), ("", "3"), ("10", "-3"), ("7", "-7"),
])
def test_numbers_by_incrbyfloat(twin: Twin, before: str, by: str) -> None:
    if before:
        twin("SET", "k", before)
    twin("INCRBYFLOAT", "k", by)
    run(twin, """
        OBJECT ENCODING k
        MEMORY USAGE k
        COPY k copied
        OBJECT ENCODING copied
        APPEND copied x
        OBJECT ENCODING copied
        RENAME k r
        OBJECT ENCODING r
        EXPIRE r 1000
        OBJECT ENCODING r
        GET r
        SETRANGE r 0 1
        OBJECT ENCODING r
        INCR r
        OBJECT ENCODING r
        INCRBYFLOAT r 1
        INCRBYFLOAT r 1
        OBJECT ENCODING r
        STRLEN r
    """)


@pytest.mark.parametrize("words", [
    "", "ACK", "listening-port 1", "listening-port x", "capa eof capa psync2", "foo 1",
    "ip-address 1.1.1.1", "rdb-only x", "rdb-filter-only functions", "rdb-filter-only foo",
    "version 1", "listening-port", "capa eof nosuch 1",
])
def test_replica_that_speaks_of_itself(twin: Twin, words: str) -> None:
    twin("REPLCONF", *words.split())
