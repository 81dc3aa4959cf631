"""Glob patterns, against the server's KEYS and CONFIG GET."""

from __future__ import annotations

import random
import time
from typing import Any

import pytest

from fakeredis.datatypes.glob import is_literal, matcher, matches

PATTERNS = (
    b"[abc [ [^ [] [^] []a] [a-] [a- [z-a] [^a-z] [\\]a] [\\ \\ [a\\-c] [a-\\] [a-\\]] [!a] [a-c-e]"
    b" [^^] [[] [a-\\b] a\\ a[ a[* [a-]b **? ? * ** *\\ a*[ h[e h\\* *[^a] a*b a*b*c *a*b \\a \\? "
    b"[*] [?]* a*? *?* ?? a**b *a *ab* \xff* [\x80-\xff] a\n* .* a+ (a) {a} ^a$ a|b [^\\]] [^\\a]"
).split(b" ")


@pytest.mark.real
def test_odd_patterns_as_the_server(real: Any) -> None:
    keys = [bytes([char]) for char in range(256)]
    keys += b"ab a\\ a[ ab^ he h* hx aab axxb abc aXbXc a\nb \xffz (a) {a} a|b .x ^a$ a+ ]b".split()
    keys = sorted({*keys, b"", b"\n", b"a b"})
    real.mset(dict.fromkeys(keys, b""))
    for pattern in (*PATTERNS, b""):
        match = matcher(pattern)
        # KEYS itself knows that "*" is everything.
        found = [key for key in keys if match(key) or pattern == b"*"]
        assert found == sorted(real.keys(pattern)), pattern


@pytest.mark.real
def test_random_patterns_as_the_server(real: Any) -> None:
    rng = random.Random(11)
    keys = {bytes(rng.choices(b"abc-]^\\[*?", k=rng.randrange(5))) for _ in range(300)}
    real.mset(dict.fromkeys(keys, b""))
    for _ in range(500):
        pattern = bytes(rng.choices(b"abc-]^\\[*?[*", k=rng.randrange(1, 9)))
        match = matcher(pattern)
        found = [key for key in sorted(keys) if match(key) or pattern == b"*"]
        assert found == sorted(real.keys(pattern)), pattern


@pytest.mark.real
def test_no_case_as_the_server(real: Any) -> None:
    names = [name.encode() for name in real.config_get("*")]
    patterns = (
        b"SAV* [S]av* [R-T]av* [r-t]AV* [\\S]av* [\\s]av* [T-R]av* [Z-a]av* [S-s]av* [_-z]av* "
        b"[R-_]av* [^S]av* \\Sav* \\sav* [t-R]av* [a-Z]av* [r-T]AV* *MAX*MEM* maxmemor? M[aA]XM*"
    ).split()
    for pattern in patterns:
        reply = real.execute_command("CONFIG GET", pattern)
        found = {name.encode() for name in reply}
        assert {name for name in names if matches(pattern, name, nocase=True)} == found, pattern


def test_no_pattern_takes_long() -> None:
    started = time.process_time()
    assert not matches(b"*a" * 50000 + b"b", b"a" * 100)
    assert not matches(b"a*" * 30 + b"b", b"a" * 3000)
    assert not matches(b"*a?" * 20 + b"b", b"a" * 1000)
    assert matches(b"*" * 5000, b"a" * 100)
    assert time.process_time() - started < 2


def test_literal() -> None:
    assert is_literal(b"user:1")
    assert not is_literal(b"user:?")
