from __future__ import annotations

import re
from unittest import mock

import pytest

from fakeredis.spy.values import (
    ANY,
    EncodedText,
    equal,
    glob_to_regex,
    like,
    matching,
    quote,
    split_line,
    to_text,
)


@pytest.mark.parametrize("value", [
    1, "1", b"1", bytearray(b"1"), memoryview(b"1"), EncodedText("1"),
])
def test_what_is_the_same_on_the_wire_is_equal(value: object) -> None:
    assert EncodedText("1") == value
    assert not EncodedText("1") != value  # noqa: SIM202 - ``!=`` is what is tested
    assert equal(value, EncodedText("1"))


@pytest.mark.parametrize("value", [1.0, "1.0", 2, b"", None, True, [1]])
def test_what_is_another_thing_on_the_wire_is_not(value: object) -> None:
    assert EncodedText("1") != value


def test_a_float_is_sent_by_its_repr() -> None:
    assert equal(0.1, EncodedText("0.1"))
    assert equal(1.0, EncodedText("1.0"))


def test_a_tuple_of_values_compares_with_any_form() -> None:
    sent = (EncodedText("k"), EncodedText("1"))
    assert sent == ("k", 1)
    assert sent == (b"k", b"1")


def test_bytes_that_are_no_text_survive() -> None:
    assert bytes(to_text(b"\xff\x00k")) == b"\xff\x00k"
    assert to_text(b"\xff") == b"\xff"


@pytest.mark.parametrize(
    "placeholder",
    [ANY, mock.ANY, like("user:*"), like(b"user:4?"), matching(r"user:\d+"), matching(rb"\d$"),
     re.compile("^user"), re.compile(b"42"), matching(re.compile("er:"))],
)
def test_placeholders_stand_for_a_value(placeholder: object) -> None:
    assert equal(placeholder, EncodedText("user:42"))


@pytest.mark.parametrize(
    "placeholder", [like("session:*"), matching(r"^\d+$"), re.compile("^ser"), None, object()]
)
def test_placeholders_do_not_stand_for_every_value(placeholder: object) -> None:
    assert not equal(placeholder, EncodedText("user:42"))


def test_an_object_with_its_own_equality_is_asked_in_numbers_too() -> None:
    assert equal(pytest.approx(60, abs=5), EncodedText("62"))
    assert not equal(pytest.approx(60, abs=5), EncodedText("70"))


def test_an_equality_that_fails_is_no_match() -> None:
    class Picky:
        def __eq__(self, other: object) -> bool:
            raise TypeError

        __hash__ = None  # type: ignore[assignment]

    assert not equal(Picky(), EncodedText("1"))


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("h?llo", "hello", "hllo"),
        ("h*llo", "heeello", "hell"),
        ("h[ae]llo", "hallo", "hillo"),
        ("h[^e]llo", "hallo", "hello"),
        ("h[a-c]llo", "hbllo", "hdllo"),
        (r"h\*llo", "h*llo", "hello"),
        ("a.b", "a.b", "axb"),
        ("line*", "line\nbreak", "a line"),
    ],
)
def test_globs_are_those_of_keys(pattern: str, yes: str, no: str) -> None:
    assert glob_to_regex(pattern).fullmatch(yes.encode())
    assert not glob_to_regex(pattern).fullmatch(no.encode())


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("k", "k"),
        ("", '""'),
        ("two words", '"two words"'),
        ('say "hi"', r'"say \"hi\""'),
        (b"\x00\xff\n", r'"\x00\xff\n"'),
        ("na\u00efve", "na\u00efve"),
        (1, "1"),
        (ANY, "ANY"),
        (like("a*"), "like('a*')"),
        (..., "..."),
    ],
)
def test_values_are_quoted_as_in_redis_cli(value: object, text: str) -> None:
    assert quote(value) == text


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("SET k v", ["SET", "k", "v"]),
        ('  SET  k "a b"  ', ["SET", "k", b"a b"]),
        (r"SET k 'it\'s'", ["SET", "k", "it's"]),
        (r'SET k "\x00\n\"\\"', ["SET", "k", b'\x00\n"\\']),
        ('SET k ""', ["SET", "k", b""]),
    ],
)
def test_lines_are_split_as_in_redis_cli(line: str, words: list[object]) -> None:
    assert split_line(line) == words


@pytest.mark.parametrize("line", ['SET k "a', "SET k 'a", 'SET "a"b'])
def test_unbalanced_quotes_are_refused(line: str) -> None:
    with pytest.raises(ValueError, match="unbalanced quotes"):
        split_line(line)
