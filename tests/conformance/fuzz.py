"""Hostile input, made at random: nothing that comes in may kill, stall or damage a server.

``python -m tests.conformance.fuzz KIND SEED SECONDS NOTE [MOST]`` feeds a server inputs of a kind
(`KINDS`) for a time, or until there were so many. The same seed makes the same inputs, with the
same ``PYTHONHASHSEED``. Each is written to the file NOTE before it is used, so that whoever started
this knows what was the end of it.
"""

# Inputs stand in long lines.
# ruff: noqa: E501, SIM905

from __future__ import annotations

import os
import random
import resource
import signal
import sqlite3
import struct
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from fakeredis.errors import CommandError
from fakeredis.rdb.checksum import crc64
from tests.conformance import fuzz_commands
from tests.conformance.fuzz_tools import (
    SETUP,
    Fault,
    call,
    mutated,
    new_server,
    state,
    with_footer,
)
from tests.support.engines import Server

MEMORY: Final = 3 << 30  # bytes of address space that a child may have
SLOW: Final = 20.0  # seconds of work that no single input may take


# Payloads -----------------------------------------------------------------------------------------

READERS: Final = {
    b"string": ("GET k", "STRLEN k", "BITCOUNT k", "PFCOUNT k", "INCR k", "APPEND k x", "GETRANGE k 0 5"),
    b"list": ("LRANGE k 0 -1", "LPOS k a", "LINSERT k BEFORE a b", "LPOP k", "RPUSH k z", "LTRIM k 1 2"),
    b"set": ("SMEMBERS k", "SRANDMEMBER k -5", "SSCAN k 0", "SADD k 7 zz", "SPOP k"),
    b"hash": ("HGETALL k", "HPTTL k FIELDS 1 a", "HRANDFIELD k -5", "HSCAN k 0", "HSET k q 1", "HDEL k a"),
    b"zset": ("ZRANGE k 0 -1 WITHSCORES", "ZRANGEBYSCORE k -inf +inf", "ZRANK k a", "ZADD k 5 q",
              "ZPOPMIN k"),
    b"stream": ("XRANGE k - +", "XREVRANGE k + - COUNT 2", "XINFO STREAM k FULL", "XINFO GROUPS k",
                "XPENDING k g", "XPENDING k g - + 10", "XADD k * a 1", "XDEL k 1-1",
                "XREADGROUP GROUP g c1 STREAMS k >", "XREADGROUP GROUP g c1 STREAMS k 0",
                "XAUTOCLAIM k g c2 0 0", "XTRIM k MAXLEN 1"),
    b"ReJSON-RL": ("JSON.GET k", "JSON.RESP k", "JSON.DEBUG MEMORY k", "JSON.TYPE k $..*",
                   "JSON.SET k $.b 1", "JSON.ARRAPPEND k $..* 1", "JSON.CLEAR k $.*", "JSON.DEL k $..c"),
    b"MBbloom--": ("BF.DEBUG k", "BF.INFO k", "BF.MADD k a b x y z", "BF.MEXISTS k a b c", "BF.SCANDUMP k 0",
                   "BF.SCANDUMP k 1", "BF.LOADCHUNK k 4 xyz", "BF.INSERT k ITEMS 1 2 3 4 5 6 7 8 9"),
    b"MBbloomCF": ("CF.DEBUG k", "CF.INFO k", "CF.ADD k x", "CF.INSERT k ITEMS a b c d e f", "CF.COUNT k a",
                   "CF.DEL k a", "CF.DEL k b", "CF.COMPACT k", "CF.SCANDUMP k 0", "CF.SCANDUMP k 1",
                   "CF.LOADCHUNK k 4 xy", "CF.ADDNX k new"),
    b"vectorset": ("VINFO k", "VCARD k", "VRANDMEMBER k -5", "VEMB k one", "VLINKS k one",
                   "VSIM k VALUES 3 1 2 3 WITHSCORES", "VSIM k ELE one", "VADD k VALUES 3 1 1 1 new",
                   "VREM k one", "VGETATTR k two", "VISMEMBER k one"),
    b"CMSk-TYPE": ("CMS.INFO k", "CMS.QUERY k a b", "CMS.INCRBY k a 1 z 4294967296", "CMS.MERGE k 2 k k"),
    b"TopK-TYPE": ("TOPK.INFO k", "TOPK.LIST k WITHCOUNT", "TOPK.COUNT k a b z", "TOPK.QUERY k a z",
                   "TOPK.ADD k a b x y z", "TOPK.INCRBY k a 100000 q 100000", "TOPK.LIST k"),
    b"TDIS-TYPE": ("TDIGEST.INFO k", "TDIGEST.RANK k -1 2 1e300", "TDIGEST.REVRANK k 2 3", "TDIGEST.CDF k 2 3",
                   "TDIGEST.QUANTILE k 0 0.3 0.5 1", "TDIGEST.BYRANK k 0 1 2 3", "TDIGEST.BYREVRANK k 1 2",
                   "TDIGEST.TRIMMED_MEAN k 0.1 0.9", "TDIGEST.ADD k 1 2 3", "TDIGEST.MERGE k 2 k k",
                   "TDIGEST.MIN k", "TDIGEST.MERGE new 1 k COMPRESSION 9", "TDIGEST.MAX k"),
    b"TSDB-TYPE": ("TS.INFO k DEBUG", "TS.RANGE k - + AGGREGATION twa 3 EMPTY", "TS.REVRANGE k - +", "TS.GET k", "TS.ADD k 5 7",
                   "TS.ADD k 99999999 1", "TS.INCRBY k 2", "TS.MRANGE - + FILTER a=b", "TS.DEL k 1 2", "TS.ALTER k CHUNK_SIZE 128",
                   "TS.QUERYINDEX a=b", "TS.CREATERULE k fresh AGGREGATION sum 5", "TS.ADD k 999999999 2"),
    b"trietype0": ("FT.SUGGET k hel FUZZY WITHSCORES WITHPAYLOADS", "FT.SUGLEN k", "FT.SUGADD k help 1 INCR", "FT.SUGDEL k hello"),
}


