"""Arrays of Redis 8.8, of which there is no server to compare with.

What is expected follows the commands' public pages (redis.io/docs/latest/commands/arset and so on)
and what servers of that version are publicly known to answer; it is called as redis-py calls it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

import fakeredis
from fakeredis import errors
from fakeredis.datatypes.array import LAST_INDEX, SLICE, Array
from tests.commands.playing import words
from tests.support.engines import Server
from tests.support.redis_py import needs
from tests.support.twin import fake_reply

pytestmark = needs("arrays")


@pytest.fixture(params=[2, 3], ids=["resp2", "resp3"])
def r(request: pytest.FixtureRequest) -> Iterator[Any]:
    server = fakeredis.FakeServer(version="8.8")
    with server.client(protocol=request.param, decode_responses=True) as client:
        yield client


def answers(script: str) -> list[str]:
    """The replies of a new server, errors too, as texts."""
    session = Server("8.8").session()
    lines = [line.strip() for line in script.strip().splitlines()]
    return [str(fake_reply(session, words(line))) for line in lines]


def test_older_servers_have_none() -> None:
    for version in ("8.2", "8.6"):
        reply = fake_reply(Server(version).session(), [b"ARGET", b"k", b"0"])
        assert str(reply).startswith("ERR unknown command 'ARGET'")


def test_set_and_get(r: Any) -> None:
    """ARSET, ARGET, ARMSET, ARMGET: what is new is counted, gaps stay empty."""
    assert r.arset("a", 0, "hello") == 1
    assert r.arset("a", 0, "world") == 0
    assert r.arset("a", 2, "a", "b", "c") == 3
    assert r.armset("a", {0: "x", 100: "gamma"}) == 1
    assert r.arget("a", 0) == "x"
    assert r.arget("a", 1) is None
    assert r.arget("none", 0) is None
    assert r.armget("a", 2, 100, 1) == ["a", "gamma", None]
    assert (r.arlen("a"), r.arcount("a")) == (101, 5)
    assert (r.arlen("none"), r.arcount("none")) == (0, 0)
    assert (r.type("a"), r.object("encoding", "a")) == ("array", "sliced-array")


def test_ranges(r: Any) -> None:
    """ARGETRANGE has the gaps, ARSCAN leaves them out; both go down where the end is less."""
    r.armset("a", {0: "a", 1: "b", 3: "d"})
    assert r.argetrange("a", 0, 3) == ["a", "b", None, "d"]
    assert r.argetrange("a", 3, 0) == ["d", None, "b", "a"]
    assert r.arscan("a", 0, 10) == [[0, "a"], [1, "b"], [3, "d"]]
    assert r.arscan("a", 10, 0, limit=2) == [[3, "d"], [1, "b"]]
    assert r.arscan("none", 0, 10) == []


def test_deleting(r: Any) -> None:
    """ARDEL and ARDELRANGE: ranges may be named backwards, the last element takes the key."""
    r.arset("a", 0, *range(20))
    assert r.ardel("a", 1, 1, 50) == 1
    assert r.ardelrange("a", (5, 12), (15, 8)) == 11
    assert r.arcount("a") == 8
    assert r.ardelrange("a", (0, 4), (16, 19)) == 8
    assert not r.exists("a")
    assert r.ardel("a", 1) == r.ardelrange("a", (0, 1)) == 0


def test_inserting(r: Any) -> None:
    """ARINSERT, ARNEXT, ARSEEK: the cursor is moved by insertions only."""
    assert (r.arnext("a"), r.arseek("a", 5)) == (0, 0)
    assert r.arinsert("a", "x", "y") == 1
    r.arset("a", 50, "z")
    assert r.arnext("a") == 2
    assert r.arseek("a", 10) == 1
    assert r.arinsert("a", "c") == 10
    assert r.arseek("a", LAST_INDEX + 1) == 1
    assert r.arnext("a") is None
    with pytest.raises(redis.ResponseError, match="insert index overflow"):
        r.arinsert("a", "b")


def test_rings(r: Any) -> None:
    """ARRING writes over the oldest; another size lays the newest out anew, up to the first gap."""
    assert [r.arring("a", 3, f"v{number}") for number in range(4)] == [0, 1, 2, 0]
    assert r.arget("a", 0) == "v3"
    assert r.arlastitems("a", 3) == ["v1", "v2", "v3"]
    assert r.arlastitems("a", 2, rev=True) == ["v3", "v2"]
    r.delete("a")
    r.arring("a", 10, *[f"v{number}" for number in range(15)])
    assert r.arring("a", 5, "new") == 0
    assert r.argetrange("a", 0, 5) == ["new", "v11", "v12", "v13", "v14", None]
    for size in (3, 8):
        r.delete("a")
        r.arring("a", 5, *[f"v{number}" for number in range(8)])  # v5 v6 v7 v3 v4
        r.ardel("a", 1)
        assert r.arring("a", size, "new") == 1
        assert r.arscan("a", 0, 10) == [[0, "v7"], [1, "new"]]


def test_last_items(r: Any) -> None:
    """ARLASTITEMS goes back from the cursor; without one, from the last element."""
    assert r.arlastitems("a", 3) == []
    r.arinsert("a", *range(5))
    assert r.arlastitems("a", 3) == ["2", "3", "4"]
    r.arseek("a", 0)
    assert r.arlastitems("a", 3, rev=True) == ["4", "3", "2"]
    assert len(r.arlastitems("a", 100)) == 5


def test_searching(r: Any) -> None:
    """The examples of ARGREP's page."""
    from redis.commands.core import ArrayPredicateCombinator as Combine
    from redis.commands.core import ArrayPredicateType as Kind

    log = ["boot: ok", "warn: disk", "ERROR: cpu", "info: ready", "error: net"]
    r.arset("log", 0, *log)
    assert r.argrep("log", "-", "+", [(Kind.MATCH, "error")], nocase=True) == [2, 4]
    found = r.argrep("log", "-", "+", [(Kind.MATCH, "error")], nocase=True, withvalues=True)
    assert found == [[2, "ERROR: cpu"], [4, "error: net"]]
    both = [(Kind.GLOB, "warn:*"), (Kind.GLOB, "error:*")]
    assert r.argrep("log", 0, 4, both) == [1, 4]
    assert r.argrep("log", 0, 4, both, combinator=Combine.AND) == []
    pattern = [(Kind.RE, "^[A-Za-z]+: (cpu|net)$")]
    assert r.argrep("log", 4, 0, pattern, nocase=True) == [4, 2]
    assert r.argrep("log", 0, 4, [(Kind.EXACT, "info: ready")]) == [3]
    assert r.argrep("log", "-", "+", [(Kind.MATCH, "error")], nocase=True, limit=1) == [2]


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [("^.*[0-9]{3}$", "foo123", True), ("[[:digit:]]+", "a1", True), ("[^[:alpha:]]", "ab", False),
     ("a$", "a\n", False), ("a.b", "a\nb", True), (r"[\d]", "d", True), (r"[\d]", "1", False),
     ("[]a]", "]", True), ("foo|bar", "xbar", True), (r"\x{41}", "A", True),
     ("^a{,2}$", "aa", True), ("[+--]", ",", True), ("[a&&b]", "&", True), ("[^a]", "\xe9", True),
     (r"\xc3", "\xe9", True), (r"\w", "\xe9", False), ("(a+)+b", "a" * 5000, False)],
)
def test_patterns(pattern: str, text: str, found: bool) -> None:
    """They are POSIX's extended regular expressions."""
    session = Server("8.8").session()
    fake_reply(session, [b"ARSET", b"a", b"0", text.encode()])
    reply = fake_reply(session, [b"ARGREP", b"a", b"-", b"+", b"RE", pattern.encode()])
    assert reply == ([0] if found else [])


