-- Holds a script or a function to the rule of allow-key-locking: every key of its commands was declared in
-- the call, and no command writes to the whole database. The engine itself says which arguments are keys.
local redis = (function(keys)
  -- Looked up at each use: while a library is loaded, `redis` has other members than later.
  local function engine() return redis end
  -- What the script sees as `redis`.
  local shown = {}
  -- The declared keys of the call that runs. Without them nothing is checked: the function has no flag.
  local declared
  -- Where the script used `redis` last: an error names that line.
  local line

  local function declare(list)
    declared = {}
    for _, key in ipairs(list) do declared[key] = true end
  end

  local function text(value)
    return type(value) == 'table' and value.ok or value
  end

  local function writes_everywhere(name)
    local info = engine().pcall('COMMAND', 'INFO', name)[1]
    if type(info) ~= 'table' or tonumber(info[4]) ~= 0 then return false end
    local found = {}
    for key, value in pairs(info[3].set or info[3]) do found[text(value == true and key or value)] = true end
    return found.write and not found.movablekeys
  end

  local function refusal(...)
    local found = engine().pcall('COMMAND', 'GETKEYS', ...)
    if found.err then
      local name = ...
      if not writes_everywhere(name) then return nil end
      return "ERR Command '" .. string.lower(name) ..
        "' is not allowed in Lua scripts when 'allow-key-locking' flag is set"
    end
    for _, key in ipairs(found) do
      if not declared[key] then
        return "ERR Dynamic keys are not allowed in Lua scripts when 'allow-key-locking' flag is set. " ..
          "Key was: " .. key
      end
    end
  end

  local function pcall_checked(...)
    local refused = refusal(...)
    if refused then return { err = refused } end
    return engine().pcall(...)
  end

  -- Raises the error as if the engine's own `call` had: with the line of the script, not of this guard.
  local function raise(reply, line)
    -- Before version 7 an error is a string.
    if not engine().REDIS_VERSION_NUM then error(reply.err, 0) end
    local function set(target, name, value)
      rawset(target, name, name == 'line' and line or value)
    end
    error(setmetatable({ err = reply.err, ignore_error_stats_update = true }, { __newindex = set }), 0)
  end

  -- The line of the caller of a function at this level; nothing where it is not Lua, or a tail call.
  local function line_at(level)
    local _, place = pcall(error, '', level + 1)
    return tonumber(string.match(place, ':(%d+): $'))
  end

  local function call_checked(...)
    local here = line_at(3) or line
    local reply = pcall_checked(...)
    if type(reply) == 'table' and reply.err then raise(reply, here) end
    return reply
  end

  local function member(_, name)
    if declared then
      line = line_at(3)
      if name == 'call' then return call_checked end
      if name == 'pcall' then return pcall_checked end
    end
    return engine()[name]
  end

  if keys then
    declare(keys)
    return setmetatable(shown, { __index = member })
  end

  -- A library. While it is loaded there are no functions of Lua, and of `redis` only what follows here.
  local is_loading = true
  local function guard(callback, is_flagged)
    return function(keys, arguments)
      if is_loading then
        for name in pairs(shown) do shown[name] = nil end
        setmetatable(shown, { __index = member })
        is_loading = false
      end
      declared = nil
      if is_flagged then declare(keys) end
      return callback(keys, arguments)
    end
  end

  function shown.register_function(first, callback)
    if callback then return engine().register_function(first, guard(callback, false)) end
    local flags, others, is_flagged = first.flags or {}, {}, false
    for place = 1, #flags do
      if flags[place] == 'allow-key-locking' then is_flagged = true else others[#others + 1] = flags[place] end
    end
    if is_flagged then first.flags = others end
    if first.callback then first.callback = guard(first.callback, is_flagged) end
    return engine().register_function(first)
  end

  function shown.log(level, message) return engine().log(level, message) end
  shown.LOG_DEBUG, shown.LOG_VERBOSE = engine().LOG_DEBUG, engine().LOG_VERBOSE
  shown.LOG_NOTICE, shown.LOG_WARNING = engine().LOG_NOTICE, engine().LOG_WARNING
  shown.REDIS_VERSION, shown.REDIS_VERSION_NUM = engine().REDIS_VERSION, engine().REDIS_VERSION_NUM
  return shown
end)
