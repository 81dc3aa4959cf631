"""What the server counts and measures, against the real server: INFO, SLOWLOG, LATENCY."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any

import pytest

from fakeredis.engine.core.replies import BLOCKED
from fakeredis.engine.features import latency
from tests.support.engines import Server

if TYPE_CHECKING:
    from tests.support.twin import Twin

COUNTED = re.compile(
    rb"^(?:cmdstat_(?P<name>[^:]+):calls=(?P<calls>\d+).*?(?P<failures>rejected_calls.*)"
    rb"|(?P<error>errorstat_.*)|(?P<total>total_(?:error_replies|commands_processed):.*))$"
)


def counts(info: bytes) -> set[tuple[bytes | None, ...]]:
    """What INFO says of calls and errors, without durations."""
    found = (COUNTED.match(line) for line in info.split(b"\r\n"))
    return {match.groups() for match in found if match}


def check_counts(twin: Twin) -> None:
    words = [b"INFO", b"commandstats", b"errorstats", b"stats"]
    assert counts(twin.fake.execute(words)) == counts(twin.wire.call(*words))


def run(twin: Twin, script: str) -> None:
    for line in script.strip().splitlines():
        twin(*(word.strip("'") for word in re.findall(r"'[^']*'|\S+", line)))


@pytest.mark.parametrize("script", [
    "SET k v\nGET k\nget k\nMGET k j\nCONFIG GET maxmemory\nOBJECT ENCODING k\nPING",
    "SET k v\nLPUSH k x\nGET\nNOSUCH a b\nCONFIG NOSUCH\nCONFIG\nCONFIG GET\nSET k v FOO\nINCR k",
    "SET k v\nMULTI\nGET k\nLPUSH k 1\nEXEC\nMULTI\nGET\nEXEC\nEXEC\nMULTI\nDISCARD",
    "SET k v\nMULTI\nMULTI\nWATCH k\nEXEC\nDISCARD\nRENAME a b\nSETEX k 0 v\nZADD z x y",
    "ACL SETUSER u on nopass +get ~a*\nAUTH u x\nGET k\nSET k v\nGET a\nNOSUCH",
    "AUTH nobody x\nEXPIRE k x\nEXPIRE k\nOBJECT ENCODING nosuch\nOBJECT FREQ nosuch\nLSET l 0 v",
    "SET k v\nCONFIG RESETSTAT\nGET k",
])
def test_calls_and_errors(twin: Twin, script: str) -> None:
    twin("CONFIG", "RESETSTAT")
    run(twin, script)
    if "AUTH u" in script:
        twin("AUTH", "default", "")
    check_counts(twin)


@pytest.mark.parametrize("script", [
    "redis.call('lpush', 'k', '1')", "return redis.pcall('lpush', 'k', '1')",
    "redis.pcall('lpush', 'k', '1')", "return redis.error_reply('MY oops')", "foo", "return 1 +",
    "redis.call('nosuch')", "redis.call('get')", "redis.call()", "redis.call('subscribe', 'c')",
    "return redis.call('get', 'k')", "redis.call('incr', 'k') return 1",
    "for i = 1, 5 do redis.call('set', 'n', i) end",
    "redis.pcall('incr', 'k') return redis.error_reply('OTHER one')",
])
def test_counts_of_scripts(twin: Twin, script: str) -> None:
    twin("SET", "k", "v")
    twin("CONFIG", "RESETSTAT")
    twin("EVAL", script, 0)
    twin("EVALSHA", "0" * 40, 0)
    check_counts(twin)


def test_counts_of_waiting_commands(twin: Twin) -> None:
    waiting = twin.session()
    twin("CONFIG", "RESETSTAT")
    assert waiting("BLPOP", "l", 0) is BLOCKED
    check_counts(twin)
    twin("RPUSH", "l", 1)
    waiting.reply()
    check_counts(twin)
    waiting("BLPOP", "l", 0.5)
    waiting.reply()
    check_counts(twin)
    waiting("BLPOP", "l", 0)
    twin("SET", "l", "x")
    check_counts(twin)
    twin("DEL", "l")
    twin("XADD", "s", "1-1", "a", "b")
    twin("XGROUP", "CREATE", "s", "g", "$")
    twin("LPUSH", "l", 1)
    waiting.reply()
    waiting("XREADGROUP", "GROUP", "g", "c", "BLOCK", 0, "STREAMS", "s", ">")
    twin("DEL", "s")
    waiting.reply()
    twin("MULTI")
    twin("BLPOP", "none", 0)
    twin("EXEC")
    check_counts(twin)


def test_statistics_that_stay(twin: Twin) -> None:
    """CONFIG RESETSTAT leaves what is no statistic."""
    run(twin, "SET k v\nSET j v\nCONFIG RESETSTAT")
    for field in (b"rdb_changes_since_last_save", b"total_connections_received", b"keyspace_hits"):
        fake, real = (
            re.search(field + rb":(\d+)", bytes(text))
            for text in (twin.fake.execute([b"INFO"]), twin.wire.call(b"INFO"))
        )
        assert fake is not None
        assert real is not None
        if field.startswith(b"rdb"):  # the real one has had other tests
            assert int(fake[1]) == 2 <= int(real[1])
        else:
            assert fake[1] == real[1]


# SLOWLOG ----------------------------------------------------------------------------------------


def entries(reply: Any) -> list[Any]:
    """The slow log's words and names; its numbers, times and addresses differ."""
    return [[words, bool(address), name] for _, _, _, words, address, name in reply]


