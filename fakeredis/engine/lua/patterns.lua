-- What scripts call to look for patterns.
--
-- The C functions cannot be stopped, take time without limit for some patterns and recurse as deep
-- as a pattern is long. Where that may be much, this file does the same. It passes for a part of
-- the sandbox.

local strings, relay, blame, check_stop, count_work, is_text = ...

local error, type, tostring, select, unpack, raw_pcall = error, type, tostring, select, unpack, pcall
local raw_setmetatable, floor, concat = setmetatable, math.floor, table.concat
local string_byte, string_char, string_sub = string.byte, string.char, string.sub
local string_find, string_match, string_gsub = string.find, string.match, string.gsub

local MOST_STEPS, LONGEST_PATTERN, MOST_CAPTURES = 4e8, 2000, 32
local UNFINISHED, POSITION = -1, -2
local SPECIALS = '[%^%$%*%+%?%.%(%[%%%-]'  -- others are looked for as they are

local quantifiers, patterns_known = {}, 0  -- of patterns: how many, and how many are known

local function quantifiers_in(pattern)
  local count = quantifiers[pattern]
  if count then return count end
  patterns_known = patterns_known + 1
  if patterns_known > 500 then quantifiers, patterns_known = {}, 1 end
  count = #string_gsub(pattern, '[^%*%+%-%?]+', '')
  quantifiers[pattern] = count
  return count
end

-- Whether the C functions are done with it soon.
local function is_quick(text, pattern)
  local size = #text + 1
  if #pattern > LONGEST_PATTERN then return false end
  local count = quantifiers_in(pattern)
  return count == 0 or size ^ (count + 1) < MOST_STEPS
end

local Matcher = {}
Matcher.__index = Matcher

local function new_matcher(text, pattern)
  return raw_setmetatable({
    text = text, pattern = pattern, size = #text, level = 0,
    items = {}, classes = {}, starts = {}, lengths = {},
  }, Matcher)
end

-- Where the class that begins at a place of the pattern ends.
function Matcher:class_end(at)
  local pattern = self.pattern
  local char = string_sub(pattern, at, at)
  if char == '%' then
    if at >= #pattern then error("malformed pattern (ends with '%')", 0) end
    return at + 2
  end
  if char ~= '[' then return at + 1 end
  at = at + 1
  if string_sub(pattern, at, at) == '^' then at = at + 1 end
  repeat
    if at > #pattern then error("malformed pattern (missing ']')", 0) end
    local inside = string_sub(pattern, at, at)
    at = at + 1
    if inside == '%' and at <= #pattern then at = at + 1 end
  until string_sub(pattern, at, at) == ']'
  return at + 1
end

-- The class that begins at a place of the pattern: which bytes are in it, what comes after it.
function Matcher:item(at)
  local found = self.items[at]
  if found then return found end
  local pattern = self.pattern
  local after = self:class_end(at)
  local class = string_sub(pattern, at, after - 1)
  if class == '^' or class == '$' then class = '%' .. class end
  local members = self.classes[class]
  if not members then
    members = {}
    for code = 0, 255 do members[code] = string_find(string_char(code), class) ~= nil end
    self.classes[class] = members
  end
  found = {members = members, after = after, suffix = string_sub(pattern, after, after)}
  self.items[at] = found
  return found
end

function Matcher:has(item, place)
  return place <= self.size and item.members[string_byte(self.text, place)]
end

function Matcher:start_capture(place, at, length)
  local level = self.level + 1
  if level > MOST_CAPTURES then error('too many captures', 0) end
  self.starts[level], self.lengths[level], self.level = place, length, level
  local last = self:match(place, at)
  if not last then self.level = self.level - 1 end
  return last
end

function Matcher:end_capture(place, at)
  for level = self.level, 1, -1 do
    if self.lengths[level] == UNFINISHED then
      self.lengths[level] = place - self.starts[level]
      local last = self:match(place, at + 1)
      if not last then self.lengths[level] = UNFINISHED end
      return last
    end
  end
  error('invalid pattern capture', 0)
end

function Matcher:balance(place, at)
  if at + 1 > #self.pattern then error('unbalanced pattern', 0) end
  local text = self.text
  local opening, closing = string_byte(self.pattern, at, at + 1)
  if string_byte(text, place) ~= opening then return nil end
  local depth = 1
  for index = place + 1, self.size do
    local code = string_byte(text, index)
    if code == closing then
      depth = depth - 1
      if depth == 0 then return index + 1 end
    elseif code == opening then
      depth = depth + 1
    end
  end
  check_stop()
  return nil
end

