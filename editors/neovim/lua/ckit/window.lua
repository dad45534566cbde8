--- Floating windows.
local config = require('ckit.config')

local M = {}

---@param buffer integer
---@param title string
---@return integer window
function M.open(buffer, title)
  local width = math.max(20, math.floor(vim.o.columns * config.options.width))
  local height = math.max(5, math.floor(vim.o.lines * 0.8))
  if not vim.b[buffer].ckit_root then
    -- What is done in the window is about the repository that it was opened from.
    vim.b[buffer].ckit_root = require('ckit.client').root()
  end
  local window = vim.api.nvim_open_win(buffer, true, {
    relative = 'editor',
    width = width,
    height = height,
    col = math.floor((vim.o.columns - width) / 2),
    row = math.max(0, math.floor((vim.o.lines - height) / 2) - 1),
    border = 'rounded',
    title = (' %s '):format(title),
    title_pos = 'center',
    style = 'minimal',
  })
  vim.wo[window].wrap = true
  vim.wo[window].linebreak = true
  vim.wo[window].conceallevel = 2
  vim.keymap.set('n', 'q', '<cmd>close<cr>', { buffer = buffer, desc = 'Close this window' })
  return window
end

--- Show a text that nobody edits.
---@param title string
---@param text string
---@param filetype? string
---@param root? string the repository that it is about; that of the current buffer without it
---@return integer buffer
function M.show(title, text, filetype, root)
  local buffer = vim.api.nvim_create_buf(false, true)
  vim.b[buffer].ckit_root = root
  vim.api.nvim_buf_set_lines(buffer, 0, -1, false, vim.split(text, '\n'))
  M.open(buffer, title)
  vim.bo[buffer].filetype = filetype or 'markdown'
  vim.bo[buffer].bufhidden = 'wipe'
  vim.bo[buffer].modifiable = false
  return buffer
end

--- Replace a text that nobody edits.
---@param buffer integer
---@param text string
function M.set(buffer, text)
  if vim.api.nvim_buf_is_valid(buffer) then
    vim.bo[buffer].modifiable = true
    vim.api.nvim_buf_set_lines(buffer, 0, -1, false, vim.split(text, '\n'))
    vim.bo[buffer].modifiable = false
  end
end

--- Put a text behind the end of a buffer that a person can't edit.
---@param buffer integer
---@param text string
function M.append(buffer, text)
  if not vim.api.nvim_buf_is_valid(buffer) then
    return
  end
  vim.bo[buffer].modifiable = true
  local last = vim.api.nvim_buf_line_count(buffer)
  local line = vim.api.nvim_buf_get_lines(buffer, last - 1, last, false)[1] or ''
  vim.api.nvim_buf_set_text(buffer, last - 1, #line, last - 1, #line, vim.split(text, '\n'))
  vim.bo[buffer].modifiable = false
end

--- Let <C-c> end what fills a window.
---@param buffer integer
---@param cancel fun()
function M.cancels(buffer, cancel)
  vim.keymap.set('n', '<C-c>', cancel, { buffer = buffer, desc = 'Give up' })
end

return M
