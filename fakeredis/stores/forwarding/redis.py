"""`RedisStore`: a real Redis or Valkey, or whatever speaks their protocol, underneath."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from threading import RLock
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from redis.connection import parse_url

from fakeredis.stores.base import StoreError
from fakeredis.stores.forwarding.base import ForwardingStore
from fakeredis.stores.forwarding.cluster_link import ClusterLink
from fakeredis.stores.forwarding.discovery import Nodes, Sentinels
from fakeredis.stores.forwarding.link import Link, Restore
from fakeredis.stores.forwarding.prefixes import PrefixRules
from fakeredis.stores.forwarding.resp_link import RespLink, connect
from fakeredis.stores.forwarding.rules import Rules, escape

_SCHEMES: Final = {
    "redis": "redis", "rediss": "rediss", "unix": "unix", "valkey": "redis", "valkeys": "rediss",
    "redis+cluster": "redis", "rediss+cluster": "rediss", "redis+sentinel": "redis",
    "rediss+sentinel": "rediss",
}
_FLAGS: Final = ("allow_existing", "keep", "exclusive")
_TRUE: Final = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
_CHUNK: Final = 1000  # keys that are removed at once


class RedisStore(ForwardingStore):
    """Forwards to a real server, so that the same tests run on the real thing.

    The server may be shared with others: what it holds already is neither touched nor taken for
    ours, and what we leave there is removed when the patch that used it ends.

    Args:
        url: ``redis://host:port/database`` and the like; see the documentation for all schemes.
        prefix: put before all keys and channels, and taken off again; others' keys are not seen.
        cluster: the server is a node of a cluster.
        allow_existing: use what is there already. Nothing is removed at the end then.
        keep: remove nothing at the end.
        exclusive: nobody else uses the server: commands that concern it as a whole are allowed.

    Raises:
        ValueError: the URL makes no sense.
    """

    def __init__(
        self, url: str, prefix: str | bytes = "", cluster: bool = False,
        allow_existing: bool = False, *, keep: bool = False, exclusive: bool = False,
    ) -> None:
        self.prefix = prefix.encode() if isinstance(prefix, str) else bytes(prefix)
        self.allow_existing, self.keep, self.exclusive = allow_existing, keep, exclusive
        scheme, self._url, given = _split(url)
        self.name = _without_password(url)
        self.cluster = cluster or scheme.endswith("+cluster")
        self._service: str | None = None
        if scheme.endswith("+sentinel"):
            self._url, self._service = _service_of(self._url, url)
        if "prefix" in given:
            self.prefix = given["prefix"].encode()
        if b"*" in self.prefix:
            raise ValueError(f"a prefix holds no *, which SORT would take for its own: {prefix!r}")
        for flag in _FLAGS:
            if flag in given:
                setattr(self, flag, _flag(flag, given[flag]))
        try:
            self.options: dict[str, Any] = parse_url(self._url)  # type: ignore[no-untyped-call]
        except ValueError as error:
            raise ValueError(f"{url!r} is no URL of a Redis: {error}") from None
        self.database = int(self.options.get("db") or 0)
        path = urlsplit(self._url).path.strip("/")
        if path and "path" not in self.options and not path.isdigit():
            raise ValueError(f"a database is a number, not {path!r}: {url!r}")
        if self.cluster and self.database:
            raise ValueError(f"a cluster has database 0 only: {url!r}")
        self._lock = RLock()
        self._used: dict[int, None] = {}  # databases that were looked at, and are ours
        self._users = 0  # patches
        self._process = os.getpid()
        self._nodes: Nodes | None = None
        self._sentinels: Sentinels | None = None
        self._found_by = os.getpid()
        self.rules = self._make_rules()

    @classmethod
    def from_url(cls, url: str) -> RedisStore:
        """The store of a URL; its query may hold the other arguments."""
        return cls(url)

    def _make_rules(self) -> Rules:
        if self.prefix:
            return PrefixRules(self)
        return Rules(self)

    # Links ----------------------------------------------------------------------------------

    def connect(self, typed: bool = False) -> Link:
        """A link of a new session, see `ForwardingStore.connect`."""
        self.use(0)
        if self.cluster:
            return ClusterLink(self, typed)
        return _RuledLink(self, self.open(), typed)

    def open(self, address: tuple[str, int] | None = None) -> Any:
        """A connection of redis-py to the server, or to another one with the same options.

        Raises:
            OSError: it cannot be reached.
        """
        options = {key: value for key, value in self.options.items() if key != "sentinels"}
        if self._service is not None:
            address = self._master()
        if address is not None:
            options["host"], options["port"] = address
        return connect(options, self.name)

    def nodes(self) -> Nodes:
        """The nodes of its cluster.

        Raises:
            OSError: no node answers.
            StoreError: the server is no node of a cluster.
        """
        with self._lock:
            self._leave_to_parent()
            if self._nodes is None:
                self._nodes = Nodes(self.options, self.name)
            return self._nodes

    def _master(self) -> tuple[str, int]:
        """Where the Sentinels' master is now."""
        assert self._service is not None
        with self._lock:
            self._leave_to_parent()
            if self._sentinels is None:
                self._sentinels = Sentinels(self.options, self._service, self.name)
            return self._sentinels.master()

    def _leave_to_parent(self) -> None:
        """In a forked child: what has found servers is the parent's."""
        if self._found_by != os.getpid():
            self._nodes = self._sentinels = None
            self._found_by = os.getpid()

    def _let_go(self) -> None:
        self.watch().close()
        with self._lock:
            self._leave_to_parent()
            for each in (self._nodes, self._sentinels):
                if each is not None:
                    each.close()
            self._nodes = self._sentinels = None

    @contextlib.contextmanager
    def servers(self) -> Iterator[list[RespLink]]:
        """Links of the store's own: to its server, or to all masters of its cluster."""
        with contextlib.ExitStack() as stack:
            if not self.cluster:
                yield [stack.enter_context(RespLink(self.open()))]
                return
            try:
                links = self._links(stack)
            except OSError:  # a master has gone
                self.nodes().refresh()
                links = self._links(stack)
            yield links

    def _links(self, stack: contextlib.ExitStack) -> list[RespLink]:
        return [
            stack.enter_context(RespLink(self.open(address)))
            for address in self.nodes().masters()
        ]

    # What is ours -----------------------------------------------------------------------------

    def use(self, number: int) -> int:
        """The server's number of a database that a client names; it is looked at, at first.

        Raises:
            StoreError: it holds keys that are not ours.
        """
        there = self.database + number
        with self._lock:
            if there not in self._used:
                if not self.allow_existing:
                    self._check(there)
                self._used[there] = None
        return there

    def used(self) -> list[int]:
        """The databases that are in use."""
        return sorted(self._used)

    def _check(self, number: int) -> None:
        with self.servers() as links:
            count = sum(self._count(link, number) for link in links)
        if not count:
            return
        what = f"{count} keys" if not self.prefix else f"keys that begin with {self.prefix!r}"
        raise StoreError(
            f"{self.name} holds {what} in database {number}, and they may matter to somebody. "
            f"Empty it, choose another database or a prefix, or take what is there by "
            f"RedisStore(..., allow_existing=True)"
        )

    def _count(self, link: RespLink, number: int) -> int:
        """How many keys a database has; with a prefix, whether it has any."""
        if not self.cluster and number != self.database:
            reply = link.call(b"SELECT", b"%d" % number)
            if isinstance(reply, Exception):
                return 0  # the client will be told
        if not self.prefix:
            return int(link.ask(b"DBSIZE"))
        return int(any(self._keys(link)))

    def _keys(self, link: RespLink) -> Iterator[list[bytes]]:
        """The keys of the selected database that are ours, in portions that are not empty."""
        cursor = b"0"
        pattern = escape(self.prefix) + b"*"
        while True:
            cursor, keys = link.ask(b"SCAN", cursor, b"MATCH", pattern, b"COUNT", b"1000")
            if keys:
                yield keys
            if cursor == b"0":
                return

    def clear(self) -> None:
        """Remove all keys of the databases in use; with a prefix, those that have it."""
        with self._lock, self.servers() as links:
            for link in links:
                for number in self.used() or [self.database]:
                    if not self.cluster:
                        link.ask(b"SELECT", b"%d" % number)
                    self._empty(link)

    def _empty(self, link: RespLink) -> None:
        if not self.prefix:
            link.ask(b"FLUSHDB")
            return
        for keys in self._keys(link):
            for at in range(0, len(keys), _CHUNK):
                part = keys[at : at + _CHUNK]
                for argv in [[key] for key in part] if self.cluster else [part]:
                    link.ask(b"UNLINK", *argv)

    # Patches ----------------------------------------------------------------------------------

    def begin_use(self) -> None:
        """A patch begins to use it."""
        with self._lock:
            self._users += 1
            self._process = os.getpid()

    def end_use(self) -> None:
        """That patch has ended: after the last one, remove what was made.

        In a forked child it has not: the parent's goes on.
        """
        if self._process != os.getpid():
            return
        with self._lock:
            self._users -= 1
            if self._users:
                return
            if self._used and not (self.keep or self.allow_existing):
                with contextlib.suppress(OSError, StoreError):  # there is nothing to be done then
                    self.clear()
            self._used.clear()
        self._let_go()

    def close(self) -> None:
        """Close all connections; the keys stay."""
        self._let_go()

    def __repr__(self) -> str:
        return f"RedisStore({self.name!r})"


