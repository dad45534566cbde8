--- What can be typed behind `:Ckit`.
local client = require('ckit.client')

local M = {}

---@alias ckit.Completion fun(): string[]

local function names(method, field, params)
  local result = client.request_sync(method, params or {}, 2000)
  return result and vim.tbl_map(function(each)
    return each.name or each.type
  end, result[field]) or {}
end

--- Ids of entities, of some types only.
---@param ... string
---@return ckit.Completion
function M.ids(...)
  local types = { ... }
  return function()
    return require('ckit.entity').ids(types[1] and types or nil)
  end
end

---@param ... string
---@return ckit.Completion
function M.words(...)
  local words = { ... }
  return function()
    return vim.deepcopy(words)
  end
end

---@return string[]
function M.types()
  return names('ckit/repo/inspect', 'types')
end

---@return string[]
function M.pipelines()
  local result = client.request_sync('ckit/pipeline/list', {}, 2000)
  return result and vim.tbl_map(function(each)
    return each.engine == 'script' and 'script:' .. each.name or each.name
  end, result.pipelines) or {}
end

---@return string[]
function M.providers()
  return names('ckit/provider/list', 'providers')
end

--- Models as `provider/model`, of the providers that work.
---@return string[]
function M.models()
  local result = client.request_sync('ckit/provider/list', {}, 2000)
  local found = {}
  for _, provider in ipairs(result and result.providers or {}) do
    if provider.status == 'ready' then
      for _, model in ipairs(names('ckit/provider/models', 'models', { provider = provider.name })) do
        table.insert(found, provider.name .. '/' .. model)
      end
    end
  end
  return found
end

--- Complete the command line.
---@param lead string what has been typed of the word
---@param line string
---@param position integer of the cursor in it, in bytes
---@return string[]
function M.complete(lead, line, position)
  local commands = require('ckit.commands').commands
  local typed = line:sub(1, position):match('%f[%a]Ck?i?t?!?%s+(.*)$') or ''
  local words = vim.split(typed, '%s+', { trimempty = true })
  local number = #words - (lead ~= '' and 1 or 0)
  local found
  if number == 0 then
    found = vim.tbl_keys(commands)
  else
    local command = commands[words[1]]
    local completion = command and command.complete and command.complete[number]
    found = completion and completion() or {}
  end
  table.sort(found)
  return vim.tbl_filter(function(name)
    return vim.startswith(name:lower(), lead:lower())
  end, found)
end

return M