@pytest.mark.parametrize("pattern", ["(", "[a", "*a", "(?=a)", "a{2", "(a{1000}){1000}"])
def test_what_is_no_pattern(pattern: str) -> None:
    session = Server("8.8").session()
    reply = fake_reply(session, [b"ARGREP", b"a", b"-", b"+", b"RE", pattern.encode()])
    assert str(reply) == errors.ARRAY_PATTERN


def test_aggregates(r: Any) -> None:
    """AROP: texts are left out, fractions too where bits are meant; None when nothing is left."""
    from redis.commands.core import ArrayAggregateOperations as Op

    r.arset("a", 0, "10", "20.5", "text", "-1")
    assert [r.arop("a", 0, 9, op) for op in (Op.SUM, Op.MIN, Op.MAX)] == ["29.5", "-1", "20.5"]
    assert [r.arop("a", 0, 1, op) for op in (Op.AND, Op.OR, Op.XOR)] == [0, 30, 30]
    assert (r.arop("a", 9, 0, Op.USED), r.arop("a", 0, 9, Op.MATCH, "text")) == (4, 1)
    assert [r.arop("a", 2, 2, op) for op in (Op.SUM, Op.XOR)] == [None, None]
    assert [r.arop("none", 0, 2, op) for op in (Op.SUM, Op.USED)] == [None, 0]


def test_info(r: Any) -> None:
    """The example of ARINFO's page, and the kinds of slices."""
    r.armset("a", {0: "a", 1: "b", 100: "c"})
    r.arinsert("a", "d")
    assert r.arinfo("a") == {
        "count": 3, "len": 101, "next-insert-index": 1, "slices": 1, "directory-size": 1,
        "super-dir-entries": 0, "slice-size": 4096,
    }
    r.arset("a", 5000, *range(20))
    full = r.arinfo("a", full=True)
    assert (full["dense-slices"], full["sparse-slices"]) == (1, 1)
    with pytest.raises(redis.ResponseError, match="no such key"):
        r.arinfo("none")


