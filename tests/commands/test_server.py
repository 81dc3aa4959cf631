"""The server group against the real server; CONFIG has a file of its own."""

from __future__ import annotations

import shlex
import time
from typing import TYPE_CHECKING, Any

import pytest

from fakeredis.errors import CommandError, ConnectionLost
from tests.support import harvest
from tests.support.engines import Server

if TYPE_CHECKING:
    from tests.support.twin import Twin

# INFO's sections without the fields of what is different in kind: modules of the real server's own.
SECTIONS = ["server", "clients", "memory", "persistence", "threads", "stats", "replication", "cpu",
            "cluster", "keyspace", "keysizes"]


def run(twin: Twin, script: str) -> None:
    """A command a line."""
    for line in script.strip().splitlines():
        twin(*line.split())


def parsed(text: bytes) -> dict[str, dict[str, str]]:
    """INFO's text as sections of fields."""
    sections: dict[str, dict[str, str]] = {}
    for line in text.decode().split("\r\n"):
        if line.startswith("# "):
            fields = sections[line[2:]] = {}
        elif line:
            name, _, value = line.partition(":")
            fields[name] = value
    return sections


def both_infos(twin: Twin, *sections: str) -> tuple[Any, Any]:
    words = [b"INFO", *(section.encode() for section in sections)]
    return parsed(twin.fake.execute(words)), parsed(twin.wire.call(*words))


# Databases --------------------------------------------------------------------------------------


def test_flushing(twin: Twin) -> None:
    run(twin, """
        SET a 1
        SELECT 2
        MSET a 1 b 2
        DBSIZE
        FLUSHDB
        DBSIZE
        SET a 1 EX 100
        FLUSHDB FOO
        FLUSHDB ASYNC SYNC
        FLUSHALL ASYNC ASYNC
        FLUSHALL x
        DBSIZE x
        FLUSHDB async
        SET a 1
        FLUSHDB SYNC
        SELECT 0
        DBSIZE
        FLUSHALL
        DBSIZE
        SET k v
        FLUSHALL SYNC
        FLUSHALL ASYNC
        TTL a
    """)


def test_swapdb(twin: Twin) -> None:
    run(twin, """
        SET a 1 EX 1000
        SET only 0
        SELECT 3
        SET a 3
        SWAPDB 0 3
        SWAPDB 3 3
        TTL a
        SWAPDB a b
        SWAPDB 0 b
        SWAPDB 0 99
        SWAPDB 99 0
        SWAPDB -1 0
        SWAPDB 0 4294967296
        SWAPDB 4294967296 x
        SWAPDB 0
        DBSIZE
    """)


@pytest.mark.parametrize("watched", ["", "0", "1", "01"])
def test_swapped_keys_that_have_expired_did_not_change(twin: Twin, watched: str) -> None:
    """Whatever of a watched key there was and came in databases 0 and 1: both had expired."""
    twin.server.config.override("enable-debug-command", "yes")
    twin("DEBUG", "SET-ACTIVE-EXPIRE", "0")
    try:
        for number in watched:
            twin("SELECT", number)
            twin("SET", "a", number, "PX", 1)
        time.sleep(0.01)
        twin("SELECT", 0)
        twin("WATCH", "a")
        twin("SWAPDB", 0, 1)
        twin("MULTI")
        twin("PING")
        twin("EXEC")
    finally:
        twin("DEBUG", "SET-ACTIVE-EXPIRE", "1")
    twin.ignore("a")


def test_swapped_keys_still_expire() -> None:
    server = Server()
    session = server.session()
    session.execute([b"SET", b"k", b"v", b"PX", b"1000"])
    session.execute([b"SWAPDB", b"0", b"5"])
    server.advance(2)
    assert server.database(5).data == {}
    assert server.expired_keys == 1


