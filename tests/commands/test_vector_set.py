"""The vector sets against the real server."""

from __future__ import annotations

import random
import struct
from typing import TYPE_CHECKING, Any

import pytest

from tests.commands.playing import play, play_with_events
from tests.support.twin import close, in_order, same

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.twin import Twin

VARIANTS = ("NOQUANT", "Q8", "BIN")
CHANCE = {b"max-level", b"vset-uid"}  # what VINFO tells of the server's chance and its past


def known(reply: Any) -> Any:
    """VINFO's reply without what is made by chance."""
    if not isinstance(reply, (list, dict)):
        return reply
    pairs = reply.items() if isinstance(reply, dict) else zip(reply[::2], reply[1::2], strict=True)
    return [(name, value) for name, value in pairs if name not in CHANCE]


def same_facts(fake: Any, real: Any) -> bool:
    return type(fake) is type(real) and same(known(fake), known(real))


def same_links(fake: Any, real: Any) -> bool:
    """The lowest level of small sets links all; the levels above are made by chance."""
    if not isinstance(real, list):
        return same(fake, real)
    return same(in_order(pairs_of(fake[-1])), in_order(pairs_of(real[-1])))


def pairs_of(level: Any) -> Any:
    if isinstance(level, dict):
        return [list(pair) for pair in level.items()]
    if len(level) > 1 and level[1][:1] in b"0123456789":
        return [list(pair) for pair in zip(level[::2], level[1::2], strict=True)]
    return level


def info(twin: Twin, key: str = "k") -> Any:
    return twin._compare(("VINFO", key), same_facts)


def floats(rng: random.Random, dimension: int) -> list[float]:
    scale = rng.choice([1, 1, 1, 100, 1e-3])
    return [rng.gauss(0, 1) * scale for _ in range(dimension)]


def blob(numbers: list[float]) -> bytes:
    return struct.pack(f"<{len(numbers)}f", *numbers)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("dimension", [1, 2, 3, 7, 8, 12, 17, 64, 100])
def test_numbers(twin: Twin, variant: str, dimension: int) -> None:
    """Vectors, scores and their order agree to the last digit."""
    rng = random.Random(dimension)
    for number in range(12):
        vector = floats(rng, dimension)
        words = ("FP32", blob(vector)) if number % 2 else ("VALUES", dimension, *vector)
        twin("VADD", "k", *words, f"e{number}", variant)
        twin("VEMB", "k", f"e{number}")
        twin("VEMB", "k", f"e{number}", "RAW")
    info(twin)
    tied = variant == "BIN" or dimension == 1
    for number in range(12):
        twin.unordered("VSIM", "k", "ELE", f"e{number}", "WITHSCORES", "COUNT", 12)
        twin._compare(("VLINKS", "k", f"e{number}", "WITHSCORES"), same_links)
        vector = floats(rng, dimension)
        for words in (("FP32", blob(vector)), ("VALUES", dimension, *vector)):
            ask = ("VSIM", "k", *words, "WITHSCORES", "COUNT", 12)
            (twin.unordered if tied else twin)(*ask)
        if not tied:
            twin("VSIM", "k", "FP32", blob(vector), "COUNT", 3)
            twin("VSIM", "k", "FP32", blob(vector), "COUNT", 20, "EPSILON", 0.4, "TRUTH")


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("dimensions", [(3, 2), (2, 2), (4, 5), (9, 4), (33, 9)])
def test_projections(twin: Twin, variant: str, dimensions: tuple[int, int]) -> None:
    given, kept = dimensions
    rng = random.Random(given)
    for number in range(6):
        vector = blob(floats(rng, given))
        twin("VADD", "k", "REDUCE", kept, "FP32", vector, f"e{number}", variant)
        twin("VEMB", "k", f"e{number}")
        twin("VEMB", "k", f"e{number}", "RAW")
    info(twin)
    twin("VDIM", "k")
    for size in {given, kept, given + 1}:
        twin.unordered("VSIM", "k", "FP32", blob(floats(rng, size)), "WITHSCORES")
    twin.unordered("VSIM", "k", "ELE", "e1", "WITHSCORES")


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(
    "words", ["0 0 0", "inf 1 2", "-inf 1 inf", "1e-30 0 0", "1e20 1 1", "1e39 1 1",
              "1e-30 2e-31 0", "1e-40 3e-41 0", "0x10 1e1 .5", "-0 0 1", "1 1 1"],
)
def test_odd_vectors(twin: Twin, variant: str, words: str) -> None:
    twin("VADD", "k", "VALUES", 3, *words.split(), "e", variant)
    twin("VEMB", "k", "e")
    twin("VEMB", "k", "e", "RAW")
    twin("VADD", "k", "VALUES", 3, 1, 2, 3, "e2", variant)
    twin.unordered("VSIM", "k", "ELE", "e", "WITHSCORES")
    twin.unordered("VSIM", "k", "ELE", "e2", "WITHSCORES")
    twin.unordered("VSIM", "k", "VALUES", 3, *words.split(), "WITHSCORES")


