"""A Redis that is said to be in a container."""

from __future__ import annotations

from typing import Any


class RedisContainer:
    """What looks like one, at the address that every Redis has."""

    port = 6379

    def __init__(self, image: str = "", **options: Any) -> None:
        self.image = image

    def __enter__(self) -> RedisContainer:
        return self

    def __exit__(self, *exc: object) -> None: ...

    def get_container_host_ip(self) -> str:
        """Where it is."""
        return "localhost"

    def get_exposed_port(self, port: int) -> int:
        """Its port outside of the container."""
        return port
