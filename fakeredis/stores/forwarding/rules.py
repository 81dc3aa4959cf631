"""What clients may do to a server that others may use as well, and which databases they mean."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from fakeredis.datatypes.numbers import parse_int
from fakeredis.engine.command.command import SERVER_WIDE
from fakeredis.engine.core.replies import OK
from fakeredis.errors import CommandError
from fakeredis.stores.base import StoreError
from fakeredis.stores.forwarding.link import Restore

if TYPE_CHECKING:
    from fakeredis.stores.forwarding.redis import RedisStore

Argv = Sequence[bytes]
Translated = tuple[Argv, Restore]

# In the place of a command that is not sent: so a transaction that it belongs to fails there, too.
REFUSED: Final = (b"fakeredis.refused",)

_SPECIAL_IN_GLOBS: Final = b"*?[]\\"
_DEBUG: Final = frozenset({b"OBJECT", b"SLEEP", b"LISTPACK", b"STRINGMATCH-LEN", b"PROTOCOL"})
_DANGEROUS_SCRIPT: Final = re.compile(rb"call\s*\(?\s*['\"](flushall|swapdb|select)['\"]", re.I)


class Rules:
    """Makes what the server is sent of what clients say, and the reply of the server's.

    Args:
        store: whose rules they are.
    """

    def __init__(self, store: RedisStore) -> None:
        self.store = store
        self.base: int = store.database
        self._special: dict[str, Callable[[Any, Argv], Translated]] = {
            "AUTH": lambda command, argv: ((b"PING",), lambda reply: OK),
            "HELLO": self._hello, "SELECT": self._select, "FLUSHALL": self._flush,
            "FLUSHDB": self._flush, "MOVE": self._move, "COPY": self._copy,
            "DEBUG": self._debug, "EVAL": self._script, "EVAL_RO": self._script,
            "SCRIPT LOAD": self._script, "FUNCTION LOAD": self._script,
        }

    def translate(self, command: Any, argv: Argv) -> Translated:
        """What is sent for a command, and what makes the client's reply of the other end's.

        A command that is not the store's to send is answered by an error in its place.

        Args:
            command: what is known of it: ``name``, ``parts``, ``flags``.
            argv: what the client has sent.
        """
        name = command.name
        if command.flags & SERVER_WIDE and not self.store.exclusive:
            return self.refuse(f"{name} would change the server for everyone")
        special = self._special.get(name)
        if special is None:
            return argv, None
        try:
            return special(command, argv)
        except (StoreError, OSError) as error:
            return instead(f"ERR fakeredis: {error}")

    def heard(self, message: list[Any]) -> list[Any] | None:
        """A pushed message as the client is to see it: as it came."""
        return message

    def refuse(self, why: str) -> Translated:
        """A command that is not sent."""
        return instead(
            f"ERR fakeredis: {why}, and {self.store.name} may not be ours alone; where it is, say "
            f"so by RedisStore(..., exclusive=True)"
        )

    # Connections ----------------------------------------------------------------------------

    def _hello(self, command: Any, argv: Argv) -> Translated:
        """Users and passwords are the URL's: those of clients are for the server they mean."""
        words = [word.upper() for word in argv]
        if b"AUTH" not in words[2:]:
            return argv, None
        at = words.index(b"AUTH", 2)
        return [*argv[:at], *argv[at + 3 :]], None

    def _select(self, command: Any, argv: Argv) -> Translated:
        number = parse_int(argv[1]) if len(argv) == 2 else None
        if number is None or number < 0:
            return argv, None
        return [argv[0], b"%d" % self.store.use(number)], None

    def _move(self, command: Any, argv: Argv) -> Translated:
        number = parse_int(argv[2]) if len(argv) == 3 else None
        if number is None or number < 0:
            return argv, None
        return [*argv[:2], b"%d" % self.store.use(number)], None

    def _copy(self, command: Any, argv: Argv) -> Translated:
        said = list(argv)
        for at in range(3, len(said) - 1):
            number = parse_int(said[at + 1]) if said[at].upper() == b"DB" else None
            if number is not None and number >= 0:
                said[at + 1] = b"%d" % self.store.use(number)
                break
        return said, None

    # Data -----------------------------------------------------------------------------------

    def _flush(self, command: Any, argv: Argv) -> Translated:
        """FLUSHALL empties those databases alone that are the store's."""
        if command.name == "FLUSHDB" or len(argv) > 2:
            return argv, None
        numbers = self.store.used()
        if len(numbers) < 2 and numbers == [self.base]:
            return [b"FLUSHDB", *argv[1:]], None
        script = (
            b"for _, n in ipairs(ARGV) do redis.call('SELECT', n); redis.call('FLUSHDB') end "
            b"return redis.status_reply('OK')"
        )
        return [b"EVAL", script, b"0", *(b"%d" % number for number in numbers)], None

    def _debug(self, command: Any, argv: Argv) -> Translated:
        if self.store.exclusive or (len(argv) > 1 and argv[1].upper() in _DEBUG):
            return argv, None
        what = b" ".join(argv[:2]).decode(errors="replace").upper()
        return self.refuse(f"{what} would change the server for everyone")

    def _script(self, command: Any, argv: Argv) -> Translated:
        """A script that would leave the store's databases is refused, as far as one can see."""
        if not self.store.exclusive:
            for word in argv[1:4]:
                found = _DANGEROUS_SCRIPT.search(word)
                if found:
                    return self.refuse(f"a script calls {found[1].decode().upper()}")
        return argv, None


def instead(text: str) -> Translated:
    """A command that is not sent, and an error in the place of its reply."""
    error = CommandError(text.replace("\n", " "))
    return REFUSED, lambda reply: error


def escape(text: bytes) -> bytes:
    """Bytes as a pattern that matches nothing else."""
    return b"".join(
        b"\\" + bytes((byte,)) if byte in _SPECIAL_IN_GLOBS else bytes((byte,)) for byte in text
    )
