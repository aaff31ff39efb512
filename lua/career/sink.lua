-- A place in a buffer that text flows into while the user goes on working. Rules:
-- - The place is a pair of extmarks, never a line number. What the user types at
--   either edge stays outside, what is typed inside stays where it was typed.
-- - Our text and the user's never share an undo step: each write is closed off,
--   and joined with our last one only when nothing was changed in between.
-- - When the last job of a buffer has ended, its undo history is put in order
--   (undo.lua), so that one u takes back all that a job inserted.

local undo = require('career.undo')

local ns = vim.api.nvim_create_namespace('career.sink')

---@class career.Sink
---@field buf integer
---@field below boolean the text stands on lines of its own, below the place
---@field begun boolean text was written
---@field dropped boolean its text does not stay
---@field private first integer? extmark where the text begins
---@field private stop integer extmark where it ends and more is put
---@field private next integer? extmark at the start of the line after it
local Sink = {}
Sink.__index = Sink

---What is known of our changes to one buffer while jobs write into it.
---@class career.Ledger
---@field base integer undo sequence number before the first of our changes
---@field own table<integer, true> sequence numbers of our changes
---@field last integer the last of them
---@field tick integer changedtick that our last change left
---@field sinks career.Sink[] in the order in which they were made
---@field open integer how many of them still receive text
---@field typing boolean our last change fell into an insert of the user's that goes on
---@field goes_on table<integer, true> steps of the user's that go on with the one before
---@field watch integer the autocommand that sees Insert mode end

local ledgers = {} ---@type table<integer, career.Ledger>

---@param buf integer
---@param row integer from 0
---@param col integer in bytes
---@param below? boolean
---@return career.Sink
function Sink.new(buf, row, col, below)
  local self = setmetatable({ buf = buf, below = below or false, begun = false, dropped = false }, Sink)
  -- Until it has text, a place at the end of a line stays at its end.
  self.stop = vim.api.nvim_buf_set_extmark(buf, ns, row, col, { right_gravity = true })
  return self
end

local function position(buf, mark)
  local at = vim.api.nvim_buf_get_extmark_by_id(buf, ns, mark, {})
  return at[1], at[2]
end

---Where the text stands: rows from 0, columns in bytes, the end exclusive.
---@return integer first_row
---@return integer first_col
---@return integer stop_row
---@return integer stop_col
function Sink:range()
  local stop_row, stop_col = position(self.buf, self.stop)
  if not self.first then
    return stop_row, stop_col, stop_row, stop_col
  end
  local last = vim.api.nvim_buf_line_count(self.buf) - 1
  local glued = self.next and stop_col == 0 and position(self.buf, self.next) == stop_row
  if stop_row > last or glued and stop_row > 0 then
    -- Its last line was deleted: the end is that of the line before.
    stop_row = math.min(stop_row - 1, last)
    stop_col = #vim.api.nvim_buf_get_lines(self.buf, stop_row, stop_row + 1, true)[1]
  end
  local row, col = position(self.buf, self.first)
  if row > stop_row or row == stop_row and col > stop_col then
    row, col = stop_row, stop_col
  end
  return row, col, stop_row, stop_col
end

---@param row integer
---@param col integer
---@param stop_row integer
---@param stop_col integer
function Sink:place(row, col, stop_row, stop_col)
  local set = vim.api.nvim_buf_set_extmark
  if not self.first then
    vim.api.nvim_buf_del_extmark(self.buf, ns, self.stop) -- a mark keeps its gravity
    self.stop = nil
  end
  self.first = set(self.buf, ns, row, col, { id = self.first, right_gravity = true })
  self.stop = set(self.buf, ns, stop_row, stop_col, { id = self.stop, right_gravity = false })
  if self.next then
    vim.api.nvim_buf_del_extmark(self.buf, ns, self.next)
    self.next = nil
  end
  if stop_row + 1 < vim.api.nvim_buf_line_count(self.buf) then
    self.next = set(self.buf, ns, stop_row + 1, 0, { right_gravity = true })
  end
end

---Why nothing can be written any more, in the user's words.
---@return string?
function Sink:obstacle()
  if not vim.api.nvim_buf_is_loaded(self.buf) then
    return 'The buffer that the text was written to is gone. Run the command again where you want it.'
  end
  if not vim.bo[self.buf].modifiable then
    return "The buffer was made unmodifiable; the text so far is kept. Set 'modifiable' and run the command again."
  end
end

---@param buf integer
---@return career.Ledger
local function open_ledger(buf)
  local seq = vim.fn.changenr()
  local ledger = { base = seq, own = {}, last = seq, sinks = {}, open = 0, tick = 0, typing = false, goes_on = {} }
  ledger.watch = vim.api.nvim_create_autocmd('InsertLeave', {
    buffer = buf,
    callback = function()
      if ledger.typing and vim.fn.changenr() > ledger.last then
        ledger.goes_on[ledger.last + 1] = true
      end
      ledger.typing = false
    end,
  })
  ledgers[buf] = ledger
  return ledger
