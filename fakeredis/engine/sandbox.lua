-- What a script sees of Lua, and how one is run.
--
-- The chunk gets the functions it may call outside as arguments, and returns those that Python
-- calls. Scripts reach neither: a function's upvalues are visible through `debug` only, which is
-- gone, and no value from outside is anything but nil, boolean, number, string or a plain table.

local call_command, sha1hex, bit_operation, pack_number, unpack_number, struct_call,
  without_tail_calls, server = ...

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
local set_hook = debug.sethook
local collect = collectgarbage
local SELF = getinfo(1, 'S').source
local READONLY = 'Attempt to modify a readonly table'

-- Read-only tables: an empty table whose contents stand behind it. ---------------------------

local globals, globals_metatable  -- what scripts take for _G

local contents_of = raw_setmetatable({}, {__mode = 'k'})

local function refuse_change()
  error(READONLY, 2)
end

local function readonly(contents)
  local proxy = {}
  contents_of[proxy] = contents
  return raw_setmetatable(proxy, {__index = contents, __newindex = refuse_change})
end

local function check_change(t)
  if contents_of[t] then error(READONLY, 0) end
end

local function type_of(...)
  return select('#', ...) == 0 and 'no value' or type((...))
end

-- Scripts that run long ----------------------------------------------------------------------

local INSTRUCTIONS = 50000  -- between two looks at the time
local tick = server.tick
local hook, stopped

local function watch(thread, count)
  if thread then set_hook(thread, hook, '', count) else set_hook(hook, '', count) end
end

-- Ends the script when Python says so. Whatever it catches the error with, its next instruction
-- fails again: only what belongs to this file goes on.
function hook()
  local text = tick()
  if not text then return end
  stopped = true
  watch(nil, 1)
  local caller = getinfo(2, 'S')
  if not caller or caller.source == SELF then return end
  if server.plain then error(string_sub(text, 5), 0) end
  error({err = text}, 0)
end

watch(nil, INSTRUCTIONS)

-- The script has ended: from here on nothing is stopped.
local function unwatch()
  stopped = false
  watch(nil, INSTRUCTIONS)
end

-- Base functions -----------------------------------------------------------------------------

-- An error of the machinery outside is nothing that a script may hold in its hands.
local function clean(err)
  return type(err) == 'userdata' and 'internal error' or err
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

local function load_text(text, name)
  if string_byte(text) == 27 then
    local shown = name and string_sub(name, 2) or '[string "' .. string_sub(text, 1, 60) .. '"]'
    return nil, shown .. ":1: unexpected symbol near 'char(27)'"
  end
  local chunk, err = raw_loadstring(text, name or text)
  if not chunk then return nil, err end
  return set_environment(chunk, globals)
end

local base = {
  _VERSION = _VERSION, assert = assert, error = error,
  gcinfo = gcinfo, ipairs = ipairs, rawequal = rawequal, select = select, tonumber = tonumber,
  type = type, unpack = unpack,
}

function base.collectgarbage(what, ...)
  if what == nil or what == 'collect' or what == 'count' or what == 'step' then
    return collect(what, ...)
  end
  return 0
end

function base.pcall(...) return settled(raw_pcall(...)) end

function base.xpcall(f, handler)
  return raw_xpcall(f, function(err) return handler(clean(err)) end)
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

function base.rawget(t, key) return raw_get(contents_of[t] or t, key) end

function base.rawset(t, key, value)
  check_change(t)
  return raw_set(t, key, value)
end

function base.setmetatable(t, metatable)
  check_change(t)
  return raw_setmetatable(t, metatable)
end

function base.loadstring(text, name)
  if type(text) ~= 'string' and type(text) ~= 'number' then
    error("bad argument #1 to 'loadstring' (string expected, got " .. type(text) .. ')', 2)
  end
  return load_text(tostring(text), name and tostring(name))
end

function base.load(reader, name)
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
local function new_watched_thread(...)
  local thread = new_thread(...)
  watch(thread, INSTRUCTIONS)
  return thread
