--- The graph around an entity, as text.
local M = {}

---@param id string
---@param graph { nodes: table[], edges: table[] }
---@return string
function M.text(id, graph)
  local titles = {}
  for _, node in ipairs(graph.nodes) do
    titles[node.id] = ('%s %s'):format(node.id, node.title or ''):gsub('%s+$', '')
  end
  local groups, order = {}, {}
  for _, edge in ipairs(graph.edges) do
    local out = edge.source == id
    if out or edge.target == id then
      local label = out and (edge.rel .. ' →') or ('← ' .. edge.rel)
      if not groups[label] then
        groups[label] = {}
        table.insert(order, label)
      end
      local other = out and edge.target or edge.source
      table.insert(groups[label], titles[other] or other)
    end
  end
  table.sort(order)
  local lines = { '# ' .. (titles[id] or id), '' }
  for _, label in ipairs(order) do
    table.insert(lines, ('**%s**'):format(label))
    table.sort(groups[label])
    for _, title in ipairs(groups[label]) do
      table.insert(lines, '- ' .. title)
    end
    table.insert(lines, '')
  end
  if #order == 0 then
    table.insert(lines, 'It is joined to nothing.')
  end
  return table.concat(lines, '\n')
end

return M
