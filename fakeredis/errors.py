"""The server's errors: one exception class, and every error text in one place.

A text is what goes over the wire: the error code first, then the words.  Texts with a ``%s`` are
completed by the caller.  `CommandError` is raised by command handlers; replies that carry several
errors (EXEC, TS.MADD) hold instances as items.
"""

from __future__ import annotations


class CommandError(Exception):
    """An error reply.  ``str(error)`` is the wire text, its code first."""

    counted = False  # by the server's statistics, as an error
    settled = False  # they know of its command too

    @property
    def code(self) -> str:
        """The error code, such as ``ERR`` or ``WRONGTYPE``."""
        return str(self).partition(" ")[0]


class ConnectionLost(Exception):
    """The server is down, or it closed this session; clients turn it into their own class."""


# Dispatch
UNKNOWN_COMMAND = "ERR unknown command '%s', with args beginning with: %s"
UNKNOWN_COMMAND_ALONE = "ERR unknown command '%s'"
UNKNOWN_SUBCOMMAND = "ERR unknown subcommand '%s'. Try %s HELP."
SUBCOMMAND_ARITY = (
    "ERR unknown subcommand or wrong number of arguments for '%s'. Try %s HELP."
)
ARITY = "ERR wrong number of arguments for '%s' command"
NO_AUTH = "NOAUTH Authentication required."
SSUBSCRIBE_DENIED = "ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client"
SUBSCRIBED_ONLY = (
    "ERR Can't execute '%s': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are "
    "allowed in this context"
)
WAIT_AT_REPLICA = (
    "ERR WAIT cannot be used with replica instances. Please also note that since Redis 4.0 if a "
    "replica is configured to be writable (which is not the default) writes to replicas are just "
    "local and are not propagated."
)
WAITAOF_AT_REPLICA = (
    "ERR WAITAOF cannot be used with replica instances. Please also note that writes to replicas "
    "are just local and are not propagated."
)
UNBLOCKED_BY_ROLE = (
    "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)"
)
READ_ONLY_REPLICA = "READONLY You can't write against a read only replica."
MASTER_DOWN = "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'."
NO_REPLICAS = "NOREPLICAS Not enough good replicas to write."
MONITOR_ONLY = "ERR Replica can't interact with the keyspace"
NOT_IN_MULTI = "ERR Command not allowed inside a transaction"
NAMED_NOT_IN_MULTI = "ERR Command '%s' not allowed inside a transaction"
NOT_FROM_SCRIPT = "ERR This Redis command is not allowed from script"
EXEC_ABORT = "EXECABORT Transaction discarded because of previous errors."
EXEC_REJECTED = "EXECABORT Transaction discarded because of: %s"
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
NOT_COPIED = "ERR not supported for this module key"
INDEX_OUT_OF_RANGE = "ERR index out of range"
DB_OUT_OF_RANGE = "ERR DB index is out of range"
BEYOND_INT = "ERR value is out of range, value must between -2147483648 and 2147483647"
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

# Hashes
HASH_VALUE_NOT_INTEGER = "ERR hash value is not an integer"
HASH_VALUE_NOT_FLOAT = "ERR hash value is not a float"
NAN_OR_INFINITE_VALUE = "ERR value is NaN or Infinity"
REPLY_TOO_LONG = "ERR the reply would have too many elements"
RANDOM_COUNT_OUT_OF_RANGE = (
    "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807"
)
EXPIRE_NX_OTHERS = "ERR NX and XX, GT or LT options at the same time are not compatible"
EXPIRE_GT_LT = "ERR GT and LT options at the same time are not compatible"
EXPIRE_NEGATIVE = "ERR invalid expire time, must be >= 0"
FIELDS_MISSING = "ERR Mandatory argument FIELDS is missing or not at the right position"
NUMFIELDS_NOT_POSITIVE = "ERR Parameter `numFields` should be greater than 0"
NUMFIELDS_NOT_POSITIVE_INTEGER = "ERR Number of fields must be a positive integer"
NUMFIELDS_INVALID = "ERR invalid number of fields"
NUMFIELDS_MATCH = (
    "ERR numfields should be greater than 0 and match the provided number of fields"
)  # Valkey's
NUMFIELDS_MISMATCH = "ERR The `numfields` parameter must match the number of arguments"
UNKNOWN_ARGUMENT = "ERR unknown argument: %s"
UNKNOWN_ARGUMENT_UNNAMED = "ERR unknown argument"
FIELDS_TWICE = "ERR FIELDS keyword specified multiple times"
FIELDS_LACKING = "ERR FIELDS requires at least numfields and one field argument"
FIELDS_NOT_GIVEN = "ERR missing FIELDS argument"
FIELDS_TOO_FEW = "ERR wrong number of arguments"
HASH_CONDITIONS = "ERR Multiple condition flags specified"
EXPIRE_TIME_MISSING = "ERR missing expire time"
ONE_OF_GETEX_EXPIRATIONS = (
    "ERR Only one of EX, PX, EXAT, PXAT or PERSIST arguments can be specified"
)
ONE_OF_FXX_FNX = "ERR Only one of FXX or FNX arguments can be specified"
ONE_OF_EXPIRATIONS = (
    "ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified"
)

