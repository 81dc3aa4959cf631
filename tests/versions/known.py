"""What is known to differ from servers other than Redis 8.2.3: the one list, with true reasons.

A name is a command and a category of calls, behind the name of one server or for all of them. One
that no longer differs fails the run: take it out then.
"""

from __future__ import annotations

_INFINITE = "an infinite timeout is refused as too long, not as negative"
_SURPLUS = "Redis 6.2 does not count the words behind this subcommand"

_BEFORE = "tells of the commands that ran before"
_ORDER = "elements of the same similarity come in the order in which they were added"
_OPEN = "not mended yet"

DIFFERENCES: dict[str, str] = {
    "redis86 LATENCY HISTOGRAM: example": _BEFORE,
    "redis86 LATENCY HISTOGRAM: syntax": _BEFORE,
    "redis86 SLOWLOG GET: example": _BEFORE,
    "redis86 SLOWLOG GET: numbers": _BEFORE,
    "redis86 SLOWLOG GET: syntax": _BEFORE,
    "redis86 VSIM: numbers": _ORDER,
    "redis6 ACL LOAD: arguments": _SURPLUS,
    "redis6 ACL SAVE: arguments": _SURPLUS,
    "redis6 BLMOVE: numbers": _INFINITE,
    "redis6 BLPOP: numbers": _INFINITE,
    "redis6 BRPOP: numbers": _INFINITE,
    "redis6 BRPOPLPUSH: numbers": _INFINITE,
    "redis6 BZPOPMAX: numbers": _INFINITE,
    "redis6 BZPOPMIN: numbers": _INFINITE,
    "redis6 CLIENT CACHING: arguments": _SURPLUS,
    "redis6 CLIENT KILL: arguments": "Redis 6.2 counts CLIENT KILL's words later, as syntax",
    "redis6 GEODIST: syntax": "units in capitals are refused; the record has null, as for 8.2",
    "redis6 PFDEBUG: arguments": "Redis 6.2 counts the words of PFDEBUG's subcommands later",
    "redis6 SCAN: numbers": "a negative cursor is one of the highest, and finds other keys",
    "redis6 SCRIPT EXISTS: arguments": "Redis 6.2 takes SCRIPT EXISTS without a hash",
    "redis6 XINFO HELP: arguments": _SURPLUS,
    "valkey9 LATENCY HISTOGRAM: example": _BEFORE,
    "valkey9 LATENCY HISTOGRAM: syntax": _BEFORE,
    "valkey9 SLOWLOG GET: example": _BEFORE,
    "valkey9 SLOWLOG GET: numbers": _BEFORE,
    "valkey9 SLOWLOG GET: syntax": _BEFORE,
}

# Facts that differ: the fields of COMMAND, and why.
_THEN = "in Redis 6.2 the container itself had the keys of its subcommands"
FACTS: dict[str, tuple[list[str], str]] = {
    "redis6 OBJECT": (["first_key", "last_key", "key_step"], _THEN),
    "redis6 PFDEBUG": (["arity"], "Redis 6.2 counts the words of PFDEBUG's subcommands later"),
    "redis6 XGROUP": (["first_key", "last_key", "key_step"], _THEN),
    "redis6 XINFO": (["first_key", "last_key", "key_step"], _THEN),
    "redis7 HEXPIRE": (["flags"], "refused without memory in 7.4, no longer in 8"),
    "redis7 HEXPIREAT": (["flags"], "refused without memory in 7.4, no longer in 8"),
    "redis7 HPEXPIRE": (["flags"], "refused without memory in 7.4, no longer in 8"),
    "redis7 HPEXPIREAT": (["flags"], "refused without memory in 7.4, no longer in 8"),
}
# Commands that one side alone has.
MISSING: dict[str, str] = {
    "redis6 QUIT": "Redis 6.2 knows QUIT without listing it",
    "redis6 STRALGO": "STRALGO became LCS in Redis 7",
    "redis6 COMMAND (NO": "a line of COMMAND HELP about the container itself",
    "redis6 HOST:": "a trap for HTTP requests, which closes the connection",
    "redis6 POST": "a trap for HTTP requests, which closes the connection",
}

# Twin tests of tests/commands that fail with ``FAKEREDIS_TEST_PROFILE`` (which skips them then):
# the server, the file and the test, and why.
TWINS: dict[str, str] = {
    "redis6 test_dump": "Redis 6.2 reads and writes the payloads of its time, with ziplists",
    "redis6 test_list": "lower limits of counts are those of 7.0; lists have other limits of size",
    "redis6 test_pubsub test_in_a_transaction": "own messages come among EXEC's replies",
    "redis6 test_sorted_set": "the sign of -0 gets lost in short sorted sets; who waits is told of "
    "a wrong type",
    "redis6 test_stream test_script": "numbers have other limits; XGROUP CREATE counts words later",
    "redis6 test_stream test_waiting": "who waits is not told of a deleted or replaced stream",
    "redis6 test_transactions test_watch_of_a_key_that_has_expired": "EXEC fails for expired keys",
    "redis7 test_config test_values": "the highest amounts of memory are not refused",
    "valkey8 test_config test_values": "the highest amounts of memory are not refused; flags of "
    "compilation",
    "valkey8 test_sorted_set": "the sign of -0 gets lost in short sorted sets",
    "redis6 test_config": "some values make Redis 6.2 end itself; other limits",
    "redis6 test_connection test_calls": "Redis 6.2 counts CLIENT KILL's words as syntax",
    "redis6 test_generic test_scan_options": "the order of SCAN is not the server's",
    "redis6 test_set test_every_kind_of_key": "a negative cursor is one of the highest",
    "redis7 test_stream test_lag": "7.4 holds a group's count to be right at other times still",
    "redis7 test_generic test_presence_and_types": "shared numbers share their times of use",
    "valkey9 test_config test_values": "the highest amounts of memory are not refused; names of "
    "nodes and flags of compilation",
    "valkey9 test_config test_special_values": "names of nodes may have any characters",
    "valkey9 test_hash test_order_of_deadlines": "fields of a hashtable have an order of their own",
    "valkey9 test_debug": "what has expired is removed when it is named; digests have other digits",
    "valkey9 test_hyperloglog test_debugging": "PFDEBUG SIMD OFF says that it is enabled",
    "valkey9 test_memory": "memory is reckoned as with Redis 8.2",
    "valkey9 test_overwriting": "memory is reckoned as with Redis 8.2",
    "valkey9 test_functions": "the server dies of a library that logs without words",
    "valkey9 test_scripting test_commands_that_scripts_may_not_call": "a script's table has "
    "an order of its own",
    "redis86 test_memory": "the tests' server was built with another allocator",
    "redis86 test_overwriting test_numbers_by_incrbyfloat": "sizes: it has another allocator",
    "redis86 test_zero_bytes": "sizes: the tests' server was built with another allocator",
    "redis86 test_tracking test_what_is_opened_is_told": "the tests' server has no modules",
    "redis86 test_vector_set test_numbers": "it adds up products of vectors in another order",
    "redis86 test_vector_set test_facts": "COMMAND DOCS has a summary, which is in our own words",
    "redis86 test_config test_values": "the tests' server cannot defragment; the highest amounts "
    "of memory are not refused",
    "valkey8 test_dump": "payloads of a stream of Valkey may be refused",
    "valkey8 test_hyperloglog test_debugging": "PFDEBUG SIMD is not there",
}
