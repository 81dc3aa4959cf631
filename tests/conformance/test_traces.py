"""Real libraries' recorded conversations, replayed in process."""

from __future__ import annotations

import pytest

import fakeredis
from tests.support import traces

_STACK = ("search_", "om_", "vl_", "timeseries_")


@pytest.mark.parametrize("name", traces.names())
def test_replay(name: str) -> None:
    server = fakeredis.FakeServer()
    if name.startswith(_STACK):
        # The modules that were there are Redis Stack 7.4's: other defaults of scorers, policies.
        server = fakeredis.FakeServer(version="7.4", modules=["json", "search", "timeseries"])
    found = list(traces.differences(name, server))
    assert not found, "\n".join(found)


def test_a_difference_is_seen() -> None:
    """On a server that has no modules, the recordings are not the same."""
    server = fakeredis.FakeServer(server_type="valkey")
    assert list(traces.differences("json_cart", server))
