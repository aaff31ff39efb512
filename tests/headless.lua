-- Runs the plugin without a screen, for demo and try:
--   nvim --headless --clean -n -l tests/headless.lua models
--   … summary FILE      prints a summary, then what it cost
--   … report FILE...    prints a line for each file
-- Exits with 1 when something failed.

vim.opt.runtimepath:prepend(vim.env.CAREER_ROOT)
vim.cmd.runtime('plugin/career.lua')
vim.cmd('filetype on')
vim.o.undofile = false

-- What a person would read: the last message. Progress needs a screen.
local said = ''
vim.notify = function(text)
  said = text:gsub('^career%.nvim: ', '')
end
vim.api.nvim_echo = function() end

local function fail(text)
  io.stderr:write(text, '\n')
  os.exit(1)
end

---@return string 3412 as "3,412"
local function thousands(n)
  return (('%d'):format(n):reverse():gsub('(%d%d%d)', '%1,'):reverse():gsub('^,', ''))
end

---Runs :CareerSummarize on a file as a person would, and waits for its end.
---@param file string
---@return table event the data of User CareerFinished; its error is what was said
local function summarize(file)
  vim.cmd.view(vim.fn.fnameescape(file))
  local ended
  vim.api.nvim_create_autocmd('User', {
    pattern = 'CareerFinished',
    once = true,
    callback = function(ev)
      ended = ev.data
    end,
  })
  said = ''
  vim.cmd('CareerSummarize')
  vim.wait(24 * 3600 * 1000, function()
    return ended ~= nil or said ~= ''
  end, 20)
  -- The event comes before the message, which is scheduled.
  vim.wait(50, function()
    return said ~= ''
  end, 5)
  return ended or { status = 'failed', error = said, stats = {} }
end

local run = {}

function run.models()
  local career = require('career')
  local config, problem = require('career.config').get()
  local models
  if config then
    models, problem = career.await('models', require('career.config').settings(config, ''), 15000)
  end
  if not models then
    fail(problem)
  end
  for _, model in ipairs(models) do
    io.stdout:write(model.name, '\n')
  end
end

function run.summary(files)
  local ended = summarize(files[1])
  if ended.status ~= 'done' then
    fail(ended.error or ended.status)
  end
  local text = vim.api.nvim_buf_get_lines(ended.target, 0, -1, true)
  io.stdout:write(table.concat(text, '\n'), '\n\n', require('career.status').cost(ended.stats), '\n')
end

local function count(n, what)
  return ('%s %s%s'):format(thousands(n), what, n == 1 and '' or 's')
end

function run.report(files)
  local done = 0
  for _, file in ipairs(files) do
    local started = vim.uv.hrtime()
    local ended = summarize(file)
    local s = ended.stats
    local seconds = (vim.uv.hrtime() - started) / 1e9
    io.stdout:write(('%s: %s, '):format(vim.fs.basename(file), count(vim.uv.fs_stat(file).size, 'byte')))
    if (s.requests or 0) > 0 then
      io.stdout:write(
        ('%s read of %s in %s, '):format(
          count(s.prompt_tokens, 'token'),
          count(s.parts, 'part'),
          count(s.requests, 'request')
        )
      )
    end
    io.stdout:write(('%s after %.1f s%s\n'):format(ended.status, seconds, ended.error and ': ' .. ended.error or ''))
    io.stdout:flush()
    done = done + (ended.status == 'done' and 1 or 0)
    vim.cmd('silent! only! | silent! %bwipeout!')
  end
  io.stdout:write(('%s: %d done, %d failed\n'):format(count(#files, 'note'), done, #files - done))
  if done < #files then
    os.exit(1)
  end
end

run[arg[1]](vim.list_slice(arg, 2))
