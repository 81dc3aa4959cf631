"""Each assertion, held and failed; the texts of failures are pinned."""

from __future__ import annotations

import os
import re
import textwrap
from collections.abc import Callable
from typing import Any

import pytest

from fakeredis.spy import ANY, Spy, call, like
from tests.spy import stub
from tests.spy.stub import StubSession, spied_engine

PLACE = r"(at )[^ ]*:\d+ in [\w.<>]+"


def fails(assertion: Callable[..., Any], *args: Any, **kwargs: Any) -> str:
    """Text of a failure, with HERE for the place."""
    with pytest.raises(AssertionError) as caught:
        assertion(*args, **kwargs)
    return re.sub(PLACE, r"\1HERE", str(caught.value))


def text(expected: str) -> str:
    return textwrap.dedent(expected).strip()


def test_places_are_those_of_the_code(spy: Spy, session: StubSession) -> None:
    session.run("GET", "k")
    with pytest.raises(AssertionError) as caught:
        spy.assert_not_called_command("GET")
    assert re.search(rf"at {re.escape(os.path.relpath(stub.__file__))}:\d+ in", str(caught.value))


class TestCalled:
    def test_holds(self, spy: Spy, session: StubSession) -> None:
        session.lines("SET k v\nSET k v\nGET k")
        found = spy.assert_called_command("SET k v")
        assert [call.index for call in found] == [0, 1]
        assert spy.assert_called_command("SET", "k", ANY, times=2) == found
        spy.assert_called_command("SET", at_least=2, at_most=2)
        spy.assert_called_command("DEL", times=0)
        spy.assert_called_command("DEL", at_most=1)

    def test_wrong_argument(self, spy: Spy, session: StubSession) -> None:
        session.lines("GET a\nGET b")
        session.method = "set"
        session.lines("SET session:42 x NX EX 60")
        assert fails(spy.assert_called_command, "SET session:42 x EX 61 NX") == text(
            """
            Expected command: SET session:42 x EX 61 NX
            It was not called.
              nearest  #2 SET session:42 x NX EX 60   <- argument 5: expected 61, got 60
                       at HERE (direct, db 0, set())
              3 commands recorded: GET x2, SET
            """
        )

    @pytest.mark.parametrize(
        ("sent", "expected", "difference"),
        [
            ("SET k v", "SET k v NX", "NX is missing"),
            ("SET k v NX", "SET k v", "argument 3: NX is not expected"),
            ("SET k v PX 60", "SET k v EX 60",
             "EX 60 is missing; argument 3: PX 60 is not expected"),
            ("SET k v NX PX 60", "SET k v NX PX 6", "argument 5: expected 6, got 60"),
            ("SET k v", ("SET", like("user:*"), "v"), "argument 1: expected like('user:*'), got k"),
            ("SET k v", "SET k", "argument 2: v is not expected"),
            ("SET k v", "SET l w x",
             "argument 1: expected l, got k; argument 2: expected w, got v; x is missing"),
            ("HSET h a 1 b 2", "HSET h b 3 a 1", "argument 5: expected 3, got 2"),
            ("HSET h a 1 b 2", "HSET h a 1 c 2", "argument 4: expected c, got b"),
            ("SADD s a b", "SADD s b c", "c is missing; argument 2: a is not expected"),
            ("INCRBY k 5", ("INCR", "k"), "argument 2: expected 1, got 5"),
            ("RPUSH l a b", "RPUSH l b a",
             "argument 2: expected b, got a; argument 3: expected a, got b"),
            ("MSET a 1 b 2 c 3 d 4", "MSET e 0",
             ("e 0 is missing; argument 1: a 1 is not expected; argument 3: b 2 is not expected; "
              "and 2 more")),
        ],
    )
    def test_differences(
        self, spy: Spy, session: StubSession, sent: str, expected: Any, difference: str
    ) -> None:
        session.run(*sent.split())
        words = expected if isinstance(expected, tuple) else (expected,)
        assert f"  nearest  #0 {sent}   <- {difference}\n" in fails(
            spy.assert_called_command, *words
        )

    def test_the_three_nearest_are_shown_nearest_first(
        self, spy: Spy, session: StubSession
    ) -> None:
        session.lines("SET a b\nSET k w\nSET k v EX 1\nSET c d")
        message = fails(spy.assert_called_command, "SET k v")
        assert re.findall(r"#\d", message) == ["#1", "#2", "#0"]
        assert "  4 SET in all\n" in message

    def test_another_command_on_the_key(self, spy: Spy, session: StubSession) -> None:
        session.lines("HSET k a 1\nGET l")
        assert fails(spy.assert_called_command, "SET", "k", "v") == text(
            """
            Expected command: SET k v
            It was not called.
              SET was never called; on the same key:
              #0 HSET k a 1
                  at HERE (direct, db 0)
              2 commands recorded: HSET, GET
            """
        )

    def test_a_slip_in_the_name(self, spy: Spy, session: StubSession) -> None:
        session.lines("LRANGE k 0 1")
        message = fails(spy.assert_called_command, "LRANG")
        assert "  LRANG was never called; did you mean LRANGE?\n" in message

    def test_nothing_at_all(self, spy: Spy) -> None:
        assert fails(spy.assert_called_command, call.get("k")) == text(
            """
            Expected command: GET k
            It was not called.
              no command was recorded
            """
        )

    def test_a_filter_that_does_not_fit(self, spy: Spy, session: StubSession) -> None:
        session.lines("GET k")
        assert fails(spy.assert_called_command, "GET k", via="pipeline", db=2) == text(
            """
            Expected command: GET k (via=pipeline, db=2)
            It was not called.
              nearest  #0 GET k   <- via: expected pipeline, got direct; db: expected 2, got 0
                       at HERE (direct, db 0)
              1 command recorded: GET
            """
        )

    def test_wrong_number(self, spy: Spy, session: StubSession) -> None:
        session.lines("GET k\nGET k")
        assert fails(spy.assert_called_command, "GET k", times=3) == text(
            """
            Expected command: GET k, exactly 3 times
            It was called twice:
              #0 GET k
                  at HERE (direct, db 0)
              #1 GET k
                  at HERE (direct, db 0)
              2 commands recorded: GET x2
            """
        )
        assert "GET k, at least 3 times and at most 5 times\n" in fails(
            spy.assert_called_command, "GET k", at_least=3, at_most=5
        )
        assert "GET k, never\n" in fails(spy.assert_called_command, "GET k", times=0)

    def test_a_failed_command_says_so(self, spy: Spy, session: StubSession) -> None:
        session.run("GET", "k", error=ValueError("WRONGTYPE no"))
        message = fails(spy.assert_called_command, "GET l")
        assert "at HERE (direct, db 0, failed: WRONGTYPE no)" in message

    def test_long_commands_are_cut(self, spy: Spy, session: StubSession) -> None:
        session.run("SET", "k", "v" * 5000)
        assert all(len(each) < 250 for each in fails(spy.assert_no_commands).splitlines())

    def test_long_values_are_cut_and_say_where_they_differ(
        self, spy: Spy, session: StubSession
    ) -> None:
        value = "v" * 300 + "A" + "w" * 299
        session.run("SET", "k", value, "EX", 10)
        message = fails(spy.assert_called_command, "SET", "k", value.replace("A", "B"), "EX", 10)
        assert len(message) < 700
        assert (
            "argument 2: they differ from character 301 on: "
            f"expected '{'v' * 15}B{'w' * 19}', got '{'v' * 15}A{'w' * 19}'\n"
        ) in message
        assert message.count("... (600 bytes) EX 10") == 2
        shorter = fails(spy.assert_called_command, "SET", "k", value[:400], "EX", 10)
        assert "from character 401 on: expected its end, after 'www" in shorter

    def test_json_is_readable(self, spy: Spy, session: StubSession) -> None:
        session.run("SET", "k", '{"user": "ada"}')
        message = fails(spy.assert_called_command, "SET", "k", '{"user": "bob"}')
        assert """argument 2: expected '{"user": "bob"}', got '{"user": "ada"}'""" in message
        spy.assert_called_command(str(spy.calls[0]))

    def test_many_calls_are_cut(self, spy: Spy, session: StubSession) -> None:
        session.lines("GET k\n" * 30)
        assert "  and 20 more\n" in fails(spy.assert_called_command_once, "GET k")


