"""Keyspace events: their classes, and the ``notify-keyspace-events`` setting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from fakeredis.engine.core.server import Server

KEYSPACE, KEYEVENT = "K", "E"
# The classes that "A" stands for; key misses, new, overwritten and changed keys are not among
# them ("m", "n", "o", "c").
ALL_CLASSES: Final = "g$lshzxetd"
KNOWN: Final = "KEg$lshzxetdmnAoc"

# Events by the group of the command that causes them; "g" is generic.
_GROUP_CLASS: Final = {
    "string": "$", "bitmap": "$", "list": "l", "set": "s", "hash": "h", "sorted-set": "z",
    "stream": "t", "geo": "z", "hyperloglog": "$", "module": "d", "json": "d",
    **dict.fromkeys(("bloom", "cuckoo", "cms", "topk", "tdigest", "timeseries"), "d"),
}
_EVENT_CLASS: Final = {
    **dict.fromkeys(
        ("del", "expire", "persist", "rename_from", "rename_to", "move_from", "move_to",
         "copy_to", "restore"), "g",
    ),
    "expired": "x", "evicted": "e", "keymiss": "m", "new": "n", "overwritten": "o",
    "type_changed": "c",
    **dict.fromkeys(("lpush", "rpush", "lpop", "rpop", "linsert", "lset", "lrem", "ltrim",
                     "sortstore"), "l"),
    **dict.fromkeys(("sadd", "srem", "spop", "sinterstore", "sunionstore", "sdiffstore"), "s"),
    **dict.fromkeys(("hset", "hdel", "hincrby", "hincrbyfloat", "hexpire", "hpersist",
                     "hexpired"), "h"),
    **dict.fromkeys(("set", "setrange", "append", "incrby", "incrbyfloat", "setbit"), "$"),
    **dict.fromkeys(("zadd", "zincr", "zrem", "zremrangebyscore", "zremrangebyrank",
                     "zremrangebylex", "zinterstore", "zunionstore", "zdiffstore",
                     "zrangestore", "geosearchstore", "georadiusstore", "zpopmin",
                     "zpopmax"), "z"),
}


def parse_flags(text: str) -> str | None:
    """The setting's classes without abbreviations; None when a letter is unknown."""
    if any(letter not in KNOWN for letter in text):
        return None
    flags = set(text)
    if "A" in flags:
        flags = flags - {"A"} | set(ALL_CLASSES)
    return "".join(letter for letter in KNOWN if letter in flags)


def format_flags(flags: str) -> str:
    """The classes as CONFIG GET prints them."""
    if all(letter in flags for letter in ALL_CLASSES):
        text = "A"  # the server leaves out "n", "o" and "c" then, though they are on
    else:
        text = "".join(letter for letter in ALL_CLASSES + "noc" if letter in flags)
    return text + "".join(letter for letter in "KEm" if letter in flags)


def publish_event(server: Server, db_index: int, key: bytes, event: str, group: str) -> None:
    """Send one event to the subscribers of its two channels, if its class is on."""
    flags = server.notify_flags
    letter = _EVENT_CLASS.get(event) or _GROUP_CLASS.get(group, "g")
    if letter not in flags:
        return
    name = event.encode()
    if KEYSPACE in flags:
        server.pubsub.deliver(b"__keyspace@%d__:%s" % (db_index, key), name)
    if KEYEVENT in flags:
        server.pubsub.deliver(b"__keyevent@%d__:%s" % (db_index, name), key)
