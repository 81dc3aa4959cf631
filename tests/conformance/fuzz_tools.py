"""What all kinds of hostile input are made with."""

# ruff: noqa: E501 - inputs stand in long lines
from __future__ import annotations

import random
import struct
from typing import Any, Final

from fakeredis.errors import CommandError, ConnectionLost
from fakeredis.rdb.checksum import crc64
from tests.support.engines import Server

THEN: Final = 1_700_000_000  # seconds since the epoch, so that inputs do not hang on the time



class Fault(Exception):
    """An input that did what none may do."""


def new_server() -> Server:
    """A server that does the same each time, but for what takes real time."""
    server = Server()
    server.freeze(THEN)
    server.random.seed(1)
    return server


def call(session: Any, *argv: bytes) -> Any:
    """A command's reply or its error; any other exception is a fault."""
    try:
        return session.execute(list(argv))
    except CommandError as error:
        return error
    except ConnectionLost:
        return None


def state(session: Any) -> list[Any]:
    """What is left of a server that had one key."""
    return [call(session, b"DBSIZE"), call(session, b"GET", b"k"), *call(session, b"KEYS", b"*")]


# Values of all types.
SETUP: Final = """
SET s text|SET n 12345|SET long {long}|APPEND raw {long}
RPUSH l a 1 bb -5 300 70000 {long}|RPUSH ints 1 2 3 400 -70000 5000000000 9223372036854775807
SADD set a b c|SADD intset 1 2 3|SADD wide 1 70000 5000000000|SADD many {many}
HSET h a 1 b 2 c {long}|HSET table {pairs}|HSET ttl a 1 b 2 c 3|HPEXPIRE ttl 9000000 FIELDS 1 a
HSET ttls {pairs}|HPEXPIRE ttls 9000000 FIELDS 2 m1 m3
ZADD z 1 a 2.5 b -3 c inf d|ZADD zt {scores}
XADD x 1-1 a 1 b 2|XADD x 2-1 a 3 b 4|XADD x 3-5 c 5|XDEL x 2-1|XGROUP CREATE x g 0
XREADGROUP GROUP g c1 COUNT 1 STREAMS x >|XGROUP CREATE x h $ ENTRIESREAD 3
VADD v VALUES 3 1 2 3 one|VADD v VALUES 3 -1 0 3 two SETATTR {{"a":1}}|VADD v VALUES 3 0 1 0 three
VADD bin VALUES 2 1 -1 one BIN|VADD plain VALUES 2 1 -1 one NOQUANT|VADD red REDUCE 2 VALUES 4 1 2 3 4 e
JSON.SET doc $ {{"a":[1,2.5,"x",null],"b":{{"c":true}}}}|JSON.SET text $ "{long}"
BF.RESERVE bloom 0.1 3 EXPANSION 1|BF.MADD bloom a b c d e f|BF.RESERVE fixed 0.01 5 NONSCALING
CF.RESERVE cuckoo 4 BUCKETSIZE 2 EXPANSION 2|CF.INSERT cuckoo ITEMS a b c d e f a a
PFADD p a b c|SETBIT bits 1000 1|GEOADD g 13.361389 38.115556 Palermo
CMS.INITBYDIM cms 5 3|CMS.INCRBY cms a 1 b 300|TOPK.RESERVE top 3 5 2 0.9|TOPK.INCRBY top a 2 b 3 c 400 d 1
TDIGEST.CREATE td COMPRESSION 3|TDIGEST.ADD td 1 2 2 3.5 -7 1e9 4 5 6 7 8 9|TDIGEST.CREATE td1|TDIGEST.ADD td1 5
TS.CREATE ts CHUNK_SIZE 48 LABELS a b c d|TS.CREATE tsr ENCODING UNCOMPRESSED RETENTION 9000 DUPLICATE_POLICY SUM LABELS a b c e
TS.CREATE dst|TS.CREATERULE ts dst AGGREGATION avg 10|TS.MADD ts 1 1 ts 2 2.5 ts 11 -3 ts 25 1e300 tsr 1 1 tsr 2 2
FT.SUGADD sug hello 1 PAYLOAD p|FT.SUGADD sug help 2
""".format(
    long="x" * 70, many=" ".join(f"m{i}" for i in range(200)),
    pairs=" ".join(f"m{i} v{i}" for i in range(200)),
    scores=" ".join(f"{i / 3} m{i}" for i in range(200)),
)


def with_footer(body: bytes, version: int = 11) -> bytes:
    """A payload whose checksum is right."""
    body += struct.pack("<H", version)
    return body + struct.pack("<Q", crc64(body))


NUMBERS: Final = (0, 1, 2, 0x3F, 0x40, 0x7F, 0x80, 0x81, 0xBF, 0xC0, 0xC3, 0xE0, 0xF0, 0xF4, 0xFE, 0xFF)


def mutated(chance: random.Random, data: bytes, times: int = 3) -> bytes:
    """The data with some of its bytes changed, left out, doubled or put elsewhere."""
    out = bytearray(data)
    for _ in range(chance.randint(1, times)):
        at = chance.randrange(len(out) + 1)
        kind = chance.randrange(8)
        if kind == 0 and at < len(out):
            out[at] = chance.choice(NUMBERS)
        elif kind == 1 and at < len(out):
            out[at] = chance.randrange(256)
        elif kind == 2 and at < len(out):
            out[at] ^= 1 << chance.randrange(8)
        elif kind == 3 and at < len(out):
            out[at] = (out[at] + chance.choice((1, -1))) % 256
        elif kind == 4:
            del out[at : at + chance.randint(1, 4)]
        elif kind == 5:
            out[at:at] = bytes(chance.choice(NUMBERS) for _ in range(chance.randint(1, 9)))
        elif kind == 6:
            size = chance.randint(1, 30)
            out[at:at] = out[at : at + size]
        else:
            out[at : at + 8] = struct.pack("<q", chance.choice((-1, 1 << 31, 1 << 62, -(1 << 63))))
    return bytes(out)


