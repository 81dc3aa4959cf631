"""The sections and fields of INFO that Valkey has otherwise than Redis."""

from __future__ import annotations

from typing import Any

import pytest

from fakeredis.server import FakeServer


def told(version: str, *sections: str) -> dict[str, dict[str, str]]:
    server: Any = FakeServer(version=version, server_type="valkey")
    found: dict[str, dict[str, str]] = {}
    for line in server.execute("INFO", *sections).decode().splitlines():
        if line.startswith("# "):
            found[line[2:]] = {}
        elif line:
            name, _, value = line.partition(":")
            list(found.values())[-1][name] = value
    return found


def test_sections() -> None:
    newest = [
        "Server", "TLS", "Clients", "Memory", "Persistence", "Stats", "Replication", "CPU",
        "Modules", "Commandstats", "Errorstats", "Latencystats", "Cluster", "Cluster Info",
        "Scripting Engines", "Keyspace",
    ]
    assert list(told("9.1", "everything")) == newest
    assert list(told("8.1", "everything")) == [
        name for name in newest if name not in ("TLS", "Cluster Info", "Scripting Engines")
    ]
    assert "TLS" not in told("9.1")
    assert list(told("9.1", "scriptingengines")) == ["Scripting Engines"]


@pytest.mark.parametrize("version", ["8.1", "9.1"])
def test_names(version: str) -> None:
    found = told(version)
    assert list(found["Server"])[:4] == [
        "redis_version", "server_name", "valkey_version", "valkey_release_stage",
    ]
    assert found["Server"]["server_mode"] == "standalone"
    assert ("expired_fields" in found["Stats"]) is (version == "9.1")
    assert not {"expired_subkeys", "used_memory_peak_time"} & {*found["Stats"], *found["Memory"]}
