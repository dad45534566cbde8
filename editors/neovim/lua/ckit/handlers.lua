--- Answers what the daemon asks, and hears what it tells.
local M = {}

---@type (fun(event: table))[]
local listeners = {}

--- Hear of everything that happens in turns.
---@param listener fun(event: table)
function M.on_event(listener)
  table.insert(listeners, listener)
end

---@return string root of the repository that a message is about
local function root_of(context)
  return assert(vim.lsp.get_client_by_id(context.client_id)).config.root_dir
end

M.handlers = {
  ['ckit/approval/request'] = function(_, params, context)
    return require('ckit.approval').ask(params.approval, root_of(context))
  end,
  ['ckit/secret/request'] = function(_, params)
    local value = vim.fn.inputsecret(('ckit needs %s (%s): '):format(params.reference, params.reason))
    return { value = value ~= '' and value or vim.NIL }
  end,
  ['ckit/turn/event'] = function(_, params)
    for _, listener in ipairs(listeners) do
      listener(params.event)
    end
  end,
  -- The daemon no longer wants an answer. Neovim doesn't say to which of its questions.
  ['$/cancelRequest'] = function(_, _, context)
    local approval = package.loaded['ckit.approval']
    if approval then
      approval.withdraw(root_of(context))
    end
  end,
  ['$/progress'] = function(err, params, context)
    require('ckit.requests').on_progress(err, params, context)
  end,
}

return M
