"""Places between two characters, an end of the text being the empty string."""

from __future__ import annotations

from typing import Final

from fakeredis.datatypes.regex.automaton import Look
from fakeredis.datatypes.regex.characters import Member


def is_start(before: str, after: str) -> bool:
    """The beginning of the text."""
    return before == ""


def is_end(before: str, after: str) -> bool:
    """The end of the text."""
    return after == ""


STARTS: Final[dict[tuple[bool, bool], Look]] = {  # by the flags m and R
    (True, False): lambda before, after: before in ("", "\n"),
    (True, True): lambda before, after: (
        before in ("", "\n") or (before == "\r" and after != "\n")
    ),
}
ENDS: Final[dict[tuple[bool, bool], Look]] = {
    (True, False): lambda before, after: after in ("", "\n"),
    (True, True): lambda before, after: (
        after in ("", "\r") or (after == "\n" and before != "\r")
    ),
}
# Those of words are strings: whether a word comes before the place, and behind it.
BOUNDARIES: Final[dict[str, Look | str]] = {
    "A": is_start, "z": is_end, "b": "01 10", "B": "00 11", "<": "01", ">": "10",
}
NAMED_BOUNDARIES: Final = {
    "start": "01", "end": "10", "start-half": "00 01", "end-half": "00 10",
}


def words(places: str, member: Member) -> Look:
    """The places of words made of these characters, given as in `BOUNDARIES`."""
    return lambda before, after: f"{member(before):d}{member(after):d}" in places
