"""Regular expressions of Rust's ``regex``, in time linear in the text, whatever the expression.

They have neither groups that look around nor references, so that a set of places in the expression
says all about the text read so far, and nothing is ever tried twice. Only whether an expression is
found is told, so greedy and lazy are the same. Of Unicode's properties only the general categories
are known here.
"""

from __future__ import annotations

from functools import lru_cache

from fakeredis.datatypes.regex.automaton import Automaton
from fakeredis.datatypes.regex.characters import NoRegex
from fakeredis.datatypes.regex.parser import Parser

__all__ = ["Automaton", "compiled", "search"]


def search(pattern: str, text: str) -> bool:
    """Whether a regular expression is found in a text; what is none, is not found."""
    automaton = compiled(pattern)
    return automaton is not None and automaton.search(text)


@lru_cache(maxsize=64)
def compiled(pattern: str, flags: str = "u") -> Automaton | None:
    """What searches for a regular expression; None for what is none.

    Besides the flags of the syntax there is `b` instead of `u`: pattern and texts are bytes, read
    as Latin-1.
    """
    try:
        return Automaton(Parser(pattern, flags).parse())
    except NoRegex:
        return None
