"""``fakeredis serve``: settings as a server takes them at its start, and the sockets they ask for.

A setting is a line of a configuration file, or ``--name value ...`` on the command line; both may
set what ``CONFIG SET`` cannot, such as the number of databases.
"""

from __future__ import annotations

import socket
import ssl
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fakeredis.datatypes.quoting import split_quoted
from fakeredis.engine.core.config import parameters
from fakeredis.errors import CommandError
from fakeredis.nearest import near
from fakeredis.server import FakeServer
from fakeredis.tcp.following import MasterLink
from fakeredis.tcp.listener import serve as serve_sockets
from fakeredis.tcp.sockets import ListeningSocket, bind, bind_unix

if TYPE_CHECKING:
    from fakeredis.engine.core.session import Session

_WRONG: Final = "Bad directive or wrong number of arguments"
_VERSIONS: Final = {
    "tlsv1": ssl.TLSVersion.TLSv1, "tlsv1.1": ssl.TLSVersion.TLSv1_1,
    "tlsv1.2": ssl.TLSVersion.TLSv1_2, "tlsv1.3": ssl.TLSVersion.TLSv1_3,
}
_ASKING: Final = {
    "yes": ssl.CERT_REQUIRED, "optional": ssl.CERT_OPTIONAL, "no": ssl.CERT_NONE
}
# Parameters of several words; each line of one of the first kind adds to those before.
_ADDING: Final = frozenset({"save", "client-output-buffer-limit"})
_SEVERAL: Final = frozenset({
    "bind", "notify-keyspace-events", "oom-score-adj-values", "tls-protocols",
    "latency-tracking-info-percentiles",
})


class BadSettings(Exception):
    """A setting that no server starts with; the text tells which and why."""


class Setting(NamedTuple):
    """One line of a configuration file."""

    name: str
    values: list[str]


# Reading ------------------------------------------------------------------------------------


def from_words(words: Sequence[str]) -> list[Setting]:
    """The settings of a command line: a configuration file's name, then ``--name value ...``.

    Raises:
        BadSettings: the file cannot be read, or a word belongs to nothing.
    """
    found: list[Setting] = []
    rest = list(words)
    if rest and not rest[0].startswith("--"):
        found += from_file(rest.pop(0))
    for word in rest:
        if word.startswith("--"):
            found.append(Setting(word[2:].lower(), []))
        else:
            found[-1].values.append(word)
    return [each for setting in found for each in _included(setting)]


def _included(setting: Setting) -> list[Setting]:
    if setting.name != "include":
        return [setting]
    return [each for path in setting.values for each in from_file(path)]


def from_file(path: str) -> list[Setting]:
    """The settings of a configuration file, ``-`` for standard input, and of those it includes.

    Raises:
        BadSettings: it cannot be read, or a line has quotes without an end.
    """
    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text("utf-8", "surrogateescape")
    except OSError as error:
        raise BadSettings(f"can't open config file '{path}': {error.strerror}") from None
    found: list[Setting] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.strip().startswith("#"):
            continue
        try:
            raw = split_quoted(line.strip().encode("utf-8", "surrogateescape"))
        except ValueError:
            raise BadSettings(f"{path}:{number}: {line!r}: unbalanced quotes") from None
        words = [word.decode("utf-8", "surrogateescape") for word in raw]
        found += _included(Setting(words[0].lower(), words[1:]))
    return found


# Applying -----------------------------------------------------------------------------------


def apply(server: FakeServer, settings: Sequence[Setting]) -> None:
    """Set up a server that nobody is connected to yet.

    Raises:
        BadSettings: there is no such parameter, or it does not take the value.
    """
    session = server.session()
    added: dict[str, list[str]] = {}
    for name, values in settings:
        if name in _ADDING:
            earlier = [] if values == [""] else added.get(name, [])
            added[name] = values = [*earlier, *values]
        try:
            _apply(session, name, values)
        except CommandError as error:
            text = str(error).rpartition(" - ")[2].removeprefix("ERR ")
            if text == _WRONG and name not in (known := _parameters(server)):
                text += near(name, known).removesuffix(".")
            raise BadSettings(f"'{' '.join([name, *values])}': {text}") from None
    session.close()


def _parameters(server: FakeServer) -> set[str]:
    """What a command line and a configuration file may set."""
    session = server.session()
    pairs: list[bytes] = session.execute([b"CONFIG", b"GET", b"*"])
    session.close()
    own = {"host", "store", "version", "server-type", "modules", "config"}
    return {name.decode() for name in pairs[::2]} | own


def _apply(session: Session, name: str, values: list[str]) -> None:
    if name == "user":
        _execute(session, "ACL", "SETUSER", *values)
        return
    if name == "rename-command":
        raise CommandError("commands cannot be renamed; ACL SETUSER can forbid them")
    real, aliases = parameters()
    name = aliases.get(name, name)
    if name not in real or (len(values) != 1 and name not in _ADDING | _SEVERAL):
        raise CommandError(_WRONG)
    text = " ".join(values)
    session.server.config.start(name, text)


