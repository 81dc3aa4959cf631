"""What a master sends its replicas, beside the real server: the stream, command by command."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

import fakeredis
from fakeredis.commands import effects
from tests.support import examples_of_commands, harvest, servers
from tests.support.replica import Replica
from tests.support.wire import Wire

_BEGIN, _END = [b"SET", b"__begin", b"1"], [b"SET", b"__end", b"1"]
_NOW = re.compile(rb"^[12]\d{12}$")
_ENOUGH = 60.0


class Master:
    """A server, a client of it, and a replica that hears what it sends."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.client = Wire("127.0.0.1", port)
        self.client.call(b"DEBUG", b"SET-ACTIVE-EXPIRE", b"0")  # else chance has a say
        self.replica = Replica(port)
        self._wait_for(b"replication", b"state=online")

    def stream(self, calls: list[list[str]]) -> list[list[bytes]]:
        """What the calls make the server send; those that begin with ``@`` wait, elsewhere."""
        for words in ("SELECT 0", "FLUSHALL", "FUNCTION FLUSH"):
            self.client.call(*words.encode().split())
        self.client.call(*_BEGIN)
        self.replica.until(_BEGIN)
        waiting: list[Wire] = []
        for call in calls:
            words = [word.encode() for word in call]
            if words[0].startswith(b"@"):
                waiting.append(Wire("127.0.0.1", self.port))
                waiting[-1].send(words[0][1:], *words[1:])
                self._wait_for(b"clients", b"blocked_clients:%d" % len(waiting))
            else:
                self.client.call(*words)
        for each in waiting:
            each.read()
            each.close()
        self.client.call(b"DISCARD")
        self.client.call(b"SELECT", b"0")
        self.client.call(*_END)
        return [_timeless(words) for words in self.replica.until(_END)]

    def _wait_for(self, section: bytes, fact: bytes) -> None:
        until = time.monotonic() + _ENOUGH
        while fact not in self.client.call(b"INFO", section):
            assert time.monotonic() < until
            time.sleep(0.001)

    def close(self) -> None:
        self.client.close()
        self.replica.close()


def _timeless(words: list[bytes]) -> list[bytes]:
    """Times and IDs of about now are the same."""
    return [b"now" if _NOW.match(word.partition(b"-")[0]) else word for word in words]


Masters = tuple[Master, Master]


@contextmanager
def _both(name: str) -> Iterator[Masters]:
    """The fake, and a real server of a name."""
    kind = servers.SERVERS[name]
    if servers.binary(name) is None or len(servers.modules(name)) < len(kind.modules):
        pytest.skip(kind.reason)
    # No replica is dropped for its silence, however long the tests of others take.
    real = servers.RealServer(
        "--repl-diskless-sync-delay", "0", "--repl-timeout", "86400", name=name
    )
    try:
        with fakeredis.FakeServer(
            version="8.2.3", config={"enable-debug-command": "local", "repl-timeout": 86400}
        ).listen() as listener:
            both = Master(listener.port), Master(real.port)
            yield both
            for each in both:
                each.close()
    finally:
        real.stop()


@pytest.fixture(scope="module")
def masters() -> Iterator[Masters]:
    with _both("redis8") as both:
        yield both


@pytest.fixture(scope="module")
def with_search() -> Iterator[Masters]:
    with _both("redis8-search") as both:
        yield both


@pytest.fixture(scope="module")
def with_series() -> Iterator[Masters]:
    with _both("redis8-timeseries") as both:
        yield both


def _same(masters: Masters, calls: list[list[str]]) -> None:
    fake, real = (master.stream(calls) for master in masters)
    assert fake == real


