--- What a message points at.
local client = require('ckit.client')

local M = {}

---@alias ckit.Attachment table an `Attachment` of the protocol

--- The path of the current file in its repository, with forward slashes.
---@return string?
local function path_here()
  local name, root = vim.fs.normalize(vim.api.nvim_buf_get_name(0)), client.root()
  local inside = root and vim.fs.normalize(root) .. '/'
  if vim.bo.buftype == '' and inside and vim.startswith(name, inside) then
    return name:sub(#inside + 1)
  end
end

--- The selected lines, or with `!` the entity or else the file of the buffer.
---@param call ckit.Call
---@return ckit.Attachment[]
function M.of(call)
  if not call.range and not call.bang then
    return {}
  end
  local path = path_here()
  if not path then
    client.notify('only files of the repository can be attached', vim.log.levels.WARN)
    return {}
  elseif call.range then
    local first, last = call.range.first, call.range.last
    local lines = vim.api.nvim_buf_get_lines(0, first - 1, last, false)
    local text = table.concat(lines, '\n')
    return { { kind = 'selection', path = path, startLine = first - 1, endLine = last - 1, text = text } }
  end
  local id = require('ckit.entity').of_buffer()
  return { id and { kind = 'entity', id = id } or { kind = 'file', path = path } }
end

--- What is attached, in a few words.
---@param attachment ckit.Attachment
---@return string
function M.name(attachment)
  if attachment.kind == 'entity' then
    return attachment.id
  elseif attachment.kind == 'selection' then
    return ('%s:%d-%d'):format(attachment.path, attachment.startLine + 1, attachment.endLine + 1)
  end
  return attachment.path
end

return M
