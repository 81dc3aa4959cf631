from __future__ import annotations

import pytest

from fakeredis.spy import Spy
from tests.spy.stub import StubSession, spied


@pytest.fixture
def pair() -> tuple[Spy, StubSession]:
    return spied()


@pytest.fixture
def spy(pair: tuple[Spy, StubSession]) -> Spy:
    return pair[0]


@pytest.fixture
def session(pair: tuple[Spy, StubSession]) -> StubSession:
    return pair[1]
