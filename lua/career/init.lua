-- The Lua interface of career.nvim: one function for each command.

local M = {}

---Stores the configuration; the same as setting vim.g.career. Not needed.
---@param opts? table
function M.setup(opts)
  vim.g.career = opts or vim.empty_dict()
end

local function emit(pattern, data)
  -- An autocommand of the user's that fails must not end the job's book-keeping.
  local ok, err = pcall(vim.api.nvim_exec_autocmds, 'User', { pattern = pattern, modeline = false, data = data })
  if not ok then
    require('career.notify').error(('An autocommand for %s failed: %s'):format(pattern, err))
  end
end

---The configuration, or nil after the user was told what is wrong with it.
---@return career.Config?
local function configured()
  local notify = require('career.notify')
  local config, problem, warning = require('career.config').get()
  if problem then
    notify.error(problem)
  elseif warning then
    notify.warn(warning)
  end
  return config
end

---Runs a job with all that the user sees of it.
---@param job career.Job
---@param params table
---@return integer? id nil after the user was told why not
local function run(job, params)
  local host, notify, status = require('career.host'), require('career.notify'), require('career.status')
  job.changed = status.show
  job.ended = function(_, how, last)
    if job.sink then
      job.sink:close()
    end
    status.ended(job, how, last)
    if job.title then
      if vim.api.nvim_buf_is_valid(job.target) then
        vim.b[job.target].career_running = nil
      end
      if how ~= 'done' and not job.sink.begun then
        require('career.window').discard(job.target)
      end
    end
    if how == 'failed' then
      notify.error(last.error)
    elseif last.notice then
      notify.warn(last.notice)
    end
    emit('CareerFinished', {
      id = job.id,
      command = job.command,
      buf = job.buf,
      target = job.target,
      status = how,
      error = last.error,
      stats = last.stats,
    })
  end
  local problem = host.run(job.command, params, job)
  if problem then
    notify.error(problem)
    return nil
  end
  return job.id
end

---@class career.SummarizeOpts
---@field style? string "brief" without it
---@field line1? integer first line, the buffer's first without it
---@field line2? integer last line, the buffer's last without it
---@field range? integer as nvim_create_user_command gives it
---@field region? table { first, last, type } as getregion() takes them
---@field below? boolean put the summary below the range, not in a window