@pytest.mark.parametrize("line", ["SWAPDB 0 1", "MOVE k 1", "RENAME k list", "COPY k list"])
def test_blocked_sessions_wake(twin: Twin, line: str) -> None:
    """A list that comes to a key in one piece serves those who wait there."""
    if twin.server.table.find(b"BLPOP") is None:
        pytest.skip("there are no lists yet")
    twin("SELECT", 1) if line == "SWAPDB 0 1" else None
    waiting = twin.session()
    if line in ("SWAPDB 0 1", "MOVE k 1"):
        waiting("SELECT", 1)
        twin("SELECT", 0)
    key = {"RENAME k list": "list", "COPY k list": "list"}.get(line, "k")
    waiting("BLPOP", key, 0)
    twin("RPUSH", "k", "a", "b")
    twin(*line.split())
    waiting.reply()


# INFO -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sections", [
    (), ("default",), ("all",), ("everything",), ("server", "commandstats"), ("CPU", "modules"),
    ("foo",), ("foo", "clients"), ("keyspace", "clients"), ("all", "foo"), ("default", "cpu"),
])
def test_sections_of_info(twin: Twin, sections: tuple[str, ...]) -> None:
    fake, real = both_infos(twin, *sections)
    # This real server has no search, whose sections are compared in tests/commands/search.
    assert [name for name in fake if not name.startswith("search_")] == list(real)


@pytest.mark.parametrize("section", SECTIONS)
def test_fields_of_info(twin: Twin, section: str) -> None:
    fake, real = both_infos(twin, section)
    assert [list(fields) for fields in fake.values()] == [list(one) for one in real.values()]


def test_keyspace_of_info(twin: Twin) -> None:
    run(twin, """
        RPUSH l 1 2 3 4 5
        MSET s 12345678901234567890 e x
        SADD t 1 2 3
        HSET h a 1 b 2
        ZADD z 1 1
        SELECT 3
        SET s v EX 1000
        SETRANGE big 5000 x
        RPUSH l 1
    """)
    fake, real = both_infos(twin, "keysizes")
    assert fake == real
    fake, real = both_infos(twin, "keyspace")
    for sections in (fake, real):
        for name, value in sections["Keyspace"].items():
            sections["Keyspace"][name] = ",".join(
                part for part in value.split(",") if not part.startswith("avg_ttl")
            )
    assert fake == real


def test_statistics_of_info(twin: Twin) -> None:
    twin("CONFIG", "RESETSTAT")
    run(twin, """
        SET a 1
        GET a
        GET missing
        MGET a missing
        SET b 1 EX 100
        EXISTS a missing a
    """)
    fake, real = both_infos(twin, "stats")
    for field in ("keyspace_hits", "keyspace_misses", "pubsub_channels", "total_error_replies"):
        assert fake["Stats"][field] == real["Stats"][field], field


def test_truth_of_info() -> None:
    server = Server("7.4", address="localhost:7777")
    session = server.session()
    session.execute([b"SET", b"k", b"v"])
    server.advance(90000)
    text = session.execute([b"INFO", b"everything"])
    info = {field: value for part in parsed(text).values() for field, value in part.items()}
    assert info["redis_version"] == "7.4.1"
    assert info["tcp_port"] == "7777"
    assert info["connected_clients"] == "1"
    assert info["uptime_in_days"] == "1"
    assert info["rdb_changes_since_last_save"] == "1"
    assert int(info["used_memory"]) > 0
    assert info["role"] == "master"


def test_valkey_names_itself() -> None:
    text = Server("8.1", "valkey").session().execute([b"INFO", b"server"])
    server = parsed(text)["Server"]
    assert list(server)[:4] == [
        "redis_version", "server_name", "valkey_version", "valkey_release_stage",
    ]
    assert (server["redis_version"], server["valkey_version"]) == ("7.2.4", "8.1.8")


# Facts ------------------------------------------------------------------------------------------


