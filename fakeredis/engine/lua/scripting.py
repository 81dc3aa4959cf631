"""Lua scripts: those that a server has, and what the first line of one may say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from fakeredis.engine.lua.frame import Runnable
from fakeredis.engine.lua.interpreter import Interpreter, sha1hex
from fakeredis.engine.lua.shebang import without_shebang
from fakeredis.engine.lua.values import one_line, text_of
from fakeredis.errors import CommandError

if TYPE_CHECKING:
    from fakeredis.engine.core.server import Server

_NO_SCRIPT: Final = "NOSCRIPT No matching script. Please use EVAL."
_NO_SCRIPT_OF_ANY_ENGINE: Final = "NOSCRIPT No matching script."
_MOST: Final = 500  # scripts that EVAL brought and that are kept
_MANY: Final = 250  # from here on it is noted which of them are used
NOT_COMPILED: Final = "ERR Error compiling script (new function): %s"


def no_script(engines: bool) -> CommandError:
    """The error for a SHA1 of which there is no script."""
    return CommandError(_NO_SCRIPT_OF_ANY_ENGINE if engines else _NO_SCRIPT)


class Script(Runnable):
    """A script that compiled; its name is its SHA1."""

    __slots__ = ("source",)

    def __init__(self, sha: bytes, source: bytes, body: Any, flags: Sequence[str] | None) -> None:
        super().__init__(sha, body, flags)
        self.source = source


class Scripting:
    """The scripts of one server."""

    __slots__ = (
        "scripts", "evaluated", "evicted", "evicts", "engines", "interpreter", "run", "__weakref__",
    )

    def __init__(self, server: Server) -> None:
        self.scripts: dict[bytes, Script] = {}
        # Those that EVAL brought, the one used least lately first: some day they must go.
        self.evaluated: dict[bytes, None] = {}
        self.evicted = 0
        self.evicts = server.traits.scripts_are_evicted
        self.engines = server.traits.script_engines
        self.interpreter = Interpreter(server)
        self.run = self.interpreter.run

    def load(self, source: bytes, to_keep: bool = False) -> Script:
        """The script of a source text, compiled when it is new.

        Args:
            to_keep: a new one stays until SCRIPT FLUSH.

        Raises:
            CommandError: it does not compile.
        """
        sha = sha1hex(source)
        script = self.scripts.get(sha)
        if script is None:
            plain = self.interpreter.plain  # there were no shebangs yet
            body, flags = (source, None) if plain else without_shebang(source, self.engines)
            compiled = self.interpreter.compile(body)
            if type(compiled) is tuple:
                raise CommandError(one_line(NOT_COMPILED % text_of(compiled[1])))
            script = self.scripts[sha] = Script(sha, source, compiled, flags)
            if self.evicts and not to_keep:
                self._make_room(sha)
        elif to_keep and self.interpreter.unnamed:  # as with Valkey 9.1, where Lua is a module
            self.evaluated.pop(sha, None)
        elif len(self.evaluated) > _MANY and not to_keep:
            self._used(sha)
        return script

    def _make_room(self, sha: bytes) -> None:
        """Forget the script that has not been used for longest when EVAL has brought too many."""
        self.evaluated[sha] = None
        while len(self.evaluated) > _MOST:
            oldest = next(iter(self.evaluated))
            del self.evaluated[oldest]
            if self.scripts.pop(oldest, None) is not None:
                self.evicted += 1

    def _used(self, sha: bytes) -> None:
        if sha in self.evaluated:
            del self.evaluated[sha]
            self.evaluated[sha] = None

    def find(self, sha: bytes) -> Script:
        """The script of a SHA1.

        Raises:
            CommandError: NOSCRIPT.
        """
        script = self.scripts.get(sha) or self.scripts.get(sha.lower())
        if script is None:
            raise no_script(self.engines)
        if len(self.evaluated) > _MANY:
            self._used(script.name)
        return script


def scripting_of(server: Server) -> Scripting:
    """The server's scripts, made when first asked for.

    Raises:
        CommandError: there is no Lua interpreter.
    """
    found: Scripting | None = server.scripting
    if found is None:
        found = server.scripting = Scripting(server)
    return found
