"""Sorted set commands: replies, states and events as the real server's."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
import redis

import fakeredis
from fakeredis.engine.core.replies import BLOCKED
from fakeredis.errors import CommandError
from tests.commands.playing import play, play_with_events
from tests.support.engines import Server
from tests.support.twin import Twin

FIVE = "ZADD z 1 a 2 b 3 c 4 d 5 e"
SCRIPTS = {
    "zadd": """
        ZADD z 1 a
        ZADD z 1 a 2 b 3 c
        ZADD z NX 1 a 7 n
        ZADD z XX 2 a
        ZADD z XX CH 3 a 9 new
        ZADD z CH 3 a 4 b
        ZADD z CH 5 a 6 a 5 twice 6 twice
        ZADD z GT 2 a 5 g
        ZADD z LT 2 a 9 l
        ZADD z gt ch 9 a
        ZADD z NX NX 1 a
        ZADD z +inf i -inf j
        ZADD z 0x10 hex 5. f5 .5 f6 infinity f7 +5 f8 1e2 f9 -1e-5 f10 -0 zero
        ZADD z ch 1 qq
        ZADD missing XX 1 a
        ZADD missing XX CH 1 a 2 b
        ZADD new GT 1 a
        ZADD dup 1 a 2 a 1 b
        ZRANGE z 0 -1 WITHSCORES
        ZRANGE dup 0 -1 WITHSCORES
        ZSCORE z zero
    """,
    "zadd incr": """
        ZADD z 5 a
        ZADD z INCR 5 a
        ZADD z INCR 5 new
        ZADD z NX INCR 5 a
        ZADD z NX INCR 5 n2
        ZADD z XX INCR 5 missing
        ZADD z XX INCR 5 a
        ZADD z GT INCR -5 a
        ZADD z LT INCR 5 a
        ZADD z INCR GT 5 a
        ZADD z GT XX CH INCR 5 a
        ZADD z INCR 0 a
        ZADD z inf i
        ZADD z INCR -inf i
        ZADD z NX INCR -inf i
        ZADD z GT INCR -inf i
        ZADD z INCR nan i
        ZADD missing XX INCR 1 a
        ZADD new2 INCR 1.5 a
        ZINCRBY z 5 a
        ZINCRBY z -0.1 a
        ZINCRBY z 1 new3
        ZINCRBY z -inf i
        ZINCRBY z abc i
        ZINCRBY new4 5 i
        ZINCRBY new4 -0 zero
        ZRANGE z 0 -1 WITHSCORES
    """,
    "zadd: bad calls": """
        ZADD z 1 a 2
        ZADD z 1 a 2 b 3
        ZADD z NX XX 1 a
        ZADD z GT LT 1 a
        ZADD z GT NX 1 a
        ZADD z LT NX 1 a
        ZADD z NX XX GT 1 a
        ZADD z NX XX 1
        ZADD z INCR 5 a 6 b
        ZADD z NX CH
        ZADD z NX CH 1
        ZADD z FOO 1 a
        ZADD z abc a
        ZADD z NX XX abc a
        ZADD z INCR abc a 1 b
        ZADD z 1 a abc b
        ZADD z nan a
        ZADD z 1e400 a
        ZADD z 1e a
        ZADD z "" a
        ZADD z " 1" a
        ZADD z "1\\x00" a
        ZADD z 1 a NX
        EXISTS z
    """,
    "one member": f"""
        {FIVE}
        ZCARD z
        ZCARD missing
        ZSCORE z b
        ZSCORE z x
        ZSCORE missing a
        ZMSCORE z a x b
        ZMSCORE missing a b
        ZRANK z b
        ZRANK z x
        ZRANK z b WITHSCORE
        ZRANK z x WITHSCORE
        ZREVRANK z b
        ZREVRANK z b withscore
        ZRANK missing a
        ZRANK missing a WITHSCORE
        ZRANK z b FOO
        ZRANK missing b FOO
        ZRANK z b WITHSCORE x
        ZREM z a x a
        ZREM z x
        ZREM missing a
        ZREM z b c d e
        EXISTS z
    """,
    "random": f"""
        {FIVE}
        ?ZRANDMEMBER z
        ?ZRANDMEMBER z 2
        ?ZRANDMEMBER z -9
        ?ZRANDMEMBER z -9 WITHSCORES
        ZRANDMEMBER z 100
        ZRANDMEMBER z 100 withscores
        ZRANDMEMBER z 0 WITHSCORES
        ZRANDMEMBER missing
        ZRANDMEMBER missing 2
        ZRANDMEMBER missing -2 WITHSCORES
        ZRANDMEMBER z 2 FOO
        ZRANDMEMBER z abc FOO
        ZRANDMEMBER z 1 WITHSCORES x
        ZRANDMEMBER z -9223372036854775808
        ZRANDMEMBER z -4611686018427387904 WITHSCORES
        ZRANDMEMBER z 4611686018427387904 WITHSCORES
    """,
    "scan": f"""
        {FIVE}
        ZADD z 0.1 x 1e300 y 123456789012345678 u inf i -1e-10 v
        ZSCAN z 0
        ZSCAN z 0 MATCH a* COUNT 1
        ZSCAN z 0 NOVALUES
        ZSCAN z 0 TYPE zset
        ZSCAN z 0 COUNT 0
        ZSCAN z 0 COUNT abc
        ZSCAN z abc
        ZSCAN missing abc
        ZSCAN missing 0 foo
        ZADD z 1 {"l" * 70}
        ~ZSCAN z 0 COUNT 1000
    """,
    "zrange": f"""
        {FIVE}
        ZRANGE z 0 -1
        ZRANGE z -2 -1
        ZRANGE z -100 1
        ZRANGE z 3 100
        ZRANGE z 3 1
        ZRANGE z 100 200
        ZRANGE z 0 9223372036854775807
        ZRANGE z 0 -1 WITHSCORES
        ZRANGE z 1 2 REV
        ZRANGE z -2 -1 REV withscores
        ZRANGE z 2 4 BYSCORE
        ZRANGE z 4 2 BYSCORE REV
        ZRANGE z 2 4 BYSCORE REV
        ZRANGE z (2 4 BYSCORE LIMIT 1 1 WITHSCORES
        ZRANGE z - + BYLEX
        ZRANGE z + - BYLEX REV LIMIT 0 2
        ZRANGE z 1 5 BYSCORE LIMIT 0 0
        ZRANGE z 1 5 BYSCORE LIMIT 0 -5
        ZRANGE z 1 5 BYSCORE LIMIT -1 5
        ZRANGE z 1 5 BYSCORE LIMIT 1 -1
        ZRANGE z 5 1 BYSCORE REV LIMIT 1 -1
        ZRANGE z 5 1 BYSCORE REV LIMIT 1 2
        ZRANGE z 5 1 BYSCORE REV LIMIT 3 20
        ZRANGE z 1 5 BYSCORE LIMIT 100 10
        ZRANGE z 5 1 BYSCORE REV LIMIT 100 10
        ZRANGE z 1 5 BYSCORE LIMIT 0 1 LIMIT 1 1
        ZRANGE z 1 5 LIMIT 0 1 BYSCORE
        ZRANGE z 0 -1 LIMIT 5 -1
        ZRANGE missing 0 -1 WITHSCORES
        ZREVRANGE z 0 1
        ZREVRANGE z -2 -1 WITHSCORES
    """,
    "zrange: bad calls": f"""
        {FIVE}
        ZRANGE z - + BYLEX WITHSCORES
        ZRANGE z 0 -1 LIMIT 0 1
        ZRANGE z 0 -1 LIMIT 0
        ZRANGE z 0 -1 LIMIT a b
        ZRANGE z 0 -1 LIMIT 0 -2
        ZRANGE z 0 -1 BYSCORE BYLEX
        ZRANGE z 0 -1 BYSCORE BYSCORE
        ZRANGE z 0 -1 REV REV
        ZRANGE z 0 -1 FOO
        ZRANGE z a b
        ZRANGE z a b FOO
        ZRANGE missing a b
        ZRANGE z a b BYSCORE
        ZRANGE z a b BYLEX
        ZRANGE z a b BYLEX WITHSCORES
        ZRANGE missing a b BYLEX
        ZREVRANGE z 0 1 REV
        ZREVRANGE z 0 1 BYSCORE
        ZREVRANGE z 0 1 LIMIT 0 1
        ZREVRANGE z a 1
        ZREVRANGE z 0 1 FOO
        ZRANGEBYSCORE z 1 3 BYLEX
        ZRANGEBYSCORE z 1 3 REV
        ZRANGEBYSCORE z 1 3 LIMIT 1
        ZRANGEBYSCORE z a 3 LIMIT a 1
        ZRANGEBYSCORE z a 3 FOO
        ZRANGEBYSCORE missing a 3
        ZRANGEBYLEX z - + WITHSCORES
        ZRANGEBYLEX z b d FOO
        ZRANGEBYLEX missing b d
    """,
    "by score": """
        ZADD z 1 a 2 b 2 bb 3 c 4 d 5 e inf i -inf j
        ZRANGEBYSCORE z 1 3 WITHSCORES LIMIT 1 1
        ZRANGEBYSCORE z 3 1
        ZRANGEBYSCORE z (1 (1
        ZRANGEBYSCORE z (2 (3
        ZRANGEBYSCORE z [1 3
        ZRANGEBYSCORE z (inf inf
        ZRANGEBYSCORE z (-inf (inf
        ZRANGEBYSCORE z -inf +inf
        ZRANGEBYSCORE z -1e400 1e400
        ZRANGEBYSCORE z infinity INF
        ZRANGEBYSCORE z 1e-400 2
        ZREVRANGEBYSCORE z 3 1 LIMIT 0 2
        ZREVRANGEBYSCORE z (3 1 WITHSCORES
        ZREVRANGEBYSCORE z 1 3
        ZCOUNT z -inf +inf
        ZCOUNT z (3 (9
        ZCOUNT z 9 3
        ZCOUNT missing 1 2
        ZREMRANGEBYSCORE z (2 3
        ZREMRANGEBYSCORE z 100 200
        ZREMRANGEBYSCORE z 3 1
        ZREMRANGEBYSCORE missing 1 2
        ZREMRANGEBYSCORE z a 3
        ZREMRANGEBYSCORE z -inf inf
        EXISTS z
    """,
    "bounds": "ZADD z 1 a\n" + "\n".join(
        f'ZCOUNT z "{bound}" 5' for bound in (
            "", "(", "(0", "((1", "( 1", " 1", "1 ", "1x", "0x1", "0x", ".", "1.", ".5", "-.5",
            "1\\\\x00", "\\\\x00", "(\\\\x00", "1\\\\x00abc", "abc\\\\x00", "nan", "-nan", "nan(1)",
            "-", "+", "+1", "(+0", "+-5", "1e", "1e2", "1_0", "infi", "-inf", "(+inf", "-infinity",
            "\\\\t1", "1\\\\n", "[1",
        )
    ),
    "by name": """
        ZADD z 0 a 0 b 0 c 0 d 0 e 0 "" 0 bb
        ZRANGEBYLEX z - +
        ZRANGEBYLEX z - + LIMIT 1 2
        ZRANGEBYLEX z [b (d
        ZRANGEBYLEX z (b [d
        ZRANGEBYLEX z [ (b
        ZRANGEBYLEX z ( +
        ZRANGEBYLEX z + -
        ZRANGEBYLEX z - -
        ZRANGEBYLEX z + +
        ZRANGEBYLEX z (a (a
        ZRANGEBYLEX z [a [a
        ZRANGEBYLEX z [d [b
        ZREVRANGEBYLEX z + - LIMIT 0 2
        ZREVRANGEBYLEX z (d [b
        ZREVRANGEBYLEX z - +
        ZLEXCOUNT z - +
        ZLEXCOUNT z [a (b
        ZLEXCOUNT z + -
        ZLEXCOUNT missing - +
        ZLEXCOUNT z a b
        ZLEXCOUNT z -a +
        ZLEXCOUNT z "" +
        ZREMRANGEBYLEX z [d [d
        ZREMRANGEBYLEX z d [d
        ZREMRANGEBYLEX z [x +
        ZREMRANGEBYLEX missing - +
        ZREMRANGEBYLEX z - +
        EXISTS z
    """,
    "by name, scores differ": """
        ZADD z 1 d 2 b 3 c 4 a 5 e
        ZRANGEBYLEX z - +
        ZRANGEBYLEX z [b [c
        ZRANGEBYLEX z [b [d
        ZREVRANGEBYLEX z [d [b
        ZREVRANGEBYLEX z [e [a
        ZRANGEBYLEX z [d +
        ZRANGEBYLEX z - [b
        ZREVRANGEBYLEX z [b -
        ZLEXCOUNT z [a [c
        ZLEXCOUNT z (d [e
        ZREMRANGEBYLEX z [b [d
    """,
    "zrangestore": f"""
        {FIVE}
        SET s x
        ZRANGESTORE dst z 0 1
        ZRANGE dst 0 -1 WITHSCORES
        ZRANGESTORE dst z 0 1 REV
        ZRANGE dst 0 -1 WITHSCORES
        ZRANGESTORE dst z 2 4 BYSCORE LIMIT 1 1
        ZRANGESTORE dst z - + BYLEX
        EXPIRE dst 100
        ZRANGESTORE dst z 4 2 BYSCORE REV
        TTL dst
        ZRANGESTORE dst z 0 1 WITHSCORES
        ZRANGESTORE dst missing 0 1
        ZRANGESTORE dst missing 0 1
        ZRANGESTORE s z 0 1
        ZRANGESTORE s z 100 200
        ZRANGESTORE z z 0 2
        ZRANGESTORE dst z a b
        ZRANGESTORE dst z a b BYSCORE
        ZRANGESTORE dst missing a b BYLEX
        ZRANGESTORE dst z 0 1 LIMIT 0 1
        ZRANGESTORE dst z 0 1 FOO
    """,
    "by rank": f"""
        {FIVE}
        ZREMRANGEBYRANK z 0 0
        ZREMRANGEBYRANK z -2 -2
        ZREMRANGEBYRANK z a 0
        ZREMRANGEBYRANK z 0 a
        ZREMRANGEBYRANK z 5 3
        ZREMRANGEBYRANK missing a 0
        ZREMRANGEBYRANK missing 0 0
        ZREMRANGEBYRANK z -100 9223372036854775807
        EXISTS z
    """,
    "pop": f"""
        {FIVE}
        ZPOPMIN z
        ZPOPMAX z
        ZPOPMIN z 0
        ZPOPMIN z 1
        ZPOPMIN z -1
        ZPOPMIN z abc
        ZPOPMIN z 1 2
        ZPOPMIN missing
        ZPOPMIN missing 2
        ZPOPMIN missing -1
        ZPOPMAX z 100
        EXISTS z
    """,
    "zmpop": f"""
        {FIVE}
        ZMPOP 1 z MIN
        ZMPOP 2 missing z max count 2
        ZMPOP 2 missing z MIN COUNT 0
        ZMPOP 2 missing z MIN COUNT -1
        ZMPOP 2 missing z MIN COUNT abc
        ZMPOP 2 missing z MIN COUNT
        ZMPOP 2 missing z FOO
        ZMPOP 2 missing z MIN FOO
        ZMPOP 2 missing z MIN COUNT 1 COUNT 2
        ZMPOP 2 missing z COUNT 1
        ZMPOP 2 missing z
        ZMPOP 3 missing z MIN
        ZMPOP 0 missing MIN
        ZMPOP abc missing MIN
        ZMPOP -1 missing MIN
        ZMPOP 9223372036854775807 missing MIN
        ZMPOP 1 z MIN COUNT 100
        ZMPOP 1 z MIN
        EXISTS z
    """,
    "blocking pop at once": f"""
        {FIVE}
        SET s x
        BZPOPMIN missing z 0
        BZPOPMAX missing z s 0
        BZPOPMIN s z 0
        BZPOPMIN missing abc
        BZPOPMIN missing -1
        BZPOPMIN s abc
        BZPOPMIN missing 1e20
        BZPOPMIN missing nan
        BZPOPMIN missing inf
        BZMPOP 0 1 z MIN
        BZMPOP 0 2 missing z MAX COUNT 10
        BZMPOP abc 1 z MIN
        BZMPOP abc 0 z MIN
        BZMPOP -1 0 z MIN
        BZMPOP -1 1 z MIN
        BZMPOP 0 1 z FOO
        BZMPOP abc 1 z FOO
        BZMPOP 0 1 s MIN
        BZMPOP 1 abc s MIN
        BZMPOP 1 2 s MIN
        BZMPOP 1 1 z MIN COUNT 0
        MULTI
        BZPOPMIN missing 0
        BZMPOP 0 1 missing MIN
        EXEC
    """,
    "algebra": """
        ZADD z 1 a 2 b 3 c
        ZADD y 10 b 20 c 30 d
        SADD t a c x
        ZUNION 2 z y
        ZUNION 2 z y WITHSCORES
        ZUNION 3 z y t WITHSCORES
        ZUNION 2 z y WEIGHTS 2 3 WITHSCORES
        ZUNION 2 z y AGGREGATE MIN WITHSCORES
        ZUNION 2 z y aggregate max withscores
        ZUNION 2 z y WEIGHTS inf -inf WITHSCORES
        ZUNION 2 z y WEIGHTS 1 2 WEIGHTS 3 4 WITHSCORES
        ZUNION 2 z y WITHSCORES WITHSCORES
        ZUNION 2 z missing WITHSCORES
        ZUNION 2 z z WITHSCORES
        ZUNION 2 t t WEIGHTS 2 0.5 WITHSCORES
        ZUNION 1 z WEIGHTS 0x2 WITHSCORES
        ZINTER 2 z y WITHSCORES
        ZINTER 2 z t WITHSCORES
        ZINTER 2 z y WEIGHTS 2 3 AGGREGATE MAX WITHSCORES
        ZINTER 3 z y t
        ZINTER 2 z missing WITHSCORES
        ZINTER 1 t WITHSCORES
        ZDIFF 2 z y WITHSCORES
        ZDIFF 2 z t WITHSCORES
        ZDIFF 2 t z WITHSCORES
        ZDIFF 2 z z
        ZDIFF 1 z WITHSCORES
        ZDIFF 2 missing z
        ZINTERCARD 2 z y
        ZINTERCARD 2 z y LIMIT 1
        ZINTERCARD 2 z y LIMIT 0
        ZINTERCARD 2 z y LIMIT 1 LIMIT 5
        ZINTERCARD 2 z missing
        ZADD p inf a
        ZADD m -inf a
        ZUNION 2 p m WITHSCORES
        ZUNION 1 p WEIGHTS 0 WITHSCORES
        ZINTER 2 p m WITHSCORES
        ZADD f1 0.1 a 0.2 b
        ZADD f2 0.2 a 0.3 b 1 c
        ZADD f3 0.3 a 0.1 b 1 c 1 d
        ZUNION 3 f3 f2 f1 WITHSCORES
        ZINTER 3 f1 f2 f3 WITHSCORES
    """,
    "algebra stored": """
        ZADD z 1 a 2 b 3 c
        ZADD y 10 b 20 c 30 d
        SET s x
        ZUNIONSTORE d 2 z y
        ZUNIONSTORE d 2 z y WITHSCORES
        ZUNIONSTORE d 0 z y
        ZUNIONSTORE d abc z y
        ZUNIONSTORE d 3 z y
        ZUNIONSTORE d 2 z missing
        ZUNIONSTORE d 2 missing missing2
        ZUNIONSTORE s 2 z y
        ZUNIONSTORE s 1 missing
        ZINTERSTORE d 2 z y WEIGHTS 1 2 AGGREGATE SUM
        ZINTERSTORE d 2 z missing
        ZDIFFSTORE d 2 z y
        ZDIFFSTORE d 2 z z
        ZDIFFSTORE d 0 z
        ZDIFFSTORE d 2 z y WITHSCORES
        ZDIFFSTORE d 2 z y WEIGHTS 1 2
        ZDIFFSTORE z 2 z y
        ZUNIONSTORE z 2 z y
        ZRANGE z 0 -1 WITHSCORES
    """,
    "algebra: bad calls": """
        ZADD z 1 a 2 b 3 c
        SET s x
        ZUNION 2 z z AGGREGATE FOO
        ZUNION 2 z z AGGREGATE
        ZUNION 2 z z WEIGHTS 1
        ZUNION 2 z z WEIGHTS a b
        ZUNION 2 z z WEIGHTS 1 nan
        ZUNION 1 z WEIGHTS "1\\x00"
        ZUNION 1 z WEIGHTS 1e400 WITHSCORES
        ZUNION 1 z WEIGHTS "" WITHSCORES
        ZUNION 2 z z FOO
        ZUNION 2 z s
        ZUNION 2 s z FOO
        ZUNION 2 z s WEIGHTS a b
        ZUNION 0 z
        ZUNION -1 z
        ZUNION abc z
        ZUNION 3 z z
        ZUNION 9223372036854775807 z z
        ZINTER 0 z
        ZINTER 2 missing s
        ZINTER 2 z z LIMIT 1
        ZDIFF 2 missing s
        ZDIFF 2 z z WEIGHTS 1 2
        ZDIFF 2 z z AGGREGATE MIN
        ZDIFF 0 z
        ZINTERCARD 2 z z LIMIT -1
        ZINTERCARD 2 z z LIMIT abc
        ZINTERCARD 2 z z LIMIT
        ZINTERCARD 2 z z FOO
        ZINTERCARD 2 z z WITHSCORES
        ZINTERCARD 0 z
        ZINTERCARD abc z
        ZINTERCARD 2 z s LIMIT -1
        ZINTERCARD 5 z z
        ZINTERCARD 2 missing s
    """,
    "wrong type": """
        SET s x
        ZADD s abc a
        ZADD s 1 a 2
        ZADD s 1 a
        ZADD s XX 1 a
        ZADD s NX XX 1 a
        ZINCRBY s abc i
        ZINCRBY s 1 i
        ZREM s a
        ZCARD s
        ZSCORE s a
        ZMSCORE s a
        ZRANK s a
        ZRANK s b FOO
        ZRANDMEMBER s
        ZRANDMEMBER s abc
        ZSCAN s 0
        ZSCAN s abc
        ZRANGE s a b
        ZRANGE s 0 1
        ZRANGE s a b BYLEX
        ZRANGESTORE d s 0 1
        ZRANGEBYSCORE s a 3
        ZRANGEBYLEX s b d
        ZCOUNT s abc 1
        ZCOUNT s 1 1
        ZLEXCOUNT s a b
        ZLEXCOUNT s - +
        ZREMRANGEBYLEX s d d
        ZREMRANGEBYLEX s - +
        ZREMRANGEBYRANK s 0 1
        ZREMRANGEBYSCORE s 0 1
        ZPOPMIN s
        ZPOPMIN s -1
        ZPOPMAX s 0
        ZMPOP 2 missing s MIN
        ZMPOP 2 missing s MIN FOO
    """,
}


SCRIPTS["events"] = """
    ZADD z 1 a
    ZADD z 1 a
    ZADD z XX 2 a
    ZADD z NX 3 a
    ZADD z INCR 1 a
    ZADD z INCR 0 a
    ZADD z XX INCR 1 b
    ZINCRBY z 1 b
    ZINCRBY z 0 b
    ZREM z x
    ZREM z b
    ZPOPMIN z
    ZADD z 1 a 2 b 3 c 4 d 5 e 6 f
    ZPOPMAX z 1
    ZPOPMAX z 0
    ZMPOP 1 z MIN
    BZPOPMAX z 0
    BZMPOP 0 1 z MIN
    ZREMRANGEBYSCORE z 3 3
    ZREMRANGEBYSCORE z 3 3
    ZREMRANGEBYRANK z 5 3
    ZREMRANGEBYLEX z - +
    ZADD z 1 a 2 b 3 c 4 d 5 e 6 f
    ZRANGESTORE d z 0 1
    ZRANGESTORE d z 10 11
    ZRANGESTORE d z 10 11
    ZUNIONSTORE d 1 z
    ZINTERSTORE d 1 z
    ZDIFFSTORE d 2 z x
    ZDIFFSTORE d 2 z z
    ZREMRANGEBYRANK z 0 -1
"""


@pytest.mark.parametrize("name", SCRIPTS)
def test_as_the_real_server(twin: Twin, name: str) -> None:
    play_with_events(twin, SCRIPTS[name])


# Waiting ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command",
    ["BZPOPMIN a b 0", "BZPOPMAX a b 0", "BZMPOP 0 2 a b MIN", "BZMPOP 0 2 a b MAX COUNT 2"],
)
@pytest.mark.parametrize(
    "change",
    [
        "ZADD b 1 x 2 y 3 z",
        "ZADD b INCR 1 x",
        "ZINCRBY a 1 x",
        "ZUNIONSTORE a 1 other",
        "ZRANGESTORE b other 0 -1",
        "RENAME other a",
        "COPY other b",
        "SADD a no\nDEL a\nZADD a 1 x",
        "SET b no\nZADD a 1 x",
        "SET a no\nZADD b 1 x",
        "MULTI\nZADD b 1 x\nZADD a 2 y\nEXEC",
        "MULTI\nZADD b 1 x\nDEL b\nEXEC\nZADD b 2 y",
        "MULTI\nZADD b 1 x\nSET a no\nEXEC",
        "MULTI\nDEL a\nSET a no\nDEL a\nZADD a 1 x\nEXEC",
    ],
)
def test_waits_until_there_is_one(twin: Twin, command: str, change: str) -> None:
    play(twin, "ZADD other 1 p 2 q")
    waiter = twin.session()
    assert play(waiter, command) == [BLOCKED]
    play(twin, change)
    waiter.reply()
    play(waiter, "ZRANGE a 0 -1\nZRANGE b 0 -1")


def test_oldest_waiter_first(twin: Twin) -> None:
    first, second, third = twin.session(), twin.session(), twin.session()
    first("BZPOPMIN", "a", "b", 0)
    second("BZPOPMAX", "b", "a", 0)
    third("BZMPOP", 0, 1, "a", "MIN", "COUNT", 10)
    twin("ZADD", "a", 1, "x")
    assert first.reply()[1] == b"x"
    second.silent()
    twin("ZADD", "a", 1, "x", 2, "y", 3, "z")
    assert second.reply()[1] == b"z"
    assert len(third.reply()[1]) == 2


def test_one_that_gave_up_gets_nothing(twin: Twin) -> None:
    first, second = twin.session(), twin.session()
    first("BZPOPMIN", "a", 0.5)
    second("BZPOPMIN", "a", 0)
    first.reply()
    twin("ZADD", "a", 1, "x")
    assert second.reply()[1] == b"x"


@pytest.mark.parametrize("command", ["BZPOPMIN a 0.5", "BZMPOP 0.5 1 a MIN"])
def test_time_out(twin: Twin, command: str) -> None:
    play(twin, command)
    assert twin.reply() is None


def test_a_pop_that_feeds_the_next(twin: Twin) -> None:
    """What a served waiter leaves goes to the next; a key of another type serves nobody."""
    first, second = twin.session(), twin.session()
    first("BZPOPMIN", "a", 0)
    second("BZPOPMIN", "a", 0)
    twin("SADD", "a", "x")
    first.silent()
    twin("DEL", "a")
    twin("ZADD", "a", 1, "x", 2, "y")
    first.reply()
    second.reply()
    twin("EXISTS", "a")


# Big ones -----------------------------------------------------------------------------------


def test_big(twin: Twin) -> None:
    words: list[object] = []
    for number in range(3000):
        words += [number % 700 / 10, b"m%d" % number]
    twin("ZADD", "big", *words)
    play(twin, """
        ZRANGE big 0 -1
        ZRANGE big 1000 1100 WITHSCORES
        ZRANGEBYSCORE big 10 20 LIMIT 30 10
        ZREVRANGEBYSCORE big (20 (10 LIMIT 30 10
        ZRANGE big 20 10 BYSCORE REV LIMIT 5 3 WITHSCORES
        ZRANK big m1234 WITHSCORE
        ZREVRANK big m1234
        ZCOUNT big (10 20
        ZADD big -0 zero
        ZRANGE big 0 0 WITHSCORES
        ZREMRANGEBYSCORE big 30 40
        ZREMRANGEBYRANK big 100 1500
        ZPOPMIN big 70
        ZPOPMAX big 70
        ZINCRBY big 5 m7
        ~ZSCAN big 0 COUNT 100000
        ZRANGE big 0 -1 WITHSCORES
    """)


def test_middling_scan(twin: Twin) -> None:
    """A compact sorted set comes in one piece, whatever COUNT says."""
    twin("ZADD", "z", *[part for i in range(100) for part in (i, b"m%d" % i)])
    twin("ZSCAN", "z", 0, "COUNT", 3)


def test_big_scan_sees_every_member_once(twin: Twin) -> None:
    members = [b"m%d" % i for i in range(1000)]
    twin("ZADD", "z", *[part for member in members for part in (1, member)])
    cursor, seen = b"0", []
    while True:
        cursor, found = twin.fake.execute([b"ZSCAN", b"z", cursor, b"COUNT", b"50"])
        seen += found[::2]
        if cursor == b"0":
            break
    assert sorted(seen) == sorted(members)


def test_old_servers() -> None:
    """What ZRANK learnt with 7.2 is too much for those before."""
    session = Server("6.2").session()
    assert session.execute([b"ZADD", b"z", b"1", b"a"]) == 1
    assert session.execute([b"ZRANK", b"z", b"a"]) == 0
    with pytest.raises(CommandError, match="wrong number of arguments for 'zrank'"):
        session.execute([b"ZRANK", b"z", b"a", b"WITHSCORE"])


# Through redis-py ---------------------------------------------------------------------------

CALLS: dict[str, Callable[[redis.Redis], Any]] = {
    "zadd": lambda r: [r.zadd("z", {"a": 1, "x": 2.5}), r.zadd("z", {"a": 1}, incr=True)],
    "zrange": lambda r: [r.zrange("z", 0, -1), r.zrange("z", 0, -1, withscores=True)],
    "cast": lambda r: r.zrange("z", 0, -1, withscores=True, score_cast_func=str),
    "by score": lambda r: r.zrangebyscore("z", 1, 3, start=0, num=1, withscores=True),
    "rank": lambda r: [r.zrank("z", "a"), r.zrank("z", "a", withscore=True), r.zrank("z", "x")],
    "scores": lambda r: [r.zscore("z", "a"), r.zscore("z", "x"), r.zmscore("z", ["a", "x"])],
    "zincrby": lambda r: r.zincrby("z", 1, "a"),
    "random": lambda r: sorted(r.zrandmember("z", 10, withscores=True)),
    "scan": lambda r: [r.zscan("z"), sorted(r.zscan_iter("z"))],
    "algebra": lambda r: [r.zunion({"z": 2, "y": 1}, withscores=True), r.zinter(["z", "z"])],
    "zdiff": lambda r: r.zdiff(["z", "y"], withscores=True),
    "stored": lambda r: [r.zunionstore("d", ["z", "y"], aggregate="MAX"), r.zcard("d")],
    "pops": lambda r: [r.zpopmin("z"), r.zpopmax("z", 2), r.zpopmin("missing")],
    "zmpop": lambda r: [r.zmpop(1, ["z"], min=True, count=2), r.zmpop(1, ["missing"], max=True)],
    "blocking": lambda r: [r.bzpopmin(["y", "z"], 1), r.bzmpop(1, 1, ["z"], min=True)],
}


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("decode", [False, True], ids=["bytes", "text"])
@pytest.mark.parametrize("name", CALLS)
def test_redis_py(clean_real_url: str, protocol: int, decode: bool, name: str) -> None:
    options: dict[str, Any] = {"protocol": protocol, "decode_responses": decode}
    with (
        redis.Redis.from_url(clean_real_url, **options) as real,
        fakeredis.FakeRedis(server=fakeredis.FakeServer(), **options) as fake,
    ):
        for client in (real, fake):
            client.zadd("z", {"a": 1, "b": 2, "c": 3.5})
        assert repr(CALLS[name](fake)) == repr(CALLS[name](real))


def test_zeros_without_a_sign(twin: Twin) -> None:
    """A listpack writes -0 as 0, a skiplist keeps it."""
    long = "x" * 65
    twin("ZADD", "a", "-0.0", "m")
    twin("ZADD", "b", "-0.0", "m", 0, long, "-0.0", "n")
    twin("ZADD", "c", 0, long, "-0.0", "m")
    twin("ZADD", "c", "-0.0", "n")
    twin("ZADD", "d", "-0.0", long)
    for key in "abcd":
        twin("ZRANGE", key, 0, -1, "WITHSCORES")


def test_minus_zero_of_a_member_that_comes_twice(twin: Twin) -> None:
    """It stays where the server has no listpack any more when the score comes."""
    twin("ZADD", "k", 0, "", 0, "x" * 66, 1, "", "-0.0", "")
    assert twin("ZSCORE", "k", "") == (-0.0 if twin.resp3 else b"-0")
    twin("ZADD", "small", 0, "a", 1, "a", "-0.0", "a")


@pytest.mark.parametrize("aggregate", ["SUM", "MIN", "MAX"])
@pytest.mark.parametrize("weights", ["1 0", "0 1", "0 0", "inf 1", "1 inf", "2 -inf"])
def test_weights_that_make_no_number(twin: Twin, weights: str, aggregate: str) -> None:
    for line in ("foo inf x", "foo2 inf x", "five 5 x 6 y", "zero 0 x", "less -inf x -inf y"):
        twin("ZADD", *line.split())
    twin("SADD", "set", "x")
    tail = ["WEIGHTS", *weights.split(), "AGGREGATE", aggregate, "WITHSCORES"]
    keys = ("foo", "foo2", "five", "zero", "less", "set")
    for one, other in itertools.product(keys, keys):
        for name in ("ZINTER", "ZUNION"):
            twin(name, 2, one, other, *tail)