def test_time_and_saving(twin: Twin) -> None:
    twin.near("TIME", tolerance=10**6)
    twin("TIME", "x")
    twin.near("LASTSAVE", tolerance=10**6)
    twin("SET", "k", "v")
    twin("SAVE")
    fake, real = both_infos(twin, "persistence")
    for field in ("rdb_changes_since_last_save", "aof_enabled", "rdb_last_bgsave_status"):
        assert fake["Persistence"][field] == real["Persistence"][field]
    twin.near("LASTSAVE", tolerance=2)
    run(twin, """
        SAVE x
        BGSAVE FOO
        BGSAVE SCHEDULE FOO
        BGREWRITEAOF x
        ROLE x
        MULTI
        SAVE
        EXEC
    """)
    twin.same_shape("ROLE")  # the offset counts what WAIT sends
    server = Server()
    session = server.session()
    server.advance(50)
    before = session.execute([b"LASTSAVE"])
    assert session.execute([b"BGSAVE"]) == b"Background saving started"
    assert session.execute([b"BGREWRITEAOF"]).startswith(b"Background append only file rewriting")
    assert session.execute([b"LASTSAVE"]) == before + 50


@pytest.mark.parametrize("line", [
    "REPLICAOF no one", "SLAVEOF NO ONE", "REPLICAOF NO x", "REPLICAOF x 99999999",
    "REPLICAOF x -1", "REPLICAOF NO", "FAILOVER", "FAILOVER ABORT", "FAILOVER FOO", "FAILOVER TO",
    "FAILOVER TO a b", "FAILOVER TIMEOUT 0", "FAILOVER TIMEOUT 5", "FAILOVER TO a 1 FORCE",
    "FAILOVER ABORT FORCE", "FAILOVER TIMEOUT",
])
def test_replication(twin: Twin, line: str) -> None:
    twin(*line.split())


# COMMAND ----------------------------------------------------------------------------------------


def known_names() -> list[bytes]:
    """The server's own commands among ours, subcommands too."""
    names = [command.label for command in harvest.all_commands()]
    return [name.encode() for name in names if name in core_names()]


def core_names() -> set[str]:
    facts = harvest.command_facts()
    return {
        name.lower().replace(" ", "|") for name, one in facts.items() if one["group"] != "module"
    }


def test_command_info_of_all(twin: Twin) -> None:
    for name in known_names():
        fake, real = twin.fake.execute([b"COMMAND", b"INFO", name]), None
        real = twin.wire.call(b"COMMAND", b"INFO", name)
        assert plain(fake[0][:-1]) == plain(real[0][:-1])


def test_command_docs_of_all(twin: Twin) -> None:
    """All but the texts: summaries are ours."""
    for name in known_names():
        fake = twin.fake.execute([b"COMMAND", b"DOCS", name])
        real = twin.wire.call(b"COMMAND", b"DOCS", name)
        if twin.resp3:
            assert facts_of_docs(fake[name]) == facts_of_docs(real[name]), name
        else:
            assert fake[0] == real[0]


TEXTS = (b"summary", b"complexity", b"history", b"subcommands", b"replaced_by")


def facts_of_docs(docs: dict[bytes, Any]) -> Any:
    return {field: plain(value) for field, value in docs.items() if field not in TEXTS}


def plain(value: Any) -> Any:
    """A reply without the order of sets, and key specifications without their notes."""
    if isinstance(value, dict):
        return sorted((key, plain(item)) for key, item in value.items() if key != b"notes")
    if isinstance(value, (list, set, tuple)):
        items = list(value)
        while b"notes" in items[::2]:
            at = items.index(b"notes")
            del items[at : at + 2]
        return sorted((plain(item) for item in items), key=repr)
    return bytes(value) if isinstance(value, bytes) else value


