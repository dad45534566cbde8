--- Who answers in a conversation, and how.
local client = require('ckit.client')
local complete = require('ckit.complete')

local M = {}

---@param field 'model'|'mode'
---@param prompt string
---@param choices string[]
---@param chosen? string
local function set(field, prompt, choices, chosen)
  local chat = require('ckit.chat')
  local function take(value)
    if value then
      chat.choose(field, value)
    end
  end
  if chosen then
    take(chosen)
  else
    vim.ui.select(choices, { prompt = prompt, kind = 'ckit.' .. field }, take)
  end
end

--- Choose a model for the next turn and those after it.
---@param name? string `provider/model`; it is asked for without it
function M.model(name)
  local choices = name and {} or complete.models()
  if not name and #choices == 0 then
    client.notify('no provider is ready; `:Ckit providers` says why', vim.log.levels.WARN)
    return
  end
  set('model', 'Who is to answer?', choices, name)
end

--- Choose a mode for the next turn and those after it.
---@param name? string it is asked for without it
function M.mode(name)
  set('mode', 'How is it to work?', { 'general', 'improvement', 'clarification' }, name)
end

return M
