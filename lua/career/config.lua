-- The user's configuration: vim.g.career, read when it is first needed and again
-- when it has changed. One table says what the keys are; validation, the README
-- and the help are held against it.

local M = {}

---@class (exact) career.Config
---@field host string the Ollama server
---@field allow_remote boolean true: the server may be on another machine
---@field model? string nil: the one chosen with :CareerModel, else the newest
---@field models table<string, string> another model for one command
---@field context integer tokens of window to ask for
---@field keep_alive string|integer as Ollama's
---@field cache boolean keep what was read of unchanged parts
---@field server 'attach'|'start'|'docker'
---@field think boolean|'low'|'medium'|'high'
---@field options table<string, any> Ollama's runtime options
---@field prompts string[] folders of prompt files
---@field notes string[] folders of notes
---@field window 'vertical'|'horizontal'|'float'|'tab'
---@field log_level 'debug'|'info'|'warn'|'error'

---@param values string[]
local function one_of(values)
  return function(v)
    return vim.list_contains(values, v), 'one of "' .. table.concat(values, '", "') .. '"'
  end
end

local function list_of_strings(v)
  local ok = type(v) == 'table' and vim.islist(v)
  for _, item in ipairs(ok and v or {}) do
    ok = ok and type(item) == 'string'
  end
  return ok, 'a list of strings'
end

local function is(kind, words)
  return function(v)
    return type(v) == kind, words or ('a ' .. kind)
  end
end

-- Each key: its default and a check that returns whether a value is right and
-- what would be. A default of nil stands for "not set".
---@type table<string, { default: any, check: fun(v: any): boolean, string }>
M.schema = {
  host = { default = 'http://127.0.0.1:11434', check = is('string') },
  allow_remote = { default = false, check = is('boolean', 'true or false') },
  model = { default = nil, check = is('string') },
  models = {
    default = {},
    check = function(v)
      local ok = type(v) == 'table'
      for command, model in pairs(ok and v or {}) do
        ok = ok and type(command) == 'string' and type(model) == 'string'
      end
      return ok, 'a table of command = "model"'
    end,
  },
  context = {
    default = 8192,
    check = function(v)
      return type(v) == 'number' and v >= 256 and v % 1 == 0, 'a whole number of tokens from 256 up'
    end,
  },
  keep_alive = {
    default = '10m',
    check = function(v)
      return type(v) == 'string' or type(v) == 'number', 'a duration such as "10m", or -1 for always'
    end,
  },
  cache = { default = true, check = is('boolean', 'true or false') },
  server = { default = 'attach', check = one_of({ 'attach', 'start', 'docker' }) },
  think = {
    default = false,
    check = function(v)
      return type(v) == 'boolean' or vim.list_contains({ 'low', 'medium', 'high' }, v),
        'true, false, "low", "medium" or "high"'
    end,
  },
  options = { default = {}, check = is('table') },
  prompts = { default = {}, check = list_of_strings },
  notes = { default = {}, check = list_of_strings },
  window = { default = 'vertical', check = one_of({ 'vertical', 'horizontal', 'float', 'tab' }) },
  log_level = { default = 'warn', check = one_of({ 'debug', 'info', 'warn', 'error' }) },
}

---The key that is nearest to a mistyped one.
---@param key string
---@return string
local function nearest(key)
  local best, most = nil, -1
  for known in vim.spairs(M.schema) do
    local shared = 0
    for i = 1, #key - 1 do
      if known:find(key:sub(i, i + 1), 1, true) then
        shared = shared + 1
      end
    end
    local score = shared - math.abs(#known - #key) / 10
    if score > most then
      best, most = known, score
    end
  end
  return best
end

---@param user any the table to validate
---@return string? problem one sentence and one thing to try
---@return string? warning the same, for what can be ignored
function M.validate(user)
  if type(user) ~= 'table' then
    return ('The configuration is a %s. Set vim.g.career to a table.'):format(type(user))
  end
  local warning
  for key, value in vim.spairs(user) do
    local entry = M.schema[key]
    if not entry then
      warning = ('There is no option %s. Did you mean %s?'):format(tostring(key), nearest(tostring(key)))
    else
      local ok, want = entry.check(value)
      if not ok then
        return ('The option %s is %s. Set it to %s.'):format(
          key,
          vim.inspect(value, { newline = ' ', indent = '' }),
          want
        )
      end
    end
  end
  return nil, warning
end

local last_user, last_config, last_problem ---@type any, career.Config?, string?

---The configuration in force. A problem is returned with every call, a warning
---only with the first that sees it.
---@return career.Config? config
---@return string? problem
---@return string? warning
function M.get()
  local user = vim.g.career
  if user == nil then
    user = {}
  end
  if last_user ~= nil and vim.deep_equal(user, last_user) then
    return last_config, last_problem
  end
  local problem, warning = M.validate(user)
  local config
  if not problem then
    config = {}
    for key, entry in pairs(M.schema) do
      config[key] = user[key]
      if config[key] == nil then
        config[key] = vim.deepcopy(entry.default)
      end
    end
    if user.host == nil and (vim.env.OLLAMA_HOST or '') ~= '' then
      config.host = vim.env.OLLAMA_HOST
    end
  end
  last_user, last_config, last_problem = user, config, problem
  return config, problem, warning
end

---What a request carries of the configuration.
---@param config career.Config
---@param command string
---@return table settings
function M.settings(config, command)
  return {
    host = config.host,
    allow_remote = config.allow_remote,
    model = config.models[command] or config.model or '',
    context = config.context,
    keep_alive = tostring(config.keep_alive),
    think = config.think,
    -- An empty Lua table would arrive as a list.
    options = next(config.options) and config.options or vim.empty_dict(),
    prompts = vim.tbl_map(vim.fs.normalize, config.prompts),
  }
end

return M
