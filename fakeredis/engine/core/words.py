"""A command's arguments that know more of their command; without an import of the engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class Spelled(list[bytes]):
    """Arguments that know how their command's name was written."""

    __slots__ = ("method", "name")
    name: Sequence[bytes]
    method: Any  # the client's that queued it in a batch or a transaction, for the spy