class _RuledLink(RespLink):
    """A link that keeps the store's rules."""

    def __init__(self, store: RedisStore, connection: Any, typed: bool) -> None:
        super().__init__(connection, typed)
        self.rules = store.rules

    def translate(self, command: Any, argv: Sequence[bytes]) -> tuple[Sequence[bytes], Restore]:
        """What is sent for a command by the store's rules, and what makes the client's reply."""
        return self.rules.translate(command, argv)

    def heard(self, message: list[Any]) -> list[Any] | None:
        """A pushed message as the store's rules show it to the client; None where they do not."""
        return self.rules.heard(message)


# URLs -------------------------------------------------------------------------------------------


def _split(url: str) -> tuple[str, str, dict[str, str]]:
    """Scheme, the URL as redis-py knows it, and what of its query is the store's."""
    parts = urlsplit(url)
    known = _SCHEMES.get(parts.scheme)
    if known is None:
        schemes = ", ".join(f"{name}://" for name in _SCHEMES)
        raise ValueError(f"a RedisStore's URL begins with one of {schemes}, not as {url!r} does")
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    own = {name: value for name, value in pairs if name == "prefix" or name in _FLAGS}
    rest = urlencode([pair for pair in pairs if pair[0] not in own])
    plain = urlunsplit(("http", *parts[1:3], rest, "")).removeprefix("http")
    return parts.scheme, known + plain, own


def _flag(name: str, text: str) -> bool:
    if text.lower() not in _TRUE:
        raise ValueError(f"{name} is 1 or 0, not {text!r}")
    return _TRUE[text.lower()]


def _service_of(plain: str, url: str) -> tuple[str, str]:
    """A Sentinel URL without its service, and the service."""
    parts = urlsplit(plain)
    service, _, number = parts.path.strip("/").partition("/")
    if not service or (number and not number.isdigit()):
        raise ValueError(f"redis+sentinel://host:26379/service/database, not {url!r}")
    hosts = parts.netloc
    user, at, places = hosts.rpartition("@")
    first, *others = places.split(",")
    netloc = user + at + (first if ":" in first else f"{first}:26379")
    query = parts.query
    if others:
        query += ("&" if query else "") + "sentinels=" + quote(",".join(others), safe=":,")
    return urlunsplit((parts.scheme, netloc, f"/{number or 0}", query, "")), service


def _without_password(url: str) -> str:
    """A URL that may be shown."""
    parts = urlsplit(url)
    user, at, place = parts.netloc.rpartition("@")
    if at and user:
        user = f"{user.partition(':')[0]}:***"
    return f"{parts.scheme}://{user}{at}{place}{parts.path}"
