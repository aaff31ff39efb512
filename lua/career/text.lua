-- The text that a command works on: a range of lines, or exactly what is selected.

local M = {}

---@class career.Range
---@field text string
---@field line1 integer first line, from 1
---@field line2 integer last line

---Whether a command's range is the selection it was given from Visual mode.
local function is_selection(buf, args)
  local first, last = vim.api.nvim_buf_get_mark(buf, '<'), vim.api.nvim_buf_get_mark(buf, '>')
  return args.range == 2
    and first[1] == args.line1
    and last[1] == args.line2
    and buf == vim.api.nvim_get_current_buf()
    and vim.fn.visualmode() ~= 'V'
    and vim.fn.visualmode() ~= ''
end

---@param lines string[]
---@return string
local function joined(lines)
  for _, line in ipairs(lines) do
    if line:find('\n', 1, true) then -- Neovim's way to write a NUL byte
      return table.concat(lines, '\0')
    end
  end
  return table.concat(lines, '\n')
end

---@param buf integer
---@param args { line1?: integer, line2?: integer, range?: integer, region?: table } as nvim_create_user_command gives them; a region is { first, last, type } for getregion()
---@return career.Range
function M.range(buf, args)
  local region = args.region
  if not region and is_selection(buf, args) then
    region = { vim.fn.getpos("'<"), vim.fn.getpos("'>"), vim.fn.visualmode() }
  end
  if region then
    local lines = vim.fn.getregion(region[1], region[2], { type = region[3] })
    return { text = joined(lines), line1 = region[1][2], line2 = region[2][2] }
  end
  local last = vim.api.nvim_buf_line_count(buf)
  local line1, line2 = args.line1 or 1, math.min(args.line2 or last, last)
  local lines = vim.api.nvim_buf_get_lines(buf, line1 - 1, line2, false)
  return { text = joined(lines) .. '\n', line1 = line1, line2 = line2 }
end

return M
