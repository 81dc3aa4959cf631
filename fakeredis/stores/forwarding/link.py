"""What a session has of a forwarding store: its `Link`, and what is known of messages on it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

from fakeredis.errors import CommandError

Restore = Callable[[Any], Any] | None


class Link(ABC):
    """One session's way to where its commands run.

    Replies are of the types of `fakeredis.engine.core.replies`: `bytes`, `int`, `float`, `bool`,
    None,
    lists, dictionaries, `Status`, `CommandError` (returned, not raised), and `Push` for what was
    not asked for.  A session asks for one thing at a time; only `close` is called by any thread.
    """

    @abstractmethod
    def send(self, batch: Sequence[Sequence[bytes]]) -> None:
        """Start to run commands, a whole pipeline if there is one.

        Raises:
            OSError: the other end has gone.
        """

    @abstractmethod
    def receive(self, timeout: float | None) -> Any:
        """The next reply, in the order of the commands, or a push.

        Args:
            timeout: how many seconds to wait; None for as long as it takes, 0 not at all.

        Raises:
            TimeoutError: nothing has come.
            OSError: the other end has gone.
        """

    def translate(self, command: Any, argv: Sequence[bytes]) -> tuple[Sequence[bytes], Restore]:
        """What is sent for a command, and what makes the client's reply of the other end's.

        Each command has one reply on either side.

        Args:
            command: what is known of it: ``name`` (``"CONFIG GET"``), ``parts``, ``flags``.
            argv: what the client has sent.
        """
        return argv, None

    def heard(self, message: list[Any]) -> list[Any] | None:
        """A pushed message as the client is to see it; None where it is not to."""
        return message

    def files(self) -> Sequence[Any]:
        """Sockets or the like that become readable when something can be received.

        None are needed where replies never keep anyone waiting and nothing is pushed.
        """
        return ()

    @abstractmethod
    def close(self) -> None:
        """Close the connection; the one method that any thread may call."""


MESSAGES: Final = frozenset({
    b"message", b"pmessage", b"smessage", b"subscribe", b"psubscribe", b"ssubscribe",
    b"unsubscribe", b"punsubscribe", b"sunsubscribe",
})


def is_message(item: Any) -> bool:
    """Whether an array, read from a connection that listens, is a message in RESP2's terms."""
    return type(item) is list and bool(item) and type(item[0]) is bytes and item[0] in MESSAGES


def ends_listening(message: Sequence[Any]) -> bool:
    """Whether a message says that nothing is listened to any more."""
    return bool(message[0].endswith(b"unsubscribe") and message[-1] == 0)


class SimpleLink(Link):
    """A link to something that runs one command after another, and only answers.

    HELLO is answered here: `run` gives the replies of ``protocol``, 2 or 3.
    """

    def __init__(self) -> None:
        self.protocol = 2
        self._replies: deque[Any] = deque()

    @abstractmethod
    def run(self, argv: Sequence[bytes]) -> Any:
        """Run a command and return its reply.

        Raises:
            CommandError: the reply is an error.
            OSError: the other end has gone.
        """

    def send(self, batch: Sequence[Sequence[bytes]]) -> None:
        """Run the commands, one after another."""
        for argv in batch:
            try:
                hello = argv[0].upper() == b"HELLO"
                self._replies.append(self.hello(argv) if hello else self.run(argv))
            except CommandError as error:
                self._replies.append(error.with_traceback(None))

    def hello(self, argv: Sequence[bytes]) -> Any:
        """Change the protocol's version.

        Raises:
            CommandError: there is no such version.
        """
        wanted = argv[1] if len(argv) > 1 else b"%d" % self.protocol
        if wanted not in (b"2", b"3"):
            raise CommandError("NOPROTO unsupported protocol version")
        self.protocol = int(wanted)
        about = {b"server": b"redis", b"version": b"8.2.3", b"proto": self.protocol, b"id": 1,
                 b"mode": b"standalone", b"role": b"master", b"modules": []}
        return about if self.protocol == 3 else [part for pair in about.items() for part in pair]

    def receive(self, timeout: float | None) -> Any:
        """The next reply; all have been there since `send`.

        Args:
            timeout: not used, as nothing is waited for (seconds, as in `Link.receive`).

        Raises:
            TimeoutError: no command is without its reply.
        """
        if not self._replies:
            raise TimeoutError("nothing was asked")
        return self._replies.popleft()

    def close(self) -> None:
        """Does nothing: there is no connection. A subclass that has one closes it here."""


class Watch(ABC):
    """What waits for links to become readable, see `ForwardingStore.watch`."""

    @abstractmethod
    def add(self, link: Link, look: Any) -> None:
        """Call ``look()`` whenever something can be received from a link, and once at first."""

    @abstractmethod
    def discard(self, link: Link) -> None:
        """Stop calling a link's ``look()``."""

    @abstractmethod
    def close(self) -> None:
        """Stop watching all links."""