class TestOnceAndNever:
    def test_hold(self, spy: Spy, session: StubSession) -> None:
        session.lines("GET k\nSET k v")
        assert spy.assert_called_command_once("GET") is spy.calls[0]
        spy.assert_not_called_command("DEL")
        spy.assert_not_called_command("GET l")
        spy.assert_not_called_command("GET k", via="script")

    def test_twice_is_not_once(self, spy: Spy, session: StubSession) -> None:
        session.lines("GET k\nGET k")
        message = fails(spy.assert_called_command_once, "GET k")
        assert message.startswith("Expected command: GET k, exactly once\nIt was called twice:\n")

    def test_never_is_not_once(self, spy: Spy, session: StubSession) -> None:
        session.lines("GET l")
        message = fails(spy.assert_called_command_once, "GET k")
        assert "It was not called.\n  nearest  #0 GET l   <- argument 1" in message

    def test_once_is_not_never(self, spy: Spy, session: StubSession) -> None:
        session.lines("GET k\nSET k v")
        assert fails(spy.assert_not_called_command, "GET", ...) == text(
            """
            Expected no command: GET ...
            It was called once:
              #0 GET k
                  at HERE (direct, db 0)
              2 commands recorded: GET, SET
            """
        )


class TestSeveral:
    def test_hold(self, spy: Spy, session: StubSession) -> None:
        session.lines("GET a\nGET b\nSET c 1\nGET a")
        spy.assert_has_commands(["GET a", ("SET", "c", 1), call.get("a")])
        spy.assert_has_commands(["SET c 1", "GET b"], any_order=True)
        spy.assert_has_commands([])
        found = spy.assert_command_order("GET b", "GET")
        assert [each.index for each in found] == [1, 3]
        spy.assert_only_commands("GET", "SET c 1")
        spy.assert_only_commands("GET", key="a")
        spy.assert_command_count(4)
        spy.assert_command_count(3, "GET")
        spy.assert_command_count(2, "GET", "a")
        spy.assert_no_commands(via="pipeline")

    def test_wrong_order(self, spy: Spy, session: StubSession) -> None:
        session.lines("SET b 1\nGET a")
        assert fails(spy.assert_has_commands, ["GET a", "SET b 1"]) == text(
            """
            Expected commands in this order:
              1. GET a   = #1 GET a
              2. SET b 1   <- called earlier, as #0
              2 commands recorded: SET, GET
            """
        )
        spy.assert_has_commands(["GET a", "SET b 1"], any_order=True)

    def test_a_missing_one(self, spy: Spy, session: StubSession) -> None:
        session.lines("GET a\nSET b 2")
        assert fails(spy.assert_command_order, "GET a", "SET b 1") == text(
            """
            Expected commands in this order:
              1. GET a   = #0 GET a
              2. SET b 1   <- not called
                nearest  #1 SET b 2   <- argument 2: expected 1, got 2
                         at HERE (direct, db 0)
              2 commands recorded: GET, SET
            """
        )

    def test_in_any_order_each_needs_a_call_of_its_own(
        self, spy: Spy, session: StubSession
    ) -> None:
        session.lines("GET a\nGET b")
        spy.assert_has_commands(["GET", "GET a"], any_order=True)
        message = fails(spy.assert_has_commands, ["GET a", "GET a"], any_order=True)
        assert message.startswith("Expected commands in any order:\n")
        assert "2. GET a   <- called once only\n" in message

    def test_one_text_is_no_list(self, spy: Spy) -> None:
        with pytest.raises(TypeError, match="commands is a list"):
            spy.assert_has_commands("GET a")

    def test_others(self, spy: Spy, session: StubSession) -> None:
        session.lines("GET a\nDEL a\nGET b")
        assert fails(spy.assert_only_commands, "GET a", "DEL") == text(
            """
            Expected only these commands: GET a, DEL
            There were 1 others:
              #2 GET b
                  at HERE (direct, db 0)
              3 commands recorded: GET x2, DEL
            """
        )

    def test_counts(self, spy: Spy, session: StubSession) -> None:
        session.lines("GET a\nGET b")
        message = fails(spy.assert_command_count, 3)
        assert message.startswith("Expected 3 calls of commands, there were 2.\n  #0 GET a\n")
        message = fails(spy.assert_command_count, 1, "GET", "c", db=0)
        assert message.startswith("Expected 1 calls of GET c (db=0), there were 0.\n  nearest")

    def test_nothing(self, spy: Spy, session: StubSession) -> None:
        spy.assert_no_commands()
        session.lines("GET a")
        message = fails(spy.assert_no_commands, db=0)
        assert message.startswith("Expected no commands (db=0), there were 1:\n  #0 GET a\n")


