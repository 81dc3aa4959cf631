"""Real libraries' recorded conversations, replayed in process."""

from __future__ import annotations

import pytest

import fakeredis
from tests.support import traces


@pytest.mark.parametrize("name", traces.names())
def test_replay(name: str) -> None:
    found = list(traces.differences(name, fakeredis.FakeServer()))
    assert not found, "\n".join(found)


def test_a_difference_is_seen() -> None:
    """On a server that has no modules, the recordings are not the same."""
    server = fakeredis.FakeServer(server_type="valkey")
    assert list(traces.differences("json_cart", server))
