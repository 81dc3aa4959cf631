"""The configuration values that decide how a value is encoded."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class EncodingLimits:
    """Sizes up to which a value keeps a compact encoding, by their CONFIG names."""

    hash_max_listpack_entries: int = 512
    hash_max_listpack_value: int = 64
    list_max_listpack_size: int = -2
    set_max_intset_entries: int = 512
    set_max_listpack_entries: int = 128
    set_max_listpack_value: int = 64
    zset_max_listpack_entries: int = 128
    zset_max_listpack_value: int = 64
    stream_node_max_bytes: int = 4096
    stream_node_max_entries: int = 100
    stream_idmp_duration: int = 100  # in seconds
    stream_idmp_maxsize: int = 100
    hll_sparse_max_bytes: int = 3000
    list_compress_depth: int = 0  # decides nothing, but lists remember it
    lowered: int = 0  # whether a value is compact by limits that were lowered since
    short_lists: int = 1  # whether a short list is a listpack, not a quicklist

    def __post_init__(self) -> None:
        # Whether what those types hold in their smallest form may be too big for a listpack. Such
        # forms do not know what they were, so it is noted after each change.
        self.low_hashes = (
            self.lowered or self.hash_max_listpack_entries < 8 or self.hash_max_listpack_value < 64
        )
        self.low_sorted_sets = (
            self.lowered or self.zset_max_listpack_entries < 16 or self.zset_max_listpack_value < 64
        )
        # Bytes up to which nobody has to look how long a list is exactly.
        self.list_unwatched = (
            2048 << min(-self.list_max_listpack_size, 5) - 1
            if self.list_max_listpack_size < 0 else -1
        )


DEFAULT_LIMITS = EncodingLimits()
