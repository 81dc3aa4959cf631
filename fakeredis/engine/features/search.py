"""Indexes of a server: which there are, and how they hear of keys.

A change is noted in the moment it happens, by the key alone; what the key has is read when the next
command looks at an index. So writes cost next to nothing, and whatever brings data in one piece
(a snapshot, a file, another process) needs to say no more than that all is new.
"""

from __future__ import annotations

import random
from copy import copy
from heapq import heappush
from typing import TYPE_CHECKING, Any, Final

from fakeredis.datatypes.search.index import Index, Limits
from fakeredis.datatypes.search.reading import follow
from fakeredis.datatypes.search.schema import Definition, Kept
from fakeredis.engine.core import switches

if TYPE_CHECKING:
    from fakeredis.engine.core.context import Context
    from fakeredis.engine.core.database import Database
    from fakeredis.engine.core.server import Server

# In the server's order; None is nothing.
DEFAULTS: Final[dict[str, str | None]] = {
    "EXTLOAD": None, "NOGC": "false", "MINPREFIX": "2", "MINSTEMLEN": "4",
    "FORKGC_SLEEP_BEFORE_EXIT": "0", "MAXDOCTABLESIZE": "1000000", "MAXSEARCHRESULTS": "1000000",
    "MAXAGGREGATERESULTS": "unlimited", "MAXEXPANSIONS": "200", "MAXPREFIXEXPANSIONS": "200",
    "TIMEOUT": "500", "FRISOINI": None, "ON_TIMEOUT": "return", "GCSCANSIZE": "100",
    "MIN_PHONETIC_TERM_LEN": "3", "GC_POLICY": "fork", "FORK_GC_RUN_INTERVAL": "30",
    "FORK_GC_CLEAN_THRESHOLD": "100", "FORK_GC_RETRY_INTERVAL": "5",
    "FORK_GC_CLEAN_NUMERIC_EMPTY_NODES": "true", "_FORK_GC_CLEAN_NUMERIC_EMPTY_NODES": "true",
    "UNION_ITERATOR_HEAP": "20", "CURSOR_MAX_IDLE": "300000", "NO_MEM_POOLS": "false",
    "PARTIAL_INDEXED_DOCS": "false", "UPGRADE_INDEX": "Upgrade config for upgrading",
    "_NUMERIC_COMPRESS": "false", "_FREE_RESOURCE_ON_THREAD": "true",
    "_PRINT_PROFILE_CLOCK": "true", "RAW_DOCID_ENCODING": "false", "_NUMERIC_RANGES_PARENTS": "0",
    "DEFAULT_DIALECT": "1", "VSS_MAX_RESIZE": "0", "MULTI_TEXT_SLOP": "100",
    "BG_INDEX_SLEEP_GAP": "100", "_PRIORITIZE_INTERSECT_UNION_CHILDREN": "false",
}
_MOST: Final = (1 << 64) - 1
# By the names that they have in CONFIG since Redis 8, where these are not as those say.
_CALLED: Final = {
    "search-ext-load": "EXTLOAD", "search-fork-gc-sleep-before-exit": "FORKGC_SLEEP_BEFORE_EXIT",
    "search-friso-ini": "FRISOINI", "search-gc-scan-size": "GCSCANSIZE",
    "search-max-aggregate-results": "MAXAGGREGATERESULTS",
    "search-max-doctablesize": "MAXDOCTABLESIZE", "search-max-search-results": "MAXSEARCHRESULTS",
    "search-max-prefix-expansions": "MAXPREFIXEXPANSIONS", "search-min-prefix": "MINPREFIX",
    "search-min-stem-len": "MINSTEMLEN", "search-no-gc": "NOGC",
}
_NAMES_IN_CONFIG: Final = {
    **{name: f"search-{name.lower().replace('_', '-')}" for name in DEFAULTS if name[0] != "_"},
    **{
        name: f"search-_{name[1:].lower().replace('_', '-')}" for name in DEFAULTS if name[0] == "_"
    },
    **{name: called for called, name in _CALLED.items()},
    "MAXEXPANSIONS": "search-max-prefix-expansions",
}
_WORDS: Final = {"true": "yes", "false": "no"}


# What happens to a key that the server's module does not hear of.
_UNHEARD: Final = ("move_from", "move_to")
TEMPORARY: Final = -1  # in the place of a database's number, among the server's deadlines


