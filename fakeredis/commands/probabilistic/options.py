"""Options of the probabilistic types' commands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fakeredis.commands.arguments import Argument, Flag, Int, Option, Options, Remaining
from fakeredis.commands.probabilistic.common import double, integer, wrong_count
from fakeredis.engine.core.context import Context
from fakeredis.errors import CommandError


class BloomReserveOptions(Options):
    """What a new Bloom filter is like; the server looks for these at any place."""

    expansion: Annotated[int, Option("EXPANSION", Int)] = 2
    fixed: Annotated[bool, Flag("NONSCALING")] = False


class CuckooReserveOptions(Options):
    """What a new cuckoo filter is like; the server looks for these at any place."""

    bucket_size: Annotated[int, Option("BUCKETSIZE", Int)] = 2
    iterations: Annotated[int, Option("MAXITERATIONS", Int)] = 20
    expansion: Annotated[int, Option("EXPANSION", Int)] = 1


def _of_insert(word: bytes) -> bytes:
    """The word that another one stands for: the first letters decide."""
    first = word[:1]
    if first == b"N":
        return b"NOCREATE" if word[2:3] == b"C" else b"NONSCALING"
    if first == b"E":
        return b"ERROR" if word[1:2] == b"R" else b"EXPANSION"
    return {b"C": b"CAPACITY", b"I": b"ITEMS"}.get(first, word)


def _of_cuckoo_insert(word: bytes) -> bytes:
    return {b"C": b"CAPACITY", b"I": b"ITEMS", b"N": b"NOCREATE"}.get(word[:1], word)


class _InsertOptions(Options):
    """What commands that insert have in common."""

    @classmethod
    def unknown(cls, ctx: Context, raw: bytes, left: int) -> CommandError:
        """The error for a word that is none of them."""
        return CommandError("Unknown argument received")

    @classmethod
    def lacking(cls, ctx: Context, raw: bytes, left: int) -> CommandError:
        """There are too few words."""
        return wrong_count(ctx)


def _capacity(raw: bytes) -> int:
    return integer(raw, "Bad capacity")


def _error(raw: bytes) -> float:
    return double(raw, "Bad error rate")


def _expansion(raw: bytes) -> int:
    return integer(raw, "Bad expansion")


class BloomInsertOptions(_InsertOptions, meant=_of_insert):
    """What BF.INSERT adds, and what the filter is like if there is none."""

    capacity: Annotated[int, Option("CAPACITY", Argument(_capacity))] = 100
    error: Annotated[float, Option("ERROR", Argument(_error))] = 0.01
    expansion: Annotated[int, Option("EXPANSION", Argument(_expansion))] = 2
    must_exist: Annotated[bool, Flag("NOCREATE")] = False
    fixed: Annotated[bool, Flag("NONSCALING")] = False
    items: Annotated[Sequence[bytes], Option("ITEMS", Remaining())] = ()


def _cuckoo_capacity(raw: bytes) -> int:
    capacity = _capacity(raw)
    if capacity < 4:  # two buckets of the usual size
        raise CommandError("Capacity must be at least (BucketSize * 2)")
    return capacity


class CuckooInsertOptions(_InsertOptions, meant=_of_cuckoo_insert):
    """What CF.INSERT adds, and what the filter is like if there is none."""

    capacity: Annotated[int, Option("CAPACITY", Argument(_cuckoo_capacity))] = 1024
    must_exist: Annotated[bool, Flag("NOCREATE")] = False
    items: Annotated[Sequence[bytes], Option("ITEMS", Remaining())] = ()
