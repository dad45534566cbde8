--- Answers of the daemon as Markdown.
local M = {}

local SIGNS = { fresh = '✔', written = '✔', changed = '~', gone = '✘', pending = '…', undone = '↶' }

---@param result table of `ckit/spec/promptify`
---@return string
function M.promptified(result)
  local lines = { result.prompt, '', '---', '' }
  table.insert(lines, ('_%s, %d of %d tokens_'):format(result.target, result.tokens, result.maxTokens))
  table.insert(lines, '')
  for _, receipt in ipairs(result.receipts) do
    table.insert(lines, ('- %s: %s, %d of %d tokens, %s'):format(
      receipt.title, receipt.state, receipt.tokens, receipt.ofTokens, receipt.reason))
  end
  for _, warning in ipairs(result.warnings) do
    table.insert(lines, '> ' .. warning)
  end
  return table.concat(lines, '\n')
end

---@param result table of `ckit/generation/explain`
---@return string
function M.explained(result)
  local made = result.generation
  local by = made.provider and ('%s/%s'):format(made.provider, made.model) or 'no model'
  local lines = {
    ('# %s %s'):format(made.kind, made.entity or ''),
    '',
    ('%s by %s, %s · `%s`'):format(made.outcome, by, made.createdAt, made.id),
    '',
    result.fresh and 'All that it was made from is as it was.' or 'What it was made from has changed since.',
    '',
    '**made from**',
  }
  if made.template then
    table.insert(lines, ('- %s %s'):format(SIGNS[made.template.state], made.template.path or made.template.name))
  end
  for _, input in ipairs(made.inputs) do
    table.insert(lines, ('- %s %s %s'):format(SIGNS[input.state], input.path, input.reason or ''))
  end
  vim.list_extend(lines, { '', '**makes**' })
  for _, file in ipairs(made.files) do
    table.insert(lines, ('- %s %s (%s)'):format(SIGNS[file.state], file.path, file.state))
  end
  if made.failure then
    vim.list_extend(lines, { '', '✘ ' .. made.failure.message })
  end
  return table.concat(lines, '\n')
end

---@param result table of `ckit/repo/inspect`
---@return string
function M.inspected(result)
  local lines = { ('# %d entities'):format(result.total), '' }
  for _, type in ipairs(result.types) do
    local statuses = {}
    for status, count in vim.spairs(type.statuses) do
      table.insert(statuses, ('%d %s'):format(count, status))
    end
    table.insert(lines, ('- %d %s%s'):format(
      type.count, type.type, statuses[1] and (': ' .. table.concat(statuses, ', ')) or ''))
  end
  vim.list_extend(lines, { '', '**coverage**' })
  for _, each in ipairs(result.coverage) do
    local missing = each.missing[1] and (', not ' .. table.concat(each.missing, ', ')) or ''
    table.insert(lines, ('- %s: %d of %d%s'):format(each.title, each.total - #each.missing, each.total, missing))
  end
  vim.list_extend(lines, { '', '**findings**' })
  for severity, count in vim.spairs(result.findings) do
    table.insert(lines, ('- %d %s'):format(count, severity))
  end
  vim.list_extend(lines, { '', '**to do**' })
  for _, gap in ipairs(result.gaps) do
    table.insert(lines, ('- %s %s (%s)'):format(gap.message, gap.recommendation, table.concat(gap.entities, ', ')))
  end
  if result.orphans[1] then
    table.insert(lines, '- joined to nothing: ' .. table.concat(result.orphans, ', '))
  end
  return table.concat(lines, '\n')
end

---@param result table of `ckit/provider/list`
---@return string
function M.providers(result)
  local lines = { '# providers', '' }
  for _, each in ipairs(result.providers) do
    local uses = each.purposes[1] and (' for ' .. table.concat(each.purposes, ', ')) or ''
    table.insert(lines, ('- %s **%s** (%s)%s: %s'):format(
      each.status == 'ready' and '✔' or '✘', each.name, each.kind, uses, each.reason or each.status))
  end
  vim.list_extend(lines, { '', 'conversations: ' .. result.chat, 'generation: ' .. result.generation })
  table.insert(lines, 'passages: ' .. (result.embeddings or 'the built-in embedder'))
  if result.fallbacks[1] then
    table.insert(lines, 'in their stead: ' .. table.concat(result.fallbacks, ', '))
  end
  return table.concat(lines, '\n')
end

---@param result table of `ckit/rag/status`
---@return string
function M.index(result)
  local text = ('the index is %s: %d of %d passages, by %s'):format(
    result.state, result.embedded, result.chunks, result.embedder)
  return result.reason and ('%s; %s'):format(text, result.reason) or text
end

return M
