"""The words of HEXPIRE, HGETEX and HSETEX in any order, as Redis 8.4 and newer read them.

Older servers want FIELDS at the end. The newer ones know the words of HGETEX and HSETEX in both,
and refuse those of the other one when all has been read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from fakeredis import errors
from fakeredis.datatypes.numbers import parse_int
from fakeredis.engine.command.syntax import word_of
from fakeredis.engine.core.context import Context
from fakeredis.engine.wording import clean
from fakeredis.errors import CommandError

# What makes a deadline of the word behind each of these.
Expirations = Mapping[str, Callable[[Context, bytes], int]]

_CONDITIONS: Final = frozenset({"NX", "XX", "GT", "LT"})


class Given(NamedTuple):
    """What the words say; ``fields`` with their values, where a command has these."""

    fields: Sequence[bytes]
    condition: str = ""
    expiry: tuple[str, int | None] | None = None


def conditions_and_fields(ctx: Context, words: Sequence[bytes]) -> Given:
    """HEXPIRE's words and those of its kin.

    Raises:
        CommandError: a word that is none, FIELDS missing or twice, several conditions.
    """
    fields: list[bytes] | None = None
    conditions = set()
    at = 0
    while at < len(words):
        word = _word(words[at])
        at += 1
        if word in _CONDITIONS:
            conditions.add(word)
        elif word != "FIELDS":
            raise _unknown(words[at - 1])
        elif fields is not None:
            raise CommandError(errors.FIELDS_TWICE)
        elif at + 2 > len(words):
            raise CommandError(errors.FIELDS_LACKING)
        else:
            fields = _counted(words, at, 1, errors.NUMFIELDS_NOT_POSITIVE)
            at += 1 + len(fields)
    if fields is None:
        raise CommandError(errors.FIELDS_NOT_GIVEN)
    if len(conditions) > 1:
        raise CommandError(errors.HASH_CONDITIONS)
    return Given(fields, "".join(conditions))


def expiry_and_fields(
    ctx: Context, words: Sequence[bytes], expirations: Expirations, setting: bool
) -> Given:
    """HGETEX's words, or, ``setting``, those of HSETEX.

    Raises:
        CommandError: a word that is none, or the other command's; FIELDS missing or twice; several
            conditions or expirations.
    """
    fields: list[bytes] | None = None
    seen: set[str] = set()
    condition = ""
    expiry: tuple[str, int | None] | None = None
    conflict = errors.ONE_OF_EXPIRATIONS if setting else errors.ONE_OF_GETEX_EXPIRATIONS
    at = 0
    while at < len(words):
        word = _word(words[at])
        at += 1
        if word in ("FNX", "FXX"):
            if condition:
                raise CommandError(errors.ONE_OF_FXX_FNX)
            condition = word
        elif word in expirations or word in ("PERSIST", "KEEPTTL"):
            if seen & expirations.keys() or word in seen or (seen and word in expirations):
                raise CommandError(conflict)
            seen.add(word)
            expiry = word, None
            if word in expirations:
                if at == len(words):
                    raise CommandError(errors.EXPIRE_TIME_MISSING)
                expiry = word, expirations[word](ctx, words[at])
                at += 1
        elif word != "FIELDS":
            raise _unknown(words[at - 1])
        elif fields is not None:
            raise CommandError(errors.FIELDS_TWICE)
        elif at == len(words):
            raise ctx.wrong_arity()
        else:
            fields = _counted(words, at, 1 + setting, errors.NUMFIELDS_INVALID)
            at += 1 + len(fields)
    if fields is None:
        raise CommandError(errors.FIELDS_NOT_GIVEN)
    if "PERSIST" in seen if setting else condition or "KEEPTTL" in seen:
        raise CommandError(errors.UNKNOWN_ARGUMENT_UNNAMED)
    return Given(fields, condition, expiry)


def _word(raw: bytes) -> str:
    return word_of(raw).decode("latin-1")


def _unknown(raw: bytes) -> CommandError:
    return CommandError(errors.UNKNOWN_ARGUMENT % clean(raw))


def _counted(words: Sequence[bytes], at: int, size: int, bad: str) -> list[bytes]:
    """The words of as many fields as the word at ``at`` says."""
    number = parse_int(words[at])
    if number is None or not 1 <= number < 1 << 31:
        raise CommandError(bad)
    end = at + 1 + number * size
    if end > len(words):
        raise CommandError(errors.FIELDS_TOO_FEW)
    return list(words[at + 1 : end])
