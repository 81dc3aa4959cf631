"""Docstrings of what is public say by themselves what it does, takes, gives and raises."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import fakeredis

PACKAGE = Path(fakeredis.__file__).parent
# What users and authors of stores and commands import; the folders with all that is in them.
PUBLIC = (
    "__init__.py", "patch.py", "server.py", "errors.py", "testing.py", "pytest_plugin.py",
    "commands/registry.py", "commands/arguments.py", "spy", "stores",
)
# These say that this very function does not do it, or that the program is wrong.
NOT_TOLD = {"AssertionError", "NotImplementedError"}
# Folders whose classes have a method for each kind of node, all described in one place.
VISITORS = {"search"}
REFERENCE = re.compile(r"(See|As) `[^`]+`(, too)?\.|The same( [^.,;:]{0,30})?\.|Likewise\.")
DURATION = re.compile(r"seconds|timeout|deadline|delay|ttl|interval|duration|milliseconds")
UNIT = re.compile(r"second|datetime")

Function = ast.FunctionDef | ast.AsyncFunctionDef


def _modules() -> Iterator[Path]:
    for name in PUBLIC:
        path = PACKAGE / name
        yield from sorted(path.rglob("*.py")) if path.is_dir() else [path]


def _within(body: list[ast.stmt], path: str, public: bool) -> Iterator[tuple[str, Any, bool]]:
    for node in body:
        if isinstance(node, (ast.If, ast.Try)):
            yield from _within(node.body + node.orelse, path, public)
        elif isinstance(node, (Function, ast.ClassDef)):
            shown = public and not node.name.startswith("_")
            name = f"{path}.{node.name}"
            yield name, node, shown
            if isinstance(node, ast.ClassDef):
                yield from _within(node.body, name, shown)


@cache
def _all(path: Path) -> tuple[tuple[str, Any, bool], ...]:
    """Functions and classes of a module: dotted name, node, and whether it is public."""
    module = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
    return tuple(_within(ast.parse(path.read_text(encoding="utf-8")).body, module, True))


def _public_functions(path: Path) -> Iterator[tuple[str, Function, str]]:
    """Those whose documentation is their own, or a base's where it is found there."""
    for name, node, shown in _all(path):
        is_test = isinstance(node, Function) and node.name.startswith("test_")  # takes fixtures
        text = ast.get_docstring(node) if shown and not is_test else None
        if isinstance(node, Function) and text:
            yield name, node, "\n".join([text, *_of_bases(name)])


def _of_bases(name: str) -> list[str]:
    """What base classes say of a method that overrides theirs."""
    *home, last = name.split(".")
    parts = home.copy()
    while parts:
        try:
            found: Any = importlib.import_module(".".join(parts))
            break
        except ImportError:
            parts.pop()
    for each in home[len(parts) :]:
        found = getattr(found, each, None)
    if not inspect.isclass(found):
        return []
    methods = (vars(base).get(last) for base in found.__mro__[1:])
    return [text for method in methods if (text := inspect.getdoc(method))]


def _own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function without those of functions within it."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, (Function, ast.ClassDef, ast.Lambda)):
            yield child
            yield from _own_nodes(child)


def _raised(node: Function) -> set[str]:
    raised = (each.exc for each in _own_nodes(node) if isinstance(each, ast.Raise) and each.exc)
    return {
        ast.unparse(each.func if isinstance(each, ast.Call) else each) for each in raised
    } - NOT_TOLD


def _parameters(node: Function) -> list[str]:
    args = node.args
    plain = [each.arg for each in args.posonlyargs + args.args + args.kwonlyargs]
    return [
        *(name for name in plain if name not in ("self", "cls")),
        *(each.arg for each in (args.vararg, args.kwarg) if each),
    ]


def _is_overload(node: ast.AST) -> bool:
    return any(ast.unparse(each) == "overload" for each in getattr(node, "decorator_list", ()))


def test_no_docstring_is_a_mere_reference():
    found = [
        (name, text)
        for path in PACKAGE.rglob("*.py")
        if not VISITORS & set(path.parts)
        for name, node, _ in _all(path)
        if (text := ast.get_docstring(node)) and REFERENCE.fullmatch(text)
    ]
    assert found == []


def test_docstrings_say_what_is_done():
    """They read like no order to someone else: Let it ..., Have it ..., See to it ..."""
    found = [
        (name, text)
        for path in _modules()
        for name, node, _ in _all(path)
        if re.match(r"(Let|Have|See to it)\b", text := ast.get_docstring(node) or "")
    ]
    assert found == []


def test_what_is_public_is_described():
    found = [
        name for path in _modules() for name, node, shown in _all(path)
        if shown and not _is_overload(node) and not ast.get_docstring(node)
    ]
    assert found == []


def test_public_functions_say_what_they_raise():
    found = [
        (name, raised)
        for path in _modules()
        for name, node, text in _public_functions(path)
        if (raised := _raised(node)) and "Raises:" not in text
    ]
    assert found == []


def test_public_functions_describe_three_arguments_or_more():
    found = [
        (name, parameters)
        for path in _modules()
        for name, node, text in _public_functions(path)
        if len(parameters := _parameters(node)) > 2 and "Args:" not in text
    ]
    assert found == []


def test_times_have_units():
    found = [
        (name, parameter)
        for path in _modules()
        for name, node, text in _public_functions(path)
        for parameter in _parameters(node)
        if DURATION.search(parameter) and not UNIT.search(text)
    ]
    assert found == []
