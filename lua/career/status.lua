-- What the user sees of a job while it runs: a line above its result, a mark at
-- its place in the note, Neovim's own progress message where it has one, and
-- status() for the statusline.

local host = require('career.host')
local window = require('career.window')

local M = {}

local ns = vim.api.nvim_create_namespace('career.status')
local has_progress = vim.fn.has('nvim-0.12') == 1

---@param n integer
---@return string 3412 as "3,412"
local function thousands(n)
  local s = ('%d'):format(n):reverse():gsub('(%d%d%d)', '%1,'):reverse()
  return (s:gsub('^,', ''))
end

---@param job career.Job
---@return string
function M.phase(job)
  local p = job.phase
  local text = p.name
  if p.name == 'loading' then
    text = 'loading the model'
  elseif p.name == 'reading' and p.tokens > 0 then
    text = ('reading %s tokens'):format(thousands(p.tokens))
  elseif p.name == 'writing' and p.rate > 0 then
    text = ('writing %.0f tok/s'):format(p.rate)
  end
  if p.parts > 1 and p.part > 0 then
    text = ('part %d of %d: %s'):format(p.part, p.parts, text)
  end
  return text
end

---What a job cost, in one line.
---@param stats table
---@return string
function M.cost(stats)
  local line = ('%s: read %s tokens, wrote %s'):format(
    stats.model,
    thousands(stats.prompt_tokens),
    thousands(stats.output_tokens)
  )
  if stats.tokens_per_second > 0 then
    line = line .. (' at %.0f tok/s'):format(stats.tokens_per_second)
  end
  if stats.requests > 1 then
    line = line .. (' in %d requests'):format(stats.requests)
  end
  return line .. (', %.1f s'):format(stats.total_ms / 1000)
end

---For the statusline: '' while nothing runs.
---@return string
function M.status()
  local all = vim.tbl_map(M.phase, host.jobs())
  if #all == 0 then
    return ''
  end
  return 'career: ' .. table.concat(all, ' | ')
end

-- Longer than the last line of the screen, a message would ask for a key.
local function fit(text)
  local room = vim.v.echospace
  if vim.fn.strdisplaywidth(text) <= room then
    return text
  end
  return vim.fn.strcharpart(text, 0, math.max(0, room - 1)) .. '…'
end

---@param job career.Job
---@param status 'running'|'success'|'failed'|'cancel'
---@param text string
local function progress(job, status, text)
  vim.api.nvim_echo({ { fit(text) } }, status ~= 'running', {
    kind = 'progress',
    id = 'career.' .. job.id,
    source = 'career.nvim',
    title = 'career',
    status = status,
    data = { job = job.id },
  })
end

---Shows a job's phase.
---@param job career.Job
function M.show(job)
  local text = M.phase(job)
  local sink = job.sink
  if job.title then
    window.title(job.target, job.title .. ' · ' .. text)
  elseif sink and vim.api.nvim_buf_is_loaded(sink.buf) then
    vim.api.nvim_buf_clear_namespace(sink.buf, ns, 0, -1)
    if not sink.begun then
      local row = sink:range()
      vim.api.nvim_buf_set_extmark(sink.buf, ns, row, 0, { virt_text = { { ' ' .. text, 'Comment' } } })
    end
  end
  if has_progress then
    progress(job, 'running', text)
  end
  vim.cmd.redrawstatus()
end

---Shows how a job has ended.
---@param job career.Job
---@param status 'done'|'cancelled'|'failed'
---@param last table
function M.ended(job, status, last)
  local line
  if status == 'done' then
    line = M.cost(last.stats)
  elseif status == 'cancelled' then
    line = 'stopped, incomplete'
  else
    line = 'failed, incomplete'
  end
  if job.title then
    window.title(job.target, job.title .. ' · ' .. line)
  elseif vim.api.nvim_buf_is_loaded(job.buf) then
    vim.api.nvim_buf_clear_namespace(job.buf, ns, 0, -1)
  end
  if has_progress then
    progress(job, ({ done = 'success', cancelled = 'cancel', failed = 'failed' })[status], line)
  elseif status ~= 'failed' then
    vim.api.nvim_echo({ { fit('career: ' .. line) } }, true, {})
  end
  vim.cmd.redrawstatus()
end

return M
