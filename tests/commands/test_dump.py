"""DUMP, RESTORE and MIGRATE against the real server."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import fakeredis
from fakeredis.clients.network import Network
from fakeredis.errors import CommandError
from fakeredis.rdb.checksum import crc64
from tests.commands.playing import play, play_with_events, words
from tests.conformance.machine import LONG
from tests.support.engines import Server
from tests.support.twin import Checker
from tests.support.wire import Wire

if TYPE_CHECKING:
    from fakeredis.engine.core.session import Session
    from tests.support.twin import Twin

# Values of every type and encoding; those marked have one form only.
EXACT = {
    "text": "SET k hello", "empty": "SET k ''", "int8": "SET k -128", "int16": "SET k 300",
    "int32": "SET k -70000", "int64": "SET k 3000000000", "zero first": "SET k 012",
    "repeated": "SET k " + "ab" * 100, "long": "SET k " + "abcdefghijklmnop" * 999,
    "just too short to pack": "SET k " + "a" * 20, "packed": "SET k " + "a" * 21,
    "unpackable": "SET k abcdefghijklmnopqrstuvwxyz0123456789", "changed": "APPEND k 12",
    "hash": "HSET k f v g 12 h -5000 i ''", "hash of numbers": "HSET k 1 2 300 70000",
    "hash with deadlines": "HSET k f v g 12 h 3\nHPEXPIREAT k 33177117420000 FIELDS 1 g\n"
    "HPEXPIREAT k 33177117410000 FIELDS 1 h",
    "list": "RPUSH k a b 3 -1 128 -4097 40000 9000000 5000000000",
    "list of nodes": "RPUSH k a b " + "x" * 9000 + " c",
    "long list": "RPUSH k " + " ".join(f"e{n}" * 20 for n in range(400)),
    "intset16": "SADD k 3 1 -2", "intset32": "SADD k 70000 1", "intset64": "SADD k 3 1 99999999999",
    "listpack set": "SADD k a", "zset": "ZADD k 1 a 2.5 b -inf c 3 d 1e300 e -7 f",
    "skiplist": f"ZADD k 1 {'a' * 65} inf b -1.5 c",
    "stream": "XADD k 1-1 f v g w\nXADD k 2-1 f v2 g 7\nXADD k 3-1 h v2\nXADD k 3-2 h v a b c d",
    "long stream": "\n".join(f"XADD k {n}-1 f {'v' * 50} g {n}" for n in range(1, 130)),
    "empty stream": "XGROUP CREATE k g 0 MKSTREAM", "gone": "XADD k 7-7 f v\nXDEL k 7-7",
}
FREE = {
    "hash table": f"HSET k f {'v' * 65} g 12",
    "hash table with deadlines": f"HSET k f {'v' * 65} g 12\n"
    "HPEXPIREAT k 33177117420000 FIELDS 1 g",
    "persisted": "HSET k f v g 12\nHPEXPIREAT k 33177117420000 FIELDS 1 f\nHPERSIST k FIELDS 1 f",
    "set": f"SADD k a {'b' * 65} 12", "listpack set": "SADD k a b c 1 2 3",
    "big set": "SADD k " + " ".join(map(str, range(600))),
    "big zset": "ZADD k " + " ".join(f"{n / 3} m{n}" for n in range(200)),
    "stream with deleted": "XADD k 1-1 f v\nXADD k 2-2 f v\nXADD k 3-3 g w\nXDEL k 2-2\nXDEL k 1-1",
    "group": "XADD k 1-1 f v\nXADD k 2-2 f v\nXGROUP CREATE k g 0\nXGROUP CREATE k a 1\n"
    "XREADGROUP GROUP g c COUNT 1 STREAMS k >\nXREADGROUP GROUP g d STREAMS k >\n"
    "XACK k g 1-1\nXGROUP CREATECONSUMER k g idle",
    "setid": "XADD k 1-1 f v\nXSETID k 9-9 ENTRIESADDED 12 MAXDELETEDID 5-5",
}


def payload(kind: int, body: bytes, version: int = 12) -> bytes:
    """A payload with a right footer."""
    data = bytes((kind,)) + body + struct.pack("<H", version)
    return data + struct.pack("<Q", crc64(data))


TEXT = payload(0, b"\x05hello")


def cross(twin: Twin) -> None:
    """Each side gets what the other one dumped; the end of the test compares their states."""
    here, there = twin.fake.execute([b"DUMP", b"k"]), twin.wire.call(b"DUMP", b"k")
    twin.note([b"RESTORE"])
    assert twin.wire.call(b"RESTORE", b"new", b"0", here) == b"OK"
    assert twin.fake.execute([b"RESTORE", b"new", b"0", there]) == b"OK"


@pytest.mark.parametrize("script", EXACT.values(), ids=EXACT)
def test_payloads_are_the_servers_own(twin: Twin, script: str) -> None:
    play(twin, script)
    twin("DUMP", "k")
    cross(twin)


@pytest.mark.parametrize("script", FREE.values(), ids=FREE)
def test_payloads_with_freedom_are_understood(twin: Twin, script: str) -> None:
    play(twin, script)
    cross(twin)
    for line in ("XINFO GROUPS new", "XPENDING new g", "XPENDING new g - + 9", "XLEN new"):
        if "XADD" in script:
            twin.near(*line.split(), tolerance=10**15) if "-" in line else twin(*line.split())


def test_without_compression(twin: Twin) -> None:
    twin("CONFIG", "SET", "rdbcompression", "no")
    play(twin, f"SET k {'a' * 500}\nDUMP k\nRPUSH l {'a' * 500}\nDUMP l")


@pytest.mark.parametrize("limits", [
    "list-max-listpack-size 3", "list-max-listpack-size -1", "hash-max-listpack-entries 1",
    "set-max-intset-entries 1", "zset-max-listpack-entries 1",
])
def test_encodings_follow_the_limits_of_who_restores(twin: Twin, limits: str) -> None:
    makers = ("RPUSH l " + "x" * 3000 + " b " + "y" * 3000 + " d e f g", "HSET h a b c d",
              "SADD s 1 2 3", "ZADD z 1 a 2 b")
    for maker in makers:
        twin(*maker.split())
    dumps = {name: twin.wire.call(b"DUMP", name) for name in (b"l", b"h", b"s", b"z")}
    twin("FLUSHALL")
    twin("CONFIG", "SET", *limits.split())
    for name, dumped in dumps.items():
        twin("RESTORE", name, 0, dumped)
    for maker in makers:
        twin("DEL", maker.split()[1])
        twin(*maker.split())
        if maker[0] in "RH":
            twin.same_shape("DUMP", maker.split()[1])


# RESTORE ----------------------------------------------------------------------------------------

WORDS = [
    "", "REPLACE", "ABSTTL", "replace absttl", "IDLETIME 5", "FREQ 7", "IDLETIME 1 IDLETIME 2",
    "IDLETIME 1 FREQ 1", "FREQ 1 IDLETIME 1", "IDLETIME -1", "IDLETIME x", "IDLETIME", "FREQ",
    "FREQ 256", "FREQ -1", "FREQ x", "FOO", "IDLETIME -1 FOO", "FOO IDLETIME -1", "REPLACE FOO",
    "FREQ 255 REPLACE REPLACE",
]


@pytest.mark.parametrize("options", WORDS)
@pytest.mark.parametrize("command", ["RESTORE", "RESTORE-ASKING"])
def test_restore_checks_in_the_servers_order(twin: Twin, options: str, command: str) -> None:
    bad = (b"", b"zz", TEXT[:-1], payload(0, b"\x05hello", 13), TEXT[:-8] + bytes(8),
           payload(255, b""), payload(2, b"\0"), payload(0, b""))
    for data in (TEXT, *bad):
        for ttl in ("0", "100000", "x", "-1", "9223372036854775807", "9223372036854775808"):
            twin("SET", "taken", "v")
            for key in ("taken", "free"):
                twin(command, key, ttl, data, *options.split())
                twin.near("PEXPIRETIME", key)
            twin("DEL", "free")


def test_restore_and_deadlines(twin: Twin) -> None:
    twin("SET", "old", "v", "PX", "100000")
    for ttl in ("1", "33177117420000", "0"):
        for key in ("old", "new"):
            twin("RESTORE", key, ttl, TEXT, "ABSTTL", "REPLACE")
            twin("PEXPIRETIME", key)
    twin("RESTORE", "set", "100000", TEXT)
    twin.near("PTTL", "set")


def test_events_of_restore(twin: Twin) -> None:
    twin("SET", "k", "v")
    text = "".join(f"\\x{byte:02x}" for byte in TEXT)
    play_with_events(twin, f"""
        RESTORE k 0 "{text}"
        RESTORE k 0 "{text}" REPLACE
        RESTORE n 0 "{text}"
        RESTORE n 1 "{text}" ABSTTL REPLACE
        RESTORE n 1 "{text}" ABSTTL REPLACE
        RESTORE n 5000 "{text}"
        DUMP n
        DUMP missing
    """)


def test_restore_wakes_and_fails_watches(twin: Twin) -> None:
    waiting = twin.session()
    waiting("BLPOP", "l", "0")
    twin("RESTORE", "l", 0, payload(1, b"\x02\x01a\x01b"))
    waiting.reply()
    other = twin.session()
    other("WATCH", "l")
    other("MULTI")
    other("DUMP", "l")
    twin("RESTORE", "l", 0, payload(1, b"\x01\x01c"), "REPLACE")
    other("EXEC")


# Forms that today's servers do not write any more -------------------------------------------------


def text(value: bytes) -> bytes:
    """A short string."""
    return bytes((len(value),)) + value


def number(value: int) -> bytes:
    return struct.pack("<Q", value)


def listpack(*items: bytes | int) -> bytes:
    """A listpack of short texts and small numbers, as a string."""
    parts = [bytes((item,)) if isinstance(item, int) else bytes((0x80 | len(item),)) + item
             for item in items]
    body = b"".join(part + bytes((len(part),)) for part in parts)
    return text(struct.pack("<IH", len(body) + 7, len(items)) + body + b"\xff")


def ziplist(*items: bytes) -> bytes:
    """A ziplist of entries that are encoded already, as a string."""
    body, before = b"", 0
    for item in items:
        entry = bytes((before,)) + item
        body, before = body + entry, len(entry)
    tail = 10 + len(body) - before
    return text(struct.pack("<IIH", len(body) + 11, tail, len(items)) + body + b"\xff")


ZIPPED = (b"\x01a", b"\xc0\x2c\x01", b"\xfe\x80", b"\xf4", b"\xf0\x01\x02\x03", b"\x40\x02bc",
          b"\xd0\x01\x02\x03\x04", b"\xe0\x01\x02\x03\x04\x05\x06\x07\x08")
ID = bytes(7) + b"\x01" + bytes(7) + b"\x02"  # 1-2
NODE = text(ID) + listpack(2, 1, 1, b"f", 0, 2, 0, 0, b"v", 4, 3, 0, 1, b"x", 4,
                           0, 1, 0, 1, b"g", b"w", 6)
GROUPS = b"\x01" + text(b"g") + b"\x02\x02"
PENDING = b"\x01" + ID + number(5) + b"\x03"
OLD = {
    "list": (1, b"\x02" + text(b"a") + b"\xc0\x05"),
    "list of one empty": (1, b"\x01\x00"),
    "set": (2, b"\x02" + text(b"a") + b"\xc1\x05\x01"),
    "set of numbers": (2, b"\x02" + text(b"1") + b"\xc0\x05"),
    "listpack set of numbers": (20, listpack(1, 2)),
    "zset": (3, b"\x03" + text(b"a") + b"\x032.5" + text(b"b") + b"\xff" + text(b"c") + b"\xfe"),
    "zset of doubles": (5, b"\x01" + text(b"a") + struct.pack("<d", -0.0)),
    "hash": (4, b"\x01" + text(b"f") + text(b"v")),
    "zipmap": (9, text(b"\x02\x01f\x03\x02abc..\x02gh\x00\x00\xff")),
    "ziplist": (10, ziplist(*ZIPPED)),
    "zset ziplist": (12, ziplist(b"\x01a", b"\xf4", b"\x01b", b"\x0411.5")),
    "hash ziplist": (13, ziplist(b"\x01a", b"\xf4", b"\x01b", b"\x032.5")),
    "quicklist": (14, b"\x02" + ziplist(b"\x01a", b"\xf4") + ziplist(*ZIPPED)),
    "quicklist of one": (14, b"\x01" + ziplist(b"\x01a")), "plain": (18, b"\x01\x01\x01a"),
    "quicklist of two": (18, b"\x02\x02" + listpack(b"a") + b"\x01\x01b"),
    "quicklist with an empty node": (18, b"\x02\x02" + listpack() + b"\x02" + listpack(b"a")),
    "hash listpack": (16, listpack(b"f", 1)),
    "deadlines in the past": (24, number(1000) + b"\x02\x01" + text(b"f") + text(b"v")
                              + b"\x00" + text(b"g") + text(b"w")),
    "no deadline left": (25, number(5) + listpack(b"f", b"v", 0)),
    "stream 1": (15, b"\x01" + NODE + b"\x02\x02\x02" + GROUPS + PENDING + b"\x01" + text(b"c")
                 + number(7) + b"\x01" + ID),
    "stream 2": (19, b"\x01" + NODE + b"\x02\x02\x02" + b"\x01\x02\x01\x03\x05" + GROUPS
                 + b"\x02" + PENDING + b"\x01" + text(b"c") + number(7) + b"\x01" + ID),
    "stream 3": (21, b"\x01" + NODE + b"\x02\x02\x02" + b"\x01\x02\x01\x03\x05" + GROUPS + b"\x02"
                 + PENDING + b"\x01" + text(b"c") + number(7) + number(8) + b"\x01" + ID),
    "long lengths": (0, b"\x80\x00\x00\x00\x03abc"), "longer": (0, b"\x81" + bytes(7) + b"\x01a"),
    "packed": (0, b"\xc3\x06\x15\x01aa\xe0\x0a\x00"), "more behind": (0, b"\x01aXXX"),
    "int16": (0, b"\xc1\x2c\x01"), "int32": (0, b"\xc2\x00\x00\x00\x80"),
}


@pytest.mark.parametrize(("kind", "body"), OLD.values(), ids=OLD)
@pytest.mark.parametrize("version", [1, 12])
def test_every_form_is_read(twin: Twin, kind: int, body: bytes, version: int) -> None:
    twin("RESTORE", "k", 0, payload(kind, body, version))
    if twin("TYPE", "k") == b"list":
        play(twin, "COPY k copy\nRPUSH k z\nOBJECT ENCODING k")
    if kind in (15, 19, 21):
        play(twin, "XINFO GROUPS k\nXPENDING k g")
        twin.same_shape("XPENDING", "k", "g", "-", "+", "9")


BAD = {
    "empty list": (1, b"\0"), "empty set": (2, b"\0"), "empty hash": (4, b"\0"),
    "empty zset": (5, b"\0"), "empty quicklist": (18, b"\0"), "empty listpack": (16, listpack()),
    "unknown": (26, b"\x01a"), "unknown 8": (8, b"\x01a"), "module": (7, b"\x81" + bytes(8)),
    "old module": (6, b"\x00"), "too short": (0, b"\x3fa"), "kind of string": (0, b"\xc4aaa"),
    "packed": (0, b"\xc3\x03\x05\x02abc"), "twice in a set": (2, b"\x02\x01a\x01a"),
    "twice in a zset": (5, b"\x02\x01a" + bytes(8) + b"\x01a" + bytes(8)),
    "nan": (5, b"\x01\x01a" + struct.pack("<d", float("nan"))), "old nan": (3, b"\x01\x01a\xfd"),
    "score": (3, b"\x01\x01a\x01x"), "intset": (11, b"\x03abc"),
    "empty intset": (11, text(struct.pack("<II", 2, 0))), "odd hash": (16, listpack(b"f")),
    "odd zset": (17, listpack(b"f")), "node kind": (18, b"\x01\x03" + listpack(b"a")),
    "empty node": (18, b"\x01\x02" + listpack()), "empty plain node": (18, b"\x01\x01\x00"),
    "count of a zipmap": (9, text(b"\x03\x01f\x03\x02abc..\x02gh\x00\x00\xff")),
    "tail of a ziplist": (10, ziplist(b"\x01a", b"\x01b").replace(b"\x0d\0\0\0", b"\x0a\0\0\0")),
    "zipmap": (9, text(b"\x01\x01f\xff")), "ziplist": (10, text(b"abcdefghijklm")),
    "node without ID": (21, b"\x01\x01a" + listpack(1)),
}


@pytest.mark.parametrize(("kind", "body"), BAD.values(), ids=BAD)
def test_bad_data_are_refused(twin: Twin, kind: int, body: bytes) -> None:
    twin("SET", "k", "v")
    twin("RESTORE", "k", 0, payload(kind, body), "REPLACE")
    twin("RESTORE", "n", 0, payload(kind, body))


def long(value: int) -> bytes:
    """A number of any size as a module writes it."""
    return b"\x02\x81" + value.to_bytes(8, "big")


def vectors(*elements: tuple[int, ...]) -> bytes:
    """A vector set of one dimension and up to 16 links, of elements with these facts."""
    body = b"\x81" + (0xBDE72DA2BB1EB400).to_bytes(8, "big")
    body += b"".join(map(long, (1, len(elements), 16 << 8, 0)))
    for at, facts in enumerate(elements):
        body += b"\x05" + text(b"e%d" % at) + b"\x05" + text(struct.pack("<f", 1.0))
        body += long(len(facts)) + b"".join(map(long, facts))
    return body + b"\0"


FORM = 1 << 24
SPAN = 0x3F800000 << 32 | 0x3F800000


@pytest.mark.parametrize("elements", [
    [(1, FORM, 0, 32, 0, SPAN)], [(1, FORM, 0, 32, 7, SPAN)], [(1, 0, 0, 32, 0, SPAN)],
    [(1, 2 << 24, 0, 32, 0, SPAN)], [(1, FORM, 1, 32, 1, 0, SPAN)], [(1, FORM, 1, 32, 2, 0, SPAN)],
    [(1, FORM, 1, 32, 2, 0, SPAN), (2, FORM, 1, 32, 1, 0, SPAN)],
    [(1, FORM, 1, 32, 2, 1, SPAN), (2, FORM, 1, 32, 1, 0, SPAN)],
    [(1, FORM, 1, 32, 2, 0, SPAN), (2, FORM, 0, 32, 0, SPAN)],
    [(1, FORM, 1, 0, 2, 0, SPAN), (2, FORM, 1, 32, 1, 0, SPAN)],
    [(1, FORM, 2, 32, 2, 0, SPAN), (2, FORM, 1, 32, 1, 0, SPAN)],
    [(1, FORM, 0, 32, 0, SPAN), (1, FORM, 0, 32, 0, SPAN)],
    [(1, FORM | 1, 0, 32, 0, SPAN)], [(1, FORM | 1, 0, 32, 0, 0, 16, 0, SPAN)],
])
def test_links_of_vectors(twin: Twin, elements: list[tuple[int, ...]]) -> None:
    """Each leads to an element that is there, and back."""
    twin("RESTORE", "v", 0, payload(7, vectors(*elements)))
    twin("VCARD", "v")


def forge() -> list[bytes]:
    """Payloads of every form, without their footers."""
    session = Server().session()
    found = [bytes((kind,)) + body for kind, body in OLD.values()]
    for script in {**EXACT, **FREE}.values():
        session.execute([b"FLUSHALL"])
        for line in script.splitlines():
            session.execute(words(line))
        found.append(session.execute([b"DUMP", b"k"])[:-10])
    return [one for one in found if len(one) < 2000]


FORGED = forge()
EXAMPLES = 30_000 if LONG else 600


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_damaged_payloads_leave_no_trace(data: st.DataObject) -> None:
    """Only the fake is asked: the real server checks less by default, and would die of some."""
    whole = bytearray(data.draw(st.sampled_from(FORGED)))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(whole) - 1))
        what = data.draw(st.sampled_from(["flip", "set", "cut", "drop", "double"]))
        if what == "flip":
            whole[at] ^= 1 << data.draw(st.integers(0, 7))
        elif what == "set":
            whole[at] = data.draw(st.sampled_from([0, 1, 0x7F, 0x80, 0x81, 0xC3, 0xFE, 0xFF]))
        elif what == "cut":
            del whole[max(at, 1) :]
        else:
            whole[at : at + 1] = whole[at : at + 1] * 2 * (what == "double")
        whole = whole or bytearray(b"\0")
    session = Server().session()
    session.server.active_expire = False  # or fields whose time is over would go
    session.execute([b"SET", b"k", b"v"])
    dirty = session.server.dirty
    try:
        session.execute([b"RESTORE", b"k", b"0", payload(whole[0], bytes(whole[1:])), b"REPLACE"])
    except CommandError as error:
        assert str(error) == "ERR Bad data format"  # noqa: PT017
        assert session.execute([b"GET", b"k"]) == b"v"
        assert session.server.dirty == dirty
    else:
        value = session.ctx.db.data[b"k"]
        if hasattr(value, "_check"):
            value._check()
        again = session.execute([b"DUMP", b"k"])
        assert session.execute([b"RESTORE", b"again", b"0", again]) == b"OK"


# Random values, there and back --------------------------------------------------------------------

PART = st.one_of(
    st.binary(max_size=6), st.binary(max_size=80), st.integers(-(1 << 63), (1 << 63) - 1).map(str),
    st.integers(-9, 200).map(str),
    st.sampled_from([b"a" * 64, b"a" * 65, b"xy" * 2100, b"z" * 9000]),
)
SCORE = st.one_of(st.integers(-9, 9), st.floats(allow_nan=False)).map(repr)
PARTS = st.lists(PART, min_size=1, max_size=40)
MADE = st.one_of(
    st.tuples(st.just("SET"), PART.map(lambda part: [part])),
    st.tuples(st.sampled_from(["RPUSH", "LPUSH", "SADD"]), PARTS),
    st.tuples(st.just("SADD"), st.lists(st.integers(-(1 << 63), (1 << 63) - 1).map(str),
                                        min_size=1, max_size=600, unique=True)),
    st.tuples(st.just("HSET"), PARTS.map(lambda parts: parts * 2)),
    st.tuples(st.just("ZADD"), st.lists(st.tuples(SCORE, PART), min_size=1, max_size=150)
              .map(lambda pairs: [part for pair in pairs for part in pair])),
    st.tuples(st.just("XADD"), st.lists(st.tuples(PART, PART), min_size=1, max_size=4)
              .map(lambda pairs: ["5-5", *(part for pair in pairs for part in pair)])),
)


def to_bytes(part: str | bytes) -> bytes:
    return part if isinstance(part, bytes) else part.encode()


def test_random_values_there_and_back(clean_real_url: str) -> None:
    server = Server()
    session, wire = server.session(), Wire.to(clean_real_url)
    checker = Checker(server.session(), Wire.to(clean_real_url))

    @settings(max_examples=5000 if LONG else 120, deadline=None, database=None)
    @given(MADE)
    def run(made: tuple[str, list[Any]]) -> None:
        argv = [made[0].encode(), b"k", *map(to_bytes, made[1])]
        for side in (lambda *args: session.execute(list(args)), wire.call):
            side(b"FLUSHALL")
            side(*argv)
        here, there = session.execute([b"DUMP", b"k"]), wire.call(b"DUMP", b"k")
        assert wire.call(b"RESTORE", b"new", b"0", here) == b"OK"
        assert session.execute([b"RESTORE", b"new", b"0", there]) == b"OK"
        if made[0] in ("SET", "XADD") or (made[0] == "RPUSH" and max(map(len, argv)) < 65):
            assert here == there
        assert not list(checker.differences(0, set()))

    try:
        run()
    finally:
        checker.close()
        wire.close()


@pytest.mark.parametrize("version", ["6.2", "7.0", "7.2", "7.4"])
def test_older_servers_write_what_they_read(real: Any, version: str) -> None:
    """The real server is younger, and reads all of it; the footer is that of the older one."""
    old = Server(version).session()
    new = Server().session()
    for script in {**EXACT, **FREE}.values():
        lines = [words(line) for line in script.splitlines()]
        if any(old.server.table.find(line[0]) is None or b"ENTRIESADDED" in line for line in lines):
            continue
        for session in (old, new):
            session.execute([b"FLUSHALL"])
            for line in lines:
                session.execute(line)
        dumped = old.execute([b"DUMP", b"k"])
        real.flushall()
        assert real.restore("k", 0, dumped)
        assert old.execute([b"RESTORE", b"again", b"0", dumped]) == b"OK"
        if old.server.traits.rdb_version < 12:
            with pytest.raises(CommandError, match="payload version"):
                old.execute([b"RESTORE", b"new", b"0", new.execute([b"DUMP", b"k"])])


# MIGRATE ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", [
    "1 s 0 100", "-1 s 0 100", "abc s 0 100", "99999999 s 0 100", "1 missing 0 100", "1 s x 100",
    "1 s 0 x", "1 s 0 100 FOO", "1 s 0 100 KEYS s", "1 s 0 100 KEYS", "1 '' 0 100 KEYS",
    "1 '' 0 100 KEYS s t", "1 '' 0 100 KEYS missing", "1 s 0 100 AUTH", "1 s 0 100 AUTH2 a",
    "1 s 0 100 AUTH a AUTH2 b c COPY copy REPLACE", "1 s x x FOO", "1 missing x 5",
    "1 missing 0 5 FOO", "1 s 0 -5", "1 s -1 10", "9223372036854775808 s 0 10", "1 '' 0 10",
])
def test_migrate_to_nowhere(twin: Twin, call: str) -> None:
    twin("SET", "s", "v")
    for host in ("127.0.0.1", "''"):
        twin(*words(f"MIGRATE {host} {call}"))


def two() -> tuple[Session, Session, Network]:
    network = Network(lambda address: fakeredis.FakeServer(address=address))
    here, there = network.server_at("localhost:1"), network.server_at("other:2")
    assert here is not None
    assert there is not None
    return here.session(), there.session(), network


def test_migrate_moves_keys() -> None:
    here, there, _ = two()

    def migrate(line: str) -> Any:
        return here.execute(words(f"MIGRATE OTHER 2 {line}"))

    here.execute([b"SET", b"a", b"1", b"PX", b"50000"])
    here.execute([b"RPUSH", b"b", b"x", b"y"])
    assert migrate("a 0 1000") == b"OK"
    assert here.execute([b"EXISTS", b"a"]) == 0
    assert 0 < there.execute([b"PTTL", b"a"]) <= 50000
    assert migrate("a 0 1000") == b"NOKEY"
    assert migrate("'' 3 1000 COPY KEYS b missing") == b"OK"
    assert here.execute([b"EXISTS", b"b"]) == 1
    there.execute([b"SELECT", b"3"])
    assert there.execute([b"LRANGE", b"b", b"0", b"-1"]) == [b"x", b"y"]
    assert migrate("b 3 1000 REPLACE") == b"OK"


# As the real server told of another one: its replies to the same calls.
REFUSED = "ERR Target instance replied with error: "


def test_migrate_is_refused() -> None:
    here, there, _ = two()

    def migrate(line: str) -> str:
        with pytest.raises(CommandError) as caught:
            here.execute(words(f"MIGRATE other 2 {line}"))
        return str(caught.value)

    for session in (here, there):
        session.execute([b"SET", b"a", b"1"])
    here.execute([b"SET", b"b", b"1"])
    busy = REFUSED + "BUSYKEY Target key name already exists."
    assert migrate("a 0 100") == busy
    assert migrate("'' 0 100 KEYS a b") == busy  # what could be moved has been
    assert here.execute([b"EXISTS", b"a", b"b"]) == 1
    assert migrate("a 0 100 AUTH pw").startswith(REFUSED + "ERR AUTH <password> called without")
    there.execute(words("CONFIG SET requirepass pw"))
    assert migrate("a 0 100") == REFUSED + "NOAUTH Authentication required."
    assert here.execute(words("MIGRATE other 2 a 0 100 AUTH pw REPLACE")) == b"OK"


def test_migrate_to_a_server_that_is_down_or_busy() -> None:
    here, there, network = two()
    here.execute([b"SET", b"a", b"1"])
    there.server.connected = False
    with pytest.raises(CommandError, match="IOERR error or timeout writing to target instance"):
        here.execute(words("MIGRATE other 2 a 0 100"))
    with pytest.raises(CommandError, match="IOERR error or timeout reading to target instance"):
        here.execute(words("MIGRATE 127.0.0.1 1 a 0 100"))  # to itself
    network.addresses = frozenset()
    with pytest.raises(CommandError, match="IOERR error or timeout connecting to the client"):
        here.execute(words("MIGRATE other 2 a 0 100"))
    assert here.execute([b"EXISTS", b"a"]) == 1


# A stream of 1-1 and 2-1, with a group that has 1-1 pending: what is added, read and delivered.
_COUNTED = (
    bytes.fromhex("011000000000000000010000000000000001")
    + b"&&\x00\x00\x00\x0f\x00\x02\x01\x00\x01\x01\x01\x81a"
    b"\x02\x00\x01\x02\x01\x00\x01\x00\x01\x01\x01"
    b"\x04\x01\x02\x01\x01\x01\x00\x01\x02\x01\x04\x01\xff\x02\x02\x01\x01\x01\x00\x00%b\x01\x01g\x01\x01%b\x01"
    + bytes(7) + b"\x01" + bytes(7) + b"\x01%b%b\x01\x01c" + bytes(16) + b"\x01"
    + bytes(7) + b"\x01" + bytes(7) + b"\x01"
)
_USES = """
    XINFO STREAM k | XINFO GROUPS k | XPENDING k g - + 9 | DUMP k | XADD k 5-1 a 3 | XINFO STREAM k
    XINFO GROUPS k | XREADGROUP GROUP g c STREAMS k > | XINFO GROUPS k
    XCLAIM k g c 0 1-1 | XPENDING k g - + 9 | XINFO GROUPS k | XADD k 6-1 a 4 | XREAD STREAMS k 0
    XINFO GROUPS k | XGROUP SETID k g 5-1 ENTRIESREAD 9223372036854775807 | XINFO GROUPS k
    COPY k c | XINFO STREAM c
