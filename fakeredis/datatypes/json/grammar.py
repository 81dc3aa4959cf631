"""The grammar of paths, and the parser that follows it.

It is the server's grammar, in the same words, since an error names the rules that were tried where
the text could not be read further: at which place that is, and which rules those are, follows from
how such a parser goes through a grammar.  A path is read once: see
`fakeredis.datatypes.json.path`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NamedTuple

from fakeredis.datatypes.json.errors import JsonError

__all__ = ["Node", "parse"]


class Node(NamedTuple):
    """What a rule has read: its name, its text if it is a word, and what rules within it have."""

    rule: str
    text: str
    parts: list[Node]


class _State:
    """Where the parser is, and how far it has come before."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.found: list[Node] = []
        self.furthest = 0  # where the last rule failed that failed furthest
        self.tried: list[str] = []  # the rules that failed there
        self.silent = False  # within a rule that is one word
        self.known: dict[int, tuple[int, list[Node]]] = {}  # what `_once` has read, and how far

    def tries_at(self, at: int) -> int:
        return len(self.tried) if at == self.furthest else 0

    def note(self, rule: str, at: int, kept: int, before: int) -> None:
        """Note that a rule failed, in place of those within it, but where there was just one."""
        if self.silent or self.tries_at(at) - before == 1:
            return
        if at == self.furthest:
            del self.tried[kept:]
        elif at > self.furthest:
            self.tried, self.furthest = [], at
        else:
            return
        self.tried.append(rule)


_Rule = Callable[[_State, int], int]  # gives the position behind what it read, or -1


def _rule(name: str, inner: _Rule, one_word: bool = False) -> _Rule:
    def match(state: _State, at: int) -> int:
        kept = before = state.tries_at(at)
        outer, state.found = state.found, []
        was_silent, state.silent = state.silent, one_word or state.silent
        end = inner(state, at)
        found, state.found, state.silent = state.found, outer, was_silent
        if end < 0:
            state.note(name, at, kept, before)
        else:
            outer.append(Node(name, state.text[at:end] if one_word else "", found))
        return end

    return match


def _word(name: str, pattern: str) -> _Rule:
    """A rule of one word, which is a regular expression."""
    found = re.compile(pattern, re.ASCII | re.DOTALL).match

    def inner(state: _State, at: int) -> int:
        match = found(state.text, at)
        return -1 if match is None else match.end()

    return _rule(name, inner, one_word=True)


def _text(expected: str) -> _Rule:
    size = len(expected)

    def match(state: _State, at: int) -> int:
        return at + size if state.text.startswith(expected, at) else -1

    return match


def _past_space(text: str, at: int) -> int:
    while text.startswith(" ", at):
        at += 1
    return at


def _row(*rules: _Rule) -> _Rule:
    """Rules one behind the other, with space between them."""

    def match(state: _State, at: int) -> int:
        kept = len(state.found)
        for number, rule in enumerate(rules):
            at = rule(state, _past_space(state.text, at) if number else at)
            if at < 0:
                del state.found[kept:]
                return -1
        return at

    return match


def _any(*rules: _Rule) -> _Rule:
    """The first of several rules that reads something."""

    def match(state: _State, at: int) -> int:
        for rule in rules:
            end = rule(state, at)
            if end >= 0:
                return end
        return -1

    return match


def _maybe(rule: _Rule) -> _Rule:
    def match(state: _State, at: int) -> int:
        return max(at, rule(state, at))

    return match


def _repeated(rule: _Rule) -> _Rule:
    """A rule as often as it reads something, with space between."""

    def match(state: _State, at: int) -> int:
        end = rule(state, at)
        while end >= 0:
            at = end
            end = rule(state, _past_space(state.text, at))
        return at

    return match


def _later(name: str) -> _Rule:
    """A rule that is defined below."""

    def match(state: _State, at: int) -> int:
        return _RULES[name](state, at)

    return match


def _once(rule: _Rule) -> _Rule:
    """A rule that several others begin with, read once for all of them.

    A filter may be one term or two, and terms hold filters: each level would double the time.
    """

    def match(state: _State, at: int) -> int:
        if at not in state.known:
            kept = len(state.found)
            state.known[at] = rule(state, at), state.found[kept:]
            return state.known[at][0]
        end, found = state.known[at]
        state.found += found
        return end

    return match


class _Open:
    """A filter whose end has not been read: see `_nested`."""

    __slots__ = ("at", "end", "tries", "outer", "kept")

    def __init__(self, state: _State, at: int) -> None:
        self.at, self.end = at, -1  # behind the last operand
        self.tries = state.tries_at(at)
        self.outer, state.found = state.found, []
        self.kept = 0  # how many nodes there are up to there


def _nested(name: str, operand: _Rule, relation: _Rule) -> _Rule:
    """Operands with relations between; another such rule in brackets is an operand, too.

    As `_rule`, `_row` and `_repeated` would read it, but without a call within a call for each of
    the brackets, of which the server takes tens of thousands.
    """

    def begin(state: _State, opened: list[_Open], at: int) -> int:
        """Read an operand with all the brackets before it: the position behind it, or -1."""
        end = operand(state, at)
        while end < 0 and state.text.startswith("(", at):
            at = _past_space(state.text, at + 1)
            opened.append(_Open(state, at))
            end = operand(state, at)
        return end

    def close(state: _State, opened: list[_Open]) -> int:
        """End the innermost: the position behind it and its bracket, or -1."""
        one = opened.pop()
        found, state.found = state.found, one.outer
        if one.end < 0:
            state.note(name, one.at, one.tries, one.tries)
            return -1
        state.found.append(Node(name, "", found))
        if not opened:
            return one.end
        at = _past_space(state.text, one.end)
        return at + 1 if state.text.startswith(")", at) else -1

    def match(state: _State, at: int) -> int:
        opened = [_Open(state, at)]
        end = begin(state, opened, at)
        while True:
            one = opened[-1]
            if end >= 0:
                one.end, one.kept = end, len(state.found)
                end = relation(state, _past_space(state.text, end))
                if end >= 0:
                    end = begin(state, opened, _past_space(state.text, end))
                    continue
            del state.found[one.kept :]
            end = close(state, opened)
            if not opened:
                return end

    return match


