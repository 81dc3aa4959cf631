"""The end of an error about a name: those that are spelt alike."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from fakeredis.lazy import LazyModule

if TYPE_CHECKING:
    import difflib
else:
    difflib = LazyModule("difflib")


def near(name: str, known: Iterable[str], most: int = 3) -> str:
    """A question that names what was most likely meant, or the end of the sentence."""
    close = difflib.get_close_matches(name, sorted(known), n=most, cutoff=0.65)
    return f"; did you mean {' or '.join(close)}?" if close else "."
