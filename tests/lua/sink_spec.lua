local T = ...
local Sink = require('career.sink')

local tests = {}

local function below(buf, row)
  local line = vim.api.nvim_buf_get_lines(buf, row, row + 1, true)[1]
  return Sink.new(buf, row, #line, true)
end

tests['text stands below its line, with a blank line on both sides'] = function()
  local buf = T.buffer({ 'one', 'two' })
  local sink = below(buf, 0)
  T.equal(sink:write('- a'), nil)
  T.equal(sink:write('\n- b'), nil)
  T.lines({ 'one', '', '- a', '- b', 'two' })
  sink:close()
  T.lines({ 'one', '', '- a', '- b', '', 'two' })
end

tests['no line is added where nothing or a blank line follows'] = function()
  local buf = T.buffer({ 'one', '', 'two' })
  local sink = below(buf, 0)
  sink:write('a')
  sink:close()
  T.lines({ 'one', '', 'a', '', 'two' })
  sink = below(buf, 4)
  sink:write('b')
  sink:close()
  T.lines({ 'one', '', 'a', '', 'two', '', 'b' })
end

tests['one u takes back all that was written, untouched'] = function()
  local buf = T.buffer({ 'one', 'two' })
  local sink = below(buf, 0)
  for i = 1, 20 do
    sink:write(('%d\n'):format(i))
  end
  sink:close()
  T.keys('u')
  T.lines({ 'one', 'two' })
  T.equal(vim.bo.modified, false)
  T.keys('<C-r>')
  T.equal(vim.api.nvim_buf_line_count(0), 24)
end

tests['one u takes it back when the user typed above and below meanwhile, whose steps stay'] = function()
  local buf = T.buffer({ 'one', 'two', 'three' })
  local sink = below(buf, 1)
  sink:write('a')
  T.keys('ggOabove<Esc>')
  sink:write('b\n')
  T.keys('Gobelow<Esc>')
  sink:write('c')
  T.keys('gg0xx')
  sink:write('d')
  sink:close()
  T.lines({ 'ove', 'one', 'two', '', 'ab', 'cd', '', 'three', 'below' })
  T.keys('u')
  T.lines({ 'ove', 'one', 'two', 'three', 'below' })
  T.keys('u')
  T.lines({ 'bove', 'one', 'two', 'three', 'below' })
  T.keys('u')
  T.lines({ 'above', 'one', 'two', 'three', 'below' })
  T.keys('u')
  T.lines({ 'above', 'one', 'two', 'three' })
  T.keys('u')
  T.lines({ 'one', 'two', 'three' })
  T.keys('4<C-r>')
  T.lines({ 'ove', 'one', 'two', 'three', 'below' })
  T.keys('<C-r>')
  T.lines({ 'ove', 'one', 'two', '', 'ab', 'cd', '', 'three', 'below' })
end

tests['what is typed at the edges stays outside, what is typed inside stays where it is'] = function()
  local buf = T.buffer({ 'one' })
  local sink = below(buf, 0)
  sink:write('abc')
  T.keys('G0lix<Esc>')
  T.keys('GA!<Esc>')
  sink:write('def')
  sink:close()
  T.lines({ 'one', '', 'axbcdef!' })
  T.keys('u')
  T.lines({ 'one!' })
  T.keys('u')
  T.lines({ 'one' })
end

tests['the cursor, the marks and the view stay where the user put them'] = function()
  local all = {}
  for i = 1, 200 do
    all[i] = 'line ' .. i
  end
  local buf = T.buffer(all)
  local sink = below(buf, 9)
  sink:write('x\ny')
  vim.api.nvim_win_set_cursor(0, { 100, 3 })
  vim.cmd('normal! zt')
  vim.api.nvim_buf_set_mark(buf, 'm', 50, 2, {})
  T.keys('150GA+<Esc>100G')
  vim.cmd.redraw()
  local view = vim.fn.winsaveview()
  sink:write('\nz')
  sink:close()
  T.equal(vim.api.nvim_buf_get_lines(0, 101, 102, true), { 'line 97' })
  T.equal(vim.api.nvim_buf_get_mark(buf, 'm'), { 52, 2 })
  local after = vim.fn.winsaveview()
  T.equal({ after.lnum - view.lnum, after.topline - view.topline, after.col }, { 2, 2, view.col })
end

tests['undoing it while it is written ends it and takes back the rest'] = function()
  local buf = T.buffer({ 'one', 'two' })
  local sink = below(buf, 0)
  sink:write('a')
  T.keys('GA!<Esc>')
  sink:write('b')
  T.keys('u')
  T.match(sink:write('c'), 'undone')
  sink:close()
  T.lines({ 'one', 'two!' })
  T.keys('u')
  T.lines({ 'one', 'two' })
end

tests['undoing it before the user typed anything ends it'] = function()
  local buf = T.buffer({ 'one', 'two' })
  local sink = below(buf, 0)
  sink:write('a')
  T.keys('u')
  T.match(sink:write('b'), 'undone')
  sink:close()
  T.lines({ 'one', 'two' })
end

tests['deleting its text while it is written ends it'] = function()
  local buf = T.buffer({ 'one', 'two' })
  local sink = below(buf, 0)
  sink:write('a')
  T.keys('3Gdd')
  T.match(sink:write('b'), 'taken out')
  sink:close()
  T.lines({ 'one', '', 'two' })
end

tests['deleting its last line goes on behind what is left'] = function()
  local buf = T.buffer({ 'one', 'two' })
  local sink = below(buf, 0)
  sink:write('a\nb')
  T.keys('4Gdd')
  sink:write('c')
  sink:close()
  T.lines({ 'one', '', 'ac', '', 'two' })
  T.keys('u')
  T.lines({ 'one', 'two' })
end

tests['deleting its last line at the end of the buffer goes on behind what is left'] = function()
  local buf = T.buffer({ 'one' })
  local sink = below(buf, 0)
  sink:write('a\nb')
  T.keys('Gdd')
  sink:write('c')
  sink:close()
  T.lines({ 'one', '', 'ac' })
end

tests['deleting the line above before the text comes keeps it apart from the next'] = function()
  local buf = T.buffer({ 'one', 'two', 'three' })
  local sink = below(buf, 1)
  T.keys('2Gdd')
  sink:write('a')
  sink:close()
  T.lines({ 'one', '', 'a', '', 'three' })
end

tests['a buffer that is wiped, unloaded or not modifiable is an obstacle, in words'] = function()
  local buf = T.buffer({ 'one' })
  local sink = below(buf, 0)
  vim.bo[buf].modifiable = false
  T.match(sink:write('a'), 'unmodifiable')
  vim.bo[buf].modifiable = true
  vim.cmd.enew()
  vim.api.nvim_buf_delete(buf, { force = true, unload = true })
  T.match(sink:write('a'), 'gone')
  vim.api.nvim_buf_delete(buf, { force = true })
  T.match(sink:write('a'), 'gone')
  sink:close()
end

tests['saving while it is written does not cost an undo step'] = function()
  local buf = T.buffer({ 'one' })
  local path = vim.fn.tempname()
  local sink = below(buf, 0)
  sink:write('a')
  vim.cmd('silent write ' .. path)
  vim.cmd('silent file ' .. path)
  sink:write('b')
  vim.cmd('silent write!')
  sink:write('c')
  sink:close()
  T.lines({ 'one', '', 'abc' })
  T.keys('u')
  T.lines({ 'one' })
end

tests['a retracted text leaves nothing, and what follows stands in its place'] = function()
  local buf = T.buffer({ 'one', 'two' })
  local sink = below(buf, 0)
  sink:write('wrong\nwrong')
  sink:retract()
  T.lines({ 'one', 'two' })
  sink:write('right')
  sink:close()
  T.lines({ 'one', '', 'right', '', 'two' })
  T.keys('u')
  T.lines({ 'one', 'two' })
end

tests['two jobs in one buffer are taken back one by one'] = function()
  local buf = T.buffer({ 'one', 'two' })
  local first, second = below(buf, 0), below(buf, 1)
  for i = 1, 5 do
    first:write('a' .. i)
    second:write('b' .. i)
  end
  T.keys('ggOtop<Esc>')
  first:close()
  second:close()
  T.lines({ 'top', 'one', '', 'a1a2a3a4a5', '', 'two', '', 'b1b2b3b4b5' })
  T.keys('u')
  T.lines({ 'top', 'one', '', 'a1a2a3a4a5', '', 'two' })
  T.keys('u')
  T.lines({ 'top', 'one', 'two' })
  T.keys('u')
  T.lines({ 'one', 'two' })
end

tests['typing in Insert mode in the same buffer keeps its own step'] = function()
  local buf = T.buffer({ 'one', 'two' })
  local sink = below(buf, 0)
  sink:write('a')
  -- Within one insert: the text arrives between two keys.
  vim.keymap.set('i', '<F2>', function()
    sink:write('b')
  end, { buffer = buf })
  T.keys('Goxx<F2>yy<CR>zz<F2>!<Esc>')
  sink:write('c')
  sink:close()
  T.lines({ 'one', '', 'abbc', '', 'two', 'xxyy', 'zz!' })
  T.keys('u')
  T.lines({ 'one', 'two', 'xxyy', 'zz!' })
  T.keys('u')
  T.lines({ 'one', 'two' })
end

tests['a job that ends while the user types is put in order after that'] = function()
  local buf = T.buffer({ 'one', 'two' })
  local sink = below(buf, 0)
  sink:write('a')
  vim.keymap.set('i', '<F2>', function()
    sink:write('b')
    sink:close()
  end, { buffer = buf })
  T.keys('Goxx<F2>yy<Esc>')
  T.lines({ 'one', '', 'ab', '', 'two', 'xxyy' })
  T.wait('the history is in order', function()
    return #vim.api.nvim_buf_get_extmarks(buf, -1, 0, -1, {}) == 0
  end)
  T.keys('u')
  T.lines({ 'one', 'two', 'xxyy' })
  T.keys('u')
  T.lines({ 'one', 'two' })
end

return tests
