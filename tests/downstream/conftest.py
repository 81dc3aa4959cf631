"""Real libraries, unchanged, inside of patch(): nothing listens on any port."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest

import fakeredis


class NetworkReachedError(BaseException):
    """Not caught by any client's error handling."""


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[fakeredis.patch]:
    """A spying patch; whoever looks up a host or connects to one fails the test."""

    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise NetworkReachedError(args)

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    with fakeredis.patch(spy=True) as handle:
        yield handle
