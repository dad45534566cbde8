--- A conversation in a floating window: type below, read above, <C-c> ends a turn.
local client = require('ckit.client')
local window = require('ckit.window')

local M = {}

---@class ckit.Chat
---@field buffer integer
---@field session? string
---@field running? ckit.Request
---@field open? string the item whose text is being written
local chat

local PROMPT = '> '

--- Put lines or more text of the last one before the prompt.
local function write(text)
  if not chat or not vim.api.nvim_buf_is_valid(chat.buffer) then
    return
  end
  local before = vim.api.nvim_buf_line_count(chat.buffer) - 1
  if before == 0 then
    vim.api.nvim_buf_set_lines(chat.buffer, 0, 0, false, { '' })
    before = 1
  end
  local line = vim.api.nvim_buf_get_lines(chat.buffer, before - 1, before, false)[1]
  vim.api.nvim_buf_set_text(chat.buffer, before - 1, #line, before - 1, #line, vim.split(text, '\n'))
  for _, each in ipairs(vim.fn.win_findbuf(chat.buffer)) do
    vim.api.nvim_win_set_cursor(each, { vim.api.nvim_buf_line_count(chat.buffer), #PROMPT })
  end
end

---@param item table
local function describe(item)
  if item.kind == 'toolCall' then
    local sign = ({ ok = '✔', error = '✘', denied = '✘', cancelled = '✘' })[item.result] or '…'
    return ('\n%s %s %s\n'):format(sign, item.name, item.result ~= 'ok' and (item.text or '') or '')
  elseif item.kind == 'error' then
    return ('\n✘ %s\n'):format(item.failure and item.failure.message or 'something went wrong')
  end
end

local function on_event(event)
  if not chat or event.sessionId ~= chat.session then
    return
  end
  if event.type == 'itemDelta' then
    if chat.open ~= event.itemId then
      chat.open = event.itemId
      write('\n')
    end
    write(event.text)
  elseif event.type == 'itemCompleted' then
    local text = describe(event.item)
    if text then
      write(text)
    end
  end
end

local function ended(turn)
  chat.running = nil
  local usage = turn.usage or {}
  local tokens = (usage.inputTokens or 0) + (usage.outputTokens or 0)
  local reason = turn.stopReason ~= 'endTurn' and (' · ' .. tostring(turn.stopReason)) or ''
  write(('\n\n_%s · %d tokens%s_\n'):format(turn.model, tokens, reason))
end

local function say(text)
  if vim.trim(text) == '' then
    return
  end
  if chat.running then
    client.request('ckit/turn/steer', { sessionId = chat.session, text = text }, function() end)
    return
  end
  chat.running = client.request('ckit/turn/start', { sessionId = chat.session, text = text }, function(result, problem)
    if result then
      ended(result.turn)
    else
      chat.running = nil
      write(('\n\n_%s_\n'):format(problem and problem.code == 'cancelled' and 'cancelled' or 'The turn failed.'))
    end
  end)
end

--- End the turn that runs; what it said stays.
function M.cancel()
  if chat and chat.running then
    local running = chat.running
    client.request('ckit/turn/cancel', { sessionId = chat.session }, function() end, { quiet = true })
    running.cancel()
  end
end

local function begin(text)
  client.request('ckit/session/create', {}, function(result)
    if result then
      chat.session = result.session.id
      if text then
        write('\n' .. PROMPT .. text)
        say(text)
      end
    end
  end)
end

--- Open the conversation, and say something in it.
---@param text? string
function M.open(text)
  if chat and vim.api.nvim_buf_is_valid(chat.buffer) then
    if #vim.fn.win_findbuf(chat.buffer) == 0 then
      window.open(chat.buffer, 'ckit chat')
    end
    if text then
      write('\n' .. PROMPT .. text)
      say(text)
    end
    return
  end
  chat = { buffer = vim.api.nvim_create_buf(false, true) }
  vim.api.nvim_buf_set_name(chat.buffer, 'ckit://chat')
  vim.bo[chat.buffer].buftype = 'prompt'
  vim.bo[chat.buffer].filetype = 'markdown'
  vim.bo[chat.buffer].bufhidden = 'hide'
  vim.fn.prompt_setprompt(chat.buffer, PROMPT)
  vim.fn.prompt_setcallback(chat.buffer, say)
  vim.keymap.set({ 'n', 'i' }, '<C-c>', M.cancel, { buffer = chat.buffer, desc = 'End the turn' })
  window.open(chat.buffer, 'ckit chat')
  client.on_event(on_event)
  begin(text)
  if not text then
    vim.cmd.startinsert()
  end
end

--- Whether a turn runs.
---@return boolean
function M.is_running()
  return chat ~= nil and chat.running ~= nil
end

return M