def test_no_numbers(twin: Twin) -> None:
    nan = struct.pack("<2f", float("nan"), 1)
    twin("VADD", "k", "FP32", nan, "e", "NOQUANT")
    twin("VEMB", "k", "e", "RAW")
    twin("VADD", "k8", "FP32", nan, "e")
    twin("VEMB", "k8", "e", "RAW")


ADDING = """
    VADD
    VADD k
    VADD k a b
    VADD k a b c
    VADD k VALUES 0 e
    VADD k VALUES 2 1 e
    VADD k VALUES 2 1 2
    VADD k VALUES 3 1 2
    VADD k VALUES 99999999999 1 2 e
    VADD k VALUES abc 1 2 e
    VADD k VALUES +2 1 2 e
    VADD k VALUES ' 2' 1 2 e
    VADD k VALUES 02 1 2 e
    VADD k VALUES 2 ' 1' 2 e
    VADD k VALUES 2 '1 ' 2 e
    VADD k VALUES 2 '' 2 e
    VADD k VALUES 2 nan 2 e
    VADD k VALUES 2 1e400 2 e
    VADD k FP32 1234123 e
    VADD k FP32 '' e
    VADD k FP32 a
    VADD k REDUCE
    VADD k REDUCE 1
    VADD k REDUCE a FP32 12341234 e
    VADD k REDUCE 0 FP32 12341234 e
    VADD k REDUCE 2 FP32 1234
    VADD k REDUCE 2 FP32
    VADD k REDUCE 2 VALUES 1 1
    VADD k REDUCE 2 REDUCE 2 VALUES 1 1 x
    VADD k VALUES 1 1 REDUCE 2 x
    VADD k VALUES 2 1 1 x EF 0
    VADD k VALUES 2 1 1 x EF 1000001
    VADD k VALUES 2 1 1 x EF
    VADD k VALUES 2 1 1 x M 3
    VADD k VALUES 2 1 1 x M 4097
    VADD k VALUES 2 1 1 x SETATTR
    VADD k VALUES 2 1 1 x NOSUCH
    EXISTS k
    VADD k VALUES 2 1 2 e
    VADD k values 2 1 2 e
    VADD k VALUES 3 1 2 3 e
    VADD k VALUES 3 1 2 3 e NOSUCH
    VADD k VALUES 2 1 2 e2 CAS NOQUANT
    VADD k VALUES 2 1 2 e2 BIN
    VADD k VALUES 2 1 2 e2 BIN Q8
    VADD k VALUES 2 1 2 e2 Q8 BIN NOQUANT
    VADD k VALUES 3 1 2 3 e2 BIN M 20
    VADD k VALUES 2 1 2 e2 M 16
    VADD k VALUES 2 1 2 e3 M 17
    VADD k VALUES 2 1 2 e3 cas ef 10 setattr x m 16
    VADD k REDUCE 2 VALUES 2 1 2 e
    VADD k REDUCE 2 VALUES 3 1 2 3 e
    VADD k VALUES 2 1 2 e4 SETATTR a SETATTR b
    VGETATTR k e4
    VADD k VALUES 2 3 3 e4
    VGETATTR k e4
    VADD k VALUES 2 3 3 e4 SETATTR ''
    VGETATTR k e4
    VADD k VALUES 2 1 2 ''
    VCARD k
    VADD b VALUES 2 1 2 e BIN
    VADD b VALUES 2 1 2 e
    VADD b VALUES 3 1 2 3 e BIN M 20
    VADD b REDUCE 2 VALUES 3 1 2 3 e BIN
    VADD b REDUCE 2 VALUES 2 1 2 e BIN
    VADD p REDUCE 2 VALUES 3 1 2 3 e M 4
    VADD p REDUCE 1 VALUES 3 1 2 3 e M 4
    VADD p REDUCE 2 VALUES 4 1 2 3 4 e M 4
    VADD p VALUES 3 1 2 3 e M 4
    VADD p VALUES 2 1 2 e M 4
    VADD p VALUES 2 1 2 e M 5
    SET s 1
    VADD s VALUES x
    VADD s VALUES 2 x y e
    VADD s VALUES 2 1 1 e EF 0
    VADD s VALUES 2 1 1 e
"""

