if vim.g.loaded_career then
  return
end
vim.g.loaded_career = true

local function command(name, desc, opts, run)
  opts.desc = 'career.nvim: ' .. desc
  local what = opts.complete
  if what then
    opts.complete = function(lead)
      return require('career').complete(what, lead)
    end
  end
  vim.api.nvim_create_user_command(name, run, opts)
end

command('CareerSummarize', 'summarize the range in a window, with ! below it', {
  nargs = '?',
  range = '%',
  bang = true,
  complete = 'styles',
}, function(args)
  require('career').summarize({
    style = args.fargs[1],
    line1 = args.line1,
    line2 = args.line2,
    range = args.range,
    below = args.bang,
  })
end)

command('CareerStop', 'stop the jobs of this buffer, with ! all', { bang = true }, function(args)
  require('career').stop({ all = args.bang })
end)

command('CareerModel', 'choose the model', { nargs = '?', complete = 'models' }, function(args)
  require('career').model({ name = args.fargs[1] })
end)

local function operator(name, desc, run)
  local lhs = '<Plug>(' .. name .. ')'
  vim.keymap.set({ 'n', 'x' }, lhs, function()
    return require('career').operator(run)
  end, { expr = true, desc = 'career.nvim: ' .. desc })
  -- Twice in a row: the line, as dd does.
  vim.keymap.set('o', lhs, 'g@', { desc = 'career.nvim: ' .. desc .. ' (the line)' })
end

operator('CareerSummarize', 'summarize what a motion covers', function(region)
  require('career').summarize({ region = region })
end)

vim.keymap.set('n', '<Plug>(CareerStop)', '<Cmd>CareerStop<CR>', { desc = 'career.nvim: stop the jobs of this buffer' })
vim.keymap.set('n', '<Plug>(CareerModel)', '<Cmd>CareerModel<CR>', { desc = 'career.nvim: choose the model' })