def test_errors() -> None:
    """What is wrong is said in the order in which it is checked."""
    wrong = "ERR wrong number of arguments for '%s' command"
    kind = "WRONGTYPE Operation against a key holding the wrong kind of value"
    index = "ERR invalid array index"
    script = f"""
        SET s 1
        ARSET s x v
        ARSET s 0 v
        ARSET a -1 v
        ARSET a {LAST_INDEX + 1} v
        ARSET a {LAST_INDEX} v w
        ARGET s x
        ARGET a x
        ARMSET a 0 v 1
        ARMGET a 0 x
        ARGETRANGE a 0 1000000
        ARDEL a 0 x
        ARDELRANGE a 0
        ARDELRANGE a 0 1 2
        ARINSERT s v
        ARRING s x v
        ARRING s 0 v
        ARSEEK a {LAST_INDEX + 2}
        ARLASTITEMS s x
        ARLASTITEMS s 0 FOO
        ARLASTITEMS s 1 FOO
        ARSCAN a 0 1 LIMIT
        ARSCAN a 0 1 LIMIT 0
        ARSCAN a 0 1 FOO 1
        ARGREP a x + EXACT v
        ARGREP a - + LIMIT 1
        ARGREP a - + EXACT v MATCH
        ARGREP a - + RE (
        ARGREP a - + RE (a)\\\\\\\\1
        ARGREP a - + RE ''
        AROP a 0 1 FOO
        AROP a 0 1 MATCH
        AROP a 0 1 SUM 1
        ARINFO s FOO
        ARINFO s
        EXISTS a
    """
    assert answers(script) == [
        "b'OK'", index, kind, index, index, index, kind, index, wrong % "armset", index,
        "ERR range exceeds maximum of 1000000 items", index, wrong % "ardelrange",
        wrong % "ardelrange", kind, "ERR invalid size", "ERR size must be positive", index,
        "ERR invalid COUNT", "[]", "ERR syntax error", wrong % "arscan",
        "ERR LIMIT must be positive",
        "ERR syntax error", index, "ERR syntax error", "ERR syntax error",
        "ERR invalid regular expression", "ERR regular expression backreferences are not supported",
        "ERR regular expression is empty", "ERR unknown operation",
        "ERR MATCH requires a value argument", wrong % "arop", "ERR syntax error", kind, "0",
    ]


def test_events_copies_and_payloads() -> None:
    """Events have the commands' names; values are copied whole, cursor and all."""
    server = fakeredis.FakeServer(version="8.8")
    client: Any = server.client(decode_responses=True)
    client.config_set("notify-keyspace-events", "KEA")
    listener = client.pubsub()
    listener.psubscribe("__keyspace@0__:a")
    client.arinsert("a", "x", "y")
    client.ardel("a", 0)
    client.copy("a", "b")
    payload = server.client().dump("b")
    client.restore("c", 0, payload)
    assert client.arinsert("c", "z") == 2
    client.ardelrange("a", (0, 5))
    events = [message["data"] for message in iter(lambda: listener.get_message(), None)]
    assert events[1:] == ["arinsert", "ardel", "ardelrange", "del"]
    assert client.arnext("b") == 2


def test_categories() -> None:
    """There is a category of their own, which older servers do not know."""
    client: Any = fakeredis.FakeServer(version="8.8").client(decode_responses=True)
    assert "array" in client.acl_cat()
    assert "argrep" in client.acl_cat("array")
    client.acl_setuser("u", enabled=True, nopass=True, categories=["+@array"], keys=["*"])
    assert client.acl_dryrun("u", "ARGET", "k", "0") == "OK"
    with pytest.raises(redis.ResponseError, match="Unknown category"):
        fakeredis.FakeServer().client().acl_cat("array")


def test_random_operations() -> None:
    """Against a plain dictionary."""
    rng = random.Random(1)
    array, model = Array(), dict[int, bytes]()
    for step in range(3000):
        index = rng.choice([rng.randrange(100), rng.randrange(3 * SLICE), rng.randrange(10**8)])
        other = rng.choice([index + rng.randrange(50), rng.randrange(3 * SLICE)])
        low, high = sorted((index, other))
        inside = sorted(key for key in model if low <= key <= high)
        if rng.random() < 0.6:
            assert array.set(index, b"%d" % step) == (index not in model)
            model[index] = b"%d" % step
        elif rng.random() < 0.5:
            assert array.delete(index) == (model.pop(index, None) is not None)
        else:
            assert list(array.items(low, high)) == [(key, model[key]) for key in inside]
            assert array.delete_range(low, high) == len(inside)
            for key in inside:
                del model[key]
        assert (array.count, array.get(other)) == (len(model), model.get(other))
        assert array.length == max(model, default=-1) + 1
    assert list(array.items(LAST_INDEX, 0)) == sorted(model.items(), reverse=True)


def test_a_store_keeps_them(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/state.db"
    with fakeredis.patch(store=url, version="8.8"):
        client: Any = redis.Redis(decode_responses=True)
        client.arinsert("a", *range(100))
        client.ardelrange("a", (10, 20))
        client.arseek("a", 200)
    with fakeredis.patch(store=url, version="8.8"):
        client = redis.Redis(decode_responses=True)
        assert (client.arcount("a"), client.arnext("a")) == (89, 200)