def seeds() -> list[bytes]:
    """Good payloads without their footers."""
    session = new_server().session()
    for line in SETUP.strip().splitlines():
        for command in line.split("|"):
            reply = call(session, *[word.encode() for word in command.split()])
            assert not isinstance(reply, CommandError), (command, reply)
    keys = sorted(session.execute([b"KEYS", b"*"]))
    found = [session.execute([b"DUMP", key])[:-10] for key in keys]
    return [*found, *OLD_FORMS]


def _ziplist(*items: bytes) -> bytes:
    body, before, tail = b"", 0, 10
    for item in items:
        entry = bytes((before, len(item))) + item
        tail = 10 + len(body)
        body += entry
        before = len(entry)
    return struct.pack("<IIH", len(body) + 11, tail, len(items)) + body + b"\xff"


def _string(data: bytes) -> bytes:
    size = len(data)
    return (bytes((size,)) if size < 64 else struct.pack(">H", 0x4000 | size)) + data


OLD_FORMS: Final = [
    b"\x09" + _string(b"\x02\x01a\x01\x00b\x02bb\x02\x01xyz\xff"),  # zipmap
    b"\x0a" + _string(_ziplist(b"a", b"bb", b"ccc")), b"\x0c" + _string(_ziplist(b"a", b"1", b"b", b"2")),
    b"\x0d" + _string(_ziplist(b"a", b"1", b"b", b"2")),
    b"\x0e\x02" + _string(_ziplist(b"a", b"bb")) + _string(_ziplist(b"c")),
    b"\x01\x03\x01a\x01b\x01c", b"\x02\x02\x01a\x01b", b"\x03\x02\x01a\x011\x01b\xfe", b"\x04\x01\x01a\x01b",
]
def payloads(chance: random.Random) -> Iterator[bytes]:
    """Payloads with good checksums and bad contents."""
    good = seeds()
    while True:
        body = chance.choice(good)
        if chance.random() < 0.05:
            other = chance.choice(good)
            body = body[: chance.randrange(len(body) + 1)] + other[chance.randrange(len(other)) :]
        yield with_footer(mutated(chance, body))


