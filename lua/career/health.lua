-- :checkhealth career

local M = {}

local function report(finding)
  local advice = finding.advice ~= '' and { finding.advice } or nil
  local h = vim.health
  if finding.level == 'error' then
    h.error(finding.text, advice)
  elseif finding.level == 'warn' then
    h.warn(finding.text, advice)
  elseif finding.level == 'info' then
    h.info(finding.text)
  else
    h.ok(finding.text)
  end
end

function M.check()
  local host = require('career.host')
  vim.health.start('career.nvim')
  if vim.fn.has('nvim-0.10') == 1 then
    vim.health.ok('Neovim ' .. tostring(vim.version()))
  else
    vim.health.error('Neovim is older than 0.10', { 'Update it to 0.10 or newer.' })
  end
  local config, problem, warning = require('career.config').get()
  if warning then
    vim.health.warn(warning)
  end
  if not config then
    vim.health.error(problem)
    return
  end
  vim.health.ok('Configuration')
  local hello
  hello, problem = host.call('hello')
  if not hello then
    vim.health.error('The program does not run', { problem })
    return
  end
  vim.health.ok(('Program %s, version %s, protocol %d'):format(host.program(), hello.version, hello.protocol))
  vim.health.info('Log: ' .. host.log_file())
  vim.health.start('Ollama at ' .. config.host)
  local findings
  findings, problem = require('career').await('check', require('career.config').settings(config, ''), 10000)
  if not findings then
    vim.health.error(problem)
    return
  end
  for _, finding in ipairs(findings) do
    report(finding)
  end
end

return M
