"""Random commands on few vector sets, and random expressions for their filter."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.conformance.machine import LONG, Command, hunt, with_options, words
from tests.support.engines import Server
from tests.support.twin import Twin, describe, fake_reply, in_order, same
from tests.support.wire import Wire

key = st.sampled_from(["a", "b", "a", "string"])
element = st.sampled_from(["x", "y", "z", "w", ""])
number = st.one_of(
    st.sampled_from([0, 1, -1, "0.5", "x", "inf", "1e30", "-0"]), st.integers(-3, 3),
    st.floats(-2, 2, width=32).map(repr),
)
pair = words("VALUES", 2, number, number)
vector = st.one_of(
    pair, pair, pair, words("VALUES", 3, number, number, number), words("VALUES", "x", 1, 1),
    words("FP32", st.sampled_from([b"\0\0\x80\x3f\0\0\0\x40", b"\0\0\x80\xbf\0\0\0\0", b"abc"])),
)
attributes = st.sampled_from(["", '{"n":1}', '{"n":"1"}', '{"n":[1,2]}', "[", '{"m":2,"n":true}'])
expression = st.sampled_from([".n", ".n == 1", "1 in .n", "not .n", ".m > 1", ".n @", "(1", "1"])
adding = (
    words("CAS"), words("Q8"), words("NOQUANT"), words("BIN"), words("SETATTR", attributes),
    words("M", st.sampled_from([16, 4, 3])), words("EF", st.sampled_from([10, 0])), words("FOO"),
)
searching = (
    words("WITHSCORES"), words("WITHATTRIBS"), words("COUNT", st.sampled_from([10, 20, 0])),
    words("EPSILON", st.sampled_from(["0.3", "2", "x"])), words("FILTER", expression),
    words("TRUTH"), words("NOTHREAD"), words("EF", st.sampled_from([10, 0])), words("FOO"),
)


def joined(*parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.builds(lambda *found: sum(found, ()), *parts)


head = joined(words("VADD", key), vector, words(element))
command = st.one_of(
    head, head, with_options(head, *adding), with_options(head, *adding),
    joined(words("VADD", key, "REDUCE", st.sampled_from([2, 1])), vector, words(element)),
    with_options(words("VSIM", key, "ELE", element), *searching),
    with_options(joined(words("VSIM", key), vector), *searching),
    words("VEMB", key, element), words("VEMB", key, element, "RAW"), words("VREM", key, element),
    words("VSETATTR", key, element, attributes), words("VGETATTR", key, element),
    words("VISMEMBER", key, element), words("VCARD", key), words("VDIM", key),
    words("VRANDMEMBER", key, st.sampled_from([0, 10, "x"])), words("SET", "string", "x"),
    words("DEL", key), words("COPY", key, key), words("TYPE", key),
)


def compare(twin: Twin, argv: Command) -> None:
    """Elements that are equally near come in any order."""
    if argv[0] == "VSIM":
        twin._compare(tuple(argv), same_found)
    else:
        (twin.unordered if argv[0] == "VRANDMEMBER" else twin)(*argv)


def same_found(fake: Any, real: Any) -> bool:
    return same(in_order(fake), in_order(real)) if isinstance(real, list) else same(fake, real)


def test_vector_set_commands(real_url: str) -> None:
    hunt(real_url, command, compare=compare)


# Filters ------------------------------------------------------------------------------------------

ATTRIBUTES = '{"n":5,"z":0,"s":"abc","nu":null,"a":[1,"x"],"t":true,"ns":"5"}'
WORDS = (
    ".n", ".z", ".s", ".nu", ".a", ".t", ".ns", ".no", "1", "0", "-1", "2.5", '"abc"', "'5'", '""',
    "[1]", '["x",5]', "null", "(", ")", "and", "or", "not", "!", "&&", "||", "==", "!=", ">", ">=",
    "<", "<=", "in", "+", "-", "*", "/", "%", "**", " ", " ", " ", "@", "x",
)
value = st.sampled_from([*WORDS[:18], "7", ".n"])
between = st.sampled_from([
    " and ", " or ", "==", " == ", " != ", " > ", ">=", " < ", " in ", " + ", "-", " * ", "/", "%",
    "**", "&&", "||",
])
sensible = st.recursive(
    value,
    lambda inner: st.one_of(
        st.builds(lambda one, how, other: one + how + other, inner, between, inner),
        inner.map("({})".format), inner.map("not {}".format), inner.map("!{}".format),
    ),
    max_leaves=6,
)
senseless = st.lists(st.sampled_from(WORDS), max_size=6).map("".join)


def test_filters(real_url: str) -> None:
    """Expressions that mean something, and any row of words."""
    session = Server().session()
    with Wire.to(real_url) as wire:
        wire.call(b"FLUSHALL")
        seed = [b"VADD", b"k", b"VALUES", b"1", b"1", b"e", b"SETATTR", ATTRIBUTES.encode()]
        session.execute(seed)
        wire.call(*seed)

        def run(text: str) -> None:
            argv = [b"VSIM", b"k", b"ELE", b"e", b"FILTER", text.encode()]
            fake, real = fake_reply(session, argv), wire.call(*argv)
            assert same(fake, real), f"{text!r}: {describe(fake)}, really {describe(real)}"

        settings(
            max_examples=30_000 if LONG else 600, deadline=None, database=None,
            suppress_health_check=list(HealthCheck), print_blob=False,
            phases=(Phase.generate, Phase.shrink),
        )(given(st.one_of(sensible, senseless))(run))()