# Sorted sets
ZADD_NX_XX = "ERR XX and NX options at the same time are not compatible"
ZADD_GT_LT_NX = "ERR GT, LT, and/or NX options at the same time are not compatible"
ZADD_INCR_PAIRS = "ERR INCR option supports a single increment-element pair"
SCORE_NAN = "ERR resulting score is not a number (NaN)"
BOUND_NOT_FLOAT = "ERR min or max is not a float"
BOUND_NOT_STRING = "ERR min or max not valid string range item"
WEIGHT_NOT_FLOAT = "ERR weight value is not a float"
LIMIT_NEGATIVE = "ERR LIMIT can't be negative"
COUNT_NOT_POSITIVE = "ERR count should be greater than 0"
NO_INPUT_KEYS = "ERR at least 1 input key is needed for '%s' command"
LIMIT_WITHOUT_BY = (
    "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX"
)
WITHSCORES_BYLEX = "ERR syntax error, WITHSCORES not supported in combination with BYLEX"
NOVALUES_ONLY_HSCAN = "ERR NOVALUES option can only be used in HSCAN"

# Strings and bitmaps
DECREMENT_OVERFLOW = "ERR decrement would overflow"
BAD_DIGEST = "ERR must be exactly 16 hexadecimal characters"
DELEX_NOT_STRING = "ERR Key should be of string type if conditions are specified"
DELEX_CONDITION = "ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE"
MSETEX_NUMKEYS = "ERR invalid numkeys value"
NUMKEYS_OUT_OF_RANGE = "ERR invalid numkeys value or out of range"
MSETEX_PAIRS = "ERR wrong number of key-value pairs"
INCREX_NUMBER = "ERR %s is not %s"
INCREX_INFINITE = "ERR BYFLOAT increment cannot be Infinity"
INCREX_INFINITE_VALUE = "ERR value cannot be Infinity"
INCREX_BOUNDS = "ERR LBOUND can't be greater than UBOUND"
INCREX_ENX = "ERR ENX flag requires an expiration"
INCREX_APPLIED = "ERR applied increment would overflow"
LCS_NOT_STRINGS = "ERR The specified keys must contain string values"
LCS_IDX_AND_LEN = "ERR If you want both the length and indexes, please just use IDX."
BIT_OFFSET = "ERR bit offset is not an integer or out of range"
BIT_VALUE = "ERR bit is not an integer or out of range"
BITPOS_BIT = "ERR The bit argument must be 1 or 0."
BITOP_NOT_KEYS = "ERR BITOP NOT must be called with a single source key."
BITOP_FEW_KEYS = "ERR BITOP %s must be called with at least two source keys."
BITFIELD_TYPE = (
    "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but "
    "i64 is."
)
BITFIELD_OVERFLOW = "ERR Invalid OVERFLOW type specified"
BITFIELD_READ_ONLY = "ERR BITFIELD_RO only supports the GET subcommand"

# Lists and sets
LONG_OUT_OF_RANGE = (
    "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807"
)
RANK_ZERO = (
    "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... "
    "or use negative to start from the end of the list"
)
LPOS_COUNT_NEGATIVE = "ERR COUNT can't be negative"
MAXLEN_NEGATIVE = "ERR MAXLEN can't be negative"
COUNT_NOT_POSITIVE = "ERR count should be greater than 0"
LIMIT_NEGATIVE = "ERR LIMIT can't be negative"