LOOKING = """
    VADD k VALUES 3 1 2 3 e SETATTR '{"a":1}'
    VADD k VALUES 3 1 -2 3 f
    VADD n VALUES 3 1 2 3 e NOQUANT SETATTR x
    VADD b VALUES 3 1 2 3 e BIN
    VCARD
    VCARD k k
    VCARD k
    VCARD no
    VDIM
    VDIM k x
    VDIM k
    VDIM no
    VEMB k
    VEMB k e
    VEMB k e raw
    VEMB k e RAW RAW
    VEMB n e RAW
    VEMB b e RAW
    VEMB b e
    VEMB k zz
    VEMB k zz RAW
    VEMB k zz FOO
    VEMB no zz FOO
    VEMB no zz
    VGETATTR k
    VGETATTR k e
    VGETATTR k f
    VGETATTR k zz
    VGETATTR no zz
    VISMEMBER k e
    VISMEMBER k zz
    VISMEMBER no zz
    VISMEMBER k
    VSETATTR k e foo
    VGETATTR k e
    VSETATTR k e ''
    VGETATTR k e
    VSETATTR k zz foo
    VSETATTR no e foo
    VSETATTR k e
    VSETATTR k e x y
    VLINKS k zz
    VLINKS no zz
    VLINKS k e FOO
    VLINKS k zz FOO
    VLINKS k e WITHSCORES WITHSCORES
    VLINKS k
    VINFO
    VINFO no
    VINFO k x
    ?VRANDMEMBER k
    VRANDMEMBER no
    VRANDMEMBER no 3
    VRANDMEMBER no x
    VRANDMEMBER k x
    ~VRANDMEMBER k 2
    ~VRANDMEMBER k 20
    VRANDMEMBER k 0
    ?VRANDMEMBER k -5
    VRANDMEMBER k 1 1
    VRANDMEMBER k 1.5
    TYPE k
    OBJECT ENCODING k
    OBJECT REFCOUNT k
    SCAN 0 TYPE vectorset COUNT 100 MATCH k
    SORT k
    GET k
    APPEND k x
    COPY k k2
    COPY k n
    COPY k n REPLACE
    COPY k k
    RENAME k k3
    VCARD k3
    MOVE k3 3
    VREM n zz
    VREM no e
    VREM n
    VREM n e e
    VREM n e
    EXISTS n
    SET s 1
    VCARD s
    VDIM s
    VEMB s e
    VEMB s e FOO
    VGETATTR s e
    VISMEMBER s e
    VSETATTR s e x
    VLINKS s e
    VINFO s
    VRANDMEMBER s
    VRANDMEMBER s x
    VRANDMEMBER s 0
    VRANDMEMBER s 1
    VREM s e
"""