_LIBRARY = (
    "#!lua name=lib\nredis.register_function('f', function(keys) "
    "redis.call('set', keys[1], 1) return redis.call('set', keys[1], 2) end)"
)
CASES = r"""
SET k v
SET k v EX 100
SET k v PX 1000 NX
SET k v EXAT 9999999999
SET k v PXAT 9999999999999 GET
SET k v KEEPTTL XX
SET k v; SET k w XX GET
SETEX k 10 v
PSETEX k 1000 v
SETNX k v
GETSET k v
SET k v; GETDEL k
SET k v; GETEX k EX 100
SET k v EX 10; GETEX k PERSIST
SET k v; GETEX k PERSIST
SET k v; GETEX k PXAT 1
INCRBYFLOAT k 0.5
SET k 1 EX 100; INCRBYFLOAT k 0.5
INCR k
APPEND k x
SETRANGE k 2 v
MSET a 1 b 2
MSETNX a 1 b 2
HSET h f v
HINCRBYFLOAT h f 1.5
HSET h f v g w; HGETDEL h FIELDS 2 f x
HSET h f v; HGETDEL h FIELDS 1 f
HSET h f v g w; HGETEX h EX 100 FIELDS 1 f
HSET h f v g w; HGETEX h PXAT 1 FIELDS 1 f
HSET h f v g w; HEXPIRE h 100 FIELDS 1 f; HGETEX h PERSIST FIELDS 2 f g
HSETEX h EX 100 FIELDS 1 f v
HSETEX h FNX PXAT 1 FIELDS 2 f v g w
HSETEX h KEEPTTL FIELDS 2 f v g w
HSET h f v g w; HEXPIRE h 100 FIELDS 2 f x
HSET h f v g w; HPEXPIRE h 100 FIELDS 3 f x g
HSET h f v g w; HEXPIREAT h 9999999999 NX FIELDS 2 f g
HSET h f v g w; HPEXPIREAT h 9999999999000 GT FIELDS 2 f g
HSET h f v g w; HPEXPIREAT h 1 FIELDS 2 f g
HSET h f v g w; HPEXPIREAT h 1 FIELDS 1 f
HSET h f v g w; HEXPIRE h 0 FIELDS 2 f g
HSET h f v g w; HEXPIRE h 100 FIELDS 1 f; HPERSIST h FIELDS 2 f g
SET k v; EXPIRE k 100
SET k v; PEXPIRE k 100 NX
SET k v; EXPIREAT k 9999999999
SET k v; PEXPIREAT k 9999999999000
SET k v; PEXPIREAT k 1
SET k v; EXPIRE k -1
SET k v EX 100; PERSIST k
DEL a
SET a 1; DEL a b
SET a 1; UNLINK a b
SADD s a ; SPOP s
SADD s a; SPOP s 0
SADD s a; SREM s x
SADD s a; SMOVE s t a
LPUSH l a b c; LMPOP 2 x l LEFT COUNT 2
LPUSH l a b c; LMPOP 2 x l RIGHT
LPUSH l a b c; BLPOP x l 0
LPUSH l a b c; BRPOP x l 0
LPUSH l a b c; BLMPOP 0 2 x l RIGHT COUNT 2
LPUSH l a b c; BLMOVE l m LEFT RIGHT 0
LPUSH l a b c; BRPOPLPUSH l m 0
LPUSH l a b c; RPOPLPUSH l m
LPUSH l a b c; LMOVE l m LEFT RIGHT
LPUSH l a b c; RPOP l 2
@BLPOP l 0; RPUSH l a b
@BLMOVE l m LEFT RIGHT 0; RPUSH l a b
@BRPOPLPUSH l m 0; RPUSH l a b
@BLMPOP 0 1 l LEFT COUNT 5; RPUSH l a b
@BZPOPMIN z 0; ZADD z 1 a 2 b
@BZMPOP 0 1 z MAX COUNT 2; ZADD z 1 a 2 b
@BLPOP l 0; MULTI; RPUSH l a b; SET k 1; EXEC
@BLPOP l 0; EVAL "redis.call('rpush','l','a') redis.call('set','k','v')" 0
ZADD z 1 a 2 b; ZPOPMIN z 2
ZADD z 1 a 2 b; ZPOPMAX z
ZADD z 1 a 2 b; BZPOPMIN z 0
ZADD z 1 a 2 b; ZMPOP 2 x z MIN COUNT 5
ZADD z 1 a 2 b; BZMPOP 0 2 x z MAX
ZADD z 1 a; ZADD z INCR 2 a
ZADD z 1 a; ZADD z XX GT 1 a
ZINCRBY z 1.5 a
ZADD z 1 a; ZRANGESTORE d z 0 -1
ZADD z 1 a; ZUNIONSTORE d 1 z
XADD x * f v
XADD x 1-* f v
XADD x 5 f v
XADD x 1-1 f v; XADD x MAXLEN 1 * f v
XADD x 1-1 f v; XADD x MINID = 2 * f v
XADD x NOMKSTREAM * f v
XADD x 1-1 f v; XADD x NOMKSTREAM MAXLEN 5 2-1 f v
XADD x 1-1 f v; XADD x DELREF MAXLEN 1 2-1 f v
XADD x 1-1 f v; XADD x 2-1 f v; XTRIM x MAXLEN 1
XADD x 1-1 f v; XADD x 2-1 f v; XTRIM x MINID 2
XADD x 1-1 f v; XADD x 2-1 f v; XTRIM x ACKED MINID 2
XADD x 1-1 f v; XDEL x 1-1
XADD x 1-1 f v; XDELEX x KEEPREF IDS 1 1-1
XADD x 1-1 f v; XSETID x 5-1
XGROUP CREATE x g $ MKSTREAM
XADD x 1-1 f v; XADD x 2-1 f v; XGROUP CREATE x g $
XGROUP CREATE x g 0 MKSTREAM; XGROUP SETID x g $ ENTRIESREAD 3
XGROUP CREATE x g 0 MKSTREAM; XGROUP CREATECONSUMER x g c
XGROUP CREATE x g 0 MKSTREAM; XGROUP CREATECONSUMER x g c; XGROUP DELCONSUMER x g c
XGROUP CREATE x g 0 MKSTREAM; XGROUP DESTROY x g
XGROUP CREATE x g 0 MKSTREAM; XADD x 1-1 f v; XADD x 2-1 f v; \
    XREADGROUP GROUP g c COUNT 10 STREAMS x >
XGROUP CREATE x g 0 MKSTREAM; XADD x 1-1 f v; XADD x 2-1 f v; \
    XREADGROUP GROUP g c COUNT 10 NOACK STREAMS x >
XGROUP CREATE x g 0 MKSTREAM; XADD x 1-1 f v; XREADGROUP GROUP g c COUNT 10 STREAMS x >; \
    XREADGROUP GROUP g c STREAMS x 0
XGROUP CREATE x g 0 MKSTREAM; XADD x 1-1 f v; XREADGROUP GROUP g c COUNT 10 STREAMS x >; \
    XREADGROUP GROUP g d STREAMS x 0
XGROUP CREATE x g 0 MKSTREAM; XREADGROUP GROUP g c COUNT 10 STREAMS x >
XGROUP CREATE x g 0 MKSTREAM; XGROUP CREATE y g 0 MKSTREAM; XADD x 1-1 f v; XADD y 2-1 f v; \
    XREADGROUP GROUP g c COUNT 1 STREAMS x y > >
XGROUP CREATE x g 0 MKSTREAM; @XREADGROUP GROUP g c BLOCK 0 STREAMS x >; XADD x 1-1 f v
XGROUP CREATE x g 0 MKSTREAM; XADD x 1-1 f v; XREADGROUP GROUP g c STREAMS x >; XACK x g 1-1
XGROUP CREATE x g 0 MKSTREAM; XADD x 1-1 f v; XREADGROUP GROUP g c STREAMS x >; \
    XACKDEL x g DELREF IDS 1 1-1
XGROUP CREATE x g 0 MKSTREAM; XADD x 1-1 f v; XREADGROUP GROUP g c STREAMS x >; \
    XCLAIM x g d 0 1-1
XGROUP CREATE x g 0 MKSTREAM; XADD x 1-1 f v; XREADGROUP GROUP g c STREAMS x >; \
    XCLAIM x g d 0 1-1 JUSTID
XGROUP CREATE x g 0 MKSTREAM; XADD x 1-1 f v; XREADGROUP GROUP g c STREAMS x >; \
    XCLAIM x g d 0 1-1 IDLE 50 RETRYCOUNT 7
XGROUP CREATE x g 0 MKSTREAM; XADD x 1-1 f v; \
    XCLAIM x g d 0 1-1 TIME 1700000000000 FORCE LASTID 5-5
XGROUP CREATE x g 0 MKSTREAM; XADD x 1-1 f v; XREADGROUP GROUP g c STREAMS x >; XDEL x 1-1; \
    XCLAIM x g d 0 1-1
XGROUP CREATE x g 0 MKSTREAM; XADD x 1-1 f v; XADD x 2-1 f v; XREADGROUP GROUP g c STREAMS x >; \
    XAUTOCLAIM x g d 0 0
XGROUP CREATE x g 0 MKSTREAM; XADD x 1-1 f v; XADD x 2-1 f v; XREADGROUP GROUP g c STREAMS x >; \
    XDEL x 1-1; XAUTOCLAIM x g d 0 0 JUSTID
PFADD p a b; PFCOUNT p; PFCOUNT p
PFADD p a; PFADD q b; PFMERGE d p q
BITFIELD k SET u8 0 5
BITFIELD k GET u8 0
SETBIT k 7 1
SET a 1; BITOP NOT d a
GEOADD g 1 2 a; GEOSEARCHSTORE d g FROMMEMBER a BYRADIUS 100 km
GEOADD g 1 2 a; GEORADIUS g 1 2 100 km STORE d
GEOADD g 1 2 a; GEORADIUSBYMEMBER g a 100 km STOREDIST d
RPUSH l 3 1 2; SORT l STORE d
SET a 1; RENAME a b
SET a 1; COPY a b
SET a 1; COPY a b DB 3
SET a 1; MOVE a 3
SELECT 3; SET a 1; SELECT 0; SET b 1
SWAPDB 0 1
FLUSHDB
FLUSHALL ASYNC
SET a 1; FLUSHDB ASYNC
MULTI; SET a 1; EXEC
MULTI; SET a 1; SELECT 3; SET b 1; EXEC
MULTI; GET a; EXEC
MULTI; SET a 1 EX 100; GET a; SET b 1; EXEC
SELECT 5; MULTI; SET a 1; SET b 1; EXEC
EVAL "redis.call('set','a','1')" 0
EVAL "redis.call('set','a','1') redis.call('spop','s') redis.call('incrbyfloat','b','1')" 0
EVAL "redis.call('get','a')" 0
FUNCTION LOAD $LIB
FUNCTION LOAD REPLACE $LIB
FUNCTION LOAD $LIB; FCALL f 1 a
FUNCTION LOAD $LIB; FUNCTION DELETE lib
FUNCTION FLUSH
PUBLISH ch m
SPUBLISH ch m
MULTI; PUBLISH ch m; EXEC
MULTI; PUBLISH ch m; SET a 1; EXEC
VADD v VALUES 2 1 1 e
VADD v VALUES 2 1 1 e; VSETATTR v e {}
HSETEX h FNX EX 100 FIELDS 1 f v
HSET h f v; HSETEX h FXX PX 100000 FIELDS 1 f v
HSET h f v; HGETEX h EX 100 FIELDS 2 f x
HSET h f v; HGETEX h PXAT 9999999999000 FIELDS 2 f x
HSET h f v; HGETEX h PXAT 1 FIELDS 2 f x
HSET h f v; HGETEX h PERSIST FIELDS 1 f
HSET h f v; HSETEX h PXAT 1 FIELDS 1 f v
HSETEX h PXAT 1 FIELDS 1 f v
HSETEX h FIELDS 1 f v
HSET h f v; HEXPIREAT h 9999999999 XX FIELDS 1 f
HSET h f v; HEXPIRE h 100 LT FIELDS 1 f
HSETNX h f v
HSET h f v; HDEL h f x
GEOADD g NX CH 1 2 a
GEOADD g 1 2 a; GEOADD g XX 1 3 a
XADD x 1-1 f v; XADD x 2-1 f v; XTRIM x MAXLEN = 1
XADD x 0-* f v
XADD x * a b c d
XGROUP CREATE x g 0 MKSTREAM; XADD x 1-1 f v; XREADGROUP GROUP g c STREAMS x >; \
    XACKDEL x g KEEPREF IDS 1 1-1
XGROUP CREATE x g 0 MKSTREAM; XADD x 1-1 f v; XADD x 2-1 f v; XREADGROUP GROUP g c STREAMS x >; \
    XAUTOCLAIM x g d 0 0 COUNT 1
XGROUP CREATE x g 0 MKSTREAM; XADD x 1-1 f v; XCLAIM x g d 0 1-1
XGROUP CREATE x g 0 MKSTREAM; XADD x 1-1 f v; XCLAIM x g d 0 1-1 FORCE JUSTID
XGROUP CREATE x g 0 MKSTREAM; XADD x 1-1 f v; XREADGROUP GROUP g c STREAMS x >; \
    XCLAIM x g d 99999 1-1 LASTID 7-7
XGROUP CREATE x g 0 MKSTREAM; XADD x 1-1 f v; XREADGROUP GROUP g c STREAMS x >; \
    XCLAIM x g d 0 1-1 LASTID 7-7
XGROUP CREATE x g 0 MKSTREAM; XADD x 1-1 f v; XADD x 2-1 f v; XDEL x 1-1; \
    XREADGROUP GROUP g c STREAMS x >
XADD x 1-1 f v; XADD x 2-1 f v; XADD x 3-1 f v; XGROUP CREATE x g 2-1; \
    XREADGROUP GROUP g c STREAMS x >
XADD x 1-1 f v; XADD x 2-1 f v; XADD x 3-1 f v; XDEL x 2-1; XGROUP CREATE x g 0; \
    XREADGROUP GROUP g c COUNT 1 STREAMS x >
XADD x 1-1 f v; XGROUP CREATE x g 0; XREADGROUP GROUP g c STREAMS x >; \
    XREADGROUP GROUP g c STREAMS x 0; XREADGROUP GROUP g d NOACK STREAMS x >
MSET a 1; GETSET a 2
SUBSTR a 0 1
SET k v; SETEX k 1 w; PTTL k
INCRBYFLOAT k 1e3
SADD s a; SINTERSTORE d s; SDIFFSTORE e s t; SUNIONSTORE f s t
SINTERSTORE d nokey
SET d 1; SINTERSTORE d nokey
SET d 1; ZINTERSTORE d 1 nokey
SET d 1; SORT nokey STORE d
SET d 1; BITOP AND d x y
SET d 1; GEOSEARCHSTORE d x FROMLONLAT 1 1 BYRADIUS 1 m
SET d 1; GEORADIUS x 1 1 1 m STORE d
GEOADD g 1 2 a; GEORADIUS g 1 2 100 km
ZADD z 1 a; ZREM z a
ZADD z 1 a; ZREMRANGEBYSCORE z 0 5
ZADD z 1 a; ZADD z 1 a
SET k v; SET k v
LPUSH l a; LSET l 0 b; LTRIM l 1 0
LPUSH l a; LREM l 0 a; LINSERT l BEFORE a b
RENAMENX a b
SET a 1; RENAMENX a b
SET a 1; PERSIST a
SET a 1 PX 100000; SET a 2 KEEPTTL
SET a 1 PX 100000 GET
SET a 1 GET
SET a 1; SET a 2 IFEQ 1
SET a 1; SET a 2 NX
set a 1 ex 10
Set a 1
spop s; sadd s a; spop s
hset h f 1; hincrbyfloat h f 1
FUNCTION LOAD $LIB; FUNCTION FLUSH SYNC
EVAL "redis.call('set','a','1') redis.call('set','b','1') return redis.error_reply('x')" 0
EVAL "redis.call('set','a','1') error('x')" 0
EVAL "redis.call('select','3') redis.call('set','b','1') " 0
EVAL "redis.set_repl(redis.REPL_NONE) redis.call('set','b','1') " 0
EVAL "redis.set_repl(1) redis.call('set','b','1') redis.set_repl(3) redis.call('set','c','1')" 0
EVAL "redis.set_repl(redis.REPL_REPLICA) redis.call('set','b','1') " 0
EVAL "redis.replicate_commands() redis.call('publish','b','1') " 0
MULTI; EVAL "redis.call('set','a','1')" 0; SET b 1; EXEC
MULTI; EVAL "redis.call('set','a','1') redis.call('set','c','1')" 0; EXEC
MULTI; FLUSHALL; EXEC
MULTI; BLPOP l 0; LPUSH l a; BLPOP l 0; EXEC
@BLPOP l 0; @BLPOP l 0; RPUSH l a b c
@BLMOVE l m LEFT LEFT 0; @BLPOP m 0; RPUSH l a b c
XGROUP CREATE x g 0 MKSTREAM; @XREADGROUP GROUP g c BLOCK 0 NOACK STREAMS x >; XADD x 1-1 f v
PFADD p; PFADD p
SETRANGE k 0 ""
APPEND k ""
SPUBLISH a b
LPUSHX l a
MOVE a 3
SELECT 3; SET a 1; SELECT 4; SET b 1; SELECT 0
SELECT 3; MULTI; SET a 1; SELECT 4; SET b 1; EXEC; SET c 1
SADD s a b c; SPOP s 3
SADD s a b c; SPOP s 5
SADD s a; SPOP s; SADD s a; SPOP s 0
CONFIG SET lazyfree-lazy-server-del yes lazyfree-lazy-user-del yes lazyfree-lazy-expire yes; \
    SADD s a; SPOP s 5; SET k v; GETDEL k; SET k v; PEXPIREAT k 1; SET k v; GETEX k PXAT 1; \
    CONFIG SET lazyfree-lazy-server-del no lazyfree-lazy-user-del no lazyfree-lazy-expire no
SET k v PXAT 1; GET k; SET k v PXAT 1; SET k w; SET k v PXAT 1; \
    MULTI; GET k; SET b 1; EXEC; SET a 1; SET k v PXAT 1; RENAME a k
SET k v; MIGRATE 127.0.0.1 1 k 0 10
"""


