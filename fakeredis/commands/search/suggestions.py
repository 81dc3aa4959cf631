"""Suggestions: FT.SUGADD and its kin, whose values are keys of their own."""

from __future__ import annotations

from typing import Any

from fakeredis.commands.search.words import (
    MOST,
    NONE_LEFT,
    NOT_CONVERTED,
    OUT_OF_BOUNDS,
    Words,
    check_count,
    shown,
    wrong_count,
)
from fakeredis.datatypes.numbers import format_float, parse_float, parse_int
from fakeredis.datatypes.search.suggestions import Suggestion, Suggestions
from fakeredis.engine.core.context import Context
from fakeredis.errors import CommandError


def _known(ctx: Context, key: bytes) -> Suggestions | None:
    found: Suggestions | None = ctx.lookup_read(key, Suggestions)
    return found


def sugadd(ctx: Context, *words: bytes) -> int:
    """Add a text; how many there are then.

    Checked in the server's order: number of words, score, options, the key's type.
    """
    if len(words) < 3:
        raise wrong_count(ctx)
    key, raw, given = words[:3]
    score = parse_float(given)
    if score is None or score != score:
        raise CommandError("ERR invalid score")
    adds, payload = _options(Words(words, 3))
    ctx.signal_modified(key)
    value = ctx.lookup_write(key, Suggestions)
    if value is None:
        value = Suggestions()
        ctx.db.put(key, value)
    text = raw.decode("utf-8", "surrogateescape")
    before = value.get(text)
    if before is not None:
        score += before.score if adds else 0.0
        payload = payload if payload is not None else before.payload
    value[text] = Suggestion(score, payload)
    ctx.modified(key, "")
    return len(value)


def _options(words: Words) -> tuple[bool, bytes | None]:
    adds, payload = False, None
    while words:
        given = words.take()
        if given.upper() == b"INCR":
            adds = True
        elif given.upper() == b"PAYLOAD":
            if not words:
                raise CommandError(f"Invalid payload: {NONE_LEFT}")
            payload = words.take()
        else:
            raise CommandError(f"Unknown argument `{shown(given)}`")
    return adds, payload


def sugget(ctx: Context, *words: bytes) -> Any:
    """The best texts with a beginning."""
    if len(words) < 2:
        raise wrong_count(ctx)
    rest = Words(words, 2)
    fuzzy = scores = payloads = False
    most = 5
    while rest:
        given = rest.take()
        word = given.upper()
        if word == b"FUZZY":
            fuzzy = True
        elif word == b"WITHSCORES":
            scores = True
        elif word == b"WITHPAYLOADS":
            payloads = True
        elif word == b"MAX":
            most = _most(rest)
        else:
            raise CommandError(f"Unrecognized argument: {shown(given)}")
    value = _known(ctx, words[0])
    if value is None:
        return None
    reply: list[Any] = []
    for text, score in value.matching(words[1].decode("utf-8", "surrogateescape"), fuzzy, most):
        reply.append(text.encode("utf-8", "surrogateescape"))
        if scores:
            reply.append(score if ctx.session.protocol == 3 else format_float(score))
        if payloads:
            reply.append(value[text].payload)
    return reply


def _most(words: Words) -> int:
    if not words:
        raise CommandError(f"MAX: {NONE_LEFT}")
    raw = words.take()
    found = parse_float(raw)
    if found is None or (0 <= found < 1 and parse_int(raw) is None):
        raise CommandError(f"MAX: {NOT_CONVERTED}")
    if not 1 <= found <= MOST:
        raise CommandError(f"MAX: {OUT_OF_BOUNDS}")
    return int(found)


def suglen(ctx: Context, *words: bytes) -> int:
    """How many texts there are."""
    check_count(ctx, words, 1, 1)
    value = _known(ctx, words[0])
    return 0 if value is None else len(value)


def sugdel(ctx: Context, *words: bytes) -> int:
    """Forget a text; whether it was there. The key stays."""
    check_count(ctx, words, 2, 2)
    value = _known(ctx, words[0])
    if value is None or value.pop(words[1].decode("utf-8", "surrogateescape"), None) is None:
        return 0
    ctx.modified_unsignalled(words[0])
    return 1
