--- Findings and consequences in the quickfix list.
local M = {}

local TYPES = { error = 'E', warning = 'W', information = 'I', hint = 'N' }

---@param findings table[]
function M.findings(findings)
  local items = vim.tbl_map(function(finding)
    local start = finding.location.range.start
    return {
      filename = require('ckit.client').file_of(finding.location),
      lnum = start.line + 1,
      col = start.character + 1,
      type = TYPES[finding.severity] or 'E',
      text = ('%s [%s]'):format(finding.message, finding.code),
    }
  end, findings)
  vim.fn.setqflist({}, ' ', { title = 'ckit validate', items = items })
end

---@param impact table
function M.impact(impact)
  local items = {}
  for _, stale in ipairs(impact.stale) do
    local entity = stale.entity
    local way = vim.tbl_map(function(edge)
      return ('%s %s %s'):format(edge.source, edge.rel, edge.target)
    end, stale.via)
    table.insert(items, {
      filename = require('ckit.client').file_of(entity),
      lnum = 1,
      type = TYPES[stale.severity] or 'I',
      text = ('%s %s (%s)'):format(entity.id, entity.title or '', table.concat(way, ', ')),
    })
  end
  vim.fn.setqflist({}, ' ', { title = 'ckit impact', items = items })
end

---@param query string
---@param hits table[]
function M.hits(query, hits)
  local items = vim.tbl_map(function(hit)
    local location = hit.location
    return {
      filename = require('ckit.client').file_of(location),
      lnum = location.range.start.line + 1,
      col = location.range.start.character + 1,
      text = ('%.2f %s'):format(hit.score, hit.heading),
    }
  end, hits)
  vim.fn.setqflist({}, ' ', { title = 'ckit search ' .. query, items = items })
end

--- Show the list, or say that there is nothing in it.
---@param nothing string
function M.open(nothing)
  if #vim.fn.getqflist() == 0 then
    vim.cmd.cclose()
    require('ckit.client').notify(nothing)
  else
    vim.cmd('botright copen')
  end
end

return M
