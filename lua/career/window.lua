-- The window that a result opens in: an ordinary Markdown scratch buffer. The
-- user's own windows keep their cursors and their views.

local M = {}

---Runs something that may change the layout, and puts back the views of the
---windows that were there before.
local function keeping_views(fn)
  local views = {}
  for _, win in ipairs(vim.api.nvim_tabpage_list_wins(0)) do
    views[win] = vim.api.nvim_win_call(win, vim.fn.winsaveview)
  end
  local result = fn()
  for win, view in pairs(views) do
    if vim.api.nvim_win_is_valid(win) then
      vim.api.nvim_win_call(win, function()
        vim.fn.winrestview(view)
      end)
    end
  end
  return result
end

---A window in this tab page that shows a result whose job has ended.
local function reusable(source)
  for _, win in ipairs(vim.api.nvim_tabpage_list_wins(0)) do
    local buf = vim.api.nvim_win_get_buf(win)
    if vim.b[buf].career_source == source and not vim.b[buf].career_running then
      return win
    end
  end
end

---Closes the window; the last one of all shows another buffer instead.
local function close()
  if not pcall(vim.api.nvim_win_close, 0, false) then
    vim.cmd.enew()
  end
end

local function open_window(buf, where)
  if where == 'tab' then
    vim.cmd.tabnew()
    local scratch = vim.api.nvim_get_current_buf()
    vim.api.nvim_win_set_buf(0, buf)
    pcall(vim.api.nvim_buf_delete, scratch, {})
    return vim.api.nvim_get_current_win()
  end
  if where == 'float' then
    local width, height = math.floor(vim.o.columns * 0.7), math.floor(vim.o.lines * 0.7)
    return vim.api.nvim_open_win(buf, true, {
      relative = 'editor',
      width = width,
      height = height,
      col = math.floor((vim.o.columns - width) / 2),
      row = math.floor((vim.o.lines - height) / 2) - 1,
      border = 'rounded',
    })
  end
  return vim.api.nvim_open_win(buf, false, { split = where == 'vertical' and 'right' or 'below', win = 0 })
end

---@param source integer the buffer that the result is about
---@param title string what stands in the list of buffers
---@param where 'vertical'|'horizontal'|'float'|'tab'
---@return integer buf
function M.open(source, title, where)
  local buf = vim.api.nvim_create_buf(false, true)
  pcall(vim.api.nvim_buf_set_name, buf, ('career://%d/%s'):format(buf, title))
  vim.bo[buf].bufhidden = 'hide'
  vim.bo[buf].swapfile = false
  vim.b[buf].career_source = source
  vim.b[buf].career_running = true
  vim.keymap.set('n', 'q', close, { buffer = buf, desc = 'close the result' })
  local old = reusable(source)
  local win = keeping_views(function()
    if old then
      vim.api.nvim_win_set_buf(old, buf)
      return old
    end
    return open_window(buf, where)
  end)
  vim.bo[buf].filetype = 'markdown'
  for name, value in pairs({ wrap = true, linebreak = true, number = false, relativenumber = false, signcolumn = 'no' }) do
    vim.api.nvim_set_option_value(name, value, { scope = 'local', win = win })
  end
  return buf
end

---Writes the line above the result, wherever it is shown.
---@param buf integer
---@param text string
function M.title(buf, text)
  text = ' ' .. text:gsub('%%', '%%%%')
  for _, win in ipairs(vim.fn.win_findbuf(buf)) do
    if vim.wo[win].winbar ~= text then
      vim.api.nvim_set_option_value('winbar', text, { scope = 'local', win = win })
    end
  end
end

---Takes a result away that never got any text.
---@param buf integer
function M.discard(buf)
  if vim.api.nvim_buf_is_valid(buf) then
    keeping_views(function()
      pcall(vim.api.nvim_buf_delete, buf, { force = true })
    end)
  end
end

return M