---Summarizes a range of the current buffer.
---@param opts? career.SummarizeOpts
---@return integer? id of the job; nil after the user was told why not
function M.summarize(opts)
  opts = opts or {}
  local config = configured()
  if not config then
    return nil
  end
  local buf = vim.api.nvim_get_current_buf()
  local range = require('career.text').range(buf, opts)
  local style = opts.style or 'brief'
  local same = table.concat({ style, range.line1, range.line2, tostring(opts.below or false), #range.text }, ' ')
  for _, other in ipairs(require('career.host').jobs()) do
    if other.command == 'summarize' and other.buf == buf and other.same == same and not other.stopped then
      require('career.notify').warn('This summary is being written already. End it with :CareerStop')
      return nil
    end
  end
  if opts.below and not vim.bo[buf].modifiable then
    require('career.notify').error(
      'The buffer is not modifiable. Run the command without ! to get the summary in a window.'
    )
    return nil
  end
  local name = vim.fs.basename(vim.api.nvim_buf_get_name(buf))
  local Sink = require('career.sink')
  local job = { command = 'summarize', buf = buf, same = same } ---@type career.Job
  if opts.below then
    job.target = buf
    local last = vim.api.nvim_buf_get_lines(buf, range.line2 - 1, range.line2, true)[1]
    job.sink = Sink.new(buf, range.line2 - 1, #last, true)
  end
  local id = run(job, {
    settings = require('career.config').settings(config, 'summarize'),
    note = { text = range.text, line = range.line1, name = name, filetype = vim.bo[buf].filetype },
    style = style,
  })
  if not id then
    if job.sink then
      job.sink:close()
    end
    return nil
  end
  -- The request is on its way; the window opens meanwhile.
  if not opts.below then
    job.title = ('%s · %s'):format(style, name ~= '' and name or '[No Name]')
    job.target = require('career.window').open(buf, ('%s %s'):format(style, name), config.window)
    job.sink = Sink.new(job.target, 0, 0)
  end
  require('career.status').show(job)
  emit('CareerStarted', { id = id, command = job.command, buf = buf, target = job.target })
  return id
end

---Stops the jobs that were started from the current buffer or write into it.
---@param opts? { all?: boolean }
function M.stop(opts)
  local host = require('career.host')
  local buf = vim.api.nvim_get_current_buf()
  local stopped = false
  for _, job in ipairs(host.jobs()) do
    if opts and opts.all or job.buf == buf or job.target == buf then
      host.stop(job)
      stopped = true
    end
  end
  if not stopped then
    require('career.notify').info(
      #host.jobs() > 0 and 'Nothing runs for this buffer. :CareerStop! stops all.' or 'Nothing is running.'
    )
  end
end

---@class career.Model
---@field name string
---@field size integer bytes on disk
---@field parameters string
---@field quantization string
---@field context integer tokens
---@field loaded boolean
---@field chosen boolean

---@param m career.Model
local function describe(m)
  local facts = { m.name, ('%.1f GB'):format(m.size / 1e9) }
  for _, fact in ipairs({ m.parameters, m.quantization, m.context > 0 and ('window %d'):format(m.context) or '' }) do
    if fact ~= '' then
      table.insert(facts, fact)
    end
  end
  if m.loaded then
    table.insert(facts, 'loaded')
  end
  if m.chosen then
    table.insert(facts, 'chosen')
  end
  return table.concat(facts, ' · ')
end

---Asks the process for something that it must ask the server for.
---@param method string
---@param params table
---@param done fun(result: any, problem?: string)
local function ask(method, params, done)
  local problem = require('career.host').run(method, params, {
    command = method,
    buf = vim.api.nvim_get_current_buf(),
    quiet = true,
    ended = function(_, how, last)
      if how == 'done' then
        done(last.result)
      else
        done(nil, last.error or 'Stopped.')
      end
    end,
  })
  if problem then
    done(nil, problem)
  end
end

---@param name string
---@param config career.Config
local function choose(name, config)
  local notify = require('career.notify')
  ask('choose', { settings = require('career.config').settings(config, ''), name = name }, function(chosen, problem)
    if problem then
      return notify.error(problem)
    end
    if config.model and config.model ~= chosen then
      return notify.warn(
        ('%s is kept as your choice, but your configuration names %s. Take model out of it.'):format(
          chosen,
          config.model
        )
      )
    end
    notify.info(chosen .. ' will be used from now on.')
  end)
end

---Chooses the model: the named one, or one from a list.
---@param opts? { name?: string }
function M.model(opts)
  local config = configured()
  if not config then
    return
  end
  if opts and opts.name then
    return choose(opts.name, config)
  end
  ask('models', require('career.config').settings(config, ''), function(models, problem)
    if problem then
      return require('career.notify').error(problem)
    end
    vim.ui.select(models, { prompt = 'Model:', format_item = describe, kind = 'career_model' }, function(model)
      if model then
        choose(model.name, config)
      end
    end)
  end)
end

---Waits for an answer of the process; for completion and :checkhealth only.
---@param method string
---@param params table
---@param ms integer how long
---@return any result
---@return string? problem
function M.await(method, params, ms)
  local result, problem, answered
  ask(method, params, function(r, p)
    result, problem, answered = r, p, true
  end)
  if not vim.wait(ms, function()
    return answered
  end, 5) then
    problem = 'Ollama took too long to answer. See whether the server is well.'
  end
  return result, problem
end

---For command-line completion.
---@param what 'styles'|'models'
---@param lead string
---@return string[]
function M.complete(what, lead)
  local config = require('career.config').get()
  if not config then
    return {}
  end
  local settings = require('career.config').settings(config, '')
  local all = {}
  if what == 'styles' then
    all = require('career.host').call('styles', settings) or {}
  else
    for _, model in ipairs(M.await('models', settings, 1000) or {}) do
      table.insert(all, model.name)
    end
  end
  return vim.tbl_filter(function(name)
    return vim.startswith(name, lead)
  end, all)
end

---@return string for the statusline, '' when nothing runs
function M.status()
  if not package.loaded['career.host'] then
    return ''
  end
  return require('career.status').status()
end

---The jobs that run.
---@return { id: integer, command: string, buf: integer, target?: integer, phase: string }[]
function M.jobs()
  local status = require('career.status')
  return vim.tbl_map(function(job)
    return { id = job.id, command = job.command, buf = job.buf, target = job.target, phase = status.phase(job) }
  end, require('career.host').jobs())
end

---@type fun(region: table)?
local pending

---Begins an operator: returns the keys that a mapping with expr gives.
---@param fn fun(region: table) gets { first, last, type } as getregion() takes them
---@return string
function M.operator(fn)
  pending = fn
  vim.o.operatorfunc = "v:lua.require'career'.operate"
  return 'g@'
end

---'operatorfunc': what a motion or the selection covers. Called again by "."
---@param kind 'line'|'char'|'block'
function M.operate(kind)
  local types = { line = 'V', char = 'v', block = '\22' }
  pending({ vim.fn.getpos("'["), vim.fn.getpos("']"), types[kind] })
end

return M