def try_payload(server: Server, payload: bytes) -> None:
    """What is refused leaves no trace; what is taken can be used like any value."""
    session = server.session()
    call(session, b"SET", b"k", b"old")
    reply = call(session, b"RESTORE", b"k", b"0", payload, b"REPLACE")
    if isinstance(reply, CommandError):
        if state(session) != [1, b"old", b"k"]:
            raise Fault(f"a trace of what was refused: {reply}")
        return
    kind = bytes(call(session, b"TYPE", b"k"))
    use_value(session, kind)
    call(session, b"FLUSHALL")


def use_value(session: Any, kind: bytes) -> None:
    """Read and write a value in many ways."""
    for command in ("DUMP k", "COPY k c REPLACE", "OBJECT ENCODING k", "MEMORY USAGE k",
                    "DEBUG DIGEST-VALUE k", *READERS.get(kind, ()), "DUMP k"):
        reply = call(session, *[word.encode() for word in command.split()])
        if command == "DUMP k" and isinstance(reply, bytes):
            again = call(session, b"RESTORE", b"again", b"0", reply, b"REPLACE")
            if isinstance(again, CommandError):
                raise Fault(f"what DUMP gave is refused: {again}")


# RDB files ----------------------------------------------------------------------------------------


def rdb_files(chance: random.Random) -> Iterator[bytes]:
    """Damaged files, half of them with good checksums."""
    bodies = seeds()
    while True:
        chosen = chance.sample(bodies, 4)
        records = [bytes((body[0],)) + _string(b"key%d" % at) + body[1:] for at, body in enumerate(chosen)]
        codes = [b"\xfa\x04ctime\x01a", b"\xfe\x00", b"\xfb\x04\x01", b"\xfc" + struct.pack("<q", 1 << 42),
                 b"\xfd" + struct.pack("<i", 1 << 30), b"\xf9\x05", b"\xf8\x05",
                 b"\xf5" + _string(b"#!lua name=l\nredis.register_function('f', function() return 1 end)")]
        parts = [chance.choice(codes) + record for record in records]
        data = mutated(chance, b"REDIS0012" + b"".join(parts) + b"\xff", 4)
        yield data + (struct.pack("<Q", crc64(data)) if chance.random() < 0.9 else b"12345678")


def try_rdb(server: Server, data: bytes) -> None:
    """Either all of it is loaded or nothing."""
    from fakeredis.engine.data import rdb_file
    from fakeredis.rdb.errors import FormatError

    session = server.session()
    call(session, b"FLUSHALL")
    call(session, b"SET", b"k", b"old")
    try:
        rdb_file.from_bytes(server, data)
    except (FormatError, CommandError) as error:
        if state(session) != [1, b"old", b"k"]:
            raise Fault("a trace of what was refused") from error
        return
    for key in call(session, b"KEYS", b"*"):
        kind = bytes(call(session, b"TYPE", key))
        call(session, b"RENAME", key, b"k")
        use_value(session, kind)


# Scripts ------------------------------------------------------------------------------------------