def check_slow_log(twin: Twin) -> None:
    words = [b"SLOWLOG", b"GET", b"-1"]
    fake, real = twin.fake.execute(words), twin.wire.call(*words)
    assert entries(fake) == entries(real)
    numbers = [entry[0] for entry in fake]
    assert numbers == list(range(numbers[0], numbers[0] - len(numbers), -1))


@pytest.mark.parametrize("script", [
    "SET k v\nsEt k v\nget k\nconfig get maxmemory\nGET\nNOSUCH\nLPUSH k x",
    "MULTI\nget k\nGET j\nEXEC\nMULTI\nDISCARD",
    "AUTH x\nauth default y\nHELLO 2 AUTH nobody y\nACL SETUSER u >secret +@all\nACL DELUSER u",
    "CONFIG SET requirepass ''\nCONFIG SET maxmemory 0 masterauth ''",
    "EVAL 'redis.call([[set]], 1, 2) return redis.call([[PING]])' 0",
    "CLIENT SETNAME me\nPING\nCLIENT SETNAME ''\nPING",
    "MIGRATE h 1 k 0 10 AUTH x\nMIGRATE h 1 '' 0 10 AUTH2 u p KEYS k",
    "SLOWLOG LEN\nSLOWLOG RESET\nSLOWLOG LEN\nSLOWLOG GET x\nSLOWLOG GET -2\nSLOWLOG GET 1 2",
    "CONFIG SET slowlog-max-len 2\nPING\nPING\nPING\nSLOWLOG LEN",
    "PING\nCONFIG SET slowlog-max-len 0\nPING\nSLOWLOG LEN",
    "PING\nCONFIG SET slowlog-log-slower-than -1\nPING\nSLOWLOG LEN",
    "PING\nCONFIG SET slowlog-log-slower-than 10000000\nPING\nSLOWLOG LEN",
])
def test_slow_log(twin: Twin, script: str) -> None:
    twin("CONFIG", "SET", "slowlog-log-slower-than", 0)
    run(twin, script)
    check_slow_log(twin)


def test_long_commands_in_the_slow_log(twin: Twin) -> None:
    twin("CONFIG", "SET", "slowlog-log-slower-than", 0)
    for count in (29, 30, 31, 40):
        twin("RPUSH", "l", *range(count))
    for size in (127, 128, 129, 1000):
        twin("SET", "k", "v" * size)
    check_slow_log(twin)
    assert twin.fake.execute([b"SLOWLOG", b"GET", b"0"]) == []
    assert len(twin.fake.execute([b"SLOWLOG", b"GET", b"3"])) == 3


