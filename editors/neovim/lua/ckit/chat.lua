--- A conversation in a floating window: type below, read above, <C-c> ends a turn. One for each repository.
local client = require('ckit.client')
local window = require('ckit.window')
local Conversation = require('ckit.conversation')

local M = {}

---@class ckit.Chat
---@field buffer integer
---@field conversation ckit.Conversation
---@field pointed ckit.Attachment[] attached to what is typed next

---@type table<string, ckit.Chat> by repository
local chats = {}

local PROMPT = '> '

require('ckit.handlers').on_event(function(event)
  for _, chat in pairs(chats) do
    chat.conversation:hear(event)
  end
end)

--- Put text before the prompt; windows that stand at the end stay there.
---@param buffer integer
---@param text string
local function write(buffer, text)
  if text == '' or not vim.api.nvim_buf_is_valid(buffer) then
    return
  end
  local last = vim.api.nvim_buf_line_count(buffer)
  local following = vim.tbl_filter(function(each)
    return vim.api.nvim_win_get_cursor(each)[1] == last
  end, vim.fn.win_findbuf(buffer))
  if last == 1 then
    vim.api.nvim_buf_set_lines(buffer, 0, 0, false, { '' })
    last = 2
  end
  local line = vim.api.nvim_buf_get_lines(buffer, last - 2, last - 1, false)[1]
  vim.api.nvim_buf_set_text(buffer, last - 2, #line, last - 2, #line, vim.split(text, '\n'))
  for _, each in ipairs(following) do
    local column = vim.api.nvim_win_get_cursor(each)[2]
    vim.api.nvim_win_set_cursor(each, { vim.api.nvim_buf_line_count(buffer), column })
  end
end

--- Say in the window's bar what it is about and who answers.
---@param chat ckit.Chat
local function head(chat)
  local conversation = chat.conversation
  local session = conversation.session or {}
  local parts = {
    session.title ~= '' and session.title or 'a new conversation',
    conversation.model or session.model or conversation.answered or 'the model of the settings',
    conversation.mode or session.mode or 'general',
    conversation:is_busy() and '…' or nil,
  }
  local bar = table.concat(parts, ' · '):gsub('%%', '%%%%')
  for _, each in ipairs(vim.fn.win_findbuf(chat.buffer)) do
    vim.wo[each].winbar = bar
  end
end

---@param chat ckit.Chat
---@param text string
local function say(chat, text)
  if vim.trim(text) == '' then
    return
  end
  local pointed = chat.pointed
  chat.pointed = {}
  chat.conversation:say(text, pointed)
end

---@param root string
---@return ckit.Chat
local function create(root)
  local buffer = vim.api.nvim_create_buf(false, true)
  local chat = { buffer = buffer, pointed = {} }
  chat.conversation = Conversation.new(root, function(text)
    write(buffer, text)
  end, function()
    head(chat)
  end)
  vim.b[buffer].ckit_root = root
  vim.bo[buffer].buftype = 'prompt'
  vim.bo[buffer].bufhidden = 'hide'
  vim.bo[buffer].filetype = 'markdown'
  vim.api.nvim_buf_set_name(buffer, 'ckit://chat/' .. buffer)
  vim.fn.prompt_setprompt(buffer, PROMPT)
  vim.fn.prompt_setcallback(buffer, function(text)
    say(chat, text)
  end)
  vim.keymap.set({ 'n', 'i' }, '<C-c>', M.cancel, { buffer = buffer, desc = 'End the turn' })
  vim.api.nvim_create_autocmd('QuitPre', {
    desc = 'Let nobody be kept from quitting by a conversation, which is on disk',
    callback = function()
      if not vim.api.nvim_buf_is_valid(buffer) then
        return true
      end
      vim.bo[buffer].modified = false
    end,
  })
  return chat
end

--- The conversation about this repository, in a window.
---@param fresh? boolean begin a new one
---@return ckit.Chat?
local function show(fresh)
  local root = client.root()
  if not root then
    client.notify('there is no context repository here; open a file of one', vim.log.levels.WARN)
    return nil
  end
  local chat = chats[root]
  if chat and (fresh or not vim.api.nvim_buf_is_valid(chat.buffer)) then
    chat.conversation:cancel()
    pcall(vim.api.nvim_buf_delete, chat.buffer, { force = true })
    chat = nil
  end
  chat = chat or create(root)
  chats[root] = chat
  local shown = vim.fn.win_findbuf(chat.buffer)[1]
  if shown then
    vim.api.nvim_set_current_win(shown)
  else
    window.open(chat.buffer, 'ckit chat')
    local last = vim.api.nvim_buf_line_count(chat.buffer)
    vim.api.nvim_win_set_cursor(0, { last, #PROMPT })
  end
  head(chat)
  return chat
end

--- Open the conversation, and say something in it.
---@param text string
---@param attachments ckit.Attachment[]
function M.open(text, attachments)
  local chat = show()
  if not chat then
    return
  end
  vim.list_extend(chat.pointed, attachments)
  local transcript = require('ckit.transcript')
  if text == '' then
    for _, attachment in ipairs(attachments) do
      write(chat.buffer, ('\n_attached: %s_\n'):format(require('ckit.attachments').name(attachment)))
    end
    vim.cmd.startinsert({ bang = true })
  else
    write(chat.buffer, transcript.said(text, chat.pointed))
    say(chat, text)
  end
end

--- Begin a new conversation.
function M.new()
  if show(true) then
    vim.cmd.startinsert({ bang = true })
  end
end

--- Go on with an earlier one.
---@param id string
function M.take_up(id)
  local chat = show(true)
  if chat then
    chat.conversation:take_up(id, function()
      vim.cmd.startinsert({ bang = true })
    end)
  end
end

--- Choose a model or a mode for the next turn and those after it.
---@param field 'model'|'mode'
---@param value string
function M.choose(field, value)
  local chat = show()
  if chat then
    chat.conversation[field] = value
    head(chat)
  end
end

--- End the turn that runs; what it said stays.
function M.cancel()
  local chat = chats[client.root() or '']
  if chat then
    chat.conversation:cancel()
  end
end

--- Let go of what a daemon did that is gone.
---@param root string
function M.lost(root)
  if chats[root] then
    chats[root].conversation:lost()
  end
end

--- Go on with the turn that was interrupted.
function M.resume()
  local chat = show()
  if chat and not chat.conversation:resume() then
    client.notify('no turn of this conversation was interrupted; `:Ckit sessions` shows others')
  end
end

return M