VALUES: Final = (
    "nil", "true", "0", "1", "-1", "1/0", "0/0", "2^31", "2^53", "-2^63", "1e300", "''", "'a'", "'\\0'",
    "('x'):rep(1e5)", "{}", "{1,2,3}", "{a=1}", "redis", "_G", "string", "cjson.null", "print_", "f",
    "function() return 1 end", "function(...) return ... end", "function() error('e') end", "KEYS", "ARGV",
    "co", "setmetatable({},{__index=function(t,k) return k end})", "('%s'):rep(50)", "'(a*)*b'", "'[[]'",
    "'%'", "t", "{t,t}", "'user_script'", "{err='E x'}", "{ok='x'}", "{map={a=1}}", "{double=1.5}",
    "{set={a=true}}", "{big_number='12'}", "{verbatim_string={format='txt',string='x'}}",
)
FUNCTIONS: Final = tuple("""
assert collectgarbage error gcinfo getmetatable ipairs load loadstring next pairs pcall rawequal rawget rawset
select setmetatable tonumber tostring type unpack xpcall string.byte string.char string.dump string.find
string.format string.gmatch string.gsub string.len string.lower string.match string.rep string.reverse
string.sub string.upper table.concat table.foreach table.foreachi table.getn table.insert table.maxn
table.remove table.setn table.sort math.abs math.floor math.fmod math.ldexp math.max math.random
math.randomseed math.frexp coroutine.create coroutine.resume coroutine.running coroutine.status
coroutine.wrap coroutine.yield bit.band bit.bor bit.lshift bit.tohex bit.rol bit.bswap struct.pack
struct.unpack struct.size cjson.encode cjson.decode cjson.encode_sparse_array cjson.encode_max_depth
cjson.new cmsgpack.pack cmsgpack.unpack cmsgpack.unpack_one cmsgpack.unpack_limit redis.call redis.pcall
redis.error_reply redis.status_reply redis.sha1hex redis.log redis.setresp redis.set_repl
redis.acl_check_cmd redis.breakpoint redis.debug __redis__err__handler os.clock
""".split())
COMMANDS: Final = (
    "'set','k','v'", "'get','k'", "'lrange','l',0,-1", "'rpush','l',1,2", "'hset','h','a',1", "'hgetall','h'",
    "'zadd','z',1,'a'", "'zrange','z',0,-1,'WITHSCORES'", "'xadd','x','*','a',1", "'xrange','x','-','+'",
    "'time'", "'nosuch'", "'get'", "'eval','return 1',0", "'sort','l'", "'scan',0", "'command','docs','get'",
)


class _Script:
    """Makes up one script."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance

    def value(self, depth: int = 0) -> str:
        if depth < 3 and self.chance.random() < 0.3:
            return self.call(depth + 1)
        return self.chance.choice(VALUES)

    def call(self, depth: int = 0) -> str:
        name = self.chance.choice(FUNCTIONS)
        if name in ("redis.call", "redis.pcall") and self.chance.random() < 0.8:
            return f"{name}({self.chance.choice(COMMANDS)})"
        words = [self.value(depth + 1) for _ in range(self.chance.choice((0, 1, 1, 2, 2, 3, 4)))]
        call = f"{name}({','.join(words)})"
        if self.chance.random() < 0.3:
            call = f"pcall({','.join([name, *words])})"
        return call

    def statement(self, depth: int = 0) -> str:
        kind = self.chance.randrange(9)
        if kind == 0:
            return f"t[{self.value()}]={self.value()}"
        if kind == 1:
            return f"for i=1,{self.chance.choice(('3', '10', '1000'))} do {self.inner(depth)} end"
        if kind == 2:
            return f"if {self.value()} then {self.inner(depth)} end"
        if kind == 3:
            return f"pcall(function() {self.inner(depth)} end)"
        if kind == 4:
            return f"xpcall(function() {self.inner(depth)} end, function() {self.inner(depth)} end)"
        if kind == 5:
            return f"f=function(...) {self.inner(depth)} return {self.value()} end"
        if kind == 6:
            return f"co=coroutine.wrap(function() {self.inner(depth)} coroutine.yield({self.value()}) end)"
        return f"s={self.call()}"

    def inner(self, depth: int) -> str:
        return self.statement(depth + 1) if depth < 4 else f"s={self.value()}"

    def text(self) -> str:
        statements = " ".join(self.statement() for _ in range(self.chance.randint(0, 5)))
        return (
            f"local t,s,print_={{}},'x',tostring local f=function(...) return ... end "
            f"local co=coroutine.create(f) {statements} return {{{self.value()},{self.call()},s}}"
        )


def scripts(chance: random.Random) -> Iterator[bytes]:
    """Calls of all functions with all kinds of values, and statements that nest them."""
    while True:
        text = _Script(chance).text()
        yield mutated(chance, text.encode()) if chance.random() < 0.05 else text.encode()


def try_script(server: Server, script: bytes) -> None:
    """A script ends, or can be ended."""
    session = server.session(3 if len(script) % 2 else 2)
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    try:
        call(session, b"EVAL", script, b"1", b"k", b"v")
    except KeyboardInterrupt:
        pass
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    if call(session, b"EVAL", b"return 7", b"0") != 7:
        raise Fault("no script runs any more")
    call(session, b"FLUSHALL")


# SQLite files -------------------------------------------------------------------------------------

USED: Final = 6  # keys of a store that are used in many ways

def sqlite_files(chance: random.Random) -> Iterator[bytes]:
    """Stores with damaged rows or damaged pages."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "store.db")
        _make_store(path)
        good = path.read_bytes()
        while True:
            if chance.random() < 0.4:
                yield mutated(chance, good, 6)
            else:
                path.write_bytes(good)
                _damage_rows(chance, path)
                yield path.read_bytes()


