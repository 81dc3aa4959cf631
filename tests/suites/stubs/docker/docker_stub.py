"""A pytest plugin that stands for one which starts containers: nothing is started."""

from __future__ import annotations

from typing import Any

import pytest


class Services:
    """What looks like the services of a compose file."""

    def start(self, *names: str) -> None:
        """Start some."""

    def wait_for_service(self, name: str, port: int, check: Any = None, **options: Any) -> int:
        """The port of one, once it is up."""
        return port


@pytest.fixture(scope="session")
def docker_services() -> Services:
    """The services."""
    return Services()
