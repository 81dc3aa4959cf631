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
        """Likewise."""

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
    """Of both kinds."""

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
        """Seconds."""

    @property
    def encoder(self) -> Encoder:
        """What its words are written and read with."""

    def _host_error(self) -> str:
        """Its address, for errors."""

    def send_command(self, *args: Any, **kwargs: Any) -> Any:
        """As redis-py's."""

    def read_response(self, *args: Any, **kwargs: Any) -> Any:
        """As redis-py's."""

class Connection(AnyConnection, Protocol):
    """A connection of redis-py."""

    _sock: Any  # a `FakeSocket`, a socket, a mock, or None
    handshake_metadata: Any  # since redis-py 8
    driver_info: Any

    def _reset_himport_state(self) -> None:
        """As redis-py's, since version 8."""

    def connect(self) -> None:
        """As redis-py's."""

    def disconnect(self, *args: Any) -> None:
        """As redis-py's."""

    def check_health(self) -> None:
        """As redis-py's."""

    def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        """As redis-py's."""

class AsyncConnection(AnyConnection, Protocol):
    """A connection of redis-py's asyncio part."""

    _reader: Any  # an `AsyncFakeSocket`, a stream, a mock, or None
    _writer: Any  # likewise

    @property
    def is_connected(self) -> bool:
        """As redis-py's."""

    async def connect(self) -> None:
        """As redis-py's."""

    async def disconnect(self, nowait: bool = False) -> None:
        """As redis-py's."""

    async def check_health(self) -> None:
        """As redis-py's."""

    async def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        """As redis-py's."""

class Pool(Protocol):
    """A pool of connections."""

    connection_class: Any
    connection_kwargs: dict[str, Any]
    _available_connections: list[Any]
    _in_use_connections: set[Any]

    def release(self, connection: Any) -> Any:
        """As redis-py's."""


class Client(Protocol):
    """A client of redis-py, of both kinds."""

    connection_pool: Any
    connection: Any
    response_callbacks: Any

    def parse_response(self, connection: Any, command_name: Any, **options: Any) -> Any:
        """As redis-py's."""


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
        """As redis-py's."""

    def reset(self) -> Any:
        """As redis-py's."""


class Batch(AnyBatch, Protocol):
    """A pipeline."""

    @property
    def transaction(self) -> Any:
        """Whether it is one (redis-py's class has a method of this name)."""


class AsyncBatch(AnyBatch, Protocol):
    """A pipeline of redis-py's asyncio part."""

    is_transaction: bool
