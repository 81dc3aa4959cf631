"""The server's errors: one exception class, and every error text in one place.

A text is what goes over the wire: the error code first, then the words.  Texts with a ``%s`` are
completed by the caller.  `CommandError` is raised by command handlers; replies that carry several
errors (EXEC, TS.MADD) hold instances as items.
"""

from __future__ import annotations


class CommandError(Exception):
    """An error reply.  ``str(error)`` is the wire text, its code first."""

    @property
    def code(self) -> str:
        """The error code, such as ``ERR`` or ``WRONGTYPE``."""
        return str(self).partition(" ")[0]


class ConnectionLost(Exception):
    """The server is down, or it closed this session; clients turn it into their own class."""


# Dispatch
UNKNOWN_COMMAND = "ERR unknown command '%s', with args beginning with: %s"
UNKNOWN_SUBCOMMAND = "ERR unknown subcommand '%s'. Try %s HELP."
ARITY = "ERR wrong number of arguments for '%s' command"
NO_AUTH = "NOAUTH Authentication required."
SUBSCRIBED_ONLY = (
    "ERR Can't execute '%s': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are "
    "allowed in this context"
)
NOT_IN_MULTI = "ERR Command not allowed inside a transaction"
NOT_FROM_SCRIPT = "ERR This Redis command is not allowed from script"
EXEC_ABORT = "EXECABORT Transaction discarded because of previous errors."
EXEC_WITHOUT_MULTI = "ERR EXEC without MULTI"
DISCARD_WITHOUT_MULTI = "ERR DISCARD without MULTI"
NESTED_MULTI = "ERR MULTI calls can not be nested"
WATCH_IN_MULTI = "ERR WATCH inside MULTI is not allowed"
OUT_OF_MEMORY = "OOM command not allowed when used memory > 'maxmemory'."

# Arguments
WRONGTYPE = "WRONGTYPE Operation against a key holding the wrong kind of value"
SYNTAX = "ERR syntax error"
NOT_INTEGER = "ERR value is not an integer or out of range"
NOT_POSITIVE = "ERR value is out of range, must be positive"
NOT_FLOAT = "ERR value is not a valid float"
OUT_OF_RANGE = "ERR value is out of range"
NO_SUCH_KEY = "ERR no such key"
INDEX_OUT_OF_RANGE = "ERR index out of range"
DB_OUT_OF_RANGE = "ERR DB index is out of range"
INVALID_EXPIRE = "ERR invalid expire time in '%s' command"
TIMEOUT_NOT_FLOAT = "ERR timeout is not a float or out of range"
TIMEOUT_OUT_OF_RANGE = "ERR timeout is out of range"
TIMEOUT_NEGATIVE = "ERR timeout is negative"
NUMKEYS_NOT_POSITIVE = "ERR numkeys should be greater than 0"
NUMKEYS_TOO_MANY = "ERR Number of keys can't be greater than number of args"
NUMKEYS_NEGATIVE = "ERR Number of keys can't be negative"
UNBLOCKED = "UNBLOCKED client unblocked via CLIENT UNBLOCK"
OVERFLOW = "ERR increment or decrement would overflow"
NAN_OR_INFINITY = "ERR increment would produce NaN or Infinity"
STRING_TOO_LONG = "ERR string exceeds maximum allowed size (proto-max-bulk-len)"
OFFSET_OUT_OF_RANGE = "ERR offset is out of range"
INVALID_CURSOR = "ERR invalid cursor"