GETKEYS = """
    foo bar
    get
    PING x
    PING
    MULTI
    MSET a 1 b 2
    MSET a 1 b
    EVAL x 2 a b c
    EVAL x 5 a b c
    EVAL x abc a b c
    EVAL x 0
    ZUNIONSTORE d 2 a b
    ZUNIONSTORE d 9 a b
    ZUNION 1 a
    ZUNION 0 a
    SORT l STORE d
    SORT l BY x GET y STORE d STORE e
    SORT_RO l BY x
    XREAD COUNT 1 STREAMS a b 0 0
    XREAD COUNT 1 STREAMS
    XREADGROUP GROUP g c STREAMS a >
    CONFIG GET x
    OBJECT ENCODING k
    OBJECT FOO k
    config foo
    SET a b EX
    SET a b GET
    LMPOP 1 a LEFT
    BLMPOP 0 2 a b LEFT
    GEORADIUS a 1 2 3 m STORE x
    GEORADIUS a 1 2 3 m
    BITFIELD k GET u8 0
    BITFIELD k SET u8 0 1
    LMOVE a b LEFT LEFT
    COPY a b
    DEL a b c
    BITOP AND d a b
    RENAME a b
    HSETEX h FIELDS 1 f v
    BLPOP a b 0
    SINTERCARD 2 a b LIMIT 1
    PFMERGE d a b
    FCALL f 1 k
    GET a b
    SET a get
    SET a GET EX 10
    SET a get GET
    SET a b EX GET
    BITFIELD k OVERFLOW SAT GET u8 0
    BITFIELD k GET u8 0 OVERFLOW SAT
    BITFIELD k GET u8 0 OVERFLOW
    BITFIELD k GET u8
    BITFIELD k GET GET GET SET
    BITFIELD k
    SORT l LIMIT STORE a STORE b
    SORT l LIMIT 0 STORE a
    SORT l GET STORE b
    SORT l BY STORE STORE b
    SORT l STORE STORE b
    SORT l STORE
    MIGRATE h 1 k 0 10
    MIGRATE h 1 k 0 10 KEYS a
    MIGRATE h 1 "" 0 10
    MIGRATE h 1 "" 0 10 COPY KEYS a b
    MIGRATE h 1 "" 0 10 AUTH KEYS KEYS a
    MIGRATE h 1 "" 0 10 AUTH2 u KEYS keys a
    MIGRATE h 1 "" 0 10 KEYS
    MIGRATE KEYS 1 k KEYS 10
"""


@pytest.mark.parametrize("what", ["GETKEYS", "GETKEYSANDFLAGS"])
def test_getkeys(twin: Twin, what: str) -> None:
    for line in GETKEYS.strip().splitlines():
        words = shlex.split(line)
        command = twin.server.table.find(words[0].encode())
        if command is not None or words[0] == "foo":
            twin("COMMAND", what, *words)


@pytest.mark.parametrize("filters", [
    "FILTERBY MODULE foo", "FILTERBY ACLCAT foo", "FILTERBY ACLCAT @string", "FILTERBY FOO x",
    "FILTERBY", "FILTERBY MODULE", "FOO BAR x", "FILTERBY PATTERN x y", "FOO",
])
def test_command_list(twin: Twin, filters: str) -> None:
    twin("COMMAND", "LIST", *filters.split())


@pytest.mark.parametrize("filters", ["", "PATTERN config*", "PATTERN CONFIG|G*", "PATTERN *",
                                     "ACLCAT generic", "ACLCAT keyspace", "ACLCAT CONNECTION"])
def test_filtered_list(twin: Twin, filters: str) -> None:
    """Of the commands that both have."""
    words = ["FILTERBY", *filters.split()] if filters else []
    argv = [word.encode() for word in ("COMMAND", "LIST", *words)]
    ours = set(known_names())
    fake, real = set(twin.fake.execute(argv)), set(twin.wire.call(*argv))
    assert fake & ours == real & ours


def test_other_subcommands_of_command(twin: Twin) -> None:
    run(twin, """
        COMMAND FOO
        COMMAND COUNT x
        COMMAND GETKEYS
        COMMAND GETKEYS GET
        COMMAND INFO nosuch no|such config|nosuch
        COMMAND DOCS nosuch config|nosuch
    """)
    execute = twin.fake.execute
    assert len(execute([b"COMMAND"])) == execute([b"COMMAND", b"COUNT"])
    assert execute([b"COMMAND", b"HELP"])[0] == twin.wire.call(b"COMMAND", b"HELP")[0]


# Watching and testing ---------------------------------------------------------------------------


