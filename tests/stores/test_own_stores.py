"""Our own stores, and the example, pass the tests that other people's have to pass."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

import fakeredis
from fakeredis.stores import MemoryStore, SQLiteStore
from fakeredis.testing import StoreTests

EXAMPLES = Path(fakeredis.__file__).parent.parent / "examples"


class TestMemory(StoreTests):
    def make_store(self, tmp_path: Path) -> MemoryStore:
        return MemoryStore()


class TestSQLite(StoreTests):
    def make_store(self, tmp_path: Path) -> SQLiteStore:
        return SQLiteStore(tmp_path / "state.db")


class TestSQLiteByURL(StoreTests):
    def make_store(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path}/state.db"


@pytest.mark.skipif(not EXAMPLES.exists(), reason="examples come with the source only")
class TestExample(StoreTests):
    def make_store(self, tmp_path: Path) -> Any:
        spec = importlib.util.spec_from_file_location("store", EXAMPLES / "folder_store.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.FolderStore(tmp_path / "state")


def test_the_example_is_short() -> None:
    assert len((EXAMPLES / "folder_store.py").read_text("utf-8").splitlines()) < 100
