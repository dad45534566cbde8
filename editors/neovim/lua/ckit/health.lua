--- `:checkhealth ckit`
local M = {}

local health = vim.health
local MILLISECONDS = 10000

---@return boolean
local function neovim()
  health.start('Neovim')
  if vim.fn.has('nvim-0.10') ~= 1 then
    health.error('Neovim 0.10 or newer is needed; this is ' .. tostring(vim.version()))
    return false
  end
  health.ok('Neovim ' .. tostring(vim.version()))
  return true
end

---@return boolean
local function program()
  health.start('The daemon')
  local command, problem = require('ckit.config').command()
  if not command then
    health.error(problem or '', { 'pip install ckit-daemon' })
    return false
  end
  local line = table.concat(command, ' ')
  if vim.fn.executable(command[1]) ~= 1 then
    health.error(('%s is no program'):format(command[1]), {
      'pip install ckit-daemon',
      'or name the program in `cmd` of require("ckit").setup()',
    })
    return false
  end
  local run = vim.system(vim.list_extend(vim.deepcopy(command), { '--version' }), { text = true }):wait(MILLISECONDS)
  if run.code ~= 0 then
    health.error(('%s does not run: %s'):format(line, vim.trim(run.stderr or '')), { 'pip install --upgrade ckit-daemon' })
    return false
  end
  health.ok(('%s: %s'):format(line, vim.trim(run.stdout)))
  return true
end

local REPORTS = {
  ok = health.ok,
  degraded = health.warn,
  failed = health.error,
  disabled = health.info,
  pending = health.info,
}

local function components(ask)
  health.start('Its components')
  local result = ask('ckit/health', { fresh = true })
  if not result then
    health.error('The daemon does not answer.', { ':Ckit restart' })
    return false
  end
  for _, component in ipairs(result.components) do
    REPORTS[component.status](('%s: %s'):format(component.name, component.detail))
  end
  return true
end

local function index(ask)
  health.start('The index of passages')
  local status = ask('ckit/rag/status', {})
  if not status then
    health.warn('It does not answer; `:Ckit index status` says why.')
    return
  end
  local line = require('ckit.texts').index(status)
  if status.state == 'degraded' then
    health.warn(line, { ':Ckit index' })
  elseif status.state == 'absent' then
    health.info(line .. '; it is built with the first search, or by `:Ckit index`')
  else
    health.info(line)
  end
end

local function providers(ask)
  health.start('The providers of models')
  local found = ask('ckit/provider/list', {})
  if not found then
    health.warn('They do not answer; `:Ckit providers` says why.')
    return
  end
  for _, provider in ipairs(found.providers) do
    local line = ('%s (%s): %s'):format(provider.name, provider.kind, provider.reason or provider.status)
    if provider.status == 'ready' then
      health.ok(line)
    else
      health.warn(line, { (':Ckit providers %s tries it'):format(provider.name) })
    end
  end
  health.info(('conversations: %s, generation: %s'):format(found.chat, found.generation))
end

function M.check()
  if not neovim() or not program() then
    return
  end
  health.start('This repository')
  local running = vim.lsp.get_clients({ name = 'ckit' })
  local concerned = vim.iter(vim.api.nvim_list_bufs()):any(require('ckit.client').concerns)
  if #running == 0 and concerned then
    health.error('The daemon has ended, or did not start, for the files that are open.', { ':Ckit restart' })
    return
  elseif #running == 0 then
    health.info('The daemon does not run; it starts with the first YAML or Markdown file of a context repository.')
    return
  end
  for _, client in ipairs(running) do
    local function ask(method, params)
      local answer = require('ckit.requests').call(client, 'request_sync', method, params, MILLISECONDS)
      return answer and answer.result
    end
    health.ok(client.config.root_dir)
    if components(ask) then
      index(ask)
      providers(ask)
    end
  end
end

return M
