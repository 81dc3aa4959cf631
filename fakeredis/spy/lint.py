"""Habits that a review would object to, found in what was sent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from fakeredis.engine.command.command import (
    BLOCKING,
    GIVES_TTL,
    HAZARD,
    LASTING,
    READONLY,
    READS_ELEMENT,
    READS_WHOLE,
    SEQUENTIAL,
    UNWATCHES,
    WATCHES,
    WRITES_BACK,
)
from fakeredis.spy import known
from fakeredis.spy import recorder as rec
from fakeredis.spy.calls import CommandCall
from fakeredis.spy.canonical import OPTIONS
from fakeredis.spy.keyspace import key_states
from fakeredis.spy.values import glob_to_regex

__all__ = ["RULES", "Finding", "lint", "n_plus_one"]

READS = READS_WHOLE | READS_ELEMENT
LARGE_REPLY = 1000
LARGE_VALUE = 1_000_000


class Finding(NamedTuple):
    """One objection: the rule's name, what is wrong and what to do, and the calls it is about."""

    rule: str
    message: str
    calls: tuple[CommandCall, ...]

    def __str__(self) -> str:
        return f"{self.rule}: {self.message}"


Rule = Callable[[Sequence[CommandCall]], Iterator[Finding]]


def n_plus_one(calls: Sequence[CommandCall], threshold: int = 5) -> Iterator[Finding]:
    """A command sent at least ``threshold`` times, one by one, from one place of the code."""
    groups: dict[tuple[object, ...], list[CommandCall]] = defaultdict(list)
    for call in calls:
        if call.via == "direct" and not _goes_alone(call.name):
            record = call._record
            spot = (id(record[rec.CODE]), record[rec.OFFSET], id(record[rec.THREAD]))
            groups[call.name, call.server, call.db, spot].append(call)
    for found in groups.values():
        if len(found) >= threshold:
            yield _one_by_one(found)


def _goes_alone(name: str) -> bool:
    """Whether a command waits for the reply before it, or is no question of data."""
    declared = known.declaration_of(name)
    if declared is None:
        return False
    return bool(
        declared.flags & (BLOCKING | SEQUENTIAL)
        or declared.channels is not None or declared.group == "transactions"
    )


def _one_by_one(calls: list[CommandCall]) -> Finding:
    name = calls[0].name
    declared = known.declaration_of(name)
    batch, of_key, reads = "", "", False
    if declared is not None:
        batch, of_key = declared.batch_form, declared.batch_of_key
        reads = bool(declared.flags & READONLY) and declared.varies in ("", "pairs")
    one_key = len({call.keys for call in calls}) == 1
    if reads and len({(call.keys, call.args) for call in calls}) == 1:
        advice = "ask once and keep the reply"
    elif one_key and of_key:
        advice = f"use {of_key}"
    elif not one_key and batch and not any(map(_options, calls)):
        advice = f"use {batch} or a pipeline"
    else:
        advice = "use a pipeline"
    message = f"{name} was sent {len(calls)} times, one by one: {advice}"
    return Finding("n-plus-one", message, tuple(calls))


def _options(call: CommandCall) -> set[str]:
    """The options that a call has."""
    parts = call.canonical[1].parts
    return {unit.token for part in parts if part.kind == OPTIONS for unit in part.units}


def _keys(calls: Sequence[CommandCall]) -> Iterator[Finding]:
    found = tuple(call for call in calls if call.name == "KEYS")
    if found:
        message = "KEYS walks the whole database and blocks the server: use SCAN"
        yield Finding("keys", message, found)


def _no_ttl(calls: Sequence[CommandCall]) -> Iterator[Finding]:
    places: dict[tuple[str, object], list[tuple[str, CommandCall]]] = defaultdict(list)
    for (_, _, key), state in key_states(calls).items():
        if state.ttl is None and not known.flags_of(state.call.name) & LASTING:
            places[(state.call.name, state.call.where)].append((key, state.call))
    for (name, _), left in places.items():
        keys = list(dict.fromkeys(key for key, _ in left))
        shown = ", ".join(keys[:3]) + (f" and {len(keys) - 3} more" if len(keys) > 3 else "")
        found = tuple(dict.fromkeys(call for _, call in left))
        yield Finding("no-ttl", f"{name} left keys without a TTL: {shown}", found)


