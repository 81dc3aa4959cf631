"""Functions and their libraries, against the real server."""

from __future__ import annotations

import struct
import sys
from pathlib import Path
from typing import Any

import pytest
import redis

import fakeredis
from fakeredis.errors import CommandError
from fakeredis.rdb.checksum import crc64
from tests.support.engines import Server

DATA = Path(__file__).parent.parent / "data"


def lines(name: str) -> list[str]:
    texts = (DATA / name).read_text().splitlines()
    return [line.replace("\\n", "\n") for line in texts if not line.startswith("#")]


def library(body: str, name: str = "l") -> str:
    return f"#!lua name={name}\n{body}"


def function(body: str, flags: str = "", name: str = "f") -> str:
    return (
        f"redis.register_function{{function_name='{name}', flags={{{flags}}}, "
        f"callback=function(keys, args) {body} end}}"
    )


@pytest.mark.parametrize("body", lines("libraries.txt"))
def test_libraries(twin: Any, body: str) -> None:
    twin("FUNCTION", "LOAD", library("redis.register_function('old', function() end)"))
    twin("FUNCTION", "LOAD", "REPLACE", library(body))
    twin.unordered("FUNCTION", "LIST", "WITHCODE")
    twin("FUNCTION", "STATS")
    for command in ("FCALL", "FCALL", "FCALL_RO"):
        twin(command, "f", 1, 1, 2)


@pytest.mark.parametrize("body", lines("functions.txt"))
def test_functions(twin: Any, body: str) -> None:
    for flags in ("", "'no-writes'"):
        twin("FUNCTION", "LOAD", "REPLACE", library(function(body, flags)))
        twin("FCALL", "f", 1, "k", "v")
        twin("FCALL_RO", "F", 1, "k", "v")
    twin("SELECT", 3)
    twin("GET", "k")


@pytest.mark.parametrize(
    "code",
    ["", "return 1", "#!", "#!\n", "#!lua", "#!lua\n", "#!lua name=\n", "#!lua name=a b\n",
     "#!lua name=a name=b\n", "#!lua name=a-b\n", '#!lua name="a b"\n', "#!LUA NAME=l\n",
     "#!js name=l\n", "#!js name=a-b\n", "#! name=l\n", "#! lua name=l\n", "# !lua name=l\n",
     "#!lua name='x\n", '#!lua "name=l"x\n', "#!lua foo=x\n", "#!lua name=l",
     "#!lua  \tname=l \r\n", '#!lua "name=l"\n', '#!"lua" name=l\n', '#!lua name="l"\n',
     "#!lua name=é\n", "\n#!lua name=l\n", "#!lua name=l\0\n", "#!lua name=l 'x y'\n",
     f"#!lua name={'x' * 300}\n", b"#!lua name=l\n--\xff\n", b"#!lua name=l\nlocal x = \"\xff\n"],
)
def test_first_lines(twin: Any, code: str | bytes) -> None:
    code = code.encode() if isinstance(code, str) else code
    for body in (b"redis.register_function('f', function() end)", b""):
        twin("FUNCTION", "LOAD", code + body)
        twin("FUNCTION", "LIST", "WITHCODE")


@pytest.mark.parametrize(
    "words",
    ["f", "f x", "f -1", "f 1", "f 2 a", "f 1.5", "f 99999999999999999999 a", "F 1 a b", "no x",
     "no 0"],
)
def test_calls(twin: Any, words: str) -> None:
    for flags in ("", "'no-writes'"):
        twin("FUNCTION", "LOAD", "REPLACE", library(function("return {keys, args}", flags)))
        for command in ("FCALL", "FCALL_RO"):
            twin(command, *words.split())
            twin("COMMAND", "GETKEYS", command, *words.split())
            twin("COMMAND", "GETKEYSANDFLAGS", command, *words.split())


def test_many_arguments(twin: Any) -> None:
    twin("FUNCTION", "LOAD", library(function("return {#keys, #args, keys[#keys], args[#args]}")))
    for count in (199, 201, 9000):
        twin("FCALL", "f", count, *range(count), "z")
        twin("FCALL", "f", 0, *range(count))


