"""The stream group against the real server."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from fakeredis.engine.core.replies import BLOCKED
from tests.support.engines import Server

if TYPE_CHECKING:
    from tests.support.twin import Twin


def run(twin: Twin, script: str) -> None:
    """A command a line; ``''`` is an empty word."""
    for line in script.strip().splitlines():
        twin(*["" if word == "''" else word for word in line.split()])


THREE = "XADD s 1-1 a 1\nXADD s 2-1 a 2 b 3\nXADD s 3-1 a 4\n"
GROUPS = THREE + """XGROUP CREATE s g 0
XREADGROUP GROUP g c COUNT 2 STREAMS s >
XREADGROUP GROUP g d STREAMS s >
"""


@pytest.mark.parametrize("number", [
    "1-1", "0-0", "0", "0-*", "1-*", "2-*", "7",
    "07-01", "+7-1", "-7-1", "7-", "-", "+", "$", "*-1",
    "ms-*", "7-**", "7-1-1", "7--1", "7-+1", "7-abc", "abc", "''", "18446744073709551615-*",
    "18446744073709551616-1", "7-18446744073709551616", "18446744073709551615", "9" * 130, "7-*x",
    "18446744073709551615-18446744073709551615",
])
def test_ids(twin: Twin, number: str) -> None:
    run(twin, f"XADD s 1-5 a 1\nXADD s {number} a 1\nXADD new {number} a 1\nXRANGE s {number} +\n"
              f"XREVRANGE s + {number}\nXRANGE s ({number} +\nXRANGE s - ({number}\n"
              f"XREAD STREAMS s {number}\nXDEL s {number}\nXADD s 1-* b 1")


@pytest.mark.parametrize("options", [
    "MAXLEN", "MAXLEN 2", "MAXLEN = 2", "MAXLEN ~ 2", "MAXLEN ~", "MAXLEN x", "MAXLEN -1",
    "MINID 2", "MINID = 3-0", "MINID ~ 9", "MINID x", "MINID (2", "MAXLEN 2 MINID 1",
    "MAXLEN 1 MAXLEN 2",
    "MAXLEN ~ 0 LIMIT 0", "MAXLEN ~ 0 LIMIT 2", "MAXLEN 0 LIMIT 2", "LIMIT 2", "LIMIT 0", "LIMIT x",
    "MAXLEN ~ 1 LIMIT -1", "KEEPREF", "MAXLEN 1 KEEPREF", "DELREF MAXLEN 1", "MAXLEN 2 ACKED",
    "KEEPREF DELREF", "NOMKSTREAM", "NOMKSTREAM MAXLEN 1", "maxlen 1 keepref", "FOO",
    "MAXLEN = = 1", "MAXLEN ~ ~", "MINID ~ 2 ACKED LIMIT 100", "MAXLEN 0 DELREF",
])
def test_options_of_adding_and_trimming(twin: Twin, options: str) -> None:
    run(twin, GROUPS)
    twin("XACK", "s", "g", "2-1")
    for tail in ("9-9 a 1", "8-* a 1 b", "* x", "0-0 a 1", ""):
        if not tail.startswith("*") or len(tail) < 4:
            twin("XADD", "s", *options.split(), *tail.split())
    run(twin, f"XRANGE s - +\nXPENDING s g\nXTRIM s {options}\nXTRIM missing {options}\n"
              f"SET string x\nXTRIM string {options}\nXADD string {options} 1-1 a 1\n"
              f"XADD new {options} 1-1 a 1\nXRANGE s - +\nXPENDING s g\nXINFO GROUPS s")


@pytest.mark.parametrize(
    ("entries", "size"), [(10, 4096), (100, 300), (0, 200), (3, 0), (100, 4096)]
)
def test_nodes_are_trimmed_whole(twin: Twin, entries: int, size: int) -> None:
    twin("CONFIG", "SET", "stream-node-max-entries", entries)
    twin("CONFIG", "SET", "stream-node-max-bytes", size)
    rng = random.Random(entries)
    words = ["x", "12", "-1", "4095", "-4097", "40000", "9" * 12, "ab" * 40, "long" * 1100, "01"]
    for number in range(1, 120):
        pairs = [rng.choice(words) for _ in range(2 * rng.choice([1, 1, 1, 2]))]
        twin("XADD", "s", f"{rng.choice([number, number * 10**6])}-*", *pairs)
        if rng.random() < 0.2:
            twin("XDEL", "s", f"{rng.randrange(1, number + 1)}-0")
        if rng.random() < 0.2:
            twin("XTRIM", "s", "MAXLEN", "~", rng.randrange(120), *rng.choice([(), ("LIMIT", 20)]))
        if rng.random() < 0.1:
            twin("XTRIM", "s", "MINID", "~", rng.randrange(1, number + 1))
        if rng.random() < 0.1:
            twin("XTRIM", "s", "MAXLEN", rng.randrange(120))


@pytest.mark.parametrize("seed", range(8))
def test_lag(twin: Twin, seed: int) -> None:
    """What a group has not read, whatever was deleted before and behind the place where it is."""
    rng = random.Random(seed)
    last = 0
    for _ in range(12):
        twin("DEL", "s")
        for _ in range(rng.randint(1, 4)):
            last += 1
            twin("XADD", "s", f"{last}-0", "a", "1")
        twin("XGROUP", "CREATE", "s", "g", 0)
        for _ in range(rng.randint(2, 9)):
            known = f"{rng.randint(last - 5, last)}-0"
            call = rng.choice([
                "XADD", "XDEL s {}", "XDEL s {}", "XREADGROUP GROUP g c COUNT 1 STREAMS s >",
                "XREADGROUP GROUP g c COUNT 1 STREAMS s >", "XTRIM s MAXLEN 2",
                "XGROUP SETID s g {}", "XGROUP SETID s g {} ENTRIESREAD 2", "XSETID s 1000-0",
                "XDELEX s IDS 1 {}",
            ])
            if call == "XADD":
                last += 1
                call = f"XADD s {last}-0 a 1"
            elif call.startswith("XSETID"):
                last += 1000
                call = f"XSETID s {last}-0 ENTRIESADDED {rng.randint(5, 9)} MAXDELETEDID {known}"
            twin(*call.format(known if last > 5 else "1-0").split())
            twin("XINFO", "GROUPS", "s")


def test_ids_from_the_clock(twin: Twin) -> None:
    assert twin.same_shape("XADD", "s", "*", "a", 1).endswith(b"-0")
    twin.same_shape("XADD", "s", "MAXLEN", "~", 10, "*", "a", 1)
    twin("XLEN", "s")
    twin.ignore("s")


def test_ids_never_go_back() -> None:
    server = Server()
    server.clock.freeze(5.0)
    session = server.session()
    assert session.execute([b"XADD", b"s", b"*", b"a", b"1"]) == b"5000-0"
    assert session.execute([b"XADD", b"s", b"*", b"a", b"1"]) == b"5000-1"
    server.clock.freeze(4.0)
    assert session.execute([b"XADD", b"s", b"*", b"a", b"1"]) == b"5000-2"
    server.clock.freeze(6.0)
    assert session.execute([b"XADD", b"s", b"*", b"a", b"1"]) == b"6000-0"


SCRIPTS = {
    "ranges": THREE + """XRANGE s - + COUNT 0