def _read_modify_write(calls: Sequence[CommandCall]) -> Iterator[Finding]:
    """A value read and then written by one connection, with nothing to keep others out."""
    read: dict[tuple[object, ...], CommandCall] = {}
    watched: set[tuple[object, ...]] = set()
    for call in calls:
        if call.via == "script":
            continue
        flags = known.flags_of(call.name)
        who = (call.server, call.client_id)
        names = [(*who, call.db, key) for key in call.keys]
        if flags & WATCHES:
            watched.update(names)
        elif flags & UNWATCHES:
            watched = {each for each in watched if each[:2] != who}
        for each in names:
            earlier = read.get(each)
            if earlier is not None and flags & WRITES_BACK and _group(call) == _group(earlier):
                del read[each]
                if each not in watched and not _is_conditional(call) and _same_field(earlier, call):
                    yield _lost_update(earlier, call)
            elif flags & READS and call.via == "direct":
                read[each] = call


def _group(call: CommandCall) -> str:
    declared = known.declaration_of(call.name)
    return "" if declared is None else declared.group


def _is_conditional(call: CommandCall) -> bool:
    return not _options(call).isdisjoint(("NX", "IFEQ", "IFDEQ"))


def _same_field(earlier: CommandCall, call: CommandCall) -> bool:
    if known.flags_of(earlier.name) & READS_ELEMENT:
        return earlier.args[1] in call.args[1:]
    # A cache that found nothing and is filled depends on no earlier value.
    return earlier.reply not in (None, {}, [])


def _lost_update(earlier: CommandCall, call: CommandCall) -> Finding:
    message = (
        f"{earlier} and then {call}: a change made in between is lost; "
        "use one atomic command, WATCH or a script"
    )
    return Finding("read-modify-write", message, (earlier, call))


def _late_expiry(calls: Sequence[CommandCall]) -> Iterator[Finding]:
    """A key written, and given its TTL by a command of its own."""
    written: dict[tuple[object, ...], tuple[CommandCall, str]] = {}
    for call in calls:
        declared = known.declaration_of(call.name)
        if declared is None or not call.keys:
            continue
        key = (call.server, call.client_id, call.db, call.keys[0])
        if declared.expiring_form and call.via == "direct":
            written[key] = call, declared.expiring_form
        elif declared.flags & GIVES_TTL:
            earlier, better = written.pop(key, (None, ""))
            if earlier is not None and call.via == "direct":
                message = (
                    f"{earlier} and then {call}: the key stays for ever when the second "
                    f"is not reached; use {better}"
                )
                yield Finding("late-expiry", message, (earlier, call))


def _large(calls: Sequence[CommandCall]) -> Iterator[Finding]:
    for call in calls:
        reply = call.reply
        if call.via != "script" and isinstance(reply, (list, set, dict)) and (
            len(reply) > LARGE_REPLY
        ):
            message = f"{call.name} replied with {len(reply)} items: read in parts"
            yield Finding("large-reply", message, (call,))
        sent = max(map(len, call._record[rec.ARGV]), default=0)
        if sent > LARGE_VALUE:
            message = f"{call.name} was sent a value of {sent} bytes"
            yield Finding("large-value", message, (call,))


def _dangerous(calls: Sequence[CommandCall]) -> Iterator[Finding]:
    for call in calls:
        if known.flags_of(call.name) & HAZARD:
            yield Finding("dangerous", f"{call} has no place in an application", (call,))


RULES: dict[str, Rule] = {
    "n-plus-one": n_plus_one,
    "keys": _keys,
    "no-ttl": _no_ttl,
    "read-modify-write": _read_modify_write,
    "late-expiry": _late_expiry,
    "large-reply": _large,
    "dangerous": _dangerous,
}


def lint(calls: Sequence[CommandCall], ignore: Iterable[str] = ()) -> list[Finding]:
    """All findings, but those of rules (names or globs) to ignore."""
    ignore = (ignore,) if isinstance(ignore, str) else ignore
    ignored = [glob_to_regex(pattern.lower().replace("_", "-")) for pattern in ignore]
    found = [finding for rule in RULES.values() for finding in rule(calls)]
    return [
        each for each in found if not any(regex.fullmatch(each.rule.encode()) for regex in ignored)
    ]