# The grammar --------------------------------------------------------------------------------------

_literal = _word("literal", r"[-a-zA-Z0-9_`~+#%$^/:]+")
_string = _any(
    _row(_text("'"), _word("string_value", r"[^\"\\']*"), _text("'")),
    _row(_text('"'), _word("string_value", r"[^\"\\']*"), _text('"')),
    _row(_text('"'), _word("string_value_escape_1", r'(?:[^"\\]|\\["\\])*'), _text('"')),
    _row(_text("'"), _word("string_value_escape_2", r"(?:[^'\\]|\\['\\])*"), _text("'")),
)
_string_list = _rule("string_list", _row(_string, _repeated(_row(_text(","), _string))))
_pos_number = _word("pos_number", r"[1-9][0-9]*")
_number = _word("number", r"-?(?:[1-9][0-9]*|[0-9])")
_decimal = _word("decimal", r"-?(?:[1-9][0-9]*|[0-9])(?:\.[0-9]+)?")
_numbers_list = _rule("numbers_list", _row(_number, _repeated(_row(_text(","), _number))))
_step = _maybe(_any(_row(_text(":"), _pos_number), _text(":")))
_numbers_range = _rule("numbers_range", _any(
    _rule("full_range", _row(_number, _text(":"), _number, _step)),
    _rule("right_range", _row(_text(":"), _number, _step)),
    _rule("all_range", _row(_text(":"), _step)),
    _rule("left_range", _row(_number, _text(":"), _step)),
))

_select_term = _any(
    _rule("from_current", _row(_text("@"), _maybe(_later("root")))),
    _rule("from_root", _row(_text("$"), _maybe(_later("root")))),
)
_op = _any(*[
    _word(name, word) for name, word in (
        ("ge", ">="), ("gt", ">"), ("le", "<="), ("lt", "<"), ("eq", "=="), ("ne", "!="),
        ("re", "=~"),
    )
])
_term = _any(
    _decimal, _once(_select_term), _string,
    _word("boolean_true", "true"), _word("boolean_false", "false"), _word("null", "null"),
)
_single_filter = _rule("single_filter", _any(_row(_term, _op, _term), _term))
_relation = _any(_rule("and", _text("&&")), _rule("or", _text("||")))
_filter = _nested("filter", _single_filter, _relation)

_all = _rule("all", _text("*"))
_full_scan = _rule("full_scan", _text(".."))
_bracket = _any(
    _numbers_range, _numbers_list, _string_list, _all, _row(_text("?"), _filter),
)
_bracketed = _row(_text("["), _bracket, _text("]"))
_element = _any(
    _row(_text("."), _literal),
    _row(_full_scan, _any(_literal, _all, _bracketed)),
    _row(_text("."), _all),
    _row(_maybe(_text(".")), _text("["), _bracket, _text("]")),
)
_root = _rule("root", _row(_any(_element, _any(_literal, _all)), _repeated(_element)))


def _end_of_input(state: _State, at: int) -> int:
    return at if at == len(state.text) else -1


_query = _row(_text("$"), _maybe(_root), _rule("EOI", _end_of_input))

_RULES: Final = {"root": _root}

# The order in which an error names rules, and the names that it has for some.
_ORDER: Final = (
    "EOI", "literal", "string_value", "string_value_escape_1", "string_value_escape_2",
    "string_list", "pos_number", "number", "decimal", "numbers_list", "numbers_range",
    "right_range", "all_range", "left_range", "full_range", "from_current", "from_root", "ge", "gt",
    "le", "lt", "eq", "ne", "re", "boolean_true", "boolean_false", "null", "single_filter", "and",
    "or", "filter", "all", "full_scan", "root",
)
_SHOWN: Final = {
    "literal": "<string>", "all": "'*'", "full_scan": "'..'", "number": "'<number>'",
    "numbers_list": "'<number>[,<number>,...]'", "string_list": "'<string>[,<string>,...]'",
    "numbers_range": "['start:end:steps']",
}
_NESTED_TOO_DEEP: Final = "Path is nested too deep"


def parse(text: str) -> list[Node]:
    """The elements of a path that begins with ``$``.

    Raises:
        JsonError: it is no path; the text says where and what was expected.
    """
    state = _State(text)
    try:
        end = _query(state, 0)
    except RecursionError:
        raise JsonError(_NESTED_TOO_DEEP) from None
    if end < 0:
        raise JsonError(_complaint(state))
    return state.found[0].parts if state.found[0].rule == "root" else []


def _complaint(state: _State) -> str:
    text, at = state.text, state.furthest
    tried = sorted(set(state.tried), key=_ORDER.index)
    expected = ", ".join(_SHOWN.get(name, name) for name in tried)
    shown = f"{text} <<<<----" if at == len(text) else f"{text[:at]} ---->>>> {text[at:]}"
    return (
        f'Error occurred on position {len(text[:at].encode())}, "{shown}", '
        f"expected one of the following: {expected}."
    )