SEARCHING = """
    VADD k VALUES 3 1 2 3 e SETATTR '{"a":1}'
    VADD k VALUES 3 1 -2 3 f
    VADD p REDUCE 2 VALUES 3 1 2 3 e
    SET s 1
    VSIM
    VSIM k
    VSIM k ELE
    VSIM no ELE x
    VSIM no FOO x NOSUCH
    VSIM no ELE x WITHSCORES
    VSIM s x y z
    VSIM s x
    VSIM k ELE zz
    VSIM k ELE zz COUNT x
    VSIM k ele e
    VSIM k ELE e NOSUCH
    VSIM k FOO e
    VSIM k VALUES 2 1
    VSIM k VALUES 3 1 2 x
    VSIM k VALUES 2 1 2
    VSIM k VALUES 2 1 2 NOSUCH
    VSIM k VALUES 3 1 2 3 NOSUCH
    VSIM k FP32 1234
    VSIM k FP32 12341
    VSIM k REDUCE 2 VALUES 3 1 2 3
    VSIM p VALUES 3 1 2 3
    VSIM p VALUES 2 1 2
    VSIM p VALUES 4 1 2 3 4
    VSIM p ELE e
    VSIM k ELE e WITHSCORES
    VSIM k ELE e WITHATTRIBS
    VSIM k ELE e WITHSCORES WITHATTRIBS
    VSIM k ELE e withattribs withscores count 1
    VSIM k ELE e COUNT
    VSIM k ELE e COUNT 0
    VSIM k ELE e COUNT 1.0
    VSIM k ELE e COUNT 1 COUNT 2
    VSIM k ELE e COUNT 100000000000
    VSIM k ELE e EF 0
    VSIM k ELE e EF 1000001
    VSIM k ELE e EPSILON 0
    VSIM k ELE e EPSILON -0.1
    VSIM k ELE e EPSILON nan
    VSIM k ELE e EPSILON 1e400
    VSIM k ELE e EPSILON abc
    VSIM k ELE e EPSILON inf
    VSIM k ELE e EPSILON 0.0001
    VSIM k ELE e FILTER-EF 0
    VSIM k ELE e FILTER-EF -1
    VSIM k ELE e FILTER
    VSIM k ELE e FILTER '1 @' COUNT x
    VSIM k ELE e COUNT x FILTER '1 @'
    VSIM k ELE e FILTER '.a == 1' WITHSCORES
    VSIM k ELE e FILTER '.x == 1' WITHSCORES
    VSIM k ELE e FILTER '.x == 1'
    VSIM k ELE e FILTER '1'
    VSIM k ELE e FILTER ''
    VSIM k ELE e FILTER '1 @\\n\\r@'
    VSIM k ELE e ELE e
    VSIM k ELE e NOTHREAD TRUTH EF 10 EPSILON 0.4 FILTER .a FILTER-EF 10
"""


@pytest.mark.parametrize("script", [ADDING, LOOKING, SEARCHING], ids=["adding", "looking", "vsim"])
def test_words(twin: Twin, script: str) -> None:
    play(twin, script)
    for key in ("k", "b", "p", "no", "s"):
        info(twin, key)


def test_attributes_are_counted(twin: Twin) -> None:
    """Even where the server counts wrong: additions by threads not, empty ones of new elements."""
    for line in """
        VADD k VALUES 2 1 1 a CAS SETATTR x
        VADD k VALUES 2 1 1 b CAS SETATTR x
        VADD k VALUES 2 1 1 c SETATTR x
        VADD k VALUES 2 1 1 b SETATTR y
        VADD k VALUES 2 1 1 b CAS SETATTR z
        VADD k VALUES 2 1 1 b CAS
        VSETATTR k b ''
        VSETATTR k b ''
        VADD k VALUES 2 1 1 d CAS SETATTR ''
        VADD k VALUES 2 1 1 e SETATTR ''
        VGETATTR k e
        VADD k VALUES 2 1 1 e
        VGETATTR k e
        ~VSIM k ELE e WITHATTRIBS
        ~VSIM k ELE e FILTER 1
        VREM k e
        VADD k VALUES 2 1 1 e SETATTR ''
        VADD k VALUES 2 1 1 e SETATTR ''
        VGETATTR k e
        VSETATTR k e x
        VREM k e
    """.strip().splitlines():
        play(twin, line)
        info(twin)
    play(twin, "MULTI\nVADD k VALUES 2 1 1 m CAS SETATTR x\nEXEC")
    info(twin)