# Payloads of DUMP, and moving keys to other servers
BUSY_KEY = "BUSYKEY Target key name already exists."
TTL_NEGATIVE = "ERR Invalid TTL value, must be >= 0"
IDLETIME_NEGATIVE = "ERR Invalid IDLETIME value, must be >= 0"
FREQ_OUT_OF_RANGE = "ERR Invalid FREQ value, must be >= 0 and <= 255"
PAYLOAD_NOT_INTACT = "ERR DUMP payload version or checksum are wrong"
PAYLOAD_BAD = "ERR Bad data format"
MIGRATE_KEYS = (
    "ERR When using MIGRATE KEYS option, the key argument must be set to the empty string"
)
MIGRATE_CONNECTING = "IOERR error or timeout connecting to the client"
MIGRATE_FAILED = "IOERR error or timeout %s to target instance"
MIGRATE_REFUSED = "ERR Target instance replied with error: %s"

# Stores: no server says so of them, which is why they name the cause
STORE_BUSY = "BUSY The store is held by another process: %s"
TOO_LARGE_TO_DUMP = "ERR the value is too large for a payload"
STORE_FAILED = "MISCONF Errors writing to the store, the command was not executed: %s"

# Streams
STREAM_ID = "ERR Invalid stream ID specified as stream command argument"
STREAM_INTERVAL = "ERR invalid %s ID for the interval"
STREAM_ID_ZERO = "ERR The ID specified in XADD must be greater than 0-0"
STREAM_ID_SMALL = (
    "ERR The ID specified in XADD is equal or smaller than the target stream top item"
)
STREAM_EXHAUSTED = (
    "ERR The stream has exhausted the last possible ID, unable to add more items"
)
STREAM_MAXLEN_NEGATIVE = "ERR The MAXLEN argument must be >= 0."
STREAM_LIMIT_NEGATIVE = "ERR The LIMIT argument must be >= 0."
STREAM_TWO_TRIMMINGS = (
    "ERR syntax error, MAXLEN and MINID options at the same time are not compatible"
)
STREAM_LIMIT_ALONE = (
    "ERR syntax error, LIMIT cannot be used without specifying a trimming strategy"
)
STREAM_LIMIT_EXACT = "ERR syntax error, LIMIT cannot be used without the special ~ option"
STREAM_NO_TRIMMING = "ERR syntax error, XTRIM must be called with a trimming strategy"
XREAD_TIMEOUT = "ERR timeout is not an integer or out of range"
XREAD_ONLY_GROUP = "ERR The %s option is only supported by XREADGROUP. You called XREAD instead."
XREAD_UNBALANCED = (
    "ERR Unbalanced 'xread' list of streams: for each stream key an ID, '+', or '$' must be "
    "specified."
)
XREADGROUP_UNBALANCED = (
    "ERR Unbalanced 'xreadgroup' list of streams: for each stream key an ID or '>' must be "
    "specified."
)
XREADGROUP_NO_GROUP = "ERR Missing GROUP option for XREADGROUP"
XREADGROUP_MEANINGLESS = (
    "ERR The %s ID is meaningless in the context of XREADGROUP: you want to read the history of "
    "this consumer by specifying a proper ID, or use the > ID to get new messages. The %s ID would "
    "just return an empty result set."
)
XREAD_NEW = (
    "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> "
    "<consumer> option."
)
NO_GROUP = "NOGROUP No such key '%s' or consumer group '%s'"
NO_GROUP_READ = NO_GROUP + " in XREADGROUP with GROUP option"
NO_GROUP_FOR_KEY = "NOGROUP No such consumer group '%s' for key name '%s'"
GROUP_EXISTS = "BUSYGROUP Consumer Group name already exists"
XGROUP_NO_KEY = (
    "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to "
    "use the MKSTREAM option to create an empty stream automatically."
)
ENTRIES_READ = "ERR value for ENTRIESREAD must be positive or -1"
NUM_IDS = "ERR Number of IDs must be a positive integer"
NUM_IDS_MISMATCH = "ERR The `numids` parameter must match the number of arguments"
XCLAIM_OPTION = "ERR Unrecognized XCLAIM option '%s'"
XCLAIM_ARGUMENT = "ERR Invalid %s option argument for XCLAIM"
MIN_IDLE = "ERR Invalid min-idle-time argument for %s"
XAUTOCLAIM_COUNT = "ERR COUNT must be > 0"
XAUTOCLAIM_MEMORY = (
    "ERR Insufficient memory, failed allocating transient memory, COUNT too high."
)
XSETID_BELOW_GIVEN = (
    "ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id"
)
XSETID_BELOW_DELETED = (
    "ERR The ID specified in XSETID is smaller than current max_deleted_entry_id"
)
XSETID_BELOW_TOP = "ERR The ID specified in XSETID is smaller than the target stream top item"
XSETID_FEW = "ERR The entries_added specified in XSETID is smaller than the target stream length"
XSETID_NEGATIVE = "ERR entries_added must be positive"

