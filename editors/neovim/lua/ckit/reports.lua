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

---@param params table
local function index(params)
  client.request('ckit/rag/index', params, function(result)
    if result then
      client.notify(text.index(result))
    end
  end)
end

--- Make the index anew, after a question where it is everybody's.
local function rebuild()
  client.request('ckit/rag/status', {}, function(status)
    if not status then
      return
    end
    if status.store == 'embedded' then
      index({ rebuild = true })
      return
    end
    vim.ui.select({ 'Make it anew', 'Keep it' }, {
      prompt = ('Make the index on %s anew, for everybody who uses it?'):format(status.store),
      kind = 'ckit.index',
    }, function(answer)
      if answer == 'Make it anew' then
        index({ rebuild = true })
      end
    end)
  end)
end

--- Bring the index up to date, or say how far it is.
---@param how? string `rebuild` or `status`
function M.index(how)
  if how == 'rebuild' then
    rebuild()
  elseif how == 'status' then
    client.request('ckit/rag/status', {}, function(result)
      if result then
        client.notify(text.index(result))
      end
    end)
  else
    index({})
  end
end

return M