XRANGE s - + COUNT -1
XRANGE s - + COUNT 2
XRANGE s - + COUNT 1 COUNT 2
XRANGE s 1-1 2
XRANGE s (1-1 (3-1
XREVRANGE s + - COUNT 2
XREVRANGE s 1 3
XREVRANGE s x y
XREVRANGE s (0-0 (18446744073709551615-18446744073709551615
XRANGE missing - + COUNT 0
XRANGE missing x +
XRANGE s - + COUNT x
XRANGE s - + COUNT
XRANGE s - + FOO 2""",
    "reading": THREE + """XADD t 5-5 x y
XREAD STREAMS s t 1-1 0
XREAD STREAMS s s 1-1 0
XREAD COUNT 1 STREAMS s t missing 0 0 0
XREAD STREAMS s t $ +
XREAD COUNT 5 STREAMS s +
XDEL s 3-1
XREAD STREAMS s +
XREAD STREAMS s 2-5
XREAD STREAMS missing +
XREAD STREAMS s >
XREAD STREAMS s
XREAD STREAMS s t 0
XREAD COUNT x STREAMS s 0
XREAD COUNT -1 STREAMS s 0
XREAD BLOCK x STREAMS s 0
XREAD BLOCK -1 STREAMS s 0
XREAD BLOCK 1.5 STREAMS s 0
XREAD BLOCK 9223372036854775807 STREAMS s 0
XREAD NOACK STREAMS s 0
XREAD GROUP g c STREAMS s 0
XREAD FOO STREAMS s 0
XREAD COUNT 1 COUNT
SET string x
XREAD STREAMS s string 0 0
XREAD STREAMS s string x 0""",
    "groups": GROUPS + """XGROUP CREATE s g 0
XGROUP CREATE s h $ ENTRIESREAD -2
XGROUP CREATE s h 2 ENTRIESREAD 100
XGROUP CREATE s i x
XGROUP CREATE missing g x
XGROUP CREATE missing g x MKSTREAM
XGROUP CREATE missing g $ MKSTREAM ENTRIESREAD 5
XGROUP CREATE s g 0 FOO
XGROUP CREATE s g 0 ENTRIESREAD
XGROUP CREATE s g 0 ENTRIESREAD 1 MKSTREAM MKSTREAM
XGROUP SETID s g 1-1 ENTRIESREAD 1
XGROUP SETID s g 1-1 MKSTREAM
XGROUP SETID s nogroup x
XGROUP SETID missing g 0
XREADGROUP GROUP g e STREAMS s >
XINFO GROUPS s
XGROUP CREATECONSUMER s g new
XGROUP CREATECONSUMER s g new
XGROUP CREATECONSUMER s nogroup new
XGROUP DELCONSUMER s g c
XGROUP DELCONSUMER s g e
XGROUP DELCONSUMER s g nobody
XPENDING s g
XGROUP DESTROY s g
XGROUP DESTROY s g
XGROUP DESTROY missing g
XGROUP FOO
XINFO FOO
SET string x
XGROUP CREATE string g 0 MKSTREAM
XGROUP DESTROY string g""",
    "reading for groups": GROUPS + """XREADGROUP GROUP g c STREAMS s 0
XREADGROUP GROUP g c COUNT 1 STREAMS s 0
XREADGROUP GROUP g c STREAMS s 1-1
XREADGROUP GROUP g nobody STREAMS s 0
XREADGROUP GROUP g c STREAMS s $
XREADGROUP GROUP g c STREAMS s +
XREADGROUP GROUP g c STREAMS s x
XREADGROUP GROUP g c STREAMS s missing > >
XREADGROUP GROUP h c STREAMS s >
XREADGROUP GROUP g c FOO STREAMS s >
XREADGROUP COUNT 1 COUNT 2 STREAMS s >
XREADGROUP GROUP g c COUNT 1 BLOCK
XREADGROUP GROUP g c STREAMS s s >
XDEL s 1-1
XREADGROUP GROUP g c STREAMS s 0
XADD s 9-1 a 1
XREADGROUP GROUP g e NOACK STREAMS s s > 0
XPENDING s g""",
    "claiming": GROUPS + """XCLAIM s g e 0 1-1
XCLAIM s g e 100000 1-1
XCLAIM s g e x 1-1
XCLAIM s g e -1 1-1 JUSTID
XCLAIM s g e 0 1-1 RETRYCOUNT 5 IDLE 100
XCLAIM s g e 0 1-1 IDLE x
XCLAIM s g e 0 1-1 TIME x
XCLAIM s g e 0 1-1 RETRYCOUNT x
XCLAIM s g e 0 1-1 LASTID x
XCLAIM s g e 0 1-1 LASTID 9-9
XCLAIM s g e 0 1-1 RETRYCOUNT
XCLAIM s g e 0 FOO
XCLAIM s nogroup e x 1-1
XCLAIM missing g e 0 1-1
XDEL s 2-1
XCLAIM s g e 0 1-1 2-1 3-1
XAUTOCLAIM s g f 0 0
XAUTOCLAIM s g f 0 (1-1 COUNT 1
XAUTOCLAIM s g f 0 - JUSTID
XAUTOCLAIM s g f x y
XAUTOCLAIM s g f 0 y
XAUTOCLAIM s g f 0 0 COUNT 0
XAUTOCLAIM s g f 0 0 COUNT x
XAUTOCLAIM s g f 0 0 COUNT
XAUTOCLAIM s g f 0 0 FOO
XAUTOCLAIM s g f 0 0 COUNT 9223372036854775807
XAUTOCLAIM s nogroup f 0 0
XPENDING s g""",
    "acknowledging": GROUPS + """XACK s g 1-1 1-1 9-9
XACK s g x
XACK s nogroup x
XACK missing g x
XACKDEL s g IDS 2 2-1 1-1
XACKDEL s nogroup IDS 1 x
XACKDEL s g FOO IDS 1 1
XACKDEL s g IDS 0 1
XACKDEL s g IDS 3 1 2
XGROUP CREATE s h 0
XACKDEL s g ACKED IDS 1 3-1
XDELEX s ACKED IDS 1 1-1
XREADGROUP GROUP h c STREAMS s >
XDELEX s ACKED IDS 2 1-1 3-1
XDELEX s DELREF IDS 1 1-1
XDELEX s IDS 1 3-1 KEEPREF
XDELEX s KEEPREF KEEPREF IDS 1 1
XDELEX s IDS x 1
XDELEX s KEEPREF 1 1 1
XDELEX missing IDS 2 1 x
XDEL missing x
XDEL s 3-1 x
XPENDING s g
XPENDING s h""",
    "pending": GROUPS + """XPENDING s g
XPENDING s nogroup
XPENDING missing g
XPENDING s g - + 0
XPENDING s g - +
XPENDING s g IDLE 1
XPENDING s g IDLE x - + 1
XPENDING s g IDLE 100000 - + 10
XPENDING s g - + 10 nobody
XPENDING s g x + 10
XPENDING s g - + x
XPENDING s nogroup x + 10
XPENDING s g IDLE 0 - + 10 c d""",
    "setting IDs": THREE + """XSETID s 1
XSETID s 5
XSETID s 6 ENTRIESADDED 1
XSETID s 6 ENTRIESADDED -1
XSETID s 6 ENTRIESADDED x
XSETID s 6 MAXDELETEDID 7
XSETID s 6 MAXDELETEDID 5 ENTRIESADDED 10
XSETID s 4
XSETID s 6 MAXDELETEDID
XSETID s 6 FOO 1
XSETID missing 1
XINFO STREAM s
XADD s 6-0 a 1""",
    "emptied": THREE + """XDEL s 1-1 2-1 3-1
XLEN s
EXISTS s
XADD s 3-1 a 1
XADD s 3-2 a 1
XTRIM s MAXLEN 0
XINFO STREAM s
TYPE s
OBJECT ENCODING s
COPY s t
RENAME t u
XADD u 1-1 a 1""",
    "copying": GROUPS + """COPY s t
XADD t 9-1 a 1
XACK t g 1-1
XDEL t 2-1
XPENDING t g
XPENDING s g
XINFO GROUPS t
XRANGE s - +""",
    "transactions": """MULTI
XADD s 1-1 a 1
XREAD BLOCK 0 STREAMS s $
XREADGROUP GROUP g c BLOCK 0 STREAMS s >
XGROUP CREATE s g $
XREADGROUP GROUP g c BLOCK 0 STREAMS s >
XADD s 1-1 a 1
EXEC""",
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_script(twin: Twin, name: str) -> None:
    run(twin, SCRIPTS[name])


@pytest.mark.parametrize("call", [
    "XLEN k", "XRANGE k - +", "XREAD STREAMS k 0", "XADD k 1-1 a 1", "XTRIM k MAXLEN 0", "XDEL k 1",
    "XACK k g 1", "XINFO STREAM k", "XINFO GROUPS k", "XINFO CONSUMERS k g", "XPENDING k g",
    "XCLAIM k g c 0 1", "XAUTOCLAIM k g c 0 0", "XREADGROUP GROUP g c STREAMS k >", "XSETID k 1",
    "XDELEX k IDS 1 1", "XACKDEL k g IDS 1 1", "XGROUP CREATE k g 0", "XGROUP DELCONSUMER k g c",
])
def test_wrong_type_missing_and_expired(twin: Twin, call: str) -> None:
    twin(*call.split())
    twin("DEL", "k")
    twin("SET", "k", "x")
    twin(*call.split())
    twin("DEL", "k")
    twin("XADD", "k", "1-1", "a", 1)
    twin("PEXPIREAT", "k", 1)
    twin(*call.split())


def test_information(twin: Twin) -> None:
    run(twin, GROUPS + "XDEL s 2-1\nXGROUP CREATE s h 1-1\nXADD s 9-1 a 1")
    for words in ("", "FULL", "FULL COUNT 1", "FULL COUNT 0", "FULL COUNT -1", "full count 2"):
        reply = twin._compare(("XINFO", "STREAM", "s", *words.split()), _same_but_times)
        assert reply
    run(twin, "XINFO STREAM s FULL COUNT\nXINFO STREAM s FULL COUNT x\nXINFO STREAM s FOO\n"
              "XINFO STREAM s FULL FOO 1\nXINFO STREAM missing FULL\nXINFO GROUPS s\n"
              "XINFO GROUPS missing\nXINFO CONSUMERS s nogroup\nXINFO CONSUMERS missing g\n"
              "XINFO CONSUMERS s h")
    twin.near("XINFO", "CONSUMERS", "s", "g") if not twin.resp3 else None


def _same_but_times(fake: object, real: object) -> bool:
    """Times since the epoch are near to one another, all else is the same."""
    from tests.support.twin import same

    def rounded(value: object) -> object:
        if isinstance(value, dict):
            return {key: rounded(item) for key, item in value.items()}
        if isinstance(value, list):
            return [rounded(item) for item in value]
        return value // 100_000 if isinstance(value, int) and value > 10**12 else value

    return same(rounded(fake), rounded(real))


@pytest.mark.parametrize("acts", [
    "XADD s 5-1 a 1", "DEL s", "SET s x", "RENAME s t", "XGROUP DESTROY s g", "XGROUP SETID s g 0",
    "FLUSHALL", "XDEL s 1-1", "XADD other 5-1 a 1", "XADD t 5-1 a 1", "XTRIM s MAXLEN 0",
])
def test_waiting(twin: Twin, acts: str) -> None:
    run(twin, "XADD s 1-1 a 1\nXGROUP CREATE s g $\nXGROUP CREATE t g $ MKSTREAM")
    reader, member = twin.session(), twin.session()
    assert reader("XREAD", "BLOCK", 0, "STREAMS", "t", "s", "$", "$") is BLOCKED
    assert member("XREADGROUP", "GROUP", "g", "c", "BLOCK", 0, "STREAMS", "s", "t", ">", ">") \
        is BLOCKED
    twin(*acts.split())
    for waiting in (reader, member):
        if waiting.fake.outbox:
            waiting.reply()
        else:
            waiting.silent()


def test_waiting_for_what_comes_later(twin: Twin) -> None:
    one, two, three = twin.session(), twin.session(), twin.session()
    for key in ("$", "+", "0"):
        assert one("XREAD", "BLOCK", 0, "STREAMS", "s", key) is BLOCKED
        run(twin, "MULTI\nXADD s 1-1 a 1\nXADD s 1-2 a 1\nEXEC")
        one.reply()
        twin("DEL", "s")
    run(twin, "XADD s 5-1 a 1\nXGROUP CREATE s g $")
    for member in (one, two, three):
        assert member("XREADGROUP", "GROUP", "g", "c", "BLOCK", 0, "STREAMS", "s", ">") is BLOCKED
    twin("XADD", "s", "6-1", "a", 1)
    one.reply()
    two.silent()
    run(twin, "MULTI\nXADD s 7-1 a 1\nXADD s 7-2 a 1\nEXEC")
    two.reply()
    three.silent()
    twin("XGROUP", "DESTROY", "s", "g")
    three.reply()


def test_waiting_times_out(twin: Twin) -> None:
    twin("XADD", "s", "1-1", "a", 1)
    assert twin("XREAD", "BLOCK", 500, "STREAMS", "s", "$") is BLOCKED
    assert twin.reply() is None


EVENTS = GROUPS + """XADD s MAXLEN 1 9-1 a 1
XGROUP SETID s g 0
XGROUP CREATECONSUMER s g e
XCLAIM s g f 0 9-1 FORCE
XAUTOCLAIM s g h 0 0
XACK s g 9-1
XGROUP DELCONSUMER s g e
XGROUP DESTROY s g
XSETID s 20-1
XDEL s 9-1
XADD s 21-1 a 1
XTRIM s MAXLEN 5
XTRIM s MAXLEN 0
XGROUP CREATE new g 0 MKSTREAM
XADD s 22-1 a 1
XDELEX s IDS 1 22-1
XADD s MAXLEN 0 23-1 a 1"""


def test_keyspace_events(twin: Twin) -> None:
    twin("CONFIG", "SET", "notify-keyspace-events", "KEA")
    listener = twin.session()
    listener("PSUBSCRIBE", "__keyevent*")
    listener.reply()
    run(twin, EVENTS)
    while listener.fake.outbox:
        listener.reply()
    listener.silent()


@pytest.mark.parametrize("line", EVENTS.splitlines()[3:])
def test_what_watch_sees(twin: Twin, line: str) -> None:
    other = twin.session()
    run(twin, EVENTS[: EVENTS.index(line)])
    twin("WATCH", "s", "new")
    other(*line.split())
    run(twin, "MULTI\nPING\nEXEC")


@pytest.mark.parametrize("line", EVENTS.splitlines())
def test_changes_are_counted(line: str, real_url: str) -> None:
    """``rdb_changes_since_last_save`` grows as the server's does."""
    from tests.support.twin import Twin

    twin = Twin(real_url, 2)
    try:
        twin("FLUSHALL")
        run(twin, EVENTS[: EVENTS.index(line)])
        fake, real = twin.server.dirty, _changes(twin)
        twin(*line.split())
        assert twin.server.dirty - fake == _changes(twin) - real
    finally:
        twin.close()


def _changes(twin: Twin) -> int:
    info = bytes(twin.wire.call(b"INFO", b"persistence"))
    return int(info.split(b"rdb_changes_since_last_save:")[1].split(b"\r")[0])


@pytest.mark.parametrize("key", ["string", "missing", "s"])
@pytest.mark.parametrize("call", [
    "XDELEX {} IDS 0 1-1", "XDELEX {} FOO 1 1-1", "XDELEX {} IDS x 1-1", "XDELEX {} IDS 2 1-1",
    "XDELEX {} KEEPREF DELREF IDS 1 1-1", "XDELEX {} IDS 1 abc", "XACKDEL {} g IDS 0 1-1",
    "XACKDEL {} g FOO 1 1-1", "XACKDEL {} g IDS x 1-1", "XACKDEL {} g IDS 2 1-1",
    "XACKDEL {} g IDS 1 abc", "XACKDEL {} h IDS 1 abc", "XINFO STREAM {} y",
    "XINFO STREAM {} FULL y", "XINFO STREAM {} FULL COUNT x", "XINFO STREAM {} FULL COUNT",
    "XINFO STREAM {} FULL COUNT 1 2", "XINFO STREAM {} FULL FOO 1", "XACK {} g x", "XDEL {} x",
    "XCLAIM {} g c x y", "XCLAIM {} g c 1 x", "XAUTOCLAIM {} g c x 0", "XAUTOCLAIM {} g c 1 x",
    "XAUTOCLAIM {} g c 1 0 COUNT x", "XPENDING {} g x", "XPENDING {} g x y z",
    "XPENDING {} g IDLE x - + 1", "XPENDING {} g - + x", "XRANGE {} x y", "XRANGE {} - + COUNT x",
    "XRANGE {} - + FOO x", "XTRIM {} MAXLEN x", "XTRIM {} FOO x", "XSETID {} x", "XSETID {} 1-1",
    "XGROUP CREATE {} g x", "XGROUP CREATE {} g 0 FOO", "XGROUP SETID {} g x",
    "XGROUP SETID {} nog x", "XGROUP SETID {} nog 0 FOO", "XGROUP DESTROY {} h",
    "XGROUP CREATECONSUMER {} h c", "XGROUP DELCONSUMER {} h c",
    "XREADGROUP GROUP g c STREAMS {} x", "XREADGROUP GROUP h c STREAMS {} x", "XREAD STREAMS {} x",
    "XREAD COUNT x STREAMS {} x", "XINFO GROUPS {}", "XINFO CONSUMERS {} h",
])
def test_order_of_checks(twin: Twin, call: str, key: str) -> None:
    run(twin, THREE + "XGROUP CREATE s g 0\nSET string v\n" + call.format(key))


@pytest.mark.parametrize("seed", range(8))
def test_acked_and_groups_that_go(twin: Twin, seed: int) -> None:
    """ACKED removes what every group has read and acknowledged.

    The server remembers how far that is, beyond the end of the group that had read the least.
    """
    rng = random.Random(seed)
    for _ in range(10):
        twin("DEL", "s")
        for number in range(1, 5):
            twin("XADD", "s", f"{number}-0", "a", "1")
        if rng.random() < 0.6:
            run(twin, "XGROUP CREATE s g 0\nXGROUP CREATE s h 0\nXACK s g 1-0 2-0 3-0 4-0\n"
                      "XREADGROUP GROUP g c STREAMS s >\nXDELEX s ACKED IDS 1 9-0\n"
                      "XGROUP DESTROY s h")
        for _ in range(rng.randint(4, 12)):
            group, number = rng.choice("gh"), rng.randint(1, 6)
            twin(*rng.choice([
                "XGROUP CREATE s {} 0", "XGROUP CREATE s {} 0", "XGROUP DESTROY s {}",
                "XREADGROUP GROUP {} c COUNT 2 STREAMS s >", "XACK s {} 1-0 2-0 3-0 4-0",
                "XDELEX s ACKED IDS 2 1-0 2-0", "XTRIM s MAXLEN 3 ACKED", "XADD s * a b",
                "XGROUP SETID s {} {}-0", "XACKDEL s {} ACKED IDS 2 {}-0 3-0", "XLEN s",
                "XGROUP DELCONSUMER s {} c",
            ]).replace("XADD s *", "XADD s 9-*").format(group, number).split())
            twin("XRANGE", "s", "-", "+")
