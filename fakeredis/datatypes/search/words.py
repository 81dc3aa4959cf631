"""Texts as rows of terms: separators, escapes, stop words, stems."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Final

__all__ = ["LANGUAGES", "STOP_WORDS", "folded", "is_separator", "stem", "terms"]

def _spaced(words: str) -> list[str]:
    return words.split()


STOP_WORDS: Final = frozenset(_spaced(
    "a is the an and are as at be but by for if in into it no not of on or such that their then "
    "there these they this to was will with"
))

# By the names that the server knows; those without a stemmer are taken as they are.
LANGUAGES: Final = frozenset(_spaced(
    "arabic armenian basque catalan danish dutch english finnish french german greek hindi "
    "hungarian indonesian irish italian lithuanian nepali norwegian portuguese romanian russian "
    "serbian spanish swedish tamil turkish yiddish chinese"
))

_SEPARATORS: Final = r" \t,./(){}\[\]:;~!@#$%^&*\-=+|'`\"<>?\0"
_TOKEN: Final = re.compile(
    rf"(?:\\[{_SEPARATORS}\\_]|[^{_SEPARATORS}\\]|\\(?![{_SEPARATORS}\\_]))+"
)
_ESCAPE: Final = re.compile(rf"\\([{_SEPARATORS}\\_])")
_CONTROL: Final = re.compile(r"[\x01-\x1f\x7f]+")  # which is left out of words
_SEPARATING: Final = frozenset(b" \t,./(){}[]:;~!@#$%^&*-=+|'`\"<>?\0")


def is_separator(byte: int) -> bool:
    """Whether a byte stands between words."""
    return byte in _SEPARATING


def folded(text: str) -> str:
    """A text in small letters, one by one, as the server folds them."""
    if text.isascii():
        return text.lower()
    return "".join(low if len(low := char.lower()) == 1 else char for char in text)


def terms(text: str, stop_words: frozenset[str]) -> Iterator[tuple[int, str, int, int]]:
    """The terms of a text with their positions, counted from 1; and where they begin and end.

    Stop words are left out; they take a position nevertheless.
    """
    position = 0
    for found in _TOKEN.finditer(text):
        word = found.group()
        if "\\" in word:
            word = _ESCAPE.sub(r"\1", word)
        word = folded(word)
        if not word.isprintable():
            word = _CONTROL.sub("", word)
        position += 1
        if word in stop_words:
            position -= 1
            continue
        yield position, word, found.start(), found.end()


@lru_cache(maxsize=32)
def _stemming(language: str) -> Callable[[str], str] | None:
    try:
        made = importlib.import_module("snowballstemmer").stemmer(language)
    except KeyError:
        return None
    word: Callable[[str], str] = made.stemWord
    return word


@lru_cache(maxsize=1 << 16)
def stem(word: str, language: str) -> str:
    """The stem of a word; the word itself where it has no other."""
    stemming = _stemming(language)
    return word if stemming is None else stemming(word)
