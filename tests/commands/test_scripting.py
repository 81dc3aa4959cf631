"""Scripts, against the real server."""

from __future__ import annotations

import gc
import hashlib
import sys
import weakref
from pathlib import Path
from typing import Any

import pytest
import redis

import fakeredis
from fakeredis.engine.core.clock import Clock
from fakeredis.engine.core.replies import BLOCKED
from fakeredis.errors import CommandError
from tests.support.engines import Server

# Each line is a script. What they return, and how they fail, is the server's to say.
DATA = Path(__file__).parent.parent / "data"
SCRIPTS = (DATA / "scripts.txt").read_text().splitlines()
LIBRARY_CALLS = (DATA / "library-calls.txt").read_text().splitlines()


@pytest.mark.parametrize("script", SCRIPTS)
def test_scripts(twin: Any, script: str) -> None:
    twin("EVAL", script, 0)
    twin("SELECT", 3)
    twin("GET", "in3")


@pytest.mark.parametrize("script", LIBRARY_CALLS)
def test_library_calls(twin: Any, script: str) -> None:
    twin("EVAL", script, 0)


@pytest.mark.parametrize(
    "script",
    ["", "\n\nlocal x = 1\nreturn redis.call('incr', 'a', 'b')", "\n\nerror('x')",
     "#!lua\nreturn 1",
     "#!lua flags=no-writes\nreturn redis.call('set', 'a', 'b')", "#!lua flags=bad\nreturn 1",
     "#!lua flags=no-writes,allow-oom,allow-stale,no-cluster,allow-cross-slot-keys\nreturn 1",
     "#!lua foo=bar\nreturn 1", "#!lua foo\nreturn 1", "#!python\nreturn 1", "#!\nreturn 1",
     "#!lua",
     "#!lua flags=no-writes,,allow-oom\nreturn 1", "#!lua flags=,\nreturn 1",
     "#!lua name=x\nreturn 1", "#!lua flags=\nreturn 1", "#!lua\nerror('x')", "#!lua\n\nreturn x",
     b"return '\xff\xfe'", "local a = function()\n error('in')\nend\n\na()",
     "return {KEYS, ARGV, #KEYS, #ARGV}"],
)
@pytest.mark.parametrize("words", [(0,), (1, "k"), (2, "k", "l", "a"), (0, "a", "b")])
def test_texts_and_arguments(twin: Any, script: str, words: tuple[Any, ...]) -> None:
    twin("EVAL", script, *words)


@pytest.mark.parametrize("count", [199, 201, 9000])
def test_many_arguments(twin: Any, count: int) -> None:
    script = "return {#KEYS, #ARGV, KEYS[1], KEYS[#KEYS], ARGV[#ARGV]}"
    twin("EVAL", script, count, *range(count), "z")
    twin("EVAL", "return ARGV", 0, *range(count))
    twin("RPUSH", "l", *range(count))
    twin("EVAL", "return redis.call('lrange', KEYS[1], 0, -1)", 1, "l")


@pytest.mark.parametrize(
    "words",
    ["-1", "1", "a", "1.5", "", "99999999999999999999", "2 k", "-1 k"],
)
@pytest.mark.parametrize("command", ["EVAL", "EVALSHA", "EVAL_RO", "EVALSHA_RO"])
def test_bad_key_counts(twin: Any, command: str, words: str) -> None:
    twin(command, "return 1", *(words.split() or [""]))


def test_cache(twin: Any) -> None:
    for words in ("EVALSHA abc 0", "EVALSHA " + "f" * 40 + " 0", "SCRIPT EXISTS a b",
                  "SCRIPT KILL"):
        twin(*words.split())
    sha = twin("SCRIPT", "LOAD", "return KEYS[1]")
    for command in ("EVALSHA", "EVALSHA_RO"):
        twin(command, sha, 1, "k")
        twin(command, sha.upper(), 1, "k")
    twin("SCRIPT", "EXISTS", sha, sha.upper(), "x")
    twin("SCRIPT", "LOAD", "x x")
    twin("EVAL", "return 2", 0)
    twin("EVALSHA", "7f923f79fe76194c868d7e1d0820de36700eb649", 0)
    for words in ("SCRIPT FLUSH x", "SCRIPT FLUSH sync x", "SCRIPT FLUSH async", "SCRIPT DEBUG x",
                  "SCRIPT DEBUG no", "SCRIPT", "SCRIPT NOSUCH", "SCRIPT LOAD"):
        twin(*words.split())
    twin("EVALSHA", sha, 1, "k")
    twin("SCRIPT", "EXISTS", sha)


