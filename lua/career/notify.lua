-- The one place that tells the user something.

local M = {}

---@param text string
---@param level integer vim.log.levels
local function show(text, level)
  vim.schedule(function()
    vim.notify('career.nvim: ' .. text, level, { title = 'career.nvim' })
  end)
end

---@param text string one sentence and one thing to try
function M.error(text)
  show(text, vim.log.levels.ERROR)
end

---@param text string
function M.warn(text)
  show(text, vim.log.levels.WARN)
end

---@param text string
function M.info(text)
  show(text, vim.log.levels.INFO)
end

return M
