"""The words of a declaration: what stands for the arguments of a command."""

from __future__ import annotations

from fakeredis.engine.command.keys import UNKNOWN, KeySpec, counted, index, keyword, span
from fakeredis.engine.command.options import (
    Counted,
    Nested,
    Options,
    PerKey,
    Remaining,
    Threshold,
)
from fakeredis.engine.command.syntax import (
    Args,
    Argument,
    Declared,
    Flag,
    Float,
    Int,
    Key,
    Many,
    NumKeys,
    OneOf,
    Option,
    Optional,
    Raw,
    Rest,
    Timeout,
    Token,
    Values,
    integer,
    token_since,
    word_of,
)

__all__ = [
    "UNKNOWN", "Args", "Argument", "Counted", "Declared", "Flag", "Float", "Int", "Key", "KeySpec",
    "Many", "Nested", "NumKeys", "OneOf", "Option", "Optional", "Options", "PerKey", "Raw",
    "Remaining", "Rest", "Threshold", "Timeout", "Token", "Values", "counted", "index", "integer",
    "keyword", "span", "token_since", "word_of",
]
