"""How words sound: Lawrence Philips' double metaphone, of which the server uses the first code.

Each letter has a function, given the word and a place in it; it returns the code's letters there
and how many letters of the word they stand for. The order of its cases is that of the algorithm.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final

__all__ = ["code"]

_MOST: Final = 4  # letters of a code
_VOWELS: Final = frozenset("AEIOUY")
_NOTHING: Final = "     "  # behind a word, where rules look for what follows


class _Word:
    """A word in capitals, byte by byte."""

    __slots__ = ("is_dutch", "is_slavic", "length", "text")

    def __init__(self, word: str) -> None:
        text = word.encode("utf-8", "surrogateescape").upper().decode("latin-1")
        self.text = text + _NOTHING
        self.length = len(text)
        self.is_slavic = "W" in text or "K" in text or "CZ" in text
        self.is_dutch = text.startswith("SCH")

    def has(self, at: int, *parts: str) -> bool:
        """Whether one of some parts stands at a place."""
        return at >= 0 and self.text.startswith(parts, at)

    def vowel(self, at: int) -> bool:
        """Whether there is a vowel."""
        return 0 <= at < self.length and self.text[at] in _VOWELS

    def is_last(self, at: int) -> bool:
        """Whether no letter follows."""
        return at == self.length - 1


@lru_cache(maxsize=1 << 14)
def code(word: str) -> str:
    """The code of a word; none for one without a letter of those that sound."""
    given = _Word(word)
    at = 1 if given.has(0, "GN", "KN", "PN", "WR", "PS") else 0
    made = ""
    if given.has(0, "X"):
        made, at = "S", 1
    while len(made) < _MOST and at < given.length:
        letter = given.text[at]
        sound = _SOUNDS.get(letter)
        if sound is not None:
            more, step = sound(given, at)
        elif letter in _VOWELS:
            more, step = "" if at else "A", 1
        else:
            more, step = "", 1
        made += more
        at += step
    return made[:_MOST]


Sound = Callable[[_Word, int], tuple[str, int]]


def _plain(sound: str, twins: str) -> Sound:
    """Of a letter that sounds always the same; some behind it are not heard."""

    def made(word: _Word, at: int) -> tuple[str, int]:
        return sound, 2 if word.text[at + 1] in twins else 1

    return made


def _c(word: _Word, at: int) -> tuple[str, int]:
    has = word.has
    if at > 1 and not word.vowel(at - 2) and has(at - 1, "ACH") and not has(at + 2, "I") and (
        not has(at + 2, "E") or has(at - 2, "BACHER", "MACHER")
    ):
        return "K", 2
    if not at and has(0, "CAESAR"):
        return "S", 2
    if has(at, "CHIA"):
        return "K", 2
    if has(at, "CH"):
        return _ch(word, at), 2
    if has(at, "CZ") and not has(at - 2, "WICZ"):
        return "S", 2
    if has(at + 1, "CIA"):
        return "X", 3
    if has(at, "CC") and not (at == 1 and has(0, "M")):
        if not has(at + 2, "I", "E", "H") or has(at + 2, "HU"):
            return "K", 2
        hard = (at == 1 and has(0, "A")) or has(at - 1, "UCCEE", "UCCES")
        return "KS" if hard else "X", 3
    if has(at, "CK", "CG", "CQ"):
        return "K", 2
    if has(at, "CI", "CE", "CY"):
        return "S", 2
    return "K", 2 if has(at + 1, "C", "K", "Q") and not has(at + 1, "CE", "CI") else 1


def _ch(word: _Word, at: int) -> str:
    has = word.has
    if at and has(at, "CHAE"):
        return "K"
    greek = has(1, "HARAC", "HARIS", "HOR", "HYM", "HIA", "HEM") and not has(0, "CHORE")
    if not at and greek:
        return "K"
    if word.is_dutch or has(at - 2, "ORCHES", "ARCHIT", "ORCHID") or has(at + 2, "T", "S"):
        return "K"
    if (not at or has(at - 1, "A", "O", "U", "E")) and has(
        at + 2, "L", "R", "N", "M", "B", "H", "F", "V", "W", " "
    ):
        return "K"
    return "K" if at and has(0, "MC") else "X"


def _d(word: _Word, at: int) -> tuple[str, int]:
    if word.has(at, "DG"):
        return ("J", 3) if word.has(at + 2, "I", "E", "Y") else ("TK", 2)
    return "T", 2 if word.has(at, "DT", "DD") else 1


def _g(word: _Word, at: int) -> tuple[str, int]:
    has = word.has
    if has(at + 1, "H"):
        return _gh(word, at), 2
    if has(at + 1, "N"):
        if at == 1 and word.vowel(0) and not word.is_slavic:
            return "KN", 2
        return "KN" if has(at + 2, "EY") or word.is_slavic else "N", 2
    if has(at + 1, "LI") and not word.is_slavic:
        return "KL", 2
    if not at and has(
        1, "Y", "ES", "EP", "EB", "EL", "EY", "IB", "IL", "IN", "IE", "EI", "ER"
    ):
        return "K", 2
    if has(at + 1, "ER", "Y") and not has(0, "DANGER", "RANGER", "MANGER") and not has(
        at - 1, "E", "I", "RGY", "OGY"
    ):
        return "K", 2
    if has(at + 1, "E", "I", "Y") or has(at - 1, "AGGI", "OGGI"):
        return "K" if word.is_dutch or has(at + 1, "ET") else "J", 2
    return "K", 2 if has(at + 1, "G") else 1


def _gh(word: _Word, at: int) -> str:
    has = word.has
    if at and not word.vowel(at - 1):
        return "K"
    if not at:
        return "J" if has(2, "I") else "K"
    if (at > 1 and has(at - 2, "B", "H", "D")) or (at > 2 and has(at - 3, "B", "H", "D")) or (
        at > 3 and has(at - 4, "B", "H")
    ):
        return ""
    if at > 2 and has(at - 1, "U") and has(at - 3, "C", "G", "L", "R", "T"):
        return "F"
    return "" if has(at - 1, "I") else "K"


def _h(word: _Word, at: int) -> tuple[str, int]:
    heard = (not at or word.vowel(at - 1)) and word.vowel(at + 1)
    return ("H", 2) if heard else ("", 1)


def _j(word: _Word, at: int) -> tuple[str, int]:
    has = word.has
    if has(at, "JOSE"):
        return "H" if not at and has(4, " ") else "J", 1
    spanish = word.vowel(at - 1) and not word.is_slavic and has(at + 1, "A", "O")
    mute = has(at + 1, "L", "T", "K", "S", "N", "M", "B", "Z") or has(at - 1, "S", "K", "L")
    heard = not at or spanish or word.is_last(at) or not mute
    return "J" if heard else "", 2 if has(at + 1, "J") else 1


def _m(word: _Word, at: int) -> tuple[str, int]:
    mute = word.has(at - 1, "UMB") and (word.is_last(at + 1) or word.has(at + 2, "ER"))
    return "M", 2 if mute or word.has(at + 1, "M") else 1


def _p(word: _Word, at: int) -> tuple[str, int]:
    if word.has(at + 1, "H"):
        return "F", 2
    return "P", 2 if word.has(at + 1, "P", "B") else 1


def _r(word: _Word, at: int) -> tuple[str, int]:
    french = (
        word.is_last(at) and not word.is_slavic and word.has(at - 2, "IE")
        and not word.has(at - 4, "ME", "MA")
    )
    return "" if french else "R", 2 if word.has(at + 1, "R") else 1


def _s(word: _Word, at: int) -> tuple[str, int]:
    has = word.has
    if has(at - 1, "ISL", "YSL"):
        return "", 1
    if not at and has(0, "SUGAR"):
        return "X", 1
    if has(at, "SH"):
        return "S" if has(at + 1, "HEIM", "HOEK", "HOLM", "HOLZ") else "X", 2
    if has(at, "SIO", "SIA"):
        return "S", 3
    if not at and has(1, "M", "N", "L", "W"):
        return "S", 1
    if has(at + 1, "Z"):
        return "S", 2
    if has(at, "SCH"):
        if not has(at + 3, "OO", "ER", "EN", "UY", "ED", "EM"):
            return "X", 3
        return "X" if has(at + 3, "ER", "EN") else "SK", 3
    if has(at, "SC"):
        return "S" if has(at + 2, "I", "E", "Y") else "SK", 3
    french = word.is_last(at) and has(at - 2, "AI", "OI")
    return "" if french else "S", 2 if has(at + 1, "S", "Z") else 1


def _t(word: _Word, at: int) -> tuple[str, int]:
    has = word.has
    if has(at, "TION", "TIA", "TCH"):
        return "X", 3
    if has(at, "TH", "TTH"):
        return "T" if has(at + 2, "OM", "AM") or word.is_dutch else "0", 2
    return "T", 2 if has(at + 1, "T", "D") else 1


def _w(word: _Word, at: int) -> tuple[str, int]:
    has = word.has
    if has(at, "WR"):
        return "R", 2
    start = "A" if not at and (word.vowel(1) or has(0, "WH")) else ""
    if (word.is_last(at) and word.vowel(at - 1)) or word.is_dutch or has(
        at - 1, "EWSKI", "EWSKY", "OWSKI", "OWSKY"
    ):
        return start, 1
    return (start + "TS", 4) if has(at, "WICZ", "WITZ") else (start, 1)


def _x(word: _Word, at: int) -> tuple[str, int]:
    french = word.is_last(at) and (word.has(at - 3, "IAU", "EAU") or word.has(at - 2, "AU", "OU"))
    return "" if french else "KS", 2 if word.has(at + 1, "C", "X") else 1


def _z(word: _Word, at: int) -> tuple[str, int]:
    if word.has(at + 1, "H"):
        return "J", 2
    return "S", 2 if word.has(at + 1, "Z") else 1


_SOUNDS: Final[dict[str, Sound]] = {
    "B": _plain("P", "B"), "C": _c, "D": _d, "F": _plain("F", "F"), "G": _g, "H": _h, "J": _j,
    "K": _plain("K", "K"), "L": _plain("L", "L"), "M": _m, "N": _plain("N", "N"), "P": _p,
    "Q": _plain("K", "Q"), "R": _r, "S": _s, "T": _t, "V": _plain("F", "V"), "W": _w, "X": _x,
    "Z": _z,
}
