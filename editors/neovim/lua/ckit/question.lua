--- Shows what would happen, in a window of its own, and asks with `vim.ui.select`.
local window = require('ckit.window')

local M = {}

---@class ckit.Choice
---@field label string

---@class ckit.Question
---@field title string
---@field text string
---@field filetype? string of the text
---@field choices ckit.Choice[]
---@field kind string of the question, for `vim.ui.select`
---@field root? string the repository that it is about; that of the current buffer without it

---@class ckit.Asked
---@field close fun() withdraws the question; it is then answered with nothing

--- The built-in list waits for a line that is typed; nobody wants it any more.
local function leave_list()
  local mode = vim.api.nvim_get_mode()
  if mode.blocking or mode.mode:match('^[cr]') then
    vim.api.nvim_input('<Esc>')
  end
end

---@generic T: ckit.Choice
---@param question ckit.Question
---@param done fun(choice?: T)
---@return ckit.Asked
function M.ask(question, done)
  local buffer = window.show(question.title, question.text, question.filetype, question.root)
  local over, listed = false, false
  local function finish(choice)
    if over then
      return
    end
    over = true
    if vim.api.nvim_buf_is_valid(buffer) then
      vim.api.nvim_buf_delete(buffer, { force = true })
    end
    done(choice)
  end
  vim.schedule(function()
    if over then
      return
    end
    -- The list may wait for a key; what it is about has to be seen by then.
    vim.cmd.redraw()
    listed = true
    vim.ui.select(question.choices, {
      prompt = question.title,
      kind = question.kind,
      format_item = function(choice)
        return choice.label
      end,
    }, function(choice)
      listed = false
      finish(choice)
    end)
  end)
  return {
    close = function()
      if listed then
        leave_list()
      end
      vim.schedule(finish)
    end,
  }
end

return M
