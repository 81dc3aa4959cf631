"""Imports point one way: no part knows one that stands above it, and no two modules each other.

Every import counts, at load time or inside a function; only those for type checkers are free.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import fakeredis
from fakeredis import wiring
from fakeredis.lazy import Lazy

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


def _imports(node: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child
        yield from _imports(child)


@cache
def graph() -> Graph:
    """The modules of the package, without its name, and what each imports of them."""
    paths = {_name(path): path for path in PACKAGE.rglob("*.py")}
    found: Graph = {}
    for name, path in paths.items():
        wanted: set[str] = set()
        for each in _imports(ast.parse(path.read_text(encoding="utf-8"))):
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


def _reached(start: str) -> set[str]:
    seen: set[str] = set()
    ahead = [start]
    while ahead:
        for one in graph()[ahead.pop()] - seen:
            seen.add(one)
            ahead.append(one)
    return seen


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
    reached = {name: _reached(name) for name in graph()}
    circles = {
        frozenset(one for one in reached[name] if name in reached[one])
        for name in graph()
        if name in reached[name]
    }
    assert not circles


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
