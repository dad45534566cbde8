--- Shows what would happen and asks whether it may.
local M = {}

local CHOICES = {
  { decision = 'allowOnce', label = 'Allow once' },
  { decision = 'allowForSession', label = 'Allow for this session' },
  { decision = 'deny', label = 'Deny' },
}

---@param approval table
---@return string text
---@return string filetype
local function shown(approval)
  if approval.command then
    return '$ ' .. table.concat(vim.tbl_map(vim.fn.shellescape, approval.command), ' '), 'sh'
  end
  if approval.diff and approval.diff ~= '' then
    return approval.diff, 'diff'
  end
  return vim.inspect(approval.arguments or {}), 'lua'
end

--- Ask a person; runs in the coroutine of a request and waits in it.
---@param approval table
---@return { decision: string }
function M.ask(approval)
  local thread = assert(coroutine.running(), 'approvals are asked in a coroutine')
  local text, filetype = shown(approval)
  local buffer = require('ckit.window').show(approval.title, text, filetype)
  vim.cmd.redraw()
  vim.schedule(function()
    vim.ui.select(CHOICES, {
      prompt = approval.title,
      kind = 'ckit.approval',
      format_item = function(choice)
        return choice.label
      end,
    }, function(choice)
      if vim.api.nvim_buf_is_valid(buffer) then
        vim.api.nvim_buf_delete(buffer, { force = true })
      end
      -- No answer is a no.
      coroutine.resume(thread, { decision = choice and choice.decision or 'deny' })
    end)
  end)
  return coroutine.yield()
end

return M