def _execute(session: Session, *words: str) -> None:
    session.execute([word.encode("utf-8", "surrogateescape") for word in words])


# Sockets ------------------------------------------------------------------------------------


def tls_context(server: FakeServer) -> ssl.SSLContext:
    """What the server's ``tls-`` parameters say.

    Raises:
        BadSettings: a file is missing or is none of its kind.
    """
    text = server.config.text
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(
            text("tls-cert-file"), text("tls-key-file") or None, text("tls-key-file-pass")
        )
        if text("tls-ca-cert-file") or text("tls-ca-cert-dir"):
            context.load_verify_locations(
                text("tls-ca-cert-file") or None, text("tls-ca-cert-dir") or None
            )
        elif text("tls-auth-clients") != "no":
            raise BadSettings("TLS: tls-ca-cert-file is missing; or say --tls-auth-clients no")
        if text("tls-ciphers"):
            context.set_ciphers(text("tls-ciphers"))
        versions = [_VERSIONS[word.lower()] for word in text("tls-protocols").split()]
    except (OSError, KeyError) as error:  # an SSLError is an OSError
        raise BadSettings(f"TLS: {text('tls-cert-file') or 'no tls-cert-file'}: {error}") from None
    if versions:
        context.minimum_version, context.maximum_version = min(versions), max(versions)
    context.verify_mode = _ASKING[text("tls-auth-clients")]
    return context


def listening_sockets(
    server: FakeServer, hosts: Sequence[str], port: int | None
) -> list[ListeningSocket]:
    """The sockets that the server shall listen at, bound already.

    Args:
        hosts: addresses; a name that begins with ``-`` may be missing, as of ``bind``.
        port: a TCP port, 0 for a free one, None for none.

    Raises:
        BadSettings: TLS cannot be had.
        OSError: an address is taken, or is not this machine's; ``filename`` tells which.
    """
    config = server.config
    wanted: list[tuple[int, ssl.SSLContext | None]] = [] if port is None else [(port, None)]
    if config.integer("tls-port"):
        wanted.append((config.integer("tls-port"), tls_context(server)))
    found: list[ListeningSocket] = []
    try:
        for host in hosts:
            for number, context in wanted:
                found += _bound(host, number, context)
        if config.text("unixsocket"):
            mode = int(config.text("unixsocketperm"), 8)
            found.append(ListeningSocket(_unix(config.text("unixsocket"), mode)))
    except BaseException:
        for each in found:
            each.sock.close()
        raise
    return found


def _bound(host: str, port: int, context: ssl.SSLContext | None) -> list[ListeningSocket]:
    name = {"*": "0.0.0.0", "::*": "::"}.get(host.removeprefix("-"), host.removeprefix("-"))
    try:
        return [ListeningSocket(bind(name, port), context)]
    except (OSError, OverflowError) as error:
        if host.startswith("-"):
            return []
        raise OSError(f"{name}:{port}: {error}") from error


def _unix(path: str, mode: int) -> socket.socket:
    try:
        sock = bind_unix(path)
        if mode:
            Path(path).chmod(mode)
    except OSError as error:
        raise OSError(f"{path}: {error}") from error
    return sock


# Serving ------------------------------------------------------------------------------------


def serve(options: Any, settings: Sequence[Setting]) -> None:
    """Serve until Ctrl-C, SIGTERM or SHUTDOWN; a line for each address says when it is ready.

    Raises:
        BadSettings: a setting is wrong, or an address cannot be had.
        NotImplementedError: there is no such store.
        ValueError: there is no such version, or no such module.
    """
    server = FakeServer(
        options.store, options.server_version, options.server_type, options.modules
    )
    if options.unixsocket is not None:
        settings = [*settings, Setting("unixsocket", [options.unixsocket])]
    server.connect = MasterLink
    masters = [each for each in settings if _names_a_master(each)]
    apply(server, [each for each in settings if not _names_a_master(each)])
    hosts = options.host or server.config.changed.get("bind", "127.0.0.1").split()
    try:
        sockets = listening_sockets(server, hosts, _port(server, options.port, settings))
    except OSError as error:
        raise BadSettings(f"cannot listen at {error}") from None
    numbers = [each.address[1] for each in sockets if each.context is None and each.is_tcp]
    server.config.override("port", str(numbers[0] if numbers else 0))
    if masters:
        _follow(server, masters[-1])
    serve_sockets(server, sockets, lambda line: print(line, flush=True))


def _names_a_master(setting: Setting) -> bool:
    return parameters()[1].get(setting.name, setting.name) == "replicaof"


def _follow(server: FakeServer, master: Setting) -> None:
    try:
        server.execute(master.name.upper(), *master.values)
    except CommandError as error:
        raise BadSettings(f"'{' '.join([master.name, *master.values])}': {error}") from None


def _port(server: FakeServer, given: int | None, settings: Sequence[Setting]) -> int | None:
    """The TCP port: 0 means a free one on the command line, none in a configuration file."""
    if given is not None:
        return given
    if any(name == "port" for name, _ in settings):
        return server.config.integer("port") or None
    if server.config.text("unixsocket") or server.config.integer("tls-port"):
        return None
    return 6379
