"""Whatever a script does, the process lives, and can end it. Each runs in a child of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakeredis.engine.lua import runtime
from tests.support import processes
from tests.support.engines import Server
from tests.support.twin import fake_reply

# Runs the script that it is given; an alarm after a while ends it as Ctrl-C would.
CHILD = """
import resource, signal, sys
from tests.support.engines import Server
from tests.support.twin import fake_reply

resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
session = Server().session()
fake_reply(session, [b"EVAL", b"return 1", b"0"])
signal.signal(signal.SIGALRM, signal.default_int_handler)
signal.setitimer(signal.ITIMER_REAL, 0.3)
try:
    print(str(fake_reply(session, [b"EVAL", sys.stdin.buffer.read(), b"0"]))[:200])
except KeyboardInterrupt:
    print("interrupted")
signal.setitimer(signal.ITIMER_REAL, 0)
assert fake_reply(session, [b"EVAL", b"return 7", b"0"]) == 7
"""


def outcome(script: str) -> str:
    """What a script answers, or "interrupted"; the child must end well."""
    child = processes.python("-c", CHILD, input=script)
    assert child.returncode == 0, (script, child.returncode, child.stderr[-2000:])
    return child.stdout.strip()


@pytest.mark.parametrize(
    "script",
    ["local f f=function() local ok=xpcall(f, function() return f() end) return f() end f()",
     "xpcall(function() while true do end end, function() while true do end end)",
     "local function f() pcall(coroutine.wrap(f)) pcall(coroutine.wrap(f)) end f()",
     "return string.find(('a'):rep(1e6), ('.-'):rep(100)..'b')",
     "return string.gsub(('a'):rep(1e5), '(a*)*b', 'x')",
     "for k in string.gmatch(('a'):rep(1e5), '.-.-b') do end",
     "local s=('x'):rep(4e7) while true do local t=s..'y' end",
     "local s=('x'):rep(4e7) while true do local t=s:upper() end",
     "cjson.encode_sparse_array(true,0) return cjson.encode({[2^30]=1})",
     "for i=1,1000 do pcall(struct.size, ('x'):rep(1e5)) end",
     "return loadstring('while true do end', '=sandbox')()",
     "local function f(n) return f(n + 1) end return f(1)",
     "local t={} for i=1,1e6 do t[i]=i end while true do table.insert(t,1,1) end"],
)
def test_interrupted(script: str) -> None:
    assert outcome(script) == "interrupted"


@pytest.mark.parametrize(
    ("script", "reply"),
    [("return {pcall(unpack,{},0,2147483647)}", "too many results"),
     ("return {pcall(unpack,{},-2147483648,2147483647)}", "too many results"),
     ("local s='x' for i=1,40 do s=s..s end", "not enough memory"),
     ("return ('x'):rep(1e10)", "not enough memory"),
     ("local t,c={},redis.call c('set','k',('x'):rep(1e8)) for i=1,99 do t[i]=c('get','k')..i end",
      "not enough memory"),
     ("local s=('x'):rep(2e8) local t={} for i=1,50 do t[i]=s end return t", "not enough memory"),
     ("return string.find(('a'):rep(1e6), ('a?'):rep(1e6))", "stack overflow"),
     ("cjson.decode_max_depth(1e9) return cjson.decode(('['):rep(1e6))", "stack overflow"),
     ("return cmsgpack.unpack(('\\221\\255\\255\\255\\255'):rep(1e5))", "stack overflow"),
     ("return struct.unpack(('b'):rep(1e4), ('x'):rep(1e4))", "too many results")],
)
def test_refused(script: str, reply: str) -> None:
    assert outcome(script) in (reply, "interrupted") or reply in outcome(script)


PATTERNS = ["a", "a*", "a+b", "a-b", "a?b?", "(a*)(.)", "^a", "b$", "^(.-)%s*$", "%b()",
            "%f[%w]%w+", "(a)(%1)", "()", "[^,]*", "[%w_]+", "[a-c]-$", "[]]", "[^]]",
            "(()b)", "%%", "^", "$", ".-", "(.-)b", "%d?%a", "[", "%", "a)", "%1", "%f", "%b",
            "(a)%2", "[a-", "^^", "$$", "[%]", "%z", "%S+"]
TEXTS = ["", "a", "aab", "aaab b", "(a(b)c)", "THE (quick) fox", "a,b,,c", "aa11", "[]^$", "\0a"]
BOTH_WAYS = """
local text, pattern = ARGV[1], ARGV[2]
local function shown(...)
  local found = {}
  for at = 1, select('#', ...) do found[at] = tostring((select(at, ...))) end
  return table.concat(found, '|')
end
local found = {
  shown(pcall(string.find, text, pattern)), shown(pcall(string.find, text, pattern, 2)),
  shown(pcall(string.match, text, pattern)), shown(pcall(string.gsub, text, pattern, '<%0>')),
  shown(pcall(string.gsub, text, pattern, '%1', 2)),
  shown(pcall(string.gsub, text, pattern, function(...) return '{' .. shown(...) .. '}' end)),
}
local ok, failure = pcall(function()
  for a, b in text:gmatch(pattern) do found[#found + 1] = shown(a, b) end
end)
found[#found + 1] = shown(ok, failure)
return found
"""


def test_both_ways_to_match(monkeypatch: pytest.MonkeyPatch) -> None:
    """Our own matcher, which takes over where the C functions may not end, finds the same."""
    def replies() -> list[object]:
        session = Server().session()
        return [
            (text, pattern, fake_reply(session, [b"EVAL", BOTH_WAYS.encode(), b"0",
                                                 text.encode(), pattern.encode()]))
            for text in TEXTS for pattern in PATTERNS
        ]

    quick = replies()
    code = runtime._own_code.__wrapped__

    def slow_code(name: str) -> bytes:
        if name != "patterns.lua":
            return bytes(code(name))
        source = Path(runtime.__file__).with_name(name).read_bytes()
        assert b"LONGEST_PATTERN, MOST_CAPTURES = 4e8, 2000" in source
        return source.replace(b"= 4e8, 2000", b"= 4e8, -1")

    monkeypatch.setattr(runtime, "_own_code", slow_code)
    slow = replies()
    for one, other in zip(quick, slow, strict=True):
        assert one == other
