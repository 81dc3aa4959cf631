"""Commands and options of Redis 8.4 to 8.10, of which there is no server to compare with.

What is expected follows the commands' public pages and is called as redis-py calls it. That servers
without them answer as such is compared with the real one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
import redis
from redis.commands import core

import fakeredis
from tests.support.harvest import table_of
from tests.support.redis_py import needs

if TYPE_CHECKING:
    from tests.support.twin import Twin

pytestmark = [
    needs("increx"),
    pytest.mark.filterwarnings("ignore:.*experimental:UserWarning"),  # redis-py's own
]
# The first version that has each, and a call of it.
SINCE = {
    "8.4": (
        "SET k v IFEQ a", "SET k v IFNE a", "SET k v IFDEQ 0", "SET k v IFDNE 0", "DIGEST k",
        "DELEX k", "DELEX k IFEQ v", "MSETEX 1 k v", "MSETEX 1 k v EX 10",
        "XREADGROUP GROUP g c CLAIM 0 STREAMS st >",
    ),
    "8.6": (
        "XADD st IDMP p 1 * f v", "XADD st IDMPAUTO p * f v", "XCFGSET st IDMP-DURATION 5",
        "HOTKEYS START METRICS 1 CPU", "HOTKEYS GET",
    ),
    "8.8": (
        "INCREX k", "XNACK st g FAIL IDS 1 1-1", "ZUNION 1 z AGGREGATE COUNT",
        "ZINTERSTORE d 1 z AGGREGATE COUNT",
    ),
    "8.10": (
        "LMOVEM a b LEFT LEFT", "BLMOVEM a b LEFT LEFT 1", "SUNIONCARD 1 s", "SDIFFCARD 1 s",
        "XREAD MAXCOUNT 1 STREAMS st 0", "XREAD MAXSIZE 1 STREAMS st 0",
    ),
}
CALLS = [(version, call) for version, calls in SINCE.items() for call in calls]
ORDER = ["8.2", *SINCE]


@pytest.fixture(params=[2, 3], ids=["resp2", "resp3"])
def new(request: pytest.FixtureRequest) -> Iterator[redis.Redis]:
    """A client of the newest server there is."""
    client = fakeredis.FakeServer(version="8.10").client(protocol=request.param)
    with client:
        yield client


def execute(session: Any, call: str) -> Any:
    from tests.support.twin import fake_reply

    return fake_reply(session, call.encode().split())


@pytest.mark.parametrize(("version", "call"), CALLS, ids=[call for _, call in CALLS])
def test_only_newer_servers_have_them(version: str, call: str) -> None:
    from fakeredis.errors import CommandError

    for other in ORDER:
        session = fakeredis.FakeServer(version=other).session()
        for before in ("XGROUP CREATE st g 0 MKSTREAM", "XADD st 1-1 f v", "ZADD z 1 a"):
            execute(session, before)
        reply = execute(session, call)
        known = ORDER.index(other) >= ORDER.index(version)
        refused = isinstance(reply, CommandError)
        assert refused is not known or (known and "syntax" not in str(reply)), (other, reply)


@pytest.mark.parametrize("call", [call for _, call in CALLS])
def test_the_default_server_answers_as_the_real_one(twin: Twin, call: str) -> None:
    twin("XADD", "st", "1-1", "f", "v")
    twin("XGROUP", "CREATE", "st", "g", "0")
    twin("ZADD", "z", 1, "a")
    twin(*call.split())
    twin("MULTI")
    twin(*call.split())
    twin("EXEC")


def test_all_of_them_are_known_to_the_newest_table() -> None:
    names = {command.name for command in table_of("8.10").all()}
    assert {"DELEX", "DIGEST", "MSETEX", "INCREX", "XCFGSET", "XNACK", "LMOVEM", "BLMOVEM",
            "SUNIONCARD", "SDIFFCARD", "HOTKEYS START"} <= names


# Strings ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "equal", "missing"),
    [("ifeq", True, False), ("ifne", False, True), ("ifdeq", True, False), ("ifdne", False, True)],
)
def test_conditions(new: redis.Redis, option: str, equal: bool, missing: bool) -> None:
    new.set("k", "old")
    same = new.digest("k").decode().upper() if "d" in option else "old"
    other = "0" * 16 if "d" in option else "other"
    assert new.delex("k", **{option: other}) == (not equal)
    new.set("k", "old")
    assert new.set("k", "new", **{option: same}) == (True if equal else None)
    new.set("k", "old")
    assert new.set("k", "new", get=True, **{option: other}) == b"old"
    assert new.get("k") == (b"old" if equal else b"new")
    assert new.set("no", "v", px=5000, **{option: same}) == (True if missing else None)
    assert new.exists("no") == new.delex("no") == missing
    new.rpush("list", 1)
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        new.set("list", "v", **{option: same})
    with pytest.raises(redis.ResponseError, match="string type"):
        new.delex("list", **{option: same})
    assert new.delex("list") == 1


@pytest.mark.parametrize(
    "call", ["SET k v IFDEQ 12", "SET k v IFDNE 0123456789abcdefg", "DELEX k IFDEQ 1"],
)
def test_a_digest_has_16_digits(new: redis.Redis, call: str) -> None:
    new.set("k", "v")
    with pytest.raises(redis.ResponseError, match="exactly 16 hexadecimal"):
        new.execute_command(*call.split())
    assert new.execute_command("DELEX", "k", "IFDEQ", "z" * 16) == 0  # nothing else is looked at
    assert new.set("missing", "v", ifdeq="12") is None


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("SET k v NX IFEQ a", "syntax"), ("SET k v IFEQ a IFNE b", "syntax"),
        ("SET k v IFEQ", "syntax"), ("DELEX k IFEQ", "wrong number"), ("DELEX k X v", "condition"),
        ("MSETEX 2 a 1 b", "key-value pairs"), ("MSETEX x a 1", "invalid numkeys"),
        ("MSETEX 0 a 1", "invalid numkeys"), ("MSETEX 2147483648 a 1", "invalid numkeys"),
        ("MSETEX 1 a 1 NX XX", "syntax"), ("MSETEX 1 a 1 EX 1 KEEPTTL", "syntax"),
        ("MSETEX 1 a 1 EX 0", "invalid expire time in 'msetex'"), ("MSETEX 1 a 1 IFEQ 2", "syntax"),
    ],
)
def test_bad_calls_of_strings(new: redis.Redis, call: str, error: str) -> None:
    new.set("k", "v")
    with pytest.raises(redis.ResponseError, match=error):
        new.execute_command(*call.split())
    assert new.keys() == [b"k"]


def test_msetex(new: redis.Redis) -> None:
    nx, xx = core.DataPersistOptions.NX, core.DataPersistOptions.XX
    assert new.msetex({"a": 1, "b": 2}, data_persist_option=nx, ex=100) == 1
    assert new.ttl("b") == 100
    assert new.msetex({"a": 3, "c": 3}, data_persist_option=nx) == 0
    assert new.msetex({"a": 3, "c": 3}, data_persist_option=xx) == 0
    assert new.msetex({"a": 4, "b": 4}, data_persist_option=xx, keepttl=True) == 1
    assert new.mget("a", "b", "c") == [b"4", b"4", None]
    assert new.ttl("a") == 100
    assert new.msetex({"a": 5}) == 1
    assert new.ttl("a") == -1
    keys = new.command_getkeys("MSETEX", 2, "a", 1, "b", 2)
    assert [redis.utils.str_if_bytes(key) for key in keys] == ["a", "b"]


MOST = 2**63 - 1


@pytest.mark.parametrize(
    ("old", "options", "reply", "value"),
    [
        (None, {}, [1, 1], b"1"), ("10", {"byint": -4}, [6, -4], b"6"),
        ("10", {"byint": 10, "ubound": 15}, [10, 0], b"10"),
        ("10", {"byint": 10, "ubound": 15, "saturate": True}, [15, 5], b"15"),
        ("10", {"byint": -10, "lbound": 5, "saturate": True}, [5, -5], b"5"),
        (None, {"byint": 5, "lbound": 10}, [0, 0], None),
        ("50", {"byint": -25, "ubound": 30}, [25, -25], b"25"),
        ("50", {"byint": 5, "ubound": 30, "saturate": True}, [30, -20], b"30"),
        (str(MOST - 7), {"byint": 100}, [MOST - 7, 0], str(MOST - 7).encode()),
        (str(MOST - 7), {"byint": 100, "saturate": True}, [MOST, 7], str(MOST).encode()),
        ("1.5", {"byfloat": "0.25"}, [1.75, 0.25], b"1.75"),
        ("10", {"byfloat": "10", "ubound": "15.5"}, [10, 0], b"10"),
        ("10", {"byfloat": "10", "ubound": "15.5", "saturate": True}, [15.5, 5.5], b"15.5"),
        ("0", {"byfloat": "-100", "lbound": "-5.5", "saturate": True}, [-5.5, -5.5], b"-5.5"),
        (None, {"byfloat": "-0.5", "ubound": "-1.5"}, [0, 0], None),
    ],
)
def test_increx(
    new: redis.Redis, old: str | None, options: Any, reply: list[float], value: bytes | None
) -> None:
    if old is not None:
        new.set("n", old)
    found = new.increx("n", **options)
    assert [float(part) if "byfloat" in options else part for part in found] == reply
    assert new.get("n") == value


def test_increx_replies_numbers_as_the_protocol_has_them(new: redis.Redis) -> None:
    assert new.increx("n") == [1, 1]
    kind = float if new.get_connection_kwargs()["protocol"] == 3 else bytes
    assert [type(part) for part in new.increx("n", byfloat="0.5")] == [kind, kind]


def test_increx_and_deadlines(new: redis.Redis) -> None:
    new.increx("n", ex=100, enx=True)
    new.increx("n", ex=900, enx=True)
    assert new.ttl("n") == 100
    new.increx("n", byint=5, ubound=3, ex=900)
    assert new.ttl("n") == 100  # what is refused leaves all as it was
    new.increx("n")
    assert new.ttl("n") == 100
    new.increx("n", px=900_000)
    assert new.ttl("n") == 900
    new.increx("n", persist=True)
    assert new.ttl("n") == -1
    assert new.increx("n", exat=1) == [6, 1]
    assert not new.exists("n")


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("FOO", "syntax"), ("BYINT", "syntax"), ("BYINT 1 BYFLOAT 1", "syntax"),
        ("BYINT 1 BYINT 2", "syntax"), ("EX 10 PX 10", "syntax"), ("PERSIST ENX", "syntax"),
        ("EX 10 PERSIST", "syntax"), ("SATURATE SATURATE", "syntax"), ("ENX", "ENX flag requires"),
        ("BYINT 1.5", "Increment is not an integer"), ("BYFLOAT x", "Increment is not a valid fl"),
        ("UBOUND x", "UBOUND is not an integer"), ("BYFLOAT 1 LBOUND x", "LBOUND is not a valid"),
        ("LBOUND 10 UBOUND 5", "LBOUND can't be greater"), ("BYFLOAT inf", "cannot be Infinity"),
        ("BYFLOAT 1 LBOUND 2.5 UBOUND 1", "LBOUND can't be greater"), ("EX 0", "invalid expire"),
        (f"SATURATE UBOUND {-MOST}", "applied increment would overflow"),
    ],
)
def test_bad_calls_of_increx(new: redis.Redis, words: str, error: str) -> None:
    new.set("n", MOST - 7)
    with pytest.raises(redis.ResponseError, match=error):
        new.execute_command("INCREX", "n", *words.split())
    assert (new.get("n"), new.ttl("n")) == (str(MOST - 7).encode(), -1)


def test_increx_of_other_values(new: redis.Redis) -> None:
    new.mset({"word": "hello", "inf": "inf"})
    new.rpush("list", 1)
    for key, options, error in (
        ("word", {}, "not an integer"), ("word", {"byfloat": 1}, "not a valid float"),
        ("inf", {"byfloat": 1}, "value cannot be Infinity"), ("list", {}, "WRONGTYPE"),
    ):
        with pytest.raises(redis.ResponseError, match=error):
            new.increx(key, **options)


# Lists, sets, sorted sets -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ends", "order", "moved", "left"),
    [
        ("LEFT LEFT", "OBO", "321", "45"), ("LEFT LEFT", "BULK", "123", "45"),
        ("RIGHT RIGHT", "OBO", "543", "12"), ("RIGHT RIGHT", "BULK", "345", "12"),
        ("LEFT RIGHT", "OBO", "123", "45"), ("RIGHT LEFT", "BULK", "345", "12"),
    ],
)
def test_lmovem(new: redis.Redis, ends: str, order: Any, moved: str, left: str) -> None:
    new.rpush("a", *"12345")
    new.rpush("b", "x")
    there = [char.encode() for char in moved]
    assert new.lmovem("a", "b", *ends.split(), count=3, ordering=order) == there
    assert new.lrange("a", 0, -1) == [char.encode() for char in left]
    expected = [b"x", *there] if ends.endswith("RIGHT") else [*there, b"x"]
    assert new.lrange("b", 0, -1) == expected


def test_lmovem_of_too_few(new: redis.Redis) -> None:
    new.rpush("a", *"12")
    assert new.lmovem("a", "b", count=3, mode="EXACTLY", ordering="BULK") is None
    assert new.lmovem("no", "b", count=3, mode="EXACTLY", ordering="BULK") is None
    assert new.lmovem("no", "b", count=3, ordering="BULK") is None
    assert not new.exists("b")
    assert new.lmovem("a", "a", "LEFT", "LEFT", count=2, ordering="OBO") == [b"2", b"1"]
    assert new.lmovem("a", "b", count=9, ordering="BULK") == [b"2", b"1"]
    assert new.keys() == [b"b"]
    assert new.blmovem("b", "c", 0) == [b"2"]
    assert new.blmovem("b", "c", 0.01, count=2, mode="EXACTLY", ordering="OBO") is None


def test_blmovem_waits_for_enough() -> None:
    server = fakeredis.FakeServer(version="8.10")
    waiting, other = server.session(), server.session()
    execute(waiting, "BLMOVEM a b LEFT RIGHT 0 EXACTLY 3 BULK")
    execute(other, "RPUSH a 1 2")
    assert not waiting.outbox
    execute(other, "LINSERT a BEFORE 1 0")
    assert waiting.outbox.popleft() == [b"0", b"1", b"2"]
    assert execute(other, "KEYS *") == [b"b"]


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("LMOVEM a b UP LEFT", "syntax"), ("LMOVEM a b LEFT LEFT COUNT 2", "syntax"),
        ("LMOVEM a b LEFT LEFT COUNT 2 X", "syntax"), ("LMOVEM a b LEFT LEFT X 2 OBO", "syntax"),
        ("LMOVEM a b LEFT LEFT COUNT 2 OBO X", "syntax"),
        ("LMOVEM a b LEFT LEFT COUNT 0 OBO", "count"), ("LMOVEM s b LEFT LEFT", "WRONGTYPE"),
        ("LMOVEM a s LEFT LEFT COUNT 2 OBO", "WRONGTYPE"),
        ("BLMOVEM a b LEFT LEFT x", "timeout is not a float"),
        ("SUNIONCARD 0 a", "numkeys"), ("SUNIONCARD 3 a b", "Number of keys"),
        ("SDIFFCARD 1 t APPROX", "syntax"), ("SDIFFCARD 1 t LIMIT -1", "LIMIT"),
        ("SUNIONCARD 1 a", "WRONGTYPE"),
    ],
)
def test_bad_calls_of_lists_and_sets(new: redis.Redis, call: str, error: str) -> None:
    new.rpush("a", 1, 2, 3)
    new.set("s", "v")
    new.sadd("t", 1)
    with pytest.raises(redis.ResponseError, match=error):
        new.execute_command(*call.split())
    assert new.lrange("a", 0, -1) == [b"1", b"2", b"3"]


def test_cardinalities(new: redis.Redis) -> None:
    new.sadd("a", *range(300))
    new.sadd("b", *range(200, 500))
    assert new.sunioncard(3, ["a", "b", "no"]) == 500
    assert new.sunioncard(2, ["a", "b"], limit=7) == 7
    assert 480 < new.sunioncard(2, ["a", "b"], approx=True) < 520
    assert new.sunioncard(2, ["a", "b"], approx=True, limit=9) == 9
    assert new.sdiffcard(2, ["a", "b"]) == 200
    assert new.sdiffcard(2, ["a", "b"], limit=5) == 5
    assert new.sdiffcard(2, ["no", "b"]) == 0


def test_aggregate_count(new: redis.Redis) -> None:
    new.zadd("a", {"x": 50, "y": 60})
    new.zadd("b", {"y": 70})
    new.sadd("c", "y")
    union = new.zunion(["a", "b", "c"], aggregate="COUNT", withscores=True)
    assert [tuple(pair) for pair in union] == [(b"x", 1.0), (b"y", 3.0)]
    assert new.zinterstore("to", {"a": 2, "b": 3, "c": 10}, aggregate="COUNT") == 1
    assert new.zscore("to", "y") == 15


# Streams ------------------------------------------------------------------------------------


@pytest.fixture
def clocked() -> tuple[Any, Any]:
    """A newest server whose clock stands still, and a session."""
    server = fakeredis.FakeServer(version="8.10")
    server.clock.freeze(1_700_000_000)
    return server, server.session()


def entries(reply: Any) -> list[Any]:
    return [] if reply is None else reply[0][1]


def test_claiming_while_reading(clocked: tuple[Any, Any]) -> None:
    server, session = clocked
    for call in ("XADD s 1-0 f v", "XADD s 2-0 f v", "XGROUP CREATE s g 0",
                 "XREADGROUP GROUP g a COUNT 1 STREAMS s >"):
        execute(session, call)
    server.advance(0.1)
    read = "XREADGROUP GROUP g b %s STREAMS s >"
    found = entries(execute(session, read % "CLAIM 50"))
    assert found == [[b"1-0", [b"f", b"v"], 100, 1], [b"2-0", [b"f", b"v"], 0, 0]]
    assert execute(session, read % "CLAIM 50") is None
    rows = execute(session, "XPENDING s g - + 9")
    assert rows == [[b"1-0", b"b", 0, 2], [b"2-0", b"b", 0, 1]]
    server.advance(0.2)
    assert len(entries(execute(session, read % "COUNT 1 CLAIM 200"))) == 1
    assert [row[0] for row in entries(execute(session, read % "NOACK CLAIM 200"))] == [b"2-0"]
    assert len(entries(execute(session, "XREADGROUP GROUP g b CLAIM 0 STREAMS s 0"))[0]) == 2


def test_waiting_for_what_becomes_idle(clocked: tuple[Any, Any]) -> None:
    server, session = clocked
    for call in ("XADD s 1-0 f v", "XGROUP CREATE s g 0", "XREADGROUP GROUP g a STREAMS s >"):
        execute(session, call)
    waiting = server.session()
    execute(waiting, "XREADGROUP GROUP g b BLOCK 5000 CLAIM 1000 STREAMS s >")
    server.advance(0.9)
    assert not waiting.outbox
    server.advance(0.2)
    assert entries(waiting.outbox.popleft()) == [[b"1-0", [b"f", b"v"], 1100, 1]]
    execute(waiting, "XREADGROUP GROUP g b BLOCK 5000 CLAIM 60000 STREAMS s >")
    assert execute(session, "XNACK s g FAIL IDS 1 1-0") == 1
    assert entries(waiting.outbox.popleft())[0][3] == 2
    execute(waiting, "XREADGROUP GROUP g b BLOCK 5000 CLAIM 60000 STREAMS s >")
    server.advance(6)
    assert waiting.outbox.popleft() is None


@pytest.mark.parametrize(
    ("words", "count"),
    [("SILENT", 0), ("FAIL", 1), ("FATAL", MOST), ("FATAL RETRYCOUNT 7", 7),
     ("SILENT RETRYCOUNT 0 FORCE", 0)],
)
def test_giving_back(clocked: tuple[Any, Any], words: str, count: int) -> None:
    _, session = clocked
    for call in ("XADD s 1-0 f v", "XADD s 2-0 f v", "XADD s 3-0 f v", "XGROUP CREATE s g 0",
                 "XREADGROUP GROUP g a STREAMS s >"):
        execute(session, call)
    mode, _, rest = words.partition(" ")
    assert execute(session, f"XNACK s g {mode} {rest} IDS 3 2-0 9-9 1-0") == 2
    rows = execute(session, "XPENDING s g - + 9")
    assert rows[:2] == [[b"1-0", b"", -1, count], [b"2-0", b"", -1, count]]
    assert execute(session, "XPENDING s g") == [3, b"1-0", b"3-0", [[b"a", b"1"]]]
    execute(session, "COPY s t")
    dumped = execute(session, "DUMP s")
    assert session.execute([b"RESTORE", b"u", b"0", dumped]) == b"OK"
    for key in ("s", "t"):
        info = execute(session, f"XINFO STREAM {key} FULL")
        (facts,) = info[info.index(b"groups") + 1]
        assert facts[facts.index(b"nacked-count") + 1] == 2
        claimed = entries(execute(session, f"XREADGROUP GROUP g b CLAIM 99999 STREAMS {key} >"))
        assert [row[0] for row in claimed] == [b"2-0", b"1-0"]  # in the order of giving back
    assert execute(session, "XPENDING u g - + 1") == rows[:1]
    assert execute(session, "XACK u g 1-0") == 1


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("no FAIL IDS 1 1-0", "NOGROUP"), ("g BAD IDS 1 1-0", "ERR mode must be"),
        ("g FAIL IDS x 1-0", "ERR numids must be"), ("g FAIL IDS 2 1-0", "ERR number of IDs"),
        ("g FAIL IDS 1 1-0 2-0", "ERR Unrecognized"), ("g FAIL FORCE RETRYCOUNT 5", "ERR syntax"),
        ("g FAIL IDS 1 x", "ERR Invalid stream ID"), ("g FAIL IDS 1 1-0 RETRYCOUNT -1", "ERR Inv"),
        ("g FAIL IDS 1 1-0 RETRYCOUNT x", "ERR value is not"), ("g FAIL IDS 1", "ERR wrong number"),
    ],
)
def test_bad_calls_of_xnack(clocked: tuple[Any, Any], words: str, error: str) -> None:
    _, session = clocked
    execute(session, "XADD s 1-0 f v")
    execute(session, "XGROUP CREATE s g 0")
    assert str(execute(session, f"XNACK s {words}")).startswith(error)


def test_adding_once(new: redis.Redis) -> None:
    first = new.xadd("s", {"f": "v"}, idmp=("p", b"1"))
    assert new.xadd("s", {"f": "other"}, idmp=("p", b"1")) == first
    assert new.xadd("s", {"f": "v"}, idmp=("q", b"1")) != first
    auto = new.xadd("s", {"a": 1, "b": 2}, idmpauto="p", maxlen=100)
    assert new.xadd("s", {"b": 2, "a": 1}, idmpauto="p") == auto
    assert new.xlen("s") == 3
    info = new.xinfo_stream("s")
    assert (info["pids-tracked"], info["iids-tracked"], info["iids-duplicates"]) == (2, 3, 2)
    new.xcfgset("s", idmp_maxsize=100)
    assert new.xadd("s", {"f": "v"}, idmp=("p", b"1")) == first
    assert new.xcfgset("s", idmp_duration=50, idmp_maxsize=2) in (True, b"OK")
    assert new.xadd("s", {"f": "v"}, idmp=("p", b"1")) != first
    for name in (b"2", b"3"):
        new.xadd("s", {"f": "v"}, idmp=("p", name))
    assert new.xinfo_stream("s", full=True)["iids-tracked"] == 2
    assert new.xadd("no", {"f": "v"}, idmp=("p", b"1"), nomkstream=True) is None


def test_names_are_forgotten_in_time(clocked: tuple[Any, Any]) -> None:
    server, session = clocked
    add = "XADD s IDMP p 1 * f v"
    first = execute(session, add)
    server.advance(99)
    assert execute(session, add) == first
    server.advance(2)
    assert execute(session, add) != first


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("XADD s IDMP p * f v", "Invalid stream ID"), ("XADD s IDMP p i 9-9 f v", "auto-generated"),
        ("XADD s IDMP p i IDMPAUTO p * f v", "multiple times"),
        ("XCFGSET no IDMP-MAXSIZE 1", "no such"),
        ("XCFGSET s", "At least one"), ("XCFGSET s IDMP-MAXSIZE", "syntax"),
        ("XCFGSET s X 1", "syntax"), ("XCFGSET s IDMP-MAXSIZE x", "not an integer"),
        ("XCFGSET s IDMP-MAXSIZE 10001", "between 1 and 10000"),
        ("XCFGSET s IDMP-DURATION 0", "IDMP-DURATION must be between 1 and 86400"),
        ("XREADGROUP GROUP g c CLAIM x STREAMS s >", "min-idle-time is not an integer"),
        ("XREADGROUP GROUP g c CLAIM -1 STREAMS s >", "min-idle-time must be a positive"),
        ("XREAD CLAIM 1 STREAMS s 0", "The CLAIM option is only supported by XREADGROUP"),
        ("XREAD MAXCOUNT 0 STREAMS s 0", "MAXCOUNT"),
        ("XREAD COUNT 5 MAXCOUNT 4 STREAMS s 0", "MAXCOUNT"),
    ],
)
def test_bad_calls_of_streams(new: redis.Redis, call: str, error: str) -> None:
    new.xadd("s", {"f": "v"}, id="1-1")
    with pytest.raises(redis.ResponseError, match=error):
        new.execute_command(*call.split())
    with pytest.raises(redis.ResponseError, match="non-empty producer"):
        new.execute_command("XADD", "s", "IDMPAUTO", "", "*", "f", "v")
    assert new.xlen("s") == 1


def test_limits_over_all_streams(new: redis.Redis) -> None:
    for key in ("a", "b"):
        for number in range(3):
            new.xadd(key, {"f": "v" * 100}, id=f"{number + 1}-1")
        new.xgroup_create(key, "g", 0)
    sizes = [
        (new.execute_command("XREAD", *words, "STREAMS", "a", "b", 0, 0))
        for words in (["MAXCOUNT", 4], ["COUNT", 1, "MAXCOUNT", 4], ["MAXSIZE", 200])
    ]
    counts = [
        sum(len(rows) for rows in (reply.values() if type(reply) is dict else
                                   [rows for _, rows in reply]))
        for reply in map(flat, sizes)
    ]
    assert counts == [4, 2, 1]
    new.xreadgroup("g", "c", {"a": ">", "b": ">"}, max_count=2, max_size=10_000)
    assert new.xpending("a", "g")["pending"] == 2


def flat(reply: Any) -> Any:
    """XREAD's reply, whatever redis-py makes of it."""
    if type(reply) is dict:
        return {key: rows[0] if rows and type(rows[0]) is list else rows
                for key, rows in reply.items()}
    return reply