class TestTraffic:
    def test_round_trips(self, spy: Spy, session: StubSession) -> None:
        session.via = "handshake"
        session.run("HELLO", 3)
        session.via = "direct"
        session.run("EVAL", "...", 0)
        session.via = "script"
        session.run("GET", "a")
        session.via, session.group = "pipeline", 1
        session.lines("GET a\nGET b")
        session.via, session.group = "transaction", 2
        session.lines("MULTI\nGET a\nEXEC")
        assert spy.round_trips() == 3
        spy.assert_round_trips(3)
        spy.assert_round_trips(at_most=3)
        assert fails(spy.assert_round_trips, 2) == text(
            """
            Expected round trips: 2; there were 3:
              #0 EVAL ... 0
              #2 GET a and 1 more in one pipeline
              #4 MULTI and 2 more in one transaction
              7 commands recorded: EVAL, GET x4, MULTI, EXEC
            """
        )
        assert "at most 1; there were 3" in fails(spy.assert_round_trips, at_most=1)
        with pytest.raises(TypeError, match="n or at_most"):
            spy.assert_round_trips()

    def test_keys(self, spy: Spy, session: StubSession) -> None:
        session.lines("GET user:1\nMSET user:2 a b c")
        spy.assert_keys_touched("user:1")
        spy.assert_keys_touched("user:*", "b", only=True)
        spy.assert_keys_touched(like("user:?"))
        spy.assert_keys_touched()
        assert fails(spy.assert_keys_touched, "user:*", "x", only=True) == text(
            """
            Expected keys (and no others): user:* x
              no key fits x
              b was touched too, by #1 MSET user:2 a b c
                  at HERE (direct, db 0)
              touched: user:1, user:2, b
              2 commands recorded: GET, MSET
            """
        )

    def test_snapshot(self, spy: Spy, session: StubSession) -> None:
        session.run("SET", "k", "two words")
        session.run("GET", "k")
        assert spy.snapshot() == 'SET k "two words"\nGET k'


