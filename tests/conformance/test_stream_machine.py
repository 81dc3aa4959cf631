"""Random stream commands on few keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from tests.conformance.machine import hunt, with_options, words
from tests.support.twin import Twin

key = st.sampled_from(["a", "b", "a", "string"])
number = st.sampled_from(
    ["1-1", "2-1", "2-2", "3", "4-1", "5-*", "6-1", "0-0", "0", "9-9", "100-1", "200-*"]
)
odd = st.sampled_from(["x", "-", "+", "$", "", "1-x", "18446744073709551615-18446744073709551615"])
new = st.one_of(st.integers(1, 40).map(lambda n: f"{n}-*"), number, odd)
existing = st.one_of(
    st.builds(lambda a, b: f"{a}-{b}", st.integers(0, 9), st.integers(0, 2)), number
)
bound = st.one_of(
    existing, existing.map(lambda text: "(" + text), st.sampled_from(["-", "+"]), odd,
    st.integers(0, 9).map(str),
)
count = st.sampled_from([0, 1, 2, 3, 10, -1, "x"])
few = st.integers(0, 4)
group = st.sampled_from(["g", "h", "g", "nogroup"])
consumer = st.sampled_from(["c", "d", "e"])
strategy = st.sampled_from(["KEEPREF", "DELREF", "ACKED", "acked"])
mark = st.sampled_from(["~", "=", "~", ""])


def trimming(word: str, value: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.builds(
        lambda sign, limit: (word, sign, limit) if sign else (word, limit), mark, value
    )


options = st.lists(
    st.one_of(
        trimming("MAXLEN", few), trimming("MINID", existing), trimming("MAXLEN", count),
        words("LIMIT", count), words(strategy), words("NOMKSTREAM"),
    ),
    max_size=2,
).map(lambda parts: sum(parts, ()))
add = st.builds(
    lambda k, opts, number, fields: ("XADD", k, *opts, number, *fields),
    key, st.one_of(st.just(()), options), new,
    st.sampled_from([("f", "v"), ("f", "v", "g", "w"), ("x",), ("f", "long" * 20)]),
)
plain_add = st.builds(
    lambda k, n: ("XADD", k, f"{n}-*", "f", "v"), st.sampled_from(["a", "b"]), st.integers(1, 9)
)
ids = st.lists(existing, min_size=1, max_size=3)
new_entries = st.builds(
    lambda g, c, k, opts: ("XREADGROUP", "GROUP", g, c, *opts, "STREAMS", k, ">"),
    st.sampled_from(["g", "h"]), consumer, st.sampled_from(["a", "b"]),
    st.sampled_from([(), ("COUNT", 1), ("COUNT", 2), ("NOACK",)]),
)

command = st.one_of(
    words("SET", "string", "x"),
    words("DEL", key),
    plain_add, plain_add, add, add,
    st.builds(lambda k, opts: ("XTRIM", k, *opts, *(() if opts else ("FOO", 1))), key, options),
    words("XLEN", key),
    with_options(words("XRANGE", key, bound, bound), words("COUNT", count), words("FOO")),
    with_options(words("XREVRANGE", key, bound, bound), words("COUNT", count)),
    words("XREAD", "COUNT", count, "STREAMS", key, bound),
    words("XREAD", "STREAMS", key, key, existing, st.sampled_from(["+", "$", "0"])),
    st.builds(lambda k, n: ("XDEL", k, *n), key, ids),
    st.builds(
        lambda k, how, n: ("XDELEX", k, how, "IDS", len(n), *n), key, strategy, ids
    ),
    st.builds(lambda k, g, n: ("XACK", k, g, *n), key, group, ids),
    st.builds(
        lambda k, g, how, n: ("XACKDEL", k, g, "IDS", len(n), *n, how), key, group, strategy, ids
    ),
    words("XGROUP", "CREATE", key, st.sampled_from(["g", "h"]), st.sampled_from(["0", "$", "2-1"]),
          "MKSTREAM"),
    with_options(words("XGROUP", "CREATE", key, group, bound), words("ENTRIESREAD", count),
                 words("MKSTREAM")),
    with_options(words("XGROUP", "SETID", key, group, st.one_of(existing, odd)),
                 words("ENTRIESREAD", count)),
    words("XGROUP", "DESTROY", key, group),
    words("XGROUP", st.sampled_from(["CREATECONSUMER", "DELCONSUMER"]), key, group, consumer),
    new_entries, new_entries,
    words("XREADGROUP", "GROUP", group, consumer, "COUNT", count, "STREAMS", key,
          st.one_of(existing, odd, st.just(">"))),
    words("XPENDING", key, group),
    words("XCLAIM", key, group, consumer, st.sampled_from([0, 0, -1, 10**7, "x"]), existing),
    with_options(
        words("XCLAIM", key, group, consumer, 0, existing, existing), words("FORCE"),
        words("JUSTID"), words("RETRYCOUNT", few), words("LASTID", existing),
        words("IDLE", st.sampled_from([10**6, "x"])), words("FOO"),
    ),
    with_options(
        words("XAUTOCLAIM", key, group, consumer, st.sampled_from([0, 0, 10**7, "x"]), bound),
        words("COUNT", count), words("JUSTID"), words("COUNT"),
    ),
    with_options(
        words("XSETID", key, st.one_of(existing, odd)), words("ENTRIESADDED", count),
        words("MAXDELETEDID", existing),
    ),
    words("XINFO", "GROUPS", key),
)

TIMED = ("XPENDING", "XINFO")


def compare(twin: Twin, argv: Sequence[object]) -> Any:
    """Run a command, then see what each group holds, idle times left out."""
    twin(*argv)
    if str(argv[0]) not in ("XADD", "XRANGE", "XLEN", "SET"):
        for name in ("a", "b"):
            for members in ("g", "h"):
                near(twin, "XPENDING", name, members, "-", "+", 100)
                near(twin, "XINFO", "CONSUMERS", name, members)
            twin("XINFO", "GROUPS", name)


def near(twin: Twin, *argv: object) -> None:
    """A command whose reply tells of times, which may differ by some milliseconds."""
    twin._compare(argv, lambda fake, real: _blurred(fake) == _blurred(real))


def _blurred(reply: Any) -> Any:
    """A reply in which small idle times are all the same."""
    if isinstance(reply, Exception):
        return str(reply)
    if isinstance(reply, list):
        if len(reply) == 4 and type(reply[2]) is int:
            return [*reply[:2], reply[2] // 10_000, reply[3]]
        if len(reply) == 8 and reply[0] == b"name":
            return [*reply[:4], reply[7] == -1]
        return [_blurred(item) for item in reply]
    if isinstance(reply, dict):
        return _blurred([part for pair in reply.items() for part in pair])
    return reply


def test_stream_commands(real_url: str) -> None:
    hunt(real_url, command, length=30, examples=130, compare=compare)