# Hot keys -----------------------------------------------------------------------------------


def test_hot_keys(new: redis.Redis) -> None:
    metrics = [core.HotkeysMetricsTypes.CPU, core.HotkeysMetricsTypes.NET]
    assert new.hotkeys_start(metrics, count=1) == b"OK"
    new.set("hot", "v" * 1000)
    new.set("cold", "v")
    with new.pipeline() as pipe:
        pipe.get("hot").get("hot").execute()
    with pytest.raises(redis.ResponseError, match="already in progress"):
        new.hotkeys_start(metrics)
    with pytest.raises(redis.ResponseError, match="stop tracking first"):
        new.hotkeys_reset()
    assert new.hotkeys_stop() == b"OK"
    new.set("later", "v" * 10_000)
    (found,) = new.hotkeys_get()
    assert found[b"tracking-active"] == 0
    assert found[b"by-net-bytes"][0] == b"hot"
    assert 3000 < found[b"by-net-bytes"][1] < found[b"total-net-bytes"] < 9000
    assert new.hotkeys_reset() == b"OK"


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("", "METRICS parameter is required"), ("METRICS 0", "METRICS count"),
        ("METRICS 2 CPU", "does not match"), ("METRICS 1 CPU NET", "syntax"),
        ("METRICS 1 GPU", "no valid metrics"), ("METRICS 2 CPU CPU", "METRICS CPU"),
        ("METRICS 1 CPU COUNT 65", "between 1 and 64"), ("METRICS 1 CPU SAMPLE 0", "positive"),
        ("METRICS 1 CPU SLOTS 1 0", "non-cluster mode"),
    ],
)
def test_bad_calls_of_hotkeys(new: redis.Redis, words: str, error: str) -> None:
    with pytest.raises(redis.ResponseError, match=error):
        new.execute_command("HOTKEYS", "START", *words.split())
    assert new.execute_command("HOTKEYS", "START", "METRICS", "2", "GPU", "CPU") == b"OK"


def test_hot_keys_end_in_time(clocked: tuple[Any, Any]) -> None:
    server, session = clocked
    execute(session, "HOTKEYS START METRICS 1 NET DURATION 5")
    server.advance(60)
    execute(session, "SET k v")
    info = dict(zip(*[iter(execute(session, "HOTKEYS GET")[0])] * 2, strict=True))
    assert (info[b"tracking-active"], info[b"collection-duration-ms"]) == (0, 5000)
    assert info[b"by-net-bytes"] == []
    assert execute(session, "HOTKEYS STOP") is None
