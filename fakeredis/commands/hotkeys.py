"""HOTKEYS: its subcommands; `fakeredis.engine.features.hotkeys` counts."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from fakeredis import errors
from fakeredis.commands.arguments import Rest, word_of
from fakeredis.commands.registry import ADMIN, LOADING, NOSCRIPT, STALE
from fakeredis.commands.server.common import group
from fakeredis.datatypes.numbers import INT_MAX, parse_int
from fakeredis.engine.command.help import help_lines
from fakeredis.engine.core import switches
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import DEEP, OK, Status
from fakeredis.engine.features.hotkeys import Collection
from fakeredis.errors import CommandError

_SINCE: Final = {"redis": "8.6.0"}
_SLOTS: Final = 16384

group.container("HOTKEYS", since=_SINCE)


def _collection(ctx: Context) -> Collection | None:
    found: Collection | None = ctx.server.hotkeys
    if found is not None:
        found.check()
    return found


class _Options:
    """The words behind HOTKEYS START."""

    __slots__ = ("count", "metrics", "ratio", "seconds", "slots")

    def __init__(self, ctx: Context, words: Sequence[bytes]) -> None:
        self.count, self.seconds, self.ratio = 10, 0, 1
        self.slots: list[int] | None = None
        if len(words) < 2 or word_of(words[0]) != b"METRICS":
            raise CommandError(errors.HOTKEYS_NO_METRICS)
        at = self._metrics(words)
        while at < len(words):
            at = self._option(ctx, words, at)

    def _metrics(self, words: Sequence[bytes]) -> int:
        """What to count; the position behind it."""
        count = parse_int(words[1])
        if count is None or not 1 <= count <= 2:
            raise CommandError(errors.HOTKEYS_METRICS_COUNT)
        given = [word_of(word) for word in words[2 : 2 + count]]
        if len(given) < count:
            raise CommandError(errors.HOTKEYS_METRICS_MISMATCH)
        self.metrics: set[bytes] = set()
        for word in given:
            if word in self.metrics:
                raise CommandError(errors.HOTKEYS_METRIC_TWICE % word.decode())
            if word in (b"CPU", b"NET"):  # others may come to be known to newer servers
                self.metrics.add(word)
        if not self.metrics:
            raise CommandError(errors.HOTKEYS_NO_VALID_METRIC)
        return 2 + count

    def _option(self, ctx: Context, words: Sequence[bytes], at: int) -> int:
        word = word_of(words[at])
        if at + 1 == len(words):
            raise CommandError(errors.SYNTAX)
        number = parse_int(words[at + 1])
        if word == b"COUNT":
            self.count = _between(number, 1, 64, errors.HOTKEYS_COUNT)
        elif word == b"DURATION":
            self.seconds = _between(number, 1, 1_000_000, errors.HOTKEYS_DURATION)
        elif word == b"SAMPLE":
            self.ratio = _between(number, 1, INT_MAX, errors.HOTKEYS_SAMPLE)
        elif word == b"SLOTS":
            return self._take_slots(ctx, words, at + 1)
        else:
            raise CommandError(errors.SYNTAX)
        return at + 2

    def _take_slots(self, ctx: Context, words: Sequence[bytes], at: int) -> int:
        if not ctx.server.switched & switches.CLUSTERED:
            raise CommandError(errors.HOTKEYS_NO_CLUSTER)
        if self.slots is not None:
            raise CommandError(errors.HOTKEYS_SLOTS_TWICE)
        count = _between(parse_int(words[at]), 1, _SLOTS, errors.HOTKEYS_SLOTS_COUNT)
        given = words[at + 1 : at + 1 + count]
        if len(given) < count:
            raise CommandError(errors.HOTKEYS_SLOTS_MISSING)
        self.slots = []
        for raw in given:
            slot = _between(parse_int(raw), 0, _SLOTS - 1, errors.HOTKEYS_SLOT)
            if slot in self.slots:
                raise CommandError(errors.HOTKEYS_SLOT_TWICE)
            self.slots.append(slot)
        return at + 1 + count


def _between(number: int | None, low: int, high: int, error: str) -> int:
    if number is None or not low <= number <= high:
        raise CommandError(error)
    return number


@group.command(
    "HOTKEYS START", Rest(), flags=ADMIN | NOSCRIPT, since=_SINCE, tips="request_policy:special",
    names=(
        "METRICS=metrics(count:integer [CPU] [NET]) [COUNT=k:integer] [DURATION=seconds:integer] "
        "[SAMPLE=ratio:integer] [SLOTS=slots(count:integer slot:integer+)]"
    ),
)
def hotkeys_start(ctx: Context, words: list[bytes]) -> Any:
    """Start to count what commands cost each key."""
    running = _collection(ctx)
    if running is not None and running.active:
        raise CommandError(errors.HOTKEYS_STARTED)
    options = _Options(ctx, words)
    ctx.server.hotkeys = Collection(
        ctx.server, options.metrics, options.count, options.seconds, options.ratio, options.slots
    )
    return OK


@group.command(
    "HOTKEYS STOP", flags=ADMIN | NOSCRIPT, since=_SINCE, tips="request_policy:special",
)
def hotkeys_stop(ctx: Context) -> Any:
    """Count no longer; what has been counted stays."""
    running = _collection(ctx)
    if running is None or not running.active:
        return None
    running.stop()
    return OK


@group.command(
    "HOTKEYS RESET", flags=ADMIN | NOSCRIPT, since=_SINCE, tips="request_policy:special",
)
def hotkeys_reset(ctx: Context) -> Any:
    """Forget what has been counted."""
    running = _collection(ctx)
    if running is not None and running.active:
        raise CommandError(errors.HOTKEYS_RUNNING)
    ctx.server.hotkeys = None
    return OK


@group.command(
    "HOTKEYS GET", flags=ADMIN | NOSCRIPT, since=_SINCE, reply=DEEP,
    tips="nondeterministic_output request_policy:special response_policy:special",
)
def hotkeys_get(ctx: Context) -> Any:
    """What has been counted; null when nothing was."""
    found = _collection(ctx)
    if found is None:
        return None
    info: dict[bytes, Any] = {
        b"tracking-active": int(found.active), b"sample-ratio": found.ratio,
        b"selected-slots": _ranges(found.slots),
        b"all-commands-all-slots-us": found.total_time,
        b"net-bytes-all-commands-all-slots": found.total_bytes,
        b"collection-start-time-unix-ms": found.started,
        b"collection-duration-ms": found.duration(),
    }
    if found.cpu:
        now = os.times()
        info[b"total-cpu-time-user-ms"] = int((now.user - found.used.user) * 1000)
        info[b"total-cpu-time-sys-ms"] = int((now.system - found.used.system) * 1000)
    if found.net:
        info[b"total-net-bytes"] = found.total_bytes
    if found.cpu:
        info[b"by-cpu-time-us"] = _top(found.times, found.most)
    if found.net:
        info[b"by-net-bytes"] = _top(found.traffic, found.most)
    return [info]


def _top(counts: Counter[bytes], most: int) -> list[Any]:
    return [part for pair in counts.most_common(most) for part in pair]


def _ranges(slots: list[int] | None) -> list[list[int]]:
    """Slots as ranges, single ones as one number."""
    if slots is None:
        return [[0, _SLOTS - 1]]
    ranges: list[list[int]] = []
    for slot in sorted(slots):
        if ranges and ranges[-1][-1] == slot - 1:
            ranges[-1] = [ranges[-1][0], slot]
        else:
            ranges.append([slot])
    return ranges


@group.command("HOTKEYS HELP", flags=LOADING | STALE, since={"redis": "8.6.1"}, acl=("slow",))
def hotkeys_help(ctx: Context) -> list[Status]:
    """What the subcommands are."""
    return help_lines(ctx)
