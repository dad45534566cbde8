--- What the daemon finds as entries of the quickfix list.
local M = {}

local TYPES = { error = 'E', warning = 'W', information = 'I', hint = 'N' }

---@param location { path: string, range: table }
---@param root string
---@param fields table
---@return vim.quickfix.entry
local function at(location, root, fields)
  local start = location.range and location.range.start or { line = 0, character = 0 }
  return vim.tbl_extend('error', fields, {
    filename = vim.fs.joinpath(root, location.path),
    lnum = start.line + 1,
    col = start.character + 1,
  })
end

---@param findings table[]
---@param root string
---@return vim.quickfix.entry[]
function M.findings(findings, root)
  return vim.tbl_map(function(finding)
    return at(finding.location, root, {
      type = TYPES[finding.severity] or 'E',
      text = ('%s [%s]'):format(finding.message, finding.code),
    })
  end, findings)
end

---@param stale table[]
---@param root string
---@return vim.quickfix.entry[]
function M.stale(stale, root)
  return vim.tbl_map(function(each)
    local way = vim.tbl_map(function(edge)
      return ('%s %s %s'):format(edge.source, edge.rel, edge.target)
    end, each.via)
    return at({ path = each.entity.path }, root, {
      type = TYPES[each.severity] or 'I',
      text = ('%s %s (%s)'):format(each.entity.id, each.entity.title or '', table.concat(way, ', ')),
    })
  end, stale)
end

---@param hits table[]
---@param root string
---@return vim.quickfix.entry[]
function M.hits(hits, root)
  return vim.tbl_map(function(hit)
    return at(hit.location, root, { text = ('%.2f %s'):format(hit.score, hit.heading) })
  end, hits)
end

--- Entries of the log of generations.
---@param entries table[]
---@param root string
---@return vim.quickfix.entry[]
function M.entries(entries, root)
  return vim.tbl_map(function(entry)
    local text = { entry.timestamp or '', entry.requestType or '', entry.specId or '', entry.status or '' }
    vim.list_extend(text, entry.problems)
    return at({ path = entry.path }, root, {
      type = entry.status == 'success' and 'I' or 'W',
      text = vim.trim(table.concat(text, ' ')),
    })
  end, entries)
end

--- Fill the list and show it, or say that there is nothing in it.
---@param title string
---@param items vim.quickfix.entry[]
---@param nothing string
function M.set(title, items, nothing)
  vim.fn.setqflist({}, ' ', { title = title, items = items })
  if #items == 0 then
    vim.cmd.cclose()
    require('ckit.client').notify(nothing)
  else
    vim.cmd('botright copen')
  end
end

return M