function Matcher:frontier(place, at)
  if string_sub(self.pattern, at, at) ~= '[' then
    error("missing '[' after '%f' in pattern", 0)
  end
  local item = self:item(at)
  local before = place > 1 and string_byte(self.text, place - 1) or 0
  local here = place <= self.size and string_byte(self.text, place) or 0
  return not item.members[before] and item.members[here] and item.after
end

function Matcher:captured(place, digit)
  local level = digit - 48
  if level < 1 or level > self.level or self.lengths[level] == UNFINISHED then
    error('invalid capture index', 0)
  end
  local length = self.lengths[level]
  local from = self.starts[level]
  if length < 0 then return nil end
  local same = string_sub(self.text, from, from + length - 1)
  if string_sub(self.text, place, place + length - 1) ~= same then return nil end
  return place + length
end

function Matcher:most(place, item)
  local count = 0
  while self:has(item, place + count) do count = count + 1 end
  local at = item.after + 1
  while count >= 0 do
    check_stop()
    local last = self:match(place + count, at)
    if last then return last end
    count = count - 1
  end
  return nil
end

function Matcher:fewest(place, item)
  local at = item.after + 1
  while true do
    check_stop()
    local last = self:match(place, at)
    if last then return last end
    if not self:has(item, place) then return nil end
    place = place + 1
  end
end

-- What the letter after '%' asks for, if it is no class: whether it is so, and then where to go on.
function Matcher:special(place, at)
  local code = string_byte(self.pattern, at + 1)
  if code == 98 then  -- b
    local last = self:balance(place, at + 2)
    return true, last, at + 4
  end
  if code == 102 then  -- f
    local after = self:frontier(place, at + 2)
    return true, after and place, after
  end
  if code and code >= 48 and code <= 57 then
    return true, self:captured(place, code), at + 2
  end
  return false
end

-- Where the text from a place on that matches the pattern from another on ends; nil if none does.
function Matcher:match(place, at)
  check_stop()
  local pattern = self.pattern
  while at <= #pattern do
    local char = string_sub(pattern, at, at)
    local special, last, after
    if char == '(' then
      if string_sub(pattern, at + 1, at + 1) == ')' then
        return self:start_capture(place, at + 2, POSITION)
      end
      return self:start_capture(place, at + 1, UNFINISHED)
    elseif char == ')' then
      return self:end_capture(place, at)
    elseif char == '$' and at == #pattern then
      return place == self.size + 1 and place or nil
    elseif char == '%' then
      special, last, after = self:special(place, at)
    end
    if special then
      if not last then return nil end
      place, at = last, after
    else
      local item = self:item(at)
      local suffix = item.suffix
      if suffix == '*' then return self:most(place, item) end
      if suffix == '-' then return self:fewest(place, item) end
      if suffix == '+' then
        if not self:has(item, place) then return nil end
        return self:most(place + 1, item)
      end
      if suffix == '?' then
        if self:has(item, place) then
          last = self:match(place + 1, item.after + 1)
          if last then return last end
        end
        at = item.after + 1
      else
        if not self:has(item, place) then return nil end
        place, at = place + 1, item.after
      end
    end
  end
  return place
end

function Matcher:capture(level)
  local length = self.lengths[level]
  if length == POSITION then return self.starts[level] end
  if length == UNFINISHED then error('unfinished capture', 0) end
  return string_sub(self.text, self.starts[level], self.starts[level] + length - 1)
end

-- As `string.find`: where the first match is, and its captures.
local function find_slowly(text, pattern, start)
  local first = string_sub(pattern, 1, 1) == '^' and 2 or 1
  local matcher = new_matcher(text, pattern)
  while true do
    check_stop()
    matcher.level = 0
    local last = matcher:match(start, first)
    if last then
      local captures = {}
      for level = 1, matcher.level do captures[level] = matcher:capture(level) end
      return start, last - 1, unpack(captures, 1, matcher.level)
    end
    start = start + 1
    if start > #text + 1 or first == 2 then return nil end
  end
end