def _make_store(path: Path) -> None:
    from fakeredis import FakeServer
    from fakeredis.stores.keyspace.sqlite import SQLiteStore

    server = FakeServer(SQLiteStore(str(path)))
    session = server.session()
    for line in SETUP.strip().splitlines():
        for command in line.split("|"):
            call(session, *[word.encode() for word in command.split()])
    call(session, b"FUNCTION", b"LOAD", b"#!lua name=l\nredis.register_function('f', function() return 1 end)")
    server.let_go()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=DELETE")
    connection.close()


_ROWS: Final = (None, 0, -1, 1 << 62, -(1 << 63), 1.5, "", "text", "\u00e9", b"", b"\xff\xfe", b"\x00" * 20)


def _damage_rows(chance: random.Random, path: Path) -> None:
    connection = sqlite3.connect(path)
    try:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")]
        for _ in range(chance.randint(1, 3)):
            table = chance.choice(tables)
            columns = [row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')]
            column = chance.choice(columns)
            value: Any = chance.choice(_ROWS)
            rows = connection.execute(f'SELECT "{column}" FROM "{table}"').fetchall()
            if rows and chance.random() < 0.5:
                old = chance.choice(rows)[0]
                raw = old if isinstance(old, bytes) else str(old).encode()
                value = mutated(chance, raw)
                value = value if isinstance(old, bytes) else value.decode("latin-1")
            try:
                if chance.random() < 0.1:
                    connection.execute(f'ALTER TABLE "{table}" DROP COLUMN "{column}"')
                elif rows:
                    connection.execute(f'UPDATE "{table}" SET "{column}"=? WHERE "{column}" IS ?',
                                       (value, chance.choice(rows)[0]))
            except sqlite3.Error:
                continue
        connection.commit()
    finally:
        connection.close()


def try_sqlite(server: Server, data: bytes) -> None:
    """A store is opened and used, or refused with an error that says so."""
    from fakeredis import FakeServer
    from fakeredis.stores import StoreError
    from fakeredis.stores.keyspace.sqlite import SQLiteStore

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "store.db")
        path.write_bytes(data)
        try:
            server = FakeServer(SQLiteStore(str(path), timeout=0.2))
        except StoreError:
            return
        try:
            session = server.session()
            found = call(session, b"KEYS", b"*")
            keys = found if isinstance(found, list) else []
            for key in keys:
                call(session, b"DUMP", key)
            for key in random.Random(crc64(data)).sample(keys, min(len(keys), USED)):
                kind = call(session, b"TYPE", key)
                call(session, b"RENAME", key, b"k")
                use_value(session, bytes(kind) if isinstance(kind, bytes) else b"")
            for command in ("FCALL f 0", "SET k v", "PUBLISH c m", "FLUSHALL", "DBSIZE"):
                call(session, *[word.encode() for word in command.split()])
        except StoreError:
            pass
        finally:
            server.let_go()


# The protocol -------------------------------------------------------------------------------------

