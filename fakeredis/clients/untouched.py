"""Whether a short cut may be taken: not past what users and tests have put in its way."""

from __future__ import annotations

from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, Final

from fakeredis.clients.codec import KNOWN, is_known, packs_itself
from fakeredis.clients.fake_socket import FakeSocket

if TYPE_CHECKING:
    from fakeredis.clients.interfaces import AnyConnection, Parser

_PASSED_OVER: Final = ("send_command", "send_packed_command", "pack_command", "read_response")


def is_plain(connection: AnyConnection) -> bool:
    """Whether a short cut passes over nothing: no health checks, no methods of the user's own."""
    if connection.health_check_interval or packs_itself(connection):
        return False
    return all(_is_library(getattr(connection, name)) for name in _PASSED_OVER)


def _is_library(method: object) -> bool:
    """Whether a method was written in one of the libraries, and nothing stands in its place.

    Wrappers may take over a name and a module, but not where their own code looks for names.
    """
    function = getattr(method, "__func__", method) if type(method) is MethodType else method
    if type(function) is not FunctionType:
        return str(getattr(type(method), "__module__", "")) == "builtins" and is_known(method)
    return str(function.__globals__.get("__name__")).partition(".")[0] in KNOWN


def ready(connection: AnyConnection, wire: object) -> None:
    """A connection has made its handshake: what comes now is the user's."""
    if not isinstance(wire, FakeSocket):
        return  # a mock's socket
    wire.session.via = "direct"
    parser = connection._parser
    wire.played = getattr(parser, "__dict__", ())
    wire.careful = wire.careful or asks_parser(parser)
    wire.parser = None if wire.careful else parser


_parsers: Final[dict[tuple[type, str], Any]] = {}  # the libraries' own, with their methods


def asks_parser(parser: Parser, name: str = "read_response") -> bool:
    """Whether replies must pass a connection's parser: it is a mock or the user's own."""
    if name in getattr(parser, "__dict__", ()):
        return True
    kind = type(parser)
    method = getattr(kind, name, None)
    if method is not _parsers.get((kind, name), _parsers):
        if not is_known(kind) or not (method is None or _is_library(method)):
            return True
        _parsers[kind, name] = method
    return _reads_elsewhere(parser)


def _reads_elsewhere(parser: Parser) -> bool:
    """Whether a test has put a socket or stream of its own into a parser."""
    ends = (
        getattr(parser, "_sock", None), getattr(parser, "_stream", None),
        getattr(getattr(parser, "_buffer", None), "_sock", None),
    )
    return any(end is not None and not isinstance(end, FakeSocket) for end in ends)


def is_untouched(connection: AnyConnection, wire: FakeSocket) -> bool:
    """Whether no mock has taken the place of anything between a command and its reply."""
    cls = type(connection)
    return (
        cls.read_response is wire.reads and cls.send_command is wire.sends
        and connection._parser is wire.parser and "read_response" not in wire.played
    )
