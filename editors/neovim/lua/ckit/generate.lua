--- What a model is asked to write.
local client = require('ckit.client')

local M = {}

---@param id string
---@param ... string what must be true
function M.spec(id, ...)
  local requirement = table.concat({ ... }, ' ')
  local params = { entities = { id }, requirement = requirement ~= '' and requirement or nil }
  require('ckit.preview').write('specification of ' .. id, 'ckit/spec/generate', params, true)
end

---@param spec string
function M.code(spec)
  require('ckit.preview').write('code of ' .. spec, 'ckit/code/generate', { spec = spec })
end

---@param type? string
---@param ... string what it is to be
function M.entity(type, ...)
  local request = table.concat({ ... }, ' ')
  if not type or request == '' then
    client.notify('say what it is to be, e.g. `:Ckit entity userstory Members can pause notices`', vim.log.levels.WARN)
    return
  end
  require('ckit.preview').write('new ' .. type, 'ckit/entity/generate', { type = type, request = request })
end

return M
