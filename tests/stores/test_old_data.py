"""What earlier versions have written still opens: SQLite files, RDB files, plain values."""

from __future__ import annotations

import ast
import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

import fakeredis
from fakeredis.stores import MemoryStore, SQLiteStore
from tests.support.twin import view_of

OLD = Path(__file__).parents[1] / "data" / "old"


@pytest.fixture
def expected() -> dict[Any, Any]:
    """What a server of today has after the same commands."""
    server = fakeredis.FakeServer()
    for call in json.loads((OLD / "commands.json").read_text()):
        server.execute(*call)
    view = view_of(server)
    assert len(view) == 12
    return view


def copy(name: str, folder: Path) -> Path:
    return Path(shutil.copy(OLD / name, folder / name))


def test_sqlite_file(tmp_path: Path, expected: dict[Any, Any]) -> None:
    server = fakeredis.FakeServer(SQLiteStore(str(copy("state.db", tmp_path))))
    assert view_of(server) == expected
    server.execute("JSON.SET", "new", "$", '{"a":[1]}')
    server.let_go()
    again = fakeredis.FakeServer(SQLiteStore(str(tmp_path / "state.db")))
    assert again.execute("JSON.GET", "new", "$.a") == b"[[1]]"
    again.let_go()


def test_rdb_file(tmp_path: Path, expected: dict[Any, Any]) -> None:
    server = fakeredis.FakeServer()
    server.load_rdb(copy("dump.rdb", tmp_path))
    assert view_of(server) == expected


def test_rdb_file_with_indexes(tmp_path: Path) -> None:
    """A file of Redis 8.2.3 with RediSearch 2.10."""
    server = fakeredis.FakeServer()
    server.load_rdb(copy("search.rdb", tmp_path))
    session = server.session(protocol=2)
    assert sorted(session.execute([b"FT._LIST"])) == [
        b"idx", b"jdx", b"odx", b"plain", b"tdx", b"vdx",
    ]
    assert session.execute([b"FT.SEARCH", b"plain", b"man", b"NOCONTENT"]) == [1, b"h:1"]
    assert session.execute([b"FT.SEARCH", b"a1", b"bonjour", b"RETURN", b"1", b"n"]) == [
        1, b"d:1", [b"n", b"3"],
    ]


def test_plain_values(expected: dict[Any, Any]) -> None:
    store = MemoryStore()
    store.load(ast.literal_eval((OLD / "state.txt").read_text()))
    assert view_of(fakeredis.FakeServer(store)) == expected


def test_a_file_of_a_newer_version_is_refused_unchanged(tmp_path: Path) -> None:
    path = copy("state.db", tmp_path)
    with sqlite3.connect(path) as sql:
        sql.execute("PRAGMA user_version = 99")
    sql.close()
    before = path.read_bytes()
    with pytest.raises(Exception, match="upgrade fakeredis, or take another file"):
        fakeredis.FakeServer(SQLiteStore(str(path))).execute("GET", "s")
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["state.db"]


def test_documents_as_plain_values() -> None:
    """A document's plain value is the document, and goes in again from what was written by hand."""
    store = MemoryStore()
    server = fakeredis.FakeServer(store)
    server.execute("JSON.SET", "d", "$", '{"a":[1,2.5,null,true],"\xe9":"x"}')
    server.execute("EXPIREAT", "d", "5000000000")
    dumped = store.dump()
    assert dumped[server.address][0]["d"] == {
        "type": "json", "value": {"a": [1, 2.5, None, True], "\xe9": "x"}, "expires_at": 5e9,
    }
    other = MemoryStore()
    other.load(dumped)
    again = fakeredis.FakeServer(other)
    assert view_of(again) == view_of(server)
    dumped[server.address][0]["d"]["value"]["a"].append(9)
    assert server.execute("JSON.GET", "d", "$.a") == b"[[1,2.5,null,true]]"
