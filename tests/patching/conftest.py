"""No test here may reach the network, but for the real server's."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest

import fakeredis


class NetworkReachedError(BaseException):
    """Not caught by any client's error handling."""


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever looks up a host or connects to one fails the test."""

    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise NetworkReachedError(args)

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture
def fake(no_network: None) -> Iterator[fakeredis.patch]:
    with fakeredis.patch(spy=True) as handle:
        yield handle


@pytest.fixture(params=[True, False], ids=["names", "underneath"])
def names(request: pytest.FixtureRequest) -> bool:
    """The option of the same name."""
    return bool(request.param)
