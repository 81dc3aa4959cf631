"""Commands of Valkey alone, against the real server of that kind."""

from __future__ import annotations

from typing import Any

import pytest
import redis

from fakeredis.errors import CommandError
from fakeredis.server import FakeServer
from tests.support import servers
from tests.support.wire import Wire

CALLS = """
COMMANDLOG
COMMANDLOG LEN slow
COMMANDLOG LEN LARGE-REPLY
COMMANDLOG LEN foo
COMMANDLOG LEN
COMMANDLOG GET
COMMANDLOG GET x slow
COMMANDLOG GET -2 foo
COMMANDLOG GET 10 foo
COMMANDLOG GET 10 large-request
COMMANDLOG GET -1 slow
COMMANDLOG GET 10 slow x
COMMANDLOG RESET foo
COMMANDLOG RESET slow
COMMANDLOG NOSUCH
CLIENT CAPA
CLIENT CAPA redirect
CLIENT CAPA foo bar
CLIENT IMPORT-SOURCE on
CLIENT IMPORT-SOURCE off
CLIENT IMPORT-SOURCE foo
CLIENT IMPORT-SOURCE
CONFIG SET import-mode yes
CLIENT IMPORT-SOURCE ON
CLIENT IMPORT-SOURCE maybe
SCRIPT SHOW
SCRIPT SHOW aaa
SCRIPT SHOW a b
SCRIPT LOAD return(1)
SCRIPT SHOW d94c7e4b87be0a8a0b3f9ef1fb4ea7b1c4bdd9e3
""".strip().splitlines()


@pytest.fixture(scope="module")
def wire() -> Any:
    if servers.binary("valkey8") is None:
        pytest.skip(servers.SERVERS["valkey8"].reason)
    server = servers.RealServer(name="valkey8")
    with Wire.to(server.url) as wire:
        yield wire
    server.stop()


def test_as_the_real_server(wire: Wire) -> None:
    session = FakeServer(version="8.1", server_type="valkey").session()
    sha = b""
    for line in [*CALLS, "SCRIPT SHOW (sha)", "SCRIPT SHOW (SHA)"]:
        argv = [word.encode() for word in line.split()]
        argv = [{b"(sha)": sha, b"(SHA)": sha.upper()}.get(word, word) for word in argv]
        try:
            fake = session.execute(argv)
        except CommandError as error:
            fake = error
        real = wire.call(*argv)
        assert str(fake) == str(real), line
        if argv[:2] == [b"SCRIPT", b"LOAD"]:
            sha = real


def test_redis_has_none_of_them() -> None:
    r = FakeServer(version="8.2").client()
    for name in ("COMMANDLOG LEN slow", "CLIENT CAPA redirect", "SCRIPT SHOW a"):
        with pytest.raises(redis.ResponseError, match=r"unknown (sub)?command"):
            r.execute_command(*name.split())
