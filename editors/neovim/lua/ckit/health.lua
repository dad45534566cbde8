--- `:checkhealth ckit`
local M = {}

function M.check()
  local health = vim.health
  health.start('Neovim')
  if vim.fn.has('nvim-0.10') == 1 then
    health.ok('Neovim ' .. tostring(vim.version()))
  else
    health.error('Neovim 0.10 or newer is needed')
    return
  end
  health.start('The daemon')
  local config = require('ckit.config')
  local command, problem = config.command()
  if not command then
    health.error(problem or '', { 'pip install ckit-daemon' })
    return
  end
  local run = vim.system(vim.list_extend(vim.deepcopy(command), { '--version' }), { text = true }):wait(10000)
  if run.code == 0 then
    health.ok(('%s: %s'):format(table.concat(command, ' '), vim.trim(run.stdout)))
  else
    health.error(('%s does not run: %s'):format(table.concat(command, ' '), vim.trim(run.stderr or '')))
    return
  end
  health.start('This repository')
  local client = vim.lsp.get_clients({ name = 'ckit' })[1]
  if not client then
    health.info('The daemon does not run; it starts with the first YAML or Markdown file of a context repository.')
    return
  end
  local result = require('ckit.client').request_sync(client, 'ckit/health', { fresh = true }, 10000)
  if not result then
    health.error('The daemon does not answer.', { ':Ckit restart' })
    return
  end
  local report = { ok = health.ok, degraded = health.warn, failed = health.error, disabled = health.info, pending = health.info }
  for _, component in ipairs(result.components) do
    report[component.status](('%s: %s'):format(component.name, component.detail))
  end
end

return M