-- The C function takes a pattern without special characters as it is, even with a parenthesis that
-- closes nothing.
local function find_pattern(text, pattern, start)
  local special = string_find(pattern, SPECIALS) or not string_find(pattern, ')', 1, true)
  if special and is_quick(text, pattern) then
    count_work(#text)
    return string_find(text, pattern, start)
  end
  return find_slowly(text, pattern, start)
end

-- Where to start to look, as the C functions take it.
local function start_of(text, start)
  start = start == nil and 1 or start >= 0 and floor(start) or -floor(-start)
  if start < 0 then start = #text + start + 1 end
  return start < 1 and 1 or start
end

local function matched(text, first, last, ...)
  if first == nil then return nil end
  if select('#', ...) > 0 then return ... end
  return string_sub(text, first, last)
end

-- Whether the arguments are those of a search that the C function had better not do.
local function is_slow(text, pattern, start)
  return is_text(text) and is_text(pattern) and (start == nil or type(start) == 'number')
    and not is_quick(tostring(text), tostring(pattern))
end

function strings.find(...)
  local text, pattern, start, plain = ...
  if not plain and is_slow(text, pattern, start) then
    text, pattern = tostring(text), tostring(pattern)
    if string_find(pattern, SPECIALS) then
      start = start_of(text, start)
      if start > #text + 1 then start = #text + 1 end
      return relay(raw_pcall(find_slowly, text, pattern, start))
    end
  end
  if type(text) == 'string' then count_work(#text) end
  return relay(raw_pcall(string_find, ...))
end

function strings.match(...)
  local text, pattern, start = ...
  if is_slow(text, pattern, start) then
    text, pattern = tostring(text), tostring(pattern)
    start = start_of(text, start)
    if start > #text + 1 then start = #text + 1 end
    local function search() return matched(text, find_slowly(text, pattern, start)) end
    return relay(raw_pcall(search))
  end
  if type(text) == 'string' then count_work(#text) end
  return relay(raw_pcall(string_match, ...))
end

-- An iterator over the matches. A '^' is no anchor there.
local function each_match(text, pattern)
  local start = 1
  if string_sub(pattern, 1, 1) == '^' then pattern = '%' .. pattern end
  local function step(first, last, ...)
    if first == nil then
      start = #text + 2
      return nil
    end
    start = last >= first and last + 1 or first + 1
    return matched(text, first, last, ...)
  end
  local function search()
    if start > #text + 1 then return nil end
    return step(find_slowly(text, pattern, start))
  end
  return function() return relay(raw_pcall(search)) end
end

local raw_gmatch = strings.gmatch
function strings.gmatch(...)
  local text, pattern = ...
  if is_slow(text, pattern) then return each_match(tostring(text), tostring(pattern)) end
  return relay(raw_pcall(raw_gmatch, ...))
end
strings.gfind = strings.gmatch

-- What a match is replaced with; nil for nothing.
local function replacement(by, first, ...)
  local value
  if type(by) == 'function' then value = by(first, ...) else value = by[first] end
  if not value then return nil end
  if not is_text(value) then error('invalid replacement value (a ' .. type(value) .. ')', 5) end
  return value
end

-- '%1' and the like in a replacement.
local function filled_in(by, whole, ...)
  local captures, count = {...}, select('#', ...)
  return (string_gsub(by, '%%(.)', function(char)
    local level = string_byte(char) - 48
    if level < 0 or level > 9 then return char end
    if level == 0 then return whole end
    if level == 1 and count == 0 then return whole end
    if level > count then error('invalid capture index', 0) end
    return captures[level]
  end))
end

local function substitute(text, pattern, by, most)
  local parts, count, start, failure = {}, 0, 1, nil
  local once = string_sub(pattern, 1, 1) == '^'
  local function one(ok, first, last, ...)
    if not ok then
      failure = first
      return false
    end
    if not first then return false end
    count = count + 1
    local whole = string_sub(text, first, last)
    local value
    if is_text(by) then
      value = filled_in(by, whole, ...)
    elseif select('#', ...) == 0 then
      value = replacement(by, whole)
    else
      value = replacement(by, ...)
    end
    parts[#parts + 1] = string_sub(text, start, first - 1)
    parts[#parts + 1] = value or whole
    start = last + 1
    if last < first then
      parts[#parts + 1] = string_sub(text, first, first)
      start = first + 1
    end
    return true
  end
  while count < most and start <= #text + 1 do
    check_stop()
    if not one(raw_pcall(find_pattern, text, pattern, start)) or once then break end
  end
  if failure then
    if type(failure) ~= 'string' then error(failure, 0) end
    return blame((string_gsub(failure, '^sandbox:%d+: ', '')), 3)
  end
  parts[#parts + 1] = string_sub(text, start)
  return concat(parts), count
end

function strings.gsub(...)
  local text, pattern, by, most = ...
  local kind = type(by)
  if not is_text(text) or not is_text(pattern) or (most ~= nil and type(most) ~= 'number') then
    return relay(raw_pcall(string_gsub, ...))
  end
  if kind == 'string' or kind == 'number' then
    if #tostring(by) < LONGEST_PATTERN and not is_slow(text, pattern) then
      count_work(#tostring(text))
      return relay(raw_pcall(string_gsub, ...))
    end
    return relay(raw_pcall(
      substitute, tostring(text), tostring(pattern), tostring(by), most or 1 / 0
    ))
  end
  if kind ~= 'table' and kind ~= 'function' then
    return relay(raw_pcall(string_gsub, ...))
  end
  -- What `by` raises is its own.
  return substitute(tostring(text), tostring(pattern), by, most or 1 / 0)
end