def test_subcommands(twin: Any) -> None:
    load = ("FUNCTION", "LOAD")
    for name in ("one", "two"):
        twin(*load, library(function("return 1", name=f"f_{name}"), name))
    for words in ("", "LIBRARYNAME ONE", "libraryname [tx]* withcode", "LIBRARYNAME",
                  "LIBRARYNAME x", "x", "WITHCODE WITHCODE", "LIBRARYNAME a LIBRARYNAME b",
                  "LIBRARYNAME a b"):
        twin.unordered("FUNCTION", "LIST", *words.split())
    twin(*load, library(function("return 2", name="f_two"), "one"))
    twin(*load, "REPLACE", library(function("return 2", name="F_Two"), "one"))
    twin(*load, "replace", "REPLACE", library(function("return 3", name="f_three"), "one"))
    twin(*load, "x", library(function("return 2"), "one"))
    twin(*load, library(function("return 2"), "one"), "REPLACE")
    for name in ("f_one", "f_two", "f_three"):
        twin("FCALL", name, 0)
    for words in ("STATS", "STATS x", "KILL", "KILL x", "DELETE", "DELETE ONE", "DELETE one",
                  "DELETE one", "LIST", "FLUSH x", "FLUSH SYNC ASYNC", "FLUSH async", "LIST",
                  "STATS", "FLUSH sync", "FLUSH", "NOSUCH", ""):
        twin("FUNCTION", *words.split())
    twin("FCALL", "f_three", 0)


def test_in_transactions(twin: Any) -> None:
    twin("MULTI")
    twin("FUNCTION", "LOAD", library(function("return redis.call('rpush', keys[1], args[1])")))
    twin("FCALL", "f", 1, "k", "v")
    twin("FUNCTION", "LIST")
    twin("EXEC")
    waiting = twin.session()
    waiting("BLPOP", "l", 0)
    twin("FCALL", "f", 1, "l", "v")
    waiting.reply()


def test_flushed_data_and_scripts_leave_functions(twin: Any) -> None:
    twin("FUNCTION", "LOAD", library(function("return 1")))
    twin("FLUSHALL")
    twin("SCRIPT", "FLUSH")
    twin("FCALL", "f", 0)


def test_info_counts(twin: Any) -> None:
    def counts(reply: bytes) -> list[bytes]:
        return [line for line in bytes(reply).split(b"\r\n") if line.startswith(b"number_of")]

    twin("SCRIPT", "FLUSH")
    for words in (["EVAL", "return 1", 0], ["SCRIPT", "LOAD", "return 2"],
                  ["FUNCTION", "LOAD", library(function("") + function("", name="g"))],
                  ["FUNCTION", "FLUSH"], ["SCRIPT", "FLUSH"]):
        twin(*words)
        twin._compare(("INFO", "memory"), lambda fake, real: counts(fake) == counts(real))


# Payloads ---------------------------------------------------------------------------------------

GOOD = library("redis.register_function('f', function() return 1 end)", "z").encode()


def entry(code: bytes, kind: int = 0xF5) -> bytes:
    return bytes((kind, 0x40 | len(code) >> 8, len(code) & 255)) + code


def payload(body: bytes, version: int = 11) -> bytes:
    body += struct.pack("<H", version)
    return body + struct.pack("<Q", crc64(body))


PAYLOADS = [
    b"", b"x", payload(b""), payload(entry(GOOD)), payload(entry(GOOD), 10),
    payload(entry(GOOD), 99),
    payload(entry(GOOD))[:-1] + b"\0", payload(entry(GOOD, 0xF6)), payload(entry(b"nocode")),
    payload(entry(b"#!lua name=z\n")), payload(entry(b"#!lua name=z\nx x")),
    payload(entry(b"#!js name=z\n")), payload(entry(b"#!lua name=z\nredis.x()")),
    payload(b"\x00\x01k"), payload(b"\xf5"), payload(b"\xf5\x20abc"), payload(entry(GOOD) * 2),
    payload(entry(GOOD) + b"\0"), payload(entry(GOOD) + b"\xff"),
    payload(entry(GOOD) + entry(GOOD.replace(b"name=z", b"name=y"))),
    payload(entry(GOOD.replace(b"name=z", b"name=old"))),
    payload(entry(GOOD.replace(b"'f'", b"'old'"))),
]