class TestTtl:
    """What the engine tells, so by a real one."""

    @pytest.mark.parametrize(
        "lines",
        [
            "SET k v EX 60", "SET k v PX 60000", "SET k v EXAT 1060", "SETEX k 60 v",
            "PSETEX k 60000 v", "SET k v EX 60\nSET k w KEEPTTL", "SET k v EX 60\nAPPEND k w",
            "SET l v EX 60\nRENAME l k", "SET k v\nGETEX k EX 60", "SET k v EX 60\nCOPY k l",
            "SET k v EX 60\nSET other v\nDEL other", "SET other v\nFLUSHALL\nSET k v EX 60",
            "MSETEX 1 k v EX 60", "SET k v EX 60\nCOPY k k DB 1", "SET k v EX 60\nSWAPDB 0 1",
            "SET k v EX 60\nMOVE k 1", "INCREX k BYINT 2 EX 60", "HSET k f v\nEXPIRE k 60",
            "HSET k f v\nPEXPIRE k 60000", "HSET k f v\nEXPIREAT k 1060",
            "EVAL redis.call('SETEX','k',60,'v') 0", "MULTI\nSET k v\nEXPIRE k 60\nEXEC",
        ],
    )
    def test_holds(self, lines: str) -> None:
        spy, session = spied_engine()
        session.lines(lines)
        spy.assert_ttl("*", at_least=60, at_most=60)

    @pytest.mark.parametrize(
        "lines",
        ["SET k v EX 60\nGET l", "SET k v EX 60\nAPPEND k w", "SET l v EX 60\nRENAME l k",
         "SET k v EX 60\nPERSIST missing", "SET l v EX 60\nCOPY l k"],
    )
    def test_as_set_and_not_as_left(self, lines: str) -> None:
        spy, session = spied_engine()
        first, second = lines.splitlines()
        session.lines(first)
        session.server.advance(20)
        session.lines(second)
        spy.assert_ttl("*", at_least=60, at_most=60)
        session.server.advance(100)  # a key that has expired by now had its TTL
        session.lines("GET k")
        spy.assert_ttl("*", at_least=60, at_most=60)

    @pytest.mark.parametrize(
        ("lines", "last"),
        [
            ("SET k v", "SET k v"), ("SET k v EX 60\nSET k v", "SET k v"),
            ("HSET k f v", "HSET k f v"), ("SET k v EX 60\nGETEX k PERSIST", "GETEX k PERSIST"),
            ("SET k v EX 60\nMSET k v", "MSET k v"), ("SET k v EX 60\nPERSIST k", "PERSIST k"),
            ("RPUSH l b a\nSORT l ALPHA STORE k", "SORT l ALPHA STORE k"),
            ("XGROUP CREATE k g $ MKSTREAM", "XGROUP CREATE k g $ MKSTREAM"),
            ("GEOADD l 13 38 a\nGEORADIUS l 13 38 9 km STORE k",
             "GEORADIUS l 13 38 9 km STORE k"),
            ("ARSET k 0 v", "ARSET k 0 v"), ("HIMPORT PREPARE s f\nHIMPORT SET k s v",
             "HIMPORT SET k s v"),
            ("EVAL redis.call('SET',KEYS[1],1) 1 k", "SET k 1"),
            ("RPUSH l a\nLMOVE l k LEFT LEFT", "LMOVE l k LEFT LEFT"),
        ],
    )
    def test_fails_without_ttl(self, lines: str, last: str) -> None:
        spy, session = spied_engine()
        session.lines(lines)
        failure = fails(spy.assert_ttl, "k")
        assert re.search(rf"  k has no TTL after #\d+ {re.escape(last)}\n", failure)

    def test_every_restore(self) -> None:
        spy, session = spied_engine()
        session.run("SET", "k", "v")
        payload = session.run("DUMP", "k")
        for name in ("RESTORE", "RESTORE-ASKING"):
            session.session.execute([name.encode(), b"k2", b"60000", payload, b"REPLACE"])
            spy.assert_ttl("k2", at_least=60, at_most=60)
            session.session.execute([name.encode(), b"k2", b"0", payload, b"REPLACE"])
            assert f"k2 has no TTL after #{2 * (name[7:8] == '-') + 3} {name} k2 0" in fails(
                spy.assert_ttl, "k2"
            )

    def test_what_waits_is_not_taken_for_the_writer(self) -> None:
        spy, session = spied_engine()
        waiting = session.server.session()
        waiting.execute([b"BLPOP", b"k", b"0"])
        session.run("RPUSH", "k", "a", "b")
        assert "k has no TTL after #1 RPUSH k a b" in fails(spy.assert_ttl, "k")

    def test_what_did_not_happen_changes_nothing(self) -> None:
        spy, session = spied_engine()
        session.lines("SET k v EX 60\nSET k w NX\nINCR k\nPERSIST l\nSET k w EX 0")
        spy.assert_ttl("*", at_least=60)

    def test_bounds(self) -> None:
        spy, session = spied_engine()
        session.lines("SET k v EX 60")
        assert fails(spy.assert_ttl, "k*", at_least=90, at_most=100) == text(
            """
            Expected a TTL of at least 90 s and at most 100 s on every key that fits k*:
              k has 60 s after #0 SET k v EX 60
                  at HERE (direct, db 0)
              1 command recorded: SET
            """
        )

    def test_a_pattern_that_fits_nothing_is_a_slip(self) -> None:
        spy, session = spied_engine()
        session.lines("SET k v EX 60")
        assert "on keys that fit l*; none was written." in fails(spy.assert_ttl, "l*")
