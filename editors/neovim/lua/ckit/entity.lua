--- The entities of the repository, and the one that a command is about.
local client = require('ckit.client')

local M = {}

--- Asked for each time, since that is rare and the daemon quick.
---@param types? string[] these only
---@return string[]
function M.ids(types)
  local result = client.request_sync('ckit/entity/list', { limit = 10000, types = types }, 1000)
  return result and vim.tbl_map(function(each)
    return each.id
  end, result.entities) or {}
end

--- The id of the entity that the buffer defines.
---@return string?
function M.of_buffer()
  for _, line in ipairs(vim.api.nvim_buf_get_lines(0, 0, 20, false)) do
    local id = line:match('^id:%s*["\']?([%w%-_.]+)')
    if id then
      return id
    end
  end
end

--- The entity that is named, or else the one under the cursor, or that of the buffer.
---@param named? string
---@return string?
function M.here(named)
  if named then
    return named
  end
  local word = vim.fn.expand('<cWORD>'):match('[%w][%w%-_.]*%w')
  local id = word and vim.tbl_contains(M.ids(), word) and word or M.of_buffer()
  if not id then
    client.notify('name an entity, e.g. `:Ckit show FEAT-001`', vim.log.levels.WARN)
  end
  return id
end

return M
