--- An answer with citations that lead to their places.
local client = require('ckit.client')
local window = require('ckit.window')

local M = {}

--- Open the place of a citation.
---@param root string
---@param location { path: string, range: table }
local function jump(root, location)
  vim.cmd.close()
  vim.cmd.edit(vim.fn.fnameescape(vim.fs.joinpath(root, location.path)))
  local start = location.range.start
  -- A file that is shorter by now has no such line.
  vim.api.nvim_win_set_cursor(0, { math.min(start.line + 1, vim.api.nvim_buf_line_count(0)), start.character })
end

---@param question string
---@param result table
---@return string
local function text_of(question, result)
  local lines = { '# ' .. question, '', result.text, '' }
  for _, citation in ipairs(result.citations) do
    table.insert(lines, ('[%d] %s · %s:%d'):format(
      citation.number, citation.title, citation.location.path, citation.location.range.start.line + 1))
  end
  for _, warning in ipairs(result.warnings) do
    vim.list_extend(lines, { '', '> ' .. warning })
  end
  if result.degraded then
    vim.list_extend(lines, { '', '_' .. result.degraded .. '_' })
  end
  return table.concat(lines, '\n')
end

---@param question string
function M.open(question)
  if vim.trim(question) == '' then
    client.notify('ask something, e.g. `:Ckit ask how long does an item wait?`', vim.log.levels.WARN)
    return
  end
  local root = client.root()
  local buffer = window.show('ckit ask', ('# %s\n\n'):format(question), nil, root)
  ---@type table<integer, { path: string, range: table }>
  local places = {}
  local function take(items)
    for _, item in ipairs(items) do
      window.append(buffer, item.text)
    end
  end
  local request = client.request('ckit/rag/query', { question = question }, function(result, problem)
    if not result then
      window.append(buffer, ('\n\n✘ %s'):format(problem and problem.message or ''))
      return
    end
    for _, citation in ipairs(result.citations) do
      places[citation.number] = citation.location
    end
    -- What was checked counts, not what was streamed.
    window.set(buffer, text_of(question, result))
  end, { on_part = take, root = root })
  vim.keymap.set('n', '<CR>', function()
    local here = vim.fn.expand('<cWORD>'):match('%[(%d+)') or vim.api.nvim_get_current_line():match('%[(%d+)%]')
    local place = places[tonumber(here)]
    if root and place then
      jump(root, place)
    end
  end, { buffer = buffer, desc = 'Open the cited place' })
  if request then
    window.cancels(buffer, request.cancel)
  end
end

return M