"""


def _as_length(number: int) -> bytes:
    return b"\x81" + struct.pack(">Q", number)


@pytest.mark.parametrize("number", [0, 2**63 - 1, 2**63, 2**64 - 2, 2**64 - 1])
@pytest.mark.parametrize("place", range(3))
def test_counts_of_streams_wrap_around(twin: Twin, number: int, place: int) -> None:
    """The server has them in 64 bits, and does not look at what comes in."""
    parts = [_as_length(number if place == at else 1) for at in range(3)]
    soon = struct.pack("<q", 1 << 62)  # from when it is pending: no time has passed
    body = _COUNTED % (parts[0], parts[1], soon, parts[2])
    assert twin("RESTORE", "k", "0", payload(21, body)) == b"OK"
    for use in _USES.replace("\n", "|").split("|"):
        if words := use.split():
            if words[0] == "XPENDING":
                twin.near(*words, tolerance=10_000)
            else:
                twin(*words)


def test_deliveries_wrap_around(twin: Twin) -> None:
    play(twin, """
        XADD k 1-1 a 1
        XGROUP CREATE k g 0
        XREADGROUP GROUP g c STREAMS k >
    """)
    for again in ("XCLAIM k g c 0 1-1", "XAUTOCLAIM k g c 0 0", "XREADGROUP GROUP g c STREAMS k 0"):
        play(twin, "XCLAIM k g c 0 1-1 RETRYCOUNT 9223372036854775807")
        twin(*again.split())
        assert twin.near("XPENDING", "k", "g", "-", "+", "9", tolerance=10_000)[0][3] == -(2**63)