end

for _, name in ipairs({'insert', 'remove', 'setn', 'sort'}) do
  local raw = table[name]
  tables[name] = function(t, ...)
    if contents_of[t] then error(READONLY, 0) end
    return raw(t, ...)
  end
end

for _, name in ipairs({'foreach', 'foreachi'}) do
  local raw = table[name]
  tables[name] = function(t, f) return raw(contents_of[t] or t, f) end
end

coroutines.create = new_watched_thread

function coroutines.resume(...) return resumed(resume(...)) end

-- A plain `coroutine.wrap` would do, but for errors that must be cleaned.
function coroutines.wrap(f)
  local thread = new_watched_thread(f)
  local function result(ok, err, ...)
    if ok then return err, ... end
    error(clean(err), 0)
  end
  return function(...) return result(resume(thread, ...)) end
end

local string_library = readonly(strings)
local string_metatable = readonly({__index = string_library})
raw_getmetatable('').__index = strings

function base.getmetatable(value)
  if type(value) == 'string' then return string_metatable end
  if value == globals then return globals_metatable end
  if contents_of[value] then return nil end
  return raw_getmetatable(value)
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
  return struct_results(struct_call('unpack', layout, data, start))
end

-- cjson --------------------------------------------------------------------------------------

local null = new_userdata()

function base.tostring(...)
  local value = ...
  if value == null and value ~= nil then return 'userdata: (nil)' end
  return tostring(...)
end

local MAX_DEPTH = 1000

local ESCAPES = {
  ['"'] = '\\"', ['\\'] = '\\\\', ['/'] = '\\/', ['\b'] = '\\b', ['\f'] = '\\f', ['\n'] = '\\n',
  ['\r'] = '\\r', ['\t'] = '\\t', ['\127'] = '\\u007f',
}
for code = 0, 31 do
  local char = string_char(code)
  ESCAPES[char] = ESCAPES[char] or string_format('\\u%04x', code)
end

local function quoted(text)
  return '"' .. string_gsub(text, '[%z\1-\31"\\/\127]', ESCAPES) .. '"'
end

local function number_text(value, options)
  if value ~= value or value == 1 / 0 or value == -1 / 0 then
    if options.invalid_encode == 'null' then return 'null' end
    if not options.invalid_encode then
      error('Cannot serialise number: must not be NaN or Inf', 0)
    end
    return value ~= value and 'nan' or value > 0 and 'inf' or '-inf'
  end
  return string_format('%.' .. options.precision .. 'g', value)
end

-- The length as an array; nil for a table that is an object.
local function array_length(t, options)
  local highest, count = 0, 0
  for key in raw_pairs(t) do
    if type(key) ~= 'number' or key < 1 or floor(key) ~= key then return nil end
    if key > highest then highest = key end
    count = count + 1
  end
  if options.ratio > 0 and highest > count * options.ratio and highest > options.safe then
    if not options.convert then
      error('Cannot serialise table: excessively sparse array', 0)
    end
    return nil
  end
  return highest > 0 and highest or nil
end

local encode_value

