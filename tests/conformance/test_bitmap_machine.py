"""Random bitmap commands on few keys."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.conformance.machine import hunt, words

key = st.sampled_from(["a", "b", "c", "list"])
text = st.one_of(st.binary(max_size=20), st.sampled_from([b"\xff" * 9, b"\x00" * 9, b"", b"12"]))
bit = st.sampled_from([0, 1, 0, 1, 2, -1, "x"])
offset = st.one_of(st.integers(-1, 200), st.sampled_from(["x", "#1", 2**32, 2**63 - 1, "01"]))
place = st.one_of(st.integers(-170, 170), st.sampled_from([0, -1, "x", 2**63 - 1, -(2**63)]))
unit = st.sampled_from(["BIT", "BYTE", "bit", "FOO"])
operation = st.sampled_from(["AND", "OR", "XOR", "NOT", "DIFF", "DIFF1", "ANDOR", "one", "FOO"])
kind = st.one_of(
    st.tuples(st.sampled_from("iu"), st.integers(1, 64)).map(lambda pair: f"{pair[0]}{pair[1]}"),
    st.sampled_from(["u8", "i8", "u64", "i65", "i0", "u08", "8", "x8", "i", ""]),
)
position = st.one_of(st.integers(0, 100), st.sampled_from(["#0", "#3", "-1", "#-1", "#", "x"]))
value = st.one_of(
    st.integers(-300, 300), st.sampled_from([2**63 - 1, -(2**63), 2**62, 2**63, "x"])
)
step = st.one_of(
    words("GET", kind, position),
    words(st.sampled_from(["SET", "INCRBY", "incrby"]), kind, position, value),
    words("OVERFLOW", st.sampled_from(["WRAP", "SAT", "FAIL", "sat", "FOO"])),
    words("OVERFLOW", st.sampled_from(["WRAP", "SAT", "FAIL"])),
    words(st.sampled_from(["SET", "FOO", "GET"]), kind),
)
# A single wrong word would hide everything else: most sequences of operations have none.
width = st.integers(1, 63).map(str)
right_kind = st.builds(lambda sign, bits: sign + bits, st.sampled_from("iu"), width)
right_step = st.one_of(
    words("GET", right_kind, st.integers(0, 100)),
    words(st.sampled_from(["SET", "INCRBY"]), right_kind, st.integers(0, 100), st.integers()
          .filter(lambda number: -(2**63) <= number < 2**63)),
    words("OVERFLOW", st.sampled_from(["WRAP", "SAT", "FAIL"])),
)


def fields(name: str, steps: st.SearchStrategy[tuple[object, ...]]) -> st.SearchStrategy[object]:
    many = st.lists(steps, max_size=6)
    return st.builds(lambda where, parts: (name, where, *sum(parts, ())), key, many)


command = st.one_of(
    words("RPUSH", "list", "x"),
    words("DEL", key),
    words("SET", key, text),
    words("SETBIT", key, offset, bit),
    words("SETBIT", key, st.integers(0, 100), st.integers(0, 1)),
    words("GETBIT", key, offset),
    words("BITCOUNT", key),
    words("BITCOUNT", key, place),
    words("BITCOUNT", key, place, place),
    words("BITCOUNT", key, place, place, unit),
    words("BITPOS", key, bit),
    words("BITPOS", key, bit, place),
    words("BITPOS", key, bit, place, place),
    words("BITPOS", key, bit, place, place, unit),
    words("BITPOS", key, bit, place, place, unit, "x"),
    words("BITOP", operation, key, key),
    words("BITOP", operation, key, key, key),
    words("BITOP", operation, key, key, key, key, key),
    fields("BITFIELD", step),
    fields("BITFIELD", right_step),
    fields("BITFIELD_RO", step),
)


def test_bitmap_commands(real_url: str) -> None:
    hunt(real_url, command)
