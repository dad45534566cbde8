--- Asks the daemon, and shows the answer in a window.
local client = require('ckit.client')
local text = require('ckit.texts')

local M = {}

--- Ask, and show what `write` makes of the answer.
---@param title string
---@param method string
---@param params table
---@param write fun(result: table): string
---@param filetype? string
local function show(title, method, params, write, filetype)
  local root = client.root()
  client.request(method, params, function(result)
    if result then
      require('ckit.window').show(title, write(result), filetype, root)
    end
  end, { root = root })
end

---@param id string
function M.graph(id)
  show('graph of ' .. id, 'ckit/repo/graph', { ids = { id }, depth = 1 }, function(result)
    return require('ckit.graph').text(id, result)
  end)
end

---@param id string
function M.show(id)
  show(id, 'ckit/entity/get', { id = id, text = true }, function(result)
    return result.text
  end, 'yaml')
end

---@param id string
function M.prompt(id)
  show('prompt of ' .. id, 'ckit/prompt/render', { id = id }, function(result)
    return result.prompt
  end)
end

---@param id string
---@param target? string what the prompt is for
function M.promptify(id, target)
  show('prompt of ' .. id, 'ckit/spec/promptify', { id = id, target = target }, text.promptified)
end

---@param what string an entity or a generation
function M.explain(what)
  local params = vim.startswith(what, 'gen_') and { id = what } or { entity = what }
  show('where ' .. what .. ' came from', 'ckit/generation/explain', params, text.explained)
end

function M.inspect()
  show('what is there', 'ckit/repo/inspect', {}, text.inspected)
end

--- Show the providers, or try one.
---@param name? string
function M.providers(name)
  if not name then
    show('providers of models', 'ckit/provider/list', {}, text.providers)
    return
  end
  client.request('ckit/provider/test', { provider = name }, function(result)
    if result then
      local level = result.ok and vim.log.levels.INFO or vim.log.levels.ERROR
      client.notify(('%s/%s: %s'):format(result.provider, result.model, result.detail), level)
    end
  end)
end

--- Bring the index up to date, or say how far it is.
---@param how? string `rebuild` or `status`
function M.index(how)
  local method = how == 'status' and 'ckit/rag/status' or 'ckit/rag/index'
  local params = how == 'rebuild' and { rebuild = true } or {}
  client.request(method, params, function(result)
    if result then
      client.notify(text.index(result))
    end
  end)
end

return M