WORDS: Final = (b"*1\r\n", b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n", b"PING\r\n", b"$5\r\nhello\r\n", b"*-1\r\n",
                b"*2147483648\r\n", b"*1048577\r\n", b"$-1\r\n", b"$536870913\r\n", b"*1000000\r\n", b"\r\n",
                b"\n", b"\0", b'"', b"'", b"SET k \"a\\x0\"\r\n", b"*0\r\n", b"*1\r\n$99999\r\n", b"HELLO 3\r\n",
                b"*2\r\n$4\r\nAUTH\r\n$1\r\nx\r\n", b"MULTI\r\n", b"EXEC\r\n", b"SUBSCRIBE c\r\n", b"CLIENT ",
                b"MONITOR\r\n", b"x" * 70000, b"POST / HTTP/1.1\r\n", b"*1\r\n:1\r\n", b"*a\r\n", b"$a\r\n",
                b"*1\r\n$4\r\nQUIT\r\n", b"EVAL 'return 1' 0\r\n", b"BLPOP q 0.01\r\n", b"RESET\r\n",
                b"*01\r\n", b"*+1\r\n$04\r\nPING\r\n", b"DEBUG SLEEP 0\r\n", b"HRANDFIELD h -100000\r\n")


def streams(chance: random.Random) -> Iterator[bytes]:
    """What a client may send: commands, halves of them, and noise."""
    while True:
        data = b"".join(chance.choice(WORDS) for _ in range(chance.randint(1, 12)))
        if chance.random() < 0.6:
            data = mutated(chance, data, 5)
        if chance.random() < 0.2:
            data += bytes(chance.randrange(256) for _ in range(chance.randint(1, 200)))
        yield data


def try_stream(server: Any, data: bytes) -> None:
    """The server answers other clients afterwards."""
    import socket

    with socket.create_connection(("127.0.0.1", server.port), 5) as one:
        one.settimeout(0.02)
        try:
            one.sendall(data)
            while one.recv(1 << 16):
                pass
        except OSError:
            pass
    with socket.create_connection(("127.0.0.1", server.port), 5) as other:
        other.settimeout(30)
        other.sendall(b"PING\r\n")
        reply = other.recv(100)
        if not reply.startswith((b"+PONG", b"-BUSY")):
            raise Fault(f"PING is answered with {reply!r}")


# Queries ------------------------------------------------------------------------------------------

QUERIES: Final = (
    b"hello world", b"@t:(hello|world) -@g:{red}", b"@g:{a\\-b|w'*x?'|*y*}", b"@n:[(1 +inf]", b"%%%a%%%", b"w'*a*'",
    b'"hello big world"=>{$slop:2;$inorder:true;$weight:2}', b"@p:[1 2 300 km]", b"*=>[KNN 3 @v $b AS d]",
    b"@v:[VECTOR_RANGE 0.5 $b]=>{$yield_distance_as:d}", b"(@n:[1 5])=>[KNN $k @v $b EF_RUNTIME 10]", b"~hello he* *lo *el*",
    b"ismissing(@t)", b"@t|u:hello", b"$w", b"@n==3", b"@s:[WITHIN $p]", b"hello=>{$phonetic:false}", b"@n:[-1 $k] | @g:{$w}",
)
EXPRESSIONS: Final = (
    b"@n + 2 * (@m - 1) / 0", b"format('%s-%s', @t, upper(@g))", b"timefmt(@n, '%Y') || exists(@m)", b"substr(@t, -3, 2)",
    b"split(@g, ',')", b"!(@n > 3 && @t == 'hello')", b"log2(sqrt(-@n)) ^ 9 % 3", b"geodistance(@p, 1, 2)", b"matched_terms()",
)


def queries(chance: random.Random) -> Iterator[bytes]:
    """Queries, and expressions behind a zero byte."""
    while True:
        several = [chance.choice(QUERIES) for _ in range(chance.randint(1, 3))]
        data = chance.choice((b" ", b"|", b" -", b")(")).join(several)
        if chance.random() < 0.3:
            data = b"\0" + chance.choice((b"+", b" ", b",")).join(
                chance.choice(EXPRESSIONS) for _ in range(chance.randint(1, 2))
            )
        if chance.random() < 0.1:
            data = chance.choice((b"(", b"-", b"{", b"~(", b"a|(", b"@t:(")) * 3000 + data
        yield mutated(chance, data, 6) if chance.random() < 0.8 else data


