"""An object keeps the class that it was made with: what changes is what it holds."""

from __future__ import annotations

import ast
from pathlib import Path

import fakeredis

PACKAGE = Path(fakeredis.__file__).parent
# Clients and connections of redis-py, which a patch has not made, become ours and their own again.
OF_OTHERS = PACKAGE / "patching"
# How Python lets a module be called; there is no other way.
MODULE = "sys.modules[__name__].__class__"


def _changed(tree: ast.AST) -> list[str]:
    """What is given another class."""
    found = []
    for node in ast.walk(tree):
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.AnnAssign | ast.AugAssign):
            targets = [node.target]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).strip("_").endswith("setattr"):
            found += [ast.unparse(node) for arg in node.args if "'__class__'" in ast.unparse(arg)]
        found += [
            ast.unparse(each)
            for target in targets
            for each in ast.walk(target)
            if isinstance(each, ast.Attribute) and each.attr == "__class__"
        ]
    return found


def test_no_object_changes_its_class() -> None:
    changed = [
        f"{path.relative_to(PACKAGE)}: {text}"
        for path in PACKAGE.rglob("*.py")
        if OF_OTHERS not in path.parents
        for text in _changed(ast.parse(path.read_text(encoding="utf-8")))
        if text != MODULE
    ]
    assert not changed


def test_such_a_change_is_found() -> None:
    code = "a.__class__ = B\nb, c.__class__ = 1, D\nobject.__setattr__(e, '__class__', F)"
    assert len(_changed(ast.parse(code))) == 3
