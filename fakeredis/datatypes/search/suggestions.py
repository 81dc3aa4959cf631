"""Suggestions while one types: the values of FT.SUGADD."""

from __future__ import annotations

import math
from typing import Any, ClassVar, NamedTuple

from fakeredis.datatypes.search.vectors import single
from fakeredis.datatypes.search.words import folded

__all__ = ["Suggestion", "Suggestions"]

_EXACT = 2147483648.0


class Suggestion(NamedTuple):
    """What is known of a text."""

    score: float
    payload: bytes | None


class Suggestions(dict[str, Suggestion]):
    """Texts with their scores; may be empty."""

    type_name: ClassVar[bytes] = b"trietype0"

    def encoding(self, limits: Any) -> bytes:
        """That of OBJECT ENCODING."""
        return b"raw"

    def copy(self) -> Suggestions:
        """Another one with the same texts."""
        return Suggestions(self)

    def memory_usage(self) -> int:
        """About how many bytes it takes."""
        return 64 + sum(64 + len(text) for text in self)

    def matching(self, prefix: str, fuzzy: bool, most: int) -> list[tuple[str, float]]:
        """The best texts with a beginning, and how good they are.

        Args:
            fuzzy: one letter of the beginning may be another one, or one too much or too few.
        """
        wanted = folded(prefix)
        found = []
        for text, (score, _) in self.items():
            own = folded(text)
            distance = 0 if own.startswith(wanted) else 1 if fuzzy and _nearly(own, wanted) else 2
            if distance == 2:
                continue
            if text == prefix:
                worth = _EXACT
            else:
                worth = single(score)
                if distance:
                    worth = single(worth * math.exp(-2.0 * distance))
                worth = single(worth / math.sqrt(max(1, len(own) - len(wanted) + 1)))
            found.append((text, worth))
        found.sort(key=lambda each: (-each[1], each[0]))
        return found[:most]


def _nearly(text: str, wanted: str) -> bool:
    """Whether a text has a beginning that differs in one letter."""
    row = list(range(len(wanted) + 1))
    if row[-1] <= 1:
        return True
    for at, letter in enumerate(text[:len(wanted) + 1], 1):
        before, row[0] = row[0], at
        for column, another in enumerate(wanted, 1):
            cost = min(row[column] + 1, row[column - 1] + 1, before + (letter != another))
            before, row[column] = row[column], cost
        if row[-1] <= 1:
            return True
    return False
