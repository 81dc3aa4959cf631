"""Options of the commands of sketches, top-k lists and digests."""

from __future__ import annotations

from typing import Annotated

from fakeredis.commands.arguments import Argument, Flag, Int, Option, Options, PerKey
from fakeredis.datatypes.numbers import parse_int
from fakeredis.engine.core.context import Context
from fakeredis.errors import CommandError


class ListOptions(Options):
    """Whether TOPK.LIST tells counts."""

    with_counts: Annotated[bool, Flag("WITHCOUNT")] = False

    @classmethod
    def unknown(cls, ctx: Context, raw: bytes, left: int) -> CommandError:
        """There is another word."""
        return CommandError("WITHCOUNT keyword expected")


class WeightOptions(Options):
    """The weights of sketches that are merged; the server looks for the word at any place."""

    weights: Annotated[tuple[int, ...], Option("WEIGHTS", PerKey(Int))] = ()


def parse_compression(raw: bytes) -> int:
    """How fine a digest is.

    Raises:
        CommandError: it is none.
    """
    number = parse_int(raw)
    if number is None:
        raise CommandError("ERR T-Digest: error parsing compression parameter")
    if number < 1:
        raise CommandError("ERR T-Digest: compression parameter needs to be a positive integer")
    return number


class CreateOptions(Options):
    """What a new digest is like."""

    compression: Annotated[int, Option("COMPRESSION", Argument(parse_compression))] = 100

    @classmethod
    def unknown(cls, ctx: Context, raw: bytes, left: int) -> CommandError:
        """There is another word."""
        return CommandError("ERR T-Digest: wrong keyword")


class MergeOptions(Options):
    """What digests are merged into; the server looks for these words at any place."""

    compression: Annotated[int, Option("COMPRESSION", Argument(parse_compression))] = 0
    override: Annotated[bool, Flag("OVERRIDE")] = False