ATTRIBUTES = (
    r"""{"n":5,"z":0,"f":1.5,"s":"abc","e":"","t":true,"fa":false,"nu":null,"a":[1,2,"x"],"""
    r""""o":{"x":1},"ns":"5","neg":-3,"ea":[],"u_x":1,"exp":1e3,"na":[[1],2],"d-h":7,"""
    r""""an":[null,true,false]}"""
)
EXPRESSIONS = """
1|0|1.5|"a"|""|'a'|''|.n|.z|.s|.e|.t|.fa|.nu|.a|.o|.missing|.ea|.na|null|true|null == null
.n==5|.n=="5"|.ns==5|.s=="abc"|.s!='abd'|.s>"abb"|.n>4|.n>=5|.n<5|.n<=5|.t==1|.t==true|.nu==null
not .missing|not .z|!.z|! .n|not not 1|1 and 0|1 && 1|0 or 1|1 || 0|1 AND 1|.missing or 1
1+1==2|5-3==2|2*3==6|7/2==3.5|7%3==1|2**3**2==512|-1<0|- 1<0|-(1)<0|.n-3==2|.n -3==2|.n-.z==5
5%0==0|1/0>1|-1/0<0|0/0==0|-7%3==-1|"a"+"b"|"5"+1==6|.s+1==1|.ns*2==10|1e3==1000|.5==0.5|5.==5
+5==5|0x10==16|1e==1|1_000|"5x"+1==1|" 5"+1==6|"5 "==5|"0x10"==16|"inf">1|"nan"+0==0|"nan">0
.n in [1,5]|"x" in .a|1 in .a|"1" in .a|3 in .a|"bc" in .s|"" in .s|1 in "123"|1 in []|1 in [1,]
1 in [,1]|1 in [1 2]|1 in ["a",[1]]|5 in [.n]|.a in [1]|1 in .missing|5 in 5|.t in [true]
1 in .na|2 in .na|0 in .na|[1]|[]|[1]==[2]|[1]==1|[1] in [0]|1 in [-1]|1 in [(1)]|1 in [1+0]
null in .an|1 in [null]|.z in .a|"1"|." n"|..n|. n|.n.x|.n .s|1 1|(1|1)|((1))|()|1 +|*1|1 and
and|not|1 ! 0|1=1|1===1|1<>2|1&1|1&&|a|.n==abc|"abc|'a\\'b'=='a\\'b'|1;|1,2|@|$n|1 @|.n@1|(1)(1)
.d-h==7|[1|1]|1a|1.2.3|1..2|.n==5and1|5in [5]|not1|!(0)|!!1|1-1|1 -1|3--1==4|3 -(-1)==4|2**-1==0.5
[1]-1|"a"-1|1 android 1|1 andy|1 inx 2|(null)|( null )|null,1|null or 1|null+1|null + 1|null == 0
not 2 in [5]|not 2**0|not 0 + 1|1==2>1|1 or 1 and 0|5 == 5 in [1]|2+3 in [5]|0 > 5 in [0]|3==3==1
1 2 +|1 and not not 0|1 not in [2]|(.nu==null)|(.nu == null ) and 1|1 and .|. |1 and .@|["a]|[- 1]
["a"b]|[1;2]|[0x1]|[.5]|[+1]|1 in [1]]|.n>=5&&.s=="abc"|"a""b"|1>- 1|-.5|1e400>1|)(|1 (|null -1
"""
OBJECTS = """
{"b":7|{"b":7}x|x{"b":7}| {"b" : 7 } |[1]|1|"b"|{"a":{"b":2},"b":7}|{"a":[{"b":2}],"b":7}
{"a":"\\"b\\":3","b":7}|{"b":07}|{"b":7x}|{"b":+7}|{"b":70e-1}|{"b":.5}|{"b":tru}|{"b":true}|{"b":truex}
{"b":null}|{"b":"7"}|{"b":"7}|{b:7}|{'b':7}|{"b":7,"b":2}|{"\\u0062":7}|{"a":x,"b":7}|{"a":01,"b":7}
{,"b":7}|{"a":1 "b":7}|{"a":tru,"b":7}|{"a":[1,"b":7}|{"a":[1}],"b":7}|{"a":{"c":1],"b":7}|{"b":[7]}
{"b":{"b":7}}|{"b":7e}|{"b":7.}|{"b"\\t:\\n7}|{"b":}|{"b"}|{"b":[7,[2]]}|{"b":[7|{"b":[7,]}|{"b":[x]}
{"b":[{"c":1},7]}|{"b":[true,7]}|{"b":0x7}|{"b":NaN}|{"b":-}|{"":7}|{"b" 7}|{"a":"]","b":[7]}
{"a":["]"],"b":7}|{"a":{"y":"}"},"b":7}|{"a":-,"b":7}|{"a":truefoo,"b":7}|{"a":1e5.3-2+,"b":7}|{1:2,"b":7}
{"b":"\\n"}|{"b":"\\b"}|{"b":"\\u0041"}|{"b":"\\/\\x"}
"""


