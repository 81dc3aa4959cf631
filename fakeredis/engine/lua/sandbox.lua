-- What a script sees of Lua, and how one is run.
--
-- The chunk gets the functions it may call outside as arguments, and returns those that Python
-- calls. Scripts reach neither: a function's upvalues are visible through `debug` only, which is
-- gone, and no value from outside is anything but nil, boolean, number, string or a plain table.

local call_command, sha1hex, bit_operation, pack_number, unpack_number, struct_call,
  without_tail_calls, load_patterns, load_codecs, server = ...

local error, type, tostring, tonumber, select = error, type, tostring, tonumber, select
local ipairs = ipairs
local raw_pcall, raw_xpcall, raw_pairs, raw_next = pcall, xpcall, pairs, next
local raw_get, raw_set, raw_getmetatable, raw_setmetatable = rawget, rawset, getmetatable, setmetatable
local raw_loadstring, getinfo, unpack, concat = loadstring, debug.getinfo, unpack, table.concat
local floor, string_byte, string_sub, string_find = math.floor, string.byte, string.sub, string.find
local string_format, string_gsub, string_char = string.format, string.gsub, string.char
local string_lower, string_match, string_dump = string.lower, string.match, string.dump
local new_thread = coroutine.create
local resume, set_environment, new_userdata = coroutine.resume, setfenv, newproxy
local set_hook, clock = debug.sethook, os.clock
local collect, memory_used = collectgarbage, gcinfo  -- the latter in units of 1024 bytes
local SELF = getinfo(1, 'S').source
local MAX_INTEGER = 2147483647
local READONLY = 'Attempt to modify a readonly table'

local function whole(number)
  return number >= 0 and floor(number) or -floor(-number)
end

-- A number as an `int` of C.
local function as_int(number)
  if number ~= number or number >= 2 ^ 63 or number < -2 ^ 63 then return 0 end
  number = whole(number) % 4294967296
  return number > MAX_INTEGER and number - 4294967296 or number
end

-- Read-only tables: an empty table whose contents stand behind it. ---------------------------

local globals, globals_metatable  -- what scripts take for _G
local environment  -- and where they really look for globals

local contents_of = raw_setmetatable({}, {__mode = 'k'})

local function refuse_change()
  error(READONLY, 2)
end

local function readonly(contents)
  local proxy = {}
  contents_of[proxy] = contents
  return raw_setmetatable(proxy, {__index = contents, __newindex = refuse_change})
end

-- The functions of this file that stand for functions in C; see `load_text`.
local stand_ins = raw_setmetatable({}, {__mode = 'k'})
local STAND_INS = '\1stand-ins'

local function note_stand_ins(library)
  for _, value in raw_pairs(library) do
    if type(value) == 'function' then stand_ins[value] = true end
  end
  return library
end

local function type_of(...)
  return select('#', ...) == 0 and 'no value' or type((...))
end

-- The text of an error about an argument, of the one that has a place among others.
local function bad_argument(at, wanted, ...)
  local got = select('#', ...) < at and 'no value' or type((select(at, ...)))
  return "bad argument #" .. at .. " to '?' (" .. wanted .. ' expected, got ' .. got .. ')'
end

-- An error's text without a place in this file, as an error in a C function has none.
local function without_place(text)
  if string_sub(text, 1, 8) ~= 'sandbox:' then return text end
  return (string_gsub(text, '^sandbox:%d+: ', ''))
end

-- What has no place even where a script called the C function that raised it.
local PLACELESS = {'^C? ?stack overflow$', '^table index is ', '^attempt to ', '^not enough memory'}

local function has_place(text)
  for _, start in ipairs(PLACELESS) do
    if string_find(text, start) then return false end
  end
  return true
end

-- Raises an error of a script that called a function of this file, which stands at a level of
-- calls. The name there is the script's, and of a method the first argument does not count.
local function blame(text, level)
  if not has_place(text) then error(text, 0) end
  local info = getinfo(level, 'n')
  text = string_gsub(text, "'%?'", "'" .. (info.name or '?') .. "'")
  if info.namewhat == 'method' then
    text = string_gsub(text, '^bad argument #(%d+)', function(at)
      return at == '1' and "calling '" .. info.name .. "' on bad self" or 'bad argument #' .. at - 1
    end)
    text = string_gsub(text, "( on bad self) to '.-'", '%1')
  end
  error(text, level + 1)
end

-- Passes on what a protected call of a C function gave; an error is the caller's, as if it had
-- called the C function itself.
local function relay(ok, ...)
  if ok then return ... end
  local err = ...
  if type(err) ~= 'string' then error(err, 0) end
  return blame(without_place(err), 3)
end

