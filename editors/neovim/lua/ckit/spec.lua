--- Has a specification written, shows it, and saves it where the person says so.
local client = require('ckit.client')
local window = require('ckit.window')

local M = {}

---@param id string
---@param requirement string
function M.write(id, requirement)
  local buffer = window.show('specification of ' .. id, '')
  local params = { entities = { id }, requirement = requirement ~= '' and requirement or nil }
  local request = client.request('ckit/spec/generate', params, function(result)
    if not result then
      return
    end
    vim.ui.select({ 'Save', 'Throw away' }, {
      prompt = ('Save %s as %s?'):format(result.id, result.path),
      kind = 'ckit.spec',
    }, function(choice)
      if choice ~= 'Save' then
        return
      end
      local applied = { generationId = result.generationId }
      client.request('ckit/code/apply', applied, function(written)
        if written then
          client.notify(('%s is %s'):format(result.id, result.path))
          vim.cmd.checktime()
        end
      end)
    end)
  end, {
    on_part = function(items)
      for _, item in ipairs(items) do
        window.append(buffer, item.text)
      end
    end,
  })
  vim.keymap.set('n', '<C-c>', function()
    if request then
      request.cancel()
    end
  end, { buffer = buffer, desc = 'Give up' })
end

return M