def server_for_tests() -> Any:
    server = Server()
    server.config.override("enable-debug-command", "yes")
    session = server.session(address="1.2.3.4:5")

    def call(line: str) -> Any:
        return session.execute([word.encode() for word in shlex.split(line)])

    return server, call


def test_slept_time_is_measured() -> None:
    """By default only what moves the clock is slow."""
    server, call = server_for_tests()
    call("DEBUG SLEEP 0.5")
    ((number, second, micros, words, address, name),) = call("SLOWLOG GET")
    assert (number, words, address, name) == (0, [b"DEBUG", b"SLEEP", b"0.5"], b"1.2.3.4:5", b"")
    assert abs(second - server.now()) < 5
    assert 500_000 <= micros < 600_000
    server.clock.freeze(1000.0)
    call("DEBUG SLEEP 2")
    number, second, micros, *_ = call("SLOWLOG GET")[0]
    assert (number, second) == (1, 1002)
    assert 2_000_000 <= micros < 2_100_000


# LATENCY ----------------------------------------------------------------------------------------


def test_latency_events(twin: Twin) -> None:
    run(twin, "LATENCY LATEST\nLATENCY HISTORY command\nLATENCY RESET\nLATENCY RESET x y")
    run(twin, "LATENCY GRAPH command\nLATENCY DOCTOR\nCONFIG SET latency-monitor-threshold 100")
    run(twin, "LATENCY DOCTOR\nLATENCY LATEST x\nLATENCY HISTORY")


PICTURE = """\
command - high 500 ms, low 10 ms (all time high 500 ms)
--------------------------------------------------------------------------------
  # \n  | \n  | \n__|_\n    \n3210\nssss
"""
REPORT = """\
1. command: 4 latency spikes (average 135ms, mean deviation 182ms, period 0.75 sec). Worst all \
time event 500ms.
"""


