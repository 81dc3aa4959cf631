"""What a store is: where the servers' state lives.

There are two kinds.  A `KeyspaceStore` keeps values, and the engine works on them; a
`ForwardingStore` (`fakeredis.stores.forwarding.base`) runs the commands elsewhere.  A third party's
store is a subclass of one of them, named in the entry point ``fakeredis.stores`` for its URLs, and
proves itself by a subclass of `fakeredis.testing.StoreTests`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple


class StoreError(Exception):
    """A store cannot do what it should; the text says why, for people."""


class StoreBusy(StoreError):
    """Others hold the store for so long that a command gives up."""


class Bypass:
    """Marks what a store uses of redis-py itself: no patch touches it, it leads to the network.

    A class of connections, pools, clients, managers of nodes or Sentinels inherits from it, before
    redis-py's class.
    """


class Store:
    """What both kinds of stores have in common."""

    #: Whether the state outlives this process.
    persistent = False
    #: Whether several servers and processes may use the store at once.
    shared = False
    #: Whether commands run elsewhere, see `fakeredis.stores.forwarding.base`.
    forwards = False

    def space(self, address: str) -> Store:
        """The part of the store that the server at an address uses.

        The store itself where all servers share one state, which is the default.
        """
        return self

    def erase(self) -> None:
        """Forget everything, of all addresses: between two tests, while no server uses the store.

        Does nothing where the end of each use cleans up.
        """

    def close(self) -> None:
        """Release files and connections; nothing uses the store any more."""


class Record(NamedTuple):
    """What is kept of a key."""

    payload: bytes  #: the value as DUMP gives it, version and checksum included
    deadline: int | None = None  #: milliseconds since the epoch; None without expiry
    version: int = 0  #: grows with each change, by whomever; for stores that are shared
    deltas: Sequence[bytes] = ()  #: changes since the payload, oldest first, see `Delta`


class Change(NamedTuple):
    """A change that another user of the store has made."""

    database: int
    key: bytes
    version: int  #: the key's version after it
    events: str = ""  #: the keyspace events, ``"hset:hash del:generic"``
    before: int = 0  #: the version that ``delta`` starts from
    delta: bytes | None = None  #: the change itself, where the store keeps changes


class KeyspaceStore(Store, ABC):
    """Keeps the values of keys.

    The engine works on values in memory and writes what has changed: before a command that may
    write it calls `begin`, afterwards `save` or `delete` for each key that has changed, then
    `commit`.  Commands that only read ask the store for nothing but `changes`.

    A key is a database's number and a name.  All methods are called under the server's lock, by
    any thread.  They raise `StoreError` when the medium fails.
    """

    @abstractmethod
    def load(self, database: int, key: bytes) -> Record | None:
        """What is kept of a key; None when there is none."""

    @abstractmethod
    def save(self, database: int, key: bytes, record: Record, events: str = "") -> int:
        """Keep a key, in the place of what was kept of it; returns its new version.

        Args:
            database: the database's number.
            key: the key's name.
            record: its value and deadline; the store counts the version by itself.
            events: the keyspace events of the change, for `Change.events`.
        """

    @abstractmethod
    def delete(self, database: int, key: bytes, events: str = "") -> None:
        """Forget a key.

        Args:
            database: the database's number.
            key: the key's name.
            events: the keyspace events of the change, for `Change.events`.
        """

    @abstractmethod
    def scan(self) -> Iterator[tuple[int, bytes, Record]]:
        """Everything: database, key and what is kept of it."""

    @abstractmethod
    def clear(self) -> None:
        """Forget all keys of all databases."""

    def begin(self) -> None:
        """Start a transaction in which nobody else writes.

        Raises:
            StoreBusy: somebody else holds the store.
        """

    def commit(self) -> None:
        """End the transaction and keep what it did."""

    def rollback(self) -> None:
        """End the transaction as if it had never been."""

    def erase(self) -> None:
        """Remove all keys in a transaction.

        A store with several spaces overrides this: all of them are emptied.
        """
        self.begin()
        self.clear()
        self.commit()

    # For stores that are shared ---------------------------------------------------------------

    def changes(self) -> Iterable[Change] | None:
        """What others have changed since the last call, oldest first.

        None when that is not known any more: the engine reads all by `scan` then.
        """
        return ()

    def stamp(self) -> object:
        """Something that differs from the last call's once others have changed anything.

        It is asked often while clients wait, some hundred times a second, and should be cheap.
        """
        return None


class KeepsDeltas(ABC):
    """What a keyspace store may do besides: keep small changes of big values as they are.

    `KeyspaceStore.load` and `KeyspaceStore.scan` give them as `Record.deltas`, the next
    `KeyspaceStore.save` makes an end of them.
    """

    @abstractmethod
    def append(
        self, database: int, key: bytes, delta: bytes, deadline: int | None, before: int,
        events: str = "",
    ) -> int:
        """Add a change to what is kept of a key; returns its new version.

        Args:
            database: the database's number.
            key: the key's name.
            delta: the change, as bytes that the store need not understand.
            deadline: when the key expires from now on, milliseconds since the epoch; None for
                never.
            before: the key's version so far.
            events: the keyspace events of the change, for `Change.events`.
        """


class Message(NamedTuple):
    """Something published."""

    kind: str  #: ``"message"``, or ``"smessage"`` of a shard channel
    channel: bytes
    body: bytes


class CarriesMessages(ABC):
    """What a shared store may do besides: carry messages to the clients of other processes."""

    @abstractmethod
    def listen(self, kind: str, name: bytes, clients: int) -> None:
        """Note how many clients here listen.

        Args:
            kind: ``"message"`` for a channel, ``"pmessage"`` for a pattern, ``"smessage"``.
            name: the channel or the pattern.
            clients: how many there are now; 0 for none.
        """

    @abstractmethod
    def listeners(self) -> list[tuple[str, bytes, int]]:
        """Who listens elsewhere: kind, name, and how many clients."""

    @abstractmethod
    def publish(self, message: Message) -> None:
        """Send a message to all others."""

    @abstractmethod
    def messages(self) -> list[Message]:
        """What others have sent since the last call, oldest first."""
