-- What scripts see as cjson and cmsgpack. It passes for a part of the sandbox.

local own = ...

local error, type, tostring, tonumber, select, unpack = error, type, tostring, tonumber, select, unpack
local raw_pcall, raw_pairs, floor, concat = pcall, pairs, math.floor, table.concat
local raw_getmetatable, raw_setmetatable = getmetatable, setmetatable
local frexp, ldexp = math.frexp, math.ldexp
local string_byte, string_char, string_sub = string.byte, string.char, string.sub
local string_find, string_match, string_gsub = string.find, string.match, string.gsub
local string_format, string_lower = string.format, string.lower
local null, contents_of, clean, check_stop = own.null, own.contents_of, own.clean, own.check_stop
local pack_number, unpack_number, whole = own.pack_number, own.unpack_number, own.whole
local text_argument, number_argument, server = own.text_argument, own.number_argument, own.server

local MAX_INTEGER = 2147483647

-- cjson --------------------------------------------------------------------------------------

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

-- What marks tables as arrays, where scripts have asked for that.
local ARRAY = {}

-- The length as an array; nil for a table that is an object.
local function array_length(t, options, marked)
  if marked then return #t end
  local highest, count = 0, 0
  for key in raw_pairs(t) do
    if type(key) ~= 'number' or key < 1 or floor(key) ~= key then return nil end
    -- The server holds it in 32 bits.
    if key > highest then highest = key > MAX_INTEGER and -MAX_INTEGER - 1 or key end
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
    check_stop()
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

local function encode_table(t, depth, options, marked)
  depth = depth + 1
  if depth > options.encode_depth then
    error('Cannot serialise, excessive nesting (' .. depth .. ')', 0)
  end
  local length = array_length(t, options, marked)
  if not length then return encode_object(t, depth, options) end
  local parts = {}
  for at = 1, length do
    check_stop()
    parts[at] = encode_value(t[at], depth, options)
  end
  return '[' .. concat(parts, ',') .. ']'
end

function encode_value(value, depth, options)
  local kind = type(value)
  if kind == 'string' then return quoted(value) end
  if kind == 'number' then return number_text(value, options) end
  if kind == 'boolean' then return value and 'true' or 'false' end
  if kind == 'nil' or value == null then return 'null' end
  if kind == 'table' then
    local marked = raw_getmetatable(value) == ARRAY
    return encode_table(contents_of[value] or value, depth, options, marked)
  end
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
  if options.marks then raw_setmetatable(found, ARRAY) end
  at = skip_space(text, at + 1)
  if string_sub(text, at, at) == ']' then return found, at + 1 end
  while true do
    check_stop()
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
    check_stop()
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
    marks = false,
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
  if server.arrays then choices('decode_array_with_array_mt', 'marks') end
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
  return own.note_stand_ins(library)
end

local cjson = new_cjson()

-- cmsgpack -----------------------------------------------------------------------------------

local pack_value
local MAX_NESTING = 16

local WORD = 4294967296

-- Whole numbers as bytes, which is quicker here than a call outside.
local function two_bytes(n) return string_char(floor(n / 256), n % 256) end

local function four_bytes(n)
  return string_char(floor(n / 16777216), floor(n / 65536) % 256, floor(n / 256) % 256, n % 256)
end

local function eight_bytes(n)
  local high = floor(n / WORD)
  return four_bytes(high % WORD) .. four_bytes(n - high * WORD)
end

local function counted(count, small, base_code, code16, code32)
  if count <= small then return string_char(base_code + count) end
  if count <= 65535 then return string_char(code16) .. two_bytes(count) end
  return string_char(code32) .. four_bytes(count)
end

local function pack_integer(n)
  if n >= 0 then
    if n <= 127 then return string_char(n) end
    if n <= 255 then return '\204' .. string_char(n) end
    if n <= 65535 then return '\205' .. two_bytes(n) end
    if n <= 4294967295 then return '\206' .. four_bytes(n) end
    return '\207' .. eight_bytes(n)
  end
  if n >= -32 then return string_char(256 + n) end
  if n >= -128 then return '\208' .. string_char(256 + n) end
  if n >= -32768 then return '\209' .. two_bytes(65536 + n) end
  if n >= -2147483648 then return '\210' .. four_bytes(WORD + n) end
  return '\211' .. eight_bytes(n)
end

local function pack_odd_float(n)
  local short = pack_number('>f', n)
  if short and unpack_number('>f', short) == n then return '\202' .. short end
  return '\203' .. pack_number('>d', n)
end