def try_query(server: Any, data: bytes) -> None:
    """Errors are the server's, and the index is asked as well as before."""
    session = server.session(protocol=3)
    try:
        if server.search is None:
            call(session, *b"FT.CREATE i SCHEMA t TEXT SORTABLE u TEXT g TAG n NUMERIC SORTABLE m NUMERIC p GEO s GEOSHAPE FLAT v VECTOR FLAT 6 TYPE FLOAT32 DIM 2 DISTANCE_METRIC L2".split())
            for number in range(200):
                call(session, b"HSET", b"d%d" % number, b"t", b"hello big world x%d" % number, b"g", b"red,a-b",
                     b"n", b"%d" % number, b"p", b"1,2", b"v", struct.pack("<2f", number, 1))
        options = (b"PARAMS", b"8", b"b", bytes(8), b"k", b"3", b"w", b"hello", b"p", b"POINT(1 2)", b"DIALECT", b"2")
        if data[:1] == b"\0":
            call(session, b"FT.AGGREGATE", b"i", b"*", b"LOAD", b"3", b"@t", b"@g", b"@p", b"APPLY", data[1:], b"AS", b"x")
            call(session, b"FT.AGGREGATE", b"i", b"*", b"FILTER", data[1:])
        else:
            call(session, b"FT.SEARCH", b"i", data, b"WITHSCORES", b"HIGHLIGHT", *options)
            call(session, b"FT.SEARCH", b"i", data, b"EXPLAINSCORE", b"WITHSCORES", b"SCORER", b"TFIDF", *options)
            for name in (b"FT.EXPLAIN", b"FT.AGGREGATE"):
                call(session, name, b"i", data, *options)
            call(session, b"FT.SEARCH", b"i", data, b"DIALECT", b"1")
            call(session, b"FT.SPELLCHECK", b"i", data[:100])
        found = call(session, b"FT.SEARCH", b"i", b"x7", b"NOCONTENT")
        if found[b"total_results"] != 1:
            raise Fault(f"the index has lost a document: {found}")
    finally:
        session.close()


# Running ------------------------------------------------------------------------------------------

Kind = tuple[Callable[[random.Random], Iterator[Any]], Callable[[Any, Any], None]]
KINDS: Final[dict[str, Kind]] = {
    "payloads": (payloads, try_payload), "rdb": (rdb_files, try_rdb), "scripts": (scripts, try_script),
    "sqlite": (sqlite_files, try_sqlite), "streams": (streams, try_stream), "queries": (queries, try_query),
    "commands": (fuzz_commands.commands, fuzz_commands.Commands()),
    "json": (fuzz_commands.json, fuzz_commands.try_json), "chunks": (fuzz_commands.chunks, fuzz_commands.try_chunks),
}


# How many there are in the tests that everybody runs: less than there is time for.
USUAL: Final = {
    "payloads": 700, "rdb": 600, "scripts": 450, "sqlite": 15, "streams": 300, "queries": 80,
    "commands": 300, "json": 400, "chunks": 500,
}


def run(kind: str, seed: int, seconds: float, note: Path, most: int = 0) -> int:
    """Try inputs of a kind; how many there were.

    Args:
        note: the file that always has the latest input.
        most: how many at most; 0 for as many as there is time for.
    """
    make, use = KINDS[kind]
    ends = time.monotonic() + seconds
    count = 0
    server: Any = new_server()
    random.seed(seed)
    if kind == "streams":
        from fakeredis import FakeServer

        server = FakeServer().listen()
    for count, data in enumerate(make(random.Random(seed)), 1):
        note.write_text(f"{kind}, seed {seed}, input {count}: {data!r}")
        began = time.process_time()
        use(server, data)
        took = time.process_time() - began
        if took > SLOW:
            raise Fault(f"took {took:.0f} seconds")
        if time.monotonic() > ends or count == most:
            break
    return count


def main() -> None:
    kind, seed, seconds, note, most = (*sys.argv[1:], "0")[:5]
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    print(run(kind, int(seed), float(seconds), Path(note), int(most)), "inputs")
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
