-- The process half, seen from the editor: it is started on first use, asked by
-- rpcrequest and listened to through on_event. It starts again after a crash.

local config = require('career.config')

local M = {}

-- The number of the wire's version, as in rpc/protocol.go.
local protocol = 1

---@class career.Job
---@field id? integer set when it is sent
---@field command string "summarize", …
---@field buf integer the buffer it was started from
---@field target? integer the buffer that receives text
---@field sink? career.Sink where text goes
---@field phase? table as in rpc/protocol.go
---@field title? string what stands above its result, when it has a window
---@field same? string equal for jobs that would give the same
---@field quiet? boolean the user does not see it
---@field stopped? boolean by the user: what still arrives is dropped
---@field failure? string why the editor had to end it
---@field changed? fun(job: career.Job) called when the phase has changed
---@field ended fun(job: career.Job, status: 'done'|'cancelled'|'failed', last: table)

local channel ---@type integer?
local jobs = {} ---@type table<integer, career.Job>
local next_id = 0
local stderr = {} ---@type string[]

-- Looked at once, as a relative path means something else after :cd.
local file = vim.fn.fnamemodify(debug.getinfo(1, 'S').source:sub(2), ':p')
local root = vim.fs.dirname(vim.fs.dirname(vim.fs.dirname(vim.fs.normalize(file))))

---The plugin's folder.
---@return string
function M.root()
  return root
end

---@return string
function M.program()
  return M.root() .. '/bin/career' .. (vim.fn.has('win32') == 1 and '.exe' or '')
end

---@return string
function M.log_file()
  return vim.fn.stdpath('log') .. '/career.log'
end

-- Drawing is timed from outside, so that frames can be spaced by what they cost.
local draw_ns = vim.api.nvim_create_namespace('career.draw')
local draw_start, draw_cost = 0, 0

local function time_drawing(on)
  vim.api.nvim_set_decoration_provider(draw_ns, on and {
    on_start = function()
      draw_start = vim.uv.hrtime()
    end,
    on_end = function()
      draw_cost = (vim.uv.hrtime() - draw_start) / 1e6
    end,
  } or {})
end

---@param job career.Job
---@param status 'done'|'cancelled'|'failed'
---@param last table
local function finish(job, status, last)
  jobs[job.id] = nil
  if next(jobs) == nil then
    time_drawing(false)
  end
  job.ended(job, status, last)
end

local function on_exit(id, code)
  if id ~= channel then
    return
  end
  channel = nil
  local how = code > 128 and ('by signal %d'):format(code - 128) or ('with status %d'):format(code)
  local said = stderr[1] and (' (%s)'):format(stderr[1]) or ''
  for _, id_of in ipairs(vim.tbl_keys(jobs)) do
    local job = jobs[id_of]
    finish(job, job.stopped and 'cancelled' or 'failed', {
      error = ('The career process ended %s%s; the text so far is kept. Run the command again, it starts anew.'):format(
        how,
        said
      ),
      stats = vim.empty_dict(),
    })
  end
end

---Starts the process where it does not run.
---@return integer? channel
---@return string? problem one sentence and one thing to try
function M.start()
  if channel then
    return channel
  end
  local conf, problem = config.get()
  if not conf then
    return nil, problem
  end
  local program = M.program()
  if vim.fn.executable(program) ~= 1 then
    return nil, ('The program is not built. Run make in %s'):format(M.root())
  end
  stderr = {}
  -- Raises an error for a program of another machine, from 0.12 on.
  local started, id = pcall(vim.fn.jobstart, {
    program,
    '-log',
    M.log_file(),
    '-log-level',
    conf.log_level,
    '-state',
    vim.fn.stdpath('state') .. '/career',
  }, {
    rpc = true,
    on_exit = on_exit,
    on_stderr = function(_, lines)
      for _, line in ipairs(lines) do
        if line ~= '' and #stderr < 20 then
          table.insert(stderr, line)
        end
      end
    end,
  })
  if not started or id <= 0 then
    return nil, ('The program %s does not start. Build it again with make in %s'):format(program, M.root())
  end
  local ok, hello = pcall(vim.rpcrequest, id, 'hello')
  if not ok or type(hello) ~= 'table' or hello.protocol ~= protocol then
    pcall(vim.fn.jobstop, id)
    return nil, ('The program is of another version than the plugin. Build it again with make in %s'):format(M.root())
  end
  channel = id
  return id
end

---Asks something that is answered at once.
---@param method string
---@param ... any
---@return any answer
---@return string? problem
function M.call(method, ...)
  local id, problem = M.start()
  if not id then
    return nil, problem
  end
  local ok, answer = pcall(vim.rpcrequest, id, method, ...)
  if not ok then
    return nil,
      ('The career process does not take the request (%s). Look at %s'):format(vim.split(answer, '\n')[1], M.log_file())
  end
  return answer
end

---Starts a job. It is filed before anything is sent.
---@param method string
---@param params table
---@param job career.Job
---@return string? problem
function M.run(method, params, job)
  next_id = next_id + 1
  job.id = next_id
  job.phase = { name = 'starting', tokens = 0, rate = 0, part = 0, parts = 0 }
  if next(jobs) == nil then
    time_drawing(true)
  end
  jobs[job.id] = job
  local _, problem = M.call(method, job.id, params)
  if problem then
    jobs[job.id] = nil
  end
  return problem
end

---Ends a job. Nothing that still arrives for it reaches a buffer.
---@param job career.Job
---@param failure? string why, when it was not the user
function M.stop(job, failure)
  if job.stopped or not jobs[job.id] then
    return
  end
  job.stopped, job.failure = true, failure
  M.call('stop', job.id)
end

---The jobs that run and that the user sees, in the order in which they were started.
---@return career.Job[]
function M.jobs()
  local all = vim.tbl_filter(function(job)
    return not job.quiet
  end, vim.tbl_values(jobs))
  table.sort(all, function(a, b)
    return a.id < b.id
  end)
  return all
end

---Takes an event from the process; see rpc/protocol.go for the kinds.
---@param id integer
---@param kind string
---@param text string
---@param data any
---@return number ms what drawing the last frame cost
function M.on_event(id, kind, text, data)
  local job = jobs[id]
  if not job then
    return 0
  end
  if kind == 'phase' then
    job.phase = data
    if job.changed then
      job.changed(job)
    end
  elseif kind == 'retract' then
    if job.sink and not job.stopped then
      job.sink:retract()
    end
  else
    if text ~= '' and job.sink and not job.stopped then
      local problem = job.sink:write(text)
      if problem then
        M.stop(job, problem)
      end
    end
    if kind ~= 'text' then
      if job.failure then
        kind, data.error = 'failed', job.failure
      end
      finish(job, kind, data)
    end
  end
  return draw_cost
end

return M