def cases(text: str) -> list[str]:
    return [case for line in text.strip().splitlines() for case in line.strip().split("|")]


def test_filters(twin: Twin) -> None:
    """What expressions mean, and which are wrong where."""
    twin("VADD", "k", "VALUES", 1, 1, "e", "SETATTR", ATTRIBUTES)
    for expression in [*cases(EXPRESSIONS), "9" * 300, '"a\0b"', "1 \0 @", "0||1", "0 || 0"]:
        twin("VSIM", "k", "ELE", "e", "FILTER", expression)


def test_attributes_of_filters(twin: Twin) -> None:
    """How JSON is read, or what is taken for it."""
    twin("VADD", "k", "VALUES", 1, 1, "e")
    for text in cases(OBJECTS):
        twin("VSETATTR", "k", "e", text)
        for expression in (".b", ".b == 7", "7 in .b", ".b != 1", '.b == "\n"', '.b == "u0041"'):
            twin("VSIM", "k", "ELE", "e", "FILTER", expression)


def test_tied(twin: Twin) -> None:
    """A limit is kept to the digit."""
    for ones in range(9):
        twin("VADD", "k", "VALUES", 8, *[1] * ones, *[-1] * (8 - ones), f"e{ones}", "BIN")
    for limit in ("0.125", "0.124", "0.25", "0.24", "0.26", "0.5", "1", "2"):
        twin("VSIM", "k", "VALUES", 8, *[1] * 8, "EPSILON", limit)


def test_events_and_watch(twin: Twin) -> None:
    """There are no events but those of keys; WATCH hears of all that opens a key for writing."""
    play_with_events(
        twin,
        """
        VADD k VALUES 2 1 2 e
        VADD k VALUES 2 1 2 e
        VADD k VALUES 3 1 2 3 e
        VSETATTR k e x
        VEMB k e
        VSIM no ELE e
        VCARD no
        VRANDMEMBER no
        VLINKS no e
        VREM k e
        EXISTS k
        VADD k VALUES 2 1 2 e
        EXPIRE k 100
        VADD k VALUES 2 1 2 f
        @TTL k
        RENAME k j
        DEL j
        VADD j VALUES 2 1 2 e
        SET j 1
        """,
    )
    for call in (
        "VADD k VALUES 2 1 2 e", "VADD k VALUES 2 1 2 e", "VADD k VALUES 3 1 1 1 e",
        "VADD k VALUES 2 1 2 e EF 0", "VSETATTR k zz x", "VSETATTR k", "VREM k zz", "VREM k e",
        "VREM k e", "VSETATTR k e x", "VSIM k ELE e",
    ):
        twin("WATCH", "k")
        twin.session()(*call.split())
        play(twin, "MULTI\nPING\nEXEC")


