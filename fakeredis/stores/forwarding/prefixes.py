"""Keys and channels with a prefix that clients do not see."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from fakeredis.datatypes.numbers import parse_int
from fakeredis.engine.command.command import KEY_IN_REPLY, REPLY_BY_KEY
from fakeredis.errors import CommandError
from fakeredis.stores.forwarding.rules import Argv, Rules, Translated, escape, instead

if TYPE_CHECKING:
    from fakeredis.stores.forwarding.redis import RedisStore

_EVENTS: Final = (b"__keyspace@", b"__keyevent@")

# What takes several commands and has one reply is a script, which may stand in a transaction.
_EACH: Final = b"""
local cursor, found = '0', {}
repeat
    local reply = redis.call('SCAN', cursor, 'MATCH', ARGV[1], 'COUNT', 1000)
    cursor = reply[1]
    for _, key in ipairs(reply[2]) do %s end
until cursor == '0'
"""
_COUNT: Final = _EACH % b"found[key] = true" + b"""
local count = 0
for _ in pairs(found) do count = count + 1 end
return count"""
_ANY: Final = _EACH % b"found[#found + 1] = key" + b"""
if #found == 0 then return false end
return found[tonumber(ARGV[2]) % #found + 1]"""
_REMOVE_HERE: Final = _EACH % b"redis.call('UNLINK', key)" + (
    b"return redis.status_reply('OK')"
)
_REMOVE: Final = (
    b"for at = 2, #ARGV do redis.call('SELECT', ARGV[at])\n"
    + _EACH % b"redis.call('UNLINK', key)" + b"end return redis.status_reply('OK')"
)


# The commands that the scripts stand for: all nodes of a cluster run them.
STANDS_FOR: Final = {
    _COUNT: "DBSIZE", _ANY: "RANDOMKEY", _REMOVE: "FLUSHALL", _REMOVE_HERE: "FLUSHDB",
}


class _Word(bytes):
    """An argument that differs from any other by its identity."""

    __slots__ = ()


class PrefixRules(Rules):
    """Rules that put the store's prefix before all keys and channels, and take it off again."""

    def __init__(self, store: RedisStore) -> None:
        super().__init__(store)
        self.prefix = store.prefix
        self.pattern = escape(store.prefix)
        self._told: dict[str, Any] = {}  # what the server says of commands that are unknown here
        self._own: dict[str, Callable[[Any, Argv], Translated]] = {
            "KEYS": self._keys, "SCAN": self._scan, "DBSIZE": self._dbsize,
            "RANDOMKEY": self._random_key, "SORT": self._sort, "SORT_RO": self._sort,
            "PUBSUB CHANNELS": self._listed, "PUBSUB SHARDCHANNELS": self._listed,
            "PUBSUB NUMSUB": self._counted, "PUBSUB SHARDNUMSUB": self._counted,
            "CLIENT TRACKING": self._tracking,
        }

    def translate(self, command: Any, argv: Argv) -> Translated:
        """What is sent for a command, with the prefix at its keys, and what takes it off the reply.

        Args:
            command: what is known of it: ``name``, ``parts``, ``flags``, ``declaration``.
            argv: what the client has sent.
        """
        sent, restore = super().translate(command, argv)
        if restore is not None or command.name in ("FLUSHALL", "FLUSHDB", "SELECT", "HELLO"):
            return sent, restore
        own = self._own.get(command.name) or self._declared(command)
        return own(command, sent)

    def _declared(self, command: Any) -> Callable[[Any, Argv], Translated]:
        """What is to be done with a command, by what is declared of it."""
        if command.flags & KEY_IN_REPLY:
            return self._popped
        if command.flags & REPLY_BY_KEY:
            return self._by_key
        channels = None if command.declaration is None else command.declaration.channels
        if channels is None:
            return self._with_keys
        if channels.kind == "patterns":
            return self._patterns
        return partial(self._channels, 1, 2 if channels.action == "publish" else None)

    # Keys -------------------------------------------------------------------------------------

    def _with_keys(self, command: Any, argv: Argv) -> Translated:
        if not hasattr(command, "keys"):
            return self._unknown(command.name, argv)
        return self._keyed(command, argv), self._error

    def _unknown(self, name: str, argv: Argv) -> Translated:
        """A command that this program does not know: the server tells where its keys are."""
        if name not in self._told:
            try:
                with self.store.servers() as links:
                    found = links[0].call(b"COMMAND", b"INFO", argv[0])
            except OSError as error:
                return instead(f"ERR fakeredis: {error}")
            self._told[name] = found[0] if type(found) is list and found else None
        facts = self._told[name]
        if facts is None:
            return argv, self._error  # nor does the server
        first, last, step = facts[3:6]
        if first < 1:
            return instead(
                f"ERR fakeredis: which words of {name} are keys is not known, so that "
                f"{self.store.name} cannot put its prefix before them"
            )
        said = list(argv)
        for at in range(first, (last if last > 0 else len(said) + last) + 1, step):
            if at < len(said):
                said[at] = self.prefix + said[at]
        return said, self._error

    def _keyed(self, command: Any, argv: Argv) -> Argv:
        first = len(command.parts)
        words = [_Word(word) for word in argv[first:]]
        try:
            keys = {id(key) for key in command.keys(words)}
        except (CommandError, IndexError, ValueError):
            return argv  # the server will refuse it
        said = [self.prefix + word if id(word) in keys else bytes(word) for word in words]
        return [*argv[:first], *said]

    def _error(self, reply: Any) -> Any:
        """An error without the prefix."""
        if isinstance(reply, CommandError):
            text = self.prefix.decode("utf-8", "surrogateescape")
            return CommandError(str(reply).replace(text, ""))
        return reply

    def _bare(self, key: Any) -> Any:
        if isinstance(key, bytes) and key.startswith(self.prefix):
            return key[len(self.prefix) :]
        return key

    def _ours(self, keys: Any) -> list[Any]:
        return [self._bare(key) for key in keys if key is None or key.startswith(self.prefix)]

    def _popped(self, command: Any, argv: Argv) -> Translated:
        """The reply begins with a key."""

        def restore(reply: Any) -> Any:
            if type(reply) is list and reply:
                reply[0] = self._bare(reply[0])
            return self._error(reply)

        return self._keyed(command, argv), restore

    def _by_key(self, command: Any, argv: Argv) -> Translated:
        """The reply has keys, as a map's, at the beginning of rows, or alone."""

        def restore(reply: Any) -> Any:
            if type(reply) is dict:
                return {self._bare(key): value for key, value in reply.items()}
            if type(reply) is list:
                if all(type(row) is bytes for row in reply):
                    return self._ours(reply)
                for row in reply:
                    row[0] = self._bare(row[0])
            return self._error(reply)

        return self._keyed(command, argv), restore

    def _keys(self, command: Any, argv: Argv) -> Translated:
        if len(argv) != 2:
            return argv, None
        return [argv[0], self.pattern + argv[1]], self._each

    def _each(self, reply: Any) -> Any:
        return self._error(reply) if type(reply) is not list else self._ours(reply)

    def _scan(self, command: Any, argv: Argv) -> Translated:
        said = list(argv)
        for at in range(2, len(said) - 1):
            if said[at].upper() == b"MATCH":
                said[at + 1] = self.pattern + said[at + 1]
                break
        else:
            said[2:2] = [b"MATCH", self.pattern + b"*"]

        def restore(reply: Any) -> Any:
            if type(reply) is list and len(reply) == 2:
                return [reply[0], self._ours(reply[1])]
            return self._error(reply)

        return said, restore

    def _dbsize(self, command: Any, argv: Argv) -> Translated:
        if len(argv) != 1:
            return argv, None
        return [b"EVAL", _COUNT, b"0", self.pattern + b"*"], None

    def _random_key(self, command: Any, argv: Argv) -> Translated:
        if len(argv) != 1:
            return argv, None
        number = b"%d" % random.randrange(1 << 31)
        return [b"EVAL", _ANY, b"0", self.pattern + b"*", number], self._bare

    def _flush(self, command: Any, argv: Argv) -> Translated:
        if len(argv) > 2:
            return argv, None
        numbers = self.store.used() if command.name == "FLUSHALL" else []
        where = [b"%d" % number for number in numbers]
        script = _REMOVE
        if not where:
            script = _REMOVE_HERE
        return [b"EVAL", script, b"0", self.pattern + b"*", *where], None

    def _sort(self, command: Any, argv: Argv) -> Translated:
        said = list(argv)
        if len(said) > 1:
            said[1] = self.prefix + said[1]
        at = 2
        while at < len(said) - 1:
            word = said[at].upper()
            if word == b"LIMIT":
                at += 3
                continue
            if word in (b"BY", b"GET", b"STORE"):
                if said[at + 1] != b"#":
                    said[at + 1] = self.prefix + said[at + 1]
                at += 1
            at += 1
        return said, self._error

    # Channels ---------------------------------------------------------------------------------

    def _channel(self, name: bytes, prefix: bytes) -> bytes:
        """A channel, or a pattern of channels, as it is there; events are about prefixed keys."""
        if not name.startswith(b"__key"):
            return prefix + name
        kind, at, rest = name.partition(b"@")
        number, mark, about = rest.partition(b"__:")
        shown = parse_int(number)
        if not at or not mark or (shown is None and number != b"*"):
            return name
        if kind != b"__keyevent":
            about = prefix + about if kind == b"__keyspace" else about
        if shown is not None:
            number = b"%d" % (shown + self.base)
        return b"%b@%b__:%b" % (kind, number, about)

    def _channels(self, first: int, last: int | None, command: Any, argv: Argv) -> Translated:
        said = list(argv)
        said[first:last] = [self._channel(name, self.prefix) for name in said[first:last]]
        return said, None

    def _patterns(self, command: Any, argv: Argv) -> Translated:
        return [argv[0], *(self._channel(name, self.pattern) for name in argv[1:])], None

    def _listed(self, command: Any, argv: Argv) -> Translated:
        pattern = argv[2] if len(argv) > 2 else b"*"
        return [*argv[:2], self.pattern + pattern, *argv[3:]], self._each

    def _counted(self, command: Any, argv: Argv) -> Translated:
        said = [*argv[:2], *(self.prefix + name for name in argv[2:])]

        def restore(reply: Any) -> Any:
            if type(reply) is dict:
                return {self._bare(name): count for name, count in reply.items()}
            return [self._bare(item) for item in reply] if type(reply) is list else reply

        return said, restore

    def heard(self, message: list[Any]) -> list[Any] | None:
        """A pushed message without the prefix; None where it is about others' keys."""
        kind = message[0]
        if kind == b"invalidate":
            keys = message[1] if len(message) > 1 else None
            if keys is None:
                return message
            ours = self._ours(keys)
            return [kind, ours, *message[2:]] if ours else None
        said = list(message)
        if kind == b"pmessage" and len(said) == 4:
            said[1] = self._pattern_back(said[1])
            return self._event(said, 2)
        if kind in (b"message", b"smessage") and len(said) == 3:
            return self._event(said, 1)
        if len(said) == 3 and said[1] is not None:
            said[1] = self._pattern_back(said[1]) if kind[:1] == b"p" else self._back(said[1])
        return said

    def _event(self, said: list[Any], at: int) -> list[Any] | None:
        """A message, whose channel is in one place and its body in the next."""
        channel, body = said[at], said[at + 1]
        if not channel.startswith(_EVENTS):
            said[at] = self._back(channel)
            return said
        about = channel.partition(b"__:")[2] if channel.startswith(_EVENTS[0]) else body
        if not about.startswith(self.prefix):
            return None  # of somebody else's key
        said[at] = self._back(channel)
        if channel.startswith(_EVENTS[1]):
            said[at + 1] = self._bare(body)
        return said

    def _back(self, name: bytes, prefix: bytes | None = None) -> bytes:
        """A channel as the client knows it."""
        prefix = self.prefix if prefix is None else prefix
        if not name.startswith(b"__key"):
            return name[len(prefix) :] if name.startswith(prefix) else name
        kind, at, rest = name.partition(b"@")
        number, mark, about = rest.partition(b"__:")
        shown = parse_int(number)
        if not at or not mark:
            return name
        if kind == b"__keyspace" and about.startswith(prefix):
            about = about[len(prefix) :]
        if shown is not None:
            number = b"%d" % (shown - self.base)
        return b"%b@%b__:%b" % (kind, number, about)

    def _pattern_back(self, name: bytes) -> bytes:
        return self._back(name, self.pattern)

    def _tracking(self, command: Any, argv: Argv) -> Translated:
        said = list(argv)
        words = [word.upper() for word in said]
        if b"BCAST" not in words:
            return said, None
        given = [at for at, word in enumerate(words[:-1]) if word == b"PREFIX"]
        for at in given:
            said[at + 1] = self.prefix + said[at + 1]
        if not given:
            said += [b"PREFIX", self.prefix]
        return said, None
