"""Functions: the libraries that a server has.

Compiled libraries live in an interpreter of their own, which FUNCTION FLUSH throws away.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from fakeredis.datatypes.quoting import split_quoted
from fakeredis.engine.lua.frame import Runnable
from fakeredis.engine.lua.interpreter import Interpreter
from fakeredis.engine.lua.values import one_line, text_of
from fakeredis.errors import CommandError

if TYPE_CHECKING:
    from fakeredis.engine.core.server import Server
    from fakeredis.engine.core.session import Session

_NAME: Final = re.compile(rb"[A-Za-z0-9_]+")

NO_METADATA: Final = "ERR Missing library metadata"
BAD_METADATA: Final = "ERR Invalid library metadata"
BAD_VALUE: Final = "ERR Invalid metadata value given: %s"
NAME_TWICE: Final = "ERR Invalid metadata value, name argument was given multiple times"
NO_NAME: Final = "ERR Library name was not given"
BAD_NAME: Final = (
    "ERR Library names can only contain letters, numbers, or underscores(_) and must be at least "
    "one character long"
)
NO_ENGINE: Final = "ERR Engine '%s' not found"
LIBRARY_EXISTS: Final = "ERR Library '%s' already exists"
LIBRARY_THERE: Final = "ERR Library %s already exists"  # what FUNCTION RESTORE says
FUNCTION_EXISTS: Final = "ERR Function %s already exists"
NOT_REGISTERED: Final = "ERR Error registering functions: %s"
NOTHING_REGISTERED: Final = "ERR No functions registered"
NOT_FOUND: Final = "ERR Function not found"
NO_LIBRARY: Final = "ERR Library not found"
BAD_COUNT: Final = "ERR Bad number of keys provided"


# What Valkey checks after the code has run, and says so.
_UNPREFIXED: Final = (
    BAD_NAME.replace("Library", "Function").encode(),
    b"ERR Function already exists in the library",
)


class Function(Runnable):
    """A function of a library."""

    __slots__ = ("description",)

    def __init__(
        self, name: bytes, body: Any, flags: Sequence[str], description: bytes | None
    ) -> None:
        super().__init__(name, body, flags)
        self.description = description


class Library:
    """A library that was loaded."""

    __slots__ = ("name", "code", "functions")

    def __init__(self, name: bytes, code: bytes, functions: list[Function]) -> None:
        self.name = name
        self.code = code
        self.functions = functions


class Functions:
    """The libraries of one server."""

    __slots__ = ("libraries", "by_name", "interpreter")

    def __init__(self, server: Server) -> None:
        self.libraries: dict[bytes, Library] = {}
        self.by_name: dict[bytes, Function] = {}  # names in lower case
        self.interpreter = Interpreter(server, functions=True)

    # Loading --------------------------------------------------------------------------------

    def load(self, code: bytes, replace: bool) -> bytes:
        """Take a library from its code; its name.

        Raises:
            CommandError: the code is no library, or its names are taken; nothing has changed then.
        """
        name, body = _metadata(code)
        if name in self.libraries and not replace:
            raise CommandError(LIBRARY_EXISTS % name.decode())
        library = self._compile(name, code, body)
        self._join([library], replace)
        return name

    def _compile(self, name: bytes, code: bytes, body: bytes) -> Library:
        found, failure = self.interpreter.load(body)
        if failure in _UNPREFIXED and self.interpreter.dialect:
            raise CommandError(text_of(failure))
        if failure is not None:
            raise CommandError(one_line(NOT_REGISTERED % text_of(failure)))
        if not found:
            raise CommandError(NOTHING_REGISTERED)
        functions = [
            Function(
                each, callback, flags.decode().split(","),
                None if description is False else description,
            )
            for each, callback, description, flags in found
        ]
        return Library(name, code, functions)

    def _join(self, libraries: Iterable[Library], replace: bool) -> None:
        """Add libraries, all or none of them."""
        joined = dict(self.libraries)
        for library in libraries:
            if joined.pop(library.name, None) is not None and not replace:
                raise CommandError(LIBRARY_THERE % library.name.decode())
        for library in libraries:
            joined[library.name] = library
        by_name: dict[bytes, Function] = {}
        for library in joined.values():
            for function in library.functions:
                key = function.name.lower()
                if key in by_name and by_name[key] not in library.functions:
                    raise CommandError(FUNCTION_EXISTS % function.name.decode())
                by_name.setdefault(key, function)
        self.libraries, self.by_name = joined, by_name

    def restore(self, codes: Iterable[bytes], policy: bytes) -> None:
        """Take libraries from their codes.

        Args:
            policy: FLUSH, APPEND or REPLACE.

        Raises:
            CommandError: one of them is none, or is there already; nothing has changed then.
        """
        found: dict[bytes, Library] = {}
        names: set[bytes] = set()
        for code in codes:
            name, body = _metadata(code)
            if name in found:
                raise CommandError(LIBRARY_EXISTS % name.decode())
            library = found[name] = self._compile(name, code, body)
            for function in library.functions:
                if function.name.lower() in names:
                    raise CommandError(FUNCTION_EXISTS % function.name.decode())
            names.update(function.name.lower() for function in library.functions)
        before = self.libraries, self.by_name
        if policy == b"FLUSH":
            self.libraries, self.by_name = {}, {}
        try:
            self._join(list(found.values()), policy == b"REPLACE")
        except CommandError:
            self.libraries, self.by_name = before
            raise

    def delete(self, name: bytes) -> None:
        """Forget a library.

        Raises:
            CommandError: there is no such library.
        """
        library = self.libraries.pop(name, None)
        if library is None:
            raise CommandError(NO_LIBRARY)
        for function in library.functions:
            self.by_name.pop(function.name.lower(), None)

    # Calling --------------------------------------------------------------------------------

    def call(
        self, session: Session, function: Function, words: Sequence[bytes], keys: int
    ) -> Any:
        """Run a function; see `Interpreter.run`."""
        ctx = session.ctx
        assert ctx.command is not None
        self.interpreter.frame.argv = session.as_written(ctx.command, ctx.args)
        return self.interpreter.run(session, function, words, keys, False)


def _metadata(code: bytes) -> tuple[bytes, bytes]:
    """The name that a library's first line gives it, and the code without that line."""
    if not code.startswith(b"#!"):
        raise CommandError(NO_METADATA)
    line, newline, body = code.partition(b"\n")
    if not newline or b"\0" in line:
        raise CommandError(BAD_METADATA)
    try:
        engine, *options = split_quoted(line)
    except ValueError:
        raise CommandError(BAD_METADATA) from None
    name = None
    for option in options:
        if option[:5].lower() != b"name=":
            raise CommandError(one_line(BAD_VALUE % text_of(option)))
        if name is not None:
            raise CommandError(NAME_TWICE)
        name = option[5:]
    if name is None:
        raise CommandError(NO_NAME)
    if not _NAME.fullmatch(name):
        raise CommandError(BAD_NAME)
    if engine[2:].lower() != b"lua":
        raise CommandError(one_line(NO_ENGINE % text_of(engine[2:])))
    return name, newline + body