STREAM_IDMP_ID = "ERR syntax error, IDMP/IDMPAUTO can be used only with auto-generated IDs"
STREAM_IDMP_TWICE = "ERR syntax error, IDMP/IDMPAUTO specified multiple times"
STREAM_IDMP_EMPTY = "ERR syntax error, %s requires a non-empty %s ID"
XCFGSET_NOTHING = "ERR At least one parameter must be specified"
XCFGSET_RANGE = "ERR %s must be between 1 and %s"
XCFGSET_TWICE = "ERR %s specified multiple times"
XIDMPRECORD_EMPTY = "ERR %s ID must be non-empty"
XIDMPRECORD_NO_ENTRY = "ERR No such message in stream"
XIDMPRECORD_TAKEN = "ERR IID already exists for this producer with a different stream ID"
CLAIM_NOT_INTEGER = "ERR min-idle-time is not an integer or out of range"
CLAIM_NEGATIVE = "ERR min-idle-time must be a positive integer"
XREAD_LIMIT = "ERR %s must be a positive integer"
XREAD_MAXCOUNT = "ERR MAXCOUNT must be greater than or equal to COUNT"
XNACK_MODE = "ERR mode must be SILENT, FAIL, or FATAL"
XNACK_OPTION = "ERR Unrecognized XNACK option '%s'"
XNACK_NO_IDS = "ERR syntax error, expected IDS keyword"
XNACK_NUM_IDS = "ERR numids must be a positive integer"
XNACK_NUM_IDS_MISMATCH = "ERR number of IDs doesn't match numids"
XNACK_RETRYCOUNT = "ERR Invalid RETRYCOUNT value, must be >= 0"

# HyperLogLogs
NOT_HYPERLOGLOG = "WRONGTYPE Key is not a valid HyperLogLog string value."
HYPERLOGLOG_CORRUPTED = "INVALIDOBJ Corrupted HLL object detected"
PFDEBUG_NO_KEY = "ERR The specified key does not exist"
PFDEBUG_UNKNOWN = "ERR Unknown PFDEBUG subcommand '%s'"
PFDEBUG_DENSE = "ERR HLL encoding is not sparse"
PFDEBUG_SIMD = "ERR Argument must be ON or OFF"

# Hot keys
HOTKEYS_NO_METRICS = "ERR METRICS parameter is required"
HOTKEYS_METRICS_COUNT = "ERR METRICS count must be > 0 and <= 2"
HOTKEYS_METRICS_MISMATCH = "ERR METRICS count does not match number of metric types provided"
HOTKEYS_METRIC_TWICE = "ERR METRICS %s defined more than once!"
HOTKEYS_NO_VALID_METRIC = "ERR METRICS no valid metrics passed. Supported: CPU|NET"
HOTKEYS_COUNT = "ERR COUNT must be between 1 and 64"
HOTKEYS_DURATION = "ERR DURATION must be between 1 and 1000000"
HOTKEYS_SAMPLE = "ERR SAMPLE ratio must be positive"
HOTKEYS_NO_CLUSTER = "ERR SLOTS parameter cannot be used in non-cluster mode"
HOTKEYS_SLOTS_TWICE = "ERR SLOTS parameter already specified"
HOTKEYS_SLOTS_COUNT = "ERR SLOTS count must be between 1 and 16384"
HOTKEYS_SLOTS_MISSING = "ERR not enough slot numbers provided"
HOTKEYS_SLOT = "ERR Invalid or out of range slot"
HOTKEYS_SLOT_TWICE = "ERR duplicate slot number"
HOTKEYS_STARTED = "ERR hotkey tracking session already in progress"
HOTKEYS_RUNNING = "ERR hotkey tracking session in progress, stop tracking first"

