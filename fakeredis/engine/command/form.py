"""The form of a command's arguments, for those who compare calls: where order means nothing.

A form is a text, a row of words:

    key value member     one argument
    ^where               one argument that is a word of the command, whatever its case
    {NX EX=1 COUNT=1?ANY}  options in any order, each with so many values and words that may follow;
                         ``=key`` a value that is a key, ``=keys`` several, ``=trim`` a threshold of
                         XADD and XTRIM, ``=#2`` a count and so many groups of two, ``=numkeys`` as
                         many as keys, ``=rest`` all that follows
    member* (a b)*       all that follow, in this order, until an option that is declared next
    member~ (a b)~       the same, where the order means nothing
    #key* #key~          a count and so many of them
    streams              ``STREAMS key ... id ...``

A command without a form is compared argument by argument.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

__all__ = ["Element", "Option", "elements"]

class Option(NamedTuple):
    """A word, the kind of values behind it, and a word that may follow."""

    values: str
    follow: str


class Element(NamedTuple):
    """One word of a form."""

    kind: str  # one, many, counted, options, streams
    words: tuple[str, ...] = ()
    ordered: bool = True
    options: dict[str, Option] = {}  # noqa: RUF012 - never changed


@cache
def elements(form: str) -> tuple[Element, ...]:
    """The words of a form."""
    return tuple(map(_element, re.findall(r"\{.*?\}|#?\(.*?\)[*~]|\S+", form or "value*")))


def _element(word: str) -> Element:
    if word.startswith("{"):
        return Element("options", options=dict(map(_option, word[1:-1].split())))
    if word == "streams":
        return Element(word)
    if word[-1] not in "*~":
        return Element("one", (word,))
    kind = "counted" if word[0] == "#" else "many"
    return Element(kind, tuple(word.strip("#()*~").split()), ordered=word[-1] == "*")


def _option(word: str) -> tuple[str, Option]:
    head, _, follow = word.partition("?")
    token, _, values = head.partition("=")
    return token, Option(values or "0", follow)