def test_monitor(twin: Twin) -> None:
    watcher = twin.session()
    watcher("MONITOR")
    twin("SET", "k", 'a"b\\\n\x01\xff', "EX", 100)
    twin("GET", "missing")
    twin("CONFIG", "GET", "maxmemory")  # not shown
    twin("LPUSH", "k", 1)  # fails
    twin("OBJECT", "ENCODING", "k")
    for _ in range(4):
        watcher.reply(compare=same_but_for_moment)


def test_monitor_shows_no_secrets_and_transactions_in_order(twin: Twin) -> None:
    watcher = twin.session()
    watcher("MONITOR")
    for call in ("AUTH a b", "HELLO 2 AUTH a b SETNAME x", "HELLO 2 AUTH a", "EXEC", "MULTI",
                 "GET k", "SET k v", "EXEC", "MULTI", "NOSUCH", "EXEC", "MULTI", "GET k",
                 "DISCARD"):
        twin(*call.split())
    for _ in range(12):
        watcher.reply(compare=same_but_for_moment)


def test_monitor_shows_scripts_before_and_others_after_they_ran(twin: Twin) -> None:
    watcher = twin.session()
    watcher("MONITOR")
    lines = [
        "SELECT 1", "SELECT 0", "EVAL return(redis.call('get','a')) 0", "EVAL return(1 0",
        "EVALSHA x 0",
        "EVAL_RO return(redis.call('set','a','b')) 0", "MULTI", "EVAL return(redis.call('ping')) 0",
        "SELECT 1", "EXEC", "SELECT 0", "INCR k",
    ]
    for line in lines:
        twin(*line.split())
        while watcher.fake.outbox:
            watcher.reply(compare=same_but_for_moment)
    watcher.silent()


@pytest.mark.parametrize("line", [
    "GET k", "SET k v", "PING", "ECHO x", "EVAL return(1) 0", "PUBLISH x y", "KEYS *", "MULTI",
    "CLIENT GETNAME", "SELECT 1", "SCRIPT LOAD return(1)", "DBSIZE", "NOSUCH", "GET",
])
def test_who_monitors_may_not_look_at_keys(twin: Twin, line: str) -> None:
    watcher = twin.session()
    watcher("MONITOR")
    watcher(*line.split())
    while watcher.fake.outbox:
        watcher.reply(compare=same_but_for_moment)
    watcher("RESET")


def same_but_for_moment(fake: Any, real: Any) -> bool:
    """Lines of MONITOR without time and address."""
    parts = [bytes(line).split(b" ", 3) for line in (fake, real)]
    return parts[0][1] == parts[1][1] and parts[0][3:] == parts[1][3:]


@pytest.mark.parametrize("line", [
    "DEBUG", "DEBUG FOO", "DEBUG SLEEP 0", "DEBUG SLEEP", "DEBUG SLEEP a", "DEBUG JMAP",
    "DEBUG SET-ACTIVE-EXPIRE 0", "DEBUG SET-ACTIVE-EXPIRE 1", "DEBUG SET-ACTIVE-EXPIRE",
    "DEBUG RELOAD", "DEBUG QUICKLIST-PACKED-THRESHOLD 100B",
    "DEBUG QUICKLIST-PACKED-THRESHOLD a", "DEBUG OBJECT missing", "DEBUG OBJECT", "DEBUG ERROR foo",
    "DEBUG LOG hi", "DEBUG CHANGE-REPL-ID",
])
def test_debug(twin: Twin, line: str) -> None:
    twin.server.config.override("enable-debug-command", "local")
    twin("SET", "k", "v")
    twin(*line.split())
    twin.wire.call(b"DEBUG", b"SET-ACTIVE-EXPIRE", b"1")


def test_debug_sleep_moves_the_clock() -> None:
    server = Server()
    server.config.override("enable-debug-command", "yes")
    session = server.session()
    session.execute([b"SET", b"k", b"v", b"EX", b"10"])
    session.execute([b"DEBUG", b"SLEEP", b"11"])
    assert session.execute([b"EXISTS", b"k"]) == 0
    session.execute([b"SET", b"k", b"v"])
    assert b" encoding:embstr " in session.execute([b"DEBUG", b"OBJECT", b"k"])