def test_eviction(twin: Any) -> None:
    def sha(number: int) -> str:
        return hashlib.sha1(f"return {number}".encode()).hexdigest()

    twin("SCRIPT", "FLUSH")
    twin("SCRIPT", "LOAD", "return -1")
    for number in range(500):
        twin("EVAL", f"return {number}", 0)
    twin("EVAL", "return 0", 0)
    twin("EVALSHA", sha(1), 0)
    twin("SCRIPT", "LOAD", "return 2")
    twin("SCRIPT", "EXISTS", sha(3))
    for number in range(500, 503):
        twin("EVAL", f"return {number}", 0)
    twin("SCRIPT", "EXISTS", *map(sha, range(-1, 510)))


@pytest.mark.parametrize(
    "call", ["'set', 'a', 'b'", "'get', 'a'", "'publish', 'a', 'b'", "'spublish', 'a', 'b'",
             "'del', 'a'", "'ping'", "'expire', 'a', 1"],
)
def test_read_only(twin: Any, call: str) -> None:
    for name in ("call", "pcall"):
        twin("EVAL_RO", f"return redis.{name}({call})", 0)
        twin("EVAL", f"return redis.{name}({call})", 0)


def test_in_a_transaction_and_with_waiting_sessions(twin: Any) -> None:
    waiting = twin.session()
    waiting("BLPOP", "l", 0)
    twin("EVAL", "redis.call('rpush', 'l', 'a') return redis.call('llen', 'l')", 0)
    waiting.reply()
    waiting("BLPOP", "l", 0)
    twin("EVAL", "redis.call('rpush', 'l', 'a') error('late')", 0)
    waiting.reply()
    twin("MULTI")
    twin("EVAL", "redis.call('set', 'a', 'x') error('x')", 0)
    twin("EVAL", "return {1, redis.call('get', 'a')}", 0)
    twin("EXEC")


def test_through_redis_py() -> None:
    client = fakeredis.FakeRedis(server=fakeredis.FakeServer(), decode_responses=True)
    script = client.register_script("return {KEYS[1], ARGV[1], redis.call('incr', KEYS[1])}")
    assert script(keys=["n"], args=["é"]) == ["n", "é", 1]
    client.script_flush()
    assert script(keys=["n"], args=[2]) == ["n", "2", 2]
    with pytest.raises(redis.exceptions.NoScriptError):
        client.evalsha("f" * 40, 0)
    lock = client.lock("lock", timeout=5)
    assert lock.acquire()
    lock.extend(3)
    lock.release()
    assert client.pipeline().eval("return 5", 0).execute() == [5]


def test_tail_calls_of_functions_with_many_registers_and_constants(twin: Any) -> None:
    names, numbers = ", ".join(f"a{at}" for at in range(190)), ", ".join(map(str, range(26_000)))
    recursion = "local function f(n) if n == 0 then return 'ok' end return f(n - 1) end "
    twin("EVAL", f"local {names} = 1 {recursion} return f(30000)", 0)
    twin("EVAL", f"local t = {{{numbers}}} {recursion} t[1] = f(30000) return t", 0)
    twin("EVAL", f"local t = {{{numbers}}} return redis.call('nosuch', t[25600])", 0)
    twin("EVAL", f"return redis.call({', '.join(['1'] * 249)})", 0)
    count = "local function f(...) return select('#', ...) end"
    twin("EVAL", f"{count} return f({', '.join(['1'] * 248)})", 0)


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("depth", [19, 20, 21, 22, 100, 7993])
def test_clients_take_what_nests_deep(protocol: int, depth: int) -> None:
    client = fakeredis.FakeRedis(
        server=fakeredis.FakeServer(), decode_responses=True, protocol=protocol
    )
    script = "local t = {'x', {err = 'e'}, {ok = 'y'}} for i = 1, %d do t = {%s} end return t"
    replies = [client.eval(script % (depth, "t"), 0)]
    replies += client.pipeline().eval(script % (depth, "t"), 0).execute()
    if depth < 2000 and protocol == 3:
        replies.append(client.eval(script % (depth, "map = {a = t}"), 0))
    for reply in replies:
        for _ in range(depth):
            assert len(reply) == 1
            reply = reply["a" if isinstance(reply, dict) else 0]
        assert reply[::2] == ["x", "y"]
        assert isinstance(reply[1], redis.ResponseError)


class Recorder:
    def __init__(self) -> None:
        self.seen: list[tuple[str, str, object]] = []

    def begin(self, session: Any, name: str, argv: Any) -> Any:
        return session.via, name

    def end(self, record: Any, reply: object, error: Exception | None) -> None:
        self.seen.append((*record, reply if error is None else str(error)))


