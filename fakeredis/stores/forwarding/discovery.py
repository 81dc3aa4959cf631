"""Where the nodes of a cluster are, and the master that Sentinels watch: redis-py finds out.

What redis-py's `RedisCluster` routes by is its `NodesManager`: the map of slots, asked of any node
that answers and changed by redirections.  It is used here without the client around it, which has
no part in what links do (see `fakeredis.stores.forwarding.cluster_link`).  Clients, pools and
connections are subclasses that no patch touches, and that are real ones even if this module is
imported inside of a patch.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import redis
import redis.cluster
import redis.sentinel
from redis.backoff import NoBackoff
from redis.connection import Connection, ConnectionPool
from redis.crc import key_slot
from redis.exceptions import (
    AskError,
    MovedError,
    RedisClusterException,
    SlotNotCoveredError,
)
from redis.retry import Retry

from fakeredis.stores.base import Bypass, StoreError
from fakeredis.stores.forwarding.resp_link import explained, real_class

Address = tuple[str, int]
Options = dict[str, Any]

_REFRESH_AFTER: Final = 5  # redirections, as `RedisCluster` has it: its ``reinitialize_steps``
_OF_ONE_SERVER: Final = ("host", "port", "path", "db", "sentinels")
_FOR_SENTINELS: Final = ("socket_", "ssl_", "connection_class")


class _Pool(Bypass, ConnectionPool):
    """A pool of connections that lead to the network."""


class _Client(Bypass, redis.Redis):
    """A client that does so."""

    def close(self) -> None:
        """Close its connections."""
        super().close()
        self.connection_pool.disconnect()


class _SentinelClient(_Client):
    """A client of a Sentinel, which remembers why it was not answered."""

    why = ""

    def sentinel_masters(self, *args: Any, **options: Any) -> Any:
        """The services, as redis-py's own method gives them.

        Raises:
            redis.RedisError: there is no answer.
        """
        try:
            return super().sentinel_masters(*args, **options)
        except redis.RedisError as error:
            self.why = str(error)
            raise


def _client(
    options: Options, host: str, port: int, client_class: type[_Client] = _Client
) -> _Client:
    """A client of one server, which is asked once: who asks knows others."""
    options = {key: value for key, value in options.items() if key not in _OF_ONE_SERVER}
    kind = real_class(options.pop("connection_class", Connection))
    options.update(protocol=2, decode_responses=False, retry=Retry(NoBackoff(), 0))
    pool = _Pool(connection_class=kind, host=host, port=port, **options)
    return client_class(connection_pool=pool)


# Clusters ---------------------------------------------------------------------------------------


class _NodesManager(Bypass, redis.cluster.NodesManager):
    """redis-py's, with clients of ours."""

    def __init__(self, first: Any, options: Options, clients: list[_Client]) -> None:
        self.clients = clients  # all that are made
        super().__init__(startup_nodes=[first], from_url=True, **options)

    def create_redis_node(self, host: str, port: int, **kwargs: Any) -> _Client:
        """A client of a node."""
        made = _client(self.connection_kwargs, host, port)
        self.clients.append(made)
        return made


