--- Commands that code actions and lenses of the language server name, for `vim.lsp.commands`.
local M = {}

local function run(name)
  return function(command)
    require('ckit.commands').commands[name].run({ arguments = { command.arguments[1] } })
  end
end

function M.register()
  vim.lsp.commands['ckit.generatePrompt'] = run('prompt')
  vim.lsp.commands['ckit.generateSpec'] = run('spec')
  vim.lsp.commands['ckit.showImpact'] = function()
    -- Of the unsaved text, which is what the lens counts.
    require('ckit.lists').impact()
  end
  vim.lsp.commands['ckit.showReferences'] = function(command, context)
    local client = vim.lsp.get_client_by_id(context.client_id)
    local encoding = client and client.offset_encoding or 'utf-16'
    local items = vim.lsp.util.locations_to_items(command.arguments[3], encoding)
    require('ckit.quickfix').set(command.title, items, 'nothing names it')
  end
end

return M