def test_latency_of_slow_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the real server said of the same delays."""
    monkeypatch.setattr(latency, "_seconds", lambda: 0.0)  # however busy the machine is
    server, call = server_for_tests()
    server.clock.freeze(1000.0)
    call("CONFIG SET latency-monitor-threshold 2")
    for delay in ("0.010", "0.010", "0.500", "0.020"):
        call(f"DEBUG SLEEP {delay}")
        server.clock.freeze(int(server.now()) + 1.0)
    server.clock.freeze(1003.0)
    assert call("LATENCY LATEST") == [[b"command", 1003, 20, 500]]
    assert call("LATENCY HISTORY command") == [[1000, 10], [1001, 10], [1002, 500], [1003, 20]]
    assert call("LATENCY GRAPH command").decode() == PICTURE
    assert REPORT in call("LATENCY DOCTOR").decode()
    assert b"slower-than 2000'" in call("LATENCY DOCTOR")
    assert call("LATENCY RESET command x") == 1
    assert call("LATENCY LATEST") == []


def test_histogram(twin: Twin) -> None:
    run(twin, "SET k v\nSET k v\nGET k\nGET\nLPUSH k v\nCONFIG GET maxmemory\nCONFIG RESETSTAT")
    run(twin, "SET k v\nSET k v\nGET k\nGET\nLPUSH k v\nCONFIG GET maxmemory\nNOSUCH")
    for words in ((), (b"set", b"config", b"nosuch"), (b"config|get",), (b"Config|GET", b"x|y")):
        line = [b"LATENCY", b"HISTOGRAM", *words]
        assert calls_in(twin.fake.execute(line)) == calls_in(twin.wire.call(*line))


def calls_in(histogram: Any) -> dict[bytes, int]:
    """The numbers of calls; the last step of each histogram must be the same."""
    if isinstance(histogram, list):
        histogram = dict(zip(histogram[::2], histogram[1::2], strict=True))
    found = {}
    for name, facts in histogram.items():
        if isinstance(facts, dict):
            calls, steps = facts[b"calls"], list(facts[b"histogram_usec"].values())
        else:
            calls, steps = facts[1], facts[3][1::2]
        assert steps[-1] == calls
        assert sorted(set(steps)) == steps
        found[name] = calls
    return {name: calls for name, calls in found.items() if name != b"latency|histogram"}


def test_percentiles() -> None:
    _, call = server_for_tests()
    call("CONFIG RESETSTAT")
    call("CONFIG SET latency-tracking-info-percentiles '50 100'")
    call("GET k")
    lines = call("INFO latencystats").decode().split("\r\n")
    # Not measured yet: one microsecond, as a histogram of two digits holds it.
    assert "latency_percentiles_usec_get:p50=1.003,p100=1.003" in lines
    call("DEBUG SLEEP 0.01")
    (line,) = re.findall(r"usec_debug:p50=(.*),p100", call("INFO latencystats").decode())
    assert float(line) > 10000
    call("CONFIG SET latency-tracking no")
    assert call("INFO latencystats").decode() == "# Latencystats\r\n"


# MONITOR ----------------------------------------------------------------------------------------


def test_monitor_shows_what_was_written(twin: Twin) -> None:
    """Names in the case in which they came; secrets are hidden."""
    monitor = twin.session()
    monitor("MONITOR")
    for line in (
        "set a 1", "sEt a 1", "GET a", "config get maxmemory", "Object ENCODING a", "multi",
        "gEt a", "exec", "eval 'redis.call([[set]], 1, 2)' 0", "auth x", "AUTH a b", "ACL whoami",
        "hello 2 auth nobody x", "nosuch a", "get", "client getname", "PING",
    ):
        twin(*shlex.split(line))

    def same_but_for_time_and_place(fake: Any, real: Any) -> bool:
        shown = [re.sub(rb"^\S+ \[(\d+) [\d.:]+\]", rb" [\1]", item) for item in (fake, real)]
        return shown[0].partition(b" ")[2] == shown[1].partition(b" ")[2]

    while monitor.fake.outbox:
        monitor.reply(same_but_for_time_and_place)
    monitor.silent()


CHANGES = """
RPUSH L 1 2 3 4 5 6 7|LPUSHX L 1 2|LREM L 0 1|LTRIM L 1 4|LTRIM L 0 -1|RPOP L 2
LMPOP 1 L LEFT COUNT 2|RPUSH L 1 2|RPOPLPUSH L M|LMOVE M L LEFT LEFT|BLMOVE L M LEFT LEFT 0
SADD S 1 2 3 4 5 a|SADD S 1 b c|SREM S 1 2 no|SREM S no|SPOP S|SPOP S 2|SPOP S 99
ZADD Z 1 a 2 b 3 c 4 d 5 e|ZADD Z 1 a 3 b 9 q|ZADD Z INCR 1 a|ZREM Z a b no|ZPOPMAX Z 2
ZMPOP 1 Z MIN COUNT 2|ZADD Z 0 a 0 b 0 c 0 d 0 e 0 f|ZREMRANGEBYRANK Z 0 1
ZREMRANGEBYSCORE Z 0 0|HSET H a 1 b 2 c 3 d 4|HSET H a 1 e 4|HMSET H a 1 b 2|HDEL H a b no
HSETEX H FIELDS 2 x 1 y 2|HSETEX H EX 100 FIELDS 2 x 1 y 2|HGETEX H EX 50 FIELDS 2 x y
HGETEX H PERSIST FIELDS 2 x y|HEXPIRE H 100 FIELDS 2 x y|HPERSIST H FIELDS 2 x y
HEXPIRE H 0 FIELDS 2 c d|HGETDEL H FIELDS 3 x y no|SET s v EX 100|SETEX s 10 v|PSETEX s 9000 v
SET s v PX 9000|GETEX s EX 10|BITFIELD f SET u8 0 1 INCRBY u8 0 1 GET u8 0|GEOADD G 1 1 a 2 2 b
EVAL "redis.call('RPUSH','L',1,2)" 0|DEL L M S no|FLUSHALL
""".replace("\n", "|").strip("|").split("|")


def test_changes(twin: Twin) -> None:
    """Changes since the last save: of elements, most of them, not of keys."""

    def count(info: bytes) -> int:
        found = re.search(rb"rdb_changes_since_last_save:(\d+)", info)
        assert found is not None
        return int(found[1])

    before = [0, 0]
    for line in ["PING", *CHANGES]:
        twin.same_shape(*shlex.split(line))
        words = [b"INFO", b"persistence"]
        now = [count(twin.fake.execute(words)), count(twin.wire.call(*words))]
        grown = [after - earlier for after, earlier in zip(now, before, strict=True)]
        assert line == "PING" or grown[0] == grown[1], line
        before = now


def test_changes_of_blocked_commands(twin: Twin) -> None:
    other = twin.session()
    twin("BLMOVE", "l", "m", "LEFT", "LEFT", 0)
    before = twin.server.dirty
    other("RPUSH", "l", "x")
    twin.reply()
    assert twin.server.dirty == before + 2


def test_refused_in_scripts_and_transactions(twin: Twin) -> None:
    """Refused calls did not fail; what EXEC may no longer run makes EXEC fail."""
    other = twin.session()
    twin("CONFIG", "RESETSTAT")
    run(twin, "ACL SETUSER u on nopass ~k* +eval +get +multi +exec +blpop")
    run(other, "AUTH u x\nEVAL 'return redis.call(\"GET\",\"x\")' 1 k")
    other("EVAL", "return redis.pcall('DEL', 'k')", 1, "k")
    run(other, "MULTI\nGET k")
    twin("ACL", "SETUSER", "u", "-get")
    other("EXEC")
    other("BLPOP", "k", 0)
    twin("ACL", "SETUSER", "u", "-blpop")
    twin("RPUSH", "k", 1)
    other.reply()
    check_counts(twin)


def test_keys_waited_for_by_groups(twin: Twin) -> None:
    twin("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM")
    for line in ("BLPOP k 0", "XREADGROUP GROUP g c BLOCK 0 STREAMS s >"):
        twin.session()(*line.split())
    names = (b"total_blocking_keys", b"total_blocking_keys_on_nokey")
    for info in (twin.fake.execute([b"INFO", b"clients"]), twin.wire.call(b"INFO", b"clients")):
        found = dict(line.split(b":", 1) for line in info.split(b"\r\n") if b":" in line)
        assert [found[name] for name in names] == [b"2", b"1"]


def test_the_debug_section(twin: Twin) -> None:
    """It is shown to those alone who name it."""

    def fields(info: bytes) -> list[bytes]:
        return [line.partition(b":")[0] for line in info.split(b"\r\n")]

    words = [b"INFO", b"debug"]
    assert fields(twin.fake.execute(words)) == fields(twin.wire.call(*words))
    for section in (b"everything", b"all", b"default"):
        assert b"# Debug" not in twin.fake.execute([b"INFO", section])


def test_latency_of_expiry() -> None:
    """Many keys that expire at once are an event, where LATENCY watches."""
    server = Server()
    server.clock.freeze()  # however long it takes to make them
    session = server.session()
    session.execute([b"CONFIG", b"SET", b"latency-monitor-threshold", b"1"])
    for number in range(30_000):
        session.execute([b"SET", b"%d" % number, b"v", b"PX", b"1000"])
    server.advance(2)
    names = [event[0] for event in session.execute([b"LATENCY", b"LATEST"])]
    assert b"expire-cycle" in names
    events = session.execute([b"LATENCY", b"HISTORY", b"expire-cycle"])
    server.advance(2)
    assert session.execute([b"LATENCY", b"HISTORY", b"expire-cycle"]) == events
