"""Filters of labels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

__all__ = ["LabelError", "Matcher", "matchers"]


class LabelError(ValueError):
    """A filter makes no sense."""


class Matcher(NamedTuple):
    """What a series' labels must be like.

    Args:
        name: of a label.
        values: those that it has, or has not; None: it has any, or is not there.
        positive: whether it has.
    """

    name: bytes
    values: tuple[bytes, ...] | None
    positive: bool

    @property
    def finds(self) -> bool:
        """Whether series can be found by it, not only left out."""
        return self.positive and self.values is not None

    def fits(self, labels: Iterable[tuple[bytes, bytes]]) -> bool:
        """Whether labels are so."""
        found = any(
            name == self.name and (self.values is None or value in self.values)
            for name, value in labels
        )
        return found is self.positive


# In the order in which they are looked for; the first one that a word has counts.
_FORMS: Final = ((b"!=(", False, True), (b"!=", False, False), (b"=(", True, True),
                 (b"=", True, False))


def matchers(words: Sequence[bytes]) -> list[Matcher]:
    """What words say.

    Raises:
        LabelError: one makes no sense.
    """
    return [_matcher(word.partition(b"\0")[0]) for word in words]


def _matcher(word: bytes) -> Matcher:
    for mark, positive, is_list in _FORMS:
        if mark in word:
            # Each letter of the mark is one that parts words.
            parts = [part for part in _parted(word, mark) if part]
            if not parts:
                break
            name, value = parts[0], parts[1] if len(parts) > 1 else None
            if is_list:
                return Matcher(name, _values(value), positive)
            if value is None:  # that a label is empty means that there is none
                return Matcher(name, None, not positive)
            return Matcher(name, (value,), positive)
    raise LabelError


def _parted(word: bytes, marks: bytes) -> list[bytes]:
    for mark in marks[1:]:
        word = word.replace(bytes((mark,)), marks[:1])
    return word.split(marks[:1])


def _values(text: bytes | None) -> tuple[bytes, ...]:
    if text is None or not text.endswith(b")"):
        raise LabelError
    values = text[:-1].split(b",") if len(text) > 1 else []
    if not all(values):
        raise LabelError
    return tuple(values)