def _lines(cases: str) -> list[str]:
    return cases.replace(" \\\n    ", " ").strip().splitlines()


def _calls(line: str) -> list[list[str]]:
    return [
        [_LIBRARY if word == "$LIB" else word for word in shlex.split(call)]
        for call in line.split(";")
    ]


@pytest.mark.parametrize("line", _lines(CASES))
def test_stream(masters: Masters, line: str) -> None:
    _same(masters, _calls(line))


_CHANCE = {"SPOP": "drawn at random", "SRANDMEMBER": "drawn at random"}
_WRITES = sorted(
    name for name, facts in harvest.command_facts().items()
    if set(facts["flags"]) & {"write", "may_replicate"}
    and facts["group"] != "module" and examples_of_commands.left_out(name) is None
    and name not in _CHANCE
)


@pytest.mark.parametrize("name", _WRITES)
def test_examples(masters: Masters, name: str) -> None:
    """Right calls of every command that may change something."""
    group = str(harvest.command_facts()[name]["group"])
    for example in examples_of_commands.examples(name, group):
        _same(masters, [*example.before, example.call])


MODULES = r"""
JSON.SET d $ '{"a":[1]}'; JSON.NUMINCRBY d $.a[0] 2; JSON.ARRAPPEND d $.a 5; JSON.ARRPOP d $.a
JSON.SET d $ '{"a":1}'; JSON.SET d $.a 5 NX; JSON.DEL d $.a; JSON.DEL d; JSON.DEL d
JSON.SET d $ '{"a":true}'; JSON.TOGGLE d $.a; JSON.MERGE d $ '{"b":"x"}'; JSON.STRAPPEND d $.b '"y"'
json.set d $ 1; JSON.GET d; JSON.MSET d $ 1 e $ 2
BF.ADD b x; BF.ADD b x; BF.MADD b x y; BF.INSERT c CAPACITY 10 ITEMS a b; BF.EXISTS b x
BF.RESERVE b 0.01 100; BF.RESERVE b 0.01 100
CF.ADD c x; CF.ADDNX c x; CF.INSERT c ITEMS x; CF.DEL c x; CF.DEL c nosuch; CF.INSERTNX c ITEMS x
CMS.INITBYDIM m 10 10; CMS.INCRBY m a 1; CMS.MERGE m 1 m; CMS.INITBYPROB n 0.1 0.1
TOPK.RESERVE t 3; TOPK.ADD t a; TOPK.INCRBY t a 5
TDIGEST.CREATE t; TDIGEST.ADD t 1 2; TDIGEST.QUANTILE t 0.5; TDIGEST.MERGE u 1 t; TDIGEST.RESET t
FT.CREATE i PREFIX 1 p SCHEMA a TEXT; FT.ALTER i SCHEMA ADD b TEXT; FT.DROPINDEX i
FT.CREATE j PREFIX 1 p SCHEMA a TEXT; FT.ALIASADD al j; FT.ALIASUPDATE al j; FT.ALIASDEL al; \
    FT.SYNUPDATE j g a b; FT.SEARCH j *; FT.DROPINDEX j
FT.CREATE k PREFIX 1 p SCHEMA a TEXT; HSET p1 a 1; FT.DROPINDEX k DD
FT.DICTADD d a; FT.DICTADD d a; FT.DICTDEL d a; FT.DICTDUMP d
FT.SUGADD s a 1; FT.SUGADD s a 1 INCR; FT.SUGDEL s a; FT.SUGDEL s a
MULTI; JSON.SET d $ 1; BF.ADD b x; EXEC
EVAL "redis.call('JSON.SET','d','$','1')" 0
"""
SERIES = r"""
TS.CREATE t; TS.ALTER t RETENTION 5000; TS.ADD t 1 1; TS.MADD t 5 2 nosuch 5 2 t 6 2; TS.DEL t 0 5
TS.ADD t * 1; TS.ADD u 100 1 LABELS a b; TS.INCRBY v 1; TS.DECRBY v 1 TIMESTAMP 9999999999999
TS.CREATE t; TS.CREATE u; TS.CREATERULE t u AGGREGATION avg 10; TS.ADD t 1 1; TS.ADD t 50 1; \
    TS.DELETERULE t u
EVAL "redis.call('SET','d','1') redis.call('TS.ADD','t','*','1')" 0
"""


@pytest.mark.parametrize("line", _lines(MODULES))
def test_stream_of_modules(with_search: Masters, line: str) -> None:
    _same(with_search, _calls(line))


@pytest.mark.parametrize("line", _lines(SERIES))
def test_stream_of_time_series(with_series: Masters, line: str) -> None:
    _same(with_series, _calls(line))


def test_effects_are_of_commands() -> None:
    names = {command.name for command in harvest.all_commands()}
    assert {*effects.EFFECTS, *effects.ALWAYS} <= names
