"""The pages that are generated are up to date, and no file names a place on somebody's machine."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

import fakeredis
from fakeredis import cli
from tests.support import processes

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
# A path under a home or work folder, not the parts of a URL or a name in a sentence.
_MACHINE_PATH = re.compile(rb"(?<![\w./])/(?:home|root|Users|work|usr/local|mnt|opt)/\w")
_SKIPPED_FOLDERS = {".git", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache",
                    ".hypothesis", "_build", ".tox", "build", "dist", ".venv", "venv"}


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_pages_are_up_to_date(generate: ModuleType) -> None:
    assert not list(generate.outdated()), "run: python docs/generate.py"


def test_every_public_name_is_in_the_reference() -> None:
    page = (DOCS / "reference.rst").read_text(encoding="utf-8")
    own = {"spy", "__version__"} | {each for each in fakeredis.__all__ if each.startswith("assert")}
    names = {*fakeredis.__all__, "FakeValkey", "FakeAsyncValkey", "FakeStrictValkey"} - own
    assert {name for name in names if f"``{name}``" not in page} == set()
    handle = {name for name in dir(fakeredis.patch) if not name.startswith("_")}
    assert {name for name in handle if not re.search(rf"- ``{name}\W", page)} == set()


def test_every_option_of_the_command_line_is_on_its_page() -> None:
    page = (DOCS / "command_line.rst").read_text(encoding="utf-8")
    actions = cli._parser()._subparsers
    assert actions is not None
    (parsers,) = (each.choices for each in actions._group_actions)
    assert parsers is not None
    options = {
        option
        for parser in dict(parsers).values()
        for action in parser._actions
        for option in action.option_strings
    }
    assert {each for each in options - {"-h", "--bind"} if each not in page} == set()


def test_every_page_is_in_the_index() -> None:
    index = (DOCS / "index.rst").read_text(encoding="utf-8").split()
    assert {path.stem for path in DOCS.glob("*.rst")} - {"index"} <= set(index)


def files() -> list[Path]:
    """What is in the repository, or would be."""
    listed = processes.run(["git", "ls-files", "-z"], cwd=ROOT)
    if listed.returncode == 0 and listed.stdout:
        paths = [ROOT / name for name in listed.stdout.split("\0") if name]
        return [path for path in paths if path.exists()]
    return [
        path
        for path in ROOT.rglob("*")
        if path.is_file()
        and not _SKIPPED_FOLDERS & set(path.relative_to(ROOT).parts)
        and not any(part.endswith(".egg-info") for part in path.parts)
    ]


def test_no_file_names_a_place_on_a_machine() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {match[0].decode()}"
        for path in files()
        if path.is_file() and path != Path(__file__)
        for match in _MACHINE_PATH.finditer(path.read_bytes())
    ]
    assert not found
