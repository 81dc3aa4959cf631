"""DEBUG against the real server."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import pytest

from fakeredis.errors import CommandError, ConnectionLost
from tests.support.engines import Server
from tests.support.twin import Twin as RealTwin
from tests.support.twin import same

if TYPE_CHECKING:
    from tests.support.twin import Twin


@pytest.fixture(autouse=True)
def _allowed(request: pytest.FixtureRequest) -> None:
    """The real server of the tests allows DEBUG to local clients."""
    if "twin" in request.fixturenames:
        twin: RealTwin = request.getfixturevalue("twin")
        twin.server.config.override("enable-debug-command", "local")


def run(twin: Twin, script: str) -> None:
    for line in script.strip().splitlines():
        twin(*shlex.split(line))


DATA = """
    SET k v
    SET n 12
    SET long 'hello world hello world hello world hello world hello world'
    SET e v EX 1000
    RPUSH l 1 2 three
    SADD t a b c
    SADD i 1 2 3
    ZADD z 1 a 2.5 b 1e100 c -inf d
    HSET h f v g w
    HSET x f v g w
    HEXPIRE x 1000 FIELDS 1 f
    XADD s 1-1 a b c d
    XADD s 2-5 a b
    PFADD p a b c
    SETRANGE r 5 x
"""


def test_digests(twin: Twin) -> None:
    twin("DEBUG", "DIGEST")
    run(twin, DATA)
    keys = ["k", "n", "long", "e", "l", "t", "i", "z", "h", "x", "s", "p", "r", "none"]
    twin("DEBUG", "DIGEST-VALUE", *keys)
    twin("DEBUG", "DIGEST")
    twin("SELECT", 3)
    run(twin, DATA)
    twin("DEBUG", "DIGEST")
    twin("DEBUG", "DIGEST-VALUE")


@pytest.mark.parametrize("kind", [
    "string", "integer", "double", "bignum", "null", "array", "set", "map", "attrib", "verbatim",
    "true", "false", "FALSE", "nosuch",
])
def test_kinds_of_replies(twin: Twin, kind: str) -> None:
    twin("DEBUG", "PROTOCOL", kind)


def test_push(twin: Twin) -> None:
    if not twin.resp3:
        twin("DEBUG", "PROTOCOL", "push")
        return
    twin("DEBUG", "PROTOCOL", "push")
    assert twin.reply() == [b"server-cpu-usage", 42]


def test_values(twin: Twin) -> None:
    """What DEBUG OBJECT tells, but for addresses and times."""
    run(twin, DATA)
    twin("RPUSH", "big", *["x" * 100] * 300)
    for key in ["k", "n", "long", "e", "l", "t", "i", "z", "h", "x", "s", "p", "r", "big"]:
        words = [b"DEBUG", b"OBJECT", key.encode()]
        fake, real = twin.fake.execute(words), twin.wire.call(*words)
        told = [
            [part for part in reply.split() if b"at:" not in part and b"lru" not in part]
            for reply in (fake, real)
        ]
        assert same(*told), key
        for name in ("LISTPACK", "QUICKLIST", "HTSTATS-KEY"):
            twin("DEBUG", name, key)
    run(twin, """
        DEBUG OBJECT none
        DEBUG LISTPACK none
        DEBUG HTSTATS-KEY none
        DEBUG SDSLEN none
        DEBUG SDSLEN h
        DEBUG OBJECT k x
        DEBUG OBJECT
    """)
    for depth in (1, 0):
        twin("CONFIG", "SET", "list-compress-depth", depth)
        twin("DEL", "big")
        twin("RPUSH", "big", *["x" * 100] * 300)
        fake, real = (bytes(ask(b"DEBUG", b"OBJECT", b"big")).split()
                      for ask in (lambda *words: twin.fake.execute(words), twin.wire.call))
        assert b"ql_compressed:%d" % depth in fake
        assert fake[-2:] == real[-2:]
    twin("HSET", "table", *range(2000))
    twin("DEBUG", "HTSTATS-KEY", "table")


def test_keys_made_by_the_server(twin: Twin) -> None:
    run(twin, """
        SET key:1 mine
        DEBUG POPULATE 3
        GET key:0
        GET key:1
        DEBUG POPULATE 2 foo
        DEBUG POPULATE 2 bar 10
        GET bar:1
        DEBUG POPULATE 2 short 3
        GET short:0
        DEBUG POPULATE 2 zero 0
        DEBUG POPULATE x
        DEBUG POPULATE -1
        DEBUG POPULATE 2 bar x
        DEBUG POPULATE 2 bar -5
        DEBUG POPULATE 2 a 3 4
        DEBUG POPULATE 0
        DBSIZE
        DEBUG HTSTATS 99
        DEBUG HTSTATS x
        DEBUG HTSTATS 5
    """)


def test_reload(twin: Twin) -> None:
    run(twin, DATA)
    run(twin, """
        DEBUG RELOAD
        TTL e
        XINFO STREAM s
        DEBUG RELOAD NOSAVE
        DEBUG RELOAD FOO
        DEBUG RELOAD MERGE NOFLUSH
        OBJECT ENCODING i
    """)


def test_settings_and_mistakes(twin: Twin) -> None:
    run(twin, """
        DEBUG SET-ACTIVE-EXPIRE 0
        DEBUG SET-ACTIVE-EXPIRE x
        DEBUG SET-ACTIVE-EXPIRE 1
        DEBUG SLEEP -1
        DEBUG SLEEP x
        DEBUG SLEEP 0
        DEBUG SLEEP
        DEBUG STRUCTSIZE
        DEBUG STRINGMATCH-LEN 10 a*
        DEBUG QUICKLIST-PACKED-THRESHOLD 100b
        DEBUG QUICKLIST-PACKED-THRESHOLD 5g
        DEBUG QUICKLIST-PACKED-THRESHOLD x
        DEBUG QUICKLIST-PACKED-THRESHOLD 0
        DEBUG REPLYBUFFER PEAK-RESET-TIME NEVER
        DEBUG REPLYBUFFER PEAK-RESET-TIME 100
        DEBUG REPLYBUFFER PEAK-RESET-TIME x
        DEBUG REPLYBUFFER PEAK-RESET-TIME RESET
        DEBUG REPLYBUFFER RESIZING 1
        DEBUG REPLYBUFFER foo 1
        DEBUG DICT-RESIZING 1
        DEBUG LOG foo
        DEBUG LOG foo bar
        DEBUG ERROR 'FOO bar'
        DEBUG ERROR x y
        DEBUG CHANGE-REPL-ID
        DEBUG CHANGE-REPL-ID x
        DEBUG SET-DISABLE-DENY-SCRIPTS 0
        DEBUG LOADAOF
        DEBUG INTERNAL_SECRET
        DEBUG PAUSE-CRON 0
        EVAL 'return 1' 0
        DEBUG SCRIPT LIST
        DEBUG SCRIPT e0e1f9fabfc9d4800c877a703b823ac0578ff8db
        DEBUG SCRIPT foo
        DEBUG JMAP
        DEBUG HELP x
        DEBUG
        DEBUG nosuch a b
    """)


@pytest.mark.parametrize(("setting", "address", "allowed"), [
    ("no", "127.0.0.1:1", False), ("yes", "10.0.0.1:1", True), ("local", "127.0.0.1:1", True),
    ("local", "10.0.0.1:1", False), ("local", "/tmp/socket:0", True),
])
def test_who_may(setting: str, address: str, allowed: bool) -> None:
    server = Server()
    server.config.override("enable-debug-command", setting)
    session = server.session(address=address)
    if allowed:
        assert session.execute([b"DEBUG", b"DIGEST"]) == b"0" * 40
        return
    with pytest.raises(CommandError, match="DEBUG command not allowed"):
        session.execute([b"DEBUG", b"DIGEST"])


@pytest.mark.parametrize("name", [b"SEGFAULT", b"PANIC", b"ASSERT", b"OOM"])
def test_crash(name: bytes) -> None:
    server = Server()
    server.config.override("enable-debug-command", "yes")
    session: Any = server.session()
    with pytest.raises(ConnectionLost):
        session.execute([b"DEBUG", name])
    assert not server.connected


LEFT_IN_PLACE = """
HGET h f|HLEN h|HMGET h f g|HEXISTS h f|HGETALL h|HKEYS h|HSCAN h 0|HRANDFIELD h 5
HPTTL h FIELDS 2 f g|HPEXPIRETIME h FIELDS 1 f|HPERSIST h FIELDS 2 f g
HEXPIRE h 100 FIELDS 1 f|HEXPIRE h 100 NX FIELDS 2 f g|HEXPIRE h 0 FIELDS 1 f
HGETEX h EX 100 FIELDS 2 f g|HGETDEL h FIELDS 1 f|HSETEX h FIELDS 1 f 5
HSETEX h FNX FIELDS 1 f 5|HSETEX h FXX FIELDS 1 f 5|HSETEX h KEEPTTL FIELDS 1 f 5|HSET h f 5
HMSET h f 5|HSETNX h f 5|HINCRBY h f 5|HDEL h f|HDEL h f g|COPY h i|RENAME h i|TYPE h|DBSIZE
OBJECT ENCODING h
""".replace("\n", "|").strip("|").split("|")


@pytest.mark.parametrize("command", LEFT_IN_PLACE)
def test_nothing_expires_by_itself(twin: Twin, command: str) -> None:
    """Fields that have expired remain, and some commands take them for fields like all others."""
    twin.ignore_state()
    run(twin, "DEBUG SET-ACTIVE-EXPIRE 0")
    try:
        for pairs in ("f 1 g 2", "f 1 g 2 i 3"):
            run(twin, f"DEL h i\nHSET h {pairs}\nHPEXPIRE h 1 FIELDS 1 f\nDEBUG SLEEP 0.002")
            run(twin, f"{command}\nHLEN h\nHLEN i\nHTTL h FIELDS 1 f\nHLEN h\nEXISTS h")
    finally:
        run(twin, "DEBUG SET-ACTIVE-EXPIRE 1")


EVENTS_OF = """
HMGET h f|HMGET h f g|HMGET h g x f|HSETEX h FNX FIELDS 1 f 5|HSETEX h FNX FIELDS 2 f 5 g 6
HSETEX h FNX FIELDS 3 f 5 c 7 g 6|HSETEX h FXX FIELDS 1 f 5|HSETEX h FXX FIELDS 2 f 5 g 6
HSETEX h FXX FIELDS 3 c 7 f 5 g 6|HSETEX h FNX EX 50 FIELDS 2 x 5 f 6|HSETEX h FXX FIELDS 1 g 5
HGET h f|HGETEX h FIELDS 2 f g|HGETDEL h FIELDS 2 f g
""".replace("\n", "|").strip("|").split("|")


@pytest.mark.parametrize("command", EVENTS_OF)
def test_events_of_what_was_left_in_place(twin: Twin, command: str) -> None:
    watcher = twin.session()
    run(twin, "CONFIG SET notify-keyspace-events KEA\nDEBUG SET-ACTIVE-EXPIRE 0")
    watcher("PSUBSCRIBE", "__key*")
    try:
        for pairs in ("f 1", "f 1 g 2", "f 1 g 2 c 3"):
            run(twin, f"DEL h\nHSET h {pairs}\nEXPIRE h 1000\nHPEXPIRE h 1 FIELDS 2 f g")
            run(twin, f"DEBUG SLEEP 0.002\n{command}\nPUBLISH __key end")
            while watcher.reply()[-1] != b"end":
                pass
            run(twin, "EXISTS h\nHLEN h\nHMGET h f g c\nTTL h\nPUBLISH __key end")
            while watcher.reply()[-1] != b"end":
                pass
    finally:
        run(twin, "DEBUG SET-ACTIVE-EXPIRE 1")


def test_keys_left_in_place(twin: Twin) -> None:
    twin.ignore_state()
    run(twin, "DEBUG SET-ACTIVE-EXPIRE 0")
    try:
        run(twin, "SET k v PX 1\nSET l v PX 1\nDEBUG SLEEP 0.002\nDBSIZE\nGET k\nDBSIZE")
        run(twin, "KEYS *\nDBSIZE")
    finally:
        run(twin, "DEBUG SET-ACTIVE-EXPIRE 1")


def test_sleep_in_a_transaction(twin: Twin) -> None:
    """Time stands still there, and in scripts, however long they sleep."""
    run(twin, "MULTI\nSET k v PX 1\nDEBUG SLEEP 0.005\nEXISTS k\nTTL k\nGET k\nEXEC\nGET k")
    run(twin, "DEBUG SET-DISABLE-DENY-SCRIPTS 1")
    try:
        script = "redis.call('SET', KEYS[1], 'v', 'PX', 1) redis.call('DEBUG', 'SLEEP', '0.005') "
        twin("EVAL", script + "return redis.call('EXISTS', KEYS[1])", 1, "k")
    finally:
        run(twin, "DEBUG SET-DISABLE-DENY-SCRIPTS 0")
    twin("EXISTS", "k")


@pytest.mark.parametrize("score", [
    "0.1", "1e300", "3.5", "-0.0", "1e-7", "123456789.123456789", "inf", "-inf", "1e17", "-2.5",
    "0.30000000000000004", "1e15", "12345678901234567", "1e22", "3.0000000000000004", "5e-324",
])
@pytest.mark.parametrize("member", ["m", "x" * 100])
def test_digests_of_scores(twin: Twin, score: str, member: str) -> None:
    """A compact sorted set and a big one."""
    twin("ZADD", "z", score, member, 1, "other")
    twin("DEBUG", "DIGEST-VALUE", "z")
    twin("DEBUG", "DIGEST")
