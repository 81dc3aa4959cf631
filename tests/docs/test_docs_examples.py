"""Every example of the README, of the docs and of examples/ runs.

Each ``.. code-block:: python`` runs in a namespace and a folder of its own; one that defines tests
is run by pytest; ``.. code-block:: pycon`` is a doctest. A comment right above a block may say
more:

- ``.. continues``: it goes on in the namespace of the block before;
- ``.. not run: <reason>``: it cannot run by itself;
- ``.. needs <name>``: it is skipped where redis-py lacks that, see `tests.support.redis_py`;
- ``.. on a real server``: ``localhost:6379`` in it means the tests' real server; skipped without.
"""

from __future__ import annotations

import ast
import asyncio
import doctest
import importlib.metadata
import inspect
import re
import sys
import textwrap
import types
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from tests.support import processes
from tests.support.redis_py import skip_without

ROOT = Path(__file__).parents[2]
_DIRECTIVE = re.compile(r"^(\s*)\.\. code-block:: (python|pycon)\s*$")
_NOTE = re.compile(r"^\s*\.\. (continues|not run: .+|needs \w+|on a real server)$")


@dataclass
class Block:
    """One example, with the blocks it continues."""

    path: Path
    line: int
    language: str
    source: str
    note: str = ""
    before: list[Block] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line}"


def documents() -> list[Path]:
    return [ROOT / "README.rst", *sorted(ROOT.glob("docs/**/*.rst"))]


def blocks_of(path: Path) -> Iterator[Block]:
    lines = path.read_text(encoding="utf-8").splitlines()
    last: Block | None = None
    for at, line in enumerate(lines):
        if directive := _DIRECTIVE.match(line):
            source, start = _body(lines, at + 1, len(directive[1]))
            block = Block(path, start + 1, directive[2], source, _note_above(lines, at))
            if block.note == "continues" and last is not None:
                block.before = [*last.before, last]
            yield block
            last = block


def _body(lines: list[str], at: int, indent: int) -> tuple[str, int]:
    """The directive's text without its options, and where it starts."""
    while at < len(lines) and (not lines[at].strip() or lines[at].strip().startswith(":")):
        at += 1
    end = at
    while end < len(lines) and (
        not lines[end].strip() or len(lines[end]) - len(lines[end].lstrip()) > indent
    ):
        end += 1
    return textwrap.dedent("\n".join(lines[at:end])).strip() + "\n", at


def _note_above(lines: list[str], at: int) -> str:
    above = [line for line in lines[max(0, at - 2) : at] if line.strip()]
    found = _NOTE.match(above[-1]) if above else None
    return found[1] if found else ""


def all_blocks() -> list[Block]:
    return [block for path in documents() if path.exists() for block in blocks_of(path)]


@pytest.fixture(autouse=True)
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Examples neither see each other's state nor leave files behind."""
    import fakeredis

    monkeypatch.chdir(tmp_path)
    fakeredis.reset()
    yield
    fakeredis.reset()


@pytest.mark.parametrize("block", all_blocks(), ids=str)
def test_example(block: Block, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if block.note.startswith("not run"):
        pytest.skip(block.note)
    if block.note.startswith("needs "):
        skip_without(block.note.removeprefix("needs "))
    if block.note == "on a real server":
        url: str = request.getfixturevalue("clean_real_url")
        place = url.partition("://")[2].partition("/")[0]
        run_python(replace(block, source=block.source.replace("localhost:6379", place)))
        return
    if block.language == "pycon":
        run_doctest(block)
    elif defines_tests(block.source):
        source = "".join(part.source + "\n" for part in [*block.before, block])
        run_pytest(source, tmp_path)
    else:
        run_python(block)


def run_python(block: Block) -> None:
    module = types.ModuleType("example")
    # Decorators and pickles look a function's module up.
    sys.modules["example"] = module
    try:
        for part in [*block.before, block]:
            flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
            padded = "\n" * (part.line - 1) + part.source  # tracebacks name the document's line
            code = compile(padded, str(part.path), "exec", flags=flags, dont_inherit=True)
            if code.co_flags & inspect.CO_COROUTINE:
                asyncio.run(eval(code, module.__dict__))
            else:
                exec(code, module.__dict__)
    finally:
        del sys.modules["example"]


def run_doctest(block: Block) -> None:
    test = doctest.DocTestParser().get_doctest(
        block.source, {}, str(block), str(block.path), block.line
    )
    output: list[str] = []
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=output.append)
    assert not output, "".join(output)


def defines_tests(source: str) -> bool:
    """Whether pytest would collect something."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return any(
        isinstance(node, kinds) and node.name.startswith(("test_", "Test"))
        for node in ast.parse(source).body
    )


def run_pytest(source: str, folder: Path) -> None:
    (folder / "test_example.py").write_text(source, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "--rootdir", str(folder)]
    command += ["-p", "no:cacheprovider", "-o", "asyncio_mode=auto"]
    command += ["-o", "asyncio_default_fixture_loop_scope=function", "test_example.py"]
    if not importlib.metadata.entry_points(group="pytest11", name="fakeredis"):
        command += ["-p", "fakeredis.pytest_plugin"]  # run from a clone
    done = processes.run(command, cwd=folder, limit=120)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", sorted(ROOT.glob("examples/*.py")), ids=lambda path: path.name)
def test_example_program(path: Path) -> None:
    command = [sys.executable, "-W", "error", "-m", "fakeredis", "run", "--spy", str(path)]
    done = processes.run(command)
    assert done.returncode == 0, done.stdout + done.stderr


def test_readme_has_examples() -> None:
    assert [block for block in all_blocks() if block.path.name == "README.rst"]