class Search:
    """The indexes of a server.

    As in the server's module they know keys by their names alone, whatever database they are in.
    """

    def __init__(self, server: Server) -> None:
        self.server = server
        self.indexes: dict[bytes, Index] = {}
        self.aliases: dict[bytes, bytes] = {}
        self.dictionaries: dict[bytes, dict[bytes, None]] = {}
        self.config = dict(DEFAULTS)
        for name, value in server.config.changed.items():
            self._take_setting(name, value)
        self.cursors: dict[int, Any] = {}
        self.edits = 0  # of what `keep` gives
        self.temporary: dict[bytes, int] = {}  # when indexes go: milliseconds since the epoch
        self._pending: dict[bytes, Database] = {}
        self._unread: dict[bytes, None] = {}  # indexes that have not looked at the keys yet
        self._all_is_new = False

    def edited(self) -> None:
        """Note that something has changed that is to outlive the process."""
        self.edits += 1

    # Settings -------------------------------------------------------------------------------

    def set_to(self, values: dict[str, str]) -> None:
        """Have other settings, of which CONFIG tells, too, where it knows them."""
        known, most = self.server.config.known.real, str(1 << 31)
        for name, value in values.items():
            called = _NAMES_IN_CONFIG[name]
            if called in known:
                shown = most if value == "unlimited" else _WORDS.get(value, value)
                self.server.config.changed[called] = shown
        self._change(values)

    def configured(self, name: str, value: str) -> None:
        """A setting was changed by the name that CONFIG has for it."""
        self._change(self._named(name, value))

    def _take_setting(self, name: str, value: str) -> None:
        self.config.update(self._named(name, value))

    def _named(self, name: str, value: str) -> dict[str, str]:
        words = {shown: word for word, shown in _WORDS.items()}
        return {
            own: words.get(value, value) for own, called in _NAMES_IN_CONFIG.items()
            if called == name
        }

    def _change(self, values: dict[str, str]) -> None:
        self.catch_up()  # what came before is taken in as it was then
        self.config.update(values)
        limits = self._limits()
        for index in self.indexes.values():
            index.limits = limits

    def number(self, name: str) -> int:
        """A setting that is a number; the greatest one where it has no limit."""
        value = self.config[name]
        return int(value) if value is not None and value.isdigit() else _MOST

    def _limits(self) -> Limits:
        number = self.number
        return Limits(number("MINPREFIX"), number("MAXEXPANSIONS"), number("MIN_PHONETIC_TERM_LEN"))

    # Keys -----------------------------------------------------------------------------------

    def changed(self, db: Database, key: bytes, event: str, ctx: Context | None) -> None:
        """A key has changed; the last one to change is taken in last."""
        if not self.indexes:
            return
        if event in _UNHEARD:
            if key in self._pending:
                self._pending[key] = db  # what it had when it was written is there now
            return
        if event == "copy_to" and ctx is not None:
            db = ctx.db  # where the server looks for it
        self._pending.pop(key, None)
        self._pending[key] = db

    def all_changed(self) -> None:
        """Any key may have changed."""
        self._all_is_new = True

    def catch_up(self) -> None:
        """Bring all indexes up to date."""
        if self._all_is_new:
            self._all_is_new = False
            for index in self.indexes.values():
                index.clear()
            self._unread, self._pending = dict.fromkeys(self.indexes), {}
        if self._unread:
            unread, self._unread = self._unread, {}
            for name in unread:
                self.scan(self.indexes[name])
        if self._pending:
            pending, self._pending = self._pending, {}
            indexes = list(self.indexes.values())
            for key, db in pending.items():
                value = db.data.get(key)
                for index in indexes:
                    follow(index, key, value)

    def scan(self, index: Index) -> None:
        """Take in the keys that are there, of database 0."""
        for key, value in list(self.server.database(0).data.items()):
            follow(index, key, value)

    # Indexes --------------------------------------------------------------------------------

    def find(self, name: bytes) -> Index | None:
        """The index of a name or of an alias, up to date; a temporary one lives on."""
        self.catch_up()
        found = self.indexes.get(self.aliases.get(name, name)) or self.indexes.get(name)
        if found is not None and found.definition.temporary:
            self._prolong(found)
        return found

    def create(self, definition: Definition) -> Index:
        """Make an index; the keys that are there are taken in."""
        self.catch_up()
        index = self._add(definition)
        if not definition.skips_first_scan:
            self.scan(index)
        self._observe()
        return index

    def _add(self, definition: Definition) -> Index:
        counts_vectors = not self.server.profile.has({"redis": "8.4.0"})
        index = self.indexes[definition.name] = Index(definition, counts_vectors)
        index.limits = self._limits()
        if definition.temporary:
            self._prolong(index)
        self.edited()
        return index

    def drop(self, name: bytes) -> None:
        """Forget an index, its aliases and its cursors."""
        del self.indexes[name]
        self.temporary.pop(name, None)
        self._unread.pop(name, None)
        self.aliases = {alias: one for alias, one in self.aliases.items() if one != name}
        self.cursors = {
            number: cursor for number, cursor in self.cursors.items() if cursor.index != name
        }
        self.edited()
        self._observe()

    def flushed(self) -> None:
        """The keys were flushed: no index is left, and no dictionary."""
        for name in list(self.indexes):
            self.drop(name)
        if self.dictionaries:
            self.dictionaries = {}
            self.edited()
        self._pending = {}
        self._all_is_new = False

    def _observe(self) -> None:
        for db in list(self.server.databases.values()):
            db.observe()

    def forget_idle_cursors(self) -> None:
        """Drop the cursors that were left alone for too long."""
        now = self.server.clock.milliseconds()
        for number, cursor in list(self.cursors.items()):
            if cursor.until <= now:
                del self.cursors[number]

    def new_cursor(self, cursor: Any) -> int:
        """Keep a cursor; its number."""
        self.forget_idle_cursors()
        while True:
            number = random.getrandbits(31)
            if number and number not in self.cursors:
                self.cursors[number] = cursor
                return number

    # Temporary indexes ----------------------------------------------------------------------

    def _prolong(self, index: Index) -> None:
        name = index.definition.name
        deadline = self.server.clock.milliseconds() + 1000 * index.definition.temporary
        scheduled = name in self.temporary
        self.temporary[name] = deadline
        if not scheduled:
            heappush(self.server.deadlines, (deadline, TEMPORARY, name))

    def expire(self, name: bytes, now: int) -> None:
        """Drop a temporary index that nobody has asked for long, and its documents with it."""
        deadline = self.temporary.get(name)
        if deadline is None:
            return
        if deadline > now:
            heappush(self.server.deadlines, (deadline, TEMPORARY, name))
            return
        self.catch_up()
        keys = list(self.indexes[name].numbers_of)
        self.drop(name)
        db = self.server.database(0)
        for key in keys:
            if not db.delete(key):
                continue
            if self.server.switched & switches.REPLICATED:
                self.server.replication.stream.removed(db, key)
            if db.observed:
                self.server.key_modified(db, key, "del", "generic")

    # Snapshots and files --------------------------------------------------------------------

    def keep(self) -> Kept:
        """What is to be brought back: all but the documents."""
        return Kept(
            tuple(copy(index.definition) for index in self.indexes.values()), dict(self.aliases),
            {
                name: {word: list(groups) for word, groups in index.synonyms.items()}
                for name, index in self.indexes.items() if index.synonyms
            },
            {name: dict(words) for name, words in self.dictionaries.items() if words},
        )

    def take_over(self, kept: Kept | None) -> None:
        """Have what another process keeps in the same store, which is no change then."""
        edits = self.edits
        self.take(kept or Kept())
        self.edits = edits

    def take(self, kept: Kept) -> None:
        """Have just these indexes; those that were the same before stay, with their documents."""
        before = self.indexes
        self.indexes = {}
        for definition in kept.definitions:
            name = definition.name
            groups = kept.synonyms.get(name, {})
            index = before.get(name)
            if index is None or index.definition != definition or index.synonyms != groups:
                index = self._add(copy(definition))
                index.synonyms = {word: list(several) for word, several in groups.items()}
                self._unread[name] = None
            self.indexes[name] = index
        for name in before.keys() - self.indexes.keys():
            self.temporary.pop(name, None)
            self._unread.pop(name, None)
        self.aliases = dict(kept.aliases)
        self.dictionaries = {name: dict(words) for name, words in kept.dictionaries.items()}
        self.edited()
        self._observe()


def of(server: Server) -> Search:
    """The indexes of a server."""
    if server.search is None:
        server.search = Search(server)
    found: Search = server.search
    return found
