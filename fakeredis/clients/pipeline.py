"""Pipelines that hand their whole batch to the engine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any, Final

import redis
from redis.client import EMPTY_RESPONSE, NEVER_DECODE, Pipeline

from fakeredis.clients.wire import Wire, decoded, encode, with_errors
from fakeredis.commands.registry import Command
from fakeredis.engine.replies import Status
from fakeredis.engine.session import Session
from fakeredis.errors import CommandError

MISS: Final = object()  # the short way does not apply
PARSE_RESPONSE: Final = redis.Redis.parse_response
_callback = dict.get
_groups = count(1)

Batch = list[tuple[Command, list[bytes]]]


def batch_of(wire: Any, connection: Any, commands: Any) -> Batch | None:
    """A pipeline's commands looked up and encoded; None when one of them needs the long way."""
    session = wire.session
    if session.guard or session.server.guard or session.outbox:
        return None
    plain = session.plain
    encoder = connection.encoder
    encoding, strict = encoder.encoding, encoder.encoding_errors
    batch: Batch = []
    for args, _ in commands:
        command = plain.get(args[0])
        if command is None:
            return None
        argv = []
        for arg in args[1:]:
            kind = type(arg)
            if kind is str:
                arg = arg.encode(encoding, strict)
            elif kind is not bytes:
                arg = encode(encoder, (arg,))[0]
            argv.append(arg)
        batch.append((command, argv))
    return batch


def finish(pipeline: Any, connection: Any, commands: Any, replies: list[Any]) -> list[Any]:
    """Replies decoded and given to redis-py's callbacks; errors as its exceptions."""
    encoder = connection.encoder
    decode = encoder.decode_responses
    callbacks = pipeline.response_callbacks
    for index, (args, options) in enumerate(commands):
        reply = replies[index]
        kind = type(reply)
        if kind is CommandError:
            replies[index] = _error(connection, options, reply)
            continue
        if kind is Status:
            reply = bytes(reply)
        elif kind is list:
            reply = with_errors(reply, connection._parser.parse_error)
        if decode and NEVER_DECODE not in options:
            reply = decoded(reply, encoder)
        callback = _callback(callbacks, args[0])
        if callback is not None:
            if options:
                options = {
                    name: value for name, value in options.items()
                    if name not in ("keys", EMPTY_RESPONSE, NEVER_DECODE)
                }  # fmt: skip
            reply = callback(reply, **options)
        replies[index] = reply
    return replies


def _error(connection: Any, options: Any, error: CommandError) -> Any:
    if EMPTY_RESPONSE in options:
        return options[EMPTY_RESPONSE]
    return connection._parser.parse_error(str(error))


def run_pipeline(
    pipeline: Any, wire: Any, connection: Any, commands: Any, raise_on_error: bool
) -> Any:
    """A batch without MULTI; `MISS` where only the long way will do."""
    batch = batch_of(wire, connection, commands)
    if batch is None:
        return MISS
    replies = finish(pipeline, connection, commands, wire.session.call_many(batch))
    if raise_on_error:
        pipeline.raise_first_error(commands, replies)
    return replies


def run_transaction(
    pipeline: Any, wire: Any, connection: Any, commands: Any, raise_on_error: bool
) -> Any:
    """A batch inside MULTI and EXEC; `MISS` where only the long way will do."""
    batch = None
    if not any(EMPTY_RESPONSE in options for _, options in commands):
        batch = batch_of(wire, connection, commands)
    if batch is None or not all(command.accepts(len(argv)) for command, argv in batch):
        return MISS
    replies = wire.session.transaction(batch)
    pipeline.watching = False
    if replies is None:
        raise redis.WatchError("Watched variable changed.")
    finish(pipeline, connection, commands, replies)
    if raise_on_error:
        pipeline.raise_first_error(commands, replies)
    return replies


def short_pipeline(
    pipeline: Any, connection: Any, commands: Any, raise_on_error: bool, transaction: bool
) -> Any:
    """A sync pipeline's batch on the short way; `MISS` where only the long way will do.

    Raises:
        redis.ResponseError: a command failed, and ``raise_on_error``.
        redis.WatchError: a watched key changed.
    """
    wire = getattr(connection, "_sock", None)
    if type(wire) is not Wire or type(pipeline).parse_response is not PARSE_RESPONSE:
        return MISS
    run = run_transaction if transaction else run_pipeline
    return run(pipeline, wire, connection, commands, raise_on_error)


def mark(session: Session, via: str) -> None:
    """Tell the spy how the next commands arrive."""
    session.via = via
    session.group = next(_groups) if via != "direct" else 0


class FakePipeline(Pipeline):
    """redis-py's pipeline; the batch crosses to the engine in one call."""

    def _execute_pipeline(self, connection: Any, commands: Any, raise_on_error: bool) -> Any:
        replies = short_pipeline(self, connection, commands, raise_on_error, False)
        if replies is not MISS:
            return replies
        with marked(connection, "pipeline"):
            return super()._execute_pipeline(connection, commands, raise_on_error)

    def _execute_transaction(self, connection: Any, commands: Any, raise_on_error: bool) -> Any:
        replies = short_pipeline(self, connection, commands, raise_on_error, True)
        if replies is not MISS:
            return replies
        with marked(connection, "transaction"):
            return super()._execute_transaction(connection, commands, raise_on_error)


@contextmanager
def marked(connection: Any, via: str) -> Iterator[None]:
    """Tell the spy that what follows on a connection is one batch."""
    wire = getattr(connection, "_sock", None) or getattr(connection, "_reader", None)
    session = getattr(wire, "session", None)
    if session is None:
        yield
        return
    mark(session, via)
    try:
        yield
    finally:
        mark(session, "direct")
