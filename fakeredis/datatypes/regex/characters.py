"""Characters: the classes that have names, and which are the same but for case."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from typing import Final

Member = Callable[[str], bool]
"""Whether a character belongs to a class."""

DEEPEST: Final = 250  # so deep groups, repetitions, classes and what stands in a row may nest


class NoRegex(Exception):
    """What the server does not take for a regular expression."""


def _set(ranges: str) -> frozenset[str]:
    """A set of characters from pairs of the first and the last of ranges."""
    return frozenset(
        chr(number) for first, last in zip(ranges[::2], ranges[1::2], strict=True)
        for number in range(ord(first), ord(last) + 1)
    )


CLASSES: Final = {
    "alnum": _set("09AZaz"), "alpha": _set("AZaz"), "ascii": _set("\0\x7f"),
    "blank": _set("\t\t  "), "cntrl": _set("\0\x1f\x7f\x7f"), "digit": _set("09"),
    "graph": _set("!~"), "lower": _set("az"), "print": _set(" ~"), "punct": _set("!/:@[`{~"),
    "space": _set("\t\r  "), "upper": _set("AZ"), "word": _set("09AZaz__"),
    "xdigit": _set("09AFaf"),
}
# Unicode counts them to the alphabetic ones, for what they look like, and joiners to the words.
_MORE_OF_WORDS: Final = _set("\u24b6\u24e9\u200c\u200d\U0001f130\U0001f149\U0001f150\U0001f169"
                             "\U0001f170\U0001f189")
_WORD_CATEGORIES: Final = frozenset(
    ("Ll", "Lm", "Lo", "Lt", "Lu", "Mc", "Me", "Mn", "Nd", "Nl", "Pc")
)
is_ascii_word: Final = CLASSES["word"].__contains__


def is_word(char: str) -> bool:
    r"""Those of ``\w``; an end of the text is none."""
    return char != "" and (
        unicodedata.category(char) in _WORD_CATEGORIES or char in _MORE_OF_WORDS
    )


def is_space(char: str) -> bool:
    r"""Those of ``\s``."""
    return char.isspace() and not "\x1c" <= char <= "\x1f"


def is_digit(char: str) -> bool:
    r"""Those of ``\d``."""
    return unicodedata.category(char) == "Nd"


def anything(char: str) -> bool:
    """All characters."""
    return True


def nothing(char: str) -> bool:
    """None of them."""
    return False


def inverted(member: Member) -> Member:
    """All others."""
    return lambda char: not member(char)


# The sizes are those of the server's tables.
PERL: Final[dict[str, tuple[Member, Member, int]]] = {
    "w": (is_word, is_ascii_word, 48_000), "s": (is_space, CLASSES["space"].__contains__, 680),
    "d": (is_digit, CLASSES["digit"].__contains__, 4650),
}


@lru_cache(maxsize=1)
def cases() -> dict[str, frozenset[str]]:
    """The characters that are the same as others but for case, each with itself and those."""
    groups: dict[str, set[str]] = {}
    for char in map(chr, range(0x1F000)):  # there are none beyond
        folded = char.casefold()
        if len(folded) > 1:  # a character stands for one character
            folded = char.lower()
        if folded != char and len(folded) == 1:
            groups.setdefault(folded, {folded}).add(char)
    return {char: frozenset(group) for group in groups.values() for char in group}


def in_any_case(member: Member) -> Member:
    """Those of a class, and what is the same as one of them but for case."""
    same = cases()
    return lambda char: any(map(member, same.get(char, char)))


def in_any_ascii_case(member: Member) -> Member:
    """Those of a class, and the other case of its letters of ASCII."""
    return lambda char: member(char) or (char.isascii() and member(char.swapcase()))


_PREFIX: Final = re.compile(r"^(?:(?:gc|general[-_\s]*category)(?:!?=|:))?(?:is)?")
# The general categories by their letters and, as the server compares names, by their names.
_CATEGORIES: Final = {
    "l": "L", "letter": "L", "lu": "Lu", "uppercaseletter": "Lu", "ll": "Ll",
    "lowercaseletter": "Ll", "lt": "Lt", "titlecaseletter": "Lt", "lc": "LC", "casedletter": "LC",
    "lm": "Lm", "modifierletter": "Lm", "lo": "Lo", "otherletter": "Lo", "m": "M", "mark": "M",
    "combiningmark": "M", "mn": "Mn", "nonspacingmark": "Mn", "mc": "Mc", "spacingmark": "Mc",
    "me": "Me", "enclosingmark": "Me", "n": "N", "number": "N", "nd": "Nd", "decimalnumber": "Nd",
    "digit": "Nd", "nl": "Nl", "letternumber": "Nl", "no": "No", "othernumber": "No", "p": "P",
    "punctuation": "P", "punct": "P", "pc": "Pc", "connectorpunctuation": "Pc", "pd": "Pd",
    "dashpunctuation": "Pd", "ps": "Ps", "openpunctuation": "Ps", "pe": "Pe",
    "closepunctuation": "Pe", "pi": "Pi", "initialpunctuation": "Pi", "pf": "Pf",
    "finalpunctuation": "Pf", "po": "Po", "otherpunctuation": "Po", "s": "S", "symbol": "S",
    "sm": "Sm", "mathsymbol": "Sm", "sc": "Sc", "currencysymbol": "Sc", "sk": "Sk",
    "modifiersymbol": "Sk", "so": "So", "othersymbol": "So", "z": "Z", "separator": "Z", "zs": "Zs",
    "spaceseparator": "Zs", "zl": "Zl", "lineseparator": "Zl", "zp": "Zp",
    "paragraphseparator": "Zp", "c": "C", "other": "C", "cc": "Cc", "control": "Cc", "cntrl": "Cc",
    "cf": "Cf", "format": "Cf", "cn": "Cn", "unassigned": "Cn", "co": "Co", "privateuse": "Co",
}


def category(name: str) -> Member:
    """The characters of a general category; names that are none of them are refused.

    It may stand behind `gc=` or `gc!=`, which mean the same to the server.
    """
    name = re.sub(r"[-_\s]+", "", _PREFIX.sub("", name.lower()))
    if name == "any":
        return anything
    if name == "ascii":
        return str.isascii
    if name == "assigned":
        return lambda char: unicodedata.category(char) != "Cn"
    code = _CATEGORIES.get(name)
    if code is None:
        raise NoRegex
    if code == "LC":
        return lambda char: unicodedata.category(char) in ("Lu", "Ll", "Lt")
    return lambda char: unicodedata.category(char).startswith(code)
