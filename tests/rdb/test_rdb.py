"""RDB files, to and from the real server, and the parts of the format."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakeredis import FakeServer
from fakeredis.rdb import compact, lzf
from fakeredis.rdb.checksum import crc64
from fakeredis.rdb.errors import FormatError
from tests.commands.playing import words
from tests.commands.test_dump import EXACT, FREE, OLD, text
from tests.support import servers
from tests.support.twin import Checker
from tests.support.wire import Wire

LATE = 33177117420000  # milliseconds since the epoch


# Parts ------------------------------------------------------------------------------------------


def slow_crc(data: bytes, crc: int = 0) -> int:
    """Bit by bit, as the definition says."""
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0x95AC9329AC4BC9B5 if crc & 1 else crc >> 1
    return crc


@pytest.mark.parametrize("size", [0, 1, 9, 1023, 1024, 1025, 1088, 3333])
def test_checksum(size: int) -> None:
    data = random.Random(size).randbytes(size)
    assert crc64(data) == slow_crc(data)
    assert crc64(data[7:], crc64(data[:7])) == slow_crc(data)
    assert crc64(b"123456789") == 0xE9C6D914C4B8D9CA  # the kind's published check value


@given(st.lists(st.sampled_from([b"a", b"ab", b"abc" * 20, b"x" * 300, b"\0", b"q"])).map(b"".join),
       st.binary(max_size=9))
def test_compression(repeated: bytes, odd: bytes) -> None:
    data = repeated + odd + repeated
    packed = lzf.compress(data)
    if packed is None:
        return
    assert len(packed) <= len(data) - 4
    assert lzf.decompress(packed, len(data)) == data
    for wrong in (len(data) - 1, len(data) + 1):
        with pytest.raises(FormatError):
            lzf.decompress(packed, wrong)


def test_long_data_that_do_not_compress_are_left_alone() -> None:
    assert lzf.compress(random.Random(1).randbytes(100_000)) is None
    assert lzf.compress(b"far " + bytes(20_000) + b"far ") is not None


@given(st.lists(st.one_of(st.binary(max_size=70), st.integers(-(1 << 63), (1 << 63) - 1),
                          st.sampled_from([b"x" * 4095, b"y" * 4096, b"z" * 17000]))))
def test_listpacks(items: list[bytes | int]) -> None:
    expected = [b"%d" % item if isinstance(item, int) else item for item in items]
    assert compact.read_listpack(compact.write_listpack(items)) == expected


# Files ------------------------------------------------------------------------------------------


class Real:
    """A real server of one's own, whose file can be read and replaced."""

    def __init__(self) -> None:
        self.server = servers.RealServer()
        self.file = Path(self.server.folder, "dump.rdb")
        self.wire = Wire.to(self.server.url)

    def save(self) -> Path:
        assert self.wire.call(b"SAVE") == b"OK"
        return self.file

    def load(self) -> None:
        """Have the server replace its data by those of the file."""
        reply = self.wire.call(b"DEBUG", b"RELOAD", b"NOSAVE")
        assert reply == b"OK", Path(self.server.folder, "log").read_text()[-500:]

    def close(self) -> None:
        self.wire.close()
        self.server.stop()


@pytest.fixture(scope="module")
def own() -> Iterator[Real]:
    if servers.binary() is None:
        pytest.skip(servers.MISSING)
    real = Real()
    yield real
    real.close()


def fill(call: Any) -> None:
    """A key of each kind, some with deadlines, some in another database."""
    for number, script in enumerate([*EXACT.values(), *FREE.values()]):
        call(b"SELECT", b"%d" % (number % 2 * 7))
        for line in script.splitlines():
            key = b"key%d" % number
            call(*[key if word == b"k" and at else word for at, word in enumerate(words(line))])
        if number % 3 == 0:
            call(b"PEXPIREAT", key, b"%d" % (LATE + number))
    call(b"SELECT", b"0")


def same_state(server: FakeServer, real: Real) -> None:
    checker = Checker(server.session(), Wire.to(real.server.url))
    try:
        assert [line for index in (0, 7) for line in checker.differences(index, set())] == []
    finally:
        checker.close()


def test_files_of_the_server_are_read(own: Real) -> None:
    own.wire.call(b"FLUSHALL")
    fill(own.wire.call)
    for compressed in (b"yes", b"no"):
        own.wire.call(b"CONFIG", b"SET", b"rdbcompression", compressed)
        server = FakeServer()
        server.load_rdb(own.save())
        assert server.execute("DBSIZE") > 10
        same_state(server, own)


def test_the_server_reads_files(own: Real) -> None:
    for version in ("8.2", "7.4"):
        own.wire.call(b"FLUSHALL")
        server = FakeServer(version=version)
        session = server.session()
        fill(lambda *argv, session=session: session.execute(list(argv)))
        server.save_rdb(own.file)
        own.load()
        same_state(server, own)