local function encode_object(t, depth, options)
  local parts = {}
  for key, value in raw_pairs(t) do
    local name
    if type(key) == 'number' then
      name = '"' .. number_text(key, options) .. '"'
    elseif type(key) == 'string' then
      name = quoted(key)
    else
      error('Cannot serialise ' .. type(key) .. ': table key must be a number or string', 0)
    end
    parts[#parts + 1] = name .. ':' .. encode_value(value, depth, options)
  end
  return '{' .. concat(parts, ',') .. '}'
end

local function encode_table(t, depth, options)
  depth = depth + 1
  if depth > options.encode_depth then
    error('Cannot serialise, excessive nesting (' .. depth .. ')', 0)
  end
  local length = array_length(t, options)
  if not length then return encode_object(t, depth, options) end
  local parts = {}
  for at = 1, length do parts[at] = encode_value(t[at], depth, options) end
  return '[' .. concat(parts, ',') .. ']'
end

function encode_value(value, depth, options)
  local kind = type(value)
  if kind == 'string' then return quoted(value) end
  if kind == 'number' then return number_text(value, options) end
  if kind == 'boolean' then return value and 'true' or 'false' end
  if kind == 'nil' or value == null then return 'null' end
  if kind == 'table' then return encode_table(contents_of[value] or value, depth, options) end
  error('Cannot serialise ' .. kind .. ': type not supported', 0)
end

local TOKENS = {
  ['{'] = 'T_OBJ_BEGIN', ['}'] = 'T_OBJ_END', ['['] = 'T_ARR_BEGIN', [']'] = 'T_ARR_END',
  [','] = 'T_COMMA', [':'] = 'T_COLON', ['"'] = 'T_STRING', [''] = 'T_END', ['\0'] = 'T_END',
}
local UNESCAPED = {b = '\b', f = '\f', n = '\n', r = '\r', t = '\t'}

local function utf8(code)
  if code < 0x80 then return string_char(code) end
  if code < 0x800 then return string_char(0xC0 + floor(code / 64), 0x80 + code % 64) end
  local last = string_char(0x80 + floor(code / 64) % 64, 0x80 + code % 64)
  if code < 0x10000 then return string_char(0xE0 + floor(code / 4096)) .. last end
  return string_char(0xF0 + floor(code / 262144), 0x80 + floor(code / 4096) % 64) .. last
end

local function expected(what, found, at)
  error('Expected ' .. what .. ' but found ' .. found .. ' at character ' .. at, 0)
end

local function skip_space(text, at)
  return string_find(text, '[^ \t\r\n]', at) or #text + 1
end

local strict_numbers = false  -- whether only JSON's own numbers are taken

-- Whether a number is none of JSON: a plus, a leading zero, hexadecimal digits, no digits at all.
local function is_invalid_number(text, at)
  if string_find(text, '^%+', at) then return true end
  local word = string_lower(string_sub(text, at, at + 9))
  word = string_gsub(word, '^%-', '')
  return string_find(word, '^0[x%d]') or string_find(word, '^inf') or string_find(word, '^nan')
end

local function number_at(text, at)
  local char = string_sub(text, at, at)
  if is_invalid_number(text, at) then
    if strict_numbers then return nil end
  elseif not string_find(char, '[%d%-]') then
    return nil
  end
  local last = select(2, string_find(text, '^[%+%-]?0[xX]%x+', at))
    or select(2, string_find(text, '^[%+%-]?%d+%.?%d*[eE][%+%-]?%d+', at))
    or select(2, string_find(text, '^[%+%-]?%.%d+[eE][%+%-]?%d+', at))
    or select(2, string_find(text, '^[%+%-]?%d+%.?%d*', at))
    or select(2, string_find(text, '^[%+%-]?%.%d+', at))
  if last then
    local number = tonumber((string_gsub(string_sub(text, at, last), '^%+', '')))
    return number, last + 1
  end
  local word = string_lower(string_sub(text, at, at + 8))
  local sign, rest = 1, word
  if char == '-' or char == '+' then
    sign, rest = char == '-' and -1 or 1, string_sub(word, 2)
  end
  local width = #word - #rest
  if string_find(rest, '^nan') then return sign < 0 and 0 / 0 or -(0 / 0), at + width + 3 end
  if string_find(rest, '^infinity') then return sign / 0, at + width + 8 end
  if string_find(rest, '^inf') then return sign / 0, at + width + 3 end
  return nil
end

local function escape_at(text, at, what)
  local char = string_sub(text, at, at)
  if char ~= 'u' then
    if char == '"' or char == '\\' or char == '/' then return char, at + 1 end
    if UNESCAPED[char] then return UNESCAPED[char], at + 1 end
    expected(what, 'invalid escape code', at - 1)
  end
  local digits = string_match(text, '^%x%x%x%x', at + 1)
  if not digits then expected(what, 'invalid unicode escape code', at - 1) end
  local code = tonumber(digits, 16)
  if code >= 0xDC00 and code < 0xE000 then
    expected(what, 'invalid unicode escape code', at - 1)
  end
  if code < 0xD800 or code > 0xDBFF then return utf8(code), at + 5 end
  local low = string_match(text, '^\\u([dD][c-fC-F]%x%x)', at + 5)
  if not low then expected(what, 'invalid unicode escape code', at - 1) end
  return utf8(0x10000 + (code - 0xD800) * 1024 + tonumber(low, 16) - 0xDC00), at + 11
end

local function string_at(text, at, what)
  local parts = {}
  at = at + 1
  while true do
    local stop = string_find(text, '[%z"\\]', at) or #text + 1
    parts[#parts + 1] = string_sub(text, at, stop - 1)
    local char = string_sub(text, stop, stop)
    if char == '"' then return concat(parts), stop + 1 end
    if char ~= '\\' then expected(what, 'unexpected end of string', stop) end
    parts[#parts + 1], at = escape_at(text, stop + 1, what)
  end
end

local function token_at(text, at, what)
  local char = string_sub(text, at, at)
  if char == '"' then string_at(text, at, what) end
  if TOKENS[char] then return TOKENS[char] end
  if string_find(text, '^true', at) or string_find(text, '^false', at) then return 'T_BOOLEAN' end
  if string_find(text, '^null', at) then return 'T_NULL' end
  if number_at(text, at) then return 'T_NUMBER' end
  if string_find(char, '[%d%-]') or (char == '+' and not strict_numbers) then
    return 'invalid number'
  end
  return 'invalid token'
end

local decode_at

local function check_depth(depth, at, options)
  if depth > options.decode_depth then
    error('Found too many nested data structures (' .. depth .. ') at character ' .. at, 0)
  end
end

local function array_at(text, at, depth, options)
  check_depth(depth, at, options)
  local found, count = {}, 0
  at = skip_space(text, at + 1)
  if string_sub(text, at, at) == ']' then return found, at + 1 end
  while true do
    count = count + 1
    found[count], at = decode_at(text, at, depth, options)
    at = skip_space(text, at)
    local char = string_sub(text, at, at)
    if char == ']' then return found, at + 1 end
    if char ~= ',' then expected('comma or array end', token_at(text, at, 'comma or array end'), at) end
    at = at + 1
  end
end

local function object_at(text, at, depth, options)
  check_depth(depth, at, options)
  local found, key = {}, nil
  at = skip_space(text, at + 1)
  if string_sub(text, at, at) == '}' then return found, at + 1 end
  while true do
    at = skip_space(text, at)
    if string_sub(text, at, at) ~= '"' then
      expected('object key string', token_at(text, at, 'object key string'), at)
    end
    key, at = string_at(text, at, 'object key string')
    at = skip_space(text, at)
    if string_sub(text, at, at) ~= ':' then expected('colon', token_at(text, at, 'colon'), at) end
    found[key], at = decode_at(text, at + 1, depth, options)
    at = skip_space(text, at)
    local char = string_sub(text, at, at)
    if char == '}' then return found, at + 1 end
    if char ~= ',' then expected('comma or object end', token_at(text, at, 'comma or object end'), at) end
    at = at + 1
  end
end

function decode_at(text, at, depth, options)
  at = skip_space(text, at)
  local char = string_sub(text, at, at)
  if char == '"' then return string_at(text, at, 'value') end
  if char == '{' then return object_at(text, at, depth + 1, options) end
  if char == '[' then return array_at(text, at, depth + 1, options) end
  if string_find(text, '^true', at) then return true, at + 4 end
  if string_find(text, '^false', at) then return false, at + 5 end
  if string_find(text, '^null', at) then return null, at + 4 end
  local number, after = number_at(text, at)
  if number then return number, after end
  expected('value', token_at(text, at, 'value'), at)
end

local function decode_text(text, options)
  if #text > 1 and string_find(string_sub(text, 1, 2), '%z') then
    error('JSON parser does not support UTF-16 or UTF-32', 0)
  end
  strict_numbers = not options.invalid_decode
  local value, at = decode_at(text, 1, 0, options)
  at = skip_space(text, at)
  local token = token_at(text, at, 'the end')
  if token ~= 'T_END' then expected('the end', token, at) end
  return value
end

local MAX_INTEGER = 2147483647
local CHOICES = {off = false, on = true}

local function complain(name, at, text)
  error(string_format("bad argument #%d to '%s' (%s)", at, name, text), 4)
end

local function check_count(name, most, ...)
  if select('#', ...) > most then complain(name, most + 1, 'found too many arguments') end
end

local function integer_setting(options, key, name, at, low, high, value)
  if value == nil then return end
  local number = tonumber(value)
  if not number then complain(name, at, 'number expected, got ' .. type(value)) end
  if number < low or number > high then
    complain(name, 1, string_format('expected integer between %d and %d', low, high))
  end
  options[key] = floor(number)
end

local function choice_setting(options, key, name, value, null_allowed)
  if value == nil then return end
  if type(value) == 'boolean' then
    options[key] = value
    return
  end
  if type(value) ~= 'string' and type(value) ~= 'number' then
    complain(name, 1, 'string expected, got ' .. type(value))
  end
  if null_allowed and value == 'null' then
    options[key] = value
  elseif CHOICES[value] == nil then
    complain(name, 1, "invalid option '" .. value .. "'")
  else
    options[key] = CHOICES[value]
  end
end

local new_cjson
function new_cjson()
  local options = {
    precision = 14, ratio = 2, safe = 10, convert = false, encode_depth = MAX_DEPTH,
    decode_depth = MAX_DEPTH, keep = true, invalid_decode = true, invalid_encode = false,
  }
  local library = {_NAME = 'cjson', _VERSION = '2.1.0', null = null}
  function library.encode(...)
    if select('#', ...) ~= 1 then
      error("bad argument #1 to 'encode' (expected 1 argument)", 2)
    end
    local ok, text = raw_pcall(encode_value, (...), 0, options)
    if not ok then error(clean(text), 2) end
    return text
  end
  function library.decode(...)
    local text = ...
    if select('#', ...) ~= 1 then
      error("bad argument #1 to 'decode' (expected 1 argument)", 2)
    end
    if type(text) == 'number' then text = tostring(text) end
    if type(text) ~= 'string' then
      error("bad argument #1 to 'decode' (string expected, got " .. type(text) .. ')', 2)
    end
    local ok, value = raw_pcall(decode_text, text, options)
    if not ok then error(clean(value), 2) end
    return value
  end
  local function integers(name, key, low, high)
    library[name] = function(...)
      check_count(name, 1, ...)
      integer_setting(options, key, name, 1, low, high, (...))
      return options[key]
    end
  end
  local function choices(name, key, null_allowed)
    library[name] = function(...)
      check_count(name, 1, ...)
      choice_setting(options, key, name, (...), null_allowed)
      return options[key]
    end
  end
  integers('encode_max_depth', 'encode_depth', 1, MAX_INTEGER)
  integers('decode_max_depth', 'decode_depth', 1, MAX_INTEGER)
  integers('encode_number_precision', 'precision', 1, 14)
  choices('encode_keep_buffer', 'keep')
  choices('encode_invalid_numbers', 'invalid_encode', true)
  choices('decode_invalid_numbers', 'invalid_decode')
  function library.encode_sparse_array(...)
    local name = 'encode_sparse_array'
    check_count(name, 3, ...)
    local convert, ratio, safe = ...
    choice_setting(options, 'convert', name, convert)
    integer_setting(options, 'ratio', name, 2, 0, MAX_INTEGER, ratio)
    integer_setting(options, 'safe', name, 3, 0, MAX_INTEGER, safe)
    return options.convert, options.ratio, options.safe
  end
  function library.new() return new_cjson() end
  return library
end

local cjson = new_cjson()

-- cmsgpack -----------------------------------------------------------------------------------

local pack_value
local MAX_NESTING = 16

local function counted(count, small, base_code, code16, code32)
  if count <= small then return string_char(base_code + count) end
  if count <= 65535 then return string_char(code16) .. pack_number('>H', count) end
  return string_char(code32) .. pack_number('>I', count)
end

local function pack_integer(n)
  if n >= 0 then
    if n <= 127 then return string_char(n) end
    if n <= 255 then return '\204' .. string_char(n) end
    if n <= 65535 then return '\205' .. pack_number('>H', n) end
    if n <= 4294967295 then return '\206' .. pack_number('>I', n) end
    return '\207' .. pack_number('>Q', n)
  end
  if n >= -32 then return string_char(256 + n) end
  if n >= -128 then return '\208' .. pack_number('>b', n) end
  if n >= -32768 then return '\209' .. pack_number('>h', n) end
  if n >= -2147483648 then return '\210' .. pack_number('>i', n) end
  return '\211' .. pack_number('>q', n)
end

local function pack_float(n)
  local short = pack_number('>f', n)
  if short and unpack_number('>f', short) == n then return '\202' .. short end
  return '\203' .. pack_number('>d', n)
end

local function pack_string(text)
  if #text > 31 and #text <= 255 then return '\217' .. string_char(#text) .. text end
  return counted(#text, 31, 160, 218, 219) .. text
end

local function pack_table(t, depth)
  t = contents_of[t] or t
  local highest, count, array = 0, 0, true
  for key in raw_pairs(t) do
    count = count + 1
    if type(key) ~= 'number' or key < 1 or floor(key) ~= key then
      array = false
    elseif key > highest then
      highest = key
    end
  end
  local parts = {}
  if array and highest == count then
    for at = 1, count do parts[at] = pack_value(t[at], depth) end
    return counted(count, 15, 144, 220, 221) .. concat(parts)
  end
  for key, value in raw_pairs(t) do
    parts[#parts + 1] = pack_value(key, depth) .. pack_value(value, depth)
  end
  return counted(count, 15, 128, 222, 223) .. concat(parts)
end

function pack_value(value, depth)
  local kind = type(value)
  if kind == 'string' then return pack_string(value) end
  if kind == 'boolean' then return value and '\195' or '\194' end
  if kind == 'number' then
    if floor(value) == value and value >= -2 ^ 63 and value < 2 ^ 63 then
      return pack_integer(value)
    end
    return pack_float(value)
  end
  if kind == 'table' and depth < MAX_NESTING then return pack_table(value, depth + 1) end
  return '\192'
end

local unpack_value

local function need(text, at, count)
  if at + count - 1 > #text then error('Missing bytes in input.', 0) end
  return string_sub(text, at, at + count - 1), at + count
end

local function unpack_array(text, at, count)
  local found = {}
  for index = 1, count do found[index], at = unpack_value(text, at) end
  return found, at
end

local function unpack_map(text, at, count)
  local found, key, value = {}, nil, nil
  for _ = 1, count do
    key, at = unpack_value(text, at)
    value, at = unpack_value(text, at)
    if key == nil then error('table index is nil', 0) end
    found[key] = value
  end
  return found, at
end

local NUMBERS = {
  [202] = {'>f', 4}, [203] = {'>d', 8}, [204] = {'>B', 1}, [205] = {'>H', 2}, [206] = {'>I', 4},
  [207] = {'>q', 8}, [208] = {'>b', 1}, [209] = {'>h', 2}, [210] = {'>i', 4}, [211] = {'>q', 8},
}
local SIZED = {
  [217] = {'>B', 1, need}, [218] = {'>H', 2, need}, [219] = {'>I', 4, need},
  [220] = {'>H', 2, unpack_array}, [221] = {'>I', 4, unpack_array},
  [222] = {'>H', 2, unpack_map}, [223] = {'>I', 4, unpack_map},
}

function unpack_value(text, at)
  local head
  head, at = need(text, at, 1)
  local code = string_byte(head)
  if code <= 127 then return code, at end
  if code >= 224 then return code - 256, at end
  if code <= 143 then return unpack_map(text, at, code - 128) end
  if code <= 159 then return unpack_array(text, at, code - 144) end
  if code <= 191 then return need(text, at, code - 160) end
  if code == 192 then return nil, at end
  if code == 194 or code == 195 then return code == 195, at end
  local number, sized = NUMBERS[code], SIZED[code]
  local raw
  if number then
    raw, at = need(text, at, number[2])
    return unpack_number(number[1], raw), at
  end
  if not sized then error('Bad data format in input.', 0) end
  raw, at = need(text, at, sized[2])
  return sized[3](text, at, unpack_number(sized[1], raw))
end

local msgpack = {
  _NAME = 'cmsgpack', _VERSION = 'lua-cmsgpack 0.4.0',
  _DESCRIPTION = 'MessagePack C implementation for Lua',
  _COPYRIGHT = 'Copyright (C) 2012, ' .. (server.valkey and 'Redis Ltd.' or 'Salvatore Sanfilippo'),
}

function msgpack.pack(...)
  local count = select('#', ...)
  if count == 0 then error("bad argument #0 to 'pack' (MessagePack pack needs input.)", 2) end
  local parts = {}
  for at = 1, count do parts[at] = pack_value((select(at, ...)), 0) end
  return concat(parts)
end

local function unpack_some(text, at, limit)
  local values, count = {}, 0
  local ok, err = raw_pcall(function()
    while at <= #text and count < limit do
      count = count + 1
      values[count], at = unpack_value(text, at)
    end
  end)
  if not ok then error(clean(err), 4) end
  return values, count, at > #text and -1 or at - 1
end

local function unpack_part(text, limit, offset)
  if offset < 0 or limit < 0 then
    error(string_format(
      'Invalid request to unpack with offset of %d and limit of %d.', offset, #text
    ), 3)
  end
  if offset > #text then
    error(string_format('Start offset %d greater than input length %d.', offset, #text), 3)
  end
  local all = limit == 0 and offset == 0
  local values, count, rest = unpack_some(text, offset + 1, all and 1 / 0 or limit)
  if all then return unpack(values, 1, count) end
  return rest, unpack(values, 1, count)
end

local function whole(number)
  return number >= 0 and floor(number) or -floor(-number)
end

local function optional_offset(name, at, ...)
  return select(at, ...) == nil and 0 or whole(number_argument(name, at, ...))
end

function msgpack.unpack(...)
  local text = text_argument('unpack', 1, ...)
  return unpack_part(text, 0, 0)
end

function msgpack.unpack_one(...)
  local text = text_argument('unpack_one', 1, ...)
  return unpack_part(text, 1, optional_offset('unpack_one', 2, ...))
end

function msgpack.unpack_limit(...)
  local text = text_argument('unpack_limit', 1, ...)
  local limit = whole(number_argument('unpack_limit', 2, ...))
  return unpack_part(text, limit, optional_offset('unpack_limit', 3, ...))
end

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
  local reply, failure
  if select('#', ...) > 1000 then
    reply, failure = call_many(...)
  else
    reply, failure = call_command(...)
  end
  if failure then
    if server.plain then
      failure = placed(failure)
      error(failure, 0)
    end
    fail(failure)
  end
  return reply
end

function redis.pcall(...)
  local reply, failure
  if select('#', ...) > 1000 then
    reply, failure = call_many(...)
  else
    reply, failure = call_command(...)
  end
  if failure and server.plain then failure = placed(failure) end
  if failure then return {err = failure, ignore_error_stats_update = true} end
  return reply
end

function redis.error_reply(...)
  local text = ...
  if select('#', ...) ~= 1 or type(text) ~= 'string' then
    return {err = 'ERR wrong number or type of arguments'}
  end
  if server.plain then return {err = text} end
  if string_sub(text, 1, 1) == '-' then return {err = string_sub(text, 2)} end
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
  if level < 0 or level > 3 then fail('ERR Invalid log level.') end
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
end

-- The globals --------------------------------------------------------------------------------

for name, library in raw_pairs({
  string = strings, table = tables, math = maths, coroutine = coroutines, bit = bits, struct = structs,
  cjson = cjson, cmsgpack = msgpack, redis = redis, os = {clock = os.clock},
}) do
  base[name] = name == 'string' and string_library or readonly(library)
end

local MISSING = {__index = function(_, name)
  error("Script attempted to access nonexistent global variable '" .. tostring(name) .. "'", 2)
end}

if server.valkey then base.server = base.redis end
globals, globals_metatable = readonly(base), readonly(MISSING)
base._G = globals
if not server.functions then base.KEYS, base.ARGV = {}, {} end
raw_setmetatable(base, MISSING)

-- The interpreter's own globals cannot be reached without `getfenv`; and nothing is left in them.
local own = _G
for name in raw_pairs(own) do own[name] = nil end

-- Running ------------------------------------------------------------------------------------

-- In Lua a tail call leaves no trace of its caller, and error texts want to name it: with the
-- server, whose libraries are C functions, `return redis.call(...)` is none.
local NAME = server.functions and '@user_function' or '@user_script'

local function compile(source)
  local chunk, err = load_text(source, NAME)
  if not chunk then return nil, err end
  local patched = without_tail_calls(string_dump(chunk))
  if not patched then return chunk end
  return set_environment(raw_loadstring(patched, NAME), globals)
end

-- Notes where an error happened: the innermost function that is not of this chunk.
local function located(err)
  local source, line
  local level = 2
  local info = getinfo(level, 'Sl')
  while info do
    if info.what ~= 'C' and info.source ~= SELF and info.what ~= 'tail' then
      source, line = info.source, info.currentline
      break
    end
    level = level + 1
    info = getinfo(level, 'Sl')
  end
  if server.plain then
    if type(err) == 'string' or type(err) == 'number' then return {tostring(err), source, line} end
    local text = "err_handler_def:9: attempt to concatenate local 'err' (a " .. type(err) .. ' value)'
    return {text, '@err_handler_def', 9}
  end
  if type(err) == 'table' then
    local text = raw_get(err, 'err')
    return {type(text) == 'string' and text or 'ERR unknown error', source, line}
  end
  return {'ERR ' .. tostring(clean(err)), source, line}
end

local function finish(ok, value)
  if stopped then unwatch() end
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

-- What a table that a script returned stands for as a reply.
local function classify(t)
  t = contents_of[t] or t
  local value = raw_get(t, 'err')
  if type(value) == 'string' then return 'err', value end
  value = raw_get(t, 'ok')
  if type(value) == 'string' then return 'ok', value end
  value = raw_get(t, 'double')
  if type(value) == 'number' then return 'double', value end
  value = raw_get(t, 'map')
  if type(value) == 'table' then return 'map', value end
  value = raw_get(t, 'set')
  if type(value) == 'table' then return 'set', value end
  value = raw_get(t, 'big_number')
  if type(value) == 'string' then return 'big_number', (string_gsub(value, '[\r\n]', ' ')) end
  value = raw_get(t, 'verbatim_string')
  if type(value) == 'table' and type(raw_get(value, 'string')) == 'string'
    and type(raw_get(value, 'format')) == 'string' then
    return 'verbatim', raw_get(value, 'string')
  end
  local count = 0
  while raw_get(t, count + 1) ~= nil do count = count + 1 end
  if count <= 100 then return 'array', unpack(t, 1, count) end
  return 'long', count
end

local function flat(t)
  local found, count = {}, 0
  for key, value in raw_pairs(t) do
    found[count + 1], found[count + 2] = key, value
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

local function is_text(value)
  return type(value) == 'string' or type(value) == 'number'
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
local loading_library = readonly(raw_setmetatable(loading, MISSING))
local loading_globals = raw_setmetatable(
  {redis = loading_library, server = server.valkey and loading_library or nil}, MISSING
)

-- Runs a library's code: how many functions it has registered.
local function load_library(chunk)
  local metatable = raw_getmetatable(globals)
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
