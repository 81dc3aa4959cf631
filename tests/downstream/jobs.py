"""What the queues run; importable, as they need."""

from __future__ import annotations


def add(a: int, b: int) -> int:
    return a + b


def fail() -> None:
    raise ValueError("as ordered")
