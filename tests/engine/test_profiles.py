"""Which servers can be imitated, and how their versions are written."""

from __future__ import annotations

import pytest

import fakeredis
from fakeredis.engine.core.profiles import profile

REDIS = ("6.2", "7.0", "7.2", "7.4", "8.0", "8.2", "8.4", "8.6", "8.8", "8.10")
VALKEY = ("7.2", "8.0", "8.1", "9.0", "9.1")


@pytest.mark.parametrize(
    ("server_type", "version"),
    [("redis", version) for version in REDIS] + [("valkey", version) for version in VALKEY],
)
def test_every_release_says_its_version(server_type: str, version: str) -> None:
    client = fakeredis.FakeServer(version=version, server_type=server_type).client()
    told = client.info("server")
    assert told[f"{server_type}_version"].startswith(f"{version}.")
    assert client.set("k", "v")
    assert client.get("k") == b"v"


@pytest.mark.parametrize(
    ("given", "server_type", "numbers"),
    [
        ("7.2.9", "redis", (7, 2, 9)), ((7, 4, 0), "redis", (7, 4, 0)), ("8.2", "redis", (8, 2, 3)),
        ("6", "redis", (6, 2, 14)), ((7,), "redis", (7, 4, 1)), ("8", "valkey", (8, 1, 8)),
        ("8.2", "valkey", (8, 1, 8)),  # the default version, which only Redis has
    ],
)
def test_ways_to_write_a_version(
    given: str | tuple[int, ...], server_type: str, numbers: tuple[int, int, int]
) -> None:
    assert profile(given, server_type).version == numbers


@pytest.mark.parametrize("version", ["99", "5.0", "8.3", "8.9.1", (0,), "2"])
def test_a_version_that_does_not_exist(version: str | tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"there is no redis .*: 6\.2, 7\.0, .* 8\.8, 8\.10$"):
        fakeredis.FakeServer(version=version)
    with pytest.raises(ValueError, match=r"there is no valkey .*: 7\.2, 8\.0, 8\.1, 9\.0, 9\.1$"):
        fakeredis.patch(version=version, server_type="valkey")