class Nodes:
    """The nodes of a cluster, for all links of a store; any thread may ask.

    Args:
        options: of the first node to be asked, as `redis.connection.parse_url` gives them.
        name: the store's, for error texts.

    Raises:
        OSError: no node answers, or none serves slots.
        StoreError: the server is no node of a cluster.
    """

    def __init__(self, options: Options, name: str) -> None:
        self.name = name
        self._lock = threading.RLock()
        self._moves = 0
        self._stale = False
        first = redis.cluster.ClusterNode(  # type: ignore[no-untyped-call]
            options.get("host") or "localhost", int(options.get("port") or 6379)
        )
        kept = {key: value for key, value in options.items() if key not in _OF_ONE_SERVER}
        self._clients: list[_Client] = []  # those of nodes that have gone, too
        try:
            with _explained(name):
                self._manager = _NodesManager(first, kept, self._clients)
        except Exception:
            self.close()
            raise
        self._note_masters()

    def _note_masters(self) -> None:
        """Masters by their slots: so the one that takes another's slots over takes its place."""
        found = [nodes[0] for _, nodes in sorted(self._manager.slots_cache.items()) if nodes]
        self._masters = list(dict.fromkeys((str(node.host), int(node.port)) for node in found))

    def masters(self) -> list[Address]:
        """Where the masters are that serve slots.

        Raises:
            OSError: there are none.
        """
        if not self._masters:
            raise ConnectionRefusedError(111, f"nobody serves the slots of {self.name}")
        return self._masters

    def master_of(self, key: bytes) -> Address:
        """The master that serves a key; any one where its slot is nobody's."""
        with self._lock:
            try:
                node = self._manager.get_node_from_slot(key_slot(key))
            except SlotNotCoveredError:
                return self.masters()[0]
            return str(node.host), int(node.port)

    def moved(self, error: AskError) -> None:
        """A slot has another master; after some such news the whole map is asked for anew."""
        with self._lock:
            self._moves += 1
            if self._moves % _REFRESH_AFTER == 0:
                self.refresh()
                return
            manager: Any = self._manager
            note = getattr(manager, "move_slot", None)  # of redis-py 8
            (note or manager.update_moved_exception)(error)
            manager.get_node_from_slot(error.slot_id)  # an older one takes note only now
            self._note_masters()

    def refresh(self) -> None:
        """Ask for the map anew.

        Raises:
            OSError: nobody answers.
        """
        with self._lock:
            with _explained(self.name):
                self._manager.initialize()
            self._note_masters()
            self._stale = False

    def lost(self) -> None:
        """A node has gone: the next session asks for the map anew."""
        self._stale = True

    def look_again(self) -> None:
        """Do that, if a node has gone."""
        if self._stale:
            self.refresh()

    def close(self) -> None:
        """Close all connections."""
        for client in self._clients:
            client.close()


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """Turn redis-py's errors into those of stores."""
    try:
        yield
    except (redis.RedisError, RedisClusterException) as error:
        cause = error.__cause__ or error  # what the last node said
        if isinstance(cause, redis.RedisError):
            raise explained(cause, name) from error
        raise StoreError(f"the store {name} cannot be used: {cause}") from error


def redirection(text: str, here: Address) -> AskError | None:
    """What a node's error says of another node; None if it says nothing of the kind.

    Args:
        text: the error.
        here: the node.
    """
    kind, _, rest = text.partition(" ")
    if kind not in ("MOVED", "ASK"):
        return None
    error = MovedError(rest) if kind == "MOVED" else AskError(rest)
    error.host = error.host or here[0]  # nodes that do not know their own address
    return error


# Sentinels --------------------------------------------------------------------------------------


class _Sentinel(Bypass, redis.sentinel.Sentinel):
    """redis-py's, past all patches."""


class Sentinels:
    """The Sentinels that watch a store's service.

    Args:
        options: of the URL; some are for the Sentinels, too.
        service: the service.
        name: the store's, for error texts.
    """

    def __init__(self, options: Options, service: str, name: str) -> None:
        self.service = service
        self.name = name
        shared = {key: each for key, each in options.items() if key.startswith(_FOR_SENTINELS)}
        self._sentinel: Any = _Sentinel([])  # type: ignore[no-untyped-call]
        self._sentinel.sentinels = [
            _client(shared, *place, _SentinelClient) for place in _places(options)
        ]

    def master(self) -> Address:
        """Where the master is now.

        Raises:
            OSError: no Sentinel answers, or none knows a master that is up.
        """
        for each in self._sentinel.sentinels:
            each.why = ""
        try:
            host, port = self._sentinel.discover_master(self.service)
        except redis.sentinel.MasterNotFoundError as error:
            what = f"the Sentinels know no master {self.service!r}"
            details = "; ".join(each.why for each in self._sentinel.sentinels if each.why)
            if details:
                what = f"no Sentinel answers that knows a master {self.service!r}: {details}"
            raise ConnectionRefusedError(111, f"{what} ({self.name})") from error
        except redis.RedisError as error:
            raise explained(error, self.name) from error
        return str(host), int(port)

    def close(self) -> None:
        """Close all connections."""
        for client in self._sentinel.sentinels:
            client.close()


def _places(options: Options) -> Iterator[Address]:
    """Where the Sentinels are."""
    yield options.get("host", "localhost"), int(options.get("port", 26379))
    for place in filter(None, str(options.get("sentinels", "")).split(",")):
        host, _, port = place.partition(":")
        yield host, int(port or 26379)
