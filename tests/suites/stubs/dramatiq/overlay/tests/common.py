"""What dramatiq's tests import; its source distribution lacks it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from dramatiq import Worker

RABBITMQ_CREDENTIALS = None
skip_in_ci = skip_on_windows = skip_on_pypy = pytest.mark.skipif(False, reason="none")


@contextmanager
def worker(*args: Any, **options: Any) -> Iterator[Worker]:
    """A worker that runs for the time of a ``with`` block."""
    one = Worker(*args, **options)
    one.start()
    try:
        yield one
    finally:
        one.stop()
