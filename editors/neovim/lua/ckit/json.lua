--- JSON for people: indented, with the keys in order.
local M = {}

---@param value any
---@param indent? string
---@return string
function M.pretty(value, indent)
  indent = indent or ''
  if type(value) ~= 'table' or next(value) == nil then
    return vim.json.encode(value)
  end
  local inner = indent .. '  '
  local parts = {}
  if vim.islist(value) then
    for _, each in ipairs(value) do
      table.insert(parts, inner .. M.pretty(each, inner))
    end
    return ('[\n%s\n%s]'):format(table.concat(parts, ',\n'), indent)
  end
  local keys = vim.tbl_keys(value)
  table.sort(keys)
  for _, key in ipairs(keys) do
    table.insert(parts, ('%s%s: %s'):format(inner, vim.json.encode(key), M.pretty(value[key], inner)))
  end
  return ('{\n%s\n%s}'):format(table.concat(parts, ',\n'), indent)
end

return M
