-- Runs the *_spec.lua files beside it in a real Neovim:
--   nvim --headless --clean --cmd 'set rtp^=.' -S tests/lua/run.lua [-- spec ...]
-- A spec returns a table of name = function; a function that raises an error has
-- failed. Exits with 1 when one failed, or when nothing ran.

local here = vim.fs.dirname(debug.getinfo(1, 'S').source:sub(2))
local passed, failed = 0, 0

local function say(text)
  io.stdout:write(text .. '\n')
end

-- Buffers, windows and options are as new for each test.
local function fresh()
  vim.cmd('silent! %bwipeout!')
  vim.cmd('silent! only!')
  vim.g.career = nil
end

local T = {}

function T.equal(got, want, what)
  if not vim.deep_equal(got, want) then
    error(('%sgot %s, want %s'):format(what and what .. ': ' or '', vim.inspect(got), vim.inspect(want)), 2)
  end
end

function T.lines(want, what)
  T.equal(vim.api.nvim_buf_get_lines(0, 0, -1, true), want, what)
end

function T.match(got, pattern)
  if not tostring(got):find(pattern) then
    error(('%s does not match %s'):format(vim.inspect(got), pattern), 2)
  end
end

---Types keys as a user would, and lets them take effect.
function T.keys(keys)
  vim.api.nvim_feedkeys(vim.keycode(keys), 'tx', false)
end

---Waits until a condition holds.
function T.wait(what, condition)
  if not vim.wait(5000, condition, 5) then
    error('waited in vain until ' .. what, 2)
  end
end

---@param texts string[]
---@return integer buf
function T.buffer(texts)
  local buf = vim.api.nvim_create_buf(true, false)
  vim.api.nvim_set_current_buf(buf)
  vim.bo[buf].undolevels = -1
  vim.api.nvim_buf_set_lines(buf, 0, -1, true, texts)
  vim.bo[buf].undolevels = vim.go.undolevels
  vim.bo[buf].modified = false
  return buf
end

local function run(file)
  local names = {}
  local spec = assert(loadfile(file))(T)
  for name in vim.spairs(spec) do
    table.insert(names, name)
  end
  for _, name in ipairs(names) do
    fresh()
    local ok, err = xpcall(spec[name], debug.traceback)
    passed, failed = passed + (ok and 1 or 0), failed + (ok and 0 or 1)
    if not ok then
      say(('\nFAIL %s: %s\n%s'):format(vim.fs.basename(file), name, err))
    end
  end
end

vim.opt.swapfile = false
vim.opt.shadafile = 'NONE'
local wanted = vim.v.argv[#vim.v.argv]:match('([%w_]+)_spec$')
for _, file in ipairs(vim.fn.sort(vim.fn.glob(here .. '/*_spec.lua', true, true))) do
  if not wanted or file:find('/' .. wanted .. '_spec', 1, true) then
    local ok, err = xpcall(run, debug.traceback, file)
    if not ok then
      failed = failed + 1
      say(('FAIL %s: %s'):format(file, err))
    end
  end
end
say(('\nNeovim %s: %d passed, %d failed'):format(tostring(vim.version()), passed, failed))
vim.cmd((failed > 0 or passed == 0) and 'cquit!' or 'qall!')
