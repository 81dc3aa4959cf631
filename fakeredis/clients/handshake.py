"""The plain handshake of a new connection, said to the session directly.

redis-py greets a server with some commands (HELLO, CLIENT SETINFO, SELECT ...), each with all the
care that a network asks for.  A connection that asks for nothing special says the same words here
in a third of the time; any other leaves it to redis-py.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from redis._parsers import _RESP2Parser

from fakeredis.clients.codec import decoded, encode_one, encoder_for
from fakeredis.clients.fake_socket import FakeSocket
from fakeredis.errors import CommandError

if TYPE_CHECKING:
    from fakeredis.clients.interfaces import Connection


def is_simple(connection: Connection) -> bool:
    """Whether redis-py would say nothing but what `greet` does."""
    if not hasattr(connection, "_reset_himport_state"):  # before redis-py 8
        return False
    if connection.username or connection.password or connection.credential_provider:
        return False
    notices = getattr(connection, "maint_notifications_config", None)
    if notices is not None and notices.enabled:
        return False
    wire = connection._sock
    return type(wire) is FakeSocket and not wire.careful and not (
        connection.protocol == 3 and isinstance(connection._parser, _RESP2Parser)
    )


def greet(connection: Connection) -> None:
    """Make the handshake.

    Raises:
        CommandError, ConnectionLost: the server refused; the connection had better be greeted by
            redis-py, whose errors are the right ones.
    """
    connection._reset_himport_state()
    connection._parser.on_connect(connection)
    execute = connection._sock.session.execute
    if connection.protocol == 3:
        about = execute((b"HELLO", b"3"))
        encoder = connection.encoder
        connection.handshake_metadata = (
            decoded(about, encoder) if encoder.decode_responses else about
        )
    for argv in _words(connection):
        try:
            execute(argv)
        except CommandError:
            if argv[1] != b"SETINFO":  # which older servers do not know
                raise


def _words(connection: Connection) -> Iterator[tuple[bytes, ...]]:
    encode = partial(encode_one, encoder_for(connection))
    if connection.client_name:
        yield b"CLIENT", b"SETNAME", encode(connection.client_name)
    driver = connection.driver_info
    if driver and driver.formatted_name:
        yield b"CLIENT", b"SETINFO", b"LIB-NAME", encode(driver.formatted_name)
    if driver and driver.lib_version:
        yield b"CLIENT", b"SETINFO", b"LIB-VER", encode(driver.lib_version)
    if connection.db:
        yield b"SELECT", encode(connection.db)
