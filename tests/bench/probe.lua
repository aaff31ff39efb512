-- What the benchmark sees from inside the editor. All times are nanoseconds of
-- the monotonic clock, which the benchmark's own process reads as well.

local now = vim.uv.hrtime
local seen = {} ---@type table what is reported of the job that was started last
local M = {}

---@param channel integer where the end of a job is reported
---@param follow boolean keep the end of the text in view, as one does who reads along
function M.install(channel, follow)
  local function on_lines(_, buf)
    seen.last = now()
    seen.first = seen.first or seen.last
    if follow then
      vim.schedule(function()
        vim.api.nvim_win_set_cursor(vim.fn.bufwinid(buf), { vim.api.nvim_buf_line_count(buf), 0 })
      end)
    end
  end
  vim.api.nvim_create_autocmd('User', {
    pattern = 'CareerStarted',
    callback = function(ev)
      seen = { buf = ev.data.target }
      vim.api.nvim_buf_attach(seen.buf, false, { on_lines = on_lines })
    end,
  })
  vim.api.nvim_create_autocmd('User', {
    pattern = 'CareerFinished',
    callback = function(ev)
      seen.status, seen.error = ev.data.status, ev.data.error
      vim.rpcnotify(channel, 'finished', seen)
    end,
  })
end

---Runs a command.
---@return integer when, right before
function M.run(command)
  local began = now()
  vim.cmd(command)
  return began
end

---@return boolean text has come into the buffer
function M.begun()
  return seen.first ~= nil
end

local timer, keys, gap

---Begins to look at how the editor keeps up: how long its loop does not turn,
---and when keys are taken.
function M.watch()
  keys, gap = {}, 0
  local last = now()
  timer = vim.uv.new_timer()
  timer:start(0, 1, function()
    local t = now()
    gap, last = math.max(gap, t - last), t
  end)
  vim.on_key(function(_, typed)
    if typed == 'l' or typed == 'h' then
      table.insert(keys, now())
    end
  end, vim.api.nvim_create_namespace('bench'))
end

---@return integer how many keys were taken
function M.keys()
  return #keys
end

---@return { gap: integer, keys: integer[] }
function M.watched()
  timer:close()
  vim.on_key(nil, vim.api.nvim_create_namespace('bench'))
  return { gap = gap, keys = keys }
end

bench = M
