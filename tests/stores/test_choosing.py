"""Which store a URL means: schemes, entry points, the options of pytest."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import redis

import fakeredis
from fakeredis import stores
from fakeredis.engine.core.replies import OK
from fakeredis.errors import CommandError
from fakeredis.stores import ForwardingStore, SimpleLink
from tests.patching.test_pytest_plugin import run

TEST = """
    import redis

    def test_it(fakeredis_patch):
        client = redis.Redis(decode_responses=True)
        client.set("k", "v")
        assert client.get("k") == "v"
        assert client.info("server")["executable"].endswith("redis-server")
        fakeredis_patch.assert_called_command("SET k v")
    """


class Echo(ForwardingStore):
    """A third party's store that answers by itself, and knows nothing of FLUSHALL."""

    name = "echo"

    @classmethod
    def from_url(cls, url: str) -> Echo:
        store = cls()
        store.name = url
        return store

    def connect(self, typed: bool = False) -> SimpleLink:
        return EchoLink()


class EchoLink(SimpleLink):
    def run(self, argv: Sequence[bytes]) -> Any:
        if argv[0].upper() == b"ECHO":
            return argv[1]
        if argv[0].upper() == b"FAIL":
            raise CommandError("ERR as you wish")
        return OK


class Entry:
    """An entry point."""

    def __init__(self, value: str) -> None:
        self.value = value

    def load(self) -> Any:
        return Echo


@pytest.fixture
def entries(monkeypatch: pytest.MonkeyPatch) -> list[Entry]:
    """The entry points that there are for ``echo://``."""
    found: list[Entry] = []

    def entry_points(group: str, name: str) -> list[Entry]:
        return found if (group, name) == ("fakeredis.stores", "echo") else []

    monkeypatch.setattr(importlib.metadata, "entry_points", entry_points)
    return found


def test_a_third_partys_store(entries: list[Entry]) -> None:
    entries.append(Entry("echo:Echo"))
    with fakeredis.patch(store="echo://x", spy=True) as fake:
        client = redis.Redis()
        assert client.echo("hello") == b"hello"
        assert client.pipeline(transaction=False).echo("a").echo("b").execute() == [b"a", b"b"]
        with pytest.raises(redis.ResponseError, match="as you wish"):
            client.execute_command("FAIL")
        fake.assert_called_command("ECHO hello")
        with pytest.raises(NotImplementedError, match="echo://x cannot be emptied"):
            fake.flush()


def test_no_double_names(entries: list[Entry]) -> None:
    entries += [Entry("echo:Echo"), Entry("other:Echo")]
    with pytest.raises(ValueError, match="several packages have a store for echo://"):
        stores.resolve("echo://x")


def test_unknown_schemes(entries: list[Entry]) -> None:
    with pytest.raises(ValueError, match="no store knows the URL 'echo://x'"):
        stores.resolve("echo://x")


@pytest.mark.real
def test_the_option_of_pytest(clean_real_url: str, tmp_path: Path) -> None:
    url = f"--fakeredis-store={clean_real_url}?prefix={{worker}}:"
    done = run(tmp_path, TEST, url)
    assert "1 passed" in done.stdout, done.stdout
    with redis.Redis.from_url(clean_real_url) as client:
        assert client.dbsize() == 0


@pytest.mark.real
def test_parity_as_an_option(clean_real_url: str, tmp_path: Path) -> None:
    source = """
        import redis

        def test_it(fakeredis_patch):
            assert redis.Redis().set("k", "v")

        def test_that(fakeredis_patch):
            redis.Redis().object("encoding", "k")
            assert redis.Redis().execute_command("LOLWUT")
            assert redis.Redis().execute_command("ACL", "WHOAMI") == b"default"
        """
    done = run(tmp_path, source, f"--fakeredis-parity={clean_real_url}")
    assert "2 passed" in done.stdout, done.stdout
