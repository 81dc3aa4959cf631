"""Habits that a review would object to, found in what was sent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from fakeredis.spy import recorder as rec
from fakeredis.spy.calls import CommandCall
from fakeredis.spy.keyspace import key_states
from fakeredis.spy.values import glob_to_regex

__all__ = ["RULES", "Finding", "lint", "n_plus_one"]

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

# What sends many at once, where there is one; a pipeline does for all others.
_BATCHED = {
    "GET": "MGET", "SET": "MSET", "DEL": "DEL with all keys",
    "UNLINK": "UNLINK with all keys", "EXISTS": "EXISTS with all keys",
    "TOUCH": "TOUCH with all keys", "JSON.GET": "JSON.MGET",
}  # fmt: skip
# The same for commands that repeat one key.
_BATCHED_BY_KEY = {
    "HGET": "HMGET", "HSET": "HSET with all fields", "HDEL": "HDEL with all fields",
    "SADD": "SADD with all members", "SREM": "SREM with all members",
    "SISMEMBER": "SMISMEMBER", "ZADD": "ZADD with all members", "ZREM": "ZREM with all members",
    "ZSCORE": "ZMSCORE", "LPUSH": "LPUSH with all values", "RPUSH": "RPUSH with all values",
    "PFADD": "PFADD with all elements",
}  # fmt: skip
# Each waits for the reply before it, or is no question of data.
_SEQUENTIAL = frozenset((
    "SCAN", "SSCAN", "HSCAN", "ZSCAN", "XREAD", "XREADGROUP", "XAUTOCLAIM", "BLPOP", "BRPOP",
    "BLMOVE", "BRPOPLPUSH", "BLMPOP", "BZMPOP", "BZPOPMIN", "BZPOPMAX", "WAIT", "WAITAOF",
    "WATCH", "UNWATCH", "MULTI", "EXEC", "DISCARD", "PUBLISH", "SUBSCRIBE", "PSUBSCRIBE",
    "SSUBSCRIBE", "UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE", "PING", "AUTH", "HELLO",
    "SELECT", "INFO",
))  # fmt: skip


def n_plus_one(calls: Sequence[CommandCall], threshold: int = 5) -> Iterator[Finding]:
    """A command sent at least ``threshold`` times, one by one, from one place of the code."""
    groups: dict[tuple[object, ...], list[CommandCall]] = defaultdict(list)
    for call in calls:
        if call.via == "direct" and call.name.split()[0] not in _SEQUENTIAL:
            record = call._record
            spot = (id(record[rec.CODE]), record[rec.OFFSET], id(record[rec.THREAD]))
            groups[call.name, call.server, call.db, spot].append(call)
    for found in groups.values():
        if len(found) >= threshold:
            yield _one_by_one(found)


def _one_by_one(calls: list[CommandCall]) -> Finding:
    name = calls[0].name
    has_options = name == "SET" and any(len(call.args) > 2 for call in calls)
    if len({(call.keys, call.args) for call in calls}) == 1 and name.endswith("GET"):
        advice = "ask once and keep the reply"
    elif len({call.keys for call in calls}) == 1 and name in _BATCHED_BY_KEY:
        advice = f"use {_BATCHED_BY_KEY[name]}"
    elif name in _BATCHED and not has_options and len({call.keys for call in calls}) > 1:
        advice = f"use {_BATCHED[name]} or a pipeline"
    else:
        advice = "use a pipeline"
    message = f"{name} was sent {len(calls)} times, one by one: {advice}"
    return Finding("n-plus-one", message, tuple(calls))


def _keys(calls: Sequence[CommandCall]) -> Iterator[Finding]:
    found = tuple(call for call in calls if call.name == "KEYS")
    if found:
        message = "KEYS walks the whole database and blocks the server: use SCAN"
        yield Finding("keys", message, found)


def _no_ttl(calls: Sequence[CommandCall]) -> Iterator[Finding]:
    places: dict[tuple[str, object], list[tuple[str, CommandCall]]] = defaultdict(list)
    for (_, _, key), state in key_states(calls).items():
        if state.ttl is None and not state.call.name.startswith(("TS.", "BF.", "CF.")):
            places[(state.call.name, state.call.where)].append((key, state.call))
    for (name, _), left in places.items():
        keys = list(dict.fromkeys(key for key, _ in left))
        shown = ", ".join(keys[:3]) + (f" and {len(keys) - 3} more" if len(keys) > 3 else "")
        found = tuple(dict.fromkeys(call for _, call in left))
        yield Finding("no-ttl", f"{name} left keys without a TTL: {shown}", found)


_READS = {
    "GET": ("SET", "SETEX", "PSETEX", "GETSET"), "HGET": ("HSET", "HMSET"),
    "HGETALL": ("HSET", "HMSET"), "ZSCORE": ("ZADD",), "LINDEX": ("LSET",),
    "JSON.GET": ("JSON.SET",),
}  # fmt: skip


def _read_modify_write(calls: Sequence[CommandCall]) -> Iterator[Finding]:
    """A value read and then written by one connection, with nothing to keep others out."""
    read: dict[tuple[object, ...], CommandCall] = {}
    watched: set[tuple[object, ...]] = set()
    for call in calls:
        if call.via == "script":
            continue
        who = (call.server, call.client_id)
        names = [(*who, call.db, key) for key in call.keys]
        if call.name == "WATCH":
            watched.update(names)
        elif call.name in ("EXEC", "UNWATCH", "DISCARD"):
            watched = {each for each in watched if each[:2] != who}
        for each in names:
            earlier = read.get(each)
            if earlier is not None and call.name in _READS[earlier.name]:
                del read[each]
                if each not in watched and not _is_conditional(call) and _same_field(earlier, call):
                    yield _lost_update(earlier, call)
            elif call.name in _READS and call.via == "direct":
                read[each] = call


def _is_conditional(call: CommandCall) -> bool:
    return call.name == "SET" and bool({"NX", "IFEQ", "IFDEQ"} & {a.upper() for a in call.args[2:]})


def _same_field(earlier: CommandCall, call: CommandCall) -> bool:
    if earlier.name in ("HGET", "ZSCORE", "LINDEX"):
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
    written: dict[tuple[object, ...], CommandCall] = {}
    for call in calls:
        if not call.keys:
            continue
        key = (call.server, call.client_id, call.db, call.keys[0])
        if call.name in ("SET", "SETNX") and call.via == "direct":
            written[key] = call
        elif call.name in ("EXPIRE", "PEXPIRE", "EXPIREAT", "PEXPIREAT"):
            earlier = written.pop(key, None)
            if earlier is not None and call.via == "direct":
                message = (
                    f"{earlier} and then {call}: the key stays for ever when the second "
                    "is not reached; use SET with EX"
                )
                yield Finding("late-expiry", message, (earlier, call))


def _large(calls: Sequence[CommandCall]) -> Iterator[Finding]:
    for call in calls:
        reply = call.reply
        if call.via != "script" and isinstance(reply, (list, set, dict)) and (
            len(reply) > LARGE_REPLY
        ):  # fmt: skip
            message = f"{call.name} replied with {len(reply)} items: read in parts"
            yield Finding("large-reply", message, (call,))
        sent = max(map(len, call._record[rec.ARGV]), default=0)
        if sent > LARGE_VALUE:
            message = f"{call.name} was sent a value of {sent} bytes"
            yield Finding("large-value", message, (call,))


_DANGEROUS = frozenset(("FLUSHALL", "FLUSHDB", "MONITOR", "SHUTDOWN", "DEBUG", "SAVE"))


def _dangerous(calls: Sequence[CommandCall]) -> Iterator[Finding]:
    for call in calls:
        if call.name.split()[0] in _DANGEROUS:
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