-- Memory -------------------------------------------------------------------------------------

local MEMORY_HIGH, MEMORY_LARGE = server.memory_high, 32768
local NO_MEMORY = 'not enough memory'

-- Python must never run out of Lua's memory: to be called on the way to it.
local function check_memory(more)
  if memory_used() + (more or 0) < MEMORY_HIGH then return end
  collect()
  if memory_used() + (more or 0) >= MEMORY_HIGH then error(NO_MEMORY, 0) end
end

-- Scripts that run long ----------------------------------------------------------------------

local INSTRUCTIONS = 2000  -- between two calls of the hook
local FEW_INSTRUCTIONS = 200  -- where one of them may take long, as it does with big strings
local LOOK = 25  -- calls of the hook between two looks at the time
local PERIOD = 0.01  -- seconds between those where instructions take long
local MANY_THREADS = 200
local tick = server.tick
local hook, stopped
local hook_calls, threads_made, last_look, attentive = 0, 0, 0, false

local function watch(thread, count)
  if thread then set_hook(thread, hook, '', count) else set_hook(hook, '', count) end
end

local function stop()
  if server.plain then error(string_sub(stopped, 5), 0) end
  error({err = stopped}, 0)
end

-- To be called in long loops of this file, which the hook does not end.
local function check_stop()
  if stopped then stop() end
end

local function look()
  local ok, text = raw_pcall(tick)
  if not ok then text = type(text) == 'userdata' and server.crashed(text) end
  if not text then return end
  stopped = text
  watch(nil, 1)
end

-- Ends the script when Python says so. Whatever it catches the error with, its next instruction
-- fails again: only what belongs to this file goes on.
function hook()
  if not stopped then
    hook_calls = hook_calls + 1
    if memory_used() > MEMORY_LARGE then
      if not attentive then
        attentive = true
        watch(nil, FEW_INSTRUCTIONS)
      end
      local now = clock()
      if now - last_look < PERIOD and now >= last_look then return end
      last_look = now
    elseif hook_calls < LOOK then
      return
    elseif attentive then
      attentive = false
      watch(nil, INSTRUCTIONS)
    end
    hook_calls = 0
    look()
    if not stopped then return end
  end
  watch(nil, 1)
  local caller = getinfo(2, 'S')
  if not caller or caller.source == SELF then return end
  stop()
end

watch(nil, INSTRUCTIONS)

-- Where big values come and go there is much garbage, whose collection tells of it.
local function await_garbage()
  raw_getmetatable(new_userdata(true)).__gc = function()
    if memory_used() > MEMORY_LARGE and not stopped and not attentive then
      attentive = true
      watch(nil, FEW_INSTRUCTIONS)
    end
    await_garbage()
  end
end

await_garbage()

-- The script has ended: from here on nothing is stopped.
local function unwatch()
  stopped, attentive = nil, false
  watch(nil, INSTRUCTIONS)
end

-- Long work in C, which no hook sees: it counts as so many instructions.
local work = 0
local function count_work(amount)
  work = work + amount
  if work < 10000000 then return end
  work = 0
  look()
  check_stop()
end

-- Base functions -----------------------------------------------------------------------------

-- An error of the machinery outside is nothing that a script may hold in its hands.
local null = new_userdata()  -- of cjson, and the only one that scripts have

local function clean(err)
  local kind = type(err)
  if kind == 'string' then return without_place(err) end
  if kind ~= 'userdata' or err == null then return err end
  local text = server.crashed(err)
  look()  -- the script ends here, if it was Ctrl-C
  return string_sub(text, 5)
end

local function settled(ok, err, ...)
  if ok then return ok, err, ... end
  if type(err) == 'table' and type(raw_get(err, 'err')) == 'string' then
    return false, raw_get(err, 'err')
  end
  return false, clean(err)
end

local function resumed(ok, err, ...)
  if ok then return ok, err, ... end
  return false, clean(err)
end

-- In Lua a tail call leaves no trace of its caller, and error texts want to name it: with the
-- server, whose libraries are C functions, `return redis.call(...)` is none. So here those of the
-- functions that stand for C functions become plain calls.
local function load_text(text, name)
  if string_byte(text) == 27 then
    local shown = name and string_sub(name, 2) or '[string "' .. string_sub(text, 1, 60) .. '"]'
    return nil, shown .. ":1: unexpected symbol near 'char(27)'"
  end
  if name == SELF then name = '=script' end  -- nobody else passes for this file
  local chunk, err = raw_loadstring(text, name or text)
  if not chunk then return nil, err end
  local changed = without_tail_calls(string_dump(chunk), STAND_INS)
  return set_environment(changed and raw_loadstring(changed, name or text) or chunk, environment)