-- In four bytes where nothing is lost.
local function pack_float(n)
  local fraction, exponent = frexp(n < 0 and -n or n)
  if not (exponent >= -125 and exponent <= 1024) then return pack_odd_float(n) end
  if fraction ~= fraction or fraction == 1 / 0 then return pack_odd_float(n) end
  local sign = n < 0 and 2147483648 or 0
  local short = fraction * 16777216
  if exponent <= 128 and floor(short) == short then
    return '\202' .. four_bytes(sign + (exponent + 126) * 8388608 + short - 8388608)
  end
  local long = fraction * 2 ^ 53 - 2 ^ 52
  local high = floor(long / WORD)
  return '\203' .. four_bytes(sign + (exponent + 1022) * 1048576 + high)
    .. four_bytes(long - high * WORD)
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
  check_stop()
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

local NO_KEY, NOT_A_KEY = 'table index is nil', 'table index is NaN'

local function unpack_map(text, at, count)
  local found, key, value = {}, nil, nil
  for _ = 1, count do
    key, at = unpack_value(text, at)
    value, at = unpack_value(text, at)
    if key == nil then error(NO_KEY, 0) end
    if key ~= key then error(NOT_A_KEY, 0) end
    found[key] = value
  end
  return found, at
end

local function missing() error('Missing bytes in input.', 0) end

local function byte_at(text, at) return string_byte(text, at) or missing(), at + 1 end

local function two_at(text, at)
  local high, low = string_byte(text, at, at + 1)
  if not low then missing() end
  return high * 256 + low, at + 2
end

local function four_at(text, at)
  local a, b, c, d = string_byte(text, at, at + 3)
  if not d then missing() end
  return a * 16777216 + b * 65536 + c * 256 + d, at + 4
end

local function eight_at(text, at)
  local high, low
  if at + 7 > #text then missing() end
  high, low = four_at(text, at), (four_at(text, at + 4))
  return high, low, at + 8
end

local function float_at(text, at)
  local word = four_at(text, at)
  local exponent = floor(word / 8388608) % 256
  if exponent == 0 or exponent == 255 then
    return unpack_number('>f', string_sub(text, at, at + 3)), at + 4
  end
  local number = ldexp(word % 8388608 + 8388608, exponent - 150)
  return word >= 2147483648 and -number or number, at + 4
end

local function double_at(text, at)
  local high, low = eight_at(text, at)
  local exponent = floor(high / 1048576) % 2048
  if exponent == 0 or exponent == 2047 then
    return unpack_number('>d', string_sub(text, at, at + 7)), at + 8
  end
  local number = ldexp(high % 1048576 * WORD + low + 2 ^ 52, exponent - 1075)
  return high >= 2147483648 and -number or number, at + 8
end

-- Also of what was written without a sign.
local function signed_at(text, at)
  local high, low = eight_at(text, at)
  return (high >= 2147483648 and high - WORD or high) * WORD + low, at + 8
end

local function signed(read, most)
  return function(text, at)
    local number, after = read(text, at)
    return number >= most and number - 2 * most or number, after
  end
end

local NUMBERS = {
  [202] = float_at, [203] = double_at, [204] = byte_at, [205] = two_at, [206] = four_at,
  [207] = signed_at, [208] = signed(byte_at, 128), [209] = signed(two_at, 32768),
  [210] = signed(four_at, 2147483648), [211] = signed_at,
}
local SIZED = {
  [217] = {byte_at, need}, [218] = {two_at, need}, [219] = {four_at, need},
  [220] = {two_at, unpack_array}, [221] = {four_at, unpack_array},
  [222] = {two_at, unpack_map}, [223] = {four_at, unpack_map},
}

function unpack_value(text, at)
  check_stop()
  local code
  code, at = byte_at(text, at)
  if code <= 127 then return code, at end
  if code >= 224 then return code - 256, at end
  if code <= 143 then return unpack_map(text, at, code - 128) end
  if code <= 159 then return unpack_array(text, at, code - 144) end
  if code <= 191 then return need(text, at, code - 160) end
  if code == 192 then return nil, at end
  if code == 194 or code == 195 then return code == 195, at end
  local number, sized = NUMBERS[code], SIZED[code]
  if number then return number(text, at) end
  if not sized then error('Bad data format in input.', 0) end
  local count
  count, at = sized[1](text, at)
  return sized[2](text, at, count)
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
  if err == NO_KEY or err == NOT_A_KEY then error(err, 0) end  -- the interpreter's own, which has no place
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
  if count > 7997 then
    error('stack overflow (too many return values at once; use unpack_one or unpack_limit instead.)', 3)
  end
  if all then return unpack(values, 1, count) end
  return rest, unpack(values, 1, count)
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

return cjson, msgpack
