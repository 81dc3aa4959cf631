"""Stream commands of Redis 8.6 and 8.8: limits of idempotence, and giving entries back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from fakeredis import errors
from fakeredis.commands.arguments import Key, Raw, Rest, word_of
from fakeredis.commands.registry import FAST, WRITE
from fakeredis.commands.stream import group, producers
from fakeredis.datatypes.numbers import INT_MAX, parse_int
from fakeredis.datatypes.stream import Group as ConsumerGroup
from fakeredis.datatypes.stream import Pending, Stream, parse_id
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import OK
from fakeredis.errors import CommandError

_LIMITS: Final = {b"IDMP-DURATION": (86400, "86400 seconds"), b"IDMP-MAXSIZE": (10000, "10000")}
_MODES: Final = frozenset({b"SILENT", b"FAIL", b"FATAL"})


@group.command("XCFGSET", Key("RW update"), Rest(), flags=WRITE | FAST, since={"redis": "8.6.0"})
def xcfgset(ctx: Context, key: bytes, words: list[bytes]) -> Any:
    """Say how long and how many idempotent IDs a stream remembers.

    Checked in the server's order: syntax and numbers, key, type.
    """
    if not words:
        raise CommandError(errors.XCFGSET_NOTHING)
    limits: dict[bytes, int] = {}
    rest = iter(words)
    for raw in rest:
        word = word_of(raw)
        value = next(rest, None)
        if word not in _LIMITS or value is None:
            raise CommandError(errors.SYNTAX)
        number = parse_int(value)
        if number is None:
            raise CommandError(errors.NOT_INTEGER)
        most, text = _LIMITS[word]
        if not 1 <= number <= most:
            raise CommandError(errors.XCFGSET_RANGE % (word.decode(), text))
        limits[word] = number
    stream: Stream | None = ctx.lookup_write(key, Stream)
    if stream is None:
        raise CommandError(errors.NO_SUCH_KEY)
    producers(ctx, stream).configure(limits.get(b"IDMP-DURATION"), limits.get(b"IDMP-MAXSIZE"))
    ctx.noted(key)
    return OK


class _Words:
    """What follows XNACK's mode: IDs, RETRYCOUNT and FORCE, in any order."""

    __slots__ = ("count", "force", "ids")

    def __init__(self, words: Sequence[bytes]) -> None:
        self.count: int | None = None
        self.force = False
        self.ids: Sequence[bytes] | None = None
        at = 0
        while at < len(words):
            at = self._take(words, at)
        if self.ids is None:
            raise CommandError(errors.XNACK_NO_IDS)

    def _take(self, words: Sequence[bytes], at: int) -> int:
        """One option; the position behind it."""
        word = word_of(words[at])
        more = len(words) - at - 1
        if word == b"IDS" and more and self.ids is None:
            count = parse_int(words[at + 1])
            if count is None or count <= 0:
                raise CommandError(errors.XNACK_NUM_IDS)
            self.ids = words[at + 2 : at + 2 + count]
            if len(self.ids) < count:
                raise CommandError(errors.XNACK_NUM_IDS_MISMATCH)
            return at + 2 + count
        if word == b"RETRYCOUNT" and more:
            self.count = parse_int(words[at + 1])
            if self.count is None:
                raise CommandError(errors.NOT_INTEGER)
            if self.count < 0:
                raise CommandError(errors.XNACK_RETRYCOUNT)
            return at + 2
        if word != b"FORCE":
            text = words[at].decode("utf-8", "surrogateescape")
            raise CommandError(errors.XNACK_OPTION % text)
        self.force = True
        return at + 1


@group.command(
    "XNACK", Key("RW update"), Raw, Raw, Raw, Raw, Raw, Rest(flat=True), flags=WRITE | FAST,
    since={"redis": "8.8.0"}, acl=("fast", "stream", "write"),
)
def xnack(ctx: Context, key: bytes, name: bytes, mode: bytes, *words: bytes) -> int:
    """Give pending entries back, for any consumer to claim at once; how many were.

    Checked in the server's order: key, type, group, mode, options, IDs.
    """
    stream: Stream | None = ctx.lookup_write(key, Stream)
    members = None if stream is None else stream.groups.get(name)
    if stream is None or members is None:
        texts = (raw.decode("utf-8", "surrogateescape") for raw in (key, name))
        raise CommandError(errors.NO_GROUP % tuple(texts))
    if word_of(mode) not in _MODES:
        raise CommandError(errors.XNACK_MODE)
    options = _Words(words)
    numbers = [parse_id(raw) for raw in options.ids or ()]
    if None in numbers:
        raise CommandError(errors.STREAM_ID)
    given = [_give_back(stream, members, number or 0, word_of(mode), options) for number in numbers]
    if any(given):
        ctx.noted(key, changes=sum(given))
        if key in ctx.db.blocked:
            ctx.server.ready.append((ctx.db, key))
    return sum(given)


def _give_back(
    stream: Stream, members: ConsumerGroup, number: int, mode: bytes, options: _Words
) -> bool:
    """Give one entry back; whether it was pending, or is now."""
    pending = members.pending.data.get(number)
    if pending is None:
        if not options.force or stream.get(number) is None:
            return False
        pending = members.claimable(number, 0)
        pending.count = 0
    pending.count = _deliveries(pending, mode, options)
    members.give_back(number, pending)
    return True


def _deliveries(pending: Pending, mode: bytes, options: _Words) -> int:
    """How often an entry that is given back counts as delivered."""
    if options.count is not None:
        return options.count
    if mode == b"FATAL":
        return INT_MAX
    return max(pending.count - 1, 0) if mode == b"SILENT" else pending.count
