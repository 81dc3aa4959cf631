"""Imports point one way: no part knows one that stands above it, and no two modules each other.

Modules are imported at load time, or by `fakeredis.lazy`, when they are first used; both count. Of
those imported for type checkers alone circles may be made within one folder, and no others.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import fakeredis
from fakeredis import wiring
from fakeredis.lazy import Lazy, LazyModule

PACKAGE = Path(fakeredis.__file__).parent
ROOT = PACKAGE.parent

# The parts from the bottom up. Each may import those before it, and itself.
ORDER = (
    "_version", "lazy", "nearest", "errors", "data", "datatypes", "rdb", "engine", "resp",
    "commands", "spy", "stores", "server", "tcp", "clients",
    "patching", "patch", "mixin", "aioredis", "testing", "pytest_plugin", "cli",
    "__main__",
)
# The composition root looks up by name what stands high, for those below: the only exception.
ROOT_OF_COMPOSITION = "wiring"

Graph = dict[str, set[str]]


def _name(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


# What imports a module by its name, the first argument.
BY_NAME = frozenset({"Lazy", "LazyModule", "importlib.import_module"})


def _is_for_checkers(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def _imports(node: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """Those at load time."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child
        if isinstance(child, ast.If) and _is_for_checkers(child):
            for other in child.orelse:
                yield from _imports(other)
        else:
            yield from _imports(child)


