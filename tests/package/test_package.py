"""The package as a whole: its metadata, what it ships, and which way its imports point."""

from __future__ import annotations

import ast
import configparser
import importlib.metadata
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import fakeredis
from fakeredis import _version

PACKAGE = Path(fakeredis.__file__).parent
ROOT = PACKAGE.parent
MODULES = sorted(PACKAGE.rglob("*.py"))

def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def loaded_imports(path: Path) -> Iterator[str]:
    """The names of the modules that this one imports when it is loaded."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (
                f"{node.module}.{alias.name}" if is_module(node.module, alias.name) else node.module
                for alias in node.names
            )


def is_module(package: str, name: str) -> bool:
    place = ROOT.joinpath(*package.split("."), name)
    return place.is_dir() or place.with_suffix(".py").exists()


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_the_engine_does_no_io(path: Path) -> None:
    """No socket, no thread that sleeps, no client library below the shells."""
    if module_name(path).partition(".")[0] not in ("engine", "commands", "datatypes", "rdb"):
        return
    outside = {"socket", "asyncio", "redis", "select", "subprocess"}
    assert not outside & {name.partition(".")[0] for name in loaded_imports(path)}
    assert "time.sleep(" not in path.read_text(encoding="utf-8")


@pytest.fixture
def installed() -> importlib.metadata.Distribution:
    try:
        return importlib.metadata.distribution("fakeredis")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("runs where the package is installed: python -m pip install -e .")


def test_version_is_written_once(installed: importlib.metadata.Distribution) -> None:
    assert fakeredis.__version__ == _version.__version__ == installed.version


def test_every_folder_is_a_package() -> None:
    """Setuptools leaves others out without a word."""
    assert not [path for path in MODULES if not (path.parent / "__init__.py").exists()]


def test_types_are_shipped() -> None:
    assert (PACKAGE / "py.typed").exists()


def test_entry_points(installed: importlib.metadata.Distribution) -> None:
    found = {(point.group, point.name): point for point in installed.entry_points}
    assert callable(found["console_scripts", "fakeredis"].load())
    assert found["pytest11", "fakeredis"].load().__name__ == "fakeredis.pytest_plugin"


def test_public_names_exist() -> None:
    assert not [name for name in fakeredis.__all__ if not hasattr(fakeredis, name)]


def test_news_fragments_are_named_as_the_readme_says() -> None:
    pattern = re.compile(r"[\w-]+\.(feature|fix|change|removal|doc)\.rst")
    names = {path.name for path in (ROOT / "changelog.d").iterdir()} - {"README.rst"}
    assert not [name for name in names if not pattern.fullmatch(name)]


def test_type_checkers_find_an_editable_install() -> None:
    """Setuptools then writes a path, and not a hook of the import system, which they do not run."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    assert config["options"]["package_dir"].split() == ["=", "."]


def test_every_program_is_started_so() -> None:
    """By `tests.support.processes`: whoever starts one by hand leaves it behind some day."""
    own = {"processes.py", "guard.py", "leftovers.py", "servers.py", "tcl_suite.py", "run.py"}
    found = [
        f"{path}:{node.lineno}"
        for path in (ROOT / "tests").rglob("*.py") if path.name not in own
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in ("subprocess.run", "subprocess.Popen", "os.system")
    ]
    assert not found, "use processes.run or processes.started"