def test_an_error_that_is_returned_is_raised() -> None:
    client = fakeredis.FakeRedis(server=fakeredis.FakeServer())
    with pytest.raises(redis.ResponseError, match=r"^a b$"):
        client.eval("return {err = 'a b'}", 0)
    errors = client.eval("return {1, {err = 'a b'}}", 0)
    assert isinstance(errors[1], redis.ResponseError)


def test_a_spy_sees_what_scripts_and_transactions_do() -> None:
    server = Server()
    session, recorder = server.session(), Recorder()
    server.attach_recorder(recorder)
    session.execute([b"EVAL", b"redis.call('set', 'a', 'x') redis.pcall('incr', 'a')", b"0"])
    assert [seen[:2] for seen in recorder.seen] == [
        ("script", "SET"), ("script", "INCR"), ("direct", "EVAL"),
    ]
    recorder.seen.clear()
    for command in (b"MULTI", b"GET a", b"EVAL return(redis.call('get','a')) 0", b"EXEC"):
        session.execute(command.split())
    assert [seen[:2] for seen in recorder.seen] == [
        ("direct", "MULTI"), ("transaction", "GET"), ("script", "GET"), ("transaction", "EVAL"),
        ("direct", "EXEC"),
    ]
    assert session.via == "direct"


def run(server: Server, script: str) -> Any:
    try:
        return server.session().execute([b"EVAL", script.encode(), b"0"])
    except CommandError as error:
        return error


REACH = """
local seen, found = {}, {}
local function walk(value, path, depth)
  if depth > 8 or seen[value] then return end
  if type(value) == 'userdata' and value ~= cjson.null then found[#found + 1] = path end
  if type(value) ~= 'table' then return end
  seen[value] = true
  for k, v in pairs(value) do
    walk(k, path .. '.<key>', depth + 1)
    walk(v, path .. '.' .. tostring(k), depth + 1)
  end
  local metatable = getmetatable(value)
  if metatable then walk(metatable, path .. '.<meta>', depth + 1) end
end
walk(_G, '_G', 0)
walk(getmetatable(''), 'string', 0)
return found
"""

ESCAPES = [
    "local ok, e = pcall(redis.call, coroutine.create(print)) return type(e)",
    "return type(select(2, pcall(redis.call, {}, newproxy)))",
    "return {pcall(redis.call, 'set', 'a', string.rep)}",
    "return type(select(2, pcall(redis.sha1hex, {})))",
    "return type(select(2, pcall(bit.band, {})))",
    "return type(select(2, pcall(bit.lshift, 1, 1/0)))",
    "return type(select(2, pcall(bit.tohex, 1, 1/0)))",
    "return type(select(2, pcall(struct.pack, '>i99', 1)))",
    "return type(select(2, pcall(struct.pack, 'f', 1e300)))",
    "return type(select(2, pcall(struct.unpack, 'i', 'abcdefgh', {})))",
    "return type(select(2, pcall(struct.unpack, 'i', 'abcdefgh', 1/0)))",
    "return type(select(2, pcall(struct.unpack, {}, {})))",
    "return type(select(2, pcall(struct.pack, 'c999999999999', 'x')))",
    "return type(select(2, pcall(cmsgpack.unpack, '\\207\\255')))",
    "return type(select(2, pcall(cmsgpack.pack, function() end)))",
    "return type(select(2, pcall(redis.acl_check_cmd, {})))",
    "return type(select(2, pcall(redis.setresp, {})))",
    "return type(select(2, pcall(redis.setresp, 0/0)))",
    "return type(select(2, xpcall(function() redis.call(1, {}) end, function(e) return e end)))",
    "return type(select(2, coroutine.resume(coroutine.create(function() bit.rol({}, {}) end))))",
]


@pytest.mark.parametrize("script", ESCAPES)
def test_errors_are_no_python_objects(script: str) -> None:
    reply = run(Server(), script)
    assert reply != b"userdata"
    assert not isinstance(reply, CommandError) or "nonexistent" in str(reply)


def test_no_python_object_can_be_reached() -> None:
    assert run(Server(), REACH) == []