def _by_name(tree: ast.AST) -> Iterator[str]:
    """The modules that are imported by their names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in BY_NAME and node.args:
            name = node.args[0]
            if isinstance(name, ast.Constant):
                yield name.value


@cache
def graph(*, with_types: bool = False) -> Graph:
    """The modules of the package, without its name, and what each imports of them.

    Args:
        with_types: also what they import for type checkers.
    """
    paths = {_name(path): path for path in PACKAGE.rglob("*.py")}
    found: Graph = {}
    for name, path in paths.items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        wanted = set(_by_name(tree))
        kinds = (ast.Import, ast.ImportFrom)
        all_of_them = (each for each in ast.walk(tree) if isinstance(each, kinds))
        for each in all_of_them if with_types else _imports(tree):
            if isinstance(each, ast.Import):
                wanted |= {alias.name for alias in each.names}
            else:
                assert each.level == 0, f"a relative import in {name}"
                wanted |= {
                    f"{each.module}.{alias.name}"
                    if f"{each.module}.{alias.name}".removeprefix("fakeredis.") in paths
                    else str(each.module)
                    for alias in each.names
                }
        own = {one.removeprefix("fakeredis.") for one in wanted if one.startswith("fakeredis.")}
        found[name] = (own & set(paths)) - {name, ROOT_OF_COMPOSITION}
    del found[ROOT_OF_COMPOSITION]
    return found


def _reached(start: str, among: Graph) -> set[str]:
    seen: set[str] = set()
    ahead = [start]
    while ahead:
        for one in among[ahead.pop()] - seen:
            seen.add(one)
            ahead.append(one)
    return seen


def circles(among: Graph) -> set[frozenset[str]]:
    """The modules that lead to one another."""
    reached = {name: _reached(name, among) for name in among}
    return {
        frozenset(one for one in reached[name] if name in reached[one])
        for name in among
        if name in reached[name]
    }


def test_every_part_has_a_place() -> None:
    assert {name.partition(".")[0] for name in graph()} - {""} == set(ORDER)


def test_imports_point_one_way() -> None:
    place = {part: at for at, part in enumerate(ORDER)}
    upwards = {
        (name, one)
        for name, wanted in graph().items() if name
        for one in wanted
        if place[one.partition(".")[0]] > place[name.partition(".")[0]]
    }
    assert not upwards


def test_no_module_leads_to_itself() -> None:
    assert not circles(graph())


# A server keeps what features, scripts and a cluster have of it, under their own types, and calls
# some of them on each command's way; and they are functions of servers and sessions. Typed by
# protocols these would have to say again nearly all of `Server` and `Session`.
HEART = frozenset({"engine/core", "engine/features", "engine/lua", "engine/cluster"})
# What `FakeServer` makes for people by `wiring` is typed as what it is, which stands above it.
MADE = frozenset({("server", "clients.sync"), ("server", "clients.aio"), ("server", "tcp")})


def _folder(name: str) -> str:
    folder = PACKAGE.joinpath(*name.split("."))
    if not folder.is_dir():
        folder = folder.parent
    if folder == PACKAGE:
        return name
    found = folder.relative_to(PACKAGE).as_posix()
    return "engine's heart" if found in HEART else found


def test_circles_of_types_stay_in_a_folder() -> None:
    among = {
        name: {one for one in wanted if (name, one) not in MADE}
        for name, wanted in graph(with_types=True).items() if name
    }
    wide = [sorted(circle) for circle in circles(among) if len({*map(_folder, circle)}) > 1]
    assert not wide


def test_the_exceptions_are_needed() -> None:
    typed = graph(with_types=True)
    assert all(one in typed[name] for name, one in MADE)
    assert {folder for circle in circles(typed) for folder in HEART
            if any(PACKAGE.joinpath(folder) in PACKAGE.joinpath(*one.split(".")).parents
                   for one in circle)} == HEART


def _in_functions(tree: ast.AST, inside: bool = False) -> Iterator[str]:
    for child in ast.iter_child_nodes(tree):
        if inside and isinstance(child, ast.Import | ast.ImportFrom):
            yield ast.unparse(child)
        function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        yield from _in_functions(child, inside or function)


def test_no_function_imports() -> None:
    """What is to be imported late is a `Lazy` or a `LazyModule`, for all to see."""
    found = [
        f"{_name(path)}: {text}"
        for path in PACKAGE.rglob("*.py")
        for text in _in_functions(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not found


def _lazy(name: str) -> dict[str, Lazy | LazyModule]:
    """What a module of the package imports late, by the names that it has there."""
    kinds = (Lazy, LazyModule)
    return {
        each: value
        for each, value in vars(importlib.import_module(name)).items()
        if isinstance(value, kinds)
    }


def _typed(name: str) -> dict[str, str]:
    """What a module imports for type checkers: the full names, by those that they have there."""
    path = PACKAGE.joinpath(*name.split("."))
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    found = {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        for each in node.body if isinstance(node, ast.If) and _is_for_checkers(node) else ():
            for alias in each.names if isinstance(each, ast.Import | ast.ImportFrom) else ():
                start = f"{each.module}." if isinstance(each, ast.ImportFrom) else ""
                found[alias.asname or alias.name] = f"{start}{alias.name}"
    return found


LATE = sorted(
    _name(path)
    for path in PACKAGE.rglob("*.py")
    if "import Lazy" in path.read_text(encoding="utf-8") and path.name != "wiring.py"
)


@pytest.mark.parametrize("name", LATE)
def test_what_is_imported_late_is_what_type_checkers_see(name: str) -> None:
    typed = _typed(name)
    for own, late in _lazy(f"fakeredis.{name}").items():
        full = late._name if isinstance(late, LazyModule) else f"{late.module}.{late.function}"
        assert typed[own] == full
        if full.startswith("fakeredis."):
            assert isinstance(late, LazyModule) or callable(late.load())


WIRED = {name: value for name, value in vars(wiring).items() if isinstance(value, Lazy)}


@pytest.mark.parametrize("name", sorted(WIRED))
def test_what_is_wired_is_there_and_stands_higher(name: str) -> None:
    wired = WIRED[name]
    assert callable(wired.load())
    asking = {
        path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        for path in PACKAGE.rglob("*.py")
        if f"wiring.{name}" in path.read_text(encoding="utf-8")
    }
    place = ORDER.index(wired.module.split(".")[1])
    assert asking
    assert all(ORDER.index(part) < place for part in asking)


@pytest.mark.parametrize("part", ["engine", "datatypes", "rdb", "data", "errors"])
def test_no_command_below_the_commands(part: str) -> None:
    """The engine is given its commands; it looks up none."""
    below = [name for name in graph() if name.partition(".")[0] == part]
    assert below
    assert not [one for name in below for one in graph()[name] if one.startswith("commands")]
