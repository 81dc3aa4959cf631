"""Filters in paths: ``[?(@.price<10 && @.name=~"^a")]``.

A term is a constant, or what a path finds, which must be one value.  Numbers are compared with
numbers, texts with texts, booleans with booleans, anything else only for equality; what cannot be
compared is not equal.  A backslash in a constant stands for itself.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any, Final, Protocol

from fakeredis.datatypes import regex
from fakeredis.datatypes.json.errors import JsonError
from fakeredis.datatypes.json.grammar import Node

Condition = Callable[[Any, Any], bool]  # of the value that ``@`` means, and the root
Term = Callable[[Any, Any], Any]


class _Finder(Protocol):
    """A path, as far as it matters here."""

    def values(self, root: Any) -> list[Any]: ...


MakePath = Callable[[list[Node]], _Finder]

_NOTHING: Final = object()  # what a path finds that does not find one value
_DEEPEST: Final = 200  # filters within each other
_LONGEST_INDEX: Final = (1 << 62) - 1


def number_of(node: Node) -> int | float:
    """A number in a path; what fits into no index becomes one beyond all."""
    if "." in node.text:
        return float(node.text)
    value = int(node.text[:21])
    return max(-_LONGEST_INDEX, min(_LONGEST_INDEX, value))


def string_of(node: Node) -> str:
    """A text in quotes, without what hides quotes in it."""
    if node.rule == "string_value":
        return node.text
    return re.sub(r"\\(.)", r"\1", node.text, flags=re.DOTALL)


def condition(node: Node, make_path: MakePath, depth: int = 0) -> Condition:
    """A function that tells whether a filter holds; ``&&`` binds more than ``||``.

    Args:
        depth: how many filters it stands in.

    Raises:
        JsonError: it stands in too many for Python's calls.
    """
    if depth > _DEEPEST:
        raise JsonError("Path is nested too deep")
    while len(node.parts) == 1 and node.parts[0].rule == "filter":
        node = node.parts[0]  # brackets alone, of which there may be thousands
    groups: list[list[Condition]] = [[]]
    for part in node.parts:
        if part.rule == "or":
            groups.append([])
        elif part.rule == "filter":
            groups[-1].append(condition(part, make_path, depth + 1))
        elif part.rule == "single_filter":
            groups[-1].append(_single(part, make_path))
    if len(groups) == 1 and len(groups[0]) == 1:
        return groups[0][0]

    def holds(value: Any, root: Any) -> bool:
        for group in groups:
            for one in group:
                if not one(value, root):
                    break
            else:
                return True
        return False

    return holds


def _single(node: Node, make_path: MakePath) -> Condition:
    first = _term(node.parts[0], make_path)
    if len(node.parts) == 1:
        return lambda value, root: first(value, root) is not _NOTHING
    compare = _COMPARISONS[node.parts[1].rule]
    if compare is _matches and node.parts[0].rule not in _PATHS:
        return lambda value, root: False  # a constant matches nothing, with the server
    second = _term(node.parts[2], make_path)
    return lambda value, root: compare(first(value, root), second(value, root))


def _term(node: Node, make_path: MakePath) -> Term:
    if node.rule in _PATHS:
        return _found(node, make_path)
    constant = _constant(node)
    return lambda value, root: constant


def _constant(node: Node) -> Any:
    if node.rule == "decimal":
        return float(node.text) if "." in node.text else int(node.text)
    return _WORDS.get(node.rule, node.text)


_PATHS: Final = frozenset({"from_current", "from_root"})
_WORDS: Final[dict[str, Any]] = {"boolean_true": True, "boolean_false": False, "null": None}


def _found(node: Node, make_path: MakePath) -> Term:
    from_root = node.rule == "from_root"
    path = make_path(node.parts[0].parts if node.parts else [])

    def term(value: Any, root: Any) -> Any:
        found = path.values(root if from_root else value)
        return found[0] if len(found) == 1 else _NOTHING

    return term


# Comparing ----------------------------------------------------------------------------------------


def _kind(value: Any) -> type:
    kind = type(value)
    return int if kind is float else kind


_ORDERED: Final = frozenset({int, str, bool})


def _ordered(compare: Callable[[Any, Any], bool], if_equal: bool) -> Callable[[Any, Any], bool]:
    def holds(a: Any, b: Any) -> bool:
        kind = _kind(a)
        if kind is not _kind(b):
            return False
        return compare(a, b) if kind in _ORDERED else a is None and if_equal

    return holds


def _equal(a: Any, b: Any) -> bool:
    return a is not _NOTHING and b is not _NOTHING and same(a, b, _kind)


def same(a: Any, b: Any, kind: Callable[[Any], Any] = type) -> bool:
    """Whether two values are equal; by default an integer equals none of the floats."""
    if kind(a) is not kind(b):
        return False
    if type(a) is list:
        return len(a) == len(b) and all(same(*pair, kind) for pair in zip(a, b, strict=True))
    if type(a) is dict:
        return a.keys() == b.keys() and all(same(child, b[key], kind) for key, child in a.items())
    return bool(a == b)


def _matches(text: Any, pattern: Any) -> bool:
    """Whether a regular expression is found in a text; not in what is no text."""
    return type(text) is str and type(pattern) is str and regex.search(pattern, text)


_COMPARISONS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "ge": _ordered(operator.ge, True), "gt": _ordered(operator.gt, False),
    "le": _ordered(operator.le, True), "lt": _ordered(operator.lt, False),
    "eq": _equal, "ne": lambda a, b: not _equal(a, b), "re": _matches,
}
