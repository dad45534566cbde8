--- An answer with citations that lead to their places.
local client = require('ckit.client')
local window = require('ckit.window')

local M = {}

---@param question string
---@param jump fun(location: table)
function M.open(question, jump)
  if vim.trim(question) == '' then
    client.notify('ask something, e.g. `:Ckit ask how long does an item wait?`', vim.log.levels.WARN)
    return
  end
  local buffer = window.show('ckit ask', ('# %s\n\n'):format(question))
  local citations = {}
  local request
  local function take(items)
    for _, item in ipairs(items) do
      window.append(buffer, item.text)
    end
  end
  request = client.request('ckit/rag/query', { question = question }, function(result)
    request = nil
    if not result or not vim.api.nvim_buf_is_valid(buffer) then
      return
    end
    -- What was checked counts, not what was streamed.
    local lines = { '# ' .. question, '', result.text, '' }
    for _, citation in ipairs(result.citations) do
      citations[citation.number] = citation.location
      table.insert(lines, ('[%d] %s · %s:%d'):format(
        citation.number, citation.title, citation.location.path, citation.location.range.start.line + 1))
    end
    if result.degraded then
      vim.list_extend(lines, { '', '_' .. result.degraded .. '_' })
    end
    vim.bo[buffer].modifiable = true
    vim.api.nvim_buf_set_lines(buffer, 0, -1, false, vim.split(table.concat(lines, '\n'), '\n'))
    vim.bo[buffer].modifiable = false
  end, { on_part = take })
  vim.keymap.set('n', '<CR>', function()
    local number = tonumber(vim.fn.expand('<cWORD>'):match('%[(%d+)')) or tonumber(vim.api.nvim_get_current_line():match('%[(%d+)%]'))
    local location = number and citations[number]
    if location then
      vim.cmd.close()
      jump(location)
    end
  end, { buffer = buffer, desc = 'Open the cited place' })
  vim.keymap.set('n', '<C-c>', function()
    if request then
      request.cancel()
    end
  end, { buffer = buffer, desc = 'Give up' })
end

return M
