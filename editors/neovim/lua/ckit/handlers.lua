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

--- Keeps the answer that is given next out of Neovim's log, which at the level DEBUG holds all that is said.
local function answer_unlogged()
  local log = vim.lsp.log
  local level = log.get_level()
  if level ~= log.levels.OFF then
    log.set_level(log.levels.OFF)
    -- Whatever is scheduled comes after the answer, which Neovim writes as soon as a handler returns it.
    vim.schedule(function()
      log.set_level(level)
    end)
  end
end

M.handlers = {
  ['ckit/approval/request'] = function(_, params, context)
    return require('ckit.approval').ask(params.approval, root_of(context))
  end,
  ['ckit/secret/request'] = function(_, params)
    local value = vim.fn.inputsecret(('ckit needs %s (%s): '):format(params.reference, params.reason))
    answer_unlogged()
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
