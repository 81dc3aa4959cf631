"""Options of the JSON commands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fakeredis import errors
from fakeredis.commands.arguments import Argument, Flag, OneOf, Option, Options, Raw, Token, word_of
from fakeredis.engine.core.context import Context
from fakeredis.errors import CommandError

WRONG_FORMAT = "ERR wrong reply format"
FORMAT_IN_RESP2 = "ERR FORMAT argument is not supported on RESP2"


def _space(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _format(ctx: Context, name: bytes) -> bytes:
    if name not in (b"STRING", b"EXPAND", b"EXPAND1"):
        raise CommandError(WRONG_FORMAT)
    return name if ctx.session.protocol == 3 else b"STRING"


def _no_format(ctx: Context, name: bytes) -> bytes:
    raise CommandError(FORMAT_IN_RESP2)


class GetOptions(Options, others="paths"):
    """How JSON.GET shows values, between any paths."""

    indent: Annotated[str, Option("INDENT", Argument(_space))] = ""
    newline: Annotated[str, Option("NEWLINE", Argument(_space))] = ""
    space: Annotated[str, Option("SPACE", Argument(_space))] = ""
    format: Annotated[bytes, Option("FORMAT", Raw, make=_format)] = b"STRING"
    escape: Annotated[bool, Flag("NOESCAPE")] = False  # it means nothing any more
    paths: Sequence[bytes] = ()

    @classmethod
    def lacking(cls, ctx: Context, raw: bytes, left: int) -> CommandError:
        """There are too few words."""
        return ctx.wrong_arity()


class LeadingGetOptions(GetOptions):
    """Those before any path, in RESP2: FORMAT is refused there, and behind one means nothing."""

    format: Annotated[bytes, Option("FORMAT", Raw, make=_no_format)] = b"STRING"

    @classmethod
    def lacking(cls, ctx: Context, raw: bytes, left: int) -> CommandError:
        """There are too few words, but FORMAT is refused first."""
        if raw.upper().startswith(b"FORMAT"):
            return CommandError(FORMAT_IN_RESP2)
        return ctx.wrong_arity()


def _kept_format(raw: bytes) -> bytes:
    if raw not in (b"JSON", b"STRING"):
        raise CommandError("ERR wrong format")
    return raw


def _float_type(raw: bytes) -> bytes:
    name = word_of(raw)
    if name not in (b"BF16", b"FP16", b"FP32", b"FP64"):
        raise CommandError(errors.SYNTAX)
    return name


class SetOptions(Options):
    """Whether JSON.SET sets, what it is given, and how much it keeps of arrays of floats."""

    condition: Annotated[str, OneOf(NX=Token, XX=Token, once=True)] = ""
    format: Annotated[bytes, Option("FORMAT", Argument(_kept_format))] = b"JSON"
    fpha: Annotated[
        bytes, Option("FPHA", Argument(_float_type), introduced={"redis": "8.8.0"})
    ] = b""

    @classmethod
    def lacking(cls, ctx: Context, raw: bytes, left: int) -> CommandError:
        """There are too few words."""
        return ctx.wrong_arity()