end

---Runs an edit of ours as an undo step of its own, or as part of our last one
---when the buffer has not been changed since.
---@param edit fun()
---@return string? problem why nothing was done
function Sink:edit(edit)
  local buf = self.buf
  return vim.api.nvim_buf_call(buf, function()
    local ledger = ledgers[buf]
    local join = ledger and vim.api.nvim_buf_get_changedtick(buf) == ledger.tick
    if not join then
      undo.close(buf)
      ledger = ledger or open_ledger(buf)
      local seq = vim.fn.changenr()
      if seq < ledger.last then
        self.dropped = true
        return 'The text was undone, so the job was stopped.'
      end
      if self:emptied() then
        return 'The text was taken out of the buffer, so the job was stopped.'
      end
      if ledger.typing and seq > ledger.last then
        ledger.goes_on[ledger.last + 1] = true
      end
      -- Saving counts up the tick as well.
      join = next(ledger.own) ~= nil and seq == ledger.last
    end
    if not vim.list_contains(ledger.sinks, self) then
      table.insert(ledger.sinks, self)
      ledger.open = ledger.open + 1
    end
    if join then
      -- Refused when something was undone: then it is a step of its own.
      pcall(vim.cmd.undojoin)
    end
    edit()
    undo.close(buf)
    ledger.last = vim.fn.changenr()
    ledger.own[ledger.last] = true
    ledger.tick = vim.api.nvim_buf_get_changedtick(buf)
    ledger.typing = vim.api.nvim_get_mode().mode:sub(1, 1) == 'i'
  end)
end

---Whether the user has deleted what was written.
---@return boolean
function Sink:emptied()
  if not self.begun then
    return false
  end
  local row, col, stop_row, stop_col = self:range()
  local text = vim.api.nvim_buf_get_text(self.buf, row, col, stop_row, stop_col, {})
  return not table.concat(text, ' '):find('%S')
end

---The place of the first text, once the user may have edited around it.
---@return integer row
---@return integer col
function Sink:anchor()
  local row, col = position(self.buf, self.stop)
  if not self.below then
    return row, col
  end
  local line = vim.api.nvim_buf_get_lines(self.buf, row, row + 1, true)[1]
  if col == 0 and line ~= '' and row > 0 then
    -- Its line was deleted: the text goes below the one before.
    row = row - 1
    line = vim.api.nvim_buf_get_lines(self.buf, row, row + 1, true)[1]
  end
  return row, #line
end

---Appends text.
---@param text string lines separated by "\n"
---@return string? problem why no more can be written, one sentence and one thing to try
function Sink:write(text)
  local problem = self:obstacle()
  if problem then
    return problem
  end
  return self:edit(function()
    local row, col, stop_row, stop_col = self:range()
    if not self.begun then
      row, col = self:anchor()
      stop_row, stop_col = row, col
      text = (self.below and '\n\n' or '') .. text
    end
    local lines = vim.split(text, '\n', { plain = true })
    vim.api.nvim_buf_set_text(self.buf, stop_row, stop_col, stop_row, stop_col, lines)
    self:place(row, col, stop_row + #lines - 1, (#lines == 1 and stop_col or 0) + #lines[#lines])
    self.begun = true
  end)
end

---Takes all text back; more may be written.
function Sink:retract()
  if not self.begun or self:obstacle() then
    return
  end
  self:edit(function()
    local row, col, stop_row, stop_col = self:range()
    vim.api.nvim_buf_set_text(self.buf, row, col, stop_row, stop_col, {})
    self.begun = false
    self:forget()
    self.first, self.next = nil, nil
    self.stop = vim.api.nvim_buf_set_extmark(self.buf, ns, row, col, { right_gravity = true })
  end)
end

---Text that stands below the range keeps a blank line from what follows it.
function Sink:part_from_below()
  local _, _, row, col = self:range()
  local lines = vim.api.nvim_buf_get_lines(self.buf, row, row + 2, false)
  if #lines == 2 and lines[1] ~= '' and col == #lines[1] and lines[2] ~= '' then
    self:write('\n')
  end
end

---Says that no more text comes. Must be called once.
function Sink:close()
  if not vim.api.nvim_buf_is_loaded(self.buf) then
    ledgers[self.buf] = nil
    return
  end
  if self.begun and self.below and not self.dropped and not self:obstacle() then
    self:part_from_below()
  end
  local ledger = ledgers[self.buf]
  if ledger and vim.list_contains(ledger.sinks, self) then
    ledger.open = ledger.open - 1
    if ledger.open == 0 then
      ledgers[self.buf] = nil
      undo.settle(self.buf, ledger)
      return
    end
  else
    self:forget()
  end
end

---Takes the marks away.
function Sink:forget()
  for _, mark in ipairs({ self.stop, self.first or 0, self.next or 0 }) do
    pcall(vim.api.nvim_buf_del_extmark, self.buf, ns, mark)
  end
end

return Sink
