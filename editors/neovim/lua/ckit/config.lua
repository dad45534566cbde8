---@class ckit.Options
---@field cmd? string[] the daemon's command line
---@field trusted? boolean whether the folder's `.venv` may be the daemon's, and scripts of it run after an approval
---@field config? table settings of the daemon, by group
---@field width? number share of the screen that floating windows take

---@type ckit.Options
local defaults = { trusted = false, config = vim.empty_dict(), width = 0.7 }

local M = { options = vim.deepcopy(defaults) }

---@param options ckit.Options
function M.set(options)
  for name, value in pairs(options) do
    local wanted = ({ cmd = 'table', trusted = 'boolean', config = 'table', width = 'number' })[name]
    if not wanted then
      error(('ckit: there is no option `%s`; see |ckit-options|'):format(name), 3)
    elseif type(value) ~= wanted then
      error(('ckit: the option `%s` is a %s, not a %s'):format(name, wanted, type(value)), 3)
    end
  end
  M.options = vim.tbl_extend('force', vim.deepcopy(defaults), options)
end

---@param value any
---@return any
local function as_object(value)
  return (type(value) == 'table' and next(value) == nil) and vim.empty_dict() or value
end

--- The settings for the daemon. An empty group is an object, too, which JSON can't tell from an empty list.
---@return table
function M.settings()
  return as_object(vim.tbl_map(as_object, M.options.config))
end

--- The command line of the daemon: the option, a virtual environment, PATH.
---
--- A `.venv` that lies in the folder is anybody's: opening a file would run whatever they have put there.
---@return string[]? command
---@return string? problem what to do where there is none
function M.command()
  if M.options.cmd then
    return M.options.cmd
  end
  local windows = vim.fn.has('win32') == 1
  local folder = windows and 'Scripts' or 'bin'
  local own = vim.fs.joinpath(vim.fn.getcwd(), '.venv')
  for _, place in pairs({ vim.env.VIRTUAL_ENV, M.options.trusted and own or nil }) do
    local program = vim.fs.joinpath(place, folder, windows and 'ckit-daemon.exe' or 'ckit-daemon')
    if vim.fn.executable(program) == 1 then
      return { program }
    end
  end
  if vim.fn.executable('ckit-daemon') == 1 then
    return { 'ckit-daemon' }
  end
  return nil,
    'ckit-daemon is not in PATH. Install it with `pip install ckit-daemon`, or set `cmd` in require("ckit").setup(); '
      .. 'with `trusted = true`, that of `.venv` in this folder is taken.'
end

return M
