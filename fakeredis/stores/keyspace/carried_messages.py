"""Messages of channels between processes that have one store, which carries them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakeredis import errors
from fakeredis.datatypes.glob import matcher
from fakeredis.engine.core.pubsub import PubSub, Subscribers
from fakeredis.errors import CommandError
from fakeredis.stores.base import CarriesMessages, Message, StoreBusy, StoreError

if TYPE_CHECKING:
    from fakeredis.engine.core.session import Session


class CarriedPubSub(PubSub):
    """Channels whose messages reach the clients of other processes too.

    Those of keyspace events do not: each process learns of the changes, and sends its own.
    """

    __slots__ = ("carrier", "kinds")

    def __init__(self, carrier: CarriesMessages) -> None:
        super().__init__()
        self.carrier = carrier
        self.kinds = {
            id(self.channels): "message", id(self.patterns): "pmessage",
            id(self.shard_channels): "smessage",
        }

    def publish(self, channel: bytes, message: bytes) -> int:
        """Deliver a message here and to other processes; how many clients received it."""
        kinds = {"message", "pmessage"}
        return self.deliver(channel, message) + self._send_on(kinds, "message", channel, message)

    def spublish(self, channel: bytes, message: bytes) -> int:
        """Deliver a shard channel's message here and elsewhere; how many clients received it."""
        here = super().spublish(channel, message)
        return here + self._send_on({"smessage"}, "smessage", channel, message)

    def _send_on(self, kinds: set[str], kind: str, channel: bytes, message: bytes) -> int:
        """Send a message to the other processes, if any listens; how many clients they have."""
        try:
            listening = sum(
                clients for each, name, clients in self.carrier.listeners()
                if each in kinds
                and (matcher(name)(channel) if each == "pmessage" else name == channel)
            )
            if listening:
                self.carrier.publish(Message(kind, channel, message))
        except StoreError as error:
            raise refusal(error) from error
        return listening

    def receive(self) -> None:
        """Deliver what other processes have sent."""
        if self.channels or self.patterns or self.shard_channels:
            for kind, channel, body in self.carrier.messages():
                if kind == "message":
                    self.deliver(channel, body)
                else:
                    super().spublish(channel, body)

    def subscribe(self, where: Subscribers, name: bytes, session: Session) -> None:
        """Add a subscriber, and tell other processes.

        Args:
            where: the channels, the patterns or the shard channels.
            name: the channel or the pattern.
            session: who listens.
        """
        super().subscribe(where, name, session)
        self._listen(where, name)

    def unsubscribe(self, where: Subscribers, name: bytes, session: Session) -> None:
        """Remove a subscriber, and tell other processes.

        Args:
            where: the channels, the patterns or the shard channels.
            name: the channel or the pattern.
            session: who listens no more.
        """
        super().unsubscribe(where, name, session)
        self._listen(where, name)

    def _listen(self, where: Subscribers, name: bytes) -> None:
        try:
            self.carrier.listen(self.kinds[id(where)], name, len(where.get(name, ())))
        except StoreError as error:
            raise refusal(error) from error


def refusal(error: StoreError) -> CommandError:
    """What a client gets to read where a store has failed."""
    text = errors.STORE_BUSY if isinstance(error, StoreBusy) else errors.STORE_FAILED
    return CommandError(text % error)