@pytest.mark.parametrize(
    "script",
    [
        "redis.call = 1", "local f, t = pairs(redis) rawset(t, 'call', 1)",
        "for k, v in pairs(_G) do if type(v) == 'table' then v.x = 1 end end",
        "getmetatable('').__index = {}", "rawset(getmetatable(''), '__index', {})",
        "rawset(getmetatable('').__index, 'x', 1)", "table.insert(string, 1)",
        "table.foreach(_G, function(k, v) if v == redis then v.x = 1 end end)",
        "setmetatable(string, {__index = {x = 1}})", "cjson.x = 1", "KEYS.x = 1 ARGV[1] = 2",
        "local _, t, _ = pairs(_G) t.x = 1", "math.randomseed(1)", "_G = 1",
        "local g = _G g.KEYS = 1", "local c, t = next(_G) rawset(_G, c, 1)",
        "collectgarbage('stop')",
    ],
)
def test_no_script_changes_what_the_next_one_sees(script: str) -> None:
    server = Server()
    state = (
        "local t = {} for k, v in pairs(_G) do "
        "if type(v) == 'table' and k ~= 'KEYS' and k ~= 'ARGV' and k ~= '_G' then "
        "for n, w in pairs(v) do "
        "t[#t + 1] = k .. '.' .. tostring(n) .. tostring(w) end end end table.sort(t) "
        "return {redis.call('ping'), ('x'):rep(2), table.concat(t), redis.x == nil, "
        "string.x == nil}"
    )
    first = run(server, state)
    run(server, script)
    assert run(server, state) == first
    assert not isinstance(first, CommandError)


def test_a_crash_of_a_command_is_not_swallowed() -> None:
    server = Server()

    def crash(*args: object) -> None:
        raise ZeroDivisionError

    session = server.session()
    server.attach_recorder(type("R", (), {"begin": crash, "end": crash})())
    with pytest.raises(ZeroDivisionError):
        session.call(server.table.by_name[b"EVAL"], [b"return pcall(redis.call, 'ping')", b"0"])
    server.attach_recorder(None)
    session.execute([b"EVAL", b"return 1", b"0"])


