"""Recorded commands as the user sees them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from fakeredis.spy import known
from fakeredis.spy import recorder as rec
from fakeredis.spy.canonical import Parsed, parse
from fakeredis.spy.expectations import Expectation
from fakeredis.spy.methods import is_library, name_of
from fakeredis.spy.values import EncodedText, quote, to_text

if TYPE_CHECKING:
    from fakeredis.engine.command.command import Command

__all__ = ["CommandCall", "Where", "method_of"]


class Where(NamedTuple):
    """A place in the caller's code."""

    filename: str
    line: int
    function: str

    def __str__(self) -> str:
        return f"{_short(self.filename)}:{self.line} in {self.function}"


def method_of(record: rec.Record) -> str | None:
    """The name of the method that sent a recorded command."""
    method = record[rec.METHOD]
    if record[rec.VIA] in ("script", "handshake"):
        return None
    return method if method is None or isinstance(method, str) else name_of(method)


def _short(filename: str) -> str:
    try:
        relative = os.path.relpath(filename)
    except ValueError:  # another drive
        return filename
    return filename if relative.startswith("..") else relative


class CommandCall:
    """One command that a server ran.

    It compares equal to whatever describes it: ``call == "SET k v"``.
    """

    __slots__ = ("_args", "_canonical", "_keys", "_record", "index")
    #: For those who are given whatever may describe a command.
    is_recorded = True

    def __init__(self, record: rec.Record, index: int) -> None:
        self._record = record
        self._args: tuple[EncodedText, ...] | None = None
        self._canonical: tuple[str, Parsed] | None = None
        self._keys: tuple[EncodedText, ...] | None = None
        self.index = index

    @property
    def name(self) -> str:
        """Upper-case name, with its subcommand: ``CONFIG GET``."""
        return self._record[rec.NAME]  # type: ignore[no-any-return]

    @property
    def args(self) -> tuple[EncodedText, ...]:
        """Arguments after the name; each equals what is the same on the wire."""
        if self._args is None:
            sent = self._record[rec.ARGV][len(self.name.split()) :]
            self._args = tuple(to_text(bytes(arg)) for arg in sent)
        return self._args

    @property
    def reply(self) -> Any:
        """What the server replied; None while the command runs and when it failed."""
        return self._record[rec.REPLY]

    @property
    def error(self) -> Exception | None:
        """What the server refused it with."""
        return self._record[rec.ERROR]  # type: ignore[no-any-return]

    @property
    def via(self) -> str:
        """How it came: direct, pipeline, transaction, script, handshake, pubsub, block."""
        return self._record[rec.VIA]  # type: ignore[no-any-return]

    @property
    def group(self) -> int:
        """Number of its pipeline or transaction; 0 when it was in none."""
        return self._record[rec.GROUP]  # type: ignore[no-any-return]

    @property
    def position(self) -> int:
        """Place in its pipeline or transaction."""
        return self._record[rec.POSITION]  # type: ignore[no-any-return]

    @property
    def method(self) -> str | None:
        """redis-py's method that sent it: ``set``, ``execute_command``, ``Lock.acquire``.

        In a pipeline the one that queued it. None where no client did: for what a script calls,
        what is sent while connecting, what comes over the network or from `FakeServer.execute`.
        """
        return method_of(self._record)

    @property
    def db(self) -> int:
        """Database that was selected."""
        return self._record[rec.DB]  # type: ignore[no-any-return]

    @property
    def client_id(self) -> int:
        """Number of the connection, as in CLIENT ID."""
        return self._record[rec.CLIENT_ID]  # type: ignore[no-any-return]

    @property
    def client_name(self) -> str:
        """Name of the connection, as in CLIENT GETNAME."""
        name = self._record[rec.CLIENT_NAME]
        return to_text(name) if isinstance(name, bytes) else name or ""

    @property
    def server(self) -> str:
        """Address of the server."""
        return str(self._record[rec.SERVER].address)

    @property
    def where(self) -> Where | None:
        """Place in the caller's code; None when no code but the libraries' called."""
        code = self._record[rec.CODE]
        if is_library(code.co_filename):
            return None
        line = rec.line_of(code, self._record[rec.OFFSET])
        return Where(code.co_filename, line, getattr(code, "co_qualname", code.co_name))

    @property
    def thread(self) -> str:
        """Name of the thread."""
        return self._record[rec.THREAD].name  # type: ignore[no-any-return]

    @property
    def at(self) -> float:
        """Time of the server's clock when it began, in seconds."""
        return self._record[rec.AT]  # type: ignore[no-any-return]

    @property
    def duration(self) -> float | None:
        """Seconds it took; None while it runs."""
        return self._record[rec.DURATION]  # type: ignore[no-any-return]

    @property
    def keys(self) -> tuple[EncodedText, ...]:
        """Keys it names, each once: those that COMMAND GETKEYS gives."""
        if self._keys is None:
            self._keys = tuple(dict.fromkeys(key for key, _ in self.keys_with_flags()))
        return self._keys

    def keys_with_flags(self) -> list[tuple[EncodedText, frozenset[str]]]:
        """Keys it names, and what it does to each, as in COMMAND GETKEYSANDFLAGS."""
        command = self.declared
        if command is None:
            return []
        argv = [bytes(word) for word in self._record[rec.ARGV]]
        return [(to_text(key), flags) for key, flags in known.keys_of(command, argv)]

    @property
    def declared(self) -> Command | None:
        """What is declared of the command; None for one that nobody has declared."""
        return known.command_of(self.name, self._record[rec.SERVER])

    @property
    def canonical(self) -> tuple[str, Parsed]:
        """Name and arguments as they are compared."""
        if self._canonical is None:
            self._canonical = parse(self.name, self.args)
        return self._canonical

    def __str__(self) -> str:
        return " ".join([self.name, *map(quote, self.args)])

    def __repr__(self) -> str:
        outcome = self.error if self.error is not None else self.reply
        return f"<CommandCall #{self.index} {self} -> {outcome!r}>"

    def __eq__(self, other: object) -> bool:
        if isinstance(other, CommandCall):
            return self is other

        try:
            return Expectation.of(other).fits(self)
        except (TypeError, ValueError):
            return NotImplemented

    def __hash__(self) -> int:
        return id(self)
