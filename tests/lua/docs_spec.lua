-- The help and the README are held against what the plugin really has.

local T = ...

local root = vim.fs.dirname(vim.fs.dirname(vim.fs.dirname(debug.getinfo(1, 'S').source:sub(2))))

local function read(name)
  return table.concat(vim.fn.readfile(root .. '/' .. name), '\n')
end

---@return table<string, true> tags that the help defines
local function our_tags()
  local tags = {}
  for tag in read('doc/career.txt'):gmatch('%*(%S-)%*') do
    tags[tag] = true
  end
  return tags
end

local function assert_tag(tag)
  if not our_tags()[tag] then
    error(('the help has no tag *%s*'):format(tag), 2)
  end
end

---The first block of code behind a text, in a file.
local function block(name, behind, from, to)
  local text = read(name)
  local _, at = text:find(behind, 1, true)
  assert(at, ('%s does not say "%s"'):format(name, behind))
  return assert(text:match(from .. '(.-)' .. to, at), 'no block behind "' .. behind .. '"')
end

---Runs a block that configures the plugin and holds it against the defaults.
local function assert_defaults(code)
  vim.env.OLLAMA_HOST = nil
  assert(loadstring(code))()
  local config = require('career.config')
  local got, problem = config.get()
  T.equal(problem, nil)
  for key, entry in pairs(config.schema) do
    T.match(code, '%f[%w_]' .. key .. ' = ')
    T.equal(got[key], entry.default, key)
  end
  for key in pairs(vim.g.career) do
    assert(config.schema[key], 'there is no option ' .. key)
  end
end

local spec = {}

spec["the README's configuration is the defaults"] = function()
  assert_defaults(block('README.md', '## Configuration', '```lua\n', '\n```'))
end

spec["the help's configuration is the defaults"] = function()
  assert_defaults(block('doc/career.txt', '*g:career*', '>lua\n', '\n<'))
end

spec['every option has its help, with its default'] = function()
  local text = read('doc/career.txt')
  for key, entry in pairs(require('career.config').schema) do
    assert_tag('career-opt-' .. key)
    local said = text:match('\n' .. key .. '%s+[^\n]-default ([^\n]+)')
    local default = type(entry.default) == 'string' and '"' .. entry.default .. '"' or vim.inspect(entry.default)
    assert(
      said and said:find(default, 1, true),
      ('the default of %s is %s, the help says %s'):format(key, default, said)
    )
  end
end

spec['every command has its help and stands in the README'] = function()
  local readme = read('README.md')
  local n = 0
  for name in pairs(vim.api.nvim_get_commands({})) do
    if vim.startswith(name, 'Career') then
      n = n + 1
      assert_tag(':' .. name)
      T.match(readme, '`:[^`]*' .. name)
    end
  end
  assert(n > 0, 'no command is there')
end

spec['every command in the help is there'] = function()
  for tag in pairs(our_tags()) do
    if vim.startswith(tag, ':Career') then
      T.equal(vim.fn.exists(tag), 2, tag)
    end
  end
end

spec['every mapping has its help'] = function()
  local n = 0
  for _, mode in ipairs({ 'n', 'x', 'o' }) do
    for _, map in ipairs(vim.api.nvim_get_keymap(mode)) do
      if map.lhs:find('<Plug>(Career', 1, true) then
        n = n + 1
        assert_tag(map.lhs)
      end
    end
  end
  assert(n > 0, 'no mapping is there')
end

spec['every Lua function in the help is there'] = function()
  local n = 0
  for tag in pairs(our_tags()) do
    local name = tag:match('^career%.(%w+)%(%)$')
    if name then
      n = n + 1
      T.equal(type(require('career')[name]), 'function', tag)
    end
  end
  assert(n > 0, 'no function is there')
end

spec['every style has its help'] = function()
  local text = read('doc/career.txt')
  for name in vim.fs.dir(root .. '/llm/prompts/summarize') do
    T.match(text, '\n +' .. name:gsub('%.md$', '') .. '  +%w')
  end
end

spec['every tag that the help points to is there'] = function()
  local known = our_tags()
  local newest = vim.fn.has('nvim-0.12') == 1
  for tag in read('doc/career.txt'):gmatch('|(%S-)|') do
    if not known[tag] and (newest or not vim.list_contains({ 'vim.pack', 'progress-message' }, tag)) then
      local found = vim.fn.getcompletion(tag, 'help')
      assert(vim.list_contains(found, tag), ('there is no help for |%s|'):format(tag))
    end
  end
end

spec['the help opens, no line of it is too long'] = function()
  local copy = vim.fn.tempname()
  vim.fn.mkdir(copy .. '/doc', 'p')
  vim.uv.fs_copyfile(root .. '/doc/career.txt', copy .. '/doc/career.txt')
  vim.cmd.helptags(copy .. '/doc') -- fails where a tag stands twice
  vim.opt.runtimepath:append(copy)
  vim.cmd('help career')
  T.equal(vim.bo.buftype, 'help')
  T.equal(vim.fs.basename(vim.api.nvim_buf_get_name(0)), 'career.txt')
  for i, line in ipairs(vim.api.nvim_buf_get_lines(0, 0, -1, true)) do
    assert(vim.fn.strdisplaywidth(line) <= 78, ('line %d is too long'):format(i))
  end
  vim.opt.runtimepath:remove(copy)
  vim.fn.delete(copy, 'rf')
end

spec['every link of the documents leads to a file'] = function()
  for _, name in ipairs({ 'README.md', 'doc/architecture.md', 'CHANGELOG.md' }) do
    local folder = vim.fs.dirname(root .. '/' .. name)
    for link in read(name):gmatch('%]%(([^)#]+)[^)]*%)') do
      if not link:find('://', 1, true) then
        assert(vim.uv.fs_stat(folder .. '/' .. link), ('%s: there is no %s'):format(name, link))
      end
    end
  end
end

return spec
