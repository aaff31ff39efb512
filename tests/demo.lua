-- What the demo does once Neovim is up: the summary of the note it was opened on.

local function title(text)
  vim.wo.winbar = ' ' .. text:gsub('%%', '%%%%')
end

vim.cmd.helptags(vim.fn.fnameescape(vim.env.CAREER_ROOT .. '/doc'))
vim.api.nvim_create_autocmd('VimEnter', {
  once = true,
  callback = vim.schedule_wrap(function()
    title('demo · :help career · :qa ends it' .. vim.env.CAREER_REMARK)
    vim.cmd('CareerSummarize')
  end),
})
