"""What is to be known of a command stands in its declaration: elsewhere no module names any.

All constants count that are a command's name or a list of such names: in sets, tuples, dicts,
split texts and comparisons alike; in lower case, collections of nothing else. Documentation and
messages are free.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import fakeredis
from fakeredis.spy import known

PACKAGE = Path(fakeredis.__file__).parent

# Where the name itself is the matter: names, and the reason.
SENDS = "it sends these"
PROTOCOL = "it follows a connection's state by what is said, as the protocol has it"
REWRITTEN = "it says something else in the place of these to the server there"
ALLOWED: dict[str, dict[str, str]] = {
    "clients.fake_socket": {"MULTI": "by it one sees that redis-py packed a transaction"},
    "clients.fast_path": {"SET": SENDS},
    "clients.handshake": {"CLIENT, HELLO, SELECT": SENDS},
    "data.commands": {"*": "the prose of COMMAND DOCS, by the command's name"},
    "data.config": {"REPLICAOF, SAVE, SLAVEOF": "settings of that name"},
    "engine.core.config": {"LATENCY, SLOWLOG": "settings that begin with these"},
    "engine.core.notifications": {"*": "keyspace events"},
    "engine.core.replies": {"RESET": "a reply"},
    "engine.core.session": {"EXEC, MULTI": SENDS},
    "engine.data.portable": {
        "HSET, JSON.SET, PEXPIRE, PEXPIREAT, RESTORE, RPUSH, SADD, SELECT, SET, XADD, "
        "ZADD": SENDS,
    },
    "engine.features.following": {"EXEC, MULTI, PING, REPLCONF": PROTOCOL},
    "engine.features.replication_stream": {
        "DEL, EXEC, HDEL, MULTI, PING, REPLCONF, RESTORE, SELECT, UNLINK": SENDS,
    },
    "engine.features.tracking": {"CLIENT": "CLIENT CACHING is about the next command but CLIENT's"},
    "engine.lua.busy": {"FUNCTION KILL, SCRIPT KILL": "the text of an error"},
    "patching.snapshots": {
        "GET, HGETALL, JSON.GET, LRANGE, SELECT, SMEMBERS, TYPE, XRANGE, ZRANGE": SENDS,
        "BF.INFO, CF.INFO, CMS.INFO, TDIGEST.INFO, TOPK.LIST, TS.RANGE": SENDS,
        "VCARD, VEMB, VRANDMEMBER": SENDS,
    },
    "spy.lint": {"KEYS": "one of the rules is about this command"},
    "spy.methods": {"CLIENT": "the name of a constant"},
    "spy.recorder": {"EXEC": "it is noted behind what it runs"},
    "stores.forwarding.cluster_link": {
        "CLIENT SETINFO, DISCARD, EXEC, HELLO, MULTI, RESET, UNWATCH, WATCH": PROTOCOL,
        "ASKING": SENDS, "SCAN": "it goes from node to node",
        "PING, RANDOMKEY": "the server's tips are not how redis-py asks a cluster",
    },
    "stores.forwarding.engine": {"HELLO, KEYS, PTTL, SELECT": SENDS},
    "stores.forwarding.link": {"HELLO": PROTOCOL},
    "stores.forwarding.prefixes": {
        "CLIENT TRACKING, DBSIZE, FLUSHALL, FLUSHDB, HELLO, KEYS, PUBSUB CHANNELS, PUBSUB NUMSUB, "
        "PUBSUB SHARDCHANNELS, PUBSUB SHARDNUMSUB, RANDOMKEY, SCAN, SELECT, SORT, SORT_RO":
            REWRITTEN,
        "COMMAND, EVAL, INFO": SENDS, "GET": "an option of SORT",
    },
    "stores.forwarding.redis": {"DBSIZE, FLUSHDB, SCAN, SELECT, UNLINK": SENDS},
    "stores.forwarding.resp_link": {"AUTH, RESET, SELECT": PROTOCOL},
    "stores.forwarding.rules": {
        "AUTH, COPY, DEBUG, EVAL, EVAL_RO, FLUSHALL, FLUSHDB, FUNCTION LOAD, HELLO, MOVE, PING, "
        "SCRIPT LOAD, SELECT": REWRITTEN,
        "OBJECT": "a word of DEBUG",
    },
    "stores.forwarding.session": {
        "CLIENT SETNAME, CLIENT TRACKING, HELLO, MONITOR, QUIT, RESET, SELECT": PROTOCOL,
        "PSUBSCRIBE, PUNSUBSCRIBE, SSUBSCRIBE, SUBSCRIBE, SUNSUBSCRIBE, UNSUBSCRIBE": "messages",
    },
    "stores.parity.store": {"DISCARD, EXEC, MULTI, RESET": PROTOCOL},
    "tcp.following": {"AUTH, FAILOVER, PING, PSYNC, REPLCONF": SENDS},
    "tcp.settings": {"ACL, CONFIG, GET": SENDS},
    "testing": {"*": "the commands that a store has to pass"},
}


@cache
def _names() -> frozenset[str]:
    """The commands of all servers, and what their families begin with."""
    names = known.names()
    return frozenset(names | {name.partition(".")[0] + "." for name in names if "." in name})


def _documentation(tree: ast.AST) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield id(node.value)


def named_in(text: str) -> set[str]:
    """The commands that a text names: itself, or as a list; none where it is a sentence."""
    if text in _names():
        return {text}
    words = text.replace("|", " ").replace(":", " ").replace(",", " ").split()
    found = {word for word in words if word in _names()}
    return found if len(found) > 4 or (len(found) > 1 and 2 * len(found) > len(words)) else set()


def _text(node: ast.AST | None) -> str | None:
    value = node.value if isinstance(node, ast.Constant) else None
    return value.decode("latin-1") if isinstance(value, bytes) else (
        value if isinstance(value, str) else None
    )


def lower_case_in(node: ast.AST) -> set[str]:
    """The commands of a collection that has nothing else, in lower case."""
    items: list[ast.AST | None] = []
    if isinstance(node, ast.Set | ast.Tuple | ast.List):
        items = [*node.elts]
    elif isinstance(node, ast.Dict):
        items = [*node.keys]
    words = [_text(item) for item in items]
    found = {word.upper().replace("|", " ") for word in words if word and word == word.lower()}
    return found if len(found) > 1 and len(found) == len(words) and found <= _names() else set()


def names_in(source: str) -> set[str]:
    """The commands that a module names."""
    tree = ast.parse(source)
    free = set(_documentation(tree))
    found: set[str] = set()
    for node in ast.walk(tree):
        text = _text(node)
        if text is not None and id(node) not in free:
            found |= named_in(text)
        found |= lower_case_in(node)
    return found


@cache
def found() -> dict[str, set[str]]:
    """The modules and data files outside ``commands/`` that name commands."""
    names: dict[str, set[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        if parts[0] != "commands":
            names[".".join(parts)] = names_in(path.read_text(encoding="utf-8"))
    for path in sorted((PACKAGE / "data").glob("*.json")):
        table = json.loads(path.read_text(encoding="utf-8"))
        shown = {key.upper().replace("|", " ") for key in table}
        names[f"data.{path.stem}"] = shown & _names() if len(shown & _names()) > 2 else set()
    return {module: each for module, each in names.items() if each}


@pytest.mark.parametrize("module", sorted(found()))
def test_no_command_is_named(module: str) -> None:
    allowed = {word for words in ALLOWED.get(module, {}) for word in words.split(", ")}
    assert allowed == {"*"} or not found()[module] - allowed


def test_exceptions_are_needed() -> None:
    for module, reasons in ALLOWED.items():
        words = {word for words in reasons for word in words.split(", ")} - {"*"}
        assert words <= found()[module], (module, sorted(words - found()[module]))


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("X = {'GET', 'SET'}", {"GET", "SET"}),
        ("X = 'GETEX SETEX PSETEX'.split()", {"GETEX", "SETEX", "PSETEX"}),
        ("X = name == b'GET' or name in ('CONFIG SET', 1)", {"GET", "CONFIG SET"}),
        ("X = name.startswith('JSON.')", {"JSON."}),
        ("X = '''GET|SET: key\nGETEX|SETEX: key value {NX}\nTTL: key'''",
         {"GET", "SET", "GETEX", "SETEX", "TTL"}),
        ("X = {b'hello', b'quit'}, {'type': 1, 'keys': 2, 'other': 3}", {"HELLO", "QUIT"}),
        ("def get():\n    'GET SET'\n", set()),
        ("raise ValueError('ERR EXEC without MULTI')", set()),
    ],
)
def test_what_counts(source: str, names: set[str]) -> None:
    assert names_in(source) == names
