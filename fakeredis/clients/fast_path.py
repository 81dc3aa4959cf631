"""The short way of a command: from a client straight to the session of an idle connection.

Sync and asyncio clients share it; they differ in where a connection keeps its `FakeSocket`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, Final

import redis
from redis._parsers import helpers
from redis.client import EMPTY_RESPONSE, NEVER_DECODE

from fakeredis.clients.codec import decoded, encode, with_errors
from fakeredis.clients.originals import own_method
from fakeredis.engine.core.replies import BLOCKED, NO_REPLY, OK, Status
from fakeredis.errors import CommandError, ConnectionLost

if TYPE_CHECKING:
    from fakeredis.clients.interfaces import AnyConnection, Client
    from fakeredis.engine.command.command import Command

NOT_HANDLED: Final = object()  # the short way does not apply
# Groups whose arrays hold plain items only: no statuses, no errors, no sets.
FLAT_GROUPS: Final = frozenset({
    "string", "generic", "hash", "list", "set", "sorted-set", "sorted_set", "bitmap", "geo",
    "hyperloglog",
})
_callback: Final = dict.get  # the look-up of redis-py's own mapping is a Python call


def _known(name: str) -> Any:
    """A callback of redis-py that makes True of OK; something that none is if it has changed."""
    callback = getattr(helpers, name, None)
    return callback if callback is not None and callback(b"OK") is True else object()


_bool_ok: Final = _known("bool_ok")
_parse_set: Final = _known("parse_set_result")

_pairs: Final = getattr(helpers, "zset_score_pairs_resp3_to_resp2_legacy", None)


def _score_pairs(reply: Any, **options: object) -> Any:
    """Members with their scores, as redis-py's own gives them by way of text."""
    if not options.get("withscores") or options.get("score_cast_func", float) is not float:
        return _pairs(reply, **options)  # type: ignore[misc]
    return list(map(tuple, reply))


# Callbacks for arrays, and what does the same in less time.
QUICK: Final[dict[Any, Any]] = {} if _pairs is None else {_pairs: _score_pairs}

FastPath = Callable[[Any, tuple[Any, ...], dict[str, Any]], Any]


