"""The words of a declaration: what stands for the arguments of a command."""

from __future__ import annotations

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
    integer,
    token_since,
    word_of,
)

__all__ = [
    "Args", "Argument", "Declared", "Flag", "Float", "Int", "Key", "Many", "NumKeys", "OneOf",
    "Option", "Optional", "Raw", "Rest", "Timeout", "Token", "integer", "token_since", "word_of",
]  # fmt: skip