def test_statistics(twin: Twin) -> None:
    """Hits, misses and changes count as the server's."""
    twin("CONFIG", "RESETSTAT")
    for script in (ADDING, LOOKING):
        lines = [line for line in script.splitlines() if line.strip("?~ ").startswith("V")]
        play(twin, "\n".join(lines))
        twin("FLUSHALL")
    fake = twin.server
    stats = twin.wire.call(b"INFO", b"stats").decode()
    real = dict(line.split(":", 1) for line in stats.splitlines() if ":" in line)
    assert (fake.hits, fake.misses) == (int(real["keyspace_hits"]), int(real["keyspace_misses"]))


def test_in_transactions_and_scripts(twin: Twin) -> None:
    play(
        twin,
        """
        MULTI
        VADD k VALUES 2 1 2 e CAS
        VSIM k ELE e WITHSCORES
        VSIM k ELE e BAD
        VSIM
        VEMB k e
        EXEC
        EVAL "return redis.call('VADD','k','VALUES',2,1,1,'c')" 1 k
        EVAL "return redis.call('VSIM','k','ELE','e','WITHSCORES')" 1 k
        EVAL "redis.setresp(3) return redis.call('VSIM','k','ELE','e','WITHSCORES')" 1 k
        EVAL "redis.setresp(3) return redis.call('VADD','k','VALUES',2,1,1,'d')" 1 k
        EVAL "redis.setresp(3) return redis.call('VEMB','k','e')" 1 k
        EVAL_RO "return redis.call('VCARD','k')" 1 k
        EVAL_RO "return redis.call('VISMEMBER','k','e')" 1 k
        EVAL_RO "return redis.call('VREM','k','e')" 1 k
        """,
    )


def test_facts(twin: Twin) -> None:
    """COMMAND knows them as a module's, and ACL no categories of theirs."""
    play(
        twin,
        """
        ~COMMAND LIST FILTERBY MODULE vectorset
        ~COMMAND LIST FILTERBY MODULE VectorSet
        COMMAND LIST FILTERBY MODULE nosuch
        COMMAND INFO VADD VSIM VCARD VRANGE
        COMMAND DOCS VADD
        COMMAND GETKEYS VADD k VALUES 2 1 2 e
        COMMAND GETKEYSANDFLAGS VADD k VALUES 2 1 2 e
        COMMAND GETKEYS VCARD
        ACL SETUSER u on nopass ~* -@all +@read +@write +@fast
        ACL DRYRUN u VADD k VALUES 2 1 1 c
        ACL SETUSER u +@all resetkeys %R~k
        ACL DRYRUN u VCARD k
        ACL DRYRUN u VADD k VALUES 2 1 1 c
        """,
    )


def test_old_servers_have_none() -> None:
    from tests.support.engines import Server
    from tests.support.twin import fake_reply

    for server in (Server("7.4"), Server("8.1", "valkey")):
        reply = fake_reply(server.session(), [b"VCARD", b"k"])
        assert str(reply).startswith("ERR unknown command 'VCARD'")