def test_debug_is_refused_by_default() -> None:
    with pytest.raises(CommandError, match="DEBUG command not allowed"):
        Server().session().execute([b"DEBUG", b"SLEEP", b"0"])


@pytest.mark.parametrize("words", ["FOO", "NOSAVE SAVE", "ABORT", "ABORT NOW",
                                   "SAVE NOW FORCE ABORT", "NOSAVE FOO"])
def test_bad_shutdown(twin: Twin, words: str) -> None:
    twin("SHUTDOWN", *words.split())
    twin("PING")


def test_shutdown() -> None:
    server = Server()
    session, other = server.session(), server.session()
    with pytest.raises(ConnectionLost):
        session.execute([b"SHUTDOWN", b"NOSAVE"])
    assert not server.connected
    with pytest.raises(ConnectionLost):
        other.execute([b"PING"])
    server.connected = True
    assert server.session().execute([b"PING"]) == b"PONG"


# Diagnoses --------------------------------------------------------------------------------------


def test_diagnoses(twin: Twin) -> None:
    twin("SLOWLOG", "RESET")
    run(twin, """
        SLOWLOG GET
        SLOWLOG GET -1
        SLOWLOG GET -2
        SLOWLOG GET a
        SLOWLOG GET 1 2
        SLOWLOG LEN
        SLOWLOG
        SLOWLOG FOO
        LATENCY LATEST
        LATENCY HISTORY foo
        LATENCY HISTORY
        LATENCY RESET
        LATENCY RESET foo bar
        LATENCY GRAPH foo
        LATENCY HISTOGRAM foo
        MEMORY PURGE
        MEMORY USAGE missing
        MEMORY USAGE missing SAMPLES 0
        MEMORY USAGE missing SAMPLES -1
        MEMORY USAGE missing SAMPLES a
        MEMORY USAGE missing SAMPLES
        MEMORY USAGE missing FOO
        MEMORY USAGE missing SAMPLES 1 FOO
        MEMORY USAGE
        MODULE LOAD x
        MODULE LOADEX x
        MODULE UNLOAD x
        MODULE FOO
        LOLWUT VERSION a
        SET k v
    """)
    for line in ("MEMORY USAGE k", "MEMORY USAGE k SAMPLES 0", "LOLWUT", "LATENCY DOCTOR",
                 "MEMORY DOCTOR", "LOLWUT VERSION 5"):
        twin.same_shape(*line.split())
    fake = twin.fake.execute([b"MEMORY", b"STATS"])
    real = twin.wire.call(b"MEMORY", b"STATS")
    assert list(fake)[::1 if twin.resp3 else 2] == list(real)[::1 if twin.resp3 else 2]


@pytest.mark.parametrize("name", ["CONFIG", "COMMAND", "OBJECT", "SLOWLOG", "LATENCY", "MEMORY",
                                  "MODULE"])
def test_help(twin: Twin, name: str) -> None:
    """The first and the last two lines are the server's, all are status replies."""
    fake = twin.fake.execute([name.encode(), b"HELP"])
    real = twin.wire.call(name.encode(), b"HELP")
    assert [type(line) for line in fake] == [type(fake[0])] * len(fake)
    assert type(fake[0]) is type(real[0])
    assert (fake[0], fake[-2:]) == (real[0], real[-2:])


def test_replicas_inside_of_a_process(twin: Twin) -> None:
    """What is wrong with a call before it runs; no session of this process can be a replica."""
    for words in ("PSYNC ?", "SYNC x"):
        twin(*words.split())
    for words in ("MULTI", "SYNC", "PSYNC ? -1", "EXEC"):
        twin(*words.split())
    assert {b"sync", b"psync"} < set(twin.fake.execute([b"ACL", b"CAT", b"dangerous"]))
    with pytest.raises(CommandError, match=r"FakeServer\.listen"):
        twin.fake.execute([b"psync", b"?", b"-1"])
