"""One call in a state of its own, made to fake and real server, with all that can be seen of it.

Beside the client that makes the call a second one watches the keys, and a third one listens to
keyspace events. So compared are the reply, whom the change failed, which events were sent, and the
whole state afterwards: a call that fails must leave no trace in any of them.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from fakeredis.engine.core.replies import NO_REPLY
from fakeredis.errors import CommandError
from tests.support import harvest
from tests.support.twin import (
    Compare,
    Mismatch,
    Pair,
    Twin,
    close,
    in_order,
    same,
    same_atom,
    shape,
)
from tests.support.wire import Wire, to_bytes

Calls = list[list[str]]
EVENTS = "KEAm"

# How replies are compared: what COMMAND INFO says of a command, and where it says too little.
_TIMES = {
    "TTL", "PTTL", "HTTL", "HPTTL", "EXPIRETIME", "PEXPIRETIME", "HEXPIRETIME", "HPEXPIRETIME",
    "TIME", "LASTSAVE", "OBJECT IDLETIME", "TS.DECRBY", "TS.INCRBY",
}
_CERTAIN = {"OBJECT ENCODING", "OBJECT FREQ", "OBJECT REFCOUNT", "SLOWLOG LEN"}
_SCANS = {"SCAN", "HSCAN", "SSCAN", "ZSCAN"}
_UNCERTAIN = {"SPOP", "TS.DECRBY", "TS.INCRBY"}  # not only in what they say
# Help in our own words, the list of all commands, numbers that a server gives its clients, memory.
_OF_THE_SERVER = {"COMMAND", "COMMAND COUNT", "COMMAND DOCS", "COMMAND INFO", "COMMAND LIST",
                  "CLIENT ID", "ACL GENPASS", "HELLO", "MEMORY USAGE", "MODULE LIST",
                  "ROLE", "VINFO", "VLINKS", "VRANDMEMBER"}
_TOLERANCE_MS = 10_000
_WIPE = (
    "FLUSHALL", "FUNCTION FLUSH", "SCRIPT FLUSH", "SLOWLOG RESET", "ACL LOG RESET",
    "CONFIG SET notify-keyspace-events ", "CONFIG SET maxmemory 0", "DEBUG SET-ACTIVE-EXPIRE 1",
    "CLIENT UNPAUSE", "ACL DELUSER u",
)


def comparison(name: str) -> Compare:
    """How the replies of a command are compared."""
    tips = harvest.command_facts().get(name, {}).get("tips", ())
    if name in _CERTAIN:
        return same
    if name in _OF_THE_SERVER or name.endswith(" HELP"):
        return same_kind
    if name in _TIMES:
        return lambda fake, real: close(fake, real, _TOLERANCE_MS)
    if name == "JSON.GET":  # several paths come in the order of a hash table
        return same_document
    if name == "ACL CAT":  # the real server's modules are older than their category
        return lambda fake, real: same(without_modules(fake), without_modules(real))
    if "nondeterministic_output_order" in tips or name in _SCANS:
        return lambda fake, real: same(in_order(fake), in_order(real))
    if "nondeterministic_output" in tips:
        return lambda fake, real: bool(shape(fake) == shape(real))
    return same


def same_document(fake: Any, real: Any) -> bool:
    """Whether two texts are the same, or are the same JSON of as many letters."""
    if not (type(fake) is type(real) is bytes and real[:1] == b"{"):
        return same(fake, real)
    try:
        return sorted(fake) == sorted(real) and bool(json.loads(fake) == json.loads(real))
    except ValueError:  # with odd words for INDENT, it is no JSON
        return sorted(fake) == sorted(real)


_MODULES = {
    b"json", b"search", b"tdigest", b"cms", b"bloom", b"cuckoo", b"topk", b"timeseries",
}


def without_modules(categories: Any) -> Any:
    """Categories but for those of modules; other replies as they are."""
    return [each for each in categories if each not in _MODULES] if type(categories) is list else (
        categories
    )


def same_kind(fake: Any, real: Any) -> bool:
    """Whether both are errors, and the same, or replies of one type."""
    if isinstance(real, CommandError):
        return same(fake, real)
    return type(fake) is type(real)


class Stage:
    """Both servers in a given state."""

    def __init__(self, admin: Wire, url: str, protocol: int) -> None:
        for call in _WIPE:
            reply = admin.call(*call.encode().split(b" "))
            assert not isinstance(reply, CommandError), (call, reply)
        self.admin = admin
        self.twin = Twin(url, protocol, version="8.2.3")
        self.watcher, self.listener = self.twin.session(), self.twin.session()

    def seed(self, calls: Calls) -> None:
        """Make the keys; nothing of it is compared but the replies."""
        for call in calls:
            self.twin(*call)

    def expire(self, keys: Iterable[bytes]) -> None:
        """Let keys have a deadline that will have passed in a moment."""
        for key in sorted(keys):
            self.watcher("PEXPIRE", key, 1)

    def remove_lazily(self) -> None:
        """Let keys that have expired stay until somebody looks for them."""
        self.admin.call(b"DEBUG", b"SET-ACTIVE-EXPIRE", b"0")
        self.twin.server.active_expire = False

    def watch(self, keys: Iterable[bytes]) -> None:
        """Let the second client watch keys."""
        ordered = sorted(keys)
        if ordered:
            self.watcher("WATCH", *ordered)

    def listen(self) -> None:
        """Let the third client listen to keyspace events."""
        server = self.twin.server
        server.config.override("notify-keyspace-events", EVENTS)
        for db in server.databases.values():
            db.observe()
        self.admin.call(b"CONFIG", b"SET", b"notify-keyspace-events", EVENTS.encode())
        self.listener.wire.send(b"PSUBSCRIBE", b"__key*")
        self.listener.wire.read_any()
        self.listener.fake.execute([b"PSUBSCRIBE", b"__key*"])
        self.listener.fake.outbox.clear()

    def call(self, name: str, words: Iterable[object], compare: Compare | None = None) -> Any:
        """Make a call and compare what can be seen of it at once."""
        reply = self.twin._compare(tuple(words), compare or comparison(name))
        while reply is NO_REPLY and self.twin.fake.outbox:
            self.twin.reply()
        if name in _UNCERTAIN and not isinstance(reply, CommandError):
            self.twin.ignore_state()
        return reply

    def aftermath(self) -> None:
        """Compare whom it failed and what was announced."""
        self._compare_events(self.listener)
        for words in ("MULTI", "PING", "EXEC"):
            self.watcher(words)

    def _compare_events(self, listener: Pair) -> None:
        fake = list(listener.fake.outbox)
        listener.fake.outbox.clear()
        listener.wire.send(b"PING")
        while not _is_pong(item := listener.wire.read_any()):
            listener.wire.pushes.append(item)
        real, listener.wire.pushes = listener.wire.pushes, []
        if not same(fake, real):
            raise Mismatch(listener._message("(keyspace events)", fake, real))


def _is_pong(item: Any) -> bool:
    return item in (b"PONG", [b"pong", b""])


@contextlib.contextmanager
def stage(
    admin: Wire, url: str, before: Calls, protocol: int = 2, active: bool = False
) -> Iterator[Stage]:
    """Both servers in a given state, watched and listened to; the states are compared at the end.

    With ``active``, servers remove what has expired by themselves, and nobody listens then: it
    depends on the moment which client causes an event.
    """
    it = Stage(admin, url, protocol)
    try:
        if not active:
            it.remove_lazily()
        it.seed(before)
        it.watch(keys_of(admin, before))
        if not active:
            it.listen()
        yield it
        it.twin.finish()
    finally:
        it.twin.close()
        # The next test may be one that expects the defaults.
        admin.call(b"CONFIG", b"SET", b"notify-keyspace-events", b"")
        admin.call(b"DEBUG", b"SET-ACTIVE-EXPIRE", b"1")


def keys_of(admin: Wire, calls: Calls) -> set[bytes]:
    """The keys of some calls, by the real server's word."""
    keys: set[bytes] = set()
    for words in calls:
        found = admin.call(b"COMMAND", b"GETKEYS", *map(to_bytes, words))
        if isinstance(found, list):
            keys.update(found)
    return keys


def each(cases: Iterable[Any], check: Callable[..., None]) -> None:
    """Run a check on all cases and report all differences at once."""
    found = []
    for case in cases:
        try:
            check(*case)
        except Mismatch as mismatch:
            found.append(str(mismatch))
    if found:
        more = [f"... and {len(found) - 6} more"] if len(found) > 6 else []
        raise Mismatch("\n\n".join([*found[:6], *more]))


def results(name: str) -> Compare:
    """How the replies of EXEC are compared when a command's is the first of them."""
    one = comparison(name)

    def compare(fake: Any, real: Any) -> bool:
        if not isinstance(fake, list) or not isinstance(real, list) or not real:
            return same(fake, real) if isinstance(real, list) else same_atom(fake, real)
        return (
            len(fake) == len(real) and one(fake[0], real[0]) and same(fake[1:], real[1:])
        )

    return compare