end

local base = {
  _VERSION = _VERSION, assert = assert, error = error,
  gcinfo = gcinfo, ipairs = ipairs, rawequal = rawequal, select = select, tonumber = tonumber,
  type = type,
}

-- The C function counts wrongly from -2^31 on.
function base.unpack(...)
  local t, first, last = ...
  if type(t) == 'table' and select('#', ...) > 1 then
    first = first == nil and 1 or tonumber(first)
    last = last == nil and #t or tonumber(last)
    if first and last and as_int(last) - as_int(first) >= 8000 then
      return blame('too many results to unpack', 2)
    end
  end
  return relay(raw_pcall(unpack, ...))
end

function base.collectgarbage(what, ...)
  if what == nil or what == 'collect' or what == 'count' or what == 'step' then
    return collect(what, ...)
  end
  return 0
end

function base.pcall(...) return settled(raw_pcall(...)) end

-- The handler is not called for what ends a script, or what may have happened on the way to the
-- hook: no hook would see what it does.
function base.xpcall(...)
  if select('#', ...) < 2 then
    return blame("bad argument #2 to '?' (value expected)", 2)
  end
  local f, handler = ...
  return raw_xpcall(f, function(err)
    if stopped then return err end
    err = clean(err)
    if type(err) == 'string' and string_find(err, 'stack overflow', 1, true) then return err end
    return handler(err)
  end)
end

function base.pairs(...)
  local t = ...
  if type(t) ~= 'table' then
    error("bad argument #1 to 'pairs' (table expected, got " .. type_of(...) .. ')', 2)
  end
  return contents_of[t] and base.next or raw_next, t, nil  -- never the contents themselves
end

function base.next(...)
  local t, key = ...
  if type(t) ~= 'table' then
    error("bad argument #1 to 'next' (table expected, got " .. type_of(...) .. ')', 2)
  end
  return raw_next(contents_of[t] or t, key)
end

function base.rawget(...)
  local t, key = ...
  if contents_of[t] then return raw_get(contents_of[t], key) end
  return relay(raw_pcall(raw_get, ...))
end

function base.rawset(...)
  if contents_of[(...)] then error(READONLY, 0) end
  return relay(raw_pcall(raw_set, ...))
end

function base.setmetatable(...)
  if contents_of[(...)] then error(READONLY, 0) end
  return relay(raw_pcall(raw_setmetatable, ...))
end

function base.loadstring(text, name)
  if type(text) ~= 'string' and type(text) ~= 'number' then
    error("bad argument #1 to 'loadstring' (string expected, got " .. type(text) .. ')', 2)
  end
  return load_text(tostring(text), name and tostring(name))
end

