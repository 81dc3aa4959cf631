"""The parameters of CONFIG by server, against the recorded ones and the servers themselves."""

from __future__ import annotations

import pytest
import redis

from fakeredis.server import FakeServer
from tests.support import servers
from tests.support.wire import Wire
from tests.versions import settings

OLDER = [name for name in servers.SERVERS if name != "redis8"]


def fake(name: str) -> dict[str, str]:
    kind = servers.SERVERS[name]
    server = FakeServer(version=kind.version, server_type=kind.server_type)
    found = server.client(decode_responses=True).config_get("*")
    return {name: value for name, value in found.items() if not settings.OTHERS_BUSINESS(name)}


def without_debugging(values: dict[str, str]) -> dict[str, str]:
    """All but what the tests' servers are started with."""
    return {name: value for name, value in values.items() if name != "enable-debug-command"}


@pytest.mark.parametrize("name", OLDER)
def test_as_the_real_server(name: str) -> None:
    if servers.binary(name) is None:
        pytest.skip(servers.SERVERS[name].reason)
    server = servers.RealServer(name=name)
    with Wire.to(server.url) as wire:
        real = settings.asked(wire)
    server.stop()
    assert without_debugging(fake(name)) == without_debugging(real)


@pytest.mark.parametrize(
    ("name", "there", "not_there"),
    [
        ("redis6", "hash-max-ziplist-entries", "hash-max-listpack-entries"),
        ("redis7", "io-threads-do-reads", "vset-force-single-threaded-execution"),
        ("valkey8", "commandlog-request-larger-than", "dynamic-hz"),
        ("valkey9", "cluster-databases", "sanitize-dump-payload"),
        ("redis8", "hash-max-ziplist-entries", "lua-replicate-commands"),
    ],
)
def test_names(name: str, there: str, not_there: str) -> None:
    kind = servers.SERVERS[name]
    r = FakeServer(version=kind.version, server_type=kind.server_type).client()
    found = fake(name)
    assert there in found
    assert not_there not in found
    assert r.config_get(not_there) == {}
    with pytest.raises(redis.ResponseError, match=not_there):
        r.config_set(not_there, "1")


def test_other_names_of_a_setting() -> None:
    r = FakeServer(version="8.1", server_type="valkey").client(decode_responses=True)
    r.config_set("slowlog-max-len", 7)
    assert r.config_get("commandlog-slow*") == {"commandlog-slow-execution-max-len": "7"}
    r.config_set("primaryauth", "secret")
    assert r.config_get("masterauth") == {"masterauth": "secret"}
    old = FakeServer(version="6.2").client(decode_responses=True)
    old.config_set("hash-max-ziplist-entries", 1)
    old.hset("h", mapping={"a": 1, "b": 2})
    assert old.object("encoding", "h") == "hashtable"