def test_memory(twin: Twin) -> None:
    """About as much as the server takes."""
    rng = random.Random(1)
    for number in range(50):
        twin("VADD", "k", "FP32", blob(floats(rng, 100)), f"e{number}")
    twin._compare(("MEMORY", "USAGE", "k"), lambda fake, real: close(fake, real, real // 5))


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("reduced", [False, True])
@pytest.mark.parametrize("size", [1, 3, 60])
def test_dump(twin: Twin, variant: str, reduced: bool, size: int) -> None:
    """Each side reads what the other writes."""
    rng = random.Random(size)
    reduce = ("REDUCE", 5) if reduced else ()
    for number in range(size):
        attributes = () if number % 3 else ("SETATTR", f"a{number}")
        vector = blob(floats(rng, 8))
        twin("VADD", "k", *reduce, "FP32", vector, f"{number}", variant, "M", 4, *attributes)
    theirs, ours = twin.wire.call(b"DUMP", b"k"), twin.fake.execute([b"DUMP", b"k"])
    assert theirs[:10] == ours[:10]
    twin("RESTORE", "theirs", 0, theirs)
    twin("RESTORE", "ours", 0, ours)
    for key in ("theirs", "ours"):
        info(twin, key)
        for number in range(0, size, 7):
            twin("VEMB", key, f"{number}", "RAW")
            twin("VGETATTR", key, f"{number}")
            count = 70 if variant == "BIN" else 5  # where many are as near, all of them
            ask = ("VSIM", key, "ELE", f"{number}", "WITHSCORES", "COUNT", count, "EF", 500)
            twin._compare(ask, same_found)
        twin("VADD", key, *reduce, "FP32", vector, "new", variant, "M", 4)
        twin("VREM", key, "0")


def same_found(fake: Any, real: Any) -> bool:
    """The same elements, those that are equally near in any order."""
    if isinstance(real, list):
        fake, real = (dict(zip(reply[::2], reply[1::2], strict=True)) for reply in (fake, real))
    return same(fake, real)


def test_damaged_payloads(twin: Twin) -> None:
    """Wherever a payload is cut, both refuse it."""
    from fakeredis.rdb.checksum import crc64

    twin("VADD", "k", "VALUES", 2, 1, 2, "e", "SETATTR", "a")
    payload = twin.fake.execute([b"DUMP", b"k"])[:-10]
    for length in range(10, len(payload)):
        cut = payload[:length] + b"\x0c\x00"
        cut += struct.pack("<Q", crc64(cut))
        twin("RESTORE", "r", 0, cut)


def test_a_store_keeps_them(tmp_path: Path) -> None:
    """Changes of any kind; a failed command leaves nothing to be repeated."""
    import redis

    import fakeredis

    url = f"sqlite:///{tmp_path}/state.db"
    with fakeredis.patch(store=url):
        client: Any = redis.Redis()
        for number in range(40):
            client.execute_command("VADD", "k", "VALUES", 2, 1, number, f"e{number}", "NOQUANT")
        with pytest.raises(redis.ResponseError, match="mismatch"):
            client.execute_command("VADD", "k", "VALUES", 3, 1, 1, 1, "x", "NOQUANT")
        client.execute_command("VSETATTR", "k", "e1", "a")
        client.execute_command("VREM", "k", "e2")
        client.execute_command("VADD", "gone", "VALUES", 1, 1, "x")
        client.execute_command("VREM", "gone", "x")
        before = client.execute_command("VSIM", "k", "ELE", "e3", "COUNT", 50)
    with fakeredis.patch(store=url):
        client = redis.Redis()
        assert client.keys() == [b"k"]
        assert client.execute_command("VSIM", "k", "ELE", "e3", "COUNT", 50) == before
        assert client.execute_command("VGETATTR", "k", "e1") == b"a"
        assert client.execute_command("VCARD", "k") == 39


@pytest.mark.parametrize("links", [4, 8, 16])
def test_most_links(twin: Twin, links: int) -> None:
    """A new element has no more than the set gives to one, an elder one up to twice as many."""
    twin.ignore("k")
    rng = random.Random(links)
    for number in range(60):
        twin("VADD", "k", "VALUES", 2, rng.random(), rng.random(), f"e{number}", "M", links)
    for ask in (twin.fake.execute, lambda argv: twin.wire.call(*argv)):
        assert all(len(level) <= links for level in ask([b"VLINKS", b"k", b"e59"]))
        assert links < max(
            len(ask([b"VLINKS", b"k", b"e%d" % number])[-1]) for number in range(60)
        ) <= 2 * links