def test_without_lupa(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lupa.lua51", None)
    assert "lupa" in str(run(Server(), "return 1"))


def test_a_server_with_scripts_can_be_collected() -> None:
    server = Server()
    assert run(server, "return redis.call('set', 'a', 1)") == b"OK"
    gone = weakref.ref(server.scripting)
    del server
    gc.collect()
    assert gone() is None


def test_a_script_runs_within_one_moment() -> None:
    server = Server()
    now = iter(range(10**12, 10**12 + 10**6, 5))

    class Running(Clock):
        def milliseconds(self) -> int:
            return next(now)

    server.clock = Running()
    reply = run(server, "redis.call('set','a','b','px',100) return {redis.call('pttl','a'), "
                        "redis.call('pexpiretime','a'), redis.call('pttl','a')}")
    assert reply[0] == reply[2] == 100


def test_waiting_sessions_see_no_half_of_a_script() -> None:
    server = Server()
    waiting = server.session()
    assert waiting.execute([b"BLPOP", b"l", b"0"]) is BLOCKED
    run(server, "redis.call('rpush', 'l', 1) redis.call('del', 'l')")
    assert not waiting.outbox


# Replies of Redis 6.2.14 and Valkey 8.1.8; %s stands for the script's SHA1.
OLD = "ERR Error running script (call to f_%s): "
ELSEWHERE = [
    ("6.2", "redis", "error('boom')", OLD + "@user_script:1: user_script:1: boom"),
    ("6.2", "redis", "error({})", OLD + "@err_handler_def:9: err_handler_def:9: attempt to "
     "concatenate local 'err' (a table value)"),
    ("6.2", "redis", "\nreturn redis.call('nosuch')", OLD + "@user_script:2: @user_script: 2: "
     "Unknown Redis command called from Lua script"),
    ("6.2", "redis", "return redis.pcall('get')", ("@user_script: 1: Wrong number of args "
     "calling Redis command From Lua script")),
    ("6.2", "redis", "return redis.call({})", OLD + "@user_script:1: @user_script: 1: Lua redis() "
     "command arguments must be strings or integers"),
    ("6.2", "redis", "redis.call('set', 'a', 'x') return redis.call('incr', 'a')",
     OLD + "@user_script:1: ERR value is not an integer or out of range"),
    ("6.2", "redis", "return redis.setresp(9)",
     OLD + "@user_script:1: RESP version must be 2 or 3."),
    ("6.2", "redis", "return redis.error_reply('x')", "x"),
    ("6.2", "redis", "#!lua\nreturn 1", ("ERR Error compiling script (new function): "
     "user_script:1: unexpected symbol near '#'")),
    ("6.2", "redis", "local ok, e = pcall(redis.call, 'nosuch') return e",
     b"=[C]: -1: Unknown Redis command called from Lua script"),
    ("8.1", "valkey", "return redis.pcall('nosuch')", "ERR Unknown command called from script"),
    ("8.1", "valkey", "return server.pcall()",
     "ERR Please specify at least one argument for this call"),
    ("8.1", "valkey", "return redis.log('x')", ("ERR server.log() requires two arguments or "
     "more. script: %s, on @user_script:1.")),
    ("8.1", "valkey", "return {redis.REDIS_VERSION, server.VALKEY_VERSION, server == redis}",
     [b"7.2.4", b"8.1.8", 1]),
]


@pytest.mark.parametrize(("version", "kind", "script", "expected"), ELSEWHERE)
def test_other_servers(version: str, kind: str, script: str, expected: object) -> None:
    reply = run(Server(version, kind), script)
    if isinstance(reply, CommandError):
        sha = hashlib.sha1(script.encode()).hexdigest()
        assert str(reply) == str(expected).replace("%s", sha)
    else:
        assert reply == expected


def test_a_call_with_thousands_of_arguments(twin: Any) -> None:
    body = "local a = {} for i = 1, 7999 do a[i] = i end return redis.%s('RPUSH', 'l', unpack(a))"
    twin("EVAL", body % "call", 0)
    twin("EVAL", body % "pcall", 0)


@pytest.mark.parametrize("body", ["a = {}; a[1] = a", "a = {}; a.map = {x = a}; redis.setresp(3)"])
def test_a_table_within_itself_is_cut_off(body: str) -> None:
    reply = Server().session(protocol=3).execute([b"EVAL", f"local {body} return a".encode(), b"0"])
    for _ in range(2600):
        reply = reply[b"x"] if isinstance(reply, dict) else reply[0]
    while not isinstance(reply, CommandError):
        [reply] = reply.values() if isinstance(reply, dict) else reply
    assert str(reply) == "ERR reached lua stack limit"


def test_commands_that_scripts_may_not_call(twin: Any) -> None:
    """Those that reply at once, when DEBUG lets scripts call all."""
    twin.server.config.override("enable-debug-command", "yes")
    twin("EVAL", "return redis.pcall('DEBUG', 'PROTOCOL', 'double')", 0)
    twin("DEBUG", "SET-DISABLE-DENY-SCRIPTS", 1)
    try:
        for kind in ("double", "bignum", "map", "set", "verbatim", "true", "null", "attrib"):
            for protocol in (2, 3):
                body = f"redis.setresp({protocol}) return redis.call('DEBUG', 'PROTOCOL', '{kind}')"
                twin("EVAL", body, 0)
        twin("EVAL", "return redis.call('BLPOP', 'l', 0)", 0)
    finally:
        twin("DEBUG", "SET-DISABLE-DENY-SCRIPTS", 0)


def test_monitor_shows_scripts_before_what_they_do(twin: Any) -> None:
    watcher = twin.session()
    watcher("MONITOR")
    twin("EVAL", "return redis.call('SET', 'a', '1')", 0)
    for _ in range(2):
        watcher.reply(compare=lambda fake, real: fake.split(b"] ")[1] == real.split(b"] ")[1])


def test_sets_are_sorted_for_scripts(twin: Any) -> None:
    twin("SADD", "s", *"qwertyuiop")
    for words in ("", ", 'DESC'", ", 'LIMIT', 1, 3", ", 'GET', '#', 'GET', 'w*'"):
        twin("EVAL", f"return redis.call('SORT', 's', 'BY', 'nosort'{words})", 0)


def test_there_is_no_debugger() -> None:
    """The server has one, which a client of its own speaks to: a test would wait for ever."""
    session = Server().session()
    for mode in (b"YES", b"sync"):
        with pytest.raises(CommandError, match="not implemented"):
            session.execute([b"SCRIPT", b"DEBUG", mode])


@pytest.mark.parametrize("text", ["-foo", "-foo bar", "foo", "-", "", "- x", "--x", "E"])
def test_error_replies_without_a_code(twin: Any, text: str) -> None:
    twin("EVAL", f"return redis.error_reply('{text}')", "0")


@pytest.mark.parametrize("packed", [
    r"\129\192\1", r"\129\203\127\248\0\0\0\0\0\0\1", r"\129\1", r"\193",
])
def test_what_cannot_be_unpacked(twin: Any, packed: str) -> None:
    """The interpreter's own errors have no place in the script, those of the library have."""
    twin("EVAL", f"return cmsgpack.unpack('{packed}')", "0")
    twin("EVAL", f"return {{pcall(cmsgpack.unpack, '{packed}')}}", "0")
