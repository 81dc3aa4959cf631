"""What is to be known of a command stands in its declaration: elsewhere no module names any.

All constants count that are a command's name or a list of such names: in sets, tuples, dicts,
split texts and comparisons alike. Documentation and messages are free.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import fakeredis
from fakeredis.spy import known

PACKAGE = Path(fakeredis.__file__).parent

# Where the name itself is the matter: names, and the reason.
SENDS = "it sends these commands"
WORD = "a word of a command's options or of a reply"
ALLOWED: dict[str, dict[str, str]] = {
    "data.config": {"REPLICAOF, SAVE, SLAVEOF": "settings of that name"},
}
# Where names are still listed, to be declared instead. What is done has to go from here, too.
TO_GO = {
    "clients.fake_socket", "clients.fast_path", "clients.handshake", "clients.remote",
    "data.commands", "engine.core.replies", "engine.core.session", "engine.data.portable",
    "engine.features.tracking", "engine.lua.busy", "patching.snapshots", "spy.lint",
    "spy.methods", "spy.recorder", "stores.forwarding.cluster_link", "stores.forwarding.engine",
    "stores.forwarding.link", "stores.forwarding.prefixes", "stores.forwarding.redis",
    "stores.forwarding.resp_link", "stores.forwarding.rules", "stores.forwarding.session",
    "stores.parity.store", "tcp.settings", "testing",
}  # fmt: skip


@cache
def _names() -> frozenset[str]:
    """The commands of all servers, and what their families begin with."""
    names = known.names()
    return frozenset(names | {name.partition(".")[0] + "." for name in names if "." in name})


def _documentation(tree: ast.AST) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield id(node.value)


def named_in(text: str) -> set[str]:
    """The commands that a text names: itself, or as a list; none where it is a sentence."""
    if text in _names():
        return {text}
    words = text.replace("|", " ").replace(":", " ").replace(",", " ").split()
    found = {word for word in words if word in _names()}
    return found if len(found) > 4 or (len(found) > 1 and 2 * len(found) > len(words)) else set()


def names_in(source: str) -> set[str]:
    """The commands that a module names."""
    tree = ast.parse(source)
    free = set(_documentation(tree))
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in free:
            if isinstance(node.value, str | bytes):
                value = node.value
                found |= named_in(value if isinstance(value, str) else value.decode("latin-1"))
    return found


@cache
def found() -> dict[str, set[str]]:
    """The modules and data files outside ``commands/`` that name commands."""
    names: dict[str, set[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        if parts[0] != "commands":
            names[".".join(parts)] = names_in(path.read_text(encoding="utf-8"))
    for path in sorted((PACKAGE / "data").glob("*.json")):
        table = json.loads(path.read_text(encoding="utf-8"))
        shown = {key.upper().replace("|", " ") for key in table}
        names[f"data.{path.stem}"] = shown & _names() if len(shown & _names()) > 2 else set()
    return {module: each for module, each in names.items() if each}


@pytest.mark.parametrize("module", sorted(found()))
def test_no_command_is_named(module: str) -> None:
    allowed = {word for words in ALLOWED.get(module, {}) for word in words.split(", ")}
    left = found()[module] - allowed
    assert bool(left) == (module in TO_GO), sorted(left)


def test_exceptions_are_needed() -> None:
    assert set(found()) >= TO_GO
    for module, reasons in ALLOWED.items():
        words = {word for words in reasons for word in words.split(", ")}
        assert words <= found().get(module, set()), (module, sorted(words - found()[module]))


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("X = {'GET', 'SET'}", {"GET", "SET"}),
        ("X = 'GETEX SETEX PSETEX'.split()", {"GETEX", "SETEX", "PSETEX"}),
        ("X = name == b'GET' or name in ('CONFIG SET', 1)", {"GET", "CONFIG SET"}),
        ("X = name.startswith('JSON.')", {"JSON."}),
        ("X = '''GET|SET: key\nGETEX|SETEX: key value {NX}\nTTL: key'''",
         {"GET", "SET", "GETEX", "SETEX", "TTL"}),
        ("def get():\n    'GET SET'\n", set()),
        ("raise ValueError('ERR EXEC without MULTI')", set()),
    ],
)  # fmt: skip
def test_what_counts(source: str, names: set[str]) -> None:
    assert names_in(source) == names
