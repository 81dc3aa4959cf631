"""Random list commands on few keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from fakeredis.engine.core.replies import BLOCKED
from tests.conformance.machine import hunt, with_options, words
from tests.support.twin import Twin

key = st.sampled_from(["a", "b", "c", "string"])
element = st.sampled_from(["x", "y", "z", "1", "-70000", "", "long" * 30])
index = st.one_of(st.integers(-8, 8), st.sampled_from(["q", 2**63 - 1, -(2**63), 2**63]))
side = st.sampled_from(["LEFT", "RIGHT", "left", "MIDDLE"])
ends = st.sampled_from(["LEFT", "RIGHT"])
timeout = st.sampled_from([0, "0.5", "-1", "x"])

command = st.one_of(
    words("SET", "string", "x"),
    words("DEL", key),
    words(st.sampled_from(["LPUSH", "RPUSH", "LPUSHX", "RPUSHX"]), key, element, element, element),
    words(st.sampled_from(["LPUSH", "RPUSH", "LPUSHX", "RPUSHX"]), key, element),
    words(st.sampled_from(["LPOP", "RPOP", "LLEN"]), key),
    words(st.sampled_from(["LPOP", "RPOP"]), key, st.integers(-1, 5)),
    words(st.sampled_from(["LRANGE", "LTRIM"]), key, index, index),
    words("LRANGE", key, 0, -1),
    words("LINDEX", key, index),
    words("LSET", key, index, element),
    words("LREM", key, index, element),
    words("LINSERT", key, st.sampled_from(["BEFORE", "after", "x"]), element, element),
    with_options(
        words("LPOS", key, element),
        words(st.sampled_from(["RANK", "COUNT", "MAXLEN", "FOO"]), index),
        words(st.sampled_from(["RANK", "COUNT", "MAXLEN"])),
    ),
    words("LMOVE", key, key, side, side),
    words("RPOPLPUSH", key, key),
    with_options(
        words("LMPOP", 2, key, key, side), words("COUNT", st.integers(0, 4)), words("COUNT", "x")
    ),
    words("LMPOP", st.sampled_from([0, 1, 3, "x"]), key, key, ends),
    words(st.sampled_from(["BLPOP", "BRPOP"]), key, key, timeout),
    words("BLMOVE", key, key, side, side, timeout),
    words("BRPOPLPUSH", key, key, timeout),
    words("BLMPOP", timeout, 2, key, key, side, "COUNT", st.integers(0, 3)),
)


def at_once(twin: Twin, argv: Sequence[object]) -> None:
    """Blocking commands run in a transaction, where nothing waits."""
    if str(argv[0]).startswith("B"):
        twin("MULTI")
        twin(*argv)
        twin("EXEC")
    else:
        twin(*argv)


def test_list_commands(real_url: str) -> None:
    hunt(real_url, command, compare=at_once)


plain_key = st.sampled_from(["a", "b", "c"])
waiting = st.one_of(
    words(st.sampled_from(["BLPOP", "BRPOP"]), plain_key, plain_key, 0),
    words("BLMOVE", plain_key, plain_key, ends, ends, 0),
    words("BLMPOP", 0, 2, plain_key, plain_key, ends, "COUNT", 2),
)
writing = st.one_of(
    words(st.sampled_from(["RPUSH", "LPUSH"]), plain_key, "x", "y", "z"),
    words(st.sampled_from(["RPUSH", "LPUSH"]), plain_key, "1"),
    words("SET", plain_key, "v"),
    words("DEL", plain_key),
    words("RENAME", plain_key, plain_key),
    words("COPY", plain_key, plain_key, "REPLACE"),
    words("LMOVE", plain_key, plain_key, ends, ends),
    words(st.sampled_from(["MULTI", "EXEC"])),
)
# Who does what: 0 writes, the others wait.
turn = st.one_of(
    st.tuples(st.just(0), writing), st.tuples(st.integers(1, 3), waiting),
    st.tuples(st.just(0), writing),
)


def take_turn(twin: Twin, argv: Any) -> None:
    """One session's command, and the replies of those whom it lets go on."""
    pairs = [twin, *(twin._pairs or [twin.session() for _ in range(3)])]
    number, words_ = argv
    pair = pairs[number]
    if pair.fake.wait is not None:
        return
    reply = pair(*words_)
    assert number or reply is not BLOCKED
    for waiter in pairs[1:]:
        if waiter.fake.outbox:
            waiter.reply()


def test_blocked_sessions(real_url: str) -> None:
    hunt(real_url, turn, compare=take_turn, length=15, examples=60)
