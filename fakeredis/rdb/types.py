"""The numbers by which the format knows types of values, and what else stands between values."""

from __future__ import annotations

from typing import Final

STRING: Final = 0
LIST: Final = 1
SET: Final = 2
ZSET: Final = 3  # scores as texts
HASH: Final = 4
ZSET_2: Final = 5  # scores as binary doubles
MODULE_1: Final = 6
MODULE_2: Final = 7
HASH_ZIPMAP: Final = 9
LIST_ZIPLIST: Final = 10
SET_INTSET: Final = 11
ZSET_ZIPLIST: Final = 12
HASH_ZIPLIST: Final = 13
LIST_QUICKLIST: Final = 14  # nodes are ziplists
STREAM: Final = 15
HASH_LISTPACK: Final = 16
ZSET_LISTPACK: Final = 17
LIST_QUICKLIST_2: Final = 18  # nodes are listpacks, or one long element
STREAM_2: Final = 19  # first ID, deleted and added entries, entries read by groups
SET_LISTPACK: Final = 20
STREAM_3: Final = 21  # when consumers were active
HASH_2: Final = 22  # fields with deadlines, as Valkey has them
HASH_METADATA: Final = 24  # fields with deadlines
HASH_LISTPACK_EX: Final = 25  # the same as a listpack
STREAM_4: Final = 26  # what producers have added

# Codes of whole files.
SLOT_INFO: Final = 244
FUNCTION: Final = 245
OLD_FUNCTION: Final = 246  # of release candidates of Redis 7.0
MODULE_AUX: Final = 247
IDLE: Final = 248
FREQUENCY: Final = 249
AUX: Final = 250
RESIZE_DB: Final = 251
EXPIRE_MS: Final = 252
EXPIRE_SECONDS: Final = 253
SELECT_DB: Final = 254
END: Final = 255

OLDEST_WITH_LISTPACKS: Final = 10  # Redis 7.0; also the second form of streams
OLDEST_WITH_SET_LISTPACKS: Final = 11  # Redis 7.2; also the third form of streams
OLDEST_WITH_FIELD_EXPIRY: Final = 12  # Redis 7.4
OLDEST_WITH_PRODUCERS: Final = 13  # Redis 8.6; the fourth form of streams
OLDEST_OF_VALKEY: Final = 80  # Valkey 9.0; what lies between this and 11 is not for Valkey to read


def may_read(version: int, newest: int) -> bool:
    """Whether a server whose own version is the newest reads another one."""
    return version <= newest and not (
        newest >= OLDEST_OF_VALKEY and OLDEST_WITH_FIELD_EXPIRY <= version < OLDEST_OF_VALKEY
    )


def knows(version: int, kind: int) -> bool:
    """Whether a server of that version knows a type of values."""
    if kind == HASH_2:
        return version >= OLDEST_OF_VALKEY
    oldest = OLDEST_WITH_PRODUCERS if kind == STREAM_4 else OLDEST_WITH_FIELD_EXPIRY
    return kind < HASH_2 or oldest <= version < OLDEST_OF_VALKEY
