"""Thompson's automaton: an expression as a list of steps, and the search by it.

The jumps of steps are relative, so that parts of an expression are put together and repeated as
lists. What follows a set of places when a character is read is kept, within bounds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from fakeredis.datatypes.regex.characters import Member, is_ascii_word, is_word

Look = Callable[[str, str], bool]
"""Whether a place between two characters fits; an end of the text is the empty string."""

_MOST_KEPT: Final = 10_000  # places and characters that an automaton remembers


class Step(NamedTuple):
    """One step: a character to read, or a place to look at, or nothing; then where to go on."""

    reads: Member | None = None
    looks: Look | None = None
    ways: tuple[int, ...] = (1,)  # from here


class _State:
    """Places reached by what was read so far, and where each next character led to."""

    __slots__ = ("after", "before", "places")

    def __init__(self, places: frozenset[int], before: str) -> None:
        self.places, self.before = places, before
        self.after: dict[str, _State] = {}


_FOUND: Final = _State(frozenset(), "")


class Automaton:
    """The steps of an expression, and the states they were seen in."""

    def __init__(self, steps: list[Step]) -> None:
        self._steps = steps
        self._looks = any(step.looks is not None for step in steps)
        self._forget()

    def _forget(self) -> None:
        self._states: dict[tuple[frozenset[int], str], _State] = {}
        self._kept = 0
        self._start = _State(frozenset(), "")

    def search(self, text: str) -> bool:
        """Whether the expression is found."""
        state = self._start
        for char in text:
            state = state.after.get(char) or self._next(state, char)
            if state is _FOUND:
                return True
        return (state.after.get("") or self._next(state, "")) is _FOUND

    def _next(self, state: _State, char: str) -> _State:
        places = self._read(state, char)
        if places is None:
            following = _FOUND
        else:
            key = places, _context(char) if self._looks else ""
            self._kept += 1
            if key not in self._states:
                self._kept += len(places)
                if self._kept > _MOST_KEPT:
                    self._forget()
            following = self._states.setdefault(key, _State(*key))
        state.after[char] = following
        return following

    def _read(self, state: _State, char: str) -> frozenset[int] | None:
        """The places behind a character, the empty one at the end; None when the end is reached."""
        todo = [0, *state.places]  # an expression may be found from any character on
        seen = set(todo)
        places = set()
        while todo:
            at = todo.pop()
            if at == len(self._steps):
                return None
            reads, looks, ways = self._steps[at]
            if reads is not None:
                if char and reads(char):
                    places.add(at + 1)
            elif looks is None or looks(state.before, char):
                for way in ways:
                    if at + way not in seen:
                        seen.add(at + way)
                        todo.append(at + way)
        return frozenset(places)


def _context(char: str) -> str:
    """A character that is looked back at like this one, of few."""
    if char in "\r\n":
        return char
    return "a" if is_ascii_word(char) else "\xe9" if is_word(char) else " "
