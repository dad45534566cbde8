--- Floating windows.
local config = require('ckit.config')

local M = {}

---@param buffer integer
---@param title string
---@return integer window
function M.open(buffer, title)
  local width = math.floor(vim.o.columns * config.options.width)
  local height = math.floor(vim.o.lines * 0.8)
  local window = vim.api.nvim_open_win(buffer, true, {
    relative = 'editor',
    width = width,
    height = height,
    col = math.floor((vim.o.columns - width) / 2),
    row = math.floor((vim.o.lines - height) / 2) - 1,
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
---@return integer buffer
function M.show(title, text, filetype)
  local buffer = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_lines(buffer, 0, -1, false, vim.split(text, '\n'))
  vim.bo[buffer].filetype = filetype or 'markdown'
  vim.bo[buffer].bufhidden = 'wipe'
  vim.bo[buffer].modifiable = false
  M.open(buffer, title)
  return buffer
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

return M
