"""Pipelines that hand their whole batch to the engine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import redis
from redis.client import EMPTY_RESPONSE, NEVER_DECODE, Pipeline

from fakeredis.clients.codec import encode, parsed_error
from fakeredis.clients.fake_socket import FakeSocket, mark
from fakeredis.clients.fast_path import (
    NOT_HANDLED,
    QUICK,
    for_callback,
    other_wire,
    plain_set,
    rich,
)
from fakeredis.clients.impersonation import tell_signatures
from fakeredis.clients.originals import own_method
from fakeredis.clients.untouched import is_untouched
from fakeredis.engine.core import switches
from fakeredis.engine.core.replies import Status
from fakeredis.engine.core.words import Spelled
from fakeredis.errors import CommandError, ConnectionLost

if TYPE_CHECKING:
    from fakeredis.clients.interfaces import AnyBatch, AnyConnection, Batch, Commands, Connection
    from fakeredis.engine.command.command import Command
    from fakeredis.engine.core.interfaces import SessionLike

    Encoded = list[tuple[Command, list[bytes]]]

__all__ = [
    "NOT_HANDLED", "FakePipeline", "mark", "marked", "run_pipeline", "run_transaction",
    "short_execute", "short_pipeline",
]

PARSE_RESPONSE: Final = own_method(Pipeline, "parse_response")
EXECUTE: Final = own_method(Pipeline, "execute")
_callback: Final = dict.get  # the look-up of redis-py's own mapping is a Python call


def batch_of(wire: FakeSocket, commands: Commands) -> Encoded | None:
    """A pipeline's commands looked up and encoded; None when one of them needs the long way."""
    session = wire.session
    if session.switched or session.outbox:
        return None
    is_spied = session.server.switched & switches.RECORDED
    plain = session.plain
    encoder = wire.packs
    encoding, strict = encoder.encoding, encoder.encoding_errors
    batch: Encoded = []
    for args, _ in commands:
        command = plain.get(args[0])
        if command is None:
            return None
        argv: list[bytes] = []
        for arg in args[1:]:  # `encode`, which would be a call for each command
            kind = type(arg)
            if kind is str:
                arg = arg.encode(encoding, strict)
            elif kind is int:
                arg = b"%d" % arg
            elif kind is not bytes:
                arg = encode(encoder, (arg,))[0]
            argv.append(arg)
        if is_spied:
            argv = Spelled(argv)
            argv.name, argv.method = command.parts, getattr(args, "method", None)
        batch.append((command, argv))
    return batch


def run_pipeline(
    pipeline: AnyBatch, wire: FakeSocket, connection: AnyConnection, commands: Commands,
    raise_on_error: bool,
) -> Any:
    """A batch without MULTI; `NOT_HANDLED` where only the long way will do."""
    batch = batch_of(wire, commands)
    if batch is None:
        return NOT_HANDLED
    session: Any = wire.session
    if session.server.switched & switches.RECORDED:
        with via(session, "pipeline"):
            replies: list[Any] | None = session.call_many(batch)
    else:
        replies = session.call_many(batch)
    if replies is None:
        return NOT_HANDLED
    callbacks = pipeline.response_callbacks
    encoder = connection.encoder
    decode = encoder.decode_responses
    for index, (args, options) in enumerate(commands):
        reply = replies[index]
        kind = type(reply)
        if kind is Status:
            replies[index] = reply = bytes(reply)
            kind = bytes
        if kind is bytes:
            if decode and NEVER_DECODE not in options:
                replies[index] = reply = reply.decode(encoder.encoding, encoder.encoding_errors)
        elif kind is CommandError:
            replies[index] = _error(connection, options, reply)
            continue
        elif kind is not int and reply is not None:
            plain = decode and NEVER_DECODE not in options
            replies[index] = reply = rich(reply, batch[index][0], connection, plain)
        callback = _callback(callbacks, args[0])
        if callback is not None:
            if kind is list:
                callback = QUICK.get(callback, callback)
            replies[index] = callback(reply, **for_callback(options) if options else options)
    if raise_on_error:
        pipeline.raise_first_error(commands, replies)
    return replies


def run_transaction(
    pipeline: AnyBatch, wire: FakeSocket, connection: AnyConnection, commands: Commands,
    raise_on_error: bool,
) -> Any:
    """A batch inside MULTI and EXEC; `NOT_HANDLED` where only the long way will do.

    As in redis-py, the reply of EXEC is decoded as one, and errors are raised before any callback
    is called.
    """
    for _, options in commands:
        if options and EMPTY_RESPONSE in options:
            return NOT_HANDLED
    batch = batch_of(wire, commands)
    if batch is None:
        return NOT_HANDLED
    for command, argv in batch:
        if not command.low <= len(argv) <= command.high:
            return NOT_HANDLED
    session: Any = wire.session
    if session.server.switched & switches.RECORDED:
        with via(session, "transaction"):
            said = session.transaction(batch)
    else:
        said = session.transaction(batch)
    if said is None:
        return NOT_HANDLED
    queued, replies = said
    if type(replies) is CommandError:
        raise _aborted(pipeline, connection, commands, queued, replies)
    pipeline.watching = False
    if replies is None:
        raise redis.WatchError("Watched variable changed.")
    replies = replies.copy()  # a spy keeps the server's
    _settle(connection, batch, replies)
    if raise_on_error:
        pipeline.raise_first_error(commands, replies)
    callbacks = pipeline.response_callbacks
    for index, (args, options) in enumerate(commands):
        callback = _callback(callbacks, args[0])
        if callback is not None and not isinstance(replies[index], Exception):
            options.pop("keys", None)
            replies[index] = callback(replies[index], **options)
    return replies