@pytest.mark.parametrize("version", ["6.2", "7.0", "7.2"])
def test_the_server_reads_files_of_older_ones(own: Real, version: str) -> None:
    server = FakeServer(version=version)
    for line in ("SET k v", "HSET h a 1 b 2", "RPUSH l a b c", "SADD s a b", "SADD i 1 2",
                 "ZADD z 1 a 2.5 b", "XADD x 1-1 f v", "XGROUP CREATE x g 0"):
        server.execute(*line.split())
    server.save_rdb(own.file)
    assert own.file.read_bytes()[:9] == b"REDIS%04d" % server.traits.rdb_version
    own.load()
    younger = FakeServer()
    younger.load_rdb(own.file)
    same_state(younger, own)


def test_what_was_there_is_gone(tmp_path: Path) -> None:
    server = FakeServer()
    watching, waiting = server.session(), server.session()
    server.execute("SET", "k", "v")
    server.execute("RPUSH", "list", "a")
    server.execute("SET", "short", "v", "PX", "1000")
    server.save_rdb(tmp_path / "dump.rdb")
    server.execute("FLUSHALL")
    server.execute("SET", "other", "v")
    waiting.execute([b"BLPOP", b"list", b"0"])
    server.advance(2)
    watching.execute([b"WATCH", b"k"])
    server.load_rdb(str(tmp_path / "dump.rdb"))
    watching.execute([b"MULTI"])
    assert watching.execute([b"EXEC"]) is None
    assert waiting.outbox.popleft() == [b"list", b"a"]
    assert server.execute("KEYS", "*") == [b"k"]


def test_keys_whose_time_is_over_are_not_written(tmp_path: Path) -> None:
    server = FakeServer()
    server.active_expire = False
    server.execute("SET", "short", "v", "PX", "1000")
    server.clock.advance(2)
    server.save_rdb(tmp_path / "dump.rdb")
    server.execute("SET", "k", "v")
    server.load_rdb(tmp_path / "dump.rdb")
    assert server.execute("DBSIZE") == 0


# What files may hold besides, and broken ones -----------------------------------------------------


def file(body: bytes, version: int = 12, checksum: bool = True) -> bytes:
    data = b"REDIS%04d" % version + body + b"\xff"
    if version < 5:
        return data
    return data + (struct.pack("<Q", crc64(data)) if checksum else bytes(8))


KEY = b"\x00\x01k\x01v"
ODD = {
    "nothing": b"", "a key": KEY, "no database": b"\xfe\x03" + KEY,
    "aux": b"\xfa\x03foo\x03bar" + KEY, "sizes": b"\xfe\x00\xfb\x01\x00" + KEY,
    "idle": b"\xf8\x40\x63" + KEY, "frequency": b"\xf9\x07" + KEY,
    "milliseconds": b"\xfc" + struct.pack("<q", LATE) + KEY,
    "seconds": b"\xfd" + struct.pack("<i", 2**31 - 1) + KEY,
    "over": b"\xfd" + struct.pack("<i", 5) + KEY, "empty": b"\x02\x01s\x00" + KEY,
    "slot": b"\xf4\x05\x01\x00" + KEY,
    "function": b"\xf5" + text(b"#!lua name=l\nredis.register_function('f', function() end)") + KEY,
}


@pytest.mark.parametrize("body", ODD.values(), ids=ODD)
@pytest.mark.parametrize("checksum", [True, False])
def test_files_by_hand(own: Real, body: bytes, checksum: bool) -> None:
    own.file.write_bytes(file(body, checksum=checksum))
    own.wire.call(b"FLUSHALL")
    own.wire.call(b"FUNCTION", b"FLUSH")
    own.load()
    server = FakeServer()
    server.load_rdb(own.file)
    checker = Checker(server.session(), Wire.to(own.server.url))
    assert [line for index in (0, 3) for line in checker.differences(index, set())] == []
    checker.close()


@pytest.mark.parametrize("version", [1, 4, 5, 9, 11])
def test_files_of_all_versions(own: Real, version: int) -> None:
    body = b"".join(
        bytes((kind,)) + text(name.encode()) + data for name, (kind, data) in OLD.items()
        if name not in ("deadlines in the past", "more behind")
    )
    own.file.write_bytes(file(body, version))
    own.load()
    server = FakeServer()
    server.load_rdb(own.file)
    assert server.execute("DBSIZE") == len(OLD) - 2
    same_state(server, own)


def refused(tmp_path: Path, data: bytes, server: FakeServer | None = None) -> str:
    """The error's text; nothing has changed."""
    server = server or FakeServer()
    server.execute("SET", "here", "v")
    path = tmp_path / "dump.rdb"
    path.write_bytes(data)
    with pytest.raises(ValueError, match="at byte") as caught:
        server.load_rdb(path)
    assert server.execute("KEYS", "*") == [b"here"]
    return str(caught.value)


