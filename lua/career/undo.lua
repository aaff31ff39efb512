-- A buffer's undo history after jobs have written into it while the user typed.
-- Steps of both stand mixed then: one u would take back half a job's text. So the
-- history is written anew: back to the state before the first of our changes,
-- then the user's steps one by one, then each job's text as one step. The old
-- steps stay as another branch of the undo tree. The text is the same before and
-- after, or nothing is done.

local M = {}

---Closes the current undo step, so that the next change begins another. (Setting
---'undolevels', even to the value it has, does that; see :help undo-break.)
---@param buf integer
function M.close(buf)
  vim.bo[buf].undolevels = vim.bo[buf].undolevels
end

local function all_lines(buf)
  return vim.api.nvim_buf_get_lines(buf, 0, -1, true)
end

---The lines without what stands in the ranges.
---@param lines string[]
---@param ranges integer[][] from top to bottom, rows from 0, as Sink.range gives them
---@return string[]
local function without(lines, ranges)
  local out = {}
  local row, col = 0, 0 -- what was taken so far
  local head = '' -- of the line that the last range ended in
  local function take(stop_row, stop_col)
    if stop_row == row then
      head = head .. lines[row + 1]:sub(col + 1, stop_col)
      return
    end
    out[#out + 1] = head .. lines[row + 1]:sub(col + 1)
    for i = row + 2, stop_row do
      out[#out + 1] = lines[i]
    end
    head = lines[stop_row + 1]:sub(1, stop_col)
  end
  for _, r in ipairs(ranges) do
    take(r[1], r[2])
    row, col = r[3], r[4]
  end
  take(#lines - 1, #lines[#lines])
  out[#out + 1] = head
  return out
end

---The one stretch of lines in which two texts differ.
---@param old string[]
---@param new string[]
---@return { at: integer, count: integer, lines: string[] }? nil when they are the same
local function difference(old, new)
  local head, least = 0, math.min(#old, #new)
  while head < least and old[head + 1] == new[head + 1] do
    head = head + 1
  end
  local tail = 0
  while tail < least - head and old[#old - tail] == new[#new - tail] do
    tail = tail + 1
  end
  if head == #old and head == #new then
    return nil
  end
  return { at = head, count = #old - head - tail, lines = vim.list_slice(new, head + 1, #new - tail) }
end

---Applies a difference, changing no more characters than it must.
local function apply(buf, d)
  if d.count == 0 or #d.lines == 0 then
    vim.api.nvim_buf_set_lines(buf, d.at, d.at + d.count, true, d.lines)
    return
  end
  local old = vim.api.nvim_buf_get_lines(buf, d.at, d.at + d.count, true)
  local new = vim.deepcopy(d.lines)
  local a, b = old[1], new[1]
  local most = math.min(#a, #b)
  local head = 0
  while head < most and a:byte(head + 1) == b:byte(head + 1) do
    head = head + 1
  end
  local x, y = old[#old], new[#new]
  most = math.min(#x - (#old == 1 and head or 0), #y - (#new == 1 and head or 0))
  local tail = 0
  while tail < most and x:byte(#x - tail) == y:byte(#y - tail) do
    tail = tail + 1
  end
  new[#new] = y:sub(1, #y - tail)
  new[1] = new[1]:sub(head + 1)
  vim.api.nvim_buf_set_text(buf, d.at, head, d.at + d.count - 1, #x - tail, new)
end

---The steps that lead from base to the present, the last first.
local function steps(buf, base)
  local tree = vim.fn.undotree(buf)
  local all = {}
  for _, entry in ipairs(tree.entries) do
    if entry.seq > base and entry.seq <= tree.seq_cur then
      table.insert(all, 1, entry.seq)
    end
  end
  return all
end

---@param sinks career.Sink[]
---@return integer[][] from top to bottom
local function ranges_of(sinks)
  local all = {}
  for _, sink in ipairs(sinks) do
    table.insert(all, { sink:range() })
  end
  table.sort(all, function(a, b)
    if a[1] ~= b[1] then
      return a[1] < b[1]
    end
    return a[2] < b[2]
  end)
  return all
end

---The user's steps without our text, in order, found by going back to base.
local function collect(buf, ledger, path)
  local changes = {}
  local now = without(all_lines(buf), ranges_of(ledger.sinks))
  for i, seq in ipairs(path) do
    vim.cmd.undo({ count = path[i + 1] or ledger.base, mods = { silent = true } })
    if not ledger.own[seq] and not ledger.goes_on[seq] then
      local before = without(all_lines(buf), ranges_of(ledger.sinks))
      local change = difference(before, now)
      if change then
        table.insert(changes, 1, change)
      end
      now = before
    end
  end
  return changes
end

---@param buf integer
---@param ledger career.Ledger
local function rewrite(buf, ledger)
  local path = steps(buf, ledger.base)
  local present = vim.fn.changenr()
  local kept, gone = {}, {}
  for _, sink in ipairs(ledger.sinks) do
    table.insert(sink.dropped and gone or kept, sink)
  end
  local want = without(all_lines(buf), ranges_of(gone))
  local texts = {}
  for _, r in ipairs(ranges_of(ledger.sinks)) do
    table.insert(texts, { r[1], r[2], vim.api.nvim_buf_get_text(buf, r[1], r[2], r[3], r[4], {}) })
  end
  local changes = collect(buf, ledger, path)
  for _, change in ipairs(changes) do
    apply(buf, change)
    M.close(buf)
  end
  if #gone == 0 then
    for _, t in ipairs(texts) do
      vim.api.nvim_buf_set_text(buf, t[1], t[2], t[1], t[2], t[3])
      M.close(buf)
    end
  end
  if not vim.deep_equal(all_lines(buf), want) then
    vim.cmd.undo({ count = present, mods = { silent = true } })
  end
end

local letters = vim.split('abcdefghijklmnopqrstuvwxyz[]', '')

---Runs something that moves through the history, and puts back what that
---disturbs: cursors, views, marks, and whether the buffer counts as modified.
local function undisturbed(buf, fn)
  local views, marks = {}, {}
  for _, win in ipairs(vim.fn.win_findbuf(buf)) do
    views[win] = vim.api.nvim_win_call(win, vim.fn.winsaveview)
  end
  for _, letter in ipairs(letters) do
    marks[letter] = vim.api.nvim_buf_get_mark(buf, letter)
  end
  local modified, ignored = vim.bo[buf].modified, vim.o.eventignore
  vim.o.eventignore = 'all'
  local ok, err = pcall(vim.api.nvim_buf_call, buf, fn)
  vim.o.eventignore = ignored
  vim.bo[buf].modified = modified
  for letter, at in pairs(marks) do
    pcall(vim.api.nvim_buf_set_mark, buf, letter, at[1], at[2], {})
  end
  for win, view in pairs(views) do
    vim.api.nvim_win_call(win, function()
      vim.fn.winrestview(view)
    end)
  end
  if not ok then
    error(err, 0)
  end
end

---Puts the history in order once nothing more is written: at once in Normal
---mode, else when the user comes back to it.
---@param buf integer
---@param ledger career.Ledger
function M.settle(buf, ledger)
  local function done()
    pcall(vim.api.nvim_del_autocmd, ledger.watch) -- it goes with its buffer
    for _, sink in ipairs(ledger.sinks) do
      sink:forget()
    end
  end
  if not vim.api.nvim_buf_is_loaded(buf) or not vim.bo[buf].modifiable then
    return done()
  end
  if vim.api.nvim_get_mode().mode ~= 'n' then
    vim.api.nvim_create_autocmd('ModeChanged', {
      pattern = '*:n',
      once = true,
      callback = vim.schedule_wrap(function()
        M.settle(buf, ledger)
      end),
    })
    return
  end
  local seq = vim.api.nvim_buf_call(buf, vim.fn.changenr)
  local dropped = vim.iter(ledger.sinks):any(function(sink)
    return sink.dropped
  end)
  local whole = #ledger.sinks == 1 and vim.tbl_count(ledger.own) == 1 and seq == ledger.last
  if not whole and seq >= ledger.base and (dropped or seq > ledger.base) then
    undisturbed(buf, function()
      rewrite(buf, ledger)
    end)
  end
  done()
end

return M