def _aborted(
    pipeline: AnyBatch, connection: AnyConnection, commands: Commands, queued: list[Any],
    error: CommandError,
) -> Exception:
    """What redis-py raises where EXEC fails: why the first of those was refused that it queued."""
    parse_error = connection._parser.parse_error
    ended = parsed_error(parse_error, error)
    if str(error).startswith("EXECABORT"):
        for number, reply in enumerate(queued):
            if type(reply) is CommandError:
                refused: Exception = parsed_error(parse_error, reply)
                if number:  # 0 is MULTI itself
                    pipeline.annotate_exception(refused, number, commands[number - 1][0])
                return refused
    return ended  # type: ignore[no-any-return]


def _settle(connection: AnyConnection, batch: Encoded, replies: list[Any]) -> None:
    """EXEC's replies as redis-py's parser would give them."""
    encoder = connection.encoder
    decode = encoder.decode_responses
    for index, reply in enumerate(replies):
        kind = type(reply)
        if kind is Status:
            replies[index] = reply = bytes(reply)
            kind = bytes
        if kind is bytes:
            if decode:
                replies[index] = reply.decode(encoder.encoding, encoder.encoding_errors)
        elif kind is not int and reply is not None:
            replies[index] = rich(reply, batch[index][0], connection, decode)


def _error(connection: AnyConnection, options: Any, error: CommandError) -> Any:
    if EMPTY_RESPONSE in options:
        return options[EMPTY_RESPONSE]
    return parsed_error(connection._parser.parse_error, error)


def short_pipeline(
    pipeline: Batch, connection: Connection, commands: Commands, raise_on_error: bool,
    transaction: bool,
) -> Any:
    """A sync pipeline's batch on the short way; `NOT_HANDLED` where only the long way will do.

    Raises:
        redis.ResponseError: a command failed, and ``raise_on_error``.
        redis.WatchError: a watched key changed.
    """
    wire = fit_wire(connection, getattr(connection, "_sock", None), FakeSocket)
    if wire is None or type(pipeline).parse_response is not PARSE_RESPONSE:
        return NOT_HANDLED
    run = run_transaction if transaction else run_pipeline
    try:
        return run(pipeline, wire, connection, commands, raise_on_error)
    except ConnectionLost:
        return NOT_HANDLED  # to be found, and told in redis-py's words, on the long way


def fit_wire(
    connection: AnyConnection, wire: Any, kind: type[FakeSocket]
) -> FakeSocket | None:
    """The wire by which a pipeline's batch may take the short way; None where none may.

    Args:
        connection: which it would take.
        wire: what is in the place of its socket.
        kind: the class of wires that may; subclasses say which one instead.
    """
    if type(wire) is not kind:
        wire = other_wire(wire, connection)
    return wire if wire is not None and is_untouched(connection, wire) else None


def idle_connection(pipeline: AnyBatch) -> Any:
    """An idle connection taken from the pool; None where a batch needs another, or more care."""
    if pipeline.connection or pipeline.scripts or pipeline.watching or not pipeline.command_stack:
        return None
    try:
        return pipeline.connection_pool._available_connections.pop()
    except (AttributeError, IndexError):
        return None


def short_execute(pipeline: Batch, raise_on_error: bool) -> Any:
    """A whole ``execute()`` without the pool's care of connections; `NOT_HANDLED` as above."""
    connection = idle_connection(pipeline)
    if connection is None:
        return NOT_HANDLED
    replies: Any = None
    try:
        replies = short_pipeline(
            pipeline, connection, pipeline.command_stack, raise_on_error,
            pipeline.transaction or pipeline.explicit_transaction,
        )
        return replies
    finally:
        pipeline.connection_pool._available_connections.append(connection)
        if replies is not NOT_HANDLED:
            pipeline.reset()


class FakePipeline(Pipeline):
    """redis-py's pipeline; the batch crosses to the engine in one call."""

    set = plain_set(Pipeline)

    def execute(self, raise_on_error: bool = True) -> list[Any]:
        """Run the commands; see `redis.client.Pipeline.execute`."""
        if Pipeline.execute is not EXECUTE:  # a mock, or a tracer's wrapper
            return super().execute(raise_on_error)
        replies = short_execute(self, raise_on_error)
        if replies is NOT_HANDLED:
            replies = super().execute(raise_on_error)
        return replies  # type: ignore[no-any-return]

    def _execute_pipeline(self, connection: Any, commands: Any, raise_on_error: bool) -> Any:
        replies = short_pipeline(self, connection, commands, raise_on_error, False)
        if replies is not NOT_HANDLED:
            return replies
        with marked(connection, "pipeline"):
            run: Any = super()._execute_pipeline
            return run(connection, commands, raise_on_error)

    def _execute_transaction(self, connection: Any, commands: Any, raise_on_error: bool) -> Any:
        replies = short_pipeline(self, connection, commands, raise_on_error, True)
        if replies is not NOT_HANDLED:
            return replies
        with marked(connection, "transaction"):
            return super()._execute_transaction(connection, commands, raise_on_error)


tell_signatures(vars(FakePipeline), Pipeline)


@contextmanager
def marked(connection: AnyConnection, how: str) -> Iterator[None]:
    """Tell the spy that what follows on a connection is one batch."""
    wire = getattr(connection, "_sock", None) or getattr(connection, "_reader", None)
    session = getattr(wire, "session", None)
    if session is None:
        yield
        return
    with via(session, how):
        yield


@contextmanager
def via(session: SessionLike, how: str) -> Iterator[None]:
    """Tell the spy that what follows on a session is one batch."""
    mark(session, how)
    try:
        yield
    finally:
        mark(session, "direct")