# Places
GEO_UNIT = "ERR unsupported unit provided. please use M, KM, FT, MI"
GEO_PLACE = "ERR invalid longitude,latitude pair %f,%f"
GEO_MEMBER = "ERR could not decode requested zset member"
GEO_RADIUS = "ERR need numeric radius"
GEO_RADIUS_NEGATIVE = "ERR radius cannot be negative"
GEO_WIDTH = "ERR need numeric width"
GEO_HEIGHT = "ERR need numeric height"
GEO_BOX_NEGATIVE = "ERR height or width cannot be negative"
GEO_COUNT = "ERR COUNT must be > 0"
GEO_STORE = "ERR %s is not compatible with WITHDIST, WITHHASH and WITHCOORD options"
GEO_NO_CENTER = "ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for %s"
GEO_NO_SHAPE_OF_THREE = (
    "ERR exactly one of BYRADIUS, BYBOX and BYPOLYGON can be specified for %s"
)
GEO_NO_SHAPE = "ERR exactly one of BYRADIUS and BYBOX can be specified for %s"
GEO_ANY = "ERR the ANY argument requires COUNT argument"

# Vector sets
VECTOR = "ERR invalid vector specification"
VADD_OPTION = "ERR invalid option after element"
VECTOR_LINKS = "ERR invalid M"
VECTOR_EFFORT = "ERR invalid EF"
VECTOR_QUANTIZATION = "ERR asked quantization mismatch with existing vector set"
VECTOR_OTHER_LINKS = "ERR asked M value mismatch with existing vector set"
VECTOR_DIMENSION = "ERR Vector dimension mismatch - got %d but set has %d"
VECTOR_INPUT_DIMENSION = (
    "ERR Input dimension mismatch for projection - got %d but projection expects %d"
)
VECTOR_PROJECTION = "ERR cannot add projection to existing set without projection"
SLOTS_BACKWARDS = "ERR start slot number %d is greater than end slot number %d"
SLOT_TWICE = "ERR Slot %d specified multiple times"
SLOT_WITHOUT_OWNER = "ERR slot has no owner: %d"
SLOTS_OF_SEVERAL = "ERR slots belong to different source nodes"
SLOTS_OWNED = "ERR this node is already the owner of the slot range"
SLOT_SERVED = "ERR the slot %d is served by this node"
RANGES_MISSING = "ERR missing ranges argument"
RANGES_COUNT = "ERR invalid number of ranges"
VECTOR_BOUND = "ERR invalid %s range format"
VECTOR_EXTREMES = "ERR '-' can only be used as first argument, '+' only as second"
VECTOR_COUNT = "ERR invalid COUNT value"
VECTOR_NO_SET = "ERR key does not exist"
VECTOR_NO_ELEMENT = "ERR element not found in set"
VEMB_OPTION = "ERR invalid option"
VRANDMEMBER_COUNT = "ERR COUNT value is not an integer"
VSIM_SYNTAX = "ERR syntax error in VSIM command"
VSIM_OPTION = "ERR invalid %s"
VSIM_FILTER = "ERR syntax error in FILTER expression near: %s"

# Arrays
ARRAY_INDEX = "ERR invalid array index"
ARRAY_RANGE = "ERR range exceeds maximum of %d items"
ARRAY_FULL = "ERR insert index overflow"
ARRAY_SIZE = "ERR invalid size"
ARRAY_SIZE_POSITIVE = "ERR size must be positive"
ARRAY_COUNT = "ERR invalid COUNT"
ARRAY_LIMIT = "ERR LIMIT must be positive"
ARRAY_OPERATION = "ERR unknown operation"
ARRAY_MATCH = "ERR MATCH requires a value argument"
ARRAY_PREDICATES = "ERR too many predicates, maximum is %d"
ARRAY_PATTERN = "ERR invalid regular expression"
ARRAY_PATTERN_EMPTY = "ERR regular expression is empty"
ARRAY_PATTERN_LONG = "ERR regular expression is too long, maximum is %d bytes"
ARRAY_REFERENCE = "ERR regular expression backreferences are not supported"

# HIMPORT
NO_FIELDSET = "ERR no such fieldset"
FIELDSET_DUPLICATE = "ERR duplicate field name in fieldset"
FIELDSET_VALUES = "ERR value count does not match fieldset field count"