@pytest.mark.parametrize("number", range(len(PAYLOADS)))
@pytest.mark.parametrize("policy", [[], ["append"], ["FLUSH"], ["REPLACE"], ["x"], ["FLUSH", "x"]])
def test_payloads(twin: Any, number: int, policy: list[str]) -> None:
    twin("FUNCTION", "LOAD", library(function("return 2", name="old"), "old"))
    twin("FUNCTION", "RESTORE", PAYLOADS[number], *policy)
    twin.unordered("FUNCTION", "LIST", "WITHCODE")
    twin("FCALL", "f", 0)
    twin("FCALL", "old", 0)


@pytest.mark.parametrize("policy", ["APPEND", "REPLACE", "FLUSH"])
def test_dumps_go_both_ways(twin: Any, policy: str) -> None:
    twin("FUNCTION", "DUMP")
    for body in (function("return 1"), function("return 1") + " " * 100, "-- " + "é" * 9000):
        twin("FUNCTION", "LOAD", "REPLACE", library(body + "\n" + function("", name="g")))
        dump = twin("FUNCTION", "DUMP")
        twin("FUNCTION", "RESTORE", dump, policy)
        twin("FUNCTION", "FLUSH")
        twin("FUNCTION", "RESTORE", dump, policy)
        twin.unordered("FUNCTION", "LIST", "WITHCODE")


# Of the fake alone ------------------------------------------------------------------------------


def test_through_redis_py() -> None:
    client = fakeredis.FakeRedis(server=fakeredis.FakeServer(), decode_responses=True)
    assert client.function_load(library(function("return {keys[1], args[1]}"))) == "l"
    assert client.fcall("f", 1, "k", "é") == ["k", "é"]
    with pytest.raises(redis.ResponseError, match="write flag"):
        client.fcall_ro("f", 0)
    dump = client.execute_command("FUNCTION DUMP", NEVER_DECODE=[])
    assert client.function_delete("l")
    with pytest.raises(redis.ResponseError, match="Function not found"):
        client.fcall("f", 0)
    assert client.function_restore(dump)
    assert client.pipeline().fcall("f", 1, "k", "v").execute() == [["k", "v"]]
    assert client.function_flush()


def test_unknown_before_7() -> None:
    session = Server(version="6.2").session()
    for words in (b"FCALL f 0", b"FCALL_RO f 0", b"FUNCTION LIST", b"EVAL_RO x 0",
                  b"EVALSHA_RO x 0"):
        with pytest.raises(CommandError, match="unknown command"):
            session.execute(words.split())


def test_files(tmp_path: Path) -> None:
    server = fakeredis.FakeServer()
    server.execute("FUNCTION", "LOAD", library(function("return 1")))
    server.execute("SET", "k", "v")
    server.save_rdb(tmp_path / "dump.rdb")
    other = fakeredis.FakeServer()
    other.execute("FUNCTION", "LOAD", library(function("return 1", name="g"), "m"))
    other.load_rdb(tmp_path / "dump.rdb")
    assert other.execute("FCALL", "f", 0) == 1
    assert other.execute("GET", "k") == b"v"
    with pytest.raises(CommandError, match="Function not found"):
        other.execute("FCALL", "g", 0)


def test_files_without_lupa(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = fakeredis.FakeServer()
    server.execute("FUNCTION", "LOAD", library(function("return 1")))
    server.save_rdb(tmp_path / "dump.rdb")
    other = fakeredis.FakeServer()
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "lupa.lua51", None)
        other.load_rdb(tmp_path / "dump.rdb")
        for words in (["FCALL", "f", "0"], ["FUNCTION", "LIST"], ["FUNCTION", "LOAD", "x"]):
            with pytest.raises(CommandError, match="lupa"):
                other.execute(*words)
        other.save_rdb(tmp_path / "dump.rdb")
    assert other.execute("FCALL", "f", 0) == 1
    third = fakeredis.FakeServer()
    third.load_rdb(tmp_path / "dump.rdb")
    assert third.execute("FCALL", "f", 0) == 1


@pytest.mark.parametrize("words", [
    ("FUNCTION", "flush", "sync", "x"), ("function", "Flush", "x", "y"),
])
def test_errors_quote_what_was_written(twin: Any, words: tuple[str, ...]) -> None:
    twin(*words)
    with pytest.raises(CommandError, match=f"arguments for '{words[1]}'"):
        fakeredis.FakeServer().execute(*words)
