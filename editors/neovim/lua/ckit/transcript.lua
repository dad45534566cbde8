--- A conversation as Markdown.
local M = {}

local SIGNS = { ok = '✔', error = '✘', denied = '✘', cancelled = '✘' }

--- The first line of a tool's answer that is no mark of the fence around it.
local function first_line(text)
  for line in vim.gsplit(text or '', '\n') do
    if vim.trim(line) ~= '' and not line:match('^</?data%-') then
      return line
    end
  end
  return ''
end

---@param text string
---@param attachments? ckit.Attachment[]
---@return string
function M.said(text, attachments)
  local lines = { '', '> ' .. text:gsub('\n', '\n> ') }
  for _, attachment in ipairs(attachments or {}) do
    table.insert(lines, '> + ' .. require('ckit.attachments').name(attachment))
  end
  return table.concat(lines, '\n') .. '\n'
end

--- What a finished item says; nothing where there is nothing to see.
---@param item table
---@return string?
function M.item(item)
  if item.kind == 'userMessage' then
    return M.said(item.text, item.attachments)
  elseif item.kind == 'message' then
    local note = item.note and ('\n_%s_'):format(item.note) or ''
    return (item.text ~= '' or note ~= '') and ('\n%s%s\n'):format(item.text, note) or nil
  elseif item.kind == 'toolCall' then
    local about = item.arguments and (item.arguments.id or item.arguments.path or item.arguments.query)
    local problem = item.result ~= 'ok' and first_line(item.text) or ''
    local parts = { SIGNS[item.result] or '…', item.name, type(about) == 'string' and about or '', problem }
    return '\n' .. vim.trim(table.concat(parts, ' ')):gsub('  +', ' ') .. '\n'
  elseif item.kind == 'approval' and item.state ~= 'pending' and item.state ~= 'allowed' then
    return ('\n_%s: %s_\n'):format(item.title, item.state)
  elseif item.kind == 'compaction' then
    return '\n_What was said before is summed up for the model._\n'
  elseif item.kind == 'error' then
    return ('\n✘ %s\n'):format(item.failure.message)
  end
end

--- How a turn ended.
---@param turn table
---@return string
function M.ended(turn)
  if turn.status == 'interrupted' then
    return '\n_It was interrupted; `:Ckit resume` goes on._\n'
  end
  local usage = turn.usage or {}
  local parts = { turn.model, ('%d tokens'):format((usage.inputTokens or 0) + (usage.outputTokens or 0)) }
  if usage.cost and usage.cost > 0 then
    table.insert(parts, ('$%.4f'):format(usage.cost))
  end
  if turn.stopReason and turn.stopReason ~= 'endTurn' then
    table.insert(parts, turn.stopReason)
  end
  return ('\n_%s_\n'):format(table.concat(parts, ' · '))
end

--- A whole session.
---@param turns table[]
---@param items table[]
---@return string
function M.whole(turns, items)
  local by_turn = {}
  for _, item in ipairs(items) do
    by_turn[item.turnId] = by_turn[item.turnId] or {}
    table.insert(by_turn[item.turnId], M.item(item) or '')
  end
  local parts = {}
  for _, turn in ipairs(turns) do
    vim.list_extend(parts, by_turn[turn.id] or {})
    if turn.status ~= 'running' then
      table.insert(parts, M.ended(turn))
    end
  end
  return table.concat(parts)
end

return M
