"""Stores that run the commands elsewhere: a real server, a service, a program of one's own.

A `ForwardingStore` gives each session (a client's connection) a `Link` of its own, and the session
hands over what its client sends, word for word.  What belongs to a connection (MULTI, WATCH,
SELECT, subscriptions, the protocol's version) is so kept by whatever stands at the link's other
end; the spy, faults, and clients of any kind do not notice.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from fakeredis.stores.base import Store
from fakeredis.stores.forwarding.link import Link, Watch
from fakeredis.stores.forwarding.poller import Poller


class ForwardingStore(Store, ABC):
    """Runs the commands of all servers elsewhere.

    What is there stays there: a server of this process that uses the store holds no data.  All
    addresses share the one state.
    """

    persistent = True
    shared = True
    forwards = True
    #: What people call the store: its URL, say.
    name = "a forwarding store"

    @abstractmethod
    def connect(self, typed: bool = False) -> Link:
        """A link for a new session; it speaks RESP2 until its client says HELLO.

        Args:
            typed: whether replies keep the types that clients within this process never see:
                `SetReply`, `Verbatim`, `BigNumber`, RESP2's `NULL_ARRAY`.

        Raises:
            OSError: the other end cannot be reached; the text says where that is.
            StoreError: the store refuses to be used as it is; the text says why.
        """

    def clear(self) -> None:
        """Remove all keys that are this store's."""
        raise NotImplementedError(f"{self.name} cannot be emptied from here")

    def begin_use(self) -> None:
        """A patch begins to use it."""

    def end_use(self) -> None:
        """That patch has ended: leave nothing behind that should not stay."""

    def watch(self) -> Watch:
        """What waits for this store's links while nobody else does."""
        found: Watch | None = self.__dict__.get("_watch")
        if found is None:
            found = self.__dict__.setdefault("_watch", Poller())
        return found