def make_fast_path(attribute: str, wire_class: object, parse_response: object) -> FastPath:
    """The short way for one kind of clients.

    Args:
        attribute: where its connections keep their wire.
        wire_class: the class of wires that may take it; subclasses may not.
        parse_response: the clients' own method, which a subclass must not have overridden.
    """
    finish = _finish_later if attribute == "_reader" else _finish

    def run_fast(client: Client, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """Run a command without pool, retry and protocol.

        `NOT_HANDLED` where only the long way will do. Works on any client of redis-py whose pool
        holds fake connections.

        Raises:
            redis.ResponseError: the reply is an error (its subclass by redis-py's own rules).
        """
        try:
            idle = client.connection_pool._available_connections
            connection = idle.pop()
        except (AttributeError, IndexError):
            return NOT_HANDLED
        try:
            wire: Any = getattr(connection, attribute, None)
            if type(wire) is not wire_class:
                wire = other_wire(wire, connection)
            if (
                wire is None
                or client.connection is not None
                or type(client).parse_response is not parse_response
                # A mock, most likely; `is_untouched` in line.
                or type(connection).read_response is not wire.reads
                or type(connection).send_command is not wire.sends
                or connection._parser is not wire.parser
                or "read_response" in wire.played
            ):
                return NOT_HANDLED
            session = wire.session
            command = session.plain.get(args[0])
            if command is None or session.switched or session.outbox:
                return NOT_HANDLED
            encoder, packs = connection.encoder, wire.packs
            argv = []
            for arg in args[1:]:  # `codec.encode`, which would be one call more of seven
                kind = type(arg)
                if kind is str:
                    arg = arg.encode(packs.encoding, packs.encoding_errors)
                elif kind is int:
                    arg = b"%d" % arg
                elif kind is float:
                    arg = repr(arg).encode()
                elif kind is not bytes:
                    arg = encode(packs, (arg,))[0]
                argv.append(arg)
            reply = session.call(command, argv)
            if reply is BLOCKED:  # by CLIENT PAUSE
                taken, idle = idle, []
                return finish(client, connection, taken, args[0], options)
        except CommandError as error:
            if EMPTY_RESPONSE in options:
                return options[EMPTY_RESPONSE]
            raise connection._parser.parse_error(str(error)) from None
        except ConnectionLost:
            return NOT_HANDLED
        finally:
            idle.append(connection)
        kind = type(reply)
        if kind is bytes:
            if encoder.decode_responses and NEVER_DECODE not in options:
                reply = reply.decode(encoder.encoding, encoder.encoding_errors)
        elif kind is Status:
            if reply is OK and not options:
                callback = _callback(client.response_callbacks, args[0])
                if callback is _bool_ok or callback is _parse_set:
                    return True
            reply = bytes(reply)
            if encoder.decode_responses and NEVER_DECODE not in options:
                reply = reply.decode(encoder.encoding, encoder.encoding_errors)
        elif kind is not int and reply is not None and kind is not bool and kind is not float:
            decode = encoder.decode_responses and NEVER_DECODE not in options
            reply = rich(reply, command, connection, decode)
        callback = _callback(client.response_callbacks, args[0])
        if callback is None:
            return reply
        if kind is list:
            callback = QUICK.get(callback, callback)
        if not options:
            return callback(reply)
        return callback(reply, **for_callback(options))

    return run_fast


def _finish(
    client: Client, connection: AnyConnection, idle: Any, name: object, options: dict[str, Any]
) -> Any:
    """Wait for the reply of a command that had to wait, on redis-py's own way."""
    try:
        return client.parse_response(connection, name, **options)
    finally:
        idle.append(connection)


async def _finish_later(
    client: Client, connection: AnyConnection, idle: Any, name: object, options: dict[str, Any]
) -> Any:
    """Wait for the reply of an asyncio client's command that had to wait, on redis-py's own way."""
    try:
        return await client.parse_response(connection, name, **options)
    finally:
        idle.append(connection)


def other_wire(wire: object, connection: AnyConnection) -> Any:
    """What a short cut may take where a connection's wire is not a plain one; None: nothing."""
    turn = getattr(type(wire), "turn", None)  # a mock's class has none
    return None if turn is None else turn(wire, connection)


def plain_set(real: Any) -> Any:
    """``set`` for a fake class: the plain call does without redis-py's look at all its options.

    Args:
        real: redis-py's class, whose own method takes all other calls (also one that was put there
            in the place of redis-py's).
    """
    real_set = own_method(real, "set")

    @wraps(real_set)
    def set(self: Any, name: Any, value: Any, *args: Any, **options: Any) -> Any:
        if args or options or real.set is not real_set:
            return real.set(self, name, value, *args, **options)
        return self.execute_command("SET", name, value)

    return set


def rich(reply: object, command: Command, connection: AnyConnection, decode: bool) -> Any:
    """An array, a map, a status ... as redis-py's parser would give it.

    Args:
        reply: the engine's.
        command: which command's it is.
        connection: whose parser that is.
        decode: whether bytes become text.

    Raises:
        redis.TimeoutError: there is none.
    """
    if type(reply) is not list or command.group not in FLAT_GROUPS:
        if reply is NO_REPLY:
            raise redis.TimeoutError(f"Timeout reading from {connection._host_error()}")
        reply = with_errors(reply, connection._parser)
    return decoded(reply, connection.encoder) if decode else reply


def for_callback(options: dict[str, Any]) -> dict[str, Any]:
    """The options that a callback gets: without those for redis-py itself."""
    return {
        name: value for name, value in options.items()
        if name not in ("keys", EMPTY_RESPONSE, NEVER_DECODE)
    }