function base.load(...)
  local reader, name = ...
  if type(reader) ~= 'function' then
    return blame(bad_argument(1, 'function', ...), 2)
  end
  local parts = {}
  while true do
    local part = reader()
    if part == nil or part == '' then break end
    if type(part) ~= 'string' then return nil, 'reader function must return a string' end
    parts[#parts + 1] = part
  end
  return load_text(concat(parts), name and tostring(name) or '=(load)')
end

-- Libraries ----------------------------------------------------------------------------------

local function copy(library, names)
  local found = {}
  for name in string.gmatch(names, '%S+') do found[name] = library[name] end
  return found
end

local strings = copy(string, [[byte char dump find format gfind gmatch gsub len lower match rep
  reverse sub upper]])
local tables = copy(table, 'concat getn maxn')
local maths = copy(math, [[abs acos asin atan atan2 ceil cos cosh deg exp floor fmod frexp huge
  ldexp log log10 max min mod modf pi pow rad random randomseed sin sinh sqrt tan tanh]])
local coroutines = copy(coroutine, 'running status yield')

-- A hook belongs to one thread.
local function new_watched_thread(f)
  threads_made = threads_made + 1
  if threads_made > MANY_THREADS then
    threads_made = 0
    look()
  end
  check_stop()
  local ok, thread = raw_pcall(new_thread, f)
  if not ok then error(thread, 0) end
  watch(thread, INSTRUCTIONS)
  return thread
end

local table_insert, table_remove, table_sort = table.insert, table.remove, table.sort
local table_concat = table.concat
local LONG_TABLE = 1000  -- elements; to move them all counts as work

-- What the C function does without an end in sight.
local function insert_far_below(t, place, value)
  for at = #t + 1, place + 1, -1 do
    check_stop()
    raw_set(t, at, raw_get(t, at - 1))
  end
  raw_set(t, place, value)
end

function tables.insert(...)
  local t = ...
  if contents_of[t] then error(READONLY, 0) end
  local count = select('#', ...)
  if type(t) == 'table' and count == 2 then return table_insert(...) end
  if type(t) == 'table' and count == 3 and type((select(2, ...))) == 'number' then
    local place = as_int((select(2, ...)))
    if place < -LONG_TABLE then return insert_far_below(t, place, (select(3, ...))) end
  end
  if type(t) == 'table' and #t > LONG_TABLE then count_work(#t) end
  return relay(raw_pcall(table_insert, ...))
end

function tables.remove(...)
  local t = ...
  if contents_of[t] then error(READONLY, 0) end
  if type(t) == 'table' then
    if select('#', ...) == 1 then return table_remove(t) end
    if #t > LONG_TABLE then count_work(#t) end
  end
  return relay(raw_pcall(table_remove, ...))
end

local raw_setn = table.setn
function tables.setn(...)
  if contents_of[(...)] then error(READONLY, 0) end
  return relay(raw_pcall(raw_setn, ...))
end

function tables.concat(...)
  return relay(raw_pcall(table_concat, ...))
end

local failed_with, failed_at  -- an error that passed through this file, and where it happened
local place_of

-- Calls a C function that calls a script's functions: what they raise is theirs, and its own errors
-- are the caller's.
local function relay_callbacks(raw, ...)
  local args, count = {...}, select('#', ...)
  local own = true
  local function noted(err)
    own = getinfo(2, 'f').func == raw
    if not own then failed_with, failed_at = err, {place_of(3)} end
    return err
  end
  local function call() return raw(unpack(args, 1, count)) end
  local function passed(ok, ...)
    if ok then return ... end
    local err = ...
    if own and type(err) == 'string' then
      return blame(without_place(err), 4)
    end
    error(err, 0)
  end
  return passed(raw_xpcall(call, noted))
end

function tables.sort(...)
  local t, compare = ...
  if contents_of[t] then return end  -- to the server it is an empty one
  if type(t) ~= 'table' or (compare ~= nil and type(compare) ~= 'function') then
    return relay(raw_pcall(table_sort, ...))
  end
  if #t > LONG_TABLE then count_work(#t) end
  return relay_callbacks(table_sort, t, compare)
end

for _, name in ipairs({'foreach', 'foreachi'}) do
  local raw = table[name]
  tables[name] = function(...)
    local t, f = ...
    if type(t) ~= 'table' or type(f) ~= 'function' then return relay(raw_pcall(raw, ...)) end
    return relay_callbacks(raw, contents_of[t] or t, f)
  end
end

function coroutines.create(...) return relay(raw_pcall(new_watched_thread, ...)) end

function coroutines.resume(...) return resumed(resume(...)) end

-- A plain `coroutine.wrap` would do, but for errors that must be cleaned.
function coroutines.wrap(...)
  local ok, thread = raw_pcall(new_watched_thread, ...)
  if not ok then return relay(ok, thread) end
  local function result(ok, err, ...)
    if ok then return err, ... end
    err = clean(err)
    error(err, type(err) == 'string' and 3 or 0)
  end
  local function wrapped(...) return result(resume(thread, ...)) end
  stand_ins[wrapped] = true
  return wrapped
end

local string_rep = string.rep

-- The C function goes step by step.
local function repeated(text, count)
  if count < LONG_TABLE then return string_rep(text, count) end
  local half = repeated(text, floor(count / 2))
  return count % 2 == 0 and half .. half or half .. half .. text
end

function strings.rep(...)
  local text, count = ...
  if type(text) == 'string' and type(count) == 'number' and count > 0 then
    if text == '' then return '' end
    check_memory(#text * count / 1024)
    count_work(#text * count / 10)
    if count > LONG_TABLE then return repeated(text, floor(count)) end
  end
  return relay(raw_pcall(string_rep, ...))
end

for _, name in ipairs({'lower', 'upper', 'reverse'}) do
  local raw = string[name]
  strings[name] = function(...)
    local text = ...
    if type(text) == 'string' then count_work(#text / 10) end
    return relay(raw_pcall(raw, ...))
  end
end

local function is_text(value)
  return type(value) == 'string' or type(value) == 'number'
end

load_patterns(strings, relay, blame, check_stop, count_work, is_text)

local string_library = readonly(strings)
local string_metatable = readonly({__index = string_library})
raw_getmetatable('').__index = strings

function base.getmetatable(value)
  if type(value) == 'string' then return string_metatable end
  if value == globals then return globals_metatable end
  if contents_of[value] then return nil end
  return raw_getmetatable(value)
end

-- math ---------------------------------------------------------------------------------------

-- The server's own generator, of 48 bits in two halves.
local HALF = 16777216
local random_high, random_low = 0x1234AB, 0xCD330E

local function seed_random(seed)
  seed = seed % 4294967296
  random_high, random_low = floor(seed / 256), seed % 256 * 65536 + 0x330E
end

-- A number from 0 on that is less than 1.
local function next_random()
  local low = random_low * 0xECE66D + 11
  local high = random_high * 0xECE66D + random_low * 0x5DE + floor(low / HALF)
  random_high, random_low = high % HALF, low % HALF
  local bits = random_high * 128 + floor(random_low / 131072)
  return bits % MAX_INTEGER / MAX_INTEGER
end

local raw_random = math.random

function maths.random(...)
  local count = select('#', ...)
  if count == 0 then return next_random() end
  local ok, failure = raw_pcall(raw_random, ...)  -- which checks the arguments
  if not ok then return relay(ok, failure) end
  local low, high = ...
  low = whole(tonumber(low))
  if count == 1 then return floor(next_random() * low) + 1 end
  high = whole(tonumber(high))
  return floor(next_random() * (high - low + 1)) + low
end

function maths.randomseed(...)
  local seed = tonumber((...))
  if not seed then return blame(bad_argument(1, 'number', ...), 2) end
  if seed ~= seed or seed >= 2 ^ 63 or seed < -2 ^ 63 then seed = 0 end
  seed_random(whole(seed))
end

-- bit ----------------------------------------------------------------------------------------

local bits = {}

local function numbers(name, count, ...)
  local given = select('#', ...)
  local found = {}
  for at = 1, given > count and given or count do
    local value = tonumber((select(at, ...)))
    if at > given or not value then
      local got = at > given and 'no value' or type((select(at, ...)))
      error(string_format("bad argument #%d to '%s' (number expected, got %s)", at, name, got), 3)
    end
    found[at] = value
  end
  return unpack(found)
end

for name, count in raw_pairs({
  band = 1, bor = 1, bxor = 1, bnot = 1, tobit = 1, bswap = 1, lshift = 2, rshift = 2, arshift = 2,
  rol = 2, ror = 2, tohex = 1,
}) do
  bits[name] = function(...)
    local result = bit_operation(name, numbers(name, count, ...))
    return result
  end
end

-- struct -------------------------------------------------------------------------------------

local structs = {}

local function struct_results(...)
  local first, second = ...
  if first == nil and second then error(second, 3) end
  return ...
end

-- An argument as a text, as C functions take it; for functions that scripts call themselves.
local function text_argument(name, at, ...)
  local value = (select(at, ...))
  if type(value) == 'number' then return tostring(value) end
  if type(value) ~= 'string' then
    local got = at > select('#', ...) and 'no value' or type(value)
    error(string_format("bad argument #%d to '%s' (string expected, got %s)", at, name, got), 3)
  end
  return value
end

local function number_argument(name, at, ...)
  local value = tonumber((select(at, ...)))
  if not value then
    local got = at > select('#', ...) and 'no value' or type((select(at, ...)))
    error(string_format("bad argument #%d to '%s' (number expected, got %s)", at, name, got), 3)
  end
  return value
end

function structs.pack(...)
  local layout = text_argument('pack', 1, ...)
  return struct_results(struct_call('pack', layout, select(2, ...)))
end

function structs.size(...)
  return struct_results(struct_call('size', text_argument('size', 1, ...)))
end

function structs.unpack(...)
  local layout, data = text_argument('unpack', 1, ...), text_argument('unpack', 2, ...)
  local start = select(3, ...) == nil and 1 or number_argument('unpack', 3, ...)
  return struct_results(struct_call('unpack', layout, data, start, select('#', ...)))
end

-- cjson and cmsgpack ------------------------------------------------------------------------

function base.tostring(...)
  local value = ...
  if value == null and value ~= nil then return 'userdata: (nil)' end
  return tostring(...)
end

local cjson, msgpack = load_codecs({
  null = null, contents_of = contents_of, clean = clean, check_stop = check_stop, whole = whole,
  pack_number = pack_number, unpack_number = unpack_number, text_argument = text_argument,
  number_argument = number_argument, server = server, note_stand_ins = note_stand_ins,
})

-- redis --------------------------------------------------------------------------------------

local redis = {
  LOG_DEBUG = 0, LOG_VERBOSE = 1, LOG_NOTICE = 2, LOG_WARNING = 3, REPL_NONE = 0, REPL_AOF = 1,
  REPL_SLAVE = 2, REPL_REPLICA = 2, REPL_ALL = 3,
  REDIS_VERSION = server.version, REDIS_VERSION_NUM = server.version_number,
}

local function name_server(library)
  library.SERVER_NAME, library.VALKEY_VERSION = 'valkey', server.valkey
  library.VALKEY_VERSION_NUM = server.valkey_number
end

if server.valkey then name_server(redis) end

-- Errors of the redis library are tables, and carry no position in their text.
local function fail(text)
  if server.valkey then text = string_gsub(text, 'redis%.(%l)', 'server.%1') end
  if server.plain then error((string_gsub(text, '^ERR ', '')), 0) end
  error({err = text, ignore_error_stats_update = true}, 0)
end

-- Before Redis 7 what the library itself refuses is marked; it names the line that called it.
local function placed(failure)
  if string_sub(failure, 1, 1) ~= '@' then return failure end
  local info = getinfo(3, 'Sl')
  return info.source .. ': ' .. info.currentline .. ': ' .. string_sub(failure, 2)
end

-- A call from here to outside has room for so many arguments only; more go in a table.
local function call_many(...)
  return server.call_many({...}, select('#', ...))
end

function redis.call(...)
  local reply, failure, status
  if memory_used() > MEMORY_HIGH then check_memory() end
  if select('#', ...) > 1000 then
    reply, failure, status = call_many(...)
  else
    reply, failure, status = call_command(...)
  end
  if failure then
    if server.plain then
      failure = placed(failure)
      error(failure, 0)
    end
    fail(failure)
  end
  if status then return {ok = status} end
  return reply
end

function redis.pcall(...)
  local reply, failure, status
  if memory_used() > MEMORY_HIGH then check_memory() end
  if select('#', ...) > 1000 then
    reply, failure, status = call_many(...)
  else
    reply, failure, status = call_command(...)
  end
  if failure and server.plain then failure = placed(failure) end
  if failure then return {err = failure, ignore_error_stats_update = true} end
  if status then return {ok = status} end
  return reply
end

function redis.error_reply(...)
  local text = ...
  if select('#', ...) ~= 1 or type(text) ~= 'string' then
    return {err = 'ERR wrong number or type of arguments'}
  end
  if server.plain then return {err = text} end
  if string_sub(text, 1, 1) == '-' then text = string_sub(text, 2) end
  if not string_find(text, ' ', 1, true) then return {err = 'ERR ' .. text} end
  return {err = text}
end

function redis.status_reply(...)
  local text = ...
  if select('#', ...) ~= 1 or type(text) ~= 'string' then
    return {err = 'ERR wrong number or type of arguments'}
  end
  return {ok = text}
end

function redis.sha1hex(...)
  if select('#', ...) ~= 1 then fail('ERR wrong number of arguments') end
  local text = ...
  if type(text) == 'number' then text = tostring(text) end
  return (sha1hex(type(text) == 'string' and text or ''))
end

function redis.log(...)
  if select('#', ...) < 2 then fail('ERR redis.log() requires two arguments or more.') end
  local level = tonumber((...))
  if type((...)) ~= 'number' then fail('ERR First argument must be a number (log level).') end
  if not (level >= 0 and level <= 3) then fail('ERR Invalid log level.') end
  local words = {}
  for at = 2, select('#', ...) do
    local word = select(at, ...)
    if type(word) == 'string' or type(word) == 'number' then words[#words + 1] = tostring(word) end
  end
  server.log(level, concat(words, ' '))
end

function redis.setresp(...)
  if select('#', ...) ~= 1 then fail('ERR redis.setresp() requires one argument.') end
  local version = tonumber((...))
  if version ~= 2 and version ~= 3 then fail('ERR RESP version must be 2 or 3.') end
  server.setresp(version)
end

function redis.set_repl(...)
  if select('#', ...) ~= 1 then fail('ERR redis.set_repl() requires one argument.') end
  local flags = tonumber((...))
  if not flags or flags < 0 or flags > 3 then
    fail('ERR Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.')
  end
  server.set_repl(flags)
end

function redis.acl_check_cmd(...)
  local allowed, failure = server.acl_check(...)
  if failure then fail(failure) end
  return allowed
end

if server.plain then
  redis.acl_check_cmd, redis.REDIS_VERSION, redis.REDIS_VERSION_NUM = nil, nil, nil
end

if not server.functions then
  function redis.replicate_commands() return true end
  function redis.breakpoint() return false end
  function redis.debug() end
  -- The server's handler of errors, which scripts can see and call.
  function base.__redis__err__handler(err)
    if type(err) ~= 'table' then err = {err = 'ERR ' .. base.tostring(err)} end
    err.source, err.line = place_of(2)
    return err
  end
  if server.valkey then base.__server__err__handler = base.__redis__err__handler end
end

-- The globals --------------------------------------------------------------------------------

for name, library in raw_pairs({
  string = strings, table = tables, math = maths, coroutine = coroutines, bit = bits, struct = structs,
  cjson = cjson, cmsgpack = msgpack, redis = redis, os = {clock = os.clock},
}) do
  note_stand_ins(library)
  base[name] = name == 'string' and string_library or readonly(library)
end
note_stand_ins(base)

local MISSING = {__index = function(_, name)
  error("Script attempted to access nonexistent global variable '" .. tostring(name) .. "'", 2)
end}

if server.valkey then base.server = base.redis end
globals, globals_metatable = readonly(base), readonly(MISSING)
environment = raw_setmetatable(
  {[STAND_INS] = stand_ins}, {__index = base, __newindex = refuse_change}
)
base._G = globals
if not server.functions then base.KEYS, base.ARGV = {}, {} end
raw_setmetatable(base, MISSING)

-- The interpreter's own globals cannot be reached without `getfenv`; and nothing is left in them.
local own = _G
for name in raw_pairs(own) do own[name] = nil end

-- Running ------------------------------------------------------------------------------------

local NAME = server.functions and '@user_function' or '@user_script'

local function compile(source) return load_text(source, NAME) end

-- Where the innermost function is that is not of this chunk, from a level of calls on.
function place_of(level)
  local info = getinfo(level, 'Sl')
  while info do
    if info.what ~= 'C' and info.source ~= SELF and info.what ~= 'tail' then
      return info.source, info.currentline
    end
    level = level + 1
    info = getinfo(level, 'Sl')
  end
end

-- Notes where an error happened.
local function located(err)
  local source, line = place_of(3)
  if failed_at and failed_with == err then source, line = failed_at[1], failed_at[2] end
  failed_with, failed_at = nil, nil
  if server.plain then
    if type(err) == 'string' or type(err) == 'number' then return {tostring(err), source, line} end
    local text = "err_handler_def:9: attempt to concatenate local 'err' (a " .. type(err) .. ' value)'
    return {text, '@err_handler_def', 9}
  end
  if type(err) == 'table' then
    local text = raw_get(err, 'err')
    return {type(text) == 'string' and text or 'ERR unknown error', source, line}
  end
  return {'ERR ' .. base.tostring(clean(err)), source, line}
end

-- The bytes of a reply so far: what the real server sends piece by piece must fit into memory here.
local reply_size = 0

local function finish(ok, value)
  reply_size = 0
  if stopped then unwatch() end
  if memory_used() > MEMORY_HIGH then
    collect()
    if memory_used() > MEMORY_HIGH then server.free_memory() end
  end
  if ok then return true, value end
  if type(value) ~= 'table' then return false, tostring(value) end
  return false, value[1], value[2], value[3]
end

local function sorted_out(key_count, ...)
  local keys, args = {}, {...}
  if key_count > 0 then
    if #args == key_count then
      keys, args = args, keys
    else
      local all = args
      args = {}
      for at = 1, #all do
        if at <= key_count then keys[at] = all[at] else args[at - key_count] = all[at] end
      end
    end
  end
  return keys, args
end

-- Runs a compiled script, or a function, with tables of keys and arguments.
local run_with
if server.functions then
  function run_with(callback, keys, args)
    return finish(raw_xpcall(function()
      local value = callback(keys, args)
      return value
    end, located))
  end
else
  function run_with(script, keys, args)
    base.KEYS, base.ARGV = keys, args
    return finish(raw_xpcall(script, located))
  end
end

-- The same with keys and arguments given flat.
local function run(script, key_count, ...)
  return run_with(script, sorted_out(key_count, ...))
end

local function count_reply(value)
  if type(value) ~= 'string' then return value end
  reply_size = reply_size + #value
  if reply_size > MEMORY_HIGH * 1024 then error(NO_MEMORY, 0) end
  return value
end

-- What a table that a script returned stands for as a reply.
local function classify(t)
  t = contents_of[t] or t
  local value = raw_get(t, 'err')
  if type(value) == 'string' then return 'err', value end
  value = raw_get(t, 'ok')
  if type(value) == 'string' then return 'ok', value end
  value = raw_get(t, 'double')
  if type(value) == 'number' then
    -- On the way to Python a zero loses its sign.
    return 'double', value == 0 and 1 / value < 0 and '-0' or value
  end
  value = raw_get(t, 'map')
  if type(value) == 'table' then return 'map', value end
  value = raw_get(t, 'set')
  if type(value) == 'table' then return 'set', value end
  value = raw_get(t, 'big_number')
  if type(value) == 'string' then return 'big_number', (string_gsub(value, '[\r\n]', ' ')) end
  value = raw_get(t, 'verbatim_string')
  if type(value) == 'table' and type(raw_get(value, 'string')) == 'string'
    and type(raw_get(value, 'format')) == 'string' then
    return 'verbatim', raw_get(value, 'string'), raw_get(value, 'format')
  end
  local count = 0
  while count_reply(raw_get(t, count + 1)) ~= nil do count = count + 1 end
  if count <= 100 then return 'array', unpack(t, 1, count) end
  return 'long', count
end

local function flat(t)
  local found, count = {}, 0
  for key, value in raw_pairs(t) do
    found[count + 1], found[count + 2] = count_reply(key), count_reply(value)
    count = count + 2
  end
  return found, count
end

-- Libraries of functions: what they see while they are loaded, which is next to nothing. --------

local pending  -- the functions that the library being loaded has registered

local BAD_FUNCTION_NAME = 'ERR Function names can only contain letters, numbers, or underscores(_) '
  .. 'and must be at least one character long'

local function check_name(name)
  if not string_find(name, '^[%w_]+$') then
    if server.valkey then error({err = BAD_FUNCTION_NAME}, 0) end
    fail('ERR Library names can only contain letters, numbers, or underscores(_) and must be at '
      .. 'least one character long')
  end
end

-- The flags as a text that ends each with a comma.
local function read_flags(flags)
  if type(flags) ~= 'table' then
    fail('ERR flags argument to redis.register_function must be a table representing function flags')
  end
  local found = ''
  for at = 1, 1 / 0 do
    local flag = raw_get(flags, at)
    if flag == nil then return found end
    if type(flag) ~= 'string' or not server.flags[string_lower(flag)] then
      fail('ERR unknown flag given')
    end
    found = found .. string_lower(flag) .. ','
  end
end

local READERS = {flags = read_flags}

function READERS.function_name(name)
  if is_text(name) then return tostring(name) end
  fail('ERR function_name argument given to redis.register_function must be a string')
end

function READERS.description(text)
  if is_text(text) then return tostring(text) end
  fail('ERR description argument given to redis.register_function must be a string')
end

function READERS.callback(callback)
  if type(callback) == 'function' then return callback end
  fail('ERR callback argument given to redis.register_function must be a function')
end

local function read_named(t)
  if type(t) ~= 'table' then
    fail('ERR calling redis.register_function with a single argument is only applicable to Lua '
      .. 'table (representing named arguments).')
  end
  local found = {}
  for key, value in raw_pairs(t) do
    local name = type(key) == 'string' and string_lower(key)
    if not name or not READERS[name] then
      fail('ERR unknown argument given to redis.register_function')
    end
    found[name] = READERS[name](value)
  end
  if not found.function_name then
    fail('ERR redis.register_function must get a function name argument')
  end
  if not found.callback then fail('ERR redis.register_function must get a callback argument') end
  return found
end

local function read_positional(name, callback)
  if not is_text(name) then
    fail('ERR first argument to redis.register_function must be a string')
  end
  if type(callback) ~= 'function' then
    fail('ERR second argument to redis.register_function must be a function')
  end
  return {function_name = tostring(name), callback = callback}
end

local loading = {
  log = redis.log, LOG_DEBUG = 0, LOG_VERBOSE = 1, LOG_NOTICE = 2, LOG_WARNING = 3,
  REDIS_VERSION = server.version, REDIS_VERSION_NUM = server.version_number,
}

function loading.register_function(...)
  if not pending then
    fail('ERR redis.register_function can only be called on FUNCTION LOAD command')
  end
  local count = select('#', ...)
  if count < 1 or count > 2 then
    fail('ERR wrong number of arguments to redis.register_function')
  end
  local found = count == 1 and read_named(...) or read_positional(...)
  check_name(found.function_name)
  for _, other in ipairs(pending) do
    if other.function_name == found.function_name then
      fail('ERR Function already exists in the library')
    end
  end
  pending[#pending + 1] = found
end

if server.valkey then name_server(loading) end
local loading_library = readonly(raw_setmetatable(note_stand_ins(loading), MISSING))
local loading_globals = raw_setmetatable(
  {redis = loading_library, server = server.valkey and loading_library or nil}, MISSING
)

-- Runs a library's code: how many functions it has registered.
local function load_library(chunk)
  local metatable = raw_getmetatable(environment)
  pending = {}
  metatable.__index = loading_globals
  local ok, err = raw_xpcall(chunk, located)
  metatable.__index = base
  if stopped then unwatch() end
  local found
  found, pending = pending, nil
  if not ok then return nil, type(err) == 'table' and err[1] or tostring(clean(err)) end
  return found, #found
end

local function registered(found, at)
  local one = found[at]
  return one.function_name, one.callback, one.description or false, one.flags or ''
end

return compile, run, run_with, classify, flat, raw_get, load_library, registered
