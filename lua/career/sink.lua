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
  self.first = set(self.buf, ns, row, col, { id = self.first, right_gravity = true })
  self.stop = set(self.buf, ns, stop_row, stop_col, { id = self.stop, right_gravity = false })
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

---Runs an edit of ours as an undo step of its own, or as part of our last one
---when the buffer has not been changed since.
---@param edit fun()
---@return boolean undone the user has taken back what we wrote: nothing was done
function Sink:edit(edit)
  local buf = self.buf
  local undone = false
  vim.api.nvim_buf_call(buf, function()
    local ledger = ledgers[buf]
    local join = ledger and vim.api.nvim_buf_get_changedtick(buf) == ledger.tick
    if not join then
      undo.close(buf)
      local seq = vim.fn.changenr()
      ledger = ledger or { base = seq, own = {}, last = seq, sinks = {}, open = 0, tick = 0 }
      ledgers[buf] = ledger
      if seq < ledger.last then
        undone = true
        return
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
  end)
  return undone
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
  local row, col, stop_row, stop_col = self:range()
  if self.begun and row == stop_row and col == stop_col then
    return 'The text was taken out of the buffer, so the job was stopped.'
  end
  if not self.begun then
    row, col = self:anchor()
    stop_row, stop_col = row, col
    text = (self.below and '\n\n' or '') .. text
  end
  local lines = vim.split(text, '\n', { plain = true })
  local undone = self:edit(function()
    vim.api.nvim_buf_set_text(self.buf, stop_row, stop_col, stop_row, stop_col, lines)
    self:place(row, col, stop_row + #lines - 1, (#lines == 1 and stop_col or 0) + #lines[#lines])
    self.begun = true
  end)
  if undone then
    self.dropped = true
    return 'The text was undone, so the job was stopped.'
  end
end

---Takes all text back; more may be written.
function Sink:retract()
  if not self.begun or self:obstacle() then
    return
  end
  local row, col, stop_row, stop_col = self:range()
  self:edit(function()
    vim.api.nvim_buf_set_text(self.buf, row, col, stop_row, stop_col, {})
    self.begun = false
    vim.api.nvim_buf_del_extmark(self.buf, ns, self.first)
    self.first = nil
    self.stop = vim.api.nvim_buf_set_extmark(self.buf, ns, row, col, { id = self.stop, right_gravity = true })
  end)
end

---Text that stands below the range keeps a blank line from what follows it.
function Sink:part_from_below()
  local _, _, row, col = self:range()
  local lines = vim.api.nvim_buf_get_lines(self.buf, row, row + 2, false)
  if #lines == 2 and col == #lines[1] and lines[2] ~= '' then
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
  pcall(vim.api.nvim_buf_del_extmark, self.buf, ns, self.stop)
  if self.first then
    pcall(vim.api.nvim_buf_del_extmark, self.buf, ns, self.first)
  end
end

return Sink