MODULE = 0
for _letter in "nosuchmod":
    MODULE = MODULE << 6 | (
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".index(_letter)
    )
MODULE = MODULE << 10 | 3


@pytest.mark.parametrize(("data", "words"), [
    (b"", "this is no RDB file (at byte 0)"), (b"hello, world!", "this is no RDB file"),
    (b"REDIS00x2" + KEY, "this is no RDB file"), (b"VALKEY080\xff", "Valkey 9"),
    (file(KEY, 13), "the file's format is of version 13, beyond what can be read here: 12"),
    (file(KEY, 0), "version 0"), (file(KEY)[:-1], "the data end too early (at byte 15)"),
    (file(KEY)[:-8] + b"\1" * 8, "the checksum is wrong: the file is damaged (at byte 15)"),
    (file(KEY + KEY), "a key for the second time (at byte 15)"),
    (file(b"\xfe\x10" + KEY), "database 16, but there are only 16"),
    (file(b"\x07\x01j\x81" + struct.pack(">Q", MODULE)), "nosuchmod"),
    (file(b"\x21\x01j"), "a value of the unknown type 33"),
    (file(b"\x10\x01h\x03abc"), "a listpack is damaged"),
    (file(b"\xf7\x81" + struct.pack(">Q", MODULE) + b"\x07"), "the data of the module nosuchmod"),
])
def test_broken_files(tmp_path: Path, data: bytes, words: str) -> None:
    assert words in refused(tmp_path, data)


def test_what_modules_keep_beside_their_values_is_skipped(tmp_path: Path) -> None:
    parts = b"\x02\x05\x01\x07\x04" + bytes(8) + b"\x03" + bytes(4) + b"\x05\x01a\x00"
    data = file(b"\xf7\x81" + struct.pack(">Q", MODULE) + parts + KEY)
    path = tmp_path / "dump.rdb"
    path.write_bytes(data)
    server = FakeServer()
    server.load_rdb(path)
    assert server.execute("GET", "k") == b"v"


def test_files_newer_than_the_server(tmp_path: Path) -> None:
    newer = FakeServer()
    newer.save_rdb(tmp_path / "new.rdb")
    data = (tmp_path / "new.rdb").read_bytes()
    assert "version 12" in refused(tmp_path, data, FakeServer(version="7.2"))
    assert "version 12" in refused(tmp_path, data, FakeServer(server_type="valkey", version="8.1"))


def test_files_that_end_too_early(tmp_path: Path) -> None:
    server = FakeServer()
    fill(server.execute)
    server.save_rdb(tmp_path / "all.rdb")
    data = (tmp_path / "all.rdb").read_bytes()
    for size in {*range(60), *random.Random(1).sample(range(len(data)), 60), len(data) - 1}:
        refused(tmp_path, data[:size])


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_damaged_files(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """The checksum tells, unless it is right for what is damaged: then deeper checks do."""
    body = bytearray(b"".join(
        bytes((kind,)) + text(name.encode()) + one for name, (kind, one) in OLD.items()
    ))
    at = data.draw(st.integers(0, len(body) - 1))
    body[at] ^= data.draw(st.integers(1, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.rdb"
    server = FakeServer()
    path.write_bytes(file(bytes(body)))
    try:
        server.load_rdb(path)
    except ValueError as error:
        assert "at byte" in str(error)  # noqa: PT017
        assert server.execute("DBSIZE") == 0
    whole = bytearray(file(KEY))
    whole[data.draw(st.integers(9, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(whole)
    if whole[-8:] != bytes(8):
        with pytest.raises(ValueError, match="at byte"):
            server.load_rdb(path)


def test_long_runs_are_packed_in_one_go() -> None:
    """A bitmap of far bits, say."""
    data = b"abc" + bytes(1 << 24) + b"\x01" * 1000 + b"abc"
    packed = lzf.compress(data)
    assert packed is not None
    assert lzf.decompress(packed, len(data)) == data


@pytest.mark.parametrize("runs", [
    [(0, 470), (2, 424), (1, 311), (2, 591), (0, 615), (1, 448), (0, 275), (2, 19), (0, 88)],
    [(1, 264 * 3 + 3), (0, 264 * 2 + 3), (1, 264 * 4 + 4)], [(0, 264 * 2 + 5)],
    [(5, 1071), (6, 3), (5, 600)],
])
def test_runs_are_packed_as_others(
    runs: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = b"".join(bytes([byte]) * count for byte, count in runs)
    quick = lzf.compress(data)
    monkeypatch.setattr(lzf, "_end_of_run", lambda data, at: at)  # one reference at a time
    assert lzf.compress(data) == quick


def test_what_takes_long_to_pack_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lzf, "_ENOUGH", 1000)
    chosen = random.Random(3).choices
    assert lzf.compress(bytes(chosen(b"abcd", k=20_000))) is None
    assert lzf.compress(bytes(300_000)) is not None