# A server's -------------------------------------------------------------------------------------


def functions_of(server: Server) -> Functions:
    """The server's functions, made when first asked for.

    Raises:
        CommandError: there is no Lua interpreter.
    """
    found = server.functions
    if found is None:
        found = Functions(server)
        found.restore(server.unread_functions, b"FLUSH")
        server.unread_functions = ()
        server.functions = found
    return found


def known(server: Server) -> Functions | None:
    """The server's functions, or None where there never was one."""
    if server.unread_functions:
        return functions_of(server)
    return server.functions


def find(server: Server, name: bytes) -> Function:
    """The function of a name, in any case.

    Raises:
        CommandError: there is none.
    """
    functions = known(server)
    function = None if functions is None else functions.by_name.get(name.lower())
    if function is None:
        raise CommandError(NOT_FOUND)
    return function


def flush(server: Server) -> None:
    """Forget all libraries."""
    server.functions = None
    server.unread_functions = ()


def codes(server: Server) -> list[bytes]:
    """The code of each library, as files hold it."""
    functions: Functions | None = server.functions
    if functions is None:
        return list(server.unread_functions)
    return [library.code for library in functions.libraries.values()]


def replace_all(server: Server, wanted: Sequence[bytes]) -> None:
    """Load the libraries of a file in the place of all others.

    Without an interpreter they are kept unread.

    Raises:
        CommandError: one of them is none; nothing has changed then.
    """
    found = None
    if wanted:
        try:
            found = Functions(server)
        except CommandError:  # no interpreter
            pass
        else:
            found.restore(wanted, b"FLUSH")
    flush(server)
    if found is not None:
        server.functions = found
    elif wanted:
        server.unread_functions = list(wanted)
