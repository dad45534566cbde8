--- Asks the daemon, and puts what it finds into the quickfix list.
local client = require('ckit.client')
local quickfix = require('ckit.quickfix')

local M = {}

--- Ask, and fill the list with what `items` makes of the answer.
---@param title string
---@param method string
---@param params table
---@param nothing string what to say where the list is empty
---@param items fun(result: table, root: string): vim.quickfix.entry[]
local function list(title, method, params, nothing, items)
  local root = client.root()
  client.request(method, params, function(result)
    if result then
      quickfix.set(title, items(result, assert(root)), nothing)
      if result.degraded then
        client.notify(result.degraded, vim.log.levels.WARN)
      end
    end
  end, { root = root })
end

function M.validate()
  list('ckit validate', 'ckit/repo/validate', {}, 'no findings', function(result, root)
    return quickfix.findings(result.findings, root)
  end)
end

local BETWEEN = { commit = 'workingTree', staged = 'staged', unsaved = 'unsaved' }

---@param what? string an entity, or one of `commit`, `staged`, `unsaved`
function M.impact(what)
  local between = BETWEEN[what or 'unsaved']
  local params = between and { between = between } or { ids = { what } }
  list('ckit impact', 'ckit/repo/impact', params, 'nothing becomes stale', function(result, root)
    return quickfix.stale(result.stale, root)
  end)
end

local function hits(result, root)
  return quickfix.hits(result.hits, root)
end

---@param query string
function M.search(query)
  if query == '' then
    client.notify('say what to look for, e.g. `:Ckit search late returns`', vim.log.levels.WARN)
    return
  end
  list('ckit search ' .. query, 'ckit/rag/search', { query = query }, 'nothing fits', hits)
end

---@param id string
function M.similar(id)
  list('ckit similar ' .. id, 'ckit/rag/similar', { id = id }, 'nothing is like it', hits)
end

---@param id? string only what is about this entity
function M.log(id)
  list('ckit log', 'ckit/specLog/list', { entity = id }, 'nothing was generated yet', function(result, root)
    return quickfix.entries(result.entries, root)
  end)
end

return M
