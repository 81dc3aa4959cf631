"""What is used here of the objects of redis-py and its kin; for type checkers alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol


class TextEncoder(Protocol):
    """How text becomes bytes."""

    @property
    def encoding(self) -> str:
        """As `str.encode` takes it."""

    @property
    def encoding_errors(self) -> str:
        """What becomes of text that cannot be encoded, as `str.encode` takes it."""

    def encode(self, value: Any) -> bytes:
        """A value as it is sent.

        Raises:
            redis.DataError: it is of a type that is never sent.
        """


class Encoder(TextEncoder, Protocol):
    """A connection's, which decodes as well."""

    @property
    def decode_responses(self) -> bool:
        """Whether replies are text."""


class Parser(Protocol):
    """What reads a connection's replies."""

    def parse_error(self, response: str) -> Exception:
        """An error's exception."""


class AnyConnection(Protocol):
    """What connections of both kinds have, sync and asyncio."""

    _parser: Any  # a `Parser`, or a mock
    db: Any
    client_name: str | None
    username: str | None
    password: str | None
    credential_provider: Any
    protocol: Any
    next_health_check: Any  # seconds, by a clock of its own
    socket_timeout: float | None

    @property
    def health_check_interval(self) -> float:
        """Seconds without a command after which a PING comes before the next one; 0 for never."""

    @property
    def encoder(self) -> Encoder:
        """What its words are written and read with."""

    def _host_error(self) -> str:
        """Its address, for errors."""

    def send_command(self, *args: Any, **kwargs: Any) -> Any:
        """Pack a command and send it."""

    def read_response(self, *args: Any, **kwargs: Any) -> Any:
        """The next reply, raised if it is an error."""

class Connection(AnyConnection, Protocol):
    """A connection of redis-py."""

    _sock: Any  # a `FakeSocket`, a socket, a mock, or None
    handshake_metadata: Any  # since redis-py 8
    driver_info: Any

    def _reset_himport_state(self) -> None:
        """Forget which hash imports were prepared; since redis-py 8."""

    def connect(self) -> None:
        """Open the connection, handshake included."""

    def disconnect(self, *args: Any) -> None:
        """Close the connection; it may be opened again."""

    def check_health(self) -> None:
        """Send a PING, where one is due."""

    def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        """Send bytes that are packed already."""

class AsyncConnection(AnyConnection, Protocol):
    """A connection of redis-py's asyncio part."""

    _reader: Any  # an `AsyncFakeSocket`, a stream, a mock, or None
    _writer: Any  # likewise

    @property
    def is_connected(self) -> bool:
        """Whether it is open."""

    async def connect(self) -> None:
        """Open the connection, handshake included."""

    async def disconnect(self, nowait: bool = False) -> None:
        """Close the connection; it may be opened again."""

    async def check_health(self) -> None:
        """Send a PING, where one is due."""

    async def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        """Send bytes that are packed already."""

class Pool(Protocol):
    """A pool of connections."""

    connection_class: Any
    connection_kwargs: dict[str, Any]
    _available_connections: list[Any]
    _in_use_connections: set[Any]

    def release(self, connection: Any) -> Any:
        """Take a connection back."""


class Client(Protocol):
    """A client of redis-py, of both kinds."""

    connection_pool: Any
    connection: Any
    response_callbacks: Any

    def parse_response(self, connection: Any, command_name: Any, **options: Any) -> Any:
        """A command's reply, read from a connection and put through the command's callback."""


Function = Callable[..., Any]  # of redis-py, in whose place one of ours is

# What a pipeline has to send: each command's words, and the options of its callback.
Commands = Sequence[tuple[tuple[Any, ...], dict[str, Any]]]


class AnyBatch(Client, Protocol):
    """A pipeline of both kinds."""

    command_stack: Any
    explicit_transaction: bool
    watching: bool
    scripts: Any

    def raise_first_error(self, commands: Any, response: Any) -> None:
        """Raise the first error among the replies, with the command's place in its text."""

    def annotate_exception(self, exception: Exception, number: int, command: Any) -> None:
        """Tell in an error's text which command of the pipeline it is of, counted from 1."""

    def reset(self) -> Any:
        """Forget the commands, and end WATCH."""


class Batch(AnyBatch, Protocol):
    """A pipeline."""

    @property
    def transaction(self) -> Any:
        """Whether it is one (redis-py's class has a method of this name)."""


class AsyncBatch(AnyBatch, Protocol):
    """A pipeline of redis-py's asyncio part."""

    is_transaction: bool
